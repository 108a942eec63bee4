//! The promise of the README: plan, eviction and runs stay below a millisecond for a work area of
//! 100,000 frames with 5,000 resident. Medians are printed by criterion; nothing is asserted.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use rushes::cache::{Claim, CpuTier, EvictionPolicy, Keep, Others, Residency, runs_of};
use rushes::frame::{ClipId, FrameBuffer, FrameKey, FrameMemory, LayerId, PlaneLayout, Revision, Window};
use rushes::memory::{Component, Ledger, Tier};
use rushes::preload::{Horizon, next_wanted};
use rushes::stats::FrameStatus;
use rushes::time::{Direction, LoopMode, PreloadStrategy, Travel, WorkArea};

const FRAMES: u32 = 100_000;
const RESIDENT: u32 = 5_000;
const CREDITS: usize = 18;

fn travel(playing: bool) -> Travel {
    Travel {
        playhead: 60_000,
        direction: Direction::Forward,
        loop_mode: LoopMode::Loop,
        area: WorkArea::new(0, FRAMES - 1),
        playing,
        strategy: PreloadStrategy::default(),
    }
}

/// The slowest case of the plan: everything is loaded, so that the walk sees every frame.
fn plan(c: &mut Criterion) {
    for (name, playing) in [("plan 100k, playing", true), ("plan 100k, paused", false)] {
        let travel = travel(playing);
        let horizon = Horizon::new(&travel, u64::from(FRAMES), u64::from(FRAMES), 24);
        c.bench_function(name, |b| {
            b.iter(|| next_wanted(black_box(&travel), horizon, CREDITS, |index| black_box(index) == FRAMES));
        });
    }
    let small = Travel { area: WorkArea::new(0, 49), playhead: 20, ..travel(true) };
    let horizon = Horizon::new(&small, 50, 50, 24);
    c.bench_function("plan 50, playing", |b| {
        b.iter(|| next_wanted(black_box(&small), horizon, CREDITS, |index| black_box(index) == FRAMES));
    });
}

fn key(index: u32) -> FrameKey {
    FrameKey { clip: ClipId(1), revision: Revision(0), layer: LayerId(0), level: 0, index }
}

/// A tier of 5,000 frames, every twentieth of the work area.
fn full_tier(ledger: &mut Ledger) -> CpuTier {
    let window = Window::at_origin(1, 1);
    let layout = Arc::new(PlaneLayout::new(Vec::new(), window, window, 1.0).expect("a layout"));
    let mut tier = CpuTier::default();
    for frame in 0..RESIDENT {
        let memory = FrameMemory::allocate(64).expect("memory");
        let frame_buffer = FrameBuffer { layout: Arc::clone(&layout), memory, missing: Vec::new() };
        let charge = ledger.charge_over(Tier::Cpu, Component::Frames, None, 64);
        tier.insert(key(frame * 20), frame_buffer, charge, 0);
    }
    tier
}

fn eviction(c: &mut Criterion) {
    let mut ledger = Ledger::default();
    let tier = full_tier(&mut ledger);
    let keep = Keep {
        stream: key(0),
        travel: travel(true),
        policy: EvictionPolicy::NextUse,
        horizon_frames: 24,
        guaranteed_frames: 3,
        others: Others::default(),
    };
    c.bench_function("victim of 5k resident", |b| {
        b.iter(|| tier.victim(black_box(&keep), &Claim::FIRST, |_| false));
    });
    c.bench_function("500 victims of 5k resident", |b| {
        b.iter(|| tier.victims(black_box(&keep), 500 * 64, |_| false).len());
    });
    c.bench_function("classes of 5k resident", |b| {
        b.iter(|| tier.by_class(|key| keep.class(black_box(key))));
    });
}

fn runs(c: &mut Criterion) {
    let status = |index: u32| match index / 20 % 2 {
        0 => FrameStatus::Resident,
        _ => FrameStatus::NotLoaded,
    };
    let lane: Vec<FrameStatus> = (0..FRAMES).map(status).collect();
    c.bench_function("runs of 100k frames", |b| b.iter(|| runs_of(black_box(&lane))));
    let mut residency = Residency::default();
    residency.reset(FRAMES, status);
    residency.timeline();
    c.bench_function("timeline of 100k, unchanged", |b| b.iter(|| residency.timeline()));
}

criterion_group!(benches, plan, eviction, runs);
criterion_main!(benches);
