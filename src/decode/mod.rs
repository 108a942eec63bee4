//! One request in, one outcome out: files become planes. Owns the seam between the player and every
//! kind of file, and the three kinds of error. Never caches, never decides what is decoded next.
//! Probing and decoding run on any thread; both only read.

mod error;
mod exr;
mod film;
mod media;
#[cfg(feature = "video")]
mod movies;
mod reading;
#[cfg(feature = "video")]
mod registry;
mod sound;
mod still;
#[cfg(feature = "video")]
mod video;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::DecodeError;
#[doc(hidden)]
pub use exr::fuzz;
pub use media::{Access, Attribute, Channel, Layer, Length, MediaInfo, Part, PlaneRequest, StatedColor};
pub use sound::{Sound, SoundStop, SoundTrack};

use crate::epoch::EpochWatch;
use crate::frame::{Area, FrameMemory, PlaneLayout};
use crate::sequence::is_movie;
use crate::time::FrameTimes;

/// What to decode. The layer is named by its channels, because every file of a sequence has a
/// header of its own.
#[derive(Debug, Clone)]
pub struct DecodeRequest {
    pub path: PathBuf,
    /// Which frame of the file, from 0; files that are one frame have no other.
    pub index: u32,
    pub planes: Arc<PlaneRequest>,
    /// Resolution level, 0 is full size.
    pub level: u8,
    /// Threads that may help with this frame, because they have nothing else to do.
    pub helpers: usize,
    pub watch: EpochWatch,
}

/// Planes that are in the memory of the request now.
#[derive(Debug, Clone)]
pub struct Decoded {
    pub layout: Arc<PlaneLayout>,
    /// What of the data window has no data; empty when the frame is whole.
    pub missing: Vec<Area>,
}

/// How one request ended.
#[derive(Debug, Clone)]
pub enum DecodeEnd {
    Done(Decoded),
    Failed(DecodeError),
    /// The watch went stale before or during the work.
    Skipped,
    /// The memory is smaller than the frame, which needs this many bytes.
    Refused {
        needed_bytes: usize,
    },
}

/// Turns requests into planes. Implemented by the files of this room, and by fakes in tests.
pub trait Decoder: Send + Sync {
    /// Decodes into `memory`; the caller keeps the memory however it ends.
    fn decode(&self, request: &DecodeRequest, memory: &mut FrameMemory) -> DecodeEnd;
    /// Bytes of the calling thread that it keeps between frames.
    fn held_bytes(&self) -> usize {
        0
    }
    /// Bytes of open movies, which it keeps for all threads together.
    fn shared_bytes(&self) -> usize {
        0
    }
    /// Gives back what it keeps between frames of the calling thread, and for all threads what none has asked for
    /// lately. The next frame takes it anew.
    fn release_held(&self) {}
    /// Memory is short: gives back what it keeps for all threads together but what the next frames need, and keeps no
    /// more than that for some seconds.
    fn shrink(&self) {}
    /// How many frames an open file has that holds a whole clip; `None` while it is not open.
    fn length(&self, _: &Path) -> Option<Length> {
        None
    }
    /// The times of the frames of such a file; `None` while they are not all known.
    fn times(&self, _: &Path) -> Option<FrameTimes> {
        None
    }
    /// Nanoseconds that the calling thread has spent reading files since this was last asked.
    fn take_read_nanos(&self) -> u64 {
        0
    }
}

/// The decoder of real files. Keeps the movies that it was asked for open.
#[derive(Debug, Default)]
pub struct FileDecoder {
    #[cfg(feature = "video")]
    movies: movies::Movies,
}

impl Decoder for FileDecoder {
    fn decode(&self, request: &DecodeRequest, memory: &mut FrameMemory) -> DecodeEnd {
        if request.watch.is_stale() {
            return DecodeEnd::Skipped;
        }
        #[cfg(feature = "video")]
        if self.movies.has(&request.path) {
            return self.movies.decode(request, memory).unwrap_or_else(DecodeEnd::Failed);
        }
        let end = match Kind::of(&request.path) {
            Ok((Kind::Exr, file)) => exr::decode(request, &file, memory),
            Ok((Kind::Still(format), _)) => still::decode(request, format, memory),
            Ok((Kind::Film, file)) => match film::read_header(&request.path, &file) {
                Ok(Some(header)) => film::decode(request, &header, &file, memory),
                Ok(None) => decode_single(request, memory),
                Err(error) => Err(error),
            },
            #[cfg(feature = "video")]
            Ok((Kind::Movie, _)) => self.movies.decode(request, memory),
            #[cfg(feature = "video")]
            Ok((Kind::Single, _)) => decode_single(request, memory),
            Err(error) => Err(error),
        };
        end.unwrap_or_else(DecodeEnd::Failed)
    }

    fn held_bytes(&self) -> usize {
        held_bytes()
    }

    fn shared_bytes(&self) -> usize {
        #[cfg(feature = "video")]
        return self.movies.held_bytes();
        #[cfg(not(feature = "video"))]
        0
    }

    fn release_held(&self) {
        release_held();
        #[cfg(feature = "video")]
        self.movies.release_idle();
    }

    fn shrink(&self) {
        #[cfg(feature = "video")]
        self.movies.shrink();
    }

    #[cfg(feature = "video")]
    fn length(&self, path: &Path) -> Option<Length> {
        self.movies.length(path)
    }

    #[cfg(feature = "video")]
    fn times(&self, path: &Path) -> Option<FrameTimes> {
        self.movies.times(path)
    }

    fn take_read_nanos(&self) -> u64 {
        reading::take_nanos()
    }
}

/// Decodes a file that FFmpeg reads as one picture.
#[cfg(feature = "video")]
fn decode_single(request: &DecodeRequest, memory: &mut FrameMemory) -> Result<DecodeEnd, DecodeError> {
    Ok(movies::decode_single(request, memory))
}

#[cfg(not(feature = "video"))]
fn decode_single(_: &DecodeRequest, _: &mut FrameMemory) -> Result<DecodeEnd, DecodeError> {
    Err(only_with_video())
}

#[cfg(not(feature = "video"))]
fn only_with_video() -> DecodeError {
    DecodeError::not_supported("DPX of another kind than upright RGB of 10 bit needs the feature `video`")
}

/// Bytes that the calling thread keeps between frames: scratch of the codecs, what was read last, plans. Small things
/// of one size are left out. Not to be asked from within a decode.
pub fn held_bytes() -> usize {
    exr::held_bytes()
}

/// Gives back all that [`held_bytes`] counts, of the calling thread alone. The next frame takes it anew.
pub fn release_held() {
    exr::release_held();
}

/// Reads what is in a file without decoding pixels.
///
/// # Errors
/// [`DecodeError`] when the file cannot be read, is of no known kind, or its header is damaged or
/// declares more than the gate lets through.
pub fn probe(path: &Path) -> Result<MediaInfo, DecodeError> {
    probe_with(path, true)
}

/// The same without waiting for the exact length of a movie whose index takes long; [`Decoder::length`] tells it later.
///
/// # Errors
/// As [`probe`].
pub fn probe_early(path: &Path) -> Result<MediaInfo, DecodeError> {
    probe_with(path, false)
}

#[cfg_attr(not(feature = "video"), expect(unused_variables, reason = "only movies have indexes"))]
fn probe_with(path: &Path, waits: bool) -> Result<MediaInfo, DecodeError> {
    match Kind::of(path)? {
        (Kind::Exr, file) => exr::probe(path, &file),
        (Kind::Still(format), _) => still::probe(path, format),
        (Kind::Film, file) => match film::read_header(path, &file)? {
            Some(header) => Ok(film::probe(&header)),
            #[cfg(feature = "video")]
            None => movies::probe(path, waits),
            #[cfg(not(feature = "video"))]
            None => Err(only_with_video()),
        },
        #[cfg(feature = "video")]
        (Kind::Movie | Kind::Single, _) => movies::probe(path, waits),
    }
}

/// What movies are decoded with, for people.
pub fn movie_library() -> String {
    #[cfg(feature = "video")]
    return video::library();
    #[cfg(not(feature = "video"))]
    "none: this build lacks the feature `video`".to_string()
}

/// Times that no decoder of a file can fall below, for benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeFloor {
    /// Reading the chunks of the shown part.
    pub read_nanos: u64,
    /// Inflating them, one after the other; `None` for compressions without zlib.
    pub inflate_nanos: Option<u64>,
}

/// Measures the floor of one EXR file on the calling thread.
///
/// # Errors
/// [`DecodeError`] when the file is no EXR or cannot be read.
pub fn floor(path: &Path, planes: &PlaneRequest) -> Result<DecodeFloor, DecodeError> {
    match Kind::of(path)? {
        (Kind::Exr, file) => exr::floor(path, &file, planes),
        _ => Err(DecodeError::not_supported("there is a floor for EXR files only")),
    }
}

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exr,
    Still(image::ImageFormat),
    /// Cineon or DPX.
    Film,
    #[cfg(feature = "video")]
    Movie,
    /// One picture that FFmpeg reads.
    #[cfg(feature = "video")]
    Single,
}

/// As many bytes as the longest magic number needs.
const SNIFF_BYTES: usize = 16;

impl Kind {
    /// Opens a file and looks at its first bytes.
    fn of(path: &Path) -> Result<(Self, File), DecodeError> {
        reading::timed(|| Self::read_of(path))
    }

    fn read_of(path: &Path) -> Result<(Self, File), DecodeError> {
        let io = |error: std::io::Error| DecodeError::io(path, &error);
        // Asked before opening: a named pipe would wait for a writer that never comes.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(DecodeError::not_supported("it is not a regular file"));
        }
        let mut file = File::open(path).map_err(io)?;
        let (mut head, mut length) = ([0; SNIFF_BYTES], 0);
        while length < SNIFF_BYTES {
            match file.read(&mut head[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io(error)),
            }
        }
        let head = &head[..length];
        let kind = Self::of_bytes(head).or_else(|| Self::of_movie(path, head));
        let kind = kind.or_else(|| is_targa(path, head).then_some(Self::Still(image::ImageFormat::Tga)));
        Ok((kind.ok_or_else(|| unknown_kind(path, head))?, file))
    }

    /// Movies by their first bytes; streams without any that are known, by their ending.
    #[cfg(feature = "video")]
    fn of_movie(path: &Path, head: &[u8]) -> Option<Self> {
        if SINGLE_MAGIC.iter().any(|magic| head.starts_with(magic)) {
            return Some(Self::Single);
        }
        let is_box = MOVIE_BOXES.iter().any(|kind| head.get(4..8) == Some(*kind));
        let is_movie =
            is_box || MOVIE_MAGIC.iter().any(|magic| head.starts_with(magic)) || has_movie_ending(path);
        (is_movie && !head.is_empty()).then_some(Self::Movie)
    }

    /// A build without movies.
    #[cfg(not(feature = "video"))]
    fn of_movie(_path: &Path, _head: &[u8]) -> Option<Self> {
        None
    }

    fn of_bytes(head: &[u8]) -> Option<Self> {
        use image::ImageFormat::{Hdr, Jpeg, Png, Tiff};
        if head.starts_with(&exr::MAGIC) {
            return Some(Self::Exr);
        }
        if film::MAGIC.iter().any(|magic| head.starts_with(magic)) {
            return Some(Self::Film);
        }
        let format = image::guess_format(head).ok()?;
        matches!(format, Hdr | Jpeg | Png | Tiff).then_some(Self::Still(format))
    }
}

/// Endings of streams that begin with nothing known, beside those that a folder lists.
const STREAM_ENDINGS: [&str; 4] = ["mpeg", "ts", "m2ts", "dv"];

/// The first box of QuickTime and MP4 files (ISO 14496-12; QuickTime File Format).
#[cfg(feature = "video")]
const MOVIE_BOXES: [&[u8]; 6] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"];

/// The first bytes of Matroska (RFC 8794), AVI, MXF (SMPTE ST 377-1), MPEG program streams and IVF.
#[cfg(feature = "video")]
const MOVIE_MAGIC: [&[u8]; 5] = [b"\x1aE\xdf\xa3", b"RIFF", b"\x06\x0e\x2b\x34", b"\0\0\x01\xba", b"DKIF"];

/// The first bytes of SGI and JPEG 2000 (file and codestream).
#[cfg(feature = "video")]
const SINGLE_MAGIC: [&[u8]; 3] = [b"\x01\xda", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"];

/// Targa files begin with nothing that is known: their ending tells, and the kinds of colour map and of picture
/// (Truevision TGA 2.0, fields 2 and 3) must be ones that there are.
fn is_targa(path: &Path, head: &[u8]) -> bool {
    let has_ending = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tga"));
    has_ending && matches!(head, [_, 0 | 1, 1..=3 | 9..=11, ..])
}

fn has_movie_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let is_stream = STREAM_ENDINGS.iter().any(|stream| ending.eq_ignore_ascii_case(stream));
    is_stream || path.file_name().is_some_and(|name| is_movie(name.as_encoded_bytes()))
}

fn unknown_kind(path: &Path, head: &[u8]) -> DecodeError {
    if head.is_empty() {
        return DecodeError::damaged("the file is empty".to_string());
    }
    if has_movie_ending(path) {
        return DecodeError::not_supported("this build plays no movies: it lacks the feature `video`");
    }
    DecodeError::not_supported(
        "its first bytes are of no kind that this version reads (EXR, PNG, TIFF, JPEG, HDR, TGA, DPX, Cineon, movies)"
            .to_string(),
    )
}
