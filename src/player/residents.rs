//! Owns who comes into the two tiers and who leaves them: eviction, reservation, uploads.

use smallvec::SmallVec;

use super::Player;
use super::pressure::Failed;
use crate::cache::{Evicted, Keep, Origin};
use crate::decode::DecodeError;
use crate::frame::{ClipId, EvictionCause, FrameKey, FrameMemory, UploadOrder};
use crate::memory::{Charge, Component, Pooled, Tier, size_class};
use crate::time::Nanos;

/// Frames evicted in one tick and tier; a lowered budget is reached over a few ticks.
const EVICTIONS_PER_TICK: usize = 4096;
/// Uploads ordered and not complete: one being filled, one waiting, so that the copy never pauses.
const UPLOADS_IN_FLIGHT: usize = 2;

impl Player {
    pub(super) fn shed_to_budget(&mut self, now: Nanos) {
        if self.clips.is_empty() {
            return self.shed_everything(now);
        }
        if self.ledger.overdraft(Tier::Cpu) > 0 {
            self.pool.clear();
            self.shed_cpu(self.ledger.overdraft(Tier::Cpu), None, now);
        }
        if self.options.clip_cap_bytes.is_some() {
            self.shed_to_caps(now);
        }
        let over = -self.gpu_headroom();
        if over > 0
            && let Some(keep) = self.keep_in(Tier::Gpu)
        {
            let protected = self.protected_keys();
            for key in bounded(self.ring.victims(&keep, over as u64, |key| protected.contains(&key))) {
                self.evict_gpu(key, EvictionCause::OverBudget);
            }
        }
    }

    /// Lets go of so many bytes of system memory, of one clip or of all.
    fn shed_cpu(&mut self, bytes: u64, clip: Option<ClipId>, now: Nanos) {
        let Some(keep) = self.keep() else { return };
        let protected = self.protected_keys();
        let stays = |key: FrameKey| protected.contains(&key) || clip.is_some_and(|clip| clip != key.clip);
        for key in bounded(self.tier.victims(&keep, bytes, stays)) {
            self.evict_cpu(key, EvictionCause::OverBudget, now);
            self.needs_plan = true;
        }
        if self.ledger.overdraft(Tier::Cpu) > 0 {
            self.pool.clear();
        }
    }

    /// No clip keeps more than its cap, but what is looked at.
    fn shed_to_caps(&mut self, now: Nanos) {
        let cap = self.options.clip_cap_bytes.unwrap_or(u64::MAX);
        for position in 0..self.clips.len() {
            let clip = self.clips[position].id;
            let over = self.ledger.charged_clip(Tier::Cpu, clip).saturating_sub(cap);
            if over > 0 {
                self.shed_cpu(over, Some(clip), now);
            }
        }
    }

    /// Whether a limit is still exceeded by frames that may leave, so that the next tick has work.
    pub(super) fn is_shedding(&self) -> bool {
        let is_over = |tier, frames| self.ledger.overdraft(tier) > 0 && frames > EVICTIONS_PER_TICK;
        is_over(Tier::Cpu, self.tier.len()) || is_over(Tier::Gpu, self.ring.resident_frames() as usize)
    }

    /// Without a clip nothing is kept.
    fn shed_everything(&mut self, now: Nanos) {
        for key in self.tier.keys_where(|_| true) {
            self.evict_cpu(key, EvictionCause::Unwanted, now);
        }
        let held: Vec<FrameKey> = self.ring.keys().collect();
        for key in held {
            self.evict_gpu(key, EvictionCause::Unwanted);
        }
        self.pool.clear();
        self.orders.drop_idle = true;
        self.ledger.forget_idle_clips();
    }

    /// What somebody waits for or looks at: the frame that is due, the one that belongs on screen, and the
    /// smaller pictures that stand in for it.
    pub(super) fn on_demand_keys(&self) -> SmallVec<[FrameKey; 5]> {
        let keys = [self.due, self.shown_source(), self.proxy(), self.last_proxy()];
        keys.into_iter().flatten().collect()
    }

    /// The picture on screen, the one that belongs there and the one that is waited for never leave.
    pub(super) fn protected_keys(&self) -> SmallVec<[FrameKey; 5]> {
        let mut keys = self.on_demand_keys();
        keys.extend(self.picture());
        keys
    }

    /// What is on screen after this tick: what belongs there once it is in VRAM, until then what was.
    fn picture(&self) -> Option<FrameKey> {
        self.shown_source().filter(|key| self.ring.is_resident(*key)).or(self.on_screen)
    }

    pub(super) fn evict_cpu(&mut self, key: FrameKey, cause: EvictionCause, now: Nanos) {
        if let Some(evicted) = self.tier.evict(key, cause) {
            self.recycle(evicted, now);
        }
        if let Some(meter) = self.meters.get_mut(&key.clip) {
            meter.add(0, now);
        }
        self.note_cpu(key);
    }

    pub(super) fn recycle(&mut self, evicted: Evicted, now: Nanos) {
        if let Some(pooled) = evicted.pooled {
            self.pool.give(&mut self.ledger, pooled, now);
        }
    }

    pub(super) fn evict_gpu(&mut self, key: FrameKey, cause: EvictionCause) {
        self.ring.remove(key);
        // The ring lets go before it takes in: an order of this very tick is withdrawn, not evicted.
        let ordered = self.orders.upload.len();
        self.orders.upload.retain(|order| order.key != key);
        if self.orders.upload.len() == ordered {
            self.orders.evict.push((key, cause));
        }
        self.note_gpu(key);
    }

    /// Room for frames in VRAM; idle textures make way before frames do.
    pub(super) fn gpu_headroom(&self) -> i64 {
        let idle = self.ledger.charged_component(Tier::Gpu, Component::PoolSlack);
        let charged = self.ledger.charged(Tier::Gpu) - idle;
        self.ledger.limit(Tier::Gpu) as i64 - charged as i64
    }

    /// A charged buffer for a frame: an idle one, room in the budget, or the buffer of a frame that
    /// is worth less. The frame that belongs on screen may overdraw the budget by itself.
    pub(super) fn reserve(&mut self, key: FrameKey, bytes: usize, now: Nanos) -> Option<Pooled> {
        let class = size_class(bytes);
        if !self.is_admitted(key) {
            return None;
        }
        // What can never fit must not push out what does.
        let attempts = if class as u64 > self.ledger.limit(Tier::Cpu) { 0 } else { EVICTIONS_PER_TICK };
        for _ in 0..attempts {
            let keep = self.keep()?;
            let claim = self.claim(Tier::Cpu, &keep, key);
            let is_capped = self.exceeds_cap(key, class as u64);
            if !is_capped {
                if let Some(pooled) = self.take_buffer(key, class) {
                    return Some(pooled);
                }
                if self.is_limited(key, class as u64, now) {
                    return None;
                }
                let clip = Some(key.clip);
                if let Ok(charge) = self.ledger.charge(Tier::Cpu, Component::InFlight, clip, class as u64) {
                    return self.allocate(key, class, charge, now);
                }
            }
            // A clip at its cap makes room among its own frames.
            let protected = self.protected_keys();
            let stays = |other: FrameKey| protected.contains(&other) || is_capped && other.clip != key.clip;
            match self.tier.victim(&keep, &claim, stays) {
                Some(victim) => self.evict_cpu(victim, EvictionCause::MadeRoom, now),
                None => break,
            }
        }
        self.overdraw(key, class, now)
    }

    /// An idle buffer of the class; others make way for a new one.
    fn take_buffer(&mut self, key: FrameKey, class: usize) -> Option<Pooled> {
        let pooled = self.pool.take(&mut self.ledger, class, Component::InFlight, key.clip);
        if pooled.is_none() {
            self.pool.release_until(&self.ledger, class as u64);
        }
        pooled
    }

    /// The overdraft slot: one frame beyond the budget, for what is waited for, when nothing else is out.
    fn overdraw(&mut self, key: FrameKey, class: usize, now: Nanos) -> Option<Pooled> {
        if self.due != Some(key) || self.preloader.in_flight() > 0 {
            return None;
        }
        self.evict_copies(now);
        if let Some(pooled) = self.pool.take(&mut self.ledger, class, Component::InFlight, key.clip) {
            return Some(pooled);
        }
        self.pool.clear();
        if self.frames_overdraw() {
            return None;
        }
        let charge = self.ledger.charge_over(Tier::Cpu, Component::InFlight, Some(key.clip), class as u64);
        self.allocate(key, class, charge, now)
    }

    /// Whether frames exceed the limit already: the overdraft slot is taken. What lies beside them may be more than a
    /// small limit by itself.
    fn frames_overdraw(&self) -> bool {
        let frames: u64 = [Component::Frames, Component::InFlight]
            .into_iter()
            .map(|component| self.ledger.charged_component(Tier::Cpu, component))
            .sum();
        let charged = self.ledger.charged(Tier::Cpu);
        frames > 0 && charged > self.ledger.limit(Tier::Cpu).max(charged - frames)
    }

    /// Gives up the RAM copies of what VRAM holds, for the overdraft slot, what VRAM refused (its slate needs no picture,
    /// and playback goes on behind it), and smaller pictures, which make way for the frame itself.
    fn evict_copies(&mut self, now: Nanos) {
        let is_idle = |key: FrameKey| {
            self.ring.is_resident(key) || self.failures.contains_key(&key) || self.is_proxy(key)
        };
        for key in self.tier.keys_where(is_idle) {
            self.evict_cpu(key, EvictionCause::MadeRoom, now);
        }
    }

    /// A buffer that the machine refuses is a failure of the frame, tried again later like any other.
    fn allocate(&mut self, key: FrameKey, class: usize, charge: Charge, now: Nanos) -> Option<Pooled> {
        match FrameMemory::allocate(class) {
            Ok(memory) => {
                self.note_allocation(key.clip, class as u64, now);
                Some(Pooled { memory, charge })
            }
            Err(error) => {
                drop(charge);
                self.pool.clear();
                self.pressure.note_failure(Tier::Cpu, Failed::Allocation, now);
                self.note_failure(key, DecodeError::Io { reason: error.to_string() }, now);
                self.note_cpu(key);
                None
            }
        }
    }

    pub(super) fn choose_uploads(&mut self) {
        self.choose_upload(self.due);
        if self.due.is_none_or(|due| self.ring.is_resident(due) || self.ring.on_their_way() == 0) {
            self.choose_upload(self.shown_source());
        }
        if self.shown_source().is_some_and(|key| !self.ring.holds(key)) {
            self.choose_upload(self.proxy());
            self.choose_upload(self.last_proxy());
        }
        if !std::mem::take(&mut self.needs_uploads) {
            return;
        }
        let Some(Keep { travel, stream, .. }) = self.keep() else { return };
        for distance in 0..self.horizon_in(Tier::Gpu).frames {
            if self.ring.on_their_way() >= UPLOADS_IN_FLIGHT {
                return;
            }
            let Some(index) = travel.frame_at(distance) else { return };
            let key = stream.with_index(index);
            let resident = self.tier.contains(key) && !self.ring.holds(key);
            if resident && !self.choose_upload(Some(key)) {
                return;
            }
        }
    }

    /// Orders one upload where it is due; `false` when VRAM has no room for a frame of this rank.
    fn choose_upload(&mut self, key: Option<FrameKey>) -> bool {
        let Some(key) = key else { return true };
        if self.ring.holds(key) || !self.tier.contains(key) || self.failures.contains_key(&key) {
            return true;
        }
        self.order_upload(key)
    }

    /// Orders the upload of a frame that is in the CPU tier; `false` when VRAM has no room for it.
    pub(super) fn order_upload(&mut self, key: FrameKey) -> bool {
        let Some(bytes) = self.tier.peek(key).map(|frame| frame.layout.total_bytes() as u64) else {
            return true;
        };
        if !self.make_gpu_room(key, bytes) {
            return false;
        }
        let Some((frame, is_first)) = self.tier.serve(key) else { return true };
        let origin = if is_first { Origin::Decode } else { Origin::CpuTier };
        let charge = self.ledger.charge_over(Tier::Gpu, Component::Frames, Some(key.clip), bytes);
        self.ring.order(key, origin, charge);
        self.orders.upload.push(UploadOrder { key, frame });
        true
    }

    fn make_gpu_room(&mut self, key: FrameKey, bytes: u64) -> bool {
        let Some(keep) = self.keep_in(Tier::Gpu) else { return false };
        let claim = self.claim(Tier::Gpu, &keep, key);
        for _ in 0..EVICTIONS_PER_TICK {
            if self.gpu_headroom() >= bytes as i64 {
                return true;
            }
            let protected = self.protected_keys();
            match self.ring.victim(&keep, &claim, |key| protected.contains(&key)) {
                Some(victim) => self.evict_gpu(victim, EvictionCause::MadeRoom),
                None => break,
            }
        }
        if self.due != Some(key) || self.presents_now {
            return false;
        }
        // The overdraft slot: what is waited for replaces even what is on screen, but not what this
        // tick presents: that is drawn first.
        let others: Vec<FrameKey> = self.ring.keys().filter(|other| *other != key).collect();
        for other in others {
            self.evict_gpu(other, EvictionCause::MadeRoom);
        }
        true
    }
}

fn bounded(keys: Vec<FrameKey>) -> impl Iterator<Item = FrameKey> {
    keys.into_iter().take(EVICTIONS_PER_TICK)
}
