//! Owns where the rows of decoded chunks go: which channel is which plane, and the part of the planes' memory that
//! one thread fills. Pure; the threads that decode.

use std::slice::ChunksExactMut;
use std::sync::Arc;

use smallvec::SmallVec;

use super::chunk::{ChannelKind, Chunk, Kind, Rows, multiples};
use super::scratch::{Held, held_by_all};
use crate::decode::{DecodeError, PlaneRequest};
use crate::frame::{Area, PlaneLayout, PlaneSpec, SampleType, Window};

/// Planes of one frame without a heap allocation; layers of more are rare.
const FEW_PLANES: usize = 8;

/// Which planes the channels of a part fill.
#[derive(Debug)]
pub struct Placement {
    layout: Arc<PlaneLayout>,
    /// The channels of the part, in file order.
    channels: Vec<ChannelKind>,
    /// The plane of each channel, and the channel of each plane.
    planes: Vec<Option<usize>>,
    sources: Vec<usize>,
    /// The pixels that the planes cover, in the coordinates of the file.
    window: Window,
}

/// Without the layout, which the frames share.
impl Held for Placement {
    fn held_bytes(&self) -> usize {
        held_by_all(&self.channels) + self.planes.held_bytes() + self.sources.held_bytes()
    }
}

pub fn sample_type(kind: Kind) -> SampleType {
    match kind {
        Kind::Uint => SampleType::U32,
        Kind::Half => SampleType::F16,
        Kind::Float => SampleType::F32,
    }
}

impl Placement {
    /// Finds the requested channels among those of a part; channels that it lacks are left out. `level` is the
    /// window that is decoded, `data` and `display` those of the full size.
    ///
    /// # Errors
    /// [`DecodeError::NotSupported`] when it has none of them.
    pub fn new(
        channels: Vec<ChannelKind>,
        request: &PlaneRequest,
        level: Window,
        (data, display, aspect): (Window, Window, f32),
    ) -> Result<Self, DecodeError> {
        let (mut specs, mut sources) = (Vec::new(), Vec::new());
        let mut planes = vec![None; channels.len()];
        for (name, role) in &request.channels {
            // Requests have names as text, in which bytes that are none were replaced.
            let is_asked = |channel: &ChannelKind| String::from_utf8_lossy(&channel.name) == *name;
            let Some(number) = channels.iter().position(is_asked) else {
                continue;
            };
            if planes[number].is_some() {
                continue;
            }
            planes[number] = Some(specs.len());
            sources.push(number);
            let channel = &channels[number];
            let side = |start, length, step| multiples(start, length, step) as u32;
            specs.push(PlaneSpec {
                name: name.clone(),
                sample: sample_type(channel.kind),
                role: *role,
                width: side(level.x, level.width, channel.sampling.0),
                height: side(level.y, level.height, channel.sampling.1),
            });
        }
        if specs.is_empty() {
            return Err(DecodeError::not_supported(lacking(&channels, request)));
        }
        let layout = PlaneLayout::new(specs, data, display, aspect)
            .map_err(|error| DecodeError::damaged(error.to_string()))?;
        Ok(Self { layout: layout.into(), channels, planes, sources, window: level })
    }

    pub fn layout(&self) -> &Arc<PlaneLayout> {
        &self.layout
    }

    /// A rectangle of the window as the codecs see it.
    pub fn chunk(&self, area: Area) -> Chunk<'_> {
        Chunk {
            channels: &self.channels,
            // The gate keeps windows so near the origin that the sums fit.
            x: self.window.x + area.x as i32,
            y: self.window.y + area.y as i32,
            width: area.width,
            height: area.height,
        }
    }

    /// One whole line of the window as the codecs see it.
    pub fn chunk_of_line(&self, line: u32) -> Chunk<'_> {
        self.chunk(Area { x: 0, y: line, width: self.window.width, height: 1 })
    }

    /// Whether there is a plane for every channel, and a sample for every pixel.
    pub fn takes_every_sample(&self) -> bool {
        let is_full = |channel: &ChannelKind| channel.sampling == (1, 1);
        self.planes.iter().all(Option::is_some) && self.channels.iter().all(is_full)
    }

    /// For every channel in file order its rows from the window's line `line` on, and the bytes of samples in a row.
    /// For placements that take every sample.
    pub fn rows_in_file_order<'b>(
        &self,
        line: u32,
        band: &'b mut Band,
    ) -> SmallVec<[(ChunksExactMut<'b, u8>, usize); FEW_PLANES]> {
        let mut rows: SmallVec<[_; FEW_PLANES]> = SmallVec::new();
        for (plane, of_plane) in band.planes.iter_mut().enumerate() {
            let row_bytes = self.layout.spans()[plane].row_bytes;
            let skipped = (line as usize).saturating_sub(of_plane.first_row) * row_bytes;
            let from_line = of_plane.bytes.get_mut(skipped..).unwrap_or_default();
            let channel = self.sources[plane];
            let sample_bytes = self.window.width as usize * self.channels[channel].kind.bytes();
            rows.push((channel, (from_line.chunks_exact_mut(row_bytes), sample_bytes)));
        }
        rows.sort_unstable_by_key(|(channel, _)| *channel);
        rows.into_iter().map(|(_, rows)| rows).collect()
    }

    /// The rows of all planes, to be filled from the top.
    pub fn whole<'m>(&self, memory: &'m mut [u8]) -> Band<'m> {
        let mut rest = memory;
        let planes = self.layout.spans().iter().map(|span| {
            // Planes lie one after the other.
            let (bytes, after) = std::mem::take(&mut rest).split_at_mut(span.range().len());
            rest = after;
            PlaneRows { first_row: 0, bytes }
        });
        Band { planes: planes.collect() }
    }

    /// Takes the rows above the window's line `line` off the band.
    pub fn take_above<'m>(&self, line: u32, band: &mut Band<'m>) -> Band<'m> {
        let take = |(plane, rows): (usize, &mut PlaneRows<'m>)| {
            let end = self.rows_above(plane, line);
            let bytes = end.saturating_sub(rows.first_row) * self.layout.spans()[plane].row_bytes;
            let (taken, rest) = std::mem::take(&mut rows.bytes).split_at_mut(bytes);
            let above = PlaneRows { first_row: rows.first_row, bytes: taken };
            *rows = PlaneRows { first_row: end, bytes: rest };
            above
        };
        Band { planes: band.planes.iter_mut().enumerate().map(take).collect() }
    }

    /// Rows of a plane above a line of the window.
    fn rows_above(&self, plane: usize, line: u32) -> usize {
        multiples(self.window.y, line, self.channels[self.sources[plane]].sampling.1)
    }

    /// Clears a rectangle for which the file has no data, so that nothing of an earlier frame stays.
    pub fn clear(&self, area: Area, band: &mut Band) {
        let mut rows = self.rows(area, band);
        let chunk = self.chunk(area);
        for channel in &self.sources {
            for line in 0..chunk.lines(*channel) {
                if let Some(row) = rows.row(*channel, line) {
                    row.fill(0);
                }
            }
        }
    }

    /// The rows of a rectangle that lies in the band.
    pub fn rows<'a, 'm>(&'a self, area: Area, band: &'a mut Band<'m>) -> AreaRows<'a, 'm> {
        AreaRows { placement: self, area, band }
    }
}

/// Some lines of the window in all planes.
pub struct Band<'m> {
    planes: SmallVec<[PlaneRows<'m>; FEW_PLANES]>,
}

struct PlaneRows<'m> {
    first_row: usize,
    bytes: &'m mut [u8],
}

/// The rows of a rectangle in a band.
pub struct AreaRows<'a, 'm> {
    placement: &'a Placement,
    area: Area,
    band: &'a mut Band<'m>,
}

impl Rows for AreaRows<'_, '_> {
    fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
        let plane = self.placement.planes[channel]?;
        let of_channel = &self.placement.channels[channel];
        let samples =
            |from: i32, count: u32| multiples(from, count, of_channel.sampling.0) * of_channel.kind.bytes();
        let left = samples(self.placement.window.x, self.area.x);
        let length = samples(self.placement.window.x + self.area.x as i32, self.area.width);
        let rows = &mut self.band.planes[plane];
        let row = (self.placement.rows_above(plane, self.area.y) + line).checked_sub(rows.first_row)?;
        let start = row * self.placement.layout.spans()[plane].row_bytes + left;
        rows.bytes.get_mut(start..start + length)
    }
}

fn lacking(channels: &[ChannelKind], request: &PlaneRequest) -> String {
    let wanted: Vec<String> = request.channels.iter().map(|(name, _)| crate::text::shown(name)).collect();
    let found: Vec<String> = channels.iter().map(|channel| crate::text::shown(&channel.name)).collect();
    format!("it has no channel {}; found {}", wanted.join(", "), found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Role;

    fn channel(name: &str, sampling: (u32, u32)) -> ChannelKind {
        ChannelKind { name: name.into(), kind: Kind::Half, is_linear: false, sampling }
    }

    fn placed(window: Window) -> Placement {
        let request = PlaneRequest {
            part: 0,
            part_name: None,
            mixes_chroma: false,
            channels: vec![
                ("Y".into(), Role::Grey),
                ("RY".into(), Role::Other),
                ("lost".into(), Role::Other),
            ],
        };
        let channels = vec![channel("BY", (2, 2)), channel("RY", (2, 2)), channel("Y", (1, 1))];
        Placement::new(channels, &request, window, (window, window, 1.0)).unwrap()
    }

    /// Fills the band's rows of an area with a number and tells how many rows it has.
    fn fill(placement: &Placement, area: Area, band: &mut Band, number: u8) -> [usize; 3] {
        let lines = |channel| placement.chunk(area).lines(channel);
        let mut rows = placement.rows(area, band);
        [0, 1, 2].map(|channel| {
            let mut fill = |line| rows.row(channel, line).map(|row| row.fill(number));
            (0..lines(channel)).filter(|line| fill(*line).is_some()).count()
        })
    }

    #[test]
    fn bands_part_the_planes_where_the_lines_part() {
        let placement = placed(Window { x: -1, y: 1, width: 5, height: 7 });
        let mut memory = vec![0; placement.layout().total_bytes()];
        let mut rest = placement.whole(&mut memory);
        let mut above = placement.take_above(3, &mut rest);
        // Lines 1 to 3 and 4 to 7 of the file: 2 is even in the one, 4 and 6 in the other.
        assert_eq!(fill(&placement, Area { x: 0, y: 0, width: 5, height: 3 }, &mut above, 1), [0, 1, 3]);
        assert_eq!(fill(&placement, Area { x: 0, y: 3, width: 5, height: 4 }, &mut rest, 2), [0, 2, 4]);
        drop((above, rest));
        // Of the columns -1 to 3 of the file, 0 and 2 are even.
        let [luma, chroma] = [0, 1].map(|plane| placement.layout().spans()[plane]);
        assert_eq!(memory[luma.row(2)][..11], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]);
        assert_eq!(memory[luma.row(3)][..2], [2, 2]);
        assert_eq!(memory[chroma.row(0)][..5], [1, 1, 1, 1, 0]);
        assert_eq!(memory[chroma.row(1)][..5], [2, 2, 2, 2, 0]);
    }

    #[test]
    fn rows_outside_the_band_are_nobody_s() {
        let placement = placed(Window::at_origin(4, 8));
        let mut memory = vec![0; placement.layout().total_bytes()];
        let mut rest = placement.whole(&mut memory);
        let _above = placement.take_above(4, &mut rest);
        assert_eq!(fill(&placement, Area { x: 0, y: 0, width: 4, height: 2 }, &mut rest, 1), [0, 0, 0]);
    }

    #[test]
    fn names_that_are_no_text_are_found() {
        let window = Window::at_origin(1, 1);
        let name = String::from_utf8_lossy(b"caf\xe9.R").into_owned();
        let channels = vec![(name, Role::Red)];
        let request = PlaneRequest { part: 0, part_name: None, channels, mixes_chroma: false };
        let of_file = ChannelKind { name: b"caf\xe9.R".to_vec(), ..channel("", (1, 1)) };
        assert!(Placement::new(vec![of_file], &request, window, (window, window, 1.0)).is_ok());
    }

    #[test]
    fn what_is_missing_is_named_with_what_is_there() {
        let window = Window::at_origin(1, 1);
        let request = PlaneRequest {
            part: 0,
            part_name: None,
            channels: vec![("R".into(), Role::Red)],
            mixes_chroma: false,
        };
        let channels = vec![channel("Z", (1, 1))];
        let error = Placement::new(channels, &request, window, (window, window, 1.0)).unwrap_err();
        assert!(error.to_string().contains("it has no channel R; found Z"), "{error}");
    }
}
