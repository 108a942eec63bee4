//! Owns the requests that are out: one per key, each with its ticket and its charge. The thread that
//! ticks.

use std::collections::HashMap;
use std::path::Path;

use super::{Job, Outcome, WorkerPool};
use crate::decode::{DecodeRequest, Length};
use crate::epoch::Ticket;
use crate::frame::{FrameKey, FrameMemory};
use crate::memory::Charge;
use crate::time::FrameTimes;

/// A request that is out.
#[derive(Debug)]
pub struct InFlight {
    pub ticket: Ticket,
    pub charge: Charge,
}

/// The books of the preloader, and its workers.
pub struct Preloader {
    in_flight: HashMap<FrameKey, InFlight>,
    pool: Box<dyn WorkerPool>,
}

impl Preloader {
    pub fn new(pool: Box<dyn WorkerPool>) -> Self {
        Self { in_flight: HashMap::new(), pool }
    }

    /// Requests that may be issued now.
    pub fn free_credits(&self) -> usize {
        self.pool.credits().saturating_sub(self.in_flight.len())
    }

    /// Whether idle workers help with a job that allows it.
    pub fn shares_frames(&self) -> bool {
        self.pool.shares_frames()
    }

    /// Bytes that each worker keeps for itself between frames, summed up.
    pub fn held_bytes(&self) -> u64 {
        self.pool.held_bytes()
    }

    /// Bytes of open movies.
    pub fn movie_bytes(&self) -> u64 {
        self.pool.movie_bytes()
    }

    /// How many frames a movie has that the workers have open.
    pub fn length(&self, path: &Path) -> Option<Length> {
        self.pool.length(path)
    }

    /// The times of its frames, when all are known.
    pub fn times(&self, path: &Path) -> Option<FrameTimes> {
        self.pool.times(path)
    }

    /// Asks the workers to give back what they keep.
    pub fn release_held(&mut self) {
        self.pool.release_held();
    }

    pub fn is_in_flight(&self, key: FrameKey) -> bool {
        self.in_flight.contains_key(&key)
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Keys of everything that is out.
    pub fn keys(&self) -> impl Iterator<Item = FrameKey> + '_ {
        self.in_flight.keys().copied()
    }

    /// Sends a request. The caller has made sure of a free credit and that the key is not out.
    pub fn issue(&mut self, key: FrameKey, request: DecodeRequest, memory: FrameMemory, in_flight: InFlight) {
        debug_assert!(self.free_credits() > 0 && !self.is_in_flight(key));
        self.in_flight.insert(key, in_flight);
        self.pool.submit(Job { key, request, memory });
    }

    /// The next outcome, with what was noted when its request was issued.
    pub fn try_outcome(&mut self) -> Option<(Outcome, InFlight)> {
        let outcome = self.pool.try_outcome()?;
        let in_flight = self.in_flight.remove(&outcome.key)?;
        Some((outcome, in_flight))
    }

    /// After a change of epoch: stamps the tickets of everything that is still wanted.
    pub fn restamp(&self, is_wanted: impl Fn(FrameKey) -> bool) {
        for (key, in_flight) in &self.in_flight {
            if is_wanted(*key) {
                in_flight.ticket.restamp();
            }
        }
    }

    /// Sum of the charges of some of what is out.
    pub fn charged_bytes_where(&self, condition: impl Fn(FrameKey) -> bool) -> u64 {
        let chosen = self.in_flight.iter().filter(|(key, _)| condition(**key));
        chosen.map(|(_, request)| request.charge.bytes()).sum()
    }

    /// Requests that are out and not wanted any more.
    pub fn stale(&self) -> usize {
        self.in_flight.values().filter(|request| request.ticket.watch().is_stale()).count()
    }

    /// Sum of the charges that are out, for the check against the ledger.
    pub fn charged_bytes(&self) -> u64 {
        self.in_flight.values().map(|request| request.charge.bytes()).sum()
    }
}
