// A finished picture onto the surface, pixel for pixel.

struct Blit {
    // Where the picture's corner lies on the surface.
    origin: vec2i,
    // 1 where the surface encodes sRGB itself, so that the picture must be decoded first.
    decodes_srgb: u32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> blit: Blit;
@group(1) @binding(0) var picture: texture_2d<f32>;

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    let corner = vec2f(f32((index << 1u) & 2u), f32(index & 2u));
    return vec4f(corner * 2.0 - 1.0, 0.0, 1.0);
}

@fragment
fn fragment(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at = vec2i(floor(position.xy)) - blit.origin;
    let color = textureLoad(picture, at, 0);
    if blit.decodes_srgb == 0u {
        return color;
    }
    let low = color.rgb / 12.92;
    let high = pow((color.rgb + 0.055) / 1.055, vec3f(2.4));
    return vec4f(select(high, low, color.rgb <= vec3f(0.04045)), color.a);
}
