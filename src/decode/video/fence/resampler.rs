//! Owns one swresample context: decoded sound of any kind becomes pairs of floats at one rate. Never decides where in
//! time they belong.

use std::ffi::c_int;
use std::ptr;

use ffmpeg_next::ffi;

use super::{Code, Frame};

/// Rates below this make more of a packet than there is memory.
const MIN_RATE: c_int = 1000;
/// What one frame may give.
const MAX_SAMPLES: c_int = 1 << 22;

/// What frames must have in common to go through the same context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    format: c_int,
    rate: c_int,
    channels: c_int,
    mask: u64,
}

/// A conversion to two channels that goes on from frame to frame.
pub struct Resampler {
    context: *mut ffi::SwrContext,
    form: Option<Form>,
    rate: u32,
}

// SAFETY: the only owner of the context, which is tied to no thread.
unsafe impl Send for Resampler {}

impl Resampler {
    /// To `rate` samples a second.
    pub fn new(rate: u32) -> Self {
        Self { context: ptr::null_mut(), form: None, rate }
    }

    /// Forgets what it holds back, to go on elsewhere.
    pub fn restart(&mut self) {
        self.form = None;
    }

    /// Adds what a frame gives to `into`: left and right. A few samples come with the next frame.
    ///
    /// # Errors
    /// [`Code`] when swresample does not take such sound, or memory is short.
    pub fn convert(&mut self, frame: &Frame, into: &mut Vec<[f32; 2]>) -> Result<(), Code> {
        // SAFETY: a live frame.
        let sound = unsafe { &*frame.as_ptr() };
        let form = form_of(sound);
        if form.rate < MIN_RATE {
            return Err(Code(ffi::AVERROR(ffi::EINVAL)));
        }
        if self.form != Some(form) {
            self.form = None;
            self.open(form)?;
            self.form = Some(form);
        }
        self.run(sound.extended_data.cast(), sound.nb_samples.max(0), into)
    }

    /// Adds what was held back: there are no more frames.
    ///
    /// # Errors
    /// As [`Self::convert`].
    pub fn finish(&mut self, into: &mut Vec<[f32; 2]>) -> Result<(), Code> {
        match self.form.take() {
            Some(_) => self.run(ptr::null_mut(), 0, into),
            None => Ok(()),
        }
    }

    fn open(&mut self, form: Form) -> Result<(), Code> {
        let rate = c_int::try_from(self.rate).unwrap_or(c_int::MAX);
        // SAFETY: layouts live on this stack; the format is checked by the library, which refuses what it does not
        // know; the old context is freed by the call or is null.
        unsafe {
            let (mut stereo, mut layout) = (std::mem::zeroed(), std::mem::zeroed());
            ffi::av_channel_layout_default(&mut stereo, 2);
            match form.mask {
                0 => ffi::av_channel_layout_default(&mut layout, form.channels),
                mask => Code::check(ffi::av_channel_layout_from_mask(&mut layout, mask)).map(drop)?,
            }
            let format = ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT;
            Code::check(ffi::swr_alloc_set_opts2(
                &mut self.context,
                &mut stereo,
                format,
                rate,
                &mut layout,
                sample_format(form.format).ok_or(Code(ffi::AVERROR(ffi::EINVAL)))?,
                form.rate,
                0,
                ptr::null_mut(),
            ))?;
            Code::check(ffi::swr_init(self.context)).map(drop)
        }
    }

    fn run(&mut self, data: *mut *const u8, samples: c_int, into: &mut Vec<[f32; 2]>) -> Result<(), Code> {
        // SAFETY: an open context; `data` has as many samples as stated in the form that the context was opened for, or
        // is null; no more is written than the room that is reserved, and as much is said to be there as was written.
        unsafe {
            let most = Code::check(ffi::swr_get_out_samples(self.context, samples))?;
            if most > MAX_SAMPLES {
                return Err(Code(ffi::AVERROR(ffi::ENOMEM)));
            }
            let room = usize::try_from(most).unwrap_or(0);
            into.try_reserve(room).map_err(|_| Code(ffi::AVERROR(ffi::ENOMEM)))?;
            let mut out = into.as_mut_ptr().add(into.len()).cast::<u8>();
            let written = Code::check(ffi::swr_convert(self.context, &mut out, most, data.cast(), samples))?;
            into.set_len(into.len() + usize::try_from(written).unwrap_or(0).min(room));
        }
        Ok(())
    }
}

impl Drop for Resampler {
    fn drop(&mut self) {
        // SAFETY: ours or null, which is allowed.
        unsafe { ffi::swr_free(&mut self.context) }
    }
}

fn form_of(sound: &ffi::AVFrame) -> Form {
    let layout = &sound.ch_layout;
    // SAFETY: the order is read as the integer it is, and tells that the union holds a mask.
    let mask = unsafe {
        let order = ptr::addr_of!(layout.order).cast::<c_int>().read();
        let is_native = order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as c_int;
        if is_native { layout.u.mask } else { 0 }
    };
    Form { format: sound.format, rate: sound.sample_rate, channels: layout.nb_channels, mask }
}

/// The format of a number; `None` for numbers that this library does not know.
fn sample_format(number: c_int) -> Option<ffi::AVSampleFormat> {
    use ffi::AVSampleFormat as Format;
    [
        Format::AV_SAMPLE_FMT_U8,
        Format::AV_SAMPLE_FMT_S16,
        Format::AV_SAMPLE_FMT_S32,
        Format::AV_SAMPLE_FMT_FLT,
        Format::AV_SAMPLE_FMT_DBL,
        Format::AV_SAMPLE_FMT_U8P,
        Format::AV_SAMPLE_FMT_S16P,
        Format::AV_SAMPLE_FMT_S32P,
        Format::AV_SAMPLE_FMT_FLTP,
        Format::AV_SAMPLE_FMT_DBLP,
        Format::AV_SAMPLE_FMT_S64,
        Format::AV_SAMPLE_FMT_S64P,
    ]
    .into_iter()
    .find(|format| *format as c_int == number)
}
