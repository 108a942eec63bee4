//! Owns which packet holds which frame: every packet in the order of the file, every frame in the order in which it is
//! shown. Never reads a file. A plain value; the movie has it behind a lock.

use std::ops::RangeInclusive;

use super::fence::NO_TIME;

/// One packet of the picture stream. Times are in units of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// As read, [`NO_TIME`] when unknown.
    pub pts: i64,
    pub dts: i64,
    /// Byte in the file, negative when unknown.
    pub position: i64,
    /// When its frame is shown; known or guessed.
    pub time: i64,
    pub is_key: bool,
    /// Its frame is part of the movie.
    pub is_shown: bool,
}

/// While an index grows and packets do not say when they are decoded, this many last frames may still get neighbours:
/// H.264 and HEVC reorder at most 16 (ITU-T H.264 A.3.1, H.265 A.4.1).
const UNSETTLED_FRAMES: usize = 32;

/// All packets and frames known so far.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    /// Packets of shown frames, by time.
    order: Vec<u32>,
    keys: Vec<u32>,
    /// The first time that belongs to the movie.
    head: Option<i64>,
    /// When the frame that is shown last is over, where packets tell.
    end: Option<i64>,
    reorders: bool,
    is_complete: bool,
}

impl Index {
    /// An empty index of packets that may be shown in another order than they are decoded.
    pub fn new(reorders: bool) -> Self {
        Self { reorders, ..Self::default() }
    }

    /// Adds the next packet of the file.
    pub fn push(&mut self, mut entry: Entry) {
        let packet = self.entries.len() as u32;
        entry.is_shown &= self.head.is_none_or(|head| entry.time >= head);
        self.entries.push(entry);
        if entry.is_key {
            self.keys.push(packet);
        }
        if entry.is_shown {
            let after = self.order.iter().rposition(|other| self.time_of(*other) <= entry.time);
            self.order.insert(after.map_or(0, |at| at + 1), packet);
        }
    }

    /// Says that the frame of a packet is shown next, at `time`; for packets that do not tell by themselves.
    pub fn present(&mut self, packet: u32, time: i64) {
        if let Some(entry) = self.entries.get_mut(packet as usize)
            && !entry.is_shown
        {
            (entry.time, entry.is_shown) = (time, true);
            self.order.push(packet);
        }
    }

    /// Leaves out what is shown before the frame of `packet`: it cannot be decoded.
    pub fn begin_at(&mut self, packet: u32) {
        let Some(head) = self.entries.get(packet as usize).map(|entry| entry.time) else { return };
        self.head = Some(head);
        let before = self.order.partition_point(|packet| self.time_of(*packet) < head);
        for packet in self.order.drain(..before) {
            self.entries[packet as usize].is_shown = false;
        }
    }

    /// A packet turned out not to be what it is called.
    pub fn unmake_key(&mut self, packet: u32) {
        if let (Some(entry), Ok(at)) =
            (self.entries.get_mut(packet as usize), self.keys.binary_search(&packet))
        {
            entry.is_key = false;
            self.keys.remove(at);
        }
    }

    /// All packets are there; `end` is when the last frame is over, where packets tell.
    pub fn finish(&mut self, end: Option<i64>) {
        self.is_complete = true;
        self.end = end;
        self.entries.shrink_to_fit();
        self.order.shrink_to_fit();
    }

    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Frames whose place will not change any more.
    pub fn frames(&self) -> u32 {
        let all = self.order.len();
        let count = match self.entries.last() {
            _ if self.is_complete || !self.reorders => all,
            Some(last) if last.dts != NO_TIME => {
                self.order.partition_point(|packet| self.time_of(*packet) <= last.dts)
            }
            _ => all.saturating_sub(UNSETTLED_FRAMES),
        };
        count as u32
    }

    /// Packets so far.
    pub fn packets(&self) -> u32 {
        self.entries.len() as u32
    }

    pub fn entry(&self, packet: u32) -> Option<&Entry> {
        self.entries.get(packet as usize)
    }

    /// The packet with the frame of this index.
    pub fn packet_of(&self, frame: u32) -> Option<u32> {
        self.order.get(frame as usize).copied()
    }

    /// The index of the frame in this packet; `None` when it is not shown.
    pub fn frame_of(&self, packet: u32) -> Option<u32> {
        let place = (self.entry(packet).filter(|entry| entry.is_shown)?.time, packet);
        let frame = self.order.binary_search_by_key(&place, |packet| (self.time_of(*packet), *packet));
        frame.ok().map(|frame| frame as u32)
    }

    /// When a frame is shown, in units of the stream.
    pub fn time(&self, frame: u32) -> Option<i64> {
        Some(self.time_of(self.packet_of(frame)?))
    }

    fn time_of(&self, packet: u32) -> i64 {
        self.entries.get(packet as usize).map_or(NO_TIME, |entry| entry.time)
    }

    /// The packet from which a frame can be decoded: the last key packet before it in the file that is not shown after
    /// it either (pictures before a key picture need what lies before that), then `back` key packets earlier.
    pub fn start_of(&self, frame: u32, back: usize) -> u32 {
        let Some(packet) = self.packet_of(frame) else { return 0 };
        let time = self.time_of(packet);
        let before = self.keys.partition_point(|key| *key <= packet);
        let usable =
            self.keys[..before].iter().rposition(|key| (NO_TIME + 1..=time).contains(&self.time_of(*key)));
        usable.and_then(|at| self.keys.get(at.checked_sub(back)?)).copied().unwrap_or(0)
    }

    /// The frames that are decoded together with this one, about: from the one where that starts to the one before the
    /// next key packet's.
    pub fn group_of(&self, frame: u32) -> RangeInclusive<u32> {
        let start = self.start_of(frame, 0);
        let first = self.frame_of(start).unwrap_or(frame).min(frame);
        let next = self.keys.get(self.keys.partition_point(|key| *key <= start));
        let end = next.and_then(|key| self.frame_of(*key)).unwrap_or(u32::MAX);
        first..=end.saturating_sub(1).max(frame)
    }

    /// The key packet `back` key packets before `packet`.
    pub fn key_before(&self, packet: u32, back: usize) -> Option<u32> {
        let before = self.keys.partition_point(|key| *key <= packet);
        self.keys.get(before.checked_sub(1 + back)?).copied()
    }

    /// The packet that was read with these times from this place, looked for from `near` outwards, at most `distance`.
    pub fn find(&self, pts: i64, dts: i64, position: i64, near: u32, distance: u32) -> Option<u32> {
        let matches = |packet: &u32| {
            let Some(entry) = self.entry(*packet) else { return false };
            let same_time =
                if pts == NO_TIME { dts != NO_TIME && dts == entry.dts } else { pts == entry.pts };
            same_time && (position < 0 || entry.position < 0 || position == entry.position)
        };
        (0..=distance)
            .flat_map(|away| [near.checked_add(away), near.checked_sub(away)])
            .flatten()
            .find(matches)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + (self.order.capacity() + self.keys.capacity()) * 4
    }

    /// The times of all frames in the order of showing.
    pub fn times(&self) -> impl Iterator<Item = i64> {
        self.order.iter().map(|packet| self.time_of(*packet))
    }

    /// How long all frames last together, in units of the stream, and how many they are: the last one as its packet says,
    /// else as long as frames are apart on average. `None` below two frames.
    pub fn whole(&self) -> Option<(i64, i64)> {
        let (length, gaps) = self.span()?;
        let with_last =
            self.end.and_then(|end| end.checked_sub(self.time(0)?)).filter(|whole| *whole > length);
        Some((with_last.or(length.checked_add((length / gaps).max(1)))?, gaps + 1))
    }

    /// Average distance of frames in units of the stream, as a fraction; `None` below two frames.
    pub fn span(&self) -> Option<(i64, i64)> {
        let gaps = self.order.len().checked_sub(1)?;
        let length = self.time(gaps as u32)?.checked_sub(self.time(0)?)?;
        (length > 0 && gaps > 0).then_some((length, gaps as i64))
    }

    /// Whether all frames lie where their average distance puts them: within a unit and `slack` units for what containers
    /// round, or a twentieth of the distance. `true` below two frames.
    pub fn is_steady(&self, slack: i64) -> bool {
        let (Some(first), Some((length, gaps))) = (self.time(0).map(i128::from), self.span()) else {
            return true;
        };
        let (length, gaps) = (i128::from(length), i128::from(gaps));
        let most = (1 + i128::from(slack)).max(length / (20 * gaps));
        let is_off = |(at, time)| (i128::from(time) - first - length * at as i128 / gaps).abs() > most;
        !self.times().enumerate().any(is_off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pts: i64, dts: i64, is_key: bool) -> Entry {
        Entry { pts, dts, position: 100 * dts, time: pts, is_key, is_shown: true }
    }

    /// I B B P open groups as a file has them: I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8.
    fn open_groups() -> Index {
        let mut index = Index::new(true);
        for (dts, pts) in [0, 3, 1, 2, 6, 4, 5, 9, 7, 8].into_iter().enumerate() {
            index.push(entry(pts, dts as i64 - 1, pts % 6 == 0));
        }
        index
    }

    #[test]
    fn frames_are_in_the_order_of_their_times() {
        let mut index = open_groups();
        assert_eq!(index.frames(), 9, "what comes may still be shown before frame 9");
        index.finish(None);
        let order: Vec<u32> = (0..10).filter_map(|frame| index.packet_of(frame)).collect();
        assert_eq!(order, [0, 2, 3, 1, 5, 6, 4, 8, 9, 7]);
        assert!((0..10).all(|frame| index.frame_of(order[frame as usize]) == Some(frame)));
        assert_eq!((index.span(), index.is_steady(0), index.whole()), (Some((9, 9)), true, Some((10, 10))));
    }

    #[test]
    fn pictures_before_a_key_picture_start_at_the_key_before_it() {
        let index = open_groups();
        assert_eq!([4, 5, 6, 7].map(|frame| index.start_of(frame, 0)), [0, 0, 4, 4]);
        assert_eq!(index.start_of(7, 1), 0);
        assert_eq!([4, 7].map(|frame| index.group_of(frame)), [0..=5, 6..=u32::MAX - 1]);
        assert_eq!(
            (index.key_before(9, 0), index.key_before(9, 1), index.key_before(9, 2)),
            (Some(4), Some(0), None)
        );
    }

    #[test]
    fn a_movie_begins_at_the_first_picture_that_can_be_decoded() {
        let mut index = Index::new(true);
        for (dts, pts) in [2, 0, 1, 5].into_iter().enumerate() {
            index.push(entry(pts, dts as i64, pts == 2));
        }
        index.begin_at(0);
        index.push(entry(1, 4, false));
        index.finish(None);
        assert_eq!((index.frames(), index.packet_of(0), index.frame_of(1)), (2, Some(0), None));
    }

    #[test]
    fn equal_times_keep_the_order_of_the_file_and_packets_are_found_by_time_and_place() {
        let mut index = Index::new(false);
        for time in [0, 5, 5, 7] {
            index.push(entry(time, time, true));
        }
        assert_eq!((1..3).map(|frame| index.packet_of(frame)).collect::<Vec<_>>(), [Some(1), Some(2)]);
        assert_eq!(index.find(7, 7, -1, 0, 10), Some(3));
        assert_eq!(index.find(7, 7, 1, 0, 10), None);
        assert_eq!(index.find(7, 7, -1, 0, 2), None);
        assert!(!index.is_steady(0));
    }
}
