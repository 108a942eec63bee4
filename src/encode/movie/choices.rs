//! Owns the encoders of FFmpeg for each codec, with settings that make a movie look like what it was made of. Pure.

use std::ffi::CStr;

use super::kind::{MovieCodec, MovieContainer, MovieDepth};

/// How the samples of an encoder lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixels {
    Yuv420,
    Yuv420Ten,
    Yuv422Ten,
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
            Self::Yuv422Ten => (width & !1, height),
            Self::Rgb | Self::RgbSixteen => (width, height),
        }
    }
}

/// One encoder of FFmpeg.
#[derive(Debug)]
pub struct EncoderChoice {
    pub name: &'static CStr,
    /// The first that it opens with: some builds keep 8 bits alone.
    pub pixels: &'static [Pixels],
    pub options: &'static [(&'static CStr, &'static CStr)],
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

const H264: &[EncoderChoice] = &[EncoderChoice {
    name: c"libx264",
    pixels: &[Pixels::Yuv420],
    options: &[(c"preset", c"medium"), (c"crf", c"16"), (c"profile", c"high"), GROUP],
}];

const HEVC: &[EncoderChoice] = &[EncoderChoice {
    name: c"libx265",
    pixels: &[Pixels::Yuv420Ten, Pixels::Yuv420],
    options: &[(c"preset", c"medium"), (c"crf", c"16"), (c"x265-params", c"log-level=none"), GROUP],
}];

const PRORES: &[EncoderChoice] = &[EncoderChoice {
    name: c"prores_ks",
    pixels: &[Pixels::Yuv422Ten],
    options: &[(c"profile", c"hq"), (c"vendor", c"apl0")],
}];

const DNXHR: &[EncoderChoice] =
    &[EncoderChoice { name: c"dnxhd", pixels: &[Pixels::Yuv422Ten], options: &[(c"profile", c"dnxhr_hqx")] }];

const AV1: &[EncoderChoice] = &[
    EncoderChoice {
        name: c"libsvtav1",
        pixels: &[Pixels::Yuv420Ten, Pixels::Yuv420],
        options: &[(c"preset", c"8"), (c"crf", c"18"), (c"g", c"24")],
    },
    EncoderChoice {
        name: c"libaom-av1",
        pixels: &[Pixels::Yuv420Ten, Pixels::Yuv420],
        options: &[(c"crf", c"14"), (c"b", c"0"), (c"cpu-used", c"6"), (c"row-mt", c"1"), (c"g", c"24")],
    },
];

/// Slices are for threads, checksums for archives.
const FFV1_OPTIONS: &[(&CStr, &CStr)] =
    &[(c"level", c"3"), (c"g", c"1"), (c"slices", c"4"), (c"slicecrc", c"1")];
const FFV1_8: &[EncoderChoice] =
    &[EncoderChoice { name: c"ffv1", pixels: &[Pixels::Rgb], options: FFV1_OPTIONS }];
const FFV1_16: &[EncoderChoice] =
    &[EncoderChoice { name: c"ffv1", pixels: &[Pixels::RgbSixteen], options: FFV1_OPTIONS }];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_lose_what_has_no_chroma() {
        assert_eq!(Pixels::Yuv420.fitted((101, 51)), (100, 50));
        assert_eq!(Pixels::Yuv422Ten.fitted((101, 51)), (100, 51));
        assert_eq!(Pixels::Rgb.fitted((101, 51)), (101, 51));
    }
}
