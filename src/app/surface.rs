//! Owns the window's surface and its configuration. Nothing that a surface can answer is a panic.

use std::sync::Arc;

use wgpu::CurrentSurfaceTexture;
use winit::window::Window;

use crate::gpu::Gpu;

/// The surface with its present configuration.
pub struct WindowSurface {
    surface: wgpu::Surface<'static>,
    config: Option<wgpu::SurfaceConfiguration>,
    window: Arc<Window>,
    needs_configure: bool,
}

/// What to do about a frame.
pub enum Acquired {
    Draw(wgpu::SurfaceTexture),
    /// Nothing can be shown now; an event will say when.
    Skip,
    /// The surface changed; try again.
    Retry,
}

impl WindowSurface {
    /// # Errors
    /// The reason when the window system gives no surface.
    pub fn new(instance: &wgpu::Instance, window: Arc<Window>) -> Result<Self, String> {
        let surface = instance
            .create_surface(Arc::clone(&window))
            .map_err(|error| crate::text::shown(error.to_string()))?;
        Ok(Self { surface, config: None, window, needs_configure: true })
    }

    pub fn raw(&self) -> &wgpu::Surface<'static> {
        &self.surface
    }

    /// The format that frames will have; a non-sRGB one where there is a choice, because the controls
    /// are drawn in display values.
    pub fn choose_format(&mut self, gpu: &Gpu) -> Option<wgpu::TextureFormat> {
        let capabilities = self.surface.get_capabilities(&gpu.adapter);
        let plain = |format: &&wgpu::TextureFormat| {
            matches!(format, wgpu::TextureFormat::Bgra8Unorm | wgpu::TextureFormat::Rgba8Unorm)
        };
        let format = *capabilities.formats.iter().find(plain).or(capabilities.formats.first())?;
        let size = self.window.inner_size();
        let mut config =
            self.surface.get_default_config(&gpu.adapter, size.width.max(1), size.height.max(1))?;
        config.format = format;
        config.present_mode = wgpu::PresentMode::AutoVsync;
        self.config = Some(config);
        self.needs_configure = true;
        Some(format)
    }

    pub fn resized(&mut self) {
        self.needs_configure = true;
    }

    /// The next frame to draw into.
    pub fn acquire(&mut self, gpu: &Gpu) -> Acquired {
        let size = self.window.inner_size();
        let Some(config) = &mut self.config else { return Acquired::Skip };
        if size.width == 0 || size.height == 0 {
            return Acquired::Skip;
        }
        if self.needs_configure {
            let largest = gpu.max_texture_side();
            (config.width, config.height) = (size.width.min(largest), size.height.min(largest));
            self.surface.configure(&gpu.device, config);
            self.needs_configure = false;
        }
        match self.surface.get_current_texture() {
            CurrentSurfaceTexture::Success(texture) => Acquired::Draw(texture),
            CurrentSurfaceTexture::Suboptimal(texture) => {
                self.needs_configure = true;
                Acquired::Draw(texture)
            }
            CurrentSurfaceTexture::Outdated | CurrentSurfaceTexture::Validation => {
                self.needs_configure = true;
                Acquired::Retry
            }
            CurrentSurfaceTexture::Lost => self.recreate(gpu),
            CurrentSurfaceTexture::Timeout | CurrentSurfaceTexture::Occluded => Acquired::Skip,
        }
    }

    fn recreate(&mut self, gpu: &Gpu) -> Acquired {
        match gpu.instance.create_surface(Arc::clone(&self.window)) {
            Ok(surface) => {
                self.surface = surface;
                self.needs_configure = true;
                Acquired::Retry
            }
            Err(error) => {
                log::error!("the window's surface is gone: {}", crate::text::shown(error.to_string()));
                Acquired::Skip
            }
        }
    }
}
