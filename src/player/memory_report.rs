//! Owns the memory part of the Snapshot, put together at most once a second, or afresh for a report.

use std::sync::Arc;

use super::Player;
use crate::memory::{Component, MemLimit, Tier};
use crate::stats::{ClipMemory, MemorySettings, MemoryStatus, Snapshot, TierContents};
use crate::time::Nanos;

/// Nobody reads figures of memory faster than this.
const REFRESH_NANOS: Nanos = 1_000_000_000;

impl Player {
    /// What is known of memory now.
    pub fn memory_status(&self) -> MemoryStatus {
        let (cpu_slack, cpu_frames) = (self.cpu_bytes(Component::PoolSlack), self.frame_buffers());
        let reading = self.pressure.reading();
        let now = self.now;
        MemoryStatus {
            policy: self.options.policy.name(),
            settings: self.memory_settings(),
            machine: reading.status(),
            cpu: self.contents(Tier::Cpu),
            gpu: self.contents(Tier::Gpu),
            cpu_pressure: self.pressure.status(Tier::Cpu),
            gpu_pressure: self.pressure.status(Tier::Gpu),
            clips: (0..self.clips.len()).map(|position| self.clip_memory(position)).collect(),
            alloc_bytes_per_s: self.meters.values().map(|meter| meter.bytes_per_s(now)).sum(),
            slack_fraction: cpu_slack as f64 / (cpu_frames + cpu_slack).max(1) as f64,
            uncharged_bytes: reading.sample.rss_bytes as i64 - self.ram_charged() as i64,
            purges: self.pressure.purger.count(),
            purge_nanos: self.pressure.purger.nanos(),
            cleaners: self.cleaners.status(),
            leaks: self.pressure.leaks.status(),
            upload_ms: self.upload_times.percentiles(),
            present_interval_ms: self.present_intervals.percentiles(),
        }
    }

    /// A Snapshot whose figures of memory are those of this very moment.
    pub fn fresh_snapshot(&mut self) -> Snapshot {
        self.memory_status = (self.now, Arc::new(self.memory_status()));
        self.snapshot()
    }

    /// The same, at most a second old.
    pub(super) fn recent_memory_status(&mut self) -> Arc<MemoryStatus> {
        let (at, status) = &self.memory_status;
        let is_same =
            status.policy == self.options.policy.name() && status.settings == self.memory_settings();
        let is_fresh = self.now - at < REFRESH_NANOS && is_same;
        if !is_fresh {
            self.memory_status = (self.now, Arc::new(self.memory_status()));
        }
        Arc::clone(&self.memory_status.1)
    }

    /// The budgets as they are set.
    pub fn memory_settings(&self) -> MemorySettings {
        let budget = self.options.cpu_budget;
        let percent = match budget.limit {
            MemLimit::Percent(percent) => Some(percent),
            MemLimit::Bytes(_) => None,
        };
        MemorySettings {
            percent,
            limit_bytes: self.ledger.limit(Tier::Cpu),
            reserve_bytes: budget.reserve_of(&self.sample),
            vram_bytes: self.options.gpu_budget_bytes,
        }
    }

    fn cpu_bytes(&self, component: Component) -> u64 {
        self.ledger.charged_component(Tier::Cpu, component)
    }

    fn frame_buffers(&self) -> u64 {
        self.cpu_bytes(Component::Frames) + self.cpu_bytes(Component::InFlight)
    }

    fn contents(&self, tier: Tier) -> TierContents {
        let bytes_of = |component| self.ledger.charged_component(tier, component);
        let by_component =
            Component::ALL.into_iter().map(|component| (component.name(), bytes_of(component)));
        TierContents { by_class: self.by_class(tier), by_component: by_component.collect() }
    }

    fn clip_memory(&self, position: usize) -> ClipMemory {
        let clip = &self.clips[position];
        let quota = self.shares.of(Tier::Cpu).quotas.get(position).copied().unwrap_or_default();
        let meter = self.meters.get(&clip.id).copied().unwrap_or_default();
        let of_both = |component| {
            let tiers = [Tier::Cpu, Tier::Gpu].into_iter();
            tiers.map(|tier| self.ledger.charged_clip_component(tier, component, clip.id)).sum::<u64>()
        };
        let by_component = Component::ALL.into_iter().map(|component| (component.name(), of_both(component)));
        ClipMemory {
            name: clip.name.clone(),
            cpu_bytes: self.ledger.charged_clip(Tier::Cpu, clip.id),
            gpu_bytes: self.ledger.charged_clip(Tier::Gpu, clip.id),
            quota_bytes: quota.quota_bytes,
            guarantee_bytes: quota.guarantee_bytes,
            unchanged_secs: (self.now - meter.changed_at()).max(0) as f64 / 1e9,
            alloc_bytes_per_s: meter.bytes_per_s(self.now),
            by_component: by_component.filter(|(_, bytes)| *bytes > 0).collect(),
        }
    }
}
