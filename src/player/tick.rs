//! Owns the tick: the one pass of player logic, a table of contents of named steps. Every loop in it
//! is bounded.

use std::sync::Arc;

use super::pressure::Failed;
use super::{Failure, Pace, Player, Source};
use crate::cache::Origin;
use crate::decode::{DecodeEnd, DecodeError, DecodeRequest, Decoded};
use crate::frame::{EvictionCause, FrameBuffer, FrameKey, Refusal, RingEvent, RingOrders, RingReport};
use crate::memory::{Charge, Component, IDLE_NANOS, Pooled, Tier};
use crate::preload::{InFlight, Outcome, next_wanted};
use crate::stats::{FrameStatus, PressureLevel, ShownStatus};
use crate::time::{Nanos, NextUse};

/// Outcomes taken in one tick; the rest waits for the next.
const OUTCOMES_PER_TICK: usize = 64;
/// A failed frame is tried again after this long, then after twice as long, and so on.
const RETRY_FIRST_NANOS: Nanos = 1_000_000_000;
const RETRY_LAST_NANOS: Nanos = 60_000_000_000;
/// Presentations kept for the measured rate.
const PRESENTED_KEPT: usize = 256;
/// What frames may still take of what they took when the device ran out of memory.
const VRAM_KEPT_PERCENT: u64 = 80;

/// How long after so many attempts a frame is tried again.
pub(super) fn retry_wait(attempts: u32) -> Nanos {
    (RETRY_FIRST_NANOS << attempts.min(6)).min(RETRY_LAST_NANOS)
}

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
        self.now = now;
        self.count_waits(now);
        self.apply_commands(now);
        self.apply_ring_report(report, now);
        self.drain_outcomes(now);
        self.follow_length(now);
        self.watch_memory(now);
        self.follow_sound(now);
        self.presents_now = self.advance_playhead(now);
        self.order_sound(now);
        self.choose_due(now);
        self.retry_failures(now);
        self.recheck_holes(now);
        self.shed_to_budget(now);
        self.issue_requests(now);
        self.choose_uploads();
        self.choose_shown_frame();
        self.expire(now);
        self.orders.budget_bytes = self.ledger.limit(Tier::Gpu) - self.targets.bytes();
        Tick {
            orders: std::mem::take(&mut self.orders),
            shown: self.shown.clone(),
            presented: self.presents_now,
            wake_at: self.wake_at(now),
        }
    }

    fn apply_ring_report(&mut self, report: &RingReport, now: Nanos) {
        for event in &report.events {
            self.needs_plan = true;
            match *event {
                RingEvent::Resident { key, bytes, upload_nanos } => {
                    self.ring_traffic.uploads += 1;
                    self.ring_traffic.upload_bytes += bytes;
                    self.ring_traffic.upload_nanos += upload_nanos;
                    self.upload_times.record(upload_nanos);
                    self.ring.arrived(key);
                    self.failures.remove(&key);
                    self.note_gpu(key);
                }
                RingEvent::Refused { key, reason } => self.take_refusal(key, reason, now),
                RingEvent::Evicted { key, cause, .. } => {
                    self.ring_traffic.evictions.add(cause);
                    if cause == EvictionCause::DeviceLost {
                        self.ring.remove(key);
                        self.note_gpu(key);
                    }
                }
            }
        }
        if report.device_lost > self.ring_traffic.device_lost {
            self.pressure.note_failure(Tier::Gpu, Failed::Device, now);
            self.vram_ceiling = None;
        }
        self.ring_traffic.device_lost = report.device_lost;
        if report.idle_bytes != self.idle_textures.bytes() {
            self.ledger.resize(&mut self.idle_textures, report.idle_bytes);
            self.idle_since = now;
        }
        let beside = (report.staging_bytes, report.target_bytes);
        if beside != (self.staging.bytes(), self.targets.bytes()) {
            self.ledger.resize(&mut self.staging, report.staging_bytes);
            self.ledger.resize(&mut self.targets, report.target_bytes);
            self.update_limits();
        }
    }

    fn take_refusal(&mut self, key: FrameKey, reason: Refusal, now: Nanos) {
        self.gpu_traffic.refused += 1;
        self.ring.remove(key);
        let text = match reason {
            Refusal::TooLarge => "the graphics adapter does not take a frame of this size",
            Refusal::OverBudget => "the budget of graphics memory does not hold a frame of this size",
            Refusal::OutOfMemory => {
                self.pressure.note_failure(Tier::Gpu, Failed::Allocation, now);
                if self.lower_vram_ceiling(now) {
                    return self.note_gpu(key);
                }
                "the graphics memory has no room for a single frame"
            }
        };
        self.note_failure(key, DecodeError::not_supported(text), now);
        self.note_gpu(key);
    }

    /// The device has no room: from now on frames take a part of what they took. `false` when none was there that
    /// could make room, so that trying again is of no use.
    fn lower_vram_ceiling(&mut self, now: Nanos) -> bool {
        if self.ring.is_empty() {
            return false;
        }
        let in_frames = self.ledger.charged_component(Tier::Gpu, Component::Frames);
        let ceiling = (in_frames / 100 * VRAM_KEPT_PERCENT).max(in_frames / self.ring.len() as u64);
        self.vram_ceiling = Some(self.vram_ceiling.map_or(ceiling, |before| before.min(ceiling)));
        self.orders.drop_idle = true;
        self.update_limits();
        let left = crate::memory::format_bytes(ceiling);
        self.tell(format!("the graphics memory is full: frames take at most {left} of it from now on"), now);
        true
    }

    fn is_shown_stream(&self, key: FrameKey) -> bool {
        self.key(0).is_some_and(|stream| stream.same_stream(key))
    }

    pub(super) fn note_gpu(&mut self, key: FrameKey) {
        if self.is_shown_stream(key) {
            let status = match self.ring.is_resident(key) {
                true => FrameStatus::Resident,
                false if self.failures.contains_key(&key) => FrameStatus::Error,
                false => FrameStatus::NotLoaded,
            };
            self.residency.set_gpu(key.index, status);
        }
    }

    pub(super) fn note_cpu(&mut self, key: FrameKey) {
        if self.is_shown_stream(key) {
            self.residency.set_cpu(key.index, self.status_of(key));
        }
    }

    fn drain_outcomes(&mut self, now: Nanos) {
        self.count_kept();
        for _ in 0..OUTCOMES_PER_TICK {
            let Some((outcome, in_flight)) = self.preloader.try_outcome() else { return };
            self.needs_plan = true;
            self.take_outcome(outcome, in_flight.charge, now);
        }
    }

    /// What workers and movies keep between frames.
    fn count_kept(&mut self) {
        let (held, of_movies) = (self.preloader.held_bytes(), self.preloader.movie_bytes());
        if (held, of_movies) != (self.scratch.bytes(), self.movies.bytes()) {
            self.ledger.resize(&mut self.scratch, held);
            self.ledger.resize(&mut self.movies, of_movies);
            self.kept_peak = self.kept_peak.max(held + of_movies);
        }
    }

    fn take_outcome(&mut self, outcome: Outcome, charge: Charge, now: Nanos) {
        let Outcome { key, memory, end, nanos, read_nanos } = outcome;
        self.count_decode(nanos, read_nanos);
        let pooled = Pooled { memory, charge };
        match end {
            DecodeEnd::Done(decoded) => {
                // Smaller pictures tell nothing of how long a frame takes.
                if !self.is_proxy(key) {
                    self.decode_times.record(nanos);
                }
                self.admit(key, decoded, pooled, now);
            }
            // A second look that fails leaves what the first one found.
            DecodeEnd::Failed(_) if self.tier.contains(key) => {
                self.pool.give(&mut self.ledger, pooled, now);
                self.decode.error += 1;
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
        let Decoded { layout, missing } = decoded;
        self.failures.remove(&key);
        if missing.is_empty() {
            self.decode.ok += 1
        } else {
            self.decode.degraded += 1
        }
        if !self.is_wanted(key) || !self.is_news(key, &missing) {
            self.decode.stale += 1;
            self.pool.give(&mut self.ledger, pooled, now);
            return;
        }
        let Pooled { memory, mut charge } = pooled;
        self.ledger.relabel(&mut charge, Component::Frames, Some(key.clip));
        let frame = FrameBuffer { layout, memory, missing };
        if self.is_proxy(key) {
            self.scrub.last = Some(key);
        }
        if let Some(evicted) = self.tier.insert(key, frame, charge, now) {
            self.recycle(evicted, now);
        }
    }

    /// Whether a frame of the current stream is used again, or stands in for one that is.
    fn is_wanted(&self, key: FrameKey) -> bool {
        let Some(keep) = self.keep() else { return false };
        let is_shown = self.shown_source() == Some(key) || self.is_proxy(key) && !self.transport.is_playing();
        keep.next_use(key) != NextUse::NEVER || is_shown
    }

    pub(super) fn note_failure(&mut self, key: FrameKey, error: DecodeError, now: Nanos) {
        let attempts = self.failures.get(&key).map_or(0, |failure| failure.attempts);
        let wait = retry_wait(attempts);
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
        let pace = transport.pace;
        transport.pace = self.pace();
        let advance = transport.advance(now, |index| self.is_ready(index));
        transport.pace = pace;
        self.transport = transport;
        self.needs_plan |= advance.moved;
        if advance.ended {
            self.discontinuity();
        }
        if advance.presented {
            self.count_presentation(now, advance.moved);
        }
        advance.presented
    }

    /// The pace that is kept: with room for one frame at a time none would ever come in time, so that
    /// time gives way instead.
    fn pace(&self) -> Pace {
        match self.transport.pace {
            Pace::RealTime if self.pressure.level(Tier::Cpu) >= PressureLevel::Critical => Pace::EveryFrame,
            pace => pace,
        }
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
        self.key(self.clip()?.source_index(index)?)
    }

    /// Playback that shows every frame waits for the next one; where a tier has no room for two, the
    /// next one is let in although the playhead has not come to it.
    fn choose_due(&mut self, now: Nanos) {
        let waits = match self.pace() {
            Pace::RealTime => false,
            Pace::EveryFrame => self.transport.next_due().is_some_and(|due| due <= now),
            Pace::Unpaced => self.transport.next_due().is_some(),
        };
        let next = self.transport.travel.step().filter(|_| waits);
        let due = match next {
            Some((index, _)) => self.source_key(index),
            None => self.shown_source(),
        };
        self.needs_plan |= due != self.due;
        self.due = due;
    }

    /// The key of what belongs on screen.
    pub(super) fn shown_source(&self) -> Option<FrameKey> {
        self.source_key(self.transport.travel.playhead)
    }

    /// Every presentation is a hit or a miss of each tier that it asked.
    fn count_presentation(&mut self, now: Nanos, goes_on: bool) {
        // The first presentation after a rest ends no interval.
        if let Some(last) = self.presented_at.back().filter(|_| goes_on) {
            self.present_intervals.record(u64::try_from(now - last).unwrap_or(0));
        }
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

    /// Failed frames whose time has come are asked for again, in the tier that failed.
    fn retry_failures(&mut self, now: Nanos) {
        let due: Vec<FrameKey> = self
            .failures
            .iter()
            .filter(|(_, failure)| failure.retry_at <= now)
            .map(|(key, _)| *key)
            .filter(|key| {
                self.is_wanted(*key)
                    && self.is_admitted(*key)
                    && !self.preloader.is_in_flight(*key)
                    && !self.ring.holds(*key)
            })
            .take(self.preloader.free_credits())
            .collect();
        for key in due {
            // What the ring refused is decoded already.
            if self.tier.contains(key) {
                self.order_upload(key)
            } else {
                self.issue(key, now)
            };
        }
    }

    /// Requests in flight that the present plan still ranks.
    pub(super) fn wanted_in_flight(&self) -> Vec<FrameKey> {
        let Some(keep) = self.keep() else { return Vec::new() };
        let horizon = self.horizon();
        let is_ranked = |key: &FrameKey| {
            keep.next_use(*key).distance().is_some_and(|distance| horizon.contains(distance))
                || self.shown_source() == Some(*key)
                || self.is_proxy(*key) && !self.transport.is_playing()
        };
        self.preloader.keys().filter(is_ranked).collect()
    }

    fn issue_requests(&mut self, now: Nanos) {
        if self.admit_at.take_if(|at| *at <= now).is_some() {
            self.needs_plan = true;
        }
        self.needs_uploads |= self.needs_plan;
        if !self.needs_plan {
            return;
        }
        let limit = self.preloader.free_credits();
        let due = self.due.filter(|key| self.is_needed(*key));
        if let Some(proxy) = self.awaited_proxy(now) {
            let comes = limit == 0 || self.is_proxy_out();
            // Without memory for it the frame itself is asked for, which may overdraw the budget.
            if comes || self.issue(proxy, now) {
                self.needs_plan = false;
                return;
            }
        }
        if let Some(key) = self.due.filter(|key| self.goes_alone(*key)) {
            self.needs_plan = false;
            if due.is_some() && limit > 0 {
                self.issue(key, now);
            }
            return;
        }
        let keys = self.needed_keys(due, limit).unwrap_or_default();
        self.needs_plan = keys.len() >= limit && !keys.is_empty();
        for key in keys.into_iter().take(limit) {
            if !self.issue(key, now) {
                // An outcome, an eviction, a move or a new limit asks for a plan again.
                self.needs_plan = false;
                break;
            }
        }
    }

    /// What is due, what belongs on screen, and what is used after that; none without a clip.
    fn needed_keys(&self, due: Option<FrameKey>, limit: usize) -> Option<Vec<FrameKey>> {
        let stream = self.key(0)?;
        let shown = self.shown_source().filter(|key| self.is_needed(*key) && due != Some(*key));
        let mut keys: Vec<FrameKey> = due.into_iter().chain(shown).collect();
        let is_needed = |index| self.is_needed(stream.with_index(index));
        for index in next_wanted(&self.travel(), self.horizon(), limit, is_needed) {
            let key = stream.with_index(index);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Some(keys)
    }

    /// Not resident in either tier, not out, not failed, and there is a file.
    fn is_needed(&self, key: FrameKey) -> bool {
        self.residency.cpu(key.index) == FrameStatus::NotLoaded && !self.ring.holds(key)
    }

    /// Whether a frame has all workers to itself: somebody looks for it, and nothing plays. Its neighbours follow when
    /// it is there.
    fn goes_alone(&self, key: FrameKey) -> bool {
        self.preloader.shares_frames()
            && !self.transport.is_playing()
            && (self.is_needed(key) || self.preloader.is_in_flight(key))
    }

    /// Whether a frame is looked for, or is due before one thread is through with it: idle threads may help.
    fn is_urgent(&self, key: FrameKey) -> bool {
        let due_in = || {
            let frames = self.keep()?.next_use(key).distance().filter(|_| self.transport.is_playing())?;
            Some(frames as f64 * 1e9 / (self.transport.rate().as_f64() * self.transport.speed()))
        };
        let decode_nanos = self.decode_times.quantile(0.5) as f64;
        self.due == Some(key)
            || self.proxy() == Some(key)
            || due_in().is_some_and(|nanos| nanos < decode_nanos)
    }

    /// Sends one request; `false` when there is no memory for it now.
    pub(super) fn issue(&mut self, key: FrameKey, now: Nanos) -> bool {
        let is_urgent = self.is_urgent(key);
        let Some(clip) = self.clip() else { return false };
        let Some(place) = clip.place(key.index) else { return true };
        let request = DecodeRequest {
            path: place.path,
            index: place.index,
            planes: Arc::clone(clip.planes()),
            level: key.level,
            helpers: if is_urgent { usize::MAX } else { 0 },
            watch: crate::epoch::EpochWatch::never_stale(),
        };
        let bytes = self.expected_bytes(key);
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

    fn choose_shown_frame(&mut self) {
        self.shown = self.shown_now();
        if let ShownStatus::Exact(_) = self.shown {
            self.scrub.last = None;
        }
        self.on_screen = match &self.shown {
            ShownStatus::Exact(key)
            | ShownStatus::StandIn(key, _)
            | ShownStatus::Held(key)
            | ShownStatus::Proxy(key) => Some(*key),
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
        if let Some(proxy) = self.proxy().filter(|proxy| self.ring.is_resident(*proxy)) {
            return ShownStatus::Proxy(proxy);
        }
        if let Some(last) = self.last_proxy().filter(|last| self.ring.is_resident(*last)) {
            return ShownStatus::Held(last);
        }
        match self.on_screen.filter(|key| self.ring.is_resident(*key)) {
            Some(held) => ShownStatus::Held(held),
            None => ShownStatus::Empty,
        }
    }

    fn expire(&mut self, now: Nanos) {
        self.pool.release_idle(now);
        self.orders.drop_idle |= self.textures_idle_until().is_some_and(|until| until <= now);
        if self.message.as_ref().is_some_and(|(_, until)| *until <= now) {
            self.message = None;
        }
    }

    /// When a failed frame that is wanted is tried again next.
    fn next_retry(&self, now: Nanos) -> Option<Nanos> {
        let keep = self.keep().filter(|_| !self.failures.is_empty())?;
        let shown = self.shown_source();
        let is_wanted = |key: FrameKey| shown == Some(key) || keep.next_use(key) != NextUse::NEVER;
        let later = self.failures.iter().filter(|(_, failure)| failure.retry_at > now);
        later.filter(|(key, _)| is_wanted(**key)).map(|(_, failure)| failure.retry_at).min()
    }

    /// When the textures without a frame go back to the machine.
    fn textures_idle_until(&self) -> Option<Nanos> {
        (self.idle_textures.bytes() > 0).then_some(self.idle_since + IDLE_NANOS)
    }

    fn wake_at(&self, now: Nanos) -> Option<Nanos> {
        let retry = self.next_retry(now);
        let message = self.message.as_ref().map(|(_, until)| *until);
        let recheck = self.recheck.map(|recheck| recheck.at);
        let times = [
            self.transport.next_due(),
            retry,
            recheck,
            message,
            self.pool.idle_until(),
            self.textures_idle_until(),
            self.admit_at,
            self.clip().filter(|clip| clip.has_estimated_length()).map(|_| self.length_at),
            self.pressure.wake_at(),
        ];
        if self.is_shedding() {
            return Some(now + 1);
        }
        // What was due before waits for a worker or the ring, and they ring the bell.
        times.into_iter().flatten().filter(|at| *at > now).min()
    }
}
