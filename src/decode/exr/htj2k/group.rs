//! Owns the way of some components from code blocks to rows: one component, or the three that are mixed. Pure.

use super::block::{self, BlockScratch, Coded};
use super::codestream::Component;
use super::finish::{Finish, FinishRow, Interleave, Pack};
use super::nlt::Curve;
use super::packets::{Layout, resolution_size};
use super::wavelet::{Bands, Irreversible, Reversible, Ring, Wavelet};
use crate::decode::DecodeError;
use crate::decode::exr::chunk::{Chunk, Rows};
use crate::decode::exr::scratch::{Held, grown};
use crate::decode::exr::simd::htj2k::widest;

/// Bands with more magnitude bits than this are decoded in 64 bits.
const NARROW_PLANES: u8 = 26;

/// What a thread keeps between chunks for the components that it decodes.
#[derive(Debug, Default)]
pub struct Work {
    block: BlockScratch,
    curves: [Curve; 3],
    /// A row of samples.
    bits: Vec<u32>,
    narrow: [Planes<i32, i32>; 3],
    wide: [Planes<i64, i64>; 3],
    lossy: [Planes<i32, f32>; 3],
    wide_lossy: [Planes<i64, f32>; 3],
}

/// Memory of one component in the making.
#[derive(Debug, Default)]
struct Planes<C, S> {
    coefficients: Vec<C>,
    /// The resolution that is done, and the next one.
    low: Vec<S>,
    next: Vec<S>,
    ring: Ring<S>,
}

impl Held for Work {
    fn held_bytes(&self) -> usize {
        let Self { block, curves, bits, narrow, wide, lossy, wide_lossy } = self;
        let whole = narrow.held_bytes() + wide.held_bytes();
        let planes = whole + lossy.held_bytes() + wide_lossy.held_bytes();
        block.held_bytes() + curves.held_bytes() + bits.held_bytes() + planes
    }
}

impl<C: Copy, S: Copy> Held for Planes<C, S> {
    fn held_bytes(&self) -> usize {
        let Self { coefficients, low, next, ring } = self;
        coefficients.held_bytes() + low.held_bytes() + next.held_bytes() + ring.held_bytes()
    }
}

/// Components that are decoded together.
pub struct Group<'a, 'b> {
    pub chunk: &'a Chunk<'b>,
    /// The codestream.
    pub bytes: &'a [u8],
    pub layout: &'a Layout,
    /// Number of the first component.
    pub first: usize,
    /// One, or the three that are mixed, and their channels.
    pub components: &'a [Component],
    pub channels: &'a [u16],
    /// Halvings of the size.
    pub skip: u8,
}

/// A pair of rows, the even one and the odd one below it.
type RowPair<'a, S> = (&'a [S], &'a [S]);

impl Group<'_, '_> {
    /// Decodes the group and writes its channels' rows.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] for broken blocks, [`DecodeError::Io`] where memory is refused.
    pub fn decode(&self, work: &mut Work, rows: &mut impl Rows) -> Result<(), DecodeError> {
        let Work { block, curves, bits, narrow, wide, lossy, wide_lossy } = work;
        let mut planes = 0;
        for (index, component) in self.components.iter().enumerate() {
            curves[index].set(component, self.bytes)?;
            let bands = self.layout.bands_of(self.first + index).iter();
            planes = bands.fold(planes, |most, band| most.max(band.planes));
        }
        let tools = (block, &*curves, bits);
        match (self.components[0].coding.is_reversible, planes <= NARROW_PLANES) {
            (true, true) => self.run::<Reversible<i32>>(tools, narrow, rows),
            (true, false) => self.run::<Reversible<i64>>(tools, wide, rows),
            (false, true) => self.run::<Irreversible<i32>>(tools, lossy, rows),
            (false, false) => self.run::<Irreversible<i64>>(tools, wide_lossy, rows),
        }
    }

    fn run<W: Finish>(
        &self,
        (block, curves, bits): (&mut BlockScratch, &[Curve; 3], &mut Vec<u32>),
        planes: &mut [Planes<W::Coefficient, W::Sample>; 3],
        rows: &mut impl Rows,
    ) -> Result<(), DecodeError> {
        for (index, planes) in planes.iter_mut().enumerate().take(self.components.len()) {
            self.coefficients::<W>(index, block, planes)?;
            self.lower_levels::<W>(index, planes)?;
        }
        self.last_level::<W>((curves, bits), planes, rows)
    }

    /// Decodes the blocks of a component.
    fn coefficients<W: Wavelet>(
        &self,
        index: usize,
        block: &mut BlockScratch,
        planes: &mut Planes<W::Coefficient, W::Sample>,
    ) -> Result<(), DecodeError> {
        let component = &self.components[index];
        let (width, height) = resolution_size(component, component.coding.levels - self.skip);
        let coefficients = grown(&mut planes.coefficients, width as usize * height as usize)?;
        for found in self.layout.blocks_of(self.first + index) {
            let band = &self.layout.bands[found.band as usize];
            let stride = band.width as usize;
            let start = band.start + found.y as usize * stride + found.x as usize;
            let place = &mut coefficients[start..];
            if found.cleanup == 0 {
                for row in place.chunks_mut(stride).take(found.height as usize) {
                    row[..found.width as usize].fill(W::Coefficient::default());
                }
                continue;
            }
            let coded = Coded {
                cleanup: &self.bytes[found.at..found.at + found.cleanup],
                refinement: &self.bytes[found.at + found.cleanup..][..found.refinement],
                refinements: found.refinements,
                width: found.width as usize,
                height: found.height as usize,
                planes: band.planes,
                empty_planes: found.empty_planes,
                keeps_half: !component.coding.is_reversible,
            };
            block::decode(&coded, place, stride, block)?;
        }
        Ok(())
    }

    /// Joins all levels but the last into `planes.low`.
    fn lower_levels<W: Wavelet>(
        &self,
        index: usize,
        planes: &mut Planes<W::Coefficient, W::Sample>,
    ) -> Result<(), DecodeError> {
        let Planes { coefficients, low, next, ring } = planes;
        let component = &self.components[index];
        let (width, height) = resolution_size(component, 0);
        let count = width as usize * height as usize;
        let step = self.layout.bands_of(self.first + index)[0].step;
        for (sample, coefficient) in grown(low, count)?.iter_mut().zip(&*coefficients) {
            *sample = W::take(*coefficient, step);
        }
        for resolution in 1..(component.coding.levels - self.skip).max(1) {
            let bands = self.bands::<W>(index, resolution, low, coefficients);
            let joined = grown(next, bands.width * bands.height)?;
            ring.start(bands.width)?;
            for pair in joined.chunks_mut(2 * bands.width) {
                let (even, odd) = ring.next(&bands);
                let (even_out, odd_out) = pair.split_at_mut(bands.width);
                widest(Interleave(even, even_out));
                widest(Interleave(odd, odd_out));
            }
            std::mem::swap(low, next);
        }
        Ok(())
    }

    /// Joins the last level of the group's components, and writes rows.
    fn last_level<W: Finish>(
        &self,
        (curves, bits): (&[Curve; 3], &mut Vec<u32>),
        planes: &mut [Planes<W::Coefficient, W::Sample>; 3],
        rows: &mut impl Rows,
    ) -> Result<(), DecodeError> {
        let resolution = self.components[0].coding.levels - self.skip;
        let is_split = resolution > 0;
        let lines = self.chunk.lines(usize::from(self.channels[0])).div_ceil(1 << self.skip);
        let width = resolution_size(&self.components[0], resolution).0 as usize;
        let bits = grown(bits, width)?;
        for planes in planes.iter_mut().take(self.components.len()) {
            planes.ring.start(width)?;
        }
        for line in (0..lines).step_by(if is_split { 2 } else { 1 }) {
            let mut found: [RowPair<W::Sample>; 3] = [(&[], &[]); 3];
            for (index, planes) in planes.iter_mut().enumerate().take(self.components.len()) {
                let Planes { coefficients, low, ring, .. } = planes;
                found[index] = ring.next(&self.bands::<W>(index, resolution, low, coefficients));
            }
            self.write::<W>(line, found.map(|pair| pair.0), (curves, bits, is_split), rows);
            if is_split && line + 1 < lines {
                self.write::<W>(line + 1, found.map(|pair| pair.1), (curves, bits, true), rows);
            }
        }
        Ok(())
    }

    /// Writes one line of the group's channels.
    fn write<W: Finish>(
        &self,
        line: usize,
        from: [&[W::Sample]; 3],
        (curves, bits, is_split): (&[Curve; 3], &mut [u32], bool),
        rows: &mut impl Rows,
    ) {
        for (index, channel) in self.channels.iter().enumerate() {
            let channel = usize::from(*channel);
            let Some(row) = rows.row(channel, line) else { continue };
            let curve = &curves[index];
            match (self.components.len(), index) {
                (1, _) => {
                    let unmix = |[sample]: [W::Sample; 1]| sample;
                    widest(FinishRow::<W, 1, _> { from: [from[0]], unmix, curve, bits });
                }
                (_, 0) => widest(FinishRow::<W, 3, _> { from, unmix: W::unmix::<0>, curve, bits }),
                (_, 1) => widest(FinishRow::<W, 3, _> { from, unmix: W::unmix::<1>, curve, bits }),
                _ => widest(FinishRow::<W, 3, _> { from, unmix: W::unmix::<2>, curve, bits }),
            }
            widest(Pack { bits, is_split, kind: self.chunk.channels[channel].kind, row });
        }
    }

    /// The bands that make a resolution of a component.
    fn bands<'a, W: Wavelet>(
        &self,
        index: usize,
        resolution: u8,
        low: &'a [W::Sample],
        coefficients: &'a [W::Coefficient],
    ) -> Bands<'a, W> {
        let (width, height) = resolution_size(&self.components[index], resolution);
        let high = (resolution > 0).then(|| {
            let first = 3 * usize::from(resolution) - 2;
            [0, 1, 2].map(|band| {
                let band = &self.layout.bands_of(self.first + index)[first + band];
                (&coefficients[band.start..][..band.width as usize * band.height as usize], band.step)
            })
        });
        Bands { low, high, width: width as usize, height: height as usize }
    }
}
