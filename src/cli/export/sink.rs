//! Owns the movie while its pictures come, in their order, on the one thread that makes them.

use std::sync::{Mutex, PoisonError};

use crate::cli::render::sink::Sink;
use crate::encode::{MovieWriter, Picture};

/// The movie as a sink of an export.
pub struct MovieFile {
    writer: Mutex<Option<MovieWriter>>,
}

impl MovieFile {
    pub fn new(writer: MovieWriter) -> Self {
        Self { writer: Mutex::new(Some(writer)) }
    }

    /// The movie, once no more pictures come.
    pub fn take_writer(&self) -> Option<MovieWriter> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Sink for MovieFile {
    /// One, because pictures are wanted in their order.
    fn threads(&self) -> usize {
        1
    }

    fn has(&self, _: i64) -> bool {
        false
    }

    /// The length of a movie is that of its clip.
    fn wants_slates(&self) -> bool {
        true
    }

    fn take(&self, _: i64, picture: Picture) -> Result<(), String> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *writer, picture) {
            (Some(writer), Picture::Rgb(picture)) => writer.push(picture).map_err(|error| error.to_string()),
            (Some(_), Picture::Exr(_)) => Err("a movie takes RGB pictures".into()),
            (None, _) => Err("the movie is closed".into()),
        }
    }
}
