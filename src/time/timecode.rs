//! Owns labels of frames by the time of day, `hh:mm:ss:ff` (SMPTE ST 12-1). Plain values; any thread.

use std::fmt;

use super::Rate;

/// A label. Frames are counted from midnight at the rate rounded to whole frames a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timecode {
    frames: i64,
    per_second: i64,
    /// Numbers are left out so that the label keeps to the clock.
    drops: bool,
}

/// Why a text is no timecode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimecodeError {
    #[error("«{0}» is no timecode: write HH:MM:SS:FF, such as 01:00:00:00")]
    Form(String),
    #[error("the timecode «{text}» is none at {rate} fps: frames go from 0 to {last}")]
    Frames { text: String, rate: Rate, last: i64 },
    #[error(
        "the timecode «{text}» drops numbers, which only 29.97 and 59.94 fps do; write a colon before the frames"
    )]
    Drops { text: String },
    #[error("the timecode «{text}» is a number that is left out")]
    LeftOut { text: String },
}

impl Timecode {
    /// The label of a frame number that counts from midnight, without numbers left out.
    pub fn of_frame(number: i64, rate: Rate) -> Self {
        Self { frames: number, per_second: per_second(rate), drops: false }.within_a_day()
    }

    /// Reads `hh:mm:ss:ff`; a semicolon or a full stop before the frames says that numbers are left out.
    ///
    /// # Errors
    /// [`TimecodeError`] when it is none at this rate.
    pub fn parse(text: &str, rate: Rate) -> Result<Self, TimecodeError> {
        let shown = || crate::text::shown(text);
        let (fields, drops) = fields(text).ok_or_else(|| TimecodeError::Form(shown()))?;
        let [hours, minutes, seconds, frame] = fields;
        if hours > 23 || minutes > 59 || seconds > 59 {
            return Err(TimecodeError::Form(shown()));
        }
        let per_second = per_second(rate);
        if frame >= per_second {
            return Err(TimecodeError::Frames { text: shown(), rate, last: per_second - 1 });
        }
        if drops && !may_drop(rate) {
            return Err(TimecodeError::Drops { text: shown() });
        }
        let all_minutes = hours * 60 + minutes;
        let label = (all_minutes * 60 + seconds) * per_second + frame;
        let left_out = if drops { left_out(per_second) } else { 0 };
        if drops && seconds == 0 && frame < left_out && minutes % 10 != 0 {
            return Err(TimecodeError::LeftOut { text: shown() });
        }
        let frames = label - left_out * (all_minutes - all_minutes / 10);
        Ok(Self { frames, per_second, drops })
    }

    /// The label so many frames later, or earlier; past midnight it goes on at zero.
    pub fn plus(self, frames: i64) -> Self {
        Self { frames: self.frames.saturating_add(frames), ..self }.within_a_day()
    }

    fn within_a_day(self) -> Self {
        let left_out = if self.drops { left_out(self.per_second) * 9 * 6 * 24 } else { 0 };
        let day = 24 * 3600 * self.per_second - left_out;
        Self { frames: self.frames.rem_euclid(day), ..self }
    }

    /// The number of the label as if none were left out.
    fn label(self) -> i64 {
        if !self.drops {
            return self.frames;
        }
        let left_out = left_out(self.per_second);
        let minute = 60 * self.per_second - left_out;
        let ten = 10 * minute + left_out;
        let (tens, rest) = (self.frames / ten, self.frames % ten);
        // The first minute of ten has all of its numbers.
        let minutes = (rest - left_out).max(0) / minute;
        self.frames + left_out * (9 * tens + minutes)
    }
}

/// Hours, minutes, seconds and frames, and whether numbers are left out.
fn fields(text: &str) -> Option<([i64; 4], bool)> {
    let mut parts = text.split([':', ';', '.']);
    let mut fields = [0; 4];
    for field in &mut fields {
        let digits = parts.next().filter(|part| (1..=3).contains(&part.len()))?;
        *field = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    }
    let drops = text.contains([';', '.']);
    parts.next().is_none().then_some((fields, drops))
}

fn per_second(rate: Rate) -> i64 {
    (i64::from(rate.num()) + i64::from(rate.den()) / 2) / i64::from(rate.den()).max(1)
}

fn may_drop(rate: Rate) -> bool {
    rate.den() == 1001 && matches!(rate.num(), 30_000 | 60_000)
}

/// Numbers left out at every minute but the tenth.
fn left_out(per_second: i64) -> i64 {
    per_second / 15
}

impl fmt::Display for Timecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label();
        let (seconds, frame) = (label / self.per_second, label % self.per_second);
        let (minutes, hours) = (seconds / 60 % 60, seconds / 3600);
        let sign = if self.drops { ';' } else { ':' };
        write!(f, "{hours:02}:{minutes:02}:{:02}{sign}{frame:02}", seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NTSC: (u32, u32) = (30_000, 1001);

    fn rate((num, den): (u32, u32)) -> Rate {
        Rate::new(num, den).unwrap()
    }

    #[test]
    fn frame_numbers_become_labels() {
        let of = |number, fps| Timecode::of_frame(number, rate(fps)).to_string();
        assert_eq!(of(1001, (24, 1)), "00:00:41:17");
        assert_eq!(of(86_400, (24_000, 1001)), "01:00:00:00");
        assert_eq!(of(-1, (25, 1)), "23:59:59:24");
        assert_eq!(of(0, (1, 2)), "00:00:00:00");
    }

    /// Numbers are left out one label after the other, by the rule as it is written down.
    #[test]
    fn left_out_numbers_are_those_of_the_rule() {
        for (fps, skipped) in [(NTSC, 2), ((60_000, 1001), 4)] {
            let mut timecode = Timecode::parse("00:00:00;00", rate(fps)).unwrap();
            let per_second = per_second(rate(fps));
            let (mut minutes, mut seconds, mut frame) = (0, 0, 0);
            for _ in 0..25 * 60 * per_second {
                let label = format!("00:{minutes:02}:{seconds:02};{frame:02}");
                assert_eq!(timecode.to_string(), label);
                assert_eq!(Timecode::parse(&label, rate(fps)), Ok(timecode));
                timecode = timecode.plus(1);
                frame += 1;
                if frame == per_second {
                    (frame, seconds) = (0, seconds + 1);
                }
                if seconds == 60 {
                    (seconds, minutes) = (0, minutes + 1);
                    frame = if minutes % 10 == 0 { 0 } else { skipped };
                }
            }
        }
    }

    #[test]
    fn labels_go_on_past_midnight() {
        let last = Timecode::parse("23:59:59;29", rate(NTSC)).unwrap();
        assert_eq!(last.plus(1).to_string(), "00:00:00;00");
        assert_eq!(last.plus(1).plus(-1), last);
    }

    #[test]
    fn nonsense_is_refused() {
        let of = |text, fps| Timecode::parse(text, rate(fps)).unwrap_err().to_string();
        for text in
            ["", "1", "01:00:00", "01:00:00:00:00", "a:b:c:d", "24:00:00:00", "-1:00:00:00", "00:60:00:00"]
        {
            assert!(of(text, (24, 1)).contains("HH:MM:SS:FF"), "{text}");
        }
        assert!(of("01:00:00:24", (24, 1)).contains("0 to 23"));
        assert!(of("01:00:00;00", (24, 1)).contains("drops numbers"));
        assert!(of("01:01:00;01", NTSC).contains("left out"));
        assert!(!of("\u{1b}[2J", NTSC).contains('\u{1b}'));
    }
}
