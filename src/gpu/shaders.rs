//! Owns the table of shaders: which files each is composed of. Sources are embedded at build time.

use std::borrow::Cow;

use super::{PlaneAccess, PlaneShape};

const COLOR: &str = include_str!("../../shaders/common/color.wgsl");
const FULLSCREEN: &str = include_str!("../../shaders/common/fullscreen.wgsl");
const COLOR_NONE: &str = include_str!("../../shaders/common/color_none.wgsl");
const FETCH: &str = include_str!("../../shaders/common/fetch.wgsl");
const TEXELS_FILTERED_WHOLE: &str = include_str!("../../shaders/common/texels_filtered_whole.wgsl");
const TEXELS_FILTERED_TILED: &str = include_str!("../../shaders/common/texels_filtered_tiled.wgsl");
const TEXELS_BITS_WHOLE: &str = include_str!("../../shaders/common/texels_bits_whole.wgsl");
const TEXELS_BITS_TILED: &str = include_str!("../../shaders/common/texels_bits_tiled.wgsl");
const FETCH_FILTERED: &str = include_str!("../../shaders/common/fetch_filtered.wgsl");
const FETCH_BITS: &str = include_str!("../../shaders/common/fetch_bits.wgsl");
const IMAGE: &str = include_str!("../../shaders/image.wgsl");
const RAW: &str = include_str!("../../shaders/raw.wgsl");
const TIMELINE: &str = include_str!("../../shaders/timeline.wgsl");
const BLIT: &str = include_str!("../../shaders/blit.wgsl");
const OUTPUT: &str = include_str!("../../shaders/output.wgsl");
const LOAD_FILTERED: &str = include_str!("../../shaders/common/load_filtered.wgsl");
const LOAD_BITS: &str = include_str!("../../shaders/common/load_bits.wgsl");
const SCOPES: &str = include_str!("../../shaders/scopes.wgsl");

/// A shader of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shader {
    Image(PlaneAccess, PlaneShape),
    Raw(PlaneShape),
    Timeline,
    Blit,
    Output,
    Scopes(PlaneAccess),
}

impl Shader {
    fn name(self) -> &'static str {
        match self {
            Self::Image(PlaneAccess::Filtered, _) => "image, filtered planes",
            Self::Image(PlaneAccess::Bits, _) => "image, planes as bits",
            Self::Raw(_) => "raw",
            Self::Timeline => "timeline",
            Self::Blit => "blit",
            Self::Output => "output",
            Self::Scopes(PlaneAccess::Filtered) => "scopes, filtered planes",
            Self::Scopes(PlaneAccess::Bits) => "scopes, planes as bits",
        }
    }

    fn source(self) -> String {
        match self {
            Self::Image(access, shape) => image_source(access, shape, COLOR_NONE),
            Self::Raw(shape) => [FULLSCREEN, texels(PlaneAccess::Bits, shape), RAW].concat(),
            Self::Timeline => TIMELINE.into(),
            Self::Blit => [FULLSCREEN, BLIT].concat(),
            Self::Output => [FULLSCREEN, OUTPUT].concat(),
            Self::Scopes(PlaneAccess::Filtered) => [LOAD_FILTERED, SCOPES].concat(),
            Self::Scopes(PlaneAccess::Bits) => [LOAD_BITS, SCOPES].concat(),
        }
    }

    /// The image shader with the text of a colour program instead of none.
    pub fn image_module(
        device: &wgpu::Device,
        (access, shape): (PlaneAccess, PlaneShape),
        program: &str,
    ) -> wgpu::ShaderModule {
        device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("image with a colour program"),
            source: wgpu::ShaderSource::Wgsl(Cow::Owned(image_source(access, shape, program))),
        })
    }

    /// The module on a device.
    pub fn module(self, device: &wgpu::Device) -> wgpu::ShaderModule {
        device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(self.name()),
            source: wgpu::ShaderSource::Wgsl(Cow::Owned(self.source())),
        })
    }
}

fn image_source(access: PlaneAccess, shape: PlaneShape, program: &str) -> String {
    let fetch_texel = match access {
        PlaneAccess::Filtered => FETCH_FILTERED,
        PlaneAccess::Bits => FETCH_BITS,
    };
    [FULLSCREEN, program, COLOR, FETCH, fetch_texel, texels(access, shape), IMAGE].concat()
}

fn texels(access: PlaneAccess, shape: PlaneShape) -> &'static str {
    match (access, shape) {
        (PlaneAccess::Filtered, PlaneShape::Whole) => TEXELS_FILTERED_WHOLE,
        (PlaneAccess::Filtered, PlaneShape::Tiled) => TEXELS_FILTERED_TILED,
        (PlaneAccess::Bits, PlaneShape::Whole) => TEXELS_BITS_WHOLE,
        (PlaneAccess::Bits, PlaneShape::Tiled) => TEXELS_BITS_TILED,
    }
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::super::passes::{blit, image, output, raw, scopes, timeline};
    use super::*;

    const ALL: [Shader; 11] = [
        Shader::Image(PlaneAccess::Filtered, PlaneShape::Whole),
        Shader::Image(PlaneAccess::Filtered, PlaneShape::Tiled),
        Shader::Image(PlaneAccess::Bits, PlaneShape::Whole),
        Shader::Image(PlaneAccess::Bits, PlaneShape::Tiled),
        Shader::Raw(PlaneShape::Whole),
        Shader::Raw(PlaneShape::Tiled),
        Shader::Timeline,
        Shader::Blit,
        Shader::Output,
        Shader::Scopes(PlaneAccess::Filtered),
        Shader::Scopes(PlaneAccess::Bits),
    ];

    fn parsed(shader: Shader) -> naga::Module {
        naga::front::wgsl::parse_str(&shader.source())
            .unwrap_or_else(|error| panic!("{}: {error}", shader.name()))
    }

    #[test]
    fn every_shader_is_valid() {
        for shader in ALL {
            let mut validator = naga::valid::Validator::new(
                naga::valid::ValidationFlags::all(),
                naga::valid::Capabilities::empty(),
            );
            validator
                .validate(&parsed(shader))
                .unwrap_or_else(|error| panic!("{}: {error:?}", shader.name()));
        }
    }

    /// Name, offset of every member, and size of a struct in a shader.
    fn layout_of(shader: Shader, name: &str) -> (Vec<(String, usize)>, usize) {
        let module = parsed(shader);
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let (handle, found) =
            module.types.iter().find(|(_, found)| found.name.as_deref() == Some(name)).unwrap();
        let naga::TypeInner::Struct { members, .. } = &found.inner else { panic!("{name} is no struct") };
        let offsets = members
            .iter()
            .map(|member| (member.name.clone().unwrap_or_default(), member.offset as usize))
            .collect();
        (offsets, layouter[handle].size as usize)
    }

    macro_rules! assert_twin {
        ($shader:expr, $name:literal, $twin:ty, [$($field:ident),* $(,)?]) => {
            let (members, size) = layout_of($shader, $name);
            let twin = vec![$((stringify!($field).to_string(), offset_of!($twin, $field))),*];
            assert_eq!(members, twin, "{} differs", $name);
            assert_eq!(size, size_of::<$twin>(), "{} differs in size", $name);
        };
    }

    #[test]
    fn structs_lie_in_memory_as_their_rust_twins_do() {
        let image = Shader::Image(PlaneAccess::Bits, PlaneShape::Whole);
        assert_twin!(image, "Plane", image::PlaneUniform, [size, columns, kind]);
        assert_twin!(
            image,
            "Color",
            image::ColorUniform,
            [
                luminance,
                gain,
                offset,
                saturation,
                inverse_gamma,
                alpha,
                backdrop,
                false_color,
                marks,
                white_nits,
                padding,
                more_padding,
            ]
        );
        assert_twin!(
            image,
            "Image",
            image::ImageUniform,
            [
                origin,
                scale,
                data_offset,
                data_size,
                display_size,
                background,
                missing_count,
                turn,
                turn_origin,
                stored_scale,
                planes,
                steps,
                video,
                chroma_shift,
                alpha_scale,
                padding,
                color,
                missing,
            ]
        );
        assert_twin!(
            Shader::Raw(PlaneShape::Whole),
            "Raw",
            raw::RawUniform,
            [data_offset, data_size, turn, turn_origin, stored_size, planes]
        );
        assert_twin!(
            Shader::Timeline,
            "Strip",
            timeline::StripUniform,
            [size, first, frames, playhead, padding, more_padding, lanes,]
        );
        assert_twin!(
            Shader::Output,
            "Output",
            output::OutputUniform,
            [origin, size, scale, white_nits, padding]
        );
        assert_twin!(Shader::Blit, "Blit", blit::BlitUniform, [origin, decodes_srgb, padding]);
        let scopes = Shader::Scopes(PlaneAccess::Bits);
        assert_twin!(scopes, "Plane", image::PlaneUniform, [size, columns, kind]);
        assert_twin!(
            scopes,
            "Scopes",
            scopes::ScopesUniform,
            [
                first,
                samples,
                size,
                step,
                columns,
                lowest,
                highest,
                turn_origin,
                turn,
                planes,
                video_weights,
                video_offsets,
                video_full
            ]
        );
        assert_twin!(scopes, "Column", scopes::ColumnCounts, [counts, tally, sum]);
    }
}
