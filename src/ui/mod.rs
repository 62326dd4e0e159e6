//! Components: one per file. They take props and emit actions; what they show comes from `scene`
//! and `app`, what they ask of the browser goes through `web`.

pub mod app;
pub mod chrome;
pub mod crowd;
pub mod dialog;
pub mod editor;
pub mod export;
pub mod help;
pub mod icon;
pub mod inspector;
pub mod keyrow;
pub mod lesson;
pub mod machine;
pub mod packets;
pub mod pod;
pub mod prose;
pub mod shared;
pub mod splitter;
pub mod stage;
pub mod terminal;
pub mod timeline;

#[cfg(all(test, feature = "ssr"))]
mod tests;
