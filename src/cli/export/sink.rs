//! Owns the movie and its sound while pictures come, in their order, on the one thread that makes them.

use std::sync::{Mutex, PoisonError};

use super::sound::Track;
use crate::cli::render::sink::Sink;
use crate::encode::{MovieWriter, Picture};

struct Open {
    writer: MovieWriter,
    track: Option<Track>,
}

/// The movie as a sink of an export.
pub struct MovieFile {
    open: Mutex<Option<Open>>,
}

impl MovieFile {
    pub fn new(writer: MovieWriter, track: Option<Track>) -> Self {
        Self { open: Mutex::new(Some(Open { writer, track })) }
    }

    /// The movie, once no more pictures come.
    pub fn take_writer(&self) -> Option<MovieWriter> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take().map(|open| open.writer)
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

    fn take(&self, number: i64, picture: Picture) -> Result<(), String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Open { writer, track }) = &mut *open else { return Err("the movie is closed".into()) };
        let Picture::Rgb(picture) = picture else { return Err("a movie takes RGB pictures".into()) };
        let sound = track.as_mut().map(|track| track.of_frame(number)).transpose()?;
        writer.push(picture, sound.unwrap_or_default()).map_err(|error| error.to_string())
    }
}
