//! Owns what header and request decide together: which part, level and channels are read, by which codec, into which
//! planes. The frames of a sequence mostly have the same header byte for byte; then the plan of the frame before
//! serves, and nothing is parsed. The thread that decodes.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::blocks::BlockGrid;
use super::chunk::{ChannelKind, Kind};
use super::codec::ChunkCodec;
use super::gate;
use super::header::{FileHeader, PartHeader};
use super::mix::Mix;
use super::place::Placement;
use super::proxy::Shrink;
use super::scratch::Held;
use super::source::{ReadWindow, Source};
use crate::decode::{DecodeError, PlaneRequest};
use crate::frame::{PlaneLayout, Window};

/// Plans that a thread remembers: clips and layers that play side by side.
const KEPT_PLANS: usize = 4;

thread_local! {
    /// The one used last stands first.
    static PLANS: RefCell<Vec<Rc<FramePlan>>> = const { RefCell::new(Vec::new()) };
}

/// How the frames of one sequence are read.
pub struct FramePlan {
    /// The bytes of all headers: from the start of the file to the offset tables.
    header: Vec<u8>,
    request: Arc<PlaneRequest>,
    wanted_level: u8,
    /// The level that is read.
    pub grid: BlockGrid,
    /// What is left out of that level.
    pub shrink: Shrink,
    pub codec: ChunkCodec,
    pub placement: Placement,
    /// What becomes of the planes of the placement, where they are not what is shown.
    pub mix: Option<Mix>,
    pub part: PartHeader,
    /// Stands in front of every chunk of files with several parts.
    pub part_number: Option<usize>,
    /// Where the level's entries of the offset table begin.
    pub table_offset: u64,
    /// First line of the data window in the file's coordinates.
    pub first_line: i32,
}

impl FramePlan {
    /// The plan for a file: the last one where header and request are the same, else a new one.
    ///
    /// # Errors
    /// [`DecodeError`] when the header is damaged, the gate refuses it, or the part cannot be decoded.
    pub fn of(
        source: &Source,
        window: &mut ReadWindow,
        request: &Arc<PlaneRequest>,
        level: u8,
    ) -> Result<Rc<Self>, DecodeError> {
        if let Some(plan) = Self::remembered(source, window, request, level) {
            gate::check_part(&plan.part, source.file_bytes())?;
            return Ok(plan);
        }
        let header = window.header(source)?;
        let bytes = window.bytes(source, 0, header.end)?.to_vec();
        let plan = Rc::new(Self::new(&header, bytes, request, level, source.file_bytes())?);
        PLANS.with_borrow_mut(|plans| {
            plans.truncate(KEPT_PLANS - 1);
            plans.insert(0, Rc::clone(&plan));
        });
        Ok(plan)
    }

    /// The planes that a frame ends in.
    pub fn layout(&self) -> &Arc<PlaneLayout> {
        self.mix.as_ref().map_or(self.placement.layout(), Mix::layout)
    }

    fn remembered(
        source: &Source,
        window: &mut ReadWindow,
        request: &Arc<PlaneRequest>,
        level: u8,
    ) -> Option<Rc<Self>> {
        PLANS.with_borrow_mut(|plans| {
            let fits = |plan: &Rc<Self>| {
                let is_asked = plan.wanted_level == level && plan.request == *request;
                is_asked && window.bytes(source, 0, plan.header.len()).is_ok_and(|bytes| bytes == plan.header)
            };
            let found = plans.iter().position(fits)?;
            plans[..=found].rotate_right(1);
            plans.first().cloned()
        })
    }

    /// The plan for a file whose headers are these, read and as bytes.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn new(
        file: &FileHeader,
        header: Vec<u8>,
        request: &Arc<PlaneRequest>,
        level: u8,
        file_bytes: u64,
    ) -> Result<Self, DecodeError> {
        let number = find_part(file, request)?;
        let part = &file.parts[number];
        gate::check_part(part, file_bytes)?;
        let data = gate::data_window(part)?;
        let grid = BlockGrid::at_level(part, data, u32::from(level));
        let shrink = Shrink::of(part, level);
        let (width, height) = (grid.width().div_ceil(shrink.across), grid.height().div_ceil(shrink.down));
        let level_window = Window { width, height, ..data };
        let windows = (data, gate::display_window(part, data), gate::pixel_aspect(part));
        let placement = Placement::new(channel_kinds(part), request, level_window, windows)?;
        let mix = match request.mixes_chroma {
            true => Mix::new(part, &channel_kinds(part), placement.layout(), level_window)?,
            false => None,
        };
        check_size(placement.layout())?;
        mix.as_ref().map_or(Ok(()), |mix| check_size(mix.layout()))?;
        let of_others: u64 = file.parts[..number].iter().map(table_entries).sum::<Result<_, _>>()?;
        Ok(Self {
            table_offset: header.len() as u64 + 8 * (of_others + grid.first_chunk()),
            header,
            request: Arc::clone(request),
            wanted_level: level,
            grid,
            shrink,
            codec: ChunkCodec::new(part)?,
            placement,
            mix,
            part: part.clone(),
            part_number: file.is_multipart.then_some(number),
            first_line: data.y,
        })
    }
}

/// Without the layouts, which the frames share.
impl Held for FramePlan {
    fn held_bytes(&self) -> usize {
        self.header.held_bytes() + self.part.held_bytes() + self.placement.held_bytes()
    }
}

/// Bytes of the plans that the calling thread remembers.
pub fn held_bytes() -> usize {
    PLANS.with_borrow(|plans| {
        let of_plans = plans.iter().map(|plan| size_of::<FramePlan>() + plan.held_bytes());
        plans.capacity() * size_of::<Rc<FramePlan>>() + of_plans.sum::<usize>()
    })
}

/// Forgets the plans.
pub fn release() {
    drop(PLANS.take());
}

/// Entries of a part's offset table; parts that nobody can read state them as well.
fn table_entries(part: &PartHeader) -> Result<u64, DecodeError> {
    match part.chunk_count.and_then(|count| u64::try_from(count).ok()) {
        Some(stated) => Ok(stated),
        None => Ok(BlockGrid::total_chunks(part, gate::data_window(part)?)),
    }
}

fn check_size(layout: &PlaneLayout) -> Result<(), DecodeError> {
    let needed = layout.total_bytes() as u64;
    if needed <= gate::MAX_FRAME_BYTES {
        return Ok(());
    }
    Err(DecodeError::damaged(format!(
        "its planes need {}; the limit is {}",
        crate::memory::format_bytes(needed),
        crate::memory::format_bytes(gate::MAX_FRAME_BYTES)
    )))
}

/// The channels of a part that passed the gate.
pub fn channel_kinds(part: &PartHeader) -> Vec<ChannelKind> {
    let kind = |pixel_type| match pixel_type {
        0 => Kind::Uint,
        1 => Kind::Half,
        _ => Kind::Float,
    };
    let channels = part.channels.iter().map(|channel| ChannelKind {
        name: channel.name.clone(),
        kind: kind(channel.pixel_type),
        is_linear: channel.is_linear,
        sampling: (channel.sampling.0 as u32, channel.sampling.1 as u32),
    });
    channels.collect()
}

/// The requested part: the one of that name, else the one at that position; of several by that name the one there.
fn find_part(header: &FileHeader, request: &PlaneRequest) -> Result<usize, DecodeError> {
    let is_named = |part: &PartHeader| request.part_name.is_some() && part.text("name") == request.part_name;
    let number = match header.parts.get(request.part) {
        Some(part) if is_named(part) => request.part,
        _ => header.parts.iter().position(is_named).unwrap_or(request.part),
    };
    if number < header.parts.len() {
        return Ok(number);
    }
    Err(DecodeError::not_supported(format!(
        "this frame has {} parts, number {number} is asked for",
        header.parts.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::super::header::{Box2i, RawAttribute, RawChannel};
    use super::*;
    use crate::frame::Role;

    fn part(name: &str, side: i32, channels: &[(&str, i32)]) -> PartHeader {
        let window = Box2i { min: (0, 0), max: (side - 1, side - 1) };
        let channel = |(name, step): &(&str, i32)| RawChannel {
            name: name.as_bytes().to_vec(),
            pixel_type: 1,
            is_linear: false,
            sampling: (*step, *step),
        };
        PartHeader {
            attributes: vec![RawAttribute {
                name: b"name".to_vec(),
                kind: b"string".to_vec(),
                value: name.as_bytes().to_vec(),
            }],
            channels: channels.iter().map(channel).collect(),
            compression: 2,
            data_window: window,
            display_window: window,
            pixel_aspect: 1.0,
            tiles: None,
            is_deep: false,
            chunk_count: Some(side),
        }
    }

    /// The plan for one part of a large file; its headers have no bytes.
    fn plan(
        parts: Vec<PartHeader>,
        number: usize,
        channels: &[(&str, Role)],
    ) -> Result<FramePlan, DecodeError> {
        let request = PlaneRequest {
            part: number,
            part_name: parts[number].text("name"),
            channels: channels.iter().map(|(name, role)| ((*name).to_string(), *role)).collect(),
            mixes_chroma: channels.iter().any(|(_, role)| *role == Role::Luminance),
        };
        let file = FileHeader { is_multipart: parts.len() > 1, parts, end: 0 };
        FramePlan::new(&file, Vec::new(), &request.into(), 0, 1 << 40)
    }

    #[test]
    fn of_parts_of_the_same_name_the_one_at_the_position_is_read() {
        let parts = vec![part("rgb", 8, &[("R", 1)]), part("rgb", 16, &[("R", 1)])];
        assert_eq!(plan(parts, 1, &[("R", Role::Red)]).unwrap().part_number, Some(1));
    }

    #[test]
    fn a_table_is_found_behind_those_of_parts_that_nobody_can_read() {
        let foreign = PartHeader { compression: 99, chunk_count: Some(3), ..part("a", 70_000, &[("R", 1)]) };
        let parts = vec![foreign, part("b", 8, &[("R", 1)])];
        assert_eq!(plan(parts, 1, &[("R", Role::Red)]).unwrap().table_offset, 3 * 8);
    }

    #[test]
    fn colour_made_of_chroma_keeps_the_limit_of_a_frame() {
        let channels = [("Y", Role::Luminance), ("RY", Role::ChromaRed), ("BY", Role::ChromaBlue)];
        let of_side = |side| plan(vec![part("yc", side, &[("BY", 2), ("RY", 2), ("Y", 1)])], 0, &channels);
        assert!(of_side(20_000).is_ok());
        let error = of_side(36_000).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("its planes need"), "{error}");
    }
}
