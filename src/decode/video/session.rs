//! One place in one movie: owns a cursor, a decoder and the frames passed on the way. Decides whether to decode on or
//! to seek. Never decides which frame comes next, never copies pixels. Used by one thread at a time.

use std::collections::HashSet;
use std::sync::{Arc, RwLock};

use super::builder::{read, write};
use super::cursor::Cursor;
use super::fence::{Decoder, Frame, Input, NO_TIME, Received, Sent};
use super::index::Index;
use super::opening::Opening;
use super::refresh::{length_bytes, stands_alone};
use super::stash::Stash;
use crate::decode::DecodeError;
use crate::epoch::EpochWatch;

/// Why there is no frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Nobody wants it any more.
    Skipped,
    Failed(DecodeError),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Failed(error)
    }
}

/// Starting anew costs about as much as this many packets, beside one for each thread.
const RESTART_PACKETS: u32 = 2;
/// Going backwards, at least this many frames are decoded at a time, so that short groups fill all threads.
const BACKWARD_FRAMES: u32 = 16;
/// A request this little before the last one is taken for playback backwards; a few threads ask in no exact order.
const BACKWARD_STEP: u32 = 8;
/// Frames before the one that was jumped to which somebody may ask for at the same time.
const NEAR_FRAMES: u32 = 16;
/// Frames that stay with a session while memory is short: so many are decoded at a time going backwards.
const TIGHT_FRAMES: usize = BACKWARD_FRAMES as usize;
/// Key packets to go back, try after try, when a frame does not come out. Streams that are refreshed bit by bit need it.
const TRIES_BACK: [usize; 3] = [0, 1, 4];
/// Packets that are damaged, between two frames.
const MAX_DAMAGED: usize = 4096;

/// A demuxer, a decoder and where they are.
pub struct Session {
    cursor: Cursor,
    decoder: Decoder,
    threads: u32,
    /// Packets before this one are not decoded, frames shown before this time not taken: what they need was left out.
    first_packet: u32,
    first_time: i64,
    /// Pictures shown before this time are left out where no other needs them.
    needed_time: i64,
    /// No packet after this one goes to the decoder.
    last_packet: Option<u32>,
    /// Time and packet of the frame that came out last, since the last start.
    passed: Option<(i64, u32)>,
    is_running: bool,
    asked: u32,
    hopeless: HashSet<u32>,
    stash: Stash,
    stash_bytes: usize,
    max_pixels: u64,
    frame_bytes: usize,
}

impl Session {
    /// # Errors
    /// [`DecodeError`] when the file cannot be opened or this FFmpeg has no decoder for it.
    pub fn open(opening: Arc<Opening>, watch: &EpochWatch) -> Result<Self, DecodeError> {
        let limits = opening.limits;
        let cursor = Cursor::open(opening, watch)?;
        let decoder = Decoder::open(cursor.input(), limits.threads, limits.max_pixels)?;
        Ok(Self {
            cursor,
            decoder,
            threads: limits.threads as u32,
            first_packet: 0,
            first_time: NO_TIME,
            needed_time: NO_TIME,
            last_packet: None,
            passed: None,
            is_running: false,
            asked: 0,
            hopeless: HashSet::new(),
            stash: Stash::new(limits.stash_bytes),
            stash_bytes: limits.stash_bytes,
            max_pixels: limits.max_pixels,
            frame_bytes: 0,
        })
    }

    pub fn input(&self) -> &Input {
        self.cursor.input()
    }

    /// Width and height of the pictures before they are cropped.
    pub fn coded_size(&self) -> (u32, u32) {
        self.decoder.coded_size()
    }

    /// Bytes that it keeps: passed frames exactly, with the buffers of those that went, which the decoder uses again;
    /// the decoder's own by their number.
    pub fn held_bytes(&self) -> usize {
        self.stash.peak_bytes() + self.decoder.held_frames().saturating_mul(self.frame_bytes)
    }

    /// While memory is short it keeps what it needs to go on; else all that its limits allow.
    ///
    /// # Errors
    /// [`DecodeError`] when the decoder cannot be opened anew.
    pub fn set_tight(&mut self, is_tight: bool, index: &Index) -> Result<(), DecodeError> {
        let needed_bytes = TIGHT_FRAMES.saturating_mul(self.frame_bytes);
        self.stash.set_budget(if is_tight { self.stash_bytes.min(needed_bytes) } else { self.stash_bytes });
        if self.stash.is_over() {
            self.stash.shrink(self.asked, &index.group_of(self.asked));
        }
        if is_tight && self.stash.peak_bytes() > needed_bytes {
            // Buffers of frames that are gone go back to the machine with the decoder alone.
            self.decoder = Decoder::open(self.cursor.input(), self.threads as usize, self.max_pixels)?;
            self.is_running = false;
            self.stash.forget_peak();
        }
        Ok(())
    }

    /// Whether a frame lies ready.
    pub fn has(&self, frame: u32) -> bool {
        self.stash.has(frame)
    }

    /// Takes a frame back that could not be used now.
    pub fn give_back(&mut self, index: u32, frame: Frame) {
        self.stash.keep(index, frame, index);
    }

    /// Packets to decode until a frame is there, about.
    pub fn cost(&self, frame: u32, index: &Index) -> u32 {
        if self.has(frame) {
            return 0;
        }
        let Some(packet) = index.packet_of(frame) else { return u32::MAX };
        let anew = packet.saturating_sub(index.start_of(frame, 0)).saturating_add(self.restart_cost());
        if self.can_go_on(packet, index) { anew.min(packet.saturating_sub(self.cursor.next())) } else { anew }
    }

    /// The first frame that comes out on the way to this one, when it is decoded on to.
    pub fn passes_from(&self, frame: u32, index: &Index) -> Option<u32> {
        let (_, passed) =
            self.passed.filter(|_| index.packet_of(frame).is_some_and(|to| self.can_go_on(to, index)))?;
        Some(index.frame_of(passed)?.saturating_add(1).min(frame))
    }

    fn restart_cost(&self) -> u32 {
        RESTART_PACKETS + self.threads
    }

    /// Whether the frame of a packet is still to come.
    fn can_go_on(&self, packet: u32, index: &Index) -> bool {
        let Some(entry) = index.entry(packet) else { return false };
        let is_ahead = self.passed.is_none_or(|passed| (entry.time, packet) > passed);
        let is_taken = entry.time >= self.first_time.max(self.needed_time)
            && (self.first_packet..=self.last_packet.unwrap_or(u32::MAX)).contains(&packet);
        self.is_running && is_ahead && is_taken
    }

    /// The first frame that comes out, by the packet it was in; kept. `None` when there is none.
    ///
    /// # Errors
    /// [`Stop`] when the disk fails or nobody waits any more.
    pub fn first(&mut self, index: &RwLock<Index>, watch: &EpochWatch) -> Result<Option<(u32, Frame)>, Stop> {
        self.cursor.begin(watch);
        self.is_running = true;
        Ok(self.next_frame(index, watch)?.inspect(|(packet, _)| {
            self.passed = read(index).entry(*packet).map(|entry| (entry.time, *packet));
        }))
    }

    /// Decodes one frame.
    ///
    /// # Errors
    /// [`Stop`]: the watch went stale, the file cannot be read, or no decoder makes a frame of it.
    pub fn decode(&mut self, frame: u32, index: &RwLock<Index>, watch: &EpochWatch) -> Result<Frame, Stop> {
        let last = std::mem::replace(&mut self.asked, frame);
        let is_backward = frame < last && last - frame <= BACKWARD_STEP;
        if let Some(found) = self.stash.take(frame) {
            return Ok(found);
        }
        if self.hopeless.contains(&frame) {
            return Err(undecodable(frame));
        }
        self.cursor.begin(watch);
        let is_jump = !is_backward && frame.abs_diff(last) > NEAR_FRAMES;
        if self.goes_on(frame, index) {
            if is_jump {
                self.needed_time = self.needed_time.max(near_time(frame, &read(index)));
            }
            let found = self.run_to(frame, index, watch)?;
            return found.ok_or_else(|| self.give_up(frame));
        }
        let is_next = frame == last.wrapping_add(1);
        for back in TRIES_BACK {
            let start = self.start(frame, back, is_backward, index, watch)?;
            if !is_backward && !is_next {
                self.hurry(frame, start, &read(index));
            }
            if let Some(found) = self.run_to(frame, index, watch)? {
                return Ok(found);
            }
            if start == 0 {
                break;
            }
        }
        Err(self.give_up(frame))
    }

    /// Somebody jumped to this frame: what lies well before it is not wanted, and of intra-frame movies nothing else.
    fn hurry(&mut self, frame: u32, start: u32, index: &Index) {
        self.needed_time = near_time(frame, index);
        let is_alone = !self.cursor.input().facts().reorders && index.packet_of(frame) == Some(start);
        self.last_packet = is_alone.then_some(start);
    }

    fn give_up(&mut self, frame: u32) -> Stop {
        self.hopeless.insert(frame);
        undecodable(frame)
    }

    fn goes_on(&self, frame: u32, index: &RwLock<Index>) -> bool {
        let index = read(index);
        let Some(packet) = index.packet_of(frame) else { return false };
        let start = index.start_of(frame, 0);
        self.can_go_on(packet, &index) && start <= self.cursor.next().saturating_add(self.restart_cost())
    }

    /// Decodes until a frame comes out, keeping those before it; `None` when the decoder passes it by.
    fn run_to(
        &mut self,
        frame: u32,
        index: &RwLock<Index>,
        watch: &EpochWatch,
    ) -> Result<Option<Frame>, Stop> {
        while let Some((packet, found)) = self.next_frame(index, watch)? {
            let (number, time, wanted) = {
                let index = read(index);
                let Some(entry) = index.entry(packet) else { continue };
                (index.frame_of(packet), entry.time, index.time(frame).unwrap_or(NO_TIME))
            };
            if time < self.first_time {
                continue;
            }
            self.passed = Some((time, packet));
            match number {
                Some(number) if number == frame => return Ok(Some(found)),
                Some(number) => {
                    self.stash.keep(number, found, frame);
                    if number > frame {
                        return Ok(None);
                    }
                }
                None if time > wanted => return Ok(None),
                None => {}
            }
        }
        Ok(None)
    }

    /// The next frame that the decoder gives, and its packet.
    fn next_frame(
        &mut self,
        index: &RwLock<Index>,
        watch: &EpochWatch,
    ) -> Result<Option<(u32, Frame)>, Stop> {
        let mut damaged = 0;
        while damaged < MAX_DAMAGED {
            match self.decoder.receive() {
                Received::Frame(frame) => {
                    self.frame_bytes = self.frame_bytes.max(frame.bytes());
                    if let Some(packet) = frame.name() {
                        return Ok(Some((packet, frame)));
                    }
                }
                Received::Ended => {
                    self.is_running = false;
                    return Ok(None);
                }
                Received::Damaged => damaged += 1,
                Received::Hungry => self.feed(index, watch)?,
            }
        }
        self.is_running = false;
        Ok(None)
    }

    /// Hands the next packet to the decoder.
    fn feed(&mut self, index: &RwLock<Index>, watch: &EpochWatch) -> Result<(), Stop> {
        if watch.is_stale() {
            return Err(Stop::Skipped);
        }
        let is_over = self.last_packet.is_some_and(|last| self.cursor.next() > last);
        if !is_over {
            self.cursor.fetch(index).inspect_err(|_| self.is_running = false)?;
        }
        let number = self.cursor.next();
        let Some(packet) = self.cursor.packet().filter(|_| !is_over) else {
            self.decoder.send(None);
            return Ok(());
        };
        if number >= self.first_packet {
            let is_early = read(index).entry(number).is_some_and(|entry| entry.time < self.needed_time);
            self.decoder.skip_unneeded(is_early);
            packet.set_name(number);
            if self.decoder.send(Some(packet)) == Sent::Full {
                return Ok(());
            }
        }
        self.cursor.pass();
        Ok(())
    }

    /// Starts early enough for a frame, at a packet that is the key it is said to be; which one that was.
    fn start(
        &mut self,
        frame: u32,
        back: usize,
        is_backward: bool,
        index: &RwLock<Index>,
        watch: &EpochWatch,
    ) -> Result<u32, Stop> {
        loop {
            let start = start_for(frame, back, is_backward, &read(index));
            self.start_at(start, index, watch)?;
            if start == 0 || self.cursor.input().facts().codec != "h264" {
                return Ok(start);
            }
            self.cursor.bring(start, index).inspect_err(|_| self.is_running = false)?;
            let length_bytes = length_bytes(self.cursor.input().extradata());
            if self.cursor.packet().is_none_or(|packet| stands_alone(packet.bytes(), length_bytes)) {
                return Ok(start);
            }
            write(index).unmake_key(start);
        }
    }

    /// Makes the decoder start with this key packet.
    fn start_at(&mut self, packet: u32, index: &RwLock<Index>, watch: &EpochWatch) -> Result<(), Stop> {
        self.decoder.flush();
        (self.is_running, self.passed) = (false, None);
        (self.needed_time, self.last_packet) = (NO_TIME, None);
        self.cursor.go_to(packet, self.restart_cost(), index, watch)?;
        self.first_packet = packet;
        self.first_time = match packet {
            0 => NO_TIME,
            _ => read(index).entry(packet).map_or(NO_TIME, |entry| entry.time),
        };
        self.is_running = true;
        Ok(())
    }
}

/// The time from which on frames are wanted by those who jumped to this one.
fn near_time(frame: u32, index: &Index) -> i64 {
    index.time(frame.saturating_sub(NEAR_FRAMES)).unwrap_or(NO_TIME)
}

/// Where to start for a frame; while playing backwards early enough for a few frames before it.
fn start_for(frame: u32, back: usize, is_backward: bool, index: &Index) -> u32 {
    let start = index.start_of(frame, back);
    if !is_backward {
        return start;
    }
    start.min(index.start_of(frame.saturating_sub(BACKWARD_FRAMES - 1), back))
}

fn undecodable(frame: u32) -> Stop {
    Stop::Failed(DecodeError::damaged(format!("the decoder makes no picture of frame {frame}")))
}
