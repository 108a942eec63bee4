//! A random walk over everything that can happen to a player. The rig checks after every step.

use proptest::prelude::*;
use rushes::memory::Tier;
use rushes::player::{COMMANDS, Command};

use crate::support::clips::{FRAME_BYTES, clip};
use crate::support::pool::End;
use crate::support::rig::{Rig, STEP, budget};

const FRAMES: u32 = 24;

#[derive(Debug, Clone)]
enum Step {
    Command(usize),
    Seek(u32),
    Range(u32, u32),
    Tick { quarter_frames: i128, jobs: usize },
    Ends(u32, End),
    Times(u32, u32),
    RingDelay(u32),
    RingRefuses(u32),
    RingTakesAll,
    LoseDevice,
    Budgets(u64, u64),
    CloseAndOpen,
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Done), Just(End::Degraded), Just(End::Failed), Just(End::Skipped)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..COMMANDS.len()).prop_map(Step::Command),
        4 => (0..FRAMES).prop_map(Step::Seek),
        1 => (0..FRAMES, 0..FRAMES).prop_map(|(first, last)| Step::Range(first, last)),
        20 => (0..30_i128, 0..6_usize)
            .prop_map(|(quarter_frames, jobs)| Step::Tick { quarter_frames, jobs }),
        2 => (0..FRAMES, end()).prop_map(|(frame, end)| Step::Ends(frame, end)),
        1 => (0..FRAMES, 1..3_u32).prop_map(|(frame, times)| Step::Times(frame, times)),
        1 => (0..4_u32).prop_map(Step::RingDelay),
        1 => (0..FRAMES).prop_map(Step::RingRefuses),
        1 => Just(Step::RingTakesAll),
        1 => Just(Step::LoseDevice),
        2 => (0..30_u64, 0..30_u64).prop_map(|(cpu, gpu)| Step::Budgets(cpu, gpu)),
        1 => Just(Step::CloseAndOpen),
    ]
}

fn open(rig: &mut Rig) {
    rig.add(|id| clip(id, FRAMES));
    rig.add(|id| clip(id, 5));
}

/// What was charged when a limit was lowered may stay above it for a few ticks, and no longer.
fn lower(rig: &mut Rig, cpu_frames: u64, gpu_frames: u64) {
    let usual = rig.overdraft_bytes;
    rig.overdraft_bytes = 1 << 30;
    rig.player.set_cpu_budget(budget(cpu_frames));
    rig.player.set_gpu_budget(gpu_frames * FRAME_BYTES);
    rig.jobs_per_tick = 100;
    let delay = std::mem::take(&mut rig.ring.delay_steps);
    rig.run(4);
    rig.ring.delay_steps = delay;
    rig.overdraft_bytes = usual;
}

fn take(rig: &mut Rig, step: &Step) {
    match *step {
        Step::Command(row) => rig.command(COMMANDS[row].command),
        Step::Seek(index) => rig.command(Command::Seek(index)),
        Step::Range(first, last) => rig.command(Command::SetRange(first, last)),
        Step::Tick { quarter_frames, jobs } => {
            rig.jobs_per_tick = jobs;
            rig.tick_after(quarter_frames * STEP);
        }
        Step::Ends(frame, end) => {
            rig.pool.script().ends.insert(frame, end);
        }
        Step::Times(frame, times) => {
            rig.pool.script().times.insert(frame, times);
        }
        Step::RingDelay(steps) => rig.ring.delay_steps = steps,
        Step::RingRefuses(frame) => {
            rig.ring.refuses.insert(frame);
        }
        Step::RingTakesAll => rig.ring.refuses.clear(),
        Step::LoseDevice => rig.ring.lose_device(),
        Step::Budgets(cpu, gpu) => lower(rig, cpu, gpu),
        Step::CloseAndOpen => {
            rig.player.close_all();
            open(rig);
        }
    }
}

fn come_to_rest(rig: &mut Rig) {
    rig.player.close_all();
    rig.jobs_per_tick = 100;
    rig.run(4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_a_player(
        cpu in 0..30_u64,
        gpu in 0..30_u64,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut rig = Rig::empty(cpu, gpu);
        // The largest frame of the walk is two headers high.
        rig.overdraft_bytes = 2 * FRAME_BYTES;
        open(&mut rig);
        for step in &steps {
            take(&mut rig, step);
        }
        come_to_rest(&mut rig);
        prop_assert_eq!((rig.charged(Tier::Cpu), rig.charged(Tier::Gpu)), (0, 0));
        prop_assert!(rig.ring.is_empty());
        prop_assert_eq!(rig.player.snapshot().in_flight, 0);
    }

    #[test]
    fn a_player_always_comes_back_to_showing_its_frame(
        cpu in 0..30_u64,
        gpu in 0..30_u64,
        steps in prop::collection::vec(step(), 1..60),
        at in 0..5_u32,
    ) {
        let mut rig = Rig::empty(cpu, gpu);
        rig.overdraft_bytes = 2 * FRAME_BYTES;
        open(&mut rig);
        for step in &steps {
            take(&mut rig, step);
        }
        rig.pool.script().ends.clear();
        rig.ring.refuses.clear();
        rig.ring.delay_steps = 0;
        rig.jobs_per_tick = 6;
        rig.command(Command::Pause);
        rig.command(Command::Seek(at));
        rig.run(8);
        // A frame that failed before is tried again after a minute at most.
        rig.tick_after(61_000_000_000);
        rig.run(12);
        prop_assert_eq!(rig.exact(), Some(at), "shown is {:?}", &rig.last.shown);
    }
}
