//! Owns the headers of Cineon («Cineon Image File Format Draft», Kodak, 1993) and DPX (SMPTE ST 268-1): what the pixels
//! need and what people want to know. Pure; bytes in, numbers out.

use crate::decode::{Attribute, DecodeError};
use crate::frame::Transfer;
use crate::time::Rate;

/// As much of a file as holds every field that is read.
pub const BYTES: usize = 2048;
/// Pixels along one side.
const MAX_SIDE: u32 = 65_536;
const MAX_PIXELS: u64 = 1 << 29;
/// Fields that say nothing have all bits set.
const UNDEFINED: u32 = u32::MAX;
/// Bytes after a row that are believed.
const MAX_ROW_PADDING: u32 = 1 << 20;

const CINEON_MAGIC: u32 = 0x802A_5FD7;
const DPX_MAGIC: u32 = u32::from_be_bytes(*b"SDPX");

/// The first bytes of both formats, in both orders.
pub const MAGIC: [[u8; 4]; 4] = [
    CINEON_MAGIC.to_be_bytes(),
    CINEON_MAGIC.to_le_bytes(),
    DPX_MAGIC.to_be_bytes(),
    DPX_MAGIC.to_le_bytes(),
];

/// What is read of a header.
#[derive(Debug, Clone, PartialEq)]
pub struct FilmHeader {
    /// `CINEON` or `DPX`.
    pub format: &'static str,
    pub width: u32,
    pub height: u32,
    pub is_big_endian: bool,
    /// Where the first row begins.
    pub data_offset: u64,
    /// Bytes after each row.
    pub row_padding: usize,
    /// Width of a pixel over its height.
    pub pixel_aspect: f32,
    /// Printing density, or unstated: few programs mean what they write.
    pub transfer: Transfer,
    pub rate: Option<Rate>,
    pub attributes: Vec<Attribute>,
}

impl FilmHeader {
    /// Reads the first bytes of a file; `None` for a DPX file of another kind than 10 bit RGB, upright, in words.
    ///
    /// # Errors
    /// [`DecodeError`] when it is damaged, or is Cineon of another kind.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let magic = bytes.first_chunk::<4>().copied().unwrap_or_default();
        let is_big_endian = [CINEON_MAGIC, DPX_MAGIC].contains(&u32::from_be_bytes(magic));
        let fields = Fields { bytes, is_big_endian };
        let header = match fields.long(0)? {
            CINEON_MAGIC => Some(cineon(&fields)?),
            DPX_MAGIC => dpx(&fields)?,
            _ => return Err(DecodeError::damaged("it begins like neither Cineon nor DPX")),
        };
        header.map(Self::checked).transpose()
    }

    fn checked(self) -> Result<Self, DecodeError> {
        let is_side = |side: u32| (1..=MAX_SIDE).contains(&side);
        let (width, height) = (self.width, self.height);
        if !is_side(width) || !is_side(height) || u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(DecodeError::damaged(format!(
                "it declares {width} x {height} pixels; the limits are {MAX_SIDE} a side and {MAX_PIXELS} in all"
            )));
        }
        Ok(self)
    }
}

fn cineon(fields: &Fields<'_>) -> Result<FilmHeader, DecodeError> {
    let (channels, first) = (fields.byte(193)?, 196);
    let bits = [0, 28, 56].map(|channel| fields.byte(first + channel + 1));
    let is_ten = bits.into_iter().all(|bits| bits == Ok(10));
    let (interleave, packing, is_signed) = (fields.byte(680)?, fields.byte(681)?, fields.byte(682)?);
    let orientation = fields.byte(192)?;
    if channels != 3 || !is_ten || (interleave, packing, is_signed, orientation) != (0, 5, 0, 0) {
        return Err(DecodeError::not_supported(format!(
            "Cineon of {channels} channels, interleave {interleave}, packing {packing}, orientation {orientation}; \
             upright RGB of 10 bit in words is read"
        )));
    }
    let texts = [
        ("version", 24, 8),
        ("file name", 32, 100),
        ("date", 132, 12),
        ("time", 144, 12),
        ("label", 452, 200),
        ("input device", 844, 64),
        ("slate", 1112, 200),
    ];
    Ok(FilmHeader {
        format: "CINEON",
        width: fields.long(first + 4)?,
        height: fields.long(first + 8)?,
        is_big_endian: fields.is_big_endian,
        data_offset: fields.long(4)?.into(),
        row_padding: fields.row_padding(684)?,
        pixel_aspect: 1.0,
        transfer: Transfer::Density,
        rate: fields.rate(1072),
        attributes: fields.texts(&texts),
    })
}

fn dpx(fields: &Fields<'_>) -> Result<Option<FilmHeader>, DecodeError> {
    let (orientation, elements) = (fields.short(768)?, fields.short(770)?);
    let (sign, descriptor, bits) = (fields.long(780)?, fields.byte(800)?, fields.byte(803)?);
    let (packing, encoding) = (fields.short(804)?, fields.short(806)?);
    // Undefined means the usual here.
    let is_upright = matches!(orientation, 0 | 0xFFFF);
    let is_plain = matches!(sign, 0 | UNDEFINED) && matches!(encoding, 0 | 0xFFFF);
    if (elements, descriptor, bits, packing) != (1, 50, 10, 1) || !is_upright || !is_plain {
        return Ok(None);
    }
    let texts = [
        ("version", 8, 8),
        ("file name", 36, 100),
        ("date", 136, 24),
        ("creator", 160, 100),
        ("project", 260, 200),
        ("copyright", 460, 200),
        ("input device", 1556, 32),
        ("frame id", 1732, 32),
        ("slate", 1764, 100),
    ];
    let data_offset = match fields.long(808)? {
        0 | UNDEFINED => fields.long(4)?,
        own => own,
    };
    let mut attributes = fields.texts(&texts);
    attributes.extend(fields.timecode(1920).map(|value| text("timecode", value)));
    Ok(Some(FilmHeader {
        format: "DPX",
        width: fields.long(772)?,
        height: fields.long(776)?,
        is_big_endian: fields.is_big_endian,
        data_offset: data_offset.into(),
        row_padding: fields.row_padding(812)?,
        pixel_aspect: fields.aspect(1628),
        // Printing density and «logarithmic» mean scanned film; all else is what a program writes by default.
        transfer: if matches!(fields.byte(801)?, 1 | 3) { Transfer::Density } else { Transfer::Unstated },
        rate: fields.rate(1724).or_else(|| fields.rate(1940)),
        attributes,
    }))
}

fn text(name: &str, value: String) -> Attribute {
    Attribute { name: name.into(), kind: "text".into(), value }
}

/// The bytes of a header, in the order of its machine.
struct Fields<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl Fields<'_> {
    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], DecodeError> {
        let field = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
        field.copied().ok_or_else(|| DecodeError::damaged("the file ends within its header"))
    }

    fn byte(&self, at: usize) -> Result<u8, DecodeError> {
        self.array::<1>(at).map(|[byte]| byte)
    }

    fn short(&self, at: usize) -> Result<u16, DecodeError> {
        let bytes = self.array(at)?;
        Ok(if self.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Result<u32, DecodeError> {
        let bytes = self.array(at)?;
        Ok(if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn row_padding(&self, at: usize) -> Result<usize, DecodeError> {
        match self.long(at)? {
            UNDEFINED => Ok(0),
            padding if padding <= MAX_ROW_PADDING => Ok(padding as usize),
            padding => Err(DecodeError::damaged(format!("it declares {padding} bytes after each row"))),
        }
    }

    /// Frames a second, where a number says so that can be a rate.
    fn rate(&self, at: usize) -> Option<Rate> {
        let value = f32::from_bits(self.long(at).ok()?);
        (value.is_finite() && value >= 1.0).then(|| format!("{value:.3}").parse().ok())?
    }

    fn aspect(&self, at: usize) -> f32 {
        let side = |at: usize| self.long(at).ok().filter(|side| !matches!(*side, 0 | UNDEFINED));
        let aspect = side(at).zip(side(at + 4)).map(|(width, height)| width as f32 / height as f32);
        aspect.filter(|aspect| (0.05..=20.0).contains(aspect)).unwrap_or(1.0)
    }

    /// Binary coded decimals, hours first (SMPTE ST 268-1, field 57).
    fn timecode(&self, at: usize) -> Option<String> {
        let [hours, minutes, seconds, frames] = self.long(at).ok()?.to_be_bytes();
        let is_decimal = |byte: u8| byte >> 4 < 10 && byte & 0xF < 10;
        let all = [hours, minutes, seconds, frames];
        all.into_iter()
            .all(is_decimal)
            .then(|| format!("{hours:02x}:{minutes:02x}:{seconds:02x}:{frames:02x}"))
    }

    /// The texts that there are.
    fn texts(&self, places: &[(&str, usize, usize)]) -> Vec<Attribute> {
        let text_at = |&(name, at, length): &(&str, usize, usize)| {
            let field = self.bytes.get(at..at + length)?;
            let value = field.split(|byte| matches!(byte, 0 | 0xFF)).next()?;
            (!value.is_empty()).then(|| text(name, String::from_utf8_lossy(value).into_owned()))
        };
        places.iter().filter_map(text_at).collect()
    }
}
