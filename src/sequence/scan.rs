//! Folders: one reading of the names each, and what they fall into.
//!
//! Never descends into folders and never asks for the size, date or kind of a file: on a network disk each such question
//! is a round trip. Runs on a thread that may wait for the disk.

use super::group::{FrameSet, Group, group};
use super::name::is_listed;
use super::{Media, Sequence, SequenceError};
use crate::text::shown_path;
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Similar names mentioned in a message.
const MAX_NEARBY: usize = 3;
/// Leading bytes two names share before one is mentioned in place of the other.
const MIN_SHARED_BYTES: usize = 3;

/// What a folder holds, in natural order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Sequences of at least two frames, single images and movies.
    pub entries: Vec<Media>,
}

/// Lists the sequences, images and movies of a folder by their names alone; hidden names, folders within and other
/// endings are left out.
///
/// # Errors
/// [`SequenceError::Unreadable`] if the folder cannot be read.
pub fn list(dir: &Path) -> Result<Listing, SequenceError> {
    Folder::read(dir).map(|folder| folder.listing())
}

/// The names of one folder, read once and grouped when first needed.
pub(super) struct Folder {
    pub dir: PathBuf,
    pub names: Vec<OsString>,
    grouped: OnceCell<Grouped>,
}

struct Grouped {
    sets: Vec<FrameSet>,
    singles: Vec<OsString>,
    /// For every member of a sequence the index of its set, and its frame number.
    members: HashMap<OsString, (usize, i64)>,
}

impl Folder {
    pub fn read(dir: &Path) -> Result<Folder, SequenceError> {
        let names =
            std::fs::read_dir(dir).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
        match names {
            Ok(names) => Ok(Folder { dir: dir.to_path_buf(), names, grouped: OnceCell::new() }),
            Err(source) => Err(SequenceError::Unreadable { path: dir.to_path_buf(), source }),
        }
    }

    pub fn listing(&self) -> Listing {
        let listed = self.names.iter().filter(|name| is_listed(name.as_encoded_bytes())).cloned();
        let media = |group| match group {
            Group::Frames(set) => Media::Sequence(Sequence::new(&self.dir, set)),
            Group::Single(name) => Media::File(self.dir.join(name)),
        };
        Listing { entries: group(listed.collect()).into_iter().map(media).collect() }
    }

    /// The sequence a name is a member of, as its index in this folder, and the frame number.
    pub fn place(&self, name: &OsStr) -> Option<(usize, i64)> {
        self.grouped().members.get(name).copied()
    }

    /// The sequence of an index from [`Folder::place`].
    pub fn sequence(&self, index: usize) -> Sequence {
        Sequence::new(&self.dir, self.grouped().sets[index].clone())
    }

    /// A few names that start like the one that was looked for, the most similar first; safe to show.
    pub fn nearby(&self, looked_for: &OsStr) -> Vec<String> {
        let shared = |name: &OsStr| shared_bytes(name.as_encoded_bytes(), looked_for.as_encoded_bytes());
        let Grouped { sets, singles, .. } = self.grouped();
        let sets = sets.iter().map(|set| (shared(&set.frames[0].1), set.span_name()));
        let singles = singles.iter().map(|name| (shared(name), shown_path(name)));
        let mut similar: Vec<_> =
            sets.chain(singles).filter(|(shared, _)| *shared >= MIN_SHARED_BYTES).collect();
        similar.sort_by_key(|(shared, _)| Reverse(*shared));
        similar.into_iter().take(MAX_NEARBY).map(|(_, shown)| shown).collect()
    }

    fn grouped(&self) -> &Grouped {
        self.grouped.get_or_init(|| Grouped::new(self.names.clone()))
    }
}

impl Grouped {
    fn new(names: Vec<OsString>) -> Grouped {
        let mut grouped = Grouped { sets: Vec::new(), singles: Vec::new(), members: HashMap::new() };
        for group in group(names) {
            match group {
                Group::Frames(set) => grouped.add(set),
                Group::Single(name) => grouped.singles.push(name),
            }
        }
        grouped
    }

    fn add(&mut self, set: FrameSet) {
        let index = self.sets.len();
        self.members.extend(set.frames.iter().map(|(number, name)| (name.clone(), (index, *number))));
        self.sets.push(set);
    }
}

fn shared_bytes(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
}
