//! Owns an opened clip: its files by frame, its layers, and what stands in for a missing frame.
//! Opening reads one header; after that no file is touched here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ClipSound;
use crate::audio::SoundFile;
use crate::color::MediaFacts;
use crate::decode::{self, Access, DecodeError, Length, MediaInfo, Part, PlaneRequest};
use crate::frame::{ClipId, FrameKey, LayerId, PlaneLayout, PlaneSpec, Revision, Role, SampleType, Window};
use crate::memory::format_bytes;
use crate::sequence::{Media, Resolved};
use crate::stats::LayerStatus;
use crate::text::{shown, shown_path};
use crate::time::{FrameTimes, PreloadStrategy, Rate, Timecode, WorkArea};

/// What is shown for a frame that has no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingPolicy {
    /// The nearest frame before it, with a notice.
    #[default]
    Hold,
    /// The nearest frame on either side, with a notice.
    Nearest,
    Black,
    /// A slate that names the frame.
    Error,
    /// The frame does not exist: the playhead passes over it.
    Skip,
}

/// Headers that are tried before a clip is given up, so that one broken frame does not hide the rest.
const PROBES: usize = 8;

/// How a clip is opened.
#[derive(Debug, Clone, Default)]
pub struct ClipOptions {
    /// First and last frame number, as the user states them.
    pub range: Option<(i64, i64)>,
    pub rate: Option<Rate>,
    pub layer: Option<String>,
    pub part: Option<usize>,
    /// The view of stereo media.
    pub eye: Option<String>,
    /// Resolution level of files that have several; 0 is full size.
    pub level: u8,
    pub missing: MissingPolicy,
    /// Open movies whose length is not known yet.
    pub opens_early: bool,
    /// Bring every channel of the layer, not only those that are displayed.
    pub all_channels: bool,
}

/// Why a clip cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("{name}: {error}")]
    Decode { name: String, error: DecodeError },
    #[error("{name} has no layer «{wanted}»; it has {found}")]
    NoLayer { name: String, wanted: String, found: String },
    #[error("{name} has no part {wanted}; it has {found}")]
    NoPart { name: String, wanted: usize, found: usize },
    #[error("{name} has no view «{wanted}»; it has {found}")]
    NoView { name: String, wanted: String, found: String },
    #[error("{name}: the range {first}-{last} spans more than {limit} frames")]
    TooLong { name: String, first: i64, last: i64, limit: i64 },
}

/// The sound file beside a sequence that has its name.
fn sound_beside(media: &Media) -> Option<ClipSound> {
    let Media::Sequence(sequence) = media else { return None };
    let (path, first_number) = sequence.sound_beside()?;
    Some(ClipSound { file: SoundFile { path: path.into(), origin_nanos: None }, first_number, rate: None })
}

/// Frames between the first and the last number of a clip.
const MAX_FRAMES: i64 = 1 << 20;

/// One file of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NumberedFile {
    number: i64,
    path: PathBuf,
}

/// Where a frame is: a file, and which frame of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramePlace {
    pub path: PathBuf,
    /// 0 in files that are one frame.
    pub index: u32,
}

/// What is shown for an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The file of the frame itself.
    Own,
    /// The file of another frame, and why.
    StandIn(u32, String),
    Black,
    Slate(String),
}

/// An opened clip.
#[derive(Debug, Clone)]
pub struct Clip {
    pub id: ClipId,
    pub revision: Revision,
    pub info: Arc<MediaInfo>,
    times: FrameTimes,
    /// Somebody stated the rate, whatever the file says.
    has_stated_rate: bool,
    pub layer: usize,
    pub name: String,
    pub notice: Option<String>,
    /// What is heard with it.
    pub sound: Option<ClipSound>,
    /// Where the playhead stands when the clip is shown: the file that was named, or where it was left.
    pub resume_at: Option<u32>,
    /// The work area that the clip was left with.
    pub resume_area: Option<WorkArea>,
    /// What it was opened from, to open it again; none for clips that are not files.
    origin: Option<(Resolved, ClipOptions)>,
    missing: MissingPolicy,
    /// The resolution level that was asked for.
    level: u8,
    files: Vec<NumberedFile>,
    first_number: i64,
    frames: u32,
    has_estimated_length: bool,
    planes: Vec<Arc<PlaneRequest>>,
    layers: Arc<[LayerStatus]>,
    /// What a frame of each layer takes, by the probed header.
    layer_bytes: Vec<usize>,
}

impl Clip {
    /// Opens what a path or pattern was resolved to.
    ///
    /// # Errors
    /// [`OpenError`] when no header can be read, or what the options name is not there.
    pub fn open(id: ClipId, resolved: &Resolved, options: &ClipOptions) -> Result<Self, OpenError> {
        let (name, files) = match &resolved.media {
            Media::Sequence(sequence) => {
                let numbered = |file: &crate::sequence::FrameFile| NumberedFile {
                    number: file.number,
                    path: file.path.clone(),
                };
                (sequence.pattern(), sequence.frames().iter().map(numbered).collect())
            }
            Media::File(path) => {
                let name = shown_path(path.file_name().unwrap_or(path.as_os_str()));
                (name, vec![NumberedFile { number: 0, path: path.clone() }])
            }
        };
        let opened = resolved.opened_at.and_then(|number| files.iter().position(|f| f.number == number));
        let info = probe_one(&name, &files, opened.unwrap_or(0), options.opens_early)?;
        let range = options.range.or(resolved.range.clone().map(|r| (*r.start(), *r.end())));
        let options = ClipOptions { range, ..options.clone() };
        let mut clip = Self::from_files(id, name, files, info, &options)?;
        let notices = [&resolved.notice, &clip.info.notice].into_iter().flatten().map(String::as_str);
        clip.notice = Some(notices.collect::<Vec<_>>().join("; ")).filter(|notice| !notice.is_empty());
        clip.sound = clip.own_sound().or_else(|| sound_beside(&resolved.media));
        clip.origin = Some((resolved.clone(), options));
        clip.resume_at = resolved.opened_at.map(|number| clip.index_of(number));
        Ok(clip)
    }

    /// The clip as it is on disk now: files listed anew, the header read again, the next revision.
    ///
    /// # Errors
    /// The reason when it cannot be opened any more; this clip stays as it is then.
    pub fn reopened(&self) -> Result<Self, String> {
        let revision = Revision(self.revision.0 + 1);
        let Some((resolved, options)) = &self.origin else { return Ok(Self { revision, ..self.clone() }) };
        let mut resolved = resolved.clone();
        if let Media::Sequence(sequence) = &resolved.media {
            resolved.media = Media::Sequence(sequence.relist().map_err(|error| error.to_string())?);
        }
        let clip = Self::open(self.id, &resolved, options).map_err(|error| error.to_string())?;
        let layer = clip.find_layer(&self.info.layers[self.layer].name).unwrap_or(clip.layer);
        let sound = self.sound.clone();
        Ok(Self { revision, layer, sound, resume_at: self.resume_at, ..clip })
    }

    /// A clip of known content, for tests and for media that is not files: frame `first_number + i`
    /// has the path `paths[i]`.
    ///
    /// # Errors
    /// [`OpenError`] as for [`Self::open`].
    pub fn from_paths(
        id: ClipId,
        name: &str,
        numbered: Vec<(i64, PathBuf)>,
        info: MediaInfo,
        options: &ClipOptions,
    ) -> Result<Self, OpenError> {
        let files = numbered.into_iter().map(|(number, path)| NumberedFile { number, path }).collect();
        Self::from_files(id, name.to_string(), files, info, options)
    }

    fn from_files(
        id: ClipId,
        name: String,
        mut files: Vec<NumberedFile>,
        info: MediaInfo,
        options: &ClipOptions,
    ) -> Result<Self, OpenError> {
        if let Some((first, last)) = options.range
            && options.missing == MissingPolicy::Skip
        {
            files.retain(|file| (first..=last).contains(&file.number));
        }
        let layer = choose_layer(&name, &info, options)?;
        let (first_number, frames) = match info.length {
            // Movies count from 0, and have no gaps.
            Some(length) => (0, length.frames.clamp(1, MAX_FRAMES as u32)),
            None => extent(&name, &files, options)?,
        };
        let own_times = info.times.clone().or(info.rate.map(FrameTimes::from));
        let times = options.rate.map(FrameTimes::from).or(own_times).unwrap_or(Rate::FILM.into());
        let planes = info.layers.iter().map(|layer| {
            let planes = &layer.planes;
            Arc::new(if options.all_channels { planes.clone() } else { planes.displayed() })
        });
        let layers = info
            .layers
            .iter()
            .map(|layer| LayerStatus { name: shown(&layer.name), channels: channel_letters(&layer.planes) });
        let mut clip = Self {
            id,
            revision: Revision::default(),
            times,
            has_stated_rate: options.rate.is_some(),
            layer,
            level: options.level,
            sound: None,
            notice: None,
            resume_at: None,
            resume_area: None,
            origin: None,
            missing: options.missing,
            first_number,
            frames,
            has_estimated_length: info.length.is_some_and(|length| length.is_estimated),
            planes: planes.collect(),
            layers: layers.collect(),
            layer_bytes: Vec::new(),
            info: Arc::new(info),
            name,
            files,
        };
        clip.layer_bytes = (0..clip.planes.len()).map(|layer| clip.bytes_of_layer(layer)).collect();
        Ok(clip)
    }

    /// What the user should know of it now.
    pub fn shown_notice(&self) -> Option<String> {
        let estimated =
            self.has_estimated_length.then(|| "its length is estimated while its index is read".into());
        let notices: Vec<String> = self.notice.clone().into_iter().chain(estimated).collect();
        (!notices.is_empty()).then(|| notices.join("; "))
    }

    /// Number of frames, gaps included unless they are skipped.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// The frame number of an index.
    pub fn number(&self, index: u32) -> i64 {
        if self.missing == MissingPolicy::Skip && !self.is_movie() {
            return self.files.get(index as usize).map_or(self.first_number, |file| file.number);
        }
        self.first_number + i64::from(index)
    }

    /// What a movie that states the timecode of its first frame has for an index.
    pub fn timecode(&self, index: u32) -> Option<Timecode> {
        // Labels count frames of one length.
        let part =
            self.info.length.and(self.info.part_of(self.layer)).filter(|_| !self.times.is_variable())?;
        let stated = part.attributes.iter().find(|attribute| attribute.name == "timecode")?;
        let first = Timecode::parse(&stated.value, self.rate()).ok()?;
        Some(first.plus(index.into()))
    }

    /// The index of a frame number, the nearest one where it lies outside the clip or in a gap
    /// that is skipped.
    pub fn index_of(&self, number: i64) -> u32 {
        let last = i64::from(self.frames - 1);
        if self.missing == MissingPolicy::Skip && !self.is_movie() {
            let position = self.files.partition_point(|file| file.number < number) as i64;
            return position.min(last) as u32;
        }
        number.saturating_sub(self.first_number).clamp(0, last) as u32
    }

    /// The number of frames is not known yet; playing tells it.
    pub fn has_estimated_length(&self) -> bool {
        self.has_estimated_length
    }

    /// What is known of the length by now; `true` when the clip has another number of frames than before.
    pub(super) fn set_length(&mut self, length: Length) -> bool {
        self.has_estimated_length = length.is_estimated;
        let frames = length.frames.clamp(1, MAX_FRAMES as u32);
        // An estimate that turned out too small grows; one that was too large waits for the end.
        let frames = if length.is_estimated { frames.max(self.frames) } else { frames };
        std::mem::replace(&mut self.frames, frames) != frames
    }

    /// Frames a second, on average where they last unequally long.
    pub fn rate(&self) -> Rate {
        self.times.rate()
    }

    /// When its frames begin: as its file says, unless somebody stated a rate.
    pub fn times(&self) -> &FrameTimes {
        &self.times
    }

    /// What the file says of its frames, by now; `true` when they are played at other times than before.
    pub(super) fn set_times(&mut self, times: FrameTimes) -> bool {
        if self.has_stated_rate || times == self.times {
            return false;
        }
        if let Some(rate) = self.sound.as_mut().and_then(|sound| sound.rate.as_mut()) {
            *rate = times.rate();
        }
        self.times = times;
        true
    }

    /// Whether one file has all frames.
    fn is_movie(&self) -> bool {
        self.info.length.is_some()
    }

    /// What the movie itself has.
    fn own_sound(&self) -> Option<ClipSound> {
        let track = self.info.sound.as_ref()?;
        let file = SoundFile { path: self.path(0)?.into(), origin_nanos: Some(track.origin_nanos) };
        Some(ClipSound { file, first_number: 0, rate: self.info.rate })
    }

    /// What is heard is another file, from its beginning with the first frame.
    pub fn set_sound(&mut self, path: &Path) {
        let first_number = self.files.first().map_or(self.first_number, |file| file.number);
        let file = SoundFile { path: path.into(), origin_nanos: None };
        self.sound = Some(ClipSound { file, first_number, rate: None });
    }

    /// Where a frame is; none where there is no file for it.
    pub fn place(&self, index: u32) -> Option<FramePlace> {
        let path = self.path(index)?.to_path_buf();
        Some(FramePlace { path, index: if self.is_movie() { index } else { 0 } })
    }

    /// The file of a frame.
    pub fn path(&self, index: u32) -> Option<&Path> {
        if self.is_movie() {
            return self.files.first().filter(|_| index < self.frames).map(|file| file.path.as_path());
        }
        let number = self.number(index);
        let position = self.files.binary_search_by_key(&number, |file| file.number).ok()?;
        Some(&self.files[position].path)
    }

    /// The index whose file is shown for an index; none where no file is.
    pub fn source_index(&self, index: u32) -> Option<u32> {
        if self.path(index).is_some() {
            return Some(index);
        }
        let number = self.number(index);
        let other = match self.missing {
            MissingPolicy::Black | MissingPolicy::Error | MissingPolicy::Skip => None,
            MissingPolicy::Hold => self.file_before(number),
            MissingPolicy::Nearest => self.nearest_file(number),
        };
        other.map(|number| self.index_of(number))
    }

    /// What is shown for an index, and why.
    pub fn source(&self, index: u32) -> Source {
        if self.path(index).is_some() {
            return Source::Own;
        }
        let number = self.number(index);
        match (self.source_index(index), self.missing) {
            (Some(other), _) => {
                let stands_in = self.number(other);
                Source::StandIn(other, format!("frame {number} is missing, {stands_in} stands in"))
            }
            (None, MissingPolicy::Black) => Source::Black,
            (None, _) => Source::Slate(format!("frame {number} is missing")),
        }
    }

    fn inside(&self, number: i64) -> bool {
        (self.first_number..self.first_number + i64::from(self.frames)).contains(&number)
    }

    fn file_before(&self, number: i64) -> Option<i64> {
        let position = self.files.partition_point(|file| file.number < number);
        let before = self.files[..position].last().map(|file| file.number);
        before.filter(|number| self.inside(*number))
    }

    fn nearest_file(&self, number: i64) -> Option<i64> {
        let position = self.files.partition_point(|file| file.number < number);
        let after = self.files.get(position).map(|file| file.number).filter(|n| self.inside(*n));
        [self.file_before(number), after]
            .into_iter()
            .flatten()
            .min_by_key(|candidate| candidate.abs_diff(number))
    }

    /// The order in which frames around a resting playhead are loaded.
    pub fn strategy(&self) -> PreloadStrategy {
        match self.info.access {
            Access::Random => PreloadStrategy::Spiral,
            Access::Sequential => PreloadStrategy::Forward,
        }
    }

    /// Bytes of the books that are kept of the clip itself: its files, the times of its frames, and the state of its frames in both
    /// tiers while it is shown.
    pub fn books_bytes(&self) -> u64 {
        let names: usize = self.files.iter().map(|file| file.path.as_os_str().len()).sum();
        let files = self.files.capacity() * size_of::<NumberedFile>();
        (names + files + 2 * self.frames as usize + self.times.bytes()) as u64
    }

    /// The planes of the shown layer.
    pub fn planes(&self) -> &Arc<PlaneRequest> {
        &self.planes[self.layer]
    }

    pub fn layers(&self) -> &Arc<[LayerStatus]> {
        &self.layers
    }

    /// The display window and pixel aspect of the shown layer, as the probed header states them.
    pub fn display(&self) -> (Window, f32) {
        let part = self.info.part_of(self.layer);
        part.map_or((Window::at_origin(1, 1), 1.0), |part| (part.display_window, part.pixel_aspect))
    }

    /// Bytes that a frame of the shown layer takes, by the probed header.
    pub fn frame_bytes(&self) -> usize {
        self.layer_bytes.get(self.layer).copied().unwrap_or(0)
    }

    fn bytes_of_layer(&self, layer: usize) -> usize {
        let (Some(part), planes) = (self.info.part_of(layer), &self.planes[layer]) else { return 0 };
        if planes.mixes_chroma {
            return self.mixed_bytes(part, planes);
        }
        let (width, height) = self.level_size(part);
        let requested = |name: &String| planes.channels.iter().any(|(other, _)| other == name);
        let specs =
            part.channels.iter().filter(|channel| requested(&channel.name)).map(|channel| PlaneSpec {
                name: String::new(),
                sample: channel.sample,
                role: Role::Other,
                width: width.div_ceil(channel.sampling.0),
                height: height.div_ceil(channel.sampling.1),
            });
        let window = part.data_window;
        PlaneLayout::new(specs.collect(), window, window, 1.0).map_or(0, |layout| layout.total_bytes())
    }

    /// What is known of the colours of the shown layer.
    pub fn color_facts(&self) -> MediaFacts {
        let stated = self.info.part_of(self.layer).map_or_else(Default::default, |part| part.color);
        MediaFacts {
            is_float: self.info.is_linear,
            is_movie: self.is_movie(),
            tags: stated.tags,
            chromaticities: stated.chromaticities,
            is_aces_container: stated.is_aces_container,
            path: self.path(0).map(Path::to_path_buf),
        }
    }

    /// The key of a frame as the clip is looked at now: its revision, layer and level.
    pub fn key(&self, index: u32) -> FrameKey {
        FrameKey {
            clip: self.id,
            revision: self.revision,
            layer: LayerId(self.layer as u16),
            level: self.level(),
            index,
        }
    }

    /// The resolution level that is decoded: the one that was asked for, or the smallest that there is.
    pub fn level(&self) -> u8 {
        let levels = self.info.part_of(self.layer).map_or(0, |part| part.levels.len());
        self.level.min(u8::try_from(levels.saturating_sub(1)).unwrap_or(u8::MAX))
    }

    /// The level of the smaller picture that is decoded while somebody scrubs.
    pub fn scrub_level(&self) -> Option<u8> {
        self.info.part_of(self.layer)?.scrub_level
    }

    /// Width and height of the level that is decoded, before it is turned.
    fn level_size(&self, part: &Part) -> (u32, u32) {
        let level = part.levels.get(usize::from(self.level)).or(part.levels.last());
        level
            .copied()
            .unwrap_or_else(|| part.orientation.of_size((part.data_window.width, part.data_window.height)))
    }

    /// Bytes of half R, G and B, and of alpha, which luminance and chroma become.
    fn mixed_bytes(&self, part: &Part, planes: &PlaneRequest) -> usize {
        let window = part.data_window;
        let (width, height) = self.level_size(part);
        let plane = |sample| PlaneSpec { name: String::new(), sample, role: Role::Other, width, height };
        let alpha = planes.channels.iter().find(|(_, role)| *role == Role::Alpha);
        let alpha = alpha.and_then(|(name, _)| part.channels.iter().find(|channel| channel.name == *name));
        let specs = [SampleType::F16; 3].into_iter().chain(alpha.map(|channel| channel.sample)).map(plane);
        PlaneLayout::new(specs.collect(), window, window, 1.0).map_or(0, |layout| layout.total_bytes())
    }

    /// One line on format, size, sample types and compression.
    pub fn description(&self) -> String {
        let Some(part) = self.info.part_of(self.layer) else { return String::new() };
        let mut samples: Vec<&str> = part.channels.iter().map(|channel| channel.sample.name()).collect();
        samples.sort_unstable();
        samples.dedup();
        format!(
            "{} {}x{} {} {}, {} a frame",
            self.info.format,
            part.display_window.width,
            part.display_window.height,
            samples.join("+"),
            part.compression,
            format_bytes(self.frame_bytes() as u64)
        )
    }

    /// Position of a layer by its name.
    pub fn find_layer(&self, name: &str) -> Option<usize> {
        find_layer(&self.info, name)
    }
}

fn find_layer(info: &MediaInfo, name: &str) -> Option<usize> {
    info.layers
        .iter()
        .position(|layer| layer.name == name)
        .or_else(|| info.layers.iter().position(|layer| layer.name.eq_ignore_ascii_case(name)))
}

fn channel_letters(planes: &PlaneRequest) -> String {
    let base = |name: &str| shown(name.rsplit_once('.').map_or(name, |(_, base)| base));
    let names: Vec<String> = planes.channels.iter().map(|(name, _)| base(name)).collect();
    names.join(",")
}

/// Reads the header of one file, of others of the clip where that one is broken.
fn probe_one(
    name: &str,
    files: &[NumberedFile],
    first: usize,
    opens_early: bool,
) -> Result<MediaInfo, OpenError> {
    let probe = if opens_early { decode::probe_early } else { decode::probe };
    let step = (files.len() / PROBES).max(1);
    let others = (0..files.len()).step_by(step).take(PROBES).filter(|position| *position != first);
    let mut first_error = None;
    for position in std::iter::once(first).chain(others) {
        match probe(&files[position].path) {
            Ok(info) => return Ok(info),
            Err(error) => first_error.get_or_insert(error),
        };
    }
    let error = first_error.unwrap_or_else(|| DecodeError::not_supported("it has no files"));
    Err(OpenError::Decode { name: name.to_string(), error })
}

fn choose_layer(name: &str, info: &MediaInfo, options: &ClipOptions) -> Result<usize, OpenError> {
    if let Some(wanted) = &options.layer {
        return find_layer(info, wanted).ok_or_else(|| OpenError::NoLayer {
            name: name.to_string(),
            wanted: shown(wanted),
            found: info.layers.iter().map(|layer| shown(&layer.name)).collect::<Vec<_>>().join(", "),
        });
    }
    if let Some(wanted) = &options.eye {
        let found: Vec<String> = info.views().into_iter().map(shown).collect();
        return info.layer_of_view(wanted).ok_or_else(|| OpenError::NoView {
            name: name.to_string(),
            wanted: shown(wanted),
            found: if found.is_empty() { "none".into() } else { found.join(", ") },
        });
    }
    let Some(wanted) = options.part else { return Ok(info.default_layer) };
    let no_part = || OpenError::NoPart { name: name.to_string(), wanted, found: info.parts.len() };
    let of_part = |layer: &&(usize, &decode::Layer)| info.parts[layer.1.part].number == wanted;
    let layers: Vec<(usize, &decode::Layer)> = info.layers.iter().enumerate().collect();
    layers.iter().find(of_part).map(|(position, _)| *position).ok_or_else(no_part)
}

/// First frame number and number of frames.
fn extent(name: &str, files: &[NumberedFile], options: &ClipOptions) -> Result<(i64, u32), OpenError> {
    let first = files.first().map_or(0, |file| file.number);
    let last = files.last().map_or(0, |file| file.number);
    if options.missing == MissingPolicy::Skip {
        return Ok((first, files.len().max(1) as u32));
    }
    let (first, last) = options.range.unwrap_or((first, last));
    let frames = last.checked_sub(first).and_then(|span| span.checked_add(1));
    match frames {
        Some(frames) if (1..=MAX_FRAMES).contains(&frames) => Ok((first, frames as u32)),
        _ => Err(OpenError::TooLong { name: name.to_string(), first, last, limit: MAX_FRAMES }),
    }
}
