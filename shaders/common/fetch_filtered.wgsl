// Planes as filterable floats: half and 8-bit samples; the texture unit interpolates.

@group(1) @binding(0) var plane_red: texture_2d<f32>;
@group(1) @binding(1) var plane_green: texture_2d<f32>;
@group(1) @binding(2) var plane_blue: texture_2d<f32>;
@group(1) @binding(3) var plane_alpha: texture_2d<f32>;
@group(1) @binding(4) var plane_sampler: sampler;

fn fetch_plane(plane: texture_2d<f32>, at_data: vec2f, kind: u32, bilinear: bool) -> f32 {
    let samples = textureDimensions(plane);
    let size = vec2f(samples);
    let at = in_plane(at_data, samples);
    if bilinear {
        return textureSampleLevel(plane, plane_sampler, at / size, 0.0).r;
    }
    return textureLoad(plane, vec2i(clamp(floor(at), vec2f(0.0), size - 1.0)), 0).r;
}
