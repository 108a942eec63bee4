//! What is laid over the plate of a demo frame: a dial with a hand, the big frame number, captions,
//! and a chart.
//!
//! Owns where these lie and how they look. Never knows files, and of time only the turn of the loop
//! and the texts it is given. Pure; runs on any thread.

use std::f32::consts::{PI, TAU};

use super::glyphs::{Mask, cells_wide};
use super::plate::{Canvas, Light, Row};

const INK: Light = [0.90, 0.88, 0.82];
const HAND_LIGHT: Light = [1.60, 0.62, 0.14];

/// Middle of the dial from the top, its greatest radius, and half the width of its lines, in
/// heights.
const DIAL_MIDDLE: f32 = 0.425;
const DIAL_RADIUS: f32 = 0.30;
const LINE_HALF: f32 = 0.0022;

/// How much of the plate is left behind the dial, and how far the glow behind the hand reaches, in
/// radians.
const FACE_LEFT: f32 = 0.38;
const TRAIL_REACH: f32 = 0.7 * PI;

/// The dial that the hand sweeps; a frame that is dropped or shown twice makes the hand stumble.
pub(super) struct Dial {
    px: f32,
    center: (f32, f32),
    radius: f32,
    /// Where the hand points: to the right, and down.
    hand: (f32, f32),
    /// Middle of each column, in heights from the dial's middle.
    across: Vec<f32>,
}

impl Dial {
    /// The dial with its hand at `turn` of a full turn, 0 being upwards.
    pub(super) fn new(canvas: Canvas, turn: f32) -> Self {
        let center = (canvas.aspect() * 0.5, DIAL_MIDDLE);
        let (sine, cosine) = (turn * TAU).sin_cos();
        Self {
            px: canvas.px(),
            center,
            radius: dial_radius(canvas),
            hand: (sine, -cosine),
            across: (0..canvas.width).map(|x| canvas.at(x) - center.0).collect(),
        }
    }

    pub(super) fn paint(&self, row: &mut Row) {
        let down = row.v - self.center.1;
        let reach = self.radius + LINE_HALF + 1.0 / self.px;
        if down.abs() > reach {
            return;
        }
        let half = (reach * reach - down * down).sqrt();
        let first = self.across.partition_point(|across| *across < -half);
        let last = self.across.partition_point(|across| *across <= half);
        for x in first..last {
            self.paint_pixel(row, x, self.across[x], down);
        }
    }

    fn paint_pixel(&self, row: &mut Row, x: usize, across: f32, down: f32) {
        let distance = across.hypot(down);
        let inside = self.edge(self.radius - distance);
        row.cover(x, [0.0; 3], (1.0 - FACE_LEFT) * inside);
        let along = across * self.hand.0 + down * self.hand.1;
        let aside = across * self.hand.1 - down * self.hand.0;
        row.cover(x, HAND_LIGHT, 0.16 * inside * trail(along, aside));
        row.cover(x, INK, self.lines(across, down, distance) * inside);
        row.cover(x, INK, self.edge(LINE_HALF - (distance - self.radius).abs()));
        let hand = self.edge(1.6 * LINE_HALF - aside.abs()) * self.edge(along);
        row.cover(x, HAND_LIGHT, hand * inside);
    }

    /// The faint cross and the inner ring.
    fn lines(&self, across: f32, down: f32, distance: f32) -> f32 {
        let nearest = across.abs().min(down.abs()).min((distance - 0.86 * self.radius).abs());
        0.28 * self.edge(0.5 * LINE_HALF - nearest)
    }

    /// Coverage of a pixel `inside` heights behind an edge; negative is outside.
    fn edge(&self, inside: f32) -> f32 {
        (inside * self.px + 0.5).clamp(0.0, 1.0)
    }
}

fn dial_radius(canvas: Canvas) -> f32 {
    DIAL_RADIUS.min(canvas.aspect() * 0.42)
}

/// Strength of the glow that the hand leaves behind it.
fn trail(along: f32, aside: f32) -> f32 {
    let behind = aside.atan2(along).rem_euclid(TAU);
    (1.0 - behind / TRAIL_REACH).max(0.0)
}

/// A line of text somewhere in the picture.
pub(super) struct Caption {
    mask: Mask,
    left: usize,
    top: usize,
    ink: Light,
    alpha: f32,
}

impl Caption {
    /// Text whose cells are `cell` heights large, with the anchor of `place` at that place of the
    /// picture.
    fn new(canvas: Canvas, text: &str, cell: f32, place: Place, ink: Light, alpha: f32) -> Self {
        let mask = Mask::new(text, cell * canvas.px());
        let left = place.across * canvas.px() - place.anchor * mask.width as f32;
        let top = place.middle * canvas.px() - mask.height as f32 / 2.0;
        Self { mask, left: left.round().max(0.0) as usize, top: top.round().max(0.0) as usize, ink, alpha }
    }

    pub(super) fn paint(&self, row: &mut Row) {
        let Some(y) = row.y.checked_sub(self.top).filter(|y| *y < self.mask.height) else {
            return;
        };
        let width = row.light[0].len();
        for (x, coverage) in (self.left..width).zip(self.mask.row(y)) {
            row.cover(x, self.ink, coverage * self.alpha);
        }
    }
}

/// Where a text lies: across and its middle downwards in heights; `anchor` 0 is its left end, 1 its
/// right.
struct Place {
    across: f32,
    middle: f32,
    anchor: f32,
}

/// The frame number in the dial, as large as the dial allows.
pub(super) fn number(canvas: Canvas, text: &str) -> Caption {
    let cell = 1.55 * dial_radius(canvas) / cells_wide(text.len()).max(1) as f32;
    let place = Place { across: canvas.aspect() * 0.5, middle: DIAL_MIDDLE, anchor: 0.5 };
    Caption::new(canvas, text, cell, place, [1.0, 0.98, 0.92], 1.0)
}

/// Small captions at the top left and the top right.
pub(super) fn captions(canvas: Canvas, left: &str, right: &str) -> [Caption; 2] {
    let cell = 0.0042 * canvas.aspect().min(1.0);
    let place = |across, anchor| Place { across, middle: 0.055, anchor };
    let margin = 0.04_f32.min(canvas.aspect() * 0.04);
    [
        Caption::new(canvas, left, cell, place(margin, 0.0), INK, 0.8),
        Caption::new(canvas, right, cell, place(canvas.aspect() - margin, 1.0), INK, 0.8),
    ]
}

/// Colour bars at three quarters of full signal, in scene-linear light; black is lifted so that
/// grain never goes below 0.
const BAR: f32 = 0.52;
const DARK: f32 = 0.004;
const BARS: [Light; 8] = [
    [BAR, BAR, BAR],
    [BAR, BAR, DARK],
    [DARK, BAR, BAR],
    [DARK, BAR, DARK],
    [BAR, DARK, BAR],
    [BAR, DARK, DARK],
    [DARK, DARK, BAR],
    [DARK, DARK, DARK],
];

/// Stops from the darkest to the brightest grey; stop 0 is the light of a grey card.
const STOPS: std::ops::RangeInclusive<i32> = -6..=6;
const GREY_CARD: f32 = 0.18;

/// Top of the chart, of its ramp, and of the gap above each, in heights.
const CHART_TOP: f32 = 0.88;
const RAMP_TOP: f32 = 0.93;
const GAP: f32 = 0.003;

/// The colour bars and the grey ramp along the bottom.
pub(super) struct Chart {
    bars: [Vec<f32>; 3],
    ramp: [Vec<f32>; 3],
    labels: Vec<Caption>,
}

impl Chart {
    pub(super) fn new(canvas: Canvas) -> Self {
        let steps: Vec<Light> = STOPS.map(|stop| [GREY_CARD * (stop as f32).exp2(); 3]).collect();
        Self { bars: stripes(canvas, &BARS), ramp: stripes(canvas, &steps), labels: labels(canvas) }
    }

    pub(super) fn paint(&self, row: &mut Row) {
        if row.v < CHART_TOP {
            return;
        }
        let in_gap = row.v < CHART_TOP + GAP || (RAMP_TOP..RAMP_TOP + GAP).contains(&row.v);
        let source = if row.v < RAMP_TOP { &self.bars } else { &self.ramp };
        for (channel, source) in row.light.iter_mut().zip(source) {
            if in_gap {
                channel.fill(DARK);
            } else {
                channel.copy_from_slice(source);
            }
        }
        for label in &self.labels {
            label.paint(row);
        }
    }
}

/// Stripes of equal width over the whole row.
fn stripes(canvas: Canvas, lights: &[Light]) -> [Vec<f32>; 3] {
    let stripe = |x: usize| lights[x * lights.len() / canvas.width];
    std::array::from_fn(|channel| (0..canvas.width).map(|x| stripe(x)[channel]).collect())
}

/// The stop of each grey, in black on the bright ones and in white on the dark ones.
fn labels(canvas: Canvas) -> Vec<Caption> {
    let step = canvas.aspect() / STOPS.count() as f32;
    let cell = 0.0032_f32.min(step / 24.0);
    let label = |(place, stop): (usize, i32)| {
        let text = if stop == 0 { "0".to_owned() } else { format!("{stop:+}") };
        let (ink, alpha) = if stop < 1 { (INK, 0.6) } else { ([DARK; 3], 1.0) };
        let place =
            Place { across: (place as f32 + 0.5) * step, middle: (RAMP_TOP + 1.0) / 2.0, anchor: 0.5 };
        Caption::new(canvas, &text, cell, place, ink, alpha)
    };
    STOPS.enumerate().map(label).collect()
}
