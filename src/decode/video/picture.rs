//! Turns a decoded frame into planes: one plane a channel, samples as they are. Owns the layout while frames have the
//! same form. The thread that decodes.

use std::sync::{Arc, Mutex, PoisonError};

use super::fence::{Component, Converter, Frame, PixelFormat, RawColor, copy_component};
use super::info::aspect_of;
use crate::decode::DecodeError;
use crate::frame::{
    FrameMemory, Orientation, PlaneLayout, PlaneSpec, Role, SampleType, VideoEncoding, Window,
};

const COLOUR_PLANES: [(&str, Role); 3] = [("R", Role::Red), ("G", Role::Green), ("B", Role::Blue)];
const LUMA_PLANES: [(&str, Role); 3] =
    [("Y", Role::Luminance), ("Cb", Role::DifferenceBlue), ("Cr", Role::DifferenceRed)];
const GREY_PLANES: [(&str, Role); 1] = [("Y", Role::Grey)];
const ALPHA_PLANE: (&str, Role) = ("A", Role::Alpha);

/// Everything that decides a layout.
type Form = (i32, u32, u32, (i32, i32), RawColor);

/// The layout of frames of one form.
#[derive(Debug, Clone)]
struct Recipe {
    form: Form,
    format: Arc<PixelFormat>,
    layout: Arc<PlaneLayout>,
}

/// A frame whose planes are in the memory that was given.
#[derive(Debug, Clone)]
pub struct Picture {
    pub layout: Arc<PlaneLayout>,
    /// The decoder had to guess parts of it.
    pub is_damaged: bool,
}

/// What became of a frame.
#[derive(Debug, Clone)]
pub enum Written {
    Done(Picture),
    Refused { needed_bytes: usize },
}

/// Makes planes of frames. Shared by all who decode one movie.
pub struct Painter {
    orientation: Orientation,
    recipe: Mutex<Option<Recipe>>,
    converter: Mutex<Converter>,
}

impl Painter {
    /// For a movie whose pictures stand so.
    pub fn new(orientation: Orientation) -> Self {
        Self { orientation, recipe: Mutex::default(), converter: Mutex::default() }
    }

    /// Copies a frame into `memory`, which may be larger. Pixels that no copy can read are converted before.
    ///
    /// # Errors
    /// [`DecodeError`] when the frame is not as it says or its pixels cannot be converted.
    pub fn write(&self, frame: &Frame, memory: &mut FrameMemory) -> Result<Written, DecodeError> {
        let format =
            frame.format().ok_or_else(|| DecodeError::not_supported("pixels of an unknown format"))?;
        // Of the frame itself: a converted one says what it was converted to.
        let is_damaged = frame.is_damaged();
        if format.is_plain {
            return self.copy(frame, memory, is_damaged);
        }
        let converted = self.convert(frame, &format)?;
        self.copy(&converted, memory, is_damaged)
    }

    fn convert(&self, frame: &Frame, format: &PixelFormat) -> Result<Frame, DecodeError> {
        log_conversion(&format.name);
        let mut converter = self.converter.lock().unwrap_or_else(PoisonError::into_inner);
        let unsupported = || DecodeError::not_supported(format!("pixels of the format {}", format.name));
        converter.convert(frame).ok_or_else(unsupported)
    }

    fn copy(
        &self,
        frame: &Frame,
        memory: &mut FrameMemory,
        is_damaged: bool,
    ) -> Result<Written, DecodeError> {
        let recipe = self.recipe(frame)?;
        let needed_bytes = recipe.layout.total_bytes();
        if memory.len_bytes() < needed_bytes {
            return Ok(Written::Refused { needed_bytes });
        }
        copy_planes(frame, &recipe, memory.bytes_mut())?;
        Ok(Written::Done(Picture { layout: recipe.layout, is_damaged }))
    }

    fn recipe(&self, frame: &Frame) -> Result<Recipe, DecodeError> {
        let form =
            (frame.format_number(), frame.width(), frame.height(), frame.pixel_aspect(), frame.color());
        let mut kept = self.recipe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(recipe) = kept.as_ref().filter(|recipe| recipe.form == form) {
            return Ok(recipe.clone());
        }
        let format =
            frame.format().ok_or_else(|| DecodeError::not_supported("pixels of an unknown format"))?;
        let size = (frame.width(), frame.height());
        let layout = layout_of(&format, size, aspect_of(frame.pixel_aspect()), self.orientation)?;
        let layout = layout.with_video(VideoEncoding::of(&format, frame.color(), frame.height()));
        let recipe = Recipe { form, format: format.into(), layout: layout.into() };
        *kept = Some(recipe.clone());
        Ok(recipe)
    }
}

/// Once for each format, not for each frame.
fn log_conversion(name: &str) {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.iter().any(|other| other == name) {
        log::info!("pixels of the format {name} are converted to planes of their own");
        said.push(name.to_string());
    }
}

/// One plane for each channel of a format, chroma as small as it is stored. Size and aspect are those before turning.
pub fn layout_of(
    format: &PixelFormat,
    (width, height): (u32, u32),
    aspect: f32,
    orientation: Orientation,
) -> Result<PlaneLayout, DecodeError> {
    let names = plane_names(format);
    let planes = format.components.iter().zip(names).map(|(component, (name, role))| {
        let is_chroma = matches!(role, Role::DifferenceBlue | Role::DifferenceRed);
        let (across, down) = if is_chroma { format.chroma_shift } else { (0, 0) };
        PlaneSpec {
            name: name.to_string(),
            sample: sample_of(component),
            role,
            width: width.div_ceil(1 << across.min(4)),
            height: height.div_ceil(1 << down.min(4)),
        }
    });
    let shown = orientation.of_size((width, height));
    let window = Window::at_origin(shown.0, shown.1);
    PlaneLayout::new(planes.collect(), window, window, orientation.of_aspect(aspect))
        .map(|layout| layout.with_orientation(orientation))
        .map_err(|error| DecodeError::damaged(error.to_string()))
}

fn plane_names(format: &PixelFormat) -> Vec<(&'static str, Role)> {
    let colours = format.components.len() - usize::from(format.has_alpha);
    let mut names = match (format.is_rgb, colours) {
        (true, _) => COLOUR_PLANES.to_vec(),
        (false, 3..) => LUMA_PLANES.to_vec(),
        (false, _) => GREY_PLANES.to_vec(),
    };
    names.truncate(colours);
    names.extend(format.has_alpha.then_some(ALPHA_PLANE));
    names
}

fn sample_of(component: &Component) -> SampleType {
    match component.sample_bytes() {
        _ if component.is_float => SampleType::F32,
        1 => SampleType::U8,
        _ => SampleType::U16,
    }
}

fn copy_planes(frame: &Frame, recipe: &Recipe, memory: &mut [u8]) -> Result<(), DecodeError> {
    let layout = &recipe.layout;
    for ((component, spec), span) in recipe.format.components.iter().zip(layout.planes()).zip(layout.spans())
    {
        let target = &mut memory[span.range()];
        let is_copied = frame.plane(component.plane).is_some_and(|plane| {
            copy_component(plane, component, spec.width as usize, span.rows, target, span.row_bytes)
        });
        if !is_copied {
            return Err(DecodeError::damaged(format!("a frame lacks rows of its plane {}", spec.name)));
        }
    }
    Ok(())
}
