//! Owns the second look at a frame of which parts have no data: a renderer may still be writing it.

use super::Player;
use super::tick::retry_wait;
use crate::frame::{Area, EvictionCause, FrameKey};
use crate::time::Nanos;

/// A frame with holes that rests on screen, and when it is read again.
#[derive(Debug, Clone, Copy)]
pub struct Recheck {
    key: FrameKey,
    attempts: u32,
    pub at: Nanos,
}

impl Player {
    /// Asks again for what is on screen with holes, after 1 s, 2 s and so on.
    pub(super) fn recheck_holes(&mut self, now: Nanos) {
        let has_holes = |key: &FrameKey| self.tier.peek(*key).is_some_and(|frame| !frame.is_whole());
        let Some(key) = self.shown_source().filter(has_holes) else { return self.recheck = None };
        let Some(mut recheck) = self.recheck.filter(|recheck| recheck.key == key) else {
            return self.recheck = Some(Recheck { key, attempts: 0, at: now + retry_wait(0) });
        };
        if recheck.at <= now && !self.preloader.is_in_flight(key) && self.preloader.free_credits() > 0 {
            self.issue(key, now);
            recheck.attempts += 1;
            recheck.at = now + retry_wait(recheck.attempts);
        }
        self.recheck = Some(recheck);
    }

    /// Makes way for a second look at a frame in the CPU tier; `false` when it shows nothing new.
    pub(super) fn is_news(&mut self, key: FrameKey, missing: &[Area]) -> bool {
        match self.tier.peek(key) {
            Some(frame) if frame.missing == missing => false,
            Some(_) => {
                self.evict_gpu(key, EvictionCause::Unwanted);
                true
            }
            None => true,
        }
    }
}
