//! `bench decode`: decoding alone, from files in the page cache to planes that are ready to upload, beside
//! what no decoder of these files can do without.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::json;
use xxhash_rust::xxh64::Xxh64;

use super::args::DecodeArgs;
use super::session::{clip_options, decode_threads};
use super::settings::Configured;
use super::{Failure, Interrupt, print_lines};
use crate::decode::{self, DecodeEnd, DecodeRequest, Decoded, Decoder, FileDecoder, PlaneRequest};
use crate::epoch::EpochWatch;
use crate::frame::{ClipId, FrameMemory};
use crate::player::{Clip, FramePlace};
use crate::sequence::{ResolveOptions, resolve};

/// What is decoded.
struct Work {
    frames: Vec<FramePlace>,
    decoder: FileDecoder,
    planes: Arc<PlaneRequest>,
    frame_bytes: usize,
    threads: usize,
    /// All threads work on one frame at a time, as for a frame that somebody waits for.
    is_split: bool,
    /// Taken before the clock starts, as the player's are.
    buffers: Mutex<Vec<FrameMemory>>,
    interrupt: Interrupt,
}

/// Sums over frames and threads, in nanoseconds of thread time.
#[derive(Default, Clone, Copy)]
struct FloorSums {
    read: u64,
    inflate: Option<u64>,
    copy: u64,
}

pub fn decode(args: &DecodeArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    super::log_at(args.machine.log_level);
    let clip = open(args)?;
    let work = Work::new(args, &clip, interrupt)?;
    let (checksum, shown) = work.warm_up()?;
    let started = Instant::now();
    for _ in 0..args.repeat {
        work.each_frame(|place, memory| work.decode_one(place, memory).map(drop))?;
    }
    let frames = work.frames.len() as f64;
    let ms_per_frame = started.elapsed().as_secs_f64() * 1e3 / (frames * f64::from(args.repeat));
    let floor = work.floor()?;
    // The floor is shared by as many threads as the work.
    let threads = if work.is_split { work.threads } else { work.threads.min(work.frames.len()) };
    let per_frame = |nanos: u64| nanos as f64 / 1e6 / frames / threads as f64;
    let codec = clip.info.part_of(clip.layer).map(|part| part.compression.clone()).unwrap_or_default();
    let floor_ms = match (codec.as_str(), floor.inflate) {
        // Nothing is read for the floor of files that have none.
        ("none", _) => (floor.read > 0).then(|| per_frame(floor.read)),
        (_, inflate) => inflate.map(|inflate| per_frame(inflate + floor.copy)),
    };
    let report = Report {
        media: &clip.name,
        codec: &codec,
        checksum,
        ms_per_frame,
        read_ms: per_frame(floor.read),
        floor_ms,
    };
    print_lines(std::iter::once(if args.json { report.json(&work, &shown) } else { report.line(&work) }))
}

struct Report<'a> {
    media: &'a str,
    codec: &'a str,
    checksum: u64,
    ms_per_frame: f64,
    read_ms: f64,
    floor_ms: Option<f64>,
}

impl Report<'_> {
    fn json(&self, work: &Work, shown: &Decoded) -> String {
        let planes = shown.layout.planes().iter();
        json!({
            "media": self.media,
            "frames": work.frames.len(),
            "threads": work.threads,
            "split": work.is_split,
            "codec": self.codec,
            "width": shown.layout.data_window().width,
            "height": shown.layout.data_window().height,
            "channels": planes.map(|plane| crate::text::shown(&plane.name)).collect::<Vec<_>>(),
            "bytes_per_frame": shown.layout.total_bytes(),
            "ms_per_frame": self.ms_per_frame,
            "fps": 1e3 / self.ms_per_frame,
            "read_ms_per_frame": self.read_ms,
            "floor_ms_per_frame": self.floor_ms,
            "checksum": format!("{:016x}", self.checksum),
        })
        .to_string()
    }

    fn line(&self, work: &Work) -> String {
        let floor = self.floor_ms.map_or_else(String::new, |floor| {
            format!(", floor {floor:.1} ms, {:.2} of it", self.ms_per_frame / floor)
        });
        let (media, codec, threads, ms) = (self.media, self.codec, work.threads, self.ms_per_frame);
        let split = if work.is_split { " on one frame at a time" } else { "" };
        format!("{media}: {codec}, {threads} threads{split}, {ms:.1} ms a frame ({:.1} fps){floor}", 1e3 / ms)
    }
}

fn open(args: &DecodeArgs) -> Result<Clip, Failure> {
    let no_media = |message: String| Failure::new(Failure::NO_MEDIA, message);
    let options = ResolveOptions { single: args.clip.single };
    let (resolved, errors) = resolve(std::slice::from_ref(&args.media), &options);
    let first = resolved.first().ok_or_else(|| {
        no_media(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nrushes: "))
    })?;
    Clip::open(ClipId(0), first, &clip_options(&args.clip)).map_err(|error| no_media(error.to_string()))
}

impl Work {
    fn new(args: &DecodeArgs, clip: &Clip, interrupt: &Interrupt) -> Result<Self, Failure> {
        let threads = decode_threads(&Configured::load(&args.machine)?.settings);
        let workers = if args.split { 1 } else { threads };
        let buffers: Result<_, Failure> = (0..workers).map(|_| allocate(clip.frame_bytes())).collect();
        Ok(Self {
            frames: (0..clip.frames()).filter_map(|index| clip.place(index)).collect(),
            decoder: FileDecoder::default(),
            planes: Arc::clone(clip.planes()),
            frame_bytes: clip.frame_bytes(),
            threads,
            is_split: args.split,
            buffers: Mutex::new(buffers?),
            interrupt: interrupt.clone(),
        })
    }

    fn decode_one(&self, place: &FramePlace, memory: &mut FrameMemory) -> Result<Decoded, Failure> {
        let request = DecodeRequest {
            index: place.index,
            path: place.path.clone(),
            planes: Arc::clone(&self.planes),
            level: 0,
            helpers: if self.is_split { self.threads - 1 } else { 0 },
            watch: EpochWatch::never_stale(),
        };
        loop {
            match self.decoder.decode(&request, memory) {
                DecodeEnd::Done(decoded) => return Ok(decoded),
                DecodeEnd::Refused { needed_bytes } => *memory = allocate(needed_bytes)?,
                DecodeEnd::Failed(error) => {
                    let name = crate::text::shown_path(&place.path);
                    return Err(Failure::new(Failure::SOME_MEDIA, format!("{name}: {error}")));
                }
                DecodeEnd::Skipped => return Err(Failure::interrupted()),
            }
        }
    }

    /// Decodes every frame once: files come into the page cache, every sample into the checksum.
    fn warm_up(&self) -> Result<(u64, Decoded), Failure> {
        let mut hasher = Xxh64::new(0);
        let mut memory = allocate(self.frame_bytes)?;
        let mut last = None;
        for place in &self.frames {
            let decoded = self.decode_one(place, &mut memory)?;
            for (plane, span) in decoded.layout.planes().iter().zip(decoded.layout.spans()) {
                let samples = plane.width as usize * plane.sample.bytes();
                (0..span.rows).for_each(|row| hasher.update(&memory.bytes()[span.row(row)][..samples]));
            }
            last = Some(decoded);
        }
        let last = last.ok_or_else(|| Failure::new(Failure::NO_MEDIA, "the clip has no files"))?;
        Ok((hasher.digest(), last))
    }

    /// Runs `work` for every file, on as many threads as there are buffers.
    fn each_frame(
        &self,
        work: impl Fn(&FramePlace, &mut FrameMemory) -> Result<(), Failure> + Sync,
    ) -> Result<(), Failure> {
        let next = AtomicUsize::new(0);
        let buffers = || self.buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let run = || {
            let mut memory = buffers().pop().unwrap_or_default();
            let mut end = Ok(());
            while let Some(place) = self.frames.get(next.fetch_add(1, Ordering::Relaxed)) {
                end = if self.interrupt.is_set() {
                    Err(Failure::interrupted())
                } else {
                    work(place, &mut memory)
                };
                if end.is_err() {
                    break;
                }
            }
            buffers().push(memory);
            end
        };
        let threads = buffers().len();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|number| {
                    std::thread::Builder::new().name(format!("bench-{number}")).spawn_scoped(scope, run)
                })
                .collect();
            threads.into_iter().try_for_each(|thread| {
                let thread = thread.map_err(|error| Failure::new(Failure::FAILED, error.to_string()))?;
                thread
                    .join()
                    .unwrap_or_else(|_| Err(Failure::new(Failure::FAILED, "a bench thread panicked")))
            })
        })
    }

    /// Reading, inflating and one copy of the planes, on the same number of threads.
    fn floor(&self) -> Result<FloorSums, Failure> {
        let sums = Mutex::new(FloorSums { inflate: Some(0), ..FloorSums::default() });
        let finished = allocate(self.frame_bytes)?;
        self.each_frame(|place, memory| {
            let Ok(floor) = decode::floor(&place.path, &self.planes) else {
                // There is none for other files than EXR: no sum, instead of one of nothing.
                if let Ok(mut sums) = sums.lock() {
                    sums.inflate = None;
                }
                return Ok(());
            };
            let started = Instant::now();
            let length = memory.len_bytes().min(finished.len_bytes());
            memory.bytes_mut()[..length].copy_from_slice(&finished.bytes()[..length]);
            let copy = started.elapsed().as_nanos() as u64;
            if let Ok(mut sums) = sums.lock() {
                sums.read += floor.read_nanos;
                sums.inflate = sums.inflate.zip(floor.inflate_nanos).map(|(sum, nanos)| sum + nanos);
                sums.copy += copy;
            }
            Ok(())
        })?;
        sums.into_inner().map_err(|_| Failure::new(Failure::FAILED, "a bench thread panicked"))
    }
}

fn allocate(bytes: usize) -> Result<FrameMemory, Failure> {
    FrameMemory::allocate(bytes).map_err(|error| Failure::new(Failure::FAILED, error.to_string()))
}
