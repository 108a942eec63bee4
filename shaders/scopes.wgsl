// What is in a picture: statistics, waveform (its columns add up to the histogram), vectorscope. Twin:
// src/color/scopes/measure.rs. Composed with one of common/load_*.wgsl.
//
// One workgroup counts one column of the waveform, in workgroup memory, and writes it without atomics;
// only the vectorscope is shared. All counts are exact: values are compared by their bits and looked up
// in a table. There are no atomic floats, so sums are made in parts: every thread adds a few hundred
// values, four threads add what the others have, the CPU adds the columns in double precision.

// A plane in its texture: samples across and down, tiles across, and the kind of its samples.
struct Plane {
    size: vec2u,
    columns: u32,
    kind: u32,
}

struct Scopes {
    // Upper left pixel, in the data window, and samples across and down.
    first: vec2u,
    samples: vec2u,
    // Of the stored picture, in pixels.
    size: vec2u,
    step: u32,
    columns: u32,
    // Both ends of the scale, as the bits of floats.
    lowest: u32,
    highest: u32,
    // Which pixel of the stored picture is shown at a pixel of the data window: what is added, and two rows.
    turn_origin: vec2i,
    turn: vec4i,
    planes: array<Plane, 3>,
    // Video: weights of the codes of three planes in red, green and blue; what is taken off codes, and by how many bits
    // they are made shorter before; the largest code that a sample could hold.
    video_weights: array<vec4i, 3>,
    video_offsets: vec4i,
    video_full: f32,
}

// Fields of the tally of a column; each is there for every channel.
const NANS = 0u;
const POSITIVE_INFINITIES = 1u;
const NEGATIVE_INFINITIES = 2u;
const BELOW_ZERO = 3u;
const ABOVE_ONE = 4u;
const BELOW_SCALE = 5u;
const ABOVE_SCALE = 6u;
// Ordered bits of the largest value, and the smallest value's, inverted, so that 0 means none.
const LARGEST = 7u;
const SMALLEST_INVERTED = 8u;
const FIELDS = 9u;

const THREADS = 256u;
const LEVELS = 256u;
const CHANNELS = 4u;
const MAX_COLUMNS = 256u;
const VECTOR_CELLS = 128u;

struct Column {
    counts: array<array<u32, LEVELS>, CHANNELS>,
    tally: array<array<u32, CHANNELS>, FIELDS>,
    // Of the finite values, scaled.
    sum: vec4f,
}

struct Results {
    columns: array<Column, MAX_COLUMNS>,
    vectorscope: array<atomic<u32>, VECTOR_CELLS * VECTOR_CELLS>,
}

@group(0) @binding(0) var<uniform> scopes: Scopes;
@group(0) @binding(1) var<storage, read> table: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: Results;
@group(1) @binding(0) var plane_red: Texels;
@group(1) @binding(1) var plane_green: Texels;
@group(1) @binding(2) var plane_blue: Texels;

var<workgroup> counts: array<atomic<u32>, LEVELS * CHANNELS>;
var<workgroup> tally: array<atomic<u32>, FIELDS * CHANNELS>;
var<workgroup> sums: array<vec4f, THREADS>;

const INFINITY = 0x7f800000u;
const MAGNITUDE = 0x7fffffffu;
const SIGN = 0x80000000u;
const NAN = 0x7fc00000u;
const ONE = 0x3f800000u;

// Sums of the largest floats stay finite.
const SUM_SCALE = 5.9604644775390625e-8;

// Of the table, as in src/color/scopes/scale.rs.
const TABLE_SHIFT = 13u;
const TABLE_FIRST = 116736u;
const TABLE_LAST = 138239u;

// Of sums of weighted codes of video, and of the colours that come of them.
const VIDEO_SHIFT = 10u;
const VIDEO_HALF = 512;
const VIDEO_STEPS = 65536.0;

// Rec. 709 in units of 1/4096: products with colours of twelve bits are exact, fused or not.
const WEIGHTS = vec3f(0.212646484375, 0.715087890625, 0.072265625);
const COARSE = 0xfffff000u;
// 2^-64.
const FAINT = 0x1f800000u;

// Whether every plane is one texture with a sample a pixel, shown as it is stored. Decided before: software adapters run both
// sides of a branch.
override is_direct: bool = true;

// Samples are codes of video that stand for no values by themselves.
override is_video: bool = false;

// The sample of a plane that stands for a pixel of the stored picture.
fn sample_bits(plane: Texels, pixel: vec2u, spec: Plane) -> u32 {
    if is_direct {
        return load_bits(plane, pixel, 0u, spec.kind);
    }
    // Planes may have fewer samples than it has pixels: resolution levels, chroma.
    let pixels_per_sample = max((scopes.size + spec.size / 2u) / spec.size, vec2u(1u));
    let at = min(pixel / pixels_per_sample, spec.size - 1u);
    let tile = textureDimensions(plane);
    let number = at / tile;
    return load_bits(plane, at - number * tile, number.y * spec.columns + number.x, spec.kind);
}

fn stored_pixel(at_data: vec2u) -> vec2u {
    if is_direct {
        return at_data;
    }
    let at = vec2i(at_data);
    return vec2u(scopes.turn.xz * at.x + scopes.turn.yw * at.y + scopes.turn_origin);
}

// Colours of video, in whole numbers as the twin has them.
fn colors_of_video(bits: vec3u) -> vec3u {
    let samples = bitcast<vec3f>(bits) * scopes.video_full + 0.5;
    let codes = (vec3i(samples) >> vec3u(u32(scopes.video_offsets.w))) - scopes.video_offsets.xyz;
    let weights = scopes.video_weights;
    let sums = vec3i(
        dot(weights[0].xyz, codes),
        dot(weights[1].xyz, codes),
        dot(weights[2].xyz, codes),
    );
    return bitcast<vec3u>(vec3f((sums + VIDEO_HALF) >> vec3u(VIDEO_SHIFT)) / VIDEO_STEPS);
}

fn luminance_bits(rgb: vec3u) -> u32 {
    let size = rgb & vec3u(MAGNITUDE);
    if any(size >= vec3u(INFINITY)) {
        return NAN;
    }
    let coarse = bitcast<vec3f>(select(rgb & vec3u(COARSE), vec3u(0u), size < vec3u(FAINT)));
    return bitcast<u32>(coarse.r * WEIGHTS.r + coarse.g * WEIGHTS.g + coarse.b * WEIGHTS.b);
}

// Level of the scale (lower eight bits) and code of the display (upper eight) of a float's bits.
fn table_entry(bits: u32) -> u32 {
    let positive = select(bits, 0u, bits >= SIGN);
    let place = clamp(positive >> TABLE_SHIFT, TABLE_FIRST, TABLE_LAST) - TABLE_FIRST;
    return (table[place >> 1u] >> ((place & 1u) * 16u)) & 0xffffu;
}

// Cb and Cr of Rec. 709 in whole numbers: see the twin.
fn vector_cell(codes: vec3u) -> u32 {
    let luma = 2126u * codes.r + 7152u * codes.g + 722u * codes.b;
    let half = vec2u(9278u * 255u, 7874u * 255u);
    let cells = (10000u * codes.br + half - luma) * VECTOR_CELLS / (2u * half);
    let cell = min(cells, vec2u(VECTOR_CELLS - 1u));
    return cell.y * VECTOR_CELLS + cell.x;
}

// The first sample of a row that belongs to a column.
fn column_start(column: u32) -> u32 {
    return (column * scopes.samples.x + scopes.columns - 1u) / scopes.columns;
}

fn add_to_tally(field: u32, value: vec4u) {
    for (var channel = 0u; channel < CHANNELS; channel++) {
        if value[channel] != 0u {
            atomicAdd(&tally[field * CHANNELS + channel], value[channel]);
        }
    }
}

fn raise_tally(field: u32, value: vec4u) {
    for (var channel = 0u; channel < CHANNELS; channel++) {
        atomicMax(&tally[field * CHANNELS + channel], value[channel]);
    }
}

// What one thread has seen.
struct Seen {
    nans: vec4u,
    positive_infinities: vec4u,
    negative_infinities: vec4u,
    below_zero: vec4u,
    above_one: vec4u,
    below_scale: vec4u,
    above_scale: vec4u,
    largest: vec4u,
    smallest_inverted: vec4u,
    sum: vec4f,
}

fn saw(seen: ptr<function, Seen>, bits: vec4u) {
    let size = bits & vec4u(MAGNITUDE);
    let is_number = size <= vec4u(INFINITY);
    let is_finite = size < vec4u(INFINITY);
    let is_negative = (bits > vec4u(SIGN)) & is_number;
    let is_positive = (bits < vec4u(SIGN)) & is_number;
    (*seen).nans += vec4u(!is_number);
    (*seen).positive_infinities += vec4u(bits == vec4u(INFINITY));
    (*seen).negative_infinities += vec4u(bits == vec4u(INFINITY | SIGN));
    (*seen).below_zero += vec4u(is_negative);
    (*seen).above_one += vec4u(is_positive & (size > vec4u(ONE)));
    (*seen).below_scale += vec4u(is_negative | (is_number & (size < vec4u(scopes.lowest))));
    (*seen).above_scale += vec4u(is_positive & (size > vec4u(scopes.highest)));
    // The order of these is the order of the values.
    let ordered = select(bits | vec4u(SIGN), ~bits, bits >= vec4u(SIGN));
    (*seen).largest = max((*seen).largest, select(vec4u(0u), ordered, is_finite));
    (*seen).smallest_inverted = max((*seen).smallest_inverted, select(vec4u(0u), ~ordered, is_finite));
    (*seen).sum += bitcast<vec4f>(select(vec4u(0u), bits, is_finite)) * SUM_SCALE;
}

// Where a thread counts, and what is not counted yet: in flat areas samples of one level are counted
// together.
struct Runs {
    levels: vec4u,
    lengths: vec4u,
    cell: u32,
    cell_length: u32,
}

fn count_level(runs: ptr<function, Runs>, channel: u32, level: u32) {
    if level != (*runs).levels[channel] {
        atomicAdd(&counts[channel * LEVELS + (*runs).levels[channel]], (*runs).lengths[channel]);
        (*runs).levels[channel] = level;
        (*runs).lengths[channel] = 0u;
    }
    (*runs).lengths[channel] += 1u;
}

fn count_cell(runs: ptr<function, Runs>, cell: u32) {
    if cell != (*runs).cell {
        atomicAdd(&results.vectorscope[(*runs).cell], (*runs).cell_length);
        (*runs).cell = cell;
        (*runs).cell_length = 0u;
    }
    (*runs).cell_length += 1u;
}

fn count_sample(runs: ptr<function, Runs>, bits: vec4u) {
    var codes = vec3u(0u);
    for (var channel = 0u; channel < CHANNELS; channel++) {
        if (bits[channel] & MAGNITUDE) <= INFINITY {
            let entry = table_entry(bits[channel]);
            count_level(runs, channel, entry & 0xffu);
            if channel < 3u {
                codes[channel] = entry >> 8u;
            }
        }
    }
    count_cell(runs, vector_cell(codes));
}

fn count_rest(runs: Runs) {
    for (var channel = 0u; channel < CHANNELS; channel++) {
        atomicAdd(&counts[channel * LEVELS + runs.levels[channel]], runs.lengths[channel]);
    }
    atomicAdd(&results.vectorscope[runs.cell], runs.cell_length);
}

fn hand_in(seen: Seen, thread: u32) {
    add_to_tally(NANS, seen.nans);
    add_to_tally(POSITIVE_INFINITIES, seen.positive_infinities);
    add_to_tally(NEGATIVE_INFINITIES, seen.negative_infinities);
    add_to_tally(BELOW_ZERO, seen.below_zero);
    add_to_tally(ABOVE_ONE, seen.above_one);
    add_to_tally(BELOW_SCALE, seen.below_scale);
    add_to_tally(ABOVE_SCALE, seen.above_scale);
    raise_tally(LARGEST, seen.largest);
    raise_tally(SMALLEST_INVERTED, seen.smallest_inverted);
    sums[thread] = seen.sum;
}

fn write_column(column: u32, thread: u32) {
    for (var channel = 0u; channel < CHANNELS; channel++) {
        results.columns[column].counts[channel][thread] = atomicLoad(&counts[channel * LEVELS + thread]);
    }
    if thread < FIELDS * CHANNELS {
        results.columns[column].tally[thread / CHANNELS][thread % CHANNELS] = atomicLoad(&tally[thread]);
    }
    if thread < CHANNELS {
        var sum = 0.0;
        for (var other = 0u; other < THREADS; other++) {
            sum += sums[other][thread];
        }
        results.columns[column].sum[thread] = sum;
    }
}

@compute @workgroup_size(THREADS)
fn measure(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let column = group.x;
    let left = column_start(column);
    let width = column_start(column + 1u) - left;
    // From one sample of a thread to its next, THREADS further on in the column's rows.
    let stride = vec2u(THREADS % width, THREADS / width);
    var at = vec2u(thread % width, thread / width);
    var seen: Seen;
    var runs: Runs;
    while at.y < scopes.samples.y {
        let pixel = stored_pixel(scopes.first + vec2u(left + at.x, at.y) * scopes.step);
        var rgb = vec3u(
            sample_bits(plane_red, pixel, scopes.planes[0]),
            sample_bits(plane_green, pixel, scopes.planes[1]),
            sample_bits(plane_blue, pixel, scopes.planes[2]),
        );
        if is_video {
            rgb = colors_of_video(rgb);
        }
        let bits = vec4u(rgb, luminance_bits(rgb));
        saw(&seen, bits);
        count_sample(&runs, bits);
        at += stride;
        if at.x >= width {
            at = vec2u(at.x - width, at.y + 1u);
        }
    }
    count_rest(runs);
    hand_in(seen, thread);
    workgroupBarrier();
    write_column(column, thread);
}
