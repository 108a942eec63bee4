// A finished picture, as light, and the controls over it, onto a surface that shows more than white. Twin of
// src/color/light.rs.

struct Output {
    // Where the picture's corner lies on the surface, and its size; nothing where it has none.
    origin: vec2i,
    size: vec2i,
    // What 1 is in scRGB, and the nits of the white of the controls.
    scale: f32,
    white_nits: f32,
    padding: vec2u,
}

// How the surface takes light: 0 scRGB, 1 PQ.
override output: u32 = 0u;

const OUTPUT_PQ = 1u;

@group(0) @binding(0) var<uniform> target_of: Output;
@group(1) @binding(0) var picture: texture_2d<f32>;
@group(1) @binding(1) var controls: texture_2d<f32>;

fn decoded(value: vec3f) -> vec3f {
    let low = value / 12.92;
    let high = pow((value + 0.055) / 1.055, vec3f(2.4));
    return select(high, low, value <= vec3f(0.04045));
}

// SMPTE ST 2084, equation 5.2.
fn pq_encoded(nits: vec3f) -> vec3f {
    let power = pow(clamp(nits / 10000.0, vec3f(0.0), vec3f(1.0)), vec3f(0.1593017578125));
    return pow((0.8359375 + 18.8515625 * power) / (1.0 + 18.6875 * power), vec3f(78.84375));
}

// ITU-R BT.2087-0.
fn rec2020(light: vec3f) -> vec3f {
    return vec3f(
        dot(light, vec3f(0.627404, 0.329283, 0.043313)),
        dot(light, vec3f(0.069097, 0.91954, 0.011362)),
        dot(light, vec3f(0.016391, 0.088013, 0.895595)),
    );
}

@fragment
fn fragment(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let pixel = vec2i(floor(position.xy));
    let at = pixel - target_of.origin;
    let over = textureLoad(controls, pixel, 0);
    var light = vec3f(0.0);
    if all(at >= vec2i(0)) && all(at < target_of.size) {
        light = textureLoad(picture, at, 0).rgb;
    }
    var sum = light * (1.0 - over.a);
    if over.a > 0.0 {
        sum += decoded(over.rgb / over.a) * over.a;
    }
    if output == OUTPUT_PQ {
        return vec4f(pq_encoded(rec2020(sum) * target_of.white_nits), 1.0);
    }
    return vec4f(sum * target_of.scale, 1.0);
}
