//! What can go wrong when pictures are written, told to the person who asked for them.
//!
//! Owns the messages and the hints in them. Never prints, logs or retries. Plain values, on any
//! thread.

use std::io;
use std::path::{Path, PathBuf};

use super::demo::DemoCodec;
use super::picture::PictureFormat;

/// Why a picture was not written. Paths appear quoted and escaped, so that a strange name cannot
/// disturb a terminal.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The ending of the name says nothing about the format.
    #[error(
        "cannot write {path:?}: {} is not a picture format; end the name with .png, .tif (or .tiff) or .exr",
        ending(path)
    )]
    UnknownEnding {
        /// The name as given.
        path: PathBuf,
    },
    /// The ending of the name says nothing about the container of a movie.
    #[error("cannot write {path:?}: {} is not a movie; end the name with .mov, .mp4 or .mkv", ending(path))]
    UnknownMovieEnding {
        /// The name as given.
        path: PathBuf,
    },
    /// The samples and the format do not go together.
    #[error("cannot write {path:?}: {}", wrong_kind(*format))]
    WrongKind {
        /// The target.
        path: PathBuf,
        /// The format that the target's ending names.
        format: PictureFormat,
    },
    /// No file of this format can hold the picture.
    #[error("cannot write {path:?}: {reason}")]
    Unfit {
        /// The target.
        path: PathBuf,
        /// What is wrong with the picture and what would be right.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot write {path:?}: {source}; {}", hint(source.kind()))]
    Io {
        /// The target, not the hidden file beside it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A codec name that the demo sequence does not know.
    #[error("unknown codec {name:?}; choose one of {}", DemoCodec::names())]
    UnknownCodec {
        /// The name as given.
        name: String,
    },
    /// A demo sequence of impossible size or length.
    #[error("cannot make a demo of {width}x{height} and {frames} frames: {limit}")]
    DemoSize {
        /// Asked width in pixels.
        width: u32,
        /// Asked height in pixels.
        height: u32,
        /// Asked number of frames.
        frames: u32,
        /// The limit that was passed.
        limit: String,
    },
}

/// What went wrong before the target's name is known to the one who noticed.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Unfit(String),
}

impl Fault {
    /// Completes the fault with the file it happened to.
    pub(super) fn at(self, path: &Path) -> EncodeError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => EncodeError::Io { path, source },
            Self::Unfit(reason) => EncodeError::Unfit { path, reason },
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<exr::error::Error> for Fault {
    fn from(error: exr::error::Error) -> Self {
        match error {
            exr::error::Error::Io(error) => Self::Io(error),
            other => Self::Unfit(format!("the EXR writer refused the picture ({other})")),
        }
    }
}

impl From<image::ImageError> for Fault {
    fn from(error: image::ImageError) -> Self {
        match error {
            image::ImageError::IoError(error) => Self::Io(error),
            other => Self::Unfit(format!("the picture writer refused it ({other})")),
        }
    }
}

fn ending(path: &Path) -> String {
    match path.extension() {
        Some(ending) => format!("the ending {ending:?}"),
        None => "a name without an ending".to_owned(),
    }
}

fn wrong_kind(format: PictureFormat) -> &'static str {
    match format {
        PictureFormat::Exr => {
            "EXR takes named channels, and this is an RGB picture of integers; use .png or .tif"
        }
        PictureFormat::Png => "PNG takes RGB of 8 or 16 bits, and this picture has named channels; use .exr",
        PictureFormat::Tiff => {
            "TIFF takes RGB of 8 or 16 bits here, and this picture has named channels; use .exr"
        }
    }
}

fn hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "create the folder first, or name one that exists",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that you may write to"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space or choose another disk",
        io::ErrorKind::IsADirectory => "a folder has that name; choose another name",
        io::ErrorKind::InvalidFilename => "choose a shorter name without special characters",
        _ => "check the disk and try again, or choose another place",
    }
}
