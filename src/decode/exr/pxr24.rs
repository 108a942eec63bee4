//! PXR24 («OpenEXR File Layout», Pxr24 compression): for every row and channel, differences of
//! neighbouring samples as byte planes, highest byte first; float keeps its upper 24 bits. Pure.

/// How a channel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Half,
    Float,
    Uint,
}

impl Kind {
    /// Byte planes in the stream.
    pub const fn stored_bytes(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Float => 3,
            Self::Uint => 4,
        }
    }

    /// Bytes of a sample.
    pub const fn sample_bytes(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Float | Self::Uint => 4,
        }
    }
}

/// Bytes of a pixel of all channels in the stream.
pub fn stored_bytes_per_pixel(kinds: &[Kind]) -> usize {
    kinds.iter().map(|kind| kind.stored_bytes()).sum()
}

/// Unpacks inflated rows of `width` pixels into samples: for every row and channel, the row's samples.
/// Both slices hold whole rows of the same number.
pub fn unpack(stored: &[u8], kinds: &[Kind], width: usize, samples: &mut [u8]) {
    let (mut from, mut to) = (stored, samples);
    while !from.is_empty() {
        for kind in kinds {
            let (planes, rest) = from.split_at(kind.stored_bytes() * width);
            let (row, remaining) = to.split_at_mut(kind.sample_bytes() * width);
            unpack_row(planes, *kind, width, row);
            (from, to) = (rest, remaining);
        }
    }
}

fn unpack_row(planes: &[u8], kind: Kind, width: usize, row: &mut [u8]) {
    let plane = |number: usize| &planes[number * width..(number + 1) * width];
    match kind {
        Kind::Half => {
            let mut sample = 0_u16;
            let pairs = plane(0).iter().zip(plane(1));
            for (out, (high, low)) in row.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
                sample = sample.wrapping_add(u16::from_be_bytes([*high, *low]));
                *out = sample.to_ne_bytes();
            }
        }
        Kind::Float => {
            let mut sample = 0_u32;
            let triples = plane(0).iter().zip(plane(1)).zip(plane(2));
            for (out, ((high, middle), low)) in row.as_chunks_mut::<4>().0.iter_mut().zip(triples) {
                sample = sample.wrapping_add(u32::from_be_bytes([*high, *middle, *low, 0]));
                *out = sample.to_ne_bytes();
            }
        }
        Kind::Uint => {
            let mut sample = 0_u32;
            let quads = plane(0).iter().zip(plane(1)).zip(plane(2)).zip(plane(3));
            for (out, (((a, b), c), d)) in row.as_chunks_mut::<4>().0.iter_mut().zip(quads) {
                sample = sample.wrapping_add(u32::from_be_bytes([*a, *b, *c, *d]));
                *out = sample.to_ne_bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_add_up_in_every_kind() {
        let kinds = [Kind::Half, Kind::Float, Kind::Uint];
        assert_eq!(stored_bytes_per_pixel(&kinds), 9);
        // Two pixels: half 0x0102 then +1; float 0x01020300 then -0x100; uint 5 then +0x01000000.
        let stored = [1, 0, 2, 1, 1, 0xff, 2, 0xff, 3, 0xff, 0, 1, 0, 0, 0, 0, 5, 0];
        let mut samples = [0; 20];
        unpack(&stored, &kinds, 2, &mut samples);
        let half = |at: usize| u16::from_ne_bytes([samples[at], samples[at + 1]]);
        let word = |at: usize| u32::from_ne_bytes(samples[at..at + 4].try_into().unwrap());
        assert_eq!((half(0), half(2)), (0x0102, 0x0103));
        assert_eq!((word(4), word(8)), (0x0102_0300, 0x0102_0200));
        assert_eq!((word(12), word(16)), (5, 0x0100_0005));
    }
}
