//! Owns an opened config and its lists.

use std::path::Path;

use ::ocio::Config;

use super::cause::{cause, config_cause};
use super::{build, fence, gate};
use crate::color::error::ColorError;
use crate::color::program::ColorChain;
use crate::color::rules::{ColorRequest, MediaFacts};
use crate::text::{shown, shown_capped};

const DEFAULT: &str = "ocio://default";
const BUILT_IN: &str = "ocio://";
const NAME_CHARS: usize = 80;

/// A config that was read; it never changes.
pub(in crate::color) struct OcioConfig {
    pub(super) config: Config,
    /// What was opened: a path, or the name of a built-in config.
    source: String,
}

impl OcioConfig {
    /// Reads the config of a path or an `ocio://` name; None is the default of the library.
    pub fn open(name: Option<&str>) -> Result<Self, ColorError> {
        let source = name.unwrap_or(DEFAULT);
        let wrong = |cause: String| ColorError::Config { name: shown(source), cause };
        if !source.starts_with(BUILT_IN) {
            gate::config(Path::new(source)).map_err(|why| wrong(cause(&why)))?;
        }
        fence::fenced(source, || {
            // LUT files may have changed since another config read them.
            ::ocio::clear_all_caches();
            let config =
                Config::create_from_file(source).map_err(|error| wrong(config_cause(error.message())))?;
            if config.num_displays() == 0 {
                return Err(wrong("it has no displays".into()));
            }
            Ok(Self { config, source: source.into() })
        })
    }

    /// Its own name, else that of its file; fit to be shown.
    pub fn name(&self) -> String {
        let own = self.config.name();
        let file = Path::new(&self.source).file_name().map(|name| name.to_string_lossy().into_owned());
        let name = if own.is_empty() { file.unwrap_or_else(|| self.source.clone()) } else { own.into() };
        shown_capped(name, NAME_CHARS)
    }

    /// Somebody made it for their pictures; its rules and defaults count.
    pub fn is_users_own(&self) -> bool {
        !self.source.starts_with(BUILT_IN)
    }

    /// The displays, the default first.
    pub fn displays(&self) -> Vec<String> {
        (0..self.config.num_displays()).map(|index| self.config.display(index)).collect()
    }

    /// The views of a display, the default first.
    pub fn views(&self, display: &str) -> Vec<String> {
        (0..self.config.num_views(display)).map(|index| self.config.view(display, index)).collect()
    }

    /// The looks.
    pub fn looks(&self) -> Vec<String> {
        (0..self.config.num_looks()).map(|index| self.config.look_name_by_index(index).into()).collect()
    }

    /// The active colour spaces.
    pub fn spaces(&self) -> Vec<String> {
        let name = |index| self.config.color_space_name_by_index(index).into();
        (0..self.config.num_color_spaces()).map(name).collect()
    }

    /// The chain for `request`.
    pub fn chain(&self, request: &ColorRequest, facts: &MediaFacts) -> Result<ColorChain, ColorError> {
        fence::fenced(&self.source, || build::chain(self, request, facts))
    }
}
