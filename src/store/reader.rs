//! Owns the reading of single values out of a parsed settings file: type, range, place, unknown keys. Knows
//! no key by name and never opens a file. Pure; any thread.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

use toml_edit::{Item, Key, TableLike, Value};

use super::error::{ConfigError, Given, MAX_SHOWN_CHARS, Place};
use crate::text::{shown, shown_capped, shown_path};

/// A file full of unknown keys yields this many warnings and one that counts the others.
const MAX_WARNINGS: usize = 20;

const SIZE_ALLOWED: &str = "a size such as \"24GiB\", or a whole number of bytes from 0";

/// The text of the file, for places and quotes in messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// The error for what the TOML parser refuses.
    pub(super) fn syntax_error(self, error: &toml_edit::TomlError) -> ConfigError {
        let offset = error.span().map_or(0, |span| span.start);
        ConfigError::Syntax {
            file: shown_path(self.file),
            place: Place::of(self.text, offset),
            reason: shown(error.message()),
            found: self.rest_of_line(offset),
        }
    }

    fn rest_of_line(self, offset: usize) -> String {
        let rest = &self.text[self.text.floor_char_boundary(offset)..];
        match rest.lines().next() {
            None => "the end of the file".into(),
            Some("") => "the end of the line".into(),
            Some(line) => format!("«{}»", shown_capped(line, MAX_SHOWN_CHARS)),
        }
    }
}

/// What is no error and still worth a line: keys that this version does not know.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    found: Vec<(Place, String)>,
    left_out_count: usize,
}

impl Warnings {
    fn push(&mut self, warning: impl FnOnce() -> (Place, String)) {
        if self.found.len() < MAX_WARNINGS {
            self.found.push(warning());
        } else {
            self.left_out_count += 1;
        }
    }

    /// The lines to show, in the order of the file.
    pub(super) fn into_lines(mut self, file: &Path) -> Vec<String> {
        self.found.sort();
        let mut lines: Vec<String> = self.found.into_iter().map(|(_, text)| text).collect();
        if self.left_out_count > 0 {
            lines.push(format!("{}: and {} more unknown keys", shown_path(file), self.left_out_count));
        }
        lines
    }
}

/// One table of the file, or its absence. Remembers which keys were asked for, so that the list of known keys
/// is never written down twice.
pub(super) struct Section<'a> {
    source: Source<'a>,
    name: String,
    table: Option<&'a dyn TableLike>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn root(source: Source<'a>, table: &'a dyn TableLike) -> Self {
        Self { source, name: String::new(), table: Some(table), asked: Vec::new() }
    }

    /// The table under `key`; empty when it is not in the file.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Section<'a>, ConfigError> {
        let table = match self.find(key) {
            None => None,
            Some(entry) => Some(entry.1.as_table_like().ok_or_else(|| self.refuse(entry, "a table"))?),
        };
        Ok(Section { source: self.source, name: self.full_name(key), table, asked: Vec::new() })
    }

    /// A size, uninterpreted: a text, or a whole number of bytes.
    pub(super) fn size(&mut self, key: &'static str) -> Result<Option<Given>, ConfigError> {
        self.read(key, SIZE_ALLOWED, |item| match item.as_integer() {
            Some(bytes) if bytes >= 0 => Some(bytes.to_string()),
            Some(_) => None,
            None => text_of(item),
        })
    }

    /// Any text that is not blank, uninterpreted.
    pub(super) fn text(&mut self, key: &'static str, allowed: &str) -> Result<Option<Given>, ConfigError> {
        self.read(key, allowed, text_of)
    }

    /// One of `names`.
    pub(super) fn choice(&mut self, key: &'static str, names: &[&str]) -> Result<Option<Given>, ConfigError> {
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        self.read(key, &quoted.join(", "), |item| text_of(item).filter(|text| names.contains(&text.as_str())))
    }

    /// A path; a relative one starts at the folder of the file.
    pub(super) fn path(&mut self, key: &'static str) -> Result<Option<PathBuf>, ConfigError> {
        let given = self.text(key, "a path in quotes")?;
        let folder = self.source.file.parent().unwrap_or(Path::new(""));
        Ok(given.map(|given| folder.join(given.text)))
    }

    /// A whole number within `range`.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, ConfigError> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(entry) = self.find(key) else { return Ok(None) };
        let value = entry.1.as_integer().filter(|value| range.contains(value));
        value.map(Some).ok_or_else(|| self.refuse(entry, allowed))
    }

    /// A number within `range`, with or without a fraction.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<f64>,
        unit: &str,
    ) -> Result<Option<f64>, ConfigError> {
        let allowed = format!("a number from {} to {} {unit}", range.start(), range.end());
        let Some(entry) = self.find(key) else { return Ok(None) };
        let value = entry.1.as_float().or_else(|| entry.1.as_integer().map(|whole| whole as f64));
        value.filter(|value| range.contains(value)).map(Some).ok_or_else(|| self.refuse(entry, allowed))
    }

    /// Refuses the value of `key`, which was read before, because of its neighbours.
    pub(super) fn refuse_among(&self, key: &'static str, allowed: impl Display) -> Option<ConfigError> {
        self.table?.get_key_value(key).map(|entry| self.refuse(entry, allowed))
    }

    /// Collects the keys that nobody asked for.
    pub(super) fn finish(self, warnings: &mut Warnings) {
        let Some(table) = self.table else { return };
        for (name, item) in table.iter() {
            if self.asked.contains(&name) {
                continue;
            }
            warnings.push(|| {
                let place = self.place(table.key(name), item);
                (place, self.unknown_key(name, place))
            });
        }
    }

    fn unknown_key(&self, name: &str, place: Place) -> String {
        let file = shown_path(self.source.file);
        let key = shown_capped(self.full_name(name), MAX_SHOWN_CHARS);
        format!("{file}:{}: unknown key «{key}»; known here: {}", place.line, self.asked.join(", "))
    }

    fn read(
        &mut self,
        key: &'static str,
        allowed: &str,
        convert: impl FnOnce(&Item) -> Option<String>,
    ) -> Result<Option<Given>, ConfigError> {
        let Some(entry) = self.find(key) else { return Ok(None) };
        let text = convert(entry.1).ok_or_else(|| self.refuse(entry, allowed))?;
        let place = self.place(None, entry.1);
        Ok(Some(Given { text, key: self.full_name(key), place }))
    }

    fn find(&mut self, key: &'static str) -> Option<(&'a Key, &'a Item)> {
        self.asked.push(key);
        self.table?.get_key_value(key).filter(|(_, item)| !item.is_none())
    }

    fn refuse(&self, (key, item): (&Key, &Item), allowed: impl Display) -> ConfigError {
        let place = if item.is_value() { self.place(None, item) } else { self.place(Some(key), item) };
        ConfigError::Value {
            file: shown_path(self.source.file),
            place,
            key: self.full_name(key.get()),
            found: self.found(item),
            allowed: allowed.to_string(),
        }
    }

    /// The value as it is written, with its type.
    fn found(&self, item: &Item) -> String {
        let written = item.as_value().and_then(Value::span);
        match written.and_then(|span| self.source.text.get(span)) {
            Some(text) => format!("{} ({})", shown_capped(text, MAX_SHOWN_CHARS), item.type_name()),
            None => format!("written as {}", item.type_name()),
        }
    }

    /// Where the key stands, or the value when there is no key to point at.
    fn place(&self, key: Option<&Key>, item: &Item) -> Place {
        let span: Option<Range<usize>> = key.and_then(Key::span).or_else(|| item.span());
        Place::of(self.source.text, span.map_or(0, |span| span.start))
    }

    fn full_name(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

fn text_of(item: &Item) -> Option<String> {
    item.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}
