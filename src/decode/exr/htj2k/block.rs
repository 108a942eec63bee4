//! Owns the clean-up pass of a high-throughput code block: from its bytes to coefficients. Format: ITU-T T.814
//! clauses 7.1 to 7.3. Pure.

use super::bits::{FlatBits, Runs};
use super::damaged;
use super::refine::Refinement;
use super::tables::{BOTH, BOTH_IN_FIRST_ROW, BOTH_LARGE, EXPONENT_CODES, QUAD_CODES, QuadCode};
use crate::decode::DecodeError;
use crate::decode::exr::scratch::Held;
use crate::decode::exr::simd::htj2k as simd;

/// Samples of a code block at most (T.800 table A.18), also in one direction, and rows or columns of quads.
const MOST_SAMPLES: u32 = 4096;
pub const MOST_ACROSS: usize = 1024;
const MOST_QUADS: usize = MOST_ACROSS / 2;

/// What a code block's bytes are, and how they are to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Coded<'a> {
    pub cleanup: &'a [u8],
    pub refinement: &'a [u8],
    /// Refinement passes: 0 to 2.
    pub refinements: u8,
    pub width: usize,
    pub height: usize,
    /// Magnitude bits of the band, and how many of the upper ones the block leaves out.
    pub planes: u8,
    pub empty_planes: u8,
    /// Coefficients come out doubled plus one in their last place, so that a fraction of a half is kept.
    pub keeps_half: bool,
}

impl Coded<'_> {
    /// The bit plane of the clean-up, counted from the band's lowest.
    pub fn plane(&self) -> u32 {
        u32::from(self.planes - 1 - self.empty_planes)
    }
}

/// A type of coefficients.
pub trait Coefficient: Copy + Default {
    /// Most bits that a sample's code may have.
    const MOST_BITS: u32;
    /// From a magnitude of at most `MOST_BITS + 1` bits.
    fn new(magnitude: u64, is_negative: bool) -> Self;
    fn magnitude(self) -> u64;
    fn is_negative(self) -> bool;
    /// Decodes the clean-up pass: [`Cleanup::run`] by the fastest way that the machine has.
    fn read(cleanup: &mut Cleanup<Self>) -> Result<(), DecodeError> {
        cleanup.run(read_pair)
    }
}

impl Coefficient for i32 {
    const MOST_BITS: u32 = MOST_NARROW_BITS;
    #[inline(always)]
    fn new(magnitude: u64, is_negative: bool) -> Self {
        let sign = -i32::from(is_negative);
        (magnitude as i32 ^ sign).wrapping_sub(sign)
    }
    fn magnitude(self) -> u64 {
        u64::from(self.unsigned_abs())
    }
    fn is_negative(self) -> bool {
        self < 0
    }
    fn read(cleanup: &mut Cleanup<Self>) -> Result<(), DecodeError> {
        simd::read(cleanup)
    }
}

impl Coefficient for i64 {
    const MOST_BITS: u32 = 56;
    #[inline(always)]
    fn new(magnitude: u64, is_negative: bool) -> Self {
        let sign = -i64::from(is_negative);
        (magnitude as i64 ^ sign).wrapping_sub(sign)
    }
    fn magnitude(self) -> u64 {
        self.unsigned_abs()
    }
    fn is_negative(self) -> bool {
        self < 0
    }
}

/// Most bits of a sample's code in a 32-bit block.
pub const MOST_NARROW_BITS: u32 = 28;

/// What is known of two quads side by side before their values are read.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Lower half: that of the `QuadCode`; upper half: bits of the largest sample that the quad may have.
    pub quads: [u32; 2],
    /// Places that magnitudes move up by, and then down.
    pub up: u32,
    pub down: u32,
}

/// The samples of two quads side by side, and the exponents of the lower ones, 0 where they are not significant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Samples<T> {
    pub top: [T; 4],
    pub bottom: [T; 4],
    pub edge: [u16; 4],
}

/// Memory that a thread keeps between blocks.
#[derive(Debug, Default)]
pub struct BlockScratch {
    codes: FlatBits,
    values: FlatBits,
    rows: Option<Box<Rows>>,
    pub refinement: Refinement,
}

impl Held for BlockScratch {
    fn held_bytes(&self) -> usize {
        let Self { codes, values, rows, refinement } = self;
        let rows = rows.as_ref().map_or(0, |_| size_of::<Rows>());
        codes.held_bytes() + values.held_bytes() + rows + refinement.held_bytes()
    }
}

/// Quads that are prepared at a time, and the length of a row of them.
const LANES: usize = 16;
const MOST_LANES: usize = MOST_QUADS + LANES + 2;

/// Rows of quads in the making.
#[derive(Debug)]
struct Rows {
    /// The code of each quad, and in the upper half its exponent above the predicted one, of this row and of the one
    /// before; quad `q` at `q + 1`. Around them all is 0.
    quads: [[u32; MOST_LANES]; 2],
    /// What the row above adds to table indices.
    contexts: [u32; MOST_LANES],
    /// Exponents of lower samples of the row above, the left one in the lower half; quad `q` at `q + 1`.
    edges: [u32; MOST_LANES],
    /// What is known of the row above: [`Pair::quads`].
    known: [u32; MOST_LANES],
}

const EMPTY_ROWS: Rows = Rows {
    quads: [[0; MOST_LANES]; 2],
    contexts: [0; MOST_LANES],
    edges: [0; MOST_LANES],
    known: [0; MOST_LANES],
};

/// Decodes a block into `out`, whose rows are `stride` apart.
///
/// # Errors
/// [`DecodeError::Damaged`] for blocks that break the format.
pub fn decode<T: Coefficient>(
    coded: &Coded,
    out: &mut [T],
    stride: usize,
    scratch: &mut BlockScratch,
) -> Result<(), DecodeError> {
    let broken = || damaged("a chunk's code block is broken");
    let (width, height) = (coded.width, coded.height);
    if width * height > MOST_SAMPLES as usize || width > MOST_ACROSS || height > MOST_ACROSS {
        return Err(broken());
    }
    if coded.empty_planes >= coded.planes {
        return Err(broken());
    }
    let bytes = coded.cleanup;
    let [.., upper, lower] = *bytes else { return Err(broken()) };
    let suffix = usize::from(lower) << 4 | usize::from(upper & 15);
    if suffix < 2 || suffix > bytes.len() || suffix > 4079 {
        return Err(broken());
    }
    let (values, codes) = bytes.split_at(bytes.len() - suffix);
    let (codes, _) = codes.split_at(codes.len() - 1);
    scratch.values.forward(values, 0xFF)?;
    scratch.codes.backward(codes, true)?;
    let runs = Runs::new(&codes[..codes.len() - 1], upper);
    let BlockScratch { codes, values, rows, .. } = scratch;
    let rows = rows.get_or_insert_with(|| Box::new(EMPTY_ROWS));
    T::read(&mut Cleanup { coded, runs, codes, values, rows, out, stride })?;
    if coded.refinements > 0 {
        scratch.refinement.apply(coded, out, stride)?;
    }
    Ok(())
}

/// A clean-up pass on its way into `out`.
pub struct Cleanup<'a, T> {
    coded: &'a Coded<'a>,
    runs: Runs<'a>,
    codes: &'a FlatBits,
    values: &'a FlatBits,
    rows: &'a mut Rows,
    out: &'a mut [T],
    stride: usize,
}

impl<T: Coefficient> Cleanup<'_, T> {
    /// Decodes the pass; `read` reads the values of a pair that start at a bit and says where they end, if they do.
    /// The codes of a row are read along with the values of the row above it: the former are a long chain of
    /// dependent steps, in whose shade a processor does the latter.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] for blocks that break the format.
    #[inline(always)]
    pub fn run(
        &mut self,
        read: impl Fn(&Pair, &FlatBits, usize) -> Option<(Samples<T>, usize)>,
    ) -> Result<(), DecodeError> {
        let coded = self.coded;
        let (across, down, pairs) =
            (coded.width.div_ceil(2), coded.height.div_ceil(2), coded.width.div_ceil(4));
        let most = T::MOST_BITS.min(u32::from(coded.empty_planes) + 2);
        let (up, halved) = (coded.plane(), u32::from(!coded.keeps_half));
        self.rows.start(2 * pairs);
        let (mut code_bit, mut value_bit) = (0, 0);
        for row in 0..=down {
            if row > 0 && self.rows.take_row(2 * pairs, row) > most {
                return Err(damaged("a chunk's code block is broken"));
            }
            let (has_codes, has_values) = (row < down, row > 0);
            let mut reader = PairReader { codes: self.codes, bit: code_bit, left: 0, is_first_row: row == 0 };
            let Rows { quads, contexts, edges, known } = &mut *self.rows;
            let [quads, _] = ordered(quads, row);
            let (quads, edges) =
                (&mut quads[1..].as_chunks_mut().0[..pairs], &mut edges[1..].as_chunks_mut().0[..pairs]);
            let (contexts, known) = (&contexts.as_chunks().0[..pairs], &known.as_chunks().0[..pairs]);
            let (top, bottom) = lines(self.out, self.stride, coded, row.saturating_sub(1));
            for pair in 0..pairs {
                if has_codes {
                    quads[pair] = reader.pair(contexts[pair], 2 * pair + 1 < across, &mut self.runs);
                }
                if has_values {
                    let Some((samples, end)) =
                        read(&Pair { quads: known[pair], up, down: halved }, self.values, value_bit)
                    else {
                        return Err(damaged("a chunk's code block is cut"));
                    };
                    value_bit = end;
                    put(top, 4 * pair, samples.top);
                    put(bottom, 4 * pair, samples.bottom);
                    let [left, right, next_left, next_right] = samples.edge.map(u32::from);
                    edges[pair] = [left | right << 16, next_left | next_right << 16];
                }
            }
            code_bit = reader.bit;
            if code_bit > self.codes.length || value_bit > self.values.length + 64 {
                return Err(damaged("a chunk's code block is cut"));
            }
        }
        Ok(())
    }
}

/// The buffer of row `row`, and that of the row before it.
#[inline(always)]
fn ordered<T>(buffers: &mut [T; 2], row: usize) -> [&mut T; 2] {
    let [even, odd] = buffers;
    if row.is_multiple_of(2) { [even, odd] } else { [odd, even] }
}

/// The two lines of a block's row of quads; the lower one is empty below the block.
#[inline(always)]
fn lines<'a, T>(out: &'a mut [T], stride: usize, coded: &Coded, row: usize) -> (&'a mut [T], &'a mut [T]) {
    let below = &mut out[2 * row * stride..];
    let (top, rest) = below.split_at_mut(stride.min(below.len()));
    let bottom = if 2 * row + 1 < coded.height { &mut rest[..coded.width] } else { &mut [] };
    (&mut top[..coded.width], bottom)
}

/// Writes what of four samples lies within the line.
#[inline(always)]
fn put<T: Copy>(line: &mut [T], at: usize, samples: [T; 4]) {
    match line.get_mut(at..at + 4) {
        Some(place) => place.copy_from_slice(&samples),
        None => line.iter_mut().skip(at).zip(samples).for_each(|(place, sample)| *place = sample),
    }
}

impl Rows {
    fn start(&mut self, count: usize) {
        let [quads, other] = &mut self.quads;
        for row in [quads, other, &mut self.contexts, &mut self.edges] {
            row[..count + LANES + 2].fill(0);
        }
    }

    /// Prepares row `row` once the codes of the row above it are known, and the values of the row above that: what
    /// significant samples add to table indices (T.814 clause 7.3.5: whether there is one above or above to the
    /// left, and one above or above to the right), and the sizes of the row above: what neighbours predict, and an
    /// excess (7.3.7 and 7.3.8). Gives back the largest size that counts.
    #[inline(always)]
    fn take_row(&mut self, count: usize, row: usize) -> u32 {
        let [_, quads] = ordered(&mut self.quads, row);
        let mut largest = [0; LANES];
        for at in (0..count).step_by(LANES) {
            let (before, these, after) = (lanes(quads, at), lanes(quads, at + 1), lanes(quads, at + 2));
            let edges = &self.edges;
            let (left_edge, edge, right_edge) =
                (lanes(edges, at), lanes(edges, at + 1), lanes(edges, at + 2));
            let (mut contexts, mut known) = ([0; LANES], [0; LANES]);
            for lane in 0..LANES {
                let left = (before[lane] >> 3 | these[lane] >> 1) & 1;
                let right = (these[lane] >> 3 | after[lane] >> 1) & 1;
                contexts[lane] = left << 7 | right << 9;
                let samples = these[lane] & 15;
                let above = (edge[lane] & 0xFFFF).max(edge[lane] >> 16).max(left_edge[lane] >> 16);
                let above = above.max(right_edge[lane] & 0xFFFF).max(1);
                let has_several = samples & samples.wrapping_sub(1) != 0;
                let size = (these[lane] >> 16) + if has_several { (above - 1).max(1) } else { 1 };
                known[lane] = these[lane] & 0xFFFF | size << 16;
                largest[lane] = largest[lane].max(if samples == 0 { 0 } else { size });
            }
            self.contexts[at..at + LANES].copy_from_slice(&contexts);
            self.known[at..at + LANES].copy_from_slice(&known);
        }
        largest.into_iter().max().unwrap_or(0)
    }
}

/// A row's values from `at` on; rows are long enough.
#[inline(always)]
fn lanes(row: &[u32], at: usize) -> [u32; LANES] {
    row[at..].first_chunk().copied().unwrap_or_default()
}

/// Reads the codes of quads two by two.
struct PairReader<'a> {
    codes: &'a FlatBits,
    bit: usize,
    /// What the quad to the left adds to the table index.
    left: u32,
    is_first_row: bool,
}

impl PairReader<'_> {
    /// The next two quads, each with its exponent above the predicted one in the upper half.
    #[inline(always)]
    fn pair(&mut self, contexts: [u32; 2], has_second: bool, runs: &mut Runs) -> [u32; 2] {
        let table = &QUAD_CODES[usize::from(!self.is_first_row)];
        let mut word = self.codes.peek(self.bit);
        let first = next_code(table, self.left | contexts[0], &mut word, runs);
        let second =
            if has_second { next_code(table, first >> 16 | contexts[1], &mut word, runs) } else { 0 };
        self.left = second >> 16;
        self.bit += ((first >> 13 & 7) + (second >> 13 & 7)) as usize;
        let mut case = (first >> 12 & 1 | second >> 11 & 2) as usize;
        if self.is_first_row && case == BOTH {
            case = if runs.symbol() { BOTH_LARGE } else { BOTH_IN_FIRST_ROW };
        }
        let (excess, taken) = exponents(case, word);
        self.bit += taken;
        [first & 0xFFFF | excess[0] << 16, second & 0xFFFF | excess[1] << 16]
    }
}

/// The code of a quad in a context; the run-length decoder may say that there is none.
#[inline(always)]
fn next_code(table: &[QuadCode; 1024], context: u32, word: &mut u64, runs: &mut Runs) -> QuadCode {
    if context == 0 && !runs.symbol() {
        return 0;
    }
    let code = table[(context | *word as u32 & 0x7F) as usize & 0x3FF];
    *word >>= code >> 13 & 7;
    code
}

/// The exponent codes of a pair of quads (T.814 clause 7.3.6), and how many bits they took.
#[inline(always)]
fn exponents(case: usize, word: u64) -> ([u32; 2], usize) {
    let entry = EXPONENT_CODES[(case << 6 | (word & 0x3F) as usize) & 0x1FF];
    let mut used = (entry & 31) as usize;
    let word = word as u32;
    let (first, second) = (entry >> 8 & 7, entry >> 11 & 7);
    let rest = word >> (entry >> 5 & 7);
    let mut left = rest & ((1 << first) - 1);
    let mut right = rest >> first & ((1 << second) - 1);
    if left.max(right) >= 28 {
        let mut extended = |suffix: u32| {
            let extension = word >> used & 15;
            let extends = suffix >= 28;
            used += if extends { 4 } else { 0 };
            if extends { suffix + 4 * extension } else { suffix }
        };
        left = extended(left);
        right = extended(right);
    }
    ([left + (entry >> 16 & 15), right + (entry >> 20 & 15)], used)
}

/// Reads the values of a pair one by one, for all types and machines.
#[inline(always)]
pub fn read_pair<T: Coefficient>(
    pair: &Pair,
    values: &FlatBits,
    mut bit: usize,
) -> Option<(Samples<T>, usize)> {
    let mut samples = Samples::default();
    for half in 0..2 {
        let (code, size) = (pair.quads[half], pair.quads[half] >> 16);
        for sample in 0..4 {
            if code >> sample & 1 == 0 {
                continue;
            }
            let count = size - (code >> (4 + sample) & 1);
            let read = values.peek(bit) & ((1 << count) - 1) | u64::from(code >> (8 + sample) & 1) << count;
            bit += count as usize;
            let value = T::new(((read | 1) + 2) << pair.up >> pair.down, read & 1 != 0);
            let exponent = 64 - (read | 1).leading_zeros() as u16;
            match sample {
                0 => samples.top[2 * half] = value,
                1 => (samples.bottom[2 * half], samples.edge[2 * half]) = (value, exponent),
                2 => samples.top[2 * half + 1] = value,
                _ => (samples.bottom[2 * half + 1], samples.edge[2 * half + 1]) = (value, exponent),
            }
        }
    }
    Some((samples, bit))
}
