//! Owns one frame for the encoder, and the copy of a picture into it.

use std::ffi::c_int;

use ffmpeg_next::ffi;
use ffmpeg_next::ffi::AVPixelFormat as Format;

use super::{Code, number};
use crate::encode::movie::choices::Pixels;
use crate::encode::movie::kind::MovieDepth;
use crate::encode::{RgbPicture, RgbSamples};

/// A frame with buffers of its own.
pub struct Frame(*mut ffi::AVFrame);

// SAFETY: the only owner of the frame; its buffers are counted references that any thread may drop.
unsafe impl Send for Frame {}

/// FFmpeg's name for pictures as they come: red, green and blue side by side, in the machine's order of bytes.
pub(super) fn packed(depth: MovieDepth) -> Format {
    match depth {
        MovieDepth::Eight => Format::AV_PIX_FMT_RGB24,
        MovieDepth::Sixteen if cfg!(target_endian = "big") => Format::AV_PIX_FMT_RGB48BE,
        MovieDepth::Sixteen => Format::AV_PIX_FMT_RGB48LE,
    }
}

/// FFmpeg's name for what an encoder takes, in the machine's order of bytes. FFV1 takes 8 bits of RGB side by side.
pub(super) fn taken(pixels: Pixels) -> Format {
    let is_big = cfg!(target_endian = "big");
    match pixels {
        Pixels::Yuv420 => Format::AV_PIX_FMT_YUV420P,
        Pixels::Yuv420Ten if is_big => Format::AV_PIX_FMT_YUV420P10BE,
        Pixels::Yuv420Ten => Format::AV_PIX_FMT_YUV420P10LE,
        Pixels::Yuv422 => Format::AV_PIX_FMT_YUV422P,
        Pixels::Yuv444Ten if is_big => Format::AV_PIX_FMT_YUV444P10BE,
        Pixels::Yuv444Ten => Format::AV_PIX_FMT_YUV444P10LE,
        Pixels::Yuv422Ten if is_big => Format::AV_PIX_FMT_YUV422P10BE,
        Pixels::Yuv422Ten => Format::AV_PIX_FMT_YUV422P10LE,
        Pixels::Rgb if is_big => Format::AV_PIX_FMT_0RGB,
        Pixels::Rgb => Format::AV_PIX_FMT_BGR0,
        Pixels::RgbSixteen if is_big => Format::AV_PIX_FMT_GBRP16BE,
        Pixels::RgbSixteen => Format::AV_PIX_FMT_GBRP16LE,
    }
}

/// White is 0xff00 of 16 bits where swscale makes luma and chroma: 255 of 8 bits moved up, and not repeated.
fn for_luma(sample: u16) -> u16 {
    ((u32::from(sample) * 256 + 128) / 257) as u16
}

impl Frame {
    /// A frame of this size; what is in it is not defined.
    ///
    /// # Errors
    /// [`Code`] when memory is short or there is no such size.
    pub(super) fn new((width, height): (u32, u32), format: Format) -> Result<Self, Code> {
        let (width, height) = (number(width)?, number(height)?);
        let owned = Self::empty()?;
        let frame = owned.0;
        // SAFETY: a frame of ours; the fields are set before buffers are made for them.
        unsafe {
            ((*frame).width, (*frame).height, (*frame).format) = (width, height, format as c_int);
            Code::check(ffi::av_frame_get_buffer(frame, 0))?;
        }
        Ok(owned)
    }

    /// A frame without buffers.
    ///
    /// # Errors
    /// [`Code`] when memory is short.
    pub(super) fn empty() -> Result<Self, Code> {
        // SAFETY: allocates or gives null.
        let frame = unsafe { ffi::av_frame_alloc() };
        if frame.is_null() { Err(Code::NO_MEMORY) } else { Ok(Self(frame)) }
    }

    /// The upper left `size` pixels of a picture, on their way to `pixels`.
    ///
    /// # Errors
    /// [`Code`] when memory is short or the picture is smaller.
    pub(super) fn of(picture: &RgbPicture, size: (u32, u32), pixels: Pixels) -> Result<Self, Code> {
        if picture.width < size.0 || picture.height < size.1 || picture.check().is_err() {
            return Err(Code(ffi::AVERROR(ffi::EINVAL)));
        }
        let (pitch, length) = (picture.width as usize * 3, size.0 as usize * 3);
        let rows = size.1 as usize;
        match &picture.samples {
            RgbSamples::U8(samples) => {
                let mut frame = Self::new(size, packed(MovieDepth::Eight))?;
                let rows = samples.chunks_exact(pitch).take(rows).enumerate();
                rows.for_each(|(y, row)| frame.row_mut::<u8>(y, length).copy_from_slice(&row[..length]));
                Ok(frame)
            }
            RgbSamples::U16(samples) => {
                let mut frame = Self::new(size, packed(MovieDepth::Sixteen))?;
                for (y, row) in samples.chunks_exact(pitch).take(rows).enumerate() {
                    let into = frame.row_mut::<u16>(y, length);
                    if pixels.is_rgb() {
                        into.copy_from_slice(&row[..length]);
                    } else {
                        into.iter_mut().zip(row).for_each(|(into, sample)| *into = for_luma(*sample));
                    }
                }
                Ok(frame)
            }
        }
    }

    /// A row of the first plane.
    fn row_mut<T: bytemuck::Pod>(&mut self, y: usize, samples: usize) -> &mut [T] {
        // SAFETY: a frame of ours, just made with as many rows and samples as are asked for; FFmpeg aligns rows more
        // strictly than any sample.
        unsafe {
            let start = (*self.0).data[0].offset(y as isize * (*self.0).linesize[0] as isize);
            std::slice::from_raw_parts_mut(start.cast(), samples)
        }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVFrame {
        self.0
    }

    /// Says which picture of the movie it is.
    pub fn set_number(&mut self, number: i64) {
        // SAFETY: never null, and ours alone.
        unsafe { (*self.0).pts = number }
    }

    /// The samples of one row of a plane.
    #[cfg(test)]
    pub fn row(&self, plane: usize, y: usize, bytes: usize) -> Vec<u8> {
        // SAFETY: tests ask for rows that the frame has.
        unsafe {
            let start = (*self.0).data[plane].offset(y as isize * (*self.0).linesize[plane] as isize);
            std::slice::from_raw_parts(start, bytes).to_vec()
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { ffi::av_frame_free(&mut self.0) }
    }
}
