//! Owns the choice of codec for a part, and the way of one chunk's bytes into rows. The thread that decodes.

use super::attribute::compression_name;
use super::bytes::Carry;
use super::chunk::{Chunk, Rows};
use super::foreign::{self, ForeignCodec};
use super::header::PartHeader;
use super::inflate::Workspace;
use super::{pxr24, simd};
use crate::decode::DecodeError;
use crate::frame::Window;

/// Samples are little-endian in files and are copied as they are.
const _: () = assert!(cfg!(target_endian = "little"));

/// Why the pixels of a part cannot be decoded, when its header already tells.
pub fn obstacle(part: &PartHeader) -> Option<String> {
    if part.is_deep {
        return Some("deep data".into());
    }
    if foreign::compression(part.compression).is_none() {
        return Some(format!("the compression {}", compression_name(part.compression)));
    }
    let is_subsampled = part.channels.iter().any(|channel| channel.sampling != (1, 1));
    (is_subsampled && part.compression > 3 && part.compression != 5)
        .then(|| "channels with subsampling".into())
}

enum Codec {
    None,
    Rle,
    /// ZIPS and ZIP differ in the lines of a chunk only.
    Zip,
    Pxr24,
    Foreign(Box<ForeignCodec>),
}

/// Decodes the chunks of one part.
pub struct ChunkCodec {
    codec: Codec,
}

impl ChunkCodec {
    /// # Errors
    /// [`DecodeError::NotSupported`] for what [`obstacle`] names.
    pub fn new(part: &PartHeader, window: Window) -> Result<Self, DecodeError> {
        let refused = || DecodeError::not_supported(obstacle(part).unwrap_or_default());
        let compression = foreign::compression(part.compression).ok_or_else(refused)?;
        if obstacle(part).is_some() {
            return Err(refused());
        }
        let codec = match part.compression {
            0 => Codec::None,
            1 => Codec::Rle,
            2 | 3 => Codec::Zip,
            5 => Codec::Pxr24,
            _ => Codec::Foreign(Box::new(ForeignCodec::new(part, window, compression))),
        };
        Ok(Self { codec })
    }

    /// Whether the samples stand in the file as they are.
    pub fn is_none(&self) -> bool {
        matches!(self.codec, Codec::None)
    }

    /// Decodes one chunk into rows.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] with the reason; rows may be half written then.
    pub fn decode(
        &self,
        chunk: &Chunk,
        position: (u32, u32),
        compressed: &[u8],
        rows: &mut impl Rows,
    ) -> Result<(), DecodeError> {
        let length = chunk.bytes();
        // A chunk that would not shrink is stored as it is, whatever the compression.
        if compressed.len() == length {
            copy(chunk, compressed, rows);
            return Ok(());
        }
        match &self.codec {
            Codec::None => Err(DecodeError::damaged("a chunk does not fill its rectangle")),
            Codec::Foreign(codec) => {
                let samples = codec.decompress(position, chunk, compressed.to_vec())?;
                if samples.len() != length {
                    return Err(DecodeError::damaged("a chunk does not fill its rectangle"));
                }
                copy(chunk, &samples, rows);
                Ok(())
            }
            Codec::Rle => Workspace::with(|workspace| {
                merge_halves(chunk, workspace.expand_runs(compressed, length)?, rows);
                Ok(())
            }),
            Codec::Zip => Workspace::with(|workspace| {
                merge_halves(chunk, workspace.inflate(compressed, length)?, rows);
                Ok(())
            }),
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
            Codec::None | Codec::Rle | Codec::Foreign(_) => return false,
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
