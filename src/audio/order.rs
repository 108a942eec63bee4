//! What is heard from a moment on, and the samples that this means: frame after frame in the order in which pictures are
//! shown, so that loops, turns and reverse playback are the same for both. Pure.

use std::path::Path;
use std::sync::Arc;

use crate::time::{Direction, FrameTimes, Nanos, Rate, Travel};

/// A take is at most a second, so that a frame that stands for long takes no more memory than others.
const LONGEST_TAKE_SECS: i64 = 1;

/// Which sound.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SoundFile {
    pub path: Arc<Path>,
    /// The time of the file at which the clip's first frame begins; without one its sound begins there.
    pub origin_nanos: Option<i128>,
}

/// When it is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The frame at the playhead is due at this time.
    At(Nanos),
    /// As soon as it is there, out of step with pictures and no longer than this: for scrubbing.
    Soon(Nanos),
}

/// What is heard from a moment on.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub sound: SoundFile,
    /// The order of frames, from the one at the playhead.
    pub travel: Travel,
    /// Frame of the sound at index 0.
    pub first: i64,
    /// Where in the sound each frame of it begins.
    pub times: FrameTimes,
    /// Frames that are presented in a second, on average where they last unequally long.
    pub rate: Rate,
    pub start: Start,
}

impl Order {
    /// How many times faster than it is the sound is played.
    pub fn tempo(&self) -> f64 {
        self.rate.as_f64() / self.times.rate().as_f64()
    }
}

/// The samples of one frame, or of a part of a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Take {
    /// The first one in the file.
    pub at: i64,
    pub samples: usize,
    pub is_reversed: bool,
    /// It goes on where the take before it ended.
    pub joins: bool,
    /// The take after it goes on where it ends.
    pub is_joined: bool,
}

/// All takes of an order.
#[derive(Debug, Clone)]
pub struct Takes {
    /// None when all frames were begun.
    travel: Option<Travel>,
    first: i64,
    times: FrameTimes,
    sample_rate: u32,
    /// Of all frames so far, so that what is rounded never adds up.
    ticks: i128,
    /// Samples of the frame at hand that were not handed out.
    rest: i64,
    /// Where in the file they begin, seen in their direction.
    place: i64,
    is_reversed: bool,
    /// The next take goes on where the last one ended.
    joins: bool,
    /// The next frame goes on where the one at hand ends.
    is_joined: bool,
    /// Samples that may still be handed out.
    left: i64,
}

impl Takes {
    pub fn new(order: &Order, sample_rate: u32) -> Self {
        let left = match order.start {
            Start::At(_) => i64::MAX,
            Start::Soon(nanos) => (nanos * Nanos::from(sample_rate) / 1_000_000_000) as i64,
        };
        Self {
            travel: Some(Travel { playing: true, ..order.travel }),
            first: order.first,
            times: order.times.clone(),
            sample_rate,
            ticks: 0,
            rest: 0,
            place: 0,
            is_reversed: false,
            joins: false,
            is_joined: false,
            left,
        }
    }

    /// The sample that so many ticks come to.
    fn sample_of(&self, ticks: i128) -> i64 {
        (ticks * i128::from(self.sample_rate)).div_euclid(self.times.ticks_per_second()) as i64
    }

    /// Turns to the next frame; `None` after the last one.
    fn begin_frame(&mut self) -> Option<()> {
        let travel = self.travel.take()?;
        let (index, frame) = (travel.playhead, self.first + i64::from(travel.playhead));
        let before = self.sample_of(self.ticks);
        self.ticks += self.times.duration(frame);
        self.rest = self.sample_of(self.ticks) - before;
        self.is_reversed = travel.direction == Direction::Reverse;
        if !self.joins {
            self.place = self.sample_of(self.times.start(frame + i64::from(self.is_reversed)));
        }
        let onward = if self.is_reversed { index.checked_sub(1) } else { index.checked_add(1) };
        let next = travel.step();
        self.is_joined = next.is_some_and(|next| (Some(next.0), next.1) == (onward, travel.direction));
        self.travel = next.map(|(playhead, direction)| Travel { playhead, direction, ..travel });
        Some(())
    }
}

impl Iterator for Takes {
    type Item = Take;

    fn next(&mut self) -> Option<Take> {
        if self.left <= 0 {
            return None;
        }
        if self.rest == 0 {
            self.begin_frame()?;
        }
        let samples = self.rest.min(self.left).min(LONGEST_TAKE_SECS * i64::from(self.sample_rate));
        (self.rest, self.left) = (self.rest - samples, self.left - samples);
        let start = self.place;
        self.place = if self.is_reversed { start - samples } else { start + samples };
        let goes_on = self.rest > 0 || self.is_joined;
        let joins = std::mem::replace(&mut self.joins, goes_on);
        Some(Take {
            at: start.min(self.place),
            samples: samples as usize,
            is_reversed: self.is_reversed,
            joins,
            is_joined: goes_on && self.left > 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{LoopMode, PreloadStrategy, WorkArea};

    fn order(playhead: u32, last: u32, loop_mode: LoopMode, direction: Direction, rate: Rate) -> Order {
        let area = WorkArea::new(0, last);
        let strategy = PreloadStrategy::default();
        Order {
            sound: SoundFile { path: Path::new("a.wav").into(), origin_nanos: None },
            travel: Travel { playhead, direction, loop_mode, area, playing: true, strategy },
            first: 0,
            times: rate.into(),
            rate,
            start: Start::At(0),
        }
    }

    #[test]
    fn frames_join_and_loops_start_where_their_first_frame_does() {
        let order = order(1, 2, LoopMode::Loop, Direction::Forward, Rate::FILM);
        let takes: Vec<Take> = Takes::new(&order, 48_000).take(5).collect();
        let places: Vec<(i64, bool, bool)> =
            takes.iter().map(|take| (take.at, take.joins, take.is_joined)).collect();
        assert_eq!(
            places,
            [
                (2000, false, true),
                (4000, true, false),
                (0, false, true),
                (2000, true, true),
                (4000, true, false)
            ]
        );
        assert!(takes.iter().all(|take| take.samples == 2000 && !take.is_reversed));
    }

    #[test]
    fn turning_shows_the_last_frame_once() {
        let order = order(1, 2, LoopMode::PingPong, Direction::Forward, Rate::FILM);
        let takes: Vec<(i64, bool, bool)> = Takes::new(&order, 48_000)
            .take(6)
            .map(|take| (take.at / 2000, take.is_reversed, take.joins))
            .collect();
        let expected = [
            (1, false, false),
            (2, false, true),
            (1, true, false),
            (0, true, true),
            (1, false, false),
            (2, false, true),
        ];
        assert_eq!(takes, expected);
    }

    #[test]
    fn what_is_rounded_never_adds_up() {
        let rate = Rate::new(24_000, 1001).unwrap();
        let order = order(0, 6, LoopMode::Loop, Direction::Forward, rate);
        let samples: i64 = Takes::new(&order, 44_100).take(86_314).map(|take| take.samples as i64).sum();
        assert_eq!(samples, 86_314 * 44_100 * 1001 / 24_000);
        for take in Takes::new(&order, 44_100).take(1000) {
            let frame = (take.at as f64 / 44_100.0 * rate.as_f64()).round();
            assert!((take.at as f64 - frame * 44_100.0 / rate.as_f64()).abs() <= 2.0);
        }
    }

    #[test]
    fn once_ends() {
        let order = order(5, 7, LoopMode::Once, Direction::Reverse, Rate::FILM);
        let takes: Vec<i64> = Takes::new(&order, 48_000).map(|take| take.at / 2000).collect();
        assert_eq!(takes, [5, 4, 3, 2, 1, 0]);
    }

    fn variable(travel: Travel, start: Start) -> Order {
        let milli = 1_000_000;
        let times = [0, 20, 60, 560, 10_060].map(|time| time * milli);
        let times = FrameTimes::listed(Rate::FILM, times, 10_100 * milli).unwrap();
        Order { travel, times, start, ..order(0, 4, LoopMode::Loop, Direction::Forward, Rate::FILM) }
    }

    #[test]
    fn frames_of_their_own_length_are_heard_from_where_they_begin() {
        let travel = order(1, 2, LoopMode::Loop, Direction::Forward, Rate::FILM).travel;
        let takes = |travel, count| {
            let takes = Takes::new(&variable(travel, Start::At(0)), 48_000).take(count);
            takes.map(|take| (take.at / 48, take.samples / 48, take.joins)).collect::<Vec<_>>()
        };
        let loops = [(20, 40, false), (60, 500, true), (0, 20, false), (20, 40, true)];
        assert_eq!(takes(travel, 4), loops);
        let turns = Travel { loop_mode: LoopMode::PingPong, direction: Direction::Reverse, ..travel };
        assert_eq!(takes(turns, 4), [(20, 40, false), (0, 20, true), (20, 40, false), (60, 500, true)]);
    }

    #[test]
    fn long_frames_come_in_parts_that_join() {
        for direction in [Direction::Forward, Direction::Reverse] {
            let travel = order(3, 4, LoopMode::Once, direction, Rate::FILM).travel;
            let takes: Vec<Take> = Takes::new(&variable(travel, Start::At(0)), 48_000).take(10).collect();
            assert!(takes.iter().all(|take| take.samples <= 48_000));
            assert_eq!(takes.iter().map(|take| take.samples).sum::<usize>(), 9500 * 48);
            assert!(takes.windows(2).all(|pair| pair[0].is_joined && pair[1].joins));
            let first = if direction == Direction::Forward { 560 } else { 9060 };
            assert_eq!(takes[0].at / 48, first);
        }
    }

    #[test]
    fn a_glance_is_no_longer_than_it_may_be() {
        let travel = order(2, 4, LoopMode::Once, Direction::Forward, Rate::FILM).travel;
        let takes: Vec<Take> = Takes::new(&variable(travel, Start::Soon(80_000_000)), 48_000).collect();
        assert_eq!(
            takes,
            [Take { at: 60 * 48, samples: 80 * 48, is_reversed: false, joins: false, is_joined: false }]
        );
    }
}
