//! The image pass: the planes of a slot become displayed colour in a target. One pipeline for each
//! way of reading planes; one bind group a draw, which is cheap beside the draw.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use bytemuck::{Pod, Zeroable};

use super::{fullscreen_pipeline, planes_group, planes_layout, uniform_group};
use crate::color::{
    AlphaMode, ChannelView, ColorProgram, ColorSettings, Encoding, Light, VideoRows, chroma_shift,
};
use crate::frame::{Area, PlaneLayout, Role};
use crate::gpu::plane::sample_kind;
use crate::gpu::shaders::Shader;
use crate::gpu::{Gpu, PlaneAccess, PlaneShape, ProgramTables, Slot};

/// How samples become pixels when the picture is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum Sampling {
    /// The sample under the pixel's middle; one to one is exact.
    #[default]
    Nearest = 0,
    Bilinear = 1,
    /// Bilinear where the picture grows; where it shrinks, the mean of all samples around, weighted by a tent.
    Tent = 2,
}

/// Twin of `Color` in `common/color.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq)]
pub struct ColorUniform {
    pub luminance: [f32; 4],
    pub gain: f32,
    pub offset: f32,
    pub saturation: f32,
    pub inverse_gamma: f32,
    pub alpha: u32,
    pub backdrop: u32,
    pub false_color: u32,
    pub marks: u32,
    pub white_nits: f32,
    pub padding: u32,
    pub more_padding: [u32; 2],
}

impl From<&ColorSettings> for ColorUniform {
    fn from(settings: &ColorSettings) -> Self {
        let [red, green, blue] = settings.luminance;
        Self {
            luminance: [red, green, blue, 0.0],
            gain: settings.exposure.exp2(),
            offset: settings.offset,
            saturation: settings.saturation,
            inverse_gamma: 1.0 / settings.gamma,
            alpha: settings.alpha as u32,
            backdrop: settings.backdrop as u32,
            false_color: u32::from(settings.false_color),
            marks: u32::from(settings.marks),
            white_nits: settings.white_nits,
            padding: 0,
            more_padding: [0; 2],
        }
    }
}

/// Twin of `Plane` in `common/fetch.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq, Default)]
pub struct PlaneUniform {
    pub size: [u32; 2],
    /// Tiles across.
    pub columns: u32,
    pub kind: u32,
}

impl PlaneUniform {
    pub fn of(slot: &Slot, plane: usize) -> Self {
        let spec = &slot.layout.planes()[plane];
        let columns = slot.tiles(plane).columns;
        Self { size: [spec.width, spec.height], columns, kind: sample_kind(spec.sample) }
    }
}

/// Twin of `Image` in `image.wgsl`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable, PartialEq)]
pub struct ImageUniform {
    pub origin: [f32; 2],
    pub scale: [f32; 2],
    pub data_offset: [f32; 2],
    pub data_size: [f32; 2],
    pub display_size: [f32; 2],
    pub background: f32,
    pub missing_count: u32,
    pub turn: [[f32; 2]; 2],
    pub turn_origin: [f32; 2],
    pub stored_scale: [f32; 2],
    pub planes: [PlaneUniform; 4],
    pub steps: [[f32; 4]; 4],
    pub video: [[f32; 4]; 3],
    pub chroma_shift: [f32; 2],
    pub alpha_scale: f32,
    pub padding: u32,
    pub color: ColorUniform,
    pub missing: [[f32; 4]; MISSING_AREAS],
}

/// Rectangles without data that a draw hatches; of more, one rectangle around the rest is the last.
const MISSING_AREAS: usize = 16;

/// Corners of the areas, and how many there are.
fn missing_areas(areas: &[Area]) -> ([[f32; 4]; MISSING_AREAS], u32) {
    let corners =
        |area: &Area| [area.x, area.y, area.x + area.width, area.y + area.height].map(|corner| corner as f32);
    let around = |a: [f32; 4], b: [f32; 4]| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])];
    let mut missing = [[0.0; 4]; MISSING_AREAS];
    for (number, area) in areas.iter().map(corners).enumerate() {
        match missing.get_mut(number) {
            Some(free) => *free = area,
            None => missing[MISSING_AREAS - 1] = around(missing[MISSING_AREAS - 1], area),
        }
    }
    (missing, areas.len().min(MISSING_AREAS) as u32)
}

/// Where and how the picture is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImagePlacement {
    /// Target pixel of the display window's upper left corner.
    pub origin: (f32, f32),
    /// Picture pixels per target pixel, across and down.
    pub scale: (f32, f32),
    pub sampling: Sampling,
    /// Grey around the display window, 0 to 1, as shown.
    pub background: f32,
}

/// Which planes stand for red, green, blue and alpha.
fn planes_shown(layout: &PlaneLayout) -> [usize; 4] {
    let [red, green, blue] = layout.color_planes();
    [red, green, blue, layout.plane_with_role(Role::Alpha).unwrap_or(red)]
}

/// Whether what is drawn depends on alpha.
fn shows_alpha(color: &ColorSettings) -> bool {
    color.alpha != AlphaMode::Ignored || matches!(color.channel, ChannelView::Alpha | ChannelView::Matte)
}

/// What a pipeline is made for. All else comes by the uniform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Variant {
    access: PlaneAccess,
    shape: PlaneShape,
    sampling: Sampling,
    has_missing: bool,
    is_even: bool,
    is_video: bool,
    is_grey: bool,
    is_turned: bool,
    uses_alpha: bool,
    channel: ChannelView,
    light: Light,
    encoding: Encoding,
    is_graded: bool,
    is_special: bool,
    /// The number of the colour program.
    program: Option<u32>,
}

/// What the constant `encoding` is where a colour program encodes.
const ENCODING_PROGRAM: u32 = 2;

impl Variant {
    fn of(slot: &Slot, placement: &ImagePlacement, color: &ColorSettings, program: Option<u32>) -> Self {
        let [red, green, _] = slot.layout.color_planes();
        Self {
            access: slot.access,
            shape: slot.shape(),
            sampling: placement.sampling,
            has_missing: !slot.missing.is_empty(),
            is_even: is_even(&slot.layout),
            is_video: slot.layout.video().is_some(),
            is_grey: red == green,
            is_turned: !slot.layout.orientation().is_upright(),
            uses_alpha: shows_alpha(color) && slot.layout.plane_with_role(Role::Alpha).is_some(),
            channel: color.channel,
            light: color.light,
            encoding: color.encoding,
            is_graded: color.gamma != 1.0 || color.saturation != 1.0,
            is_special: color.alpha != AlphaMode::Ignored || color.false_color || color.marks,
            program,
        }
    }

    fn constants(self) -> [(&'static str, f64); 12] {
        let flag = |is_set: bool| if is_set { 1.0 } else { 0.0 };
        [
            ("sampling", f64::from(self.sampling as u32)),
            ("has_missing", flag(self.has_missing)),
            ("is_even", flag(self.is_even)),
            ("is_video", flag(self.is_video)),
            ("is_grey", flag(self.is_grey)),
            ("is_turned", flag(self.is_turned)),
            ("uses_alpha", flag(self.uses_alpha)),
            ("channel", f64::from(self.channel as u32)),
            ("light", f64::from(self.light as u32)),
            ("encoding", f64::from(self.program.map_or(self.encoding as u32, |_| ENCODING_PROGRAM))),
            ("is_graded", flag(self.is_graded)),
            ("is_special", flag(self.is_special)),
        ]
    }
}

/// The layout of the planes and the module for one way of reading them.
struct Reading {
    textures: wgpu::BindGroupLayout,
    module: wgpu::ShaderModule,
}

impl Reading {
    fn new(device: &wgpu::Device, (access, shape): (PlaneAccess, PlaneShape)) -> Self {
        let sample_type = match access {
            PlaneAccess::Filtered => wgpu::TextureSampleType::Float { filterable: true },
            PlaneAccess::Bits => wgpu::TextureSampleType::Uint,
        };
        let textures = planes_layout(device, "image planes", sample_type, shape);
        Self { textures, module: Shader::Image(access, shape).module(device) }
    }
}

/// A colour program on the device, with the modules that were asked for so far.
struct LoadedProgram {
    tables: ProgramTables,
    wgsl: String,
    modules: HashMap<(PlaneAccess, PlaneShape), wgpu::ShaderModule>,
}

/// What a pipeline is made of; any thread can make it.
struct Recipe {
    device: wgpu::Device,
    module: RecipeModule,
    groups: Vec<wgpu::BindGroupLayout>,
    variant: Variant,
    target: wgpu::TextureFormat,
}

enum RecipeModule {
    There(wgpu::ShaderModule),
    /// The text of the colour program in it.
    Text(String),
}

/// A pipeline with its module, which other variants share.
struct Made {
    module: wgpu::ShaderModule,
    pipeline: wgpu::RenderPipeline,
}

impl Recipe {
    fn make(self) -> Made {
        let module = match self.module {
            RecipeModule::There(module) => module,
            RecipeModule::Text(text) => {
                Shader::image_module(&self.device, (self.variant.access, self.variant.shape), &text)
            }
        };
        let groups: Vec<_> = self.groups.iter().map(Some).collect();
        let constants = self.variant.constants();
        let pipeline = fullscreen_pipeline(&self.device, "image", &module, &groups, &constants, self.target);
        Made { module, pipeline }
    }
}

/// Pipelines that are being made on threads of their own.
struct Builds {
    /// Called when one is made.
    wake: Arc<dyn Fn() + Send + Sync>,
    under_way: HashMap<Variant, Receiver<Made>>,
}

impl Builds {
    /// Starts a thread that ends with its one answer; nobody waits for it.
    fn start(&mut self, recipe: Recipe) {
        let (sender, answer) = channel();
        let (variant, wake) = (recipe.variant, Arc::clone(&self.wake));
        let make = move || {
            let _ = sender.send(recipe.make());
            wake();
        };
        if let Err(error) = std::thread::Builder::new().name("pipeline-build".into()).spawn(make) {
            log::warn!("no thread for a pipeline: {error}");
        }
        self.under_way.insert(variant, answer);
    }
}

/// The pipelines of the image pass for one target format, each made when it is drawn with first.
pub struct ImagePass {
    target: wgpu::TextureFormat,
    builds: Option<Builds>,
    readings: HashMap<(PlaneAccess, PlaneShape), Reading>,
    pipelines: HashMap<Variant, wgpu::RenderPipeline>,
    programs: HashMap<u32, LoadedProgram>,
    layout: wgpu::BindGroupLayout,
    uniform: wgpu::Buffer,
    uniform_group: wgpu::BindGroup,
    sampler: wgpu::Sampler,
}

impl ImagePass {
    pub fn new(device: &wgpu::Device, target: wgpu::TextureFormat) -> Self {
        let (layout, uniform, uniform_group) =
            uniform_group(device, "image uniforms", size_of::<ImageUniform>());
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("planes"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        Self {
            target,
            builds: None,
            readings: HashMap::new(),
            pipelines: HashMap::new(),
            programs: HashMap::new(),
            layout,
            uniform,
            uniform_group,
            sampler,
        }
    }

    /// Pipelines of colour programs are made on threads of their own from now on, which call `wake`: nothing is drawn
    /// with one before [`Self::is_ready`] has said so.
    pub fn builds_aside(mut self, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        self.builds = Some(Builds { wake, under_way: HashMap::new() });
        self
    }

    /// Brings a colour program onto the device, under a number that draws name.
    pub fn load_program(&mut self, gpu: &Gpu, number: u32, program: &ColorProgram) {
        self.programs.entry(number).or_insert_with(|| LoadedProgram {
            tables: ProgramTables::new(gpu, program),
            wgsl: program.wgsl.clone(),
            modules: HashMap::new(),
        });
    }

    /// Whether a program can be drawn with.
    pub fn has_program(&self, number: u32) -> bool {
        self.programs.contains_key(&number)
    }

    /// Lets go of every program but these, and of their pipelines.
    pub fn keep_programs(&mut self, keeps: impl Fn(u32) -> bool) {
        self.programs.retain(|number, _| keeps(*number));
        self.pipelines.retain(|variant, _| variant.program.is_none_or(&keeps));
        if let Some(builds) = &mut self.builds {
            builds.under_way.retain(|variant, _| variant.program.is_none_or(&keeps));
        }
    }

    /// Whether a draw would wait for no pipeline to be made; asks for the one that it lacks.
    pub fn is_ready(
        &mut self,
        gpu: &Gpu,
        slot: &Slot,
        placement: &ImagePlacement,
        color: &ColorSettings,
        program: Option<u32>,
    ) -> bool {
        let program = program.filter(|number| self.has_program(*number));
        let variant = Variant::of(slot, placement, color, program);
        if program.is_none() || self.builds.is_none() || self.pipelines.contains_key(&variant) {
            return true;
        }
        let answer = self.builds.as_ref().and_then(|builds| builds.under_way.get(&variant));
        let made = match answer.map(Receiver::try_recv) {
            Some(Err(TryRecvError::Empty)) => return false,
            Some(Ok(made)) => Some(made),
            // The thread could not be started: at once, then.
            Some(Err(TryRecvError::Disconnected)) => Some(self.recipe(&gpu.device, variant).make()),
            None => None,
        };
        if let Some(made) = made {
            self.take_in(variant, made);
            return true;
        }
        let recipe = self.recipe(&gpu.device, variant);
        if let Some(builds) = &mut self.builds {
            builds.start(recipe);
        }
        false
    }

    fn take_in(&mut self, variant: Variant, made: Made) {
        if let Some(builds) = &mut self.builds {
            builds.under_way.remove(&variant);
        }
        if let Some(program) = variant.program.and_then(|number| self.programs.get_mut(&number)) {
            program.modules.insert((variant.access, variant.shape), made.module);
        }
        self.pipelines.insert(variant, made.pipeline);
    }

    /// What the pipeline of a variant is made of.
    fn recipe(&mut self, device: &wgpu::Device, variant: Variant) -> Recipe {
        let way = (variant.access, variant.shape);
        let reading = self.readings.entry(way).or_insert_with(|| Reading::new(device, way));
        let mut groups = vec![self.layout.clone(), reading.textures.clone()];
        let module = match variant.program.and_then(|number| self.programs.get(&number)) {
            None => RecipeModule::There(reading.module.clone()),
            Some(program) => {
                groups.push(program.tables.layout.clone());
                let there = program.modules.get(&way).cloned().map(RecipeModule::There);
                there.unwrap_or_else(|| RecipeModule::Text(program.wgsl.clone()))
            }
        };
        Recipe { device: device.clone(), module, groups, variant, target: self.target }
    }

    /// Draws a slot over the whole target of `pass`, with a loaded colour program or with the encoding of `color`. One
    /// draw a submission: the uniform is shared.
    pub fn draw(
        &mut self,
        gpu: &Gpu,
        pass: &mut wgpu::RenderPass<'_>,
        slot: &Slot,
        placement: &ImagePlacement,
        color: &ColorSettings,
        program: Option<u32>,
    ) {
        let (device, queue) = (&gpu.device, &gpu.queue);
        let planes = planes_shown(&slot.layout);
        let uniform = image_uniform(slot, planes, placement, color);
        queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(&uniform));
        let program = program.filter(|number| self.has_program(*number));
        let variant = Variant::of(slot, placement, color, program);
        if !self.pipelines.contains_key(&variant) {
            let made = self.recipe(device, variant).make();
            self.take_in(variant, made);
        }
        let way = (slot.access, slot.shape());
        let reading = &*self.readings.entry(way).or_insert_with(|| Reading::new(device, way));
        let sampler = (slot.access == PlaneAccess::Filtered).then_some(&self.sampler);
        let group = planes_group(device, &reading.textures, slot, planes, sampler);
        pass.set_pipeline(&self.pipelines[&variant]);
        if let Some(program) = program.and_then(|number| self.programs.get(&number)) {
            pass.set_bind_group(2, &program.tables.group, &[]);
        }
        pass.set_bind_group(0, &self.uniform_group, &[]);
        pass.set_bind_group(1, &group, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// Whether all planes have as many samples.
fn is_even(layout: &PlaneLayout) -> bool {
    let mut sizes = layout.planes().iter().map(|plane| (plane.width, plane.height));
    let first = sizes.next();
    sizes.all(|size| Some(size) == first)
}

/// Samples of a plane per pixel of the stored picture, and the part of the texture that a sample takes.
fn steps(layout: &PlaneLayout, plane: usize) -> [f32; 4] {
    let (spec, (width, height)) = (&layout.planes()[plane], layout.stored_size());
    let [across, down] = [spec.width, spec.height].map(|samples| samples as f32);
    [across / width as f32, down / height as f32, 1.0 / across, 1.0 / down]
}

/// What becomes of samples of video; all else passes.
fn video_rows(layout: &PlaneLayout, plane: usize) -> VideoRows {
    let sample = layout.planes()[plane].sample;
    let none = VideoRows { rows: [[0.0; 4]; 3], alpha: 1.0 };
    layout.video().map_or(none, |encoding| VideoRows::of(encoding, sample))
}

fn chroma_shift_of(layout: &PlaneLayout) -> [f32; 2] {
    let (Some(encoding), Some([luma, chroma, _])) = (layout.video(), layout.video_planes()) else {
        return [0.0; 2];
    };
    let (luma, chroma) = (&layout.planes()[luma], &layout.planes()[chroma]);
    chroma_shift(encoding.siting, chroma.width < luma.width, chroma.height < luma.height)
}

fn image_uniform(
    slot: &Slot,
    planes: [usize; 4],
    placement: &ImagePlacement,
    color: &ColorSettings,
) -> ImageUniform {
    let layout = &slot.layout;
    let (data, display) = (layout.data_window(), layout.display_window());
    let (missing, missing_count) = missing_areas(&slot.missing);
    let video = video_rows(layout, planes[0]);
    let turn = layout.orientation().places(layout.stored_size());
    let (across, down) = placement.scale;
    ImageUniform {
        origin: [placement.origin.0, placement.origin.1],
        scale: [placement.scale.0, placement.scale.1],
        data_offset: [
            (i64::from(data.x) - i64::from(display.x)) as f32,
            (i64::from(data.y) - i64::from(display.y)) as f32,
        ],
        data_size: [data.width as f32, data.height as f32],
        display_size: [display.width as f32, display.height as f32],
        background: placement.background,
        missing_count,
        turn: turn.rows.map(|row| row.map(|step| step as f32)),
        turn_origin: turn.origin.map(|at| at as f32),
        stored_scale: if layout.orientation().is_turned() { [down, across] } else { [across, down] },
        planes: planes.map(|plane| PlaneUniform::of(slot, plane)),
        steps: planes.map(|plane| steps(layout, plane)),
        video: video.rows,
        chroma_shift: chroma_shift_of(layout),
        alpha_scale: video.alpha,
        padding: 0,
        color: color.into(),
        missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_areas_end_in_one_around_the_rest() {
        let area = |number: u32| Area { x: number * 10, y: 5, width: 4, height: 2 };
        let areas: Vec<Area> = (0..20).map(area).collect();
        let (corners, count) = missing_areas(&areas);
        assert_eq!(count, 16);
        assert_eq!(corners[14], [140.0, 5.0, 144.0, 7.0]);
        assert_eq!(corners[15], [150.0, 5.0, 194.0, 7.0]);
        assert_eq!(missing_areas(&areas[..2]).1, 2);
    }
}
