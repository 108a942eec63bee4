//! Owns the bytes of one frame. Allocation is fallible and happens rarely: buffers are recycled by
//! the pool in `memory`. Any thread.

use std::sync::Arc;

use super::{Area, PlaneLayout};

/// The machine would not give this many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the machine refused {bytes} bytes")]
pub struct OutOfMemory {
    pub bytes: usize,
}

/// Bytes aligned for every sample type. The content of a recycled memory is whatever the last frame
/// left: decoders overwrite every sample that they report as covered and clear the rest.
#[derive(Debug, Default)]
pub struct FrameMemory {
    words: Vec<u64>,
}

impl FrameMemory {
    /// Takes `bytes` (rounded up to 8) from the machine.
    ///
    /// # Errors
    /// [`OutOfMemory`] instead of an abort when the machine refuses.
    pub fn allocate(bytes: usize) -> Result<Self, OutOfMemory> {
        let count = bytes.div_ceil(size_of::<u64>());
        let mut words = Vec::new();
        words.try_reserve_exact(count).map_err(|_| OutOfMemory { bytes })?;
        words.resize(count, 0);
        Ok(Self { words })
    }

    pub fn len_bytes(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }

    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.words)
    }
}

/// One decoded frame: its planes, and how much of the picture is really there.
#[derive(Debug)]
pub struct FrameBuffer {
    pub layout: Arc<PlaneLayout>,
    pub memory: FrameMemory,
    /// What of the picture as it is stored has no data; empty when whole.
    pub missing: Vec<Area>,
}

impl FrameBuffer {
    /// The bytes of one plane, padding included.
    pub fn plane(&self, plane: usize) -> &[u8] {
        &self.memory.bytes()[self.layout.spans()[plane].range()]
    }

    /// Whether every row of the picture holds data.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty()
    }
}
