//! Pictures that are turned and mirrored while they are drawn, in all eight ways.

use std::sync::Arc;

use rushes::color::{ColorSettings, Encoding};
use rushes::frame::{Area, FrameBuffer, Orientation, PlaneLayout, PlaneSpec, SampleType, Window};
use rushes::gpu::passes::image::{ImagePlacement, Sampling};

use crate::picture::{RGBA, frame, key, stored_place, varied};
use crate::raw::raw;
use crate::screen::{ONE_TO_ONE, Screen, SmallTextures};

/// As stored; no multiple of any alignment.
const STORED: (u32, u32) = (61, 43);
/// The place of the display window in the data window.
const INSET: (i32, i32) = (3, 5);

/// A layout whose display window is a little smaller; green has fewer samples where `is_mixed`.
fn layout(orientation: Orientation, sample: SampleType, is_mixed: bool) -> Arc<PlaneLayout> {
    let plane = |(name, role): &(&str, _)| {
        let share = if is_mixed && *name == "G" { 2 } else { 1 };
        let (width, height) = (STORED.0.div_ceil(share), STORED.1.div_ceil(share));
        PlaneSpec { name: (*name).into(), sample, role: *role, width, height }
    };
    let (width, height) = orientation.of_size(STORED);
    let display = Window { x: INSET.0, y: INSET.1, width: width - 6, height: height - 6 };
    let planes = RGBA.iter().map(plane).collect();
    let layout = PlaneLayout::new(planes, Window::at_origin(width, height), display, 1.0).expect("a layout");
    layout.with_orientation(orientation).into()
}

/// A frame that lacks a corner.
fn picture(orientation: Orientation, sample: SampleType, is_mixed: bool) -> Arc<FrameBuffer> {
    let whole = frame(&layout(orientation, sample, is_mixed), varied(sample));
    let FrameBuffer { layout, memory, .. } = Arc::into_inner(whole).expect("the only one");
    Arc::new(FrameBuffer { layout, memory, missing: vec![Area { x: 0, y: 30, width: 20, height: 13 }] })
}

#[test]
fn pictures_are_drawn_as_they_stand() {
    let name = "pictures_are_drawn_as_they_stand";
    let color = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
    for (sample, side) in [(SampleType::F16, 4096), (SampleType::U16, 4096), (SampleType::F32, 40)] {
        let Some(mut screen) = Screen::new(name, 64 << 20, false) else { return };
        screen.ring.set_source(Box::new(SmallTextures { side }));
        for (number, orientation) in (0..).zip(Orientation::all()) {
            let even = picture(orientation, sample, false);
            screen.load(key(number), &even);
            screen.compare((key(number), &*even), &ONE_TO_ONE, &color, (60, 60), 1e-6);
            let mixed = picture(orientation, sample, true);
            screen.load(key(100 + number), &mixed);
            for (sampling, tolerance) in
                [(Sampling::Nearest, 1e-6), (Sampling::Bilinear, 4.0 / 128.0), (Sampling::Tent, 1e-4)]
            {
                let placement =
                    ImagePlacement { origin: (5.0, -3.0), scale: (1.61, 0.37), sampling, background: 0.1 };
                screen.compare((key(100 + number), &*mixed), &placement, &color, (50, 90), tolerance);
            }
        }
    }
}

#[test]
fn bits_come_back_as_they_stand() {
    let Some(mut screen) = Screen::new("bits_come_back_as_they_stand", 16 << 20, true) else { return };
    let bits = varied(SampleType::F32);
    for (number, orientation) in (0..).zip(Orientation::all()) {
        let layout = layout(orientation, SampleType::F32, false);
        screen.load(key(number), &frame(&layout, &bits));
        let display = layout.display_window();
        let drawn = raw(&screen, key(number), (display.width, display.height), 0);
        for (at, pixel) in (0..).zip(drawn) {
            let (x, y) = (at % display.width + INSET.0 as u32, at / display.width + INSET.1 as u32);
            let (x, y) = stored_place(&layout, (x as f32 + 0.5, y as f32 + 0.5));
            assert_eq!(pixel, [0, 1, 2, 3].map(|plane| bits(plane, x as u32, y as u32)), "{orientation:?}");
        }
    }
}
