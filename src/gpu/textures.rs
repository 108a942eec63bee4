//! Owns the making of the textures of a frame, one a plane. A device without room for them is an answer, no fault.

use wgpu::{Extent3d, TextureDescriptor, TextureDimension, TextureUsages};

use super::{Gpu, PlaneAccess, TextureLimits, Tiles};
use crate::frame::{PlaneLayout, Refusal};

/// Where the ring has its textures from.
pub trait TextureSource {
    /// What one texture may be at most.
    fn limits(&self, gpu: &Gpu) -> TextureLimits;

    /// One texture a plane: an array of its tiles.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`] when a plane has more tiles than a texture has layers, [`Refusal::OutOfMemory`] when
    /// the device has no room.
    fn make(
        &mut self,
        gpu: &Gpu,
        layout: &PlaneLayout,
        access: PlaneAccess,
    ) -> Result<Vec<wgpu::Texture>, Refusal>;
}

/// Textures of the device, as large as it makes them.
pub struct DeviceTextures;

impl TextureSource for DeviceTextures {
    fn limits(&self, gpu: &Gpu) -> TextureLimits {
        gpu.texture_limits()
    }

    fn make(
        &mut self,
        gpu: &Gpu,
        layout: &PlaneLayout,
        access: PlaneAccess,
    ) -> Result<Vec<wgpu::Texture>, Refusal> {
        make_textures(gpu, layout, access, self.limits(gpu))
    }
}

/// Makes textures within limits, inside a scope that catches what the device has no memory for.
///
/// # Errors
/// As [`TextureSource::make`].
pub fn make_textures(
    gpu: &Gpu,
    layout: &PlaneLayout,
    access: PlaneAccess,
    limits: TextureLimits,
) -> Result<Vec<wgpu::Texture>, Refusal> {
    let planes = layout.planes();
    let tiles = planes.iter().map(|plane| Tiles::of((plane.width, plane.height), limits));
    let tiles: Vec<Tiles> = tiles.collect::<Option<_>>().ok_or(Refusal::TooLarge)?;
    let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let texture = |(tiles, plane): (&Tiles, &crate::frame::PlaneSpec)| {
        gpu.device.create_texture(&TextureDescriptor {
            label: Some("plane"),
            size: Extent3d {
                width: tiles.width,
                height: tiles.height,
                depth_or_array_layers: tiles.layers(),
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: TextureDimension::D2,
            format: access.format(plane.sample),
            usage: TextureUsages::TEXTURE_BINDING | TextureUsages::COPY_DST,
            view_formats: &[],
        })
    };
    let textures: Vec<wgpu::Texture> = tiles.iter().zip(planes).map(texture).collect();
    match pollster::block_on(scope.pop()) {
        None => Ok(textures),
        Some(error) => {
            log::warn!("VRAM is full: {}", crate::text::shown(error.to_string()));
            Err(Refusal::OutOfMemory)
        }
    }
}
