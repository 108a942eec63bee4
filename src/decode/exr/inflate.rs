//! Owns the decompression of a chunk's bytes into scratch memory: zlib by libdeflate, and run lengths.
//! One workspace a thread; after the first frame it allocates nothing. The thread that decodes.

use std::cell::RefCell;

use libdeflater::Decompressor;

use super::scratch::{Held, grown};
use super::{dwa, htj2k, piz, zstd};
use crate::decode::DecodeError;

/// No deflate stream grows more than this («RFC 1951», a match of 258 bytes in 2 bits).
const MAX_DEFLATE_RATIO: usize = 1032;

/// Threads keep what chunks of up to this size need: 256 lines of 4096 pixels with four channels of float.
const KEPT_CHUNK_BYTES: usize = 16 << 20;

/// What a thread keeps between chunks.
pub struct Workspace {
    inflater: Decompressor,
    scratch: Vec<u8>,
    pub dwa: dwa::Scratch,
    pub htj2k: htj2k::Scratch,
    pub piz: piz::Scratch,
    pub zstd: zstd::Scratch,
}

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::new(Workspace {
        inflater: Decompressor::new(),
        scratch: Vec::new(),
        dwa: dwa::Scratch::default(),
        htj2k: htj2k::Scratch::default(),
        piz: piz::Scratch::default(),
        zstd: zstd::Scratch::default(),
    });
}

impl Workspace {
    /// Runs `work` with this thread's workspace.
    pub fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        WORKSPACE.with_borrow_mut(work)
    }

    /// Gives scratch back at the end of a frame whose chunks were of unusual size.
    pub fn trim(&mut self, largest_chunk: usize) {
        if largest_chunk > KEPT_CHUNK_BYTES {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.scratch = Vec::new();
        self.dwa = dwa::Scratch::default();
        self.htj2k = htj2k::Scratch::default();
        self.piz = piz::Scratch::default();
        self.zstd = zstd::Scratch::default();
    }

    /// Inflates a zlib stream that must hold exactly `length` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] for a broken stream or one of another length.
    pub fn inflate(&mut self, compressed: &[u8], length: usize) -> Result<&mut [u8], DecodeError> {
        if length / MAX_DEFLATE_RATIO > compressed.len() {
            return Err(damaged("a chunk is too short for its rectangle"));
        }
        let out = grown(&mut self.scratch, length)?;
        match self.inflater.zlib_decompress(compressed, out) {
            Ok(found) if found == length => Ok(out),
            Ok(_) => Err(damaged("a chunk does not fill its rectangle")),
            Err(_) => Err(damaged("a chunk's zlib stream is broken")),
        }
    }

    /// Expands run lengths to exactly `length` bytes: a negative count precedes that many literal bytes, any
    /// other a byte that is repeated once more than it says.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] when the runs do not end where they should.
    pub fn expand_runs(&mut self, compressed: &[u8], length: usize) -> Result<&mut [u8], DecodeError> {
        // Two bytes make at most 128.
        if length / 64 > compressed.len() {
            return Err(damaged("a chunk is too short for its rectangle"));
        }
        let out = grown(&mut self.scratch, length + RUN_SLACK)?;
        let broken = || damaged("a chunk's run lengths are broken");
        let (mut at, mut rest) = (0, compressed);
        while let Some((count, tail)) = rest.split_first() {
            let count = *count as i8;
            let run = usize::from(count.unsigned_abs()) + usize::from(count >= 0);
            if run > length - at {
                return Err(broken());
            }
            let target = &mut out[at..at + run.next_multiple_of(RUN_STEP)];
            rest = if count < 0 {
                copy_literals(tail, run, target).ok_or_else(broken)?
            } else {
                let (byte, tail) = tail.split_first().ok_or_else(broken)?;
                for step in target.as_chunks_mut::<RUN_STEP>().0 {
                    *step = [*byte; RUN_STEP];
                }
                tail
            };
            at += run;
        }
        if at == length {
            Ok(&mut out[..length])
        } else {
            Err(damaged("a chunk does not fill its rectangle"))
        }
    }
}

/// Without the inflater's tables, which are small and of one size.
impl Held for Workspace {
    fn held_bytes(&self) -> usize {
        let Self { inflater: _, scratch, dwa, htj2k, piz, zstd } = self;
        scratch.held_bytes() + dwa.held_bytes() + htj2k.held_bytes() + piz.held_bytes() + zstd.held_bytes()
    }
}

/// Bytes of the calling thread's workspace.
pub fn held_bytes() -> usize {
    Workspace::with(|workspace| workspace.held_bytes())
}

/// Gives the scratch of all codecs back.
pub fn release() {
    Workspace::with(Workspace::clear);
}

/// Runs are written in steps of this many bytes, which a machine does in one go; what is too much is overwritten by
/// the next run.
const RUN_STEP: usize = 16;
/// The bytes that the last run may write too much.
const RUN_SLACK: usize = 128 + RUN_STEP;

/// Copies the first `run` bytes of `from` (and whatever follows them, up to the length of `target`); gives the rest.
#[inline(always)]
fn copy_literals<'a>(from: &'a [u8], run: usize, target: &mut [u8]) -> Option<&'a [u8]> {
    if let Some(whole) = from.get(..target.len()) {
        let steps = whole.as_chunks::<RUN_STEP>().0.iter();
        for (to, from) in target.as_chunks_mut::<RUN_STEP>().0.iter_mut().zip(steps) {
            *to = *from;
        }
    } else {
        target[..run].copy_from_slice(from.get(..run)?);
    }
    from.get(run..)
}

fn damaged(reason: &str) -> DecodeError {
    DecodeError::damaged(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(compressed: &[u8], length: usize) -> Result<Vec<u8>, DecodeError> {
        Workspace::with(|workspace| workspace.expand_runs(compressed, length).map(|bytes| bytes.to_vec()))
    }

    #[test]
    fn runs_and_literals_expand() {
        assert_eq!(expanded(&[2, 7, 0xfe, 1, 2, 0, 9], 6), Ok(vec![7, 7, 7, 1, 2, 9]));
    }

    #[test]
    fn broken_runs_are_errors() {
        for (compressed, length) in [(&[2][..], 3), (&[2, 7], 2), (&[2, 7], 4), (&[0xfe, 1], 2), (&[], 1000)]
        {
            assert!(expanded(compressed, length).is_err(), "{compressed:?}");
        }
    }

    #[test]
    fn a_stream_of_another_length_is_an_error() {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut stream = vec![0; 1000];
        let length = compressor.zlib_compress(&[5; 300], &mut stream).unwrap();
        let inflated = |length: usize, stream: &[u8]| {
            Workspace::with(|workspace| workspace.inflate(stream, length).map(|bytes| bytes.to_vec()))
        };
        assert_eq!(inflated(300, &stream[..length]), Ok(vec![5; 300]));
        assert!(inflated(299, &stream[..length]).is_err());
        assert!(inflated(301, &stream[..length]).is_err());
        assert!(inflated(300, &stream[..length - 3]).is_err());
        assert!(inflated(1 << 30, &stream[..length]).is_err());
    }
}
