//! The raw pass: the bits of up to four planes, one to one in the display window, for output that
//! must equal the file.

use bytemuck::{Pod, Zeroable};

use super::image::PlaneUniform;
use super::{fullscreen_pipeline, planes_group, planes_layout, uniform_group};
use crate::gpu::shaders::Shader;
use crate::gpu::{PlaneShape, Slot};

/// What the pass writes.
pub const RAW_TARGET: wgpu::TextureFormat = wgpu::TextureFormat::Rgba32Uint;

/// Twin of `Raw` in `raw.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq)]
pub struct RawUniform {
    pub data_offset: [i32; 2],
    pub data_size: [i32; 2],
    pub turn: [[i32; 2]; 2],
    pub turn_origin: [i32; 2],
    pub stored_size: [i32; 2],
    pub planes: [PlaneUniform; 4],
}

/// The pipeline for textures of one shape, and how they are bound.
struct Reading {
    pipeline: wgpu::RenderPipeline,
    textures: wgpu::BindGroupLayout,
}

impl Reading {
    fn new(device: &wgpu::Device, uniforms: &wgpu::BindGroupLayout, shape: PlaneShape) -> Self {
        let textures = planes_layout(device, "raw planes", wgpu::TextureSampleType::Uint, shape);
        let module = Shader::Raw(shape).module(device);
        let groups = [Some(uniforms), Some(&textures)];
        let pipeline = fullscreen_pipeline(device, "raw", &module, &groups, &[], RAW_TARGET);
        Self { pipeline, textures }
    }
}

/// The pipelines of the raw pass.
pub struct RawPass {
    whole: Reading,
    tiled: Reading,
    uniform: wgpu::Buffer,
    uniform_group: wgpu::BindGroup,
}

impl RawPass {
    pub fn new(device: &wgpu::Device) -> Self {
        let (layout, uniform, uniform_group) = uniform_group(device, "raw uniforms", size_of::<RawUniform>());
        let [whole, tiled] =
            [PlaneShape::Whole, PlaneShape::Tiled].map(|shape| Reading::new(device, &layout, shape));
        Self { whole, tiled, uniform, uniform_group }
    }

    /// Draws the planes from `first` on (at most four) over the whole target of `pass`. The slot holds
    /// bits.
    pub fn draw(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        pass: &mut wgpu::RenderPass<'_>,
        slot: &Slot,
        first: usize,
    ) {
        let (data, display) = (slot.layout.data_window(), slot.layout.display_window());
        let last = slot.textures.len() - 1;
        let planes = [0, 1, 2, 3].map(|offset| (first + offset).min(last));
        let stored = slot.layout.stored_size();
        let turn = slot.layout.orientation().pixels(stored);
        let uniform = RawUniform {
            data_offset: [data.x.wrapping_sub(display.x), data.y.wrapping_sub(display.y)],
            data_size: [data.width as i32, data.height as i32],
            turn: turn.rows,
            turn_origin: turn.origin,
            stored_size: [stored.0 as i32, stored.1 as i32],
            planes: planes.map(|plane| PlaneUniform::of(slot, plane)),
        };
        queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(&uniform));
        let reading = match slot.shape() {
            PlaneShape::Whole => &self.whole,
            PlaneShape::Tiled => &self.tiled,
        };
        let group = planes_group(device, &reading.textures, slot, planes, None);
        pass.set_pipeline(&reading.pipeline);
        pass.set_bind_group(0, &self.uniform_group, &[]);
        pass.set_bind_group(1, &group, &[]);
        pass.draw(0..3, 0..1);
    }
}
