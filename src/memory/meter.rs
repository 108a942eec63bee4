//! Owns how fast bytes are taken: a meter that tells, and a bucket that limits. Pure; time is an
//! argument. The thread that ticks.

use crate::time::Nanos;

const SECOND_NANOS: Nanos = 1_000_000_000;

/// Counts bytes and tells how many came in a second lately.
#[derive(Debug, Clone, Copy, Default)]
pub struct RateMeter {
    total_bytes: u64,
    window_start: Nanos,
    window_bytes: u64,
    per_s: f64,
    changed_at: Nanos,
}

impl RateMeter {
    /// Notes bytes taken now; 0 notes that something else changed.
    pub fn add(&mut self, bytes: u64, now: Nanos) {
        self.roll(now);
        self.total_bytes += bytes;
        self.window_bytes += bytes;
        self.changed_at = now;
    }

    /// Bytes a second over the last full second; 0 after two seconds without any.
    pub fn bytes_per_s(&self, now: Nanos) -> f64 {
        let mut meter = *self;
        meter.roll(now);
        meter.per_s
    }

    /// When something changed last.
    pub fn changed_at(&self) -> Nanos {
        self.changed_at
    }

    fn roll(&mut self, now: Nanos) {
        let passed = now - self.window_start;
        if passed < SECOND_NANOS {
            return;
        }
        let is_recent = passed < 2 * SECOND_NANOS;
        self.per_s = if is_recent { self.window_bytes as f64 * 1e9 / passed as f64 } else { 0.0 };
        self.window_start = now;
        self.window_bytes = 0;
    }
}

/// Lets so many bytes a second through, with one second's worth at once.
#[derive(Debug, Clone, Copy)]
pub struct TokenBucket {
    bytes_per_s: u64,
    /// May fall below zero: what is larger than the bucket goes through when it is full.
    tokens: i128,
    filled_at: Nanos,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(bytes_per_s: u64, now: Nanos) -> Self {
        let bytes_per_s = bytes_per_s.max(1);
        Self { bytes_per_s, tokens: i128::from(bytes_per_s), filled_at: now }
    }

    /// Takes bytes; `false` when they must wait.
    pub fn take(&mut self, bytes: u64, now: Nanos) -> bool {
        self.fill(now);
        let is_full = self.tokens >= i128::from(self.bytes_per_s);
        let goes = is_full || self.tokens >= i128::from(bytes);
        if goes {
            self.tokens -= i128::from(bytes);
        }
        goes
    }

    /// When so many bytes may be taken.
    pub fn ready_at(&self, bytes: u64) -> Nanos {
        let lacking = i128::from(bytes.min(self.bytes_per_s)) - self.tokens;
        if lacking <= 0 {
            return self.filled_at;
        }
        let wait = (lacking * SECOND_NANOS).div_euclid(i128::from(self.bytes_per_s));
        self.filled_at + wait + 1
    }

    fn fill(&mut self, now: Nanos) {
        let full = i128::from(self.bytes_per_s);
        let gained = (now - self.filled_at).max(0) * full / SECOND_NANOS;
        if gained > 0 {
            self.tokens = (self.tokens + gained).min(full);
            self.filled_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_meter_tells_the_last_second_and_forgets() {
        let mut meter = RateMeter::default();
        for tenth in 0..25 {
            meter.add(100, tenth * SECOND_NANOS / 10);
        }
        let rate = meter.bytes_per_s(25 * SECOND_NANOS / 10);
        assert!((900.0..1100.0).contains(&rate), "{rate}");
        assert_eq!(meter.bytes_per_s(10 * SECOND_NANOS), 0.0);
        assert_eq!(meter.changed_at(), 24 * SECOND_NANOS / 10);
    }

    proptest! {
        #[test]
        fn a_bucket_lets_no_more_through_than_its_rate(
            steps in prop::collection::vec((0..400_u64, 0..300_000_000_i128), 1..200),
        ) {
            let (mut bucket, mut now, mut sum) = (TokenBucket::new(1000, 0), 0, 0_u64);
            for (bytes, nanos) in steps {
                now += nanos;
                if bucket.take(bytes, now) {
                    sum += bytes;
                } else {
                    prop_assert!(bucket.ready_at(bytes) > now);
                }
                // One bucket at once, the rate after it, and what the last one took beyond the rest.
                let most = 1000.0 + now as f64 / 1e6 + 400.0;
                prop_assert!(sum as f64 <= most, "{} of {}", sum, most);
            }
        }
    }

    #[test]
    fn what_is_larger_than_a_bucket_waits_until_it_is_full() {
        let mut bucket = TokenBucket::new(100, 0);
        assert!(bucket.take(250, 0));
        assert!(!bucket.take(250, SECOND_NANOS));
        let ready = bucket.ready_at(250);
        assert!(bucket.take(250, ready), "{ready}");
    }
}
