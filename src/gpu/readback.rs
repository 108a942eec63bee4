//! Owns the way of a texture's texels back to the CPU: through a few buffers that are used again and
//! again, so that the next picture is drawn while the last one comes. Begun and polled by the one thread
//! that submits; what has come is read on any thread, whose buffer comes home when it is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, unbounded};

use super::{DeviceMark, Gpu};

/// Why texels could not be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadbackError {
    #[error("the device did not hand back the picture: {0}")]
    Map(String),
    #[error("the GPU device was lost")]
    DeviceLost,
}

impl ReadbackError {
    fn map(reason: impl ToString) -> Self {
        Self::Map(crate::text::shown(reason.to_string()))
    }
}

/// The texels of a texture, rows without padding. Waits until everything submitted before is done.
///
/// # Errors
/// [`ReadbackError`] when the device fails.
pub fn read_texture(gpu: &Gpu, texture: &wgpu::Texture) -> Result<Vec<u8>, ReadbackError> {
    let (readback, submission) = Readbacks::new(gpu, 1, Arc::default()).begin(gpu, texture);
    gpu.wait_for(submission);
    if gpu.is_lost() {
        return Err(ReadbackError::DeviceLost);
    }
    let texels = readback.arrived().unwrap_or_else(|| Err(ReadbackError::map("it does not answer")))?;
    let mut bytes = Vec::with_capacity(texels.row_bytes * texture.height() as usize);
    texels.rows().for_each(|row| bytes.extend_from_slice(row));
    Ok(bytes)
}

/// A buffer that is counted for as long as it lives.
struct Counted {
    buffer: wgpu::Buffer,
    bytes: Arc<AtomicU64>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.buffer.size(), Ordering::AcqRel);
    }
}

/// A buffer that goes home when nobody needs it any more.
struct Lent {
    counted: Option<Counted>,
    home: Sender<Counted>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Without a home, after a device was lost, it just ends.
        self.counted.take().map(|counted| self.home.send(counted));
    }
}

/// A bounded number of buffers on one device, through which pictures come back.
pub struct Readbacks {
    device: DeviceMark,
    most: usize,
    idle: Vec<Counted>,
    lent: usize,
    home: (Sender<Counted>, Receiver<Counted>),
    bytes: Arc<AtomicU64>,
}

impl Readbacks {
    /// At most so many pictures are under way or being read at a time; the bytes of their buffers are added
    /// to `bytes`.
    pub fn new(gpu: &Gpu, most: usize, bytes: Arc<AtomicU64>) -> Self {
        Self { device: gpu.mark(), most: most.max(1), idle: Vec::new(), lent: 0, home: unbounded(), bytes }
    }

    /// Whether it lies on this device, which another one may have replaced after a loss.
    pub fn is_of(&self, gpu: &Gpu) -> bool {
        self.device.is_of(gpu)
    }

    /// Whether a buffer is there for another picture.
    pub fn is_free(&mut self) -> bool {
        for counted in self.home.1.try_iter() {
            self.lent -= 1;
            self.idle.push(counted);
        }
        self.lent < self.most
    }

    /// Submits the copy of a texture after everything that was submitted before, and waits for nothing. The
    /// owner asks [`Self::is_free`] first; beyond that one more buffer is made.
    pub fn begin(&mut self, gpu: &Gpu, texture: &wgpu::Texture) -> (Readback, wgpu::SubmissionIndex) {
        let texel_bytes = texture.format().block_copy_size(None).unwrap_or(4);
        let row_bytes = texture.width() * texel_bytes;
        let padded = row_bytes.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let counted = self.take(gpu, u64::from(padded) * u64::from(texture.height()));
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let target = wgpu::TexelCopyBufferInfo {
            buffer: &counted.buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(padded),
                rows_per_image: None,
            },
        };
        encoder.copy_texture_to_buffer(texture.as_image_copy(), target, texture.size());
        let (sender, mapped) = bounded(1);
        encoder.map_buffer_on_submit(&counted.buffer, wgpu::MapMode::Read, .., move |result| {
            let _ = sender.send(result);
        });
        let submission = gpu.queue.submit([encoder.finish()]);
        let lent = Lent { counted: Some(counted), home: self.home.0.clone() };
        (Readback { lent, mapped, row_bytes: row_bytes as usize, padded: padded as usize }, submission)
    }

    /// An idle buffer of exactly this size, or a new one in the place of one that does not fit.
    fn take(&mut self, gpu: &Gpu, bytes: u64) -> Counted {
        self.lent += 1;
        if let Some(position) = self.idle.iter().position(|idle| idle.buffer.size() == bytes) {
            let counted = self.idle.swap_remove(position);
            counted.buffer.unmap();
            return counted;
        }
        self.idle.truncate(self.most.saturating_sub(self.lent));
        let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: bytes,
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        self.bytes.fetch_add(buffer.size(), Ordering::AcqRel);
        Counted { buffer, bytes: Arc::clone(&self.bytes) }
    }
}

/// A picture on its way.
pub struct Readback {
    lent: Lent,
    mapped: Receiver<Result<(), wgpu::BufferAsyncError>>,
    row_bytes: usize,
    padded: usize,
}

impl Readback {
    /// The texels once they have come, which they do while somebody polls the device; `Err` gives the
    /// readback back.
    pub fn try_take(self) -> Result<Result<Texels, ReadbackError>, Self> {
        match self.mapped.try_recv() {
            Err(TryRecvError::Empty) => Err(self),
            Err(TryRecvError::Disconnected) => Ok(Err(ReadbackError::map("it was given up"))),
            Ok(Err(error)) => Ok(Err(ReadbackError::map(error))),
            Ok(Ok(())) => Ok(self.texels()),
        }
    }

    /// The texels, when they have come.
    fn arrived(self) -> Option<Result<Texels, ReadbackError>> {
        self.try_take().ok()
    }

    fn texels(self) -> Result<Texels, ReadbackError> {
        let Self { lent, row_bytes, padded, .. } = self;
        let view = match &lent.counted {
            Some(counted) => counted.buffer.get_mapped_range(..).map_err(ReadbackError::map)?,
            None => return Err(ReadbackError::map("its buffer is gone")),
        };
        Ok(Texels { view, row_bytes, padded, _lent: lent })
    }
}

/// A picture that has come. Its buffer is free for another one when this is dropped.
pub struct Texels {
    // Goes before the buffer, which is unmapped after that.
    view: wgpu::BufferView,
    row_bytes: usize,
    padded: usize,
    _lent: Lent,
}

impl Texels {
    /// The rows from the top, without what pads them.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.view.chunks(self.padded).map(|row| &row[..self.row_bytes])
    }
}
