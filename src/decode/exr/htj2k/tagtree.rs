//! Owns the bits of a packet header: bit stuffing, tag trees, counts of passes. Formats: ITU-T T.800 B.10. Pure.

use super::damaged;
use crate::decode::DecodeError;
use crate::decode::exr::scratch::Held;

/// No band has more magnitude bits than this, so no block has more empty ones.
const MOST_PLANES: u8 = 96;

/// The bits of a packet header, top bit first; after a byte 0xFF one bit is stuffed.
pub struct HeaderBits<'a> {
    bytes: &'a [u8],
    at: usize,
    current: u8,
    left: u8,
}

impl<'a> HeaderBits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, current: 0, left: 0 }
    }

    pub fn bit(&mut self) -> Result<bool, DecodeError> {
        if self.left == 0 {
            self.left = if self.current == 0xFF { 7 } else { 8 };
            self.current = *self.bytes.get(self.at).ok_or_else(cut)?;
            self.at += 1;
        }
        self.left -= 1;
        Ok(self.current >> self.left & 1 != 0)
    }

    /// A number of `count` bits, 31 at most.
    pub fn number(&mut self, count: u32) -> Result<u32, DecodeError> {
        if count > 31 {
            return Err(damaged("a chunk's codestream has a broken packet"));
        }
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Ok(value)
    }

    /// How many passes a block has (T.800 table B.4).
    pub fn passes(&mut self) -> Result<u32, DecodeError> {
        for (bits, first) in [(1, 1), (1, 2), (2, 3), (5, 6)] {
            let read = self.number(bits)?;
            if read + 1 < 1 << bits {
                return Ok(first + read);
            }
        }
        Ok(37 + self.number(7)?)
    }

    /// How many bytes the header took.
    pub fn finish(self) -> Result<usize, DecodeError> {
        let stuffed = usize::from(self.current == 0xFF);
        if self.at + stuffed > self.bytes.len() { Err(cut()) } else { Ok(self.at + stuffed) }
    }
}

fn cut() -> DecodeError {
    damaged("a chunk's codestream has a cut packet")
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    value: u8,
    is_known: bool,
}

/// A tree of minima over the blocks of a precinct.
#[derive(Debug, Default)]
pub struct TagTree {
    /// Level by level, leaves first.
    nodes: Vec<Node>,
    /// Where each level starts, and how wide it is.
    levels: Vec<(usize, usize)>,
}

impl Held for TagTree {
    fn held_bytes(&self) -> usize {
        self.nodes.held_bytes() + self.levels.held_bytes()
    }
}

impl TagTree {
    /// Makes it a fresh tree over `across` times `down` leaves.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] where memory is refused.
    pub fn reset(&mut self, across: u32, down: u32) -> Result<(), DecodeError> {
        let refused = |_| damaged("no memory for a chunk's code blocks");
        self.nodes.clear();
        self.levels.clear();
        let (mut across, mut down) = (across as usize, down as usize);
        let mut total = 0;
        loop {
            self.levels.try_reserve(1).map_err(refused)?;
            self.levels.push((total, across));
            total += across * down;
            if across * down <= 1 {
                break;
            }
            (across, down) = (across.div_ceil(2), down.div_ceil(2));
        }
        self.nodes.try_reserve(total).map_err(refused)?;
        self.nodes.resize(total, Node::default());
        Ok(())
    }

    /// Reads whether a leaf's value is 0.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] where the header ends.
    pub fn is_zero(&mut self, x: u32, y: u32, bits: &mut HeaderBits) -> Result<bool, DecodeError> {
        Ok(self.below(x, y, 1, bits)? == 0)
    }

    /// Reads a leaf's value.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] where the header ends, and for impossible values.
    pub fn value(&mut self, x: u32, y: u32, bits: &mut HeaderBits) -> Result<u8, DecodeError> {
        let value = self.below(x, y, MOST_PLANES, bits)?;
        if value < MOST_PLANES { Ok(value) } else { Err(damaged("a chunk's codestream has a broken packet")) }
    }

    /// Reads a leaf's value, or that it is `limit` at least.
    fn below(&mut self, x: u32, y: u32, limit: u8, bits: &mut HeaderBits) -> Result<u8, DecodeError> {
        let mut least = 0;
        for (level, (start, across)) in self.levels.iter().enumerate().rev() {
            let node = &mut self.nodes[start + (y as usize >> level) * across + (x as usize >> level)];
            node.value = node.value.max(least);
            while !node.is_known && node.value < limit {
                if bits.bit()? {
                    node.is_known = true;
                } else {
                    node.value += 1;
                }
            }
            least = node.value;
        }
        Ok(least)
    }
}
