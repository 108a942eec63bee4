//! From scene values to display values: exposure, gamma, the display's encoding, channel views.
//! The functions here are the twin of `shaders/image.wgsl`; tests compare the two. Pure; any thread.

mod light;
pub mod scopes;
mod video;
mod view;

pub use light::{
    GRAPHICS_WHITE_NITS, Light, Output, SCRGB_UNIT_NITS, light_of, light_of_controls, output_of, srgb_decode,
};

pub use video::{VideoCodes, VideoRows, chroma_shift};
pub use view::{
    AlphaMode, Backdrop, ChannelView, ColorSettings, Encoding, LUMINANCE_709, STOP_COLORS, display_rgb,
    srgb_encode,
};

mod analytic;
mod bake;
mod chain;
mod curves;
mod error;
mod names;
#[cfg(feature = "ocio")]
mod ocio;
mod primaries;
mod program;
mod rules;
#[cfg(test)]
mod tests;

pub use bake::baked;
pub use chain::{ColorConfig, ColorMenu, open_or_default};
pub use curves::{InputCurve, LogCurve};
pub use error::{ColorError, Named};
pub use program::{
    COLOR_GROUP, ChainDescription, ColorChain, ColorProgram, CpuProgram, ProgramTexture, ProgramUniform,
    TextureDimension,
};
pub use rules::{
    ColorRequest, InputChoice, InputSpace, KnownSpace, MediaFacts, Reason, RuledSpace, choose_input,
};
