//! From a list of names to sequences: which names belong together, and with which padding.
//!
//! Owns the grouping of a folder. Never reads the disk, never re-formats a name that it was given, and does not depend
//! on the order of the names. Pure, callable on any thread.

use super::MAX_SPAN_FRAMES;
use super::name::{Number, candidates, natural_order};
use crate::text::shown;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;

/// The bytes around the frame number, and the digits it is padded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stem {
    pub prefix: Vec<u8>,
    pub suffix: Vec<u8>,
    /// Minimal characters of a number, its sign included; 1 means unpadded.
    pub padding: usize,
}

/// Names of one stem, sorted by number, never empty, spanning less than [`MAX_SPAN_FRAMES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FrameSet {
    pub stem: Stem,
    pub frames: Vec<(i64, OsString)>,
}

/// What a folder falls into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// At least two frames.
    Frames(FrameSet),
    Single(OsString),
}

/// A name and the number that was read in it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub number: Number,
    pub name: OsString,
}

impl Stem {
    /// `shot.####.exr`, one `#` for each padded digit, `shot.#.exr` if unpadded.
    pub fn pattern(&self) -> String {
        self.around(&"#".repeat(self.padding))
    }

    /// The name a frame would have, to show.
    pub fn name_of(&self, number: i64) -> String {
        self.around(&self.digits(number))
    }

    /// `shot.1001-1100.exr`
    pub fn span(&self, first: i64, last: i64) -> String {
        if first == last {
            return self.name_of(first);
        }
        self.around(&format!("{}-{}", self.digits(first), self.digits(last)))
    }

    fn digits(&self, number: i64) -> String {
        format!("{number:0width$}", width = self.padding)
    }

    fn around(&self, middle: &str) -> String {
        format!("{}{middle}{}", shown(&self.prefix), shown(&self.suffix))
    }
}

impl FrameSet {
    /// `shot.1001-1100.exr`
    pub fn span_name(&self) -> String {
        self.stem.span(self.frames[0].0, self.frames[self.frames.len() - 1].0)
    }
}

impl Group {
    fn first_name(&self) -> &OsString {
        match self {
            Group::Frames(set) => &set.frames[0].1,
            Group::Single(name) => name,
        }
    }
}

/// Sorts names into sequences of at least two frames and single files, in natural order.
///
/// The frame number of a name is the first of its candidates that varies over the names.
pub(super) fn group(names: Vec<OsString>) -> Vec<Group> {
    let chosen = choose_numbers(&names);
    let mut keyed: HashMap<(Vec<u8>, Vec<u8>), Vec<Found>> = HashMap::new();
    let mut groups = Vec::new();
    for (name, number) in names.into_iter().zip(chosen) {
        let Some(number) = number else {
            groups.push(Group::Single(name));
            continue;
        };
        let (prefix, suffix) = key(name.as_encoded_bytes(), &number);
        keyed.entry((prefix.to_vec(), suffix.to_vec())).or_default().push(Found { number, name });
    }
    for ((prefix, suffix), found) in keyed {
        groups.extend(by_padding(&prefix, &suffix, found).into_iter().map(single_or_frames));
    }
    groups
        .sort_by(|a, b| natural_order(a.first_name().as_encoded_bytes(), b.first_name().as_encoded_bytes()));
    groups
}

fn single_or_frames(mut set: FrameSet) -> Group {
    match set.frames.len() {
        1 => Group::Single(set.frames.remove(0).1),
        _ => Group::Frames(set),
    }
}

fn choose_numbers(names: &[OsString]) -> Vec<Option<Number>> {
    let names: Vec<(&[u8], Vec<Number>)> =
        names.iter().map(|name| name.as_encoded_bytes()).map(|name| (name, candidates(name))).collect();
    let mut members: HashMap<(&[u8], &[u8]), usize> = HashMap::new();
    for (name, numbers) in &names {
        for number in numbers {
            *members.entry(key(name, number)).or_default() += 1;
        }
    }
    let varies = |name, number: &Number| members[&key(name, number)] > 1;
    names.iter().map(|(name, numbers)| numbers.iter().find(|number| varies(name, number)).copied()).collect()
}

fn key<'a>(name: &'a [u8], number: &Number) -> (&'a [u8], &'a [u8]) {
    (&name[..number.start], &name[number.end..])
}

/// Parts names that differ in their number alone by padding. A leading zero proves one: to it belong numbers of just
/// that width, and wider ones without leading zero, as 10000 follows 9999. The rest is unpadded.
pub(super) fn by_padding(prefix: &[u8], suffix: &[u8], found: Vec<Found>) -> Vec<FrameSet> {
    let proven: BTreeSet<usize> =
        found.iter().filter(|found| found.number.zero_led).map(|found| found.number.width()).collect();
    let mut sets: BTreeMap<Option<usize>, Vec<Found>> = BTreeMap::new();
    for found in found {
        let padding = proven.range(..=found.number.width()).next_back().copied();
        sets.entry(padding).or_default().push(found);
    }
    let with_padding = |(proven, found): (Option<usize>, Vec<Found>)| {
        let padding = proven.unwrap_or_else(|| common_width(&found));
        frame_sets(Stem { prefix: prefix.to_vec(), suffix: suffix.to_vec(), padding }, found)
    };
    sets.into_iter().flat_map(with_padding).collect()
}

/// Without leading zeros only a width that all share tells a padding; negative numbers tell none.
fn common_width(found: &[Found]) -> usize {
    let width = found.first().map_or(1, |found| found.number.width());
    let shared = found.iter().all(|found| found.number.value >= 0 && found.number.width() == width);
    if shared { width } else { 1 }
}

/// Sorts by number, and parts where the numbers would span too far for one sequence.
pub(super) fn frame_sets(stem: Stem, mut found: Vec<Found>) -> Vec<FrameSet> {
    found.sort_by_key(|found| found.number.value);
    let mut sets: Vec<FrameSet> = Vec::new();
    for Found { number, name } in found {
        match sets.last_mut() {
            Some(set) if number.value - set.frames[0].0 < MAX_SPAN_FRAMES => {
                set.frames.push((number.value, name))
            }
            _ => sets.push(FrameSet { stem: stem.clone(), frames: vec![(number.value, name)] }),
        }
    }
    sets
}
