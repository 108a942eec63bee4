//! Owns the wavelet of PIZ chunks: a plane of averages and differences back to samples. Pure.
//!
//! The transform is that of OpenEXR's «ImfWav.cpp», Haar's with rounding, in place. At a step `p` the samples in
//! columns and rows that are multiples of `p` change, by pairs of neighbours, up and down and then sideways;
//! steps fall from half the largest power of two in the plane's shorter side to 1.

use super::simd;

/// How an average and a difference make two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// Of samples below 2^14.
    Small,
    /// Modulo 2^16.
    Large,
}

impl Pairing {
    /// For samples that are at most `max`.
    pub const fn of(max: u16) -> Self {
        if max < 1 << 14 { Self::Small } else { Self::Large }
    }
}

/// Undoes the transform of a picture in rows of `columns`. `scratch` has half the picture's length.
pub fn undo(picture: &mut [u16], columns: usize, pairing: Pairing, scratch: &mut [u16]) {
    let rows = picture.len().checked_div(columns).unwrap_or(0);
    if columns < 2 || rows < 2 {
        return;
    }
    // Coarser steps change the samples at even places of even rows. Side by side, they are like a picture.
    let (coarse, scratch) = scratch.split_at_mut((columns / 2) * (rows / 2));
    for (coarse, row) in coarse.chunks_exact_mut(columns / 2).zip(picture.chunks(columns * 2)) {
        for (coarse, [even, _]) in coarse.iter_mut().zip(row.as_chunks().0) {
            *coarse = *even;
        }
    }
    undo(coarse, columns / 2, pairing, scratch);
    let mut pairs = picture.chunks_exact_mut(columns * 2);
    for (rows, coarse) in (&mut pairs).zip(coarse.chunks_exact(columns / 2)) {
        let (above, below) = rows.split_at_mut(columns);
        simd::undo_rows(above, below, coarse, pairing);
    }
    match pairing {
        Pairing::Small => undo_row(pairs.into_remainder(), small),
        Pairing::Large => undo_row(pairs.into_remainder(), large),
    }
}

/// Puts the samples of a coarser picture in their places in the upper of two rows, and undoes the last step.
#[inline(always)]
pub fn undo_rows(above: &mut [u16], below: &mut [u16], coarse: &[u16], pairing: Pairing) {
    match pairing {
        Pairing::Small => undo_rows_by(above, below, coarse, small),
        Pairing::Large => undo_rows_by(above, below, coarse, large),
    }
}

#[inline(always)]
fn undo_rows_by(
    above: &mut [u16],
    below: &mut [u16],
    coarse: &[u16],
    pair: impl Fn(u16, u16) -> (u16, u16) + Copy,
) {
    for ([even, _], coarse) in above.as_chunks_mut().0.iter_mut().zip(coarse) {
        *even = *coarse;
    }
    for (above, below) in above.iter_mut().zip(below.iter_mut()) {
        (*above, *below) = pair(*above, *below);
    }
    undo_row(above, pair);
    undo_row(below, pair);
}

#[inline(always)]
fn undo_row(row: &mut [u16], pair: impl Fn(u16, u16) -> (u16, u16)) {
    for [left, right] in row.as_chunks_mut().0 {
        (*left, *right) = pair(*left, *right);
    }
}

#[inline(always)]
fn small(average: u16, difference: u16) -> (u16, u16) {
    let half = (difference as i16 >> 1) as u16;
    let first = average.wrapping_add(difference & 1).wrapping_add(half);
    (first, first.wrapping_sub(difference))
}

#[inline(always)]
fn large(average: u16, difference: u16) -> (u16, u16) {
    let second = average.wrapping_sub(difference >> 1);
    (difference.wrapping_add(second).wrapping_sub(1 << 15), second)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Places `(x, y)` that steps go through, with whether there is a neighbour at `x + step` and `y + step`.
    fn places(width: usize, height: usize, step: usize) -> impl Iterator<Item = ([usize; 2], bool, bool)> {
        let ends = move |length: usize| {
            (0..length / step).step_by(2).map(move |at| (at * step, at + 1 < length / step))
        };
        ends(height).flat_map(move |(y, below)| ends(width).map(move |(x, right)| ([x, y], right, below)))
    }

    fn steps(width: usize, height: usize) -> impl DoubleEndedIterator<Item = usize> {
        (0..width.min(height).checked_ilog2().unwrap_or(0)).map(|level| 1 << level)
    }

    /// Sample by sample, as the format has it.
    fn undo_plainly(plane: &mut [u16], width: usize, pair: fn(u16, u16) -> (u16, u16)) {
        let height = plane.len() / width;
        for step in steps(width, height).rev() {
            for ([x, y], right, below) in places(width, height, step) {
                let mut both = |at: usize, to: usize| (plane[at], plane[to]) = pair(plane[at], plane[to]);
                let at = y * width + x;
                let (next, under) = (at + step, at + step * width);
                if below {
                    both(at, under);
                }
                if right && below {
                    both(next, under + step);
                }
                if right {
                    both(at, next);
                }
                if right && below {
                    both(under, under + step);
                }
            }
        }
    }

    /// The transform.
    pub fn apply(plane: &mut [u16], width: usize, max: u16) {
        let pair = if max < 1 << 14 { apply_small } else { apply_large };
        let height = plane.len() / width;
        for step in steps(width, height) {
            for ([x, y], right, below) in places(width, height, step) {
                let mut both = |at: usize, to: usize| (plane[at], plane[to]) = pair(plane[at], plane[to]);
                let at = y * width + x;
                let (next, under) = (at + step, at + step * width);
                if right && below {
                    both(under, under + step);
                }
                if right {
                    both(at, next);
                }
                if right && below {
                    both(next, under + step);
                }
                if below {
                    both(at, under);
                }
            }
        }
    }

    fn apply_small(first: u16, second: u16) -> (u16, u16) {
        (((i32::from(first as i16) + i32::from(second as i16)) >> 1) as u16, first.wrapping_sub(second))
    }

    fn apply_large(first: u16, second: u16) -> (u16, u16) {
        let first = i32::from(first ^ 1 << 15);
        let difference = first - i32::from(second);
        let average = (first + i32::from(second)) >> 1;
        ((average + if difference < 0 { 1 << 15 } else { 0 }) as u16, difference as u16)
    }

    fn planes(max: u16) -> impl Strategy<Value = (usize, Vec<u16>)> {
        (1_usize..70, 1_usize..40).prop_flat_map(move |(width, height)| {
            (Just(width), prop::collection::vec(0..=max, width * height))
        })
    }

    fn undone(plane: &[u16], width: usize, pairing: Pairing) -> Vec<u16> {
        let mut plane = plane.to_vec();
        let mut scratch = vec![7; plane.len() / 2];
        undo(&mut plane, width, pairing, &mut scratch);
        plane
    }

    proptest! {
        #[test]
        fn small_samples_come_back((width, plane) in planes((1 << 14) - 1)) {
            let mut waves = plane.clone();
            apply(&mut waves, width, (1 << 14) - 1);
            prop_assert_eq!(undone(&waves, width, Pairing::of((1 << 14) - 1)), plane);
        }

        #[test]
        fn large_samples_come_back((width, plane) in planes(u16::MAX)) {
            let mut waves = plane.clone();
            apply(&mut waves, width, 1 << 14);
            prop_assert_eq!(undone(&waves, width, Pairing::of(1 << 14)), plane);
        }

        #[test]
        fn whatever_is_undone_is_undone_as_the_format_has_it((width, plane) in planes(u16::MAX)) {
            for (pairing, pair) in [(Pairing::Small, small as fn(u16, u16) -> _), (Pairing::Large, large)] {
                let mut plain = plane.clone();
                undo_plainly(&mut plain, width, pair);
                prop_assert_eq!(undone(&plane, width, pairing), plain);
            }
        }

        #[test]
        fn vectors_undo_rows_as_the_plain_form_does((width, plane) in planes(u16::MAX)) {
            for pairing in [Pairing::Small, Pairing::Large] {
                let (mut fast, mut plain) = (plane.clone(), plane.clone());
                for (fast, plain) in fast.chunks_exact_mut(width * 2).zip(plain.chunks_exact_mut(width * 2)) {
                    let coarse = &plane[..width / 2];
                    let (above, below) = fast.split_at_mut(width);
                    simd::undo_rows(above, below, coarse, pairing);
                    let (above, below) = plain.split_at_mut(width);
                    undo_rows(above, below, coarse, pairing);
                }
                prop_assert_eq!(&fast, &plain);
            }
        }
    }

    #[test]
    fn planes_too_thin_for_a_step_stay_as_they_are() {
        for (width, length) in [(0, 0), (1, 9), (9, 9), (9, 0)] {
            let plane: Vec<u16> = (0..length).collect();
            assert_eq!(undone(&plane, width, Pairing::Small), plane);
        }
    }
}
