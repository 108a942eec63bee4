//! Owns simulated pressure: a file that says what is voted when, for tests and for showing how the
//! player behaves. Reads the one file that it is given. Any thread.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::Vote;
use crate::memory::Tier;
use crate::stats::{PressureLevel, VoteSource};
use crate::text::{shown_capped, shown_path};
use crate::time::Nanos;

const LARGEST_FILE_BYTES: u64 = 1 << 20;
const MOST_STEPS: usize = 100_000;
const LATEST_SECS: f64 = 1e9;
const HIGHEST_RATIO: f64 = 2.0;
const STEP_KEYS: &str = "at_secs, one of ratio, level, or available_bytes with total_bytes, and tier";

/// Why a trace cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    #[error("cannot read the pressure trace {path}: {error}")]
    Read { path: String, error: std::io::Error },
    #[error("the pressure trace has more than {LARGEST_FILE_BYTES} bytes: make it shorter")]
    TooLong,
    #[error("the pressure trace is no JSON of the form {{\"steps\": [...], \"repeats\": false}}: {0}")]
    Form(String),
    #[error("the pressure trace has {0} steps: 1 to {MOST_STEPS} are allowed")]
    Steps(usize),
    #[error("step {number} of the pressure trace: {reason}; a step has {STEP_KEYS}")]
    Step { number: usize, reason: String },
    #[error("the pressure trace repeats, but its last step is at 0: give the last step a later time")]
    Repeat,
}

/// What a step says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Said {
    Vote(Vote),
    Machine { available_bytes: u64, total_bytes: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    at: Nanos,
    said: Said,
}

/// Who a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum For {
    Cpu,
    Gpu,
    #[default]
    Both,
}

impl For {
    fn includes(self, tier: Tier) -> bool {
        match self {
            Self::Both => true,
            Self::Cpu => tier == Tier::Cpu,
            Self::Gpu => tier == Tier::Gpu,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrace {
    steps: Vec<serde_json::Value>,
    #[serde(default)]
    repeats: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    at_secs: f64,
    ratio: Option<f64>,
    level: Option<PressureLevel>,
    available_bytes: Option<u64>,
    total_bytes: Option<u64>,
    #[serde(default)]
    tier: For,
}

/// What is voted when. Each step holds from its time until the next step of the same tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// By tier, in the order of their times.
    steps: [Vec<Step>; 2],
    /// The time of the last step, at which a trace that repeats starts over.
    period: Option<Nanos>,
}

impl Trace {
    /// Reads a trace from a file.
    ///
    /// # Errors
    /// [`TraceError`] for what cannot be read, is longer than 1 MiB or is no trace.
    pub fn load(path: &Path) -> Result<Self, TraceError> {
        let refused = |error| TraceError::Read { path: shown_path(path), error };
        let file = File::open(path).map_err(refused)?;
        let mut text = String::new();
        file.take(LARGEST_FILE_BYTES + 1).read_to_string(&mut text).map_err(refused)?;
        Self::parse(&text)
    }

    /// Reads a trace from its text.
    ///
    /// # Errors
    /// [`TraceError`] for a text that is longer than 1 MiB or is no trace: unknown keys, times that
    /// fall, shares outside of 0 to 2, more than 100 000 steps.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        if text.len() as u64 > LARGEST_FILE_BYTES {
            return Err(TraceError::TooLong);
        }
        let raw: RawTrace =
            serde_json::from_str(text).map_err(|error| TraceError::Form(json_text(&error)))?;
        if raw.steps.is_empty() || raw.steps.len() > MOST_STEPS {
            return Err(TraceError::Steps(raw.steps.len()));
        }
        let mut trace = Self { steps: Default::default(), period: None };
        let mut last_at = 0;
        for (index, value) in raw.steps.into_iter().enumerate() {
            let refuse = |reason| TraceError::Step { number: index + 1, reason };
            let (target, step) = read_step(value, last_at).map_err(refuse)?;
            last_at = step.at;
            trace.add(target, step);
        }
        if raw.repeats {
            trace.period = Some(last_at).filter(|at| *at > 0).ok_or(TraceError::Repeat).map(Some)?;
        }
        Ok(trace)
    }

    /// What is voted for a tier at a time since the start. A trace that repeats starts over at the time
    /// of its last step, which so only marks the end.
    pub fn vote(&self, tier: Tier, at: Nanos) -> Option<Vote> {
        match self.said(tier, at)? {
            Said::Vote(vote) => Some(vote),
            Said::Machine { .. } => None,
        }
    }

    /// Available and total bytes that stand in for the machine's at a time since the start.
    pub fn machine(&self, at: Nanos) -> Option<(u64, u64)> {
        match self.said(Tier::Cpu, at)? {
            Said::Machine { available_bytes, total_bytes } => Some((available_bytes, total_bytes)),
            Said::Vote(_) => None,
        }
    }

    fn said(&self, tier: Tier, at: Nanos) -> Option<Said> {
        let at = self.period.map_or(at, |period| at.rem_euclid(period));
        let steps = &self.steps[tier as usize];
        let begun = steps.partition_point(|step| step.at <= at);
        Some(steps[begun.checked_sub(1)?].said)
    }

    fn add(&mut self, target: For, step: Step) {
        for tier in [Tier::Cpu, Tier::Gpu] {
            if target.includes(tier) {
                self.steps[tier as usize].push(step);
            }
        }
    }
}

fn json_text(error: &serde_json::Error) -> String {
    shown_capped(error.to_string(), 200)
}

fn read_step(value: serde_json::Value, last_at: Nanos) -> Result<(For, Step), String> {
    let raw: RawStep = serde_json::from_value(value).map_err(|error| json_text(&error))?;
    if !(0.0..=LATEST_SECS).contains(&raw.at_secs) {
        return Err(format!("at_secs is {}, allowed is 0 to {LATEST_SECS}", raw.at_secs));
    }
    let at = (raw.at_secs * 1e9).round() as Nanos;
    if at < last_at {
        return Err(format!("at_secs is {}, before the step above; times must not fall", raw.at_secs));
    }
    Ok((raw.tier, Step { at, said: read_said(&raw)? }))
}

fn read_said(raw: &RawStep) -> Result<Said, String> {
    match (raw.ratio, raw.level, raw.available_bytes, raw.total_bytes) {
        (Some(ratio), None, None, None) if (0.0..=HIGHEST_RATIO).contains(&ratio) => {
            Ok(Said::Vote(Vote::ratio(VoteSource::Simulated, ratio)))
        }
        (Some(ratio), None, None, None) => Err(format!("ratio is {ratio}, allowed is 0 to {HIGHEST_RATIO}")),
        (None, Some(level), None, None) => Ok(Said::Vote(Vote::level(VoteSource::Simulated, level))),
        (None, None, Some(_), Some(_)) if raw.tier == For::Gpu => {
            Err("available_bytes and total_bytes are the machine's, not those of the tier gpu".to_owned())
        }
        (None, None, Some(available_bytes), Some(total_bytes)) if available_bytes <= total_bytes => {
            Ok(Said::Machine { available_bytes, total_bytes })
        }
        (None, None, Some(available), Some(total)) => {
            Err(format!("available_bytes is {available}, allowed is 0 to total_bytes, {total}"))
        }
        _ => Err("it must say exactly one thing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    const EXAMPLE: &str = r#"{"steps":[
        {"at_secs":0.0,"ratio":0.5},
        {"at_secs":2.0,"level":"high"},
        {"at_secs":4,"ratio":0.1,"tier":"gpu"},
        {"at_secs":6,"available_bytes":123,"total_bytes":456}
    ], "repeats": false}"#;

    fn refusal(text: &str) -> String {
        Trace::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn each_step_holds_until_the_next_of_its_tier() {
        let trace = Trace::parse(EXAMPLE).unwrap();
        let half = Some(Vote::ratio(VoteSource::Simulated, 0.5));
        let high = Some(Vote::level(VoteSource::Simulated, PressureLevel::High));
        let tenth = Some(Vote::ratio(VoteSource::Simulated, 0.1));
        for (at, cpu, gpu) in [
            (-1, None, None),
            (0, half, half),
            (2 * SECOND - 1, half, half),
            (2 * SECOND, high, high),
            (4 * SECOND, high, tenth),
            (6 * SECOND, None, None),
            (99 * SECOND, None, None),
        ] {
            assert_eq!((trace.vote(Tier::Cpu, at), trace.vote(Tier::Gpu, at)), (cpu, gpu), "{at}");
        }
        assert_eq!(trace.machine(5 * SECOND), None);
        assert_eq!(trace.machine(6 * SECOND), Some((123, 456)));
    }

    #[test]
    fn a_trace_may_repeat() {
        let text = r#"{"steps":[{"at_secs":0,"ratio":0.1},{"at_secs":1,"ratio":0.2},{"at_secs":3,"ratio":0}],
            "repeats":true}"#;
        let trace = Trace::parse(text).unwrap();
        let share = |at| trace.vote(Tier::Cpu, at).unwrap().ratio.unwrap();
        assert_eq!([0, 1, 2, 3, 4, 302].map(|at| share(at * SECOND)), [0.1, 0.2, 0.2, 0.1, 0.2, 0.2]);
        assert!(refusal(r#"{"steps":[{"at_secs":0,"ratio":0.1}],"repeats":true}"#).contains("later time"));
    }

    #[test]
    fn of_two_steps_at_the_same_time_the_later_counts() {
        let text = r#"{"steps":[{"at_secs":1,"ratio":0.1},{"at_secs":1,"ratio":0.9}]}"#;
        assert_eq!(Trace::parse(text).unwrap().vote(Tier::Cpu, SECOND).unwrap().ratio, Some(0.9));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_step() {
        for (step, part) in [
            (r#"{"at_secs":1}"#, "exactly one"),
            (r#"{"ratio":1}"#, "at_secs"),
            (r#"{"at_secs":1,"ratio":0.5,"level":"low"}"#, "exactly one"),
            (r#"{"at_secs":1,"available_bytes":5}"#, "exactly one"),
            (r#"{"at_secs":1,"ratio":-0.5}"#, "0 to 2"),
            (r#"{"at_secs":1,"level":"hig\u001bh"}"#, "moderate"),
            (r#"{"at_secs":1,"ratio":0.5,"tier":"disk"}"#, "cpu"),
            (r#"{"at_secs":1,"ratio":0.5,"speed":1}"#, "speed"),
            (r#"{"at_secs":0.5,"ratio":0.5}"#, "must not fall"),
            (r#"{"at_secs":-1,"ratio":0.5}"#, "0 to"),
            (r#"{"at_secs":1e300,"ratio":0.5}"#, "0 to"),
            (r#"{"at_secs":1,"available_bytes":-5,"total_bytes":1}"#, "u64"),
            (r#"{"at_secs":1,"available_bytes":5,"total_bytes":1}"#, "total_bytes, 1"),
            (r#"{"at_secs":1,"available_bytes":1,"total_bytes":1,"tier":"gpu"}"#, "machine"),
            ("7", "invalid type"),
        ] {
            let error = refusal(&format!(r#"{{"steps":[{{"at_secs":0.75,"ratio":0}},{step}]}}"#));
            assert!(error.contains("step 2 ") && error.contains(part), "{step}: {error}");
            assert!(error.contains(STEP_KEYS) && !error.contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        for text in ["", "[]", "{}", r#"{"steps":{}}"#, r#"{"steps":[],"more":1}"#, r#"{"steps":[]} x"#] {
            assert!(refusal(text).contains("\"steps\""), "{text}");
        }
        assert!(refusal(r#"{"steps":[]}"#).contains("has 0 steps"));
        assert!(matches!(Trace::parse(&"[".repeat(100_000)), Err(TraceError::Form(_))));
        assert!(matches!(Trace::parse(&" ".repeat((1 << 20) + 1)), Err(TraceError::TooLong)));
    }

    #[test]
    fn files_are_read_up_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        std::fs::write(&path, EXAMPLE).unwrap();
        assert_eq!(Trace::load(&path).unwrap(), Trace::parse(EXAMPLE).unwrap());
        std::fs::write(&path, " ".repeat((1 << 20) + 9)).unwrap();
        assert!(matches!(Trace::load(&path), Err(TraceError::TooLong)));
        let missing = Trace::load(&folder.path().join("none\n.json")).unwrap_err().to_string();
        assert!(missing.contains("none\\n.json"), "{missing}");
    }
}
