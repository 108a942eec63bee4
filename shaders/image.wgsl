// Planes to displayed colour: where a pixel of the target lies in the picture, its samples, the
// colour chain. Composed with common/fullscreen.wgsl, common/color.wgsl and one of common/fetch_*.wgsl.

struct Image {
    // Target pixel of the display window's corner, and picture pixels per target pixel.
    origin: vec2f,
    scale: vec2f,
    // From the display window's corner to the data window's, in picture pixels.
    data_offset: vec2f,
    data_size: vec2f,
    display_size: vec2f,
    // Bit 0: bilinear, bit 1: grey (one plane for all colours), bit 2: alpha is there.
    flags: u32,
    background: f32,
    kinds: vec4u,
    color: Color,
}

@group(0) @binding(0) var<uniform> image: Image;

fn inside(at: vec2f, size: vec2f) -> bool {
    return all(at >= vec2f(0.0)) && all(at < size);
}

fn assembled(at: vec2f) -> vec4f {
    let bilinear = (image.flags & 1u) != 0u;
    let red = fetch_plane(plane_red, at, image.kinds.x, bilinear);
    var rgba = vec4f(red, red, red, 1.0);
    if (image.flags & 2u) == 0u {
        rgba.g = fetch_plane(plane_green, at, image.kinds.y, bilinear);
        rgba.b = fetch_plane(plane_blue, at, image.kinds.z, bilinear);
    }
    if (image.flags & 4u) != 0u {
        rgba.a = fetch_plane(plane_alpha, at, image.kinds.w, bilinear);
    }
    return rgba;
}

@fragment
fn fragment(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at_display = (position.xy - image.origin) * image.scale;
    if !inside(at_display, image.display_size) {
        return vec4f(vec3f(image.background), 1.0);
    }
    let at_data = at_display - image.data_offset;
    var rgba = vec4f(0.0);
    if inside(at_data, image.data_size) {
        rgba = assembled(at_data);
    }
    return vec4f(common_display_rgb(rgba, image.color), 1.0);
}
