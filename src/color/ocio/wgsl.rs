//! Owns how a processor of the library becomes a stage of a program.

use ::ocio::gpu::wgsl::{WgslTextureBinding, WgslTextureFormat};
use ::ocio::gpu::{GpuProcessor, GpuShaderCreator, GpuShaderDesc};
use ::ocio::{Error, GpuLanguage, OptimizationFlags, Processor};

use super::tables::{moved, repaired_hue};
use crate::color::program::{
    COLOR_GROUP, FIRST_TEXTURE_BINDING, ProgramTexture, Stage, StageKind, TextureDimension,
};

/// Values that files leave open for a user to change are taken as they stand: no uniforms.
const FLAGS: OptimizationFlags =
    OptimizationFlags(OptimizationFlags::DEFAULT.0 | OptimizationFlags::NO_DYNAMIC_PROPERTIES.0);

/// The stage for `processor`, whose bindings follow those of the stage `before`.
pub(super) fn stage(processor: &Processor, kind: StageKind, before: Option<&Stage>) -> Result<Stage, Error> {
    let optimized = processor.optimized(FLAGS);
    if optimized.is_no_op() {
        return Ok(Stage::identity(kind));
    }
    let textures_before = before.map_or(0, |stage| stage.textures.len() as u32);
    let tables_before = before.map_or(0, |stage| stage.tables.len());
    let desc = described(&GpuProcessor::from_ops(optimized.ops(), FLAGS)?, kind, textures_before)?;
    let bindings = desc.wgsl_bindings().ok_or_else(|| Error::msg("the library wrote no WGSL"))?;
    if bindings.uniform_binding.is_some() {
        return Err(Error::msg("the library left values open"));
    }
    let textures =
        bindings.textures.iter().map(|binding| texture(&desc, binding)).collect::<Result<_, _>>()?;
    let (text, tables) = moved(&repaired_hue(desc.shader_text()), tables_before);
    Ok(Stage::around(kind, &text, textures, tables))
}

fn described(gpu: &GpuProcessor, kind: StageKind, textures_before: u32) -> Result<GpuShaderDesc, Error> {
    let mut desc = GpuShaderDesc::new();
    desc.set_language(GpuLanguage::Wgsl);
    // OpenGL drivers read one-dimensional textures wrongly through this path.
    desc.set_allow_texture_1d(false);
    desc.set_function_name(&format!("{}_main", kind.prefix()));
    desc.set_resource_prefix(kind.prefix());
    desc.set_descriptor_set_index(COLOR_GROUP, FIRST_TEXTURE_BINDING + textures_before)?;
    gpu.extract_gpu_shader_info(&mut desc)?;
    Ok(desc)
}

fn texture(desc: &GpuShaderDesc, binding: &WgslTextureBinding) -> Result<ProgramTexture, Error> {
    let values =
        values(desc, binding.binding).ok_or_else(|| Error::msg("a table of the shader is missing"))?;
    let texels = binding.texel_data(values)?;
    let texels = texels.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(ProgramTexture {
        binding: binding.binding,
        dimension: if binding.dimensions == 3 { TextureDimension::D3 } else { TextureDimension::D2 },
        size: [binding.width, binding.height, binding.depth],
        channels: if binding.format == WgslTextureFormat::R32Float { 1 } else { 4 },
        texels,
    })
}

fn values(desc: &GpuShaderDesc, binding: u32) -> Option<&[f32]> {
    let flat =
        (0..desc.num_textures()).find(|&index| desc.texture_shader_binding_index(index) == Ok(binding));
    let solid =
        (0..desc.num_3d_textures()).find(|&index| desc.texture_3d_shader_binding_index(index) == Ok(binding));
    let flat = flat.and_then(|index| desc.texture_values(index).ok());
    flat.or_else(|| solid.and_then(|index| desc.texture_3d_values(index).ok()))
}
