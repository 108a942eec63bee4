//! Owns sizes as people type and read them. Any thread.

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("«{0}» is no size: write bytes, or a number with KiB, MiB, GiB, KB, MB or GB")]
pub struct SizeError(String);

const UNITS: [(&str, u64); 7] = [
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("b", 1),
];

/// Reads `24GiB`, `512 MB` or a bare number of bytes.
///
/// # Errors
/// [`SizeError`] for anything else, negative numbers and sizes beyond 2^63.
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let refuse = || SizeError(crate::text::shown(text));
    let lower = text.trim().to_ascii_lowercase();
    let (number, unit) = UNITS
        .iter()
        .find_map(|(name, bytes)| lower.strip_suffix(name).map(|number| (number, *bytes)))
        .unwrap_or((&lower, 1));
    let value: f64 = number.trim().parse().map_err(|_| refuse())?;
    let bytes = value * unit as f64;
    if !(0.0..9.2e18).contains(&bytes) {
        return Err(refuse());
    }
    Ok(bytes.round() as u64)
}

/// Shows bytes in binary units with three digits at most before the unit changes.
pub fn format_bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        b if b >= 1 << 30 => (1_u64 << 30, "GiB"),
        b if b >= 1 << 20 => (1 << 20, "MiB"),
        b if b >= 1 << 10 => (1 << 10, "KiB"),
        _ => return format!("{bytes} B"),
    };
    let value = bytes as f64 / unit as f64;
    if value < 10.0 { format!("{value:.2} {name}") } else { format!("{value:.1} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_typed() {
        for (text, bytes) in [
            ("0", 0),
            ("1024", 1024),
            ("4GiB", 4 << 30),
            ("1.5 gib", 3 << 29),
            ("512MB", 512_000_000),
            ("7kb", 7000),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "GiB", "-1", "1e40", "nan", "4TiBs", "50%"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bytes_are_shown_short() {
        assert_eq!(format_bytes(900), "900 B");
        assert_eq!(format_bytes(256 << 20), "256.0 MiB");
        assert_eq!(format_bytes(3 << 29), "1.50 GiB");
    }
}
