//! Owns how a request becomes the two processors of a chain, and those a program.

use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use ::ocio::{
    DisplayViewTransform, Error, FileTransform, GroupTransform, LookTransform, Processor, Transform,
    TransformDirection,
};

use super::cause::{cause, lut_cause};
use super::config::OcioConfig;
use super::cpu::OcioCpu;
use super::spaces::Input;
use super::{gate, reach, wgsl};
use crate::color::analytic::{space_name, unchanging};
use crate::color::error::ColorError;
use crate::color::program::{ChainDescription, ColorChain, ColorProgram, StageKind};
use crate::color::rules::{ColorRequest, InputChoice, InputSpace, MediaFacts, choose_input};
use crate::text::shown;

const SCENE_LINEAR: &str = "scene_linear";
/// Characters of shader text. Matrices and transfer functions have 2 000, a LUT 4 000, tone curves of ACES 13 000 and
/// more; what is that long takes longer than reading a baked LUT.
const COSTLY_TEXT: usize = 6_000;

/// The chain for `request`. Reads LUT files; call it behind the fence.
pub(super) fn chain(
    config: &OcioConfig,
    request: &ColorRequest,
    facts: &MediaFacts,
) -> Result<ColorChain, ColorError> {
    let choice = choose_input(request, facts, config.ruled(facts).as_ref());
    let input = config.input(&choice.space)?;
    let (display, view) = config.display_view(request, &input)?;
    let look = config.look(request)?;
    let is_display_referred = request.leaves_display_referred()
        && match &input {
            Input::Space(name) => choice.reason.is_display_referred() || config.is_display_encoded(name),
            _ => choice.reason.is_display_referred(),
        };
    let is_raw_view = config.is_data(config.config.display_view_color_space_name(&display, &view));
    if matches!(input, Input::Data) || is_raw_view || is_display_referred {
        return Ok(unchanging(&choice, is_raw_view.then_some(view.as_str()), is_display_referred));
    }
    let working = working_space(config, &input, &choice)?;
    let (converted, note) = config.to_working(&input, &working);
    let to_working = with_luts(config, request.input_lut.as_deref(), converted, None)?;
    let shown_by = look.iter().map(|look| Transform::Look(LookTransform::new(&working, &working, look)));
    let view_of = Transform::DisplayView(DisplayViewTransform::new(&working, &display, &view));
    let shown_by = shown_by.chain([view_of]).collect();
    let (look_lut, display_lut) = (request.look_lut.as_deref(), request.display_lut.as_deref());
    let to_display = with_luts(config, look_lut, shown_by, display_lut)?;
    let description = ChainDescription {
        input: input_name(&input, &choice),
        reason: choice.reason.text().into(),
        working: Some(shown(&working)),
        look: look.map(shown),
        display: Some(shown(&display)),
        view: Some(shown(&view)),
        luts: lut_names(request),
        config: config.name(),
        note,
    };
    let wrong = |error: Error| chain_error(&description, &error);
    let to_working = processor(config, to_working).map_err(wrong)?;
    let to_display = processor(config, to_display).map_err(wrong)?;
    assembled(&to_working, &to_display, description.clone()).map_err(wrong)
}

fn assembled(
    to_working: &Processor,
    to_display: &Processor,
    description: ChainDescription,
) -> Result<ColorChain, Error> {
    let working = wgsl::stage(to_working, StageKind::Working, None)?;
    let display = wgsl::stage(to_display, StageKind::Display, Some(&working))?;
    let program = ColorProgram::join(&working, &display, display.wgsl.len() > COSTLY_TEXT);
    let cpu = Arc::new(OcioCpu::new(to_working, to_display));
    Ok(ColorChain { program, cpu, description, working })
}

/// Where exposure and the like happen. A config without the role has only the input space to offer.
fn working_space(config: &OcioConfig, input: &Input, choice: &InputChoice) -> Result<String, ColorError> {
    let role = config.config.get_color_space(SCENE_LINEAR).map(|space| String::from(space.name()));
    let name = match input {
        Input::Space(name) => Some(name.clone()),
        _ => None,
    };
    role.or(name).ok_or_else(|| ColorError::Chain {
        config: config.name(),
        from: space_name(&choice.space),
        to: "a working space".into(),
        cause: format!("it has no role {SCENE_LINEAR}"),
    })
}

/// `transforms` between two LUT files.
fn with_luts(
    config: &OcioConfig,
    first: Option<&Path>,
    transforms: Vec<Transform>,
    last: Option<&Path>,
) -> Result<Vec<Transform>, ColorError> {
    let first = first.map(|path| lut(config, path)).transpose()?;
    let last = last.map(|path| lut(config, path)).transpose()?;
    Ok(first.into_iter().chain(transforms).chain(last).collect())
}

/// A LUT file, read once alone, so that an error is its own. The library keeps it for the chain.
fn lut(config: &OcioConfig, path: &Path) -> Result<Transform, ColorError> {
    let wrong = |cause: String| ColorError::Lut { path: shown(path.to_string_lossy().as_bytes()), cause };
    gate::lut(path).map_err(|why| wrong(cause(&why)))?;
    let whole = absolute(path).map_err(|error| wrong(cause(&error.to_string())))?;
    let name = whole.to_str().ok_or_else(|| wrong("its path is no Unicode".into()))?;
    let transform = Transform::File(FileTransform::new(name));
    match config.config.get_processor_for_transform(&transform, TransformDirection::Forward) {
        Ok(_) => Ok(transform),
        Err(error) => Err(wrong(lut_cause(error.message()))),
    }
}

fn processor(config: &OcioConfig, transforms: Vec<Transform>) -> Result<Processor, Error> {
    let group = Transform::Group(GroupTransform { transforms, ..GroupTransform::new() });
    reach::check(&config.config, &group).map_err(Error::msg)?;
    config.config.get_processor_for_transform(&group, TransformDirection::Forward)
}

fn input_name(input: &Input, choice: &InputChoice) -> String {
    match input {
        Input::Space(name) => shown(name),
        Input::Foreign { primaries, curve } => space_name(&InputSpace::of(*primaries, *curve)),
        Input::Data => space_name(&choice.space),
    }
}

fn lut_names(request: &ColorRequest) -> Vec<String> {
    let luts = [&request.input_lut, &request.look_lut, &request.display_lut];
    let name = |path: &PathBuf| path.file_name().map(|name| shown(name.as_encoded_bytes()));
    luts.into_iter().flatten().filter_map(name).collect()
}

fn chain_error(description: &ChainDescription, error: &Error) -> ColorError {
    ColorError::Chain {
        config: description.config.clone(),
        from: description.input.clone(),
        to: [&description.display, &description.view]
            .map(|name| name.clone().unwrap_or_default())
            .join(" / "),
        cause: cause(error.message()),
    }
}
