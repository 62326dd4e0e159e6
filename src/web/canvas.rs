//! Painting pods: the one canvas. Colours come from the style sheet.

use kubedrill::scene::Scene;
use kubedrill::scene::pods::{Look, PodView};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};
use yew::NodeRef;

use super::dom;

/// Looks with the colours of their insides and edges; none: left open.
const LOOKS: [(Look, &str, &str); 8] = [
    (Look::Pending, "", "--pending"),
    (Look::Creating, "--creating-soft", "--creating"),
    (Look::Running, "--running", "--running"),
    (Look::Unready, "--running-soft", "--running"),
    (Look::Terminating, "--terminating-soft", "--terminating"),
    (Look::Failed, "--failed", "--failed"),
    (Look::Completed, "--raised", "--line-strong"),
    (Look::Ghost, "", "--line-strong"),
];

/// The style sheet's colours, in the order of [`LOOKS`], and those of quiet pods at the end. Asking
/// makes the browser bring its styles up to date, so it is done once per theme.
pub fn palette() -> Vec<[String; 2]> {
    let root = dom::document().and_then(|d| d.document_element());
    let style = web_sys::window().zip(root).and_then(|(w, root)| w.get_computed_style(&root).ok().flatten());
    let colour = |name: &str| match &style {
        Some(style) if !name.is_empty() => style.get_property_value(name).unwrap_or_default(),
        _ => String::new(),
    };
    let quiet = [(Look::Running, "--raised", "--line-strong")];
    LOOKS.iter().chain(&quiet).map(|(_, fill, edge)| [colour(fill), colour(edge)]).collect()
}

/// Paints the scene's crowd. The canvas has as many pixels as the screen.
pub fn crowd(node: &NodeRef, scene: &Scene, palette: &[[String; 2]]) -> Option<()> {
    let canvas = node.cast::<HtmlCanvasElement>()?;
    let ratio = (web_sys::window()?.device_pixel_ratio() as u32).clamp(1, 3);
    canvas.set_width(scene.layout.width as u32 * ratio);
    canvas.set_height(scene.layout.height as u32 * ratio);
    let pen = canvas.get_context("2d").ok()??.dyn_into::<CanvasRenderingContext2d>().ok()?;
    pen.scale(ratio.into(), ratio.into()).ok()?;
    let [subdued] = palette.get(LOOKS.len()..)? else { return None };
    for ((look, ..), [fill, edge]) in LOOKS.into_iter().zip(palette) {
        let of_look = || scene.crowd.iter().filter(|p| p.look == look);
        let quiet = |p: &&PodView| p.quiet && look == Look::Running && p.alive;
        paint(&pen, look, [fill, edge], of_look().filter(|p| !quiet(p) && !p.hollow()));
        paint(&pen, look, [&subdued[0], &subdued[1]], of_look().filter(quiet));
        paint(&pen, look, ["", edge], of_look().filter(|p| p.hollow()));
    }
    Some(())
}

/// All cells of one look as one path.
fn paint<'a>(
    pen: &CanvasRenderingContext2d,
    look: Look,
    [fill, edge]: [&str; 2],
    cells: impl Iterator<Item = &'a PodView>,
) {
    pen.begin_path();
    let mut any = false;
    for p in cells {
        any = true;
        let (x, y, w, h) = (p.rect.x, p.rect.y, p.rect.w, p.rect.h);
        let at = |x: i32, y: i32| (f64::from(x), f64::from(y));
        let line = |points: &[(i32, i32)]| {
            for (i, point) in points.iter().enumerate() {
                let (x, y) = at(point.0, point.1);
                if i == 0 { pen.move_to(x, y) } else { pen.line_to(x, y) }
            }
        };
        match look {
            // A corner is missing.
            Look::Failed => line(&[(x, y), (x + w / 2, y), (x + w, y + h / 2), (x + w, y + h), (x, y + h), (x, y)]),
            // A stroke through it.
            Look::Terminating if w >= 4 => {
                line(&[(x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y), (x + w, y + h)])
            }
            // Half full.
            Look::Creating if w >= 4 => {
                line(&[
                    (x, y + h / 2),
                    (x + w, y + h / 2),
                    (x + w, y + h),
                    (x, y + h),
                    (x, y),
                    (x + w, y),
                    (x + w, y + h / 2),
                ]);
            }
            _ => pen.rect(f64::from(x), f64::from(y), f64::from(w), f64::from(h)),
        }
    }
    if !any {
        return;
    }
    if !fill.is_empty() {
        pen.set_fill_style_str(fill);
        pen.fill();
    }
    pen.set_stroke_style_str(edge);
    pen.stroke();
}
