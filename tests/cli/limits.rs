//! Little memory: a limited address space, and a control group that is smaller than the clip.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::support::program::{expect, json, large_sequence, number, rushes, stderr, tiny_sequence};
use super::support::skip;

const MIB: u64 = 1 << 20;
/// A frame of 4096x2160 half floats in three channels.
const FRAME_BYTES: u64 = 4096 * 2160 * 6;

/// The program started by a shell that does something to itself first. No dump is written if it crashes, and one that
/// waits for memory for ever is ended, with 124.
fn after(setup: &str, arguments: &[&str]) -> Command {
    let program = rushes();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -c 0; {setup} && exec timeout 300 \"$0\" \"$@\"")]);
    command.arg(program.get_program()).args(arguments);
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn playback(pattern: &str) -> [&str; 7] {
    ["bench", "playback", pattern, "--loops", "2", "--unpaced", "--json"]
}

#[test]
fn large_frames_play_in_a_small_address_space() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = large_sequence(folder.path(), 6);
    for mib in [1536, 2048, 4096] {
        let report = json(&expect(&mut after(&format!("ulimit -v {}", mib * 1024), &playback(&pattern)), 0));
        assert_eq!(report["presented"], 12, "{mib} MiB");
        let failed = (&report["decode"]["error"], &report["gpu"]["refused"], &report["device_lost"]);
        assert_eq!(failed, (&0.into(), &0.into(), &0.into()), "{mib} MiB");
        let mapped = number(&report["memory"]["vms_bytes"]);
        assert!(mapped <= mib * MIB, "{mib} MiB: {mapped} bytes are mapped");
    }
}

#[test]
fn what_is_too_small_to_start_in_ends_with_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = tiny_sequence(folder.path(), 4);
    let mut codes = Vec::new();
    for mib in [768, 512, 384, 256, 192, 128, 96] {
        let output =
            after(&format!("ulimit -v {}", mib * 1024), &playback(&pattern)).output().expect("a shell");
        let said = stderr(&output);
        // Killed by a signal, it would have no code.
        let code = output.status.code().unwrap_or_else(|| panic!("{mib} MiB: {}: {said}", output.status));
        match code {
            0 => assert_eq!(json(&output)["presented"], 8, "{mib} MiB"),
            1 | 5 => assert!(said.contains("rushes: "), "{mib} MiB: {said}"),
            // The system has no room for the libraries of movies, and says so before the program begins.
            127 => assert!(said.contains("shared libraries"), "{mib} MiB: {said}"),
            other => panic!("{mib} MiB: exit code {other}: {said}"),
        }
        codes.push(code);
    }
    assert!(codes.contains(&0), "768 MiB are enough for a small clip: {codes:?}");
}

/// A control group for memory below the own one, which goes when this is dropped.
struct Group {
    folder: PathBuf,
}

impl Group {
    /// None, after saying so, where this process may not make one.
    fn of_bytes(test: &str, bytes: u64) -> Option<Self> {
        let made = own_groups().into_iter().find_map(|(parent, limit)| Self::make(&parent, limit, bytes));
        if made.is_none() {
            skip(test, "no control group for memory can be made here");
        }
        made
    }

    fn make(parent: &Path, limit: &str, bytes: u64) -> Option<Self> {
        let group = Self { folder: parent.join(format!("rushes-test-{}-{bytes}", std::process::id())) };
        std::fs::create_dir(&group.folder).ok()?;
        // Without the file the group does not control memory; creating it would be refused as well.
        let limit = group.folder.join(limit);
        (limit.exists() && std::fs::write(limit, bytes.to_string()).is_ok()).then_some(group)
    }

    fn enter(&self) -> String {
        format!("echo $$ > '{}'", self.folder.join("cgroup.procs").display())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// The folders of the own groups that may control memory, with the name of the file for the limit.
fn own_groups() -> Vec<(PathBuf, &'static str)> {
    let membership = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let line = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?.trim_start_matches('/'));
        match controllers.split(',').any(|name| name == "memory") {
            true => Some((Path::new("/sys/fs/cgroup/memory").join(path), "memory.limit_in_bytes")),
            false if controllers.is_empty() => Some((Path::new("/sys/fs/cgroup").join(path), "memory.max")),
            false => None,
        }
    };
    membership.lines().filter_map(line).collect()
}

/// What a run takes that has a device and next to no clip.
fn base_bytes(folder: &Path) -> u64 {
    let pattern = tiny_sequence(folder, 2);
    let report: Value = json(&expect(rushes().args(playback(&pattern)), 0));
    number(&report["rss_peak_bytes"])
}

#[test]
fn a_control_group_smaller_than_the_clip_is_no_reason_to_die() {
    let test = "a_control_group_smaller_than_the_clip_is_no_reason_to_die";
    let (small, large) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let frames = 20;
    let base = base_bytes(small.path());
    let Some(probe) = Group::of_bytes(test, base + frames * FRAME_BYTES) else { return };
    drop(probe);
    let pattern = large_sequence(large.path(), frames as u32);
    // Half of what the clip needs is enough for the usual budgets; less is enough for a smaller ring of textures.
    for (part, options) in [(2, &[][..]), (4, &["--vram", "64MiB"][..])] {
        let bytes = base + frames * FRAME_BYTES / part;
        let Some(group) = Group::of_bytes(test, bytes) else { return };
        let arguments = [&playback(&pattern), options].concat();
        let report = json(&expect(&mut after(&group.enter(), &arguments), 0));
        assert_eq!((number(&report["presented"]), number(&report["decode"]["error"])), (2 * frames, 0));
        assert!(
            number(&report["cpu"]["budget_bytes"]) < bytes,
            "the group is not seen: {}",
            report["memory"]
        );
        // The kernel rounds to whole pages.
        let limit = number(&report["memory"]["cgroup_limit_bytes"]);
        assert!(limit <= bytes && limit + (64 << 10) > bytes, "{limit} bytes instead of {bytes}");
    }
}
