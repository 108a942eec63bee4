//! Owns the two byte passes that RLE, ZIPS and ZIP share («OpenEXR File Layout», predictor and
//! reordering): differences back to bytes, and the two halves of a chunk back to samples. Pure. Each pass
//! works on more than a byte at a time without unsafe code, and has a plain twin in the tests.

/// The highest bit of every byte of a word.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const ONES: u64 = 0x0101_0101_0101_0101;

/// Turns differences into bytes, in place: each byte is the one before it plus the difference less 128,
/// the first stands as it is.
pub fn undo_differences(bytes: &mut [u8]) {
    // With 128 taken off every difference but the first, the pass is a running sum.
    let Some(first) = bytes.first_mut() else { return };
    *first = first.wrapping_add(128);
    let mut carry = 0_u8;
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        let sums = running_sums(u64::from_le_bytes(*word) ^ HIGH_BITS);
        *word = add_bytes(sums, u64::from(carry) * ONES).to_le_bytes();
        // The carry depends on the word's own sum alone, which keeps the chain of words to one addition.
        carry = carry.wrapping_add((sums >> 56) as u8);
    }
    for byte in rest {
        carry = carry.wrapping_add(byte.wrapping_sub(128));
        *byte = carry;
    }
}

/// Running sums of the eight bytes of a word, lowest first, by doubling steps.
#[inline(always)]
fn running_sums(word: u64) -> u64 {
    let pairs = add_bytes(word, word << 8);
    let fours = add_bytes(pairs, pairs << 16);
    add_bytes(fours, fours << 32)
}

/// Adds byte by byte; no carry crosses from one byte to the next.
#[inline(always)]
fn add_bytes(a: u64, b: u64) -> u64 {
    ((a & !HIGH_BITS).wrapping_add(b & !HIGH_BITS)) ^ ((a ^ b) & HIGH_BITS)
}

/// Puts bytes from two halves in turn: `out[2i]` from `even`, `out[2i + 1]` from `odd`.
pub fn interleave(even: &[u8], odd: &[u8], out: &mut [u8]) {
    let (pairs, _) = out.as_chunks_mut::<2>();
    for (pair, (even, odd)) in pairs.iter_mut().zip(even.iter().zip(odd)) {
        *pair = [*even, *odd];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn undo_plainly(bytes: &mut [u8]) {
        for at in 1..bytes.len() {
            bytes[at] = bytes[at].wrapping_add(bytes[at - 1]).wrapping_sub(128);
        }
    }

    proptest! {
        #[test]
        fn differences_are_undone_as_the_plain_loop_does(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (mut fast, mut plain) = (bytes.clone(), bytes);
            undo_differences(&mut fast);
            undo_plainly(&mut plain);
            prop_assert_eq!(fast, plain);
        }

        #[test]
        fn halves_are_put_in_turn(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let bytes = &bytes[..bytes.len() / 2 * 2];
            let even: Vec<u8> = bytes.iter().step_by(2).copied().collect();
            let odd: Vec<u8> = bytes.iter().skip(1).step_by(2).copied().collect();
            let mut out = vec![0; bytes.len()];
            interleave(&even, &odd, &mut out);
            prop_assert_eq!(&out, bytes);
        }
    }
}
