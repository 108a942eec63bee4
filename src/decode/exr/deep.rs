//! Owns deep chunks, scan lines and tiles («OpenEXR File Layout», deep data): a table of sample counts, then
//! the samples, each compressed on its own; they come out flattened, one sample a pixel. The thread that decodes.
//!
//! The table: for every pixel how many samples its line has up to there, i32. The samples: line by line, in a
//! line channel by channel in file order, in a channel pixel by pixel. Of the compressions none, RLE, ZIPS and
//! ZSTD are valid for deep data; ZIP is read too.

use std::cell::RefCell;
use std::ops::Range;

use super::bytes::Carry;
use super::chunk::{ChannelKind, Chunk, Kind, Rows};
use super::flatten::Flattener;
use super::inflate::Workspace;
use super::numbers;
use super::scratch::{Held, grown};
use super::{simd, zstd};
use crate::decode::DecodeError;

/// Samples that a chunk may have; 4096 x 16 pixels of 1024 each.
const MAX_CHUNK_SAMPLES: u64 = 1 << 26;
/// Samples that a pixel may have.
const MAX_PIXEL_SAMPLES: usize = 1 << 18;
/// Samples that are worked on together, when no pixel has more: they stay in the processor's cache.
const BATCH_SAMPLES: usize = 1 << 13;
/// A thread keeps what chunks of up to so many bytes of samples need.
const KEPT_BYTES: u64 = 16 << 20;
/// Bytes of a count in the table.
const COUNT_BYTES: usize = 4;

/// What a thread keeps between chunks.
#[derive(Default)]
pub struct Scratch {
    table: Vec<u8>,
    samples: Vec<u8>,
    zstd: zstd::Scratch,
    flattener: Flattener,
    /// Which channels somebody wants.
    wanted: Vec<bool>,
    /// The foremost sample of each pixel of a line.
    foremost: Vec<Option<usize>>,
}

impl Held for Scratch {
    fn held_bytes(&self) -> usize {
        let Self { table, samples, zstd, flattener, wanted, foremost } = self;
        let bytes = table.held_bytes() + samples.held_bytes() + zstd.held_bytes() + flattener.held_bytes();
        bytes + wanted.held_bytes() + foremost.held_bytes()
    }
}

/// The two streams of a deep chunk.
#[derive(Debug, Clone, Copy)]
pub struct Packed<'a> {
    /// The part's compression, as numbered in the file.
    pub compression: u8,
    pub table: &'a [u8],
    pub samples: &'a [u8],
    /// Bytes of the unpacked samples, as the chunk says.
    pub unpacked: u64,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Bytes of the scratch that the calling thread keeps.
pub fn held_bytes() -> usize {
    SCRATCH.with_borrow(Held::held_bytes)
}

/// Gives the scratch back.
pub fn release() {
    drop(SCRATCH.take());
}

/// As [`decode`], in the scratch that this thread keeps; what an unusually large chunk needed goes back at once.
///
/// # Errors
/// Those of [`decode`].
pub fn decode_here(chunk: &Chunk, packed: Packed, rows: &mut impl Rows) -> Result<(), DecodeError> {
    SCRATCH.with_borrow_mut(|scratch| {
        let end = decode(chunk, packed, scratch, rows);
        if packed.unpacked > KEPT_BYTES {
            *scratch = Scratch::default();
        }
        end
    })
}

/// Decodes a chunk and writes it flattened into `rows`, in the kinds of its channels.
///
/// # Errors
/// [`DecodeError::NotSupported`] for other compressions, [`DecodeError::Damaged`] for streams that do not hold
/// what they should, or too many samples; [`DecodeError::Io`] without memory.
pub fn decode(
    chunk: &Chunk,
    packed: Packed,
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    if chunk.channels.iter().any(|channel| channel.sampling != (1, 1)) {
        return Err(DecodeError::damaged("a deep channel is subsampled"));
    }
    let Scratch { table, samples, zstd, flattener, wanted, foremost } = scratch;
    let (width, height) = (chunk.width as usize, chunk.height as usize);
    let table_bytes = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(COUNT_BYTES));
    let table_bytes = table_bytes.ok_or_else(|| damaged("a deep chunk is too large"))?;
    let table_lines = std::iter::repeat_n((COUNT_BYTES, width), height);
    let stored = match packed.compression {
        // OpenEXR writes as many bytes for a tile at the edge as for a whole one.
        0 => packed.table.get(..table_bytes).unwrap_or(packed.table),
        _ => packed.table,
    };
    let table = expand(packed.compression, stored, table_bytes, table_lines, (table, zstd))?;
    let table = Table::new(table, width)?;

    let sample_bytes: usize = chunk.channels.iter().map(|channel| channel.kind.bytes()).sum();
    if packed.unpacked != table.samples.saturating_mul(sample_bytes as u64) {
        return Err(damaged("a deep chunk's samples are not as many as its counts say"));
    }
    let kinds = || chunk.channels.iter().map(|channel| channel.kind.bytes());
    let lines = (0..height).flat_map(|line| kinds().map(move |bytes| (bytes, table.line_samples(line))));
    let samples =
        expand(packed.compression, packed.samples, packed.unpacked as usize, lines, (samples, zstd))?;

    let mut work = Work { chunk, table: &table, flattener, wanted, foremost };
    work.start(rows)?;
    let mut rest = samples;
    for line in 0..height {
        let (of_line, below) = rest.split_at(table.line_samples(line) * sample_bytes);
        work.flatten_line(line, of_line, rows)?;
        rest = below;
    }
    Ok(())
}

fn damaged(reason: &str) -> DecodeError {
    DecodeError::damaged(reason)
}

fn no_memory<T>(_: T) -> DecodeError {
    DecodeError::Io { reason: "no memory for a deep chunk".to_owned() }
}

/// The counts of a chunk, checked.
#[derive(Debug, Clone, Copy)]
struct Table<'a> {
    counts: &'a [[u8; COUNT_BYTES]],
    width: usize,
    /// Samples of the whole chunk.
    samples: u64,
}

impl<'a> Table<'a> {
    fn new(bytes: &'a [u8], width: usize) -> Result<Self, DecodeError> {
        let counts = bytes.as_chunks::<COUNT_BYTES>().0;
        let mut samples = 0;
        for line in counts.chunks(width.max(1)) {
            let mut before = 0;
            for count in line {
                let count = u32::from_le_bytes(*count);
                match count.checked_sub(before) {
                    Some(of_pixel) if of_pixel as usize <= MAX_PIXEL_SAMPLES => before = count,
                    Some(_) => return Err(damaged("a deep pixel has too many samples")),
                    None => return Err(damaged("a deep chunk's counts go down")),
                }
            }
            samples += u64::from(before);
            if samples > MAX_CHUNK_SAMPLES {
                return Err(damaged("a deep chunk has too many samples"));
            }
        }
        Ok(Self { counts, width, samples })
    }

    /// The samples of some of a line's pixels, counted from the start of the line.
    fn samples_in(&self, line: usize, pixels: Range<usize>) -> Range<usize> {
        let line = &self.counts[line * self.width..][..self.width];
        let before = |x: usize| if x == 0 { 0 } else { u32::from_le_bytes(line[x - 1]) as usize };
        before(pixels.start)..before(pixels.end)
    }

    fn line_samples(&self, line: usize) -> usize {
        self.samples_in(line, 0..self.width).len()
    }
}

/// Unpacks a stream to exactly `length` bytes: `lines` of samples, as (bytes of a sample, samples).
fn expand<'a>(
    compression: u8,
    packed: &'a [u8],
    length: usize,
    lines: impl Iterator<Item = (usize, usize)> + Clone,
    (buffer, zstd): (&'a mut Vec<u8>, &mut zstd::Scratch),
) -> Result<&'a [u8], DecodeError> {
    if packed.len() == length {
        return Ok(packed);
    }
    match compression {
        0 => return Err(damaged("a deep chunk does not fill its rectangle")),
        1 => Workspace::with(|space| reorder(space.expand_runs(packed, length)?, buffer))?,
        2 | 3 => Workspace::with(|space| reorder(space.inflate(packed, length)?, buffer))?,
        13 => expand_zstd(packed, length, lines, (buffer, zstd))?,
        other => return Err(DecodeError::not_supported(format!("deep data with compression {other}"))),
    }
    Ok(&buffer[..length])
}

/// Undoes what is done before RLE and ZIP.
fn reorder(halves: &[u8], buffer: &mut Vec<u8>) -> Result<(), DecodeError> {
    // Counts and samples have an even number of bytes.
    let (low, high) = halves.split_at(halves.len() / 2);
    simd::merge(low, high, &mut Carry::before(low), grown(buffer, halves.len())?);
    Ok(())
}

fn expand_zstd(
    packed: &[u8],
    length: usize,
    lines: impl Iterator<Item = (usize, usize)> + Clone,
    (buffer, zstd): (&mut Vec<u8>, &mut zstd::Scratch),
) -> Result<(), DecodeError> {
    let group = |width: usize| {
        let of_group = lines.clone().filter(|(bytes, _)| *bytes == width);
        of_group.map(|(_, samples)| samples).sum()
    };
    let zstd::Groups { mut halves, mut words } = zstd.unpack(packed, group(2), group(4))?;
    let mut rest = grown(buffer, length)?;
    for (bytes, samples) in lines {
        let (line, below) = rest.split_at_mut(bytes * samples);
        match bytes {
            2 => halves.next_line(samples, Some(line)),
            _ => words.next_line(samples, Some(line)),
        }
        rest = below;
    }
    Ok(())
}

/// The work on a chunk's lines.
struct Work<'a> {
    chunk: &'a Chunk<'a>,
    table: &'a Table<'a>,
    flattener: &'a mut Flattener,
    wanted: &'a mut Vec<bool>,
    foremost: &'a mut Vec<Option<usize>>,
}

impl Work<'_> {
    fn start(&mut self, rows: &mut impl Rows) -> Result<(), DecodeError> {
        let channels = self.chunk.channels;
        self.flattener.start(channels);
        self.wanted.clear();
        self.wanted.extend((0..channels.len()).map(|channel| rows.row(channel, 0).is_some()));
        let wanted = channels.iter().zip(&*self.wanted);
        for ((channel, wanted), pixels) in wanted.zip(&mut self.flattener.pixels) {
            if *wanted && channel.kind != Kind::Uint {
                grown(pixels, self.table.width)?;
            }
        }
        grown(self.foremost, self.table.width)?;
        Ok(())
    }

    /// Flattens line `line`, whose samples are `bytes`, and writes it.
    fn flatten_line(&mut self, line: usize, bytes: &[u8], rows: &mut impl Rows) -> Result<(), DecodeError> {
        let mut x = 0;
        while x < self.table.width {
            let fits = |end: &usize| self.table.samples_in(line, x..*end).len() <= BATCH_SAMPLES;
            let end = (x + 2..=self.table.width).take_while(fits).last().unwrap_or(x + 1);
            self.flatten_batch(line, x..end, bytes)?;
            x = end;
        }
        for (channel, kind, samples) in channel_lines(self.chunk, self.table.line_samples(line), bytes) {
            let Some(row) = rows.row(channel, line) else { continue };
            match kind {
                Kind::Uint => {
                    let ids = samples.as_chunks::<4>().0;
                    let foremost =
                        self.foremost.iter().map(|sample| sample.map_or([0; 4], |sample| ids[sample]));
                    row.as_chunks_mut::<4>().0.iter_mut().zip(foremost).for_each(|(row, id)| *row = id);
                }
                Kind::Half | Kind::Float => numbers::write(kind, &self.flattener.pixels[channel], row),
            }
        }
        Ok(())
    }

    fn flatten_batch(&mut self, line: usize, pixels: Range<usize>, bytes: &[u8]) -> Result<(), DecodeError> {
        let table = self.table;
        let batch = table.samples_in(line, pixels.clone());
        for (channel, kind, samples) in channel_lines(self.chunk, table.line_samples(line), bytes) {
            if self.flattener.needs(channel, |channel| self.wanted[channel]) {
                let samples = &samples[batch.start * kind.bytes()..batch.end * kind.bytes()];
                numbers::read(kind, samples, grown(&mut self.flattener.samples[channel], batch.len())?);
            }
        }
        let most = pixels.clone().map(|x| table.samples_in(line, x..x + 1).len()).max();
        self.flattener.reserve(most.unwrap_or(0)).map_err(no_memory)?;
        for x in pixels {
            let samples = table.samples_in(line, x..x + 1);
            let foremost = self.flattener.flatten(samples.start - batch.start..samples.end - batch.start, x);
            self.foremost[x] = foremost.map(|sample| batch.start + sample);
        }
        Ok(())
    }
}

/// The channels of a line of `samples` samples, with their bytes.
fn channel_lines<'a>(
    chunk: &'a Chunk,
    samples: usize,
    bytes: &'a [u8],
) -> impl Iterator<Item = (usize, Kind, &'a [u8])> {
    chunk.channels.iter().enumerate().scan(bytes, move |rest, (channel, ChannelKind { kind, .. })| {
        let (of_channel, others) = rest.split_at(samples * kind.bytes());
        *rest = others;
        Some((channel, *kind, of_channel))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;
    use proptest::prelude::*;

    /// A plane a channel; a chunk's rows stand at (x, y) in it. Those not wanted are empty.
    struct Planes {
        planes: Vec<(usize, Vec<u8>)>,
        width: usize,
        corner: [usize; 2],
        chunk_width: usize,
    }

    impl Planes {
        fn new(channels: &[ChannelKind], width: usize, height: usize) -> Self {
            let plane = |channel: &ChannelKind| {
                (channel.kind.bytes(), vec![0xee; width * height * channel.kind.bytes()])
            };
            Self { planes: channels.iter().map(plane).collect(), width, corner: [0, 0], chunk_width: width }
        }
    }

    impl Rows for Planes {
        fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
            let (bytes, plane) = &mut self.planes[channel];
            let start = (self.corner[1] + line) * self.width + self.corner[0];
            plane.get_mut(start * *bytes..(start + self.chunk_width) * *bytes)
        }
    }

    /// Just enough of a reader for files of one part that OpenEXR wrote.
    struct File {
        bytes: Vec<u8>,
        channels: Vec<ChannelKind>,
        compression: u8,
        corner: [i32; 2],
        size: [usize; 2],
        tile: Option<[usize; 2]>,
        offsets: usize,
    }

    impl File {
        fn read(name: &str) -> Self {
            let path = format!("{}/tests/fixtures/deep/{name}.exr", env!("CARGO_MANIFEST_DIR"));
            let bytes = std::fs::read(&path).unwrap();
            let text = |at: usize| bytes[at..].split(|byte| *byte == 0).next().unwrap().to_vec();
            let mut file = Self {
                bytes: bytes.clone(),
                channels: vec![],
                compression: 0,
                corner: [0; 2],
                size: [0; 2],
                tile: None,
                offsets: 8,
            };
            while bytes[file.offsets] != 0 {
                let name = text(file.offsets);
                let kind = file.offsets + name.len() + 1;
                let size = kind + text(kind).len() + 1;
                let value = size + 4;
                match &name[..] {
                    b"channels" => {
                        let mut at = value;
                        while bytes[at] != 0 {
                            let name = text(at);
                            let numbers = at + name.len() + 1;
                            let kind = [Kind::Uint, Kind::Half, Kind::Float][usize::from(bytes[numbers])];
                            file.channels.push(ChannelKind {
                                name,
                                kind,
                                is_linear: false,
                                sampling: (1, 1),
                            });
                            at = numbers + 16;
                        }
                    }
                    b"compression" => file.compression = bytes[value],
                    b"dataWindow" => {
                        let [x, y, last_x, last_y] = [0, 4, 8, 12].map(|place| file.int(value + place));
                        file.corner = [x, y];
                        file.size = [(last_x - x + 1) as usize, (last_y - y + 1) as usize];
                    }
                    b"tiles" => file.tile = Some([file.int(value) as usize, file.int(value + 4) as usize]),
                    _ => {}
                }
                file.offsets = value + file.int(size) as usize;
            }
            file.offsets += 1;
            file
        }

        fn int(&self, at: usize) -> i32 {
            i32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
        }

        fn long(&self, at: usize) -> usize {
            u64::from_le_bytes(self.bytes[at..at + 8].try_into().unwrap()) as usize
        }

        /// The chunks: place, size, streams.
        fn chunks(&self) -> impl Iterator<Item = ([usize; 2], [usize; 2], Packed<'_>)> {
            let [columns, rows] = self.tile.unwrap_or([self.size[0], 1]);
            let count = self.size[0].div_ceil(columns) * self.size[1].div_ceil(rows);
            (0..count).map(move |number| {
                let at = self.long(self.offsets + 8 * number);
                let int = |place: usize| self.int(at + place) as usize;
                let (corner, sizes) = match self.tile {
                    Some([width, height]) => ([int(0) * width, int(4) * height], at + 16),
                    None => ([0, int(0) - self.corner[1] as usize], at + 4),
                };
                let size = [columns.min(self.size[0] - corner[0]), rows.min(self.size[1] - corner[1])];
                let table = sizes + 24;
                let samples = table + self.long(sizes);
                let packed = Packed {
                    compression: self.compression,
                    table: &self.bytes[table..samples],
                    samples: &self.bytes[samples..samples + self.long(sizes + 8)],
                    unpacked: self.long(sizes + 16) as u64,
                };
                (corner, size, packed)
            })
        }

        fn chunk(&self, [x, y]: [usize; 2], [width, height]: [usize; 2]) -> Chunk<'_> {
            let (x, y) = (self.corner[0] + x as i32, self.corner[1] + y as i32);
            Chunk { channels: &self.channels, x, y, width: width as u32, height: height as u32 }
        }
    }

    fn assert_file_is_flattened(name: &str) {
        let file = File::read(name);
        let mut planes = Planes::new(&file.channels, file.size[0], file.size[1]);
        let mut scratch = Scratch::default();
        for (corner, size, packed) in file.chunks() {
            (planes.corner, planes.chunk_width) = (corner, size[0]);
            decode(&file.chunk(corner, size), packed, &mut scratch, &mut planes).unwrap();
        }
        let path = format!("{}/tests/fixtures/deep/{name}.f32", env!("CARGO_MANIFEST_DIR"));
        let expected = std::fs::read(path).unwrap();
        let expected = expected.chunks(4 * file.size[0] * file.size[1]);
        for ((channel, (_, plane)), expected) in file.channels.iter().zip(&planes.planes).zip(expected) {
            if channel.kind == Kind::Uint {
                assert_eq!(plane, expected);
                continue;
            }
            let mut found = vec![0.0; expected.len() / 4];
            numbers::read(channel.kind, plane, &mut found);
            let expected = expected.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number));
            for (found, expected) in found.into_iter().zip(expected) {
                let is_half = channel.kind == Kind::Half;
                let expected = if is_half { f16::from_f32(expected).to_f32() } else { expected };
                let tolerance = if is_half { 1e-3 } else { 2e-5 } * expected.abs().max(1.0);
                let is_close = found == expected || (found - expected).abs() <= tolerance;
                assert!(is_close, "{name}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn files_of_openexr_come_out_as_by_oiiotool() {
        assert_file_is_flattened("points_zips");
        assert_file_is_flattened("points_none_tiles");
        assert_file_is_flattened("volumes_zstd_tiles");
    }

    #[test]
    fn a_messy_file_comes_out_as_by_the_document() {
        assert_file_is_flattened("messy_rle");
    }

    fn channels() -> Vec<ChannelKind> {
        [("A", Kind::Half), ("Z", Kind::Float), ("id", Kind::Uint)]
            .map(|(name, kind)| ChannelKind { name: name.into(), kind, is_linear: false, sampling: (1, 1) })
            .to_vec()
    }

    fn table(counts: &[u32]) -> Vec<u8> {
        counts.iter().flat_map(|count| count.to_le_bytes()).collect()
    }

    /// Decodes a chunk of two lines of two pixels without compression.
    fn decoded(counts: &[u32], samples: &[u8], unpacked: u64) -> Result<Planes, DecodeError> {
        let channels = channels();
        let chunk = Chunk { channels: &channels, x: 0, y: 0, width: 2, height: 2 };
        let mut planes = Planes::new(&channels, 2, 2);
        let packed = Packed { compression: 0, table: &table(counts), samples, unpacked };
        decode(&chunk, packed, &mut Scratch::default(), &mut planes).map(|()| planes)
    }

    #[test]
    fn counts_start_anew_in_every_line() {
        let halves = [1.0, 0.5].map(|number| f16::from_f32(number).to_le_bytes());
        let line = |half: [u8; 2], z: f32, id: u32| [&half[..], &z.to_le_bytes(), &id.to_le_bytes()].concat();
        let samples = [line(halves[0], 2.0, 7), line(halves[1], 3.0, 9)].concat();
        let planes = decoded(&[0, 1, 1, 1], &samples, 20).unwrap().planes;
        let zero = [0, 0];
        assert_eq!(planes[0].1, [zero, halves[0], halves[1], zero].concat());
        assert_eq!(planes[1].1, [1e30_f32, 2.0, 3.0, 1e30].map(f32::to_le_bytes).concat());
        assert_eq!(planes[2].1, [0_u32, 7, 9, 0].map(u32::to_le_bytes).concat());
    }

    #[test]
    fn counts_are_believed_only_when_they_fit() {
        assert!(decoded(&[0; 4], &[], 0).is_ok());
        let samples = [0; 60];
        assert!(decoded(&[1, 2, 0, 1], &samples[..30], 30).is_ok());
        for counts in [[2, 1, 0, 0], [1, 2, 2, 1], [0, u32::MAX, 0, 0], [1 << 19, 1 << 19, 0, 0]] {
            assert!(decoded(&counts, &samples, 60).is_err(), "{counts:?}");
        }
        for (length, unpacked) in [(29, 30), (30, 29), (31, 31), (30, u64::MAX), (0, 30)] {
            assert!(decoded(&[1, 2, 0, 1], &samples[..length], unpacked).is_err());
        }
        assert!(decoded(&[0; 3], &[], 0).is_err());
        // Each pixel is fine, together they are too many.
        let steps: Vec<u32> = (1..=300).map(|pixel| pixel << 18).collect();
        assert!(Table::new(&table(&steps), 300).is_err());
        assert!(Table::new(&table(&[1 << 18; 300]), 300).is_ok());
    }

    #[test]
    fn other_compressions_and_subsampled_channels_are_errors() {
        let mut channels = channels();
        let result = |channels: &[ChannelKind], compression| {
            let chunk = Chunk { channels, x: 0, y: 0, width: 2, height: 2 };
            let packed = Packed { compression, table: &[1; 5], samples: &[], unpacked: 0 };
            decode(&chunk, packed, &mut Scratch::default(), &mut Planes::new(channels, 2, 2))
        };
        for compression in [4, 5, 10, 12, 14, 255] {
            let is_refused = matches!(result(&channels, compression), Err(DecodeError::NotSupported { .. }));
            assert!(is_refused, "{compression}");
        }
        for compression in [0, 1, 2, 3, 13] {
            assert!(matches!(result(&channels, compression), Err(DecodeError::Damaged { .. })));
        }
        channels[0].sampling = (2, 1);
        assert!(matches!(result(&channels, 0), Err(DecodeError::Damaged { .. })));
    }

    #[test]
    fn channels_that_nobody_wants_are_left_out() {
        let file = File::read("volumes_zstd_tiles");
        let (_, size, packed) = file.chunks().next().unwrap();
        let chunk = file.chunk([0, 0], size);
        let mut all = Planes::new(&file.channels, size[0], size[1]);
        decode(&chunk, packed, &mut Scratch::default(), &mut all).unwrap();
        let mut scratch = Scratch::default();
        for channel in 0..file.channels.len() {
            let mut one = Planes::new(&file.channels, size[0], size[1]);
            let others = (0..file.channels.len()).filter(|other| *other != channel);
            others.for_each(|other| one.planes[other].1.clear());
            // The scratch has seen other channels.
            decode(&chunk, packed, &mut scratch, &mut one).unwrap();
            assert_eq!(one.planes[channel], all.planes[channel]);
        }
    }

    proptest! {
        #[test]
        fn changed_chunks_end_in_a_result(
            name in prop::sample::select(vec!["points_zips", "messy_rle", "volumes_zstd_tiles", "points_none_tiles"]),
            number in 0..3_usize,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            (table_cut, samples_cut) in (0..3_usize, 0..3_usize),
            (width, height) in (0..3_usize, 0..3_usize),
        ) {
            let file = File::read(name);
            let (corner, size, packed) = file.chunks().nth(number).unwrap();
            let (mut table, mut samples) = (packed.table.to_vec(), packed.samples.to_vec());
            table.truncate(table.len() - table_cut.saturating_sub(1));
            samples.truncate(samples.len().saturating_sub(samples_cut.saturating_sub(1)));
            for (at, byte) in changes {
                let streams = table.iter_mut().chain(&mut samples);
                if let Some(place) = streams.into_iter().nth(at.index(packed.table.len() + packed.samples.len())) {
                    *place = byte;
                }
            }
            let size = [size[0] + width.saturating_sub(1), size[1] + height.saturating_sub(1)];
            let mut planes = Planes::new(&file.channels, size[0], size[1]);
            let packed = Packed { table: &table, samples: &samples, ..packed };
            drop(decode(&file.chunk(corner, size), packed, &mut Scratch::default(), &mut planes));
        }
    }
}
