// Single samples of planes that are kept as bits.

alias Texels = texture_2d_array<u32>;

// Half to float by its fields (IEEE 754 binary16), as bits.
fn float_bits_of_half(bits: u32) -> u32 {
    let sign = (bits & 0x8000u) << 16u;
    let size = bits & 0x7fffu;
    if size < 0x400u {
        // Zero and subnormals: the mantissa counts units of 2^-24.
        return sign | bitcast<u32>(f32(size) * 5.9604644775390625e-8);
    }
    // From a bias of 15 to one of 127; infinities and NaN keep the highest exponent.
    return sign | ((size << 13u) + select(112u << 23u, 224u << 23u, size >= 0x7c00u));
}

// A texel as the bits of a float. The kinds are those of `sample_kind` in src/gpu/plane.rs.
fn load_bits(plane: Texels, at: vec2u, layer: u32, kind: u32) -> u32 {
    let bits = textureLoad(plane, at, layer, 0).r;
    switch kind {
        case 0u: { return float_bits_of_half(bits); }
        case 1u: { return bits; }
        case 2u: { return bitcast<u32>(f32(bits) / 255.0); }
        case 3u: { return bitcast<u32>(f32(bits) / 65535.0); }
        default: { return bitcast<u32>(f32(bits)); }
    }
}
