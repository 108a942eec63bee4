//! The image pass against its twin: sample types, channel views, exposure, gamma, filtering.

use std::sync::Arc;

use half::f16;
use rushes::color::{AlphaMode, Backdrop, ChannelView, ColorSettings, Encoding};
use rushes::frame::{Area, FrameBuffer, FrameMemory, PlaneLayout, PlaneSpec, Role, SampleType, Window};
use rushes::gpu::PlaneAccess;
use rushes::gpu::passes::image::{ImagePlacement, Sampling};

use crate::picture::{GREY, RGBA, frame, key, plain, varied};
use crate::screen::{ONE_TO_ONE, Screen, SmallTextures};

/// No multiple of any alignment.
const WIDTH: u32 = 1999;
const HEIGHT: u32 = 3;
const BUDGET: u64 = 64 << 20;

/// Adapters compute powers by way of logarithms in single precision.
const POWER_TOLERANCE: f32 = 1e-4;
/// A multiplication and a conversion.
const EXACT_TOLERANCE: f32 = 1e-6;
/// The texture unit interpolates with eight bits; samples differ by at most 4.
const FILTER_TOLERANCE: f32 = 4.0 / 128.0;

const VIEWS: [ChannelView; 7] = [
    ChannelView::Rgb,
    ChannelView::Red,
    ChannelView::Green,
    ChannelView::Blue,
    ChannelView::Alpha,
    ChannelView::Luminance,
    ChannelView::Matte,
];
const SAMPLES: [SampleType; 5] =
    [SampleType::F16, SampleType::F32, SampleType::U8, SampleType::U16, SampleType::U32];

fn settings(channel: ChannelView) -> [(ColorSettings, f32); 4] {
    let identity = ColorSettings { channel, encoding: Encoding::Identity, ..ColorSettings::default() };
    [
        (identity, EXACT_TOLERANCE),
        (ColorSettings { exposure: -2.0, ..identity }, EXACT_TOLERANCE),
        (ColorSettings { channel, ..ColorSettings::default() }, POWER_TOLERANCE),
        (ColorSettings { exposure: 1.25, gamma: 2.2, ..identity }, POWER_TOLERANCE),
    ]
}

fn every_view_of(screen: &mut Screen, sample: SampleType) {
    let layout = plain(&RGBA, sample, WIDTH, HEIGHT);
    let picture = frame(&layout, varied(sample));
    screen.load(key(sample as u32), &picture);
    for (color, tolerance) in VIEWS.into_iter().flat_map(settings) {
        let shown = (key(sample as u32), &*picture);
        screen.compare(shown, &ONE_TO_ONE, &color, (WIDTH, HEIGHT), tolerance);
    }
}

#[test]
fn every_sample_type_and_view_equals_the_twin() {
    let name = "every_sample_type_and_view_equals_the_twin";
    let Some(mut screen) = Screen::new(name, BUDGET, false) else { return };
    for sample in SAMPLES {
        every_view_of(&mut screen, sample);
        let slot = screen.ring.slot(key(sample as u32)).expect("a resident frame");
        let is_filtered = matches!(sample, SampleType::F16 | SampleType::U8);
        assert_eq!(slot.access == PlaneAccess::Filtered, is_filtered, "{sample:?}");
    }
}

#[test]
fn every_sample_type_and_view_equals_the_twin_from_its_bits() {
    let name = "every_sample_type_and_view_equals_the_twin_from_its_bits";
    let Some(mut screen) = Screen::new(name, BUDGET, true) else { return };
    for sample in SAMPLES {
        every_view_of(&mut screen, sample);
        let slot = screen.ring.slot(key(sample as u32)).expect("a resident frame");
        assert_eq!(slot.access, PlaneAccess::Bits);
    }
}

const SPECIAL: [f32; 12] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    0.0,
    -0.0,
    -1.0,
    -65504.0,
    65504.0,
    6.1e-5,
    1.0,
    0.003_130_8,
    0.5,
];

fn special(sample: SampleType) -> impl Fn(usize, u32, u32) -> u32 {
    move |plane, x, _| {
        let value = SPECIAL[(x as usize + plane) % SPECIAL.len()];
        match sample {
            SampleType::F16 => u32::from(f16::from_f32(value).to_bits()),
            _ => value.to_bits(),
        }
    }
}

#[test]
fn values_that_are_no_numbers_equal_the_twin() {
    for forces_bits in [false, true] {
        let name = "values_that_are_no_numbers_equal_the_twin";
        let Some(mut screen) = Screen::new(name, BUDGET, forces_bits) else { return };
        for sample in [SampleType::F16, SampleType::F32] {
            let picture = frame(&plain(&RGBA, sample, 24, 2), special(sample));
            screen.load(key(sample as u32), &picture);
            let views = [ChannelView::Rgb, ChannelView::Red, ChannelView::Alpha];
            for (color, tolerance) in views.into_iter().flat_map(|view| settings(view).into_iter().take(3)) {
                let shown = (key(sample as u32), &*picture);
                screen.compare(shown, &ONE_TO_ONE, &color, (24, 2), tolerance);
            }
        }
    }
}

#[test]
fn a_grey_layer_is_shown_in_all_three_colours() {
    let name = "a_grey_layer_is_shown_in_all_three_colours";
    let Some(mut screen) = Screen::new(name, BUDGET, false) else { return };
    let picture = frame(&plain(&GREY, SampleType::F16, 65, 9), varied(SampleType::F16));
    screen.load(key(0), &picture);
    for (color, tolerance) in VIEWS.into_iter().flat_map(settings) {
        screen.compare((key(0), &picture), &ONE_TO_ONE, &color, (65, 9), tolerance);
    }
}

/// Scales at which no target pixel's middle falls on the edge between two texels.
const SCALES: [(f32, f32); 3] = [(0.37, 0.37), (1.61, 2.3), (0.21, 1.7)];

fn scaled(name: &str, sampling: Sampling, cases: [(SampleType, bool, f32); 4]) {
    for (sample, forces_bits, tolerance) in cases {
        let Some(mut screen) = Screen::new(name, BUDGET, forces_bits) else { return };
        let picture = frame(&plain(&RGBA, sample, 61, 43), varied(sample));
        screen.load(key(0), &picture);
        let color = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
        for scale in SCALES {
            let placement = ImagePlacement { origin: (7.0, -3.0), scale, sampling, background: 0.1 };
            screen.compare((key(0), &picture), &placement, &color, (150, 90), tolerance);
        }
    }
}

#[test]
fn nearest_pixels_equal_the_twin_at_any_scale() {
    let cases = [
        (SampleType::F16, false, EXACT_TOLERANCE),
        (SampleType::U8, false, EXACT_TOLERANCE),
        (SampleType::F16, true, EXACT_TOLERANCE),
        (SampleType::F32, true, EXACT_TOLERANCE),
    ];
    scaled("nearest_pixels_equal_the_twin_at_any_scale", Sampling::Nearest, cases);
}

#[test]
fn bilinear_pixels_equal_the_twin_at_any_scale() {
    let cases = [
        (SampleType::F16, false, FILTER_TOLERANCE),
        (SampleType::U8, false, FILTER_TOLERANCE),
        (SampleType::F16, true, POWER_TOLERANCE),
        (SampleType::F32, true, POWER_TOLERANCE),
    ];
    scaled("bilinear_pixels_equal_the_twin_at_any_scale", Sampling::Bilinear, cases);
}

#[test]
fn pixels_under_a_tent_equal_the_twin_at_any_scale() {
    let name = "pixels_under_a_tent_equal_the_twin_at_any_scale";
    let cases = [
        (SampleType::F16, false, POWER_TOLERANCE),
        (SampleType::U8, false, POWER_TOLERANCE),
        (SampleType::F16, true, POWER_TOLERANCE),
        (SampleType::F32, true, POWER_TOLERANCE),
    ];
    scaled(name, Sampling::Tent, cases);
    // So small that every n-th place is taken.
    let Some(mut screen) = Screen::new(name, BUDGET, true) else { return };
    let picture = frame(&plain(&RGBA, SampleType::F32, 301, 203), varied(SampleType::F32));
    screen.load(key(0), &picture);
    let color = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
    for scale in [(9.3, 2.1), (17.0, 23.7)] {
        let placement = ImagePlacement { scale, sampling: Sampling::Tent, ..ONE_TO_ONE };
        screen.compare((key(0), &picture), &placement, &color, (32, 90), 1e-3);
    }
}

#[test]
fn a_tent_passes_over_no_sample_and_keeps_the_mean() {
    let name = "a_tent_passes_over_no_sample_and_keeps_the_mean";
    let Some(mut screen) = Screen::new(name, BUDGET, false) else { return };
    let one = u32::from(f16::from_f32(64.0).to_bits());
    // One bright sample in a black picture that is made four times smaller.
    for at in [(33, 21), (34, 22), (35, 23), (36, 20)] {
        let layout = plain(&GREY, SampleType::F16, 64, 48);
        let picture = frame(&layout, |_, x, y| if (x, y) == at { one } else { 0 });
        screen.load(key(at.0), &picture);
        let color = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
        let placement = ImagePlacement { scale: (4.0, 4.0), sampling: Sampling::Tent, ..ONE_TO_ONE };
        let drawn = screen.draw(key(at.0), &placement, &color, (16, 12));
        let sum: f32 = drawn.iter().map(|pixel| pixel[0]).sum();
        assert!((sum - 4.0).abs() < 1e-3, "{at:?}: {sum}");
    }
}

fn graded() -> [ColorSettings; 8] {
    let plain = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
    let over = |alpha, backdrop| ColorSettings { alpha, backdrop, ..plain };
    [
        ColorSettings { saturation: 0.25, exposure: 0.5, ..plain },
        ColorSettings { offset: -0.125, saturation: 2.0, ..plain },
        over(AlphaMode::Premultiplied, Backdrop::Grey),
        over(AlphaMode::Premultiplied, Backdrop::Checker),
        over(AlphaMode::Straight, Backdrop::Checker),
        ColorSettings { marks: true, ..ColorSettings::default() },
        ColorSettings { marks: true, channel: ChannelView::Red, ..plain },
        ColorSettings { marks: true, false_color: true, ..plain },
    ]
}

#[test]
fn grades_backdrops_and_marks_equal_the_twin() {
    let name = "grades_backdrops_and_marks_equal_the_twin";
    for forces_bits in [false, true] {
        let Some(mut screen) = Screen::new(name, BUDGET, forces_bits) else { return };
        let layout = plain(&RGBA, SampleType::F16, 72, 40);
        let (usual, rare) = (varied(SampleType::F16), special(SampleType::F16));
        // Every third column holds what is no number, or numbers at the end of the range.
        let picture =
            frame(&layout, |plane, x, y| if x % 3 == 0 { rare(plane, x / 3, y) } else { usual(plane, x, y) });
        screen.load(key(0), &picture);
        for color in graded() {
            screen.compare((key(0), &picture), &ONE_TO_ONE, &color, (72, 40), POWER_TOLERANCE);
        }
    }
}

#[test]
fn planes_in_tiles_look_like_planes_in_one_piece() {
    let name = "planes_in_tiles_look_like_planes_in_one_piece";
    for forces_bits in [false, true] {
        let Some(mut screen) = Screen::new(name, BUDGET, forces_bits) else { return };
        screen.ring.set_source(Box::new(SmallTextures { side: 40 }));
        for (number, sample) in SAMPLES.into_iter().enumerate() {
            let picture = frame(&plain(&RGBA, sample, 151, 97), varied(sample));
            let key = key(number as u32);
            screen.load(key, &picture);
            let tiles = screen.ring.slot(key).expect("a resident frame").tiles(0);
            assert_eq!((tiles.columns, tiles.rows), (4, 3));
            let color = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
            screen.compare((key, &*picture), &ONE_TO_ONE, &color, (151, 97), EXACT_TOLERANCE);
            for sampling in [Sampling::Nearest, Sampling::Bilinear, Sampling::Tent] {
                let placement = ImagePlacement { scale: (0.61, 1.7), sampling, ..ONE_TO_ONE };
                screen.compare((key, &*picture), &placement, &color, (160, 60), POWER_TOLERANCE);
            }
        }
    }
}

#[test]
fn what_has_no_data_is_hatched_and_nothing_else() {
    let name = "what_has_no_data_is_hatched_and_nothing_else";
    let Some(mut screen) = Screen::new(name, BUDGET, false) else { return };
    let layout = plain(&RGBA, SampleType::F16, 64, 48);
    let varied = frame(&layout, varied(SampleType::F16));
    let area = |x, y, width, height| Area { x, y, width, height };
    let missing = vec![area(0, 16, 64, 3), area(48, 32, 16, 16)];
    let bytes = varied.memory.bytes();
    let mut memory = FrameMemory::allocate(bytes.len()).expect("memory");
    memory.bytes_mut().copy_from_slice(bytes);
    let picture = Arc::new(FrameBuffer { layout, memory, missing });
    screen.load(key(0), &picture);
    let identity = ColorSettings { encoding: Encoding::Identity, exposure: 3.0, ..ColorSettings::default() };
    screen.compare((key(0), &*picture), &ONE_TO_ONE, &identity, (64, 48), EXACT_TOLERANCE);
}

#[test]
fn planes_of_fewer_samples_fill_the_same_window() {
    let name = "planes_of_fewer_samples_fill_the_same_window";
    let Some(mut screen) = Screen::new(name, BUDGET, false) else { return };
    let window = Window::at_origin(64, 48);
    for (number, sample) in [SampleType::F16, SampleType::F32].into_iter().enumerate() {
        let plane = |(role, name): (Role, &str), (width, height)| PlaneSpec {
            name: name.into(),
            sample,
            role,
            width,
            height,
        };
        let planes = vec![
            plane((Role::Red, "R"), (64, 48)),
            plane((Role::Green, "G"), (32, 24)),
            plane((Role::Blue, "B"), (8, 6)),
        ];
        let layout = PlaneLayout::new(planes, window, window, 1.0).expect("a layout").into();
        let picture = frame(&layout, varied(sample));
        let key = key(number as u32);
        screen.load(key, &picture);
        let identity = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
        screen.compare((key, &*picture), &ONE_TO_ONE, &identity, (64, 48), EXACT_TOLERANCE);
    }
}
