//! Owns the file that holds the figures for programs that read files. Whoever reads it sees a whole text, the last
//! one or this one. Runs on the thread that calls.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::{Format, ProcessFigures, render};
use crate::stats::Snapshot;
use crate::store::Unfinished;
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
    let (beside, mut file) = Unfinished::create_beside(path)?;
    file.write_all(bytes)?;
    make_readable(&file)?;
    drop(file);
    beside.rename_to(path)
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

#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}
