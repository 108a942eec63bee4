//! Budgets of any size hold at every tick, and everything comes home.

use rushes::memory::{Component, CpuBudget, MemLimit, MemorySample, Reserve, Tier};
use rushes::player::{Command, Pace};
use rushes::stats::ShownStatus;

use crate::support::clips::FRAME_BYTES;
use crate::support::rig::{BOOKS_BYTES, Rig, SECOND, STEP, budget, budget_bytes};

#[test]
fn closing_everything_brings_every_byte_and_credit_home() {
    let mut rig = Rig::new(100, 40, 20);
    rig.ring.staging_bytes = 2 * FRAME_BYTES;
    rig.command(Command::Play);
    rig.run(150);
    rig.jobs_per_tick = 0;
    rig.run(2);
    rig.player.close_all();
    rig.tick();
    assert_eq!(rig.pool.cancelled().len(), rig.pool.out().len());
    rig.jobs_per_tick = 100;
    rig.run(3);
    assert_eq!(rig.player.snapshot().in_flight, 0);
    assert_eq!(rig.charged(Tier::Cpu), 0);
    assert_eq!(rig.charged(Tier::Gpu), rig.ring.staging_bytes);
    assert!(rig.ring.is_empty());
    assert_eq!(rig.last.shown, ShownStatus::Empty);
}

#[test]
fn opening_and_closing_many_times_charges_nothing() {
    let mut rig = Rig::empty(20, 20);
    for round in 0..50 {
        rig.add(|id| crate::support::clips::clip(id, 30));
        rig.command(Command::Play);
        rig.run(round % 7 + 1);
        rig.player.close_all();
        rig.run(2);
    }
    rig.run(2);
    assert_eq!((rig.charged(Tier::Cpu), rig.charged(Tier::Gpu)), (0, 0));
}

#[test]
fn idle_buffers_go_back_after_a_while() {
    let mut rig = Rig::new(20, 20, 20);
    rig.settle();
    rig.command(Command::SetRange(0, 4));
    rig.command(Command::Reload);
    rig.settle();
    rig.tick_after(6 * SECOND);
    let slack = rig.player.ledger().charged_component(Tier::Cpu, Component::PoolSlack);
    assert_eq!(slack, 0);
}

fn plays_through(mut rig: Rig) {
    rig.command(Command::Play);
    rig.passes(2);
    assert!(rig.player.transport().counters().presented >= 20);
}

#[test]
fn ram_below_one_frame_still_plays() {
    let mut rig = Rig::new(10, 10, 10);
    // The books of the clip are larger than this budget already.
    rig.overdraft_bytes = FRAME_BYTES + BOOKS_BYTES;
    rig.player.set_cpu_budget(budget_bytes(100));
    plays_through(rig);
}

#[test]
fn ram_of_one_frame_still_plays() {
    let mut rig = Rig::new(10, 1, 10);
    rig.overdraft_bytes = FRAME_BYTES;
    plays_through(rig);
}

#[test]
fn ram_of_one_frame_plays_where_vram_streams() {
    let mut rig = Rig::new(10, 1, 3);
    rig.overdraft_bytes = FRAME_BYTES;
    plays_through(rig);
}

#[test]
fn vram_below_one_frame_still_plays() {
    let mut rig = Rig::new(10, 10, 10);
    rig.overdraft_bytes = FRAME_BYTES;
    rig.player.set_gpu_budget(100);
    plays_through(rig);
}

#[test]
fn vram_of_one_frame_still_plays() {
    let mut rig = Rig::new(10, 10, 1);
    rig.overdraft_bytes = FRAME_BYTES;
    plays_through(rig);
}

#[test]
fn both_tiers_below_one_frame_still_play() {
    let mut rig = Rig::new(10, 0, 0);
    rig.overdraft_bytes = FRAME_BYTES;
    plays_through(rig);
}

#[test]
fn both_tiers_below_one_frame_still_show_where_the_user_seeks() {
    for pace in [Pace::EveryFrame, Pace::RealTime] {
        let mut rig = Rig::new(100, 0, 0);
        rig.overdraft_bytes = FRAME_BYTES;
        rig.player.set_pace(pace);
        for index in [0, 50, 51, 3] {
            rig.command(Command::Seek(index));
            rig.run(12);
            assert_eq!(rig.exact(), Some(index), "{pace:?}");
        }
    }
}

#[test]
fn both_tiers_below_one_frame_play_in_real_time() {
    let mut rig = Rig::new(100, 0, 0);
    rig.overdraft_bytes = FRAME_BYTES;
    rig.player.set_pace(Pace::RealTime);
    rig.command(Command::Play);
    rig.run(960);
    let counters = rig.player.transport().counters();
    assert!(counters.presented > 24, "{counters:?}");
}

#[test]
fn the_overdraft_is_told_and_goes_away_with_a_larger_budget() {
    let mut rig = Rig::new(10, 0, 0);
    rig.overdraft_bytes = FRAME_BYTES;
    rig.run(5);
    let snapshot = rig.player.snapshot();
    assert_eq!(rig.exact(), Some(0));
    assert_eq!(snapshot.gpu.overdraft_bytes, FRAME_BYTES);
    rig.overdraft_bytes = 0;
    rig.player.set_cpu_budget(budget(20));
    rig.player.set_gpu_budget(20 * FRAME_BYTES);
    rig.settle();
    assert_eq!(rig.player.snapshot().gpu.resident_frames, 10);
}

#[test]
fn lowered_budgets_are_reached_within_a_few_ticks() {
    let mut rig = Rig::new(100, 100, 100);
    rig.command(Command::Play);
    rig.passes(1);
    rig.settle();
    rig.overdraft_bytes = 100 * FRAME_BYTES;
    rig.player.set_cpu_budget(budget(10));
    rig.player.set_gpu_budget(5 * FRAME_BYTES);
    rig.run(3);
    rig.overdraft_bytes = 0;
    rig.run(1);
    assert!(rig.charged(Tier::Cpu) < 11 * FRAME_BYTES && rig.charged(Tier::Gpu) <= 5 * FRAME_BYTES);
    assert!(rig.exact().is_some(), "the frame on screen stays");
    rig.passes(2);
}

#[test]
fn the_same_settings_again_change_nothing() {
    let mut rig = Rig::new(50, 30, 20);
    rig.settle();
    let settings = CpuBudget { limit: MemLimit::Percent(75), reserve: Reserve::Bytes(0) };
    let total = 40 * FRAME_BYTES;
    let mut limits = Vec::new();
    for _ in 0..6 {
        let available_bytes = total - rig.charged(Tier::Cpu);
        rig.player.set_memory(MemorySample { available_bytes, ..MemorySample::default() });
        rig.player.set_cpu_budget(settings);
        rig.settle();
        limits.push((rig.player.ledger().limit(Tier::Cpu), rig.player.snapshot().cpu.resident_frames));
    }
    assert!(limits.windows(2).all(|pair| pair[0] == pair[1]), "{limits:?}");
    let (inserts, decodes) = (rig.player.snapshot().cpu.inserts, rig.pool.submitted().len());
    rig.run(50);
    assert_eq!((rig.player.snapshot().cpu.inserts, rig.pool.submitted().len()), (inserts, decodes));
}

#[test]
fn one_pool_for_both_tiers_holds_their_sum() {
    let pool = crate::support::pool::ScriptedPool::new(4);
    let options = rushes::player::PlayerOptions {
        cpu_budget: budget(1000),
        gpu_budget_bytes: 30 * FRAME_BYTES,
        vram_is_ram: true,
        pace: Pace::EveryFrame,
        ..rushes::player::PlayerOptions::default()
    };
    let mut player = rushes::player::Player::new(options, Box::new(pool));
    let sample = MemorySample { available_bytes: 100 * FRAME_BYTES, ..MemorySample::default() };
    player.set_memory(sample);
    let limits = |player: &rushes::player::Player| {
        (player.ledger().limit(Tier::Cpu), player.ledger().limit(Tier::Gpu))
    };
    assert_eq!(limits(&player), (70 * FRAME_BYTES, 30 * FRAME_BYTES));
    player.set_memory(sample);
    assert_eq!(limits(&player), (70 * FRAME_BYTES, 30 * FRAME_BYTES));
    player.set_memory(MemorySample { available_bytes: 20 * FRAME_BYTES, ..MemorySample::default() });
    assert_eq!(limits(&player), (10 * FRAME_BYTES, 10 * FRAME_BYTES), "neither takes all of what is left");
}

#[test]
fn staging_and_targets_are_counted_and_lie_beside_the_frames() {
    let mut rig = Rig::new(20, 20, 20);
    (rig.ring.staging_bytes, rig.ring.target_bytes) = (4 * FRAME_BYTES, 3 * FRAME_BYTES);
    rig.command(Command::Play);
    rig.passes(2);
    let snapshot = rig.player.snapshot();
    assert_eq!(snapshot.gpu.resident_frames, 20, "VRAM for 20 frames holds 20 frames");
    assert_eq!(snapshot.gpu.budget_bytes, 27 * FRAME_BYTES);
    assert_eq!(snapshot.gpu.charged_bytes, 27 * FRAME_BYTES);
}

#[test]
fn a_paused_player_fills_both_tiers_around_the_playhead_and_rests() {
    let mut rig = Rig::new(100, 20, 10);
    rig.command(Command::Seek(50));
    rig.settle();
    let before = rig.pool.submitted().len();
    for _ in 0..100 {
        rig.tick_after(STEP);
    }
    assert_eq!(rig.pool.submitted().len(), before);
    let snapshot = rig.player.snapshot();
    assert!(snapshot.cpu.resident_frames >= 18 && snapshot.gpu.resident_frames >= 9);
}
