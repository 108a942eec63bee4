//! From a plan to decoded frames: which frames to ask for next, the requests that are out, and the
//! threads that answer them. Requests go down, outcomes come up; every request yields exactly one
//! outcome, which brings its memory and its credit home. Never touches the GPU.

mod plan;
mod requests;
mod threads;

pub use plan::{Horizon, LOOKAHEAD_MIN_FRAMES, NEXT_FRAMES, lookahead_frames, next_wanted};
pub use requests::{InFlight, Preloader};
pub use threads::{DecodeThreads, Wake};

use std::path::Path;

use crate::decode::{DecodeEnd, DecodeRequest, Length};
use crate::frame::{FrameKey, FrameMemory};
use crate::time::FrameTimes;

/// One request on its way to a worker.
#[derive(Debug)]
pub struct Job {
    pub key: FrameKey,
    pub request: DecodeRequest,
    pub memory: FrameMemory,
}

/// How a job ended, with its memory.
#[derive(Debug)]
pub struct Outcome {
    pub key: FrameKey,
    pub memory: FrameMemory,
    pub end: DecodeEnd,
    pub nanos: u64,
    /// What of it went into reading, as far as the decoder tells.
    pub read_nanos: u64,
}

/// Workers that take jobs and give outcomes: threads, or a script in tests.
pub trait WorkerPool {
    /// Jobs that may be out at once.
    fn credits(&self) -> usize;
    /// Whether idle workers help with a job that allows it; then one that somebody waits for is worth going alone.
    fn shares_frames(&self) -> bool {
        false
    }
    /// Takes a job; called only while a credit is free.
    fn submit(&mut self, job: Job);
    /// The next outcome that is ready.
    fn try_outcome(&mut self) -> Option<Outcome>;
    /// Bytes that each worker keeps for itself between jobs, as of its last job, summed up.
    fn held_bytes(&self) -> u64 {
        0
    }
    /// Bytes of open movies, which the workers share.
    fn movie_bytes(&self) -> u64 {
        0
    }
    /// How many frames a movie has that the workers have open.
    fn length(&self, _: &Path) -> Option<Length> {
        None
    }
    /// The times of its frames, when all are known.
    fn times(&self, _: &Path) -> Option<FrameTimes> {
        None
    }
    /// Memory is short: asks the workers to give back what they keep, each after its next job or when it has been idle
    /// for a while, and what movies can do without. Every call asks once; what later jobs need is kept again.
    fn release_held(&mut self) {}
}
