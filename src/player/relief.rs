//! Owns what goes at which level of pressure, and the cleaners that give memory back.

use super::Player;
use crate::cache::Keep;
use crate::frame::{EvictionCause, FrameKey};
use crate::memory::{CleanResult, Cleaner, Component, Priority, Tier, format_bytes, priorities_for};
use crate::preload::NEXT_FRAMES;
use crate::stats::{FrameClass, MemoryState, PressureLevel};
use crate::time::Nanos;

impl Player {
    /// Takes what the level of each tier allows.
    pub(super) fn relieve(&mut self, now: Nanos) {
        let (cpu, gpu) = (self.pressure.level(Tier::Cpu), self.pressure.level(Tier::Gpu));
        if cpu > PressureLevel::None {
            self.take_frames(Tier::Cpu, cpu, now);
            self.pool.clear();
        }
        if cpu >= PressureLevel::Moderate {
            self.purge(now);
        }
        if cpu >= PressureLevel::High {
            self.take_copies(now);
            self.preloader.release_held();
        }
        if gpu > PressureLevel::None {
            self.take_frames(Tier::Gpu, gpu, now);
            self.orders.drop_idle = true;
        }
    }

    /// Lets go of the frames of a tier that a level does not keep.
    fn take_frames(&mut self, tier: Tier, level: PressureLevel, now: Nanos) {
        let Some(keep) = self.keep_in(tier) else { return };
        let mut protected = self.protected_keys();
        // The playhead may go on in this tick to a frame that is not there: what is on screen stays for that.
        protected.extend(self.on_screen);
        let goes = |key: &FrameKey| !protected.contains(key) && does_go(&keep, level, *key);
        let going: Vec<FrameKey> = match tier {
            Tier::Cpu => self.tier.unread_keys().filter(goes).collect(),
            Tier::Gpu => self.ring.keys().filter(|key| self.ring.is_resident(*key)).filter(goes).collect(),
        };
        for key in going {
            match tier {
                Tier::Cpu => self.evict_cpu(key, EvictionCause::Pressure, now),
                Tier::Gpu => self.evict_gpu(key, EvictionCause::Pressure),
            }
        }
    }

    /// Gives up the copies in system memory of what VRAM holds; those that
    /// somebody waits for or looks at stay.
    fn take_copies(&mut self, now: Nanos) {
        let wanted_now = self.on_demand_keys();
        let is_copy = |key: &FrameKey| self.ring.is_resident(*key) && !wanted_now.contains(key);
        let copies: Vec<FrameKey> = self.tier.unread_keys().filter(is_copy).collect();
        for key in copies {
            self.evict_cpu(key, EvictionCause::Pressure, now);
        }
        self.pool.clear();
    }

    /// Cleaners run when the memory state rises.
    pub(super) fn clean_on_entering(&mut self, before: MemoryState) {
        let state = self.pressure.state(Tier::Cpu);
        if state <= before {
            return;
        }
        if let Some(up_to) = priorities_for(state) {
            let level = self.pressure.level(Tier::Cpu);
            self.run_cleaners(up_to, level);
        }
    }

    /// Everything that can be built again goes, but what is on screen.
    pub(super) fn clear_cache(&mut self, now: Nanos) {
        self.cleaners.reinstate();
        let before = self.ledger.charged(Tier::Gpu);
        let results = self.run_cleaners(Priority::High, PressureLevel::Critical);
        self.take_frames(Tier::Gpu, PressureLevel::Critical, now);
        self.orders.drop_idle = true;
        let of_vram = before - self.ledger.charged(Tier::Gpu);
        let freed: u64 = results.iter().map(|result| result.freed_bytes).sum();
        let (ram, vram) = (format_bytes(freed), format_bytes(of_vram));
        self.tell(format!("cleared {ram} of RAM and {vram} of VRAM"), now);
        self.needs_plan = true;
    }

    /// Adds a cleaner; it may take what a level allows, and says how many bytes that was.
    pub fn register_cleaner(&mut self, name: &'static str, priority: Priority, run: Cleaner<Self>) {
        self.cleaners.register(name, priority, run);
    }

    fn run_cleaners(&mut self, up_to: Priority, level: PressureLevel) -> Vec<CleanResult> {
        let mut cleaners = std::mem::take(&mut self.cleaners);
        let charged = |player: &Self| player.ledger.charged(Tier::Cpu);
        let results = cleaners.run(self, up_to, level, charged, &stopwatch());
        self.cleaners = cleaners;
        for result in &results {
            log::info!(
                "cleaner {}: {} bytes freed, {} reported",
                result.name,
                result.freed_bytes,
                result.reported_bytes
            );
        }
        results
    }

    /// The cleaners that every player has.
    pub(super) fn register_own_cleaners(&mut self) {
        self.cleaners.register_own(
            "pool_slack",
            Priority::Low,
            Box::new(|player, _| Ok(player.drop_slack())),
        );
        self.cleaners.register_own(
            "far_frames",
            Priority::Medium,
            Box::new(|player, level| {
                let now = player.now;
                let before = player.ledger.charged(Tier::Cpu);
                player.take_frames(Tier::Cpu, level.min(PressureLevel::Moderate), now);
                player.drop_slack();
                Ok(before - player.ledger.charged(Tier::Cpu))
            }),
        );
        self.cleaners.register_own(
            "allocator",
            Priority::Medium,
            Box::new(|player, _| {
                let now = player.now;
                player.purge(now);
                Ok(0)
            }),
        );
        self.cleaners.register_own(
            "frames",
            Priority::High,
            Box::new(|player, level| {
                let now = player.now;
                // VRAM is cleaned by its own level, unless it is system memory.
                let of_gpu =
                    if player.options.vram_is_ram { level } else { player.pressure.level(Tier::Gpu) };
                let before = player.ledger.charged(Tier::Cpu);
                player.take_frames(Tier::Gpu, of_gpu, now);
                player.take_frames(Tier::Cpu, level, now);
                player.drop_slack();
                player.preloader.release_held();
                Ok(before - player.ledger.charged(Tier::Cpu))
            }),
        );
    }

    /// The allocator gives back what it keeps, at most once a second.
    fn purge(&mut self, now: Nanos) {
        self.pressure.purger.purge(now, &stopwatch());
    }

    fn drop_slack(&mut self) -> u64 {
        let before = self.ledger.charged_component(Tier::Cpu, Component::PoolSlack);
        self.pool.clear();
        before - self.ledger.charged_component(Tier::Cpu, Component::PoolSlack)
    }
}

/// Measures how long something took; the time of day of the player itself is an argument everywhere.
fn stopwatch() -> impl Fn() -> Nanos {
    let started = std::time::Instant::now();
    move || started.elapsed().as_nanos().cast_signed()
}

/// Whether a level lets a frame go that nobody protects.
fn does_go(keep: &Keep, level: PressureLevel, key: FrameKey) -> bool {
    let class = keep.class(key);
    let is_next = keep.next_use(key).distance().is_some_and(|distance| distance <= NEXT_FRAMES);
    match level {
        PressureLevel::None => false,
        PressureLevel::Low => class == FrameClass::OldRevision,
        // Far is what lies beyond the horizon of this level.
        PressureLevel::Moderate => !keep.is_wanted(key) && class <= FrameClass::OtherClip,
        PressureLevel::High => class < FrameClass::Guaranteed && !is_next,
        PressureLevel::Critical | PressureLevel::Emergency => true,
    }
}
