//! The commands that were recorded on real clusters of 1.20 and 1.36, played in the simulation.
//! `tests/golden/sessions` has the commands, `tests/golden/VERSION.txt` for each of them, in order:
//! the session, its number there, the hash of what the real one printed (folded; `-` where a recording
//! is of no use), and why ours may print something else: a word that docs/FIDELITY.md explains.
//!
//! The head of `VERSION.txt` has a line `= SESSION N` for each session: at least N of its commands are
//! equal. `KUBEDRILL_REWRITE=1` raises and lowers these numbers to what is so now; a reason beside a
//! command that is equal goes then, too.
//!
//! `KUBEDRILL_GOLDEN=DIR` writes the hashes anew from recordings (`DIR/VERSION/NAME.json`) and keeps
//! the reasons; `KUBEDRILL_GOLDEN_SHOW=1` prints which commands differ without a reason.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use kubedrill::addons::lab;
use kubedrill::lesson::play::Player;
use kubedrill::lesson::script;
use kubedrill::sim::{Config, Input, Profile, Session};

use crate::fold::fold;

/// Of a hundred commands, equal or with a reason.
const SHARE: usize = 98;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn sorted(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn the_book_prints_what_1_20_printed() {
    check("1.20", Profile::Book);
}
#[test]
fn the_modern_profile_prints_what_1_36_printed() {
    check("1.36", Profile::Modern);
}

/// One recorded command: hash (none: of no use) and reason.
type Row = (Option<u64>, String);

fn check(version: &str, profile: Profile) {
    let path = root().join(format!("{version}.txt"));
    let held_text = fs::read_to_string(&path).unwrap_or_default();
    let (mut rows, mut floors) = (read(&held_text), floors(&held_text));
    if let Some(dir) = std::env::var_os("KUBEDRILL_GOLDEN") {
        rewrite(Path::new(&dir), version, &mut rows);
        fs::write(&path, text(&rows, &floors)).expect("the hashes");
    }
    let renew = std::env::var_os("KUBEDRILL_REWRITE").is_some();
    let mut fallen = String::new();
    let (mut total, mut held, mut equal) = (0, 0, 0);
    let (mut figures, mut differing) = (String::new(), String::new());
    for file in sorted(&root().join("sessions")) {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let (mut of, mut same) = (0, 0);
        for (i, (command, printed)) in played(&file, profile).into_iter().enumerate() {
            let Some((Some(hash), reason)) = rows.get_mut(&(name.clone(), i + 1)) else { continue };
            of += 1;
            if *hash == fnv(&printed) {
                same += 1;
                held += 1;
                if renew {
                    reason.clear();
                }
            } else if reason.is_empty() {
                writeln!(differing, "{name} {} {command}", i + 1).expect("text");
            } else {
                held += 1;
            }
        }
        writeln!(figures, "{version} {name}: {same} of {of} equal").expect("text");
        let floor = floors.get(&name).copied().unwrap_or(0);
        if renew {
            floors.insert(name.clone(), same);
        } else if same < floor {
            writeln!(fallen, "{name}: {same} equal, {floor} before").expect("text");
        }
        total += of;
        equal += same;
    }
    println!("{figures}{version}: {equal} of {total} equal, {held} with those whose reason is known");
    if std::env::var_os("KUBEDRILL_GOLDEN_SHOW").is_some() {
        println!("{differing}");
    }
    if renew {
        fs::write(&path, text(&rows, &floors)).expect("the hashes");
    }
    assert!(fallen.is_empty(), "{version}: fewer commands print what the real ones printed:\n{fallen}");
    assert!(total > 600, "{version}: only {total} commands");
    assert!(held * 100 >= total * SHARE, "{held} of {total} commands of {version} hold; these do not:\n{differing}");
}

fn read(text: &str) -> BTreeMap<(String, usize), Row> {
    let row = |line: &str| {
        let mut words = line.split(' ');
        let key = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let hash = u64::from_str_radix(words.next()?, 16).ok();
        Some((key, (hash, words.next().unwrap_or_default().to_owned())))
    };
    text.lines().filter_map(row).collect()
}

/// How many commands of each session are equal at least.
fn floors(text: &str) -> BTreeMap<String, usize> {
    let floor = |line: &str| {
        let (name, n) = line.strip_prefix("= ")?.split_once(' ')?;
        Some((name.to_owned(), n.parse().ok()?))
    };
    text.lines().filter_map(floor).collect()
}

fn text(rows: &BTreeMap<(String, usize), Row>, floors: &BTreeMap<String, usize>) -> String {
    let mut out: String = floors.iter().map(|(name, n)| format!("= {name} {n}\n")).collect();
    for ((name, number), (hash, reason)) in rows {
        let hash = hash.map_or("-".to_owned(), |h| format!("{h:016x}"));
        out += format!("{name} {number} {hash} {reason}").trim_end();
        out.push('\n');
    }
    out
}

fn rewrite(dir: &Path, version: &str, rows: &mut BTreeMap<(String, usize), Row>) {
    for file in sorted(&dir.join(version)).into_iter().filter(|f| f.extension().is_some_and(|e| e == "json")) {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let all: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&file).expect("a recording")).expect("JSON");
        for (i, one) in all.as_array().expect("a list").iter().enumerate() {
            let field = |f: &str| one[f].as_str().unwrap_or_default();
            let skip = one["skip"].as_bool().unwrap_or(false);
            let printed = settle(one["rc"].as_i64().unwrap_or(0), field("stdout"), field("stderr"));
            let reason = rows.get(&(name.clone(), i + 1)).map(|r| r.1.clone()).unwrap_or_default();
            rows.insert((name.clone(), i + 1), ((!skip).then(|| fnv(&printed)), reason));
        }
    }
}

fn played(file: &Path, profile: Profile) -> Vec<(String, String)> {
    let text = fs::read_to_string(file).expect("a session");
    let lines = script::parse(&text).unwrap_or_else(|e| panic!("{}:{e}", file.display()));
    let mut session = Session::new(&Config { profile, ..Config::default() }, lab::ready);
    for manifest in sorted(&root().join("yaml")) {
        let name = manifest.file_name().expect("a name").to_string_lossy().into_owned();
        let content = fs::read_to_string(&manifest).expect("a manifest");
        let path = format!("/root/{name}").as_str().into();
        session.input(Input::File { machine: "m-k8s".into(), path, content: content.as_str().into() });
    }
    let mut player = Player::default();
    // A wait that gives up leaves the commands before it.
    let _ = player.play(&mut session, &lines);
    let loud = player.entries.iter().filter(|e| !e.quiet);
    loud.map(|e| (e.command.clone(), settle(i64::from(e.code), &e.stdout, &e.stderr))).collect()
}

/// Folds also what dice decide: the order of rows with generated names.
fn settle(code: i64, stdout: &str, stderr: &str) -> String {
    let mut out = format!("{code}\n");
    for stream in [stdout, stderr] {
        let mut run: Vec<String> = Vec::new();
        for line in stream.lines() {
            let line = fold(&marks(line));
            if line.contains("<id>") || line.contains("<hash>") {
                run.push(line);
                continue;
            }
            run.sort();
            out.extend(run.drain(..).map(|l| l + "\n"));
            out += &line;
            out.push('\n');
        }
        run.sort();
        out.extend(run.drain(..).map(|l| l + "\n"));
        out += "----\n";
    }
    out
}

/// Log prefixes, revisions, node ports, counts and dates, which the fold of session files leaves.
fn marks(line: &str) -> String {
    let mut line = line.to_owned();
    let logged =
        line.starts_with(['I', 'W', 'E']) && line.get(1..5).is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit()));
    if let Some(end) = line.find("] ").filter(|_| logged) {
        let place = line[..end].split(' ').next_back().unwrap_or_default();
        let file = place.split(':').next().unwrap_or_default().to_owned();
        line = format!("<log {file}>{}", &line[end + 1..]);
    }
    for before in [
        "resourceVersion: \"",
        "\"resourceVersion\": \"",
        "resourceVersion=",
        "nodePort: ",
        "\"nodePort\": ",
        "milliseconds=",
        " in ",
        "(x",
    ] {
        line = without_digits(&line, before);
    }
    let words: Vec<String> = line.split(' ').map(port).collect();
    let line = words.join(" ");
    let date = |from: &str| line.find(from).filter(|i| line.len() >= i + 31);
    match ["Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, ", "Sun, "].iter().find_map(|d| date(d)) {
        Some(at) if line.is_char_boundary(at + 31) => format!("{}<time>{}", &line[..at], &line[at + 31..]),
        _ => line,
    }
}

fn without_digits(line: &str, before: &str) -> String {
    let (mut out, mut rest) = (String::new(), line);
    while let Some(i) = rest.find(before) {
        let (head, tail) = rest.split_at(i + before.len());
        out += head;
        rest = tail.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() < tail.len() {
            out += "<n>";
        }
    }
    out + rest
}

/// `80:31234/TCP` with its chance port folded.
fn port(word: &str) -> String {
    let Some((left, right)) = word.split_once(':') else { return word.to_owned() };
    let Some((number, protocol)) = right.split_once('/') else { return word.to_owned() };
    let chance = number.parse::<u32>().is_ok_and(|n| (30_000..=32_767).contains(&n));
    if chance { format!("{left}:<node-port>/{protocol}") } else { word.to_owned() }
}

fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
