//! Joins a [`Source`] to FFmpeg's `AVIOContext`. Owns both; the demuxer that reads from it must be closed before.

use std::ffi::{c_int, c_void};
use std::ptr;

use ffmpeg_next::ffi;

use super::source::{Source, SourceError};

/// Bytes of FFmpeg's own buffer; larger packets are read past it.
const BUFFER_BYTES: usize = 64 << 10;

/// A source as FFmpeg reads it. The address of the source stays the same for as long as this lives.
pub struct Io {
    context: *mut ffi::AVIOContext,
    source: *mut Source,
}

// SAFETY: the only owner of both pointers; a source may move between threads, and FFmpeg ties no context to a thread.
unsafe impl Send for Io {}

impl Io {
    /// `None` when the machine refuses memory.
    pub fn new(source: Source) -> Option<Self> {
        // SAFETY: allocates; null is handled by `avio_alloc_context`'s caller below.
        let buffer = unsafe { ffi::av_malloc(BUFFER_BYTES) };
        if buffer.is_null() {
            return None;
        }
        let source = Box::into_raw(Box::new(source));
        // SAFETY: `buffer` has as many bytes as stated and becomes FFmpeg's; `source` lives until `drop`, and both
        // callbacks take it as what it is.
        let context = unsafe {
            let size = BUFFER_BYTES as c_int;
            ffi::avio_alloc_context(buffer.cast(), size, 0, source.cast(), Some(read), None, Some(seek))
        };
        if context.is_null() {
            // SAFETY: made right above, and nobody else has them.
            unsafe {
                ffi::av_free(buffer);
                drop(Box::from_raw(source));
            }
            return None;
        }
        Some(Self { context, source })
    }

    /// See [`Source::skim`].
    pub fn skim(&mut self) {
        // SAFETY: the source is alive, and no call of FFmpeg runs while `self` is borrowed.
        unsafe { (*self.source).skim() }
    }

    pub fn as_ptr(&self) -> *mut ffi::AVIOContext {
        self.context
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        // SAFETY: the context and the source are ours; FFmpeg may have replaced the buffer, so its own is freed.
        unsafe {
            ffi::av_freep(ptr::from_mut(&mut (*self.context).buffer).cast());
            ffi::avio_context_free(&mut self.context);
            drop(Box::from_raw(self.source));
        }
    }
}

/// FFmpeg asks for at most `size` bytes.
unsafe extern "C" fn read(opaque: *mut c_void, into: *mut u8, size: c_int) -> c_int {
    let Ok(length) = usize::try_from(size) else { return ffi::AVERROR(ffi::EINVAL) };
    // SAFETY: `opaque` is the source of `Io::new`, used by the one thread that called the demuxer; `into` has `size`
    // bytes, which FFmpeg allocated and only this function writes.
    let (source, into) =
        unsafe { (&mut *opaque.cast::<Source>(), std::slice::from_raw_parts_mut(into, length)) };
    match source.read(into) {
        Ok(0) => ffi::AVERROR_EOF,
        Ok(count) => c_int::try_from(count).unwrap_or(c_int::MAX),
        Err(SourceError::Stopped) => ffi::AVERROR_EXIT,
        Err(SourceError::Io(error)) => {
            log::warn!("reading a movie failed: {error}");
            ffi::AVERROR(ffi::EIO)
        }
    }
}

/// FFmpeg moves, or asks for the length.
unsafe extern "C" fn seek(opaque: *mut c_void, offset: i64, whence: c_int) -> i64 {
    // SAFETY: as in `read`.
    let source = unsafe { &mut *opaque.cast::<Source>() };
    let base = match whence & !ffi::AVSEEK_FORCE {
        ffi::AVSEEK_SIZE => return source.length().cast_signed(),
        ffi::SEEK_SET => 0,
        ffi::SEEK_CUR => source.position().cast_signed(),
        ffi::SEEK_END => source.length().cast_signed(),
        _ => return i64::from(ffi::AVERROR(ffi::EINVAL)),
    };
    match base.checked_add(offset).and_then(|to| u64::try_from(to).ok()) {
        Some(to) => {
            source.seek(to);
            to.cast_signed()
        }
        None => i64::from(ffi::AVERROR(ffi::EINVAL)),
    }
}
