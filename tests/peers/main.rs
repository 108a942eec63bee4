//! OpenEXR and OpenImageIO read the same files, and files that they wrote: the planes and the raw output are
//! theirs, bit for bit. `RUSHES_PEERS` names a Python environment that has both; without it nothing runs.

mod files;
mod planes;
mod reference;
mod window;

#[path = "../support/mod.rs"]
mod support;
