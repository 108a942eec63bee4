//! Valid files decode to the same bits as with the reader of the `exr` crate.

use std::panic::catch_unwind;
use std::path::Path;

use exr::prelude::*;
use rushes::decode::{self, DecodeRequest};

use crate::support;
use crate::support::planes::{decoded, exr_files, is_same, plane_bytes, request};

/// What the crate's own reader makes of a file; nothing where it cannot read it.
pub fn reference(path: &Path) -> Option<FlatImage> {
    let read = || {
        let reader = read().no_deep_data().largest_resolution_level().all_channels();
        reader.all_layers().all_attributes().non_parallel().from_file(path).ok()
    };
    catch_unwind(read).ok().flatten()
}

fn bytes_of(samples: &FlatSamples) -> Vec<u8> {
    match samples {
        FlatSamples::F16(samples) => {
            samples.iter().flat_map(|sample| sample.to_bits().to_le_bytes()).collect()
        }
        FlatSamples::F32(samples) => {
            samples.iter().flat_map(|sample| sample.to_bits().to_le_bytes()).collect()
        }
        FlatSamples::U32(samples) => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
    }
}

/// Compares every channel of a file, decoded with the help of more threads; how many there were.
pub fn compare(path: &Path, reference: &FlatImage, helpers: usize) -> usize {
    let info = decode::probe(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut channels = 0;
    for layer in &info.layers {
        let part = &info.parts[layer.part];
        if part.obstacle.is_some() {
            continue;
        }
        let frame = decoded(&DecodeRequest { helpers, ..request(path, &layer.planes) });
        assert!(frame.is_whole(), "{}", path.display());
        for (plane, spec) in frame.layout.planes().iter().enumerate() {
            let wanted = reference.layer_data[part.number].channel_data.list.iter();
            let wanted =
                wanted.into_iter().find(|channel| channel.name.eq(spec.name.as_str())).expect("the channel");
            let (ours, theirs) = (plane_bytes(&frame, plane), bytes_of(&wanted.sample_data));
            let is_same = is_same(&part.compression, spec.sample, &ours, &theirs);
            assert!(is_same, "{}: channel {} differs", path.display(), spec.name);
            channels += 1;
        }
    }
    channels
}

fn compare_folder(test: &str, folder: &str) -> Option<(usize, usize)> {
    let files = exr_files(&support::media(test, folder)?);
    let compared = files.iter().filter_map(|path| Some((path, reference(path)?)));
    let channels: Vec<usize> =
        compared.map(|(path, image)| compare(path, &image, 0)).filter(|channels| *channels > 0).collect();
    Some((channels.len(), channels.iter().sum()))
}

#[test]
fn photographs_and_test_images_decode_bit_for_bit() {
    let test = "photographs_and_test_images_decode_bit_for_bit";
    let Some((files, channels)) = compare_folder(test, "openexr-images") else { return };
    assert!(files > 40, "only {files} files with {channels} channels were compared");
}

#[test]
fn a_rendered_sequence_decodes_bit_for_bit() {
    let Some((files, channels)) = compare_folder("a_rendered_sequence_decodes_bit_for_bit", "sequence")
    else {
        return;
    };
    assert!(files == 100 && channels >= 300, "{files} files with {channels} channels");
}
