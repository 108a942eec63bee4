//! In which order frames are asked for, and what a discontinuity cancels.

use rushes::player::Command;
use rushes::stats::ShownStatus;

use crate::support::pool::End;
use crate::support::rig::{CREDITS, Rig};

#[test]
fn the_shown_frame_is_asked_for_first_and_no_more_than_credits() {
    let mut rig = Rig::new(100, 100, 100);
    rig.jobs_per_tick = 0;
    rig.command(Command::Seek(40));
    rig.tick();
    assert_eq!(rig.pool.submitted(), [40, 41, 39, 42, 38, 43]);
    rig.run(10);
    assert_eq!(rig.pool.out().len(), CREDITS);
    assert_eq!(rig.player.snapshot().in_flight, CREDITS);
}

#[test]
fn a_frame_that_is_looked_for_has_all_workers_to_itself() {
    let mut rig = Rig::new(100, 100, 100);
    rig.pool.script().shares_frames = true;
    rig.jobs_per_tick = 0;
    rig.command(Command::Seek(40));
    rig.run(5);
    assert_eq!((rig.pool.out(), rig.pool.helped()), (vec![40], vec![40]));
    // A frame that fails keeps nobody waiting.
    rig.pool.finish(40, End::Failed);
    rig.run(2);
    assert_eq!(rig.pool.out(), [41, 39, 42, 38, 43, 37]);
    assert!(rig.pool.helped().is_empty());
}

#[test]
fn while_playing_idle_workers_help_with_what_is_due_too_soon() {
    let mut rig = Rig::new(100, 100, 100);
    rig.pool.script().shares_frames = true;
    rig.jobs_per_tick = 0;
    rig.command(Command::Seek(97));
    rig.command(Command::Play);
    rig.tick();
    assert_eq!(rig.pool.out(), [97, 98, 99, 0, 1, 2]);
    assert_eq!(rig.pool.helped(), [97]);
}

#[test]
fn playback_asks_for_what_comes_next() {
    let mut rig = Rig::new(100, 50, 50);
    rig.jobs_per_tick = 0;
    rig.command(Command::Seek(97));
    rig.command(Command::Play);
    rig.tick();
    assert_eq!(rig.pool.submitted(), [97, 98, 99, 0, 1, 2]);
}

#[test]
fn a_far_seek_cancels_what_is_no_longer_wanted() {
    let mut rig = Rig::new(1000, 20, 20);
    rig.jobs_per_tick = 0;
    rig.tick();
    assert!(rig.pool.cancelled().is_empty());
    rig.command(Command::Seek(500));
    rig.tick();
    assert_eq!(rig.pool.cancelled(), [0, 1, 2, 3, 4, 5]);
    rig.jobs_per_tick = CREDITS;
    rig.run(1);
    assert_eq!(rig.decode().cancelled, CREDITS as u64);
    let asked = rig.pool.submitted();
    assert_eq!(asked[CREDITS], 500);
    rig.run(3);
    assert_eq!(rig.exact(), Some(500));
}

#[test]
fn a_small_seek_keeps_useful_work() {
    let mut rig = Rig::new(1000, 20, 20);
    rig.jobs_per_tick = 0;
    rig.tick();
    let epoch = rig.epoch();
    rig.command(Command::Seek(2));
    rig.tick();
    assert!(rig.epoch() > epoch);
    assert!(rig.pool.cancelled().is_empty(), "frames 0 to 5 are all near frame 2");
}

#[test]
fn a_late_result_that_is_still_wanted_is_kept() {
    let mut rig = Rig::new(100, 100, 100);
    rig.jobs_per_tick = 0;
    rig.tick();
    rig.command(Command::Seek(50));
    rig.tick();
    rig.pool.finish(0, End::Done);
    rig.run(1);
    assert_eq!((rig.decode().ok, rig.decode().stale), (1, 0));
    assert_eq!(rig.player.snapshot().cpu.resident_frames, 1);
}

#[test]
fn a_skipped_frame_is_asked_for_again_when_it_is_wanted_again() {
    let mut rig = Rig::new(1000, 20, 20);
    rig.jobs_per_tick = 0;
    rig.tick();
    rig.command(Command::Seek(500));
    rig.tick();
    rig.command(Command::Seek(0));
    rig.tick();
    // Wanted again before a worker noticed: the same requests go on.
    assert!(rig.pool.cancelled().is_empty());
    assert_eq!(rig.pool.submitted().len(), CREDITS);
    rig.pool.finish(0, End::Skipped);
    rig.run(1);
    assert_eq!(rig.pool.submitted().last(), Some(&0));
}

#[test]
fn steady_playback_and_the_wrap_of_the_loop_do_not_move_the_epoch() {
    let mut rig = Rig::new(30, 20, 5);
    rig.command(Command::Play);
    rig.run(4);
    let epoch = rig.epoch();
    rig.passes(3);
    assert_eq!(rig.epoch(), epoch);
    assert_eq!(rig.decode().cancelled, 0);
}

#[test]
fn every_discontinuity_moves_the_epoch() {
    let mut rig = Rig::new(30, 30, 30);
    rig.tick();
    let commands = [
        Command::Play,
        Command::Pause,
        Command::ShuttleReverse,
        Command::SetIn,
        Command::ClearInOut,
        Command::CycleLoop,
        Command::StepForward,
        Command::NextLayer,
        Command::Reload,
    ];
    for command in commands {
        let before = rig.epoch();
        rig.command(command);
        rig.tick();
        assert!(rig.epoch() > before, "{command:?}");
    }
}

#[test]
fn nothing_is_asked_for_once_everything_is_loaded() {
    let mut rig = Rig::new(50, 50, 50);
    rig.settle();
    assert_eq!(rig.pool.submitted().len(), 50);
    rig.command(Command::Seek(20));
    rig.run(1);
    assert_eq!(rig.exact(), Some(20), "a frame in VRAM is there at once");
    rig.run(20);
    assert_eq!(rig.pool.submitted().len(), 50);
}

#[test]
fn a_thousand_seeks_leave_a_bounded_queue_and_show_the_last() {
    let mut rig = Rig::new(1000, 30, 10);
    rig.jobs_per_tick = 1;
    for seek in 0..1000_u32 {
        rig.command(Command::Seek(seek * 379 % 1000));
        rig.tick_after(1_000_000);
        assert!(rig.pool.out().len() <= CREDITS);
    }
    rig.command(Command::Seek(123));
    rig.jobs_per_tick = CREDITS;
    rig.run(6);
    assert_eq!(rig.exact(), Some(123));
}

#[test]
fn the_frame_before_stays_on_screen_while_the_next_one_comes() {
    let mut rig = Rig::new(1000, 20, 20);
    rig.run(10);
    rig.jobs_per_tick = 0;
    rig.command(Command::Seek(700));
    rig.tick();
    let ShownStatus::Held(key) = rig.last.shown else { panic!("{:?}", rig.last.shown) };
    assert_eq!(key.index, 0);
}
