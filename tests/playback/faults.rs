//! Frames that fail, are damaged, are missing or are larger than they should be.

use rushes::player::{Clip, ClipOptions, Command, MissingPolicy};
use rushes::stats::{FrameStatus, ShownStatus};

use crate::support::clips::{self, FRAME_BYTES};
use crate::support::pool::End;
use crate::support::rig::{Rig, SECOND, STEP};

fn status(rig: &mut Rig, index: u32) -> FrameStatus {
    let timeline = rig.player.snapshot().timeline;
    let holds = |first: u32, frames: u32| (first..first + frames).contains(&index);
    timeline.cpu.iter().find(|run| holds(run.first, run.frames)).expect("a run").status
}

fn attempts(rig: &Rig, index: u32) -> usize {
    rig.pool.submitted().iter().filter(|other| **other == index).count()
}

#[test]
fn a_failed_frame_is_a_slate_and_playback_goes_on() {
    let mut rig = Rig::new(10, 10, 10);
    rig.pool.script().ends.insert(3, End::Failed);
    rig.command(Command::Play);
    let mut slates = 0;
    for _ in 0..100 {
        rig.tick_after(STEP);
        if let Some(text) = rig.slate() {
            assert!(text.contains("fake.0004.exr") && text.contains("the script says so"), "{text}");
            assert_eq!(rig.playhead(), 3);
            slates += 1;
        }
    }
    assert!(slates > 0);
    assert!(rig.player.transport().counters().loops >= 2);
    assert_eq!(status(&mut rig, 3), FrameStatus::Error);
    assert_eq!(rig.player.snapshot().cpu.resident_frames, 9, "a failed frame is not kept as a hit");
}

#[test]
fn a_failed_frame_is_tried_again_after_a_second_and_then_after_twice_as_long() {
    let mut rig = Rig::new(5, 5, 5);
    rig.pool.script().ends.insert(2, End::Failed);
    rig.settle();
    assert_eq!(attempts(&rig, 2), 1);
    let mut waits = Vec::new();
    let mut since = 0_i32;
    while waits.len() < 8 {
        let before = attempts(&rig, 2);
        rig.tick_after(SECOND / 10);
        since += 1;
        if attempts(&rig, 2) > before {
            waits.push(since);
            since = 0;
        }
        assert!(since < 700, "it is never tried again: {waits:?}");
    }
    let wanted = [10, 20, 40, 80, 160, 320, 600, 600];
    for (wait, wanted) in waits.iter().zip(wanted) {
        assert!(wait.abs_diff(wanted) <= 2, "tenths of seconds: {waits:?}");
    }
}

#[test]
fn a_frame_that_succeeds_in_the_end_is_shown() {
    let mut rig = Rig::new(5, 5, 5);
    rig.pool.script().ends.insert(0, End::Failed);
    rig.settle();
    assert!(rig.slate().is_some());
    rig.pool.script().ends.clear();
    rig.tick_after(SECOND + STEP);
    rig.run(4);
    assert_eq!(rig.exact(), Some(0));
    assert_eq!(rig.player.failure(0), None);
}

#[test]
fn the_player_does_not_ask_to_be_woken_in_the_past_while_a_retry_is_out() {
    let mut rig = Rig::new(5, 5, 5);
    rig.pool.script().ends.insert(2, End::Failed);
    rig.settle();
    rig.jobs_per_tick = 0;
    rig.tick_after(2 * SECOND);
    assert_eq!(rig.pool.out(), [2]);
    rig.tick_after(SECOND / 10);
    let now = rushes::time::Clock::now(&rig.clock);
    assert!(rig.last.wake_at.is_none_or(|at| at > now), "{:?} at {now}", rig.last.wake_at);
}

#[test]
fn a_frame_with_holes_is_read_again_while_it_rests_on_screen() {
    let mut rig = Rig::new(5, 5, 5);
    rig.pool.script().ends.insert(0, End::Degraded);
    rig.settle();
    assert_eq!((rig.exact(), rig.player.snapshot().missing_rows), (Some(0), 2));
    // Nothing new after a second: the picture stays, and no other buffer with it.
    rig.tick_after(SECOND + STEP);
    rig.run(8);
    assert_eq!((rig.exact(), rig.player.snapshot().missing_rows), (Some(0), 2));
    let degraded = rig.decode().degraded;
    assert!(degraded >= 2, "{degraded}");
    rig.pool.script().ends.insert(0, End::Failed);
    rig.tick_after(2 * SECOND + STEP);
    rig.run(8);
    assert_eq!(
        (rig.exact(), rig.player.snapshot().missing_rows),
        (Some(0), 2),
        "a failure takes nothing away"
    );
    rig.pool.script().ends.remove(&0);
    rig.tick_after(4 * SECOND + STEP);
    rig.run(8);
    assert_eq!((rig.exact(), rig.player.snapshot().missing_rows), (Some(0), 0));
    assert_eq!(status(&mut rig, 0), FrameStatus::Resident);
    let asked = rig.pool.submitted().len();
    rig.tick_after(60 * SECOND);
    rig.run(8);
    assert_eq!(rig.pool.submitted().len(), asked, "a whole frame is not read again");
}

#[test]
fn a_degraded_frame_is_shown_and_counted() {
    let mut rig = Rig::new(5, 5, 5);
    rig.pool.script().ends.insert(0, End::Degraded);
    rig.settle();
    assert_eq!(rig.exact(), Some(0));
    assert_eq!((rig.decode().degraded, rig.decode().ok), (1, 4));
    assert_eq!(rig.player.snapshot().missing_rows, 2);
    assert_eq!(status(&mut rig, 0), FrameStatus::Degraded);
}

#[test]
fn a_frame_larger_than_the_header_said_is_asked_for_again_with_its_size() {
    let mut rig = Rig::new(6, 20, 20);
    rig.pool.script().times.insert(3, 3);
    rig.command(Command::Seek(3));
    rig.settle();
    assert_eq!(rig.exact(), Some(3));
    assert_eq!((rig.decode().refused, rig.decode().ok), (1, 6));
    assert_eq!(attempts(&rig, 3), 2);
    let charged =
        rig.player.ledger().charged_component(rushes::memory::Tier::Gpu, rushes::memory::Component::Frames);
    assert_eq!(charged, FRAME_BYTES * 8);
}

#[test]
fn mixed_sizes_play_inside_the_budget() {
    let mut rig = Rig::new(30, 12, 6);
    rig.pool.script().times.extend((0..30).filter(|index| index % 3 == 0).map(|index| (index, 2)));
    rig.command(Command::Play);
    rig.passes(3);
    assert!(rig.decode().refused > 0);
}

fn gappy(policy: MissingPolicy) -> Rig {
    let mut rig = Rig::empty(20, 20);
    let options = ClipOptions { missing: policy, ..ClipOptions::default() };
    rig.add(|id| -> Clip { clips::numbered(id, [1, 2, 3, 7, 8], &options) });
    rig.settle();
    rig
}

fn shown_at(rig: &mut Rig, index: u32) -> ShownStatus {
    rig.command(Command::Seek(index));
    rig.run(3);
    rig.last.shown.clone()
}

#[test]
fn a_missing_frame_holds_the_one_before_it() {
    let mut rig = gappy(MissingPolicy::Hold);
    assert_eq!(rig.pool.submitted().len(), 5, "nothing is asked for that has no file");
    let ShownStatus::StandIn(key, why) = shown_at(&mut rig, 5) else { panic!("{:?}", rig.last.shown) };
    assert_eq!((key.index, why.as_str()), (2, "frame 6 is missing, 3 stands in"));
}

#[test]
fn a_missing_frame_shows_the_nearest_one() {
    let mut rig = gappy(MissingPolicy::Nearest);
    for (index, nearest) in [(3, 2), (5, 6)] {
        let ShownStatus::StandIn(key, _) = shown_at(&mut rig, index) else { panic!("{:?}", rig.last.shown) };
        assert_eq!(key.index, nearest);
    }
}

#[test]
fn a_missing_frame_is_black_or_a_slate_as_the_user_wants() {
    assert_eq!(shown_at(&mut gappy(MissingPolicy::Black), 4), ShownStatus::Black);
    let slate = ShownStatus::Slate("frame 5 is missing".into());
    assert_eq!(shown_at(&mut gappy(MissingPolicy::Error), 4), slate);
}

#[test]
fn skipped_frames_do_not_exist() {
    let mut rig = gappy(MissingPolicy::Skip);
    let clip = rig.player.snapshot().clip.expect("a clip");
    assert_eq!((clip.frames, clip.last_number), (5, 8));
    assert!(matches!(shown_at(&mut rig, 3), ShownStatus::Exact(key) if key.index == 3));
    assert_eq!(rig.player.snapshot().clip.expect("a clip").frame_number, 7);
}

#[test]
fn a_gap_does_not_stop_playback_under_any_policy() {
    use MissingPolicy::{Black, Error, Hold, Nearest, Skip};
    for policy in [Hold, Nearest, Black, Error, Skip] {
        let mut rig = gappy(policy);
        rig.command(Command::Play);
        rig.passes(2);
    }
}

#[test]
fn the_stand_in_of_a_gap_is_loaded_when_it_lies_outside_the_work_area() {
    let mut rig = Rig::empty(20, 20);
    rig.add(|id| clips::numbered(id, [1, 2, 3, 7, 8], &ClipOptions::default()));
    rig.player.set_work_area(rushes::time::WorkArea::new(4, 7));
    rig.command(Command::Seek(4));
    rig.run(10);
    let ShownStatus::StandIn(key, _) = &rig.last.shown else { panic!("{:?}", rig.last.shown) };
    assert_eq!(key.index, 2);
    rig.command(Command::Play);
    rig.passes(2);
}
