//! Owns the Huffman coder of 16-bit symbols that PIZ chunks and the AC streams of DWA chunks share: a packed
//! table of code lengths, canonical codes of up to 58 bits, and a code that repeats the last symbol. Pure.
//!
//! The format is that of OpenEXR's «ImfHuf.cpp»: a block begins with five 32-bit numbers (the first and the
//! last symbol of the table, bytes of the table, bits of the data, nothing), then come the table and the data.
//! Bits are taken from the highest of each byte on. Among canonical codes the long ones are the small numbers.

use super::scratch::{Held, grown};
use crate::decode::DecodeError;

mod bits;
#[cfg(test)]
pub mod pack;

use bits::Bits;

/// Bytes in front of the table.
const HEADER: usize = 20;
/// Symbols that a table may name: all 16-bit ones and the repetition.
const MAX_SYMBOLS: usize = (1 << 16) + 1;
/// A table's numbers from here on are runs of symbols without a code: two and more.
const SHORT_RUN: u64 = 59;
/// Precedes eight bits: symbols without a code less six.
const LONG_RUN: u64 = 63;
/// The longest code that is read. The format goes to 58 bits, but a code past 56 takes more symbols than a
/// chunk can hold (a Fibonacci number of them), and 56 bits are what a refill grants.
const MAX_LENGTH: usize = 56;
/// Bits that choose a cell.
const CELL_BITS: u32 = 12;
const CELLS: usize = 1 << CELL_BITS;
/// The longest code that a cell resolves: three of them fit in what a refill grants.
const MAX_QUICK: usize = 18;
/// Symbols that one refill is enough for.
const QUICK_SYMBOLS: usize = 3;
/// Slots for symbols in the order of their codes: a power of two, so that an index is masked into range.
const SLOTS: usize = 1 << 17;
/// Marks cells that do not resolve a code.
const UNRESOLVED: u32 = 1 << 31;
/// Blocks of fewer symbols are decoded from one end.
const MIN_HALVED: usize = 4096;
/// Symbols of a second half that are decoded ahead.
const MAX_SPARE: usize = 1 << 22;

/// What a thread keeps between blocks: about half a megabyte, and the largest block's bytes, up to 8 MiB. Empty
/// before the first block.
#[derive(Default)]
pub struct Tables {
    code: Code,
    /// Symbols of a block's second half, before their place is known.
    spare: Vec<u16>,
}

/// A block's code.
struct Code {
    /// `symbol << 8 | length` of each symbol that has a code, by symbol.
    coded: Vec<u32>,
    /// The symbols by length, then by symbol.
    slots: Vec<u16>,
    /// By the leading bits of the data: `(slot - code) << 8 | length`, or [`UNRESOLVED`] with a length that no
    /// code there goes below.
    cells: Vec<u32>,
    lengths: [Length; MAX_LENGTH + 1],
    /// The slot of the code that repeats; none when it has no code.
    repeat: Option<usize>,
}

impl Default for Code {
    fn default() -> Self {
        let lengths = [Length::default(); MAX_LENGTH + 1];
        Self { coded: Vec::new(), slots: Vec::new(), cells: Vec::new(), lengths, repeat: None }
    }
}

impl Held for Tables {
    fn held_bytes(&self) -> usize {
        let Self { code: Code { coded, slots, cells, lengths: _, repeat: _ }, spare } = self;
        coded.held_bytes() + slots.held_bytes() + cells.held_bytes() + spare.held_bytes()
    }
}

/// The canonical codes of one length.
#[derive(Debug, Clone, Copy, Default)]
struct Length {
    /// How many there are.
    count: usize,
    /// The lowest, in the highest bits.
    lowest: u64,
    /// The slot of the lowest less the lowest, modulo [`SLOTS`].
    shift: u32,
    /// The slot of the next symbol while they are put in their slots, in the end the one after the last.
    next: usize,
}

/// Decodes a whole block of exactly `symbols.len()` symbols.
///
/// # Errors
/// [`DecodeError::Damaged`] for a broken table, data that run out, and a block of another length.
pub fn decode(compressed: &[u8], symbols: &mut [u16], tables: &mut Tables) -> Result<(), DecodeError> {
    let (count, left) = decode_some(compressed, symbols, tables)?;
    if count > symbols.len() || left > 0 {
        return Err(damaged("is longer than its chunk"));
    }
    Ok(())
}

/// Decodes the first `symbols.len()` symbols of a block that may be longer.
///
/// # Errors
/// [`DecodeError::Damaged`] for a broken table and data that run out.
pub fn decode_start(compressed: &[u8], symbols: &mut [u16], tables: &mut Tables) -> Result<(), DecodeError> {
    decode_some(compressed, symbols, tables).map(|_| ())
}

/// Fills `symbols`; says how many there are up to the end of the last code, and how many bits follow it.
fn decode_some(
    compressed: &[u8],
    symbols: &mut [u16],
    tables: &mut Tables,
) -> Result<(usize, usize), DecodeError> {
    let (header, rest) = compressed.split_at_checked(HEADER).ok_or_else(|| damaged("has no header"))?;
    let number = |at: usize| {
        let bytes = header[at * 4..].first_chunk().copied().unwrap_or_default();
        u32::from_le_bytes(bytes) as usize
    };
    let Tables { code, spare } = tables;
    let mut table = Bits::new(rest, rest.len() * 8);
    code.read(&mut table, number(0), number(1))?;
    // The data begin with a whole byte.
    let table_left = table.left().ok_or_else(|| damaged("is cut short"))?;
    let data = &rest[rest.len() - table_left / 8..];
    let bits = number(3);
    let data = data.get(..bits.div_ceil(8)).ok_or_else(|| damaged("is cut short"))?;
    let mut cursor = Cursor { bits: Bits::new(data, bits), at: 0 };
    let spare = grown(spare, symbols.len().clamp(MIN_HALVED, MAX_SPARE))?;
    if symbols.len() >= MIN_HALVED {
        code.decode_halves(&mut cursor, symbols, spare)?;
    }
    code.decode_until(&mut cursor, symbols, 0)?;
    let left = cursor.bits.left().filter(|_| cursor.at >= symbols.len());
    Ok((cursor.at, left.ok_or_else(|| damaged("is cut short"))?))
}

impl Code {
    /// Reads the lengths of the codes of the symbols `first..=last`, of which the last one repeats, and makes
    /// the tables.
    fn read(&mut self, bits: &mut Bits, first: usize, last: usize) -> Result<(), DecodeError> {
        if first > last || last >= MAX_SYMBOLS {
            return Err(damaged("names impossible symbols"));
        }
        grown(&mut self.coded, MAX_SYMBOLS)?;
        grown(&mut self.slots, SLOTS)?;
        grown(&mut self.cells, CELLS)?;
        self.lengths.fill(Length::default());
        let (mut symbol, mut count) = (first, 0);
        while symbol <= last {
            bits.refill_for(14);
            let length = bits.take(6);
            if length >= SHORT_RUN {
                let run = if length == LONG_RUN { 6 + bits.take(8) } else { 2 + length - SHORT_RUN };
                symbol += run as usize;
                continue;
            }
            let codes = self.lengths.get_mut(length as usize).ok_or_else(|| damaged("has overlong codes"))?;
            codes.count += 1;
            // No branch: symbols without a code are overwritten.
            self.coded[count] = (symbol as u32) << 8 | length as u32;
            count += usize::from(length > 0);
            symbol += 1;
        }
        self.lengths[0].count = 0;
        // A run may not go past the last symbol.
        if symbol != last + 1 {
            return Err(damaged("has a broken table"));
        }
        self.give_codes()?;
        self.place(count, last);
        self.fill_cells();
        Ok(())
    }

    /// Gives out codes and slots to lengths that have their counts.
    fn give_codes(&mut self) -> Result<(), DecodeError> {
        let mut slot = 0;
        for codes in &mut self.lengths {
            codes.next = slot;
            slot += codes.count;
        }
        // A code stands for a part of all bit strings, and the parts must make a whole.
        let mut code = 0_u64;
        for (length, codes) in self.lengths.iter_mut().enumerate().skip(1).rev() {
            codes.lowest = code << (64 - length);
            codes.shift = (codes.next as u32).wrapping_sub(code as u32) % SLOTS as u32;
            code += codes.count as u64;
            if code & 1 != 0 {
                return Err(damaged("has incomplete codes"));
            }
            code /= 2;
        }
        if code == 1 { Ok(()) } else { Err(damaged("has too many codes")) }
    }

    /// Puts the first `count` coded symbols in their slots.
    fn place(&mut self, count: usize, last: usize) {
        self.repeat = None;
        for coded in &self.coded[..count] {
            let (symbol, length) = (coded >> 8, (coded & 0xff) as usize);
            let slot = self.lengths[length].next;
            // The repetition may be symbol 65536; it is known by its slot.
            self.slots[slot] = symbol as u16;
            self.lengths[length].next += 1;
            if symbol as usize == last {
                self.repeat = Some(slot);
            }
        }
    }

    /// Fills the cells.
    fn fill_cells(&mut self) {
        // Codes get longer from the highest cell to the lowest.
        let mut end = CELLS;
        for (length, codes) in self.lengths.iter().enumerate().filter(|(_, codes)| codes.count > 0) {
            let unresolved = UNRESOLVED | length as u32;
            let resolved = if length <= MAX_QUICK { codes.shift << 8 | length as u32 } else { unresolved };
            let start = (codes.lowest >> (64 - CELL_BITS)) as usize;
            let is_shared = codes.lowest << CELL_BITS != 0;
            if start < end {
                self.cells[start..end].fill(resolved);
                // Longer codes have their part of the lowest cell.
                if is_shared {
                    self.cells[start] = unresolved;
                }
            }
            end = end.min(start);
            // The code that repeats is not for the quick loop; it is the last of its length.
            if self.repeat == Some(codes.next - 1) {
                let code = codes.lowest + ((codes.count as u64 - 1) << (64 - length));
                let start = (code >> (64 - CELL_BITS)) as usize;
                for cell in &mut self.cells[start..start + (CELLS >> length).max(1)] {
                    // Where lengths meet, the shortest stands.
                    *cell = if *cell & UNRESOLVED == 0 { unresolved } else { *cell };
                }
            }
        }
    }

    /// Decodes the halves of a block at the same time: what bounds the speed is the wait from each code to the next,
    /// and here two wait at once. The middle of the data is hardly where a code begins, but decoding from a wrong bit
    /// soon falls in step with the right codes (Ferguson and Rabinowitz, «Self-synchronizing Huffman codes», 1984).
    /// Where it does not, the second half is left to do.
    fn decode_halves(
        &self,
        first: &mut Cursor,
        symbols: &mut [u16],
        spare: &mut [u16],
    ) -> Result<(), DecodeError> {
        let middle = first.bits.second_half();
        let stop = middle.left().unwrap_or(0);
        // What the symbol before is does not matter yet, but there must be one to repeat.
        let start = Cursor { bits: middle, at: 1 };
        let mut second = start;
        while first.goes_on(symbols, stop) && second.goes_on(spare, 0) {
            self.decode_both(first, symbols, &mut second, spare, stop);
            self.step(first, symbols)?;
            self.step(&mut second, spare)?;
        }
        self.decode_until(first, symbols, stop)?;
        if first.at < symbols.len() {
            self.decode_until(&mut second, spare, 0)?;
            // Of a repetition that had no room, symbols are missing.
            if second.at <= spare.len() {
                self.join(first, symbols, [start, second], spare)?;
            }
        }
        Ok(())
    }

    /// Lets a cursor go on from where it meets the path of another, whose symbols are in `spare`; or up to the end
    /// of that path where they do not meet.
    fn join<'a>(
        &self,
        cursor: &mut Cursor<'a>,
        symbols: &mut [u16],
        [start, end]: [Cursor<'a>; 2],
        spare: &mut [u16],
    ) -> Result<(), DecodeError> {
        let mut other = start;
        while cursor.goes_on(symbols, 0) && other.at < end.at {
            let (left, other_left) = (cursor.bits.left(), other.bits.left());
            // A repetition may come next, so the symbol before counts too.
            if left == other_left && symbols[..cursor.at].last() == spare[..other.at].last() {
                let found = &spare[other.at..end.at];
                let room = &mut symbols[cursor.at..];
                let count = found.len().min(room.len());
                room[..count].copy_from_slice(&found[..count]);
                *cursor = Cursor { bits: end.bits, at: cursor.at + found.len() };
                return Ok(());
            }
            if left >= other_left {
                self.step(cursor, symbols)?;
            }
            if left <= other_left {
                self.step(&mut other, spare)?;
            }
        }
        Ok(())
    }

    /// Decodes until `symbols` are full or no more than `stop` bits are left.
    fn decode_until(&self, cursor: &mut Cursor, symbols: &mut [u16], stop: usize) -> Result<(), DecodeError> {
        while cursor.goes_on(symbols, stop) {
            self.decode_quickly(cursor, symbols, stop);
            self.step(cursor, symbols)?;
        }
        Ok(())
    }

    /// Decodes up to a code that a cell does not resolve, or to about the end.
    fn decode_quickly(&self, cursor: &mut Cursor, symbols: &mut [u16], stop: usize) {
        let Some(quick) = self.quick() else { return };
        let Cursor { mut bits, mut at } = *cursor;
        let (triples, _) = symbols[at..].as_chunks_mut::<QUICK_SYMBOLS>();
        'triples: for triple in triples {
            if bits.bytes() < stop / 8 || !bits.refill_within() {
                break;
            }
            for symbol in triple {
                let Some(next) = quick.next(&mut bits) else { break 'triples };
                *symbol = next;
                at += 1;
            }
        }
        *cursor = Cursor { bits, at };
    }

    /// Decodes at two places up to a code that a cell does not resolve, or to about the end of either.
    fn decode_both(
        &self,
        first: &mut Cursor,
        symbols: &mut [u16],
        second: &mut Cursor,
        spare: &mut [u16],
        stop: usize,
    ) {
        let Some(quick) = self.quick() else { return };
        // Copies, which may live in registers.
        let (mut one, mut two) = (*first, *second);
        let (triples, _) = symbols[one.at..].as_chunks_mut::<QUICK_SYMBOLS>();
        let (others, _) = spare[two.at..].as_chunks_mut::<QUICK_SYMBOLS>();
        'triples: for (triple, other) in triples.iter_mut().zip(others) {
            if one.bits.bytes() < stop / 8 || !one.bits.refill_within() || !two.bits.refill_within() {
                break;
            }
            for (symbol, other) in triple.iter_mut().zip(other) {
                let Some(next) = quick.next(&mut one.bits) else { break 'triples };
                *symbol = next;
                one.at += 1;
                let Some(next) = quick.next(&mut two.bits) else { break 'triples };
                *other = next;
                two.at += 1;
            }
        }
        (*first, *second) = (one, two);
    }

    /// The tables for codes that cells resolve.
    fn quick(&self) -> Option<Quick<'_>> {
        Some(Quick { cells: self.cells.first_chunk()?, slots: self.slots.first_chunk()? })
    }

    /// Decodes whatever code comes next, if there is room for a symbol.
    fn step(&self, cursor: &mut Cursor, symbols: &mut [u16]) -> Result<(), DecodeError> {
        let Cursor { bits, at } = cursor;
        let Some(symbol) = symbols.get_mut(*at) else { return Ok(()) };
        bits.refill();
        // The longest codes begin at zero, so the search ends.
        let mut length = (self.cells[bits.lead(CELL_BITS)] & 0xff) as usize;
        while bits.window() < self.lengths[length].lowest {
            length += 1;
        }
        let code = bits.take(length as u32);
        let slot = (self.lengths[length].shift as usize + code as usize) % SLOTS;
        if self.repeat != Some(slot) {
            *symbol = self.slots[slot];
            *at += 1;
            return Ok(());
        }
        bits.refill();
        let end = *at + bits.take(8) as usize;
        let last = at.checked_sub(1).ok_or_else(|| damaged("repeats nothing"))?;
        let (symbol, inside) = (symbols[last], end.min(symbols.len()));
        symbols[*at..inside].fill(symbol);
        *at = end;
        Ok(())
    }
}

/// The tables for codes that cells resolve, as arrays, so that no index needs a check.
struct Quick<'a> {
    cells: &'a [u32; CELLS],
    slots: &'a [u16; SLOTS],
}

impl Quick<'_> {
    /// The next symbol if a cell resolves it; its bits must be held.
    #[inline(always)]
    fn next(&self, bits: &mut Bits) -> Option<u16> {
        let cell = self.cells[bits.lead(CELL_BITS)];
        if cell & UNRESOLVED != 0 {
            return None;
        }
        let code = bits.take(cell & 0xff);
        Some(self.slots[((cell >> 8) as usize + code as usize) % SLOTS])
    }
}

/// A place in the data and in the symbols.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    bits: Bits<'a>,
    /// The symbols so far, of which a repetition's last may be past the end.
    at: usize,
}

impl Cursor<'_> {
    /// Whether there is room in `symbols`, and more than `stop` bits are left.
    fn goes_on(&self, symbols: &[u16], stop: usize) -> bool {
        self.at < symbols.len() && self.bits.left() > Some(stop)
    }
}

fn damaged(what: &str) -> DecodeError {
    DecodeError::damaged(format!("a chunk's Huffman block {what}"))
}

#[cfg(test)]
mod tests {
    use super::pack::{block, packed};
    use super::*;
    use proptest::prelude::*;

    fn symbols_of(data: &[(u32, Option<u8>)]) -> Vec<u16> {
        let runs = data.iter().map(|(symbol, times)| (*symbol as u16, 1 + usize::from(times.unwrap_or(0))));
        runs.flat_map(|(symbol, times)| std::iter::repeat_n(symbol, times)).collect()
    }

    fn decoded(block: &[u8], length: usize) -> Result<Vec<u16>, DecodeError> {
        let mut symbols = vec![0xabab; length];
        decode(block, &mut symbols, &mut Tables::default()).map(|()| symbols)
    }

    /// Lengths of complete codes: a tree that grows by splitting a leaf, deep trees more often than not.
    fn lengths() -> impl Strategy<Value = Vec<u64>> {
        let splits = prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..300);
        (splits, prop::collection::vec(0_usize..20, 0..40)).prop_map(|(splits, gaps)| {
            let mut lengths = vec![0_u64];
            for (leaf, deep) in splits {
                let leaf = if deep { lengths.len() - 1 } else { leaf.index(lengths.len()) };
                if lengths[leaf] < 30 {
                    lengths[leaf] += 1;
                    lengths.push(lengths[leaf]);
                }
            }
            for (at, gap) in gaps.into_iter().enumerate() {
                let at = (at * 7) % lengths.len();
                lengths.splice(at..at, std::iter::repeat_n(0, gap));
            }
            lengths
        })
    }

    fn blocks() -> impl Strategy<Value = (Vec<u8>, Vec<u16>)> {
        let picks = prop::collection::vec(
            (any::<prop::sample::Index>(), prop::option::weighted(0.1, 1..=255_u8)),
            0..800,
        );
        (lengths(), 0_u32..60000, picks).prop_map(|(lengths, first, picks)| {
            let coded: Vec<u32> =
                (0..lengths.len() as u32 - 1).filter(|at| lengths[*at as usize] > 0).collect();
            let data: Vec<_> =
                picks.iter().map(|(at, times)| (first + coded[at.index(coded.len())], *times)).collect();
            (block(first, &lengths, &data), symbols_of(&data))
        })
    }

    proptest! {
        #[test]
        fn packed_symbols_come_back(symbols in prop::collection::vec(any::<u16>(), 1..300), copies in 1_usize..600) {
            let symbols: Vec<u16> = symbols.iter().flat_map(|symbol| vec![*symbol; 1 + copies / symbols.len()]).collect();
            prop_assert_eq!(decoded(&packed(&symbols), symbols.len()), Ok(symbols));
        }

        #[test]
        fn blocks_come_back((block, symbols) in blocks()) {
            prop_assert_eq!(decoded(&block, symbols.len()), Ok(symbols));
        }

        #[test]
        fn a_start_is_the_start_of_the_whole((block, symbols) in blocks(), part in any::<prop::sample::Index>()) {
            let part = part.index(symbols.len() + 1);
            let mut start = vec![0; part];
            decode_start(&block, &mut start, &mut Tables::default()).unwrap();
            prop_assert_eq!(&start, &symbols[..part]);
        }

        #[test]
        fn blocks_of_another_length_are_errors((block, symbols) in blocks()) {
            prop_assert!(decoded(&block, symbols.len() + 1).is_err());
            prop_assert!(symbols.is_empty() || decoded(&block, symbols.len() - 1).is_err());
        }

        #[test]
        fn damaged_blocks_do_no_harm(
            (block, symbols) in blocks(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut broken = block;
            for (at, byte) in changes {
                let at = at.index(broken.len());
                broken[at] = byte;
            }
            let _ = decoded(&broken, symbols.len());
            let _ = decoded(&broken[..cut.index(broken.len())], symbols.len());
        }
    }

    #[test]
    fn all_symbols_can_have_a_code() {
        // 65537 of them: one code of 15 bits is split in three.
        let mut lengths = vec![16; 65537];
        (lengths[7], lengths[65536]) = (17, 17);
        let data: Vec<_> = (0..65536).map(|at| (at, (at % 100 == 3).then_some(at as u8))).collect();
        let symbols = symbols_of(&data);
        assert_eq!(decoded(&block(0, &lengths, &data), symbols.len()), Ok(symbols));
    }

    #[test]
    fn the_longest_codes_are_read() {
        for depth in [12, 13, 18, 19, 56] {
            let mut lengths: Vec<u64> = (1..=depth).collect();
            lengths.push(depth);
            let data: Vec<_> = (0..depth as u32).rev().map(|at| (40 + at, Some(at as u8 + 1))).collect();
            let symbols = symbols_of(&data);
            assert_eq!(decoded(&block(40, &lengths, &data), symbols.len()), Ok(symbols), "{depth}");
        }
    }

    #[test]
    fn codes_that_never_fall_in_step_are_read() {
        // All have the same length, so that decoding from a wrong bit stays wrong.
        for (length, seed) in [(9, 1_u32), (9, 2), (11, 3), (13, 4), (16, 5)] {
            let count = (1 << length) - 1;
            let data: Vec<_> =
                (0..20_000).map(|at| (seed.wrapping_mul(at * at + 77_777) % count, None)).collect();
            let symbols = symbols_of(&data);
            let lengths = vec![length; 1 << length];
            for dropped in 0..16 {
                let length = symbols.len() - dropped;
                assert_eq!(
                    decoded(&block(0, &lengths, &data[..length]), length),
                    Ok(symbols[..length].to_vec())
                );
            }
        }
    }

    #[test]
    fn broken_codes_are_errors() {
        let one = [(5, None)];
        assert!(decoded(&block(5, &[1, 1], &one), 1).is_ok());
        for lengths in
            [&[0, 0][..], &[1], &[1, 0], &[1, 2], &[1, 1, 1], &[1, 1, 2, 2], &[2, 2, 2], &[57, 57], &[58, 1]]
        {
            assert!(decoded(&block(5, lengths, &one), 1).is_err(), "{lengths:?}");
        }
    }

    #[test]
    fn broken_headers_are_errors() {
        let whole = block(5, &[1, 2, 2], &[(5, None), (6, Some(3))]);
        assert_eq!(decoded(&whole, 5), Ok(vec![5, 6, 6, 6, 6]));
        // The table's length is not needed.
        for (at, number) in
            [(0, 8), (0, 6), (4, 6), (4, 65537), (4, u32::MAX), (12, 12), (12, 14), (12, u32::MAX)]
        {
            let mut broken = whole.clone();
            broken[at..at + 4].copy_from_slice(&number.to_le_bytes());
            assert!(decoded(&broken, 5).is_err(), "{number} at {at}");
        }
        for length in 0..whole.len() {
            assert!(decoded(&whole[..length], 5).is_err(), "{length}");
        }
    }

    #[test]
    fn a_long_block_of_little_data_is_an_error() {
        for count in 0..40 {
            let block = block(5, &[1, 2, 2], &vec![(5, None); count]);
            assert!(decoded(&block, 9000).is_err(), "{count}");
        }
    }

    #[test]
    fn a_repetition_needs_a_symbol_before_it() {
        assert!(decoded(&block(5, &[1, 1], &[(6, None), (5, None)]), 4).is_err());
    }

    #[test]
    fn endless_repetitions_of_nothing_are_an_error() {
        // Past the end there are zeros, which are the code that repeats and no times.
        assert!(decoded(&block(5, &[1, 2, 2], &[(5, Some(0))]), 9).is_err());
        let mut lengths = vec![2, 1];
        lengths.push(2);
        assert!(decoded(&block(5, &lengths, &[(5, None)]), 300).is_err());
    }
}
