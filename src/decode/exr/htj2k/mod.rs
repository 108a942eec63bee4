//! Owns the decoding of HTJ2K32, HTJ2K256 and LJ2K chunks: high-throughput JPEG 2000, a component a channel. The
//! chunk's header maps components to channels. Formats: ITU-T T.800, T.801, T.814. Pure.

pub(in crate::decode::exr) mod bits;
pub(in crate::decode::exr) mod block;
mod codestream;
mod finish;
mod group;
mod nlt;
mod packets;
mod refine;
mod tables;
mod tagtree;
mod wavelet;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use codestream::{Codestream, Component};
use group::{Group, Work};
use packets::Layout;

use super::chunk::{Chunk, Rows};
use super::scratch::{Held, grown};
use crate::decode::DecodeError;

/// Codestreams of LJ2K are up to this much larger than their chunk.
const MOST_PADDING: u32 = 256;

/// What a thread keeps between chunks.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The channel of each component, the same in order, and whether anybody wants the component.
    channels: Vec<u16>,
    sorted: Vec<u16>,
    wanted: Vec<bool>,
    stream: Codestream,
    layout: Layout,
    work: Work,
}

impl Held for Scratch {
    fn held_bytes(&self) -> usize {
        let Self { channels, sorted, wanted, stream, layout, work } = self;
        let of_channels = channels.held_bytes() + sorted.held_bytes() + wanted.held_bytes();
        of_channels + stream.held_bytes() + layout.held_bytes() + work.held_bytes()
    }
}

/// Decodes a chunk. Lossless ones come out bit for bit. Of LJ2K a half differs from what OpenEXR 3.5 reads by one unit
/// of the last place at most, in about 2 samples of 1000: where its processor has AVX-512 that library fuses
/// multiplications and additions of the 9/7 wavelet, which this one never does, so that all machines agree.
///
/// # Errors
/// [`DecodeError::Damaged`] for chunks that break the format or go beyond what EXR's writer makes.
pub fn decode(
    chunk: &Chunk,
    compressed: &[u8],
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    decode_reduced(chunk, compressed, 0, scratch, rows)
}

/// Decodes a chunk at a half, a quarter, ... of its size: both directions are halved `skip` times, rounding up.
///
/// # Errors
/// [`DecodeError::Damaged`] as [`decode`] has it, and for more halvings than the chunk has wavelet levels.
pub fn decode_reduced(
    chunk: &Chunk,
    compressed: &[u8],
    skip: u8,
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let count = chunk.channels.len();
    let bytes = read_channel_map(compressed, count, [&mut scratch.channels, &mut scratch.sorted])?;
    scratch.stream.read(bytes, count)?;
    check_components(chunk, &scratch.channels, &scratch.stream, skip)?;
    let mixed = if scratch.stream.is_mixed { 3 } else { 0 };
    let wanted = grown(&mut scratch.wanted, count)?;
    for (wanted, channel) in wanted.iter_mut().zip(&scratch.channels) {
        let channel = usize::from(*channel);
        let has_samples = chunk.samples(channel) > 0 && chunk.lines(channel) > 0;
        *wanted = has_samples && rows.row(channel, 0).is_some();
    }
    // What is mixed is decoded together.
    let wants_mixed = wanted[..mixed].contains(&true);
    wanted[..mixed].fill(wants_mixed);
    let components = &scratch.stream.components;
    let most = |component: usize| wanted[component].then(|| components[component].coding.levels - skip);
    scratch.layout.read(&scratch.stream, bytes, most)?;
    let mut first = 0;
    while first < count {
        let end = first + if first < mixed { mixed } else { 1 };
        if wanted[first] {
            let (components, channels) = (&components[first..end], &scratch.channels[first..end]);
            let group = Group { chunk, bytes, layout: &scratch.layout, first, components, channels, skip };
            group.decode(&mut scratch.work, rows)?;
        }
        first = end;
    }
    Ok(())
}

/// Reads a chunk's own header: `HT` or `HL`, its length, and the channel of each component; all big-endian. Gives
/// back the codestream.
fn read_channel_map<'a>(
    compressed: &'a [u8],
    count: usize,
    [channels, sorted]: [&mut Vec<u16>; 2],
) -> Result<&'a [u8], DecodeError> {
    let broken = || damaged("a chunk's channel map is broken");
    let (magic, rest) = compressed.split_first_chunk::<2>().ok_or_else(broken)?;
    if magic != b"HT" && magic != b"HL" {
        return Err(damaged("a chunk holds no high-throughput JPEG 2000"));
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
    let (map, stream) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(broken)?;
    let (found, map) = map.split_first_chunk::<2>().ok_or_else(broken)?;
    if usize::from(u16::from_be_bytes(*found)) != count || map.len() < 2 * count {
        return Err(broken());
    }
    channels.clear();
    channels.try_reserve(count).map_err(|_| damaged("no memory for a chunk's channel map"))?;
    channels.extend(map[..2 * count].chunks_exact(2).map(|entry| u16::from_be_bytes([entry[0], entry[1]])));
    // Every channel once.
    sorted.clear();
    sorted.try_reserve(count).map_err(|_| damaged("no memory for a chunk's channel map"))?;
    sorted.extend_from_slice(channels);
    sorted.sort_unstable();
    if sorted.iter().enumerate().any(|(at, channel)| usize::from(*channel) != at) {
        return Err(broken());
    }
    Ok(stream)
}

/// Checks that components and channels fit.
fn check_components(
    chunk: &Chunk,
    channels: &[u16],
    stream: &Codestream,
    skip: u8,
) -> Result<(), DecodeError> {
    let misfit = || damaged("a chunk's codestream does not fit its rectangle");
    for (component, channel) in stream.components.iter().zip(channels) {
        let channel = usize::from(*channel);
        let (width, height) = (chunk.samples(channel), chunk.lines(channel));
        let fits = |coded: u32, size: usize| {
            coded as usize >= size && coded as usize <= size + MOST_PADDING as usize
        };
        if !fits(component.width, width) || !fits(component.height, height) {
            return Err(misfit());
        }
        if usize::from(component.precision) != 8 * chunk.channels[channel].kind.bytes() {
            return Err(damaged("a chunk's codestream has samples of a wrong size"));
        }
        if component.coding.levels < skip {
            return Err(damaged("a chunk's codestream has too few wavelet levels"));
        }
    }
    if stream.is_mixed {
        let [first, second, third, ..] = &stream.components[..] else {
            return Err(damaged("a chunk's codestream mixes components that it lacks"));
        };
        let key = |component: &Component| {
            let Component { width, height, precision, coding, .. } = component;
            (*width, *height, *precision, coding.is_reversible, coding.levels)
        };
        let size =
            |at: usize| (chunk.samples(usize::from(channels[at])), chunk.lines(usize::from(channels[at])));
        let is_same = key(first) == key(second) && key(first) == key(third);
        if !is_same || size(0) != size(1) || size(0) != size(2) {
            return Err(damaged("a chunk's codestream mixes components that differ"));
        }
    }
    Ok(())
}

fn damaged(reason: &str) -> DecodeError {
    DecodeError::damaged(reason)
}
