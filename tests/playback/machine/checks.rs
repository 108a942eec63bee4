//! What must hold after every tick. The numbers of the invariants are those of the design notes' list.

use std::sync::mpsc::Receiver;

use rushes::frame::{ClipId, FrameKey, LayerId, Revision};
use rushes::memory::{Component, Tier};
use rushes::player::{Clip, Player, PressureEvent};
use rushes::stage::shown_key;
use rushes::stats::{
    ClipMemory, FrameClass, FrameStatus, MemoryStatus, PressureLevel, Run, ShownStatus, Snapshot,
    TierContents,
};
use rushes::time::{Clock, Nanos};

use super::model::{MOST_TIMES, Model};
use crate::support::clips::FRAME_BYTES;
use crate::support::rig::{CREDITS, Rig, SECOND};

const TIERS: [Tier; 2] = [Tier::Cpu, Tier::Gpu];
/// What no clip is charged for, beside what is kept for reuse.
const BESIDE: [Component; 4] =
    [Component::Staging, Component::Scratch, Component::Movies, Component::Targets];
/// What the overdraft slot may hold.
const LARGEST_BYTES: u64 = MOST_TIMES as u64 * FRAME_BYTES;
/// On screen, belonging there and waited for.
const PROTECTED_FRAMES: u64 = 3;
const UPLOADS_IN_FLIGHT: u64 = 2;
const DWELL_NANOS: Nanos = 5 * SECOND;

/// What one tier had after the last tick.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    charged_bytes: u64,
    /// Of it, what the player can neither refuse nor evict.
    beside_bytes: u64,
    level: PressureLevel,
    level_at: Option<Nanos>,
    alerts: [u64; PressureLevel::ALL.len()],
    alert_at: [Option<Nanos>; PressureLevel::ALL.len()],
}

/// What was seen so far.
pub struct Checks {
    events: Receiver<PressureEvent>,
    counters: Vec<u64>,
    tiers: [Before; 2],
    /// Clips opened so far have the identities 1 to this.
    newest_clip: u32,
    pub clip_cap_bytes: Option<u64>,
    on_screen: Option<OnScreen>,
}

/// What the last tick put on screen, and the devices that were lost until then.
#[derive(Debug, Clone, Copy)]
struct OnScreen {
    key: FrameKey,
    device_lost: u64,
    /// A second look at it may replace it.
    has_holes: bool,
}

impl Checks {
    pub fn new(rig: &mut Rig) -> Self {
        let events = rig.player.subscribe_pressure();
        let counters = counters(&rig.player.snapshot());
        Self {
            events,
            counters,
            tiers: Default::default(),
            newest_clip: 0,
            clip_cap_bytes: None,
            on_screen: None,
        }
    }

    /// Everything that needs no model.
    pub fn after_tick(&mut self, rig: &mut Rig) {
        let newest = rig.player.clips().iter().map(|clip| clip.id.0).max();
        self.newest_clip = self.newest_clip.max(newest.unwrap_or(0));
        let status = rig.player.memory_status();
        self.limits_hold(rig);
        self.caps_hold(rig);
        self.sums_add_up(rig);
        status_is_the_ledgers(&rig.player, &status);
        self.levels_move_as_the_table_says(rig);
        self.alerts_are_rare(rig, &status);
        nothing_old_is_left(rig, &status);
        self.the_picture_stays(rig);
        self.counters_only_grow(&rig.player.snapshot());
        assert!(rig.player.in_flight() <= CREDITS, "I17");
        assert_eq!(rig.player.in_flight(), rig.pool.in_flight().0, "I17");
        assert!(rig.last.wake_at.is_none_or(|at| at > rig.clock.now()), "a wake-up in the past");
        assert!(!rig.last.presented || rig.last.shown != ShownStatus::Empty, "nothing was presented");
    }

    /// I1: what is charged is inside the limit but for one overdraft frame. Where the limit fell or what lies
    /// beside the frames grew, it is above it by what cannot leave at once, and only shrinks.
    fn limits_hold(&mut self, rig: &Rig) {
        let ledger = rig.player.ledger();
        for tier in TIERS {
            let bytes_of = |component| ledger.charged_component(tier, component);
            let beside_bytes: u64 =
                BESIDE.into_iter().map(bytes_of).sum::<u64>() + bytes_of(Component::Metadata);
            // Idle textures make way inside the ring.
            let slack = if tier == Tier::Gpu { bytes_of(Component::PoolSlack) } else { 0 };
            let charged_bytes = ledger.charged(tier) - slack;
            let held_up = match tier {
                Tier::Cpu => bytes_of(Component::InFlight) + rig.ring.read_bytes(),
                Tier::Gpu => rig.ring.read_bytes(),
            };
            let pinned = beside_bytes + held_up + PROTECTED_FRAMES * LARGEST_BYTES;
            let before = &mut self.tiers[tier as usize];
            let grown = beside_bytes.saturating_sub(before.beside_bytes);
            let limit = ledger.limit(tier);
            assert!(
                charged_bytes <= limit.max(pinned) + LARGEST_BYTES,
                "I1: {tier:?} keeps {charged_bytes} of {limit}"
            );
            let most = (limit.max(beside_bytes) + LARGEST_BYTES).max(before.charged_bytes + grown);
            assert!(charged_bytes <= most, "I1: {tier:?} grew to {charged_bytes} of {limit}");
            (before.charged_bytes, before.beside_bytes) = (charged_bytes, beside_bytes);
        }
    }

    /// I9: no clip has more than its cap but for what cannot leave and what is waited for.
    fn caps_hold(&self, rig: &Rig) {
        let Some(cap) = self.clip_cap_bytes else { return };
        let ledger = rig.player.ledger();
        for clip in rig.player.clips() {
            let bytes_of = |component| ledger.charged_clip_component(Tier::Cpu, component, clip.id);
            let held_up =
                bytes_of(Component::InFlight) + bytes_of(Component::Metadata) + rig.ring.read_bytes();
            let most = cap.max(held_up + PROTECTED_FRAMES * LARGEST_BYTES) + LARGEST_BYTES;
            let charged = ledger.charged_clip(Tier::Cpu, clip.id);
            assert!(charged <= most, "I9: {:?} has {charged} of {cap}", clip.id);
        }
    }

    /// I2: the sums over components and over clips are the total, and the total is what is there.
    fn sums_add_up(&self, rig: &Rig) {
        let ledger = rig.player.ledger();
        for tally in rig.player.tallies() {
            assert_eq!(tally.charged_bytes, tally.present_bytes, "I2: {}", tally.component);
        }
        for tier in TIERS {
            let bytes_of = |component| ledger.charged_component(tier, component);
            let sum: u64 = Component::ALL.into_iter().map(bytes_of).sum();
            assert_eq!(sum, ledger.charged(tier), "I2");
            let of_clips: u64 = (1..=self.newest_clip).map(|id| ledger.charged_clip(tier, ClipId(id))).sum();
            assert_eq!(
                of_clips + BESIDE.into_iter().map(bytes_of).sum::<u64>() + bytes_of(Component::PoolSlack),
                sum,
                "I2: {tier:?} by clip"
            );
        }
        let books: u64 = rig.player.clips().iter().map(Clip::books_bytes).sum();
        let there = [
            (Tier::Cpu, Component::InFlight, rig.pool.in_flight().1),
            (Tier::Cpu, Component::Metadata, books),
            (Tier::Gpu, Component::Frames, rig.ring.told_bytes()),
            (Tier::Gpu, Component::Staging, rig.ring.staging_bytes),
            (Tier::Gpu, Component::Targets, rig.ring.target_bytes),
        ];
        for (tier, component, bytes) in there {
            assert_eq!(ledger.charged_component(tier, component), bytes, "I2: {tier:?} {component:?}");
        }
    }

    /// I10: up at once to any level, down one level at a time and not before it was held for 5 s.
    fn levels_move_as_the_table_says(&mut self, rig: &Rig) {
        for event in self.events.try_iter() {
            let PressureEvent::Level { tier, transition } = event else { continue };
            let before = &mut self.tiers[tier as usize];
            let (from, to, at) = (transition.from, transition.to, transition.at);
            assert_eq!(from, before.level, "I10: a change that nobody was told of");
            if to < from {
                assert_eq!(from as u8 - to as u8, 1, "I10: {from:?} to {to:?}");
                assert!(before.level_at.is_some_and(|entered| at - entered >= DWELL_NANOS), "I10: too early");
            }
            assert!(to != from && at == rig.clock.now(), "I10: {event:?}");
            (before.level, before.level_at) = (to, Some(at));
        }
        for tier in TIERS {
            assert_eq!(rig.player.pressure_level(tier), self.tiers[tier as usize].level, "I10");
        }
    }

    /// I14: at most one alert a minute and level.
    fn alerts_are_rare(&mut self, rig: &Rig, status: &MemoryStatus) {
        let now = rig.clock.now();
        for (tier, pressure) in TIERS.into_iter().zip([&status.cpu_pressure, &status.gpu_pressure]) {
            let before = &mut self.tiers[tier as usize];
            for (level, count) in pressure.alerts.into_iter().enumerate() {
                if count > before.alerts[level] {
                    assert_eq!(count, before.alerts[level] + 1, "I14");
                    let is_rare = before.alert_at[level].is_none_or(|at| now - at >= 60 * SECOND);
                    assert!(is_rare, "I14: level {level} of {tier:?}");
                    before.alert_at[level] = Some(now);
                }
            }
            before.alerts = pressure.alerts;
        }
    }

    /// I4: what is on screen stays until something else is there, where VRAM has room for more than what is due.
    fn the_picture_stays(&mut self, rig: &mut Rig) {
        let Snapshot { device_lost, missing_rows, .. } = rig.player.snapshot();
        let may_go = |before: &OnScreen| before.has_holes || before.device_lost != device_lost;
        let ledger = rig.player.ledger();
        let beside =
            [Component::Staging, Component::Targets].map(|of| ledger.charged_component(Tier::Gpu, of));
        let room = ledger.limit(Tier::Gpu) - beside.into_iter().sum::<u64>();
        let has_room = room >= (PROTECTED_FRAMES + UPLOADS_IN_FLIGHT) * LARGEST_BYTES;
        if let Some(before) = self.on_screen.filter(|before| has_room && !may_go(before)) {
            let is_current = |clip: &Clip| (clip.id, clip.revision) == (before.key.clip, before.key.revision);
            let is_open = rig.player.clips().iter().any(is_current);
            assert!(!is_open || rig.last.shown != ShownStatus::Empty, "I4: {:?} left the screen", before.key);
        }
        let has_holes = missing_rows > 0;
        self.on_screen = shown_key(&rig.last.shown).map(|key| OnScreen { key, device_lost, has_holes });
    }

    /// I16.
    fn counters_only_grow(&mut self, snapshot: &Snapshot) {
        let now = counters(snapshot);
        let place = self.counters.iter().zip(&now).position(|(before, now)| now < before);
        assert_eq!(place, None, "I16: {:?} became {now:?}", self.counters);
        self.counters = now;
        let cpu = &snapshot.cpu;
        assert!(cpu.resident_frames + cpu.evictions.total() <= cpu.inserts, "I16: {cpu:?}");
    }

    /// Clips, playhead, work area and layer, and I6: what is shown is of the stream that is shown.
    pub fn is_where_the_model_is(&self, rig: &Rig, model: &Model) {
        let player = &rig.player;
        let streams = |clip: &Clip| (clip.id, clip.revision, clip.layer);
        let found: Vec<_> = player.clips().iter().map(streams).collect();
        let wanted: Vec<_> =
            model.clips.iter().map(|clip| (clip.id, Revision(clip.revision), clip.layer)).collect();
        assert_eq!(found, wanted);
        let Some(clip) = model.clip() else {
            return assert_eq!(rig.last.shown, ShownStatus::Empty, "nothing is open");
        };
        assert_eq!(player.clip().map(|clip| clip.id), Some(clip.id));
        let travel = &player.transport().travel;
        assert!(
            model.playhead.is_none_or(|at| at == travel.playhead),
            "{:?} {}",
            model.playhead,
            travel.playhead
        );
        assert!(travel.playhead <= clip.last() && travel.area.last() <= clip.last());
        let area = (travel.area.first(), travel.area.last());
        assert!(model.area.is_none_or(|wanted| wanted == area), "{:?} {area:?}", model.area);
        assert!(model.playing.is_none_or(|wanted| wanted == travel.playing), "{:?}", model.playing);
        let source = clip.source(travel.playhead);
        let stands_in = source != travel.playhead;
        match &rig.last.shown {
            ShownStatus::Exact(key) => {
                assert!(!stands_in && *key == shown_stream(model, source), "I6: {key:?}")
            }
            ShownStatus::StandIn(key, _) => {
                assert!(stands_in && *key == shown_stream(model, source), "I6: {key:?}")
            }
            ShownStatus::Proxy(key) => {
                assert!(
                    key.level > 0 && FrameKey { level: 0, ..*key } == shown_stream(model, source),
                    "I6: {key:?}"
                );
            }
            ShownStatus::Slate(_) => assert!(player.failure(source).is_some(), "I4: a slate for nothing"),
            ShownStatus::Held(_) | ShownStatus::Empty => {}
            ShownStatus::Black => panic!("no clip has black frames"),
        }
        self.is_of_no_old_revision(rig, model);
    }

    /// I13: from the tick that reloaded a clip on, nothing of it as it was before is shown or held.
    fn is_of_no_old_revision(&self, rig: &Rig, model: &Model) {
        let shown = shown_key(&rig.last.shown);
        for key in rig.ring.keys().chain(shown) {
            let clip = model.clips.iter().find(|clip| clip.id == key.clip);
            assert_eq!(clip.map(|clip| clip.revision), Some(key.revision.0), "I13: {key:?}");
        }
    }

    /// What rests is on screen as itself, or by what stands in for it.
    pub fn shows_what_belongs_there(&self, rig: &Rig, model: &Model) {
        let Some(clip) = model.clip() else { return };
        let playhead = rig.playhead();
        let key = shown_stream(model, clip.source(playhead));
        let is_there = match &rig.last.shown {
            ShownStatus::Exact(shown) => *shown == key && key.index == playhead,
            ShownStatus::StandIn(shown, _) => *shown == key && key.index != playhead,
            _ => false,
        };
        assert!(is_there, "{key:?} does not come; shown is {:?}", rig.last.shown);
    }

    pub fn is_calm_and_full(&self, rig: &mut Rig) {
        for tier in TIERS {
            let level = rig.player.pressure_level(tier);
            assert_eq!(level, PressureLevel::None, "{:?}", rig.player.memory_status());
        }
        let timeline = rig.player.snapshot().timeline;
        let area = rig.player.transport().travel.area;
        let lanes = statuses(&timeline.cpu).into_iter().zip(statuses(&timeline.gpu)).enumerate();
        for (index, lanes) in lanes.filter(|(index, _)| area.contains(*index as u32)) {
            let has_file = rig.player.clip().is_some_and(|clip| clip.path(index as u32).is_some());
            let is_there = [lanes.0, lanes.1].contains(&FrameStatus::Resident);
            assert!(is_there || !has_file, "{index} is not loaded: {lanes:?}");
        }
    }

    /// I3.
    pub fn is_empty(&self, rig: &mut Rig) {
        assert_eq!((rig.charged(Tier::Cpu), rig.charged(Tier::Gpu)), (0, 0), "I3");
        assert_eq!((rig.player.in_flight(), rig.ring.held_bytes()), (0, 0), "I3");
        assert_eq!(rig.player.snapshot().cpu.resident_frames, 0, "I3");
    }
}

/// A lane frame by frame.
fn statuses(lane: &[Run]) -> Vec<FrameStatus> {
    lane.iter().flat_map(|run| vec![run.status; run.frames as usize]).collect()
}

/// The key of a frame of the clip and layer that the model shows.
fn shown_stream(model: &Model, index: u32) -> FrameKey {
    let clip = model.clip().expect("a clip is shown");
    let (revision, layer) = (Revision(clip.revision), LayerId(clip.layer as u16));
    FrameKey { clip: clip.id, revision, layer, level: 0, index }
}

/// The memory part of the Snapshot says what the ledger says, and classes add up to the frames.
fn status_is_the_ledgers(player: &Player, status: &MemoryStatus) {
    let ledger = player.ledger();
    let contents: [(Tier, &TierContents); 2] = [(Tier::Cpu, &status.cpu), (Tier::Gpu, &status.gpu)];
    for (tier, contents) in contents {
        let by_component =
            Component::ALL.map(|component| (component.name(), ledger.charged_component(tier, component)));
        assert_eq!(contents.by_component, by_component, "I16");
        let classes: u64 = contents.by_class.iter().map(|sum| sum.bytes).sum();
        assert_eq!(classes, ledger.charged_component(tier, Component::Frames), "I16: {tier:?} by class");
    }
    let limit = ledger.limit(Tier::Cpu);
    let sum = |of: &dyn Fn(&ClipMemory) -> u64| status.clips.iter().map(of).sum::<u64>();
    assert!(sum(&|clip| clip.quota_bytes) <= limit, "I9");
    assert!(sum(&|clip| clip.guarantee_bytes) <= limit / 2, "I9");
    assert_eq!(status.leaks.mismatches, 0, "{:?}", status.leaks.last_mismatch);
}

/// I13, as the classes tell it: no frame of an old revision stays in either tier.
fn nothing_old_is_left(rig: &Rig, status: &MemoryStatus) {
    for contents in [&status.cpu, &status.gpu] {
        assert_eq!(contents.by_class[FrameClass::OldRevision as usize].frames, 0, "I13");
    }
    let shown = shown_key(&rig.last.shown);
    assert!(shown.is_none_or(|key| rig.ring.is_resident(key)), "I4: {shown:?} is shown and is not there");
}

fn counters(snapshot: &Snapshot) -> Vec<u64> {
    let Snapshot { decode, present, cpu, gpu, .. } = snapshot;
    let mut counters = vec![
        snapshot.tick,
        snapshot.epoch,
        snapshot.uploads,
        snapshot.upload_bytes,
        snapshot.upload_nanos,
        snapshot.device_lost,
        snapshot.timeline.revision,
        decode.requested,
        decode.ok,
        decode.degraded,
        decode.error,
        decode.stale,
        decode.cancelled,
        decode.refused,
        present.presented,
        present.late,
        present.dropped,
        present.held,
        present.loops,
    ];
    for tier in [cpu, gpu] {
        counters.extend([tier.hits, tier.misses, tier.inserts, tier.refused, tier.charged_peak_bytes]);
        counters.extend(tier.evictions.iter().map(|(_, count)| count));
    }
    counters
}
