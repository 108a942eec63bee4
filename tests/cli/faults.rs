//! Bad disks: reads that fail. The faults are counted, so that a test without faults fails.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::program::{demo_sequence, expect, json, run, rushes, stderr, text};
use super::support::{skip, tool};

/// The injector as a library, where there is a compiler for it.
fn injector(test: &str, folder: &Path) -> Option<PathBuf> {
    let source = tool(test, "faulty_read.c")?;
    let library = folder.join("faulty_read.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", text(&library), text(&source), "-ldl"])
        .status()
        .is_ok_and(|status| status.success());
    if !built {
        skip(test, "the fault injector could not be compiled");
    }
    built.then_some(library)
}

#[cfg(target_os = "linux")]
#[test]
fn failing_reads_are_slates_and_playback_goes_on() {
    let test = "failing_reads_are_slates_and_playback_goes_on";
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = injector(test, folder.path()) else { return };
    let pattern = demo_sequence(folder.path(), 8);
    let report = folder.path().join("faults");
    let output = expect(
        rushes()
            .args(["bench", "playback", &pattern, "--loops", "2", "--unpaced", "--json"])
            .env("LD_PRELOAD", &library)
            .env("FAULT_MATCH", "demo.100")
            .env("FAULT_ERRNO", "5")
            .env("FAULT_AFTER", "12")
            .env("FAULT_REPORT", &report),
        0,
    );
    let injected: u32 = std::fs::read_to_string(&report).unwrap().trim().parse().unwrap();
    assert!(injected > 0, "no fault was injected");
    let played = json(&output);
    assert!(played["decode"]["error"].as_u64() > Some(0), "no frame failed: {played}");
    assert_eq!(played["presented"], 16);
}

#[test]
fn an_incomplete_frame_is_written_and_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let pattern = demo_sequence(folder.path(), 1);
    let frame = std::fs::read_dir(Path::new(&pattern).parent().expect("a folder"))
        .expect("the frames")
        .map(|entry| entry.expect("an entry").path())
        .next()
        .expect("a frame");
    let bytes = std::fs::read(&frame).expect("a frame");
    std::fs::write(&frame, &bytes[..bytes.len() * 2 / 3]).expect("half a frame");
    let out = folder.path().join("out.png");
    let output = run(&["render", "--single", text(&frame), "-o", text(&out)], 4);
    let said = stderr(&output);
    assert!(said.contains("rows have no data") && said.contains("1 of 1 frames are incomplete"), "{said}");
    assert!(out.metadata().expect("the picture").len() > 0);
}
