//! Owns the two byte passes that RLE, ZIPS and ZIP share («OpenEXR File Layout», predictor and
//! reordering): differences back to bytes, and the two halves of a chunk back to samples. Pure. Each pass
//! is written so that the compiler turns it into vector code, and has a plain twin in the tests.

/// Bytes summed at once.
const LANE: usize = 16;

/// Turns differences into bytes, in place: each byte is the one before it plus the difference less 128,
/// the first stands as it is.
pub fn undo_differences(bytes: &mut [u8]) {
    // With 128 taken off every difference but the first, the pass is a running sum.
    let Some(first) = bytes.first_mut() else { return };
    *first = first.wrapping_add(128);
    let mut carry = 0_u8;
    let (lanes, rest) = bytes.as_chunks_mut::<LANE>();
    for lane in lanes {
        *lane = running_sum(*lane, carry);
        carry = lane[LANE - 1];
    }
    for byte in rest {
        carry = carry.wrapping_add(byte.wrapping_sub(128));
        *byte = carry;
    }
}

/// Running sums of one lane by doubling steps; each step is a shift and an add of the whole lane.
#[inline(always)]
fn running_sum(lane: [u8; LANE], carry: u8) -> [u8; LANE] {
    let mut sums = lane.map(|byte| byte.wrapping_sub(128));
    sums = add(sums, shifted::<1>(sums));
    sums = add(sums, shifted::<2>(sums));
    sums = add(sums, shifted::<4>(sums));
    sums = add(sums, shifted::<8>(sums));
    add(sums, [carry; LANE])
}

#[inline(always)]
fn shifted<const BY: usize>(lane: [u8; LANE]) -> [u8; LANE] {
    (u128::from_le_bytes(lane) << (8 * BY)).to_le_bytes()
}

#[inline(always)]
fn add(a: [u8; LANE], b: [u8; LANE]) -> [u8; LANE] {
    std::array::from_fn(|at| a[at].wrapping_add(b[at]))
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
