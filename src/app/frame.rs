//! Owns the drawing of one window frame: controls, picture, strip. The picture is drawn into a canvas
//! of its own only when it changed; a repaint of the controls copies it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use winit::event::WindowEvent;
use winit::event_loop::ActiveEventLoop;
use winit::window::Window;

use super::AppError;
use super::paint::{Painter, controls_format};
use super::rhythm::Rhythm;
use super::scopes::{ScopesFeed, ScopesWish};
use super::surface::{Acquired, SurfaceChoice, WindowSurface};
use crate::color::{ColorMenu, ColorRequest};
use crate::gpu::passes::image::Sampling;
use crate::gpu::passes::timeline::TimelineDraw;
use crate::gpu::{AdapterChoice, AdapterKind, AdapterSummary, Gpu, GpuError};
use crate::memory::{adapter_memory, gpu_budget_default};
use crate::player::{Command, Framing, Player, SoundOutline};
use crate::stage::{
    Canvas, Coloring, Stage, StageError, StageOptions, StripView, fit_zoom, place, shown_key,
};
use crate::stats::{PressureLevel, ShownStatus, Snapshot};
use crate::time::{LoopMode, Nanos, WorkArea};
use crate::ui::{self, Inputs, UiState, ViewChoice};

/// Of pictures for surfaces that take display values, and for those that take light.
const CANVAS_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
const LIGHT_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba16Float;
/// Tries for a surface that changes while it is asked for a frame.
const ACQUIRE_TRIES: usize = 3;
/// Panels have new figures this often.
const PANEL_REPAINT: Duration = Duration::from_secs(1);
/// While frames load, the strip and the figures follow this often: drawing must not take the time
/// that loading needs.
const STATUS_REPAINT: Duration = Duration::from_millis(150);
/// On a slow or busy machine less often: what only follows takes at most one part in so many of the time.
const PAINTING_SHARE: u32 = 5;

/// Everything that the picture on the canvas depends on.
#[derive(Debug, Clone, PartialEq)]
struct Drawn {
    shown: ShownStatus,
    color: Coloring,
    framing: Framing,
    sampling: Sampling,
    size: (u32, u32),
}

/// What of the player's state a frame showed that must not be out of date.
#[derive(Debug, Clone, PartialEq)]
struct Painted {
    shown: ShownStatus,
    playhead: u32,
    message: Option<String>,
    view: crate::player::View,
    playing: bool,
    area: WorkArea,
    loop_mode: LoopMode,
    clip: Option<(usize, usize)>,
    level: PressureLevel,
}

/// The strip inside the controls' own pass.
struct StripCallback(TimelineDraw);

impl egui_wgpu::CallbackTrait for StripCallback {
    fn paint(
        &self,
        _: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        _: &egui_wgpu::CallbackResources,
    ) {
        self.0.record(pass);
    }
}

/// The window, its surface, the stage and the controls.
pub struct FrameLoop {
    painter: Painter,
    wants_hdr: bool,
    canvas: Option<Canvas>,
    drawn: Option<Drawn>,
    /// The picture on the canvas is an older one until a pipeline is made.
    awaits_pipeline: bool,
    painted: Option<Painted>,
    painted_at: Instant,
    /// What it took to paint the last frame of the window.
    painting: Duration,
    strip_revision: u64,
    stage: Stage,
    surface: WindowSurface,
    egui: egui_winit::State,
    ui_state: UiState,
    scopes: ScopesFeed,
    /// Displays and views to choose from, read when the first picture is on screen.
    color_menu: Option<ColorMenu>,
    shown: ShownStatus,
    wake_at: Option<Nanos>,
    rhythm: Rhythm,
    repaint_at: Option<Instant>,
    picture: Option<egui::Rect>,
    /// What it took to put the last picture on screen.
    drawn_nanos: Option<u64>,
    window: Arc<Window>,
}

impl FrameLoop {
    /// # Errors
    /// [`AppError`] when there is no surface, no adapter or no thread.
    pub fn open(
        event_loop: &ActiveEventLoop,
        window: Arc<Window>,
        adapter: &AdapterChoice,
        vram_bytes: Option<u64>,
        color: ColorRequest,
        wants_hdr: bool,
        ring: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self, AppError> {
        let display = Box::new(event_loop.owned_display_handle());
        let descriptor = wgpu::InstanceDescriptor::new_with_display_handle_from_env(display);
        let instance = wgpu::Instance::new(descriptor);
        let mut surface = WindowSurface::new(&instance, Arc::clone(&window)).map_err(AppError::NoWindow)?;
        let gpu = Gpu::open(instance, adapter, Some(surface.raw()))
            .map_err(|error| AppError::Stage(StageError::Gpu(error)))?;
        let choice = surface.choose(&gpu, wants_hdr).ok_or_else(no_format)?;
        let is_software = gpu.summary.kind == AdapterKind::Cpu;
        let default = || gpu_budget_default(adapter_memory(&gpu.summary.pci_address), is_software);
        let vram_bytes = vram_bytes.unwrap_or_else(default);
        let options = StageOptions {
            adapter: adapter.clone(),
            vram_bytes,
            forces_bits: false,
            format: canvas_format(&choice),
            white_nits: white_nits(&choice),
            color,
            builds_color_aside: true,
        };
        let painter = Painter::new(&gpu, &choice);
        let egui = controls(&window, gpu.max_texture_side());
        let rhythm = Rhythm::of(&window, gpu.summary.kind);
        let mut stage = Stage::new(gpu, options, ring).map_err(AppError::Stage)?;
        stage.use_timeline_format(controls_format(&choice));
        Ok(Self {
            painter,
            wants_hdr,
            canvas: None,
            drawn: None,
            awaits_pipeline: false,
            painted: None,
            painted_at: Instant::now(),
            painting: Duration::ZERO,
            strip_revision: 0,
            stage,
            surface,
            egui,
            ui_state: UiState::default(),
            scopes: ScopesFeed::default(),
            color_menu: None,
            shown: ShownStatus::Empty,
            wake_at: None,
            rhythm,
            repaint_at: None,
            picture: None,
            drawn_nanos: None,
            window,
        })
    }

    pub fn adapter(&self) -> &AdapterSummary {
        self.stage.adapter()
    }

    pub fn window(&self) -> &Window {
        &self.window
    }

    pub fn ui_state(&mut self) -> &mut UiState {
        &mut self.ui_state
    }

    pub fn resized(&mut self) {
        self.surface.resized();
        self.window.request_redraw();
    }

    pub fn is_busy(&self) -> bool {
        self.stage.is_busy()
    }

    pub fn wake_at(&self) -> Option<Nanos> {
        self.wake_at
    }

    pub fn repaint_at(&self) -> Option<Instant> {
        self.repaint_at
    }

    /// Closes the menus that are open; `false` when none was.
    pub fn close_menus(&self) -> bool {
        let context = self.egui.egui_ctx();
        let is_open = egui::Popup::is_any_open(context);
        egui::Popup::close_all(context);
        is_open
    }

    /// Whether what is typed belongs to a text field.
    pub fn wants_text(&self) -> bool {
        self.egui.egui_ctx().text_edit_focused()
    }

    /// Hands an event to the controls; tells whether they want to be drawn again. The cursor moving over
    /// the picture changes nothing.
    pub fn on_window_event(&mut self, event: &WindowEvent) -> bool {
        let response = self.egui.on_window_event(&self.window, event);
        let is_hover = matches!(event, WindowEvent::CursorMoved { .. })
            && !self.egui.is_any_pointer_button_down()
            && self.is_over_picture();
        response.repaint && !is_hover
    }

    fn is_over_picture(&self) -> bool {
        let position = self.egui.egui_ctx().input(|input| input.pointer.latest_pos());
        self.picture.zip(position).is_some_and(|(rect, position)| rect.shrink(8.0).contains(position))
    }

    /// One step of player and ring; a lost device is replaced first.
    ///
    /// # Errors
    /// [`StageError`] when no device can be had any more.
    pub fn step(&mut self, player: &mut Player, now: Nanos) -> Result<(), StageError> {
        if self.stage.is_lost() {
            self.recover()?;
        }
        let is_playing = player.transport().is_playing();
        let time = self.rhythm.playback_time(player, is_playing, now);
        let tick = self.stage.step(player, time);
        self.rhythm.note(tick.presented);
        self.shown = tick.shown;
        self.wake_at = tick.wake_at;
        // A bell rings for pipelines too; whether this one did is seen when the picture is drawn.
        if self.stage.colors().poll() || self.awaits_pipeline {
            self.repaint_at = Some(Instant::now());
        }
        self.step_scopes(player);
        Ok(())
    }

    /// Measures what is shown while the panel is open.
    fn step_scopes(&mut self, player: &mut Player) {
        if !self.ui_state.shows_scopes {
            // A measurement that was still under way is taken off the device.
            self.scopes.step(&mut self.stage, None);
            self.scopes.forget();
            return;
        }
        let snapshot = player.snapshot();
        let is_linear = snapshot.clip.as_ref().is_some_and(|clip| clip.is_linear);
        let wish = shown_key(&self.shown).map(|key| ScopesWish {
            key,
            color: player.view().color_for(is_linear),
            scale: self.ui_state.scope_scale,
            is_playing: snapshot.transport.playing,
        });
        if self.scopes.step(&mut self.stage, wish.as_ref()) {
            self.repaint_at = Some(Instant::now());
        }
    }

    /// Device, pipelines, textures of the controls and ring start over; the player goes on.
    fn recover(&mut self) -> Result<(), StageError> {
        let instance = self.stage.gpu().instance.clone();
        let fresh = |error: String| GpuError::NoDevice { adapter: "window".into(), reason: error };
        self.surface = WindowSurface::new(&instance, Arc::clone(&self.window)).map_err(fresh)?;
        let gpu = Gpu::open(instance, self.stage.adapter_choice(), Some(self.surface.raw()))?;
        let choice = self.surface.choose(&gpu, self.wants_hdr);
        let choice = choice.ok_or_else(|| fresh("the surface has no format".to_string()))?;
        self.painter = Painter::new(&gpu, &choice);
        self.egui = controls(&self.window, gpu.max_texture_side());
        self.canvas = None;
        self.drawn = None;
        self.stage.use_target(canvas_format(&choice), white_nits(&choice));
        self.stage.rebuild(gpu)?;
        self.scopes.forget();
        self.stage.use_timeline_format(controls_format(&choice));
        self.window.request_redraw();
        Ok(())
    }

    /// Whether what is on screen is out of date.
    pub fn needs_redraw(&mut self, player: &mut Player) -> bool {
        let snapshot = player.snapshot();
        if self.strip_revision != snapshot.timeline.revision {
            self.repaint_within(STATUS_REPAINT);
        }
        // A paused window has nothing to tell of playback.
        let tells_playback = self.ui_state.shows_statistics && snapshot.transport.playing;
        if self.ui_state.shows_memory || tells_playback {
            self.repaint_within(PANEL_REPAINT);
        }
        let due = self.repaint_at.is_some_and(|at| at <= Instant::now());
        due || self.painted.as_ref() != Some(&painted(&snapshot, player))
    }

    fn repaint_within(&mut self, delay: Duration) {
        let at = self.painted_at + delay.max(self.painting * PAINTING_SHARE);
        self.repaint_at = Some(self.repaint_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Whether the next frame of the window is drawn as soon as the display takes one.
    pub fn follows_display(&self, player: &Player) -> bool {
        self.rhythm.is_followed() && player.transport().is_playing()
    }

    /// The display took a frame of the window at `now`.
    pub fn refreshed(&mut self, player: &mut Player, now: Nanos) {
        if self.follows_display(player) {
            self.rhythm.refreshed(player, now);
        }
    }

    /// What it took to put a new picture on screen, since this was last asked.
    pub fn take_drawn_nanos(&mut self) -> Option<u64> {
        self.drawn_nanos.take()
    }

    /// Draws one frame of the window; returns what the user did with the controls.
    pub fn draw(&mut self, player: &mut Player) -> Vec<Command> {
        let snapshot = player.snapshot();
        let input = self.egui.take_egui_input(&self.window);
        let context = self.egui.egui_ctx().clone();
        let mut output = ui::Output::default();
        let sound = if self.ui_state.shows_controls { player.sound_outline() } else { None };
        let full = context.run_ui(input, |ui| output = self.build(ui, &snapshot, player, sound.as_ref()));
        self.egui.handle_platform_output(&self.window, full.platform_output);
        let delay = full
            .viewport_output
            .get(&egui::ViewportId::ROOT)
            .map_or(Duration::MAX, |viewport| viewport.repaint_delay);
        self.repaint_at = Instant::now().checked_add(delay).filter(|_| delay < Duration::from_secs(60));
        let scale = full.pixels_per_point;
        let primitives = context.tessellate(full.shapes, scale);
        self.picture = output.picture;
        if let Some(scale) = output.scope_scale {
            self.ui_state.scope_scale = scale;
            self.step_scopes(player);
        }
        if let Some(choice) = output.color.take() {
            self.choose_view(choice);
        }
        let is_drawn = self.present(player, &snapshot, full.textures_delta, &primitives, scale);
        self.painted = is_drawn.then(|| painted(&snapshot, player));
        self.painted_at = Instant::now();
        self.strip_revision = snapshot.timeline.revision;
        if snapshot.sound.is_some() && sound.is_none_or(|sound| !sound.is_whole()) {
            self.repaint_within(PANEL_REPAINT);
        }
        output.commands
    }

    /// Another display and view, or the defaults again.
    fn choose_view(&mut self, choice: ViewChoice) {
        let colors = self.stage.colors();
        let (display, view) = choice.unzip();
        colors.set_request(ColorRequest { display, view, ..colors.request().clone() });
        self.window.request_redraw();
    }

    fn build(
        &mut self,
        ui: &mut egui::Ui,
        snapshot: &Snapshot,
        player: &Player,
        sound: Option<&SoundOutline>,
    ) -> ui::Output {
        let adapter = self.stage.adapter().clone();
        let chain = self.stage.color_text(player, snapshot.transport.playing);
        if self.color_menu.is_none() && self.drawn.is_some() {
            self.color_menu = Some(self.stage.colors().menu());
        }
        let inputs = Inputs {
            snapshot,
            view: player.view(),
            adapter: &adapter.name,
            is_software: adapter.kind == AdapterKind::Cpu,
            scopes: self.scopes.shown(),
            chain: &chain,
            color_menu: self.color_menu.as_ref(),
            sound,
        };
        let scale = ui.ctx().pixels_per_point();
        let stage = &mut self.stage;
        let mut strip = |rect: egui::Rect| {
            let size = ((rect.width() * scale).round() as u32, (rect.height() * scale).round() as u32);
            let view = StripView {
                status: &snapshot.timeline,
                area: snapshot.transport.area,
                frames: snapshot.clip.as_ref().map_or(1, |clip| clip.frames),
                playhead: snapshot.transport.playhead,
            };
            let draw = stage.timeline_draw(&view, size);
            egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, StripCallback(draw)))
        };
        ui::build(ui, &inputs, &self.ui_state, &mut strip)
    }

    fn present(
        &mut self,
        player: &mut Player,
        snapshot: &Snapshot,
        mut textures: egui::TexturesDelta,
        primitives: &[egui::ClippedPrimitive],
        scale: f32,
    ) -> bool {
        self.painter.update(self.stage.gpu(), &mut textures);
        let acquired = self.acquire();
        let is_drawn = acquired.is_some();
        if let Some(texture) = acquired {
            // Waiting for the display's next picture is over; what follows is work.
            let before = Instant::now();
            let (origin, is_new) = self.draw_picture(player, snapshot, scale);
            let picture = self.canvas.as_ref().zip(origin);
            self.painter.paint(&self.stage, &texture.texture, picture, primitives, scale);
            self.window.pre_present_notify();
            self.stage.gpu().queue.present(texture);
            self.painting = before.elapsed();
            self.drawn_nanos = is_new.then_some(self.painting.as_nanos() as u64);
        }
        self.painter.free(&mut textures);
        is_drawn
    }

    fn acquire(&mut self) -> Option<wgpu::SurfaceTexture> {
        for _ in 0..ACQUIRE_TRIES {
            match self.surface.acquire(self.stage.gpu()) {
                Acquired::Draw(texture) => return Some(texture),
                Acquired::Skip => return None,
                Acquired::Retry => {}
            }
        }
        self.window.request_redraw();
        None
    }

    /// Brings the canvas up to date; returns the pixel of the surface where it lies, and whether it was drawn anew.
    fn draw_picture(
        &mut self,
        player: &mut Player,
        snapshot: &Snapshot,
        scale: f32,
    ) -> (Option<(i32, i32)>, bool) {
        let Some(rect) = self.picture else { return (None, false) };
        let size = ((rect.width() * scale).round() as u32, (rect.height() * scale).round() as u32);
        if size.0 == 0 || size.1 == 0 {
            return (None, false);
        }
        if let Some(window) = snapshot.clip.as_ref().and_then(|clip| clip.display_window) {
            let aspect = snapshot.clip.as_ref().map_or(1.0, |clip| clip.pixel_aspect);
            player.set_fit_zoom(fit_zoom((window.width, window.height), aspect, size));
        }
        let color = self.stage.coloring(player, snapshot.transport.playing);
        for notice in self.stage.colors().take_notices() {
            log::warn!("{notice}");
            player.tell_next(notice);
        }
        let view = *player.view();
        let wanted = Drawn {
            shown: self.shown.clone(),
            color,
            framing: view.framing,
            sampling: self.stage.sampling(view.filter, snapshot.transport.playing),
            size,
        };
        // Between two frames of a tier that holds one, the picture stays.
        let is_between = self.shown == ShownStatus::Empty && snapshot.transport.playing;
        let stays = is_between && self.drawn.as_ref().is_some_and(|drawn| drawn.size == size);
        let is_new = !stays && self.drawn.as_ref() != Some(&wanted) && self.redraw_canvas(&wanted);
        if is_new {
            self.drawn = Some(wanted);
        }
        (Some(((rect.min.x * scale).round() as i32, (rect.min.y * scale).round() as i32)), is_new)
    }

    /// `false` while a chain or a pipeline for it is being made: the picture stays as it was.
    fn redraw_canvas(&mut self, wanted: &Drawn) -> bool {
        let placement =
            |layout: &crate::frame::PlaneLayout| place(layout, wanted.size, wanted.framing, wanted.sampling);
        self.awaits_pipeline = !self.stage.is_ready(&wanted.shown, placement, &wanted.color);
        if self.awaits_pipeline {
            return false;
        }
        let fits = |canvas: &Canvas| (canvas.width(), canvas.height()) == wanted.size;
        if !self.canvas.as_ref().is_some_and(fits) {
            self.canvas = Some(self.stage.canvas(wanted.size.0, wanted.size.1));
        }
        let Some(canvas) = &self.canvas else { return false };
        self.stage.draw(canvas, &wanted.shown, placement, &wanted.color, None);
        true
    }
}

fn painted(snapshot: &Snapshot, player: &Player) -> Painted {
    Painted {
        shown: snapshot.shown.clone(),
        playhead: snapshot.transport.playhead,
        message: snapshot.message.clone(),
        view: *player.view(),
        playing: snapshot.transport.playing,
        area: snapshot.transport.area,
        loop_mode: snapshot.transport.loop_mode,
        clip: snapshot.clip.as_ref().map(|clip| (clip.position, clip.layer)),
        level: snapshot.memory.cpu_pressure.level,
    }
}

fn canvas_format(choice: &SurfaceChoice) -> wgpu::TextureFormat {
    if choice.light.is_some() { LIGHT_FORMAT } else { CANVAS_FORMAT }
}

fn white_nits(choice: &SurfaceChoice) -> Option<f32> {
    choice.light.map(|target| target.white_nits)
}

fn no_format() -> AppError {
    AppError::NoWindow("the surface offers no format".into())
}

fn controls(window: &Window, max_texture_side: u32) -> egui_winit::State {
    let context = egui::Context::default();
    ui::apply_theme(&context);
    let scale = Some(window.scale_factor() as f32);
    let side = Some(max_texture_side as usize);
    egui_winit::State::new(context, egui::ViewportId::ROOT, window, scale, window.theme(), side)
}
