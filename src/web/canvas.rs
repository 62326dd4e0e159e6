//! Painting pods: the one canvas. Colours come from the style sheet.

use kubedrill::scene::Scene;
use kubedrill::scene::pods::{Look, PodView};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, CssStyleDeclaration, HtmlCanvasElement};
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

/// Paints the scene's crowd. The canvas has as many pixels as the screen.
pub fn crowd(node: &NodeRef, scene: &Scene) -> Option<()> {
    let canvas = node.cast::<HtmlCanvasElement>()?;
    let window = web_sys::window()?;
    let ratio = (window.device_pixel_ratio() as u32).clamp(1, 3);
    canvas.set_width(scene.layout.width as u32 * ratio);
    canvas.set_height(scene.layout.height as u32 * ratio);
    let pen = canvas.get_context("2d").ok()??.dyn_into::<CanvasRenderingContext2d>().ok()?;
    pen.scale(ratio.into(), ratio.into()).ok()?;
    let style = window.get_computed_style(&dom::document()?.document_element()?).ok()??;
    for (look, fill, edge) in LOOKS {
        let quiet = |p: &&PodView| p.look == look && p.quiet && look == Look::Running && p.alive;
        let hollow = |p: &&PodView| p.look == look && p.hollow();
        paint(
            &pen,
            &style,
            look,
            (fill, edge),
            scene.crowd.iter().filter(|p| p.look == look && !quiet(p) && !hollow(p)),
        );
        paint(&pen, &style, look, ("--raised", "--line-strong"), scene.crowd.iter().filter(quiet));
        paint(&pen, &style, look, ("", edge), scene.crowd.iter().filter(hollow));
    }
    Some(())
}

/// All cells of one look as one path.
fn paint<'a>(
    pen: &CanvasRenderingContext2d,
    style: &CssStyleDeclaration,
    look: Look,
    (fill, edge): (&str, &str),
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
    let colour = |name: &str| style.get_property_value(name).unwrap_or_default();
    if !fill.is_empty() {
        pen.set_fill_style_str(&colour(fill));
        pen.fill();
    }
    pen.set_stroke_style_str(&colour(edge));
    pen.stroke();
}
