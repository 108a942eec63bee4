//! Owns ZSTD, compression id 13 (layout as in OpenEXR 3.5, `internal_zstd.c`, BSD-3-Clause, checked against
//! files that it wrote). Pure; the thread that decodes.
//!
//! A chunk: the 8 bytes `zstd-exr`, u32 version, u32 flags, u64 bytes that follow, all little-endian, and a
//! zstd frame. In the frame stand up to two groups, the 2-byte samples and the 4-byte ones; one without samples
//! is left out. A group: u64 bytes that follow, then its samples line by line, in a line channel by channel, as
//! byte planes over the whole group, lowest bytes first. With flag 1 (version 2) each channel line holds
//! differences of neighbours, the first against 0.

use zstd_safe::DCtx;

use super::chunk::{Chunk, Kind, Rows};
use super::scratch::{Held, grown};
use super::simd;
use crate::decode::DecodeError;

const MAGIC: &[u8; 8] = b"zstd-exr";
const HEADER_BYTES: usize = 24;
/// The u64 before each group.
const COUNT_BYTES: usize = 8;
/// A block of at least 4 bytes makes 128 KiB at most («RFC 8878», 3.1.1.2).
const MAX_ZSTD_RATIO: usize = 1 << 15;

/// What a thread keeps between chunks. Nothing is allocated before the first.
#[derive(Default)]
pub struct Scratch {
    context: Option<DCtx<'static>>,
    /// The content of a zstd frame; only grows.
    content: Vec<u8>,
}

impl Held for Scratch {
    fn held_bytes(&self) -> usize {
        self.content.held_bytes() + self.context.as_ref().map_or(0, DCtx::sizeof)
    }
}

/// Decodes a chunk, less than [`Chunk::bytes`] long, into `rows`.
///
/// # Errors
/// [`DecodeError::Damaged`] for a chunk that is not as above, [`DecodeError::Io`] without memory.
pub fn decode(
    chunk: &Chunk,
    compressed: &[u8],
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let channels = 0..chunk.channels.len();
    let samples = |channel: usize| chunk.samples(channel) * chunk.lines(channel);
    let [halves, words] = [true, false].map(|is_half| {
        let of_group = |channel: &usize| (chunk.channels[*channel].kind == Kind::Half) == is_half;
        channels.clone().filter(of_group).map(samples).sum()
    });
    let Groups { mut halves, mut words } = scratch.unpack(compressed, halves, words)?;
    for line in 0..chunk.height {
        let above = Chunk { height: line, ..*chunk };
        for channel in channels.clone().filter(|channel| chunk.has_line(*channel, line)) {
            let row = rows.row(channel, above.lines(channel));
            match chunk.channels[channel].kind {
                Kind::Half => halves.next_line(chunk.samples(channel), row),
                Kind::Float | Kind::Uint => words.next_line(chunk.samples(channel), row),
            }
        }
    }
    Ok(())
}

/// The samples of a chunk by their width; either may be empty.
pub struct Groups<'a> {
    pub halves: Group<'a, 2>,
    pub words: Group<'a, 4>,
}

impl Scratch {
    /// Unpacks a chunk that must hold exactly `halves` samples of 2 bytes and `words` of 4.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn unpack(
        &mut self,
        compressed: &[u8],
        halves: usize,
        words: usize,
    ) -> Result<Groups<'_>, DecodeError> {
        let (has_differences, frame) = split_header(compressed)?;
        let group_bytes = |samples: usize, width: usize| match samples {
            0 => Some(0),
            _ => samples.checked_mul(width)?.checked_add(COUNT_BYTES),
        };
        let length = group_bytes(halves, 2).zip(group_bytes(words, 4)).and_then(|(a, b)| a.checked_add(b));
        let length = length.ok_or_else(|| DecodeError::damaged("a chunk's samples are too many"))?;
        let mut content = self.content(frame, length)?;
        Ok(Groups {
            halves: Group::split_off(&mut content, halves, has_differences)?,
            words: Group::split_off(&mut content, words, has_differences)?,
        })
    }

    /// Decompresses a frame that must hold exactly `length` bytes.
    fn content(&mut self, frame: &[u8], length: usize) -> Result<&[u8], DecodeError> {
        if length / MAX_ZSTD_RATIO > frame.len() {
            return Err(DecodeError::damaged("a chunk is too short for its rectangle"));
        }
        let no_memory = || DecodeError::Io { reason: format!("no memory for a chunk of {length} bytes") };
        let content = grown(&mut self.content, length)?;
        if self.context.is_none() {
            self.context = DCtx::try_create();
        }
        let context = self.context.as_mut().ok_or_else(no_memory)?;
        match context.decompress(&mut *content, frame) {
            Ok(found) if found == length => Ok(content),
            Ok(_) => Err(DecodeError::damaged("a chunk does not fill its rectangle")),
            Err(_) => Err(DecodeError::damaged("a chunk's zstd frame is broken")),
        }
    }
}

/// Whether a chunk holds differences, and its zstd frame.
fn split_header(compressed: &[u8]) -> Result<(bool, &[u8]), DecodeError> {
    let broken = || DecodeError::damaged("a chunk's ZSTD header is broken");
    let (header, frame) = compressed.split_first_chunk::<HEADER_BYTES>().ok_or_else(broken)?;
    let (magic, numbers) = header.split_at(MAGIC.len());
    let has_differences = match numbers.split_at(8) {
        ([1, 0, 0, 0, 0, 0, 0, 0] | [2, 0, 0, 0, 0, 0, 0, 0], _) => false,
        ([2, 0, 0, 0, 1, 0, 0, 0], _) => true,
        _ => return Err(broken()),
    };
    if magic != MAGIC || numbers[8..] != (frame.len() as u64).to_le_bytes() {
        return Err(broken());
    }
    Ok((has_differences, frame))
}

/// The samples of one width that a chunk holds, as byte planes, taken line by line.
pub struct Group<'a, const WIDTH: usize> {
    /// Lowest bytes first.
    planes: [&'a [u8]; WIDTH],
    has_differences: bool,
}

impl<'a, const WIDTH: usize> Group<'a, WIDTH> {
    fn split_off(content: &mut &'a [u8], samples: usize, has_differences: bool) -> Result<Self, DecodeError> {
        let mut planes = [&[][..]; WIDTH];
        if samples > 0 {
            let count = content.split_off(..COUNT_BYTES).unwrap_or_default();
            if count != ((samples * WIDTH) as u64).to_le_bytes() {
                return Err(DecodeError::damaged("a chunk's group of samples has another size"));
            }
            for plane in &mut planes {
                *plane = content.split_off(..samples).unwrap_or_default();
            }
        }
        Ok(Self { planes, has_differences })
    }

    /// Takes the samples of the next channel line: into `row`, if somebody wants them.
    pub fn next_line(&mut self, samples: usize, row: Option<&mut [u8]>) {
        let line = self.planes.each_mut().map(|plane| {
            let (line, rest) = plane.split_at(samples.min(plane.len()));
            *plane = rest;
            line
        });
        let Some(row) = row else { return };
        if self.has_differences { sum_row(line, row) } else { merge_row(line, row) }
    }
}

/// Puts the bytes of each sample together.
fn merge_row<const WIDTH: usize>(planes: [&[u8]; WIDTH], row: &mut [u8]) {
    let (samples, _) = row.as_chunks_mut::<WIDTH>();
    for (place, plane) in planes.into_iter().enumerate() {
        for (sample, byte) in samples.iter_mut().zip(plane) {
            sample[place] = *byte;
        }
    }
}

/// Puts the bytes of each difference together and sums them up.
fn sum_row<const WIDTH: usize>(planes: [&[u8]; WIDTH], row: &mut [u8]) {
    match *planes.as_slice() {
        [low, high] => simd::sum_halves([high, low], &mut 0, row),
        [lowest, low, high, highest] => simd::sum_words([highest, high, low], lowest, &mut 0, row),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::ChannelKind;
    use super::*;
    use proptest::prelude::*;

    /// A tile that OpenEXR 3.5.3 wrote: 24 x 2 pixels of G half, Z float, id uint.
    const TILE: &[u8] = b"zstd-exr\x02\0\0\0\x01\0\0\0\x3b\0\0\0\0\0\0\0\
        \x28\xb5\x2f\xfd\x60\xf0\x00\x8d\x01\x00\x90\x60\x00\x38\x00\x3e\x00\x80\x01\x00\x07\x00\x33\x00\x00\
        \x80\x40\x3f\x00\x0f\xa0\xc0\xec\x0d\xb0\xd3\x62\x31\x99\xa5\x95\x20\xaf\xda\x42\x66\xd0\xba\x2b\x6b\
        \xee\xf4\x4d\xba\x2b\x28\xee\x1c\x23";

    /// A plane a channel; those not wanted are empty.
    struct Planes(Vec<(usize, Vec<u8>)>);

    impl Planes {
        fn new(chunk: &Chunk) -> Self {
            let plane = |channel| vec![0xee; chunk.line_bytes(channel) * chunk.lines(channel)];
            Self((0..chunk.channels.len()).map(|at| (chunk.line_bytes(at), plane(at))).collect())
        }
    }

    impl Rows for Planes {
        fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
            let (bytes, plane) = &mut self.0[channel];
            plane.get_mut(line * *bytes..(line + 1) * *bytes)
        }
    }

    fn channels(kinds: &[(Kind, (u32, u32))]) -> Vec<ChannelKind> {
        let channel = |&(kind, sampling)| ChannelKind { name: Vec::new(), kind, is_linear: false, sampling };
        kinds.iter().map(channel).collect()
    }

    fn decoded(chunk: &Chunk, compressed: &[u8]) -> Result<Vec<Vec<u8>>, DecodeError> {
        let mut planes = Planes::new(chunk);
        decode(chunk, compressed, &mut Scratch::default(), &mut planes)?;
        Ok(planes.0.into_iter().map(|(_, plane)| plane).collect())
    }

    /// The format's other direction, by the plainest loops.
    fn encoded(chunk: &Chunk, planes: &[Vec<u8>], has_differences: bool) -> Vec<u8> {
        let mut content = Vec::new();
        for width in [2, 4] {
            let mut samples: Vec<[u8; 4]> = Vec::new();
            let mut next_lines = vec![0; planes.len()];
            for line in 0..chunk.height {
                for (channel, plane) in planes.iter().enumerate() {
                    if chunk.channels[channel].kind.bytes() != width || !chunk.has_line(channel, line) {
                        continue;
                    }
                    let bytes = chunk.line_bytes(channel);
                    let start = next_lines[channel] * bytes;
                    next_lines[channel] += 1;
                    let mut before = 0_u32;
                    for sample in plane[start..start + bytes].chunks(width) {
                        let mut number = [0; 4];
                        number[..width].copy_from_slice(sample);
                        let number = u32::from_le_bytes(number);
                        let stored = if has_differences { number.wrapping_sub(before) } else { number };
                        samples.push(stored.to_le_bytes());
                        before = number;
                    }
                }
            }
            if !samples.is_empty() {
                content.extend(((samples.len() * width) as u64).to_le_bytes());
                (0..width).for_each(|place| content.extend(samples.iter().map(|sample| sample[place])));
            }
        }
        wrapped(&content, if has_differences { [2, 1] } else { [1, 0] })
    }

    fn wrapped(content: &[u8], numbers: [u32; 2]) -> Vec<u8> {
        let mut frame = vec![0; zstd_safe::compress_bound(content.len())];
        let length = zstd_safe::compress(&mut frame[..], content, 1).unwrap();
        let mut chunk = MAGIC.to_vec();
        chunk.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        chunk.extend((length as u64).to_le_bytes());
        chunk.extend(&frame[..length]);
        chunk
    }

    fn tile_of_openexr(channels: &[ChannelKind]) -> Chunk<'_> {
        Chunk { channels, x: 0, y: 0, width: 24, height: 2 }
    }

    fn channels_of_openexr() -> Vec<ChannelKind> {
        channels(&[Kind::Half, Kind::Float, Kind::Uint].map(|kind| (kind, (1, 1))))
    }

    #[test]
    fn a_tile_of_openexr_is_decoded() {
        let channels = channels_of_openexr();
        let planes = decoded(&tile_of_openexr(&channels), TILE).unwrap();
        let pixels = || (0..2_u16).flat_map(|y| (0..24_u16).map(move |x| (x, y)));
        let green = pixels().flat_map(|(_, y)| [0x3800_u16, 0x3e00][usize::from(y)].to_le_bytes());
        assert_eq!(planes[0], green.collect::<Vec<u8>>());
        let depth = pixels().flat_map(|(x, y)| f32::from(x / 8 + y).to_le_bytes());
        assert_eq!(planes[1], depth.collect::<Vec<u8>>());
        let id = pixels().flat_map(|(_, y)| (7 + 300 * u32::from(y)).to_le_bytes());
        assert_eq!(planes[2], id.collect::<Vec<u8>>());
    }

    #[test]
    fn channels_that_nobody_wants_are_left_out() {
        let channels = channels_of_openexr();
        let chunk = tile_of_openexr(&channels);
        let mut planes = Planes::new(&chunk);
        planes.0[1].1.clear();
        decode(&chunk, TILE, &mut Scratch::default(), &mut planes).unwrap();
        let all = decoded(&chunk, TILE).unwrap();
        assert_eq!((&planes.0[0].1, &planes.0[2].1), (&all[0], &all[2]));
    }

    #[test]
    fn other_headers_and_sizes_are_errors() {
        let channels = channels_of_openexr();
        let chunk = tile_of_openexr(&channels);
        for length in 0..TILE.len() {
            assert!(decoded(&chunk, &TILE[..length]).is_err(), "{length} bytes");
        }
        for (at, byte) in [(0, b'Z'), (8, 3), (8, 1), (12, 2), (15, 1), (16, 0x3c), (23, 1)] {
            let mut changed = TILE.to_vec();
            changed[at] = byte;
            assert!(decoded(&chunk, &changed).is_err(), "byte {at}");
        }
        for chunk in [Chunk { width: 23, ..chunk }, Chunk { height: 3, ..chunk }] {
            assert!(decoded(&chunk, TILE).is_err());
        }
        let half = self::channels(&[(Kind::Half, (1, 1))]);
        let line = Chunk { channels: &half, x: 0, y: 0, width: 4, height: 1 };
        let group = |bytes: u64, length: usize| [&bytes.to_le_bytes()[..], &vec![0; length]].concat();
        assert!(decoded(&line, &wrapped(&group(8, 8), [2, 1])).is_ok());
        for content in [group(9, 8), group(0, 8), group(u64::MAX, 8), group(8, 9), group(8, 7), Vec::new()] {
            assert!(decoded(&line, &wrapped(&content, [2, 1])).is_err());
        }
        let most = Chunk { width: u32::MAX, height: 1, ..line };
        assert!(Scratch::default().unpack(TILE, usize::MAX, most.samples(0)).is_err());
    }

    fn any_chunk() -> impl Strategy<Value = (Vec<ChannelKind>, [i32; 2], [u32; 2], bool, u64)> {
        let kind = prop::sample::select(vec![Kind::Half, Kind::Float, Kind::Uint]);
        let sampling = prop::sample::select(vec![(1, 1), (1, 1), (2, 2), (1, 3)]);
        let kinds = prop::collection::vec((kind, sampling), 1..8).prop_map(|kinds| channels(&kinds));
        (kinds, [-9..9_i32, -9..9], [1..90_u32, 1..7], any::<bool>(), any::<u64>())
    }

    /// Numbers of a plain generator (xorshift64*).
    fn noise(mut state: u64) -> impl Iterator<Item = u8> {
        state |= 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            (channels, [x, y], [width, height], has_differences, seed) in any_chunk()
        ) {
            let chunk = Chunk { channels: &channels, x, y, width, height };
            let mut noise = noise(seed);
            let plane = |channel| noise.by_ref().take(chunk.line_bytes(channel) * chunk.lines(channel)).collect();
            let planes: Vec<Vec<u8>> = (0..channels.len()).map(plane).collect();
            let compressed = encoded(&chunk, &planes, has_differences);
            prop_assert_eq!(decoded(&chunk, &compressed), Ok(planes));
        }

        #[test]
        fn changed_chunks_end_in_a_result(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            (width, height) in (20..30_u32, 1..4_u32),
        ) {
            let mut bytes = TILE.to_vec();
            for (at, byte) in changes {
                *at.get_mut(&mut bytes) = byte;
            }
            let channels = channels_of_openexr();
            drop(decoded(&Chunk { width, height, ..tile_of_openexr(&channels) }, &bytes));
        }
    }
}
