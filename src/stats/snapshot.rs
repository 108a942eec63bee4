//! Owns the shape of the Snapshot: everything that a status bar, a report or a test may read of a
//! player, published once a tick. Whoever holds one holds no lock and no cache.

use std::sync::Arc;

use super::{Intervals, LimitStatus, MemoryStatus, Percentiles};
use crate::frame::{EvictionCause, FrameKey, Window};
use crate::time::{Direction, LoopMode, REPEATS, Rate, Timecode, WorkArea};

/// What is known of one frame of the shown clip, as the strip shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum FrameStatus {
    /// The file exists, nothing is loaded.
    #[default]
    NotLoaded,
    /// The clip has no file for this frame.
    Missing,
    /// A request is out.
    Loading,
    Resident,
    /// Resident, but parts of the picture have no data.
    Degraded,
    /// The last attempt failed; the slate says why.
    Error,
}

/// A maximal stretch of frames with the same status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub first: u32,
    pub frames: u32,
    pub status: FrameStatus,
}

/// The two lanes of the strip; rebuilt only when something changed.
#[derive(Debug, Clone, Default)]
pub struct TimelineStatus {
    /// Moves whenever a lane changed.
    pub revision: u64,
    pub cpu: Arc<[Run]>,
    pub gpu: Arc<[Run]>,
}

/// Evictions by cause, in the order of [`EvictionCause::ALL`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EvictionCounters([u64; EvictionCause::ALL.len()]);

impl EvictionCounters {
    pub fn add(&mut self, cause: EvictionCause) {
        self.0[cause as usize] += 1;
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every cause with its count.
    pub fn iter(&self) -> impl Iterator<Item = (EvictionCause, u64)> + '_ {
        EvictionCause::ALL.into_iter().map(|cause| (cause, self.0[cause as usize]))
    }
}

/// One tier's budget, charge and traffic. A presentation is a hit of the tier that held the frame
/// since it was last shown: VRAM when nothing had to be uploaded for it, RAM when nothing had to be
/// decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TierStatus {
    pub budget_bytes: u64,
    pub charged_bytes: u64,
    pub charged_peak_bytes: u64,
    pub overdraft_bytes: u64,
    pub resident_frames: u64,
    pub hits: u64,
    pub misses: u64,
    pub inserts: u64,
    pub evictions: EvictionCounters,
    pub refused: u64,
}

impl TierStatus {
    /// Hits over lookups, `None` before the first.
    pub fn hit_rate(&self) -> Option<f64> {
        let lookups = self.hits + self.misses;
        (lookups > 0).then(|| self.hits as f64 / lookups as f64)
    }
}

/// What became of the requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecodeCounters {
    pub requested: u64,
    pub ok: u64,
    pub degraded: u64,
    pub error: u64,
    /// Finished, but of an old revision or no longer wanted when they came.
    pub stale: u64,
    /// Stopped between chunks because nobody wanted them any more.
    pub cancelled: u64,
    /// Came back because the frame needs more bytes than were charged for it.
    pub refused: u64,
}

/// Presentations, counted over the whole life of the player.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PresentCounters {
    pub presented: u64,
    /// Presented more than a frame after its time.
    pub late: u64,
    /// Skipped in real-time mode.
    pub dropped: u64,
    /// Due, not ready: the frame before it stayed.
    pub held: u64,
    /// Times the playhead went through the end of the work area.
    pub loops: u64,
    /// Refreshes of a display that showed the frame of the refresh before.
    pub repeated: u64,
}

/// Where the playhead is and how it moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransportStatus {
    pub playing: bool,
    pub direction: Direction,
    pub loop_mode: LoopMode,
    pub every_frame: bool,
    pub speed: f64,
    /// Frames a second; on average where they last unequally long.
    pub rate: Rate,
    pub is_variable: bool,
    pub playhead: u32,
    pub area: WorkArea,
    /// Presentations a second over the last second of playback.
    pub fps_actual: Option<f64>,
}

/// What is heard of the shown clip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SoundStatus {
    /// 0 to 1, as the controls have it.
    pub volume: f32,
    pub is_muted: bool,
    /// The device that plays; none while nothing is heard.
    pub device: Option<Arc<str>>,
    /// How often samples came too late for the device.
    pub underruns: u64,
    /// The most that pictures and sound were apart.
    pub worst_offset_ms: f64,
}

/// What the screen shows for the playhead.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ShownStatus {
    /// Nothing yet.
    #[default]
    Empty,
    /// The frame itself.
    Exact(FrameKey),
    /// Another frame stands in for one that does not exist; the text says why.
    StandIn(FrameKey, String),
    /// The frame before stays while this one is on its way.
    Held(FrameKey),
    /// A smaller picture of the frame, which is on its way.
    Proxy(FrameKey),
    /// No picture; the text says why.
    Slate(String),
    /// Black by the policy for missing frames.
    Black,
}

/// A layer as menus list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerStatus {
    pub name: String,
    pub channels: String,
}

/// The shown clip.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipStatus {
    /// Pattern or file name, safe to show.
    pub name: String,
    pub position: usize,
    pub clips: usize,
    /// Number of frames, gaps included.
    pub frames: u32,
    /// Frame number of the playhead, as in the file names.
    pub frame_number: i64,
    /// Of the same frame, where a movie states one.
    pub timecode: Option<Timecode>,
    pub first_number: i64,
    pub last_number: i64,
    pub in_number: i64,
    pub out_number: i64,
    pub layers: Arc<[LayerStatus]>,
    pub layer: usize,
    pub display_window: Option<Window>,
    pub pixel_aspect: f32,
    /// One line on compression, sample type and size.
    pub description: String,
    pub is_linear: bool,
    /// What the user should know of this clip, such as another pattern having been opened.
    pub notice: Option<String>,
}

/// Everything that may be known of a player at one tick.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub tick: u64,
    pub clip: Option<ClipStatus>,
    pub transport: TransportStatus,
    /// None for clips without sound, and where none is wanted.
    pub sound: Option<SoundStatus>,
    pub shown: ShownStatus,
    /// Rows without data of the shown frame.
    pub missing_rows: u32,
    pub cpu: TierStatus,
    pub gpu: TierStatus,
    pub uploads: u64,
    pub upload_bytes: u64,
    pub upload_nanos: u64,
    pub device_lost: u64,
    pub decode: DecodeCounters,
    pub decode_ms: Percentiles,
    pub present: PresentCounters,
    /// Between two presentations while playing.
    pub intervals: Intervals,
    pub limits: LimitStatus,
    /// Frames by the refreshes of a display that they were shown for: 1, 2, …; the last row has all that were shown
    /// for longer. All 0 without a display.
    pub repeats: [u64; REPEATS],
    pub epoch: u64,
    pub in_flight: usize,
    pub timeline: TimelineStatus,
    /// What is known of memory, at most a second old.
    pub memory: Arc<MemoryStatus>,
    /// The last message for the user.
    pub message: Option<String>,
}
