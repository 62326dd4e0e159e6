//! Our shell against bash: the scripts of `tests/shell/scripts.txt` print the same through both and
//! end with the same code. Those of `DIFFERENT` may not, each for the reason beside it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use kubedrill::addons::lab;
use kubedrill::base::Time;
use kubedrill::lesson::play::Player;
use kubedrill::lesson::script;
use kubedrill::sim::{Config, Profile, Session};

/// A part of a script, and why it may print something else here.
const DIFFERENT: [(&str, &str); 12] = [
    ("a[5]=9", "lists have no gaps"),
    ("declare -A", "no associative arrays"),
    ("FUNCNAME", "not kept"),
    ("LINENO", "not kept"),
    ("export -f", "functions are not exported"),
    ("%e", "numbers without exponent"),
    ("LC_ALL=C sort", "one locale: en_US"),
    ("comm -12", "no comm, paste and join"),
    ("md5sum", "no digests, od, fold and column"),
    ("date -d @0", "no time before the lab's"),
    ("trap 'echo ", "of the traps only EXIT runs"),
    ("$(exit 6) $?", "the status of a substitution is seen after its command"),
];

fn scripts() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shell/scripts.txt");
    let text = fs::read_to_string(path).expect("the scripts");
    text.split("\n----\n").skip(1).map(|s| format!("{}\n", s.trim_end_matches('\n'))).collect()
}

/// What bash makes of it, in an empty folder.
fn real(folder: &Path, number: usize, text: &str) -> (String, i32) {
    let here = folder.join(format!("{number}"));
    fs::create_dir_all(&here).expect("a folder");
    let file = folder.join(format!("t{number}.sh"));
    fs::write(&file, text).expect("a script");
    let mut command = Command::new("bash");
    command.arg(&file).current_dir(&here).stdin(Stdio::null()).stderr(Stdio::null());
    let path = std::env::var("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", "/root").env("LANG", "C.UTF-8");
    let out = command.output().expect("bash");
    (String::from_utf8_lossy(&out.stdout).into_owned(), out.status.code().unwrap_or(-1))
}

/// What ours makes of it.
fn ours(scripts: &[String]) -> Vec<(String, i32)> {
    let config = Config { profile: Profile::Modern, workers: 1, ..Config::default() };
    let mut session = Session::new(&config, lab::ready);
    let mut lines = String::new();
    for (i, text) in scripts.iter().enumerate() {
        session.world.machine_mut(1).write(&format!("/root/t{i}.sh"), text.as_str(), Time::ZERO);
        lines += &format!(
            "rm -rf w; mkdir w; cd w; bash ../t{i}.sh > ../out < /dev/null; code=$?; cd; cat out; (exit $code)\n"
        );
    }
    let mut player = Player::default();
    player.play(&mut session, &script::parse(&lines).expect("lines")).expect("it plays");
    player.entries.iter().map(|e| (e.stdout.to_string(), e.code)).collect()
}

#[test]
fn scripts_print_what_bash_prints() {
    // Where the tools of the scripts are missing there is nothing to compare with.
    let there =
        |tool: &str| Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !["bash", "sed", "awk", "grep", "sort", "xargs", "find", "diff"].into_iter().all(there) {
        return;
    }
    let folder = std::env::temp_dir().join(format!("kubedrill-shell-{}", std::process::id()));
    let scripts = scripts();
    let mut wrong = String::new();
    for (i, (text, (printed, code))) in scripts.iter().zip(ours(&scripts)).enumerate() {
        let (want, want_code) = real(&folder, i, text);
        let expected = DIFFERENT.iter().any(|(part, _)| text.contains(part));
        if (&printed, code) != (&want, want_code) && !expected {
            wrong += &format!("\n=== {text}--- bash [{want_code}]\n{want}--- ours [{code}]\n{printed}");
        }
    }
    fs::remove_dir_all(&folder).ok();
    assert!(wrong.is_empty(), "{wrong}");
}
