//! Owns the reading of the machine's memory: host, control groups, address space, own process.
//! Reads files of the operating system through `sysinfo`; called about once a second by the thread
//! that ticks.

use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// What the machine says at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemorySample {
    pub total_bytes: u64,
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
}

impl Default for Sampler {
    fn default() -> Self {
        Self { system: System::new().ok(), pid: sysinfo::get_current_pid().ok() }
    }
}

impl Sampler {
    /// Reads the current figures; what cannot be read does not limit.
    pub fn sample(&mut self) -> MemorySample {
        let Some(system) = &mut self.system else { return MemorySample::default() };
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let (rss_bytes, vms_bytes) = own_process(system, self.pid);
        let host_room = Some(system.available_memory());
        let rooms = [host_room, cgroup_room(system, self.pid), address_space_room(vms_bytes)];
        MemorySample {
            total_bytes: system.total_memory(),
            available_bytes: rooms.into_iter().flatten().min().unwrap_or(0),
            rss_bytes,
            vms_bytes,
        }
    }
}

/// Resident and virtual size.
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

/// Room in this process's own control groups: the limit less what is in use without the page
/// cache, which a player that streams files would otherwise mistake for pressure.
fn cgroup_room(system: &System, pid: Option<Pid>) -> Option<u64> {
    let limits = system.process(pid?)?.cgroup_limits()?;
    (limits.total_memory < system.total_memory()).then(|| limits.total_memory.saturating_sub(limits.rss))
}

/// The memory of the GPU at a PCI address such as `0000:01:00.0`, where the system tells.
pub fn adapter_memory(pci_address: &str) -> Option<u64> {
    let gpus = sysinfo::Gpus::new_with_refreshed_list().ok()?;
    let at_address = |gpu: &&sysinfo::Gpu| gpu.pci().to_string().eq_ignore_ascii_case(pci_address);
    gpus.iter().find(at_address)?.total_memory().filter(|bytes| *bytes > 0)
}

#[cfg(unix)]
fn address_space_room(mapped_bytes: u64) -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    Some(limit.saturating_sub(mapped_bytes))
}

#[cfg(not(unix))]
fn address_space_room(_mapped_bytes: u64) -> Option<u64> {
    None
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
}
