//! A device that has less memory than its budget says: the tier shrinks and playback goes on from RAM.

use rushes::memory::Tier;
use rushes::player::Command;
use rushes::stats::ShownStatus;

use crate::support::clips::FRAME_BYTES;
use crate::support::rig::{Rig, STEP};

fn is_slate(rig: &Rig) -> bool {
    matches!(rig.last.shown, ShownStatus::Slate(_))
}

#[test]
fn a_full_device_makes_the_tier_smaller_and_nothing_fails() {
    let mut rig = Rig::new(12, 20, 10);
    rig.ring.capacity_bytes = Some(4 * FRAME_BYTES);
    rig.command(Command::Play);
    for _ in 0..400 {
        rig.tick_after(STEP);
        assert!(!is_slate(&rig), "{:?}", rig.last.shown);
        assert!(rig.ring.held_bytes() <= 4 * FRAME_BYTES);
    }
    let snapshot = rig.player.snapshot();
    assert!(snapshot.gpu.refused >= 1, "it was never full");
    assert!(snapshot.gpu.refused <= 12, "it asks again and again: {}", snapshot.gpu.refused);
    assert!(rig.player.ledger().limit(Tier::Gpu) <= 4 * FRAME_BYTES);
    assert_eq!(snapshot.decode.error, 0);
    assert!(snapshot.present.presented > 90, "{:?}", snapshot.present);
}

#[test]
fn a_device_with_room_for_one_frame_plays_from_ram() {
    let mut rig = Rig::new(6, 20, 10);
    rig.ring.capacity_bytes = Some(FRAME_BYTES);
    rig.command(Command::Play);
    for _ in 0..400 {
        rig.tick_after(STEP);
        assert!(!is_slate(&rig), "{:?}", rig.last.shown);
    }
    let snapshot = rig.player.snapshot();
    assert!(snapshot.present.presented > 30, "{:?}", snapshot.present);
    assert_eq!(snapshot.decode.ok, 6, "every frame is decoded once and stays in RAM");
}

#[test]
fn a_device_without_room_for_any_frame_says_so() {
    let mut rig = Rig::new(6, 20, 10);
    rig.ring.capacity_bytes = Some(FRAME_BYTES / 2);
    rig.run(20);
    let ShownStatus::Slate(text) = &rig.last.shown else { panic!("{:?}", rig.last.shown) };
    assert!(text.contains("no room for a single frame"), "{text}");
    // Room comes back, and the frame with it.
    rig.ring.capacity_bytes = None;
    for _ in 0..400 {
        rig.tick_after(STEP);
    }
    assert_eq!(rig.exact(), Some(0));
}

#[test]
fn a_stated_budget_is_tried_again() {
    let mut rig = Rig::new(12, 20, 10);
    rig.ring.capacity_bytes = Some(4 * FRAME_BYTES);
    rig.run(100);
    assert!(rig.player.ledger().limit(Tier::Gpu) < 10 * FRAME_BYTES);
    let told = rig.player.snapshot().message;
    rig.ring.capacity_bytes = None;
    rig.command(Command::SetVram(10 * FRAME_BYTES));
    rig.run(1);
    assert_eq!(rig.player.ledger().limit(Tier::Gpu), 10 * FRAME_BYTES);
    assert!(told.is_some_and(|text| text.contains("the graphics memory is full")));
}
