//! Owns the reading of EXR headers into plain values. Every size is checked before it is believed;
//! unknown compressions and types are kept by their numbers, so that metadata shows regardless.

use super::scratch::{Held, held_by_all};
use crate::decode::DecodeError;

/// The first four bytes of every EXR file.
pub const MAGIC: [u8; 4] = [0x76, 0x2f, 0x31, 0x01];

const FLAG_TILED: u32 = 0x200;
const FLAG_DEEP: u32 = 0x800;
const FLAG_MULTIPART: u32 = 0x1000;
/// Version 2 in the low byte, and the four flags that are defined.
const KNOWN_FLAGS: u32 = 0xff | FLAG_TILED | 0x400 | FLAG_DEEP | FLAG_MULTIPART;

const MAX_PARTS: usize = 256;
const MAX_ATTRIBUTES: usize = 4096;
const MAX_NAME_BYTES: usize = 255;

/// How a read of a header prefix ended, when it did not succeed.
#[derive(Debug, PartialEq)]
pub enum HeaderError {
    /// The prefix ends inside the header: come back with more bytes.
    NeedMore,
    Bad(DecodeError),
}

impl From<DecodeError> for HeaderError {
    fn from(error: DecodeError) -> Self {
        Self::Bad(error)
    }
}

fn damaged(reason: impl Into<String>) -> HeaderError {
    HeaderError::Bad(DecodeError::damaged(reason))
}

/// An attribute as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct RawAttribute {
    pub name: Vec<u8>,
    pub kind: Vec<u8>,
    pub value: Vec<u8>,
}

/// `box2i`: inclusive corners as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Box2i {
    pub min: (i32, i32),
    pub max: (i32, i32),
}

/// A channel as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct RawChannel {
    pub name: Vec<u8>,
    /// 0 uint, 1 half, 2 float.
    pub pixel_type: i32,
    pub is_linear: bool,
    pub sampling: (i32, i32),
}

/// Tile size, level mode and rounding as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileDescription {
    pub width: u32,
    pub height: u32,
    pub level_mode: LevelMode,
    pub rounds_up: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LevelMode {
    One,
    MipMap,
    RipMap,
}

/// One part's header.
#[derive(Debug, Clone, PartialEq)]
pub struct PartHeader {
    pub attributes: Vec<RawAttribute>,
    pub channels: Vec<RawChannel>,
    pub compression: u8,
    pub data_window: Box2i,
    pub display_window: Box2i,
    pub pixel_aspect: f32,
    pub tiles: Option<TileDescription>,
    pub is_deep: bool,
    pub chunk_count: Option<i32>,
}

impl PartHeader {
    pub fn attribute(&self, name: &str) -> Option<&RawAttribute> {
        self.attributes.iter().rev().find(|attribute| attribute.name == name.as_bytes())
    }

    /// A string attribute as text.
    pub fn text(&self, name: &str) -> Option<String> {
        let attribute = self.attribute(name)?;
        (attribute.kind == b"string").then(|| String::from_utf8_lossy(&attribute.value).into_owned())
    }
}

impl Held for RawAttribute {
    fn held_bytes(&self) -> usize {
        self.name.held_bytes() + self.kind.held_bytes() + self.value.held_bytes()
    }
}

impl Held for RawChannel {
    fn held_bytes(&self) -> usize {
        self.name.held_bytes()
    }
}

impl Held for PartHeader {
    fn held_bytes(&self) -> usize {
        held_by_all(&self.attributes) + held_by_all(&self.channels)
    }
}

/// All headers of a file, and where the offset tables begin.
#[derive(Debug, Clone, PartialEq)]
pub struct FileHeader {
    pub parts: Vec<PartHeader>,
    pub is_multipart: bool,
    pub end: usize,
}

/// Reads the headers from a prefix of the file.
///
/// # Errors
/// [`HeaderError::NeedMore`] when the prefix is too short, else what is wrong.
pub fn read(bytes: &[u8]) -> Result<FileHeader, HeaderError> {
    let mut cursor = Cursor { bytes, at: 0 };
    if cursor.take(4)? != MAGIC {
        return Err(damaged("the first bytes are not those of an EXR file"));
    }
    let flags = cursor.u32()?;
    check_version(flags)?;
    let is_multipart = flags & FLAG_MULTIPART != 0;
    let mut parts = Vec::new();
    loop {
        if is_multipart && cursor.peek()? == 0 {
            cursor.take(1)?;
            break;
        }
        if parts.len() == MAX_PARTS {
            return Err(damaged(format!("it has more than {MAX_PARTS} parts")));
        }
        parts.push(read_part(&mut cursor, flags)?);
        if !is_multipart {
            break;
        }
    }
    if parts.is_empty() {
        return Err(damaged("it declares several parts and has none"));
    }
    Ok(FileHeader { parts, is_multipart, end: cursor.at })
}

fn check_version(flags: u32) -> Result<(), HeaderError> {
    let version = flags & 0xff;
    if version != 2 {
        return Err(HeaderError::Bad(DecodeError::not_supported(format!(
            "EXR version {version}; this reads version 2"
        ))));
    }
    if flags & !KNOWN_FLAGS != 0 {
        return Err(HeaderError::Bad(DecodeError::not_supported(format!(
            "EXR with unknown version flags {flags:#x}"
        ))));
    }
    Ok(())
}

fn read_part(cursor: &mut Cursor, flags: u32) -> Result<PartHeader, HeaderError> {
    let attributes = read_attributes(cursor)?;
    assemble(attributes, flags)
}

fn read_attributes(cursor: &mut Cursor) -> Result<Vec<RawAttribute>, HeaderError> {
    let mut attributes = Vec::new();
    while cursor.peek()? != 0 {
        if attributes.len() == MAX_ATTRIBUTES {
            return Err(damaged(format!("it has more than {MAX_ATTRIBUTES} attributes")));
        }
        let name = cursor.name("attribute name")?.to_vec();
        let kind = cursor.name("attribute type")?.to_vec();
        let size =
            usize::try_from(cursor.i32()?).map_err(|_| damaged("an attribute declares a negative size"))?;
        attributes.push(RawAttribute { name, kind, value: cursor.take(size)?.to_vec() });
    }
    cursor.take(1)?;
    Ok(attributes)
}

/// Finds the attributes that every part must have, and those that change how pixels are read.
fn assemble(attributes: Vec<RawAttribute>, flags: u32) -> Result<PartHeader, HeaderError> {
    let find = |name: &str| attributes.iter().rev().find(|a| a.name == name.as_bytes());
    let need = |name: &str| {
        let cursor = find(name).map(|attribute| Cursor { bytes: &attribute.value, at: 0 });
        cursor.ok_or_else(|| damaged(format!("the attribute {name} is missing")))
    };
    let short = |name: &'static str| {
        move |error| match error {
            HeaderError::NeedMore => damaged(format!("the attribute {name} is too short")),
            other => other,
        }
    };
    let kind = find("type").map(|attribute| attribute.value.clone()).unwrap_or_default();
    let tiles = match find("tiles") {
        Some(_) => Some(need("tiles")?.tiles().map_err(short("tiles"))?),
        None => None,
    };
    let is_tiled = match kind.as_slice() {
        b"tiledimage" | b"deeptile" => true,
        b"scanlineimage" | b"deepscanline" => false,
        _ => flags & FLAG_TILED != 0,
    };
    if is_tiled && tiles.is_none() {
        return Err(damaged("it is tiled and has no tile description"));
    }
    let is_deep = match kind.as_slice() {
        b"deeptile" | b"deepscanline" => true,
        b"tiledimage" | b"scanlineimage" => false,
        _ => flags & FLAG_DEEP != 0,
    };
    let data_window = need("dataWindow")?.box2i().map_err(short("dataWindow"))?;
    Ok(PartHeader {
        channels: need("channels")?.channels().map_err(short("channels"))?,
        compression: need("compression")?.u8().map_err(short("compression"))?,
        display_window: need("displayWindow")?.box2i().map_err(short("displayWindow"))?,
        pixel_aspect: need("pixelAspectRatio")?.f32().map_err(short("pixelAspectRatio"))?,
        chunk_count: find("chunkCount").and_then(|a| Cursor { bytes: &a.value, at: 0 }.i32().ok()),
        tiles: tiles.filter(|_| is_tiled),
        data_window,
        is_deep,
        attributes,
    })
}

/// A position in bytes that reports where they end instead of panicking.
pub struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], HeaderError> {
        let end = self.at.checked_add(count).ok_or(HeaderError::NeedMore)?;
        let bytes = self.bytes.get(self.at..end).ok_or(HeaderError::NeedMore)?;
        self.at = end;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn peek(&self) -> Result<u8, HeaderError> {
        self.bytes.get(self.at).copied().ok_or(HeaderError::NeedMore)
    }

    pub fn u8(&mut self) -> Result<u8, HeaderError> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u32(&mut self) -> Result<u32, HeaderError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, HeaderError> {
        self.array().map(i32::from_le_bytes)
    }

    pub fn f32(&mut self) -> Result<f32, HeaderError> {
        self.array().map(f32::from_le_bytes)
    }

    pub fn f64(&mut self) -> Result<f64, HeaderError> {
        self.array().map(f64::from_le_bytes)
    }

    /// A zero-terminated name.
    fn name(&mut self, what: &str) -> Result<&'a [u8], HeaderError> {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let end = rest.iter().take(MAX_NAME_BYTES + 1).position(|byte| *byte == 0);
        match end {
            Some(0) => Err(damaged(format!("an {what} is empty"))),
            Some(end) => {
                let name = self.take(end)?;
                self.take(1)?;
                Ok(name)
            }
            None if rest.len() > MAX_NAME_BYTES => {
                Err(damaged(format!("an {what} is longer than {MAX_NAME_BYTES} bytes")))
            }
            None => Err(HeaderError::NeedMore),
        }
    }

    pub fn box2i(&mut self) -> Result<Box2i, HeaderError> {
        let min = (self.i32()?, self.i32()?);
        Ok(Box2i { min, max: (self.i32()?, self.i32()?) })
    }

    fn tiles(&mut self) -> Result<TileDescription, HeaderError> {
        let (width, height, mode) = (self.u32()?, self.u32()?, self.u8()?);
        let level_mode = match mode & 0x0f {
            0 => LevelMode::One,
            1 => LevelMode::MipMap,
            2 => LevelMode::RipMap,
            other => return Err(damaged(format!("tile level mode {other} is unknown"))),
        };
        Ok(TileDescription { width, height, level_mode, rounds_up: mode & 0xf0 != 0 })
    }

    fn channels(&mut self) -> Result<Vec<RawChannel>, HeaderError> {
        let mut channels = Vec::new();
        while self.peek()? != 0 {
            let name = self.name("channel name")?.to_vec();
            let pixel_type = self.i32()?;
            let is_linear = self.u8()? != 0;
            self.take(3)?;
            channels.push(RawChannel { name, pixel_type, is_linear, sampling: (self.i32()?, self.i32()?) });
        }
        Ok(channels)
    }
}
