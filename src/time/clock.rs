//! Owns the clock trait and the grid of due times: due times lie on a fixed rational grid from an
//! anchor, never «last + period», so that they cannot drift. Any thread.

use std::cell::Cell;

use super::Rate;

/// Nanoseconds since some fixed moment of the clock in use.
pub type Nanos = i128;

/// Where presentation time comes from: the wall, a test, later the sound device.
pub trait Clock {
    /// The time now; never runs backwards.
    fn now(&self) -> Nanos;
}

/// A clock that moves only when told to; for tests and virtual runs.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: Cell<Nanos>,
}

impl ManualClock {
    pub fn advance(&self, nanos: Nanos) {
        self.now.set(self.now.get() + nanos.max(0));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Nanos {
        self.now.get()
    }
}

/// The due times of consecutive presentations: number `n` is due at `anchor + n / rate`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    anchor: Nanos,
    rate: Rate,
}

impl Grid {
    pub fn new(anchor: Nanos, rate: Rate) -> Self {
        Self { anchor, rate }
    }

    /// The same grid, later by `nanos`.
    #[must_use]
    pub fn shifted(self, nanos: Nanos) -> Self {
        Self { anchor: self.anchor + nanos, ..self }
    }

    /// When presentation `count` is due.
    pub fn due(&self, count: i64) -> Nanos {
        self.anchor + self.rate.frame_start_nanos(count)
    }

    /// The presentation that is due at `now`: the last one whose time has come.
    pub fn count_at(&self, now: Nanos) -> i64 {
        self.rate.frame_at_nanos(now - self.anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_does_not_drift() {
        let grid = Grid::new(5, Rate::new(24000, 1001).unwrap());
        assert_eq!(grid.due(24000), 5 + 1_001_000_000_000);
        assert_eq!(grid.count_at(grid.due(86_400)), 86_400);
        assert_eq!(grid.count_at(grid.due(86_400) - 1), 86_399);
    }

    #[test]
    fn a_manual_clock_never_runs_backwards() {
        let clock = ManualClock::default();
        clock.advance(7);
        clock.advance(-3);
        assert_eq!(clock.now(), 7);
    }
}
