//! What a measurement of a picture costs: the time that asking takes from the thread that submits, the
//! time until the answer is there, and the same on the CPU. Medians are printed by criterion; nothing
//! is asserted.

#[path = "../tests/golden/picture.rs"]
#[allow(dead_code, reason = "the bench uses a part of what the tests compare pictures with")]
mod picture;

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rushes::color::scopes::{Scale, ScopeSettings, measure};
use rushes::frame::{FrameBuffer, RingOrders, SampleType, UploadOrder};
use rushes::gpu::passes::scopes::ScopesPass;
use rushes::gpu::{AdapterChoice, Gpu, StagedUploader, StagingPlan, TextureRing};

use picture::{RGBA, frame, key, plain, varied};

const SIZE: (u32, u32) = (4096, 2160);
const VRAM_BYTES: u64 = 256 << 20;

/// A device with one frame on it.
struct Bench {
    gpu: Gpu,
    ring: TextureRing,
    pass: ScopesPass,
}

impl Bench {
    fn new(picture: &Arc<FrameBuffer>) -> Option<Self> {
        let gpu = Gpu::headless(&AdapterChoice::Cpu).or_else(|_| Gpu::headless(&AdapterChoice::Best)).ok()?;
        let pass = ScopesPass::new(&gpu).ok()?;
        let plan = StagingPlan::for_budget(VRAM_BYTES);
        let uploader = StagedUploader::new(&gpu, plan, 1, Arc::new(|| {})).ok()?;
        let mut ring = TextureRing::new(Box::new(uploader), VRAM_BYTES, false);
        let upload = vec![UploadOrder { key: key(0), frame: Arc::clone(picture) }];
        ring.apply(&gpu, RingOrders { budget_bytes: VRAM_BYTES, upload, ..RingOrders::default() });
        while ring.is_busy() {
            ring.step(&gpu);
        }
        Some(Self { gpu, ring, pass })
    }

    /// Asks, and waits for the answer; the time of asking alone, and of all.
    fn measured(&mut self, settings: &ScopeSettings) -> (Duration, Duration) {
        let started = Instant::now();
        self.pass.request(&self.gpu, &self.ring, key(0), settings);
        let asked = started.elapsed();
        while self.pass.poll(&self.gpu, &self.ring).is_none() {
            std::thread::sleep(Duration::from_micros(100));
        }
        (asked, started.elapsed())
    }
}

fn pictures() -> [(&'static str, Arc<FrameBuffer>); 2] {
    let layout = plain(&RGBA[..3], SampleType::F16, SIZE.0, SIZE.1);
    [("noise", frame(&layout, varied(SampleType::F16))), ("flat", frame(&layout, |_, _, _| 0x3100))]
}

fn scopes(c: &mut Criterion) {
    for (name, picture) in pictures() {
        let Some(mut bench) = Bench::new(&picture) else {
            eprintln!("no adapter that can measure pictures");
            return;
        };
        let mut group = c.benchmark_group(format!("scopes, {name}, {}", bench.gpu.summary.name));
        group.sample_size(10).warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(2));
        for max_samples in [1 << 18, 1 << 20, 1 << 24] {
            let settings = ScopeSettings { max_samples, scale: Scale::Display, ..ScopeSettings::default() };
            for (what, part) in [("asked", 0), ("answered", 1)] {
                group.bench_function(BenchmarkId::new(what, max_samples), |b| {
                    b.iter_custom(|times| {
                        let time = |_| <[Duration; 2]>::from(bench.measured(&settings))[part];
                        (0..times).map(time).sum()
                    });
                });
            }
            group.bench_function(BenchmarkId::new("twin", max_samples), |b| {
                b.iter(|| measure(&picture, &settings));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, scopes);
criterion_main!(benches);
