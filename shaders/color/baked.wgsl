// A baked look-up table behind a logarithmic shaper, interpolated in tetrahedra. Twin of `Lut` in src/color/bake.rs.
// Composed after the declaration of `display_lut`.

const DISPLAY_LUT_OFFSET = 0.0009765625;
const DISPLAY_LUT_FIRST_STOP = -10.0;
const DISPLAY_LUT_STOPS = 18.0;

// Where a colour lies in the table, in cells.
fn display_lut_place(color: vec3f) -> vec3f {
    let stops = log2(max(color, vec3f(0.0)) + DISPLAY_LUT_OFFSET) - DISPLAY_LUT_FIRST_STOP;
    let cells = f32(textureDimensions(display_lut).x - 1u);
    return clamp(stops / DISPLAY_LUT_STOPS, vec3f(0.0), vec3f(1.0)) * cells;
}

fn display_lut_at(cell: vec3i) -> vec3f {
    return textureLoad(display_lut, cell, 0).rgb;
}

// Of the six tetrahedra that share a cell's diagonal, the one that the order of the fractions tells.
fn display_main(pixel: vec4f) -> vec4f {
    let place = display_lut_place(pixel.rgb);
    let cell = min(vec3i(place), vec3i(textureDimensions(display_lut)) - 2);
    let part = place - vec3f(cell);
    let most = max(part.r, max(part.g, part.b));
    let least = min(part.r, min(part.g, part.b));
    let middle = part.r + part.g + part.b - most - least;
    let to_most = select(select(vec3i(0, 0, 1), vec3i(0, 1, 0), part.g >= part.b), vec3i(1, 0, 0),
        part.r >= part.g && part.r >= part.b);
    let to_least = select(select(vec3i(1, 0, 0), vec3i(0, 1, 0), part.g <= part.r), vec3i(0, 0, 1),
        part.b <= part.r && part.b <= part.g);
    let color = display_lut_at(cell) * (1.0 - most)
        + display_lut_at(cell + to_most) * (most - middle)
        + display_lut_at(cell + vec3i(1) - to_least) * (middle - least)
        + display_lut_at(cell + vec3i(1)) * least;
    return vec4f(color, pixel.a);
}
