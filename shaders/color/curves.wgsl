// How numbers of files stand for light, and how displays want it. Twins in src/color/curves.rs and src/color/light.rs.

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

// SMPTE ST 2084, equation 4.1; 203 nits become 1.
fn color_pq_decode(encoded: vec3f) -> vec3f {
    let root = pow(clamp(encoded, vec3f(0.0), vec3f(1.0)), vec3f(4096.0 / (2523.0 * 128.0)));
    let ratio = max(root - 3424.0 / 4096.0, vec3f(0.0)) / (2413.0 / 128.0 - 2392.0 / 128.0 * root);
    return pow(ratio, vec3f(16384.0 / 2610.0)) * (10000.0 / 203.0);
}

// ITU-R BT.2100-2, table 5: back to the scene, then as a display of 1000 nits shows it; 203 nits become 1.
fn color_hlg_decode(encoded: vec3f) -> vec3f {
    let size = abs(encoded);
    let high = (exp((size - 0.5599107) / 0.17883277) + 0.28466892) / 12.0;
    let scene = sign(encoded) * select(high, size * size / 3.0, size <= vec3f(0.5));
    let luminance = dot(scene, vec3f(0.2627, 0.6780, 0.0593));
    return scene * (pow(max(luminance, 1e-6), 0.2) * (1000.0 / 203.0));
}

// `log`: slope and offset of the logarithm, slope and offset of what it is taken of.
fn color_log_decode(encoded: vec3f, log: vec4f) -> vec3f {
    return (pow(vec3f(10.0), (encoded - log.y) / log.x) - log.w) / log.z;
}
