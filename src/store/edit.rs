//! Owns the change of one key in the settings file that leaves comments, order and everything else as they
//! are. Never writes a file that [`Config::parse`] would refuse. Any thread; blocks on the disk. Two programs
//! that save at the same moment: the later one wins.

use std::fs::DirBuilder;
use std::io;
use std::path::Path;

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::atomic::write_atomically;
use super::config::{Config, utf8_text};
use super::error::ConfigError;
use super::reader::Source;
use super::watch::read_regular;
use crate::text::{shown, shown_path};

/// New tables go behind everything else.
const LAST_POSITION: isize = isize::MAX;

/// A value to save.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    Text(String),
    Whole(i64),
    Number(f64),
}

impl Setting {
    fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Whole(whole) => (*whole).into(),
            Self::Number(number) => (*number).into(),
        }
    }

    fn is_equal_to(&self, value: &Value) -> bool {
        match self {
            Self::Text(text) => value.as_str() == Some(text),
            Self::Whole(whole) => value.as_integer() == Some(*whole),
            Self::Number(number) => value.as_float() == Some(*number),
        }
    }
}

/// Sets `key` in `table` (`memory`, `memory.pressure`) of the file at `path`; file and folders are created
/// when absent. A file that already says so is not written again.
///
/// # Errors
/// [`ConfigError`] when the file cannot be read, when a hand has broken it elsewhere, when the value is not
/// allowed, and when it cannot be written. Then the file is as it was.
pub fn save_setting(path: &Path, table: &str, key: &str, value: &Setting) -> Result<(), ConfigError> {
    let old_bytes = read_regular(path)?.unwrap_or_default();
    let old_text = utf8_text(path, &old_bytes)?;
    let mut document: DocumentMut =
        old_text.parse().map_err(|error| Source { file: path, text: old_text }.syntax_error(&error))?;
    let is_changed = set(&mut document, table, key, value)
        .map_err(|obstacle| obstacle.into_error(path, &format!("{table}.{key}")))?;
    if !is_changed {
        return Ok(());
    }
    let new_text = with_ends_of(&old_bytes, &document.to_string());
    Config::parse(path, new_text.as_bytes())?;
    write(path, &new_text).map_err(|reason| ConfigError::Unwritable { file: shown_path(path), reason })
}

/// Something else stands where a table or a value is wanted.
struct Obstacle {
    name: String,
    wanted: &'static str,
}

impl Obstacle {
    fn into_error(self, path: &Path, key: &str) -> ConfigError {
        let (file, found) = (shown_path(path), shown(self.name));
        ConfigError::InTheWay { file, key: shown(key), found, wanted: self.wanted }
    }
}

/// Whether the document says something else than before.
fn set(document: &mut DocumentMut, table: &str, key: &str, new: &Setting) -> Result<bool, Obstacle> {
    let prefix = header_prefix(document);
    let item = open_table(document.as_item_mut(), table)?;
    if let Some(old) = table_in(item).get_mut(key) {
        let obstacle = || Obstacle { name: key.to_owned(), wanted: "single value" };
        return Ok(replace(old.as_value_mut().ok_or_else(obstacle)?, new));
    }
    let has_new_header = item.as_table_mut().is_some_and(|table| give_header(table, prefix));
    table_in(item).insert(key, Item::Value(new.to_value()));
    if has_new_header {
        document.set_trailing("");
    }
    Ok(true)
}

/// The table under the dotted name, made where it is absent: inside braces in their own style, otherwise
/// without a header as yet.
fn open_table<'a>(mut item: &'a mut Item, dotted: &str) -> Result<&'a mut Item, Obstacle> {
    for name in dotted.split('.') {
        let absent = if item.is_value() {
            Item::Value(InlineTable::new().into())
        } else {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        };
        item = table_in(item).entry(name).or_insert(absent);
        if !item.is_table_like() {
            return Err(Obstacle { name: name.to_owned(), wanted: "table" });
        }
    }
    Ok(item)
}

fn table_in(item: &mut Item) -> &mut dyn TableLike {
    item.as_table_like_mut().expect("the root is a table, and nothing else is let in on the way down")
}

/// Puts a table that has no header of its own behind everything else, so that no comment changes the table it
/// is in.
fn give_header(table: &mut Table, prefix: String) -> bool {
    if !table.is_implicit() || table.is_dotted() {
        return false;
    }
    table.set_implicit(false);
    table.set_position(Some(LAST_POSITION));
    table.decor_mut().set_prefix(prefix);
    true
}

/// What stands before the header of a table at the end: the comments that the file ends with, and a blank
/// line.
fn header_prefix(document: &DocumentMut) -> String {
    let mut prefix = document.trailing().as_str().unwrap_or_default().to_owned();
    let is_first = document.is_empty() && prefix.is_empty();
    if !prefix.is_empty() && !prefix.ends_with('\n') {
        prefix.push('\n');
    }
    let has_blank_line = prefix == "\n" || prefix.ends_with("\n\n");
    if !is_first && !has_blank_line {
        prefix.push('\n');
    }
    prefix
}

/// Keeps the blanks and the comment around the value, and a value that says the same as it was written.
fn replace(old: &mut Value, new: &Setting) -> bool {
    if new.is_equal_to(old) {
        return false;
    }
    let decor = old.decor().clone();
    *old = new.to_value();
    *old.decor_mut() = decor;
    true
}

/// The new text with the byte order mark and the line ends of the old one.
fn with_ends_of(old: &[u8], new_text: &str) -> String {
    let mut text = new_text.replace("\r\n", "\n");
    let newlines = old.iter().filter(|&&byte| byte == b'\n').count();
    let pairs = old.windows(2).filter(|pair| pair == b"\r\n").count();
    if newlines > 0 && newlines == pairs {
        text = text.replace('\n', "\r\n");
    }
    if old.starts_with("\u{feff}".as_bytes()) {
        text.insert(0, '\u{feff}');
    }
    text
}

/// The folder is made for its owner alone, as usual for folders of settings.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    write_atomically(path, text.as_bytes())
}

#[cfg(test)]
mod tests;
