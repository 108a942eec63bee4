//! Runs the built program and keeps what it said.

use std::path::Path;
use std::process::{Command, Output};

use rushes::encode::{DemoCodec, DemoOptions, FIRST_DEMO_FRAME, write_demo_sequence};
use serde_json::Value;

/// The built program, headless whatever the desktop, without the settings of whoever runs the tests.
pub fn rushes() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("OCIO");
    // Without one, drivers complain on stderr.
    command.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    command.env("XDG_CONFIG_HOME", std::env::temp_dir().join("rushes-has-no-settings-here"));
    command
}

/// Runs with arguments and expects an exit code.
pub fn run(arguments: &[&str], code: i32) -> Output {
    expect(rushes().args(arguments), code)
}

pub fn expect(command: &mut Command, code: i32) -> Output {
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?} said: {said}");
    output
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path of plain characters")
}

/// A small synthetic sequence in a folder of its own; returns its pattern.
pub fn demo_sequence(folder: &Path, frames: u32) -> String {
    sequence_of(folder, 320, 180, frames)
}

/// One of 64x36 pixels, for tests of many frames; frame 1001 is the first.
pub fn tiny_sequence(folder: &Path, frames: u32) -> String {
    sequence_of(folder, 64, 36, frames)
}

/// One of 4096x2160 pixels whose frames all show the same picture; only the first is painted.
pub fn large_sequence(folder: &Path, frames: u32) -> String {
    let pattern = sequence_of(folder, 4096, 2160, 1);
    let file = |index| folder.join(format!("demo.{}.exr", FIRST_DEMO_FRAME + index));
    for index in 1..frames {
        std::fs::hard_link(file(0), file(index)).expect("another name for the frame");
    }
    pattern
}

fn sequence_of(folder: &Path, width: u32, height: u32, frames: u32) -> String {
    let options = DemoOptions { width, height, frames, codec: DemoCodec::Zip };
    write_demo_sequence(folder, &options, &mut |_, _| {}).expect("the demo is written");
    folder.join("demo.####.exr").to_str().expect("plain characters").to_string()
}

/// A number of a report; it has to be there and whole.
pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a whole number was expected, found {value}"))
}

/// A field of every pass of a playback report.
pub fn of_passes(report: &Value, field: &str) -> Vec<u64> {
    let passes = report["passes"].as_array().expect("the passes");
    passes.iter().map(|pass| number(&pass[field])).collect()
}
