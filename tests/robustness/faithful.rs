//! Valid files decode to the same bits as with the reader of the `exr` crate.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use exr::prelude::*;
use rushes::decode::{self, DecodeEnd, DecodeRequest, Decoder, FileDecoder, MediaInfo};
use rushes::frame::{FrameBuffer, FrameMemory, SampleType};

use crate::support;
use crate::verdict::request;

fn exr_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            exr_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "exr") {
            found.push(path);
        }
    }
}

/// What the crate's own reader makes of a file; nothing where it cannot read it.
pub fn reference(path: &Path) -> Option<FlatImage> {
    let read = || {
        let reader = read().no_deep_data().largest_resolution_level().all_channels();
        reader.all_layers().all_attributes().non_parallel().from_file(path).ok()
    };
    catch_unwind(read).ok().flatten()
}

pub fn decoded(path: &Path, info: &MediaInfo, layer: usize, helpers: usize) -> FrameBuffer {
    let request = DecodeRequest { helpers, ..request(path, &info.layers[layer].planes) };
    let mut memory = FrameMemory::default();
    loop {
        match FileDecoder.decode(&request, &mut memory) {
            DecodeEnd::Done(done) => {
                return FrameBuffer { layout: done.layout, memory, missing: done.missing };
            }
            DecodeEnd::Refused { needed_bytes } => {
                memory = FrameMemory::allocate(needed_bytes).expect("memory");
            }
            other => panic!("{}: {other:?}", path.display()),
        }
    }
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

/// Transforms are computed in another order than the crate's; what that changes is rounded to halves.
const DWA_STEPS: u16 = 32;

/// The most representable halves that lie between samples of the one and the other.
fn steps_between(sample: SampleType, ours: &[u8], theirs: &[u8]) -> u16 {
    let size = sample.bytes();
    let half = |bytes: &[u8]| match *bytes {
        [low, high] => f16::from_bits(u16::from_le_bytes([low, high])),
        [a, b, c, d] => f16::from_f32(f32::from_le_bytes([a, b, c, d])),
        _ => unreachable!("samples have two or four bytes"),
    };
    // Halves of one sign are ordered as their bits are.
    let rank = |half: f16| match half.to_bits() {
        bits if bits & 0x8000 == 0 => 0x8000 + bits,
        bits => 0x8000 - (bits & 0x7fff),
    };
    let ours = ours.chunks_exact(size).map(|sample| rank(half(sample)));
    let theirs = theirs.chunks_exact(size).map(|sample| rank(half(sample)));
    assert_eq!(ours.len(), theirs.len());
    ours.zip(theirs).map(|(ours, theirs)| ours.abs_diff(theirs)).max().unwrap_or(0)
}

/// A plane's samples without what pads its rows.
pub fn plane_bytes(frame: &FrameBuffer, plane: usize) -> Vec<u8> {
    let (spec, span) = (&frame.layout.planes()[plane], frame.layout.spans()[plane]);
    let row_bytes = spec.width as usize * spec.sample.bytes();
    frame.plane(plane).chunks_exact(span.row_bytes).flat_map(|row| &row[..row_bytes]).copied().collect()
}

/// Compares every channel of a file, decoded with the help of more threads; how many there were.
pub fn compare(path: &Path, reference: &FlatImage, helpers: usize) -> usize {
    let info = decode::probe(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut channels = 0;
    for (number, layer) in info.layers.iter().enumerate() {
        let part = &info.parts[layer.part];
        if part.obstacle.is_some() {
            continue;
        }
        let frame = decoded(path, &info, number, helpers);
        assert!(frame.is_whole(), "{}", path.display());
        for (plane, spec) in frame.layout.planes().iter().enumerate() {
            let wanted = reference.layer_data[part.number].channel_data.list.iter();
            let wanted =
                wanted.into_iter().find(|channel| channel.name.eq(spec.name.as_str())).expect("the channel");
            let (ours, theirs) = (plane_bytes(&frame, plane), bytes_of(&wanted.sample_data));
            let is_same = match part.compression.starts_with("dwa") && spec.sample != SampleType::U32 {
                true => steps_between(spec.sample, &ours, &theirs) <= DWA_STEPS,
                false => ours == theirs,
            };
            assert!(is_same, "{}: channel {} differs", path.display(), spec.name);
            channels += 1;
        }
    }
    channels
}

fn compare_folder(test: &str, folder: &str) -> Option<(usize, usize)> {
    let mut files = Vec::new();
    exr_files(&support::media(test, folder)?, &mut files);
    files.sort();
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
