//! Owns how the samples of video become red, green and blue, as display values. Twin of `shaders/image.wgsl`. Pure; any
//! thread.

use crate::frame::{Matrix, PlaneLayout, Range, SampleType, Siting, VideoEncoding};

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
        let weights = weights(encoding.matrix);
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

/// How codes become red, green and blue in whole numbers, which every processor computes alike: for counting. Codes of
/// more than 12 bits lose the bits below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoCodes {
    /// Of the three planes in red, green and blue; sums are in steps of 2^-26.
    pub weights: [[i32; 3]; 3],
    /// The code of 0.
    pub offsets: [i32; 3],
    /// Bits that codes lose.
    pub shift: u32,
    /// The largest code that a sample could hold.
    pub full: u16,
}

impl VideoCodes {
    /// For pictures of video whose samples are not what they stand for already.
    pub fn of(layout: &PlaneLayout) -> Option<Self> {
        let (encoding, [plane, ..]) = (layout.video()?, layout.color_planes());
        let (full, sample_bits) = match layout.planes()[plane].sample {
            SampleType::U8 => (0xFF, 8),
            SampleType::U16 => (0xFFFF, 16),
            SampleType::F16 | SampleType::F32 | SampleType::U32 => return None,
        };
        if (encoding.matrix, encoding.range, encoding.bits) == (Matrix::Rgb, Range::Full, sample_bits) {
            return None;
        }
        let shift = u32::from(encoding.bits.clamp(1, 16).saturating_sub(CODE_BITS));
        let bits = encoding.bits.clamp(1, CODE_BITS);
        let (luma, chroma) = spans(encoding.range, bits);
        let planes = if encoding.matrix == Matrix::Rgb { [luma; 3] } else { [luma, chroma, chroma] };
        let weight = |row: [f64; 3], plane: usize| (row[plane] * CODE_UNIT / planes[plane].1).round() as i32;
        Some(Self {
            weights: weights(encoding.matrix).map(|row| [0, 1, 2].map(|plane| weight(row, plane))),
            offsets: planes.map(|(zero, _)| zero as i32),
            shift,
            full,
        })
    }

    /// The display values of three samples, 0 to 1 as textures are read; in steps of 2^-16.
    pub fn rgb(&self, samples: [f32; 3]) -> [f32; 3] {
        let code = |plane: usize| {
            ((samples[plane] * f32::from(self.full) + 0.5) as i32 >> self.shift) - self.offsets[plane]
        };
        let codes = [0, 1, 2].map(code);
        self.weights.map(|row| {
            let sum: i32 = row.iter().zip(codes).map(|(weight, code)| weight * code).sum();
            ((sum + 512) >> 10) as f32 / 65_536.0
        })
    }
}

/// Bits of codes whose weighted sums fit 32 bits.
const CODE_BITS: u8 = 12;
/// Steps of the sums from 0 to 1.
const CODE_UNIT: f64 = (1 << 26) as f64;

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
        let bits = encoding.bits.clamp(1, 16);
        let line = |(zero, span): (f64, f64)| Line { scale: full / span, added: -zero / span };
        let (luma, chroma) = spans(encoding.range, bits);
        Self { luma: line(luma), chroma: line(chroma), alpha: full / (2_f64.powi(bits.into()) - 1.0) }
    }
}

/// The code of 0, and codes from there to 1, of luma and of chroma (ITU-T H.273, equations 20 to 25).
fn spans(range: Range, bits: u8) -> ((f64, f64), (f64, f64)) {
    let bits = i32::from(bits);
    let (most, unit, half) = (2_f64.powi(bits) - 1.0, 2_f64.powi(bits - 8), 2_f64.powi(bits - 1));
    match range {
        Range::Full => ((0.0, most), (half, most)),
        Range::Limited => ((16.0 * unit, 219.0 * unit), (half, 224.0 * unit)),
    }
}

/// Weights of three planes in red, green and blue.
fn weights(matrix: Matrix) -> [[f64; 3]; 3] {
    match matrix {
        Matrix::Rgb => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        Matrix::YCgCo => [[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]],
        other => luma_weights(other),
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
    fn whole_numbers_come_to_the_same_colours() {
        use crate::frame::{PlaneSpec, Role, Window};
        let roles = [Role::Luminance, Role::DifferenceBlue, Role::DifferenceRed];
        for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020, Matrix::YCgCo, Matrix::Rgb] {
            for (range, bits) in [8, 10, 12, 14, 16].map(|bits| (Range::Limited, bits)).into_iter().chain([
                (Range::Full, 8),
                (Range::Full, 10),
                (Range::Full, 16),
            ]) {
                let sample = if bits == 8 { SampleType::U8 } else { SampleType::U16 };
                let plane = |role| PlaneSpec { name: "p".into(), sample, role, width: 1, height: 1 };
                let window = Window::at_origin(1, 1);
                let layout = PlaneLayout::new(roles.map(plane).into(), window, window, 1.0).unwrap();
                let encoding = encoding(matrix, range, bits);
                let layout = layout.with_video(encoding);
                let Some(codes) = VideoCodes::of(&layout) else {
                    assert_eq!((matrix, range), (Matrix::Rgb, Range::Full));
                    continue;
                };
                let rows = VideoRows::of(encoding, sample);
                let full = f32::from(codes.full);
                let largest = (1_u32 << bits) - 1;
                for step in 0..64_u32 {
                    let code = |by: u32| (step * by * largest / 64 % (largest + 1)) as f32 / full;
                    let samples = [code(1), code(5), code(11)];
                    let (ours, exact) = (codes.rgb(samples), rows.rgb(samples));
                    for (ours, exact) in ours.iter().zip(exact) {
                        assert!((ours - exact).abs() < 1e-3, "{matrix:?} {range:?} {bits}: {ours} {exact}");
                    }
                }
                let white = if range == Range::Full { largest } else { 235 << (bits - 8) };
                let half = if matrix == Matrix::Rgb { white } else { 1 << (bits - 1) };
                let white = codes.rgb([white, half, half].map(|code| code as f32 / full));
                assert_eq!(white, [1.0; 3], "{matrix:?} {range:?} {bits}");
            }
        }
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
