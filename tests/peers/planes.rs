//! Compares what is decoded, plane by plane.

use std::path::Path;

use rushes::decode::{self, DecodeRequest, MediaInfo, Part};
use rushes::frame::{FrameBuffer, Window};

use crate::reference::{Header, Picture, Reference};
use crate::support::planes::{decoded, is_same, plane_bytes, request};

/// What became of many files.
#[derive(Debug, Default)]
pub struct Comparison {
    pub files: usize,
    pub channels: usize,
    different: Vec<String>,
}

fn window(window: Window) -> [i64; 4] {
    let (x, y) = (i64::from(window.x), i64::from(window.y));
    [x, y, x + i64::from(window.width) - 1, y + i64::from(window.height) - 1]
}

fn header(part: &Part) -> Header {
    Header {
        name: part.name.clone(),
        view: part.view.clone(),
        data_window: window(part.data_window),
        display_window: window(part.display_window),
        pixel_aspect: part.pixel_aspect,
    }
}

impl Comparison {
    /// Every channel of every part, decoded with the help of more threads.
    pub fn add(&mut self, reference: &mut Reference, path: &Path, helpers: usize) {
        let info = decode::probe(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let theirs = reference.planes(path);
        assert_eq!(info.parts.len(), theirs.len(), "{}", path.display());
        for (at, part) in info.parts.iter().enumerate() {
            let theirs = &theirs[part.number];
            assert_eq!(Some(header(part)), theirs.header, "{}", path.display());
            match &part.obstacle {
                Some(obstacle) => panic!("{} part {}: {obstacle}", path.display(), part.number),
                None => self.add_part(path, &info, at, theirs, helpers),
            }
        }
        self.files += 1;
    }

    fn add_part(&mut self, path: &Path, info: &MediaInfo, at: usize, theirs: &Picture, helpers: usize) {
        let part = &info.parts[at];
        let before = self.channels;
        for layer in info.layers.iter().filter(|layer| layer.part == at) {
            let frame = decoded(&DecodeRequest { helpers, ..request(path, &layer.planes) });
            let place = format!("{} part {}", path.display(), part.number);
            self.add_frame(&place, &part.compression, &frame, theirs);
        }
        // A deep part has planes here and samples there.
        let is_deep = theirs.planes.is_empty();
        let channels = if is_deep { part.channels.len() } else { theirs.planes.len() };
        assert_eq!(self.channels - before, channels, "{}: a channel is in no layer", path.display());
    }

    /// Every plane of a frame that stands for a part or one of its levels.
    pub fn add_frame(&mut self, place: &str, compression: &str, frame: &FrameBuffer, theirs: &Picture) {
        if !frame.is_whole() {
            self.different.push(format!("{place}: {:?} is missing", frame.missing));
        }
        for (plane, spec) in frame.layout.planes().iter().enumerate() {
            self.channels += 1;
            let Some(wanted) = theirs.plane(&spec.name) else {
                self.different.push(format!("{place}: there is no {}", spec.name));
                continue;
            };
            let ours = plane_bytes(frame, plane);
            let kind = (spec.sample.name(), spec.width, spec.height);
            if kind != (wanted.sample.as_str(), wanted.width, wanted.height) {
                self.different.push(format!("{place}: {kind:?} is not {wanted:?}"));
            } else if !is_same(compression, spec.sample, &ours, &wanted.samples) {
                let size = spec.sample.bytes();
                let pairs = ours.chunks_exact(size).zip(wanted.samples.chunks_exact(size));
                let first = pairs.clone().position(|(ours, theirs)| ours != theirs).unwrap_or(0) as u32;
                let count = pairs.filter(|(ours, theirs)| ours != theirs).count();
                let (x, y) = (first % spec.width, first / spec.width);
                self.different.push(format!("{place}: {count} samples of {}, first at {x} {y}", spec.name));
            }
        }
    }

    /// Fails with everything that differs, and where too little was compared.
    pub fn finish(self, least_files: usize, least_channels: usize) {
        assert!(self.different.is_empty(), "{} differ:\n{}", self.different.len(), self.different.join("\n"));
        eprintln!("{} files with {} channels are the same", self.files, self.channels);
        assert!(self.files >= least_files && self.channels >= least_channels, "too few");
    }
}
