//! Owns one open demuxer over one [`Source`]: what streams there are, packets of the picture stream, seeking. Opens no
//! other file and no address, whatever the file asks for.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use ffmpeg_next::ffi;
use ffmpeg_next::format::context;

use super::gate::{Gate, StopCause};
use super::io::Io;
use super::source::Source;
use super::stream::{
    self, RawColor, StreamFacts, audio_facts, codec_name, codec_reorders, declared_size, dictionary,
};
use super::{Code, Packet, init, text_of};
use crate::decode::DecodeError;

/// Containers that hold one movie and nothing but it. Playlists, slide shows and stream descriptions name other files.
const CONTAINERS: &CStr =
    c"mov,mp4,matroska,webm,avi,mxf,mpegts,mpeg,mpegvideo,h264,hevc,ivf,obu,dv,flv,gif,\
    yuv4mpegpipe,m4v,nut,asf,ogg,dpx_pipe,j2k_pipe,sgi_pipe,bmp_pipe,webp_pipe";
/// Streams; a container declares each in a few bytes.
const MAX_STREAMS: &CStr = c"256";
/// Bytes that are looked at to find out what a file is.
const PROBE_BYTES: &CStr = c"20000000";
/// Microseconds of the movie that are looked at.
const ANALYZE_MICROS: &CStr = c"5000000";
/// Containers that hold sound, beside those above.
const SOUND_CONTAINERS: &CStr =
    c"mov,mp4,matroska,webm,avi,mxf,mpegts,mpeg,dv,flv,nut,asf,ogg,wav,w64,aiff,caf,au,mp3,flac,aac,ac3,eac3,wv,voc";
const NO_PICTURES: &str = "it has no moving pictures";
const NO_SOUND: &str = "it has no sound";

/// Which of its streams is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Picture,
    Sound,
    /// The right channel, where each has a stream of its own.
    Partner,
}

impl Kind {
    fn containers(self) -> &'static CStr {
        match self {
            Self::Picture => CONTAINERS,
            Self::Sound | Self::Partner => SOUND_CONTAINERS,
        }
    }

    fn of_ffmpeg(self) -> ffi::AVMediaType {
        match self {
            Self::Picture => ffi::AVMediaType::AVMEDIA_TYPE_VIDEO,
            Self::Sound | Self::Partner => ffi::AVMediaType::AVMEDIA_TYPE_AUDIO,
        }
    }

    fn missing(self) -> DecodeError {
        DecodeError::not_supported(match self {
            Self::Picture => NO_PICTURES,
            Self::Sound | Self::Partner => NO_SOUND,
        })
    }
}

/// What reading gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    Packet,
    Ended,
    /// The gate closed: the demuxer has lost its place.
    Stopped,
    /// The disk or the container failed here.
    Failed(Code),
}

/// Where to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The last key packet at or before a time, in units of the stream.
    Time(i64),
    Byte(i64),
}

/// An open file. Closes its demuxer before its bytes.
pub struct Input {
    context: context::Input,
    io: Io,
    // The demuxer has its address.
    gate: Arc<Gate>,
    kind: Kind,
    stream: usize,
    facts: StreamFacts,
}

impl Input {
    /// Opens what `source` holds and finds its picture stream. The gate is asked while that takes.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no movie of the known kinds, is damaged, declares more than `max_pixels` a picture or
    /// more streams than the limit, or takes too long.
    pub fn open(source: Source, gate: Arc<Gate>, max_pixels: u64) -> Result<Self, DecodeError> {
        let mut input = Self::of(source, gate, Kind::Picture)?;
        input.find_streams(max_pixels)?;
        Ok(input)
    }

    /// Opens what `source` holds and finds its sound: the stream that goes with the pictures, else the best.
    ///
    /// # Errors
    /// As [`Input::open`]; when it has no sound.
    pub fn open_sound(source: Source, gate: Arc<Gate>, max_pixels: u64) -> Result<Self, DecodeError> {
        let mut input = Self::of(source, gate, Kind::Sound)?;
        input.find_streams(max_pixels)?;
        Ok(input)
    }

    /// The same for the stream that [`Input::has_partner`] tells of.
    ///
    /// # Errors
    /// As [`Input::open_sound`].
    pub fn open_partner(source: Source, gate: Arc<Gate>, max_pixels: u64) -> Result<Self, DecodeError> {
        let mut input = Self::of(source, gate, Kind::Partner)?;
        input.find_streams(max_pixels)?;
        Ok(input)
    }

    /// Opens what `source` holds, which is one picture: nothing is decoded to find out more.
    ///
    /// # Errors
    /// [`DecodeError`] when it cannot be opened.
    pub fn open_single(source: Source, gate: Arc<Gate>) -> Result<Self, DecodeError> {
        let mut input = Self::of(source, gate, Kind::Picture)?;
        input.take_stream()?;
        Ok(input)
    }

    fn take_stream(&mut self) -> Result<(), DecodeError> {
        self.stream = self.choose_stream().ok_or_else(|| self.kind.missing())?;
        self.facts = self.gather_facts();
        self.discard_others();
        Ok(())
    }

    /// Opens what `source` holds, of which the header lists all packets: they have their times and places, but zeros for
    /// bytes, and nothing is read for them.
    ///
    /// # Errors
    /// [`DecodeError`] when it cannot be opened.
    pub fn skim(source: Source, gate: Arc<Gate>) -> Result<Self, DecodeError> {
        let mut input = Self::of(source, gate, Kind::Picture)?;
        // Nobody may look into the zeros.
        let flags = ffi::AVFMT_FLAG_NOPARSE | ffi::AVFMT_FLAG_NOFILLIN;
        // SAFETY: an open context of ours.
        unsafe { (*input.context.as_mut_ptr()).flags |= flags as c_int };
        input.take_stream()?;
        input.io.skim();
        Ok(input)
    }

    fn of(source: Source, gate: Arc<Gate>, kind: Kind) -> Result<Self, DecodeError> {
        init();
        let no_memory = || Code(ffi::AVERROR(ffi::ENOMEM)).explain("opening it");
        let io = Io::new(source).ok_or_else(no_memory)?;
        let context = open_container(&io, &gate, kind.containers()).map_err(|code| explain(code, &gate))?;
        Ok(Self { context, io, gate, kind, stream: 0, facts: StreamFacts::default() })
    }

    fn find_streams(&mut self, max_pixels: u64) -> Result<(), DecodeError> {
        // FFmpeg forgets sizes that its decoders refuse.
        let declared: Vec<_> = self.streams().iter().map(|stream| declared_size(stream)).collect();
        let analysed = self.analyse(max_pixels);
        if self.gate.must_stop().is_some() {
            return Err(explain(Code(ffi::AVERROR_EXIT), &self.gate));
        }
        self.stream = self.choose_stream().ok_or_else(|| match analysed {
            Ok(_) => self.kind.missing(),
            Err(code) => explain(code, &self.gate),
        })?;
        self.facts = self.gather_facts();
        self.discard_others();
        let found = (self.facts.width, self.facts.height);
        let (width, height) =
            if found == (0, 0) { declared.get(self.stream).copied().unwrap_or(found) } else { found };
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(DecodeError::damaged(format!(
                "it declares {width} x {height} pixels; the limit is {max_pixels} pixels"
            )));
        }
        Ok(())
    }

    /// Lets FFmpeg look at the first packets, with the same limit on pictures as the decoder has.
    fn analyse(&mut self, max_pixels: u64) -> Result<c_int, Code> {
        let limit = CString::new(max_pixels.to_string()).unwrap_or_default();
        let count = self.streams().len();
        let mut options: Vec<*mut ffi::AVDictionary> = vec![ptr::null_mut(); count];
        // SAFETY: one dictionary a stream, as the call demands; what it leaves of them is freed here.
        unsafe {
            for dictionary in &mut options {
                ffi::av_dict_set(dictionary, c"max_pixels".as_ptr(), limit.as_ptr(), 0);
            }
            let answer = ffi::avformat_find_stream_info(self.context.as_mut_ptr(), options.as_mut_ptr());
            options.iter_mut().for_each(|dictionary| ffi::av_dict_free(dictionary));
            Code::check(answer)
        }
    }

    fn choose_stream(&self) -> Option<usize> {
        // SAFETY: an open context; no decoder is asked for.
        let best = unsafe {
            let (context, kind) = (self.context.as_ptr().cast_mut(), self.kind.of_ffmpeg());
            ffi::av_find_best_stream(context, kind, -1, -1, ptr::null_mut(), 0)
        };
        let best = usize::try_from(best).ok()?;
        let is_cover = self.streams().get(best)?.disposition & ffi::AV_DISPOSITION_ATTACHED_PIC as c_int != 0;
        if self.kind == Kind::Partner {
            return self.partner_of(best);
        }
        (!is_cover).then_some(best)
    }

    /// The next stream of a single channel that is in all else like this one: cameras and broadcast files have left and
    /// right in streams of their own, in this order.
    fn partner_of(&self, stream: usize) -> Option<usize> {
        let streams = self.streams();
        let facts = audio_facts(streams.get(stream)?).filter(|facts| facts.channels == 1)?;
        let is_like =
            |at: &usize| streams.get(*at).and_then(|stream| audio_facts(stream)).as_ref() == Some(&facts);
        (stream + 1..streams.len()).find(is_like)
    }

    /// Whether the sound is the left channel of two that have streams of their own.
    pub fn has_partner(&self) -> bool {
        self.kind == Kind::Sound && self.partner_of(self.stream).is_some()
    }

    fn streams(&self) -> Vec<&ffi::AVStream> {
        // SAFETY: the context lists as many streams as it counts, all alive as long as it is.
        unsafe {
            let context = &*self.context.as_ptr();
            (0..context.nb_streams as usize).filter_map(|at| (*context.streams.add(at)).as_ref()).collect()
        }
    }

    fn discard_others(&mut self) {
        // SAFETY: as in `streams`; nothing else has a reference to a stream now.
        unsafe {
            let context = self.context.as_ptr();
            for at in (0..(*context).nb_streams as usize).filter(|at| *at != self.stream) {
                (**(*context).streams.add(at)).discard = ffi::AVDiscard::AVDISCARD_ALL;
            }
        }
    }

    /// What is known of the stream that is read.
    pub fn facts(&self) -> &StreamFacts {
        &self.facts
    }

    /// The parameters of the stream that is read, alive as long as the input.
    pub(super) fn parameters(&self) -> *const ffi::AVCodecParameters {
        self.streams().get(self.stream).map_or(ptr::null(), |stream| stream.codecpar.cast_const())
    }

    /// What a decoder needs before the first packet, as the container has it.
    pub fn extradata(&self) -> &[u8] {
        // SAFETY: the parameters live as long as the input and have as many bytes as they state.
        unsafe {
            let Some(parameters) = self.parameters().as_ref() else { return &[] };
            let size = usize::try_from(parameters.extradata_size).unwrap_or(0);
            let data = parameters.extradata;
            if data.is_null() { &[] } else { std::slice::from_raw_parts(data, size) }
        }
    }

    /// Reads the next packet of the stream.
    pub fn read(&mut self, packet: &mut Packet) -> Read {
        loop {
            packet.clear();
            self.gate.again();
            // SAFETY: an open context and an empty packet of ours.
            let answer = unsafe { ffi::av_read_frame(self.context.as_mut_ptr(), packet.as_ptr()) };
            match answer {
                0.. if packet.stream() == self.stream => return Read::Packet,
                0.. => {}
                ffi::AVERROR_EXIT => return Read::Stopped,
                _ if self.gate.must_stop().is_some() => return Read::Stopped,
                ffi::AVERROR_EOF => return Read::Ended,
                code => return Read::Failed(Code(code)),
            }
            // Streams without pictures may be long.
            if self.gate.must_stop() == Some(StopCause::Closed) {
                return Read::Stopped;
            }
        }
    }

    /// Goes somewhere; where that really was, the next packet tells.
    pub fn seek(&mut self, reach: Reach) -> bool {
        self.gate.again();
        let (to, flags) = match reach {
            Reach::Time(time) => (time, ffi::AVSEEK_FLAG_BACKWARD),
            Reach::Byte(byte) => (byte, ffi::AVSEEK_FLAG_BYTE),
        };
        // SAFETY: an open context and a stream of it.
        unsafe { ffi::av_seek_frame(self.context.as_mut_ptr(), self.stream as c_int, to, flags) >= 0 }
    }

    /// Whether times of this container may repeat or jump, so that only places in the file are exact.
    pub fn seeks_by_byte(&self) -> bool {
        // SAFETY: an open context has its format, which is static.
        let flags = unsafe { (*(*self.context.as_ptr()).iformat).flags };
        flags & ffi::AVFMT_TS_DISCONT as c_int != 0 && flags & ffi::AVFMT_NO_BYTE_SEEK as c_int == 0
    }

    /// The container's own list of packets of the picture stream, in decoding order: byte, time, is it a key, is it
    /// only decoded. The times are those of decoding.
    pub fn entries(&mut self) -> Vec<(i64, i64, bool, bool)> {
        // SAFETY: a stream of the open context; an entry is read before the next call.
        unsafe {
            let stream = *(*self.context.as_ptr()).streams.add(self.stream);
            (0..ffi::avformat_index_get_entries_count(stream))
                .filter_map(|at| ffi::avformat_index_get_entry(stream, at).as_ref())
                .map(|entry| {
                    let flags = entry.flags();
                    let has = |flag: c_int| flags & flag != 0;
                    (entry.pos, entry.timestamp, has(ffi::AVINDEX_KEYFRAME), has(ffi::AVINDEX_DISCARD_FRAME))
                })
                .collect()
        }
    }

    fn gather_facts(&self) -> StreamFacts {
        let streams = self.streams();
        let Some(stream) = streams.get(self.stream) else { return StreamFacts::default() };
        let ratio = |value: ffi::AVRational| (value.num, value.den);
        // SAFETY: context, stream and parameters are alive; descriptors are static.
        unsafe {
            let context = &*self.context.as_ptr();
            let parameters = &*stream.codecpar;
            let number = stream::codec_number(parameters);
            let aspect = match stream.sample_aspect_ratio {
                unknown if unknown.num <= 0 => parameters.sample_aspect_ratio,
                stated => stated,
            };
            StreamFacts {
                container: text_of((*context.iformat).name),
                codec: codec_name(number),
                reorders: codec_reorders(number),
                width: u32::try_from(parameters.width).unwrap_or(0),
                height: u32::try_from(parameters.height).unwrap_or(0),
                pixel_format: parameters.format,
                color: RawColor::of_parameters(parameters),
                pixel_aspect: ratio(aspect),
                time_base: ratio(stream.time_base),
                average_rate: ratio(stream.avg_frame_rate),
                base_rate: ratio(stream.r_frame_rate),
                duration: stream.duration,
                file_duration: context.duration,
                frames: stream.nb_frames,
                display_matrix: self.display_matrix(),
                texts: self.texts(&streams),
                audio: streams.iter().filter_map(|stream| audio_facts(stream)).collect(),
                has_times: (*context.iformat).flags & ffi::AVFMT_NOTIMESTAMPS as c_int == 0,
            }
        }
    }

    fn display_matrix(&self) -> Option<[i32; 9]> {
        use ffmpeg_next::codec::packet::side_data::Type;
        let stream = self.context.stream(self.stream)?;
        let matrix = stream.side_data().find(|data| data.kind() == Type::DisplayMatrix)?;
        let (numbers, _) = matrix.data().as_chunks::<4>();
        numbers.first_chunk::<9>().map(|numbers| numbers.map(i32::from_ne_bytes))
    }

    /// Texts of the file, then of the picture stream, then of the others (time code has a stream of its own).
    fn texts(&self, streams: &[&ffi::AVStream]) -> Vec<(String, String)> {
        // SAFETY: an open context.
        let file = unsafe { (*self.context.as_ptr()).metadata };
        let own = streams.get(self.stream).map_or(ptr::null_mut(), |stream| stream.metadata);
        let others = streams.iter().enumerate().filter(|(at, _)| *at != self.stream);
        let all = [file, own].into_iter().chain(others.map(|(_, stream)| stream.metadata));
        all.flat_map(dictionary).take(stream::MAX_TEXTS).collect()
    }
}

/// Opens the container alone.
fn open_container(io: &Io, gate: &Arc<Gate>, containers: &CStr) -> Result<context::Input, Code> {
    // SAFETY: the context is ours until `avformat_open_input`, which frees it when it fails; gate and bytes outlive it
    // as fields of `Input` that are dropped after it.
    unsafe {
        let mut context = ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(Code(ffi::AVERROR(ffi::ENOMEM)));
        }
        (*context).pb = io.as_ptr();
        (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO as c_int;
        (*context).io_open = Some(refuse_to_open);
        (*context).interrupt_callback =
            ffi::AVIOInterruptCB { callback: Some(ask_gate), opaque: Arc::as_ptr(gate).cast_mut().cast() };
        let mut options = ptr::null_mut();
        for (name, value) in [
            (c"format_whitelist", containers),
            (c"protocol_whitelist", c"file,pipe"),
            (c"max_streams", MAX_STREAMS),
            (c"probesize", PROBE_BYTES),
            (c"analyzeduration", ANALYZE_MICROS),
            (c"enable_drefs", c"0"),
        ] {
            ffi::av_dict_set(&mut options, name.as_ptr(), value.as_ptr(), 0);
        }
        let answer = ffi::avformat_open_input(&mut context, ptr::null(), ptr::null(), &mut options);
        ffi::av_dict_free(&mut options);
        Code::check(answer)?;
        Ok(context::Input::wrap(context))
    }
}

/// The error of opening, which the gate may explain better.
fn explain(code: Code, gate: &Gate) -> DecodeError {
    match gate.must_stop() {
        Some(StopCause::Late) => DecodeError::Io { reason: "opening it took too long".into() },
        Some(_) => DecodeError::Io { reason: "opening it was called off".into() },
        None => code.explain("opening it"),
    }
}

/// FFmpeg asks now and then whether to go on.
unsafe extern "C" fn ask_gate(gate: *mut c_void) -> c_int {
    // SAFETY: the gate of `open_container`, which outlives the demuxer.
    let gate = unsafe { &*gate.cast::<Gate>() };
    c_int::from(gate.must_stop().is_some())
}

/// A file that wants to open another one does not get it.
unsafe extern "C" fn refuse_to_open(
    _: *mut ffi::AVFormatContext,
    _: *mut *mut ffi::AVIOContext,
    url: *const c_char,
    _: c_int,
    _: *mut *mut ffi::AVDictionary,
) -> c_int {
    log::warn!("a movie asks for {}, which is not opened", text_of(url));
    ffi::AVERROR(ffi::EPERM)
}
