//! A machine whose memory a test gives away: what others take of it, a control group, stalls and events.

use rushes::memory::{CgroupEvents, CgroupReading, MemorySample, Reading, Stall};
use rushes::time::Nanos;

/// The fake machine. What the player has charged is its own part of what is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeMachine {
    pub total_bytes: u64,
    /// What everyone else takes.
    pub others_bytes: u64,
    pub group: Option<FakeGroup>,
    pub stall: Stall,
    pub events: CgroupEvents,
    /// VRAM is memory of this machine too.
    pub has_vram: bool,
}

/// A control group around the player and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FakeGroup {
    pub limit_bytes: u64,
    pub others_bytes: u64,
}

impl FakeMachine {
    pub fn new(total_bytes: u64) -> Self {
        let (stall, events) = Default::default();
        Self { total_bytes, others_bytes: 0, group: None, stall, events, has_vram: false }
    }

    /// What the machine says while the player has charged `own_bytes`.
    pub fn reading(&self, own_bytes: u64, at: Nanos) -> Reading {
        let host_available_bytes = self.total_bytes.saturating_sub(self.others_bytes + own_bytes);
        let group = self.group.map(|group| CgroupReading {
            used_bytes: group.others_bytes + own_bytes,
            limit_bytes: group.limit_bytes,
        });
        let room = group.map_or(u64::MAX, |group| group.room_bytes());
        let sample = MemorySample {
            total_bytes: self.total_bytes,
            ceiling_bytes: self.group.map_or(u64::MAX, |group| group.limit_bytes).min(self.total_bytes),
            available_bytes: host_available_bytes.min(room),
            rss_bytes: own_bytes,
            vms_bytes: own_bytes,
        };
        Reading {
            at,
            sample,
            host_available_bytes,
            cgroups: group.into_iter().collect(),
            stall: Some(self.stall),
            cgroup_events: Some(self.events),
        }
    }
}
