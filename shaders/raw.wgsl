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

@fragment
fn fragment(@builtin(position) position: vec4f) -> @location(0) vec4u {
    let at = vec2i(floor(position.xy)) - raw.data_offset;
    if any(at < vec2i(0)) || any(at >= raw.data_size) {
        return vec4u(0u);
    }
    return vec4u(
        textureLoad(plane_red, at, 0).r,
        textureLoad(plane_green, at, 0).r,
        textureLoad(plane_blue, at, 0).r,
        textureLoad(plane_alpha, at, 0).r,
    );
}
