//! The timeline pass: track, status runs in two lanes, in/out shading and playhead as instances of
//! one quad, in one draw. Instances are written again only when a run or the work area changed; the
//! playhead and the size of the strip are uniforms.

use bytemuck::{Pod, Zeroable};

use super::uniform_group;
use crate::gpu::shaders::Shader;
use crate::stats::{FrameStatus, Run, TimelineStatus};
use crate::time::WorkArea;

const LANE_TRACK: u32 = 0;
const LANE_CPU: u32 = 1;
const LANE_GPU: u32 = 2;
const LANE_SHADE: u32 = 3;
const LANE_PLAYHEAD: u32 = 4;
const LANES: usize = 5;

/// Colours as red, green, blue, alpha, premultiplied.
const TRACK: [u8; 4] = [30, 30, 30, 255];
const SHADE: [u8; 4] = [0, 0, 0, 140];
/// In short clips the playhead is wide, and what is under it still shows.
const PLAYHEAD: [u8; 4] = [170, 170, 170, 180];

/// The colour of a status in the RAM lane; `None` where the track shows through.
pub fn status_color(status: FrameStatus) -> Option<[u8; 4]> {
    Some(match status {
        FrameStatus::NotLoaded => [50, 100, 200, 255],
        FrameStatus::Missing => [90, 40, 40, 255],
        FrameStatus::Loading => [200, 200, 50, 255],
        FrameStatus::Resident => [50, 200, 100, 255],
        FrameStatus::Degraded => [230, 140, 40, 255],
        FrameStatus::Error => [200, 50, 50, 255],
    })
}

/// Frames in VRAM are of a brighter green; what is not there leaves the track dark.
fn vram_color(status: FrameStatus) -> Option<[u8; 4]> {
    match status {
        FrameStatus::Resident => Some([110, 255, 150, 255]),
        FrameStatus::Error => status_color(status),
        _ => None,
    }
}

/// Where several frames share a pixel, the later of this order is seen.
fn weight(status: FrameStatus) -> u8 {
    match status {
        FrameStatus::NotLoaded => 0,
        FrameStatus::Missing => 1,
        FrameStatus::Resident => 2,
        FrameStatus::Degraded => 3,
        FrameStatus::Loading => 4,
        FrameStatus::Error => 5,
    }
}

/// One quad: a stretch of frames in a lane.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq, Eq)]
pub struct Quad {
    pub first: u32,
    pub frames: u32,
    pub lane: u32,
    pub color: [u8; 4],
}

/// Twin of `Strip` in `timeline.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq)]
pub struct StripUniform {
    pub size: [f32; 2],
    pub first: f32,
    pub frames: f32,
    pub playhead: f32,
    pub padding: f32,
    pub more_padding: [f32; 2],
    pub lanes: [[f32; 4]; LANES],
}

impl StripUniform {
    /// A strip of `width` by `height` pixels that shows `frames` frames.
    pub fn new((width, height): (u32, u32), frames: u32, playhead: u32) -> Self {
        let height = height as f32;
        let middle = (height / 2.0).floor();
        let lane = |top: f32, bottom: f32| [top, bottom, 0.0, 0.0];
        Self {
            size: [width as f32, height],
            first: 0.0,
            frames: frames.max(1) as f32,
            playhead: playhead as f32,
            padding: 0.0,
            more_padding: [0.0; 2],
            lanes: [
                lane(0.0, height),
                lane(1.0, middle.max(1.0)),
                lane((middle + 1.0).min(height), (height - 1.0).max(1.0)),
                lane(0.0, height),
                lane(0.0, height),
            ],
        }
    }
}

/// Every quad of the strip, in drawing order.
pub fn quads(status: &TimelineStatus, frames: u32, area: WorkArea) -> Vec<Quad> {
    let mut quads = vec![Quad { first: 0, frames: frames.max(1), lane: LANE_TRACK, color: TRACK }];
    push_runs(&mut quads, &status.cpu, LANE_CPU, status_color);
    push_runs(&mut quads, &status.gpu, LANE_GPU, vram_color);
    let after = area.last() + 1;
    let shades = [(0, area.first()), (after, frames.saturating_sub(after))];
    for (first, frames) in shades.into_iter().filter(|(_, frames)| *frames > 0) {
        quads.push(Quad { first, frames, lane: LANE_SHADE, color: SHADE });
    }
    quads.push(Quad { first: 0, frames: 1, lane: LANE_PLAYHEAD, color: PLAYHEAD });
    quads
}

fn push_runs(quads: &mut Vec<Quad>, runs: &[Run], lane: u32, color: impl Fn(FrameStatus) -> Option<[u8; 4]>) {
    let mut runs: Vec<&Run> = runs.iter().collect();
    runs.sort_by_key(|run| weight(run.status));
    let quad =
        |run: &Run| Some(Quad { first: run.first, frames: run.frames, lane, color: color(run.status)? });
    quads.extend(runs.into_iter().filter_map(quad));
}

/// The strip as the pass draws it, computed on the CPU: rows of opaque RGBA pixels. The twin that
/// tests compare the pass with, exactly.
pub fn rasterised(quads: &[Quad], strip: &StripUniform) -> Vec<[u8; 4]> {
    let (width, height) = (strip.size[0] as usize, strip.size[1] as usize);
    let mut pixels = vec![[0; 4]; width * height];
    let pixel_of_frame = |frame: f32| ((frame - strip.first) * strip.size[0] / strip.frames + 0.5).floor();
    for quad in quads {
        let shift = if quad.lane == LANE_PLAYHEAD { strip.playhead } else { 0.0 };
        let first = quad.first as f32 + shift;
        let left = pixel_of_frame(first);
        let right = pixel_of_frame(first + quad.frames as f32).max(left + 1.0);
        let [top, bottom, ..] = strip.lanes[quad.lane as usize];
        for y in top as usize..(bottom as usize).min(height) {
            for x in left.max(0.0) as usize..(right as usize).min(width) {
                blend(&mut pixels[y * width + x], quad.color);
            }
        }
    }
    pixels
}

fn blend(below: &mut [u8; 4], above: [u8; 4]) {
    let keep = 255.0 - f32::from(above[3]);
    for (below, above) in below.iter_mut().zip(above) {
        *below = (f32::from(above) + f32::from(*below) * keep / 255.0 + 0.5) as u8;
    }
}

/// Everything that one draw needs; cheap to clone, because the handles are shared.
#[derive(Debug, Clone)]
pub struct TimelineDraw {
    pipeline: wgpu::RenderPipeline,
    group: wgpu::BindGroup,
    instances: wgpu::Buffer,
    count: u32,
}

impl TimelineDraw {
    /// Draws the strip over the viewport of `pass`.
    pub fn record(&self, pass: &mut wgpu::RenderPass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.set_vertex_buffer(0, self.instances.slice(..));
        pass.draw(0..4, 0..self.count);
    }
}

/// What the instances were last made from.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Drawn {
    revision: u64,
    frames: u32,
    area: WorkArea,
}

/// The pipeline and the buffers of the timeline pass for one target format.
pub struct TimelinePass {
    draw: TimelineDraw,
    uniform: wgpu::Buffer,
    capacity: usize,
    drawn: Option<Drawn>,
    strip: Option<StripUniform>,
    rewrites: u64,
}

/// Instances that the buffer holds at first.
const FIRST_CAPACITY: usize = 256;

impl TimelinePass {
    pub fn new(device: &wgpu::Device, target: wgpu::TextureFormat) -> Self {
        let (layout, uniform, group) = uniform_group(device, "timeline uniforms", size_of::<StripUniform>());
        let pipeline = pipeline(device, &layout, target);
        let instances = instance_buffer(device, FIRST_CAPACITY);
        Self {
            draw: TimelineDraw { pipeline, group, instances, count: 0 },
            uniform,
            capacity: FIRST_CAPACITY,
            drawn: None,
            strip: None,
            rewrites: 0,
        }
    }

    /// Brings the buffers up to date and returns the draw. Writes nothing that did not change.
    pub fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        status: &TimelineStatus,
        area: WorkArea,
        strip: &StripUniform,
    ) -> TimelineDraw {
        let frames = strip.frames as u32;
        let wanted = Drawn { revision: status.revision, frames, area };
        if self.drawn != Some(wanted) {
            self.write_instances(device, queue, &quads(status, frames, area));
            self.drawn = Some(wanted);
        }
        if self.strip != Some(*strip) {
            queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(strip));
            self.strip = Some(*strip);
        }
        self.draw.clone()
    }

    /// How often the instances were written.
    pub fn rewrites(&self) -> u64 {
        self.rewrites
    }

    fn write_instances(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, quads: &[Quad]) {
        if quads.len() > self.capacity {
            self.capacity = quads.len().next_power_of_two();
            self.draw.instances = instance_buffer(device, self.capacity);
        }
        queue.write_buffer(&self.draw.instances, 0, bytemuck::cast_slice(quads));
        self.draw.count = quads.len() as u32;
        self.rewrites += 1;
    }
}

fn instance_buffer(device: &wgpu::Device, quads: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("timeline quads"),
        size: (quads * size_of::<Quad>()) as u64,
        usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn pipeline(
    device: &wgpu::Device,
    uniforms: &wgpu::BindGroupLayout,
    target: wgpu::TextureFormat,
) -> wgpu::RenderPipeline {
    let module = Shader::Timeline.module(device);
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("timeline"),
        bind_group_layouts: &[Some(uniforms)],
        immediate_size: 0,
    });
    let features = target.guaranteed_format_features(wgpu::Features::empty());
    let is_blendable = features.flags.contains(wgpu::TextureFormatFeatureFlags::BLENDABLE);
    let attributes = wgpu::vertex_attr_array![0 => Uint32, 1 => Uint32, 2 => Uint32, 3 => Unorm8x4];
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("timeline"),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("vertex"),
            compilation_options: Default::default(),
            buffers: &[Some(wgpu::VertexBufferLayout {
                array_stride: size_of::<Quad>() as u64,
                step_mode: wgpu::VertexStepMode::Instance,
                attributes: &attributes,
            })],
        },
        primitive: wgpu::PrimitiveState {
            topology: wgpu::PrimitiveTopology::TriangleStrip,
            ..Default::default()
        },
        depth_stencil: None,
        multisample: Default::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some("fragment"),
            compilation_options: Default::default(),
            targets: &[Some(wgpu::ColorTargetState {
                format: target,
                // Targets for data take no strip, and their formats cannot be blended.
                blend: is_blendable.then_some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}
