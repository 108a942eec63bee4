//! Owns which movies can be written: containers, codecs, which goes into which, and what is decided before the first
//! picture. Pure.

use std::path::Path;

use crate::encode::EncodeError;
use crate::frame::{Matrix, Primaries, Transfer};
use crate::time::Rate;

/// What a movie is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MovieContainer {
    Mov,
    Mp4,
    Mkv,
}

impl MovieContainer {
    pub const ALL: [Self; 3] = [Self::Mov, Self::Mp4, Self::Mkv];

    /// The container that the ending of `path` names, in capitals or not.
    ///
    /// # Errors
    /// [`EncodeError::UnknownMovieEnding`], which names the ending and those that work.
    pub fn from_path(path: &Path) -> Result<Self, EncodeError> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        let named = Self::ALL.into_iter().find(|container| ending == container.name());
        named.ok_or_else(|| EncodeError::UnknownMovieEnding { path: path.to_owned() })
    }

    /// The ending without its dot.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Mp4 => "mp4",
            Self::Mkv => "mkv",
        }
    }

    /// The codec where none is asked for.
    pub fn usual_codec(self) -> MovieCodec {
        match self {
            Self::Mov => MovieCodec::ProRes,
            Self::Mp4 => MovieCodec::H264,
            Self::Mkv => MovieCodec::Ffv1,
        }
    }

    /// The codecs that players expect in it.
    pub fn codecs(self) -> &'static [MovieCodec] {
        use MovieCodec::{Av1, DnxHr, Ffv1, H264, Hevc, ProRes};
        match self {
            Self::Mov => &[ProRes, DnxHr, H264, Hevc],
            Self::Mp4 => &[H264, Hevc, Av1],
            Self::Mkv => &[Ffv1, H264, Hevc, Av1, ProRes],
        }
    }

    /// Whether it takes the codec.
    ///
    /// # Errors
    /// [`EncodeError::Unfit`], which names what it takes.
    pub fn check(self, codec: MovieCodec, path: &Path) -> Result<(), EncodeError> {
        if self.codecs().contains(&codec) {
            return Ok(());
        }
        let names: Vec<&str> = self.codecs().iter().map(|codec| codec.name()).collect();
        let (container, codec) = (self.name(), codec.name());
        let reason = format!("{container} does not take {codec} here; it takes {}", names.join(", "));
        Err(EncodeError::Unfit { path: path.to_owned(), reason })
    }
}

/// How pictures are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MovieCodec {
    H264,
    Hevc,
    ProRes,
    DnxHr,
    Av1,
    /// Lossless, in RGB.
    Ffv1,
}

impl MovieCodec {
    pub const ALL: [Self; 6] = [Self::H264, Self::Hevc, Self::ProRes, Self::DnxHr, Self::Av1, Self::Ffv1];

    pub fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::ProRes => "prores",
            Self::DnxHr => "dnxhr",
            Self::Av1 => "av1",
            Self::Ffv1 => "ffv1",
        }
    }

    /// Whether it loses nothing, so that there is no quality to choose.
    pub fn is_lossless(self) -> bool {
        self == Self::Ffv1
    }

    /// Bits of the samples that it is best fed with: more than it keeps, so that nothing is rounded twice.
    pub fn usual_depth(self) -> MovieDepth {
        match self {
            Self::H264 | Self::Ffv1 => MovieDepth::Eight,
            Self::Hevc | Self::ProRes | Self::DnxHr | Self::Av1 => MovieDepth::Sixteen,
        }
    }
}

/// How much of the pictures is kept. One scale for all codecs: by a number where an encoder has one, by a profile where it
/// has those.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum MovieQuality {
    /// To send: what is lost shows.
    Low,
    /// To look at.
    Medium,
    /// To judge pictures by: next to nothing shows. ProRes 422 HQ, DNxHR HQX.
    #[default]
    High,
    /// To work on with, as large as it comes. ProRes 4444 and DNxHR 444 keep the colour of every pixel.
    Best,
}

impl MovieQuality {
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Best];

    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Best => "best",
        }
    }
}

/// Bits of a sample of the pictures that come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MovieDepth {
    Eight,
    Sixteen,
}

/// What the samples of the pictures mean, for the tags of the movie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovieColor {
    pub primaries: Primaries,
    pub transfer: Transfer,
    /// [`Matrix::Bt709`] or [`Matrix::Bt2020`]; codecs that keep RGB have none.
    pub matrix: Matrix,
}

impl MovieColor {
    /// What players expect where nothing else is known (ITU-R BT.709).
    pub const BT709: Self =
        Self { primaries: Primaries::Bt709, transfer: Transfer::Bt709, matrix: Matrix::Bt709 };
}

/// Samples a second of the sound that comes with pictures.
pub const SOUND_RATE: u32 = 48_000;

/// What is decided about a movie before its first picture.
#[derive(Debug, Clone, PartialEq)]
pub struct MovieSettings {
    pub container: MovieContainer,
    pub codec: MovieCodec,
    /// Of no account where nothing is lost.
    pub quality: MovieQuality,
    pub depth: MovieDepth,
    /// Of the pictures that come; see [`super::MovieWriter::size`] for what is kept of them.
    pub size: (u32, u32),
    /// Pictures that will come, and no more: the index of .mov and .mp4 has its place before them.
    pub frames: u64,
    pub rate: Rate,
    /// Width of a pixel over its height.
    pub pixel_aspect: f32,
    pub color: MovieColor,
    /// `hh:mm:ss:ff` of the first picture, with a semicolon before the frames where numbers are dropped.
    pub timecode: Option<String>,
    /// Whether pictures come with sound, at [`SOUND_RATE`].
    pub has_sound: bool,
    /// Threads of the encoder.
    pub threads: usize,
}

/// What .mov and .mp4 keep for a picture, at most: how long and when it is shown, its size, its chunk and where that lies,
/// whether it is whole (ISO/IEC 14496-12: `stts`, `ctts`, `stsz`, `stsc`, `co64`, `stss`, `sdtp`).
const PICTURE_INDEX_BYTES: u64 = 48;
/// The same for a packet of sound, which is shown when it comes and always whole.
const SOUND_INDEX_BYTES: u64 = 32;
/// Headers of the movie and its tracks, with room to spare.
const HEAD_INDEX_BYTES: u64 = 64 << 10;
/// The least that a packet of sound holds in these containers, and packets that priming and the end may add.
const PACKET_SAMPLES: u64 = 1024;
const MORE_PACKETS: u64 = 16;

impl MovieSettings {
    /// Bytes to leave free for an index before the pictures, so that a movie plays while it is still being copied; `None`
    /// where a container finds its way without one.
    pub fn index_bytes(&self) -> Option<u64> {
        if self.container == MovieContainer::Mkv {
            return None;
        }
        let seconds = self.frames.saturating_mul(u64::from(self.rate.den())) / u64::from(self.rate.num()) + 1;
        let packets = seconds.saturating_mul(u64::from(SOUND_RATE)) / PACKET_SAMPLES + MORE_PACKETS;
        let sound = if self.has_sound { packets.saturating_mul(SOUND_INDEX_BYTES) } else { 0 };
        Some(self.frames.saturating_mul(PICTURE_INDEX_BYTES).saturating_add(sound + HEAD_INDEX_BYTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_choose_container_and_codec() {
        let of = |name: &str| MovieContainer::from_path(Path::new(name)).map(MovieContainer::usual_codec);
        assert_eq!(of("a.mov").unwrap(), MovieCodec::ProRes);
        assert_eq!(of("b/a.MP4").unwrap(), MovieCodec::H264);
        assert_eq!(of("a.mkv").unwrap(), MovieCodec::Ffv1);
        for name in ["a.avi", "a", "mov"] {
            let said = of(name).unwrap_err().to_string();
            assert!(said.contains(".mov, .mp4 or .mkv"), "{said}");
        }
    }

    #[test]
    fn every_codec_has_a_container_and_every_usual_one_fits() {
        for codec in MovieCodec::ALL {
            assert!(MovieContainer::ALL.iter().any(|container| container.codecs().contains(&codec)));
        }
        for container in MovieContainer::ALL {
            assert!(container.codecs().contains(&container.usual_codec()));
        }
    }
}
