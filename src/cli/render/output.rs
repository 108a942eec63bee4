//! Owns what is written and under which names: the kind of picture that OUT and the options choose, and the path
//! of every frame. Pure.

use std::path::{Path, PathBuf};

use crate::cli::Failure;
use crate::cli::args::{Depth, RenderArgs};
use crate::encode::PictureFormat;
use crate::text::shown_path;

const RGB8: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
const RGB32: wgpu::TextureFormat = wgpu::TextureFormat::Rgba32Float;

/// What is written, decided from the ending of OUT and the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Rgb8,
    Rgb16,
    /// Displayed colour as R, G, B.
    Exr {
        is_half: bool,
    },
    /// The channels of the layer as they are in the file.
    RawExr {
        depth: Option<Depth>,
    },
}

impl Output {
    /// # Errors
    /// [`Failure::USAGE`] for an unknown ending, or a depth that the format does not have.
    pub fn of(args: &RenderArgs) -> Result<Self, Failure> {
        let usage = |message: String| Failure::new(Failure::USAGE, message);
        let format = PictureFormat::from_path(&args.output).map_err(|error| usage(error.to_string()))?;
        match (format, args.depth) {
            (PictureFormat::Exr, depth) if args.draw.color.raw => match depth {
                None | Some(Depth::Half | Depth::Float) => Ok(Self::RawExr { depth }),
                _ => Err(usage("EXR takes --depth half or float".into())),
            },
            (PictureFormat::Exr, None | Some(Depth::Half)) => Ok(Self::Exr { is_half: true }),
            (PictureFormat::Exr, Some(Depth::Float)) => Ok(Self::Exr { is_half: false }),
            (PictureFormat::Exr, _) => Err(usage("EXR takes --depth half or float".into())),
            (_, None | Some(Depth::Eight)) => Ok(Self::Rgb8),
            (_, Some(Depth::Sixteen)) => Ok(Self::Rgb16),
            _ => Err(usage("PNG and TIFF take --depth 8 or 16".into())),
        }
    }

    pub fn is_raw(self) -> bool {
        matches!(self, Self::RawExr { .. })
    }

    /// What the displayed picture is drawn into.
    pub fn target(self) -> wgpu::TextureFormat {
        if self == Self::Rgb8 { RGB8 } else { RGB32 }
    }
}

/// The name of every output picture.
pub struct OutputPattern {
    before: String,
    digits: usize,
    after: String,
    folder: PathBuf,
    literal: PathBuf,
}

impl OutputPattern {
    /// The last run of `#` in the file name is the frame number.
    pub fn new(output: &Path) -> Self {
        let name = output.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let end = name.rfind('#').map_or(0, |position| position + 1);
        let start = name[..end].trim_end_matches('#').len();
        Self {
            before: name[..start].to_string(),
            digits: end - start,
            after: name[end..].to_string(),
            folder: output.parent().map(Path::to_path_buf).unwrap_or_default(),
            literal: output.to_path_buf(),
        }
    }

    /// The same for so many frames.
    ///
    /// # Errors
    /// [`Failure::USAGE`] for several frames into one name.
    pub fn for_frames(output: &Path, frames: usize) -> Result<Self, Failure> {
        let pattern = Self::new(output);
        if frames > 1 && !pattern.has_number() {
            let path = shown_path(output);
            let message = format!("{frames} frames into one file: put a # for the frame number into {path}");
            return Err(Failure::new(Failure::USAGE, message));
        }
        Ok(pattern)
    }

    fn has_number(&self) -> bool {
        self.digits > 0
    }

    pub fn path(&self, number: i64) -> PathBuf {
        if !self.has_number() {
            return self.literal.clone();
        }
        let sign = if number < 0 { "-" } else { "" };
        let width = self.digits.saturating_sub(sign.len());
        let digits = format!("{:0width$}", number.unsigned_abs());
        self.folder.join(format!("{}{sign}{digits}{}", self.before, self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_hashes_is_the_frame_number() {
        let path = |pattern: &str, number| OutputPattern::new(Path::new(pattern)).path(number);
        assert_eq!(path("out/out.####.png", 7), Path::new("out/out.0007.png"));
        assert_eq!(path("out.#.exr", 1001), Path::new("out.1001.exr"));
        assert_eq!(path("out.####.exr", -7), Path::new("out.-007.exr"));
        assert_eq!(path("out.##.exr", 12345), Path::new("out.12345.exr"));
        assert_eq!(path("a#b/out.png", 3), Path::new("a#b/out.png"));
    }
}
