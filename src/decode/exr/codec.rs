//! Owns the choice of codec for a part, and the way of one chunk's bytes into the planes. NONE, RLE, ZIPS,
//! ZIP and PXR24 are ours; the rest goes through the `exr` crate. The thread that decodes.

use super::attribute::compression_name;
use super::blocks::Block;
use super::bytes::undo_differences;
use super::foreign::{self, ForeignCodec};
use super::header::PartHeader;
use super::inflate::Workspace;
use super::place::Placement;
use super::pxr24::{self, Kind};
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
    part.channels.iter().any(|channel| channel.sampling != (1, 1)).then(|| "channels with subsampling".into())
}

enum Codec {
    None,
    Rle,
    /// ZIPS and ZIP differ in the lines of a chunk only.
    Zip,
    Pxr24(Vec<Kind>),
    Foreign(Box<ForeignCodec>),
}

/// Decodes the chunks of one part.
pub struct ChunkCodec {
    codec: Codec,
    bytes_per_pixel: usize,
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
            5 => Codec::Pxr24(kinds(part)),
            _ => Codec::Foreign(Box::new(ForeignCodec::new(part, window, compression))),
        };
        Ok(Self { codec, bytes_per_pixel: super::gate::bytes_per_pixel(part) as usize })
    }

    /// Decodes the chunk at `position` of the block grid into the planes.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] with the reason.
    pub fn decode(
        &self,
        position: (u32, u32),
        block: Block,
        compressed: &[u8],
        placement: &Placement,
        memory: &mut [u8],
    ) -> Result<(), DecodeError> {
        let pixels = block.width as usize * block.height as usize;
        let length = pixels * self.bytes_per_pixel;
        // A chunk that would not shrink is stored as it is, whatever the compression.
        if compressed.len() == length {
            return placement.place(block, compressed, memory);
        }
        match &self.codec {
            Codec::None => Err(DecodeError::damaged("a chunk does not fill its rectangle")),
            Codec::Foreign(codec) => {
                let samples = codec.decompress(position, block, compressed.to_vec())?;
                placement.place(block, &samples, memory)
            }
            Codec::Rle => Workspace::with(|workspace| {
                let halves = workspace.expand_runs(compressed, length)?;
                undo_differences(halves);
                placement.place_halves(block, halves, memory)
            }),
            Codec::Zip => Workspace::with(|workspace| {
                let halves = workspace.inflate(compressed, length)?;
                undo_differences(halves);
                placement.place_halves(block, halves, memory)
            }),
            Codec::Pxr24(kinds) => Workspace::with(|workspace| {
                let stored = pixels * pxr24::stored_bytes_per_pixel(kinds);
                let (stored, samples) = workspace.inflate_beside(compressed, stored, length)?;
                pxr24::unpack(stored, kinds, block.width as usize, samples);
                placement.place(block, samples, memory)
            }),
        }
    }

    /// Inflates a chunk and throws the bytes away: what no decoder of this file can do without. `false` for
    /// compressions without zlib.
    pub fn inflate_only(&self, block: Block, compressed: &[u8]) -> bool {
        let pixels = block.width as usize * block.height as usize;
        let length = match &self.codec {
            Codec::Zip => pixels * self.bytes_per_pixel,
            Codec::Pxr24(kinds) => pixels * pxr24::stored_bytes_per_pixel(kinds),
            Codec::None | Codec::Rle | Codec::Foreign(_) => return false,
        };
        if compressed.len() < pixels * self.bytes_per_pixel {
            Workspace::with(|workspace| workspace.inflate(compressed, length).is_ok())
        } else {
            true
        }
    }
}

fn kinds(part: &PartHeader) -> Vec<Kind> {
    let kind = |pixel_type| match pixel_type {
        0 => Kind::Uint,
        1 => Kind::Half,
        _ => Kind::Float,
    };
    part.channels.iter().map(|channel| kind(channel.pixel_type)).collect()
}
