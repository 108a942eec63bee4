//! Counters, histograms and the Snapshot that everyone reads: status bar, JSON reports, tests.
//! Plain data without policy. Any thread.

mod histogram;
mod limits;
mod memory;
mod snapshot;

pub use histogram::{Histogram, Intervals, Percentiles};
pub use limits::{Limit, LimitStatus, Pacing, Waited};
pub use memory::{
    CleanerStatus, ClipMemory, FrameClass, FrameSum, LeakStatus, MachineMemory, MemorySettings, MemoryState,
    MemoryStatus, PressureLevel, PressureStatus, TierContents, TransitionCounts, VoteSource,
};
pub use snapshot::{
    ClipStatus, DecodeCounters, EvictionCounters, FrameStatus, LayerStatus, PresentCounters, Run,
    ShownStatus, Snapshot, SoundStatus, TierStatus, TimelineStatus, TransportStatus,
};
