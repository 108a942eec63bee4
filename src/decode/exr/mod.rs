//! OpenEXR files: header, gate, chunks and placement are ours; the codecs come from the `exr` crate,
//! one chunk at a time, on the calling thread and under `catch_unwind`.
//! Never takes pixel memory before the gate has passed the header.
//!
//! Format: «OpenEXR File Layout», Academy Software Foundation.

mod attribute;
mod blocks;
mod codec;
mod gate;
mod header;
mod place;
mod read;

pub use header::MAGIC;
pub use read::{decode, probe};
