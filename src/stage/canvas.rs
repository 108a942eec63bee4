//! Owns a texture that pictures are drawn into and read back from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::gpu::{DeviceMark, Gpu};

/// Bytes of all canvases of a stage.
pub(super) type TargetBytes = Arc<AtomicU64>;

/// A texture of fixed size with its view.
pub struct Canvas {
    device: DeviceMark,
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    counted: TargetBytes,
    bytes: u64,
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.counted.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl Canvas {
    /// A canvas that no stage counts.
    pub fn new(gpu: &Gpu, format: wgpu::TextureFormat, width: u32, height: u32) -> Self {
        Self::counted(gpu, format, (width, height), &TargetBytes::default())
    }

    /// A canvas whose bytes are counted in `counted` for as long as it lives.
    pub(super) fn counted(
        gpu: &Gpu,
        format: wgpu::TextureFormat,
        (width, height): (u32, u32),
        counted: &TargetBytes,
    ) -> Self {
        let largest = gpu.max_texture_side();
        let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("canvas"),
            size: wgpu::Extent3d {
                width: width.clamp(1, largest),
                height: height.clamp(1, largest),
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                | wgpu::TextureUsages::TEXTURE_BINDING
                | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let view = texture.create_view(&Default::default());
        let texel_bytes = format.block_copy_size(None).unwrap_or(4);
        let bytes = u64::from(texture.width()) * u64::from(texture.height()) * u64::from(texel_bytes);
        counted.fetch_add(bytes, Ordering::AcqRel);
        Self { device: gpu.mark(), texture, view, counted: Arc::clone(counted), bytes }
    }

    /// Whether it lies on this device, which another one may have replaced after a loss.
    pub fn is_of(&self, gpu: &Gpu) -> bool {
        self.device.is_of(gpu)
    }

    pub fn width(&self) -> u32 {
        self.texture.width()
    }

    pub fn height(&self) -> u32 {
        self.texture.height()
    }

    pub fn texture(&self) -> &wgpu::Texture {
        &self.texture
    }

    pub fn view(&self) -> &wgpu::TextureView {
        &self.view
    }

    /// Begins a pass over the whole canvas.
    pub fn begin<'a>(
        &self,
        encoder: &'a mut wgpu::CommandEncoder,
        clear: wgpu::Color,
    ) -> wgpu::RenderPass<'a> {
        encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("canvas"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &self.view,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load: wgpu::LoadOp::Clear(clear), store: wgpu::StoreOp::Store },
            })],
            ..Default::default()
        })
    }
}
