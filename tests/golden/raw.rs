//! The raw pass hands back every bit.

use rushes::frame::{FrameKey, SampleType, Window};
use rushes::gpu::passes::raw::{RAW_TARGET, RawPass};
use rushes::gpu::read_texture;
use rushes::stage::Canvas;

use crate::picture::{RGBA, frame, key, layout, plain};
use crate::screen::{Screen, SmallTextures};

/// The bits of four planes of a resident frame.
pub fn raw(screen: &Screen, key: FrameKey, (width, height): (u32, u32), first: usize) -> Vec<[u32; 4]> {
    let pass = RawPass::new(&screen.gpu.device);
    let canvas = Canvas::new(&screen.gpu, RAW_TARGET, width, height);
    let mut encoder = screen.gpu.device.create_command_encoder(&Default::default());
    {
        let mut render = canvas.begin(&mut encoder, wgpu::Color::TRANSPARENT);
        let slot = screen.ring.slot(key).expect("a resident frame");
        pass.draw(&screen.gpu.device, &screen.gpu.queue, &mut render, slot, first);
    }
    screen.gpu.queue.submit([encoder.finish()]);
    bytemuck::pod_collect_to_vec(&read_texture(&screen.gpu, canvas.texture()).expect("texels"))
}

#[test]
fn every_half_pattern_comes_back_bit_for_bit() {
    let Some(mut screen) = Screen::new("every_half_pattern_comes_back_bit_for_bit", 16 << 20, true) else {
        return;
    };
    let bits = |plane: usize, x: u32, y: u32| (y * 256 + x).wrapping_mul(2 * plane as u32 + 1) & 0xFFFF;
    screen.load(key(0), &frame(&plain(&RGBA, SampleType::F16, 256, 256), bits));
    let drawn = raw(&screen, key(0), (256, 256), 0);
    for (number, pixel) in (0..65536_u32).zip(drawn) {
        assert_eq!(pixel, [0, 1, 2, 3].map(|plane| bits(plane, number % 256, number / 256)));
    }
}

#[test]
fn planes_in_tiles_come_back_bit_for_bit() {
    let Some(mut screen) = Screen::new("planes_in_tiles_come_back_bit_for_bit", 16 << 20, true) else {
        return;
    };
    screen.ring.set_source(Box::new(SmallTextures { side: 50 }));
    let bits = |plane: usize, x: u32, y: u32| (y * 256 + x).wrapping_mul(2 * plane as u32 + 1) & 0xFFFF;
    screen.load(key(0), &frame(&plain(&RGBA, SampleType::F16, 131, 77), bits));
    for (number, pixel) in (0..).zip(raw(&screen, key(0), (131, 77), 0)) {
        assert_eq!(pixel, [0, 1, 2, 3].map(|plane| bits(plane, number % 131, number / 131)));
    }
}

#[test]
fn floats_and_integers_come_back_bit_for_bit() {
    for sample in [SampleType::F32, SampleType::U32, SampleType::U16, SampleType::U8] {
        let name = "floats_and_integers_come_back_bit_for_bit";
        let Some(mut screen) = Screen::new(name, 16 << 20, true) else { return };
        let mask = u32::MAX >> (32 - 8 * sample.bytes());
        let bits = |plane: usize, x: u32, y: u32| {
            (x | y << 8 | (plane as u32) << 14).wrapping_mul(0x9E37_79B1) ^ 0x7F80_0001
        };
        screen.load(key(0), &frame(&plain(&RGBA, sample, 101, 37), bits));
        for (number, pixel) in (0..).zip(raw(&screen, key(0), (101, 37), 0)) {
            let wanted = [0, 1, 2, 3].map(|plane| bits(plane, number % 101, number / 101) & mask);
            assert_eq!(pixel, wanted, "{sample:?} {number}");
        }
    }
}

#[test]
fn raw_output_fills_the_display_window_with_zeros_around_the_data() {
    let name = "raw_output_fills_the_display_window_with_zeros_around_the_data";
    let Some(mut screen) = Screen::new(name, 16 << 20, true) else { return };
    let data = Window { x: -2, y: 3, width: 6, height: 4 };
    let layout = layout(&RGBA[..1], SampleType::F16, (data, Window::at_origin(8, 8)));
    screen.load(key(0), &frame(&layout, |_, x, y| 1 + x + 100 * y));
    for (number, pixel) in (0..64_u32).zip(raw(&screen, key(0), (8, 8), 0)) {
        let (x, y) = (number % 8, number / 8);
        let is_covered = x < 4 && (3..7).contains(&y);
        let wanted = if is_covered { 1 + x + 2 + 100 * (y - 3) } else { 0 };
        assert_eq!(pixel[0], wanted, "{x} {y}");
    }
}
