//! While somebody scrubs, a smaller picture comes first; the frame itself follows when the playhead rests.

use rushes::frame::FrameKey;
use rushes::player::{ClipOptions, Command};
use rushes::stats::ShownStatus;

use crate::support::clips::{self, FRAME_BYTES};
use crate::support::rig::{Rig, SECOND, STEP, budget, budget_bytes};

fn rig() -> Rig {
    let mut rig = Rig::empty(100, 100);
    rig.add(|id| clips::clip_with_proxies(id, 100, &ClipOptions::default()));
    rig.jobs_per_tick = 0;
    rig
}

fn out(rig: &Rig) -> Vec<(u32, u8)> {
    rig.pool.out_keys().into_iter().map(|key| (key.index, key.level)).collect()
}

/// A move of the playhead by hand; all that was out before is done.
fn scrub_to(rig: &mut Rig, index: u32) {
    rig.command(Command::Scrub(index));
    rig.tick_after(STEP);
    for (index, level) in out(rig) {
        if level == 0 {
            rig.pool.finish(index, crate::support::pool::End::Skipped);
        }
    }
    rig.tick_after(STEP);
}

fn proxy_shown(rig: &Rig) -> Option<FrameKey> {
    match rig.last.shown {
        ShownStatus::Proxy(key) => Some(key),
        _ => None,
    }
}

#[test]
fn a_smaller_picture_comes_first_and_the_frame_replaces_it() {
    let mut rig = rig();
    scrub_to(&mut rig, 40);
    assert_eq!(out(&rig), [(40, 2)], "{:?}", rig.last.shown);
    rig.jobs_per_tick = 1;
    let mut shown = Vec::new();
    for _ in 0..60 {
        rig.tick_after(STEP);
        shown.push((proxy_shown(&rig).map(|key| key.index), rig.exact()));
    }
    let proxy = shown.iter().position(|shown| *shown == (Some(40), None)).expect("the proxy is shown");
    let exact = shown.iter().position(|shown| *shown == (None, Some(40))).expect("the frame is shown");
    assert!(proxy < exact, "{shown:?}");
    assert!(shown[exact..].iter().all(|shown| *shown == (None, Some(40))), "{shown:?}");
}

#[test]
fn a_seek_and_playback_ask_for_the_frame_itself() {
    let mut rig = rig();
    rig.command(Command::Seek(40));
    rig.tick();
    assert!(out(&rig).iter().all(|(_, level)| *level == 0), "{:?}", out(&rig));
    rig.tick_after(SECOND);
    rig.command(Command::Seek(50));
    rig.command(Command::Play);
    rig.tick();
    rig.command(Command::Scrub(60));
    rig.tick();
    assert!(out(&rig).iter().all(|(_, level)| *level == 0), "{:?}", out(&rig));
}

#[test]
fn a_smaller_picture_that_fails_keeps_nobody_waiting() {
    let mut rig = rig();
    rig.pool.script().ends.insert(40, crate::support::pool::End::Failed);
    scrub_to(&mut rig, 40);
    rig.jobs_per_tick = 1;
    rig.tick_after(STEP);
    rig.jobs_per_tick = 0;
    rig.tick_after(STEP);
    assert_eq!(out(&rig).first(), Some(&(40, 0)));
}

#[test]
fn without_memory_for_the_smaller_picture_the_frame_itself_comes() {
    let mut rig = Rig::empty(0, 4);
    rig.overdraft_bytes = FRAME_BYTES;
    rig.add(|id| clips::clip_with_proxies(id, 100, &ClipOptions::default()));
    rig.run(10);
    assert_eq!(rig.exact(), Some(0));
    scrub_to(&mut rig, 40);
    rig.run(20);
    assert_eq!(rig.exact(), Some(40), "{:?}", rig.last.shown);
}

#[test]
fn idle_workers_help_with_the_smaller_picture() {
    let mut rig = rig();
    scrub_to(&mut rig, 40);
    assert_eq!((out(&rig), rig.pool.helped()), (vec![(40, 2)], vec![40]));
}

#[test]
fn a_level_that_no_file_has_is_the_full_size() {
    let mut rig = Rig::empty(100, 100);
    rig.add(|id| clips::clip_with_proxies(id, 100, &ClipOptions { level: 1, ..ClipOptions::default() }));
    rig.jobs_per_tick = 0;
    rig.tick();
    assert_eq!(out(&rig).first(), Some(&(0, 0)));
}

#[test]
fn a_hand_that_is_faster_than_the_decoder_sees_pictures_go_by() {
    let mut rig = rig();
    let mut seen = Vec::new();
    for index in 1..80 {
        rig.command(Command::Scrub(index));
        // A picture takes as long as three moves of the hand.
        rig.jobs_per_tick = usize::from(index % 3 == 0);
        rig.tick_after(STEP);
        if let ShownStatus::Proxy(key) | ShownStatus::Held(key) = rig.last.shown
            && seen.last() != Some(&key.index)
        {
            assert!(key.level > 0 && key.index <= index, "{key:?}");
            seen.push(key.index);
        }
    }
    assert!(seen.len() > 15 && seen.is_sorted(), "{seen:?}");
    rig.jobs_per_tick = 6;
    rig.settle();
    assert_eq!(rig.exact(), Some(79));
}

#[test]
fn a_smaller_picture_does_not_keep_the_only_buffer_from_the_frame() {
    let mut rig = Rig::empty(0, 0);
    rig.overdraft_bytes = 2 * FRAME_BYTES;
    rig.add(|id| clips::clip_with_proxies(id, 3, &ClipOptions::default()));
    rig.jobs_per_tick = 0;
    rig.player.set_cpu_budget(budget(4));
    rig.command(Command::Scrub(1));
    rig.run(2);
    rig.player.set_cpu_budget(budget_bytes(0));
    rig.jobs_per_tick = 6;
    rig.run(12);
    rig.tick_after(SECOND);
    rig.run(12);
    assert_eq!(rig.exact(), Some(1), "shown is {:?}", rig.last.shown);
}
