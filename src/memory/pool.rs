//! Owns frame buffers between two uses, by size class, so that steady playback allocates nothing.
//! What lies idle is charged as pool slack and goes back to the machine after a while. The thread
//! that ticks.

use std::collections::BTreeMap;

use super::{Charge, Component, Ledger, Tier};
use crate::frame::{ClipId, FrameMemory};
use crate::time::Nanos;

/// A buffer that nobody took for this long goes back to the machine.
pub const IDLE_NANOS: Nanos = 5_000_000_000;

/// Buffers of at least this size are rounded to multiples of it, smaller ones to pages: frames of a
/// sequence with slightly different data windows share a class.
const LARGE_STEP_BYTES: usize = 64 << 10;
const PAGE_BYTES: usize = 4 << 10;

/// The size of the buffer that a frame of `bytes` lives in.
pub fn size_class(bytes: usize) -> usize {
    let step = if bytes < 1 << 20 { PAGE_BYTES } else { LARGE_STEP_BYTES };
    bytes.max(1).checked_next_multiple_of(step).unwrap_or(bytes)
}

/// A buffer with its charge.
#[derive(Debug)]
pub struct Pooled {
    pub memory: FrameMemory,
    pub charge: Charge,
}

#[derive(Debug)]
struct Idle {
    pooled: Pooled,
    since: Nanos,
}

/// Idle buffers by size class.
#[derive(Debug, Default)]
pub struct FramePool {
    classes: BTreeMap<usize, Vec<Idle>>,
}

impl FramePool {
    /// An idle buffer of exactly the class of `bytes`, now charged to `component` and `clip`.
    pub fn take(
        &mut self,
        ledger: &mut Ledger,
        bytes: usize,
        component: Component,
        clip: ClipId,
    ) -> Option<Pooled> {
        let class = size_class(bytes);
        let idle = self.classes.get_mut(&class)?.pop()?;
        if self.classes.get(&class).is_some_and(Vec::is_empty) {
            self.classes.remove(&class);
        }
        let mut pooled = idle.pooled;
        ledger.relabel(&mut pooled.charge, component, Some(clip));
        Some(pooled)
    }

    /// Keeps a buffer for the next request.
    pub fn give(&mut self, ledger: &mut Ledger, mut pooled: Pooled, now: Nanos) {
        ledger.relabel(&mut pooled.charge, Component::PoolSlack, None);
        let class = pooled.memory.len_bytes();
        self.classes.entry(class).or_default().push(Idle { pooled, since: now });
    }

    /// Gives idle buffers back to the machine until the tier has `bytes` of headroom or none is left.
    pub fn release_until(&mut self, ledger: &Ledger, bytes: u64) {
        while ledger.headroom(Tier::Cpu) < bytes && self.release_one() {}
    }

    /// Gives back what has been idle too long.
    pub fn release_idle(&mut self, now: Nanos) {
        for idle in self.classes.values_mut() {
            idle.retain(|idle| now - idle.since < IDLE_NANOS);
        }
        self.classes.retain(|_, idle| !idle.is_empty());
    }

    /// When the next idle buffer goes back to the machine.
    pub fn idle_until(&self) -> Option<Nanos> {
        let oldest = self.classes.values().flatten().map(|idle| idle.since).min()?;
        Some(oldest + IDLE_NANOS)
    }

    /// Bytes of the idle buffers themselves, for the check against the ledger.
    pub fn idle_bytes(&self) -> u64 {
        self.classes.values().flatten().map(|idle| idle.pooled.memory.len_bytes() as u64).sum()
    }

    /// Gives everything back.
    pub fn clear(&mut self) {
        self.classes.clear();
    }

    fn release_one(&mut self) -> bool {
        let Some(mut largest) = self.classes.last_entry() else { return false };
        largest.get_mut().pop();
        if largest.get().is_empty() {
            largest.remove();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: ClipId = ClipId(1);

    fn pooled(ledger: &mut Ledger, bytes: usize) -> Pooled {
        let class = size_class(bytes);
        let memory = FrameMemory::allocate(class).unwrap();
        let charge = ledger.charge_over(Tier::Cpu, Component::InFlight, Some(CLIP), class as u64);
        Pooled { memory, charge }
    }

    #[test]
    fn a_buffer_comes_back_to_a_request_of_its_class() {
        let (mut ledger, mut pool) = (Ledger::default(), FramePool::default());
        let buffer = pooled(&mut ledger, 5000);
        pool.give(&mut ledger, buffer, 0);
        assert_eq!(ledger.charged_component(Tier::Cpu, Component::PoolSlack), 8192);
        assert!(pool.take(&mut ledger, 9000, Component::InFlight, CLIP).is_none());
        let taken = pool.take(&mut ledger, 8000, Component::InFlight, CLIP).unwrap();
        assert_eq!(ledger.charged_component(Tier::Cpu, Component::InFlight), 8192);
        assert_eq!(taken.memory.len_bytes(), 8192);
    }

    #[test]
    fn idle_buffers_go_back_to_the_machine() {
        let (mut ledger, mut pool) = (Ledger::default(), FramePool::default());
        let (old, young) = (pooled(&mut ledger, 100), pooled(&mut ledger, 100));
        pool.give(&mut ledger, old, 0);
        pool.give(&mut ledger, young, IDLE_NANOS / 2);
        pool.release_idle(IDLE_NANOS);
        assert_eq!(ledger.charged(Tier::Cpu), 4096);
        pool.release_until(&ledger, 1);
        assert_eq!(ledger.charged(Tier::Cpu), 0);
    }
}
