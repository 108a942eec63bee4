//! Data windows anywhere around the display window.

use rushes::color::{ColorSettings, Encoding};
use rushes::frame::{SampleType, Window};
use rushes::gpu::passes::image::{ImagePlacement, Sampling};

use crate::picture::{RGBA, frame, key, layout, varied};
use crate::screen::{ONE_TO_ONE, Screen};

const DISPLAY: Window = Window { x: 10, y: -5, width: 40, height: 30 };

/// Data window, and how many pixels of the display window it covers.
const CASES: [(Window, usize); 5] = [
    (Window { x: -20, y: -40, width: 200, height: 100 }, 1200),
    (Window { x: 20, y: 0, width: 7, height: 5 }, 35),
    (Window { x: 500, y: 500, width: 9, height: 9 }, 0),
    (Window { x: 5, y: -10, width: 10, height: 10 }, 25),
    (Window { x: 45, y: 20, width: 30, height: 30 }, 25),
];

#[test]
fn a_data_window_lies_where_the_file_puts_it() {
    let name = "a_data_window_lies_where_the_file_puts_it";
    let identity = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
    for sample in [SampleType::F16, SampleType::F32] {
        let Some(mut screen) = Screen::new(name, 16 << 20, false) else { return };
        for (index, (data, covered)) in (0..).zip(CASES) {
            let layout = layout(&RGBA, sample, (data, DISPLAY));
            // No sample is black, so that what is covered can be counted.
            let bits = varied(sample);
            let picture = frame(&layout, |plane, x, y| bits(plane, x, y) | 1);
            screen.load(key(index), &picture);
            screen.compare((key(index), &picture), &ONE_TO_ONE, &identity, (60, 50), 1e-6);
            let drawn = screen.draw(key(index), &ONE_TO_ONE, &identity, (40, 30));
            assert_eq!(drawn.iter().filter(|pixel| pixel[0] != 0.0).count(), covered, "{data:?}");
        }
    }
}

#[test]
fn a_data_window_lies_right_when_scaled_and_filtered() {
    let name = "a_data_window_lies_right_when_scaled_and_filtered";
    let Some(mut screen) = Screen::new(name, 16 << 20, true) else { return };
    let identity = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
    for (index, (data, _)) in (0..).zip(CASES) {
        let picture = frame(&layout(&RGBA, SampleType::F32, (data, DISPLAY)), varied(SampleType::F32));
        screen.load(key(index), &picture);
        let placement = ImagePlacement { scale: (0.43, 0.43), sampling: Sampling::Bilinear, ..ONE_TO_ONE };
        screen.compare((key(index), &picture), &placement, &identity, (110, 80), 1e-4);
    }
}
