//! Owns the way from luminance and chroma to R, G and B: «Luminance/Chroma Images» in «Technical Introduction to
//! OpenEXR», with the filter, the edges and the cure of over-saturated pixels of the reference library's
//! `RgbaInputFile` (`ImfRgbaYca.cpp`, BSD-3-Clause). Pure; lines depend on source planes alone, so that several
//! threads may share a picture.

use std::ops::Range;

use super::chunk::{Kind, Rows};
use super::numbers;
use super::scratch::Held;
use crate::decode::DecodeError;

/// Weights of the chroma samples left and right of a missing one, the farthest pair first; the 27 taps of the
/// reference without those at zero, where samples are missing.
const WEIGHTS: [f32; 7] = [0.002_128, -0.007_54, 0.019_597, -0.043_159, 0.087_929, -0.186_077, 0.627_123];
/// Samples that make a missing one.
const TAPS: usize = 2 * WEIGHTS.len();
/// Samples repeated at either end of a line.
const PAD: usize = WEIGHTS.len();
/// Lines of chroma that are kept as numbers; more than are needed at once.
const KEPT_LINES: usize = 16;
/// Pixels that are looked at together.
const BLOCK: usize = 16;

/// Red, green, blue and white as in the attribute `chromaticities`, x and y of each: those of Rec. 709, which
/// files without the attribute have.
pub const REC_709: [f32; 8] = [0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329];

/// How much R, G and B of these primaries add to the luminance; they sum up to 1. Those of Rec. 709 for primaries
/// that make no sense.
///
/// The luminances of the three primaries that together make the white point («SMPTE RP 177-1993», 3.3).
pub fn luminance_weights(chromaticities: [f32; 8]) -> [f32; 3] {
    let weights = |chromaticities: [f32; 8]| {
        let [rx, ry, gx, gy, bx, by, wx, wy] = chromaticities.map(f64::from);
        // Amounts of the primaries by Cramer's rule, all times the same number; luminance is amount times y.
        let area = |(ax, ay): (f64, f64), (bx, by), (cx, cy)| (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
        let (r, g, b, w) = ((rx, ry), (gx, gy), (bx, by), (wx, wy));
        let luminances = [area(w, g, b) * ry, area(r, w, b) * gy, area(r, g, w) * by];
        luminances.map(|luminance| (luminance / luminances.iter().sum::<f64>()) as f32)
    };
    let found = weights(chromaticities);
    // Green is divided by its own weight.
    let usable = found.iter().all(|weight| weight.abs() < 1e6) && found[1].abs() > 1e-6;
    if usable { found } else { weights(REC_709) }
}

/// The samples of a channel of a whole picture, row by row from the top.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    pub bytes: &'a [u8],
    /// Bytes from row to row.
    pub stride: usize,
    pub kind: Kind,
}

/// A picture in luminance and chroma. A chroma channel that is missing is 0 everywhere: gray.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// The data window, in the coordinates of the file.
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
    pub luminance: Plane<'a>,
    /// (R - Y) / Y and (B - Y) / Y.
    pub chroma: [Option<Plane<'a>>; 2],
    /// Chroma samples exist where x and y are multiples of these, 1 or 2 each.
    pub sampling: (u32, u32),
    /// See [`luminance_weights`].
    pub weights: [f32; 3],
}

/// What a thread keeps between pictures; after the first of a size nothing is allocated.
#[derive(Debug, Default)]
pub struct Scratch {
    chroma: [ChromaScratch; 2],
    lines: [Line; 3],
    /// The saturation that each pixel may have.
    limits: Vec<f32>,
}

/// Work of one chroma channel.
#[derive(Debug, Default)]
struct ChromaScratch {
    /// [`KEPT_LINES`] lines of the plane as numbers; line `n` at place `n % KEPT_LINES`.
    kept: Vec<f32>,
    kept_lines: [Option<usize>; KEPT_LINES],
    /// A line at the vertical position that is wanted, with [`PAD`] samples around.
    padded: Vec<f32>,
    /// The samples missing between those of `padded`.
    between: Vec<f32>,
    /// A sample for every pixel.
    line: Vec<f32>,
}

/// A line of the picture.
#[derive(Debug, Default)]
struct Line {
    rgb: [Vec<f32>; 3],
    saturation: Vec<f32>,
}

/// Writes lines `lines` of a picture, counted from the top: R, G and B as channels 0, 1 and 2 of `rows`, half.
///
/// # Errors
/// [`DecodeError::NotSupported`] for other samplings, [`DecodeError::Damaged`] for planes too small for the
/// picture, [`DecodeError::Io`] without memory.
pub fn reconstruct(
    picture: &Picture,
    lines: Range<u32>,
    scratch: &mut Scratch,
    rows: &mut impl Rows,
) -> Result<(), DecodeError> {
    let axes = Axes::of(picture)?;
    scratch.prepare(&axes)?;
    let lines = i64::from(lines.start)..i64::from(lines.end.min(picture.height));
    if lines.is_empty() || picture.width == 0 {
        return Ok(());
    }
    for line in lines.start - 1..=lines.start {
        scratch.next_line(picture, &axes, line);
    }
    for line in lines {
        scratch.next_line(picture, &axes, line + 1);
        let [above, this, below] = &mut scratch.lines;
        desaturate_line(picture.weights, above, this, below, &mut scratch.limits);
        for (channel, samples) in this.rgb.iter().enumerate() {
            if let Some(row) = rows.row(channel, line as usize) {
                numbers::write(Kind::Half, samples, row);
            }
        }
    }
    Ok(())
}

/// One direction of a picture: where pixels are, and which of them have a chroma sample.
#[derive(Debug, Clone, Copy)]
struct Axis {
    start: i64,
    pixels: usize,
    step: i64,
    /// The first chroma sample stands at coordinate `first * step`.
    first: i64,
    samples: usize,
}

impl Axis {
    fn new(start: i32, pixels: u32, step: u32) -> Result<Self, DecodeError> {
        if step != 1 && step != 2 {
            return Err(DecodeError::not_supported(format!("chroma with one sample in {step} pixels")));
        }
        let (start, step) = (i64::from(start), i64::from(step));
        let first = (start + step - 1).div_euclid(step);
        let samples = (start + i64::from(pixels) - 1).div_euclid(step) + 1 - first;
        Ok(Self { start, pixels: pixels as usize, step, first, samples: samples.max(0) as usize })
    }

    /// The chroma sample at or before a pixel, from 0; negative before the first, and whether it is at the pixel.
    fn sample(&self, pixel: i64) -> (i64, bool) {
        let coordinate = self.start + pixel;
        (coordinate.div_euclid(self.step) - self.first, coordinate.rem_euclid(self.step) == 0)
    }

    /// The nearest sample that exists; there is one.
    fn clamped(&self, sample: i64) -> usize {
        (sample.max(0) as usize).min(self.samples - 1)
    }
}

#[derive(Debug, Clone, Copy)]
struct Axes {
    x: Axis,
    y: Axis,
}

impl Axes {
    /// Checks the planes' sizes on the way.
    fn of(picture: &Picture) -> Result<Self, DecodeError> {
        let x = Axis::new(picture.x, picture.width, picture.sampling.0)?;
        let y = Axis::new(picture.y, picture.height, picture.sampling.1)?;
        let chroma = picture.chroma.iter().flatten().all(|plane| plane.holds(x.samples, y.samples));
        if !chroma || !picture.luminance.holds(x.pixels, y.pixels) {
            return Err(DecodeError::damaged("the luminance and chroma planes do not fill the picture"));
        }
        Ok(Self { x, y })
    }
}

impl Plane<'_> {
    fn holds(&self, samples: usize, lines: usize) -> bool {
        let line = samples.checked_mul(self.kind.bytes());
        let above = lines.saturating_sub(1).checked_mul(self.stride);
        let needed = line.zip(above).and_then(|(line, above)| line.checked_add(above));
        lines == 0 || needed.is_some_and(|needed| needed <= self.bytes.len())
    }

    /// Reads the samples of a line as numbers.
    fn read(&self, line: usize, out: &mut [f32]) {
        numbers::read(self.kind, &self.bytes[line * self.stride..][..out.len() * self.kind.bytes()], out);
    }
}

impl Held for Scratch {
    fn held_bytes(&self) -> usize {
        self.chroma.held_bytes() + self.lines.held_bytes() + self.limits.held_bytes()
    }
}

impl Held for ChromaScratch {
    fn held_bytes(&self) -> usize {
        [&self.kept, &self.padded, &self.between, &self.line].map(Held::held_bytes).iter().sum()
    }
}

impl Held for Line {
    fn held_bytes(&self) -> usize {
        self.rgb.held_bytes() + self.saturation.held_bytes()
    }
}

impl Scratch {
    fn prepare(&mut self, axes: &Axes) -> Result<(), DecodeError> {
        let (pixels, samples) = (axes.x.pixels, axes.x.samples);
        sized(&mut self.limits, pixels)?;
        for chroma in &mut self.chroma {
            sized(&mut chroma.kept, KEPT_LINES * samples)?;
            chroma.kept_lines = Default::default();
            sized(&mut chroma.padded, PAD + samples + PAD)?;
            sized(&mut chroma.between, samples + 1)?;
            sized(&mut chroma.line, pixels)?;
        }
        for line in &mut self.lines {
            line.rgb.iter_mut().try_for_each(|samples| sized(samples, pixels))?;
            sized(&mut line.saturation, pixels)?;
        }
        Ok(())
    }

    /// Makes line `line` the last of the three, not yet desaturated. One line beyond either edge exists too.
    fn next_line(&mut self, picture: &Picture, axes: &Axes, line: i64) {
        self.lines.rotate_left(1);
        let Self { chroma: [ry, by], lines: [.., out], .. } = self;
        let last = axes.y.pixels as i64 - 1;
        // As the reference does: below the last line comes the last one with chroma, in a picture of even height.
        let luminance_line = if line > last { last - 1 } else { line };
        let [red, green, blue] = &mut out.rgb;
        picture.luminance.read(luminance_line.max(0) as usize, green);
        for (chroma, plane) in [&mut *ry, &mut *by].into_iter().zip(picture.chroma) {
            chroma.fill_line(plane, axes, line);
        }
        let [weight_red, weight_green, weight_blue] = picture.weights;
        let chroma = ry.line.iter().zip(&by.line);
        let rgb = red.iter_mut().zip(green).zip(blue);
        for ((((r, g), b), saturation), (ry, by)) in rgb.zip(&mut out.saturation).zip(chroma) {
            let y = *g;
            let (red, blue) = ((ry + 1.0) * y, (by + 1.0) * y);
            let green = (y - red * weight_red - blue * weight_blue) / weight_green;
            // Gray stays exactly gray.
            let is_gray = *ry == 0.0 && *by == 0.0;
            (*r, *g, *b) = if is_gray { (y, y, y) } else { (red, green, blue) };
            *saturation = saturation_of([*r, *g, *b]);
        }
    }
}

impl ChromaScratch {
    /// Puts a sample for every pixel of the picture's line `line` into `self.line`.
    fn fill_line(&mut self, plane: Option<Plane>, axes: &Axes, line: i64) {
        let samples = axes.x.samples;
        let Some(plane) = plane.filter(|_| samples > 0 && axes.y.samples > 0) else {
            self.line.fill(0.0);
            return;
        };
        let (sample, is_there) = axes.y.sample(line);
        let padded = PAD..PAD + samples;
        if is_there {
            let kept = self.keep(&plane, axes.y.clamped(sample), samples);
            self.padded[padded].copy_from_slice(&self.kept[kept]);
        } else {
            let first = sample + 1 - WEIGHTS.len() as i64;
            let kept: [_; TAPS] =
                std::array::from_fn(|tap| self.keep(&plane, axes.y.clamped(first + tap as i64), samples));
            weigh(kept.map(|kept| &self.kept[kept]), &mut self.padded[padded]);
        }
        if axes.x.step == 1 {
            self.line.copy_from_slice(&self.padded[PAD..PAD + samples]);
        } else {
            self.widen(axes.x.sample(0).1, samples);
        }
    }

    /// Has line `line` of the plane as numbers; returns where.
    fn keep(&mut self, plane: &Plane, line: usize, samples: usize) -> Range<usize> {
        let place = line % KEPT_LINES;
        let kept = place * samples..(place + 1) * samples;
        if self.kept_lines[place] != Some(line) {
            self.kept_lines[place] = Some(line);
            plane.read(line, &mut self.kept[kept.clone()]);
        }
        kept
    }

    /// Makes `self.line` from the samples in `self.padded`, which stand at every other pixel.
    fn widen(&mut self, starts_with_sample: bool, samples: usize) {
        let (first, last) = (self.padded[PAD], self.padded[PAD + samples - 1]);
        self.padded[..PAD].fill(first);
        self.padded[PAD + samples..].fill(last);
        let padded = &self.padded;
        weigh(std::array::from_fn(|tap| &padded[tap..=tap + samples]), &mut self.between);
        // `between[n]` stands before sample n.
        let (mut rest, mut between) = (&mut self.line[..], &self.between[..]);
        if !starts_with_sample && let [pixel, after @ ..] = rest {
            *pixel = between[0];
            rest = after;
        }
        between = &between[1..];
        let (pairs, odd) = rest.as_chunks_mut::<2>();
        let samples = &padded[PAD..PAD + samples];
        for (pair, (sample, between)) in pairs.iter_mut().zip(samples.iter().zip(between)) {
            *pair = [*sample, *between];
        }
        if let [pixel] = odd {
            *pixel = last;
        }
    }
}

/// Weighs 14 samples for each of `out`; all of its length.
fn weigh(taps: [&[f32]; TAPS], out: &mut [f32]) {
    let taps = taps.map(|tap| &tap[..out.len()]);
    for (at, out) in out.iter_mut().enumerate() {
        *out =
            (0..WEIGHTS.len()).map(|pair| (taps[pair][at] + taps[TAPS - 1 - pair][at]) * WEIGHTS[pair]).sum();
    }
}

fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

fn saturation_of([r, g, b]: [f32; 3]) -> f32 {
    let most = larger(r, larger(g, b));
    let least = smaller(r, smaller(g, b));
    if most > 0.0 { 1.0 - least / most } else { 0.0 }
}

/// Cures pixels that are far more saturated than the four diagonal neighbours, an artefact of filtered chroma
/// beside edges of luminance. The lines above and below are those before their own cure.
fn desaturate_line(weights: [f32; 3], above: &Line, this: &mut Line, below: &Line, limits: &mut [f32]) {
    let (above, below) = (&above.saturation[..], &below.saturation[..]);
    let limit = |around: f32| 1.0 - (1.0 - smaller(1.0, 0.25 * around)) * 0.25;
    let around = |left: usize, right: usize| above[left] + above[right] + below[left] + below[right];
    let last = limits.len() - 1;
    let inner = above.iter().zip(&above[last.min(2)..]).zip(below.iter().zip(&below[last.min(2)..]));
    for (out, ((a, b), (c, d))) in limits.iter_mut().skip(1).zip(inner) {
        *out = limit(a + b + c + d);
    }
    limits[0] = limit(around(0, last.min(1)));
    limits[last] = limit(around(last.saturating_sub(1), last));
    let mut at = 0;
    // Hardly any pixel needs the cure.
    for (saturations, limits) in this.saturation.chunks(BLOCK).zip(limits.chunks(BLOCK)) {
        let is_over = |(saturation, limit): (&f32, &f32)| saturation > limit;
        if saturations.iter().zip(limits).fold(false, |any, pair| any | is_over(pair)) {
            for pixel in saturations.iter().zip(limits).enumerate().filter(|(_, pair)| is_over(*pair)) {
                let (offset, (saturation, limit)) = pixel;
                let rgb = this.rgb.each_ref().map(|samples| samples[at + offset]);
                let cured = desaturated(rgb, limit / saturation, weights);
                this.rgb.iter_mut().zip(cured).for_each(|(samples, cured)| samples[at + offset] = cured);
            }
        }
        at += saturations.len();
    }
}

/// Moves a pixel towards its greatest component and keeps its luminance.
fn desaturated(rgb: [f32; 3], factor: f32, weights: [f32; 3]) -> [f32; 3] {
    let most = rgb.into_iter().fold(f32::NEG_INFINITY, larger);
    let luminance = |rgb: [f32; 3]| rgb[0] * weights[0] + rgb[1] * weights[1] + rgb[2] * weights[2];
    let moved = rgb.map(|sample| larger(most - (most - sample) * factor, 0.0));
    let found = luminance(moved);
    if found > 0.0 { moved.map(|sample| sample * (luminance(rgb) / found)) } else { moved }
}

/// Gives a buffer exactly `length` samples; what they hold is overwritten.
fn sized<T: Copy + Default>(buffer: &mut Vec<T>, length: usize) -> Result<(), DecodeError> {
    let more = length.saturating_sub(buffer.len());
    if buffer.try_reserve_exact(more).is_err() {
        return Err(DecodeError::Io { reason: format!("no memory for lines of {length} pixels") });
    }
    buffer.resize(length, T::default());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;
    use proptest::prelude::*;

    // A picture of 8 x 4 pixels from (-2, 4) on, and what `RgbaInputFile` of OpenEXR 3.1.5 makes of it.
    const LUMINANCE: [u16; 32] = [
        0x3323, 0x3812, 0x3992, 0x3b4c, 0x3ca3, 0x3d42, 0x3e11, 0x3ebe, 0x3435, 0x378e, 0x39b9, 0x3b7d,
        0x3ca3, 0x3d39, 0x3e07, 0x3e82, 0x33aa, 0x3812, 0x3951, 0x3b12, 0x3c7b, 0x3d3e, 0x3dc0, 0x3e6f,
        0x335f, 0x3736, 0x3948, 0x3b0c, 0x3c82, 0x3d23, 0x3e17, 0x3ec6,
    ];
    const RY: [u16; 8] = [0xb840, 0xa8b6, 0xba46, 0x3a28, 0x372e, 0xac97, 0xb6c9, 0xba3b];
    const BY: [u16; 8] = [0xb062, 0xb853, 0xb5b6, 0x3326, 0x35cf, 0x3712, 0xb86d, 0x32a3];
    const R: [u16; 32] = [
        0x2eb1, 0x3759, 0x395e, 0x36a4, 0x3401, 0x3c91, 0x415e, 0x42d4, 0x3409, 0x37fd, 0x396a, 0x3871,
        0x3758, 0x3a8b, 0x3e00, 0x3f2e, 0x358d, 0x38ef, 0x38ef, 0x392b, 0x3929, 0x3807, 0x3516, 0x34ad,
        0x35cc, 0x3883, 0x38e1, 0x3966, 0x399b, 0x36a2, 0x2ee1, 0x2db9,
    ];
    const G: [u16; 32] = [
        0x342e, 0x3853, 0x39ef, 0x3c73, 0x3de3, 0x3d79, 0x3c8b, 0x3c80, 0x3436, 0x3755, 0x39d8, 0x3c55,
        0x3daf, 0x3de3, 0x3de8, 0x3e19, 0x325c, 0x3728, 0x3931, 0x3bbd, 0x3d4c, 0x3e5d, 0x3ef6, 0x3fc3,
        0x31cc, 0x362c, 0x3919, 0x3b99, 0x3d47, 0x3e59, 0x3fa7, 0x4039,
    ];
    const B: [u16; 32] = [
        0x3229, 0x3579, 0x351e, 0x3639, 0x39f7, 0x3d28, 0x3f6c, 0x404c, 0x34af, 0x383e, 0x3971, 0x38ce,
        0x390e, 0x3c61, 0x3f53, 0x404b, 0x3539, 0x3a68, 0x3baa, 0x3a10, 0x3801, 0x3b4c, 0x3ef1, 0x4064,
        0x3542, 0x3a16, 0x3c23, 0x3a6e, 0x379b, 0x3ac8, 0x3f48, 0x4088,
    ];

    struct Planes {
        width: usize,
        rgb: [Vec<u8>; 3],
    }

    impl Rows for Planes {
        fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
            self.rgb[channel].get_mut(line * self.width * 2..(line + 1) * self.width * 2)
        }
    }

    /// A picture with samples of its own.
    #[derive(Debug, Clone)]
    struct Owned {
        corner: [i32; 2],
        size: [u32; 2],
        sampling: (u32, u32),
        luminance: Vec<f32>,
        chroma: [Vec<f32>; 2],
        weights: [f32; 3],
    }

    impl Owned {
        fn axes(&self) -> [Axis; 2] {
            let [width, height] = self.size;
            [
                Axis::new(self.corner[0], width, self.sampling.0).unwrap(),
                Axis::new(self.corner[1], height, self.sampling.1).unwrap(),
            ]
        }

        /// R, G and B of lines in pieces of `band`.
        fn reconstructed(&self, kind: Kind, band: u32) -> [Vec<f32>; 3] {
            let bytes = |samples: &Vec<f32>| -> Vec<u8> {
                match kind {
                    Kind::Half => samples.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
                    _ => samples.iter().flat_map(|v| v.to_le_bytes()).collect(),
                }
            };
            let (luminance, chroma) = (bytes(&self.luminance), self.chroma.each_ref().map(bytes));
            let plane = |bytes, samples: usize| Plane { bytes, stride: samples * kind.bytes(), kind };
            let [width, height] = self.size;
            let samples = self.axes()[0].samples;
            let picture = Picture {
                x: self.corner[0],
                y: self.corner[1],
                width,
                height,
                luminance: plane(&luminance, width as usize),
                chroma: chroma.each_ref().map(|bytes| Some(plane(bytes, samples))),
                sampling: self.sampling,
                weights: self.weights,
            };
            let pixels = width as usize * height as usize;
            let mut planes = Planes { width: width as usize, rgb: [0; 3].map(|_| vec![0xee; pixels * 2]) };
            let mut scratch = Scratch::default();
            for line in (0..height).step_by(band as usize) {
                reconstruct(&picture, line..line + band, &mut scratch, &mut planes).unwrap();
            }
            let numbers = |bytes: Vec<u8>| {
                bytes.as_chunks().0.iter().map(|v| f16::from_le_bytes(*v).to_f32()).collect()
            };
            planes.rgb.map(numbers)
        }

        /// A chroma channel at any pixel, in double precision, by the definition.
        fn chroma_at(&self, channel: usize, x: i64, y: i64) -> f64 {
            let [columns, rows] = self.axes();
            if columns.samples == 0 || rows.samples == 0 {
                return 0.0;
            }
            let taps = |axis: Axis, pixel: i64| {
                let coordinate = axis.start + pixel;
                let clamped =
                    move |coordinate: i64| axis.clamped(coordinate.div_euclid(axis.step) - axis.first);
                if coordinate.rem_euclid(axis.step) == 0 {
                    return vec![(clamped(coordinate), 1.0)];
                }
                let pair = |(place, weight): (usize, &f32)| {
                    let distance = 13 - 2 * place as i64;
                    [coordinate - distance, coordinate + distance].map(|at| (clamped(at), f64::from(*weight)))
                };
                WEIGHTS.iter().enumerate().flat_map(pair).collect()
            };
            let columns_of = taps(columns, x);
            let sum_of_row = |row: usize| -> f64 {
                let sample = |column: usize| f64::from(self.chroma[channel][row * columns.samples + column]);
                columns_of.iter().map(|(column, weight)| sample(*column) * weight).sum()
            };
            taps(rows, y).iter().map(|(row, weight)| sum_of_row(*row) * weight).sum()
        }

        fn uncured_at(&self, x: i64, y: i64) -> [f64; 3] {
            let [width, height] = self.size.map(i64::from);
            let line = if y >= height { height - 2 } else { y };
            let at = line.max(0) * width + x;
            let luminance = f64::from(self.luminance[at as usize]);
            let [red_weight, green_weight, blue_weight] = self.weights.map(f64::from);
            let red = (self.chroma_at(0, x, y) + 1.0) * luminance;
            let blue = (self.chroma_at(1, x, y) + 1.0) * luminance;
            [red, (luminance - red * red_weight - blue * blue_weight) / green_weight, blue]
        }

        fn saturation_at(&self, x: i64, y: i64) -> f64 {
            let rgb = self.uncured_at(x.clamp(0, i64::from(self.size[0]) - 1), y);
            let most = rgb.into_iter().fold(f64::MIN, f64::max);
            let least = rgb.into_iter().fold(f64::MAX, f64::min);
            if most > 0.0 { 1.0 - least / most } else { 0.0 }
        }

        fn twin_at(&self, x: i64, y: i64) -> [f64; 3] {
            let rgb = self.uncured_at(x, y);
            let corners = [(-1, -1), (1, -1), (-1, 1), (1, 1)];
            let mean: f64 =
                corners.iter().map(|(dx, dy)| self.saturation_at(x + dx, y + dy)).sum::<f64>() / 4.0;
            let limit = 0.75 + 0.25 * mean.min(1.0);
            let saturation = self.saturation_at(x, y);
            if saturation <= limit {
                return rgb;
            }
            let most = rgb.into_iter().fold(f64::MIN, f64::max);
            let moved = rgb.map(|v| (most - (most - v) * limit / saturation).max(0.0));
            let luminance =
                |rgb: [f64; 3]| -> f64 { rgb.iter().zip(self.weights).map(|(v, w)| v * f64::from(w)).sum() };
            let factor = if luminance(moved) > 0.0 { luminance(rgb) / luminance(moved) } else { 1.0 };
            moved.map(|v| v * factor)
        }
    }

    fn any_picture() -> impl Strategy<Value = Owned> {
        let sampling = prop::sample::select(vec![(2, 2), (2, 2), (2, 2), (1, 1), (2, 1), (1, 2)]);
        let weights = prop::sample::select(vec![
            luminance_weights(REC_709),
            luminance_weights([0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767]),
        ]);
        let frame = ([-5..6_i32, -5..6], [1..40_u32, 1..36], sampling, weights);
        frame.prop_flat_map(|(corner, size, sampling, weights)| {
            let owned =
                Owned { corner, size, sampling, weights, luminance: vec![], chroma: [vec![], vec![]] };
            let [columns, rows] = owned.axes();
            let half = |range: Range<f32>| range.prop_map(|v| f16::from_f32(v).to_f32());
            let samples = columns.samples * rows.samples;
            let luminance = prop::collection::vec(half(0.0..2.0), columns.pixels * rows.pixels);
            let chroma = || prop::collection::vec(half(-0.9..0.9), samples);
            (luminance, [chroma(), chroma()]).prop_map(move |(luminance, chroma)| Owned {
                luminance,
                chroma,
                ..owned.clone()
            })
        })
    }

    fn numbers(bits: &[u16]) -> Vec<f32> {
        bits.iter().map(|bits| f16::from_bits(*bits).to_f32()).collect()
    }

    fn picture_of_openexr() -> Owned {
        Owned {
            corner: [-2, 4],
            size: [8, 4],
            sampling: (2, 2),
            luminance: numbers(&LUMINANCE),
            chroma: [numbers(&RY), numbers(&BY)],
            weights: luminance_weights(REC_709),
        }
    }

    #[test]
    fn a_picture_comes_out_as_from_the_reference_library() {
        let found = picture_of_openexr().reconstructed(Kind::Half, 4);
        let expected = [numbers(&R), numbers(&G), numbers(&B)];
        for at in 0..32 {
            let most = expected.iter().fold(0.0, |most, plane| larger(most, plane[at]));
            for (found, expected) in found.iter().zip(&expected) {
                // It rounds to half after every step.
                let difference = (found[at] - expected[at]).abs();
                assert!(difference <= 0.002 * most, "{at}: {} for {}", found[at], expected[at]);
            }
        }
    }

    #[test]
    fn weights_are_those_of_the_primaries() {
        let close = |found: [f32; 3], expected: [f32; 3]| {
            found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 5e-5)
        };
        // «Rec. ITU-R BT.709-6», 3.2, and ACES AP0 («SMPTE ST 2065-1»).
        assert!(close(luminance_weights(REC_709), [0.2126, 0.7152, 0.0722]));
        let aces = [0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767];
        assert!(close(luminance_weights(aces), [0.3440, 0.7282, -0.0721]));
        // R, G and B that are X, Y and Z.
        let xyz = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0 / 3.0, 1.0 / 3.0];
        assert!(close(luminance_weights(xyz), [0.0, 1.0, 0.0]));
    }

    #[test]
    fn primaries_without_sense_are_those_of_rec_709() {
        let on_a_line = [0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.3127, 0.329];
        let without_green = [0.64, 0.33, 0.3, 0.0, 0.15, 0.06, 0.3127, 0.329];
        for primaries in
            [on_a_line, without_green, [f32::NAN; 8], [0.0; 8], [f32::MAX; 8], [f32::INFINITY; 8]]
        {
            assert_eq!(luminance_weights(primaries), luminance_weights(REC_709), "{primaries:?}");
        }
    }

    #[test]
    fn without_chroma_all_three_are_the_luminance() {
        let bytes: Vec<u8> = LUMINANCE.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let luminance = Plane { bytes: &bytes, stride: 16, kind: Kind::Half };
        let (weights, sampling) = (luminance_weights(REC_709), (1, 1));
        let picture =
            Picture { x: 0, y: 0, width: 8, height: 4, luminance, chroma: [None; 2], sampling, weights };
        let mut planes = Planes { width: 8, rgb: [0; 3].map(|_| vec![0; 64]) };
        reconstruct(&picture, 0..4, &mut Scratch::default(), &mut planes).unwrap();
        assert!(planes.rgb.iter().all(|plane| *plane == bytes));
    }

    #[test]
    fn other_samplings_and_short_planes_are_errors() {
        let luminance = Plane { bytes: &[0; 64], stride: 16, kind: Kind::Half };
        let chroma = [Some(Plane { bytes: &[0; 16], stride: 8, kind: Kind::Half }), None];
        let (weights, sampling) = (luminance_weights(REC_709), (2, 2));
        let good = Picture { x: 0, y: 0, width: 8, height: 4, luminance, chroma, sampling, weights };
        let mut planes = Planes { width: 8, rgb: [0; 3].map(|_| vec![0; 64]) };
        let mut result = |picture| reconstruct(&picture, 0..9, &mut Scratch::default(), &mut planes);
        assert_eq!(result(good), Ok(()));
        for sampling in [(0, 2), (2, 0), (3, 2), (4, 4), (1, 1), (1, 2)] {
            assert!(result(Picture { sampling, ..good }).is_err());
        }
        let short = |bytes| Plane { bytes: &[0; 64][..bytes], ..luminance };
        assert!(result(Picture { luminance: short(63), ..good }).is_err());
        assert!(result(Picture { luminance: Plane { stride: usize::MAX, ..luminance }, ..good }).is_err());
        assert!(result(Picture { chroma: [None, Some(short(13))], ..good }).is_err());
        assert_eq!(result(Picture { width: 0, ..good }), Ok(()));
        assert_eq!(result(Picture { height: 0, ..good }), Ok(()));
    }

    proptest! {
        #[test]
        fn every_pixel_is_that_of_the_definition(picture in any_picture(), kind in prop::sample::select(vec![Kind::Half, Kind::Float])) {
            let found = picture.reconstructed(kind, 64);
            for y in 0..picture.size[1] {
                for x in 0..picture.size[0] {
                    let expected = picture.twin_at(x.into(), y.into());
                    let most = expected.iter().fold(1e-3, |most, v| v.abs().max(most));
                    for (found, expected) in found.iter().zip(expected) {
                        let found = found[(y * picture.size[0] + x) as usize];
                        let difference = (f64::from(found) - expected).abs();
                        prop_assert!(difference <= 1e-3 * most, "({}, {}): {} for {}", x, y, found, expected);
                    }
                }
            }
        }

        #[test]
        fn pieces_make_the_whole(picture in any_picture(), band in 1..9_u32) {
            prop_assert_eq!(picture.reconstructed(Kind::Half, band), picture.reconstructed(Kind::Half, 64));
        }

        #[test]
        fn any_numbers_end_in_a_picture(mut picture in any_picture(), bits in prop::collection::vec(any::<u32>(), 20)) {
            let samples = picture.luminance.iter_mut().chain(picture.chroma.iter_mut().flatten());
            samples.zip(bits.iter().cycle()).for_each(|(sample, bits)| *sample = f32::from_bits(*bits));
            picture.reconstructed(Kind::Float, 5);
        }
    }
}
