//! Snapshots to publish: every figure has a value, and `scale` makes all of them grow.

use std::sync::Arc;

use crate::frame::EvictionCause;
use crate::stats::{
    CleanerStatus, ClipMemory, ClipStatus, DecodeCounters, FrameClass, FrameSum, LayerStatus, LeakStatus,
    MachineMemory, MemorySettings, MemoryStatus, Percentiles, PresentCounters, PressureLevel, PressureStatus,
    ShownStatus, Snapshot, TierContents, TierStatus, TimelineStatus, TransportStatus, VoteSource,
};
use crate::time::{Direction, LoopMode, Rate, WorkArea};

/// A clip's name that would break every format.
pub const HOSTILE: &str = "shot \"A\"} 1\n# EOF\n\\evil{tier=\"cpu\"} 9\r\n\u{202e}";

/// A snapshot with every figure set; counters grow with `scale`.
pub fn snapshot(scale: u64, clip_name: &str) -> Snapshot {
    let present = PresentCounters {
        presented: 24 * scale,
        late: scale,
        dropped: scale,
        held: scale,
        loops: scale,
        repeated: 36 * scale,
    };
    Snapshot {
        sound: None,
        tick: 60 * scale,
        clip: Some(clip(clip_name)),
        transport: transport(),
        shown: ShownStatus::Slate(clip_name.into()),
        missing_rows: 7,
        cpu: tier(scale),
        gpu: tier(2 * scale),
        uploads: 3 * scale,
        upload_bytes: scale << 20,
        upload_nanos: 1_500 * scale,
        device_lost: scale,
        decode: decode(scale),
        decode_ms: Percentiles { p50: 12.5, p95: 30.0, p99: 41.25, max: 99.0 },
        present,
        repeats: [0; 8],
        intervals: crate::stats::Histogram::default().around(41_666_667),
        limits: Default::default(),
        epoch: scale,
        in_flight: 4,
        timeline: TimelineStatus::default(),
        memory: Arc::new(memory(scale, clip_name)),
        message: Some(clip_name.into()),
    }
}

fn clip(name: &str) -> ClipStatus {
    let layer = LayerStatus { name: name.into(), channels: "RGB".into() };
    ClipStatus {
        name: name.into(),
        position: 0,
        clips: 3,
        frames: 100,
        frame_number: 1001,
        timecode: None,
        first_number: 1001,
        last_number: 1100,
        in_number: 1001,
        out_number: 1100,
        layers: Arc::new([layer]),
        layer: 0,
        display_window: None,
        pixel_aspect: 1.0,
        description: name.into(),
        is_linear: true,
        notice: Some(name.into()),
    }
}

fn transport() -> TransportStatus {
    TransportStatus {
        playing: true,
        direction: Direction::Forward,
        loop_mode: LoopMode::Loop,
        every_frame: false,
        speed: 2.0,
        rate: Rate::FILM,
        is_variable: false,
        playhead: 5,
        area: WorkArea::new(0, 99),
        fps_actual: Some(23.9),
    }
}

fn tier(scale: u64) -> TierStatus {
    let mut status = TierStatus {
        budget_bytes: 1 << 33,
        charged_bytes: 1 << 32,
        charged_peak_bytes: 1 << 33,
        overdraft_bytes: 1 << 20,
        resident_frames: 77,
        hits: 10 * scale,
        misses: 2 * scale,
        inserts: 3 * scale,
        refused: scale,
        ..TierStatus::default()
    };
    for _ in 0..scale {
        EvictionCause::ALL.into_iter().for_each(|cause| status.evictions.add(cause));
    }
    status
}

fn decode(scale: u64) -> DecodeCounters {
    DecodeCounters {
        requested: 20 * scale,
        ok: 10 * scale,
        degraded: scale,
        error: scale,
        stale: scale,
        cancelled: scale,
        refused: scale,
    }
}

fn pressure(scale: u64) -> PressureStatus {
    let mut status = PressureStatus {
        level: PressureLevel::Moderate,
        peak: PressureLevel::Critical,
        fraction: 0.82,
        votes: [Some(0.5); VoteSource::ALL.len()],
        alerts: [scale; PressureLevel::ALL.len()],
        ..PressureStatus::default()
    };
    for _ in 0..scale {
        status.transitions.add(PressureLevel::None, PressureLevel::High);
        status.transitions.add(PressureLevel::High, PressureLevel::Moderate);
    }
    status
}

fn contents() -> TierContents {
    TierContents {
        by_class: [FrameSum { frames: 3, bytes: 3 << 20 }; FrameClass::ALL.len()],
        by_component: vec![("frames", 1 << 30), ("in_flight", 1 << 20), ("scratch", 0)],
    }
}

fn memory(scale: u64, clip_name: &str) -> MemoryStatus {
    let of_clip = ClipMemory { name: clip_name.into(), cpu_bytes: 1 << 30, ..ClipMemory::default() };
    let cleaner = |name| CleanerStatus {
        name,
        runs: scale,
        freed_bytes: scale << 20,
        mismatch_bytes: scale,
        failures: scale,
        is_isolated: true,
    };
    MemoryStatus {
        settings: MemorySettings::default(),
        policy: "next-use",
        machine: machine(scale),
        cpu: contents(),
        gpu: contents(),
        cpu_pressure: pressure(scale),
        gpu_pressure: pressure(2 * scale),
        clips: Arc::new([of_clip]),
        alloc_bytes_per_s: 1.0e9,
        slack_fraction: 0.125,
        uncharged_bytes: -5,
        purges: scale,
        purge_nanos: 1_000_000 * scale,
        cleaners: vec![cleaner("thumbnails"), cleaner("slack")],
        leaks: LeakStatus {
            checks: 10 * scale,
            mismatches: scale,
            last_mismatch: Some(clip_name.into()),
            rss_slope_bytes_per_s: Some(-1.5),
        },
        upload_ms: Percentiles::default(),
        present_interval_ms: Percentiles { p50: 41.6, p95: 42.0, p99: 50.0, max: 80.0 },
    }
}

fn machine(scale: u64) -> MachineMemory {
    MachineMemory {
        total_bytes: 1 << 35,
        available_bytes: 1 << 34,
        used_bytes: 1 << 34,
        rss_bytes: 1 << 33,
        vms_bytes: 1 << 36,
        cgroup_limit_bytes: Some(1 << 35),
        cgroup_used_bytes: Some(1 << 34),
        stall_some_micros: Some(1_234_567 * scale),
        stall_full_micros: Some(234_567 * scale),
    }
}
