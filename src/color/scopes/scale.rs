//! Owns the scales that values are counted on. A scale is a table with an entry for every number that a
//! half can hold between the first and the last step, so that shader and twin find the same step of
//! every value by its bits alone, whatever their logarithms and powers are like.

use super::super::{Encoding, srgb_encode};

/// How values become levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// 0 to 1 in equal steps.
    #[default]
    Linear,
    /// 10 stops below middle grey (0.18) to 10 above it, in equal steps of the logarithm.
    Stops,
    /// 0 to 1, encoded as sRGB shows it.
    Display,
}

const GREY: f32 = 0.18;
const STOPS: f32 = 10.0;

/// What a lookup leaves out of a float's bits: 10 bits of the mantissa stay, as many as a half has.
const SHIFT: u32 = 13;
/// The first entry is that of 2^-13: no scale has a step below it.
const FIRST: u32 = (127 - 13) << (23 - SHIFT);
/// Up to 2^8, where the scale of stops has ended.
const OCTAVES: u32 = 21;
const ENTRIES: u32 = OCTAVES << (23 - SHIFT);

impl Scale {
    /// The values at both ends.
    pub fn range(self) -> (f32, f32) {
        match self {
            Self::Linear | Self::Display => (0.0, 1.0),
            Self::Stops => (GREY * (-STOPS).exp2(), GREY * STOPS.exp2()),
        }
    }

    /// The level of a value above 0: 0 to 255.
    fn level(self, value: f32) -> u8 {
        let place = match self {
            Self::Linear => value,
            Self::Stops => ((value / GREY).log2() + STOPS) / (2.0 * STOPS),
            Self::Display => srgb_encode(value.min(1.0)),
        };
        (place * 256.0) as u8
    }
}

/// The code of eight bits that shows a value above 0.
fn code(value: f32, encoding: Encoding) -> u8 {
    let shown = match encoding {
        Encoding::Srgb => srgb_encode(value.min(1.0)),
        Encoding::Identity => value,
    };
    (shown * 255.0).round() as u8
}

/// Levels of a scale and codes of a display, by the bits of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleTable {
    /// The level in the lower eight bits, the code in the upper eight.
    entries: Vec<u16>,
    lowest: u32,
    highest: u32,
}

impl ScaleTable {
    /// Entries of every table.
    pub const LEN: usize = ENTRIES as usize;

    pub fn new(scale: Scale, encoding: Encoding) -> Self {
        let entry = |place: u32| {
            let value = f32::from_bits((FIRST + place) << SHIFT);
            u16::from_le_bytes([scale.level(value), code(value, encoding)])
        };
        let (lowest, highest) = scale.range();
        Self {
            entries: (0..ENTRIES).map(entry).collect(),
            lowest: lowest.to_bits(),
            highest: highest.to_bits(),
        }
    }

    /// The entries as the shader reads them.
    pub fn entries(&self) -> &[u16] {
        &self.entries
    }

    /// The bits of the values at both ends of the scale.
    pub fn range_bits(&self) -> (u32, u32) {
        (self.lowest, self.highest)
    }

    /// Level and code of the float with these bits, which is no NaN. Negative ones count as 0.
    pub fn entry(&self, bits: u32) -> [u8; 2] {
        let positive = if bits >> 31 == 1 { 0 } else { bits };
        let place = (positive >> SHIFT).clamp(FIRST, FIRST + ENTRIES - 1) - FIRST;
        self.entries[place as usize].to_le_bytes()
    }

    /// Whether the float with these bits lies below the scale, and whether above it.
    pub fn is_outside(&self, bits: u32) -> (bool, bool) {
        let is_negative = bits > 0x8000_0000;
        let size = bits & 0x7FFF_FFFF;
        (is_negative || size < self.lowest, !is_negative && size > self.highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALES: [Scale; 3] = [Scale::Linear, Scale::Stops, Scale::Display];

    #[test]
    fn every_half_has_the_level_of_its_value() {
        for scale in SCALES {
            let table = ScaleTable::new(scale, Encoding::Srgb);
            for value in (0..0x7C00).map(|bits| half::f16::from_bits(bits).to_f32()) {
                let [level, code] = table.entry(value.to_bits());
                assert_eq!(level, scale.level(value), "{scale:?} {value}");
                assert_eq!(code, super::code(value, Encoding::Srgb), "{value}");
            }
        }
    }

    #[test]
    fn every_step_of_a_scale_is_met_in_order() {
        for scale in SCALES {
            let levels: Vec<u16> =
                ScaleTable::new(scale, Encoding::Identity).entries.iter().map(|e| e & 0xFF).collect();
            assert!(levels.is_sorted(), "{scale:?}");
            let mut met = levels;
            met.dedup();
            assert_eq!(met.len(), 256, "{scale:?}");
        }
    }

    #[test]
    fn middle_grey_is_the_middle_of_the_stops() {
        let table = ScaleTable::new(Scale::Stops, Encoding::Srgb);
        assert_eq!(table.entry(0.181_f32.to_bits())[0], 128);
        assert_eq!(table.entry(0.179_f32.to_bits())[0], 127);
        assert_eq!(table.entry(0.36_f32.to_bits())[0], 128 + 12);
    }

    #[test]
    fn what_lies_outside_goes_to_the_ends() {
        let table = ScaleTable::new(Scale::Linear, Encoding::Srgb);
        for (value, entry, outside) in [
            (-1.0, [0, 0], (true, false)),
            (f32::NEG_INFINITY, [0, 0], (true, false)),
            (-0.0, [0, 0], (false, false)),
            (1e-30, [0, 0], (false, false)),
            (1.0, [255, 255], (false, false)),
            (1.001, [255, 255], (false, true)),
            (f32::INFINITY, [255, 255], (false, true)),
        ] {
            assert_eq!(table.entry(value.to_bits()), entry, "{value}");
            assert_eq!(table.is_outside(value.to_bits()), outside, "{value}");
        }
        let stops = ScaleTable::new(Scale::Stops, Encoding::Srgb);
        assert_eq!(stops.is_outside(0), (true, false));
        assert_eq!(stops.is_outside(200.0_f32.to_bits()), (false, true));
    }
}
