//! Owns the settings file of a running program: reads it once, then notices that it was changed, replaced or
//! removed. No thread of its own: the caller asks about once a second. Never holds the settings: a caller
//! that gets an error keeps those it has, and because a change is reported once, so is its error.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::config::{Config, Loaded, MAX_FILE_BYTES};
use super::error::ConfigError;
use crate::text::shown_path;

/// A settings file and what it looked like when it was last read.
///
/// ```text
/// if file.changed() {
///     match file.load() { Ok(loaded) => settings = loaded.config, Err(error) => show(error) }
/// }
/// ```
#[derive(Debug)]
pub struct ConfigFile {
    path: PathBuf,
    is_named: bool,
    was_loaded: bool,
    seen: Option<Sighting>,
    is_doubted: bool,
}

impl ConfigFile {
    /// A file that the user named: it has to exist at the first reading, and may be a pipe.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), true)
    }

    /// The file at the usual place, which may well be absent.
    pub fn usual(path: impl Into<PathBuf>) -> Self {
        Self::new(path.into(), false)
    }

    fn new(path: PathBuf, is_named: bool) -> Self {
        Self { path, is_named, was_loaded: false, seen: None, is_doubted: false }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn is_named(&self) -> bool {
        self.is_named
    }

    /// Reads the file. An absent file yields empty settings, except a named one that was never read before.
    ///
    /// # Errors
    /// [`ConfigError`] when the file is absent and named, cannot be read, or holds no settings. The caller
    /// keeps the settings it has.
    pub fn load(&mut self) -> Result<Loaded, ConfigError> {
        // Looked at before reading: a write in between is a change at the next look.
        let sighting = Sighting::of(&self.path);
        self.is_doubted = false;
        let bytes = match (&sighting, self.is_named) {
            (Sighting::Folder, _) | (Sighting::Special, false) => Err(not_a_file(&self.path)),
            _ => read_file(&self.path),
        };
        self.seen = Some(sighting);
        let loaded = match bytes? {
            Some(bytes) => Config::parse(&self.path, &bytes)?,
            None => self.absent()?,
        };
        self.was_loaded = true;
        Ok(loaded)
    }

    /// Whether the file differs from what was last read or reported: one look at its date, length and inode.
    /// True once per change. A file that is absent or empty all of a sudden is believed at the second look,
    /// because many editors empty or remove a file just before they write it. A pipe never changes.
    pub fn changed(&mut self) -> bool {
        let now = Sighting::of(&self.path);
        if now == Sighting::Special || self.seen.as_ref() == Some(&now) {
            self.is_doubted = false;
            return false;
        }
        if now.may_be_half_done() && !self.is_doubted {
            self.is_doubted = true;
            return false;
        }
        self.is_doubted = false;
        self.seen = Some(now);
        true
    }

    fn absent(&self) -> Result<Loaded, ConfigError> {
        let file = shown_path(&self.path);
        match (self.is_named, self.was_loaded) {
            (false, _) => Ok(Loaded::default()),
            (true, false) => Err(ConfigError::Missing { file }),
            (true, true) => {
                let warning = format!("{file}: the file is gone; its settings no longer hold");
                Ok(Loaded { config: Config::default(), warnings: vec![warning] })
            }
        }
    }
}

/// What one look at a path tells, without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sighting {
    Missing,
    /// Some folder on the way may not be entered, or the disk is gone.
    Unreachable,
    Folder,
    /// A pipe or a device: opening it may block, and reading it takes something away.
    Special,
    File {
        modified: Option<SystemTime>,
        length_bytes: u64,
        inode: u64,
    },
}

impl Sighting {
    fn of(path: &Path) -> Self {
        match fs::metadata(path) {
            Err(error) if is_absent(&error) => Self::Missing,
            Err(_) => Self::Unreachable,
            Ok(metadata) if metadata.is_dir() => Self::Folder,
            Ok(metadata) if !metadata.is_file() => Self::Special,
            Ok(metadata) => Self::File {
                modified: metadata.modified().ok(),
                length_bytes: metadata.len(),
                inode: inode(&metadata),
            },
        }
    }

    fn may_be_half_done(&self) -> bool {
        matches!(self, Self::Missing | Self::File { length_bytes: 0, .. })
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Elsewhere date and length have to do.
#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}

/// Nothing at the path, or a file where the path needs a folder.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn not_a_file(path: &Path) -> ConfigError {
    ConfigError::NotAFile { file: shown_path(path) }
}

/// Reads a regular file, `None` when it is absent.
pub(super) fn read_regular(path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    match Sighting::of(path) {
        Sighting::Folder | Sighting::Special => Err(not_a_file(path)),
        _ => read_file(path),
    }
}

/// Reads at most one byte more than a settings file may have, `None` when the file is absent.
fn read_file(path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    let mut bytes = Vec::new();
    let result =
        File::open(path).and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes));
    match result {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(reason) => Err(ConfigError::Unreadable { file: shown_path(path), reason }),
    }
}

#[cfg(test)]
mod tests;
