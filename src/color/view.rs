//! Owns the settings of the colour chain and its arithmetic on one pixel.

/// Which channels are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum ChannelView {
    #[default]
    Rgb = 0,
    Red = 1,
    Green = 2,
    Blue = 3,
    Alpha = 4,
    Luminance = 5,
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
        }
    }
}

/// How scene values become display values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Encoding {
    /// Values are passed on as they are: display-referred media, and raw mode.
    Identity = 0,
    /// Scene-linear to sRGB (IEC 61966-2-1), clamped to the display's range.
    #[default]
    Srgb = 1,
}

/// The colour chain after the planes were assembled: exposure, gamma, channel view, encoding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorSettings {
    /// In stops; 0 leaves values as they are.
    pub exposure: f32,
    /// Above 0; 1 leaves values as they are.
    pub gamma: f32,
    pub channel: ChannelView,
    pub encoding: Encoding,
}

impl Default for ColorSettings {
    fn default() -> Self {
        Self { exposure: 0.0, gamma: 1.0, channel: ChannelView::Rgb, encoding: Encoding::Srgb }
    }
}

/// Weights of Rec. 709 (ITU-R BT.709-6, item 3.2).
const LUMINANCE: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// The sRGB transfer function (IEC 61966-2-1), for values in 0 to 1.
pub fn srgb_encode(linear: f32) -> f32 {
    if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
}

/// The display value of one assembled pixel.
pub fn display_rgb(rgba: [f32; 4], settings: &ColorSettings) -> [f32; 3] {
    let gain = settings.exposure.exp2();
    let graded = [rgba[0], rgba[1], rgba[2]].map(|value| power(value * gain, 1.0 / settings.gamma));
    let viewed = match settings.channel {
        ChannelView::Rgb => graded,
        ChannelView::Red => [graded[0]; 3],
        ChannelView::Green => [graded[1]; 3],
        ChannelView::Blue => [graded[2]; 3],
        ChannelView::Alpha => return [rgba[3]; 3],
        ChannelView::Luminance => {
            [graded.iter().zip(LUMINANCE).map(|(value, weight)| value * weight).sum(); 3]
        }
    };
    match settings.encoding {
        Encoding::Identity => viewed,
        Encoding::Srgb => viewed.map(|value| srgb_encode(unit_clamp(value))),
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
        let [r, g, b] = display_rgb([0.18, 1.0, 16.0, 1.0], &ColorSettings::default());
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
        };
        assert_eq!(display_rgb([0.0, 0.125, 0.0, 1.0], &settings), [0.5; 3]);
        assert_eq!(display_rgb([0.0, -0.125, 0.0, 1.0], &settings), [-0.5; 3]);
    }

    #[test]
    fn alpha_is_shown_as_stored_and_raw_is_untouched() {
        let alpha = ColorSettings { channel: ChannelView::Alpha, exposure: 3.0, ..Default::default() };
        assert_eq!(display_rgb([0.0, 0.0, 0.0, 0.25], &alpha), [0.25; 3]);
        let raw = ColorSettings { encoding: Encoding::Identity, ..Default::default() };
        assert_eq!(display_rgb([-2.0, 9.0, 0.5, 1.0], &raw), [-2.0, 9.0, 0.5]);
    }
}
