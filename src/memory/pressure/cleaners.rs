//! Owns who is asked to give memory back, in which order, and what it really brought. Never frees
//! anything itself and never trusts a cleaner: bytes are measured, panics caught, slow ones left out.
//! The thread that ticks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::stats::{CleanerStatus, MemoryState, PressureLevel};
use crate::text::shown_capped;
use crate::time::Nanos;

/// A cleaner that takes longer than this is not asked again.
const LONGEST_RUN_NANOS: Nanos = 50_000_000;
const ERROR_CHARS: usize = 200;

/// When a cleaner runs: the lowest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// What nobody misses.
    Low,
    Medium,
    /// What has to be built again.
    High,
}

/// Which cleaners run when a state is entered from below; `Clear cache` runs all of them.
pub const fn priorities_for(state: MemoryState) -> Option<Priority> {
    match state {
        MemoryState::Normal => None,
        MemoryState::Warning => Some(Priority::Medium),
        MemoryState::Critical => Some(Priority::High),
    }
}

/// Gives memory back and says how many bytes. It may take what the level's row allows, no more.
pub type Cleaner<C> = Box<dyn FnMut(&mut C, PressureLevel) -> Result<u64, String>>;

/// What one run of one cleaner brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanResult {
    pub name: &'static str,
    /// By the cleaner itself; 0 when it failed.
    pub reported_bytes: u64,
    /// As measured.
    pub freed_bytes: u64,
    /// Between the two; 0 when it failed and so reported nothing.
    pub mismatch_bytes: u64,
    /// It came back without an error and in time.
    pub is_success: bool,
    pub error: Option<String>,
}

struct Entry<C> {
    priority: Priority,
    /// May take its time: giving gigabytes back to the machine does.
    is_own: bool,
    run: Cleaner<C>,
    status: CleanerStatus,
}

/// The cleaners and what they did so far. `C` is whatever they work on.
pub struct Coordinator<C> {
    /// In the order in which they run.
    entries: Vec<Entry<C>>,
}

impl<C> Default for Coordinator<C> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<C> Coordinator<C> {
    /// Adds a cleaner behind those of its priority.
    pub fn register(&mut self, name: &'static str, priority: Priority, run: Cleaner<C>) {
        self.insert(name, priority, run, false);
    }

    /// The same for a cleaner of the owner itself, which is not left out for taking long.
    pub fn register_own(&mut self, name: &'static str, priority: Priority, run: Cleaner<C>) {
        self.insert(name, priority, run, true);
    }

    fn insert(&mut self, name: &'static str, priority: Priority, run: Cleaner<C>, is_own: bool) {
        let at = self.entries.partition_point(|entry| entry.priority <= priority);
        let status = CleanerStatus { name, ..CleanerStatus::default() };
        self.entries.insert(at, Entry { priority, is_own, run, status });
    }

    /// Runs the cleaners up to a priority, lowest first. `measure` tells the bytes in use.
    pub fn run(
        &mut self,
        context: &mut C,
        up_to: Priority,
        level: PressureLevel,
        measure: impl Fn(&C) -> u64,
        clock: &dyn Fn() -> Nanos,
    ) -> Vec<CleanResult> {
        let asked = self.entries.iter_mut().filter(|entry| entry.priority <= up_to);
        let able = asked.filter(|entry| !entry.status.is_isolated);
        able.map(|entry| entry.run_once(context, level, &measure, clock)).collect()
    }

    /// Asks isolated cleaners again.
    pub fn reinstate(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.status.is_isolated = false);
    }

    /// What every cleaner did so far, in the order in which they run.
    pub fn status(&self) -> Vec<CleanerStatus> {
        self.entries.iter().map(|entry| entry.status.clone()).collect()
    }
}

impl<C> Entry<C> {
    fn run_once(
        &mut self,
        context: &mut C,
        level: PressureLevel,
        measure: &impl Fn(&C) -> u64,
        clock: &dyn Fn() -> Nanos,
    ) -> CleanResult {
        let (before_bytes, started) = (measure(context), clock());
        // The context may be left half cleaned by a panic: every cleaner takes whole things out of it,
        // and what it was at is left out from now on.
        let caught = catch_unwind(AssertUnwindSafe(|| (self.run)(context, level)));
        let (took_nanos, is_panic) = (clock() - started, caught.is_err());
        let freed_bytes = before_bytes.saturating_sub(measure(context));
        let outcome = caught.unwrap_or_else(|payload| Err(format!("panicked: {}", panic_text(&*payload))));
        let result = self.result(outcome, freed_bytes, took_nanos);
        self.count(&result);
        if is_panic || took_nanos > LONGEST_RUN_NANOS && !self.is_own {
            self.isolate(&result);
        }
        result
    }

    fn result(&self, outcome: Result<u64, String>, freed_bytes: u64, took_nanos: Nanos) -> CleanResult {
        let (reported, error) = match outcome {
            Ok(bytes) => (Some(bytes), None),
            Err(text) => (None, Some(shown_capped(text, ERROR_CHARS))),
        };
        let is_slow = took_nanos > LONGEST_RUN_NANOS && !self.is_own;
        let slow = || format!("took {} ms, more than {} ms", ms(took_nanos), ms(LONGEST_RUN_NANOS));
        let error = error.or_else(|| is_slow.then(slow));
        CleanResult {
            name: self.status.name,
            reported_bytes: reported.unwrap_or(0),
            freed_bytes,
            mismatch_bytes: reported.map_or(0, |bytes| bytes.abs_diff(freed_bytes)),
            is_success: error.is_none(),
            error,
        }
    }

    fn count(&mut self, result: &CleanResult) {
        let status = &mut self.status;
        status.runs += 1;
        status.freed_bytes = status.freed_bytes.saturating_add(result.freed_bytes);
        status.mismatch_bytes = status.mismatch_bytes.saturating_add(result.mismatch_bytes);
        status.failures += u64::from(!result.is_success);
    }

    fn isolate(&mut self, result: &CleanResult) {
        self.status.is_isolated = true;
        let why = result.error.as_deref().unwrap_or("no reason given");
        log::warn!("the cleaner «{}» is not asked any more: {why}", result.name);
    }
}

fn ms(nanos: Nanos) -> Nanos {
    nanos / 1_000_000
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    /// What the cleaners of the tests work on.
    #[derive(Default)]
    struct Store {
        bytes: u64,
        calls: Vec<&'static str>,
    }

    fn store(bytes: u64) -> Store {
        Store { bytes, ..Store::default() }
    }

    /// Frees `freed` bytes and claims to have freed `reported`.
    fn frees(name: &'static str, freed: u64, reported: u64) -> Cleaner<Store> {
        Box::new(move |store, _| {
            store.calls.push(name);
            store.bytes -= freed;
            Ok(reported)
        })
    }

    fn run(coordinator: &mut Coordinator<Store>, store: &mut Store, up_to: Priority) -> Vec<CleanResult> {
        coordinator.run(store, up_to, PressureLevel::High, |store| store.bytes, &|| 0)
    }

    #[test]
    fn the_lowest_priority_goes_first_and_then_the_first_registered() {
        let mut coordinator = Coordinator::default();
        for (name, priority) in [
            ("high", Priority::High),
            ("low 1", Priority::Low),
            ("medium", Priority::Medium),
            ("low 2", Priority::Low),
        ] {
            coordinator.register(name, priority, frees(name, 1, 1));
        }
        let mut all = store(100);
        assert_eq!(run(&mut coordinator, &mut all, Priority::High).len(), 4);
        assert_eq!(all.calls, ["low 1", "low 2", "medium", "high"]);
        let mut some = store(100);
        run(&mut coordinator, &mut some, priorities_for(MemoryState::Warning).unwrap());
        assert_eq!(some.calls, ["low 1", "low 2", "medium"]);
        assert_eq!(priorities_for(MemoryState::Normal), None);
        assert_eq!(priorities_for(MemoryState::Critical), Some(Priority::High));
    }

    #[test]
    fn what_was_freed_is_measured_and_not_believed() {
        let mut coordinator = Coordinator::default();
        coordinator.register("honest", Priority::Low, frees("honest", 10, 10));
        coordinator.register("boasting", Priority::Low, frees("boasting", 1, 1000));
        coordinator.register("modest", Priority::Low, frees("modest", 30, 10));
        let results = run(&mut coordinator, &mut store(100), Priority::Low);
        let figures = |r: &CleanResult| (r.reported_bytes, r.freed_bytes, r.mismatch_bytes);
        assert_eq!(
            results.iter().map(figures).collect::<Vec<_>>(),
            [(10, 10, 0), (1000, 1, 999), (10, 30, 20)]
        );
        run(&mut coordinator, &mut store(100), Priority::Low);
        let boasting = &coordinator.status()[1];
        assert_eq!((boasting.runs, boasting.freed_bytes, boasting.mismatch_bytes), (2, 2, 1998));
        assert!(!boasting.is_isolated);
    }

    #[test]
    fn a_cleaner_that_makes_things_grow_freed_nothing() {
        let mut coordinator = Coordinator::<Store>::default();
        let grow = |store: &mut Store, _| {
            store.bytes += 50;
            Ok(5)
        };
        coordinator.register("growing", Priority::Low, Box::new(grow));
        let result = run(&mut coordinator, &mut store(0), Priority::Low).remove(0);
        assert_eq!((result.freed_bytes, result.mismatch_bytes), (0, 5));
    }

    #[test]
    fn a_panic_isolates_one_cleaner_and_the_rest_go_on() {
        let mut coordinator = Coordinator::<Store>::default();
        coordinator.register("broken", Priority::Low, Box::new(|_, _| panic!("bad\nluck")));
        coordinator.register("sound", Priority::Low, frees("sound", 5, 5));
        let results = run(&mut coordinator, &mut store(100), Priority::Low);
        assert_eq!(results[0].error.as_deref(), Some("panicked: bad\\nluck"));
        assert!(!results[0].is_success && results[1].is_success);
        let again = run(&mut coordinator, &mut store(100), Priority::Low);
        assert_eq!(again.iter().map(|result| result.name).collect::<Vec<_>>(), ["sound"]);
        coordinator.reinstate();
        assert_eq!(run(&mut coordinator, &mut store(100), Priority::Low).len(), 2);
        let status = coordinator.status();
        assert_eq!((status[0].runs, status[0].failures, status[0].is_isolated), (2, 2, true));
        assert_eq!((status[1].runs, status[1].failures, status[1].is_isolated), (3, 0, false));
    }

    #[test]
    fn a_slow_cleaner_is_isolated_and_its_bytes_count() {
        let clock = Rc::new(Cell::new(0));
        let takes = |nanos: Nanos| -> Cleaner<Store> {
            let clock = Rc::clone(&clock);
            Box::new(move |store, _| {
                clock.set(clock.get() + nanos);
                store.bytes -= 7;
                Ok(7)
            })
        };
        let mut coordinator = Coordinator::default();
        coordinator.register("just in time", Priority::Low, takes(LONGEST_RUN_NANOS));
        coordinator.register("slow", Priority::Low, takes(LONGEST_RUN_NANOS + 1));
        let now = Rc::clone(&clock);
        let mut context = store(100);
        let measure = |store: &Store| store.bytes;
        let results =
            coordinator.run(&mut context, Priority::High, PressureLevel::Low, measure, &|| now.get());
        assert!(results[0].is_success && !results[1].is_success);
        assert_eq!((results[1].freed_bytes, results[1].mismatch_bytes), (7, 0));
        assert_eq!(results[1].error.as_deref(), Some("took 50 ms, more than 50 ms"));
        let isolated: Vec<bool> = coordinator.status().iter().map(|status| status.is_isolated).collect();
        assert_eq!(isolated, [false, true]);
    }

    #[test]
    fn an_error_is_kept_and_the_cleaner_is_asked_again() {
        let mut coordinator = Coordinator::<Store>::default();
        let fail = |store: &mut Store, level: PressureLevel| {
            store.bytes -= 3;
            Err(format!("not at {}", level.name()))
        };
        coordinator.register("failing", Priority::Low, Box::new(fail));
        for _ in 0..2 {
            let result = run(&mut coordinator, &mut store(100), Priority::Low).remove(0);
            assert_eq!(result.error.as_deref(), Some("not at high"));
            assert_eq!((result.freed_bytes, result.mismatch_bytes, result.is_success), (3, 0, false));
        }
        assert_eq!(coordinator.status()[0].failures, 2);
    }
}
