//! The player without GPU, files and wall clock: scripted workers, a fake ring, a clock that the
//! tests wind.

#[path = "../support/mod.rs"]
mod support;

mod budgets;
mod cadence;
mod faults;
mod limits;
mod loops;
mod machine;
mod pace;
mod policies;
mod pressure;
mod requests;
mod ring_faults;
mod scrub;
mod sound;
mod streams;
mod threads;
mod traps;
mod variable;
mod vram;
