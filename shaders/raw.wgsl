// Planes to the bits of their samples, one to one: what raw output reads back.

struct Raw {
    // From the display window's corner to the data window's.
    data_offset: vec2i,
    data_size: vec2i,
}

@group(0) @binding(0) var<uniform> raw: Raw;
@group(1) @binding(0) var plane_red: texture_2d<u32>;
@group(1) @binding(1) var plane_green: texture_2d<u32>;
@group(1) @binding(2) var plane_blue: texture_2d<u32>;
@group(1) @binding(3) var plane_alpha: texture_2d<u32>;

// The sample that stands for a pixel, in planes that may have fewer samples than the data window has pixels.
fn bits_at(plane: texture_2d<u32>, at: vec2i) -> u32 {
    let samples = vec2i(textureDimensions(plane));
    return textureLoad(plane, at * samples / raw.data_size, 0).r;
}

@fragment
fn fragment(@builtin(position) position: vec4f) -> @location(0) vec4u {
    let at = vec2i(floor(position.xy)) - raw.data_offset;
    if any(at < vec2i(0)) || any(at >= raw.data_size) {
        return vec4u(0u);
    }
    return vec4u(
        bits_at(plane_red, at),
        bits_at(plane_green, at),
        bits_at(plane_blue, at),
        bits_at(plane_alpha, at),
    );
}
