//! Owns the running sums of `bytes` in vectors of 32 bytes (AVX2) and 16 bytes (NEON): a sum over the lanes by
//! doubling steps, the carry added to all lanes, so that the chain from vector to vector is one addition.

#![allow(unsafe_code)]

use super::super::bytes::{self, Carry};

/// As [`bytes::merge`].
pub fn merge(low: &[u8], high: &[u8], carry: &mut Carry, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has AVX2.
        return unsafe { avx2::merge(low, high, carry, out) };
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        // SAFETY: the machine has NEON.
        return unsafe { neon::merge(low, high, carry, out) };
    }
    bytes::merge(low, high, carry, out);
}

/// As [`bytes::sum_halves`].
pub fn sum_halves(planes: [&[u8]; 2], carry: &mut u16, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has AVX2.
        return unsafe { avx2::sum_halves(planes, carry, out) };
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        // SAFETY: the machine has NEON.
        return unsafe { neon::sum_halves(planes, carry, out) };
    }
    bytes::sum_halves(planes, carry, out);
}

/// As [`bytes::sum_words`].
pub fn sum_words(planes: [&[u8]; 3], lowest: &[u8], carry: &mut u32, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the machine has AVX2.
        return unsafe { avx2::sum_words(planes, lowest, carry, out) };
    }
    bytes::sum_words(planes, lowest, carry, out);
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::bytes::{self, Carry};

    /// The last byte of each half of a vector, in all its bytes.
    const LAST_BYTE: i8 = 15;

    /// Running sums of 32 bytes, lowest first, each less 128 before it is added.
    #[target_feature(enable = "avx2")]
    fn scan_bytes(differences: [u8; 32]) -> __m256i {
        let mut sums = _mm256_xor_si256(bytemuck::cast(differences), _mm256_set1_epi8(-128));
        sums = _mm256_add_epi8(sums, _mm256_slli_si256::<1>(sums));
        sums = _mm256_add_epi8(sums, _mm256_slli_si256::<2>(sums));
        sums = _mm256_add_epi8(sums, _mm256_slli_si256::<4>(sums));
        sums = _mm256_add_epi8(sums, _mm256_slli_si256::<8>(sums));
        // The sum of the lower half goes to every byte of the upper one.
        let lasts = _mm256_shuffle_epi8(sums, _mm256_set1_epi8(LAST_BYTE));
        _mm256_add_epi8(sums, _mm256_permute2x128_si256::<0x08>(lasts, lasts))
    }

    /// The last byte of a vector in all bytes.
    #[target_feature(enable = "avx2")]
    fn last_byte(sums: __m256i) -> __m256i {
        let lasts = _mm256_shuffle_epi8(sums, _mm256_set1_epi8(LAST_BYTE));
        _mm256_permute2x128_si256::<0x11>(lasts, lasts)
    }

    /// Puts the bytes of two vectors in turn.
    #[target_feature(enable = "avx2")]
    fn in_turn(even: __m256i, odd: __m256i) -> [__m256i; 2] {
        let (lower, upper) = (_mm256_unpacklo_epi8(even, odd), _mm256_unpackhi_epi8(even, odd));
        [_mm256_permute2x128_si256::<0x20>(lower, upper), _mm256_permute2x128_si256::<0x31>(lower, upper)]
    }

    #[target_feature(enable = "avx2")]
    pub fn merge(low: &[u8], high: &[u8], carry: &mut Carry, out: &mut [u8]) {
        let (outs, out_rest) = out.as_chunks_mut::<64>();
        let (lows, low_rest) = low.as_chunks::<32>();
        let (highs, high_rest) = high.as_chunks::<32>();
        let mut low_carry = _mm256_set1_epi8(carry.low.cast_signed());
        let mut high_carry = _mm256_set1_epi8(carry.high.cast_signed());
        for (out, (low, high)) in outs.iter_mut().zip(lows.iter().zip(highs)) {
            let (low, high) = (scan_bytes(*low), scan_bytes(*high));
            let pairs = in_turn(_mm256_add_epi8(low, low_carry), _mm256_add_epi8(high, high_carry));
            *out = bytemuck::cast(pairs);
            low_carry = _mm256_add_epi8(low_carry, last_byte(low));
            high_carry = _mm256_add_epi8(high_carry, last_byte(high));
        }
        carry.low = _mm256_extract_epi8::<0>(low_carry) as u8;
        carry.high = _mm256_extract_epi8::<0>(high_carry) as u8;
        bytes::merge(low_rest, high_rest, carry, out_rest);
    }

    /// Running sums of sixteen 16-bit differences.
    #[target_feature(enable = "avx2")]
    fn scan_halves(mut sums: __m256i) -> __m256i {
        sums = _mm256_add_epi16(sums, _mm256_slli_si256::<2>(sums));
        sums = _mm256_add_epi16(sums, _mm256_slli_si256::<4>(sums));
        sums = _mm256_add_epi16(sums, _mm256_slli_si256::<8>(sums));
        let lasts = last_halves(sums);
        _mm256_add_epi16(sums, _mm256_permute2x128_si256::<0x08>(lasts, lasts))
    }

    /// The last 16 bits of each half of a vector, in all its lanes.
    #[target_feature(enable = "avx2")]
    fn last_halves(sums: __m256i) -> __m256i {
        _mm256_shuffle_epi8(sums, _mm256_set1_epi16(0x0f0e))
    }

    #[target_feature(enable = "avx2")]
    pub fn sum_halves([high, low]: [&[u8]; 2], carry: &mut u16, out: &mut [u8]) {
        let (outs, out_rest) = out.as_chunks_mut::<64>();
        let (highs, high_rest) = high.as_chunks::<32>();
        let (lows, low_rest) = low.as_chunks::<32>();
        let mut running = _mm256_set1_epi16(carry.cast_signed());
        for (out, (high, low)) in outs.iter_mut().zip(highs.iter().zip(lows)) {
            let pairs = in_turn(bytemuck::cast(*low), bytemuck::cast(*high));
            let sums = pairs.map(|differences| {
                let sums = scan_halves(differences);
                let shifted = _mm256_add_epi16(sums, running);
                let lasts = last_halves(sums);
                running = _mm256_add_epi16(running, _mm256_permute2x128_si256::<0x11>(lasts, lasts));
                shifted
            });
            *out = bytemuck::cast(sums);
        }
        *carry = _mm256_extract_epi16::<0>(running) as u16;
        bytes::sum_halves([high_rest, low_rest], carry, out_rest);
    }

    /// Running sums of eight 32-bit differences.
    #[target_feature(enable = "avx2")]
    fn scan_words(mut sums: __m256i) -> __m256i {
        sums = _mm256_add_epi32(sums, _mm256_slli_si256::<4>(sums));
        sums = _mm256_add_epi32(sums, _mm256_slli_si256::<8>(sums));
        let lasts = _mm256_shuffle_epi32::<0xff>(sums);
        _mm256_add_epi32(sums, _mm256_permute2x128_si256::<0x08>(lasts, lasts))
    }

    #[target_feature(enable = "avx2")]
    pub fn sum_words([a, b, c]: [&[u8]; 3], lowest: &[u8], carry: &mut u32, out: &mut [u8]) {
        let (outs, out_rest) = out.as_chunks_mut::<32>();
        let done = outs.len() * 8;
        let spread = |plane: &[u8], at: usize, shift: i32| {
            let eight: [u8; 8] =
                plane.get(at..at + 8).and_then(|eight| eight.try_into().ok()).unwrap_or([0; 8]);
            let words = _mm256_cvtepu8_epi32(_mm_set_epi64x(0, i64::from_le_bytes(eight)));
            _mm256_sll_epi32(words, _mm_cvtsi32_si128(shift))
        };
        let mut running = _mm256_set1_epi32(carry.cast_signed());
        for (number, out) in outs.iter_mut().enumerate() {
            let at = 8 * number;
            let upper = _mm256_or_si256(spread(a, at, 24), spread(b, at, 16));
            let lower = _mm256_or_si256(spread(c, at, 8), spread(lowest, at, 0));
            let sums = scan_words(_mm256_or_si256(upper, lower));
            *out = bytemuck::cast(_mm256_add_epi32(sums, running));
            let lasts = _mm256_shuffle_epi32::<0xff>(sums);
            running = _mm256_add_epi32(running, _mm256_permute2x128_si256::<0x11>(lasts, lasts));
        }
        *carry = _mm256_extract_epi32::<0>(running).cast_unsigned();
        let lowest = lowest.get(done..).unwrap_or(&[]);
        bytes::sum_words([&a[done..], &b[done..], &c[done..]], lowest, carry, out_rest);
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::*;

    use super::bytes::{self, Carry};

    /// Running sums of 16 bytes, lowest first, each less 128 before it is added.
    #[target_feature(enable = "neon")]
    fn scan_bytes(differences: [u8; 16]) -> uint8x16_t {
        let zero = vdupq_n_u8(0);
        let mut sums = veorq_u8(bytemuck::cast(differences), vdupq_n_u8(128));
        sums = vaddq_u8(sums, vextq_u8::<15>(zero, sums));
        sums = vaddq_u8(sums, vextq_u8::<14>(zero, sums));
        sums = vaddq_u8(sums, vextq_u8::<12>(zero, sums));
        vaddq_u8(sums, vextq_u8::<8>(zero, sums))
    }

    #[target_feature(enable = "neon")]
    pub fn merge(low: &[u8], high: &[u8], carry: &mut Carry, out: &mut [u8]) {
        let (outs, out_rest) = out.as_chunks_mut::<32>();
        let (lows, low_rest) = low.as_chunks::<16>();
        let (highs, high_rest) = high.as_chunks::<16>();
        let (mut low_carry, mut high_carry) = (vdupq_n_u8(carry.low), vdupq_n_u8(carry.high));
        for (out, (low, high)) in outs.iter_mut().zip(lows.iter().zip(highs)) {
            let (low, high) = (scan_bytes(*low), scan_bytes(*high));
            let (even, odd) = (vaddq_u8(low, low_carry), vaddq_u8(high, high_carry));
            *out = bytemuck::cast([vzip1q_u8(even, odd), vzip2q_u8(even, odd)]);
            low_carry = vaddq_u8(low_carry, vdupq_laneq_u8::<15>(low));
            high_carry = vaddq_u8(high_carry, vdupq_laneq_u8::<15>(high));
        }
        carry.low = vgetq_lane_u8::<0>(low_carry);
        carry.high = vgetq_lane_u8::<0>(high_carry);
        bytes::merge(low_rest, high_rest, carry, out_rest);
    }

    #[target_feature(enable = "neon")]
    pub fn sum_halves([high, low]: [&[u8]; 2], carry: &mut u16, out: &mut [u8]) {
        let (outs, out_rest) = out.as_chunks_mut::<32>();
        let (highs, high_rest) = high.as_chunks::<16>();
        let (lows, low_rest) = low.as_chunks::<16>();
        let zero = vdupq_n_u16(0);
        let mut running = vdupq_n_u16(*carry);
        for (out, (high, low)) in outs.iter_mut().zip(highs.iter().zip(lows)) {
            let (high, low): (uint8x16_t, uint8x16_t) = (bytemuck::cast(*high), bytemuck::cast(*low));
            let pairs = [vzip1q_u8(low, high), vzip2q_u8(low, high)];
            let sums = pairs.map(|differences| {
                let mut sums = vreinterpretq_u16_u8(differences);
                sums = vaddq_u16(sums, vextq_u16::<7>(zero, sums));
                sums = vaddq_u16(sums, vextq_u16::<6>(zero, sums));
                sums = vaddq_u16(sums, vextq_u16::<4>(zero, sums));
                let shifted = vaddq_u16(sums, running);
                running = vdupq_laneq_u16::<7>(shifted);
                shifted
            });
            *out = bytemuck::cast(sums);
        }
        *carry = vgetq_lane_u16::<0>(running);
        bytes::sum_halves([high_rest, low_rest], carry, out_rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Random bytes, and rows of one byte, which carry the most.
    fn planes() -> impl Strategy<Value = Vec<u8>> {
        let random = prop::collection::vec(any::<u8>(), 0..700);
        let flat = (any::<u8>(), 0..700_usize).prop_map(|(byte, length)| vec![byte; length]);
        prop_oneof![random, flat]
    }

    proptest! {
        #[test]
        fn pairs_are_those_of_the_plain_twin(bytes in planes(), low in any::<u8>(), high in any::<u8>()) {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            let second = &second[..first.len()];
            let (mut fast, mut plain) = (vec![0; 2 * first.len()], vec![0; 2 * first.len()]);
            let (mut fast_carry, mut plain_carry) = (Carry { low, high }, Carry { low, high });
            merge(first, second, &mut fast_carry, &mut fast);
            bytes::merge(first, second, &mut plain_carry, &mut plain);
            prop_assert_eq!(fast, plain);
            prop_assert_eq!(fast_carry, plain_carry);
        }

        #[test]
        fn halves_are_those_of_the_plain_twin(bytes in planes(), carry in any::<u16>()) {
            let length = bytes.len() / 2;
            let planes = [&bytes[..length], &bytes[length..2 * length]];
            let (mut fast, mut plain) = (vec![0; 2 * length], vec![0; 2 * length]);
            let (mut fast_carry, mut plain_carry) = (carry, carry);
            sum_halves(planes, &mut fast_carry, &mut fast);
            bytes::sum_halves(planes, &mut plain_carry, &mut plain);
            prop_assert_eq!(fast, plain);
            prop_assert_eq!(fast_carry, plain_carry);
        }

        #[test]
        fn words_are_those_of_the_plain_twin(bytes in planes(), carry in any::<u32>(), whole in any::<bool>()) {
            let length = bytes.len() / 4;
            let plane = |number: usize| &bytes[number * length..(number + 1) * length];
            let lowest = if whole { plane(3) } else { &[] };
            let planes = [plane(0), plane(1), plane(2)];
            let (mut fast, mut plain) = (vec![0; 4 * length], vec![0; 4 * length]);
            let (mut fast_carry, mut plain_carry) = (carry, carry);
            sum_words(planes, lowest, &mut fast_carry, &mut fast);
            bytes::sum_words(planes, lowest, &mut plain_carry, &mut plain);
            prop_assert_eq!(fast, plain);
            prop_assert_eq!(fast_carry, plain_carry);
        }
    }
}
