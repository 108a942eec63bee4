//! The program as scripts see it: exit codes, reports, pictures, and what it does on bad disks. Runs the
//! built binary.

mod bench;
mod faults;
mod raw;
mod usage;

#[path = "../support/mod.rs"]
mod support;
