//! `bench playback`: headless playback with a report, as text or as one JSON object.

use std::time::Instant;

use super::args::PlaybackArgs;
use super::playback::{PlaybackOptions, play};
use super::session::{Headless, set_sound};
use super::{Failure, Interrupt, print_lines};
use crate::audio::Output;
use crate::player::Pace;
use crate::time::Cadence;

pub fn playback(args: &PlaybackArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let started = Instant::now();
    let pace = match (args.real_time, args.unpaced) {
        (true, _) => Pace::RealTime,
        (_, true) => Pace::Unpaced,
        _ => Pace::EveryFrame,
    };
    let mut headless = Headless::open_run(&args.run, pace, interrupt)?;
    set_sound(&mut headless.player, &args.run.clip, Output::Null, headless.clock)?;
    let run = PlaybackOptions {
        loops: args.loops,
        size: args.run.size,
        preroll: args.preroll,
        checksum: args.checksum,
        refresh: args.refresh.and_then(Cadence::new),
    };
    let played = play(&mut headless, &run, started)?;
    if args.run.json {
        print_lines(std::iter::once(played.json().to_string()))?;
    } else {
        print_lines(played.lines().into_iter())?;
    }
    match args.require_fps {
        Some(wanted) if played.fps_actual < wanted => Err(Failure::new(
            Failure::REQUIREMENT,
            format!("{:.2} fps where {wanted} are required", played.fps_actual),
        )),
        _ => Ok(()),
    }
}
