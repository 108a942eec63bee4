//! Owns what playback waits for: counted from tick to tick, and from what drawing took. The thread that ticks.

use super::{Pace, Player, Waits};
use crate::stats::{LimitStatus, Pacing, PresentCounters, Waited};
use crate::time::Nanos;

/// The verdict covers one to two of these.
const STRETCH_NANOS: u64 = 1_000_000_000;

/// Sums since the start, and over the last stretches of playback.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Time of the last tick, while playing.
    last: Option<Nanos>,
    /// What drawing took since then: nothing else was waited for meanwhile.
    drawn: u64,
    counted: PresentCounters,
    before: Waited,
    current: Waited,
    whole: Waited,
}

impl Limits {
    fn add(&mut self, more: Waited) {
        self.current = self.current.plus(&more);
        self.whole = self.whole.plus(&more);
        if self.current.playing >= STRETCH_NANOS {
            self.before = std::mem::take(&mut self.current);
        }
    }

    /// Frames that fell behind since the last call.
    fn newly_behind(&mut self, counters: PresentCounters) -> u64 {
        let behind = |counters: &PresentCounters| counters.late + counters.dropped + counters.held;
        behind(&counters) - behind(&std::mem::replace(&mut self.counted, counters))
    }
}

fn nanos(time: Nanos) -> u64 {
    u64::try_from(time).unwrap_or(0)
}

impl Player {
    /// What the time since the last tick went by with; before anything changes in this one.
    pub(super) fn count_waits(&mut self, now: Nanos) {
        let is_playing = self.transport.is_playing();
        let last = std::mem::replace(&mut self.limits.last, is_playing.then_some(now));
        let Some(last) = last.filter(|_| is_playing) else { return };
        let due = self.transport.waits_since(last);
        let drawn = std::mem::take(&mut self.limits.drawn);
        let waited = nanos(now - due.max(last)).saturating_sub(drawn);
        let behind = self.limits.newly_behind(self.transport.counters());
        let mut more = Waited { playing: nanos(now - last), behind, ..Waited::default() };
        match self.waits_for() {
            Waits::Decode => more.decode = waited,
            Waits::Upload => more.upload = waited,
            Waits::Nothing => {}
        }
        self.limits.add(more);
    }

    /// A decode thread took so long for a frame, and so long of it for reading.
    pub(super) fn count_decode(&mut self, decoding: u64, reading: u64) {
        self.limits.add(Waited { decoding, reading, ..Waited::default() });
    }

    /// A presented frame was drawn; it took so long and was done at `now`. Only what is drawn while playing counts.
    pub fn note_drawn(&mut self, took_nanos: u64, now: Nanos) {
        if !self.transport.is_playing() {
            return;
        }
        let began = now - Nanos::from(took_nanos);
        let due = self.transport.waits_since(began);
        let draw = nanos(now - due.max(began));
        self.limits.drawn += draw;
        self.limits.add(Waited { draw, drawing: took_nanos, draws: 1, ..Waited::default() });
    }

    fn pacing(&self) -> Pacing {
        Pacing {
            is_unpaced: self.transport.pace == Pace::Unpaced,
            is_beyond_display: self.transport.is_beyond_display(),
        }
    }

    pub(super) fn limit_status(&self) -> LimitStatus {
        let (recent, whole) = (self.limits.before.plus(&self.limits.current), self.limits.whole);
        let pacing = self.pacing();
        LimitStatus { recent, now: recent.limit(pacing), whole, all_along: whole.limit(pacing) }
    }
}
