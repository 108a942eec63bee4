//! Owns the seam to the codecs of the `exr` crate, for the compressions that have none of our own: one
//! compressed chunk in, its samples out. The crate is handed a header of our own making, never the
//! file's. A panic inside it is an error here.

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

use super::blocks::lines_per_chunk;
use super::header::PartHeader;
use crate::decode::DecodeError;
use crate::frame::Window;

/// The crate's name for a compression that it decodes.
pub fn compression(id: u8) -> Option<Compression> {
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
pub struct ForeignCodec {
    meta: MetaData,
    is_tiled: bool,
    is_dwa: bool,
    lines: u32,
    bytes_per_pixel: u64,
}

impl ForeignCodec {
    /// A codec for a part of a compression that the crate decodes.
    pub fn new(part: &PartHeader, window: Window, compression: Compression) -> Self {
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
        Self {
            meta: MetaData { requirements, headers: [header].into_iter().collect() },
            is_tiled: part.tiles.is_some(),
            is_dwa: matches!(compression, Compression::DWAA(_) | Compression::DWAB(_)),
            lines: lines_per_chunk(part.compression),
            bytes_per_pixel: super::gate::bytes_per_pixel(part),
        }
    }

    /// The samples of the chunk at `column`, `row` of the block grid: for every row and channel in
    /// file order, the row's samples, native endian.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] with the codec's reason.
    pub fn decompress(
        &self,
        (column, row): (u32, u32),
        rectangle: &super::chunk::Chunk,
        compressed: Vec<u8>,
    ) -> Result<Vec<u8>, DecodeError> {
        if self.is_dwa {
            check_dwa(&compressed, (rectangle.width, rectangle.height), self.bytes_per_pixel)?;
        }
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
                y_coordinate: (row * self.lines) as i32,
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

/// Counters at the start of a DWA chunk that state sizes and numbers of values.
const DWA_COUNTERS: std::ops::Range<usize> = 1..10;

/// The codec allocates what a DWA chunk says that its sections hold, and a failed allocation there
/// ends the process: no counter may state more than a chunk of this rectangle can need. Blocks are
/// padded to 8 by 8 samples, and run lengths that do not pay off grow by less than their own size.
fn check_dwa(
    compressed: &[u8],
    (width, height): (u32, u32),
    bytes_per_pixel: u64,
) -> Result<(), DecodeError> {
    let pixels = |width: u32, height: u32| u64::from(width) * u64::from(height);
    if compressed.len() as u64 == pixels(width, height) * bytes_per_pixel {
        // Stored as it is.
        return Ok(());
    }
    let padded = pixels(width.next_multiple_of(8), height.next_multiple_of(8));
    let most = 2 * padded * bytes_per_pixel;
    let (counters, _) = compressed.as_chunks::<8>();
    let stated = counters.iter().take(DWA_COUNTERS.end).skip(DWA_COUNTERS.start);
    match stated.map(|bytes| u64::from_le_bytes(*bytes)).find(|count| *count > most) {
        Some(count) => Err(DecodeError::damaged(format!("a section of a chunk declares {count} values"))),
        None => Ok(()),
    }
}
