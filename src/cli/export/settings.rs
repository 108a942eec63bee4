//! Owns what the arguments of `export` and the clip come to: codec and container, size, rate, timecode and the tags of
//! colour. Pure but for messages.

use super::timing::Timing;
use crate::cli::Failure;
use crate::cli::args::ExportArgs;
use crate::cli::render::output::Output;
use crate::encode::{MovieCodec, MovieColor, MovieContainer, MovieDepth, MovieQuality, MovieSettings};
use crate::frame::{Matrix, Primaries, Transfer};
use crate::player::Clip;
use crate::time::{Rate, Timecode};

/// What is decided before the media is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    container: MovieContainer,
    codec: MovieCodec,
    quality: MovieQuality,
    depth: MovieDepth,
}

impl Choice {
    /// # Errors
    /// [`Failure::USAGE`] for an ending that names no movie, or a codec that its container does not take, or a quality
    /// for one that loses nothing.
    pub fn of(args: &ExportArgs) -> Result<Self, Failure> {
        let usage = |error: crate::encode::EncodeError| Failure::new(Failure::USAGE, error.to_string());
        let container = MovieContainer::from_path(&args.output).map_err(usage)?;
        let codec = args.codec.unwrap_or(container.usual_codec());
        container.check(codec, &args.output).map_err(usage)?;
        if codec.is_lossless() && args.quality.is_some() {
            let message = format!("{} is lossless: leave --quality out", codec.name());
            return Err(Failure::new(Failure::USAGE, message));
        }
        let (quality, depth) = (args.quality.unwrap_or_default(), args.depth.unwrap_or(codec.usual_depth()));
        Ok(Self { container, codec, quality, depth })
    }

    /// The pictures that the codec is fed with.
    pub fn output(self) -> Output {
        match self.depth {
            MovieDepth::Eight => Output::Rgb8,
            MovieDepth::Sixteen => Output::Rgb16,
        }
    }

    /// All of it but for sound, once the clip is known.
    ///
    /// # Errors
    /// [`Failure::USAGE`] for a timecode that is none at the rate of the clip.
    pub fn settings(
        self,
        args: &ExportArgs,
        clip: &Clip,
        timing: &Timing,
        numbers: &[i64],
    ) -> Result<MovieSettings, Failure> {
        let (window, pixel_aspect) = clip.display();
        let (rate, slate) = (timing.rate(), slate_frames(args, timing.rate()));
        let timecode = timecode(args.timecode.as_deref(), clip, rate, numbers)?.plus(-slate);
        Ok(MovieSettings {
            container: self.container,
            codec: self.codec,
            quality: self.quality,
            depth: self.depth,
            size: args.draw.size.unwrap_or((window.width, window.height)),
            frames: timing.pictures(numbers).saturating_add(slate).unsigned_abs(),
            rate,
            // Pictures of a size that was asked for are drawn with square pixels.
            pixel_aspect: if args.draw.size.is_some() { 1.0 } else { pixel_aspect },
            color: color_of(args.draw.color.display.as_deref().unwrap_or_default()),
            timecode: Some(timecode.to_string()),
            has_sound: false,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        })
    }
}

/// How many pictures of a slate go before the first frame: one second of them.
pub fn slate_frames(args: &ExportArgs, rate: Rate) -> i64 {
    if args.slate { (rate.as_f64().round() as i64).max(1) } else { 0 }
}

/// What the slate says.
pub fn slate_lines(args: &ExportArgs, clip: &Clip, numbers: &[i64], settings: &MovieSettings) -> Vec<String> {
    let (first, last) = (numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0));
    let ((width, height), rate) = (settings.size, settings.rate);
    let start = timecode(args.timecode.as_deref(), clip, rate, numbers).map(|timecode| timecode.to_string());
    vec![
        clip.name.clone(),
        format!("{first}-{last}  {} frames", numbers.len()),
        format!("{width}x{height}  {rate} fps"),
        start.unwrap_or_default(),
    ]
}

/// The timecode of the first frame: the one that was asked for, that of the movie, else the frame number.
fn timecode(asked: Option<&str>, clip: &Clip, rate: Rate, numbers: &[i64]) -> Result<Timecode, Failure> {
    if let Some(text) = asked {
        return Timecode::parse(text, rate).map_err(|error| Failure::new(Failure::USAGE, error.to_string()));
    }
    let first = numbers.first().copied().unwrap_or(0);
    Ok(clip.timecode(clip.index_of(first)).unwrap_or(Timecode::of_frame(first, rate)))
}

/// The tags of a display of OpenColorIO, by the standards in its name; BT.709 for all others, which is what players make
/// of the sRGB display that is drawn by default.
fn color_of(display: &str) -> MovieColor {
    let name = display.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    let transfer = match () {
        () if has("pq") || has("2084") => Transfer::Pq,
        () if has("hlg") => Transfer::Hlg,
        () if has("display p3") => Transfer::Srgb,
        () if has("p3") => Transfer::Unstated,
        () => Transfer::Bt709,
    };
    let (primaries, matrix) = match () {
        () if has("p3") && has("dci") => (Primaries::P3Dci, Matrix::Bt709),
        () if has("p3") => (Primaries::P3D65, Matrix::Bt709),
        () if has("2020") || has("2100") => (Primaries::Bt2020, Matrix::Bt2020),
        () => (Primaries::Bt709, Matrix::Bt709),
    };
    MovieColor { primaries, transfer, matrix }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_have_the_tags_of_their_names() {
        let of = |display: &str| {
            let color = color_of(display);
            (color.primaries, color.transfer, color.matrix)
        };
        assert_eq!(of("sRGB - Display"), (Primaries::Bt709, Transfer::Bt709, Matrix::Bt709));
        assert_eq!(of("Rec.2100-PQ - Display"), (Primaries::Bt2020, Transfer::Pq, Matrix::Bt2020));
        assert_eq!(of("Rec.2100-HLG - Display"), (Primaries::Bt2020, Transfer::Hlg, Matrix::Bt2020));
        assert_eq!(of("Display P3 - Display"), (Primaries::P3D65, Transfer::Srgb, Matrix::Bt709));
        assert_eq!(of("P3-D65 - Display"), (Primaries::P3D65, Transfer::Unstated, Matrix::Bt709));
    }
}
