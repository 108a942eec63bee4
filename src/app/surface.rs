//! Owns the window's surface and its configuration. Nothing that a surface can answer is a panic.

use std::sync::Arc;

use wgpu::CurrentSurfaceTexture;
use winit::window::Window;

use crate::color::{GRAPHICS_WHITE_NITS, Output, SCRGB_UNIT_NITS};
use crate::gpu::Gpu;
use crate::gpu::passes::output::OutputTarget;

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

/// What frames of a surface are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceChoice {
    pub format: wgpu::TextureFormat,
    /// The surface takes light instead of display values.
    pub light: Option<OutputTarget>,
}

/// A non-sRGB format where there is a choice, because the controls are drawn in display values.
fn plain_format(formats: &[wgpu::TextureFormat]) -> Option<wgpu::TextureFormat> {
    let plain = |format: &&wgpu::TextureFormat| {
        matches!(format, wgpu::TextureFormat::Bgra8Unorm | wgpu::TextureFormat::Rgba8Unorm)
    };
    formats.iter().find(plain).or(formats.first()).copied()
}

/// The first that the surface offers of linear floats and PQ.
fn light_format(
    offered: &[wgpu::SurfaceFormatCapabilities],
) -> Option<(wgpu::TextureFormat, wgpu::SurfaceColorSpace, Output)> {
    use wgpu::{SurfaceColorSpace, SurfaceColorSpaces, TextureFormat};
    let ways = [
        (TextureFormat::Rgba16Float, SurfaceColorSpace::ExtendedSrgbLinear, Output::ScRgb),
        (TextureFormat::Rgb10a2Unorm, SurfaceColorSpace::Bt2100Pq, Output::Pq),
        (TextureFormat::Rgba16Float, SurfaceColorSpace::Bt2100Pq, Output::Pq),
    ];
    let is_offered = |(format, space, _): &(TextureFormat, SurfaceColorSpace, Output)| {
        let space = space.to_color_spaces().unwrap_or(SurfaceColorSpaces::empty());
        offered.iter().any(|offer| offer.format == *format && offer.color_spaces.contains(space))
    };
    ways.into_iter().find(is_offered)
}

/// `white_nits` is the white of the desktop, on systems that count in nits.
fn lit(format: wgpu::TextureFormat, output: Output, white_nits: Option<f32>) -> SurfaceChoice {
    let known = white_nits.filter(|nits| *nits > 0.0);
    let target = OutputTarget {
        format,
        output,
        white_nits: known.unwrap_or(GRAPHICS_WHITE_NITS),
        scale: known.map_or(1.0, |nits| nits / SCRGB_UNIT_NITS),
    };
    SurfaceChoice { format, light: Some(target) }
}

/// What follows from the answer of a surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Draw,
    /// Draw, and configure it anew before the next frame.
    DrawAndConfigure,
    Configure,
    Recreate,
    Skip,
}

fn next_of(answer: &CurrentSurfaceTexture) -> Next {
    match answer {
        CurrentSurfaceTexture::Success(_) => Next::Draw,
        CurrentSurfaceTexture::Suboptimal(_) => Next::DrawAndConfigure,
        CurrentSurfaceTexture::Outdated | CurrentSurfaceTexture::Validation => Next::Configure,
        CurrentSurfaceTexture::Lost => Next::Recreate,
        CurrentSurfaceTexture::Timeout | CurrentSurfaceTexture::Occluded => Next::Skip,
    }
}

/// The size to configure a surface with; none while the window has no pixels.
fn surface_size(window: (u32, u32), largest: u32) -> Option<(u32, u32)> {
    (window.0 > 0 && window.1 > 0).then(|| (window.0.min(largest), window.1.min(largest)))
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

    /// Decides what frames of this surface will be.
    pub fn choose(&mut self, gpu: &Gpu, wants_hdr: bool) -> Option<SurfaceChoice> {
        let capabilities = self.surface.get_capabilities(&gpu.adapter);
        let display = self.surface.display_hdr_info(&gpu.adapter);
        let white_nits = display.luminance.and_then(|luminance| luminance.sdr_white_nits);
        let light = light_format(&capabilities.format_capabilities).filter(|_| wants_hdr);
        if wants_hdr && light.is_none() {
            log::warn!("this window shows nothing brighter than white: pictures are shown in 8 bit");
        }
        let (choice, color_space) = match light {
            Some((format, color_space, output)) => (lit(format, output, white_nits), color_space),
            None => {
                let format = plain_format(&capabilities.formats)?;
                (SurfaceChoice { format, light: None }, wgpu::SurfaceColorSpace::Auto)
            }
        };
        let size = self.window.inner_size();
        let mut config =
            self.surface.get_default_config(&gpu.adapter, size.width.max(1), size.height.max(1))?;
        config.format = choice.format;
        config.color_space = color_space;
        config.present_mode = wgpu::PresentMode::AutoVsync;
        self.config = Some(config);
        self.needs_configure = true;
        Some(choice)
    }

    pub fn resized(&mut self) {
        self.needs_configure = true;
    }

    /// The next frame to draw into.
    pub fn acquire(&mut self, gpu: &Gpu) -> Acquired {
        let size = self.window.inner_size();
        let Some(config) = &mut self.config else { return Acquired::Skip };
        let Some(size) = surface_size((size.width, size.height), gpu.max_texture_side()) else {
            return Acquired::Skip;
        };
        if self.needs_configure {
            (config.width, config.height) = size;
            self.surface.configure(&gpu.device, config);
            self.needs_configure = false;
        }
        let answer = self.surface.get_current_texture();
        let next = next_of(&answer);
        self.needs_configure |= matches!(next, Next::DrawAndConfigure | Next::Configure);
        match (next, answer) {
            (_, CurrentSurfaceTexture::Success(texture) | CurrentSurfaceTexture::Suboptimal(texture)) => {
                Acquired::Draw(texture)
            }
            (Next::Recreate, _) => self.recreate(gpu),
            (Next::Configure, _) => Acquired::Retry,
            _ => Acquired::Skip,
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

#[cfg(test)]
mod tests {
    use wgpu::{SurfaceColorSpaces, SurfaceFormatCapabilities, TextureFormat};

    use super::*;

    #[test]
    fn no_answer_of_a_surface_is_a_panic() {
        let answers = [
            (CurrentSurfaceTexture::Outdated, Next::Configure),
            (CurrentSurfaceTexture::Validation, Next::Configure),
            (CurrentSurfaceTexture::Lost, Next::Recreate),
            (CurrentSurfaceTexture::Timeout, Next::Skip),
            (CurrentSurfaceTexture::Occluded, Next::Skip),
        ];
        for (answer, next) in answers {
            assert_eq!(next_of(&answer), next, "{answer:?}");
        }
    }

    #[test]
    fn a_window_without_pixels_is_not_configured_and_a_huge_one_is_cut() {
        assert_eq!(surface_size((0, 500), 8192), None);
        assert_eq!(surface_size((500, 0), 8192), None);
        assert_eq!(surface_size((1, 1), 8192), Some((1, 1)));
        assert_eq!(surface_size((20_000, 300), 8192), Some((8192, 300)));
    }

    #[test]
    fn display_values_go_into_a_format_that_does_not_encode_them_again() {
        let formats = [TextureFormat::Bgra8UnormSrgb, TextureFormat::Rgba8Unorm];
        assert_eq!(plain_format(&formats), Some(TextureFormat::Rgba8Unorm));
        assert_eq!(plain_format(&formats[..1]), Some(TextureFormat::Bgra8UnormSrgb));
        assert_eq!(plain_format(&[]), None);
    }

    #[test]
    fn floats_come_before_pq_and_a_plain_surface_has_neither() {
        let offer = |format, color_spaces| SurfaceFormatCapabilities { format, color_spaces };
        let plain = offer(TextureFormat::Bgra8Unorm, SurfaceColorSpaces::SRGB);
        let float = offer(TextureFormat::Rgba16Float, SurfaceColorSpaces::EXTENDED_SRGB_LINEAR);
        let plain_float = offer(TextureFormat::Rgba16Float, SurfaceColorSpaces::SRGB);
        let pq = offer(TextureFormat::Rgb10a2Unorm, SurfaceColorSpaces::BT2100_PQ | SurfaceColorSpaces::SRGB);
        let output = |offered: &[SurfaceFormatCapabilities]| light_format(offered).map(|found| found.2);
        assert_eq!(output(&[plain, plain_float]), None);
        assert_eq!(output(&[plain, pq, float]), Some(Output::ScRgb));
        assert_eq!(output(&[plain, pq]), Some(Output::Pq));
    }

    #[test]
    fn white_is_that_of_the_desktop_where_it_is_known() {
        let target = |white_nits| lit(TextureFormat::Rgba16Float, Output::ScRgb, white_nits).light.unwrap();
        assert_eq!((target(Some(240.0)).white_nits, target(Some(240.0)).scale), (240.0, 3.0));
        assert_eq!((target(None).white_nits, target(None).scale), (203.0, 1.0));
        assert_eq!(target(Some(0.0)), target(None));
    }
}
