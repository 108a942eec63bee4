//! PXR24 («OpenEXR File Layout», Pxr24 compression): for every row and channel, differences of neighbouring samples
//! as byte planes, highest byte first; float keeps its upper 24 bits. Pure.

use super::chunk::{Chunk, Kind, Rows};
use super::simd;

/// Byte planes of a channel in the stream.
const fn stored_planes(kind: Kind) -> usize {
    match kind {
        Kind::Half => 2,
        Kind::Float => 3,
        Kind::Uint => 4,
    }
}

/// Bytes of a chunk in the stream.
pub fn stored_bytes(chunk: &Chunk) -> usize {
    let of_channel = |number: usize| {
        chunk.samples(number) * chunk.lines(number) * stored_planes(chunk.channels[number].kind)
    };
    (0..chunk.channels.len()).map(of_channel).sum()
}

/// Unpacks an inflated chunk of [`stored_bytes`] bytes.
pub fn unpack(chunk: &Chunk, stored: &[u8], rows: &mut impl Rows) {
    let mut rest = stored;
    for (channel, line) in chunk.file_order() {
        let (width, kind) = (chunk.samples(channel), chunk.channels[channel].kind);
        let (planes, after) = rest.split_at(stored_planes(kind) * width);
        if let Some(row) = rows.row(channel, line) {
            unpack_row(planes, kind, width, row);
        }
        rest = after;
    }
}

fn unpack_row(planes: &[u8], kind: Kind, width: usize, row: &mut [u8]) {
    let plane = |number: usize| planes.get(number * width..(number + 1) * width).unwrap_or(&[]);
    match kind {
        Kind::Half => simd::sum_halves([plane(0), plane(1)], &mut 0, row),
        // A float has no fourth plane.
        Kind::Float | Kind::Uint => simd::sum_words([plane(0), plane(1), plane(2)], plane(3), &mut 0, row),
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::{ChannelKind, Whole};
    use super::*;

    #[test]
    fn differences_add_up_in_every_kind() {
        let channel = |kind| ChannelKind { name: b"c".to_vec(), kind, is_linear: false, sampling: (1, 1) };
        let channels = [channel(Kind::Half), channel(Kind::Float), channel(Kind::Uint)];
        let chunk = Chunk { channels: &channels, x: 0, y: 0, width: 2, height: 1 };
        assert_eq!(stored_bytes(&chunk), 18);
        // Two pixels: half 0x0102 then +1; float 0x01020300 then -0x100; uint 5 then +0x01000000.
        let stored = [1, 0, 2, 1, 1, 0xff, 2, 0xff, 3, 0xff, 0, 1, 0, 0, 0, 0, 5, 0];
        let mut rows = Whole::of(&chunk);
        unpack(&chunk, &stored, &mut rows);
        assert_eq!(rows.planes[0], [0x02, 0x01, 0x03, 0x01]);
        assert_eq!(rows.planes[1], [0x00, 0x03, 0x02, 0x01, 0x00, 0x02, 0x02, 0x01]);
        assert_eq!(rows.planes[2], [5, 0, 0, 0, 5, 0, 0, 1]);
    }
}
