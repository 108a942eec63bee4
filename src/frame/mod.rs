//! Identity and pixels of one decoded frame: its key, the layout of its planes, its buffer, and the
//! plain values that travel between the player and the texture ring.
//! Never opens files, starts threads or touches the GPU. Any thread.

mod buffer;
mod key;
mod order;
mod orientation;
mod plane;
mod video;

pub use buffer::{FrameBuffer, FrameMemory, OutOfMemory};
pub use key::{ClipId, FrameKey, LayerId, Revision};
pub use order::{EvictionCause, Refusal, RingEvent, RingOrders, RingReport, UploadOrder};
pub use orientation::{Orientation, Turn};
pub use plane::{
    Area, LayoutError, PlaneLayout, PlaneSpan, PlaneSpec, ROW_ALIGN_BYTES, Role, SampleType, Window, rows_of,
};
pub use video::{ColorTags, Matrix, Primaries, Range, Siting, Transfer, VideoEncoding};
