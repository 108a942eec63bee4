//! Owns the way through one EXR file: header, gate, offset table, chunks, planes. The thread that
//! decodes; looks at its watch after opening and between chunks.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use super::blocks::{Block, BlockGrid, lines_per_chunk};
use super::codec::ChunkCodec;
use super::header::{FileHeader, HeaderError, PartHeader};
use super::inflate::Workspace;
use super::place::{Placement, sample_type};
use super::{attribute, codec, gate, header};
use crate::decode::media::{default_layer, layers_of};
use crate::decode::{
    Channel, DecodeEnd, DecodeError, DecodeFloor, DecodeRequest, Decoded, MediaInfo, Part, PlaneRequest,
};
use crate::frame::FrameMemory;
use crate::time::Rate;

/// First read of a file; most headers fit.
const HEADER_PREFIX_BYTES: usize = 64 << 10;
/// Headers longer than this are refused.
const MAX_HEADER_BYTES: usize = 16 << 20;
/// Bytes read from the file at once while going through its chunks.
const WINDOW_BYTES: u64 = 1 << 20;
/// Chunks of few lines are cheap: the watch is looked at once in so many.
const SMALL_CHUNKS_PER_LOOK: usize = 16;

/// Reads the headers of a file.
///
/// # Errors
/// [`DecodeError`] when the file cannot be read or the gate refuses it.
pub fn probe(path: &Path) -> Result<MediaInfo, DecodeError> {
    let mut source = Source::open(path)?;
    let header = source.header()?;
    gate::check_file(&header, source.file_bytes)?;
    let parts: Vec<Part> = header
        .parts
        .iter()
        .enumerate()
        .filter_map(|(number, part)| describe(number, part, source.file_bytes).ok())
        .collect();
    if parts.len() < header.parts.len() {
        log::warn!("{}: some parts declare more than the limits", source.name);
    }
    let layers = layers_of(&parts);
    if layers.is_empty() {
        return Err(DecodeError::damaged("it has no channels"));
    }
    Ok(MediaInfo {
        format: "EXR".into(),
        default_layer: default_layer(&parts, &layers),
        layers,
        rate: header.parts[0].attribute("framesPerSecond").and_then(rate),
        parts,
        is_linear: true,
    })
}

fn rate(attribute: &header::RawAttribute) -> Option<Rate> {
    let num = attribute.value.get(0..4)?.try_into().map(u32::from_le_bytes).ok()?;
    let den = attribute.value.get(4..8)?.try_into().map(u32::from_le_bytes).ok()?;
    Rate::new(num, den).ok()
}

fn describe(number: usize, part: &PartHeader, file_bytes: u64) -> Result<Part, DecodeError> {
    gate::check_part(part, file_bytes)?;
    let data_window = gate::data_window(part)?;
    let channels = part.channels.iter().map(|channel| Channel {
        name: String::from_utf8_lossy(&channel.name).into_owned(),
        sample: sample_type(channel.pixel_type),
        sampling: (channel.sampling.0 as u32, channel.sampling.1 as u32),
    });
    Ok(Part {
        number,
        name: part.text("name"),
        view: part.text("view"),
        data_window,
        display_window: gate::display_window(part, data_window),
        pixel_aspect: gate::pixel_aspect(part),
        compression: attribute::compression_name(part.compression),
        storage: storage(part),
        channels: channels.collect(),
        attributes: part.attributes.iter().map(attribute::shown).collect(),
        obstacle: codec::obstacle(part),
    })
}

fn storage(part: &PartHeader) -> String {
    let deep = if part.is_deep { "deep " } else { "" };
    match part.tiles {
        Some(tiles) => format!("{deep}tiled {}x{}", tiles.width, tiles.height),
        None => format!("{deep}scanline"),
    }
}

/// Decodes the requested channels into `memory`.
///
/// # Errors
/// [`DecodeError`] when nothing could be decoded; a frame of which a part could is done, and says
/// which rows are missing.
pub fn decode(request: &DecodeRequest, memory: &mut FrameMemory) -> Result<DecodeEnd, DecodeError> {
    let mut source = Source::open(&request.path)?;
    let header = source.header()?;
    let (part_number, part) = find_part(&header, &request.planes)?;
    gate::check_part(part, source.file_bytes)?;
    let data = gate::data_window(part)?;
    let windows = (data, gate::display_window(part, data), gate::pixel_aspect(part));
    let placement = Placement::new(part, &request.planes, windows)?;
    let needed_bytes = placement.layout().total_bytes();
    if needed_bytes as u64 > gate::MAX_FRAME_BYTES {
        return Err(DecodeError::damaged(format!(
            "its planes need {}; the limit is {}",
            crate::memory::format_bytes(needed_bytes as u64),
            crate::memory::format_bytes(gate::MAX_FRAME_BYTES)
        )));
    }
    if needed_bytes > memory.len_bytes() {
        return Ok(DecodeEnd::Refused { needed_bytes });
    }
    let chunks = ChunkWalk::new(&mut source, &header, part_number)?;
    let end = chunks.decode(&mut source, request, &placement, memory.bytes_mut());
    Workspace::with(Workspace::trim);
    source.check_unchanged()?;
    end
}

/// What no decoder of this file can do without, measured on the calling thread.
///
/// # Errors
/// [`DecodeError`] when the file cannot be read; broken chunks are passed over.
pub fn floor(path: &Path, planes: &PlaneRequest) -> Result<DecodeFloor, DecodeError> {
    let mut source = Source::open(path)?;
    let header = source.header()?;
    let (part_number, part) = find_part(&header, planes)?;
    gate::check_part(part, source.file_bytes)?;
    let chunks = ChunkWalk::new(&mut source, &header, part_number)?;
    let found: Vec<FoundChunk> = (0..)
        .zip(&chunks.offsets)
        .filter_map(|(number, offset)| chunks.find_chunk(&mut source, number, *offset).ok())
        .collect();
    let mut read_nanos = 0;
    let mut inflate_nanos = Some(0);
    for chunk in found {
        let started = Instant::now();
        let compressed = source.bytes(chunk.offset, chunk.length)?;
        read_nanos += nanos_since(started);
        let started = Instant::now();
        let inflates = chunks.codec.inflate_only(chunk.block, compressed);
        inflate_nanos = inflate_nanos.filter(|_| inflates).map(|nanos| nanos + nanos_since(started));
    }
    Ok(DecodeFloor { read_nanos, inflate_nanos })
}

fn nanos_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The requested part: the one of that name, else the one at that position.
fn find_part<'a>(
    header: &'a FileHeader,
    request: &PlaneRequest,
) -> Result<(usize, &'a PartHeader), DecodeError> {
    let named = request
        .part_name
        .as_ref()
        .and_then(|name| header.parts.iter().position(|part| part.text("name").as_ref() == Some(name)));
    let number = named.unwrap_or(request.part);
    let part = header.parts.get(number).ok_or_else(|| {
        DecodeError::not_supported(format!(
            "this frame has {} parts, number {number} is asked for",
            header.parts.len()
        ))
    })?;
    Ok((number, part))
}

/// A chunk's place in the grid, and where its bytes lie in the file.
struct FoundChunk {
    position: (u32, u32),
    block: Block,
    offset: u64,
    length: usize,
}

/// One pass over the chunks of a part's full-size level.
struct ChunkWalk<'a> {
    codec: ChunkCodec,
    grid: BlockGrid,
    offsets: Vec<u64>,
    part: &'a PartHeader,
    part_number: Option<usize>,
    first_line: i32,
}

impl<'a> ChunkWalk<'a> {
    fn new(source: &mut Source, header: &'a FileHeader, part_number: usize) -> Result<Self, DecodeError> {
        let part = &header.parts[part_number];
        let data = gate::data_window(part)?;
        Ok(Self {
            codec: ChunkCodec::new(part, data)?,
            grid: BlockGrid::new(part, data),
            offsets: source.offsets(header, part_number)?,
            part,
            part_number: header.is_multipart.then_some(part_number),
            first_line: data.y,
        })
    }

    fn decode(
        &self,
        source: &mut Source,
        request: &DecodeRequest,
        placement: &Placement,
        memory: &mut [u8],
    ) -> Result<DecodeEnd, DecodeError> {
        let lines =
            self.part.tiles.map_or_else(|| lines_per_chunk(self.part.compression), |tiles| tiles.height);
        let chunks_per_look = if lines < 16 { SMALL_CHUNKS_PER_LOOK } else { 1 };
        let mut covered = vec![false; self.offsets.len()];
        let mut first_error = None;
        for (number, offset) in self.offsets.iter().enumerate() {
            if number % chunks_per_look == 0 && request.watch.is_stale() {
                return Ok(DecodeEnd::Skipped);
            }
            match self.decode_chunk(source, number, *offset, placement, memory) {
                Ok(()) => covered[number] = true,
                Err(error @ DecodeError::Io { .. }) => return Err(error),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        if !covered.contains(&true) {
            return Err(first_error.unwrap_or_else(|| DecodeError::damaged("it has no chunks")));
        }
        let missing_rows = self.clear_uncovered(&covered, placement, memory);
        Ok(DecodeEnd::Done(Decoded { layout: placement.layout().clone(), missing_rows }))
    }

    /// Decodes the chunk at a file offset, which must be the chunk that the table puts there: tables of
    /// damaged files point anywhere, or everywhere at the same.
    fn decode_chunk(
        &self,
        source: &mut Source,
        number: usize,
        offset: u64,
        placement: &Placement,
        memory: &mut [u8],
    ) -> Result<(), DecodeError> {
        let chunk = self.find_chunk(source, number, offset)?;
        let compressed = source.bytes(chunk.offset, chunk.length)?;
        self.codec.decode(chunk.position, chunk.block, compressed, placement, memory)
    }

    /// Reads a chunk's leader: its position in the grid, its rectangle, and where its bytes lie.
    fn find_chunk(&self, source: &mut Source, number: usize, offset: u64) -> Result<FoundChunk, DecodeError> {
        let mut at = offset;
        let mut int = |source: &mut Source| -> Result<i32, DecodeError> {
            let bytes = source.bytes(at, 4)?;
            at += 4;
            Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        if let Some(expected) = self.part_number
            && usize::try_from(int(source)?) != Ok(expected)
        {
            return Err(DecodeError::damaged("a chunk belongs to another part"));
        }
        let (column, row) = match self.part.tiles {
            Some(_) => {
                let (column, row) = (int(source)?, int(source)?);
                if (int(source)?, int(source)?) != (0, 0) {
                    return Err(DecodeError::damaged("a tile belongs to another level"));
                }
                (column, row)
            }
            None => (0, self.block_row(int(source)?)?),
        };
        let columns = self.grid.columns() as usize;
        let position = ((number % columns) as u32, (number / columns) as u32);
        let block = self.grid.block(position.0, position.1);
        let block = block.ok_or_else(|| DecodeError::damaged("a chunk lies outside the data window"))?;
        if (i64::from(column), i64::from(row)) != (i64::from(position.0), i64::from(position.1)) {
            return Err(DecodeError::damaged("a chunk is not the one that the table puts there"));
        }
        let size = int(source)?;
        Ok(FoundChunk { position, block, offset: at, length: self.checked_size(size, block)? })
    }

    /// The block row that starts at a line of the file.
    fn block_row(&self, line: i32) -> Result<i32, DecodeError> {
        let delta = i64::from(line) - i64::from(self.first_line);
        let height = i64::from(self.grid.block_height());
        if delta < 0 || delta % height != 0 {
            return Err(DecodeError::damaged(format!("a chunk starts at line {line}")));
        }
        i32::try_from(delta / height).map_err(|_| DecodeError::damaged("a chunk starts nowhere"))
    }

    /// A chunk is never stored larger than its samples.
    fn checked_size(&self, size: i32, block: Block) -> Result<usize, DecodeError> {
        let most = u64::from(block.width) * u64::from(block.height) * gate::bytes_per_pixel(self.part);
        usize::try_from(size)
            .ok()
            .filter(|size| *size as u64 <= most)
            .ok_or_else(|| DecodeError::damaged(format!("a chunk declares {size} bytes")))
    }

    /// Clears what no chunk filled and names its rows.
    fn clear_uncovered(&self, covered: &[bool], placement: &Placement, memory: &mut [u8]) -> Vec<(u32, u32)> {
        let mut missing: Vec<(u32, u32)> = Vec::new();
        for (number, _) in covered.iter().enumerate().filter(|(_, covered)| !**covered) {
            let columns = self.grid.columns() as usize;
            let position = ((number % columns) as u32, (number / columns) as u32);
            let Some(block) = self.grid.block(position.0, position.1) else { continue };
            placement.clear(block, memory);
            let rows = (block.y, block.y + block.height - 1);
            match missing.last_mut() {
                Some(last) if rows.0 <= last.1 + 1 => last.1 = last.1.max(rows.1),
                _ => missing.push(rows),
            }
        }
        missing
    }
}

/// An open file with a window of its bytes in memory.
struct Source {
    file: File,
    name: String,
    file_bytes: u64,
    modified: Option<std::time::SystemTime>,
    window: Vec<u8>,
    window_start: u64,
}

impl Source {
    fn open(path: &Path) -> Result<Self, DecodeError> {
        let io = |error: std::io::Error| DecodeError::io(path, &error);
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(DecodeError::not_supported("it is not a regular file"));
        }
        Ok(Self {
            file,
            name: path.file_name().map(crate::text::shown_path).unwrap_or_default(),
            file_bytes: metadata.len(),
            modified: metadata.modified().ok(),
            window: Vec::new(),
            window_start: 0,
        })
    }

    /// A frame that was written to while it was read may mix two pictures: it is read again later.
    fn check_unchanged(&self) -> Result<(), DecodeError> {
        let now = self.file.metadata().map_err(|error| self.io(&error))?;
        if now.len() == self.file_bytes && now.modified().ok() == self.modified {
            return Ok(());
        }
        Err(DecodeError::Io { reason: format!("{} was written to while it was read", self.name) })
    }

    fn header(&mut self) -> Result<FileHeader, DecodeError> {
        let mut wanted = HEADER_PREFIX_BYTES;
        loop {
            let available = wanted.min(usize::try_from(self.file_bytes).unwrap_or(usize::MAX));
            let prefix = self.bytes(0, available)?;
            match header::read(prefix) {
                Ok(header) => return Ok(header),
                Err(HeaderError::Bad(error)) => return Err(error),
                Err(HeaderError::NeedMore) if available < wanted => {
                    return Err(DecodeError::damaged("the file ends inside its header"));
                }
                Err(HeaderError::NeedMore) if wanted >= MAX_HEADER_BYTES => {
                    return Err(DecodeError::damaged(format!(
                        "its header is longer than {MAX_HEADER_BYTES} bytes"
                    )));
                }
                Err(HeaderError::NeedMore) => wanted *= 4,
            }
        }
    }

    /// The offsets of the full-size chunks of a part; entries beyond the file's end read as zero.
    fn offsets(&mut self, header: &FileHeader, part: usize) -> Result<Vec<u64>, DecodeError> {
        let mut at = header.end as u64;
        for earlier in &header.parts[..part] {
            let window = gate::data_window(earlier)?;
            at += 8 * BlockGrid::new(earlier, window).chunk_count();
        }
        let window = gate::data_window(&header.parts[part])?;
        let count = BlockGrid::new(&header.parts[part], window).full_size_chunks() as usize;
        let readable = count.min(self.file_bytes.saturating_sub(at) as usize / 8);
        let table = self.bytes(at, readable * 8)?;
        let mut offsets: Vec<u64> =
            table.chunks_exact(8).filter_map(|entry| entry.try_into().ok().map(u64::from_le_bytes)).collect();
        offsets.resize(count, 0);
        Ok(offsets)
    }

    /// `length` bytes of the file from `offset`.
    fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8], DecodeError> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.file_bytes);
        let end = end.ok_or_else(|| DecodeError::damaged("a chunk lies past the end of the file"))?;
        let window_end = self.window_start + self.window.len() as u64;
        if offset < self.window_start || end > window_end {
            self.fill_window(offset, end)?;
        }
        let start = (offset - self.window_start) as usize;
        Ok(&self.window[start..start + length])
    }

    fn fill_window(&mut self, offset: u64, end: u64) -> Result<(), DecodeError> {
        let length = (end - offset).max(WINDOW_BYTES.min(self.file_bytes - offset)) as usize;
        self.window.clear();
        if self.window.try_reserve_exact(length).is_err() {
            return Err(DecodeError::Io { reason: format!("no memory for {length} bytes") });
        }
        self.window.resize(length, 0);
        self.window_start = offset;
        let result = read_at(&self.file, &mut self.window, offset);
        result.map_err(|error| {
            self.window.clear();
            self.io(&error)
        })
    }

    fn io(&self, error: &std::io::Error) -> DecodeError {
        DecodeError::Io { reason: format!("{}: {error}", self.name) }
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(bytes)
}
