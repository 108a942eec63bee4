// Planes as the bits of their samples: any sample type, exact; interpolation by hand.

@group(1) @binding(0) var plane_red: Texels;
@group(1) @binding(1) var plane_green: Texels;
@group(1) @binding(2) var plane_blue: Texels;
@group(1) @binding(3) var plane_alpha: Texels;

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

fn fetch_texel(plane: Texels, at: vec2i, spec: Plane) -> f32 {
    let texel = texel_of(at, textureDimensions(plane), spec);
    return fetch_value(texel_at(plane, texel), spec.kind);
}

fn fetch_bilinear(plane: Texels, at: vec2f, spec: Plane, texel: vec2f) -> f32 {
    return fetch_mixed(plane, at, spec);
}
