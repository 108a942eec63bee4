//! Owns the three kinds of error that decoding knows. Messages name what was wrong; the path is
//! added by whoever shows them.

use std::path::Path;

/// Why a frame or a header could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The file may be fine, this version cannot read it.
    #[error("not supported: {reason}")]
    NotSupported { reason: String },
    /// The file is broken, or declares more than is believable.
    #[error("damaged: {reason}")]
    Damaged { reason: String },
    /// The operating system refused; trying again may help.
    #[error("cannot be read: {reason}")]
    Io { reason: String },
}

impl DecodeError {
    pub fn not_supported(reason: impl Into<String>) -> Self {
        Self::NotSupported { reason: reason.into() }
    }

    pub fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
    }

    /// Wraps an error of the operating system, naming the file only by its name.
    pub fn io(path: &Path, error: &std::io::Error) -> Self {
        let name = path.file_name().map(crate::text::shown_path).unwrap_or_default();
        Self::Io { reason: format!("{name}: {error}") }
    }
}
