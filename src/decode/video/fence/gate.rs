//! Owns the question whether an operation on a file must end now: the movie is closed, its time is over, or nobody
//! wants its result any more. Asked by the thread that works, from within FFmpeg and while waiting for the disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::epoch::EpochWatch;

/// A stale request does not break off what takes no longer than this: the demuxer would lose its place for nothing.
const STALE_GRACE: Duration = Duration::from_millis(100);

/// Why an operation ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    Closed,
    Late,
    Stale,
}

/// What one session asks while it reads.
#[derive(Debug)]
pub struct Gate {
    closed: Arc<AtomicBool>,
    allowed: Duration,
    current: Mutex<Operation>,
}

#[derive(Debug)]
struct Operation {
    since: Instant,
    watch: EpochWatch,
}

impl Gate {
    /// A gate for operations of at most `allowed` each, until `closed` is set.
    pub fn new(closed: Arc<AtomicBool>, allowed: Duration) -> Self {
        let watch = EpochWatch::never_stale();
        Self { closed, allowed, current: Mutex::new(Operation { since: Instant::now(), watch }) }
    }

    /// Starts the time of the next operations, which `watch` may call off.
    pub fn begin(&self, watch: &EpochWatch) {
        *self.lock() = Operation { since: Instant::now(), watch: watch.clone() };
    }

    /// Starts the time of the next operation for the same watch.
    pub fn again(&self) {
        self.lock().since = Instant::now();
    }

    /// Whether to break off, and why.
    pub fn must_stop(&self) -> Option<StopCause> {
        if self.closed.load(Ordering::Acquire) {
            return Some(StopCause::Closed);
        }
        let current = self.lock();
        let elapsed = current.since.elapsed();
        if elapsed > self.allowed {
            return Some(StopCause::Late);
        }
        (elapsed > STALE_GRACE && current.watch.is_stale()).then_some(StopCause::Stale)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Operation> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epoch::EpochClock;

    #[test]
    fn time_and_closing_stop_at_once_and_a_stale_watch_after_its_grace() {
        let closed = Arc::new(AtomicBool::new(false));
        let gate = Gate::new(Arc::clone(&closed), Duration::from_millis(300));
        let mut clock = EpochClock::default();
        gate.begin(&clock.ticket().watch());
        clock.advance();
        assert_eq!(gate.must_stop(), None);
        std::thread::sleep(STALE_GRACE + Duration::from_millis(20));
        assert_eq!(gate.must_stop(), Some(StopCause::Stale));
        std::thread::sleep(Duration::from_millis(220));
        assert_eq!(gate.must_stop(), Some(StopCause::Late));
        gate.again();
        closed.store(true, Ordering::Release);
        assert_eq!(gate.must_stop(), Some(StopCause::Closed));
    }
}
