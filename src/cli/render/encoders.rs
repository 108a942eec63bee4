//! Owns the threads that turn texels into pictures for the sink: a frame is one job, its canvases come one after the
//! other. Never decides the order of frames and never talks to the GPU or to the user.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::recipe::Recipe;
use super::sink::Sink;
use crate::gpu::Texels;

/// One frame to write.
pub struct Job {
    /// Which of the frames of the export.
    pub position: usize,
    /// Its frame number.
    pub number: i64,
    /// Why it is a slate, if it is one.
    pub slate: Option<String>,
    pub recipe: Recipe,
    /// The canvases of the frame in order; a sender that goes early gives the frame up.
    pub parts: Receiver<Texels>,
    /// What the frame holds in memory until it is written.
    pub bytes: u64,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Written,
    /// Its canvases did not all come, or nobody wants it any more. Nothing was written.
    GivenUp,
    Failed(String),
}

/// One answer a job, however it ends.
#[derive(Debug)]
pub struct Done {
    pub position: usize,
    pub bytes: u64,
    pub end: End,
}

/// The named threads `encode-N` and the jobs that wait for them. Dropping it closes and joins.
pub struct Encoders {
    jobs: Option<Sender<Job>>,
    done: Receiver<Done>,
    is_stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Encoders {
    /// Starts the threads that `sink` wants; `ring` is called after every job.
    ///
    /// # Errors
    /// The error of the operating system when a thread cannot be started.
    pub fn start(sink: &Arc<dyn Sink>, ring: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        let (jobs, queue) = unbounded::<Job>();
        let (sender, done) = unbounded();
        let mut encoders = Self { jobs: Some(jobs), done, is_stopped: Arc::default(), threads: Vec::new() };
        for number in 0..sink.threads().max(1) {
            let (queue, sender, ring) = (queue.clone(), sender.clone(), Arc::clone(&ring));
            let sink = Arc::clone(sink);
            let is_stopped = Arc::clone(&encoders.is_stopped);
            let work = move || {
                for job in queue {
                    let mut answer = Answer::new(&job, sender.clone(), Arc::clone(&ring));
                    answer.end =
                        if is_stopped.load(Ordering::Acquire) { End::GivenUp } else { write(job, &*sink) };
                }
            };
            encoders.threads.push(std::thread::Builder::new().name(format!("encode-{number}")).spawn(work)?);
        }
        Ok(encoders)
    }

    /// Queues a job. The owner bounds how many are under way.
    pub fn give(&self, job: Job) {
        // The threads live as long as this.
        let _ = self.jobs.as_ref().map(|jobs| jobs.send(job));
    }

    /// The next answer that is there.
    pub fn try_done(&self) -> Option<Done> {
        self.done.try_recv().ok()
    }

    /// Gives up what is queued, lets pictures that are being written be finished, and joins the threads; gives the
    /// answers that are left.
    pub fn stop(&mut self) -> Vec<Done> {
        self.is_stopped.store(true, Ordering::Release);
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.done.try_iter().collect()
    }
}

impl Drop for Encoders {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Answers when it is dropped, so that a writer that panics does not leave anybody waiting.
struct Answer {
    position: usize,
    bytes: u64,
    end: End,
    sender: Sender<Done>,
    ring: Arc<dyn Fn() + Send + Sync>,
}

impl Answer {
    fn new(job: &Job, sender: Sender<Done>, ring: Arc<dyn Fn() + Send + Sync>) -> Self {
        let end = End::Failed("the writer of the picture gave up; this is a fault of the program".into());
        Self { position: job.position, bytes: job.bytes, end, sender, ring }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut self.end, End::GivenUp);
        let _ = self.sender.send(Done { position: self.position, bytes: self.bytes, end });
        (self.ring)();
    }
}

fn write(job: Job, sink: &dyn Sink) -> End {
    let Some(picture) = job.recipe.picture(job.parts.iter()) else { return End::GivenUp };
    match sink.take(job.number, picture, job.slate.as_deref()) {
        Ok(()) => End::Written,
        Err(reason) => End::Failed(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::output::Output;
    use crate::encode::Picture;

    /// So many threads whose pictures never come.
    struct Nothing(usize);

    impl Sink for Nothing {
        fn threads(&self) -> usize {
            self.0
        }

        fn has(&self, _: i64) -> bool {
            false
        }

        fn wants_slates(&self) -> bool {
            false
        }

        fn take(&self, _: i64, _: Picture, _: Option<&str>) -> Result<(), String> {
            Err("no picture was expected".into())
        }
    }

    fn start(threads: usize, ring: Arc<dyn Fn() + Send + Sync>) -> Encoders {
        let sink: Arc<dyn Sink> = Arc::new(Nothing(threads));
        Encoders::start(&sink, ring).unwrap()
    }

    fn job(position: usize, parts: Receiver<Texels>) -> Job {
        let recipe = Recipe::Displayed { output: Output::Rgb8, size: (1, 1), origin: (0, 0) };
        Job { position, number: 0, slate: None, recipe, parts, bytes: 7 }
    }

    #[test]
    fn a_job_whose_canvases_do_not_come_is_given_up_and_answered() {
        let (rings, rung) = unbounded();
        let ring = Arc::new(move || {
            let _ = rings.send(());
        });
        let mut encoders = start(2, ring);
        for position in 0..3 {
            let (sender, parts) = unbounded();
            drop(sender);
            encoders.give(job(position, parts));
        }
        for _ in 0..3 {
            rung.recv().unwrap();
        }
        let mut done = encoders.stop();
        done.sort_by_key(|done| done.position);
        let found: Vec<_> = done.iter().map(|done| (done.position, done.bytes, done.end.clone())).collect();
        assert_eq!(found, [0, 1, 2].map(|position| (position, 7, End::GivenUp)));
    }

    #[test]
    fn stopping_answers_what_is_queued() {
        let mut encoders = start(1, Arc::new(|| {}));
        let (sender, parts) = unbounded();
        encoders.give(job(0, parts));
        encoders.give(job(1, unbounded().1));
        drop(sender);
        assert_eq!(encoders.stop().len(), 2);
    }
}
