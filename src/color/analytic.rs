//! Owns the chains that need no colour library: matrices and transfer functions by formula, without textures. What a
//! build without OpenColorIO has, and what is left when a library fails. Pure; any thread.

use std::sync::Arc;

use super::curves::{DisplayCurve, InputCurve};
use super::error::{ColorError, Named};
use super::names;
use super::primaries::{self, Matrix, Primaries};
use super::program::{ChainDescription, ColorChain, ColorProgram, CpuProgram, Stage, StageKind, make_finite};
use super::rules::{ColorRequest, InputChoice, InputSpace, KnownSpace, MediaFacts, Reason, choose_input};
use crate::text::shown;

/// What these chains are called where a config would be named.
pub(super) const NAME: &str = "built-in formulas";
const UNTONEMAPPED: &str = "Un-tone-mapped";
const RAW: &str = "Raw";
/// Everything between the stages happens in ACEScg, as in the built-in configs of OpenColorIO.
const WORKING: KnownSpace = KnownSpace::AcesCg;

const DISPLAYS: [(&str, Primaries, DisplayCurve); 3] = [
    ("sRGB - Display", primaries::REC709, DisplayCurve::Srgb),
    ("Rec.1886 Rec.709 - Display", primaries::REC709, DisplayCurve::Rec1886),
    ("Display P3 - Display", primaries::P3_D65, DisplayCurve::Srgb),
];

/// Decoded by one curve, through a matrix, encoded by the other; None passes every bit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Conversion {
    decode: InputCurve,
    matrix: Matrix,
    encode: DisplayCurve,
}

impl Conversion {
    fn stage(conversion: Option<Self>, kind: StageKind) -> Stage {
        let Some(Self { decode, matrix, encode }) = conversion else {
            return Stage::identity(kind);
        };
        let encoded = encode.wgsl(&format!("({} * {})", wgsl_matrix(&matrix), decode.wgsl("pixel.rgb")));
        let prefix = kind.prefix();
        let wgsl = format!(
            "fn {prefix}_main(pixel: vec4f) -> vec4f {{\n    return vec4f({encoded}, pixel.a);\n}}\n"
        );
        Stage::around(kind, &wgsl, Vec::new(), Vec::new())
    }

    fn apply(conversion: Option<&Self>, pixels: &mut [[f32; 4]]) {
        let Some(Self { decode, matrix, encode }) = conversion else { return };
        let rows = matrix.map(|row| row.map(|value| value as f32));
        for pixel in pixels {
            make_finite(pixel);
            let [r, g, b, alpha] = *pixel;
            let linear = decode.decode([r, g, b]);
            let mixed = rows.map(|row| row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]);
            let [r, g, b] = mixed.map(|value| encode.encode(value));
            *pixel = [r, g, b, alpha];
            make_finite(pixel);
        }
    }
}

/// WGSL writes matrices by columns.
fn wgsl_matrix(rows: &Matrix) -> String {
    let columns = [0, 1, 2].map(|column| rows.map(|row| format!("{:?}", row[column] as f32)).join(", "));
    format!("mat3x3f({})", columns.join(", "))
}

struct AnalyticCpu {
    to_working: Option<Conversion>,
    to_display: Option<Conversion>,
}

impl CpuProgram for AnalyticCpu {
    fn to_working(&self, pixels: &mut [[f32; 4]]) {
        Conversion::apply(self.to_working.as_ref(), pixels);
    }

    fn to_display(&self, pixels: &mut [[f32; 4]]) {
        Conversion::apply(self.to_display.as_ref(), pixels);
    }
}

/// The displays by name.
pub(super) fn displays() -> Vec<String> {
    DISPLAYS.map(|(name, ..)| name.into()).to_vec()
}

/// The views, the same for every display.
pub(super) fn views() -> Vec<String> {
    [UNTONEMAPPED, RAW].map(String::from).to_vec()
}

/// The input spaces by name.
pub(super) fn spaces() -> Vec<String> {
    KnownSpace::ALL.into_iter().map(KnownSpace::name).chain([RAW]).map(String::from).collect()
}

/// The chain for `request`; an error where it needs a config, a look or a LUT, or names what is not there.
pub(super) fn chain(request: &ColorRequest, facts: &MediaFacts) -> Result<ColorChain, ColorError> {
    let choice = choose_input(request, facts, None);
    needs_no_library(request)?;
    let unchanged = choice.reason.is_display_referred() && request.leaves_display_referred();
    let input = input_space(&choice.space)?;
    let display = display(request.display.as_deref())?;
    let view = view(request.view.as_deref())?;
    let (space, curve) = match input {
        Some(input) if !unchanged && view != RAW => input,
        _ => return Ok(unchanging(&choice, (view == RAW).then_some(RAW), unchanged)),
    };
    let working = WORKING.primaries();
    let matrices = primaries::conversion(&space, &working).zip(primaries::conversion(&working, &display.1));
    // Chromaticities that span nothing never become an input space.
    let Some((to_working, to_display)) = matrices else { return Ok(unchanging(&choice, None, false)) };
    let description = ChainDescription {
        working: Some(WORKING.name().into()),
        display: Some(display.0.into()),
        view: Some(view.into()),
        ..described(&choice)
    };
    let to_working = Conversion { decode: curve, matrix: to_working, encode: DisplayCurve::Linear };
    let to_display = Conversion { decode: InputCurve::Linear, matrix: to_display, encode: display.2 };
    Ok(assembled(Some(to_working), Some(to_display), description))
}

/// The chain that passes every bit: for raw numbers, and for pictures that are made for a display.
pub(super) fn unchanging(choice: &InputChoice, view: Option<&str>, is_display_referred: bool) -> ColorChain {
    let mut description = ChainDescription { view: view.map(String::from), ..described(choice) };
    if is_display_referred {
        description.input = "display-referred".into();
    }
    description.config.clear();
    assembled(None, None, description)
}

/// What remains when nothing else does.
pub(super) fn raw() -> ColorChain {
    unchanging(&InputChoice { space: InputSpace::Data, reason: Reason::RawAsked }, None, false)
}

fn described(choice: &InputChoice) -> ChainDescription {
    ChainDescription {
        input: space_name(&choice.space),
        reason: choice.reason.text().into(),
        config: NAME.into(),
        ..Default::default()
    }
}

/// The name of a space as it may be shown.
pub(super) fn space_name(space: &InputSpace) -> String {
    match space {
        InputSpace::Named(name) => shown(name),
        InputSpace::Known(known) => known.name().into(),
        InputSpace::Encoded { primaries, curve } => match primaries::name_of(primaries) {
            Some(primaries) => format!("{primaries}, {}", curve.name()),
            None => curve.name().into(),
        },
        InputSpace::Data => "raw".into(),
    }
}

fn assembled(
    to_working: Option<Conversion>,
    to_display: Option<Conversion>,
    description: ChainDescription,
) -> ColorChain {
    let mut working = Conversion::stage(to_working, StageKind::Working);
    if to_working.or(to_display).is_some() {
        working.wgsl.insert_str(0, include_str!("../../shaders/color/curves.wgsl"));
    }
    let program = ColorProgram::join(&working, &Conversion::stage(to_display, StageKind::Display), false);
    ColorChain { program, cpu: Arc::new(AnalyticCpu { to_working, to_display }), description, working }
}

fn needs_no_library(request: &ColorRequest) -> Result<(), ColorError> {
    let luts = [&request.input_lut, &request.look_lut, &request.display_lut];
    let lut = luts
        .into_iter()
        .flatten()
        .next()
        .map(|path| format!("the LUT {}", shown(path.to_string_lossy().as_bytes())));
    let look = request.look.as_ref().map(|look| format!("the look {}", shown(look)));
    let config = request.config.as_ref().map(|config| format!("the config {}", shown(config)));
    match config.or(look).or(lut) {
        Some(what) => Err(ColorError::NotBuilt { what }),
        None => Ok(()),
    }
}

/// None for data.
fn input_space(space: &InputSpace) -> Result<Option<(Primaries, InputCurve)>, ColorError> {
    let of = |known: KnownSpace| Some((known.primaries(), known.curve()));
    match space {
        InputSpace::Known(known) => Ok(of(*known)),
        InputSpace::Encoded { primaries, curve } => Ok(Some((*primaries, *curve))),
        InputSpace::Data => Ok(None),
        InputSpace::Named(name) => named(name).map(|known| known.and_then(of)),
    }
}

/// The space of this name or alias; None for data.
fn named(name: &str) -> Result<Option<KnownSpace>, ColorError> {
    let listed = spaces();
    let alias = |known: &KnownSpace| {
        let aliases: Vec<String> = known.names().iter().map(|name| String::from(*name)).collect();
        names::find(name, &aliases).is_some()
    };
    match names::find(name, &listed) {
        Some(found) => Ok(KnownSpace::ALL.into_iter().find(|known| known.name() == found)),
        None => match KnownSpace::ALL.iter().find(|known| alias(known)) {
            Some(known) => Ok(Some(*known)),
            None => Err(names::unknown(Named::Space, name, NAME, &listed)),
        },
    }
}

fn display(asked: Option<&str>) -> Result<(&'static str, Primaries, DisplayCurve), ColorError> {
    let Some(asked) = asked else { return Ok(DISPLAYS[0]) };
    let listed = displays();
    let found = names::find(asked, &listed).and_then(|name| DISPLAYS.into_iter().find(|row| row.0 == name));
    found.ok_or_else(|| names::unknown(Named::Display, asked, NAME, &listed))
}

fn view(asked: Option<&str>) -> Result<&'static str, ColorError> {
    let Some(asked) = asked else { return Ok(UNTONEMAPPED) };
    let listed = views();
    match names::find(asked, &listed).map(String::as_str) {
        Some(RAW) => Ok(RAW),
        Some(_) => Ok(UNTONEMAPPED),
        None => Err(names::unknown(Named::View, asked, NAME, &listed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::tests as device;
    use crate::frame::{ColorTags, Primaries, Transfer};

    fn float() -> MediaFacts {
        MediaFacts { is_float: true, ..Default::default() }
    }

    fn shown_values(chain: &ColorChain, rgb: [f32; 3]) -> [f32; 3] {
        let mut pixel = [[rgb[0], rgb[1], rgb[2], 0.25]];
        chain.cpu.to_working(&mut pixel);
        chain.cpu.to_display(&mut pixel);
        assert_eq!(pixel[0][3], 0.25);
        [pixel[0][0], pixel[0][1], pixel[0][2]]
    }

    #[test]
    fn float_files_are_encoded_as_the_standard_says() {
        let chain = chain(&ColorRequest::default(), &float()).unwrap();
        for step in -40..200 {
            let value = f64::from(step) / 64.0;
            let size = value.abs();
            let curve = if size <= 0.003_130_8 { 12.92 * size } else { 1.055 * size.powf(1.0 / 2.4) - 0.055 };
            let expected = curve.copysign(value) as f32;
            for ours in shown_values(&chain, [value as f32; 3]) {
                assert!(
                    (ours - expected).abs() <= 4e-6 * expected.abs().max(1.0),
                    "{value}: {ours}, {expected}"
                );
            }
        }
        let text =
            "Linear Rec.709 (float file) → ACEScg → sRGB - Display / Un-tone-mapped (built-in formulas)";
        assert_eq!(chain.description.text(), text);
    }

    #[test]
    fn stills_pass_every_bit_until_something_is_asked_for() {
        let stills = MediaFacts::default();
        let values = [-1.0, 0.123_456_79, f32::INFINITY];
        let plain = chain(&ColorRequest::default(), &stills).unwrap();
        assert_eq!(shown_values(&plain, values), values);
        assert_eq!(plain.description.text(), "display-referred (8 or 16 bit still) → unchanged");
        let view = ColorRequest { display: Some("display p3".into()), ..Default::default() };
        let converted = shown_values(&chain(&view, &stills).unwrap(), [1.0, 0.0, 0.0]);
        // Red of sRGB on a P3 display, as CSS Color 4 gives it.
        for (ours, expected) in converted.iter().zip([0.917_5, 0.200_3, 0.138_6]) {
            assert!((ours - expected).abs() < 1e-3, "{converted:?}");
        }
    }

    #[test]
    fn movies_of_much_light_keep_white_where_it_was() {
        let tags = Some(ColorTags { transfer: Transfer::Pq, primaries: Primaries::Bt2020 });
        let movie = MediaFacts { is_movie: true, tags, ..Default::default() };
        let chain = chain(&ColorRequest::default(), &movie).unwrap();
        let text = "Rec.2100-PQ (tags of the file) → ACEScg → sRGB - Display / Un-tone-mapped \
                    (built-in formulas)";
        assert_eq!(chain.description.text(), text);
        assert!(shown_values(&chain, [0.580_689; 3]).iter().all(|value| (value - 1.0).abs() < 1e-3));
        assert!(shown_values(&chain, [0.9; 3]).iter().all(|value| *value > 2.0), "brighter than white stays");
    }

    #[test]
    fn wide_movies_keep_their_tones() {
        let tags = Some(ColorTags { transfer: Transfer::Bt709, primaries: Primaries::P3D65 });
        let movie = MediaFacts { is_movie: true, tags, ..Default::default() };
        let chain = chain(&ColorRequest::default(), &movie).unwrap();
        assert!(chain.description.text().starts_with("P3-D65, sRGB curve (tags of the file)"));
        assert!(shown_values(&chain, [0.3; 3]).iter().all(|value| (value - 0.3).abs() < 1e-4));
        // Red of P3 lies outside of sRGB, as CSS Color 4 gives it.
        let red = shown_values(&chain, [1.0, 0.0, 0.0]);
        for (ours, expected) in red.iter().zip([1.0930, -0.2267, -0.1501]) {
            assert!((ours - expected).abs() < 1e-3, "{red:?}");
        }
    }

    #[test]
    fn raw_passes_every_bit() {
        let by_view = ColorRequest { view: Some("raw".into()), ..Default::default() };
        let by_flag = ColorRequest { raw: true, ..Default::default() };
        let by_space = ColorRequest { input: Some("Raw".into()), ..Default::default() };
        for request in [by_view, by_flag, by_space] {
            let values = [f32::NEG_INFINITY, 1e30, 0.1];
            assert_eq!(shown_values(&chain(&request, &float()).unwrap(), values), values);
        }
    }

    #[test]
    fn inputs_go_by_their_names_and_aliases() {
        for name in ["ACEScg", "acescg", "lin_ap1", "srgb_texture", "Linear Rec.2020", "raw", "aces2065"] {
            let request = ColorRequest { input: Some(name.into()), ..Default::default() };
            assert!(chain(&request, &float()).is_ok(), "{name}");
        }
        let request = ColorRequest { input: Some("ACEScct".into()), ..Default::default() };
        let text = chain(&request, &float()).unwrap_err().to_string();
        assert!(text.contains("'ACEScg'"), "{text}");
    }

    #[test]
    fn what_needs_the_library_says_so() {
        let look = ColorRequest { look: Some("warm\n".into()), ..Default::default() };
        let text = chain(&look, &float()).unwrap_err().to_string();
        assert!(text.starts_with("the look warm\\n needs OpenColorIO"), "{text}");
    }

    #[test]
    fn shaders_do_what_their_twins_do() {
        let spaces_of_light = KnownSpace::ALL.into_iter().filter(|space| space.curve() == InputCurve::Linear);
        let linear: Vec<&str> = spaces_of_light.map(KnownSpace::name).collect();
        for display in displays() {
            for input in spaces() {
                let request =
                    ColorRequest { input: Some(input), display: Some(display.clone()), ..Default::default() };
                let chain = chain(&request, &float()).unwrap();
                if chain.description.working.is_some() {
                    let mut pixels = device::test_pixels();
                    // Decoding makes the largest values so large that their small neighbours lose digits.
                    if linear.iter().all(|space| *space != chain.description.input) {
                        pixels.retain(|pixel| pixel.iter().all(|value| value.abs() <= 1.0));
                    }
                    device::assert_drawn_like_its_twin(&chain, &pixels, 1e-4);
                }
            }
        }
    }

    #[test]
    fn infinities_stay_ordered() {
        let chain = chain(&ColorRequest::default(), &float()).unwrap();
        let [r, g, b] = shown_values(&chain, [f32::INFINITY, f32::NEG_INFINITY, f32::NAN]);
        assert!(r > 1e3 && g < -1e3 && b.is_finite(), "{r} {g} {b}");
    }
}
