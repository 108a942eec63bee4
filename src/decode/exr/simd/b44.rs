//! Owns the unpacking of B44 blocks: AVX2, and a portable twin that gives the same bits. Pure.
//!
//! A block is a string of bits, highest first: the first sample (16), an exponent (6), and 15 differences (6
//! each, less 32, shifted left by the exponent, modulo 2^16). Three differences lead down the first column,
//! then four to the right from each column to the next. Samples are halves in an order that unsigned numbers
//! have. An exponent past 12 marks a flat block, of three bytes: all its samples are the first.

#![allow(unsafe_code)]

/// Bytes of a block, and of a flat one.
pub const FULL_BYTES: usize = 14;
pub const FLAT_BYTES: usize = 3;
/// A block is flat if its third byte is at least this.
pub const FLAT: u8 = 13 << 2;
/// Blocks that are unpacked at once.
pub const BLOCKS: usize = 128;

/// The four lines of a strip of blocks.
pub type Lines = [[u16; 4 * BLOCKS]; 4];

/// Unpacks the blocks that begin at each of `starts`, at most [`BLOCKS`], to stand side by side in `lines`;
/// what follows them there is overwritten too. Blocks read past the end of `packed` have zeros there.
pub fn unpack(packed: &[u8], starts: &[usize], lines: &mut Lines) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, and the function asks for nothing else.
        return unsafe { avx2::unpack(packed, starts, lines) };
    }
    unpack_plainly(packed, starts, lines);
}

/// A block and two bytes beyond.
fn block(packed: &[u8], start: usize) -> [u8; 16] {
    let rest = packed.get(start..).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut block = [0; 16];
        block[..rest.len()].copy_from_slice(rest);
        block
    })
}

fn unpack_plainly(packed: &[u8], starts: &[usize], lines: &mut Lines) {
    for (index, start) in starts.iter().enumerate() {
        let samples = unpack_block(&block(packed, *start));
        for (line, samples) in lines.iter_mut().zip(samples) {
            line.as_chunks_mut().0[index] = samples;
        }
    }
}

/// The four lines of a block.
fn unpack_block(block: &[u8; 16]) -> [[u16; 4]; 4] {
    let exponent = u32::from(block[2] >> 2);
    let difference = |column: usize, line: usize| {
        let at = 2 + 3 * column;
        let bits = u32::from_be_bytes([0, block[at], block[at + 1], block[at + 2]]) >> (18 - 6 * line);
        // No bits are left of a flat block's differences.
        if block[2] >= FLAT { 0 } else { ((bits & 63).wrapping_sub(32) << exponent) as u16 }
    };
    let mut first = u16::from_be_bytes([block[0], block[1]]);
    let mut lines = [[0; 4]; 4];
    for (line, samples) in lines.iter_mut().enumerate() {
        if line > 0 {
            first = first.wrapping_add(difference(0, line));
        }
        let mut sample = first;
        for (column, out) in samples.iter_mut().enumerate() {
            if column > 0 {
                sample = sample.wrapping_add(difference(column, line));
            }
            *out = from_ordered(sample);
        }
    }
    lines
}

/// The half whose order among halves is this number's: positive ones have the upper half of the numbers.
fn from_ordered(ordered: u16) -> u16 {
    if ordered & 0x8000 != 0 { ordered & 0x7fff } else { !ordered }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use bytemuck::cast;

    use super::{BLOCKS, Lines, block};

    /// Four blocks at a time: their lines are four registers, ready to store.
    #[target_feature(enable = "avx2")]
    pub fn unpack(packed: &[u8], starts: &[usize], lines: &mut Lines) {
        let [line_0, line_1, line_2, line_3] = lines;
        let out = line_0.as_chunks_mut::<16>().0.iter_mut().zip(line_1.as_chunks_mut::<16>().0);
        let out = out.zip(line_2.as_chunks_mut::<16>().0.iter_mut().zip(line_3.as_chunks_mut::<16>().0));
        for (starts, ((out_0, out_1), (out_2, out_3))) in
            starts[..starts.len().min(BLOCKS)].chunks(4).zip(out)
        {
            let start = |index: usize| starts.get(index).copied().unwrap_or(starts[0]);
            let [a, b, c, d] = [0, 1, 2, 3].map(|index| block(packed, start(index)));
            let unpacked = unpack_four(cast([a, c]), cast([b, d]));
            [*out_0, *out_1, *out_2, *out_3] = unpacked.map(cast);
        }
    }

    /// The four lines of the blocks `ac[0]`, `bd[0]`, `ac[1]` and `bd[1]`.
    #[target_feature(enable = "avx2")]
    fn unpack_four(ac: __m256i, bd: __m256i) -> [__m256i; 4] {
        let (ac_01, ac_23) = differences(ac);
        let (bd_01, bd_23) = differences(bd);
        let first_column = _mm256_set1_epi64x(0xffff);
        let below = |above, line| _mm256_add_epi16(line, _mm256_and_si256(above, first_column));
        let line_0 = _mm256_unpacklo_epi64(ac_01, bd_01);
        let line_1 = below(line_0, _mm256_unpackhi_epi64(ac_01, bd_01));
        let line_2 = below(line_1, _mm256_unpacklo_epi64(ac_23, bd_23));
        let line_3 = below(line_2, _mm256_unpackhi_epi64(ac_23, bd_23));
        [sums(line_0), sums(line_1), sums(line_2), sums(line_3)]
    }

    /// The differences of lines 0 and 1 and of lines 2 and 3 of two blocks; in the place of the first, which
    /// has none, the first sample itself.
    #[target_feature(enable = "avx2")]
    fn differences(blocks: __m256i) -> (__m256i, __m256i) {
        // Lines 0 and 1 have their bits in the first two bytes of a column's three, the others in the last
        // two.
        let both = |half: [u8; 16]| -> __m256i { cast([half, half]) };
        let upper = both([3, 2, 6, 5, 9, 8, 12, 11, 3, 2, 6, 5, 9, 8, 12, 11]);
        let lower = both([4, 3, 7, 6, 10, 9, 13, 12, 4, 3, 7, 6, 10, 9, 13, 12]);
        let to_top_01: __m256i = cast([[1_u16, 1, 1, 1, 64, 64, 64, 64]; 2]);
        let to_top_23: __m256i = cast([[16_u16, 16, 16, 16, 1024, 1024, 1024, 1024]; 2]);
        let factor = factors(blocks);
        let scaled = |places, to_top| {
            let bits = _mm256_mullo_epi16(_mm256_shuffle_epi8(blocks, places), to_top);
            let signed = _mm256_sub_epi16(_mm256_srli_epi16::<10>(bits), _mm256_set1_epi16(32));
            _mm256_mullo_epi16(signed, factor)
        };
        let first = _mm256_shuffle_epi8(blocks, both([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
        (_mm256_blend_epi16::<1>(scaled(upper, to_top_01), first), scaled(lower, to_top_23))
    }

    /// 2 to the exponent in every lane of each block, 0 for a flat one.
    #[target_feature(enable = "avx2")]
    fn factors(blocks: __m256i) -> __m256i {
        let exponent = _mm256_shuffle_epi8(_mm256_srli_epi16::<2>(blocks), _mm256_set1_epi8(2));
        let exponent = _mm256_and_si256(exponent, _mm256_set1_epi8(63));
        let exponent = _mm256_min_epu8(exponent, _mm256_set1_epi8(13));
        let low: __m256i = cast([[1_u8, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0]; 2]);
        let high: __m256i = cast([[0_u8, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 0, 0, 0]; 2]);
        _mm256_unpacklo_epi8(_mm256_shuffle_epi8(low, exponent), _mm256_shuffle_epi8(high, exponent))
    }

    /// Running sums along the lines of four samples, as halves.
    #[target_feature(enable = "avx2")]
    fn sums(line: __m256i) -> __m256i {
        let line = _mm256_add_epi16(line, _mm256_slli_epi64::<16>(line));
        let line = _mm256_add_epi16(line, _mm256_slli_epi64::<32>(line));
        // Flips the highest bit of numbers that have it, all bits of others.
        let kept = _mm256_srli_epi16::<1>(_mm256_srai_epi16::<15>(line));
        _mm256_xor_si256(_mm256_xor_si256(line, kept), _mm256_set1_epi8(-1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(packed: &[u8], starts: &[usize]) -> [Vec<Vec<u16>>; 2] {
        let mut lines: Box<[Lines; 2]> = Box::new([[[7; 4 * BLOCKS]; 4]; 2]);
        unpack(packed, starts, &mut lines[0]);
        unpack_plainly(packed, starts, &mut lines[1]);
        lines.map(|lines| lines.iter().map(|line| line[..4 * starts.len()].to_vec()).collect())
    }

    #[test]
    fn a_flat_block_is_its_first_sample() {
        for (stored, half) in [([0xbc, 0x00], 0x3c00), ([0x43, 0xff], 0xbc00)] {
            for exponent in [FLAT, 0xfc, 0xff] {
                let [fast, plain] = both(&[stored[0], stored[1], exponent], &[0]);
                assert_eq!(plain, vec![vec![half; 4]; 4]);
                assert_eq!(fast, plain);
            }
        }
    }

    #[test]
    fn differences_lead_down_the_first_column_and_then_right() {
        // 33 in every place but the first column's second line, with 30: +1 and -2, times 4.
        let values = [2_u128, 33, 30, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33];
        let bits = values.iter().fold(0x9000_u128, |bits, value| bits << 6 | value);
        let packed = &(bits << 16).to_be_bytes()[..14];
        let [fast, plain] = both(packed, &[0]);
        let line = |first: u16| (0..4).map(|column| first + 4 * column).collect::<Vec<u16>>();
        assert_eq!(plain, [line(0x1000), line(0x1004), line(0xffc), line(0x1000)]);
        assert_eq!(fast, plain);
    }

    proptest! {
        #[test]
        fn vector_instructions_unpack_as_the_plain_loop_does(
            packed in prop::collection::vec(any::<u8>(), 0..600),
            starts in prop::collection::vec(0_usize..620, 0..=BLOCKS),
        ) {
            let [fast, plain] = both(&packed, &starts);
            prop_assert_eq!(fast, plain);
        }

        #[test]
        fn every_exponent_is_unpacked_alike(mut packed in any::<[u8; 14]>(), exponent in 0_u8..64) {
            packed[2] = exponent << 2 | packed[2] & 3;
            let [fast, plain] = both(&packed, &[0]);
            prop_assert_eq!(fast, plain);
        }
    }
}
