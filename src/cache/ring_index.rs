//! Owns what the player knows of the texture ring: which frames it holds or is about to hold, by
//! its reports, and what they are charged. The ring itself lives with the GPU. The thread that ticks.

use std::collections::HashMap;

use super::keep::{Candidate, Claim, Keep, least, least_of};
use crate::frame::FrameKey;
use crate::memory::Charge;
use crate::stats::{FrameClass, FrameSum};

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
    /// Counts uses of the ring; the smallest is the least recent.
    used: u64,
}

/// The frames in VRAM and on their way there.
#[derive(Debug, Default)]
pub struct RingIndex {
    entries: HashMap<FrameKey, Entry>,
    resident: u64,
    uses: u64,
}

impl RingIndex {
    /// Notes an upload that was ordered.
    pub fn order(&mut self, key: FrameKey, origin: Origin, charge: Charge) {
        self.uses += 1;
        self.entries.insert(key, Entry { origin, charge, is_resident: false, used: self.uses });
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
        self.uses += 1;
        let entry = self.entries.get_mut(&key)?;
        entry.used = self.uses;
        Some(std::mem::replace(&mut entry.origin, Origin::Vram))
    }

    /// The resident frame that a newcomer pushes out, if any is worth less.
    pub fn victim(
        &self,
        keep: &Keep,
        claim: &Claim,
        is_protected: impl Fn(FrameKey) -> bool,
    ) -> Option<FrameKey> {
        least(keep, claim, self.candidates(is_protected)).map(|candidate| candidate.key)
    }

    /// The resident frames that are worth least, until they hold `bytes` together.
    pub fn victims(&self, keep: &Keep, bytes: u64, is_protected: impl Fn(FrameKey) -> bool) -> Vec<FrameKey> {
        least_of(keep, bytes, self.candidates(is_protected))
    }

    fn candidates(&self, is_protected: impl Fn(FrameKey) -> bool) -> impl Iterator<Item = Candidate> {
        let may_leave =
            self.entries.iter().filter(move |(key, entry)| entry.is_resident && !is_protected(**key));
        may_leave.map(|(key, entry)| Candidate {
            key: *key,
            bytes: entry.charge.bytes(),
            unshown_since: None,
            used: entry.used,
        })
    }

    /// Frames and bytes by class.
    pub fn by_class(&self, class: impl Fn(FrameKey) -> FrameClass) -> [FrameSum; FrameClass::ALL.len()] {
        let mut sums = [FrameSum::default(); FrameClass::ALL.len()];
        for (key, entry) in &self.entries {
            let class = if entry.is_resident { class(*key) } else { FrameClass::Protected };
            sums[class as usize].add(entry.charge.bytes());
        }
        sums
    }

    /// Frames that are complete.
    pub fn resident_frames(&self) -> u64 {
        self.resident
    }

    /// Frames that are there or on their way.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
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
