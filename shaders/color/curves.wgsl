// Transfer functions of displays, mirrored below black. Twins in src/color/analytic.rs.

// IEC 61966-2-1.
fn color_srgb_encode(linear: vec3f) -> vec3f {
    let size = abs(linear);
    let high = 1.055 * pow(size, vec3f(1.0 / 2.4)) - 0.055;
    return sign(linear) * select(high, size * 12.92, size <= vec3f(0.0031308));
}

fn color_srgb_decode(encoded: vec3f) -> vec3f {
    let size = abs(encoded);
    let high = pow((size + 0.055) / 1.055, vec3f(2.4));
    return sign(encoded) * select(high, size / 12.92, size <= vec3f(0.04045));
}

// ITU-R BT.1886, for a black of 0.
fn color_rec1886_encode(linear: vec3f) -> vec3f {
    return sign(linear) * pow(abs(linear), vec3f(1.0 / 2.4));
}

fn color_rec1886_decode(encoded: vec3f) -> vec3f {
    return sign(encoded) * pow(abs(encoded), vec3f(2.4));
}
