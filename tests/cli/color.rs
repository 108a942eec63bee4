//! Displays and views of the built-in configs against OpenColorIO's own answers (2.6, on the CPU), and what is wrong
//! with colour said once.

use std::path::Path;

use rushes::encode::{ExrPicture, Picture, PictureChannel, Samples, write_picture};
#[cfg(feature = "ocio")]
use serde_json::Value;

#[cfg(feature = "ocio")]
use crate::support::program::rushes;
use crate::support::program::{run, stderr, text};

const COLOURS: [[f32; 3]; 7] = [
    [0.18, 0.18, 0.18],
    [0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0],
    [1.0, 0.5, 0.1],
    [0.01, 0.02, 4.0],
    [16.0, 8.0, -0.1],
    [65504.0, 1.0, 0.0],
];

#[cfg(feature = "ocio")]
const CONFIGS: [(&str, &str); 2] = [
    (
        "ocio://cg-config-v4.0.0_aces-v2.0_ocio-v2.5",
        include_str!("../fixtures/color/cg-config-v4.0.0_aces-v2.0_ocio-v2.5.json"),
    ),
    (
        "ocio://cg-config-v2.2.0_aces-v1.3_ocio-v2.4",
        include_str!("../fixtures/color/cg-config-v2.2.0_aces-v1.3_ocio-v2.4.json"),
    ),
];

/// A float EXR with one pixel for each colour.
fn write_colours(path: &Path) {
    let channel = |(lane, name): (usize, &str)| PictureChannel {
        name: name.into(),
        samples: Samples::F32(COLOURS.iter().map(|colour| colour[lane]).collect()),
    };
    let picture = Picture::Exr(ExrPicture {
        width: COLOURS.len() as u32,
        height: 1,
        origin: (0, 0),
        pixel_aspect: 1.0,
        channels: [(0, "R"), (1, "G"), (2, "B")].map(channel).into(),
    });
    write_picture(path, &picture).unwrap();
}

fn read_colours(path: &Path) -> Vec<[f32; 3]> {
    let image = exr::prelude::read_first_flat_layer_from_file(path).unwrap();
    let channels = &image.layer_data.channel_data.list;
    let lane = |name: &str| {
        let channel = channels.iter().find(|channel| channel.name.to_string() == name).unwrap();
        channel.sample_data.values_as_f32().collect::<Vec<f32>>()
    };
    let (red, green, blue) = (lane("R"), lane("G"), lane("B"));
    (0..red.len()).map(|at| [red[at], green[at], blue[at]]).collect()
}

#[cfg(feature = "ocio")]
/// Renders one row of a table and compares it: as floats, and as the code values of a PNG.
fn compare_row(folder: &Path, media: &str, config: &str, row: &Value) {
    let name = |key: &str| row[key].as_str().unwrap();
    let chain =
        ["--ocio", config, "--input", name("source"), "--display", name("display"), "--view", name("view")];
    let out = folder.join("out.exr");
    run(&[&["render", media, "--depth", "float", "-o", text(&out)], &chain[..]].concat(), 0);
    let wanted: Vec<[f32; 3]> = serde_json::from_value(row["out"].clone()).unwrap();
    for (ours, wanted) in read_colours(&out).iter().flatten().zip(wanted.iter().flatten()) {
        let is_close = (ours - wanted).abs() <= 1e-3 * wanted.abs().max(1.0);
        assert!(is_close, "{ours} for {wanted}: {config} {row}");
    }
    if name("view") == "Un-tone-mapped" {
        let png = folder.join("out.png");
        run(&[&["render", media, "-o", text(&png)], &chain[..]].concat(), 0);
        let drawn = image::open(&png).unwrap().to_rgb8();
        for (ours, wanted) in drawn.iter().zip(wanted.iter().flatten()) {
            let wanted = (wanted.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
            assert!(ours.abs_diff(wanted) <= 1, "{ours} for {wanted}: {config} {row}");
        }
    }
}

#[cfg(feature = "ocio")]
#[test]
fn every_display_and_view_of_the_built_in_configs_is_as_opencolorio_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("colours.exr");
    write_colours(&media);
    for (config, table) in CONFIGS {
        let rows: Vec<Value> = serde_json::from_str(table).unwrap();
        assert!(rows.len() > 30);
        for row in &rows {
            // The way in is one and the same for all views; one display shows that it is right.
            if row["source"] == "ACEScg" || row["display"] == "sRGB - Display" {
                compare_row(folder.path(), text(&media), config, row);
            }
        }
    }
}

#[test]
fn defaults_are_srgb_and_raw_is_raw() {
    let folder = tempfile::tempdir().unwrap();
    let (media, out) = (folder.path().join("colours.exr"), folder.path().join("out.exr"));
    write_colours(&media);
    run(&["render", text(&media), "--depth", "float", "-o", text(&out)], 0);
    let grey = read_colours(&out)[0];
    assert!(grey.iter().all(|value| (value - 0.461_356).abs() < 1e-4), "{grey:?}");
    let raw = folder.path().join("raw.exr");
    run(&["render", text(&media), "--raw", "--depth", "float", "-o", text(&raw), "--view", "Raw"], 0);
    assert_eq!(read_colours(&raw), COLOURS);
}

#[test]
fn a_mistake_is_told_in_one_line_and_the_picture_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (media, out) = (folder.path().join("colours.exr"), folder.path().join("out.exr"));
    write_colours(&media);
    let broken = folder.path().join("broken.ocio");
    std::fs::write(&broken, "ocio_profile_version: 2\nroles: [\n").unwrap();
    let lut = folder.path().join("a.cube");
    std::fs::write(&lut, "LUT_3D_SIZE 2\n0 0 zero\n").unwrap();
    for arguments in [["--ocio", text(&broken)], ["--lut", text(&lut)], ["--view", "no such view"]] {
        let _ = std::fs::remove_file(&out);
        let command = ["render", text(&media), "--depth", "float", "-o", text(&out)];
        let output = run(&[&command[..], &arguments[..]].concat(), 0);
        let said = stderr(&output);
        let lines = said.lines().filter(|line| line.contains("rushes:")).count();
        assert!(lines == 1 && said.contains("showing"), "{arguments:?} said: {said}");
        let grey = read_colours(&out)[0];
        assert!(grey.iter().all(|value| (value - 0.461_356).abs() < 1e-3), "{arguments:?}: {grey:?}");
    }
}

#[cfg(feature = "ocio")]
#[test]
fn the_variable_names_the_config_and_its_default_view_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (media, out) = (folder.path().join("colours.exr"), folder.path().join("out.exr"));
    write_colours(&media);
    let mut command = rushes();
    command.env("OCIO", folder.path().join("nowhere.ocio"));
    command.args(["render", text(&media), "--depth", "float", "-o", text(&out)]);
    let output = crate::support::program::expect(&mut command, 0);
    assert!(stderr(&output).contains("nowhere.ocio"), "{}", stderr(&output));
    let doctor = |config: &str| {
        let output = rushes().arg("doctor").env("OCIO", config).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(doctor("").contains("cg-config-v4"), "{}", doctor(""));
    assert!(doctor("nowhere.ocio").contains("cannot read the colour config nowhere.ocio"));
}

#[test]
fn scanned_film_is_made_linear() {
    let folder = tempfile::tempdir().unwrap();
    let codes = [95_u32, 445, 685, 1023];
    // A Cineon file of one row: its header, then words of three samples of 10 bits.
    let mut bytes = vec![0; 2048];
    let numbers = [(0, 0x802A_5FD7), (4, 2048), (200, codes.len() as u32), (204, 1)];
    for (at, number) in numbers {
        bytes[at..at + 4].copy_from_slice(&u32::to_be_bytes(number));
    }
    for (at, byte) in [(193, 3), (197, 10), (225, 10), (253, 10), (681, 5)] {
        bytes[at] = byte;
    }
    bytes.extend(codes.iter().flat_map(|code| (code << 22 | code << 12 | code << 2).to_be_bytes()));
    std::fs::write(folder.path().join("scan.0001.cin"), bytes).unwrap();
    let shown = folder.path().join("shown.png");
    run(&["render", text(&folder.path().join("scan.####.cin")), "--frames", "1", "-o", text(&shown)], 0);
    let shown = image::open(&shown).unwrap().to_rgb8();
    // Black, grey by a film gamma of 0.6, white, and what is brighter.
    let black = 10_f64.powf((95.0 - 685.0) * 0.002 / 0.6);
    let grey = (10_f64.powf((445.0 - 685.0) * 0.002 / 0.6) - black) / (1.0 - black);
    let grey = 255.0 * (1.055 * grey.powf(1.0 / 2.4) - 0.055);
    for (x, wanted) in (0..).zip([0.0, grey, 255.0, 255.0]) {
        let pixel = shown.get_pixel(x, 0).0;
        assert!(pixel.iter().all(|value| (f64::from(*value) - wanted).abs() <= 1.0), "{pixel:?}, {wanted}");
    }
}
