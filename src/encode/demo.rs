//! The demo sequence: a synthetic clip that loops, in any size, length and EXR compression.
//!
//! Owns its options, how a frame is put together, and the files `demo.1001.exr` and on. Never
//! decides where they go and never overwrites a finished frame. Frames are painted and compressed
//! on helper threads, progress is told on the caller's.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use exr::compression::Compression;
use half::f16;
use half::slice::HalfFloatSliceExt;

use super::overlay::{self, Chart, Dial};
use super::plate::{Canvas, Grain, Hills, Row, Sky, Sun};
use super::{EncodeError, ExrPicture, PictureChannel, Samples, workers, write_exr};

/// The number in the name of the first file.
pub const FIRST_DEMO_FRAME: u32 = 1001;

/// Most frames painted at once; each holds a picture in memory (53 MB in 4K) and as much again
/// while it is compressed.
const MAX_DEMO_WORKERS: usize = 8;

/// Longest side in pixels and longest sequence in frames; beyond them a typing error is likelier
/// than a wish.
const MAX_SIDE: u32 = 16_384;
const MAX_FRAMES: u32 = 100_000;

/// Frames a second of the time code, and frames for about one turn of the hand.
const FPS: u32 = 24;

/// How the frames are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DemoCodec {
    /// Not at all.
    None,
    /// Run lengths.
    Rle,
    /// Deflate, a row at a time.
    Zips,
    /// Deflate, 16 rows at a time.
    Zip,
    /// Wavelets and Huffman coding, 32 rows at a time.
    Piz,
    /// Deflate of 24-bit floats; lossless for the half floats of the demo.
    Pxr24,
    /// Blocks of 4 by 4 samples in 14 bytes; lossy.
    B44,
    /// As B44, with flat blocks in 3 bytes; lossy.
    B44a,
    /// Cosine transform, 32 rows at a time; lossy.
    Dwaa,
    /// Cosine transform, 256 rows at a time; lossy.
    Dwab,
}

impl DemoCodec {
    /// Every codec.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Rle,
        Self::Zips,
        Self::Zip,
        Self::Piz,
        Self::Pxr24,
        Self::B44,
        Self::B44a,
        Self::Dwaa,
        Self::Dwab,
    ];

    /// The name to type, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Rle => "rle",
            Self::Zips => "zips",
            Self::Zip => "zip",
            Self::Piz => "piz",
            Self::Pxr24 => "pxr24",
            Self::B44 => "b44",
            Self::B44a => "b44a",
            Self::Dwaa => "dwaa",
            Self::Dwab => "dwab",
        }
    }

    /// The names of all codecs, for messages and help.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(" ")
    }

    fn compression(self) -> Compression {
        match self {
            Self::None => Compression::Uncompressed,
            Self::Rle => Compression::RLE,
            Self::Zips => Compression::ZIP1,
            Self::Zip => Compression::ZIP16,
            Self::Piz => Compression::PIZ,
            Self::Pxr24 => Compression::PXR24,
            Self::B44 => Compression::B44,
            Self::B44a => Compression::B44A,
            Self::Dwaa => Compression::DWAA(None),
            Self::Dwab => Compression::DWAB(None),
        }
    }
}

impl fmt::Display for DemoCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DemoCodec {
    type Err = EncodeError;

    /// The codec of a name, in capitals or not; the error lists all names.
    fn from_str(name: &str) -> Result<Self, EncodeError> {
        let found = Self::ALL.into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| EncodeError::UnknownCodec { name: name.to_owned() })
    }
}

/// What the demo sequence is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// Pixels in a row, 1 to 16384.
    pub width: u32,
    /// Rows, 1 to 16384.
    pub height: u32,
    /// Length of the loop and number of files, at most 100000.
    pub frames: u32,
    /// How the files are compressed; the pictures do not depend on it.
    pub codec: DemoCodec,
}

impl DemoOptions {
    /// A folder name that no other options give, such as `demo-2048x1080-48-zip`. Frames on disk
    /// are kept whatever they show, so sequences of different options belong in different folders.
    pub fn folder_name(&self) -> String {
        format!("demo-{}x{}-{}-{}", self.width, self.height, self.frames, self.codec)
    }

    fn check(&self) -> Result<(), EncodeError> {
        let sides = 1..=MAX_SIDE;
        if sides.contains(&self.width) && sides.contains(&self.height) && self.frames <= MAX_FRAMES {
            return Ok(());
        }
        let limit = format!("sides may be 1 to {MAX_SIDE} pixels, and frames up to {MAX_FRAMES}");
        Err(EncodeError::DemoSize { width: self.width, height: self.height, frames: self.frames, limit })
    }
}

/// Paints frame `index`, counted from 0, as half floats R, G and B of scene-linear light.
///
/// The same arguments give the same samples. All that moves is at `frames` where it was at 0, so
/// that the sequence loops; only the number and the time code go on.
pub fn demo_frame(options: &DemoOptions, index: u32) -> ExrPicture {
    let (width, height) = (options.width as usize, options.height as usize);
    let scene = Scene::new(options, index);
    let mut planes: [Vec<f16>; 3] = std::array::from_fn(|_| vec![f16::ZERO; width * height]);
    let mut row = Row::new(width);
    for y in 0..height {
        scene.paint(&mut row, y);
        for (plane, light) in planes.iter_mut().zip(&row.light) {
            plane[y * width..(y + 1) * width].convert_from_f32_slice(light);
        }
    }
    let named = ["R", "G", "B"].into_iter().zip(planes);
    let channels =
        named.map(|(name, plane)| PictureChannel { name: name.to_owned(), samples: Samples::F16(plane) });
    ExrPicture {
        width: options.width,
        height: options.height,
        origin: (0, 0),
        pixel_aspect: 1.0,
        channels: channels.collect(),
    }
}

/// All painters of one frame, from back to front.
struct Scene {
    canvas: Canvas,
    sky: Sky,
    sun: Sun,
    hills: Hills,
    dial: Dial,
    texts: Vec<overlay::Caption>,
    chart: Chart,
    grain: Grain,
}

impl Scene {
    fn new(options: &DemoOptions, index: u32) -> Self {
        let canvas = Canvas { width: options.width as usize, height: options.height as usize };
        let frames = options.frames.max(1);
        let place = index % frames;
        let turn = place as f32 / frames as f32;
        let sun = Sun::new(canvas, turn);
        let mut texts = vec![overlay::number(canvas, &frame_number(index).to_string())];
        texts.extend(overlay::captions(canvas, "RUSHES DEMO", &time_code(index)));
        Self {
            canvas,
            sky: Sky::new(canvas, turn),
            hills: Hills::new(canvas, turn, &sun),
            sun,
            dial: Dial::new(canvas, turn * hand_turns(frames)),
            texts,
            chart: Chart::new(canvas),
            grain: Grain::new(canvas, place),
        }
    }

    fn paint(&self, row: &mut Row, y: usize) {
        row.y = y;
        row.v = self.canvas.at(y);
        self.sky.paint(row);
        self.sun.paint(row);
        self.hills.paint(row);
        self.dial.paint(row);
        for text in &self.texts {
            text.paint(row);
        }
        self.chart.paint(row);
        self.grain.paint(row);
    }
}

/// Whole turns of the hand in a loop, about one a second.
fn hand_turns(frames: u32) -> f32 {
    ((frames + FPS / 2) / FPS).max(1) as f32
}

fn frame_number(index: u32) -> u32 {
    FIRST_DEMO_FRAME.saturating_add(index)
}

fn time_code(index: u32) -> String {
    let secs = index / FPS;
    format!("{:02}:{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60, index % FPS)
}

/// Writes the sequence into `dir`, which is made if it is missing, and returns its files in order.
///
/// Files that are there already are kept: each appears whole or not at all, so an interrupted run
/// is taken up where it ended. `progress` hears, on this thread, how many frames are done out of
/// how many, once for each.
///
/// # Errors
/// [`EncodeError::DemoSize`] for sizes out of bounds, [`EncodeError::Io`] when the file system
/// refuses; the frames that are complete by then stay.
pub fn write_demo_sequence(
    dir: &Path,
    options: &DemoOptions,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<Vec<PathBuf>, EncodeError> {
    options.check()?;
    fs::create_dir_all(dir).map_err(|source| EncodeError::Io { path: dir.to_owned(), source })?;
    let name = |index| dir.join(format!("demo.{}.exr", frame_number(index)));
    let paths: Vec<PathBuf> = (0..options.frames).map(name).collect();
    let mut done = 0;
    let job = |index: usize| write_missing_frame(&paths[index], options, index as u32);
    workers::share(workers::available(MAX_DEMO_WORKERS), paths.len(), job, |_, ()| {
        done += 1;
        progress(done, options.frames);
        Ok(())
    })?;
    Ok(paths)
}

fn write_missing_frame(path: &Path, options: &DemoOptions, index: u32) -> Result<(), EncodeError> {
    if path.is_file() {
        return Ok(());
    }
    // One thread a frame: whole frames at a time keep all threads as busy, without waiting for each
    // other.
    write_exr(path, &demo_frame(options, index), options.codec.compression(), 1)
}

#[cfg(test)]
mod tests;
