//! Owns which rectangle of the data window each chunk of a part covers, and in what order the offset
//! table lists them («OpenEXR File Layout», chunk offset table). Pure.

use super::header::{LevelMode, PartHeader, TileDescription};
use crate::frame::Window;

/// A rectangle of the data window, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// The chunks of the full-size level of one part.
#[derive(Debug, Clone, Copy)]
pub struct BlockGrid {
    width: u32,
    height: u32,
    block_width: u32,
    block_height: u32,
    tiles: Option<TileDescription>,
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
    /// The grid of a part whose data window is `window`; tile sides of zero count as one.
    pub fn new(part: &PartHeader, window: Window) -> Self {
        let (block_width, block_height) = match part.tiles {
            Some(tiles) => (tiles.width.max(1), tiles.height.max(1)),
            None => (window.width, lines_per_chunk(part.compression)),
        };
        Self { width: window.width, height: window.height, block_width, block_height, tiles: part.tiles }
    }

    pub fn columns(&self) -> u32 {
        self.width.div_ceil(self.block_width)
    }

    pub fn rows(&self) -> u32 {
        self.height.div_ceil(self.block_height)
    }

    /// Chunks of the full-size level: the first entries of the offset table.
    pub fn full_size_chunks(&self) -> u64 {
        u64::from(self.columns()) * u64::from(self.rows())
    }

    /// Chunks of all levels.
    pub fn chunk_count(&self) -> u64 {
        let Some(tiles) = self.tiles else { return self.full_size_chunks() };
        let tiles_in = |width: u32, height: u32| {
            u64::from(width.div_ceil(self.block_width)) * u64::from(height.div_ceil(self.block_height))
        };
        let sides = |full: u32, level: u32| level_side(full, level, tiles.rounds_up);
        let levels = |full: u32| level_count(full, tiles.rounds_up);
        match tiles.level_mode {
            LevelMode::One => self.full_size_chunks(),
            LevelMode::MipMap => (0..levels(self.width.max(self.height)))
                .map(|level| tiles_in(sides(self.width, level), sides(self.height, level)))
                .sum(),
            LevelMode::RipMap => (0..levels(self.height))
                .flat_map(|y| (0..levels(self.width)).map(move |x| (x, y)))
                .map(|(x, y)| tiles_in(sides(self.width, x), sides(self.height, y)))
                .sum(),
        }
    }

    /// The most pixels that one chunk covers.
    pub fn max_block_pixels(&self) -> u64 {
        u64::from(self.block_width) * u64::from(self.block_height)
    }

    /// Rows that chunks of this grid span.
    pub fn block_height(&self) -> u32 {
        self.block_height
    }

    /// The rectangle at a position of the grid, cut at the window's edges.
    pub fn block(&self, column: u32, row: u32) -> Option<Block> {
        if column >= self.columns() || row >= self.rows() {
            return None;
        }
        let (x, y) = (column * self.block_width, row * self.block_height);
        Some(Block {
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
        assert_eq!(grid.block(0, 2), Some(Block { x: 0, y: 32, width: 100, height: 1 }));
        assert_eq!(grid.block(0, 3), None);
    }

    #[test]
    fn levels_add_their_chunks() {
        let window = Window::at_origin(256, 128);
        let count = |mode, up| BlockGrid::new(&part(3, tiles(mode, up)), window).chunk_count();
        assert_eq!(count(LevelMode::One, false), 8);
        // 256x128, 128x64, 64x32, then six levels of one tile.
        assert_eq!(count(LevelMode::MipMap, false), 8 + 2 + 7);
        // Tiles across over 9 levels: 4+2+1*7; down over 8 levels: 2+1*7.
        assert_eq!(count(LevelMode::RipMap, false), 13 * 9);
        let odd = BlockGrid::new(&part(3, tiles(LevelMode::MipMap, true)), Window::at_origin(65, 65));
        // 65 -> 33 -> 17 -> 9 -> 5 -> 3 -> 2 -> 1.
        assert_eq!(odd.chunk_count(), 4 + 7);
    }
}
