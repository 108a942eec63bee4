//! Rational rates, the times of frames, timecodes, the work area, the order in which frames come next, and the clock trait.
//! Never reads the wall clock: `now` is always an argument or a [`Clock`]. Any thread.

mod cadence;
mod clock;
mod frame_times;
mod rate;
mod timecode;
mod travel;

pub use cadence::{Cadence, REPEATS, Repeats};
pub use clock::{Clock, Grid, ManualClock, Nanos};
pub use frame_times::{FrameTimes, SHORTEST_NANOS};
pub use rate::{Rate, RateError};
pub use timecode::{Timecode, TimecodeError};
pub use travel::{Direction, LoopMode, NextUse, PreloadStrategy, Travel, WorkArea};
