//! Owns the shortest way of uncompressed scan lines: the system reads them from the file straight into the rows of the
//! planes, many lines a call. Takes lines only that lie one behind the other in the file and of which every channel is
//! wanted; all others, and every line that turns out to be another, go the usual way.

use std::io::IoSliceMut;

use smallvec::SmallVec;

use super::place::{Band, Placement};
use super::source::Source;

/// Buffers that the system takes in one call (`IOV_MAX`).
const MAX_BUFFERS: usize = 1024;
/// Part number, line number and size stand in front of a line.
const MAX_LEADER_BYTES: usize = 12;

/// Uncompressed lines of one frame.
pub struct DirectLines<'a> {
    pub source: &'a Source<'a>,
    pub placement: &'a Placement,
    pub part_number: Option<usize>,
    /// The file's number of the window's first line.
    pub first_line: i32,
}

impl DirectLines<'_> {
    /// Lines of one call; 0 where this way is closed.
    pub fn lines_a_call(&self) -> usize {
        let is_open = cfg!(target_os = "linux") && self.placement.takes_every_sample();
        if is_open { MAX_BUFFERS / (self.placement.layout().planes().len() + 1) } else { 0 }
    }

    /// Reads the lines from `line` on whose offsets are given into the band. `false` when they do not lie one behind
    /// the other or are not those lines; then rows may be half written.
    pub fn read(&self, line: u32, offsets: &[u64], band: &mut Band) -> bool {
        let Some(first) = offsets.first() else { return false };
        let leader_bytes = if self.part_number.is_some() { MAX_LEADER_BYTES } else { MAX_LEADER_BYTES - 4 };
        let chunk = self.placement.chunk_of_line(line);
        let stride = (leader_bytes + chunk.bytes()) as u64;
        let follow = offsets
            .iter()
            .zip(0..)
            .all(|(offset, number)| first.checked_add(number * stride) == Some(*offset));
        if *first == 0 || !follow || offsets.len() > self.lines_a_call() {
            return false;
        }
        let mut leaders = [[0; MAX_LEADER_BYTES]; MAX_BUFFERS];
        let mut buffers: SmallVec<[IoSliceMut; MAX_BUFFERS]> = SmallVec::new();
        let mut rows = self.placement.rows_in_file_order(line, band);
        for leader in &mut leaders[..offsets.len()] {
            buffers.push(IoSliceMut::new(&mut leader[..leader_bytes]));
            for (rows, bytes) in &mut rows {
                let Some(row) = rows.next() else { return false };
                buffers.push(IoSliceMut::new(&mut row[..*bytes]));
            }
        }
        if !self.source.read_into(&mut buffers, *first, stride * offsets.len() as u64) {
            return false;
        }
        drop(buffers);
        let number_of = |number: usize| self.first_line.wrapping_add((line as usize + number) as i32);
        leaders[..offsets.len()].iter().enumerate().all(|(number, leader)| {
            let (leader, _) = leader[..leader_bytes].as_chunks::<4>();
            let stated = leader.iter().map(|word| i32::from_le_bytes(*word));
            let part = self.part_number.and_then(|number| i32::try_from(number).ok());
            let expected = part.into_iter().chain([number_of(number), chunk.bytes() as i32]);
            stated.eq(expected)
        })
    }
}
