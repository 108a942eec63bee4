//! Storms of seeks: the same on every run, with little under way that nobody wants any more.

use serde_json::Value;

use super::support::program::{demo_sequence, json, number, run};

const FRAMES: u64 = 30;
const THREADS: u64 = 2;
/// The seed that the contract of `bench scrub` has stood for since its first version.
const SEED: u64 = 0x5EED_0F5E_E45A_11E5;

fn storm(pattern: &str, seeks_per_s: &str, secs: &str) -> Value {
    let rate = ["--seeks-per-s", seeks_per_s, "--secs", secs, "--threads", "2"];
    let scrub = ["bench", "scrub", pattern, "--size", "320x180", "--json"];
    json(&run(&[&scrub[..], &rate].concat(), 0))
}

/// The number of the frame that the last of so many seeks goes to.
fn sought(seeks: u64) -> u64 {
    let mut state = SEED;
    for _ in 0..seeks {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    1001 + state % FRAMES
}

#[test]
fn a_thousand_seeks_a_second_leave_little_behind() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), FRAMES as u32);
    let report = storm(&pattern, "1000", "2");
    let seeks = number(&report["seeks"]);
    assert_eq!(number(&report["frames"]), FRAMES);
    assert!(seeks > 0 && seeks <= 2001, "{seeks} seeks in 2 s");
    let settled = number(&report["settled"]);
    assert!(settled > 0 && settled <= seeks, "{settled} of {seeks}");
    for peak in ["in_flight_peak", "stale_in_flight_peak"] {
        assert!(number(&report[peak]) <= THREADS + 2, "{peak}: {}", report[peak]);
    }
    assert!(report["last_settle_ms"].as_f64() >= Some(0.0), "{}", report["last_settle_ms"]);
    // Everything that was decoded is in RAM: nobody decodes a frame for every seek.
    assert!(number(&report["decodes"]) <= FRAMES, "{} decodes", report["decodes"]);
    assert_eq!(number(&report["last_frame"]), sought(seeks));
}

#[test]
fn the_seeks_are_the_same_on_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), FRAMES as u32);
    // How many seeks fit into the time may differ; where each of them goes may not.
    for secs in ["0.2", "0.5", "0.5"] {
        let report = storm(&pattern, "30", secs);
        assert_eq!(number(&report["last_frame"]), sought(number(&report["seeks"])), "{secs}: {report}");
    }
}
