//! The notations of a sequence: `#`, `@`, `%04d`, `$F4`, `<UDIM>`, `*`, with or without an inline range.
//!
//! Owns what a pattern means. Never decides whether a literal file wins over it, and never reads the disk. Pure,
//! callable on any thread.

use super::group::{Found, FrameSet, Stem, by_padding, frame_sets};
use super::name::{number_between, sign_allowed};
use super::range::is_range_byte;
use std::ffi::OsString;
use std::ops::Range;

/// Tiles of a texture: four digits, ten columns.
const UDIM_TILES: std::ops::RangeInclusive<i64> = 1001..=1999;
/// Readings of one name that are tried, each with one pass over the folder.
const MAX_READINGS: usize = 4;

/// How wide the number of a pattern is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// `#`: any padding.
    Any,
    /// `####`, `@@@@`: this many digits; only numbers that need more may have more.
    Exactly(usize),
    /// `%04d`, `$F4`: at least this many digits; 1 for `%d`, `$F` and `@`.
    AtLeast(usize),
    /// `<UDIM>`: a tile, never a frame.
    Tile,
}

/// One way to read a name as a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub prefix: Vec<u8>,
    pub width: Width,
    pub suffix: Vec<u8>,
    /// The inline range as typed.
    pub range: Option<String>,
}

/// All readings of a name, the likeliest first: the last token before earlier ones, and what stands before it as part of
/// the name before reading it as an inline range. Empty if the name is no pattern.
pub(super) fn readings(name: &[u8]) -> Vec<Reading> {
    let mut tokens = tokens(name);
    tokens.reverse();
    tokens.truncate(MAX_READINGS);
    let plain = tokens.iter().map(|(at, width)| Reading::new(name, at.start, at, *width));
    let ranged = tokens
        .iter()
        .filter_map(|(at, width)| Some(Reading::new(name, inline_range(&name[..at.start])?, at, *width)));
    plain.chain(ranged).collect()
}

impl Reading {
    fn new(name: &[u8], prefix_end: usize, token: &Range<usize>, width: Width) -> Reading {
        let range = &name[prefix_end..token.start];
        Reading {
            prefix: name[..prefix_end].to_vec(),
            width,
            suffix: name[token.end..].to_vec(),
            range: (!range.is_empty()).then(|| String::from_utf8_lossy(range).into_owned()),
        }
    }

    /// The pattern of a sequence, whatever padding its frames turn out to have.
    pub fn any_padding(stem: &Stem) -> Reading {
        Reading { prefix: stem.prefix.clone(), width: Width::Any, suffix: stem.suffix.clone(), range: None }
    }

    /// The sequences of this pattern: one, or several of different padding for `#`.
    pub fn frame_sets(&self, names: &[OsString]) -> Vec<FrameSet> {
        let mut found = self.found(names);
        let padding = match self.width {
            Width::Any | Width::Tile => return by_padding(&self.prefix, &self.suffix, found),
            Width::Exactly(digits) | Width::AtLeast(digits) => digits,
        };
        found.retain(|found| found.number.fits(padding));
        let exact = |found: &Found| found.number.width() == padding;
        if matches!(self.width, Width::Exactly(_)) && !found.iter().any(exact) {
            return Vec::new();
        }
        frame_sets(Stem { prefix: self.prefix.clone(), suffix: self.suffix.clone(), padding }, found)
    }

    /// The sequence to open instead if an exact number of digits found none: padded as `#` meaning four digits would
    /// have it, else the one with most frames.
    pub fn other_padding(&self, names: &[OsString]) -> Option<FrameSet> {
        let Width::Exactly(digits) = self.width else {
            return None;
        };
        let by_likeness = |set: &FrameSet| (set.stem.padding == digits.saturating_mul(4), set.frames.len());
        by_padding(&self.prefix, &self.suffix, self.found(names)).into_iter().max_by_key(by_likeness)
    }

    /// The names of the tiles in natural order of their numbers.
    pub fn tiles(&self, names: &[OsString]) -> Vec<OsString> {
        let mut found = self.found(names);
        found.retain(|found| found.number.width() == 4 && UDIM_TILES.contains(&found.number.value));
        found.sort_by_key(|found| found.number.value);
        found.into_iter().map(|found| found.name).collect()
    }

    fn found(&self, names: &[OsString]) -> Vec<Found> {
        let number = |name: &OsString| number_between(name.as_encoded_bytes(), &self.prefix, &self.suffix);
        names.iter().filter_map(|name| Some(Found { number: number(name)?, name: name.clone() })).collect()
    }
}

fn tokens(name: &[u8]) -> Vec<(Range<usize>, Width)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < name.len() {
        match token(&name[at..]) {
            Some((bytes, width)) => {
                tokens.push((at..at + bytes, width));
                at += bytes;
            }
            None => at += 1,
        }
    }
    tokens
}

/// The token a text starts with, and its length.
fn token(text: &[u8]) -> Option<(usize, Width)> {
    match text.first()? {
        b'#' | b'@' => Some(hashes(text)),
        b'%' => printf(text),
        b'$' => text.starts_with(b"$F").then(|| {
            let digits = digits_at(text, 2);
            (2 + digits, Width::AtLeast(count(&text[2..2 + digits])))
        }),
        b'<' => text.get(..6)?.eq_ignore_ascii_case(b"<UDIM>").then_some((6, Width::Tile)),
        _ => None,
    }
}

fn hashes(text: &[u8]) -> (usize, Width) {
    let count = text.iter().take_while(|&&byte| byte == text[0]).count();
    match (count, text[0]) {
        (1, b'#') => (1, Width::Any),
        (1, _) => (1, Width::AtLeast(1)),
        _ => (count, Width::Exactly(count)),
    }
}

/// `%d`, `%04d`, `%(UDIM)d`
fn printf(text: &[u8]) -> Option<(usize, Width)> {
    if text.starts_with(b"%(UDIM)d") {
        return Some((8, Width::Tile));
    }
    let digits = digits_at(text, 1);
    let padded = digits == 0 || text[1] == b'0';
    let complete = text.get(1 + digits) == Some(&b'd');
    (padded && complete).then(|| (digits + 2, Width::AtLeast(count(&text[1..1 + digits]))))
}

fn digits_at(text: &[u8], at: usize) -> usize {
    text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The written width, at least 1. One too large to write down is one that no name has.
fn count(digits: &[u8]) -> usize {
    let add = |value: usize, digit: &u8| value.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
    digits.iter().fold(0, add).max(1)
}

/// Where an inline range starts at the end of a prefix. A single number is part of the name: `take2####`.
fn inline_range(prefix: &[u8]) -> Option<usize> {
    let tail = prefix.iter().rposition(|&byte| !is_range_byte(byte)).map_or(0, |at| at + 1);
    let begins =
        |&at: &usize| prefix[at].is_ascii_digit() || (prefix[at] == b'-' && sign_allowed(prefix, at));
    let start = (tail..prefix.len()).find(begins)?;
    let several = prefix[start + 1..].iter().any(|byte| matches!(byte, b'-' | b','));
    (several && prefix.last().is_some_and(u8::is_ascii_digit)).then_some(start)
}

/// Whether the name is a shell pattern that no shell has expanded.
pub(super) fn is_glob(name: &[u8]) -> bool {
    name.iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// Matches `*` and `?` as a shell does; a hidden name needs its dot written.
pub(super) fn glob_matches(glob: &[u8], name: &[u8]) -> bool {
    if name.starts_with(b".") && !glob.starts_with(b".") {
        return false;
    }
    let (mut g, mut n) = (0, 0);
    // After a `*`: where to go on in the glob, and how much of the name the `*` has taken.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match glob.get(g) {
            Some(b'*') => {
                retry = Some((g + 1, n));
                g += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[n] => (g, n) = (g + 1, n + 1),
            _ => match retry {
                Some((after, taken)) => {
                    retry = Some((after, taken + 1));
                    (g, n) = (after, taken + 1);
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|&byte| byte == b'*')
}
