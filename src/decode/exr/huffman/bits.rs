//! Owns the reading of bits from the highest of each byte on, through a buffer of 64 that takes whole words. Pure.

/// Bits of a block that are still to be read.
#[derive(Clone, Copy)]
pub struct Bits<'a> {
    /// Bytes that are not in the buffer as a whole.
    rest: &'a [u8],
    /// The next bits, from the highest on.
    buffer: u64,
    /// Bits of the buffer that count.
    held: u32,
    /// Bits in `rest` and `buffer` that are not the data's.
    padding: usize,
}

impl<'a> Bits<'a> {
    /// `bits` are at most those of `bytes`.
    pub fn new(bytes: &'a [u8], bits: usize) -> Self {
        Self { rest: bytes, buffer: 0, held: 0, padding: bytes.len() * 8 - bits }
    }

    /// Bits left; `None` when more were taken than there are.
    pub fn left(&self) -> Option<usize> {
        (self.rest.len() * 8 + self.held as usize).checked_sub(self.padding)
    }

    /// Bytes that are not in the buffer as a whole.
    #[inline(always)]
    pub fn bytes(&self) -> usize {
        self.rest.len()
    }

    /// From the middle on, where nothing was read yet.
    pub fn second_half(&self) -> Self {
        Self { rest: &self.rest[self.rest.len() / 2..], ..*self }
    }

    /// Sees to it that at least `count` bits are held, 56 at most.
    pub fn refill_for(&mut self, count: u32) {
        if self.held < count {
            self.refill();
        }
    }

    /// Sees to it that at least 56 bits are held, unless the data end too soon.
    #[inline(always)]
    pub fn refill_within(&mut self) -> bool {
        let Some(word) = self.rest.first_chunk() else { return false };
        // What stands below the bits that count are those that come next: setting them twice does no harm.
        self.buffer |= u64::from_be_bytes(*word) >> self.held;
        self.rest = &self.rest[((63 - self.held) / 8) as usize..];
        self.held |= 56;
        true
    }

    /// Sees to it that at least 56 bits are held. Past the end of the data there are zeros.
    #[inline(always)]
    pub fn refill(&mut self) {
        if !self.refill_within() {
            self.refill_at_end();
        }
    }

    #[cold]
    fn refill_at_end(&mut self) {
        while self.held < 56 {
            let byte = self.rest.split_off_first();
            self.padding += if byte.is_none() { 8 } else { 0 };
            self.buffer |= u64::from(byte.copied().unwrap_or(0)) << (56 - self.held);
            self.held += 8;
        }
    }

    /// The next `count` bits, one at least; they must be held.
    #[inline(always)]
    pub fn lead(&self, count: u32) -> usize {
        (self.buffer >> (64 - count)) as usize
    }

    /// The next 64 bits, of which those that are held are right.
    pub fn window(&self) -> u64 {
        self.buffer
    }

    /// Takes up to 56 bits, one at least; they must be held.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u64 {
        let bits = self.buffer >> (count.wrapping_neg() % 64);
        self.buffer <<= count;
        self.held -= count;
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_come_in_order_and_zeros_after_them(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            padding in 0_usize..8,
            counts in prop::collection::vec(1_u32..=56, 0..30),
        ) {
            let padding = padding.min(bytes.len() * 8);
            let mut bits = Bits::new(&bytes, bytes.len() * 8 - padding);
            let bit = |at: usize| u64::from(bytes.get(at / 8).is_some_and(|byte| byte << (at % 8) & 0x80 != 0));
            let mut at = 0;
            for count in counts {
                let wanted = (at..at + count as usize).fold(0, |bits, at| bits << 1 | bit(at));
                bits.refill();
                prop_assert_eq!(bits.lead(count) as u64, wanted);
                prop_assert_eq!(bits.take(count), wanted);
                at += count as usize;
                prop_assert_eq!(bits.left(), (bytes.len() * 8).checked_sub(padding + at));
            }
        }
    }
}
