//! Movies by FFmpeg: every frame exactly, forwards, backwards and after seeks. Owns open files, their indexes and their
//! decoders; hands out planes. Never caches what it handed out, never decides which frame comes next. Any thread; a
//! decoder is used by one at a time.
//!
//! `opening` opens a file within limits, `builder` reads its `index`, a `cursor` is a place in its packets and a
//! `session` one in its frames, `movie` shares sessions (`seats`) among threads, `picture` makes planes. `sound` decodes the sound of a file, `single` the one that is a picture. `fence` speaks to FFmpeg.

mod builder;
mod cursor;
mod encoding;
#[allow(unsafe_code, reason = "FFmpeg is a C library; all that speaks to it lies in this folder")]
mod fence;
mod index;
mod info;
mod movie;
mod opening;
mod picture;
mod refresh;
mod seats;
mod session;
pub mod single;
mod sound;
mod stash;
#[cfg(test)]
mod tests;

pub use fence::{AudioFacts, library};
pub use info::VideoInfo;
pub use movie::{Movie, MovieEnd};
pub use opening::Limits;
#[cfg(test)]
use picture::Picture;
pub use session::Stop;
pub use sound::Sound;
