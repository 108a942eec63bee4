//! What FFmpeg says of the streams of a file, as plain values.

use std::ffi::c_int;
use std::ptr;

use ffmpeg_next::ffi;

use super::{raw_text, text_of};

/// Names and values that are kept, of all streams together.
pub(super) const MAX_TEXTS: usize = 512;

/// Colour as FFmpeg's numbers, which are those of ITU-T H.273 where that has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RawColor {
    pub matrix: i32,
    pub range: i32,
    pub primaries: i32,
    pub transfer: i32,
    /// `AVChromaLocation`.
    pub siting: i32,
}

/// An enumeration's field as the integer it is.
macro_rules! number {
    ($value:expr, $field:ident) => {
        ptr::addr_of!((*$value).$field).cast::<c_int>().read()
    };
}

impl RawColor {
    /// # Safety
    /// `frame` points to a live frame.
    pub(super) unsafe fn of_frame(frame: *const ffi::AVFrame) -> Self {
        // SAFETY: alive; enumerations of C are as large as an `int`.
        unsafe {
            Self {
                matrix: number!(frame, colorspace),
                range: number!(frame, color_range),
                primaries: number!(frame, color_primaries),
                transfer: number!(frame, color_trc),
                siting: number!(frame, chroma_location),
            }
        }
    }

    /// # Safety
    /// `parameters` points to live parameters.
    pub(super) unsafe fn of_parameters(parameters: *const ffi::AVCodecParameters) -> Self {
        // SAFETY: alive; enumerations of C are as large as an `int`.
        unsafe {
            Self {
                matrix: number!(parameters, color_space),
                range: number!(parameters, color_range),
                primaries: number!(parameters, color_primaries),
                transfer: number!(parameters, color_trc),
                siting: number!(parameters, chroma_location),
            }
        }
    }
}

/// # Safety
/// `parameters` points to live parameters.
pub(super) unsafe fn kind_of(parameters: *const ffi::AVCodecParameters) -> c_int {
    // SAFETY: alive; enumerations of C are as large as an `int`.
    unsafe { number!(parameters, codec_type) }
}

/// # Safety
/// `parameters` points to live parameters.
pub(super) unsafe fn codec_number(parameters: *const ffi::AVCodecParameters) -> c_int {
    // SAFETY: alive; enumerations of C are as large as an `int`.
    unsafe { number!(parameters, codec_id) }
}

/// # Safety
/// `codec` points to a codec of the library's list.
pub(super) unsafe fn number_of_codec(codec: *const ffi::AVCodec) -> c_int {
    // SAFETY: codecs are static; enumerations of C are as large as an `int`.
    unsafe { number!(codec, id) }
}

/// # Safety
/// `descriptor` points to a descriptor of the library's list.
pub(super) unsafe fn number_of_descriptor(descriptor: *const ffi::AVCodecDescriptor) -> c_int {
    // SAFETY: descriptors are static; enumerations of C are as large as an `int`.
    unsafe { number!(descriptor, id) }
}

/// The stream of a file that is read. Fractions are as the file states them, 0 over something when unknown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamFacts {
    /// Names of the demuxer, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    pub codec: String,
    /// Decoded frames may come out in another order than their packets.
    pub reorders: bool,
    pub width: u32,
    pub height: u32,
    pub pixel_format: i32,
    pub color: RawColor,
    pub pixel_aspect: (i32, i32),
    pub time_base: (i32, i32),
    pub average_rate: (i32, i32),
    pub base_rate: (i32, i32),
    /// In units of the time base, [`super::NO_TIME`] when unknown.
    pub duration: i64,
    /// Of the whole file, in microseconds.
    pub file_duration: i64,
    /// As the header says, 0 when it does not.
    pub frames: i64,
    /// The display matrix of ISO 14496-12, row after row: 16.16 fixed point, the third column 2.30.
    pub display_matrix: Option<[i32; 9]>,
    /// Names and values of the file and of its streams, as in the file.
    pub texts: Vec<(String, String)>,
    pub audio: Vec<AudioFacts>,
    /// The container has timestamps of its own.
    pub has_times: bool,
}

/// One sound stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioFacts {
    pub codec: String,
    pub sample_rate: u32,
    pub channels: u32,
    /// As in the file, `""` when not stated.
    pub language: String,
}

/// All names and values.
pub(super) fn dictionary(dictionary: *mut ffi::AVDictionary) -> Vec<(String, String)> {
    let (mut texts, mut last) = (Vec::new(), ptr::null_mut());
    // SAFETY: null is an empty dictionary; an entry stays where it is as long as nobody writes.
    unsafe {
        loop {
            last = ffi::av_dict_get(dictionary, c"".as_ptr(), last, ffi::AV_DICT_IGNORE_SUFFIX as c_int);
            if last.is_null() || texts.len() >= MAX_TEXTS {
                return texts;
            }
            texts.push((raw_text((*last).key), raw_text((*last).value)));
        }
    }
}

pub(super) fn declared_size(stream: &ffi::AVStream) -> (u32, u32) {
    // SAFETY: a live stream has parameters.
    let size =
        unsafe { stream.codecpar.as_ref() }.map_or((0, 0), |declared| (declared.width, declared.height));
    (u32::try_from(size.0).unwrap_or(0), u32::try_from(size.1).unwrap_or(0))
}

pub(super) fn audio_facts(stream: &ffi::AVStream) -> Option<AudioFacts> {
    // SAFETY: a live stream has parameters.
    let (kind, number, parameters) = unsafe {
        let parameters = stream.codecpar.as_ref()?;
        (kind_of(parameters), codec_number(parameters), parameters)
    };
    let texts = || dictionary(stream.metadata).into_iter();
    (kind == ffi::AVMediaType::AVMEDIA_TYPE_AUDIO as c_int).then(|| AudioFacts {
        codec: codec_name(number),
        sample_rate: u32::try_from(parameters.sample_rate).unwrap_or(0),
        channels: u32::try_from(parameters.ch_layout.nb_channels).unwrap_or(0),
        language: texts().find(|(name, _)| name == "language").map(|(_, value)| value).unwrap_or_default(),
    })
}

fn descriptor(number: c_int) -> Option<&'static ffi::AVCodecDescriptor> {
    let mut last = ptr::null();
    // SAFETY: the library's own iteration over static descriptors.
    unsafe {
        loop {
            last = ffi::avcodec_descriptor_next(last);
            if last.is_null() || number_of_descriptor(last) == number {
                return last.as_ref();
            }
        }
    }
}

pub(super) fn codec_name(number: c_int) -> String {
    descriptor(number).map_or_else(|| "unknown".into(), |descriptor| text_of(descriptor.name))
}

pub(super) fn codec_reorders(number: c_int) -> bool {
    descriptor(number).is_none_or(|descriptor| descriptor.props & ffi::AV_CODEC_PROP_REORDER as c_int != 0)
}
