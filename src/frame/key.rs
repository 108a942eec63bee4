//! Owns the names by which a frame is known in both tiers. Plain values; any thread.

/// An opened clip, unique within one player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClipId(pub u32);

/// Counts how often a clip's files were replaced on disk; results of an old revision are never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Revision(pub u32);

/// Position of a layer in the clip's layer list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LayerId(pub u16);

/// What makes a decoded frame the same frame: switching a layer and back hits the cache because
/// the layer is part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameKey {
    pub clip: ClipId,
    pub revision: Revision,
    pub layer: LayerId,
    /// Resolution level: 0 is full size.
    pub level: u8,
    /// 0-based position in the clip, not the number in the file name.
    pub index: u32,
}

impl FrameKey {
    /// The key of another frame of the same clip, revision, layer and level.
    pub fn with_index(self, index: u32) -> Self {
        Self { index, ..self }
    }

    /// Whether both keys differ at most in their index.
    pub fn same_stream(self, other: Self) -> bool {
        self.with_index(0) == other.with_index(0)
    }
}
