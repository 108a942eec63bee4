//! A device with a texture ring, and pictures drawn from it into float targets.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rushes::color::{ColorProgram, ColorSettings};
use rushes::frame::{
    EvictionCause, FrameBuffer, FrameKey, PlaneLayout, Refusal, RingEvent, RingOrders, UploadOrder,
};
use rushes::gpu::passes::image::{ImagePass, ImagePlacement, Sampling};
use rushes::gpu::{
    Gpu, PlaneAccess, StagedUploader, StagingPlan, TextureLimits, TextureRing, TextureSource, make_textures,
    read_texture,
};
use rushes::stage::Canvas;

use crate::picture::expected;
use crate::support;

const FLOAT_TARGET: wgpu::TextureFormat = wgpu::TextureFormat::Rgba32Float;

/// One picture pixel per target pixel.
pub const ONE_TO_ONE: ImagePlacement =
    ImagePlacement { origin: (0.0, 0.0), scale: (1.0, 1.0), sampling: Sampling::Nearest, background: 0.25 };

/// Textures as of an adapter that makes only small ones.
pub struct SmallTextures {
    pub side: u32,
}

impl TextureSource for SmallTextures {
    fn limits(&self, gpu: &Gpu) -> TextureLimits {
        TextureLimits { side: self.side, ..gpu.texture_limits() }
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

/// A device that makes so many frames and has then no room.
pub struct FullDevice {
    pub frames: usize,
}

impl TextureSource for FullDevice {
    fn limits(&self, gpu: &Gpu) -> TextureLimits {
        gpu.texture_limits()
    }

    fn make(
        &mut self,
        gpu: &Gpu,
        layout: &PlaneLayout,
        access: PlaneAccess,
    ) -> Result<Vec<wgpu::Texture>, Refusal> {
        self.frames = self.frames.checked_sub(1).ok_or(Refusal::OutOfMemory)?;
        make_textures(gpu, layout, access, self.limits(gpu))
    }
}

pub struct Screen {
    pub gpu: Gpu,
    pub ring: TextureRing,
    pub budget_bytes: u64,
    target: wgpu::TextureFormat,
    image: RefCell<ImagePass>,
    program: Option<u32>,
}

/// A small pool of staging memory, so that frames travel in several bands.
pub fn staging(gpu: &Gpu, plan: StagingPlan) -> StagedUploader {
    StagedUploader::new(gpu, plan, 1, Arc::new(|| {})).expect("a staging thread")
}

const PLAN: StagingPlan = StagingPlan { bands: 2, band_bytes: 16 << 10 };

impl Screen {
    /// `None`, after saying so, where there is no adapter.
    pub fn new(test: &str, budget_bytes: u64, forces_bits: bool) -> Option<Self> {
        Some(Self::on(support::gpu(test)?, budget_bytes, forces_bits, FLOAT_TARGET))
    }

    /// A screen on a device, of floats or of 8 bits.
    pub fn on(gpu: Gpu, budget_bytes: u64, forces_bits: bool, target: wgpu::TextureFormat) -> Self {
        let ring = TextureRing::new(Box::new(staging(&gpu, PLAN)), budget_bytes, forces_bits);
        let image = RefCell::new(ImagePass::new(&gpu.device, target));
        Self { gpu, ring, budget_bytes, target, image, program: None }
    }

    pub fn apply(&mut self, evict: Vec<FrameKey>, upload: Vec<(FrameKey, &Arc<FrameBuffer>)>) {
        let evict = evict.into_iter().map(|key| (key, EvictionCause::MadeRoom)).collect();
        let order =
            |(key, frame): (FrameKey, &Arc<FrameBuffer>)| UploadOrder { key, frame: Arc::clone(frame) };
        let upload = upload.into_iter().map(order).collect();
        self.ring.apply(
            &self.gpu,
            RingOrders { budget_bytes: self.budget_bytes, evict, upload, ..RingOrders::default() },
        );
    }

    /// Steps until every upload is complete; what the ring reported.
    pub fn finish(&mut self) -> Vec<RingEvent> {
        let started = Instant::now();
        while self.ring.is_busy() {
            assert!(started.elapsed() < Duration::from_secs(20), "an upload never completes");
            self.ring.step(&self.gpu);
            std::thread::yield_now();
        }
        self.ring.take_report().events
    }

    /// Brings a frame into VRAM.
    pub fn load(&mut self, key: FrameKey, frame: &Arc<FrameBuffer>) {
        self.apply(Vec::new(), vec![(key, frame)]);
        self.finish();
        assert!(self.ring.slot(key).is_some(), "{key:?} did not arrive");
    }

    /// Starts over with pipelines of colour programs made on threads of their own.
    pub fn build_aside(&mut self, wake: Arc<dyn Fn() + Send + Sync>) {
        let pass = ImagePass::new(&self.gpu.device, self.target).builds_aside(wake);
        (self.image, self.program) = (RefCell::new(pass), None);
    }

    /// Whether a frame could be drawn at once.
    pub fn is_ready(&self, key: FrameKey, placement: &ImagePlacement, color: &ColorSettings) -> bool {
        let slot = self.ring.slot(key).expect("a resident frame");
        self.image.borrow_mut().is_ready(&self.gpu, slot, placement, color, self.program)
    }

    /// Draws with a colour program from now on.
    pub fn use_program(&mut self, number: u32, program: &ColorProgram) {
        self.image.borrow_mut().load_program(&self.gpu, number, program);
        self.program = Some(number);
    }

    /// Draws a frame; rows of target pixels.
    pub fn draw(
        &self,
        key: FrameKey,
        placement: &ImagePlacement,
        color: &ColorSettings,
        (width, height): (u32, u32),
    ) -> Vec<[f32; 4]> {
        let canvas = Canvas::new(&self.gpu, self.target, width, height);
        let slot = self.ring.slot(key).expect("a resident frame");
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = canvas.begin(&mut encoder, wgpu::Color::GREEN);
            self.image.borrow_mut().draw(&self.gpu, &mut pass, slot, placement, color, self.program);
        }
        self.gpu.queue.submit([encoder.finish()]);
        let bytes = read_texture(&self.gpu, canvas.texture()).expect("texels");
        match self.target {
            FLOAT_TARGET => bytemuck::pod_collect_to_vec(&bytes),
            wgpu::TextureFormat::Rgba16Float => bytemuck::pod_collect_to_vec::<u8, [u16; 4]>(&bytes)
                .into_iter()
                .map(|texel| texel.map(|bits| half::f16::from_bits(bits).to_f32()))
                .collect(),
            _ => bytes
                .chunks_exact(4)
                .map(|texel| [0, 1, 2, 3].map(|lane| f32::from(texel[lane]) / 255.0))
                .collect(),
        }
    }

    /// Draws a frame and compares every pixel with the twin. `tolerance` is absolute below 1 and
    /// relative above.
    pub fn compare(
        &self,
        (key, frame): (FrameKey, &FrameBuffer),
        placement: &ImagePlacement,
        color: &ColorSettings,
        size: (u32, u32),
        tolerance: f32,
    ) {
        let drawn = self.draw(key, placement, color, size);
        assert_eq!(drawn.len(), (size.0 * size.1) as usize);
        for (number, pixel) in (0..).zip(drawn) {
            let at = (number % size.0, number / size.0);
            let wanted = expected(frame, placement, color, at);
            let is_close = pixel.iter().zip(wanted).all(|(drawn, wanted)| close(*drawn, wanted, tolerance));
            assert!(is_close && pixel[3] == 1.0, "{at:?}: {pixel:?} drawn, {wanted:?} wanted, {color:?}");
        }
        assert_eq!(self.gpu.uncaught_errors(), 0);
    }
}

fn close(drawn: f32, wanted: f32, tolerance: f32) -> bool {
    drawn == wanted
        || (drawn.is_nan() && wanted.is_nan())
        || (drawn - wanted).abs() <= tolerance * wanted.abs().max(1.0)
}
