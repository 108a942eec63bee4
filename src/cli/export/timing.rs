//! Owns how often a frame is shown in the movie: once, or as often as its time takes where frames last unequally long.
//! Pure.

use crate::player::Clip;
use crate::time::{FrameTimes, Rate};

/// Rates that every player and editor knows, the slowest first.
const USUAL: [(u32, u32); 9] =
    [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (48, 1), (50, 1), (60_000, 1001), (60, 1)];
/// A rate that is so little slower will do.
const ENOUGH: f64 = 0.9995;

/// When pictures of the movie are due, and which frame each shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    rate: Rate,
    /// Where frames last unequally long: their times, the number of frame 0, the first frame that is written.
    uneven: Option<(FrameTimes, i64, i64)>,
}

impl Timing {
    /// Of a clip of which the frames from `first` on are written. Where they last unequally long, pictures come at the
    /// nearest usual rate that is not below their average.
    pub fn of(clip: &Clip, first: i64) -> Self {
        match clip.times().is_variable() {
            false => Self { rate: clip.rate(), uneven: None },
            true => Self::uneven(clip.times().clone(), clip.number(0), first),
        }
    }

    fn uneven(times: FrameTimes, number: i64, first: i64) -> Self {
        let mean = times.rate();
        let usual = USUAL.into_iter().filter_map(|(num, den)| Rate::new(num, den).ok());
        let rate = usual.into_iter().find(|rate| rate.as_f64() >= mean.as_f64() * ENOUGH).unwrap_or(mean);
        Self { rate, uneven: Some((times, number, first - number)) }
    }

    /// Pictures a second.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// How many more pictures show the frame of a number, after so many that were written. A picture shows the frame
    /// that is due in its middle, so that times that are rounded change nothing; the first frame has one at least.
    pub fn count(&self, number: i64, written: i64) -> i64 {
        let Some((times, zero, first)) = &self.uneven else { return 1 };
        let ticks = times.start(number - zero + 1) - times.start(*first);
        let (num, den) = (i128::from(self.rate.num()), i128::from(self.rate.den()));
        let unit = den * times.ticks_per_second();
        let end = (2 * ticks * num + unit).div_euclid(2 * unit).max(1);
        i64::try_from(end).unwrap_or(i64::MAX).saturating_sub(written).max(0)
    }

    /// How many pictures show frames of these numbers.
    pub fn pictures(&self, numbers: &[i64]) -> i64 {
        match &self.uneven {
            None => i64::try_from(numbers.len()).unwrap_or(i64::MAX),
            Some(_) => numbers.last().map_or(0, |last| self.count(*last, 0)),
        }
    }

    /// Seconds from the beginning of frame 0 to the first frame that is written, where frames last unequally long.
    pub fn offset_secs(&self) -> Option<f64> {
        self.uneven.as_ref().map(|(times, _, first)| times.secs(*first as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Nanos;

    /// How often each frame from `first` on is shown, and at which rate.
    fn counts(mean: (u32, u32), micros: &[Nanos], first: i64) -> (String, Vec<i64>) {
        let starts = micros.iter().scan(0, |end, last| Some(std::mem::replace(end, *end + last * 1000)));
        let end = micros.iter().sum::<Nanos>() * 1000;
        let times = FrameTimes::listed(Rate::new(mean.0, mean.1).unwrap(), starts, end).unwrap();
        let timing = Timing::uneven(times, 100, 100 + first);
        let mut written = 0;
        let shown = (first..micros.len() as i64).map(|frame| {
            let count = timing.count(100 + frame, written);
            written += count;
            count
        });
        let shown = shown.collect();
        (timing.rate().to_string(), shown)
    }

    #[test]
    fn a_frame_is_shown_as_often_as_its_time_takes() {
        assert_eq!(counts((24, 1), &[41_667, 83_333, 500_000, 41_667], 0).1, [1, 2, 12, 1]);
        assert_eq!(counts((24, 1), &[41_667, 83_333, 500_000, 41_667], 2).1, [12, 1]);
    }

    #[test]
    fn times_that_are_rounded_change_nothing() {
        let rounded: Vec<Nanos> =
            (0..400).map(|frame| ((frame + 1) * 1001 / 24 - frame * 1001 / 24) * 1000).collect();
        let (rate, shown) = counts((24_000, 1001), &rounded, 0);
        assert_eq!(rate, "23.976");
        assert!(shown.iter().all(|count| *count == 1), "{shown:?}");
    }

    #[test]
    fn bursts_lose_frames_and_nothing_is_left_empty() {
        assert_eq!(counts((60, 1), &[4_000; 25], 0).1.iter().sum::<i64>(), 6);
        assert_eq!(counts((24, 1), &[1_000], 0).1, [1]);
        assert_eq!(counts((50, 3), &[100_000, 20_000], 0), ("23.976".into(), vec![2, 1]));
        assert_eq!(counts((97, 1), &[10_309; 3], 0), ("97".into(), vec![1, 1, 1]));
    }
}
