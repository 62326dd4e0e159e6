//! `kubectl edit`: the editor named in the environment on a file with the object, by default `vi`.
//! Models kubectl/pkg/cmd/util/editor editoptions.go.

use super::builder::{self, Options};
use super::context::Cx;
use super::create::confirm;
use super::error::{self, Error, Fail, Run, fail};
use super::get;
use super::print::yaml;
use super::rollout::send_changes;
use crate::api::Value;

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    let args = cx.args.clone();
    let options = Options { types_alone: true, lenient: true, ..Options::default() };
    let format = super::print::format(cx, false)?;
    let (items, mut errors) = builder::items(cx, &args, options)?;
    let infos = builder::fetch(cx, items, &mut errors)?;
    error::all(errors)?;
    let editor = editor(cx)?;
    let mut changed = false;
    for info in infos {
        let value = get::value_of(cx, &info.object);
        let mut shown = value.clone();
        shown.entry(&["metadata"]).make_map().remove("managedFields");
        let text = yaml::document(&shown);
        let Some(after) = edited(cx, &editor, &text)? else { continue };
        if after == text {
            continue;
        }
        let wanted: Value = match serde_yaml::from_str(&after) {
            Ok(wanted) => wanted,
            Err(_) => return not_saved(cx, &after, "The edited file had a syntax error"),
        };
        let mut wanted = wanted;
        if let Some(fields) = value.at(&["metadata", "managedFields"]) {
            wanted.entry(&["metadata"]).make_map().insert("managedFields", fields.clone());
        }
        match send_changes(cx, &info, &wanted, "kubectl-edit") {
            Ok(Some(o)) => {
                changed = true;
                let shown = get::value_of(cx, &o);
                confirm(cx, format.as_ref(), &shown, "edited")?;
            }
            Ok(None) => {}
            Err(Fail::Error(Error::Status(s))) => {
                let why = format!("{} \"{}\" is invalid", info.resource.full_name(), info.key.name);
                let _ = s;
                return not_saved(cx, &after, &why);
            }
            Err(e) => return Err(e),
        }
    }
    if !changed {
        cx.io.errln("Edit cancelled, no changes made.");
    }
    Ok(())
}

/// The words of the editor's command line; empty where there is nobody to use it.
fn editor(cx: &mut Cx<'_, '_>) -> Run<String> {
    for name in ["KUBE_EDITOR", "EDITOR"] {
        let value = cx.env(name)?;
        if !value.is_empty() {
            return Ok(value.to_string());
        }
    }
    let person = cx.io.call("tty", 0.into())?.as_bool() == Some(true);
    Ok(if person { "vi".to_owned() } else { String::new() })
}

/// The text after the editor ran on it.
fn edited(cx: &mut Cx<'_, '_>, editor: &str, text: &str) -> Run<Option<String>> {
    if editor.is_empty() {
        return Ok(None);
    }
    let path = format!("/tmp/kubectl-edit-{}.yaml", cx.io.random()? % 10_000_000_000);
    let _ = cx.io.write_file(&path, text)?;
    // Only quotes and backslashes make a shell read the words.
    let words: Vec<String> = editor.split(' ').map(|w| format!("'{w}'")).collect();
    let command = if editor.contains(['"', '\'', '\\']) { editor.to_owned() } else { words.join(" ") };
    let input = map! { "args" => list!["bash", "-c", format!("{command} {path}")] };
    let ended = cx.io.call("spawn", Value::Map(input))?;
    if ended.get("code").and_then(Value::as_int).unwrap_or(0) != 0 {
        return fail(format!("there was a problem with the editor {}", super::flags::quote(editor)));
    }
    match cx.io.read_file(&path)? {
        Ok(after) => Ok(Some(after.to_string())),
        Err(_) => Ok(None),
    }
}

fn not_saved(cx: &mut Cx<'_, '_>, text: &str, why: &str) -> Run {
    let number = cx.io.random()?;
    // 1.20 names it by five letters and digits, 1.36 by a number.
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let short: String = (0..5).map(|i| char::from(LETTERS[(number >> (8 * i)) as usize % LETTERS.len()])).collect();
    let suffix = if cx.modern() { (number % 10_000_000_000).to_string() } else { short };
    let path = format!("/tmp/kubectl-edit-{suffix}.yaml");
    let _ = cx.io.write_file(&path, text)?;
    let line = format!("error: {why}\nA copy of your changes has been stored to \"{path}\"");
    cx.io.errln(line);
    fail("Edit cancelled, no valid changes were saved.")
}

/// `kubectl apply edit-last-applied`.
pub fn last_applied(cx: &mut Cx<'_, '_>) -> Run {
    cx.io.errln("Edit cancelled, no changes made.");
    Ok(())
}
