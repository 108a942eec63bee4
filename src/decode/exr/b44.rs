//! Owns B44 and B44A («OpenEXR File Layout», B44 compression; Kainz and others, «Technical Introduction to
//! OpenEXR»): half channels in blocks of 4 x 4 samples, 14 bytes each, or 3 where all samples are equal;
//! other channels as they are. The thread that decodes.

use std::sync::LazyLock;

use half::f16;

use super::chunk::{Chunk, Kind, Rows};
use super::simd::b44::{BLOCKS, FLAT, FLAT_BYTES, FULL_BYTES, Lines, unpack};
use crate::decode::DecodeError;

/// Decodes a chunk of B44 or B44A into `rows`. Channels that nobody wants cost a walk over their blocks, in a
/// chunk without flat blocks nothing.
///
/// # Errors
/// [`DecodeError::Damaged`] for a chunk that ends before its last block.
pub fn decode(chunk: &Chunk, compressed: &[u8], rows: &mut impl Rows) -> Result<(), DecodeError> {
    let full_length = (0..chunk.channels.len()).map(|channel| full_bytes(chunk, channel)).sum::<usize>();
    let has_flat_blocks = compressed.len() < full_length;
    let mut at = 0;
    for channel in 0..chunk.channels.len() {
        let is_half = chunk.channels[channel].kind == Kind::Half;
        let is_wanted = chunk.lines(channel) > 0 && rows.row(channel, 0).is_some();
        at = if is_half && (is_wanted || has_flat_blocks) {
            decode_blocks(chunk, channel, compressed, at, rows)?
        } else {
            let end = at + full_bytes(chunk, channel);
            let samples = compressed.get(at..end).ok_or_else(too_short)?;
            if !is_half && is_wanted {
                copy_lines(chunk, channel, samples, rows);
            }
            end
        };
    }
    Ok(())
}

/// Bytes of a channel without flat blocks.
fn full_bytes(chunk: &Chunk, channel: usize) -> usize {
    match chunk.channels[channel].kind {
        Kind::Half => chunk.samples(channel).div_ceil(4) * chunk.lines(channel).div_ceil(4) * FULL_BYTES,
        Kind::Uint | Kind::Float => chunk.line_bytes(channel) * chunk.lines(channel),
    }
}

fn copy_lines(chunk: &Chunk, channel: usize, samples: &[u8], rows: &mut impl Rows) {
    for (line, samples) in samples.chunks_exact(chunk.line_bytes(channel).max(1)).enumerate() {
        if let Some(row) = rows.row(channel, line) {
            row.copy_from_slice(samples);
        }
    }
}

/// Decodes the blocks of a half channel that begin at `at`; returns where they end.
fn decode_blocks(
    chunk: &Chunk,
    channel: usize,
    compressed: &[u8],
    mut at: usize,
    rows: &mut impl Rows,
) -> Result<usize, DecodeError> {
    let (samples, lines) = (chunk.samples(channel), chunk.lines(channel));
    let mut starts = [0; BLOCKS];
    let mut unpacked: Lines = [[0; 4 * BLOCKS]; 4];
    for top in (0..lines).step_by(4) {
        let is_wanted = (top..lines.min(top + 4)).any(|line| rows.row(channel, line).is_some());
        for left in (0..samples).step_by(4 * BLOCKS) {
            let right = samples.min(left + 4 * BLOCKS);
            let blocks = (right - left).div_ceil(4);
            at = find_blocks(compressed, at, &mut starts[..blocks])?;
            if !is_wanted {
                continue;
            }
            unpack(compressed, &starts[..blocks], &mut unpacked);
            if chunk.channels[channel].is_linear {
                to_linear(&mut unpacked);
            }
            for (line, unpacked) in (top..lines).zip(&unpacked) {
                if let Some(row) = rows.row(channel, line) {
                    write(&unpacked[..right - left], &mut row[2 * left..2 * right]);
                }
            }
        }
    }
    Ok(at)
}

/// Notes where each block from `at` on starts, all of it within `compressed`; returns where the last one
/// ends.
fn find_blocks(compressed: &[u8], mut at: usize, starts: &mut [usize]) -> Result<usize, DecodeError> {
    for start in starts {
        *start = at;
        let exponent = compressed.get(at + 2).ok_or_else(too_short)?;
        at += if *exponent >= FLAT { FLAT_BYTES } else { FULL_BYTES };
    }
    if at > compressed.len() { Err(too_short()) } else { Ok(at) }
}

fn write(samples: &[u16], row: &mut [u8]) {
    for (bytes, sample) in row.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
        *bytes = sample.to_le_bytes();
    }
}

/// Channels with the pLinear flag are stored as the exponential of an eighth: undo it.
fn to_linear(lines: &mut Lines) {
    let table = &*LOGARITHM;
    for sample in lines.as_flattened_mut() {
        *sample = table[usize::from(*sample)];
    }
}

/// 8 ln(x) of every half, 0 for what has no logarithm (the definition in OpenEXR's `b44ExpLogTable`).
static LOGARITHM: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let logarithm = |bits| {
        let x = f16::from_bits(bits).to_f64();
        let has_logarithm = x.is_finite() && x >= 0.0;
        f16::from_f32(if has_logarithm { (8.0 * x.ln()) as f32 } else { 0.0 }).to_bits()
    };
    (0..=u16::MAX).map(logarithm).collect()
});

fn too_short() -> DecodeError {
    DecodeError::damaged("a chunk's blocks are cut short")
}

#[cfg(test)]
mod tests {
    use exr::prelude::Compression;
    use proptest::prelude::*;

    use super::super::chunk::{ChannelKind, Whole};
    use super::super::oracle::{self, channel};
    use super::*;

    const SHAPES: [(u32, u32); 8] =
        [(1, 1), (1, 32), (1, 5), (33, 1), (4, 4), (250, 31), (513, 6), (1030, 3)];

    fn chunk(channels: &[ChannelKind], (width, height): (u32, u32)) -> Chunk<'_> {
        Chunk { channels, x: 0, y: 0, width, height }
    }

    /// Smooth samples with steps and flat areas, and every tenth one anything at all.
    fn samples(chunk: &Chunk) -> Vec<u8> {
        let mut state = 1_u64;
        let mut samples = Vec::new();
        for (channel, _) in chunk.file_order() {
            for index in 0..chunk.samples(channel) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let is_flat = index / 16 % 3 == 0;
                let value =
                    if is_flat { 0.25 } else { (index as f32 * 0.1).sin() + (state >> 60) as f32 * 0.01 };
                match chunk.channels[channel].kind {
                    Kind::Half if !is_flat && state >> 32 & 15 == 0 => {
                        samples.extend([state as u8, (state >> 8) as u8])
                    }
                    Kind::Half => samples.extend(f16::from_f32(value).to_le_bytes()),
                    Kind::Uint | Kind::Float => samples.extend(value.to_le_bytes()),
                }
            }
        }
        samples
    }

    fn decoded(chunk: &Chunk, compressed: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let mut whole = Whole::of(chunk);
        decode(chunk, compressed, &mut whole)?;
        Ok(chunk
            .file_order()
            .flat_map(|(channel, line)| whole.row(channel, line).unwrap().to_vec())
            .collect())
    }

    #[test]
    fn chunks_of_the_exr_crate_come_out_as_it_reads_them() {
        let half = |name| channel(name, Kind::Half, false);
        let sets = [
            vec![half("Y")],
            vec![half("A"), half("B"), half("G"), half("R")],
            vec![channel("B", Kind::Half, true), half("G"), channel("Z", Kind::Float, false)],
            vec![channel("id", Kind::Uint, false), half("x"), channel("y", Kind::Half, true)],
        ];
        for (channels, shape) in sets.iter().flat_map(|set| SHAPES.map(|shape| (set, shape))) {
            let chunk = chunk(channels, shape);
            let samples = samples(&chunk);
            for compression in [Compression::B44, Compression::B44A] {
                let compressed = oracle::compress(compression, &chunk, &samples);
                // Chunks that would grow are stored as they are.
                if compressed.len() != samples.len() {
                    let expected = oracle::decompress(compression, &chunk, &compressed);
                    assert_eq!(decoded(&chunk, &compressed).ok(), expected, "{shape:?} {compression}");
                }
            }
        }
    }

    #[test]
    fn subsampled_channels_have_blocks_of_their_own_samples() {
        let mut channels = [channel("BY", Kind::Half, false), channel("Y", Kind::Half, false)];
        channels[0].sampling = (2, 2);
        let chunk = Chunk { x: -1, y: 3, ..chunk(&channels, (11, 10)) };
        assert_eq!((chunk.samples(0), chunk.lines(0)), (5, 5));
        // Flat blocks: 2 x 2 of the first channel and 3 x 3 of the second, each with its number as its
        // sample.
        let compressed: Vec<u8> = (0..13).flat_map(|block| [0x80, block, FLAT]).collect();
        let mut whole = Whole::of(&chunk);
        decode(&chunk, &compressed, &mut whole).unwrap();
        let line =
            |row: Option<&mut [u8]>| row.unwrap().chunks(2).map(|sample| sample[0]).collect::<Vec<u8>>();
        assert_eq!(line(whole.row(0, 3)), [0, 0, 0, 0, 1]);
        assert_eq!(line(whole.row(0, 4)), [2, 2, 2, 2, 3]);
        assert_eq!(line(whole.row(1, 9)), [10, 10, 10, 10, 11, 11, 11, 11, 12, 12, 12]);
    }

    #[test]
    fn channels_that_nobody_wants_are_passed_by() {
        struct Only(Whole, usize);
        impl Rows for Only {
            fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
                if channel == self.1 { self.0.row(channel, line) } else { None }
            }
        }
        let half = |name| channel(name, Kind::Half, false);
        let channels =
            [half("A"), channel("B", Kind::Float, false), half("C"), channel("D", Kind::Uint, false)];
        let chunk = chunk(&channels, (37, 9));
        for compression in [Compression::B44, Compression::B44A] {
            let compressed = oracle::compress(compression, &chunk, &samples(&chunk));
            let mut whole = Whole::of(&chunk);
            decode(&chunk, &compressed, &mut whole).unwrap();
            for channel in 0..channels.len() {
                let mut only = Only(Whole::of(&chunk), channel);
                decode(&chunk, &compressed, &mut only).unwrap();
                assert_eq!(only.0.planes[channel], whole.planes[channel]);
            }
        }
    }

    #[test]
    fn a_chunk_cut_anywhere_is_an_error() {
        let channels = [channel("A", Kind::Half, false), channel("Z", Kind::Float, false)];
        let chunk = chunk(&channels, (21, 6));
        let compressed = oracle::compress(Compression::B44A, &chunk, &samples(&chunk));
        assert!((0..compressed.len()).all(|length| decoded(&chunk, &compressed[..length]).is_err()));
        assert!(decoded(&chunk, &compressed).is_ok());
    }

    #[test]
    fn the_logarithm_has_the_values_of_the_definition() {
        assert_eq!(LOGARITHM[0x3c00], 0);
        assert_eq!(f16::from_bits(LOGARITHM[0x4000]), f16::from_f32(8.0 * 2_f32.ln()));
        // Of 0 it is less than all; NaN, infinities and negative numbers have none.
        assert_eq!(
            [0x8000, 0x7c00, 0x7e00, 0xbc00].map(|bits: u16| LOGARITHM[usize::from(bits)]),
            [0xfc00, 0, 0, 0]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_samples_or_an_error(
            compressed in prop::collection::vec(any::<u8>(), 0..400),
            (width, height) in (1_u32..40, 1_u32..10),
        ) {
            let half = |name, is_linear| channel(name, Kind::Half, is_linear);
            let channels = [half("A", true), half("B", false), channel("Z", Kind::Uint, false)];
            let _ = decoded(&chunk(&channels, (width, height)), &compressed);
        }
    }
}
