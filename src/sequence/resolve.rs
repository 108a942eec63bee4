//! From arguments to media: literal files first, then ranges, then patterns.
//!
//! Owns the order in which an argument is understood, and the merging of the members a shell has listed. Reads each
//! folder once and asks the disk only about paths that were named. Runs on a thread that may wait for the disk.

use super::argument::{Typed, folder_and_name, range_text};
use super::clip::{Clip, first_match, other_padding};
use super::name::natural_order;
use super::pattern::{glob_matches, is_glob, readings};
use super::scan::Folder;
use super::{Media, RangeSet, SequenceError};
use crate::text::shown_capped;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType};
use std::io::{self, ErrorKind};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Characters of a name shown in a message.
const MAX_SHOWN_CHARS: usize = 200;

/// One clip to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The files.
    pub media: Media,
    /// What the clip is meant to be, from an inline range or a range argument. A sequence holds only the frames of the
    /// range that are on disk; the others are missing frames. The bounds are less than `MAX_SPAN_FRAMES` apart.
    pub range: Option<RangeInclusive<i64>>,
    /// The frame number of the one member that was named.
    pub opened_at: Option<i64>,
    /// What the user should know, safe to show: that something like the pattern was opened, for example.
    pub notice: Option<String>,
}

/// How to read arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResolveOptions {
    /// A named file is just that file, not its sequence.
    pub single: bool,
}

/// Finds the media behind arguments, in their order: files, members of sequences, patterns, ranges for the argument
/// before, folders and `file:` addresses. Several members of one sequence make one clip of just these frames; one member
/// stands for its whole sequence. Arguments that give nothing are told in the errors and do not stop the others.
pub fn resolve(args: &[OsString], options: &ResolveOptions) -> (Vec<Resolved>, Vec<SequenceError>) {
    let mut resolver = Resolver::new(*options);
    for argument in args {
        resolver.take(argument);
    }
    resolver.finish()
}

/// Indices of clips.
type Clips = Range<usize>;

struct Resolver {
    options: ResolveOptions,
    folders: HashMap<PathBuf, Rc<Folder>>,
    clips: Vec<Clip>,
    /// The clip of each sequence that was opened by naming a member: folder and index there.
    opened: HashMap<(PathBuf, usize), usize>,
    /// The clips of the argument before; an empty range if it failed.
    previous: Option<Clips>,
    errors: Vec<SequenceError>,
}

impl Resolver {
    fn new(options: ResolveOptions) -> Resolver {
        Resolver {
            options,
            folders: HashMap::new(),
            clips: Vec::new(),
            opened: HashMap::new(),
            previous: None,
            errors: Vec::new(),
        }
    }

    fn take(&mut self, argument: &OsStr) {
        let clips = self.argument(argument);
        self.previous = Some(self.clips_or_error(clips));
    }

    fn argument(&mut self, argument: &OsStr) -> Result<Clips, SequenceError> {
        let path = Path::new(argument);
        if let Some(clips) = self.further_member(path) {
            return Ok(clips);
        }
        if let Ok(metadata) = fs::metadata(path) {
            return self.existing(path, metadata.file_type());
        }
        if let (Some(clips), Some(range)) = (self.previous.clone(), range_text(argument)) {
            self.limit(&clips, &RangeSet::parse(&range)?);
            return Ok(clips);
        }
        let typed = Typed::read(argument);
        let range = typed.range.map(|range| RangeSet::parse(&range)).transpose()?;
        let clips = self.path(&typed.path)?;
        if let Some(range) = range {
            self.limit(&clips, &range);
        }
        Ok(clips)
    }

    fn path(&mut self, path: &Path) -> Result<Clips, SequenceError> {
        match fs::metadata(path) {
            Ok(metadata) => self.existing(path, metadata.file_type()),
            Err(cause) => self.pattern(path, cause),
        }
    }

    /// A shell lists a sequence name by name: from the second on, the disk is not asked again.
    fn further_member(&mut self, path: &Path) -> Option<Clips> {
        let (dir, name) = folder_and_name(path)?;
        let (index, number) = self.folders.get(dir)?.place(name)?;
        let clip = *self.opened.get(&(dir.to_path_buf(), index))?;
        self.clips[clip].name(number);
        Some(clip..clip + 1)
    }

    fn existing(&mut self, path: &Path, kind: FileType) -> Result<Clips, SequenceError> {
        if kind.is_dir() {
            self.entries(path)
        } else if kind.is_file() {
            Ok(self.file(path))
        } else {
            Err(SequenceError::NotMedia { path: path.to_path_buf(), kind: kind_of(kind) })
        }
    }

    fn entries(&mut self, dir: &Path) -> Result<Clips, SequenceError> {
        let folder = self.folder(dir)?;
        let entries = folder.listing().entries;
        if entries.is_empty() {
            return Err(SequenceError::NoMedia { path: dir.to_path_buf(), entries: folder.names.len() });
        }
        Ok(self.push(entries.into_iter().map(Clip::new)))
    }

    fn file(&mut self, path: &Path) -> Clips {
        let member = if self.options.single { None } else { self.member(path) };
        member.unwrap_or_else(|| self.push([Clip::new(Media::File(path.to_path_buf()))]))
    }

    /// The sequence around a named file. Without one, or if its folder cannot be read, the file stands for itself.
    fn member(&mut self, path: &Path) -> Option<Clips> {
        if let Some(clips) = self.further_member(path) {
            return Some(clips);
        }
        let (dir, name) = folder_and_name(path)?;
        let folder = self.folder(dir).ok()?;
        let (index, number) = folder.place(name)?;
        let clips = self.push([Clip::member(folder, index, number)]);
        self.opened.insert((dir.to_path_buf(), index), clips.start);
        Some(clips)
    }

    fn pattern(&mut self, path: &Path, cause: io::Error) -> Result<Clips, SequenceError> {
        let Some((dir, name)) = folder_and_name(path) else {
            return Err(unreadable(path, cause));
        };
        let readings = readings(name.as_encoded_bytes());
        let is_pattern = !readings.is_empty() || is_glob(name.as_encoded_bytes());
        if !is_pattern && !is_absent(&cause) {
            return Err(unreadable(path, cause));
        }
        let folder = self.folder(dir)?;
        match first_match(&folder, &readings)?.or_else(|| other_padding(&folder, name, &readings)) {
            Some(clips) => Ok(self.push(clips)),
            None => self.glob(&folder, name).ok_or_else(|| no_match(&folder, path, name)),
        }
    }

    /// A shell pattern that no shell has expanded names all files it matches.
    fn glob(&mut self, folder: &Folder, glob: &OsStr) -> Option<Clips> {
        if !is_glob(glob.as_encoded_bytes()) {
            return None;
        }
        let matches = |name: &&OsString| glob_matches(glob.as_encoded_bytes(), name.as_encoded_bytes());
        let mut names: Vec<&OsString> = folder.names.iter().filter(matches).collect();
        names.sort_by(|a, b| natural_order(a.as_encoded_bytes(), b.as_encoded_bytes()));
        let start = self.clips.len();
        let mut last = None;
        for name in names {
            last = Some(self.matched(&folder.dir.join(name)));
        }
        // All members of a clip opened before add none: then that one is meant.
        if self.clips.len() > start { Some(start..self.clips.len()) } else { last }
    }

    /// Opens a name that a shell pattern matched: literally, never as a pattern again.
    fn matched(&mut self, path: &Path) -> Clips {
        let clips = match self.further_member(path) {
            Some(clips) => Ok(clips),
            None => fs::metadata(path)
                .map_err(|source| unreadable(path, source))
                .and_then(|metadata| self.existing(path, metadata.file_type())),
        };
        self.clips_or_error(clips)
    }

    fn clips_or_error(&mut self, clips: Result<Clips, SequenceError>) -> Clips {
        clips.unwrap_or_else(|error| {
            self.errors.push(error);
            0..0
        })
    }

    fn limit(&mut self, clips: &Clips, range: &RangeSet) {
        for clip in &mut self.clips[clips.clone()] {
            clip.limit(range.clone());
        }
    }

    fn push(&mut self, clips: impl IntoIterator<Item = Clip>) -> Clips {
        let start = self.clips.len();
        self.clips.extend(clips);
        start..self.clips.len()
    }

    fn folder(&mut self, dir: &Path) -> Result<Rc<Folder>, SequenceError> {
        if let Some(folder) = self.folders.get(dir) {
            return Ok(Rc::clone(folder));
        }
        let folder = Rc::new(Folder::read(dir)?);
        self.folders.insert(dir.to_path_buf(), Rc::clone(&folder));
        Ok(folder)
    }

    fn finish(mut self) -> (Vec<Resolved>, Vec<SequenceError>) {
        let mut resolved = Vec::with_capacity(self.clips.len());
        for clip in self.clips {
            match clip.resolved() {
                Ok(clip) => resolved.push(clip),
                Err(error) => self.errors.push(error),
            }
        }
        (resolved, self.errors)
    }
}

/// Whether nothing is there, in contrast to something that cannot be reached.
fn is_absent(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::InvalidFilename)
}

fn unreadable(path: &Path, source: io::Error) -> SequenceError {
    SequenceError::Unreadable { path: path.to_path_buf(), source }
}

fn no_match(folder: &Folder, path: &Path, name: &OsStr) -> SequenceError {
    let looked_for = shown_capped(path.as_os_str().as_encoded_bytes(), MAX_SHOWN_CHARS);
    SequenceError::NoMatch { looked_for, found_nearby: folder.nearby(name) }
}

#[cfg(unix)]
fn kind_of(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn kind_of(_: FileType) -> &'static str {
    "no regular file"
}

#[cfg(test)]
mod tests;
