//! Owns the way from a request to a chain, with whatever this build has, and what is shown when that fails. Reads the
//! files of configs and LUTs; not for a thread that draws.

use super::analytic;
use super::error::{ColorError, Named};
#[cfg(feature = "ocio")]
use super::ocio::OcioConfig;
use super::program::ColorChain;
use super::rules::{ColorRequest, MediaFacts};

/// The displays, views, looks and spaces that there are, and the chains that can be made of them.
pub struct ColorConfig {
    #[cfg(feature = "ocio")]
    library: OcioConfig,
}

#[cfg(feature = "ocio")]
impl ColorConfig {
    /// The config of a path or an `ocio://` name; None is the default of OpenColorIO.
    pub fn open(name: Option<&str>) -> Result<Self, ColorError> {
        Ok(Self { library: OcioConfig::open(name)? })
    }

    /// Its name, fit to be shown.
    pub fn name(&self) -> String {
        self.library.name()
    }

    /// The displays by name, the default first.
    pub fn displays(&self) -> Vec<String> {
        self.library.displays()
    }

    /// The views of a display, the default first; none for a display that is not there.
    pub fn views(&self, display: &str) -> Vec<String> {
        self.library.views(display)
    }

    /// The looks by name.
    pub fn looks(&self) -> Vec<String> {
        self.library.looks()
    }

    /// The colour spaces by name.
    pub fn spaces(&self) -> Vec<String> {
        self.library.spaces()
    }

    /// The chain for `request`, whose `config` is not read again.
    pub fn chain(&self, request: &ColorRequest, facts: &MediaFacts) -> Result<ColorChain, ColorError> {
        self.library.chain(request, facts)
    }
}

#[cfg(not(feature = "ocio"))]
impl ColorConfig {
    /// The formulas; an error for any config.
    pub fn open(name: Option<&str>) -> Result<Self, ColorError> {
        match name {
            None => Ok(Self {}),
            Some(name) => {
                Err(ColorError::NotBuilt { what: format!("the config {}", crate::text::shown(name)) })
            }
        }
    }

    /// Its name, fit to be shown.
    pub fn name(&self) -> String {
        analytic::NAME.into()
    }

    /// The displays by name, the default first.
    pub fn displays(&self) -> Vec<String> {
        analytic::displays()
    }

    /// The views of a display, the default first.
    pub fn views(&self, _display: &str) -> Vec<String> {
        analytic::views()
    }

    /// No looks.
    pub fn looks(&self) -> Vec<String> {
        Vec::new()
    }

    /// The colour spaces by name.
    pub fn spaces(&self) -> Vec<String> {
        analytic::spaces()
    }

    /// The chain for `request`.
    pub fn chain(&self, request: &ColorRequest, facts: &MediaFacts) -> Result<ColorChain, ColorError> {
        analytic::chain(request, facts)
    }
}

/// The displays of a config with their views, for menus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColorMenu {
    pub config: String,
    pub displays: Vec<(String, Vec<String>)>,
}

impl ColorConfig {
    /// Its displays and views.
    pub fn menu(&self) -> ColorMenu {
        let with_views = |display: String| (display.clone(), self.views(&display));
        ColorMenu { config: self.name(), displays: self.displays().into_iter().map(with_views).collect() }
    }
}

/// The chain for `request`, and where that fails the best that remains, with a line for the user that says what was
/// wrong and what is shown instead. Always a chain: a picture with default colours beats no picture.
pub fn open_or_default(request: &ColorRequest, facts: &MediaFacts) -> (ColorChain, Option<String>) {
    let (mut request, mut notice) = (request.clone(), None);
    for _ in 0..ATTEMPTS {
        let opened = ColorConfig::open(request.config.as_deref());
        let error = match opened.and_then(|config| config.chain(&request, facts)) {
            Ok(chain) => return told(chain, notice),
            Err(error) => error,
        };
        request = without_mistake(request, &error);
        notice.get_or_insert(error);
    }
    let nothing = ColorRequest { raw: request.raw, ..ColorRequest::default() };
    told(analytic::chain(&nothing, facts).unwrap_or_else(|_| analytic::raw()), notice)
}

/// More than there are things that [`without_mistake`] can take away.
const ATTEMPTS: usize = 8;

/// The request without what the error is about, and without what follows from it.
fn without_mistake(request: ColorRequest, error: &ColorError) -> ColorRequest {
    let without_luts =
        |request| ColorRequest { input_lut: None, look_lut: None, display_lut: None, ..request };
    match error {
        ColorError::Unknown { what: Named::Space, .. } => ColorRequest { input: None, ..request },
        ColorError::Unknown { what: Named::Look, .. } => ColorRequest { look: None, ..request },
        ColorError::Unknown { what: Named::View, .. } => ColorRequest { view: None, ..request },
        ColorError::Unknown { what: Named::Display, .. } => {
            ColorRequest { display: None, view: None, ..request }
        }
        ColorError::Lut { .. } => without_luts(request),
        // Names of one config mean nothing in another.
        ColorError::Config { .. }
        | ColorError::Chain { .. }
        | ColorError::Failed { .. }
        | ColorError::NotBuilt { .. } => ColorRequest { raw: request.raw, ..ColorRequest::default() },
    }
}

fn told(chain: ColorChain, error: Option<ColorError>) -> (ColorChain, Option<String>) {
    let notice = error.map(|error| format!("{error}; showing {}", chain.description.text()));
    (chain, notice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_once_and_the_picture_is_shown() {
        let request = ColorRequest { view: Some("no such view".into()), ..Default::default() };
        let facts = MediaFacts { is_float: true, ..Default::default() };
        let (chain, notice) = open_or_default(&request, &facts);
        let notice = notice.unwrap();
        assert!(notice.starts_with("there is no view 'no such view' in "), "{notice}");
        assert!(notice.contains("; showing Linear Rec.709"), "{notice}");
        assert_eq!(chain.description.view.as_deref(), Some("Un-tone-mapped"));
    }

    #[test]
    fn what_was_right_stays() {
        let request = ColorRequest {
            input: Some("ACEScg".into()),
            display: Some("no such display".into()),
            look: Some("no such look".into()),
            ..Default::default()
        };
        let (chain, notice) = open_or_default(&request, &MediaFacts::default());
        assert!(notice.is_some());
        let kept = if cfg!(feature = "ocio") { "ACEScg" } else { "display-referred" };
        assert_eq!(chain.description.input, kept, "a build without looks starts again");
    }

    #[test]
    fn a_config_that_is_not_there_gives_the_default() {
        let request = ColorRequest { config: Some("no/such/config.ocio".into()), ..Default::default() };
        let facts = MediaFacts { is_float: true, ..Default::default() };
        let (chain, notice) = open_or_default(&request, &facts);
        assert!(notice.is_some_and(|notice| notice.contains("no/such/config.ocio")));
        assert_eq!(chain.description.view.as_deref(), Some("Un-tone-mapped"));
    }

    #[test]
    fn menus_have_a_default() {
        let config = ColorConfig::open(None).unwrap();
        let displays = config.displays();
        assert!(displays[0].starts_with("sRGB"), "{displays:?}");
        assert!(config.views(&displays[0]).iter().any(|view| view == "Un-tone-mapped"));
        assert!(config.spaces().iter().any(|space| space == "ACEScg"));
        assert!(!config.name().is_empty());
    }
}
