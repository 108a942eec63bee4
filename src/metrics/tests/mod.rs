//! The texts, the file and the feed, from outside.

pub mod exposition;
mod file;
mod refusals;
pub mod sample;
mod text;
