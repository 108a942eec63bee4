//! Owns the lossy channels of a DWA chunk: from the two streams of coefficients, block by block, to rows of
//! samples. The thread that decodes.

use std::sync::LazyLock;

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use super::super::chunk::{Chunk, Kind, Rows};
use super::super::simd::dct::{self, BLOCKS, Coefficients, Strip};
use super::rules::Group;
use crate::decode::DecodeError;

/// Coefficients of a block without its mean.
pub const AC_COUNT: usize = 63;
/// Symbols that follow the last of an AC stream in memory: [`END`], two blocks' worth.
pub const PADDING: usize = 128;
/// The symbol that ends a block: its other coefficients are zero. With a number in the lower byte it stands
/// for that many zeros.
pub const END: u16 = 0xff00;

/// Where a coefficient of [`Coefficients::blocks`] stands in the stream, column by column: the zigzag of JPEG
/// (ITU-T T.81, figure 5).
const ORDER: [[usize; 8]; 8] = [
    [0, 2, 3, 9, 10, 20, 21, 35],
    [1, 4, 8, 11, 19, 22, 34, 36],
    [5, 7, 12, 18, 23, 33, 37, 48],
    [6, 13, 17, 24, 32, 38, 47, 49],
    [14, 16, 25, 31, 39, 46, 50, 57],
    [15, 26, 30, 40, 45, 51, 56, 58],
    [27, 29, 41, 44, 52, 55, 59, 62],
    [28, 42, 43, 53, 54, 60, 61, 63],
];

/// What a strip of blocks needs, about 25 kB: it stays in the nearest cache.
pub struct Strips {
    coefficients: [Coefficients; 3],
    samples: [Strip; 3],
}

impl Default for Strips {
    fn default() -> Self {
        Self { coefficients: Default::default(), samples: [[[0; 8 * BLOCKS]; 8]; 3] }
    }
}

/// The streams of a chunk: means are halves group by group, in a group component by component; the other
/// coefficients are halves and runs of zeros group by group, in a group block by block.
pub struct Streams<'a> {
    /// With [`PADDING`] after its end.
    pub ac: &'a [u16],
    pub dc: &'a [u16],
}

/// Blocks across and down a channel.
pub fn blocks(chunk: &Chunk, channel: usize) -> (usize, usize) {
    (chunk.samples(channel).div_ceil(8), chunk.lines(channel).div_ceil(8))
}

/// Decodes all groups into their rows.
///
/// # Errors
/// [`DecodeError::Damaged`] for streams that end too early.
pub fn decode(
    chunk: &Chunk,
    groups: &[Group],
    mut streams: Streams,
    strips: &mut Strips,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let is_wanted = |group: &Group, rows: &mut _| {
        group.channels().iter().any(|channel| super::is_wanted(chunk, *channel, rows))
    };
    let Some(last) = groups.iter().rposition(|group| is_wanted(group, rows)) else { return Ok(()) };
    for group in &groups[..=last] {
        let is_wanted = is_wanted(group, rows);
        let (across, down) = blocks(chunk, group.channels()[0]);
        let (dc, rest) =
            streams.dc.split_at_checked(across * down * group.channels().len()).ok_or_else(too_short)?;
        for top in 0..down {
            for left in (0..across).step_by(BLOCKS) {
                let place = Place { across, down, top, left, count: BLOCKS.min(across - left) };
                strips.read(&place, group, dc, &mut streams.ac)?;
                if is_wanted {
                    strips.write(chunk, &place, group, rows);
                }
            }
        }
        streams.dc = rest;
    }
    if streams.ac.len() < PADDING { Err(too_short()) } else { Ok(()) }
}

/// Decodes all groups into rows of an eighth, from the means alone. There is one mean for every block.
///
/// # Errors
/// [`DecodeError::Damaged`] for means that end too early.
pub fn decode_means(
    chunk: &Chunk,
    groups: &[Group],
    mut means: &[u16],
    strips: &mut Strips,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    for group in groups {
        let (across, down) = blocks(chunk, group.channels()[0]);
        let (dc, rest) =
            means.split_at_checked(across * down * group.channels().len()).ok_or_else(too_short)?;
        for top in 0..down {
            for left in (0..across).step_by(BLOCKS) {
                let place = Place { across, down, top, left, count: BLOCKS.min(across - left) };
                let mut no_detail = &[END; PADDING + 3 * BLOCKS][..];
                strips.read(&place, group, dc, &mut no_detail)?;
                strips.write_means(chunk, &place, group, rows);
            }
        }
        means = rest;
    }
    Ok(())
}

/// A strip of `count` blocks.
struct Place {
    /// Blocks of the channel.
    across: usize,
    down: usize,
    /// The first block.
    top: usize,
    left: usize,
    count: usize,
}

impl Strips {
    fn read(&mut self, place: &Place, group: &Group, dc: &[u16], ac: &mut &[u16]) -> Result<(), DecodeError> {
        let plane = place.across * place.down;
        let first = place.top * place.across + place.left;
        for index in 0..place.count {
            for (component, out) in self.coefficients.iter_mut().enumerate().take(group.channels().len()) {
                let symbols = ac.first_chunk().ok_or_else(too_short)?;
                let mean = dc[component * plane + first + index];
                let (used, extent) = read_block(symbols, mean, &mut out.blocks[index]);
                out.extents[index] = extent;
                *ac = &ac[used..];
            }
        }
        Ok(())
    }

    /// Transforms the coefficients; says whether all blocks are flat.
    fn transform(&mut self, place: &Place, group: &Group) -> bool {
        match group {
            Group::One(_) => dct::one(&self.coefficients[0], place.count, &mut self.samples[0]),
            Group::Three(_) => dct::three(&self.coefficients, place.count, &mut self.samples),
        }
        let is_flat =
            |component: &Coefficients| component.extents[..place.count].iter().all(|extent| *extent == 1);
        self.coefficients[..group.channels().len()].iter().all(is_flat)
    }

    fn write(&mut self, chunk: &Chunk, place: &Place, group: &Group, rows: &mut impl Rows) {
        let is_flat = self.transform(place, group);
        for (channel, samples) in group.channels().iter().zip(&mut self.samples) {
            let kind = chunk.channels[*channel].kind;
            let left = 8 * place.left;
            let count = (8 * place.count).min(chunk.samples(*channel) - left);
            let mut curve = curve(chunk, group, *channel);
            // Large areas without light are common, and their lines are all the same.
            if let (true, Some(table)) = (is_flat, curve) {
                samples[0][..count].iter_mut().for_each(|sample| *sample = table[usize::from(*sample)]);
                curve = None;
            }
            for (index, line) in (8 * place.top..chunk.lines(*channel)).take(8).enumerate() {
                if let Some(row) = rows.row(*channel, line) {
                    let row = &mut row[left * kind.bytes()..(left + count) * kind.bytes()];
                    write_line(&samples[if is_flat { 0 } else { index }][..count], curve, kind, row);
                }
            }
        }
    }

    /// Writes one sample of each block.
    fn write_means(&mut self, chunk: &Chunk, place: &Place, group: &Group, rows: &mut impl Rows) {
        self.transform(place, group);
        for (channel, samples) in group.channels().iter().zip(&mut self.samples) {
            let kind = chunk.channels[*channel].kind;
            for block in 0..place.count {
                samples[0][block] = samples[0][8 * block];
            }
            if let Some(row) = rows.row(*channel, place.top) {
                let row = &mut row[place.left * kind.bytes()..(place.left + place.count) * kind.bytes()];
                write_line(&samples[0][..place.count], curve(chunk, group, *channel), kind, row);
            }
        }
    }
}

/// The curve of a channel: none for single ones with the pLinear flag.
fn curve(chunk: &Chunk, group: &Group, channel: usize) -> Option<&'static Curve> {
    let is_curved = matches!(group, Group::Three(_)) || !chunk.channels[channel].is_linear;
    is_curved.then(|| &**CURVE)
}

/// Puts the coefficients of a block in place; returns the symbols that it took and the frequencies that it
/// has.
fn read_block(symbols: &[u16; PADDING], mean: u16, block: &mut [u16; 64]) -> (usize, u8) {
    block[0] = mean;
    if symbols[0] == END {
        return (1, 1);
    }
    // In the order of the stream, with room for what is written too much.
    let mut ordered = [0; 128];
    ordered[0] = mean;
    let runs = find_runs(symbols.first_chunk().unwrap_or(&[END; 64]));
    let (mut used, mut at, mut last) = (0, 1, 0);
    // Each symbol is one coefficient at least, so that 63 are enough. Always 64 of them are copied, for how
    // many there are up to a run cannot be foreseen, and a wrong guess costs more.
    while at < 64 {
        ordered[at..at + 64].copy_from_slice(&symbols[used..used + 64]);
        let count = ((runs >> used).trailing_zeros() as usize).min(64 - at);
        (used, at) = (used + count, at + count);
        last = if count > 0 { at - 1 } else { last };
        if at < 64 {
            ordered[at..at + 64].fill(0);
            let zeros = usize::from(symbols[used] & 0xff);
            at += if zeros == 0 { 64 } else { zeros };
            used += 1;
        }
    }
    let columns = block.as_chunks_mut::<8>().0;
    for (column, order) in columns.iter_mut().zip(&ORDER) {
        *column = order.map(|place| ordered[place]);
    }
    (used, extent(last))
}

/// Which symbols are runs of zeros, the first in the lowest bit.
fn find_runs(symbols: &[u16; 64]) -> u64 {
    /// Times eight bytes that are 0 or 1: gathers them in the highest byte, the first in its lowest bit.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let flags = symbols.map(|symbol| u8::from(symbol >= END));
    let gathered = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
    flags.as_chunks().0.iter().rev().fold(0, |runs, eight| runs << 8 | gathered(eight))
}

/// The frequencies that a block can have whose last coefficient is this one of the stream.
fn extent(last: usize) -> u8 {
    match last {
        0 => 1,
        1..=2 => 2,
        3..=9 => 4,
        _ => 8,
    }
}

fn write_line(samples: &[u16], curve: Option<&Curve>, kind: Kind, row: &mut [u8]) {
    match (kind, curve) {
        (Kind::Half, Some(curve)) => write(samples, row, |sample| curve[usize::from(sample)].to_le_bytes()),
        (Kind::Half, None) => write(samples, row, u16::to_le_bytes),
        (Kind::Float | Kind::Uint, _) => {
            let (mut halves, mut floats) = ([0_u16; 8 * BLOCKS], [0.0_f32; 8 * BLOCKS]);
            let (halves, floats) = (&mut halves[..samples.len()], &mut floats[..samples.len()]);
            let light =
                samples.iter().map(|sample| curve.map_or(*sample, |curve| curve[usize::from(*sample)]));
            halves.iter_mut().zip(light).for_each(|(half, light)| *half = light);
            halves.reinterpret_cast::<f16>().convert_to_f32_slice(floats);
            write(floats, row, f32::to_le_bytes);
        }
    }
}

fn write<T: Copy, const BYTES: usize>(samples: &[T], row: &mut [u8], to_bytes: impl Fn(T) -> [u8; BYTES]) {
    for (bytes, sample) in row.as_chunks_mut().0.iter_mut().zip(samples) {
        *bytes = to_bytes(*sample);
    }
}

/// A number for every half.
type Curve = [u16; 1 << 16];

/// From the curve on which coefficients are taken back to light, for every half: x^2.2 up to 1, e^(2.2 (x -
/// 1)) above, the same with a minus below zero, and 0 for what is not finite (OpenEXR's `dwaLookups`).
static CURVE: LazyLock<Box<Curve>> = LazyLock::new(|| {
    /// e^2.2 as OpenEXR has it.
    const BASE: f64 = 9.025_013_291_56;
    let mut curve = Box::new([0; 1 << 16]);
    for (bits, out) in (0..=u16::MAX).zip(curve.iter_mut()) {
        let x = f16::from_bits(bits).to_f64();
        let size = x.abs();
        let light = if size <= 1.0 { size.powf(2.2) } else { BASE.powf(size - 1.0) };
        *out = if x.is_finite() { f16::from_f32(light.copysign(x) as f32).to_bits() } else { 0 };
    }
    curve
});

fn too_short() -> DecodeError {
    DecodeError::damaged("a chunk's coefficients are cut short")
}
