//! Owns the thread that reads the machine every now and then, so that a slow file of the operating
//! system never holds up a tick. Never decides anything. The reading is taken by any thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::{Reading, Source};
use crate::time::Nanos;

const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);
/// A source that hangs is left behind after this.
const LONGEST_JOIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct State {
    interval: Duration,
    latest: Option<Reading>,
    /// Nobody wants readings any more.
    is_closed: bool,
    /// The thread is through with everything but its own end.
    is_ended: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until the condition holds or the time is up.
    fn wait(&self, longest: Duration, is_met: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_timeout_while(self.lock(), longest, |state| !is_met(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A thread that keeps the latest reading. Dropping it ends the thread.
#[derive(Debug)]
pub struct Monitor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Starts reading, at once and then every interval, and calls `wake` after each reading.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub fn start(
        source: Box<dyn Source>,
        interval_nanos: Nanos,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Self> {
        let interval = duration(interval_nanos);
        let state = State { interval, latest: None, is_closed: false, is_ended: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let of_thread = Arc::clone(&shared);
        let body = move || run(&of_thread, source, &*wake);
        let thread = Builder::new().name("memory-monitor".to_owned()).spawn(body)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Puts another interval in place, at least 50 ms; it counts at once.
    pub fn set_interval(&self, interval_nanos: Nanos) {
        self.shared.change(|state| state.interval = duration(interval_nanos));
    }

    /// The latest reading, unless it was taken before.
    pub fn take_latest(&self) -> Option<Reading> {
        self.shared.lock().latest.take()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.shared.change(|state| state.is_closed = true);
        let is_ended = self.shared.wait(LONGEST_JOIN, |state| state.is_ended).is_ended;
        let Some(thread) = self.thread.take() else { return };
        if !is_ended {
            log::warn!("the machine's memory figures take too long: their thread is left behind");
        } else if thread.join().is_err() {
            log::error!("the thread memory-monitor ended with a panic");
        }
    }
}

fn duration(nanos: Nanos) -> Duration {
    let nanos = u64::try_from(nanos.max(0)).unwrap_or(u64::MAX);
    Duration::from_nanos(nanos).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)
}

fn run(shared: &Shared, mut source: Box<dyn Source>, wake: &dyn Fn()) {
    // A source that panics is not used again, and nothing else sees it.
    let is_sound = catch_unwind(AssertUnwindSafe(|| read_until_closed(shared, &mut *source, wake))).is_ok();
    if !is_sound {
        log::error!("reading the machine's memory panicked: its figures stay as they are");
    }
    shared.change(|state| state.is_ended = true);
}

fn read_until_closed(shared: &Shared, source: &mut dyn Source, wake: &dyn Fn()) {
    loop {
        let reading = source.read();
        let mut state = shared.lock();
        if state.is_closed {
            return;
        }
        state.latest = Some(reading);
        drop(state);
        wake();
        if is_closed_after_pause(shared) {
            return;
        }
    }
}

/// Waits for one interval; a shorter one that is set meanwhile counts from the same start.
fn is_closed_after_pause(shared: &Shared) -> bool {
    let started = std::time::Instant::now();
    let mut interval = shared.lock().interval;
    loop {
        let left = interval.saturating_sub(started.elapsed());
        let state = shared.wait(left, |state| state.is_closed || state.interval != interval);
        if state.is_closed || state.interval == interval {
            return state.is_closed;
        }
        interval = state.interval;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const LONG: Nanos = 3_600_000_000_000;

    /// Gives the readings that it is sent; ends with a panic when there are no more.
    struct Sent(Receiver<u64>);

    impl Source for Sent {
        fn read(&mut self) -> Reading {
            let host_available_bytes = self.0.recv().expect("the test sends another reading");
            Reading { host_available_bytes, ..Reading::default() }
        }
    }

    /// A monitor, the sender of its readings and the receiver of its wake-ups.
    fn monitor(interval: Nanos) -> (Monitor, Sender<u64>, Receiver<()>) {
        let (readings, source) = channel();
        let (woken, wakes) = channel();
        // Nobody may listen any more: the test is over then.
        let wake = Arc::new(move || woken.send(()).unwrap_or_default());
        (Monitor::start(Box::new(Sent(source)), interval, wake).unwrap(), readings, wakes)
    }

    #[test]
    fn the_first_reading_comes_at_once_and_is_taken_once() {
        let (monitor, readings, wakes) = monitor(LONG);
        assert_eq!(monitor.take_latest(), None);
        readings.send(7).unwrap();
        wakes.recv().unwrap();
        assert_eq!(monitor.take_latest().unwrap().host_available_bytes, 7);
        assert_eq!(monitor.take_latest(), None);
    }

    #[test]
    fn a_later_reading_takes_the_place_of_one_that_nobody_took() {
        let (monitor, readings, wakes) = monitor(1);
        for bytes in 1..=3 {
            readings.send(bytes).unwrap();
            wakes.recv().unwrap();
        }
        assert_eq!(monitor.take_latest().unwrap().host_available_bytes, 3);
    }

    #[test]
    fn another_interval_counts_at_once() {
        let (monitor, readings, wakes) = monitor(LONG);
        readings.send(1).unwrap();
        wakes.recv().unwrap();
        monitor.set_interval(1);
        readings.send(2).unwrap();
        wakes.recv().unwrap();
        assert_eq!(monitor.take_latest().unwrap().host_available_bytes, 2);
    }

    #[test]
    fn dropping_it_ends_a_long_pause() {
        let (monitor, readings, wakes) = monitor(LONG);
        readings.send(1).unwrap();
        wakes.recv().unwrap();
        drop(monitor);
        assert!(wakes.recv().is_err(), "the thread and its wake are gone");
        assert!(readings.send(2).is_err());
    }

    #[test]
    fn a_source_that_hangs_is_left_behind_and_wakes_nobody_later() {
        let (monitor, readings, wakes) = monitor(LONG);
        drop(monitor);
        readings.send(1).unwrap();
        assert!(wakes.recv().is_err());
    }

    #[test]
    fn a_source_that_panics_ends_the_thread_and_nothing_else() {
        let (monitor, readings, wakes) = monitor(1);
        readings.send(1).unwrap();
        wakes.recv().unwrap();
        drop(readings);
        assert!(wakes.recv().is_err(), "the thread is gone");
        assert_eq!(monitor.take_latest().unwrap().host_available_bytes, 1);
        drop(monitor);
    }

    #[test]
    fn intervals_are_kept_within_bounds() {
        assert_eq!(duration(-5), SHORTEST_INTERVAL);
        assert_eq!(duration(Nanos::MAX), LONGEST_INTERVAL);
        assert_eq!(duration(2_000_000_000), Duration::from_secs(2));
    }
}
