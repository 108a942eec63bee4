//! What hands out samples: a file that was opened, or a fake. Plain values and a trait; any thread.

use super::{SoundFile, Stereo};
use crate::epoch::EpochWatch;

/// Why there are no samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoundEnd {
    /// Nobody wants them any more.
    Skipped,
    /// The reason, safe to show.
    Failed(String),
}

/// The sound of one file at the rate of the output.
pub trait SoundSource: Send {
    /// Fills `into` with what begins at sample `at`, counted from the start of the clip's first frame; silence where the
    /// file has nothing.
    ///
    /// # Errors
    /// [`SoundEnd`] when the disk fails or nobody waits any more.
    fn read(&mut self, at: i64, into: &mut [Stereo], watch: &EpochWatch) -> Result<(), SoundEnd>;

    /// Bytes that it keeps.
    fn held_bytes(&self) -> usize;
}

/// Opens a file at a rate of samples a second.
pub type OpenSound =
    dyn Fn(&SoundFile, u32, &EpochWatch) -> Result<Box<dyn SoundSource>, SoundEnd> + Send + Sync;
