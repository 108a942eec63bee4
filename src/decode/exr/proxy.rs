//! Owns how parts without resolution levels are decoded smaller and faster: what can be left out depends on the
//! compression. Pure.

use super::header::PartHeader;
use crate::frame::Area;

/// Every 16th line is decoded at least.
const MAX_LINE_HALVINGS: u8 = 4;
/// The wavelet of HTJ2K has this many levels.
const MAX_HALVINGS: u8 = 5;
/// Below this many pixels a part is fast enough as it is.
const SMALL_PIXELS: u64 = 1 << 20;
/// Scrubbing wants at least so many pixels along the longer side.
const SCRUB_SIDE: u32 = 512;

/// What a sample of a smaller picture stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shrink {
    /// Columns and rows of pixels.
    pub across: u32,
    pub down: u32,
}

impl Shrink {
    pub const NONE: Self = Self { across: 1, down: 1 };

    /// The rectangle of samples that stands for one of pixels.
    pub fn shrunk(self, area: Area) -> Area {
        let (x, y) = (area.x / self.across, area.y / self.down);
        let (right, bottom) = (area.x + area.width, area.y + area.height);
        Area { x, y, width: right.div_ceil(self.across) - x, height: bottom.div_ceil(self.down) - y }
    }

    /// Whether a row of chunks has lines that stand for others. Rows of several lines always do.
    pub fn takes_row(self, row: u32) -> bool {
        self.across > 1 || row.is_multiple_of(self.down)
    }

    /// How the level `level` of a part is made that has only its full size: one sample a block of 8 by 8 from the
    /// coefficients of DWA that hold its mean; fewer levels of the wavelet of HTJ2K; every second, fourth, … line where
    /// lines are compressed one by one.
    pub fn of(part: &PartHeader, level: u8) -> Self {
        let is_plain = !part.is_deep && part.channels.iter().all(|channel| channel.sampling == (1, 1));
        let is_scanline = part.tiles.is_none();
        match part.compression {
            _ if level == 0 || !is_plain => Self::NONE,
            0..=2 if is_scanline => Self { across: 1, down: 1 << level.min(MAX_LINE_HALVINGS) },
            10..=12 if is_scanline => {
                let side = 1 << level.min(MAX_HALVINGS);
                Self { across: side, down: side }
            }
            8 | 9 if is_scanline => Self { across: 8, down: 8 },
            _ => Self::NONE,
        }
    }
}

/// The level to decode while somebody scrubs: `None` where nothing is gained.
pub fn scrub_level(part: &PartHeader, levels: &[(u32, u32)]) -> Option<u8> {
    let (width, height) = levels.first().copied().unwrap_or_default();
    if u64::from(width) * u64::from(height) < SMALL_PIXELS {
        return None;
    }
    if levels.len() > 1 {
        let large = levels.iter().take_while(|(width, height)| *width.max(height) >= SCRUB_SIDE).count();
        return u8::try_from(large.saturating_sub(1)).ok().filter(|level| *level > 0);
    }
    (Shrink::of(part, 2) != Shrink::NONE).then_some(2)
}
