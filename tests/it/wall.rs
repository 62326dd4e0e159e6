//! The wall: what the library and the native program are built from must know nothing of browsers.

use std::path::Path;
use std::process::Command;

use crate::tools::must;

#[test]
fn no_browser_crate_below_the_page() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tree = Command::new(cargo);
    tree.args(["tree", "--offline", "--prefix", "none", "-e", "normal", "--no-default-features", "--features", "cli"]);
    let tree = must(tree.current_dir(env!("CARGO_MANIFEST_DIR")));
    assert!(tree.contains("ecow"), "{tree}");
    for name in ["yew", "web-sys", "js-sys", "wasm-bindgen", "gloo"] {
        let found =
            tree.lines().any(|l| l == name || l.starts_with(&format!("{name} ")) || l.starts_with(&format!("{name}-")));
        assert!(!found, "{name} in\n{tree}");
    }
}

/// Folders of the library, which is pure: no clock, no I/O, no threads, no chance but its own.
const PURE: &[&str] = &[
    "addons",
    "api",
    "apiserver",
    "app",
    "base",
    "bundle",
    "controllers",
    "etcd",
    "kubectl",
    "kubelet",
    "lesson",
    "machine",
    "network",
    "runtime",
    "scene",
    "scheduler",
    "sim",
];
const FORBIDDEN: &[&str] = &[
    "std::time",
    "SystemTime",
    "Instant::",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "thread_local!",
    "HashMap<",
    "HashSet<",
    "static mut",
    "web_sys",
    "js_sys",
    "wasm_bindgen",
];

#[test]
fn the_library_is_pure() {
    let mut found = Vec::new();
    for folder in PURE {
        look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder), &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn look(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of src/").map(|e| e.expect("an entry").path()) {
        if entry.is_dir() {
            look(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&entry).expect("a source file");
            let lines = text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//"));
            for (i, line) in lines {
                found.extend(
                    FORBIDDEN
                        .iter()
                        .filter(|f| line.contains(**f))
                        .map(|f| format!("{}:{}: {f}", entry.display(), i + 1)),
                );
            }
        }
    }
}
