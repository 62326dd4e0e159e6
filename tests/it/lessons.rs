//! Every drill of `lessons/`: found by looking, complete in both languages.

use std::fs;

use kubedrill::lesson::{self, Lesson};

/// Names of the files in `lessons/`.
fn files() -> Vec<String> {
    let entries = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/lessons")).expect("lessons/");
    let names = entries.map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.filter_map(|n| n.strip_suffix(".yaml").map(Into::into)).collect();
    names.sort();
    names
}

#[test]
fn the_catalogue_is_the_folder() {
    let mut shipped: Vec<&str> = lesson::names().collect();
    shipped.sort();
    assert_eq!(shipped, files());
}

#[test]
fn korean_texts_are_korean_and_english_ones_are_not() {
    let hangul = |text: &str| text.chars().any(|c| ('\u{ac00}'..='\u{d7a3}').contains(&c));
    for name in lesson::names() {
        // Texts are found in the tree rather than through the types, so that none is forgotten.
        let tree: serde_yaml::Value = serde_yaml::from_str(lesson::source(name).expect("shipped")).expect("YAML");
        let mut count = 0;
        each_text(&tree, &mut |ko, en| {
            count += 1;
            // A name or a number may be the same in both.
            assert!(hangul(ko) || ko == en, "{name}: not Korean: {ko}");
            assert!(!hangul(en), "{name}: not English: {en}");
        });
        assert!(count >= 10, "{name}: only {count} texts");
    }
}

fn each_text(tree: &serde_yaml::Value, visit: &mut impl FnMut(&str, &str)) {
    if let Some(map) = tree.as_mapping() {
        if let (Some(ko), Some(en)) = (map.get("ko"), map.get("en")) {
            visit(ko.as_str().expect("text"), en.as_str().expect("text"));
        }
        map.values().for_each(|v| each_text(v, visit));
    }
    tree.as_sequence().into_iter().flatten().for_each(|v| each_text(v, visit));
}

#[test]
fn a_mistake_anywhere_is_an_error_and_no_panic() {
    let source = lesson::source("kubelet-stopped").expect("shipped");
    let lines: Vec<&str> = source.lines().collect();
    for i in 0..lines.len() {
        for change in ["", "  x: [", "- y", "\t"] {
            let mut broken = lines.clone();
            broken[i] = change;
            // Some changes leave a valid drill; none may panic.
            if let Err(error) = Lesson::parse(&broken.join("\n")) {
                assert!(!error.to_string().is_empty());
            }
        }
        let cut = lines[..i].join("\n");
        assert!(Lesson::parse(&cut).is_err() || i + 3 > lines.len() || cut.contains("steps"), "cut at {i}");
    }
}
