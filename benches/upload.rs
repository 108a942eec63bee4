//! Bringing one frame of 4096x2160 RGB half into textures: through reused mapped staging buffers and through
//! `Queue::write_texture`, both until the device is done, beside the copies that neither can do without.
//! Run with `cargo bench --bench upload`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rushes::frame::{
    ClipId, FrameBuffer, FrameKey, FrameMemory, LayerId, PlaneLayout, PlaneSpec, Revision, Role, SampleType,
    Window,
};
use rushes::gpu::{
    AdapterChoice, DeviceTextures, Gpu, PlaneAccess, StagedUploader, StagingPlan, TextureSource, Upload,
    Uploader,
};

const SIZE: (u32, u32) = (4096, 2160);
/// Frames in turn, so that none is still in a cache of the processor.
const FRAMES: u32 = 4;
const VRAM_BYTES: u64 = 1 << 30;

fn layout() -> Arc<PlaneLayout> {
    let roles = [("R", Role::Red), ("G", Role::Green), ("B", Role::Blue)];
    let plane = |(name, role): (&str, Role)| PlaneSpec {
        name: name.into(),
        sample: SampleType::F16,
        role,
        width: SIZE.0,
        height: SIZE.1,
    };
    let window = Window::at_origin(SIZE.0, SIZE.1);
    PlaneLayout::new(roles.map(plane).into(), window, window, 1.0).expect("a layout").into()
}

fn frame(layout: &Arc<PlaneLayout>, number: u32) -> Arc<FrameBuffer> {
    let mut memory = FrameMemory::allocate(layout.total_bytes()).expect("memory");
    for (place, byte) in memory.bytes_mut().iter_mut().enumerate() {
        *byte = (place as u32).wrapping_mul(31).wrapping_add(number) as u8 & 0x3F;
    }
    Arc::new(FrameBuffer { layout: Arc::clone(layout), memory, missing: Vec::new() })
}

fn key(index: u32) -> FrameKey {
    FrameKey { clip: ClipId(1), revision: Revision(0), layer: LayerId(0), level: 0, index }
}

fn wait(gpu: &Gpu) {
    gpu.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
}

fn through_staging(gpu: &Gpu, uploader: &mut StagedUploader, upload: Upload) {
    uploader.begin(upload);
    while uploader.in_flight() > 0 {
        uploader.step(gpu);
        std::thread::yield_now();
    }
    wait(gpu);
}

fn through_the_queue(gpu: &Gpu, frame: &FrameBuffer, textures: &[wgpu::Texture]) {
    for (span, texture) in frame.layout.spans().iter().zip(textures) {
        gpu.queue.write_texture(
            texture.as_image_copy(),
            &frame.memory.bytes()[span.range()],
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(span.row_bytes as u32),
                rows_per_image: None,
            },
            texture.size(),
        );
    }
    gpu.queue.submit([]);
    wait(gpu);
}

/// Mapped buffers that hold a frame, as staging has them.
fn mapped(gpu: &Gpu, bytes: u64, band_bytes: u64) -> Vec<wgpu::Buffer> {
    let buffer = |_| {
        gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size: band_bytes,
            usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: true,
        })
    };
    (0..bytes.div_ceil(band_bytes)).map(buffer).collect()
}

fn fill(buffers: &[wgpu::Buffer], bytes: &[u8], band_bytes: usize) {
    for (buffer, band) in buffers.iter().zip(bytes.chunks(band_bytes)) {
        let mut view = buffer.get_mapped_range_mut(..).expect("a mapped buffer");
        view.slice(..band.len()).copy_from_slice(band);
    }
}

fn upload(criterion: &mut Criterion) {
    let gpu = match Gpu::headless(&AdapterChoice::Best) {
        Ok(gpu) => gpu,
        Err(error) => return eprintln!("nothing is measured: {error}"),
    };
    let layout = layout();
    let frames: Vec<Arc<FrameBuffer>> = (0..FRAMES).map(|number| frame(&layout, number)).collect();
    let plan = StagingPlan::for_budget(VRAM_BYTES);
    let mut turn = 0;
    let mut next = move || {
        turn = (turn + 1) % FRAMES as usize;
        turn
    };
    let mut group = criterion.benchmark_group("upload 4096x2160 RGB half");
    group.throughput(criterion::Throughput::Bytes(layout.total_bytes() as u64));
    group.sample_size(20).measurement_time(Duration::from_secs(4));

    let mut plain = vec![1_u8; layout.total_bytes()];
    group.bench_function("memcpy alone", |bencher| {
        bencher.iter(|| {
            plain.copy_from_slice(&frames[next()].memory.bytes()[..layout.total_bytes()]);
            black_box(&mut plain);
        });
    });
    let buffers = mapped(&gpu, layout.total_bytes() as u64, plan.band_bytes);
    group.bench_function("memcpy into staging", |bencher| {
        bencher.iter(|| {
            let bytes = &frames[next()].memory.bytes()[..layout.total_bytes()];
            fill(&buffers, bytes, plan.band_bytes as usize);
        });
    });
    let make = || DeviceTextures.make(&gpu, &layout, PlaneAccess::Filtered).expect("textures");
    let slots: Vec<Vec<wgpu::Texture>> = (0..FRAMES).map(|_| make()).collect();
    let mut uploader = StagedUploader::new(&gpu, plan, 1, Arc::new(|| {})).expect("a staging thread");
    group.bench_function("through staging", |bencher| {
        bencher.iter(|| {
            let at = next();
            let upload =
                Upload { key: key(at as u32), frame: Arc::clone(&frames[at]), textures: slots[at].clone() };
            through_staging(&gpu, &mut uploader, upload);
        });
    });
    group.bench_function("through write_texture", |bencher| {
        bencher.iter(|| {
            let at = next();
            through_the_queue(&gpu, &frames[at], &slots[at]);
        });
    });
    group.finish();
}

criterion_group!(benches, upload);
criterion_main!(benches);
