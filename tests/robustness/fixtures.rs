//! Files that the OpenEXR library wrote, in ways that the `exr` crate does not, beside what they hold. The scripts in
//! `tests/fixtures` made them.

use std::path::{Path, PathBuf};

use half::f16;
use rushes::decode;
use rushes::frame::{FrameBuffer, SampleType};

use crate::support::planes::{decoded, plane_bytes, request};

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "exr"))
        .collect();
    files.sort();
    files
}

/// Every channel of the default layer in file order.
fn planes(path: &Path) -> (FrameBuffer, Vec<usize>) {
    let info = decode::probe(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let frame = decoded(&request(path, &info.layers[info.default_layer].planes));
    let mut order: Vec<usize> = (0..frame.layout.planes().len()).collect();
    order.sort_by(|a, b| frame.layout.planes()[*a].name.cmp(&frame.layout.planes()[*b].name));
    (frame, order)
}

/// Samples as numbers; whole numbers as their bits, which is how they are stored beside the files.
fn numbers(sample: SampleType, bytes: &[u8]) -> Vec<f32> {
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    match sample {
        SampleType::F16 => {
            let half = |bytes: &[u8]| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
            bytes.chunks_exact(2).map(half).collect()
        }
        _ => bytes.chunks_exact(4).map(word).map(f32::from_bits).collect(),
    }
}

#[test]
fn deep_data_is_flattened_as_the_reference_does() {
    let files = fixtures("deep");
    assert_eq!(files.len(), 4);
    for path in files {
        let stored = std::fs::read(path.with_extension("f32")).expect("the flat planes");
        let mut expected =
            stored.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")));
        let (frame, order) = planes(&path);
        for plane in order {
            let spec = &frame.layout.planes()[plane];
            for found in numbers(spec.sample, &plane_bytes(&frame, plane)) {
                let wanted = expected.next().expect("a sample");
                // What no float holds is infinite as a half.
                let rounded =
                    if spec.sample == SampleType::F16 { f16::from_f32(wanted).to_f32() } else { wanted };
                let tolerance = if spec.sample == SampleType::F16 { 2e-3 } else { 1e-5 };
                let is_near = found.to_bits() == rounded.to_bits()
                    || (found - wanted).abs() <= tolerance * wanted.abs().max(1e-3);
                assert!(is_near, "{}: {} is {found}, not {wanted}", path.display(), spec.name);
            }
        }
        assert_eq!(expected.next(), None, "{}", path.display());
    }
}

#[test]
fn several_threads_mix_the_same_colour_as_one() {
    let Some(folder) = crate::support::media("several_threads_mix_the_same_colour_as_one", "openexr-images")
    else {
        return;
    };
    let mut mixed = 0;
    for path in crate::support::planes::exr_files(&folder) {
        let Ok(info) = decode::probe(&path) else { continue };
        let planes = info.layers[info.default_layer].planes.displayed();
        if !planes.mixes_chroma {
            continue;
        }
        let of_helpers = |helpers| {
            let frame = decoded(&rushes::decode::DecodeRequest { helpers, ..request(&path, &planes) });
            (0..frame.layout.planes().len()).map(|plane| plane_bytes(&frame, plane)).collect::<Vec<_>>()
        };
        assert!(of_helpers(0) == of_helpers(2), "{}", path.display());
        mixed += 1;
    }
    assert!(mixed >= 3, "only {mixed} files were mixed");
}

#[test]
fn zstd_and_subsampled_channels_hold_what_openexr_reads() {
    let files = fixtures("flat");
    let stored = std::fs::read_to_string(files[0].with_file_name("flat.txt")).expect("the sums");
    let mut compared = 0;
    for path in &files {
        let (frame, order) = planes(path);
        for plane in order {
            let spec = &frame.layout.planes()[plane];
            let mut sum = libdeflater::Crc::new();
            sum.update(&plane_bytes(&frame, plane));
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
            let line = format!("{name} {} {:08x}", spec.name, sum.sum());
            assert!(stored.lines().any(|stored| stored == line), "{line}");
            compared += 1;
        }
    }
    assert_eq!(compared, stored.lines().count());
}
