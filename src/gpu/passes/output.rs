//! The output pass: a picture that was drawn as light, and the controls over it, onto a surface that shows more than
//! white.

use bytemuck::{Pod, Zeroable};

use super::{fullscreen_pipeline, texture_entry, uniform_group};
use crate::color::Output;
use crate::gpu::Gpu;
use crate::gpu::shaders::Shader;

/// Twin of `Output` in `output.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq)]
pub struct OutputUniform {
    pub origin: [i32; 2],
    pub size: [i32; 2],
    pub scale: f32,
    pub white_nits: f32,
    pub padding: [u32; 2],
}

/// What a surface that shows more than white takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutputTarget {
    pub format: wgpu::TextureFormat,
    pub output: Output,
    /// Of the controls.
    pub white_nits: f32,
    /// What the white of the controls is in scRGB.
    pub scale: f32,
}

/// A picture with the place of its corner, and its size in pixels.
#[derive(Debug, Clone, Copy)]
pub struct OutputPicture<'a> {
    pub view: &'a wgpu::TextureView,
    pub origin: (i32, i32),
    pub size: (u32, u32),
}

/// The pipeline for one kind of surface.
pub struct OutputPass {
    pipeline: wgpu::RenderPipeline,
    textures: wgpu::BindGroupLayout,
    uniform: wgpu::Buffer,
    uniform_group: wgpu::BindGroup,
    target: OutputTarget,
}

impl OutputPass {
    pub fn new(device: &wgpu::Device, target: OutputTarget) -> Self {
        let (layout, uniform, uniform_group) =
            uniform_group(device, "output uniforms", size_of::<OutputUniform>());
        let kind = wgpu::TextureSampleType::Float { filterable: false };
        let entry = |binding| texture_entry(binding, kind, wgpu::TextureViewDimension::D2);
        let textures = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("output"),
            entries: &[entry(0), entry(1)],
        });
        let module = Shader::Output.module(device);
        let constants = [("output", f64::from(target.output as u32))];
        let groups = [Some(&layout), Some(&textures)];
        let pipeline = fullscreen_pipeline(device, "output", &module, &groups, &constants, target.format);
        Self { pipeline, textures, uniform, uniform_group, target }
    }

    /// Draws a picture, if there is one, and the controls, which are as large as the surface, over all of `pass`.
    pub fn draw(
        &self,
        gpu: &Gpu,
        pass: &mut wgpu::RenderPass<'_>,
        picture: Option<OutputPicture<'_>>,
        controls: &wgpu::TextureView,
    ) {
        let (origin, size) = picture.map_or(((0, 0), (0, 0)), |picture| (picture.origin, picture.size));
        let uniform = OutputUniform {
            origin: [origin.0, origin.1],
            size: [size.0 as i32, size.1 as i32],
            scale: self.target.scale,
            white_nits: self.target.white_nits,
            padding: [0; 2],
        };
        gpu.queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(&uniform));
        let view = picture.map_or(controls, |picture| picture.view);
        let group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("output"),
            layout: &self.textures,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(view) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(controls) },
            ],
        });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.uniform_group, &[]);
        pass.set_bind_group(1, &group, &[]);
        pass.draw(0..3, 0..1);
    }
}
