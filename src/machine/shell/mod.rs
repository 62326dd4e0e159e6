//! The shell: enough of bash for what learners type and for the lab's own scripts.
//!
//! - [`parser`], [`lexer`], [`brace`]: text → [`ast`]
//! - [`expand`], [`pattern`], [`arith`]: words → strings
//! - [`eval`]: the tree, step by step, with explicit frames; [`simple`]: one command
//! - [`builtins`], [`variables`], [`input`], [`redirect`], [`cond`], [`exec`]: the rest
//!
//! Not modelled: process substitution, `select`, `coproc`, extended globs, associative arrays.

mod arith;
pub mod ast;
mod brace;
pub mod builtins;
pub mod cond;
mod eval;
pub mod exec;
mod expand;
mod input;
mod interactive;
mod lexer;
mod parser;
pub mod pattern;
mod redirect;
mod simple;
mod state;
#[cfg(test)]
mod tests;
mod variables;

pub use eval::{Frame, Turn, turn};
pub use parser::{SyntaxError, is_name, parse};
pub use state::{Job, Shell};
