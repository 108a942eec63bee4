//! Owns the movie and its sound while pictures come, in their order, on the one thread that makes them.

use std::sync::{Mutex, PoisonError};

use super::sound::Track;
use super::timing::Timing;
use crate::cli::render::sink::Sink;
use crate::encode::{BurnPlace, MovieWriter, Picture, RgbPicture, burn, slate};
use crate::text::shown_capped;

struct Open {
    writer: MovieWriter,
    track: Option<Track>,
    timing: Timing,
    /// Pictures of frames that were written.
    written: i64,
    /// Goes before the first picture.
    slate: Option<Slate>,
}

/// Characters of the reason on a slate that stands for a frame, and of one line of it; messages have all of it.
const REASON_CHARS: usize = 240;
const LINE_CHARS: usize = 48;

/// Pictures of text before the first frame.
#[derive(Debug, Clone)]
pub struct Slate {
    pub lines: Vec<String>,
    pub frames: i64,
}

impl Open {
    /// Silence goes with the first picture of it, as long as all of them.
    fn begin(&mut self, slate_of: &Slate, like: &RgbPicture) -> Result<(), String> {
        let picture = slate(like, &slate_of.lines);
        let track = self.track.as_ref();
        let mut silence = track.map(|track| track.silence(slate_of.frames)).unwrap_or_default();
        for _ in 0..slate_of.frames {
            let sound = std::mem::take(&mut silence);
            self.writer.push(picture.clone(), sound).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The picture of a frame, as often as that is shown, with what is heard meanwhile.
    fn write(&mut self, number: i64, picture: RgbPicture) -> Result<(), String> {
        let mut kept = Some(picture);
        for more in (0..self.timing.count(number, self.written)).rev() {
            // The last time it is given away.
            let Some(picture) = (if more == 0 { kept.take() } else { kept.clone() }) else { break };
            let sound = self.track.as_mut().map(|track| track.of_picture(self.written)).transpose()?;
            let pushed = self.writer.push(picture, sound.unwrap_or_default());
            pushed.map_err(|error| error.to_string())?;
            self.written += 1;
        }
        Ok(())
    }
}

/// The movie as a sink of an export.
pub struct MovieFile {
    open: Mutex<Option<Open>>,
    /// What is burned into the pictures beside their number.
    name: Option<String>,
}

impl MovieFile {
    pub fn new(
        writer: MovieWriter,
        track: Option<Track>,
        timing: Timing,
        slate: Option<Slate>,
        name: Option<String>,
    ) -> Self {
        Self { open: Mutex::new(Some(Open { writer, track, timing, written: 0, slate })), name }
    }

    /// The movie, once no more pictures come.
    pub fn take_writer(&self) -> Option<MovieWriter> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take().map(|open| open.writer)
    }
}

/// What a slate says that stands for a frame: its number, then why.
fn lines_of(number: i64, reason: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in shown_capped(reason, REASON_CHARS).split(' ') {
        match lines.last_mut().filter(|line| line.chars().count() + word.chars().count() < LINE_CHARS) {
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_string()),
        }
    }
    lines.insert(0, format!("frame {number}"));
    lines
}

impl Sink for MovieFile {
    /// One, because pictures are wanted in their order.
    fn threads(&self) -> usize {
        1
    }

    fn has(&self, _: i64) -> bool {
        false
    }

    /// The length of a movie is that of its clip.
    fn wants_slates(&self) -> bool {
        true
    }

    fn take(&self, number: i64, picture: Picture, reason: Option<&str>) -> Result<(), String> {
        let Picture::Rgb(mut picture) = picture else { return Err("a movie takes RGB pictures".into()) };
        if let Some(reason) = reason {
            picture = slate(&picture, &lines_of(number, reason));
        }
        if let Some(name) = &self.name {
            burn(&mut picture, name, BurnPlace::BottomLeft);
            burn(&mut picture, &number.to_string(), BurnPlace::BottomRight);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = &mut *open else { return Err("the movie is closed".into()) };
        if let Some(slate) = open.slate.take() {
            open.begin(&slate, &picture)?;
        }
        open.write(number, picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_broken_into_lines_and_escaped() {
        let lines = lines_of(-7, "demo.1002.exr: not supported: its first bytes are of no kind that is read");
        assert_eq!(
            lines,
            ["frame -7", "demo.1002.exr: not supported: its first bytes", "are of no kind that is read"]
        );
        let lines = lines_of(1, &format!("a\u{1b}b {}", "long ".repeat(400)));
        assert!(lines[1].starts_with("a\\x1bb long") && lines.len() <= 8, "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() <= LINE_CHARS));
    }
}
