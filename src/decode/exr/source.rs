//! Owns the bytes of one open EXR file: reads them in large pieces at stated positions, never maps them, and
//! notices when somebody else writes to them. Threads share the file; each has a window of its own.

use std::cell::Cell;
use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use super::header::{self, FileHeader, HeaderError};
use super::scratch::held_in;
use crate::decode::DecodeError;
use crate::decode::reading::timed;

/// First read of a file; most headers fit.
const HEADER_PREFIX_BYTES: usize = 64 << 10;
/// Headers longer than this are refused.
const MAX_HEADER_BYTES: usize = 16 << 20;
/// Bytes read at once: few system calls, and what is read stays in the core's cache until it is decoded.
const WINDOW_BYTES: u64 = 1 << 20;
/// Bytes read after a jump, where nobody knows whether what follows is wanted next.
const JUMP_BYTES: u64 = 64 << 10;
/// A window that a chunk made larger than this is not kept for the next frame.
const KEPT_BYTES: usize = 16 << 20;

/// An open file.
pub struct Source<'p> {
    file: &'p File,
    path: &'p Path,
    file_bytes: u64,
    modified: Option<SystemTime>,
}

impl<'p> Source<'p> {
    /// # Errors
    /// [`DecodeError::Io`] when the system tells nothing of the file.
    pub fn new(path: &'p Path, file: &'p File) -> Result<Self, DecodeError> {
        let metadata = file.metadata().map_err(|error| DecodeError::io(path, &error))?;
        Ok(Self { file, path, file_bytes: metadata.len(), modified: metadata.modified().ok() })
    }

    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    pub fn path(&self) -> &Path {
        self.path
    }

    /// A frame that was written to while it was read may mix two pictures: it is read again later.
    ///
    /// # Errors
    /// [`DecodeError::Io`] when that happened.
    pub fn check_unchanged(&self) -> Result<(), DecodeError> {
        let now = self.file.metadata().map_err(|error| DecodeError::io(self.path, &error))?;
        if now.len() == self.file_bytes && now.modified().ok() == self.modified {
            return Ok(());
        }
        let name = self.path.file_name().map(crate::text::shown_path).unwrap_or_default();
        Err(DecodeError::Io { reason: format!("{name} was written to while it was read") })
    }

    /// Reads `length` bytes from `offset` into several buffers, which together hold as many; `false` when that does not
    /// succeed at once.
    #[cfg(target_os = "linux")]
    pub fn read_into(&self, buffers: &mut [std::io::IoSliceMut], offset: u64, length: u64) -> bool {
        timed(|| rustix::io::preadv(self.file, buffers, offset)).is_ok_and(|read| read as u64 == length)
    }

    /// This system has no such call.
    #[cfg(not(target_os = "linux"))]
    pub fn read_into(&self, _buffers: &mut [std::io::IoSliceMut], _offset: u64, _length: u64) -> bool {
        false
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> Result<(), DecodeError> {
        timed(|| read_at(self.file, bytes, offset)).map_err(|error| DecodeError::io(self.path, &error))
    }
}

thread_local! {
    /// The memory of this thread's last window, so that frames after the first take none.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A stretch of a file in memory.
pub struct ReadWindow {
    bytes: Vec<u8>,
    start: u64,
    length: usize,
}

impl ReadWindow {
    /// An empty window in the memory that this thread used last.
    pub fn new() -> Self {
        Self { bytes: SPARE.take(), start: 0, length: 0 }
    }

    /// `length` bytes of the file from `offset`.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] past the end of the file, [`DecodeError::Io`] when reading fails.
    pub fn bytes(&mut self, source: &Source, offset: u64, length: usize) -> Result<&[u8], DecodeError> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= source.file_bytes);
        let end = end.ok_or_else(|| DecodeError::damaged("a chunk lies past the end of the file"))?;
        if offset < self.start || end > self.start + self.length as u64 {
            self.fill(source, offset, end)?;
        }
        let start = (offset - self.start) as usize;
        Ok(&self.bytes[start..start + length])
    }

    /// Reads on from `offset`, or up to the window before where the file is walked backwards; the more, the longer
    /// the walk goes on.
    fn fill(&mut self, source: &Source, offset: u64, end: u64) -> Result<(), DecodeError> {
        let length = self.length as u64;
        let is_backwards = offset < self.start && self.start - offset <= WINDOW_BYTES;
        let is_onwards = (self.start..=self.start + length).contains(&offset);
        let bytes = match length {
            0 => WINDOW_BYTES,
            _ if is_backwards || is_onwards => (2 * length).clamp(JUMP_BYTES, WINDOW_BYTES),
            _ => JUMP_BYTES,
        };
        let (from, to) = if is_backwards {
            // With some of what is there: the chunk that is wanted may end in it.
            let to = end.max(self.start + (bytes / 4).min(length));
            (to.saturating_sub(bytes).min(offset), to)
        } else {
            (offset, end.max((offset + bytes).min(source.file_bytes)))
        };
        let length = usize::try_from(to - from).unwrap_or(usize::MAX);
        if self.bytes.len() < length {
            let more = length - self.bytes.len();
            if self.bytes.try_reserve_exact(more).is_err() {
                return Err(DecodeError::Io { reason: format!("no memory for {length} bytes") });
            }
            self.bytes.resize(length, 0);
        }
        // Nothing is in the window while its bytes are being replaced.
        self.length = 0;
        source.read(&mut self.bytes[..length], from)?;
        (self.start, self.length) = (from, length);
        Ok(())
    }

    /// The headers, read from as many bytes of the file as they need; also those bytes.
    ///
    /// # Errors
    /// [`DecodeError`] of the header, or when it does not end.
    pub fn header(&mut self, source: &Source) -> Result<FileHeader, DecodeError> {
        let mut wanted = HEADER_PREFIX_BYTES;
        loop {
            let available = wanted.min(usize::try_from(source.file_bytes).unwrap_or(usize::MAX));
            match header::read(self.bytes(source, 0, available)?) {
                Ok(header) => return Ok(header),
                Err(HeaderError::Bad(error)) => return Err(error),
                Err(HeaderError::NeedMore) if available < wanted => {
                    return Err(DecodeError::damaged("the file ends inside its header"));
                }
                Err(HeaderError::NeedMore) if wanted >= MAX_HEADER_BYTES => {
                    return Err(DecodeError::damaged(format!(
                        "its header is longer than {MAX_HEADER_BYTES} bytes"
                    )));
                }
                Err(HeaderError::NeedMore) => wanted *= 4,
            }
        }
    }
}

impl Drop for ReadWindow {
    fn drop(&mut self) {
        if self.bytes.len() <= KEPT_BYTES {
            SPARE.set(std::mem::take(&mut self.bytes));
        }
    }
}

/// Bytes of the window that the calling thread keeps.
pub fn held_bytes() -> usize {
    held_in(&SPARE)
}

/// Gives the kept window back.
pub fn release() {
    drop(SPARE.take());
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => (bytes, offset) = (&mut bytes[read..], offset + read as u64),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_walks_in_both_directions() {
        let content: Vec<u8> = (0..3 * WINDOW_BYTES as usize).map(|at| (at / 7) as u8).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        std::fs::write(&path, &content).unwrap();
        let file = File::open(&path).unwrap();
        let source = Source::new(&path, &file).unwrap();
        let mut window = ReadWindow::new();
        let step = 100_000;
        let forth = (0..content.len() - step).step_by(step);
        for at in forth.clone().chain(forth.rev()) {
            assert_eq!(window.bytes(&source, at as u64, step).unwrap(), &content[at..at + step]);
        }
        assert!(window.bytes(&source, content.len() as u64 - 1, 2).is_err());
        assert!(window.bytes(&source, u64::MAX, 2).is_err());
    }

    /// Bytes read for pieces of 20,000 bytes, each with 8 in front that are looked at first.
    fn bytes_read(source: &Source, numbers: impl Iterator<Item = u64>) -> u64 {
        let mut window = ReadWindow::new();
        let mut read = 0;
        for at in numbers.map(|number| number * 20_008) {
            for (at, length) in [(at, 8), (at + 8, 20_000)] {
                let before = (window.start, window.length);
                window.bytes(source, at, length).unwrap();
                let after = (window.start, window.length);
                read += if before == after { 0 } else { after.1 as u64 };
            }
        }
        read
    }

    #[test]
    fn chunks_in_any_order_are_read_few_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bytes");
        let file = File::create_new(&path).unwrap();
        let count = 1000;
        file.set_len(count * 20_008).unwrap();
        let file = File::open(&path).unwrap();
        let source = Source::new(&path, &file).unwrap();
        let file_bytes = source.file_bytes();
        assert!(bytes_read(&source, 0..count) < file_bytes * 11 / 10);
        assert!(bytes_read(&source, (0..count).rev()) < file_bytes * 5 / 2);
        assert!(bytes_read(&source, (0..count).map(|number| number * 389 % count)) < file_bytes * 4);
    }
}
