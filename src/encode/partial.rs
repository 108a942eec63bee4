//! Files that appear whole or not at all.
//!
//! Owns the filling of the hidden file beside the target. Never leaves it behind on an error or a panic, and
//! never opens the target itself. Runs on the thread of the caller.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::{EncodeError, Fault};
use crate::store::Unfinished;

/// Bytes gathered before the system is asked to write.
const WRITE_BUFFER_BYTES: usize = 256 * 1024;

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
    let (hidden, file) = Unfinished::create_beside(path)?;
    let mut out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
    write(&mut out)?;
    out.flush()?;
    // Closed first: some systems refuse to rename an open file.
    drop(out);
    Ok(hidden.rename_to(path)?)
}
