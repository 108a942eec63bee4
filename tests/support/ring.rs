//! A texture ring without textures: it obeys orders as the real one does, with a delay or a refusal
//! where a test wants one, and looks at the marks of the frames that it is given.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rushes::frame::{EvictionCause, FrameBuffer, FrameKey, Refusal, RingEvent, RingOrders, RingReport};

use super::pool::mark;

#[derive(Debug)]
struct Slot {
    bytes: u64,
    /// Steps until the last byte is there.
    steps_left: u32,
    /// Held for as long as bytes are copied from it.
    frame: Option<Arc<FrameBuffer>>,
}

/// The fake ring.
#[derive(Debug, Default)]
pub struct FakeRing {
    slots: BTreeMap<FrameKey, Slot>,
    /// Bytes of each texture without a frame.
    idle: Vec<u64>,
    events: Vec<RingEvent>,
    /// Bytes of frames that were refused or lost since the last report.
    untold_bytes: u64,
    device_lost: u64,
    /// Steps that an upload takes beyond the first.
    pub delay_steps: u32,
    pub refuses: HashSet<u32>,
    /// What the device has room for, where it is less than the budget.
    pub capacity_bytes: Option<u64>,
    pub staging_bytes: u64,
    pub target_bytes: u64,
    /// Every upload that was ordered.
    pub ordered: Vec<FrameKey>,
    /// Orders that no real ring of this budget could obey.
    pub over_budget: u64,
}

impl FakeRing {
    /// Lets uploads move on and tells what happened since.
    pub fn step(&mut self) -> RingReport {
        for (key, slot) in &mut self.slots {
            if slot.frame.is_none() {
                continue;
            }
            if slot.steps_left > 0 {
                slot.steps_left -= 1;
                continue;
            }
            slot.frame = None;
            self.events.push(RingEvent::Resident { key: *key, bytes: slot.bytes, upload_nanos: 1000 });
        }
        self.untold_bytes = 0;
        RingReport {
            events: std::mem::take(&mut self.events),
            idle_bytes: self.idle_bytes(),
            staging_bytes: self.staging_bytes,
            target_bytes: self.target_bytes,
            device_lost: self.device_lost,
        }
    }

    pub fn apply(&mut self, orders: RingOrders) {
        for (key, cause) in orders.evict {
            if let Some(slot) = self.slots.remove(&key) {
                self.events.push(RingEvent::Evicted { key, bytes: slot.bytes, cause });
                self.idle.push(slot.bytes);
            }
        }
        self.trim_idle(0, orders.budget_bytes);
        if orders.drop_idle {
            self.idle.clear();
        }
        for order in orders.upload {
            self.take_in(order.key, order.frame, orders.budget_bytes);
        }
    }

    fn take_in(&mut self, key: FrameKey, frame: Arc<FrameBuffer>, budget_bytes: u64) {
        assert!(!self.slots.contains_key(&key), "{key:?} is there already");
        assert_eq!(frame.memory.bytes()[..16], mark(key), "the bytes are those of another frame");
        self.ordered.push(key);
        let bytes = frame.layout.total_bytes() as u64;
        let reused = self.idle.iter().position(|idle| *idle == bytes);
        match reused {
            Some(position) => {
                self.idle.swap_remove(position);
            }
            None => self.trim_idle(bytes, budget_bytes),
        }
        let is_over = reused.is_none() && self.held_bytes() + bytes > budget_bytes && !self.slots.is_empty();
        self.over_budget += u64::from(is_over);
        if is_over || self.refuses.contains(&key.index) {
            self.untold_bytes += bytes;
            let reason = if is_over { Refusal::OverBudget } else { Refusal::TooLarge };
            self.events.push(RingEvent::Refused { key, reason });
            return;
        }
        if self.capacity_bytes.is_some_and(|capacity| self.held_bytes() + bytes > capacity) {
            self.idle.clear();
        }
        if self.capacity_bytes.is_some_and(|capacity| self.held_bytes() + bytes > capacity) {
            self.untold_bytes += bytes;
            self.events.push(RingEvent::Refused { key, reason: Refusal::OutOfMemory });
            return;
        }
        self.slots.insert(key, Slot { bytes, steps_left: self.delay_steps, frame: Some(frame) });
    }

    /// Lets idle textures go until `bytes` more fit the budget.
    fn trim_idle(&mut self, bytes: u64, budget_bytes: u64) {
        while !self.idle.is_empty() && self.held_bytes() + bytes > budget_bytes {
            self.idle.remove(0);
        }
    }

    pub fn idle_bytes(&self) -> u64 {
        self.idle.iter().sum()
    }

    /// Bytes of everything that lies in VRAM.
    pub fn held_bytes(&self) -> u64 {
        self.bytes() + self.idle_bytes()
    }

    /// Bytes of the frames that the player believes to be here.
    pub fn told_bytes(&self) -> u64 {
        self.bytes() - self.staging_bytes + self.untold_bytes
    }

    /// Bytes in system memory that are being copied from.
    pub fn read_bytes(&self) -> u64 {
        self.slots.values().filter_map(|slot| slot.frame.as_ref()).map(|f| f.memory.len_bytes() as u64).sum()
    }

    /// Everything that is here or on its way.
    pub fn keys(&self) -> impl Iterator<Item = FrameKey> + '_ {
        self.slots.keys().copied()
    }

    /// Bytes of every slot and of staging.
    pub fn bytes(&self) -> u64 {
        self.staging_bytes + self.slots.values().map(|slot| slot.bytes).sum::<u64>()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether a frame is there and may be drawn.
    pub fn is_resident(&self, key: FrameKey) -> bool {
        self.slots.get(&key).is_some_and(|slot| slot.frame.is_none())
    }

    /// The device goes with everything on it.
    pub fn lose_device(&mut self) {
        self.device_lost += 1;
        let cause = EvictionCause::DeviceLost;
        self.idle.clear();
        for (key, slot) in std::mem::take(&mut self.slots) {
            self.untold_bytes += slot.bytes;
            self.events.push(RingEvent::Evicted { key, bytes: slot.bytes, cause });
        }
    }
}
