//! The blit pass: a picture that was drawn before onto the surface, so that a repaint of the controls
//! does not draw the picture again.

use bytemuck::{Pod, Zeroable};

use super::{fullscreen_pipeline, texture_entry, uniform_group};
use crate::gpu::shaders::Shader;

/// Twin of `Blit` in `blit.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq)]
pub struct BlitUniform {
    pub origin: [i32; 2],
    pub decodes_srgb: u32,
    pub padding: u32,
}

/// The pipeline of the blit pass for one surface format.
pub struct BlitPass {
    pipeline: wgpu::RenderPipeline,
    textures: wgpu::BindGroupLayout,
    uniform: wgpu::Buffer,
    uniform_group: wgpu::BindGroup,
    decodes_srgb: bool,
}

impl BlitPass {
    pub fn new(device: &wgpu::Device, target: wgpu::TextureFormat) -> Self {
        let (layout, uniform, uniform_group) =
            uniform_group(device, "blit uniforms", size_of::<BlitUniform>());
        let picture = wgpu::TextureSampleType::Float { filterable: false };
        let textures = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("blit"),
            entries: &[texture_entry(0, picture, wgpu::TextureViewDimension::D2)],
        });
        let module = Shader::Blit.module(device);
        let groups = [Some(&layout), Some(&textures)];
        let pipeline = fullscreen_pipeline(device, "blit", &module, &groups, &[], target);
        Self { pipeline, textures, uniform, uniform_group, decodes_srgb: target.is_srgb() }
    }

    /// Draws `picture` with its corner at `origin`, inside the viewport and scissor of `pass`.
    pub fn draw(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        pass: &mut wgpu::RenderPass<'_>,
        picture: &wgpu::TextureView,
        origin: (i32, i32),
    ) {
        let uniform = BlitUniform {
            origin: [origin.0, origin.1],
            decodes_srgb: u32::from(self.decodes_srgb),
            padding: 0,
        };
        queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(&uniform));
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("blit"),
            layout: &self.textures,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(picture),
            }],
        });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.uniform_group, &[]);
        pass.set_bind_group(1, &group, &[]);
        pass.draw(0..3, 0..1);
    }
}
