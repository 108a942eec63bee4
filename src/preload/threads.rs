//! Owns the decode threads. They hold a receiver, a sender, the watch of the request at hand and what their decoder
//! keeps between frames, nothing else; they never wait for memory. Dropping the owner closes, cancels and joins.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{Job, Outcome, WorkerPool};
use crate::decode::{DecodeEnd, DecodeError, Decoder, Length};
use crate::time::FrameTimes;

/// Requests that wait while all workers are busy, so that none runs dry between two ticks.
const WAITING_JOBS: usize = 2;

/// A thread that has waited so long for a job gives back what it keeps. Longer than most looks at one frame, so that
/// stepping through a clip takes nothing anew.
const KEPT_IDLE: Duration = Duration::from_secs(5);

/// Pokes the thread that ticks; carries nothing.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A fixed number of threads, named `decode-0` and so on.
pub struct DecodeThreads {
    jobs: Option<Sender<Job>>,
    outcomes: Receiver<Outcome>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    decoder: Arc<dyn Decoder>,
}

/// What the threads and their owner know of each other.
struct Shared {
    /// Threads that wait for a job: so many may help with one that somebody waits for.
    idle: AtomicUsize,
    /// Bytes that each thread keeps between jobs.
    held_bytes: Box<[AtomicU64]>,
    /// How often the owner asked for them.
    releases: AtomicU64,
}

impl DecodeThreads {
    /// Starts `count` threads (at least one) that decode with `decoder` and call `wake` after every
    /// outcome, and when one that was idle for some seconds has given back what it kept.
    ///
    /// # Errors
    /// The error of the operating system when not a single thread could be started.
    pub fn start(count: usize, decoder: Arc<dyn Decoder>, wake: Wake) -> std::io::Result<Self> {
        Self::start_keeping(count, decoder, wake, KEPT_IDLE)
    }

    /// As [`Self::start`]; idle threads keep what they have for as long as `kept_idle`.
    fn start_keeping(
        count: usize,
        decoder: Arc<dyn Decoder>,
        wake: Wake,
        kept_idle: Duration,
    ) -> std::io::Result<Self> {
        let count = count.max(1);
        let (jobs, job_queue) = bounded(count + WAITING_JOBS);
        let (outcome_queue, outcomes) = bounded(count + WAITING_JOBS);
        let shared = Arc::new(Shared {
            idle: AtomicUsize::new(0),
            held_bytes: (0..count).map(|_| AtomicU64::new(0)).collect(),
            releases: AtomicU64::new(0),
        });
        let worker = |number| Worker {
            number,
            jobs: job_queue.clone(),
            outcomes: outcome_queue.clone(),
            decoder: Arc::clone(&decoder),
            wake: Arc::clone(&wake),
            shared: Arc::clone(&shared),
            kept_idle,
            seen_releases: 0,
        };
        let threads = start_all(count, worker)?;
        Ok(Self { jobs: Some(jobs), outcomes, threads, shared, decoder })
    }
}

/// Starts up to `count` workers, as many as the system grants.
fn start_all(count: usize, worker: impl Fn(usize) -> Worker) -> std::io::Result<Vec<JoinHandle<()>>> {
    let mut threads = Vec::with_capacity(count);
    for number in 0..count {
        let worker = worker(number);
        let thread =
            std::thread::Builder::new().name(format!("decode-{number}")).spawn(move || worker.work());
        match thread {
            Ok(thread) => threads.push(thread),
            Err(error) if threads.is_empty() => return Err(error),
            Err(error) => {
                log::warn!("only {number} of {count} decode threads: {error}");
                break;
            }
        }
    }
    Ok(threads)
}

/// One thread's side.
struct Worker {
    number: usize,
    jobs: Receiver<Job>,
    outcomes: Sender<Outcome>,
    decoder: Arc<dyn Decoder>,
    wake: Wake,
    shared: Arc<Shared>,
    kept_idle: Duration,
    /// Of [`Shared::releases`], those that this thread has followed.
    seen_releases: u64,
}

impl Worker {
    /// Decodes one job after the other.
    fn work(mut self) {
        while let Some((job, others)) = self.next_job() {
            let outcome = self.decode(job, others);
            self.count_held();
            if self.outcomes.send(outcome).is_err() {
                return;
            }
            (self.wake)();
        }
    }

    /// The next job, and how many other threads wait for one meanwhile; `None` when there will be no more.
    fn next_job(&mut self) -> Option<(Job, usize)> {
        self.shared.idle.fetch_add(1, Ordering::Relaxed);
        let job = self.wait();
        let others = self.shared.idle.fetch_sub(1, Ordering::Relaxed) - 1;
        job.map(|job| (job, others))
    }

    /// Waits for a job. What this thread keeps goes back when none comes for long.
    fn wait(&mut self) -> Option<Job> {
        if self.held_bytes().load(Ordering::Relaxed) > 0 || self.decoder.shared_bytes() > 0 {
            match self.jobs.recv_timeout(self.kept_idle) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.release(self.shared.releases.load(Ordering::Relaxed));
            (self.wake)();
        }
        self.jobs.recv().ok()
    }

    fn decode(&self, job: Job, others: usize) -> Outcome {
        let Job { key, mut request, mut memory } = job;
        request.helpers = request.helpers.min(others);
        let started = Instant::now();
        let attempt = || self.decoder.decode(&request, &mut memory);
        let end = catch_unwind(AssertUnwindSafe(attempt))
            .unwrap_or_else(|_| DecodeEnd::Failed(DecodeError::damaged("the decoder gave up on it")));
        let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Outcome { key, memory, end, nanos, read_nanos: self.decoder.take_read_nanos() }
    }

    /// Tells what this thread keeps after a job, or gives it back where the owner has asked for it since the last time.
    fn count_held(&mut self) {
        let releases = self.shared.releases.load(Ordering::Relaxed);
        if releases == self.seen_releases {
            self.tell_held();
        } else {
            self.decoder.shrink();
            self.release(releases);
        }
    }

    /// Gives back what this thread keeps; with that it has followed so many requests for it.
    fn release(&mut self, releases: u64) {
        self.seen_releases = releases;
        self.decoder.release_held();
        self.tell_held();
    }

    fn tell_held(&self) {
        self.held_bytes().store(self.decoder.held_bytes() as u64, Ordering::Relaxed);
    }

    fn held_bytes(&self) -> &AtomicU64 {
        &self.shared.held_bytes[self.number]
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

    fn held_bytes(&self) -> u64 {
        self.shared.held_bytes.iter().map(|held_bytes| held_bytes.load(Ordering::Relaxed)).sum()
    }

    fn movie_bytes(&self) -> u64 {
        self.decoder.shared_bytes() as u64
    }

    fn length(&self, path: &Path) -> Option<Length> {
        self.decoder.length(path)
    }

    fn times(&self, path: &Path) -> Option<FrameTimes> {
        self.decoder.times(path)
    }

    fn release_held(&mut self) {
        self.shared.releases.fetch_add(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Barrier;

    use crossbeam_channel::unbounded;

    use super::*;
    use crate::decode::{DecodeRequest, PlaneRequest};
    use crate::epoch::EpochWatch;
    use crate::frame::{ClipId, FrameKey, FrameMemory, LayerId, Revision};

    const THREADS: usize = 2;
    const HELD_BYTES: usize = 1000;
    /// Longer than any test.
    const FOR_EVER: Duration = Duration::from_secs(3600);
    /// After this a test gives up.
    const PATIENCE: Duration = Duration::from_secs(60);

    thread_local! {
        static HELD: Cell<usize> = const { Cell::new(0) };
    }

    /// Keeps some bytes after each job. Jobs for which all threads are wanted wait for each other, so that each
    /// thread gets one of them.
    struct Keeps {
        barrier: Barrier,
        helpers: Sender<usize>,
    }

    impl Decoder for Keeps {
        fn decode(&self, request: &DecodeRequest, _memory: &mut FrameMemory) -> DecodeEnd {
            if request.level == ALL_THREADS {
                self.barrier.wait();
            }
            self.helpers.send(request.helpers).unwrap();
            HELD.set(HELD_BYTES);
            DecodeEnd::Skipped
        }

        fn held_bytes(&self) -> usize {
            HELD.get()
        }

        fn release_held(&self) {
            HELD.set(0);
        }
    }

    /// The level of jobs that all threads do together, and of those that one does.
    const ALL_THREADS: u8 = 1;
    const ONE_THREAD: u8 = 0;

    struct Rig {
        pool: DecodeThreads,
        wakes: Receiver<()>,
        helpers: Receiver<usize>,
    }

    impl Rig {
        fn new(kept_idle: Duration) -> Self {
            let ((wake, wakes), (to_helpers, helpers)) = (unbounded(), unbounded());
            let decoder = Keeps { barrier: Barrier::new(THREADS), helpers: to_helpers };
            let wake: Wake = Arc::new(move || wake.send(()).unwrap());
            let pool = DecodeThreads::start_keeping(THREADS, Arc::new(decoder), wake, kept_idle).unwrap();
            Self { pool, wakes, helpers }
        }

        fn submit(&mut self, level: u8, jobs: usize) {
            let planes = PlaneRequest { part: 0, part_name: None, channels: Vec::new(), mixes_chroma: false };
            let planes = Arc::new(planes);
            for index in 0..jobs as u32 {
                let (clip, revision, layer) = (ClipId(0), Revision(0), LayerId(0));
                let key = FrameKey { clip, revision, layer, level, index };
                let watch = EpochWatch::never_stale();
                let request = DecodeRequest {
                    path: "".into(),
                    index: 0,
                    planes: Arc::clone(&planes),
                    level,
                    helpers: 9,
                    watch,
                };
                self.pool.submit(Job { key, request, memory: FrameMemory::default() });
            }
        }

        fn wait_for_wakes(&self, count: usize) {
            (0..count).for_each(|_| self.wakes.recv_timeout(PATIENCE).expect("a wake"));
        }

        /// Has every thread do a job.
        fn run_all_threads(&mut self) {
            self.submit(ALL_THREADS, THREADS);
            self.wait_for_wakes(THREADS);
            (0..THREADS).for_each(|_| assert!(self.pool.try_outcome().is_some()));
        }
    }

    #[test]
    fn what_all_threads_keep_is_summed_up() {
        let mut rig = Rig::new(FOR_EVER);
        assert_eq!(rig.pool.held_bytes(), 0);
        rig.submit(ONE_THREAD, 1);
        rig.wait_for_wakes(1);
        assert!(rig.pool.try_outcome().is_some());
        assert_eq!(rig.pool.held_bytes(), HELD_BYTES as u64);
        rig.run_all_threads();
        assert_eq!(rig.pool.held_bytes(), (THREADS * HELD_BYTES) as u64);
    }

    /// Keeps bytes for all threads together, and counts how often it is told that memory is short.
    #[derive(Default)]
    struct Shares(AtomicUsize, AtomicUsize);

    impl Decoder for Shares {
        fn decode(&self, _request: &DecodeRequest, _memory: &mut FrameMemory) -> DecodeEnd {
            self.0.store(HELD_BYTES, Ordering::Relaxed);
            DecodeEnd::Skipped
        }

        fn shared_bytes(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }

        fn release_held(&self) {
            self.0.store(0, Ordering::Relaxed);
        }

        fn shrink(&self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_kept_for_all_threads_counts_once_and_goes_when_one_is_idle() {
        let (wake, wakes) = unbounded();
        let wake: Wake = Arc::new(move || wake.send(()).unwrap());
        let decoder = Arc::new(Shares::default());
        let idle = Duration::from_millis(20);
        let pool =
            DecodeThreads::start_keeping(THREADS, Arc::clone(&decoder) as Arc<dyn Decoder>, wake, idle);
        let mut rig = Rig { pool: pool.unwrap(), wakes, helpers: unbounded().1 };
        // Threads that have nothing to do ring as well.
        rig.submit(ONE_THREAD, 1);
        while rig.pool.try_outcome().is_none() {
            rig.wait_for_wakes(1);
        }
        // The thread that did the job is idle soon afterwards.
        while rig.pool.movie_bytes() > 0 {
            rig.wait_for_wakes(1);
        }
        decoder.0.store(HELD_BYTES, Ordering::Relaxed);
        assert_eq!(rig.pool.movie_bytes(), HELD_BYTES as u64, "once, not for each thread");
        assert_eq!(rig.pool.held_bytes(), 0, "apart from what threads keep");
        assert_eq!(decoder.1.load(Ordering::Relaxed), 0);
        rig.pool.release_held();
        rig.submit(ONE_THREAD, 1);
        while rig.pool.try_outcome().is_none() {
            rig.wait_for_wakes(1);
        }
        assert_eq!(decoder.1.load(Ordering::Relaxed), 1, "told by the one that did a job");
    }

    #[test]
    fn each_thread_gives_back_once_when_it_is_asked() {
        let mut rig = Rig::new(FOR_EVER);
        rig.run_all_threads();
        rig.pool.release_held();
        rig.run_all_threads();
        assert_eq!(rig.pool.held_bytes(), 0);
        rig.run_all_threads();
        assert_eq!(rig.pool.held_bytes(), (THREADS * HELD_BYTES) as u64);
    }

    #[test]
    fn idle_threads_give_back_wake_their_owner_and_still_count_as_idle() {
        let mut rig = Rig::new(Duration::from_millis(1));
        // Each thread wakes for its job, and again when it has given back.
        rig.submit(ALL_THREADS, THREADS);
        rig.wait_for_wakes(2 * THREADS);
        assert_eq!(rig.pool.held_bytes(), 0);
        assert_eq!(rig.helpers.try_iter().count(), THREADS);
        rig.submit(ONE_THREAD, 1);
        assert_eq!(rig.helpers.recv_timeout(PATIENCE), Ok(THREADS - 1));
        rig.wait_for_wakes(2);
        assert_eq!(rig.pool.held_bytes(), 0);
    }
}
