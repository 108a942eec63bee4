//! Owns frame rates as exact fractions. Plain values; any thread.

use std::fmt;
use std::str::FromStr;

/// Frames per second as a fraction in lowest terms, in `(0, 1000]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    num: u32,
    den: u32,
}

/// Why a text or a fraction is no frame rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("«{0}» is no frame rate: write 24, 23.976 or 24000/1001, above 0 and at most 1000")]
pub struct RateError(String);

/// The rates of television that are written as decimals but mean n·1000/1001 (SMPTE ST 12-1).
const NTSC_RATES: [(f64, u32); 6] =
    [(23.976, 24), (29.97, 30), (47.952, 48), (59.94, 60), (71.928, 72), (119.88, 120)];

impl Rate {
    /// 24 frames a second, the rate of media that state none.
    pub const FILM: Self = Self { num: 24, den: 1 };

    /// `num / den` frames a second.
    ///
    /// # Errors
    /// [`RateError`] when the fraction is not in `(0, 1000]`.
    pub fn new(num: u32, den: u32) -> Result<Self, RateError> {
        let refuse = || RateError(format!("{num}/{den}"));
        if num == 0 || den == 0 || u64::from(num) > 1000 * u64::from(den) {
            return Err(refuse());
        }
        let divisor = gcd(num, den);
        Ok(Self { num: num / divisor, den: den / divisor })
    }

    pub fn num(self) -> u32 {
        self.num
    }

    pub fn den(self) -> u32 {
        self.den
    }

    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Start of frame `count`, in nanoseconds from the start of frame 0, rounded down.
    pub fn frame_start_nanos(self, count: i64) -> i128 {
        (i128::from(count) * i128::from(self.den) * 1_000_000_000).div_euclid(i128::from(self.num))
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let refuse = || RateError(crate::text::shown(text));
        if let Some((num, den)) = text.split_once('/') {
            let number = |part: &str| part.trim().parse::<u32>().map_err(|_| refuse());
            return Self::new(number(num)?, number(den)?).map_err(|_| refuse());
        }
        let value: f64 = text.trim().parse().map_err(|_| refuse())?;
        if let Some((_, whole)) = NTSC_RATES.iter().find(|(ntsc, _)| (value - ntsc).abs() < 0.002) {
            return Self::new(whole * 1000, 1001);
        }
        if !(value > 0.0 && value <= 1000.0) {
            return Err(refuse());
        }
        Self::new((value * 1000.0).round() as u32, 1000).map_err(|_| refuse())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            return write!(f, "{}", self.num);
        }
        let text = format!("{:.3}", self.as_f64());
        write!(f, "{}", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_of_television_become_exact_fractions() {
        for (text, num, den) in [
            ("23.976", 24000, 1001),
            ("23.98", 2398, 100),
            ("29.97", 30000, 1001),
            ("24", 24, 1),
            ("12.5", 25, 2),
            ("24000/1001", 24000, 1001),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate, Rate::new(num, den).unwrap(), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "0", "-24", "nan", "inf", "24/0", "1001", "a/b", "\u{1b}[2J"] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(!error.contains('\u{1b}'), "{error:?}");
        }
    }

    #[test]
    fn rates_are_shown_short() {
        assert_eq!(Rate::FILM.to_string(), "24");
        assert_eq!(Rate::new(24000, 1001).unwrap().to_string(), "23.976");
        assert_eq!(Rate::new(25, 2).unwrap().to_string(), "12.5");
    }
}
