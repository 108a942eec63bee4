//! Owns what frames of an export are drawn into and the buffers through which they come back. Decides the size of
//! pictures, never which frame is drawn. The thread that submits.

use crate::cli::Failure;
use crate::cli::session::Headless;
use crate::frame::PlaneLayout;
use crate::gpu::passes::image::{ImagePlacement, Sampling};
use crate::gpu::{Readback, Readbacks};
use crate::player::{Filter, Framing};
use crate::stage::{Canvas, Stage, place, shown_key};
use crate::stats::ShownStatus;

use super::output::Output;
use super::recipe::{RAW_LANES, Recipe};

/// Canvases that are on their way or being read: one that is drawn, one that comes, one that becomes a picture.
pub const READBACKS: usize = 3;

/// How frames of an export are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Drawing {
    pub output: Output,
    /// The size that was asked for: pictures fit into it.
    pub size: Option<(u32, u32)>,
    /// The size that all have where none was asked for; without it each has that of its display window.
    pub window: Option<(u32, u32)>,
    pub filter: Filter,
}

/// Canvas and buffers on one device.
#[derive(Default)]
pub struct Painter {
    canvas: Option<Canvas>,
    readbacks: Option<Readbacks>,
}

impl Painter {
    /// Whether its device is gone.
    pub fn is_stale(&self, stage: &Stage) -> bool {
        stage.is_lost() || self.readbacks.as_ref().is_some_and(|readbacks| !readbacks.is_of(stage.gpu()))
    }

    /// Whether another canvas can be brought back now.
    pub fn is_free(&mut self, stage: &Stage) -> bool {
        self.readbacks.get_or_insert_with(|| stage.readbacks(READBACKS)).is_free()
    }

    /// A canvas of this size, the last one where it fits.
    ///
    /// # Errors
    /// [`Failure::SOME_MEDIA`] for a picture larger than the adapter draws.
    pub fn prepare(
        &mut self,
        stage: &Stage,
        (width, height): (u32, u32),
        is_raw: bool,
    ) -> Result<(), Failure> {
        let largest = stage.gpu().max_texture_side();
        if width.max(height) > largest {
            return Err(Failure::new(
                Failure::SOME_MEDIA,
                format!(
                    "{width} x {height} pixels are more than this adapter draws ({largest} a side); use --size"
                ),
            ));
        }
        let fits = |canvas: &Canvas| {
            canvas.is_of(stage.gpu()) && (canvas.width(), canvas.height()) == (width, height)
        };
        if !self.canvas.as_ref().is_some_and(fits) {
            let canvas = if is_raw { stage.raw_canvas(width, height) } else { stage.canvas(width, height) };
            self.canvas = Some(canvas);
        }
        Ok(())
    }

    /// Draws a part of the shown frame and begins to bring it back; `None` when the frame is not in VRAM.
    pub fn draw(
        &mut self,
        headless: &mut Headless,
        drawing: &Drawing,
        (recipe, part): (&Recipe, usize),
        shown: &ShownStatus,
    ) -> Option<Readback> {
        let canvas = self.canvas.as_ref()?;
        match recipe {
            Recipe::Displayed { size, .. } => draw_displayed(headless, drawing, canvas, *size, shown),
            Recipe::Raw { .. } => {
                headless.stage.draw_raw(canvas, shown_key(shown)?, part * RAW_LANES)?;
            }
        }
        let stage = &headless.stage;
        let readbacks = self.readbacks.get_or_insert_with(|| stage.readbacks(READBACKS));
        Some(stage.begin_read(readbacks, canvas))
    }
}

fn draw_displayed(
    headless: &mut Headless,
    drawing: &Drawing,
    canvas: &Canvas,
    size: (u32, u32),
    shown: &ShownStatus,
) {
    let color = headless.coloring(false);
    let sampling = headless.stage.sampling(drawing.filter, false);
    let placement = |layout: &PlaneLayout| {
        let display = layout.display_window();
        let is_alien = drawing.window.is_some_and(|window| window != (display.width, display.height));
        match drawing.size.is_some() || is_alien {
            true => place(layout, size, Framing::Fit, sampling),
            false => one_to_one(layout, size, sampling),
        }
    };
    headless.stage.draw(canvas, shown, placement, &color, None);
}

/// Display window pixel for pixel; a display window of another size than the canvas is scaled to it.
fn one_to_one(layout: &PlaneLayout, size: (u32, u32), sampling: Sampling) -> ImagePlacement {
    let display = layout.display_window();
    ImagePlacement {
        origin: (0.0, 0.0),
        scale: (display.width as f32 / size.0 as f32, display.height as f32 / size.1 as f32),
        sampling: if (display.width, display.height) == size { Sampling::Nearest } else { sampling },
        background: 0.0,
    }
}

/// What becomes of a shown frame, and the size of its canvas.
pub fn recipe(headless: &Headless, drawing: &Drawing, shown: &ShownStatus) -> (Recipe, (u32, u32)) {
    let output = drawing.output;
    let layout = shown_key(shown).and_then(|key| headless.stage.layout(key));
    let probed = headless.player.clip().map(|clip| clip.display().0);
    let window = layout.as_ref().map(|layout| layout.display_window()).or(probed);
    let display = window.map_or((1, 1), |window| (window.width, window.height));
    match (layout, output) {
        (Some(layout), Output::RawExr { depth }) => (Recipe::Raw { layout, depth }, display),
        (layout, _) => {
            let origin =
                layout.map_or((0, 0), |layout| (layout.display_window().x, layout.display_window().y));
            let asked = drawing.size.or(drawing.window).filter(|_| !output.is_raw());
            let size = asked.unwrap_or(display);
            (Recipe::Displayed { output, size, origin }, size)
        }
    }
}
