//! Owns the three questions to an EXR file: what is in it, its planes, and how fast it could be read at best. The
//! thread that decodes.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use super::blocks::BlockGrid;
use super::header::{self, FileHeader, PartHeader};
use super::inflate::Workspace;
use super::place::sample_type;
use super::plan::{FramePlan, channel_kinds};
use super::source::{ReadWindow, Source};
use super::walk::ChunkWalk;
use super::{attribute, codec, gate, proxy};
use crate::decode::media::{default_layer, layers_of};
use crate::decode::{
    Access, Channel, DecodeEnd, DecodeError, DecodeFloor, DecodeRequest, MediaInfo, Part, PlaneRequest,
};
use crate::frame::{FrameMemory, Orientation};
use crate::time::Rate;

/// Reads the headers of a file.
///
/// # Errors
/// [`DecodeError`] when the file cannot be read or the gate refuses it.
pub fn probe(path: &Path, file: &File) -> Result<MediaInfo, DecodeError> {
    let source = Source::new(path, file)?;
    let header = ReadWindow::new().header(&source)?;
    describe_file(&header, source.file_bytes(), source.path())
}

/// What a header says of a file of this size.
///
/// # Errors
/// [`DecodeError`] when the gate refuses it.
pub fn describe_file(header: &FileHeader, file_bytes: u64, path: &Path) -> Result<MediaInfo, DecodeError> {
    gate::check_file(header, file_bytes)?;
    let parts: Vec<Part> = header
        .parts
        .iter()
        .enumerate()
        .filter_map(|(number, part)| describe(number, part, file_bytes).ok())
        .collect();
    if parts.len() < header.parts.len() {
        log::warn!("{}: some parts declare more than the limits", crate::text::shown_path(path));
    }
    let layers = layers_of(&parts);
    if layers.is_empty() {
        return Err(DecodeError::damaged("it has no channels"));
    }
    Ok(MediaInfo {
        format: "EXR".into(),
        default_layer: default_layer(&parts, &layers),
        layers,
        rate: header.parts[0].attribute("framesPerSecond").and_then(rate),
        times: None,
        parts,
        is_linear: true,
        access: Access::Random,
        length: None,
        sound: None,
        notice: None,
    })
}

fn rate(attribute: &header::RawAttribute) -> Option<Rate> {
    let num = attribute.value.get(0..4)?.try_into().map(u32::from_le_bytes).ok()?;
    let den = attribute.value.get(4..8)?.try_into().map(u32::from_le_bytes).ok()?;
    Rate::new(num, den).ok()
}

fn describe(number: usize, part: &PartHeader, file_bytes: u64) -> Result<Part, DecodeError> {
    gate::check_part(part, file_bytes)?;
    let data_window = gate::data_window(part)?;
    let channels = channel_kinds(part).into_iter().map(|channel| Channel {
        name: String::from_utf8_lossy(&channel.name).into_owned(),
        sample: sample_type(channel.kind),
        sampling: channel.sampling,
    });
    let levels: Vec<(u32, u32)> = BlockGrid::levels(part, data_window)
        .filter(|grid| grid.level().0 == grid.level().1)
        .map(|grid| (grid.width(), grid.height()))
        .collect();
    Ok(Part {
        number,
        name: part.text("name"),
        view: part.text("view"),
        data_window,
        display_window: gate::display_window(part, data_window),
        pixel_aspect: gate::pixel_aspect(part),
        orientation: Orientation::default(),
        compression: attribute::compression_name(part.compression),
        storage: storage(part),
        channels: channels.collect(),
        attributes: part.attributes.iter().map(attribute::shown).collect(),
        views: part.attribute("multiView").map(attribute::strings).unwrap_or_default(),
        color: attribute::stated_color(part),
        scrub_level: proxy::scrub_level(part, &levels),
        levels,
        obstacle: codec::obstacle(part),
    })
}

fn storage(part: &PartHeader) -> String {
    let deep = if part.is_deep { "deep " } else { "" };
    match part.tiles {
        Some(tiles) => format!("{deep}tiled {}x{}", tiles.width, tiles.height),
        None => format!("{deep}scanline"),
    }
}

/// Threads beyond these do not make one frame faster.
const MAX_HELPERS: usize = 63;

/// Decodes the requested channels of an open file into `memory`.
///
/// # Errors
/// [`DecodeError`] when nothing could be decoded; a frame of which a part could is done, and says
/// what is missing.
pub fn decode(
    request: &DecodeRequest,
    file: &File,
    memory: &mut FrameMemory,
) -> Result<DecodeEnd, DecodeError> {
    let source = Source::new(&request.path, file)?;
    let mut window = ReadWindow::new();
    let plan = FramePlan::of(&source, &mut window, &request.planes, request.level)?;
    let needed_bytes = plan.layout().total_bytes();
    if needed_bytes > memory.len_bytes() {
        return Ok(DecodeEnd::Refused { needed_bytes });
    }
    let chunks = ChunkWalk::new(&plan, &source, &mut window)?;
    let helpers = request.helpers.min(MAX_HELPERS);
    let mut decode = |memory: &mut [u8]| chunks.decode(&mut window, &request.watch, helpers, memory);
    let end = match &plan.mix {
        None => decode(memory.bytes_mut()),
        Some(mix) => mix.decode(memory.bytes_mut(), helpers, decode),
    };
    let largest_chunk = plan.grid.max_block_pixels() * gate::bytes_per_pixel(&plan.part);
    Workspace::with(|workspace| workspace.trim(largest_chunk as usize));
    if !matches!(end, Ok(DecodeEnd::Skipped)) {
        source.check_unchanged()?;
    }
    end
}

/// What no decoder of this file can do without, measured on the calling thread.
///
/// # Errors
/// [`DecodeError`] when the file cannot be read; broken chunks are passed over.
pub fn floor(path: &Path, file: &File, planes: &PlaneRequest) -> Result<DecodeFloor, DecodeError> {
    let source = Source::new(path, file)?;
    let mut window = ReadWindow::new();
    let plan = FramePlan::of(&source, &mut window, &planes.clone().into(), 0)?;
    let chunks = ChunkWalk::new(&plan, &source, &mut window)?;
    let mut read_nanos = 0;
    let mut inflate_nanos = Some(0);
    for found in chunks.found_chunks(&mut window) {
        let started = Instant::now();
        let compressed = window.bytes(&source, found.offset, found.length)?;
        read_nanos += nanos_since(started);
        let started = Instant::now();
        let inflates = plan.codec.inflate_only(&plan.placement.chunk(found.area), compressed);
        inflate_nanos = inflate_nanos.filter(|_| inflates).map(|nanos| nanos + nanos_since(started));
    }
    Ok(DecodeFloor { read_nanos, inflate_nanos })
}

fn nanos_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
