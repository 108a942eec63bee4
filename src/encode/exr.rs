//! EXR files out: one scan-line part whose data window is its display window.
//!
//! Owns the header and the blocks of native samples that go into it; samples are copied as bytes
//! and never pass through arithmetic, which keeps NaN payloads. Never opens or names a file.
//! Compresses on helper threads, writes on the caller's.

use std::io::{Seek, SeekFrom, Write};

use ::exr::block::chunk::{Chunk, CompressedBlock, CompressedScanLineBlock};
use ::exr::block::writer::{ChunkWriter, SortedBlocksWriter};
use ::exr::block::{BlockIndex, UncompressedBlock, enumerate_ordered_header_block_indices};
use ::exr::compression::Compression;
use ::exr::error::{Result as ExrResult, UnitResult};
use ::exr::math::Vec2;
use ::exr::meta::attribute::{ChannelDescription, IntegerBounds, LineOrder, SampleType, Text};
use ::exr::meta::header::{Header, ImageAttributes, LayerAttributes};
use ::exr::meta::{BlockDescription, MetaData};

use super::{ExrPicture, Fault, PictureChannel, Samples};
use super::{workers, zip};

/// Longest channel name, in bytes, that a file may have without the long-names flag in the file's
/// version field.
const SHORT_NAME_BYTES: usize = 31;

/// The byte of the version field that holds the flags of a part, and the flag for long names in it.
const FLAGS_BYTE: u64 = 5;
const LONG_NAMES_FLAG: u8 = 0x04;

/// Writes `picture` to `out`, compressing on up to `workers` threads (1: on this one).
///
/// # Errors
/// A fault for what EXR cannot hold, found before anything is written, or for a stream that fails.
pub(super) fn write<W: Write + Seek>(
    out: &mut W,
    picture: &ExrPicture,
    compression: Compression,
    workers: usize,
) -> Result<(), Fault> {
    picture.check()?;
    let mut channels: Vec<&PictureChannel> = picture.channels.iter().collect();
    channels.sort_unstable_by_key(|channel| channel.name.as_bytes());
    let headers = std::iter::once(header(picture, &channels, compression)).collect();
    ::exr::block::write(&mut *out, headers, true, |meta, file| {
        write_chunks(&meta, file, picture.width as usize, &channels, workers)
    })?;
    mark_long_names(out, &channels)
}

fn header(picture: &ExrPicture, channels: &[&PictureChannel], compression: Compression) -> Header {
    let position = Vec2(picture.origin.0, picture.origin.1);
    let size = Vec2(picture.width as usize, picture.height as usize);
    let shared = ImageAttributes {
        pixel_aspect: picture.pixel_aspect,
        ..ImageAttributes::new(IntegerBounds { position, size })
    };
    let descriptions = channels.iter().map(|channel| description(channel)).collect();
    Header::new(Text::default(), size, descriptions)
        .with_encoding(compression, BlockDescription::ScanLines, LineOrder::Increasing)
        .with_shared_attributes(shared)
        .with_attributes(LayerAttributes { layer_position: position, ..LayerAttributes::default() })
}

fn description(channel: &PictureChannel) -> ChannelDescription {
    ChannelDescription {
        name: Text::from_slice_unchecked(channel.name.as_bytes()),
        sample_type: match channel.samples {
            Samples::F16(_) => SampleType::F16,
            Samples::F32(_) => SampleType::F32,
            Samples::U32(_) => SampleType::U32,
        },
        quantize_linearly: false,
        sampling: Vec2(1, 1),
    }
}

fn write_chunks<W: Write + Seek>(
    meta: &MetaData,
    file: &mut ChunkWriter<W>,
    width: usize,
    channels: &[&PictureChannel],
    workers: usize,
) -> UnitResult {
    let blocks: Vec<(usize, BlockIndex)> = enumerate_ordered_header_block_indices(&meta.headers).collect();
    let mut in_order = SortedBlocksWriter::new(meta, file);
    let compress = |place: usize| -> ExrResult<Chunk> {
        let index = blocks[place].1;
        let data = block_bytes(index, width, channels);
        match meta.headers.get(index.layer).filter(|header| is_zip(header.compression)) {
            Some(header) => Ok(zip_chunk(header, index, data)),
            None => UncompressedBlock { index, data }.compress_to_chunk(&meta.headers),
        }
    };
    workers::share(workers, blocks.len(), compress, |place, chunk| {
        in_order.write_or_stash_chunk(place, blocks[place].0, chunk)
    })
}

/// Compressed here, and faster than by the crate. The bytes of a block are in the machine's order, which for this has to be
/// the file's.
fn is_zip(compression: Compression) -> bool {
    cfg!(target_endian = "little") && matches!(compression, Compression::ZIP1 | Compression::ZIP16)
}

fn zip_chunk(header: &Header, index: BlockIndex, data: Vec<u8>) -> Chunk {
    let top = index.pixel_position.y() as i32;
    let block = CompressedScanLineBlock {
        y_coordinate: header.own_attributes.layer_position.y() + top,
        compressed_pixels_le: zip::compress(&data).unwrap_or(data),
    };
    Chunk { layer_index: index.layer, compressed_block: CompressedBlock::ScanLine(block) }
}

/// The samples of a block as the format orders them: row by row, and in each row channel by
/// channel.
fn block_bytes(block: BlockIndex, width: usize, channels: &[&PictureChannel]) -> Vec<u8> {
    let top = block.pixel_position.y();
    let rows = top..top + block.pixel_size.height();
    let mut bytes = Vec::new();
    for y in rows {
        for channel in channels {
            bytes.extend_from_slice(channel.samples.row_bytes(y, width));
        }
    }
    bytes
}

/// The format wants the flag for any name beyond 31 bytes; the writer underneath does not look at
/// channel names for it.
fn mark_long_names<W: Write + Seek>(out: &mut W, channels: &[&PictureChannel]) -> Result<(), Fault> {
    if channels.iter().any(|channel| channel.name.len() > SHORT_NAME_BYTES) {
        out.seek(SeekFrom::Start(FLAGS_BYTE))?;
        out.write_all(&[LONG_NAMES_FLAG])?;
    }
    Ok(())
}
