//! Owns headless playback: the loop that presents frames, and what it measured. `bench` reports it,
//! `demo` plays with it where there is no display.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use super::session::Headless;
use super::{Failure, report};
use crate::cache::Origin;
use crate::memory::format_bytes;
use crate::metrics::ProcessFigures;
use crate::player::{Command, Filter, Framing, Pace, Tick};
use crate::stage::{Canvas, Coloring, StripView, place};
use crate::stats::{Histogram, Percentiles, ShownStatus, Snapshot, TierStatus};
use crate::time::{Cadence, Clock, Nanos};

/// Height of the strip that is drawn into every picture.
const STRIP_PIXELS: u32 = 16;

/// What to play and how.
pub struct PlaybackOptions {
    pub loops: u32,
    pub size: (u32, u32),
    pub preroll: bool,
    pub checksum: bool,
    /// A display that is not there, at whose refreshes frames are presented.
    pub refresh: Option<Cadence>,
}

/// One pass through the work area.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Pass {
    #[serde(rename = "loop")]
    pub number: u32,
    pub decodes: u64,
    pub uploads: u64,
    pub upload_bytes: u64,
    pub cpu_hits: u64,
    pub gpu_hits: u64,
    pub fps: f64,
    /// Frames asked of the decoders, whatever became of them.
    pub requests: u64,
    /// Of the process at the end of the pass; null where the system does not say.
    pub rss_bytes: Option<u64>,
    pub threads: Option<u64>,
    pub open_files: Option<u64>,
}

/// What was shown, for comparing runs picture by picture.
#[derive(Debug, Clone, Serialize)]
pub struct Checksum {
    pub frame: i64,
    pub tier: &'static str,
    pub xxh64: String,
}

/// Everything that a run measured.
pub struct Playback {
    pub snapshot: Snapshot,
    pub passes: Vec<Pass>,
    pub intervals: Percentiles,
    pub first_frame_ms: f64,
    pub fps_actual: f64,
    pub checksums: Vec<Checksum>,
    pub mode: &'static str,
    pub loops: u32,
    pub rss_peak_bytes: u64,
    adapter: Value,
    media: String,
}

/// A display that is not there.
struct Refresh {
    period_nanos: f64,
    start: Nanos,
    number: u64,
    /// A frame was presented since the refresh before.
    is_new: bool,
}

impl Refresh {
    /// The time of the next refresh.
    fn next(&self) -> Nanos {
        self.at(self.number + 1)
    }

    fn at(&self, number: u64) -> Nanos {
        self.start + (number as f64 * self.period_nanos) as Nanos
    }
}

struct Run<'a> {
    refresh: Option<Refresh>,
    headless: &'a mut Headless,
    options: &'a PlaybackOptions,
    canvas: Canvas,
    color: Coloring,
    started: Instant,
    intervals: Histogram,
    last_present: Option<Instant>,
    first_present: Option<Instant>,
    presents: u64,
    passes: Vec<Pass>,
    /// As of the last presentation: what the next tick does belongs to the next frame.
    latest: Snapshot,
    pass_start: (Snapshot, Instant, u64),
    checksums: Vec<Checksum>,
}

/// Plays `loops` passes; the player is set up and stands at the start of its work area.
///
/// # Errors
/// [`Failure`] when interrupted or when the GPU fails for good.
pub fn play(
    headless: &mut Headless,
    options: &PlaybackOptions,
    started: Instant,
) -> Result<Playback, Failure> {
    // Queued commands take effect with the first tick, before anything is drawn.
    headless.step()?;
    let color = headless.coloring(true);
    let canvas = headless.stage.canvas(options.size.0, options.size.1);
    if options.preroll {
        let shown = preroll(headless)?;
        // The first draw compiles shaders on some drivers; a window has drawn long before it plays.
        let (size, sampling) = (options.size, headless.stage.sampling(Filter::Best, true));
        let placement = |layout: &crate::frame::PlaneLayout| place(layout, size, Framing::Fit, sampling);
        let submission = headless.stage.draw(&canvas, &shown, placement, &color, None);
        headless.stage.gpu().wait_for(submission);
    }
    headless.player.command(Command::TogglePlay);
    let snapshot = headless.player.snapshot();
    let start = headless.clock.now();
    let refresh = options.refresh.clone().map(|mut display| {
        display.observe(start);
        headless.player.follow_display(Some(&display));
        Refresh { period_nanos: display.period_nanos(), start, number: 0, is_new: false }
    });
    let mut run = Run {
        refresh,
        headless,
        options,
        canvas,
        color,
        started,
        intervals: Histogram::default(),
        last_present: None,
        first_present: None,
        presents: 0,
        passes: Vec::new(),
        latest: snapshot.clone(),
        pass_start: (snapshot, Instant::now(), 0),
        checksums: Vec::new(),
    };
    run.run()?;
    Ok(run.finish())
}

/// Waits until the CPU tier holds all of the work area that fits; returns what is shown then.
fn preroll(headless: &mut Headless) -> Result<ShownStatus, Failure> {
    loop {
        let tick = headless.step()?;
        if headless.player.is_settled() {
            return Ok(tick.shown);
        }
        headless.wait(&tick);
    }
}

impl Run<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            let tick = self.step()?;
            let loops = self.headless.player.transport().counters().loops;
            if loops > self.passes.len() as u64 {
                self.end_pass();
            }
            if loops >= u64::from(self.options.loops) || !self.headless.player.transport().is_playing() {
                break;
            }
            if tick.presented {
                self.present(&tick.shown)?;
            } else {
                self.wait(&tick);
            }
        }
        if self.passes.len() < self.options.loops as usize {
            self.end_pass();
        }
        Ok(())
    }

    /// One step, at the time of the last refresh where there is a display.
    fn step(&mut self) -> Result<Tick, Failure> {
        let Some(refresh) = &mut self.refresh else { return self.headless.step() };
        if self.headless.clock.now() >= refresh.next() {
            refresh.number += 1;
            self.headless.player.note_refresh(std::mem::take(&mut refresh.is_new));
        }
        let tick = self.headless.step_at(refresh.at(refresh.number))?;
        refresh.is_new |= tick.presented;
        Ok(tick)
    }

    fn wait(&self, tick: &Tick) {
        match &self.refresh {
            None => self.headless.wait(tick),
            Some(refresh) => {
                let left = refresh.next() - self.headless.clock.now();
                let left = Duration::from_nanos(u64::try_from(left).unwrap_or(0));
                self.headless.wait_at_most(tick, left);
            }
        }
    }

    /// Draws what is shown, waits for it and notes when it was done.
    fn present(&mut self, shown: &ShownStatus) -> Result<(), Failure> {
        let before = Instant::now();
        if !self.canvas.is_of(self.headless.stage.gpu()) {
            self.canvas = self.headless.stage.canvas(self.options.size.0, self.options.size.1);
        }
        let snapshot = self.headless.player.snapshot();
        let transport = &snapshot.transport;
        let strip = StripView {
            status: &snapshot.timeline,
            area: transport.area,
            frames: snapshot.clip.as_ref().map_or(1, |clip| clip.frames),
            playhead: transport.playhead,
        };
        let size = (self.canvas.width(), self.canvas.height());
        let sampling = self.headless.stage.sampling(Filter::Best, true);
        let placement = |layout: &crate::frame::PlaneLayout| place(layout, size, Framing::Fit, sampling);
        let submission = self.headless.stage.draw(
            &self.canvas,
            shown,
            placement,
            &self.color,
            Some((&strip, STRIP_PIXELS)),
        );
        self.headless.stage.gpu().wait_for(submission);
        self.note_present();
        let took_nanos = before.elapsed().as_nanos() as u64;
        self.headless.player.note_drawn(took_nanos, self.headless.clock.now());
        if self.options.checksum {
            self.checksum(&snapshot)?;
        }
        self.latest = snapshot;
        Ok(())
    }

    fn note_present(&mut self) {
        let now = Instant::now();
        if let Some(last) = self.last_present {
            self.intervals.record((now - last).as_nanos() as u64);
        }
        self.first_present.get_or_insert(now);
        self.last_present = Some(now);
        self.presents += 1;
    }

    /// The checksum covers the picture without the strip, whose playhead differs.
    fn checksum(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        let read = self.headless.stage.read(&self.canvas);
        let texels = read.map_err(|error| Failure::new(Failure::FAILED, error.to_string()))?;
        let rows = (self.canvas.height() - STRIP_PIXELS.min(self.canvas.height())) as usize;
        let picture = &texels[..rows * self.canvas.width() as usize * 4];
        let tier = match self.headless.player.last_origin() {
            Some(Origin::Vram) => "gpu",
            Some(Origin::CpuTier) => "cpu",
            Some(Origin::Decode) => "disk",
            None => "none",
        };
        self.checksums.push(Checksum {
            frame: snapshot.clip.as_ref().map_or(0, |clip| clip.frame_number),
            tier,
            xxh64: format!("{:016x}", xxhash_rust::xxh64::xxh64(picture, 0)),
        });
        Ok(())
    }

    fn end_pass(&mut self) {
        let now = self.latest.clone();
        let (before, started, presents) = &self.pass_start;
        let decodes =
            |snapshot: &Snapshot| snapshot.decode.ok + snapshot.decode.degraded + snapshot.decode.error;
        let seconds = started.elapsed().as_secs_f64();
        let process = ProcessFigures::read();
        self.passes.push(Pass {
            number: self.passes.len() as u32 + 1,
            decodes: decodes(&now) - decodes(before),
            uploads: now.uploads - before.uploads,
            upload_bytes: now.upload_bytes - before.upload_bytes,
            cpu_hits: now.cpu.hits - before.cpu.hits,
            gpu_hits: now.gpu.hits - before.gpu.hits,
            fps: (self.presents - presents) as f64 / seconds.max(1e-9),
            requests: now.decode.requested - before.decode.requested,
            rss_bytes: process.rss_bytes,
            threads: process.threads,
            open_files: process.open_fds,
        });
        self.pass_start = (now, Instant::now(), self.presents);
    }

    fn finish(self) -> Playback {
        let snapshot = self.headless.finish_with(self.latest.clone());
        let since = |from: Option<Instant>, to: Option<Instant>| {
            from.zip(to).map_or(0.0, |(from, to)| (to - from).as_secs_f64())
        };
        let seconds = since(self.first_present, self.last_present);
        let fps_actual = if seconds > 0.0 { (self.presents - 1) as f64 / seconds } else { 0.0 };
        let adapter = self.headless.stage.adapter();
        let player = &self.headless.player;
        let mode = match player.transport().pace {
            Pace::EveryFrame => "every-frame",
            Pace::RealTime => "real-time",
            Pace::Unpaced => "unpaced",
        };
        Playback {
            media: snapshot.clip.as_ref().map(|clip| clip.name.clone()).unwrap_or_default(),
            adapter: json!({
                "name": adapter.name, "backend": adapter.backend, "kind": adapter.kind.name(),
            }),
            snapshot,
            passes: self.passes,
            intervals: self.intervals.percentiles(),
            first_frame_ms: since(Some(self.started), self.first_present) * 1e3,
            fps_actual,
            checksums: self.checksums,
            mode,
            loops: self.options.loops,
            rss_peak_bytes: self.headless.services.rss_peak_bytes,
        }
    }
}

impl Playback {
    /// The report as one object. What this version does not measure is null.
    pub fn json(&self) -> Value {
        let (snapshot, decode, memory) = (&self.snapshot, &self.snapshot.decode, &*self.snapshot.memory);
        let mut gpu = report::tier(&snapshot.gpu);
        gpu["uploads"] = snapshot.uploads.into();
        gpu["upload_bytes"] = snapshot.upload_bytes.into();
        gpu["upload_gb_per_s"] = json!(self.upload_rate());
        json!({
            "media": self.media,
            "frames": snapshot.transport.area.frames(),
            "loops": self.loops,
            "mode": self.mode,
            "fps_target": snapshot.transport.rate.as_f64(),
            "variable_rate": snapshot.transport.is_variable,
            "fps_actual": self.fps_actual,
            "adapter": self.adapter,
            "first_frame_ms": self.first_frame_ms,
            "presented": snapshot.present.presented,
            "late": snapshot.present.late,
            "dropped": snapshot.present.dropped,
            "held": snapshot.present.held,
            "repeated": snapshot.present.repeated,
            "repeats": snapshot.repeats,
            "present_interval_ms": self.intervals,
            "passes": self.passes,
            "cpu": report::tier(&snapshot.cpu),
            "gpu": gpu,
            "by_class": { "cpu": report::classes(&memory.cpu), "gpu": report::classes(&memory.gpu) },
            "by_component": { "cpu": report::components(&memory.cpu), "gpu": report::components(&memory.gpu) },
            "policy": memory.policy,
            "clips": report::clips(memory),
            "audio": snapshot.sound.as_ref().map(report::sound),
            "verdict": snapshot.limits.all_along.name(),
            "waited": report::waited(&snapshot.limits.whole),
            "device_lost": snapshot.device_lost,
            "checksums": self.checksums,
            "decode": {
                "ok": decode.ok, "degraded": decode.degraded, "error": decode.error, "stale": decode.stale,
                "cancelled": decode.cancelled, "requested": decode.requested, "refused": decode.refused,
                "ms": { "p50": snapshot.decode_ms.p50, "p95": snapshot.decode_ms.p95, "p99": snapshot.decode_ms.p99 },
            },
            "epochs": snapshot.epoch,
            "pressure": report::pressure(memory),
            "memory": report::memory(memory),
            "leaks": report::leaks(memory),
            "rss_peak_bytes": self.rss_peak_bytes,
        })
    }

    fn upload_rate(&self) -> f64 {
        let seconds = self.snapshot.upload_nanos as f64 / 1e9;
        if seconds > 0.0 { self.snapshot.upload_bytes as f64 / 1e9 / seconds } else { 0.0 }
    }

    /// The report as text.
    pub fn lines(&self) -> Vec<String> {
        let (snapshot, present) = (&self.snapshot, &self.snapshot.present);
        let mut lines = vec![
            format!(
                "{}: {} frames, {} passes, {}",
                self.media,
                snapshot.transport.area.frames(),
                self.passes.len(),
                self.mode
            ),
            format!("adapter       {}", self.adapter["name"].as_str().unwrap_or_default()),
            format!(
                "playback      {:.2} of {} fps{}; first frame after {:.0} ms; limited by {}",
                self.fps_actual,
                snapshot.transport.rate,
                if snapshot.transport.is_variable { " on average" } else { "" },
                self.first_frame_ms,
                snapshot.limits.all_along.name()
            ),
            format!(
                "presented     {}, {} late, {} dropped, {} held; interval p50 {:.1}, p95 {:.1}, p99 {:.1} ms",
                present.presented,
                present.late,
                present.dropped,
                present.held,
                self.intervals.p50,
                self.intervals.p95,
                self.intervals.p99
            ),
        ];
        lines.extend(self.passes.iter().map(|pass| {
            format!(
                "pass {:<9}{} decodes, {} uploads, hits {} RAM + {} VRAM, {:.1} fps",
                pass.number, pass.decodes, pass.uploads, pass.cpu_hits, pass.gpu_hits, pass.fps
            )
        }));
        lines.push(tier_line("RAM tier", &snapshot.cpu));
        lines.push(tier_line("VRAM tier", &snapshot.gpu));
        lines.push(format!(
            "decode        {} ok, {} degraded, {} failed; p50 {:.1}, p95 {:.1} ms; memory peak {}",
            snapshot.decode.ok,
            snapshot.decode.degraded,
            snapshot.decode.error,
            snapshot.decode_ms.p50,
            snapshot.decode_ms.p95,
            format_bytes(self.rss_peak_bytes)
        ));
        lines
    }
}

fn tier_line(name: &str, tier: &TierStatus) -> String {
    format!(
        "{name:<14}{} of {}, {} frames, {} hits, {} misses, {} evictions",
        format_bytes(tier.charged_bytes),
        format_bytes(tier.budget_bytes),
        tier.resident_frames,
        tier.hits,
        tier.misses,
        tier.evictions.total()
    )
}
