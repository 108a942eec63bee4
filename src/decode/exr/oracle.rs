//! Owns what tests of codecs compare with: chunks that the `exr` crate writes and reads. Tests only.

use exr::meta::BlockDescription;
use exr::meta::header::Header;
use exr::prelude::{ChannelDescription, Compression, IntegerBounds, LineOrder, SampleType, Text, Vec2};

use super::chunk::{ChannelKind, Chunk, Kind};

/// A channel of every pixel.
pub fn channel(name: &str, kind: Kind, is_linear: bool) -> ChannelKind {
    ChannelKind { name: name.as_bytes().to_vec(), kind, is_linear, sampling: (1, 1) }
}

/// Packs the samples of a chunk, which stand in the file order of an uncompressed one.
pub fn compress(compression: Compression, chunk: &Chunk, samples: &[u8]) -> Vec<u8> {
    compression
        .compress_image_section_to_le(&header(compression, chunk), samples.to_vec(), bounds(chunk))
        .expect("it compresses")
}

/// Unpacks a chunk to samples in the file order of an uncompressed one; nothing where the crate finds it
/// broken.
pub fn decompress(compression: Compression, chunk: &Chunk, compressed: &[u8]) -> Option<Vec<u8>> {
    let header = header(compression, chunk);
    compression.decompress_image_section_from_le(&header, compressed.to_vec(), bounds(chunk), false).ok()
}

fn header(compression: Compression, chunk: &Chunk) -> Header {
    let channels = chunk.channels.iter().map(|channel| ChannelDescription {
        name: Text::from(std::str::from_utf8(&channel.name).expect("a name")),
        sample_type: match channel.kind {
            Kind::Uint => SampleType::U32,
            Kind::Half => SampleType::F16,
            Kind::Float => SampleType::F32,
        },
        quantize_linearly: channel.is_linear,
        sampling: Vec2(channel.sampling.0 as usize, channel.sampling.1 as usize),
    });
    Header::new(Text::from("chunk"), (chunk.width as usize, chunk.height as usize), channels.collect())
        .with_encoding(compression, BlockDescription::ScanLines, LineOrder::Increasing)
}

fn bounds(chunk: &Chunk) -> IntegerBounds {
    IntegerBounds::new((chunk.x, chunk.y), (chunk.width as usize, chunk.height as usize))
}
