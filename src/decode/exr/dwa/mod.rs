//! Owns DWAA and DWAB: the counters in front of a chunk, its four sections, and the channels that are stored
//! without loss. The thread that decodes.
//!
//! A chunk is eleven 64-bit counters, the rules for its channels (since version 2), and four sections:
//! deflated samples, AC coefficients (Huffman codes or deflated), DC coefficients (deflated after the byte
//! passes of ZIP), and deflated run lengths. Format: OpenEXR's `ImfDwaCompressor`, as the BSD-licensed crate
//! `exr` has it; no code is from there.

mod lossy;
mod rules;

use libdeflater::Decompressor;

use super::bytes::Carry;
use super::chunk::{Chunk, Rows};
use super::scratch::{Held, grown};
use super::{huffman, simd};
use crate::decode::DecodeError;
use rules::{Plan, Scheme};

/// What a thread keeps between chunks; grows to what its largest chunk needs.
#[derive(Default)]
pub struct Scratch {
    inflater: Decompressor,
    tables: huffman::Tables,
    plan: Plan,
    strips: lossy::Strips,
    inflated: Vec<u8>,
    expanded: Vec<u8>,
    ac: Vec<u16>,
    dc: Vec<u16>,
}

/// Without the inflater's tables, which are small and of one size.
impl Held for Scratch {
    fn held_bytes(&self) -> usize {
        let Self { inflater: _, tables, plan, strips: _, inflated, expanded, ac, dc } = self;
        let buffers = inflated.held_bytes() + expanded.held_bytes() + ac.held_bytes() + dc.held_bytes();
        tables.held_bytes() + plan.held_bytes() + buffers
    }
}

/// Decodes a chunk of DWAA or DWAB into `rows`. Sections that only have channels which nobody wants are
/// passed by.
///
/// # Errors
/// [`DecodeError::Damaged`] for counters that do not fit the rectangle, and sections that do not fit the
/// counters.
pub fn decode(
    chunk: &Chunk,
    compressed: &[u8],
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let (header, sections) = open(chunk, compressed, scratch)?;
    decode_deflated::<1>(chunk, &header, sections.deflated, scratch, rows)?;
    decode_runs::<1>(chunk, &header, sections.runs, scratch, rows)?;
    decode_lossy(chunk, &header, &sections, scratch, rows)
}

/// Decodes a chunk at an eighth of its size: of each block of 8 x 8 samples the mean where the channel is
/// lossy, else the first. Rows are shorter and fewer accordingly, both rounded up. The coefficients of
/// detail, most of a chunk, are not read.
///
/// # Errors
/// Those of [`decode`], as far as it reads.
pub fn decode_proxy(
    chunk: &Chunk,
    compressed: &[u8],
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let (header, sections) = open(chunk, compressed, scratch)?;
    decode_deflated::<8>(chunk, &header, sections.deflated, scratch, rows)?;
    decode_runs::<8>(chunk, &header, sections.runs, scratch, rows)?;
    if !channels_of(&scratch.plan, Scheme::Lossy).any(|channel| is_wanted(chunk, channel, rows)) {
        return Ok(());
    }
    let blocks = lossy_blocks(chunk, &scratch.plan);
    exactly(header.dc, blocks)?;
    let means =
        read_means(sections.dc, blocks, &mut scratch.inflater, &mut scratch.inflated, &mut scratch.dc)?;
    lossy::decode_means(chunk, &scratch.plan.groups, means, &mut scratch.strips, rows)
}

/// Reads what is in front of the sections, and makes the plan.
fn open<'a>(
    chunk: &Chunk,
    compressed: &'a [u8],
    scratch: &mut Scratch,
) -> Result<(Header, Sections<'a>), DecodeError> {
    let (header, rest) = Header::read(compressed)?;
    let (stored_rules, rest) = match header.version {
        0 | 1 => (None, rest),
        2 => rules::split(rest).map(|(rules, rest)| (Some(rules), rest))?,
        _ => return Err(damaged("has an unknown version")),
    };
    scratch.plan.update(chunk.channels, stored_rules)?;
    let sections = header.sections(rest)?;
    Ok((header, sections))
}

/// The counters, in the order of the file.
#[derive(Debug)]
struct Header {
    version: u64,
    /// Bytes of the first section, inflated and packed.
    deflated: u64,
    deflated_packed: u64,
    ac_packed: u64,
    dc_packed: u64,
    /// Bytes of the run lengths packed, inflated, and expanded.
    runs_packed: u64,
    runs: u64,
    expanded: u64,
    /// Coefficients.
    ac: u64,
    dc: u64,
    /// 0 for Huffman codes, 1 for deflate.
    ac_coding: u64,
}

struct Sections<'a> {
    deflated: &'a [u8],
    ac: &'a [u8],
    dc: &'a [u8],
    runs: &'a [u8],
}

impl Header {
    const BYTES: usize = 11 * 8;

    fn read(compressed: &[u8]) -> Result<(Self, &[u8]), DecodeError> {
        let (counters, rest) =
            compressed.split_first_chunk::<{ Self::BYTES }>().ok_or_else(|| damaged("has no header"))?;
        let mut counters = counters.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let mut next = || counters.next().unwrap_or_default();
        let header = Self {
            version: next(),
            deflated: next(),
            deflated_packed: next(),
            ac_packed: next(),
            dc_packed: next(),
            runs_packed: next(),
            runs: next(),
            expanded: next(),
            ac: next(),
            dc: next(),
            ac_coding: next(),
        };
        Ok((header, rest))
    }

    fn sections<'a>(&self, mut rest: &'a [u8]) -> Result<Sections<'a>, DecodeError> {
        let mut take = |length: u64| {
            let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
            let (section, after) = split.ok_or_else(|| damaged("is cut short"))?;
            rest = after;
            Ok(section)
        };
        Ok(Sections {
            deflated: take(self.deflated_packed)?,
            ac: take(self.ac_packed)?,
            dc: take(self.dc_packed)?,
            runs: take(self.runs_packed)?,
        })
    }
}

/// A counter that may not be anything but `expected`, for that is what the rectangle needs.
fn exactly(counter: u64, expected: usize) -> Result<(), DecodeError> {
    if counter == expected as u64 {
        Ok(())
    } else {
        Err(damaged("has counters that do not fit its rectangle"))
    }
}

/// A counter that may be up to `limit`.
fn at_most(counter: u64, limit: usize) -> Result<usize, DecodeError> {
    let counted = usize::try_from(counter).ok().filter(|count| *count <= limit);
    counted.ok_or_else(|| damaged("has counters that do not fit its rectangle"))
}

/// The channels of a scheme, in the order of the file.
fn channels_of(plan: &Plan, scheme: Scheme) -> impl Iterator<Item = usize> + Clone {
    plan.schemes.iter().enumerate().filter(move |(_, of)| **of == scheme).map(|(channel, _)| channel)
}

fn is_wanted(chunk: &Chunk, channel: usize, rows: &mut impl Rows) -> bool {
    chunk.lines(channel) > 0 && chunk.samples(channel) > 0 && rows.row(channel, 0).is_some()
}

/// Channels as they are, one after the other; every `STEP`th sample of every `STEP`th line.
fn decode_deflated<const STEP: usize>(
    chunk: &Chunk,
    header: &Header,
    packed: &[u8],
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let channels = channels_of(&scratch.plan, Scheme::Deflated);
    let length = channels.clone().map(|channel| chunk.line_bytes(channel) * chunk.lines(channel)).sum();
    exactly(header.deflated, length)?;
    if !channels.clone().any(|channel| is_wanted(chunk, channel, rows)) {
        return Ok(());
    }
    let mut rest = inflate(&mut scratch.inflater, packed, grown(&mut scratch.inflated, length)?)?;
    for channel in channels {
        let (line_bytes, bytes) = (chunk.line_bytes(channel), chunk.channels[channel].kind.bytes());
        let (samples, after) = rest.split_at(line_bytes * chunk.lines(channel));
        rest = after;
        for (index, line) in (0..chunk.lines(channel)).step_by(STEP).enumerate() {
            let Some(row) = rows.row(channel, index) else { continue };
            let stored = &samples[line * line_bytes..][..line_bytes];
            if STEP == 1 {
                row.copy_from_slice(stored);
            } else {
                let picked = stored.chunks_exact(bytes).step_by(STEP);
                row.chunks_exact_mut(bytes).zip(picked).for_each(|(out, sample)| out.copy_from_slice(sample));
            }
        }
    }
    Ok(())
}

/// Channels as planes of bytes, lowest first, one channel after the other, all in run lengths; every `STEP`th
/// sample of every `STEP`th line.
fn decode_runs<const STEP: usize>(
    chunk: &Chunk,
    header: &Header,
    packed: &[u8],
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let channels = channels_of(&scratch.plan, Scheme::Runs);
    let length = channels.clone().map(|channel| chunk.line_bytes(channel) * chunk.lines(channel)).sum();
    exactly(header.expanded, length)?;
    // No run takes more than two bytes for each of its own.
    let runs = at_most(header.runs, 2 * length)?;
    if !channels.clone().any(|channel| is_wanted(chunk, channel, rows)) {
        return Ok(());
    }
    let runs = inflate(&mut scratch.inflater, packed, grown(&mut scratch.inflated, runs)?)?;
    let expanded = grown(&mut scratch.expanded, length)?;
    expand(runs, expanded)?;
    let mut rest = &*expanded;
    for channel in channels {
        let (samples, bytes) = (chunk.samples(channel), chunk.channels[channel].kind.bytes());
        let plane = samples * chunk.lines(channel);
        let (planes, after) = rest.split_at(plane * bytes);
        rest = after;
        for (index, line) in (0..chunk.lines(channel)).step_by(STEP).enumerate() {
            let Some(row) = rows.row(channel, index) else { continue };
            let of_plane = |number: usize| &planes[number * plane + line * samples..][..samples];
            if bytes == 2 {
                interleave::<STEP, 2>([0, 1].map(of_plane), row);
            } else {
                interleave::<STEP, 4>([0, 1, 2, 3].map(of_plane), row);
            }
        }
    }
    Ok(())
}

/// Expands run lengths to exactly the bytes of `out`: a negative count precedes that many literal bytes, any
/// other a byte that is repeated once more than it says.
fn expand(mut runs: &[u8], mut out: &mut [u8]) -> Result<(), DecodeError> {
    let broken = || damaged("has broken run lengths");
    while let Some((count, rest)) = runs.split_first() {
        let count = i8::from_le_bytes([*count]);
        let length = if count < 0 { usize::from(count.unsigned_abs()) } else { usize::from(count as u8) + 1 };
        let (run, after) = std::mem::take(&mut out).split_at_mut_checked(length).ok_or_else(broken)?;
        let taken = if count < 0 { length } else { 1 };
        let (bytes, rest) = rest.split_at_checked(taken).ok_or_else(broken)?;
        if count < 0 {
            run.copy_from_slice(bytes);
        } else {
            run.fill(bytes[0]);
        }
        (runs, out) = (rest, after);
    }
    if out.is_empty() { Ok(()) } else { Err(broken()) }
}

fn interleave<const STEP: usize, const BYTES: usize>(planes: [&[u8]; BYTES], row: &mut [u8]) {
    for (index, sample) in row.as_chunks_mut::<BYTES>().0.iter_mut().enumerate() {
        *sample = planes.map(|plane| plane[index * STEP]);
    }
}

fn decode_lossy(
    chunk: &Chunk,
    header: &Header,
    sections: &Sections,
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let blocks = lossy_blocks(chunk, &scratch.plan);
    exactly(header.dc, blocks)?;
    let ac_count = at_most(header.ac, blocks * lossy::AC_COUNT)?;
    if !channels_of(&scratch.plan, Scheme::Lossy).any(|channel| is_wanted(chunk, channel, rows)) {
        return Ok(());
    }
    let ac = grown(&mut scratch.ac, ac_count + lossy::PADDING)?;
    let (symbols, padding) = ac.split_at_mut(ac_count);
    padding.fill(lossy::END);
    match header.ac_coding {
        _ if symbols.is_empty() => {}
        0 => huffman::decode(sections.ac, symbols, &mut scratch.tables)?,
        1 => {
            inflate(&mut scratch.inflater, sections.ac, bytemuck::cast_slice_mut(symbols))?;
            symbols.iter_mut().for_each(|symbol| *symbol = u16::from_le(*symbol));
        }
        _ => return Err(damaged("has coefficients of an unknown coding")),
    }
    let dc = read_means(sections.dc, blocks, &mut scratch.inflater, &mut scratch.inflated, &mut scratch.dc)?;
    lossy::decode(chunk, &scratch.plan.groups, lossy::Streams { ac, dc }, &mut scratch.strips, rows)
}

fn lossy_blocks(chunk: &Chunk, plan: &Plan) -> usize {
    let blocks = |channel| {
        let (across, down) = lossy::blocks(chunk, channel);
        across * down
    };
    channels_of(plan, Scheme::Lossy).map(blocks).sum()
}

/// The means of all blocks: low bytes, then high ones, in differences, deflated.
fn read_means<'a>(
    packed: &[u8],
    blocks: usize,
    inflater: &mut Decompressor,
    inflated: &mut Vec<u8>,
    means: &'a mut Vec<u16>,
) -> Result<&'a [u16], DecodeError> {
    let inflated = inflate(inflater, packed, grown(inflated, 2 * blocks)?)?;
    let (low, high) = inflated.split_at(blocks);
    let means = grown(means, blocks)?;
    simd::merge(low, high, &mut Carry::before(low), bytemuck::cast_slice_mut(means));
    means.iter_mut().for_each(|mean| *mean = u16::from_le(*mean));
    Ok(means)
}

/// Inflates a zlib stream that must fill `out`.
fn inflate<'a>(
    inflater: &mut Decompressor,
    packed: &[u8],
    out: &'a mut [u8],
) -> Result<&'a [u8], DecodeError> {
    match inflater.zlib_decompress(packed, out) {
        Ok(length) if length == out.len() => Ok(out),
        _ => Err(damaged("has a broken zlib stream")),
    }
}

fn damaged(reason: &str) -> DecodeError {
    DecodeError::damaged(format!("a chunk {reason}"))
}

#[cfg(test)]
mod tests;
