//! Owns which display, view and look of a config a request means.

use super::config::OcioConfig;
use super::spaces::Input;
use crate::color::error::{ColorError, Named};
use crate::color::names;
use crate::color::rules::ColorRequest;

/// What viewers expect of linear files when nobody asked for anything: the picture without a tone curve.
const UNTONEMAPPED: &str = "Un-tone-mapped";

impl OcioConfig {
    /// Display and view for `request`.
    pub(super) fn display_view(
        &self,
        request: &ColorRequest,
        input: &Input,
    ) -> Result<(String, String), ColorError> {
        let view = request.view.as_deref();
        let display = match &request.display {
            Some(typed) => self.display_named(typed)?,
            None => self.default_display(view),
        };
        let views = self.views(&display);
        let view = match view {
            Some(typed) => {
                names::find(typed, &views).cloned().ok_or_else(|| self.unknown_view(typed, &display))?
            }
            None => self.default_view(&display, &views, input)?,
        };
        Ok((display, view))
    }

    /// The looks of `request`, by their names in the config: `a, +b, -c`.
    pub(super) fn look(&self, request: &ColorRequest) -> Result<Option<String>, ColorError> {
        let Some(typed) = &request.look else { return Ok(None) };
        let looks = self.looks();
        let mut found = Vec::new();
        for one in typed.split(',').map(str::trim) {
            let name = one.trim_start_matches(['+', '-']).trim();
            let look = names::find(name, &looks)
                .ok_or_else(|| names::unknown(Named::Look, name, &self.name(), &looks))?;
            let sign = if one.starts_with('-') { "-" } else { "" };
            found.push(format!("{sign}{look}"));
        }
        Ok(Some(found.join(", ")))
    }

    fn display_named(&self, typed: &str) -> Result<String, ColorError> {
        let displays = self.displays();
        let found = names::find(typed, &displays).cloned();
        found.ok_or_else(|| names::unknown(Named::Display, typed, &self.name(), &displays))
    }

    /// Of a config that somebody made, what it says; of the built-in ones, sRGB. With a view asked for, the first
    /// display that has it.
    fn default_display(&self, view: Option<&str>) -> String {
        let displays = self.displays();
        let is_srgb = |display: &&String| display.to_lowercase().starts_with("srgb");
        let srgb = displays.iter().find(is_srgb).filter(|_| !self.is_users_own());
        let default = srgb.cloned().unwrap_or_else(|| self.config.default_display());
        let has =
            |display: &String| view.is_none_or(|view| names::find(view, &self.views(display)).is_some());
        if has(&default) { default } else { displays.into_iter().find(has).unwrap_or(default) }
    }

    fn default_view(&self, display: &str, views: &[String], input: &Input) -> Result<String, ColorError> {
        if !self.is_users_own()
            && let Some(view) = views.iter().find(|view| *view == UNTONEMAPPED)
        {
            return Ok(view.clone());
        }
        let ruled = match input {
            Input::Space(name) => self.config.default_view_for_color_space(display, name).unwrap_or_default(),
            _ => String::new(),
        };
        let view = if ruled.is_empty() { self.config.default_view(display) } else { ruled };
        if view.is_empty() { Err(self.unknown_view("", display)) } else { Ok(view) }
    }

    fn unknown_view(&self, typed: &str, display: &str) -> ColorError {
        names::unknown(
            Named::View,
            typed,
            &format!("{}, display {display}", self.name()),
            &self.views(display),
        )
    }
}
