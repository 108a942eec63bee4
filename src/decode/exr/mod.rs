//! OpenEXR files: header, gate, chunks, placement and codecs. The `exr` crate is what tests compare with.
//! Never takes pixel memory before the gate has passed the header.
//!
//! Format: «OpenEXR File Layout», Academy Software Foundation.

pub mod fuzz;

mod attribute;
mod b44;
mod blocks;
mod bytes;
mod chroma;
mod chunk;
mod codec;
mod deep;
mod direct;
mod dwa;
mod flatten;
mod gate;
mod header;
mod held;
mod help;
mod htj2k;
mod huffman;
mod inflate;
mod mix;
mod numbers;
#[cfg(test)]
mod oracle;
mod piz;
mod place;
mod plan;
mod proxy;
mod pxr24;
mod read;
mod scratch;
mod simd;
mod source;
mod walk;
mod wavelet;
mod zstd;

pub use header::MAGIC;
pub use held::{held_bytes, release_held};
pub use read::{decode, floor, probe};
