//! Owns who may ask for memory at all: pressure, quotas, the cap of a clip and the rate limit come
//! before the budget is looked at. What belongs on screen is always let in.

use super::Player;
use crate::frame::{ClipId, FrameKey};
use crate::memory::Tier;
use crate::preload::NEXT_FRAMES;
use crate::stats::PressureLevel;
use crate::time::Nanos;

impl Player {
    /// Whether what is waited for on screen is this frame.
    pub(super) fn is_on_demand(&self, key: FrameKey) -> bool {
        self.on_demand_keys().contains(&key)
    }

    /// Whether pressure lets a request in; a refusal is backpressure, asked again with the next plan.
    pub(super) fn is_admitted(&self, key: FrameKey) -> bool {
        if self.is_on_demand(key) {
            return true;
        }
        match self.pressure.level(Tier::Cpu) {
            // At Moderate a clip makes room inside its own quota.
            PressureLevel::None | PressureLevel::Low | PressureLevel::Moderate => true,
            PressureLevel::High => {
                let distance = self.travel().next_use(key.index).distance();
                distance.is_some_and(|distance| distance <= NEXT_FRAMES)
            }
            PressureLevel::Critical | PressureLevel::Emergency => false,
        }
    }

    /// Whether the limit of the rate lets no new buffer be taken now; says when it will.
    pub(super) fn is_limited(&mut self, key: FrameKey, bytes: u64, now: Nanos) -> bool {
        let is_on_demand = self.is_on_demand(key);
        let Some(bucket) = self.alloc_limit.as_mut().filter(|_| !is_on_demand) else { return false };
        let ready_at = bucket.ready_at(bytes);
        if ready_at > now {
            self.admit_at = Some(ready_at);
        }
        ready_at > now
    }

    /// A buffer was taken from the machine.
    pub(super) fn note_allocation(&mut self, clip: ClipId, bytes: u64, now: Nanos) {
        self.meters.entry(clip).or_default().add(bytes, now);
        if let Some(bucket) = &mut self.alloc_limit {
            bucket.take(bytes, now);
        }
    }

    /// Whether a clip would take more than it may: its hard cap, and under pressure its quota.
    pub(super) fn exceeds_cap(&self, key: FrameKey, bytes: u64) -> bool {
        if self.is_on_demand(key) {
            return false;
        }
        let is_tight = self.pressure.level(Tier::Cpu) >= PressureLevel::Moderate;
        let quota = self.quota_of(key.clip).filter(|_| is_tight).unwrap_or(u64::MAX);
        let most = self.options.clip_cap_bytes.unwrap_or(u64::MAX).min(quota);
        self.ledger.charged_clip(Tier::Cpu, key.clip) + bytes > most
    }

    fn quota_of(&self, clip: ClipId) -> Option<u64> {
        let position = self.clips.iter().position(|other| other.id == clip)?;
        Some(self.shares.of(Tier::Cpu).quotas.get(position)?.quota_bytes)
    }
}
