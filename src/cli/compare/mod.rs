//! `compare`: the per-frame difference of two media, on the decoded values of the shown layer with all its channels.
//! Works without a GPU. While two frames are compared, the next two are decoded.

mod difference;
mod feed;
mod picture;
mod report;
mod side;
mod upright;

use std::collections::BTreeSet;

use super::args::CompareArgs;
use super::progress::Progress;
use super::render::output::OutputPattern;
use super::{Failure, Interrupt, print_lines};
use crate::encode::{PictureFormat, write_picture};
use crate::epoch::EpochClock;
use crate::frame::FrameBuffer;
use crate::sequence::RangeSet;
use difference::{FrameDifference, difference};
use feed::Feed;
use report::Report;
use side::Side;

/// # Errors
/// [`Failure::FAILED`] without a message when a frame differs; [`Failure::USAGE`], [`Failure::NO_MEDIA`] and
/// [`Failure::INTERRUPTED`] as everywhere.
pub fn compare(args: &CompareArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    super::log_at(log::LevelFilter::Error);
    let diff = args.diff.as_deref().map(|path| Ok((PictureFormat::from_path(path).map_err(usage)?, path)));
    let diff = diff.transpose()?;
    let (mut a, mut b) = (Side::open(&args.a, &args.clip)?, Side::open(&args.b, &args.clip)?);
    side::align(&mut a, &mut b);
    let numbers = frame_numbers(args, &a, &b)?;
    let diff = diff.map(|(format, path)| Ok((format, OutputPattern::for_frames(path, numbers.len())?)));
    let walk = Walk { args, sides: [&a, &b], diff: diff.transpose()?, interrupt };
    let report = walk.all(&numbers)?;
    print_lines(std::iter::once(if args.json { report.json().to_string() } else { report.sum() }))?;
    // The lines have told why.
    if report.is_same() { Ok(()) } else { Err(Failure::new(Failure::FAILED, "")) }
}

fn usage(error: impl ToString) -> Failure {
    Failure::new(Failure::USAGE, error.to_string())
}

/// The numbers that at least one side has, of those that were asked for.
fn frame_numbers(args: &CompareArgs, a: &Side, b: &Side) -> Result<Vec<i64>, Failure> {
    let wanted = args.frames.as_deref().map(RangeSet::parse).transpose().map_err(usage)?;
    let is_wanted = |number: &i64| {
        wanted.as_ref().is_none_or(|wanted| wanted.contains(*number))
            && args.clip.in_point.is_none_or(|first| *number >= first)
            && args.clip.out_point.is_none_or(|last| *number <= last)
    };
    let either: BTreeSet<i64> = a.numbers().chain(b.numbers()).collect();
    let numbers: Vec<i64> = either.iter().copied().filter(is_wanted).collect();
    if numbers.is_empty() {
        let ends = either.first().zip(either.last());
        let has =
            ends.map_or("no frame".into(), |(first, last)| format!("frames between {first} and {last}"));
        return Err(usage(format!("none of the frames that were asked for is there; the media have {has}")));
    }
    Ok(numbers)
}

/// One walk over both media.
struct Walk<'a> {
    args: &'a CompareArgs,
    sides: [&'a Side; 2],
    diff: Option<(PictureFormat, OutputPattern)>,
    interrupt: &'a Interrupt,
}

impl Walk<'_> {
    fn all(&self, numbers: &[i64]) -> Result<Report, Failure> {
        let both: Vec<i64> =
            numbers.iter().copied().filter(|number| self.have(*number) == [true; 2]).collect();
        // Its end makes every decode stop soon.
        let clock = EpochClock::default();
        std::thread::scope(|scope| {
            let clock = clock;
            let start =
                |side: usize| Feed::start(scope, side, self.sides[side], &both, clock.ticket().watch());
            let feeds = [start(0)?, start(1)?];
            let progress = Progress::new(numbers.len());
            let mut report = Report::new(self.sides.map(|side| side.name.clone()), self.args.tolerance);
            for number in numbers {
                let frame = self.frame(*number, &feeds)?;
                if !self.args.json && !frame.is_same() {
                    progress.aside(|| print_lines(std::iter::once(frame.line(self.args.tolerance))))?;
                }
                report.add(frame);
                progress.advance();
            }
            Ok(report)
        })
    }

    fn have(&self, number: i64) -> [bool; 2] {
        self.sides.map(|side| side.place(number).is_some())
    }

    fn frame(&self, number: i64, feeds: &[Feed; 2]) -> Result<FrameDifference, Failure> {
        match self.have(number) {
            [true, true] => {}
            [true, false] => return Ok(FrameDifference::unlike(number, "only A has it")),
            _ => return Ok(FrameDifference::unlike(number, "only B has it")),
        }
        let [a, b] = [feeds[0].next(self.interrupt)?, feeds[1].next(self.interrupt)?];
        let (a, b) = match (a, b) {
            (Ok(a), Ok(b)) => (a, b),
            (a, b) => {
                let reasons =
                    [("A", a), ("B", b)].map(|(name, end)| Some(format!("{name} is {}", end.err()?)));
                let reason = reasons.into_iter().flatten().collect::<Vec<_>>().join("; ");
                return Ok(FrameDifference::unlike(number, reason));
            }
        };
        let frame = difference(number, &a, &b, self.args.tolerance);
        if !frame.is_same() {
            self.write_picture(&frame, &a, &b)?;
        }
        feeds[0].recycle(a.memory);
        feeds[1].recycle(b.memory);
        Ok(frame)
    }

    /// The difference as a picture, where one can be made and was asked for.
    fn write_picture(
        &self,
        frame: &FrameDifference,
        a: &FrameBuffer,
        b: &FrameBuffer,
    ) -> Result<(), Failure> {
        let Some((format, pattern)) = self.diff.as_ref().filter(|_| !frame.channels.is_empty()) else {
            return Ok(());
        };
        let picture = picture::picture(*format, a, b);
        write_picture(&pattern.path(frame.number), &picture)
            .map_err(|error| Failure::new(Failure::FAILED, format!("frame {}: {error}", frame.number)))
    }
}
