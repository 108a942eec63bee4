//! Owns the thread that decodes one side: one frame ahead of the comparison and not more, so that each side holds two
//! frames at most. Never compares anything.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, Scope};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};

use super::side::Side;
use super::upright::upright;
use crate::cli::{Failure, Interrupt};
use crate::decode::{DecodeEnd, DecodeRequest, Decoder, FileDecoder};
use crate::epoch::EpochWatch;
use crate::frame::{FrameBuffer, FrameMemory};
use crate::player::FramePlace;

/// The longest sleep of the command, so that signals are noticed.
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// A frame, or why there is none.
pub type Fed = Result<FrameBuffer, String>;

/// Decoded frames of one side, in the order that was asked for. Dropping it ends the thread.
pub struct Feed {
    frames: Receiver<Fed>,
    spare: Sender<FrameMemory>,
}

impl Feed {
    /// Starts to decode these frames, which the side has.
    ///
    /// # Errors
    /// [`Failure::FAILED`] when the thread cannot be started.
    pub fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        number: usize,
        side: &'scope Side,
        numbers: &'scope [i64],
        watch: EpochWatch,
    ) -> Result<Self, Failure> {
        // Nothing waits in between: a frame is handed over or held.
        let (sender, frames) = bounded(0);
        let (spare, spares) = unbounded();
        let decode = move || {
            let decoder = FileDecoder::default();
            for place in numbers.iter().filter_map(|number| side.place(*number)) {
                let memory = spares.try_recv().unwrap_or_default();
                if sender.send(decode(&decoder, side, place, memory, &watch)).is_err() {
                    return;
                }
            }
        };
        let started = Builder::new().name(format!("decode-{number}")).spawn_scoped(scope, decode);
        let failed =
            |error| Failure::new(Failure::FAILED, format!("no decode thread could be started: {error}"));
        started.map_err(failed)?;
        Ok(Self { frames, spare })
    }

    /// Waits for the next frame.
    ///
    /// # Errors
    /// [`Failure::INTERRUPTED`] after a signal, [`Failure::FAILED`] when the thread is gone.
    pub fn next(&self, interrupt: &Interrupt) -> Result<Fed, Failure> {
        loop {
            if interrupt.is_set() {
                return Err(Failure::interrupted());
            }
            match self.frames.recv_timeout(LONGEST_WAIT) {
                Ok(fed) => return Ok(fed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(Failure::FAILED, "a decode thread ended early"));
                }
            }
        }
    }

    /// Gives memory back for a frame to come.
    pub fn recycle(&self, memory: FrameMemory) {
        // After the last frame nobody needs it.
        let _ = self.spare.send(memory);
    }
}

fn decode(
    decoder: &FileDecoder,
    side: &Side,
    place: &FramePlace,
    mut memory: FrameMemory,
    watch: &EpochWatch,
) -> Fed {
    // Both sides decode at the same time.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let request = DecodeRequest {
        index: place.index,
        path: place.path.clone(),
        planes: Arc::clone(&side.planes),
        level: side.level,
        helpers: (cores / 2).saturating_sub(1),
        watch: watch.clone(),
    };
    loop {
        // What a damaged file does to a decoder is that frame's matter alone.
        let end = catch_unwind(AssertUnwindSafe(|| decoder.decode(&request, &mut memory)));
        match end {
            Ok(DecodeEnd::Done(done)) => {
                let frame = FrameBuffer { layout: done.layout, memory, missing: done.missing };
                return upright(frame).map_err(|error| format!("too large to turn: {error}"));
            }
            Ok(DecodeEnd::Refused { needed_bytes }) => {
                memory =
                    FrameMemory::allocate(needed_bytes).map_err(|error| format!("too large: {error}"))?;
            }
            Ok(DecodeEnd::Failed(error)) => return Err(error.to_string()),
            Ok(DecodeEnd::Skipped) => return Err("not wanted any more".into()),
            Err(_) => return Err("damaged: the decoder gave it up".into()),
        }
    }
}
