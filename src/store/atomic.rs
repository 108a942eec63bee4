//! Owns the writing of small files as a whole: a reader sees the old contents or the new ones, never a part,
//! and also after a crash. Never creates folders. Any thread; blocks until the disk has the bytes.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// As many links as systems follow themselves.
const MAX_LINKS: usize = 40;
/// Names left over by a killed process with the same id are stepped over, but not forever.
const MAX_NAME_TRIES: usize = 16;

/// Replaces the file at `path` by one with these bytes, or creates it with mode 0644 less the umask. An
/// existing file keeps its mode, and a symbolic link stays a link: what it points at is replaced.
///
/// # Errors
/// Everything that the file system refuses, and before it is asked: a target that is marked read-only or is
/// no regular file. Then the old contents are untouched and nothing is left beside them.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = behind_links(path)?;
    let permissions = replaceable(&target)?;
    let folder = folder_of(&target);
    let (unfinished, mut file) = Unfinished::create_beside(&target)?;
    if let Some(permissions) = permissions {
        // Before the bytes, so that a private file is at no time readable by others.
        file.set_permissions(permissions)?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    unfinished.rename_to(&target)?;
    sync_folder(folder);
    Ok(())
}

/// Follows symbolic links also where the last one points at nothing yet.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(link) => target = folder_of(&target).join(link),
            // No link: either a plain file, or nothing, or something that creating will complain about.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many symbolic links lead to one another"))
}

/// The permissions to keep when `target` exists.
fn replaceable(target: &Path) -> io::Result<Option<Permissions>> {
    let metadata = match fs::metadata(target) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    if !metadata.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    let permissions = metadata.permissions();
    if permissions.readonly() {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it is marked read-only"));
    }
    Ok(Some(permissions))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Every file that is removed unless it becomes its target, for whoever ends the process without dropping anything.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every unfinished file. No other one is made while the answer lives: keep it until the process has ended.
pub(crate) fn remove_unfinished() -> impl Sized {
    let unfinished = unfinished();
    for path in &*unfinished {
        let _ = fs::remove_file(path);
    }
    unfinished
}

/// A file beside its target that is removed unless it becomes the target.
pub(crate) struct Unfinished {
    path: PathBuf,
    is_renamed: bool,
}

impl Unfinished {
    /// A new file in the folder of `target`; its name is not made from the target's, which may be as long as
    /// names can be.
    ///
    /// # Errors
    /// Everything that the file system refuses.
    pub(crate) fn create_beside(target: &Path) -> io::Result<(Self, File)> {
        let folder = folder_of(target);
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut last = io::Error::from(ErrorKind::AlreadyExists);
        for _ in 0..MAX_NAME_TRIES {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(".rushes-{}-{number}.tmp", std::process::id()));
            match Self::create(path) {
                Ok(created) => return Ok(created),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Made while the list is held, so that no file is there that is not on it.
    fn create(path: PathBuf) -> io::Result<(Self, File)> {
        let mut unfinished = unfinished();
        let file = create_new(&path)?;
        unfinished.push(path.clone());
        Ok((Self { path, is_renamed: false }, file))
    }

    /// Gives the file its name, replacing what had it.
    ///
    /// # Errors
    /// Everything that the file system refuses; the file is then gone.
    pub(crate) fn rename_to(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.is_renamed = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_renamed {
            // The error that led here is the one to tell.
            let _ = fs::remove_file(&self.path);
        }
        unfinished().retain(|path| *path != self.path);
    }
}

/// Refuses to open what is already there, links included.
fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    options.open(path)
}

/// Makes the new name last over a power cut. The contents are in place either way, and some file systems know
/// no such thing, so a failure is none.
fn sync_folder(folder: &Path) {
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    #[cfg(not(unix))]
    let _ = folder;
}

#[cfg(test)]
mod tests;
