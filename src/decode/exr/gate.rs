//! Owns the limits that a header must keep before any pixel memory is taken. Every refusal names
//! what the file declares and the limit that it hit.

use super::blocks::BlockGrid;
use super::header::{Box2i, FileHeader, PartHeader};
use crate::decode::DecodeError;
use crate::frame::Window;

/// Pixels along one side of a data window.
const MAX_SIDE: i64 = 65_536;
/// Distance of a window from the origin.
const MAX_ORIGIN: i64 = 1 << 30;
/// Channels of one part.
const MAX_CHANNELS: usize = 1024;
/// Chunks of one part.
const MAX_CHUNKS: u64 = 1 << 22;
/// Pixels along one side of a tile.
const MAX_TILE_SIDE: u32 = 16_384;
/// Bytes of the decoded part, all channels.
const MAX_PART_BYTES: u64 = 16 << 30;
/// Bytes of the planes of one frame.
pub const MAX_FRAME_BYTES: u64 = 4 << 30;
/// Bytes that one chunk may decode to, and that one of deep data may have in the file.
pub const MAX_CHUNK_BYTES: u64 = 1 << 30;
/// Above this many declared bytes, a file may declare at most [`MAX_RATIO`] times its own size.
const RATIO_FROM_BYTES: u64 = 256 << 20;
const MAX_RATIO: u64 = 10_000;
/// The display window may be this many times the data window before it is taken for nonsense.
const MAX_DISPLAY_AREA_RATIO: u64 = 4;

fn damaged(reason: String) -> DecodeError {
    DecodeError::damaged(reason)
}

/// The data window of a part, checked.
///
/// # Errors
/// [`DecodeError`] naming the limit.
pub fn data_window(part: &PartHeader) -> Result<Window, DecodeError> {
    let window = checked_window(part.data_window)
        .ok_or_else(|| damaged(format!("its data window {} is empty", corners(part.data_window))))?;
    if i64::from(window.width) > MAX_SIDE || i64::from(window.height) > MAX_SIDE {
        return Err(damaged(format!(
            "it declares {} x {} pixels; the limit is {MAX_SIDE} a side",
            window.width, window.height
        )));
    }
    if i64::from(window.x).abs() > MAX_ORIGIN || i64::from(window.y).abs() > MAX_ORIGIN {
        return Err(damaged(format!("its data window starts at {} {}", window.x, window.y)));
    }
    Ok(window)
}

/// The display window, or the data window where the file's own is unusable.
pub fn display_window(part: &PartHeader, data: Window) -> Window {
    let plausible = |window: &Window| {
        i64::from(window.width) <= MAX_SIDE
            && i64::from(window.height) <= MAX_SIDE
            && i64::from(window.x).abs() <= MAX_ORIGIN
            && i64::from(window.y).abs() <= MAX_ORIGIN
            && (window.pixels() <= data.pixels().saturating_mul(MAX_DISPLAY_AREA_RATIO)
                || window.pixels() <= 8192 * 8192)
    };
    checked_window(part.display_window).filter(plausible).unwrap_or(data)
}

/// A finite pixel aspect ratio in `[1/64, 64]`; 1 where the file's is not.
pub fn pixel_aspect(part: &PartHeader) -> f32 {
    let aspect = part.pixel_aspect;
    if (1.0 / 64.0..=64.0).contains(&aspect) { aspect } else { 1.0 }
}

/// Checks one part against every limit.
///
/// # Errors
/// [`DecodeError`] naming what was declared and the limit.
pub fn check_part(part: &PartHeader, file_bytes: u64) -> Result<(), DecodeError> {
    let window = data_window(part)?;
    check_channels(part)?;
    if let Some(tiles) = part.tiles
        && !((1..=MAX_TILE_SIDE).contains(&tiles.width) && (1..=MAX_TILE_SIDE).contains(&tiles.height))
    {
        return Err(damaged(format!(
            "it declares tiles of {} x {}; the limit is {MAX_TILE_SIDE} a side",
            tiles.width, tiles.height
        )));
    }
    let declared = window.pixels() * bytes_per_pixel(part);
    if declared > MAX_PART_BYTES {
        return Err(damaged(format!(
            "it declares {} of pixels; the limit is {}",
            gib(declared),
            gib(MAX_PART_BYTES)
        )));
    }
    if declared > RATIO_FROM_BYTES && declared / MAX_RATIO > file_bytes {
        return Err(damaged(format!(
            "it declares {} of pixels in a file of {file_bytes} bytes",
            gib(declared)
        )));
    }
    check_chunks(part, window, file_bytes)
}

fn check_channels(part: &PartHeader) -> Result<(), DecodeError> {
    let count = part.channels.len();
    if count == 0 {
        return Err(damaged("it has no channels".into()));
    }
    if count > MAX_CHANNELS {
        return Err(damaged(format!("it has {count} channels; the limit is {MAX_CHANNELS}")));
    }
    for channel in &part.channels {
        if !(0..=2).contains(&channel.pixel_type) {
            return Err(damaged(format!("a channel has the unknown type {}", channel.pixel_type)));
        }
        if channel.sampling.0 < 1 || channel.sampling.1 < 1 {
            return Err(damaged("a channel has a sampling below 1".into()));
        }
    }
    Ok(())
}

fn check_chunks(part: &PartHeader, window: Window, file_bytes: u64) -> Result<(), DecodeError> {
    let grid = BlockGrid::new(part, window);
    let chunks = BlockGrid::total_chunks(part, window);
    if chunks > MAX_CHUNKS || chunks * 8 > file_bytes {
        return Err(damaged(format!(
            "it declares {chunks} chunks in a file of {file_bytes} bytes (limit {MAX_CHUNKS})"
        )));
    }
    let chunk_bytes = grid.max_block_pixels() * bytes_per_pixel(part);
    if chunk_bytes > MAX_CHUNK_BYTES {
        return Err(damaged(format!(
            "one of its chunks declares {}; the limit is {}",
            gib(chunk_bytes),
            gib(MAX_CHUNK_BYTES)
        )));
    }
    match part.chunk_count {
        Some(count) if u64::try_from(count) != Ok(chunks) => {
            Err(damaged(format!("it declares {count} chunks where its size makes {chunks}")))
        }
        _ => Ok(()),
    }
}

/// Checks what all parts share.
///
/// # Errors
/// [`DecodeError`] of the first part that fails, when no part passes.
pub fn check_file(header: &FileHeader, file_bytes: u64) -> Result<(), DecodeError> {
    header
        .parts
        .iter()
        .map(|part| check_part(part, file_bytes))
        .find(Result::is_ok)
        .unwrap_or_else(|| check_part(&header.parts[0], file_bytes))
}

/// Bytes of one pixel of every channel.
pub fn bytes_per_pixel(part: &PartHeader) -> u64 {
    part.channels.iter().map(|channel| if channel.pixel_type == 1 { 2 } else { 4 }).sum()
}

fn checked_window(stored: Box2i) -> Option<Window> {
    let side = |min: i32, max: i32| u32::try_from(i64::from(max) - i64::from(min) + 1).ok();
    let width = side(stored.min.0, stored.max.0).filter(|side| *side > 0)?;
    let height = side(stored.min.1, stored.max.1).filter(|side| *side > 0)?;
    Some(Window { x: stored.min.0, y: stored.min.1, width, height })
}

fn corners(window: Box2i) -> String {
    format!("({} {}) - ({} {})", window.min.0, window.min.1, window.max.0, window.max.1)
}

fn gib(bytes: u64) -> String {
    crate::memory::format_bytes(bytes)
}
