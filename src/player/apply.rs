//! Owns what each command does to clips, playhead and work area.

use super::{Command, JUMP_FRAMES, Pace, Player, WindowAction};
use crate::frame::{ClipId, EvictionCause, FrameKey, Revision};
use crate::memory::{
    CpuBudget, MAX_PERCENT, MAX_RESERVE_BYTES, MIN_PERCENT, MemLimit, PERCENT_STEP, PressureSettings,
    RESERVE_STEP_BYTES, Reserve, Tier, format_bytes,
};
use crate::time::{Direction, Nanos, WorkArea};

/// How often a length that is estimated is looked at again.
const LENGTH_NANOS: Nanos = 250_000_000;

impl Player {
    pub(super) fn apply_commands(&mut self, now: Nanos) {
        while let Some(command) = self.commands.pop_front() {
            if !self.view.apply(command) {
                self.apply_command(command, now);
            }
        }
    }

    fn apply_command(&mut self, command: Command, now: Nanos) {
        match command {
            Command::ToggleFullscreen => self.window_actions.push(WindowAction::ToggleFullscreen),
            Command::ToggleHelp => self.window_actions.push(WindowAction::ToggleHelp),
            Command::ToggleInterface => self.window_actions.push(WindowAction::ToggleInterface),
            Command::ToggleMemory => self.window_actions.push(WindowAction::ToggleMemory),
            Command::ToggleScopes => self.window_actions.push(WindowAction::ToggleScopes),
            Command::ToggleStatistics => self.window_actions.push(WindowAction::ToggleStatistics),
            Command::SaveSettings => self.window_actions.push(WindowAction::SaveSettings),
            Command::Quit => self.window_actions.push(WindowAction::Quit),
            Command::ClearCache => self.clear_cache(now),
            Command::MemUp => self.step_mem(1, now),
            Command::MemDown => self.step_mem(-1, now),
            Command::ReserveUp => self.step_reserve(1, now),
            Command::ReserveDown => self.step_reserve(-1, now),
            Command::SetMem(limit) => self.set_cpu_budget(CpuBudget { limit, ..self.options.cpu_budget }),
            Command::SetReserve(bytes) => {
                let reserve = Reserve::Bytes(bytes);
                self.set_cpu_budget(CpuBudget { reserve, ..self.options.cpu_budget });
            }
            Command::SetVram(bytes) => self.set_gpu_budget(bytes),
            Command::SetPolicy(policy) => self.set_policy(policy),
            Command::SetProfile(profile) => {
                let PressureSettings { interval_nanos, dwell_nanos, .. } = self.options.pressure;
                let of_profile = PressureSettings::of(profile);
                self.set_pressure(PressureSettings { interval_nanos, dwell_nanos, ..of_profile });
            }
            Command::ToggleMute => self.toggle_mute(now),
            Command::VolumeUp => self.step_volume(1.0, now),
            Command::VolumeDown => self.step_volume(-1.0, now),
            Command::SetVolume(volume) => self.change_volume(volume, now),
            Command::ToggleScrubSound => self.toggle_glances(now),
            _ if self.clips.is_empty() => {}
            Command::ToggleEveryFrame => self.toggle_every_frame(now),
            Command::NextClip => self.show_neighbour_clip(1),
            Command::PreviousClip => self.show_neighbour_clip(-1),
            Command::NextLayer => self.show_neighbour_layer(1),
            Command::PreviousLayer => self.show_neighbour_layer(-1),
            Command::SelectLayer(layer) => self.show_layer(layer),
            Command::SelectClip(clip) if clip < self.clips.len() => self.show_clip(clip),
            Command::Reload => self.reload(now),
            other => self.move_playhead(other, now),
        }
    }

    /// One step more or less of what is usable; an absolute limit becomes the nearest share first.
    fn step_mem(&mut self, steps: i64, now: Nanos) {
        let budget = self.options.cpu_budget;
        let percent = match budget.limit {
            MemLimit::Percent(percent) => i64::from(percent),
            MemLimit::Bytes(bytes) => {
                let usable = budget.usable_bytes(&self.sample, self.own_at_sample).max(1);
                (u128::from(bytes) * 100 / u128::from(usable)).min(100) as i64
            }
        };
        let step = i64::from(PERCENT_STEP);
        let percent = ((percent + step / 2) / step + steps) * step;
        let percent = percent.clamp(i64::from(MIN_PERCENT), i64::from(MAX_PERCENT)) as u8;
        let stepped = CpuBudget { limit: MemLimit::Percent(percent), ..budget };
        let limit_of = |budget: CpuBudget| budget.limit_bytes(&self.sample, self.own_at_sample);
        // The least share may be more than a small limit that was stated in bytes.
        let is_onward = if steps > 0 {
            limit_of(stepped) >= limit_of(budget)
        } else {
            limit_of(stepped) <= limit_of(budget)
        };
        if is_onward {
            self.set_cpu_budget(stepped);
        }
        self.tell_budget(now);
    }

    fn step_reserve(&mut self, steps: i64, now: Nanos) {
        let budget = self.options.cpu_budget;
        let halves = (budget.reserve_of(&self.sample) + RESERVE_STEP_BYTES / 2) / RESERVE_STEP_BYTES;
        let bytes = halves.saturating_add_signed(steps) * RESERVE_STEP_BYTES;
        let reserve = Reserve::Bytes(bytes.clamp(RESERVE_STEP_BYTES, MAX_RESERVE_BYTES));
        self.set_cpu_budget(CpuBudget { reserve, ..budget });
        self.tell_budget(now);
    }

    fn tell_budget(&mut self, now: Nanos) {
        let budget = self.options.cpu_budget;
        let share = match budget.limit {
            MemLimit::Percent(percent) => format!("{percent} % of what is usable"),
            MemLimit::Bytes(bytes) => format_bytes(bytes),
        };
        let reserve = format_bytes(budget.reserve_of(&self.sample));
        let limit = format_bytes(self.ledger.limit(Tier::Cpu));
        self.tell(format!("memory for frames: {share} after {reserve} for others, {limit}"), now);
    }

    /// The commands of playback and of the work area.
    fn move_playhead(&mut self, command: Command, now: Nanos) {
        let area = self.transport.travel.area;
        let playhead = self.transport.travel.playhead;
        let last = self.last_index();
        match command {
            Command::TogglePlay if self.transport.is_playing() => self.transport.pause(),
            Command::TogglePlay | Command::Play => {
                self.transport.play(self.transport.travel.direction);
            }
            Command::Pause => self.transport.pause(),
            Command::ShuttleForward => self.transport.shuttle(Direction::Forward),
            Command::ShuttleReverse => self.transport.shuttle(Direction::Reverse),
            Command::StepForward => self.step(1),
            Command::StepBackward => self.step(-1),
            Command::JumpForward => self.step(i64::from(JUMP_FRAMES)),
            Command::JumpBackward => self.step(-i64::from(JUMP_FRAMES)),
            // The ends of the work area first, those of the clip when already there.
            Command::First if playhead == area.first() => self.transport.seek(0),
            Command::First => self.transport.seek(area.first()),
            Command::Last if playhead == area.last() => self.transport.seek(last),
            Command::Last => self.transport.seek(area.last()),
            Command::Seek(index) => self.transport.seek(index.min(last)),
            Command::Scrub(index) => {
                self.scrub.note(now);
                self.transport.seek(index.min(last));
            }
            Command::SetIn => self.set_in(playhead, last),
            Command::SetOut => self.set_out(playhead),
            Command::ClearInOut => self.transport.travel.area = WorkArea::new(0, last),
            Command::SetRange(first, end) => {
                self.transport.travel.area = WorkArea::new(first.min(last), end.min(last));
            }
            Command::CycleLoop => {
                self.transport.travel.loop_mode = self.transport.travel.loop_mode.cycled();
            }
            _ => return,
        }
        self.discontinuity();
    }

    fn last_index(&self) -> u32 {
        self.clip().map_or(0, |clip| clip.frames() - 1)
    }

    /// An in point behind the out point drags the out point to the end, and the other way round.
    fn set_in(&mut self, playhead: u32, last: u32) {
        let out = self.transport.travel.area.last();
        let out = if playhead <= out { out } else { last };
        self.transport.travel.area = WorkArea::new(playhead, out);
    }

    fn set_out(&mut self, playhead: u32) {
        let first = self.transport.travel.area.first();
        let first = if playhead >= first { first } else { 0 };
        self.transport.travel.area = WorkArea::new(first, playhead);
    }

    /// Steps pause playback and stop at the ends of the clip.
    fn step(&mut self, frames: i64) {
        self.transport.pause();
        let target = i64::from(self.transport.travel.playhead) + frames;
        self.transport.seek(target.clamp(0, i64::from(self.last_index())) as u32);
    }

    fn toggle_every_frame(&mut self, now: Nanos) {
        let (pace, text) = match self.transport.pace {
            Pace::RealTime => (Pace::EveryFrame, "every frame is shown"),
            Pace::EveryFrame | Pace::Unpaced => (Pace::RealTime, "real time, late frames are dropped"),
        };
        self.transport.pace = pace;
        self.tell(text.to_string(), now);
    }

    fn show_neighbour_clip(&mut self, step: i64) {
        let count = self.clips.len() as i64;
        self.show_clip((self.shown_clip as i64 + step).rem_euclid(count) as usize);
    }

    fn show_neighbour_layer(&mut self, step: i64) {
        let Some(clip) = self.clip() else { return };
        let count = clip.layers().len() as i64;
        self.show_layer((clip.layer as i64 + step).rem_euclid(count) as usize);
    }

    fn show_layer(&mut self, layer: usize) {
        let Some(clip) = self.clips.get_mut(self.shown_clip) else { return };
        if layer < clip.layers().len() && layer != clip.layer {
            clip.layer = layer;
            self.show_stream();
        }
    }

    /// Everything of the shown clip is read from disk again; playhead and work area stay where they are.
    fn reload(&mut self, now: Nanos) {
        let Some(clip) = self.clips.get_mut(self.shown_clip) else { return };
        let clip = match clip.reopened() {
            Ok(fresh) => {
                *clip = fresh;
                &*clip
            }
            Err(reason) => return self.tell(format!("not reloaded: {reason}"), now),
        };
        let (id, revision, last) = (clip.id, clip.revision, clip.frames() - 1);
        let books_bytes = clip.books_bytes();
        self.transport.set_times(clip.times().clone());
        if let Some(books) = self.books.get_mut(&id) {
            self.ledger.resize(books, books_bytes);
        }
        self.forget_old_revisions(id, revision, now);
        self.fit_travel(last);
        self.show_stream();
        self.tell("reloaded from disk".into(), now);
    }

    /// The shown clip has another last frame: a work area that reached the end goes on doing so.
    fn fit_travel(&mut self, last: u32) {
        let travel = &mut self.transport.travel;
        let reached_the_end = travel.area.last() + 1 >= self.residency.frames();
        let out = if reached_the_end { last } else { travel.area.last().min(last) };
        travel.area = WorkArea::new(travel.area.first().min(last), out);
        travel.playhead = travel.playhead.min(last);
    }

    /// The length of the shown clip, where it was estimated, and the times of its frames, as the decoder knows them by
    /// now.
    pub(super) fn follow_length(&mut self, now: Nanos) {
        let Some(clip) = self.clips.get_mut(self.shown_clip) else { return };
        if !clip.has_estimated_length() || now < self.length_at {
            return;
        }
        self.length_at = now + LENGTH_NANOS;
        let Some(path) = clip.path(0) else { return };
        let (length, times) = (self.preloader.length(path), self.preloader.times(path));
        let has_other_length = length.is_some_and(|length| clip.set_length(length));
        let has_other_times = times.is_some_and(|times| clip.set_times(times));
        if !has_other_length && !has_other_times {
            return;
        }
        let (id, last, books_bytes) = (clip.id, clip.frames() - 1, clip.books_bytes());
        if has_other_times {
            self.transport.set_times(clip.times().clone());
        }
        if let Some(books) = self.books.get_mut(&id) {
            self.ledger.resize(books, books_bytes);
        }
        self.fit_travel(last);
        self.show_stream();
    }

    fn forget_old_revisions(&mut self, id: ClipId, revision: Revision, now: Nanos) {
        let is_old = |key: FrameKey| key.clip == id && key.revision != revision;
        for key in self.tier.keys_where(is_old) {
            self.evict_cpu(key, EvictionCause::Unwanted, now);
        }
        let old: Vec<FrameKey> = self.ring.keys().filter(|key| is_old(*key)).collect();
        for key in old {
            self.evict_gpu(key, EvictionCause::Unwanted);
        }
        self.failures.retain(|key, _| key.clip != id);
        self.known_bytes.retain(|key, _| key.clip != id);
    }
}
