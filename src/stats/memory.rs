//! Owns the shape of what is known of memory: pressure, classes, components, clips, leaks. Plain data
//! that the rooms `memory` and `player` fill and that panels, reports and metrics read. Any thread.

use std::sync::Arc;

use super::Percentiles;

/// How close a tier is to having nothing left to give up. Each level takes more away.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum PressureLevel {
    #[default]
    None,
    Low,
    Moderate,
    High,
    Critical,
    /// An allocation failed or the device was lost.
    Emergency,
}

impl PressureLevel {
    pub const ALL: [Self; 6] =
        [Self::None, Self::Low, Self::Moderate, Self::High, Self::Critical, Self::Emergency];

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Moderate => "moderate",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Emergency => "emergency",
        }
    }
}

/// The same vote in three steps, for people and for cleaners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum MemoryState {
    #[default]
    Normal,
    Warning,
    Critical,
}

impl MemoryState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Who speaks for a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum VoteSource {
    /// Our own bytes that cannot be evicted now, over the limit.
    Ours,
    /// The host's memory without what we could evict.
    Host,
    /// A control group's memory without what we could evict.
    Cgroup,
    /// What is available, measured by the reserve.
    Available,
    /// Stall times of the kernel (PSI).
    Stall,
    /// The resident size grows faster than the charges.
    Growth,
    /// An allocation failed.
    Allocation,
    /// The graphics device was lost.
    Device,
    /// A trace or an operator says so.
    Simulated,
}

impl VoteSource {
    pub const ALL: [Self; 9] = [
        Self::Ours,
        Self::Host,
        Self::Cgroup,
        Self::Available,
        Self::Stall,
        Self::Growth,
        Self::Allocation,
        Self::Device,
        Self::Simulated,
    ];

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Host => "host",
            Self::Cgroup => "cgroup",
            Self::Available => "available",
            Self::Stall => "stall",
            Self::Growth => "growth",
            Self::Allocation => "allocation",
            Self::Device => "device",
            Self::Simulated => "simulated",
        }
    }
}

/// Changes of level, counted by where they led from and to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransitionCounts([[u64; PressureLevel::ALL.len()]; PressureLevel::ALL.len()]);

impl TransitionCounts {
    pub fn add(&mut self, from: PressureLevel, to: PressureLevel) {
        self.0[from as usize][to as usize] += 1;
    }

    pub fn total(&self) -> u64 {
        self.0.iter().flatten().sum()
    }

    /// Every pair that happened, with its count.
    pub fn iter(&self) -> impl Iterator<Item = (PressureLevel, PressureLevel, u64)> + '_ {
        let pairs = PressureLevel::ALL.into_iter().flat_map(|from| PressureLevel::ALL.map(|to| (from, to)));
        pairs
            .map(|(from, to)| (from, to, self.0[from as usize][to as usize]))
            .filter(|(.., count)| *count > 0)
    }
}

/// The pressure on one tier.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PressureStatus {
    pub level: PressureLevel,
    /// The highest level so far.
    pub peak: PressureLevel,
    pub state: MemoryState,
    /// The highest vote as a share of what there is.
    pub fraction: f64,
    /// What each source said last, in the order of [`VoteSource::ALL`]; none where it is silent.
    pub votes: [Option<f64>; VoteSource::ALL.len()],
    pub transitions: TransitionCounts,
    /// Alerts by level, in the order of [`PressureLevel::ALL`].
    pub alerts: [u64; PressureLevel::ALL.len()],
}

/// Whether a frame may leave, and why it would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum FrameClass {
    // Evictable, in the order in which they leave.
    OldRevision,
    /// Of another layer, or outside the work area.
    Unwanted,
    FarBehind,
    FarAhead,
    OtherClip,
    NearBehind,
    NearAhead,
    /// Kept while there is room for every clip's guarantee.
    Guaranteed,
    /// On screen, waited for or being read.
    Protected,
}

impl FrameClass {
    pub const ALL: [Self; 9] = [
        Self::OldRevision,
        Self::Unwanted,
        Self::FarBehind,
        Self::FarAhead,
        Self::OtherClip,
        Self::NearBehind,
        Self::NearAhead,
        Self::Guaranteed,
        Self::Protected,
    ];

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OldRevision => "old_revision",
            Self::Unwanted => "unwanted",
            Self::FarBehind => "far_behind",
            Self::FarAhead => "far_ahead",
            Self::OtherClip => "other_clip",
            Self::NearBehind => "near_behind",
            Self::NearAhead => "near_ahead",
            Self::Guaranteed => "guaranteed",
            Self::Protected => "protected",
        }
    }
}

/// Frames and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct FrameSum {
    pub frames: u64,
    pub bytes: u64,
}

impl FrameSum {
    /// Counts one frame.
    pub fn add(&mut self, bytes: u64) {
        self.frames += 1;
        self.bytes += bytes;
    }
}

/// What a tier holds, by class and by component.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TierContents {
    /// In the order of [`FrameClass::ALL`].
    pub by_class: [FrameSum; FrameClass::ALL.len()],
    /// Name and bytes of every component, those without any included.
    pub by_component: Vec<(&'static str, u64)>,
}

/// What one clip takes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClipMemory {
    /// Safe to show.
    pub name: String,
    pub cpu_bytes: u64,
    pub gpu_bytes: u64,
    /// Its share of the CPU tier when all clips want theirs.
    pub quota_bytes: u64,
    pub guarantee_bytes: u64,
    /// Seconds since its bytes changed last.
    pub unchanged_secs: f64,
    /// Bytes a second that were charged for it lately.
    pub alloc_bytes_per_s: f64,
    /// Name and bytes of each component that has any, both tiers together.
    pub by_component: Vec<(&'static str, u64)>,
}

/// What the machine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MachineMemory {
    pub total_bytes: u64,
    /// The smallest of host, control groups and address space.
    pub available_bytes: u64,
    pub used_bytes: u64,
    pub rss_bytes: u64,
    pub vms_bytes: u64,
    /// The tightest limit of a control group.
    pub cgroup_limit_bytes: Option<u64>,
    pub cgroup_used_bytes: Option<u64>,
    /// Stall times of the kernel so far, in microseconds.
    pub stall_some_micros: Option<u64>,
    pub stall_full_micros: Option<u64>,
}

/// What a cleaner did so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CleanerStatus {
    pub name: &'static str,
    pub runs: u64,
    /// As measured, not as reported.
    pub freed_bytes: u64,
    /// Between what it reported and what was measured.
    pub mismatch_bytes: u64,
    pub failures: u64,
    /// It panicked or took too long, and is not asked any more.
    pub is_isolated: bool,
}

/// What the leak detector found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LeakStatus {
    pub checks: u64,
    /// Checks at which ledger and contents differed.
    pub mismatches: u64,
    pub last_mismatch: Option<String>,
    /// Growth of the resident size over the last minutes; none before there is enough to go by.
    pub rss_slope_bytes_per_s: Option<f64>,
}

/// The budgets as they are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemorySettings {
    /// Of what is usable; none when the limit was stated in bytes.
    pub percent: Option<u8>,
    /// What follows for the CPU tier.
    pub limit_bytes: u64,
    /// Left to everyone else.
    pub reserve_bytes: u64,
    /// For frames in VRAM.
    pub vram_bytes: u64,
}

/// Everything that is known of memory at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MemoryStatus {
    /// The eviction policy.
    pub policy: &'static str,
    pub settings: MemorySettings,
    pub machine: MachineMemory,
    pub cpu: TierContents,
    pub gpu: TierContents,
    pub cpu_pressure: PressureStatus,
    pub gpu_pressure: PressureStatus,
    pub clips: Arc<[ClipMemory]>,
    /// Bytes a second charged for frames lately.
    pub alloc_bytes_per_s: f64,
    /// Idle buffers over all buffers.
    pub slack_fraction: f64,
    /// The resident size beyond the charges of system memory.
    pub uncharged_bytes: i64,
    /// Times the allocator was asked to give back what it keeps, and how long that took.
    pub purges: u64,
    pub purge_nanos: u64,
    pub cleaners: Vec<CleanerStatus>,
    pub leaks: LeakStatus,
    pub upload_ms: Percentiles,
    pub present_interval_ms: Percentiles,
}
