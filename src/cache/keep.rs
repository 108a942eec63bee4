//! Owns the order in which frames are worth keeping, the same for both tiers. Pure.

use crate::frame::FrameKey;
use crate::time::{NextUse, Travel};

/// What the player shows and where it goes: the farthest next use leaves first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keep {
    /// Clip, revision, layer and level that are shown; the index does not matter.
    pub stream: FrameKey,
    pub travel: Travel,
}

impl Keep {
    /// When a frame is used next; never, when it belongs to another clip, layer or revision.
    pub fn next_use(&self, key: FrameKey) -> NextUse {
        if key.same_stream(self.stream) { self.travel.next_use(key.index) } else { NextUse::NEVER }
    }
}

/// The candidate with the farthest next use beyond `beyond`; among equals the first in the order of
/// iteration, which is the least recently used.
pub fn farthest(
    keep: &Keep,
    beyond: NextUse,
    candidates: impl Iterator<Item = FrameKey>,
) -> Option<FrameKey> {
    let mut best: Option<(NextUse, FrameKey)> = None;
    for key in candidates {
        let next_use = keep.next_use(key);
        if next_use > beyond && best.is_none_or(|(farthest, _)| next_use > farthest) {
            best = Some((next_use, key));
        }
    }
    best.map(|(_, key)| key)
}
