//! `demo`: writes a synthetic sequence to the cache folder once and plays it, in a window where there
//! is a display, else headless with the playback report.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use etcetera::BaseStrategy;

use super::args::{Cli, DemoArgs, MediaArgs, PlayArgs};
use super::playback::{PlaybackOptions, play};
use super::session::{Headless, HeadlessOptions, open_window, set_playback};
use super::{Failure, Interrupt, print_lines, say};
use crate::encode::{DemoOptions, FIRST_DEMO_FRAME, write_demo_sequence};
use crate::player::Pace;
use crate::text::shown_path;

const HEADLESS_PASSES: u32 = 3;
const HEADLESS_SIZE: (u32, u32) = (1280, 720);

pub fn demo(args: &DemoArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let pattern = write(args)?;
    if args.write_only {
        return print_lines(std::iter::once(pattern.display().to_string()));
    }
    if !has_display() {
        say("no display is set, so the demo plays headless");
        return play_headless(&pattern, args, interrupt);
    }
    match play_in_window(&pattern, args, interrupt) {
        Err(failure) if failure.code == Failure::NO_GPU => {
            say(&failure.message);
            play_headless(&pattern, args, interrupt)
        }
        other => other,
    }
}

/// The folder for what can be made again.
fn cache_folder() -> Result<PathBuf, Failure> {
    etcetera::choose_base_strategy()
        .map(|strategy| strategy.cache_dir().join("rushes"))
        .map_err(|error| Failure::new(Failure::FAILED, format!("there is no cache folder: {error}")))
}

/// Writes the frames that are not there yet; returns the pattern of the sequence.
fn write(args: &DemoArgs) -> Result<PathBuf, Failure> {
    let (width, height) = args.size;
    let options = DemoOptions { width, height, frames: args.frames, codec: args.codec };
    let folder = cache_folder()?.join(options.folder_name());
    let pattern = folder.join("demo.####.exr");
    if is_written(&folder, args.frames) {
        return Ok(pattern);
    }
    let mut progress = Progress::new(&folder);
    write_demo_sequence(&folder, &options, &mut |done, total| progress.show(done, total))
        .map_err(|error| Failure::new(Failure::FAILED, error.to_string()))?;
    progress.finish();
    Ok(pattern)
}

/// A frame that exists is complete: it gets its name when it is.
fn is_written(folder: &Path, frames: u32) -> bool {
    let number = |index| FIRST_DEMO_FRAME + index;
    (0..frames).all(|index| folder.join(format!("demo.{}.exr", number(index))).is_file())
}

/// A line that counts frames on a terminal, a word at the start elsewhere.
struct Progress<'a> {
    folder: &'a Path,
    is_terminal: bool,
    started: Option<Instant>,
}

impl<'a> Progress<'a> {
    fn new(folder: &'a Path) -> Self {
        Self { folder, is_terminal: std::io::stderr().is_terminal(), started: None }
    }

    fn show(&mut self, done: u32, total: u32) {
        if done == total && self.started.is_none() {
            return;
        }
        let started = *self.started.get_or_insert_with(|| {
            say(&format!("writing {total} demo frames to {}", shown_path(self.folder)));
            Instant::now()
        });
        if self.is_terminal {
            let rate = f64::from(done) / started.elapsed().as_secs_f64().max(1e-3);
            let left = f64::from(total - done) / rate.max(1e-3);
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "\r{done}/{total} frames, {rate:.1} a second, {left:.0} s left   ");
        }
    }

    fn finish(&self) {
        if self.is_terminal && self.started.is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn play_in_window(pattern: &Path, args: &DemoArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let arguments =
        [OsString::from("rushes"), "--command".into(), "play".into(), "--".into(), pattern.into()];
    let mut cli =
        Cli::try_parse_from(arguments).map_err(|error| Failure::new(Failure::FAILED, error.to_string()))?;
    cli.window.machine = args.machine.clone();
    open_window(&cli.window, interrupt)
}

fn play_headless(pattern: &Path, args: &DemoArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let started = Instant::now();
    let options = HeadlessOptions {
        pace: Pace::EveryFrame,
        forces_bits: false,
        format: wgpu::TextureFormat::Rgba8Unorm,
    };
    let (media, clip) = (OsString::from(pattern), MediaArgs::default());
    let mut headless = Headless::open(&media, &clip, &args.machine, &options, interrupt)?;
    set_playback(&mut headless.player, &clip, &PlayArgs::default());
    let run = PlaybackOptions {
        loops: HEADLESS_PASSES,
        size: HEADLESS_SIZE,
        preroll: false,
        checksum: false,
        refresh: None,
    };
    print_lines(play(&mut headless, &run, started)?.lines().into_iter())
}
