//! Copies the samples of one channel out of a decoded frame. Has no unsafe code: rows are slices of the frame's own
//! buffers, looked up with their signed distance, so that what does not fit is an error and not a read past the end.

use super::frame::{Component, Plane};

/// Copies `rows` rows of `width` samples into `into`, whose rows have `row_bytes`. Samples of up to 8 bits become one
/// byte, up to 16 bits two bytes of this machine's order with the value in the low bits, floats four. What is left of
/// each row stays as it is. `false` when the plane does not hold as much.
pub fn copy_component(
    plane: Plane<'_>,
    component: &Component,
    width: usize,
    rows: usize,
    into: &mut [u8],
    row_bytes: usize,
) -> bool {
    let sample = component.sample_bytes();
    let Some(needed) = needed_bytes(component, width) else { return false };
    if row_bytes == 0 || width.saturating_mul(sample) > row_bytes || into.len() / row_bytes < rows {
        return false;
    }
    for (y, target) in into.chunks_exact_mut(row_bytes).take(rows).enumerate() {
        let Some(source) = plane.row(y, needed) else { return false };
        copy_row(source, component, &mut target[..width * sample]);
    }
    true
}

/// Bytes of a row that hold `width` samples.
fn needed_bytes(component: &Component, width: usize) -> Option<usize> {
    let before_last = width.checked_sub(1)?.checked_mul(component.step)?;
    before_last.checked_add(component.offset)?.checked_add(component.sample_bytes())
}

fn copy_row(source: &[u8], component: &Component, target: &mut [u8]) {
    let source = &source[component.offset..];
    let is_native = component.is_big_endian == cfg!(target_endian = "big");
    match component.sample_bytes() {
        size if size == component.step && component.shift == 0 && (size == 1 || is_native) => {
            target.copy_from_slice(&source[..target.len()]);
        }
        1 => match component.step {
            2 => gather::<2, 1>(source, target, |byte| byte),
            3 => gather::<3, 1>(source, target, |byte| byte),
            4 => gather::<4, 1>(source, target, |byte| byte),
            step => gather_any::<1>(source, step, target, |byte| byte),
        },
        2 => {
            let is_alone = component.shift == 0 && component.step == 2;
            let mask = if is_alone { u16::MAX } else { ((1_u32 << component.depth) - 1) as u16 };
            let shift = component.shift;
            let value = |word: u16| ((word >> shift) & mask).to_ne_bytes();
            match (component.step, component.is_big_endian) {
                (2, false) => gather::<2, 2>(source, target, |bytes| value(u16::from_le_bytes(bytes))),
                (4, false) => gather::<4, 2>(source, target, |bytes| value(u16::from_le_bytes(bytes))),
                (step, false) => gather_any(source, step, target, |bytes| value(u16::from_le_bytes(bytes))),
                (step, true) => gather_any(source, step, target, |bytes| value(u16::from_be_bytes(bytes))),
            }
        }
        _ => {
            let big = component.is_big_endian;
            let value = |bytes| if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
            gather_any(source, component.step, target, |bytes: [u8; 4]| value(bytes).to_ne_bytes());
        }
    }
}

/// Takes the first `SIZE` of every `STEP` bytes; the last step may be short.
fn gather<const STEP: usize, const SIZE: usize>(
    source: &[u8],
    target: &mut [u8],
    value: impl Fn([u8; SIZE]) -> [u8; SIZE],
) {
    let (steps, rest) = source.as_chunks::<STEP>();
    let (samples, _) = target.as_chunks_mut::<SIZE>();
    let count = samples.len().min(steps.len());
    for (sample, step) in samples.iter_mut().zip(steps) {
        *sample = value(std::array::from_fn(|at| step[at]));
    }
    gather_any(rest, STEP, samples[count..].as_flattened_mut(), value);
}

fn gather_any<const SIZE: usize>(
    source: &[u8],
    step: usize,
    target: &mut [u8],
    value: impl Fn([u8; SIZE]) -> [u8; SIZE],
) {
    let (samples, _) = target.as_chunks_mut::<SIZE>();
    for (sample, bytes) in samples.iter_mut().zip(source.chunks(step)) {
        if let Some(bytes) = bytes.first_chunk() {
            *sample = value(*bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One sample, by the words of FFmpeg's `pixdesc.h` and nothing else.
    fn sample_by_hand(plane: Plane<'_>, component: &Component, x: usize, y: usize) -> u32 {
        let row = plane.start as isize + plane.stride * y as isize;
        let at = row as usize + component.offset + x * component.step;
        let mut bytes = plane.bytes[at..at + component.sample_bytes()].to_vec();
        if component.is_big_endian {
            bytes.reverse();
        }
        let word = bytes.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        // What is stored alone is taken as it is.
        let is_alone = component.shift == 0 && component.step == component.sample_bytes();
        let mask = if is_alone { u64::MAX } else { (1 << component.depth) - 1 };
        ((word >> component.shift) & mask) as u32
    }

    fn components() -> impl Strategy<Value = Component> {
        let place = (1_usize..9, 0_usize..4, any::<bool>());
        let bits = prop_oneof![
            Just((0, 8, false)),
            (0_u32..7, 9_u32..=16).prop_map(|(shift, depth)| (shift.min(16 - depth), depth, false)),
            Just((0, 32, true)),
        ];
        (place, bits).prop_map(|((step, offset, is_big_endian), (shift, depth, is_float))| {
            let mut component = Component { plane: 0, step, offset, shift, depth, is_big_endian, is_float };
            component.step = step.max(component.sample_bytes());
            component
        })
    }

    proptest! {
        #[test]
        fn rows_are_what_the_description_says(
            component in components(), width in 1_usize..40, rows in 1_usize..6, slack in 0_usize..9,
            is_upside_down: bool, seed: u8,
        ) {
            let needed = needed_bytes(&component, width).unwrap();
            let stride = needed + slack;
            let bytes: Vec<u8> = (0..stride * rows).map(|at| (at * 37 + at / 251 + seed as usize) as u8).collect();
            let (start, sign) = if is_upside_down { (stride * (rows - 1), -1) } else { (0, 1) };
            let plane = Plane { bytes: &bytes, start, stride: sign * stride as isize };
            let row_bytes = 256;
            let mut target = vec![0xa5; row_bytes * rows];
            prop_assert!(copy_component(plane, &component, width, rows, &mut target, row_bytes));
            let size = component.sample_bytes();
            for (y, row) in target.chunks(row_bytes).enumerate() {
                for (x, got) in row.chunks(size).take(width).enumerate() {
                    let mut word = [0; 4];
                    word[..size].copy_from_slice(got);
                    prop_assert_eq!(u32::from_le_bytes(word), sample_by_hand(plane, &component, x, y));
                }
                prop_assert!(row[width * size..].iter().all(|byte| *byte == 0xa5));
            }
            prop_assert!(!copy_component(plane, &component, width + slack + 9, rows, &mut target, row_bytes));
            prop_assert!(!copy_component(plane, &component, width, rows + 1, &mut target, row_bytes));
        }
    }
}
