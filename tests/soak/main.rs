//! Playing for long: a work area that fits goes round and round, and nothing of the program grows. The short run is
//! part of the tests, `make soak` starts the long one.

use std::time::{Duration, Instant};

use serde_json::Value;

use support::program::{json, number, of_passes, run, tiny_sequence};

#[path = "../support/mod.rs"]
mod support;

/// Set by `make soak`.
const LOOPS_VARIABLE: &str = "RUSHES_SOAK_LOOPS";
const FRAMES: u64 = 50;
const BUDGET: &str = "4MiB";
/// Growth of the resident size over all passes but the first tenth, by their slope. Every pass that kept a frame, or
/// every tenth of the long run that kept a few, is more.
const MOST_GROWTH_BYTES: f64 = 4e6;
/// What a run may take beside both budgets and what it takes without a clip.
const ALLOWANCE_BYTES: u64 = 100_000_000;
/// Other threads open small files of the system for a moment.
const FILES_OF_A_MOMENT: u64 = 4;
const LONGEST_SOAK: Duration = Duration::from_secs(20 * 60);

fn play(pattern: &str, loops: u32, area: [&str; 2]) -> Value {
    let loops = loops.to_string();
    let playback = ["bench", "playback", pattern, "--in", area[0], "--out", area[1], "--loops", &loops];
    let options = ["--unpaced", "--size", "64x36", "--mem", BUDGET, "--vram", BUDGET, "--json"];
    json(&run(&[&playback[..], &options].concat(), 0))
}

/// Growth a pass of a figure, fitted through all of them.
fn slope(values: &[u64]) -> f64 {
    let middle = (values.len() - 1) as f64 / 2.0;
    let mean = values.iter().sum::<u64>() as f64 / values.len() as f64;
    let away = |at: usize| at as f64 - middle;
    let rise: f64 = values.iter().enumerate().map(|(at, value)| away(at) * (*value as f64 - mean)).sum();
    rise / (0..values.len()).map(|at| away(at) * away(at)).sum::<f64>()
}

fn soak(loops: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    let pattern = tiny_sequence(folder.path(), 100);
    let base = number(&play(&pattern, 1, ["1026", "1026"])["rss_peak_bytes"]);
    let started = Instant::now();
    let report = play(&pattern, loops, ["1026", "1075"]);
    let took = started.elapsed();
    assert_eq!(number(&report["presented"]), FRAMES * u64::from(loops));
    expect_first_pass_is_all_work(&report);
    expect_level(&report);
    let growth = expect_no_growth(&report);
    expect_within_budgets(&report, base);
    eprintln!(
        "{loops} passes of {FRAMES} frames in {:.0} s, {:.1} passes a second; the resident size grows by {growth:.0} \
         bytes a pass; peak {} MB, {} MB of it without a clip",
        took.as_secs_f64(),
        f64::from(loops) / took.as_secs_f64(),
        number(&report["rss_peak_bytes"]) / 1_000_000,
        base / 1_000_000
    );
}

fn expect_first_pass_is_all_work(report: &Value) {
    assert_eq!(number(&report["decode"]["requested"]), FRAMES, "frames are asked for once");
    for field in ["decodes", "requests", "uploads"] {
        let passes = of_passes(report, field);
        let late = passes[1..].iter().position(|count| *count > 0);
        assert_eq!(late, None, "{field} of a later pass");
    }
    assert_eq!(number(&report["leaks"]["mismatches"]), 0, "the books are wrong");
    assert!(number(&report["leaks"]["checks"]) > 0, "nobody looked at the books");
}

/// Threads and open files are the same at the end as after the second pass.
fn expect_level(report: &Value) {
    let threads = &of_passes(report, "threads")[1..];
    assert!(threads.iter().all(|count| *count == threads[0]), "threads: {:?}", range(threads));
    let files = &of_passes(report, "open_files")[1..];
    let (first, last) = files.split_at(files.len() / 2);
    assert_eq!(first.iter().min(), last.iter().min(), "open files");
    let (least, most) = range(files);
    assert!(most <= least + FILES_OF_A_MOMENT, "{least} to {most} open files");
}

fn range(values: &[u64]) -> (u64, u64) {
    (*values.iter().min().expect("passes"), *values.iter().max().expect("passes"))
}

/// Bytes that the resident size grows by in a pass.
fn expect_no_growth(report: &Value) -> f64 {
    let sizes = of_passes(report, "rss_bytes");
    let settled = &sizes[sizes.len() / 10..];
    let growth = slope(settled);
    let (least, most) = range(settled);
    let in_all = growth * settled.len() as f64;
    assert!(in_all < MOST_GROWTH_BYTES, "{growth} bytes a pass, from {least} to {most} bytes in all");
    growth
}

fn expect_within_budgets(report: &Value, base_bytes: u64) {
    let of_passes = *of_passes(report, "rss_bytes").iter().max().expect("passes");
    let peak = number(&report["rss_peak_bytes"]).max(of_passes);
    let budgets = number(&report["cpu"]["budget_bytes"]) + number(&report["gpu"]["budget_bytes"]);
    let most = budgets + base_bytes + ALLOWANCE_BYTES;
    assert!(peak <= most, "{peak} bytes were taken; budgets {budgets}, without a clip {base_bytes}");
}

/// As many passes as the variable says, 500 without it.
#[cfg(target_os = "linux")]
#[test]
fn many_passes_cost_what_one_costs() {
    let loops = std::env::var(LOOPS_VARIABLE).map_or(500, |loops| loops.parse().expect("a number of passes"));
    let started = Instant::now();
    soak(loops);
    assert!(started.elapsed() < LONGEST_SOAK, "it took {:?}", started.elapsed());
}

#[test]
fn the_slope_of_a_line_is_found() {
    assert_eq!(slope(&[5, 7, 9, 11]), 2.0);
    assert_eq!(slope(&[9, 9, 9]), 0.0);
    assert_eq!(slope(&[3, 1, 3, 1, 3]), 0.0);
}
