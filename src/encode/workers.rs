//! A few threads that share a counted job.
//!
//! Owns the threads for the length of one call. Never outlives it, and never holds more finished
//! results than there are threads. Results are handed over on the thread of the caller.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread;

/// Threads worth starting on this machine, 1 to `most`.
pub(super) fn available(most: usize) -> usize {
    thread::available_parallelism().map_or(1, usize::from).clamp(1, most)
}

/// Runs `job(0..count)` on up to `workers` threads and gives each result to `take` on this thread,
/// in any order. With one worker, or if the system starts no thread, everything runs on this
/// thread, in order.
///
/// # Errors
/// The first error of `job` or `take`; jobs that were not begun by then never run.
pub(super) fn share<T: Send, E: Send>(
    workers: usize,
    count: usize,
    job: impl Fn(usize) -> Result<T, E> + Sync,
    mut take: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let claim = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&index| index < count);
    let work = |results: SyncSender<_>| {
        // Sending fails once the receiver has met an error; the rest is then of no use.
        while let Some(index) = claim()
            && results.send((index, job(index))).is_ok()
        {}
    };
    thread::scope(|scope| {
        // Bounded, so that fast workers wait for a slow disk instead of filling the memory.
        let (results, finished) = mpsc::sync_channel(workers);
        let helpers = if workers > 1 { workers.min(count) } else { 0 };
        for helper in 0..helpers {
            let (work, results) = (&work, results.clone());
            // A thread that does not start leaves its share to the others, or to the loop at the
            // end.
            let _ = thread::Builder::new()
                .name(format!("encode-{helper}"))
                .spawn_scoped(scope, move || work(results));
        }
        drop(results);
        for (index, result) in finished {
            take(index, result?)?;
        }
        while let Some(index) = claim() {
            take(index, job(index)?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(workers: usize, count: usize) -> Vec<usize> {
        let mut taken = Vec::new();
        let result = share(workers, count, Ok::<_, ()>, |index, value| {
            assert_eq!(index, value);
            taken.push(value);
            Ok(())
        });
        assert_eq!(result, Ok(()));
        taken.sort_unstable();
        taken
    }

    #[test]
    fn every_job_runs_once() {
        for (workers, count) in [(0, 3), (1, 5), (3, 100), (8, 2), (4, 0)] {
            assert_eq!(shared(workers, count), (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_ends_it() {
        let ran = AtomicUsize::new(0);
        let job = |index| {
            ran.fetch_add(1, Ordering::Relaxed);
            if index == 5 { Err("five") } else { Ok(index) }
        };
        assert_eq!(share(2, 1000, job, |_, _| Ok(())), Err("five"));
        assert!(ran.into_inner() < 1000);
        assert_eq!(
            share(2, 1000, Ok, |index, _| if index == 3 { Err("three") } else { Ok(()) }),
            Err("three")
        );
    }
}
