//! Owns the quick stand-in for a costly chain: its way to the display as a table of 65 steps an axis behind a
//! logarithmic shaper. For playback on software adapters; what stands still, and files, deserve the chain itself.
//! Pure; takes a tenth of a second, so not for a thread that draws.

use std::sync::Arc;

use super::program::{
    COLOR_GROUP, ColorChain, ColorProgram, CpuProgram, FIRST_TEXTURE_BINDING, ProgramTexture, Stage,
    StageKind, TextureDimension, make_finite,
};

/// Grid points an axis. Twice the error at 33, and no quicker to read.
const SIZE: usize = 65;
/// The shaper: `log2(value + OFFSET)`, from FIRST_STOP over STOPS stops. Twin of the constants in `baked.wgsl`.
const OFFSET: f32 = 0.000_976_562_5;
const FIRST_STOP: f32 = -10.0;
const STOPS: f32 = 18.0;

/// The chain with a table instead of its way to the display; None where that would not be quicker.
///
/// Within 1.5 codes of 8 bits (99 % of moderately saturated colours; very saturated ones several codes) for working
/// values from 0 to 256; what lies beyond is clamped.
pub fn baked(chain: &ColorChain) -> Option<ColorChain> {
    if !chain.program.is_costly {
        return None;
    }
    let lut = Lut { texels: texels(&*chain.cpu) };
    let texture = ProgramTexture {
        binding: FIRST_TEXTURE_BINDING + chain.working.textures.len() as u32,
        dimension: TextureDimension::D3,
        size: [SIZE as u32; 3],
        channels: 4,
        texels: lut.texels.clone(),
    };
    let declared =
        format!("@group({COLOR_GROUP}) @binding({}) var display_lut: texture_3d<f32>;\n", texture.binding);
    let text = declared + include_str!("../../shaders/color/baked.wgsl");
    let display = Stage::around(StageKind::Display, &text, vec![texture], Vec::new());
    let mut program = ColorProgram::join(&chain.working, &display, false);
    program.id = format!("{}:baked", chain.program.id);
    let cpu = Arc::new(BakedCpu { chain: chain.cpu.clone(), lut });
    Some(ColorChain { program, cpu, description: chain.description.clone(), working: chain.working.clone() })
}

/// The display values of every grid point, red fastest, four channels.
fn texels(cpu: &dyn CpuProgram) -> Arc<[f32]> {
    let axis: Vec<f32> = (0..SIZE).map(grid_value).collect();
    let mut texels = Vec::with_capacity(SIZE * SIZE * SIZE * 4);
    for blue in &axis {
        for green in &axis {
            let mut row: Vec<[f32; 4]> = axis.iter().map(|red| [*red, *green, *blue, 1.0]).collect();
            cpu.to_display(&mut row);
            texels.extend(row.into_iter().flatten());
        }
    }
    texels.into()
}

/// The working value that the shaper sends to a grid point.
fn grid_value(index: usize) -> f32 {
    let stops = index as f32 / (SIZE - 1) as f32 * STOPS + FIRST_STOP;
    stops.exp2() - OFFSET
}

/// Twin of `baked.wgsl`.
struct Lut {
    texels: Arc<[f32]>,
}

impl Lut {
    fn at(&self, cell: [usize; 3]) -> [f32; 3] {
        let index = ((cell[2] * SIZE + cell[1]) * SIZE + cell[0]) * 4;
        let texel = self.texels.get(index..index + 3).unwrap_or(&[0.0; 3]);
        [texel[0], texel[1], texel[2]]
    }

    /// Between the four corners of the tetrahedron that holds the colour.
    fn color(&self, rgb: [f32; 3]) -> [f32; 3] {
        let place = rgb.map(|value| {
            let stops = (value.max(0.0) + OFFSET).log2() - FIRST_STOP;
            (stops / STOPS).clamp(0.0, 1.0) * (SIZE - 1) as f32
        });
        let cell = place.map(|place| (place as usize).min(SIZE - 2));
        let part = [0, 1, 2].map(|axis| place[axis] - cell[axis] as f32);
        let mut order = [0, 1, 2];
        order.sort_by(|a, b| part[*b].total_cmp(&part[*a]));
        let stepped = |axes: &[usize]| [0, 1, 2].map(|axis| cell[axis] + usize::from(axes.contains(&axis)));
        let [most, middle, least] = order.map(|axis| part[axis]);
        let corners = [
            (1.0 - most, self.at(cell)),
            (most - middle, self.at(stepped(&order[..1]))),
            (middle - least, self.at(stepped(&order[..2]))),
            (least, self.at(stepped(&order))),
        ];
        [0, 1, 2].map(|channel| corners.iter().map(|(weight, color)| weight * color[channel]).sum())
    }
}

struct BakedCpu {
    chain: Arc<dyn CpuProgram>,
    lut: Lut,
}

impl CpuProgram for BakedCpu {
    fn to_working(&self, pixels: &mut [[f32; 4]]) {
        self.chain.to_working(pixels);
    }

    fn to_display(&self, pixels: &mut [[f32; 4]]) {
        for pixel in pixels {
            make_finite(pixel);
            let [r, g, b, alpha] = *pixel;
            let [r, g, b] = self.lut.color([r, g, b]);
            *pixel = [r, g, b, alpha];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::analytic;
    use crate::color::rules::{ColorRequest, MediaFacts};
    use crate::color::tests as device;

    /// A chain whose display values are smooth in the logarithm, taken for a costly one.
    fn costly() -> ColorChain {
        let facts = MediaFacts { is_float: true, ..Default::default() };
        let mut chain = analytic::chain(&ColorRequest::default(), &facts).unwrap();
        chain.program.is_costly = true;
        chain
    }

    #[test]
    fn grid_points_are_exact_and_between_them_is_near() {
        let chain = costly();
        let baked = baked(&chain).unwrap();
        assert!(baked.program.id.ends_with(":baked") && !baked.program.is_costly);
        let both = |value: [f32; 4]| {
            let (mut ours, mut exact) = ([value], [value]);
            baked.cpu.to_display(&mut ours);
            chain.cpu.to_display(&mut exact);
            (ours[0], exact[0])
        };
        for index in 0..SIZE {
            let value = grid_value(index);
            let (ours, exact) = both([value, value, value, 0.5]);
            for (ours, exact) in ours.iter().zip(exact) {
                assert!((ours - exact).abs() <= 2e-4 * exact.abs().max(1.0), "{value}: {ours}, {exact}");
            }
        }
        for step in 0..1000 {
            let value = step as f32 / 1000.0;
            let (ours, exact) = both([value, value * 0.8, value * 0.9, 1.0]);
            for (ours, exact) in ours.iter().zip(exact) {
                assert!((ours - exact).abs() <= 1.5 / 255.0, "{value}: {ours}, {exact}");
            }
        }
    }

    #[test]
    fn the_shader_does_what_its_twin_does() {
        device::assert_drawn_like_its_twin(&baked(&costly()).unwrap(), &device::test_pixels(), 1e-4);
    }

    #[test]
    fn what_lies_beyond_is_clamped() {
        let baked = baked(&costly()).unwrap();
        let mut pixels = [[-3.0, f32::NAN, 0.0, 1.0], [f32::INFINITY, 300.0, 1e9, 1.0]];
        baked.cpu.to_display(&mut pixels);
        assert!(pixels[0][..3].iter().all(|value| value.abs() < 1e-3), "{pixels:?}");
        assert!(pixels[1][..3].iter().all(|value| *value > 1.0), "{pixels:?}");
    }

    #[test]
    fn a_cheap_chain_is_not_baked() {
        let mut chain = costly();
        chain.program.is_costly = false;
        assert!(baked(&chain).is_none());
    }
}
