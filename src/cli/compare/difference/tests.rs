use std::sync::Arc;

use super::*;
use crate::frame::{FrameMemory, PlaneSpec, Role};

fn frame(planes: &[(&str, SampleType, &[f32])], window: Window) -> FrameBuffer {
    let spec = |(name, sample, _): &(&str, SampleType, &[f32])| PlaneSpec {
        name: (*name).into(),
        sample: *sample,
        role: Role::Other,
        width: window.width,
        height: window.height,
    };
    let specs = planes.iter().map(spec).collect();
    let layout = Arc::new(PlaneLayout::new(specs, window, window, 1.0).unwrap());
    let mut memory = FrameMemory::allocate(layout.total_bytes()).unwrap();
    for ((_, sample, values), span) in planes.iter().zip(layout.spans()) {
        for (at, value) in values.iter().enumerate() {
            let (x, y) = (at % window.width as usize, at / window.width as usize);
            let bytes = match sample {
                SampleType::F16 => f16::from_f32(*value).to_ne_bytes().to_vec(),
                SampleType::F32 => value.to_ne_bytes().to_vec(),
                SampleType::U32 => (*value as u32).to_ne_bytes().to_vec(),
                SampleType::U16 => (*value as u16).to_ne_bytes().to_vec(),
                SampleType::U8 => vec![*value as u8],
            };
            let start = span.row(y).start + x * bytes.len();
            memory.bytes_mut()[start..start + bytes.len()].copy_from_slice(&bytes);
        }
    }
    FrameBuffer { layout, memory, missing: Vec::new() }
}

fn line(sample: SampleType, values: &[f32]) -> FrameBuffer {
    frame(&[("R", sample, values)], Window::at_origin(values.len() as u32, 1))
}

fn of(a: &[f32], b: &[f32], tolerance: f64) -> ChannelDifference {
    let (a, b) = (line(SampleType::F32, a), line(SampleType::F32, b));
    difference(1, &a, &b, tolerance).channels.remove(0)
}

#[test]
fn largest_and_mean_are_of_absolute_differences() {
    let found = of(&[0.0, 1.0, 2.0, 4.0], &[0.0, 1.5, 1.0, 4.0], 0.0);
    assert_eq!((found.max, found.mean(), found.differing, found.samples), (1.0, 0.375, 2, 4));
    assert_eq!(of(&[0.0, 1.0, 2.0, 4.0], &[0.0, 1.5, 1.0, 4.0], 0.5).differing, 1);
    assert_eq!(of(&[0.0, 1.0, 2.0, 4.0], &[0.0, 1.5, 1.0, 4.0], 1.0).differing, 0);
}

#[test]
fn zeros_of_either_sign_are_the_same() {
    assert_eq!(of(&[0.0, 1.0], &[-0.0, 1.0], 0.0).differing, 0);
}

#[test]
fn nan_equals_nan_and_infinity_its_own_sign_alone() {
    let (nan, other_nan) = (f32::NAN, f32::from_bits(0x7fc0_1234));
    let (plus, minus) = (f32::INFINITY, f32::NEG_INFINITY);
    assert_eq!(of(&[nan, plus, minus, 0.0], &[other_nan, plus, minus, 0.0], 0.0).differing, 0);
    let found = of(&[nan, plus, 1.0, plus, 0.0], &[1.0, minus, plus, nan, 0.5], 1e30);
    assert_eq!((found.unlike, found.differing, found.max), (4, 4, 0.5));
    assert_eq!(found.mean(), 0.5);
}

#[test]
fn depths_are_compared_by_what_they_mean() {
    let (bytes, words) = (line(SampleType::U8, &[0.0, 255.0]), line(SampleType::U16, &[0.0, 65_535.0]));
    assert!(difference(1, &bytes, &words, 0.0).is_same());
    let (halves, floats) = (line(SampleType::F16, &[0.1, 2.0]), line(SampleType::F32, &[0.1, 2.0]));
    let found = difference(1, &halves, &floats, 0.0);
    assert!(!found.is_same() && found.channels[0].differing == 1 && found.channels[0].max < 1e-4);
    assert!(difference(1, &line(SampleType::U32, &[7.0]), &line(SampleType::U32, &[7.0]), 0.0).is_same());
}

#[test]
fn channels_are_matched_by_name_whatever_their_order() {
    let window = Window::at_origin(1, 1);
    let a = frame(&[("A", SampleType::F32, &[1.0]), ("R", SampleType::F16, &[2.0])], window);
    let b = frame(&[("R", SampleType::F16, &[2.0]), ("A", SampleType::F32, &[1.0])], window);
    assert!(difference(1, &a, &b, 0.0).is_same());
}

#[test]
fn other_shapes_are_different_with_the_reason() {
    let reason = |a: &FrameBuffer, b: &FrameBuffer| difference(1, a, b, 9.0).reason.unwrap();
    let small = line(SampleType::F16, &[1.0]);
    assert!(
        reason(&small, &line(SampleType::F16, &[1.0, 1.0]))
            .contains("data window is 1x1 at 0,0 in A and 2x1")
    );
    let green = frame(&[("G", SampleType::F16, &[1.0])], Window::at_origin(1, 1));
    assert_eq!(reason(&small, &green), "the channels are R in A and G in B");
    let mut cut = line(SampleType::F16, &[1.0]);
    cut.missing = vec![Area { x: 0, y: 0, width: 1, height: 1 }];
    assert_eq!(reason(&small, &cut), "1 rows of B have no data");
}

#[test]
fn rows_that_differ_in_padding_alone_are_the_same() {
    let (a, mut b) = (line(SampleType::F16, &[1.0, 2.0]), line(SampleType::F16, &[1.0, 2.0]));
    b.memory.bytes_mut()[4..256].fill(7);
    assert!(difference(1, &a, &b, 0.0).is_same());
}
