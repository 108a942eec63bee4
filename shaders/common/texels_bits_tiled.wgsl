// A plane is cut into tiles of the bits of its samples, the layers of one texture.

alias Texels = texture_2d_array<u32>;

const IS_TILED = true;

fn texel_at(plane: Texels, at: vec3i) -> u32 {
    return textureLoad(plane, at.xy, at.z, 0).r;
}
