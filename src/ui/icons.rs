//! The transport's buttons, drawn: no font carries these signs everywhere.

use egui::{Color32, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

const BUTTON: egui::Vec2 = vec2(28.0, 20.0);
/// Half the height of a sign.
const HALF: f32 = 5.0;

/// What a button shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    First,
    FastReverse,
    StepBackward,
    Play,
    Pause,
    StepForward,
    FastForward,
    Last,
    Sound,
    Silence,
}

/// A button with a drawn sign; `name` is what screen readers and the hint say.
pub fn button(ui: &mut Ui, icon: Icon, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(BUTTON, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let visuals = ui.style().interact(&response);
    ui.painter().rect_filled(rect, 3.0, visuals.weak_bg_fill);
    ui.painter().extend(shapes(icon, rect, visuals.fg_stroke.color));
    response.on_hover_text(name)
}

fn shapes(icon: Icon, rect: Rect, color: Color32) -> Vec<Shape> {
    let center = rect.center();
    let triangle = |x: f32, points_right: bool| triangle(pos2(center.x + x, center.y), points_right, color);
    let bar = |x: f32| bar(pos2(center.x + x, center.y), color);
    match icon {
        Icon::Play => vec![triangle(0.0, true)],
        Icon::Pause => vec![bar(-3.0), bar(3.0)],
        Icon::First => vec![bar(-5.0), triangle(1.0, false)],
        Icon::Last => vec![triangle(-1.0, true), bar(5.0)],
        Icon::StepBackward => vec![triangle(-3.0, false), bar(4.0)],
        Icon::StepForward => vec![bar(-4.0), triangle(3.0, true)],
        Icon::FastReverse => vec![triangle(-4.0, false), triangle(4.0, false)],
        Icon::FastForward => vec![triangle(-4.0, true), triangle(4.0, true)],
        Icon::Sound => [speaker(center, color), waves(center, color)].concat(),
        Icon::Silence => [speaker(center, color), cross(center, color)].concat(),
    }
}

fn triangle(at: Pos2, points_right: bool, color: Color32) -> Shape {
    let tip = if points_right { HALF } else { -HALF };
    let points = vec![at + vec2(-tip * 0.8, -HALF), at + vec2(tip * 0.8, 0.0), at + vec2(-tip * 0.8, HALF)];
    Shape::convex_polygon(points, color, Stroke::NONE)
}

fn speaker(center: Pos2, color: Color32) -> Vec<Shape> {
    let at = center - vec2(4.0, 0.0);
    let body = Rect::from_center_size(at - vec2(2.0, 0.0), vec2(3.0, HALF));
    let horn = [vec2(-1.0, -2.5), vec2(3.0, -HALF), vec2(3.0, HALF), vec2(-1.0, 2.5)];
    let horn = horn.into_iter().map(|corner| at + corner).collect();
    vec![Shape::rect_filled(body, 0.0, color), Shape::convex_polygon(horn, color, Stroke::NONE)]
}

fn waves(center: Pos2, color: Color32) -> Vec<Shape> {
    let stroke = Stroke::new(1.2, color);
    let wave = |x: f32, half: f32| {
        let points = vec![vec2(x, -half), vec2(x + 1.2, 0.0), vec2(x, half)];
        Shape::line(points.into_iter().map(|point| center + point).collect(), stroke)
    };
    vec![wave(2.0, 2.0), wave(4.5, 4.0)]
}

fn cross(center: Pos2, color: Color32) -> Vec<Shape> {
    let stroke = Stroke::new(1.2, color);
    let line =
        |from: f32, to: f32| Shape::line_segment([center + vec2(2.0, from), center + vec2(7.0, to)], stroke);
    vec![line(-2.5, 2.5), line(2.5, -2.5)]
}

fn bar(at: Pos2, color: Color32) -> Shape {
    Shape::rect_filled(Rect::from_center_size(at, vec2(2.5, 2.0 * HALF)), 0.0, color)
}
