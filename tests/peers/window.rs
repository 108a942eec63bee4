//! Compares what `render --raw` writes with the display window of OpenImageIO.

use std::path::{Path, PathBuf};

use half::f16;
use rushes::decode::{self, Channel};
use rushes::frame::SampleType;

use crate::reference::{Picture, Plane, Reference};
use crate::support;
use crate::support::planes::exr_files;
use crate::support::program::{run, text};

/// Samples as numbers; only NaNs with other bits become alike.
fn numbers(plane: &Plane) -> Vec<u32> {
    let four = |bytes: &[u8]| [bytes[0], bytes[1], bytes[2], bytes[3]];
    let half = |bytes: &[u8]| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
    let bits = |number: f32| if number.is_nan() { f32::NAN.to_bits() } else { number.to_bits() };
    match plane.sample.as_str() {
        "half" => plane.samples.chunks_exact(2).map(|bytes| bits(half(bytes))).collect(),
        "float" => plane.samples.chunks_exact(4).map(|bytes| bits(f32::from_le_bytes(four(bytes)))).collect(),
        _ => plane.samples.chunks_exact(4).map(|bytes| u32::from_le_bytes(four(bytes))).collect(),
    }
}

/// Bit for bit; halves that were written as floats, beside floats, by their values.
fn compare(place: &str, ours: &Picture, theirs: &Picture) -> usize {
    for plane in &ours.planes {
        let wanted = theirs.plane(&plane.name).unwrap_or_else(|| panic!("{place}: {}", plane.name));
        assert_eq!((plane.width, plane.height), (wanted.width, wanted.height), "{place}");
        let is_same = match plane.sample == wanted.sample {
            true => plane.samples == wanted.samples,
            false => {
                (&*plane.sample, &*wanted.sample) == ("float", "half") && numbers(plane) == numbers(wanted)
            }
        };
        assert!(is_same, "{place}: {} differs", plane.name);
    }
    ours.planes.len()
}

/// Every layer of a file; how many channels there were.
fn compare_file(reference: &mut Reference, path: &Path, out: &Path) -> usize {
    let info = decode::probe(path).expect("a header");
    let mut channels = 0;
    for layer in &info.layers {
        let part = &info.parts[layer.part];
        let is_lossy = ["dwaa", "dwab", "lj2k"].contains(&&*part.compression);
        if part.obstacle.is_some() || is_lossy {
            continue;
        }
        let number = part.number.to_string();
        let which = ["--part", &number, "--layer", &layer.name];
        let is_float = |channel: &Channel| {
            channel.sample == SampleType::F32
                && layer.planes.channels.iter().any(|(name, _)| *name == channel.name)
        };
        let depth = if part.channels.iter().any(is_float) { "float" } else { "half" };
        let common = ["render", "--single", "--raw", "--depth", depth, "-o", text(out), text(path)];
        run(&[&common[..], &which[..]].concat(), 0);
        let place = format!("{} {}", path.display(), layer.name);
        let ours = reference.planes(out).remove(0);
        assert_eq!(ours.planes.len(), layer.planes.channels.len(), "{place}");
        channels += compare(&place, &ours, &reference.window(path, part.number));
    }
    channels
}

#[test]
fn raw_output_is_the_display_window_of_openimageio() {
    let test = "raw_output_is_the_display_window_of_openimageio";
    let folder = tempfile::tempdir().expect("a folder");
    let Some(()) = Reference::write(test, &folder.path().join("in")) else { return };
    let Some(mut reference) = Reference::start(test) else { return };
    let names = ["parts", "zip_tiled", "rle_mixed", "piz_dot", "zips_line", "no_tiled_down"];
    let mut files: Vec<PathBuf> =
        names.iter().map(|name| folder.path().join("in").join(name).with_extension("exr")).collect();
    if let Some(media) = support::media(test, "openexr-images") {
        files.extend(exr_files(&media.join("DisplayWindow")));
        files.push(media.join("Beachball/multipart.0003.exr"));
    }
    let out = folder.path().join("out.exr");
    let channels: usize = files.iter().map(|path| compare_file(&mut reference, path, &out)).sum();
    assert!(channels >= 60, "only {channels} channels were compared");
}
