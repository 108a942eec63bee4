//! What playback is told to be limited by, for each thing that can be slow.

use rushes::player::{Command, Pace};
use rushes::stats::{Limit, LimitStatus};
use rushes::time::Cadence;

use crate::support::rig::{Rig, SECOND, STEP};

/// A frame takes four steps.
const STEPS_A_SECOND: usize = 96;
/// What the workers say that a job took.
const JOB_NANOS: u64 = 1_000_000;

fn limits(rig: &mut Rig) -> LimitStatus {
    rig.player.snapshot().limits
}

/// A clip that is larger than both tiers, played by workers that finish a job every eighth step: half as fast as
/// frames are due.
fn play_with_slow_workers(rig: &mut Rig) {
    rig.jobs_per_tick = 0;
    rig.command(Command::Play);
    for _ in 0..STEPS_A_SECOND {
        rig.run(7);
        rig.pool.work(1);
        rig.tick_after(STEP);
    }
}

#[test]
fn frames_that_come_in_time_are_limited_by_nothing() {
    let mut rig = Rig::new(10, 10, 10);
    rig.settle();
    assert_eq!(limits(&mut rig).whole.playing, 0);
    rig.command(Command::Play);
    rig.run(3 * STEPS_A_SECOND);
    let status = limits(&mut rig);
    assert_eq!((status.now, status.all_along), (Limit::Nothing, Limit::Nothing));
    assert!(status.whole.playing > 2 * SECOND as u64);
    assert!(status.recent.playing <= 2 * SECOND as u64, "{:?}", status.recent);
}

#[test]
fn slow_workers_are_named_by_what_they_do() {
    for (read_nanos, limit) in [(0, Limit::Decode), (JOB_NANOS * 3 / 4, Limit::Disk)] {
        for pace in [Pace::EveryFrame, Pace::RealTime] {
            let mut rig = Rig::new(400, 10, 4);
            rig.player.set_pace(pace);
            rig.pool.script().read_nanos = read_nanos;
            play_with_slow_workers(&mut rig);
            let status = limits(&mut rig);
            assert_eq!((status.now, status.all_along), (limit, limit), "{pace:?}: {:?}", status.whole);
            let share = status.recent.decode as f64 / status.recent.playing as f64;
            assert!((0.2..=1.0).contains(&share), "{pace:?}: {share}");
        }
    }
}

#[test]
fn the_verdict_follows_and_the_sum_remains() {
    let mut rig = Rig::new(400, 400, 400);
    play_with_slow_workers(&mut rig);
    assert_eq!(limits(&mut rig).now, Limit::Decode);
    rig.jobs_per_tick = 6;
    rig.run(4 * STEPS_A_SECOND);
    let status = limits(&mut rig);
    assert_eq!((status.now, status.all_along), (Limit::Nothing, Limit::Decode));
    // A pause is no time of playback.
    rig.command(Command::Pause);
    rig.run(2);
    let paused = limits(&mut rig);
    rig.run(10 * STEPS_A_SECOND);
    let after = limits(&mut rig);
    assert_eq!(
        (after.whole.playing, after.whole.decode, after.now),
        (paused.whole.playing, paused.whole.decode, paused.now)
    );
}

#[test]
fn frames_that_wait_for_vram_are_limited_by_upload() {
    let mut rig = Rig::new(40, 40, 4);
    rig.settle();
    // An upload takes two frames' time.
    rig.ring.delay_steps = 24;
    rig.command(Command::Play);
    rig.run(STEPS_A_SECOND);
    let status = limits(&mut rig);
    assert_eq!(status.now, Limit::Upload, "{:?}", status.recent);
}

#[test]
fn drawing_that_takes_longer_than_a_frame_is_the_limit() {
    let mut rig = Rig::new(10, 10, 10);
    rig.settle();
    rig.command(Command::Play);
    // Every draw takes nine steps, more than two frames.
    for _ in 0..20 {
        rig.tick_after(STEP);
        if rig.last.presented {
            let took = 9 * STEP;
            rig.clock.advance(took);
            let now = rushes::time::Clock::now(&rig.clock);
            rig.player.note_drawn(took as u64, now);
        }
    }
    let status = limits(&mut rig);
    assert_eq!(status.now, Limit::Gpu, "{:?}", status.recent);
    assert!(status.recent.draws >= 5 && status.recent.drawing > status.recent.draw);
}

#[test]
fn a_display_slower_than_the_frames_is_the_limit() {
    let mut rig = Rig::new(48, 48, 48);
    rig.settle();
    // A display of 12 hertz: one tick for each refresh, each of them shows the next frame of 24 a second.
    let mut display = Cadence::new(12_000).expect("a display");
    rig.command(Command::Play);
    for _ in 0..60 {
        rig.tick_after(8 * STEP);
        display.observe(rushes::time::Clock::now(&rig.clock));
        rig.player.follow_display(Some(&display));
    }
    let status = limits(&mut rig);
    assert_eq!(status.now, Limit::Vsync, "{:?}", status.recent);
}
