//! Owns when the frames of a clip begin: all equally long, or each at a time of its own. Plain values, shared by whoever
//! needs them; any thread.

use std::fmt;
use std::sync::Arc;

use super::{Nanos, Rate};

/// No frame is shorter: times that do not rise are those of no display.
pub const SHORTEST_NANOS: Nanos = 1_000_000;
/// A frame that lasts longer than a day is a time that was broken.
const LONGEST_NANOS: Nanos = 86_400_000_000_000;

/// The times of all frames of a clip, from the beginning of the first.
///
/// They are counted in ticks, of which every frame lasts a whole number: sums of durations are exact, and nothing drifts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameTimes {
    /// Frames a second, on average where they differ.
    rate: Rate,
    /// Where frames differ, nanoseconds to the beginning of each, and to the end of the last. At least two, rising.
    starts: Option<Arc<[u64]>>,
}

impl From<Rate> for FrameTimes {
    fn from(rate: Rate) -> Self {
        Self { rate, starts: None }
    }
}

impl fmt::Display for FrameTimes {
    /// The rate, and that it is only an average.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((shortest, longest)) = self.extremes() else { return write!(f, "{}", self.rate) };
        let millis = |nanos: Nanos| (nanos as f64 / 1e5).round() / 10.0;
        let (shortest, longest) = (millis(shortest), millis(longest));
        write!(f, "about {}, variable: frames last from {shortest} to {longest} ms", self.rate)
    }
}

impl FrameTimes {
    /// Frames that begin at `times`, the last of them ending at `end`, all in the time of their file; `rate` is what they
    /// are on average. A frame that does not last is given a millisecond, which the next one gives back if it can.
    ///
    /// `None` without frames, and where one would last for more than a day: such times are not to be believed.
    pub fn listed(rate: Rate, times: impl IntoIterator<Item = Nanos>, end: Nanos) -> Option<Self> {
        let mut times = times.into_iter();
        let first = times.next()?;
        let mut starts = vec![0_u64];
        for time in times.chain([end]) {
            let before = Nanos::from(*starts.last()?);
            let start = time.checked_sub(first)?.max(before + SHORTEST_NANOS);
            if start - before > LONGEST_NANOS {
                return None;
            }
            starts.push(u64::try_from(start).ok()?);
        }
        Some(Self { rate, starts: Some(starts.into()) })
    }

    /// Frames a second, on average where they differ.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Whether frames last unequally long.
    pub fn is_variable(&self) -> bool {
        self.starts.is_some()
    }

    /// Bytes of the list.
    pub fn bytes(&self) -> usize {
        self.starts.as_ref().map_or(0, |starts| size_of_val::<[u64]>(starts))
    }

    /// Ticks in a second.
    pub fn ticks_per_second(&self) -> i128 {
        if self.is_variable() { 1_000_000_000 } else { self.rate.num().into() }
    }

    /// Ticks of a frame on average, rounded down where frames differ.
    pub fn mean_ticks(&self) -> i128 {
        let (num, den) = (i128::from(self.rate.num()), i128::from(self.rate.den()));
        if self.is_variable() { den * 1_000_000_000 / num } else { den }
    }

    /// Ticks from the beginning of frame 0 to that of `frame`. What lies outside of a list is as long as the average.
    pub fn start(&self, frame: i64) -> i128 {
        let starts = self.starts.as_deref().unwrap_or(&[0]);
        let listed = usize::try_from(frame).unwrap_or(0).min(starts.len() - 1);
        i128::from(starts[listed]) + (i128::from(frame) - listed as i128) * self.mean_ticks()
    }

    /// Ticks that a frame lasts, at least 1.
    pub fn duration(&self, frame: i64) -> i128 {
        self.start(frame.saturating_add(1)) - self.start(frame)
    }

    /// Seconds from the beginning of frame 0 to a place in the clip, in frames.
    pub fn secs(&self, place: f64) -> f64 {
        let frame = place.floor() as i64;
        let share = place - place.floor();
        let ticks = self.start(frame) as f64 + share * self.duration(frame) as f64;
        ticks / self.ticks_per_second() as f64
    }

    /// The shortest and the longest duration of a listed frame; `None` where all are the same.
    pub fn extremes(&self) -> Option<(Nanos, Nanos)> {
        let durations = self.starts.as_ref()?.windows(2).map(|pair| Nanos::from(pair[1] - pair[0]));
        durations.fold(None, |found, nanos| {
            let (shortest, longest) = found.unwrap_or((nanos, nanos));
            Some((nanos.min(shortest), nanos.max(longest)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Nanos = 1_000_000;

    fn millis(times: &[Nanos], end: Nanos) -> Option<FrameTimes> {
        FrameTimes::listed(Rate::FILM, times.iter().map(|time| time * MILLI), end * MILLI)
    }

    fn starts(times: &FrameTimes, frames: std::ops::Range<i64>) -> Vec<i128> {
        frames.map(|frame| times.start(frame) / MILLI).collect()
    }

    #[test]
    fn listed_frames_have_their_own_times() {
        let times = millis(&[7, 27, 67, 567], 600).unwrap();
        assert_eq!(starts(&times, 0..5), [0, 20, 60, 560, 593]);
        assert_eq!((0..4).map(|frame| times.duration(frame) / MILLI).collect::<Vec<_>>(), [20, 40, 500, 33]);
        assert_eq!(times.extremes(), Some((20 * MILLI, 500 * MILLI)));
        assert_eq!(times.to_string(), "about 24, variable: frames last from 20 to 500 ms");
        assert_eq!((times.secs(1.5), times.secs(-24.0)), (0.04, -0.999_999_984));
        // Beyond the list frames are as long as the average.
        assert_eq!(times.duration(4), 41_666_666);
        assert_eq!(times.duration(-1), 41_666_666);
    }

    #[test]
    fn even_frames_are_counted_exactly() {
        let times = FrameTimes::from(Rate::new(24_000, 1001).unwrap());
        assert_eq!((times.start(24_000), times.ticks_per_second()), (24_000 * 1001, 24_000));
        assert_eq!((times.start(-3), times.duration(-3)), (-3003, 1001));
        assert_eq!(times.to_string(), "23.976");
        assert_eq!((times.secs(24.0), times.extremes(), times.bytes()), (1.001, None, 0));
    }

    #[test]
    fn times_that_do_not_rise_are_repaired_and_catch_up() {
        let times = millis(&[0, 5, 5, 5, 3, 20], 20).unwrap();
        assert_eq!(starts(&times, 0..7), [0, 5, 6, 7, 8, 20, 21]);
    }

    #[test]
    fn times_that_make_no_sense_are_refused() {
        let day = 86_400_000;
        assert!(millis(&[0, day], day + 1).is_some(), "a frame of a day");
        assert_eq!(millis(&[0, day + 1], day + 2), None);
        assert_eq!(millis(&[0, 1], 2 * day), None);
        assert_eq!(millis(&[], 1), None);
        assert_eq!(FrameTimes::listed(Rate::FILM, [Nanos::MIN, Nanos::MAX], Nanos::MAX), None);
    }
}
