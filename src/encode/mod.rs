//! Pictures out: finished samples become PNG, TIFF or EXR files or a movie, and the synthetic demo sequence is
//! painted and written.
//!
//! Owns the file formats it writes and the rule that a file with its final name is complete. Never
//! decodes, colours or resizes anything, and never touches cache, GPU or user interface. Runs on
//! the calling thread, which waits for a few named helper threads that end before the call returns; a
//! movie has a thread of its own for as long as it is written.

mod burn;
mod demo;
mod error;
mod exr;
mod glyphs;
mod movie;
mod overlay;
mod partial;
mod picture;
mod plate;
mod still;
mod workers;
mod zip;

use std::path::Path;

pub use burn::{BurnPlace, burn, slate};
pub use demo::{DemoCodec, DemoOptions, FIRST_DEMO_FRAME, demo_frame, write_demo_sequence};
pub use error::EncodeError;
pub use movie::{
    MovieCodec, MovieColor, MovieContainer, MovieDepth, MovieQuality, MovieSettings, MovieWriter, SOUND_RATE,
    quieten as quieten_libraries,
};
pub use picture::{ExrPicture, Picture, PictureChannel, PictureFormat, RgbPicture, RgbSamples, Samples};

use ::exr::compression::Compression;
use error::Fault;

/// Most threads that compress one picture; each holds a block of rows, and one thread writes for all.
const MAX_ENCODE_WORKERS: usize = 8;

/// Writes `picture` to `path` in the format that the ending of `path` names.
///
/// The file appears whole or not at all: it is written beside the target under a hidden name and
/// then renamed, so an existing file stays as it was until the new one is complete. EXR is written
/// as scan lines with ZIP compression, bit for bit, its data window equal to its display window;
/// PNG and TIFF as interleaved RGB of 8 or 16 bits.
///
/// # Errors
/// [`EncodeError::UnknownEnding`] for an ending other than `.png`, `.tif`, `.tiff`, `.exr`;
/// [`EncodeError::WrongKind`] for float channels into PNG or TIFF, or RGB integers into EXR;
/// [`EncodeError::Unfit`] for a picture that no file of the format can hold; [`EncodeError::Io`]
/// when the file system refuses. After any of them nothing new is left on disk.
pub fn write_picture(path: &Path, picture: &Picture) -> Result<(), EncodeError> {
    write_picture_with(path, picture, workers::available(MAX_ENCODE_WORKERS))
}

/// The same with up to `workers` threads that compress the one picture (1: the calling thread alone), for callers that
/// write several at a time. Only EXR uses more than one; no more than 8 are started.
///
/// # Errors
/// As [`write_picture`].
pub fn write_picture_with(path: &Path, picture: &Picture, workers: usize) -> Result<(), EncodeError> {
    let format = PictureFormat::from_path(path)?;
    match (format, picture) {
        (PictureFormat::Exr, Picture::Exr(picture)) => {
            write_exr(path, picture, Compression::ZIP16, workers.clamp(1, MAX_ENCODE_WORKERS))
        }
        (PictureFormat::Png, Picture::Rgb(picture)) => {
            partial::write_whole(path, |out| still::write_png(out, picture))
        }
        (PictureFormat::Tiff, Picture::Rgb(picture)) => {
            partial::write_whole(path, |out| still::write_tiff(out, picture))
        }
        _ => Err(EncodeError::WrongKind { path: path.to_owned(), format }),
    }
}

/// Writes an EXR file whole or not at all, compressing on up to `workers` threads (1: on this one).
fn write_exr(
    path: &Path,
    picture: &ExrPicture,
    compression: Compression,
    workers: usize,
) -> Result<(), EncodeError> {
    partial::write_whole(path, |out| exr::write(out, picture, compression, workers))
}

#[cfg(test)]
mod tests;
