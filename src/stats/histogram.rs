//! Owns durations as a histogram of fixed size, so that hours of playback cost no memory.

/// Each power of two is divided into this many buckets: a percentile is at most 1/16 too high.
const BUCKETS_PER_OCTAVE: usize = 16;
const OCTAVES: usize = 48;

/// Durations in nanoseconds, kept as counts per bucket.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

/// The figures that reports quote, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

/// Bars of [`Intervals`]: 16 for each power of two.
pub const BARS: usize = 64;

/// Durations around one that is meant: how many lay where from a quarter of it to four times as much, each bar
/// 2^(1/16) or less of the one before; what lies outside counts in the first and the last bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Intervals {
    pub bars: [u64; BARS],
    /// The bar that holds what is meant.
    pub meant: usize,
    pub percentiles: Percentiles,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS_PER_OCTAVE * OCTAVES], total: 0, max: 0 }
    }
}

impl Histogram {
    pub fn record(&mut self, nanos: u64) {
        self.counts[bucket_of(nanos)] += 1;
        self.total += 1;
        self.max = self.max.max(nanos);
    }

    pub fn count(&self) -> u64 {
        self.total
    }

    /// The duration below which `fraction` of all lie, in nanoseconds, rounded up to its bucket's
    /// end; 0 when nothing was recorded.
    pub fn quantile(&self, fraction: f64) -> u64 {
        let wanted = (self.total as f64 * fraction).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return bucket_end(bucket).min(self.max);
            }
        }
        self.max
    }

    /// The durations around `meant` nanoseconds.
    pub fn around(&self, meant: u64) -> Intervals {
        let meant = bucket_of(meant);
        let first = meant.saturating_sub(BARS / 2);
        let mut bars = [0; BARS];
        for (bucket, count) in self.counts.iter().enumerate() {
            bars[bucket.saturating_sub(first).min(BARS - 1)] += count;
        }
        Intervals { bars, meant: meant - first, percentiles: self.percentiles() }
    }

    pub fn percentiles(&self) -> Percentiles {
        let millis = |nanos: u64| nanos as f64 / 1e6;
        Percentiles {
            p50: millis(self.quantile(0.50)),
            p95: millis(self.quantile(0.95)),
            p99: millis(self.quantile(0.99)),
            max: millis(self.max),
        }
    }
}

/// Values below 16 have a bucket each; above, the top five bits choose it.
fn bucket_of(nanos: u64) -> usize {
    if nanos < BUCKETS_PER_OCTAVE as u64 {
        return nanos as usize;
    }
    let octave = nanos.ilog2() as usize - 4;
    let within = (nanos >> octave) as usize - BUCKETS_PER_OCTAVE;
    (BUCKETS_PER_OCTAVE * (octave + 1) + within).min(BUCKETS_PER_OCTAVE * OCTAVES - 1)
}

fn bucket_end(bucket: usize) -> u64 {
    if bucket < BUCKETS_PER_OCTAVE {
        return bucket as u64;
    }
    let octave = bucket / BUCKETS_PER_OCTAVE - 1;
    let within = (bucket % BUCKETS_PER_OCTAVE + BUCKETS_PER_OCTAVE) as u64;
    ((within + 1) << octave) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_at_most_a_sixteenth_too_high() {
        let mut histogram = Histogram::default();
        for millis in 1..=100_u64 {
            histogram.record(millis * 1_000_000);
        }
        for (fraction, exact) in [(0.5, 50e6), (0.95, 95e6), (0.99, 99e6), (1.0, 100e6)] {
            let measured = histogram.quantile(fraction) as f64;
            assert!(measured >= exact && measured <= exact * 1.0625, "{fraction}: {measured}");
        }
        assert_eq!(histogram.percentiles().max, 100.0);
    }

    #[test]
    fn bars_lie_around_what_is_meant() {
        let mut histogram = Histogram::default();
        for micros in [1, 41_667, 41_667, 83_334, 900_000] {
            histogram.record(micros * 1000);
        }
        let intervals = histogram.around(41_667_000);
        assert_eq!(intervals.bars.iter().sum::<u64>(), 5);
        assert_eq!((intervals.bars[0], intervals.bars[BARS - 1]), (1, 1));
        assert_eq!((intervals.bars[intervals.meant], intervals.bars[intervals.meant + 16]), (2, 1));
        assert_eq!(Histogram::default().around(0).bars, [0; BARS]);
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        for nanos in (0..70).map(|shift| 1_u64.checked_shl(shift).unwrap_or(u64::MAX)) {
            let bucket = bucket_of(nanos);
            if bucket < BUCKETS_PER_OCTAVE * OCTAVES - 1 {
                assert!(bucket_end(bucket) >= nanos);
                assert!(bucket == 0 || bucket_end(bucket - 1) < nanos);
            }
        }
    }

    #[test]
    fn an_empty_histogram_reads_zero() {
        assert_eq!(Histogram::default().percentiles(), Percentiles::default());
    }
}
