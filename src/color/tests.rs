//! Runs programs on a device, so that tests can compare them with their twins.

use std::sync::OnceLock;

use super::program::{COLOR_GROUP, ColorChain, ColorProgram, ProgramTexture, TextureDimension};

const TARGET: wgpu::TextureFormat = wgpu::TextureFormat::Rgba32Float;
const PASS: &str = "
@group(0) @binding(0) var pixels: texture_2d<f32>;
@vertex fn corner(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1u) * 4.0 - 1.0, f32(index >> 1u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment fn fragment(@builtin(position) at: vec4f) -> @location(0) vec4f {
    return color_to_display(color_to_working(textureLoad(pixels, vec2i(at.xy), 0)));
}";

/// One device for all tests; None, loudly, where there is no adapter.
fn device() -> Option<&'static (wgpu::Device, wgpu::Queue)> {
    static DEVICE: OnceLock<Option<(wgpu::Device, wgpu::Queue)>> = OnceLock::new();
    let found = DEVICE.get_or_init(|| {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let adapter =
            pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).ok()?;
        pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).ok()
    });
    if found.is_none() {
        eprintln!("SKIPPED: no graphics adapter, so no shader was run");
    }
    found.as_ref()
}

/// Display values of `pixels` by the shader of `chain`.
pub(super) fn drawn(chain: &ColorChain, pixels: &[[f32; 4]]) -> Option<Vec<[f32; 4]>> {
    let (device, queue) = device()?;
    let size = wgpu::Extent3d { width: pixels.len() as u32, height: 1, depth_or_array_layers: 1 };
    let input = texture(device, size, wgpu::TextureDimension::D2, TARGET);
    write(queue, &input, size, 16, bytemuck::cast_slice(pixels));
    let target = texture(device, size, wgpu::TextureDimension::D2, TARGET);
    let pipeline = pipeline(device, &chain.program);
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    draw(device, queue, &mut encoder, &pipeline, &chain.program, &input, &target);
    let pitch = (size.width * 16).next_multiple_of(256);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(pitch),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(pitch), rows_per_image: None };
    let into = wgpu::TexelCopyBufferInfo { buffer: &buffer, layout };
    encoder.copy_texture_to_buffer(target.as_image_copy(), into, size);
    queue.submit([encoder.finish()]);
    buffer.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.expect("mapping"));
    device.poll(wgpu::PollType::wait_indefinitely()).expect("polling");
    let bytes = buffer.slice(..).get_mapped_range().expect("mapped");
    Some(bytemuck::cast_slice(&bytes[..pixels.len() * 16]).to_vec())
}

/// The text that a pass would be compiled from.
pub(super) fn composed(program: &ColorProgram) -> String {
    format!("{}{PASS}", program.wgsl)
}

fn pipeline(device: &wgpu::Device, program: &ColorProgram) -> wgpu::RenderPipeline {
    let source = wgpu::ShaderSource::Wgsl(composed(program).into());
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
    let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty,
        count: None,
    };
    let read = |dimension| wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable: false },
        view_dimension: dimension,
        multisampled: false,
    };
    let uniform = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let mut entries: Vec<_> = program.uniform.iter().map(|it| entry(it.binding, uniform)).collect();
    entries.extend(program.textures.iter().map(|it| match it.dimension {
        TextureDimension::D2 => entry(it.binding, read(wgpu::TextureViewDimension::D2)),
        TextureDimension::D3 => entry(it.binding, read(wgpu::TextureViewDimension::D3)),
    }));
    let group = |entries: &[wgpu::BindGroupLayoutEntry]| {
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries })
    };
    let groups = [group(&[entry(0, read(wgpu::TextureViewDimension::D2))]), group(&[]), group(&entries)];
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(&groups[0]), Some(&groups[1]), Some(&groups[2])],
        immediate_size: 0,
    });
    let compilation_options = wgpu::PipelineCompilationOptions::default;
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: None,
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("corner"),
            compilation_options: compilation_options(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("fragment"),
            compilation_options: compilation_options(),
            targets: &[Some(TARGET.into())],
        }),
        multiview_mask: None,
        cache: None,
    })
}

fn draw(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    encoder: &mut wgpu::CommandEncoder,
    pipeline: &wgpu::RenderPipeline,
    program: &ColorProgram,
    input: &wgpu::Texture,
    target: &wgpu::Texture,
) {
    let view = |texture: &wgpu::Texture| texture.create_view(&wgpu::TextureViewDescriptor::default());
    let tables: Vec<_> =
        program.textures.iter().map(|it| (it.binding, view(&table(device, queue, it)))).collect();
    let uniform = program.uniform.as_ref().map(|it| {
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: it.bytes.len() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        queue.write_buffer(&buffer, 0, &it.bytes);
        (it.binding, buffer)
    });
    let mut entries: Vec<wgpu::BindGroupEntry<'_>> = Vec::new();
    if let Some((binding, buffer)) = &uniform {
        entries.push(wgpu::BindGroupEntry { binding: *binding, resource: buffer.as_entire_binding() });
    }
    for (binding, view) in &tables {
        let resource = wgpu::BindingResource::TextureView(view);
        entries.push(wgpu::BindGroupEntry { binding: *binding, resource });
    }
    let group = |index, entries: &[wgpu::BindGroupEntry<'_>]| {
        let layout = pipeline.get_bind_group_layout(index);
        device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &layout, entries })
    };
    let (input, target) = (view(input), view(target));
    let pixels = [wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&input) }];
    let (pixels, colors) = (group(0, &pixels), group(COLOR_GROUP, &entries));
    let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: &target,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations::default(),
        })],
        ..Default::default()
    });
    pass.set_pipeline(pipeline);
    pass.set_bind_group(0, &pixels, &[]);
    pass.set_bind_group(1, &group(1, &[]), &[]);
    pass.set_bind_group(COLOR_GROUP, &colors, &[]);
    pass.draw(0..3, 0..1);
}

fn table(device: &wgpu::Device, queue: &wgpu::Queue, table: &ProgramTexture) -> wgpu::Texture {
    let [width, height, depth_or_array_layers] = table.size;
    let size = wgpu::Extent3d { width, height, depth_or_array_layers };
    let dimension = match table.dimension {
        TextureDimension::D2 => wgpu::TextureDimension::D2,
        TextureDimension::D3 => wgpu::TextureDimension::D3,
    };
    let format = if table.channels == 1 { wgpu::TextureFormat::R32Float } else { TARGET };
    let texture = texture(device, size, dimension, format);
    write(queue, &texture, size, table.channels * 4, bytemuck::cast_slice(&table.texels));
    texture
}

fn texture(
    device: &wgpu::Device,
    size: wgpu::Extent3d,
    dimension: wgpu::TextureDimension,
    format: wgpu::TextureFormat,
) -> wgpu::Texture {
    let mut usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
    if dimension == wgpu::TextureDimension::D2 {
        usage |= wgpu::TextureUsages::COPY_SRC | wgpu::TextureUsages::RENDER_ATTACHMENT;
    }
    device.create_texture(&wgpu::TextureDescriptor {
        label: None,
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension,
        format,
        usage,
        view_formats: &[],
    })
}

fn write(queue: &wgpu::Queue, texture: &wgpu::Texture, size: wgpu::Extent3d, texel_bytes: u32, bytes: &[u8]) {
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(size.width * texel_bytes),
        rows_per_image: Some(size.height),
    };
    queue.write_texture(texture.as_image_copy(), bytes, layout, size);
}

/// Ramps, greys, colours in and out of every gamut, negatives, and what is no number.
pub(super) fn test_pixels() -> Vec<[f32; 4]> {
    let mut pixels = Vec::new();
    for step in 0..400 {
        let value = (step as f32 / 400.0 * 20.0 - 12.0).exp2();
        pixels.push([value, value, value, 1.0]);
        pixels.push([value, value * 0.5, 0.02, 0.5]);
        pixels.push([value * 0.1, value, -value * 0.05, 0.0]);
    }
    for step in 0..100 {
        let value = step as f32 / 50.0 - 1.0;
        pixels.push([value, -value, value * 0.3, 1.0]);
    }
    let (nan, inf) = (f32::NAN, f32::INFINITY);
    let odd = [nan, inf, -inf, 0.0, -0.0, 65504.0, 1e30, f32::MIN_POSITIVE];
    pixels.extend(odd.map(|value| [value, value, value, 1.0]));
    // What is huge leaves no digits for its neighbours, so that it is alone.
    pixels.extend([nan, 0.0, -0.0, f32::MIN_POSITIVE].map(|value| [value, 0.18, 0.5, 1.0]));
    pixels
}

/// Fails where the shader of `chain` differs from its twin by more than `tolerance`, relative above 1.
pub(super) fn assert_drawn_like_its_twin(chain: &ColorChain, pixels: &[[f32; 4]], tolerance: f32) {
    let Some(drawn) = drawn(chain, pixels) else { return };
    let mut twin = pixels.to_vec();
    chain.cpu.to_working(&mut twin);
    chain.cpu.to_display(&mut twin);
    for ((pixel, drawn), twin) in pixels.iter().zip(&drawn).zip(&twin) {
        for (ours, theirs) in drawn.iter().zip(twin) {
            let is_near = (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0);
            assert!(
                is_near,
                "{}: {pixel:?} is {drawn:?} by the shader, {twin:?} by its twin",
                chain.description.text()
            );
        }
    }
}
