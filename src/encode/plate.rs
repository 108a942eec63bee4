//! The painted part of a demo frame: an evening sky with clouds and a sun, hills in front of it,
//! and grain over all.
//!
//! Owns the rows of scene-linear light that the painters work on, and the painters of the plate.
//! Everything that depends on the column alone is computed once a frame, everything that depends on
//! the row alone once a row. Never knows files or frame numbers. Pure; runs on any thread.

use std::f32::consts::TAU;

/// Scene-linear red, green and blue; 1 is white paper, light sources are brighter.
pub(super) type Light = [f32; 3];

/// Size of a frame, and lengths in units of its height.
#[derive(Clone, Copy)]
pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
}

impl Canvas {
    /// Pixels in one unit of length.
    pub(super) fn px(self) -> f32 {
        self.height as f32
    }

    /// Width over height.
    pub(super) fn aspect(self) -> f32 {
        self.width as f32 / self.height as f32
    }

    /// The middle of pixel `place` of a row or column, in heights.
    pub(super) fn at(self, place: usize) -> f32 {
        (place as f32 + 0.5) / self.px()
    }

    /// One value for each column, from the column's middle in heights.
    fn columns(self, value: impl Fn(f32) -> f32) -> Vec<f32> {
        (0..self.width).map(|x| value(self.at(x))).collect()
    }
}

/// One row of a frame while it is painted.
pub(super) struct Row {
    /// Its place from the top.
    pub y: usize,
    /// Its middle, in heights from the top.
    pub v: f32,
    /// Red, green and blue, a value for each column.
    pub light: [Vec<f32>; 3],
}

impl Row {
    pub(super) fn new(width: usize) -> Self {
        Self { y: 0, v: 0.0, light: std::array::from_fn(|_| vec![0.0; width]) }
    }

    /// Lays `paint` over column `x`, covering it by `alpha`, 0 to 1.
    pub(super) fn cover(&mut self, x: usize, paint: Light, alpha: f32) {
        for (channel, paint) in self.light.iter_mut().zip(paint) {
            channel[x] += (paint - channel[x]) * alpha;
        }
    }
}

/// Height of the colours of the clear sky, in heights from the top, and the colours.
const SKY: [(f32, Light); 5] = [
    (0.00, [0.035, 0.075, 0.210]),
    (0.25, [0.085, 0.145, 0.300]),
    (0.45, [0.230, 0.240, 0.330]),
    (0.60, [0.560, 0.360, 0.250]),
    (0.74, [0.950, 0.480, 0.190]),
];

fn sky_light(v: f32) -> Light {
    let above = SKY.iter().rposition(|(stop, _)| *stop <= v).unwrap_or(0).min(SKY.len() - 2);
    let ((top, from), (bottom, to)) = (SKY[above], SKY[above + 1]);
    let share = ((v - top) / (bottom - top)).min(1.0);
    // Eased, so that no band shows where two stretches meet.
    let share = share * share * (3.0 - 2.0 * share);
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * share)
}

/// A wave across the picture that returns to itself when the loop is over.
struct Wave {
    sine: Vec<f32>,
    cosine: Vec<f32>,
    /// Radians in one height downwards.
    down: f32,
}

/// Waves that make the clouds: waves in a width, whole turns in a loop, radians in a height
/// downwards.
const CLOUD_WAVES: [(f32, f32, f32); 4] =
    [(1.6, 1.0, 31.0), (3.1, -1.0, -47.0), (5.3, 2.0, 83.0), (0.7, 1.0, -19.0)];

const CLOUD_LIGHT: Light = [0.90, 0.42, 0.30];

/// Sky and thin clouds that drift.
pub(super) struct Sky {
    waves: Vec<Wave>,
}

impl Sky {
    /// The sky after `turn` of the loop, 0 to 1.
    pub(super) fn new(canvas: Canvas, turn: f32) -> Self {
        let wave = |(across, turns, down): (f32, f32, f32)| {
            let angle = |u: f32| (u * across / canvas.aspect() + turns * turn) * TAU;
            let sine = canvas.columns(|u| angle(u).sin());
            let cosine = canvas.columns(|u| angle(u).cos());
            Wave { sine, cosine, down }
        };
        Self { waves: CLOUD_WAVES.into_iter().map(wave).collect() }
    }

    pub(super) fn paint(&self, row: &mut Row) {
        let clear = sky_light(row.v);
        // Clouds gather around one height and thin out above and below it.
        let most = 0.55 / (1.0 + ((row.v - 0.42) / 0.14).powi(2));
        let phases: Vec<(f32, f32)> = self.waves.iter().map(|wave| (wave.down * row.v).sin_cos()).collect();
        let [red, green, blue] = &mut row.light;
        for x in 0..red.len() {
            let swell: f32 = self
                .waves
                .iter()
                .zip(&phases)
                .map(|(wave, (s, c))| wave.sine[x] * c + wave.cosine[x] * s)
                .sum();
            let alpha = most * (swell * 0.3 + 0.1).clamp(0.0, 1.0);
            red[x] = clear[0] + (CLOUD_LIGHT[0] - clear[0]) * alpha;
            green[x] = clear[1] + (CLOUD_LIGHT[1] - clear[1]) * alpha;
            blue[x] = clear[2] + (CLOUD_LIGHT[2] - clear[2]) * alpha;
        }
    }
}

/// Radius of the sun in heights, its light, and the light of the air around it.
const SUN_RADIUS: f32 = 0.055;
const SUN_LIGHT: Light = [8.0, 6.6, 4.6];
const SUN_HALO: Light = [1.00, 0.62, 0.30];

/// The sun, far brighter than white, going round on an ellipse once a loop.
pub(super) struct Sun {
    px: f32,
    center: (f32, f32),
    /// Squared horizontal distance of each column.
    across: Vec<f32>,
}

impl Sun {
    /// The sun after `turn` of the loop, 0 to 1.
    pub(super) fn new(canvas: Canvas, turn: f32) -> Self {
        let (sine, cosine) = (turn * TAU).sin_cos();
        let aspect = canvas.aspect();
        let center = (aspect * (0.5 - 0.37 * cosine), 0.36 - 0.17 * sine);
        Self { px: canvas.px(), center, across: canvas.columns(|u| (u - center.0).powi(2)) }
    }

    pub(super) fn paint(&self, row: &mut Row) {
        let down = (row.v - self.center.1).powi(2);
        let [red, green, blue] = &mut row.light;
        for (x, across) in self.across.iter().enumerate() {
            let square = across + down;
            let halo = 0.0045 / (square + 0.0035) + 0.035 / (square + 0.12);
            let disc = ((SUN_RADIUS - square.sqrt()) * self.px + 0.5).clamp(0.0, 1.0);
            red[x] += SUN_HALO[0] * halo + SUN_LIGHT[0] * disc;
            green[x] += SUN_HALO[1] * halo + SUN_LIGHT[1] * disc;
            blue[x] += SUN_HALO[2] * halo + SUN_LIGHT[2] * disc;
        }
    }
}

/// A chain of hills, one behind the other.
struct Chain {
    /// Mean height of the ridge, in heights from the top.
    ridge: f32,
    /// How often the chain repeats in a width; it moves on by one repeat a loop. 0: as wide as the
    /// picture and at rest.
    repeats: f32,
    /// What the ridge is made of: waves in a repeat, their height, and where they start, in turns.
    waves: [(f32, f32, f32); 5],
    /// The light of the slopes, and of the haze that they sink into.
    slope: Light,
    haze: Light,
}

const CHAINS: [Chain; 3] = [
    Chain {
        ridge: 0.665,
        repeats: 0.0,
        waves: [
            (1.3, 0.030, 0.1),
            (2.9, 0.018, 0.4),
            (6.7, 0.008, 0.0),
            (15.1, 0.004, 0.7),
            (37.0, 0.0015, 0.2),
        ],
        slope: [0.200, 0.125, 0.130],
        haze: [0.420, 0.240, 0.170],
    },
    Chain {
        ridge: 0.740,
        repeats: 2.0,
        waves: [
            (1.0, 0.022, 0.0),
            (2.0, 0.012, 0.3),
            (5.0, 0.006, 0.6),
            (17.0, 0.0018, 0.1),
            (43.0, 0.0008, 0.5),
        ],
        slope: [0.085, 0.066, 0.080],
        haze: [0.190, 0.120, 0.110],
    },
    Chain {
        ridge: 0.810,
        repeats: 1.0,
        waves: [
            (2.0, 0.020, 0.5),
            (5.0, 0.010, 0.2),
            (61.0, 0.0024, 0.0),
            (97.0, 0.0024, 0.4),
            (151.0, 0.0016, 0.8),
        ],
        slope: [0.050, 0.046, 0.050],
        haze: [0.060, 0.052, 0.054],
    },
];

/// Light that a ridge catches from a sun right above it, and how far down the slope it reaches, in
/// heights.
const RIM_LIGHT: Light = [0.55, 0.27, 0.10];
const RIM_REACH: f32 = 0.006;

/// How far below the ridge the slope is half lost in haze, in heights.
const HAZE_REACH: f32 = 0.05;

/// One chain in one frame.
struct Hill {
    slope: Light,
    haze: Light,
    /// The ridge of each column, in heights from the top.
    ridge: Vec<f32>,
}

/// The chains of hills, passing by at their own speeds.
pub(super) struct Hills {
    px: f32,
    hills: Vec<Hill>,
    /// How near the sun is to each column, 0 to 1.
    sunlit: Vec<f32>,
}

impl Hills {
    /// The hills after `turn` of the loop, 0 to 1, lit by `sun`.
    pub(super) fn new(canvas: Canvas, turn: f32, sun: &Sun) -> Self {
        let hills = CHAINS.iter().map(|chain| Hill {
            slope: chain.slope,
            haze: chain.haze,
            ridge: canvas.columns(|u| ridge(chain, u / canvas.aspect(), turn)),
        });
        let sunlit = sun.across.iter().map(|across| 1.0 / (1.0 + across / 0.06)).collect();
        Self { px: canvas.px(), hills: hills.collect(), sunlit }
    }

    pub(super) fn paint(&self, row: &mut Row) {
        for hill in &self.hills {
            self.paint_hill(hill, row);
        }
    }

    fn paint_hill(&self, hill: &Hill, row: &mut Row) {
        let [red, green, blue] = &mut row.light;
        for (x, ridge) in hill.ridge.iter().enumerate() {
            let depth = row.v - ridge;
            let alpha = (depth * self.px + 0.5).clamp(0.0, 1.0);
            let haze = 1.0 - HAZE_REACH / (HAZE_REACH + depth.max(0.0));
            let rim = self.sunlit[x] / (1.0 + (depth / RIM_REACH).powi(2));
            let lit = |c: usize| hill.slope[c] + (hill.haze[c] - hill.slope[c]) * haze + RIM_LIGHT[c] * rim;
            red[x] += (lit(0) - red[x]) * alpha;
            green[x] += (lit(1) - green[x]) * alpha;
            blue[x] += (lit(2) - blue[x]) * alpha;
        }
    }
}

/// The ridge at `across` of the width, 0 to 1.
fn ridge(chain: &Chain, across: f32, turn: f32) -> f32 {
    let place = if chain.repeats > 0.0 { across * chain.repeats + turn } else { across };
    let wave = |(waves, height, start): (f32, f32, f32)| height * ((place * waves + start) * TAU).sin();
    chain.ridge - chain.waves.into_iter().map(wave).sum::<f32>()
}

/// Strength of the grain where the light is 1; it grows with the root of the light, as photon noise
/// does.
const GRAIN: f32 = 0.045;

/// Film grain: noise that no two frames of a loop share.
pub(super) struct Grain {
    seed: u32,
    columns: Vec<u32>,
}

impl Grain {
    /// The grain of frame `place` of the loop.
    pub(super) fn new(canvas: Canvas, place: u32) -> Self {
        Self { seed: scramble(place), columns: (0..canvas.width as u32).map(scramble).collect() }
    }

    pub(super) fn paint(&self, row: &mut Row) {
        let seed = scramble(self.seed ^ row.y as u32);
        let [red, green, blue] = &mut row.light;
        for (x, column) in self.columns.iter().enumerate() {
            let noise = scramble(column ^ seed);
            // Neighbouring channels share a byte, so that the grain is more grey than coloured.
            red[x] = grained(red[x], noise & 0xFF, noise >> 8 & 0xFF);
            green[x] = grained(green[x], noise >> 8 & 0xFF, noise >> 16 & 0xFF);
            blue[x] = grained(blue[x], noise >> 16 & 0xFF, noise >> 24);
        }
    }
}

/// The light with noise of two random bytes; their sum crowds around its middle, as grain does.
fn grained(light: f32, one: u32, other: u32) -> f32 {
    let noise = ((one + other) as i32 - 255) as f32 * (GRAIN / 255.0);
    light + noise * light.sqrt()
}

/// Spreads every bit of `value` over all the others.
fn scramble(value: u32) -> u32 {
    let mut bits = value.wrapping_add(0x9E37_79B9);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0xB5C1_8E6D);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0x68E3_1DA5);
    bits ^ (bits >> 16)
}
