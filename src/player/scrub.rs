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
    /// The smaller picture that came last: shown, even of a frame that the playhead has left, until a whole one is.
    pub(super) last: Option<FrameKey>,
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

    /// Whether a key is that of a smaller picture of the shown clip and layer.
    pub(super) fn is_proxy(&self, key: FrameKey) -> bool {
        let is_smaller =
            |full: FrameKey| key.level > full.level && FrameKey { level: full.level, ..key } == full;
        self.key(key.index).is_some_and(is_smaller)
    }

    /// Whether a smaller picture is out. It comes home even if the playhead goes on, and the next one is asked for
    /// then: a hand is faster than a decoder, and would cancel one after the other.
    pub(super) fn is_proxy_out(&self) -> bool {
        self.preloader.keys().any(|key| self.is_proxy(key))
    }

    /// The smaller picture that came last, while the frames themselves are not there.
    pub(super) fn last_proxy(&self) -> Option<FrameKey> {
        self.scrub.last.filter(|key| self.is_proxy(*key) && !self.transport.is_playing())
    }

    /// Bytes to reserve for a frame of the shown clip at the level of `key`.
    pub(super) fn expected_bytes(&self, key: FrameKey) -> usize {
        let full = self.clip().map_or(0, |clip| clip.frame_bytes());
        let is_proxy = self.key(key.index).is_some_and(|full| key.level > full.level);
        let guess = if is_proxy { full.div_ceil(PROXY_SHARE) } else { full };
        self.known_bytes.get(&key).copied().unwrap_or(guess)
    }
}
