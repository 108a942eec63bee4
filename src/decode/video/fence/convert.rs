//! Owns one swscale context: pixels that no copy can read become planar ones of the same size. Chooses no colours: the
//! matrix and the range stay what they were where both sides have them.

use std::ptr;

use ffmpeg_next::ffi;
use ffmpeg_next::ffi::AVPixelFormat as Pixel;

use super::frame::{Frame, PixelFormat, known};

/// A conversion that is kept while frames have the same form.
pub struct Converter(*mut ffi::SwsContext);

// SAFETY: the only owner of the context, which is tied to no thread.
unsafe impl Send for Converter {}

impl Default for Converter {
    fn default() -> Self {
        Self(ptr::null_mut())
    }
}

/// The planar format that loses nothing of the one given.
fn target(format: &PixelFormat) -> Pixel {
    let is_deep = format.bits() > 8 || format.bits() == 0;
    let is_grey = format.components.len() <= 2 && !format.is_rgb;
    match (
        format.is_rgb || format.name.starts_with("pal") || format.name.starts_with("xyz"),
        format.has_alpha,
    ) {
        (true, _) if format.name.starts_with("pal") => Pixel::AV_PIX_FMT_GBRAP,
        (true, true) if is_deep => Pixel::AV_PIX_FMT_GBRAP16LE,
        (true, true) => Pixel::AV_PIX_FMT_GBRAP,
        (true, false) if is_deep || format.name.starts_with("xyz") => Pixel::AV_PIX_FMT_GBRP16LE,
        (true, false) => Pixel::AV_PIX_FMT_GBRP,
        (false, _) if is_grey && is_deep => Pixel::AV_PIX_FMT_GRAY16LE,
        (false, _) if is_grey => Pixel::AV_PIX_FMT_GRAY8,
        (false, true) => Pixel::AV_PIX_FMT_YUVA444P16LE,
        (false, false) => Pixel::AV_PIX_FMT_YUV444P16LE,
    }
}

impl Converter {
    /// The frame with planar pixels; `None` when swscale cannot read it or memory is short.
    pub fn convert(&mut self, frame: &Frame) -> Option<Frame> {
        let format = frame.format()?;
        let source = known(frame.format_number())?;
        let to = target(&format);
        let (width, height) = (i32::try_from(frame.width()).ok()?, i32::try_from(frame.height()).ok()?);
        let converted = Frame::new()?;
        let flags =
            ffi::SWS_POINT | ffi::SWS_ACCURATE_RND | ffi::SWS_FULL_CHR_H_INT | ffi::SWS_FULL_CHR_H_INP;
        // SAFETY: both formats are of the library's list; the old context is reused or freed by the call; the new
        // frame is ours, gets buffers for its size, and the old one is only read.
        unsafe {
            let none = ptr::null_mut();
            self.0 = ffi::sws_getCachedContext(
                self.0,
                width,
                height,
                source,
                width,
                height,
                to,
                flags,
                none,
                none,
                ptr::null(),
            );
            if self.0.is_null() {
                return None;
            }
            let new = converted.as_ptr();
            ((*new).width, (*new).height, (*new).format) = (width, height, to as i32);
            let is_ready =
                ffi::av_frame_get_buffer(new, 0) >= 0 && ffi::av_frame_copy_props(new, frame.as_ptr()) >= 0;
            let old = frame.as_ptr();
            let rows = is_ready.then(|| {
                let (from, into) = ((*old).data.as_ptr().cast(), (*new).data.as_ptr());
                ffi::sws_scale(
                    self.0,
                    from,
                    (*old).linesize.as_ptr(),
                    0,
                    height,
                    into,
                    (*new).linesize.as_ptr(),
                )
            });
            (rows == Some(height)).then_some(converted)
        }
    }
}

impl Drop for Converter {
    fn drop(&mut self) {
        // SAFETY: ours or null, which is allowed.
        unsafe { ffi::sws_freeContext(self.0) }
    }
}
