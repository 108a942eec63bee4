//! Owns the search for leaks: how fast the resident size grows over minutes, and how often the ledger
//! and what is really there differ. Never measures anything itself. The thread that ticks.

use crate::stats::LeakStatus;
use crate::time::Nanos;

const POINTS: usize = 128;
const WINDOW_NANOS: Nanos = 300_000_000_000;
/// A little above what fills the window exactly, so that the ring never drops a point of it.
const SPACING_NANOS: Nanos = WINDOW_NANOS / (POINTS as Nanos - 3);
const LEAST_SPAN_NANOS: Nanos = 60_000_000_000;
const LEAST_POINTS: usize = 20;

#[derive(Debug, Clone, Copy, Default)]
struct Point {
    at: Nanos,
    bytes: u64,
}

/// The resident size over the last 5 minutes.
#[derive(Debug, Clone)]
pub struct SlopeWatch {
    /// The newest `len` points end before `next`, in a ring.
    points: [Point; POINTS],
    next: usize,
    len: usize,
}

impl Default for SlopeWatch {
    fn default() -> Self {
        Self { points: [Point::default(); POINTS], next: 0, len: 0 }
    }
}

impl SlopeWatch {
    /// Takes one sample; those that come too soon after the last are left out.
    pub fn feed(&mut self, now: Nanos, rss_bytes: u64) {
        if self.newest().is_some_and(|newest| now - newest.at < SPACING_NANOS) {
            return;
        }
        self.points[self.next] = Point { at: now, bytes: rss_bytes };
        self.next = (self.next + 1) % POINTS;
        self.len = (self.len + 1).min(POINTS);
    }

    /// The least-squares slope in bytes per second; none before there are 60 s and 20 points.
    pub fn slope_bytes_per_s(&self) -> Option<f64> {
        let (newest, oldest) = (self.newest()?, self.recent().last()?);
        let count = self.recent().count();
        if newest.at - oldest.at < LEAST_SPAN_NANOS || count < LEAST_POINTS {
            return None;
        }
        let secs = |point: &Point| (point.at - oldest.at) as f64 / 1e9;
        let bytes = |point: &Point| point.bytes as f64 - oldest.bytes as f64;
        let mean = |of: &dyn Fn(&Point) -> f64| self.recent().map(of).sum::<f64>() / count as f64;
        let (mean_secs, mean_bytes) = (mean(&secs), mean(&bytes));
        let covariance = mean(&|point| (secs(point) - mean_secs) * (bytes(point) - mean_bytes));
        let variance = mean(&|point| (secs(point) - mean_secs).powi(2));
        Some(covariance / variance)
    }

    fn newest(&self) -> Option<&Point> {
        self.points_back().next()
    }

    /// The points of the last 5 minutes, from the newest to the oldest.
    fn recent(&self) -> impl Iterator<Item = &Point> {
        let since = self.newest().map_or(0, |newest| newest.at - WINDOW_NANOS);
        self.points_back().take_while(move |point| point.at >= since)
    }

    fn points_back(&self) -> impl Iterator<Item = &Point> {
        (0..self.len).map(|steps| &self.points[(self.next + 2 * POINTS - 1 - steps) % POINTS])
    }
}

/// One component as the ledger and as what is there have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub component: &'static str,
    pub charged_bytes: u64,
    pub present_bytes: u64,
}

/// Compares and keeps what was found.
#[derive(Debug, Clone, Default)]
pub struct LeakWatch {
    slope: SlopeWatch,
    checks: u64,
    mismatches: u64,
    last_mismatch: Option<String>,
    /// The last check found a difference, which is in the log already if it stays the same.
    is_differing: bool,
}

impl LeakWatch {
    /// Takes one sample of the resident size.
    pub fn feed(&mut self, now: Nanos, rss_bytes: u64) {
        self.slope.feed(now, rss_bytes);
    }

    /// Compares every component; logs a difference once as long as it stays the same. True if there
    /// is none.
    pub fn check(&mut self, tallies: &[Tally]) -> bool {
        self.checks += 1;
        let is_wrong = |tally: &&Tally| tally.charged_bytes != tally.present_bytes;
        let was_differing = self.is_differing;
        self.is_differing = tallies.iter().any(|tally| is_wrong(&tally));
        if !self.is_differing {
            return true;
        }
        self.mismatches += 1;
        let texts: Vec<String> = tallies.iter().filter(is_wrong).map(text).collect();
        let found = texts.join("; ");
        if !was_differing || self.last_mismatch.as_ref() != Some(&found) {
            log::warn!("memory is not accounted for: {found}");
            self.last_mismatch = Some(found);
        }
        false
    }

    pub fn status(&self) -> LeakStatus {
        LeakStatus {
            checks: self.checks,
            mismatches: self.mismatches,
            last_mismatch: self.last_mismatch.clone(),
            rss_slope_bytes_per_s: self.slope.slope_bytes_per_s(),
        }
    }
}

fn text(tally: &Tally) -> String {
    let Tally { component, charged_bytes, present_bytes } = tally;
    format!("{component}: {charged_bytes} bytes are charged, {present_bytes} are there")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Nanos = 1_000_000_000;
    const START_BYTES: u64 = 1 << 30;

    fn watch(secs: u64, every_secs: u64, bytes: impl Fn(u64) -> u64) -> SlopeWatch {
        let mut watch = SlopeWatch::default();
        for second in (0..secs).step_by(every_secs as usize) {
            watch.feed(Nanos::from(second) * SECOND, bytes(second));
        }
        watch
    }

    #[test]
    fn there_is_no_slope_before_a_minute_and_twenty_points() {
        let linear = |second| START_BYTES + second * 1000;
        assert_eq!(SlopeWatch::default().slope_bytes_per_s(), None);
        assert_eq!(watch(60, 1, linear).slope_bytes_per_s(), None);
        assert!(watch(64, 1, linear).slope_bytes_per_s().is_some());
        assert_eq!(watch(181, 10, linear).slope_bytes_per_s(), None, "19 points");
        assert!(watch(191, 10, linear).slope_bytes_per_s().is_some());
    }

    #[test]
    fn a_steady_size_has_no_slope_and_a_shrinking_one_a_negative() {
        assert_eq!(watch(400, 1, |_| START_BYTES).slope_bytes_per_s(), Some(0.0));
        let slope = watch(400, 1, |second| START_BYTES - 500 * second).slope_bytes_per_s().unwrap();
        assert!((slope + 500.0).abs() < 0.001, "{slope}");
    }

    #[test]
    fn what_is_older_than_five_minutes_is_forgotten() {
        let bend = |second: u64| START_BYTES + 10_000_000 * second.min(100);
        assert!(watch(250, 1, bend).slope_bytes_per_s().unwrap() > 1_000_000.0);
        assert_eq!(watch(420, 1, bend).slope_bytes_per_s(), Some(0.0));
    }

    #[test]
    fn the_ring_holds_the_whole_window() {
        let watch = watch(2000, 1, |second| START_BYTES + second);
        let oldest = watch.recent().last().unwrap().at;
        assert!(watch.newest().unwrap().at - oldest > WINDOW_NANOS - 2 * SPACING_NANOS);
        assert!(watch.recent().count() <= POINTS);
    }

    #[test]
    fn differences_are_counted_and_named() {
        let tally =
            |component, charged_bytes, present_bytes| Tally { component, charged_bytes, present_bytes };
        let mut watch = LeakWatch::default();
        assert!(watch.check(&[tally("frames", 5, 5), tally("staging", 0, 0)]));
        assert_eq!(watch.status().last_mismatch, None);
        assert!(!watch.check(&[tally("frames", 5, 4), tally("staging", 0, 0)]));
        assert!(!watch.check(&[tally("frames", 5, 4), tally("staging", 0, 1)]));
        assert!(watch.check(&[]));
        let status = watch.status();
        assert_eq!((status.checks, status.mismatches, status.rss_slope_bytes_per_s), (4, 2, None));
        let text = status.last_mismatch.unwrap();
        assert_eq!(
            text,
            "frames: 5 bytes are charged, 4 are there; staging: 0 bytes are charged, 1 are there"
        );
    }

    proptest! {
        #[test]
        fn a_straight_line_is_found_whatever_the_interval(every in 1..12_u64, step in 0..50_000_000_u64) {
            let slope = watch(600, every, |second| START_BYTES + step * second).slope_bytes_per_s().unwrap();
            prop_assert!((slope - step as f64).abs() < 1.0, "{slope} {step}");
        }
    }
}
