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
