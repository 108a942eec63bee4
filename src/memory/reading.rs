//! Owns the shape of what the machine says at one moment, and the trait of those who can say it.
//! Reads nothing itself but through [`Sampler`]; a source is used by one thread at a time.

use std::time::Instant;

use smallvec::SmallVec;

use super::{MemorySample, Sampler};
use crate::stats::MachineMemory;
use crate::time::Nanos;

/// A control group that has a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CgroupReading {
    /// Without page cache.
    pub used_bytes: u64,
    pub limit_bytes: u64,
}

impl CgroupReading {
    /// What is left until the limit.
    pub fn room_bytes(&self) -> u64 {
        self.limit_bytes.saturating_sub(self.used_bytes)
    }
}

/// The time that tasks waited for memory so far (PSI).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stall {
    /// At least one task waited.
    pub some_micros: u64,
    /// All of them waited.
    pub full_micros: u64,
}

/// How often control groups with a limit ran into it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CgroupEvents {
    pub high: u64,
    pub max: u64,
    /// Nothing could be reclaimed.
    pub oom: u64,
}

/// Everything that the machine says of memory at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// By the source's own clock, which never runs backwards; only differences mean something.
    pub at: Nanos,
    pub sample: MemorySample,
    /// Of the host alone; the sample's figure is the smallest of all limits.
    pub host_available_bytes: u64,
    /// From the own group upwards, those with a limit below the machine's memory.
    pub cgroups: SmallVec<[CgroupReading; 4]>,
    pub stall: Option<Stall>,
    pub cgroup_events: Option<CgroupEvents>,
}

impl Reading {
    /// The same as the statistics show it.
    pub fn status(&self) -> MachineMemory {
        let tightest = self.cgroups.iter().min_by_key(|group| group.room_bytes());
        MachineMemory {
            total_bytes: self.sample.total_bytes,
            available_bytes: self.sample.available_bytes,
            used_bytes: self.sample.total_bytes.saturating_sub(self.host_available_bytes),
            rss_bytes: self.sample.rss_bytes,
            vms_bytes: self.sample.vms_bytes,
            cgroup_limit_bytes: tightest.map(|group| group.limit_bytes),
            cgroup_used_bytes: tightest.map(|group| group.used_bytes),
            stall_some_micros: self.stall.map(|stall| stall.some_micros),
            stall_full_micros: self.stall.map(|stall| stall.full_micros),
        }
    }

    /// Puts other figures in place of the machine's, for simulated pressure. Control groups are left
    /// out, so that nothing but the simulation counts.
    pub fn simulate(&mut self, available_bytes: u64, total_bytes: u64) {
        self.sample.available_bytes = available_bytes;
        self.sample.total_bytes = total_bytes;
        self.host_available_bytes = available_bytes;
        self.cgroups.clear();
        self.cgroup_events = None;
    }
}

/// Who can say what the machine has. May be slow: it is asked by a thread of its own.
pub trait Source: Send {
    fn read(&mut self) -> Reading;
}

/// The real machine.
pub struct MachineSource {
    sampler: Sampler,
    started: Instant,
}

impl Default for MachineSource {
    fn default() -> Self {
        Self { sampler: Sampler::default(), started: Instant::now() }
    }
}

impl Source for MachineSource {
    fn read(&mut self) -> Reading {
        let at = self.started.elapsed().as_nanos().cast_signed();
        Reading { at, ..self.sampler.read() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        let group = |used_bytes, limit_bytes| CgroupReading { used_bytes, limit_bytes };
        Reading {
            sample: MemorySample {
                total_bytes: 1000,
                ceiling_bytes: 500,
                available_bytes: 40,
                rss_bytes: 7,
                vms_bytes: 9,
            },
            host_available_bytes: 600,
            cgroups: [group(100, 200), group(460, 500)].into_iter().collect(),
            stall: Some(Stall { some_micros: 3, full_micros: 2 }),
            ..Reading::default()
        }
    }

    #[test]
    fn the_status_names_the_group_with_the_least_room() {
        let status = reading().status();
        assert_eq!((status.cgroup_limit_bytes, status.cgroup_used_bytes), (Some(500), Some(460)));
        assert_eq!((status.used_bytes, status.available_bytes), (400, 40));
        assert_eq!((status.stall_some_micros, status.stall_full_micros), (Some(3), Some(2)));
        assert_eq!(Reading::default().status(), MachineMemory::default());
    }

    #[test]
    fn a_simulated_machine_has_no_other_limits() {
        let mut reading = reading();
        reading.simulate(5, 50);
        let status = reading.status();
        assert_eq!((status.total_bytes, status.available_bytes, status.used_bytes), (50, 5, 45));
        assert_eq!((status.cgroup_limit_bytes, status.rss_bytes), (None, 7));
    }

    #[test]
    fn readings_of_this_machine_follow_each_other() {
        let mut source = MachineSource::default();
        let (first, second) = (source.read(), source.read());
        assert!(second.at >= first.at);
        assert!(second.sample.available_bytes <= second.host_available_bytes);
        assert_eq!(first.sample.total_bytes, second.sample.total_bytes);
    }
}
