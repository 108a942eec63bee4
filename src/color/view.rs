//! Owns the settings of the colour chain and its arithmetic on one pixel.

use super::light::{GRAPHICS_WHITE_NITS, Light, light_of, light_of_controls};

/// Which channels are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum ChannelView {
    #[default]
    Rgb = 0,
    Red = 1,
    Green = 2,
    Blue = 3,
    Alpha = 4,
    /// Of the working space, before the display.
    Luminance = 5,
    /// Alpha in red over all channels.
    Matte = 6,
}

impl ChannelView {
    /// The name that the command line takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Red => "r",
            Self::Green => "g",
            Self::Blue => "b",
            Self::Alpha => "a",
            Self::Luminance => "l",
            Self::Matte => "matte",
        }
    }
}

/// How scene values become display values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum Encoding {
    /// Values are passed on as they are: display-referred media, and raw mode.
    Identity = 0,
    /// Scene-linear to sRGB (IEC 61966-2-1), clamped to the display's range.
    #[default]
    Srgb = 1,
}

/// What alpha does to the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum AlphaMode {
    /// Nothing: the picture is opaque.
    #[default]
    Ignored = 0,
    /// Colours hold their share already (OpenEXR); what lies behind is added.
    Premultiplied = 1,
    /// Colours are whole (PNG); alpha is their share.
    Straight = 2,
}

impl AlphaMode {
    pub const ALL: [Self; 3] = [Self::Ignored, Self::Premultiplied, Self::Straight];

    /// The mode of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// The name that the command line takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignore",
            Self::Premultiplied => "premultiplied",
            Self::Straight => "straight",
        }
    }
}

/// What lies behind a picture that is not opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Backdrop {
    #[default]
    Black = 0,
    Grey = 1,
    Checker = 2,
}

impl Backdrop {
    pub const ALL: [Self; 3] = [Self::Black, Self::Grey, Self::Checker];

    /// The backdrop of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|backdrop| backdrop.name() == name)
    }

    /// The name that the command line takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::Grey => "grey",
            Self::Checker => "checker",
        }
    }
}

/// The colour chain after the planes were assembled: exposure, offset, saturation and gamma in the working space,
/// what lies behind, the display's encoding, the channel view.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorSettings {
    /// In stops; 0 leaves values as they are.
    pub exposure: f32,
    /// Added after exposure.
    pub offset: f32,
    /// 0 is grey, 1 leaves values as they are.
    pub saturation: f32,
    /// Above 0; 1 leaves values as they are.
    pub gamma: f32,
    pub channel: ChannelView,
    pub encoding: Encoding,
    pub alpha: AlphaMode,
    pub backdrop: Backdrop,
    /// Luminance in steps of a stop around the grey of 0.18, as colours.
    pub false_color: bool,
    /// NaN and infinity in colours of their own.
    pub marks: bool,
    /// Weights of red, green and blue in the luminance of the working space.
    pub luminance: [f32; 3],
    /// What the target takes: display values, or light, and where from.
    pub light: Light,
    /// Nits of the white of the controls, where the target takes light.
    pub white_nits: f32,
}

impl Default for ColorSettings {
    fn default() -> Self {
        Self {
            exposure: 0.0,
            offset: 0.0,
            saturation: 1.0,
            gamma: 1.0,
            channel: ChannelView::Rgb,
            encoding: Encoding::Srgb,
            alpha: AlphaMode::Ignored,
            backdrop: Backdrop::Black,
            false_color: false,
            marks: false,
            luminance: LUMINANCE_709,
            light: Light::Display,
            white_nits: GRAPHICS_WHITE_NITS,
        }
    }
}

/// Weights of Rec. 709 (ITU-R BT.709-6, item 3.2).
pub const LUMINANCE_709: [f32; 3] = [0.2126, 0.7152, 0.0722];

const MARK_NAN: [f32; 3] = [1.0, 0.0, 1.0];
const MARK_ABOVE: [f32; 3] = [1.0, 1.0, 0.0];
const MARK_BELOW: [f32; 3] = [0.0, 1.0, 1.0];

/// Side of a square of the checker, in target pixels.
const CHECKER_SIDE: u32 = 16;
const BACKDROP_GREY: f32 = 0.18;
const BACKDROP_DARK: f32 = 0.09;
const BACKDROP_LIGHT: f32 = 0.27;
const MATTE_SHARE: f32 = 0.5;

/// False colour: one a stop, from 7 stops below the grey of 0.18 to 7 above it.
pub const STOP_COLORS: [[f32; 3]; 15] = [
    [0.05, 0.05, 0.05],
    [0.20, 0.05, 0.30],
    [0.30, 0.10, 0.60],
    [0.15, 0.20, 0.85],
    [0.10, 0.45, 0.90],
    [0.10, 0.70, 0.80],
    [0.15, 0.65, 0.45],
    [0.45, 0.45, 0.45],
    [0.45, 0.75, 0.20],
    [0.75, 0.85, 0.15],
    [0.95, 0.85, 0.10],
    [1.00, 0.65, 0.10],
    [1.00, 0.40, 0.10],
    [0.95, 0.15, 0.10],
    [1.00, 1.00, 1.00],
];

/// The sRGB transfer function (IEC 61966-2-1), for values in 0 to 1.
pub fn srgb_encode(linear: f32) -> f32 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// What one assembled pixel is in the target, at a pixel of it: a display value, or light.
pub fn display_rgb(rgba: [f32; 4], settings: &ColorSettings, pixel: (u32, u32)) -> [f32; 3] {
    let [red, green, blue, alpha] = rgba;
    let scene = [red, green, blue];
    let plain = |value| light_of_controls(value, settings.light);
    if let Some(mark) = mark(scene).filter(|_| settings.marks) {
        return plain(mark);
    }
    if settings.channel == ChannelView::Alpha {
        return plain([alpha; 3]);
    }
    let graded = graded(scene, settings);
    if settings.false_color {
        return plain(false_color(luminance(graded, settings)));
    }
    let over = over(graded, alpha, settings, pixel);
    let shown = match settings.channel {
        ChannelView::Luminance => [luminance(over, settings); 3],
        _ => over,
    };
    let display = viewed(encoded(shown, settings.encoding), alpha, settings.channel);
    light_of(display, settings.light, settings.white_nits)
}

fn mark(rgb: [f32; 3]) -> Option<[f32; 3]> {
    let any = |found: fn(&f32) -> bool| rgb.iter().any(found);
    if any(|value| value.is_nan()) {
        return Some(MARK_NAN);
    }
    if any(|value| *value == f32::INFINITY) {
        return Some(MARK_ABOVE);
    }
    any(|value| *value == f32::NEG_INFINITY).then_some(MARK_BELOW)
}

fn luminance(rgb: [f32; 3], settings: &ColorSettings) -> f32 {
    rgb.iter().zip(settings.luminance).map(|(value, weight)| value * weight).sum()
}

fn graded(scene: [f32; 3], settings: &ColorSettings) -> [f32; 3] {
    let gain = settings.exposure.exp2();
    let exposed = scene.map(|value| value * gain + settings.offset);
    let grey = luminance(exposed, settings);
    let saturated = match settings.saturation {
        1.0 => exposed,
        share => exposed.map(|value| grey * (1.0 - share) + value * share),
    };
    saturated.map(|value| power(value, 1.0 / settings.gamma))
}

fn over(graded: [f32; 3], alpha: f32, settings: &ColorSettings, (x, y): (u32, u32)) -> [f32; 3] {
    let is_light = (x / CHECKER_SIDE + y / CHECKER_SIDE) % 2 == 1;
    let backdrop = match settings.backdrop {
        Backdrop::Black => 0.0,
        Backdrop::Grey => BACKDROP_GREY,
        Backdrop::Checker if is_light => BACKDROP_LIGHT,
        Backdrop::Checker => BACKDROP_DARK,
    };
    let behind = backdrop * (1.0 - alpha);
    match settings.alpha {
        AlphaMode::Ignored => graded,
        AlphaMode::Premultiplied => graded.map(|value| value + behind),
        AlphaMode::Straight => graded.map(|value| value * alpha + behind),
    }
}

/// The colour of the stop that a luminance lies in.
fn false_color(luminance: f32) -> [f32; 3] {
    if luminance > 0.0 {
        let stop = ((luminance / 0.18).log2() + 7.5).floor().clamp(0.0, 14.0);
        STOP_COLORS[stop as usize]
    } else {
        STOP_COLORS[0]
    }
}

fn encoded(value: [f32; 3], encoding: Encoding) -> [f32; 3] {
    match encoding {
        Encoding::Identity => value,
        Encoding::Srgb => value.map(|value| srgb_encode(unit_clamp(value))),
    }
}

fn viewed(shown: [f32; 3], alpha: f32, channel: ChannelView) -> [f32; 3] {
    let [red, green, blue] = shown;
    let share = MATTE_SHARE * alpha.clamp(0.0, 1.0);
    let tinted = |value: f32, tint: f32| value * (1.0 - share) + tint * share;
    match channel {
        ChannelView::Red => [red; 3],
        ChannelView::Green => [green; 3],
        ChannelView::Blue => [blue; 3],
        ChannelView::Matte => [tinted(red, 1.0), tinted(green, 0.0), tinted(blue, 0.0)],
        ChannelView::Rgb | ChannelView::Alpha | ChannelView::Luminance => shown,
    }
}

/// Into 0 to 1; NaN becomes 0, as in the shader.
fn unit_clamp(value: f32) -> f32 {
    if value > 0.0 { value.min(1.0) } else { 0.0 }
}

/// A power that keeps the sign of what lies below black.
fn power(value: f32, exponent: f32) -> f32 {
    if exponent == 1.0 { value } else { value.abs().powf(exponent).copysign(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_settings_encode_srgb() {
        let [r, g, b] = display_rgb([0.18, 1.0, 16.0, 1.0], &ColorSettings::default(), (0, 0));
        assert!((r - 0.461_356).abs() < 1e-5, "{r}");
        assert!((g - 1.0).abs() < 1e-6 && (b - 1.0).abs() < 1e-6);
    }

    #[test]
    fn exposure_gamma_and_channels_apply_in_order() {
        let settings = ColorSettings {
            exposure: 1.0,
            gamma: 2.0,
            channel: ChannelView::Green,
            encoding: Encoding::Identity,
            ..ColorSettings::default()
        };
        assert_eq!(display_rgb([0.0, 0.125, 0.0, 1.0], &settings, (0, 0)), [0.5; 3]);
        assert_eq!(display_rgb([0.0, -0.125, 0.0, 1.0], &settings, (0, 0)), [-0.5; 3]);
    }

    #[test]
    fn alpha_is_shown_as_stored_and_raw_is_untouched() {
        let alpha = ColorSettings { channel: ChannelView::Alpha, exposure: 3.0, ..Default::default() };
        assert_eq!(display_rgb([0.0, 0.0, 0.0, 0.25], &alpha, (0, 0)), [0.25; 3]);
        let raw = ColorSettings { encoding: Encoding::Identity, ..Default::default() };
        assert_eq!(display_rgb([-2.0, 9.0, 0.5, 1.0], &raw, (0, 0)), [-2.0, 9.0, 0.5]);
    }

    #[test]
    fn offset_and_saturation_come_between_exposure_and_gamma() {
        let plain = ColorSettings { encoding: Encoding::Identity, ..Default::default() };
        let settings = ColorSettings { exposure: 1.0, offset: 0.5, saturation: 0.0, ..plain };
        let [red, green, blue] = display_rgb([0.1, 0.2, 0.3, 1.0], &settings, (0, 0));
        let grey = 0.2126 * 0.7 + 0.7152 * 0.9 + 0.0722 * 1.1;
        assert!((red - grey).abs() < 1e-6 && red == green && green == blue);
    }

    #[test]
    fn alpha_lies_over_its_backdrop() {
        let plain = ColorSettings { encoding: Encoding::Identity, ..Default::default() };
        let over = |alpha, backdrop, pixel| {
            display_rgb([0.5, 0.25, 0.0, 0.5], &ColorSettings { alpha, backdrop, ..plain }, pixel)
        };
        assert_eq!(over(AlphaMode::Ignored, Backdrop::Grey, (0, 0)), [0.5, 0.25, 0.0]);
        let behind = 0.18 * 0.5;
        let added = [0.5 + behind, 0.25 + behind, behind];
        assert_eq!(over(AlphaMode::Premultiplied, Backdrop::Grey, (0, 0)), added);
        assert_eq!(over(AlphaMode::Straight, Backdrop::Black, (0, 0)), [0.25, 0.125, 0.0]);
        let [dark, light] = [(0, 0), (16, 0)].map(|at| over(AlphaMode::Premultiplied, Backdrop::Checker, at));
        assert!(light[2] > dark[2] && dark[2] > 0.0);
    }

    #[test]
    fn false_colour_steps_at_half_stops_and_marks_come_first() {
        let settings = ColorSettings { false_color: true, marks: true, ..Default::default() };
        let of = |value: f32| display_rgb([value, value, value, 1.0], &settings, (0, 0));
        assert_eq!(of(0.18), STOP_COLORS[7]);
        assert_eq!(of(0.18 * 1.5), STOP_COLORS[8]);
        assert_eq!((of(-1.0), of(1e9)), (STOP_COLORS[0], STOP_COLORS[14]));
        assert_eq!((of(f32::NAN), of(f32::INFINITY)), (MARK_NAN, MARK_ABOVE));
        assert_eq!(of(f32::NEG_INFINITY), MARK_BELOW);
    }

    #[test]
    fn the_matte_tints_what_it_covers() {
        let settings =
            ColorSettings { channel: ChannelView::Matte, encoding: Encoding::Identity, ..Default::default() };
        assert_eq!(display_rgb([0.2, 0.4, 0.6, 1.0], &settings, (0, 0)), [0.6, 0.2, 0.3]);
        assert_eq!(display_rgb([0.2, 0.4, 0.6, 0.0], &settings, (0, 0)), [0.2, 0.4, 0.6]);
    }
}
