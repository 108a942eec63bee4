//! The pictures that can be written: plain samples with their size, and the formats that take them.
//!
//! Owns the shapes and their consistency. Never touches a file. Plain values, on any thread.

use std::path::Path;

use half::f16;

use super::{EncodeError, Fault};

/// The samples of one channel, row by row from the top, `width * height` of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// 16-bit floats; every bit pattern is kept, NaN payloads included.
    F16(Vec<f16>),
    /// 32-bit floats; every bit pattern is kept.
    F32(Vec<f32>),
    /// 32-bit unsigned integers.
    U32(Vec<u32>),
}

impl Samples {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        match self {
            Self::F16(samples) => samples.len(),
            Self::F32(samples) => samples.len(),
            Self::U32(samples) => samples.len(),
        }
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, in the machine's order, of row `y` of rows of `width` samples.
    pub(super) fn row_bytes(&self, y: usize, width: usize) -> &[u8] {
        let row = y * width..(y + 1) * width;
        match self {
            Self::F16(samples) => bytemuck::cast_slice(&samples[row]),
            Self::F32(samples) => bytemuck::cast_slice(&samples[row]),
            Self::U32(samples) => bytemuck::cast_slice(&samples[row]),
        }
    }
}

/// A channel of an EXR picture, such as `R` or `diffuse.B`.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureChannel {
    /// Full name, 1 to 255 bytes of UTF-8 without a NUL, unique in its picture.
    pub name: String,
    /// `width * height` samples.
    pub samples: Samples,
}

/// An EXR picture whose channels cover the display window.
#[derive(Clone, Debug, PartialEq)]
pub struct ExrPicture {
    /// Pixels in a row, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// Top left corner of the display window, which is the data window too.
    pub origin: (i32, i32),
    /// Width of a pixel over its height.
    pub pixel_aspect: f32,
    /// At least one, in any order; the file holds them sorted by name.
    pub channels: Vec<PictureChannel>,
}

impl ExrPicture {
    /// Refuses what an EXR file cannot hold, with the reason.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let wanted = sample_count(self.width, self.height, 1)?;
        if self.channels.is_empty() {
            return Err(Fault::Unfit("the picture has no channel; choose a layer that has some".to_owned()));
        }
        for channel in &self.channels {
            check_name(&channel.name)?;
            check_count(&format!("channel {:?}", channel.name), channel.samples.len(), wanted)?;
        }
        self.check_unique()
    }

    fn check_unique(&self) -> Result<(), Fault> {
        let mut names: Vec<&str> = self.channels.iter().map(|channel| channel.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                Err(Fault::Unfit(format!("two channels are named {:?}; rename or drop one", pair[0])))
            }
            None => Ok(()),
        }
    }
}

/// Interleaved samples: red, green and blue of the top left pixel, then of the one to its right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RgbSamples {
    /// 8 bits a sample.
    U8(Vec<u8>),
    /// 16 bits a sample.
    U16(Vec<u16>),
}

/// A picture ready for display, in the display's own encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbPicture {
    /// Pixels in a row, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// `width * height * 3` samples.
    pub samples: RgbSamples,
}

impl RgbPicture {
    /// Refuses a size of zero and a wrong number of samples.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let wanted = sample_count(self.width, self.height, 3)?;
        let found = match &self.samples {
            RgbSamples::U8(samples) => samples.len(),
            RgbSamples::U16(samples) => samples.len(),
        };
        check_count("the picture", found, wanted)
    }
}

/// A picture of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Picture {
    /// Named channels, for EXR.
    Exr(ExrPicture),
    /// Interleaved integers, for PNG and TIFF.
    Rgb(RgbPicture),
}

/// A file format that pictures can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// `.png`
    Png,
    /// `.tif` or `.tiff`
    Tiff,
    /// `.exr`
    Exr,
}

impl PictureFormat {
    /// The format that the ending of `path` names, in capitals or not.
    ///
    /// # Errors
    /// [`EncodeError::UnknownEnding`], which names the ending and those that work.
    pub fn from_path(path: &Path) -> Result<Self, EncodeError> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        match ending.to_str() {
            Some("png") => Ok(Self::Png),
            Some("tif" | "tiff") => Ok(Self::Tiff),
            Some("exr") => Ok(Self::Exr),
            _ => Err(EncodeError::UnknownEnding { path: path.to_owned() }),
        }
    }
}

fn sample_count(width: u32, height: u32, per_pixel: usize) -> Result<usize, Fault> {
    if width == 0 || height == 0 {
        return Err(Fault::Unfit(format!(
            "a picture of {width}x{height} has no pixel; both sides must be 1 or more"
        )));
    }
    (width as usize)
        .checked_mul(height as usize)
        .and_then(|pixels| pixels.checked_mul(per_pixel))
        .ok_or_else(|| Fault::Unfit(format!("a picture of {width}x{height} is too large for this machine")))
}

fn check_count(what: &str, found: usize, wanted: usize) -> Result<(), Fault> {
    if found == wanted {
        return Ok(());
    }
    Err(Fault::Unfit(format!("{what} has {found} samples where its size needs {wanted}")))
}

fn check_name(name: &str) -> Result<(), Fault> {
    if (1..=255).contains(&name.len()) && !name.contains('\0') {
        return Ok(());
    }
    Err(Fault::Unfit(format!(
        "EXR cannot hold a channel named {name:?}; a name has 1 to 255 bytes and no NUL"
    )))
}
