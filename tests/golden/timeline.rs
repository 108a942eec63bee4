//! The timeline pass against its twin, exactly.

use std::sync::Arc;

use rushes::gpu::passes::timeline::{StripUniform, TimelinePass, quads, rasterised};
use rushes::gpu::{Gpu, read_texture};
use rushes::stage::Canvas;
use rushes::stats::{FrameStatus, Run, TimelineStatus};
use rushes::time::WorkArea;

use crate::support;

const TARGET: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
const STATUSES: [FrameStatus; 6] = [
    FrameStatus::NotLoaded,
    FrameStatus::Missing,
    FrameStatus::Loading,
    FrameStatus::Resident,
    FrameStatus::Degraded,
    FrameStatus::Error,
];

/// Runs of changing lengths over all frames.
fn lane(frames: u32, seed: u64) -> Arc<[Run]> {
    let mut random = support::XorShift::new(seed);
    let mut runs = Vec::new();
    let mut first = 0;
    while first < frames {
        let length = (1 + random.below(frames as usize / 8 + 2) as u32).min(frames - first);
        runs.push(Run { first, frames: length, status: STATUSES[random.below(6)] });
        first += length;
    }
    runs.into()
}

fn status(frames: u32, revision: u64) -> TimelineStatus {
    TimelineStatus { revision, cpu: lane(frames, 3 + revision), gpu: lane(frames, 77 + revision) }
}

fn drawn(
    gpu: &Gpu,
    pass: &mut TimelinePass,
    status: &TimelineStatus,
    area: WorkArea,
    strip: &StripUniform,
) -> Vec<[u8; 4]> {
    let canvas = Canvas::new(gpu, TARGET, strip.size[0] as u32, strip.size[1] as u32);
    let draw = pass.prepare(&gpu.device, &gpu.queue, status, area, strip);
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    draw.record(&mut canvas.begin(&mut encoder, wgpu::Color::TRANSPARENT));
    gpu.queue.submit([encoder.finish()]);
    bytemuck::pod_collect_to_vec(&read_texture(gpu, canvas.texture()).expect("texels"))
}

#[test]
fn the_strip_equals_the_twin_exactly() {
    let Some(gpu) = support::gpu("the_strip_equals_the_twin_exactly") else { return };
    let mut pass = TimelinePass::new(&gpu.device, TARGET);
    // Frames and pixels: one to one, several pixels a frame, several frames a pixel, odd ratios.
    let cases =
        [(100, 100, 12), (7, 350, 16), (1, 64, 8), (5000, 640, 14), (100_000, 333, 9), (997, 1280, 20)];
    for (revision, (frames, width, height)) in (0..).zip(cases) {
        let status = status(frames, revision);
        for area in [WorkArea::new(0, frames - 1), WorkArea::new(frames / 3, frames / 2)] {
            for playhead in [0, frames / 3, frames - 1] {
                let strip = StripUniform::new((width, height), frames, playhead);
                let wanted = rasterised(&quads(&status, frames, area), &strip);
                let drawn = drawn(&gpu, &mut pass, &status, area, &strip);
                let differing = drawn.iter().zip(&wanted).filter(|(drawn, wanted)| drawn != wanted).count();
                assert_eq!(differing, 0, "{frames} frames on {width} x {height}, playhead {playhead}");
            }
        }
    }
    assert_eq!(gpu.uncaught_errors(), 0);
}

#[test]
fn one_bad_frame_among_thousands_is_seen() {
    let Some(gpu) = support::gpu("one_bad_frame_among_thousands_is_seen") else { return };
    let mut pass = TimelinePass::new(&gpu.device, TARGET);
    let run = |first, frames, status| Run { first, frames, status };
    let loaded = FrameStatus::Resident;
    let cpu = [run(0, 4000, loaded), run(4000, 1, FrameStatus::Error), run(4001, 5999, loaded)];
    let status = TimelineStatus { revision: 1, cpu: Arc::from(cpu), gpu: Arc::from([]) };
    let strip = StripUniform::new((100, 10), 10_000, 0);
    let drawn = drawn(&gpu, &mut pass, &status, WorkArea::new(0, 9999), &strip);
    assert_eq!(drawn[2 * 100 + 40], [200, 50, 50, 255]);
    assert_eq!(drawn[2 * 100 + 39], [50, 200, 100, 255]);
}

#[test]
fn instances_are_written_again_only_when_runs_or_work_area_change() {
    let name = "instances_are_written_again_only_when_runs_or_work_area_change";
    let Some(gpu) = support::gpu(name) else { return };
    let mut pass = TimelinePass::new(&gpu.device, TARGET);
    let (status_one, status_two) = (status(200, 1), status(200, 2));
    let whole = WorkArea::new(0, 199);
    let mut rewrites = |status: &TimelineStatus, area, playhead, width| {
        let strip = StripUniform::new((width, 12), 200, playhead);
        pass.prepare(&gpu.device, &gpu.queue, status, area, &strip);
        pass.rewrites()
    };
    assert_eq!(rewrites(&status_one, whole, 0, 300), 1);
    for playhead in 0..200 {
        assert_eq!(rewrites(&status_one, whole, playhead, 300), 1);
    }
    assert_eq!(rewrites(&status_one, whole, 0, 555), 1, "a new width is a uniform");
    assert_eq!(rewrites(&status_two, whole, 0, 300), 2);
    assert_eq!(rewrites(&status_two, WorkArea::new(10, 20), 0, 300), 3);
}

#[test]
fn more_runs_than_the_buffer_held_are_drawn() {
    let Some(gpu) = support::gpu("more_runs_than_the_buffer_held_are_drawn") else { return };
    let mut pass = TimelinePass::new(&gpu.device, TARGET);
    let run = |first| Run { first, frames: 1, status: STATUSES[first as usize % 6] };
    let status = TimelineStatus { revision: 9, cpu: (0..900).map(run).collect(), gpu: Arc::from([]) };
    let (area, strip) = (WorkArea::new(0, 899), StripUniform::new((900, 8), 900, 450));
    let wanted = rasterised(&quads(&status, 900, area), &strip);
    assert_eq!(drawn(&gpu, &mut pass, &status, area, &strip), wanted);
}
