// The timeline indicator: every quad of the strip in one instanced draw. Edges are snapped to whole
// pixels, so that the result is exact. Twin: src/gpu/passes/timeline.rs, `rasterised`.

struct Strip {
    size: vec2f,
    first: f32,
    frames: f32,
    playhead: f32,
    padding: f32,
    more_padding: vec2f,
    // Upper and lower edge of each lane, in pixels: track, RAM, VRAM, shade, playhead.
    lanes: array<vec4f, 5>,
}

@group(0) @binding(0) var<uniform> strip: Strip;

struct Quad {
    @location(0) first: u32,
    @location(1) frames: u32,
    @location(2) lane: u32,
    @location(3) color: vec4f,
}

struct Corner {
    @builtin(position) position: vec4f,
    @location(0) @interpolate(flat) color: vec4f,
}

const LANE_PLAYHEAD = 4u;

fn pixel_of_frame(frame: f32) -> f32 {
    return floor((frame - strip.first) * strip.size.x / strip.frames + 0.5);
}

@vertex
fn vertex(@builtin(vertex_index) index: u32, quad: Quad) -> Corner {
    var first = f32(quad.first);
    if quad.lane == LANE_PLAYHEAD {
        first = first + strip.playhead;
    }
    let left = pixel_of_frame(first);
    // Never thinner than one pixel.
    let right = max(pixel_of_frame(first + f32(quad.frames)), left + 1.0);
    let lane = strip.lanes[quad.lane];
    let pixel = vec2f(
        select(left, right, (index & 1u) == 1u),
        select(lane.x, lane.y, (index & 2u) == 2u),
    );
    let clip = vec2f(pixel.x / strip.size.x * 2.0 - 1.0, 1.0 - pixel.y / strip.size.y * 2.0);
    return Corner(vec4f(clip, 0.0, 1.0), quad.color);
}

@fragment
fn fragment(corner: Corner) -> @location(0) vec4f {
    return corner.color;
}
