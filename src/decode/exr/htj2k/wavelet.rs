//! Owns the inverse wavelet transforms: one level of the reversible 5/3 or the irreversible 9/7 one, row by row.
//! Formulas: ITU-T T.800 annex F. Pure.

use std::ops::Range;

use crate::decode::DecodeError;
use crate::decode::exr::scratch::{Held, grown};
use crate::decode::exr::simd::htj2k::{Loop, widest};

/// A wavelet over samples of a type.
pub trait Wavelet {
    type Coefficient: super::block::Coefficient;
    type Sample: Copy + Default;
    /// Pairs of lifting steps.
    const STAGES: usize;

    /// Takes a coefficient of a band with the given step.
    fn take(from: Self::Coefficient, step: f32) -> Self::Sample;

    /// Weighs a low sample, and a high one, before lifting.
    fn weigh_low(sample: Self::Sample) -> Self::Sample;
    fn weigh_high(sample: Self::Sample) -> Self::Sample;

    /// Lifts even samples by the odd ones beside them.
    fn lift_even(stage: usize, even: &mut Self::Sample, before: Self::Sample, after: Self::Sample);

    /// Lifts odd samples by the even ones beside them.
    fn lift_odd(stage: usize, odd: &mut Self::Sample, before: Self::Sample, after: Self::Sample);
}

/// The 5/3 wavelet on integers of either width.
pub struct Reversible<T>(std::marker::PhantomData<T>);

macro_rules! reversible {
    ($integer:ty) => {
        impl Wavelet for Reversible<$integer> {
            type Coefficient = $integer;
            type Sample = $integer;
            const STAGES: usize = 1;

            #[inline(always)]
            fn take(from: $integer, _: f32) -> $integer {
                from
            }

            #[inline(always)]
            fn weigh_low(sample: $integer) -> $integer {
                sample
            }

            #[inline(always)]
            fn weigh_high(sample: $integer) -> $integer {
                sample
            }

            #[inline(always)]
            fn lift_even(_: usize, even: &mut $integer, before: $integer, after: $integer) {
                *even = even.wrapping_sub(before.wrapping_add(after).wrapping_add(2) >> 2);
            }

            #[inline(always)]
            fn lift_odd(_: usize, odd: &mut $integer, before: $integer, after: $integer) {
                *odd = odd.wrapping_add(before.wrapping_add(after) >> 1);
            }
        }
    };
}

reversible!(i32);
reversible!(i64);

/// The 9/7 wavelet; coefficients come doubled, with a half in their last place.
pub struct Irreversible<T>(std::marker::PhantomData<T>);

/// T.800 table F.4: alpha to delta, and K.
const LIFTS: [f32; 4] = [-1.586_134_3, -0.052_980_117, 0.882_911_1, 0.443_506_87];
const LOW_WEIGHT: f32 = 1.230_174_1;
const HIGH_WEIGHT: f32 = 1.0 / 1.230_174_1;

macro_rules! irreversible {
    ($integer:ty) => {
        impl Wavelet for Irreversible<$integer> {
            type Coefficient = $integer;
            type Sample = f32;
            const STAGES: usize = 2;

            #[inline(always)]
            fn take(from: $integer, step: f32) -> f32 {
                from as f32 * (step * 0.5)
            }

            #[inline(always)]
            fn weigh_low(sample: f32) -> f32 {
                sample * LOW_WEIGHT
            }

            #[inline(always)]
            fn weigh_high(sample: f32) -> f32 {
                sample * HIGH_WEIGHT
            }

            #[inline(always)]
            fn lift_even(stage: usize, even: &mut f32, before: f32, after: f32) {
                *even -= LIFTS[3 - 2 * stage] * (before + after);
            }

            #[inline(always)]
            fn lift_odd(stage: usize, odd: &mut f32, before: f32, after: f32) {
                *odd -= LIFTS[2 - 2 * stage] * (before + after);
            }
        }
    };
}

irreversible!(i32);
irreversible!(i64);

/// The coefficients of a band, and their step.
pub type Band<'a, C> = (&'a [C], f32);

/// The four bands that a level joins, and the size of the result.
pub struct Bands<'a, W: Wavelet> {
    pub low: &'a [W::Sample],
    /// Low rows' high halves (HL), high rows' low halves (LH), high rows' high halves (HH), each with its step;
    /// none where there is no level at all.
    pub high: Option<[Band<'a, W::Coefficient>; 3]>,
    pub width: usize,
    pub height: usize,
}

/// Rows in the making: a ring of pairs of an even and an odd row. Kept between chunks for its memory.
#[derive(Debug, Default)]
pub struct Ring<S> {
    rows: [[Vec<S>; 2]; RING],
    time: usize,
}

const RING: usize = 3;

impl<S: Copy> Held for Ring<S> {
    fn held_bytes(&self) -> usize {
        self.rows.held_bytes()
    }
}

/// Samples of a row that are lifted before the next row's.
const STRIP: usize = 1024;

impl<S: Copy + Default> Ring<S> {
    /// Starts a level.
    ///
    /// # Errors
    /// [`DecodeError::Io`] where memory is refused.
    pub fn start(&mut self, width: usize) -> Result<(), DecodeError> {
        self.time = 0;
        for row in self.rows.iter_mut().flatten() {
            grown(row, width)?;
        }
        Ok(())
    }

    /// The next even row and the odd one below it, the latter without meaning below the last row. In a row the
    /// even samples stand before the odd ones. Call it as often as the level has even rows.
    pub fn next<'a, W: Wavelet<Sample = S>>(&'a mut self, bands: &Bands<'a, W>) -> (&'a [S], &'a [S]) {
        let Some(high) = &bands.high else {
            let row = self.time;
            self.time += 1;
            return (&bands.low[row * bands.width..][..bands.width], &[]);
        };
        loop {
            let time = self.time;
            self.time += 1;
            if time < bands.height.div_ceil(2) {
                self.load(bands, high, time);
            }
            if bands.height > 1 {
                self.lift::<W>(time, bands.width, bands.height);
            }
            if time >= W::STAGES {
                let [even, odd] = &self.rows[(time - W::STAGES) % RING];
                return (&even[..bands.width], &odd[..bands.width]);
            }
        }
    }

    /// Loads pair `pair` and joins the halves of its rows.
    fn load<W: Wavelet<Sample = S>>(
        &mut self,
        bands: &Bands<W>,
        high: &[Band<W::Coefficient>; 3],
        pair: usize,
    ) {
        let (left, right) = (bands.width.div_ceil(2), bands.width / 2);
        let [even, odd] = self.rows[pair % RING].each_mut().map(|row| &mut row[..bands.width]);
        let band = |index: usize, width: usize| (&high[index].0[pair * width..][..width], high[index].1);
        let (lows, highs) = even.split_at_mut(left);
        let low = Low::Row(&bands.low[pair * left..][..left]);
        widest(Join::<W> { low, high: band(0, right), lows, highs });
        if 2 * pair + 1 < bands.height {
            let (lows, highs) = odd.split_at_mut(left);
            widest(Join::<W> { low: Low::Band(band(1, left)), high: band(2, right), lows, highs });
        }
        if bands.height > 1 {
            widest(Weigh::<W>(even, odd));
        }
    }

    /// All vertical lifting that is possible once pair `time` is loaded, in strips that stay in the nearest cache.
    fn lift<W: Wavelet<Sample = S>>(&mut self, time: usize, width: usize, height: usize) {
        let (pairs, odds) = (height.div_ceil(2), height / 2);
        let order = [time, time + RING - 1, time + RING - 2].map(|pair| pair % RING);
        let Ok([this, last, last_but_one]) = self.rows.get_disjoint_mut(order) else { return };
        for left in (0..width).step_by(STRIP) {
            let strip = left..(left + STRIP).min(width);
            let (mut this, mut last) = (part(this, &strip), part(last, &strip));
            let mut last_but_one = part(last_but_one, &strip);
            for stage in 0..W::STAGES {
                let Some(pair) = time.checked_sub(stage) else { break };
                let (pair_rows, rows_before) =
                    if stage == 0 { (&mut this, &mut last) } else { (&mut last, &mut last_but_one) };
                if pair < pairs {
                    let [even, odd] = pair_rows;
                    let before = if pair > 0 { &*rows_before[1] } else { &**odd };
                    let after = if pair < odds { &**odd } else { before };
                    widest(LiftRow(even, before, after, |even: &mut S, a, b| {
                        W::lift_even(stage, even, a, b)
                    }));
                }
                if (1..=odds).contains(&pair) {
                    let [even, odd] = rows_before;
                    let after = if pair < pairs { &*pair_rows[0] } else { &**even };
                    widest(LiftRow(odd, even, after, |odd: &mut S, a, b| W::lift_odd(stage, odd, a, b)));
                }
            }
        }
    }
}

/// A strip of a pair of rows.
fn part<'a, S>([even, odd]: &'a mut [Vec<S>; 2], strip: &Range<usize>) -> [&'a mut [S]; 2] {
    [&mut even[strip.clone()], &mut odd[strip.clone()]]
}

/// Lifts a row by those above and below.
struct LiftRow<'a, S, F>(&'a mut [S], &'a [S], &'a [S], F);

impl<S: Copy, F: Fn(&mut S, S, S)> Loop for LiftRow<'_, S, F> {
    #[inline(always)]
    fn run(self) {
        for ((sample, before), after) in self.0.iter_mut().zip(self.1).zip(self.2) {
            (self.3)(sample, *before, *after);
        }
    }
}

/// Weighs two rows against each other.
struct Weigh<'a, W: Wavelet>(&'a mut [W::Sample], &'a mut [W::Sample]);

impl<W: Wavelet> Loop for Weigh<'_, W> {
    #[inline(always)]
    fn run(self) {
        self.0.iter_mut().for_each(|sample| *sample = W::weigh_low(*sample));
        self.1.iter_mut().for_each(|sample| *sample = W::weigh_high(*sample));
    }
}

/// The low half of a row: of a resolution that is done, or of a band.
enum Low<'a, W: Wavelet> {
    Row(&'a [W::Sample]),
    Band(Band<'a, W::Coefficient>),
}

/// Joins the halves of a row into `lows` and `highs`.
struct Join<'a, W: Wavelet> {
    low: Low<'a, W>,
    high: Band<'a, W::Coefficient>,
    lows: &'a mut [W::Sample],
    highs: &'a mut [W::Sample],
}

impl<W: Wavelet> Loop for Join<'_, W> {
    #[inline(always)]
    fn run(self) {
        let Self { low, high: (high, step), lows, highs } = self;
        let high = &high[..highs.len()];
        let high = |at: usize| W::weigh_high(W::take(high[at], step));
        match low {
            // A single column stays as it is.
            Low::Row(row) if highs.is_empty() => lows.copy_from_slice(row),
            Low::Band((band, step)) if highs.is_empty() => lows[0] = W::take(band[0], step),
            Low::Row(row) => {
                let row = &row[..lows.len()];
                join::<W>(|at| W::weigh_low(row[at]), high, lows, highs);
            }
            Low::Band((band, step)) => {
                let band = &band[..lows.len()];
                join::<W>(|at| W::weigh_low(W::take(band[at], step)), high, lows, highs);
            }
        }
    }
}

/// Lifts a row from two halves, of which the high one is not empty.
#[inline(always)]
fn join<W: Wavelet>(
    low: impl Fn(usize) -> W::Sample,
    high: impl Fn(usize) -> W::Sample,
    lows: &mut [W::Sample],
    highs: &mut [W::Sample],
) {
    let (evens, odds) = (lows.len(), highs.len());
    let even = |stage: usize, mut sample: W::Sample, before: W::Sample, after: W::Sample| {
        W::lift_even(stage, &mut sample, before, after);
        sample
    };
    let odd = |stage: usize, mut sample: W::Sample, before: W::Sample, after: W::Sample| {
        W::lift_odd(stage, &mut sample, before, after);
        sample
    };
    lows[0] = even(0, low(0), high(0), high(0));
    for (at, sample) in lows[1..odds].iter_mut().enumerate() {
        *sample = even(0, low(at + 1), high(at), high(at + 1));
    }
    if evens > odds {
        lows[odds] = even(0, low(odds), high(odds - 1), high(odds - 1));
    }
    for at in 0..evens - 1 {
        highs[at] = odd(0, high(at), lows[at], lows[at + 1]);
    }
    if evens == odds {
        highs[odds - 1] = odd(0, high(odds - 1), lows[odds - 1], lows[odds - 1]);
    }
    for stage in 1..W::STAGES {
        lows[0] = even(stage, lows[0], highs[0], highs[0]);
        for at in 1..odds {
            lows[at] = even(stage, lows[at], highs[at - 1], highs[at]);
        }
        if evens > odds {
            lows[odds] = even(stage, lows[odds], highs[odds - 1], highs[odds - 1]);
        }
        for at in 0..evens - 1 {
            highs[at] = odd(stage, highs[at], lows[at], lows[at + 1]);
        }
        if evens == odds {
            highs[odds - 1] = odd(stage, highs[odds - 1], lows[odds - 1], lows[odds - 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The sample at `at` of a line that is mirrored at its ends.
    fn mirrored(line: &[i64], at: isize) -> i64 {
        let last = line.len() as isize - 1;
        let at = if at < 0 { -at } else { at };
        line[if at > last { (2 * last - at).max(0) } else { at } as usize]
    }

    /// The forward 5/3 transform of a line (T.800 F.4.8.1): even samples, then odd ones.
    fn analysed(line: &[i64]) -> Vec<i64> {
        let mut line = line.to_vec();
        if line.len() > 1 {
            for at in (1..line.len()).step_by(2) {
                let at = at as isize;
                line[at as usize] -= (mirrored(&line, at - 1) + mirrored(&line, at + 1)) >> 1;
            }
            for at in (0..line.len()).step_by(2) {
                let at = at as isize;
                line[at as usize] += (mirrored(&line, at - 1) + mirrored(&line, at + 1) + 2) >> 2;
            }
        }
        line.iter().step_by(2).chain(line.iter().skip(1).step_by(2)).copied().collect()
    }

    /// The four bands of a picture, first rows then columns undone in the opposite order.
    fn bands_of(picture: &[i64], width: usize) -> [Vec<i64>; 4] {
        let height = picture.len() / width;
        let mut rows = vec![0; picture.len()];
        for x in 0..width {
            let column: Vec<_> = (0..height).map(|y| picture[y * width + x]).collect();
            analysed(&column).iter().enumerate().for_each(|(y, sample)| rows[y * width + x] = *sample);
        }
        let rows: Vec<_> = rows.chunks(width).map(analysed).collect();
        let (left, top) = (width.div_ceil(2), height.div_ceil(2));
        let part = |rows: &[Vec<i64>], high: bool| -> Vec<i64> {
            rows.iter()
                .flat_map(|row| if high { row[left..].to_vec() } else { row[..left].to_vec() })
                .collect()
        };
        [
            part(&rows[..top], false),
            part(&rows[..top], true),
            part(&rows[top..], false),
            part(&rows[top..], true),
        ]
    }

    fn joined<W: Wavelet>(bands: &Bands<W>) -> Vec<W::Sample> {
        let mut ring = Ring::default();
        ring.start(bands.width).unwrap();
        let mut out = Vec::new();
        for pair in 0..bands.height.div_ceil(2) {
            let (even, odd) = ring.next(bands);
            for row in [even, odd].into_iter().take(bands.height - 2 * pair) {
                let (evens, odds) = row.split_at(row.len().div_ceil(2));
                (0..row.len()).for_each(|x| out.push(if x % 2 == 0 { evens[x / 2] } else { odds[x / 2] }));
            }
        }
        out
    }

    proptest! {
        #[test]
        fn the_reversible_wavelet_gives_pictures_back(
            (width, height) in (1usize..40, 1usize..12),
            seed in prop::collection::vec(-70_000i64..70_000, 40 * 12),
        ) {
            let picture = &seed[..width * height];
            let [low, right, lower, both] = bands_of(picture, width);
            let high = Some([(&right[..], 1.0), (&lower[..], 1.0), (&both[..], 1.0)]);
            let found = joined(&Bands::<Reversible<i64>> { low: &low, high, width, height });
            prop_assert_eq!(&found, picture);
            let narrow = [&low, &right, &lower, &both].map(|band| band.iter().map(|c| *c as i32).collect::<Vec<_>>());
            let high = Some([(&narrow[1][..], 1.0), (&narrow[2][..], 1.0), (&narrow[3][..], 1.0)]);
            let found = joined(&Bands::<Reversible<i32>> { low: &narrow[0], high, width, height });
            prop_assert!(found.iter().map(|sample| i64::from(*sample)).eq(picture.iter().copied()));
        }

        /// A constant has no high frequencies, and the low ones weigh 1.
        #[test]
        fn the_irreversible_wavelet_keeps_constants((width, height) in (1usize..40, 1usize..12), value in -1f32..1.0) {
            let (left, top) = (width.div_ceil(2), height.div_ceil(2));
            let low = vec![value; left * top];
            let zeros = vec![0; width * height];
            let sizes = [(width - left) * top, left * (height - top), (width - left) * (height - top)];
            let high = Some(sizes.map(|size| (&zeros[..size], 1.0)));
            let found = joined(&Bands::<Irreversible<i32>> { low: &low, high, width, height });
            prop_assert!(found.iter().all(|sample| (sample - value).abs() < 1e-5), "{:?}", found);
        }
    }
}
