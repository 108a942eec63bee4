//! What was typed, apart from the question what is on disk: paths, `file:` addresses, `PATTERN=RANGE`.
//!
//! Pure, callable on any thread.

use super::name::os_string;
use super::range::looks_like_range;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// An argument as text, with its range in any of the places it may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub path: PathBuf,
    pub range: Option<String>,
}

impl Typed {
    /// Reads an argument that is no literal path.
    pub fn read(argument: &OsStr) -> Typed {
        if let Some(path) = path_of_address(argument) {
            return Typed { path, range: None };
        }
        match split_range(argument.as_encoded_bytes()) {
            Some((path, range)) => Typed { path: os_string(path).into(), range: Some(range) },
            None => Typed { path: argument.into(), range: None },
        }
    }
}

/// The text as a range, if it is meant as one.
pub(super) fn range_text(argument: &OsStr) -> Option<String> {
    let bytes = argument.as_encoded_bytes();
    looks_like_range(bytes).then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// The folder and the name of a path; the folder of a bare name is `.`
pub(super) fn folder_and_name(path: &Path) -> Option<(&Path, &OsStr)> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Some((folder.unwrap_or(Path::new(".")), path.file_name()?))
}

fn split_range(argument: &[u8]) -> Option<(&[u8], String)> {
    let equals = argument.iter().rposition(|&byte| byte == b'=')?;
    let range = range_text(&os_string(&argument[equals + 1..]))?;
    Some((&argument[..equals], range))
}

/// The path behind a `file:` address of this machine, as file managers hand it over by paste and drop.
fn path_of_address(argument: &OsStr) -> Option<PathBuf> {
    let address = argument.as_encoded_bytes().strip_prefix(b"file:")?;
    let path = match address.strip_prefix(b"//") {
        Some(place) => place.strip_prefix(b"localhost").unwrap_or(place),
        None => address,
    };
    let local = if cfg!(windows) { windows_path(path) } else { path.to_vec() };
    (path.starts_with(b"/") || cfg!(windows)).then(|| os_string(&percent_decoded(&local)).into())
}

/// `/C:/clips` without its first slash; `server/share`, an address with a host, with two.
fn windows_path(path: &[u8]) -> Vec<u8> {
    match path {
        [b'/', rest @ ..] => rest.to_vec(),
        share => [b"//", share].concat(),
    }
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = if byte == b'%' { hex_pair(tail) } else { None };
        decoded.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(argument: &str) -> (PathBuf, Option<String>) {
        let typed = Typed::read(OsStr::new(argument));
        (typed.path, typed.range)
    }

    #[test]
    fn a_range_may_follow_an_equals_sign() {
        assert_eq!(typed("a/####.exr=1001-1100"), ("a/####.exr".into(), Some("1001-1100".into())));
        assert_eq!(typed("x=1.exr=-5--1"), ("x=1.exr".into(), Some("-5--1".into())));
        assert_eq!(typed("take=two.exr"), ("take=two.exr".into(), None));
        assert_eq!(typed("take="), ("take=".into(), None));
    }

    #[cfg(unix)]
    #[test]
    fn file_addresses_become_paths() {
        assert_eq!(typed("file:///a%20b/%23c%C3%A9.exr").0, PathBuf::from("/a b/#cé.exr"));
        assert_eq!(typed("file://localhost/a.exr").0, PathBuf::from("/a.exr"));
        assert_eq!(typed("file:/a%2.exr").0, PathBuf::from("/a%2.exr"));
        assert_eq!(typed("file://elsewhere/a.exr").0, PathBuf::from("file://elsewhere/a.exr"));
        assert_eq!(typed("https://a/b.exr").0, PathBuf::from("https://a/b.exr"));
    }

    #[test]
    fn a_bare_name_is_looked_for_in_the_current_folder() {
        assert_eq!(folder_and_name(Path::new("a.exr")), Some((Path::new("."), OsStr::new("a.exr"))));
        assert_eq!(folder_and_name(Path::new("x/a.exr")), Some((Path::new("x"), OsStr::new("a.exr"))));
        assert_eq!(folder_and_name(Path::new("..")), None);
    }

    #[test]
    fn shares_and_drives_of_windows() {
        assert_eq!(windows_path(b"/C:/a"), b"C:/a");
        assert_eq!(windows_path(b"server/share/a"), b"//server/share/a");
    }
}
