//! Owns one of the two media: its files by frame number and the planes that are compared. Opening reads headers.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use crate::cli::args::MediaArgs;
use crate::cli::session::clip_options;
use crate::cli::{Failure, say};
use crate::decode::PlaneRequest;
use crate::frame::ClipId;
use crate::player::{Clip, ClipOptions, FramePlace};
use crate::sequence::{Media, ResolveOptions, resolve};

/// One of the two media.
pub struct Side {
    /// As messages name it.
    pub name: String,
    /// The shown layer with every channel that it has.
    pub planes: Arc<PlaneRequest>,
    /// The resolution level.
    pub level: u8,
    files: BTreeMap<i64, FramePlace>,
    /// A single file, whose name has no frame number that would count.
    is_unnumbered: bool,
}

impl Side {
    /// # Errors
    /// [`Failure::NO_MEDIA`] for what cannot be opened, [`Failure::USAGE`] for a name that stands for several clips.
    pub fn open(media: &OsString, args: &MediaArgs) -> Result<Self, Failure> {
        let no_media = |message: String| Failure::new(Failure::NO_MEDIA, message);
        let (resolved, errors) =
            resolve(std::slice::from_ref(media), &ResolveOptions { single: args.single });
        let [resolved] = resolved.as_slice() else {
            if resolved.is_empty() {
                let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
                return Err(no_media(messages.join("\nrushes: ")));
            }
            let (count, name) = (resolved.len(), crate::text::shown_path(media));
            let message = format!("{name} has {count} clips; name the one that is to be compared");
            return Err(Failure::new(Failure::USAGE, message));
        };
        resolved.notice.iter().for_each(|notice| say(notice));
        let options = ClipOptions { all_channels: true, ..clip_options(args) };
        let clip = Clip::open(ClipId(0), resolved, &options).map_err(|error| no_media(error.to_string()))?;
        let file = |index| Some((clip.number(index), clip.place(index)?));
        Ok(Self {
            files: (0..clip.frames()).filter_map(file).collect(),
            name: clip.name.clone(),
            planes: Arc::clone(clip.planes()),
            level: clip.level(),
            is_unnumbered: matches!(resolved.media, Media::File(_)),
        })
    }

    pub fn numbers(&self) -> impl Iterator<Item = i64> {
        self.files.keys().copied()
    }

    /// Where a frame is, if there is one.
    pub fn place(&self, number: i64) -> Option<&FramePlace> {
        self.files.get(&number)
    }
}

/// A single file takes the number of the only frame that the other side has.
pub fn align(a: &mut Side, b: &mut Side) {
    if a.files.len() != 1 || b.files.len() != 1 {
        return;
    }
    let (file, other) = match (a.is_unnumbered, b.is_unnumbered) {
        (true, false) => (a, b),
        (false, true) => (b, a),
        _ => return,
    };
    let number = other.numbers().next();
    if let Some((number, (_, place))) = number.zip(file.files.pop_first()) {
        file.files.insert(number, place);
    }
}
