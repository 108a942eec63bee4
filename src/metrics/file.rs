//! Owns the file that holds the figures for programs that read files. Whoever reads it sees a whole text, the last
//! one or this one. Runs on the thread that calls.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Format, ProcessFigures, render};
use crate::stats::Snapshot;
use crate::text::shown_path;

/// Writes all figures in the format of Prometheus, readable by everyone: to a new file beside `path` that then takes
/// its place. Not forced to the disk, because figures do not outlive the machine.
///
/// # Errors
/// Any error of the file system, with the path in its text. What `path` held stays, and nothing is left beside it.
/// A path that is a folder, a link or a device is refused, because renaming would replace it.
pub fn write_file(path: &Path, snapshot: &Snapshot, process: &ProcessFigures) -> io::Result<()> {
    let text = render(snapshot, process, Format::Plain);
    replace(path, text.as_bytes()).map_err(|error| {
        let why = format!("cannot write the metrics to «{}»: {error}", shown_path(path));
        io::Error::new(error.kind(), why)
    })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    refuse_what_is_no_file(path)?;
    let beside = name_beside(path)?;
    let written = create(&beside).and_then(|file| fill(file, bytes)).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to report; the file may not even be there.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn refuse_what_is_no_file(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => {
            let why = "it exists and is no plain file; name a file or a new name";
            Err(io::Error::new(io::ErrorKind::InvalidInput, why))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A name that readers of `*.prom` pass over and that no other writer uses.
fn name_beside(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let refuse = || io::Error::new(io::ErrorKind::InvalidInput, "it ends in no file name; add one");
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or_else(refuse)?);
    name.push(format!(".{}-{}.tmp", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(name))
}

/// Never follows a link that someone put there.
fn create(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Left by a process that had our number and was killed.
            fs::remove_file(path)?;
            open()
        }
        opened => opened,
    }
}

fn fill(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    make_readable(&file)
}

#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}
