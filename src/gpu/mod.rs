//! Frames in VRAM and what is drawn from them: the device, staging, the texture ring, the passes.
//! Never decodes, never decides what is resident: it obeys [`RingOrders`] and answers with a
//! [`RingReport`]. One thread submits, polls and presents; the staging threads only copy bytes.
//!
//! [`RingOrders`]: crate::frame::RingOrders
//! [`RingReport`]: crate::frame::RingReport

mod device;
pub mod passes;
mod plane;
mod program;
mod readback;
mod ring;
mod shaders;
mod staging;
mod textures;

pub use device::{AdapterChoice, AdapterKind, AdapterSummary, DeviceMark, Gpu, GpuError};
pub use plane::{PlaneAccess, PlaneShape, TextureLimits, Tiles};
pub use program::ProgramTables;
pub use readback::{Readback, ReadbackError, Readbacks, Texels, read_texture};
pub use ring::{Slot, TextureRing};
pub use staging::{StagedUploader, StagingPlan, Upload, Uploaded, Uploader};
pub use textures::{DeviceTextures, TextureSource, make_textures};
