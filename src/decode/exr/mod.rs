//! OpenEXR files: header, gate, chunks, placement and the codecs NONE, RLE, ZIPS, ZIP and PXR24 are ours;
//! the other codecs come from the `exr` crate, one chunk at a time, on the calling thread and under
//! `catch_unwind`.
//! Never takes pixel memory before the gate has passed the header.
//!
//! Format: «OpenEXR File Layout», Academy Software Foundation.

mod attribute;
mod blocks;
mod bytes;
mod chunk;
mod codec;
mod direct;
mod foreign;
mod gate;
mod header;
mod inflate;
mod place;
mod plan;
mod pxr24;
mod read;
mod simd;
mod source;
mod walk;

pub use header::MAGIC;
pub use read::{decode, floor, probe};
