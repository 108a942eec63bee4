//! Owns the tables of a colour program on a device: its textures, its uniform and the bind group of both. Which
//! program is drawn with is decided elsewhere.

use crate::color::{ColorProgram, ProgramTexture, TextureDimension};
use crate::gpu::Gpu;

/// What the shader text of a program reads.
pub struct ProgramTables {
    pub layout: wgpu::BindGroupLayout,
    pub group: wgpu::BindGroup,
}

impl ProgramTables {
    /// Brings the tables onto the device; they never change.
    pub fn new(gpu: &Gpu, program: &ColorProgram) -> Self {
        let views: Vec<wgpu::TextureView> =
            program.textures.iter().map(|texture| texture_view(gpu, texture)).collect();
        let uniform = program.uniform.as_ref().map(|uniform| (uniform.binding, buffer(gpu, &uniform.bytes)));
        let mut layout: Vec<_> = program.textures.iter().map(texture_entry).collect();
        layout.extend(uniform.iter().map(|(binding, _)| uniform_entry(*binding)));
        let mut entries: Vec<wgpu::BindGroupEntry> = program
            .textures
            .iter()
            .zip(&views)
            .map(|(texture, view)| wgpu::BindGroupEntry {
                binding: texture.binding,
                resource: wgpu::BindingResource::TextureView(view),
            })
            .collect();
        entries.extend(uniform.iter().map(|(binding, buffer)| wgpu::BindGroupEntry {
            binding: *binding,
            resource: buffer.as_entire_binding(),
        }));
        let label = Some("colour program");
        let layout =
            gpu.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &layout });
        let descriptor = wgpu::BindGroupDescriptor { label, layout: &layout, entries: &entries };
        let group = gpu.device.create_bind_group(&descriptor);
        Self { layout, group }
    }
}

fn texture_entry(texture: &ProgramTexture) -> wgpu::BindGroupLayoutEntry {
    let view_dimension = match texture.dimension {
        TextureDimension::D2 => wgpu::TextureViewDimension::D2,
        TextureDimension::D3 => wgpu::TextureViewDimension::D3,
    };
    wgpu::BindGroupLayoutEntry {
        binding: texture.binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: false },
            view_dimension,
            multisampled: false,
        },
        count: None,
    }
}

fn uniform_entry(binding: u32) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}

fn buffer(gpu: &Gpu, bytes: &[u8]) -> wgpu::Buffer {
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("colour program"),
        size: bytes.len() as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue.write_buffer(&buffer, 0, bytes);
    buffer
}

/// A table is small, so that it may go through the queue's own staging.
fn texture_view(gpu: &Gpu, table: &ProgramTexture) -> wgpu::TextureView {
    let [width, height, depth_or_array_layers] = table.size;
    let size = wgpu::Extent3d { width, height, depth_or_array_layers };
    let (dimension, format) = match (table.dimension, table.channels) {
        (TextureDimension::D2, 1) => (wgpu::TextureDimension::D2, wgpu::TextureFormat::R32Float),
        (TextureDimension::D2, _) => (wgpu::TextureDimension::D2, wgpu::TextureFormat::Rgba32Float),
        (TextureDimension::D3, 1) => (wgpu::TextureDimension::D3, wgpu::TextureFormat::R32Float),
        (TextureDimension::D3, _) => (wgpu::TextureDimension::D3, wgpu::TextureFormat::Rgba32Float),
    };
    let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
        label: Some("colour table"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    gpu.queue.write_texture(
        texture.as_image_copy(),
        bytemuck::cast_slice(&table.texels),
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(width * table.channels * 4),
            rows_per_image: Some(height),
        },
        size,
    );
    texture.create_view(&Default::default())
}
