//! The window: winit events in, surface frames out. Joins controls and stage; holds no policy. The main
//! thread, which is the one that submits and presents.

mod frame;
mod keys;
mod paint;
mod rhythm;
mod scopes;
mod surface;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use winit::application::ApplicationHandler;
use winit::event::{ElementState, StartCause, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy};
use winit::keyboard::{Key, ModifiersState, NamedKey};
use winit::window::{Fullscreen, Window, WindowId};

use crate::cli::Failure;
use crate::color::ColorRequest;
use crate::gpu::{AdapterChoice, AdapterSummary};
use crate::player::{Player, WindowAction};
use crate::stage::{StageError, WallClock};
use crate::time::{Clock, Nanos};

use frame::FrameLoop;

const TITLE: &str = "rushes";
const FIRST_SIZE: (u32, u32) = (1280, 800);
/// While nothing happens the loop wakes this often, to notice signals.
const IDLE_WAKE: Duration = Duration::from_millis(250);
/// While uploads are under way the device must be polled for them to move on.
const BUSY_WAKE: Duration = Duration::from_millis(1);
/// A redraw that was asked for comes as an event; asking again sooner would only spin.
const REPAINT_RETRY: Duration = Duration::from_millis(16);

/// Wakes the loop from another thread; carries nothing.
#[derive(Debug, Clone, Copy)]
pub struct Wake;

/// What goes on beside playing, called with every turn of the loop.
pub type Attend = Box<dyn FnMut(&mut Player, Nanos)>;
/// What opens a player once the adapter is known, with what is to attend it.
pub type OpenPlayer = Box<
    dyn FnOnce(&AdapterSummary, WallClock, Arc<dyn Fn() + Send + Sync>) -> Result<(Player, Attend), Failure>,
>;
/// Adds dropped files to a player; returns what the user should know.
pub type OpenMore = Box<dyn FnMut(&mut Player, PathBuf) -> Option<String>>;

/// Keeps the budgets for the next time; returns what the user should know.
pub type SaveSettings = Box<dyn FnMut(&Player) -> String>;

/// What the window starts with.
pub struct Setup {
    pub adapter: AdapterChoice,
    pub vram_bytes: Option<u64>,
    pub color: ColorRequest,
    /// More than white, where the surface shows it.
    pub wants_hdr: bool,
    pub open_player: OpenPlayer,
    pub open_more: OpenMore,
    pub save_settings: SaveSettings,
}

/// Why the window did not come, or did not stay.
#[derive(Debug)]
pub enum AppError {
    /// Media, GPU or threads; with the exit code.
    Open(Box<Failure>),
    NoWindow(String),
    Stage(StageError),
    /// A signal ended it.
    Interrupted,
}

/// Opens the window and runs until it is closed or `is_interrupted`.
///
/// # Errors
/// [`AppError`] when there is no display, no GPU or no media.
pub fn run(setup: Setup, is_interrupted: Box<dyn Fn() -> bool>) -> Result<(), AppError> {
    let no_window = |error: &dyn std::fmt::Display| AppError::NoWindow(crate::text::shown(error.to_string()));
    let event_loop = EventLoop::<Wake>::with_user_event().build().map_err(|error| no_window(&error))?;
    let mut app = App {
        proxy: event_loop.create_proxy(),
        setup: Some(setup),
        is_interrupted,
        running: None,
        error: None,
    };
    event_loop.run_app(&mut app).map_err(|error| no_window(&error))?;
    app.error.map_or(Ok(()), Err)
}

/// Everything that exists while the window does.
struct Running {
    frames: FrameLoop,
    player: Player,
    open_more: OpenMore,
    save_settings: SaveSettings,
    clock: WallClock,
    attend: Attend,
    modifiers: ModifiersState,
    is_occluded: bool,
    needs_step: bool,
}

struct App {
    proxy: EventLoopProxy<Wake>,
    setup: Option<Setup>,
    is_interrupted: Box<dyn Fn() -> bool>,
    running: Option<Running>,
    error: Option<AppError>,
}

impl App {
    fn start(&mut self, event_loop: &ActiveEventLoop) -> Result<Running, AppError> {
        let Some(setup) = self.setup.take() else { return Err(AppError::NoWindow("started twice".into())) };
        let attributes = Window::default_attributes()
            .with_title(TITLE)
            .with_inner_size(winit::dpi::LogicalSize::new(FIRST_SIZE.0, FIRST_SIZE.1));
        let window = event_loop
            .create_window(attributes)
            .map_err(|error| AppError::NoWindow(crate::text::shown(error.to_string())))?;
        let proxy = self.proxy.clone();
        let ring: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            let _ = proxy.send_event(Wake);
        });
        let frames = FrameLoop::open(
            event_loop,
            Arc::new(window),
            &setup.adapter,
            setup.vram_bytes,
            setup.color,
            setup.wants_hdr,
            Arc::clone(&ring),
        )?;
        let clock = WallClock::default();
        let (player, attend) = (setup.open_player)(frames.adapter(), clock, ring)
            .map_err(|failure| AppError::Open(Box::new(failure)))?;
        if let Some(clip) = player.clip() {
            frames.window().set_title(&format!("{} - {TITLE}", clip.name));
        }
        Ok(Running {
            frames,
            player,
            open_more: setup.open_more,
            save_settings: setup.save_settings,
            clock,
            attend,
            modifiers: ModifiersState::empty(),
            is_occluded: false,
            needs_step: true,
        })
    }

    fn fail(&mut self, event_loop: &ActiveEventLoop, error: AppError) {
        self.error = Some(error);
        self.running = None;
        event_loop.exit();
    }
}

impl ApplicationHandler<Wake> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.running.is_some() {
            return;
        }
        match self.start(event_loop) {
            Ok(running) => {
                running.frames.window().request_redraw();
                self.running = Some(running);
            }
            Err(error) => self.fail(event_loop, error),
        }
    }

    fn new_events(&mut self, _: &ActiveEventLoop, cause: StartCause) {
        if let (Some(running), StartCause::ResumeTimeReached { .. }) = (&mut self.running, cause) {
            running.needs_step = true;
        }
    }

    fn user_event(&mut self, _: &ActiveEventLoop, _: Wake) {
        if let Some(running) = &mut self.running {
            running.needs_step = true;
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        let Some(running) = &mut self.running else { return };
        if matches!(event, WindowEvent::CloseRequested | WindowEvent::Destroyed) {
            self.running = None;
            event_loop.exit();
            return;
        }
        running.window_event(event);
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        let Some(running) = &mut self.running else { return };
        if (self.is_interrupted)() {
            self.fail(event_loop, AppError::Interrupted);
            return;
        }
        match running.step() {
            Ok(Some(wake_at)) => event_loop.set_control_flow(ControlFlow::WaitUntil(wake_at)),
            Ok(None) => {
                self.running = None;
                event_loop.exit();
            }
            Err(error) => self.fail(event_loop, error),
        }
    }
}

impl Running {
    fn window_event(&mut self, event: WindowEvent) {
        match &event {
            WindowEvent::RedrawRequested => {
                self.draw();
                return;
            }
            WindowEvent::Resized(_) | WindowEvent::ScaleFactorChanged { .. } => self.frames.resized(),
            WindowEvent::Occluded(occluded) => {
                self.is_occluded = *occluded;
                self.frames.window().request_redraw();
            }
            WindowEvent::ModifiersChanged(modifiers) => self.modifiers = modifiers.state(),
            WindowEvent::DroppedFile(path) => self.open(path.clone()),
            WindowEvent::KeyboardInput { event, .. }
                if event.state == ElementState::Pressed && self.key(&event.logical_key, event.repeat) =>
            {
                return;
            }
            _ => {}
        }
        if self.frames.on_window_event(&event) {
            self.frames.window().request_redraw();
        }
    }

    /// Shortcuts come before the controls, so that Space plays whatever has the focus; while text is
    /// typed they do not.
    fn key(&mut self, key: &Key, is_repeat: bool) -> bool {
        if *key == Key::Named(NamedKey::Escape) {
            self.escape();
            return true;
        }
        if self.frames.wants_text() {
            return false;
        }
        let Some(command) = keys::command_of(key, self.modifiers) else { return false };
        // A key that is held goes on stepping, but toggles only once.
        if is_repeat && !keys::repeats(command) {
            return true;
        }
        self.player.command(command);
        self.needs_step = true;
        self.frames.window().request_redraw();
        true
    }

    /// Closes what lies over the picture; never quits.
    fn escape(&mut self) {
        if self.frames.close_menus() {
            return self.frames.window().request_redraw();
        }
        let state = self.frames.ui_state();
        if state.shows_help {
            state.shows_help = false;
        } else if state.shows_memory {
            state.shows_memory = false;
        } else if state.shows_scopes {
            state.shows_scopes = false;
        } else if state.shows_statistics {
            state.shows_statistics = false;
        } else {
            state.shows_controls = true;
            self.frames.window().set_fullscreen(None);
        }
        self.frames.window().request_redraw();
    }

    fn open(&mut self, path: PathBuf) {
        if let Some(message) = (self.open_more)(&mut self.player, path) {
            self.player.tell(message, self.clock.now());
        }
        self.needs_step = true;
        self.frames.window().request_redraw();
    }

    /// Ticks the player when there is reason to; returns when to wake next, nothing to quit.
    fn step(&mut self) -> Result<Option<Instant>, AppError> {
        let now = self.clock.now();
        (self.attend)(&mut self.player, now);
        if self.frames.is_busy() {
            self.needs_step = true;
        }
        if self.needs_step {
            self.needs_step = false;
            self.frames.step(&mut self.player, now).map_err(AppError::Stage)?;
            if !self.carry_out_actions() {
                return Ok(None);
            }
            let follows = self.frames.follows_display(&self.player);
            if (follows || self.frames.needs_redraw(&mut self.player)) && !self.is_occluded {
                self.frames.window().request_redraw();
            }
        }
        Ok(Some(self.wake_at()))
    }

    fn wake_at(&self) -> Instant {
        let now = Instant::now();
        let idle = now + if self.frames.is_busy() { BUSY_WAKE } else { IDLE_WAKE };
        let due = self.frames.wake_at().map(|due| self.clock.instant(due));
        let repaint =
            self.frames.repaint_at().filter(|_| !self.is_occluded).map(|at| at.max(now + REPAINT_RETRY));
        [due, repaint].into_iter().flatten().fold(idle, Instant::min)
    }

    fn carry_out_actions(&mut self) -> bool {
        for action in self.player.take_window_actions() {
            match action {
                WindowAction::Quit => return false,
                WindowAction::ToggleFullscreen => self.toggle_fullscreen(),
                WindowAction::ToggleHelp => {
                    let state = self.frames.ui_state();
                    state.shows_help = !state.shows_help;
                }
                WindowAction::ToggleMemory => {
                    let state = self.frames.ui_state();
                    state.shows_memory = !state.shows_memory;
                }
                WindowAction::ToggleScopes => {
                    let state = self.frames.ui_state();
                    state.shows_scopes = !state.shows_scopes;
                    self.needs_step = true;
                }
                WindowAction::ToggleStatistics => {
                    let state = self.frames.ui_state();
                    state.shows_statistics = !state.shows_statistics;
                }
                WindowAction::SaveSettings => {
                    let message = (self.save_settings)(&self.player);
                    self.player.tell(message, self.clock.now());
                    self.needs_step = true;
                }
                WindowAction::ToggleInterface => {
                    let state = self.frames.ui_state();
                    state.shows_controls = !state.shows_controls;
                }
            }
            self.frames.window().request_redraw();
        }
        true
    }

    fn toggle_fullscreen(&self) {
        let window = self.frames.window();
        let fullscreen = window.fullscreen().is_none().then_some(Fullscreen::Borderless(None));
        window.set_fullscreen(fullscreen);
    }

    fn draw(&mut self) {
        if self.is_occluded {
            return;
        }
        let commands = self.frames.draw(&mut self.player);
        if let Some(nanos) = self.frames.take_drawn_nanos() {
            self.player.note_drawn(nanos, self.clock.now());
        }
        if self.frames.follows_display(&self.player) {
            self.frames.refreshed(&mut self.player, self.clock.now());
            self.needs_step = true;
        }
        if !commands.is_empty() {
            commands.into_iter().for_each(|command| self.player.command(command));
            self.needs_step = true;
        }
    }
}
