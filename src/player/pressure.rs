//! Owns the watch over memory: readings of the machine and our own books become votes, votes a level for
//! each tier, and a change of level is told once to everyone who asked. What goes at which level is
//! in `relief`.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::{Clip, Player, PlayerOptions};
use crate::frame::FrameKey;
use crate::memory::{
    Alerts, Component, Failures, GrowthWatch, LeakWatch, Ours, PressureMachine, PressureSettings, Purger,
    Reading, Tally, Tier, Trace, Transition, Vote, Votes, format_bytes, machine_votes, ours_vote,
};
use crate::stats::{FrameClass, FrameSum, MachineMemory, MemoryState, PressureLevel, PressureStatus};
use crate::time::Nanos;

/// A budget of fewer frames says nothing about pressure: what plays takes all of it, and gives up nothing.
const FRAMES_THAT_VOTE: u64 = 8;

/// A change that is told to everyone who asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PressureEvent {
    /// Another level of one tier.
    Level { tier: Tier, transition: Transition },
    /// The same vote in three steps, with what there is.
    State {
        tier: Tier,
        from: MemoryState,
        to: MemoryState,
        fraction: f64,
        available_bytes: u64,
        used_bytes: u64,
    },
}

/// What ended in an emergency.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failed {
    Allocation,
    Device,
}

/// What is known of the pressure on one tier.
struct TierPressure {
    machine: PressureMachine,
    alerts: Alerts,
    failures: Failures,
}

impl TierPressure {
    fn new(settings: PressureSettings) -> Self {
        let machine = PressureMachine::new(settings);
        Self { machine, alerts: Alerts::default(), failures: Failures::default() }
    }
}

/// The watch over memory.
pub(super) struct Pressure {
    cpu: TierPressure,
    gpu: TierPressure,
    growth: GrowthWatch,
    reading: Reading,
    before: Option<Reading>,
    is_fresh: bool,
    trace: Option<Trace>,
    started: Option<Nanos>,
    /// When to look again although nothing was read: a trace goes on, or a level is to be left.
    next_at: Option<Nanos>,
    subscribers: Vec<Sender<PressureEvent>>,
    /// Clips that were opened while there was no room for another one.
    pub(super) waiting_clips: Vec<Clip>,
    pub(super) purger: Purger,
    pub(super) leaks: LeakWatch,
}

impl Pressure {
    pub fn new(options: &PlayerOptions) -> Self {
        Self {
            cpu: TierPressure::new(options.pressure),
            gpu: TierPressure::new(options.pressure),
            growth: GrowthWatch::default(),
            reading: Reading::default(),
            before: None,
            is_fresh: false,
            trace: options.simulated.clone(),
            started: None,
            next_at: options.simulated.is_some().then_some(0),
            subscribers: Vec::new(),
            waiting_clips: Vec::new(),
            purger: Purger::default(),
            leaks: LeakWatch::default(),
        }
    }

    fn of(&self, tier: Tier) -> &TierPressure {
        match tier {
            Tier::Cpu => &self.cpu,
            Tier::Gpu => &self.gpu,
        }
    }

    fn of_mut(&mut self, tier: Tier) -> &mut TierPressure {
        match tier {
            Tier::Cpu => &mut self.cpu,
            Tier::Gpu => &mut self.gpu,
        }
    }

    pub fn level(&self, tier: Tier) -> PressureLevel {
        self.of(tier).machine.level()
    }

    pub fn state(&self, tier: Tier) -> MemoryState {
        self.of(tier).machine.state()
    }

    pub fn status(&self, tier: Tier) -> PressureStatus {
        let tier = self.of(tier);
        PressureStatus { alerts: tier.alerts.counts(), ..tier.machine.status() }
    }

    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The machine or the device refused memory, or the device was lost.
    pub fn note_failure(&mut self, tier: Tier, failed: Failed, now: Nanos) {
        let failures = &mut self.of_mut(tier).failures;
        match failed {
            Failed::Allocation => failures.note_allocation(now),
            Failed::Device => failures.note_device(now),
        }
        self.next_at = Some(now + 1);
    }

    pub fn set_settings(&mut self, settings: PressureSettings) {
        self.cpu.machine.set_settings(settings);
        self.gpu.machine.set_settings(settings);
    }

    /// When the watch has something to do even if nothing is read.
    pub fn wake_at(&self) -> Option<Nanos> {
        self.next_at
    }

    fn simulated(&self, tier: Tier, now: Nanos) -> Option<Vote> {
        self.trace.as_ref()?.vote(tier, now - self.started?)
    }

    /// Available and total bytes that a trace puts in place of the machine's.
    fn simulated_machine(&self, now: Nanos) -> Option<(u64, u64)> {
        self.trace.as_ref()?.machine(now - self.started?)
    }

    fn publish(&mut self, event: PressureEvent) {
        self.subscribers.retain(|subscriber| subscriber.send(event).is_ok());
    }
}

impl Player {
    /// What the machine says now: limits and levels follow in the next tick.
    pub fn set_reading(&mut self, mut reading: Reading) {
        if let Some((available_bytes, total_bytes)) = self.pressure.simulated_machine(self.now) {
            reading.simulate(available_bytes, total_bytes);
        }
        let before = std::mem::replace(&mut self.pressure.reading, reading);
        self.pressure.before = Some(before).filter(|before| before.sample.total_bytes > 0);
        self.pressure.is_fresh = true;
        let sample = self.pressure.reading.sample;
        self.set_memory(sample);
    }

    /// Every change of level from now on, each once.
    pub fn subscribe_pressure(&mut self) -> Receiver<PressureEvent> {
        let (sender, receiver) = channel();
        self.pressure.subscribers.push(sender);
        receiver
    }

    /// The level that a tier is at.
    pub fn pressure_level(&self, tier: Tier) -> PressureLevel {
        self.pressure.level(tier)
    }

    /// Other thresholds and times; they count from the next reading on.
    pub fn set_pressure(&mut self, settings: PressureSettings) {
        self.options.pressure = settings;
        self.pressure.set_settings(settings);
    }

    /// Votes, levels and what follows from them, when something was read or time came for it.
    pub(super) fn watch_memory(&mut self, now: Nanos) {
        let is_due = self.pressure.next_at.is_some_and(|at| at <= now);
        if !(self.pressure.is_fresh || is_due) {
            return;
        }
        self.pressure.started.get_or_insert(now);
        self.obey_trace(now);
        self.look_for_leaks(now);
        let state = self.pressure.state(Tier::Cpu);
        for tier in [Tier::Cpu, Tier::Gpu] {
            self.take_votes(tier, now);
        }
        // What happened between two readings votes once.
        self.pressure.is_fresh = false;
        self.pressure.before = None;
        self.clean_on_entering(state);
        self.log_pressure(now);
        self.relieve(now);
        self.admit_waiting_clips(now);
        self.pressure.next_at = self.next_watch(now);
    }

    fn take_votes(&mut self, tier: Tier, now: Nanos) {
        let votes = self.votes(tier, now);
        let from = self.pressure.state(tier);
        let transition = self.pressure.of_mut(tier).machine.step(now, votes.as_slice());
        let to = self.pressure.state(tier);
        if from != to {
            let fraction = self.pressure.status(tier).fraction;
            let MachineMemory { available_bytes, used_bytes, .. } = self.pressure.reading.status();
            self.pressure.publish(PressureEvent::State {
                tier,
                from,
                to,
                fraction,
                available_bytes,
                used_bytes,
            });
        }
        if let Some(transition) = transition {
            self.take_transition(tier, transition, now);
        }
    }

    fn next_watch(&self, now: Nanos) -> Option<Nanos> {
        let is_tense = [Tier::Cpu, Tier::Gpu].into_iter().any(|tier| {
            self.pressure.level(tier) > PressureLevel::None || self.pressure.state(tier) > MemoryState::Normal
        });
        (is_tense || self.pressure.trace.is_some()).then_some(now + self.options.pressure.interval_nanos)
    }

    fn obey_trace(&mut self, now: Nanos) {
        if let Some((available_bytes, total_bytes)) = self.pressure.simulated_machine(now) {
            self.pressure.reading.simulate(available_bytes, total_bytes);
            self.set_memory(self.pressure.reading.sample);
        }
    }

    fn votes(&mut self, tier: Tier, now: Nanos) -> Votes {
        let ours = self.ours(tier);
        let emergency_nanos = self.options.pressure.emergency_nanos;
        let mut votes = match tier {
            Tier::Cpu => machine_votes(&self.pressure.reading, self.pressure.before.as_ref(), &ours),
            Tier::Gpu => Votes::default(),
        };
        if tier == Tier::Gpu {
            votes.add(ours_vote(&ours));
        } else {
            if self.pressure.is_fresh {
                let rss_bytes = self.pressure.reading.sample.rss_bytes;
                self.pressure.growth.feed(now, rss_bytes, self.ram_charged());
            }
            votes.add(self.pressure.growth.vote());
        }
        votes.extend(self.pressure.of(tier).failures.votes(now, emergency_nanos));
        votes.add(self.pressure.simulated(tier, now));
        votes
    }

    /// Charges that are system memory.
    pub(super) fn ram_charged(&self) -> u64 {
        let of_gpu = if self.options.vram_is_ram { self.ledger.charged(Tier::Gpu) } else { 0 };
        self.ledger.charged(Tier::Cpu) + of_gpu
    }

    /// What a tier holds that cannot leave now, against what can.
    fn ours(&self, tier: Tier) -> Ours {
        let sums = self.by_class(tier);
        let bytes_of = |class: FrameClass| sums[class as usize].bytes;
        let held: u64 = sums.iter().map(|sum| sum.bytes).sum();
        let kept = bytes_of(FrameClass::Protected) + bytes_of(FrameClass::Guaranteed);
        let charged_bytes = self.ledger.charged(tier);
        // Idle buffers and textures go first of all.
        let slack = self.ledger.charged_component(tier, Component::PoolSlack);
        // Requests that nobody waits for are cancelled within a chunk.
        let cancellable = match tier {
            Tier::Cpu => self.preloader.charged_bytes_where(|key| !self.is_on_demand(key)),
            Tier::Gpu => 0,
        };
        let evictable_bytes = (held - kept) + slack + cancellable;
        let limit_bytes = self.ledger.limit(tier);
        let beside = match tier {
            Tier::Cpu => 0,
            Tier::Gpu => self.staging.bytes() + self.targets.bytes(),
        };
        let is_small = limit_bytes - beside.min(limit_bytes) < FRAMES_THAT_VOTE * self.frame_bytes();
        Ours {
            unevictable_bytes: charged_bytes.saturating_sub(evictable_bytes),
            limit_bytes: if is_small { 0 } else { limit_bytes },
            evictable_bytes,
            charged_bytes,
            reserve_bytes: self.options.cpu_budget.reserve_of(&self.sample),
        }
    }

    /// Frames and bytes of a tier by class.
    pub(super) fn by_class(&self, tier: Tier) -> [FrameSum; FrameClass::ALL.len()] {
        let Some(keep) = self.keep_in(tier) else { return Default::default() };
        let protected = self.protected_keys();
        let class = |key: FrameKey| {
            if protected.contains(&key) { FrameClass::Protected } else { keep.class(key) }
        };
        match tier {
            Tier::Cpu => self.tier.by_class(class),
            Tier::Gpu => self.ring.by_class(class),
        }
    }

    fn take_transition(&mut self, tier: Tier, transition: Transition, now: Nanos) {
        self.pressure.publish(PressureEvent::Level { tier, transition });
        self.needs_plan = true;
        if transition.to < transition.from || tier == Tier::Gpu {
            return;
        }
        if transition.to >= PressureLevel::High {
            self.kept_peak = 0;
        }
        // What is out beyond the shorter horizon stops.
        let mut wanted = self.wanted_in_flight();
        wanted.extend(self.due);
        self.epoch.advance();
        self.preloader.restamp(|key| wanted.contains(&key));
        if transition.to >= PressureLevel::High {
            let text = format!("memory is short ({}): less is kept; Ctrl+M tells more", transition.to.name());
            self.tell(text, now);
        }
    }

    fn log_pressure(&mut self, now: Nanos) {
        for tier in [Tier::Cpu, Tier::Gpu] {
            let status = self.pressure.status(tier);
            let (charged, limit) = (self.ledger.charged(tier), self.ledger.limit(tier));
            let figures = format_args!(
                "{}: {} of {} charged, {:.0} % of what there is",
                tier.name(),
                format_bytes(charged),
                format_bytes(limit),
                status.fraction * 100.0
            );
            if self.pressure.of_mut(tier).alerts.due(now, status.level) {
                log::warn!("memory pressure {}; {figures}", status.level.name());
            }
            if self.pressure.of_mut(tier).alerts.status_line_due(now, status.fraction) {
                let evictions = match tier {
                    Tier::Cpu => self.tier.evictions().total(),
                    Tier::Gpu => self.ring_traffic.evictions.total(),
                };
                log::info!("memory {figures}; {evictions} evictions");
            }
        }
    }

    /// The books against what is really held, and the growth of the process.
    fn look_for_leaks(&mut self, now: Nanos) {
        let tallies = self.tallies();
        self.pressure.leaks.check(&tallies);
        let rss_bytes = self.pressure.reading.sample.rss_bytes;
        if rss_bytes > 0 && self.pressure.is_fresh {
            self.pressure.leaks.feed(now, rss_bytes);
        }
    }

    /// What the ledger says beside what is there, by component.
    pub fn tallies(&self) -> [Tally; 4] {
        let charged = |tier, component| self.ledger.charged_component(tier, component);
        let tally =
            |component, charged_bytes, present_bytes| Tally { component, charged_bytes, present_bytes };
        [
            tally("frames", charged(Tier::Cpu, Component::Frames), self.tier.resident_bytes()),
            tally("in_flight", charged(Tier::Cpu, Component::InFlight), self.preloader.charged_bytes()),
            tally("pool_slack", charged(Tier::Cpu, Component::PoolSlack), self.pool.idle_bytes()),
            tally("gpu_frames", charged(Tier::Gpu, Component::Frames), self.ring.charged_bytes()),
        ]
    }

    fn admit_waiting_clips(&mut self, now: Nanos) {
        if self.pressure.level(Tier::Cpu) >= PressureLevel::Critical || self.pressure.waiting_clips.is_empty()
        {
            return;
        }
        for clip in std::mem::take(&mut self.pressure.waiting_clips) {
            // What somebody looks at stays; a clip that came late does not jump in.
            self.tell(format!("{} is open now, after the other clips", clip.name), now);
            self.add_clip(clip);
        }
    }
}
