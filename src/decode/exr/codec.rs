//! Owns the choice of codec for a part, and the way of one chunk's bytes into rows. The thread that decodes.

use super::attribute::compression_name;
use super::bytes::Carry;
use super::chunk::{Chunk, Rows};
use super::header::PartHeader;
use super::inflate::Workspace;
use super::proxy::Shrink;
use super::{b44, dwa, htj2k, piz, pxr24, simd, zstd};
use crate::decode::DecodeError;

/// Samples are little-endian in files and are copied as they are.
const _: () = assert!(cfg!(target_endian = "little"));

/// Why the pixels of a part cannot be decoded, when its header already tells.
pub fn obstacle(part: &PartHeader) -> Option<String> {
    // Of the others no deep data is written.
    let is_known = match part.is_deep {
        true => matches!(part.compression, 0..=3 | 13),
        false => Codec::of(part.compression).is_some(),
    };
    let of = if part.is_deep { "deep data of " } else { "" };
    (!is_known).then(|| format!("{of}the compression {}", compression_name(part.compression)))
}

enum Codec {
    None,
    Rle,
    /// ZIPS and ZIP differ in the lines of a chunk only.
    Zip,
    Piz,
    Pxr24,
    B44,
    Dwa,
    /// HTJ2K of 32 and of 256 lines, and LJ2K.
    Htj2k,
    Zstd,
}

impl Codec {
    /// The codec of a compression by its number in the file.
    fn of(compression: u8) -> Option<Self> {
        Some(match compression {
            0 => Self::None,
            1 => Self::Rle,
            2 | 3 => Self::Zip,
            4 => Self::Piz,
            5 => Self::Pxr24,
            6 | 7 => Self::B44,
            8 | 9 => Self::Dwa,
            10..=12 => Self::Htj2k,
            13 => Self::Zstd,
            _ => return None,
        })
    }
}

/// Decodes the chunks of one part.
pub struct ChunkCodec {
    codec: Codec,
}

impl ChunkCodec {
    /// # Errors
    /// [`DecodeError::NotSupported`] for what [`obstacle`] names.
    pub fn new(part: &PartHeader) -> Result<Self, DecodeError> {
        let codec = Codec::of(part.compression).filter(|_| obstacle(part).is_none());
        let codec = codec.ok_or_else(|| DecodeError::not_supported(obstacle(part).unwrap_or_default()))?;
        Ok(Self { codec })
    }

    /// Whether the samples stand in the file as they are.
    pub fn is_none(&self) -> bool {
        matches!(self.codec, Codec::None)
    }

    /// Decodes one chunk at a smaller size. Lines of the full width are decoded as they are.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_shrunk(
        &self,
        chunk: &Chunk,
        shrink: Shrink,
        compressed: &[u8],
        rows: &mut impl Rows,
    ) -> Result<(), DecodeError> {
        if shrink.across == 1 {
            return self.decode(chunk, compressed, rows);
        }
        if compressed.len() == chunk.bytes() {
            copy_corners(chunk, shrink, compressed, rows);
            return Ok(());
        }
        match &self.codec {
            Codec::Dwa => {
                Workspace::with(|workspace| dwa::decode_proxy(chunk, compressed, &mut workspace.dwa, rows))
            }
            Codec::Htj2k => {
                let halvings = shrink.down.ilog2() as u8;
                let scratch = |workspace: &mut Workspace| {
                    htj2k::decode_reduced(chunk, compressed, halvings, &mut workspace.htj2k, rows)
                };
                Workspace::with(scratch)
            }
            _ => Err(DecodeError::not_supported("this compression has no smaller size")),
        }
    }

    /// Decodes one chunk into rows.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] with the reason; rows may be half written then.
    pub fn decode(&self, chunk: &Chunk, compressed: &[u8], rows: &mut impl Rows) -> Result<(), DecodeError> {
        let length = chunk.bytes();
        // A chunk that would not shrink is stored as it is, whatever the compression.
        if compressed.len() == length {
            copy(chunk, compressed, rows);
            return Ok(());
        }
        match &self.codec {
            Codec::None => Err(DecodeError::damaged("a chunk does not fill its rectangle")),
            Codec::Rle => Workspace::with(|workspace| {
                merge_halves(chunk, workspace.expand_runs(compressed, length)?, rows);
                Ok(())
            }),
            Codec::Zip => Workspace::with(|workspace| {
                merge_halves(chunk, workspace.inflate(compressed, length)?, rows);
                Ok(())
            }),
            Codec::Piz => {
                Workspace::with(|workspace| piz::decode(chunk, compressed, &mut workspace.piz, rows))
            }
            Codec::Dwa => {
                Workspace::with(|workspace| dwa::decode(chunk, compressed, &mut workspace.dwa, rows))
            }
            Codec::Htj2k => {
                Workspace::with(|workspace| htj2k::decode(chunk, compressed, &mut workspace.htj2k, rows))
            }
            Codec::B44 => b44::decode(chunk, compressed, rows),
            Codec::Zstd => {
                Workspace::with(|workspace| zstd::decode(chunk, compressed, &mut workspace.zstd, rows))
            }
            Codec::Pxr24 => Workspace::with(|workspace| {
                pxr24::unpack(chunk, workspace.inflate(compressed, pxr24::stored_bytes(chunk))?, rows);
                Ok(())
            }),
        }
    }

    /// Inflates a chunk and throws the bytes away: what no decoder of this file can do without. `false` for
    /// compressions without zlib.
    pub fn inflate_only(&self, chunk: &Chunk, compressed: &[u8]) -> bool {
        let length = match &self.codec {
            Codec::Zip => chunk.bytes(),
            Codec::Pxr24 => pxr24::stored_bytes(chunk),
            _ => return false,
        };
        if compressed.len() < chunk.bytes() {
            Workspace::with(|workspace| workspace.inflate(compressed, length).is_ok())
        } else {
            true
        }
    }
}

/// Copies samples that stand in file order.
fn copy(chunk: &Chunk, samples: &[u8], rows: &mut impl Rows) {
    let mut rest = samples;
    for (channel, line) in chunk.file_order() {
        let (from, after) = rest.split_at(chunk.line_bytes(channel));
        if let Some(row) = rows.row(channel, line) {
            row.copy_from_slice(from);
        }
        rest = after;
    }
}

/// Copies the first sample of every block of pixels from samples that stand in file order.
fn copy_corners(chunk: &Chunk, shrink: Shrink, samples: &[u8], rows: &mut impl Rows) {
    let mut rest = samples;
    for (channel, line) in chunk.file_order() {
        let (from, after) = rest.split_at(chunk.line_bytes(channel));
        rest = after;
        if !(line as u32).is_multiple_of(shrink.down) {
            continue;
        }
        let sample_bytes = chunk.channels[channel].kind.bytes();
        let corners = from.chunks(sample_bytes * shrink.across as usize);
        if let Some(row) = rows.row(channel, line / shrink.down as usize) {
            for (to, block) in row.chunks_exact_mut(sample_bytes).zip(corners) {
                to.copy_from_slice(&block[..sample_bytes]);
            }
        }
    }
}

/// Undoes the predictor and the reordering on the way into the rows; no copy of the chunk in its own order is made.
/// Samples have 2 or 4 bytes, so every row begins at an even byte.
fn merge_halves(chunk: &Chunk, halves: &[u8], rows: &mut impl Rows) {
    let (mut low, mut high) = halves.split_at(halves.len() / 2);
    let mut carry = Carry::before(low);
    for (channel, line) in chunk.file_order() {
        let pairs = chunk.line_bytes(channel) / 2;
        let (low_row, low_rest) = low.split_at(pairs);
        let (high_row, high_rest) = high.split_at(pairs);
        match rows.row(channel, line) {
            Some(row) => simd::merge(low_row, high_row, &mut carry, row),
            None => carry.skip(low_row, high_row),
        }
        (low, high) = (low_rest, high_rest);
    }
}
