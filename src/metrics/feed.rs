//! Owns the place where the tick leaves its last Snapshot and the server finds it. Never keeps more than one. Any
//! thread; the lock is held for as long as it takes to copy or swap a pointer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::stats::Snapshot;

/// A cheap handle: all clones share one place.
#[derive(Debug, Clone, Default)]
pub struct Feed(Arc<Mutex<Option<Arc<Snapshot>>>>);

impl Feed {
    /// Replaces what [`Self::latest`] gives.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        let before = self.lock().replace(snapshot);
        // Freed only now, so that no reader waits for it.
        drop(before);
    }

    /// What was published last; none before the first.
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Snapshot>>> {
        // Nothing under the lock can be left half done, so a panic elsewhere does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
