//! Foreign text made safe to show: file names, metadata and messages of other programs.
//!
//! Owns the rule which characters may reach a terminal, a log line or a label. Never opens a file and never keeps a
//! text. Pure functions, callable on any thread.
//!
//! The result is for eyes, not for reopening files: an escape cannot be told from the same characters typed by hand.

use std::ffi::OsStr;
use std::fmt::Write;

/// The text with everything escaped that moves the cursor, colours a terminal, reverses or hides its neighbours:
/// `\n`, `\x1b`, `\u{202e}`. Bytes that are no UTF-8 become `\xff`.
pub fn shown(text: impl AsRef<[u8]>) -> String {
    let text = text.as_ref();
    let mut out = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_char(&mut out, c));
        chunk.invalid().iter().for_each(|&byte| push_byte(&mut out, byte));
    }
    out
}

/// A path or file name made safe to show, also one that is no Unicode.
pub fn shown_path(path: impl AsRef<OsStr>) -> String {
    shown(path.as_ref().as_encoded_bytes())
}

/// Like [`shown`], at most `max_chars` characters long; a longer text ends in `…`. The work is bounded by the cap, not
/// by the text.
pub fn shown_capped(text: impl AsRef<[u8]>, max_chars: usize) -> String {
    let text = text.as_ref();
    // No character is longer than four bytes, so this head holds one character more than may be shown.
    let head = text.len().min(max_chars.saturating_add(1).saturating_mul(4));
    let whole = shown(&text[..head]);
    if whole.chars().count() <= max_chars {
        return whole;
    }
    match max_chars.checked_sub(1) {
        Some(kept) => whole.chars().take(kept).chain(['…']).collect(),
        None => String::new(),
    }
}

fn push_char(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\0'..='\x1f' | '\x7f' => push_byte(out, c as u8),
        _ if misleads(c) => {
            write!(out, "\\u{{{:x}}}", u32::from(c)).expect("writing to a String cannot fail");
        }
        _ => out.push(c),
    }
}

fn push_byte(out: &mut String, byte: u8) {
    write!(out, "\\x{byte:02x}").expect("writing to a String cannot fail");
}

/// Characters that are no C0 control and still change how their neighbours are shown, or that nobody can see.
fn misleads(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'             // C1 controls: a terminal reads U+009B like ESC [
        | '\u{ad}' | '\u{34f}'          // soft hyphen, grapheme joiner
        | '\u{61c}'                     // Arabic letter mark
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'       // zero width, left-to-right and right-to-left marks
        | '\u{2028}'..='\u{202e}'       // line and paragraph separator, bidirectional overrides
        | '\u{2060}'..='\u{206f}'       // word joiner, invisible operators, bidirectional isolates
        | '\u{feff}'                    // byte order mark
        | '\u{fff9}'..='\u{fffb}'       // interlinear annotation
        | '\u{e0000}'..='\u{e007f}'     // tags
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["shot.####.exr", "Größe 4K — 日本語 🎬", "%n%s%x {} [a] \\ \"'", ""] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn terminal_sequences_are_escaped() {
        assert_eq!(shown("\x1b[31mred\x1b]52;c;QQ==\x07"), "\\x1b[31mred\\x1b]52;c;QQ==\\x07");
        assert_eq!(shown("a\r\nb\tc\0\x7f"), "a\\r\\nb\\tc\\x00\\x7f");
    }

    #[test]
    fn c1_controls_written_as_utf8_are_escaped() {
        assert_eq!(shown(b"\xc2\x9b31m\xc2\x85"), "\\u{9b}31m\\u{85}");
    }

    #[test]
    fn direction_marks_and_hidden_characters_are_escaped() {
        assert_eq!(shown("gpj\u{202e}exr\u{2066}\u{200f}"), "gpj\\u{202e}exr\\u{2066}\\u{200f}");
        assert_eq!(shown("\u{feff}a\u{200b}b\u{2028}\u{61c}"), "\\u{feff}a\\u{200b}b\\u{2028}\\u{61c}");
    }

    #[test]
    fn bytes_that_are_no_utf8_are_shown_as_hex() {
        assert_eq!(shown(b"a\xff\xfeb\xc3"), "a\\xff\\xfeb\\xc3");
        assert_eq!(shown(b"\x9b"), "\\x9b");
    }

    #[test]
    fn paths_are_shown_like_text() {
        assert_eq!(shown_path(std::path::Path::new("/a/b\nc.exr")), "/a/b\\nc.exr");
    }

    #[test]
    fn a_capped_text_keeps_its_length() {
        assert_eq!(shown_capped("shot", 4), "shot");
        assert_eq!(shown_capped("shots", 4), "sho…");
        assert_eq!(shown_capped("日本語版", 3), "日本…");
        assert_eq!(shown_capped("\x1b\x1b", 6), "\\x1b\\…");
        assert_eq!(shown_capped("a", 0), "");
        assert_eq!(shown_capped("", 0), "");
        assert_eq!(shown_capped("日".repeat(1_000_000), 2), "日…");
    }

    fn is_safe(text: &str) -> bool {
        text.chars().all(|c| !c.is_control() && !misleads(c))
    }

    proptest! {
        #[test]
        fn nothing_shown_controls_a_terminal(bytes in proptest::collection::vec(any::<u8>(), 0..64), cap in 0usize..40) {
            prop_assert!(is_safe(&shown(&bytes)));
            let capped = shown_capped(&bytes, cap);
            prop_assert!(is_safe(&capped) && capped.chars().count() <= cap);
        }

        #[test]
        fn no_character_slips_through(text in any::<String>(), odd in "[\u{80}-\u{9f}\u{200b}-\u{206f}\u{feff}\u{1b}]{0,8}") {
            let safe = is_safe(&shown(text + &odd));
            prop_assert!(safe);
        }
    }
}
