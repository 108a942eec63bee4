//! Owns how the window follows the display while it plays: one turn of the loop for each refresh, where the surface
//! waits for them. Where it does not wait, or on a software adapter, timers wake the loop instead.

use winit::window::Window;

use crate::gpu::AdapterKind;
use crate::player::Player;
use crate::time::{Cadence, Nanos};

/// So many turns in a row that came far too soon, and the surface waits for no display.
const HASTY_TURNS: u32 = 4;

/// The display of the window, if there is one to follow.
pub struct Rhythm {
    cadence: Option<Cadence>,
    last: Option<Nanos>,
    hasty: u32,
    /// A frame was presented since the refresh before.
    is_new: bool,
    /// Playback time never runs backwards.
    latest: Nanos,
}

impl Rhythm {
    /// The display that the window lies on. A software adapter draws too slowly to draw at every refresh.
    pub fn of(window: &Window, adapter: AdapterKind) -> Self {
        let monitor = window.current_monitor().filter(|_| adapter != AdapterKind::Cpu);
        let millihertz = monitor.and_then(|monitor| monitor.refresh_rate_millihertz());
        Self::new(millihertz.and_then(Cadence::new))
    }

    fn new(cadence: Option<Cadence>) -> Self {
        Self { cadence, last: None, hasty: 0, is_new: false, latest: 0 }
    }

    pub fn is_followed(&self) -> bool {
        self.cadence.is_some()
    }

    /// The time that playback counts with: while it follows the display, that of the refresh at which a picture drawn
    /// now is shown.
    pub fn playback_time(&mut self, player: &mut Player, is_playing: bool, now: Nanos) -> Nanos {
        let time = match &mut self.cadence {
            Some(cadence) if is_playing => {
                player.follow_display(Some(cadence));
                cadence.shown_at(now)
            }
            Some(cadence) => {
                cadence.forget_phase();
                (self.last, self.hasty) = (None, 0);
                now
            }
            None => now,
        };
        self.latest = self.latest.max(time);
        self.latest
    }

    /// What a tick did.
    pub fn note(&mut self, presented: bool) {
        self.is_new |= presented;
    }

    /// The display took a picture. Surfaces that wait for nothing are found out.
    pub fn refreshed(&mut self, player: &mut Player, now: Nanos) {
        let Some(cadence) = &mut self.cadence else { return };
        let is_hasty = self.last.is_some_and(|last| ((now - last) as f64) < cadence.period_nanos() / 2.0);
        self.hasty = if is_hasty { self.hasty + 1 } else { 0 };
        if self.hasty >= HASTY_TURNS {
            log::info!("the surface does not wait for the display; timers pace playback");
            self.cadence = None;
            player.follow_display(None);
            return;
        }
        self.last = Some(now);
        cadence.observe(now);
        player.note_refresh(std::mem::take(&mut self.is_new));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::{PlayerOptions, Tick};
    use crate::preload::DecodeThreads;

    fn player() -> Player {
        let workers = DecodeThreads::start(
            1,
            std::sync::Arc::new(crate::decode::FileDecoder::default()),
            std::sync::Arc::new(|| {}),
        );
        Player::new(PlayerOptions::default(), Box::new(workers.unwrap()))
    }

    fn tick(rhythm: &mut Rhythm, player: &mut Player, now: Nanos) -> Tick {
        let time = rhythm.playback_time(player, true, now);
        player.tick(time, &Default::default())
    }

    #[test]
    fn time_never_runs_backwards_when_the_display_is_left() {
        let (mut rhythm, mut player) = (Rhythm::new(Cadence::new(60_000)), player());
        let mut latest = 0;
        for refresh in 1..100 {
            let now = refresh * 16_666_667;
            rhythm.refreshed(&mut player, now);
            tick(&mut rhythm, &mut player, now + 1_000_000);
            assert!(rhythm.latest >= latest && rhythm.latest > now);
            latest = rhythm.latest;
        }
        assert_eq!(rhythm.playback_time(&mut player, false, 99 * 16_666_667 + 2), latest);
    }

    #[test]
    fn a_surface_that_does_not_wait_is_left_to_timers() {
        let (mut rhythm, mut player) = (Rhythm::new(Cadence::new(60_000)), player());
        for turn in 0..10 {
            rhythm.refreshed(&mut player, turn * 1_000_000);
        }
        assert!(!rhythm.is_followed());
        assert_eq!(rhythm.playback_time(&mut player, true, 77), 77);
    }
}
