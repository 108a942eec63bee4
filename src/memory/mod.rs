//! Budgets, the ledger of who has charged what, and the pool of frame buffers.
//! Never decides which frame goes (that is `cache`), never touches the GPU. The thread that ticks;
//! charges may be dropped anywhere.

mod budget;
mod ledger;
mod pool;
mod sample;
mod size;

pub use budget::{CpuBudget, DEFAULT_PERCENT, DEFAULT_RESERVE_BYTES, MemLimit, gpu_budget_default};
pub use ledger::{Charge, Component, Ledger, Refused, Tier};
pub use pool::{FramePool, Pooled, size_class};
pub use sample::{MemorySample, Sampler, adapter_memory};
pub use size::{SizeError, format_bytes, parse_size};
