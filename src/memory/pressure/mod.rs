//! How close a tier is to having nothing left to give up: votes, levels, alerts, cleaners and traces
//! that simulate it. Decides only; what a level takes away is done by those who own it. The thread
//! that ticks.

mod alerts;
mod cleaners;
mod level;
mod trace;
mod vote;

pub use alerts::Alerts;
pub use cleaners::{CleanResult, Cleaner, Coordinator, Priority, priorities_for};
pub use level::{PressureMachine, PressureSettings, Profile, ProfileError, SettingsError, Transition};
pub use trace::{Trace, TraceError};
pub use vote::{Failures, GrowthWatch, Ours, Vote, Votes, machine_votes, ours as ours_vote};
