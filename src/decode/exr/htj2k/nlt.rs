//! Owns the last step, from decoded integers to the bits of samples: level shift and sample curves. Formats: ITU-T
//! T.800 annex G.1, T.801 annex K (type 3), OpenEXR's experimental type 4. Pure.

use super::codestream::{Component, Nonlinearity};
use super::damaged;
use crate::decode::DecodeError;
use crate::decode::exr::scratch::Held;

/// Samples that are looked up at a time.
const LANES: usize = 64;

/// A component's last step. Kept between chunks for its memory.
#[derive(Debug, Default)]
pub struct Curve {
    bits: u32,
    /// What is added to integers: half the range of unsigned ones.
    shift: i32,
    /// The bits to turn over in negative integers: all but the sign where they stand for sign and magnitude.
    turned: i32,
    /// Entries of a curve but the last, each with the step to the next one; none for a straight line.
    table: Vec<[f32; 2]>,
}

impl Held for Curve {
    fn held_bytes(&self) -> usize {
        self.table.held_bytes()
    }
}

/// Floats from here to its double are whole numbers, one apart.
const WHOLE: f32 = 8_388_608.0;

/// The nearest whole number to one from 0 to below `WHOLE`, of two the even one. Unlike the language's conversions
/// it takes one addition in any machine's vectors.
#[inline(always)]
fn rounded(value: f32) -> i32 {
    (value + WHOLE).to_bits() as i32 & 0x7F_FFFF
}

impl Curve {
    /// Takes the curve of a component over from the codestream `bytes`.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] for curves that do not fit the component.
    pub fn set(&mut self, component: &Component, bytes: &[u8]) -> Result<(), DecodeError> {
        self.bits = u32::from(component.precision);
        let half = (1u32 << (self.bits - 1)) as i32;
        self.shift = if component.is_signed { 0 } else { half };
        self.table.clear();
        let is_turned = component.is_signed && component.nonlinearity != Nonlinearity::None;
        self.turned = if is_turned { half.wrapping_sub(1) } else { 0 };
        if let Nonlinearity::Table { at, count, entry_bytes } = component.nonlinearity {
            if entry_bytes * 8 != usize::from(component.precision) {
                return Err(damaged("a chunk's codestream has an unknown sample curve"));
            }
            self.table.try_reserve(count).map_err(|_| damaged("no memory for a sample curve"))?;
            let entries = bytes[at..at + count * entry_bytes].chunks_exact(entry_bytes);
            let mut values =
                entries.map(|entry| entry.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)) as f32);
            let mut before = values.next().unwrap_or_default();
            self.table.extend(values.map(|value| [std::mem::replace(&mut before, value), value]));
            self.table.iter_mut().for_each(|[low, high]| *high -= *low);
        }
        Ok(())
    }

    /// The bits of the sample that an integer stands for.
    #[inline(always)]
    pub fn bits(&self, value: i32) -> u32 {
        let value = value.wrapping_add(self.shift);
        (value ^ (value >> 31 & self.turned)) as u32
    }

    /// The bits of the samples that fractions of the component's range stand for: -0.5 its lowest value, 0.5 the
    /// highest. A curve applies before rounding.
    #[inline(always)]
    pub fn bits_of_fractions(&self, fraction: impl Fn(usize) -> f32, bits: &mut [u32]) {
        let range = (1u64 << self.bits) as f32;
        for (at, bits) in bits.chunks_mut(LANES).enumerate() {
            // From 0 to the whole range.
            let mut values = [0.0; LANES];
            for (lane, value) in values[..bits.len()].iter_mut().enumerate() {
                *value = fraction(at * LANES + lane) + 0.5;
            }
            if self.table.is_empty() {
                values.iter_mut().for_each(|value| *value = (*value * range).clamp(0.0, range));
            } else {
                self.look_up(&mut values);
            }
            // From offset binary to two's complement.
            if self.bits <= 16 {
                let (half, most) = (1 << (self.bits - 1), (1 << self.bits) - 1);
                for (bits, value) in bits.iter_mut().zip(&values) {
                    *bits = self.bits(rounded(*value).min(most) - half);
                }
            } else {
                let (half, most) = (1i64 << (self.bits - 1), (1i64 << self.bits) - 1);
                for (bits, value) in bits.iter_mut().zip(values) {
                    *bits = self.bits(((value.round_ties_even() as i64).min(most) - half) as i32);
                }
            }
        }
    }

    /// The curve at some values.
    #[inline(always)]
    fn look_up(&self, values: &mut [f32; LANES]) {
        let intervals = self.table.len() as f32;
        let mut indices = [0; LANES];
        for (index, value) in indices.iter_mut().zip(&mut *values) {
            let place = (*value * intervals).clamp(0.0, intervals);
            let nearest = (place + WHOLE) - WHOLE;
            let floor = if nearest > place { nearest - 1.0 } else { nearest }.min(intervals - 1.0);
            *index = rounded(floor);
            *value = place - floor;
        }
        let mut steps = [[0.0; 2]; LANES];
        for (step, index) in steps.iter_mut().zip(&indices) {
            *step = self.table.get(*index as usize).copied().unwrap_or_default();
        }
        for (value, [low, rise]) in values.iter_mut().zip(&steps) {
            *value = *low + *rise * *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(bits: u32, shift: i32, turned: i32, table: Vec<[f32; 2]>) -> Curve {
        Curve { bits, shift, turned, table }
    }

    #[test]
    fn integers_become_the_bits_of_samples() {
        let half = curve(16, 0, 0x7FFF, Vec::new());
        assert_eq!(half.bits(0x3C00), 0x3C00);
        assert_eq!(half.bits(-1) & 0xFFFF, 0x8000);
        assert_eq!(half.bits(-0x3C01) & 0xFFFF, 0xBC00);
        let float = curve(32, 0, i32::MAX, Vec::new());
        assert_eq!(float.bits(-0x3F80_0001), 0xBF80_0000);
        let uint = curve(32, i32::MIN, 0, Vec::new());
        assert_eq!([uint.bits(i32::MIN), uint.bits(0), uint.bits(i32::MAX)], [0, 1 << 31, u32::MAX]);
    }

    #[test]
    fn fractions_are_rounded_and_kept_in_range() {
        let plain = curve(16, 0, 0, Vec::new());
        let mut bits = [0; 5];
        let fractions = [0.0, 1.5 / 65536.0, -0.5, 0.7, -9.0];
        plain.bits_of_fractions(|at| fractions[at], &mut bits);
        assert_eq!(bits.map(|bits| bits as i32), [0, 2, -32768, 32767, -32768]);
        let bent = curve(16, 0, 0x7FFF, vec![[0.0, 32768.0], [32768.0, 16384.0]]);
        let fractions = [0.0, 0.25, -0.25, 0.5, f32::NAN];
        bent.bits_of_fractions(|at| fractions[at], &mut bits);
        assert_eq!(bits[..4], [0, 8192, (-16384i32 ^ 0x7FFF) as u32, 16384]);
        let wide = curve(32, 0, 0, Vec::new());
        wide.bits_of_fractions(|at| fractions[at], &mut bits);
        assert_eq!(bits[..4], [0, 1 << 30, 3 << 30, i32::MAX as u32]);
    }

    #[test]
    fn whole_numbers_are_rounded_to_even() {
        for (value, expected) in
            [(0.0, 0), (0.5, 0), (1.5, 2), (2.5, 2), (65535.4, 65535), (8_000_000.5, 8_000_000)]
        {
            assert_eq!(rounded(value), expected);
        }
    }
}
