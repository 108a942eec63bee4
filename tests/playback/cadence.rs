//! A display that refreshes at its own rate: in which pattern frames are repeated, and what counts as late or dropped.

use rushes::player::{ClipOptions, Command, Pace};
use rushes::time::{Cadence, Nanos, Rate};

use crate::support::clips;
use crate::support::rig::{Rig, SECOND};

struct Show {
    rig: Rig,
    display: Cadence,
    /// Refreshes a second, as a fraction.
    hertz: (u32, u32),
    refresh: i128,
    /// Frames in the order in which they came, and for how many refreshes each was shown.
    shown: Vec<(u32, u32)>,
}

impl Show {
    fn new(frames: u32, fps: Rate, hertz: (u32, u32)) -> Self {
        let room = u64::from(frames) + 2;
        let mut rig = Rig::empty(room, room);
        let options = ClipOptions { rate: Some(fps), ..ClipOptions::default() };
        rig.add(|id| clips::numbered(id, 1..=i64::from(frames), &options));
        rig.settle();
        let display = Cadence::new(hertz.0 * 1000 / hertz.1).expect("a display");
        Self { rig, display, hertz, refresh: 0, shown: Vec::new() }
    }

    fn refreshed_at(&self, refresh: i128) -> Nanos {
        refresh * SECOND * i128::from(self.hertz.1) / i128::from(self.hertz.0)
    }

    /// Lets the display refresh so many times; the player is asked once for each.
    fn refresh(&mut self, times: u32) {
        for _ in 0..times {
            let gap = self.refreshed_at(self.refresh + 1) - self.refreshed_at(self.refresh);
            self.refresh += 1;
            self.display.observe(self.refreshed_at(self.refresh));
            self.rig.player.follow_display(Some(&self.display));
            self.rig.tick_after(gap);
            let is_new = self.rig.last.presented;
            self.rig.player.note_refresh(is_new);
            if !self.rig.player.transport().is_playing() {
                continue;
            }
            match self.shown.last_mut() {
                Some((_, count)) if !is_new => *count += 1,
                _ => self.shown.push((self.rig.playhead(), 1)),
            }
        }
    }

    fn play(&mut self, seconds: u32) {
        // The display is watched before anything plays.
        self.refresh(60);
        self.rig.command(Command::Play);
        self.refresh(seconds * self.hertz.0 / self.hertz.1);
    }

    /// Refreshes of every frame but the first and the last.
    fn repeats(&self) -> Vec<u32> {
        self.shown[1..self.shown.len() - 1].iter().map(|(_, count)| *count).collect()
    }
}

fn rate(num: u32, den: u32) -> Rate {
    Rate::new(num, den).expect("a rate")
}

fn assert_pattern(fps: Rate, hertz: (u32, u32), pattern: &[u32]) {
    for pace in [Pace::EveryFrame, Pace::RealTime] {
        let mut show = Show::new(48, fps, hertz);
        show.rig.player.set_pace(pace);
        show.play(20);
        let repeats = show.repeats();
        let fits = (0..pattern.len())
            .any(|turn| repeats.iter().enumerate().all(|(at, n)| *n == pattern[(at + turn) % pattern.len()]));
        assert!(fits, "{fps} on {hertz:?}, {pace:?}: {:?}", &repeats[..20]);
        let counters = show.rig.player.transport().counters();
        assert_eq!(
            (counters.late, counters.dropped, counters.held),
            (0, 0, 0),
            "{fps} on {hertz:?}, {pace:?}"
        );
        let expected: u64 = show.shown.iter().map(|(_, count)| u64::from(*count) - 1).sum();
        assert_eq!(counters.repeated, expected);
        assert!(show.shown.windows(2).all(|pair| pair[1].0 == (pair[0].0 + 1) % 48), "a frame is missing");
    }
}

#[test]
fn frames_are_repeated_in_a_steady_pattern() {
    assert_pattern(rate(24, 1), (60, 1), &[2, 3]);
    assert_pattern(rate(24_000, 1001), (60_000, 1001), &[2, 3]);
    assert_pattern(rate(25, 1), (60, 1), &[2, 3, 2, 3, 2]);
    assert_pattern(rate(30, 1), (60, 1), &[2]);
    assert_pattern(rate(48, 1), (144, 1), &[3]);
    assert_pattern(rate(24, 1), (24, 1), &[1]);
}

#[test]
fn more_frames_than_refreshes_are_dropped_in_real_time_and_late_otherwise() {
    let mut show = Show::new(48, rate(48, 1), (24, 1));
    show.rig.player.set_pace(Pace::RealTime);
    show.play(10);
    let counters = show.rig.player.transport().counters();
    assert!((238..=242).contains(&counters.dropped), "{counters:?}");
    assert_eq!(counters.late, 0);
    let mut show = Show::new(48, rate(48, 1), (24, 1));
    show.play(10);
    let counters = show.rig.player.transport().counters();
    assert_eq!(counters.dropped, 0);
    assert!(counters.late > 200, "{counters:?}");
}

#[test]
fn counters_survive_scrubs_loops_and_pauses() {
    let mut show = Show::new(12, rate(24, 1), (60, 1));
    show.play(2);
    let before = show.rig.player.transport().counters();
    assert!(before.loops >= 3 && before.repeated > 60, "{before:?}");
    show.rig.command(Command::Pause);
    show.refresh(60);
    show.rig.command(Command::Seek(3));
    show.refresh(60);
    assert_eq!(show.rig.player.transport().counters().repeated, before.repeated);
    show.rig.command(Command::Play);
    show.refresh(60);
    let after = show.rig.player.transport().counters();
    assert!(after.presented > before.presented + 20 && after.repeated > before.repeated + 30, "{after:?}");
}
