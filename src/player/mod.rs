//! The session: clips, playhead, transport, commands and the tick, which ties cache, preloader and
//! ring together. Runs without GPU, window or wall clock: `now` is an argument, uploads leave as
//! [`RingOrders`], what the ring did comes back as a [`RingReport`]. One thread owns it.

mod admission;
mod apply;
mod clip;
mod command;
mod limits;
mod memory_report;
mod pressure;
mod recheck;
mod relief;
mod report;
mod residents;
mod scrub;
mod shares;
mod sound;
mod tick;
mod transport;
mod view;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

pub use clip::{Clip, ClipOptions, FramePlace, MissingPolicy, OpenError, Source};
pub use command::{COMMANDS, Command, CommandEntry, command_of_name};
pub use pressure::PressureEvent;
pub use sound::{ClipSound, SoundOutline, open_files as open_sound_files};
pub use tick::Tick;
pub use transport::{Advance, Pace, Run, Transport};
pub use view::{Filter, Framing, View};

use crate::cache::{CpuTier, EvictionPolicy, Origin, Residency, RingIndex};
use crate::decode::DecodeError;
use crate::epoch::EpochClock;
use crate::frame::{ClipId, FrameKey, RingOrders};
use crate::memory::{
    Charge, Component, Coordinator, CpuBudget, FramePool, Ledger, MemorySample, PressureSettings, RateMeter,
    Tier, TokenBucket, Trace,
};
use crate::preload::{Preloader, WorkerPool};
use crate::stats::{
    DecodeCounters, EvictionCounters, FrameStatus, Histogram, MemoryStatus, PressureLevel, ShownStatus,
};
use crate::time::{Cadence, Nanos, Rate, WorkArea};

/// Frames of a jump with Shift.
const JUMP_FRAMES: u32 = 10;
/// The limit of RAM follows the machine in steps of at least this share of it, and of so many frames.
const LIMIT_BAND_SHARE: u64 = 100;
const LIMIT_BAND_FRAMES: u64 = 2;
/// How long a message for the user stays.
const MESSAGE_NANOS: Nanos = 6_000_000_000;

/// What the window or the process is to do; the player itself cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowAction {
    ToggleFullscreen,
    ToggleHelp,
    ToggleInterface,
    ToggleMemory,
    ToggleScopes,
    ToggleStatistics,
    SaveSettings,
    Quit,
}

/// What the next frame is still missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    Nothing,
    Decode,
    Upload,
}

/// The settings that a player starts with.
#[derive(Debug, Clone, Default)]
pub struct PlayerOptions {
    pub cpu_budget: CpuBudget,
    /// For frames in VRAM; staging and targets are counted and lie beside them.
    pub gpu_budget_bytes: u64,
    /// VRAM is system memory (software adapters, unified memory): both budgets share one pool.
    pub vram_is_ram: bool,
    pub pace: Pace,
    pub policy: EvictionPolicy,
    /// The most that one clip may take of the CPU tier.
    pub clip_cap_bytes: Option<u64>,
    /// Bytes a second that may be taken for frames that nobody waits for.
    pub alloc_limit_bytes_per_s: Option<u64>,
    pub pressure: PressureSettings,
    /// Votes that a trace adds, for tests and for people who want to see what pressure does.
    pub simulated: Option<Trace>,
}

/// A frame that could not be decoded, and when it is tried again.
#[derive(Debug)]
struct Failure {
    error: DecodeError,
    attempts: u32,
    retry_at: Nanos,
}

/// Traffic counters of a tier that have no other owner.
#[derive(Debug, Default, Clone, Copy)]
struct Traffic {
    hits: u64,
    misses: u64,
    refused: u64,
}

/// What the ring did, counted from its reports.
#[derive(Debug, Default, Clone, Copy)]
struct RingTraffic {
    uploads: u64,
    upload_bytes: u64,
    upload_nanos: u64,
    evictions: EvictionCounters,
    device_lost: u64,
}

/// A player. Field order is release order: the epoch clock goes first, so that running decodes stop
/// at their next look; the preloader then joins its threads.
pub struct Player {
    epoch: EpochClock,
    preloader: Preloader,
    clips: Vec<Clip>,
    shown_clip: usize,
    next_clip_id: u32,
    transport: Transport,
    view: View,
    commands: VecDeque<Command>,
    window_actions: Vec<WindowAction>,
    tier: CpuTier,
    ring: RingIndex,
    residency: Residency,
    pool: FramePool,
    failures: HashMap<FrameKey, Failure>,
    /// Bytes that single frames turned out to need, where the clip's header says otherwise.
    known_bytes: HashMap<FrameKey, usize>,
    staging: Charge,
    idle_textures: Charge,
    /// Since when the idle textures are the same.
    idle_since: Nanos,
    targets: Charge,
    /// Bytes that frames may take in VRAM since the device had no room for more.
    vram_ceiling: Option<u64>,
    /// What the decode threads keep.
    scratch: Charge,
    /// What open movies keep.
    movies: Charge,
    /// The most that both kept lately: room that comes and goes with it is none for frames.
    kept_peak: u64,
    hearing: sound::Hearing,
    sound_charge: Charge,
    ledger: Ledger,
    options: PlayerOptions,
    sample: MemorySample,
    /// What was charged of system memory when the sample was taken.
    own_at_sample: u64,
    shares: shares::Shares,
    pressure: pressure::Pressure,
    cleaners: Coordinator<Player>,
    /// What the books of each clip take.
    books: HashMap<ClipId, Charge>,
    /// Bytes taken for frames, by clip.
    meters: HashMap<ClipId, RateMeter>,
    alloc_limit: Option<TokenBucket>,
    /// When a length that is estimated is looked at again.
    length_at: Nanos,
    /// When the limit lets the next request in.
    admit_at: Option<Nanos>,
    /// Time of the last tick.
    now: Nanos,
    memory_status: (Nanos, Arc<MemoryStatus>),
    orders: RingOrders,
    shown: ShownStatus,
    /// Where the last presentation came from.
    origin: Option<Origin>,
    /// The picture that the last tick put on screen; never evicted.
    on_screen: Option<FrameKey>,
    /// The frame that has the first claim on memory: the one that playback waits for, else the one
    /// that belongs on screen.
    due: Option<FrameKey>,
    scrub: scrub::Scrub,
    recheck: Option<recheck::Recheck>,
    /// This tick presents a frame, which is drawn after it.
    presents_now: bool,
    cpu_traffic: Traffic,
    gpu_traffic: Traffic,
    ring_traffic: RingTraffic,
    decode: DecodeCounters,
    decode_times: Histogram,
    limits: limits::Limits,
    upload_times: Histogram,
    present_intervals: Histogram,
    presented_at: VecDeque<Nanos>,
    message: Option<(String, Nanos)>,
    ticks: u64,
    needs_plan: bool,
    /// Something changed since VRAM was last looked through for what to bring in.
    needs_uploads: bool,
}

impl Player {
    /// A player without clips whose requests are answered by `workers`.
    pub fn new(options: PlayerOptions, workers: Box<dyn WorkerPool>) -> Self {
        let mut ledger = Ledger::default();
        let staging = ledger.charge_over(Tier::Gpu, Component::Staging, None, 0);
        let idle_textures = ledger.charge_over(Tier::Gpu, Component::PoolSlack, None, 0);
        let targets = ledger.charge_over(Tier::Gpu, Component::Targets, None, 0);
        let scratch = ledger.charge_over(Tier::Cpu, Component::Scratch, None, 0);
        let sound_charge = ledger.charge_over(Tier::Cpu, Component::Sound, None, 0);
        let movies = ledger.charge_over(Tier::Cpu, Component::Movies, None, 0);
        ledger.set_limit(Tier::Gpu, options.gpu_budget_bytes);
        let pressure = pressure::Pressure::new(&options);
        let alloc_limit = options.alloc_limit_bytes_per_s.map(|rate| TokenBucket::new(rate, 0));
        let mut transport = Transport::new(1, Rate::FILM);
        transport.pace = options.pace;
        let mut player = Self {
            epoch: EpochClock::default(),
            preloader: Preloader::new(workers),
            clips: Vec::new(),
            shown_clip: 0,
            next_clip_id: 0,
            transport,
            view: View::default(),
            commands: VecDeque::new(),
            window_actions: Vec::new(),
            tier: CpuTier::default(),
            ring: RingIndex::default(),
            residency: Residency::default(),
            pool: FramePool::default(),
            failures: HashMap::new(),
            known_bytes: HashMap::new(),
            staging,
            idle_textures,
            idle_since: 0,
            targets,
            vram_ceiling: None,
            scratch,
            hearing: sound::Hearing::default(),
            sound_charge,
            movies,
            ledger,
            options,
            sample: MemorySample::default(),
            own_at_sample: 0,
            kept_peak: 0,
            shares: shares::Shares::default(),
            pressure,
            cleaners: Coordinator::default(),
            books: HashMap::new(),
            meters: HashMap::new(),
            alloc_limit,
            length_at: 0,
            admit_at: None,
            now: 0,
            memory_status: Default::default(),
            orders: RingOrders::default(),
            shown: ShownStatus::Empty,
            origin: None,
            on_screen: None,
            due: None,
            scrub: scrub::Scrub::default(),
            recheck: None,
            presents_now: false,
            cpu_traffic: Traffic::default(),
            gpu_traffic: Traffic::default(),
            ring_traffic: RingTraffic::default(),
            decode: DecodeCounters::default(),
            decode_times: Histogram::default(),
            limits: limits::Limits::default(),
            upload_times: Histogram::default(),
            present_intervals: Histogram::default(),
            presented_at: VecDeque::new(),
            message: None,
            ticks: 0,
            needs_plan: true,
            needs_uploads: true,
        };
        player.register_own_cleaners();
        player
    }

    /// The identity for a clip that is about to be opened.
    pub fn new_clip_id(&mut self) -> ClipId {
        self.next_clip_id += 1;
        ClipId(self.next_clip_id)
    }

    /// Adds a clip to the list; the first one is shown. While memory is critical another one waits.
    pub fn add_clip(&mut self, clip: Clip) {
        if !self.clips.is_empty() && self.pressure.level(Tier::Cpu) >= PressureLevel::Critical {
            let text = format!("{} waits: there is no memory for another clip now", clip.name);
            self.tell(text, self.now);
            return self.pressure.waiting_clips.push(clip);
        }
        self.meters.insert(clip.id, RateMeter::default());
        let bytes = clip.books_bytes();
        let books = self.ledger.charge_over(Tier::Cpu, Component::Metadata, Some(clip.id), bytes);
        self.books.insert(clip.id, books);
        self.clips.push(clip);
        match self.clips.len() {
            1 => self.show_clip(0),
            _ => self.update_shares(),
        }
    }

    pub fn clips(&self) -> &[Clip] {
        &self.clips
    }

    /// The shown clip.
    pub fn clip(&self) -> Option<&Clip> {
        self.clips.get(self.shown_clip)
    }

    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    pub fn view(&self) -> &View {
        &self.view
    }

    /// Told by whoever lays out the picture: the zoom at which it fits its viewport.
    pub fn set_fit_zoom(&mut self, zoom: f32) {
        self.view.set_fit_zoom(zoom);
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// A display shows frames up to half a period before they are due, at the refresh nearest to it; none where
    /// timers pace.
    pub fn follow_display(&mut self, display: Option<&Cadence>) {
        self.transport.follow(display);
    }

    /// The display refreshed; `is_new` when a frame was presented since the refresh before.
    pub fn note_refresh(&mut self, is_new: bool) {
        self.transport.note_refresh(is_new);
    }

    pub fn set_pace(&mut self, pace: Pace) {
        self.transport.pace = pace;
    }

    pub fn set_loop_mode(&mut self, mode: crate::time::LoopMode) {
        self.transport.travel.loop_mode = mode;
        self.discontinuity();
    }

    pub fn set_direction(&mut self, direction: crate::time::Direction) {
        self.transport.travel.direction = direction;
        self.discontinuity();
    }

    /// Sets the work area by frame indices.
    pub fn set_work_area(&mut self, area: WorkArea) {
        self.transport.travel.area = area;
        self.discontinuity();
    }

    /// Queues a user action for the next tick.
    pub fn command(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    /// What the window is to do since the last call.
    pub fn take_window_actions(&mut self) -> Vec<WindowAction> {
        std::mem::take(&mut self.window_actions)
    }

    /// Shows a message to the user for a few seconds.
    pub fn tell(&mut self, text: String, now: Nanos) {
        self.message = Some((text, now + MESSAGE_NANOS));
    }

    /// The same at the time of the last tick.
    pub fn tell_next(&mut self, text: String) {
        self.tell(text, self.now);
    }

    /// A new reading of the machine's memory: the limits follow at once.
    pub fn set_memory(&mut self, sample: MemorySample) {
        self.sample = sample;
        self.own_at_sample = self.ram_charged();
        self.follow_machine();
    }

    /// Changes the CPU budget; the tier follows in the next tick.
    pub fn set_cpu_budget(&mut self, budget: CpuBudget) {
        self.options.cpu_budget = budget;
        self.update_limits();
    }

    /// The settings of the CPU budget.
    pub fn cpu_budget(&self) -> CpuBudget {
        self.options.cpu_budget
    }

    /// Changes the VRAM budget; the ring follows in the next tick.
    pub fn set_gpu_budget(&mut self, bytes: u64) {
        self.options.gpu_budget_bytes = bytes;
        // Whoever states a budget wants it tried.
        self.vram_ceiling = None;
        self.update_limits();
    }

    /// The limits that follow from the settings and the last reading.
    fn stated_limits(&self) -> (u64, u64) {
        let budget = self.options.cpu_budget;
        let beside = self.staging.bytes() + self.targets.bytes();
        let for_frames = self.options.gpu_budget_bytes.min(self.vram_ceiling.unwrap_or(u64::MAX));
        let gpu_limit = for_frames.saturating_add(beside);
        // What was ours when the machine was read is ours to use; what came or went since is not in the reading.
        let limit = budget.limit_bytes(&self.sample, self.own_at_sample);
        if !self.options.vram_is_ram {
            return (limit, gpu_limit);
        }
        let usable = budget.usable_bytes(&self.sample, self.own_at_sample);
        // One pool: textures that the machine has no room for would be taken from everyone else. Where both do not
        // fit, neither takes more than half from the other.
        let for_frames = limit.min(usable / 2);
        let gpu_limit = gpu_limit.min((usable - for_frames).max(beside));
        (limit.min(usable.saturating_sub(gpu_limit)), gpu_limit)
    }

    /// Puts the limits into effect that the settings ask for.
    pub(super) fn update_limits(&mut self) {
        let limits = self.stated_limits();
        if limits != (self.ledger.limit(Tier::Cpu), self.ledger.limit(Tier::Gpu)) {
            self.ledger.set_limit(Tier::Cpu, limits.0);
            self.ledger.set_limit(Tier::Gpu, limits.1);
            self.update_shares();
            self.needs_plan = true;
        }
    }

    /// The same after a reading: what the machine has available wavers all the time, and a limit that followed
    /// every bit of it would throw frames out and load them again.
    fn follow_machine(&mut self) {
        let old = self.ledger.limit(Tier::Cpu);
        let band = (old / LIMIT_BAND_SHARE).max(LIMIT_BAND_FRAMES * self.frame_bytes());
        let (new, gpu_limit) = self.stated_limits();
        if new.abs_diff(old) > band || gpu_limit != self.ledger.limit(Tier::Gpu) || old == 0 {
            self.update_limits();
        }
    }

    /// Chooses who leaves a full tier first.
    pub fn set_policy(&mut self, policy: EvictionPolicy) {
        self.options.policy = policy;
        self.needs_plan = true;
    }

    /// The most that one clip may take of the CPU tier.
    pub fn set_clip_cap(&mut self, bytes: Option<u64>) {
        self.options.clip_cap_bytes = bytes;
        self.update_shares();
        self.needs_plan = true;
    }

    /// Bytes a second that may be taken for frames that nobody waits for.
    pub fn set_alloc_limit(&mut self, bytes_per_s: Option<u64>) {
        self.options.alloc_limit_bytes_per_s = bytes_per_s;
        self.alloc_limit = bytes_per_s.map(|rate| TokenBucket::new(rate, self.now));
        self.admit_at = None;
        self.needs_plan = true;
    }

    /// Requests that are out.
    pub fn in_flight(&self) -> usize {
        self.preloader.in_flight()
    }

    /// Requests that are out although nobody wants them any more: they stop at their next look.
    pub fn stale_in_flight(&self) -> usize {
        self.preloader.stale()
    }

    /// Whether everything that fits is loaded: nothing is out and nothing more is wanted.
    pub fn is_settled(&self) -> bool {
        let is_quiet = self.preloader.in_flight() == 0 && self.ring.on_their_way() == 0;
        is_quiet && !self.needs_plan && self.admit_at.is_none()
    }

    /// Where the bytes of the last presentation came from.
    pub fn last_origin(&self) -> Option<Origin> {
        self.origin
    }

    /// What playback would wait for now: nothing, a decode, or an upload.
    pub fn waits_for(&self) -> Waits {
        match self.transport.awaited().and_then(|index| self.source_key(index)) {
            Some(key) if self.ring.is_resident(key) || self.failures.contains_key(&key) => Waits::Nothing,
            Some(key) if self.tier.contains(key) => Waits::Upload,
            Some(_) => Waits::Decode,
            None => Waits::Nothing,
        }
    }

    /// The error of a frame that failed, for reports.
    pub fn failure(&self, index: u32) -> Option<&DecodeError> {
        self.failures.get(&self.key(index)?).map(|failure| &failure.error)
    }

    /// Forgets the clips and what they hold.
    pub fn close_all(&mut self) {
        self.clips.clear();
        self.pressure.waiting_clips.clear();
        self.shown_clip = 0;
        self.transport.pause();
        self.admit_at = None;
        self.kept_peak = 0;
        self.failures.clear();
        self.known_bytes.clear();
        self.meters.clear();
        self.books.clear();
        self.update_shares();
        self.on_screen = None;
        self.shown = ShownStatus::Empty;
        self.residency.reset(0, |_| FrameStatus::NotLoaded);
        self.discontinuity();
    }

    /// The key of a frame of the shown clip and layer.
    fn key(&self, index: u32) -> Option<FrameKey> {
        Some(self.clip()?.key(index))
    }

    /// Opens a new epoch: what is not wanted any more stops.
    fn discontinuity(&mut self) {
        self.epoch.advance();
        self.needs_plan = true;
        let wanted: Vec<FrameKey> = self.wanted_in_flight();
        self.preloader.restamp(|key| wanted.contains(&key));
    }

    fn show_clip(&mut self, position: usize) {
        self.leave_clip();
        self.shown_clip = position;
        let Some(clip) = self.clips.get(position) else { return };
        let (frames, times, start) = (clip.frames(), clip.times().clone(), clip.resume_at.unwrap_or(0));
        let area = clip.resume_area;
        self.transport.set_clip(frames, times);
        self.transport.travel.area = area.unwrap_or(self.transport.travel.area);
        self.transport.seek(start);
        self.show_stream();
    }

    /// The clip that is left is found again as it was.
    fn leave_clip(&mut self) {
        let travel = self.transport.travel;
        // Before the first clip is shown the transport knows nothing of it.
        let shown_frames = self.residency.frames();
        if let Some(clip) = self.clips.get_mut(self.shown_clip).filter(|clip| clip.frames() == shown_frames) {
            clip.resume_at = Some(travel.playhead);
            clip.resume_area = Some(travel.area);
        }
    }

    /// The shown clip or layer changed: the state of its frames is looked up again.
    fn show_stream(&mut self) {
        self.update_shares();
        let Some(clip) = self.clips.get(self.shown_clip) else { return };
        let Some(stream) = self.key(0) else { return };
        let mut residency = std::mem::take(&mut self.residency);
        residency.reset(clip.frames(), |index| self.status_of(stream.with_index(index)));
        for key in self.ring.keys().filter(|key| key.same_stream(stream)) {
            if self.ring.is_resident(key) {
                residency.set_gpu(key.index, FrameStatus::Resident);
            }
        }
        self.residency = residency;
        self.discontinuity();
    }

    fn status_of(&self, key: FrameKey) -> FrameStatus {
        if let Some(frame) = self.tier.peek(key) {
            return if frame.is_whole() { FrameStatus::Resident } else { FrameStatus::Degraded };
        }
        if self.preloader.is_in_flight(key) {
            return FrameStatus::Loading;
        }
        if self.failures.contains_key(&key) {
            return FrameStatus::Error;
        }
        let has_file = self.clip().is_some_and(|clip| clip.path(key.index).is_some());
        if has_file { FrameStatus::NotLoaded } else { FrameStatus::Missing }
    }
}
