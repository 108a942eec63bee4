//! Why an argument gave no media, in sentences: what was looked for, what was found, what to do.

use crate::text::shown_path;
use std::io;
use std::path::PathBuf;

/// An argument that could not be opened. The texts it holds and shows are safe for a terminal.
#[derive(Debug, thiserror::Error)]
pub enum SequenceError {
    /// Neither a file of this name nor a sequence of this pattern.
    #[error(
        "no file matches {looked_for}; {}; check the name, the padding and the range",
        nearby(found_nearby)
    )]
    NoMatch {
        /// The name or pattern, made safe to show.
        looked_for: String,
        /// Sequences and files of the folder with a similar name, made safe to show; a few at most.
        found_nearby: Vec<String>,
    },
    /// The file or folder is there, or may be there, and the system refuses to say what is in it.
    #[error("cannot read {}: {source}; check the path and its permissions", shown_path(path))]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// The reason the system gave.
        source: io::Error,
    },
    /// A pipe, socket or device, which could block for ever.
    #[error("{} is {kind}, not media; name a file, a pattern or a folder", shown_path(path))]
    NotMedia {
        /// The named path.
        path: PathBuf,
        /// What it is instead, with its article.
        kind: &'static str,
    },
    /// A folder without anything that a folder lists.
    #[error(
        "found no image or movie in the folder {} ({entries} other entries); name a file to open it whatever its \
         ending",
        shown_path(path)
    )]
    NoMedia {
        /// The folder.
        path: PathBuf,
        /// How many names it holds.
        entries: usize,
    },
    /// A range that cannot be understood, or one too large to be a clip.
    #[error("cannot use the range {range}: {reason}; write it like 1001-1100, 1,3,5 or 1-100x10")]
    BadRange {
        /// The range as typed, made safe to show.
        range: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

fn nearby(found: &[String]) -> String {
    match found {
        [] => "found nothing like it in that folder".into(),
        found => format!("found {}", found.join(", ")),
    }
}
