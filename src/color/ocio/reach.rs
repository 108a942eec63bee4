//! Owns the gate before a chain: what its transforms reach within the config. A few lines of references can stand for
//! more operations than memory holds, and a file reference can name a device.

use std::collections::HashMap;
use std::path::Path;

use ::ocio::{ColorSpaceDirection, Config, Transform, TransformDirection, ViewTransformDirection};

use super::gate;

/// Transforms that a chain may consist of before they are merged; those of studios have some dozens.
const MAX_TRANSFORMS: u64 = 10_000;
/// References below one another, as many as the library follows.
const MAX_DEPTH: usize = 64;

/// The cause why the library must not be asked for `transform`.
pub(super) fn check(config: &Config, transform: &Transform) -> Result<(), String> {
    let mut reach = Reach { config, known: HashMap::new(), depth: 0 };
    match reach.transform(transform)? {
        count if count > MAX_TRANSFORMS => {
            Err(format!("it would take more than {MAX_TRANSFORMS} transforms"))
        }
        _ => Ok(()),
    }
}

struct Reach<'a> {
    config: &'a Config,
    /// Transforms that a space, look or view stands for; 0 while they are being counted, because the library finds
    /// cycles itself.
    known: HashMap<String, u64>,
    depth: usize,
}

impl Reach<'_> {
    fn transform(&mut self, transform: &Transform) -> Result<u64, String> {
        match transform {
            Transform::Group(group) => self.sum(&group.transforms),
            Transform::File(file) => self.file(&file.src).map(|()| 1),
            Transform::ColorSpace(between) => {
                Ok(self.space(&between.src)?.saturating_add(self.space(&between.dst)?))
            }
            Transform::Look(look) => {
                let spaces = self.space(&look.src)?.saturating_add(self.space(&look.dst)?);
                Ok(self.looks(&look.looks)?.saturating_add(spaces))
            }
            Transform::DisplayView(shown) => {
                Ok(self.view(&shown.display, &shown.view)?.saturating_add(self.space(&shown.src)?))
            }
            _ => Ok(1),
        }
    }

    fn sum<'t>(&mut self, transforms: impl IntoIterator<Item = &'t Transform>) -> Result<u64, String> {
        let mut sum = 1u64;
        for transform in transforms {
            sum = sum.saturating_add(self.transform(transform)?);
        }
        Ok(sum)
    }

    /// A file that is not there is left to the library, which says where it looked.
    fn file(&self, src: &str) -> Result<(), String> {
        match self.config.current_context().resolve_file_location(src) {
            Ok(path) => gate::lut(Path::new(&path)).map_err(|why| format!("{path}: {why}")),
            Err(_) => Ok(()),
        }
    }

    /// The count under `key`, counted once.
    fn once(
        &mut self,
        key: String,
        count: impl FnOnce(&mut Self) -> Result<u64, String>,
    ) -> Result<u64, String> {
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if self.depth == MAX_DEPTH {
            return Err(format!("its spaces and looks refer to one another more than {MAX_DEPTH} deep"));
        }
        self.known.insert(key.clone(), 0);
        self.depth += 1;
        let count = count(self);
        self.depth -= 1;
        self.known.insert(key, *count.as_ref().unwrap_or(&0));
        count
    }

    fn space(&mut self, name: &str) -> Result<u64, String> {
        let config = self.config;
        let name = config.current_context().resolve_string_var(name);
        if let Some(space) = config.get_color_space(&name) {
            let both = [ColorSpaceDirection::ToReference, ColorSpaceDirection::FromReference]
                .map(|direction| space.transform(direction));
            return self
                .once(format!("space {}", space.name()), |reach| reach.sum(both.into_iter().flatten()));
        }
        let Some(named) = config.get_named_transform(&name) else { return Ok(1) };
        let both = [TransformDirection::Forward, TransformDirection::Inverse].map(|to| named.transform(to));
        self.once(format!("named {}", named.name()), |reach| reach.sum(both.into_iter().flatten()))
    }

    /// All of `a, +b | -c`.
    fn looks(&mut self, names: &str) -> Result<u64, String> {
        let config = self.config;
        let mut sum = 0u64;
        for name in names.split([',', ':', '|']) {
            let name = name.trim().trim_start_matches(['+', '-']).trim();
            let Some(look) = config.look(name) else { continue };
            let both = [look.transform(), look.inverse_transform()];
            let count = self.once(format!("look {}", look.name()), |reach| {
                let within = reach.space(look.process_space())?;
                Ok(reach.sum(both.into_iter().flatten())?.saturating_add(within))
            })?;
            sum = sum.saturating_add(count);
        }
        Ok(sum)
    }

    fn view(&mut self, display: &str, view: &str) -> Result<u64, String> {
        let config = self.config;
        self.once(format!("view {display}/{view}"), |reach| {
            let space = match config.display_view_color_space_name(display, view) {
                "<USE_DISPLAY_NAME>" => display,
                name => name,
            };
            let looks = reach.looks(config.display_view_looks(display, view))?;
            let count = reach.space(space)?.saturating_add(looks);
            let Some(transform) = config.view_transform(config.display_view_transform_name(display, view))
            else {
                return Ok(count);
            };
            let both = [ViewTransformDirection::ToReference, ViewTransformDirection::FromReference]
                .map(|direction| transform.transform(direction));
            Ok(reach.sum(both.into_iter().flatten())?.saturating_add(count))
        })
    }
}
