//! Owns the movies that are open, for all decode threads, and what is told of one: a movie is opened once, gives back
//! what it keeps when nobody asks for it for a while, and is opened anew when its file was replaced. Any thread.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::registry::{Registry, Stamp};
use super::video::{AudioFacts, Limits, Movie, MovieEnd, VideoInfo, single};
use super::{
    Access, Attribute, Channel, DecodeEnd, DecodeError, DecodeRequest, Decoded, Layer, Length, MediaInfo,
    Part, PlaneRequest, SoundTrack, StatedColor,
};
use crate::epoch::{EpochClock, EpochWatch};
use crate::frame::{Area, ColorTags, FrameMemory, Matrix, Orientation, PlaneLayout, Role, VideoEncoding};
use crate::time::FrameTimes;

/// What the names of FFmpeg's containers of single pictures end in.
const STILL_SUFFIX: &str = "_pipe";
/// Movies that are open at a time; of more, the one that was not asked for longest is closed.
const OPEN_MOVIES: usize = 4;
/// A movie that nobody asked for so long gives back what it keeps.
const KEPT_IDLE: Duration = Duration::from_secs(2);
/// How long somebody who needs the exact length waits for the index of a file that has none of its own.
const INDEX_PATIENCE: Duration = Duration::from_secs(60);
/// Work on an index between two looks at whether anybody still wants it.
const INDEX_SLICE: Duration = Duration::from_millis(100);

/// The open movies. Dropping it ends and joins the threads that read their indexes.
pub struct Movies {
    // Goes first: what the threads do ends with it.
    epoch: EpochClock,
    limits: Limits,
    open: Registry<Movie>,
    /// The threads `video-index`.
    indexing: Mutex<Vec<JoinHandle<()>>>,
    /// What they keep, as of the last request: whoever asks never waits.
    held_bytes: AtomicUsize,
}

impl Default for Movies {
    fn default() -> Self {
        Self::within(Limits::default())
    }
}

impl Movies {
    fn within(limits: Limits) -> Self {
        Self {
            epoch: EpochClock::default(),
            limits,
            open: Registry::new(OPEN_MOVIES),
            indexing: Mutex::default(),
            held_bytes: AtomicUsize::new(0),
        }
    }
}

impl Movies {
    /// Decodes one frame of a movie.
    pub fn decode(
        &self,
        request: &DecodeRequest,
        memory: &mut FrameMemory,
    ) -> Result<DecodeEnd, DecodeError> {
        let movie = match self.movie(&request.path, &request.watch) {
            Err(_) if request.watch.is_stale() => return Ok(DecodeEnd::Skipped),
            opened => opened?,
        };
        let end = movie.decode(request.index, &request.watch, memory);
        self.count();
        Ok(end.into())
    }

    /// Bytes of all that is open: frames passed on the way, indexes, about what decoders hold.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes.load(Ordering::Relaxed)
    }

    fn count(&self) {
        let held_bytes = self.open.open().iter().map(|movie| movie.held_bytes()).sum();
        self.held_bytes.store(held_bytes, Ordering::Relaxed);
    }

    /// Gives back what movies keep that nobody has asked for lately.
    pub fn release_idle(&self) {
        self.open.idle(KEPT_IDLE).iter().for_each(|movie| movie.release());
        self.count();
    }

    /// Memory is short: movies keep what they need to go on.
    pub fn shrink(&self) {
        self.open.open().iter().for_each(|movie| movie.shrink());
        self.count();
    }

    /// Whether a movie is open, so that nobody needs to look at what kind of file it is.
    pub fn has(&self, path: &Path) -> bool {
        self.open.has(path)
    }

    fn movie(&self, path: &Path, watch: &EpochWatch) -> Result<Arc<Movie>, DecodeError> {
        let metadata = std::fs::metadata(path).map_err(|error| DecodeError::io(path, &error))?;
        let open = || Movie::open(path, self.limits, watch);
        let movie = self.open.get(path, Stamp::from(&metadata), watch, open)?;
        if movie.claims_indexing() {
            self.index_aside(&movie);
        }
        Ok(movie)
    }

    /// Reads the rest of an index on a thread of its own, as long as the movie is open.
    fn index_aside(&self, movie: &Arc<Movie>) {
        let (movie, watch) = (Arc::downgrade(movie), self.epoch.ticket().watch());
        let work = move || {
            while let Some(movie) = movie.upgrade() {
                // What the disk refuses is told by the frames that need it.
                if !matches!(movie.index_more(INDEX_SLICE, &watch), Ok(false)) {
                    return;
                }
            }
        };
        let started = Builder::new().name("video-index".into()).spawn(work);
        let mut indexing = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        indexing.retain(|thread| !thread.is_finished());
        match started {
            Ok(thread) => indexing.push(thread),
            Err(error) => log::warn!("the length of a movie stays estimated: {error}"),
        }
    }

    /// How many frames an open movie has; `None` while it is not open.
    pub fn length(&self, path: &Path) -> Option<Length> {
        self.open.opened(path).map(|movie| movie.length())
    }

    /// The times of the frames of an open movie; `None` while it is not open, or its index is not complete.
    pub fn times(&self, path: &Path) -> Option<FrameTimes> {
        self.open.opened(path)?.times()
    }
}

impl Drop for Movies {
    fn drop(&mut self) {
        self.epoch.advance();
        let mut indexing = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in indexing.drain(..) {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Movies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Movies({})", self.open.open().len())
    }
}

/// Decodes a file that is one picture.
pub fn decode_single(request: &DecodeRequest, memory: &mut FrameMemory) -> DecodeEnd {
    single::decode(&request.path, &request.watch, memory).into()
}

impl From<MovieEnd> for DecodeEnd {
    fn from(end: MovieEnd) -> Self {
        match end {
            MovieEnd::Done(picture) => {
                let missing = if picture.is_damaged { vec![somewhere(&picture.layout)] } else { Vec::new() };
                Self::Done(Decoded { layout: picture.layout, missing })
            }
            MovieEnd::Failed(error) => Self::Failed(error),
            MovieEnd::Skipped => Self::Skipped,
            MovieEnd::Refused { needed_bytes } => Self::Refused { needed_bytes },
        }
    }
}

/// A decoder that had to guess does not say where. All rows count as incomplete; without a width none is hatched.
fn somewhere(layout: &PlaneLayout) -> Area {
    Area { x: 0, y: 0, width: 0, height: layout.stored_size().1 }
}

/// What is in a movie; with its exact length where the caller waits for it.
///
/// # Errors
/// [`DecodeError`] when it is none, is damaged or declares more than the limits.
pub fn probe(path: &Path, waits: bool) -> Result<MediaInfo, DecodeError> {
    let watch = EpochWatch::never_stale();
    let movie = Movie::open(path, Limits::default(), &watch)?;
    let is_complete = !waits || matches!(movie.index_more(INDEX_PATIENCE, &watch), Ok(true));
    // The first frame says what planes there are.
    let mut memory = FrameMemory::default();
    let layout = first_layout(&movie, &watch, &mut memory)?;
    let times = movie.times().unwrap_or(movie.info().rate.into());
    let part = part_of(&movie, &layout, &times);
    let roles = layout.planes().iter().map(|plane| (plane.name.clone(), plane.role)).collect();
    let planes = PlaneRequest { part: 0, part_name: None, channels: roles, mixes_chroma: false };
    let still = still_format(movie.info());
    Ok(MediaInfo {
        format: still.unwrap_or(&movie.info().container).to_uppercase(),
        parts: vec![part],
        layers: vec![Layer { name: "video".into(), part: 0, planes }],
        default_layer: 0,
        rate: still.is_none().then_some(times.rate()),
        times: Some(times).filter(FrameTimes::is_variable),
        is_linear: false,
        access: if still.is_some() { Access::Random } else { Access::Sequential },
        length: still.is_none().then(|| movie.length()),
        sound: (!movie.info().audio.is_empty())
            .then(|| SoundTrack { origin_nanos: movie.info().start_nanos }),
        notice: notice_of(&movie, &layout, is_complete),
    })
}

/// FFmpeg's name of the format of a file of one picture, which it reads as a movie of a frame.
fn still_format(info: &VideoInfo) -> Option<&str> {
    info.container.strip_suffix(STILL_SUFFIX)
}

fn first_layout(
    movie: &Movie,
    watch: &EpochWatch,
    memory: &mut FrameMemory,
) -> Result<Arc<PlaneLayout>, DecodeError> {
    loop {
        match movie.decode(0, watch, memory) {
            MovieEnd::Done(picture) => return Ok(picture.layout),
            MovieEnd::Failed(error) => return Err(error),
            MovieEnd::Skipped => return Err(DecodeError::Io { reason: "opening it was called off".into() }),
            MovieEnd::Refused { needed_bytes } => {
                let refused =
                    |error: crate::frame::OutOfMemory| DecodeError::Io { reason: error.to_string() };
                *memory = FrameMemory::allocate(needed_bytes).map_err(refused)?;
            }
        }
    }
}

fn part_of(movie: &Movie, layout: &PlaneLayout, times: &FrameTimes) -> Part {
    let info = movie.info();
    let shown = info.orientation.of_size((info.width, info.height));
    let VideoEncoding { transfer, primaries, .. } = info.encoding;
    let tags = ColorTags { transfer, primaries };
    let channels = layout.planes().iter().map(|plane| Channel {
        name: plane.name.clone(),
        sample: plane.sample,
        sampling: (info.width.div_ceil(plane.width), info.height.div_ceil(plane.height)),
    });
    Part {
        pixel_aspect: info.orientation.of_aspect(info.pixel_aspect),
        orientation: info.orientation,
        compression: info.codec.clone(),
        storage: info.pixel_format.clone(),
        attributes: attributes_of(movie, times),
        // Files of single pictures state a curve that few programs mean: FFmpeg calls every DPX linear.
        color: StatedColor { tags: still_format(info).is_none().then_some(tags), ..StatedColor::default() },
        ..Part::of_picture(shown, channels.collect())
    }
}

fn attributes_of(movie: &Movie, times: &FrameTimes) -> Vec<Attribute> {
    let info = movie.info();
    let text = |name: &str, value: String| Attribute { name: name.into(), kind: "text".into(), value };
    let length = movie.length();
    let about = if length.is_estimated { "about " } else { "" };
    let mut attributes = Vec::new();
    if still_format(info).is_none() {
        attributes.push(text("frames", format!("{about}{}", length.frames)));
        attributes.push(text("rate", times.to_string()));
        attributes.push(text("duration", format!("{:.3} s", info.duration_secs)));
    }
    let encoding = &info.encoding;
    let colour = format!(
        "{:?}, {:?} range, {:?}, {:?}",
        encoding.matrix, encoding.range, encoding.transfer, encoding.primaries
    );
    attributes.push(text("colour", colour));
    attributes.extend(turn_of(info.orientation).map(|turn| text("orientation", turn)));
    attributes.extend(info.timecode.iter().map(|timecode| text("timecode", timecode.text.clone())));
    attributes.extend(info.reel.iter().map(|reel| text("reel", reel.clone())));
    attributes.extend(info.audio.iter().map(|audio| text("audio", sound_text(audio))));
    attributes.extend(info.texts.iter().map(|(name, value)| text(name, value.clone())));
    attributes
}

/// Codec, rate, channels and language of a sound stream.
fn sound_text(audio: &AudioFacts) -> String {
    let AudioFacts { codec, sample_rate, channels, language } = audio;
    let language = if language.is_empty() { String::new() } else { format!(", {language}") };
    format!(
        "{codec}, {sample_rate} Hz, {channels} channel{}{language}",
        if *channels == 1 { "" } else { "s" }
    )
}

/// What is done to pictures before they are shown, in words.
fn turn_of(orientation: Orientation) -> Option<String> {
    let mirrored = orientation.is_mirrored().then(|| "mirrored".to_string());
    let turned = match orientation.degrees() {
        0 => None,
        degrees => Some(format!("turned by {degrees} degrees clockwise")),
    };
    let words: Vec<String> = mirrored.into_iter().chain(turned).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What somebody who looks at the picture should know.
fn notice_of(movie: &Movie, layout: &PlaneLayout, is_complete: bool) -> Option<String> {
    let info = movie.info();
    let mut notes = Vec::new();
    let is_luma = layout.plane_with_role(Role::Luminance).is_some();
    if is_luma && matches!(info.encoding.matrix, Matrix::Bt2020Constant | Matrix::Ictcp) {
        notes.push(format!("its matrix {:?} is taken for BT.2020", info.encoding.matrix));
    }
    if !is_complete {
        notes.push("its length is estimated: the index of the file took too long".into());
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_takes_long_is_read_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.mkv");
        let made = std::process::Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=32x32:r=25:d=120"])
            .args(["-c:v", "mjpeg"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        let early = probe(&path, false).unwrap();
        assert_eq!(early.length.unwrap().frames, 3000);
        let movies = Movies::within(Limits { opening_budget: Duration::ZERO, ..Limits::default() });
        assert_eq!(movies.length(&path), None);
        let request = DecodeRequest {
            path: path.clone(),
            index: 0,
            planes: Arc::new(early.layers[0].planes.clone()),
            level: 0,
            helpers: 0,
            watch: EpochWatch::never_stale(),
        };
        let mut memory = FrameMemory::allocate(1 << 16).unwrap();
        assert!(matches!(movies.decode(&request, &mut memory), Ok(DecodeEnd::Done(_))));
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while movies.length(&path).unwrap().is_estimated && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(movies.length(&path), Some(Length { frames: 3000, is_estimated: false }));
    }
}
