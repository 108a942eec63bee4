//! Traps that other players fell into, each as a test of this one. Those that live elsewhere:
//! - budgets in frames with mixed sizes: `faults::mixed_sizes_play_inside_the_budget`;
//! - failed frames kept as hits: `faults::a_failed_frame_is_a_slate_and_playback_goes_on`, and below;
//! - stale textures after a reload: `streams::a_late_result_of_an_old_revision_is_never_shown_nor_kept`, and
//!   `machine` after every tick;
//! - counters that a seek or a loop resets: `loops::counters_survive_seeks`, and `machine` after every tick;
//! - a layout probed from another frame:
//!   `faults::a_frame_larger_than_the_header_said_is_asked_for_again_with_its_size`, and
//!   `frames_of_changing_layouts_share_the_ring` of the golden tests;
//! - the wrap of a loop as a discontinuity:
//!   `requests::steady_playback_and_the_wrap_of_the_loop_do_not_move_the_epoch`;
//! - staging that lives as long as a texture: `budgets::staging_and_targets_are_counted_and_lie_beside_the_frames`;
//! - data windows unlike the display window: `windows` of the golden tests.

use std::sync::Arc;

use rushes::cache::EvictionPolicy;
use rushes::frame::EvictionCause;
use rushes::memory::{Component, CpuBudget, MemLimit, Reserve, Tier};
use rushes::player::{Command, Pace};
use rushes::stats::{FrameStatus, ShownStatus, TimelineStatus};

use crate::support::clips::FRAME_BYTES;
use crate::support::machine::FakeMachine;
use crate::support::pool::End;
use crate::support::rig::{Rig, SECOND, STEP};

/// Indices that the CPU tier holds.
fn resident(rig: &mut Rig) -> Vec<u32> {
    let timeline = rig.player.snapshot().timeline;
    let loaded = timeline.cpu.iter().filter(|run| run.status == FrameStatus::Resident);
    loaded.flat_map(|run| run.first..run.first + run.frames).collect()
}

#[test]
fn what_is_loaded_ahead_does_not_push_out_what_is_nearer() {
    for policy in EvictionPolicy::ALL {
        let mut rig = Rig::new(100, 21, 3);
        rig.player.set_policy(policy);
        rig.command(Command::Seek(50));
        rig.settle();
        let made_room = |rig: &mut Rig| {
            let evictions = rig.player.snapshot().cpu.evictions;
            evictions
                .iter()
                .find(|(cause, _)| *cause == EvictionCause::MadeRoom)
                .map_or(0, |(_, count)| count)
        };
        assert_eq!(made_room(&mut rig), 0, "{policy:?}");
        assert_eq!(resident(&mut rig), (40..=60).collect::<Vec<_>>(), "{policy:?}");
        // Where the playhead goes, the frames around it come: each once, but where the order of use decides.
        rig.command(Command::Seek(53));
        rig.settle();
        let asked = rig.pool.submitted().len();
        assert!(asked == 24 || policy == EvictionPolicy::Lru && asked < 42, "{policy:?} {asked}");
        assert!(resident(&mut rig).contains(&54) && rig.exact() == Some(53), "{policy:?}");
    }
}

fn full_rig() -> Rig {
    let mut rig = Rig::empty(1, 10);
    rig.machine = Some(FakeMachine::new(80 * FRAME_BYTES));
    rig.player.set_cpu_budget(CpuBudget {
        limit: MemLimit::Percent(50),
        reserve: Reserve::Bytes(20 * FRAME_BYTES),
    });
    rig.add(|id| crate::support::clips::clip(id, 100));
    rig.settle();
    rig
}

#[test]
fn a_budget_by_what_is_available_does_not_shrink_while_the_cache_fills() {
    let mut rig = full_rig();
    let (limit, frames) = (rig.player.ledger().limit(Tier::Cpu), rig.player.snapshot().cpu.resident_frames);
    // Half of what the reserve leaves of 80 frames, and the books of the clip.
    assert_eq!((limit / FRAME_BYTES, frames), (29, 29));
    for _ in 0..30 {
        rig.tick_after(SECOND);
        assert_eq!(rig.player.ledger().limit(Tier::Cpu), limit);
    }
    assert_eq!(rig.player.snapshot().cpu.resident_frames, frames);
}

#[test]
fn a_setting_to_and_fro_between_two_readings_leaves_the_limit_as_it_was() {
    let mut rig = Rig::empty(1, 10);
    rig.machine = Some(FakeMachine::new(80 * FRAME_BYTES));
    let settings = CpuBudget { limit: MemLimit::Percent(50), reserve: Reserve::Bytes(20 * FRAME_BYTES) };
    rig.player.set_cpu_budget(settings);
    rig.add(|id| crate::support::clips::clip(id, 100));
    // One reading while the cache is empty, and none while it fills.
    rig.tick();
    let limit = rig.player.ledger().limit(Tier::Cpu);
    for _ in 0..40 {
        rig.tick_after(STEP / 2);
    }
    assert!(rig.charged(Tier::Cpu) > 20 * FRAME_BYTES);
    for _ in 0..3 {
        rig.player.set_cpu_budget(CpuBudget { reserve: Reserve::Bytes(0), ..settings });
        rig.player.set_cpu_budget(settings);
        assert_eq!(rig.player.ledger().limit(Tier::Cpu), limit);
    }
}

#[test]
fn slates_are_neither_hits_nor_misses_and_take_no_memory() {
    let mut rig = Rig::new(10, 10, 10);
    rig.pool.script().ends.extend((0..10).map(|index| (index, End::Failed)));
    rig.command(Command::Play);
    rig.passes(3);
    rig.command(Command::Pause);
    rig.tick_after(6 * SECOND);
    let snapshot = rig.player.snapshot();
    let lookups = [snapshot.cpu, snapshot.gpu].map(|tier| tier.hits + tier.misses + tier.resident_frames);
    assert_eq!(lookups, [0, 0]);
    assert_eq!(rig.player.ledger().charged_component(Tier::Cpu, Component::Frames), 0);
}

#[test]
fn a_lowered_vram_budget_gives_textures_back() {
    let mut rig = Rig::new(60, 60, 60);
    rig.settle();
    assert_eq!(rig.ring.held_bytes(), 60 * FRAME_BYTES);
    rig.overdraft_bytes = 60 * FRAME_BYTES;
    rig.player.set_gpu_budget(10 * FRAME_BYTES);
    rig.run(4);
    assert!(rig.ring.held_bytes() <= 10 * FRAME_BYTES, "{} bytes", rig.ring.held_bytes());
    assert_eq!(rig.exact(), Some(0));
}

#[test]
fn textures_that_nobody_takes_go_back_after_a_while() {
    let mut rig = Rig::new(20, 20, 20);
    rig.settle();
    // Twenty of one size become twenty of another, which no old texture fits.
    rig.pool.script().times.extend((0..20).map(|index| (index, 2)));
    rig.player.set_cpu_budget(crate::support::rig::budget(60));
    rig.player.set_gpu_budget(60 * FRAME_BYTES);
    rig.command(Command::Reload);
    rig.settle();
    rig.tick();
    assert_eq!(rig.ring.idle_bytes(), 20 * FRAME_BYTES);
    let wake_at = rig.last.wake_at.expect("idle textures end");
    rig.clock.advance(wake_at - rushes::time::Clock::now(&rig.clock));
    rig.tick_after(5 * SECOND);
    assert_eq!((rig.ring.idle_bytes(), rig.ring.bytes()), (0, 40 * FRAME_BYTES));
    rig.tick_after(SECOND);
    assert_eq!(rig.player.ledger().charged_component(Tier::Gpu, Component::PoolSlack), 0);
    assert_eq!(rig.last.wake_at, None, "nothing is left to do");
}

#[test]
fn closed_clips_leave_nothing_in_vram() {
    let mut rig = Rig::new(20, 20, 20);
    rig.settle();
    rig.player.close_all();
    rig.run(2);
    assert_eq!((rig.ring.held_bytes(), rig.charged(Tier::Gpu)), (0, 0));
}

#[test]
fn a_player_whose_clips_were_closed_rests() {
    let mut rig = Rig::new(20, 20, 20);
    rig.command(Command::Play);
    rig.run(30);
    rig.player.close_all();
    rig.run(4);
    let presented = rig.player.transport().counters().presented;
    rig.tick_after(10 * SECOND);
    assert_eq!(rig.player.transport().counters().presented, presented, "there is nothing to present");
    assert!(rig.player.is_settled() && rig.last.wake_at.is_none(), "wakes at {:?}", rig.last.wake_at);
}

fn is_same_strip(one: &TimelineStatus, other: &TimelineStatus) -> bool {
    Arc::ptr_eq(&one.cpu, &other.cpu) && Arc::ptr_eq(&one.gpu, &other.gpu)
}

#[test]
fn the_runs_of_the_strip_are_built_again_only_when_a_frame_changed() {
    let mut rig = Rig::new(2000, 2100, 2000);
    rig.settle();
    let before = rig.player.snapshot().timeline;
    assert_eq!(
        (before.cpu.len(), before.gpu.len()),
        (1, 1),
        "the strip of a loaded clip is one run, however long"
    );
    rig.run(20);
    assert!(is_same_strip(&before, &rig.player.snapshot().timeline), "paused");
    rig.command(Command::Play);
    rig.run(200);
    rig.command(Command::Seek(1500));
    rig.run(20);
    assert!(rig.playhead() > 1500);
    assert!(is_same_strip(&before, &rig.player.snapshot().timeline), "the playhead is no part of the runs");
    rig.command(Command::Reload);
    rig.tick();
    assert!(!is_same_strip(&before, &rig.player.snapshot().timeline));
}

#[test]
fn a_step_of_one_frame_cancels_nothing() {
    for step in [Command::StepForward, Command::StepBackward] {
        let mut rig = Rig::new(1000, 20, 20);
        rig.command(Command::Seek(500));
        rig.settle();
        rig.command(Command::Seek(510));
        rig.jobs_per_tick = 0;
        rig.run(2);
        let out = rig.pool.out();
        assert!(!out.is_empty());
        rig.command(step);
        rig.run(2);
        // What stands at the very edge of what fits is beyond it now.
        let cancelled = rig.pool.cancelled();
        assert!(cancelled.is_empty(), "{step:?}: {cancelled:?} of {out:?}");
    }
}

#[test]
fn frames_that_real_time_passes_over_move_no_epoch() {
    let mut rig = Rig::new(50, 50, 50);
    rig.player.set_pace(Pace::RealTime);
    rig.settle();
    rig.command(Command::Play);
    rig.tick();
    let epoch = rig.epoch();
    for ticks in [4, 8, 9, 40] {
        rig.tick_after(ticks * STEP);
    }
    assert!(rig.player.transport().counters().dropped > 0);
    assert_eq!((rig.epoch(), rig.decode().cancelled), (epoch, 0));
}

/// Found by `machine`: what was on screen left, and the frame that had just come for it was passed over at once.
#[test]
fn the_picture_stays_under_pressure_while_real_time_goes_on() {
    for delay_steps in 0..8 {
        let mut rig = Rig::new(40, 40, 40);
        rig.player.set_pace(Pace::RealTime);
        rig.settle();
        rig.ring.lose_device();
        rig.run(4);
        assert_eq!(rig.exact(), Some(0));
        rig.ring.delay_steps = delay_steps;
        rig.command(Command::Play);
        for _ in 0..800 {
            rig.tick_after(STEP);
            assert_ne!(rig.last.shown, ShownStatus::Empty, "{delay_steps} steps late at {}", rig.playhead());
        }
    }
}
