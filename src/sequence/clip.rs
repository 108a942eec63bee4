//! One clip while it is being resolved: a pattern's files or the members that were named, a range, a notice.
//!
//! Owns what a reading of a pattern opens in a folder that is already listed. Never reads the disk. Runs on the thread
//! that resolves.

use super::group::FrameSet;
use super::name::is_movie;
use super::pattern::{Reading, Width};
use super::scan::Folder;
use super::{Media, RangeSet, Resolved, Sequence, SequenceError};
use crate::text::shown_capped;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::rc::Rc;

/// Characters of a pattern shown in a message.
const MAX_SHOWN_CHARS: usize = 200;

pub(super) struct Clip {
    source: Source,
    range: Option<RangeSet>,
    notice: Option<String>,
}

enum Source {
    Media(Media),
    Members(Members),
}

/// A sequence of a folder, by its index there, and its members that were named so far.
struct Members {
    folder: Rc<Folder>,
    index: usize,
    named: BTreeSet<i64>,
}

impl Clip {
    pub fn new(media: Media) -> Clip {
        Clip { source: Source::Media(media), range: None, notice: None }
    }

    pub fn member(folder: Rc<Folder>, index: usize, number: i64) -> Clip {
        let source = Source::Members(Members { folder, index, named: BTreeSet::from([number]) });
        Clip { source, range: None, notice: None }
    }

    /// Adds a member that was named too.
    pub fn name(&mut self, number: i64) {
        if let Source::Members(members) = &mut self.source {
            members.named.insert(number);
        }
    }

    /// States what the clip is meant to be.
    pub fn limit(&mut self, range: RangeSet) {
        self.range = Some(range);
    }

    /// The clip with all that was said about it.
    pub fn resolved(self) -> Result<Resolved, SequenceError> {
        let (media, named) = match self.source {
            Source::Media(media) => (media, None),
            Source::Members(members) => members.opened(),
        };
        let media = match (media, &self.range) {
            (Media::Sequence(sequence), Some(range)) => Media::Sequence(within(sequence, range)?),
            (media, _) => media,
        };
        let range = self.range.map(|range| range.bounds());
        let opened_at = named.filter(|number| range.as_ref().is_none_or(|range| range.contains(number)));
        Ok(Resolved { media, range, opened_at, notice: self.notice })
    }
}

impl Members {
    /// One member stands for its sequence, several for themselves.
    fn opened(self) -> (Media, Option<i64>) {
        let whole = self.folder.sequence(self.index);
        let first = self.named.first().copied().filter(|_| self.named.len() == 1);
        if first.is_some() || self.named.len() == whole.frames().len() {
            return (Media::Sequence(whole), first);
        }
        (Media::Sequence(whole.only(self.named)), None)
    }
}

fn within(sequence: Sequence, range: &RangeSet) -> Result<Sequence, SequenceError> {
    let (pattern, found) = (sequence.pattern(), sequence.span_name());
    sequence.within(range).ok_or_else(|| SequenceError::NoMatch {
        looked_for: format!("frames {}-{} of {pattern}", range.bounds().start(), range.bounds().end()),
        found_nearby: vec![found],
    })
}

/// What the first reading gives that finds anything.
pub(super) fn first_match(folder: &Folder, readings: &[Reading]) -> Result<Option<Vec<Clip>>, SequenceError> {
    for reading in readings {
        let range = reading.range.as_deref().map(RangeSet::parse).transpose()?;
        let clips = match reading.width {
            Width::Tile => tiles(folder, reading),
            _ => reading
                .frame_sets(&folder.names)
                .into_iter()
                .flat_map(|set| clips(folder, set, &range))
                .collect(),
        };
        if !clips.is_empty() {
            return Ok(Some(clips));
        }
    }
    Ok(None)
}

/// What there is in a padding that was not asked for, and a notice that says so.
pub(super) fn other_padding(folder: &Folder, name: &OsStr, readings: &[Reading]) -> Option<Vec<Clip>> {
    readings.iter().find_map(|reading| {
        let Width::Exactly(digits) = reading.width else {
            return None;
        };
        let range = reading.range.as_deref().and_then(|range| RangeSet::parse(range).ok());
        let set = reading.other_padding(&folder.names)?;
        let looked_for = shown_capped(name.as_encoded_bytes(), MAX_SHOWN_CHARS);
        let notice =
            format!("no file matches {looked_for} ({digits} digits); found {}, opened that", described(&set));
        let mut clips = clips(folder, set, &range);
        clips.first_mut()?.notice = Some(notice);
        Some(clips)
    })
}

/// `shot.00950-01202.exr (5 digits)`
fn described(set: &FrameSet) -> String {
    match set.stem.padding {
        1 => format!("{} (unpadded)", set.span_name()),
        digits => format!("{} ({digits} digits)", set.span_name()),
    }
}

/// One clip of the frames within the range, if there are any. Numbered movies are one clip each.
fn clips(folder: &Folder, mut set: FrameSet, range: &Option<RangeSet>) -> Vec<Clip> {
    set.frames.retain(|(number, _)| range.as_ref().is_none_or(|range| range.contains(*number)));
    match set.frames.first() {
        None => Vec::new(),
        Some((_, name)) if is_movie(name.as_encoded_bytes()) => {
            set.frames.iter().map(|(_, name)| Clip::new(Media::File(folder.dir.join(name)))).collect()
        }
        Some(_) => {
            let clip = Clip::new(Media::Sequence(Sequence::new(&folder.dir, set)));
            vec![Clip { range: range.clone(), ..clip }]
        }
    }
}

/// Tiles of a texture lie side by side, not one after the other: each is a still.
fn tiles(folder: &Folder, reading: &Reading) -> Vec<Clip> {
    let tiles = reading.tiles(&folder.names);
    let notice = format!("UDIM tiles are places on a texture, not frames; opened {} as stills", tiles.len());
    let mut clips: Vec<Clip> =
        tiles.into_iter().map(|name| Clip::new(Media::File(folder.dir.join(name)))).collect();
    if let Some(first) = clips.first_mut() {
        first.notice = Some(notice);
    }
    clips
}
