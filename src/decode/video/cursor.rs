//! A place in the packets of one movie: owns a demuxer and knows which packet comes next. Seeks, and finds out where that
//! led. Never decodes. Used by the thread that has its session.

use std::sync::{Arc, RwLock};

use super::builder::{no_memory, read};
use super::fence::{Gate, Input, NO_TIME, Packet, Reach, Read, StopCause};
use super::index::{Entry, Index};
use super::opening::Opening;
use super::session::Stop;
use crate::decode::DecodeError;
use crate::epoch::EpochWatch;

/// Key packets before the wanted one to seek to, try after try, when a seek leads too far.
const TRIES_BACK: [usize; 3] = [0, 1, 4];
/// How far from where it is expected a packet is looked for after a seek.
const FIND_PACKETS: u32 = 20_000;
/// Packets that nothing is known of, after which the file is opened again.
const MAX_UNKNOWN: usize = 256;
/// Unreadable places in a row.
const MAX_FAILURES: usize = 64;

/// A demuxer and where it is.
pub struct Cursor {
    opening: Arc<Opening>,
    input: Input,
    gate: Arc<Gate>,
    packet: Packet,
    /// The packet that is read next, or that is in hand.
    next: u32,
    has_packet: bool,
    /// The demuxer is where `next` says.
    is_placed: bool,
    /// The demuxer was broken off in the middle of something.
    is_lost: bool,
}

impl Cursor {
    /// # Errors
    /// [`DecodeError`] when the file cannot be opened.
    pub fn open(opening: Arc<Opening>, watch: &EpochWatch) -> Result<Self, DecodeError> {
        let (input, gate) = opening.open(watch)?;
        let packet = Packet::new().ok_or_else(no_memory)?;
        Ok(Self { opening, input, gate, packet, next: 0, has_packet: false, is_placed: true, is_lost: false })
    }

    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Starts the time of what follows, which `watch` may call off.
    pub fn begin(&self, watch: &EpochWatch) {
        self.gate.begin(watch);
    }

    /// The packet that is read next, or that is in hand.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// The packet in hand.
    pub fn packet(&mut self) -> Option<&mut Packet> {
        self.has_packet.then_some(&mut self.packet)
    }

    /// Lets the packet in hand go.
    pub fn pass(&mut self) {
        if std::mem::take(&mut self.has_packet) {
            self.next += 1;
        }
    }

    /// Takes the next packet in hand, if none is, and finds out which one it is; none afterwards means the end of the
    /// file.
    ///
    /// # Errors
    /// [`Stop`] when the disk fails or nobody waits any more; the next [`Cursor::go_to`] opens the file again.
    pub fn fetch(&mut self, index: &RwLock<Index>) -> Result<(), Stop> {
        let (mut failures, mut unknown) = (0, 0);
        while !self.has_packet && failures < MAX_FAILURES && unknown < MAX_UNKNOWN {
            match self.input.read(&mut self.packet) {
                Read::Packet if self.place(&read(index)) => self.has_packet = true,
                Read::Packet => unknown += 1,
                Read::Ended => return Ok(()),
                Read::Stopped => {
                    self.is_lost = true;
                    return Err(stopped(&self.gate));
                }
                Read::Failed(code) if code.is_of_disk() => {
                    self.is_lost = true;
                    return Err(Stop::Failed(code.explain("reading it")));
                }
                Read::Failed(_) => failures += 1,
            }
        }
        Ok(())
    }

    /// Sets `next` to the packet just read; `false` when nobody knows it.
    fn place(&mut self, index: &Index) -> bool {
        let (pts, dts, position) = (self.packet.pts(), self.packet.dts(), self.packet.position());
        let may_be = |entry: &Entry| pts == NO_TIME || entry.pts == NO_TIME || entry.pts == pts;
        if self.is_placed && index.entry(self.next).is_none_or(may_be) {
            return true;
        }
        let found = index.find(pts, dts, position, self.next, FIND_PACKETS);
        self.next = found.unwrap_or(self.next);
        self.is_placed |= found.is_some();
        found.is_some()
    }

    /// Reads on until this packet is in hand, or one after it; none is when the file ends before.
    ///
    /// # Errors
    /// As [`Cursor::fetch`].
    pub fn bring(&mut self, packet: u32, index: &RwLock<Index>) -> Result<(), Stop> {
        self.fetch(index)?;
        while self.has_packet && self.next < packet {
            self.pass();
            self.fetch(index)?;
        }
        Ok(())
    }

    /// Goes to a key packet or before it; not at all when it comes within `near` packets.
    ///
    /// # Errors
    /// As [`Cursor::fetch`], or when the file cannot be opened again.
    pub fn go_to(
        &mut self,
        packet: u32,
        near: u32,
        index: &RwLock<Index>,
        watch: &EpochWatch,
    ) -> Result<(), Stop> {
        if self.is_lost {
            self.reopen(watch)?;
        }
        if self.is_placed && (self.next..=self.next.saturating_add(near)).contains(&packet) {
            return Ok(());
        }
        if self.input.facts().has_times {
            for back in TRIES_BACK {
                let Some(reach) = self.reach(packet, back, &read(index)) else { break };
                (self.has_packet, self.is_placed, self.next) = (false, false, packet);
                if self.input.seek(reach) {
                    self.fetch(index)?;
                    if self.has_packet && self.next <= packet {
                        return Ok(());
                    }
                }
            }
        }
        Ok(self.reopen(watch)?)
    }

    /// Where to seek for a key packet, or for one `back` key packets earlier.
    fn reach(&self, packet: u32, back: usize, index: &Index) -> Option<Reach> {
        let key = index.key_before(packet, back).or((packet == 0).then_some(0))?;
        let entry = index.entry(key)?;
        if self.input.seeks_by_byte() && entry.position >= 0 {
            return Some(Reach::Byte(entry.position));
        }
        // Matroska's cues hold times of showing, the lists of all others times of decoding.
        let shows = entry.dts == NO_TIME || self.input.facts().container.starts_with("matroska");
        Some(Reach::Time(if shows { entry.time } else { entry.dts }))
    }

    /// Opens the file again, at its beginning.
    fn reopen(&mut self, watch: &EpochWatch) -> Result<(), DecodeError> {
        (self.has_packet, self.is_placed, self.is_lost) = (false, false, true);
        (self.input, self.gate) = self.opening.open(watch)?;
        (self.next, self.is_placed, self.is_lost) = (0, true, false);
        Ok(())
    }
}

/// Why reading was broken off.
pub fn stopped(gate: &Gate) -> Stop {
    let late = "a read took too long; the disk or the network does not answer";
    match gate.must_stop() {
        Some(StopCause::Stale) => Stop::Skipped,
        Some(StopCause::Closed) => Stop::Failed(DecodeError::Io { reason: "the movie was closed".into() }),
        Some(StopCause::Late) | None => Stop::Failed(DecodeError::Io { reason: late.into() }),
    }
}
