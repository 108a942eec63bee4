//! Owns the byte passes that RLE, ZIPS, ZIP and PXR24 share («OpenEXR File Layout», predictor and reordering):
//! differences back to values, byte planes back to samples. Pure. The plain twins of `simd`, and the whole of it
//! on machines without.

/// Running sums of the two halves of a chunk. The first half holds the low bytes of all pairs of bytes, the second
/// the high ones; both are one row of differences, each less 128 but the very first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carry {
    pub low: u8,
    pub high: u8,
}

impl Carry {
    /// The sums before the first pair: the first byte is a difference like all others once 128 is added to start
    /// with, and the high bytes follow on the last low one.
    pub fn before(low_half: &[u8]) -> Self {
        Self { low: 128, high: sum(low_half).wrapping_add(128) }
    }

    /// Goes past pairs that nobody wants.
    pub fn skip(&mut self, low: &[u8], high: &[u8]) {
        self.low = self.low.wrapping_add(sum(low));
        self.high = self.high.wrapping_add(sum(high));
    }
}

/// The sum of differences, each less 128.
fn sum(differences: &[u8]) -> u8 {
    // Byte sums wrap, and so does what is left of many times 128.
    let sum = differences.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if differences.len().is_multiple_of(2) { sum } else { sum.wrapping_add(128) }
}

/// Differences of low and high bytes to pairs of bytes: `out[2i]` is the running sum of `low`, `out[2i + 1]`
/// that of `high`. `low` and `high` have half the length of `out`.
pub fn merge(low: &[u8], high: &[u8], carry: &mut Carry, out: &mut [u8]) {
    for ([even, odd], (low, high)) in out.as_chunks_mut::<2>().0.iter_mut().zip(low.iter().zip(high)) {
        carry.low = carry.low.wrapping_add(low.wrapping_sub(128));
        carry.high = carry.high.wrapping_add(high.wrapping_sub(128));
        (*even, *odd) = (carry.low, carry.high);
    }
}

/// Byte planes of differences, highest first, to running sums of 16 bits.
pub fn sum_halves([high, low]: [&[u8]; 2], carry: &mut u16, out: &mut [u8]) {
    for (out, (high, low)) in out.as_chunks_mut::<2>().0.iter_mut().zip(high.iter().zip(low)) {
        *carry = carry.wrapping_add(u16::from_be_bytes([*high, *low]));
        *out = carry.to_le_bytes();
    }
}

/// Byte planes of differences, highest first, to running sums of 32 bits. Where `lowest` is empty the lowest byte
/// is zero.
pub fn sum_words([a, b, c]: [&[u8]; 3], lowest: &[u8], carry: &mut u32, out: &mut [u8]) {
    let lowest = lowest.iter().copied().chain(std::iter::repeat(0));
    let planes = a.iter().zip(b).zip(c).zip(lowest);
    for (out, (((a, b), c), d)) in out.as_chunks_mut::<4>().0.iter_mut().zip(planes) {
        *carry = carry.wrapping_add(u32::from_be_bytes([*a, *b, *c, d]));
        *out = carry.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the file layout describes it: differences undone over the whole chunk, then bytes put in turn.
    fn two_passes(halves: &[u8]) -> Vec<u8> {
        let mut bytes = halves.to_vec();
        for at in 1..bytes.len() {
            bytes[at] = bytes[at].wrapping_add(bytes[at - 1]).wrapping_sub(128);
        }
        let (low, high) = bytes.split_at(bytes.len() / 2);
        low.iter().zip(high).flat_map(|(low, high)| [*low, *high]).collect()
    }

    proptest! {
        #[test]
        fn one_pass_is_the_two_of_the_file_layout(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            cut in 0.0..1.0,
        ) {
            let halves = &bytes[..bytes.len() / 2 * 2];
            let (low, high) = halves.split_at(halves.len() / 2);
            let mut carry = Carry::before(low);
            let mut out = vec![0; halves.len()];
            // In two rows, of which the first is passed over once.
            let cut = (low.len() as f64 * cut) as usize;
            let mut skipped = carry;
            skipped.skip(&low[..cut], &high[..cut]);
            merge(&low[..cut], &high[..cut], &mut carry, &mut out[..2 * cut]);
            prop_assert_eq!(carry, skipped);
            merge(&low[cut..], &high[cut..], &mut carry, &mut out[2 * cut..]);
            prop_assert_eq!(out, two_passes(halves));
        }
    }
}
