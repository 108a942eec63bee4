//! The settings file: what it says holds, the command line comes first, and a running player follows it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::support::program::{expect, json, number, run, rushes, stderr, text, tiny_sequence};
use super::support::running::{Running, wait_for};
use super::support::scrape::Figures;

/// A frame of the tiny sequence in system memory.
const FRAME_BYTES: u64 = 28 << 10;
const GIB: u64 = 1 << 30;

fn config(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("config.toml");
    std::fs::write(&path, text).expect("the settings file");
    path
}

/// The report of a short run with further options.
fn report(pattern: &str, options: &[&str]) -> Value {
    let playback = ["bench", "playback", pattern, "--unpaced", "--size", "64x36", "--json"];
    json(&run(&[&playback[..], options].concat(), 0))
}

#[test]
fn the_file_holds_where_the_command_line_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 4);
    let file = config(folder.path(), "[memory]\nmem = \"2MiB\"\nvram = \"1MiB\"\neviction = \"lru\"\n");
    let beside = |report: &Value| {
        let sum = |name: &str| number(&report["by_component"]["gpu"][name]);
        sum("staging") + sum("targets")
    };
    let from_file = report(&pattern, &["--config", text(&file)]);
    assert_eq!((&from_file["cpu"]["budget_bytes"], &from_file["policy"]), (&(2 << 20).into(), &"lru".into()));
    assert_eq!(number(&from_file["gpu"]["budget_bytes"]) - beside(&from_file), 1 << 20);
    let options = ["--config", text(&file), "--mem", "3MiB", "--vram", "2MiB", "--eviction", "priority"];
    let both = report(&pattern, &options);
    assert_eq!((&both["cpu"]["budget_bytes"], &both["policy"]), (&(3 << 20).into(), &"priority".into()));
    assert_eq!(number(&both["gpu"]["budget_bytes"]) - beside(&both), 2 << 20);
}

#[test]
fn the_reserve_is_taken_off_before_the_share() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 4);
    // A machine that is the same on every run.
    let machine =
        format!(r#"{{"steps":[{{"at_secs":0,"available_bytes":{},"total_bytes":{}}}]}}"#, 8 * GIB, 16 * GIB);
    let trace = folder.path().join("trace.json");
    std::fs::write(&trace, machine).unwrap();
    for (reserve, wanted) in [("1GiB", 7 * GIB / 2), ("4GiB", 2 * GIB)] {
        let file = config(folder.path(), &format!("[memory]\nmem = \"50%\"\nreserve = \"{reserve}\"\n"));
        let report = report(&pattern, &["--config", text(&file), "--simulate-pressure", text(&trace)]);
        let budget = number(&report["cpu"]["budget_bytes"]);
        // What the player holds itself is added, so that the cache does not count against itself.
        assert!((wanted..wanted + (64 << 20)).contains(&budget), "{reserve}: {budget}, not {wanted}");
    }
}

#[test]
fn a_broken_file_is_2_and_says_where_and_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 2);
    for (contents, place, allowed) in [
        ("[memory]\nmem = \"much\"\n", "config.toml:2:", "24GiB"),
        ("[memory]\n\neviction = \"mru\"\n", "config.toml:3:", "next-use"),
        ("[memory]\nmem = \"12%\"\n", "config.toml:2:", "75%"),
        ("[decode]\nthreads = 0\n", "config.toml:2:", "1"),
        ("[memory]\nmem = \n", "config.toml:2:", "no TOML"),
        ("[memory.pressure]\nlow = 90\n", "config.toml", "rise"),
    ] {
        let file = config(folder.path(), contents);
        let output = run(&["bench", "playback", &pattern, "--config", text(&file)], 2);
        let said = stderr(&output);
        assert!(said.contains(place) && said.contains(allowed), "{contents}: {said}");
    }
    let missing = folder.path().join("none.toml");
    let output = run(&["bench", "playback", &pattern, "--config", text(&missing)], 2);
    assert!(stderr(&output).contains("none.toml"), "{}", stderr(&output));
}

#[test]
fn an_unknown_key_warns_and_the_rest_holds() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 2);
    let file = config(folder.path(), "[memory]\nmemm = \"1MiB\"\nmem = \"2MiB\"\n[later]\nkey = 1\n");
    let output = run(&["bench", "playback", &pattern, "--unpaced", "--json", "--config", text(&file)], 0);
    let said = stderr(&output);
    assert!(said.contains("memm") && said.contains("config.toml:2") && said.contains("later"), "{said}");
    assert_eq!(json(&output)["cpu"]["budget_bytes"], 2 << 20);
}

#[test]
fn the_users_own_file_is_read_unless_that_is_not_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 2);
    let home = folder.path().join("home/rushes");
    std::fs::create_dir_all(&home).unwrap();
    config(&home, "[memory]\nmem = \"much\"\n");
    let playback = |options: &[&str]| {
        let mut command = rushes();
        command.args(["bench", "playback", &pattern, "--unpaced", "--json"]).args(options);
        command.env("XDG_CONFIG_HOME", folder.path().join("home"));
        command
    };
    let said = stderr(&expect(&mut playback(&[]), 2));
    assert!(said.contains("config.toml:2:"), "{said}");
    expect(&mut playback(&["--no-config"]), 0);
    expect(&mut playback(&["--no-config", "--config", "x"]), 2);
}

/// A budget for so many frames of the tiny sequence, and the file that asks for it.
fn frames_budget(frames: u64) -> (f64, String) {
    let bytes = frames * FRAME_BYTES + (64 << 10);
    (bytes as f64, format!("[memory]\nmem = {bytes}\n"))
}

#[test]
fn a_running_player_follows_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 100);
    let ((large, many), (small, few)) = (frames_budget(40), frames_budget(10));
    let file = config(folder.path(), &many);
    let options = ["--unpaced", "--loops", "1000000", "--size", "64x36", "--vram", "200000"];
    let services = ["--metrics", "127.0.0.1:0", "--config", text(&file)];
    let running = Running::start(rushes().args(["bench", "playback", &pattern]).args(options).args(services));
    let address = running.metrics_address();
    let budget = |figures: &Figures| figures.of("rushes_player_mem_budget_bytes{tier=\"cpu\"}");
    let used = |figures: &Figures| figures.of("rushes_player_mem_used_bytes{tier=\"cpu\"}");
    let look = |what: &str, is_so: &dyn Fn(&Figures) -> bool| {
        wait_for(what, || match Figures::scrape(address) {
            Some(figures) if is_so(&figures) => Ok(figures),
            Some(figures) => Err(format!("{} of {} bytes", used(&figures), budget(&figures))),
            None => Err("503".into()),
        })
    };
    look("a full cache", &|figures| budget(figures) == large && used(figures) > small);
    config(folder.path(), &few);
    look("the smaller budget", &|figures| budget(figures) == small && used(figures) <= small);
    let before = look("what it costs", &|figures| used(figures) <= small);
    // The same again is another file with the same settings; figures are published once a second.
    config(folder.path(), &few);
    let ticks = |figures: &Figures| figures.of("rushes_ticks_total");
    let mut after = before.clone();
    for _ in 0..3 {
        after = look("a later second", &|figures| ticks(figures) > ticks(&after));
    }
    let over_budget = "rushes_cache_evictions_total{tier=\"cpu\",cause=\"over_budget\"}";
    assert_eq!(budget(&after), small);
    for series in [over_budget, "rushes_epoch"] {
        assert_eq!(after.of(series), before.of(series), "{series}");
    }
    config(folder.path(), "[memory]\nmem = \"much\"\n");
    let said = running.line_with("config.toml:2:");
    assert!(said.contains("24GiB"), "{said}");
    let kept = look("a later second", &|figures| ticks(figures) > ticks(&after));
    assert_eq!(budget(&kept), small, "a broken file changes nothing");
}
