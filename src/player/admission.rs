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
        self.due == Some(key)
            || self.shown_source() == Some(key)
            || self.proxy() == Some(key)
            || self.last_proxy() == Some(key)
    }

    /// Whether a request for so many bytes is let in; a refusal is backpressure, asked again with the next plan.
    pub(super) fn is_admitted(&mut self, key: FrameKey, bytes: u64, now: Nanos) -> bool {
        if self.is_on_demand(key) {
            return true;
        }
        if !self.is_admitted_under_pressure(key) {
            return false;
        }
        let Some(bucket) = &mut self.alloc_limit else { return true };
        let goes = bucket.take(bytes, now);
        if !goes {
            self.admit_at = Some(bucket.ready_at(bytes));
        }
        goes
    }

    fn is_admitted_under_pressure(&self, key: FrameKey) -> bool {
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
