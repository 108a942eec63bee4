//! Owns the frames that were decoded on the way to another one, as references to the decoder's buffers, within a budget
//! of bytes. Never decodes. Used by the thread that has the session.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::fence::{Frame, PictureKind};

/// Frames by their index in the movie.
pub struct Stash {
    frames: BTreeMap<u32, (Frame, usize)>,
    bytes: usize,
    budget_bytes: usize,
    peak_bytes: usize,
}

impl Stash {
    pub fn new(budget_bytes: usize) -> Self {
        Self { frames: BTreeMap::new(), bytes: 0, budget_bytes, peak_bytes: 0 }
    }

    /// The most that it held since [`Self::forget_peak`]: a decoder keeps buffers that come back for its next frames.
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    /// The decoder that made the frames is gone, and the buffers that it kept with it.
    pub fn forget_peak(&mut self) {
        self.peak_bytes = self.bytes;
    }

    /// The budget of what is kept from now on; what is there stays.
    pub fn set_budget(&mut self, bytes: usize) {
        self.budget_bytes = bytes;
    }

    /// Whether it holds more than a budget that was set afterwards.
    pub fn is_over(&self) -> bool {
        self.bytes > self.budget_bytes
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
        while self.is_over() {
            let Some(farthest) = self.farthest(around) else { return };
            self.take(farthest);
        }
        self.peak_bytes = self.peak_bytes.max(self.bytes);
    }

    fn farthest(&self, around: u32) -> Option<u32> {
        let (first, _) = self.frames.first_key_value()?;
        let (last, _) = self.frames.last_key_value()?;
        Some(if first.abs_diff(around) >= last.abs_diff(around) { *first } else { *last })
    }

    /// Gives up what is over the budget, other groups than that of `around` first.
    pub fn shrink(&mut self, around: u32, group: &RangeInclusive<u32>) {
        let kinds = self.frames.iter().map(|(index, (frame, _))| (*index, frame.kind()));
        for index in leaving(kinds, around, group) {
            if !self.is_over() {
                return;
            }
            self.take(index);
        }
    }
}

/// The order in which frames leave: of other groups those first that no other needs, key frames last; then of the
/// group, where each is decoded from the one before it. The farthest first among equals.
fn leaving(
    frames: impl Iterator<Item = (u32, PictureKind)>,
    around: u32,
    group: &RangeInclusive<u32>,
) -> Vec<u32> {
    let mut frames: Vec<_> = frames.collect();
    frames.sort_by_key(|(index, kind)| {
        let outside = (!group.contains(index)).then_some(*kind);
        (outside.is_none(), outside, Reverse(index.abs_diff(around)))
    });
    frames.into_iter().map(|(index, _)| index).collect()
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
        assert_eq!(stash.bytes, 0);
    }

    #[test]
    fn the_farthest_goes_first() {
        let mut stash = Stash::new(0);
        for index in [2, 3, 4, 9] {
            stash.keep(index, Frame::new().unwrap(), 5);
        }
        assert_eq!((stash.farthest(5), stash.farthest(9)), (Some(9), Some(2)));
    }

    #[test]
    fn other_groups_leave_before_the_own_one_and_key_frames_outlast_what_needs_them() {
        use PictureKind::{Between, Predicted, Whole};
        // I B B P B B P | I B B P B B P | I B B P
        let kind = |index: u32| match index % 7 {
            0 => Whole,
            3 | 6 => Predicted,
            _ => Between,
        };
        let order = leaving((0..18).map(|index| (index, kind(index))), 10, &(7..=13));
        assert_eq!(order[..6], [1, 2, 4, 16, 5, 15], "what no other needs, the farthest first");
        assert_eq!(order[6..9], [3, 17, 6], "what others are predicted from");
        assert_eq!(order[9..11], [0, 14], "key frames");
        assert_eq!(order[11..], [7, 13, 8, 12, 9, 11, 10], "the group by distance alone");
    }
}
