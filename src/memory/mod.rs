//! Budgets, the ledger of who has charged what, and the pool of frame buffers.
//! Never decides which frame goes (that is `cache`), never touches the GPU. The thread that ticks;
//! charges may be dropped anywhere.

mod account;
mod budget;
mod cgroup;
mod leak;
mod ledger;
mod meter;
mod monitor;
mod pool;
mod pressure;
mod purge;
mod quota;
mod reading;
mod sample;
mod size;

pub use account::{Charge, Component, Refused, Tier};
pub use budget::{
    CpuBudget, DEFAULT_PERCENT, DEFAULT_RESERVE_BYTES, LimitError, MAX_PERCENT, MAX_RESERVE_BYTES,
    MIN_PERCENT, MemLimit, PERCENT_STEP, RESERVE_STEP_BYTES, Reserve, gpu_budget_default,
};
pub use leak::{LeakWatch, SlopeWatch, Tally};
pub use ledger::Ledger;
pub use meter::{RateMeter, TokenBucket};
pub use monitor::Monitor;
pub use pool::{FramePool, IDLE_NANOS, Pooled, size_class};
pub use pressure::{
    Alerts, CleanResult, Cleaner, Coordinator, Failures, GrowthWatch, Ours, PressureMachine,
    PressureSettings, Priority, Profile, ProfileError, SettingsError, Trace, TraceError, Transition, Vote,
    Votes, machine_votes, ours_vote, priorities_for,
};
pub use purge::{Purger, spare_address_space};
pub use quota::{BACKGROUND_WEIGHT, COMPARE_WEIGHT, FOREGROUND_WEIGHT, Quota, Share, VISIBLE_WEIGHT, quotas};
pub use reading::{CgroupEvents, CgroupReading, MachineSource, Reading, Source, Stall};
pub use sample::{MemorySample, Sampler, adapter_memory, address_space_room};
pub use size::{SizeError, format_bytes, parse_size};
