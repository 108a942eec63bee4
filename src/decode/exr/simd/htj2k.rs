//! Owns the reading of high-throughput code blocks' values eight at a time, with AVX2. Everywhere else, and for what
//! does not fit, the twin in `htj2k::block` does it.

#![allow(unsafe_code)]

use crate::decode::DecodeError;
use crate::decode::exr::htj2k::block::{Cleanup, read_pair};

/// Decodes a clean-up pass of at most `MOST_NARROW_BITS` bits a value.
///
/// # Errors
/// Those of [`Cleanup::run`].
pub fn read(cleanup: &mut Cleanup<i32>) -> Result<(), DecodeError> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the machine has AVX2 and BMI2, which is all that the function asks for.
        return unsafe { avx2::read(cleanup) };
    }
    cleanup.run(read_pair)
}

/// A loop over samples. Its `run` is to be inlined always, so that it is compiled for where it is run.
pub trait Loop {
    fn run(self);
}

/// Runs a loop compiled for the widest registers that the machine has.
#[inline(always)]
pub fn widest(work: impl Loop) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
        // SAFETY: the machine has AVX2 and BMI2, which is all that the function asks for.
        return unsafe { avx2::widest(work) };
    }
    work.run();
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::Loop;
    use crate::decode::DecodeError;
    use crate::decode::exr::htj2k::bits::FlatBits;
    use crate::decode::exr::htj2k::block::{Cleanup, Pair, Samples};

    #[target_feature(enable = "avx2,bmi2")]
    pub fn widest(work: impl Loop) {
        work.run();
    }

    #[target_feature(enable = "avx2,bmi2")]
    pub fn read(cleanup: &mut Cleanup<i32>) -> Result<(), DecodeError> {
        cleanup.run(|pair, values, bit| read_pair(pair, values, bit))
    }

    /// Eight samples at a time: of each quad top left, bottom left, top right, bottom right.
    #[inline]
    #[target_feature(enable = "avx2,bmi2")]
    pub fn read_pair(pair: &Pair, values: &FlatBits, bit: usize) -> Option<(Samples<i32>, usize)> {
        let spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
        let code = _mm256_castsi128_si256(_mm_cvtsi64_si128(bytemuck::cast(pair.quads)));
        let code = _mm256_permutevar8x32_epi32(code, spread);
        let size = _mm256_srli_epi32::<16>(code);
        let one = _mm256_set1_epi32(1);
        // A bit of the code of each lane, moved to the top.
        let significant = _mm256_sllv_epi32(code, _mm256_setr_epi32(31, 30, 29, 28, 31, 30, 29, 28));
        let known = _mm256_sllv_epi32(code, _mm256_setr_epi32(27, 26, 25, 24, 27, 26, 25, 24));
        let top_bit = _mm256_sllv_epi32(code, _mm256_setr_epi32(23, 22, 21, 20, 23, 22, 21, 20));
        let significant = _mm256_srai_epi32::<31>(significant);
        let (known, top_bit) = (_mm256_srli_epi32::<31>(known), _mm256_srli_epi32::<31>(top_bit));
        let count = _mm256_sub_epi32(_mm256_and_si256(size, significant), known);
        // Where each value ends: sums of counts.
        let sum = _mm256_add_epi32(count, _mm256_slli_si256::<4>(count));
        let sum = _mm256_add_epi32(sum, _mm256_slli_si256::<8>(sum));
        let first = _mm256_permutevar8x32_epi32(sum, _mm256_set1_epi32(3));
        let sum = _mm256_add_epi32(sum, _mm256_blend_epi32::<0xF0>(_mm256_setzero_si256(), first));
        let start = _mm256_add_epi32(_mm256_sub_epi32(sum, count), _mm256_set1_epi32((bit & 7) as i32));
        let end = bit + _mm256_extract_epi32::<7>(sum) as usize;
        // 7 bits and eight values of at most 28 fit the window.
        let window: __m256i = bytemuck::cast(*values.window::<32>(bit)?);
        let (word, offset) = (_mm256_srli_epi32::<5>(start), _mm256_and_si256(start, _mm256_set1_epi32(31)));
        let low = _mm256_permutevar8x32_epi32(window, word);
        let high = _mm256_permutevar8x32_epi32(window, _mm256_add_epi32(word, one));
        let low = _mm256_srlv_epi32(low, offset);
        let high = _mm256_sllv_epi32(high, _mm256_sub_epi32(_mm256_set1_epi32(32), offset));
        let mask = _mm256_sub_epi32(_mm256_sllv_epi32(one, count), one);
        let value = _mm256_and_si256(_mm256_or_si256(low, high), mask);
        let value = _mm256_or_si256(value, _mm256_sllv_epi32(top_bit, count));
        let odd = _mm256_or_si256(value, one);
        let magnitude = _mm256_add_epi32(odd, _mm256_set1_epi32(2));
        let magnitude = _mm256_sll_epi32(magnitude, _mm_cvtsi32_si128(pair.up as i32));
        let magnitude = _mm256_srl_epi32(magnitude, _mm_cvtsi32_si128(pair.down as i32));
        let sign = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_and_si256(value, one));
        let signed = _mm256_sub_epi32(_mm256_xor_si256(magnitude, sign), sign);
        let signed = _mm256_and_si256(signed, significant);
        let signed = _mm256_permutevar8x32_epi32(signed, _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
        // The place of the top bit, from the exponent of a float that cannot be rounded up.
        let cleared = _mm256_andnot_si256(_mm256_srli_epi32::<1>(odd), odd);
        let float = _mm256_castps_si256(_mm256_cvtepi32_ps(cleared));
        let exponent = _mm256_sub_epi32(_mm256_srli_epi32::<23>(float), _mm256_set1_epi32(126));
        let exponent = _mm256_and_si256(exponent, significant);
        let lower = _mm256_permutevar8x32_epi32(exponent, _mm256_setr_epi32(1, 3, 5, 7, 1, 3, 5, 7));
        let lower = _mm256_castsi256_si128(lower);
        let samples = Samples {
            top: bytemuck::cast(_mm256_castsi256_si128(signed)),
            bottom: bytemuck::cast(_mm256_extracti128_si256::<1>(signed)),
            edge: bytemuck::cast(_mm_cvtsi128_si64(_mm_packs_epi32(lower, lower))),
        };
        Some((samples, end))
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::exr::htj2k::bits::FlatBits;
    use crate::decode::exr::htj2k::block::{MOST_NARROW_BITS, Pair};

    /// A quad whose known bits are of significant samples, and set ones of known.
    fn quad() -> impl Strategy<Value = u32> {
        (0u32..16, 0u32..16, 0u32..16, 0u32..16, 1..=MOST_NARROW_BITS).prop_map(
            |(samples, known, bits, rest, size)| {
                let known = known & samples;
                samples | known << 4 | (bits & known) << 8 | rest << 12 | size << 16
            },
        )
    }

    proptest! {
        #[test]
        fn pairs_are_those_of_the_twin(
            quads in [quad(), quad()],
            bytes in prop::collection::vec(any::<u8>(), 40..80),
            bit in 0usize..64,
            (up, down) in (0u32..2, 0u32..2),
        ) {
            prop_assume!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2"));
            let mut values = FlatBits::default();
            values.forward(&bytes, 0xFF).unwrap();
            let pair = Pair { quads, up, down };
            // SAFETY: the machine has what the function asks for.
            let found = unsafe { avx2::read_pair(&pair, &values, bit) };
            prop_assert_eq!(found, read_pair::<i32>(&pair, &values, bit));
        }
    }
}
