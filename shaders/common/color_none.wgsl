// The colour program where there is none: values pass.

fn color_to_working(pixel: vec4f) -> vec4f {
    return pixel;
}

fn color_to_display(pixel: vec4f) -> vec4f {
    return pixel;
}
