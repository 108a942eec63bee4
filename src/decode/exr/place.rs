//! Owns the copy of decoded chunks into the planes of a frame.
//! Pure; the thread that decodes.

use super::blocks::Block;
use super::bytes::interleave;
use super::header::PartHeader;
use crate::decode::{DecodeError, PlaneRequest};
use crate::frame::{PlaneLayout, PlaneSpec, SampleType, Window};

/// Where a plane's samples stand in a decoded row.
#[derive(Debug, Clone, Copy)]
struct Source {
    /// Bytes of the channels before it, for one pixel.
    bytes_before: usize,
    sample_bytes: usize,
}

/// Copies rows of decoded chunks into planes.
#[derive(Debug)]
pub struct Placement {
    layout: std::sync::Arc<PlaneLayout>,
    sources: Vec<Source>,
    bytes_per_pixel: usize,
}

pub fn sample_type(pixel_type: i32) -> SampleType {
    match pixel_type {
        0 => SampleType::U32,
        1 => SampleType::F16,
        _ => SampleType::F32,
    }
}

impl Placement {
    /// Finds the requested channels in a part; channels that it lacks are left out.
    ///
    /// # Errors
    /// [`DecodeError::NotSupported`] when it has none of them.
    pub fn new(
        part: &PartHeader,
        request: &PlaneRequest,
        (data, display, aspect): (Window, Window, f32),
    ) -> Result<Self, DecodeError> {
        let mut planes = Vec::new();
        let mut sources = Vec::new();
        for (name, role) in &request.channels {
            let mut bytes_before = 0;
            for channel in &part.channels {
                let sample = sample_type(channel.pixel_type);
                if channel.name == name.as_bytes() {
                    sources.push(Source { bytes_before, sample_bytes: sample.bytes() });
                    planes.push(PlaneSpec {
                        name: name.clone(),
                        sample,
                        role: *role,
                        width: data.width,
                        height: data.height,
                    });
                    break;
                }
                bytes_before += sample.bytes();
            }
        }
        if planes.is_empty() {
            return Err(DecodeError::not_supported(lacking(part, request)));
        }
        let layout = PlaneLayout::new(planes, data, display, aspect)
            .map_err(|error| DecodeError::damaged(error.to_string()))?;
        let bytes_per_pixel = super::gate::bytes_per_pixel(part) as usize;
        Ok(Self { layout: layout.into(), sources, bytes_per_pixel })
    }

    pub fn layout(&self) -> &std::sync::Arc<PlaneLayout> {
        &self.layout
    }

    /// Copies one chunk's samples into the planes.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] when the chunk holds fewer samples than its rectangle.
    pub fn place(&self, block: Block, samples: &[u8], memory: &mut [u8]) -> Result<(), DecodeError> {
        let width = block.width as usize;
        let row_bytes = width * self.bytes_per_pixel;
        if samples.len() != row_bytes * block.height as usize {
            return Err(DecodeError::damaged("a chunk does not fill its rectangle"));
        }
        for (source, span) in self.sources.iter().zip(self.layout.spans()) {
            let from = source.bytes_before * width;
            let length = source.sample_bytes * width;
            let at = block.x as usize * source.sample_bytes;
            for (line, row) in samples.chunks_exact(row_bytes).enumerate() {
                let target = &mut memory[span.row(block.y as usize + line)];
                target[at..at + length].copy_from_slice(&row[from..from + length]);
            }
        }
        Ok(())
    }

    /// Copies one chunk into the planes whose bytes are still apart: the first half holds the even bytes of all
    /// samples, the second half the odd ones. No copy of the chunk in its own order is made.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] when the chunk holds fewer samples than its rectangle.
    pub fn place_halves(&self, block: Block, halves: &[u8], memory: &mut [u8]) -> Result<(), DecodeError> {
        let width = block.width as usize;
        // Samples have 2 or 4 bytes, so every row begins at an even byte.
        let row_pairs = width * self.bytes_per_pixel / 2;
        let (even, odd) = halves.split_at(halves.len() / 2);
        if even.len() != row_pairs * block.height as usize || odd.len() != even.len() {
            return Err(DecodeError::damaged("a chunk does not fill its rectangle"));
        }
        for (source, span) in self.sources.iter().zip(self.layout.spans()) {
            let length = source.sample_bytes * width;
            let at = block.x as usize * source.sample_bytes;
            for line in 0..block.height as usize {
                let from = line * row_pairs + source.bytes_before * width / 2;
                let pairs = from..from + length / 2;
                let target = &mut memory[span.row(block.y as usize + line)][at..at + length];
                interleave(&even[pairs.clone()], &odd[pairs], target);
            }
        }
        Ok(())
    }

    /// Clears a rectangle for which the file has no data, so that nothing of an earlier frame stays.
    pub fn clear(&self, block: Block, memory: &mut [u8]) {
        for (source, span) in self.sources.iter().zip(self.layout.spans()) {
            let at = block.x as usize * source.sample_bytes;
            let length = source.sample_bytes * block.width as usize;
            for line in 0..block.height as usize {
                memory[span.row(block.y as usize + line)][at..at + length].fill(0);
            }
        }
    }
}

fn lacking(part: &PartHeader, request: &PlaneRequest) -> String {
    let wanted: Vec<String> = request.channels.iter().map(|(name, _)| crate::text::shown(name)).collect();
    let found: Vec<String> =
        part.channels.iter().take(8).map(|channel| crate::text::shown(&channel.name)).collect();
    let more = if part.channels.len() > 8 { ", …" } else { "" };
    format!("this frame has none of the channels {}; it has {}{more}", wanted.join(", "), found.join(", "))
}
