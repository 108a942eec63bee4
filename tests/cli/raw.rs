//! `render --raw`: the numbers of the file, bit for bit, placed in the display window.

use std::path::{Path, PathBuf};

use exr::prelude::*;

use super::support::media;
use super::support::program::{run, text};

/// Name, and bits of every sample of the display window, for each channel.
type Channels = Vec<(String, Vec<u32>)>;

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => files.extend(files_below(&path)),
            path if path.extension().is_some_and(|ending| ending == "exr") => files.push(path),
            _ => {}
        }
    }
    files.sort();
    files
}

fn sample_bits(samples: &FlatSamples) -> Vec<u32> {
    match samples {
        FlatSamples::F16(values) => values.iter().map(|value| u32::from(value.to_bits())).collect(),
        FlatSamples::F32(values) => values.iter().map(|value| value.to_bits()).collect(),
        FlatSamples::U32(values) => values.clone(),
    }
}

/// The first layer without a dot in its channels, as the `exr` crate reads it, in the display window.
fn by_the_crate(path: &Path) -> Option<Channels> {
    let image = read()
        .no_deep_data()
        .largest_resolution_level()
        .all_channels()
        .all_layers()
        .all_attributes()
        .non_parallel()
        .from_file(path)
        .ok()?;
    let window = image.attributes.display_window;
    let layer = image.layer_data.first()?;
    let plain: Vec<&AnyChannel<FlatSamples>> =
        layer.channel_data.list.iter().filter(|channel| !channel.name.to_string().contains('.')).collect();
    let place = |samples: &FlatSamples| {
        let bits = sample_bits(samples);
        let mut placed = Vec::with_capacity(window.size.area());
        for y in 0..window.size.height() as i32 {
            for x in 0..window.size.width() as i32 {
                let at = Vec2(x, y) + window.position - layer.attributes.layer_position;
                let inside = at.x() >= 0
                    && at.y() >= 0
                    && (at.x() as usize) < layer.size.width()
                    && (at.y() as usize) < layer.size.height();
                let index = || at.y() as usize * layer.size.width() + at.x() as usize;
                placed.push(if inside { bits[index()] } else { 0 });
            }
        }
        placed
    };
    Some(plain.iter().map(|channel| (channel.name.to_string(), place(&channel.sample_data))).collect())
}

/// A rendered file, which has nothing but the display window.
fn rendered(path: &Path) -> Channels {
    by_the_crate(path).expect("what was rendered can be read")
}

#[test]
fn raw_output_equals_the_file_bit_for_bit() {
    let Some(media) = media("raw_output_equals_the_file_bit_for_bit", "") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    let mut files = files_below(&media.join("openexr-images"));
    files.extend(files_below(&media.join("sequence")).into_iter().step_by(20));
    for file in files {
        let Some(wanted) = by_the_crate(&file).filter(|channels| !channels.is_empty()) else { continue };
        let out = folder.path().join("raw.exr");
        run(&["render", "--single", text(&file), "--raw", "-o", text(&out), "--part", "0"], 0);
        let mut found = rendered(&out);
        let mut wanted = wanted;
        wanted.sort();
        found.sort();
        let names =
            |channels: &Channels| -> Vec<String> { channels.iter().map(|(name, _)| name.clone()).collect() };
        assert_eq!(names(&found), names(&wanted), "{}", file.display());
        for ((name, found), (_, wanted)) in found.iter().zip(&wanted) {
            let differing = found.iter().zip(wanted).filter(|(a, b)| a != b).count();
            assert_eq!((found.len(), differing), (wanted.len(), 0), "{} {name}", file.display());
        }
        compared += 1;
    }
    assert!(compared >= 40, "only {compared} files were compared");
}
