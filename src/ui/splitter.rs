//! The bar between two regions: dragged, or moved with the arrow keys.

use kubedrill::app::Action;
use kubedrill::app::settings::Region;
use kubedrill::scene::{Lang, Text, t};
use yew::prelude::*;

use super::shared::Emit;
use crate::web::dom;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub region: Region,
    pub size: i32,
    pub lang: Lang,
    pub emit: Emit,
}

/// The region's size when its bar is at a point of the window.
fn size_at(region: Region, x: i32, y: i32) -> i32 {
    let (width, height) = dom::window_size();
    match region {
        Region::Lesson => x,
        Region::Inspector => width - x,
        Region::Terminal => height - y,
    }
}

#[component]
pub fn Splitter(props: &Props) -> Html {
    let region = props.region;
    let dragging = use_state(|| false);
    let down = {
        let dragging = dragging.clone();
        Callback::from(move |e: PointerEvent| {
            e.prevent_default();
            dom::capture_pointer(&e);
            dragging.set(true);
        })
    };
    let moved = {
        let (dragging, emit) = (dragging.clone(), props.emit.clone());
        Callback::from(move |e: PointerEvent| {
            if *dragging {
                emit.emit(Action::Resize(region, size_at(region, e.client_x(), e.client_y())));
            }
        })
    };
    let up = {
        let dragging = dragging.clone();
        Callback::from(move |_: PointerEvent| dragging.set(false))
    };
    let keys = {
        let (emit, size) = (props.emit.clone(), props.size);
        Callback::from(move |e: KeyboardEvent| {
            let step = match (region, e.key().as_str()) {
                (Region::Lesson, "ArrowRight") | (Region::Inspector, "ArrowLeft") | (Region::Terminal, "ArrowUp") => 16,
                (Region::Lesson, "ArrowLeft") | (Region::Inspector, "ArrowRight") | (Region::Terminal, "ArrowDown") => {
                    -16
                }
                _ => return,
            };
            e.prevent_default();
            emit.emit(Action::Resize(region, size + step));
        })
    };
    let (name, orientation) = match region {
        Region::Lesson => (Text::ResizeLesson, "vertical"),
        Region::Inspector => (Text::ResizeInspector, "vertical"),
        Region::Terminal => (Text::ResizeTerminal, "horizontal"),
    };
    let (least, most) = region.limits();
    html! {
        <div class={classes!("splitter", orientation, (*dragging).then_some("dragging"))} role="separator" tabindex="0"
            aria-orientation={orientation} aria-label={t(props.lang, name)}
            aria-valuenow={props.size.to_string()} aria-valuemin={least.to_string()} aria-valuemax={most.to_string()}
            onpointerdown={down} onpointermove={moved} onpointerup={up.clone()} onpointercancel={up} onkeydown={keys} />
    }
}
