//! Owns one open encoder: frames in, packets out.

use std::ffi::{CStr, c_int};
use std::ptr;

use ffmpeg_next::ffi;

use super::frame::{Frame, taken};
use super::sound::sample_format;
use super::{Code, init, number};
use crate::encode::movie::choices::{EncoderChoice, Pixels, SoundChoice};
use crate::encode::movie::kind::{MovieColor, MovieQuality};
use crate::frame::{Matrix, Primaries, Transfer};
use crate::time::Rate;

/// Samples of a frame where the encoder takes any number.
const ANY_FRAME_SAMPLES: usize = 4800;

/// What an encoder is opened for.
#[derive(Debug, Clone)]
pub struct EncoderSettings {
    pub size: (u32, u32),
    pub rate: Rate,
    pub pixel_aspect: f32,
    pub color: MovieColor,
    pub threads: usize,
    pub quality: MovieQuality,
}

/// An open encoder.
pub struct Encoder(*mut ffi::AVCodecContext);

// SAFETY: the only owner of the context, which no thread but the one that calls uses; its own threads are FFmpeg's.
unsafe impl Send for Encoder {}

impl Encoder {
    /// Whether this FFmpeg has an encoder of that name.
    pub fn exists(name: &CStr) -> bool {
        // SAFETY: a text with an end; encoders are static.
        unsafe { !ffi::avcodec_find_encoder_by_name(name.as_ptr()).is_null() }
    }

    /// # Errors
    /// [`Code`] when there is none of that name, or it does not take such pictures.
    pub fn open(choice: &EncoderChoice, pixels: Pixels, settings: &EncoderSettings) -> Result<Self, Code> {
        let encoder = Self::of(choice.name)?;
        encoder.prepare(pixels, settings)?;
        encoder.start(choice.options(settings.quality))?;
        Ok(encoder)
    }

    /// An encoder of two channels of sound, and how many samples a frame has for it.
    ///
    /// # Errors
    /// [`Code`] when there is none of that name, or it does not take such sound.
    pub fn open_sound(choice: &SoundChoice, rate: u32) -> Result<(Self, usize), Code> {
        let encoder = Self::of(choice.name)?;
        // SAFETY: a context of ours that is not open yet.
        let context = unsafe { &mut *encoder.0 };
        context.sample_rate = number(rate)?;
        context.sample_fmt = sample_format(choice);
        context.bit_rate = choice.bits_per_second;
        context.bits_per_raw_sample = if choice.is_float { 0 } else { 24 };
        context.time_base = ffi::AVRational { num: 1, den: number(rate)? };
        context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
        // SAFETY: as above; the layout is written in place.
        unsafe { ffi::av_channel_layout_default(&mut context.ch_layout, 2) }
        encoder.start(std::iter::empty())?;
        // SAFETY: an open encoder of ours; encoders that take any number say zero.
        let samples = usize::try_from(unsafe { (*encoder.0).frame_size }).unwrap_or(0);
        Ok((encoder, if samples == 0 { ANY_FRAME_SAMPLES } else { samples }))
    }

    /// An encoder that is not open yet.
    fn of(name: &CStr) -> Result<Self, Code> {
        init();
        // SAFETY: a text with an end; encoders are static, and null is checked.
        let codec = unsafe { ffi::avcodec_find_encoder_by_name(name.as_ptr()) };
        if codec.is_null() {
            return Err(Code(ffi::AVERROR_ENCODER_NOT_FOUND));
        }
        // SAFETY: an encoder of the list; null is checked.
        let context = unsafe { ffi::avcodec_alloc_context3(codec) };
        if context.is_null() { Err(Code::NO_MEMORY) } else { Ok(Self(context)) }
    }

    fn start<'a>(&self, settings: impl Iterator<Item = (&'a CStr, &'a CStr)>) -> Result<(), Code> {
        let mut options = ptr::null_mut();
        // SAFETY: all pointers are alive; what the encoder leaves of the options is freed here.
        unsafe {
            for (name, value) in settings {
                ffi::av_dict_set(&mut options, name.as_ptr(), value.as_ptr(), 0);
            }
            let answer = ffi::avcodec_open2(self.0, (*self.0).codec, &mut options);
            ffi::av_dict_free(&mut options);
            Code::check(answer).map(drop)
        }
    }

    fn prepare(&self, pixels: Pixels, settings: &EncoderSettings) -> Result<(), Code> {
        let (rate_num, rate_den) = (number(settings.rate.num())?, number(settings.rate.den())?);
        // SAFETY: a context of ours that is not open yet.
        let context = unsafe { &mut *self.0 };
        (context.width, context.height) = (number(settings.size.0)?, number(settings.size.1)?);
        context.pix_fmt = taken(pixels);
        context.time_base = ffi::AVRational { num: rate_den, den: rate_num };
        context.framerate = ffi::AVRational { num: rate_num, den: rate_den };
        context.sample_aspect_ratio = aspect(settings.pixel_aspect);
        context.thread_count = number(settings.threads.max(1))?;
        context.flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as c_int;
        context.color_primaries = primaries(settings.color.primaries);
        context.color_trc = transfer(settings.color.transfer);
        if pixels.is_rgb() {
            context.colorspace = ffi::AVColorSpace::AVCOL_SPC_RGB;
            context.color_range = ffi::AVColorRange::AVCOL_RANGE_JPEG;
        } else {
            context.colorspace = matrix(settings.color.matrix);
            context.color_range = ffi::AVColorRange::AVCOL_RANGE_MPEG;
            context.chroma_sample_location = ffi::AVChromaLocation::AVCHROMA_LOC_LEFT;
        }
        Ok(())
    }

    /// Hands a frame in, or with `None` says that there are no more. All packets must be out before.
    ///
    /// # Errors
    /// [`Code`] when it cannot be encoded.
    pub fn send(&mut self, frame: Option<&Frame>) -> Result<(), Code> {
        let frame = frame.map_or(ptr::null_mut(), Frame::as_ptr);
        // SAFETY: an open encoder and a frame of ours or null.
        unsafe {
            if !frame.is_null() {
                self.tag(frame);
            }
            Code::check(ffi::avcodec_send_frame(self.0, frame)).map(drop)
        }
    }

    /// Some encoders look at the tags of frames and not at those they were opened with.
    ///
    /// # Safety
    /// `frame` points to a live frame.
    unsafe fn tag(&self, frame: *mut ffi::AVFrame) {
        // SAFETY: both are alive; enumerations of C are copied as the integers they are.
        macro_rules! copy {
            ($($from:ident => $to:ident),*) => {
                $(unsafe {
                    let value = ptr::addr_of!((*self.0).$from).cast::<c_int>().read();
                    ptr::addr_of_mut!((*frame).$to).cast::<c_int>().write(value);
                })*
            };
        }
        copy!(
            color_primaries => color_primaries,
            color_trc => color_trc,
            colorspace => colorspace,
            color_range => color_range,
            chroma_sample_location => chroma_location
        );
    }

    /// Takes a packet out; `None` when it needs another frame or all are out.
    ///
    /// # Errors
    /// [`Code`] when encoding failed.
    pub fn receive(&mut self) -> Result<Option<Packet>, Code> {
        let packet = Packet::new()?;
        // SAFETY: an open encoder and an empty packet of ours.
        match unsafe { ffi::avcodec_receive_packet(self.0, packet.as_ptr()) } {
            0.. => Ok(Some(packet)),
            ffi::AVERROR_EOF => Ok(None),
            code if code == ffi::AVERROR(ffi::EAGAIN) => Ok(None),
            code => Err(Code(code)),
        }
    }

    pub(super) fn as_ptr(&self) -> *const ffi::AVCodecContext {
        self.0
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards; joins the encoder's threads.
        unsafe { ffi::avcodec_free_context(&mut self.0) }
    }
}

/// One packet, in units of the encoder until it is written.
pub struct Packet(*mut ffi::AVPacket);

// SAFETY: the only owner of the packet; its bytes are counted references that any thread may drop.
unsafe impl Send for Packet {}

impl Packet {
    fn new() -> Result<Self, Code> {
        // SAFETY: allocates or gives null.
        let packet = unsafe { ffi::av_packet_alloc() };
        if packet.is_null() { Err(Code::NO_MEMORY) } else { Ok(Self(packet)) }
    }

    pub(super) fn as_ptr(&self) -> *mut ffi::AVPacket {
        self.0
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards.
        unsafe { ffi::av_packet_free(&mut self.0) }
    }
}

/// The fraction nearest to a pixel aspect.
fn aspect(pixel_aspect: f32) -> ffi::AVRational {
    // SAFETY: plain numbers.
    unsafe { ffi::av_d2q(f64::from(pixel_aspect), 255) }
}

fn primaries(primaries: Primaries) -> ffi::AVColorPrimaries {
    use ffi::AVColorPrimaries as Tag;
    match primaries {
        Primaries::Bt709 => Tag::AVCOL_PRI_BT709,
        Primaries::Bt2020 => Tag::AVCOL_PRI_BT2020,
        Primaries::P3D65 => Tag::AVCOL_PRI_SMPTE432,
        Primaries::P3Dci => Tag::AVCOL_PRI_SMPTE431,
        _ => Tag::AVCOL_PRI_UNSPECIFIED,
    }
}

fn transfer(transfer: Transfer) -> ffi::AVColorTransferCharacteristic {
    use ffi::AVColorTransferCharacteristic as Tag;
    match transfer {
        Transfer::Bt709 => Tag::AVCOL_TRC_BT709,
        Transfer::Srgb => Tag::AVCOL_TRC_IEC61966_2_1,
        Transfer::Gamma22 => Tag::AVCOL_TRC_GAMMA22,
        Transfer::Pq => Tag::AVCOL_TRC_SMPTE2084,
        Transfer::Hlg => Tag::AVCOL_TRC_ARIB_STD_B67,
        Transfer::Smpte428 => Tag::AVCOL_TRC_SMPTE428,
        _ => Tag::AVCOL_TRC_UNSPECIFIED,
    }
}

fn matrix(matrix: Matrix) -> ffi::AVColorSpace {
    match matrix {
        Matrix::Bt2020 => ffi::AVColorSpace::AVCOL_SPC_BT2020_NCL,
        _ => ffi::AVColorSpace::AVCOL_SPC_BT709,
    }
}
