//! Fills the [`Index`] of a movie step by step: from the container's own list where its times are those of showing,
//! else from the packets, and where packets do not tell when they are shown, by decoding. Has a demuxer of its own.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::cursor::stopped;
use super::fence::{Decoder, Gate, Input, NO_TIME, Packet, Read, Received, Sent};
use super::index::{Entry, Index};
use super::opening::Opening;
use super::session::Stop;
use crate::decode::DecodeError;
use crate::epoch::EpochWatch;

/// Packets between two looks at the watch and the clock, and the most that one hold of the index's lock adds.
const BATCH: usize = 256;
/// Unreadable places in a row after which the rest of a file is given up.
const MAX_FAILURES: usize = 64;

/// Reads a movie once from its beginning to its end.
pub struct IndexBuilder {
    input: Input,
    gate: Arc<Gate>,
    packet: Packet,
    failures: usize,
    last: Entry,
    /// When the frame that is shown last is over, as far as packets tell.
    end: Option<i64>,
    /// For packets without times: the decoder that tells their order, and how many frames it has shown.
    decoder: Option<(Decoder, i64)>,
}

/// Whether there is more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    More,
    Done,
}

impl IndexBuilder {
    /// # Errors
    /// [`DecodeError`] when the file cannot be opened (again).
    pub fn new(opening: &Opening, watch: &EpochWatch) -> Result<Self, DecodeError> {
        let (input, gate) = opening.open(watch)?;
        let packet = Packet::new().ok_or_else(no_memory)?;
        let last =
            Entry { pts: NO_TIME, dts: NO_TIME, position: -1, time: NO_TIME, is_key: false, is_shown: false };
        Ok(Self { input, gate, packet, failures: 0, last, end: None, decoder: None })
    }

    /// Goes on for about `budget`.
    ///
    /// # Errors
    /// [`Stop`] when the watch went stale, the movie was closed or the disk failed; it can be called again.
    pub fn step(
        &mut self,
        opening: &Opening,
        index: &RwLock<Index>,
        budget: Duration,
        watch: &EpochWatch,
    ) -> Result<Progress, Stop> {
        let start = Instant::now();
        self.gate.begin(watch);
        if self.takes_list(opening, index, watch)? {
            return Ok(Progress::Done);
        }
        loop {
            if watch.is_stale() {
                return Err(Stop::Skipped);
            }
            let progress = match self.decoder {
                None => self.read_batch(opening, index, watch)?,
                Some(_) => self.decode_batch(index)?,
            };
            if progress == Progress::Done {
                write(index).finish(self.end);
                return Ok(Progress::Done);
            }
            if start.elapsed() >= budget {
                return Ok(Progress::More);
            }
        }
    }

    /// QuickTime and MP4 list all packets, so that no packet need be read. The list has the times of decoding; for
    /// codecs that do not reorder those are the times of showing, and it is all there is to do.
    fn takes_list(
        &mut self,
        opening: &Opening,
        index: &RwLock<Index>,
        watch: &EpochWatch,
    ) -> Result<bool, Stop> {
        let facts = self.input.facts();
        if facts.frames == 0 || !facts.container.starts_with("mov,") || read(index).packets() > 0 {
            return Ok(false);
        }
        let reorders = facts.reorders;
        let entries = self.input.entries();
        // Fragments have lists of their own, which come as they are read.
        if entries.is_empty() || opening.has_fragments(watch)? {
            return Ok(false);
        }
        if reorders {
            (self.input, self.gate) = opening.skim(watch)?;
            return Ok(false);
        }
        let mut index = write(index);
        for (position, time, is_key, is_hidden) in entries {
            index.push(Entry { pts: time, dts: time, position, time, is_key, is_shown: !is_hidden });
        }
        index.finish(None);
        Ok(true)
    }

    fn read_batch(
        &mut self,
        opening: &Opening,
        index: &RwLock<Index>,
        watch: &EpochWatch,
    ) -> Result<Progress, Stop> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut progress = Progress::More;
        while batch.len() < BATCH && progress == Progress::More {
            match self.next_packet()? {
                Progress::Done => progress = Progress::Done,
                Progress::More => match self.entry() {
                    Some(entry) => batch.push(entry),
                    None => return self.start_decoding(opening, index, watch),
                },
            }
        }
        let mut index = write(index);
        batch.into_iter().for_each(|entry| index.push(entry));
        Ok(progress)
    }

    /// The packet just read, with a time that is known or, where the order is that of the file, guessed.
    fn entry(&mut self) -> Option<Entry> {
        let facts = self.input.facts();
        let packet = &self.packet;
        let guess = || match (packet.dts(), self.last.time) {
            (NO_TIME, NO_TIME) => 0,
            (NO_TIME, last) => last.saturating_add(packet.duration().max(1)),
            (dts, _) => dts,
        };
        let time = match packet.pts() {
            NO_TIME if facts.reorders && !packet.is_discarded() => return None,
            NO_TIME => guess(),
            pts => pts,
        };
        if !packet.is_discarded() && packet.duration() > 0 {
            self.end = self.end.max(time.checked_add(packet.duration()));
        }
        self.last = Entry { time, is_shown: !packet.is_discarded(), ..self.bare() };
        Some(self.last)
    }

    /// The packet in hand; its time is not looked at yet.
    fn bare(&self) -> Entry {
        let packet = &self.packet;
        Entry {
            pts: packet.pts(),
            dts: packet.dts(),
            position: packet.position(),
            time: packet.pts(),
            is_key: packet.is_key(),
            is_shown: true,
        }
    }

    /// Starts again, now asking a decoder for the order.
    fn start_decoding(
        &mut self,
        opening: &Opening,
        index: &RwLock<Index>,
        watch: &EpochWatch,
    ) -> Result<Progress, Stop> {
        (self.input, self.gate) = opening.open(watch)?;
        let decoder = Decoder::open(&self.input, opening.limits.threads, opening.limits.max_pixels)?;
        (self.decoder, self.end) = (Some((decoder, 0)), None);
        *write(index) = Index::new(false);
        Ok(Progress::More)
    }

    /// One packet into the decoder, all frames out that are ready.
    fn decode_batch(&mut self, index: &RwLock<Index>) -> Result<Progress, Stop> {
        let progress = self.next_packet()?;
        let (pace, bare) = (pace(self.input.facts()), self.bare());
        let Some((decoder, shown)) = &mut self.decoder else { return Ok(progress) };
        let is_packet = progress == Progress::More;
        if is_packet {
            let mut index = write(index);
            index.push(Entry { is_shown: false, ..bare });
            self.packet.set_name(index.packets() - 1);
        }
        loop {
            let sent = decoder.send(is_packet.then_some(&self.packet));
            loop {
                match decoder.receive() {
                    Received::Frame(frame) => {
                        if let Some(name) = frame.name() {
                            write(index).present(name, *shown * pace);
                            *shown += 1;
                        }
                    }
                    Received::Damaged => {}
                    Received::Hungry | Received::Ended => break,
                }
            }
            if sent != Sent::Full {
                return Ok(progress);
            }
        }
    }

    fn next_packet(&mut self) -> Result<Progress, Stop> {
        loop {
            match self.input.read(&mut self.packet) {
                Read::Packet => {
                    self.failures = 0;
                    return Ok(Progress::More);
                }
                Read::Ended => return Ok(Progress::Done),
                Read::Stopped => return Err(stopped(&self.gate)),
                Read::Failed(code) => {
                    self.failures += 1;
                    if self.failures >= MAX_FAILURES || code.is_of_disk() {
                        return if code.is_of_disk() {
                            Err(Stop::Failed(code.explain("reading it")))
                        } else {
                            Ok(Progress::Done)
                        };
                    }
                }
            }
        }
    }
}

pub fn no_memory() -> DecodeError {
    DecodeError::Io { reason: "the machine refused memory for a movie".into() }
}

/// Units of time from one frame to the next, by the rate that the file states.
fn pace(facts: &super::fence::StreamFacts) -> i64 {
    let (num, den) = if facts.average_rate.0 > 0 { facts.average_rate } else { facts.base_rate };
    let (base, units) = facts.time_base;
    let (above, below) = (i64::from(den) * i64::from(units), i64::from(num) * i64::from(base));
    if above > 0 && below > 0 { (above / below).max(1) } else { 1 }
}

pub fn write(index: &RwLock<Index>) -> std::sync::RwLockWriteGuard<'_, Index> {
    index.write().unwrap_or_else(PoisonError::into_inner)
}

pub fn read(index: &RwLock<Index>) -> std::sync::RwLockReadGuard<'_, Index> {
    index.read().unwrap_or_else(PoisonError::into_inner)
}
