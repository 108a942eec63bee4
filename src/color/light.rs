//! Owns what display values are as light, and how light is written for a surface that shows more than white. Light is
//! linear, in the primaries of Rec. 709, and 1 is the white of the controls. Twin of `shaders/common/color.wgsl` and
//! `shaders/output.wgsl`. Pure; any thread.

/// White of graphics beside HDR pictures (ITU-R BT.2408-7, table 1), for displays that do not tell theirs.
pub const GRAPHICS_WHITE_NITS: f32 = 203.0;
/// What 1 is in scRGB on systems that count in nits (IEC 61966-2-2).
pub const SCRGB_UNIT_NITS: f32 = 80.0;
/// The peak of PQ (SMPTE ST 2084).
const PQ_PEAK_NITS: f32 = 10_000.0;

/// What the display values of a chain mean, where they are shown as light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum Light {
    /// The target takes display values as they are: a surface of 8 bit, a file.
    #[default]
    Display = 0,
    /// As a surface of 8 bit would show them: sRGB, going on above 1.
    Srgb = 1,
    /// They are light already: scene-linear values without a tone map.
    Linear = 2,
    /// PQ with the primaries of Rec. 2020 (ITU-R BT.2100).
    PqRec2020 = 3,
    /// PQ with the primaries of Display P3 (SMPTE ST 2084 mastering displays).
    PqP3 = 4,
}

impl Light {
    /// What the values of a display of this name mean, by the names of the ACES and CG configs. Whatever is no PQ is
    /// shown as a surface of 8 bit would show it.
    pub fn of_display(name: &str) -> Self {
        let name = name.to_lowercase();
        match (name.contains("pq") || name.contains("st2084"), name.contains("p3")) {
            (false, _) => Self::Srgb,
            (true, true) => Self::PqP3,
            (true, false) => Self::PqRec2020,
        }
    }
}

/// How a surface takes light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Output {
    /// Linear, 1 is `scale` times the white of the controls (scRGB, IEC 61966-2-2).
    ScRgb = 0,
    /// PQ with the primaries of Rec. 2020 (ITU-R BT.2100, table 4).
    Pq = 1,
}

type Matrix = [[f32; 3]; 3];

/// ITU-R BT.2087-0, the inverse of its matrix.
const REC709_OF_REC2020: Matrix = [
    [1.660_491, -0.587_641, -0.072_85],
    [-0.124_55, 1.132_9, -0.008_349],
    [-0.018_151, -0.100_579, 1.118_73],
];
/// ITU-R BT.2087-0.
const REC2020_OF_REC709: Matrix =
    [[0.627_404, 0.329_283, 0.043_313], [0.069_097, 0.919_54, 0.011_362], [0.016_391, 0.088_013, 0.895_595]];
/// From the primaries of SMPTE EG 432-1 with the white of Rec. 709.
const REC709_OF_P3: Matrix =
    [[1.224_94, -0.224_94, 0.0], [-0.042_057, 1.042_057, 0.0], [-0.019_638, -0.078_636, 1.098_274]];

/// SMPTE ST 2084, section 5.
const PQ_M1: f32 = 2610.0 / 16384.0;
const PQ_M2: f32 = 2523.0 / 4096.0 * 128.0;
const PQ_C1: f32 = 3424.0 / 4096.0;
const PQ_C2: f32 = 2413.0 / 4096.0 * 32.0;
const PQ_C3: f32 = 2392.0 / 4096.0 * 32.0;

fn applied(matrix: &Matrix, value: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * value[0] + row[1] * value[1] + row[2] * value[2])
}

/// The inverse of the sRGB transfer function (IEC 61966-2-1), which goes on above 1 and the same below 0.
pub fn srgb_decode(value: f32) -> f32 {
    let size = value.abs();
    let linear = if size <= 0.040_45 { size / 12.92 } else { ((size + 0.055) / 1.055).powf(2.4) };
    linear.copysign(value)
}

/// The nits of a PQ value (SMPTE ST 2084, equation 4.1).
pub(super) fn pq_decode(value: f32) -> f32 {
    let root = value.clamp(0.0, 1.0).powf(1.0 / PQ_M2);
    let ratio = (root - PQ_C1).max(0.0) / (PQ_C2 - PQ_C3 * root);
    PQ_PEAK_NITS * ratio.powf(1.0 / PQ_M1)
}

/// The PQ value of nits (SMPTE ST 2084, equation 5.2).
fn pq_encode(nits: f32) -> f32 {
    let power = (nits / PQ_PEAK_NITS).clamp(0.0, 1.0).powf(PQ_M1);
    ((PQ_C1 + PQ_C2 * power) / (1.0 + PQ_C3 * power)).powf(PQ_M2)
}

/// What display values are as light, where the white of the controls has so many nits.
pub fn light_of(display: [f32; 3], light: Light, white_nits: f32) -> [f32; 3] {
    let pq = |matrix: &Matrix| applied(matrix, display.map(|value| pq_decode(value) / white_nits));
    match light {
        Light::Display | Light::Linear => display,
        Light::Srgb => display.map(srgb_decode),
        Light::PqRec2020 => pq(&REC709_OF_REC2020),
        Light::PqP3 => pq(&REC709_OF_P3),
    }
}

/// What the controls and marks are as light: they are always made for a surface of 8 bit.
pub fn light_of_controls(display: [f32; 3], light: Light) -> [f32; 3] {
    if light == Light::Display { display } else { display.map(srgb_decode) }
}

/// Light under the controls (premultiplied by their alpha, encoded as sRGB), as a surface takes it.
pub fn output_of(
    light: [f32; 3],
    controls: [f32; 4],
    output: Output,
    white_nits: f32,
    scale: f32,
) -> [f32; 3] {
    let [red, green, blue, alpha] = controls;
    let over =
        [red, green, blue].map(|value| if alpha > 0.0 { srgb_decode(value / alpha) * alpha } else { 0.0 });
    let sum = [0, 1, 2].map(|lane| over[lane] + light[lane] * (1.0 - alpha));
    match output {
        Output::ScRgb => sum.map(|value| value * scale),
        Output::Pq => applied(&REC2020_OF_REC709, sum).map(|value| pq_encode(value * white_nits)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::primaries::{P3_D65, REC709, REC2020, conversion};
    use super::super::view::srgb_encode;
    use super::*;

    #[test]
    fn the_matrices_are_those_of_the_primaries() {
        for (ours, from, to) in [
            (REC709_OF_REC2020, REC2020, REC709),
            (REC2020_OF_REC709, REC709, REC2020),
            (REC709_OF_P3, P3_D65, REC709),
        ] {
            let exact = conversion(&from, &to).unwrap();
            for (ours, exact) in ours.iter().flatten().zip(exact.iter().flatten()) {
                assert!((f64::from(*ours) - exact).abs() < 2e-6, "{ours} {exact}");
            }
        }
    }

    #[test]
    fn pq_has_the_values_of_the_standard() {
        // ITU-R BT.2100-2, and BT.2408: 203 nits are 58 % of PQ, 100 nits 51 %, 1000 nits 75 %.
        for (nits, value) in
            [(0.0, 0.0), (100.0, 0.508_08), (203.0, 0.580_69), (1000.0, 0.751_83), (10_000.0, 1.0)]
        {
            assert!((pq_encode(nits) - value).abs() < 1e-4, "{nits}: {}", pq_encode(nits));
            assert!((pq_decode(value) - nits).abs() <= nits * 1e-3, "{value}: {}", pq_decode(value));
        }
        assert_eq!((pq_encode(-1.0) < 1e-6, pq_encode(1e9)), (true, 1.0));
    }

    #[test]
    fn srgb_goes_there_and_back_and_on_above_white() {
        for value in [0.0, 0.001, 0.02, 0.18, 0.5, 1.0] {
            assert!((srgb_decode(srgb_encode(value)) - value).abs() < 1e-6);
        }
        assert!(srgb_decode(2.0) > 4.0 && srgb_decode(-0.5) == -srgb_decode(0.5));
    }

    #[test]
    fn displays_are_known_by_name() {
        assert_eq!(Light::of_display("sRGB - Display"), Light::Srgb);
        assert_eq!(Light::of_display("Rec.2100-PQ - Display"), Light::PqRec2020);
        assert_eq!(Light::of_display("ST2084-P3-D65 - Display"), Light::PqP3);
    }

    #[test]
    fn the_white_of_the_controls_is_white_on_every_surface() {
        let white = output_of([9.0; 3], [1.0; 4], Output::ScRgb, 203.0, 2.5);
        assert!(white.iter().all(|value| (value - 2.5).abs() < 1e-5));
        let white = output_of([0.0; 3], [1.0; 4], Output::Pq, 203.0, 1.0);
        assert!(white.iter().all(|value| (value - 0.580_69).abs() < 1e-4));
        // A picture of 1000 nits of PQ comes back as it was, whatever the white of the controls is.
        let light = light_of([0.751_83; 3], Light::PqRec2020, 300.0);
        let back = output_of(light, [0.0; 4], Output::Pq, 300.0, 1.0);
        assert!(back.iter().all(|value| (value - 0.751_83).abs() < 1e-4), "{back:?}");
    }

    #[test]
    fn half_covered_light_is_half_there() {
        let out = output_of([1.0, 2.0, 4.0], [0.0, 0.0, 0.0, 0.5], Output::ScRgb, 203.0, 1.0);
        assert_eq!(out, [0.5, 1.0, 2.0]);
    }
}
