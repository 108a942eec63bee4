// Stands before every colour program. Twin of `make_finite` in src/color/program.rs.

// NaN becomes 0, infinities a limit whose cube is still finite: arithmetic behind may subtract and multiply freely.
// NaN is told by its bits, because compilers may take comparisons for those of numbers.
fn color_finite(value: vec3f) -> vec3f {
    let is_nan = (bitcast<vec3u>(value) & vec3u(0x7fffffffu)) > vec3u(0x7f800000u);
    return select(clamp(value, vec3f(-1e12), vec3f(1e12)), vec3f(0.0), is_nan);
}
