//! The texture ring: budget, eviction, recycling, refusals, cancelled uploads, a new device.

use std::sync::Arc;

use rushes::color::{ColorSettings, Encoding};
use rushes::frame::{EvictionCause, FrameBuffer, PlaneLayout, Refusal, RingEvent, SampleType};
use rushes::gpu::DeviceTextures;
use rushes::gpu::passes::image::ImagePlacement;

use crate::picture::{GREY, RGBA, frame, key, plain, varied};
use crate::screen::{FullDevice, ONE_TO_ONE, Screen, SmallTextures, staging};
use crate::support::XorShift;

const SIZE: (u32, u32) = (120, 64);

fn numbered(layout: &Arc<PlaneLayout>, number: u32) -> Arc<FrameBuffer> {
    frame(layout, |plane, x, y| (number * 7919 + x * 31 + y * 17 + plane as u32) & 0x3BFF)
}

fn verify(screen: &Screen, index: u32, picture: &FrameBuffer) {
    let identity = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
    screen.compare((key(index), picture), &ONE_TO_ONE, &identity, SIZE, 1e-6);
}

/// A ring with room for `frames` frames beside staging.
fn ring_of(test: &str, layout: &PlaneLayout, frames: u64) -> Option<Screen> {
    let mut screen = Screen::new(test, 0, false)?;
    screen.budget_bytes = screen.ring.charged_bytes() + frames * layout.total_bytes() as u64;
    Some(screen)
}

#[test]
fn recycled_slots_hold_the_frame_that_came_last() {
    let layout = plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1);
    let Some(mut screen) = ring_of("recycled_slots_hold_the_frame_that_came_last", &layout, 3) else {
        return;
    };
    for index in 0..40_u32 {
        let picture = numbered(&layout, index);
        let evict = index.checked_sub(3).map(key);
        screen.apply(evict.into_iter().collect(), vec![(key(index), &picture)]);
        screen.finish();
        assert!(screen.ring.charged_bytes() <= screen.budget_bytes, "frame {index}");
        verify(&screen, index, &picture);
        if let Some(before) = index.checked_sub(1) {
            verify(&screen, before, &numbered(&layout, before));
        }
    }
}

#[test]
fn the_budget_holds_whatever_is_ordered() {
    let small = plain(&GREY, SampleType::F16, SIZE.0, SIZE.1);
    let large = plain(&RGBA, SampleType::F32, SIZE.0, SIZE.1);
    let Some(mut screen) = ring_of("the_budget_holds_whatever_is_ordered", &large, 3) else { return };
    let pictures = [frame(&small, varied(SampleType::F16)), frame(&large, varied(SampleType::F32))];
    let mut random = XorShift::new(5);
    let mut refused = 0;
    for _ in 0..300 {
        let (leaves, comes) = (key(random.below(12) as u32), key(random.below(12) as u32));
        let evict = if leaves == comes { vec![leaves] } else { vec![leaves, comes] };
        screen.apply(evict, vec![(comes, &pictures[random.below(2)])]);
        assert!(screen.ring.charged_bytes() <= screen.budget_bytes);
        screen.ring.step(&screen.gpu);
        let events = screen.ring.take_report().events;
        refused += events.iter().filter(|event| matches!(event, RingEvent::Refused { .. })).count();
    }
    screen.finish();
    assert!(refused > 0, "the walk never filled the ring");
    assert_eq!(screen.gpu.uncaught_errors(), 0);
}

#[test]
fn a_lowered_budget_lets_idle_textures_go() {
    let layout = plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1);
    let Some(mut screen) = ring_of("a_lowered_budget_lets_idle_textures_go", &layout, 4) else { return };
    let empty = screen.ring.charged_bytes();
    for index in 0..4 {
        screen.load(key(index), &numbered(&layout, index));
    }
    screen.apply((0..4).map(key).collect(), Vec::new());
    assert_eq!(screen.ring.take_report().idle_bytes, 4 * layout.total_bytes() as u64);
    screen.budget_bytes = empty;
    screen.apply(Vec::new(), Vec::new());
    assert_eq!(screen.ring.charged_bytes(), empty);
}

#[test]
fn a_frame_larger_than_the_budget_is_taken_when_it_is_alone() {
    let layout = plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1);
    let name = "a_frame_larger_than_the_budget_is_taken_when_it_is_alone";
    let Some(mut screen) = ring_of(name, &layout, 0) else { return };
    screen.load(key(0), &numbered(&layout, 0));
    verify(&screen, 0, &numbered(&layout, 0));
    screen.apply(Vec::new(), vec![(key(1), &numbered(&layout, 1))]);
    assert!(screen.finish().contains(&RingEvent::Refused { key: key(1), reason: Refusal::OverBudget }));
    screen.apply(vec![key(0)], vec![(key(1), &numbered(&layout, 1))]);
    screen.finish();
    verify(&screen, 1, &numbered(&layout, 1));
}

#[test]
fn a_frame_of_more_tiles_than_a_texture_has_layers_is_refused() {
    let name = "a_frame_of_more_tiles_than_a_texture_has_layers_is_refused";
    let Some(mut screen) = Screen::new(name, 64 << 20, false) else { return };
    screen.ring.set_source(Box::new(SmallTextures { side: 1 }));
    let wide = plain(&GREY, SampleType::U8, screen.gpu.texture_limits().layers + 1, 1);
    screen.apply(Vec::new(), vec![(key(0), &frame(&wide, |_, _, _| 1))]);
    assert_eq!(screen.finish(), [RingEvent::Refused { key: key(0), reason: Refusal::TooLarge }]);
    screen.ring.set_source(Box::new(DeviceTextures));
    let picture = numbered(&plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1), 1);
    screen.load(key(1), &picture);
    verify(&screen, 1, &picture);
}

#[test]
fn a_full_device_refuses_and_what_was_there_stays() {
    let layout = plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1);
    let name = "a_full_device_refuses_and_what_was_there_stays";
    let Some(mut screen) = ring_of(name, &layout, 4) else { return };
    screen.ring.set_source(Box::new(FullDevice { frames: 2 }));
    for index in 0..2 {
        screen.load(key(index), &numbered(&layout, index));
    }
    screen.apply(Vec::new(), vec![(key(2), &numbered(&layout, 2))]);
    assert_eq!(screen.finish(), [RingEvent::Refused { key: key(2), reason: Refusal::OutOfMemory }]);
    // The textures of a frame that left serve the next one.
    screen.apply(vec![key(0)], vec![(key(2), &numbered(&layout, 2))]);
    screen.finish();
    verify(&screen, 1, &numbered(&layout, 1));
    verify(&screen, 2, &numbered(&layout, 2));
}

#[test]
fn a_row_longer_than_a_band_is_refused() {
    let name = "a_row_longer_than_a_band_is_refused";
    let Some(mut screen) = Screen::new(name, 64 << 20, false) else { return };
    let wide = plain(&GREY, SampleType::F32, 5000, 2);
    screen.apply(Vec::new(), vec![(key(0), &frame(&wide, |_, _, _| 1))]);
    assert_eq!(screen.finish(), [RingEvent::Refused { key: key(0), reason: Refusal::TooLarge }]);
}

#[test]
fn a_frame_wider_than_the_largest_texture_is_drawn_from_tiles() {
    let name = "a_frame_wider_than_the_largest_texture_is_drawn_from_tiles";
    let Some(mut screen) = Screen::new(name, 64 << 20, false) else { return };
    let width = screen.gpu.max_texture_side() + 7;
    let plan = rushes::gpu::StagingPlan { bands: 2, band_bytes: 64 << 10 };
    screen.ring =
        rushes::gpu::TextureRing::new(Box::new(staging(&screen.gpu, plan)), screen.budget_bytes, false);
    let picture = frame(&plain(&GREY, SampleType::U8, width, 2), varied(SampleType::U8));
    screen.load(key(0), &picture);
    let identity = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
    let at_the_end = ImagePlacement { origin: (100.0 - width as f32, 0.0), ..ONE_TO_ONE };
    screen.compare((key(0), &picture), &at_the_end, &identity, (100, 2), 1e-6);
    let in_the_middle = ImagePlacement { origin: (50.0 - (width / 2) as f32, 0.0), ..ONE_TO_ONE };
    screen.compare((key(0), &picture), &in_the_middle, &identity, (100, 2), 1e-6);
}

#[test]
fn frames_of_changing_layouts_share_the_ring() {
    let name = "frames_of_changing_layouts_share_the_ring";
    let layouts = [
        plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1),
        plain(&GREY, SampleType::F16, SIZE.0, SIZE.1),
        plain(&RGBA, SampleType::F32, SIZE.0, SIZE.1),
        plain(&RGBA[..3], SampleType::F16, SIZE.0, SIZE.1),
        plain(&RGBA, SampleType::U8, SIZE.0, SIZE.1),
    ];
    let Some(mut screen) = ring_of(name, &layouts[2], 2) else { return };
    for index in 0..30_u32 {
        let layout = &layouts[index as usize * 3 % 5];
        let picture = numbered(layout, index);
        screen.apply(index.checked_sub(1).map(key).into_iter().collect(), vec![(key(index), &picture)]);
        screen.finish();
        assert!(screen.ring.charged_bytes() <= screen.budget_bytes);
        verify(&screen, index, &picture);
    }
}

#[test]
fn an_upload_that_is_cancelled_under_way_leaves_its_slot_clean() {
    let layout = plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1);
    let name = "an_upload_that_is_cancelled_under_way_leaves_its_slot_clean";
    let Some(mut screen) = ring_of(name, &layout, 1) else { return };
    for round in 0..25_u32 {
        let (first, second) = (round * 2, round * 2 + 1);
        screen.apply(Vec::new(), vec![(key(first), &numbered(&layout, first))]);
        for _ in 0..round % 4 {
            screen.ring.step(&screen.gpu);
        }
        let picture = numbered(&layout, second);
        screen.apply(vec![key(first)], vec![(key(second), &picture)]);
        let events = screen.finish();
        let arrived = |index| {
            events.iter().any(|e| matches!(e, RingEvent::Resident { key: k, .. } if *k == key(index)))
        };
        assert!(arrived(second), "round {round}");
        assert!(screen.ring.slot(key(first)).is_none());
        assert!(screen.ring.charged_bytes() <= screen.budget_bytes);
        verify(&screen, second, &picture);
        screen.apply(vec![key(second)], Vec::new());
        screen.finish();
    }
    assert_eq!(screen.gpu.uncaught_errors(), 0);
}

#[test]
fn a_rebuilt_ring_is_empty_and_tells_what_it_lost() {
    let layout = plain(&RGBA, SampleType::F16, SIZE.0, SIZE.1);
    let Some(mut screen) = ring_of("a_rebuilt_ring_is_empty_and_tells_what_it_lost", &layout, 3) else {
        return;
    };
    screen.load(key(0), &numbered(&layout, 0));
    screen.apply(Vec::new(), vec![(key(1), &numbered(&layout, 1))]);
    let plan = rushes::gpu::StagingPlan { bands: 1, band_bytes: 16 << 10 };
    let uploader = staging(&screen.gpu, plan);
    screen.ring.rebuild(Box::new(uploader));
    let report = screen.ring.take_report();
    let lost =
        |event: &&RingEvent| matches!(event, RingEvent::Evicted { cause: EvictionCause::DeviceLost, .. });
    assert_eq!((report.events.iter().filter(lost).count(), report.device_lost), (2, 1));
    assert_eq!(screen.ring.charged_bytes(), plan.total_bytes());
    screen.load(key(0), &numbered(&layout, 0));
    verify(&screen, 0, &numbered(&layout, 0));
}
