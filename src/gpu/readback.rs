//! Owns the way of a texture's texels back to the CPU.

use super::Gpu;

/// Why texels could not be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadbackError {
    #[error("the device did not hand back the picture: {0}")]
    Map(String),
    #[error("the GPU device was lost")]
    DeviceLost,
}

/// The texels of a texture, rows without padding. Waits until everything submitted before is done.
///
/// # Errors
/// [`ReadbackError`] when the device fails.
pub fn read_texture(gpu: &Gpu, texture: &wgpu::Texture) -> Result<Vec<u8>, ReadbackError> {
    let texel = texture.format().block_copy_size(None).unwrap_or(4);
    let row_bytes = texture.width() * texel;
    let padded = row_bytes.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("readback"),
        size: u64::from(padded) * u64::from(texture.height()),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(padded),
                rows_per_image: None,
            },
        },
        texture.size(),
    );
    let submission = gpu.queue.submit([encoder.finish()]);
    let (sender, receiver) = crossbeam_channel::bounded(1);
    buffer.slice(..).map_async(wgpu::MapMode::Read, move |result| {
        let _ = sender.send(result);
    });
    gpu.wait_for(submission);
    if gpu.is_lost() {
        return Err(ReadbackError::DeviceLost);
    }
    let map = |reason: String| ReadbackError::Map(crate::text::shown(reason));
    let mapped = receiver.try_recv().map_err(|error| map(error.to_string()))?;
    mapped.map_err(|error| map(error.to_string()))?;
    let view = buffer.slice(..).get_mapped_range().map_err(|error| map(error.to_string()))?;
    Ok(view.chunks(padded as usize).flat_map(|row| &row[..row_bytes as usize]).copied().collect())
}
