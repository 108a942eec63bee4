//! Owns where the picture lies on its canvas. Pure.

use crate::frame::PlaneLayout;
use crate::gpu::passes::image::{ImagePlacement, Sampling};
use crate::player::Framing;

/// Grey around the picture, as shown.
const BACKGROUND: f32 = 0.08;

/// The zoom at which a picture of `size` pixels fits the canvas: screen pixels per picture pixel down.
pub fn fit_zoom(size: (u32, u32), pixel_aspect: f32, canvas: (u32, u32)) -> f32 {
    let across = canvas.0 as f32 / (size.0 as f32 * pixel_aspect);
    let down = canvas.1 as f32 / size.1 as f32;
    across.min(down)
}

/// Where the display window of a layout lies on the canvas, and how it is sampled.
pub fn place(
    layout: &PlaneLayout,
    canvas: (u32, u32),
    framing: Framing,
    sampling: Sampling,
) -> ImagePlacement {
    let display = layout.display_window();
    let size = (display.width, display.height);
    let aspect = layout.pixel_aspect();
    let (zoom, offset) = match framing {
        Framing::Fit => (fit_zoom(size, aspect, canvas), (0.0, 0.0)),
        Framing::Free { zoom, offset } => (zoom, offset),
    };
    let origin = |canvas: u32, shown: f32, offset: f32| {
        // Whole pixels, so that one to one stays exact.
        (canvas as f32 * (0.5 + offset) - shown * 0.5).round()
    };
    let shown = (size.0 as f32 * aspect * zoom, size.1 as f32 * zoom);
    let is_exact = zoom == 1.0 && aspect == 1.0;
    ImagePlacement {
        origin: (origin(canvas.0, shown.0, offset.0), origin(canvas.1, shown.1, offset.1)),
        scale: (1.0 / (aspect * zoom), 1.0 / zoom),
        sampling: if is_exact { Sampling::Nearest } else { sampling },
        background: BACKGROUND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{PlaneSpec, Role, SampleType, Window};

    fn layout(width: u32, height: u32, aspect: f32) -> PlaneLayout {
        let plane = PlaneSpec { name: "Y".into(), sample: SampleType::F16, role: Role::Grey, width, height };
        let window = Window::at_origin(width, height);
        PlaneLayout::new(vec![plane], window, window, aspect).unwrap()
    }

    #[test]
    fn a_picture_of_the_canvas_size_is_exact() {
        let placement = place(&layout(64, 32, 1.0), (64, 32), Framing::Fit, Sampling::Tent);
        assert_eq!((placement.origin, placement.scale), ((0.0, 0.0), (1.0, 1.0)));
        assert_eq!(placement.sampling, Sampling::Nearest);
    }

    #[test]
    fn pixel_aspect_widens_the_picture() {
        let placement = place(&layout(100, 100, 2.0), (400, 100), Framing::Fit, Sampling::Bilinear);
        assert_eq!(placement.origin, (100.0, 0.0));
        assert_eq!(placement.scale, (0.5, 1.0));
    }

    #[test]
    fn a_free_picture_hangs_from_the_middle() {
        let framing = Framing::Free { zoom: 2.0, offset: (0.25, 0.0) };
        let placement = place(&layout(10, 10, 1.0), (100, 100), framing, Sampling::Nearest);
        assert_eq!(placement.origin, (65.0, 40.0));
        assert_eq!(placement.scale, (0.5, 0.5));
    }
}
