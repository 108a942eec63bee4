//! `export`: a movie through decoder, both cache tiers and the image pass. Draws as `render` does; the movie is whole or
//! not there.

mod settings;
mod sink;
mod sound;
mod timing;

use std::sync::Arc;

use super::args::ExportArgs;
use super::render::export::Export;
use super::render::painter::Drawing;
use super::session::Headless;
use super::{Failure, Interrupt, render, say};
use crate::encode::MovieWriter;
use crate::text::shown_path;
use settings::{Choice, slate_frames, slate_lines};
use sink::{MovieFile, Slate};
use sound::Track;
use timing::Timing;

pub fn export(args: &ExportArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let choice = Choice::of(args)?;
    let (headless, numbers) = render::open(&args.draw, choice.output(), interrupt)?;
    let movie = Arc::new(open(args, choice, &headless, &numbers)?);
    let window = headless.player.clip().map(|clip| clip.display().0);
    let drawing = Drawing {
        output: choice.output(),
        size: args.draw.size,
        window: window.map(|window| (window.width, window.height)),
        filter: args.draw.filter.into(),
    };
    let drawn = Export::new(headless, drawing, Arc::clone(&movie) as _, numbers)?.run();
    finish(&movie, drawn, interrupt)
}

/// Opens the movie and its sound, and says what is left out of its pictures.
fn open(
    args: &ExportArgs,
    choice: Choice,
    headless: &Headless,
    numbers: &[i64],
) -> Result<MovieFile, Failure> {
    let Some(clip) = headless.player.clip() else {
        return Err(Failure::new(Failure::NO_MEDIA, "there is no clip to export"));
    };
    let timing = Timing::of(clip, numbers.first().copied().unwrap_or(0));
    let mut settings = choice.settings(args, clip, &timing, numbers)?;
    let track = Track::open(&args.draw.clip, clip, &timing, numbers)?;
    settings.has_sound = track.is_some();
    let writer = MovieWriter::create(&args.output, &settings)
        .map_err(|error| Failure::new(Failure::FAILED, error.to_string()))?;
    let (size, codec) = (writer.size(), settings.codec.name());
    if size != settings.size {
        let (width, height) = settings.size;
        let path = shown_path(&args.output);
        say(&format!(
            "{path}: {codec} takes even sizes, so that {}x{} of {width}x{height} pixels are kept",
            size.0, size.1
        ));
    }
    let lines = || slate_lines(args, clip, numbers, &settings);
    let slate = args.slate.then(|| Slate { lines: lines(), frames: slate_frames(args, settings.rate) });
    let name = args.burn_in.then(|| clip.name.clone());
    Ok(MovieFile::new(writer, track, timing, slate, name))
}

/// A movie of which some frames are slates is a movie; anything worse leaves none.
fn finish(movie: &MovieFile, drawn: Result<(), Failure>, interrupt: &Interrupt) -> Result<(), Failure> {
    let writer = movie.take_writer();
    match &drawn {
        Ok(()) => {}
        Err(failure) if failure.code == Failure::SOME_MEDIA => {}
        Err(_) => return drawn,
    }
    let Some(writer) = writer else {
        return Err(Failure::new(Failure::FAILED, "the movie is gone; this is a fault of the program"));
    };
    match writer.finish(&|| interrupt.is_set()) {
        Ok(true) => drawn,
        Ok(false) => Err(Failure::interrupted()),
        Err(error) => Err(Failure::new(Failure::FAILED, error.to_string())),
    }
}
