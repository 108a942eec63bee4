//! The scopes pass against its twin: counts exactly, means to the tolerance that they promise.

use std::sync::Arc;
use std::time::{Duration, Instant};

use half::f16;
use rushes::color::Encoding;
use rushes::color::scopes::{MAX_SAMPLES, Scale, ScopeResult, ScopeSettings, Scopes, measure};
use rushes::frame::{
    Area, FrameBuffer, FrameKey, Matrix, Orientation, PlaneLayout, PlaneSpec, Primaries, Range, Role,
    SampleType, Siting, Transfer, VideoEncoding, Window,
};
use rushes::gpu::passes::scopes::ScopesPass;

use crate::picture::{GREY, RGBA, frame, key, layout, plain, stored_place, varied};
use crate::screen::{Screen, SmallTextures};

const BUDGET: u64 = 64 << 20;
/// Of the mean of all magnitudes.
const MEAN_TOLERANCE: f64 = 1e-4;
const SAMPLES: [SampleType; 5] =
    [SampleType::F16, SampleType::F32, SampleType::U8, SampleType::U16, SampleType::U32];
const SCALES: [Scale; 3] = [Scale::Linear, Scale::Stops, Scale::Display];
/// Smallest, largest, one, and what is no number.
const SPECIAL: [f32; 14] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    0.0,
    -0.0,
    -1.0,
    -65504.0,
    65504.0,
    6.1e-5,
    5.97e-8,
    1.0,
    1.000_976_6,
    0.18,
    0.5,
];

struct Meter {
    screen: Screen,
    pass: ScopesPass,
}

impl Meter {
    fn new(test: &str, forces_bits: bool) -> Option<Self> {
        let screen = Screen::new(test, BUDGET, forces_bits)?;
        let pass = ScopesPass::new(&screen.gpu).expect("compute shaders");
        Some(Self { screen, pass })
    }

    fn request(&mut self, key: FrameKey, settings: &ScopeSettings) {
        self.pass.request(&self.screen.gpu, &self.screen.ring, key, settings);
    }

    /// Polls until a measurement is complete.
    fn wait(&mut self) -> ScopeResult {
        let started = Instant::now();
        loop {
            assert!(started.elapsed() < Duration::from_secs(20), "a measurement never completes");
            if let Some(result) = self.pass.poll(&self.screen.gpu, &self.screen.ring) {
                return result;
            }
            std::thread::yield_now();
        }
    }

    /// Measures a frame that is loaded and compares with the twin.
    fn compare(&mut self, key: FrameKey, frame: &FrameBuffer, settings: &ScopeSettings) -> Scopes {
        self.request(key, settings);
        let result = self.wait();
        assert_eq!((result.key, result.settings), (key, *settings));
        let wanted = measure(frame, settings);
        assert_same(&snapped(&result.scopes, &wanted, frame), &wanted, settings);
        assert_eq!(self.screen.gpu.uncaught_errors(), 0);
        result.scopes
    }
}

/// Adapters may divide integers by their largest value less exactly than the twin does: the ends of the
/// range count as the same where they are as close as that.
fn snapped(counted: &Scopes, wanted: &Scopes, frame: &FrameBuffer) -> Scopes {
    let mut snapped = counted.clone();
    if matches!(frame.layout.planes()[0].sample, SampleType::U8 | SampleType::U16) {
        for (counted, wanted) in snapped.channels.iter_mut().zip(&wanted.channels) {
            let snap = |end: &mut Option<f32>, wanted: Option<f32>| {
                if end.zip(wanted).is_some_and(|(end, wanted)| (end - wanted).abs() <= 1e-6) {
                    *end = wanted;
                }
            };
            snap(&mut counted.min, wanted.min);
            snap(&mut counted.max, wanted.max);
        }
    }
    snapped
}

fn assert_same(counted: &Scopes, wanted: &Scopes, settings: &ScopeSettings) {
    assert_eq!((counted.grid, counted.is_whole), (wanted.grid, wanted.is_whole), "{settings:?}");
    for (counted, wanted) in counted.channels.iter().zip(&wanted.channels) {
        let without_mean = |stats| rushes::color::scopes::ChannelStats { mean: None, ..stats };
        assert_eq!(without_mean(*counted), without_mean(*wanted), "{settings:?}");
        assert_eq!(counted.mean.is_some(), wanted.mean.is_some(), "{settings:?}");
        let size = wanted.min.unwrap_or(0.0).abs().max(wanted.max.unwrap_or(0.0).abs());
        let (mean, wanted) = (counted.mean.unwrap_or(0.0), wanted.mean.unwrap_or(0.0));
        // Where all values have one sign the mean of magnitudes is the mean.
        let magnitude = wanted.abs().max(f64::from(size) / 100.0);
        assert!((mean - wanted).abs() <= MEAN_TOLERANCE * magnitude, "{mean}, not {wanted}: {settings:?}");
    }
    assert!(counted.histogram == wanted.histogram, "the histogram differs: {settings:?}");
    assert!(counted.waveform == wanted.waveform, "the waveform differs: {settings:?}");
    assert!(counted.vectorscope == wanted.vectorscope, "the vectorscope differs: {settings:?}");
}

fn settings(scale: Scale) -> ScopeSettings {
    ScopeSettings { scale, ..ScopeSettings::default() }
}

#[test]
fn every_sample_type_and_scale_equals_the_twin() {
    for forces_bits in [false, true] {
        let name = "every_sample_type_and_scale_equals_the_twin";
        let Some(mut meter) = Meter::new(name, forces_bits) else { return };
        for sample in SAMPLES {
            let picture = frame(&plain(&RGBA, sample, 1999, 37), varied(sample));
            let key = key(sample as u32);
            meter.screen.load(key, &picture);
            for scale in SCALES {
                for encoding in [Encoding::Srgb, Encoding::Identity] {
                    meter.compare(key, &picture, &ScopeSettings { encoding, ..settings(scale) });
                }
            }
        }
    }
}

fn special(sample: SampleType) -> impl Fn(usize, u32, u32) -> u32 {
    move |plane, x, y| {
        let value = SPECIAL[(x as usize * (plane + 1) + y as usize) % SPECIAL.len()];
        match sample {
            SampleType::F16 => u32::from(f16::from_f32(value).to_bits()),
            _ => value.to_bits(),
        }
    }
}

#[test]
fn values_that_are_no_numbers_are_counted_apart() {
    for forces_bits in [false, true] {
        let name = "values_that_are_no_numbers_are_counted_apart";
        let Some(mut meter) = Meter::new(name, forces_bits) else { return };
        for sample in [SampleType::F16, SampleType::F32] {
            let picture = frame(&plain(&RGBA, sample, 14, 14), special(sample));
            meter.screen.load(key(sample as u32), &picture);
            for scale in SCALES {
                let scopes = meter.compare(key(sample as u32), &picture, &settings(scale));
                let red = scopes.channels[0];
                assert_eq!((red.nan, red.positive_infinity, red.negative_infinity), (14, 14, 14));
                assert_eq!((red.below_zero, red.above_one), (42, 42), "{scale:?}");
                assert_eq!((red.min, red.max), (Some(-65504.0), Some(65504.0)));
                assert_eq!(scopes.histogram[0].iter().sum::<u32>(), 14 * 13);
            }
        }
    }
}

#[test]
fn the_bits_of_every_half_equal_the_twin() {
    for forces_bits in [false, true] {
        let name = "the_bits_of_every_half_equal_the_twin";
        let Some(mut meter) = Meter::new(name, forces_bits) else { return };
        let bits = |plane: usize, x: u32, y: u32| (y * 256 + x).wrapping_mul(2 * plane as u32 + 1) & 0xFFFF;
        let picture = frame(&plain(&RGBA, SampleType::F16, 256, 256), bits);
        meter.screen.load(key(0), &picture);
        for scale in SCALES {
            meter.compare(key(0), &picture, &settings(scale));
        }
    }
}

#[test]
fn sums_of_the_largest_floats_stay_finite() {
    let name = "sums_of_the_largest_floats_stay_finite";
    let Some(mut meter) = Meter::new(name, false) else { return };
    let layout = plain(&GREY, SampleType::F32, 300, 200);
    let picture = frame(&layout, |_, _, _| f32::MAX.to_bits());
    meter.screen.load(key(0), &picture);
    let scopes = meter.compare(key(0), &picture, &settings(Scale::Stops));
    assert_eq!(scopes.channels[0].max, Some(f32::MAX));
}

#[test]
fn a_flat_picture_is_one_level_and_one_cell() {
    let name = "a_flat_picture_is_one_level_and_one_cell";
    let Some(mut meter) = Meter::new(name, false) else { return };
    let half = u32::from(f16::from_f32(0.5).to_bits());
    let picture = frame(&plain(&GREY, SampleType::F16, 640, 480), |_, _, _| half);
    meter.screen.load(key(0), &picture);
    let scopes = meter.compare(key(0), &picture, &settings(Scale::Linear));
    for channel in 0..4 {
        assert_eq!(scopes.histogram[channel][128], 640 * 480);
        assert_eq!(scopes.channels[channel].mean, Some(0.5));
    }
    assert_eq!(scopes.vectorscope[64 * 128 + 64], 640 * 480);
}

#[test]
fn regions_are_clipped_and_may_be_empty() {
    let name = "regions_are_clipped_and_may_be_empty";
    let Some(mut meter) = Meter::new(name, false) else { return };
    let data = Window { x: -20, y: 7, width: 333, height: 91 };
    for sample in [SampleType::F16, SampleType::F32] {
        let layout = layout(&RGBA, sample, (data, Window::at_origin(300, 100)));
        let picture = frame(&layout, varied(sample));
        meter.screen.load(key(sample as u32), &picture);
        // Inside, over each corner, one pixel, one column, nothing.
        for (x, y, width, height, samples) in [
            (0, 10, 100, 50, 5000),
            (-100, -100, 150, 120, 70 * 13),
            (300, 90, 50, 50, 13 * 8),
            (i32::MIN, i32::MIN, u32::MAX, u32::MAX, 333 * 91),
            (5, 20, 1, 1, 1),
            (5, 0, 1, 500, 91),
            (-20, 50, 333, 1, 333),
            (400, 20, 10, 10, 0),
            (0, 20, 0, 10, 0),
        ] {
            let region = Some(Window { x, y, width, height });
            let settings = ScopeSettings { region, ..ScopeSettings::default() };
            let scopes = meter.compare(key(sample as u32), &picture, &settings);
            assert_eq!(scopes.grid.samples(), samples, "{region:?}");
            assert_eq!(scopes.channels[0].mean.is_some(), samples > 0);
        }
    }
}

#[test]
fn a_step_bounds_the_samples() {
    let Some(mut meter) = Meter::new("a_step_bounds_the_samples", false) else { return };
    let picture = frame(&plain(&RGBA, SampleType::F16, 1999, 301), varied(SampleType::F16));
    meter.screen.load(key(0), &picture);
    for (max_samples, step) in [(MAX_SAMPLES, 1), (500_000, 2), (70_000, 3), (1000, 26), (1, 1999), (0, 1999)]
    {
        let settings = ScopeSettings { max_samples, ..settings(Scale::Display) };
        let scopes = meter.compare(key(0), &picture, &settings);
        assert_eq!(scopes.grid.step, step);
        let vectors: u32 = scopes.vectorscope.iter().sum();
        assert_eq!(u64::from(vectors), scopes.grid.samples());
    }
}

/// Planes of other sizes than the data window: chroma, and resolution levels of odd sizes.
fn sampled(sizes: [(u32, u32); 3], sample: SampleType) -> Arc<PlaneLayout> {
    let window = Window::at_origin(199, 61);
    let plane = |((name, role), (width, height)): (&(&str, Role), (u32, u32))| PlaneSpec {
        name: (*name).into(),
        sample,
        role: *role,
        width,
        height,
    };
    let planes = RGBA[..3].iter().zip(sizes).map(plane).collect();
    Arc::new(PlaneLayout::new(planes, window, window, 1.0).expect("a layout"))
}

#[test]
fn planes_with_fewer_samples_equal_the_twin() {
    let name = "planes_with_fewer_samples_equal_the_twin";
    let Some(mut meter) = Meter::new(name, false) else { return };
    let sizes =
        [[(199, 61), (100, 31), (100, 31)], [(99, 30), (100, 31), (199, 31)], [(25, 8), (24, 7), (1, 1)]];
    for (number, sizes) in (0..).zip(sizes) {
        for sample in [SampleType::F16, SampleType::U16] {
            let key = key(2 * number + u32::from(sample == SampleType::F16));
            let picture = frame(&sampled(sizes, sample), varied(sample));
            meter.screen.load(key, &picture);
            let scopes = meter.compare(key, &picture, &settings(Scale::Linear));
            assert_eq!(scopes.grid.samples(), 199 * 61);
        }
    }
}

#[test]
fn video_equals_the_twin() {
    let encodings = [
        (Matrix::Bt709, Range::Limited, 8, SampleType::U8),
        (Matrix::Bt601, Range::Full, 8, SampleType::U8),
        (Matrix::Bt2020, Range::Limited, 10, SampleType::U16),
        (Matrix::YCgCo, Range::Full, 12, SampleType::U16),
        (Matrix::Bt709, Range::Limited, 16, SampleType::U16),
        (Matrix::Rgb, Range::Full, 10, SampleType::U16),
        (Matrix::Rgb, Range::Full, 16, SampleType::U16),
    ];
    let window = Window::at_origin(199, 61);
    let roles = [Role::Luminance, Role::DifferenceBlue, Role::DifferenceRed];
    for forces_bits in [false, true] {
        let Some(mut meter) = Meter::new("video_equals_the_twin", forces_bits) else { return };
        for (number, (matrix, range, bits, sample)) in (0..).zip(encodings) {
            for (chroma, key) in [((199, 61), key(2 * number)), ((100, 31), key(2 * number + 1))] {
                let plane = |(role, (width, height)): (Role, (u32, u32))| PlaneSpec {
                    name: format!("{role:?}"),
                    sample,
                    role,
                    width,
                    height,
                };
                let planes = roles.into_iter().zip([(199, 61), chroma, chroma]).map(plane).collect();
                let (transfer, primaries) = (Transfer::Bt709, Primaries::Bt709);
                let encoding =
                    VideoEncoding { matrix, range, bits, siting: Siting::Left, transfer, primaries };
                let layout = PlaneLayout::new(planes, window, window, 1.0).expect("a layout");
                let most = (1_u32 << bits) - 1;
                let code = |plane: usize, x: u32, y: u32| {
                    (x * 37 + y * 101 + plane as u32 * 59) * most / 997 % (most + 1)
                };
                let picture = frame(&Arc::new(layout.with_video(encoding)), code);
                meter.screen.load(key, &picture);
                for scale in SCALES {
                    let encoding = Encoding::Identity;
                    let scopes = meter.compare(key, &picture, &ScopeSettings { encoding, ..settings(scale) });
                    assert_eq!(scopes.channels[3].nan, 0);
                }
            }
        }
    }
}

#[test]
fn white_of_video_is_one() {
    let Some(mut meter) = Meter::new("white_of_video_is_one", false) else { return };
    let roles = [Role::Luminance, Role::DifferenceBlue, Role::DifferenceRed];
    let window = Window::at_origin(64, 32);
    let plane =
        |role| PlaneSpec { name: format!("{role:?}"), sample: SampleType::U16, role, width: 64, height: 32 };
    let encoding = VideoEncoding {
        matrix: Matrix::Bt709,
        range: Range::Limited,
        bits: 10,
        siting: Siting::Left,
        transfer: Transfer::Bt709,
        primaries: Primaries::Bt709,
    };
    let layout = PlaneLayout::new(roles.map(plane).into(), window, window, 1.0).expect("a layout");
    let picture =
        frame(&Arc::new(layout.with_video(encoding)), |plane, _, _| if plane == 0 { 940 } else { 512 });
    meter.screen.load(key(0), &picture);
    let settings = ScopeSettings { encoding: Encoding::Identity, ..settings(Scale::Linear) };
    let scopes = meter.compare(key(0), &picture, &settings);
    for channel in &scopes.channels[..3] {
        assert_eq!((channel.min, channel.max, channel.above_one), (Some(1.0), Some(1.0), 0));
    }
    assert_eq!(scopes.vectorscope[64 * 128 + 64], 64 * 32);
}

#[test]
fn planes_in_tiles_equal_the_twin() {
    for forces_bits in [false, true] {
        let Some(mut meter) = Meter::new("planes_in_tiles_equal_the_twin", forces_bits) else { return };
        meter.screen.ring.set_source(Box::new(SmallTextures { side: 40 }));
        let chroma = sampled([(199, 61), (100, 31), (100, 31)], SampleType::F16);
        for (number, layout) in (0..).zip([plain(&RGBA, SampleType::F16, 131, 97), chroma]) {
            let picture = frame(&layout, varied(SampleType::F16));
            meter.screen.load(key(number), &picture);
            meter.compare(key(number), &picture, &settings(Scale::Stops));
        }
    }
}

#[test]
fn missing_areas_are_told() {
    let Some(mut meter) = Meter::new("missing_areas_are_told", false) else { return };
    let layout = plain(&RGBA, SampleType::F16, 64, 32);
    let whole = frame(&layout, varied(SampleType::F16));
    let mut partial = Arc::into_inner(frame(&layout, |_, _, _| 0)).expect("one owner");
    partial.missing.push(Area { x: 0, y: 16, width: 64, height: 16 });
    let partial = Arc::new(partial);
    meter.screen.load(key(0), &whole);
    meter.screen.load(key(1), &partial);
    assert!(meter.compare(key(0), &whole, &settings(Scale::Linear)).is_whole);
    assert!(!meter.compare(key(1), &partial, &settings(Scale::Linear)).is_whole);
}

#[test]
fn one_measurement_is_under_way_and_the_newest_wish_is_next() {
    let name = "one_measurement_is_under_way_and_the_newest_wish_is_next";
    let Some(mut meter) = Meter::new(name, false) else { return };
    let layout = plain(&RGBA, SampleType::F16, 500, 300);
    let pictures: Vec<_> =
        (0..5_u32).map(|n| frame(&layout, move |_, x, y| (x * 7 + y + n * 999) & 0x3FFF)).collect();
    for (number, picture) in (0..).zip(&pictures) {
        meter.screen.load(key(number), picture);
    }
    let bytes = meter.pass.bytes();
    assert!(bytes < 16 << 20, "{bytes}");
    for number in 0..5 {
        meter.request(key(number), &settings(Scale::Linear));
        assert!(meter.pass.is_busy());
    }
    let (first, last) = (meter.wait(), meter.wait());
    assert_eq!((first.key, last.key), (key(0), key(4)));
    assert_same(&last.scopes, &measure(&pictures[4], &settings(Scale::Linear)), &settings(Scale::Linear));
    assert!(!meter.pass.is_busy());
    assert!(meter.pass.poll(&meter.screen.gpu, &meter.screen.ring).is_none());
    // A frame that has left in the meantime is not measured.
    meter.request(key(0), &settings(Scale::Linear));
    meter.request(key(1), &settings(Scale::Linear));
    meter.screen.apply(vec![key(1)], Vec::new());
    assert_eq!(meter.wait().key, key(0));
    assert!(!meter.pass.is_busy());
    assert_eq!(meter.pass.bytes(), bytes);
}

#[test]
fn turned_pictures_are_measured_as_they_are_shown() {
    let name = "turned_pictures_are_measured_as_they_are_shown";
    let Some(mut meter) = Meter::new(name, false) else { return };
    let bits = varied(SampleType::F16);
    let region = Some(Window { x: 7, y: 3, width: 30, height: 25 });
    for (number, orientation) in (0..).zip(Orientation::all()) {
        let (width, height) = orientation.of_size((61, 43));
        let upright = plain(&RGBA, SampleType::F16, width, height);
        let window = Window::at_origin(width, height);
        let stored = plain(&RGBA, SampleType::F16, 61, 43);
        let layout = PlaneLayout::new(stored.planes().to_vec(), window, window, 1.0).expect("a layout");
        let turned = frame(&layout.with_orientation(orientation).into(), &bits);
        let upright = frame(&upright, |plane, x, y| {
            let (x, y) = stored_place(&turned.layout, (x as f32 + 0.5, y as f32 + 0.5));
            bits(plane, x as u32, y as u32)
        });
        meter.screen.load(key(number), &turned);
        let settings = ScopeSettings { region, ..settings(Scale::Linear) };
        let scopes = meter.compare(key(number), &turned, &settings);
        assert_same(&scopes, &measure(&upright, &settings), &settings);
    }
}
