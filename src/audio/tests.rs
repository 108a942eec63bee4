//! Feed and mixer together, moved by hand.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::epoch::EpochWatch;
use crate::time::{Direction, LoopMode, Nanos, PreloadStrategy, Rate, Travel, WorkArea};

const RATE: u32 = 48_000;
const PIECE: usize = 480;

/// Samples that tell their place: a slow rise, so that neither jumps nor gaps go unseen.
struct Ramp;

fn value(at: i64) -> f32 {
    at.rem_euclid(480_000) as f32 / 480_000.0
}

impl SoundSource for Ramp {
    fn read(&mut self, at: i64, into: &mut [Stereo], watch: &EpochWatch) -> Result<(), SoundEnd> {
        if watch.is_stale() {
            return Err(SoundEnd::Skipped);
        }
        into.iter_mut().zip(at..).for_each(|(sample, at)| *sample = [value(at), -value(at)]);
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        0
    }
}

fn engine() -> (Engine, Manual) {
    Engine::manual(RATE, Arc::new(|_, _, _| Ok(Box::new(Ramp))))
}

fn order(playhead: u32, last: u32, anchor: Nanos) -> Order {
    Order {
        sound: SoundFile { path: Path::new("ramp").into(), origin_nanos: None },
        travel: Travel {
            playhead,
            direction: Direction::Forward,
            loop_mode: LoopMode::Loop,
            area: WorkArea::new(0, last),
            playing: true,
            strategy: PreloadStrategy::default(),
        },
        first: 0,
        times: Rate::FILM.into(),
        rate: Rate::FILM,
        start: Start::At(anchor),
    }
}

fn nanos(samples: usize) -> Nanos {
    samples as Nanos * 1_000_000_000 / Nanos::from(RATE)
}

/// Plays from `from`, piece by piece, and gives what was heard.
fn heard(manual: &mut Manual, from: Nanos, pieces: usize) -> Vec<Stereo> {
    let mut all = Vec::new();
    for piece in 0..pieces {
        manual.fill();
        let mut out = [[9.0; 2]; PIECE];
        manual.mixer.render(&mut out, from + nanos(piece * PIECE));
        all.extend(out);
    }
    all
}

#[test]
fn samples_are_heard_when_they_are_due_as_they_are() {
    let (mut engine, mut manual) = engine();
    engine.play(order(24, 200, 5_000_000));
    let all = heard(&mut manual, 0, 100);
    // 5 ms of silence, 5 ms of fading in.
    assert!(all[..240].iter().all(|sample| *sample == [0.0; 2]));
    for (at, sample) in all.iter().enumerate().skip(600) {
        let expected = value(48_000 + at as i64 - 240);
        assert_eq!(*sample, [expected, -expected], "{at}");
    }
    // Times of chunks are rounded to a nanosecond.
    assert!(engine.offset().is_some_and(|offset| offset.abs() <= 2));
    assert_eq!(engine.underruns(), 0);
}

#[test]
fn what_is_late_is_passed_over() {
    let (mut engine, mut manual) = engine();
    engine.play(order(0, 200, -100_000_000));
    let all = heard(&mut manual, 0, 10);
    assert_eq!(all[1000][0], value(4800 + 1000));
}

#[test]
fn loops_and_stops_do_not_click() {
    let (mut engine, mut manual) = engine();
    engine.play(order(100, 119, 0));
    let mut all = heard(&mut manual, 0, 250);
    engine.stop();
    all.extend(heard(&mut manual, nanos(250 * PIECE), 10));
    engine.play(order(150, 200, nanos(260 * PIECE)));
    all.extend(heard(&mut manual, nanos(260 * PIECE), 20));
    let step = all.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
    // The loudest sample is 0.6: a click would be as high.
    assert!(step < 0.03, "{step}");
    assert!(
        all.iter().any(|sample| sample[0] > 0.4) && all[255 * PIECE..259 * PIECE].iter().all(|s| s[0] < 0.01)
    );
}

#[test]
fn a_dry_ring_is_counted_and_playback_goes_on_where_it_should_be() {
    let (mut engine, mut manual) = engine();
    engine.play(order(0, 200, 0));
    heard(&mut manual, 0, 10);
    // Half a second in which nobody fills the ring.
    let mut out = vec![[0.0; 2]; 24_000];
    manual.mixer.render(&mut out, nanos(10 * PIECE));
    assert_eq!(engine.underruns(), 1);
    assert_eq!(out[23_999], [0.0; 2]);
    let from = 10 * PIECE + 24_000;
    let all = heard(&mut manual, nanos(from), 10);
    assert_eq!(all[2000][0], value(from as i64 + 2000));
    // Times of chunks are rounded to a nanosecond.
    assert!(engine.offset().is_some_and(|offset| offset.abs() <= 2));
}

#[test]
fn a_device_that_runs_slow_is_told_of_and_one_that_stood_still_is_placed_anew() {
    let (mut engine, mut manual) = engine();
    engine.play(order(0, 200, 0));
    let mut now: Nanos = 0;
    let mut out = [[0.0; 2]; PIECE];
    for _ in 0..700 {
        manual.fill();
        manual.mixer.render(&mut out, now);
        // A thousandth slow.
        now += nanos(PIECE) * 1001 / 1000;
        engine.offset();
    }
    let offset = engine.offset().unwrap();
    assert!((offset - 7_000_000).abs() < 400_000, "{offset}");
    engine.set_shift(offset);
    now += 300_000_000;
    manual.fill();
    manual.mixer.render(&mut out, now);
    manual.fill();
    manual.mixer.render(&mut out, now + nanos(PIECE));
    let expected = (now - offset) as f64 / 1e9 * f64::from(RATE) + PIECE as f64;
    let found = f64::from(out[PIECE - 1][0]) * 480_000.0;
    assert!((found - expected - PIECE as f64).abs() < 40.0, "{found} {expected}");
}

#[test]
fn speeds_keep_pace_and_what_is_too_fast_is_silent() {
    for (rate, most) in [(48, 0.03), (12, 0.03), (36, 0.03)] {
        let (mut engine, mut manual) = engine();
        let rate = Rate::new(rate, 1).unwrap();
        engine.play(Order { rate, ..order(0, 230, 0) });
        let all = heard(&mut manual, 0, 300);
        for at in (4800..120_000).step_by(4800) {
            let expected = at as f64 / f64::from(RATE) * rate.as_f64() / 24.0 / 10.0;
            let off = (f64::from(all[at][0]) - expected).abs() * 10.0;
            assert!(off < most, "{rate} at {at}: {off} s off");
        }
    }
    let (mut engine, mut manual) = engine();
    engine.play(Order { rate: Rate::new(192, 1).unwrap(), ..order(0, 230, 0) });
    assert!(heard(&mut manual, 0, 30).iter().all(|sample| *sample == [0.0; 2]));
}

#[test]
fn reverse_is_heard_backwards() {
    let (mut engine, mut manual) = engine();
    let mut backwards = order(100, 200, 0);
    backwards.travel.direction = Direction::Reverse;
    engine.play(backwards);
    let all = heard(&mut manual, 0, 20);
    assert_eq!(all[2500][0], value(101 * 2000 - 2501));
}

#[test]
fn a_glance_needs_no_time_and_ends() {
    let (mut engine, mut manual) = engine();
    let mut glance = Order { start: Start::Soon(100_000_000), ..order(100, 200, 0) };
    glance.travel.loop_mode = LoopMode::Once;
    glance.travel.area = WorkArea::new(100, 101);
    engine.play(glance);
    let all = heard(&mut manual, 77_000_000, 20);
    assert_eq!(all[1000][0], value(200_000 + 1000));
    assert!(all[5000..].iter().all(|sample| sample[0].abs() < 1e-3));
    assert_eq!((engine.underruns(), engine.offset()), (0, None));
    assert!(!manual.feed.is_playing());
}

#[test]
fn volume_changes_smoothly() {
    let (mut engine, mut manual) = engine();
    engine.play(order(200, 230, 0));
    heard(&mut manual, 0, 10);
    engine.set_volume(0.0);
    let all = heard(&mut manual, nanos(10 * PIECE), 4);
    let step = all.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
    assert!(step < 0.01, "{step}");
    assert_eq!(all.last(), Some(&[0.0; 2]));
}

#[test]
fn threads_end_with_the_engine_and_the_null_device_keeps_time() {
    let start = std::time::Instant::now();
    let now: Now = Arc::new(move || start.elapsed().as_nanos() as Nanos);
    let mut engine =
        Engine::start(Output::Null, Arc::new(|_, _, _| Ok(Box::new(Ramp))), Arc::clone(&now)).unwrap();
    engine.play(order(0, 200, now()));
    let deadline = start + std::time::Duration::from_secs(20);
    while engine.offset().is_none() && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(engine.offset().unwrap().abs() < 1_000_000);
    assert_eq!(engine.device().as_deref(), Some("null"));
}

#[test]
fn a_file_that_does_not_open_is_told_and_nothing_is_heard() {
    let open: Arc<OpenSound> = Arc::new(|_, _, _| Err(SoundEnd::Failed("it has no sound".into())));
    let (mut engine, mut manual) = Engine::manual(RATE, open);
    engine.play(order(0, 200, 0));
    assert!(heard(&mut manual, 0, 5).iter().all(|sample| *sample == [0.0; 2]));
    assert_eq!(manual.feed.take_trouble().as_deref(), Some("it has no sound"));
}
