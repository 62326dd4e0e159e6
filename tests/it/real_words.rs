//! What a real kubectl 1.20 prints on a table of commands, and what ours prints: `tests/kubectl/*.session`,
//! each on a cluster of its own. `# differs` above a command: why the two may print something else.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::fold::fold;
use crate::real_kubectl::{KUBEDRILL, serve};
use crate::tools::{Folder, tool};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kubectl");

/// So many of some five hundred commands may find the cluster in another moment.
const LATE: usize = 4;

/// Rows with generated names in one order, node ports folded: dice decide them.
fn settled(text: &str) -> String {
    let text = fold(text);
    let port = |w: &str| w.len() == 5 && w.starts_with('3') && w.bytes().all(|b| b.is_ascii_digit());
    let mut lines: Vec<String> = Vec::new();
    // A client that asked much says that it waited.
    for line in text.trim_end().lines().filter(|l| !l.contains("Throttling request took")) {
        let folded: String = line
            .split_inclusive([' ', ':', '/', ',', '\t'])
            .map(|w| {
                let bare = w.trim_end_matches([' ', ':', '/', ',', '\t']);
                if port(bare) { w.replace(bare, "<node-port>") } else { w.to_owned() }
            })
            .collect();
        let key = if folded.trim_start().starts_with("resourceVersion") { "resourceVersion".into() } else { folded };
        // klog's head: time, process, line of the source.
        let key = match key.split_once("] --dry-run") {
            Some((_, rest)) => format!("--dry-run{rest}"),
            None => key,
        };
        lines.push(key);
    }
    for run in lines.chunk_by_mut(|a, b| a.contains("<id>") && b.contains("<id>")) {
        run.sort();
    }
    lines.join("\n")
}

fn copied(to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(format!("{FILES}/files")).expect("tests/kubectl/files") {
        let from = entry.expect("an entry").path();
        std::fs::copy(&from, to.join(from.file_name().expect("a name"))).expect("a file");
    }
}

/// Plays a session here and in the simulation; what differs.
fn played(kubectl: &Path, session: &Path) -> String {
    let name = session.file_stem().expect("a name").to_string_lossy().into_owned();
    let folder = Folder::new(&format!("words-{name}"));
    let (here, there, bin) = (folder.0.join("here"), folder.0.join("there"), folder.0.join("bin"));
    copied(&here);
    copied(&there);
    std::fs::create_dir_all(&bin).expect("a folder");
    std::os::unix::fs::symlink(kubectl, bin.join("kubectl")).expect("a link");
    let mut ours = Command::new(KUBEDRILL);
    let ours =
        ours.args(["session", "--profile", "book", "--json", "--dir"]).arg(&there).arg(session).output().unwrap();
    let ours: serde_json::Value = serde_json::from_slice(&ours.stdout).expect("a JSON transcript");
    let config = folder.0.join("config");
    let _served = serve(&config, "20");
    let real = |command: &str| {
        // One that would wait for ever fails instead.
        let mut real = Command::new("timeout");
        real.args(["60", "bash", "-c", command]).current_dir(&here).stdin(Stdio::null());
        real.env("KUBECONFIG", &config).env("HOME", &folder.0);
        let real = real.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).output().expect("bash");
        let text = |bytes: &[u8]| settled(&String::from_utf8_lossy(bytes));
        (real.status.code().unwrap_or(-1), text(&real.stdout), text(&real.stderr))
    };
    let (mut different, mut may, mut at) = (String::new(), false, 0);
    for line in std::fs::read_to_string(session).expect("a session").lines() {
        if line.starts_with('#') || line.is_empty() {
            may |= line.starts_with("# differs");
        } else if let Some(command) = line.strip_prefix("!quiet ") {
            real(command);
        } else if let Some(until) = line.strip_prefix("!until ") {
            let (_, command) = until.split_once(' ').expect("a time and a command");
            let end = Instant::now() + Duration::from_secs(20);
            while real(command).0 != 0 && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(50));
            }
        } else {
            let part = |key: &str| settled(ours[at][key].as_str().unwrap_or_default());
            let our = (ours[at]["rc"].as_i64().unwrap_or(-1) as i32, part("stdout"), part("stderr"));
            at += 1;
            let real = real(line);
            if real != our && !may {
                let _ = writeln!(different, "{name}$ {line}\n--- real\n{real:?}\n--- ours\n{our:?}");
            }
            may = false;
        }
    }
    different
}

#[test]
fn a_real_kubectl_and_ours_use_the_same_words() {
    let Some(kubectl) = tool("KUBEDRILL_KUBECTL") else { return };
    let mut sessions: Vec<_> = std::fs::read_dir(FILES).expect("tests/kubectl").map(|e| e.unwrap().path()).collect();
    sessions.retain(|p| p.extension().is_some_and(|e| e == "session"));
    let left = Mutex::new(sessions);
    let different = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(session) = left.lock().expect("no panic").pop() else { return };
                    let found = played(&kubectl, &session);
                    different.lock().expect("no panic").push_str(&found);
                }
            });
        }
    });
    let different = different.into_inner().expect("no panic");
    // The served cluster runs by the real clock: on a slow machine a command may come a moment later.
    let count = different.lines().filter(|l| *l == "--- real").count();
    assert!(count <= LATE, "{different}");
}
