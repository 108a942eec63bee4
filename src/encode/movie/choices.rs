//! Owns the encoders of FFmpeg for each codec, with settings that make a movie look like what it was made of. Pure.

use std::ffi::CStr;

use super::kind::{MovieCodec, MovieContainer, MovieDepth, MovieQuality};

/// How the samples of an encoder lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    Yuv420,
    Yuv420Ten,
    Yuv422,
    Yuv422Ten,
    Yuv444Ten,
    Rgb,
    RgbSixteen,
}

impl Pixels {
    pub fn is_rgb(self) -> bool {
        matches!(self, Self::Rgb | Self::RgbSixteen)
    }

    /// The size without the column or row that has no chroma of its own.
    pub fn fitted(self, (width, height): (u32, u32)) -> (u32, u32) {
        match self {
            Self::Yuv420 | Self::Yuv420Ten => (width & !1, height & !1),
            Self::Yuv422 | Self::Yuv422Ten => (width & !1, height),
            Self::Yuv444Ten | Self::Rgb | Self::RgbSixteen => (width, height),
        }
    }
}

/// One encoder of FFmpeg.
#[derive(Debug)]
pub struct EncoderChoice {
    pub name: &'static CStr,
    /// The option that says how good it is; what is lossless has none.
    quality: Option<&'static CStr>,
    /// By [`MovieQuality`], from low to best.
    steps: [Step; MovieQuality::ALL.len()],
    options: &'static [(&'static CStr, &'static CStr)],
}

/// What one quality is with one encoder.
#[derive(Debug, Clone, Copy)]
struct Step {
    value: &'static CStr,
    pixels: &'static [Pixels],
}

impl EncoderChoice {
    /// How its samples may lie: the first that it opens with, because some builds keep 8 bits alone.
    pub fn pixels(&self, quality: MovieQuality) -> &'static [Pixels] {
        self.step(quality).pixels
    }

    /// What it is opened with.
    pub fn options(&self, quality: MovieQuality) -> impl Iterator<Item = (&'static CStr, &'static CStr)> {
        let value = self.step(quality).value;
        self.options.iter().copied().chain(self.quality.map(|name| (name, value)))
    }

    fn step(&self, quality: MovieQuality) -> Step {
        let [low, medium, high, best] = self.steps;
        match quality {
            MovieQuality::Low => low,
            MovieQuality::Medium => medium,
            MovieQuality::High => high,
            MovieQuality::Best => best,
        }
    }
}

/// An encoder of FFmpeg for sound.
#[derive(Debug)]
pub struct SoundChoice {
    pub name: &'static CStr,
    /// It takes floats, and not 24 bits.
    pub is_float: bool,
    /// 0 where nothing is lost.
    pub bits_per_second: i64,
}

/// What the sound of a container is encoded with.
pub fn sound(container: MovieContainer) -> &'static SoundChoice {
    match container {
        MovieContainer::Mov => &SoundChoice { name: c"pcm_s24le", is_float: false, bits_per_second: 0 },
        MovieContainer::Mp4 => &SoundChoice { name: c"aac", is_float: true, bits_per_second: 320_000 },
        MovieContainer::Mkv => &SoundChoice { name: c"flac", is_float: false, bits_per_second: 0 },
    }
}

/// Encoders of a codec for samples of such a depth, the best first.
pub fn encoders(codec: MovieCodec, depth: MovieDepth) -> &'static [EncoderChoice] {
    match (codec, depth) {
        (MovieCodec::H264, _) => H264,
        (MovieCodec::Hevc, _) => HEVC,
        (MovieCodec::ProRes, _) => PRORES,
        (MovieCodec::DnxHr, _) => DNXHR,
        (MovieCodec::Av1, _) => AV1,
        (MovieCodec::Ffv1, MovieDepth::Eight) => FFV1_8,
        (MovieCodec::Ffv1, MovieDepth::Sixteen) => FFV1_16,
    }
}

/// Half a second of film from one whole picture to the next, so that seeking in the movie is quick.
const GROUP: (&CStr, &CStr) = (c"g", c"12");

/// The same samples for every quality.
const fn steps(values: [&'static CStr; 4], pixels: &'static [Pixels]) -> [Step; 4] {
    let [low, medium, high, best] = values;
    [step(low, pixels), step(medium, pixels), step(high, pixels), step(best, pixels)]
}

const fn step(value: &'static CStr, pixels: &'static [Pixels]) -> Step {
    Step { value, pixels }
}

const H264: &[EncoderChoice] = &[EncoderChoice {
    name: c"libx264",
    quality: Some(c"crf"),
    steps: steps([c"28", c"22", c"16", c"10"], &[Pixels::Yuv420]),
    options: &[(c"preset", c"medium"), (c"profile", c"high"), GROUP],
}];

/// Looking ahead beyond the next whole picture would gain little and takes memory: 27 MB a picture of 4096x2160.
const HEVC_PARAMETERS: (&CStr, &CStr) = (c"x265-params", c"log-level=none:rc-lookahead=12");
/// The same: no more than one group of pictures of its pyramid.
const SVT_PARAMETERS: (&CStr, &CStr) = (c"svtav1-params", c"lookahead=16");

const HEVC: &[EncoderChoice] = &[EncoderChoice {
    name: c"libx265",
    quality: Some(c"crf"),
    steps: steps([c"28", c"22", c"16", c"10"], &[Pixels::Yuv420Ten, Pixels::Yuv420]),
    options: &[(c"preset", c"medium"), HEVC_PARAMETERS, GROUP],
}];

const PRORES: &[EncoderChoice] = &[EncoderChoice {
    name: c"prores_ks",
    quality: Some(c"profile"),
    steps: [
        step(c"proxy", &[Pixels::Yuv422Ten]),
        step(c"standard", &[Pixels::Yuv422Ten]),
        step(c"hq", &[Pixels::Yuv422Ten]),
        step(c"4444", &[Pixels::Yuv444Ten]),
    ],
    options: &[(c"vendor", c"apl0")],
}];

const DNXHR: &[EncoderChoice] = &[EncoderChoice {
    name: c"dnxhd",
    quality: Some(c"profile"),
    steps: [
        step(c"dnxhr_lb", &[Pixels::Yuv422]),
        step(c"dnxhr_sq", &[Pixels::Yuv422]),
        step(c"dnxhr_hqx", &[Pixels::Yuv422Ten]),
        step(c"dnxhr_444", &[Pixels::Yuv444Ten]),
    ],
    options: &[],
}];

const AV1: &[EncoderChoice] = &[
    EncoderChoice {
        name: c"libsvtav1",
        quality: Some(c"crf"),
        steps: steps([c"40", c"28", c"18", c"8"], &[Pixels::Yuv420Ten, Pixels::Yuv420]),
        options: &[(c"preset", c"8"), (c"g", c"24"), SVT_PARAMETERS],
    },
    EncoderChoice {
        name: c"libaom-av1",
        quality: Some(c"crf"),
        steps: steps([c"36", c"24", c"14", c"5"], &[Pixels::Yuv420Ten, Pixels::Yuv420]),
        options: &[(c"b", c"0"), (c"cpu-used", c"6"), (c"row-mt", c"1"), (c"g", c"24")],
    },
];

const FFV1_8: &[EncoderChoice] = &[ffv1(&[Pixels::Rgb])];
const FFV1_16: &[EncoderChoice] = &[ffv1(&[Pixels::RgbSixteen])];

/// Slices are for threads, checksums for archives.
const fn ffv1(pixels: &'static [Pixels]) -> EncoderChoice {
    EncoderChoice {
        name: c"ffv1",
        quality: None,
        steps: [step(c"", pixels); 4],
        options: &[(c"level", c"3"), (c"g", c"1"), (c"slices", c"4"), (c"slicecrc", c"1")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_lose_what_has_no_chroma() {
        assert_eq!(Pixels::Yuv420.fitted((101, 51)), (100, 50));
        assert_eq!(Pixels::Yuv422Ten.fitted((101, 51)), (100, 51));
        assert_eq!(Pixels::Yuv444Ten.fitted((101, 51)), (101, 51));
        assert_eq!(Pixels::Rgb.fitted((101, 51)), (101, 51));
    }
}
