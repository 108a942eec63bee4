//! Owns the doors for bytes that nobody vouches for: straight to the header's gate and to each codec, with no file
//! around them. Fuzz targets and tests come in here, the player never does. Any thread.

use std::path::Path;

use super::chunk::{ChannelKind, Chunk, Kind, Rows};
use super::codec::ChunkCodec;
use super::deep::{self, Packed};
use super::gate;
use super::header::{self, Box2i, PartHeader};
use super::plan::FramePlan;
use super::read;
use crate::decode::{DecodeError, MediaInfo};

/// A codec's name, which its fuzz target has too, and a compression of files that it decodes.
const CODECS: [(&str, u8); 8] =
    [("rle", 1), ("zip", 3), ("piz", 4), ("pxr24", 5), ("b44", 6), ("dwa", 8), ("htj2k", 11), ("zstd", 13)];

/// Names that codecs tell apart. An input has the number of one for each channel.
pub const NAMES: [&str; 8] = ["A", "B", "BY", "G", "R", "RY", "Y", "Z"];

/// So many layers of a header are planned.
const MAX_LAYERS: usize = 8;

/// The codecs that [`chunk`] knows.
pub fn codecs() -> impl Iterator<Item = &'static str> {
    CODECS.iter().map(|(name, _)| *name)
}

/// Sends a header through the gate and plans a frame of each layer. The first three bytes of the input are the size of
/// the file in units of 64 KiB, little-endian; the header follows.
///
/// # Errors
/// Those of the header and the gate.
pub fn gate(input: &[u8]) -> Result<MediaInfo, DecodeError> {
    let Some(([low, middle, high], head)) = input.split_first_chunk() else {
        return Err(DecodeError::damaged("there is no header"));
    };
    let stated = u64::from(u32::from_le_bytes([*low, *middle, *high, 0])) << 16;
    let file_bytes = stated.max(head.len() as u64);
    let cut_short = || DecodeError::damaged("the file ends inside its header");
    let header = header::read(head).map_err(|error| match error {
        header::HeaderError::NeedMore => cut_short(),
        header::HeaderError::Bad(error) => error,
    })?;
    let info = read::describe_file(&header, file_bytes, Path::new("input"))?;
    let bytes = head.get(..header.end).ok_or_else(cut_short)?;
    for (layer, level) in info.layers.iter().take(MAX_LAYERS).zip([0, 1, 2].into_iter().cycle()) {
        let planned =
            FramePlan::new(&header, bytes.to_vec(), &layer.planes.clone().into(), level, file_bytes);
        if let Ok(plan) = planned {
            assert!(plan.layout().total_bytes() as u64 <= gate::MAX_FRAME_BYTES);
        }
    }
    Ok(info)
}

/// Decodes a chunk by the codec of that name, twice, into memory of different content. An input is
///
/// - width and height less 1, x and y (signed), a byte each,
/// - the number of channels less 1; only the lower three bits count,
/// - for each channel a byte with its kind (bits 0 and 1: half, float, uint, half), the pLinear flag (bit 2), the
///   sampling of x and y less 1 (bits 3 and 4, 5 and 6) and whether nobody wants it (bit 7), and a byte with the
///   number of its name in [`NAMES`],
/// - the bytes of the chunk.
///
/// `None` for an input that ends before them or could not get past the checks that come before the codec.
///
/// # Panics
/// When the codec wrote beside its rows, left some of them as they were, or did not end the same way twice.
pub fn chunk(codec: &str, input: &[u8]) -> Option<Result<(), DecodeError>> {
    let (_, compression) = CODECS.into_iter().find(|(name, _)| *name == codec)?;
    let (shape, compressed) = Shape::read(input)?;
    if compressed.len() > shape.most_bytes() {
        return None;
    }
    let codec = ChunkCodec::new(&part(compression)).ok()?;
    Some(shape.decode_twice(|chunk, rows| codec.decode(chunk, compressed, rows)))
}

/// Decodes a chunk of deep data as [`chunk`] does others. In front of its bytes stand its compression, the length of
/// the table (two bytes) and that of the unpacked samples (three), little-endian.
///
/// # Panics
/// As [`chunk`].
pub fn deep(input: &[u8]) -> Option<Result<(), DecodeError>> {
    let (shape, rest) = Shape::read(input)?;
    let ([compression, few, many, low, middle, high], rest) = rest.split_first_chunk()?;
    let table_bytes = usize::from(u16::from_le_bytes([*few, *many]));
    let (table, samples) = rest.split_at_checked(table_bytes)?;
    let unpacked = u32::from_le_bytes([*low, *middle, *high, 0]).into();
    let packed = Packed { compression: *compression, table, samples, unpacked };
    Some(shape.decode_twice(|chunk, rows| deep::decode_here(chunk, packed, rows)))
}

/// What an input says of a chunk.
struct Shape {
    channels: Vec<ChannelKind>,
    is_wanted: Vec<bool>,
    corner: (i8, i8),
    size: (u32, u32),
}

impl Shape {
    /// The shape at the start of an input, and the rest.
    fn read(input: &[u8]) -> Option<(Self, &[u8])> {
        let ([width, height, x, y, count], rest) = input.split_first_chunk()?;
        let (described, rest) = rest.split_at_checked(2 * (usize::from(*count & 7) + 1))?;
        let described = described.as_chunks::<2>().0;
        let shape = Self {
            channels: described.iter().map(|[bits, name]| channel(*bits, *name)).collect(),
            is_wanted: described.iter().map(|[bits, _]| bits & 0x80 == 0).collect(),
            corner: (*x as i8, *y as i8),
            size: (u32::from(*width) + 1, u32::from(*height) + 1),
        };
        Some((shape, rest))
    }

    /// A chunk is never stored larger than with samples at every pixel.
    fn most_bytes(&self) -> usize {
        let pixel_bytes: usize = self.channels.iter().map(|channel| channel.kind.bytes()).sum();
        self.size.0 as usize * self.size.1 as usize * pixel_bytes
    }

    fn decode_twice(
        &self,
        decode: impl Fn(&Chunk, &mut FencedRows) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let chunk = Chunk {
            channels: &self.channels,
            x: self.corner.0.into(),
            y: self.corner.1.into(),
            width: self.size.0,
            height: self.size.1,
        };
        let [mut rows, mut rows_again] =
            [0xAA, 0x55].map(|fill| FencedRows::new(&chunk, &self.is_wanted, fill));
        let first = decode(&chunk, &mut rows);
        let second = decode(&chunk, &mut rows_again);
        assert_eq!(first, second, "it ends in another way the second time");
        assert!(rows.are_fences_whole() && rows_again.are_fences_whole(), "it writes beside its rows");
        assert!(first.is_err() || rows.memory == rows_again.memory, "it leaves rows as they were");
        first
    }
}

fn channel(bits: u8, name: u8) -> ChannelKind {
    ChannelKind {
        name: NAMES[usize::from(name) % NAMES.len()].into(),
        kind: [Kind::Half, Kind::Float, Kind::Uint, Kind::Half][usize::from(bits & 3)],
        is_linear: bits & 4 != 0,
        sampling: (u32::from(bits >> 3 & 3) + 1, u32::from(bits >> 5 & 3) + 1),
    }
}

/// A part of which nothing is said but its compression.
fn part(compression: u8) -> PartHeader {
    let window = Box2i { min: (0, 0), max: (0, 0) };
    PartHeader {
        attributes: Vec::new(),
        channels: Vec::new(),
        compression,
        data_window: window,
        display_window: window,
        pixel_aspect: 1.0,
        tiles: None,
        is_deep: false,
        chunk_count: None,
    }
}

/// Rows that have bytes between them which nobody may write to. At an odd number of them rows are of every alignment.
struct FencedRows {
    memory: Vec<u8>,
    /// Of each channel where its first row begins, bytes of a row and their number; no rows where nobody wants them.
    channels: Vec<(usize, usize, usize)>,
}

const FENCE: [u8; 13] = *b"keep off this";

impl FencedRows {
    fn new(chunk: &Chunk, is_wanted: &[bool], fill: u8) -> Self {
        let mut rows = Self { memory: FENCE.into(), channels: Vec::new() };
        for (channel, is_wanted) in is_wanted.iter().enumerate() {
            let (bytes, lines) = (chunk.line_bytes(channel), chunk.lines(channel));
            let lines = if *is_wanted { lines } else { 0 };
            rows.channels.push((rows.memory.len(), bytes, lines));
            for _ in 0..lines {
                rows.memory.resize(rows.memory.len() + bytes, fill);
                rows.memory.extend(FENCE);
            }
        }
        rows
    }

    fn are_fences_whole(&self) -> bool {
        let mut fences = self.channels.iter().flat_map(|(start, bytes, lines)| {
            (1..=*lines).map(move |line| start + line * (bytes + FENCE.len()) - FENCE.len())
        });
        let is_whole = |at: usize| self.memory.get(at..at + FENCE.len()) == Some(FENCE.as_slice());
        is_whole(0) && fences.all(is_whole)
    }
}

impl Rows for FencedRows {
    fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
        let (start, bytes, lines) = self.channels[channel];
        let start = start + line * (bytes + FENCE.len());
        if line < lines { self.memory.get_mut(start..start + bytes) } else { None }
    }
}
