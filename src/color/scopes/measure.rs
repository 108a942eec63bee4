//! Owns the measuring of a frame on the CPU: the twin of `shaders/scopes.wgsl`.

use half::f16;

use super::{
    ChannelStats, LEVELS, SCOPE_CHANNELS, ScaleTable, ScopeGrid, ScopeSettings, Scopes, VECTOR_CELLS,
    Waveform,
};
use crate::color::VideoCodes;
use crate::frame::{FrameBuffer, SampleType};

const INFINITY: u32 = 0x7F80_0000;
const MAGNITUDE: u32 = 0x7FFF_FFFF;
const NAN: u32 = 0x7FC0_0000;

/// Rec. 709 weights (ITU-R BT.709-6, item 3.2) in units of 1/4096: with colours of twelve bits every
/// product is exact, so that fused and separate additions give the same luminance.
const WEIGHTS: [f32; 3] = [871.0 / 4096.0, 2929.0 / 4096.0, 296.0 / 4096.0];
/// The twelve bits of a colour that count for the luminance.
const COARSE: u32 = 0xFFFF_F000;
/// Below 2^-64 a colour is black to the luminance: products stay clear of subnormal numbers.
const FAINT: u32 = (127 - 64) << 23;

/// Measures a frame; see [`Scopes`].
pub fn measure(frame: &FrameBuffer, settings: &ScopeSettings) -> Scopes {
    let grid = ScopeGrid::of(frame.layout.data_window(), settings);
    let table = ScaleTable::new(settings.scale, settings.encoding);
    let mut tallies = [Tally::default(); SCOPE_CHANNELS];
    let mut waveform = Waveform::new(grid.columns());
    let mut vectorscope = vec![0; VECTOR_CELLS * VECTOR_CELLS];
    let planes = frame.layout.color_planes();
    let codes = VideoCodes::of(&frame.layout);
    let turn = frame.layout.orientation().pixels(frame.layout.stored_size());
    for y in 0..grid.down() {
        for x in 0..grid.across() {
            let at = turn.of(((grid.area.x + x * grid.step) as i32, (grid.area.y + y * grid.step) as i32));
            let at = (at.0 as u32, at.1 as u32);
            let samples = planes.map(|plane| sample_bits(frame, plane, at));
            let rgb = match &codes {
                Some(codes) => codes.rgb(samples.map(f32::from_bits)).map(f32::to_bits),
                None => samples,
            };
            let column = u64::from(x) * u64::from(grid.columns()) / u64::from(grid.across());
            let values = [rgb[0], rgb[1], rgb[2], luminance_bits(rgb)];
            for (channel, bits) in values.into_iter().enumerate() {
                tallies[channel].add(bits, &table);
                if !is_nan(bits) {
                    let level = usize::from(table.entry(bits)[0]);
                    waveform.levels_mut(column as usize, channel)[level] += 1;
                }
            }
            vectorscope[vector_cell(rgb.map(|bits| if is_nan(bits) { 0 } else { table.entry(bits)[1] }))] +=
                1;
        }
    }
    Scopes {
        grid,
        is_whole: frame.is_whole(),
        channels: tallies.map(Tally::stats),
        histogram: std::array::from_fn::<[u32; LEVELS], SCOPE_CHANNELS, _>(|channel| {
            waveform.histogram(channel)
        }),
        waveform,
        vectorscope,
    }
}

/// The sample of a plane that stands for a pixel of the stored picture, as the bits of a float. Planes may
/// have fewer samples than it has pixels: resolution levels, chroma.
fn sample_bits(frame: &FrameBuffer, plane: usize, at: (u32, u32)) -> u32 {
    let (spec, size) = (&frame.layout.planes()[plane], frame.layout.stored_size());
    let in_plane = |at: u32, pixels: u32, samples: u32| {
        let pixels_per_sample = ((pixels + samples / 2) / samples).max(1);
        (at / pixels_per_sample).min(samples - 1) as usize
    };
    let x = in_plane(at.0, size.0, spec.width);
    let y = in_plane(at.1, size.1, spec.height);
    let bytes = &frame.plane(plane)[y * frame.layout.spans()[plane].row_bytes..];
    float_bits(&bytes[x * spec.sample.bytes()..], spec.sample)
}

/// The first sample of some bytes as the bits of a float.
fn float_bits(bytes: &[u8], sample: SampleType) -> u32 {
    let pair = || u16::from_le_bytes([bytes[0], bytes[1]]);
    let word = || u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    match sample {
        SampleType::F16 => f16::from_bits(pair()).to_f32().to_bits(),
        SampleType::F32 => word(),
        SampleType::U8 => (f32::from(bytes[0]) / 255.0).to_bits(),
        SampleType::U16 => (f32::from(pair()) / 65535.0).to_bits(),
        SampleType::U32 => (word() as f32).to_bits(),
    }
}

fn is_nan(bits: u32) -> bool {
    bits & MAGNITUDE > INFINITY
}

fn is_finite(bits: u32) -> bool {
    bits & MAGNITUDE < INFINITY
}

fn luminance_bits(rgb: [u32; 3]) -> u32 {
    if !rgb.into_iter().all(is_finite) {
        return NAN;
    }
    let coarse = |bits: u32| if bits & MAGNITUDE < FAINT { 0.0 } else { f32::from_bits(bits & COARSE) };
    let [red, green, blue] = rgb.map(coarse);
    (red * WEIGHTS[0] + green * WEIGHTS[1] + blue * WEIGHTS[2]).to_bits()
}

/// The cell of a displayed colour: Cb and Cr of Rec. 709 (ITU-R BT.709-6, item 3.3), -0.5 to 0.5, in
/// whole numbers. `(B' - Y') / 1.8556 + 0.5` is the same as `(B' - Y' + 0.9278) / 1.8556`.
fn vector_cell(codes: [u8; 3]) -> usize {
    let [red, green, blue] = codes.map(u32::from);
    let luma = 2126 * red + 7152 * green + 722 * blue;
    let (half_blue, half_red) = (9278 * 255, 7874 * 255);
    let cell = |color: u32, half: u32| {
        let cells = VECTOR_CELLS as u32;
        ((10_000 * color + half - luma) * cells / (2 * half)).min(cells - 1) as usize
    };
    cell(red, half_red) * VECTOR_CELLS + cell(blue, half_blue)
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    stats: ChannelStats,
    sum: f64,
    finite: u32,
}

impl Tally {
    fn add(&mut self, bits: u32, table: &ScaleTable) {
        let stats = &mut self.stats;
        if is_nan(bits) {
            stats.nan += 1;
            return;
        }
        let value = f32::from_bits(bits);
        stats.below_zero += u32::from(value < 0.0);
        stats.above_one += u32::from(value > 1.0);
        let (is_below, is_above) = table.is_outside(bits);
        stats.below_scale += u32::from(is_below);
        stats.above_scale += u32::from(is_above);
        match value {
            f32::INFINITY => stats.positive_infinity += 1,
            f32::NEG_INFINITY => stats.negative_infinity += 1,
            _ => {
                stats.min = Some(stats.min.map_or(value, |least| least.min(value)));
                stats.max = Some(stats.max.map_or(value, |most| most.max(value)));
                self.sum += f64::from(value);
                self.finite += 1;
            }
        }
    }

    fn stats(self) -> ChannelStats {
        let mean = (self.finite > 0).then(|| self.sum / f64::from(self.finite));
        ChannelStats { mean, ..self.stats }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_are_in_the_middle_of_the_vectorscope() {
        for code in 0..=255 {
            assert_eq!(vector_cell([code; 3]), 64 * VECTOR_CELLS + 64);
        }
    }

    #[test]
    fn primaries_lie_at_the_edges_of_the_vectorscope() {
        let at = |codes| (vector_cell(codes) % VECTOR_CELLS, vector_cell(codes) / VECTOR_CELLS);
        assert_eq!(at([0, 0, 255]).0, 127);
        assert_eq!(at([255, 255, 0]).0, 0);
        assert_eq!(at([255, 0, 0]).1, 127);
        assert_eq!(at([0, 255, 255]).1, 0);
    }

    #[test]
    fn the_luminance_is_that_of_rec_709() {
        let of = |rgb: [f32; 3]| f32::from_bits(luminance_bits(rgb.map(f32::to_bits)));
        for rgb in [[0.3, 0.7, 0.1_f32], [12.0, 0.0, 3.5], [-0.25, 0.5, 1.0], [1.0; 3], [0.0; 3]] {
            let exact = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
            let size: f32 = rgb.iter().map(|value| value.abs()).sum();
            assert!((of(rgb) - exact).abs() <= size * 1e-3, "{rgb:?}");
        }
        assert!(of([1.0, f32::INFINITY, 0.0]).is_nan());
    }
}
