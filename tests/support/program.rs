//! Runs the built program and keeps what it said.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The built program, headless whatever the desktop, without the settings of whoever runs the tests.
pub fn rushes() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rushes"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("OCIO");
    command.env("XDG_CONFIG_HOME", "/nonexistent");
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
    let options = rushes::encode::DemoOptions {
        width: 320,
        height: 180,
        frames,
        codec: rushes::encode::DemoCodec::Zip,
    };
    rushes::encode::write_demo_sequence(folder, &options, &mut |_, _| {}).expect("the demo is written");
    folder.join("demo.####.exr").to_str().expect("plain characters").to_string()
}
