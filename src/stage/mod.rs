//! Joins player and ring: carries the player's orders down and the ring's reports up, and records the
//! passes into a target. The window gives it a surface, the command line a texture; both play alike.
//! The thread that submits.

mod canvas;
mod clock;
mod color;
mod placement;

use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use canvas::Canvas;
pub use clock::{Waker, WallClock};
pub use color::{Coloring, Colors};
pub use placement::{fit_zoom, place};

use crate::color::scopes::{ScopeResult, ScopeSettings};
use crate::color::{ColorRequest, srgb_decode};
use crate::frame::FrameKey;
use crate::gpu::passes::image::{ImagePass, ImagePlacement, Sampling};
use crate::gpu::passes::raw::{RAW_TARGET, RawPass};
use crate::gpu::passes::scopes::{ScopesError, ScopesPass};
use crate::gpu::passes::timeline::{StripUniform, TimelineDraw, TimelinePass};
use crate::gpu::{
    AdapterChoice, AdapterKind, AdapterSummary, Gpu, GpuError, Readback, ReadbackError, Readbacks,
    StagedUploader, StagingPlan, TextureRing, read_texture,
};
use crate::player::{Clip, Filter, Player, Tick};
use crate::stats::{ShownStatus, TimelineStatus};
use crate::time::{Nanos, WorkArea};

/// Copying threads for staging: one saturates a bus that two cores share, more help on large machines.
const STAGING_THREADS_MAX: usize = 4;
/// Behind slates.
const SLATE_COLOR: wgpu::Color = wgpu::Color { r: 0.16, g: 0.05, b: 0.06, a: 1.0 };

/// Why a stage cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error(transparent)]
    Gpu(#[from] GpuError),
    #[error("no staging thread could be started: {0}")]
    Threads(#[from] std::io::Error),
}

/// How a stage is set up.
#[derive(Debug, Clone)]
pub struct StageOptions {
    pub adapter: AdapterChoice,
    pub vram_bytes: u64,
    /// The ring keeps the bits of every sample, for raw output.
    pub forces_bits: bool,
    /// What pictures are drawn into.
    pub format: wgpu::TextureFormat,
    /// Pictures are drawn as light, for a surface whose white has so many nits; none for display values.
    pub white_nits: Option<f32>,
    pub color: ColorRequest,
    /// Chains are built on a thread of their own: until one is there, pictures are drawn without. The same goes for
    /// their pipelines, of which [`Stage::is_ready`] tells.
    pub builds_color_aside: bool,
}

/// What is drawn beside the picture itself.
#[derive(Debug, Clone)]
pub struct StripView<'a> {
    pub status: &'a TimelineStatus,
    pub area: WorkArea,
    pub frames: u32,
    pub playhead: u32,
}

/// A device with the ring and the passes on it.
pub struct Stage {
    colors: Colors,
    ring: TextureRing,
    image: ImagePass,
    raw: Option<RawPass>,
    timeline: TimelinePass,
    /// Made when it is first asked for.
    scopes: Option<ScopesPass>,
    gpu: Gpu,
    options: StageOptions,
    wake: Arc<dyn Fn() + Send + Sync>,
    targets: canvas::TargetBytes,
}

fn uploader(
    gpu: &Gpu,
    vram_bytes: u64,
    wake: &Arc<dyn Fn() + Send + Sync>,
) -> std::io::Result<StagedUploader> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (cores / 4).clamp(1, STAGING_THREADS_MAX);
    StagedUploader::new(gpu, StagingPlan::for_budget(vram_bytes), threads, Arc::clone(wake))
}

fn image_pass(gpu: &Gpu, options: &StageOptions, wake: &Arc<dyn Fn() + Send + Sync>) -> ImagePass {
    let pass = ImagePass::new(&gpu.device, options.format);
    if options.builds_color_aside { pass.builds_aside(Arc::clone(wake)) } else { pass }
}

impl Stage {
    /// Sets the passes and an empty ring up on a device. `wake` is called when a step has something to do.
    ///
    /// # Errors
    /// [`StageError::Threads`] when no copying thread can be started.
    pub fn new(
        gpu: Gpu,
        options: StageOptions,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self, StageError> {
        let uploader = uploader(&gpu, options.vram_bytes, &wake)?;
        let ring = TextureRing::new(Box::new(uploader), options.vram_bytes, options.forces_bits);
        let is_software = gpu.summary.kind == AdapterKind::Cpu;
        let bell = options.builds_color_aside.then(|| Arc::clone(&wake));
        Ok(Self {
            colors: Colors::new(options.color.clone(), is_software, bell).shown_as_light(options.white_nits),
            ring,
            image: image_pass(&gpu, &options, &wake),
            raw: options.forces_bits.then(|| RawPass::new(&gpu.device)),
            timeline: TimelinePass::new(&gpu.device, options.format),
            scopes: None,
            gpu,
            options,
            wake,
            targets: canvas::TargetBytes::default(),
        })
    }

    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    pub fn adapter(&self) -> &AdapterSummary {
        &self.gpu.summary
    }

    /// The adapter that was asked for, for the device after a loss.
    pub fn adapter_choice(&self) -> &AdapterChoice {
        &self.options.adapter
    }

    /// Bytes of textures, staging and scopes that exist now.
    pub fn vram_bytes(&self) -> u64 {
        self.ring.charged_bytes() + self.scopes_bytes()
    }

    /// Whether another step soon has something to do.
    pub fn is_busy(&self) -> bool {
        self.ring.is_busy() || self.scopes.as_ref().is_some_and(ScopesPass::is_busy)
    }

    /// One step: uploads move on, the player ticks, its orders are carried out.
    pub fn step(&mut self, player: &mut Player, now: Nanos) -> Tick {
        self.ring.step(&self.gpu);
        let mut report = self.ring.take_report();
        report.target_bytes = self.targets.load(Ordering::Acquire) + self.scopes_bytes();
        let mut tick = player.tick(now, &report);
        self.ring.apply(&self.gpu, std::mem::take(&mut tick.orders));
        self.ring.step(&self.gpu);
        tick
    }

    /// Whether the device is gone; [`Self::rebuild`] brings a new one.
    pub fn is_lost(&self) -> bool {
        self.gpu.is_lost()
    }

    /// Puts ring and passes on a new device; the CPU tier fills the ring again.
    ///
    /// # Errors
    /// [`StageError`] when no copying thread can be started.
    pub fn rebuild(&mut self, gpu: Gpu) -> Result<(), StageError> {
        let uploader = uploader(&gpu, self.options.vram_bytes, &self.wake)?;
        self.ring.rebuild(Box::new(uploader));
        self.image = image_pass(&gpu, &self.options, &self.wake);
        self.raw = self.options.forces_bits.then(|| RawPass::new(&gpu.device));
        self.timeline = TimelinePass::new(&gpu.device, self.options.format);
        self.scopes = None;
        self.gpu = gpu;
        Ok(())
    }

    /// Pictures are drawn into something else, from the next [`Self::rebuild`] on.
    pub fn use_target(&mut self, format: wgpu::TextureFormat, white_nits: Option<f32>) {
        (self.options.format, self.options.white_nits) = (format, white_nits);
        self.colors.set_white(white_nits);
    }

    /// The strip is drawn into something of another format than pictures: the window's surface.
    pub fn use_timeline_format(&mut self, format: wgpu::TextureFormat) {
        self.timeline = TimelinePass::new(&self.gpu.device, format);
    }

    /// A picture to draw into, of the format that the stage was set up with.
    pub fn canvas(&self, width: u32, height: u32) -> Canvas {
        self.canvas_of(self.options.format, width, height)
    }

    /// A picture for raw output.
    pub fn raw_canvas(&self, width: u32, height: u32) -> Canvas {
        self.canvas_of(RAW_TARGET, width, height)
    }

    /// Something of any format to draw into, counted as pictures are.
    pub fn canvas_of(&self, format: wgpu::TextureFormat, width: u32, height: u32) -> Canvas {
        Canvas::counted(&self.gpu, format, (width, height), &self.targets)
    }

    /// How the shown clip is coloured now.
    pub fn coloring(&mut self, player: &Player, is_playing: bool) -> Coloring {
        let facts = player.clip().map(Clip::color_facts).unwrap_or_default();
        self.colors.coloring(player.view(), &facts, is_playing)
    }

    /// The way of the shown clip's colours in words.
    pub fn color_text(&mut self, player: &Player, is_playing: bool) -> String {
        let facts = player.clip().map(Clip::color_facts).unwrap_or_default();
        self.colors.text(player.view(), &facts, is_playing)
    }

    pub fn colors(&mut self) -> &mut Colors {
        &mut self.colors
    }

    /// Brings a colour program onto the device before it is drawn with; those that no clip has any more leave.
    fn load_program(&mut self, number: Option<u32>) {
        let Some(number) = number.filter(|number| !self.image.has_program(*number)) else { return };
        if let Some(program) = self.colors.program(number) {
            self.image.keep_programs(|loaded| self.colors.program(loaded).is_some());
            self.image.load_program(&self.gpu, number, program);
        }
    }

    /// Buffers through which at most so many canvases come back at a time, counted as canvases are. They end with
    /// the device: another one needs others.
    pub fn readbacks(&self, most: usize) -> Readbacks {
        Readbacks::new(&self.gpu, most, Arc::clone(&self.targets))
    }

    /// Begins to bring a canvas back as it was drawn last; waits for nothing.
    pub fn begin_read(&self, readbacks: &mut Readbacks, canvas: &Canvas) -> Readback {
        readbacks.begin(&self.gpu, canvas.texture()).0
    }

    /// How samples become pixels with a filter of the view: on a software adapter only what keeps up while it plays.
    pub fn sampling(&self, filter: Filter, is_playing: bool) -> Sampling {
        match filter {
            Filter::Nearest => Sampling::Nearest,
            Filter::Best if !(is_playing && self.gpu.summary.kind == AdapterKind::Cpu) => Sampling::Tent,
            Filter::Bilinear | Filter::Best => Sampling::Bilinear,
        }
    }

    /// Whether what is shown can be drawn without waiting for a pipeline or a chain. Asks for the one that is not there; the bell
    /// of the stage rings when it is.
    pub fn is_ready(
        &mut self,
        shown: &ShownStatus,
        place: impl Fn(&crate::frame::PlaneLayout) -> ImagePlacement,
        color: &Coloring,
    ) -> bool {
        self.load_program(color.program);
        let Some(slot) = shown_key(shown).and_then(|key| self.ring.slot(key)) else { return true };
        if color.is_building {
            return false;
        }
        self.image.is_ready(&self.gpu, slot, &place(&slot.layout), &color.settings, color.program)
    }

    /// Draws what is shown over the whole canvas, and the strip along its lower edge where one is given.
    pub fn draw(
        &mut self,
        canvas: &Canvas,
        shown: &ShownStatus,
        place: impl Fn(&crate::frame::PlaneLayout) -> ImagePlacement,
        color: &Coloring,
        strip: Option<(&StripView<'_>, u32)>,
    ) -> wgpu::SubmissionIndex {
        self.load_program(color.program);
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let timeline = strip.map(|(view, height)| {
            let height = height.min(canvas.height());
            (self.timeline_draw(view, (canvas.width(), height)), height)
        });
        {
            let mut pass = canvas.begin(&mut encoder, clear_color(shown, self.options.white_nits.is_some()));
            if let Some(slot) = shown_key(shown).and_then(|key| self.ring.slot(key)) {
                let placement = place(&slot.layout);
                self.image.draw(&self.gpu, &mut pass, slot, &placement, &color.settings, color.program);
            }
            if let Some((draw, height)) = timeline {
                let top = (canvas.height() - height) as f32;
                pass.set_viewport(0.0, top, canvas.width() as f32, height as f32, 0.0, 1.0);
                draw.record(&mut pass);
            }
        }
        self.gpu.queue.submit([encoder.finish()])
    }

    /// The draw of the strip, brought up to date; writes nothing to the GPU when nothing changed.
    pub fn timeline_draw(&mut self, view: &StripView<'_>, size: (u32, u32)) -> TimelineDraw {
        let strip = StripUniform::new(size, view.frames, view.playhead);
        self.timeline.prepare(&self.gpu.device, &self.gpu.queue, view.status, view.area, &strip)
    }

    /// Draws the bits of the planes from `first` on (at most four) of the shown frame; `None` when no
    /// frame is shown or the stage is not set up for raw output.
    pub fn draw_raw(&mut self, canvas: &Canvas, key: FrameKey, first: usize) -> Option<()> {
        let slot = self.ring.slot(key)?;
        let raw = self.raw.as_ref()?;
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = canvas.begin(&mut encoder, wgpu::Color::TRANSPARENT);
            raw.draw(&self.gpu.device, &self.gpu.queue, &mut pass, slot, first);
        }
        self.gpu.queue.submit([encoder.finish()]);
        Some(())
    }

    /// Asks for the scopes of a frame in VRAM; [`Self::poll_scopes`] has them some steps later. While a
    /// measurement is under way the newest wish waits for it.
    ///
    /// # Errors
    /// [`ScopesError`] on devices that cannot measure.
    pub fn request_scopes(&mut self, key: FrameKey, settings: &ScopeSettings) -> Result<(), ScopesError> {
        let pass = match self.scopes.take() {
            Some(pass) => pass,
            None => ScopesPass::new(&self.gpu)?,
        };
        self.scopes.insert(pass).request(&self.gpu, &self.ring, key, settings);
        Ok(())
    }

    /// The scopes that are complete, if any; waits for nothing.
    pub fn poll_scopes(&mut self) -> Option<ScopeResult> {
        self.scopes.as_mut()?.poll(&self.gpu, &self.ring)
    }

    fn scopes_bytes(&self) -> u64 {
        self.scopes.as_ref().map_or(0, ScopesPass::bytes)
    }

    /// The layout of a frame in VRAM.
    pub fn layout(&self, key: FrameKey) -> Option<Arc<crate::frame::PlaneLayout>> {
        Some(Arc::clone(&self.ring.slot(key)?.layout))
    }

    /// The texels of a canvas.
    ///
    /// # Errors
    /// [`ReadbackError`] when the device fails.
    pub fn read(&self, canvas: &Canvas) -> Result<Vec<u8>, ReadbackError> {
        read_texture(&self.gpu, canvas.texture())
    }
}

/// The frame that is drawn, if any.
pub fn shown_key(shown: &ShownStatus) -> Option<FrameKey> {
    match shown {
        ShownStatus::Exact(key)
        | ShownStatus::StandIn(key, _)
        | ShownStatus::Held(key)
        | ShownStatus::Proxy(key) => Some(*key),
        ShownStatus::Empty | ShownStatus::Slate(_) | ShownStatus::Black => None,
    }
}

/// What lies behind, as display values or as light.
fn clear_color(shown: &ShownStatus, is_light: bool) -> wgpu::Color {
    let light = |value: f64| f64::from(srgb_decode(value as f32));
    match shown {
        ShownStatus::Slate(_) if is_light => wgpu::Color {
            r: light(SLATE_COLOR.r),
            g: light(SLATE_COLOR.g),
            b: light(SLATE_COLOR.b),
            a: SLATE_COLOR.a,
        },
        ShownStatus::Slate(_) => SLATE_COLOR,
        _ => wgpu::Color::BLACK,
    }
}
