//! Owns the names of the shared counters that run on several threads: `Arc` and the atomics, as `std` has them.
//! Nothing but names. `tests/loom` has its own twin of this file, so that the same source runs in its models.

pub use std::sync::Arc;
pub use std::sync::atomic::{AtomicU64, Ordering};
