//! Owns the three bit streams of a high-throughput code block: their stuffing, and the adaptive run-length decoder
//! (MEL). Formats: ITU-T T.814 clauses 7.1.1 to 7.1.4 and 7.3.3. Pure.

use crate::decode::DecodeError;
use crate::decode::exr::scratch::{Held, grown};
use crate::decode::exr::simd::htj2k::{Loop, widest};

/// Bytes behind the bits that may be read without a check.
const MARGIN: usize = 2048;

/// The bits of seven bytes. What is taken at a time leaves the place within a byte as it was.
const SEVEN_BYTES: u64 = (1 << 56) - 1;
/// A 1 in each of them.
const ONES: u64 = SEVEN_BYTES / 255;

/// A stream without its stuffed bits, lowest bit first, so that it can be read at any place at once.
#[derive(Debug, Default)]
pub struct FlatBits {
    bytes: Vec<u8>,
    /// Bits that the stream holds.
    pub length: usize,
}

impl Held for FlatBits {
    fn held_bytes(&self) -> usize {
        self.bytes.held_bytes()
    }
}

impl FlatBits {
    /// Unstuffs forwards: after a byte 0xFF comes one of 7 bits. Behind the end all bits are set.
    ///
    /// # Errors
    /// [`DecodeError::Io`] where memory is refused.
    pub fn forward(&mut self, bytes: &[u8], behind: u8) -> Result<(), DecodeError> {
        self.reserve(bytes.len())?;
        let mut length = 0;
        widest(Forward {
            bytes,
            writer: Writer { bytes: &mut self.bytes, bit: 0, carry: 0 },
            length: &mut length,
        });
        self.length = length;
        self.fill_behind(behind);
        Ok(())
    }

    /// Unstuffs backwards, from the end of `bytes`: a byte whose lower bits are all set has 7 bits where the byte
    /// read before it was above 0x8F. Of the first byte only the `first_bits` upper ones count. Behind the end all
    /// bits are clear.
    ///
    /// # Errors
    /// [`DecodeError::Io`] where memory is refused.
    pub fn backward(&mut self, bytes: &[u8], is_nibble: bool) -> Result<(), DecodeError> {
        self.reserve(bytes.len())?;
        let mut writer = Writer { bytes: &mut self.bytes, bit: 0, carry: 0 };
        let mut rest = bytes;
        let mut is_above = true;
        if let (true, Some((&last, before))) = (is_nibble, rest.split_last()) {
            let upper = u64::from(last >> 4);
            if upper & 7 == 7 {
                writer.put(7, 3)
            } else {
                writer.put(upper, 4)
            }
            (is_above, rest) = (last | 15 > 0x8F, before);
        }
        while let Some(chunk) = rest.last_chunk::<8>() {
            let word = u64::from_be_bytes(*chunk) & SEVEN_BYTES;
            // Is any byte 0x7F or 0xFF?
            let inverse = !word & (ONES * 0x7F);
            let has_full = inverse.wrapping_sub(ONES) & (ONES << 7) != 0;
            if has_full {
                for &byte in chunk[1..].iter().rev() {
                    writer.put_byte(byte, is_above && byte & 0x7F == 0x7F);
                    is_above = byte > 0x8F;
                }
            } else {
                writer.put(word, 56);
                is_above = chunk[1] > 0x8F;
            }
            rest = &rest[..rest.len() - 7];
        }
        for &byte in rest.iter().rev() {
            writer.put_byte(byte, is_above && byte & 0x7F == 0x7F);
            is_above = byte > 0x8F;
        }
        self.length = writer.bit;
        self.fill_behind(0);
        Ok(())
    }

    /// The bytes from place `bit` on, `None` too far behind the end.
    #[inline(always)]
    pub fn window<const COUNT: usize>(&self, bit: usize) -> Option<&[u8; COUNT]> {
        self.bytes.get(bit / 8..)?.first_chunk()
    }

    fn reserve(&mut self, bytes: usize) -> Result<(), DecodeError> {
        grown(&mut self.bytes, bytes + MARGIN + 16)?;
        Ok(())
    }

    fn fill_behind(&mut self, value: u8) {
        let (at, bits) = (self.length / 8, self.length % 8);
        let kept = (1u8 << bits) - 1;
        self.bytes[at] = self.bytes[at] & kept | value & !kept;
        self.bytes[at + 1..at + MARGIN].fill(value);
    }

    /// 57 bits at least from place `bit` on; bits far behind the end come out as 0.
    #[inline(always)]
    pub fn peek(&self, bit: usize) -> u64 {
        match self.bytes.get(bit / 8..bit / 8 + 8) {
            Some(bytes) => u64::from_le_bytes(bytes.try_into().unwrap_or_default()) >> (bit % 8),
            None => 0,
        }
    }
}

/// The loop of [`FlatBits::forward`].
struct Forward<'a> {
    bytes: &'a [u8],
    writer: Writer<'a>,
    length: &'a mut usize,
}

impl Loop for Forward<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { bytes: mut rest, mut writer, length } = self;
        let mut is_stuffed = false;
        while let Some(chunk) = rest.first_chunk::<8>() {
            let word = u64::from_le_bytes(*chunk) & SEVEN_BYTES;
            // Does any byte equal 0xFF?
            let has_full = (!word & SEVEN_BYTES).wrapping_sub(ONES) & word & (ONES << 7) != 0;
            if is_stuffed || has_full {
                for &byte in &chunk[..7] {
                    writer.put_byte(byte, is_stuffed);
                    is_stuffed = byte == 0xFF;
                }
            } else {
                writer.put(word, 56);
            }
            rest = &rest[7..];
        }
        for &byte in rest {
            writer.put_byte(byte, is_stuffed);
            is_stuffed = byte == 0xFF;
        }
        *length = writer.bit;
    }
}

/// Appends bits, lowest first; writes whole words over what is behind.
struct Writer<'a> {
    bytes: &'a mut [u8],
    bit: usize,
    /// The bits of the byte that is not full yet.
    carry: u64,
}

impl Writer<'_> {
    /// A byte of 8 bits or 7.
    #[inline(always)]
    fn put_byte(&mut self, byte: u8, is_short: bool) {
        let bits = if is_short { byte & 0x7F } else { byte };
        self.put(u64::from(bits), 8 - usize::from(is_short));
    }

    /// `bits` are below `1 << count`, and `count` is at most 56.
    #[inline(always)]
    fn put(&mut self, bits: u64, count: usize) {
        let word = bits << (self.bit % 8) | self.carry;
        if let Some(place) = self.bytes.get_mut(self.bit / 8..self.bit / 8 + 8) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        // Shifts by whole bytes, at most 7 of them.
        self.carry = word >> ((self.bit % 8 + count) & !7);
        self.bit += count;
    }
}

/// Lengths of runs, as base-2 logarithms (T.814 table 2).
const RUN_LOGS: [u8; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];

/// The adaptive run-length decoder: a bit for each quad without significant neighbours, whether it has any
/// significant sample.
pub struct Runs<'a> {
    bytes: &'a [u8],
    /// What follows the bytes.
    tail: u8,
    /// Bits that have been read, top bit first in the word; below are set ones.
    word: u64,
    left: u32,
    is_stuffed: bool,
    state: u8,
    zeros: u32,
    has_one: bool,
}

impl<'a> Runs<'a> {
    /// Over the `bytes` before the last two of a block's clean-up; of the last but one, `shared`, the lower half
    /// belongs to another stream, and set bits stand in for it.
    pub fn new(bytes: &'a [u8], shared: u8) -> Self {
        Self {
            bytes,
            tail: shared | 15,
            word: 0,
            left: 0,
            is_stuffed: false,
            state: 0,
            zeros: 0,
            has_one: false,
        }
    }

    #[inline(always)]
    pub fn symbol(&mut self) -> bool {
        if self.zeros == 0 && !self.has_one {
            self.run();
        }
        if self.zeros > 0 {
            self.zeros -= 1;
            return false;
        }
        self.has_one = false;
        true
    }

    /// Reads a run of zeros and whether a one follows it.
    fn run(&mut self) {
        if self.left < 6 {
            self.refill();
        }
        let log = u32::from(RUN_LOGS[usize::from(self.state)]);
        if self.word >> 63 != 0 {
            self.zeros = 1 << log;
            self.state = (self.state + 1).min(12);
            self.word <<= 1;
            self.left -= 1;
        } else {
            self.zeros = (self.word << 1 >> 1 >> (63 - log)) as u32;
            self.has_one = true;
            self.state = self.state.saturating_sub(1);
            self.word <<= 1 + log;
            self.left -= 1 + log;
        }
    }

    fn refill(&mut self) {
        while self.left <= 56 {
            let byte = match self.bytes.split_first() {
                Some((&byte, rest)) => {
                    self.bytes = rest;
                    byte
                }
                None => std::mem::replace(&mut self.tail, 0xFF),
            };
            let bits = 8 - u32::from(self.is_stuffed);
            self.is_stuffed = byte == 0xFF;
            self.word |= u64::from(byte) << (64 - bits) >> self.left;
            self.left += bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes among which those that matter to stuffing are frequent.
    fn stuffed() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            Just(0xFF),
            Just(0x7F),
            Just(0x8F),
            Just(0x90),
            any::<u8>(),
            any::<u8>(),
            any::<u8>()
        ];
        prop::collection::vec(byte, 0..200)
    }

    /// Bit by bit, as T.814 7.1.2 and 7.1.4 have it.
    fn forward_plainly(bytes: &[u8]) -> Vec<bool> {
        let mut last = 0;
        let mut bits = Vec::new();
        for &byte in bytes {
            bits.extend((0..if last == 0xFF { 7 } else { 8 }).map(|bit| byte >> bit & 1 != 0));
            last = byte;
        }
        bits
    }

    fn backward_plainly(bytes: &[u8], mut last: u8) -> Vec<bool> {
        let mut bits = Vec::new();
        for &byte in bytes.iter().rev() {
            let is_short = last > 0x8F && byte & 0x7F == 0x7F;
            bits.extend((0..if is_short { 7 } else { 8 }).map(|bit| byte >> bit & 1 != 0));
            last = byte;
        }
        bits
    }

    fn assert_bits(flat: &FlatBits, expected: &[bool], behind: bool) {
        assert_eq!(flat.length, expected.len());
        for at in 0..expected.len() + 100 {
            assert_eq!(flat.peek(at) & 1 != 0, expected.get(at).copied().unwrap_or(behind), "bit {at}");
        }
    }

    proptest! {
        #[test]
        fn streams_lose_their_stuffed_bits(bytes in stuffed()) {
            let mut flat = FlatBits::default();
            flat.forward(&bytes, 0xFF).unwrap();
            assert_bits(&flat, &forward_plainly(&bytes), true);
            flat.backward(&bytes, false).unwrap();
            assert_bits(&flat, &backward_plainly(&bytes, 0xFF), false);
        }

        #[test]
        fn a_shared_byte_gives_its_upper_half(bytes in stuffed(), shared in any::<u8>()) {
            let mut flat = FlatBits::default();
            let mut all = bytes.clone();
            all.push(shared);
            flat.backward(&all, true).unwrap();
            let upper = shared >> 4;
            let mut expected: Vec<_> =
                (0..if upper & 7 == 7 { 3 } else { 4 }).map(|bit| upper >> bit & 1 != 0).collect();
            expected.extend(backward_plainly(&bytes, shared | 15));
            assert_bits(&flat, &expected, false);
        }

        /// T.814 7.3.3, a bit at a time.
        #[test]
        fn runs_are_those_of_the_standard(bytes in stuffed(), shared in any::<u8>()) {
            let mut all = bytes.clone();
            all.extend([shared | 15, 0xFF, 0xFF, 0xFF]);
            let mut last = 0;
            let mut bits = Vec::new();
            for &byte in &all {
                bits.extend((0..if last == 0xFF { 7 } else { 8 }).rev().map(|bit| byte >> bit & 1 != 0));
                last = byte;
            }
            let mut bits = bits.into_iter();
            let mut expected = Vec::new();
            let mut state = 0;
            while let Some(bit) = bits.next() {
                let log = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5][state];
                if bit {
                    expected.extend(vec![false; 1 << log]);
                    state = (state + 1).min(12);
                } else {
                    let zeros = (0..log).fold(0, |zeros, _| zeros << 1 | usize::from(bits.next().unwrap_or(true)));
                    expected.extend(vec![false; zeros]);
                    expected.push(true);
                    state = usize::saturating_sub(state, 1);
                }
            }
            let mut runs = Runs::new(&bytes, shared);
            for (at, expected) in expected.iter().enumerate() {
                prop_assert_eq!(runs.symbol(), *expected, "symbol {}", at);
            }
        }
    }
}
