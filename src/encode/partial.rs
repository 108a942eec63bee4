//! Files that appear whole or not at all.
//!
//! Owns the hidden file beside the target until it is renamed or removed. Never leaves it behind on
//! an error or a panic, and never opens the target itself. Runs on the thread of the caller.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{EncodeError, Fault};

/// Bytes gathered before the system is asked to write.
const WRITE_BUFFER_BYTES: usize = 256 * 1024;

/// Tells apart the hidden files of one process.
static NEXT_FILE: AtomicU64 = AtomicU64::new(0);

/// The stream that the format writers fill; it can seek, for the tables that some formats fill in
/// at the end.
pub(super) type Out = BufWriter<File>;

/// Lets `write` fill a hidden file beside `path`, then gives it the name `path`, replacing what had
/// it.
///
/// # Errors
/// Whatever `write` or the file system reports; `path` is then as it was before and the hidden file
/// is gone.
pub(super) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut Out) -> Result<(), Fault>,
) -> Result<(), EncodeError> {
    fill_and_rename(path, write).map_err(|fault| fault.at(path))
}

fn fill_and_rename(path: &Path, write: impl FnOnce(&mut Out) -> Result<(), Fault>) -> Result<(), Fault> {
    let (hidden, file) = HiddenFile::create_beside(path)?;
    let mut out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
    write(&mut out)?;
    out.flush()?;
    // Closed first: some systems refuse to rename an open file.
    drop(out);
    Ok(hidden.rename_to(path)?)
}

/// The path of a file that is removed on drop unless it was renamed.
struct HiddenFile {
    path: PathBuf,
    renamed: bool,
}

impl HiddenFile {
    fn create_beside(target: &Path) -> io::Result<(Self, File)> {
        loop {
            // Not made from the target's name, which may already be as long as names can be.
            let name =
                format!(".rushes-{}-{}.part", process::id(), NEXT_FILE.fetch_add(1, Ordering::Relaxed));
            let path = target.with_file_name(name);
            match File::create_new(&path) {
                Ok(file) => {
                    return Ok((Self { path, renamed: false }, file));
                }
                // Left by a killed process of the same id, or in use on another machine that shares
                // the folder.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename_to(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for HiddenFile {
    fn drop(&mut self) {
        if !self.renamed {
            // The error that led here is the one to report, not that of cleaning up.
            let _ = fs::remove_file(&self.path);
        }
    }
}
