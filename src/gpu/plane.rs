//! Owns how a plane becomes a texture: its format, and how the shader reads it. Pure.

use wgpu::TextureFormat;

use crate::frame::{PlaneLayout, SampleType};

/// How the shader gets at samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaneAccess {
    /// Floats that the texture unit filters: half and 8 bit.
    Filtered,
    /// The bits of every sample: any type, exact.
    Bits,
}

impl PlaneAccess {
    /// Filtered where every plane allows it.
    pub fn of(layout: &PlaneLayout) -> Self {
        let filterable = |sample| matches!(sample, SampleType::F16 | SampleType::U8);
        match layout.planes().iter().all(|plane| filterable(plane.sample)) {
            true => Self::Filtered,
            false => Self::Bits,
        }
    }

    /// The texture format of a sample type.
    pub fn format(self, sample: SampleType) -> TextureFormat {
        match (self, sample) {
            (Self::Filtered, SampleType::U8) => TextureFormat::R8Unorm,
            (Self::Filtered, _) => TextureFormat::R16Float,
            (Self::Bits, SampleType::U8) => TextureFormat::R8Uint,
            (Self::Bits, SampleType::F16 | SampleType::U16) => TextureFormat::R16Uint,
            (Self::Bits, SampleType::F32 | SampleType::U32) => TextureFormat::R32Uint,
        }
    }
}

/// The number by which `common/fetch_bits.wgsl` knows a sample type.
pub fn sample_kind(sample: SampleType) -> u32 {
    match sample {
        SampleType::F16 => 0,
        SampleType::F32 => 1,
        SampleType::U8 => 2,
        SampleType::U16 => 3,
        SampleType::U32 => 4,
    }
}
