//! Owns the rhythm of a display: its measured refresh, and at which refresh a frame belongs on screen. Pure: times
//! are arguments.

use super::Nanos;

/// Gaps between presentations that the refresh is measured from.
const GAPS: usize = 120;
/// Gaps that must be known before they count more than what the system says.
const GAPS_THAT_COUNT: usize = 10;
/// A gap that is so much off a whole number of periods was no gap between refreshes.
const GAP_TOLERANCE: f64 = 0.25;
/// How far the measured period may lie from what the system says.
const PERIOD_TOLERANCE: f64 = 0.02;
/// Share of an error of the phase that is followed at once: a lasting shift is followed, noise is not.
const PHASE_GAIN: f64 = 0.1;
/// A frame belongs to the refresh nearest to its due time. Where it lies in the middle of two (24 on 60 Hz, every
/// second frame), it always goes to the later one: noise below this share of a period changes nothing.
const TIE_SHARE: f64 = 1.0 / 20.0;
/// A picture that is drawn less than this share of a period before a refresh is shown with the next one.
const LEAD_SHARE: f64 = 0.25;
/// Refreshes that the rows of the histogram of repeats tell apart.
pub const REPEATS: usize = 8;

/// A display that refreshes at a steady rate.
#[derive(Debug, Clone)]
pub struct Cadence {
    stated_nanos: f64,
    period_nanos: f64,
    /// The time of one refresh, as close as the noise of the observations allows.
    phase: Option<f64>,
    last: Option<Nanos>,
    /// Gaps between refreshes that were seen, and how many periods each was.
    gaps: Vec<(f64, f64)>,
    next_gap: usize,
}

impl Cadence {
    /// A display of the rate that the system states, in thousandths of a hertz; `None` where that is none.
    pub fn new(millihertz: u32) -> Option<Self> {
        let stated_nanos = 1e12 / f64::from(millihertz);
        let is_display = (10_000..=1_000_000).contains(&millihertz);
        is_display.then(|| Self {
            stated_nanos,
            period_nanos: stated_nanos,
            phase: None,
            last: None,
            gaps: Vec::with_capacity(GAPS),
            next_gap: 0,
        })
    }

    /// The measured time between two refreshes.
    pub fn period_nanos(&self) -> f64 {
        self.period_nanos
    }

    /// A refresh was seen: the display took a picture at this time.
    pub fn observe(&mut self, at: Nanos) {
        if let Some(last) = self.last.replace(at) {
            self.measure((at - last) as f64);
        }
        let at = at as f64;
        let Some(phase) = self.phase else {
            self.phase = Some(at);
            return;
        };
        let refreshes = ((at - phase) / self.period_nanos).round();
        let expected = phase + refreshes * self.period_nanos;
        self.phase = Some(expected + (at - expected) * PHASE_GAIN);
    }

    /// After a pause the display may have changed; its rate is kept.
    pub fn forget_phase(&mut self) {
        (self.phase, self.last) = (None, None);
    }

    fn measure(&mut self, gap: f64) {
        let periods = gap / self.period_nanos;
        let refreshes = periods.round();
        if !(1.0..=REPEATS as f64).contains(&refreshes) || (periods - refreshes).abs() > GAP_TOLERANCE {
            return;
        }
        match self.gaps.get_mut(self.next_gap) {
            Some(oldest) => *oldest = (gap, refreshes),
            None => self.gaps.push((gap, refreshes)),
        }
        self.next_gap = (self.next_gap + 1) % GAPS;
        if self.gaps.len() >= GAPS_THAT_COUNT {
            // The mean: what one observation was late, the next gap is short.
            let sums = self.gaps.iter().fold((0.0, 0.0), |sums, gap| (sums.0 + gap.0, sums.1 + gap.1));
            let (least, most) = (1.0 - PERIOD_TOLERANCE, 1.0 + PERIOD_TOLERANCE);
            self.period_nanos = (sums.0 / sums.1).clamp(self.stated_nanos * least, self.stated_nanos * most);
        }
    }

    /// The refresh at which a picture is shown that is drawn at `now`; `now` itself while no refresh was seen.
    pub fn shown_at(&self, now: Nanos) -> Nanos {
        let Some(phase) = self.phase else { return now };
        let ahead = (now as f64 - phase) / self.period_nanos + LEAD_SHARE;
        (phase + ahead.ceil() * self.period_nanos).round() as Nanos
    }

    /// How long before its due time a frame may be shown, so that it comes with the refresh nearest to it.
    pub fn early_nanos(&self) -> Nanos {
        self.phase.map_or(0, |_| (self.period_nanos * (0.5 - TIE_SHARE)) as Nanos)
    }
}

/// How many refreshes each frame was shown for while playing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeats {
    current: u32,
    /// Frames that were shown for 1, 2, … refreshes; the last counts all that were shown for longer.
    pub frames: [u64; REPEATS],
    /// Refreshes that showed the frame of the refresh before.
    pub repeated: u64,
}

impl Repeats {
    /// A refresh showed another frame, or the same again.
    pub fn note(&mut self, is_new: bool) {
        if !is_new {
            self.current += 1;
            self.repeated += 1;
            return;
        }
        if self.current > 0 {
            self.frames[(self.current as usize - 1).min(REPEATS - 1)] += 1;
        }
        self.current = 1;
    }

    /// Playback stopped: how long the last frame stays says nothing.
    pub fn pause(&mut self) {
        self.current = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{FrameTimes, Grid, Rate};

    const SECOND: f64 = 1e9;

    /// Refreshes that each frame is shown for, on a display of `hertz` whose refreshes are seen `noise` late at most.
    fn pattern(rate: Rate, (stated, hertz): (u32, f64), noise: f64, frames: usize) -> Vec<u32> {
        let mut cadence = Cadence::new(stated).unwrap();
        let mut random = 1_u64;
        let mut grid: Option<Grid> = None;
        let (mut shown, mut count, mut repeats) = (0_i64, 0, Vec::new());
        for refresh in 0.. {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let late = (random >> 40) as f64 / (1 << 24) as f64 * noise;
            let now = (refresh as f64 * SECOND / hertz + late * SECOND / hertz) as Nanos;
            cadence.observe(now);
            // The display is watched for a while before anything plays.
            if refresh < 120 {
                continue;
            }
            let time = cadence.shown_at(now);
            let grid = grid.get_or_insert(Grid::new(time, &FrameTimes::from(rate), 1));
            let due = grid.count_at(time + cadence.early_nanos(), rate.den().into());
            count += 1;
            if due > shown {
                repeats.push(count);
                (shown, count) = (due, 0);
                if repeats.len() == frames {
                    break;
                }
            }
        }
        repeats
    }

    fn assert_pattern(rate: Rate, display: (u32, f64), expected: &[u32]) {
        for noise in [0.0, 0.05, 0.1] {
            let repeats = pattern(rate, display, noise, 400);
            // The frame on screen when it began was shown for longer.
            let turns = (0..expected.len()).any(|turn| {
                repeats[1..].iter().enumerate().all(|(at, n)| *n == expected[(at + turn) % expected.len()])
            });
            assert!(turns, "{rate} on {display:?}, noise {noise}: {:?}", &repeats[..24]);
        }
    }

    fn rate(num: u32, den: u32) -> Rate {
        Rate::new(num, den).unwrap()
    }

    #[test]
    fn frames_are_repeated_in_a_steady_pattern() {
        assert_pattern(rate(24, 1), (60_000, 60.0), &[2, 3]);
        assert_pattern(rate(24_000, 1001), (59_940, 60_000.0 / 1001.0), &[2, 3]);
        assert_pattern(rate(25, 1), (60_000, 60.0), &[2, 3, 2, 3, 2]);
        assert_pattern(rate(30, 1), (60_000, 60.0), &[2]);
        assert_pattern(rate(48, 1), (144_000, 144.0), &[3]);
        assert_pattern(rate(24, 1), (24_000, 24.0), &[1]);
        assert_pattern(rate(60, 1), (60_000, 60.0), &[1]);
    }

    #[test]
    fn a_display_that_is_a_little_off_is_measured() {
        let mut cadence = Cadence::new(60_000).unwrap();
        for refresh in 0..400 {
            cadence.observe((f64::from(refresh) * SECOND / 59.94) as Nanos);
        }
        assert!((cadence.period_nanos() - SECOND / 59.94).abs() < 2.0);
        // A pause and a hiccup are no refreshes.
        cadence.observe(10_000_000_000);
        cadence.observe(10_003_000_000);
        assert!((cadence.period_nanos() - SECOND / 59.94).abs() < 2.0);
    }

    #[test]
    fn over_an_hour_no_frame_is_lost_or_shown_twice_too_often() {
        let repeats = pattern(rate(24_000, 1001), (60_000, 60.0), 0.1, 86_313);
        let refreshes: u64 = repeats.iter().map(|count| u64::from(*count)).sum();
        let expected = 86_313.0 * 1001.0 / 24_000.0 * 60.0;
        assert!((refreshes as f64 - expected).abs() < 4.0, "{refreshes} for {expected}");
        assert!(repeats[1..].iter().all(|count| (2..=3).contains(count)));
    }

    #[test]
    fn without_a_display_time_is_time() {
        assert!(Cadence::new(0).is_none());
        let cadence = Cadence::new(60_000).unwrap();
        assert_eq!((cadence.shown_at(1234), cadence.early_nanos()), (1234, 0));
    }

    #[test]
    fn repeats_are_counted_by_frame() {
        let mut repeats = Repeats::default();
        for is_new in [true, false, true, false, false, true] {
            repeats.note(is_new);
        }
        assert_eq!((repeats.frames[1], repeats.frames[2], repeats.repeated), (1, 1, 3));
        repeats.pause();
        repeats.note(true);
        assert_eq!(repeats.frames, [0, 1, 1, 0, 0, 0, 0, 0]);
    }
}
