//! Owns the answer to «what should be here?»: which frames to ask for next, in the order in which
//! they are used. Pure; takes values and returns values.

use crate::stats::PressureLevel;
use crate::time::{Rate, Travel};

/// The shortest lookahead that hides latency.
pub const LOOKAHEAD_MIN_FRAMES: u64 = 8;

/// Frames after the shown one that are still asked for under high pressure.
pub const NEXT_FRAMES: u64 = 4;

/// One second's frames, or [`LOOKAHEAD_MIN_FRAMES`] where that is more.
pub fn lookahead_frames(rate: Rate) -> u64 {
    (rate.as_f64().ceil() as u64).max(LOOKAHEAD_MIN_FRAMES)
}

/// How far ahead frames are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// Frames with a next use below this are wanted.
    pub frames: u64,
    /// Whether the whole work area fits the budget.
    pub fits: bool,
}

impl Horizon {
    /// The horizon for a work area of `area_frames`, of which `capacity_frames` fit the budget.
    ///
    /// An area that fits is wanted whole, and once loaded nothing is asked for any more. One that does
    /// not fit is filled up to the budget while paused; while playing only a short lookahead is asked
    /// for, so that the resident subset stays and the rest streams: asking farther ahead would decode
    /// every frame of every pass again.
    pub fn new(travel: &Travel, area_frames: u64, capacity_frames: u64, lookahead: u64) -> Self {
        let fits = area_frames <= capacity_frames;
        let frames = match (fits, travel.playing) {
            // A playhead outside the area is one frame more.
            (true, _) => area_frames + 1,
            (false, false) => capacity_frames.max(1),
            // The shown frame and the one before it stay while the next ones come in.
            (false, true) => lookahead.min(capacity_frames.saturating_sub(2)).max(2),
        };
        Self { frames, fits }
    }

    /// The horizon under pressure: shorter with every level, and nothing at all where preloading pauses.
    pub fn under(self, level: PressureLevel) -> Self {
        let frames = match level {
            PressureLevel::None => self.frames,
            PressureLevel::Low => (self.frames * 3 / 4).max(2),
            PressureLevel::Moderate => (self.frames / 2).max(2),
            PressureLevel::High => self.frames.min(NEXT_FRAMES + 1),
            PressureLevel::Critical | PressureLevel::Emergency => self.frames.min(1),
        };
        Self { frames, ..self }
    }

    /// Whether a frame at this distance is wanted.
    pub fn contains(&self, distance: u64) -> bool {
        distance < self.frames
    }
}

/// The next frames to ask for, soonest first, at most `limit`: those inside the horizon that
/// `is_needed`. The walk costs a look at each frame up to the last one returned.
pub fn next_wanted(
    travel: &Travel,
    horizon: Horizon,
    limit: usize,
    is_needed: impl Fn(u32) -> bool,
) -> Vec<u32> {
    let mut wanted = Vec::new();
    for distance in 0..horizon.frames {
        if wanted.len() == limit {
            break;
        }
        let Some(index) = travel.frame_at(distance) else { break };
        if is_needed(index) && !wanted.contains(&index) {
            wanted.push(index);
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Direction, LoopMode, PreloadStrategy, WorkArea};
    use proptest::prelude::*;

    fn travel(playhead: u32, playing: bool) -> Travel {
        Travel {
            playhead,
            direction: Direction::Forward,
            loop_mode: LoopMode::Loop,
            area: WorkArea::new(0, 99),
            playing,
            strategy: PreloadStrategy::default(),
        }
    }

    #[test]
    fn an_area_that_fits_is_wanted_whole() {
        let travel = travel(10, true);
        let horizon = Horizon::new(&travel, 100, 100, 24);
        let wanted = next_wanted(&travel, horizon, usize::MAX, |_| true);
        assert_eq!(wanted.len(), 100);
        assert_eq!(&wanted[..3], &[10, 11, 12]);
    }

    #[test]
    fn an_area_that_does_not_fit_is_asked_for_a_short_way_ahead() {
        let travel = travel(98, true);
        let horizon = Horizon::new(&travel, 100, 60, 24);
        let wanted = next_wanted(&travel, horizon, usize::MAX, |_| true);
        assert_eq!(wanted.len(), 24);
        assert_eq!(&wanted[..4], &[98, 99, 0, 1]);
    }

    #[test]
    fn pressure_shortens_the_horizon() {
        let horizon = Horizon { frames: 24, fits: false };
        let frames = PressureLevel::ALL.map(|level| horizon.under(level).frames);
        assert_eq!(frames, [24, 18, 12, 5, 1, 1]);
    }

    #[test]
    fn loaded_frames_are_not_asked_for() {
        let travel = travel(5, false);
        let horizon = Horizon::new(&travel, 100, 100, 24);
        assert_eq!(next_wanted(&travel, horizon, 3, |index| index > 6), [7, 8, 9]);
        assert!(next_wanted(&travel, horizon, 3, |_| false).is_empty());
    }

    proptest! {
        #[test]
        fn wanted_frames_are_distinct_inside_the_area_and_soonest_first(
            playhead in 0..120_u32,
            playing in any::<bool>(),
            capacity in 0..120_u64,
            mode in 0..3_usize,
        ) {
            let loop_mode = [LoopMode::Loop, LoopMode::Once, LoopMode::PingPong][mode];
            let travel = Travel { loop_mode, ..travel(playhead, playing) };
            let horizon = Horizon::new(&travel, 100, capacity, 24);
            let wanted = next_wanted(&travel, horizon, usize::MAX, |_| true);
            prop_assert_eq!(wanted[0], playhead);
            let mut distances: Vec<_> = wanted.iter().map(|index| travel.next_use(*index)).collect();
            prop_assert!(wanted.iter().skip(1).all(|index| travel.area.contains(*index)));
            let sorted = { let mut s = distances.clone(); s.sort(); s };
            prop_assert_eq!(&distances, &sorted);
            distances.dedup();
            prop_assert_eq!(distances.len(), wanted.len());
        }
    }
}
