//! Owns how many requests a second are answered. Pure; time is an argument.

use crate::time::Nanos;

/// At once, after a pause.
const BURST: Nanos = 40;
/// Besides, one each time this has passed, which is 160 a second: no second sees more than 200.
const COST_NANOS: Nanos = 1_000_000_000 / 160;

/// A token bucket, kept as the time at which it will be full again.
#[derive(Debug, Default)]
pub struct Bucket {
    full_at: Nanos,
}

impl Bucket {
    /// Whether one more request may be answered at `now`; counts it if so.
    pub fn take(&mut self, now: Nanos) -> bool {
        let full_at = self.full_at.max(now) + COST_NANOS;
        let has_room = full_at - now <= BURST * COST_NANOS;
        if has_room {
            self.full_at = full_at;
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Nanos = 1_000_000_000;

    #[test]
    fn a_hundred_a_second_are_never_refused() {
        let mut bucket = Bucket::default();
        assert!((0..1000).all(|count| bucket.take(count * SECOND / 100)));
    }

    #[test]
    fn a_pause_fills_the_bucket_and_no_more() {
        let mut bucket = Bucket::default();
        for now in [SECOND, 9 * SECOND] {
            let granted = (0..500).filter(|_| bucket.take(now)).count();
            assert_eq!(granted, 40, "at {now}");
        }
    }

    proptest! {
        #[test]
        fn no_second_sees_more_than_two_hundred(steps in proptest::collection::vec(0..12_000_000_i64, 1..900)) {
            let mut bucket = Bucket::default();
            let mut now = 0;
            let mut granted: Vec<Nanos> = Vec::new();
            for step in steps {
                now += Nanos::from(step);
                if bucket.take(now) {
                    granted.push(now);
                }
                let lately = granted.iter().rev().take_while(|&&at| at > now - SECOND).count();
                prop_assert!(lately <= 200, "{lately}");
            }
        }
    }
}
