//! Owns what brings picture and controls onto the surface: at once in one pass where the surface takes display values;
//! by way of a texture of the controls where it takes light. The thread that submits.

use egui_wgpu::{Renderer, RendererOptions, ScreenDescriptor};

use super::surface::SurfaceChoice;
use crate::gpu::Gpu;
use crate::gpu::passes::blit::BlitPass;
use crate::gpu::passes::output::{OutputPass, OutputPicture};
use crate::stage::{Canvas, Stage};

/// What the controls are drawn into where the surface takes light.
const CONTROLS_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

enum Way {
    /// The surface takes display values.
    Display(BlitPass),
    /// The surface takes light; the controls have a texture as large as the surface.
    Light { pass: Box<OutputPass>, controls: Option<Canvas> },
}

/// Pipelines and textures of the controls for one surface.
pub struct Painter {
    renderer: Renderer,
    way: Way,
}

impl Painter {
    pub fn new(gpu: &Gpu, choice: &SurfaceChoice) -> Self {
        let way = match choice.light {
            None => Way::Display(BlitPass::new(&gpu.device, choice.format)),
            Some(target) => {
                Way::Light { pass: Box::new(OutputPass::new(&gpu.device, target)), controls: None }
            }
        };
        let format = controls_format(choice);
        Self { renderer: Renderer::new(&gpu.device, format, RendererOptions::default()), way }
    }

    /// Brings textures of the controls up to date.
    pub fn update(&mut self, gpu: &Gpu, textures: &mut egui::TexturesDelta) {
        for (id, deltas) in textures.set.drain() {
            for delta in deltas {
                self.renderer.update_texture(&gpu.device, &gpu.queue, id, &delta);
            }
        }
    }

    /// Lets go of textures that no control shows any more.
    pub fn free(&mut self, textures: &mut egui::TexturesDelta) {
        for id in textures.free.drain() {
            self.renderer.free_texture(&id);
        }
    }

    /// Paints a picture, if there is one, with its corner at a pixel of the surface, and the controls over it.
    pub fn paint(
        &mut self,
        stage: &Stage,
        surface: &wgpu::Texture,
        picture: Option<(&Canvas, (i32, i32))>,
        primitives: &[egui::ClippedPrimitive],
        scale: f32,
    ) {
        let gpu = stage.gpu();
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let size = (surface.width(), surface.height());
        let screen = ScreenDescriptor { size_in_pixels: [size.0, size.1], pixels_per_point: scale };
        let mut commands =
            self.renderer.update_buffers(&gpu.device, &gpu.queue, &mut encoder, primitives, &screen);
        let view = surface.create_view(&Default::default());
        match &mut self.way {
            Way::Display(blit) => {
                let mut pass = begin(&mut encoder, &view, wgpu::Color::BLACK);
                blit_picture(blit, gpu, &mut pass, picture, size);
                self.renderer.render(&mut pass, primitives, &screen);
            }
            Way::Light { pass: output, controls } => {
                let fits = |canvas: &Canvas| (canvas.width(), canvas.height()) == size;
                let controls = match controls.take().filter(fits) {
                    Some(canvas) => controls.insert(canvas),
                    None => controls.insert(stage.canvas_of(CONTROLS_FORMAT, size.0, size.1)),
                };
                let mut pass = begin(&mut encoder, controls.view(), wgpu::Color::TRANSPARENT);
                self.renderer.render(&mut pass, primitives, &screen);
                drop(pass);
                let mut pass = begin(&mut encoder, &view, wgpu::Color::BLACK);
                let picture = picture.map(|(canvas, origin)| OutputPicture {
                    view: canvas.view(),
                    origin,
                    size: (canvas.width(), canvas.height()),
                });
                output.draw(gpu, &mut pass, picture, controls.view());
            }
        }
        commands.push(encoder.finish());
        gpu.queue.submit(commands);
    }
}

/// What the controls, the strip among them, are drawn into.
pub fn controls_format(choice: &SurfaceChoice) -> wgpu::TextureFormat {
    if choice.light.is_some() { CONTROLS_FORMAT } else { choice.format }
}

fn blit_picture(
    blit: &BlitPass,
    gpu: &Gpu,
    pass: &mut wgpu::RenderPass<'_>,
    picture: Option<(&Canvas, (i32, i32))>,
    size: (u32, u32),
) {
    let Some((canvas, origin)) = picture else { return };
    let Some((x, y, width, height)) = scissor(origin, canvas, size) else { return };
    pass.set_scissor_rect(x, y, width, height);
    blit.draw(&gpu.device, &gpu.queue, pass, canvas.view(), origin);
    pass.set_scissor_rect(0, 0, size.0, size.1);
}

fn begin(
    encoder: &mut wgpu::CommandEncoder,
    view: &wgpu::TextureView,
    clear: wgpu::Color,
) -> wgpu::RenderPass<'static> {
    let ops = wgpu::Operations { load: wgpu::LoadOp::Clear(clear), store: wgpu::StoreOp::Store };
    encoder
        .begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("window"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view,
                depth_slice: None,
                resolve_target: None,
                ops,
            })],
            ..Default::default()
        })
        .forget_lifetime()
}

/// The part of the surface that the canvas covers.
fn scissor(origin: (i32, i32), canvas: &Canvas, surface: (u32, u32)) -> Option<(u32, u32, u32, u32)> {
    let (x, y) = (origin.0.max(0) as u32, origin.1.max(0) as u32);
    let width = canvas.width().min(surface.0.saturating_sub(x));
    let height = canvas.height().min(surface.1.saturating_sub(y));
    (width > 0 && height > 0).then_some((x, y, width, height))
}
