//! What the image pass draws by way of OpenGL, whose drivers differ from those of Vulkan where nobody looks.

use rushes::color::ColorSettings;
use rushes::frame::SampleType;
use rushes::gpu::{AdapterChoice, Gpu};

use crate::picture::{GREY, RGBA, frame, key, plain, varied};
use crate::screen::{ONE_TO_ONE, Screen};
use crate::support;

/// Not every driver draws floats: 8 bits, rounded either way.
const CODE_VALUE: f32 = 1.01 / 255.0;

/// `None`, after saying so, where there is no adapter for OpenGL.
fn screen(test: &str, forces_bits: bool) -> Option<Screen> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::GL;
    match Gpu::open(wgpu::Instance::new(descriptor), &AdapterChoice::Best, None) {
        Ok(gpu) => Some(Screen::on(gpu, 64 << 20, forces_bits, wgpu::TextureFormat::Rgba8Unorm)),
        Err(error) => {
            support::skip(test, &error.to_string());
            None
        }
    }
}

#[test]
fn pictures_by_opengl_equal_the_twin() {
    let test = "pictures_by_opengl_equal_the_twin";
    for forces_bits in [false, true] {
        let Some(mut screen) = screen(test, forces_bits) else { return };
        for (number, channels) in [&RGBA[..], &RGBA[..3], &GREY[..]].into_iter().enumerate() {
            let picture = frame(&plain(channels, SampleType::F16, 99, 43), varied(SampleType::F16));
            let key = key(number as u32);
            screen.load(key, &picture);
            screen.compare((key, &*picture), &ONE_TO_ONE, &ColorSettings::default(), (99, 43), CODE_VALUE);
        }
    }
}
