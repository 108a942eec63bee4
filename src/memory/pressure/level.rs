//! Owns the level of one tier: thresholds, hysteresis, counters. Never measures and never acts on a
//! level. The thread that ticks.

use std::str::FromStr;

use super::Vote;
use crate::stats::{MemoryState, PressureLevel, PressureStatus, VoteSource};
use crate::time::Nanos;

const SECOND: Nanos = 1_000_000_000;
const SHORTEST_INTERVAL_NANOS: Nanos = 50_000_000;
const STATES: [MemoryState; 3] = [MemoryState::Normal, MemoryState::Warning, MemoryState::Critical];

/// A set of thresholds that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    #[default]
    Default,
    /// Gives up earlier; for machines that are shared.
    Conservative,
}

/// A text that names no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("«{0}» is no pressure profile: write default or conservative")]
pub struct ProfileError(String);

impl Profile {
    pub const ALL: [Self; 2] = [Self::Default, Self::Conservative];

    /// The name used in settings and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Conservative => "conservative",
        }
    }
}

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let named = Self::ALL.into_iter().find(|profile| profile.name() == text);
        named.ok_or_else(|| ProfileError(crate::text::shown_capped(text, 40)))
    }
}

/// When levels are entered and left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PressureSettings {
    /// Low, Moderate, High and Critical are entered from this share on.
    pub enter: [f64; 4],
    /// A level is held until the share is this much below the one that entered it.
    pub exit_points: f64,
    /// A level is held at least this long.
    pub dwell_nanos: Nanos,
    /// Between two readings of the machine.
    pub interval_nanos: Nanos,
    /// Warning and Critical of [`MemoryState`] are entered from this share on.
    pub state_enter: [f64; 2],
    /// A failed allocation or a lost device speaks for Emergency this long.
    pub emergency_nanos: Nanos,
}

impl Default for PressureSettings {
    fn default() -> Self {
        Self::of(Profile::Default)
    }
}

/// Settings that make no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingsError {
    #[error("the thresholds {0} must rise and lie above 0 and up to 1: found {1:?}")]
    Thresholds(&'static str, Vec<f64>),
    #[error("exit points must be 0 or more and below the lowest threshold {lowest}: found {found}")]
    ExitPoints { found: f64, lowest: f64 },
    #[error("{name} must be at least {least_ms} ms: found {found_ms} ms")]
    TooShort { name: &'static str, least_ms: Nanos, found_ms: Nanos },
}

impl PressureSettings {
    /// The settings that a profile stands for.
    pub const fn of(profile: Profile) -> Self {
        let (enter, state_enter) = match profile {
            Profile::Default => ([0.70, 0.80, 0.95, 0.98], [0.70, 0.85]),
            Profile::Conservative => ([0.60, 0.70, 0.85, 0.95], [0.60, 0.75]),
        };
        Self {
            enter,
            exit_points: 0.05,
            dwell_nanos: 5 * SECOND,
            interval_nanos: SECOND,
            state_enter,
            emergency_nanos: 10 * SECOND,
        }
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// [`SettingsError`] for thresholds that do not rise or lie outside of 0 to 1, for exit points
    /// with which a level could never be left, and for times that are too short.
    pub fn check(&self) -> Result<(), SettingsError> {
        check_rising("of the levels", &self.enter)?;
        check_rising("of the memory state", &self.state_enter)?;
        let lowest = self.enter[0].min(self.state_enter[0]);
        if !(0.0..lowest).contains(&self.exit_points) {
            return Err(SettingsError::ExitPoints { found: self.exit_points, lowest });
        }
        check_time("the sampling interval", self.interval_nanos, SHORTEST_INTERVAL_NANOS)?;
        check_time("the dwell time", self.dwell_nanos, 0)?;
        check_time("the emergency time", self.emergency_nanos, 0)
    }

    /// What a level counts as where a share is wanted: its own threshold, 1 for Emergency.
    fn share_of(&self, level: PressureLevel) -> f64 {
        match level {
            PressureLevel::None => 0.0,
            PressureLevel::Emergency => 1.0,
            level => self.enter[level as usize - 1],
        }
    }

    /// The level that a vote asks for with thresholds that lie `lowered_by` below the usual ones.
    fn rung(&self, vote: &Vote, lowered_by: f64) -> usize {
        let by_ratio = vote.share().map_or(0, |share| rungs_below(share, &self.enter, lowered_by));
        let level = if lowered_by > 0.0 { vote.held } else { vote.level };
        by_ratio.max(level as usize)
    }
}

fn check_rising(name: &'static str, thresholds: &[f64]) -> Result<(), SettingsError> {
    let is_inside = thresholds.iter().all(|share| *share > 0.0 && *share <= 1.0);
    if is_inside && thresholds.is_sorted_by(|low, high| low < high) {
        return Ok(());
    }
    Err(SettingsError::Thresholds(name, thresholds.to_vec()))
}

fn check_time(name: &'static str, found: Nanos, least: Nanos) -> Result<(), SettingsError> {
    let ms = |nanos: Nanos| nanos / 1_000_000;
    if found >= least {
        return Ok(());
    }
    Err(SettingsError::TooShort { name, least_ms: ms(least), found_ms: ms(found) })
}

/// How many thresholds a share reaches.
fn rungs_below(share: f64, thresholds: &[f64], lowered_by: f64) -> usize {
    thresholds.iter().take_while(|threshold| share >= **threshold - lowered_by).count()
}

/// One change of level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transition {
    pub from: PressureLevel,
    pub to: PressureLevel,
    pub at: Nanos,
    /// The highest vote at that moment; none when nobody speaks any more.
    pub source: Option<VoteSource>,
    /// The highest share that was voted with.
    pub fraction: f64,
}

/// The rule that levels and states share: up at once, down by one when nothing holds the rung any
/// more and it was held long enough.
#[derive(Debug, Clone, Copy, Default)]
struct Ladder {
    rung: usize,
    changed_at: Nanos,
}

impl Ladder {
    fn step(&mut self, now: Nanos, wanted: usize, held: usize, dwell_nanos: Nanos) -> bool {
        let next = if wanted > self.rung {
            wanted
        } else if held < self.rung && now - self.changed_at >= dwell_nanos {
            self.rung - 1
        } else {
            return false;
        };
        *self = Self { rung: next, changed_at: now };
        true
    }
}

/// The level of one tier and how it came about.
#[derive(Debug, Clone)]
pub struct PressureMachine {
    settings: PressureSettings,
    level: Ladder,
    state: Ladder,
    status: PressureStatus,
}

impl PressureMachine {
    /// A machine at level None. The settings are taken as they are: check them first.
    pub fn new(settings: PressureSettings) -> Self {
        Self {
            settings,
            level: Ladder::default(),
            state: Ladder::default(),
            status: PressureStatus::default(),
        }
    }

    pub fn settings(&self) -> &PressureSettings {
        &self.settings
    }

    /// Puts other settings in place; they count from the next step on.
    pub fn set_settings(&mut self, settings: PressureSettings) {
        self.settings = settings;
    }

    /// Counts the votes of one moment; says how the level changed.
    pub fn step(&mut self, now: Nanos, votes: &[Vote]) -> Option<Transition> {
        let exit_points = self.settings.exit_points;
        let highest = |lowered_by| votes.iter().map(|vote| self.settings.rung(vote, lowered_by)).max();
        let (wanted, held) = (highest(0.0).unwrap_or(0), highest(exit_points).unwrap_or(0));
        self.note(votes);
        self.step_state(now);
        let from = self.level();
        if !self.level.step(now, wanted, held, self.settings.dwell_nanos) {
            return None;
        }
        let to = self.level();
        self.status.transitions.add(from, to);
        self.status.peak = self.status.peak.max(to);
        let source = self.leader(votes).map(|vote| vote.source);
        Some(Transition { from, to, at: now, source, fraction: self.status.fraction })
    }

    /// The level as of the last step.
    pub fn level(&self) -> PressureLevel {
        PressureLevel::ALL[self.level.rung]
    }

    /// The same in three steps, from the highest vote.
    pub fn state(&self) -> MemoryState {
        STATES[self.state.rung]
    }

    /// Everything about this tier but the alerts, which are counted by [`super::Alerts`].
    pub fn status(&self) -> PressureStatus {
        PressureStatus { level: self.level(), state: self.state(), ..self.status }
    }

    /// Keeps what every source said; a vote without a share counts as the threshold of its level.
    fn note(&mut self, votes: &[Vote]) {
        self.status.votes = Default::default();
        for vote in votes {
            let share = vote.share().unwrap_or(0.0).max(self.settings.share_of(vote.level));
            let kept = &mut self.status.votes[vote.source as usize];
            *kept = Some(kept.map_or(share, |kept| kept.max(share)));
        }
        self.status.fraction = self.status.votes.iter().flatten().copied().fold(0.0, f64::max);
    }

    fn step_state(&mut self, now: Nanos) {
        let reached = |lowered_by| rungs_below(self.status.fraction, &self.settings.state_enter, lowered_by);
        let (wanted, held) = (reached(0.0), reached(self.settings.exit_points));
        self.state.step(now, wanted, held, self.settings.dwell_nanos);
    }

    /// The vote that counts: the highest level, inside one the highest share, then the first.
    fn leader<'a>(&self, votes: &'a [Vote]) -> Option<&'a Vote> {
        let weight = |vote: &Vote| (self.settings.rung(vote, 0.0), vote.share().unwrap_or(0.0));
        votes.iter().reduce(|best, vote| if weight(vote) > weight(best) { vote } else { best })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TENTH: Nanos = SECOND / 10;

    fn ratio(share: f64) -> Vote {
        Vote::ratio(VoteSource::Ours, share)
    }

    fn machine() -> PressureMachine {
        PressureMachine::new(PressureSettings::default())
    }

    fn run(shares: &[f64], every: Nanos) -> Vec<Transition> {
        let mut machine = machine();
        let step = |(number, share): (usize, &f64)| machine.step(number as Nanos * every, &[ratio(*share)]);
        shares.iter().enumerate().filter_map(step).collect()
    }

    #[test]
    fn levels_are_entered_at_their_thresholds() {
        use PressureLevel::{Critical, High, Low, Moderate, None};
        let table = [
            (Profile::Default, 0.6999, None),
            (Profile::Default, 0.70, Low),
            (Profile::Default, 0.80, Moderate),
            (Profile::Default, 0.95, High),
            (Profile::Default, 0.98, Critical),
            (Profile::Default, 7.5, Critical),
            (Profile::Default, f64::NAN, None),
            (Profile::Default, f64::INFINITY, None),
            (Profile::Conservative, 0.5999, None),
            (Profile::Conservative, 0.60, Low),
            (Profile::Conservative, 0.70, Moderate),
            (Profile::Conservative, 0.85, High),
            (Profile::Conservative, 0.95, Critical),
        ];
        for (profile, share, level) in table {
            let mut machine = PressureMachine::new(PressureSettings::of(profile));
            machine.step(0, &[ratio(share)]);
            assert_eq!(machine.level(), level, "{} {share}", profile.name());
        }
    }

    #[test]
    fn a_level_is_left_one_by_one_after_the_dwell_time_and_below_the_exit() {
        let mut machine = machine();
        assert_eq!(machine.step(0, &[ratio(0.99)]).unwrap().to, PressureLevel::Critical);
        assert_eq!(machine.step(4 * SECOND, &[ratio(0.0)]), None, "too early");
        assert_eq!(machine.step(5 * SECOND, &[ratio(0.94)]), None, "still above the exit");
        assert_eq!(machine.step(6 * SECOND, &[ratio(0.92)]).unwrap().to, PressureLevel::High);
        assert_eq!(machine.step(20 * SECOND, &[ratio(0.91)]), None);
        assert_eq!(machine.step(21 * SECOND, &[]).unwrap().to, PressureLevel::Moderate);
        assert_eq!(machine.step(26 * SECOND, &[]).unwrap().to, PressureLevel::Low);
        let last = machine.step(31 * SECOND, &[]).unwrap();
        assert_eq!((last.to, last.source, last.fraction), (PressureLevel::None, None, 0.0));
        assert_eq!(machine.status().transitions.total(), 5);
        assert_eq!(machine.status().peak, PressureLevel::Critical);
    }

    #[test]
    fn the_state_follows_the_highest_vote_by_the_same_rule() {
        let mut machine = machine();
        machine.step(0, &[Vote::level(VoteSource::Stall, PressureLevel::Moderate), ratio(0.10)]);
        assert_eq!((machine.state(), machine.level()), (MemoryState::Warning, PressureLevel::Moderate));
        machine.step(SECOND, &[ratio(0.85)]);
        assert_eq!(machine.state(), MemoryState::Critical);
        machine.step(7 * SECOND, &[ratio(0.81)]);
        assert_eq!(machine.state(), MemoryState::Critical);
        machine.step(8 * SECOND, &[ratio(0.1)]);
        assert_eq!(machine.state(), MemoryState::Warning);
        machine.step(9 * SECOND, &[ratio(0.1)]);
        assert_eq!(machine.state(), MemoryState::Warning);
        machine.step(13 * SECOND, &[ratio(0.1)]);
        assert_eq!(machine.status().state, MemoryState::Normal);
    }

    #[test]
    fn the_highest_vote_wins_and_is_named() {
        let mut machine = machine();
        let stall = Vote::level(VoteSource::Stall, PressureLevel::High);
        let host = Vote::ratio(VoteSource::Host, 0.75);
        let transition = machine.step(0, &[ratio(0.2), host, stall]).unwrap();
        assert_eq!(transition.source, Some(VoteSource::Stall));
        assert_eq!((transition.to, transition.fraction), (PressureLevel::High, 0.95));
        let votes = machine.status().votes;
        assert_eq!(votes[VoteSource::Host as usize], Some(0.75));
        assert_eq!(votes[VoteSource::Stall as usize], Some(0.95));
        assert_eq!(votes[VoteSource::Device as usize], None);
    }

    #[test]
    fn an_emergency_is_left_like_every_other_level() {
        let mut machine = machine();
        let emergency = [Vote::level(VoteSource::Allocation, PressureLevel::Emergency)];
        assert_eq!(machine.step(0, &emergency).unwrap().to, PressureLevel::Emergency);
        assert_eq!(machine.step(9 * SECOND, &emergency), None);
        assert_eq!(machine.step(10 * SECOND, &[]).unwrap().to, PressureLevel::Critical);
    }

    #[test]
    fn other_settings_count_from_the_next_step_on() {
        let mut machine = machine();
        assert_eq!(machine.step(0, &[ratio(0.65)]), None);
        machine.set_settings(PressureSettings::of(Profile::Conservative));
        assert_eq!(machine.step(1, &[ratio(0.65)]).unwrap().to, PressureLevel::Low);
        assert_eq!(machine.settings().state_enter, [0.60, 0.75]);
    }

    #[test]
    fn settings_without_sense_are_refused() {
        let good = PressureSettings::default();
        assert_eq!(good.check(), Ok(()));
        assert_eq!(PressureSettings::of(Profile::Conservative).check(), Ok(()));
        let bad = [
            PressureSettings { enter: [0.7, 0.7, 0.95, 0.98], ..good },
            PressureSettings { enter: [0.7, 0.8, 0.95, 1.01], ..good },
            PressureSettings { enter: [0.0, 0.8, 0.95, 0.98], ..good },
            PressureSettings { enter: [0.7, f64::NAN, 0.95, 0.98], ..good },
            PressureSettings { state_enter: [0.85, 0.7], ..good },
            PressureSettings { exit_points: -0.01, ..good },
            PressureSettings { exit_points: f64::NAN, ..good },
            PressureSettings { exit_points: 0.7, ..good },
            PressureSettings { interval_nanos: 49_000_000, ..good },
            PressureSettings { dwell_nanos: -1, ..good },
            PressureSettings { emergency_nanos: -1, ..good },
        ];
        for settings in bad {
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains("must") && error.contains("found"), "{error}");
        }
    }

    #[test]
    fn profiles_are_read_by_name() {
        for profile in Profile::ALL {
            assert_eq!(profile.name().parse(), Ok(profile));
        }
        let error = "wild\n".parse::<Profile>().unwrap_err().to_string();
        assert!(error.contains("«wild\\n»") && error.contains("conservative"), "{error}");
    }

    proptest! {
        #[test]
        fn oscillating_around_a_threshold_changes_the_level_once(
            at in 0..4_usize,
            wobble in prop::collection::vec(-0.01..0.01_f64, 100..400),
        ) {
            let threshold = PressureSettings::default().enter[at];
            let shares: Vec<f64> = wobble.iter().map(|points| threshold + points).collect();
            let transitions = run(&shares, TENTH);
            // High and Critical lie so close that both may be entered; the way is always up.
            prop_assert!(transitions.len() <= 2, "{transitions:?}");
            prop_assert!(transitions.iter().all(|change| change.to > change.from));
        }

        #[test]
        fn going_down_never_skips_a_level_and_waits_for_the_dwell_time(
            shares in prop::collection::vec(0.0..1.1_f64, 1..600),
        ) {
            let transitions = run(&shares, TENTH);
            for change in transitions.iter().filter(|change| change.to < change.from) {
                prop_assert_eq!(change.from as usize - change.to as usize, 1);
            }
            for pair in transitions.windows(2).filter(|pair| pair[1].to < pair[1].from) {
                prop_assert!(pair[1].at - pair[0].at >= PressureSettings::default().dwell_nanos);
            }
        }

        #[test]
        fn a_higher_vote_counts_at_the_very_sample_that_brings_it(
            shares in prop::collection::vec(0.0..1.1_f64, 1..200),
        ) {
            let mut machine = machine();
            for (number, share) in shares.iter().enumerate() {
                machine.step(number as Nanos * TENTH, &[ratio(*share)]);
                let reached = rungs_below(*share, &machine.settings().enter, 0.0);
                prop_assert!(machine.level() >= PressureLevel::ALL[reached]);
                prop_assert!(machine.status().peak >= machine.level());
            }
        }

        #[test]
        fn the_same_trace_gives_the_same_transitions(shares in prop::collection::vec(0.0..1.1_f64, 1..300)) {
            prop_assert_eq!(run(&shares, TENTH), run(&shares, TENTH));
        }
    }
}
