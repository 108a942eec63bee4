//! Owns the names of the player's `src/sync.rs`, as loom has them. A name that is missing there is missing here.

pub use loom::sync::Arc;
pub use loom::sync::atomic::{AtomicU64, Ordering};
