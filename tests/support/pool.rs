//! Workers that answer when a test says so, and how it says. They hold the player to its word: never
//! more out than credits, never a key twice.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use rushes::decode::{DecodeEnd, DecodeError, Decoded, Length};
use rushes::frame::{Area, FrameKey, FrameMemory};
use rushes::preload::{Job, Outcome, WorkerPool};
use rushes::time::FrameTimes;

use super::clips;

/// What a job takes by the books.
const DECODE_NANOS: u64 = 1_000_000;

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Done,
    /// Done without its last rows.
    Degraded,
    Failed,
    Skipped,
}

/// What the script and the player share.
#[derive(Debug)]
pub struct Script {
    credits: usize,
    out: VecDeque<Job>,
    ready: VecDeque<Outcome>,
    /// Every key that was submitted, in order.
    pub submitted: Vec<FrameKey>,
    /// How frames end; done when they are not named.
    pub ends: HashMap<u32, End>,
    /// Workers help one another.
    pub shares_frames: bool,
    /// Frames that are this many times as large as the header of the clip says.
    pub times: HashMap<u32, u32>,
    /// Bytes that the workers keep between jobs.
    pub held_bytes: u64,
    /// Bytes that open movies keep.
    pub movie_bytes: u64,
    /// How many frames the movie of a clip has, as far as they know.
    pub length: Option<Length>,
    /// The times of its frames, once they know them.
    pub frame_times: Option<FrameTimes>,
    /// What they spend reading, of the millisecond that each job takes.
    pub read_nanos: u64,
    /// They were asked to give them back, and do so with the next job.
    gives_back: bool,
}

/// The test's side of the workers.
#[derive(Debug, Clone)]
pub struct ScriptedPool(Rc<RefCell<Script>>);

impl ScriptedPool {
    pub fn new(credits: usize) -> Self {
        Self(Rc::new(RefCell::new(Script {
            credits,
            out: VecDeque::new(),
            ready: VecDeque::new(),
            submitted: Vec::new(),
            ends: HashMap::new(),
            times: HashMap::new(),
            held_bytes: 0,
            movie_bytes: 0,
            length: None,
            frame_times: None,
            read_nanos: 0,
            gives_back: false,
            shares_frames: false,
        })))
    }

    pub fn script(&self) -> std::cell::RefMut<'_, Script> {
        self.0.borrow_mut()
    }

    /// Indices of everything submitted so far, in order.
    pub fn submitted(&self) -> Vec<u32> {
        self.script().submitted.iter().map(|key| key.index).collect()
    }

    /// Indices of what is out.
    pub fn out(&self) -> Vec<u32> {
        self.script().out.iter().map(|job| job.key.index).collect()
    }

    /// Keys of what is out.
    pub fn out_keys(&self) -> Vec<FrameKey> {
        self.script().out.iter().map(|job| job.key).collect()
    }

    /// Indices of what is out and may be helped with.
    pub fn helped(&self) -> Vec<u32> {
        let script = self.script();
        script.out.iter().filter(|job| job.request.helpers > 0).map(|job| job.key.index).collect()
    }

    /// Indices of what is out and was cancelled.
    pub fn cancelled(&self) -> Vec<u32> {
        let script = self.script();
        script.out.iter().filter(|job| job.request.watch.is_stale()).map(|job| job.key.index).collect()
    }

    /// Jobs and outcomes that the workers have, and the bytes of their buffers.
    pub fn in_flight(&self) -> (usize, u64) {
        let script = self.script();
        let out = script.out.iter().map(|job| job.memory.len_bytes());
        let bytes = out.chain(script.ready.iter().map(|outcome| outcome.memory.len_bytes()));
        (bytes.clone().count(), bytes.sum::<usize>() as u64)
    }

    /// Finishes up to `jobs` jobs, oldest first, as the script says.
    pub fn work(&self, jobs: usize) {
        for _ in 0..jobs {
            let Some(job) = self.script().out.pop_front() else { return };
            self.script().finish(job, None);
        }
    }

    /// Finishes the job of a frame in a certain way.
    pub fn finish(&self, index: u32, end: End) {
        let mut script = self.script();
        let position = script.out.iter().position(|job| job.key.index == index).expect("the frame is out");
        let job = script.out.remove(position).expect("the position exists");
        script.finish(job, Some(end));
    }
}

impl Script {
    fn finish(&mut self, job: Job, forced: Option<End>) {
        let Job { key, request, mut memory } = job;
        if std::mem::take(&mut self.gives_back) {
            (self.held_bytes, self.movie_bytes) = (0, 0);
        }
        let scripted = self.ends.get(&key.index).copied().unwrap_or(End::Done);
        let end = match forced {
            None if request.watch.is_stale() => End::Skipped,
            _ => forced.unwrap_or(scripted),
        };
        let times = self.times.get(&key.index).copied().unwrap_or(1);
        let end = decode_end(key, end, times, &mut memory);
        self.ready.push_back(Outcome { key, memory, end, nanos: DECODE_NANOS, read_nanos: self.read_nanos });
    }
}

fn decode_end(key: FrameKey, end: End, times: u32, memory: &mut FrameMemory) -> DecodeEnd {
    let layout = if key.level > 0 { clips::proxy_layout() } else { clips::layout(times) };
    let part = Area { x: 0, y: 30, width: layout.data_window().width, height: 2 };
    let missing = if end == End::Degraded { vec![part] } else { Vec::new() };
    match end {
        End::Skipped => DecodeEnd::Skipped,
        End::Failed => DecodeEnd::Failed(DecodeError::damaged("the script says so")),
        End::Done | End::Degraded if memory.len_bytes() < layout.total_bytes() => {
            DecodeEnd::Refused { needed_bytes: layout.total_bytes() }
        }
        End::Done | End::Degraded => {
            let (marked, rest) = memory.bytes_mut().split_at_mut(MARK_BYTES);
            marked.copy_from_slice(&mark(key));
            // Half-float samples of one value, another one for each of sixteen frames.
            rest.fill(0x30 + key.index as u8 % 16);
            DecodeEnd::Done(Decoded { layout, missing })
        }
    }
}

const MARK_BYTES: usize = 16;

/// The bytes that a fake frame begins with, by which the fake ring knows it.
pub fn mark(key: FrameKey) -> [u8; MARK_BYTES] {
    let words = [key.clip.0, key.revision.0, u32::from(key.layer.0), key.index];
    let mut bytes = [0; MARK_BYTES];
    for (bytes, word) in bytes.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

impl WorkerPool for ScriptedPool {
    fn credits(&self) -> usize {
        self.script().credits
    }

    fn shares_frames(&self) -> bool {
        self.script().shares_frames
    }

    fn submit(&mut self, job: Job) {
        let mut script = self.script();
        let is_twice = script.out.iter().any(|other| other.key == job.key)
            || script.ready.iter().any(|other| other.key == job.key);
        assert!(!is_twice, "{:?} is out already", job.key);
        assert!(script.out.len() + script.ready.len() < script.credits, "more requests than credits");
        script.submitted.push(job.key);
        script.out.push_back(job);
    }

    fn try_outcome(&mut self) -> Option<Outcome> {
        self.script().ready.pop_front()
    }

    fn held_bytes(&self) -> u64 {
        self.script().held_bytes
    }

    fn times(&self, _: &std::path::Path) -> Option<FrameTimes> {
        self.script().frame_times.clone()
    }

    fn length(&self, _: &std::path::Path) -> Option<Length> {
        self.script().length
    }

    fn movie_bytes(&self) -> u64 {
        self.script().movie_bytes
    }

    fn release_held(&mut self) {
        self.script().gives_back = true;
    }
}
