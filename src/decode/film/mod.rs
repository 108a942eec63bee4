//! Owns the reading of scanned film: Cineon files, and DPX files of 10 bit RGB, whose pixels are the same words. DPX of
//! any other kind is FFmpeg's. The thread that decodes.

mod header;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

pub use header::{FilmHeader, MAGIC};

use super::reading::Timed;
use super::{Channel, DecodeEnd, DecodeError, DecodeRequest, Decoded, MediaInfo, Part, StatedColor};
use crate::frame::{
    Area, ColorTags, FrameMemory, Matrix, PlaneLayout, PlaneSpec, Primaries, Range, Role, SampleType, Siting,
    VideoEncoding, Window,
};

const PLANES: [(&str, Role); 3] = [("R", Role::Red), ("G", Role::Green), ("B", Role::Blue)];
/// Bytes of one pixel: three samples and two bits that say nothing.
const WORD_BYTES: usize = 4;
/// About what is read at a time: small enough to stay in the cache until it is taken apart.
const BAND_BYTES: usize = 128 << 10;

/// What is in a file with this header.
pub fn probe(header: &FilmHeader) -> MediaInfo {
    let channel =
        |(name, _): (&str, Role)| Channel { name: name.into(), sample: SampleType::U16, sampling: (1, 1) };
    let tags = ColorTags { transfer: header.transfer, primaries: Primaries::Unstated };
    let part = Part {
        pixel_aspect: header.pixel_aspect,
        compression: "none".into(),
        storage: "10 bit in words of 32".into(),
        attributes: header.attributes.clone(),
        color: StatedColor { tags: Some(tags), ..StatedColor::default() },
        ..Part::of_picture((header.width, header.height), PLANES.map(channel).into())
    };
    MediaInfo { rate: header.rate, ..MediaInfo::of_picture(header.format.into(), part, false) }
}

/// Decodes the picture of a file with this header into `memory`. Rows that the file lacks are missing in the frame.
///
/// # Errors
/// [`DecodeError`] when the operating system refuses, or the file holds no row at all.
pub fn decode(
    request: &DecodeRequest,
    header: &FilmHeader,
    file: &File,
    memory: &mut FrameMemory,
) -> Result<DecodeEnd, DecodeError> {
    let layout = layout(header)?;
    let needed_bytes = layout.total_bytes();
    if needed_bytes > memory.len_bytes() {
        return Ok(DecodeEnd::Refused { needed_bytes });
    }
    let io = |error: std::io::Error| DecodeError::io(&request.path, &error);
    let mut file = Timed(file);
    file.seek(SeekFrom::Start(header.data_offset)).map_err(io)?;
    let pixel_bytes = header.width as usize * WORD_BYTES;
    let row_bytes = pixel_bytes + header.row_padding;
    let rows_at_once = (BAND_BYTES / row_bytes).max(1);
    let mut band = vec![0; rows_at_once * row_bytes];
    let mut rows = 0;
    while rows < header.height as usize {
        if request.watch.is_stale() {
            return Ok(DecodeEnd::Skipped);
        }
        let wanted = rows_at_once.min(header.height as usize - rows) * row_bytes;
        let read = read_all(&mut file, &mut band[..wanted]).map_err(io)?;
        // The last row of some files lacks its padding.
        let whole_rows = (read + header.row_padding) / row_bytes;
        for row in band.chunks_exact(row_bytes).take(whole_rows) {
            take_apart(&row[..pixel_bytes], header.is_big_endian, rows, &layout, memory);
            rows += 1;
        }
        if read < wanted {
            break;
        }
    }
    if rows == 0 {
        return Err(DecodeError::damaged("the file ends before its first row"));
    }
    let missing = missing_rows(header, rows, &layout, memory);
    Ok(DecodeEnd::Done(Decoded { layout: Arc::new(layout), missing }))
}

fn layout(header: &FilmHeader) -> Result<PlaneLayout, DecodeError> {
    let window = Window::at_origin(header.width, header.height);
    let plane = |(name, role): (&str, Role)| PlaneSpec {
        name: name.into(),
        sample: SampleType::U16,
        role,
        width: header.width,
        height: header.height,
    };
    let encoding = VideoEncoding {
        matrix: Matrix::Rgb,
        range: Range::Full,
        bits: 10,
        siting: Siting::Center,
        transfer: header.transfer,
        primaries: Primaries::Unstated,
    };
    PlaneLayout::new(PLANES.map(plane).into(), window, window, header.pixel_aspect)
        .map(|layout| layout.with_video(encoding))
        .map_err(|error| DecodeError::damaged(error.to_string()))
}

/// Fills `bytes` as far as the file goes.
fn read_all(file: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Words of a row into the row `y` of three planes: 10 bits each from the top, two that say nothing («Filled to 32-bit
/// words, method A», SMPTE ST 268-1, annex C; packing 5 of Cineon).
fn take_apart(words: &[u8], is_big_endian: bool, y: usize, layout: &PlaneLayout, memory: &mut FrameMemory) {
    match is_big_endian {
        true => unpack(words, u32::from_be_bytes, y, layout, memory),
        false => unpack(words, u32::from_le_bytes, y, layout, memory),
    }
}

fn unpack(
    words: &[u8],
    number: impl Fn([u8; WORD_BYTES]) -> u32,
    y: usize,
    layout: &PlaneLayout,
    memory: &mut FrameMemory,
) {
    let (words, _) = words.as_chunks::<WORD_BYTES>();
    for (span, shift) in layout.spans().iter().zip([22, 12, 2]) {
        let (samples, _) = memory.bytes_mut()[span.row(y)].as_chunks_mut::<2>();
        for (sample, word) in samples.iter_mut().zip(words) {
            *sample = ((number(*word) >> shift) as u16 & 0x3FF).to_le_bytes();
        }
    }
}

/// Makes the rows from `first` on black, and tells of them.
fn missing_rows(
    header: &FilmHeader,
    first: usize,
    layout: &PlaneLayout,
    memory: &mut FrameMemory,
) -> Vec<Area> {
    if first == header.height as usize {
        return Vec::new();
    }
    for span in layout.spans() {
        for y in first..header.height as usize {
            memory.bytes_mut()[span.row(y)].fill(0);
        }
    }
    let height = header.height - first as u32;
    vec![Area { x: 0, y: first as u32, width: header.width, height }]
}

/// Reads the header of a Cineon or DPX file; `None` for a DPX file of a kind that is not read here.
///
/// # Errors
/// [`DecodeError`] when it cannot be read, is damaged, or is Cineon of another kind than 10 bit RGB.
pub fn read_header(path: &Path, file: &File) -> Result<Option<FilmHeader>, DecodeError> {
    let io = |error: std::io::Error| DecodeError::io(path, &error);
    let mut file = Timed(file);
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut bytes = vec![0; header::BYTES];
    let length = read_all(&mut file, &mut bytes).map_err(io)?;
    FilmHeader::parse(&bytes[..length])
}
