use std::path::Path;

use clap::Parser;

use super::*;
use crate::cli::Interrupt;
use crate::cli::args::{Cli, CommandArgs, RenderArgs};
use crate::cli::render::begin;
use crate::encode::{DemoCodec, DemoOptions, write_demo_sequence};

const FRAMES: u32 = 6;

fn args(folder: &Path, output: &str, more: &[&str]) -> RenderArgs {
    let path = |name: &str| folder.join(name).into_os_string().into_string().unwrap();
    let (media, output) = (path("demo.####.exr"), path(output));
    let words = ["rushes", "render", &media, "-o", &output, "--no-config"];
    match Cli::try_parse_from(words.iter().chain(more)).unwrap().command {
        Some(CommandArgs::Render(args)) => args,
        other => panic!("{other:?}"),
    }
}

/// Where there is an adapter; `None`, after saying so, where there is none.
fn export(args: &RenderArgs) -> Option<Export> {
    match begin(args, &Interrupt { flag: std::sync::Arc::default() }) {
        Ok(export) => Some(export),
        Err(failure) if failure.code == Failure::NO_GPU && std::env::var_os("CI").is_none() => {
            eprintln!("SKIPPED: {}", failure.message);
            None
        }
        Err(failure) => panic!("{}", failure.message),
    }
}

fn demo() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let options = DemoOptions { width: 320, height: 180, frames: FRAMES, codec: DemoCodec::Zip };
    write_demo_sequence(folder.path(), &options, &mut |_, _| {}).unwrap();
    folder
}

fn written(folder: &Path, ending: &str) -> Vec<Vec<u8>> {
    let path = |number: u32| folder.join(ending.replace("####", &number.to_string()));
    (1001..1001 + FRAMES).map(|number| std::fs::read(path(number)).unwrap()).collect()
}

/// Loses the device when some frames are under way, twice, and expects the pictures of a run without a loss.
fn survives(whole: &str, lost: &str, more: &[&str]) {
    let folder = demo();
    let args_of_whole = args(folder.path(), whole, more);
    let Some(export_of_whole) = export(&args_of_whole) else { return };
    export_of_whole.run().unwrap();
    let args_of_lost = args(folder.path(), lost, more);
    let Some(mut export) = export(&args_of_lost) else { return };
    for _ in 0..2 {
        for _ in 0..2 {
            let position = export.next_position().unwrap();
            export.render(position).unwrap();
        }
        assert!(!export.under_way.is_empty(), "a canvas is on its way");
        export.headless.stage.gpu().device.destroy();
        while !export.headless.stage.is_lost() {
            export.headless.stage.gpu().poll();
        }
    }
    export.run().unwrap();
    assert_eq!(written(folder.path(), lost), written(folder.path(), whole));
}

#[test]
fn frames_that_went_with_a_device_are_drawn_again() {
    survives("whole.####.png", "lost.####.png", &[]);
}

#[test]
fn raw_frames_that_went_with_a_device_are_drawn_again() {
    survives("whole.####.exr", "lost.####.exr", &["--raw"]);
}

#[test]
fn what_is_under_way_is_bounded() {
    let folder = demo();
    let args = args(folder.path(), "out.####.png", &[]);
    let Some(mut export) = export(&args) else { return };
    // As if each frame took more than all of them may.
    export.frame_bytes = IN_FLIGHT_BYTES;
    while let Some(position) = export.next_position() {
        export.render(position).unwrap();
        export.frame_bytes = IN_FLIGHT_BYTES;
        assert!(export.in_flight <= IN_FLIGHT_MIN, "{} frames are under way", export.in_flight);
    }
    export.run().unwrap();
}
