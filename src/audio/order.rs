//! What is heard from a moment on, and the samples that this means: frame after frame in the order in which pictures are
//! shown, so that loops, turns and reverse playback are the same for both. Pure.

use std::path::Path;
use std::sync::Arc;

use crate::time::{Direction, Nanos, Rate, Travel};

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
    /// As soon as it is there, out of step with pictures: for scrubbing.
    Soon,
}

/// What is heard from a moment on.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub sound: SoundFile,
    /// The order of frames, from the one at the playhead.
    pub travel: Travel,
    /// Frame of the sound at index 0.
    pub first: i64,
    /// Frames in a second of sound.
    pub media_rate: Rate,
    /// Frames that are presented in a second.
    pub rate: Rate,
    pub start: Start,
}

impl Order {
    /// How many times faster than it is the sound is played.
    pub fn tempo(&self) -> f64 {
        self.rate.as_f64() / self.media_rate.as_f64()
    }
}

/// The samples of one frame.
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
    travel: Travel,
    first: i64,
    media_rate: Rate,
    sample_rate: u32,
    /// Frames so far.
    count: i64,
    /// Where in the file the last take ended, seen in its direction.
    end: i64,
    joins: bool,
    is_over: bool,
}

impl Takes {
    pub fn new(order: &Order, sample_rate: u32) -> Self {
        Self {
            travel: Travel { playing: true, ..order.travel },
            first: order.first,
            media_rate: order.media_rate,
            sample_rate,
            count: 0,
            end: 0,
            joins: false,
            is_over: false,
        }
    }

    /// The sample at which a frame begins.
    fn edge(&self, frame: i64) -> i64 {
        let scaled = i128::from(frame) * i128::from(self.sample_rate) * i128::from(self.media_rate.den());
        scaled.div_euclid(i128::from(self.media_rate.num())) as i64
    }
}

impl Iterator for Takes {
    type Item = Take;

    fn next(&mut self) -> Option<Take> {
        if self.is_over {
            return None;
        }
        let (index, direction) = (self.travel.playhead, self.travel.direction);
        let frame = self.first + i64::from(index);
        // By all frames so far, so that what is rounded never adds up.
        let samples = self.edge(self.count + 1) - self.edge(self.count);
        let is_reversed = direction == Direction::Reverse;
        let start = match (self.joins, is_reversed) {
            (true, _) => self.end,
            (false, false) => self.edge(frame),
            (false, true) => self.edge(frame + 1),
        };
        self.end = if is_reversed { start - samples } else { start + samples };
        let joins = self.joins;
        self.joins = match self.travel.step() {
            Some((next, turned)) => {
                let onward = if is_reversed { index.checked_sub(1) } else { index.checked_add(1) };
                (self.travel.playhead, self.travel.direction) = (next, turned);
                turned == direction && onward == Some(next)
            }
            None => {
                self.is_over = true;
                false
            }
        };
        self.count += 1;
        let at = start.min(self.end);
        Some(Take { at, samples: samples as usize, is_reversed, joins, is_joined: self.joins })
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
            media_rate: rate,
            rate,
            start: Start::Soon,
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
}
