//! Owns what the player knows of the texture ring: which frames it holds or is about to hold, by
//! its reports, and what they are charged. The ring itself lives with the GPU. The thread that ticks.

use std::collections::HashMap;

use super::keep::{Keep, farthest};
use crate::frame::FrameKey;
use crate::memory::Charge;
use crate::time::NextUse;

/// Where the bytes of a frame in VRAM came from since it was last presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Decoded and uploaded for this presentation.
    Decode,
    /// Uploaded from the CPU tier, which held it from before.
    CpuTier,
    /// Was in VRAM already.
    Vram,
}

#[derive(Debug)]
struct Entry {
    origin: Origin,
    charge: Charge,
    is_resident: bool,
}

/// The frames in VRAM and on their way there.
#[derive(Debug, Default)]
pub struct RingIndex {
    entries: HashMap<FrameKey, Entry>,
    resident: u64,
}

impl RingIndex {
    /// Notes an upload that was ordered.
    pub fn order(&mut self, key: FrameKey, origin: Origin, charge: Charge) {
        self.entries.insert(key, Entry { origin, charge, is_resident: false });
    }

    /// Notes that an ordered upload is complete.
    pub fn arrived(&mut self, key: FrameKey) {
        if let Some(entry) = self.entries.get_mut(&key)
            && !entry.is_resident
        {
            entry.is_resident = true;
            self.resident += 1;
        }
    }

    /// Forgets a frame that left, was refused or was ordered to leave.
    pub fn remove(&mut self, key: FrameKey) {
        if self.entries.remove(&key).is_some_and(|entry| entry.is_resident) {
            self.resident -= 1;
        }
    }

    /// Whether the frame is there or on its way.
    pub fn holds(&self, key: FrameKey) -> bool {
        self.entries.contains_key(&key)
    }

    pub fn is_resident(&self, key: FrameKey) -> bool {
        self.entries.get(&key).is_some_and(|entry| entry.is_resident)
    }

    /// Notes a presentation; returns where the frame came from for it.
    pub fn present(&mut self, key: FrameKey) -> Option<Origin> {
        let entry = self.entries.get_mut(&key)?;
        Some(std::mem::replace(&mut entry.origin, Origin::Vram))
    }

    /// The resident frame that may leave first, if any is needed later than `beyond`.
    pub fn victim(
        &self,
        keep: &Keep,
        beyond: NextUse,
        is_protected: impl Fn(FrameKey) -> bool,
    ) -> Option<(FrameKey, u64)> {
        let mut candidates: Vec<FrameKey> = self
            .entries
            .iter()
            .filter(|(key, entry)| entry.is_resident && !is_protected(**key))
            .map(|(key, _)| *key)
            .collect();
        // The map has no order of its own; ties are broken by key so that runs repeat exactly.
        candidates.sort_unstable();
        let key = farthest(keep, beyond, candidates.into_iter())?;
        Some((key, self.entries[&key].charge.bytes()))
    }

    /// Frames that are complete.
    pub fn resident_frames(&self) -> u64 {
        self.resident
    }

    /// Uploads ordered and not complete.
    pub fn on_their_way(&self) -> usize {
        self.entries.len() - self.resident as usize
    }

    /// Keys of everything held.
    pub fn keys(&self) -> impl Iterator<Item = FrameKey> + '_ {
        self.entries.keys().copied()
    }

    /// Sum of the charges, for the check against the ledger.
    pub fn charged_bytes(&self) -> u64 {
        self.entries.values().map(|entry| entry.charge.bytes()).sum()
    }
}
