//! Every order of everything that can happen to a player, beside a naive model of it. The model says what
//! stands where; the checks say what must hold after every tick, whatever happened before.

mod checks;
mod model;

use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use rushes::memory::Tier;
use rushes::player::Command;
use rushes::stats::PressureLevel;
use rushes::time::Nanos;

use crate::support::cases;
use crate::support::clips::FRAME_BYTES;
use crate::support::rig::{CREDITS, Rig, SECOND, STEP, budget};
use checks::Checks;
use model::{Act, Model};

/// A player, what it runs on, and what was seen of it so far.
pub struct Machine {
    rig: Rig,
    checks: Checks,
}

impl Machine {
    fn new(model: &Model) -> Self {
        let mut rig = Rig::with_options(model.options.player_options());
        // Limits that change in every way at any time are the business of the checks here.
        rig.overdraft_bytes = 1 << 40;
        rig.machine = model.options.machine();
        rig.jobs_per_tick = 0;
        for clip in &model.clips {
            rig.add(|id| clip.make(id));
        }
        let checks = Checks::new(&mut rig);
        Self { rig, checks }
    }

    fn tick_after(&mut self, nanos: Nanos, model: &Model) {
        self.rig.tick_after(nanos);
        self.checks.after_tick(&mut self.rig);
        self.checks.is_where_the_model_is(&self.rig, model);
    }

    fn run(&mut self, ticks: usize, nanos: Nanos, model: &Model) {
        for _ in 0..ticks {
            self.tick_after(nanos, model);
        }
    }

    /// Opens a clip. While memory is critical it waits, and not for ever.
    fn open(&mut self, model: &Model) {
        let clip = *model.clips.last().expect("the model has opened it");
        let before = self.rig.player.clips().len();
        let waits = before > 0 && self.rig.player.pressure_level(Tier::Cpu) >= PressureLevel::Critical;
        self.rig.add(|id| clip.make(id));
        assert_eq!(self.rig.player.clips().len(), before + usize::from(!waits));
        if waits {
            self.give_room();
            for _ in 0..60 {
                self.rig.tick_after(SECOND);
                self.checks.after_tick(&mut self.rig);
                if self.rig.player.clips().len() > before {
                    break;
                }
            }
            assert_eq!(self.rig.player.clips().len(), before + 1, "the clip waits for ever");
        }
    }

    /// Nobody else takes memory, and nothing holds up what is under way.
    fn give_room(&mut self) {
        if let Some(machine) = &mut self.rig.machine {
            (machine.others_bytes, machine.group) = (0, None);
        }
        (self.rig.pool.script().held_bytes, self.rig.pool.script().movie_bytes) = (0, 0);
        self.rig.ring.delay_steps = 0;
        self.rig.jobs_per_tick = CREDITS;
        self.rig.player.set_cpu_budget(budget(100));
        self.rig.player.set_gpu_budget(100 * FRAME_BYTES);
        self.rig.read_machine();
    }

    /// What rests is shown in the end, whatever the budgets and the pressure are.
    fn come_to_rest(&mut self, model: &Model) {
        self.rig.pool.script().ends.clear();
        self.rig.ring.refuses.clear();
        self.rig.ring.delay_steps = 0;
        self.rig.jobs_per_tick = CREDITS;
        self.rig.command(Command::Pause);
        self.run(8, STEP, model);
        // A frame that failed before is tried again after a minute at most.
        self.tick_after(61 * SECOND, model);
        self.run(12, STEP, model);
        self.checks.shows_what_belongs_there(&self.rig, model);
    }

    /// With room for everything all pressure goes, and everything is loaded.
    fn fill(&mut self) {
        self.give_room();
        self.cap(None);
        self.rig.player.set_alloc_limit(None);
        for _ in 0..60 {
            self.rig.tick_after(SECOND);
            self.checks.after_tick(&mut self.rig);
        }
        self.rig.settle();
        self.checks.is_calm_and_full(&mut self.rig);
    }

    /// Everything comes home.
    fn close(&mut self) {
        self.rig.player.close_all();
        self.rig.ring.staging_bytes = 0;
        self.rig.ring.target_bytes = 0;
        self.rig.jobs_per_tick = 100;
        self.rig.run(4);
        self.checks.is_empty(&mut self.rig);
    }
}

impl StateMachineTest for Machine {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        Self::new(model)
    }

    fn apply(mut machine: Self, model: &Model, act: Act) -> Self {
        machine.act(model, &act);
        machine
    }

    fn teardown(mut machine: Self, model: Model) {
        let model = Model::apply(model, &Act::Rest);
        machine.come_to_rest(&model);
        machine.fill();
        machine.close();
    }
}

impl Machine {
    fn act(&mut self, model: &Model, act: &Act) {
        let rig = &mut self.rig;
        let frame = |frames: u64| frames * FRAME_BYTES;
        match *act {
            Act::Command(command) => rig.command(command),
            Act::Tick { quarters, jobs } => {
                rig.jobs_per_tick = jobs;
                self.tick_after(quarters * STEP, model);
            }
            Act::Wait { tenths, jobs } => {
                rig.jobs_per_tick = jobs;
                self.tick_after(tenths * SECOND / 10, model);
            }
            Act::Ends(index, end) => drop(rig.pool.script().ends.insert(index, end)),
            Act::Times(index, times) => drop(rig.pool.script().times.insert(index, times)),
            Act::Kept(scratch, movies) => {
                let mut script = rig.pool.script();
                (script.held_bytes, script.movie_bytes) = (frame(scratch), frame(movies));
            }
            Act::RingDelay(steps) => rig.ring.delay_steps = steps,
            Act::RingRefuses(index) => drop(rig.ring.refuses.insert(index)),
            Act::RingTakesAll => rig.ring.refuses.clear(),
            Act::RingBeside(staging, targets) => {
                (rig.ring.staging_bytes, rig.ring.target_bytes) = (frame(staging), frame(targets));
            }
            Act::LoseDevice => rig.ring.lose_device(),
            Act::Machine(said) => self.hear(said),
            Act::ClipCap(frames) => self.cap(frames.map(frame)),
            Act::AllocLimit(frames) => rig.player.set_alloc_limit(frames.map(frame)),
            Act::Open(_) => {
                rig.jobs_per_tick = 1;
                rig.tick();
                self.checks.after_tick(&mut self.rig);
                self.open(model);
            }
            Act::CloseAll => rig.player.close_all(),
            Act::Rest => self.come_to_rest(model),
        }
    }

    fn cap(&mut self, bytes: Option<u64>) {
        self.rig.player.set_clip_cap(bytes);
        self.checks.clip_cap_bytes = bytes;
    }

    fn hear(&mut self, said: model::Said) {
        if let Some(machine) = &mut self.rig.machine {
            said.tell(machine);
            self.rig.read_machine();
        }
    }
}

prop_state_machine! {
    #![proptest_config(cases(1500))]

    #[test]
    fn nothing_breaks_a_player(sequential 1..120 => Machine);
}
