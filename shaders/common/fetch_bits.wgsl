// Planes as the bits of their samples: any sample type, exact; interpolation by hand.

@group(1) @binding(0) var plane_red: texture_2d<u32>;
@group(1) @binding(1) var plane_green: texture_2d<u32>;
@group(1) @binding(2) var plane_blue: texture_2d<u32>;
@group(1) @binding(3) var plane_alpha: texture_2d<u32>;

// Half to float by its fields (IEEE 754 binary16), because not every adapter unpacks halves.
fn float_of_half(bits: u32) -> f32 {
    let sign = (bits & 0x8000u) << 16u;
    let exponent = (bits >> 10u) & 31u;
    let mantissa = bits & 0x3ffu;
    if exponent == 0u {
        // Zero and subnormals: the mantissa counts units of 2^-24.
        return select(1.0, -1.0, sign != 0u) * f32(mantissa) * 5.9604644775390625e-8;
    }
    let rebiased = select(exponent + 112u, 255u, exponent == 31u);
    return bitcast<f32>(sign | (rebiased << 23u) | (mantissa << 13u));
}

// The kinds are those of `sample_kind` in src/gpu/plane.rs.
fn fetch_value(bits: u32, kind: u32) -> f32 {
    switch kind {
        case 0u: { return float_of_half(bits); }
        case 1u: { return bitcast<f32>(bits); }
        case 2u: { return f32(bits) / 255.0; }
        case 3u: { return f32(bits) / 65535.0; }
        default: { return f32(bits); }
    }
}

fn fetch_texel(plane: texture_2d<u32>, at: vec2i, last: vec2i, kind: u32) -> f32 {
    return fetch_value(textureLoad(plane, clamp(at, vec2i(0), last), 0).r, kind);
}

fn fetch_plane(plane: texture_2d<u32>, at_data: vec2f, kind: u32, bilinear: bool) -> f32 {
    let samples = textureDimensions(plane);
    let last = vec2i(samples) - 1;
    let at = in_plane(at_data, samples);
    if !bilinear {
        return fetch_texel(plane, vec2i(floor(at)), last, kind);
    }
    let corner = floor(at - 0.5);
    let weight = at - 0.5 - corner;
    let base = vec2i(corner);
    let top = mix(
        fetch_texel(plane, base, last, kind),
        fetch_texel(plane, base + vec2i(1, 0), last, kind),
        weight.x,
    );
    let bottom = mix(
        fetch_texel(plane, base + vec2i(0, 1), last, kind),
        fetch_texel(plane, base + vec2i(1, 1), last, kind),
        weight.x,
    );
    return mix(top, bottom, weight.y);
}
