//! One file name, read as bytes: its numbers, its ending, its place in natural order.
//!
//! Owns the rules which digits of a name can be a frame number. Never looks at other names nor at the disk. Pure
//! functions, callable on any thread.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::ops::Range;

/// Endings of still images and of image sequences that a folder lists.
const IMAGE_ENDINGS: [&str; 16] = [
    "exr", "sxr", "mxr", "png", "jpg", "jpeg", "tif", "tiff", "hdr", "dpx", "cin", "tga", "sgi", "jp2",
    "j2k", "j2c",
];
/// Endings of movies, which a folder lists too and which never make a sequence.
const MOVIE_ENDINGS: [&str; 8] = ["mov", "mp4", "mxf", "mkv", "avi", "webm", "m4v", "mpg"];
/// Sound files that go with the sequence of their name, the best first.
const SOUND_ENDINGS: [&str; 8] = ["wav", "aif", "aiff", "flac", "m4a", "mp3", "ogg", "aac"];
/// Significant digits of a frame number: the distance of any two numbers still fits an `i64`.
const MAX_SIGNIFICANT_DIGITS: usize = 18;
/// Numbers of one name that are considered, counted from its end: bounds the work for hostile names.
const MAX_NUMBERS: usize = 8;
/// Bytes of the longest ending; what is longer is part of the name.
const MAX_ENDING_BYTES: usize = 8;
/// First letters of units: `4k`, `1080p`, `1920x1080`, `3d`, `16bit`, `24fps`.
const UNIT_LETTERS: &[u8] = b"kpxdbf";

/// A frame number as it stands in a name; the bytes `start..end` include its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub value: i64,
    pub start: usize,
    pub end: usize,
    /// Written with more digits than it needs, so its width is a padding.
    pub zero_led: bool,
}

impl Number {
    /// Reads exactly the bytes `start..end` of the name; `None` if they are no number or one that is too large.
    pub fn read(name: &[u8], start: usize, end: usize) -> Option<Number> {
        let text = name.get(start..end)?;
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let value = value_of(digits)?;
        let negative = digits.len() < text.len();
        // Minus zero would be a second name for frame 0: there, the dash belongs to the prefix.
        if negative && (value == 0 || !sign_allowed(name, start)) {
            return None;
        }
        let zero_led = digits.len() > 1 && digits[0] == b'0';
        Some(Number { value: if negative { -value } else { value }, start, end, zero_led })
    }

    /// Characters the number is written with; as in `%04d`, a sign counts.
    pub fn width(&self) -> usize {
        self.end - self.start
    }

    /// Whether formatting the value with this minimal width gives the same text back.
    pub fn fits(&self, padding: usize) -> bool {
        self.width() == padding || (self.width() > padding && !self.zero_led)
    }
}

/// The value of a run of digits, if all are digits and the number is not too large to count with.
pub(super) fn value_of(digits: &[u8]) -> Option<i64> {
    let zeros = digits.iter().take_while(|&&b| b == b'0').count();
    if digits.is_empty() || digits.len() - zeros > MAX_SIGNIFICANT_DIGITS {
        return None;
    }
    digits.iter().try_fold(0, |value: i64, b| b.is_ascii_digit().then(|| value * 10 + i64::from(b - b'0')))
}

/// A dash is a sign at the start of a name and after `.` or `_`; elsewhere it separates, as in `shot-0001` and in dates.
pub(super) fn sign_allowed(name: &[u8], dash: usize) -> bool {
    dash == 0 || matches!(name[dash - 1], b'.' | b'_')
}

/// The number between a prefix and a suffix that are known.
pub(super) fn number_between(name: &[u8], prefix: &[u8], suffix: &[u8]) -> Option<Number> {
    let middle = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
    Number::read(name, prefix.len(), prefix.len() + middle.len())
}

/// The numbers of a name that can be its frame number, the likeliest first: from the ending backwards, measures (`4k`)
/// last, and versions (`v003`) only where there is nothing else.
pub(super) fn candidates(name: &[u8]) -> Vec<Number> {
    if is_movie(name) {
        return Vec::new();
    }
    let stem_bytes = name.len() - ending(name).map_or(0, <[u8]>::len);
    let mut found = numbers(&name[..stem_bytes]);
    if found.iter().any(|number| !is_version(name, number)) {
        found.retain(|number| !is_version(name, number));
    }
    found.reverse();
    found.truncate(MAX_NUMBERS);
    found.sort_by_key(|number| is_measure(name, number));
    found
}

fn numbers(name: &[u8]) -> Vec<Number> {
    let signed = |run: &Range<usize>| Number::read(name, run.start.checked_sub(1)?, run.end);
    digit_runs(name)
        .iter()
        .filter_map(|run| signed(run).or_else(|| Number::read(name, run.start, run.end)))
        .collect()
}

fn digit_runs(name: &[u8]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in name.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn is_version(name: &[u8], number: &Number) -> bool {
    match &name[..number.start] {
        [.., before, b'v' | b'V'] => !before.is_ascii_alphabetic(),
        [b'v' | b'V'] => true,
        _ => false,
    }
}

fn is_measure(name: &[u8], number: &Number) -> bool {
    name.get(number.end).is_some_and(|byte| UNIT_LETTERS.contains(&byte.to_ascii_lowercase()))
}

/// What follows the last dot, if it looks like an ending: short, letters and digits, not digits alone.
fn ending(name: &[u8]) -> Option<&[u8]> {
    let dot = name.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0)?;
    let ending = &name[dot + 1..];
    let plausible = ending.len() <= MAX_ENDING_BYTES
        && ending.iter().all(u8::is_ascii_alphanumeric)
        && ending.iter().any(u8::is_ascii_alphabetic);
    plausible.then_some(ending)
}

fn ends_in(name: &[u8], endings: &[&str]) -> bool {
    ending(name).is_some_and(|found| endings.iter().any(|known| found.eq_ignore_ascii_case(known.as_bytes())))
}

/// Whether a name ends as movies do.
pub fn is_movie(name: &[u8]) -> bool {
    ends_in(name, &MOVIE_ENDINGS)
}

/// How good a name is as the sound of a sequence whose names begin with `prefix`; the smallest number is the best.
/// The name is what the sequence is called, without what stands before the number.
pub(super) fn sound_rank(prefix: &[u8], name: &[u8]) -> Option<usize> {
    let end = prefix.iter().rposition(|byte| !b"._- ".contains(byte))? + 1;
    let ending = name.strip_prefix(&prefix[..end])?.strip_prefix(b".")?;
    SOUND_ENDINGS.iter().position(|sound| ending.eq_ignore_ascii_case(sound.as_bytes()))
}

/// Whether a folder lists the name: an image or a movie by its ending, and not hidden.
pub(super) fn is_listed(name: &[u8]) -> bool {
    !name.starts_with(b".") && (ends_in(name, &IMAGE_ENDINGS) || is_movie(name))
}

/// The order people expect: `shot2` before `shot10`, capitals beside small letters.
pub(super) fn natural_order(a: &[u8], b: &[u8]) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    while let (Some(&x), Some(&y)) = (rest_a.first(), rest_b.first()) {
        let (order, taken_a, taken_b) = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (digits_a, digits_b) = (leading_digits(rest_a), leading_digits(rest_b));
            (by_value(digits_a, digits_b), digits_a.len(), digits_b.len())
        } else {
            (x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase()), 1, 1)
        };
        if order.is_ne() {
            return order;
        }
        (rest_a, rest_b) = (&rest_a[taken_a..], &rest_b[taken_b..]);
    }
    rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b))
}

fn leading_digits(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

fn by_value(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| digits.len() - digits.iter().take_while(|&&byte| byte == b'0').count();
    let (len_a, len_b) = (significant(a), significant(b));
    len_a.cmp(&len_b).then_with(|| a[a.len() - len_a..].cmp(&b[b.len() - len_b..]))
}

/// The bytes as a name of this system; where names are Unicode, what is none is replaced.
pub(super) fn os_string(bytes: &[u8]) -> OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec());
    #[cfg(not(unix))]
    return String::from_utf8_lossy(bytes).into_owned().into();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str) -> Vec<i64> {
        candidates(name.as_bytes()).iter().map(|number| number.value).collect()
    }

    #[test]
    fn a_dash_is_a_sign_only_after_dot_underscore_or_nothing() {
        assert_eq!(values("shot.-012.exr"), [-12]);
        assert_eq!(values("shot_-5.exr"), [-5]);
        assert_eq!(values("-5.exr"), [-5]);
        assert_eq!(values("shot-0001.exr"), [1]);
        assert_eq!(values("name_2025-05-13_0001.exr"), [1, 13, 5, 2025]);
    }

    #[test]
    fn minus_zero_is_not_a_number_of_its_own() {
        assert_eq!(values("shot.-0.exr"), [0]);
        assert_eq!(candidates(b"shot.-0.exr")[0].start, 6);
    }

    #[test]
    fn the_number_next_to_the_ending_comes_first() {
        assert_eq!(values("sh010_1001_denoised.exr"), [1001, 10]);
        assert_eq!(values("1001.exr"), [1001]);
        assert_eq!(values("image.1001"), [1001]);
        assert_eq!(values("image.1001.exr.gz"), [1001]);
    }

    #[test]
    fn digits_of_an_ending_are_no_frame_number() {
        assert_eq!(values("song.mp3"), [0; 0]);
        assert_eq!(values("song.0001.jp2"), [1]);
    }

    #[test]
    fn a_version_is_a_frame_number_only_where_it_is_the_only_number() {
        assert_eq!(values("shot_v003.1001.exr"), [1001]);
        assert_eq!(values("shot.1001.V2.exr"), [1001]);
        assert_eq!(values("v003.exr"), [3]);
        assert_eq!(values("sh010_prev0001.exr"), [1, 10]);
    }

    #[test]
    fn measures_come_last() {
        assert_eq!(values("4k_plate.1001.exr"), [1001, 4]);
        assert_eq!(values("plate_1001_2k.exr"), [1001, 2]);
    }

    #[test]
    fn movies_have_no_frame_number() {
        assert_eq!(values("take_001.MOV"), [0; 0]);
    }

    #[test]
    fn numbers_too_large_to_count_with_are_part_of_the_name() {
        assert_eq!(values("a_999999999999999999.exr"), [999_999_999_999_999_999]);
        assert_eq!(values("a_1000000000000000000.exr"), [0; 0]);
        assert_eq!(values(&format!("a_{}7.exr", "0".repeat(100))), [7]);
        assert_eq!(values(&"9".repeat(1_000_000)), [0; 0]);
    }

    #[test]
    fn hostile_names_have_few_candidates() {
        assert_eq!(values(&"1_".repeat(10_000)).len(), MAX_NUMBERS);
    }

    #[test]
    fn endings_compare_without_case_and_hidden_names_are_not_listed() {
        assert!(is_listed(b"A.EXR") && is_listed(b"a.Jpeg") && is_listed(b"a.webm"));
        assert!(
            !is_listed(b".thumb.0001.jpg")
                && !is_listed(b"exr")
                && !is_listed(b"notes.txt")
                && !is_listed(b".exr")
        );
    }

    #[test]
    fn natural_order_counts() {
        let mut names = ["shot10", "Shot2", "shot", "shot2a", "shot02", "shot2", "a.100", "a.99"];
        names.sort_by(|a, b| natural_order(a.as_bytes(), b.as_bytes()));
        assert_eq!(names, ["a.99", "a.100", "shot", "Shot2", "shot02", "shot2", "shot2a", "shot10"]);
    }
}
