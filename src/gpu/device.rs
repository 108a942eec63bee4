//! Owns the instance, the adapter and the device, with handlers that never panic: errors are logged,
//! a lost device is a flag that the owner looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wgpu::{Backends, DeviceType, Features, Limits};

use super::TextureLimits;

/// Which adapter to use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The fastest there is.
    #[default]
    Best,
    /// A software adapter.
    Cpu,
    /// The first whose name contains this, whatever the case.
    Named(String),
}

impl std::fmt::Display for AdapterChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Best => write!(f, "any"),
            Self::Cpu => write!(f, "a software adapter"),
            Self::Named(name) => write!(f, "one called «{name}»"),
        }
    }
}

/// Why there is no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    #[error(
        "no GPU adapter was found (looked for {looked_for}; found {found}). Install a Vulkan driver; \
         for drawing without a GPU, the packages mesa-vulkan-drivers and libvulkan1"
    )]
    NoAdapter { looked_for: String, found: String },
    #[error("the adapter {adapter} gave no device: {reason}")]
    NoDevice { adapter: String, reason: String },
}

/// What kind of memory and speed to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdapterKind {
    Discrete,
    Integrated,
    Virtual,
    Cpu,
    Other,
}

impl AdapterKind {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Cpu => "cpu",
            Self::Other => "other",
        }
    }
}

/// The adapter as reports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterSummary {
    pub name: String,
    pub backend: String,
    pub driver: String,
    pub kind: AdapterKind,
    /// Such as `0000:01:00.0`; empty where the driver does not tell.
    pub pci_address: String,
}

impl AdapterSummary {
    fn of(info: &wgpu::AdapterInfo) -> Self {
        let kind = match info.device_type {
            DeviceType::DiscreteGpu => AdapterKind::Discrete,
            DeviceType::IntegratedGpu => AdapterKind::Integrated,
            DeviceType::VirtualGpu => AdapterKind::Virtual,
            DeviceType::Cpu => AdapterKind::Cpu,
            DeviceType::Other => AdapterKind::Other,
        };
        Self {
            name: crate::text::shown(&info.name),
            backend: info.backend.to_string(),
            driver: crate::text::shown(format!("{} {}", info.driver, info.driver_info).trim()),
            kind,
            pci_address: info.device_pci_bus_id.clone(),
        }
    }

    /// Whether textures lie in system memory.
    pub fn shares_ram(&self) -> bool {
        matches!(self.kind, AdapterKind::Cpu | AdapterKind::Integrated)
    }
}

/// A device that is ready for use.
pub struct Gpu {
    pub instance: wgpu::Instance,
    pub adapter: wgpu::Adapter,
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub summary: AdapterSummary,
    is_lost: Arc<AtomicBool>,
    errors: Arc<AtomicU64>,
}

/// Which device something lies on. wgpu itself calls devices of two instances equal, so it is not asked.
#[derive(Debug, Clone)]
pub struct DeviceMark(Arc<AtomicBool>);

impl DeviceMark {
    /// Whether it is this device, which another one may have replaced after a loss.
    pub fn is_of(&self, gpu: &Gpu) -> bool {
        Arc::ptr_eq(&self.0, &gpu.is_lost)
    }
}

impl Gpu {
    /// A device without a window.
    ///
    /// # Errors
    /// [`GpuError`] when no adapter fits the choice or gives no device.
    pub fn headless(choice: &AdapterChoice) -> Result<Self, GpuError> {
        let descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
        Self::open(wgpu::Instance::new(descriptor), choice, None)
    }

    /// A device that can present to `surface`, where one is given.
    ///
    /// # Errors
    /// [`GpuError`] when no adapter fits the choice or gives no device.
    pub fn open(
        instance: wgpu::Instance,
        choice: &AdapterChoice,
        surface: Option<&wgpu::Surface<'_>>,
    ) -> Result<Self, GpuError> {
        let adapter = pollster::block_on(find_adapter(&instance, choice, surface))?;
        let summary = AdapterSummary::of(&adapter.get_info());
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("rushes"),
            required_features: Features::empty(),
            required_limits: limits(&adapter),
            ..Default::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).map_err(|error| {
            let reason = crate::text::shown(error.to_string());
            GpuError::NoDevice { adapter: summary.name.clone(), reason }
        })?;
        let (is_lost, errors) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        watch(&device, &is_lost, &errors);
        Ok(Self { instance, adapter, device, queue, summary, is_lost, errors })
    }

    /// Whether the device is gone and everything on it with it.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// What tells this device from all others, for as long as somebody keeps it.
    pub fn mark(&self) -> DeviceMark {
        DeviceMark(Arc::clone(&self.is_lost))
    }

    /// Errors that no scope caught; a fault of ours, logged when it happened.
    pub fn uncaught_errors(&self) -> u64 {
        self.errors.load(Ordering::Acquire)
    }

    /// Pixels along one side of the largest texture.
    pub fn max_texture_side(&self) -> u32 {
        self.texture_limits().side
    }

    /// What one texture may be at most.
    pub fn texture_limits(&self) -> TextureLimits {
        let limits = self.device.limits();
        TextureLimits { side: limits.max_texture_dimension_2d, layers: limits.max_texture_array_layers }
    }

    /// Lets the device call back what is complete; waits for nothing.
    pub fn poll(&self) {
        let _ = self.device.poll(wgpu::PollType::Poll);
    }

    /// Waits until a submission is complete.
    pub fn wait_for(&self, submission: wgpu::SubmissionIndex) {
        let waited = self.device.poll(wgpu::PollType::Wait {
            submission_index: Some(submission),
            timeout: Some(std::time::Duration::from_secs(30)),
        });
        if let Err(error) = waited {
            log::error!("the device did not finish within 30 s: {error}");
        }
    }
}

/// The defaults, and of the adapter's own only what large frames need.
fn limits(adapter: &wgpu::Adapter) -> Limits {
    let most = adapter.limits();
    let base = if most.max_storage_buffers_per_shader_stage == 0 {
        Limits::downlevel_webgl2_defaults()
    } else {
        Limits::downlevel_defaults()
    };
    Limits {
        max_texture_dimension_2d: most.max_texture_dimension_2d,
        max_buffer_size: most.max_buffer_size,
        ..base
    }
}

/// The callbacks run inside whatever call meets the fault: they only note it.
fn watch(device: &wgpu::Device, is_lost: &Arc<AtomicBool>, errors: &Arc<AtomicU64>) {
    let lost = Arc::clone(is_lost);
    device.set_device_lost_callback(move |reason, message| {
        lost.store(true, Ordering::Release);
        if reason != wgpu::DeviceLostReason::Destroyed {
            log::error!("the GPU device was lost: {}", crate::text::shown(message));
        }
    });
    let errors = Arc::clone(errors);
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        if errors.fetch_add(1, Ordering::AcqRel) == 0 {
            log::error!("GPU error: {}", crate::text::shown(error.to_string()));
        }
    }));
}

async fn find_adapter(
    instance: &wgpu::Instance,
    choice: &AdapterChoice,
    surface: Option<&wgpu::Surface<'_>>,
) -> Result<wgpu::Adapter, GpuError> {
    if *choice == AdapterChoice::Best {
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            compatible_surface: surface,
            ..Default::default()
        };
        let found = instance.request_adapter(&options).await;
        return found.map_err(|_| no_adapter(&choice.to_string(), &[]));
    }
    let mut adapters = instance.enumerate_adapters(Backends::all()).await;
    if let Some(surface) = surface {
        adapters.retain(|adapter| adapter.is_surface_supported(surface));
    }
    let fits = |adapter: &wgpu::Adapter| match choice {
        AdapterChoice::Best => true,
        AdapterChoice::Cpu => adapter.get_info().device_type == DeviceType::Cpu,
        AdapterChoice::Named(name) => adapter.get_info().name.to_lowercase().contains(&name.to_lowercase()),
    };
    match adapters.iter().position(fits) {
        Some(position) => Ok(adapters.swap_remove(position)),
        None => Err(no_adapter(&choice.to_string(), &adapters)),
    }
}

fn no_adapter(looked_for: &str, adapters: &[wgpu::Adapter]) -> GpuError {
    let names: Vec<String> =
        adapters.iter().map(|adapter| crate::text::shown(&adapter.get_info().name)).collect();
    let found = if names.is_empty() { "none".to_string() } else { names.join(", ") };
    GpuError::NoAdapter { looked_for: crate::text::shown(looked_for), found }
}
