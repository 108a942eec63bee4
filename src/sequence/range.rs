//! Sets of frame numbers as people write them: `1001-1100`, `1,3,5`, `1-100x10`, `-10--5`.
//!
//! Owns the grammar and its limits. Never lists a range in memory and never asks which frames exist. Pure, callable on
//! any thread.

use super::SequenceError;
use super::name::value_of;
use crate::text::shown_capped;
use std::ops::RangeInclusive;

/// Frames from the first to the last of one sequence or range: 115 hours at 24 frames a second. Numbers further apart
/// (time stamps, hashes, typing errors) are never one clip, so that nobody has to loop over the gap.
pub const MAX_SPAN_FRAMES: i64 = 10_000_000;
/// Parts of one range, between commas: bounds the work for each frame number.
const MAX_PARTS: usize = 1_000;
/// Characters of a range shown in a message.
const MAX_SHOWN_CHARS: usize = 80;

/// Frame numbers in one or several ranges, each with a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeSet {
    parts: Vec<Part>,
    first: i64,
    last: i64,
}

/// `first`, `first + step`, and so on, ending exactly at `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    first: i64,
    last: i64,
    step: i64,
}

impl RangeSet {
    /// Reads a range. A range written backwards, `100-1`, is the same set of frames.
    ///
    /// # Errors
    /// [`SequenceError::BadRange`] if the text is no range, or one too large to be a clip.
    pub fn parse(text: &str) -> Result<RangeSet, SequenceError> {
        RangeSet::read(text.as_bytes())
            .map_err(|reason| SequenceError::BadRange { range: shown_capped(text, MAX_SHOWN_CHARS), reason })
    }

    fn read(text: &[u8]) -> Result<RangeSet, &'static str> {
        if text.iter().filter(|&&byte| byte == b',').count() >= MAX_PARTS {
            return Err("it has more than 1000 parts");
        }
        let parts = text.split(|&byte| byte == b',').map(Part::read).collect::<Result<Vec<_>, _>>()?;
        let first = parts.iter().map(|part| part.first).min().ok_or("it is empty")?;
        let last = parts.iter().map(|part| part.last).max().ok_or("it is empty")?;
        if last - first >= MAX_SPAN_FRAMES {
            return Err("it spans more than 10000000 frames");
        }
        Ok(RangeSet { parts, first, last })
    }

    /// The smallest and the largest number.
    pub fn bounds(&self) -> RangeInclusive<i64> {
        self.first..=self.last
    }

    /// Whether the number is in the set.
    pub fn contains(&self, number: i64) -> bool {
        self.parts.iter().any(|part| part.contains(number))
    }

    /// All numbers, each once and in ascending order; at most [`MAX_SPAN_FRAMES`].
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.bounds().filter(|&number| self.contains(number))
    }
}

impl Part {
    fn read(text: &[u8]) -> Result<Part, &'static str> {
        let (range, step) = match text.iter().position(|&byte| byte == b'x') {
            Some(at) => (&text[..at], value_of(&text[at + 1..]).ok_or("its step is no number")?),
            None => (text, 1),
        };
        if step == 0 {
            return Err("its step is zero");
        }
        // The first character may be a sign; a dash after it parts the two ends.
        let dash = range.iter().skip(1).position(|&byte| byte == b'-').map(|at| at + 1);
        let start = signed(&range[..dash.unwrap_or(range.len())])?;
        let end = dash.map_or(Ok(start), |at| signed(&range[at + 1..]))?;
        Ok(Part::new(start, end, step))
    }

    fn new(start: i64, end: i64, step: i64) -> Part {
        let rest = (end - start).abs() % step;
        if start <= end {
            Part { first: start, last: end - rest, step }
        } else {
            Part { first: end + rest, last: start, step }
        }
    }

    fn contains(&self, number: i64) -> bool {
        (self.first..=self.last).contains(&number) && (number - self.first) % self.step == 0
    }
}

fn signed(text: &[u8]) -> Result<i64, &'static str> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let value = value_of(digits).ok_or("it needs whole frame numbers below 1000000000000000000")?;
    Ok(if digits.len() < text.len() { -value } else { value })
}

/// Whether the text is meant as a range, well written or not.
pub(super) fn looks_like_range(text: &[u8]) -> bool {
    text.iter().all(|&byte| is_range_byte(byte))
        && text.first().is_some_and(|&byte| byte.is_ascii_digit() || byte == b'-')
        && text.last().is_some_and(u8::is_ascii_digit)
}

pub(super) fn is_range_byte(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b',' | b'x')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(text: &str) -> Vec<i64> {
        RangeSet::parse(text).unwrap().iter().collect()
    }

    #[test]
    fn ranges_lists_steps_and_negative_numbers() {
        assert_eq!(numbers("1001-1003"), [1001, 1002, 1003]);
        assert_eq!(numbers("7"), [7]);
        assert_eq!(numbers("1,3,5,7"), [1, 3, 5, 7]);
        assert_eq!(numbers("1-3,20-21"), [1, 2, 3, 20, 21]);
        assert_eq!(numbers("1-35x10"), [1, 11, 21, 31]);
        assert_eq!(numbers("-2-1"), [-2, -1, 0, 1]);
        assert_eq!(numbers("-10--8"), [-10, -9, -8]);
        assert_eq!(numbers("0001-0002"), [1, 2]);
    }

    #[test]
    fn a_range_written_backwards_is_the_same_set() {
        assert_eq!(numbers("5-1"), numbers("1-5"));
        assert_eq!(numbers("10-1x4"), [2, 6, 10]);
    }

    #[test]
    fn overlapping_parts_count_once_and_bounds_end_on_a_frame() {
        assert_eq!(numbers("1-4,3-5"), [1, 2, 3, 4, 5]);
        assert_eq!(RangeSet::parse("1-100x10").unwrap().bounds(), 1..=91);
    }

    #[test]
    fn what_is_no_range_is_refused_with_a_reason() {
        for text in [
            "",
            "-",
            "1-",
            "1--",
            "a-b",
            "1,",
            "2025-05-13",
            "1-5x0",
            "1-5x",
            "1-5x-1",
            "1x2x3",
            "1 - 5",
            "١-٣",
        ] {
            assert!(RangeSet::parse(text).is_err(), "{text:?}");
        }
        let said = RangeSet::parse("1-5x0").unwrap_err().to_string();
        assert!(
            said.contains("1-5x0") && said.contains("step is zero") && said.contains("1001-1100"),
            "{said}"
        );
    }

    #[test]
    fn numbers_and_spans_without_end_are_refused() {
        for text in [
            "1-9999999999999999999999",
            "-9000000000000000000-9000000000000000000",
            "0-10000000",
            "-1-9999999999",
        ] {
            assert!(RangeSet::parse(text).is_err(), "{text}");
        }
        assert!(RangeSet::parse(&"9".repeat(1_000_000)).is_err());
        assert!(RangeSet::parse(&"1,".repeat(1_000_000)).is_err());
        assert!(RangeSet::parse("1-10000000").is_ok());
    }

    #[test]
    fn any_number_can_be_asked_for() {
        let range = RangeSet::parse("-5-5x5").unwrap();
        assert!(!range.contains(i64::MAX) && !range.contains(i64::MIN) && range.contains(0));
    }

    proptest! {
        #[test]
        fn a_written_range_reads_back(first in -5000i64..5000, frames in 0i64..200, step in 1i64..20) {
            let last = first + frames;
            let expected: Vec<i64> = (first..=last).step_by(step as usize).collect();
            prop_assert_eq!(numbers(&format!("{first}-{last}x{step}")), expected);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[-0-9x,]{0,40}|.{0,20}") {
            let _ = RangeSet::parse(&text);
        }
    }
}
