//! The sound of one file: any sample of it, exactly, at one rate. Owns a demuxer, a decoder and the last seconds that it
//! decoded. Never decides what is heard. Used by one thread.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use super::builder::no_memory;
use super::cursor::stopped;
use super::fence::{Decoder, Gate, Input, NO_TIME, Packet, Reach, Read, Received, Resampler, Sent};
use super::info::nanos_of;
use super::movie::error_of;
use super::opening::{Limits, Opening};
use super::session::Stop;
use crate::decode::DecodeError;
use crate::epoch::EpochWatch;

/// Seconds that are kept of what was decoded, so that going back and forth costs nothing.
const KEPT_BLOCKS: usize = 12;
/// Seconds before the wanted sample to seek to, try after try. Codecs need a few packets before they are right.
const TRIES_BACK: [f64; 3] = [0.25, 2.0, 20.0];
/// A block so little ahead is reached by decoding on.
const NEAR_BLOCKS: i64 = 2;
/// Seconds that may wait for their last samples; files with times that jump about would fill memory with them.
const GROWING_BLOCKS: usize = 8;
/// Times that differ by less than this part of a second from what was counted are rounding.
const JITTER_PARTS: i64 = 100;
/// Places that are added to without overflow.
const MAX_SAMPLE: i128 = 1 << 60;
/// Unreadable packets in a row after which the rest of the file is silent.
const MAX_FAILURES: usize = 256;

/// Left and right.
type Stereo = [f32; 2];

/// Which stream of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The sound, or its left channel.
    First,
    /// The right channel, where it has a stream of its own.
    Partner,
}

impl Side {
    fn open(self, opening: &Opening, watch: &EpochWatch) -> Result<(Input, Arc<Gate>), DecodeError> {
        match self {
            Self::First => opening.open_sound(watch),
            Self::Partner => opening.open_partner(watch),
        }
    }
}

/// An open sound. Samples are counted from the moment that the owner calls the beginning.
pub struct Sound {
    side: Side,
    partner: Option<Box<Sound>>,
    opening: Arc<Opening>,
    input: Input,
    gate: Arc<Gate>,
    packet: Packet,
    decoder: Decoder,
    resampler: Resampler,
    rate: u32,
    origin_nanos: i128,
    /// Seconds that are complete, the one that was used last at the end.
    blocks: VecDeque<(i64, Vec<Stereo>)>,
    /// Seconds of which samples are still to come.
    growing: BTreeMap<i64, Vec<Stereo>>,
    /// The sample that comes next; unknown after a seek.
    next: Option<i64>,
    /// Nothing was read yet.
    is_fresh: bool,
    has_ended: bool,
    /// Where the sound ends, once that was seen: silence beyond it needs no looking for.
    end: Option<i64>,
    failures: usize,
    decoded: Vec<Stereo>,
    /// Of what was decoded first.
    first_time: Option<i64>,
}

impl Sound {
    /// Opens the sound of a file at `rate` samples a second. `origin_nanos` is the time of the file that counts as the
    /// beginning; without one its own first sample is.
    ///
    /// # Errors
    /// [`DecodeError`] when it has none, nothing decodes it, or `watch` went stale.
    pub fn open(
        path: &Path,
        origin_nanos: Option<i128>,
        rate: u32,
        watch: &EpochWatch,
    ) -> Result<Self, DecodeError> {
        Self::over(Opening::of(path, Limits::default())?, origin_nanos, rate, watch)
    }

    pub(super) fn over(
        opening: Opening,
        origin_nanos: Option<i128>,
        rate: u32,
        watch: &EpochWatch,
    ) -> Result<Self, DecodeError> {
        let opening = Arc::new(opening);
        let mut sound = Self::of(Arc::clone(&opening), Side::First, origin_nanos, rate, watch)?;
        if sound.input.has_partner() {
            let origin_nanos = Some(sound.origin_nanos);
            sound.partner = Some(Box::new(Self::of(opening, Side::Partner, origin_nanos, rate, watch)?));
        }
        Ok(sound)
    }

    fn of(
        opening: Arc<Opening>,
        side: Side,
        origin_nanos: Option<i128>,
        rate: u32,
        watch: &EpochWatch,
    ) -> Result<Self, DecodeError> {
        let (input, gate) = side.open(&opening, watch)?;
        let decoder = Decoder::open(&input, 1, opening.limits.max_pixels)?;
        let packet = Packet::new().ok_or_else(no_memory)?;
        let mut sound = Self {
            side,
            partner: None,
            opening,
            gate,
            packet,
            decoder,
            resampler: Resampler::new(rate),
            rate,
            origin_nanos: origin_nanos.unwrap_or(0),
            blocks: VecDeque::new(),
            growing: BTreeMap::new(),
            next: None,
            is_fresh: true,
            has_ended: false,
            end: None,
            failures: 0,
            decoded: Vec::new(),
            first_time: None,
            input,
        };
        if origin_nanos.is_none() {
            sound.begin_at_first(watch).map_err(error_of)?;
        }
        Ok(sound)
    }

    /// Makes the first sample that is decoded the beginning: headers count those that decoders leave out.
    fn begin_at_first(&mut self, watch: &EpochWatch) -> Result<(), Stop> {
        while self.next.is_none() && !self.has_ended && !watch.is_stale() {
            self.step()?;
        }
        let first = self.first_time.map(|time| nanos_of(time, self.input.facts().time_base));
        self.origin_nanos = first.unwrap_or(0);
        self.start_over()
    }

    /// Bytes that it keeps.
    pub fn held_bytes(&self) -> usize {
        let blocks = self.blocks.len() + self.growing.len();
        let own = (blocks * self.rate as usize + self.decoded.capacity()) * size_of::<Stereo>();
        own + self.partner.as_ref().map_or(0, |partner| partner.held_bytes())
    }

    #[cfg(test)]
    /// Forgets the seconds that are complete.
    pub fn forget_blocks(&mut self) {
        self.blocks.clear();
    }

    /// Fills `into` with what begins at sample `at`; silence where the file has nothing.
    ///
    /// # Errors
    /// [`Stop`] when the disk fails or nobody waits any more.
    pub fn read(&mut self, at: i64, into: &mut [Stereo], watch: &EpochWatch) -> Result<(), Stop> {
        let length = i64::from(self.rate);
        let mut done = 0;
        while done < into.len() {
            let sample = at.saturating_add(done as i64);
            let (block, offset) = (sample.div_euclid(length), sample.rem_euclid(length) as usize);
            let count = (into.len() - done).min(self.rate as usize - offset);
            let part = &mut into[done..done + count];
            match sample < 0 {
                true => part.fill([0.0; 2]),
                false => part.copy_from_slice(&self.block(block, watch)?[offset..offset + count]),
            }
            done += count;
        }
        match &mut self.partner {
            None => Ok(()),
            Some(partner) => {
                let mut right = vec![[0.0; 2]; into.len()];
                partner.read(at, &mut right, watch)?;
                into.iter_mut().zip(&right).for_each(|(sample, right)| sample[1] = right[1]);
                Ok(())
            }
        }
    }

    /// A whole second.
    fn block(&mut self, index: i64, watch: &EpochWatch) -> Result<&[Stereo], Stop> {
        if let Some(at) = self.blocks.iter().position(|block| block.0 == index) {
            let found = self.blocks.remove(at);
            self.blocks.extend(found);
        } else {
            let samples = self.decode_block(index, watch)?;
            if self.blocks.len() == KEPT_BLOCKS {
                self.blocks.pop_front();
            }
            self.blocks.push_back((index, samples));
        }
        Ok(self.blocks.back().map_or(&[], |block| &block.1))
    }

    fn decode_block(&mut self, index: i64, watch: &EpochWatch) -> Result<Vec<Stereo>, Stop> {
        self.gate.begin(watch);
        let length = i64::from(self.rate);
        let (start, end) = (index * length, (index + 1) * length);
        let silence = || vec![[0.0; 2]; length as usize];
        if self.end.is_some_and(|end| end <= start) {
            return Ok(silence());
        }
        // What grows lies behind the place where decoding began, so it has its first sample.
        let is_near = |next: i64| next <= start && start - next <= NEAR_BLOCKS * length;
        let goes_on = match self.next {
            Some(next) => is_near(next) || self.growing.contains_key(&index),
            None => self.is_fresh && is_near(0),
        };
        if !goes_on {
            self.seek(start)?;
        }
        while !self.has_ended && self.next.is_none_or(|next| next < end) {
            if watch.is_stale() {
                self.next = None;
                return Err(Stop::Skipped);
            }
            self.step()?;
        }
        if self.has_ended {
            self.end = self.next;
        }
        let block = self.growing.remove(&index).unwrap_or_else(silence);
        self.growing.retain(|other, _| *other > index);
        Ok(block)
    }

    /// Goes to a place from which everything from `start` on comes out right.
    fn seek(&mut self, start: i64) -> Result<(), Stop> {
        let seconds = start as f64 / f64::from(self.rate);
        for back in TRIES_BACK {
            let before = ((seconds - back) * 1e9) as i128 + self.origin_nanos;
            self.forget();
            if !self.input.seek(Reach::Time(units_of(before, self.input.facts().time_base))) {
                break;
            }
            self.decoder.flush();
            while self.next.is_none() && !self.has_ended {
                self.step()?;
            }
            if seconds <= back || self.next.is_some_and(|next| next <= start) {
                return Ok(());
            }
        }
        self.start_over()
    }

    /// From the beginning of the file, for those that cannot be sought in.
    fn start_over(&mut self) -> Result<(), Stop> {
        self.forget();
        self.is_fresh = true;
        (self.input, self.gate) = self.side.open(&self.opening, &EpochWatch::never_stale())?;
        self.decoder = Decoder::open(&self.input, 1, self.opening.limits.max_pixels)?;
        Ok(())
    }

    fn forget(&mut self) {
        self.growing.clear();
        self.resampler.restart();
        (self.next, self.is_fresh, self.has_ended, self.failures) = (None, false, false, 0);
    }

    /// One packet in, what is decoded out.
    fn step(&mut self) -> Result<(), Stop> {
        let has_packet = match self.input.read(&mut self.packet) {
            Read::Packet => true,
            Read::Ended => false,
            Read::Stopped => {
                self.next = None;
                return Err(stopped(&self.gate));
            }
            Read::Failed(code) if code.is_of_disk() => {
                self.next = None;
                return Err(Stop::Failed(code.explain("reading its sound")));
            }
            Read::Failed(_) => {
                self.failures += 1;
                self.has_ended |= self.failures > MAX_FAILURES;
                return Ok(());
            }
        };
        loop {
            let sent = self.decoder.send(has_packet.then_some(&self.packet));
            self.receive();
            if sent != Sent::Full {
                break;
            }
        }
        if !has_packet {
            self.end();
        }
        Ok(())
    }

    fn receive(&mut self) {
        loop {
            match self.decoder.receive() {
                Received::Frame(frame) => {
                    self.decoded.clear();
                    if self.resampler.convert(&frame, &mut self.decoded).is_ok() {
                        self.failures = 0;
                        self.place(frame.time());
                    }
                }
                Received::Damaged => {}
                Received::Hungry | Received::Ended => return,
            }
        }
    }

    fn end(&mut self) {
        self.decoded.clear();
        if self.resampler.finish(&mut self.decoded).is_ok() {
            self.place(NO_TIME);
        }
        self.has_ended = true;
    }

    /// Puts what was decoded where it belongs: after what came before it, unless its time says otherwise.
    fn place(&mut self, time: i64) {
        self.first_time = self.first_time.or(Some(time).filter(|time| *time != NO_TIME));
        let stated = (time != NO_TIME).then(|| self.sample_at(nanos_of(time, self.input.facts().time_base)));
        let jitter = i64::from(self.rate) / JITTER_PARTS;
        let at = match (self.next, stated) {
            (Some(next), Some(stated)) if (stated - next).abs() > jitter => stated,
            (Some(next), _) => next,
            (None, Some(stated)) => stated,
            (None, None) => 0,
        };
        self.write(at);
        self.next = Some(at + self.decoded.len() as i64);
        while self.growing.len() > GROWING_BLOCKS {
            self.growing.pop_last();
        }
    }

    /// Copies what was decoded into the seconds that it lies in.
    fn write(&mut self, at: i64) {
        let length = self.rate as usize;
        let mut rest = self.decoded.as_slice();
        let mut at = at;
        while !rest.is_empty() {
            let offset = at.rem_euclid(length as i64) as usize;
            let (part, later) = rest.split_at(rest.len().min(length - offset));
            let block = self.growing.entry(at.div_euclid(length as i64));
            let block = block.or_insert_with(|| vec![[0.0; 2]; length]);
            block[offset..offset + part.len()].copy_from_slice(part);
            at += part.len() as i64;
            rest = later;
        }
    }

    /// The sample that is heard at a time of the file.
    fn sample_at(&self, nanos: i128) -> i64 {
        let scaled = (nanos - self.origin_nanos) * i128::from(self.rate);
        // Times of damaged files may be anything.
        (scaled + 500_000_000).div_euclid(1_000_000_000).clamp(-MAX_SAMPLE, MAX_SAMPLE) as i64
    }
}

/// Nanoseconds in units of a stream, rounded down.
fn units_of(nanos: i128, (num, den): (i32, i32)) -> i64 {
    let unit = i128::from(num.max(1)) * 1_000_000_000;
    (nanos * i128::from(den)).div_euclid(unit).clamp(i128::from(i64::MIN + 1), i128::from(i64::MAX)) as i64
}
