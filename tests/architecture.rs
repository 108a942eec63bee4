//! Reads `src/` and fails where a room imports what does not stand below it, where a foreign crate leaves its
//! rooms, and where a file breaks the rules of the house. The tables below are the plan; change them on purpose.
//!
//! Test code (`#[cfg(test)]` items, files named `tests.rs`, files below a folder `tests`) may import anything.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A folder or file directly below `src/`. It imports rooms of lower storeys.
struct Room {
    name: &'static str,
    storey: u8,
    /// Rooms of its own storey that it may import as well.
    peers: &'static [&'static str],
    /// Rooms of lower storeys that it leaves alone all the same.
    never: &'static [&'static str],
}

const fn room(
    name: &'static str,
    storey: u8,
    peers: &'static [&'static str],
    never: &'static [&'static str],
) -> Room {
    Room { name, storey, peers, never }
}

/// Plain types only, so they may name one another.
const GROUND: &[&str] = &["frame", "time", "epoch", "text", "stats", "sync"];
/// They join everything and hold no policy.
const TOP: &[&str] = &["app", "cli", "metrics", "main", "lib"];

#[rustfmt::skip]
const ROOMS: &[Room] = &[
    room("frame",    0, GROUND, &[]),
    room("time",     0, GROUND, &[]),
    room("epoch",    0, GROUND, &[]),
    room("text",     0, GROUND, &[]),
    room("stats",    0, GROUND, &[]),
    room("sync",     0, GROUND, &[]),
    room("memory",   1, &[], &[]),
    room("sequence", 1, &[], &[]),
    room("color",    1, &[], &[]),
    room("store",    1, &[], &[]),
    room("decode",   2, &[], &[]),
    room("encode",   2, &[], &[]),
    room("audio",    2, &[], &[]),
    room("cache",    2, &[], &[]),
    room("gpu",      2, &[], &["sequence"]),
    room("preload",  3, &[], &["gpu"]),
    room("player",   4, &[], &["gpu"]),
    room("stage",    5, &[], &[]),
    room("ui",       5, &[], &["cache", "decode", "preload", "gpu"]),
    room("app",      6, TOP, &[]),
    room("cli",      6, TOP, &[]),
    room("metrics",  6, TOP, &[]),
    room("main",     6, TOP, &[]),
    room("lib",      6, TOP, &[]),
];

/// Crates that are kept in few rooms. A name ending in `*` stands for all crates that begin so.
const GUARDED: &[(&str, &[&str])] = &[
    ("wgpu", &["gpu", "stage", "app", "cli"]),
    ("egui", &["ui", "app"]),
    ("egui_winit", &["ui", "app"]),
    ("egui_wgpu", &["ui", "app"]),
    ("winit", &["app"]),
    ("pollster", &["gpu"]),
    ("exr", &["decode", "encode"]),
    ("image", &["decode", "encode"]),
    ("ffmpeg*", &["decode", "encode"]),
    ("ocio*", &["color"]),
    ("opencolorio*", &["color"]),
    ("alsa", &["audio"]),
    ("cpal", &["audio"]),
    ("rtrb", &["audio"]),
    ("wsola", &["audio"]),
    ("lru", &["cache"]),
    ("sysinfo", &["memory"]),
    ("rustix", &["memory", "cli", "decode"]),
    ("prometheus_client", &["metrics"]),
    ("toml_edit", &["store"]),
    ("libc", &["memory"]),
    ("crossbeam_channel", &["preload", "gpu", "stage", "encode", "cli", "app"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
];

/// Files that may say `unsafe`; each has a plain-Rust twin that tests compare it with.
const UNSAFE_FILES: &[&str] = &[
    "src/decode/exr/simd/b44.rs",
    "src/decode/exr/simd/dct.rs",
    "src/decode/exr/simd/htj2k.rs",
    "src/decode/exr/simd/sums.rs",
    "src/decode/exr/simd/wavelet.rs",
    // FFmpeg is a C library; all that speaks to it lies in one folder.
    "src/decode/video/fence/convert.rs",
    "src/decode/video/fence/decoder.rs",
    "src/decode/video/fence/frame.rs",
    "src/decode/video/fence/input.rs",
    "src/decode/video/fence/io.rs",
    "src/decode/video/fence/log.rs",
    "src/decode/video/fence/mod.rs",
    "src/decode/video/fence/packet.rs",
    "src/decode/video/fence/resampler.rs",
    "src/decode/video/fence/stream.rs",
    "src/encode/movie/fence/convert.rs",
    "src/encode/movie/fence/encoder.rs",
    "src/encode/movie/fence/frame.rs",
    "src/encode/movie/fence/io.rs",
    "src/encode/movie/fence/mod.rs",
    "src/encode/movie/fence/muxer.rs",
    "src/encode/movie/fence/quiet.rs",
    "src/encode/movie/fence/sound.rs",
    // Asks the allocator to give memory back; there is no plain way.
    "src/memory/purge.rs",
];

const MAX_LINES: usize = 700;

/// Files that may be longer for now. A row goes when its file is divided; no row is raised.
const LONG_FILES: &[(&str, usize)] = &[];

// --- The rules, one test each ---

#[test]
fn a_room_imports_only_what_stands_below_it() {
    expect_none(check_all(rooms_of_imports));
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    expect_none(check_all(rooms_of_crates));
}

#[test]
fn a_module_begins_with_what_it_owns() {
    expect_none(check_all(first_line));
}

#[test]
fn files_stay_short() {
    expect_none(check_all(length));
}

#[test]
fn unsafe_stays_in_fenced_files() {
    expect_none(check_all(unsafe_code));
}

#[test]
fn nothing_gives_up_or_is_left_unfinished() {
    expect_none(check_all(shortcuts));
}

fn expect_none(findings: Vec<String>) {
    assert!(findings.is_empty(), "{} finding(s):\n{}", findings.len(), findings.join("\n"));
}

fn check_all(check: fn(&Source) -> Vec<String>) -> Vec<String> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".into()));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    assert!(!files.is_empty(), "no Rust file below {}", root.join("src").display());
    files.iter().flat_map(|path| check(&Source::read(&root, path))).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    for entry in entries {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn rooms_of_imports(source: &Source) -> Vec<String> {
    let Some(room) = find_room(source.room()) else {
        return vec![source.found(1, &format!("«{}» is no room", source.room()), "the table ROOMS")];
    };
    let uses = source.paths().into_iter();
    let imports = uses.filter_map(|path| Some((path.line, source.room_of(&path)?)));
    imports
        .filter(|(_, to)| !may_import(room, to))
        .map(|(line, to)| source.refused(line, room, &to))
        .collect()
}

fn rooms_of_crates(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for path in source.paths() {
        for name in source.crates_of(&path) {
            let rooms = guarded(&name).unwrap_or_default();
            if !rooms.contains(&source.room()) {
                findings.push(source.found(path.line, &format!("uses the crate {name}"), &rooms.join(", ")));
            }
        }
    }
    findings.dedup();
    findings
}

fn first_line(source: &Source) -> Vec<String> {
    let line = source.text.lines().next().unwrap_or_default();
    if source.is_test() || line.trim_end().len() > 4 && line.starts_with("//! ") {
        return Vec::new();
    }
    vec![source.found(1, "does not say what the module owns", "a first line that begins with //!")]
}

fn length(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    let row = LONG_FILES.iter().find(|(path, _)| *path == source.path);
    let limit = row.map_or(MAX_LINES, |(_, limit)| *limit);
    let finding = || source.found(lines, &format!("has {lines} lines"), &format!("{limit} lines"));
    (lines > limit).then(finding).into_iter().collect()
}

fn unsafe_code(source: &Source) -> Vec<String> {
    if UNSAFE_FILES.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let allowed = if UNSAFE_FILES.is_empty() { "no file".into() } else { UNSAFE_FILES.join(", ") };
    let words = tokens(&masked(&source.text)).into_iter().filter(|token| token.text == "unsafe");
    words.map(|token| source.found(token.line, "unsafe", &allowed)).collect()
}

fn shortcuts(source: &Source) -> Vec<String> {
    const REFUSED: &[(&[&str], &str)] = &[
        (&[".", "unwrap", "(", ")"], "unwrap()"),
        (&["todo", "!"], "todo!"),
        (&["unimplemented", "!"], "unimplemented!"),
        (&["dbg", "!"], "dbg!"),
    ];
    let mut findings = Vec::new();
    for (words, name) in REFUSED {
        let places =
            source.code.windows(words.len()).filter(|at| at.iter().map(|token| &token.text).eq(*words));
        findings.extend(places.map(|at| source.found(at[0].line, name, "test code only")));
    }
    findings
}

// --- The tables, asked ---

fn find_room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

fn may_import(room: &Room, to: &str) -> bool {
    let Some(other) = find_room(to) else { return false };
    room.name == to || room.peers.contains(&to) || other.storey < room.storey && !room.never.contains(&to)
}

fn importable(room: &Room) -> String {
    let names = ROOMS.iter().map(|other| other.name).filter(|name| *name != room.name);
    names.filter(|name| may_import(room, name)).collect::<Vec<_>>().join(", ")
}

/// The rooms of a guarded crate; none for a crate that is free to all.
fn guarded(name: &str) -> Option<&'static [&'static str]> {
    let matches = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    GUARDED.iter().find(|(pattern, _)| matches(pattern)).map(|(_, rooms)| *rooms)
}

// --- One source file ---

struct Source {
    /// From the repository root, with `/`.
    path: String,
    text: String,
    /// Its words, without tests.
    code: Vec<Token>,
}

/// A path as written, groups of a `use` taken apart.
#[derive(Debug, PartialEq)]
struct Written {
    line: usize,
    segments: Vec<String>,
    /// It begins with `::`, so that it names a crate and no local module.
    is_absolute: bool,
    is_use: bool,
    /// The name that follows `as`.
    alias: Option<String>,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let mut source = Self { path: path.into(), text: text.into(), code: Vec::new() };
        if !source.is_test() {
            source.code = without_tests(tokens(&masked(text)));
        }
        source
    }

    fn read(root: &Path, path: &Path) -> Self {
        let shown = path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{shown}: {error}"));
        Self::new(&shown, &text)
    }

    /// Where in the module tree: `src/gpu/passes/mod.rs` is `gpu`, `passes`.
    fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<&str> = path.split('/').collect();
        if module.len() > 1 && module.last() == Some(&"mod") {
            module.pop();
        }
        module
    }

    fn room(&self) -> &str {
        self.module()[0]
    }

    fn is_test(&self) -> bool {
        self.module().contains(&"tests")
    }

    fn paths(&self) -> Vec<Written> {
        written_paths(&self.code)
    }

    /// The room that a path leads to; none where it leads to a crate or stays among local names.
    fn room_of(&self, path: &Written) -> Option<String> {
        let mut module = self.module();
        if ["lib", "main"].contains(&module[0]) {
            module.clear();
        }
        let climbs = path.segments.iter().take_while(|segment| *segment == "super").count();
        let rest = match path.segments[0].as_str() {
            "crate" => &path.segments[1..],
            "super" if climbs >= module.len() => &path.segments[climbs..],
            _ => return None,
        };
        rest.first().cloned()
    }

    /// The guarded crates that a path names: its first segment, and one that a crate hands on (`egui_wgpu::wgpu`).
    fn crates_of(&self, path: &Written) -> Vec<String> {
        let first = &path.segments[0];
        if guarded(first).is_none() || !path.is_absolute && self.binds(first) {
            return Vec::new();
        }
        let handed_on = path.segments.get(1).filter(|_| first.starts_with("egui"));
        let named = [Some(first), handed_on].into_iter().flatten();
        named.filter(|name| guarded(name).is_some()).cloned().collect()
    }

    /// Whether the file itself gives the name a meaning: a module of its own, or an import from elsewhere.
    fn binds(&self, name: &str) -> bool {
        let declares = self.code.windows(2).any(|pair| pair[0].text == "mod" && pair[1].text == name);
        declares || self.paths().iter().any(|path| path.is_use && path.binds(name))
    }

    fn found(&self, line: usize, what: &str, allowed: &str) -> String {
        format!("{}:{line}: {what}; allowed: {allowed}", self.path)
    }

    fn refused(&self, line: usize, room: &Room, to: &str) -> String {
        let what = format!("{} (storey {}) imports crate::{to}", room.name, room.storey);
        self.found(line, &what, &importable(room))
    }
}

impl Written {
    /// A path that begins with the name does not take it away from the crate.
    fn binds(&self, name: &str) -> bool {
        let own = match self.segments.as_slice() {
            [.., parent, last] if last == "self" => parent,
            [.., last] => last,
            [] => return false,
        };
        self.segments[0] != name && self.alias.as_ref().unwrap_or(own) == name
    }
}

// --- Just enough Rust ---

/// The text with comments, strings and characters turned into blanks; lines stay where they are.
fn masked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + blank_len(&bytes[at..], at.checked_sub(1).map(|before| bytes[before]));
        out[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        at = end.max(at + 1);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// How long the comment, string or character is that begins here; 0 for code.
fn blank_len(rest: &[u8], before: Option<u8>) -> usize {
    let in_word = before.is_some_and(is_word_byte);
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment_len(rest),
        [b'"', ..] => quoted_len(rest, b'"'),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string_len(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => raw_string_len(rest, 2),
        [b'\'', ..] => character_len(rest),
        _ => 0,
    }
}

fn block_comment_len(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_len(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// 0 for a raw name such as `r#type`.
fn raw_string_len(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return 0;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = &rest[open + 1..];
    let end = body.windows(close.len()).position(|window| window == close);
    end.map_or(rest.len(), |end| open + 1 + end + close.len())
}

/// 0 for a lifetime.
fn character_len(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        return quoted_len(rest, b'\'');
    }
    let text = String::from_utf8_lossy(&rest[1..rest.len().min(5)]);
    let len = text.chars().next().map_or(0, char::len_utf8);
    if rest.get(1 + len) == Some(&b'\'') { len + 2 } else { 0 }
}

fn is_word_byte(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_word(&self) -> bool {
        self.text.bytes().next().is_some_and(is_word_byte)
    }
}

/// Words, `::`, and single characters.
fn tokens(masked: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (index, line) in masked.lines().enumerate() {
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let len = token_len(rest);
            found.push(Token { line: index + 1, text: rest[..len].into() });
            rest = rest[len..].trim_start();
        }
    }
    found
}

fn token_len(rest: &str) -> usize {
    match rest.bytes().take_while(|byte| is_word_byte(*byte)).count() {
        0 if rest.starts_with("::") => 2,
        0 => 1,
        word => word,
    }
}

/// Leaves out every item below `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn without_tests(all: Vec<Token>) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        match test_attribute_len(&all[at..]) {
            0 => {
                kept.push(all[at].clone());
                at += 1;
            }
            len => at += len + item_len(&all[at + len..]),
        }
    }
    kept
}

fn test_attribute_len(rest: &[Token]) -> usize {
    let begins = ["#", "[", "cfg", "("];
    if rest.len() < 4 || !rest.iter().map(|token| token.text.as_str()).take(4).eq(begins) {
        return 0;
    }
    let end = rest.iter().position(|token| token.text == "]").unwrap_or(rest.len() - 1);
    let says = |word: &str| rest[..end].iter().any(|token| token.text == word);
    if says("test") && !says("not") && !says("any") { end + 1 } else { 0 }
}

/// To the closing brace of the item's body, or to its semicolon or comma.
fn item_len(rest: &[Token]) -> usize {
    let mut depth = 0_i32;
    for (index, token) in rest.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        match token.text.as_str() {
            // The brace of what is around the item: it stays.
            _ if depth < 0 => return index,
            "}" | ";" | "," if depth == 0 => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Every path with `::` in it, and everything that is imported.
fn written_paths(code: &[Token]) -> Vec<Written> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < code.len() {
        at += match path_start(code, at) {
            Start::Use => 1 + push_use(&code[at + 1..], &mut found),
            Start::Path { is_absolute } => push_path(&code[at..], is_absolute, &mut found),
            Start::None => 1,
        };
    }
    found
}

enum Start {
    Use,
    Path { is_absolute: bool },
    None,
}

fn path_start(code: &[Token], at: usize) -> Start {
    let text = |index: usize| code.get(index).map_or("", |token| token.text.as_str());
    let before = if at == 0 { "" } else { text(at - 1) };
    if text(at) == "use" && text(at + 1) != "<" {
        return Start::Use;
    }
    // `extern crate name;` is an import as well.
    if before == "crate" && at >= 2 && text(at - 2) == "extern" {
        return Start::Path { is_absolute: true };
    }
    if code[at].is_word() && text(at + 1) == "::" && before != "." {
        return Start::Path { is_absolute: false };
    }
    let is_arrow = at >= 2 && before == ">" && text(at - 2) == "-";
    let goes_on = at > 0 && code[at - 1].is_word() || before == ">" && !is_arrow;
    if text(at) == "::" && !goes_on { Start::Path { is_absolute: true } } else { Start::None }
}

/// Returns how many tokens the path takes.
fn push_path(rest: &[Token], is_absolute: bool, found: &mut Vec<Written>) -> usize {
    let skip = usize::from(rest[0].text == "::");
    let (segments, len) = segments(&rest[skip..]);
    if !segments.is_empty() {
        let line = rest[0].line;
        found.push(Written { line, segments, is_absolute, is_use: false, alias: None });
    }
    (skip + len).max(1)
}

fn segments(rest: &[Token]) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    let mut at = 0;
    while rest.get(at).is_some_and(Token::is_word) {
        names.push(rest[at].text.clone());
        at += 1;
        if rest.get(at).is_none_or(|token| token.text != "::") {
            break;
        }
        at += 1;
    }
    (names, at)
}

fn push_use(rest: &[Token], found: &mut Vec<Written>) -> usize {
    let known = found.len();
    let is_absolute = rest.first().is_some_and(|token| token.text == "::");
    let skip = usize::from(is_absolute);
    let len = use_tree(&rest[skip..], &[], found);
    found[known..].iter_mut().for_each(|path| path.is_absolute = is_absolute);
    skip + len
}

/// Takes one branch of a `use` apart, groups included; returns how many tokens it takes.
fn use_tree(rest: &[Token], prefix: &[String], found: &mut Vec<Written>) -> usize {
    let (names, mut at) = segments(rest);
    let mut path = [prefix, names.as_slice()].concat();
    let text = |index: usize| rest.get(index).map_or("", |token| token.text.as_str());
    if text(at) == "{" {
        return at + use_group(&rest[at..], &path, found);
    }
    if text(at) == "*" {
        path.push("*".into());
        at += 1;
    }
    let alias = (text(at) == "as").then(|| text(at + 1).to_owned());
    at += 2 * usize::from(alias.is_some());
    if let (Some(token), false) = (rest.first(), path.is_empty()) {
        found.push(Written { line: token.line, segments: path, is_absolute: false, is_use: true, alias });
    }
    at
}

fn use_group(rest: &[Token], prefix: &[String], found: &mut Vec<Written>) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at].text != "}" {
        at += if rest[at].text == "," { 1 } else { use_tree(&rest[at..], prefix, found).max(1) };
    }
    (at + 1).min(rest.len())
}

// --- The checker can fail ---

mod checker {
    use super::*;

    fn imports(path: &str, text: &str) -> Vec<String> {
        rooms_of_imports(&Source::new(path, text))
    }

    fn crates(path: &str, text: &str) -> Vec<String> {
        rooms_of_crates(&Source::new(path, text))
    }

    #[test]
    fn tells_where_what_and_what_instead() {
        let told = imports("src/cache/keep.rs", "\nuse crate::gpu::Gpu;\n").remove(0);
        assert_eq!(
            told,
            "src/cache/keep.rs:2: cache (storey 2) imports crate::gpu; \
             allowed: frame, time, epoch, text, stats, sync, memory, sequence, color, store"
        );
    }

    #[test]
    fn lower_rooms_are_open_and_others_are_not() {
        assert_eq!(imports("src/player/a.rs", "use crate::{cache, frame::{Key, self}};").len(), 0);
        assert_eq!(imports("src/player/a.rs", "use crate::{cache, stage::{Stage, self}};").len(), 2);
        assert_eq!(imports("src/player/a.rs", "use crate::gpu::Gpu;").len(), 1);
        assert_eq!(imports("src/decode/a.rs", "use crate::encode::write;").len(), 1);
        assert_eq!(imports("src/stage/a.rs", "use crate::ui;").len(), 1);
        assert_eq!(imports("src/ui/a.rs", "use crate::player::Player; use crate::decode::Decoder;").len(), 1);
        assert_eq!(imports("src/gpu/a.rs", "pub use crate::sequence::Media;").len(), 1);
        assert_eq!(imports("src/time/a.rs", "use crate::text::shown;").len(), 0);
        assert_eq!(imports("src/time/a.rs", "use crate::memory::Size;").len(), 1);
        assert_eq!(imports("src/cli/a.rs", "use crate::app::run; use crate::gpu::Gpu;").len(), 0);
    }

    #[test]
    fn sees_paths_in_code_and_through_super() {
        assert_eq!(imports("src/text.rs", "fn f() -> u8 { crate::gpu::count::<u8>() }").len(), 1);
        assert_eq!(imports("src/text.rs", "use super::gpu;").len(), 1);
        assert_eq!(imports("src/frame/key.rs", "use super::super::gpu::Gpu;").len(), 1);
        assert_eq!(imports("src/frame/key.rs", "use super::gpu::Gpu;").len(), 0);
        assert_eq!(imports("src/frame/mod.rs", "use super::gpu::Gpu;").len(), 1);
        assert_eq!(imports("src/frame/key.rs", "pub(in crate::frame) fn f() {}").len(), 0);
    }

    #[test]
    fn unknown_rooms_and_globs_are_refused() {
        assert_eq!(imports("src/shed/mod.rs", "").len(), 1);
        assert_eq!(imports("src/cli/a.rs", "use crate::shed::Rake;").len(), 1);
        assert_eq!(imports("src/cli/a.rs", "use crate::*;").len(), 1);
    }

    #[test]
    fn tests_comments_and_strings_do_not_count() {
        let hidden = "// use crate::gpu::A;\n/* use /* crate::gpu */ */\nconst A: &str = \"use crate::gpu;\";\n\
            const B: &str = r#\"\"use crate::gpu;\"#; const C: char = '\"'; fn f<'a>(_: &'a str) {}\n\
            #[cfg(test)]\nmod tests { use crate::gpu::A; fn f() { if true { crate::gpu::g() } } }\n\
            #[cfg(all(test, unix))]\nuse crate::gpu::{A, B};\n#[cfg(test)]\nmod other;\n";
        assert_eq!(imports("src/time/rate.rs", hidden), Vec::<String>::new());
        assert_eq!(imports("src/time/tests.rs", "use crate::gpu::A;").len(), 0);
        assert_eq!(imports("src/time/rate.rs", &format!("{hidden}use crate::gpu::A;")).len(), 1);
        assert_eq!(imports("src/time/rate.rs", "#[cfg(not(test))]\nuse crate::gpu::A;").len(), 1);
    }

    #[test]
    fn a_guarded_crate_is_seen_in_every_spelling() {
        let spellings = ["use wgpu::Device;", "use wgpu;", "use wgpu as w;", "use ::wgpu::{self, Device};"];
        let more = ["fn f(_: &wgpu::Device) {}", "fn f() -> ::wgpu::Device { g() }", "extern crate wgpu;"];
        for text in spellings.iter().chain(&more) {
            assert!(!crates("src/player/a.rs", text).is_empty(), "{text}");
            assert_eq!(crates("src/gpu/a.rs", text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(
            crates("src/cache/a.rs", "use wgpu::Device;"),
            ["src/cache/a.rs:1: uses the crate wgpu; allowed: gpu, stage, app, cli"]
        );
        assert_eq!(crates("src/ui/a.rs", "use egui_wgpu::wgpu::Device;").len(), 1);
        assert_eq!(crates("src/player/a.rs", "use ffmpeg_next::frame;").len(), 1);
        assert_eq!(crates("src/player/a.rs", "use half::f16;").len(), 0);
    }

    #[test]
    fn a_module_of_that_name_is_not_the_crate() {
        assert_eq!(crates("src/gpu/a.rs", "mod image; fn f() { image::draw() }").len(), 0);
        assert_eq!(
            crates("src/stage/a.rs", "use crate::gpu::passes::image; fn f() { image::draw() }").len(),
            0
        );
        assert_eq!(crates("src/stage/a.rs", "use crate::gpu::passes::image::ImagePass;").len(), 0);
        assert_eq!(crates("src/gpu/a.rs", "mod image; fn f() { ::image::open() }").len(), 1);
        assert_eq!(crates("src/gpu/a.rs", "mod image; use ::image::{open};").len(), 1);
        assert_eq!(crates("src/gpu/a.rs", "use image::{self, open};\nfn f() { image::open() }").len(), 2);
    }

    #[test]
    fn file_rules_can_fail() {
        let a = |text: &str| Source::new("src/time/a.rs", text);
        assert_eq!(first_line(&a("//! Rates.\n")).len(), 0);
        assert_eq!(first_line(&a("use std::fs;\n//! Rates.")).len(), 1);
        assert_eq!(first_line(&a("//!\n")).len(), 1);
        assert_eq!(length(&a(&"\n".repeat(MAX_LINES))).len(), 0);
        assert_eq!(length(&a(&"\n".repeat(MAX_LINES + 1))).len(), 1);
        assert_eq!(unsafe_code(&a("#![forbid(unsafe_code)] // unsafe")).len(), 0);
        assert_eq!(unsafe_code(&a("#[cfg(test)] mod tests { fn f() { unsafe { g() } } }")).len(), 1);
    }

    #[test]
    fn shortcuts_are_for_tests() {
        let a = |text: &str| shortcuts(&Source::new("src/time/a.rs", text));
        assert_eq!(a("fn f() { x.unwrap_or(1); y.unwrap_or_default(); }").len(), 0);
        // The text has the three things that the rule refuses, so that it is seen to refuse them.
        // In pieces, so that a search for them finds none that is meant.
        let refused = concat!("fn f() {\n x\n .unwrap(); to", "do!(); db", "g!(1); }");
        assert_eq!(a(refused).len(), 3);
        assert_eq!(a("#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }\nfn g() { y.unwrap() }").len(), 1);
    }
}
