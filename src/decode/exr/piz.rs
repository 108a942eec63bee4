//! Owns PIZ chunks: the table of the values that occur, Huffman codes and a wavelet over each channel. Pure.
//!
//! The format is that of OpenEXR's «ImfPizCompressor.cpp»: the first and the last byte of a bitmap that are not
//! zero, these bytes, the length of a Huffman block, the block. It holds the channels one after another, floats
//! and uints as pairs of 16-bit samples, each as the number of its value among those in the bitmap, and
//! transformed by the wavelet of [`super::wavelet`], pair halves on their own.

use super::chunk::{Chunk, Kind, Rows};
use super::huffman;
use super::scratch::{Held, grown};
use super::wavelet::{self, Pairing};
use crate::decode::DecodeError;

/// Bytes of a whole bitmap: a bit for each 16-bit value, the lowest of a byte first.
const BITMAP: usize = 1 << 13;
/// A byte of a block makes no more symbols than this: the shortest repetition has 9 bits and makes 255.
const MAX_RATIO: usize = 255 * 8 / 9 + 1;

/// What a thread keeps between chunks.
#[derive(Default)]
pub struct Scratch {
    tables: huffman::Tables,
    /// The samples of a chunk.
    samples: Vec<u16>,
    /// The values that occur, in rising order.
    values: Vec<u16>,
    waves: Waves,
}

/// What undoing the wavelet of a channel takes.
#[derive(Default)]
struct Waves {
    /// The lower and the upper halves of a channel of pairs.
    halves: [Vec<u16>; 2],
    coarse: Vec<u16>,
}

impl Held for Scratch {
    fn held_bytes(&self) -> usize {
        let Self { tables, samples, values, waves: Waves { halves, coarse } } = self;
        let buffers = [samples, values, coarse].map(Held::held_bytes).iter().sum::<usize>();
        tables.held_bytes() + buffers + halves.held_bytes()
    }
}

/// Decodes a chunk into its rows. Channels past the last that is wanted are not looked at.
///
/// # Errors
/// [`DecodeError::Damaged`] for a chunk that breaks the format or does not fill its rectangle.
pub fn decode(
    chunk: &Chunk,
    compressed: &[u8],
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let Some(last) = (0..chunk.channels.len()).rev().find(|channel| is_wanted(chunk, *channel, rows)) else {
        return Ok(());
    };
    let needed = (0..=last).try_fold(0_usize, |sum, channel| sum.checked_add(halves(chunk, channel)?));
    let needed = needed.filter(|needed| needed / MAX_RATIO <= compressed.len());
    let needed = needed.ok_or_else(|| damaged("is too short for its rectangle"))?;
    let (rest, values) = read_values(compressed, &mut scratch.values)?;
    let (length, rest) = rest.split_first_chunk().ok_or_else(|| damaged("has no Huffman block"))?;
    let block = usize::try_from(i32::from_le_bytes(*length)).ok().and_then(|length| rest.get(..length));
    let block = block.ok_or_else(|| damaged("has a Huffman block of an impossible length"))?;
    let mut samples = grown(&mut scratch.samples, needed)?;
    if last + 1 == chunk.channels.len() {
        huffman::decode(block, samples, &mut scratch.tables)?;
    } else {
        huffman::decode_start(block, samples, &mut scratch.tables)?;
    }
    for channel in 0..=last {
        let plane = halves(chunk, channel).and_then(|length| samples.split_off_mut(..length));
        let Some(plane) = plane.filter(|_| is_wanted(chunk, channel, rows)) else { continue };
        write_channel(chunk, channel, plane, values, &mut scratch.waves, rows)?;
    }
    Ok(())
}

fn is_wanted(chunk: &Chunk, channel: usize, rows: &mut impl Rows) -> bool {
    (0..chunk.lines(channel)).any(|line| rows.row(channel, line).is_some())
}

/// The 16-bit samples of a channel; `None` for more than can be counted.
fn halves(chunk: &Chunk, channel: usize) -> Option<usize> {
    (chunk.line_bytes(channel) / 2).checked_mul(chunk.lines(channel))
}

/// What numbers stand for.
#[derive(Clone, Copy)]
struct Values<'a> {
    /// The value of each number; zero past `max`.
    table: &'a [u16; 1 << 16],
    /// The highest number.
    max: u16,
}

/// Reads the bitmap; says where the chunk goes on.
fn read_values<'a, 'b>(
    compressed: &'a [u8],
    table: &'b mut Vec<u16>,
) -> Result<(&'a [u8], Values<'b>), DecodeError> {
    grown(table, 1 << 16)?;
    let table: &mut [u16; 1 << 16] = table.first_chunk_mut().ok_or_else(|| damaged("has no memory"))?;
    let cut = || damaged("is cut short in its bitmap");
    let (range, rest) = compressed.split_first_chunk::<4>().ok_or_else(cut)?;
    let [first, last] =
        [[range[0], range[1]], [range[2], range[3]]].map(|at| usize::from(u16::from_le_bytes(at)));
    if last >= BITMAP {
        return Err(damaged("has an impossible bitmap"));
    }
    // An empty bitmap has its first byte after its last.
    let (bitmap, rest) = rest.split_at_checked((last + 1).saturating_sub(first)).ok_or_else(cut)?;
    // Zero counts as a value that occurs, and the bitmap does not have it.
    table[0] = 0;
    let mut count = 1;
    for (at, byte) in bitmap.iter().enumerate() {
        let mut bits = if first + at == 0 { byte & !1 } else { *byte };
        while bits != 0 {
            table[count] = ((first + at) * 8) as u16 + bits.trailing_zeros() as u16;
            count += 1;
            bits &= bits - 1;
        }
    }
    table[count..].fill(0);
    Ok((rest, Values { table, max: (count - 1) as u16 }))
}

/// Undoes the wavelet of a channel and writes its lines.
fn write_channel(
    chunk: &Chunk,
    channel: usize,
    plane: &mut [u16],
    values: Values,
    waves: &mut Waves,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let (width, pairing) = (chunk.samples(channel), Pairing::of(values.max));
    if plane.is_empty() {
        return Ok(());
    }
    if chunk.channels[channel].kind == Kind::Half {
        wavelet::undo(plane, width, pairing, grown(&mut waves.coarse, plane.len() / 2)?);
        for (line, numbers) in plane.chunks_exact(width).enumerate() {
            if let Some(row) = rows.row(channel, line) {
                write_singles(numbers, values.table, row);
            }
        }
        return Ok(());
    }
    let coarse = grown(&mut waves.coarse, plane.len() / 4)?;
    let [low, high] = &mut waves.halves;
    let (low, high) = (grown(low, plane.len() / 2)?, grown(high, plane.len() / 2)?);
    for ((low, high), pair) in low.iter_mut().zip(high.iter_mut()).zip(plane.as_chunks().0) {
        [*low, *high] = *pair;
    }
    wavelet::undo(low, width, pairing, coarse);
    wavelet::undo(high, width, pairing, coarse);
    for (line, (low, high)) in low.chunks_exact(width).zip(high.chunks_exact(width)).enumerate() {
        if let Some(row) = rows.row(channel, line) {
            write_pairs(low, high, values.table, row);
        }
    }
    Ok(())
}

/// Writes a line of 16-bit samples.
fn write_singles(numbers: &[u16], table: &[u16; 1 << 16], row: &mut [u8]) {
    for (out, number) in row.as_chunks_mut().0.iter_mut().zip(numbers) {
        *out = table[usize::from(*number)].to_le_bytes();
    }
}

/// Writes a line of 32-bit samples.
fn write_pairs(low: &[u16], high: &[u16], table: &[u16; 1 << 16], row: &mut [u8]) {
    for (out, (low, high)) in row.as_chunks_mut().0.iter_mut().zip(low.iter().zip(high)) {
        let [low, high] = [low, high].map(|number| u32::from(table[usize::from(*number)]));
        *out = (low | high << 16).to_le_bytes();
    }
}

fn damaged(what: &str) -> DecodeError {
    DecodeError::damaged(format!("a PIZ chunk {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::exr::chunk::ChannelKind;
    use proptest::prelude::*;

    /// Rows in memory of their own, at odd places.
    struct Planes {
        /// By channel, none for those that nobody wants.
        lines: Vec<Option<Vec<Vec<u8>>>>,
    }

    impl Rows for Planes {
        fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
            self.lines[channel].as_mut().map(|lines| &mut lines[line][1..])
        }
    }

    impl Planes {
        fn of(chunk: &Chunk, wanted: u32) -> Self {
            let plane = |channel| vec![vec![0xcd; chunk.line_bytes(channel) + 1]; chunk.lines(channel)];
            let wanted = |channel: &usize| wanted >> channel & 1 == 1;
            Self { lines: (0..chunk.channels.len()).map(|at| wanted(&at).then(|| plane(at))).collect() }
        }

        /// The samples of a channel.
        fn samples(&self, channel: usize) -> Option<Vec<u8>> {
            self.lines[channel]
                .as_ref()
                .map(|lines| lines.iter().flat_map(|line| line[1..].to_vec()).collect())
        }
    }

    /// Packs a chunk whose samples are `planes`, by channel.
    fn packed(chunk: &Chunk, planes: &[Vec<u8>]) -> Vec<u8> {
        let halves =
            |plane: &[u8]| plane.as_chunks().0.iter().map(|half| u16::from_le_bytes(*half)).collect();
        let mut planes: Vec<Vec<u16>> = planes.iter().map(|plane| halves(plane)).collect();
        let mut bitmap = vec![0_u8; BITMAP];
        planes.iter().flatten().for_each(|half| bitmap[usize::from(half / 8)] |= 1 << (half % 8));
        bitmap[0] &= !1;
        let first = bitmap.iter().position(|byte| *byte != 0).unwrap_or(BITMAP - 1);
        let last = bitmap.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        let occurs = |value: u16| value == 0 || bitmap[usize::from(value / 8)] >> (value % 8) & 1 == 1;
        let mut numbers = vec![0; 1 << 16];
        let mut max = 0;
        for value in (1..=u16::MAX).filter(|value| occurs(*value)) {
            max += 1;
            numbers[usize::from(value)] = max;
        }
        planes.iter_mut().flatten().for_each(|half| *half = numbers[usize::from(*half)]);
        for (channel, plane) in planes.iter_mut().enumerate().filter(|(_, plane)| !plane.is_empty()) {
            let halves = chunk.channels[channel].kind.bytes() / 2;
            for half in 0..halves {
                let mut single: Vec<u16> = plane.iter().skip(half).step_by(halves).copied().collect();
                wavelet::tests::apply(&mut single, chunk.samples(channel), max);
                plane.iter_mut().skip(half).step_by(halves).zip(single).for_each(|(to, from)| *to = from);
            }
        }
        let block = huffman::pack::packed(&planes.concat());
        let mut packed = [first as u16, last as u16].map(u16::to_le_bytes).concat();
        packed.extend(bitmap.get(first..=last).unwrap_or_default());
        packed.extend((block.len() as u32).to_le_bytes());
        [packed, block].concat()
    }

    #[derive(Debug, Clone)]
    struct Case {
        channels: Vec<ChannelKind>,
        place: (i32, i32, u32, u32),
        planes: Vec<Vec<u8>>,
        wanted: u32,
    }

    impl Case {
        fn chunk(&self) -> Chunk<'_> {
            let (x, y, width, height) = self.place;
            Chunk { channels: &self.channels, x, y, width, height }
        }
    }

    fn channel() -> impl Strategy<Value = ChannelKind> {
        let kind = prop_oneof![Just(Kind::Half), Just(Kind::Half), Just(Kind::Float), Just(Kind::Uint)];
        let sampling = prop_oneof![Just((1, 1)), Just((1, 1)), Just((2, 2)), Just((1, 2)), Just((3, 1))];
        let channel = |(kind, sampling)| ChannelKind { name: vec![b'Y'], kind, is_linear: false, sampling };
        (kind, sampling).prop_map(channel)
    }

    fn cases() -> impl Strategy<Value = Case> {
        let side = || prop_oneof![Just(1_u32), Just(2), 1..50_u32, Just(64)];
        let place = (-9..9, -9..9, side(), side());
        let channels = prop::collection::vec(channel(), 1..8);
        (channels, place, any::<u32>(), any::<u32>(), 0_u32..17).prop_map(
            |(channels, place, wanted, seed, spread)| {
                let mut case = Case { channels, place, planes: Vec::new(), wanted };
                let chunk = case.chunk();
                let mut state = seed;
                let mut half = || {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    ((seed & 0x7f7f) as u16)
                        .wrapping_add((u64::from(state) << spread >> 32) as u16)
                        .to_le_bytes()
                };
                let halves = |channel| chunk.line_bytes(channel) * chunk.lines(channel) / 2;
                case.planes = (0..chunk.channels.len())
                    .map(|at| (0..halves(at)).flat_map(|_| half()).collect())
                    .collect();
                case
            },
        )
    }

    fn decoded(case: &Case, packed: &[u8]) -> Result<Planes, DecodeError> {
        let mut planes = Planes::of(&case.chunk(), case.wanted);
        decode(&case.chunk(), packed, &mut Scratch::default(), &mut planes).map(|()| planes)
    }

    proptest! {
        #[test]
        fn wanted_channels_come_back(case in cases().prop_filter("a chunk has samples", |case| case.chunk().bytes() > 0)) {
            let planes = decoded(&case, &packed(&case.chunk(), &case.planes)).unwrap();
            for (channel, plane) in case.planes.iter().enumerate() {
                let found = planes.samples(channel);
                prop_assert!(found.is_none_or(|found| found == *plane), "channel {}", channel);
            }
        }

        #[test]
        fn damaged_chunks_do_no_harm(
            case in cases().prop_filter("a chunk has samples", |case| case.chunk().bytes() > 0),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut broken = packed(&case.chunk(), &case.planes);
            for (at, byte) in changes {
                let at = at.index(broken.len());
                broken[at] = byte;
            }
            let _ = decoded(&case, &broken);
            let _ = decoded(&case, &broken[..cut.index(broken.len())]);
        }
    }

    fn halves(width: u32, height: u32, value: u16) -> (Case, Vec<u8>) {
        let kind = ChannelKind { name: vec![b'Y'], kind: Kind::Half, is_linear: false, sampling: (1, 1) };
        let plane = value.to_le_bytes().repeat((width * height) as usize);
        let case =
            Case { channels: vec![kind], place: (0, 0, width, height), planes: vec![plane], wanted: 1 };
        let packed = packed(&case.chunk(), &case.planes);
        (case, packed)
    }

    #[test]
    fn one_value_needs_one_number() {
        for value in [0, 1, 7, 8, 0x3c00, 0xffff] {
            let (case, packed) = halves(5, 4, value);
            assert_eq!(decoded(&case, &packed).unwrap().samples(0), Some(case.planes[0].clone()), "{value}");
        }
    }

    #[test]
    fn broken_bitmaps_and_lengths_are_errors() {
        let (case, whole) = halves(5, 4, 9);
        for (at, numbers) in
            [(0, [2, 0, 0, 0x20]), (0, [0, 0, 0xff, 0xff]), (5, [0xff; 4]), (5, [0, 0, 0, 0x80])]
        {
            let mut broken = whole.clone();
            broken[at..at + 4].copy_from_slice(&numbers);
            assert!(decoded(&case, &broken).is_err(), "{numbers:?} at {at}");
        }
        for length in 0..whole.len() {
            assert!(decoded(&case, &whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn no_memory_is_taken_for_a_rectangle_that_the_chunk_cannot_fill() {
        let (mut case, packed) = halves(5, 4, 9);
        for (width, height) in [(1 << 30, 32), (u32::MAX, u32::MAX)] {
            case.place = (0, 0, width, height);
            let mut scratch = Scratch::default();
            assert!(decode(&case.chunk(), &packed, &mut scratch, &mut Anything).is_err());
            assert_eq!(scratch.samples.capacity(), 0);
        }
    }

    /// Wants everything and never comes to get it.
    struct Anything;

    impl Rows for Anything {
        fn row(&mut self, _: usize, _: usize) -> Option<&mut [u8]> {
            Some(&mut [])
        }
    }
}
