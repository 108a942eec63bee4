//! ZIP as EXR has it: bytes of a block parted, taken apart into differences, deflated.
//!
//! Owns the arithmetic of one block. Never knows of channels, files or threads. After the technical introduction to
//! OpenEXR, «ZIP compression», and `ImfZip.cpp` of the reference library. Any thread.

use libdeflater::{CompressionLvl, Compressor};

/// As good as what the reference library writes by default, in a fraction of its time.
const LEVEL: i32 = 4;

/// The bytes of a block as the file holds them: `None` where they would not be smaller than the block itself, which is
/// then stored as it is.
pub(super) fn compress(block: &[u8]) -> Option<Vec<u8>> {
    let parted = differences(part(block));
    let level = CompressionLvl::new(LEVEL).unwrap_or_default();
    // One byte less than the block, so that what does not fit is what does not pay.
    let mut packed = vec![0; block.len().saturating_sub(1)];
    let length = Compressor::new(level).zlib_compress(&parted, &mut packed).ok()?;
    packed.truncate(length);
    Some(packed)
}

/// Bytes at even places first, then those at odd ones: the lower and the upper halves of 16-bit samples.
fn part(block: &[u8]) -> Vec<u8> {
    let even = block.iter().step_by(2);
    even.chain(block.iter().skip(1).step_by(2)).copied().collect()
}

/// Each byte becomes its distance from the one before, shifted so that no distance is 128.
fn differences(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut before = bytes.first().copied().unwrap_or(0);
    for byte in bytes.iter_mut().skip(1) {
        let here = *byte;
        *byte = here.wrapping_sub(before).wrapping_add(128);
        before = here;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_parted_and_a_ramp_is_constant() {
        assert_eq!(part(&[0, 1, 2, 3, 4]), [0, 2, 4, 1, 3]);
        assert_eq!(differences(vec![10, 10, 11, 9, 255]), [10, 128, 129, 126, 118]);
        assert!(part(&[]).is_empty() && differences(Vec::new()).is_empty());
    }

    #[test]
    fn what_does_not_shrink_is_not_compressed() {
        let mut state = 1_u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let noise: Vec<u8> = (0..997).map(|_| noise()).collect();
        assert_eq!(compress(&noise), None);
        assert_eq!(compress(&[]), None);
        assert!(compress(&[7; 1000]).is_some_and(|packed| packed.len() < 50));
    }
}
