//! Owns the Snapshot of a player, put together when somebody asks for it.

use super::{Pace, Player};
use crate::frame::rows_of;
use crate::memory::{Ledger, Tier};
use crate::stats::{ClipStatus, Snapshot, TierStatus, TransportStatus};
use crate::time::Nanos;

/// Presentations older than this do not count for the measured rate.
const RATE_WINDOW_NANOS: Nanos = 1_000_000_000;

impl Player {
    /// Everything that may be known of this player now.
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot {
            tick: self.ticks,
            clip: self.clip_status(),
            transport: self.transport_status(),
            sound: self.sound_status(),
            shown: self.shown.clone(),
            missing_rows: self.missing_rows(),
            cpu: self.cpu_status(),
            gpu: self.gpu_status(),
            uploads: self.ring_traffic.uploads,
            upload_bytes: self.ring_traffic.upload_bytes,
            upload_nanos: self.ring_traffic.upload_nanos,
            device_lost: self.ring_traffic.device_lost,
            decode: self.decode,
            decode_ms: self.decode_times.percentiles(),
            present: self.transport.counters(),
            intervals: self.present_intervals.around(self.transport.interval_nanos()),
            limits: self.limit_status(),
            repeats: self.transport.repeats().frames,
            epoch: self.epoch.current().number(),
            in_flight: self.preloader.in_flight(),
            timeline: self.residency.timeline(),
            memory: self.recent_memory_status(),
            message: self.message.as_ref().map(|(text, _)| text.clone()),
        }
    }

    fn clip_status(&self) -> Option<ClipStatus> {
        let clip = self.clip()?;
        let travel = &self.transport.travel;
        let (display_window, pixel_aspect) = clip.display();
        Some(ClipStatus {
            name: clip.name.clone(),
            position: self.shown_clip,
            clips: self.clips.len(),
            frames: clip.frames(),
            frame_number: clip.number(travel.playhead),
            timecode: clip.timecode(travel.playhead),
            first_number: clip.number(0),
            last_number: clip.number(clip.frames() - 1),
            in_number: clip.number(travel.area.first()),
            out_number: clip.number(travel.area.last()),
            layers: clip.layers().clone(),
            layer: clip.layer,
            display_window: Some(display_window),
            pixel_aspect,
            description: clip.description(),
            is_linear: clip.info.is_linear,
            notice: clip.shown_notice(),
        })
    }

    fn transport_status(&self) -> TransportStatus {
        let travel = &self.transport.travel;
        TransportStatus {
            playing: travel.playing,
            direction: travel.direction,
            loop_mode: travel.loop_mode,
            every_frame: self.transport.pace != Pace::RealTime,
            speed: self.transport.speed(),
            rate: self.transport.rate(),
            is_variable: self.transport.is_variable(),
            playhead: travel.playhead,
            area: travel.area,
            fps_actual: self.fps_actual().filter(|_| travel.playing),
        }
    }

    fn fps_actual(&self) -> Option<f64> {
        let last = *self.presented_at.back()?;
        let recent = self.presented_at.iter().filter(|at| last - **at <= RATE_WINDOW_NANOS);
        let first = recent.clone().next()?;
        let intervals = recent.count() - 1;
        (intervals > 0 && last > *first).then(|| intervals as f64 * 1e9 / (last - first) as f64)
    }

    fn missing_rows(&self) -> u32 {
        let frame = self.on_screen.and_then(|key| self.tier.peek(key));
        frame.map_or(0, |frame| rows_of(&frame.missing))
    }

    fn cpu_status(&self) -> TierStatus {
        TierStatus {
            resident_frames: self.tier.len() as u64,
            hits: self.cpu_traffic.hits,
            misses: self.cpu_traffic.misses,
            inserts: self.tier.inserts(),
            evictions: self.tier.evictions(),
            refused: self.cpu_traffic.refused,
            ..budget_status(&self.ledger, Tier::Cpu)
        }
    }

    fn gpu_status(&self) -> TierStatus {
        TierStatus {
            resident_frames: self.ring.resident_frames(),
            hits: self.gpu_traffic.hits,
            misses: self.gpu_traffic.misses,
            inserts: self.ring_traffic.uploads,
            evictions: self.ring_traffic.evictions,
            refused: self.gpu_traffic.refused,
            ..budget_status(&self.ledger, Tier::Gpu)
        }
    }
}

fn budget_status(ledger: &Ledger, tier: Tier) -> TierStatus {
    TierStatus {
        budget_bytes: ledger.limit(tier),
        charged_bytes: ledger.charged(tier),
        charged_peak_bytes: ledger.peak(tier),
        overdraft_bytes: ledger.overdraft(tier),
        ..TierStatus::default()
    }
}
