//! The player's own sources with loom's counters under them, and how a model is run. Nothing of the player is
//! copied: a file that is checked here takes what threads share from `crate::sync`, and nothing else from its crate.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use loom::model::Builder;
use loom::thread::{self, JoinHandle};

#[path = "../../../src/memory/account.rs"]
pub mod account;
#[path = "../../../src/epoch.rs"]
pub mod epoch;
pub mod sync;

/// How often an order may interrupt a thread that could go on. What is broken shows with two or three; each more
/// costs up to five times as long. `LOOM_MAX_PREEMPTIONS=99` is as good as no bound and takes minutes.
const PREEMPTIONS: usize = 4;

/// Runs `model` once for every order that its threads can take and every value that a load may see, and returns
/// what came out, all of which a test names: an order that never came up would prove nothing. The model itself
/// asserts nothing, because counters cannot be dropped in an order that was given up.
pub fn outcomes<T: Ord + Send + 'static>(model: impl Fn() -> T + Send + Sync + 'static) -> BTreeSet<T> {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let found = Arc::clone(&seen);
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(PREEMPTIONS);
    builder.check(move || {
        let outcome = model();
        found.lock().unwrap_or_else(PoisonError::into_inner).insert(outcome);
    });
    std::mem::take(&mut seen.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A thread of the model.
pub fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let thread = thread::Builder::new().name("beside".into()).spawn(work);
    thread.expect("a thread of loom's needs nothing of the machine")
}
