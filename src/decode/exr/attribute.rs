//! Owns how attributes read as text in `info` and the metadata panel. Values are capped; escaping is
//! left to whoever shows them.

use super::header::{Cursor, HeaderError, PartHeader, RawAttribute};
use crate::decode::{Attribute, StatedColor};

const MAX_SHOWN_BYTES: usize = 4096;

const COMPRESSIONS: [&str; 14] = [
    "none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab", "htj2k256", "htj2k32",
    "lj2k", "zstd",
];

/// The name of a compression by its number in the file.
pub fn compression_name(id: u8) -> String {
    COMPRESSIONS.get(usize::from(id)).map_or_else(|| format!("unknown ({id})"), |name| (*name).into())
}

/// An attribute as text.
pub fn shown(attribute: &RawAttribute) -> Attribute {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = value_text(attribute).unwrap_or_else(|_| format!("{} bytes", attribute.value.len()));
    Attribute { name: lossy(&attribute.name), kind: lossy(&attribute.kind), value }
}

fn value_text(attribute: &RawAttribute) -> Result<String, HeaderError> {
    let bytes = attribute.value.as_slice();
    let mut cursor = Cursor { bytes, at: 0 };
    Ok(match attribute.kind.as_slice() {
        b"string" => capped(bytes),
        b"int" => cursor.i32()?.to_string(),
        b"float" => cursor.f32()?.to_string(),
        b"double" => cursor.f64()?.to_string(),
        b"rational" => format!("{}/{}", cursor.i32()?, cursor.u32()?),
        b"v2i" => integers(&mut cursor, 2)?,
        b"v3i" => integers(&mut cursor, 3)?,
        b"v2f" => floats(&mut cursor, 2)?,
        b"v3f" => floats(&mut cursor, 3)?,
        b"chromaticities" => floats(&mut cursor, 8)?,
        b"m33f" => floats(&mut cursor, 9)?,
        b"m44f" => floats(&mut cursor, 16)?,
        b"box2f" => floats(&mut cursor, 4)?,
        b"box2i" => {
            let window = cursor.box2i()?;
            format!("({} {}) - ({} {})", window.min.0, window.min.1, window.max.0, window.max.1)
        }
        b"compression" => compression_name(cursor.u8()?),
        b"lineOrder" => line_order(cursor.u8()?),
        b"timecode" => timecode(cursor.u32()?),
        b"stringvector" => string_vector(&mut cursor)?,
        _ => format!("{} bytes", bytes.len()),
    })
}

fn capped(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(MAX_SHOWN_BYTES)];
    let mut text = String::from_utf8_lossy(shown).into_owned();
    if shown.len() < bytes.len() {
        text.push('…');
    }
    text
}

fn integers(cursor: &mut Cursor, count: usize) -> Result<String, HeaderError> {
    let numbers: Result<Vec<String>, _> = (0..count).map(|_| cursor.i32().map(|n| n.to_string())).collect();
    Ok(numbers?.join(" "))
}

fn floats(cursor: &mut Cursor, count: usize) -> Result<String, HeaderError> {
    let numbers: Result<Vec<String>, _> = (0..count).map(|_| cursor.f32().map(|n| n.to_string())).collect();
    Ok(numbers?.join(" "))
}

fn line_order(id: u8) -> String {
    match id {
        0 => "increasing y".into(),
        1 => "decreasing y".into(),
        2 => "random y".into(),
        other => format!("unknown ({other})"),
    }
}

/// SMPTE ST 12-1 time address: binary coded decimal digits, drop-frame flag in bit 6.
fn timecode(word: u32) -> String {
    let digits =
        |shift: u32, tens_mask: u32| 10 * ((word >> (shift + 4)) & tens_mask) + ((word >> shift) & 0xf);
    let separator = if word & 0x40 != 0 { ';' } else { ':' };
    format!(
        "{:02}:{:02}:{:02}{separator}{:02}",
        digits(24, 0x3),
        digits(16, 0x7),
        digits(8, 0x7),
        digits(0, 0x3)
    )
}

/// The strings of an attribute of type `stringvector`; none where it is broken.
/// What a part says of its colours. Numbers that are none state nothing.
pub fn stated_color(part: &PartHeader) -> StatedColor {
    let chromaticities = part
        .attribute("chromaticities")
        .and_then(|attribute| <[u8; 32]>::try_from(attribute.value.as_slice()).ok())
        .map(|bytes| {
            let mut values = [0.0; 8];
            for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(4)) {
                *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
            values
        })
        .filter(|values| values.iter().all(|value| value.is_finite()));
    let flag = part.attribute("acesImageContainerFlag");
    let is_aces_container = flag.is_some_and(|flag| flag.value == [1, 0, 0, 0]);
    StatedColor { chromaticities, is_aces_container, tags: None }
}

pub fn strings(attribute: &RawAttribute) -> Vec<String> {
    let mut cursor = Cursor { bytes: &attribute.value, at: 0 };
    if attribute.kind == b"stringvector" { string_list(&mut cursor).unwrap_or_default() } else { Vec::new() }
}

fn string_vector(cursor: &mut Cursor) -> Result<String, HeaderError> {
    string_list(cursor).map(|texts| texts.join(", "))
}

fn string_list(cursor: &mut Cursor) -> Result<Vec<String>, HeaderError> {
    let mut texts = Vec::new();
    while cursor.at < cursor.bytes.len() {
        let size = usize::try_from(cursor.i32()?).map_err(|_| HeaderError::NeedMore)?;
        texts.push(capped(cursor.take(size)?));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: &[u8], value: &[u8]) -> String {
        let attribute = RawAttribute { name: b"n".to_vec(), kind: kind.to_vec(), value: value.to_vec() };
        shown(&attribute).value
    }

    #[test]
    fn values_read_as_people_write_them() {
        assert_eq!(text(b"timecode", &0x0102_0354_u32.to_le_bytes()), "01:02:03;14");
        assert_eq!(text(b"rational", &[24, 0, 0, 0, 1, 0, 0, 0]), "24/1");
        assert_eq!(text(b"compression", &[3]), "zip");
        assert_eq!(text(b"compression", &[77]), "unknown (77)");
        assert_eq!(text(b"stringvector", b"\x01\0\0\0a\x02\0\0\0bc"), "a, bc");
    }

    #[test]
    fn short_values_and_unknown_types_show_their_size() {
        assert_eq!(text(b"v2f", &[0; 5]), "5 bytes");
        assert_eq!(text(b"stringvector", &[255; 6]), "6 bytes");
        assert_eq!(text(b"deepImageState", &[1]), "1 bytes");
    }
}
