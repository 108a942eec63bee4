//! Fills the ring: reads the samples of an order, changes their tempo, cuts them into chunks. Owns the open files. Runs
//! on the thread `sound`, or is called by a test.

use std::collections::VecDeque;
use std::sync::Arc;

use rtrb::Producer;

use super::mixer::{CHUNK, Chunk};
use super::order::{Take, Takes};
use super::source::{OpenSound, SoundEnd, SoundSource};
use super::tempo::{Kind, Stretch, kind_of};
use super::{Order, SoundFile, Start, Stereo};
use crate::epoch::EpochWatch;
use crate::time::Nanos;

/// Files that stay open, so that going from clip to clip and back opens nothing.
const OPEN_FILES: usize = 3;
/// What is not continuous is faded out and in over so many samples: 2 ms at 48 kHz.
const SEAM: usize = 96;

/// An order with what tells whether it is still wanted.
#[derive(Debug, Clone)]
pub struct Wish {
    pub serial: u32,
    pub watch: EpochWatch,
    /// None: nothing is heard any more.
    pub order: Option<Order>,
}

struct Playing {
    serial: u32,
    watch: EpochWatch,
    order: Order,
    takes: Takes,
    stretch: Option<Stretch>,
    /// Samples put into the ring so far.
    made: u64,
    has_all: bool,
}

/// What turns orders into chunks.
pub struct Feed {
    rate: u32,
    open: Arc<OpenSound>,
    files: VecDeque<(SoundFile, Box<dyn SoundSource>)>,
    ring: Producer<Chunk>,
    playing: Option<Playing>,
    ready: VecDeque<Stereo>,
    samples: Vec<Stereo>,
    trouble: Option<String>,
}

impl Feed {
    pub fn new(rate: u32, open: Arc<OpenSound>, ring: Producer<Chunk>) -> Self {
        Self {
            rate,
            open,
            files: VecDeque::new(),
            ring,
            playing: None,
            ready: VecDeque::new(),
            samples: Vec::new(),
            trouble: None,
        }
    }

    /// Turns to another order.
    pub fn take(&mut self, wish: Wish) {
        self.ready.clear();
        self.playing = wish.order.and_then(|order| self.begin(wish.serial, wish.watch, order));
    }

    fn begin(&self, serial: u32, watch: EpochWatch, order: Order) -> Option<Playing> {
        let stretch = match kind_of(order.tempo()) {
            Kind::Plain => None,
            Kind::Stretched => Some(Stretch::new(self.rate, order.tempo())?),
            Kind::Silent => return None,
        };
        let takes = Takes::new(&order, self.rate);
        Some(Playing { serial, watch, order, takes, stretch, made: 0, has_all: false })
    }

    /// Whether an order is being played.
    pub fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// Bytes that it keeps.
    pub fn held_bytes(&self) -> usize {
        let files: usize = self.files.iter().map(|(_, file)| file.held_bytes()).sum();
        let samples = self.ready.capacity() + self.samples.capacity();
        files + samples * size_of::<Stereo>() + self.ring.buffer().capacity() * size_of::<Chunk>()
    }

    /// Why nothing is heard, if so; said once.
    pub fn take_trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// Fills the ring as far as there is room.
    pub fn fill(&mut self) {
        while self.playing.is_some() && self.ring.slots() > 0 {
            if let Err(end) = self.make_chunk() {
                self.playing = None;
                if let SoundEnd::Failed(reason) = end {
                    self.trouble = Some(reason);
                }
            }
        }
    }

    fn make_chunk(&mut self) -> Result<(), SoundEnd> {
        let Some(mut playing) = self.playing.take() else { return Ok(()) };
        while self.ready.len() < CHUNK && !playing.has_all {
            self.make_samples(&mut playing)?;
        }
        let count = self.ready.len().min(CHUNK);
        let mut samples = [[0.0; 2]; CHUNK];
        for (into, sample) in samples.iter_mut().zip(self.ready.drain(..count)) {
            *into = sample;
        }
        let is_last = playing.has_all && self.ready.is_empty();
        let due = match playing.order.start {
            Start::At(anchor) => {
                Some(anchor + Nanos::from(playing.made) * 1_000_000_000 / Nanos::from(self.rate))
            }
            Start::Soon(_) => None,
        };
        playing.made += count as u64;
        // There is room: this is the only thread that fills it.
        let _ = self.ring.push(Chunk { serial: playing.serial, due, count, is_last, samples });
        self.playing = Some(playing).filter(|_| !is_last);
        Ok(())
    }

    /// One take more.
    fn make_samples(&mut self, playing: &mut Playing) -> Result<(), SoundEnd> {
        let Some(take) = playing.takes.next() else {
            playing.has_all = true;
            if let Some(stretch) = &mut playing.stretch {
                stretch.finish();
                while stretch.pull(&mut self.ready) {}
            }
            return Ok(());
        };
        self.read(&playing.order.sound, take, &playing.watch)?;
        match &mut playing.stretch {
            None => self.ready.extend(&self.samples),
            Some(stretch) => {
                stretch.push(&self.samples);
                while stretch.pull(&mut self.ready) {}
            }
        }
        Ok(())
    }

    fn read(&mut self, sound: &SoundFile, take: Take, watch: &EpochWatch) -> Result<(), SoundEnd> {
        let mut samples = std::mem::take(&mut self.samples);
        samples.clear();
        samples.resize(take.samples, [0.0; 2]);
        self.file(sound, watch)?.read(take.at, &mut samples, watch)?;
        if take.is_reversed {
            samples.reverse();
        }
        let seam = SEAM.min(samples.len());
        let fade = |sample: &mut Stereo, at: usize| {
            *sample = sample.map(|value| value * (at as f32 + 0.5) / seam as f32);
        };
        if !take.joins {
            samples[..seam].iter_mut().enumerate().for_each(|(at, sample)| fade(sample, at));
        }
        if !take.is_joined {
            samples.iter_mut().rev().take(seam).enumerate().for_each(|(at, sample)| fade(sample, at));
        }
        self.samples = samples;
        Ok(())
    }

    /// The open file, the one that is used at the end.
    fn file(&mut self, sound: &SoundFile, watch: &EpochWatch) -> Result<&mut dyn SoundSource, SoundEnd> {
        if self.files.back().is_none_or(|(open, _)| open != sound) {
            let found = match self.files.iter().position(|(open, _)| open == sound) {
                Some(at) => self.files.remove(at),
                None => Some((sound.clone(), (self.open)(sound, self.rate, watch)?)),
            };
            if self.files.len() == OPEN_FILES {
                self.files.pop_front();
            }
            self.files.extend(found);
        }
        match self.files.back_mut() {
            Some((_, file)) => Ok(file.as_mut()),
            None => Err(SoundEnd::Skipped),
        }
    }
}
