//! Owns what became of every frame of an export: messages in the order of the frames, whatever the order in which
//! they were written, and the sum that decides the exit code. The thread of the command.

use std::collections::BTreeMap;

use crate::cli::Failure;
use crate::cli::progress::Progress;

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameEnd {
    Written,
    /// It was there already.
    Skipped,
    /// Why it cannot be shown; the others go on.
    Failed(String),
}

#[derive(Default)]
struct Entry {
    stand_in: Option<String>,
    missing_rows: u32,
    end: Option<FrameEnd>,
}

/// The books of one export, by the position of a frame among those that were asked for.
pub struct Tally {
    numbers: Vec<i64>,
    entries: BTreeMap<usize, Entry>,
    /// The first whose messages were not said yet.
    next: usize,
    failed: usize,
    incomplete: usize,
    progress: Progress,
}

impl Tally {
    pub fn new(numbers: Vec<i64>) -> Self {
        let progress = Progress::new(numbers.len());
        Self { numbers, entries: BTreeMap::new(), next: 0, failed: 0, incomplete: 0, progress }
    }

    /// The frame number at a position.
    pub fn number(&self, position: usize) -> Option<i64> {
        self.numbers.get(position).copied()
    }

    /// A frame was drawn: what stood in for it, and how many of its rows have no data. Drawn again, it counts once.
    pub fn drawn(&mut self, position: usize, stand_in: Option<String>, missing_rows: u32) {
        self.entries.insert(position, Entry { stand_in, missing_rows, end: None });
    }

    /// A frame is done with; what can be said in order is said.
    pub fn ended(&mut self, position: usize, end: FrameEnd) {
        self.entries.entry(position).or_default().end = Some(end);
        self.progress.advance();
        while let Some(entry) = self.entries.get(&self.next).filter(|entry| entry.end.is_some()) {
            let messages = messages(self.numbers[self.next], entry);
            self.incomplete += usize::from(entry.missing_rows > 0);
            self.failed += usize::from(matches!(entry.end, Some(FrameEnd::Failed(_))));
            messages.iter().for_each(|message| self.progress.say(message));
            self.entries.remove(&self.next);
            self.next += 1;
        }
    }

    /// What the whole export comes to.
    ///
    /// # Errors
    /// [`Failure::SOME_MEDIA`] when frames are incomplete or failed, [`Failure::NO_MEDIA`] when all failed.
    pub fn verdict(&self) -> Result<(), Failure> {
        let frames = self.numbers.len();
        match (self.failed, self.incomplete) {
            (0, 0) => Ok(()),
            (0, incomplete) => {
                let message = format!("{incomplete} of {frames} frames are incomplete");
                Err(Failure::new(Failure::SOME_MEDIA, message))
            }
            (failed, _) if failed == frames => {
                Err(Failure::new(Failure::NO_MEDIA, "no frame could be rendered"))
            }
            (failed, _) => {
                let message = format!("{failed} of {frames} frames could not be rendered");
                Err(Failure::new(Failure::SOME_MEDIA, message))
            }
        }
    }
}

fn messages(number: i64, entry: &Entry) -> Vec<String> {
    let mut messages: Vec<String> = entry.stand_in.iter().cloned().collect();
    if entry.missing_rows > 0 {
        let rows = entry.missing_rows;
        messages.push(format!("frame {number}: {rows} rows have no data; the others are written"));
    }
    if let Some(FrameEnd::Failed(reason)) = &entry.end {
        messages.push(format!("frame {number}: {reason}"));
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(tally: &Tally) -> u8 {
        tally.verdict().map_or_else(|failure| failure.code, |()| 0)
    }

    #[test]
    fn frames_are_counted_when_all_before_them_have_ended() {
        let mut tally = Tally::new(vec![7, 8, 9]);
        tally.drawn(1, Some("frame 8 is missing, 7 stands in".into()), 3);
        tally.ended(1, FrameEnd::Written);
        assert_eq!((tally.next, tally.incomplete), (0, 0));
        tally.ended(0, FrameEnd::Failed("damaged".into()));
        assert_eq!((tally.next, tally.incomplete, tally.failed), (2, 1, 1));
        tally.ended(2, FrameEnd::Skipped);
        assert_eq!((tally.next, code(&tally)), (3, Failure::SOME_MEDIA));
    }

    #[test]
    fn a_frame_that_is_drawn_again_counts_once() {
        let mut tally = Tally::new(vec![1]);
        tally.drawn(0, None, 5);
        tally.drawn(0, None, 5);
        tally.ended(0, FrameEnd::Written);
        assert_eq!(tally.incomplete, 1);
    }

    #[test]
    fn the_exit_code_tells_none_some_and_all() {
        let of = |ends: [FrameEnd; 2]| {
            let mut tally = Tally::new(vec![1, 2]);
            ends.into_iter().enumerate().for_each(|(position, end)| tally.ended(position, end));
            code(&tally)
        };
        let failed = || FrameEnd::Failed("x".into());
        assert_eq!(of([FrameEnd::Written, FrameEnd::Skipped]), 0);
        assert_eq!(of([failed(), FrameEnd::Written]), Failure::SOME_MEDIA);
        assert_eq!(of([failed(), failed()]), Failure::NO_MEDIA);
    }

    #[test]
    fn messages_name_the_frame() {
        let entry =
            Entry { missing_rows: 2, end: Some(FrameEnd::Failed("damaged".into())), ..Entry::default() };
        assert_eq!(messages(12, &entry)[1], "frame 12: damaged");
        assert!(messages(12, &entry)[0].starts_with("frame 12: 2 rows have no data"));
    }
}
