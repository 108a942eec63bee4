//! Owns what happens to rows after the wavelet: undoing the mixing of components, and writing samples. Formulas:
//! ITU-T T.800 annex G. Pure.

use super::nlt::Curve;
use super::wavelet::{Irreversible, Reversible, Wavelet};
use crate::decode::exr::chunk::Kind;
use crate::decode::exr::simd::htj2k::Loop;

/// Turns decoded rows into the bits of samples.
pub trait Finish: Wavelet {
    /// Undoes the mixing of the three components (T.800 annex G), for component `INDEX` of them.
    fn unmix<const INDEX: usize>(row: [Self::Sample; 3]) -> Self::Sample;
    /// The bits of the samples that `sample` gives.
    fn bits(curve: &Curve, sample: impl Fn(usize) -> Self::Sample, bits: &mut [u32]);
}

macro_rules! finish_reversible {
    ($integer:ty) => {
        impl Finish for Reversible<$integer> {
            #[inline(always)]
            fn unmix<const INDEX: usize>([y, u, v]: [$integer; 3]) -> $integer {
                let green = y.wrapping_sub(u.wrapping_add(v) >> 2);
                match INDEX {
                    0 => v.wrapping_add(green),
                    1 => green,
                    _ => u.wrapping_add(green),
                }
            }

            #[inline(always)]
            fn bits(curve: &Curve, sample: impl Fn(usize) -> $integer, bits: &mut [u32]) {
                for (at, bits) in bits.iter_mut().enumerate() {
                    *bits = curve.bits(sample(at) as i32);
                }
            }
        }
    };
}
finish_reversible!(i32);
finish_reversible!(i64);

macro_rules! finish_irreversible {
    ($integer:ty) => {
        impl Finish for Irreversible<$integer> {
            #[inline(always)]
            fn unmix<const INDEX: usize>([y, blue, red]: [f32; 3]) -> f32 {
                match INDEX {
                    0 => y + 1.402 * red,
                    1 => y - 0.344_136_27 * blue - 0.714_136_24 * red,
                    _ => y + 1.772 * blue,
                }
            }

            #[inline(always)]
            fn bits(curve: &Curve, sample: impl Fn(usize) -> f32, bits: &mut [u32]) {
                curve.bits_of_fractions(sample, bits);
            }
        }
    };
}
finish_irreversible!(i32);
finish_irreversible!(i64);

/// The samples of one channel in a row, from rows of `COUNT` components.
pub struct FinishRow<'a, W: Finish, const COUNT: usize, F> {
    pub from: [&'a [W::Sample]; COUNT],
    pub unmix: F,
    pub curve: &'a Curve,
    pub bits: &'a mut [u32],
}

impl<W: Finish, const COUNT: usize, F: Fn([W::Sample; COUNT]) -> W::Sample> Loop
    for FinishRow<'_, W, COUNT, F>
{
    #[inline(always)]
    fn run(self) {
        let count = self.bits.len();
        let from = self.from.map(|row| &row[..count]);
        W::bits(self.curve, |at| (self.unmix)(std::array::from_fn(|part| from[part][at])), self.bits);
    }
}

/// Writes a row of samples; if it is split its even ones stand before the odd ones.
pub struct Pack<'a> {
    pub bits: &'a [u32],
    pub is_split: bool,
    pub kind: Kind,
    pub row: &'a mut [u8],
}

impl Loop for Pack<'_> {
    #[inline(always)]
    fn run(self) {
        let (bytes, row) = (self.kind.bytes(), self.row);
        if !self.is_split {
            for (place, bits) in row.chunks_exact_mut(bytes).zip(self.bits) {
                place.copy_from_slice(&bits.to_le_bytes()[..bytes]);
            }
            return;
        }
        let (evens, odds) = self.bits.split_at(self.bits.len().div_ceil(2));
        let pairs = evens.iter().zip(odds);
        if self.kind == Kind::Half {
            for (place, (even, odd)) in row.as_chunks_mut().0.iter_mut().zip(pairs) {
                *place = (*even & 0xFFFF | *odd << 16).to_le_bytes();
            }
        } else {
            for (place, (even, odd)) in row.as_chunks_mut().0.iter_mut().zip(pairs) {
                *place = (u64::from(*even) | u64::from(*odd) << 32).to_le_bytes();
            }
        }
        // Of a codestream that is wider than its chunk the last odd sample may not be wanted.
        let at = row.len() / (2 * bytes);
        if let (Some(place), Some(even)) = (row[2 * at * bytes..].get_mut(..bytes), evens.get(at)) {
            place.copy_from_slice(&even.to_le_bytes()[..bytes]);
        }
    }
}

/// Even and odd samples in turn, from a row where the former stand before the latter.
pub struct Interleave<'a, S>(pub &'a [S], pub &'a mut [S]);

impl<S: Copy> Loop for Interleave<'_, S> {
    #[inline(always)]
    fn run(self) {
        let (even, odd) = self.0.split_at(self.0.len().div_ceil(2));
        let (pairs, last) = self.1.as_chunks_mut::<2>();
        for ((pair, even), odd) in pairs.iter_mut().zip(even).zip(odd) {
            *pair = [*even, *odd];
        }
        if let ([place], Some(sample)) = (last, even.last()) {
            *place = *sample;
        }
    }
}
