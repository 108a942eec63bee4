//! Owns the playhead and its motion: every-frame and real-time pace by the times of the frames, loop
//! modes, shuttle speeds, and the counters of what was presented, late, dropped and held. Pure: time
//! and readiness are arguments.

use crate::stats::PresentCounters;
use crate::time::{
    Cadence, Direction, FrameTimes, Grid, LoopMode, Nanos, PreloadStrategy, Rate, Repeats, SHORTEST_NANOS,
    Travel, WorkArea,
};

/// What gives way when a frame is not ready in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    /// Time gives way: every frame is shown, late ones are counted.
    #[default]
    EveryFrame,
    /// Frames give way: the clock goes on, dropped ones are counted.
    RealTime,
    /// Every frame as soon as it is ready; for benchmarks.
    Unpaced,
}

/// The shuttle doubles up to this many times the clip's rate.
const MAX_SPEED: u32 = 8;
/// A display is slower than the frames when it lacks more than one refresh in a thousand.
const DRIFT: f64 = 1.001;
/// More steps than this at once (a suspended machine) are counted as dropped without walking.
const MAX_STEPS: usize = 100_000;
/// Where frames last unequally long, a burst of them may fall so far behind before time gives way: a display shows one
/// at a refresh, and the longer ones that follow make up for it.
const BURST_NANOS: Nanos = 80_000_000;

/// What one advance did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Advance {
    /// The playhead stands elsewhere than before.
    pub moved: bool,
    /// The frame at the playhead is presented now for the first time since the playhead came to it.
    pub presented: bool,
    /// Playback came to its end and stopped.
    pub ended: bool,
}

/// Playback from one moment at which its time began to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// Moves with every start, jump, and late frame after which time began anew.
    pub number: u64,
    /// Time began anew because a frame was late.
    pub is_late: bool,
    /// When the frame at the playhead of `travel` was due.
    pub anchor: Nanos,
    pub travel: Travel,
    /// Frames a second with the shuttle's speed.
    pub rate: Rate,
}

/// The playhead and how it moves.
#[derive(Debug, Clone)]
pub struct Transport {
    pub travel: Travel,
    pub pace: Pace,
    times: FrameTimes,
    speed: u32,
    /// Due times since playback started or was thrown off its time, up to the frame at the playhead; none until the
    /// first frame is ready.
    grid: Option<Grid>,
    /// A frame that is due already waits until then: the one before it was just presented.
    not_before: Nanos,
    /// Times that the grid began, the frame at which it did, and whether that was late.
    runs: u64,
    began_at: u32,
    began_towards: Direction,
    began_late: bool,
    /// How long before its due time a frame may be presented: a display shows it at its nearest refresh.
    early: Nanos,
    /// Time between two refreshes of the display that is followed.
    refresh_nanos: Option<f64>,
    /// The frame at the playhead was due and is not presented yet.
    is_awaited: bool,
    counters: PresentCounters,
    repeats: Repeats,
}

impl Transport {
    pub fn new(frames: u32, rate: Rate) -> Self {
        Self {
            travel: Travel {
                playhead: 0,
                direction: Direction::Forward,
                loop_mode: LoopMode::Loop,
                area: WorkArea::new(0, frames.max(1) - 1),
                playing: false,
                strategy: PreloadStrategy::default(),
            },
            pace: Pace::EveryFrame,
            times: rate.into(),
            speed: 1,
            grid: None,
            not_before: Nanos::MIN,
            runs: 0,
            began_at: 0,
            began_towards: Direction::Forward,
            began_late: false,
            early: 0,
            refresh_nanos: None,
            is_awaited: false,
            counters: PresentCounters::default(),
            repeats: Repeats::default(),
        }
    }

    /// Another clip: the playhead and work area start over, counters and modes stay.
    pub fn set_clip(&mut self, frames: u32, times: FrameTimes) {
        self.times = times;
        self.travel.area = WorkArea::new(0, frames.max(1) - 1);
        self.travel.playhead = 0;
        self.grid = None;
    }

    /// The frames of the clip have other times than was known: the one at the playhead began when it did, and those that
    /// follow come at their own times.
    pub fn set_times(&mut self, times: FrameTimes) {
        if times != self.times {
            self.times = times;
            self.rebase();
        }
    }

    /// Frames a second, on average where they last unequally long.
    pub fn rate(&self) -> Rate {
        self.times.rate()
    }

    /// Whether frames last unequally long.
    pub fn is_variable(&self) -> bool {
        self.times.is_variable()
    }

    pub fn speed(&self) -> f64 {
        f64::from(self.speed)
    }

    /// The display at whose refreshes frames are shown; none where timers pace.
    pub fn follow(&mut self, display: Option<&Cadence>) {
        self.early = display.map_or(0, Cadence::early_nanos);
        self.refresh_nanos = display.map(Cadence::period_nanos);
    }

    /// Whether frames are due more often than the display refreshes, by more than the two may drift apart. On average: what
    /// a burst of short frames lacks, the longer ones that follow give back.
    pub fn is_beyond_display(&self) -> bool {
        self.refresh_nanos.is_some_and(|refresh| self.interval_nanos() as f64 * DRIFT < refresh)
    }

    /// Time between two frames with the shuttle's speed, on average.
    pub fn interval_nanos(&self) -> u64 {
        (1e9 / self.effective_rate().as_f64()) as u64
    }

    /// The frame that playback waits for: the one at the playhead, while it was not shown, else the next.
    pub fn awaited(&self) -> Option<u32> {
        match self.is_awaited {
            true => Some(self.travel.playhead),
            false => self.travel.step().map(|(index, _)| index),
        }
    }

    /// Since when the frame is waited for that comes next, at the earliest `from`; later than now when it is not due.
    pub fn waits_since(&self, from: Nanos) -> Nanos {
        match self.next_due() {
            Some(due) if !self.is_awaited && self.pace != Pace::Unpaced => due.max(from),
            _ => from,
        }
    }

    pub fn counters(&self) -> PresentCounters {
        PresentCounters { repeated: self.repeats.repeated, ..self.counters }
    }

    /// For how many refreshes of the display frames were shown.
    pub fn repeats(&self) -> Repeats {
        self.repeats
    }

    /// A display refreshed, with a frame presented since the refresh before or with the same again.
    pub fn note_refresh(&mut self, is_new: bool) {
        match self.travel.playing {
            true => self.repeats.note(is_new),
            false => self.repeats.pause(),
        }
    }

    pub fn is_playing(&self) -> bool {
        self.travel.playing
    }

    /// The rate at which frames come with the shuttle's speed.
    fn effective_rate(&self) -> Rate {
        self.rate_at(self.speed).unwrap_or(self.rate())
    }

    /// The shuttle's speed, where frames can come so fast.
    fn effective_speed(&self) -> u32 {
        self.rate_at(self.speed).map_or(1, |_| self.speed)
    }

    fn rate_at(&self, speed: u32) -> Option<Rate> {
        Rate::new(self.rate().num().saturating_mul(speed), self.rate().den()).ok()
    }

    /// How long the frame at the playhead lasts, in ticks of the grid.
    fn ticks(&self) -> i128 {
        self.times.duration(self.travel.playhead.into())
    }

    /// Starts at the clip's own speed.
    pub fn play(&mut self, direction: Direction) {
        self.travel.direction = direction;
        self.start(1);
    }

    pub fn pause(&mut self) {
        self.travel.playing = false;
        self.grid = None;
        self.is_awaited = false;
    }

    /// Starts in a direction, or doubles the speed when already under way in it.
    pub fn shuttle(&mut self, direction: Direction) {
        let faster = self.travel.playing && self.travel.direction == direction;
        let speed = if faster { (self.speed * 2).min(MAX_SPEED) } else { 1 };
        self.travel.direction = direction;
        self.start(speed);
    }

    fn start(&mut self, speed: u32) {
        let end = match self.travel.direction {
            Direction::Forward => self.travel.area.last(),
            Direction::Reverse => self.travel.area.first(),
        };
        // Play at the end of a clip that plays once means: again.
        if self.travel.loop_mode == LoopMode::Once && self.travel.playhead == end && !self.travel.playing {
            self.travel.playhead = match self.travel.direction {
                Direction::Forward => self.travel.area.first(),
                Direction::Reverse => self.travel.area.last(),
            };
        }
        self.speed = speed;
        self.travel.playing = true;
        self.is_awaited = true;
        self.grid = None;
    }

    /// Moves the playhead; playback goes on from there.
    pub fn seek(&mut self, index: u32) {
        self.travel.playhead = index;
        self.is_awaited = self.travel.playing;
        self.grid = None;
    }

    /// When something is due next, while playing.
    pub fn next_due(&self) -> Option<Nanos> {
        let grid = self.grid.filter(|_| self.travel.playing)?;
        Some((grid.due_after(self.ticks()) - self.early).max(self.not_before))
    }

    /// Moves the playhead to where it belongs at `now`. `is_ready` tells whether a frame can be shown.
    pub fn advance(&mut self, now: Nanos, is_ready: impl Fn(u32) -> bool) -> Advance {
        if !self.travel.playing {
            return Advance::default();
        }
        if self.grid.is_none() {
            return self.begin(now, is_ready);
        }
        match self.pace {
            Pace::EveryFrame => self.advance_every_frame(now, is_ready),
            Pace::RealTime => self.advance_real_time(now, is_ready),
            Pace::Unpaced => self.advance_unpaced(is_ready),
        }
    }

    /// The grid begins with the first frame that can be shown.
    fn begin(&mut self, now: Nanos, is_ready: impl Fn(u32) -> bool) -> Advance {
        if !is_ready(self.travel.playhead) {
            return Advance::default();
        }
        self.anchor(now, false);
        self.present();
        Advance { presented: true, ..Advance::default() }
    }

    fn anchor(&mut self, now: Nanos, is_late: bool) {
        self.grid = Some(Grid::new(now, &self.times, self.effective_speed()));
        self.not_before = Nanos::MIN;
        self.runs += 1;
        (self.began_at, self.began_towards) = (self.travel.playhead, self.travel.direction);
        self.began_late = is_late;
    }

    /// The run that is under way; `None` while nothing plays or its first frame is not there.
    pub fn run(&self) -> Option<Run> {
        let grid = self.grid.filter(|_| self.travel.playing)?;
        let travel = Travel { playhead: self.began_at, direction: self.began_towards, ..self.travel };
        let (number, is_late) = (self.runs, self.began_late);
        Some(Run { number, is_late, anchor: grid.anchor(), travel, rate: self.effective_rate() })
    }

    /// Makes the frame at the playhead the first of a new run, on the grid as it is.
    pub fn rebase(&mut self) -> Option<Run> {
        let due = self.grid.filter(|_| self.travel.playing)?.due_after(0);
        self.anchor(due, false);
        self.run()
    }

    /// Moves the whole grid; later where `nanos` is positive.
    pub fn shift(&mut self, nanos: Nanos) {
        self.grid = self.grid.map(|grid| grid.shifted(nanos));
    }

    fn present(&mut self) {
        self.is_awaited = false;
        self.counters.presented += 1;
    }

    fn advance_every_frame(&mut self, now: Nanos, is_ready: impl Fn(u32) -> bool) -> Advance {
        if self.next_due().is_none_or(|due| now < due) {
            return Advance::default();
        }
        let ticks = self.ticks();
        let advance = self.present_next(is_ready);
        if advance.presented {
            self.pass(ticks);
            self.give_way(now);
        }
        advance
    }

    /// A whole frame late, time goes on from here instead of rushing after the grid.
    fn give_way(&mut self, now: Nanos) {
        self.not_before = Nanos::MIN;
        let patience = if self.is_variable() { BURST_NANOS } else { 0 };
        match self.next_due().map(|due| now - due) {
            Some(behind) if behind >= patience => {
                self.counters.late += 1;
                self.anchor(now, true);
            }
            Some(behind) if behind >= 0 => self.not_before = now + SHORTEST_NANOS,
            _ => {}
        }
    }

    /// The frame at the playhead is another one now; the one before it lasted so many ticks.
    fn pass(&mut self, ticks: i128) {
        if let Some(grid) = &mut self.grid {
            grid.pass(ticks);
        }
    }

    fn advance_unpaced(&mut self, is_ready: impl Fn(u32) -> bool) -> Advance {
        self.present_next(is_ready)
    }

    /// Steps to the next frame and presents it, if it can be shown.
    fn present_next(&mut self, is_ready: impl Fn(u32) -> bool) -> Advance {
        let Some((next, direction)) = self.travel.step() else { return self.end() };
        if !is_ready(next) {
            return Advance::default();
        }
        let moved = self.move_to(next, direction);
        self.present();
        Advance { moved, presented: true, ended: false }
    }

    fn advance_real_time(&mut self, now: Nanos, is_ready: impl Fn(u32) -> bool) -> Advance {
        self.not_before = Nanos::MIN;
        let mut advance = Advance::default();
        let mut steps = 0;
        while steps < MAX_STEPS && self.next_due().is_some_and(|due| due <= now) {
            self.counters.dropped += u64::from(self.is_awaited);
            let Some((next, direction)) = self.travel.step() else { return self.end() };
            self.pass(self.ticks());
            advance.moved |= self.move_to(next, direction);
            self.is_awaited = true;
            steps += 1;
        }
        if steps == MAX_STEPS {
            self.skip(now);
        }
        if self.is_awaited && is_ready(self.travel.playhead) {
            self.counters.late += u64::from(steps == 0);
            self.present();
            advance.presented = true;
        } else if steps > 0 {
            self.counters.held += 1;
        }
        advance
    }

    /// Time goes on to `now`, and what would have been presented meanwhile is dropped.
    fn skip(&mut self, now: Nanos) {
        let ticks = self.times.mean_ticks();
        let Some(grid) = &mut self.grid else { return };
        let steps = grid.count_at(now + self.early, ticks).max(0);
        grid.pass(i128::from(steps) * ticks);
        self.counters.dropped += steps.unsigned_abs();
    }

    fn end(&mut self) -> Advance {
        self.pause();
        Advance { ended: true, ..Advance::default() }
    }

    fn move_to(&mut self, next: u32, direction: Direction) -> bool {
        let moved = next != self.travel.playhead;
        let wrapped = direction != self.travel.direction || !self.is_onward(next);
        self.counters.loops += u64::from(wrapped);
        self.travel.playhead = next;
        self.travel.direction = direction;
        moved
    }

    fn is_onward(&self, next: u32) -> bool {
        match self.travel.direction {
            Direction::Forward => next > self.travel.playhead,
            Direction::Reverse => next < self.travel.playhead,
        }
    }
}

#[cfg(test)]
mod tests;
