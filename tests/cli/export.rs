//! `render` as a run that may end early: what is on disk is whole, a second run goes on where the first one ended, and
//! messages come in the order of the frames.

use std::path::Path;
use std::process::Stdio;

use super::support::program::{demo_sequence, expect, run, rushes, stderr, text};
use super::support::running::wait_for;

const FRAMES: u32 = 8;

/// The files of a folder, in order: pictures under their own names, and what a run has not finished.
fn pictures_and_unfinished(folder: &Path) -> (Vec<String>, Vec<String>) {
    let entries = std::fs::read_dir(folder).expect("the folder").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().into_string().expect("plain names")).collect();
    names.sort();
    names.into_iter().partition(|name| !name.starts_with('.'))
}

fn read_all(folder: &Path, names: &[String]) -> Vec<Vec<u8>> {
    names.iter().map(|name| std::fs::read(folder.join(name)).expect("a picture")).collect()
}

#[test]
fn existing_pictures_are_left_alone_and_the_others_written() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 4);
    let out = tempfile::tempdir().unwrap();
    let output = out.path().join("out.####.png");
    std::fs::write(out.path().join("out.1002.png"), b"mine").unwrap();
    run(&["render", &pattern, "-o", text(&output), "--skip-existing"], 0);
    let (pictures, unfinished) = pictures_and_unfinished(out.path());
    assert_eq!(pictures, [1001, 1002, 1003, 1004].map(|number| format!("out.{number}.png")));
    assert!(unfinished.is_empty(), "{unfinished:?}");
    assert_eq!(std::fs::read(out.path().join("out.1002.png")).unwrap(), b"mine");
    assert!(image::open(out.path().join("out.1003.png")).is_ok());
    let again = run(&["render", &pattern, "-o", text(&output), "--skip-existing"], 0);
    assert_eq!(stderr(&again), "");
}

#[test]
fn nothing_but_messages_goes_to_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 2);
    let out = folder.path().join("out.####.png");
    let output = run(&["render", &pattern, "-o", text(&out)], 0);
    assert_eq!((output.stdout.len(), stderr(&output)), (0, String::new()));
}

#[test]
fn messages_come_in_the_order_of_the_frames() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), FRAMES);
    for number in [1002, 1005, 1008] {
        std::fs::write(folder.path().join(format!("demo.{number}.exr")), b"garbage").unwrap();
    }
    std::fs::remove_file(folder.path().join("demo.1004.exr")).unwrap();
    let out = folder.path().join("out.####.png");
    let said = stderr(&run(&["render", &pattern, "-o", text(&out)], 4));
    let frames: Vec<&str> = said.lines().filter_map(|line| line.split("frame ").nth(1)?.get(..4)).collect();
    assert_eq!(frames, ["1002", "1004", "1005", "1008"], "{said}");
}

#[test]
fn what_cannot_be_written_is_1_and_names_the_first_such_frame() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 4);
    let out = tempfile::tempdir().unwrap();
    for number in [1002, 1003] {
        std::fs::create_dir(out.path().join(format!("out.{number}.png"))).unwrap();
    }
    let said = stderr(&run(&["render", &pattern, "-o", text(&out.path().join("out.####.png"))], 1));
    assert!(said.contains("frame 1002: cannot write"), "{said}");
    let (_, unfinished) = pictures_and_unfinished(out.path());
    assert!(unfinished.is_empty(), "{unfinished:?}");
}

/// Starts a run, ends it with a signal once it has written something, and expects the rest of it to come with
/// `--skip-existing`.
#[cfg(unix)]
fn end_and_resume(signal: &str, code: Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let pattern = super::support::program::large_sequence(folder.path(), FRAMES);
    let (out, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let arguments = |folder: &Path| {
        let output = folder.join("out.####.png");
        ["render", &pattern, "--size", "1920x1012", "-o", text(&output)].map(String::from)
    };
    let mut child = rushes().args(arguments(out.path())).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the first picture", || match pictures_and_unfinished(out.path()).0.len() {
        0 => Err("no picture".into()),
        _ => Ok(()),
    });
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), code, "{signal}");
    let (there, unfinished) = pictures_and_unfinished(out.path());
    assert!(code.is_none() || unfinished.is_empty(), "{unfinished:?}");
    expect(rushes().args(arguments(whole.path())), 0);
    assert_eq!(read_all(out.path(), &there), read_all(whole.path(), &there), "what is there is whole");
    expect(rushes().args(arguments(out.path())).arg("--skip-existing"), 0);
    let (all, _) = pictures_and_unfinished(whole.path());
    assert_eq!((pictures_and_unfinished(out.path()).0.len(), all.len()), (FRAMES as usize, FRAMES as usize));
    assert_eq!(read_all(out.path(), &all), read_all(whole.path(), &all));
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_nothing_that_looks_finished() {
    end_and_resume("-KILL", None);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing_unfinished() {
    end_and_resume("-INT", Some(130));
}
