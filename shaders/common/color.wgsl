// The colour chain on one pixel: working space, grade, backdrop, display, channel view, marks. Twin of
// src/color/view.rs. Composed with a colour program: color_to_working and color_to_display.

struct Color {
    // Weights of red, green and blue in the luminance of the working space.
    luminance: vec4f,
    gain: f32,
    offset: f32,
    saturation: f32,
    inverse_gamma: f32,
    alpha: u32,
    backdrop: u32,
    false_color: u32,
    marks: u32,
    // Of the controls, where the target takes light.
    white_nits: f32,
    padding: u32,
    more_padding: vec2u,
}

// What a pipeline is made for: software adapters run both sides of a branch that is not decided before.
override encoding: u32 = 0u;
override channel: u32 = 0u;
// What the target takes: display values, or light, by what the display values mean.
override light: u32 = 0u;
// Saturation or gamma.
override is_graded: bool = true;
// Alpha, false colour or marks.
override is_special: bool = true;

const ENCODING_SRGB = 1u;
const ENCODING_PROGRAM = 2u;

const LIGHT_DISPLAY = 0u;
const LIGHT_SRGB = 1u;
const LIGHT_LINEAR = 2u;
const LIGHT_PQ_REC2020 = 3u;

const CHANNEL_RED = 1u;
const CHANNEL_GREEN = 2u;
const CHANNEL_BLUE = 3u;
const CHANNEL_ALPHA = 4u;
const CHANNEL_LUMINANCE = 5u;
const CHANNEL_MATTE = 6u;

const ALPHA_PREMULTIPLIED = 1u;
const ALPHA_STRAIGHT = 2u;

// Marks of what is no number, as shown.
const MARK_NAN = vec3f(1.0, 0.0, 1.0);
const MARK_ABOVE = vec3f(1.0, 1.0, 0.0);
const MARK_BELOW = vec3f(0.0, 1.0, 1.0);

// The checker in target pixels; scene-linear, as all backdrops.
const CHECKER_SIDE = 16u;
const BACKDROP_GREY = 0.18;
const BACKDROP_DARK = 0.09;
const BACKDROP_LIGHT = 0.27;

const MATTE_SHARE = 0.5;

// False colour: one a stop, from 7 stops below the grey of 0.18 to 7 above it.
const STOPS = array<vec3f, 15>(
    vec3f(0.05, 0.05, 0.05),
    vec3f(0.20, 0.05, 0.30),
    vec3f(0.30, 0.10, 0.60),
    vec3f(0.15, 0.20, 0.85),
    vec3f(0.10, 0.45, 0.90),
    vec3f(0.10, 0.70, 0.80),
    vec3f(0.15, 0.65, 0.45),
    vec3f(0.45, 0.45, 0.45),
    vec3f(0.45, 0.75, 0.20),
    vec3f(0.75, 0.85, 0.15),
    vec3f(0.95, 0.85, 0.10),
    vec3f(1.00, 0.65, 0.10),
    vec3f(1.00, 0.40, 0.10),
    vec3f(0.95, 0.15, 0.10),
    vec3f(1.00, 1.00, 1.00),
);

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

// Its inverse, which goes on above 1 and the same below 0.
fn common_srgb_decode(value: vec3f) -> vec3f {
    let size = abs(value);
    let low = size / 12.92;
    let high = pow((size + 0.055) / 1.055, vec3f(2.4));
    return sign(value) * select(high, low, size <= vec3f(0.04045));
}

// Nits of PQ values (SMPTE ST 2084, equation 4.1).
fn common_pq_decode(value: vec3f) -> vec3f {
    let root = pow(clamp(value, vec3f(0.0), vec3f(1.0)), vec3f(1.0 / 78.84375));
    let ratio = max(root - 0.8359375, vec3f(0.0)) / (18.8515625 - 18.6875 * root);
    return 10000.0 * pow(ratio, vec3f(1.0 / 0.1593017578125));
}

// Display values as light in the primaries of Rec. 709; 1 is the white of the controls.
fn common_light(display: vec3f, white_nits: f32) -> vec3f {
    if light == LIGHT_DISPLAY || light == LIGHT_LINEAR {
        return display;
    }
    if light == LIGHT_SRGB {
        return common_srgb_decode(display);
    }
    let wide = common_pq_decode(display) / white_nits;
    if light == LIGHT_PQ_REC2020 {
        return vec3f(
            dot(wide, vec3f(1.660491, -0.587641, -0.07285)),
            dot(wide, vec3f(-0.12455, 1.1329, -0.008349)),
            dot(wide, vec3f(-0.018151, -0.100579, 1.11873)),
        );
    }
    return vec3f(
        dot(wide, vec3f(1.22494, -0.22494, 0.0)),
        dot(wide, vec3f(-0.042057, 1.042057, 0.0)),
        dot(wide, vec3f(-0.019638, -0.078636, 1.098274)),
    );
}

// Marks, backgrounds and hatches: always made for a target of 8 bit.
fn common_plain_light(display: vec3f) -> vec3f {
    if light == LIGHT_DISPLAY {
        return display;
    }
    return common_srgb_decode(display);
}

// By their bits: compilers may take for granted that comparisons meet numbers only.
fn common_mark(rgb: vec3f) -> vec4f {
    let bits = bitcast<vec3u>(rgb);
    let sizes = bits & vec3u(0x7fffffffu);
    if any(sizes > vec3u(0x7f800000u)) {
        return vec4f(MARK_NAN, 1.0);
    }
    if any(bits == vec3u(0x7f800000u)) {
        return vec4f(MARK_ABOVE, 1.0);
    }
    if any(bits == vec3u(0xff800000u)) {
        return vec4f(MARK_BELOW, 1.0);
    }
    return vec4f(0.0);
}

fn common_graded(scene: vec3f, color: Color) -> vec3f {
    let exposed = scene * color.gain + color.offset;
    if !is_graded {
        return exposed;
    }
    var saturated = exposed;
    if color.saturation != 1.0 {
        saturated = mix(vec3f(dot(exposed, color.luminance.rgb)), exposed, color.saturation);
    }
    return common_power(saturated, color.inverse_gamma);
}

fn common_backdrop(kind: u32, pixel: vec2u) -> f32 {
    let square = pixel / CHECKER_SIDE;
    switch kind {
        case 1u: { return BACKDROP_GREY; }
        case 2u: { return select(BACKDROP_DARK, BACKDROP_LIGHT, (square.x + square.y) % 2u == 1u); }
        default: { return 0.0; }
    }
}

fn common_over(graded: vec3f, alpha: f32, color: Color, pixel: vec2u) -> vec3f {
    let behind = vec3f(common_backdrop(color.backdrop, pixel) * (1.0 - alpha));
    switch color.alpha {
        case ALPHA_PREMULTIPLIED: { return graded + behind; }
        case ALPHA_STRAIGHT: { return graded * alpha + behind; }
        default: { return graded; }
    }
}

fn common_false_color(luminance: f32) -> vec3f {
    if !(luminance > 0.0) {
        return STOPS[0];
    }
    let stops = STOPS;
    return stops[u32(clamp(floor(log2(luminance / 0.18) + 7.5), 0.0, 14.0))];
}

fn common_encoded(value: vec3f) -> vec3f {
    if encoding == ENCODING_SRGB {
        return common_srgb_encode(common_unit_clamp(value));
    }
    if encoding == ENCODING_PROGRAM {
        return color_to_display(vec4f(value, 1.0)).rgb;
    }
    return value;
}

fn common_display_rgb(rgba: vec4f, color: Color, pixel: vec2u) -> vec3f {
    if is_special && color.marks != 0u {
        let mark = common_mark(rgba.rgb);
        if mark.a != 0.0 {
            return common_plain_light(mark.rgb);
        }
    }
    if channel == CHANNEL_ALPHA {
        return common_plain_light(rgba.aaa);
    }
    var scene = rgba.rgb;
    if encoding == ENCODING_PROGRAM {
        scene = color_to_working(vec4f(rgba.rgb, 1.0)).rgb;
    }
    let graded = common_graded(scene, color);
    if is_special && color.false_color != 0u {
        return common_plain_light(common_false_color(dot(graded, color.luminance.rgb)));
    }
    var over = graded;
    if is_special {
        over = common_over(graded, rgba.a, color, pixel);
    }
    if channel == CHANNEL_LUMINANCE {
        over = vec3f(dot(over, color.luminance.rgb));
    }
    return common_light(common_viewed(common_encoded(over), rgba.a), color.white_nits);
}

fn common_viewed(shown: vec3f, alpha: f32) -> vec3f {
    switch channel {
        case CHANNEL_RED: { return shown.rrr; }
        case CHANNEL_GREEN: { return shown.ggg; }
        case CHANNEL_BLUE: { return shown.bbb; }
        case CHANNEL_MATTE: { return mix(shown, vec3f(1.0, 0.0, 0.0), MATTE_SHARE * clamp(alpha, 0.0, 1.0)); }
        default: { return shown; }
    }
}
