//! Owns how the samples of video become red, green and blue, as display values. Twin of `shaders/image.wgsl`. Pure; any
//! thread.

use crate::frame::{Matrix, Range, SampleType, Siting, VideoEncoding};

/// Rows that make red, green and blue of the samples of three planes, 0 to 1 as the texture unit reads them: three
/// weights and what is added. And what alpha is multiplied with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoRows {
    pub rows: [[f32; 4]; 3],
    pub alpha: f32,
}

impl VideoRows {
    /// Of samples of a type.
    pub fn of(encoding: VideoEncoding, sample: SampleType) -> Self {
        let codes = Codes::of(encoding, sample);
        let weights = match encoding.matrix {
            Matrix::Rgb => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Matrix::YCgCo => [[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]],
            other => luma_weights(other),
        };
        let planes = match encoding.matrix {
            Matrix::Rgb => [codes.luma; 3],
            _ => [codes.luma, codes.chroma, codes.chroma],
        };
        let row = |weights: [f64; 3]| {
            let [a, b, c] = [0, 1, 2].map(|plane| (weights[plane] * planes[plane].scale) as f32);
            let added: f64 = (0..3).map(|plane| weights[plane] * planes[plane].added).sum();
            [a, b, c, added as f32]
        };
        Self { rows: weights.map(row), alpha: codes.alpha as f32 }
    }

    /// The display values of three samples.
    pub fn rgb(&self, samples: [f32; 3]) -> [f32; 3] {
        self.rows.map(|row| row[0] * samples[0] + row[1] * samples[1] + row[2] * samples[2] + row[3])
    }
}

/// A sample, 0 to 1, as a value: scaled, then added to.
#[derive(Debug, Clone, Copy)]
struct Line {
    scale: f64,
    added: f64,
}

struct Codes {
    luma: Line,
    chroma: Line,
    alpha: f64,
}

impl Codes {
    /// ITU-T H.273, equations 20 to 25, and their inverses.
    fn of(encoding: VideoEncoding, sample: SampleType) -> Self {
        let full = match sample {
            SampleType::U8 => 255.0,
            SampleType::U16 => 65_535.0,
            // Floats are values already.
            SampleType::F16 | SampleType::F32 | SampleType::U32 => {
                let plain = Line { scale: 1.0, added: 0.0 };
                return Self { luma: plain, chroma: Line { scale: 1.0, added: -0.5 }, alpha: 1.0 };
            }
        };
        let bits = i32::from(encoding.bits.clamp(1, 16));
        let (most, unit) = (2_f64.powi(bits) - 1.0, 2_f64.powi(bits - 8));
        let line = |zero: f64, span: f64| Line { scale: full / span, added: -zero / span };
        let half = 2_f64.powi(bits - 1);
        let (luma, chroma) = match encoding.range {
            Range::Full => (line(0.0, most), line(half, most)),
            Range::Limited => (line(16.0 * unit, 219.0 * unit), line(half, 224.0 * unit)),
        };
        Self { luma, chroma, alpha: full / most }
    }
}

/// Red, green and blue of luma, blue and red difference (ITU-T H.273, equations 38 to 40), by the weights of red and
/// blue in luma (table 4). Constant luminance and ICtCp are taken for BT.2020.
fn luma_weights(matrix: Matrix) -> [[f64; 3]; 3] {
    let (red, blue) = match matrix {
        Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Smpte240m => (0.212, 0.087),
        Matrix::Fcc => (0.30, 0.11),
        Matrix::Bt2020 | Matrix::Bt2020Constant | Matrix::Ictcp => (0.2627, 0.0593),
        Matrix::Bt601 | Matrix::Rgb | Matrix::YCgCo => (0.299, 0.114),
    };
    let green = 1.0 - red - blue;
    let (of_blue, of_red) = (2.0 * (1.0 - blue), 2.0 * (1.0 - red));
    [[1.0, 0.0, of_red], [1.0, -blue * of_blue / green, -red * of_red / green], [1.0, of_blue, 0.0]]
}

/// How far chroma samples lie from the middle of the pixels that share them, in chroma samples: what is added to a
/// place in the plane. `across` and `down` say whether there are fewer of them than pixels.
pub fn chroma_shift(siting: Siting, across: bool, down: bool) -> [f32; 2] {
    let x = match siting {
        Siting::Left | Siting::TopLeft | Siting::BottomLeft => 0.25,
        Siting::Center | Siting::Top | Siting::Bottom => 0.0,
    };
    let y = match siting {
        Siting::TopLeft | Siting::Top => 0.25,
        Siting::Left | Siting::Center => 0.0,
        Siting::BottomLeft | Siting::Bottom => -0.25,
    };
    [if across { x } else { 0.0 }, if down { y } else { 0.0 }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Primaries, Transfer};

    fn encoding(matrix: Matrix, range: Range, bits: u8) -> VideoEncoding {
        let (transfer, primaries) = (Transfer::Bt709, Primaries::Bt709);
        VideoEncoding { matrix, range, bits, siting: Siting::Left, transfer, primaries }
    }

    fn rgb(matrix: Matrix, range: Range, bits: u8, codes: [u32; 3]) -> [f32; 3] {
        let (sample, full) = if bits == 8 { (SampleType::U8, 255.0) } else { (SampleType::U16, 65_535.0) };
        VideoRows::of(encoding(matrix, range, bits), sample).rgb(codes.map(|code| code as f32 / full))
    }

    fn assert_near(ours: [f32; 3], wanted: [f32; 3]) {
        assert!(ours.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 5e-3), "{ours:?} for {wanted:?}");
    }

    #[test]
    fn black_white_and_the_primaries_come_out_of_their_codes() {
        for (bits, unit) in [(8, 1), (10, 4), (12, 16), (16, 256)] {
            assert_near(rgb(Matrix::Bt709, Range::Limited, bits, [16, 128, 128].map(|c| c * unit)), [0.0; 3]);
            assert_near(
                rgb(Matrix::Bt709, Range::Limited, bits, [235, 128, 128].map(|c| c * unit)),
                [1.0; 3],
            );
        }
        // Pure red in BT.709 and BT.601: codes are rounded.
        assert_near(rgb(Matrix::Bt709, Range::Limited, 8, [63, 102, 240]), [1.0, 0.0, 0.0]);
        assert_near(rgb(Matrix::Bt601, Range::Full, 8, [76, 85, 255]), [0.998, 0.0, 0.0]);
        assert_near(rgb(Matrix::Rgb, Range::Full, 10, [1023, 0, 512]), [1.0, 0.0, 0.5005]);
        assert_near(rgb(Matrix::YCgCo, Range::Full, 8, [64, 128, 255]), [0.749, 0.251, -0.247]);
    }

    #[test]
    fn alpha_of_ten_bits_reaches_one() {
        let rows = VideoRows::of(encoding(Matrix::Bt709, Range::Limited, 10), SampleType::U16);
        assert!((1023.0 / 65_535.0 * rows.alpha - 1.0).abs() < 1e-6);
        assert_eq!(VideoRows::of(encoding(Matrix::Bt709, Range::Limited, 8), SampleType::U8).alpha, 1.0);
    }

    #[test]
    fn chroma_lies_where_it_is_said_to() {
        assert_eq!(chroma_shift(Siting::Left, true, true), [0.25, 0.0]);
        assert_eq!(chroma_shift(Siting::TopLeft, true, true), [0.25, 0.25]);
        assert_eq!(chroma_shift(Siting::TopLeft, true, false), [0.25, 0.0]);
        assert_eq!(chroma_shift(Siting::Center, true, true), [0.0, 0.0]);
        assert_eq!(chroma_shift(Siting::Bottom, false, true), [0.0, -0.25]);
    }
}
