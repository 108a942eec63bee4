//! Owns one swscale context: RGB of the full range becomes what an encoder takes, with the matrix that the tags name.
//! The size stays, chroma is averaged to where the tags say that it lies.

use std::ffi::CStr;
use std::ptr;

use ffmpeg_next::ffi;

use super::frame::{Frame, packed, taken};
use super::{Code, number};
use crate::encode::RgbPicture;
use crate::encode::movie::choices::Pixels;
use crate::encode::movie::kind::MovieDepth;
use crate::frame::Matrix;

/// As exact as the library does it: chroma of every pixel is looked at, and sums are rounded.
const FLAGS: &CStr = c"bilinear+accurate_rnd+full_chroma_int+full_chroma_inp";
/// One, in the units of brightness, contrast and saturation.
const UNITY: i32 = 1 << 16;

/// A conversion of pictures of one size.
pub struct Converter {
    context: *mut ffi::SwsContext,
    size: (u32, u32),
    pixels: Pixels,
}

// SAFETY: the only owner of the context, which is tied to no thread.
unsafe impl Send for Converter {}

impl Converter {
    /// # Errors
    /// [`Code`] when memory is short or the library does not take the size.
    pub fn new(size: (u32, u32), depth: MovieDepth, pixels: Pixels, matrix: Matrix) -> Result<Self, Code> {
        // SAFETY: allocates or gives null.
        let context = unsafe { ffi::sws_alloc_context() };
        if context.is_null() {
            return Err(Code::NO_MEMORY);
        }
        let converter = Self { context, size, pixels };
        let (width, height) = (i64::from(number(size.0)?), i64::from(number(size.1)?));
        converter.set(c"srcw", width)?;
        converter.set(c"srch", height)?;
        converter.set(c"dstw", width)?;
        converter.set(c"dsth", height)?;
        converter.set(c"src_format", packed(depth) as i64)?;
        converter.set(c"dst_format", taken(pixels) as i64)?;
        // Chroma lies on the left luma sample, and in 4:2:0 in the middle of two rows.
        let rows_between = if matches!(pixels, Pixels::Yuv420 | Pixels::Yuv420Ten) { 128 } else { 0 };
        if !pixels.is_rgb() {
            converter.set(c"dst_h_chr_pos", 0)?;
            converter.set(c"dst_v_chr_pos", rows_between)?;
        }
        converter.open(matrix)?;
        Ok(converter)
    }

    fn set(&self, name: &CStr, value: i64) -> Result<(), Code> {
        // SAFETY: a context of ours, which has options.
        Code::check(unsafe { ffi::av_opt_set_int(self.context.cast(), name.as_ptr(), value, 0) }).map(drop)
    }

    fn open(&self, matrix: Matrix) -> Result<(), Code> {
        let name = if matrix == Matrix::Bt2020 { ffi::SWS_CS_BT2020 } else { ffi::SWS_CS_ITU709 };
        let is_full = i32::from(self.pixels.is_rgb());
        // SAFETY: a context of ours whose sizes and formats are set; the table is static.
        unsafe {
            Code::check(ffi::av_opt_set(self.context.cast(), c"sws_flags".as_ptr(), FLAGS.as_ptr(), 0))?;
            Code::check(ffi::sws_init_context(self.context, ptr::null_mut(), ptr::null_mut()))?;
            let table = ffi::sws_getCoefficients(name);
            let answer =
                ffi::sws_setColorspaceDetails(self.context, table, 1, table, is_full, 0, UNITY, UNITY);
            // From RGB to RGB there is no matrix to set.
            if self.pixels.is_rgb() { Ok(()) } else { Code::check(answer).map(drop) }
        }
    }

    /// The frame of a picture; what the picture has beyond the size is left out.
    ///
    /// # Errors
    /// [`Code`] when memory is short or the picture is smaller.
    pub fn convert(&mut self, picture: &RgbPicture) -> Result<Frame, Code> {
        let source = Frame::of(picture, self.size, self.pixels)?;
        let frame = Frame::new(self.size, taken(self.pixels))?;
        // SAFETY: an open context and two frames of the size and formats that it was opened for.
        Code::check(unsafe { ffi::sws_scale_frame(self.context, frame.as_ptr(), source.as_ptr()) })?;
        Ok(frame)
    }
}

impl Drop for Converter {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { ffi::sws_freeContext(self.context) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::RgbSamples;

    const SIZE: (u32, u32) = (64, 4);

    /// Columns in pairs of one colour, so that chroma on the left sample is that of the colour but at its edges.
    fn ramp() -> Vec<[f64; 3]> {
        let color = |x: usize| {
            let step = (x / 8) as f64 / 7.0;
            [step, 1.0 - step, (step * 2.0) % 1.0]
        };
        (0..SIZE.0 as usize).map(color).collect()
    }

    fn picture(scale: f64) -> (Vec<f64>, u32, u32) {
        let samples = (0..SIZE.1).flat_map(|_| ramp()).flatten().map(|value| (value * scale).round());
        (samples.collect(), SIZE.0, SIZE.1)
    }

    fn eight_bits() -> RgbPicture {
        let (samples, width, height) = picture(255.0);
        let samples = RgbSamples::U8(samples.iter().map(|value| *value as u8).collect());
        RgbPicture { width, height, samples }
    }

    fn sixteen_bits() -> RgbPicture {
        let (samples, width, height) = picture(65_535.0);
        let samples = RgbSamples::U16(samples.iter().map(|value| *value as u16).collect());
        RgbPicture { width, height, samples }
    }

    /// Luma and chroma of the limited range (ITU-R BT.709, 3.2 to 3.5, with the luma coefficients of the matrix).
    fn codes([red, green, blue]: [f64; 3], (kr, kb): (f64, f64), bits: u32) -> [f64; 3] {
        let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
        let unit = f64::from(1 << (bits - 8));
        let chroma = |difference: f64, k: f64| (224.0 * difference / (2.0 * (1.0 - k)) + 128.0) * unit;
        [(219.0 * luma + 16.0) * unit, chroma(blue - luma, kb), chroma(red - luma, kr)]
    }

    /// The largest difference to the formula, away from edges.
    fn farthest(picture: &RgbPicture, pixels: Pixels, matrix: Matrix) -> f64 {
        let is_eight = matches!(pixels, Pixels::Yuv420 | Pixels::Yuv422);
        let depth = if matches!(picture.samples, RgbSamples::U8(_)) {
            MovieDepth::Eight
        } else {
            MovieDepth::Sixteen
        };
        let frame = Converter::new(SIZE, depth, pixels, matrix).unwrap().convert(picture).unwrap();
        let coefficients = if matrix == Matrix::Bt2020 { (0.2627, 0.0593) } else { (0.2126, 0.0722) };
        let mut farthest = 0.0_f64;
        for x in (2..SIZE.0 as usize).step_by(8) {
            let wanted = codes(ramp()[x], coefficients, if is_eight { 8 } else { 10 });
            for (plane, wanted) in wanted.into_iter().enumerate() {
                let at = if plane == 0 || pixels == Pixels::Yuv444Ten { x } else { x / 2 };
                let found = if is_eight {
                    f64::from(frame.row(plane, 1, at + 1)[at])
                } else {
                    let row = frame.row(plane, 1, 2 * at + 2);
                    f64::from(u16::from_ne_bytes([row[2 * at], row[2 * at + 1]]))
                };
                farthest = farthest.max((found - wanted).abs());
            }
        }
        farthest
    }

    #[test]
    fn colours_become_what_the_formulas_say() {
        for matrix in [Matrix::Bt709, Matrix::Bt2020] {
            let of = |picture: &RgbPicture, pixels| farthest(picture, pixels, matrix);
            for pixels in [Pixels::Yuv420, Pixels::Yuv422] {
                assert!(of(&eight_bits(), pixels) <= 1.0, "{pixels:?}: {}", of(&eight_bits(), pixels));
            }
            for pixels in [Pixels::Yuv420Ten, Pixels::Yuv422Ten, Pixels::Yuv444Ten] {
                assert!(of(&sixteen_bits(), pixels) <= 1.0, "{pixels:?}: {}", of(&sixteen_bits(), pixels));
            }
        }
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn rgb_stays_as_it_is() {
        let open = |depth, pixels| Converter::new(SIZE, depth, pixels, Matrix::Bt709).unwrap();
        let (eight, sixteen) = (eight_bits(), sixteen_bits());
        let frame = open(MovieDepth::Eight, Pixels::Rgb).convert(&eight).unwrap();
        let deep = open(MovieDepth::Sixteen, Pixels::RgbSixteen).convert(&sixteen).unwrap();
        let (RgbSamples::U8(eight), RgbSamples::U16(sixteen)) = (&eight.samples, &sixteen.samples) else {
            panic!("both depths expected")
        };
        let width = SIZE.0 as usize;
        // Blue, green, red and nothing; planes of green, blue and red.
        let row = frame.row(0, 0, 4 * width);
        for (channel, plane) in [2, 0, 1].into_iter().enumerate() {
            assert!((0..width).all(|x| row[4 * x + 2 - channel] == eight[3 * x + channel]));
            let row = deep.row(plane, 0, 2 * width);
            let sample = |x: usize| u16::from_ne_bytes([row[2 * x], row[2 * x + 1]]);
            assert!((0..width).all(|x| sample(x) == sixteen[3 * x + channel]));
        }
    }
}
