//! Owns the tick: the one pass of player logic, a table of contents of named steps. Every loop in it
//! is bounded.

use std::sync::Arc;

use super::{Command, Failure, JUMP_FRAMES, Pace, Player, Source, WindowAction};
use crate::cache::{Evicted, Origin};
use crate::decode::{DecodeEnd, DecodeError, DecodeRequest, Decoded};
use crate::frame::{
    EvictionCause, FrameBuffer, FrameKey, FrameMemory, RingEvent, RingOrders, RingReport, UploadOrder,
};
use crate::memory::{Charge, Component, Pooled, Tier, size_class};
use crate::preload::{Horizon, InFlight, Outcome, lookahead_frames, next_wanted};
use crate::stats::{FrameStatus, ShownStatus};
use crate::time::{Direction, Nanos, NextUse, WorkArea};

/// Outcomes taken in one tick; the rest waits for the next.
const OUTCOMES_PER_TICK: usize = 64;
/// Frames evicted in one tick and tier; a lowered budget is reached over a few ticks.
const EVICTIONS_PER_TICK: usize = 256;
/// Uploads ordered and not complete: one being filled, one waiting, so that the copy never pauses.
const UPLOADS_IN_FLIGHT: usize = 2;
/// Frames that VRAM runs ahead of the playhead when the work area does not fit it.
const VRAM_LOOKAHEAD_FRAMES: u64 = 4;
/// A failed frame is tried again after this long, then after twice as long, and so on.
const RETRY_FIRST_NANOS: Nanos = 1_000_000_000;
const RETRY_LAST_NANOS: Nanos = 60_000_000_000;
/// Presentations kept for the measured rate.
const PRESENTED_KEPT: usize = 256;

/// What a tick decided.
#[derive(Debug, Clone, Default)]
pub struct Tick {
    pub orders: RingOrders,
    pub shown: ShownStatus,
    /// A frame is presented by this tick for the first time since the playhead came to it.
    pub presented: bool,
    /// When the next tick has something to do even if nothing else happens.
    pub wake_at: Option<Nanos>,
}

impl Player {
    /// One pass of player logic at the time `now`, after what the ring reported.
    pub fn tick(&mut self, now: Nanos, report: &RingReport) -> Tick {
        self.ticks += 1;
        self.apply_commands(now);
        self.apply_ring_report(report);
        self.drain_outcomes(now);
        let presented = self.advance_playhead(now);
        self.retry_failures(now);
        self.shed_to_budget(now);
        self.issue_requests(now);
        self.choose_uploads();
        self.choose_shown_frame();
        self.expire(now);
        self.orders.budget_bytes = self.ledger.limit(Tier::Gpu);
        Tick {
            orders: std::mem::take(&mut self.orders),
            shown: self.shown.clone(),
            presented,
            wake_at: self.wake_at(),
        }
    }

    fn apply_commands(&mut self, now: Nanos) {
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
            Command::Quit => self.window_actions.push(WindowAction::Quit),
            _ if self.clips.is_empty() => {}
            Command::ToggleEveryFrame => self.toggle_every_frame(now),
            Command::NextClip => self.show_neighbour_clip(1),
            Command::PreviousClip => self.show_neighbour_clip(-1),
            Command::NextLayer => self.show_neighbour_layer(1),
            Command::PreviousLayer => self.show_neighbour_layer(-1),
            Command::SelectLayer(layer) => self.show_layer(layer),
            Command::SelectClip(clip) if clip < self.clips.len() => self.show_clip(clip),
            Command::Reload => self.reload(now),
            other => self.move_playhead(other),
        }
    }

    /// The commands of playback and of the work area.
    fn move_playhead(&mut self, command: Command) {
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

    /// Everything of the shown clip is read from disk again.
    fn reload(&mut self, now: Nanos) {
        let Some(clip) = self.clips.get_mut(self.shown_clip) else { return };
        clip.revision.0 += 1;
        let (id, revision) = (clip.id, clip.revision);
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
        self.show_stream();
        self.tell("reloaded from disk".into(), now);
    }

    fn apply_ring_report(&mut self, report: &RingReport) {
        for event in &report.events {
            self.needs_plan = true;
            match *event {
                RingEvent::Resident { key, bytes, upload_nanos } => {
                    self.ring_traffic.uploads += 1;
                    self.ring_traffic.upload_bytes += bytes;
                    self.ring_traffic.upload_nanos += upload_nanos;
                    self.ring.arrived(key);
                    self.note_gpu(key);
                }
                RingEvent::Refused { key } => {
                    self.gpu_traffic.refused += 1;
                    self.ring.remove(key);
                    self.note_gpu(key);
                }
                RingEvent::Evicted { key, cause, .. } => {
                    self.ring_traffic.evictions.add(cause);
                    if cause == EvictionCause::DeviceLost {
                        self.ring.remove(key);
                        self.note_gpu(key);
                    }
                }
            }
        }
        self.ring_traffic.device_lost = report.device_lost;
        self.ledger.resize(&mut self.staging, report.staging_bytes);
        self.ledger.resize(&mut self.idle_textures, report.idle_bytes);
    }

    fn is_shown_stream(&self, key: FrameKey) -> bool {
        self.key(0).is_some_and(|stream| stream.same_stream(key))
    }

    fn note_gpu(&mut self, key: FrameKey) {
        if self.is_shown_stream(key) {
            let there = self.ring.is_resident(key);
            let status = if there { FrameStatus::Resident } else { FrameStatus::NotLoaded };
            self.residency.set_gpu(key.index, status);
        }
    }

    fn note_cpu(&mut self, key: FrameKey) {
        if self.is_shown_stream(key) {
            self.residency.set_cpu(key.index, self.status_of(key));
        }
    }

    fn drain_outcomes(&mut self, now: Nanos) {
        for _ in 0..OUTCOMES_PER_TICK {
            let Some((outcome, in_flight)) = self.preloader.try_outcome() else { return };
            self.needs_plan = true;
            self.take_outcome(outcome, in_flight.charge, now);
        }
    }

    fn take_outcome(&mut self, outcome: Outcome, charge: Charge, now: Nanos) {
        let Outcome { key, memory, end, nanos } = outcome;
        let pooled = Pooled { memory, charge };
        match end {
            DecodeEnd::Done(decoded) => {
                self.decode_times.record(nanos);
                self.admit(key, decoded, pooled, now);
            }
            DecodeEnd::Failed(error) => {
                self.pool.give(&mut self.ledger, pooled, now);
                self.decode.error += 1;
                self.note_failure(key, error, now);
            }
            DecodeEnd::Skipped => {
                self.pool.give(&mut self.ledger, pooled, now);
                self.decode.cancelled += 1;
            }
            DecodeEnd::Refused { needed_bytes } => {
                self.pool.give(&mut self.ledger, pooled, now);
                self.decode.refused += 1;
                self.known_bytes.insert(key, needed_bytes);
            }
        }
        self.note_cpu(key);
    }

    /// A finished frame enters the CPU tier, late or not, as long as somebody may want it.
    fn admit(&mut self, key: FrameKey, decoded: Decoded, pooled: Pooled, now: Nanos) {
        let Decoded { layout, missing_rows } = decoded;
        self.failures.remove(&key);
        if missing_rows.is_empty() {
            self.decode.ok += 1
        } else {
            self.decode.degraded += 1
        }
        if !self.is_wanted(key) {
            self.decode.stale += 1;
            self.pool.give(&mut self.ledger, pooled, now);
            return;
        }
        let Pooled { memory, mut charge } = pooled;
        self.ledger.relabel(&mut charge, Component::Frames, Some(key.clip));
        let frame = FrameBuffer { layout, memory, missing_rows };
        if let Some(evicted) = self.tier.insert(key, frame, charge) {
            self.recycle(evicted, now);
        }
    }

    /// Whether a frame of the current stream is used again, or stands in for one that is.
    fn is_wanted(&self, key: FrameKey) -> bool {
        let Some(keep) = self.keep() else { return false };
        keep.next_use(key) != NextUse::NEVER || self.shown_source() == Some(key)
    }

    fn note_failure(&mut self, key: FrameKey, error: DecodeError, now: Nanos) {
        let attempts = self.failures.get(&key).map_or(0, |failure| failure.attempts);
        let wait = (RETRY_FIRST_NANOS << attempts.min(6)).min(RETRY_LAST_NANOS);
        if attempts == 0 {
            log::warn!("{}: {error}", self.frame_name(key));
        }
        self.failures.insert(key, Failure { error, attempts: attempts + 1, retry_at: now + wait });
    }

    fn frame_name(&self, key: FrameKey) -> String {
        let clip = self.clips.iter().find(|clip| clip.id == key.clip);
        let path = clip.and_then(|clip| clip.path(key.index));
        path.and_then(|path| path.file_name()).map(crate::text::shown_path).unwrap_or_default()
    }

    fn advance_playhead(&mut self, now: Nanos) -> bool {
        let mut transport = self.transport.clone();
        let advance = transport.advance(now, |index| self.is_ready(index));
        self.transport = transport;
        self.needs_plan |= advance.moved;
        if advance.ended {
            self.discontinuity();
        }
        if advance.presented {
            self.count_presentation(now);
        }
        advance.presented
    }

    /// Whether the frame at an index can be put on screen now, be it as a slate.
    fn is_ready(&self, index: u32) -> bool {
        match self.source_key(index) {
            Some(key) => self.ring.is_resident(key) || self.failures.contains_key(&key),
            None => true,
        }
    }

    /// The key of the file that is shown for an index; none where no file is.
    pub(super) fn source_key(&self, index: u32) -> Option<FrameKey> {
        match self.clip()?.source(index) {
            Source::Own => self.key(index),
            Source::StandIn(other, _) => self.key(other),
            Source::Black | Source::Slate(_) => None,
        }
    }

    /// The key of what belongs on screen.
    fn shown_source(&self) -> Option<FrameKey> {
        self.source_key(self.transport.travel.playhead)
    }

    /// Every presentation is a hit or a miss of each tier that it asked.
    fn count_presentation(&mut self, now: Nanos) {
        self.presented_at.push_back(now);
        if self.presented_at.len() > PRESENTED_KEPT {
            self.presented_at.pop_front();
        }
        self.origin = self.shown_source().and_then(|key| self.ring.present(key));
        match self.origin {
            Some(Origin::Vram) => self.gpu_traffic.hits += 1,
            Some(Origin::CpuTier) => {
                self.gpu_traffic.misses += 1;
                self.cpu_traffic.hits += 1;
            }
            Some(Origin::Decode) => {
                self.gpu_traffic.misses += 1;
                self.cpu_traffic.misses += 1;
            }
            None => {}
        }
    }

    /// Failed frames whose time has come are asked for again.
    fn retry_failures(&mut self, now: Nanos) {
        let due: Vec<FrameKey> = self
            .failures
            .iter()
            .filter(|(key, failure)| failure.retry_at <= now && !self.preloader.is_in_flight(**key))
            .map(|(key, _)| *key)
            .filter(|key| self.is_wanted(*key))
            .take(self.preloader.free_credits())
            .collect();
        for key in due {
            self.issue(key, now);
        }
    }

    fn shed_to_budget(&mut self, now: Nanos) {
        let Some(keep) = self.keep() else { return self.shed_everything(now) };
        for _ in 0..EVICTIONS_PER_TICK {
            if self.ledger.overdraft(Tier::Cpu) == 0 {
                break;
            }
            self.pool.clear();
            let victim = self.tier.victim(&keep, NextUse::NOW, |key| self.is_protected(key));
            match victim {
                Some(key) if self.ledger.overdraft(Tier::Cpu) > 0 => {
                    self.evict_cpu(key, EvictionCause::OverBudget, now);
                }
                _ => break,
            }
        }
        for _ in 0..EVICTIONS_PER_TICK {
            if self.gpu_headroom() >= 0 {
                break;
            }
            match self.ring.victim(&keep, NextUse::NOW, |key| self.is_protected(key)) {
                Some((key, _)) => self.evict_gpu(key, EvictionCause::OverBudget),
                None => break,
            }
        }
    }

    /// Without a clip nothing is kept.
    fn shed_everything(&mut self, now: Nanos) {
        for key in self.tier.keys_where(|_| true) {
            self.evict_cpu(key, EvictionCause::Unwanted, now);
        }
        let held: Vec<FrameKey> = self.ring.keys().collect();
        for key in held {
            self.evict_gpu(key, EvictionCause::Unwanted);
        }
        self.pool.clear();
        self.ledger.forget_idle_clips();
    }

    /// Frames on screen and the one that belongs there never leave.
    fn is_protected(&self, key: FrameKey) -> bool {
        self.on_screen == Some(key) || self.shown_source() == Some(key)
    }

    fn evict_cpu(&mut self, key: FrameKey, cause: EvictionCause, now: Nanos) {
        if let Some(evicted) = self.tier.evict(key, cause) {
            self.recycle(evicted, now);
        }
        self.note_cpu(key);
    }

    fn recycle(&mut self, evicted: Evicted, now: Nanos) {
        if let Some(pooled) = evicted.pooled {
            self.pool.give(&mut self.ledger, pooled, now);
        }
    }

    fn evict_gpu(&mut self, key: FrameKey, cause: EvictionCause) {
        self.ring.remove(key);
        self.orders.evict.push((key, cause));
        self.note_gpu(key);
    }

    /// Room for frames in VRAM; idle textures make way before frames do.
    fn gpu_headroom(&self) -> i64 {
        let idle = self.ledger.charged_component(Tier::Gpu, Component::PoolSlack);
        let charged = self.ledger.charged(Tier::Gpu) - idle;
        self.ledger.limit(Tier::Gpu) as i64 - charged as i64
    }

    fn horizon(&self) -> Horizon {
        let travel = &self.transport.travel;
        let frame_bytes = self.clip().map_or(1, |clip| size_class(clip.frame_bytes())) as u64;
        let capacity = self.ledger.limit(Tier::Cpu) / frame_bytes.max(1);
        Horizon::new(travel, travel.area.frames(), capacity, lookahead_frames(self.transport.rate()))
    }

    /// Requests in flight that the present plan still ranks.
    pub(super) fn wanted_in_flight(&self) -> Vec<FrameKey> {
        let Some(keep) = self.keep() else { return Vec::new() };
        let horizon = self.horizon();
        let is_ranked = |key: &FrameKey| {
            keep.next_use(*key).distance().is_some_and(|distance| horizon.contains(distance))
                || self.shown_source() == Some(*key)
        };
        self.preloader.keys().filter(is_ranked).collect()
    }

    fn issue_requests(&mut self, now: Nanos) {
        if !self.needs_plan {
            return;
        }
        let limit = self.preloader.free_credits();
        let shown = self.shown_source().filter(|key| self.is_needed(*key));
        let Some(stream) = self.key(0) else { return };
        let mut keys: Vec<FrameKey> = shown.into_iter().collect();
        let is_needed = |index| self.is_needed(stream.with_index(index));
        let travel = self.transport.travel;
        for index in next_wanted(&travel, self.horizon(), limit, is_needed) {
            let key = stream.with_index(index);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        self.needs_plan = keys.len() >= limit && !keys.is_empty();
        for key in keys.into_iter().take(limit) {
            if !self.issue(key, now) {
                break;
            }
        }
    }

    /// Not resident in either tier, not out, not failed, and there is a file.
    fn is_needed(&self, key: FrameKey) -> bool {
        self.residency.cpu(key.index) == FrameStatus::NotLoaded && !self.ring.holds(key)
    }

    /// Sends one request; `false` when there is no memory for it now.
    fn issue(&mut self, key: FrameKey, now: Nanos) -> bool {
        let Some(clip) = self.clip() else { return false };
        let Some(path) = clip.path(key.index) else { return true };
        let request = DecodeRequest {
            path: path.to_path_buf(),
            planes: Arc::clone(clip.planes()),
            level: key.level,
            watch: crate::epoch::EpochWatch::never_stale(),
        };
        let bytes = self.known_bytes.get(&key).copied().unwrap_or_else(|| clip.frame_bytes());
        let Some(pooled) = self.reserve(key, bytes, now) else {
            self.cpu_traffic.refused += 1;
            return false;
        };
        let ticket = self.epoch.ticket();
        let request = DecodeRequest { watch: ticket.watch(), ..request };
        let Pooled { memory, charge } = pooled;
        self.decode.requested += 1;
        self.preloader.issue(key, request, memory, InFlight { ticket, charge });
        self.note_cpu(key);
        true
    }

    /// A charged buffer for a frame: an idle one, room in the budget, or the buffer of a frame that
    /// is needed later. The frame that belongs on screen may overdraw the budget by itself.
    fn reserve(&mut self, key: FrameKey, bytes: usize, now: Nanos) -> Option<Pooled> {
        let class = size_class(bytes);
        for _ in 0..EVICTIONS_PER_TICK {
            if let Some(pooled) = self.pool.take(&mut self.ledger, bytes, Component::InFlight, key.clip) {
                return Some(pooled);
            }
            self.pool.release_until(&self.ledger, class as u64);
            let clip = Some(key.clip);
            if let Ok(charge) = self.ledger.charge(Tier::Cpu, Component::InFlight, clip, class as u64) {
                return self.allocate(class, charge, now);
            }
            let keep = self.keep()?;
            let beyond = self.rank(key);
            match self.tier.victim(&keep, beyond, |key| self.is_protected(key)) {
                Some(victim) => self.evict_cpu(victim, EvictionCause::MadeRoom, now),
                None => break,
            }
        }
        let is_alone = self.preloader.in_flight() == 0 && self.ledger.overdraft(Tier::Cpu) == 0;
        if self.shown_source() != Some(key) || !is_alone {
            return None;
        }
        let charge = self.ledger.charge_over(Tier::Cpu, Component::InFlight, Some(key.clip), class as u64);
        self.allocate(class, charge, now)
    }

    /// The next use of a key; what belongs on screen is used now, even as a stand-in.
    fn rank(&self, key: FrameKey) -> NextUse {
        if self.shown_source() == Some(key) {
            return NextUse::NOW;
        }
        self.keep().map_or(NextUse::NEVER, |keep| keep.next_use(key))
    }

    fn allocate(&mut self, class: usize, charge: Charge, now: Nanos) -> Option<Pooled> {
        match FrameMemory::allocate(class) {
            Ok(memory) => Some(Pooled { memory, charge }),
            Err(error) => {
                self.tell(format!("{error}; frames are given up to go on"), now);
                None
            }
        }
    }

    fn choose_uploads(&mut self) {
        let Some(keep) = self.keep() else { return };
        let travel = keep.travel;
        self.choose_upload(self.shown_source());
        for distance in 0..self.vram_horizon() {
            if self.ring.on_their_way() >= UPLOADS_IN_FLIGHT {
                return;
            }
            let Some(index) = travel.frame_at(distance) else { return };
            let key = keep.stream.with_index(index);
            let resident = self.tier.contains(key) && !self.ring.holds(key);
            if resident && !self.choose_upload(Some(key)) {
                return;
            }
        }
    }

    /// Frames that VRAM is to hold: the work area when it fits, else a few ahead; while paused, as
    /// many around the playhead as fit.
    fn vram_horizon(&self) -> u64 {
        let travel = &self.transport.travel;
        let frame_bytes = self.clip().map_or(1, Player::clip_frame_bytes).max(1);
        let staging = self.ledger.charged_component(Tier::Gpu, Component::Staging);
        let room = self.ledger.limit(Tier::Gpu).saturating_sub(staging) / frame_bytes;
        Horizon::new(travel, travel.area.frames(), room, VRAM_LOOKAHEAD_FRAMES).frames
    }

    fn clip_frame_bytes(clip: &super::Clip) -> u64 {
        clip.frame_bytes() as u64
    }

    /// Orders one upload; `false` when VRAM has no room for a frame of this rank.
    fn choose_upload(&mut self, key: Option<FrameKey>) -> bool {
        let Some(key) = key else { return true };
        if self.ring.holds(key) || !self.tier.contains(key) {
            return true;
        }
        let Some(bytes) = self.tier.peek(key).map(|frame| frame.layout.total_bytes() as u64) else {
            return true;
        };
        if !self.make_gpu_room(key, bytes) {
            return false;
        }
        let Some((frame, is_first)) = self.tier.serve(key) else { return true };
        let origin = if is_first { Origin::Decode } else { Origin::CpuTier };
        let charge = self.ledger.charge_over(Tier::Gpu, Component::Frames, Some(key.clip), bytes);
        self.ring.order(key, origin, charge);
        self.orders.upload.push(UploadOrder { key, frame });
        true
    }

    fn make_gpu_room(&mut self, key: FrameKey, bytes: u64) -> bool {
        let Some(keep) = self.keep() else { return false };
        let beyond = self.rank(key);
        for _ in 0..EVICTIONS_PER_TICK {
            if self.gpu_headroom() >= bytes as i64 {
                return true;
            }
            match self.ring.victim(&keep, beyond, |key| self.is_protected(key)) {
                Some((victim, _)) => self.evict_gpu(victim, EvictionCause::MadeRoom),
                None => break,
            }
        }
        if self.shown_source() != Some(key) {
            return false;
        }
        // The overdraft slot: what belongs on screen replaces even what is there.
        let others: Vec<FrameKey> = self.ring.keys().filter(|other| *other != key).collect();
        for other in others {
            self.evict_gpu(other, EvictionCause::MadeRoom);
        }
        true
    }

    fn choose_shown_frame(&mut self) {
        self.shown = self.shown_now();
        self.on_screen = match &self.shown {
            ShownStatus::Exact(key) | ShownStatus::StandIn(key, _) | ShownStatus::Held(key) => Some(*key),
            _ => None,
        };
    }

    fn shown_now(&self) -> ShownStatus {
        let Some(clip) = self.clip() else { return ShownStatus::Empty };
        let playhead = self.transport.travel.playhead;
        let (index, stand_in) = match clip.source(playhead) {
            Source::Own => (playhead, None),
            Source::StandIn(other, reason) => (other, Some(reason)),
            Source::Black => return ShownStatus::Black,
            Source::Slate(reason) => return ShownStatus::Slate(reason),
        };
        let Some(key) = self.key(index) else { return ShownStatus::Empty };
        if self.ring.is_resident(key) {
            return stand_in.map_or(ShownStatus::Exact(key), |why| ShownStatus::StandIn(key, why));
        }
        if let Some(failure) = self.failures.get(&key) {
            return ShownStatus::Slate(format!("{}\n{}", self.frame_name(key), failure.error));
        }
        match self.on_screen.filter(|key| self.ring.is_resident(*key)) {
            Some(held) => ShownStatus::Held(held),
            None => ShownStatus::Empty,
        }
    }

    fn expire(&mut self, now: Nanos) {
        self.pool.release_idle(now);
        if self.message.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.message = None;
        }
    }

    fn wake_at(&self) -> Option<Nanos> {
        let retry = self
            .failures
            .iter()
            .filter(|(key, _)| self.is_wanted(**key))
            .map(|(_, failure)| failure.retry_at)
            .min();
        let message = self.message.as_ref().map(|(_, until)| *until);
        [self.transport.next_due(), retry, message, self.pool.idle_until()].into_iter().flatten().min()
    }
}
