// A plane is cut into tiles of filterable floats, the layers of one texture.

alias Texels = texture_2d_array<f32>;

const IS_TILED = true;

fn texel_at(plane: Texels, at: vec3i) -> f32 {
    return textureLoad(plane, at.xy, at.z, 0).r;
}

// Never called: the texture unit knows nothing of tiles.
fn sampled_at(plane: Texels, at: vec2f) -> f32 {
    return textureSampleLevel(plane, plane_sampler, at, 0, 0.0).r;
}
