//! `compare`: exit codes, lines, JSON and difference pictures, without a GPU.

use std::path::{Path, PathBuf};
use std::process::Command;

use half::f16;
use rushes::encode::{
    DemoCodec, DemoOptions, ExrPicture, Picture, PictureChannel, Samples, demo_frame, write_picture,
};
use serde_json::json;

use super::support::program::{demo_sequence, expect, json, large_sequence, number, rushes, stderr, text};

fn compare(arguments: &[&str], code: i32) -> std::process::Output {
    // No driver is found: comparing is for machines without any.
    let no_gpu = [
        ("VK_ICD_FILENAMES", "/nonexistent"),
        ("VK_DRIVER_FILES", "/nonexistent"),
        ("WGPU_BACKEND", "vulkan"),
    ];
    expect(rushes().arg("compare").args(arguments).envs(no_gpu), code)
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Two folders with the same frames 1001 to 1004.
fn twins() -> ([tempfile::TempDir; 2], [String; 2]) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let patterns = [0, 1].map(|at: usize| demo_sequence(folders[at].path(), 4));
    (folders, patterns)
}

/// Changes one red sample of a demo frame to a value.
fn change(folder: &Path, index: u32, value: f32) -> (PathBuf, f64) {
    let options = DemoOptions { width: 320, height: 180, frames: 4, codec: DemoCodec::Zip };
    let mut picture = demo_frame(&options, index);
    let red = picture.channels.iter_mut().find(|channel| channel.name == "R").unwrap();
    let Samples::F16(samples) = &mut red.samples else { panic!("half expected") };
    let before = samples[1000].to_f64();
    samples[1000] = f16::from_f32(value);
    let path = folder.join(format!("demo.{}.exr", 1001 + index));
    write_picture(&path, &Picture::Exr(picture)).unwrap();
    (path, (f64::from(value) - before).abs())
}

fn still(folder: &Path, name: &str, channels: &[(&str, &[f32])], width: u32) -> String {
    let channel = |(name, values): &(&str, &[f32])| PictureChannel {
        name: (*name).into(),
        samples: Samples::F32(values.to_vec()),
    };
    let picture = ExrPicture {
        width,
        height: channels[0].1.len() as u32 / width,
        origin: (0, 0),
        pixel_aspect: 1.0,
        channels: channels.iter().map(channel).collect(),
    };
    let path = folder.join(name);
    write_picture(&path, &Picture::Exr(picture)).unwrap();
    text(&path).to_string()
}

#[test]
fn the_same_media_are_0() {
    let (_folders, [a, b]) = twins();
    assert_eq!(said(&compare(&[&a, &b], 0)), "4 frames are the same\n");
    let found = json(&compare(&[&a, &b, "--json"], 0));
    assert_eq!(
        (&found["same"], &found["frames_compared"], &found["max"]),
        (&json!(true), &json!(4), &json!(0.0))
    );
    assert_eq!(found["frames"][3]["channels"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_sample_that_differs_is_1_and_a_tolerance_allows_it() {
    let (folders, [a, b]) = twins();
    let (_, distance) = change(folders[1].path(), 2, 30.0);
    let lines = said(&compare(&[&a, &b], 1));
    assert!(lines.starts_with(&format!("1003: largest difference {distance} (R)")), "{lines}");
    assert!(
        lines.contains("1 of 172800 samples differ\n") && lines.contains("1 of 4 frames differ"),
        "{lines}"
    );
    compare(&[&a, &b, "--tolerance", "29"], 1);
    let within = said(&compare(&[&a, &b, "--tolerance", "31"], 0));
    assert!(within.starts_with("4 frames are the same within 31; largest difference"), "{within}");
    compare(&[&a, &b, "--frames", "1001-1002"], 0);
    compare(&[&a, &b, "--in", "1003", "--out", "1003"], 1);
    let found = json(&compare(&[&a, &b, "--json"], 1));
    assert_eq!(found["frames_different"], 1);
    assert_eq!(found["frames"][2]["channels"][2]["max"], json!(distance));
    let mean = found["frames"][2]["mean"].as_f64().unwrap();
    assert!((mean - distance / 172_800.0).abs() < 1e-12, "{mean}");
}

#[test]
fn a_frame_that_one_side_has_alone_is_different() {
    let (folders, [a, b]) = twins();
    std::fs::remove_file(folders[1].path().join("demo.1002.exr")).unwrap();
    std::fs::remove_file(folders[0].path().join("demo.1004.exr")).unwrap();
    let lines = said(&compare(&[&a, &b], 1));
    assert!(lines.contains("1002: only A has it\n") && lines.contains("1004: only B has it\n"), "{lines}");
    compare(&[&a, &b, "--range", "1001-1001"], 0);
}

#[test]
fn damaged_frames_are_different_and_media_that_cannot_be_opened_are_3() {
    let (folders, [a, b]) = twins();
    let cut = folders[1].path().join("demo.1003.exr");
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
    std::fs::write(folders[0].path().join("demo.1002.exr"), b"garbage").unwrap();
    let lines = said(&compare(&[&a, &b], 1));
    assert!(lines.contains("1002: A is not supported"), "{lines}");
    assert!(lines.contains("1003: ") && lines.contains("rows of B have no data"), "{lines}");
    let damaged = folders[0].path().join("demo.1002.exr");
    compare(&["--single", text(&damaged), text(&cut)], 3);
    let absent = stderr(&compare(&[&a, "nothing.####.exr"], 3));
    assert!(absent.contains("nothing.####.exr"), "{absent}");
}

#[test]
fn nan_equals_nan_and_infinity_its_own_sign() {
    let folder = tempfile::tempdir().unwrap();
    let values = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0];
    let still =
        |name, values: &[f32]| still(folder.path(), name, &[("R", values), ("G", values), ("B", values)], 4);
    let (a, b) = (still("a.exr", &values), still("b.exr", &values));
    compare(&["--single", &a, &b], 0);
    let other = still("c.exr", &[0.0, f32::NEG_INFINITY, f32::NEG_INFINITY, 1.5]);
    let found = json(&compare(&["--single", &a, &other, "--tolerance", "1", "--json"], 1));
    let channel = &found["frames"][0]["channels"][0];
    assert_eq!((number(&channel["unlike"]), &channel["max"]), (2, &json!(0.5)));
}

#[test]
fn other_windows_and_channels_are_different_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let still = |name, channels: &[(&str, &[f32])], width| still(folder.path(), name, channels, width);
    let a = still("a.exr", &[("R", &[0.0; 8]), ("G", &[0.0; 8]), ("B", &[0.0; 8])], 4);
    let tall = still("tall.exr", &[("R", &[0.0; 8]), ("G", &[0.0; 8]), ("B", &[0.0; 8])], 2);
    let alpha =
        still("alpha.exr", &[("R", &[0.0; 8]), ("G", &[0.0; 8]), ("B", &[0.0; 8]), ("A", &[1.0; 8])], 4);
    let lines = said(&compare(&["--single", &a, &tall], 1));
    assert!(lines.contains("the data window is 4x2 at 0,0 in A and 2x4 at 0,0 in B"), "{lines}");
    let lines = said(&compare(&["--single", &a, &alpha], 1));
    assert!(lines.contains("the channels are B G R in A and A B G R in B"), "{lines}");
}

#[test]
fn the_difference_is_written_for_frames_that_differ() {
    let (folders, [a, b]) = twins();
    let (_, distance) = change(folders[1].path(), 1, 30.0);
    let out = tempfile::tempdir().unwrap();
    let [exr, png] = ["diff.####.exr", "diff.####.png"].map(|name| out.path().join(name));
    compare(&[&a, &b, "--diff", text(&exr)], 1);
    compare(&[&a, &b, "--diff", text(&png)], 1);
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 2);
    let picture = image::open(out.path().join("diff.1002.png")).unwrap().to_rgb8();
    let bright: Vec<_> = picture.enumerate_pixels().filter(|(.., pixel)| pixel.0 != [0; 3]).collect();
    assert_eq!(
        (bright.len(), bright[0].0, bright[0].1, bright[0].2.0),
        (1, 1000 % 320, 1000 / 320, [255, 0, 0])
    );
    let black =
        still(out.path(), "black.exr", &["R", "G", "B"].map(|name| (name, &[0.0_f32; 320 * 180][..])), 320);
    let found = json(&compare(&["--single", text(&out.path().join("diff.1002.exr")), &black, "--json"], 1));
    let largest = found["max"].as_f64().unwrap();
    assert!((largest - distance).abs() < 1e-5, "{largest}");
}

#[test]
fn wrong_usage_is_2() {
    let (_folders, [a, b]) = twins();
    for arguments in [
        &["--tolerance", "-1"][..],
        &["--tolerance", "nan"],
        &["--diff", "one.exr"],
        &["--diff", "out.####.jpg"],
        &["--frames", "1-10"],
        &["--frames", "x"],
    ] {
        compare(&[&[a.as_str(), b.as_str()], arguments].concat(), 2);
    }
    compare(&[&a], 2);
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_130() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = large_sequence(folder.path(), 200);
    let mut child = rushes().args(["compare", &pattern, &pattern]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(800));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
