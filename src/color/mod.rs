//! From scene values to display values: exposure, gamma, the display's encoding, channel views.
//! The functions here are the twin of `shaders/image.wgsl`; tests compare the two. Pure; any thread.

mod view;

pub use view::{ChannelView, ColorSettings, Encoding, display_rgb, srgb_encode};
