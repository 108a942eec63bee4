//! What the texts hold, in both formats.

use std::sync::Arc;

use super::exposition::{Exposition, read};
use super::sample::{HOSTILE, snapshot};
use crate::frame::EvictionCause;
use crate::metrics::{Feed, Format, ProcessFigures, render};
use crate::stats::{FrameClass, MemoryStatus, PressureLevel, Snapshot, VoteSource};

const FORMATS: [Format; 2] = [Format::Plain, Format::OpenMetrics];

const PROCESS: ProcessFigures = ProcessFigures {
    cpu_secs: Some(1.5),
    open_fds: Some(12),
    threads: Some(9),
    start_time_secs: Some(1_700_000_000.25),
    rss_bytes: Some(1 << 30),
    vms_bytes: Some(1 << 34),
};

fn read_back(snapshot: &Snapshot, format: Format) -> Exposition {
    let text = render(snapshot, &PROCESS, format);
    read(&text, format).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

/// A snapshot whose memory was changed.
fn with_memory(change: impl FnOnce(&mut MemoryStatus)) -> Snapshot {
    let mut changed = snapshot(1, "a");
    change(Arc::make_mut(&mut changed.memory));
    changed
}

#[test]
fn both_formats_are_in_order_and_hold_the_same_samples() {
    let [plain, open] = FORMATS.map(|format| read_back(&snapshot(3, "a"), format));
    assert_eq!(plain.samples, open.samples);
    assert!(plain.names.len() >= 30, "{}", plain.names.len());
}

#[test]
fn every_name_is_ours_or_of_the_process() {
    let plain = read_back(&snapshot(3, "a"), Format::Plain);
    for name in &plain.names {
        assert!(name.starts_with("rushes_") || name.starts_with("process_"), "{name}");
    }
}

#[test]
fn the_promised_names_are_there() {
    let plain = read_back(&snapshot(3, "a"), Format::Plain);
    let promised = "player_mem_charged_bytes player_mem_budget_bytes player_mem_pressure_state \
        player_mem_pressure_transitions_total player_mem_pressure_vote player_mem_peak_bytes \
        player_mem_overdraft_bytes player_mem_slack_ratio cache_hits_total cache_misses_total \
        cache_inserts_total cache_evictions_total cache_denied_total cache_resident_frames cache_frames \
        cache_bytes decode_requested_total decode_ok_total decode_error_total decode_degraded_total \
        decode_cancelled_total decode_stale_total decode_refused_total decode_seconds upload_frames_total \
        upload_bytes_total upload_seconds frames_shown_total frames_late_total frames_dropped_total \
        frames_held_total loops_total preload_in_flight epoch gpu_device_lost_total cleaner_runs_total \
        cleaner_freed_bytes_total cleaner_mismatch_bytes_total alerts_total leak_checks_total \
        leak_mismatches_total rss_slope_bytes_per_second memory_total_bytes memory_available_bytes \
        memory_used_bytes cgroup_limit_bytes stall_some_seconds_total stall_full_seconds_total clips \
        allocator_purges_total build_info";
    for name in promised.split_ascii_whitespace() {
        assert!(plain.names.contains(&format!("rushes_{name}")), "{name}");
    }
    let process =
        "cpu_seconds_total resident_memory_bytes virtual_memory_bytes open_fds threads start_time_seconds";
    for name in process.split_ascii_whitespace() {
        assert!(plain.names.contains(&format!("process_{name}")), "{name}");
    }
}

#[test]
fn values_are_those_of_the_snapshot() {
    let plain = read_back(&snapshot(3, "a"), Format::Plain);
    for (series, value) in [
        (r#"rushes_cache_hits_total{"tier": "cpu"}"#, "30"),
        (r#"rushes_cache_hits_total{"tier": "gpu"}"#, "60"),
        (r#"rushes_cache_evictions_total{"cause": "made_room", "tier": "cpu"}"#, "3"),
        (r#"rushes_player_mem_budget_bytes{"tier": "cpu"}"#, "8589934592"),
        (r#"rushes_player_mem_charged_bytes{"component": "scratch", "tier": "gpu"}"#, "0"),
        (r#"rushes_player_mem_pressure_state{"tier": "cpu"}"#, "2"),
        (r#"rushes_player_mem_pressure_transitions_total{"from": "none", "tier": "cpu", "to": "high"}"#, "3"),
        (r#"rushes_player_mem_pressure_transitions_total{"from": "high", "tier": "cpu", "to": "none"}"#, "0"),
        (r#"rushes_decode_seconds{"quantile": "0.99"}"#, "0.04125"),
        (r#"rushes_decode_seconds{"quantile": "1.0"}"#, "0.099"),
        (r#"rushes_stall_some_seconds_total{}"#, "3.703701"),
        (r#"rushes_player_mem_uncharged_bytes{}"#, "-5.0"),
        (r#"rushes_playback_target_frames_per_second{}"#, "48.0"),
        (r#"rushes_playback_playing{}"#, "1"),
        (r#"rushes_cleaner_freed_bytes_total{"cleaner": "slack"}"#, "3145728"),
        (r#"rushes_cache_policy_info{"policy": "next-use"}"#, "1"),
        (r#"rushes_clips{}"#, "3"),
        (r#"process_cpu_seconds_total{}"#, "1.5"),
        (r#"process_resident_memory_bytes{}"#, "1073741824"),
    ] {
        assert_eq!(plain.value(series), value, "{series}");
    }
}

#[test]
fn counters_are_exact_where_a_float_is_not() {
    let mut large = snapshot(1, "a");
    large.upload_bytes = (1 << 53) + 1;
    large.decode.ok = u64::MAX;
    for format in FORMATS {
        let text = read_back(&large, format);
        assert_eq!(text.value("rushes_upload_bytes_total{}"), "9007199254740993");
        assert_eq!(text.value("rushes_decode_ok_total{}"), "18446744073709551615");
    }
}

#[test]
fn counters_grow_with_the_snapshot_and_no_series_goes() {
    let [before, after] = [3, 4].map(|scale| read_back(&snapshot(scale, "a"), Format::Plain));
    let mut grown = 0;
    for (series, value) in &before.samples {
        let [earlier, later] = [value, after.value(series)].map(|value| value.parse::<f64>().unwrap());
        assert!(!before.is_counter(series) || later >= earlier, "{series}: {earlier}, then {later}");
        grown += usize::from(before.is_counter(series) && later > earlier);
    }
    assert_eq!(before.samples.len(), after.samples.len());
    assert!(grown > 60, "{grown} counters grew");
}

#[test]
fn what_is_opened_changes_neither_series_nor_labels() {
    for format in FORMATS {
        let [plain, hostile] = ["a", HOSTILE].map(|name| read_back(&snapshot(3, name), format));
        assert_eq!(plain.samples, hostile.samples);
        assert_eq!(plain.labels, hostile.labels);
    }
}

#[test]
fn ten_thousand_clips_have_no_more_series_than_one() {
    let one = with_memory(|_| {});
    let many = with_memory(|memory| memory.clips = vec![memory.clips[0].clone(); 10_000].into());
    assert_eq!(read_back(&one, Format::Plain).samples, read_back(&many, Format::Plain).samples);
}

#[test]
fn labels_take_their_values_from_short_lists() {
    let labels = read_back(&snapshot(3, "a"), Format::Plain).labels;
    let expect = |label: &str, count| assert_eq!(labels[label].len(), count, "{:?}", labels[label]);
    let bounded = [
        ("tier", 2),
        ("class", FrameClass::ALL.len()),
        ("source", VoteSource::ALL.len()),
        ("level", PressureLevel::ALL.len()),
        ("from", PressureLevel::ALL.len()),
        ("to", PressureLevel::ALL.len()),
        ("cause", EvictionCause::ALL.len()),
        ("component", 3),
        ("cleaner", 2),
        ("quantile", 4),
        ("version", 1),
        ("policy", 1),
    ];
    bounded.into_iter().for_each(|(label, count)| expect(label, count));
    assert_eq!(labels.len(), bounded.len(), "{:?}", labels.keys());
}

#[test]
fn label_values_are_escaped() {
    let odd = with_memory(|memory| memory.policy = "a\"b\\c\nd");
    for format in FORMATS {
        assert_eq!(read_back(&odd, format).labels["policy"].first().unwrap(), "a\"b\\c\nd");
    }
}

#[test]
fn equal_names_of_components_and_cleaners_are_added_up() {
    let twins = with_memory(|memory| {
        memory.cpu.by_component = vec![("frames", 1), ("slabs", 5), ("frames", 2)];
        memory.cleaners[1].name = memory.cleaners[0].name;
    });
    let text = read_back(&twins, Format::Plain);
    let series = r#"rushes_player_mem_charged_bytes{"component": "frames", "tier": "cpu"}"#;
    assert_eq!(text.value(series), "3");
    assert_eq!(text.value(r#"rushes_cleaner_runs_total{"cleaner": "thumbnails"}"#), "2");
}

#[test]
fn what_is_unknown_is_absent() {
    let mut silent = snapshot(1, "a");
    silent.memory = Arc::default();
    silent.transport.fps_actual = None;
    silent.clip = None;
    for format in FORMATS {
        let text = render(&silent, &ProcessFigures::default(), format);
        let read_text = read(&text, format).unwrap();
        assert_eq!(read_text.value("rushes_clips{}"), "0");
        for name in ["rushes_cgroup_limit", "rushes_stall", "rushes_rss_slope", "process_", "_vote", "policy"]
        {
            assert!(!text.contains(name), "{name}");
        }
    }
}

#[test]
fn the_sampled_size_stands_in_where_the_system_does_not_tell() {
    let text = render(&snapshot(1, "a"), &ProcessFigures::default(), Format::Plain);
    let size = format!("\nprocess_resident_memory_bytes {}\n", 1_u64 << 33);
    assert!(text.contains(&size), "{text}");
}

#[test]
fn what_is_no_number_is_left_out() {
    let broken = with_memory(|memory| {
        memory.slack_fraction = f64::NAN;
        memory.alloc_bytes_per_s = f64::INFINITY;
        memory.cpu_pressure.fraction = f64::NEG_INFINITY;
    });
    let text = read_back(&broken, Format::OpenMetrics);
    assert!(!text.names.contains("rushes_player_mem_slack_ratio"));
    assert!(!text.names.contains("rushes_player_mem_alloc_bytes_per_second"));
    let ratios = text.samples.keys().filter(|series| series.starts_with("rushes_player_mem_pressure_ratio"));
    assert_eq!(ratios.count(), 1);
}

#[test]
fn the_feed_gives_what_came_last_to_all_its_handles() {
    let feed = Feed::default();
    let other = feed.clone();
    assert!(other.latest().is_none());
    feed.publish(Arc::new(snapshot(1, "a")));
    let kept = other.latest().unwrap();
    feed.publish(Arc::new(snapshot(2, "a")));
    assert_eq!((kept.epoch, other.latest().unwrap().epoch), (1, 2));
}
