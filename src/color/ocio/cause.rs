//! Owns which part of the library's messages a user sees: in one line, without its preambles.

use crate::text::shown_capped;

/// A message may quote whole files.
const CAUSE_CHARS: usize = 400;

/// One line, escaped, not too long.
pub(super) fn cause(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shown_capped(line, CAUSE_CHARS)
}

/// What is said of a config after its file was named.
pub(super) fn config_cause(message: &str) -> String {
    cause(message.split_once("' failed. ").map_or(message, |(_, cause)| cause))
}

/// Of all the formats that tried a LUT file, what those of its ending say.
pub(super) fn lut_cause(message: &str) -> String {
    let detail = message.split_once("gave the error").and_then(|(_, rest)| rest.split_once(':'));
    cause(detail.map_or(message, |(_, detail)| detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preambles_are_left_out() {
        assert_eq!(
            config_cause("Error: Loading the OCIO profile 'a' failed. line 3:\n bad\u{1b}"),
            "line 3: bad\\x1b"
        );
        let formats =
            "The file 'a' could not be loaded.\nThe formats gave the errors:\n    'x' failed with: y";
        assert_eq!(lut_cause(formats), "'x' failed with: y");
        assert_eq!(lut_cause("not there"), "not there");
        assert_eq!(cause(&"a".repeat(1000)).chars().count(), 400);
    }
}
