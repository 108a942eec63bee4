//! Opens one file as often as sessions need it, always the same file, within limits.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::cursor::stopped;
use super::fence::{Gate, Input, ReadAt, Source, SourceError};
use super::session::Stop;
use crate::decode::DecodeError;
use crate::epoch::EpochWatch;

/// What a movie may declare and take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one picture.
    pub max_pixels: u64,
    /// Decoding threads of one session.
    pub threads: usize,
    /// Sessions of one movie, at least 1.
    pub sessions: usize,
    /// Frames kept on the way to another one, of one session.
    pub stash_bytes: usize,
    /// Work on the index while opening.
    pub opening_budget: Duration,
    /// Opening, one read or one seek.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 16_384 * 16_384,
            threads: std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(16),
            sessions: 2,
            stash_bytes: 256 << 20,
            opening_budget: Duration::from_millis(500),
            patience: Duration::from_secs(5),
        }
    }
}

/// Boxes at the top of a file that are looked at; the first fragment follows the header.
const MAX_BOXES: usize = 64;

fn fill(source: &mut Source, into: &mut [u8]) -> Result<usize, SourceError> {
    let mut length = 0;
    while length < into.len() {
        match source.read(&mut into[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

/// Length and kind of a box (ISO 14496-12, 4.2).
fn box_of(head: &[u8]) -> Option<(u64, &[u8; 4])> {
    let (length, rest) = head.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    match u32::from_be_bytes(*length) {
        1 => Some((u64::from_be_bytes(*rest.first_chunk()?), kind)),
        length => Some((length.into(), kind)),
    }
}

/// How the bytes of a file are opened again.
type Reopen = Box<dyn Fn() -> std::io::Result<Box<dyn ReadAt>> + Send + Sync>;

/// The file of one movie.
pub struct Opening {
    reopen: Reopen,
    length: u64,
    pub limits: Limits,
    closed: Arc<AtomicBool>,
}

impl Opening {
    /// Opens a regular file; whatever replaces it later is not read.
    ///
    /// # Errors
    /// [`DecodeError`] when it is none, is empty or cannot be opened.
    pub fn of(path: &Path, limits: Limits) -> Result<Self, DecodeError> {
        let io = |error: std::io::Error| DecodeError::io(path, &error);
        // Asked before opening: a named pipe would wait for a writer that never comes.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(DecodeError::not_supported("it is not a regular file"));
        }
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        if length == 0 {
            return Err(DecodeError::damaged("the file is empty"));
        }
        let reopen = move || Ok(Box::new(file.try_clone()?) as Box<dyn ReadAt>);
        Ok(Self::over(Box::new(reopen), length, limits))
    }

    pub(super) fn over(reopen: Reopen, length: u64, limits: Limits) -> Self {
        Self { reopen, length, limits, closed: Arc::default() }
    }

    /// A demuxer at the beginning, and its gate.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no movie; see [`Input::open`].
    pub fn open(&self, watch: &EpochWatch) -> Result<(Input, Arc<Gate>), DecodeError> {
        let (source, gate) = self.source(watch)?;
        Ok((Input::open(source, Arc::clone(&gate), self.limits.max_pixels)?, gate))
    }

    /// A demuxer of its sound at the beginning, and its gate.
    ///
    /// # Errors
    /// [`DecodeError`] when it has none; see [`Input::open_sound`].
    pub fn open_sound(&self, watch: &EpochWatch) -> Result<(Input, Arc<Gate>), DecodeError> {
        let (source, gate) = self.source(watch)?;
        Ok((Input::open_sound(source, Arc::clone(&gate), self.limits.max_pixels)?, gate))
    }

    /// The same for its right channel, where that has a stream of its own.
    ///
    /// # Errors
    /// As [`Opening::open_sound`].
    pub fn open_partner(&self, watch: &EpochWatch) -> Result<(Input, Arc<Gate>), DecodeError> {
        let (source, gate) = self.source(watch)?;
        Ok((Input::open_partner(source, Arc::clone(&gate), self.limits.max_pixels)?, gate))
    }

    /// A demuxer of a file that is one picture, and its gate.
    ///
    /// # Errors
    /// As [`Opening::open`].
    pub fn open_single(&self, watch: &EpochWatch) -> Result<(Input, Arc<Gate>), DecodeError> {
        let (source, gate) = self.source(watch)?;
        Ok((Input::open_single(source, Arc::clone(&gate))?, gate))
    }

    /// A demuxer whose packets have no bytes, and its gate; see [`Input::skim`].
    ///
    /// # Errors
    /// As [`Opening::open`].
    pub fn skim(&self, watch: &EpochWatch) -> Result<(Input, Arc<Gate>), DecodeError> {
        let (source, gate) = self.source(watch)?;
        Ok((Input::skim(source, Arc::clone(&gate))?, gate))
    }

    fn source(&self, watch: &EpochWatch) -> Result<(Source, Arc<Gate>), DecodeError> {
        let failed = |error: std::io::Error| DecodeError::Io { reason: error.to_string() };
        let gate = Arc::new(Gate::new(Arc::clone(&self.closed), self.limits.patience));
        gate.begin(watch);
        let file = (self.reopen)().map_err(failed)?;
        let source = Source::new(file, self.length, Arc::clone(&gate)).map_err(failed)?;
        Ok((source, gate))
    }

    /// Whether a QuickTime or MP4 file goes on after its header in fragments (`moof`, ISO 14496-12, 8.8.4), by its
    /// first boxes.
    ///
    /// # Errors
    /// [`Stop`] when the disk fails or nobody waits any more.
    pub fn has_fragments(&self, watch: &EpochWatch) -> Result<bool, Stop> {
        let (mut source, gate) = self.source(watch)?;
        for _ in 0..MAX_BOXES {
            let start = source.position();
            let mut head = [0; 16];
            let length = fill(&mut source, &mut head).map_err(|error| match error {
                SourceError::Stopped => stopped(&gate),
                SourceError::Io(error) => DecodeError::Io { reason: error.to_string() }.into(),
            })?;
            match box_of(&head[..length]) {
                Some((_, b"moof")) => return Ok(true),
                Some((bytes, _)) if bytes >= 8 => source.seek(start.saturating_add(bytes)),
                _ => break,
            }
        }
        Ok(false)
    }

    /// Ends all reading of this movie, soon and for good.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
