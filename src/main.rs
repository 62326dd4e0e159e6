//! The browser app: mounts the UI and nothing else.

mod ui;
mod web;

fn main() {
    web::panic::install();
    yew::Renderer::<ui::app::App>::new().render();
}
