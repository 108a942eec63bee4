//! Owns the way from what the shader counted to [`Scopes`]. Pure.

use bytemuck::{Pod, Zeroable};

use crate::color::scopes::{
    ChannelStats, LEVELS, MAX_COLUMNS, SCOPE_CHANNELS, ScopeGrid, Scopes, VECTOR_CELLS, Waveform,
};

const FIELDS: usize = 9;
/// What the shader multiplies values by before it adds them, undone.
const SUM_UNSCALE: f64 = (1_u64 << 24) as f64;

/// Twin of `Column` in `scopes.wgsl`: what one workgroup counted.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub struct ColumnCounts {
    pub counts: [[u32; LEVELS]; SCOPE_CHANNELS],
    /// By field, as the shader numbers them, and channel.
    pub tally: [[u32; SCOPE_CHANNELS]; FIELDS],
    pub sum: [f32; SCOPE_CHANNELS],
}

/// Columns first, then the vectorscope.
pub const VECTORSCOPE_OFFSET: u64 = MAX_COLUMNS as u64 * size_of::<ColumnCounts>() as u64;
pub const VECTORSCOPE_BYTES: u64 = (VECTOR_CELLS * VECTOR_CELLS * size_of::<u32>()) as u64;
pub const RESULT_BYTES: u64 = VECTORSCOPE_OFFSET + VECTORSCOPE_BYTES;

/// What the bytes of `Results` in `scopes.wgsl` say; `None` when they are too few or not aligned.
pub fn scopes(bytes: &[u8], grid: ScopeGrid, is_whole: bool) -> Option<Scopes> {
    let (columns, vectorscope) = bytes.split_at_checked(VECTORSCOPE_OFFSET as usize)?;
    let columns: &[ColumnCounts] = bytemuck::try_cast_slice(columns).ok()?;
    let columns = columns.get(..grid.columns() as usize)?;
    let waveform = waveform(columns);
    let histogram = std::array::from_fn(|channel| waveform.histogram(channel));
    Some(Scopes {
        grid,
        is_whole,
        channels: std::array::from_fn(|channel| stats(columns, channel, grid.samples())),
        histogram,
        waveform,
        vectorscope: bytemuck::try_cast_slice(vectorscope).ok()?.to_vec(),
    })
}

fn waveform(columns: &[ColumnCounts]) -> Waveform {
    let mut waveform = Waveform::new(columns.len() as u32);
    for (number, column) in columns.iter().enumerate() {
        for (channel, counts) in column.counts.iter().enumerate() {
            waveform.levels_mut(number, channel).copy_from_slice(counts);
        }
    }
    waveform
}

fn stats(columns: &[ColumnCounts], channel: usize, samples: u64) -> ChannelStats {
    let field = |field: usize| columns.iter().map(move |column| column.tally[field][channel]);
    let count = |number: usize| field(number).sum::<u32>();
    let (nan, positive_infinity, negative_infinity) = (count(0), count(1), count(2));
    let finite = samples - u64::from(nan + positive_infinity + negative_infinity);
    let sum: f64 = columns.iter().map(|column| f64::from(column.sum[channel])).sum();
    let most = |number: usize| field(number).max().filter(|ordered| *ordered != 0);
    ChannelStats {
        min: most(8).map(|inverted| value_of(!inverted)),
        max: most(7).map(value_of),
        mean: (finite > 0).then(|| sum * SUM_UNSCALE / finite as f64),
        nan,
        positive_infinity,
        negative_infinity,
        below_zero: count(3),
        above_one: count(4),
        below_scale: count(5),
        above_scale: count(6),
    }
}

/// The float whose bits were put in an order that integers have.
fn value_of(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 1 { ordered & 0x7FFF_FFFF } else { !ordered })
}
