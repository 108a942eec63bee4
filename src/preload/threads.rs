//! Owns the decode threads. They hold a receiver, a sender and the watch of the request at hand,
//! nothing else; they never wait for memory. Dropping the owner closes, cancels and joins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{Job, Outcome, WorkerPool};
use crate::decode::{DecodeEnd, DecodeError, Decoder};

/// Requests that wait while all workers are busy, so that none runs dry between two ticks.
const WAITING_JOBS: usize = 2;

/// Pokes the thread that ticks; carries nothing.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A fixed number of threads, named `decode-0` and so on.
pub struct DecodeThreads {
    jobs: Option<Sender<Job>>,
    outcomes: Receiver<Outcome>,
    threads: Vec<JoinHandle<()>>,
}

impl DecodeThreads {
    /// Starts `count` threads (at least one) that decode with `decoder` and call `wake` after every
    /// outcome.
    ///
    /// # Errors
    /// The error of the operating system when not a single thread could be started.
    pub fn start(count: usize, decoder: Arc<dyn Decoder>, wake: Wake) -> std::io::Result<Self> {
        let count = count.max(1);
        let (jobs, job_queue) = bounded::<Job>(count + WAITING_JOBS);
        let (outcome_queue, outcomes) = bounded::<Outcome>(count + WAITING_JOBS);
        let idle = Arc::new(AtomicUsize::new(0));
        let mut threads = Vec::with_capacity(count);
        for number in 0..count {
            let (queue, results) = (job_queue.clone(), outcome_queue.clone());
            let (decoder, wake, idle) = (Arc::clone(&decoder), Arc::clone(&wake), Arc::clone(&idle));
            let thread = std::thread::Builder::new()
                .name(format!("decode-{number}"))
                .spawn(move || work(&queue, &results, &idle, decoder.as_ref(), &wake));
            match thread {
                Ok(thread) => threads.push(thread),
                Err(error) if threads.is_empty() => return Err(error),
                Err(error) => {
                    log::warn!("only {number} of {count} decode threads: {error}");
                    break;
                }
            }
        }
        Ok(Self { jobs: Some(jobs), outcomes, threads })
    }
}

/// Decodes one job after the other. `idle` counts the threads that wait for one: so many may help with a job that
/// somebody waits for.
fn work(
    jobs: &Receiver<Job>,
    outcomes: &Sender<Outcome>,
    idle: &AtomicUsize,
    decoder: &dyn Decoder,
    wake: &Wake,
) {
    loop {
        idle.fetch_add(1, Ordering::Relaxed);
        let job = jobs.recv();
        let others = idle.fetch_sub(1, Ordering::Relaxed) - 1;
        let Ok(Job { key, mut request, mut memory }) = job else { return };
        request.helpers = request.helpers.min(others);
        let started = Instant::now();
        let attempt = || decoder.decode(&request, &mut memory);
        let end = catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|_| DecodeEnd::Failed(DecodeError::damaged("the decoder gave up on it")));
        let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if outcomes.send(Outcome { key, memory, end, nanos }).is_err() {
            return;
        }
        wake();
    }
}

impl WorkerPool for DecodeThreads {
    fn credits(&self) -> usize {
        self.threads.len() + WAITING_JOBS
    }

    fn shares_frames(&self) -> bool {
        self.threads.len() > 1
    }

    fn submit(&mut self, job: Job) {
        // The queue holds as many jobs as there are credits, so this neither blocks nor fails.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }

    fn try_outcome(&mut self) -> Option<Outcome> {
        self.outcomes.try_recv().ok()
    }
}

impl Drop for DecodeThreads {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
