//! Owns what a file says of how its samples stand for colour, and what is usual where it says nothing. Any thread.

use super::fence::{PixelFormat, RawColor};
use crate::frame::{Matrix, Primaries, Range, Siting, Transfer, VideoEncoding};

/// Rows from which pictures that state no matrix are high definition.
const HIGH_DEFINITION_ROWS: u32 = 720;

impl VideoEncoding {
    /// What a frame of `height` rows says. Where it says nothing: the matrix of BT.709 from 720 rows on, else of
    /// BT.601; the limited range, of grey and RGB the full one; chroma on the left, in JPEG in the middle. Grey has
    /// no matrix: its one plane stands for all colours.
    pub fn of(format: &PixelFormat, color: RawColor, height: u32) -> Self {
        let is_grey = format.components.len() < 3;
        let is_rgb = format.is_rgb || format.name.starts_with("pal") || format.name.starts_with("xyz");
        Self {
            matrix: if is_rgb || is_grey { Matrix::Rgb } else { matrix(color.matrix, height) },
            range: match color.range {
                2 => Range::Full,
                1 => Range::Limited,
                _ if is_rgb || is_grey || format.is_full_range => Range::Full,
                _ => Range::Limited,
            },
            bits: u8::try_from(format.bits()).unwrap_or(32),
            siting: if is_rgb || is_grey {
                Siting::Center
            } else {
                siting(color.siting, format.is_full_range)
            },
            transfer: transfer(color.transfer),
            primaries: primaries(color.primaries),
        }
    }
}

fn matrix(number: i32, height: u32) -> Matrix {
    match number {
        0 => Matrix::Rgb,
        1 => Matrix::Bt709,
        4 => Matrix::Fcc,
        5 | 6 => Matrix::Bt601,
        7 => Matrix::Smpte240m,
        8 => Matrix::YCgCo,
        9 => Matrix::Bt2020,
        10 => Matrix::Bt2020Constant,
        14 => Matrix::Ictcp,
        _ if height >= HIGH_DEFINITION_ROWS => Matrix::Bt709,
        _ => Matrix::Bt601,
    }
}

/// The numbers are FFmpeg's, one above those of H.273.
fn siting(number: i32, is_jpeg: bool) -> Siting {
    match number {
        1 => Siting::Left,
        2 => Siting::Center,
        3 => Siting::TopLeft,
        4 => Siting::Top,
        5 => Siting::BottomLeft,
        6 => Siting::Bottom,
        _ if is_jpeg => Siting::Center,
        _ => Siting::Left,
    }
}

fn transfer(number: i32) -> Transfer {
    match number {
        1 | 6 | 14 | 15 => Transfer::Bt709,
        4 => Transfer::Gamma22,
        5 => Transfer::Gamma28,
        7 => Transfer::Smpte240m,
        8 => Transfer::Linear,
        9 => Transfer::Log100,
        10 => Transfer::Log316,
        11 | 12 => Transfer::Xvycc,
        13 => Transfer::Srgb,
        16 => Transfer::Pq,
        17 => Transfer::Smpte428,
        18 => Transfer::Hlg,
        _ => Transfer::Unstated,
    }
}

fn primaries(number: i32) -> Primaries {
    match number {
        1 => Primaries::Bt709,
        4 => Primaries::Bt470M,
        5 => Primaries::Bt470Bg,
        6 => Primaries::Smpte170m,
        7 => Primaries::Smpte240m,
        8 => Primaries::Film,
        9 => Primaries::Bt2020,
        10 => Primaries::Xyz,
        11 => Primaries::P3Dci,
        12 => Primaries::P3D65,
        22 => Primaries::Ebu3213,
        _ => Primaries::Unstated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(is_rgb: bool, is_full_range: bool) -> PixelFormat {
        let component = super::super::fence::Component {
            plane: 0,
            step: 1,
            offset: 0,
            shift: 0,
            depth: 8,
            is_big_endian: false,
            is_float: false,
        };
        PixelFormat {
            name: String::new(),
            components: vec![component; 3],
            chroma_shift: (1, 1),
            is_rgb,
            has_alpha: false,
            is_plain: true,
            is_full_range,
        }
    }

    #[test]
    fn what_is_not_stated_is_what_is_usual() {
        let of = |rgb, full, height| {
            VideoEncoding::of(&format(rgb, full), RawColor { matrix: 2, ..RawColor::default() }, height)
        };
        let small = of(false, false, 576);
        assert_eq!((small.matrix, small.range, small.siting), (Matrix::Bt601, Range::Limited, Siting::Left));
        assert_eq!(of(false, false, 720).matrix, Matrix::Bt709);
        assert_eq!((of(false, true, 8).range, of(false, true, 8).siting), (Range::Full, Siting::Center));
        assert_eq!((of(true, false, 2000).matrix, of(true, false, 2000).range), (Matrix::Rgb, Range::Full));
    }

    #[test]
    fn what_is_stated_counts_and_unknown_numbers_do_not() {
        let color = RawColor { matrix: 9, range: 2, primaries: 9, transfer: 16, siting: 3 };
        let encoding = VideoEncoding::of(&format(false, false), color, 64);
        assert_eq!(
            (encoding.matrix, encoding.range, encoding.siting),
            (Matrix::Bt2020, Range::Full, Siting::TopLeft)
        );
        assert_eq!((encoding.transfer, encoding.primaries), (Transfer::Pq, Primaries::Bt2020));
        let color = RawColor { matrix: -7, range: 99, primaries: 1 << 30, transfer: 3, siting: 77 };
        let encoding = VideoEncoding::of(&format(false, false), color, 64);
        assert_eq!((encoding.transfer, encoding.primaries), (Transfer::Unstated, Primaries::Unstated));
    }
}
