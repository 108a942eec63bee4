//! Owns the counter of discontinuities and the tickets by which running decodes learn that nobody
//! wants them any more. One `EpochClock` per player, on the thread that ticks; workers hold an
//! `EpochWatch`, two atomics to look at, and nothing else.

use crate::sync::{Arc, AtomicU64, Ordering};

/// The number of discontinuities (seek, start, stop, direction, work area, clip, layer) so far.
/// Steady playback and the wrap of a loop do not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(u64);

impl Epoch {
    pub fn number(self) -> u64 {
        self.0
    }
}

/// The owner of the current epoch. Dropping it makes every watch stale.
#[derive(Debug, Default)]
pub struct EpochClock {
    current: Arc<AtomicU64>,
}

impl EpochClock {
    pub fn current(&self) -> Epoch {
        Epoch(self.current.load(Ordering::Acquire))
    }

    /// Opens a new epoch: every ticket not stamped again is stale from here on.
    pub fn advance(&mut self) -> Epoch {
        Epoch(self.current.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// A ticket for a request that is issued now.
    pub fn ticket(&self) -> Ticket {
        let stamped = AtomicU64::new(self.current().0);
        Ticket(EpochWatch { current: Arc::clone(&self.current), stamped: Arc::new(stamped) })
    }
}

impl Drop for EpochClock {
    fn drop(&mut self) {
        self.current.store(u64::MAX, Ordering::Release);
    }
}

/// The tick's side of a request in flight.
#[derive(Debug)]
pub struct Ticket(EpochWatch);

impl Ticket {
    /// Declares the request wanted in the current epoch as well.
    pub fn restamp(&self) {
        let current = self.0.current.load(Ordering::Acquire);
        self.0.stamped.store(current, Ordering::Release);
    }

    pub fn watch(&self) -> EpochWatch {
        self.0.clone()
    }
}

/// The worker's side: looked at when a request is taken up, after opening and between chunks.
#[derive(Debug, Clone)]
pub struct EpochWatch {
    current: Arc<AtomicU64>,
    stamped: Arc<AtomicU64>,
}

impl EpochWatch {
    /// Whether the request is no longer wanted.
    pub fn is_stale(&self) -> bool {
        self.stamped.load(Ordering::Acquire) < self.current.load(Ordering::Acquire)
    }

    /// A watch that never goes stale, for decodes that nobody cancels.
    pub fn never_stale() -> Self {
        let zero = || Arc::new(AtomicU64::new(0));
        Self { current: zero(), stamped: zero() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_goes_stale_with_the_epoch_and_lives_again_when_stamped() {
        let mut clock = EpochClock::default();
        let ticket = clock.ticket();
        let watch = ticket.watch();
        assert!(!watch.is_stale());
        clock.advance();
        assert!(watch.is_stale());
        ticket.restamp();
        assert!(!watch.is_stale());
    }

    #[test]
    fn dropping_the_clock_makes_every_watch_stale() {
        let clock = EpochClock::default();
        let watch = clock.ticket().watch();
        drop(clock);
        assert!(watch.is_stale());
    }

    #[test]
    fn tickets_of_the_new_epoch_are_fresh() {
        let mut clock = EpochClock::default();
        clock.advance();
        assert!(!clock.ticket().watch().is_stale());
        assert_eq!(clock.current().number(), 1);
    }
}
