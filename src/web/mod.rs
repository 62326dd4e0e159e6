//! The edge to the browser: the only user of web-sys. Small functions; no state of the app.

pub mod canvas;
pub mod dom;
pub mod effects;
pub mod frame;
pub mod panic;
pub mod place;
pub mod storage;
