//! Sound beside the pictures. Owns the way from a file's samples to the sound device, and the answer to how far what is
//! heard lies from when it was due. Never decides what is heard, never opens a picture.
//!
//! An [`Order`] says what is heard from a moment on. The [`Feed`] reads samples, changes their tempo and puts them into a
//! ring as chunks that know when they are due; the [`Mixer`] takes them out for a device, or for the null device, which
//! is a clock. A chunk is placed at its time once; from then on the device's own clock goes on, and pictures follow it.

#[cfg(feature = "audio")]
mod device;
mod drift;
mod engine;
mod feed;
mod mixer;
mod null;
mod order;
mod peaks;
mod source;
mod tempo;
#[cfg(test)]
mod tests;

pub use engine::{Engine, Manual, NULL_RATE, News, Now, Output};
pub use feed::Feed;
pub use mixer::Mixer;
pub use order::{Order, SoundFile, Start};
pub use peaks::Peaks;
pub use source::{OpenSound, SoundEnd, SoundSource};

/// The sound device that would be used, for people; why none can be.
pub fn device_line() -> String {
    #[cfg(feature = "audio")]
    return device::find().map_or_else(|reason| reason, |found| format!("{}, {} Hz", found.name, found.rate));
    #[cfg(not(feature = "audio"))]
    "none: this build lacks the feature `audio`".to_string()
}

/// One moment of both channels: left and right, full scale at 1.
pub type Stereo = [f32; 2];
