//! Owns one open container over a file: a stream of pictures and its packets, header and end.

use std::ffi::{CStr, CString, c_int};
use std::fs::File;
use std::io;
use std::ptr;

use ffmpeg_next::ffi;

use super::encoder::{Encoder, Packet};
use super::io::Io;
use super::{Code, init};

/// What players of QuickTime look for in HEVC; the usual tag of FFmpeg is one that they refuse.
const HVC1: u32 = u32::from_le_bytes(*b"hvc1");

/// Why writing ended.
#[derive(Debug)]
pub enum MuxError {
    Io(io::Error),
    Code(Code),
}

/// A container that is being written. Goes before its file.
pub struct Muxer {
    context: *mut ffi::AVFormatContext,
    io: Io,
    /// Of the encoders, by stream.
    time_bases: Vec<ffi::AVRational>,
}

// SAFETY: the only owner of the context, which is tied to no thread.
unsafe impl Send for Muxer {}

impl Muxer {
    /// # Errors
    /// [`Code`] when this FFmpeg has no such container, or memory is short.
    pub fn new(file: File, container: &CStr) -> Result<Self, Code> {
        init();
        let io = Io::new(file)?;
        let mut context = ptr::null_mut();
        // SAFETY: the context is null and then ours; the other pointers are texts with an end, or null.
        Code::check(unsafe {
            let no_format = ptr::null_mut();
            ffi::avformat_alloc_output_context2(&mut context, no_format, container.as_ptr(), ptr::null())
        })?;
        // SAFETY: made right above; the bytes live longer than the context.
        unsafe {
            (*context).pb = io.as_ptr();
            (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
        }
        Ok(Self { context, io, time_bases: Vec::new() })
    }

    /// Adds the stream of an encoder and gives its number; before [`Self::begin`].
    ///
    /// # Errors
    /// [`Code`] when memory is short.
    pub fn add(&mut self, encoder: &Encoder, texts: &[(&CStr, &str)]) -> Result<usize, Code> {
        // SAFETY: an open context and an open encoder; the stream is the context's, and nobody else has a reference.
        unsafe {
            let stream = ffi::avformat_new_stream(self.context, ptr::null());
            if stream.is_null() {
                return Err(Code::NO_MEMORY);
            }
            let coding = &*encoder.as_ptr();
            Code::check(ffi::avcodec_parameters_from_context((*stream).codecpar, coding))?;
            (*stream).time_base = coding.time_base;
            (*stream).avg_frame_rate = coding.framerate;
            (*stream).r_frame_rate = coding.framerate;
            (*stream).sample_aspect_ratio = coding.sample_aspect_ratio;
            self.name_hevc((*stream).codecpar);
            for (name, value) in texts {
                let value = CString::new(*value).unwrap_or_default();
                ffi::av_dict_set(&mut (*stream).metadata, name.as_ptr(), value.as_ptr(), 0);
            }
            self.time_bases.push(coding.time_base);
        }
        Ok(self.time_bases.len() - 1)
    }

    /// # Safety
    /// `parameters` points to live parameters.
    unsafe fn name_hevc(&self, parameters: *mut ffi::AVCodecParameters) {
        // SAFETY: an open context has its format, which is static; enumerations of C are as large as an `int`.
        unsafe {
            let codec = ptr::addr_of!((*parameters).codec_id).cast::<c_int>().read();
            let name = CStr::from_ptr((*(*self.context).oformat).name);
            if codec == ffi::AVCodecID::AV_CODEC_ID_HEVC as c_int && name != c"matroska" {
                (*parameters).codec_tag = HVC1;
            }
        }
    }

    /// Writes what comes before the packets; `index_bytes` leaves so much free for the index of QuickTime and MP4, which
    /// otherwise comes last. FFmpeg's own way of putting it first reads the file by its name, and here it has none.
    ///
    /// # Errors
    /// [`MuxError`] when the container does not take a stream, or the disk fails.
    pub fn begin(&mut self, index_bytes: Option<u64>) -> Result<(), MuxError> {
        let mut options = ptr::null_mut();
        // SAFETY: an open context of ours; what is left of the options is freed here.
        let answer = unsafe {
            // What is too much for the option is no movie of this world: its index comes last.
            if let Some(bytes) = index_bytes.and_then(|bytes| c_int::try_from(bytes).ok()) {
                ffi::av_dict_set_int(&mut options, c"moov_size".as_ptr(), i64::from(bytes), 0);
            }
            let answer = ffi::avformat_write_header(self.context, &mut options);
            ffi::av_dict_free(&mut options);
            answer
        };
        self.check(answer)
    }

    /// Writes a packet of a stream, in the order in which streams are played side by side.
    ///
    /// # Errors
    /// [`MuxError`] when the disk fails.
    pub fn write(&mut self, stream: usize, packet: &mut Packet) -> Result<(), MuxError> {
        let from = self.time_bases[stream];
        // SAFETY: an open context that has the stream, and a packet of ours, whose bytes the call takes.
        let answer = unsafe {
            let to = (**(*self.context).streams.add(stream)).time_base;
            let packet = packet.as_ptr();
            (*packet).stream_index = stream as c_int;
            // A picture lasts one unit of its encoder, which some encoders leave out.
            if (*packet).duration == 0 {
                (*packet).duration = 1;
            }
            ffi::av_packet_rescale_ts(packet, from, to);
            ffi::av_interleaved_write_frame(self.context, packet)
        };
        self.check(answer)
    }

    /// Writes what comes after the packets; the file is then complete.
    ///
    /// # Errors
    /// [`MuxError`] when the disk fails.
    pub fn finish(mut self) -> Result<(), MuxError> {
        // SAFETY: an open context whose header is written.
        let answer = unsafe { ffi::av_write_trailer(self.context) };
        self.check(answer)?;
        self.io.flush().map_err(MuxError::Io)
    }

    /// What the system said is told rather than what FFmpeg made of it.
    fn check(&mut self, answer: c_int) -> Result<(), MuxError> {
        match (self.io.take_error(), Code::check(answer)) {
            (Some(error), _) => Err(MuxError::Io(error)),
            (None, Err(code)) => Err(MuxError::Code(code)),
            (None, Ok(_)) => Ok(()),
        }
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards; the bytes are not the context's.
        unsafe { ffi::avformat_free_context(self.context) }
    }
}
