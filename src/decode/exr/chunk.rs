//! Owns what a codec knows of one chunk: its channels, its rectangle, and where decoded rows go. Pure.

use super::scratch::Held;

/// The number format of a channel's samples; little-endian in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Uint,
    Half,
    Float,
}

impl Kind {
    /// Bytes of a sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Half => 2,
            Self::Uint | Self::Float => 4,
        }
    }
}

/// A channel of a part, in file order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelKind {
    /// Full name as in the file.
    pub name: Vec<u8>,
    pub kind: Kind,
    /// The file's pLinear flag.
    pub is_linear: bool,
    /// Samples exist where x and y, in the coordinates of the file, are multiples of these.
    pub sampling: (u32, u32),
}

impl Held for ChannelKind {
    fn held_bytes(&self) -> usize {
        self.name.held_bytes()
    }
}

/// One chunk: a rectangle of pixels in the coordinates of the file.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    pub channels: &'a [ChannelKind],
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

impl Chunk<'_> {
    /// Samples in each line of a channel.
    pub fn samples(&self, channel: usize) -> usize {
        multiples(self.x, self.width, self.channels[channel].sampling.0)
    }

    /// Lines of a channel.
    pub fn lines(&self, channel: usize) -> usize {
        multiples(self.y, self.height, self.channels[channel].sampling.1)
    }

    /// Whether a channel has samples in the chunk's line `line`, counted from 0 at the top.
    pub fn has_line(&self, channel: usize, line: u32) -> bool {
        let step = self.channels[channel].sampling.1;
        step == 1 || (i64::from(self.y) + i64::from(line)).rem_euclid(i64::from(step.max(1))) == 0
    }

    /// Bytes of one line of a channel.
    pub fn line_bytes(&self, channel: usize) -> usize {
        self.samples(channel) * self.channels[channel].kind.bytes()
    }

    /// The lines of all channels in the order of an uncompressed chunk, as channel and line of the channel: line
    /// by line, in a line channel by channel; lines that a channel lacks are left out.
    pub fn file_order(&self) -> impl Iterator<Item = (usize, usize)> {
        let numbered = move |line: u32, channel: usize| {
            let in_channel = multiples(self.y, line, self.channels[channel].sampling.1);
            self.has_line(channel, line).then_some((channel, in_channel))
        };
        (0..self.height)
            .flat_map(move |line| (0..self.channels.len()).filter_map(move |channel| numbered(line, channel)))
    }

    /// Bytes of all samples. In a chunk without compression they stand in [`Self::file_order`].
    pub fn bytes(&self) -> usize {
        (0..self.channels.len()).map(|channel| self.line_bytes(channel) * self.lines(channel)).sum()
    }
}

/// How many of the `count` coordinates from `start` on are multiples of `step`.
pub fn multiples(start: i32, count: u32, step: u32) -> usize {
    if step <= 1 {
        return count as usize;
    }
    let (start, step) = (i64::from(start), i64::from(step));
    let first = start.div_euclid(step) + i64::from(start.rem_euclid(step) != 0);
    let after = (start + i64::from(count) - 1).div_euclid(step) + 1;
    usize::try_from(after - first).unwrap_or(0)
}

/// Where the samples of a chunk go.
pub trait Rows {
    /// The memory of line `line` of a channel, counted from 0 over the lines that the channel has in this chunk:
    /// exactly `Chunk::line_bytes` bytes, of any alignment and any content. `None` for channels that nobody wants.
    fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]>;
}

/// All rows of a chunk in memory of their own, for tests of codecs.
#[cfg(test)]
pub struct Whole {
    /// One for each channel, row after row.
    pub planes: Vec<Vec<u8>>,
    line_bytes: Vec<usize>,
}

#[cfg(test)]
impl Whole {
    pub fn of(chunk: &Chunk) -> Self {
        let line_bytes: Vec<usize> =
            (0..chunk.channels.len()).map(|channel| chunk.line_bytes(channel)).collect();
        let planes =
            (0..chunk.channels.len()).map(|channel| vec![0; line_bytes[channel] * chunk.lines(channel)]);
        Self { planes: planes.collect(), line_bytes }
    }
}

#[cfg(test)]
impl Rows for Whole {
    fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
        let bytes = self.line_bytes[channel];
        self.planes[channel].get_mut(line * bytes..(line + 1) * bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsampled_channels_have_the_multiples_only() {
        let channel =
            |sampling| ChannelKind { name: b"Y".to_vec(), kind: Kind::Half, is_linear: false, sampling };
        let channels = [channel((1, 1)), channel((2, 2))];
        let chunk = Chunk { channels: &channels, x: -3, y: 5, width: 6, height: 3 };
        assert_eq!((chunk.samples(0), chunk.lines(0)), (6, 3));
        // x is one of -2, 0, 2; y is 6.
        assert_eq!((chunk.samples(1), chunk.lines(1)), (3, 1));
        assert!(!chunk.has_line(1, 0) && chunk.has_line(1, 1));
        assert_eq!(chunk.bytes(), 6 * 3 * 2 + 3 * 2);
        assert_eq!(chunk.file_order().collect::<Vec<_>>(), [(0, 0), (0, 1), (1, 0), (0, 2)]);
        let narrow = Chunk { channels: &channels, x: 1, y: 1, width: 1, height: 1 };
        assert_eq!((narrow.samples(1), narrow.lines(1)), (0, 0));
    }
}
