//! Owns the way of bytes into textures: a small pool of mapped buffers, filled in row bands by
//! threads that hold no lock of the device, copied into textures by the one thread that submits.
//! The pool never holds whole frames, and no texture owns a buffer of it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::Gpu;
use crate::frame::{FrameBuffer, FrameKey};

/// The pool is at most this share of the VRAM budget …
const POOL_SHARE: u64 = 8;
/// … and at most this large.
const POOL_MAX_BYTES: u64 = 64 << 20;
/// A band holds at least one row of the widest plane that passes the gate.
const BAND_MIN_BYTES: u64 = 256 << 10;
const BAND_MAX_BYTES: u64 = 8 << 20;
/// Bands that a pool is divided into: one is filled while another is copied.
const BANDS: u64 = 4;

/// Number and size of the mapped buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagingPlan {
    pub bands: usize,
    pub band_bytes: u64,
}

impl StagingPlan {
    /// The pool for a VRAM budget: at most the larger of one band and an eighth of it.
    pub fn for_budget(budget_bytes: u64) -> Self {
        let pool = (budget_bytes / POOL_SHARE).min(POOL_MAX_BYTES);
        let band_bytes = (pool / BANDS).clamp(BAND_MIN_BYTES, BAND_MAX_BYTES) / 256 * 256;
        Self { bands: (pool / band_bytes).max(1) as usize, band_bytes }
    }

    pub fn total_bytes(self) -> u64 {
        self.bands as u64 * self.band_bytes
    }
}

/// One frame on its way into the textures of a slot, one texture a plane.
#[derive(Debug)]
pub struct Upload {
    pub key: FrameKey,
    pub frame: Arc<FrameBuffer>,
    pub textures: Vec<wgpu::Texture>,
}

/// An upload of which every byte was submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uploaded {
    pub key: FrameKey,
    pub bytes: u64,
    pub nanos: u64,
}

/// Brings frames into textures. A way without staging would replace this in one file.
pub trait Uploader {
    /// Takes a frame; its bytes follow in later steps.
    fn begin(&mut self, upload: Upload);
    /// Does what can be done without waiting; returns the uploads that are complete.
    fn step(&mut self, gpu: &Gpu) -> Vec<Uploaded>;
    /// Forgets an upload: nothing more is written to its textures.
    fn cancel(&mut self, key: FrameKey);
    /// Uploads begun and not complete.
    fn in_flight(&self) -> usize;
    /// Bytes of the mapped buffers.
    fn staging_bytes(&self) -> u64;
    /// The longest row of a plane that it takes, padding included.
    fn longest_row_bytes(&self) -> u64;
}

/// A stretch of whole rows of one plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Band {
    upload: u64,
    plane: usize,
    first_row: usize,
    rows: usize,
}

struct FillJob {
    buffer: usize,
    view: wgpu::BufferViewMut,
    frame: Arc<FrameBuffer>,
    bytes: Range<usize>,
    band: Band,
}

struct Filled {
    buffer: usize,
    band: Band,
}

/// An upload between its first and its last band.
#[derive(Debug)]
struct Running {
    id: u64,
    upload: Upload,
    next_plane: usize,
    next_row: usize,
    bands_out: usize,
    started: Instant,
}

impl Running {
    /// Whether every row is on its way.
    fn is_assigned(&self) -> bool {
        self.next_plane == self.upload.frame.layout.spans().len()
    }

    /// The next rows that fit a band of `band_bytes`, and where they lie in the frame.
    fn next_band(&mut self, band_bytes: u64) -> Option<(Band, Range<usize>)> {
        let span = *self.upload.frame.layout.spans().get(self.next_plane)?;
        let rows = (band_bytes as usize / span.row_bytes).clamp(1, span.rows - self.next_row);
        let band = Band { upload: self.id, plane: self.next_plane, first_row: self.next_row, rows };
        let start = span.row(self.next_row).start;
        self.next_row += rows;
        if self.next_row == span.rows {
            (self.next_plane, self.next_row) = (self.next_plane + 1, 0);
        }
        self.bands_out += 1;
        Some((band, start..start + rows * span.row_bytes))
    }

    fn is_complete(&self) -> bool {
        self.is_assigned() && self.bands_out == 0
    }
}

/// A buffer that the device handed back, and whether it is mapped.
type Returned = (usize, bool);

/// The uploader over mapped staging buffers.
pub struct StagedUploader {
    plan: StagingPlan,
    buffers: Vec<wgpu::Buffer>,
    /// Mapped buffers that nobody uses.
    free: Vec<usize>,
    /// Buffers whose mapping failed; they are made anew.
    broken: Vec<usize>,
    /// Buffers that came back from the device, and whether they are mapped.
    mapped: (Sender<Returned>, Receiver<Returned>),
    running: VecDeque<Running>,
    next_id: u64,
    jobs: Option<Sender<FillJob>>,
    filled: Receiver<Filled>,
    threads: Vec<JoinHandle<()>>,
}

impl StagedUploader {
    /// Makes the pool and starts `threads` copying threads, which call `wake` after every band.
    ///
    /// # Errors
    /// The error of the operating system when no thread could be started.
    pub fn new(
        gpu: &Gpu,
        plan: StagingPlan,
        threads: usize,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = bounded::<FillJob>(plan.bands);
        let (results, filled) = bounded::<Filled>(plan.bands);
        let mut handles = Vec::new();
        for number in 0..threads.max(1) {
            let (queue, results, wake) = (queue.clone(), results.clone(), Arc::clone(&wake));
            let thread = std::thread::Builder::new()
                .name(format!("staging-{number}"))
                .spawn(move || fill_bands(&queue, &results, &wake))?;
            handles.push(thread);
        }
        Ok(Self {
            plan,
            buffers: (0..plan.bands).map(|_| mapped_buffer(gpu, plan)).collect(),
            free: (0..plan.bands).collect(),
            broken: Vec::new(),
            mapped: unbounded(),
            running: VecDeque::new(),
            next_id: 0,
            jobs: Some(jobs),
            filled,
            threads: handles,
        })
    }

    /// Records the copies of every filled band and submits them together.
    fn submit_filled(&mut self, gpu: &Gpu) {
        let mut encoder: Option<wgpu::CommandEncoder> = None;
        while let Ok(Filled { buffer, band }) = self.filled.try_recv() {
            let Some(running) = self.running.iter_mut().find(|running| running.id == band.upload) else {
                // Cancelled meanwhile: the buffer is still mapped and free again.
                self.free.push(buffer);
                continue;
            };
            running.bands_out -= 1;
            let encoder =
                encoder.get_or_insert_with(|| gpu.device.create_command_encoder(&Default::default()));
            self.buffers[buffer].unmap();
            copy_band(encoder, &self.buffers[buffer], &running.upload, band);
            let mapped = self.mapped.0.clone();
            encoder.map_buffer_on_submit(&self.buffers[buffer], wgpu::MapMode::Write, .., move |result| {
                let _ = mapped.send((buffer, result.is_ok()));
            });
        }
        if let Some(encoder) = encoder {
            gpu.queue.submit([encoder.finish()]);
        }
    }

    fn replace_broken(&mut self, gpu: &Gpu) {
        // A lost device makes no buffers; its owner replaces all of this.
        if gpu.is_lost() {
            return;
        }
        for buffer in self.broken.drain(..) {
            log::warn!("a staging buffer could not be mapped and is made anew");
            self.buffers[buffer] = mapped_buffer(gpu, self.plan);
            self.free.push(buffer);
        }
    }

    /// Hands free buffers to the copying threads, oldest upload first.
    fn assign_bands(&mut self) {
        for (buffer, is_mapped) in self.mapped.1.try_iter() {
            if is_mapped { self.free.push(buffer) } else { self.broken.push(buffer) }
        }
        let Some(jobs) = &self.jobs else { return };
        for running in &mut self.running {
            while !running.is_assigned()
                && let Some(buffer) = self.free.pop()
            {
                let Ok(view) = self.buffers[buffer].get_mapped_range_mut(..) else {
                    self.broken.push(buffer);
                    continue;
                };
                let Some((band, bytes)) = running.next_band(self.plan.band_bytes) else { break };
                let frame = Arc::clone(&running.upload.frame);
                let _ = jobs.send(FillJob { buffer, view, frame, bytes, band });
            }
        }
    }
}

fn mapped_buffer(gpu: &Gpu, plan: StagingPlan) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("staging"),
        size: plan.band_bytes,
        usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: true,
    })
}

fn fill_bands(jobs: &Receiver<FillJob>, results: &Sender<Filled>, wake: &Arc<dyn Fn() + Send + Sync>) {
    for FillJob { buffer, mut view, frame, bytes, band } in jobs {
        let source = &frame.memory.bytes()[bytes];
        view.slice(..source.len()).copy_from_slice(source);
        // The view must be gone before the buffer is unmapped.
        drop(view);
        drop(frame);
        if results.send(Filled { buffer, band }).is_err() {
            return;
        }
        wake();
    }
}

/// Copies the rows of a band into every tile that they run through.
fn copy_band(encoder: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer, upload: &Upload, band: Band) {
    let layout = &upload.frame.layout;
    let plane = &layout.planes()[band.plane];
    let row_bytes = layout.spans()[band.plane].row_bytes as u64;
    let texture = &upload.textures[band.plane];
    let (tile_width, tile_height) = (texture.width(), texture.height());
    let (first, end) = (band.first_row as u32, (band.first_row + band.rows) as u32);
    let columns = plane.width.div_ceil(tile_width);
    for row in first / tile_height..end.div_ceil(tile_height) {
        let top = (row * tile_height).max(first);
        let bottom = ((row + 1) * tile_height).min(end);
        for column in 0..columns {
            let left = column * tile_width;
            let into_band =
                u64::from(top - first) * row_bytes + u64::from(left) * plane.sample.bytes() as u64;
            encoder.copy_buffer_to_texture(
                wgpu::TexelCopyBufferInfo {
                    buffer,
                    layout: wgpu::TexelCopyBufferLayout {
                        offset: into_band,
                        bytes_per_row: Some(row_bytes as u32),
                        rows_per_image: None,
                    },
                },
                wgpu::TexelCopyTextureInfo {
                    texture,
                    mip_level: 0,
                    origin: wgpu::Origin3d { x: 0, y: top - row * tile_height, z: row * columns + column },
                    aspect: wgpu::TextureAspect::All,
                },
                wgpu::Extent3d {
                    width: tile_width.min(plane.width - left),
                    height: bottom - top,
                    depth_or_array_layers: 1,
                },
            );
        }
    }
}

impl Uploader for StagedUploader {
    fn begin(&mut self, upload: Upload) {
        self.next_id += 1;
        self.running.push_back(Running {
            id: self.next_id,
            upload,
            next_plane: 0,
            next_row: 0,
            bands_out: 0,
            started: Instant::now(),
        });
    }

    fn step(&mut self, gpu: &Gpu) -> Vec<Uploaded> {
        gpu.poll();
        self.submit_filled(gpu);
        self.replace_broken(gpu);
        self.assign_bands();
        let mut done = Vec::new();
        self.running.retain(|running| {
            if running.is_complete() {
                done.push(Uploaded {
                    key: running.upload.key,
                    bytes: running.upload.frame.layout.total_bytes() as u64,
                    nanos: u64::try_from(running.started.elapsed().as_nanos()).unwrap_or(u64::MAX),
                });
            }
            !running.is_complete()
        });
        done
    }

    fn cancel(&mut self, key: FrameKey) {
        self.running.retain(|running| running.upload.key != key);
    }

    fn in_flight(&self) -> usize {
        self.running.len()
    }

    fn staging_bytes(&self) -> u64 {
        self.plan.total_bytes()
    }

    fn longest_row_bytes(&self) -> u64 {
        self.plan.band_bytes
    }
}

impl Drop for StagedUploader {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_an_eighth_of_the_budget_within_bounds() {
        let plan = |bytes| StagingPlan::for_budget(bytes);
        assert_eq!(plan(256 << 20), StagingPlan { bands: 4, band_bytes: 8 << 20 });
        assert_eq!(plan(64 << 30).total_bytes(), POOL_MAX_BYTES);
        assert_eq!(plan(1000), StagingPlan { bands: 1, band_bytes: BAND_MIN_BYTES });
        for budget in [8 << 20, 100 << 20, 333_333_333, 4 << 30] {
            assert!(plan(budget).total_bytes() <= (budget / 8).max(BAND_MIN_BYTES), "{budget}");
            assert_eq!(plan(budget).band_bytes % 256, 0);
        }
    }
}
