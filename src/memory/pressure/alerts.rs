//! Owns when something is worth a line in the log: alerts at most once a minute per level, and a line
//! with statistics once a minute while more than half is in use. Never writes the line itself. The
//! thread that ticks.

use crate::stats::PressureLevel;
use crate::time::Nanos;

const MINUTE: Nanos = 60_000_000_000;
const STATUS_LINE_FRACTION: f64 = 0.5;
const LEVELS: usize = PressureLevel::ALL.len();

/// When the last lines were due, and how many were.
#[derive(Debug, Clone, Default)]
pub struct Alerts {
    last: [Option<Nanos>; LEVELS],
    counts: [u64; LEVELS],
    status_line: Option<Nanos>,
}

impl Alerts {
    /// Whether an alert of this level is to be logged now; counted when it is. None has no alerts.
    pub fn due(&mut self, now: Nanos, level: PressureLevel) -> bool {
        let at = level as usize;
        if level == PressureLevel::None || !is_due(&mut self.last[at], now) {
            return false;
        }
        self.counts[at] += 1;
        true
    }

    /// Whether the line with statistics is to be logged now, `fraction` being the share in use.
    pub fn status_line_due(&mut self, now: Nanos, fraction: f64) -> bool {
        fraction > STATUS_LINE_FRACTION && is_due(&mut self.status_line, now)
    }

    /// Alerts so far, in the order of [`PressureLevel::ALL`].
    pub fn counts(&self) -> [u64; LEVELS] {
        self.counts
    }
}

fn is_due(last: &mut Option<Nanos>, now: Nanos) -> bool {
    if last.is_some_and(|last| now - last < MINUTE) {
        return false;
    }
    *last = Some(now);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_level_has_a_minute_of_its_own() {
        let mut alerts = Alerts::default();
        assert!(alerts.due(0, PressureLevel::High));
        assert!(!alerts.due(MINUTE - 1, PressureLevel::High));
        assert!(alerts.due(MINUTE - 1, PressureLevel::Critical));
        assert!(alerts.due(MINUTE, PressureLevel::High));
        assert!(!alerts.due(0, PressureLevel::None));
        assert_eq!(alerts.counts(), [0, 0, 0, 2, 1, 0]);
    }

    #[test]
    fn the_status_line_comes_once_a_minute_above_half() {
        let mut alerts = Alerts::default();
        assert!(!alerts.status_line_due(0, 0.5));
        assert!(!alerts.status_line_due(0, f64::NAN));
        assert!(alerts.status_line_due(1, 0.51));
        assert!(!alerts.status_line_due(MINUTE, 0.9));
        assert!(alerts.status_line_due(MINUTE + 1, 0.9));
    }

    proptest! {
        #[test]
        fn no_level_alerts_twice_in_a_minute(
            steps in prop::collection::vec((0..MINUTE / 3, 0..LEVELS), 1..300),
        ) {
            let (mut alerts, mut now) = (Alerts::default(), 0);
            let mut last = [None::<Nanos>; LEVELS];
            let mut total = 0;
            for (wait, level) in steps {
                now += wait;
                if alerts.due(now, PressureLevel::ALL[level]) {
                    prop_assert!(level != 0);
                    prop_assert!(last[level].is_none_or(|last| now - last >= MINUTE));
                    last[level] = Some(now);
                    total += 1;
                }
            }
            prop_assert_eq!(alerts.counts().iter().sum::<u64>(), total);
        }
    }
}
