//! `bench decode`: decoding alone, from files in the page cache to planes that are ready to upload, beside
//! what no decoder of these files can do without.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;
use xxhash_rust::xxh64::Xxh64;

use super::args::DecodeArgs;
use super::session::{clip_options, decode_threads};
use super::{Failure, Interrupt, print_lines};
use crate::decode::{self, DecodeEnd, DecodeRequest, Decoded, Decoder, FileDecoder, PlaneRequest};
use crate::epoch::EpochWatch;
use crate::frame::{ClipId, FrameMemory};
use crate::player::Clip;
use crate::sequence::{ResolveOptions, resolve};

/// What is decoded.
struct Work {
    paths: Vec<PathBuf>,
    planes: Arc<PlaneRequest>,
    frame_bytes: usize,
    threads: usize,
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
    let work = Work {
        paths: (0..clip.frames()).filter_map(|index| clip.path(index).map(PathBuf::from)).collect(),
        planes: Arc::clone(clip.planes()),
        frame_bytes: clip.frame_bytes(),
        threads: decode_threads(&args.machine),
        interrupt: interrupt.clone(),
    };
    let (checksum, shown) = work.warm_up()?;
    let started = Instant::now();
    for _ in 0..args.repeat {
        work.each_frame(|path, memory| work.decode_one(path, memory).map(drop))?;
    }
    let frames = work.paths.len() as f64;
    let ms_per_frame = started.elapsed().as_secs_f64() * 1e3 / (frames * f64::from(args.repeat));
    let floor = work.floor()?;
    let per_frame = |nanos: u64| nanos as f64 / 1e6 / frames / work.threads.min(work.paths.len()) as f64;
    let part = clip.info.part_of(clip.layer);
    let codec = part.map(|part| part.compression.clone()).unwrap_or_default();
    let floor_ms = match (codec.as_str(), floor.inflate) {
        ("none", _) => Some(per_frame(floor.read)),
        (_, inflate) => inflate.map(|inflate| per_frame(inflate + floor.copy)),
    };
    if args.json {
        return print_lines(std::iter::once(
            json!({
                "media": clip.name,
                "frames": work.paths.len(),
                "threads": work.threads,
                "codec": codec,
                "width": shown.layout.data_window().width,
                "height": shown.layout.data_window().height,
                "channels": shown.layout.planes().iter().map(|plane| crate::text::shown(&plane.name)).collect::<Vec<_>>(),
                "bytes_per_frame": shown.layout.total_bytes(),
                "ms_per_frame": ms_per_frame,
                "fps": 1e3 / ms_per_frame,
                "read_ms_per_frame": per_frame(floor.read),
                "floor_ms_per_frame": floor_ms,
                "checksum": format!("{checksum:016x}"),
            })
            .to_string(),
        ));
    }
    let floor = floor_ms.map_or_else(String::new, |floor| {
        format!(", floor {floor:.1} ms, {:.2} of it", ms_per_frame / floor)
    });
    print_lines(std::iter::once(format!(
        "{}: {codec}, {} threads, {ms_per_frame:.1} ms a frame ({:.1} fps){floor}",
        clip.name,
        work.threads,
        1e3 / ms_per_frame
    )))
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
    fn decode_one(&self, path: &std::path::Path, memory: &mut FrameMemory) -> Result<Decoded, Failure> {
        let request = DecodeRequest {
            path: path.to_path_buf(),
            planes: Arc::clone(&self.planes),
            level: 0,
            helpers: 0,
            watch: EpochWatch::never_stale(),
        };
        loop {
            match FileDecoder.decode(&request, memory) {
                DecodeEnd::Done(decoded) => return Ok(decoded),
                DecodeEnd::Refused { needed_bytes } => *memory = allocate(needed_bytes)?,
                DecodeEnd::Failed(error) => {
                    let name = crate::text::shown_path(path);
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
        for path in &self.paths {
            let decoded = self.decode_one(path, &mut memory)?;
            for (plane, span) in decoded.layout.planes().iter().zip(decoded.layout.spans()) {
                let samples = plane.width as usize * plane.sample.bytes();
                (0..span.rows).for_each(|row| hasher.update(&memory.bytes()[span.row(row)][..samples]));
            }
            last = Some(decoded);
        }
        let last = last.ok_or_else(|| Failure::new(Failure::NO_MEDIA, "the clip has no files"))?;
        Ok((hasher.digest(), last))
    }

    /// Runs `work` for every file on all threads; each thread has a buffer of its own.
    fn each_frame(
        &self,
        work: impl Fn(&std::path::Path, &mut FrameMemory) -> Result<(), Failure> + Sync,
    ) -> Result<(), Failure> {
        let next = AtomicUsize::new(0);
        let run = || {
            let mut memory = allocate(self.frame_bytes)?;
            while let Some(path) = self.paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                if self.interrupt.is_set() {
                    return Err(Failure::interrupted());
                }
                work(path, &mut memory)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads)
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
        let sums = std::sync::Mutex::new(FloorSums { inflate: Some(0), ..FloorSums::default() });
        let finished = allocate(self.frame_bytes)?;
        self.each_frame(|path, memory| {
            let Ok(floor) = decode::floor(path, &self.planes) else { return Ok(()) };
            let started = Instant::now();
            memory.bytes_mut().copy_from_slice(finished.bytes());
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
