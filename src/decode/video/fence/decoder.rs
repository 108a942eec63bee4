//! Owns one open decoder: packets in, frames out.

use std::ptr;

use ffmpeg_next::ffi;

use super::{Code, Frame, Input, Packet, init, stream};
use crate::decode::DecodeError;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Taken,
    /// Frames must be taken out first; send it again.
    Full,
    /// It could not be decoded; the next one may be.
    Damaged,
}

/// What a decoder had to give.
pub enum Received {
    Frame(Frame),
    /// It needs another packet.
    Hungry,
    /// All frames of the last packets are out.
    Ended,
    /// One packet could not be decoded; the next one may be.
    Damaged,
}

/// An open decoder.
pub struct Decoder(*mut ffi::AVCodecContext);

// SAFETY: the only owner of the context, which no thread but the one that calls uses; its own threads are FFmpeg's.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder for the picture stream of `input` on `threads` threads that refuses pictures of more than
    /// `max_pixels`.
    ///
    /// # Errors
    /// [`DecodeError`] when this FFmpeg has no decoder for it or its parameters are damaged.
    pub fn open(input: &Input, threads: usize, max_pixels: u64) -> Result<Self, DecodeError> {
        init();
        let parameters = input.parameters();
        // SAFETY: the parameters live as long as the input; the codec is one of the library's list.
        let codec = unsafe { find(stream::codec_number(parameters)) };
        if codec.is_null() {
            let name = &input.facts().codec;
            return Err(DecodeError::not_supported(format!("this FFmpeg has no decoder for {name}")));
        }
        // SAFETY: a codec of the list; null is checked below.
        let context = unsafe { ffi::avcodec_alloc_context3(codec) };
        if context.is_null() {
            return Err(Code(ffi::AVERROR(ffi::ENOMEM)).explain("opening the decoder"));
        }
        let decoder = Self(context);
        let (num, den) = input.facts().time_base;
        // SAFETY: all pointers are alive; the fields are set before the decoder is opened.
        let opened = unsafe {
            (*context).pkt_timebase = ffi::AVRational { num, den };
            (*context).thread_count = i32::try_from(threads.max(1)).unwrap_or(1);
            (*context).thread_type = ffi::FF_THREAD_FRAME | ffi::FF_THREAD_SLICE;
            (*context).max_pixels = i64::try_from(max_pixels).unwrap_or(i64::MAX);
            Code::check(ffi::avcodec_parameters_to_context(context, parameters)).and_then(|_| {
                (*context).flags |= ffi::AV_CODEC_FLAG_UNALIGNED as i32;
                Code::check(ffi::avcodec_open2(context, codec, ptr::null_mut()))
            })
        };
        opened.map_err(|code| code.explain("opening the decoder"))?;
        Ok(decoder)
    }

    /// Hands a packet in, or with `None` says that there are no more.
    pub fn send(&mut self, packet: Option<&Packet>) -> Sent {
        let packet = packet.map_or(ptr::null_mut(), Packet::as_ptr);
        // SAFETY: an open decoder and a valid packet or null.
        let answer = unsafe { ffi::avcodec_send_packet(self.0, packet) };
        match answer {
            0.. | ffi::AVERROR_EOF => Sent::Taken,
            code if code == ffi::AVERROR(ffi::EAGAIN) => Sent::Full,
            _ => Sent::Damaged,
        }
    }

    /// Takes a frame out.
    pub fn receive(&mut self) -> Received {
        let Some(frame) = Frame::new() else { return Received::Damaged };
        // SAFETY: an open decoder and an empty frame of ours.
        let answer = unsafe { ffi::avcodec_receive_frame(self.0, frame.as_ptr()) };
        match answer {
            0.. => Received::Frame(frame),
            ffi::AVERROR_EOF => Received::Ended,
            code if code == ffi::AVERROR(ffi::EAGAIN) => Received::Hungry,
            _ => Received::Damaged,
        }
    }

    /// Whether pictures that no other needs are left out of the packets that follow.
    pub fn skip_unneeded(&mut self, skips: bool) {
        let kind = if skips { ffi::AVDiscard::AVDISCARD_NONREF } else { ffi::AVDiscard::AVDISCARD_DEFAULT };
        // SAFETY: an open decoder; the field is read when the next packet is sent.
        unsafe { (*self.0).skip_frame = kind }
    }

    /// Forgets all packets, to go on elsewhere.
    pub fn flush(&mut self) {
        // SAFETY: an open decoder.
        unsafe { ffi::avcodec_flush_buffers(self.0) }
    }

    /// Width and height of the pictures before they are cropped, of what was decoded last.
    pub fn coded_size(&self) -> (u32, u32) {
        // SAFETY: an open decoder.
        let context = unsafe { &*self.0 };
        let size = |value: i32| u32::try_from(value).unwrap_or(0);
        (size(context.coded_width), size(context.coded_height))
    }

    /// Frames that the decoder itself may hold: those it decodes at once, those it reorders and its references.
    pub fn held_frames(&self) -> usize {
        // SAFETY: an open decoder.
        let context = unsafe { &*self.0 };
        let count = |value: i32| usize::try_from(value).unwrap_or(0);
        count(context.thread_count) + count(context.has_b_frames) + count(context.refs)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: ours, and not used afterwards; joins the decoder's threads.
        unsafe { ffi::avcodec_free_context(&mut self.0) }
    }
}

/// The first decoder of the library's list for a codec, an experimental one only when there is no other.
///
/// # Safety
/// None beyond that the list of codecs is static.
unsafe fn find(number: i32) -> *const ffi::AVCodec {
    let (mut place, mut second) = (ptr::null_mut(), ptr::null());
    loop {
        // SAFETY: the library's own iteration; codecs are static.
        unsafe {
            let codec = ffi::av_codec_iterate(&mut place);
            if codec.is_null() {
                return second;
            }
            if stream::number_of_codec(codec) != number || ffi::av_codec_is_decoder(codec) == 0 {
                continue;
            }
            if (*codec).capabilities & ffi::AV_CODEC_CAP_EXPERIMENTAL as i32 == 0 {
                return codec;
            }
            second = codec;
        }
    }
}
