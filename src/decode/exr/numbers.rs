//! Owns rows of samples as f32 numbers and back. Pure. In blocks on the stack, so that no scratch is needed and
//! half goes through the processor's own conversion where there is one.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::chunk::Kind;

const BLOCK: usize = 64;

/// Reads little-endian samples, of any alignment, as numbers; as many as both hold.
pub fn read(kind: Kind, samples: &[u8], out: &mut [f32]) {
    let words = samples.as_chunks::<4>().0;
    match kind {
        Kind::Half => {
            let mut block = [f16::ZERO; BLOCK];
            for (samples, out) in samples.as_chunks::<2>().0.chunks(BLOCK).zip(out.chunks_mut(BLOCK)) {
                let count = samples.len().min(out.len());
                for (half, sample) in block.iter_mut().zip(samples) {
                    *half = f16::from_le_bytes(*sample);
                }
                block[..count].convert_to_f32_slice(&mut out[..count]);
            }
        }
        Kind::Float => out.iter_mut().zip(words).for_each(|(out, word)| *out = f32::from_le_bytes(*word)),
        Kind::Uint => {
            out.iter_mut().zip(words).for_each(|(out, word)| *out = u32::from_le_bytes(*word) as f32)
        }
    }
}

/// Writes numbers as little-endian samples, of any alignment; as many as both hold. Numbers that uint does not
/// have become the nearest that it has.
pub fn write(kind: Kind, numbers: &[f32], out: &mut [u8]) {
    match kind {
        Kind::Half => {
            let mut block = [f16::ZERO; BLOCK];
            for (numbers, out) in numbers.chunks(BLOCK).zip(out.as_chunks_mut::<2>().0.chunks_mut(BLOCK)) {
                block[..numbers.len()].convert_from_f32_slice(numbers);
                for (sample, half) in out.iter_mut().zip(block) {
                    *sample = half.to_le_bytes();
                }
            }
        }
        Kind::Float => {
            let words = out.as_chunks_mut::<4>().0;
            words.iter_mut().zip(numbers).for_each(|(word, number)| *word = number.to_le_bytes());
        }
        Kind::Uint => {
            let words = out.as_chunks_mut::<4>().0;
            words.iter_mut().zip(numbers).for_each(|(word, number)| *word = (*number as u32).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kinds_have_their_own_numbers() {
        let mut numbers = [0.0; 2];
        read(Kind::Half, &[0x00, 0x3c, 0x00, 0xc0], &mut numbers);
        assert_eq!(numbers, [1.0, -2.0]);
        read(Kind::Uint, &[7, 0, 0, 0, 0, 1, 0, 0], &mut numbers);
        assert_eq!(numbers, [7.0, 256.0]);
        let mut out = [9; 8];
        write(Kind::Uint, &[-1.0, 1e30], &mut out);
        assert_eq!(out, [0, 0, 0, 0, 255, 255, 255, 255]);
        write(Kind::Half, &[1e30], &mut out);
        assert_eq!(out[..2], f16::INFINITY.to_le_bytes());
    }

    proptest! {
        #[test]
        fn finite_samples_come_back(bits in prop::collection::vec(any::<u16>(), 0..300), shift in 0..2_usize) {
            let halves: Vec<f16> = bits.into_iter().map(f16::from_bits).filter(|half| half.is_finite()).collect();
            // Any alignment.
            let samples: Vec<u8> = [0; 8][..shift].iter().copied().chain(halves.iter().flat_map(|half| half.to_le_bytes())).collect();
            let mut numbers = vec![0.0; halves.len()];
            read(Kind::Half, &samples[shift..], &mut numbers);
            prop_assert!(numbers.iter().zip(&halves).all(|(number, half)| *number == half.to_f32()));
            let mut out = vec![0; samples.len()];
            write(Kind::Half, &numbers, &mut out[shift..]);
            prop_assert_eq!(&out[shift..], &samples[shift..]);
            write(Kind::Float, &numbers, &mut vec![0; numbers.len() * 4 + 3]);
        }

        #[test]
        fn rows_of_other_lengths_are_cut(kind in prop::sample::select(vec![Kind::Half, Kind::Float, Kind::Uint]), bytes in 0..400_usize, count in 0..200_usize) {
            read(kind, &vec![1; bytes], &mut vec![0.0; count]);
            write(kind, &vec![1.0; count], &mut vec![0; bytes]);
        }
    }
}
