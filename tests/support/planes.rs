//! A file's planes as they come out of the decoder, and how far they are from those of another reader.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use half::f16;
use rushes::decode::{DecodeEnd, DecodeRequest, Decoder, FileDecoder, PlaneRequest};
use rushes::epoch::EpochWatch;
use rushes::frame::{FrameBuffer, FrameMemory, SampleType};

/// Every EXR file of a folder and of those below, in the order of their names.
pub fn exr_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(exr_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "exr") {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub fn request(path: &Path, planes: &PlaneRequest) -> DecodeRequest {
    DecodeRequest {
        index: 0,
        path: path.to_path_buf(),
        planes: Arc::new(planes.clone()),
        level: 0,
        helpers: 0,
        watch: EpochWatch::never_stale(),
    }
}

/// Decodes into as much memory as it takes.
pub fn decoded(request: &DecodeRequest) -> FrameBuffer {
    let mut memory = FrameMemory::default();
    loop {
        match FileDecoder::default().decode(request, &mut memory) {
            DecodeEnd::Done(done) => {
                return FrameBuffer { layout: done.layout, memory, missing: done.missing };
            }
            DecodeEnd::Refused { needed_bytes } => {
                memory = FrameMemory::allocate(needed_bytes).expect("memory");
            }
            other => panic!("{}: {other:?}", request.path.display()),
        }
    }
}

/// A plane's samples without what pads its rows.
pub fn plane_bytes(frame: &FrameBuffer, plane: usize) -> Vec<u8> {
    let (spec, span) = (&frame.layout.planes()[plane], frame.layout.spans()[plane]);
    let row_bytes = spec.width as usize * spec.sample.bytes();
    frame.plane(plane).chunks_exact(span.row_bytes).flat_map(|row| &row[..row_bytes]).copied().collect()
}

/// Transforms of DWA and LJ2K are computed in another order than by others; what that changes is rounded to halves.
const LOSSY_STEPS: [(&str, u16); 3] = [("dwaa", 32), ("dwab", 32), ("lj2k", 2)];

/// Whether the samples of a channel are those of another reader: bit for bit, but for lossy transforms.
pub fn is_same(compression: &str, sample: SampleType, ours: &[u8], theirs: &[u8]) -> bool {
    match LOSSY_STEPS.iter().find(|(lossy, _)| *lossy == compression && sample != SampleType::U32) {
        Some((_, most)) => ours.len() == theirs.len() && steps_between(sample, ours, theirs) <= *most,
        None => ours == theirs,
    }
}

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
    ours.zip(theirs).map(|(ours, theirs)| ours.abs_diff(theirs)).max().unwrap_or(0)
}
