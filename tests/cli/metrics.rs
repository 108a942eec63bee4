//! Metrics: the port that serves them, and the file that holds them.

use std::net::{SocketAddr, TcpListener};

use serde_json::Value;

use super::support::program::{json, number, run, rushes, stderr, text, tiny_sequence};
use super::support::running::{Running, wait_for};
use super::support::scrape::{Figures, get, request};

const SHOWN: &str = "rushes_frames_shown_total";
const LEVELS: [&str; 6] = ["none", "low", "moderate", "high", "critical", "emergency"];

/// A program that plays until it is dropped, and where its metrics are.
fn player(pattern: &str, options: &[&str]) -> (Running, SocketAddr) {
    let playback = ["bench", "playback", pattern, "--loops", "1000000", "--size", "64x36"];
    let running = Running::start(rushes().args(playback).args(["--metrics", "127.0.0.1:0"]).args(options));
    let address = running.metrics_address();
    (running, address)
}

fn first_figures(address: SocketAddr) -> Figures {
    wait_for("the first figures", || Figures::scrape(address).ok_or_else(|| "503".into()))
}

#[test]
fn counters_only_grow_while_it_plays() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 8);
    let (mut running, address) = player(&pattern, &[]);
    let mut before = first_figures(address);
    assert!(before.counter_count() > 50, "{} counters", before.counter_count());
    for _ in 0..3 {
        let shown = before.of(SHOWN);
        let later = wait_for("another second", || {
            let later = Figures::scrape(address).ok_or("503")?;
            if later.of(SHOWN) > shown { Ok(later) } else { Err(format!("{shown} frames shown")) }
        });
        assert_eq!(before.fallen(&later), Vec::<String>::new());
        before = later;
    }
    assert_eq!(before.of("rushes_playback_playing"), 1.0);
    assert!(running.is_running());
}

#[test]
fn strangers_and_other_methods_are_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 4);
    let (_running, address) = player(&pattern, &[]);
    first_figures(address);
    let ask = |method: &str, host: &str| {
        request(address, &format!("{method} /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    };
    let own = address.to_string();
    let foreign = ask("GET", "example.com");
    assert_eq!((foreign.status, foreign.body.contains("rushes_")), (421, false), "{}", foreign.body);
    let posted = ask("POST", &own);
    assert_eq!(posted.status, 405);
    assert!(posted.head.contains("Allow: GET, HEAD"), "{}", posted.head);
    assert_eq!(ask("GET", &format!("localhost:{}", address.port())).status, 200);
    assert_eq!(request(address, &format!("GET /other HTTP/1.1\r\nHost: {own}\r\n\r\n")).status, 404);
}

#[test]
fn a_token_opens_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 4);
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let (_running, address) = player(&pattern, &["--metrics-token", text(&token)]);
    let with = |token: &str| get(address, &format!("Authorization: Bearer {token}\r\n"));
    let opened = wait_for("figures", || match with("s3cret") {
        reply if reply.status == 503 => Err(reply.body),
        reply => Ok(reply),
    });
    assert_eq!(opened.status, 200);
    assert!(Figures::parse(&opened.body).of(SHOWN) >= 0.0);
    for refused in [get(address, ""), with("s3cre"), with("s3cret2"), with("")] {
        assert_eq!((refused.status, refused.body.contains("rushes_")), (401, false), "{}", refused.head);
    }
}

#[test]
fn what_other_machines_could_read_needs_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 2);
    for options in [&["--metrics", "0.0.0.0:0"][..], &["--metrics", "0.0.0.0:0", "--metrics-public"]] {
        let output = run(&[&["bench", "playback", &pattern, "--unpaced"], options].concat(), 2);
        assert!(stderr(&output).contains("--metrics-token"), "{}", stderr(&output));
    }
    let missing = folder.path().join("no-token");
    let options = ["--metrics", "127.0.0.1:0", "--metrics-token", text(&missing)];
    let output = run(&[&["bench", "playback", &pattern], &options[..]].concat(), 2);
    assert!(stderr(&output).contains("no-token"), "{}", stderr(&output));
}

#[test]
fn a_port_in_use_is_said_and_playback_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 4);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let options = ["bench", "playback", &pattern, "--unpaced", "--json", "--metrics", &address];
    let output = run(&options, 0);
    assert!(stderr(&output).contains("no metrics are served") && stderr(&output).contains(&address));
    assert_eq!(json(&output)["presented"], 4);
}

/// Where a number stands in the report, and the series that has to say the same.
fn pairs(report: &Value) -> Vec<(u64, String)> {
    let mut pairs = plain_pairs(report);
    for tier in ["cpu", "gpu"] {
        tier_pairs(report, tier, &mut pairs);
    }
    pairs
}

fn plain_pairs(report: &Value) -> Vec<(u64, String)> {
    let mut pairs = Vec::new();
    let mut add = |value: &Value, series: &str| pairs.push((number(value), series.to_string()));
    for (field, series) in [
        ("presented", SHOWN),
        ("late", "rushes_frames_late_total"),
        ("dropped", "rushes_frames_dropped_total"),
        ("held", "rushes_frames_held_total"),
        ("device_lost", "rushes_gpu_device_lost_total"),
        ("epochs", "rushes_epoch"),
    ] {
        add(&report[field], series);
    }
    for field in ["requested", "ok", "error", "degraded", "cancelled", "stale", "refused"] {
        add(&report["decode"][field], &format!("rushes_decode_{field}_total"));
    }
    add(&report["gpu"]["uploads"], "rushes_upload_frames_total");
    add(&report["gpu"]["upload_bytes"], "rushes_upload_bytes_total");
    add(&report["leaks"]["checks"], "rushes_leak_checks_total");
    add(&report["leaks"]["mismatches"], "rushes_leak_mismatches_total");
    add(&report["memory"]["purges"], "rushes_allocator_purges_total");
    add(&report["memory"]["total_bytes"], "rushes_memory_total_bytes");
    add(&report["memory"]["available_bytes"], "rushes_memory_available_bytes");
    pairs
}

fn tier_pairs(report: &Value, tier: &str, pairs: &mut Vec<(u64, String)>) {
    let label = format!("tier=\"{tier}\"");
    for (field, name) in [
        ("budget_bytes", "rushes_player_mem_budget_bytes"),
        ("charged_bytes", "rushes_player_mem_used_bytes"),
        ("charged_peak_bytes", "rushes_player_mem_peak_bytes"),
        ("overdraft_bytes", "rushes_player_mem_overdraft_bytes"),
        ("resident_frames", "rushes_cache_resident_frames"),
        ("hits", "rushes_cache_hits_total"),
        ("misses", "rushes_cache_misses_total"),
        ("inserts", "rushes_cache_inserts_total"),
        ("refused", "rushes_cache_denied_total"),
    ] {
        pairs.push((number(&report[tier][field]), format!("{name}{{{label}}}")));
    }
    let mut add_all = |values: &Value, name: &str, key: &str, read: fn(&Value) -> &Value| {
        for (of, value) in values.as_object().expect("named values") {
            pairs.push((number(read(value)), format!("{name}{{{label},{key}=\"{of}\"}}")));
        }
    };
    add_all(&report[tier]["evictions"], "rushes_cache_evictions_total", "cause", |count| count);
    add_all(&report["by_component"][tier], "rushes_player_mem_charged_bytes", "component", |bytes| bytes);
    add_all(&report["by_class"][tier], "rushes_cache_frames", "class", |sum| &sum["frames"]);
    add_all(&report["by_class"][tier], "rushes_cache_bytes", "class", |sum| &sum["bytes"]);
    let pressure = if tier == "gpu" { &report["pressure"]["gpu"] } else { &report["pressure"] };
    for (field, name) in
        [("level", "rushes_player_mem_pressure_state"), ("peak", "rushes_player_mem_pressure_peak_state")]
    {
        let level = LEVELS.iter().position(|level| pressure[field] == **level).expect("a level");
        pairs.push((level as u64, format!("{name}{{{label}}}")));
    }
}

#[test]
fn the_file_says_what_the_report_of_the_same_run_says() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 40);
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("rushes.prom");
    let budgets = ["--mem", "400000", "--vram", "200000", "--metrics-file", text(&file)];
    let playback = ["bench", "playback", &pattern, "--loops", "3", "--unpaced", "--size", "64x36", "--json"];
    let report = json(&run(&[&playback[..], &budgets].concat(), 0));
    let figures = Figures::of_file(&file);
    for tier in ["cpu", "gpu"] {
        let made_room = number(&report[tier]["evictions"]["made_room"]);
        assert!(made_room > 0, "nothing left tier {tier}, so the run shows little");
    }
    let pairs = pairs(&report);
    assert!(pairs.len() > 80, "only {} figures are compared", pairs.len());
    for (wanted, series) in pairs {
        assert_eq!(figures.of(&series), wanted as f64, "{series}");
    }
    let there: Vec<_> = std::fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(there, [file], "something was left beside it");
}
