//! Owns the seam to the codecs of the `exr` crate: one compressed chunk in, its samples out. The
//! crate is handed a header of our own making, never the file's. A panic inside it is an error here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use exr::block::UncompressedBlock;
use exr::block::chunk::{
    Chunk, CompressedBlock, CompressedScanLineBlock, CompressedTileBlock, TileCoordinates,
};
use exr::compression::Compression;
use exr::math::{RoundingMode, Vec2};
use exr::meta::attribute::{ChannelDescription, LevelMode, LineOrder, SampleType, Text, TileDescription};
use exr::meta::header::Header;
use exr::meta::{BlockDescription, MetaData, Requirements};

use super::attribute::compression_name;
use super::header::PartHeader;
use crate::decode::DecodeError;
use crate::frame::Window;

/// Why the pixels of a part cannot be decoded, when its header already tells.
pub fn obstacle(part: &PartHeader) -> Option<String> {
    if part.is_deep {
        return Some("deep data".into());
    }
    if compression(part.compression).is_none() {
        return Some(format!("the compression {}", compression_name(part.compression)));
    }
    part.channels.iter().any(|channel| channel.sampling != (1, 1)).then(|| "channels with subsampling".into())
}

fn compression(id: u8) -> Option<Compression> {
    Some(match id {
        0 => Compression::Uncompressed,
        1 => Compression::RLE,
        2 => Compression::ZIP1,
        3 => Compression::ZIP16,
        4 => Compression::PIZ,
        5 => Compression::PXR24,
        6 => Compression::B44,
        7 => Compression::B44A,
        8 => Compression::DWAA(None),
        9 => Compression::DWAB(None),
        _ => return None,
    })
}

/// Decompresses the chunks of one part.
pub struct ChunkCodec {
    meta: MetaData,
    is_tiled: bool,
}

impl ChunkCodec {
    /// # Errors
    /// [`DecodeError::NotSupported`] for what [`obstacle`] names.
    pub fn new(part: &PartHeader, window: Window) -> Result<Self, DecodeError> {
        let refused = || DecodeError::not_supported(obstacle(part).unwrap_or_default());
        let compression = compression(part.compression).ok_or_else(refused)?;
        if obstacle(part).is_some() {
            return Err(refused());
        }
        let channels = part.channels.iter().map(|channel| ChannelDescription {
            name: Text::from_slice_unchecked(&channel.name),
            sample_type: match channel.pixel_type {
                0 => SampleType::U32,
                1 => SampleType::F16,
                _ => SampleType::F32,
            },
            quantize_linearly: channel.is_linear,
            sampling: Vec2(1, 1),
        });
        let blocks = part.tiles.map_or(BlockDescription::ScanLines, |tiles| {
            BlockDescription::Tiles(TileDescription {
                tile_size: Vec2(tiles.width as usize, tiles.height as usize),
                level_mode: LevelMode::Singular,
                rounding_mode: RoundingMode::Down,
            })
        });
        let size = Vec2(window.width as usize, window.height as usize);
        let header = Header::new(Text::new_or_panic("part"), size, channels.collect()).with_encoding(
            compression,
            blocks,
            LineOrder::Unspecified,
        );
        let requirements = Requirements {
            file_format_version: 2,
            is_single_layer_and_tiled: false,
            has_long_names: true,
            has_deep_data: false,
            has_multiple_layers: false,
        };
        Ok(Self {
            meta: MetaData { requirements, headers: [header].into_iter().collect() },
            is_tiled: part.tiles.is_some(),
        })
    }

    /// The samples of the chunk at `column`, `row` of the block grid: for every row and channel in
    /// file order, the row's samples, native endian.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] with the codec's reason.
    pub fn decompress(
        &self,
        (column, row): (u32, u32),
        first_line: u32,
        compressed: Vec<u8>,
    ) -> Result<Vec<u8>, DecodeError> {
        let compressed_block = if self.is_tiled {
            CompressedBlock::Tile(CompressedTileBlock {
                coordinates: TileCoordinates {
                    tile_index: Vec2(column as usize, row as usize),
                    level_index: Vec2(0, 0),
                },
                compressed_pixels_le: compressed,
            })
        } else {
            CompressedBlock::ScanLine(CompressedScanLineBlock {
                y_coordinate: first_line as i32,
                compressed_pixels_le: compressed,
            })
        };
        let chunk = Chunk { layer_index: 0, compressed_block };
        let work = AssertUnwindSafe(|| UncompressedBlock::decompress_chunk(chunk, &self.meta, false));
        match catch_unwind(work) {
            Ok(Ok(block)) => Ok(block.data),
            Ok(Err(error)) => Err(DecodeError::damaged(crate::text::shown(error.to_string()))),
            Err(_) => Err(DecodeError::damaged("the codec gave up on a chunk")),
        }
    }
}
