//! `bench scrub`: random seeks at a given rate, the same on every run, and how long it takes until the frame
//! is on screen.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::args::ScrubArgs;
use super::session::Headless;
use super::{Failure, Interrupt, print_lines, report};
use crate::player::{Command, Filter, Framing, Pace, Tick};
use crate::stage::{Canvas, place};
use crate::stats::{DecodeCounters, Histogram, ShownStatus};
use crate::time::WorkArea;

/// The seeks of every run.
const SEED: u64 = 0x5EED_0F5E_E45A_11E5;
/// A last frame that is not on screen after this long never comes.
const SETTLE_AT_MOST: Duration = Duration::from_secs(60);

/// A seek that is not on screen yet.
#[derive(Debug, Clone, Copy)]
struct Pending {
    index: u32,
    since: Instant,
}

struct Scrub<'a> {
    headless: &'a mut Headless,
    canvas: Canvas,
    pending: Option<Pending>,
    settle: Histogram,
    seeks: u64,
    in_flight_peak: usize,
    stale_running_peak: usize,
    random: u64,
}

pub fn scrub(args: &ScrubArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut headless = Headless::open_run(&args.run, Pace::EveryFrame, interrupt)?;
    headless.step()?;
    let canvas = headless.stage.canvas(args.run.size.0, args.run.size.1);
    let mut run = Scrub {
        headless: &mut headless,
        canvas,
        pending: None,
        settle: Histogram::default(),
        seeks: 0,
        in_flight_peak: 0,
        stale_running_peak: 0,
        random: SEED,
    };
    run.show_first()?;
    let last = run.run(args)?;
    let report = run.report(args, last);
    if args.run.json {
        return print_lines(std::iter::once(report.to_string()));
    }
    print_lines(lines(&report).into_iter())
}

impl Scrub<'_> {
    /// Shows where the playhead stands before anything is measured: the first draw compiles shaders.
    fn show_first(&mut self) -> Result<(), Failure> {
        let index = self.headless.player.transport().travel.playhead;
        self.pending = Some(Pending { index, since: Instant::now() });
        self.wait_for_picture()?;
        self.settle = Histogram::default();
        Ok(())
    }

    fn wait_for_picture(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        while self.pending.is_some() {
            if started.elapsed() > SETTLE_AT_MOST {
                return Err(Failure::new(Failure::FAILED, "the frame at the playhead never came"));
            }
            self.step(SETTLE_AT_MOST)?;
        }
        Ok(())
    }

    /// Seeks for the time that was asked for, then waits for the last frame; how long that took.
    fn run(&mut self, args: &ScrubArgs) -> Result<Duration, Failure> {
        let area = self.headless.player.transport().travel.area;
        let period = Duration::from_secs_f64(1.0 / args.seeks_per_s);
        let seeks = (args.secs * args.seeks_per_s).round().max(1.0) as u64;
        let started = Instant::now();
        while self.seeks < seeks {
            // A picture that takes long to draw does not slow the hand down.
            let due = (started.elapsed().as_secs_f64() * args.seeks_per_s) as u64 + 1;
            while self.seeks < due.min(seeks) {
                self.seek(area);
            }
            let next = started + period.mul_f64(self.seeks as f64);
            self.step(next.saturating_duration_since(Instant::now()))?;
        }
        let storm_end = Instant::now();
        self.wait_for_picture()?;
        Ok(storm_end.elapsed())
    }

    fn seek(&mut self, area: WorkArea) {
        self.random = next_random(self.random);
        let index = area.first() + (self.random % area.frames()) as u32;
        self.headless.player.command(Command::Seek(index));
        self.pending = Some(Pending { index, since: Instant::now() });
        self.seeks += 1;
    }

    fn step(&mut self, at_most: Duration) -> Result<(), Failure> {
        let tick = self.headless.step()?;
        self.in_flight_peak = self.in_flight_peak.max(self.headless.player.in_flight());
        self.stale_running_peak = self.stale_running_peak.max(self.headless.player.stale_in_flight());
        self.show(&tick);
        if self.pending.is_some() || !at_most.is_zero() {
            self.headless.wait_at_most(&tick, at_most);
        }
        Ok(())
    }

    /// Draws what was sought when it is there: only then somebody sees it.
    fn show(&mut self, tick: &Tick) {
        let Some(pending) = self.pending else { return };
        let playhead = self.headless.player.transport().travel.playhead;
        let is_there = match &tick.shown {
            ShownStatus::Exact(_) | ShownStatus::StandIn(..) | ShownStatus::Slate(_) | ShownStatus::Black => {
                playhead == pending.index
            }
            _ => false,
        };
        if !is_there {
            return;
        }
        let size = (self.canvas.width(), self.canvas.height());
        if !self.canvas.is_of(self.headless.stage.gpu()) {
            self.canvas = self.headless.stage.canvas(size.0, size.1);
        }
        let sampling = self.headless.stage.sampling(Filter::Best, true);
        let placement = |layout: &crate::frame::PlaneLayout| place(layout, size, Framing::Fit, sampling);
        let is_linear = self.headless.player.clip().is_some_and(|clip| clip.info.is_linear);
        let color = self.headless.player.view().color_for(is_linear);
        let submission = self.headless.stage.draw(&self.canvas, &tick.shown, placement, &color, None);
        self.headless.stage.gpu().wait_for(submission);
        self.settle.record(pending.since.elapsed().as_nanos() as u64);
        self.pending = None;
    }

    fn report(&mut self, args: &ScrubArgs, last: Duration) -> Value {
        let snapshot = self.headless.finish();
        let DecodeCounters { ok, degraded, error, stale, cancelled, .. } = snapshot.decode;
        json!({
            "media": snapshot.clip.as_ref().map(|clip| clip.name.clone()),
            "frames": snapshot.transport.area.frames(),
            "seeks_per_s": args.seeks_per_s,
            "secs": args.secs,
            "seeks": self.seeks,
            "last_frame": snapshot.clip.as_ref().map(|clip| clip.frame_number),
            "settled": self.settle.count(),
            "settle_ms": self.settle.percentiles(),
            "last_settle_ms": last.as_secs_f64() * 1e3,
            "decodes": ok + degraded + error,
            "stale": stale,
            "cancelled": cancelled,
            "in_flight_peak": self.in_flight_peak,
            "stale_in_flight_peak": self.stale_running_peak,
            "decode_ms": snapshot.decode_ms,
            "cpu": report::tier(&snapshot.cpu),
            "gpu": report::tier(&snapshot.gpu),
            "pressure": report::pressure(&snapshot.memory),
            "rss_peak_bytes": self.headless.services.rss_peak_bytes,
        })
    }
}

/// Marsaglia, «Xorshift RNGs», 2003.
fn next_random(mut state: u64) -> u64 {
    state ^= state << 13;
    state ^= state >> 7;
    state ^ state << 17
}

fn lines(report: &Value) -> Vec<String> {
    let ms = |value: &Value| value.as_f64().unwrap_or(0.0);
    let settle = &report["settle_ms"];
    vec![
        format!(
            "{}: {} seeks in {} s",
            report["media"].as_str().unwrap_or_default(),
            report["seeks"],
            report["secs"]
        ),
        format!(
            "on screen     {} of them; after p50 {:.1}, p95 {:.1}, p99 {:.1} ms; the last after {:.1} ms",
            report["settled"],
            ms(&settle["p50"]),
            ms(&settle["p95"]),
            ms(&settle["p99"]),
            ms(&report["last_settle_ms"])
        ),
        format!(
            "decodes       {}, {} cancelled, {} came too late; at most {} requests out, {} of them stale",
            report["decodes"],
            report["cancelled"],
            report["stale"],
            report["in_flight_peak"],
            report["stale_in_flight_peak"]
        ),
    ]
}
