//! What passes through a clip cost once the cache is full: of N frames with room for C, no more than N - C, and the few
//! that are under way.

use serde_json::Value;

use super::support::program::{json, number, of_passes, run, tiny_sequence};

const FRAMES: u64 = 100;
/// What may be let go and asked for again around the playhead.
const LOOKAHEAD: u64 = 24;

fn loops(pattern: &str, budgets: &[&str]) -> Value {
    let playback = ["bench", "playback", pattern, "--loops", "5", "--unpaced", "--size", "64x36", "--json"];
    json(&run(&[&playback[..], budgets].concat(), 0))
}

/// How many frames a tier has room for, from what the report says of budget and frames.
fn capacity(report: &Value, tier: &str) -> u64 {
    let parts = &report["by_component"][tier];
    let frame_bytes = number(&parts["frames"]) / number(&report[tier]["resident_frames"]);
    let beside: u64 = ["metadata", "staging", "targets", "scratch", "movies"]
        .iter()
        .map(|name| number(&parts[*name]))
        .sum();
    (number(&report[tier]["budget_bytes"]) - beside) / frame_bytes
}

#[test]
fn decodes_of_a_pass_are_what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), FRAMES as u32);
    for (mem, least) in [("1200000", 35), ("1900000", 60)] {
        // VRAM for few frames, so that what is in RAM is all there is.
        let report = loops(&pattern, &["--mem", mem, "--vram", "140000"]);
        let room = capacity(&report, "cpu");
        assert!((least..FRAMES).contains(&room), "{mem}: room for {room} frames");
        for decodes in &of_passes(&report, "decodes")[2..] {
            assert!(*decodes <= FRAMES - room + LOOKAHEAD, "{decodes} decodes with room for {room}");
            assert!(*decodes > 0, "{mem}: nothing was decoded although it does not fit");
        }
    }
}

#[test]
fn uploads_of_a_pass_are_what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), FRAMES as u32);
    for (vram, least) in [("1200000", 35), ("1900000", 60)] {
        let report = loops(&pattern, &["--mem", "16MiB", "--vram", vram]);
        let room = capacity(&report, "gpu");
        assert!((least..FRAMES).contains(&room), "{vram}: room for {room} frames");
        assert_eq!(of_passes(&report, "decodes")[1..], [0; 4], "RAM holds all of it");
        for uploads in &of_passes(&report, "uploads")[2..] {
            assert!(*uploads <= FRAMES - room + LOOKAHEAD, "{uploads} uploads with room for {room}");
            assert!(*uploads > 0, "{vram}: nothing was uploaded although it does not fit");
        }
    }
}

#[test]
fn a_clip_that_fits_costs_one_pass() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), FRAMES as u32);
    let report = loops(&pattern, &["--mem", "16MiB", "--vram", "16MiB"]);
    for field in ["decodes", "uploads"] {
        assert_eq!(of_passes(&report, field), [FRAMES, 0, 0, 0, 0], "{field}");
    }
    assert_eq!(of_passes(&report, "requests")[1..], [0; 4]);
    assert_eq!(number(&report["decode"]["requested"]), FRAMES, "frames are asked for once");
}
