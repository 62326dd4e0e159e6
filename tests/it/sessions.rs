//! Session files with what their commands must print: `tests/sessions/*.session`, found by looking.
//! Below each command stands `----` and its folded output, up to an empty line (`<empty line>` stands
//! for one inside the output). `KUBEDRILL_REWRITE=1` writes what is printed now; read the diff.
//!
//! A file runs in profile book, or in the one its name ends with (`x.modern.session`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kubedrill::addons::lab;
use kubedrill::lesson::play::{Entry, Player};
use kubedrill::lesson::{self, progress, script};
use kubedrill::sim::{Config, Profile, Session};

use crate::fold::fold;

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sessions")).expect("tests/sessions");
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "session"));
    files.sort();
    files
}

#[test]
fn commands_print_what_the_files_say() {
    let files = files();
    assert!(!files.is_empty());
    let wrong: Vec<String> = files.iter().filter_map(|f| check(f).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(path: &Path) -> Result<(), String> {
    let want = fs::read_to_string(path).expect("a session file");
    let got = played(path, &want);
    if got == want {
        return Ok(());
    }
    if std::env::var_os("KUBEDRILL_REWRITE").is_some() {
        fs::write(path, got).expect("a session file");
        return Ok(());
    }
    let differ = |(a, b): &(&str, &str)| a != b;
    let (i, (a, b)) =
        want.lines().zip(got.lines()).enumerate().find(|(_, p)| differ(p)).unwrap_or((0, ("", "<length>")));
    Err(format!("{}:{}: expected\n  {a}\nbut got\n  {b}\nin\n{got}", path.display(), i + 1))
}

/// The file with what its commands print now.
fn played(path: &Path, text: &str) -> String {
    let commands = without_output(text);
    let lines = script::parse(&commands).unwrap_or_else(|e| panic!("{}:{e}", path.display()));
    let modern = path.to_string_lossy().ends_with(".modern.session");
    let profile = if modern { Profile::Modern } else { Profile::Book };
    let mut session = Session::new(&Config { profile, ..Config::default() }, lab::ready);
    let drill = lesson::shipped("kubelet-stopped").expect("shipped");
    progress::prepare(&drill, &mut session);
    let mut player = Player::default();
    let result = player.play(&mut session, &lines);
    let entries: BTreeMap<u32, &Entry> = player.entries.iter().filter(|e| !e.quiet).map(|e| (e.line, e)).collect();
    let mut out = String::new();
    for (i, line) in commands.lines().enumerate() {
        out += &format!("{line}\n");
        if let Some(entry) = entries.get(&(i as u32 + 1)) {
            out += &format!("----\n{}\n", output(entry));
        }
    }
    if let Err(error) = result {
        out += &format!("#### {}\n", error.to_string().replace('\n', " "));
    }
    out
}

fn output(entry: &Entry) -> String {
    let mut text = fold(&format!("{}{}", entry.stdout, entry.stderr));
    while text.ends_with('\n') {
        text.pop();
    }
    let mut out = String::new();
    for line in text.lines() {
        out += if line.is_empty() { "<empty line>" } else { line };
        out += "\n";
    }
    if entry.code != 0 {
        out += &format!("[exit {}]\n", entry.code);
    }
    out
}

/// Drops each `----` and all up to the empty line after it.
fn without_output(text: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for line in text.lines().filter(|l| !l.starts_with("####")) {
        if inside {
            inside = !line.is_empty();
        } else if line == "----" {
            inside = true;
        } else {
            out += &format!("{line}\n");
        }
    }
    out
}
