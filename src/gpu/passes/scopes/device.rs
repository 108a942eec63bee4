//! Owns what the scopes pass needs of a device: whether it can, buffers, and the layouts of bind groups.

use super::ScopesUniform;
use super::results::RESULT_BYTES;
use crate::color::scopes::ScaleTable;
use crate::gpu::{Gpu, PlaneAccess, Slot};

/// Threads of a workgroup, as in the shader.
const THREADS: u32 = 256;
/// What a workgroup keeps, in bytes: levels, tally and sums.
const WORKGROUP_BYTES: u32 = 4 * 256 * 4 + 9 * 4 * 4 + 16 * THREADS;
/// Table and counts.
const STORAGE_BUFFERS: u32 = 2;

/// Why pictures cannot be measured here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopesError {
    #[error("the adapter {adapter} cannot measure pictures: it lacks {lacks}")]
    Adapter { adapter: String, lacks: String },
}

/// What there is of memory on the device.
pub struct Buffers {
    pub uniform: wgpu::Buffer,
    pub table: wgpu::Buffer,
    pub counts: wgpu::Buffer,
    pub readback: wgpu::Buffer,
}

impl Buffers {
    pub fn new(device: &wgpu::Device) -> Self {
        use wgpu::BufferUsages as Usage;
        let buffer = |label, size, usage| {
            let descriptor =
                wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
            device.create_buffer(&descriptor)
        };
        let table_bytes = ScaleTable::LEN * size_of::<u16>();
        Self {
            uniform: buffer("scopes", size_of::<ScopesUniform>() as u64, Usage::UNIFORM | Usage::COPY_DST),
            table: buffer("scopes table", table_bytes as u64, Usage::STORAGE | Usage::COPY_DST),
            counts: buffer("scopes counts", RESULT_BYTES, Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST),
            readback: buffer("scopes readback", RESULT_BYTES, Usage::MAP_READ | Usage::COPY_DST),
        }
    }

    pub fn all(&self) -> [&wgpu::Buffer; 4] {
        [&self.uniform, &self.table, &self.counts, &self.readback]
    }
}

/// What the device lacks, if anything.
pub fn lacking(gpu: &Gpu) -> Option<String> {
    if gpu.adapter.get_info().backend == wgpu::Backend::Gl {
        // Its textures of one layer cannot be bound as arrays, as the scopes bind all planes.
        return Some("what the scopes need of OpenGL".into());
    }
    let flags = gpu.adapter.get_downlevel_capabilities().flags;
    if !flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
        return Some("compute shaders".into());
    }
    let limits = gpu.device.limits();
    let needs = [
        ("storage buffers", limits.max_storage_buffers_per_shader_stage.into(), STORAGE_BUFFERS.into()),
        ("bytes of a storage buffer", limits.max_storage_buffer_binding_size, RESULT_BYTES),
        ("threads of a workgroup", limits.max_compute_invocations_per_workgroup.into(), THREADS.into()),
        ("threads along a workgroup", limits.max_compute_workgroup_size_x.into(), THREADS.into()),
        ("bytes of a workgroup", limits.max_compute_workgroup_storage_size.into(), WORKGROUP_BYTES.into()),
    ];
    let short = needs.into_iter().find(|(_, has, needed): &(_, u64, u64)| has < needed);
    short.map(|(what, has, needed)| format!("{what} ({has}; {needed} are needed)"))
}

pub fn counts_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("scopes"),
        entries: &[
            entry(0, wgpu::BufferBindingType::Uniform),
            entry(1, wgpu::BufferBindingType::Storage { read_only: true }),
            entry(2, wgpu::BufferBindingType::Storage { read_only: false }),
        ],
    })
}

/// Three planes that are read texel by texel.
pub fn planes_layout(device: &wgpu::Device, access: PlaneAccess) -> wgpu::BindGroupLayout {
    let sample_type = match access {
        PlaneAccess::Filtered => wgpu::TextureSampleType::Float { filterable: false },
        PlaneAccess::Bits => wgpu::TextureSampleType::Uint,
    };
    let entry = |binding| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Texture {
            sample_type,
            view_dimension: wgpu::TextureViewDimension::D2Array,
            multisampled: false,
        },
        count: None,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("scope planes"),
        entries: &[0, 1, 2].map(entry),
    })
}

pub fn planes_group(device: &wgpu::Device, layout: &wgpu::BindGroupLayout, slot: &Slot) -> wgpu::BindGroup {
    let descriptor = wgpu::TextureViewDescriptor {
        dimension: Some(wgpu::TextureViewDimension::D2Array),
        ..Default::default()
    };
    let views = slot.layout.color_planes().map(|plane| slot.textures[plane].create_view(&descriptor));
    let entry = |binding: usize| wgpu::BindGroupEntry {
        binding: binding as u32,
        resource: wgpu::BindingResource::TextureView(&views[binding]),
    };
    let entries = [0, 1, 2].map(entry);
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("scope planes"),
        layout,
        entries: &entries,
    })
}
