//! Owns where the pictures of an export go: each to a file of its own here; movies have a sink of their own. Never
//! decides which frame comes next. Threads `encode-N`.

use super::output::OutputPattern;
use crate::cli::Failure;
use crate::cli::args::RenderArgs;
use crate::encode::{Picture, write_picture_with};

/// Threads that encode; more than this wait for the one that draws.
const ENCODERS_MAX: usize = 16;

/// What takes finished pictures.
pub trait Sink: Send + Sync {
    /// Threads that call [`Sink::take`]; with one, frames come in their order.
    fn threads(&self) -> usize;

    /// Whether the frame is there already and is left alone.
    fn has(&self, number: i64) -> bool;

    /// Whether frames that cannot be shown get a picture all the same.
    fn wants_slates(&self) -> bool;

    /// Takes the picture of a frame; `reason` says why the frame itself cannot be shown, where it is a slate.
    ///
    /// # Errors
    /// Why it could not be written, in words.
    fn take(&self, number: i64, picture: Picture, reason: Option<&str>) -> Result<(), String>;
}

/// One file a frame.
pub struct PictureFiles {
    pattern: OutputPattern,
    skips_existing: bool,
    threads: usize,
    /// Threads beside it for one picture.
    workers: usize,
}

impl PictureFiles {
    /// # Errors
    /// [`Failure::USAGE`] for several frames into one name.
    pub fn new(args: &RenderArgs, frames: usize) -> Result<Self, Failure> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = frames.min(cores).clamp(1, ENCODERS_MAX);
        Ok(Self {
            pattern: OutputPattern::for_frames(&args.output, frames)?,
            skips_existing: args.skip_existing,
            threads,
            workers: (cores / threads).max(1),
        })
    }
}

impl Sink for PictureFiles {
    fn threads(&self) -> usize {
        self.threads
    }

    fn has(&self, number: i64) -> bool {
        self.skips_existing && self.pattern.path(number).exists()
    }

    fn wants_slates(&self) -> bool {
        false
    }

    fn take(&self, number: i64, picture: Picture, _: Option<&str>) -> Result<(), String> {
        let path = self.pattern.path(number);
        write_picture_with(&path, &picture, self.workers).map_err(|error| error.to_string())
    }
}
