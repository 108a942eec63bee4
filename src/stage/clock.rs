//! Owns the wall clock, and the bell that workers ring for a thread that waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::time::{Clock, Nanos};

/// Time since it was made.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    start: Instant,
}

impl Default for WallClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl WallClock {
    /// The moment of `nanos` as the operating system counts it.
    pub fn instant(&self, nanos: Nanos) -> Instant {
        self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }
}

impl Clock for WallClock {
    fn now(&self) -> Nanos {
        self.start.elapsed().as_nanos() as Nanos
    }
}

/// A bell: any thread rings, one waits. Rings while nobody waits are remembered, once.
#[derive(Debug, Clone)]
pub struct Waker {
    sender: Sender<()>,
    receiver: Receiver<()>,
}

impl Default for Waker {
    fn default() -> Self {
        let (sender, receiver) = bounded(1);
        Self { sender, receiver }
    }
}

impl Waker {
    /// What workers call.
    pub fn ring(&self) -> Arc<dyn Fn() + Send + Sync> {
        let sender = self.sender.clone();
        Arc::new(move || {
            let _ = sender.try_send(());
        })
    }

    /// Waits for a ring, at most this long.
    pub fn wait(&self, longest: Duration) {
        let _ = self.receiver.recv_timeout(longest);
    }
}
