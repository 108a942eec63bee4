//! `info` and `ls`: what is in files and folders, as lines or as one JSON object a line.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::args::{InfoArgs, LsArgs};
use super::{Failure, print_lines, say};
use crate::decode::{self, MediaInfo, Part};
use crate::frame::Window;
use crate::sequence::{Media, ResolveOptions, Resolved, Sequence, list, resolve};
use crate::text::{shown, shown_capped, shown_path};
use crate::time::FrameTimes;

/// Characters of an attribute's value that are shown.
const ATTRIBUTE_CHARS: usize = 200;

pub fn info(args: &InfoArgs) -> Result<(), Failure> {
    super::log_at(log::LevelFilter::Error);
    let (resolved, errors) = resolve(&args.media, &ResolveOptions { single: args.single });
    errors.iter().for_each(|error| say(&error.to_string()));
    let mut failed = errors.len();
    let mut opened = 0;
    for resolved in &resolved {
        let path = first_path(&resolved.media);
        match decode::probe(path) {
            Ok(found) => {
                opened += 1;
                let lines = if args.json {
                    vec![media_json(resolved, &found).to_string()]
                } else {
                    media_lines(resolved, &found)
                };
                print_lines(lines.into_iter())?;
            }
            Err(error) => {
                failed += 1;
                say(&format!("{}: {error}", shown_path(path)));
            }
        }
    }
    match (opened, failed) {
        (0, _) => Err(Failure::new(Failure::NO_MEDIA, "")),
        (_, 0) => Ok(()),
        _ => Err(Failure::new(Failure::SOME_MEDIA, "")),
    }
}

pub fn ls(args: &LsArgs) -> Result<(), Failure> {
    let mut failed = 0;
    for folder in &args.folders {
        match list(folder) {
            Ok(listing) => print_lines(
                listing
                    .entries
                    .iter()
                    .map(|media| if args.json { entry_json(media).to_string() } else { entry_line(media) }),
            )?,
            Err(error) => {
                failed += 1;
                say(&error.to_string());
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed if failed == args.folders.len() => Err(Failure::new(Failure::NO_MEDIA, "")),
        _ => Err(Failure::new(Failure::SOME_MEDIA, "")),
    }
}

fn first_path(media: &Media) -> &std::path::Path {
    match media {
        Media::File(path) => path,
        Media::Sequence(sequence) => &sequence.frames()[0].path,
    }
}

/// The sound file that a sequence is heard with.
fn sound_beside(media: &Media) -> Option<String> {
    let Media::Sequence(sequence) = media else { return None };
    sequence.sound_beside().map(|(path, _)| shown_path(path))
}

fn gap_text(gap: &RangeInclusive<i64>) -> String {
    if gap.start() == gap.end() { gap.start().to_string() } else { format!("{}-{}", gap.start(), gap.end()) }
}

fn gaps_text(sequence: &Sequence) -> String {
    let gaps = sequence.gaps();
    if gaps.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = gaps.iter().take(10).map(gap_text).collect();
    let more = if gaps.len() > 10 { ", …" } else { "" };
    format!(", missing {}{more}", shown.join(", "))
}

fn entry_line(media: &Media) -> String {
    match media {
        Media::File(path) => shown_path(path),
        Media::Sequence(sequence) => format!(
            "{}  {}-{}  {} frames{}",
            shown_path(sequence.dir().join(sequence.pattern())),
            sequence.first(),
            sequence.last(),
            sequence.frames().len(),
            gaps_text(sequence)
        ),
    }
}

fn entry_json(media: &Media) -> Value {
    match media {
        Media::File(path) => json!({ "file": shown_path(path) }),
        Media::Sequence(sequence) => json!({
            "pattern": sequence.pattern(),
            "folder": shown_path(sequence.dir()),
            "first": sequence.first(),
            "last": sequence.last(),
            "frames": sequence.frames().len(),
            "gaps": sequence.gaps().iter().map(|gap| [*gap.start(), *gap.end()]).collect::<Vec<_>>(),
        }),
    }
}

fn window_text(window: Window) -> String {
    format!("{}x{} at {} {}", window.width, window.height, window.x, window.y)
}

fn media_lines(resolved: &Resolved, info: &MediaInfo) -> Vec<String> {
    let mut lines = vec![entry_line(&resolved.media)];
    lines.extend(resolved.notice.iter().map(|notice| format!("  note        {notice}")));
    lines.extend(sound_beside(&resolved.media).map(|sound| format!("  sound       {sound}")));
    lines.push(format!("  format      {}", info.format));
    let times = info.times.clone().or(info.rate.map(FrameTimes::from));
    lines.extend(times.map(|times| format!("  fps         {times}")));
    for part in &info.parts {
        lines.extend(part_lines(part, info.parts.len() > 1));
    }
    for (position, layer) in info.layers.iter().enumerate() {
        let channels: Vec<String> = layer.planes.channels.iter().map(|(name, _)| shown(name)).collect();
        let mark = if position == info.default_layer { "*" } else { " " };
        lines.push(format!("  layer {mark}     {}: {}", shown(&layer.name), channels.join(" ")));
    }
    lines
}

fn part_lines(part: &Part, is_one_of_many: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if is_one_of_many {
        let name = part.name.as_deref().map(shown).unwrap_or_default();
        let view = part.view.as_deref().map(|view| format!(", view {}", shown(view))).unwrap_or_default();
        lines.push(format!("  part {}      {name}{view}", part.number));
    }
    let channels: Vec<String> = part
        .channels
        .iter()
        .map(|channel| format!("{} ({})", shown(&channel.name), channel.sample.name()))
        .collect();
    lines.push(format!("  storage     {}, {}", part.storage, part.compression));
    if let [_, .., last] = part.levels[..] {
        lines.push(format!("  levels      {}, down to {}x{}", part.levels.len(), last.0, last.1));
    }
    if !part.views.is_empty() {
        lines.push(format!("  views       {}", part.views.iter().map(shown).collect::<Vec<_>>().join(", ")));
    }
    lines.push(format!("  display     {}", window_text(part.display_window)));
    lines.push(format!("  data        {}", window_text(part.data_window)));
    if part.pixel_aspect != 1.0 {
        lines.push(format!("  aspect      {}", part.pixel_aspect));
    }
    lines.push(format!("  channels    {}", channels.join(" ")));
    lines.extend(part.obstacle.iter().map(|obstacle| format!("  cannot show {obstacle}: not supported yet")));
    for attribute in &part.attributes {
        let value = shown_capped(&attribute.value, ATTRIBUTE_CHARS);
        lines.push(format!("  attribute   {} ({}): {value}", shown(&attribute.name), shown(&attribute.kind)));
    }
    lines
}

fn window_json(window: Window) -> Value {
    json!({ "x": window.x, "y": window.y, "width": window.width, "height": window.height })
}

fn media_json(resolved: &Resolved, info: &MediaInfo) -> Value {
    let parts: Vec<Value> = info.parts.iter().map(part_json).collect();
    let layers: Vec<Value> = info
        .layers
        .iter()
        .map(|layer| {
            let channels: Vec<String> = layer.planes.channels.iter().map(|(name, _)| shown(name)).collect();
            json!({ "name": shown(&layer.name), "part": layer.planes.part, "channels": channels })
        })
        .collect();
    json!({
        "media": entry_json(&resolved.media),
        "notice": resolved.notice,
        "format": info.format,
        "fps": info.rate.map(|rate| rate.as_f64()),
        "variable_rate": info.times.is_some(),
        "frame_ms": info.times.as_ref().and_then(extremes_json),
        "linear": info.is_linear,
        "parts": parts,
        "layers": layers,
        "default_layer": info.default_layer,
    })
}

/// The shortest and the longest frame.
fn extremes_json(times: &FrameTimes) -> Option<Value> {
    let (shortest, longest) = times.extremes()?;
    Some(json!({ "shortest": shortest as f64 / 1e6, "longest": longest as f64 / 1e6 }))
}

fn part_json(part: &Part) -> Value {
    let channels: Vec<Value> = part
        .channels
        .iter()
        .map(|channel| {
            json!({ "name": shown(&channel.name), "sample": channel.sample.name(), "sampling": channel.sampling })
        })
        .collect();
    let attributes: Vec<Value> = part
        .attributes
        .iter()
        .map(|attribute| {
            json!({
                "name": shown(&attribute.name),
                "type": shown(&attribute.kind),
                "value": shown_capped(&attribute.value, ATTRIBUTE_CHARS),
            })
        })
        .collect();
    json!({
        "number": part.number,
        "name": part.name.as_deref().map(shown),
        "view": part.view.as_deref().map(shown),
        "views": part.views.iter().map(shown).collect::<Vec<_>>(),
        "storage": part.storage,
        "levels": part.levels,
        "compression": part.compression,
        "data_window": window_json(part.data_window),
        "display_window": window_json(part.display_window),
        "pixel_aspect": part.pixel_aspect,
        "channels": channels,
        "attributes": attributes,
        "obstacle": part.obstacle,
    })
}
