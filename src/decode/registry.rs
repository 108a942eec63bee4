//! Owns what was opened of files, for all threads: each file is opened by one thread while the others that want it wait
//! for that, and those that want another do not. Any thread.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::DecodeError;
use crate::epoch::EpochWatch;

/// How often a thread that waits for another to open a file looks at its watch.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What tells whether a file is still the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64, Option<SystemTime>);

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self(metadata.len(), metadata.modified().ok())
    }
}

/// How far the opening of a file is.
enum State<T> {
    /// Somebody opens it.
    Opening,
    Open(Arc<T>),
    /// It could not be opened; whoever waited asks anew.
    Failed,
}

/// The place of one file.
struct Slot<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

impl<T> Slot<T> {
    fn set(&self, state: State<T>) {
        *lock(&self.state) = state;
        self.changed.notify_all();
    }

    fn open(&self) -> Option<Arc<T>> {
        match &*lock(&self.state) {
            State::Open(opened) => Some(Arc::clone(opened)),
            State::Opening | State::Failed => None,
        }
    }

    /// Waits until it is open; `None` when that failed.
    fn wait(&self, watch: &EpochWatch) -> Result<Option<Arc<T>>, DecodeError> {
        let mut state = lock(&self.state);
        loop {
            match &*state {
                State::Open(opened) => return Ok(Some(Arc::clone(opened))),
                State::Failed => return Ok(None),
                State::Opening if watch.is_stale() => {
                    return Err(DecodeError::Io { reason: "opening it was called off".into() });
                }
                State::Opening => {}
            }
            let waited = self.changed.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

struct Entry<T> {
    path: PathBuf,
    stamp: Stamp,
    slot: Arc<Slot<T>>,
    used: Instant,
}

/// What is open, the file that was asked for last at the end.
pub struct Registry<T> {
    entries: Mutex<VecDeque<Entry<T>>>,
    most: usize,
}

/// A slot that this thread is to fill; dropped without that, it has failed.
struct Opener<'a, T> {
    registry: &'a Registry<T>,
    slot: Arc<Slot<T>>,
}

impl<T> Opener<'_, T> {
    fn fill(&self, opened: Arc<T>) {
        if let Some(entry) = self.registry.lock().iter_mut().find(|entry| self.is_in(entry)) {
            entry.used = Instant::now();
        }
        self.slot.set(State::Open(opened));
    }

    fn is_in(&self, entry: &Entry<T>) -> bool {
        Arc::ptr_eq(&entry.slot, &self.slot)
    }
}

impl<T> Drop for Opener<'_, T> {
    fn drop(&mut self) {
        if self.slot.open().is_none() {
            self.registry.lock().retain(|entry| !self.is_in(entry));
            self.slot.set(State::Failed);
        }
    }
}

/// What a thread that asks for a file has to do.
enum Turn<'a, T> {
    Open(Opener<'a, T>),
    Wait(Arc<Slot<T>>),
}

impl<T> Registry<T> {
    /// One that keeps `most` files open, at least 1; of more, the one that was not asked for longest is closed.
    pub fn new(most: usize) -> Self {
        Self { entries: Mutex::default(), most: most.max(1) }
    }

    /// The opened file, opened by `open` where it is not or another file has its name now.
    ///
    /// # Errors
    /// What `open` says, or that `watch` went stale while another thread opened it.
    pub fn get(
        &self,
        path: &Path,
        stamp: Stamp,
        watch: &EpochWatch,
        open: impl FnOnce() -> Result<T, DecodeError>,
    ) -> Result<Arc<T>, DecodeError> {
        loop {
            match self.turn(path, stamp) {
                Turn::Open(opener) => {
                    let opened = Arc::new(open()?);
                    opener.fill(Arc::clone(&opened));
                    return Ok(opened);
                }
                Turn::Wait(slot) => {
                    if let Some(opened) = slot.wait(watch)? {
                        return Ok(opened);
                    }
                }
            }
        }
    }

    fn turn(&self, path: &Path, stamp: Stamp) -> Turn<'_, T> {
        // Closed when the lock is free again.
        let mut closing = None;
        let mut entries = self.lock();
        if let Some(at) = entries.iter().position(|entry| entry.path == path) {
            closing = entries.remove(at);
            if let Some(entry) = closing.take_if(|entry| entry.stamp == stamp) {
                let slot = Arc::clone(&entry.slot);
                entries.push_back(Entry { used: Instant::now(), ..entry });
                return Turn::Wait(slot);
            }
        } else if entries.len() >= self.most {
            closing = entries.pop_front();
        }
        let slot = Arc::new(Slot { state: Mutex::new(State::Opening), changed: Condvar::new() });
        let entry = Entry { path: path.to_path_buf(), stamp, slot: Arc::clone(&slot), used: Instant::now() };
        entries.push_back(entry);
        drop(entries);
        drop(closing);
        Turn::Open(Opener { registry: self, slot })
    }

    /// Whether a file is open, or being opened.
    pub fn has(&self, path: &Path) -> bool {
        self.lock().iter().any(|entry| entry.path == path)
    }

    /// The opened file of a path; `None` while it is being opened, and where it is not.
    pub fn opened(&self, path: &Path) -> Option<Arc<T>> {
        self.lock().iter().find(|entry| entry.path == path)?.slot.open()
    }

    /// All that is open.
    pub fn open(&self) -> Vec<Arc<T>> {
        self.lock().iter().filter_map(|entry| entry.slot.open()).collect()
    }

    /// All that is open and was not asked for so long.
    pub fn idle(&self, idle: Duration) -> Vec<Arc<T>> {
        let entries = self.lock();
        entries
            .iter()
            .filter(|entry| entry.used.elapsed() >= idle)
            .filter_map(|entry| entry.slot.open())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry<T>>> {
        lock(&self.entries)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use super::*;
    use crate::epoch::EpochClock;

    const SAME: Stamp = Stamp(1, None);
    /// After this a test gives up.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn get(registry: &Registry<u32>, name: &str, number: u32) -> Arc<u32> {
        registry.get(Path::new(name), SAME, &EpochWatch::never_stale(), || Ok(number)).unwrap()
    }

    #[test]
    fn a_file_is_opened_once_while_others_wait_for_it_alone() {
        let registry = Registry::new(4);
        let (opened, (begun, begins), (go, goes)) = (AtomicUsize::new(0), channel(), channel::<()>());
        std::thread::scope(|scope| {
            let (registry, opened) = (&registry, &opened);
            let never = EpochWatch::never_stale();
            let first = scope.spawn(move || {
                registry.get(Path::new("slow"), SAME, &EpochWatch::never_stale(), || {
                    begun.send(()).unwrap();
                    goes.recv_timeout(PATIENCE).unwrap();
                    opened.fetch_add(1, Ordering::Relaxed);
                    Ok(7)
                })
            });
            begins.recv_timeout(PATIENCE).unwrap();
            assert_eq!(*get(registry, "other", 8), 8, "another file does not wait");
            assert!(registry.has(Path::new("slow")));
            let mut clock = EpochClock::default();
            let watch = clock.ticket().watch();
            clock.advance();
            let called_off = registry.get(Path::new("slow"), SAME, &watch, || Ok(9));
            assert!(called_off.is_err(), "nobody wants it any more");
            let second = scope.spawn(move || registry.get(Path::new("slow"), SAME, &never, || Ok(9)));
            go.send(()).unwrap();
            assert_eq!((*first.join().unwrap().unwrap(), *second.join().unwrap().unwrap()), (7, 7));
        });
        assert_eq!(opened.into_inner(), 1);
        assert_eq!(registry.open().len(), 2);
    }

    #[test]
    fn what_cannot_be_opened_leaves_no_trace_and_the_next_one_tries_again() {
        let registry = Registry::new(4);
        let path = Path::new("a");
        let refused = || Err(DecodeError::damaged("no"));
        assert!(registry.get(path, SAME, &EpochWatch::never_stale(), refused).is_err());
        assert!(!registry.has(path));
        let panics = || registry.get(path, SAME, &EpochWatch::never_stale(), || panic!("in the opener"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        assert!(!registry.has(path));
        assert_eq!(*get(&registry, "a", 3), 3);
    }

    #[test]
    fn a_replaced_file_is_opened_anew_and_the_oldest_of_too_many_goes() {
        let registry = Registry::new(2);
        let first = get(&registry, "a", 1);
        assert_eq!(*get(&registry, "a", 2), 1, "still open");
        let anew = registry.get(Path::new("a"), Stamp(2, None), &EpochWatch::never_stale(), || Ok(5));
        assert_eq!((*anew.unwrap(), Arc::strong_count(&first)), (5, 1));
        get(&registry, "b", 1);
        get(&registry, "c", 1);
        assert!(!registry.has(Path::new("a")) && registry.has(Path::new("b")));
        assert_eq!((registry.idle(Duration::ZERO).len(), registry.idle(PATIENCE).len()), (2, 0));
    }
}
