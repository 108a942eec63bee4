//! Colour chains in the image pass against their twins on the CPU.

use std::sync::Arc;
use std::time::Duration;

use half::f16;
use rushes::color::{ColorChain, ColorRequest, ColorSettings, MediaFacts, baked, open_or_default};
use rushes::frame::SampleType;

use crate::picture::{RGBA, frame, key, plain};
use crate::screen::{ONE_TO_ONE, Screen};

const SIZE: (u32, u32) = (96, 32);
const TOLERANCE: f32 = 2e-4;

fn chain(input: Option<&str>, view: Option<&str>) -> ColorChain {
    let request = ColorRequest {
        input: input.map(str::to_string),
        view: view.map(str::to_string),
        ..ColorRequest::default()
    };
    let (chain, notice) = open_or_default(&request, &MediaFacts { is_float: true, ..MediaFacts::default() });
    assert_eq!(notice, None);
    chain
}

/// Colours of every size, and greys of every kind that is no number. A huge value beside small ones would show only
/// that single precision cancels.
fn colour(plane: usize, x: u32, y: u32) -> f16 {
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 65504.0, 0.0];
    match x % 16 {
        0 => f16::from_f32(special[(y % 6) as usize]),
        _ => f16::from_f32(((x * 7 + y * 13 + plane as u32 * 29) % 97) as f32 / 24.0 - 0.25),
    }
}

fn assert_close(screen: &Screen, chain: &ColorChain, settings: &ColorSettings) {
    let drawn = screen.draw(key(0), &ONE_TO_ONE, settings, SIZE);
    for (number, pixel) in (0..).zip(drawn) {
        let (x, y) = (number % SIZE.0, number / SIZE.0);
        let mut wanted =
            [[0, 1, 2].map(|plane| colour(plane, x, y).to_f32())].map(|[r, g, b]| [r, g, b, 1.0]);
        chain.cpu.to_working(&mut wanted);
        let gain = settings.exposure.exp2();
        wanted = wanted.map(|[r, g, b, a]| [r * gain, g * gain, b * gain, a]);
        chain.cpu.to_display(&mut wanted);
        let is_close =
            pixel.iter().zip(wanted[0]).take(3).all(|(a, b)| (a - b).abs() <= TOLERANCE * b.abs().max(1.0));
        assert!(
            is_close,
            "({x}, {y}): {pixel:?} drawn, {:?} wanted, {}",
            wanted[0],
            chain.description.text()
        );
    }
    assert_eq!(screen.gpu.uncaught_errors(), 0);
}

#[cfg(feature = "ocio")]
const CHAINS: [(Option<&str>, Option<&str>); 4] = [
    (None, Some("Un-tone-mapped")),
    (Some("ACEScg"), Some("Un-tone-mapped")),
    (None, Some("ACES 2.0 - SDR 100 nits (Rec.709)")),
    (Some("sRGB - Texture"), Some("ACES 2.0 - SDR 100 nits (Rec.709)")),
];

#[cfg(not(feature = "ocio"))]
const CHAINS: [(Option<&str>, Option<&str>); 2] = [(None, None), (Some("ACEScg"), None)];

#[test]
fn chains_in_the_image_pass_equal_their_twins() {
    let name = "chains_in_the_image_pass_equal_their_twins";
    for forces_bits in [false, true] {
        let Some(mut screen) = Screen::new(name, 64 << 20, forces_bits) else { return };
        let layout = plain(&RGBA[..3], SampleType::F16, SIZE.0, SIZE.1);
        screen.load(key(0), &frame(&layout, |plane, x, y| u32::from(colour(plane, x, y).to_bits())));
        for (number, (input, view)) in (0..).zip(CHAINS) {
            let chain = chain(input, view);
            screen.use_program(number * 2, &chain.program);
            assert_close(&screen, &chain, &ColorSettings::default());
            assert_close(&screen, &chain, &ColorSettings { exposure: -1.0, ..ColorSettings::default() });
            if let Some(quick) = baked(&chain) {
                screen.use_program(number * 2 + 1, &quick.program);
                assert_close(&screen, &quick, &ColorSettings::default());
            }
        }
    }
}

#[test]
fn a_pipeline_that_is_made_aside_draws_the_same() {
    let name = "a_pipeline_that_is_made_aside_draws_the_same";
    let Some(mut screen) = Screen::new(name, 64 << 20, false) else { return };
    let layout = plain(&RGBA[..3], SampleType::F16, SIZE.0, SIZE.1);
    screen.load(key(0), &frame(&layout, |plane, x, y| u32::from(colour(plane, x, y).to_bits())));
    let (placement, color) = (ONE_TO_ONE, ColorSettings::default());
    let chain = chain(CHAINS[1].0, CHAINS[1].1);
    screen.use_program(0, &chain.program);
    let bits =
        |pixels: Vec<[f32; 4]>| pixels.into_iter().map(|pixel| pixel.map(f32::to_bits)).collect::<Vec<_>>();
    let drawn = bits(screen.draw(key(0), &placement, &color, SIZE));

    let (bell, rung) = std::sync::mpsc::channel();
    screen.build_aside(Arc::new(move || bell.send(()).expect("somebody listens")));
    assert!(screen.is_ready(key(0), &placement, &color), "without a program there is nothing to wait for");
    screen.use_program(0, &chain.program);
    assert!(!screen.is_ready(key(0), &placement, &color));
    rung.recv_timeout(Duration::from_secs(60)).expect("the bell");
    assert!(screen.is_ready(key(0), &placement, &color));
    assert_eq!(bits(screen.draw(key(0), &placement, &color, SIZE)), drawn);
    // Another variant of it is another pipeline.
    let graded = ColorSettings { gamma: 1.2, ..color };
    assert!(!screen.is_ready(key(0), &placement, &graded));
    rung.recv_timeout(Duration::from_secs(60)).expect("the bell");
    assert!(screen.is_ready(key(0), &placement, &graded));
    assert_eq!(screen.gpu.uncaught_errors(), 0);
}
