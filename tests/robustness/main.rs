//! Files that are hostile, damaged, cut off or gone: each ends in a picture, a degraded picture or a
//! clear error, always the same one, soon, and without more memory than a frame may take.

#[path = "../support/mod.rs"]
mod support;

mod counting;
mod cuts;
mod faithful;
mod fixtures;
mod fuzz;
mod gone;
mod held;
mod hostile;
mod levels;
mod matrix;
mod mutations;
mod quiet;
mod seeds;
mod steady;
mod verdict;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;
