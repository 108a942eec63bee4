use std::fs;
use std::path::{Path, PathBuf};

use super::OcioConfig;
use crate::color::tests as device;
use crate::color::{
    ChainDescription, ColorChain, ColorConfig, ColorError, ColorRequest, MediaFacts, analytic, baked,
    open_or_default,
};

const BUILT_IN: [&str; 2] =
    ["ocio://cg-config-v4.0.0_aces-v2.0_ocio-v2.5", "ocio://cg-config-v2.2.0_aces-v1.3_ocio-v2.4"];
const ACES_2: &str = "ACES 2.0 - SDR 100 nits (Rec.709)";

fn float() -> MediaFacts {
    MediaFacts { is_float: true, ..Default::default() }
}

fn request(config: &str, display: &str, view: &str) -> ColorRequest {
    let [config, display, view] = [config, display, view].map(|name| Some(name.into()));
    ColorRequest { config, display, view, ..Default::default() }
}

/// Every display and view of a config, from ACEScg.
fn requests(config: &ColorConfig) -> Vec<ColorRequest> {
    let mut requests = Vec::new();
    for display in config.displays() {
        for view in config.views(&display) {
            let (display, view) = (Some(display.clone()), Some(view));
            requests.push(ColorRequest { input: Some("ACEScg".into()), display, view, ..Default::default() });
        }
    }
    requests
}

fn chain(request: &ColorRequest, facts: &MediaFacts) -> Result<ColorChain, ColorError> {
    ColorConfig::open(request.config.as_deref())?.chain(request, facts)
}

fn display_values(chain: &ColorChain, rgb: [f32; 3]) -> [f32; 3] {
    let mut pixel = [[rgb[0], rgb[1], rgb[2], 0.5]];
    chain.cpu.to_working(&mut pixel);
    chain.cpu.to_display(&mut pixel);
    assert_eq!(pixel[0][3], 0.5);
    [pixel[0][0], pixel[0][1], pixel[0][2]]
}

fn is_near(ours: &[f32], expected: &[f32], tolerance: f32) -> bool {
    ours.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance * b.abs().max(1.0))
}

#[test]
fn the_shader_of_every_view_is_valid() {
    for name in BUILT_IN {
        let config = ColorConfig::open(Some(name)).unwrap();
        for request in requests(&config) {
            let text = device::composed(&config.chain(&request, &float()).unwrap().program);
            let module = naga::front::wgsl::parse_str(&text);
            let module = module.unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
            let capabilities = naga::valid::Capabilities::empty();
            let mut validator = naga::valid::Validator::new(Default::default(), capabilities);
            validator.validate(&module).unwrap_or_else(|error| panic!("{request:?}: {error:?}"));
            let long = text.lines().filter(|line| line.starts_with("var<private>") && line.len() > 1000);
            assert_eq!(long.count(), 0, "{request:?} keeps a long private array");
            assert_eq!(
                text.matches(super::tables::HUE_FAULT).count(),
                0,
                "{request:?} keeps the fault of hues"
            );
        }
    }
}

#[test]
fn shaders_do_what_their_twins_do() {
    for (name, display, view) in [
        (BUILT_IN[0], "sRGB", "Un-tone-mapped"),
        (BUILT_IN[0], "sRGB", ACES_2),
        (BUILT_IN[0], "Rec.2100-PQ", "ACES 2.0 - HDR 1000 nits (Rec.2020)"),
        (BUILT_IN[1], "sRGB", "ACES 1.0 - SDR Video"),
        (BUILT_IN[1], "Rec.1886 Rec.709", "Un-tone-mapped"),
    ] {
        let chain = chain(&request(name, display, view), &float()).unwrap();
        device::assert_drawn_like_its_twin(&chain, &device::test_pixels(), 1e-4);
    }
}

#[test]
fn the_shader_has_no_sparkle_where_a_is_zero() {
    let request = ColorRequest { input: Some("ACEScg".into()), ..request(BUILT_IN[0], "sRGB", ACES_2) };
    let chain = chain(&request, &float()).unwrap();
    let pixel = [0.025_937_498, 0.026_926_497, 0.035_789_97];
    let Some(drawn) = device::drawn(&chain, &[[pixel[0], pixel[1], pixel[2], 1.0]]) else { return };
    assert!(is_near(&drawn[0][..3], &display_values(&chain, pixel), 1e-4), "{drawn:?}");
}

#[test]
fn a_baked_tone_curve_stays_within_two_codes() {
    let exact = chain(&request(BUILT_IN[0], "sRGB", ACES_2), &float()).unwrap();
    assert!(exact.program.is_costly);
    let baked = baked(&exact).unwrap();
    device::assert_drawn_like_its_twin(&baked, &device::test_pixels(), 1e-3);
    let mut worst = 0f32;
    for step in 0..2000 {
        let value = (step as f32 / 2000.0 * 16.0 - 9.0).exp2();
        for rgb in [[value; 3], [value, value * 0.7, value * 0.5], [value * 0.6, value * 0.8, value]] {
            let (ours, theirs) = (display_values(&baked, rgb), display_values(&exact, rgb));
            worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
        }
    }
    assert!(worst <= 2.0 / 255.0, "{} codes", worst * 255.0);
}

#[test]
fn defaults_are_what_viewers_expect() {
    let config = ColorConfig::open(None).unwrap();
    let chain = config.chain(&ColorRequest::default(), &float()).unwrap();
    let name = config.name();
    let text =
        format!("Linear Rec.709 (sRGB) (float file) → ACEScg → sRGB - Display / Un-tone-mapped ({name})");
    assert_eq!(chain.description.text(), text);
    assert!(!chain.program.is_costly && baked(&chain).is_none());
    assert!(is_near(&display_values(&chain, [0.18; 3]), &[0.461_356; 3], 1e-4));
    let still = config.chain(&ColorRequest::default(), &MediaFacts::default()).unwrap();
    assert_eq!(still.description.text(), "display-referred (8 or 16 bit still) → unchanged");
    assert_eq!(display_values(&still, [-1.0, 0.3, 9.0]), [-1.0, 0.3, 9.0]);
}

#[test]
fn stills_go_through_their_space_when_a_view_is_asked_for() {
    let chain = chain(&request("ocio://default", "sRGB", "Un-tone-mapped"), &MediaFacts::default()).unwrap();
    assert!(is_near(&display_values(&chain, [0.2, 0.5, 0.9]), &[0.2, 0.5, 0.9], 1e-4));
    assert_eq!(chain.description.working.as_deref(), Some("ACEScg"));
}

#[test]
fn raw_views_and_data_pass_every_bit() {
    let view = request("ocio://default", "sRGB", "Raw");
    let data = ColorRequest { input: Some("raw".into()), ..Default::default() };
    for request in [view, data] {
        let chain = chain(&request, &float()).unwrap();
        assert_eq!(display_values(&chain, [-1.0, f32::INFINITY, 9.0]), [-1.0, f32::INFINITY, 9.0]);
    }
}

#[test]
fn primaries_without_a_name_are_adapted() {
    let adobe = Some([0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.329]);
    let by_file = chain(&ColorRequest::default(), &MediaFacts { chromaticities: adobe, ..float() }).unwrap();
    let asked = ColorRequest { input: Some("Linear AdobeRGB".into()), ..Default::default() };
    let by_name = chain(&asked, &float()).unwrap();
    let rgb = [0.7, 0.3, 0.1];
    assert!(is_near(&display_values(&by_file, rgb), &display_values(&by_name, rgb), 1e-4));
    assert!(by_file.description.text().starts_with("linear (chromaticities of the file) → ACEScg"));
}

#[test]
fn movies_with_tags_are_decoded_as_the_formulas_do() {
    use crate::frame::{ColorTags, Primaries, Transfer};
    let movies = [
        (Transfer::Pq, Primaries::Bt2020, "Rec.2100-PQ"),
        (Transfer::Hlg, Primaries::Bt2020, "Rec.2100-HLG"),
        (Transfer::Pq, Primaries::P3D65, "P3-D65, PQ"),
        (Transfer::Log100, Primaries::Bt709, "Rec.709, log"),
        (Transfer::Log316, Primaries::Bt2020, "Rec.2020, log"),
        (Transfer::Srgb, Primaries::P3Dci, "P3-DCI, sRGB curve"),
        (Transfer::Linear, Primaries::Unstated, "Linear Rec.709 (sRGB)"),
    ];
    for (transfer, primaries, name) in movies {
        let tags = Some(ColorTags { transfer, primaries });
        let facts = MediaFacts { is_movie: true, tags, ..Default::default() };
        let chain = chain(&ColorRequest::default(), &facts).unwrap();
        assert_eq!(chain.description.input, name);
        let formulas = analytic::chain(&ColorRequest::default(), &facts).unwrap();
        for step in 0..=20 {
            let value = step as f32 / 20.0;
            for rgb in [[value; 3], [value, value * 0.7, 0.1], [0.05, value * 0.3, value]] {
                let (ours, theirs) = (display_values(&chain, rgb), display_values(&formulas, rgb));
                assert!(is_near(&ours, &theirs, 2e-4), "{name}: {rgb:?} is {ours:?}, by formula {theirs:?}");
            }
        }
        let mut pixels = device::test_pixels();
        pixels.retain(|pixel| pixel.iter().all(|value| value.abs() <= 1.0));
        device::assert_drawn_like_its_twin(&chain, &pixels, 1e-4);
    }
}

#[test]
fn spaces_that_no_config_has_can_be_asked_for() {
    for (typed, name) in
        [("cineon", "Cineon"), ("rec.2100-hlg", "Rec.2100-HLG"), ("Rec.2100-PQ", "Rec.2100-PQ")]
    {
        let asked = ColorRequest { input: Some(typed.into()), ..Default::default() };
        let chain = chain(&asked, &MediaFacts::default()).unwrap();
        assert!(chain.description.input == name, "{}", chain.description.text());
        assert!(chain.description.working.is_some(), "{}", chain.description.text());
    }
}

#[test]
fn names_are_matched_as_people_type_them() {
    for input in
        ["acescg", "LIN_AP1", "lin_srgb", "scene_linear", "ACES2065", "srgb_texture", "Linear Rec.709"]
    {
        let request = ColorRequest { input: Some(input.into()), ..Default::default() };
        assert!(chain(&request, &float()).is_ok(), "{input}");
    }
    let request = ColorRequest { look: Some("reference gamut compression".into()), ..Default::default() };
    let look = chain(&request, &float()).unwrap().description.look;
    assert_eq!(look.as_deref(), Some("ACES 1.3 Reference Gamut Compression"));
    let request = ColorRequest { display: Some("sRBG".into()), ..Default::default() };
    let text = chain(&request, &float()).unwrap_err().to_string();
    assert!(text.contains("there is: 'sRGB - Display'"), "{text}");
}

/// A config that somebody made, in a folder of its own.
fn own_config(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.ocio");
    fs::write(&path, text).unwrap();
    (folder, path.to_str().unwrap().into())
}

const OWN: &str = r#"ocio_profile_version: 2
roles: {scene_linear: lin, default: lin, aces_interchange: ap0}
file_rules:
  - !<Rule> {name: Plates, colorspace: half, pattern: "*plate*", extension: "*"}
  - !<Rule> {name: Default, colorspace: default}
displays:
  Screen:
    - !<View> {name: Film, colorspace: out}
    - !<View> {name: Flat, colorspace: lin}
colorspaces:
  - !<ColorSpace> {name: ap0}
  - !<ColorSpace> {name: lin}
  - !<ColorSpace> {name: half, to_scene_reference: !<MatrixTransform> {matrix: [0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 1]}}
  - !<ColorSpace> {name: out, from_scene_reference: !<ExponentTransform> {value: [0.5, 0.5, 0.5, 1]}}
"#;

#[test]
fn the_rules_and_defaults_of_an_own_config_count() {
    let (_folder, config) = own_config(OWN);
    let request = ColorRequest { config: Some(config), ..Default::default() };
    let described = |facts: &MediaFacts| -> ChainDescription { chain(&request, facts).unwrap().description };
    let plate = MediaFacts { path: Some("shots/plate.0001.exr".into()), ..float() };
    let text = "half (file rule of the config) → lin → Screen / Film (config.ocio)";
    assert_eq!(described(&plate).text(), text);
    assert!(is_near(&display_values(&chain(&request, &plate).unwrap(), [0.5; 3]), &[0.5; 3], 1e-5));
    let other = MediaFacts { path: Some("shots/other.exr".into()), ..float() };
    assert_eq!(described(&other).input, "lin");
    let still = MediaFacts { path: Some("shots/other.png".into()), ..Default::default() };
    assert_eq!(described(&still).working, None);
    // The config has no name for it, but says what ACES2065-1 is.
    assert_eq!(described(&float()).input, "Linear Rec.709");
}

#[test]
fn luts_are_applied_in_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let lut = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let halved = lut("half.cube", "LUT_1D_SIZE 2\n0 0 0\n0.5 0.5 0.5\n");
    let swapped = lut("swap.spi3d", &swap_of_red_and_blue());
    let plain = chain(&ColorRequest::default(), &float()).unwrap();
    let input = ColorRequest { input_lut: Some(halved.clone()), ..Default::default() };
    let input = chain(&input, &float()).unwrap();
    assert!(is_near(&display_values(&input, [0.4; 3]), &display_values(&plain, [0.2; 3]), 1e-4));
    let display = ColorRequest { display_lut: Some(swapped), look_lut: Some(halved), ..Default::default() };
    let display = chain(&display, &float()).unwrap();
    let [r, g, b] = display_values(&plain, [0.1, 0.2, 0.3]);
    assert!(is_near(&display_values(&display, [0.2, 0.4, 0.6]), &[b, g, r], 1e-3));
    assert!(
        display.description.text().contains("→ LUT half.cube, swap.spi3d ("),
        "{}",
        display.description.text()
    );
    let pixels: Vec<[f32; 4]> = (0..64).map(|step| [step as f32 / 64.0, 0.25, 0.75, 1.0]).collect();
    if let Some(drawn) = device::drawn(&display, &pixels) {
        for (drawn, pixel) in drawn.iter().zip(&pixels) {
            let twin = display_values(&display, [pixel[0], pixel[1], pixel[2]]);
            assert!(is_near(&drawn[..3], &twin, 1e-3), "{pixel:?}: {drawn:?}, {twin:?}");
        }
    }
}

fn swap_of_red_and_blue() -> String {
    let mut text = String::from("SPILUT 1.0\n3 3\n2 2 2\n");
    for index in 0..8 {
        let (r, g, b) = (index >> 2, index >> 1 & 1, index & 1);
        text += &format!("{r} {g} {b} {b} {g} {r}\n");
    }
    text
}

#[test]
fn hostile_configs_are_refused_and_the_default_is_shown() {
    let truncated = &OWN[..OWN.len() / 2];
    let spaces = |body: &str| format!("{}\n{body}", OWN.replace("colorspace: out}", "colorspace: a}"));
    let group = |space: &str| format!("!<ColorSpaceTransform> {{src: {space}, dst: lin}}");
    let cyclic = spaces(&format!(
        "  - !<ColorSpace> {{name: a, from_scene_reference: {}}}\n  - !<ColorSpace> {{name: b, from_scene_reference: {}}}\n",
        group("b"),
        group("a")
    ));
    let long = "# a comment\n".repeat(1_000_000);
    let itself =
        spaces("  - !<ColorSpace> {name: a, from_scene_reference: !<FileTransform> {src: config.ocio}}\n");
    let mut doubling = spaces("");
    for space in 0..40 {
        let below = group(&format!("a{}", space + 1));
        doubling += &format!(
            "  - !<ColorSpace> {{name: a{space}, from_scene_reference: !<GroupTransform> {{children: [{below}, {below}]}}}}\n"
        );
    }
    let doubling = doubling.replace("colorspace: a}", "colorspace: a0}") + "  - !<ColorSpace> {name: a40}\n";
    let device =
        spaces("  - !<ColorSpace> {name: a, from_scene_reference: !<FileTransform> {src: /dev/zero}}\n");
    let looks = OWN.replace("colorspace: out}", "colorspace: out, looks: x}")
        + "looks:\n  - !<Look> {name: x, process_space: lin, transform: !<LookTransform> {src: lin, dst: lin, looks: x}}\n";
    let texts: Vec<(&str, String)> = vec![
        ("doubling", doubling),
        ("device", device),
        ("cyclic looks", looks),
        ("empty", String::new()),
        ("truncated", truncated.into()),
        ("binary", (0..5000u32).map(|n| char::from((n * 7 % 256) as u8)).collect()),
        ("long", long),
        ("nested", "[".repeat(100_000)),
        ("cyclic", cyclic),
        ("includes itself", itself),
        ("wrong types", "ocio_profile_version: [1]\nroles: 7\n".into()),
        ("version", "ocio_profile_version: 99\n".into()),
        (
            "no displays",
            "ocio_profile_version: 2\nroles: {default: x}\ncolorspaces:\n  - !<ColorSpace> {name: x}\n"
                .into(),
        ),
    ];
    for (what, text) in texts {
        let (_folder, config) = own_config(&text);
        let request = ColorRequest { config: Some(config), ..Default::default() };
        let (chain, notice) = open_or_default(&request, &float());
        let notice = notice.unwrap_or_else(|| panic!("{what}: no notice"));
        assert!(notice.len() < 1000 && !notice.contains('\n'), "{what}: {notice}");
        assert_eq!(chain.description.display.as_deref(), Some("sRGB - Display"), "{what}: {notice}");
        println!("{what}: {notice}");
    }
}

#[test]
fn hostile_luts_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let texts = [
        ("huge.cube", "LUT_3D_SIZE 1000000000\n0 0 0\n"),
        ("huge1.cube", "LUT_1D_SIZE 1000000000\n0 0 0\n"),
        ("negative.cube", "LUT_3D_SIZE -5\n"),
        ("huge.spi1d", "Version 1\nFrom 0 1\nLength 1000000000\nComponents 3\n{\n0 0 0\n}\n"),
        ("huge.spi3d", "SPILUT 1.0\n3 3\n1000000000 1000000000 1000000000\n"),
        ("huge.csp", "CSPLUTV100\n3D\n\n1000000000\n0 1\n0 1\n"),
        ("huge.3dl", "3DMESH\nMesh 1000 12\n0 64\n"),
        ("huge.lut", "LUT: 3 1000000000\n0\n"),
        (
            "huge.clf",
            "<ProcessList id=\"a\" compCLFversion=\"3\"><LUT3D inBitDepth=\"32f\" outBitDepth=\"32f\"><Array dim=\"1000000 1000000 1000000 3\">0</Array></LUT3D></ProcessList>",
        ),
        (
            "matrix.clf",
            "<ProcessList id=\"a\" version=\"1\"><Matrix inBitDepth=\"32f\" outBitDepth=\"32f\"><Array dim=\"1000000000 1000000000 3\">0</Array></Matrix></ProcessList>",
        ),
        ("deep.clf", &("<ProcessList id=\"a\" version=\"1\">".to_owned() + &"<Info>".repeat(200_000))),
        ("lists.clf", &"<ProcessList id=\"a\" version=\"1\">".repeat(100_000)),
        ("empty.cube", ""),
        ("binary.cube", "\u{1}\u{2}\u{ff}\u{0}\u{3}"),
        ("text.cube", "this is no LUT\nat all\n"),
    ];
    for (name, text) in texts {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let request = ColorRequest { look_lut: Some(path), ..Default::default() };
        let error = chain(&request, &float()).map(|chain| chain.description.text());
        let text = error.expect_err(name).to_string();
        assert!(
            text.len() < 1000 && !text.contains('\n') && text.starts_with("cannot use the LUT"),
            "{name}: {text}"
        );
        println!("{name}: {text}");
    }
    let missing = ColorRequest { look_lut: Some(Path::new("no/such.cube").into()), ..Default::default() };
    let text = chain(&missing, &float()).unwrap_err().to_string();
    assert!(text.starts_with("cannot use the LUT no/such.cube: "), "{text}");
}

#[test]
fn names_of_configs_are_escaped() {
    let (_folder, config) = own_config(&OWN.replace("Screen", "\"Scr\\eeen\""));
    let request = ColorRequest { config: Some(config), ..Default::default() };
    let text = chain(&request, &float()).unwrap().description.text();
    assert!(!text.contains('\u{1b}'), "{text}");
}

/// The colours that the reference implementation was asked about.
const ASKED: [[f32; 3]; 7] = [
    [0.18, 0.18, 0.18],
    [0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0],
    [1.0, 0.5, 0.1],
    [0.01, 0.02, 4.0],
    [16.0, 8.0, -0.1],
    [65504.0, 1.0, 0.0],
];

/// Compares with the answers of the reference implementation (OpenColorIO 2.6, on the CPU).
#[test]
fn every_view_answers_as_the_reference_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/color");
    for name in BUILT_IN {
        let file = format!("{}.json", name.trim_start_matches("ocio://"));
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let config = OcioConfig::open(Some(name)).unwrap();
        let mut worst = [0f32; 2];
        for row in &rows {
            let errors = errors_against(&config, row);
            worst = [worst[0].max(errors[0]), worst[1].max(errors[1])];
        }
        println!("{name}: {} rows, worst {} by the CPU, {} by the shader", rows.len(), worst[0], worst[1]);
    }
}

/// The largest relative errors of the twin and of the shader.
fn errors_against(config: &OcioConfig, row: &serde_json::Value) -> [f32; 2] {
    let text = |key: &str| Some(String::from(row[key].as_str().unwrap()));
    let (input, display, view) = (text("source"), text("display"), text("view"));
    let chain = config.chain(&ColorRequest { input, display, view, ..Default::default() }, &float()).unwrap();
    let answers: Vec<[f32; 3]> = serde_json::from_value(row["out"].clone()).unwrap();
    let opaque = |[red, green, blue]: [f32; 3]| [red, green, blue, 1.0];
    let pixels = ASKED.map(opaque).to_vec();
    let expected: Vec<[f32; 4]> = answers.into_iter().map(opaque).collect();
    let mut twin = pixels.clone();
    chain.cpu.to_working(&mut twin);
    chain.cpu.to_display(&mut twin);
    let drawn = device::drawn(&chain, &pixels).unwrap_or_else(|| twin.clone());
    [twin, drawn].map(|ours| {
        let mut worst = 0f32;
        for ((pixel, ours), expected) in pixels.iter().zip(&ours).zip(&expected) {
            for (ours, expected) in ours.iter().zip(expected) {
                let error = (ours - expected).abs() / expected.abs().max(1.0);
                assert!(error <= 1e-3, "{}: {pixel:?} is {ours}, not {expected}", chain.description.text());
                worst = worst.max(error);
            }
        }
        worst
    })
}

/// One LUT in every format that is read: it halves what it is given.
fn halving_luts() -> [(&'static str, String); 7] {
    // The corners of a cube, red the fastest.
    let corners = |line: fn([f32; 3]) -> String| -> String {
        let corner = |number: u32| [number & 1, number >> 1 & 1, number >> 2 & 1].map(|bit| bit as f32 / 2.0);
        (0..8).map(|number| line(corner(number))).collect()
    };
    let floats = |[red, green, blue]: [f32; 3]| format!("{red} {green} {blue}\n");
    // Four points an axis, blue the fastest, in codes of 16 bit.
    let mesh: String = (0..64_u32)
        .map(|number| [number / 16, number / 4 % 4, number % 4].map(|step| (step * 65_535).div_ceil(6)))
        .map(|[red, green, blue]| format!("{red} {green} {blue}\n"))
        .collect();
    let indexed = |rgb: [f32; 3]| {
        let [r, g, b] = rgb.map(|value| value * 2.0);
        format!("{r} {g} {b} {} {} {}\n", rgb[0], rgb[1], rgb[2])
    };
    let shaper = "2\n0.0 1.0\n0.0 1.0\n".repeat(3);
    [
        ("half.cube", format!("LUT_3D_SIZE 2\n{}", corners(floats))),
        ("half.spi1d", "Version 1\nFrom 0.0 1.0\nLength 2\nComponents 1\n{\n0.0\n0.5\n}\n".into()),
        ("half.spi3d", format!("SPILUT 1.0\n3 3\n2 2 2\n{}", corners(indexed))),
        ("half.csp", format!("CSPLUTV100\n3D\n\n{shaper}\n2 2 2\n{}", corners(floats))),
        ("line.csp", format!("CSPLUTV100\n1D\n\n{shaper}\n2\n0.0 0.0 0.0\n0.5 0.5 0.5\n")),
        ("half.3dl", format!("3DMESH\nMesh 2 16\n0 341 682 1023\n{mesh}")),
        (
            "half.clf",
            "<?xml version=\"1.0\"?><ProcessList id=\"half\" compCLFversion=\"3\"><Matrix inBitDepth=\"32f\" \
             outBitDepth=\"32f\"><Array dim=\"3 3\">0.5 0 0 0 0.5 0 0 0 0.5</Array></Matrix></ProcessList>"
                .into(),
        ),
    ]
}

#[test]
fn good_luts_of_every_format_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<[f32; 4]> = vec![[0.18, 0.18, 0.18, 1.0], [0.9, 0.4, 0.05, 1.0], [0.0, 1.0, 0.3, 1.0]];
    let shown = |chain: &ColorChain| {
        let mut shown = pixels.clone();
        chain.cpu.to_working(&mut shown);
        chain.cpu.to_display(&mut shown);
        shown
    };
    let plain = shown(&chain(&ColorRequest::default(), &float()).unwrap());
    for (name, text) in halving_luts() {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let request = ColorRequest { display_lut: Some(path), ..Default::default() };
        let chain = chain(&request, &float()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(chain.description.text().contains(name), "{}", chain.description.text());
        let twin = shown(&chain);
        let drawn = device::drawn(&chain, &pixels).unwrap_or_else(|| twin.clone());
        for ours in [twin, drawn] {
            for (ours, plain) in ours.iter().zip(&plain).flat_map(|(a, b)| a.iter().zip(b).take(3)) {
                assert!((ours - plain / 2.0).abs() < 1e-3, "{name}: {ours} for half of {plain}");
            }
        }
    }
}

#[test]
fn a_config_in_an_archive_is_read_as_one_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.ocioz");
    fs::write(&path, stored_zip("config.ocio", OWN.as_bytes())).unwrap();
    let (_own, config) = own_config(OWN);
    let [archived, plain] = [path.to_string_lossy().into_owned(), config].map(|config| {
        let request = ColorRequest { config: Some(config), ..Default::default() };
        let chain = chain(&request, &float()).unwrap();
        let mut shown = vec![[0.18, 0.5, 2.0, 1.0]];
        chain.cpu.to_working(&mut shown);
        chain.cpu.to_display(&mut shown);
        (chain.description.display.clone(), chain.description.view.clone(), shown)
    });
    assert_eq!(archived, plain);
}

/// A ZIP archive of one file that is not compressed (PKWARE APPNOTE, 4.3).
fn stored_zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let sum = libdeflater::crc32(bytes).to_le_bytes();
    let (size, length) = ((bytes.len() as u32).to_le_bytes(), (name.len() as u16).to_le_bytes());
    // Version 2.0, no flags, stored, no time, the first day of 1980.
    let common = [&[20, 0, 0, 0, 0, 0, 0, 0, 33, 0][..], &sum, &size, &size, &length, &[0, 0]].concat();
    let local = [&b"PK\x03\x04"[..], &common, name.as_bytes(), bytes].concat();
    let central = [&b"PK\x01\x02\x14\x00"[..], &common, &[0; 14], name.as_bytes()].concat();
    let (start, long) = ((local.len() as u32).to_le_bytes(), (central.len() as u32).to_le_bytes());
    let end = [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &long, &start, &[0, 0]].concat();
    [local, central, end].concat()
}
