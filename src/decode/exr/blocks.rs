//! Owns which rectangle of the data window each chunk of a part covers, and in what order the offset
//! table lists them («OpenEXR File Layout», chunk offset table). Pure.

use super::header::{LevelMode, PartHeader, TileDescription};
use crate::frame::{Area, Window};

/// The chunks of one resolution level of one part.
#[derive(Debug, Clone, Copy)]
pub struct BlockGrid {
    width: u32,
    height: u32,
    block_width: u32,
    block_height: u32,
    /// Number of the level in x and y; 0 is full size.
    level: (u32, u32),
    /// Position of the level's first chunk in the offset table.
    first_chunk: u64,
}

/// Scan lines in a chunk, by the number of the compression.
pub fn lines_per_chunk(compression: u8) -> u32 {
    match compression {
        3 | 5 => 16,
        4 | 6 | 7 | 8 | 11 => 32,
        9 | 10 | 12 => 256,
        _ => 1,
    }
}

impl BlockGrid {
    /// The full-size level of a part whose data window is `window`; tile sides of zero count as one.
    pub fn new(part: &PartHeader, window: Window) -> Self {
        let (block_width, block_height) = match part.tiles {
            Some(tiles) => (tiles.width.max(1), tiles.height.max(1)),
            None => (window.width, lines_per_chunk(part.compression)),
        };
        let (width, height) = (window.width, window.height);
        Self { width, height, block_width, block_height, level: (0, 0), first_chunk: 0 }
    }

    /// Every level of a part, in the order of the offset table.
    pub fn levels(part: &PartHeader, window: Window) -> impl Iterator<Item = Self> {
        let full = Self::new(part, window);
        let tiles = part.tiles.unwrap_or(TileDescription {
            width: 1,
            height: 1,
            level_mode: LevelMode::One,
            rounds_up: false,
        });
        let count = |side: u32| level_count(side, tiles.rounds_up);
        let (columns, rows) = match tiles.level_mode {
            LevelMode::One => (1, 1),
            LevelMode::MipMap => (1, count(full.width.max(full.height))),
            LevelMode::RipMap => (count(full.width), count(full.height)),
        };
        let is_rip = tiles.level_mode == LevelMode::RipMap;
        let numbers =
            (0..rows).flat_map(move |y| (0..columns).map(move |x| if is_rip { (x, y) } else { (y, y) }));
        numbers.scan(0, move |first_chunk, level| {
            let side = |side: u32, level: u32| level_side(side, level, tiles.rounds_up);
            let (width, height) = (side(full.width, level.0), side(full.height, level.1));
            let grid = Self { width, height, level, first_chunk: *first_chunk, ..full };
            *first_chunk += grid.chunk_count();
            Some(grid)
        })
    }

    /// The level `number` times halved in both directions, or the smallest that the part has.
    pub fn at_level(part: &PartHeader, window: Window, number: u32) -> Self {
        let even = Self::levels(part, window).filter(|grid| grid.level.0 == grid.level.1);
        even.take_while(|grid| grid.level.0 <= number).last().unwrap_or_else(|| Self::new(part, window))
    }

    /// Chunks of all levels of a part.
    pub fn total_chunks(part: &PartHeader, window: Window) -> u64 {
        Self::levels(part, window).map(|grid| grid.chunk_count()).sum()
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn level(&self) -> (u32, u32) {
        self.level
    }

    pub fn first_chunk(&self) -> u64 {
        self.first_chunk
    }

    pub fn columns(&self) -> u32 {
        self.width.div_ceil(self.block_width)
    }

    pub fn rows(&self) -> u32 {
        self.height.div_ceil(self.block_height)
    }

    /// Chunks of this level.
    pub fn chunk_count(&self) -> u64 {
        u64::from(self.columns()) * u64::from(self.rows())
    }

    /// The most pixels that one chunk covers.
    pub fn max_block_pixels(&self) -> u64 {
        u64::from(self.block_width.min(self.width)) * u64::from(self.block_height.min(self.height))
    }

    /// Rows that chunks of this grid span.
    pub fn block_height(&self) -> u32 {
        self.block_height
    }

    /// The rectangle at a position of the grid, cut at the window's edges.
    pub fn block(&self, column: u32, row: u32) -> Option<Area> {
        if column >= self.columns() || row >= self.rows() {
            return None;
        }
        let (x, y) = (column * self.block_width, row * self.block_height);
        Some(Area {
            x,
            y,
            width: self.block_width.min(self.width - x),
            height: self.block_height.min(self.height - y),
        })
    }
}

fn level_side(full: u32, level: u32, rounds_up: bool) -> u32 {
    let shifted = if rounds_up { full.div_ceil(1_u32 << level.min(31)) } else { full >> level.min(31) };
    shifted.max(1)
}

fn level_count(full: u32, rounds_up: bool) -> u32 {
    let floor = full.max(1).ilog2();
    floor + 1 + u32::from(rounds_up && !full.is_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::super::header::Box2i;
    use super::*;

    fn part(compression: u8, tiles: Option<TileDescription>) -> PartHeader {
        let window = Box2i { min: (0, 0), max: (0, 0) };
        PartHeader {
            attributes: Vec::new(),
            channels: Vec::new(),
            compression,
            data_window: window,
            display_window: window,
            pixel_aspect: 1.0,
            tiles,
            is_deep: false,
            chunk_count: None,
        }
    }

    fn tiles(level_mode: LevelMode, rounds_up: bool) -> Option<TileDescription> {
        Some(TileDescription { width: 64, height: 64, level_mode, rounds_up })
    }

    #[test]
    fn scan_line_chunks_are_cut_at_the_last_row() {
        let grid = BlockGrid::new(&part(3, None), Window::at_origin(100, 33));
        assert_eq!(grid.chunk_count(), 3);
        assert_eq!(grid.block(0, 2), Some(Area { x: 0, y: 32, width: 100, height: 1 }));
        assert_eq!(grid.block(0, 3), None);
    }

    #[test]
    fn levels_add_their_chunks() {
        let window = Window::at_origin(256, 128);
        let count = |mode, up| BlockGrid::total_chunks(&part(3, tiles(mode, up)), window);
        assert_eq!(count(LevelMode::One, false), 8);
        // 256x128, 128x64, 64x32, then six levels of one tile.
        assert_eq!(count(LevelMode::MipMap, false), 8 + 2 + 7);
        // Tiles across over 9 levels: 4+2+1*7; down over 8 levels: 2+1*7.
        assert_eq!(count(LevelMode::RipMap, false), 13 * 9);
        let odd = part(3, tiles(LevelMode::MipMap, true));
        // 65 -> 33 -> 17 -> 9 -> 5 -> 3 -> 2 -> 1.
        assert_eq!(BlockGrid::total_chunks(&odd, Window::at_origin(65, 65)), 4 + 7);
    }

    #[test]
    fn a_level_is_found_by_its_number() {
        let window = Window::at_origin(256, 128);
        let rip = part(3, tiles(LevelMode::RipMap, false));
        let second = BlockGrid::at_level(&rip, window, 1);
        assert_eq!((second.width(), second.height(), second.level()), (128, 64, (1, 1)));
        // After the nine levels of full height: 4 + 2 + 7 chunks across, 2 down; and one of the next row.
        assert_eq!(second.first_chunk(), 13 * 2 + 4);
        assert_eq!(BlockGrid::at_level(&rip, window, 99).level(), (7, 7));
        assert_eq!(BlockGrid::at_level(&part(3, None), window, 3).level(), (0, 0));
    }
}
