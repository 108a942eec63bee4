//! Owns the values that the player sends down to the texture ring and those that come back up.
//! They are plain data, so that neither side knows the other. Any thread.

use std::sync::Arc;

use super::{FrameBuffer, FrameKey};

/// Why a frame left a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EvictionCause {
    /// Room for a frame that is needed sooner.
    MadeRoom,
    /// The budget was lowered below what was resident.
    OverBudget,
    /// An older revision, another layer or a closed clip.
    Unwanted,
    /// The device was lost with everything on it.
    DeviceLost,
    /// Memory is short, here or elsewhere on the machine.
    Pressure,
}

impl EvictionCause {
    pub const ALL: [Self; 5] =
        [Self::MadeRoom, Self::OverBudget, Self::Unwanted, Self::DeviceLost, Self::Pressure];

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MadeRoom => "made_room",
            Self::OverBudget => "over_budget",
            Self::Unwanted => "unwanted",
            Self::DeviceLost => "device_lost",
            Self::Pressure => "pressure",
        }
    }
}

/// A frame to bring into VRAM.
#[derive(Debug, Clone)]
pub struct UploadOrder {
    pub key: FrameKey,
    pub frame: Arc<FrameBuffer>,
}

/// What the ring is to do in one step: let go first, then take in.
#[derive(Debug, Clone, Default)]
pub struct RingOrders {
    /// For textures and staging.
    pub budget_bytes: u64,
    /// Textures without a frame are given back.
    pub drop_idle: bool,
    pub evict: Vec<(FrameKey, EvictionCause)>,
    pub upload: Vec<UploadOrder>,
}

/// Why the ring took no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The adapter makes no texture that large.
    TooLarge,
    /// The budget is taken by what may not leave.
    OverBudget,
    /// The device had no memory for it.
    OutOfMemory,
}

/// What happened to one frame in the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingEvent {
    /// Every byte was submitted; the frame can be drawn by any later submission.
    Resident {
        key: FrameKey,
        bytes: u64,
        upload_nanos: u64,
    },
    /// The frame could not be taken.
    Refused {
        key: FrameKey,
        reason: Refusal,
    },
    Evicted {
        key: FrameKey,
        bytes: u64,
        cause: EvictionCause,
    },
}

/// What the ring tells the player after a step: events since the last report, and its totals now.
#[derive(Debug, Clone, Default)]
pub struct RingReport {
    pub events: Vec<RingEvent>,
    /// Textures kept for reuse; they go before anything else when room is needed.
    pub idle_bytes: u64,
    /// The staging pool, beside the frames.
    pub staging_bytes: u64,
    /// What pictures are drawn into, beside the frames.
    pub target_bytes: u64,
    /// Devices lost so far.
    pub device_lost: u64,
}
