//! The sound of a file, in builds that decode it and in those that do not. Owns one open file. Used by one thread.

use std::path::Path;

use super::DecodeError;
#[cfg(feature = "video")]
use super::video;
use crate::epoch::EpochWatch;

/// The sound that goes with the pictures of a movie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundTrack {
    /// When the first picture is shown, in the time of the file.
    pub origin_nanos: i128,
}

/// Why there are no samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoundStop {
    /// Nobody wants them any more.
    Skipped,
    Failed(DecodeError),
}

/// An open sound: left and right as floats at one rate, any sample of it.
pub struct Sound {
    #[cfg(feature = "video")]
    inner: video::Sound,
    #[cfg(not(feature = "video"))]
    never: std::convert::Infallible,
}

#[cfg(feature = "video")]
impl Sound {
    /// Opens the sound of a file at `rate` samples a second. `origin_nanos` is the time of the file that counts as the
    /// beginning; without one its own first sample is.
    ///
    /// # Errors
    /// [`SoundStop`] when it has none, nothing decodes it, or `watch` went stale.
    pub fn open(
        path: &Path,
        origin_nanos: Option<i128>,
        rate: u32,
        watch: &EpochWatch,
    ) -> Result<Self, SoundStop> {
        match video::Sound::open(path, origin_nanos, rate, watch) {
            Ok(inner) => Ok(Self { inner }),
            Err(_) if watch.is_stale() => Err(SoundStop::Skipped),
            Err(error) => Err(SoundStop::Failed(error)),
        }
    }

    /// Bytes that it keeps.
    pub fn held_bytes(&self) -> usize {
        self.inner.held_bytes()
    }

    /// Fills `into` with what begins at sample `at`; silence where the file has nothing.
    ///
    /// # Errors
    /// [`SoundStop`] when the disk fails or nobody waits any more.
    pub fn read(&mut self, at: i64, into: &mut [[f32; 2]], watch: &EpochWatch) -> Result<(), SoundStop> {
        self.inner.read(at, into, watch).map_err(|stop| match stop {
            video::Stop::Skipped => SoundStop::Skipped,
            video::Stop::Failed(error) => SoundStop::Failed(error),
        })
    }
}

#[cfg(not(feature = "video"))]
impl Sound {
    /// A build that decodes no sound.
    ///
    /// # Errors
    /// Always, with the name of the feature.
    pub fn open(_: &Path, _: Option<i128>, _: u32, _: &EpochWatch) -> Result<Self, SoundStop> {
        let reason = "this build plays no sound: it lacks the feature `video`";
        Err(SoundStop::Failed(DecodeError::not_supported(reason)))
    }

    pub fn held_bytes(&self) -> usize {
        match self.never {}
    }

    /// # Errors
    /// None: there is no such sound.
    pub fn read(&mut self, _: i64, _: &mut [[f32; 2]], _: &EpochWatch) -> Result<(), SoundStop> {
        match self.never {}
    }
}
