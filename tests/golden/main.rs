//! The GPU against its CPU twins, by numbers. Targets are float or integer, so that no rounding of
//! theirs hides a difference; each test states its tolerance.

#[path = "../support/mod.rs"]
mod support;

mod color;
mod device_lost;
mod gl;
mod hdr;
mod image;
mod noop;
mod picture;
mod raw;
mod ring;
mod scopes;
mod screen;
mod timeline;
mod turned;
mod video;
mod windows;
