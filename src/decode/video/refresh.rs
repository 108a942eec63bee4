//! Tells which H.264 packets are pictures that can be decoded by themselves. Containers and FFmpeg also call those key
//! pictures where a gradual refresh begins (ITU-T H.264 D.2.8, recovery point): from them on pictures get right little
//! by little, and not to the bit. Plain functions on bytes; any thread.

/// NAL unit types of ITU-T H.264, table 7-1.
const SLICE: u8 = 1;
const SLICE_PARTITION_A: u8 = 2;
const SLICE_IDR: u8 = 5;
/// Bytes of a slice that hold its first two numbers, with the zeros that are left out of them.
const HEAD_BYTES: usize = 16;

/// Bytes before each NAL unit that tell its length, by the stream's `avcC` (ISO 14496-15, 5.3.3.1); `None` where start
/// codes part them.
pub fn length_bytes(extradata: &[u8]) -> Option<usize> {
    match extradata {
        [1, _, _, _, sizes, ..] => Some(usize::from(sizes & 3) + 1),
        _ => None,
    }
}

/// Whether the first slice of a packet needs no other picture. `true` when there is no slice to tell.
pub fn stands_alone(packet: &[u8], length_bytes: Option<usize>) -> bool {
    let slice = match length_bytes {
        Some(length_bytes) => first_slice(lengths(packet, length_bytes)),
        None => first_slice(start_codes(packet)),
    };
    let Some([kind, head @ ..]) = slice else { return true };
    kind & 31 == SLICE_IDR || slice_type(head).is_none_or(|kind| matches!(kind % 5, 2 | 4))
}

fn first_slice<'a>(mut units: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    units.find(|unit| {
        matches!(unit.first().map(|kind| kind & 31), Some(SLICE | SLICE_PARTITION_A | SLICE_IDR))
    })
}

fn lengths(packet: &[u8], length_bytes: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = packet;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_at_checked(length_bytes)?;
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let unit = &after[..length.min(after.len())];
        rest = &after[unit.len()..];
        Some(unit)
    })
}

fn start_codes(packet: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts = packet.windows(3).enumerate().filter(|(_, bytes)| *bytes == [0, 0, 1]);
    starts.map(|(at, _)| &packet[at + 3..])
}

/// The second number of a slice header, after `first_mb_in_slice` (7.3.3); 2 and 7 are intra, 4 and 9 switching intra.
fn slice_type(head: &[u8]) -> Option<u32> {
    let mut bytes: Vec<u8> = Vec::with_capacity(HEAD_BYTES);
    for byte in head.iter().take(HEAD_BYTES) {
        // A byte 3 after two zeros is there to keep start codes apart (7.4.1).
        if !(*byte == 3 && bytes.ends_with(&[0, 0])) {
            bytes.push(*byte);
        }
    }
    let mut at = 0;
    exp_golomb(&bytes, &mut at)?;
    exp_golomb(&bytes, &mut at)
}

/// A number as in 9.1; moves `at`, a position in bits.
fn exp_golomb(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut bit = || {
        let bit = bytes.get(*at / 8)? >> (7 - *at % 8) & 1;
        *at += 1;
        Some(u32::from(bit))
    };
    let mut zeros = 0;
    while bit()? == 0 {
        zeros += 1;
    }
    let mut number = 1_u32;
    for _ in 0..zeros {
        number = number.checked_mul(2)? + bit()?;
    }
    Some(number - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_in_the_standard() {
        // 1, 010, 011, 00100, then 00111: 0, 1, 2, 3, 6.
        let bytes = [0b1010_0110, 0b0100_0011, 0b1000_0000];
        let mut at = 0;
        let numbers: Vec<_> = (0..5).map(|_| exp_golomb(&bytes, &mut at)).collect();
        assert_eq!(numbers, [Some(0), Some(1), Some(2), Some(3), Some(6)]);
        assert_eq!(exp_golomb(&[0; 2], &mut 0), None);
    }

    #[test]
    fn intra_slices_stand_alone_and_predicted_ones_do_not() {
        // first_mb 0 (1), type 7 (0001000) or 5 (00110) or 2 (011).
        for (head, alone) in [(0b1000_1000, true), (0b1001_1000, false), (0b1011_0000, true)] {
            assert_eq!(stands_alone(&[0, 0, 1, 9, 16, 0, 0, 1, 0x41, head], None), alone);
            assert_eq!(stands_alone(&[0, 0, 0, 1, 9, 0, 0, 0, 2, 0x41, head], Some(4)), alone);
        }
        assert!(stands_alone(&[0, 0, 1, 0x65, 0b1001_1000], None), "an instant refresh needs nothing");
        assert!(
            stands_alone(&[], Some(4)) && stands_alone(&[255; 9], Some(4)) && stands_alone(&[0; 9], None)
        );
        assert_eq!(
            (length_bytes(&[1, 100, 0, 31, 0xff]), length_bytes(&[0, 0, 0, 1, 0x67])),
            (Some(4), None)
        );
    }
}
