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
use super::header::{FileHeader, LevelMode, PartHeader};
use super::mix::Mix;
use super::place::Placement;
use super::proxy::Shrink;
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
        let shrink = if part.tiles.is_some_and(|tiles| tiles.level_mode != LevelMode::One) {
            Shrink::NONE
        } else {
            Shrink::of(part, level)
        };
        let (width, height) = (grid.width().div_ceil(shrink.across), grid.height().div_ceil(shrink.down));
        let level_window = Window { width, height, ..data };
        let windows = (data, gate::display_window(part, data), gate::pixel_aspect(part));
        let placement = Placement::new(channel_kinds(part), request, level_window, windows)?;
        let mix = match request.mixes_chroma {
            true => Mix::new(part, &channel_kinds(part), placement.layout(), level_window)?,
            false => None,
        };
        check_size(placement.layout())?;
        let mut chunks_before = grid.first_chunk();
        for earlier in &file.parts[..number] {
            chunks_before += BlockGrid::total_chunks(earlier, gate::data_window(earlier)?);
        }
        Ok(Self {
            table_offset: header.len() as u64 + 8 * chunks_before,
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

/// The requested part: the one of that name, else the one at that position.
fn find_part(header: &FileHeader, request: &PlaneRequest) -> Result<usize, DecodeError> {
    let named = request
        .part_name
        .as_ref()
        .and_then(|name| header.parts.iter().position(|part| part.text("name").as_ref() == Some(name)));
    let number = named.unwrap_or(request.part);
    if number < header.parts.len() {
        return Ok(number);
    }
    Err(DecodeError::not_supported(format!(
        "this frame has {} parts, number {number} is asked for",
        header.parts.len()
    )))
}
