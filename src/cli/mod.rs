//! Arguments as typed become a resolved configuration and then one of the subcommands. Holds no policy.
//! Data goes to stdout, messages to stderr.

mod args;
mod bench;
mod bench_decode;
mod compare;
mod demo;
mod doctor;
mod export;
mod info;
mod manual;
mod playback;
mod progress;
mod render;
mod report;
mod scrub;
mod services;
mod session;
mod settings;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use args::{BenchCommand, Cli, CommandArgs, WindowArgs};
use clap::Parser;

use crate::player::COMMANDS;
use crate::stats::Snapshot;

/// Why a command did not do what it was asked for: a line for stderr and the exit code.
#[derive(Debug)]
pub struct Failure {
    pub code: u8,
    pub message: String,
}

impl Failure {
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const NO_MEDIA: u8 = 3;
    pub const SOME_MEDIA: u8 = 4;
    pub const NO_GPU: u8 = 5;
    pub const REQUIREMENT: u8 = 6;
    pub const INTERRUPTED: u8 = 130;

    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn interrupted() -> Self {
        Self::new(Self::INTERRUPTED, "interrupted")
    }
}

/// Runs the program with the arguments after its name.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    crate::memory::spare_address_space();
    crate::encode::quieten_libraries();
    let interrupt = Interrupt::install();
    quieten_workers();
    match dispatch(&arguments, &interrupt) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                say(&failure.message);
            }
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(arguments: &[OsString], interrupt: &Interrupt) -> Result<(), Failure> {
    let named = std::iter::once(OsString::from("rushes")).chain(arguments.iter().cloned());
    let cli = match Cli::try_parse_from(named) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return Err(Failure::new(error.exit_code() as u8, "")).or_else(|failure| match failure.code {
                0 => Ok(()),
                _ => Err(failure),
            });
        }
    };
    match cli.command {
        None => window(&cli.window, interrupt),
        Some(CommandArgs::Info(args)) => info::info(&args),
        Some(CommandArgs::Ls(args)) => info::ls(&args),
        Some(CommandArgs::Render(args)) => render::render(&args, interrupt),
        Some(CommandArgs::Export(args)) => export::export(&args, interrupt),
        Some(CommandArgs::Compare(args)) => compare::compare(&args, interrupt),
        Some(CommandArgs::Bench(args)) => match args.bench {
            BenchCommand::Playback(args) => bench::playback(&args, interrupt),
            BenchCommand::Decode(args) => bench_decode::decode(&args, interrupt),
            BenchCommand::Scrub(args) => scrub::scrub(&args, interrupt),
        },
        Some(CommandArgs::Demo(args)) => demo::demo(&args, interrupt),
        Some(CommandArgs::Doctor(args)) => doctor::doctor(&args),
        Some(CommandArgs::Completions(args)) => manual::completions(&args),
        Some(CommandArgs::Man) => manual::man(),
    }
}

fn window(args: &WindowArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    log_at(args.machine.log_level);
    if args.list_commands {
        return print_lines(
            COMMANDS.iter().map(|row| format!("{:<20} {:<22} {}", row.name, row.keys.join(", "), row.text)),
        );
    }
    session::open_window(args, interrupt)
}

/// Messages go to stderr, one line each.
pub(crate) fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "rushes: {message}");
}

/// Data goes to stdout; a reader that closed early is no failure.
fn print_lines(lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(Failure::new(Failure::FAILED, format!("stdout: {error}"))),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn log_at(level: log::LevelFilter) {
    let _ = env_logger::Builder::new()
        .filter_level(level)
        .filter_module("wgpu_hal", level.min(log::LevelFilter::Error))
        .filter_module("wgpu_core", level.min(log::LevelFilter::Error))
        // Says as errors what it only tried while looking for adapters.
        .filter_module("wgpu_hal::gles", log::LevelFilter::Off)
        .filter_module("naga", level.min(log::LevelFilter::Error))
        .format_target(false)
        .try_init();
}

/// A panic in a codec is caught and becomes the frame's error; its message is of use to us only.
fn quieten_workers() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let thread = std::thread::current();
        if thread.name().is_some_and(|name| name.starts_with("decode-")) {
            log::debug!("a decoder panicked: {}", crate::text::shown(info.to_string()));
        } else {
            default(info);
        }
    }));
}

const SIGNALS: [i32; 2] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];

/// Set by SIGINT and SIGTERM; looked at by every loop.
#[derive(Debug, Clone)]
pub struct Interrupt {
    flag: Arc<AtomicBool>,
}

impl Interrupt {
    fn install() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        // The second signal ends the process at once, should a loop not look; the third, should that not come to its end.
        let must_end = end_at_second_signal().unwrap_or_else(|_| Arc::clone(&flag));
        for signal in SIGNALS {
            let _ = signal_hook::flag::register_conditional_shutdown(
                signal,
                i32::from(Failure::INTERRUPTED),
                Arc::clone(&must_end),
            );
            let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
        }
        Self { flag }
    }

    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }
}

/// Starts the thread `signals`, which takes unfinished files away at the second signal and ends the process; gives what it
/// sets before.
#[cfg(unix)]
fn end_at_second_signal() -> std::io::Result<Arc<AtomicBool>> {
    let mut signals = signal_hook::iterator::Signals::new(SIGNALS)?;
    let is_ending = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&is_ending);
    let watch = move || {
        if signals.forever().nth(1).is_some() {
            begins.store(true, Ordering::Release);
            let _gone = crate::store::remove_unfinished();
            signal_hook::low_level::exit(i32::from(Failure::INTERRUPTED));
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(watch)?;
    Ok(is_ending)
}

/// Other systems end at the second signal as they are.
#[cfg(not(unix))]
fn end_at_second_signal() -> std::io::Result<Arc<AtomicBool>> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Text of the shown state, for messages.
fn slate_text(snapshot: &Snapshot) -> Option<String> {
    match &snapshot.shown {
        crate::stats::ShownStatus::Slate(reason) => Some(reason.replace('\n', ": ")),
        _ => None,
    }
}
