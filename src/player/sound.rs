//! What is heard of the shown clip: owns the engine, the volume, and what was ordered last. In step with the transport:
//! every start, jump and turn of it is an order, and between orders pictures follow the device's clock.

use std::sync::Arc;

use super::transport::Run;
use super::{Pace, Player};
use crate::audio::{Engine, News, OpenSound, Order, Peaks, SoundEnd, SoundFile, SoundSource, Start, Stereo};
use crate::decode::{Sound, SoundStop};
use crate::epoch::EpochWatch;
use crate::stats::SoundStatus;
use crate::time::{Direction, FrameTimes, LoopMode, Nanos, Rate, Travel, WorkArea};

/// Pictures follow the device at most so much faster or slower than their rate, which nobody sees.
const FOLLOW_SHARE: f64 = 0.02;
/// After a picture came late sound waits this long for playback to hold its rate.
const RECOVERY_NANOS: Nanos = 400_000_000;
/// What is heard of the place that a hand moves to.
const GLANCE_NANOS: Nanos = 80_000_000;
/// One step of the volume keys.
const VOLUME_STEP: f32 = 0.1;

/// The sound of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipSound {
    pub file: SoundFile,
    /// The frame number at which it begins.
    pub first_number: i64,
    /// Frames in a second of it, whatever rate they are played at; without one the rate of the clip.
    pub rate: Option<Rate>,
}

/// How loud the sound of a clip is, frame by frame.
#[derive(Debug, Clone)]
pub struct SoundOutline {
    peaks: Arc<Peaks>,
    /// The frame of the sound that is the first of the clip.
    first: i64,
    times: FrameTimes,
}

impl SoundOutline {
    /// The largest value from one place in the clip to another, in frames, 0 to 1; `None` where it is not measured yet.
    pub fn between(&self, from: f64, to: f64) -> Option<f32> {
        let secs = |frame: f64| self.times.secs(self.first as f64 + frame);
        self.peaks.between(secs(from), secs(to))
    }

    /// Nothing more comes.
    pub fn is_whole(&self) -> bool {
        self.peaks.is_whole
    }
}

/// The state of what is heard.
pub(super) struct Hearing {
    engine: Option<Engine>,
    volume: f32,
    is_muted: bool,
    glances: bool,
    /// The run of the transport that is heard, and what of it.
    ordered: Option<(u64, Order)>,
    /// Sound waits until then.
    quiet_until: Nanos,
    followed_at: Nanos,
    losses: u32,
    /// The place that was glanced at last.
    glanced: Option<SoundPlace>,
    worst_offset: Nanos,
}

/// A frame of a sound.
type SoundPlace = (SoundFile, u32);

impl Default for Hearing {
    fn default() -> Self {
        Self {
            engine: None,
            volume: 1.0,
            is_muted: false,
            glances: true,
            ordered: None,
            quiet_until: 0,
            followed_at: 0,
            losses: 0,
            glanced: None,
            worst_offset: 0,
        }
    }
}

impl Hearing {
    fn gain(&self) -> f32 {
        // As loudness is felt: half the way is a quarter of the amplitude.
        if self.is_muted { 0.0 } else { self.volume * self.volume }
    }

    fn stop(&mut self) {
        if let (Some(engine), Some(_)) = (&mut self.engine, self.ordered.take()) {
            engine.stop();
        }
    }
}

impl Player {
    /// What is heard from now on goes to `engine`.
    pub fn use_sound(&mut self, engine: Engine) {
        engine.set_volume(self.hearing.gain());
        self.hearing.engine = Some(engine);
    }

    /// Pictures follow the device's clock, a little at a time.
    pub(super) fn follow_sound(&mut self, now: Nanos) {
        let elapsed = (now - std::mem::replace(&mut self.hearing.followed_at, now)).clamp(0, 100_000_000);
        let Some(engine) = &mut self.hearing.engine else { return };
        let (Some((run, order)), Some(current)) = (&self.hearing.ordered, self.transport.run()) else {
            return;
        };
        let (Start::At(anchor), true) = (order.start, *run == current.number) else { return };
        let Some(offset) = engine.offset() else { return };
        let most = (elapsed as f64 * FOLLOW_SHARE) as Nanos;
        let late = anchor + offset - current.anchor;
        self.hearing.worst_offset = self.hearing.worst_offset.max(late.abs());
        self.transport.shift(late.clamp(-most, most));
        let followed = self.transport.run().map_or(0, |run| run.anchor - anchor);
        engine.set_shift(followed);
    }

    /// Orders what belongs to what is seen.
    pub(super) fn order_sound(&mut self, now: Nanos) {
        if self.hearing.engine.is_none() {
            return;
        }
        self.attend_sound(now);
        match (self.clip_sound(), self.transport.run()) {
            (Some(sound), Some(run)) if self.transport.pace != Pace::Unpaced => {
                self.order_playback(sound, run, now);
            }
            _ => {
                let plays = |(_, order): &(u64, Order)| matches!(order.start, Start::At(_));
                if self.hearing.ordered.as_ref().is_some_and(plays) {
                    self.hearing.stop();
                }
                self.glance();
            }
        }
    }

    fn order_playback(&mut self, sound: ClipSound, run: Run, now: Nanos) {
        self.hearing.glanced = None;
        let is_heard = |(number, order): &(u64, Order)| {
            let same_way = Travel { playhead: 0, ..order.travel } == Travel { playhead: 0, ..run.travel };
            *number == run.number && same_way && order.sound == sound.file && order.rate == run.rate
        };
        if self.hearing.ordered.as_ref().is_some_and(is_heard) {
            return;
        }
        let is_new_run = self.hearing.ordered.as_ref().is_none_or(|(number, _)| *number != run.number);
        if is_new_run && run.is_late && self.hearing.ordered.is_some() {
            self.hearing.stop();
            self.hearing.quiet_until = now + RECOVERY_NANOS;
        }
        if run.is_late && now < self.hearing.quiet_until {
            // Another frame that is late starts the wait again.
            if now - run.anchor < RECOVERY_NANOS / 2 {
                self.hearing.quiet_until = self.hearing.quiet_until.max(run.anchor + RECOVERY_NANOS);
            }
            return;
        }
        let Some(run) = self.transport.rebase() else { return };
        let Some(order) = self.order_of(sound, run.travel, run.rate, Start::At(run.anchor)) else { return };
        if let Some(engine) = &mut self.hearing.engine {
            engine.play(order.clone());
        }
        self.hearing.ordered = Some((run.number, order));
    }

    /// A moment of the place that the playhead was moved to, while nothing plays.
    fn glance(&mut self) {
        let playhead = self.transport.travel.playhead;
        let place = self.clip_sound().map(|sound| (sound.file, playhead));
        let before = std::mem::replace(&mut self.hearing.glanced, place.clone());
        let moved = before.zip(place).is_some_and(|(before, now)| before.0 == now.0 && before.1 != now.1);
        if !moved || !self.hearing.glances || self.transport.is_playing() {
            return;
        }
        let (Some(sound), Some(clip)) = (self.clip_sound(), self.clip()) else { return };
        let travel = Travel {
            direction: Direction::Forward,
            loop_mode: LoopMode::Once,
            area: WorkArea::new(playhead, clip.frames() - 1),
            ..self.transport.travel
        };
        let rate = self.sound_times().rate();
        let Some(order) = self.order_of(sound, travel, rate, Start::Soon(GLANCE_NANOS)) else { return };
        if let Some(engine) = &mut self.hearing.engine {
            engine.play(order.clone());
        }
        self.hearing.ordered = Some((0, order));
    }

    fn order_of(&self, sound: ClipSound, travel: Travel, rate: Rate, start: Start) -> Option<Order> {
        let first = self.clip()?.number(0) - sound.first_number;
        Some(Order { sound: sound.file, travel, first, times: self.sound_times(), rate, start })
    }

    /// Where in its sound each frame begins.
    fn sound_times(&self) -> FrameTimes {
        let Some(clip) = self.clip() else { return Rate::FILM.into() };
        let of_movie = clip.sound.as_ref().and_then(|sound| sound.rate);
        of_movie.filter(|_| !clip.times().is_variable()).map_or(clip.times().clone(), FrameTimes::from)
    }

    fn clip_sound(&self) -> Option<ClipSound> {
        self.clip()?.sound.clone()
    }

    fn attend_sound(&mut self, now: Nanos) {
        let Some(engine) = &mut self.hearing.engine else { return };
        let News { notice, losses, held_bytes } = engine.take_news();
        if losses != self.hearing.losses {
            self.hearing.losses = losses;
            self.hearing.ordered = None;
        }
        let bytes = held_bytes as u64;
        if bytes != self.sound_charge.bytes() {
            self.ledger.resize(&mut self.sound_charge, bytes);
        }
        if let Some(notice) = notice {
            self.tell(notice, now);
        }
    }

    pub(super) fn change_volume(&mut self, volume: f32, now: Nanos) {
        self.hearing.volume = if volume.is_finite() { volume.clamp(0.0, 1.0) } else { 1.0 };
        self.hearing.is_muted = false;
        self.tell_volume(now);
    }

    pub(super) fn step_volume(&mut self, steps: f32, now: Nanos) {
        let tenths = (self.hearing.volume / VOLUME_STEP).round() + steps;
        self.change_volume(tenths * VOLUME_STEP, now);
    }

    pub(super) fn toggle_mute(&mut self, now: Nanos) {
        self.hearing.is_muted = !self.hearing.is_muted;
        self.tell_volume(now);
    }

    pub(super) fn toggle_glances(&mut self, now: Nanos) {
        self.hearing.glances = !self.hearing.glances;
        let text = if self.hearing.glances { "sound while scrubbing" } else { "no sound while scrubbing" };
        self.tell(text.into(), now);
    }

    fn tell_volume(&mut self, now: Nanos) {
        if let Some(engine) = &self.hearing.engine {
            engine.set_volume(self.hearing.gain());
        }
        let text = match self.hearing.is_muted {
            true => "sound is off".to_string(),
            false => format!("volume {:.0} %", self.hearing.volume * 100.0),
        };
        self.tell(text, now);
    }

    /// What is heard; `None` without an engine or for a clip without sound.
    pub(super) fn sound_status(&self) -> Option<SoundStatus> {
        let engine = self.hearing.engine.as_ref()?;
        self.clip()?.sound.as_ref()?;
        Some(SoundStatus {
            volume: self.hearing.volume,
            is_muted: self.hearing.is_muted,
            device: engine.device(),
            underruns: engine.underruns(),
            worst_offset_ms: self.hearing.worst_offset as f64 / 1e6,
        })
    }

    /// The outline of the shown clip's sound, as far as it is measured. The first call starts to measure.
    pub fn sound_outline(&mut self) -> Option<SoundOutline> {
        let sound = self.clip_sound()?;
        let clip = self.clip()?;
        let (first, times) = (clip.number(0) - sound.first_number, self.sound_times());
        let secs = times.secs((first + i64::from(clip.frames())) as f64);
        let peaks = self.hearing.engine.as_mut()?.peaks(&sound.file, secs)?;
        Some(SoundOutline { peaks, first, times })
    }
}

/// Opens real files for an engine.
pub fn open_files() -> Arc<OpenSound> {
    Arc::new(|file: &SoundFile, rate, watch: &EpochWatch| {
        let name = || crate::text::shown_path(file.path.file_name().unwrap_or(file.path.as_os_str()));
        let sound = Sound::open(&file.path, file.origin_nanos, rate, watch);
        let sound = sound.map_err(|stop| end_of(stop, &name()))?;
        Ok(Box::new(FileSound { sound, name: name() }) as Box<dyn SoundSource>)
    })
}

fn end_of(stop: SoundStop, name: &str) -> SoundEnd {
    match stop {
        SoundStop::Skipped => SoundEnd::Skipped,
        SoundStop::Failed(error) => SoundEnd::Failed(format!("no sound of {name}: {error}")),
    }
}

struct FileSound {
    sound: Sound,
    name: String,
}

impl SoundSource for FileSound {
    fn read(&mut self, at: i64, into: &mut [Stereo], watch: &EpochWatch) -> Result<(), SoundEnd> {
        self.sound.read(at, into, watch).map_err(|stop| end_of(stop, &self.name))
    }

    fn held_bytes(&self) -> usize {
        self.sound.held_bytes()
    }
}
