//! Manifests, and what upstream's servers of both versions answer to them, word for word.

use kubedrill::api::request::FieldValidation;
use kubedrill::api::{Kind, Object, Profile, Status, Value, codec, defaults, validation};

/// A case: its manifest as JSON (after `->` what it is to become), then `1.20`, `1.36` or `both` and the
/// answer, which is `ok` or what comes after `… is invalid: `.
const CASES: &str = include_str!("validation.txt");

fn prepare(manifest: &Value, profile: Profile) -> Result<Object, Status> {
    let kind = Kind::of_manifest_in(manifest.str("apiVersion"), manifest.str("kind"), profile).expect("a kind");
    let (value, _) = codec::decode(kind, manifest, profile, FieldValidation::Ignore)?;
    let mut o = Object::from_value(kind, &value);
    o.set(&["metadata", "uid"], "u");
    let generated = format!("{}abcde", o.str(&["metadata", "generateName"]));
    if o.name().is_empty() && generated != "abcde" {
        o.key.name = generated.as_str().into();
        o.set(&["metadata", "name"], generated);
    }
    defaults::apply(&mut o, profile);
    if kind == Kind::JOB {
        defaults::job_selector(&mut o, profile);
    }
    Ok(o)
}

fn answer(manifest: &str, profile: Profile) -> Result<(), Status> {
    let parse = |text: &str| Value::from_json(text).expect("JSON");
    match manifest.split_once(" -> ") {
        None => validation::check_create(&prepare(&parse(manifest), profile)?, profile),
        Some((old, new)) => {
            let (old, new) = (prepare(&parse(old), profile)?, prepare(&parse(new), profile)?);
            validation::check_update(&new, &old, profile)
        }
    }
}

#[test]
fn answers_are_upstreams_word_for_word() {
    let (mut manifest, mut wrong, mut count) = ("", Vec::new(), 0);
    for line in CASES.lines() {
        if line.starts_with('{') {
            manifest = line;
            continue;
        }
        let Some((versions, want)) = line.split_once(' ') else { continue };
        for (version, profile) in [("1.20", Profile::Book), ("1.36", Profile::Modern)] {
            if versions != version && versions != "both" {
                continue;
            }
            count += 1;
            let got = answer(manifest, profile).err().map_or("ok".to_owned(), |status| status.message.to_string());
            let got = got.split_once(" is invalid: ").map_or(got.as_str(), |(_, rest)| rest);
            if got != want {
                wrong.push(format!("{version} {manifest}\n  want {want}\n  got  {got}"));
            }
        }
    }
    assert!(count > 500);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
