//! Owns the order in which frames are worth keeping, the same for both tiers, and the policies to
//! choose from. Pure.

use std::cmp::Reverse;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::frame::{ClipId, FrameKey};
use crate::stats::FrameClass;
use crate::time::{Nanos, NextUse, Travel};

/// Frames this close behind the playhead count as near.
const NEAR_BEHIND_FRAMES: u64 = 8;

/// Who leaves first among the frames that may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EvictionPolicy {
    /// By class, inside a class the farthest next use, then the least recently used.
    #[default]
    NextUse,
    /// The least recently used, whatever it is.
    Lru,
    /// By class, inside a class the least recently used.
    Priority,
}

impl EvictionPolicy {
    pub const ALL: [Self; 3] = [Self::NextUse, Self::Lru, Self::Priority];

    /// The name that the command line takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NextUse => "next-use",
            Self::Lru => "lru",
            Self::Priority => "priority",
        }
    }

    /// The policy of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// What the clips that are not shown may keep.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Others {
    /// The frames of their guarantees, sorted.
    pub guaranteed: Arc<[FrameKey]>,
    /// Those that hold more than their quota.
    pub over_quota: SmallVec<[ClipId; 4]>,
}

/// How much a frame is worth: the least leaves first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Worth {
    rank: u8,
    next_use: Reverse<NextUse>,
}

impl Worth {
    /// More than any frame that may leave.
    pub const MOST: Self = Self { rank: u8::MAX, next_use: Reverse(NextUse::NOW) };
}

/// What a newcomer may push out: frames worth less than it, and young ones only if it is due sooner.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    pub worth: Worth,
    pub next_use: NextUse,
    /// Frames decoded after this and not shown yet stay, unless the newcomer is due sooner.
    pub young_since: Nanos,
}

impl Claim {
    /// The claim of what is due now, and of a limit that must hold.
    pub const FIRST: Self = Self { worth: Worth::MOST, next_use: NextUse::NOW, young_since: Nanos::MAX };
}

/// What the player shows and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Keep {
    /// Clip, revision, layer and level that are shown; the index does not matter.
    pub stream: FrameKey,
    pub travel: Travel,
    pub policy: EvictionPolicy,
    /// Frames with a next use below this are wanted and «near»; beyond lies «far».
    pub horizon_frames: u64,
    /// Frames with a next use below this belong to the guarantee of the shown clip.
    pub guaranteed_frames: u64,
    pub others: Others,
}

impl Keep {
    /// When a frame is used next; never, when it belongs to another clip, layer or revision.
    pub fn next_use(&self, key: FrameKey) -> NextUse {
        if key.same_stream(self.stream) { self.travel.next_use(key.index) } else { NextUse::NEVER }
    }

    /// Why a frame may leave, or stays while there is room; who is protected the player knows.
    pub fn class(&self, key: FrameKey) -> FrameClass {
        if key.same_stream(self.stream) {
            return self.class_here(key.index, self.travel.next_use(key.index));
        }
        if key.clip == self.stream.clip {
            let is_old = key.revision != self.stream.revision;
            return if is_old { FrameClass::OldRevision } else { FrameClass::Unwanted };
        }
        if self.others.guaranteed.binary_search(&key).is_ok() {
            return FrameClass::Guaranteed;
        }
        let is_over = self.others.over_quota.contains(&key.clip);
        if is_over { FrameClass::Unwanted } else { FrameClass::OtherClip }
    }

    fn class_here(&self, index: u32, next_use: NextUse) -> FrameClass {
        let Some(distance) = next_use.distance() else { return self.class_of_unused(index) };
        let behind = !self.travel.playing && self.travel.is_behind(index);
        match (distance < self.horizon_frames, behind) {
            _ if distance < self.guaranteed_frames => FrameClass::Guaranteed,
            (true, true) => FrameClass::NearBehind,
            (true, false) => FrameClass::NearAhead,
            (false, true) => FrameClass::FarBehind,
            (false, false) => FrameClass::FarAhead,
        }
    }

    /// Frames outside the work area are released first; those behind the playhead of a clip that
    /// plays once may be stepped back to.
    fn class_of_unused(&self, index: u32) -> FrameClass {
        match self.travel.area.contains(index) {
            false => FrameClass::Unwanted,
            true if self.travel.steps_to(index) <= NEAR_BEHIND_FRAMES => FrameClass::NearBehind,
            true => FrameClass::FarBehind,
        }
    }

    /// How much a frame is worth by the policy.
    pub fn worth(&self, key: FrameKey) -> Worth {
        let class = self.class(key);
        let next_use = self.next_use(key);
        match self.policy {
            EvictionPolicy::NextUse => Worth { rank: rank(class), next_use: Reverse(next_use) },
            EvictionPolicy::Priority => Worth { rank: rank(class), next_use: Reverse(NextUse::NEVER) },
            EvictionPolicy::Lru => {
                let rank = u8::from(class >= FrameClass::Guaranteed) * RANK_OF_LRU_CLAIM;
                Worth { rank, next_use: Reverse(NextUse::NEVER) }
            }
        }
    }

    /// What a request for a frame may push out.
    pub fn claim(&self, key: FrameKey, young_since: Nanos) -> Claim {
        let worth = match self.policy {
            EvictionPolicy::Lru => Worth { rank: RANK_OF_LRU_CLAIM, next_use: Reverse(NextUse::NEVER) },
            EvictionPolicy::NextUse | EvictionPolicy::Priority => self.worth(key),
        };
        Claim { worth, next_use: self.next_use(key), young_since }
    }

    /// Whether a frame lies inside the horizon.
    pub fn is_wanted(&self, key: FrameKey) -> bool {
        self.next_use(key).distance().is_some_and(|distance| distance < self.horizon_frames)
    }
}

/// Classes leave in their order.
fn rank(class: FrameClass) -> u8 {
    RANK_OF_LRU_CLAIM + class as u8
}

/// Above every frame that may leave under the LRU policy, below what is guaranteed.
const RANK_OF_LRU_CLAIM: u8 = 1;

/// A frame that may leave.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    pub key: FrameKey,
    pub bytes: u64,
    /// When it was decoded, if it was not shown since.
    pub unshown_since: Option<Nanos>,
    /// The smaller, the longer ago it was used.
    pub used: u64,
}

/// The candidate that is worth least, if a newcomer may push it out; among equals the least recently used.
pub fn least(keep: &Keep, claim: &Claim, candidates: impl Iterator<Item = Candidate>) -> Option<Candidate> {
    let mut best: Option<(Worth, Candidate)> = None;
    for candidate in candidates {
        let worth = keep.worth(candidate.key);
        let is_least = best.is_none_or(|(least, other)| (worth, candidate.used) < (least, other.used));
        if worth < claim.worth && is_least && !is_retained(keep, claim, &candidate) {
            best = Some((worth, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A frame just decoded stays until it was shown, but never against a frame that is due sooner. Whatever the
/// policy, what the plan wants does not make way for what it wants later: it would only be asked for again.
fn is_retained(keep: &Keep, claim: &Claim, candidate: &Candidate) -> bool {
    if claim.worth == Worth::MOST {
        return false;
    }
    let is_young = candidate.unshown_since.is_some_and(|since| since > claim.young_since);
    (is_young || keep.is_wanted(candidate.key)) && claim.next_use >= keep.next_use(candidate.key)
}

/// The candidates that are worth least, until they hold `bytes` together.
pub fn least_of(keep: &Keep, bytes: u64, candidates: impl Iterator<Item = Candidate>) -> Vec<FrameKey> {
    let mut ranked: Vec<(Worth, Candidate)> =
        candidates.map(|candidate| (keep.worth(candidate.key), candidate)).collect();
    ranked.sort_unstable_by_key(|(worth, candidate)| (*worth, candidate.used));
    let mut sum = 0;
    let leaving = ranked.iter().take_while(|(_, candidate)| {
        let goes = sum < bytes;
        sum += candidate.bytes;
        goes
    });
    leaving.map(|(_, candidate)| candidate.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{LayerId, Revision};
    use crate::time::{Direction, LoopMode, PreloadStrategy, WorkArea};
    use proptest::prelude::*;

    fn key(clip: u32, revision: u32, layer: u16, index: u32) -> FrameKey {
        let (clip, revision, layer) = (ClipId(clip), Revision(revision), LayerId(layer));
        FrameKey { clip, revision, layer, level: 0, index }
    }

    fn keep(playhead: u32, playing: bool, loop_mode: LoopMode) -> Keep {
        let area = WorkArea::new(10, 109);
        let (direction, strategy) = (Direction::Forward, PreloadStrategy::Spiral);
        Keep {
            stream: key(1, 1, 0, 0),
            travel: Travel { playhead, direction, loop_mode, area, playing, strategy },
            policy: EvictionPolicy::NextUse,
            horizon_frames: 40,
            guaranteed_frames: 3,
            others: Others {
                guaranteed: Arc::from([key(2, 0, 0, 5)]),
                over_quota: SmallVec::from_slice(&[ClipId(3)]),
            },
        }
    }

    #[test]
    fn every_class_has_its_frames() {
        let keep = keep(50, false, LoopMode::Loop);
        for (key, class) in [
            (key(1, 0, 0, 50), FrameClass::OldRevision),
            (key(1, 1, 2, 50), FrameClass::Unwanted),
            (key(1, 1, 0, 9), FrameClass::Unwanted),
            (key(3, 0, 0, 5), FrameClass::Unwanted),
            (key(1, 1, 0, 20), FrameClass::FarBehind),
            (key(1, 1, 0, 90), FrameClass::FarAhead),
            (key(2, 0, 0, 6), FrameClass::OtherClip),
            (key(1, 1, 0, 45), FrameClass::NearBehind),
            (key(1, 1, 0, 55), FrameClass::NearAhead),
            (key(1, 1, 0, 51), FrameClass::Guaranteed),
            (key(2, 0, 0, 5), FrameClass::Guaranteed),
        ] {
            assert_eq!(keep.class(key), class, "{key:?}");
        }
    }

    #[test]
    fn classes_leave_in_their_order_under_next_use_and_priority() {
        for policy in [EvictionPolicy::NextUse, EvictionPolicy::Priority] {
            let keep = Keep { policy, ..keep(50, false, LoopMode::Loop) };
            let order = [
                key(1, 0, 0, 50),
                key(1, 1, 2, 50),
                key(1, 1, 0, 12),
                key(1, 1, 0, 90),
                key(2, 0, 0, 6),
                key(1, 1, 0, 45),
                key(1, 1, 0, 55),
                key(1, 1, 0, 51),
            ];
            assert!(order.windows(2).all(|pair| keep.worth(pair[0]) < keep.worth(pair[1])), "{policy:?}");
        }
    }

    #[test]
    fn frames_behind_a_clip_that_plays_once_are_near_or_far() {
        let keep = keep(50, true, LoopMode::Once);
        assert_eq!(keep.class(key(1, 1, 0, 45)), FrameClass::NearBehind);
        assert_eq!(keep.class(key(1, 1, 0, 20)), FrameClass::FarBehind);
        assert_eq!(keep.class(key(1, 1, 0, 60)), FrameClass::NearAhead);
    }

    fn candidate(key: FrameKey, unshown_since: Option<Nanos>) -> Candidate {
        Candidate { key, bytes: 10, unshown_since, used: u64::from(key.index) }
    }

    #[test]
    fn a_young_frame_stays_until_shown_unless_the_newcomer_is_due_sooner() {
        let lru = Keep { policy: EvictionPolicy::Lru, ..keep(50, true, LoopMode::Loop) };
        let young = candidate(key(1, 1, 0, 95), Some(100));
        let later = lru.claim(key(1, 1, 0, 99), 50);
        let sooner = lru.claim(key(1, 1, 0, 58), 50);
        assert!(least(&lru, &later, [young].into_iter()).is_none());
        assert!(least(&lru, &sooner, [young].into_iter()).is_some());
        assert!(
            least(&lru, &Claim { young_since: 100, ..later }, [young].into_iter()).is_some(),
            "grown old"
        );
        assert!(least(&lru, &Claim::FIRST, [young].into_iter()).is_some());
        assert!(least(&lru, &later, [candidate(young.key, None)].into_iter()).is_some(), "was shown");
    }

    #[test]
    fn what_is_wanted_does_not_make_way_for_what_is_wanted_later() {
        for policy in EvictionPolicy::ALL {
            let keep = Keep { policy, ..keep(50, true, LoopMode::Loop) };
            let wanted = candidate(key(1, 1, 0, 60), None);
            assert!(least(&keep, &keep.claim(key(1, 1, 0, 70), 0), [wanted].into_iter()).is_none());
            assert!(least(&keep, &Claim::FIRST, [wanted].into_iter()).is_some());
        }
    }

    #[test]
    fn lru_takes_the_first_in_order_and_spares_guarantees() {
        let lru = Keep { policy: EvictionPolicy::Lru, ..keep(50, true, LoopMode::Loop) };
        let keys = [key(1, 1, 0, 51), key(1, 1, 0, 53), key(1, 1, 0, 100)];
        let claim = lru.claim(key(1, 1, 0, 52), 0);
        let found = least(&lru, &claim, keys.into_iter().map(|key| candidate(key, None)));
        assert_eq!(found.map(|found| found.key), Some(keys[1]));
    }

    proptest! {
        #[test]
        fn many_at_once_are_the_same_as_one_after_the_other(
            indices in prop::collection::hash_set(0..120_u32, 0..40),
            playhead in 0..120_u32,
            playing in any::<bool>(),
            policy in 0..3_usize,
            bytes in 0..300_u64,
        ) {
            let keep = Keep { policy: EvictionPolicy::ALL[policy], ..keep(playhead, playing, LoopMode::Loop) };
            let mut left: Vec<Candidate> =
                indices.into_iter().map(|index| candidate(key(1, 1, 0, index), None)).collect();
            let at_once = least_of(&keep, bytes, left.iter().copied());
            let mut one_by_one = Vec::new();
            while (one_by_one.len() * 10) < bytes as usize {
                let Some(next) = least(&keep, &Claim::FIRST, left.iter().copied()) else { break };
                left.retain(|other| other.key != next.key);
                one_by_one.push(next.key);
            }
            prop_assert_eq!(at_once, one_by_one);
        }
    }
}
