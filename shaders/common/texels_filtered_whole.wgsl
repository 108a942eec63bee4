// A plane is one texture of filterable floats.

alias Texels = texture_2d<f32>;

const IS_TILED = false;

fn texel_at(plane: Texels, at: vec3i) -> f32 {
    return textureLoad(plane, at.xy, 0).r;
}

fn sampled_at(plane: Texels, at: vec2f) -> f32 {
    return textureSampleLevel(plane, plane_sampler, at, 0.0).r;
}
