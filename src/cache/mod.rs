//! What is kept of the decoded frames: the CPU tier, the index of what the texture ring holds, the
//! state of every frame of the shown clip, and who may leave first.
//! Never decodes, never touches the GPU, holds no lock. The thread that ticks.

mod cpu_tier;
mod keep;
mod residency;
mod ring_index;

pub use cpu_tier::{CpuTier, Evicted};
pub use keep::{Claim, EvictionPolicy, Keep, Others, Worth};
pub use residency::{Residency, runs_of};
pub use ring_index::{Origin, RingIndex};
