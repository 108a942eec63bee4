//! What is drawn: one file a pass, each with its pipelines and its uniform. A pass records into a
//! render pass that somebody else began.

pub mod blit;
pub mod image;
pub mod output;
pub mod raw;
pub mod scopes;
pub mod timeline;

use wgpu::{BindGroupLayout, Device, ShaderStages};

use super::{PlaneShape, Slot};

/// A pipeline that fills its target with one triangle; `constants` are those of the fragment shader.
fn fullscreen_pipeline(
    device: &Device,
    label: &str,
    module: &wgpu::ShaderModule,
    groups: &[Option<&BindGroupLayout>],
    constants: &[(&str, f64)],
    target: wgpu::TextureFormat,
) -> wgpu::RenderPipeline {
    let options = wgpu::PipelineCompilationOptions { constants, ..Default::default() };
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(label),
        bind_group_layouts: groups,
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(label),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some("vertex"),
            compilation_options: Default::default(),
            buffers: &[],
        },
        primitive: Default::default(),
        depth_stencil: None,
        multisample: Default::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some("fragment"),
            compilation_options: options,
            targets: &[Some(target.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}

/// The layout of a bind group with one uniform, and the uniform with its bind group.
fn uniform_group(
    device: &Device,
    label: &str,
    bytes: usize,
) -> (BindGroupLayout, wgpu::Buffer, wgpu::BindGroup) {
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(label),
        entries: &[wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: ShaderStages::VERTEX_FRAGMENT,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        }],
    });
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes as u64,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(label),
        layout: &layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() }],
    });
    (layout, buffer, group)
}

fn texture_entry(
    binding: u32,
    sample_type: wgpu::TextureSampleType,
    view_dimension: wgpu::TextureViewDimension,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture { sample_type, view_dimension, multisampled: false },
        count: None,
    }
}

/// The layout of a bind group of four planes, and of a sampler where they are filtered.
fn planes_layout(
    device: &Device,
    label: &str,
    sample_type: wgpu::TextureSampleType,
    shape: PlaneShape,
) -> BindGroupLayout {
    let texture = |binding| texture_entry(binding, sample_type, shape.view_dimension());
    let mut entries: Vec<wgpu::BindGroupLayoutEntry> = (0..4).map(texture).collect();
    if sample_type == (wgpu::TextureSampleType::Float { filterable: true }) {
        entries.push(wgpu::BindGroupLayoutEntry {
            binding: 4,
            visibility: ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
            count: None,
        });
    }
    device
        .create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries: &entries })
}

/// The bind group of four planes of a slot, and of a sampler where they are filtered.
fn planes_group(
    device: &Device,
    layout: &BindGroupLayout,
    slot: &Slot,
    planes: [usize; 4],
    sampler: Option<&wgpu::Sampler>,
) -> wgpu::BindGroup {
    let descriptor =
        wgpu::TextureViewDescriptor { dimension: Some(slot.shape().view_dimension()), ..Default::default() };
    let views = planes.map(|plane| slot.textures[plane].create_view(&descriptor));
    let textures = views.iter().map(wgpu::BindingResource::TextureView);
    let entries: Vec<wgpu::BindGroupEntry> = textures
        .chain(sampler.map(wgpu::BindingResource::Sampler))
        .zip(0..)
        .map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some("planes"), layout, entries: &entries })
}
