//! Owns the way from DWA's coefficients back to samples: the inverse cosine transform of 8 x 8 blocks, and
//! from luma and two chromas to red, green and blue. AVX2 with F16C, and a portable twin that gives the same
//! bits, as neither fuses a multiplication and an addition. Pure.
//!
//! Formulas: the 8-point transform after its even and odd half (Rao and Yip, «Discrete Cosine Transform»);
//! the colours by Rec. ITU-R BT.709 with the factors that OpenEXR's DWA states.

#![allow(unsafe_code)]

/// Blocks that are transformed at once, side by side.
pub const BLOCKS: usize = 32;

/// The coefficients of one component of a strip, as halves.
pub struct Coefficients {
    /// Each block column by column: `[8 * u + v]` has the frequency `u` along lines and `v` across.
    pub blocks: [[u16; 64]; BLOCKS],
    /// For each block the frequencies that may have coefficients, in both directions: 1, 2, 4 or 8.
    pub extents: [u8; BLOCKS],
}

/// The eight lines of a strip, as halves.
pub type Strip = [[u16; 8 * BLOCKS]; 8];

impl Default for Coefficients {
    fn default() -> Self {
        Self { blocks: [[0; 64]; BLOCKS], extents: [1; BLOCKS] }
    }
}

/// cos(k pi / 16) / 2 for k from 1 on; the fourth is the weight of the mean too.
const C1: f32 = 0.490_392_64;
const C2: f32 = 0.461_939_77;
const C3: f32 = 0.415_734_8;
const C4: f32 = 0.353_553_4;
const C5: f32 = 0.277_785_12;
const C6: f32 = 0.191_341_72;
const C7: f32 = 0.097_545_16;

const RED_OF_RY: f32 = 1.5747;
const GREEN_OF_BY: f32 = 0.1873;
const GREEN_OF_RY: f32 = 0.4682;
const BLUE_OF_BY: f32 = 1.8556;

/// Samples of the first `count` blocks of one component.
pub fn one(coefficients: &Coefficients, count: usize, out: &mut Strip) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c") {
        // SAFETY: the machine has AVX2 and F16C.
        return unsafe { avx2::one(coefficients, count, out) };
    }
    plain::one(coefficients, count, out);
}

/// Red, green and blue of the first `count` blocks of luma, blue chroma and red chroma.
pub fn three(coefficients: &[Coefficients; 3], count: usize, out: &mut [Strip; 3]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c") {
        // SAFETY: the machine has AVX2 and F16C.
        return unsafe { avx2::three(coefficients, count, out) };
    }
    plain::three(coefficients, count, out);
}

mod plain {
    use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

    use super::*;

    pub fn one(coefficients: &Coefficients, count: usize, out: &mut Strip) {
        for block in 0..count.min(BLOCKS) {
            store(&inverse(coefficients, block), block, out);
        }
    }

    pub fn three(coefficients: &[Coefficients; 3], count: usize, out: &mut [Strip; 3]) {
        for block in 0..count.min(BLOCKS) {
            let mut samples = [0, 1, 2].map(|component| inverse(&coefficients[component], block));
            to_rgb(&mut samples);
            for (samples, out) in samples.iter().zip(&mut *out) {
                store(samples, block, out);
            }
        }
    }

    fn store(samples: &[f32; 64], block: usize, out: &mut Strip) {
        let mut halves = [0_u16; 64];
        halves.reinterpret_cast_mut::<half::f16>().convert_from_f32_slice(samples);
        for (out, line) in out.iter_mut().zip(halves.as_chunks::<8>().0) {
            out.as_chunks_mut().0[block] = *line;
        }
    }

    fn to_rgb([first, second, third]: &mut [[f32; 64]; 3]) {
        for ((first, second), third) in first.iter_mut().zip(second).zip(third) {
            let (y, by, ry) = (*first, *second, *third);
            *first = y + RED_OF_RY * ry;
            *second = y - GREEN_OF_BY * by - GREEN_OF_RY * ry;
            *third = y + BLUE_OF_BY * by;
        }
    }

    fn inverse(coefficients: &Coefficients, block: usize) -> [f32; 64] {
        let mut columns = [0.0; 64];
        coefficients.blocks[block].reinterpret_cast::<half::f16>().convert_to_f32_slice(&mut columns);
        if coefficients.extents[block] <= 1 {
            return [C4 * (C4 * columns[0]); 64];
        }
        pass(&transposed(&pass(&columns)))
    }

    fn transposed(matrix: &[f32; 64]) -> [f32; 64] {
        std::array::from_fn(|index| matrix[index % 8 * 8 + index / 8])
    }

    /// Eight transforms side by side: from the frequencies `[8 * k..]` to the samples `[8 * k..]`.
    fn pass(input: &[f32; 64]) -> [f32; 64] {
        let mut output = [0.0; 64];
        for lane in 0..8 {
            let x = |frequency: usize| input[8 * frequency + lane];
            let mean = [C4 * (x(0) + x(4)), C4 * (x(0) - x(4))];
            let slope = [C2 * x(2) + C6 * x(6), C6 * x(2) - C2 * x(6)];
            let even = [mean[0] + slope[0], mean[1] + slope[1], mean[1] - slope[1], mean[0] - slope[0]];
            let odd = [
                C1 * x(1) + C3 * x(3) + (C5 * x(5) + C7 * x(7)),
                C3 * x(1) - C7 * x(3) - (C1 * x(5) + C5 * x(7)),
                C5 * x(1) - C1 * x(3) + (C7 * x(5) + C3 * x(7)),
                C7 * x(1) - C5 * x(3) + (C3 * x(5) - C1 * x(7)),
            ];
            for k in 0..4 {
                output[8 * k + lane] = even[k] + odd[k];
                output[8 * (7 - k) + lane] = even[k] - odd[k];
            }
        }
        output
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use bytemuck::cast;

    use super::*;

    /// The lines of a block.
    type Block = [__m256; 8];

    #[target_feature(enable = "avx2,f16c")]
    pub fn one(coefficients: &Coefficients, count: usize, out: &mut Strip) {
        for block in 0..count.min(BLOCKS) {
            let lines = inverse(coefficients, block);
            for (out, line) in out.iter_mut().zip(lines) {
                out.as_chunks_mut().0[block] = halves(line);
            }
        }
    }

    #[target_feature(enable = "avx2,f16c")]
    pub fn three(coefficients: &[Coefficients; 3], count: usize, out: &mut [Strip; 3]) {
        let [luma, blue, red] = coefficients;
        for block in 0..count.min(BLOCKS) {
            if luma.extents[block] | blue.extents[block] | red.extents[block] == 1 {
                let rgb = to_rgb(flat(luma, block), flat(blue, block), flat(red, block));
                for (out, value) in out.iter_mut().zip(rgb) {
                    let value = halves(value);
                    out.iter_mut().for_each(|out| out.as_chunks_mut().0[block] = value);
                }
                continue;
            }
            let y = inverse(luma, block);
            let by = inverse(blue, block);
            let ry = inverse(red, block);
            for line in 0..8 {
                let rgb = to_rgb(y[line], by[line], ry[line]);
                for (out, value) in out.iter_mut().zip(rgb) {
                    out[line].as_chunks_mut().0[block] = halves(value);
                }
            }
        }
    }

    #[target_feature(enable = "avx2,f16c")]
    fn halves(values: __m256) -> [u16; 8] {
        cast(_mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(values))
    }

    #[target_feature(enable = "avx2")]
    fn to_rgb(y: __m256, by: __m256, ry: __m256) -> [__m256; 3] {
        let times = |factor, values| _mm256_mul_ps(_mm256_set1_ps(factor), values);
        let green = _mm256_sub_ps(y, times(GREEN_OF_BY, by));
        [
            _mm256_add_ps(y, times(RED_OF_RY, ry)),
            _mm256_sub_ps(green, times(GREEN_OF_RY, ry)),
            _mm256_add_ps(y, times(BLUE_OF_BY, by)),
        ]
    }

    #[target_feature(enable = "avx2,f16c")]
    fn inverse(coefficients: &Coefficients, block: usize) -> Block {
        match coefficients.extents[block] {
            0 | 1 => [flat(coefficients, block); 8],
            2 => inverse_of::<2>(&coefficients.blocks[block]),
            3 | 4 => inverse_of::<4>(&coefficients.blocks[block]),
            _ => inverse_of::<8>(&coefficients.blocks[block]),
        }
    }

    /// A line of a block that has its mean only.
    #[target_feature(enable = "avx2,f16c")]
    fn flat(coefficients: &Coefficients, block: usize) -> __m256 {
        let mean = i16::from_le_bytes(coefficients.blocks[block][0].to_le_bytes());
        let mean = _mm256_cvtph_ps(_mm_set1_epi16(mean));
        _mm256_mul_ps(_mm256_set1_ps(C4), _mm256_mul_ps(_mm256_set1_ps(C4), mean))
    }

    /// The first `EXTENT` frequencies of both directions have coefficients.
    #[target_feature(enable = "avx2,f16c")]
    fn inverse_of<const EXTENT: usize>(block: &[u16; 64]) -> Block {
        let mut columns = [_mm256_setzero_ps(); 8];
        for (column, coefficients) in columns.iter_mut().zip(block.as_chunks::<8>().0).take(EXTENT) {
            *column = _mm256_cvtph_ps(cast(*coefficients));
        }
        pass::<EXTENT>(transposed(pass::<EXTENT>(columns)))
    }

    /// Eight transforms side by side, from frequencies to samples.
    #[target_feature(enable = "avx2")]
    fn pass<const EXTENT: usize>(x: Block) -> Block {
        let times = |factor, values| _mm256_mul_ps(_mm256_set1_ps(factor), values);
        let add = |a, b| _mm256_add_ps(a, b);
        let sub = |a, b| _mm256_sub_ps(a, b);
        let (mut mean, mut slope) = ([times(C4, x[0]); 2], [_mm256_setzero_ps(); 2]);
        let mut odd = [C1, C3, C5, C7].map(|factor| times(factor, x[1]));
        if EXTENT > 2 {
            slope = [times(C2, x[2]), times(C6, x[2])];
            odd[0] = add(odd[0], times(C3, x[3]));
            odd[1] = sub(odd[1], times(C7, x[3]));
            odd[2] = sub(odd[2], times(C1, x[3]));
            odd[3] = sub(odd[3], times(C5, x[3]));
        }
        if EXTENT > 4 {
            mean = [times(C4, add(x[0], x[4])), times(C4, sub(x[0], x[4]))];
            slope = [add(slope[0], times(C6, x[6])), sub(slope[1], times(C2, x[6]))];
            odd[0] = add(odd[0], add(times(C5, x[5]), times(C7, x[7])));
            odd[1] = sub(odd[1], add(times(C1, x[5]), times(C5, x[7])));
            odd[2] = add(odd[2], add(times(C7, x[5]), times(C3, x[7])));
            odd[3] = add(odd[3], sub(times(C3, x[5]), times(C1, x[7])));
        }
        let even =
            [add(mean[0], slope[0]), add(mean[1], slope[1]), sub(mean[1], slope[1]), sub(mean[0], slope[0])];
        let sum = |k: usize| add(even[k], odd[k]);
        let difference = |k: usize| sub(even[k], odd[k]);
        [sum(0), sum(1), sum(2), sum(3), difference(3), difference(2), difference(1), difference(0)]
    }

    #[target_feature(enable = "avx2")]
    fn transposed(x: Block) -> Block {
        // Pairs of lanes, then fours, then the halves of the registers.
        let pair = |a, b| (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let ((a0, a1), (b0, b1)) = (pair(x[0], x[1]), pair(x[2], x[3]));
        let ((c0, c1), (d0, d1)) = (pair(x[4], x[5]), pair(x[6], x[7]));
        let four = |a, b| (_mm256_shuffle_ps::<0x44>(a, b), _mm256_shuffle_ps::<0xee>(a, b));
        let (((p0, p1), (p2, p3)), ((q0, q1), (q2, q3))) =
            ((four(a0, b0), four(a1, b1)), (four(c0, d0), four(c1, d1)));
        let low = |p, q| _mm256_permute2f128_ps::<0x20>(p, q);
        let high = |p, q| _mm256_permute2f128_ps::<0x31>(p, q);
        [
            low(p0, q0),
            low(p1, q1),
            low(p2, q2),
            low(p3, q3),
            high(p0, q0),
            high(p1, q1),
            high(p2, q2),
            high(p3, q3),
        ]
    }
}

#[cfg(test)]
mod tests {
    use half::f16;
    use proptest::prelude::*;

    use super::*;

    /// Blocks whose coefficients stay within the extents that are stated with them.
    fn coefficients(seed: u64, is_wild: bool) -> Coefficients {
        let mut state = seed;
        let mut coefficients = Coefficients::default();
        for (block, extent) in coefficients.blocks.iter_mut().zip(&mut coefficients.extents) {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as u16
            };
            *extent = 1 << (next() & 3);
            for (index, coefficient) in block.iter_mut().enumerate() {
                let bits = next();
                let value =
                    if is_wild { bits } else { f16::from_f32((f32::from(bits) / 32768.0) - 1.0).to_bits() };
                *coefficient = if (index / 8).max(index % 8) < usize::from(*extent) { value } else { 0 };
            }
        }
        coefficients
    }

    /// Bits of samples in which zeros of either sign are one, and all that are no number.
    fn normalised(strip: &Strip) -> Vec<u16> {
        let normalised = |bits: &u16| match f16::from_bits(*bits) {
            value if value.is_nan() => 0x7e00,
            value if value == f16::ZERO => 0,
            value => value.to_bits(),
        };
        strip.as_flattened().iter().map(normalised).collect()
    }

    /// The definition of the transform, in double precision.
    fn inverse(block: &[u16; 64]) -> [f64; 64] {
        let weight = |k: usize| if k == 0 { 0.125_f64.sqrt() } else { 0.5 };
        let wave = |k: usize, at: usize| {
            weight(k) * ((2 * at + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos()
        };
        std::array::from_fn(|index| {
            let sample = |(at, bits): (usize, &u16)| {
                f16::from_bits(*bits).to_f64() * wave(at / 8, index % 8) * wave(at % 8, index / 8)
            };
            block.iter().enumerate().map(sample).sum()
        })
    }

    #[test]
    fn the_transform_is_that_of_its_definition() {
        let coefficients = coefficients(7, false);
        let mut strip: Strip = [[0; 8 * BLOCKS]; 8];
        one(&coefficients, BLOCKS, &mut strip);
        for (block, stored) in coefficients.blocks.iter().enumerate() {
            for (index, expected) in inverse(stored).iter().enumerate() {
                let found = f16::from_bits(strip[index / 8][8 * block + index % 8]).to_f64();
                assert!((found - expected).abs() <= 1e-3 * expected.abs() + 1e-5, "{found} {expected}");
            }
        }
    }

    proptest! {
        #[test]
        fn vector_instructions_transform_as_the_plain_twin_does(
            seeds in any::<[u64; 3]>(),
            is_wild: bool,
            count in 0..=BLOCKS,
        ) {
            let coefficients = seeds.map(|seed| coefficients(seed, is_wild));
            let mut fast: [Strip; 3] = [[[7; 8 * BLOCKS]; 8]; 3];
            let mut simple = fast;
            three(&coefficients, count, &mut fast);
            plain::three(&coefficients, count, &mut simple);
            prop_assert_eq!(fast.each_ref().map(normalised), simple.each_ref().map(normalised));
            one(&coefficients[0], count, &mut fast[0]);
            plain::one(&coefficients[0], count, &mut simple[0]);
            prop_assert_eq!(normalised(&fast[0]), normalised(&simple[0]));
        }
    }
}
