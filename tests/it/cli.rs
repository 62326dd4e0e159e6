//! The native program as its users call it. Needs feature `cli`.
#![cfg(feature = "cli")]

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::tools::Folder;

fn kubedrill(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubedrill"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).unwrap_or_default();
    child.wait_with_output().expect("its output")
}

fn check(args: &[&str], input: &str, code: i32, stdout: &str, stderr: &str) {
    let out = kubedrill(args, input);
    let (so, se) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert_eq!(out.status.code(), Some(code), "{args:?}\n{so}\n{se}");
    assert!(so.contains(stdout), "{args:?}: {stdout} not in\n{so}");
    assert!(se.contains(stderr), "{args:?}: {stderr} not in\n{se}");
}

#[test]
fn a_session_prints_a_transcript() {
    check(&["session"], "echo hello\n", 0, "[root@m-k8s ~]# echo hello\nhello\n", "");
    check(
        &["session", "--profile", "modern", "-"],
        "@w1-k8s echo $((6 * 7))\n",
        0,
        "[root@w1-k8s ~]# echo $((6 * 7))\n42\n",
        "",
    );
    check(&["session"], "false\nno-such-command\n", 0, "no-such-command", "");
}

#[test]
fn json_is_one_array() {
    let out = kubedrill(&["session", "--json"], "!quiet echo a\nsleep 2; echo b\n@w1-k8s false\n");
    let rows: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let rows = rows.as_array().expect("an array");
    assert_eq!(rows.len(), 2, "{rows:?}");
    let keys: Vec<&String> = rows[0].as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 7, "{keys:?}");
    assert_eq!((&rows[0]["cmd"], &rows[0]["stdout"]), (&"sleep 2; echo b".into(), &"b\n".into()));
    assert!(rows[0]["dur"].as_f64().is_some_and(|d| (2.0..2.2).contains(&d)), "{}", rows[0]);
    assert_eq!((&rows[1]["machine"], &rows[1]["rc"]), (&"w1-k8s".into(), &1.into()));
}

#[test]
fn commands_without_end_are_interrupted() {
    let out = kubedrill(&["session", "--json"], "sleep 10000\nkubectl get pods -w\n!wait 3s\n!interrupt\n");
    let rows: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!((&rows[0]["rc"], &rows[1]["rc"]), (&130.into(), &130.into()), "{rows}");
    assert!(rows[0]["dur"].as_f64().is_some_and(|d| (600.0..601.0).contains(&d)), "{rows}");
    assert!(rows[1]["dur"].as_f64().is_some_and(|d| (3.0..4.0).contains(&d)), "{rows}");
}

#[test]
fn until_waits_or_gives_up() {
    let deploy =
        "kubectl create deployment web --image=nginx\n!until 60s kubectl get pods => Running\nkubectl get pods\n";
    check(&["session"], deploy, 0, "Running", "");
    check(&["session"], "echo a\n!until 3s false\n", 1, "echo a\na\n", "<stdin>:2: !until: gave up after 3s");
}

#[test]
fn files_of_a_folder_lie_in_the_home_folder() {
    let folder = Folder::new("home");
    fs::write(folder.0.join("a.yaml"), "kind: Pod\n").expect("a file");
    let dir = folder.0.to_str().expect("UTF-8");
    check(&["session", "--dir", dir], "cat a.yaml\n", 0, "kind: Pod", "");
    fs::write(folder.0.join("b.yaml"), [0xff]).expect("a file");
    check(&["session", "--dir", dir], "ls\n", 1, "", "b.yaml: not UTF-8");
    check(&["session", "--dir", "/no/such"], "ls\n", 1, "", "/no/such: ");
}

#[test]
fn mistakes_are_told_with_their_place() {
    let folder = Folder::new("mistakes");
    let file = folder.0.join("x.session");
    fs::write(&file, "ls\n\n!wait soon\n").expect("a file");
    let name = file.to_str().expect("UTF-8");
    check(&["session", name], "", 1, "", &format!("{name}:3: !wait: expected a time"));
    check(&["session"], "@w9-k8s ls\n", 1, "", "<stdin>:1: no machine is called `w9-k8s`; there are host, m-k8s");
    check(&["session", "--workers", "12"], "", 2, "", "--workers: expected 1 to 9, got 12");
    check(&["session", "--profile", "old"], "", 2, "", "expected book or modern");
    check(&["session", "--colour"], "", 2, "", "--colour");
    check(&["frobnicate"], "", 2, "", "unknown command `frobnicate`");
    check(&[], "", 2, "", "a command is missing");
    check(&["session", "--help"], "", 0, "!until 60s COMMAND", "");
}

#[test]
fn bundles_are_written() {
    let folder = Folder::new("bundles");
    let file = folder.0.join("lab.zip");
    let name = file.to_str().expect("UTF-8");
    check(&["bundle", "kubelet-stopped", "-o", name, "--workers", "2"], "", 0, "", "");
    let drill = kubedrill::lesson::shipped("kubelet-stopped").expect("shipped");
    let knobs = kubedrill::bundle::Knobs { workers: 2, ..kubedrill::bundle::Knobs::of(Default::default()) };
    assert!(fs::read(&file).expect("a file") == kubedrill::bundle::build(&drill, &knobs).expect("a bundle"));
    check(&["bundle", "kubelet-stopped", "-o", name, "--workers", "20"], "", 2, "", "workers: expected 1 to 9, got 20");
    check(&["bundle", "no-such", "-o", name], "", 1, "", "no drill is called `no-such`; there are ");
    check(&["bundle", "kubelet-stopped"], "", 2, "", "-o FILE.zip is missing");
    let own = folder.0.join("own.yaml");
    fs::write(&own, "name: x\ntitle: 1\n").expect("a file");
    check(&["bundle", own.to_str().expect("UTF-8"), "-o", name], "", 1, "", "own.yaml:2:");
}

#[test]
fn drills_are_listed() {
    check(&["lesson", "list"], "", 0, "kubelet-stopped            book,modern  Deleting a pod", "");
    check(&["lesson", "list", "--lang", "ko", "--profile", "modern"], "", 0, "노드와 스케줄링\n", "");
    check(&["lesson", "list", "--json"], "", 0, "\"name\":\"br-netfilter\",\"profiles\":[\"book\"]", "");
    check(&["lesson", "list", "x"], "", 2, "", "takes no LESSON");
    check(&["lesson", "show", "kubelet-stopped"], "", 0, "[root@m-k8s]# kubectl create -f nginx-pod.yaml", "");
    check(&["lesson", "play", "scale-bare-pod"], "", 0, "== scale-pod\n[root@m-k8s ~]# kubectl scale pod", "");
    check(
        &["lesson", "test", "scale-bare-pod", "--seeds", "1"],
        "",
        0,
        "ok    scale-bare-pod             modern  1 seeds",
        "",
    );
    check(&["lesson", "test", "no-such"], "", 1, "", "no drill is called");
    check(&["lesson", "frob"], "", 2, "", "one of list, show, play, test");
    check(&["lesson"], "", 2, "", "one of list, show, play, test");
    let folder = Folder::new("unsound");
    let own = folder.0.join("own.yaml");
    let source = kubedrill::lesson::source("scale-bare-pod").expect("shipped");
    let unsound = source.replace("could not find the requested resource", "something else").replace("within", "x");
    fs::write(
        &own,
        unsound.replace("    expect: {has: something else}", "    expect: {has: something else}\n    within: 2s"),
    )
    .expect("a file");
    let name = own.to_str().expect("UTF-8");
    check(
        &["lesson", "test", name, "--seeds", "1"],
        "",
        1,
        "WRONG scale-bare-pod             book    seed 1: scale-pod",
        "",
    );
}
