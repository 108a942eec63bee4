//! From scene values to display values: exposure, gamma, the display's encoding, channel views.
//! The functions here are the twin of `shaders/image.wgsl`; tests compare the two. Pure; any thread.

pub mod scopes;
mod view;

pub use view::{
    AlphaMode, Backdrop, ChannelView, ColorSettings, Encoding, LUMINANCE_709, STOP_COLORS, display_rgb,
    srgb_encode,
};
