//! Where FFmpeg's C functions are called to write movies: owns the pointers to its contexts, packets and frames and
//! takes and hands out plain values. Never decides what is encoded. All `unsafe` code of writing lives in this folder;
//! what one value owns is used by one thread at a time.

mod convert;
mod encoder;
mod frame;
mod io;
mod muxer;
mod quiet;
mod sound;

use std::ffi::{CStr, c_char, c_int};
use std::sync::Once;

use ffmpeg_next::ffi;

pub use convert::Converter;
pub use encoder::{Encoder, EncoderSettings, Packet};
pub use frame::Frame;
pub use muxer::{MuxError, Muxer};
pub use quiet::quieten;
pub use sound::Stereo;

use crate::text::shown_capped;

/// Characters of a foreign message that are kept.
const MESSAGE_CHARS: usize = 400;

/// Keeps the library off the terminal, once for the process. Where its messages are forwarded, they still are.
fn init() {
    static ONCE: Once = Once::new();
    // SAFETY: sets one number, which only the library's own way to the terminal looks at.
    ONCE.call_once(|| unsafe { ffi::av_log_set_level(ffi::AV_LOG_QUIET) });
}

/// A negative answer of FFmpeg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(c_int);

impl Code {
    const NO_MEMORY: Self = Self(ffi::AVERROR(ffi::ENOMEM));

    /// The answer as a result; zero and above are no errors.
    fn check(answer: c_int) -> Result<c_int, Self> {
        if answer < 0 { Err(Self(answer)) } else { Ok(answer) }
    }

    pub fn message(self) -> String {
        let mut text: [c_char; 128] = [0; 128];
        // SAFETY: the length is that of the array, and `av_strerror` ends what it writes with a zero within it.
        let text = unsafe {
            ffi::av_strerror(self.0, text.as_mut_ptr(), text.len());
            CStr::from_ptr(text.as_ptr())
        };
        shown_capped(text.to_bytes(), MESSAGE_CHARS)
    }
}

/// A size or a count as FFmpeg takes it.
fn number(value: impl TryInto<c_int>) -> Result<c_int, Code> {
    value.try_into().map_err(|_| Code(ffi::AVERROR(ffi::EINVAL)))
}
