//! The playback report.

use serde_json::Value;

use super::support::media;
use super::support::program::{demo_sequence, json, run, text};

fn passes<'a>(report: &'a Value, field: &str) -> Vec<&'a Value> {
    report["passes"].as_array().unwrap().iter().map(|pass| &pass[field]).collect()
}

#[test]
fn a_loop_that_fits_decodes_and_uploads_nothing_after_the_first_pass() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 6);
    let report = json(&run(&["bench", "playback", &pattern, "--loops", "3", "--fps", "60", "--json"], 0));
    assert_eq!(passes(&report, "decodes"), [6, 0, 0]);
    assert_eq!(passes(&report, "uploads"), [6, 0, 0]);
    assert_eq!(passes(&report, "gpu_hits")[1..], [6, 6]);
    assert_eq!(report["presented"], 18);
    assert_eq!((&report["cpu"]["inserts"], &report["gpu"]["inserts"]), (&6.into(), &6.into()));
    assert!(report["rss_peak_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn the_same_pixels_whichever_tier_they_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 6);
    let arguments = |vram: &'static str| {
        json(&run(
            &[
                "bench",
                "playback",
                &pattern,
                "--loops",
                "2",
                "--unpaced",
                "--checksum",
                "--json",
                "--vram",
                vram,
            ],
            0,
        ))
    };
    let (large, small) = (arguments("64MiB"), arguments("1500000"));
    let sums = |report: &Value| -> Vec<(u64, String)> {
        let sums = report["checksums"].as_array().unwrap().iter();
        sums.map(|sum| (sum["frame"].as_u64().unwrap(), sum["xxh64"].as_str().unwrap().to_string())).collect()
    };
    let tiers = |report: &Value| -> std::collections::BTreeSet<String> {
        let sums = report["checksums"].as_array().unwrap().iter();
        sums.map(|sum| sum["tier"].as_str().unwrap().to_string()).collect()
    };
    assert!(tiers(&large).contains("gpu") && tiers(&large).contains("disk"));
    assert!(tiers(&small).contains("cpu"), "{:?}", tiers(&small));
    let first: std::collections::BTreeMap<u64, String> = sums(&large).into_iter().take(6).collect();
    assert_eq!(first.len(), 6);
    for (frame, sum) in sums(&large).into_iter().chain(sums(&small)) {
        assert_eq!(first.get(&frame), Some(&sum), "frame {frame}");
    }
}

#[test]
fn a_budget_below_one_frame_still_plays() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 4);
    let report = json(&run(
        &[
            "bench",
            "playback",
            &pattern,
            "--loops",
            "2",
            "--unpaced",
            "--json",
            "--mem",
            "100KB",
            "--vram",
            "100KB",
        ],
        0,
    ));
    assert_eq!(report["presented"], 8);
}

#[test]
fn a_missed_requirement_is_6() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 2);
    run(&["bench", "playback", &pattern, "--require-fps", "1000000"], 6);
}

#[test]
fn a_real_sequence_loops_from_both_tiers() {
    let Some(folder) = media("a_real_sequence_loops_from_both_tiers", "openexr-images/Beachball") else {
        return;
    };
    let pattern = folder.join("singlepart.####.exr");
    let report =
        json(&run(&["bench", "playback", text(&pattern), "--fps", "24", "--loops", "3", "--json"], 0));
    assert_eq!(passes(&report, "decodes")[1..], [0, 0]);
    for tier in ["cpu", "gpu"] {
        assert_eq!(report[tier]["resident_frames"], 8, "{tier}");
        assert!(report[tier]["charged_bytes"].as_u64() > Some(0), "{tier}");
        assert_eq!(report[tier]["misses"], 8, "{tier}");
    }
}

#[test]
fn decode_reports_its_floor_where_there_is_one_and_the_same_checksum_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 3);
    let report = |threads: &str| {
        json(&run(&["bench", "decode", &pattern, "--threads", threads, "--repeat", "2", "--json"], 0))
    };
    let (one, two) = (report("1"), report("2"));
    assert_eq!((&one["frames"], &one["codec"], &one["width"]), (&3.into(), &"zip".into(), &320.into()));
    assert!(one["floor_ms_per_frame"].as_f64() > Some(0.0), "{one}");
    assert_eq!(one["checksum"], two["checksum"]);
    std::fs::copy(folder.path().join("demo.1001.exr"), folder.path().join("demo.1002.exr")).unwrap();
    assert_ne!(report("1")["checksum"], one["checksum"]);
}
