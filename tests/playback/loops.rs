//! What a pass over the work area costs, in decodes and uploads.

use rushes::player::Command;
use rushes::stats::FrameStatus;
use rushes::time::{Direction, LoopMode};

use crate::support::rig::{CREDITS, Rig};

const FRAMES: u32 = 100;
/// Frames of a second at 24 frames a second: how far ahead is asked for.
const LOOKAHEAD: usize = 24;
/// Frames that VRAM runs ahead, and the pass's first frames that count for the one before.
const VRAM_SLACK: usize = 8;

#[test]
fn a_loop_that_fits_is_decoded_and_uploaded_once() {
    let mut rig = Rig::new(FRAMES, 100, 100);
    rig.command(Command::Play);
    rig.passes(1);
    rig.settle();
    let decoded = rig.pool.script().submitted.len();
    assert_eq!((decoded, rig.ring.ordered.len()), (100, 100));
    for pass in rig.passes(2) {
        assert_eq!((pass.decodes, pass.uploads), (0, 0));
    }
    let snapshot = rig.player.snapshot();
    assert!(snapshot.timeline.gpu.iter().all(|run| run.status == FrameStatus::Resident));
}

#[test]
fn a_loop_that_fits_ram_alone_is_decoded_once_and_streams_into_vram() {
    let mut rig = Rig::new(FRAMES, 100, 60);
    rig.command(Command::Play);
    rig.passes(2);
    for pass in rig.passes(3) {
        assert_eq!(pass.decodes, 0);
        assert!((1..=40 + VRAM_SLACK).contains(&pass.uploads), "{} uploads", pass.uploads);
    }
}

/// Frames that VRAM holds in the loops that do not fit.
const VRAM_FRAMES: usize = 10;
/// Passes that are measured.
const PASSES: usize = 4;

fn decodes_per_pass(capacity: u64, direction: Direction, mode: LoopMode) -> Vec<usize> {
    let mut rig = Rig::new(FRAMES, capacity, VRAM_FRAMES as u64);
    rig.player.set_loop_mode(mode);
    rig.play(direction);
    rig.passes(2);
    rig.passes(PASSES as u64).into_iter().map(|pass| pass.decodes).collect()
}

fn check_decodes(capacity: usize, direction: Direction, mode: LoopMode) {
    let decodes = decodes_per_pass(capacity as u64, direction, mode);
    let missing = FRAMES as usize - capacity;
    let most = missing + LOOKAHEAD;
    let sum: usize = decodes.iter().sum();
    let case = format!("{capacity} {direction:?} {mode:?}: {decodes:?}");
    assert!(sum <= PASSES * most, "{case}");
    // What is out when the playhead wraps counts for either pass.
    assert!(decodes.iter().all(|decodes| *decodes <= most + CREDITS), "{case}");
    assert!(sum >= PASSES * missing.saturating_sub(VRAM_FRAMES), "too few to be true: {case}");
}

#[test]
fn a_loop_that_does_not_fit_decodes_what_is_missing_and_the_lookahead_at_most() {
    for capacity in [40, 60, 80, 99] {
        for direction in [Direction::Forward, Direction::Reverse] {
            check_decodes(capacity, direction, LoopMode::Loop);
        }
    }
}

#[test]
fn ping_pong_decodes_what_is_missing_and_the_lookahead_at_most() {
    for capacity in [40, 60, 80, 99] {
        for direction in [Direction::Forward, Direction::Reverse] {
            check_decodes(capacity, direction, LoopMode::PingPong);
        }
    }
}

#[test]
fn a_loop_without_the_last_frame_of_room_is_far_from_decoding_everything() {
    // Where plain LRU decodes all 100 of them in every pass.
    let decodes = decodes_per_pass(99, Direction::Forward, LoopMode::Loop);
    assert!(decodes.iter().all(|decodes| *decodes <= 1 + LOOKAHEAD), "{decodes:?}");
}

#[test]
fn a_loop_that_fits_vram_alone_stops_decoding_as_well() {
    let mut rig = Rig::new(FRAMES, 20, 100);
    rig.command(Command::Play);
    rig.passes(3);
    for pass in rig.passes(2) {
        assert_eq!((pass.decodes, pass.uploads), (0, 0));
    }
}

#[test]
fn every_presentation_is_a_hit_or_a_miss_of_vram() {
    let mut rig = Rig::new(FRAMES, 60, 20);
    rig.command(Command::Play);
    rig.passes(3);
    let snapshot = rig.player.snapshot();
    assert_eq!(snapshot.gpu.hits + snapshot.gpu.misses, snapshot.present.presented);
    assert_eq!(snapshot.cpu.hits + snapshot.cpu.misses, snapshot.gpu.misses);
    assert!(snapshot.cpu.hits > 0 && snapshot.gpu.hits > 0);
}

#[test]
fn counters_survive_seeks() {
    let mut rig = Rig::new(FRAMES, 60, 20);
    rig.command(Command::Play);
    rig.passes(1);
    let before = rig.player.snapshot();
    rig.command(Command::Seek(50));
    rig.tick();
    let after = rig.player.snapshot();
    assert!(after.present.presented >= before.present.presented && before.present.presented >= 100);
    assert!(after.cpu.inserts >= before.cpu.inserts && before.cpu.inserts >= 100);
    assert_eq!(after.present.loops, 1);
}
