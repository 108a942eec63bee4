//! Owns how the numbers of a file stand for light, and how displays want it. Twin of `shaders/color/curves.wgsl`. Pure.

use super::light::{GRAPHICS_WHITE_NITS, pq_decode, srgb_decode};
use super::view::srgb_encode;

/// The display that HLG is looked at on (ITU-R BT.2100-2, table 5, note 5f): its peak and its gamma.
pub(super) const HLG_PEAK_NITS: f32 = 1000.0;
pub(super) const HLG_GAMMA: f32 = 1.2;
/// What luminance is at least where HLG looks at it, so that black has a gamma.
const HLG_LEAST_LUMINANCE: f32 = 1e-6;
/// ITU-R BT.2100-2, table 5.
const HLG_A: f32 = 0.178_832_77;
const HLG_B: f32 = 0.284_668_92;
const HLG_C: f32 = 0.559_910_7;
/// Weights of red, green and blue in luminance (ITU-R BT.2100-2, table 5).
const REC2100_LUMINANCE: [f32; 3] = [0.2627, 0.6780, 0.0593];

/// The light of code 95 where that of code 685 is 1: `10^((95 - 685) * 0.002 / 0.6)`.
const CINEON_BLACK: f32 = 0.010_797_75;

/// A logarithm: a number is `slope * log10(lin_slope * linear + lin_offset) + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogCurve {
    pub slope: f32,
    pub offset: f32,
    pub lin_slope: f32,
    pub lin_offset: f32,
}

impl LogCurve {
    /// 100:1 (ITU-T H.273, table 3, value 9).
    pub const LOG_100: Self = Self { slope: 0.5, offset: 1.0, lin_slope: 1.0, lin_offset: 0.0 };
    /// 100 * sqrt(10):1 (ITU-T H.273, table 3, value 10).
    pub const LOG_316: Self = Self { slope: 0.4, offset: 1.0, lin_slope: 1.0, lin_offset: 0.0 };
    /// Scanned negatives: 0.002 of density a code of 10 bits, a film gamma of 0.6, white at code 685, black at 95
    /// (Kodak, «Conversion of 10-bit Log Film Data To 8-bit Linear or Video Data», 1995).
    pub const CINEON: Self = Self {
        slope: 0.6 / (0.002 * 1023.0),
        offset: 685.0 / 1023.0,
        lin_slope: 1.0 - CINEON_BLACK,
        lin_offset: CINEON_BLACK,
    };

    fn decode(self, encoded: f32) -> f32 {
        (10_f32.powf((encoded - self.offset) / self.slope) - self.lin_offset) / self.lin_slope
    }
}

/// How the numbers of a file stand for linear light. What lies below black is mirrored where that has a meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum InputCurve {
    Linear,
    /// IEC 61966-2-1.
    Srgb,
    /// SMPTE ST 2084; white of 203 nits (ITU-R BT.2408-7, table 1) becomes 1.
    Pq,
    /// ITU-R BT.2100 hybrid log-gamma as a display of 1000 nits shows it; its white of 203 nits becomes 1.
    Hlg,
    Log(LogCurve),
}

impl InputCurve {
    /// Its name as it is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Srgb => "sRGB curve",
            Self::Pq => "PQ",
            Self::Hlg => "HLG",
            Self::Log(_) => "log",
        }
    }

    pub(super) fn decode(self, encoded: [f32; 3]) -> [f32; 3] {
        match self {
            Self::Linear => encoded,
            Self::Srgb => encoded.map(srgb_decode),
            Self::Pq => encoded.map(|value| pq_decode(value) / GRAPHICS_WHITE_NITS),
            Self::Hlg => hlg_shown(encoded.map(hlg_scene)),
            Self::Log(log) => encoded.map(|value| log.decode(value)),
        }
    }

    /// `value` put through the function of the shader.
    pub(super) fn wgsl(self, value: &str) -> String {
        match self {
            Self::Linear => value.into(),
            Self::Srgb => format!("color_srgb_decode({value})"),
            Self::Pq => format!("color_pq_decode({value})"),
            Self::Hlg => format!("color_hlg_decode({value})"),
            Self::Log(LogCurve { slope, offset, lin_slope, lin_offset }) => {
                format!(
                    "color_log_decode({value}, vec4f({slope:?}, {offset:?}, {lin_slope:?}, {lin_offset:?}))"
                )
            }
        }
    }
}

/// The light of the scene, 0 to 1, of an HLG number (ITU-R BT.2100-2, table 5, inverse of the OETF).
fn hlg_scene(encoded: f32) -> f32 {
    let size = encoded.abs();
    let scene = if size <= 0.5 { size * size / 3.0 } else { (((size - HLG_C) / HLG_A).exp() + HLG_B) / 12.0 };
    scene.copysign(encoded)
}

/// What the display makes of the light of the scene (ITU-R BT.2100-2, table 5, OOTF).
fn hlg_shown(scene: [f32; 3]) -> [f32; 3] {
    let luminance: f32 = scene.iter().zip(REC2100_LUMINANCE).map(|(value, weight)| value * weight).sum();
    let gain = luminance.max(HLG_LEAST_LUMINANCE).powf(HLG_GAMMA - 1.0);
    scene.map(|value| value * gain * (HLG_PEAK_NITS / GRAPHICS_WHITE_NITS))
}

/// What a display makes its light of, mirrored below black.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum DisplayCurve {
    Linear,
    /// IEC 61966-2-1.
    Srgb,
    /// ITU-R BT.1886, for a black of 0.
    Rec1886,
}

impl DisplayCurve {
    pub fn encode(self, linear: f32) -> f32 {
        let size = linear.abs();
        let encoded = match self {
            Self::Linear => size,
            Self::Srgb => srgb_encode(size),
            Self::Rec1886 => size.powf(1.0 / 2.4),
        };
        encoded.copysign(linear)
    }

    /// `value` put through the function of the shader.
    pub fn wgsl(self, value: &str) -> String {
        match self {
            Self::Linear => value.into(),
            Self::Srgb => format!("color_srgb_encode({value})"),
            Self::Rec1886 => format!("color_rec1886_encode({value})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(curve: InputCurve, value: f32) -> f32 {
        curve.decode([value; 3])[1]
    }

    #[test]
    fn white_of_203_nits_is_one() {
        // ITU-R BT.2408-7, table 1: 58 % of PQ and 75 % of HLG.
        assert!((decoded(InputCurve::Pq, 0.580_689) - 1.0).abs() < 1e-3);
        assert!((decoded(InputCurve::Hlg, 0.75) - 1.0).abs() < 3e-3, "{}", decoded(InputCurve::Hlg, 0.75));
        assert!((decoded(InputCurve::Pq, 1.0) - 10_000.0 / 203.0).abs() < 1e-2);
        assert!((decoded(InputCurve::Hlg, 1.0) - 1000.0 / 203.0).abs() < 1e-2);
    }

    #[test]
    fn levels_of_the_standards_have_their_nits() {
        // ITU-R BT.2408-7, table 1: grey of 18 % lies at 26 nits, which is 38 % of both.
        for curve in [InputCurve::Pq, InputCurve::Hlg] {
            let nits = decoded(curve, 0.38) * 203.0;
            assert!((25.0..28.0).contains(&nits), "{curve:?}: {nits}");
            assert_eq!(decoded(curve, 0.0), 0.0);
        }
        assert!((decoded(InputCurve::Pq, 0.508_078) * 203.0 - 100.0).abs() < 0.1);
    }

    #[test]
    fn colours_of_hlg_keep_their_hue() {
        let [r, g, b] = InputCurve::Hlg.decode([0.5, 0.25, 0.0]);
        assert!((r / g - 4.0).abs() < 1e-5 && b == 0.0);
        let luminance: f32 = 0.2627 / 12.0 + 0.6780 / 48.0;
        assert!((r - luminance.powf(0.2) / 12.0 * 1000.0 / 203.0).abs() < 1e-5);
    }

    #[test]
    fn logarithms_end_at_one() {
        for (log, least) in [(LogCurve::LOG_100, 0.01), (LogCurve::LOG_316, 0.003_162_277_7)] {
            assert!((decoded(InputCurve::Log(log), 1.0) - 1.0).abs() < 1e-6);
            assert!((decoded(InputCurve::Log(log), 0.0) - least).abs() < 1e-6);
        }
        let cineon = |code: f32| decoded(InputCurve::Log(LogCurve::CINEON), code / 1023.0);
        assert!((cineon(685.0) - 1.0).abs() < 1e-5 && cineon(95.0).abs() < 1e-6);
        assert!(
            (cineon(445.0) - 0.15).abs() < 0.01 && (cineon(1023.0) - 13.5).abs() < 0.1,
            "{}",
            cineon(1023.0)
        );
    }
}
