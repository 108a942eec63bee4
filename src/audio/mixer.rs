//! The device's side: takes chunks out of the ring, places them at their time, and writes samples. Called by the thread
//! of a device, so it never waits, allocates or frees. Never decides what comes.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rtrb::Consumer;

use super::Stereo;
use crate::time::Nanos;

/// Samples of a chunk: 5 ms at 48 kHz.
pub const CHUNK: usize = 256;
/// What is heard fades in over so many samples, and volume changes no faster: 5 ms at 48 kHz.
const RAMP: f32 = 1.0 / 240.0;
/// What was cut off dies away by this factor a sample.
const DECAY: f32 = 0.97;
/// A device that is this much later than it was a moment ago stood still.
const JUMP_NANOS: Nanos = 40_000_000;

/// Samples on their way to the device.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The order that they belong to.
    pub serial: u32,
    /// When the first one is due; none where any time will do.
    pub due: Option<Nanos>,
    /// How many of the samples count.
    pub count: usize,
    /// Nothing comes after it.
    pub is_last: bool,
    pub samples: [Stereo; CHUNK],
}

/// When something was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    pub serial: u32,
    /// How much later than due.
    pub offset: Nanos,
    pub at: Nanos,
}

/// What the owner and the device's thread both look at.
#[derive(Debug, Default)]
pub struct Shared {
    /// The order that is heard; chunks of others are passed over.
    pub serial: AtomicU32,
    /// Bits of an `f32`.
    pub volume: AtomicU32,
    /// Nanoseconds by which pictures have followed the device since the order began.
    pub shift: AtomicI64,
    /// How often the ring was empty.
    pub underruns: AtomicU64,
    /// The device is gone.
    pub is_lost: AtomicBool,
    pub heard: Mutex<Heard>,
}

/// Writes what a device plays.
pub struct Mixer {
    chunks: Consumer<Chunk>,
    shared: Arc<Shared>,
    rate: u32,
    current: Option<(Chunk, usize)>,
    /// What is written stands at its time.
    is_placed: bool,
    /// The last chunk of the order was written.
    has_ended: bool,
    offset: Nanos,
    gain: f32,
    fade: f32,
    /// The last value that was written, and what is left of one that was cut off.
    last: Stereo,
    tail: Stereo,
}

impl Mixer {
    /// For a device of `rate` samples a second.
    pub fn new(chunks: Consumer<Chunk>, shared: Arc<Shared>, rate: u32) -> Self {
        let gain = f32::from_bits(shared.volume.load(Ordering::Relaxed));
        Self {
            chunks,
            shared,
            rate,
            current: None,
            is_placed: false,
            has_ended: true,
            offset: 0,
            gain,
            fade: 0.0,
            last: [0.0; 2],
            tail: [0.0; 2],
        }
    }

    /// Writes what is heard from `heard_at` on.
    pub fn render(&mut self, out: &mut [Stereo], heard_at: Nanos) {
        self.notice_jump(heard_at);
        let mut is_told = false;
        let mut done = 0;
        while done < out.len() {
            let now = heard_at + self.nanos(done);
            let rest = out.len() - done;
            match self.find(now, rest) {
                Found::Nothing(count) => {
                    self.silence(&mut out[done..done + count]);
                    done += count;
                }
                Found::Samples(count) => {
                    if !is_told {
                        self.tell(now);
                        is_told = true;
                    }
                    self.write(&mut out[done..done + count]);
                    done += count;
                }
            }
        }
    }

    fn nanos(&self, samples: usize) -> Nanos {
        samples as Nanos * 1_000_000_000 / Nanos::from(self.rate.max(1))
    }

    /// When the next sample of the current chunk is due.
    fn due(&self) -> Option<Nanos> {
        let (chunk, used) = self.current.as_ref()?;
        Some(chunk.due? + self.nanos(*used))
    }

    /// A device that stood still is placed anew.
    fn notice_jump(&mut self, heard_at: Nanos) {
        if let Some(due) = self.due().filter(|_| self.is_placed)
            && (heard_at - due - self.offset).abs() > JUMP_NANOS
        {
            self.cut();
        }
    }

    fn tell(&mut self, now: Nanos) {
        let Some(due) = self.due() else { return };
        self.offset = now - due;
        let serial = self.current.as_ref().map_or(0, |(chunk, _)| chunk.serial);
        // Whoever looks at it now gets the next one.
        if let Ok(mut heard) = self.shared.heard.try_lock() {
            *heard = Heard { serial, offset: self.offset, at: now };
        }
    }

    fn find(&mut self, now: Nanos, rest: usize) -> Found {
        let serial = self.shared.serial.load(Ordering::Acquire);
        loop {
            let Some((chunk, used)) = &mut self.current else {
                match self.chunks.pop() {
                    Ok(chunk) => self.current = Some((chunk, 0)),
                    Err(_) => return self.run_dry(rest),
                }
                continue;
            };
            if chunk.serial != serial {
                self.current = None;
                self.cut();
                self.has_ended = true;
                continue;
            }
            if *used >= chunk.count {
                self.has_ended = chunk.is_last;
                self.current = None;
                continue;
            }
            let left = chunk.count - *used;
            self.has_ended = false;
            if self.is_placed {
                return Found::Samples(left.min(rest));
            }
            match self.early_samples(now) {
                0 => self.is_placed = true,
                early if early > 0 => return Found::Nothing(rest.min(early as usize)),
                late => {
                    if let Some((_, used)) = &mut self.current {
                        *used += left.min(late.unsigned_abs() as usize);
                    }
                }
            }
        }
    }

    /// Samples until the next one is due, with what pictures have followed so far.
    fn early_samples(&self, now: Nanos) -> i64 {
        let shift = Nanos::from(self.shared.shift.load(Ordering::Relaxed));
        let Some(due) = self.due() else { return 0 };
        let samples = (due + shift - now) * Nanos::from(self.rate) / 1_000_000_000;
        samples.clamp(Nanos::from(i32::MIN), Nanos::from(i32::MAX)) as i64
    }

    fn run_dry(&mut self, rest: usize) -> Found {
        if self.is_placed {
            self.cut();
            if !self.has_ended {
                self.shared.underruns.fetch_add(1, Ordering::Relaxed);
            }
        }
        Found::Nothing(rest)
    }

    /// What comes next does not go on where the last sample was.
    fn cut(&mut self) {
        self.is_placed = false;
        self.fade = 0.0;
        self.tail = self.last;
    }

    fn silence(&mut self, out: &mut [Stereo]) {
        for sample in out {
            *sample = self.put([0.0; 2]);
        }
    }

    fn write(&mut self, out: &mut [Stereo]) {
        let Some((chunk, used)) = self.current.take() else { return };
        let wanted = f32::from_bits(self.shared.volume.load(Ordering::Relaxed)).clamp(0.0, 1.0);
        for (sample, found) in out.iter_mut().zip(&chunk.samples[used..]) {
            self.gain += (wanted - self.gain).clamp(-RAMP, RAMP);
            self.fade = (self.fade + RAMP).min(1.0);
            let scale = self.gain * self.fade;
            *sample = self.put(found.map(|value| value * scale));
        }
        self.current = Some((chunk, used + out.len()));
    }

    fn put(&mut self, sample: Stereo) -> Stereo {
        self.tail = self.tail.map(|value| if value.abs() < 1e-5 { 0.0 } else { value * DECAY });
        self.last = [sample[0] + self.tail[0], sample[1] + self.tail[1]];
        self.last
    }
}

/// What the mixer does next.
enum Found {
    /// Silence for so many samples.
    Nothing(usize),
    /// So many of the current chunk.
    Samples(usize),
}
