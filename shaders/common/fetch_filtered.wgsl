// Planes as filterable floats: half and 8-bit samples; the texture unit interpolates.

@group(1) @binding(0) var plane_red: Texels;
@group(1) @binding(1) var plane_green: Texels;
@group(1) @binding(2) var plane_blue: Texels;
@group(1) @binding(3) var plane_alpha: Texels;
@group(1) @binding(4) var plane_sampler: sampler;

fn fetch_texel(plane: Texels, at: vec2i, spec: Plane) -> f32 {
    let texel = texel_of(at, textureDimensions(plane), spec);
    return texel_at(plane, texel);
}

fn fetch_bilinear(plane: Texels, at: vec2f, spec: Plane, texel: vec2f) -> f32 {
    if IS_TILED {
        return fetch_mixed(plane, at, spec);
    }
    return sampled_at(plane, at * texel);
}
