//! PNG and TIFF files out: interleaved RGB of 8 or 16 bits.
//!
//! Owns the choice of their settings. Never converts samples and never opens or names a file. Runs
//! on the thread of the caller.

use std::io::{Seek, Write};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::tiff::TiffEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::{Fault, RgbPicture, RgbSamples};

/// Writes a PNG, compressed fast rather than small: these files are looked at and thrown away.
///
/// # Errors
/// A fault for a wrong number of samples or a stream that fails.
pub(super) fn write_png<W: Write>(out: &mut W, picture: &RgbPicture) -> Result<(), Fault> {
    write_with(PngEncoder::new_with_quality(out, CompressionType::Fast, FilterType::Adaptive), picture)
}

/// Writes an uncompressed TIFF.
///
/// # Errors
/// A fault for a wrong number of samples, for more than 4 GiB of them, or for a stream that fails.
pub(super) fn write_tiff<W: Write + Seek>(out: &mut W, picture: &RgbPicture) -> Result<(), Fault> {
    write_with(TiffEncoder::new(out), picture)
}

fn write_with(encoder: impl ImageEncoder, picture: &RgbPicture) -> Result<(), Fault> {
    picture.check()?;
    let (bytes, color): (&[u8], _) = match &picture.samples {
        RgbSamples::U8(samples) => (samples, ExtendedColorType::Rgb8),
        RgbSamples::U16(samples) => (bytemuck::cast_slice(samples), ExtendedColorType::Rgb16),
    };
    Ok(encoder.write_image(bytes, picture.width, picture.height, color)?)
}
