//! Owns what is measured of a picture: statistics, histogram, waveform and vectorscope, their settings
//! and which samples they are taken from. Values are those of the file: no exposure, no gamma. Never
//! draws and knows no GPU; [`measure`] is the twin of `shaders/scopes.wgsl`. Pure; any thread.

mod measure;
mod scale;

pub use measure::measure;
pub use scale::{Scale, ScaleTable};

use super::Encoding;
use crate::frame::{Area, FrameKey, Window};

/// Red, green, blue, and their luminance.
pub const SCOPE_CHANNELS: usize = 4;
/// Steps of a scale: bins of the histogram, levels of the waveform.
pub const LEVELS: usize = 256;
/// Columns of the waveform at most; a narrower region has one a sample.
pub const MAX_COLUMNS: u32 = 256;
/// Cells along a side of the vectorscope.
pub const VECTOR_CELLS: usize = 128;
/// Samples of one measurement at most, so that every count fits 32 bits and partial sums stay exact
/// to 1e-4.
pub const MAX_SAMPLES: u32 = 1 << 26;

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeSettings {
    /// In the coordinates of the file, clipped to the data window; `None` is all of it.
    pub region: Option<Window>,
    /// Pixels looked at are at most so many: of larger regions every n-th, across and down.
    pub max_samples: u32,
    /// Of histogram and waveform.
    pub scale: Scale,
    /// How values are displayed, for the vectorscope.
    pub encoding: Encoding,
}

impl Default for ScopeSettings {
    fn default() -> Self {
        Self { region: None, max_samples: MAX_SAMPLES, scale: Scale::Linear, encoding: Encoding::Srgb }
    }
}

/// Which pixels are looked at: every `step`-th of an area, across and down, from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeGrid {
    /// In pixels from the corner of the data window; may be empty.
    pub area: Area,
    pub step: u32,
}

impl ScopeGrid {
    /// The region within the data window, and the smallest step that keeps to the number of samples.
    pub fn of(data: Window, settings: &ScopeSettings) -> Self {
        let area = clipped(data, settings.region.unwrap_or(data));
        let most = u64::from(settings.max_samples.clamp(1, MAX_SAMPLES));
        let pixels = u64::from(area.width) * u64::from(area.height);
        let mut grid = Self { area, step: (pixels / most).isqrt().max(1) as u32 };
        while grid.samples() > most {
            grid.step += 1;
        }
        grid
    }

    pub fn across(self) -> u32 {
        self.area.width.div_ceil(self.step)
    }

    pub fn down(self) -> u32 {
        self.area.height.div_ceil(self.step)
    }

    /// Pixels looked at.
    pub fn samples(self) -> u64 {
        u64::from(self.across()) * u64::from(self.down())
    }

    /// Columns of the waveform: sample `x` of a row is in column `x * columns / across`.
    pub fn columns(self) -> u32 {
        self.across().min(MAX_COLUMNS)
    }
}

/// The part of `region` inside `data`, from the corner of `data`.
fn clipped(data: Window, region: Window) -> Area {
    let axis = |data: (i32, u32), region: (i32, u32)| {
        let start = (i64::from(region.0) - i64::from(data.0)).clamp(0, i64::from(data.1));
        let end = i64::from(region.0) + i64::from(region.1) - i64::from(data.0);
        (start as u32, (end.clamp(start, i64::from(data.1)) - start) as u32)
    };
    let (x, width) = axis((data.x, data.width), (region.x, region.width));
    let (y, height) = axis((data.y, data.height), (region.y, region.height));
    Area { x, y, width, height }
}

/// The statistics of one channel. Minimum, maximum and mean are those of the finite values, `None`
/// where there are none. Of the luminance, which is computed from twelve bits of each colour, pixels
/// with a colour that is no finite number count as NaN.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ChannelStats {
    pub min: Option<f32>,
    pub max: Option<f32>,
    /// Exact to 1e-4 of the mean of all magnitudes.
    pub mean: Option<f64>,
    pub nan: u32,
    pub positive_infinity: u32,
    pub negative_infinity: u32,
    /// Below black, negative infinity among them.
    pub below_zero: u32,
    /// Above white, positive infinity among them.
    pub above_one: u32,
    /// Outside the scale; the first and the last bin hold them as well.
    pub below_scale: u32,
    pub above_scale: u32,
}

/// Counts of levels, column by column. A channel's histogram is the sum of its columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waveform {
    /// Columns, then channels, then levels.
    counts: Vec<u32>,
}

impl Waveform {
    pub fn new(columns: u32) -> Self {
        Self { counts: vec![0; columns as usize * SCOPE_CHANNELS * LEVELS] }
    }

    pub fn columns(&self) -> usize {
        self.counts.len() / (SCOPE_CHANNELS * LEVELS)
    }

    /// The counts of a column, level by level; empty beyond the last column.
    pub fn levels(&self, column: usize, channel: usize) -> &[u32] {
        let start = (column * SCOPE_CHANNELS + channel) * LEVELS;
        self.counts.get(start..start + LEVELS).unwrap_or_default()
    }

    /// The same, to count in.
    pub fn levels_mut(&mut self, column: usize, channel: usize) -> &mut [u32] {
        let start = (column * SCOPE_CHANNELS + channel) * LEVELS;
        self.counts.get_mut(start..start + LEVELS).unwrap_or_default()
    }

    /// The sum of all columns, NaN left out.
    pub fn histogram(&self, channel: usize) -> [u32; LEVELS] {
        let mut bins = [0; LEVELS];
        for column in 0..self.columns() {
            bins.iter_mut().zip(self.levels(column, channel)).for_each(|(bin, count)| *bin += count);
        }
        bins
    }
}

/// What was measured of one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Scopes {
    pub grid: ScopeGrid,
    /// Whether the frame has data everywhere; where it has none, it counts as black.
    pub is_whole: bool,
    pub channels: [ChannelStats; SCOPE_CHANNELS],
    pub histogram: [[u32; LEVELS]; SCOPE_CHANNELS],
    pub waveform: Waveform,
    /// Rows of [`VECTOR_CELLS`] cells; Cb grows along a row, Cr from row to row; grey is in the middle.
    pub vectorscope: Vec<u32>,
}

/// Scopes, and what they were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ScopeResult {
    /// Counts the results of one pass: another number is another result.
    pub number: u64,
    pub key: FrameKey,
    pub settings: ScopeSettings,
    pub scopes: Scopes,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(region: Option<Window>, max_samples: u32) -> ScopeGrid {
        let data = Window { x: -10, y: 20, width: 100, height: 50 };
        ScopeGrid::of(data, &ScopeSettings { region, max_samples, ..ScopeSettings::default() })
    }

    #[test]
    fn a_region_is_clipped_to_the_data_window() {
        let area = |x, y, width, height| grid(Some(Window { x, y, width, height }), u32::MAX).area;
        assert_eq!(grid(None, 1 << 20).area, Area { x: 0, y: 0, width: 100, height: 50 });
        assert_eq!(area(-20, 60, 15, 100), Area { x: 0, y: 40, width: 5, height: 10 });
        assert_eq!(area(0, 30, 7, 3), Area { x: 10, y: 10, width: 7, height: 3 });
        for (x, y) in [(500, 30), (-500, 30), (0, -500), (i32::MIN, i32::MAX)] {
            let area = area(x, y, 10, 10);
            assert_eq!(area.width * area.height, 0, "{x} {y}");
        }
        assert_eq!(area(i32::MIN, i32::MIN, u32::MAX, u32::MAX).width, 100);
    }

    #[test]
    fn the_step_is_the_smallest_that_keeps_to_the_number_of_samples() {
        assert_eq!(grid(None, 5000).step, 1);
        assert_eq!(grid(None, 4999).step, 2);
        assert_eq!((grid(None, 4).step, grid(None, 4).samples()), (50, 2));
        assert_eq!((grid(None, 0).step, grid(None, 0).samples()), (100, 1));
    }
}
