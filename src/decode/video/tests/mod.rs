//! Movies made by the `ffmpeg` command, compared byte by byte with what it decodes itself. Movies that this `ffmpeg`
//! cannot make are skipped and named.

mod exact;
mod facts;
mod harm;
mod shared;
mod sound;
mod times;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Limits, Movie, MovieEnd, Picture};
use crate::epoch::EpochWatch;
use crate::frame::{FrameMemory, Role};

/// A folder of its own for each test.
struct Workshop(tempfile::TempDir);

impl Workshop {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a movie of the test picture with these options; `None`, and a line that says so, when `ffmpeg` cannot.
    fn make(&self, name: &str, picture: &str, options: &str) -> Option<PathBuf> {
        let path = self.path(name);
        let source = ["-f", "lavfi", "-i", picture];
        let is_made = ffmpeg(&source, options, &path);
        if !is_made {
            eprintln!("SKIPPED {name}: this ffmpeg cannot make it ({options})");
        }
        is_made.then_some(path)
    }
}

/// Runs `ffmpeg` from some input to a file.
fn ffmpeg(input: &[&str], options: &str, to: &Path) -> bool {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(input).args(options.split_whitespace()).arg(to);
    command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What `ffmpeg` decodes, as planes one after the other, and the bytes of one frame.
struct Reference {
    bytes: Vec<u8>,
    frame_bytes: usize,
}

impl Reference {
    fn of(path: &Path, pixels: &str, first: &Picture) -> Self {
        let options = format!("-map 0:v:0 -fps_mode passthrough -f rawvideo -pix_fmt {pixels}");
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-noautorotate", "-i"]).arg(path);
        let output =
            command.args(options.split_whitespace()).arg("-").stderr(Stdio::null()).output().unwrap();
        let planes = first.layout.planes().iter();
        let frame_bytes =
            planes.map(|plane| plane.width as usize * plane.height as usize * plane.sample.bytes()).sum();
        assert_eq!(output.stdout.len() % frame_bytes, 0, "{path:?}: not whole frames of {frame_bytes}");
        Self { bytes: output.stdout, frame_bytes }
    }

    fn frames(&self) -> u32 {
        (self.bytes.len() / self.frame_bytes) as u32
    }

    fn frame(&self, at: u32) -> &[u8] {
        &self.bytes[at as usize * self.frame_bytes..][..self.frame_bytes]
    }
}

fn opened(path: &Path, limits: Limits) -> Result<Movie, crate::decode::DecodeError> {
    Movie::open(path, limits, &EpochWatch::never_stale())
}

fn limits() -> Limits {
    let threads = std::env::var("THREADS").ok().and_then(|threads| threads.parse().ok()).unwrap_or(2);
    Limits { threads, ..Limits::default() }
}

fn memory_of(bytes: usize) -> FrameMemory {
    FrameMemory::allocate(bytes).unwrap()
}

/// Decodes a frame, whatever memory it needs.
fn picture(movie: &Movie, frame: u32, memory: &mut FrameMemory) -> Result<Picture, String> {
    let watch = EpochWatch::never_stale();
    match movie.decode(frame, &watch, memory) {
        MovieEnd::Done(picture) => Ok(picture),
        MovieEnd::Refused { needed_bytes } => {
            *memory = memory_of(needed_bytes);
            picture(movie, frame, memory)
        }
        MovieEnd::Failed(error) => Err(error.to_string()),
        MovieEnd::Skipped => Err("skipped".into()),
    }
}

/// The samples without padding, in the order of `ffmpeg`'s planar formats.
fn samples(picture: &Picture, memory: &FrameMemory) -> Vec<u8> {
    let layout = &picture.layout;
    let mut order: Vec<usize> = (0..layout.planes().len()).collect();
    order.sort_by_key(|at| match layout.planes()[*at].role {
        Role::Green | Role::Luminance | Role::Grey => 0,
        Role::Blue | Role::DifferenceBlue => 1,
        Role::Red | Role::DifferenceRed => 2,
        _ => 3,
    });
    let rows = |at: usize| {
        let (plane, span) = (&layout.planes()[at], layout.spans()[at]);
        let length = plane.width as usize * plane.sample.bytes();
        (0..span.rows).map(move |y| &memory.bytes()[span.row(y)][..length])
    };
    order.into_iter().flat_map(rows).flatten().copied().collect()
}

/// Numbers that look like chance and are the same every time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as u32 % end.max(1)
    }
}
