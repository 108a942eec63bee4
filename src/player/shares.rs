//! Owns who may keep how much: the horizon of the shown clip in both tiers, quotas and guarantees of
//! the clips, and the order of keeping that follows from them.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Clip, Player};
use crate::cache::{Claim, Keep, Others};
use crate::frame::{ClipId, FrameKey};
use crate::memory::{BACKGROUND_WEIGHT, FOREGROUND_WEIGHT};
use crate::memory::{Component, Quota, Share, Tier, quotas, size_class};
use crate::preload::{Horizon, lookahead_frames};
use crate::stats::PressureLevel;
use crate::time::{Nanos, PreloadStrategy, Travel};

/// Frames of a clip's guarantee: the shown one and two more.
const GUARANTEED_FRAMES: u64 = 3;
/// Frames that VRAM runs ahead of the playhead when the work area does not fit it.
const VRAM_LOOKAHEAD_FRAMES: u64 = 4;
/// A frame just decoded stays for so long unless it was shown.
const RETENTION_NANOS: Nanos = 250_000_000;
/// All clips that are not shown together have at most this weight to every 8 of the shown one.
const BACKGROUND_WEIGHTS: usize = 2;

/// What the clips may keep of one tier.
#[derive(Debug, Clone, Default)]
pub(super) struct TierShares {
    /// In the order of the clips.
    pub quotas: Vec<Quota>,
    /// Frames of the guarantees of the clips that are not shown, sorted.
    guaranteed: Arc<[FrameKey]>,
}

/// What the clips may keep of both tiers.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares {
    cpu: TierShares,
    gpu: TierShares,
}

impl Shares {
    pub fn of(&self, tier: Tier) -> &TierShares {
        match tier {
            Tier::Cpu => &self.cpu,
            Tier::Gpu => &self.gpu,
        }
    }
}

impl Player {
    /// The order in which frames are worth keeping in the CPU tier.
    pub(super) fn keep(&self) -> Option<Keep> {
        self.keep_in(Tier::Cpu)
    }

    /// The order in which frames are worth keeping in a tier.
    pub(super) fn keep_in(&self, tier: Tier) -> Option<Keep> {
        let horizon = self.horizon_in(tier);
        let quota = self.shares.of(tier).quotas.get(self.shown_clip);
        let frame_bytes = self.frame_bytes_in(tier);
        Some(Keep {
            stream: self.key(0)?,
            travel: self.travel(),
            policy: self.options.policy,
            horizon_frames: horizon.frames,
            guaranteed_frames: quota
                .map_or(0, |quota| quota.guarantee_bytes / frame_bytes)
                .min(GUARANTEED_FRAMES),
            others: self.others(tier),
        })
    }

    /// The transport's travel with the strategy of the clip; under pressure only what is ahead counts.
    pub(super) fn travel(&self) -> Travel {
        let is_tight = self.pressure.level(Tier::Cpu) >= PressureLevel::Moderate;
        let strategy = match self.clip() {
            Some(clip) if !is_tight => clip.strategy(),
            _ => PreloadStrategy::Forward,
        };
        Travel { strategy, ..self.transport.travel }
    }

    fn others(&self, tier: Tier) -> Others {
        let shares = self.shares.of(tier);
        let over_quota: SmallVec<[ClipId; 4]> = self
            .other_clips(tier)
            .filter(|(usage, quota, _)| usage > &quota.quota_bytes)
            .map(|(.., id)| id)
            .collect();
        Others { guaranteed: Arc::clone(&shares.guaranteed), over_quota }
    }

    /// Usage, quota and identity of every clip that is not shown.
    fn other_clips(&self, tier: Tier) -> impl Iterator<Item = (u64, Quota, ClipId)> {
        let clips = self.clips.iter().zip(&self.shares.of(tier).quotas).enumerate();
        clips
            .filter(|(position, _)| *position != self.shown_clip)
            .map(move |(_, (clip, quota))| (self.ledger.charged_clip(tier, clip.id), *quota, clip.id))
    }

    /// How far ahead frames are asked for in the CPU tier.
    pub(super) fn horizon(&self) -> Horizon {
        self.horizon_in(Tier::Cpu)
    }

    /// How far ahead a tier is filled: the work area when it fits, else a lookahead; while paused, as
    /// many around the playhead as fit. Pressure makes it shorter.
    pub(super) fn horizon_in(&self, tier: Tier) -> Horizon {
        let travel = &self.transport.travel;
        let lookahead = match tier {
            Tier::Cpu => lookahead_frames(self.transport.rate()),
            Tier::Gpu => VRAM_LOOKAHEAD_FRAMES,
        };
        let horizon = Horizon::new(travel, travel.area.frames(), self.capacity_frames(tier), lookahead);
        horizon.under(self.pressure.level(tier))
    }

    /// Frames of the shown clip that a tier holds beside everything else that stays in it.
    fn capacity_frames(&self, tier: Tier) -> u64 {
        let frames = [Component::Frames, Component::InFlight, Component::PoolSlack];
        let in_frames: u64 =
            frames.into_iter().map(|component| self.ledger.charged_component(tier, component)).sum();
        let mut beside = self.ledger.charged(tier).saturating_sub(in_frames);
        if tier == Tier::Cpu {
            // What decode threads and movies give back while idle they take again with the next frame.
            beside += self.kept_peak.saturating_sub(self.scratch.bytes() + self.movies.bytes());
        }
        let kept = |(usage, quota, clip): (u64, Quota, ClipId)| {
            let books = self.ledger.charged_clip_component(tier, Component::Metadata, clip);
            usage.saturating_sub(books).min(quota.guarantee_bytes)
        };
        let of_others: u64 = self.other_clips(tier).map(kept).sum();
        let room = self.ledger.limit(tier).saturating_sub(beside + of_others);
        let cap = self.options.clip_cap_bytes.filter(|_| tier == Tier::Cpu).unwrap_or(u64::MAX);
        room.min(cap) / self.frame_bytes_in(tier)
    }

    /// What a frame of the shown clip takes in system memory.
    pub(super) fn frame_bytes(&self) -> u64 {
        self.frame_bytes_in(Tier::Cpu)
    }

    /// What a frame of the shown clip takes in a tier: by its header, or by what its frames turned out to take.
    fn frame_bytes_in(&self, tier: Tier) -> u64 {
        let Some(clip) = self.clip() else { return 1 };
        let (stated, frames) = match tier {
            Tier::Cpu => (size_class(clip.frame_bytes()), self.tier.len()),
            Tier::Gpu => (clip.frame_bytes(), self.ring.len()),
        };
        let is_alone = self.clips.len() == 1 && frames > 0;
        let charged = || self.ledger.charged_component(tier, Component::Frames);
        let measured = is_alone.then(|| charged() / frames as u64);
        (stated as u64).max(measured.unwrap_or(0)).max(1)
    }

    /// What a request for a frame may push out of a tier.
    pub(super) fn claim(&self, tier: Tier, keep: &Keep, key: FrameKey) -> Claim {
        let is_first = self.is_on_demand(key);
        let is_dire = self.pressure.level(tier) >= PressureLevel::Critical;
        match is_first {
            true => Claim::FIRST,
            false if is_dire => keep.claim(key, Nanos::MAX),
            false => keep.claim(key, self.now - RETENTION_NANOS),
        }
    }

    /// Quotas and guarantees anew: after a limit, the list of clips or the shown clip changed.
    pub(super) fn update_shares(&mut self) {
        self.shares = Shares { cpu: self.tier_shares(Tier::Cpu), gpu: self.tier_shares(Tier::Gpu) };
    }

    fn tier_shares(&self, tier: Tier) -> TierShares {
        // The shown clip comes first where the limit does not hold every guarantee.
        let mut order: Vec<usize> = (0..self.clips.len()).collect();
        order.sort_by_key(|position| *position != self.shown_clip);
        let shares: Vec<Share> = order.iter().map(|position| self.share(tier, *position)).collect();
        let mut quotas: Vec<_> = order.into_iter().zip(quotas(self.ledger.limit(tier), &shares)).collect();
        quotas.sort_unstable_by_key(|(position, _)| *position);
        let quotas: Vec<Quota> = quotas.into_iter().map(|(_, quota)| quota).collect();
        let mut guaranteed = Vec::new();
        for (position, (clip, quota)) in self.clips.iter().zip(&quotas).enumerate() {
            if position != self.shown_clip {
                guaranteed.extend(guaranteed_keys(clip, quota));
            }
        }
        guaranteed.sort_unstable();
        TierShares { quotas, guaranteed: guaranteed.into() }
    }

    fn share(&self, tier: Tier, position: usize) -> Share {
        let clip = &self.clips[position];
        let others = (self.clips.len() - 1).max(1);
        // However many clips are open, most of the tier is the shown one's.
        let (foreground, background) = match others <= BACKGROUND_WEIGHTS {
            true => (FOREGROUND_WEIGHT, BACKGROUND_WEIGHT),
            false => (FOREGROUND_WEIGHT * others as u32, BACKGROUND_WEIGHT * BACKGROUND_WEIGHTS as u32),
        };
        Share {
            weight: if position == self.shown_clip { foreground } else { background },
            guarantee_bytes: GUARANTEED_FRAMES.min(u64::from(clip.frames()))
                * size_class(clip.frame_bytes()) as u64,
            cap_bytes: self.options.clip_cap_bytes.filter(|_| tier == Tier::Cpu),
        }
    }
}

/// The frames that a clip which is not shown may keep: where its playhead rests, and what comes after it.
fn guaranteed_keys(clip: &Clip, quota: &Quota) -> impl Iterator<Item = FrameKey> {
    let frames =
        (quota.guarantee_bytes / size_class(clip.frame_bytes()).max(1) as u64).min(GUARANTEED_FRAMES);
    let first = clip.resume_at.unwrap_or(0);
    let last = clip.frames() - 1;
    (0..frames as u32)
        .map(move |step| clip.key(first.saturating_add(step)))
        .filter(move |key| key.index <= last)
}
