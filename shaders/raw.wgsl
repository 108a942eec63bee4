// Planes to the bits of their samples, one to one: what raw output reads back. Composed with one of
// common/texels_bits_*.wgsl.

struct Raw {
    // From the display window's corner to the data window's.
    data_offset: vec2i,
    data_size: vec2i,
    // Which pixel of the stored picture is shown at a pixel of the data window: two rows, and what is added.
    turn: vec4i,
    turn_origin: vec2i,
    stored_size: vec2i,
    // Of each plane: samples across and down, tiles across.
    planes: array<vec4u, 4>,
}

@group(0) @binding(0) var<uniform> raw: Raw;
@group(1) @binding(0) var plane_red: Texels;
@group(1) @binding(1) var plane_green: Texels;
@group(1) @binding(2) var plane_blue: Texels;
@group(1) @binding(3) var plane_alpha: Texels;

// The sample that stands for a pixel, in planes that may have fewer samples than the picture has pixels.
fn bits_at(plane: Texels, at: vec2i, spec: vec4u) -> u32 {
    let sample = vec2u(at * vec2i(spec.xy) / raw.stored_size);
    if !IS_TILED {
        return texel_at(plane, vec3i(vec2i(sample), 0));
    }
    let tile = textureDimensions(plane);
    let number = sample / tile;
    return texel_at(plane, vec3i(vec2i(sample - number * tile), i32(number.y * spec.z + number.x)));
}

@fragment
fn fragment(@builtin(position) position: vec4f) -> @location(0) vec4u {
    let at_data = vec2i(floor(position.xy)) - raw.data_offset;
    if any(at_data < vec2i(0)) || any(at_data >= raw.data_size) {
        return vec4u(0u);
    }
    let at = raw.turn.xz * at_data.x + raw.turn.yw * at_data.y + raw.turn_origin;
    return vec4u(
        bits_at(plane_red, at, raw.planes[0]),
        bits_at(plane_green, at, raw.planes[1]),
        bits_at(plane_blue, at, raw.planes[2]),
        bits_at(plane_alpha, at, raw.planes[3]),
    );
}
