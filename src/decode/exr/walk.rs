//! Owns the way over the chunks of one frame: offset table, chunk leaders, codec, planes. The frame is parted into
//! bands of chunk rows, which one thread or several take from the top until none is left. What no good chunk
//! fills is cleared and named.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::blocks::BlockGrid;
use super::direct::DirectLines;
use super::help::with_help;
use super::place::Band;
use super::plan::FramePlan;
use super::proxy::Shrink;
use super::scratch::{Held, held_in};
use super::source::{ReadWindow, Source};
use super::{deep, gate};
use crate::decode::{DecodeEnd, DecodeError, Decoded};
use crate::epoch::EpochWatch;
use crate::frame::Area;

/// Bands have at least so many lines: chunks of one line are too little work to ask for each.
const MIN_BAND_LINES: u32 = 16;

/// A chunk's rectangle, and where its bytes lie in the file.
pub struct FoundChunk {
    pub area: Area,
    pub offset: u64,
    pub length: usize,
    deep: Option<DeepSizes>,
}

/// What is stated in front of a chunk of deep data: bytes of its table, and of its samples unpacked.
#[derive(Clone, Copy)]
struct DeepSizes {
    table: usize,
    unpacked: u64,
}

/// The chunks of a frame's level.
pub struct ChunkWalk<'a> {
    plan: &'a FramePlan,
    source: &'a Source<'a>,
    table: ChunkTable,
}

/// For every chunk its offset in the file, and whether it has been decoded.
#[derive(Default)]
struct ChunkTable {
    offsets: Vec<u64>,
    is_done: Vec<AtomicBool>,
}

thread_local! {
    /// The memory of this thread's last table.
    static SPARE: Cell<ChunkTable> = const { Cell::new(ChunkTable { offsets: Vec::new(), is_done: Vec::new() }) };
}

impl Held for ChunkTable {
    fn held_bytes(&self) -> usize {
        self.offsets.held_bytes() + self.is_done.capacity() * size_of::<AtomicBool>()
    }
}

/// Bytes of the table that the calling thread keeps.
pub fn held_bytes() -> usize {
    held_in(&SPARE)
}

/// Gives the kept table back.
pub fn release() {
    drop(SPARE.take());
}

/// What the threads of one frame share.
struct Work<'m> {
    rest: Band<'m>,
    next_row: u32,
    threads: u32,
    is_stale: bool,
    /// Ends the frame.
    failure: Option<DecodeError>,
    /// Spoils a chunk; the first of them is told when no chunk is good.
    damage: Option<DecodeError>,
}

impl<'a> ChunkWalk<'a> {
    /// Reads the offset table; entries beyond the file's end read as zero.
    ///
    /// # Errors
    /// [`DecodeError::Io`] when it cannot be read.
    pub fn new(
        plan: &'a FramePlan,
        source: &'a Source<'a>,
        window: &mut ReadWindow,
    ) -> Result<Self, DecodeError> {
        let mut table = SPARE.take();
        let count = plan.grid.chunk_count() as usize;
        let readable = count.min(source.file_bytes().saturating_sub(plan.table_offset) as usize / 8);
        let entries = window.bytes(source, plan.table_offset, readable * 8)?.as_chunks::<8>().0;
        table.offsets.clear();
        table.offsets.extend(entries.iter().map(|entry| u64::from_le_bytes(*entry)));
        table.offsets.resize(count, 0);
        table.is_done.clear();
        table.is_done.resize_with(count, AtomicBool::default);
        Ok(Self { plan, source, table })
    }

    /// Decodes into `memory` on this thread and on up to `helpers` more.
    ///
    /// # Errors
    /// [`DecodeError`] when the file cannot be read or no chunk is good.
    pub fn decode(
        &self,
        window: &mut ReadWindow,
        watch: &EpochWatch,
        helpers: usize,
        memory: &mut [u8],
    ) -> Result<DecodeEnd, DecodeError> {
        let placement = &self.plan.placement;
        let threads = (helpers as u32 + 1).min(self.plan.grid.rows());
        let work = Mutex::new(Work {
            rest: placement.whole(memory),
            next_row: 0,
            threads,
            is_stale: false,
            failure: None,
            damage: None,
        });
        let help = || self.work(&work, &mut ReadWindow::new(), watch);
        with_help(threads as usize - 1, help, || self.work(&work, window, watch));
        let Work { failure, damage, is_stale, .. } =
            work.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = failure {
            return Err(failure);
        }
        if is_stale {
            return Ok(DecodeEnd::Skipped);
        }
        let missing = self.missing();
        if self.table.is_done.iter().all(|is_done| !is_done.load(Ordering::Relaxed)) {
            return Err(damage.unwrap_or_else(|| DecodeError::damaged("it has no chunks")));
        }
        let mut band = placement.whole(memory);
        missing.iter().for_each(|area| placement.clear(self.plan.shrink.shrunk(*area), &mut band));
        let missing = missing.into_iter().map(|area| self.in_data_window(area)).collect();
        Ok(DecodeEnd::Done(Decoded { layout: placement.layout().clone(), missing }))
    }

    /// Takes bands until none is left or the frame has ended.
    fn work(&self, work: &Mutex<Work>, window: &mut ReadWindow, watch: &EpochWatch) {
        let lock = || work.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Some((rows, mut band)) = self.next_band(&mut lock()) else { return };
            if self.read_directly(rows.clone(), watch, &mut band) {
                continue;
            }
            let columns = 0..self.plan.grid.columns();
            let rows = rows.filter(|row| self.plan.shrink.takes_row(*row));
            for position in rows.flat_map(|row| columns.clone().map(move |column| (column, row))) {
                // Noted at the first look: a watch that was stale may be stamped again.
                if watch.is_stale() {
                    return lock().is_stale = true;
                }
                match self.decode_chunk(window, position, &mut band) {
                    Ok(()) => self.table.is_done[self.number(position)].store(true, Ordering::Relaxed),
                    Err(error @ DecodeError::Io { .. }) => return lock().failure = Some(error),
                    Err(error) => _ = lock().damage.get_or_insert(error),
                }
            }
        }
    }

    /// Reads uncompressed rows without a detour. `false` when that does not go for all of them.
    fn read_directly(&self, rows: Range<u32>, watch: &EpochWatch, band: &mut Band) -> bool {
        let plan = self.plan;
        let lines = DirectLines {
            source: self.source,
            placement: &plan.placement,
            part_number: plan.part_number,
            first_line: plan.first_line,
        };
        let most = lines.lines_a_call();
        if !plan.codec.is_none()
            || plan.part.tiles.is_some()
            || plan.part.is_deep
            || plan.shrink != Shrink::NONE
            || most == 0
        {
            return false;
        }
        let numbers = rows.start as usize..rows.end as usize;
        for start in numbers.clone().step_by(most) {
            if watch.is_stale() {
                return false;
            }
            let call = start..numbers.end.min(start + most);
            if !lines.read(start as u32, &self.table.offsets[call.clone()], band) {
                return false;
            }
            self.table.is_done[call].iter().for_each(|is_done| is_done.store(true, Ordering::Relaxed));
        }
        true
    }

    /// Takes the next chunk rows: many at first, so that each thread reads long stretches of the file, fewer towards
    /// the end, so that all end together.
    fn next_band<'m>(&self, work: &mut Work<'m>) -> Option<(Range<u32>, Band<'m>)> {
        let grid = &self.plan.grid;
        let left = grid.rows() - work.next_row;
        if left == 0 || work.is_stale || work.failure.is_some() {
            return None;
        }
        let share = if work.threads == 1 { left } else { left / (2 * work.threads) };
        let rows = share.max(MIN_BAND_LINES.div_ceil(grid.block_height())).min(left);
        let first_row = work.next_row;
        work.next_row += rows;
        let end = work.next_row.saturating_mul(grid.block_height()).min(grid.height());
        let end = end.div_ceil(self.plan.shrink.down);
        Some((first_row..work.next_row, self.plan.placement.take_above(end, &mut work.rest)))
    }

    /// Decodes the chunk that the table puts at a position: tables of damaged files point anywhere, or everywhere at
    /// the same.
    fn decode_chunk(
        &self,
        window: &mut ReadWindow,
        position: (u32, u32),
        band: &mut Band,
    ) -> Result<(), DecodeError> {
        let found = self.find_chunk(window, position)?;
        let compressed = window.bytes(self.source, found.offset, found.length)?;
        let placement = &self.plan.placement;
        let chunk = placement.chunk(found.area);
        let mut rows = placement.rows(self.plan.shrink.shrunk(found.area), band);
        if self.plan.shrink != Shrink::NONE {
            return self.plan.codec.decode_shrunk(&chunk, self.plan.shrink, compressed, &mut rows);
        }
        let Some(sizes) = found.deep else { return self.plan.codec.decode(&chunk, compressed, &mut rows) };
        let (table, samples) = compressed.split_at(sizes.table);
        let compression = self.plan.part.compression;
        let packed = deep::Packed { compression, table, samples, unpacked: sizes.unpacked };
        deep::decode_here(&chunk, packed, &mut rows)
    }

    /// The chunks whose leaders can be found, in the order of the table.
    pub fn found_chunks(&self, window: &mut ReadWindow) -> Vec<FoundChunk> {
        let columns = self.plan.grid.columns();
        let positions =
            (0..self.plan.grid.rows()).flat_map(|row| (0..columns).map(move |column| (column, row)));
        positions.filter_map(|position| self.find_chunk(window, position).ok()).collect()
    }

    /// Reads a chunk's leader and checks that it is the one of this position.
    fn find_chunk(&self, window: &mut ReadWindow, position: (u32, u32)) -> Result<FoundChunk, DecodeError> {
        let plan = self.plan;
        let area = plan.grid.block(position.0, position.1);
        let area = area.ok_or_else(|| DecodeError::damaged("a chunk lies outside the data window"))?;
        let offset = self.table.offsets[self.number(position)];
        if offset == 0 {
            return Err(DecodeError::damaged("a chunk has not been written"));
        }
        let mut leader = Leader { window, source: self.source, at: offset };
        if let Some(number) = plan.part_number
            && usize::try_from(leader.int()?) != Ok(number)
        {
            return Err(DecodeError::damaged("a chunk belongs to another part"));
        }
        let is_here = if plan.part.tiles.is_some() {
            let tile = (i64::from(leader.int()?), i64::from(leader.int()?));
            let level = (i64::from(leader.int()?), i64::from(leader.int()?));
            let (level_x, level_y) = plan.grid.level();
            tile == (position.0.into(), position.1.into()) && level == (level_x.into(), level_y.into())
        } else {
            i64::from(leader.int()?) == i64::from(plan.first_line) + i64::from(area.y)
        };
        if !is_here {
            return Err(DecodeError::damaged("a chunk is not the one that the table puts there"));
        }
        if plan.part.is_deep {
            let (table, samples, unpacked) = (leader.long()?, leader.long()?, leader.long()?);
            let length = table.checked_add(samples).filter(|length| *length <= gate::MAX_CHUNK_BYTES);
            let length =
                length.ok_or_else(|| DecodeError::damaged("a deep chunk declares more than the limit"))?;
            let deep = DeepSizes { table: table as usize, unpacked };
            return Ok(FoundChunk { area, offset: leader.at, length: length as usize, deep: Some(deep) });
        }
        let length = self.checked_size(leader.int()?, area)?;
        Ok(FoundChunk { area, offset: leader.at, length, deep: None })
    }

    /// A chunk is never stored larger than its samples.
    fn checked_size(&self, size: i32, area: Area) -> Result<usize, DecodeError> {
        let most = u64::from(area.width) * u64::from(area.height) * gate::bytes_per_pixel(&self.plan.part);
        usize::try_from(size)
            .ok()
            .filter(|size| *size as u64 <= most)
            .ok_or_else(|| DecodeError::damaged(format!("a chunk declares {size} bytes")))
    }

    fn number(&self, (column, row): (u32, u32)) -> usize {
        row as usize * self.plan.grid.columns() as usize + column as usize
    }

    /// An area of this level, as large as the full size; of lines that stand for others, with those.
    fn in_data_window(&self, area: Area) -> Area {
        let (grid, data) = (&self.plan.grid, self.plan.layout().data_window());
        let height =
            if self.plan.shrink.across == 1 { area.height.max(self.plan.shrink.down) } else { area.height };
        let scaled = |at: u32, side: u32, full: u32| {
            (u64::from(at) * u64::from(full) / u64::from(side.max(1))).min(full.into()) as u32
        };
        let (x, y) = (scaled(area.x, grid.width(), data.width), scaled(area.y, grid.height(), data.height));
        let right = scaled(area.x + area.width, grid.width(), data.width);
        let bottom = scaled(area.y + height, grid.height(), data.height);
        Area { x, y, width: (right - x).max(1), height: (bottom - y).max(1) }
    }

    /// What no chunk has filled, in as few rectangles as neighbours make.
    fn missing(&self) -> Vec<Area> {
        let grid: &BlockGrid = &self.plan.grid;
        let mut areas: Vec<Area> = Vec::new();
        // Where the areas that end at the row above begin.
        let mut above = 0;
        for row in (0..grid.rows()).filter(|row| self.plan.shrink.takes_row(*row)) {
            let first_of_row = areas.len();
            for column in 0..grid.columns() {
                if self.table.is_done[self.number((column, row))].load(Ordering::Relaxed) {
                    continue;
                }
                let Some(area) = grid.block(column, row) else { continue };
                match areas[first_of_row..].last_mut() {
                    Some(last) if last.x + last.width == area.x => last.width += area.width,
                    _ => areas.push(area),
                }
            }
            above = join_rows(&mut areas, above, first_of_row);
        }
        areas
    }
}

/// Joins the row of areas from `row` on to the one from `above` on, where both are the same but for their lines.
/// Gives where the last row now begins.
fn join_rows(areas: &mut Vec<Area>, above: usize, row: usize) -> usize {
    let (upper, lower) = areas[above..].split_at_mut(row - above);
    let is_same = |(upper, lower): (&Area, &Area)| {
        (upper.x, upper.width) == (lower.x, lower.width) && upper.y + upper.height == lower.y
    };
    if lower.is_empty() || upper.len() != lower.len() || !upper.iter().zip(lower.iter()).all(is_same) {
        return row;
    }
    upper.iter_mut().zip(lower.iter()).for_each(|(upper, lower)| upper.height += lower.height);
    areas.truncate(row);
    above
}

impl Drop for ChunkWalk<'_> {
    fn drop(&mut self) {
        SPARE.set(std::mem::take(&mut self.table));
    }
}

/// Reads the numbers in front of a chunk.
struct Leader<'a> {
    window: &'a mut ReadWindow,
    source: &'a Source<'a>,
    at: u64,
}

impl Leader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut taken = [0; N];
        taken.copy_from_slice(self.window.bytes(self.source, self.at, N)?);
        self.at += N as u64;
        Ok(taken)
    }

    fn int(&mut self) -> Result<i32, DecodeError> {
        self.take().map(i32::from_le_bytes)
    }

    fn long(&mut self) -> Result<u64, DecodeError> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_same_columns_join() {
        let area = |x, y, width| Area { x, y, width, height: 16 };
        let mut areas = vec![area(0, 0, 8), area(16, 0, 8), area(0, 16, 8), area(16, 16, 8)];
        assert_eq!(join_rows(&mut areas, 0, 2), 0);
        assert_eq!(areas, [Area { height: 32, ..area(0, 0, 8) }, Area { height: 32, ..area(16, 0, 8) }]);
        // Below a gap and beside each other nothing joins.
        areas.extend([area(0, 48, 8), area(16, 48, 8)]);
        assert_eq!(join_rows(&mut areas, 0, 2), 2);
        areas.push(area(0, 64, 24));
        assert_eq!(join_rows(&mut areas, 2, 4), 4);
        assert_eq!(areas.len(), 5);
    }
}
