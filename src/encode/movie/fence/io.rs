//! Joins a file to FFmpeg's `AVIOContext`. Owns both; keeps the error of the system, which FFmpeg would lose.

use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::ptr;

use ffmpeg_next::ffi;

use super::Code;

/// Bytes gathered before the system is asked to write.
const BUFFER_BYTES: usize = 256 << 10;

/// What FFmpeg writes to.
struct Target {
    file: File,
    error: Option<io::Error>,
}

/// A file as FFmpeg writes it. The address of the target stays the same for as long as this lives.
pub struct Io {
    context: *mut ffi::AVIOContext,
    target: *mut Target,
}

// SAFETY: the only owner of both pointers; a file may move between threads, and FFmpeg ties no context to a thread.
unsafe impl Send for Io {}

impl Io {
    /// # Errors
    /// [`Code`] when memory is short.
    pub fn new(file: File) -> Result<Self, Code> {
        // SAFETY: allocates or gives null.
        let buffer = unsafe { ffi::av_malloc(BUFFER_BYTES) };
        if buffer.is_null() {
            return Err(Code::NO_MEMORY);
        }
        let target = Box::into_raw(Box::new(Target { file, error: None }));
        // SAFETY: `buffer` has as many bytes as stated and becomes FFmpeg's; `target` lives until `drop`, and both
        // callbacks take it as what it is.
        let context = unsafe {
            let size = BUFFER_BYTES as c_int;
            ffi::avio_alloc_context(buffer.cast(), size, 1, target.cast(), None, Some(write), Some(seek))
        };
        if context.is_null() {
            // SAFETY: made right above, and nobody else has them.
            unsafe {
                ffi::av_free(buffer);
                drop(Box::from_raw(target));
            }
            return Err(Code::NO_MEMORY);
        }
        Ok(Self { context, target })
    }

    /// What the system said, if it refused anything.
    pub fn take_error(&mut self) -> Option<io::Error> {
        // SAFETY: alive, and no call of FFmpeg runs while `self` is borrowed.
        unsafe { (*self.target).error.take() }
    }

    /// Writes what is gathered.
    ///
    /// # Errors
    /// What the system refused.
    pub fn flush(&mut self) -> io::Result<()> {
        // SAFETY: an open context of ours.
        unsafe { ffi::avio_flush(self.context) }
        self.take_error().map_or(Ok(()), Err)
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVIOContext {
        self.context
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        // SAFETY: the context and the target are ours; FFmpeg may have replaced the buffer, so its own is freed.
        unsafe {
            ffi::av_freep(ptr::from_mut(&mut (*self.context).buffer).cast());
            ffi::avio_context_free(&mut self.context);
            drop(Box::from_raw(self.target));
        }
    }
}

/// Bytes to write: FFmpeg 7 says that they stay as they are, older ones do not.
trait Bytes {
    fn start(self) -> *const u8;
}

impl Bytes for *const u8 {
    fn start(self) -> *const u8 {
        self
    }
}

impl Bytes for *mut u8 {
    fn start(self) -> *const u8 {
        self
    }
}

/// FFmpeg hands over `size` bytes.
unsafe extern "C" fn write<B: Bytes>(opaque: *mut c_void, bytes: B, size: c_int) -> c_int {
    let Ok(length) = usize::try_from(size) else { return ffi::AVERROR(ffi::EINVAL) };
    // SAFETY: `opaque` is the target of `Io::new`, used by the one thread that called the muxer; `bytes` are as many as
    // stated, and only read.
    let (target, bytes) =
        unsafe { (&mut *opaque.cast::<Target>(), std::slice::from_raw_parts(bytes.start(), length)) };
    match target.file.write_all(bytes) {
        Ok(()) => size,
        Err(error) => {
            target.error.get_or_insert(error);
            ffi::AVERROR(ffi::EIO)
        }
    }
}

/// FFmpeg moves, or asks for the length.
unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as in `write`.
    let target = unsafe { &mut *opaque.cast::<Target>() };
    let to = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => {
            return target.file.metadata().map_or(-1, |metadata| metadata.len().cast_signed());
        }
        ffi::SEEK_SET => SeekFrom::Start(offset.max(0).cast_unsigned()),
        ffi::SEEK_CUR => SeekFrom::Current(offset),
        ffi::SEEK_END => SeekFrom::End(offset),
        _ => return i64::from(ffi::AVERROR(ffi::EINVAL)),
    };
    match target.file.seek(to) {
        Ok(position) => position.cast_signed(),
        Err(error) => {
            target.error.get_or_insert(error);
            i64::from(ffi::AVERROR(ffi::EIO))
        }
    }
}
