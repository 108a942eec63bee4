//! Owns how far the device is from when things were due, without the noise of its thread. Pure.

use super::mixer::Heard;
use crate::time::Nanos;

/// Share of a difference that is taken over at each look: the noise of a device's thread is some milliseconds, its clock
/// is off by thousandths of a percent.
const GAIN: f64 = 0.05;
/// A difference that is no noise is taken over whole.
const STEP_NANOS: f64 = 40e6;

/// The smoothed offset of one order.
#[derive(Debug, Default)]
pub struct Drift {
    last: Heard,
    offset: f64,
}

impl Drift {
    /// Takes a look; what was heard before is known already.
    pub fn observe(&mut self, heard: Heard) {
        if heard == self.last {
            return;
        }
        let difference = heard.offset as f64 - self.offset;
        let is_new = heard.serial != self.last.serial || difference.abs() > STEP_NANOS;
        self.offset += if is_new { difference } else { difference * GAIN };
        self.last = heard;
    }

    /// How much later than due the order is heard; `None` while it is not heard.
    pub fn offset(&self, serial: u32) -> Option<Nanos> {
        (self.last.serial == serial).then_some(self.offset as Nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_smoothed_and_jumps_are_followed() {
        let mut drift = Drift::default();
        assert_eq!(drift.offset(3), None);
        for at in 0..500 {
            let noise = if at % 2 == 0 { 3_000_000 } else { -3_000_000 };
            drift.observe(Heard { serial: 3, offset: 10_000_000 + noise, at });
        }
        assert!((drift.offset(3).unwrap() - 10_000_000).abs() < 500_000);
        drift.observe(Heard { serial: 3, offset: 200_000_000, at: 600 });
        assert_eq!(drift.offset(3), Some(200_000_000));
        drift.observe(Heard { serial: 4, offset: 0, at: 700 });
        assert_eq!((drift.offset(3), drift.offset(4)), (None, Some(0)));
    }
}
