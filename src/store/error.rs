//! Owns the messages about the settings file, and the places in it that they point at. Pure; any thread.

use std::fmt;
use std::io;
use std::path::Path;

use super::config::MAX_FILE_BYTES;
use crate::text::{shown, shown_capped, shown_path};

/// Longer values are cut in messages, in characters.
pub(super) const MAX_SHOWN_CHARS: usize = 60;

/// A place in a text file, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// The place of the byte `offset` in `text`; an offset behind the end is the end.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        Self { line, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value as it stands in the file, for callers that know how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The text without quotes; a whole number in decimal digits. Never blank.
    pub text: String,
    /// The full name of the key: `memory.mem`.
    pub key: String,
    pub place: Place,
}

impl Given {
    /// The error of a caller that cannot use this value; `allowed` says what it could have used.
    pub fn refused(&self, file: &Path, allowed: &str) -> ConfigError {
        ConfigError::Value {
            file: shown_path(file),
            place: self.place,
            key: shown(&self.key),
            found: format!("«{}»", shown_capped(&self.text, MAX_SHOWN_CHARS)),
            allowed: shown(allowed),
        }
    }
}

/// Why the settings cannot be read or saved. All texts in it are safe to show.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("«{file}» does not exist; check the path after --config, or leave the option out")]
    Missing { file: String },
    #[error("«{file}» cannot be read: {reason}; check who may read it")]
    Unreadable { file: String, reason: io::Error },
    #[error("«{file}» is no regular file; name a text file with settings")]
    NotAFile { file: String },
    #[error("«{file}» holds more than {MAX_FILE_BYTES} bytes, which is no settings file; check the path")]
    TooLarge { file: String },
    #[error("{file}:{place}: byte 0x{byte:02x} is no UTF-8; save the file as UTF-8")]
    NotUtf8 { file: String, place: Place, byte: u8 },
    #[error("{file}:{place}: this is no TOML: {reason}; found {found}")]
    Syntax { file: String, place: Place, reason: String, found: String },
    #[error("{file}:{place}: «{key}» is {found}; allowed: {allowed}")]
    Value { file: String, place: Place, key: String, found: String, allowed: String },
    #[error("{file}: {reason}")]
    Nonsense { file: String, reason: String },
    #[error("«{file}» cannot be written: {reason}; the setting holds only until the program ends")]
    Unwritable { file: String, reason: io::Error },
    #[error("«{key}» cannot be saved: «{found}» in «{file}» is no {wanted}; change that by hand")]
    InTheWay { file: String, key: String, found: String, wanted: &'static str },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "ab\r\né=1\n";
        for (offset, line, column) in
            [(0, 1, 1), (2, 1, 3), (4, 2, 1), (5, 2, 1), (6, 2, 2), (9, 3, 1), (99, 3, 1)]
        {
            assert_eq!(Place::of(text, offset), Place { line, column }, "{offset}");
        }
        assert_eq!(Place::of("", 0).to_string(), "1:1");
    }

    #[test]
    fn a_value_refused_by_the_caller_reads_like_any_other_error() {
        let given =
            Given { text: "75%%\x1b".into(), key: "memory.mem".into(), place: Place { line: 3, column: 7 } };
        assert_eq!(
            given.refused(Path::new("/x/c\n.toml"), "75% or 24GiB").to_string(),
            "/x/c\\n.toml:3:7: «memory.mem» is «75%%\\x1b»; allowed: 75% or 24GiB"
        );
    }
}
