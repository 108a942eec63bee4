//! What a build without FFmpeg has in the place of movies: the same names, and an error in words. Any thread.

use std::convert::Infallible;
use std::path::Path;

use super::kind::MovieSettings;
use crate::encode::{EncodeError, RgbPicture};

/// A movie that cannot be.
pub struct MovieWriter(Infallible);

impl MovieWriter {
    /// # Errors
    /// Always, with the name of the feature.
    pub fn create(path: &Path, settings: &MovieSettings) -> Result<Self, EncodeError> {
        settings.container.check(settings.codec, path)?;
        let reason = "this build writes no movies: it lacks the feature `video`".into();
        Err(EncodeError::Unfit { path: path.to_owned(), reason })
    }

    pub fn size(&self) -> (u32, u32) {
        match self.0 {}
    }

    /// # Errors
    /// None: there is no such movie.
    pub fn push(&mut self, _: RgbPicture, _: Vec<[f32; 2]>) -> Result<(), EncodeError> {
        match self.0 {}
    }

    /// # Errors
    /// None: there is no such movie.
    pub fn finish(self, _: &dyn Fn() -> bool) -> Result<bool, EncodeError> {
        match self.0 {}
    }
}

/// There is nothing to silence.
pub fn quieten() {}
