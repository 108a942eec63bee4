//! Due times, late and dropped frames, the ends of the work area.

use rushes::player::{Command, Pace};
use rushes::time::{Direction, LoopMode, WorkArea};

use crate::support::pool::End;
use crate::support::rig::{Rig, SECOND, STEP};

const PERIOD: i128 = SECOND / 24;

/// Presented indices while the test ticks so many times.
fn presented(rig: &mut Rig, ticks: usize) -> Vec<u32> {
    let mut frames = Vec::new();
    for _ in 0..ticks {
        if rig.tick_after(STEP).presented {
            frames.push(rig.exact().expect("a presented frame is on screen"));
        }
    }
    frames
}

#[test]
fn every_frame_is_shown_once_and_in_order() {
    let mut rig = Rig::new(10, 10, 10);
    rig.settle();
    rig.command(Command::Play);
    let frames = presented(&mut rig, 100);
    for (place, frame) in frames.iter().enumerate() {
        assert_eq!(*frame as usize, place % 10);
    }
    assert!((24..=26).contains(&frames.len()), "{} frames in 100/96 s", frames.len());
}

#[test]
fn every_frame_mode_waits_and_counts_late() {
    let mut rig = Rig::new(30, 30, 30);
    rig.run(2);
    rig.jobs_per_tick = 0;
    rig.command(Command::Play);
    rig.run(120);
    let stuck = rig.playhead();
    assert!((3..20).contains(&stuck), "{stuck}");
    rig.run(60);
    assert_eq!(rig.playhead(), stuck);
    rig.jobs_per_tick = 6;
    rig.run(10);
    assert!(rig.playhead() > stuck);
    let counters = rig.player.transport().counters();
    assert_eq!((counters.late, counters.dropped), (1, 0));
}

#[test]
fn a_stall_in_every_frame_mode_is_counted_late_once() {
    let mut rig = Rig::new(10, 10, 10);
    rig.settle();
    rig.command(Command::Play);
    rig.tick();
    rig.tick_after(10 * PERIOD);
    assert_eq!(rig.exact(), Some(1), "no frame is passed over");
    let counters = rig.player.transport().counters();
    assert_eq!((counters.late, counters.dropped), (1, 0));
}

#[test]
fn real_time_drops_what_came_too_late() {
    let mut rig = Rig::new(100, 100, 100);
    rig.settle();
    rig.player.set_pace(Pace::RealTime);
    rig.command(Command::Play);
    rig.tick();
    rig.tick_after(10 * PERIOD + PERIOD / 2);
    assert_eq!(rig.exact(), Some(10));
    let counters = rig.player.transport().counters();
    assert_eq!((counters.presented, counters.dropped), (2, 9));
}

#[test]
fn real_time_goes_on_past_frames_that_never_come() {
    let mut rig = Rig::new(100, 100, 100);
    rig.player.set_pace(Pace::RealTime);
    rig.run(3);
    rig.command(Command::Play);
    rig.run(3);
    rig.jobs_per_tick = 0;
    rig.run(300);
    let counters = rig.player.transport().counters();
    assert!(rig.playhead() >= 70, "{}", rig.playhead());
    assert!(counters.held > 0 && counters.dropped > 0);
}

#[test]
fn presented_and_dropped_frames_add_up_to_the_time_that_passed() {
    let mut rig = Rig::new(50, 20, 8);
    rig.player.set_pace(Pace::RealTime);
    rig.run(8);
    rig.command(Command::Play);
    rig.tick();
    for tick in 0..960 {
        rig.jobs_per_tick = usize::from(tick % 3 == 0);
        rig.tick_after(STEP);
    }
    let counters = rig.player.transport().counters();
    let total = counters.presented + counters.dropped;
    assert!((239..=241).contains(&total), "{counters:?}");
}

#[test]
fn the_player_wakes_for_the_next_frame() {
    let mut rig = Rig::new(10, 10, 10);
    rig.settle();
    rig.command(Command::Play);
    rig.tick();
    let now = rushes::time::Clock::now(&rig.clock);
    assert_eq!(rig.last.wake_at, Some(now + rushes::time::Rate::FILM.frame_start_nanos(1)));
}

#[test]
fn playing_once_stops_at_either_end() {
    for (direction, start, end) in [(Direction::Forward, 0, 9), (Direction::Reverse, 9, 0)] {
        let mut rig = Rig::new(10, 10, 10);
        rig.player.set_loop_mode(LoopMode::Once);
        rig.command(Command::Seek(start));
        rig.settle();
        rig.play(direction);
        let mut frames = presented(&mut rig, 100);
        frames.dedup();
        assert_eq!((frames.len(), frames.last()), (10, Some(&end)));
        assert!(!rig.player.transport().is_playing());
        rig.command(Command::Play);
        rig.tick();
        assert_eq!(rig.playhead(), start, "play at the end means: again");
    }
}

#[test]
fn ping_pong_turns_at_both_ends_without_showing_them_twice() {
    let mut rig = Rig::new(4, 4, 4);
    rig.player.set_loop_mode(LoopMode::PingPong);
    rig.settle();
    rig.command(Command::Play);
    let frames = presented(&mut rig, 48);
    assert_eq!(frames[..11], [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2]);
}

#[test]
fn playback_stays_between_in_and_out() {
    let mut rig = Rig::new(100, 10, 10);
    rig.player.set_work_area(WorkArea::new(30, 36));
    rig.command(Command::First);
    rig.command(Command::Play);
    let frames = presented(&mut rig, 100);
    assert!(frames.len() > 20 && frames.iter().all(|frame| (30..=36).contains(frame)), "{frames:?}");
    assert!(rig.pool.submitted().iter().all(|frame| (30..=36).contains(frame)));
}

#[test]
fn frames_outside_the_work_area_leave_first() {
    let mut rig = Rig::new(30, 20, 20);
    rig.settle();
    rig.command(Command::SetRange(20, 29));
    rig.command(Command::Seek(20));
    rig.settle();
    let snapshot = rig.player.snapshot();
    let loaded = |index: u32| {
        let run =
            snapshot.timeline.cpu.iter().find(|run| (run.first..run.first + run.frames).contains(&index));
        run.is_some_and(|run| run.status == rushes::stats::FrameStatus::Resident)
    };
    assert!((20..30).all(loaded));
}

#[test]
fn in_and_out_points_drag_each_other_along() {
    let mut rig = Rig::new(100, 10, 10);
    for command in [Command::Seek(20), Command::SetOut, Command::Seek(60), Command::SetIn] {
        rig.command(command);
    }
    rig.tick();
    let area = rig.player.transport().travel.area;
    assert_eq!((area.first(), area.last()), (60, 99));
    rig.command(Command::Seek(5));
    rig.command(Command::SetOut);
    rig.tick();
    let area = rig.player.transport().travel.area;
    assert_eq!((area.first(), area.last()), (0, 5));
}

#[test]
fn a_playhead_outside_the_work_area_is_shown_and_playback_enters_the_area() {
    let mut rig = Rig::new(100, 20, 20);
    rig.player.set_work_area(WorkArea::new(10, 15));
    rig.command(Command::Seek(80));
    rig.run(10);
    assert_eq!(rig.exact(), Some(80));
    rig.command(Command::Play);
    let frames = presented(&mut rig, 60);
    assert_eq!(frames[..4], [80, 10, 11, 12]);
}

#[test]
fn steps_stop_at_the_ends_and_pause() {
    let mut rig = Rig::new(5, 5, 5);
    rig.command(Command::Play);
    rig.command(Command::StepBackward);
    rig.run(8);
    assert_eq!((rig.exact(), rig.player.transport().is_playing()), (Some(0), false));
    rig.command(Command::JumpForward);
    rig.run(3);
    assert_eq!(rig.exact(), Some(4));
}

#[test]
fn a_failed_frame_takes_its_time_like_any_other() {
    let mut rig = Rig::new(4, 4, 4);
    rig.pool.script().ends.insert(1, End::Failed);
    rig.settle();
    rig.command(Command::Play);
    let mut shown = Vec::new();
    for _ in 0..32 {
        rig.tick_after(STEP);
        if rig.last.presented {
            shown.push(rig.exact());
        }
    }
    assert_eq!(shown[..5], [Some(0), None, Some(2), Some(3), Some(0)]);
}
