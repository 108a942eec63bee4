//! A player with scripted workers, a fake ring and a clock that a test winds. What must hold after
//! every tick is checked after every tick.

use rushes::frame::{FrameKey, LayerId};
use rushes::memory::{Component, CpuBudget, MemLimit, MemorySample, Reserve, Tier};
use rushes::player::{Clip, Command, Pace, Player, PlayerOptions, Tick};
use rushes::stage::shown_key;
use rushes::stats::{DecodeCounters, PressureLevel, ShownStatus};
use rushes::time::{Clock, Direction, ManualClock, Nanos};

use super::clips::{self, FRAME_BYTES};
use super::machine::FakeMachine;
use super::pool::ScriptedPool;
use super::ring::FakeRing;

/// A quarter of a frame's time at 24 frames a second.
pub const STEP: Nanos = 1_000_000_000 / 96;
pub const SECOND: Nanos = 1_000_000_000;

/// Requests that may be out in the rigs that do not say otherwise.
pub const CREDITS: usize = 6;

/// Room for the books of clips, less than a frame.
pub const BOOKS_BYTES: u64 = FRAME_BYTES * 3 / 4;

/// What one pass over the work area cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    pub decodes: usize,
    pub uploads: usize,
}

/// Player, workers, ring and clock.
pub struct Rig {
    pub player: Player,
    pub pool: ScriptedPool,
    pub ring: FakeRing,
    pub clock: ManualClock,
    /// Jobs that are finished before each tick.
    pub jobs_per_tick: usize,
    /// Bytes that may be charged above the limits: those of the overdraft slot.
    pub overdraft_bytes: u64,
    /// Read once a second, where there is one; without it there is memory without end.
    pub machine: Option<FakeMachine>,
    read_at: Option<Nanos>,
    pub last: Tick,
}

/// An absolute budget of the CPU tier.
pub fn budget(frames: u64) -> CpuBudget {
    budget_bytes(frames * FRAME_BYTES + BOOKS_BYTES)
}

pub fn budget_bytes(bytes: u64) -> CpuBudget {
    CpuBudget { limit: MemLimit::Bytes(bytes), reserve: Reserve::Bytes(0) }
}

impl Rig {
    /// A rig without clips whose tiers hold so many frames.
    pub fn empty(cpu_frames: u64, gpu_frames: u64) -> Self {
        Self::with_options(PlayerOptions {
            cpu_budget: budget(cpu_frames),
            gpu_budget_bytes: gpu_frames * FRAME_BYTES,
            pace: Pace::EveryFrame,
            ..PlayerOptions::default()
        })
    }

    /// A rig without clips whose player starts with these settings.
    pub fn with_options(options: PlayerOptions) -> Self {
        let pool = ScriptedPool::new(CREDITS);
        let mut player = Player::new(options, Box::new(pool.clone()));
        player.set_memory(MemorySample { available_bytes: 1 << 40, ..MemorySample::default() });
        Self {
            player,
            pool,
            ring: FakeRing::default(),
            clock: ManualClock::default(),
            jobs_per_tick: CREDITS,
            overdraft_bytes: 0,
            machine: None,
            read_at: None,
            last: Tick::default(),
        }
    }

    /// A rig with one clip of so many frames.
    pub fn new(frames: u32, cpu_frames: u64, gpu_frames: u64) -> Self {
        let mut rig = Self::empty(cpu_frames, gpu_frames);
        rig.add(|id| clips::clip(id, frames));
        rig
    }

    /// Adds a clip to the player's list.
    pub fn add(&mut self, make: impl FnOnce(rushes::frame::ClipId) -> Clip) {
        let id = self.player.new_clip_id();
        self.player.add_clip(make(id));
    }

    /// One tick at the present time, with everything that must hold after it.
    pub fn tick(&mut self) -> &Tick {
        if self.read_at.is_none_or(|at| self.clock.now() - at >= SECOND) {
            self.read_machine();
        }
        self.pool.work(self.jobs_per_tick);
        let report = self.ring.step();
        let mut tick = self.player.tick(self.clock.now(), &report);
        self.ring.apply(std::mem::take(&mut tick.orders));
        self.last = tick;
        self.check();
        &self.last
    }

    /// Tells the player what the machine says now, where there is one.
    pub fn read_machine(&mut self) {
        let Some(machine) = &self.machine else { return };
        let now = self.clock.now();
        let vram = if machine.has_vram { self.charged(Tier::Gpu) } else { 0 };
        let reading = machine.reading(self.charged(Tier::Cpu) + vram, now);
        self.read_at = Some(now);
        self.player.set_reading(reading);
    }

    /// A tick after some time.
    pub fn tick_after(&mut self, nanos: Nanos) -> &Tick {
        self.clock.advance(nanos);
        self.tick()
    }

    pub fn run(&mut self, ticks: usize) {
        for _ in 0..ticks {
            self.tick_after(STEP);
        }
    }

    /// Ticks until everything that fits is loaded.
    pub fn settle(&mut self) {
        for _ in 0..2000 {
            self.tick_after(STEP);
            if self.player.is_settled() && self.pool.out().is_empty() {
                return;
            }
        }
        panic!("it does not settle; shown is {:?}", self.last.shown);
    }

    /// Ticks until no tier is under pressure any more.
    pub fn calm_down(&mut self) {
        for _ in 0..600 {
            self.tick_after(SECOND / 10);
            let level = |tier| self.player.pressure_level(tier);
            if level(Tier::Cpu).max(level(Tier::Gpu)) == PressureLevel::None {
                return;
            }
        }
        panic!("the pressure stays: {:?}", self.player.memory_status().cpu_pressure);
    }

    pub fn command(&mut self, command: Command) {
        self.player.command(command);
    }

    pub fn play(&mut self, direction: Direction) {
        self.player.set_direction(direction);
        self.command(Command::Play);
    }

    /// Plays over the end of the work area so many times; what each pass cost.
    pub fn passes(&mut self, count: u64) -> Vec<Pass> {
        let before = self.player.snapshot().present.loops;
        (1..=count).map(|pass| self.pass(before + pass)).collect()
    }

    fn pass(&mut self, loops: u64) -> Pass {
        let before = (self.pool.script().submitted.len(), self.ring.ordered.len());
        for _ in 0..10_000 {
            self.tick_after(STEP);
            if self.player.transport().counters().loops >= loops {
                let decodes = self.pool.script().submitted.len() - before.0;
                return Pass { decodes, uploads: self.ring.ordered.len() - before.1 };
            }
        }
        panic!("playback stands still at {:?}", self.player.transport());
    }

    pub fn playhead(&self) -> u32 {
        self.player.transport().travel.playhead
    }

    pub fn decode(&mut self) -> DecodeCounters {
        self.player.snapshot().decode
    }

    pub fn epoch(&mut self) -> u64 {
        self.player.snapshot().epoch
    }

    /// Index of the frame that is on screen as itself.
    pub fn exact(&self) -> Option<u32> {
        match self.last.shown {
            ShownStatus::Exact(key) => Some(key.index),
            _ => None,
        }
    }

    /// The text of the slate on screen.
    pub fn slate(&self) -> Option<&str> {
        match &self.last.shown {
            ShownStatus::Slate(text) => Some(text),
            _ => None,
        }
    }

    /// The key of the frame at the playhead.
    pub fn playhead_key(&self) -> Option<FrameKey> {
        let clip = self.player.clip()?;
        Some(FrameKey {
            clip: clip.id,
            revision: clip.revision,
            layer: LayerId(clip.layer as u16),
            level: 0,
            index: self.playhead(),
        })
    }

    pub fn charged(&self, tier: Tier) -> u64 {
        self.player.ledger().charged(tier)
    }

    fn check(&mut self) {
        for tally in self.player.tallies() {
            assert_eq!(tally.charged_bytes, tally.present_bytes, "{}", tally.component);
        }
        self.check_limits();
        self.check_shown();
        self.check_outcomes();
    }

    fn check_limits(&self) {
        let ledger = self.player.ledger();
        for tier in [Tier::Cpu, Tier::Gpu] {
            let most = ledger.limit(tier) + self.overdraft_bytes;
            // Idle textures go as soon as the ring needs their room, which it tells with its next report.
            let idle =
                if tier == Tier::Gpu { ledger.charged_component(tier, Component::PoolSlack) } else { 0 };
            let charged = ledger.charged(tier) - idle;
            assert!(charged <= most, "{tier:?} has {charged} of {most}");
        }
        let frames = ledger.charged_component(Tier::Gpu, Component::Frames);
        assert!(frames + self.ring.staging_bytes >= self.ring.bytes(), "the ring holds what nobody charged");
        assert_eq!(self.ring.over_budget, 0, "an upload was ordered that the budget does not hold");
    }

    /// What is on screen is in VRAM, and it is what it says it is.
    fn check_shown(&self) {
        if let Some(key) = shown_key(&self.last.shown) {
            assert!(self.ring.is_resident(key), "{key:?} is shown and is not there");
        }
        if let ShownStatus::Exact(key) = self.last.shown {
            assert_eq!(Some(key), self.playhead_key());
        }
    }

    /// Every request ends once.
    fn check_outcomes(&mut self) {
        let snapshot = self.player.snapshot();
        let DecodeCounters { requested, ok, degraded, error, cancelled, refused, .. } = snapshot.decode;
        assert_eq!(requested, ok + degraded + error + cancelled + refused + snapshot.in_flight as u64);
        assert_eq!(requested, self.pool.script().submitted.len() as u64);
    }
}
