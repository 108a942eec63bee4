// A plane is one texture of the bits of its samples.

alias Texels = texture_2d<u32>;

const IS_TILED = false;

fn texel_at(plane: Texels, at: vec3i) -> u32 {
    return textureLoad(plane, at.xy, 0).r;
}
