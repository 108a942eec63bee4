//! `rushes`: a review player for EXR, image sequences and video.
//!
//! Decoded frames are tracked in a two-tier cache, with a CPU LRU under the system-memory budget and
//! a VRAM texture ring under a separate GPU budget, while the epoch-driven preloader feeds both and
//! the timeline indicator is drawn as one instanced-quad shader pass. `ARCHITECTURE.md` has the map.

// Only the vector code of `decode` lifts this, file by file; `tests/architecture.rs` has the list.
#![deny(unsafe_code)]

pub mod app;
pub mod audio;
pub mod cache;
pub mod cli;
pub mod color;
pub mod decode;
pub mod encode;
pub mod epoch;
pub mod frame;
pub mod gpu;
pub mod memory;
pub mod metrics;
pub mod player;
pub mod preload;
pub mod sequence;
pub mod stage;
pub mod stats;
pub mod store;
mod sync;
pub mod text;
pub mod time;
pub mod ui;
