//! Owns how an input space is found in a config, also in one that has no name for it.

use ::ocio::{
    BuiltinTransform, ColorSpaceTransform, ExponentWithLinearTransform, FixedFunctionStyle,
    FixedFunctionTransform, LogAffineTransform, MatrixTransform, ReferenceSpaceType, Transform,
    TransformDirection,
};

use super::config::OcioConfig;
use crate::color::curves::{HLG_GAMMA, HLG_PEAK_NITS, InputCurve, LogCurve};
use crate::color::error::{ColorError, Named};
use crate::color::light::GRAPHICS_WHITE_NITS;
use crate::color::names;
use crate::color::primaries::{self, Primaries};
use crate::color::rules::{InputSpace, KnownSpace, MediaFacts, RuledSpace};
use crate::text::shown;

/// ACES2065-1, whatever the config calls it.
const INTERCHANGE: &str = "aces_interchange";

/// An input space in terms of a config.
pub(super) enum Input {
    Data,
    /// A space of the config.
    Space(String),
    /// None of the config.
    Foreign {
        primaries: Primaries,
        curve: InputCurve,
    },
}

impl OcioConfig {
    /// What the file rules say, where they were made by somebody for these files.
    pub(super) fn ruled(&self, facts: &MediaFacts) -> Option<RuledSpace> {
        let path = facts.path.as_deref().filter(|_| self.is_users_own())?.to_str()?;
        let name = self.config.color_space_from_filepath(path);
        let space = self.config.get_color_space(&name)?;
        let is_default_rule = self.config.filepath_only_matches_default_rule(path);
        Some(RuledSpace { name: space.name().into(), is_default_rule, is_data: space.is_data() })
    }

    /// The input space of the config that `space` means.
    pub(super) fn input(&self, space: &InputSpace) -> Result<Input, ColorError> {
        match space {
            InputSpace::Data => Ok(Input::Data),
            InputSpace::Named(name) => self.space_named(name),
            InputSpace::Known(known) => Ok(self.known(*known)),
            InputSpace::Encoded { primaries, curve } => {
                Ok(Input::Foreign { primaries: *primaries, curve: *curve })
            }
        }
    }

    /// A space of the config is meant for a display of every day: its encoding or its reference says so.
    pub(super) fn is_display_encoded(&self, name: &str) -> bool {
        self.config.get_color_space(name).is_some_and(|space| match space.encoding() {
            "hdr-video" => false,
            "sdr-video" => true,
            _ => space.reference_space_type() == ReferenceSpaceType::Display,
        })
    }

    pub(super) fn is_data(&self, name: &str) -> bool {
        self.config.get_color_space(name).is_some_and(|space| space.is_data())
    }

    fn unless_data(&self, name: String) -> Input {
        if self.is_data(&name) { Input::Data } else { Input::Space(name) }
    }

    /// By name, alias or role as the config has them, then as people type them, then as every build knows them.
    fn space_named(&self, typed: &str) -> Result<Input, ColorError> {
        if let Some(space) = self.config.get_color_space(typed) {
            return Ok(self.unless_data(space.name().into()));
        }
        if let Some(known) = KnownSpace::ALL.into_iter().find(|known| names::is_same(typed, known.name())) {
            return Ok(self.known(known));
        }
        let mut listed = self.spaces();
        if let Some(name) = names::find(typed, &listed) {
            return Ok(self.unless_data(name.clone()));
        }
        let aliases: Vec<String> =
            self.config.all_color_spaces().iter().flat_map(|space| space.aliases().to_vec()).collect();
        let alias = names::find(typed, &aliases).and_then(|alias| self.config.get_color_space(alias));
        let known = || KnownSpace::ALL.into_iter().find(|known| is_called(*known, typed));
        match (alias, known()) {
            (Some(space), _) => Ok(self.unless_data(space.name().into())),
            (None, Some(known)) => Ok(self.known(known)),
            (None, None) => {
                listed.extend(aliases);
                Err(names::unknown(Named::Space, typed, &self.name(), &listed))
            }
        }
    }

    fn known(&self, known: KnownSpace) -> Input {
        let found = known.names().iter().find_map(|name| self.config.get_color_space(name));
        match found.filter(|space| !space.is_data()) {
            Some(space) => Input::Space(space.name().into()),
            None => Input::Foreign { primaries: known.primaries(), curve: known.curve() },
        }
    }

    /// The transforms from `input` to the space `working`, and a note where that had to be guessed.
    pub(super) fn to_working(&self, input: &Input, working: &str) -> (Vec<Transform>, Option<String>) {
        let between = |from: &str| Transform::ColorSpace(ColorSpaceTransform::new(from, working));
        match input {
            Input::Data => (Vec::new(), None),
            Input::Space(name) => (vec![between(name)], None),
            Input::Foreign { primaries, curve } => {
                let decode = decoding(*curve);
                let matrix = primaries::conversion(primaries, &primaries::AP0);
                match matrix.filter(|_| self.config.has_role(INTERCHANGE)) {
                    Some(matrix) => {
                        let matrix = Transform::Matrix(MatrixTransform::from_m33(&flat(&matrix)));
                        (decode.into_iter().chain([matrix, between(INTERCHANGE)]).collect(), None)
                    }
                    None => {
                        let note =
                            format!("taken for {}: the config has no role {INTERCHANGE}", shown(working));
                        (decode, Some(note))
                    }
                }
            }
        }
    }
}

fn is_called(known: KnownSpace, typed: &str) -> bool {
    let names: Vec<String> = known.names().iter().map(|name| String::from(*name)).collect();
    names::find(typed, &names).is_some()
}

/// What makes linear values of the numbers of a file, as the library writes it.
fn decoding(curve: InputCurve) -> Vec<Transform> {
    match curve {
        InputCurve::Linear => Vec::new(),
        InputCurve::Srgb => vec![srgb_decode()],
        // 1 is 100 nits in the library.
        InputCurve::Pq => vec![
            Transform::Builtin(BuiltinTransform::new("CURVE - ST-2084_to_LINEAR")),
            scaled(100.0 / f64::from(GRAPHICS_WHITE_NITS)),
        ],
        // The most light of a scene is 3 in the library.
        InputCurve::Hlg => vec![
            Transform::Builtin(BuiltinTransform::new("CURVE - HLG-OETF-INVERSE")),
            scaled(1.0 / 3.0),
            surround(f64::from(HLG_GAMMA)),
            scaled(f64::from(HLG_PEAK_NITS / GRAPHICS_WHITE_NITS)),
        ],
        InputCurve::Log(log) => vec![log_decode(log)],
    }
}

/// IEC 61966-2-1.
fn srgb_decode() -> Transform {
    let (gamma, offset) = ([2.4, 2.4, 2.4, 1.0], [0.055, 0.055, 0.055, 0.0]);
    Transform::ExponentWithLinear(ExponentWithLinearTransform { gamma, offset, ..Default::default() })
}

/// A gamma of the luminance of Rec. 2100.
fn surround(gamma: f64) -> Transform {
    Transform::FixedFunction(FixedFunctionTransform::new(FixedFunctionStyle::Rec2100Surround, &[gamma]))
}

fn log_decode(log: LogCurve) -> Transform {
    let all = |value: f32| [f64::from(value); 3];
    Transform::LogAffine(LogAffineTransform {
        direction: TransformDirection::Inverse,
        base: 10.0,
        log_side_slope: all(log.slope),
        log_side_offset: all(log.offset),
        lin_side_slope: all(log.lin_slope),
        lin_side_offset: all(log.lin_offset),
        ..Default::default()
    })
}

fn scaled(scale: f64) -> Transform {
    Transform::Matrix(MatrixTransform::from_m33(&[scale, 0.0, 0.0, 0.0, scale, 0.0, 0.0, 0.0, scale]))
}

fn flat(matrix: &primaries::Matrix) -> [f64; 9] {
    let [[a, b, c], [d, e, f], [g, h, i]] = *matrix;
    [a, b, c, d, e, f, g, h, i]
}
