//! Movies out: finished pictures become one file, encoded by FFmpeg.
//!
//! Owns which containers and codecs there are, the thread that encodes, and the rule that a movie with its final name is
//! complete. Never decodes, colours or resizes pictures, and never decides which comes next. Pictures come from one
//! thread; `encode-movie` does the rest. `fence` speaks to FFmpeg.

#[cfg(not(feature = "video"))]
mod absent;
#[cfg(feature = "video")]
mod choices;
#[cfg(feature = "video")]
#[allow(unsafe_code, reason = "FFmpeg is a C library; all that speaks to it lies in this folder")]
mod fence;
mod kind;
#[cfg(feature = "video")]
mod lane;
#[cfg(feature = "video")]
mod opening;
#[cfg(all(test, feature = "video"))]
mod tests;
#[cfg(feature = "video")]
mod writer;

#[cfg(not(feature = "video"))]
pub use absent::{MovieWriter, quieten};
#[cfg(feature = "video")]
pub use fence::quieten;
pub use kind::{MovieCodec, MovieColor, MovieContainer, MovieDepth, MovieQuality, MovieSettings, SOUND_RATE};
#[cfg(feature = "video")]
pub use writer::MovieWriter;
