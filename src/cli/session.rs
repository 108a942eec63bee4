//! Owns how arguments become a player and a stage: media resolved and opened, budgets, threads, views.
//! The window and the headless commands start the same way.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use super::args::{ColorArgs, MachineArgs, MediaArgs, PlayArgs, RunArgs, WindowArgs};
use super::services::Services;
use super::settings::{self, Configured, Settings};
use super::{Failure, Interrupt, say};
use crate::app;
use crate::audio::{Engine, NULL_RATE, Output, SoundEnd, SoundFile};
use crate::color::ColorRequest;
use crate::decode::FileDecoder;
use crate::epoch::EpochWatch;
use crate::gpu::{AdapterChoice, AdapterSummary, Gpu};
use crate::memory::{Trace, adapter_memory, address_space_room, format_bytes, gpu_budget_default};
use crate::player::{
    Clip, ClipOptions, Command, Pace, Player, PlayerOptions, Tick, command_of_name, open_sound_files,
};
use crate::preload::DecodeThreads;
use crate::sequence::{ResolveOptions, resolve};
use crate::stage::{Coloring, Stage, StageError, StageOptions, Waker, WallClock};
use crate::stats::Snapshot;
use crate::time::{Clock, Direction, Nanos, WorkArea};

/// The longest sleep of a headless loop, so that signals are noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// Address space that a software adapter needs beyond its device, with some to spare.
const COMPILE_ROOM_BYTES: u64 = 32 << 20;
/// Address space that is left when an adapter is opened. Mesa's software Vulkan was seen to crash with 288 MiB.
const OPEN_ROOM_BYTES: u64 = 320 << 20;
/// While uploads are under way the device must be polled for them to move on.
const BUSY_WAIT: Duration = Duration::from_micros(500);

/// Which adapter the arguments ask for.
pub fn adapter_choice(args: &MachineArgs) -> AdapterChoice {
    match args.adapter.as_deref() {
        None => AdapterChoice::Best,
        Some("cpu") => AdapterChoice::Cpu,
        Some(name) => AdapterChoice::Named(name.to_string()),
    }
}

/// The VRAM budget when none is asked for: what suits the adapter.
pub fn usual_vram(adapter: &AdapterSummary) -> u64 {
    let is_software = adapter.kind == crate::gpu::AdapterKind::Cpu;
    gpu_budget_default(adapter_memory(&adapter.pci_address), is_software)
}

/// The VRAM budget that was asked for, or what suits the adapter.
pub fn vram_budget(settings: &Settings, adapter: &AdapterSummary) -> u64 {
    settings.vram_bytes.unwrap_or_else(|| usual_vram(adapter))
}

/// Decode threads when none are asked for: one for every core.
pub fn decode_threads(settings: &Settings) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    settings.threads.unwrap_or_else(cores)
}

pub fn clip_options(args: &MediaArgs) -> ClipOptions {
    ClipOptions {
        range: args.range,
        rate: args.fps,
        layer: args.layer.clone(),
        part: args.part,
        eye: args.eye.clone(),
        level: args.level,
        missing: args.missing.into(),
        opens_early: false,
        all_channels: false,
    }
}

/// A player on this machine without clips.
pub fn new_player(
    settings: &Settings,
    machine: &MachineArgs,
    adapter: &AdapterSummary,
    pace: Pace,
    ring: Arc<dyn Fn() + Send + Sync>,
) -> Result<Player, Failure> {
    let decoder = Arc::new(FileDecoder::default());
    let workers = DecodeThreads::start(decode_threads(settings), decoder, ring).map_err(|error| {
        Failure::new(Failure::FAILED, format!("no decode thread could be started: {error}"))
    })?;
    let simulated = machine.simulate_pressure.as_deref().map(Trace::load).transpose();
    let options = PlayerOptions {
        cpu_budget: settings.cpu_budget,
        gpu_budget_bytes: vram_budget(settings, adapter),
        vram_is_ram: adapter.shares_ram(),
        pace,
        policy: settings.policy,
        clip_cap_bytes: settings.clip_cap_bytes,
        alloc_limit_bytes_per_s: settings.alloc_limit_bytes_per_s,
        pressure: settings.pressure,
        simulated: simulated.map_err(|error| Failure::new(Failure::USAGE, error.to_string()))?,
    };
    Ok(Player::new(options, Box::new(workers)))
}

/// Gives a player its sound, unless none is wanted.
///
/// # Errors
/// [`Failure::NO_MEDIA`] when the file of `--audio` is none, [`Failure::FAILED`] without a thread.
pub fn set_sound(
    player: &mut Player,
    args: &MediaArgs,
    output: Output,
    clock: WallClock,
) -> Result<(), Failure> {
    if args.no_audio {
        return Ok(());
    }
    let open = open_sound_files();
    if let Some(path) = &args.audio {
        // Said before the window opens; afterwards it would be a line in the status bar.
        let file = SoundFile { path: path.as_path().into(), origin_nanos: None };
        if let Err(SoundEnd::Failed(reason)) = open(&file, NULL_RATE, &EpochWatch::never_stale()) {
            return Err(Failure::new(Failure::NO_MEDIA, reason));
        }
    }
    let engine = Engine::start(output, open, Arc::new(move || clock.now())).map_err(|error| {
        Failure::new(Failure::FAILED, format!("the thread of the sound could not be started: {error}"))
    })?;
    player.use_sound(engine);
    Ok(())
}

/// Opens what the arguments name, in their order.
///
/// # Errors
/// [`Failure::NO_MEDIA`] when nothing could be opened; what failed beside others is said on stderr.
pub fn open_media(
    player: &mut Player,
    media: &[OsString],
    args: &MediaArgs,
    options: &ClipOptions,
) -> Result<(), Failure> {
    let mut opened = 0;
    let (resolved, errors) = resolve(media, &ResolveOptions { single: args.single });
    let mut messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for resolved in &resolved {
        if let Some(notice) = &resolved.notice {
            say(notice);
        }
        match Clip::open(player.new_clip_id(), resolved, options) {
            Ok(mut clip) => {
                if let Some(sound) = args.audio.as_deref().filter(|_| player.clips().is_empty()) {
                    clip.set_sound(sound);
                }
                player.add_clip(clip);
                opened += 1;
            }
            Err(error) => messages.push(error.to_string()),
        }
    }
    if opened == 0 && !media.is_empty() {
        return Err(Failure::new(Failure::NO_MEDIA, messages.join("\nrushes: ")));
    }
    messages.iter().for_each(|message| say(message));
    Ok(())
}

/// Applies work area, loop and direction.
pub fn set_playback(player: &mut Player, clip: &MediaArgs, play: &PlayArgs) {
    if let Some(shown) = player.clip() {
        let first = clip.in_point.map_or(0, |number| shown.index_of(number));
        let last = clip.out_point.map_or(shown.frames() - 1, |number| shown.index_of(number));
        let area = WorkArea::new(first, last);
        player.set_work_area(area);
        let start = player.transport().travel.playhead;
        let start = if play.reverse { area.last() } else { area.clamp(start) };
        player.command(Command::Seek(start));
    }
    player.set_loop_mode(play.loop_mode.into());
    if play.reverse {
        player.set_direction(Direction::Reverse);
    }
}

pub fn set_color(player: &mut Player, color: &ColorArgs) {
    let commands = [
        color.exposure.map(Command::SetExposure),
        color.gamma.map(Command::SetGamma),
        color.offset.map(Command::SetOffset),
        color.saturation.map(Command::SetSaturation),
        color.alpha.map(Command::SetAlpha),
        color.backdrop.map(Command::SetBackdrop),
        color.raw.then_some(Command::ToggleRaw),
    ];
    commands.into_iter().flatten().for_each(|command| player.command(command));
}

/// Software adapters compile shaders in this process, and crash where they have no room for it; so do some while they
/// are opened.
fn refuse_without_room(what: &str, needed_bytes: u64) -> Result<(), Failure> {
    let room = address_space_room().filter(|room| *room < needed_bytes);
    room.map_or(Ok(()), |room| {
        let (room, needed) = (format_bytes(room), format_bytes(needed_bytes));
        let limit = format!("{room} of address space are left, and {what} needs {needed} to begin with");
        Err(Failure::new(Failure::NO_GPU, format!("{limit}; raise the limit (ulimit -v)")))
    })
}

/// What a headless run asks for beside its media.
pub struct HeadlessOptions {
    pub pace: Pace,
    pub forces_bits: bool,
    pub format: wgpu::TextureFormat,
    pub color: ColorRequest,
}

/// A player and a stage without a window, and the loop's clock and bell.
pub struct Headless {
    pub player: Player,
    pub stage: Stage,
    pub clock: WallClock,
    waker: Waker,
    pub services: Services,
    interrupt: Interrupt,
}

impl Headless {
    /// # Errors
    /// [`Failure::NO_GPU`] without an adapter, [`Failure::NO_MEDIA`] when nothing could be opened.
    pub fn open(
        media: &OsString,
        clip: &MediaArgs,
        machine: &MachineArgs,
        options: &HeadlessOptions,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        super::log_at(machine.log_level);
        let clock = WallClock::default();
        let waker = Waker::default();
        refuse_without_room("opening an adapter", OPEN_ROOM_BYTES)?;
        let gpu = Gpu::headless(&adapter_choice(machine))
            .map_err(|error| Failure::new(Failure::NO_GPU, error.to_string()))?;
        if gpu.summary.kind == crate::gpu::AdapterKind::Cpu {
            refuse_without_room(&gpu.summary.name, COMPILE_ROOM_BYTES)?;
        }
        let configured = Configured::load(machine)?;
        let settings = configured.settings.clone();
        let mut player = new_player(&settings, machine, &gpu.summary, options.pace, waker.ring())?;
        let clip_options = ClipOptions { all_channels: options.forces_bits, ..clip_options(clip) };
        open_media(&mut player, std::slice::from_ref(media), clip, &clip_options)?;
        let stage_options = StageOptions {
            adapter: adapter_choice(machine),
            vram_bytes: vram_budget(&settings, &gpu.summary),
            forces_bits: options.forces_bits,
            format: options.format,
            white_nits: None,
            color: options.color.clone(),
            builds_color_aside: false,
        };
        let usual_vram_bytes = usual_vram(&gpu.summary);
        let stage = Stage::new(gpu, stage_options, waker.ring()).map_err(stage_failure)?;
        let services = Services::start(configured, machine, usual_vram_bytes, &mut player, waker.ring())?;
        Ok(Self { player, stage, clock, waker, services, interrupt: interrupt.clone() })
    }

    /// What the benches that play start with.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_run(args: &RunArgs, pace: Pace, interrupt: &Interrupt) -> Result<Self, Failure> {
        let format = wgpu::TextureFormat::Rgba8Unorm;
        let options = HeadlessOptions { pace, forces_bits: false, format, color: args.color.request() };
        let mut headless = Self::open(&args.media, &args.clip, &args.machine, &options, interrupt)?;
        set_playback(&mut headless.player, &args.clip, &args.play);
        set_color(&mut headless.player, &args.color);
        Ok(headless)
    }

    /// How the shown clip is coloured; what went wrong is said.
    pub fn coloring(&mut self, is_playing: bool) -> Coloring {
        let coloring = self.stage.coloring(&self.player, is_playing);
        self.stage.colors().take_notices().iter().for_each(|notice| say(notice));
        coloring
    }

    /// The bell that ends a wait, for threads of the command's own.
    pub fn ring(&self) -> Arc<dyn Fn() + Send + Sync> {
        self.waker.ring()
    }

    /// One step of player and stage.
    ///
    /// # Errors
    /// [`Failure::INTERRUPTED`] after a signal, [`Failure::NO_GPU`] when a lost device does not come back.
    pub fn step(&mut self) -> Result<Tick, Failure> {
        self.step_at(self.clock.now())
    }

    /// The same at a time of playback that the caller keeps.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn step_at(&mut self, now: Nanos) -> Result<Tick, Failure> {
        if self.interrupt.is_set() {
            return Err(Failure::interrupted());
        }
        self.services.attend(&mut self.player, self.clock.now());
        if self.stage.is_lost() {
            let gpu = Gpu::headless(self.stage.adapter_choice())
                .map_err(|error| Failure::new(Failure::NO_GPU, error.to_string()))?;
            self.stage.rebuild(gpu).map_err(stage_failure)?;
        }
        Ok(self.stage.step(&mut self.player, now))
    }

    /// The figures of the whole run, which the metrics tell as well.
    pub fn finish(&mut self) -> Snapshot {
        let snapshot = self.player.snapshot();
        self.finish_with(snapshot)
    }

    /// The same with counters of an earlier moment: those of the last presentation.
    pub fn finish_with(&mut self, snapshot: Snapshot) -> Snapshot {
        self.services.sample_peak();
        let snapshot = Snapshot { memory: Arc::new(self.player.memory_status()), ..snapshot };
        self.services.finish(&snapshot);
        snapshot
    }

    /// Sleeps until something happens or is due.
    pub fn wait(&self, tick: &Tick) {
        self.wait_at_most(tick, LONGEST_WAIT);
    }

    /// Sleeps until something happens or is due, or a time is over.
    pub fn wait_at_most(&self, tick: &Tick, at_most: Duration) {
        if self.player.transport().pace == Pace::Unpaced
            && self.player.waits_for() == crate::player::Waits::Nothing
        {
            return;
        }
        let until_due = tick.wake_at.map_or(LONGEST_WAIT, |due| {
            Duration::from_nanos(u64::try_from(due - self.clock.now()).unwrap_or(0))
        });
        let longest = if self.stage.is_busy() { BUSY_WAIT } else { LONGEST_WAIT };
        self.waker.wait(until_due.min(longest).min(at_most));
    }
}

pub fn stage_failure(error: StageError) -> Failure {
    let code = match error {
        StageError::Gpu(_) => Failure::NO_GPU,
        StageError::Threads(_) => Failure::FAILED,
    };
    Failure::new(code, error.to_string())
}

/// Opens the window and plays until it is closed.
pub fn open_window(args: &WindowArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut commands = Vec::new();
    for name in &args.command_at_start {
        commands.push(command_of_name(name).ok_or_else(|| {
            let name = crate::text::shown(name);
            Failure::new(Failure::USAGE, format!("there is no command «{name}»; see rushes --list-commands"))
        })?);
    }
    let configured = Configured::load(&args.machine)?;
    let vram_bytes = configured.settings.vram_bytes;
    let settings_path = configured.path().map(std::path::Path::to_path_buf);
    let machine = args.machine.clone();
    let request = args.color.request();
    let (media, clip, play, color) =
        (args.media.clone(), args.clip.clone(), args.play.clone(), args.color.clone());
    let open = move |adapter: &AdapterSummary, clock: WallClock, ring: Arc<dyn Fn() + Send + Sync>| {
        let settings = configured.settings.clone();
        let mut player = new_player(&settings, &machine, adapter, Pace::EveryFrame, Arc::clone(&ring))?;
        let mut services = Services::start(configured, &machine, usual_vram(adapter), &mut player, ring)?;
        open_media(&mut player, &media, &clip, &ClipOptions { opens_early: true, ..clip_options(&clip) })?;
        set_playback(&mut player, &clip, &play);
        set_sound(&mut player, &clip, Output::Device, clock)?;
        set_color(&mut player, &color);
        commands.iter().for_each(|command| player.command(*command));
        let attend: app::Attend = Box::new(move |player, now| services.attend(player, now));
        Ok((player, attend))
    };
    let options = args.clip.clone();
    let open_more = move |player: &mut Player, path: std::path::PathBuf| {
        let before = player.clips().len();
        let clip_options = ClipOptions { opens_early: true, ..clip_options(&options) };
        let opened = open_media(player, &[path.into_os_string()], &options, &clip_options);
        if player.clips().len() > before {
            player.command(Command::SelectClip(before));
        }
        opened.err().map(|failure| failure.message.replace("\nrushes: ", "; "))
    };
    let setup = app::Setup {
        adapter: adapter_choice(&args.machine),
        vram_bytes,
        color: request,
        wants_hdr: args.hdr,
        open_player: Box::new(open),
        open_more: Box::new(open_more),
        save_settings: Box::new(move |player| settings::save_budgets(settings_path.as_deref(), player)),
    };
    let interrupt = interrupt.clone();
    app::run(setup, Box::new(move || interrupt.is_set())).map_err(|error| match error {
        app::AppError::Open(failure) => *failure,
        app::AppError::Interrupted => Failure::interrupted(),
        app::AppError::NoWindow(reason) => Failure::new(
            Failure::NO_GPU,
            format!("no window could be opened ({reason}); render and bench work without one"),
        ),
        app::AppError::Stage(error) => stage_failure(error),
    })
}
