// The colour chain on one pixel: exposure, gamma, channel view, encoding. Twin of src/color/view.rs.

struct Color {
    gain: f32,
    inverse_gamma: f32,
    channel: u32,
    encoding: u32,
}

const COMMON_LUMINANCE = vec3f(0.2126, 0.7152, 0.0722);

// A power that keeps the sign of what lies below black.
fn common_power(value: vec3f, exponent: f32) -> vec3f {
    if exponent == 1.0 {
        return value;
    }
    return sign(value) * pow(abs(value), vec3f(exponent));
}

// Into 0 to 1; NaN becomes 0.
fn common_unit_clamp(value: vec3f) -> vec3f {
    return select(vec3f(0.0), min(value, vec3f(1.0)), value > vec3f(0.0));
}

// The sRGB transfer function (IEC 61966-2-1).
fn common_srgb_encode(linear: vec3f) -> vec3f {
    let low = linear * 12.92;
    let high = 1.055 * pow(linear, vec3f(1.0 / 2.4)) - 0.055;
    return select(high, low, linear <= vec3f(0.0031308));
}

fn common_view(graded: vec3f, channel: u32) -> vec3f {
    switch channel {
        case 1u: { return graded.rrr; }
        case 2u: { return graded.ggg; }
        case 3u: { return graded.bbb; }
        case 5u: { return vec3f(dot(graded, COMMON_LUMINANCE)); }
        default: { return graded; }
    }
}

fn common_display_rgb(rgba: vec4f, color: Color) -> vec3f {
    if color.channel == 4u {
        return rgba.aaa;
    }
    let graded = common_power(rgba.rgb * color.gain, color.inverse_gamma);
    let viewed = common_view(graded, color.channel);
    if color.encoding == 0u {
        return viewed;
    }
    return common_srgb_encode(common_unit_clamp(viewed));
}
