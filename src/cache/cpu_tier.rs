//! Owns the decoded frames in system memory: an LRU by bytes whose victims are chosen by next use,
//! recency breaking ties. Every entry holds the charge of its buffer. The thread that ticks.

use std::sync::Arc;

use lru::LruCache;

use super::keep::{Keep, farthest};
use crate::frame::{EvictionCause, FrameBuffer, FrameKey};
use crate::memory::{Charge, Pooled};
use crate::stats::EvictionCounters;
use crate::time::NextUse;

#[derive(Debug)]
struct Entry {
    frame: Arc<FrameBuffer>,
    charge: Charge,
    /// Whether it was handed to the ring since it was decoded.
    was_served: bool,
}

/// What an eviction set free; the buffer comes along unless somebody else still reads it.
#[derive(Debug)]
pub struct Evicted {
    pub pooled: Option<Pooled>,
}

/// The CPU tier of the cache.
#[derive(Debug)]
pub struct CpuTier {
    entries: LruCache<FrameKey, Entry>,
    inserts: u64,
    evictions: EvictionCounters,
}

impl Default for CpuTier {
    fn default() -> Self {
        Self { entries: LruCache::unbounded(), inserts: 0, evictions: EvictionCounters::default() }
    }
}

impl CpuTier {
    /// Admits a frame with the charge of its buffer; a frame that was there before leaves.
    pub fn insert(&mut self, key: FrameKey, frame: FrameBuffer, charge: Charge) -> Option<Evicted> {
        self.inserts += 1;
        let entry = Entry { frame: Arc::new(frame), charge, was_served: false };
        self.entries.put(key, entry).map(Entry::evicted)
    }

    pub fn contains(&self, key: FrameKey) -> bool {
        self.entries.contains(&key)
    }

    /// The frame, without counting as a use.
    pub fn peek(&self, key: FrameKey) -> Option<&Arc<FrameBuffer>> {
        self.entries.peek(&key).map(|entry| &entry.frame)
    }

    /// The frame for an upload, and whether this is its first use since it was decoded.
    pub fn serve(&mut self, key: FrameKey) -> Option<(Arc<FrameBuffer>, bool)> {
        let entry = self.entries.get_mut(&key)?;
        let is_first = !std::mem::replace(&mut entry.was_served, true);
        Some((Arc::clone(&entry.frame), is_first))
    }

    /// The frame that may leave first, if any is needed later than `beyond`. Frames that are being
    /// read and those that `is_protected` are passed over.
    pub fn victim(
        &self,
        keep: &Keep,
        beyond: NextUse,
        is_protected: impl Fn(FrameKey) -> bool,
    ) -> Option<FrameKey> {
        let may_leave = |(key, entry): (&FrameKey, &Entry)| {
            (Arc::strong_count(&entry.frame) == 1 && !is_protected(*key)).then_some(*key)
        };
        // Iteration runs from the most to the least recently used; ties go to the latter.
        farthest(keep, beyond, self.entries.iter().rev().filter_map(may_leave))
    }

    /// Takes one frame out.
    pub fn evict(&mut self, key: FrameKey, cause: EvictionCause) -> Option<Evicted> {
        let entry = self.entries.pop(&key)?;
        self.evictions.add(cause);
        Some(entry.evicted())
    }

    /// Keys that satisfy a condition, for clearing out what nobody can want.
    pub fn keys_where(&self, condition: impl Fn(FrameKey) -> bool) -> Vec<FrameKey> {
        self.entries.iter().map(|(key, _)| *key).filter(|key| condition(*key)).collect()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn inserts(&self) -> u64 {
        self.inserts
    }

    pub fn evictions(&self) -> EvictionCounters {
        self.evictions
    }

    /// Sum of the charges of what is resident, for the check against the ledger.
    pub fn resident_bytes(&self) -> u64 {
        self.entries.iter().map(|(_, entry)| entry.charge.bytes()).sum()
    }
}

impl Entry {
    fn evicted(self) -> Evicted {
        let charge = self.charge;
        let pooled = Arc::try_unwrap(self.frame).ok().map(|frame| Pooled { memory: frame.memory, charge });
        Evicted { pooled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{ClipId, FrameMemory, LayerId, PlaneLayout, Revision, Window};
    use crate::memory::{Component, Ledger, Tier};
    use crate::time::{Direction, LoopMode, Travel, WorkArea};
    use proptest::prelude::*;

    fn key(index: u32) -> FrameKey {
        FrameKey { clip: ClipId(1), revision: Revision(0), layer: LayerId(0), level: 0, index }
    }

    fn frame() -> FrameBuffer {
        let window = Window::at_origin(1, 1);
        let layout = PlaneLayout::new(Vec::new(), window, window, 1.0).unwrap();
        let memory = FrameMemory::allocate(64).unwrap();
        FrameBuffer { layout: Arc::new(layout), memory, missing: Vec::new() }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Insert(u32),
        Serve(u32),
        EvictOne(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..20_u32).prop_map(Step::Insert),
            (0..20_u32).prop_map(Step::Serve),
            (0..20_u32).prop_map(Step::EvictOne),
        ]
    }

    /// The naive twin: keys from the least to the most recently used.
    fn naive_victim(recency: &[u32], keep: &Keep, protected: u32) -> Option<u32> {
        let mut best: Option<u32> = None;
        for index in recency.iter().copied().filter(|index| *index != protected) {
            let next_use = keep.next_use(key(index));
            if next_use > NextUse::NOW && best.is_none_or(|best| next_use > keep.next_use(key(best))) {
                best = Some(index);
            }
        }
        best
    }

    proptest! {
        #[test]
        fn victims_equal_those_of_a_list(
            steps in prop::collection::vec(step(), 1..60),
            playhead in 0..20_u32,
            playing in any::<bool>(),
        ) {
            let travel = Travel {
                playhead,
                direction: Direction::Forward,
                loop_mode: LoopMode::Once,
                area: WorkArea::new(3, 16),
                playing,
            };
            let keep = Keep { stream: key(0), travel };
            let mut ledger = Ledger::default();
            let (mut tier, mut recency) = (CpuTier::default(), Vec::new());
            for step in steps {
                match step {
                    Step::Insert(index) => {
                        let charge = ledger.charge_over(Tier::Cpu, Component::Frames, None, 64);
                        tier.insert(key(index), frame(), charge);
                        recency.retain(|other| *other != index);
                        recency.push(index);
                    }
                    Step::Serve(index) => {
                        prop_assert_eq!(tier.serve(key(index)).is_some(), recency.contains(&index));
                        if recency.contains(&index) {
                            recency.retain(|other| *other != index);
                            recency.push(index);
                        }
                    }
                    Step::EvictOne(protected) => {
                        let victim = tier.victim(&keep, NextUse::NOW, |other| other == key(protected));
                        prop_assert_eq!(victim.map(|key| key.index), naive_victim(&recency, &keep, protected));
                        if let Some(victim) = victim {
                            tier.evict(victim, EvictionCause::MadeRoom);
                            recency.retain(|other| *other != victim.index);
                        }
                    }
                }
                prop_assert_eq!(tier.len(), recency.len());
                prop_assert_eq!(tier.resident_bytes(), ledger.charged(Tier::Cpu));
            }
        }
    }

    #[test]
    fn a_frame_that_is_being_read_is_no_victim() {
        let mut ledger = Ledger::default();
        let mut tier = CpuTier::default();
        let charge = ledger.charge_over(Tier::Cpu, Component::Frames, None, 64);
        tier.insert(key(5), frame(), charge);
        let travel = Travel {
            playhead: 0,
            direction: Direction::Forward,
            loop_mode: LoopMode::Loop,
            area: WorkArea::new(0, 9),
            playing: true,
        };
        let keep = Keep { stream: key(0), travel };
        let (reader, is_first) = tier.serve(key(5)).unwrap();
        assert!(is_first);
        assert_eq!(tier.victim(&keep, NextUse::NOW, |_| false), None);
        drop(reader);
        assert_eq!(tier.victim(&keep, NextUse::NOW, |_| false), Some(key(5)));
        assert!(!tier.serve(key(5)).unwrap().1, "served before");
    }
}
