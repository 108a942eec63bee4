//! Owns the clock trait and the grid of due times: due times are an anchor and an exact sum of what frames last, never
//! «last + period», so that they cannot drift. Any thread.

use std::cell::Cell;

use super::FrameTimes;

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

/// When presentations are due that follow each other: by all ticks since the first, so that nothing adds up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    anchor: Nanos,
    /// Of the frames' times, with their speed.
    ticks_per_second: i128,
    /// From the anchor to the presentation at hand.
    ticks: i128,
}

impl Grid {
    /// The presentation at hand is due at `anchor`; `speed` times as many ticks go by as in a second of the frames.
    pub fn new(anchor: Nanos, times: &FrameTimes, speed: u32) -> Self {
        let ticks_per_second = times.ticks_per_second() * i128::from(speed.max(1));
        Self { anchor, ticks_per_second, ticks: 0 }
    }

    /// The same grid, later by `nanos`.
    #[must_use]
    pub fn shifted(self, nanos: Nanos) -> Self {
        Self { anchor: self.anchor + nanos, ..self }
    }

    /// When the first presentation was due.
    pub fn anchor(&self) -> Nanos {
        self.anchor
    }

    /// When something is due that comes so many ticks after the presentation at hand.
    pub fn due_after(&self, ticks: i128) -> Nanos {
        self.anchor + ((self.ticks + ticks) * 1_000_000_000).div_euclid(self.ticks_per_second)
    }

    /// The presentation at hand is over after so many ticks.
    pub fn pass(&mut self, ticks: i128) {
        self.ticks += ticks;
    }

    /// How many times `ticks` have gone by at `now` since the presentation at hand was due.
    pub fn count_at(&self, now: Nanos, ticks: i128) -> i64 {
        // Due times are rounded down, so something may begin a fraction of a nanosecond early.
        let gone =
            ((now - self.anchor + 1) * self.ticks_per_second - 1).div_euclid(1_000_000_000) - self.ticks;
        i64::try_from(gone.div_euclid(ticks.max(1))).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Rate;

    #[test]
    fn the_grid_does_not_drift() {
        let times = FrameTimes::from(Rate::new(24000, 1001).unwrap());
        let mut grid = Grid::new(5, &times, 1);
        assert_eq!(grid.due_after(times.start(24000)), 5 + 1_001_000_000_000);
        let due = grid.due_after(times.start(86_400));
        assert_eq!((grid.count_at(due, 1001), grid.count_at(due - 1, 1001)), (86_400, 86_399));
        (0..86_400).for_each(|frame| grid.pass(times.duration(frame)));
        assert_eq!((grid.due_after(0), grid.anchor()), (due, 5));
        assert_eq!((grid.count_at(due, 1001), grid.count_at(due - 1, 1001)), (0, -1));
        assert_eq!(Grid::new(0, &times, 4).due_after(96_096), 1_001_000_000);
    }

    #[test]
    fn a_manual_clock_never_runs_backwards() {
        let clock = ManualClock::default();
        clock.advance(7);
        clock.advance(-3);
        assert_eq!(clock.now(), 7);
    }
}
