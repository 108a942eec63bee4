//! The port from outside and its parts with faked wires and times.

mod desk;
mod heads;
mod sockets;
mod wires;
