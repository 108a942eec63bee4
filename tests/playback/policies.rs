//! Who leaves first, by policy, quota, cap and rate.

use rushes::cache::EvictionPolicy;
use rushes::frame::ClipId;
use rushes::memory::Tier;
use rushes::player::{Clip, Command};
use rushes::time::{Direction, LoopMode, Travel, WorkArea};

use crate::support::clips::{FRAME_BYTES, clip};
use crate::support::optimum;
use crate::support::rig::{BOOKS_BYTES, CREDITS, Rig, SECOND, STEP, budget_bytes};

const FRAMES: u32 = 100;
const VRAM_FRAMES: usize = 4;
/// Frames of a second at 24 frames a second: how far ahead is asked for.
const LOOKAHEAD: usize = 24;
const PASSES: usize = 4;
const WAYS: [(Direction, LoopMode); 4] = [
    (Direction::Forward, LoopMode::Loop),
    (Direction::Reverse, LoopMode::Loop),
    (Direction::Forward, LoopMode::PingPong),
    (Direction::Reverse, LoopMode::PingPong),
];

/// Decodes of some passes, after two that nobody counts.
fn decodes(policy: EvictionPolicy, capacity: usize, (direction, mode): (Direction, LoopMode)) -> usize {
    let mut rig = Rig::new(FRAMES, capacity as u64, VRAM_FRAMES as u64);
    rig.player.set_policy(policy);
    rig.player.set_loop_mode(mode);
    rig.play(direction);
    rig.passes(2);
    let passes = rig.passes(PASSES as u64);
    assert_eq!(rig.player.snapshot().memory.policy, policy.name());
    passes.iter().map(|pass| pass.decodes).sum()
}

/// The same passes without a player.
fn visits((direction, loop_mode): (Direction, LoopMode)) -> Vec<Vec<u32>> {
    let travel = Travel {
        playhead: 0,
        direction,
        loop_mode,
        area: WorkArea::new(0, FRAMES - 1),
        playing: true,
        strategy: Default::default(),
    };
    optimum::visits(travel, PASSES + 3)
}

fn last_passes(counts: &[usize]) -> usize {
    counts[counts.len() - PASSES..].iter().sum()
}

#[test]
fn loops_that_do_not_fit_play_under_every_policy() {
    for policy in EvictionPolicy::ALL {
        for way in WAYS {
            for capacity in [3, 10, 40] {
                let count = decodes(policy, capacity, way);
                // A pass of a frame that nobody shows is the most that a policy may waste.
                assert!(count <= 2 * PASSES * FRAMES as usize, "{policy:?} {way:?} {capacity}: {count}");
            }
        }
    }
}

#[test]
fn next_use_is_within_the_lookahead_of_the_optimum() {
    for way in WAYS {
        let visits = visits(way);
        for capacity in [3, 10, 40] {
            let best = last_passes(&optimum::optimum(&visits, capacity));
            let count = decodes(EvictionPolicy::NextUse, capacity, way);
            let most = best * 105 / 100 + PASSES * LOOKAHEAD;
            assert!(count <= most, "{way:?} {capacity}: {count} decodes, {best} at best");
            let all = capacity + VRAM_FRAMES + CREDITS;
            let least = last_passes(&optimum::optimum(&visits, all));
            assert!(
                count + CREDITS >= least,
                "too few to be true: {way:?} {capacity}: {count} below {least}"
            );
        }
    }
}

#[test]
fn lru_decodes_a_plain_loop_over_and_over() {
    let way = WAYS[0];
    for capacity in [40, 80] {
        let lru = decodes(EvictionPolicy::Lru, capacity, way);
        let of_list = last_passes(&optimum::lru(&visits(way), capacity));
        assert!(lru * 100 >= of_list * 95, "{capacity}: {lru} where a plain list decodes {of_list}");
        let next_use = decodes(EvictionPolicy::NextUse, capacity, way);
        assert!(lru * 100 > next_use * 115, "{capacity}: {lru} and {next_use}");
    }
}

#[test]
fn a_frame_just_decoded_stays_until_it_was_shown() {
    // Where the least recently used leaves, what was shown last would push out what is shown next.
    for policy in [EvictionPolicy::Lru, EvictionPolicy::Priority] {
        let count = decodes(policy, 8, WAYS[0]);
        assert!(count <= PASSES * FRAMES as usize + CREDITS, "{policy:?}: {count}");
    }
}

fn frames_of(rig: &Rig, clip: u32) -> u64 {
    rig.player.ledger().charged_clip(Tier::Cpu, ClipId(clip)) / FRAME_BYTES
}

/// A rig with so many clips of 100 frames; the first one is shown.
fn with_clips(clips: usize, cpu_frames: u64) -> Rig {
    let mut rig = Rig::empty(cpu_frames, 2);
    for _ in 0..clips {
        rig.add(|id| clip(id, FRAMES));
    }
    let books: u64 = rig.player.clips().iter().map(Clip::books_bytes).sum();
    rig.player.set_cpu_budget(budget_bytes(cpu_frames * FRAME_BYTES + books));
    rig
}

#[test]
fn the_shown_clip_fills_what_the_other_does_not_keep() {
    let mut rig = with_clips(2, 40);
    rig.settle();
    assert_eq!(frames_of(&rig, 1), 40, "who is alone in memory has all of it");
    rig.command(Command::SelectClip(1));
    rig.settle();
    assert_eq!((frames_of(&rig, 1), frames_of(&rig, 2)), (3, 37));
    rig.command(Command::SelectClip(0));
    rig.settle();
    assert_eq!((frames_of(&rig, 1), frames_of(&rig, 2)), (37, 3));
    assert_eq!(rig.exact(), Some(0));
}

#[test]
fn what_is_guaranteed_is_where_the_playhead_was_left() {
    let mut rig = with_clips(2, 40);
    rig.command(Command::Seek(70));
    rig.settle();
    rig.command(Command::SelectClip(1));
    rig.command(Command::Play);
    rig.passes(2);
    rig.command(Command::Pause);
    rig.settle();
    let asked = rig.pool.submitted().len();
    rig.jobs_per_tick = 0;
    rig.command(Command::SelectClip(0));
    rig.run(4);
    assert_eq!(rig.exact(), Some(70), "it is there without a decode");
    assert!(rig.pool.submitted()[asked..].iter().all(|index| !(70..73).contains(index)));
}

#[test]
fn the_guarantees_of_many_clips_take_half_at_most() {
    for capacity in [12, 20, 40, 64] {
        let clips = 16;
        let mut rig = with_clips(clips, capacity);
        for position in (0..clips).chain([0]) {
            rig.command(Command::SelectClip(position));
            rig.settle();
            assert_eq!(rig.exact(), Some(0), "{position}");
        }
        let kept: Vec<u64> = (2..=clips as u32).map(|id| frames_of(&rig, id)).collect();
        let (sum, half) = (kept.iter().sum::<u64>(), rig.player.ledger().limit(Tier::Cpu) / 2 / FRAME_BYTES);
        let case = format!("{capacity}: {} and {kept:?}", frames_of(&rig, 1));
        assert!(sum <= half && kept.iter().all(|frames| *frames <= 3), "{case}");
        // One frame of every clip comes before the second of any.
        assert!(half < clips as u64 || kept.iter().all(|frames| *frames >= 1), "{case}");
        assert_eq!(frames_of(&rig, 1) + sum, capacity, "{case}");
    }
}

#[test]
fn clips_above_their_quota_go_first() {
    let mut rig = with_clips(3, 40);
    // 20 frames of the first, 5 of the second; a third clip has a quota of 6 while it is not shown.
    for (position, last) in [(0, 19), (1, 4)] {
        rig.command(Command::SelectClip(position));
        rig.command(Command::SetRange(0, last));
        rig.settle();
    }
    assert_eq!((frames_of(&rig, 1), frames_of(&rig, 2)), (20, 5));
    rig.command(Command::SelectClip(2));
    rig.command(Command::SetRange(0, 24));
    rig.settle();
    assert_eq!((frames_of(&rig, 1), frames_of(&rig, 2), frames_of(&rig, 3)), (10, 5, 25));
    rig.command(Command::SetRange(0, 28));
    rig.settle();
    assert_eq!((frames_of(&rig, 1), frames_of(&rig, 2), frames_of(&rig, 3)), (6, 5, 29));
}

const CAP_BYTES: u64 = 10 * FRAME_BYTES + BOOKS_BYTES;

#[test]
fn a_cap_holds_at_every_tick_and_the_clip_plays() {
    for way in WAYS {
        let mut rig = Rig::new(FRAMES, 40, 4);
        rig.player.set_clip_cap(Some(CAP_BYTES));
        rig.player.set_loop_mode(way.1);
        rig.play(way.0);
        let mut most = 0;
        while rig.player.transport().counters().loops < 2 {
            rig.tick_after(STEP);
            most = most.max(rig.player.ledger().charged_clip(Tier::Cpu, ClipId(1)));
        }
        // What is on screen and what is waited for come whatever the cap says.
        assert!(most <= CAP_BYTES + 2 * FRAME_BYTES, "{way:?}: {most}");
        assert!(most >= 9 * FRAME_BYTES, "{way:?}: {most}");
    }
}

#[test]
fn a_cap_that_is_lowered_holds_although_nothing_more_is_asked_for() {
    let mut rig = Rig::new(FRAMES, 40, 4);
    rig.settle();
    assert_eq!(frames_of(&rig, 1), 40);
    rig.player.set_clip_cap(Some(CAP_BYTES));
    rig.settle();
    assert_eq!(frames_of(&rig, 1), 10);
    assert_eq!(rig.exact(), Some(0));
}

#[test]
fn a_cap_below_one_frame_still_plays() {
    let mut rig = Rig::new(10, 40, 4);
    rig.player.set_clip_cap(Some(1));
    rig.command(Command::Play);
    rig.passes(2);
    assert!(frames_of(&rig, 1) <= 2);
}

#[test]
fn the_rate_limit_holds_while_nobody_waits() {
    const RATE_FRAMES: u64 = 3;
    let mut rig = Rig::new(FRAMES, 100, 100);
    rig.player.set_alloc_limit(Some(RATE_FRAMES * FRAME_BYTES));
    for tenth in 0..100_u64 {
        rig.tick_after(SECOND / 10);
        let asked = rig.pool.submitted().len() as u64;
        // The frame on screen, a second's worth at once, and the rate after it.
        let most = 1 + RATE_FRAMES + (tenth + 1) * RATE_FRAMES / 10;
        assert!(asked <= most, "{asked} at tenth {tenth}");
    }
    assert!(rig.pool.submitted().len() >= 30, "what the limit lets through is asked for");
    for _ in 0..600 {
        rig.tick_after(SECOND / 10);
    }
    assert_eq!(rig.player.snapshot().cpu.resident_frames, u64::from(FRAMES));
}

#[test]
fn the_rate_limit_stops_no_playback() {
    let mut rig = Rig::new(20, 10, 4);
    rig.player.set_alloc_limit(Some(FRAME_BYTES));
    rig.command(Command::Play);
    rig.passes(2);
    let counters = rig.player.transport().counters();
    assert!(counters.presented >= 40, "{counters:?}");
}
