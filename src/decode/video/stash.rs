//! Owns the frames that were decoded on the way to another one, as references to the decoder's buffers, within a budget
//! of bytes. Never decodes. Used by the thread that has the session.

use std::collections::BTreeMap;

use super::fence::Frame;

/// Frames by their index in the movie.
pub struct Stash {
    frames: BTreeMap<u32, (Frame, usize)>,
    bytes: usize,
    budget_bytes: usize,
}

impl Stash {
    pub fn new(budget_bytes: usize) -> Self {
        Self { frames: BTreeMap::new(), bytes: 0, budget_bytes }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn has(&self, index: u32) -> bool {
        self.frames.contains_key(&index)
    }

    pub fn take(&mut self, index: u32) -> Option<Frame> {
        let (frame, bytes) = self.frames.remove(&index)?;
        self.bytes -= bytes;
        Some(frame)
    }

    /// Keeps a frame; over budget those go that lie farthest from `around`.
    pub fn keep(&mut self, index: u32, frame: Frame, around: u32) {
        let bytes = frame.bytes();
        self.bytes += bytes;
        if let Some((_, old)) = self.frames.insert(index, (frame, bytes)) {
            self.bytes -= old;
        }
        while self.bytes > self.budget_bytes {
            let Some(farthest) = self.farthest(around) else { return };
            self.take(farthest);
        }
    }

    fn farthest(&self, around: u32) -> Option<u32> {
        let (first, _) = self.frames.first_key_value()?;
        let (last, _) = self.frames.last_key_value()?;
        Some(if first.abs_diff(around) >= last.abs_diff(around) { *first } else { *last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_budget_nothing_stays() {
        let mut stash = Stash::new(0);
        stash.keep(3, Frame::new().unwrap(), 5);
        assert!(stash.has(3), "a frame without pixels costs nothing");
        assert!(stash.take(3).is_some() && stash.take(3).is_none());
        assert_eq!(stash.bytes(), 0);
    }

    #[test]
    fn the_farthest_goes_first() {
        let mut stash = Stash::new(0);
        for index in [2, 3, 4, 9] {
            stash.keep(index, Frame::new().unwrap(), 5);
        }
        assert_eq!((stash.farthest(5), stash.farthest(9)), (Some(9), Some(2)));
    }
}
