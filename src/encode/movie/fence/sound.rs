//! Owns the way of samples into frames of sound: from pairs of floats to what an encoder takes.

use std::ffi::c_int;

use ffmpeg_next::ffi;

use super::frame::Frame;
use super::{Code, number};
use crate::encode::movie::choices::SoundChoice;

/// Left and right.
pub type Stereo = [f32; 2];

/// FFmpeg's name for the samples of a choice.
pub(super) fn sample_format(choice: &SoundChoice) -> ffi::AVSampleFormat {
    match choice.is_float {
        true => ffi::AVSampleFormat::AV_SAMPLE_FMT_FLTP,
        false => ffi::AVSampleFormat::AV_SAMPLE_FMT_S32,
    }
}

/// 24 bits in the upper part of 32, as encoders of whole numbers take them.
fn whole(sample: f32) -> i32 {
    const FULL: f32 = (1 << 23) as f32;
    ((sample * FULL).round().clamp(-FULL, FULL - 1.0) as i32) << 8
}

impl Frame {
    /// A frame of these samples, the first of which is the one with this number.
    ///
    /// # Errors
    /// [`Code`] when memory is short.
    pub fn of_sound(samples: &[Stereo], at: i64, rate: u32, choice: &SoundChoice) -> Result<Self, Code> {
        let frame = Self::empty()?;
        let into = frame.as_ptr();
        // SAFETY: a frame of ours without buffers, whose fields are set before they are made; then as many samples are
        // written as were asked for, in the form that was asked for.
        unsafe {
            ((*into).nb_samples, (*into).sample_rate) = (number(samples.len())?, number(rate)?);
            (*into).format = sample_format(choice) as c_int;
            ffi::av_channel_layout_default(&mut (*into).ch_layout, 2);
            Code::check(ffi::av_frame_get_buffer(into, 0))?;
            (*into).pts = at;
            if choice.is_float {
                for channel in 0..2 {
                    let plane: *mut f32 = (*into).data[channel].cast();
                    samples.iter().enumerate().for_each(|(at, sample)| plane.add(at).write(sample[channel]));
                }
            } else {
                let both: *mut i32 = (*into).data[0].cast();
                let values = samples.iter().flatten().enumerate();
                values.for_each(|(at, sample)| both.add(at).write(whole(*sample)));
            }
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_whole_numbers_become_them_again() {
        for number in [0, 1, -1, 12_345, (1 << 23) - 1, -(1 << 23)] {
            assert_eq!(whole(number as f32 / (1 << 23) as f32) >> 8, number);
        }
        assert_eq!((whole(2.0) >> 8, whole(-2.0) >> 8), ((1 << 23) - 1, -(1 << 23)));
        assert_eq!(whole(f32::NAN), 0);
    }
}
