//! Owns how arguments become a player and a stage: media resolved and opened, budgets, threads, views.
//! The window and the headless commands start the same way.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use super::args::{ColorArgs, MachineArgs, MediaArgs, PlayArgs, WindowArgs};
use super::{Failure, Interrupt, say};
use crate::app;
use crate::decode::FileDecoder;
use crate::gpu::{AdapterChoice, AdapterSummary, Gpu};
use crate::memory::{
    CpuBudget, DEFAULT_RESERVE_BYTES, Sampler, adapter_memory, format_bytes, gpu_budget_default,
};
use crate::memory::{MemLimit, Tier};
use crate::player::{Clip, ClipOptions, Command, Pace, Player, PlayerOptions, Tick, command_of_name};
use crate::preload::DecodeThreads;
use crate::sequence::{ResolveOptions, resolve};
use crate::stage::{Stage, StageError, StageOptions, Waker, WallClock};
use crate::time::{Clock, Direction, Nanos, WorkArea};

/// The machine's memory is read this often.
const SAMPLE_NANOS: Nanos = 1_000_000_000;
/// The longest sleep of a headless loop, so that signals are noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(50);
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

pub fn cpu_budget(args: &MachineArgs) -> CpuBudget {
    CpuBudget {
        limit: args.mem.unwrap_or_default(),
        reserve_bytes: args.reserve.unwrap_or(DEFAULT_RESERVE_BYTES),
    }
}

/// The VRAM budget that was asked for, or what suits the adapter.
pub fn vram_budget(args: &MachineArgs, adapter: &AdapterSummary) -> u64 {
    let is_software = adapter.kind == crate::gpu::AdapterKind::Cpu;
    args.vram.unwrap_or_else(|| gpu_budget_default(adapter_memory(&adapter.pci_address), is_software))
}

/// Decode threads when none are asked for: one for every core.
pub fn decode_threads(args: &MachineArgs) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    args.threads.map_or_else(cores, usize::from)
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
        all_channels: false,
    }
}

/// A player on this machine without clips.
pub fn new_player(
    machine: &MachineArgs,
    adapter: &AdapterSummary,
    pace: Pace,
    ring: Arc<dyn Fn() + Send + Sync>,
) -> Result<Player, Failure> {
    let decoder = Arc::new(FileDecoder);
    let workers = DecodeThreads::start(decode_threads(machine), decoder, ring).map_err(|error| {
        Failure::new(Failure::FAILED, format!("no decode thread could be started: {error}"))
    })?;
    let options = PlayerOptions {
        cpu_budget: cpu_budget(machine),
        gpu_budget_bytes: vram_budget(machine, adapter),
        vram_is_ram: adapter.shares_ram(),
        pace,
    };
    Ok(Player::new(options, Box::new(workers)))
}

/// Opens what the arguments name, in their order.
///
/// # Errors
/// [`Failure::NO_MEDIA`] when nothing could be opened; what failed beside others is said on stderr.
pub fn open_media(
    player: &mut Player,
    media: &[OsString],
    args: &MediaArgs,
    all_channels: bool,
) -> Result<(), Failure> {
    let before = player.clips().len();
    let (resolved, errors) = resolve(media, &ResolveOptions { single: args.single });
    let mut messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let options = ClipOptions { all_channels, ..clip_options(args) };
    for resolved in &resolved {
        if let Some(notice) = &resolved.notice {
            say(notice);
        }
        match Clip::open(player.new_clip_id(), resolved, &options) {
            Ok(clip) => player.add_clip(clip),
            Err(error) => messages.push(error.to_string()),
        }
    }
    if player.clips().len() == before && !media.is_empty() {
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
    if let Some(exposure) = color.exposure {
        player.command(Command::SetExposure(exposure));
    }
    if let Some(gamma) = color.gamma {
        player.command(Command::SetGamma(gamma));
    }
    if color.raw {
        player.command(Command::ToggleRaw);
    }
}

/// What a headless run asks for beside its media.
pub struct HeadlessOptions {
    pub pace: Pace,
    pub forces_bits: bool,
    pub format: wgpu::TextureFormat,
}

/// A player and a stage without a window, and the loop's clock and bell.
pub struct Headless {
    pub player: Player,
    pub stage: Stage,
    pub clock: WallClock,
    waker: Waker,
    sampler: Sampler,
    next_sample: Nanos,
    pub rss_peak_bytes: u64,
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
        let gpu = Gpu::headless(&adapter_choice(machine))
            .map_err(|error| Failure::new(Failure::NO_GPU, error.to_string()))?;
        let mut player = new_player(machine, &gpu.summary, options.pace, waker.ring())?;
        open_media(&mut player, std::slice::from_ref(media), clip, options.forces_bits)?;
        let stage_options = StageOptions {
            adapter: adapter_choice(machine),
            vram_bytes: vram_budget(machine, &gpu.summary),
            forces_bits: options.forces_bits,
            format: options.format,
        };
        let stage = Stage::new(gpu, stage_options, waker.ring()).map_err(stage_failure)?;
        let mut headless = Self {
            player,
            stage,
            clock,
            waker,
            sampler: Sampler::default(),
            next_sample: 0,
            rss_peak_bytes: 0,
            interrupt: interrupt.clone(),
        };
        headless.sample_memory();
        headless.say_when_capped(machine);
        Ok(headless)
    }

    fn say_when_capped(&self, machine: &MachineArgs) {
        let limit = self.player.ledger().limit(Tier::Cpu);
        if let Some(MemLimit::Bytes(wanted)) = machine.mem
            && limit < wanted
        {
            say(&format!(
                "--mem {} is more than is usable, capped at {}",
                format_bytes(wanted),
                format_bytes(limit)
            ));
        }
    }

    /// Reads the machine's memory; the player's limits follow.
    pub fn sample_memory(&mut self) {
        let sample = self.sampler.sample();
        self.rss_peak_bytes = self.rss_peak_bytes.max(sample.rss_bytes);
        self.player.set_memory(sample);
        self.next_sample = self.clock.now() + SAMPLE_NANOS;
    }

    /// One step of player and stage.
    ///
    /// # Errors
    /// [`Failure::INTERRUPTED`] after a signal, [`Failure::NO_GPU`] when a lost device does not come back.
    pub fn step(&mut self) -> Result<Tick, Failure> {
        if self.interrupt.is_set() {
            return Err(Failure::interrupted());
        }
        if self.clock.now() >= self.next_sample {
            self.sample_memory();
        }
        if self.stage.is_lost() {
            let gpu = Gpu::headless(self.stage.adapter_choice())
                .map_err(|error| Failure::new(Failure::NO_GPU, error.to_string()))?;
            self.stage.rebuild(gpu).map_err(stage_failure)?;
        }
        Ok(self.stage.step(&mut self.player, self.clock.now()))
    }

    /// Sleeps until something happens or is due.
    pub fn wait(&self, tick: &Tick) {
        if self.player.transport().pace == Pace::Unpaced
            && self.player.waits_for() == crate::player::Waits::Nothing
        {
            return;
        }
        let until_due = tick.wake_at.map_or(LONGEST_WAIT, |due| {
            Duration::from_nanos(u64::try_from(due - self.clock.now()).unwrap_or(0))
        });
        let longest = if self.stage.is_busy() { BUSY_WAIT } else { LONGEST_WAIT };
        self.waker.wait(until_due.min(longest));
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
    let machine = args.machine.clone();
    let (media, clip, play, color) =
        (args.media.clone(), args.clip.clone(), args.play.clone(), args.color.clone());
    let open = move |adapter: &AdapterSummary, ring: Arc<dyn Fn() + Send + Sync>| {
        let mut player = new_player(&machine, adapter, Pace::EveryFrame, ring)?;
        open_media(&mut player, &media, &clip, false)?;
        set_playback(&mut player, &clip, &play);
        set_color(&mut player, &color);
        commands.iter().for_each(|command| player.command(*command));
        Ok(player)
    };
    let options = args.clip.clone();
    let open_more = move |player: &mut Player, path: std::path::PathBuf| {
        let before = player.clips().len();
        let opened = open_media(player, &[path.into_os_string()], &options, false);
        if player.clips().len() > before {
            player.command(Command::SelectClip(before));
        }
        opened.err().map(|failure| failure.message.replace("\nrushes: ", "; "))
    };
    let setup = app::Setup {
        adapter: adapter_choice(&args.machine),
        vram_bytes: args.machine.vram,
        open_player: Box::new(open),
        open_more: Box::new(open_more),
    };
    let interrupt = interrupt.clone();
    app::run(setup, Box::new(move || interrupt.is_set())).map_err(|error| match error {
        app::AppError::Open(failure) => *failure,
        app::AppError::NoWindow(reason) => Failure::new(
            Failure::NO_GPU,
            format!("no window could be opened ({reason}); render and bench work without one"),
        ),
        app::AppError::Stage(error) => stage_failure(error),
    })
}
