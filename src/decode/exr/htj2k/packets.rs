//! Owns where the code blocks of a codestream lie: sub-bands, the order of the packets, their headers. Formats:
//! ITU-T T.800 annex B, T.814 annex B. Pure.

use super::codestream::{Codestream, Component, Progression};
use super::damaged;
use super::tagtree::{HeaderBits, TagTree};
use crate::decode::DecodeError;
use crate::decode::exr::scratch::Held;

/// A sub-band of a component. Bands stand in the order LL, HL, LH, HH, HL, ... from the smallest on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Band {
    pub component: u32,
    pub resolution: u8,
    pub width: u32,
    pub height: u32,
    /// Magnitude bits of its coefficients, Mb in T.800 equation E-2.
    pub planes: u8,
    /// Size of a quantisation step relative to the range of the samples; 1 for reversible coding.
    pub step: f32,
    /// Where its coefficients stand in the memory of its component.
    pub start: usize,
    /// Base-2 logarithms of the size of its code blocks.
    block: (u8, u8),
}

/// A code block; without a clean-up all its coefficients are 0.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    pub band: u32,
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    /// Top bit planes of the band that the block leaves empty.
    pub empty_planes: u8,
    /// Passes after the clean-up: 0 to 2.
    pub refinements: u8,
    /// Where its bytes stand in the codestream; those of the clean-up come first.
    pub at: usize,
    pub cleanup: usize,
    pub refinement: usize,
}

/// One packet: its place in the order, and which precinct it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    order: (u64, u64, u64, u64),
    component: u32,
    resolution: u8,
    precinct: (u32, u32),
}

/// All bands and blocks of a codestream. Kept between chunks for its memory.
#[derive(Debug, Default)]
pub struct Layout {
    pub bands: Vec<Band>,
    /// The first band of each component, and the end of all.
    first_bands: Vec<usize>,
    /// Blocks, band by band, in a band from the top.
    pub blocks: Vec<Block>,
    packets: Vec<Packet>,
    trees: [TagTree; 2],
    found: Vec<Block>,
}

impl Held for Layout {
    fn held_bytes(&self) -> usize {
        let Self { bands, first_bands, blocks, packets, trees, found } = self;
        let blocks: usize = [blocks, found].map(Held::held_bytes).iter().sum();
        bands.held_bytes() + first_bands.held_bytes() + blocks + packets.held_bytes() + trees.held_bytes()
    }
}

/// Width and height of a component's resolution.
pub fn resolution_size(component: &Component, resolution: u8) -> (u32, u32) {
    let shift = u32::from(component.coding.levels - resolution);
    let scale = |size: u32| u64::from(size).div_ceil(1 << shift) as u32;
    (scale(component.width), scale(component.height))
}

impl Layout {
    /// Finds all blocks of the components that `wants` names, up to the resolution that it says for each.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] for broken packets and for block sizes beyond this decoder.
    pub fn read(
        &mut self,
        stream: &Codestream,
        bytes: &[u8],
        wants: impl Fn(usize) -> Option<u8>,
    ) -> Result<(), DecodeError> {
        self.lay_bands(stream, bytes.len())?;
        self.order_packets(stream, bytes.len())?;
        self.blocks.clear();
        let mut parts = stream.parts.iter().copied();
        let (mut at, mut end) = (0, 0);
        for index in 0..self.packets.len() {
            let packet = self.packets[index];
            while at == end {
                (at, end) = parts.next().ok_or_else(|| damaged("a chunk's codestream lacks packets"))?;
            }
            let wanted = wants(packet.component as usize).is_some_and(|most| packet.resolution <= most);
            at = self.packet(stream, packet, bytes, (at, end))?;
            if wanted {
                self.blocks.try_reserve(self.found.len()).map_err(no_memory)?;
                self.blocks.extend_from_slice(&self.found);
            }
        }
        self.blocks.sort_unstable_by_key(|block| (block.band, block.y, block.x));
        Ok(())
    }

    /// The bands of a component.
    pub fn bands_of(&self, component: usize) -> &[Band] {
        &self.bands[self.first_bands[component]..self.first_bands[component + 1]]
    }

    /// The blocks of a component, band by band.
    pub fn blocks_of(&self, component: usize) -> &[Block] {
        let [first, after] = [0, 1].map(|next| {
            let band = self.first_bands[component + next] as u32;
            self.blocks.partition_point(|block| block.band < band)
        });
        &self.blocks[first..after]
    }

    /// Lays out the bands. Every resolution has a packet at least, and every packet takes one of `most` bytes.
    fn lay_bands(&mut self, stream: &Codestream, most: usize) -> Result<(), DecodeError> {
        self.bands.clear();
        self.first_bands.clear();
        let total: usize =
            stream.components.iter().map(|component| 3 * usize::from(component.coding.levels) + 1).sum();
        if total / 3 > most {
            return Err(damaged("a chunk's codestream lacks packets"));
        }
        self.bands.try_reserve(total).map_err(no_memory)?;
        self.first_bands.try_reserve(stream.components.len() + 1).map_err(no_memory)?;
        for (index, component) in stream.components.iter().enumerate() {
            self.first_bands.push(self.bands.len());
            let mut start = 0;
            for resolution in 0..=component.coding.levels {
                let (width, height) = resolution_size(component, resolution);
                let orientations: &[(u32, u32)] =
                    if resolution == 0 { &[(0, 0)] } else { &[(1, 0), (0, 1), (1, 1)] };
                for (high_x, high_y) in orientations {
                    let half =
                        |size: u32, high: &u32| if resolution == 0 { size } else { (size + 1 - high) / 2 };
                    let (width, height) = (half(width, high_x), half(height, high_y));
                    let number = self.bands.len() - self.first_bands[index];
                    let mut band = band(component, resolution, high_x + high_y, number)?;
                    (band.component, band.width, band.height, band.start) =
                        (index as u32, width, height, start);
                    start += width as usize * height as usize;
                    self.bands.push(band);
                }
            }
        }
        self.first_bands.push(self.bands.len());
        Ok(())
    }

    /// Lists the packets in the order of the stream. Every packet takes a byte at least.
    fn order_packets(&mut self, stream: &Codestream, most: usize) -> Result<(), DecodeError> {
        self.packets.clear();
        for (index, component) in stream.components.iter().enumerate() {
            for resolution in 0..=component.coding.levels {
                let (width, height) = resolution_size(component, resolution);
                let (log_x, log_y) = component.coding.precincts[usize::from(resolution)];
                let (across, down) = (width.div_ceil(1 << log_x), height.div_ceil(1 << log_y));
                let count = u64::from(across) * u64::from(down);
                if count + self.packets.len() as u64 > most as u64 {
                    return Err(damaged("a chunk's codestream lacks packets"));
                }
                self.packets.try_reserve(count as usize).map_err(no_memory)?;
                let shift = u32::from(component.coding.levels - resolution);
                for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
                    let place = |precinct: u32, log: u8, step: u32| {
                        (u128::from(precinct) << (u32::from(log) + shift)).min(1 << 50) as u64
                            * u64::from(step)
                    };
                    let (place_x, place_y) =
                        (place(x, log_x, component.step.0), place(y, log_y, component.step.1));
                    let (c, r) = (index as u64, u64::from(resolution));
                    let order = match stream.progression {
                        Progression::Resolution => (r, c, 0, 0),
                        Progression::ResolutionPosition => (r, place_y, place_x, c),
                        Progression::PositionComponent => (place_y, place_x, c, r),
                        Progression::ComponentPosition => (c, place_y, place_x, r),
                    };
                    self.packets.push(Packet {
                        order,
                        component: index as u32,
                        resolution,
                        precinct: (y, x),
                    });
                }
            }
        }
        self.packets.sort_unstable();
        Ok(())
    }

    /// Reads a packet at `place`, leaves its blocks in `found`, and says where the next one starts.
    fn packet(
        &mut self,
        stream: &Codestream,
        packet: Packet,
        bytes: &[u8],
        (mut at, end): (usize, usize),
    ) -> Result<usize, DecodeError> {
        self.found.clear();
        let cut = || damaged("a chunk's codestream has a cut packet");
        // A start of packet marker segment.
        if bytes[at..end].starts_with(&[0xFF, 0x91]) {
            at += 6;
        }
        let mut bits = HeaderBits::new(bytes.get(at..end).ok_or_else(cut)?);
        let is_empty = !bits.bit()?;
        let first = self.first_bands[packet.component as usize];
        let (from, to) = match packet.resolution {
            0 => (first, first + 1),
            resolution => (first + 3 * usize::from(resolution) - 2, first + 3 * usize::from(resolution) + 1),
        };
        let component = &stream.components[packet.component as usize];
        for band in from..to {
            self.precinct(component, packet, band, is_empty, &mut bits)?;
        }
        at += bits.finish()?;
        if stream.has_packet_ends {
            at += 2;
        }
        for block in &mut self.found {
            block.at = at;
            at = at.checked_add(block.cleanup + block.refinement).ok_or_else(cut)?;
        }
        if at > end { Err(cut()) } else { Ok(at) }
    }

    /// Reads what a packet header says of one band's blocks in the precinct.
    fn precinct(
        &mut self,
        component: &Component,
        packet: Packet,
        index: usize,
        is_empty: bool,
        bits: &mut HeaderBits,
    ) -> Result<(), DecodeError> {
        let band = self.bands[index];
        let Some(((left, right), (top, bottom))) = band.part(component, packet.precinct) else {
            return Ok(());
        };
        let (block_width, block_height) = (1 << band.block.0, 1 << band.block.1);
        let (across, down) = ((right - left).div_ceil(block_width), (bottom - top).div_ceil(block_height));
        let [inclusion, emptiness] = &mut self.trees;
        inclusion.reset(across, down)?;
        emptiness.reset(across, down)?;
        self.found.try_reserve(across as usize * down as usize).map_err(no_memory)?;
        for (y, x) in (0..down).flat_map(|y| (0..across).map(move |x| (y, x))) {
            let has_data = !is_empty && inclusion.is_zero(x, y, bits)?;
            let empty_planes = if has_data { emptiness.value(x, y, bits)? } else { 0 };
            let (x, y) = (left + x * block_width, top + y * block_height);
            let mut block = Block {
                band: index as u32,
                x,
                y,
                width: block_width.min(right - x),
                height: block_height.min(bottom - y),
                empty_planes,
                refinements: 0,
                at: 0,
                cleanup: 0,
                refinement: 0,
            };
            if has_data {
                block.lengths(bits)?;
            }
            self.found.push(block);
        }
        Ok(())
    }
}

impl Band {
    /// Columns and rows that lie in precinct `(y, x)`, none where there are no samples.
    fn part(&self, component: &Component, (y, x): (u32, u32)) -> Option<((u32, u32), (u32, u32))> {
        let logs = component.coding.precincts[usize::from(self.resolution)];
        let halved = u8::from(self.resolution > 0);
        let range = |precinct: u32, log: u8, size: u32| {
            let bound = |count: u64| (count << (log - halved)).min(u64::from(size)) as u32;
            (bound(u64::from(precinct)), bound(u64::from(precinct) + 1))
        };
        let (columns, rows) = (range(x, logs.0, self.width), range(y, logs.1, self.height));
        (columns.0 < columns.1 && rows.0 < rows.1).then_some((columns, rows))
    }
}

impl Block {
    /// Reads the passes and the lengths of their bytes (T.814 B.3: sets of three passes may come before as mere
    /// place holders; clean-up and refinements have a length each).
    fn lengths(&mut self, bits: &mut HeaderBits) -> Result<(), DecodeError> {
        let passes = bits.passes()?;
        let held = (passes - 1) / 3;
        let passes = passes - 3 * held;
        self.empty_planes = self.empty_planes.saturating_add(held as u8);
        let mut length_bits = 3;
        while bits.bit()? {
            length_bits += 1;
        }
        self.cleanup = bits.number(length_bits + (3 * held + 1).ilog2())? as usize;
        if passes > 1 {
            self.refinements = passes as u8 - 1;
            self.refinement = bits.number(length_bits + (passes - 1).ilog2())? as usize;
        }
        if self.cleanup == 0 && self.refinement > 0 {
            return Err(damaged("a chunk's codestream has a block without its first pass"));
        }
        Ok(())
    }
}

/// Quantisation and block size of a component's band `number`; `gain` is how many of its directions are high.
fn band(component: &Component, resolution: u8, gain: u32, number: usize) -> Result<Band, DecodeError> {
    let (coding, quantisation) = (&component.coding, &component.quantisation);
    if coding.is_reversible != quantisation.is_reversible || number >= quantisation.count {
        return Err(damaged("a chunk's codestream lacks a quantisation step"));
    }
    let (exponent, mantissa) = quantisation.steps[number];
    let planes = (quantisation.guard_bits + exponent).saturating_sub(1);
    // T.800 equation E-3, but for the range of the component, which the last step of decoding multiplies by.
    let step = if coding.is_reversible {
        1.0
    } else {
        (1.0 + f32::from(mantissa) / 2048.0) * 2f32.powi(gain as i32 - i32::from(exponent))
    };
    let precinct = coding.precincts[usize::from(resolution)];
    let halved = u8::from(resolution > 0);
    let limited = |block: u8, precinct: u8| block.min(precinct.saturating_sub(halved));
    let block = (limited(coding.block.0, precinct.0), limited(coding.block.1, precinct.1));
    if block.0 < 2 || block.1 < 2 {
        return Err(damaged("a chunk's codestream has too small precincts"));
    }
    Ok(Band { resolution, planes, step, block, ..Band::default() })
}

/// A band, and the columns and rows of it.
#[cfg(test)]
pub type BandPart = (u32, std::ops::Range<u32>, std::ops::Range<u32>);

#[cfg(test)]
impl Layout {
    /// The bands of each packet in the order of the stream.
    pub fn precincts(&mut self, stream: &Codestream) -> Vec<Vec<BandPart>> {
        self.lay_bands(stream, usize::MAX).unwrap();
        self.order_packets(stream, usize::MAX).unwrap();
        let bands = |packet: &Packet| {
            let all = self.bands.iter().enumerate();
            let of_packet = all.filter(|(_, band)| {
                (band.component, band.resolution) == (packet.component, packet.resolution)
            });
            let component = &stream.components[packet.component as usize];
            of_packet
                .filter_map(|(index, band)| {
                    let (x, y) = band.part(component, packet.precinct)?;
                    Some((index as u32, x.0..x.1, y.0..y.1))
                })
                .collect()
        };
        self.packets.iter().map(bands).collect()
    }
}

fn no_memory<E>(_: E) -> DecodeError {
    damaged("no memory for a chunk's code blocks")
}
