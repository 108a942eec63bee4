//! Owns how the samples of video stand for colour. Plain values; any thread.

/// How luma and chroma are made of red, green and blue (ITU-T H.273, table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Matrix {
    Rgb,
    Bt601,
    Bt709,
    /// Non-constant luminance.
    Bt2020,
    /// Constant luminance.
    Bt2020Constant,
    Smpte240m,
    Fcc,
    YCgCo,
    Ictcp,
}

/// Which codes stand for black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// 16 to 235 of 8 bits, chroma 16 to 240.
    Limited,
    Full,
}

/// Where chroma samples lie between luma samples of subsampled pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Siting {
    Left,
    Center,
    TopLeft,
    Top,
    BottomLeft,
    Bottom,
}

/// How codes stand for light (ITU-T H.273, table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transfer {
    Unstated,
    Bt709,
    Gamma22,
    Gamma28,
    Smpte240m,
    Linear,
    Log100,
    Log316,
    Xvycc,
    Srgb,
    Pq,
    Smpte428,
    Hlg,
    /// Printing density of scanned film, as Cineon and some DPX files have it (SMPTE ST 268-1, table 5A).
    Density,
}

/// Which red, green, blue and white are meant (ITU-T H.273, table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Primaries {
    Unstated,
    Bt709,
    Bt470M,
    Bt470Bg,
    Smpte170m,
    Smpte240m,
    Film,
    Bt2020,
    Xyz,
    P3Dci,
    P3D65,
    Ebu3213,
}

/// How a file says that its numbers stand for colour, after its matrix was undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColorTags {
    pub transfer: Transfer,
    pub primaries: Primaries,
}

/// All of it, for one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VideoEncoding {
    pub matrix: Matrix,
    pub range: Range,
    /// Of one sample, in the low bits of it; 32 for floats.
    pub bits: u8,
    pub siting: Siting,
    pub transfer: Transfer,
    pub primaries: Primaries,
}
