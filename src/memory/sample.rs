//! Owns the reading of the machine's memory: host, control groups, address space, own process.
//! Reads files of the operating system, through `sysinfo` and by itself; called about once a second,
//! by one thread at a time.

use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::cgroup::CgroupFiles;
use super::{CgroupReading, Reading};

/// What the machine says at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemorySample {
    pub total_bytes: u64,
    /// The most that this process could ever have: the smallest of the machine's memory, the limits of its
    /// control groups and its address space.
    pub ceiling_bytes: u64,
    /// The smallest of: the host's available memory, each control group's room, the address space.
    pub available_bytes: u64,
    /// Resident and virtual size of this process.
    pub rss_bytes: u64,
    pub vms_bytes: u64,
}

/// Takes samples; keeps the handles that make it cheap.
pub struct Sampler {
    system: Option<System>,
    pid: Option<Pid>,
    groups: CgroupFiles,
}

impl Default for Sampler {
    fn default() -> Self {
        let pid = sysinfo::get_current_pid().ok();
        Self { system: System::new().ok(), pid, groups: CgroupFiles::default() }
    }
}

impl Sampler {
    /// Reads the current figures; what cannot be read does not limit.
    pub fn sample(&mut self) -> MemorySample {
        self.read().sample
    }

    /// Reads everything that is known, without the time.
    pub(super) fn read(&mut self) -> Reading {
        let Some(system) = &mut self.system else { return Reading::default() };
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let (total_bytes, host_available_bytes) = (system.total_memory(), system.available_memory());
        let own_size = self.groups.own_size();
        let (rss_bytes, vms_bytes) = own_size.unwrap_or_else(|| own_process(system, self.pid));
        let mut groups = self.groups.read();
        // A group that may take more than there is does not limit.
        groups.cgroups.retain(|group| group.limit_bytes < total_bytes);
        let limits = groups.cgroups.iter().map(|group| group.limit_bytes).chain(address_space_limit());
        let ceiling_bytes = limits.fold(total_bytes, u64::min);
        let rooms = groups.cgroups.iter().map(CgroupReading::room_bytes);
        let rooms = rooms.chain(address_space_limit().map(|limit| limit.saturating_sub(vms_bytes)));
        let available_bytes = rooms.fold(host_available_bytes, u64::min);
        Reading {
            at: 0,
            sample: MemorySample { total_bytes, ceiling_bytes, available_bytes, rss_bytes, vms_bytes },
            host_available_bytes,
            cgroups: groups.cgroups,
            stall: groups.stall,
            cgroup_events: groups.events,
        }
    }
}

/// Resident and virtual size where the system has no file that tells them.
fn own_process(system: &mut System, pid: Option<Pid>) -> (u64, u64) {
    let Some(pid) = pid else { return (0, 0) };
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        false,
        ProcessRefreshKind::nothing().with_memory(),
    );
    let process = system.process(pid);
    process.map_or((0, 0), |process| (process.memory(), process.virtual_memory()))
}

/// The memory of the GPU at a PCI address such as `0000:01:00.0`, where the system tells.
pub fn adapter_memory(pci_address: &str) -> Option<u64> {
    let gpus = sysinfo::Gpus::new_with_refreshed_list().ok()?;
    let at_address = |gpu: &&sysinfo::Gpu| gpu.pci().to_string().eq_ignore_ascii_case(pci_address);
    gpus.iter().find(at_address)?.total_memory().filter(|bytes| *bytes > 0)
}

/// The most that this process may map, where that is limited.
#[cfg(unix)]
pub(super) fn address_space_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::As).current
}

#[cfg(not(unix))]
pub(super) fn address_space_limit() -> Option<u64> {
    None
}

/// What this process may still map, where that is limited.
pub fn address_space_room() -> Option<u64> {
    let limit = address_space_limit()?;
    Some(limit.saturating_sub(Sampler::default().sample().vms_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_this_machine_is_plausible() {
        let sample = Sampler::default().sample();
        assert!(sample.total_bytes > 64 << 20);
        assert!(sample.available_bytes <= sample.total_bytes);
        assert!(sample.rss_bytes > 1 << 20 && sample.rss_bytes < sample.total_bytes);
        assert!(sample.vms_bytes >= sample.rss_bytes);
    }

    #[test]
    fn a_tighter_group_limits_what_is_available_and_a_wider_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/self/cgroup", "0::/");
        write("proc/self/mountinfo", "30 23 0:26 / /groups rw - cgroup2 cgroup2 rw");
        write("groups/memory.current", "1000");
        write("groups/memory.max", "5000");
        let mut sampler = Sampler { groups: CgroupFiles::at(folder.path()), ..Sampler::default() };
        let reading = sampler.read();
        assert_eq!((reading.sample.available_bytes, reading.cgroups.len()), (4000, 1));
        assert!(reading.host_available_bytes > 4000 && reading.sample.rss_bytes > 1 << 20);
        write("groups/memory.max", "4611686018427387904");
        let reading = sampler.read();
        assert!(reading.sample.available_bytes > 4000 && reading.cgroups.is_empty());
    }
}
