//! Pictures as light, and light as surfaces take it that show more than white: against the twins, in targets of half
//! floats. No HDR display was seen yet.

use half::f16;
use rushes::color::{ChannelView, ColorSettings, Encoding, Light, Output, output_of};
use rushes::frame::SampleType;
use rushes::gpu::Gpu;
use rushes::gpu::passes::output::{OutputPass, OutputPicture, OutputTarget};
use rushes::gpu::read_texture;
use rushes::stage::Canvas;

use crate::picture::{RGBA, frame, key, plain};
use crate::screen::{ONE_TO_ONE, Screen};
use crate::support;

const TARGET: wgpu::TextureFormat = wgpu::TextureFormat::Rgba16Float;
const SIZE: (u32, u32) = (96, 32);
/// Halves have eleven bits; PQ is steep.
const TOLERANCE: f32 = 4e-3;
const LIGHTS: [Light; 5] = [Light::Display, Light::Srgb, Light::Linear, Light::PqRec2020, Light::PqP3];

/// From well below black to far above white.
fn value(plane: usize, x: u32, y: u32) -> f16 {
    f16::from_f32(((x * 7 + y * 13 + plane as u32 * 29) % 97) as f32 / 48.0 - 0.1)
}

#[test]
fn display_values_become_light_as_the_twin_says() {
    let Some(gpu) = support::gpu("display_values_become_light_as_the_twin_says") else { return };
    let mut screen = Screen::on(gpu, 64 << 20, false, TARGET);
    let layout = plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1);
    let frame = frame(&layout, |plane, x, y| u32::from(value(plane, x, y).to_bits()));
    screen.load(key(0), &frame);
    let plain = ColorSettings { encoding: Encoding::Identity, white_nits: 300.0, ..ColorSettings::default() };
    for light in LIGHTS {
        for channel in [ChannelView::Rgb, ChannelView::Alpha, ChannelView::Green, ChannelView::Luminance] {
            let settings = ColorSettings { light, channel, ..plain };
            screen.compare((key(0), &frame), &ONE_TO_ONE, &settings, SIZE, TOLERANCE);
        }
        let marked = ColorSettings { light, false_color: true, marks: true, ..plain };
        screen.compare((key(0), &frame), &ONE_TO_ONE, &marked, SIZE, TOLERANCE);
    }
    let drawn = screen.draw(key(0), &ONE_TO_ONE, &ColorSettings { light: Light::Linear, ..plain }, SIZE);
    assert!(drawn.iter().any(|pixel| pixel[0] > 1.5), "nothing is cut off at white");
}

fn texture(gpu: &Gpu, format: wgpu::TextureFormat, texels: &[u8]) -> wgpu::TextureView {
    let size = wgpu::Extent3d { width: SIZE.0, height: SIZE.1, depth_or_array_layers: 1 };
    let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let row = texels.len() as u32 / SIZE.1;
    let layout = wgpu::TexelCopyBufferLayout { bytes_per_row: Some(row), ..Default::default() };
    gpu.queue.write_texture(texture.as_image_copy(), texels, layout, size);
    texture.create_view(&Default::default())
}

fn pixels() -> impl Iterator<Item = (u32, u32)> {
    (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)))
}

/// Premultiplied, with all of it from nothing to opaque.
fn control(x: u32, y: u32) -> [u8; 4] {
    let alpha = (x * 255 / (SIZE.0 - 1)) as u8;
    let share = |value: u32| (value % 256 * u32::from(alpha) / 255) as u8;
    [share(x * 3 + y), share(y * 8), share(x + y * 5), alpha]
}

fn light(x: u32, y: u32) -> [f16; 4] {
    [value(0, x, y), value(1, x, y), value(2, x, y), f16::ONE]
}

#[test]
fn light_and_controls_reach_the_surface_as_the_twin_says() {
    let Some(gpu) = support::gpu("light_and_controls_reach_the_surface_as_the_twin_says") else { return };
    let picture: Vec<u8> =
        pixels().flat_map(|(x, y)| light(x, y)).flat_map(|half| half.to_bits().to_ne_bytes()).collect();
    let picture = texture(&gpu, TARGET, &picture);
    let controls: Vec<u8> = pixels().flat_map(|(x, y)| control(x, y)).collect();
    let controls = texture(&gpu, wgpu::TextureFormat::Rgba8Unorm, &controls);
    // The picture begins inside the surface and goes on beyond it.
    let origin = (10, 4);
    for (output, scale) in [(Output::ScRgb, 1.0), (Output::ScRgb, 3.0), (Output::Pq, 1.0)] {
        let target = OutputTarget { format: TARGET, output, white_nits: 240.0, scale };
        let pass = OutputPass::new(&gpu.device, target);
        let canvas = Canvas::new(&gpu, TARGET, SIZE.0, SIZE.1);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let shown = OutputPicture { view: &picture, origin, size: SIZE };
        pass.draw(&gpu, &mut canvas.begin(&mut encoder, wgpu::Color::GREEN), Some(shown), &controls);
        gpu.queue.submit([encoder.finish()]);
        let texels = read_texture(&gpu, canvas.texture()).expect("texels");
        let drawn: Vec<[u16; 4]> = bytemuck::pod_collect_to_vec(&texels);
        for ((x, y), texel) in pixels().zip(drawn) {
            let at = x.checked_sub(origin.0 as u32).zip(y.checked_sub(origin.1 as u32));
            let below = at.map_or([0.0; 3], |(x, y)| {
                let [red, green, blue, _] = light(x, y);
                [red, green, blue].map(f16::to_f32)
            });
            let over = control(x, y).map(|code| f32::from(code) / 255.0);
            let wanted = output_of(below, over, output, 240.0, scale);
            for (bits, wanted) in texel.into_iter().zip(wanted) {
                let drawn = f16::from_bits(bits).to_f32();
                let is_close = (drawn - wanted).abs() <= TOLERANCE * wanted.abs().max(1.0);
                assert!(is_close, "{output:?} ({x}, {y}): {drawn} drawn, {wanted} wanted");
            }
        }
    }
    assert_eq!(gpu.uncaught_errors(), 0);
}
