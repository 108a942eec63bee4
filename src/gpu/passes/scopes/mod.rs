//! The scopes pass: what is in the planes of a slot, counted by a compute shader. One measurement is
//! under way at a time and nobody waits for it: its counts are copied into a buffer that is mapped when
//! the device has got that far. Buffers are made once. The thread that submits.

mod device;
mod results;

use bytemuck::{Pod, Zeroable};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::image::PlaneUniform;
use crate::color::scopes::{Scale, ScaleTable, ScopeGrid, ScopeResult, ScopeSettings};
use crate::color::{Encoding, VideoCodes};
use crate::frame::FrameKey;
use crate::gpu::shaders::Shader;
use crate::gpu::{Gpu, PlaneAccess, Slot, TextureRing};

pub use device::ScopesError;
use device::{Buffers, counts_layout, lacking, planes_group, planes_layout};
pub use results::ColumnCounts;
use results::{RESULT_BYTES, VECTORSCOPE_BYTES, VECTORSCOPE_OFFSET};

/// Twin of `Scopes` in `scopes.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq)]
pub struct ScopesUniform {
    pub first: [u32; 2],
    pub samples: [u32; 2],
    pub size: [u32; 2],
    pub step: u32,
    pub columns: u32,
    pub lowest: u32,
    pub highest: u32,
    pub turn_origin: [i32; 2],
    pub turn: [[i32; 2]; 2],
    pub planes: [PlaneUniform; 3],
    pub video_weights: [[i32; 4]; 3],
    pub video_offsets: [i32; 4],
    pub video_full: f32,
    pub padding: [u32; 3],
}

/// What a pipeline is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Variant {
    access: PlaneAccess,
    is_direct: bool,
    is_video: bool,
}

impl Variant {
    fn of(slot: &Slot) -> Self {
        let (is_direct, is_video) = (is_direct(slot), VideoCodes::of(&slot.layout).is_some());
        Self { access: slot.access, is_direct, is_video }
    }
}

struct Pipeline {
    pipeline: wgpu::ComputePipeline,
    planes: wgpu::BindGroupLayout,
    variant: Variant,
}

impl Pipeline {
    fn new(device: &wgpu::Device, counts: &wgpu::BindGroupLayout, variant: Variant) -> Self {
        let planes = planes_layout(device, variant.access);
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("scopes"),
            bind_group_layouts: &[Some(counts), Some(&planes)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("scopes"),
            layout: Some(&layout),
            module: &Shader::Scopes(variant.access).module(device),
            entry_point: Some("measure"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &[
                    ("is_direct", f64::from(variant.is_direct)),
                    ("is_video", f64::from(variant.is_video)),
                ],
                ..Default::default()
            },
            cache: None,
        });
        Self { pipeline, planes, variant }
    }
}

/// A measurement that the device works on.
struct Running {
    key: FrameKey,
    settings: ScopeSettings,
    grid: ScopeGrid,
    is_whole: bool,
}

/// The pipelines, the buffers, and the measurement under way.
pub struct ScopesPass {
    layout: wgpu::BindGroupLayout,
    /// Each made when it is measured with first.
    pipelines: Vec<Pipeline>,
    buffers: Buffers,
    group: wgpu::BindGroup,
    table: Option<(Scale, Encoding, ScaleTable)>,
    running: Option<Running>,
    wish: Option<(FrameKey, ScopeSettings)>,
    number: u64,
    sender: Sender<Result<(), wgpu::BufferAsyncError>>,
    mapped: Receiver<Result<(), wgpu::BufferAsyncError>>,
}

impl ScopesPass {
    /// # Errors
    /// [`ScopesError`] on adapters without compute shaders or storage buffers of the sizes needed.
    pub fn new(gpu: &Gpu) -> Result<Self, ScopesError> {
        if let Some(lacks) = lacking(gpu) {
            return Err(ScopesError::Adapter { adapter: gpu.summary.name.clone(), lacks });
        }
        let device = &gpu.device;
        let layout = counts_layout(device);
        let buffers = Buffers::new(device);
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("scopes"),
            layout: &layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: buffers.uniform.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: buffers.table.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 2, resource: buffers.counts.as_entire_binding() },
            ],
        });
        let (sender, mapped) = bounded(1);
        Ok(Self {
            layout,
            pipelines: Vec::new(),
            buffers,
            group,
            table: None,
            running: None,
            wish: None,
            number: 0,
            sender,
            mapped,
        })
    }

    /// Bytes of all buffers, whatever is measured.
    pub fn bytes(&self) -> u64 {
        self.buffers.all().iter().map(|buffer| buffer.size()).sum()
    }

    /// Whether a measurement is under way, so that polling again soon is worth it.
    pub fn is_busy(&self) -> bool {
        self.running.is_some()
    }

    /// Asks for a measurement of a frame of the ring. While another one is under way the newest wish is
    /// kept and begun when that one is done. A frame that is not resident by then is not measured.
    pub fn request(&mut self, gpu: &Gpu, ring: &TextureRing, key: FrameKey, settings: &ScopeSettings) {
        self.wish = Some((key, *settings));
        self.begin_wish(gpu, ring);
    }

    /// The measurement that is complete, if one is; waits for nothing.
    pub fn poll(&mut self, gpu: &Gpu, ring: &TextureRing) -> Option<ScopeResult> {
        let result = self.collect(gpu);
        self.begin_wish(gpu, ring);
        result
    }

    fn begin_wish(&mut self, gpu: &Gpu, ring: &TextureRing) {
        if self.running.is_some() {
            return;
        }
        let Some((key, settings)) = self.wish.take() else { return };
        if let Some(slot) = ring.slot(key) {
            self.begin(gpu, slot, key, settings);
        }
    }

    fn begin(&mut self, gpu: &Gpu, slot: &Slot, key: FrameKey, settings: ScopeSettings) {
        let grid = ScopeGrid::of(slot.layout.data_window(), &settings);
        self.write_settings(gpu, slot, grid, &settings);
        let variant = Variant::of(slot);
        let made = self.pipelines.iter().position(|pipeline| pipeline.variant == variant);
        let place = made.unwrap_or_else(|| {
            self.pipelines.push(Pipeline::new(&gpu.device, &self.layout, variant));
            self.pipelines.len() - 1
        });
        let pipeline = &self.pipelines[place];
        let planes = planes_group(&gpu.device, &pipeline.planes, slot);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        encoder.clear_buffer(&self.buffers.counts, VECTORSCOPE_OFFSET, Some(VECTORSCOPE_BYTES));
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &self.group, &[]);
            pass.set_bind_group(1, &planes, &[]);
            pass.dispatch_workgroups(grid.columns(), 1, 1);
        }
        encoder.copy_buffer_to_buffer(&self.buffers.counts, 0, &self.buffers.readback, 0, RESULT_BYTES);
        gpu.queue.submit([encoder.finish()]);
        let sender = self.sender.clone();
        self.buffers.readback.slice(..).map_async(wgpu::MapMode::Read, move |mapped| {
            let _ = sender.try_send(mapped);
        });
        self.running = Some(Running { key, settings, grid, is_whole: slot.missing.is_empty() });
    }

    /// Brings uniform and table up to date.
    fn write_settings(&mut self, gpu: &Gpu, slot: &Slot, grid: ScopeGrid, settings: &ScopeSettings) {
        let (scale, encoding) = (settings.scale, settings.encoding);
        let known = self.table.take().filter(|table| (table.0, table.1) == (scale, encoding));
        let (.., table) = self.table.insert(known.unwrap_or_else(|| {
            let table = ScaleTable::new(scale, encoding);
            gpu.queue.write_buffer(&self.buffers.table, 0, bytemuck::cast_slice(table.entries()));
            (scale, encoding, table)
        }));
        let (lowest, highest) = table.range_bits();
        let stored = slot.layout.stored_size();
        let turn = slot.layout.orientation().pixels(stored);
        let planes = slot.layout.color_planes();
        let none = VideoCodes { weights: [[0; 3]; 3], offsets: [0; 3], shift: 0, full: 0 };
        let codes = VideoCodes::of(&slot.layout).unwrap_or(none);
        let [zero_a, zero_b, zero_c] = codes.offsets;
        let uniform = ScopesUniform {
            first: [grid.area.x, grid.area.y],
            samples: [grid.across(), grid.down()],
            size: stored.into(),
            step: grid.step,
            columns: grid.columns(),
            lowest,
            highest,
            turn_origin: turn.origin,
            turn: turn.rows,
            planes: planes.map(|plane| PlaneUniform::of(slot, plane)),
            video_weights: codes.weights.map(|[a, b, c]| [a, b, c, 0]),
            video_offsets: [zero_a, zero_b, zero_c, codes.shift as i32],
            video_full: f32::from(codes.full),
            padding: [0; 3],
        };
        gpu.queue.write_buffer(&self.buffers.uniform, 0, bytemuck::bytes_of(&uniform));
    }

    fn collect(&mut self, gpu: &Gpu) -> Option<ScopeResult> {
        self.running.as_ref()?;
        gpu.poll();
        let mapped = match self.mapped.try_recv() {
            Err(TryRecvError::Empty) => return None,
            answer => answer,
        };
        let Running { key, settings, grid, is_whole } = self.running.take()?;
        if !matches!(mapped, Ok(Ok(()))) {
            // A device that was lost; whoever owns the pass makes another one.
            return None;
        }
        let scopes = {
            let view = self.buffers.readback.slice(..).get_mapped_range().ok()?;
            results::scopes(&view, grid, is_whole)
        };
        self.buffers.readback.unmap();
        self.number += 1;
        scopes.map(|scopes| ScopeResult { number: self.number, key, settings, scopes })
    }
}

/// Whether every plane is one texture with a sample a pixel, shown as it is stored.
fn is_direct(slot: &Slot) -> bool {
    let stored = slot.layout.stored_size();
    slot.layout.orientation().is_upright()
        && slot.layout.color_planes().into_iter().all(|plane| {
            let spec = &slot.layout.planes()[plane];
            (spec.width, spec.height) == stored && slot.tiles(plane).layers() == 1
        })
}
