//! Owns the bytes of one file for one demuxer: a reader thread `video-read` fetches one block ahead, so that the thread
//! that decodes waits for a channel and not for a disk that hangs. Has no unsafe code. Never opens another file.
//!
//! The reader ends when its source is dropped. One that hangs in the system then cannot be joined: it is left behind
//! with its block and ends with its read.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::gate::Gate;
use crate::decode::reading::timed;

/// Bytes that are read at once. Disks and network drives answer larger requests no faster.
const BLOCK_BYTES: usize = 256 << 10;
/// How often a waiting thread looks at its gate.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long dropping waits for a read that is under way.
const FAREWELL: Duration = Duration::from_millis(200);

/// Bytes at a place.
pub trait ReadAt: Send + 'static {
    /// Reads up to the length of `into` from byte `at`; 0 at the end.
    ///
    /// # Errors
    /// What the operating system says.
    fn read_at(&mut self, into: &mut [u8], at: u64) -> io::Result<usize>;
}

#[cfg(unix)]
impl ReadAt for File {
    fn read_at(&mut self, into: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, into, at)
    }
}

#[cfg(windows)]
impl ReadAt for File {
    fn read_at(&mut self, into: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, into, at)
    }
}

impl ReadAt for Box<dyn ReadAt> {
    fn read_at(&mut self, into: &mut [u8], at: u64) -> io::Result<usize> {
        (**self).read_at(into, at)
    }
}

/// Why a source gave no bytes.
#[derive(Debug)]
pub enum SourceError {
    /// The gate closed while waiting.
    Stopped,
    Io(io::Error),
}

struct Block {
    at: u64,
    bytes: Vec<u8>,
    read: io::Result<usize>,
}

/// A file as a demuxer reads it: a position, a length, blocks.
pub struct Source {
    gate: Arc<Gate>,
    length: u64,
    position: u64,
    is_skimmed: bool,
    block: Option<Block>,
    /// Where the block starts that the reader was asked for and has not given yet.
    pending: Option<u64>,
    spare: Vec<u8>,
    requests: Option<Sender<(u64, Vec<u8>)>>,
    blocks: Receiver<Block>,
    reader: Option<JoinHandle<()>>,
}

impl Source {
    /// A source over `length` bytes.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn new(mut file: impl ReadAt, length: u64, gate: Arc<Gate>) -> io::Result<Self> {
        let (requests, wanted) = channel::<(u64, Vec<u8>)>();
        let (done, blocks) = channel();
        let reader = Builder::new().name("video-read".into()).spawn(move || {
            for (at, mut bytes) in wanted {
                bytes.resize(BLOCK_BYTES, 0);
                let read = retried(|| file.read_at(&mut bytes, at));
                if done.send(Block { at, bytes, read }).is_err() {
                    return;
                }
            }
        })?;
        let (requests, reader) = (Some(requests), Some(reader));
        let (block, pending, spare) = (None, None, Vec::new());
        Ok(Self {
            gate,
            length,
            position: 0,
            is_skimmed: false,
            block,
            pending,
            spare,
            requests,
            blocks,
            reader,
        })
    }

    /// Length of the file when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn seek(&mut self, to: u64) {
        self.position = to;
    }

    /// Gives zeros from here on, as many as the file has bytes, and reads nothing.
    pub fn skim(&mut self) {
        self.is_skimmed = true;
    }

    /// Copies what comes next; 0 at the end of the file.
    ///
    /// # Errors
    /// [`SourceError`] when the gate closed or the disk failed.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, SourceError> {
        if into.is_empty() || self.position >= self.length {
            return Ok(0);
        }
        if self.is_skimmed {
            let count = into.len().min(usize::try_from(self.length - self.position).unwrap_or(usize::MAX));
            into[..count].fill(0);
            self.position += count as u64;
            return Ok(count);
        }
        let inside = self.block.as_ref().and_then(|block| block.offset_of(self.position));
        let offset = match inside {
            Some(offset) => offset,
            None => self.fetch()?,
        };
        let Some(Block { bytes, read: Ok(read), .. }) = &self.block else { return Ok(0) };
        let found = bytes.get(offset..*read).unwrap_or_default();
        let count = found.len().min(into.len());
        into[..count].copy_from_slice(&found[..count]);
        self.position += count as u64;
        Ok(count)
    }

    /// Makes the block at the position the current one and asks for the next; where in it the position lies.
    fn fetch(&mut self) -> Result<usize, SourceError> {
        let wanted = self.position;
        while let Some(at) = self.pending {
            let block = self.wait()?;
            self.pending = None;
            if at == wanted {
                return self.take(block);
            }
            self.spare = block.bytes;
        }
        self.ask(wanted)?;
        let block = self.wait()?;
        self.pending = None;
        self.take(block)
    }

    fn take(&mut self, block: Block) -> Result<usize, SourceError> {
        let read = match &block.read {
            Ok(read) => *read,
            Err(error) => return Err(SourceError::Io(io::Error::new(error.kind(), error.to_string()))),
        };
        let next = block.at + read as u64;
        if let Some(old) = self.block.replace(block) {
            self.spare = old.bytes;
        }
        if read > 0 && next < self.length {
            self.ask(next)?;
        }
        Ok(0)
    }

    fn ask(&mut self, at: u64) -> Result<(), SourceError> {
        let lost = || SourceError::Io(io::Error::other("the reader ended"));
        let requests = self.requests.as_ref().ok_or_else(lost)?;
        requests.send((at, std::mem::take(&mut self.spare))).map_err(|_| lost())?;
        self.pending = Some(at);
        Ok(())
    }

    fn wait(&self) -> Result<Block, SourceError> {
        loop {
            match timed(|| self.blocks.recv_timeout(LOOK_EVERY)) {
                Ok(block) => return Ok(block),
                Err(RecvTimeoutError::Timeout) if self.gate.must_stop().is_some() => {
                    return Err(SourceError::Stopped);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(SourceError::Io(io::Error::other("the reader ended")));
                }
            }
        }
    }
}

impl Block {
    fn offset_of(&self, position: u64) -> Option<usize> {
        let read = *self.read.as_ref().ok()? as u64;
        let offset = position.checked_sub(self.at)?;
        (offset < read).then_some(offset as usize)
    }
}

fn retried(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.requests = None;
        let is_idle = self.pending.is_none() || self.blocks.recv_timeout(FAREWELL).is_ok();
        if let Some(reader) = self.reader.take()
            && is_idle
        {
            // A reader that panicked has said so by itself.
            let _ = reader.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    struct Bytes(Vec<u8>);

    impl ReadAt for Bytes {
        fn read_at(&mut self, into: &mut [u8], at: u64) -> io::Result<usize> {
            let rest = self.0.get(at as usize..).unwrap_or_default();
            let count = rest.len().min(into.len());
            into[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    fn gate(closed: &Arc<AtomicBool>) -> Arc<Gate> {
        Arc::new(Gate::new(Arc::clone(closed), Duration::from_secs(60)))
    }

    #[test]
    fn bytes_come_in_order_and_after_seeks() {
        let bytes: Vec<u8> = (0..BLOCK_BYTES * 3 + 77).map(|at| (at * 7 / 3) as u8).collect();
        let length = bytes.len() as u64;
        let mut source = Source::new(Bytes(bytes.clone()), length, gate(&Arc::default())).unwrap();
        let mut all = Vec::new();
        let mut part = [0; 10_001];
        loop {
            let count = source.read(&mut part).unwrap();
            if count == 0 {
                break;
            }
            all.extend_from_slice(&part[..count]);
        }
        assert!(all == bytes);
        for at in [5, BLOCK_BYTES * 2 + 1, 0, bytes.len() - 1, BLOCK_BYTES - 1] {
            source.seek(at as u64);
            assert!(source.read(&mut part).unwrap() > 0);
            assert_eq!(part[0], bytes[at]);
        }
    }

    #[test]
    fn a_read_that_hangs_is_left_behind() {
        struct Hangs(Receiver<()>);
        impl ReadAt for Hangs {
            fn read_at(&mut self, _: &mut [u8], _: u64) -> io::Result<usize> {
                let _ = self.0.recv();
                Ok(0)
            }
        }
        let (release, hang) = channel();
        let closed = Arc::new(AtomicBool::new(false));
        let mut source = Source::new(Hangs(hang), 1000, gate(&closed)).unwrap();
        let closing = Arc::clone(&closed);
        let closer = Builder::new().spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            closing.store(true, Ordering::Release);
        });
        let start = Instant::now();
        assert!(matches!(source.read(&mut [0; 10]), Err(SourceError::Stopped)));
        drop(source);
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
        closer.unwrap().join().unwrap();
        drop(release);
    }
}
