//! Pressure on memory: a trace that says how much, and clips that are larger than their budgets.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::program::{json, number, run, stderr, text, tiny_sequence};

const LEVELS: [&str; 6] = ["none", "low", "moderate", "high", "critical", "emergency"];

fn trace(folder: &Path, steps: &str) -> PathBuf {
    let path = folder.join("trace.json");
    std::fs::write(&path, format!("{{\"steps\":[{steps}]}}")).expect("the trace");
    path
}

/// Settings that look often and react to hardly anything but a trace.
fn config(folder: &Path) -> PathBuf {
    let path = folder.join("config.toml");
    let thresholds = "low = 96\nmoderate = 97\nhigh = 98\ncritical = 99\n";
    let times = "interval_secs = 0.1\ndwell_secs = 0.1\n";
    std::fs::write(&path, format!("[memory.pressure]\n{thresholds}{times}")).expect("the settings");
    path
}

/// Changes of level as pairs of rungs with their counts.
fn changes(pressure: &Value) -> Vec<(usize, usize, u64)> {
    let rung = |name: &Value| LEVELS.iter().position(|level| name == *level).expect("a level");
    let changes = pressure["changes"].as_array().expect("the changes");
    changes
        .iter()
        .map(|change| (rung(&change["from"]), rung(&change["to"]), number(&change["count"])))
        .collect()
}

/// Up to critical in any steps, for a busy machine may sleep through one, and down one at a time.
fn expect_up_and_down(pressure: &Value) {
    assert_eq!((&pressure["peak"], &pressure["level"]), (&"critical".into(), &"none".into()), "{pressure}");
    let changes = changes(pressure);
    let down: Vec<_> = changes.iter().copied().filter(|(from, to, _)| to < from).collect();
    for step in [(4, 3, 1), (3, 2, 1), (2, 1, 1), (1, 0, 1)] {
        assert!(down.contains(&step), "{step:?} is not in {down:?}");
    }
    assert_eq!(down.len(), 4, "{down:?}");
    let climbed: u64 =
        changes.iter().filter(|(from, to, _)| to > from).map(|(from, to, n)| (to - from) as u64 * n).sum();
    assert_eq!(climbed, 4, "{changes:?}");
    assert_eq!(number(&pressure["transitions"]), changes.iter().map(|(.., count)| count).sum::<u64>());
}

#[test]
fn a_trace_leads_through_the_levels_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 90);
    let steps = r#"{"at_secs":1,"level":"low"},{"at_secs":1.5,"level":"moderate"},{"at_secs":2,"level":"high"},
        {"at_secs":2.5,"level":"critical"},{"at_secs":4.5,"ratio":0}"#;
    let (trace, config) = (trace(folder.path(), steps), config(folder.path()));
    let options = ["--simulate-pressure", text(&trace), "--config", text(&config)];
    // Playback keeps the time, so that the trace is over before the run on any machine.
    let playback = ["bench", "playback", &pattern, "--fps", "10", "--size", "64x36", "--json"];
    let report = json(&run(&[&playback[..], &options].concat(), 0));
    expect_up_and_down(&report["pressure"]);
    expect_up_and_down(&report["pressure"]["gpu"]);
    assert_eq!((&report["presented"], &report["dropped"]), (&90.into(), &0.into()));
    assert_eq!(report["decode"]["error"], 0);
}

#[test]
fn every_level_plays_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 20);
    let config = config(folder.path());
    for level in LEVELS {
        let trace = trace(folder.path(), &format!("{{\"at_secs\":0,\"level\":\"{level}\"}}"));
        let options = ["--simulate-pressure", text(&trace), "--config", text(&config), "--loops", "2"];
        let playback = ["bench", "playback", &pattern, "--unpaced", "--size", "64x36", "--json"];
        let report = json(&run(&[&playback[..], &options].concat(), 0));
        assert_eq!((&report["presented"], &report["pressure"]["peak"]), (&40.into(), &level.into()));
        assert_eq!(report["decode"]["error"], 0, "{level}");
    }
}

#[test]
fn a_bad_trace_is_2_and_names_its_step() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 2);
    for (steps, part) in [
        (r#"{"at_secs":0,"level":"dire"}"#, "step 1"),
        (r#"{"at_secs":1,"ratio":0.5},{"at_secs":0,"ratio":0.5}"#, "step 2"),
        (r#"{"at_secs":"#, "JSON"),
        ("", "0 steps"),
    ] {
        let trace = trace(folder.path(), steps);
        let output = run(&["bench", "playback", &pattern, "--simulate-pressure", text(&trace)], 2);
        assert!(stderr(&output).contains(part), "{steps}: {}", stderr(&output));
    }
    let missing = folder.path().join("no-trace.json");
    let output = run(&["bench", "playback", &pattern, "--simulate-pressure", text(&missing)], 2);
    assert!(stderr(&output).contains("no-trace.json"), "{}", stderr(&output));
}

#[test]
fn a_clip_ten_times_the_budget_is_no_pressure() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 120);
    // A machine with plenty, whatever this one has.
    let machine = r#"{"at_secs":0,"available_bytes":8000000000,"total_bytes":16000000000}"#;
    let trace = trace(folder.path(), machine);
    // Room for 12 frames in either tier.
    let budgets = ["--mem", "360448", "--vram", "335000", "--simulate-pressure", text(&trace)];
    let playback = ["bench", "playback", &pattern, "--unpaced", "--loops", "10", "--size", "64x36", "--json"];
    let report = json(&run(&[&playback[..], &budgets].concat(), 0));
    for tier in ["cpu", "gpu"] {
        let resident = number(&report[tier]["resident_frames"]);
        assert!((8..=12).contains(&resident), "{tier}: {resident} of 120 frames are resident");
    }
    let pressure = &report["pressure"];
    assert_eq!((&pressure["peak"], &pressure["gpu"]["peak"]), (&"none".into(), &"none".into()), "{pressure}");
    assert_eq!(report["presented"], 1200);
}
