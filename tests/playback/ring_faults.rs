//! A ring that is slow, refuses frames or loses its device.

use rushes::player::Command;
use rushes::time::Direction;

use crate::support::clips::FRAME_BYTES;
use crate::support::rig::{BOOKS_BYTES, Rig};

#[test]
fn a_slow_ring_delays_frames_and_loses_none() {
    let mut rig = Rig::new(20, 10, 5);
    rig.ring.delay_steps = 9;
    rig.command(Command::Play);
    rig.passes(3);
    let counters = rig.player.transport().counters();
    assert_eq!(counters.dropped, 0);
    assert!(counters.presented >= 57 && counters.late > 0);
}

#[test]
fn a_frame_that_the_ring_never_takes_is_a_slate_and_playback_goes_on() {
    let mut rig = Rig::new(10, 10, 10);
    rig.ring.refuses.insert(4);
    rig.command(Command::Seek(4));
    rig.run(40);
    assert!(rig.slate().is_some(), "shown is {:?}", rig.last.shown);
    let ordered = rig.ring.ordered.iter().filter(|key| key.index == 4).count();
    assert!(ordered < 10, "the ring was asked {ordered} times");
    rig.play(Direction::Forward);
    rig.passes(2);
}

#[test]
fn a_frame_that_the_ring_refused_for_a_while_is_shown_in_the_end() {
    let mut rig = Rig::new(10, 10, 10);
    rig.ring.refuses.insert(0);
    rig.run(5);
    assert!(rig.player.snapshot().gpu.refused > 0);
    rig.ring.refuses.clear();
    rig.run(500);
    assert_eq!(rig.exact(), Some(0));
}

#[test]
fn a_refused_frame_does_not_keep_the_only_buffer_from_the_next_one() {
    let mut rig = Rig::new(10, 0, 10);
    rig.overdraft_bytes = FRAME_BYTES + BOOKS_BYTES;
    rig.ring.refuses.extend([3, 4]);
    rig.command(Command::Play);
    // Well before the time at which a refused frame is tried again for the third time.
    rig.passes(2);
    assert!(rig.player.snapshot().gpu.refused > 0);
}

#[test]
fn a_lost_device_is_filled_again_from_ram() {
    let mut rig = Rig::new(20, 20, 20);
    rig.settle();
    let decoded = rig.pool.submitted().len();
    rig.ring.lose_device();
    rig.tick();
    assert_eq!(rig.exact(), None);
    rig.run(3);
    assert_eq!(rig.exact(), Some(0), "the frame on screen comes first");
    rig.calm_down();
    rig.settle();
    let snapshot = rig.player.snapshot();
    assert_eq!((snapshot.gpu.resident_frames, snapshot.device_lost), (20, 1));
    assert_eq!(rig.pool.submitted().len(), decoded, "nothing is decoded for it");
}

#[test]
fn a_device_lost_in_the_middle_of_uploads_is_filled_again() {
    let mut rig = Rig::new(20, 5, 20);
    rig.ring.delay_steps = 3;
    rig.command(Command::Play);
    for _ in 0..10 {
        rig.run(17);
        rig.ring.lose_device();
    }
    rig.passes(2);
    assert_eq!(rig.player.snapshot().device_lost, 10);
}

#[test]
fn what_only_vram_held_is_decoded_again_after_the_device_was_lost() {
    let mut rig = Rig::new(20, 4, 20);
    rig.command(Command::Play);
    rig.passes(3);
    rig.command(Command::Pause);
    rig.tick();
    rig.ring.lose_device();
    rig.settle();
    assert_eq!(rig.exact(), Some(rig.playhead()));
}
