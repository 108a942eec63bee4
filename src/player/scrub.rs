//! Owns the smaller picture that stands in while somebody scrubs, until the frame itself is there.

use super::Player;
use crate::frame::FrameKey;
use crate::time::Nanos;

/// For so long after a move by hand smaller pictures are asked for.
const SCRUB_NANOS: Nanos = 300_000_000;
/// Smaller pictures have at most this share of a frame's samples; one that has more says so and is asked again.
const PROXY_SHARE: usize = 4;

/// When the playhead was moved by hand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scrub {
    until: Option<Nanos>,
}

impl Scrub {
    /// The playhead was moved by hand.
    pub fn note(&mut self, now: Nanos) {
        self.until = Some(now + SCRUB_NANOS);
    }

    fn is_on(self, now: Nanos) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

impl Player {
    /// The smaller picture of what belongs on screen, where there is one and the frame itself is not there.
    pub(super) fn proxy(&self) -> Option<FrameKey> {
        let key =
            self.shown_source().filter(|key| !self.transport.is_playing() && !self.ring.is_resident(*key))?;
        let level = self.clip()?.scrub_level().filter(|level| *level > key.level)?;
        Some(FrameKey { level, ..key })
    }

    /// The smaller picture that is asked for before anything else; it may be out already.
    pub(super) fn awaited_proxy(&self, now: Nanos) -> Option<FrameKey> {
        let proxy = self.proxy().filter(|_| self.scrub.is_on(now))?;
        let is_there =
            self.tier.contains(proxy) || self.ring.holds(proxy) || self.failures.contains_key(&proxy);
        let comes = self.shown_source().is_some_and(|key| self.tier.contains(key) || self.ring.holds(key));
        (!is_there && !comes).then_some(proxy)
    }

    /// Bytes to reserve for a frame of the shown clip at the level of `key`.
    pub(super) fn expected_bytes(&self, key: FrameKey) -> usize {
        let full = self.clip().map_or(0, |clip| clip.frame_bytes());
        let is_proxy = self.key(key.index).is_some_and(|full| key.level > full.level);
        let guess = if is_proxy { full.div_ceil(PROXY_SHARE) } else { full };
        self.known_bytes.get(&key).copied().unwrap_or(guess)
    }
}
