//! Owns what files may declare before the library reads them: sizes, nesting, and what YAML aliases may unfold to.
//! Opens files for reading, keeps nothing.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest configs of studios have a few MB.
const MAX_CONFIG_BYTES: u64 = 16 << 20;
/// Configs with their LUTs in a zip.
const MAX_ARCHIVE_BYTES: u64 = 256 << 20;
/// A text LUT of 129^3 has 60 MB.
const MAX_LUT_BYTES: u64 = 256 << 20;
/// Levels of brackets, and columns of indentation: the parser of the library recurses once for each.
const MAX_NESTING: usize = 256;
/// What a config may grow to when its aliases are unfolded.
const MAX_UNFOLDED_BYTES: f64 = 256e6;

/// The cause why the config at `path` must not be read.
pub(super) fn config(path: &Path) -> Result<(), String> {
    let mut file = regular_file(path, MAX_ARCHIVE_BYTES)?;
    let mut text = Vec::new();
    let limit = MAX_CONFIG_BYTES + 1;
    file.by_ref().take(limit).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.starts_with(b"PK") {
        return Ok(());
    }
    if text.len() as u64 == limit {
        return Err(format!("it has more than {} MiB", MAX_CONFIG_BYTES >> 20));
    }
    if text.contains(&0) {
        return Err("it is no text".into());
    }
    config_text(&String::from_utf8_lossy(&text))
}

/// The cause why the LUT at `path` must not be read.
pub(super) fn lut(path: &Path) -> Result<(), String> {
    regular_file(path, MAX_LUT_BYTES).map(drop)
}

/// A file that ends: no pipe, no device.
fn regular_file(path: &Path, max_bytes: u64) -> Result<File, String> {
    // Asked before it is opened, because opening a pipe waits for a writer.
    let metadata = path.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no file".into());
    }
    if metadata.len() > max_bytes {
        return Err(format!("it has more than {} MiB", max_bytes >> 20));
    }
    File::open(path).map_err(|error| error.to_string())
}

fn config_text(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("it is empty".into());
    }
    let mut brackets = 0usize;
    for (number, line) in (1..).zip(text.lines()) {
        let indented = line.bytes().take_while(|byte| b" \t-?:".contains(byte)).count();
        for byte in line.bytes() {
            match byte {
                b'[' | b'{' => brackets += 1,
                b']' | b'}' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
        }
        if indented > MAX_NESTING || brackets > MAX_NESTING {
            return Err(format!("line {number} nests deeper than {MAX_NESTING} levels"));
        }
    }
    unfolding(text)
}

/// Aliases of aliases multiply. With `a` aliases a text grows at most by `e^(a/e)`: that is when they are spread over
/// anchors as evenly as they can.
fn unfolding(text: &str) -> Result<(), String> {
    let anchors: HashSet<&str> = marked(text, '&').collect();
    let aliases = marked(text, '*').filter(|name| anchors.contains(name)).count();
    let growth = (aliases as f64 / std::f64::consts::E).exp();
    if aliases > 0 && growth * text.len() as f64 > MAX_UNFOLDED_BYTES {
        return Err(format!("its {aliases} aliases could unfold to more than memory holds"));
    }
    Ok(())
}

/// The names after `mark`, as YAML writes anchors (`&name`) and aliases (`*name`).
fn marked(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.split(mark).skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| c.is_whitespace() || ",[]{}".contains(c)).unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_passes() {
        assert_eq!(
            config_text("ocio_profile_version: 2\nroles: {default: raw}\nmatrix: [1, 0, [2]]\n"),
            Ok(())
        );
        assert_eq!(
            config_text("a: &one {b: 1}\nc: *one\nd: **bold** text with * stars & ampersands\n"),
            Ok(())
        );
    }

    #[test]
    fn deep_and_unfolding_text_does_not() {
        assert!(config_text(&"[".repeat(1000)).unwrap_err().contains("line 1 nests"));
        assert!(config_text(&format!("a:\n{}b", "- ".repeat(200))).unwrap_err().contains("line 2"));
        let mut laughs = String::from("a0: &a0 [x, x]\n");
        for level in 1..30 {
            let below = format!("*a{}", level - 1);
            laughs += &format!("a{level}: &a{level} [{}]\n", [below.as_str(); 9].join(", "));
        }
        assert!(config_text(&laughs).unwrap_err().contains("aliases"));
        assert_eq!(config_text(" \n").unwrap_err(), "it is empty");
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_no_files() {
        assert_eq!(config(Path::new("/dev/zero")).unwrap_err(), "it is no file");
        assert_eq!(lut(Path::new("/dev")).unwrap_err(), "it is no file");
    }
}
