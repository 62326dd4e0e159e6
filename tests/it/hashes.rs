//! What `tests/shared/hashes.rs` says, natively; `tests/web.rs` checks the same table in the browser.

#[path = "../shared/hashes.rs"]
mod table;

/// `KUBEDRILL_REWRITE=1` writes the numbers of now into the table. The bundles hold `lessons/expected`, which
/// are compiled in: rewrite those first, and this in a second run.
#[test]
fn traces_have_the_hashes_of_the_table() {
    let now: Vec<(u64, u64)> = table::HASHES.iter().map(|(seed, _)| (*seed, table::hash(*seed))).collect();
    if std::env::var_os("KUBEDRILL_REWRITE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shared/hashes.rs");
        let text = std::fs::read_to_string(path).expect("the table");
        let rows: Vec<String> = now.iter().map(|(seed, hash)| format!("    ({seed}, {hash:#018x}),\n")).collect();
        let (before, rest) = text.split_once("= &[\n").expect("the table begins");
        let (_, after) = rest.split_once("];").expect("the table ends");
        std::fs::write(path, format!("{before}= &[\n{}];{after}", rows.concat())).expect("the table");
        return;
    }
    assert_eq!(now, table::HASHES, "the simulation changed: KUBEDRILL_REWRITE=1 cargo test hashes");
}
