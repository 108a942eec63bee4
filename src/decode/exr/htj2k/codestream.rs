//! Owns the markers of a JPEG 2000 codestream as EXR's writer makes them: one tile, one layer, high-throughput
//! blocks, no offsets. Formats: ITU-T T.800 annex A, T.801 annex A (NLT), T.814 annex A. Pure.

use super::damaged;
use crate::decode::DecodeError;
use crate::decode::exr::scratch::Held;

/// Resolutions that a component can have: one more than wavelet levels.
pub const MAX_LEVELS: usize = 32;
/// Sub-bands of a component with the most levels.
const MAX_BANDS: usize = 3 * MAX_LEVELS + 1;
/// Components that a stream can name (T.800 table A.9).
const MAX_COMPONENTS: usize = 16384;

/// The order of the packets (T.800 table A.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progression {
    /// By resolution, component, position; with one layer the two orders that start with layers are the same.
    #[default]
    Resolution,
    ResolutionPosition,
    PositionComponent,
    ComponentPosition,
}

/// How a component's wavelet coefficients are cut and coded (COD, COC).
#[derive(Debug, Clone, Copy)]
pub struct Coding {
    pub levels: u8,
    /// Base-2 logarithms of a code block's width and height.
    pub block: (u8, u8),
    /// The 5/3 wavelet on integers; else the 9/7 one.
    pub is_reversible: bool,
    /// Base-2 logarithms of the width and the height of each resolution's precincts, smallest resolution first.
    pub precincts: [(u8, u8); MAX_LEVELS + 1],
}

/// Quantisation of a component (QCD, QCC).
#[derive(Debug, Clone, Copy)]
pub struct Quantisation {
    pub is_reversible: bool,
    pub guard_bits: u8,
    /// Exponent and mantissa of each band's step, in the order LL, HL, LH, HH, HL, ...
    pub steps: [(u8, u16); MAX_BANDS],
    pub count: usize,
}

/// The step from coded integers to samples (NLT).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Nonlinearity {
    #[default]
    None,
    /// Type 3: negative integers stand for sign and magnitude.
    SignMagnitude,
    /// Type 4: like type 3 after a look-up in the table whose entries start at this byte of the codestream.
    Table { at: usize, count: usize, entry_bytes: usize },
}

/// One component of the picture.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    pub precision: u8,
    pub is_signed: bool,
    /// Sampling steps.
    pub step: (u32, u32),
    pub width: u32,
    pub height: u32,
    pub coding: Coding,
    pub quantisation: Quantisation,
    pub nonlinearity: Nonlinearity,
    has_own_coding: bool,
    has_own_quantisation: bool,
}

/// What the main header says, and where the packets are. Kept between chunks for its memory.
#[derive(Debug, Default)]
pub struct Codestream {
    pub components: Vec<Component>,
    pub progression: Progression,
    /// The first three components are mixed (T.800 annex G).
    pub is_mixed: bool,
    pub has_packet_ends: bool,
    /// Byte ranges of the tile-parts' packets.
    pub parts: Vec<(usize, usize)>,
}

impl Held for Codestream {
    fn held_bytes(&self) -> usize {
        self.components.held_bytes() + self.parts.held_bytes()
    }
}

impl Default for Coding {
    fn default() -> Self {
        Self { levels: 0, block: (6, 6), is_reversible: true, precincts: [(15, 15); MAX_LEVELS + 1] }
    }
}

impl Default for Quantisation {
    fn default() -> Self {
        Self { is_reversible: true, guard_bits: 0, steps: [(0, 0); MAX_BANDS], count: 0 }
    }
}

const SOC: u16 = 0xFF4F;
const CAP: u16 = 0xFF50;
const SIZ: u16 = 0xFF51;
const COD: u16 = 0xFF52;
const COC: u16 = 0xFF53;
const QCD: u16 = 0xFF5C;
const QCC: u16 = 0xFF5D;
const RGN: u16 = 0xFF5E;
const POC: u16 = 0xFF5F;
const PPM: u16 = 0xFF60;
const PPT: u16 = 0xFF61;
const NLT: u16 = 0xFF76;
const MCT: u16 = 0xFF74;
const MCC: u16 = 0xFF75;
const MCO: u16 = 0xFF77;
const SOT: u16 = 0xFF90;
const SOD: u16 = 0xFF93;
const EOC: u16 = 0xFFD9;

/// Which of the markers that must be there have been seen.
#[derive(Default)]
struct Seen {
    capabilities: bool,
    size: bool,
    coding: bool,
    quantisation: bool,
    /// A sample curve of all components.
    curve: bool,
}

impl Codestream {
    /// Reads the main header and the tile-part headers of `bytes`, which hold `components` components.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] that names what is broken or beyond this decoder.
    pub fn read(&mut self, bytes: &[u8], components: usize) -> Result<(), DecodeError> {
        self.components.clear();
        self.parts.clear();
        let mut at = Reader { bytes, at: 0 };
        if at.u16()? != SOC {
            return Err(damaged("a chunk holds no JPEG 2000 codestream"));
        }
        let mut seen = Seen::default();
        loop {
            let marker = at.u16()?;
            if marker == SOT {
                break;
            }
            let mut segment = at.segment()?;
            self.main_marker(marker, &mut segment, components, &mut seen)?;
        }
        if !(seen.size && seen.coding && seen.quantisation && seen.capabilities) {
            return Err(damaged("a chunk's codestream lacks a header or is not high-throughput JPEG 2000"));
        }
        self.tile_parts(&mut at)
    }

    fn main_marker(
        &mut self,
        marker: u16,
        segment: &mut Reader,
        components: usize,
        seen: &mut Seen,
    ) -> Result<(), DecodeError> {
        match marker {
            SIZ if seen.size => return Err(damaged("a chunk's codestream has two sizes")),
            SIZ => {
                self.size(segment, components)?;
                seen.size = true;
            }
            _ if !seen.size => return Err(damaged("a chunk's codestream has no size")),
            // Bit 14 from the top is the high-throughput part, part 15 (T.800 table A.11 bis).
            CAP => seen.capabilities = segment.u32()? & 1 << (32 - 15) != 0,
            COD if seen.coding => return Err(damaged("a chunk's codestream has two coding styles")),
            QCD if seen.quantisation => return Err(damaged("a chunk's codestream has two quantisations")),
            COD => {
                self.coding(segment)?;
                seen.coding = true;
            }
            COC => self.component_coding(segment)?,
            QCD => {
                self.quantisation(segment)?;
                seen.quantisation = true;
            }
            QCC => self.component_quantisation(segment)?,
            NLT => self.nonlinearity(segment, seen)?,
            RGN => return Err(damaged("a chunk's codestream has regions of interest")),
            POC => return Err(damaged("a chunk's codestream changes its packet order")),
            PPM => return Err(damaged("a chunk's codestream packs its packet headers")),
            MCT | MCC | MCO => return Err(damaged("a chunk's codestream has its own component transform")),
            SOD | EOC => return Err(damaged("a chunk's codestream has no tile")),
            // Comments, lengths of tile-parts and packets, profiles.
            _ => {}
        }
        Ok(())
    }

    /// SIZ (T.800 A.5.1).
    fn size(&mut self, segment: &mut Reader, components: usize) -> Result<(), DecodeError> {
        segment.u16()?;
        let [width, height, x, y, tile_width, tile_height, tile_x, tile_y] = {
            let mut fields = [0; 8];
            for field in &mut fields {
                *field = segment.u32()?;
            }
            fields
        };
        if (x, y, tile_x, tile_y) != (0, 0, 0, 0) {
            return Err(damaged("a chunk's codestream does not start at the origin"));
        }
        if width == 0 || height == 0 || width > 1 << 30 || height > 1 << 30 {
            return Err(damaged("a chunk's codestream has no size"));
        }
        if tile_width < width || tile_height < height {
            return Err(damaged("a chunk's codestream has several tiles"));
        }
        let count = usize::from(segment.u16()?);
        if count != components || count > MAX_COMPONENTS {
            return Err(damaged("a chunk's codestream has not one component a channel"));
        }
        self.components.try_reserve(count).map_err(|_| damaged("no memory for a chunk's components"))?;
        for _ in 0..count {
            let [precision, step_x, step_y] = [segment.u8()?, segment.u8()?, segment.u8()?];
            let step = (u32::from(step_x), u32::from(step_y));
            if step_x == 0 || step_y == 0 || precision & 0x7F > 37 {
                return Err(damaged("a chunk's codestream has an impossible component"));
            }
            self.components.push(Component {
                precision: (precision & 0x7F) + 1,
                is_signed: precision & 0x80 != 0,
                step,
                width: width.div_ceil(step.0),
                height: height.div_ceil(step.1),
                coding: Coding::default(),
                quantisation: Quantisation::default(),
                nonlinearity: Nonlinearity::None,
                has_own_coding: false,
                has_own_quantisation: false,
            });
        }
        Ok(())
    }

    /// COD (T.800 A.6.1).
    fn coding(&mut self, segment: &mut Reader) -> Result<(), DecodeError> {
        let style = segment.u8()?;
        self.has_packet_ends = style & 4 != 0;
        self.progression = match segment.u8()? {
            0 | 1 => Progression::Resolution,
            2 => Progression::ResolutionPosition,
            3 => Progression::PositionComponent,
            4 => Progression::ComponentPosition,
            _ => return Err(damaged("a chunk's codestream has an unknown packet order")),
        };
        if segment.u16()? != 1 {
            return Err(damaged("a chunk's codestream has not one quality layer"));
        }
        self.is_mixed = match segment.u8()? {
            0 => false,
            1 => true,
            _ => return Err(damaged("a chunk's codestream has an unknown component transform")),
        };
        let coding = segment.coding(style & 1 != 0)?;
        for component in self.components.iter_mut().filter(|component| !component.has_own_coding) {
            component.coding = coding;
        }
        Ok(())
    }

    fn component_coding(&mut self, segment: &mut Reader) -> Result<(), DecodeError> {
        let component = self.component(segment)?;
        let style = segment.u8()?;
        component.coding = segment.coding(style & 1 != 0)?;
        component.has_own_coding = true;
        Ok(())
    }

    fn quantisation(&mut self, segment: &mut Reader) -> Result<(), DecodeError> {
        let quantisation = segment.quantisation()?;
        for component in self.components.iter_mut().filter(|component| !component.has_own_quantisation) {
            component.quantisation = quantisation;
        }
        Ok(())
    }

    fn component_quantisation(&mut self, segment: &mut Reader) -> Result<(), DecodeError> {
        let component = self.component(segment)?;
        component.quantisation = segment.quantisation()?;
        component.has_own_quantisation = true;
        Ok(())
    }

    /// NLT (T.801 A.3.10): component, bit depth, type; type 4 then has one less than the count of its entries, the
    /// range that they span, the bits of an entry, the entries.
    fn nonlinearity(&mut self, segment: &mut Reader, seen: &mut Seen) -> Result<(), DecodeError> {
        let which = segment.u16()?;
        let depth = segment.u8()?;
        let nonlinearity = match segment.u8()? {
            0 => Nonlinearity::None,
            3 => Nonlinearity::SignMagnitude,
            4 => {
                let count = usize::from(segment.u16()?) + 1;
                let range = (segment.u32()?, segment.u32()?);
                let entry_bits = segment.u8()?;
                let entry_bytes = usize::from(entry_bits / 8);
                if range != (0, u32::MAX) || ![16, 32].contains(&entry_bits) || count < 2 {
                    return Err(damaged("a chunk's codestream has an unknown sample curve"));
                }
                let table = Nonlinearity::Table { at: segment.at, count, entry_bytes };
                segment.take(count * entry_bytes)?;
                table
            }
            _ => return Err(damaged("a chunk's codestream has an unknown sample curve")),
        };
        let matches =
            |component: &Component| component.precision - 1 + (u8::from(component.is_signed) << 7) == depth;
        if which == u16::MAX {
            if std::mem::replace(&mut seen.curve, true) {
                return Err(damaged("a chunk's codestream has two sample curves"));
            }
            for component in self.components.iter_mut().filter(|component| matches(component)) {
                component.nonlinearity = nonlinearity;
            }
        } else if let Some(component) =
            self.components.get_mut(usize::from(which)).filter(|component| matches(component))
        {
            component.nonlinearity = nonlinearity;
        }
        Ok(())
    }

    /// The component that a segment starts with.
    fn component(&mut self, segment: &mut Reader) -> Result<&mut Component, DecodeError> {
        let index = if self.components.len() < 257 { u16::from(segment.u8()?) } else { segment.u16()? };
        self.components
            .get_mut(usize::from(index))
            .ok_or_else(|| damaged("a chunk's codestream describes a component that it lacks"))
    }

    /// The tile-parts, from after the first SOT marker on (T.800 A.4.2).
    fn tile_parts(&mut self, at: &mut Reader) -> Result<(), DecodeError> {
        loop {
            let start = at.at - 2;
            let mut segment = at.segment()?;
            if segment.u16()? != 0 {
                return Err(damaged("a chunk's codestream has several tiles"));
            }
            let length = segment.u32()? as usize;
            let end = if length == 0 { at.bytes.len() } else { start.saturating_add(length) };
            if end > at.bytes.len() {
                return Err(damaged("a chunk's codestream is cut"));
            }
            Self::tile_part_header(at)?;
            if at.at > end {
                return Err(damaged("a chunk's codestream has a broken tile-part"));
            }
            self.parts.try_reserve(1).map_err(|_| damaged("no memory for a chunk's tile-parts"))?;
            self.parts.push((at.at, end));
            at.at = end;
            // A missing end marker hurts nobody.
            if at.at + 2 > at.bytes.len() || at.u16()? != SOT {
                return Ok(());
            }
        }
    }

    /// Skips what stands between SOT and SOD.
    fn tile_part_header(at: &mut Reader) -> Result<(), DecodeError> {
        loop {
            match at.u16()? {
                SOD => return Ok(()),
                COD | COC | QCD | QCC | RGN | POC | PPT | NLT => {
                    return Err(damaged("a chunk's codestream changes its coding within the tile"));
                }
                marker if marker < 0xFF00 => {
                    return Err(damaged("a chunk's codestream has a broken tile-part"));
                }
                _ => at.segment()?,
            };
        }
    }
}

/// A place in big-endian bytes. `at` counts from the start of the codestream.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        self.at += count;
        taken.ok_or_else(|| damaged("a chunk's codestream is cut"))
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, DecodeError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from(self.u16()?) << 16 | u32::from(self.u16()?))
    }

    /// The segment that starts with its length here; moves behind it.
    fn segment(&mut self) -> Result<Self, DecodeError> {
        let start = self.at;
        let length = usize::from(self.u16()?);
        let end = start + length;
        if length < 2 || end > self.bytes.len() {
            return Err(damaged("a chunk's codestream has a broken marker"));
        }
        self.at = end;
        Ok(Self { bytes: &self.bytes[..end], at: start + 2 })
    }

    /// The part that COD and COC share (T.800 table A.20, T.814 A.4).
    fn coding(&mut self, has_precincts: bool) -> Result<Coding, DecodeError> {
        let levels = self.u8()?;
        let block = (self.u8()?, self.u8()?);
        let style = self.u8()?;
        let wavelet = self.u8()?;
        if usize::from(levels) > MAX_LEVELS {
            return Err(damaged("a chunk's codestream has too many wavelet levels"));
        }
        if block.0 > 8 || block.1 > 8 || block.0 + block.1 > 8 {
            return Err(damaged("a chunk's codestream has code blocks of a wrong size"));
        }
        // 0x40: high-throughput blocks only; 8: vertically causal contexts, which EXR never has.
        if style != 0x40 {
            return Err(damaged("a chunk's codestream has blocks that are not high-throughput ones"));
        }
        if wavelet > 1 {
            return Err(damaged("a chunk's codestream has an unknown wavelet"));
        }
        let mut coding = Coding {
            levels,
            block: (block.0 + 2, block.1 + 2),
            is_reversible: wavelet == 1,
            ..Coding::default()
        };
        if has_precincts {
            for precinct in &mut coding.precincts[..=usize::from(levels)] {
                let size = self.u8()?;
                *precinct = (size & 15, size >> 4);
            }
        }
        Ok(coding)
    }

    /// The part that QCD and QCC share (T.800 table A.27).
    fn quantisation(&mut self) -> Result<Quantisation, DecodeError> {
        let style = self.u8()?;
        let mut read = Quantisation {
            is_reversible: style & 31 == 0,
            guard_bits: style >> 5,
            ..Quantisation::default()
        };
        let left = self.bytes.len() - self.at;
        match style & 31 {
            0 => read.count = left.min(MAX_BANDS),
            2 => read.count = (left / 2).min(MAX_BANDS),
            _ => return Err(damaged("a chunk's codestream has an unknown quantisation")),
        }
        for step in &mut read.steps[..read.count] {
            *step = if style & 31 == 0 {
                (self.bytes[self.at] >> 3, 0)
            } else {
                let packed = u16::from_be_bytes([self.bytes[self.at], self.bytes[self.at + 1]]);
                ((packed >> 11) as u8, packed & 0x7FF)
            };
            self.at += if style & 31 == 0 { 1 } else { 2 };
        }
        Ok(read)
    }
}
