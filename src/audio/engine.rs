//! The handle that a player has: orders go down, how late they are heard comes up. Owns the thread `sound`, which opens
//! files and the device when something is to be heard, and closes the device when nothing is.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rtrb::RingBuffer;

use super::drift::Drift;
use super::feed::Wish;
use super::mixer::{CHUNK, Shared};
use super::null::NullDevice;
use super::peaks::{Measuring, Peaks};
use super::{Feed, Mixer, OpenSound, Order, SoundFile};
use crate::epoch::EpochClock;
use crate::time::Nanos;

/// Part of a second that the ring holds: longer than any hiccup of this thread, short enough to be filled at once.
const RING_PARTS: usize = 4;
/// How often the ring is filled while something plays.
const FILL_EVERY: Duration = Duration::from_millis(20);
/// A device that nobody uses is closed after this long; others may want it.
const IDLE: Duration = Duration::from_secs(5);
/// Samples a second of the null device.
pub const NULL_RATE: u32 = 48_000;

/// The clock that presentation times are of, for any thread.
pub type Now = Arc<dyn Fn() -> Nanos + Send + Sync>;

/// Where sound goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// The default device of the system; the null device where there is none.
    Device,
    /// A clock that takes samples and lets them go.
    Null,
}

/// What the owner of an engine should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// For the user; said once.
    pub notice: Option<String>,
    /// Times that a device went away: what was ordered must be ordered again.
    pub losses: u32,
    /// Bytes that it keeps.
    pub held_bytes: usize,
}

/// What the thread says of itself.
#[derive(Debug, Clone, Default)]
struct Said {
    device: Option<Arc<str>>,
    notice: Option<String>,
    /// Times that a device went away.
    losses: u32,
    held_bytes: usize,
}

/// The sound of a player. Dropping it ends and joins its threads.
pub struct Engine {
    // Goes first, so that reads that are under way stop.
    epoch: EpochClock,
    wishes: Option<Sender<Wish>>,
    open: Arc<OpenSound>,
    shared: Arc<Shared>,
    said: Arc<Mutex<Said>>,
    drift: Drift,
    serial: u32,
    measuring: Option<Measuring>,
    thread: Option<JoinHandle<()>>,
}

/// Feed and mixer of an engine without threads, moved by hand.
pub struct Manual {
    pub feed: Feed,
    pub mixer: Mixer,
    wishes: Receiver<Wish>,
}

impl Manual {
    /// Takes the last order and fills the ring.
    pub fn fill(&mut self) {
        if let Some(wish) = self.wishes.try_iter().last() {
            self.feed.take(wish);
        }
        self.feed.fill();
    }
}

impl Engine {
    /// Starts the thread `sound`. No device is opened before something is to be heard.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn start(output: Output, open: Arc<OpenSound>, now: Now) -> std::io::Result<Self> {
        let (mut engine, wishes) = Self::new(Arc::clone(&open));
        let (shared, said) = (Arc::clone(&engine.shared), Arc::clone(&engine.said));
        let worker =
            Worker { output, open, now, shared, said, speaker: None, used: Instant::now(), missing: None };
        engine.thread = Some(Builder::new().name("sound".into()).spawn(move || worker.run(&wishes))?);
        Ok(engine)
    }

    /// An engine whose ring is filled and emptied by hand, at `rate` samples a second.
    pub fn manual(rate: u32, open: Arc<OpenSound>) -> (Self, Manual) {
        let (engine, wishes) = Self::new(Arc::clone(&open));
        let (feed, mixer) = joined(rate, &open, &engine.shared);
        (engine, Manual { feed, mixer, wishes })
    }

    fn new(open: Arc<OpenSound>) -> (Self, Receiver<Wish>) {
        let (wishes, receiver) = channel();
        let shared = Arc::new(Shared::default());
        shared.volume.store(1.0_f32.to_bits(), Ordering::Relaxed);
        let engine = Self {
            epoch: EpochClock::default(),
            wishes: Some(wishes),
            open,
            shared,
            said: Arc::default(),
            drift: Drift::default(),
            serial: 0,
            measuring: None,
            thread: None,
        };
        (engine, receiver)
    }

    /// Something else is heard from now on.
    pub fn play(&mut self, order: Order) {
        self.send(Some(order));
    }

    /// Nothing is heard any more.
    pub fn stop(&mut self) {
        self.send(None);
    }

    fn send(&mut self, order: Option<Order>) {
        self.serial = self.serial.wrapping_add(1);
        self.shared.shift.store(0, Ordering::Relaxed);
        self.shared.serial.store(self.serial, Ordering::Release);
        self.epoch.advance();
        let wish = Wish { serial: self.serial, watch: self.epoch.ticket().watch(), order };
        if let Some(wishes) = &self.wishes {
            // A thread that ended has said why.
            let _ = wishes.send(wish);
        }
    }

    /// How much later than due the last order is heard; `None` while it is not.
    pub fn offset(&mut self) -> Option<Nanos> {
        self.drift.observe(*lock(&self.shared.heard));
        self.drift.offset(self.serial)
    }

    /// How far pictures have followed since the last order.
    pub fn set_shift(&self, nanos: Nanos) {
        let nanos = i64::try_from(nanos).unwrap_or(0);
        self.shared.shift.store(nanos, Ordering::Relaxed);
    }

    /// 0 is silence, 1 is the sound as it is.
    pub fn set_volume(&self, volume: f32) {
        self.shared.volume.store(volume.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
    }

    /// The device that plays; `None` while none is open.
    pub fn device(&self) -> Option<Arc<str>> {
        lock(&self.said).device.clone()
    }

    /// What its owner should know, since this was last asked.
    pub fn take_news(&self) -> News {
        let outline_bytes = self.measuring.as_ref().map_or(0, Measuring::held_bytes);
        let mut said = lock(&self.said);
        let held_bytes = said.held_bytes + outline_bytes;
        News { notice: said.notice.take(), losses: said.losses, held_bytes }
    }

    /// How often samples came too late for the device.
    pub fn underruns(&self) -> u64 {
        self.shared.underruns.load(Ordering::Relaxed)
    }

    /// The outline of the first `secs` seconds of a sound, as far as it is measured. Another sound than before is
    /// begun anew, on the thread `sound-peaks`.
    pub fn peaks(&mut self, sound: &SoundFile, secs: f64) -> Option<Arc<Peaks>> {
        if self.measuring.as_ref().is_none_or(|measuring| measuring.sound != *sound) {
            self.measuring = None;
            let measuring = Measuring::start(sound.clone(), secs, Arc::clone(&self.open));
            self.measuring = measuring.map_err(|error| log::warn!("no outline of the sound: {error}")).ok();
        }
        self.measuring.as_ref().and_then(Measuring::latest)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.epoch.advance();
        self.measuring = None;
        self.wishes = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The two ends of a ring.
fn joined(rate: u32, open: &Arc<OpenSound>, shared: &Arc<Shared>) -> (Feed, Mixer) {
    let (filled, emptied) = RingBuffer::new(rate as usize / RING_PARTS / CHUNK + 2);
    (Feed::new(rate, Arc::clone(open), filled), Mixer::new(emptied, Arc::clone(shared), rate))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An open device; fields go in their order.
struct Speaker {
    _device: Sink,
    feed: Feed,
}

#[expect(dead_code, reason = "held for as long as it plays")]
enum Sink {
    #[cfg(feature = "audio")]
    Device(super::device::Device),
    Null(NullDevice),
}

/// What the thread `sound` has.
struct Worker {
    output: Output,
    open: Arc<OpenSound>,
    now: Now,
    shared: Arc<Shared>,
    said: Arc<Mutex<Said>>,
    speaker: Option<Speaker>,
    used: Instant,
    /// Why there was no device last; said once.
    missing: Option<String>,
}

impl Worker {
    fn run(mut self, wishes: &Receiver<Wish>) {
        loop {
            match wishes.recv_timeout(if self.speaker.is_some() { FILL_EVERY } else { IDLE }) {
                // Only the last one counts.
                Ok(wish) => self.take(wishes.try_iter().last().unwrap_or(wish)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.fill();
        }
    }

    fn take(&mut self, wish: Wish) {
        if wish.order.is_some() && self.speaker.is_none() {
            self.speaker = self.open_speaker();
        }
        if let Some(speaker) = &mut self.speaker {
            self.used = Instant::now();
            speaker.feed.take(wish);
        }
    }

    fn fill(&mut self) {
        let is_lost = self.shared.is_lost.swap(false, Ordering::AcqRel);
        let Some(speaker) = &mut self.speaker else { return };
        if is_lost {
            self.speaker = None;
            let mut said = lock(&self.said);
            (said.device, said.losses) = (None, said.losses + 1);
            said.notice = Some("the sound device went away".into());
            return;
        }
        speaker.feed.fill();
        let mut said = lock(&self.said);
        said.held_bytes = speaker.feed.held_bytes();
        said.notice = speaker.feed.take_trouble().or(said.notice.take());
        if speaker.feed.is_playing() {
            self.used = Instant::now();
        } else if self.used.elapsed() > IDLE {
            (said.device, said.held_bytes) = (None, 0);
            drop(said);
            self.speaker = None;
        }
    }

    /// The device that was asked for, else the null device, with a notice.
    fn open_speaker(&mut self) -> Option<Speaker> {
        let opened = match self.output {
            Output::Device => self.open_device(),
            Output::Null => Err(String::new()),
        };
        let (device, name) = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                let (feed, mixer) = joined(NULL_RATE, &self.open, &self.shared);
                let null = NullDevice::start(mixer, NULL_RATE, Arc::clone(&self.now)).ok()?;
                if self.output == Output::Device && self.missing.as_ref() != Some(&reason) {
                    lock(&self.said).notice = Some(format!("plays without sound: {reason}"));
                    self.missing = Some(reason);
                }
                (Speaker { _device: Sink::Null(null), feed }, "null".to_string())
            }
        };
        lock(&self.said).device = Some(name.into());
        Some(device)
    }

    #[cfg(feature = "audio")]
    fn open_device(&self) -> Result<(Speaker, String), String> {
        let found = super::device::find()?;
        let name = found.name.clone();
        let (feed, mixer) = joined(found.rate, &self.open, &self.shared);
        let device = found.start(mixer, &self.shared, Arc::clone(&self.now))?;
        Ok((Speaker { _device: Sink::Device(device), feed }, name))
    }

    #[cfg(not(feature = "audio"))]
    fn open_device(&self) -> Result<(Speaker, String), String> {
        Err("this build has no sound device: it lacks the feature `audio`".into())
    }
}
