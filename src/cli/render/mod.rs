//! `render`: frames through decoder, both cache tiers and the image pass, to files.

mod encoders;
pub(super) mod export;
pub(super) mod output;
pub(super) mod painter;
mod recipe;
pub(super) mod sink;
mod tally;

use std::sync::Arc;

use super::args::{DrawArgs, MediaArgs, RenderArgs};
use super::session::{Headless, HeadlessOptions, set_color};
use super::{Failure, Interrupt};
use crate::player::{Command, Pace};
use crate::sequence::RangeSet;
use export::Export;
use output::Output;
use painter::Drawing;
use sink::PictureFiles;

pub fn render(args: &RenderArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    begin(args, interrupt)?.run()
}

fn begin(args: &RenderArgs, interrupt: &Interrupt) -> Result<Export, Failure> {
    let output = Output::of(args)?;
    let (headless, numbers) = open(&args.draw, output, interrupt)?;
    let drawing = Drawing { output, size: args.draw.size, window: None, filter: args.draw.filter.into() };
    let files = PictureFiles::new(args, numbers.len())?;
    Export::new(headless, drawing, Arc::new(files), numbers)
}

/// Opens the media as the arguments want it drawn, and says which of its frames those are.
///
/// # Errors
/// As [`Headless::open`]; [`Failure::USAGE`] when the clip has none of the frames.
pub(super) fn open(
    args: &DrawArgs,
    output: Output,
    interrupt: &Interrupt,
) -> Result<(Headless, Vec<i64>), Failure> {
    let options = HeadlessOptions {
        pace: Pace::EveryFrame,
        forces_bits: output.is_raw(),
        format: output.target(),
        color: args.color.request(),
    };
    let mut headless = Headless::open(&args.media, &args.clip, &args.machine, &options, interrupt)?;
    set_color(&mut headless.player, &args.color);
    headless.player.command(Command::Channel(args.channel.into()));
    let numbers = frame_numbers(args.frames.as_deref(), &args.clip, &headless)?;
    Ok((headless, numbers))
}

/// The frame numbers to render: those asked for that the clip has, else all of the work area.
///
/// # Errors
/// [`Failure::USAGE`] when the clip has none of them.
fn frame_numbers(frames: Option<&str>, args: &MediaArgs, headless: &Headless) -> Result<Vec<i64>, Failure> {
    let usage = |message: String| Failure::new(Failure::USAGE, message);
    let Some(clip) = headless.player.clip() else { return Ok(Vec::new()) };
    let (first, last) = (clip.number(0), clip.number(clip.frames() - 1));
    let all = || (0..clip.frames()).map(|index| clip.number(index));
    let Some(text) = frames else {
        let inside = |number: &i64| {
            args.in_point.is_none_or(|first| *number >= first)
                && args.out_point.is_none_or(|last| *number <= last)
        };
        let numbers: Vec<i64> = all().filter(inside).collect();
        return match numbers.is_empty() {
            true => Err(usage(format!("the work area lies outside the clip, which has {first}-{last}"))),
            false => Ok(numbers),
        };
    };
    let wanted = RangeSet::parse(text).map_err(|error| usage(error.to_string()))?;
    let numbers: Vec<i64> = all().filter(|number| wanted.contains(*number)).collect();
    if numbers.is_empty() {
        return Err(usage(format!(
            "none of the frames {} is in the clip, which has {first}-{last}",
            crate::text::shown(text)
        )));
    }
    Ok(numbers)
}
