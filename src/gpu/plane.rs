//! Owns how a plane becomes a texture: its format, its tiles, and how the shader reads it. Pure.

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

/// What the textures of a frame are. Drivers of OpenGL want to be asked for the one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlaneShape {
    /// Every plane is one texture.
    Whole,
    /// Planes are arrays of tiles.
    Tiled,
}

impl PlaneShape {
    /// How textures of the shape are bound.
    pub fn view_dimension(self) -> wgpu::TextureViewDimension {
        match self {
            Self::Whole => wgpu::TextureViewDimension::D2,
            Self::Tiled => wgpu::TextureViewDimension::D2Array,
        }
    }
}

/// How a plane is cut where it is larger than a texture may be: the tiles are layers of one texture, row by row,
/// all of one size; those at the right and lower edge may be filled in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiles {
    /// Texels of one tile.
    pub width: u32,
    pub height: u32,
    pub columns: u32,
    pub rows: u32,
}

impl Tiles {
    /// The fewest tiles for a plane; `None` where the adapter has not as many layers.
    pub fn of((width, height): (u32, u32), limits: TextureLimits) -> Option<Self> {
        let (columns, rows) = (width.div_ceil(limits.side), height.div_ceil(limits.side));
        let tiles = Self { width: width.div_ceil(columns), height: height.div_ceil(rows), columns, rows };
        (columns.checked_mul(rows)? <= limits.layers).then_some(tiles)
    }

    pub fn layers(self) -> u32 {
        self.columns * self.rows
    }
}

/// What one texture may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextureLimits {
    /// Texels along a side.
    pub side: u32,
    pub layers: u32,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_cut_into_as_few_equal_tiles_as_possible() {
        let tiles = |size, side| Tiles::of(size, TextureLimits { side, layers: 6 });
        let whole = Tiles { width: 4096, height: 2160, columns: 1, rows: 1 };
        assert_eq!(tiles((4096, 2160), 4096), Some(whole));
        let two = Tiles { width: 2049, height: 2160, columns: 2, rows: 1 };
        assert_eq!(tiles((4097, 2160), 4096), Some(two));
        assert_eq!(tiles((100, 70), 40), Some(Tiles { width: 34, height: 35, columns: 3, rows: 2 }));
        assert_eq!(tiles((100, 100), 30), None, "more layers than there are");
    }
}
