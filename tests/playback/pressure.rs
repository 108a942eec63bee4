//! What pressure takes away, level by level, and that it comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rushes::memory::{
    Component, CpuBudget, MemLimit, MemorySample, PressureSettings, Priority, Reading, Reserve, Tier, Trace,
};
use rushes::player::{Command, Pace, PlayerOptions, PressureEvent};
use rushes::stats::{FrameClass, FrameStatus, MemoryState, PressureLevel, Snapshot};
use rushes::time::Direction;

use crate::support::clips::{FRAME_BYTES, clip};
use crate::support::rig::{Rig, SECOND, budget};

const FRAMES: u32 = 100;

/// Levels at times in seconds; the last one holds.
fn trace(steps: &[(u32, &str)]) -> Trace {
    let step = |(secs, level): &(u32, &str)| format!(r#"{{"at_secs":{secs},"level":"{level}"}}"#);
    let steps: Vec<String> = steps.iter().map(step).collect();
    Trace::parse(&format!(r#"{{"steps":[{}]}}"#, steps.join(","))).expect("a trace")
}

/// A rig under a trace.
fn rig(frames: u32, cpu_frames: u64, gpu_frames: u64, steps: &[(u32, &str)]) -> Rig {
    simulated(frames, cpu_frames, gpu_frames, trace(steps))
}

fn simulated(frames: u32, cpu_frames: u64, gpu_frames: u64, trace: Trace) -> Rig {
    let cpu_budget = budget(cpu_frames);
    let options = PlayerOptions { cpu_budget, simulated: Some(trace), ..PlayerOptions::default() };
    let mut rig = Rig::with_options(with_vram(gpu_frames, options));
    rig.add(|id| clip(id, frames));
    rig
}

fn with_vram(frames: u64, options: PlayerOptions) -> PlayerOptions {
    PlayerOptions { gpu_budget_bytes: frames * FRAME_BYTES, ..options }
}

/// Ticks for so many seconds, ten times a second.
fn pass_time(rig: &mut Rig, secs: u32) {
    for _ in 0..secs * 10 {
        rig.tick_after(SECOND / 10);
    }
}

fn level(rig: &Rig) -> PressureLevel {
    rig.player.pressure_level(Tier::Cpu)
}

fn resident(rig: &mut Rig) -> Vec<u32> {
    let timeline = rig.player.snapshot().timeline;
    let runs = timeline.cpu.iter().filter(|run| run.status == FrameStatus::Resident);
    runs.flat_map(|run| run.first..run.first + run.frames).collect()
}

/// Frames that are in one tier or the other.
fn held(rig: &mut Rig) -> Vec<u32> {
    let timeline = rig.player.snapshot().timeline;
    let runs = timeline.cpu.iter().chain(timeline.gpu.iter());
    let resident = runs.filter(|run| run.status == FrameStatus::Resident);
    let mut held: Vec<u32> = resident.flat_map(|run| run.first..run.first + run.frames).collect();
    held.sort_unstable();
    held.dedup();
    held
}

/// A machine with so much available, in frames.
fn machine(available_frames: u64) -> Reading {
    let mut reading = Reading::default();
    reading.sample.rss_bytes = 1 << 20;
    reading.simulate(available_frames * FRAME_BYTES, 10_000 * FRAME_BYTES);
    reading
}

#[test]
fn a_clip_ten_times_the_budget_loops_for_a_minute_without_pressure() {
    for (capacity, direction) in [(20, Direction::Forward), (8, Direction::Reverse), (3, Direction::Forward)]
    {
        let mut rig = Rig::new(capacity * 10, u64::from(capacity), 4);
        rig.play(direction);
        for _ in 0..60 {
            let charged = rig.charged(Tier::Cpu) / FRAME_BYTES;
            rig.player.set_reading(machine(5000 - charged));
            rig.run(96);
            let memory = rig.player.memory_status();
            assert_eq!(
                memory.cpu_pressure.peak,
                PressureLevel::None,
                "{capacity}: {:?}",
                memory.cpu_pressure
            );
            assert_eq!(
                memory.gpu_pressure.peak,
                PressureLevel::None,
                "{capacity}: {:?}",
                memory.gpu_pressure
            );
        }
        assert!(rig.player.transport().counters().presented > 1000);
    }
}

#[test]
fn low_pressure_gives_up_idle_buffers_and_no_frame() {
    let mut rig = rig(FRAMES, 100, 100, &[(0, "none"), (60, "low")]);
    rig.settle();
    pass_time(&mut rig, 62);
    assert_eq!(level(&rig), PressureLevel::Low);
    assert_eq!(resident(&mut rig).len(), 100);
    assert_eq!(rig.player.ledger().charged_component(Tier::Cpu, Component::PoolSlack), 0);
}

#[test]
fn moderate_pressure_keeps_half_the_horizon_and_only_what_is_ahead() {
    let mut rig = rig(FRAMES, 100, 30, &[(0, "none"), (60, "moderate")]);
    rig.command(Command::Seek(40));
    rig.settle();
    assert_eq!(resident(&mut rig).len(), 100);
    pass_time(&mut rig, 62);
    assert_eq!(level(&rig), PressureLevel::Moderate);
    assert_eq!(resident(&mut rig), (40..90).collect::<Vec<_>>());
    let before = rig.pool.submitted().len();
    pass_time(&mut rig, 10);
    assert_eq!(rig.pool.submitted().len(), before, "what went is not asked for again");
}

#[test]
fn moderate_pressure_leaves_other_clips_their_guarantee() {
    let mut rig = rig(20, 60, 60, &[(0, "none"), (60, "moderate")]);
    rig.add(|id| clip(id, 20));
    rig.settle();
    rig.command(Command::NextClip);
    rig.settle();
    assert_eq!(rig.player.snapshot().cpu.resident_frames, 40);
    pass_time(&mut rig, 80);
    let first = rig.player.clips()[0].id;
    let kept = rig.player.ledger().charged_clip(Tier::Cpu, first) / FRAME_BYTES;
    assert_eq!(kept, 3, "where its playhead rests and two more");
}

#[test]
fn high_pressure_gives_up_copies_and_keeps_the_next_four() {
    let mut rig = rig(FRAMES, 100, 10, &[(0, "none"), (60, "high")]);
    rig.settle();
    pass_time(&mut rig, 62);
    assert_eq!(level(&rig), PressureLevel::High);
    let kept = resident(&mut rig);
    assert!(kept.iter().all(|index| *index <= 4), "{kept:?}");
    let before = rig.pool.submitted().len();
    pass_time(&mut rig, 10);
    assert!(rig.pool.submitted().len() <= before + 4, "nothing but the next frames comes back");
}

#[test]
fn critical_pressure_keeps_what_is_on_screen_and_lets_no_other_clip_in() {
    let mut rig = rig(FRAMES, 100, 10, &[(0, "none"), (60, "critical"), (70, "none")]);
    rig.settle();
    pass_time(&mut rig, 62);
    assert_eq!(level(&rig), PressureLevel::Critical);
    assert!(resident(&mut rig).len() <= 1);
    rig.add(|id| clip(id, 7));
    assert_eq!(rig.player.clips().len(), 1);
    let message = rig.player.snapshot().message.expect("the user is told");
    assert!(message.contains("waits"), "{message}");
    assert_eq!(rig.exact(), Some(0));
    pass_time(&mut rig, 60);
    assert_eq!((level(&rig), rig.player.clips().len()), (PressureLevel::None, 2));
    rig.settle();
    assert!(held(&mut rig).len() >= 97, "everything is built again but for the guarantee of the other clip");
}

#[test]
fn an_emergency_takes_everything_derivable_and_nothing_of_the_user() {
    let mut rig = rig(FRAMES, 100, 10, &[(0, "none"), (60, "emergency"), (71, "none")]);
    rig.command(Command::SetRange(10, 80));
    rig.command(Command::Seek(30));
    rig.command(Command::SetExposure(1.5));
    rig.settle();
    pass_time(&mut rig, 62);
    assert_eq!(level(&rig), PressureLevel::Emergency);
    assert!(rig.charged(Tier::Cpu) <= 2 * FRAME_BYTES && rig.charged(Tier::Gpu) <= 2 * FRAME_BYTES);
    pass_time(&mut rig, 60);
    rig.settle();
    let area = rig.player.transport().travel.area;
    assert_eq!((area.first(), area.last(), rig.playhead()), (10, 80, 30));
    assert_eq!(rig.player.view().color.exposure, 1.5);
    assert_eq!(held(&mut rig), (10..=80).collect::<Vec<_>>());
}

#[test]
fn playback_goes_on_at_every_level() {
    for level in PressureLevel::ALL {
        for pace in [Pace::EveryFrame, Pace::RealTime] {
            let mut rig = rig(30, 12, 4, &[(0, level.name())]);
            rig.player.set_pace(pace);
            rig.command(Command::Play);
            rig.run(96 * 4);
            let counters = rig.player.transport().counters();
            assert!(counters.presented >= 30, "{level:?} {pace:?}: {counters:?}");
        }
    }
}

#[test]
fn every_change_is_told_once_and_goes_down_by_one_level() {
    let mut rig = rig(20, 20, 10, &[(0, "none"), (5, "critical"), (8, "none"), (60, "low"), (63, "none")]);
    let events = rig.player.subscribe_pressure();
    let second = rig.player.subscribe_pressure();
    pass_time(&mut rig, 90);
    let level_of_cpu = |event: PressureEvent| match event {
        PressureEvent::Level { tier: Tier::Cpu, transition } => Some(transition),
        _ => None,
    };
    let state_of_cpu = |event: &PressureEvent| match event {
        PressureEvent::State { tier: Tier::Cpu, from, to, .. } => Some((*from, *to)),
        _ => None,
    };
    let all: Vec<PressureEvent> = events.try_iter().collect();
    assert_eq!(second.try_iter().collect::<Vec<_>>(), all);
    let states: Vec<_> = all.iter().filter_map(state_of_cpu).collect();
    assert_eq!(states[0], (MemoryState::Normal, MemoryState::Critical));
    assert!(states.windows(2).all(|pair| pair[0].1 == pair[1].0), "{states:?}");
    let told: Vec<_> = all.into_iter().filter_map(level_of_cpu).collect();
    let levels: Vec<_> = told.iter().map(|change| (change.from, change.to)).collect();
    let steps = [
        PressureLevel::None,
        PressureLevel::Critical,
        PressureLevel::High,
        PressureLevel::Moderate,
        PressureLevel::Low,
        PressureLevel::None,
        PressureLevel::Low,
        PressureLevel::None,
    ];
    let expected: Vec<_> = steps.windows(2).map(|pair| (pair[0], pair[1])).collect();
    assert_eq!(levels, expected);
    for pair in told.windows(2).filter(|pair| pair[1].to < pair[1].from) {
        assert!(pair[1].at - pair[0].at >= 5 * SECOND, "{pair:?}");
    }
    let status = rig.player.memory_status().cpu_pressure;
    assert_eq!((status.transitions.total(), status.peak), (7, PressureLevel::Critical));
}

#[test]
fn the_same_trace_gives_the_same_changes() {
    let changes = || {
        let mut rig =
            rig(40, 20, 10, &[(0, "none"), (3, "high"), (4, "low"), (30, "critical"), (31, "none")]);
        let events = rig.player.subscribe_pressure();
        rig.command(Command::Play);
        pass_time(&mut rig, 80);
        events.try_iter().collect::<Vec<_>>()
    };
    assert_eq!(changes(), changes());
}

#[test]
fn a_machine_that_runs_out_is_noticed_with_the_next_reading() {
    let options = PlayerOptions {
        cpu_budget: CpuBudget { limit: MemLimit::Percent(75), reserve: Reserve::Bytes(200 * FRAME_BYTES) },
        ..PlayerOptions::default()
    };
    let mut rig = Rig::with_options(with_vram(10, options));
    rig.player.set_reading(machine(1000));
    rig.add(|id| clip(id, FRAMES));
    rig.settle();
    // Another program takes what there was: what we hold and could give up is counted as there.
    let ours = rig.charged(Tier::Cpu) / FRAME_BYTES;
    rig.overdraft_bytes = 1 << 30;
    rig.player.set_reading(machine(90 - ours.min(90)));
    rig.tick();
    assert!(level(&rig) >= PressureLevel::High, "{:?}", level(&rig));
    rig.run(4);
    // What is on screen stays, and the books of the clip.
    assert!(rig.charged(Tier::Cpu) <= 2 * FRAME_BYTES, "{}", rig.charged(Tier::Cpu));
}

fn budget_of(snapshot: &Snapshot) -> u64 {
    snapshot.cpu.budget_bytes
}

#[test]
fn percent_and_reserve_act_at_once_while_it_plays() {
    let options = PlayerOptions {
        cpu_budget: CpuBudget { limit: MemLimit::Percent(50), reserve: Reserve::Bytes(0) },
        ..PlayerOptions::default()
    };
    let mut rig = Rig::with_options(with_vram(4, options));
    rig.player.set_reading(machine(80));
    rig.add(|id| clip(id, FRAMES));
    rig.command(Command::Play);
    rig.passes(1);
    let limit = |rig: &mut Rig| budget_of(&rig.player.snapshot()) / FRAME_BYTES;
    rig.command(Command::SetMem(MemLimit::Percent(25)));
    rig.overdraft_bytes = 1 << 30;
    rig.tick();
    assert!(limit(&mut rig).abs_diff(20) <= 1);
    rig.run(2);
    assert!(rig.charged(Tier::Cpu) <= rig.player.ledger().limit(Tier::Cpu), "the tier follows");
    rig.command(Command::SetReserve(40 * FRAME_BYTES));
    rig.tick();
    let lowered = limit(&mut rig);
    assert!(lowered.abs_diff(10) <= 1);
    for _ in 0..5 {
        rig.command(Command::SetReserve(40 * FRAME_BYTES));
        rig.run(3);
        assert_eq!(limit(&mut rig), lowered, "the same again changes nothing");
    }
}

#[test]
fn clearing_the_cache_keeps_the_picture_and_loads_again() {
    let mut rig = Rig::new(50, 60, 20);
    rig.command(Command::Seek(25));
    rig.settle();
    rig.jobs_per_tick = 0;
    rig.command(Command::ClearCache);
    rig.tick();
    assert_eq!(rig.exact(), Some(25));
    assert!(rig.player.snapshot().cpu.resident_frames <= 1);
    rig.jobs_per_tick = 6;
    rig.settle();
    assert_eq!(resident(&mut rig).len(), 50);
}

#[test]
fn cleaners_run_when_the_state_rises_and_a_broken_one_is_left_out() {
    let steps = r#"{"steps":[{"at_secs":0,"ratio":0.1},{"at_secs":5,"ratio":0.9},{"at_secs":30,"ratio":0.1},{"at_secs":60,"ratio":0.9}]}"#;
    let mut rig = simulated(30, 30, 10, Trace::parse(steps).expect("a trace"));
    let (broken, sound) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (runs_of_broken, runs_of_sound) = (Arc::clone(&broken), Arc::clone(&sound));
    rig.player.register_cleaner(
        "broken",
        Priority::Low,
        Box::new(move |_, _| {
            runs_of_broken.fetch_add(1, Ordering::Relaxed);
            panic!("a cleaner of a test")
        }),
    );
    rig.player.register_cleaner(
        "boastful",
        Priority::High,
        Box::new(move |_, _| {
            runs_of_sound.fetch_add(1, Ordering::Relaxed);
            Ok(1 << 40)
        }),
    );
    pass_time(&mut rig, 80);
    assert_eq!((broken.load(Ordering::Relaxed), sound.load(Ordering::Relaxed)), (1, 2));
    let memory = rig.player.memory_status();
    assert_eq!(memory.cpu_pressure.state, MemoryState::Critical);
    let status = |name: &str| memory.cleaners.iter().find(|cleaner| cleaner.name == name).expect("a cleaner");
    assert!(status("broken").is_isolated && status("broken").failures == 1);
    assert!(status("boastful").mismatch_bytes >= 2 << 40, "what it says is not believed");
}

#[test]
fn alerts_come_once_a_minute_and_level() {
    let mut rig = rig(10, 10, 10, &[(0, "high")]);
    pass_time(&mut rig, 150);
    let alerts = rig.player.memory_status().cpu_pressure.alerts;
    assert_eq!(alerts[PressureLevel::High as usize], 3, "{alerts:?}");
}

#[test]
fn thresholds_of_a_profile_are_live() {
    let steps = r#"{"steps":[{"at_secs":0,"ratio":0.64}]}"#;
    let mut rig = simulated(10, 10, 10, Trace::parse(steps).expect("a trace"));
    pass_time(&mut rig, 3);
    assert_eq!(level(&rig), PressureLevel::None);
    rig.command(Command::SetProfile(rushes::memory::Profile::Conservative));
    pass_time(&mut rig, 3);
    assert_eq!(level(&rig), PressureLevel::Low);
    rig.player.set_pressure(PressureSettings::default());
    pass_time(&mut rig, 8);
    assert_eq!(level(&rig), PressureLevel::None);
}

#[test]
fn what_movies_keep_has_its_own_place_in_the_books_until_they_give_it_back() {
    let mut rig = rig(FRAMES, 40, 10, &[(0, "none"), (30, "high")]);
    rig.pool.script().movie_bytes = 7 * FRAME_BYTES;
    rig.pool.script().held_bytes = FRAME_BYTES;
    rig.settle();
    let charged = |rig: &Rig| {
        let ledger = rig.player.ledger();
        let of = |component| ledger.charged_component(Tier::Cpu, component) / FRAME_BYTES;
        let sum: u64 = Component::ALL.into_iter().map(|c| ledger.charged_component(Tier::Cpu, c)).sum();
        assert_eq!(sum, ledger.charged(Tier::Cpu));
        (of(Component::Scratch), of(Component::Movies))
    };
    assert_eq!(charged(&rig), (1, 7));
    let told = rig.player.memory_status().cpu.by_component.clone();
    assert!(told.contains(&("movies", 7 * FRAME_BYTES)), "{told:?}");
    pass_time(&mut rig, 32);
    assert_eq!(level(&rig), PressureLevel::High);
    // The next frame that somebody asks for makes them give back.
    rig.command(Command::Seek(FRAMES - 1));
    rig.run(4);
    assert_eq!(charged(&rig), (0, 0));
}

#[test]
fn the_books_by_class_and_component_add_up() {
    let mut rig = Rig::new(60, 40, 12);
    rig.add(|id| clip(id, 20));
    rig.settle();
    rig.command(Command::NextClip);
    rig.command(Command::Play);
    rig.run(30);
    let memory = rig.player.memory_status();
    let charged = |component| rig.player.ledger().charged_component(Tier::Cpu, component);
    let frames: u64 = memory.cpu.by_class.iter().map(|sum| sum.bytes).sum();
    assert_eq!(frames, charged(Component::Frames));
    assert!(memory.cpu.by_class[FrameClass::Protected as usize].frames > 0);
    let components: u64 = memory.cpu.by_component.iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(components, rig.charged(Tier::Cpu));
    assert_eq!(memory.clips.len(), 2);
    assert!(
        memory.clips.iter().map(|clip| clip.quota_bytes).sum::<u64>() <= rig.player.ledger().limit(Tier::Cpu)
    );
}

/// Readings that only tests give carry no other limits.
#[test]
fn a_sample_alone_sets_the_limit() {
    let mut rig = Rig::with_options(with_vram(4, PlayerOptions::default()));
    let sample = MemorySample {
        available_bytes: 100 << 30,
        total_bytes: 100 << 30,
        ceiling_bytes: 100 << 30,
        ..MemorySample::default()
    };
    rig.player.set_cpu_budget(CpuBudget::default());
    rig.player.set_memory(sample);
    assert_eq!(rig.player.ledger().limit(Tier::Cpu), (98 << 30) / 100 * 75);
}

#[test]
fn a_limit_that_wavers_with_the_machine_moves_no_frame() {
    let options = PlayerOptions {
        cpu_budget: CpuBudget { limit: MemLimit::Percent(50), reserve: Reserve::Bytes(0) },
        ..PlayerOptions::default()
    };
    let mut rig = Rig::with_options(with_vram(4, options));
    rig.player.set_reading(machine(160));
    rig.add(|id| clip(id, 200));
    rig.settle();
    let before = (rig.pool.submitted().len(), rig.player.snapshot().cpu.evictions.total());
    for round in 0..40 {
        let ours = rig.charged(Tier::Cpu) / FRAME_BYTES;
        rig.player.set_reading(machine(160 - ours + round % 3));
        rig.run(20);
    }
    assert_eq!((rig.pool.submitted().len(), rig.player.snapshot().cpu.evictions.total()), before);
}

#[test]
fn a_tight_clip_cap_is_reached_at_once_and_held() {
    let mut rig = Rig::new(40, 60, 10);
    rig.settle();
    let cap = 12 * FRAME_BYTES;
    rig.player.set_clip_cap(Some(cap));
    rig.tick();
    let id = rig.player.clips()[0].id;
    assert!(rig.player.ledger().charged_clip(Tier::Cpu, id) <= cap);
    rig.command(Command::Play);
    for _ in 0..400 {
        rig.run(1);
        // What is on demand comes in beside.
        assert!(rig.player.ledger().charged_clip(Tier::Cpu, id) <= cap + 2 * FRAME_BYTES);
    }
    assert!(rig.player.transport().counters().presented > 80);
}
