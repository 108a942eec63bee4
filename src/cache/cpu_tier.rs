//! Owns the decoded frames in system memory: an LRU by bytes whose victims are chosen by next use,
//! recency breaking ties. Every entry holds the charge of its buffer. The thread that ticks.

use std::sync::Arc;

use lru::LruCache;

use super::keep::{Candidate, Claim, Keep, least, least_of};
use crate::frame::{EvictionCause, FrameBuffer, FrameKey};
use crate::memory::{Charge, Pooled};
use crate::stats::{EvictionCounters, FrameClass, FrameSum};
use crate::time::Nanos;

#[derive(Debug)]
struct Entry {
    frame: Arc<FrameBuffer>,
    charge: Charge,
    /// When it was decoded; none once it was handed to the ring.
    unshown_since: Option<Nanos>,
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
    pub fn insert(
        &mut self,
        key: FrameKey,
        frame: FrameBuffer,
        charge: Charge,
        now: Nanos,
    ) -> Option<Evicted> {
        self.inserts += 1;
        let entry = Entry { frame: Arc::new(frame), charge, unshown_since: Some(now) };
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
        let is_first = entry.unshown_since.take().is_some();
        Some((Arc::clone(&entry.frame), is_first))
    }

    /// The frame that a newcomer pushes out, if any is worth less. Frames that are being read and those
    /// that `is_protected` are passed over.
    pub fn victim(
        &self,
        keep: &Keep,
        claim: &Claim,
        is_protected: impl Fn(FrameKey) -> bool,
    ) -> Option<FrameKey> {
        least(keep, claim, self.candidates(is_protected)).map(|candidate| candidate.key)
    }

    /// The frames that are worth least, until they hold `bytes` together.
    pub fn victims(&self, keep: &Keep, bytes: u64, is_protected: impl Fn(FrameKey) -> bool) -> Vec<FrameKey> {
        least_of(keep, bytes, self.candidates(is_protected))
    }

    fn candidates(&self, is_protected: impl Fn(FrameKey) -> bool) -> impl Iterator<Item = Candidate> {
        // Iteration of the LRU runs from the most to the least recently used.
        self.entries.iter().rev().enumerate().filter_map(move |(used, (key, entry))| {
            let may_leave = Arc::strong_count(&entry.frame) == 1 && !is_protected(*key);
            may_leave.then_some(Candidate {
                key: *key,
                bytes: entry.charge.bytes(),
                unshown_since: entry.unshown_since,
                used: used as u64,
            })
        })
    }

    /// Frames and bytes by class.
    pub fn by_class(&self, class: impl Fn(FrameKey) -> FrameClass) -> [FrameSum; FrameClass::ALL.len()] {
        let mut sums = [FrameSum::default(); FrameClass::ALL.len()];
        for (key, entry) in &self.entries {
            // What is being read cannot leave, whatever it is.
            let is_read = Arc::strong_count(&entry.frame) > 1;
            let class = if is_read { FrameClass::Protected } else { class(*key) };
            sums[class as usize].add(entry.charge.bytes());
        }
        sums
    }

    /// Takes one frame out.
    pub fn evict(&mut self, key: FrameKey, cause: EvictionCause) -> Option<Evicted> {
        let entry = self.entries.pop(&key)?;
        self.evictions.add(cause);
        Some(entry.evicted())
    }

    /// Keys of the frames that nobody reads now.
    pub fn unread_keys(&self) -> impl Iterator<Item = FrameKey> {
        let unread = self.entries.iter().filter(|(_, entry)| Arc::strong_count(&entry.frame) == 1);
        unread.map(|(key, _)| *key)
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
    use super::super::keep::{EvictionPolicy, Others};
    use super::*;
    use crate::frame::{ClipId, FrameMemory, LayerId, PlaneLayout, Revision, Window};
    use crate::memory::{Component, Ledger, Tier};
    use crate::time::{Direction, LoopMode, PreloadStrategy, Travel, WorkArea};
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
            if best.is_none_or(|best| keep.worth(key(index)) < keep.worth(key(best))) {
                best = Some(index);
            }
        }
        best
    }

    fn keep(travel: Travel, policy: EvictionPolicy) -> Keep {
        Keep {
            stream: key(0),
            travel,
            policy,
            horizon_frames: 12,
            guaranteed_frames: 3,
            others: Others::default(),
        }
    }

    proptest! {
        #[test]
        fn victims_equal_those_of_a_list(
            steps in prop::collection::vec(step(), 1..60),
            playhead in 0..20_u32,
            playing in any::<bool>(),
            policy in 0..3_usize,
        ) {
            let travel = Travel {
                playhead,
                direction: Direction::Forward,
                loop_mode: LoopMode::Once,
                area: WorkArea::new(3, 16),
                playing, strategy: PreloadStrategy::default(),
            };
            let keep = keep(travel, EvictionPolicy::ALL[policy]);
            let mut ledger = Ledger::default();
            let (mut tier, mut recency) = (CpuTier::default(), Vec::new());
            for step in steps {
                match step {
                    Step::Insert(index) => {
                        let charge = ledger.charge_over(Tier::Cpu, Component::Frames, None, 64);
                        tier.insert(key(index), frame(), charge, 0);
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
                        let victim = tier.victim(&keep, &Claim::FIRST, |other| other == key(protected));
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
        tier.insert(key(5), frame(), charge, 0);
        let travel = Travel {
            playhead: 0,
            direction: Direction::Forward,
            loop_mode: LoopMode::Loop,
            area: WorkArea::new(0, 9),
            playing: true,
            strategy: PreloadStrategy::default(),
        };
        let keep = keep(travel, EvictionPolicy::NextUse);
        let (reader, is_first) = tier.serve(key(5)).unwrap();
        assert!(is_first);
        assert_eq!(tier.victim(&keep, &Claim::FIRST, |_| false), None);
        drop(reader);
        assert_eq!(tier.victim(&keep, &Claim::FIRST, |_| false), Some(key(5)));
        assert!(!tier.serve(key(5)).unwrap().1, "served before");
    }
}
