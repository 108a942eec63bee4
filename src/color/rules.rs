//! Owns the answer to "which space are these samples in?". Pure: what a config says is an argument. Any thread.

use std::path::PathBuf;

use super::curves::{InputCurve, LogCurve};
use super::primaries::{self, Primaries};
use crate::frame::{self, ColorTags};

/// How far a chromaticity of a file may lie from a known one and still mean it.
const SAME_CHROMATICITY: f64 = 1e-4;

/// What is known about the media that a chain is for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MediaFacts {
    /// Half or float samples.
    pub is_float: bool,
    pub is_movie: bool,
    /// What a movie or scanned film says of its numbers.
    pub tags: Option<ColorTags>,
    /// Red x, y, green x, y, blue x, y, white x, y, where the file has them.
    pub chromaticities: Option<[f32; 8]>,
    /// The file says that it is an ACES container (SMPTE ST 2065-4).
    pub is_aces_container: bool,
    /// What file rules are asked about.
    pub path: Option<PathBuf>,
}

impl MediaFacts {
    /// Whether the file itself says something that no default covers.
    pub fn states_space(&self) -> bool {
        self.chromaticities.is_some() || self.is_aces_container || self.tags.and_then(tagged).is_some()
    }
}

/// What the user asked for; None means the default.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ColorRequest {
    /// A path or the `ocio://` name of a built-in config.
    pub config: Option<String>,
    pub input: Option<String>,
    /// One look, or several as OpenColorIO writes them: `a, +b, -c`.
    pub look: Option<String>,
    pub display: Option<String>,
    pub view: Option<String>,
    /// Applied to the samples of the file, before the input space is taken for what comes out.
    pub input_lut: Option<PathBuf>,
    /// Applied in the working space, before the look.
    pub look_lut: Option<PathBuf>,
    /// Applied to display values.
    pub display_lut: Option<PathBuf>,
    /// The file's own numbers, whatever else is asked for.
    pub raw: bool,
}

impl ColorRequest {
    /// Nothing that would change display-referred material.
    pub(super) fn leaves_display_referred(&self) -> bool {
        let luts = [&self.input_lut, &self.look_lut, &self.display_lut];
        let names = [&self.input, &self.look, &self.display, &self.view];
        luts.iter().all(|lut| lut.is_none()) && names.iter().all(|name| name.is_none())
    }
}

/// Spaces that every build knows, whatever the config calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KnownSpace {
    LinearRec709,
    LinearRec2020,
    LinearP3D65,
    Aces2065,
    AcesCg,
    /// Rec. 709 primaries, the transfer function of sRGB.
    SrgbTexture,
    Rec2100Pq,
    Rec2100Hlg,
    /// Scanned film, with the primaries of Rec. 709.
    Cineon,
}

impl KnownSpace {
    pub(super) const ALL: [Self; 9] = [
        Self::LinearRec709,
        Self::LinearRec2020,
        Self::LinearP3D65,
        Self::Aces2065,
        Self::AcesCg,
        Self::SrgbTexture,
        Self::Rec2100Pq,
        Self::Rec2100Hlg,
        Self::Cineon,
    ];

    /// The name that is shown, then those that configs use for it.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::LinearRec709 => &[
                "Linear Rec.709",
                "Linear Rec.709 (sRGB)",
                "lin_rec709",
                "lin_rec709_srgb",
                "lin_rec709_scene",
                "lin_srgb",
                "Utility - Linear - Rec.709",
                "Utility - Linear - sRGB",
            ],
            Self::LinearRec2020 => {
                &["Linear Rec.2020", "lin_rec2020", "lin_rec2020_scene", "Utility - Linear - Rec.2020"]
            }
            Self::LinearP3D65 => &[
                "Linear P3-D65",
                "lin_p3d65",
                "lin_p3d65_scene",
                "lin_displayp3",
                "Utility - Linear - P3-D65",
            ],
            Self::Aces2065 => &["ACES2065-1", "aces2065_1", "lin_ap0", "lin_ap0_scene", "ACES - ACES2065-1"],
            Self::AcesCg => &["ACEScg", "lin_ap1", "lin_ap1_scene", "ACES - ACEScg"],
            Self::SrgbTexture => &[
                "sRGB - Texture",
                "sRGB Encoded Rec.709 (sRGB)",
                "srgb_texture",
                "srgb_tx",
                "srgb_rec709_scene",
                "Utility - sRGB - Texture",
                "sRGB",
            ],
            Self::Rec2100Pq => &["Rec.2100-PQ"],
            Self::Rec2100Hlg => &["Rec.2100-HLG"],
            Self::Cineon => &["Cineon", "Cineon log"],
        }
    }

    pub(super) const fn name(self) -> &'static str {
        self.names()[0]
    }

    pub(super) const fn primaries(self) -> Primaries {
        match self {
            Self::LinearRec709 | Self::SrgbTexture | Self::Cineon => primaries::REC709,
            Self::LinearRec2020 | Self::Rec2100Pq | Self::Rec2100Hlg => primaries::REC2020,
            Self::LinearP3D65 => primaries::P3_D65,
            Self::Aces2065 => primaries::AP0,
            Self::AcesCg => primaries::AP1,
        }
    }

    pub(super) const fn curve(self) -> InputCurve {
        match self {
            Self::LinearRec709 | Self::LinearRec2020 | Self::LinearP3D65 | Self::Aces2065 | Self::AcesCg => {
                InputCurve::Linear
            }
            Self::SrgbTexture => InputCurve::Srgb,
            Self::Rec2100Pq => InputCurve::Pq,
            Self::Rec2100Hlg => InputCurve::Hlg,
            Self::Cineon => InputCurve::Log(LogCurve::CINEON),
        }
    }
}

/// The space that samples are taken to be in.
#[derive(Debug, Clone, PartialEq)]
pub enum InputSpace {
    /// A name for the config to know.
    Named(String),
    Known(KnownSpace),
    /// One without a name: its primaries, in the order of [`MediaFacts::chromaticities`], and its curve.
    Encoded {
        primaries: Primaries,
        curve: InputCurve,
    },
    /// No colours: the numbers pass.
    Data,
}

impl InputSpace {
    /// The space of these primaries and this curve, by its name where it has one.
    pub(super) fn of(primaries: Primaries, curve: InputCurve) -> Self {
        let is_it = |known: &KnownSpace| known.primaries() == primaries && known.curve() == curve;
        let known = KnownSpace::ALL.into_iter().find(is_it);
        known.map_or(Self::Encoded { primaries, curve }, Self::Known)
    }
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    RawAsked,
    Asked,
    FileRule,
    AcesContainer,
    Chromaticities,
    FloatFile,
    IntegerStill,
    Movie,
    Tags,
}

impl Reason {
    /// Words for the description of a chain.
    pub const fn text(self) -> &'static str {
        match self {
            Self::RawAsked => "asked for",
            Self::Asked => "--input",
            Self::FileRule => "file rule of the config",
            Self::AcesContainer => "ACES container",
            Self::Chromaticities => "chromaticities of the file",
            Self::FloatFile => "float file",
            Self::IntegerStill => "8 or 16 bit still",
            Self::Movie => "movie",
            Self::Tags => "tags of the file",
        }
    }

    /// By this reason alone, the samples are meant for a display.
    pub(super) const fn is_display_referred(self) -> bool {
        matches!(self, Self::IntegerStill | Self::Movie)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct InputChoice {
    pub space: InputSpace,
    pub reason: Reason,
}

/// What the file rules of a config that the user named say about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuledSpace {
    pub name: String,
    /// No rule but the one for everything matched.
    pub is_default_rule: bool,
    /// The space holds no colours.
    pub is_data: bool,
}

/// The input space, by the first that answers: the request, the file rules, the attributes of a float file, the type
/// of the samples. The rule for everything answers only for float files, and never with data: it was not made for the
/// file at hand.
pub fn choose_input(request: &ColorRequest, facts: &MediaFacts, rule: Option<&RuledSpace>) -> InputChoice {
    let choice = |space, reason| InputChoice { space, reason };
    if request.raw {
        return choice(InputSpace::Data, Reason::RawAsked);
    }
    if let Some(name) = &request.input {
        return choice(InputSpace::Named(name.clone()), Reason::Asked);
    }
    if let Some(rule) = rule.filter(|rule| !rule.is_default_rule || (facts.is_float && !rule.is_data)) {
        return choice(InputSpace::Named(rule.name.clone()), Reason::FileRule);
    }
    if let Some(space) = facts.tags.and_then(tagged) {
        return choice(space, Reason::Tags);
    }
    if !facts.is_float {
        let reason = if facts.is_movie { Reason::Movie } else { Reason::IntegerStill };
        return choice(InputSpace::Known(KnownSpace::SrgbTexture), reason);
    }
    if facts.is_aces_container {
        return choice(InputSpace::Known(KnownSpace::Aces2065), Reason::AcesContainer);
    }
    match facts.chromaticities.and_then(space_of) {
        Some(space) => choice(space, Reason::Chromaticities),
        None => choice(InputSpace::Known(KnownSpace::LinearRec709), Reason::FloatFile),
    }
}

/// The linear space of these primaries; None for primaries that span nothing.
fn space_of(chromaticities: [f32; 8]) -> Option<InputSpace> {
    let wide = chromaticities.map(f64::from);
    primaries::conversion(&wide, &primaries::AP1)?;
    let near = |known: &KnownSpace| {
        known.primaries().iter().zip(wide).all(|(known, ours)| (known - ours).abs() <= SAME_CHROMATICITY)
    };
    let linear = KnownSpace::ALL.into_iter().filter(|space| space.curve() == InputCurve::Linear);
    let own = InputSpace::Encoded { primaries: wide, curve: InputCurve::Linear };
    Some(linear.into_iter().find(near).map_or(own, InputSpace::Known))
}

/// The space of a picture that no display of every day shows as it is; None for one that it does. The curves of
/// such displays count as one another's, as they do everywhere: only the primaries of a wide one are converted.
fn tagged(ColorTags { transfer, primaries }: ColorTags) -> Option<InputSpace> {
    use frame::Transfer;
    let wide = wide_primaries(primaries);
    let (curve, usual) = match transfer {
        Transfer::Pq => (InputCurve::Pq, primaries::REC2020),
        Transfer::Hlg => (InputCurve::Hlg, primaries::REC2020),
        Transfer::Linear => (InputCurve::Linear, primaries::REC709),
        Transfer::Log100 => (InputCurve::Log(LogCurve::LOG_100), primaries::REC709),
        Transfer::Log316 => (InputCurve::Log(LogCurve::LOG_316), primaries::REC709),
        Transfer::Density => (InputCurve::Log(LogCurve::CINEON), primaries::REC709),
        // X'Y'Z' of cinemas is converted with the pixels.
        Transfer::Smpte428 => return None,
        Transfer::Unstated
        | Transfer::Bt709
        | Transfer::Gamma22
        | Transfer::Gamma28
        | Transfer::Smpte240m
        | Transfer::Xvycc
        | Transfer::Srgb => (InputCurve::Srgb, wide?),
    };
    let primaries = match primaries {
        frame::Primaries::Bt709 => primaries::REC709,
        _ => wide.unwrap_or(usual),
    };
    Some(InputSpace::of(primaries, curve))
}

/// Primaries that reach beyond those of Rec. 709 by more than anybody overlooks.
fn wide_primaries(primaries: frame::Primaries) -> Option<Primaries> {
    use frame::Primaries;
    match primaries {
        Primaries::Bt2020 => Some(primaries::REC2020),
        Primaries::P3D65 => Some(primaries::P3_D65),
        Primaries::P3Dci => Some(primaries::P3_DCI),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P3: [f32; 8] = [0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329];
    const ADOBE: [f32; 8] = [0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.329];

    fn float() -> MediaFacts {
        MediaFacts { is_float: true, ..Default::default() }
    }

    fn rule(is_default_rule: bool, is_data: bool) -> RuledSpace {
        RuledSpace { name: "ruled".into(), is_default_rule, is_data }
    }

    fn chosen(request: &ColorRequest, facts: &MediaFacts, rule: Option<RuledSpace>) -> (InputSpace, Reason) {
        let choice = choose_input(request, facts, rule.as_ref());
        (choice.space, choice.reason)
    }

    #[test]
    fn the_first_that_answers_wins() {
        use KnownSpace::{Aces2065, LinearP3D65, LinearRec709, SrgbTexture};
        let nothing = ColorRequest::default();
        let asked = ColorRequest { input: Some("mine".into()), ..Default::default() };
        let raw = ColorRequest { raw: true, ..asked.clone() };
        let named = |name: &str| InputSpace::Named(name.into());
        let p3 = MediaFacts { chromaticities: Some(P3), ..float() };
        let aces = MediaFacts { is_aces_container: true, ..p3.clone() };
        let still = MediaFacts::default();
        let movie = MediaFacts { is_movie: true, ..Default::default() };
        let own = Some(rule(false, false));
        let table = [
            (&raw, &aces, own.clone(), InputSpace::Data, Reason::RawAsked),
            (&asked, &aces, own.clone(), named("mine"), Reason::Asked),
            (&nothing, &aces, own.clone(), named("ruled"), Reason::FileRule),
            (&nothing, &still, own, named("ruled"), Reason::FileRule),
            (&nothing, &p3, Some(rule(true, false)), named("ruled"), Reason::FileRule),
            (&nothing, &still, Some(rule(true, false)), InputSpace::Known(SrgbTexture), Reason::IntegerStill),
            (&nothing, &p3, Some(rule(true, true)), InputSpace::Known(LinearP3D65), Reason::Chromaticities),
            (&nothing, &still, Some(rule(false, true)), named("ruled"), Reason::FileRule),
            (&nothing, &aces, None, InputSpace::Known(Aces2065), Reason::AcesContainer),
            (&nothing, &p3, None, InputSpace::Known(LinearP3D65), Reason::Chromaticities),
            (&nothing, &float(), None, InputSpace::Known(LinearRec709), Reason::FloatFile),
            (&nothing, &still, None, InputSpace::Known(SrgbTexture), Reason::IntegerStill),
            (&nothing, &movie, None, InputSpace::Known(SrgbTexture), Reason::Movie),
        ];
        for (request, facts, rule, space, reason) in table {
            assert_eq!(
                chosen(request, facts, rule.clone()),
                (space, reason),
                "{request:?} {facts:?} {rule:?}"
            );
        }
    }

    #[test]
    fn primaries_near_a_known_space_mean_it() {
        let known = |space: KnownSpace| Some(InputSpace::Known(space));
        for space in
            [KnownSpace::LinearRec709, KnownSpace::LinearRec2020, KnownSpace::Aces2065, KnownSpace::AcesCg]
        {
            assert_eq!(space_of(space.primaries().map(|value| value as f32)), known(space));
            assert_eq!(space_of(space.primaries().map(|value| value as f32 + 9e-5)), known(space));
        }
        let adobe = InputSpace::Encoded { primaries: ADOBE.map(f64::from), curve: InputCurve::Linear };
        assert_eq!(space_of(ADOBE), Some(adobe));
        assert_eq!(space_of([f32::NAN; 8]), None);
        assert_eq!(space_of([0.0; 8]), None);
    }

    #[test]
    fn movies_that_are_not_made_for_usual_displays_have_a_space_of_their_own() {
        use crate::frame::{Primaries, Transfer};
        let of = |transfer, primaries| {
            let tags = Some(ColorTags { transfer, primaries });
            let facts = MediaFacts { is_movie: true, tags, ..Default::default() };
            chosen(&ColorRequest::default(), &facts, None)
        };
        let known = |space| (InputSpace::Known(space), Reason::Tags);
        let own = |primaries, curve| (InputSpace::Encoded { primaries, curve }, Reason::Tags);
        assert_eq!(of(Transfer::Pq, Primaries::Bt2020), known(KnownSpace::Rec2100Pq));
        assert_eq!(of(Transfer::Pq, Primaries::Unstated), known(KnownSpace::Rec2100Pq));
        assert_eq!(of(Transfer::Pq, Primaries::P3D65), own(primaries::P3_D65, InputCurve::Pq));
        assert_eq!(of(Transfer::Hlg, Primaries::Bt709), own(primaries::REC709, InputCurve::Hlg));
        assert_eq!(of(Transfer::Density, Primaries::Unstated), known(KnownSpace::Cineon));
        assert_eq!(of(Transfer::Linear, Primaries::Unstated), known(KnownSpace::LinearRec709));
        assert_eq!(of(Transfer::Bt709, Primaries::P3D65), own(primaries::P3_D65, InputCurve::Srgb));
        assert_eq!(of(Transfer::Unstated, Primaries::Bt2020), own(primaries::REC2020, InputCurve::Srgb));
        for (transfer, primaries) in [
            (Transfer::Unstated, Primaries::Unstated),
            (Transfer::Bt709, Primaries::Bt709),
            (Transfer::Gamma28, Primaries::Bt470Bg),
            (Transfer::Smpte428, Primaries::Xyz),
        ] {
            let usual = (InputSpace::Known(KnownSpace::SrgbTexture), Reason::Movie);
            assert_eq!(of(transfer, primaries), usual, "{transfer:?} {primaries:?}");
        }
    }

    #[test]
    fn nonsense_in_the_attribute_is_as_if_it_were_not_there() {
        let facts = MediaFacts { chromaticities: Some([0.0; 8]), ..float() };
        let (space, reason) = chosen(&ColorRequest::default(), &facts, None);
        assert_eq!((space, reason), (InputSpace::Known(KnownSpace::LinearRec709), Reason::FloatFile));
    }

    #[test]
    fn a_config_alone_changes_no_display_referred_picture() {
        let config = ColorRequest { config: Some("a.ocio".into()), ..Default::default() };
        assert!(config.leaves_display_referred());
        assert!(!ColorRequest { view: Some("v".into()), ..Default::default() }.leaves_display_referred());
        assert!(
            !ColorRequest { look_lut: Some("l.cube".into()), ..Default::default() }.leaves_display_referred()
        );
    }
}
