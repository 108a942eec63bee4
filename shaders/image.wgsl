// Planes to displayed colour: where a pixel of the target lies in the picture, its samples, the
// colour chain. Composed with common/fullscreen.wgsl, common/color.wgsl with a colour program, common/fetch.wgsl
// and one of common/fetch_*.wgsl.

struct Image {
    // Target pixel of the display window's corner, and picture pixels per target pixel.
    origin: vec2f,
    scale: vec2f,
    // From the display window's corner to the data window's, in picture pixels.
    data_offset: vec2f,
    data_size: vec2f,
    display_size: vec2f,
    background: f32,
    // How many of the rectangles below have no data.
    missing_count: u32,
    // Which place of the stored picture is shown at a place of the data window: two rows, and what is added.
    turn: vec4f,
    turn_origin: vec2f,
    // Pixels of the stored picture per target pixel.
    stored_scale: vec2f,
    planes: array<Plane, 4>,
    // Of each plane: samples per picture pixel, and the part of the texture that a sample takes. Divided once for
    // a draw and not for each pixel.
    steps: array<vec4f, 4>,
    // Red, green and blue of the samples of three planes of video, what is added last.
    video: array<vec4f, 3>,
    // Added to a place in a plane of chroma, in samples.
    chroma_shift: vec2f,
    alpha_scale: f32,
    padding: u32,
    color: Color,
    // Rectangles of the stored picture: left, top, right, bottom.
    missing: array<vec4f, 16>,
}

// Stripes where the file has no data, in target pixels; as shown, so that no exposure hides them.
const HATCH_PERIOD = 16u;
const HATCH_LIGHT = vec3f(0.42, 0.12, 0.15);
const HATCH_DARK = vec3f(0.14, 0.05, 0.06);

@group(0) @binding(0) var<uniform> image: Image;

fn inside(at: vec2f, size: vec2f) -> bool {
    return all(at >= vec2f(0.0)) && all(at < size);
}

override has_missing: bool = true;
// All planes have as many samples.
override is_even: bool = false;
// Samples are codes of video, luma and chroma among them or not.
override is_video: bool = false;
// One plane stands for all three colours.
override is_grey: bool = false;
// The picture is not shown as it is stored.
override is_turned: bool = true;
// There is a plane of alpha, and what is drawn depends on it.
override uses_alpha: bool = true;

fn stored_place(at_data: vec2f) -> vec2f {
    if !is_turned {
        return at_data;
    }
    return vec2f(dot(image.turn.xy, at_data), dot(image.turn.zw, at_data)) + image.turn_origin;
}

fn is_missing(at: vec2f) -> bool {
    for (var number = 0u; number < image.missing_count; number++) {
        let area = image.missing[number];
        if all(at >= area.xy) && all(at < area.zw) {
            return true;
        }
    }
    return false;
}

fn hatched(pixel: vec2f) -> vec3f {
    let across = (u32(pixel.x) + u32(pixel.y)) % HATCH_PERIOD;
    return select(HATCH_DARK, HATCH_LIGHT, across < HATCH_PERIOD / 2u);
}

fn step_of(plane: i32) -> vec4f {
    if is_even {
        return image.steps[0];
    }
    return image.steps[plane];
}

fn fetch_difference(plane: Texels, at: vec2f, spec: Plane, number: i32) -> f32 {
    if is_video && !is_even {
        return fetch_chroma(plane, at, spec, step_of(number));
    }
    return fetch_plane(plane, at, spec, step_of(number));
}

fn assembled(at: vec2f) -> vec4f {
    let red = fetch_plane(plane_red, at, image.planes[0], step_of(0));
    var rgba = vec4f(red, red, red, 1.0);
    if !is_grey {
        rgba.g = fetch_difference(plane_green, at, image.planes[1], 1);
        rgba.b = fetch_difference(plane_blue, at, image.planes[2], 2);
    }
    if uses_alpha {
        rgba.a = fetch_plane(plane_alpha, at, image.planes[3], step_of(3));
    }
    if is_video {
        let samples = vec4f(rgba.rgb, 1.0);
        let rows = image.video;
        rgba = vec4f(dot(rows[0], samples), dot(rows[1], samples), dot(rows[2], samples), rgba.a);
        if uses_alpha {
            rgba.a *= image.alpha_scale;
        }
    }
    return rgba;
}

@fragment
fn fragment(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at_display = (position.xy - image.origin) * image.scale;
    if !inside(at_display, image.display_size) {
        return vec4f(common_plain_light(vec3f(image.background)), 1.0);
    }
    let at_data = at_display - image.data_offset;
    var rgba = vec4f(0.0);
    if inside(at_data, image.data_size) {
        let at_stored = stored_place(at_data);
        if has_missing && is_missing(at_stored) {
            return vec4f(common_plain_light(hatched(position.xy)), 1.0);
        }
        rgba = assembled(at_stored);
    }
    return vec4f(common_display_rgb(rgba, image.color, vec2u(position.xy)), 1.0);
}
