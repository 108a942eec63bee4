//! Owns the two refinement passes of a high-throughput code block, which add a bit plane to its clean-up. EXR's
//! writer makes none, so this is plain rather than fast. Format: ITU-T T.814 clauses 7.4 and 7.5. Pure.

use super::bits::FlatBits;
use super::block::{Coded, Coefficient};
use super::damaged;
use crate::decode::DecodeError;
use crate::decode::exr::scratch::Held;

/// Rows that are scanned together, column by column; also the columns whose signs follow together.
const STRIPE: usize = 4;

/// Memory that a thread keeps between blocks.
#[derive(Debug, Default)]
pub struct Refinement {
    bits: FlatBits,
}

impl Held for Refinement {
    fn held_bytes(&self) -> usize {
        self.bits.held_bytes()
    }
}

impl Refinement {
    /// Adds the passes that `coded` has to the block in `out`, whose rows are `stride` apart.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] where the clean-up left no plane to refine.
    pub fn apply<T: Coefficient>(
        &mut self,
        coded: &Coded,
        out: &mut [T],
        stride: usize,
    ) -> Result<(), DecodeError> {
        if coded.plane() == 0 {
            return Err(damaged("a chunk's code block has too many passes"));
        }
        if coded.refinements > 1 {
            self.bits.backward(coded.refinement, false)?;
            self.refine_magnitudes(coded, out, stride);
        }
        self.bits.forward(coded.refinement, 0)?;
        self.spread_significance(coded, out, stride);
        Ok(())
    }

    /// A bit for each sample that the clean-up found significant.
    fn refine_magnitudes<T: Coefficient>(&self, coded: &Coded, out: &mut [T], stride: usize) {
        let (plane, halved) = (coded.plane(), u32::from(!coded.keeps_half));
        let mut bit = 0;
        for (x, y) in scan(coded, coded.width) {
            let sample = &mut out[y * stride + x];
            let magnitude = sample.magnitude() >> (plane - halved);
            if magnitude != 0 {
                let finer = 2 * magnitude - 1 + 2 * (self.bits.peek(bit) & 1);
                *sample = T::new(finer << (plane - 1) >> halved, sample.is_negative());
                bit += 1;
            }
        }
    }

    /// A bit for each insignificant sample beside a significant one, then the signs of those that became so.
    fn spread_significance<T: Coefficient>(&self, coded: &Coded, out: &mut [T], stride: usize) {
        let found = 3 << (coded.plane() - 1) >> u32::from(!coded.keeps_half);
        let mut bit = 0;
        for top in (0..coded.height).step_by(STRIPE) {
            for left in (0..coded.width).step_by(STRIPE) {
                let bottom = (top + STRIPE).min(coded.height);
                let places =
                    (left..(left + STRIPE).min(coded.width)).flat_map(|x| (top..bottom).map(move |y| (x, y)));
                let mut is_new = 0u32;
                for (index, (x, y)) in places.clone().enumerate() {
                    if out[y * stride + x].magnitude() == 0
                        && has_significant_neighbour(coded, out, stride, x, y)
                    {
                        if self.bits.peek(bit) & 1 != 0 {
                            out[y * stride + x] = T::new(found, false);
                            is_new |= 1 << index;
                        }
                        bit += 1;
                    }
                }
                for (_, (x, y)) in places.enumerate().filter(|(index, _)| is_new >> index & 1 != 0) {
                    out[y * stride + x] = T::new(found, self.bits.peek(bit) & 1 != 0);
                    bit += 1;
                }
            }
        }
    }
}

/// The samples of a block, stripe by stripe, in a stripe column by column.
fn scan(coded: &Coded, width: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
    let height = coded.height;
    (0..height).step_by(STRIPE).flat_map(move |top| {
        (0..width).flat_map(move |x| (top..(top + STRIPE).min(height)).map(move |y| (x, y)))
    })
}

fn has_significant_neighbour<T: Coefficient>(
    coded: &Coded,
    out: &[T],
    stride: usize,
    x: usize,
    y: usize,
) -> bool {
    let columns = x.saturating_sub(1)..(x + 2).min(coded.width);
    (y.saturating_sub(1)..(y + 2).min(coded.height))
        .any(|y| out[y * stride..][columns.clone()].iter().any(|sample| sample.magnitude() != 0))
}
