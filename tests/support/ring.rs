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
    events: Vec<RingEvent>,
    device_lost: u64,
    /// Steps that an upload takes beyond the first.
    pub delay_steps: u32,
    pub refuses: HashSet<u32>,
    pub staging_bytes: u64,
    pub target_bytes: u64,
    /// Textures without a frame, as a test has it.
    pub idle_bytes: u64,
    pub dropped_idle: u64,
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
        RingReport {
            events: std::mem::take(&mut self.events),
            idle_bytes: self.idle_bytes,
            staging_bytes: self.staging_bytes,
            target_bytes: self.target_bytes,
            device_lost: self.device_lost,
        }
    }

    pub fn apply(&mut self, orders: RingOrders) {
        if orders.drop_idle && self.idle_bytes > 0 {
            self.idle_bytes = 0;
            self.dropped_idle += 1;
        }
        for (key, cause) in orders.evict {
            if let Some(slot) = self.slots.remove(&key) {
                self.events.push(RingEvent::Evicted { key, bytes: slot.bytes, cause });
            }
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
        let is_over = self.bytes() + bytes > budget_bytes && !self.slots.is_empty();
        self.over_budget += u64::from(is_over);
        if is_over || self.refuses.contains(&key.index) {
            let reason = if is_over { Refusal::OverBudget } else { Refusal::TooLarge };
            self.events.push(RingEvent::Refused { key, reason });
            return;
        }
        self.slots.insert(key, Slot { bytes, steps_left: self.delay_steps, frame: Some(frame) });
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
        for (key, slot) in std::mem::take(&mut self.slots) {
            self.events.push(RingEvent::Evicted { key, bytes: slot.bytes, cause });
        }
    }
}
