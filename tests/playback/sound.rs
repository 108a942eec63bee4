//! Sound and pictures together: a source of beeps, a fake sound device with a clock and a thread of its own, and frames
//! that flash when it beeps.

use std::path::Path;
use std::sync::Arc;

use rushes::audio::{Engine, Manual, OpenSound, SoundEnd, SoundFile, SoundSource, Stereo};
use rushes::epoch::EpochWatch;
use rushes::frame::ClipId;
use rushes::player::{Clip, ClipOptions, ClipSound, Command, Pace};
use rushes::time::{Clock, LoopMode, Nanos, Rate, WorkArea};

use crate::support::clips;
use crate::support::rig::{Rig, SECOND, STEP};

const RATE: u32 = 48_000;
/// Every second frame of a second is a flash, at 24 frames a second.
const FRAMES_OF_BEEP: u32 = 24;
const PIECE: usize = 480;
/// From the moment that the device asks for samples until they are heard.
const LATENCY: Nanos = 30_000_000;

/// A beep of 80 ms at the beginning of each second: long enough to be left of sound that is played twice as fast.
struct Beeps;

impl SoundSource for Beeps {
    fn read(&mut self, at: i64, into: &mut [Stereo], watch: &EpochWatch) -> Result<(), SoundEnd> {
        if watch.is_stale() {
            return Err(SoundEnd::Skipped);
        }
        for (sample, at) in into.iter_mut().zip(at..) {
            let is_beep = at >= 0 && at % i64::from(RATE) < 3840;
            *sample = [f32::from(u8::from(is_beep)); 2];
        }
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        0
    }
}

fn beeps(first_number: i64, rate: Option<Rate>) -> ClipSound {
    let file = SoundFile { path: Path::new("beeps.wav").into(), origin_nanos: None };
    ClipSound { file, first_number, rate }
}

/// A player that is heard.
struct Theatre {
    rig: Rig,
    engine: Manual,
    /// When the next sample of the device is heard.
    device: f64,
    /// How much longer a sample of the device lasts than it says.
    skew: f64,
    noise: u64,
    beeps: Vec<Nanos>,
    flashes: Vec<Nanos>,
    was_loud: bool,
    /// Every so many frames one flashes.
    frames_of_beep: u32,
}

impl Theatre {
    fn new(frames: u32, skew: f64) -> Self {
        Self::of(frames, skew, FRAMES_OF_BEEP, |id| {
            let mut clip = clips::clip(id, frames);
            clip.sound = Some(beeps(1, None));
            clip
        })
    }

    /// Frames of very different lengths, every sixth of which begins a second.
    fn of_variable_rate(options: &ClipOptions) -> Self {
        let millis: Vec<Nanos> = [20, 40, 500, 20, 25, 395].repeat(20);
        Self::of(120, 1.0, 6, |id| {
            let mut clip = clips::variable(id, &millis, options);
            clip.sound = Some(beeps(0, clip.info.rate));
            clip
        })
    }

    fn of(frames: u32, skew: f64, frames_of_beep: u32, make: impl FnOnce(ClipId) -> Clip) -> Self {
        let mut rig = Rig::empty(frames.into(), frames.into());
        rig.add(make);
        rig.settle();
        let open: Arc<OpenSound> = Arc::new(|_, _, _| Ok(Box::new(Beeps)));
        let (engine, manual) = Engine::manual(RATE, open);
        rig.player.use_sound(engine);
        let device = (rig.clock.now() + LATENCY) as f64;
        let (noise, beeps, flashes) = (7, Vec::new(), Vec::new());
        Self { rig, engine: manual, device, skew, noise, beeps, flashes, was_loud: false, frames_of_beep }
    }

    fn run(&mut self, nanos: Nanos) {
        let end = self.rig.clock.now() + nanos;
        while self.rig.clock.now() < end {
            self.rig.tick_after(STEP);
            let now = self.rig.clock.now();
            if self.rig.last.presented
                && self.rig.exact().is_some_and(|index| index % self.frames_of_beep == 0)
            {
                self.flashes.push(now);
            }
            self.engine.fill();
            self.listen(now);
        }
    }

    /// The device takes what it needs by now.
    fn listen(&mut self, now: Nanos) {
        let sample_nanos = 1e9 / f64::from(RATE) * self.skew;
        while self.device < (now + LATENCY) as f64 {
            self.noise = self.noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let noise = ((self.noise >> 40) as f64 / f64::from(1 << 24) - 0.5) * 4e6;
            let mut out = [[0.0; 2]; PIECE];
            self.engine.mixer.render(&mut out, (self.device + noise) as Nanos);
            self.engine.fill();
            for sample in out {
                let is_loud = sample[0] > 0.3;
                if is_loud && !self.was_loud {
                    self.beeps.push(self.device as Nanos);
                }
                self.was_loud = is_loud;
                self.device += sample_nanos;
            }
        }
    }

    /// The largest distance of a flash from its beep; every flash has one.
    fn worst(&self, after: Nanos) -> Nanos {
        let beeps = |flash: Nanos| self.beeps.iter().map(move |beep| (beep - flash).abs()).min();
        let last = self.beeps.last().copied().unwrap_or(0);
        let flashes = self.flashes.iter().filter(|flash| (after..last).contains(*flash));
        flashes.map(|flash| beeps(*flash).unwrap_or(Nanos::MAX)).max().unwrap_or(Nanos::MAX)
    }
}

#[test]
fn an_hour_stays_in_step_with_devices_that_run_fast_or_slow() {
    for skew in [1.0, 1.0 + 200e-6, 1.0 - 200e-6] {
        let mut theatre = Theatre::new(240, skew);
        theatre.rig.command(Command::Play);
        for minute in 1..=60 {
            theatre.run(60 * SECOND);
            let (flashes, beeps) = (theatre.flashes.len(), theatre.beeps.len());
            assert!(
                (60 * minute - 2..=60 * minute + 2).contains(&flashes),
                "{skew}: {flashes} in {minute} min"
            );
            assert!((60 * minute - 2..=60 * minute + 2).contains(&beeps), "{skew}: {beeps} in {minute} min");
        }
        // The beep of the first frame is over before the device can play it.
        let worst = theatre.worst(theatre.flashes[1]);
        assert!(worst <= 20_000_000, "{skew}: {worst} ns apart");
        let snapshot = theatre.rig.player.snapshot();
        assert_eq!((snapshot.present.late, snapshot.present.dropped), (0, 0), "{skew}");
        assert_eq!(snapshot.sound.unwrap().underruns, 0, "{skew}");
    }
}

#[test]
fn loops_seeks_turns_and_speeds_stay_in_step() {
    let mut theatre = Theatre::new(480, 1.0);
    theatre.rig.player.set_work_area(WorkArea::new(10, 130));
    theatre.rig.command(Command::Play);
    theatre.run(15 * SECOND);
    for command in [
        Command::Seek(200),
        Command::SetRange(0, 479),
        Command::ShuttleForward,
        Command::Seek(40),
        Command::Play,
        Command::CycleLoop,
    ] {
        theatre.rig.command(command);
        theatre.run(2 * SECOND);
        let after = theatre.rig.clock.now();
        theatre.run(6 * SECOND);
        assert!(theatre.flashes.last().is_some_and(|flash| *flash > after), "{command:?}");
        // A change of tempo moves a beep by up to its search range.
        let most = if command == Command::ShuttleForward { 30_000_000 } else { 20_000_000 };
        let worst = theatre.worst(after);
        assert!(worst <= most, "{command:?}: {worst}");
    }
}

#[test]
fn real_time_drops_frames_and_the_sound_goes_on() {
    let mut theatre = Theatre::new(480, 1.0);
    theatre.rig.player.set_pace(Pace::RealTime);
    theatre.rig.command(Command::Play);
    theatre.run(5 * SECOND);
    // Nothing happens for a second: no tick, while the device plays on what it has and then runs dry.
    theatre.rig.clock.advance(SECOND);
    let now = theatre.rig.clock.now();
    theatre.listen(now);
    theatre.run(SECOND);
    let after = theatre.rig.clock.now();
    theatre.run(8 * SECOND);
    assert!(theatre.rig.player.snapshot().present.dropped >= 20);
    assert!(theatre.worst(after) <= 20_000_000);
}

#[test]
fn late_frames_silence_the_sound_until_playback_holds_its_rate_again() {
    let mut theatre = Theatre::new(480, 1.0);
    theatre.rig.command(Command::Play);
    theatre.run(3 * SECOND);
    // Two seconds in which every tick comes far too late.
    let beeps = theatre.beeps.len();
    for _ in 0..8 {
        theatre.rig.clock.advance(SECOND / 4);
        theatre.rig.tick();
        let now = theatre.rig.clock.now();
        theatre.engine.fill();
        theatre.listen(now);
    }
    assert!(theatre.beeps.len() <= beeps + 1);
    theatre.run(SECOND);
    let after = theatre.rig.clock.now();
    theatre.run(6 * SECOND);
    assert!(theatre.worst(after) <= 20_000_000);
    assert!(theatre.beeps.iter().filter(|beep| **beep > after).count() >= 5);
}

#[test]
fn scrubbing_is_heard_unless_it_is_switched_off_and_pausing_is_silent() {
    let mut theatre = Theatre::new(480, 1.0);
    theatre.run(SECOND);
    assert!(theatre.beeps.is_empty());
    theatre.rig.command(Command::Scrub(48));
    theatre.run(SECOND);
    assert_eq!(theatre.beeps.len(), 1);
    theatre.rig.command(Command::Scrub(72));
    theatre.run(SECOND);
    let heard = theatre.beeps.len();
    theatre.rig.command(Command::ToggleScrubSound);
    theatre.rig.command(Command::Scrub(96));
    theatre.run(SECOND);
    assert_eq!(theatre.beeps.len(), heard);
    theatre.rig.command(Command::Play);
    theatre.run(3 * SECOND);
    theatre.rig.command(Command::ToggleMute);
    theatre.run(SECOND);
    let heard = theatre.beeps.len();
    theatre.run(3 * SECOND);
    assert_eq!(theatre.beeps.len(), heard);
    theatre.rig.command(Command::SetVolume(1.0));
    theatre.run(3 * SECOND);
    assert!(theatre.beeps.len() > heard);
    theatre.rig.command(Command::Pause);
    theatre.run(SECOND);
    let heard = theatre.beeps.len();
    theatre.run(3 * SECOND);
    assert_eq!(theatre.beeps.len(), heard);
}

#[test]
fn a_clip_that_is_played_at_another_rate_is_heard_at_it() {
    let mut theatre = Theatre::new(480, 1.0);
    let rate = Rate::new(30, 1).unwrap();
    let mut fast = clips::numbered(
        theatre.rig.player.new_clip_id(),
        1..=480,
        &rushes::player::ClipOptions { rate: Some(rate), ..Default::default() },
    );
    fast.sound = theatre.rig.player.clip().and_then(|clip| clip.sound.clone());
    theatre.rig.player.add_clip(fast);
    theatre.rig.player.set_loop_mode(LoopMode::Loop);
    theatre.rig.command(Command::SelectClip(1));
    theatre.rig.command(Command::Play);
    theatre.run(4 * SECOND);
    theatre.beeps.clear();
    theatre.run(6 * SECOND);
    // Beside a sequence a second of sound is as many frames as are played in it.
    assert!((5..=7).contains(&theatre.beeps.len()), "{}", theatre.beeps.len());
    // The sound of a movie of 24 frames a second is heard faster with its pictures.
    let mut fast = theatre.rig.player.clip().cloned().unwrap();
    fast.id = theatre.rig.player.new_clip_id();
    fast.sound = fast.sound.map(|sound| ClipSound { rate: Some(Rate::FILM), ..sound });
    theatre.rig.player.add_clip(fast);
    theatre.rig.command(Command::SelectClip(2));
    theatre.rig.command(Command::Play);
    theatre.run(4 * SECOND);
    theatre.beeps.clear();
    theatre.run(8 * SECOND);
    assert!((9..=11).contains(&theatre.beeps.len()), "{}", theatre.beeps.len());
}

#[test]
fn frames_of_unequal_length_stay_in_step_with_their_sound() {
    let mut theatre = Theatre::of_variable_rate(&ClipOptions::default());
    theatre.rig.command(Command::Play);
    theatre.run(600 * SECOND);
    assert!((598..=601).contains(&theatre.flashes.len()), "{}", theatre.flashes.len());
    assert!((598..=601).contains(&theatre.beeps.len()), "{}", theatre.beeps.len());
    let worst = theatre.worst(theatre.flashes[1]);
    assert!(worst <= 20_000_000, "{worst} ns apart");
    for command in [
        Command::Seek(60),
        Command::SetRange(30, 77),
        Command::ShuttleForward,
        Command::ToggleEveryFrame,
        Command::Play,
        Command::CycleLoop,
        Command::CycleLoop,
    ] {
        theatre.rig.command(command);
        theatre.run(2 * SECOND);
        let after = theatre.rig.clock.now();
        theatre.run(7 * SECOND);
        assert!(
            theatre.rig.player.transport().is_playing()
                == theatre.flashes.last().is_some_and(|flash| *flash > after),
            "{command:?}"
        );
        let most = if theatre.rig.player.transport().speed() > 1.0 { 35_000_000 } else { 20_000_000 };
        if theatre.rig.player.transport().is_playing() {
            let worst = theatre.worst(after);
            assert!(worst <= most, "{command:?}: {worst}");
        }
    }
    assert_eq!(theatre.rig.player.snapshot().sound.unwrap().underruns, 0);
}

#[test]
fn a_stated_rate_makes_frames_equal_and_their_sound_faster() {
    let options = ClipOptions { rate: Some(Rate::new(48, 1).unwrap()), ..ClipOptions::default() };
    let mut theatre = Theatre::of_variable_rate(&options);
    assert!(!theatre.rig.player.transport().is_variable());
    theatre.rig.command(Command::Play);
    theatre.run(10 * SECOND);
    assert!((78..=81).contains(&theatre.flashes.len()), "{}", theatre.flashes.len());
    // Five seconds of sound belong to the 120 frames, by the average of 24 a second.
    theatre.beeps.clear();
    theatre.run(10 * SECOND);
    assert!((19..=21).contains(&theatre.beeps.len()), "{}", theatre.beeps.len());
}

#[test]
fn a_glance_at_a_long_frame_is_short() {
    let mut theatre = Theatre::of(2, 1.0, 1, |id| {
        let mut clip = clips::variable(id, &[1000, 600_000], &ClipOptions::default());
        clip.sound = Some(beeps(0, clip.info.rate));
        clip
    });
    theatre.run(SECOND);
    theatre.rig.command(Command::Scrub(1));
    theatre.run(10 * SECOND);
    assert_eq!(theatre.beeps.len(), 1);
}
