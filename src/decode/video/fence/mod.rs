//! Where FFmpeg's C functions are called: owns the pointers to its contexts, packets and frames and hands out plain
//! values and slices. Never decides which frame is decoded. All `unsafe` code of movies lives in this folder; what one
//! value owns is used by one thread at a time, frames may be read by several.
//!
//! Enumerations that FFmpeg fills from files are read as integers: a Rust `enum` with an unknown value is undefined.

mod convert;
mod decoder;
mod frame;
mod gate;
mod input;
mod io;
mod log;
mod packet;
mod resampler;
mod rows;
mod source;
mod stream;

use std::ffi::{CStr, c_char, c_int};
use std::sync::Once;

use ffmpeg_next::ffi;

pub use convert::Converter;
pub use decoder::{Decoder, Received, Sent};
pub use frame::{Component, Frame, PictureKind, PixelFormat};
pub use gate::{Gate, StopCause};
pub use input::{Input, Reach, Read};
pub use packet::Packet;
pub use resampler::Resampler;
pub use rows::copy_component;
pub use source::{ReadAt, Source, SourceError};
pub use stream::{AudioFacts, RawColor, StreamFacts};

use crate::decode::DecodeError;
use crate::text::shown_capped;

/// A time that FFmpeg does not know.
pub const NO_TIME: i64 = ffi::AV_NOPTS_VALUE;
/// Characters of a foreign message or name that are kept.
const MESSAGE_CHARS: usize = 400;

/// Prepares the library once for the process: where its messages go.
pub fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(log::install);
}

/// The version and the licence of the library that is linked.
pub fn library() -> String {
    // SAFETY: both calls answer with static texts.
    let (version, licence) = unsafe { (ffi::av_version_info(), ffi::avcodec_license()) };
    format!("FFmpeg {}, {}", text_of(version), text_of(licence))
}

/// A negative answer of FFmpeg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub c_int);

impl Code {
    /// The answer as a result; zero and above are no errors.
    pub fn check(answer: c_int) -> Result<c_int, Self> {
        if answer < 0 { Err(Self(answer)) } else { Ok(answer) }
    }

    pub fn message(self) -> String {
        let mut text: [c_char; 128] = [0; 128];
        // SAFETY: the length is that of the array, and `av_strerror` ends what it writes with a zero within it.
        unsafe { ffi::av_strerror(self.0, text.as_mut_ptr(), text.len()) };
        text_of(text.as_ptr())
    }

    /// The machine failed, and not the file.
    pub fn is_of_disk(self) -> bool {
        self.0 == ffi::AVERROR(ffi::EIO) || self.0 == ffi::AVERROR(ffi::ENOMEM)
    }

    /// The error that a user sees, after what was being done.
    pub fn explain(self, doing: &str) -> DecodeError {
        let reason = format!("{doing}: {}", self.message());
        match self.0 {
            ffi::AVERROR_DECODER_NOT_FOUND
            | ffi::AVERROR_DEMUXER_NOT_FOUND
            | ffi::AVERROR_PATCHWELCOME
            | ffi::AVERROR_EXPERIMENTAL => DecodeError::NotSupported { reason },
            ffi::AVERROR_EXIT => DecodeError::Io { reason: format!("{doing}: it took too long") },
            _ if self.is_of_disk() => DecodeError::Io { reason },
            _ => DecodeError::Damaged { reason },
        }
    }
}

/// A text of FFmpeg as it is, capped; empty for a null pointer. Not escaped.
fn raw_text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, and every text that FFmpeg hands out ends with a zero.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MESSAGE_CHARS)]).into_owned()
}

/// A text of FFmpeg made safe to show.
fn text_of(text: *const c_char) -> String {
    shown_capped(raw_text(text), MESSAGE_CHARS)
}
