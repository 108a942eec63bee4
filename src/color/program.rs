//! Owns what the colour chain hands to the room that draws: shader text, textures, a uniform, and the same two
//! functions on the CPU. Plain data; never touches a device and knows no colour library. Any thread.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// The bind group that all declarations of a program stand in.
pub const COLOR_GROUP: u32 = 2;
/// Tables of a program lie in one uniform here; textures follow.
pub(super) const UNIFORM_BINDING: u32 = 0;
pub(super) const FIRST_TEXTURE_BINDING: u32 = 1;
/// Beyond this a value is as good as infinite, and its cube is still finite; the twin in `frame.wgsl`.
const FINITE_LIMIT: f32 = 1e12;

/// Shape of a texture of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextureDimension {
    D2,
    D3,
}

/// A table that the shader reads with `textureLoad`: unfilterable float, no sampler.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramTexture {
    pub binding: u32,
    pub dimension: TextureDimension,
    /// Width, height, depth in texels; the depth of a 2D texture is 1.
    pub size: [u32; 3],
    /// 1 (`R32Float`) or 4 (`Rgba32Float`).
    pub channels: u32,
    /// `width * height * depth * channels` values, the width runs fastest.
    pub texels: Arc<[f32]>,
}

/// The uniform buffer of a program; its contents never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramUniform {
    pub binding: u32,
    /// A multiple of 16 bytes, little endian.
    pub bytes: Vec<u8>,
}

/// The shader half of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct ColorProgram {
    /// Programs of equal id have the same shader and the same tables.
    pub id: String,
    /// Defines `color_to_working` and `color_to_display`, both `fn(pixel: vec4f) -> vec4f`, and helpers whose names
    /// begin with `color_`, `working_` or `display_`; declarations are in group [`COLOR_GROUP`]. Alpha passes.
    pub wgsl: String,
    pub textures: Vec<ProgramTexture>,
    pub uniform: Option<ProgramUniform>,
    /// Drawing on a software adapter is quicker with [`super::baked`].
    pub is_costly: bool,
}

/// The same two functions on the CPU, for the pixel probe and as the twin of the tests. Alpha stays.
pub trait CpuProgram: Send + Sync {
    /// Assembled samples to the working space, in place.
    fn to_working(&self, pixels: &mut [[f32; 4]]);
    /// The working space to display values, in place.
    fn to_display(&self, pixels: &mut [[f32; 4]]);
}

/// What a chain does, in words that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainDescription {
    pub input: String,
    /// Why this input space.
    pub reason: String,
    /// None where values pass unchanged.
    pub working: Option<String>,
    pub look: Option<String>,
    pub display: Option<String>,
    pub view: Option<String>,
    /// File names, in the order in which they are applied.
    pub luts: Vec<String>,
    pub config: String,
    /// What else somebody who looks at the picture should know.
    pub note: Option<String>,
}

impl ChainDescription {
    /// One line: `Linear Rec.709 (float file) → ACEScg → sRGB - Display / Un-tone-mapped (cg-config …)`.
    pub fn text(&self) -> String {
        let mut steps = vec![format!("{} ({})", self.input, self.reason)];
        steps.extend(self.working.clone());
        steps.extend(self.look.as_ref().map(|look| format!("look {look}")));
        steps.extend(match (&self.display, &self.view) {
            (Some(display), Some(view)) => Some(format!("{display} / {view}")),
            (one, other) => one.clone().or_else(|| other.clone()),
        });
        if !self.luts.is_empty() {
            steps.push(format!("LUT {}", self.luts.join(", ")));
        }
        if self.working.is_none() && self.luts.is_empty() {
            steps.push("unchanged".into());
        }
        let notes = self.note.iter().map(|note| format!("; {note}"));
        let config = (!self.config.is_empty()).then(|| format!(" ({})", self.config));
        steps.join(" → ") + &config.unwrap_or_default() + &notes.collect::<String>()
    }
}

/// From assembled samples to the working space and from there to display values, for both processors.
#[derive(Clone)]
pub struct ColorChain {
    pub program: ColorProgram,
    pub cpu: Arc<dyn CpuProgram>,
    pub description: ChainDescription,
    /// The first half of the program, which a baked chain takes over.
    pub(super) working: Stage,
}

impl std::fmt::Debug for ColorChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ColorChain({}, {})", self.program.id, self.description.text())
    }
}

/// One of the two functions of a program, with what it reads.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Stage {
    pub wgsl: String,
    pub textures: Vec<ProgramTexture>,
    /// Elements of the uniform, after those of the stage before it.
    pub tables: Vec<[f32; 4]>,
}

/// Which of the two functions a stage defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StageKind {
    Working,
    Display,
}

impl StageKind {
    /// The prefix of its helpers, without an underscore.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Display => "display",
        }
    }
}

impl Stage {
    /// A stage that passes every bit.
    pub fn identity(kind: StageKind) -> Self {
        let wgsl = format!("fn color_to_{}(pixel: vec4f) -> vec4f {{ return pixel; }}\n", kind.prefix());
        Self { wgsl, ..Self::default() }
    }

    /// The stage around `wgsl`, which defines `{prefix}_main`, a function of finite colours with an alpha of 1. What
    /// it makes NaN of all the same is black, as the CPU has it.
    pub fn around(kind: StageKind, wgsl: &str, textures: Vec<ProgramTexture>, tables: Vec<[f32; 4]>) -> Self {
        let prefix = kind.prefix();
        let wgsl = format!(
            "{wgsl}\nfn color_to_{prefix}(pixel: vec4f) -> vec4f {{\n    \
             return vec4f(color_finite({prefix}_main(vec4f(color_finite(pixel.rgb), 1.0)).rgb), pixel.a);\n}}\n"
        );
        Self { wgsl, textures, tables }
    }
}

impl ColorProgram {
    /// The program of two stages; the second was made for the bindings and the table elements after the first.
    pub(super) fn join(working: &Stage, display: &Stage, is_costly: bool) -> Self {
        let tables: Vec<[f32; 4]> = working.tables.iter().chain(&display.tables).copied().collect();
        let textures: Vec<ProgramTexture> =
            working.textures.iter().chain(&display.textures).cloned().collect();
        let mut wgsl = String::from(include_str!("../../shaders/color/frame.wgsl"));
        if !tables.is_empty() {
            let (group, binding, length) = (COLOR_GROUP, UNIFORM_BINDING, tables.len());
            wgsl += &format!(
                "@group({group}) @binding({binding}) var<uniform> color_tables: array<vec4f, {length}>;\n"
            );
        }
        wgsl = wgsl + &working.wgsl + &display.wgsl;
        let uniform = (!tables.is_empty()).then(|| ProgramUniform {
            binding: UNIFORM_BINDING,
            bytes: tables.iter().flatten().flat_map(|value| value.to_le_bytes()).collect(),
        });
        Self { id: identity(&wgsl, &textures, uniform.as_ref()), wgsl, textures, uniform, is_costly }
    }
}

/// A name for the contents, good within one process.
fn identity(wgsl: &str, textures: &[ProgramTexture], uniform: Option<&ProgramUniform>) -> String {
    let mut hasher = DefaultHasher::new();
    wgsl.hash(&mut hasher);
    uniform.map(|uniform| &uniform.bytes).hash(&mut hasher);
    for texture in textures {
        (texture.binding, texture.dimension, texture.size, texture.channels).hash(&mut hasher);
        texture.texels.iter().for_each(|value| value.to_bits().hash(&mut hasher));
    }
    format!("{:016x}", hasher.finish())
}

/// Finite colours for the arithmetic behind: NaN becomes 0, infinities the limit. Alpha stays.
pub(super) fn make_finite(pixel: &mut [f32; 4]) {
    for value in &mut pixel[..3] {
        *value = if value.is_nan() { 0.0 } else { value.clamp(-FINITE_LIMIT, FINITE_LIMIT) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_every_step() {
        let mut description = ChainDescription {
            input: "Linear Rec.709".into(),
            reason: "float file".into(),
            working: Some("ACEScg".into()),
            display: Some("sRGB".into()),
            view: Some("Un-tone-mapped".into()),
            config: "cg-config".into(),
            ..Default::default()
        };
        assert_eq!(
            description.text(),
            "Linear Rec.709 (float file) → ACEScg → sRGB / Un-tone-mapped (cg-config)"
        );
        description.look = Some("warm".into());
        description.luts = vec!["a.cube".into(), "b.clf".into()];
        let line = "Linear Rec.709 (float file) → ACEScg → look warm → sRGB / Un-tone-mapped → LUT a.cube, b.clf (cg-config)";
        assert_eq!(description.text(), line);
        let plain = ChainDescription {
            input: "raw".into(),
            reason: "asked for".into(),
            ..ChainDescription::default()
        };
        assert_eq!(plain.text(), "raw (asked for) → unchanged");
    }

    #[test]
    fn equal_programs_have_equal_ids() {
        let stage = |kind| Stage::identity(kind);
        let (working, display) = (stage(StageKind::Working), stage(StageKind::Display));
        let one = ColorProgram::join(&working, &display, false);
        assert_eq!(one, ColorProgram::join(&working, &display, false));
        let tables = Stage { tables: vec![[1.0; 4]], ..display.clone() };
        assert_ne!(one.id, ColorProgram::join(&working, &tables, false).id);
    }

    #[test]
    fn what_is_not_finite_becomes_finite() {
        let mut pixel = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        make_finite(&mut pixel);
        assert_eq!(pixel[..3], [0.0, 1e12, -1e12]);
        assert!(pixel[3].is_nan(), "alpha is none of our business");
    }
}
