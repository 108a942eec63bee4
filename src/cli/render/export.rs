//! Owns the export as a whole: while a frame is encoded, the next ones come back, are drawn and are decoded. Bounds
//! what is under way, notices a lost device, and ends clean. The thread that submits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Sender, unbounded};

use super::encoders::{Done, Encoders, End, Job};
use super::painter::{Drawing, Painter, READBACKS, recipe};
use super::recipe::Recipe;
use super::sink::Sink;
use super::tally::{FrameEnd, Tally};
use crate::cli::session::Headless;
use crate::cli::{Failure, slate_text};
use crate::gpu::{Readback, Texels};
use crate::player::{Command, Tick};
use crate::stats::ShownStatus;
use crate::time::WorkArea;

/// What frames that are drawn and not written may hold: texels on their way back and the pictures made of them. Two
/// frames may be under way whatever they hold, so that drawing and encoding overlap; at 8192x4320 those are 0.5 GB for
/// 8 bits, 1.6 GB for 16 bits or half and 2.0 GB for float.
const IN_FLIGHT_BYTES: u64 = 1 << 30;
const IN_FLIGHT_MIN: usize = 2;
/// A device that is lost more often than this in one export will not last to its end.
const LOSSES_MAX: u32 = 8;
/// How often the device is asked for canvases that are on their way.
const POLL_WAIT: Duration = Duration::from_micros(500);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// A canvas on its way to the job of its frame.
struct Arriving {
    position: usize,
    readback: Readback,
    parts: Sender<Texels>,
}

/// One run of `render` or `export`.
pub struct Export {
    drawing: Drawing,
    sink: Arc<dyn Sink>,
    headless: Headless,
    tally: Tally,
    painter: Painter,
    under_way: VecDeque<Arriving>,
    encoders: Encoders,
    in_flight: usize,
    in_flight_bytes: u64,
    /// Of the frame before: the next one is likely to need as much.
    frame_bytes: u64,
    next: usize,
    /// Positions of frames that went with a device.
    again: VecDeque<usize>,
    losses: u32,
    /// What could not be written, by position.
    faults: BTreeMap<usize, String>,
    /// Why a slate stands for a frame, by position.
    slates: BTreeMap<usize, String>,
}

impl Export {
    /// # Errors
    /// [`Failure::FAILED`] when no thread starts.
    pub fn new(
        mut headless: Headless,
        drawing: Drawing,
        sink: Arc<dyn Sink>,
        numbers: Vec<i64>,
    ) -> Result<Self, Failure> {
        narrow_area(&mut headless, numbers.iter().filter(|number| !sink.has(**number)));
        let encoders = Encoders::start(&sink, headless.ring()).map_err(|error| {
            Failure::new(Failure::FAILED, format!("no thread could be started to write pictures: {error}"))
        })?;
        Ok(Self {
            drawing,
            sink,
            headless,
            tally: Tally::new(numbers),
            painter: Painter::default(),
            under_way: VecDeque::new(),
            encoders,
            in_flight: 0,
            in_flight_bytes: 0,
            frame_bytes: 0,
            next: 0,
            again: VecDeque::new(),
            losses: 0,
            faults: BTreeMap::new(),
            slates: BTreeMap::new(),
        })
    }

    /// Writes every frame that can be written.
    ///
    /// # Errors
    /// What ended it early, or what its frames come to.
    pub fn run(mut self) -> Result<(), Failure> {
        let end = self.export_all();
        // Nobody is to wait for canvases that will not come.
        self.under_way.clear();
        self.encoders.stop().into_iter().for_each(|done| self.take_done(done));
        match end {
            Err(failure) if failure.code == Failure::FAILED => Err(self.fault().unwrap_or(failure)),
            Err(failure) => Err(failure),
            Ok(()) => self.fault().map_or_else(|| self.tally.verdict(), Err),
        }
    }

    fn export_all(&mut self) -> Result<(), Failure> {
        loop {
            self.attend()?;
            if let Some(position) = self.next_position() {
                self.render(position)?;
            } else if self.in_flight == 0 {
                return Ok(());
            } else {
                let tick = self.headless.step()?;
                self.wait(&tick);
            }
        }
    }

    /// Frames that went with a device come first.
    fn next_position(&mut self) -> Option<usize> {
        if let Some(position) = self.again.pop_front() {
            return Some(position);
        }
        self.tally.number(self.next)?;
        self.next += 1;
        Some(self.next - 1)
    }

    fn render(&mut self, position: usize) -> Result<(), Failure> {
        let Some(number) = self.tally.number(position) else { return Ok(()) };
        if self.sink.has(number) {
            self.tally.ended(position, FrameEnd::Skipped);
            return Ok(());
        }
        match self.begin(position, number) {
            Err(failure) if failure.code == Failure::SOME_MEDIA => {
                self.tally.ended(position, FrameEnd::Failed(failure.message));
                Ok(())
            }
            other => other,
        }
    }

    /// Shows, draws and hands a frame to the encoders, without waiting for any of them.
    fn begin(&mut self, position: usize, number: i64) -> Result<(), Failure> {
        let shown = self.show_or_slate(position, number)?;
        let missing_rows = self.headless.player.snapshot().missing_rows;
        let (recipe, size) = recipe(&self.headless, &self.drawing, &shown);
        let is_raw = matches!(recipe, Recipe::Raw { .. });
        self.painter.prepare(&self.headless.stage, size, is_raw)?;
        let stand_in = match &shown {
            ShownStatus::StandIn(_, why) => Some(why.clone()),
            _ => None,
        };
        self.tally.drawn(position, stand_in, missing_rows);
        let (sender, parts) = unbounded();
        let bytes = self.bytes_of(&recipe, size);
        (self.in_flight, self.in_flight_bytes) = (self.in_flight + 1, self.in_flight_bytes + bytes);
        self.frame_bytes = bytes;
        let slate = self.slates.get(&position).cloned();
        self.encoders.give(Job { position, number, slate, recipe: recipe.clone(), parts, bytes });
        if !self.draw(position, &recipe, &shown, &sender)? {
            self.repeat(position);
        }
        Ok(())
    }

    fn bytes_of(&self, recipe: &Recipe, (width, height): (u32, u32)) -> u64 {
        let format = if self.drawing.output.is_raw() {
            16
        } else {
            self.drawing.output.target().block_copy_size(None).unwrap_or(16)
        };
        let canvas = u64::from(width) * u64::from(height) * u64::from(format);
        canvas * recipe.parts().min(READBACKS) as u64 + recipe.picture_bytes()
    }

    /// Draws all parts of a frame as buffers become free; false when the device went meanwhile.
    fn draw(
        &mut self,
        position: usize,
        recipe: &Recipe,
        shown: &ShownStatus,
        parts: &Sender<Texels>,
    ) -> Result<bool, Failure> {
        let losses = self.losses;
        for part in 0..recipe.parts() {
            while !self.painter.is_free(&self.headless.stage) {
                let tick = self.headless.step()?;
                self.attend()?;
                if self.losses > losses {
                    return Ok(false);
                }
                self.wait(&tick);
            }
            let drawn = self.painter.draw(&mut self.headless, &self.drawing, (recipe, part), shown);
            let Some(readback) = drawn else {
                return Err(Failure::new(Failure::FAILED, "the frame left VRAM"));
            };
            self.under_way.push_back(Arriving { position, readback, parts: parts.clone() });
        }
        Ok(true)
    }

    /// Shows a frame, or a slate for one that cannot be shown where the sink wants that.
    fn show_or_slate(&mut self, position: usize, number: i64) -> Result<ShownStatus, Failure> {
        match self.show(number) {
            Err(failure) if failure.code == Failure::SOME_MEDIA && self.sink.wants_slates() => {
                self.slates.insert(position, failure.message.clone());
                Ok(ShownStatus::Slate(failure.message))
            }
            // A frame that is drawn again may have been one before.
            other => {
                self.slates.remove(&position);
                other
            }
        }
    }

    /// Brings a frame to the screen that nobody sees and waits until another one may be under way, or says why it
    /// cannot be shown.
    fn show(&mut self, number: i64) -> Result<ShownStatus, Failure> {
        let index = self.headless.player.clip().map_or(0, |clip| clip.index_of(number));
        self.headless.player.command(Command::Seek(index));
        loop {
            let tick = self.headless.step()?;
            self.attend()?;
            match tick.shown {
                ShownStatus::Exact(_) | ShownStatus::Black | ShownStatus::StandIn(..) => {
                    if self.has_room() && !self.headless.stage.is_lost() {
                        return Ok(tick.shown);
                    }
                }
                ShownStatus::Slate(_) => {
                    let reason = slate_text(&self.headless.player.snapshot()).unwrap_or_default();
                    return Err(Failure::new(Failure::SOME_MEDIA, reason));
                }
                ShownStatus::Empty | ShownStatus::Held(_) | ShownStatus::Proxy(_) => {}
            }
            self.wait(&tick);
        }
    }

    /// Whether another frame may be under way.
    fn has_room(&mut self) -> bool {
        let fits = self.in_flight_bytes + self.frame_bytes <= IN_FLIGHT_BYTES
            && self.in_flight < self.sink.threads() + READBACKS;
        (fits || self.in_flight < IN_FLIGHT_MIN) && self.painter.is_free(&self.headless.stage)
    }

    /// Takes answers, hands canvases that have come to their jobs, and gives up what went with a device.
    fn attend(&mut self) -> Result<(), Failure> {
        while let Some(done) = self.encoders.try_done() {
            self.take_done(done);
        }
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        if self.painter.is_stale(&self.headless.stage) {
            return self.lose();
        }
        while let Some(Arriving { position, readback, parts }) = self.under_way.pop_front() {
            match readback.try_take() {
                Err(readback) => {
                    self.under_way.push_front(Arriving { position, readback, parts });
                    break;
                }
                // A job that is gone has been answered.
                Ok(Ok(texels)) => drop(parts.send(texels)),
                Ok(Err(error)) => {
                    // A device that is gone says so when it is asked.
                    self.headless.stage.gpu().poll();
                    if !self.headless.stage.is_lost() {
                        return Err(Failure::new(Failure::FAILED, error.to_string()));
                    }
                    self.repeat(position);
                    return self.lose();
                }
            }
        }
        Ok(())
    }

    fn take_done(&mut self, Done { position, bytes, end }: Done) {
        (self.in_flight, self.in_flight_bytes) = (self.in_flight - 1, self.in_flight_bytes - bytes);
        match end {
            End::Written => {
                let slate = self.slates.remove(&position);
                self.tally.ended(position, slate.map_or(FrameEnd::Written, FrameEnd::Failed));
            }
            End::GivenUp => {}
            End::Failed(reason) => drop(self.faults.insert(position, reason)),
        }
    }

    /// The first frame in order that could not be written.
    fn fault(&self) -> Option<Failure> {
        let (position, reason) = self.faults.first_key_value()?;
        let number = self.tally.number(*position).unwrap_or_default();
        Some(Failure::new(Failure::FAILED, format!("frame {number}: {reason}")))
    }

    /// The device is gone: what did not come back is drawn again on the next one.
    fn lose(&mut self) -> Result<(), Failure> {
        self.losses += 1;
        if self.losses > LOSSES_MAX {
            let message = format!("the GPU device was lost {LOSSES_MAX} times during this export");
            return Err(Failure::new(Failure::NO_GPU, message));
        }
        self.painter = Painter::default();
        for Arriving { position, .. } in std::mem::take(&mut self.under_way) {
            self.repeat(position);
        }
        Ok(())
    }

    fn repeat(&mut self, position: usize) {
        if !self.again.contains(&position) {
            self.again.push_back(position);
        }
    }

    fn wait(&self, tick: &Tick) {
        let longest = if self.under_way.is_empty() { LONGEST_WAIT } else { POLL_WAIT };
        self.headless.wait_at_most(tick, longest);
    }
}

/// Nothing is decoded beyond the first and the last frame that are to be written.
fn narrow_area<'a>(headless: &mut Headless, numbers: impl Iterator<Item = &'a i64>) {
    let Some(clip) = headless.player.clip() else { return };
    let indices = numbers.map(|number| clip.index_of(*number));
    let ends = indices.fold(None, |ends, index| {
        let (first, last) = ends.unwrap_or((index, index));
        Some((index.min(first), index.max(last)))
    });
    if let Some((first, last)) = ends {
        headless.player.set_work_area(WorkArea::new(first, last));
    }
}

#[cfg(test)]
mod tests;
