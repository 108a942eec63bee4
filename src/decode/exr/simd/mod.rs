//! Vector forms of the inner loops, chosen at run time by what the machine has. Every function here has a plain twin
//! elsewhere that takes its place on other machines and that tests compare it with. The only unsafe code of the
//! program is here, and all of it is the call of a function for which the machine was asked before.

pub mod b44;
pub mod dct;
pub mod htj2k;
mod sums;
mod wavelet;

pub use sums::{merge, sum_halves, sum_words};
pub use wavelet::undo_rows;
