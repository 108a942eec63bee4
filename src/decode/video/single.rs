//! The picture of a file that has one: DPX, SGI, JPEG 2000. Decodes it at once, without an index and without a place
//! to go back to. The thread that decodes.

use std::path::Path;

use super::builder::no_memory;
use super::cursor::stopped;
use super::fence::{Decoder, Frame, Packet, Read, Received, Sent};
use super::movie::MovieEnd;
use super::opening::{Limits, Opening};
use super::picture::{Painter, Written};
use super::session::Stop;
use crate::decode::DecodeError;
use crate::epoch::EpochWatch;
use crate::frame::{FrameMemory, Orientation};

/// Packets that may be damaged before the file is given up.
const MAX_PACKETS: usize = 64;

/// Decodes the picture of a file into `memory`.
pub fn decode(path: &Path, watch: &EpochWatch, memory: &mut FrameMemory) -> MovieEnd {
    let painted = |frame: Frame| match Painter::new(Orientation::default()).write(&frame, memory) {
        Ok(Written::Done(picture)) => MovieEnd::Done(picture),
        Ok(Written::Refused { needed_bytes }) => MovieEnd::Refused { needed_bytes },
        Err(error) => MovieEnd::Failed(error),
    };
    match frame_of(path, watch) {
        Err(Stop::Failed(_)) if watch.is_stale() => MovieEnd::Skipped,
        found => found.map_or_else(MovieEnd::from, painted),
    }
}

fn frame_of(path: &Path, watch: &EpochWatch) -> Result<Frame, Stop> {
    let opening = Opening::of(path, Limits::default())?;
    let (mut input, gate) = opening.open_single(watch)?;
    // Other frames are decoded meanwhile.
    let mut decoder = Decoder::open(&input, 1, opening.limits.max_pixels)?;
    let mut packet = Packet::new().ok_or_else(no_memory)?;
    for _ in 0..MAX_PACKETS {
        let has_packet = match input.read(&mut packet) {
            Read::Packet => true,
            Read::Ended => false,
            Read::Stopped => return Err(stopped(&gate)),
            Read::Failed(code) => return Err(code.explain("reading it").into()),
        };
        if let Some(frame) = pass(&mut decoder, has_packet.then_some(&packet)) {
            return Ok(frame);
        }
        if !has_packet {
            break;
        }
    }
    Err(DecodeError::damaged(format!("no picture in it can be decoded as {}", input.facts().codec)).into())
}

/// One packet in, or the word that there are no more; the frame that comes out.
fn pass(decoder: &mut Decoder, packet: Option<&Packet>) -> Option<Frame> {
    loop {
        let sent = decoder.send(packet);
        loop {
            match decoder.receive() {
                Received::Frame(frame) => return Some(frame),
                Received::Damaged => {}
                Received::Hungry | Received::Ended => break,
            }
        }
        if sent != Sent::Full {
            return None;
        }
    }
}
