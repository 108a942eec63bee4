//! The ring on a device that has no driver: budget, slots and staging go their way without a pixel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rushes::frame::{EvictionCause, RingEvent, RingOrders, SampleType, UploadOrder};
use rushes::gpu::{AdapterChoice, Gpu, StagingPlan, TextureRing};

use crate::picture::{RGBA, frame, key, plain, varied};
use crate::screen::staging;

fn noop() -> Gpu {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::NOOP;
    descriptor.backend_options.noop.enable = true;
    Gpu::open(wgpu::Instance::new(descriptor), &AdapterChoice::Best, None)
        .expect("a device that does nothing")
}

#[test]
fn frames_come_and_go_and_the_budget_holds() {
    let gpu = noop();
    let plan = StagingPlan { bands: 2, band_bytes: 16 << 10 };
    let layout = plain(&RGBA, SampleType::F16, 120, 64);
    let frame_bytes = layout.total_bytes() as u64;
    let budget_bytes = plan.total_bytes() + 3 * frame_bytes;
    let mut ring = TextureRing::new(Box::new(staging(&gpu, plan)), budget_bytes, false);
    let picture = frame(&layout, varied(SampleType::F16));
    let mut arrived = 0;
    for index in 0..30_u32 {
        let evict = index.checked_sub(3).map(|old| (key(old), EvictionCause::MadeRoom));
        let upload = vec![UploadOrder { key: key(index), frame: Arc::clone(&picture) }];
        let evict = evict.into_iter().collect();
        ring.apply(&gpu, RingOrders { budget_bytes, evict, upload, ..RingOrders::default() });
        let started = Instant::now();
        while ring.is_busy() {
            assert!(started.elapsed() < Duration::from_secs(20), "an upload never completes");
            ring.step(&gpu);
            std::thread::yield_now();
        }
        assert!(ring.charged_bytes() <= budget_bytes);
        let events = ring.take_report().events;
        arrived += events.iter().filter(|event| matches!(event, RingEvent::Resident { .. })).count();
    }
    assert_eq!((arrived, Arc::strong_count(&picture)), (30, 1));
    assert_eq!(gpu.uncaught_errors(), 0);
}
