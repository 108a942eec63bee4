//! Owns how an input space is found in a config, also in one that has no name for it.

use ::ocio::{
    ColorSpaceTransform, ExponentWithLinearTransform, MatrixTransform, ReferenceSpaceType, Transform,
};

use super::config::OcioConfig;
use crate::color::error::{ColorError, Named};
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
    /// None of the config: linear values of these primaries, or encoded by the curve of sRGB.
    Foreign {
        primaries: Primaries,
        is_encoded: bool,
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
            InputSpace::Named(name) => self.space_named(name).map(|name| self.unless_data(name)),
            InputSpace::Known(known) => Ok(self.known(*known)),
            InputSpace::Primaries(chromaticities) => {
                Ok(Input::Foreign { primaries: chromaticities.map(f64::from), is_encoded: false })
            }
        }
    }

    /// A space of the config is meant for a display: its encoding or its reference says so.
    pub(super) fn is_display_encoded(&self, name: &str) -> bool {
        self.config.get_color_space(name).is_some_and(|space| {
            space.reference_space_type() == ReferenceSpaceType::Display
                || space.encoding().ends_with("-video")
        })
    }

    pub(super) fn is_data(&self, name: &str) -> bool {
        self.config.get_color_space(name).is_some_and(|space| space.is_data())
    }

    fn unless_data(&self, name: String) -> Input {
        if self.is_data(&name) { Input::Data } else { Input::Space(name) }
    }

    /// By name, alias or role as the config has them, then as people type them.
    fn space_named(&self, typed: &str) -> Result<String, ColorError> {
        if let Some(space) = self.config.get_color_space(typed) {
            return Ok(space.name().into());
        }
        let mut listed = self.spaces();
        if let Some(name) = names::find(typed, &listed) {
            return Ok(name.clone());
        }
        let aliases: Vec<String> =
            self.config.all_color_spaces().iter().flat_map(|space| space.aliases().to_vec()).collect();
        let alias = names::find(typed, &aliases).and_then(|alias| self.config.get_color_space(alias));
        let known = || KnownSpace::ALL.into_iter().find(|known| is_called(*known, typed));
        match (alias, known().map(|known| self.known(known))) {
            (Some(space), _) => Ok(space.name().into()),
            (None, Some(Input::Space(name))) => Ok(name),
            _ => {
                listed.extend(aliases);
                Err(names::unknown(Named::Space, typed, &self.name(), &listed))
            }
        }
    }

    fn known(&self, known: KnownSpace) -> Input {
        let found = known.names().iter().find_map(|name| self.config.get_color_space(name));
        match found.filter(|space| !space.is_data()) {
            Some(space) => Input::Space(space.name().into()),
            None => {
                Input::Foreign { primaries: known.primaries(), is_encoded: known == KnownSpace::SrgbTexture }
            }
        }
    }

    /// The transforms from `input` to the space `working`, and a note where that had to be guessed.
    pub(super) fn to_working(&self, input: &Input, working: &str) -> (Vec<Transform>, Option<String>) {
        let between = |from: &str| Transform::ColorSpace(ColorSpaceTransform::new(from, working));
        match input {
            Input::Data => (Vec::new(), None),
            Input::Space(name) => (vec![between(name)], None),
            Input::Foreign { primaries, is_encoded } => {
                let decode = is_encoded.then(srgb_decode);
                let matrix = primaries::conversion(primaries, &primaries::AP0);
                match matrix.filter(|_| self.config.has_role(INTERCHANGE)) {
                    Some(matrix) => {
                        let matrix = Transform::Matrix(MatrixTransform::from_m33(&flat(&matrix)));
                        (decode.into_iter().chain([matrix, between(INTERCHANGE)]).collect(), None)
                    }
                    None => {
                        let note =
                            format!("taken for {}: the config has no role {INTERCHANGE}", shown(working));
                        (decode.into_iter().collect(), Some(note))
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

/// IEC 61966-2-1, as the library writes it.
fn srgb_decode() -> Transform {
    let (gamma, offset) = ([2.4, 2.4, 2.4, 1.0], [0.055, 0.055, 0.055, 0.0]);
    Transform::ExponentWithLinear(ExponentWithLinearTransform { gamma, offset, ..Default::default() })
}

fn flat(matrix: &primaries::Matrix) -> [f64; 9] {
    let [[a, b, c], [d, e, f], [g, h, i]] = *matrix;
    [a, b, c, d, e, f, g, h, i]
}
