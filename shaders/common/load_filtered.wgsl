// Single samples of planes that are kept as filterable floats.

alias Texels = texture_2d_array<f32>;

// A texel as the bits of a float.
fn load_bits(plane: Texels, at: vec2u, layer: u32, kind: u32) -> u32 {
    return bitcast<u32>(textureLoad(plane, at, layer, 0).r);
}
