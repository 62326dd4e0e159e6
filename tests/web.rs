//! What must hold in a real browser, run by `cargo xtask test --only wasm`: chiefly that the
//! library computes there what it computes natively, where `usize` has 64 bits.
#![cfg(target_arch = "wasm32")]

use kubedrill::base::Rng;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn random_streams_are_the_native_ones() {
    let mut rng = Rng::labelled(1, "scheduler");
    let drawn: Vec<String> = (0..3).map(|_| rng.name_suffix(5)).collect();
    assert_eq!(drawn, ["psvlh", "bxpq9", "jgcft"]);
}

#[path = "shared/hashes.rs"]
mod hashes;

/// Whole sessions, and the bytes of bundles: the same numbers as natively (`tests/it/hashes.rs`).
#[wasm_bindgen_test]
fn sessions_leave_the_native_trace() {
    for (seed, hash) in hashes::HASHES {
        assert_eq!(hashes::hash(*seed), *hash, "seed {seed}");
    }
}
