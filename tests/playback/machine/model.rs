//! A player as one would tell it to somebody: a list of clips, a playhead, and commands that wait for the next
//! tick. What depends on time, workers or memory it does not know, and says so with `None`.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use rushes::cache::EvictionPolicy;
use rushes::frame::ClipId;
use rushes::memory::{CpuBudget, MemLimit, Profile, Reserve};
use rushes::player::{COMMANDS, Clip, ClipOptions, Command, Pace, PlayerOptions};
use rushes::time::{LoopMode, Nanos};

use crate::support::clips::{self, FRAME_BYTES};
use crate::support::machine::{FakeGroup, FakeMachine};
use crate::support::pool::End;
use crate::support::rig::budget;

/// Frames of the longest clip.
pub const MOST_FRAMES: u32 = 24;
/// The largest frame has so many times the bytes that the header says.
pub const MOST_TIMES: u32 = 2;
/// Frames that the memory of the fake machine holds.
const MACHINE_FRAMES: u64 = 200;
/// Every so many frames of a clip with gaps one is missing.
const GAP: u32 = 5;
const JUMP_FRAMES: i64 = 10;

/// What can happen.
#[derive(Debug, Clone)]
pub enum Act {
    /// Waits for the next tick.
    Command(Command),
    Tick {
        quarters: Nanos,
        jobs: usize,
    },
    Wait {
        tenths: Nanos,
        jobs: usize,
    },
    Ends(u32, End),
    Times(u32, u32),
    /// Frames' worth of bytes that the workers keep, and of those that open movies keep.
    Kept(u64, u64),
    RingDelay(u32),
    RingRefuses(u32),
    RingTakesAll,
    /// Frames' worth of staging and of targets.
    RingBeside(u64, u64),
    LoseDevice,
    Machine(Said),
    ClipCap(Option<u64>),
    AllocLimit(Option<u64>),
    Open(Shape),
    CloseAll,
    /// All faults end and playback pauses: what belongs on screen must come.
    Rest,
}

/// What others do with the memory of the machine.
#[derive(Debug, Clone, Copy)]
pub enum Said {
    /// Frames' worth that they take.
    Others(u64),
    /// Frames' worth of a control group, and of what others take of it.
    Group(Option<(u64, u64)>),
    /// Milliseconds that some and all tasks waited for memory.
    Stall(u64, u64),
    /// The group ran into its limit, or the kernel found nothing to reclaim.
    LimitHit,
    OutOfMemory,
}

impl Said {
    pub fn tell(self, machine: &mut FakeMachine) {
        match self {
            Self::Others(frames) => machine.others_bytes = frames * FRAME_BYTES,
            Self::Group(group) => {
                machine.group = group.map(|(limit, others)| FakeGroup {
                    limit_bytes: limit * FRAME_BYTES,
                    others_bytes: others * FRAME_BYTES,
                });
            }
            Self::Stall(some, full) => {
                machine.stall.some_micros += some * 1000;
                machine.stall.full_micros += full * 1000;
            }
            Self::LimitHit => machine.events.max += 1,
            Self::OutOfMemory => machine.events.oom += 1,
        }
    }
}

/// What a clip is like.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    frames: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Gaps,
    Proxies,
    /// Frames that last unequally long.
    Uneven,
}

/// An open clip.
#[derive(Debug, Clone, Copy)]
pub struct ModelClip {
    pub id: ClipId,
    shape: Shape,
    pub revision: u32,
    pub layer: usize,
    /// Where it was left.
    playhead: Option<u32>,
    area: Option<(u32, u32)>,
}

impl ModelClip {
    fn new(id: u32, shape: Shape) -> Self {
        let area = Some((0, shape.frames - 1));
        Self { id: ClipId(id), shape, revision: 0, layer: 0, playhead: Some(0), area }
    }

    pub fn last(&self) -> u32 {
        self.shape.frames - 1
    }

    /// The frame whose file is shown at an index: the one before where there is a gap.
    pub fn source(&self, index: u32) -> u32 {
        let is_gap = |index| self.shape.kind == Kind::Gaps && index % GAP == GAP - 1 && index < self.last();
        if is_gap(index) { index - 1 } else { index }
    }

    pub fn make(&self, id: ClipId) -> Clip {
        assert_eq!(id, self.id);
        let options = ClipOptions::default();
        let frames = self.shape.frames;
        match self.shape.kind {
            Kind::Plain => clips::clip(id, frames),
            Kind::Uneven => clips::uneven(id, frames),
            Kind::Proxies => clips::clip_with_proxies(id, frames, &options),
            Kind::Gaps => {
                let with_file = (0..frames).filter(|index| self.source(*index) == *index);
                clips::numbered(id, with_file.map(i64::from), &options)
            }
        }
    }
}

/// What a player starts with.
#[derive(Debug, Clone)]
pub struct Options {
    cpu_frames: u64,
    gpu_frames: u64,
    percent: Option<u8>,
    vram_is_ram: bool,
    real_time: bool,
    has_machine: bool,
}

impl Options {
    pub fn player_options(&self) -> PlayerOptions {
        let share = |percent| CpuBudget { limit: MemLimit::Percent(percent), reserve: Reserve::Usual };
        PlayerOptions {
            cpu_budget: self.percent.map_or(budget(self.cpu_frames), share),
            gpu_budget_bytes: self.gpu_frames * FRAME_BYTES,
            vram_is_ram: self.vram_is_ram,
            pace: if self.real_time { Pace::RealTime } else { Pace::EveryFrame },
            ..PlayerOptions::default()
        }
    }

    pub fn machine(&self) -> Option<FakeMachine> {
        let has_vram = self.vram_is_ram;
        let machine = FakeMachine { has_vram, ..FakeMachine::new(MACHINE_FRAMES * FRAME_BYTES) };
        Some(machine).filter(|_| self.has_machine)
    }
}

/// The model.
#[derive(Debug, Clone)]
pub struct Model {
    pub options: Options,
    pub clips: Vec<ModelClip>,
    opened: u32,
    pub shown: usize,
    pub playhead: Option<u32>,
    pub area: Option<(u32, u32)>,
    pub playing: Option<bool>,
    loop_mode: LoopMode,
    pending: Vec<Command>,
}

impl Model {
    pub fn clip(&self) -> Option<&ModelClip> {
        self.clips.get(self.shown)
    }

    /// The next tick: what waits is done, then what plays moves on.
    fn tick(&mut self) {
        for command in std::mem::take(&mut self.pending) {
            if !self.clips.is_empty() {
                self.obey(command);
            }
        }
        if self.playing != Some(false) {
            self.playhead = None;
            if self.loop_mode == LoopMode::Once {
                self.playing = None;
            }
        }
    }

    fn open(&mut self, shape: Shape) {
        self.opened += 1;
        self.clips.push(ModelClip::new(self.opened, shape));
        if self.clips.len() == 1 {
            self.arrive(0);
        }
    }

    fn leave(&mut self) {
        let (playhead, area) = (self.playhead, self.area);
        let clip = &mut self.clips[self.shown];
        (clip.playhead, clip.area) = (playhead, area);
    }

    fn arrive(&mut self, position: usize) {
        self.shown = position;
        let clip = self.clips[position];
        (self.playhead, self.area) = (clip.playhead, clip.area);
    }

    fn switch(&mut self, position: usize) {
        self.leave();
        self.arrive(position);
    }

    fn neighbour(&self, step: i64) -> usize {
        (self.shown as i64 + step).rem_euclid(self.clips.len() as i64) as usize
    }

    fn start(&mut self) {
        // Playing once may start over, and what plays moves.
        self.playhead = None;
        self.playing = Some(true);
    }

    fn step(&mut self, frames: i64) {
        self.playing = Some(false);
        let last = i64::from(self.clips[self.shown].last());
        self.playhead = self.playhead.map(|at| (i64::from(at) + frames).clamp(0, last) as u32);
    }

    /// To an end of the work area, or to the end of the clip when it stands there already.
    fn go_to_end(&mut self, area_end: Option<u32>, clip_end: u32) {
        let target = |(at, end)| if at == end { clip_end } else { end };
        self.playhead = self.playhead.zip(area_end).map(target);
    }

    fn set_area(&mut self, area: Option<(u32, u32)>) {
        self.area = area.map(|(a, b)| (a.min(b), a.max(b)));
    }

    fn obey(&mut self, command: Command) {
        let last = self.clips[self.shown].last();
        match command {
            Command::TogglePlay => match self.playing {
                Some(true) => self.playing = Some(false),
                Some(false) => self.start(),
                None => self.playhead = None,
            },
            Command::Play | Command::ShuttleForward | Command::ShuttleReverse => self.start(),
            Command::Pause => self.playing = Some(false),
            Command::StepForward => self.step(1),
            Command::StepBackward => self.step(-1),
            Command::JumpForward => self.step(JUMP_FRAMES),
            Command::JumpBackward => self.step(-JUMP_FRAMES),
            Command::First => self.go_to_end(self.area.map(|area| area.0), 0),
            Command::Last => self.go_to_end(self.area.map(|area| area.1), last),
            Command::Seek(index) | Command::Scrub(index) => self.playhead = Some(index.min(last)),
            Command::SetIn => {
                let out = |at, area: (u32, u32)| if at <= area.1 { area.1 } else { last };
                self.set_area(self.playhead.zip(self.area).map(|(at, area)| (at, out(at, area))));
            }
            Command::SetOut => {
                let first = |at, area: (u32, u32)| if at >= area.0 { area.0 } else { 0 };
                self.set_area(self.playhead.zip(self.area).map(|(at, area)| (first(at, area), at)));
            }
            Command::ClearInOut => self.area = Some((0, last)),
            Command::SetRange(a, b) => self.set_area(Some((a.min(last), b.min(last)))),
            Command::CycleLoop => self.loop_mode = self.loop_mode.cycled(),
            other => self.obey_for_clips(other),
        }
    }

    fn obey_for_clips(&mut self, command: Command) {
        let layers = clips::LAYERS.len();
        let clip = &mut self.clips[self.shown];
        match command {
            Command::NextLayer => clip.layer = (clip.layer + 1) % layers,
            Command::PreviousLayer => clip.layer = (clip.layer + layers - 1) % layers,
            Command::SelectLayer(layer) if layer < layers => clip.layer = layer,
            Command::Reload => clip.revision += 1,
            Command::NextClip => self.switch(self.neighbour(1)),
            Command::PreviousClip => self.switch(self.neighbour(-1)),
            Command::SelectClip(position) if position < self.clips.len() => self.switch(position),
            _ => {}
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Self> {
        let percent = prop::option::of((5..20_u8).prop_map(|step| step * 5));
        let machine = (any::<bool>(), percent).prop_map(|(has, percent)| (has, percent.filter(|_| has)));
        (0..30_u64, 0..30_u64, machine, prop::bool::weighted(0.2), any::<bool>(), shape())
            .prop_map(|(cpu_frames, gpu_frames, (has_machine, percent), vram_is_ram, real_time, shape)| {
                let options =
                    Options { cpu_frames, gpu_frames, percent, vram_is_ram, real_time, has_machine };
                let mut model = Self {
                    options,
                    clips: Vec::new(),
                    opened: 0,
                    shown: 0,
                    playhead: None,
                    area: None,
                    playing: Some(false),
                    loop_mode: LoopMode::Loop,
                    pending: Vec::new(),
                };
                model.open(shape);
                model
            })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Act> {
        prop_oneof![
            14 => command().prop_map(Act::Command),
            20 => (0..30 as Nanos, 0..6_usize).prop_map(|(quarters, jobs)| Act::Tick { quarters, jobs }),
            4 => (1..70 as Nanos, 0..6_usize).prop_map(|(tenths, jobs)| Act::Wait { tenths, jobs }),
            7 => fault(),
            4 => ring(),
            4 => said().prop_map(Act::Machine),
            2 => limits(),
            2 => shape().prop_map(Act::Open),
            1 => Just(Act::CloseAll),
            1 => Just(Act::Rest),
        ]
        .boxed()
    }

    fn apply(mut model: Self, act: &Act) -> Self {
        match act {
            Act::Command(command) => model.pending.push(*command),
            Act::Tick { .. } | Act::Wait { .. } => model.tick(),
            Act::Rest => {
                model.pending.push(Command::Pause);
                model.tick();
            }
            Act::Open(shape) => {
                model.tick();
                model.open(*shape);
                // While the clip waits for memory, what plays goes on.
                model.tick();
            }
            Act::CloseAll => {
                model.clips.clear();
                (model.shown, model.playing) = (0, Some(false));
            }
            _ => {}
        }
        model
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let uneven = Just(Kind::Uneven);
    let kind =
        prop_oneof![3 => Just(Kind::Plain), 1 => Just(Kind::Gaps), 1 => Just(Kind::Proxies), 1 => uneven];
    (1..=MOST_FRAMES, kind).prop_map(|(frames, kind)| Shape { frames, kind })
}

fn command() -> impl Strategy<Value = Command> {
    let row = (0..COMMANDS.len()).prop_map(|row| COMMANDS[row].command);
    // Beyond the end of every clip now and then.
    let index = 0..MOST_FRAMES + 4;
    let frames = (0..40_u64).prop_map(|frames| frames * FRAME_BYTES);
    let policy = (0..EvictionPolicy::ALL.len()).prop_map(|at| EvictionPolicy::ALL[at]);
    prop_oneof![
        8 => row,
        4 => index.clone().prop_map(Command::Seek),
        2 => index.clone().prop_map(Command::Scrub),
        3 => Just(Command::Play),
        1 => (index.clone(), index).prop_map(|(first, last)| Command::SetRange(first, last)),
        1 => (0..3_usize).prop_map(Command::SelectLayer),
        2 => (0..4_usize).prop_map(Command::SelectClip),
        1 => Just(Command::Reload),
        1 => (25..=95_u8).prop_map(|percent| Command::SetMem(MemLimit::Percent(percent))),
        1 => frames.clone().prop_map(|bytes| Command::SetMem(MemLimit::Bytes(bytes))),
        1 => frames.clone().prop_map(Command::SetReserve),
        1 => frames.prop_map(Command::SetVram),
        1 => policy.prop_map(Command::SetPolicy),
        1 => (0..2_usize).prop_map(|at| Command::SetProfile(Profile::ALL[at])),
    ]
}

fn fault() -> impl Strategy<Value = Act> {
    let end = prop_oneof![Just(End::Done), Just(End::Degraded), Just(End::Failed), Just(End::Skipped)];
    prop_oneof![
        4 => (0..MOST_FRAMES / 2, end).prop_map(|(index, end)| Act::Ends(index, end)),
        2 => (0..MOST_FRAMES, 1..=MOST_TIMES).prop_map(|(index, times)| Act::Times(index, times)),
        1 => (0..8_u64, 0..5_u64).prop_map(|(scratch, movies)| Act::Kept(scratch, movies)),
    ]
}

fn ring() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..4_u32).prop_map(Act::RingDelay),
        1 => (0..MOST_FRAMES).prop_map(Act::RingRefuses),
        1 => Just(Act::RingTakesAll),
        1 => (0..3_u64, 0..3_u64).prop_map(|(staging, targets)| Act::RingBeside(staging, targets)),
        1 => Just(Act::LoseDevice),
    ]
}

fn said() -> impl Strategy<Value = Said> {
    let group = (0..100_u64, 0..100_u64);
    prop_oneof![
        4 => (0..=MACHINE_FRAMES).prop_map(Said::Others),
        2 => Just(Said::Others(0)),
        2 => prop::option::of(group).prop_map(Said::Group),
        1 => (0..2000_u64, 0..1000_u64).prop_map(|(some, full)| Said::Stall(some, full)),
        1 => Just(Said::LimitHit),
        1 => Just(Said::OutOfMemory),
    ]
}

fn limits() -> impl Strategy<Value = Act> {
    let frames = || prop::option::of(0..30_u64);
    prop_oneof![frames().prop_map(Act::ClipCap), frames().prop_map(Act::AllocLimit)]
}
