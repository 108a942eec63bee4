//! File names and sequences: from what is named on the command line to the files behind it, and from a folder to what
//! is in it.
//!
//! Owns the rules of padding, gaps, patterns and ranges, and keeps the name of every frame as it was found: a name is
//! formatted only to show that of an absent frame. Never opens a media file, never asks the disk about single files of a
//! folder, and writes nothing. `resolve`, `list` and `relist` read folders and belong on a thread that may wait for a
//! slow disk; all else is pure.

mod argument;
mod clip;
mod error;
mod group;
mod name;
mod pattern;
mod range;
mod resolve;
mod scan;
#[cfg(test)]
mod tests;

pub use error::SequenceError;
pub use name::is_movie;
pub use range::{MAX_SPAN_FRAMES, RangeSet};
pub use resolve::{ResolveOptions, Resolved, resolve};
pub use scan::{Listing, list};

use group::{FrameSet, Stem};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// One frame of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameFile {
    /// The frame number in the name.
    pub number: i64,
    /// The file as it was found, never rebuilt from the number.
    pub path: PathBuf,
}

/// Files of one folder sharing a pattern, sorted by frame number. Gaps are allowed; there is at least one frame, and
/// first and last are less than [`MAX_SPAN_FRAMES`] apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    dir: PathBuf,
    stem: Stem,
    selection: Selection,
    frames: Vec<FrameFile>,
}

/// Which of the frames on disk were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Selection {
    range: Option<RangeSet>,
    named: Option<BTreeSet<i64>>,
}

/// Something that can be opened as one clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// An image sequence.
    Sequence(Sequence),
    /// One still, one movie, or anything named explicitly that is not part of a sequence.
    File(PathBuf),
}

impl Selection {
    fn contains(&self, number: i64) -> bool {
        self.range.as_ref().is_none_or(|range| range.contains(number))
            && self.named.as_ref().is_none_or(|named| named.contains(&number))
    }
}

impl Sequence {
    fn new(dir: &Path, set: FrameSet) -> Sequence {
        let frame = |(number, name)| FrameFile { number, path: dir.join::<std::ffi::OsString>(name) };
        Sequence {
            dir: dir.to_path_buf(),
            stem: set.stem,
            selection: Selection::default(),
            frames: set.frames.into_iter().map(frame).collect(),
        }
    }

    /// The folder of the files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The frames on disk in ascending order, at least one.
    pub fn frames(&self) -> &[FrameFile] {
        &self.frames
    }

    /// The smallest frame number.
    pub fn first(&self) -> i64 {
        self.frames[0].number
    }

    /// The largest frame number.
    pub fn last(&self) -> i64 {
        self.frames[self.frames.len() - 1].number
    }

    /// The runs of absent frame numbers between first and last, in ascending order.
    pub fn gaps(&self) -> Vec<RangeInclusive<i64>> {
        let absent = |pair: &[FrameFile]| pair[0].number + 1..=pair[1].number - 1;
        self.frames.windows(2).map(absent).filter(|gap| !gap.is_empty()).collect()
    }

    /// `shot.####.exr` with one `#` for each padded digit, `shot.#.exr` if unpadded; safe to show.
    pub fn pattern(&self) -> String {
        self.stem.pattern()
    }

    /// `shot.1001-1100.exr`, safe to show.
    pub fn span_name(&self) -> String {
        self.stem.span(self.first(), self.last())
    }

    /// The name an absent frame would have; safe to show and only for that, never to open a file.
    pub fn name_of_missing(&self, number: i64) -> String {
        self.stem.name_of(number)
    }

    /// The frame of this number, if it was on disk.
    pub fn file(&self, number: i64) -> Option<&FrameFile> {
        self.frames.binary_search_by_key(&number, |frame| frame.number).ok().map(|at| &self.frames[at])
    }

    /// The sound file beside it that has its name, and the first frame on disk, with which it begins.
    pub fn sound_beside(&self) -> Option<(PathBuf, i64)> {
        let names = scan::Folder::read(&self.dir).ok()?.names;
        let rank = |name: &std::ffi::OsString| name::sound_rank(&self.stem.prefix, name.as_encoded_bytes());
        let (_, sound) = names.iter().filter_map(|name| Some((rank(name)?, name))).min()?;
        // Of a range that was asked for, the sound begins before it.
        let whole = Sequence { selection: Selection::default(), ..self.clone() }.relist();
        Some((self.dir.join(sound), whole.map_or(self.first(), |whole| whole.first())))
    }

    /// The sequence as it is on disk now: a render in progress has more frames, and maybe a wider padding. What was left
    /// out by a range or by naming single frames stays out.
    ///
    /// # Errors
    /// [`SequenceError::Unreadable`] if the folder cannot be read, [`SequenceError::NoMatch`] if none of the frames is
    /// left in it.
    pub fn relist(&self) -> Result<Sequence, SequenceError> {
        let folder = scan::Folder::read(&self.dir)?;
        let reading = pattern::Reading::any_padding(&self.stem);
        let shared = |sequence: &Sequence| sequence.frames.iter().filter(|frame| self.holds(frame)).count();
        let sequences =
            reading.frame_sets(&folder.names).into_iter().map(|set| Sequence::new(&self.dir, set));
        let successor = sequences.max_by_key(shared).filter(|sequence| shared(sequence) > 0);
        successor
            .and_then(|sequence| sequence.select(self.selection.clone()))
            .ok_or_else(|| SequenceError::NoMatch { looked_for: self.span_name(), found_nearby: Vec::new() })
    }

    fn holds(&self, frame: &FrameFile) -> bool {
        self.file(frame.number) == Some(frame)
    }

    /// The selected frames alone; `None` if none is on disk.
    fn select(mut self, selection: Selection) -> Option<Sequence> {
        self.frames.retain(|frame| selection.contains(frame.number));
        self.selection = selection;
        (!self.frames.is_empty()).then_some(self)
    }

    fn within(self, range: &RangeSet) -> Option<Sequence> {
        let selection = Selection { range: Some(range.clone()), ..self.selection.clone() };
        self.select(selection)
    }

    /// The frames of these numbers alone, which must be some of its frames.
    fn only(mut self, named: BTreeSet<i64>) -> Sequence {
        self.frames.retain(|frame| named.contains(&frame.number));
        self.selection.named = Some(named);
        self
    }
}
