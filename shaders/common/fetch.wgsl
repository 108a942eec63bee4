// Samples of planes at places of the stored picture. Composed with common/fetch_filtered.wgsl or common/fetch_bits.wgsl,
// which say what a sample is, and with one of common/texels_*.wgsl, which say where texels lie.

// A plane in its texture: samples across and down, tiles across, and the kind of its samples.
struct Plane {
    size: vec2u,
    columns: u32,
    kind: u32,
}

const SAMPLING_NEAREST = 0u;
const SAMPLING_BILINEAR = 1u;
const SAMPLING_TENT = 2u;

// What a pipeline is made for: software adapters run both sides of a branch that is not decided before.
override sampling: u32 = SAMPLING_NEAREST;

// Beyond this many samples a target pixel covers, the tent takes every n-th.
const TENT_REACH = 8.0;

// Where a sample lies: its texel and its layer.
fn texel_of(at: vec2i, tile: vec2u, spec: Plane) -> vec3i {
    let inside = clamp(at, vec2i(0), vec2i(spec.size) - 1);
    if !IS_TILED {
        return vec3i(inside, 0);
    }
    let number = vec2u(inside) / tile;
    return vec3i(inside - vec2i(number * tile), i32(number.y * spec.columns + number.x));
}

// Bilinear by four texels.
fn fetch_mixed(plane: Texels, at: vec2f, spec: Plane) -> f32 {
    let corner = floor(at - 0.5);
    let weight = at - 0.5 - corner;
    let base = vec2i(corner);
    let top = mix(fetch_texel(plane, base, spec), fetch_texel(plane, base + vec2i(1, 0), spec), weight.x);
    let bottom =
        mix(fetch_texel(plane, base + vec2i(0, 1), spec), fetch_texel(plane, base + vec2i(1, 1), spec), weight.x);
    return mix(top, bottom, weight.y);
}

// The mean of all samples around a place, weighted by a tent as wide as two target pixels: no sample is passed
// over when the picture is made smaller, and nothing rings. Across an axis that is not made smaller it is bilinear.
fn fetch_tent(plane: Texels, at: vec2f, spec: Plane, texel: vec2f, scale: vec2f) -> f32 {
    let radius = max(scale, vec2f(1.0));
    let stride = ceil(radius / TENT_REACH);
    let first = floor((at - radius) / stride);
    let last = ceil((at + radius) / stride);
    var sum = 0.0;
    var weights = 0.0;
    for (var y = first.y; y < last.y; y += 1.0) {
        let place_y = (y + 0.5) * stride.y;
        let weight_y = 1.0 - abs(place_y - at.y) / radius.y;
        if weight_y <= 0.0 {
            continue;
        }
        for (var x = first.x; x < last.x; x += 1.0) {
            let place_x = (x + 0.5) * stride.x;
            let weight = weight_y * (1.0 - abs(place_x - at.x) / radius.x);
            if weight <= 0.0 {
                continue;
            }
            let place = vec2f(place_x, place_y);
            if all(stride == vec2f(1.0)) {
                sum += weight * fetch_texel(plane, vec2i(floor(place)), spec);
            } else {
                sum += weight * fetch_bilinear(plane, place, spec, texel);
            }
            weights += weight;
        }
    }
    return sum / weights;
}

// A plane at a place of the stored picture. Planes may have fewer samples than it has pixels: resolution
// levels, chroma.
fn fetch_plane(plane: Texels, at_stored: vec2f, spec: Plane, step: vec4f) -> f32 {
    let at = at_stored * step.xy;
    if sampling == SAMPLING_BILINEAR {
        return fetch_bilinear(plane, at, spec, step.zw);
    }
    if sampling == SAMPLING_TENT {
        return fetch_tent(plane, at, spec, step.zw, image.stored_scale * step.xy);
    }
    return fetch_texel(plane, vec2i(floor(at)), spec);
}

// A plane of chroma with fewer samples than the picture has pixels: always filtered, because its samples stand for
// several pixels each.
fn fetch_chroma(plane: Texels, at_stored: vec2f, spec: Plane, step: vec4f) -> f32 {
    let at = at_stored * step.xy + image.chroma_shift;
    if sampling == SAMPLING_TENT {
        return fetch_tent(plane, at, spec, step.zw, image.stored_scale * step.xy);
    }
    return fetch_bilinear(plane, at, spec, step.zw);
}
