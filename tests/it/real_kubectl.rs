//! A real kubectl 1.20 against `kubedrill serve`, and ours in the simulation: the same commands print
//! the same, after names and ages are folded.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use kubedrill::lesson::{self, Lesson};
use kubedrill::sim::Profile;

use crate::fold::fold;
use crate::tools::{Folder, tool};

pub const KUBEDRILL: &str = env!("CARGO_BIN_EXE_kubedrill");

const COMMANDS: &str = r#"
kubectl get nodes
kubectl get namespaces
kubectl get svc
kubectl create deployment web --image=nginx --replicas=3
!quiet kubectl rollout status deployment web
kubectl get deployment web
kubectl get rs,svc
kubectl get pods
kubectl get deployment web -o name
kubectl get deployment web -o jsonpath={.spec.template.spec.containers[0].image}
kubectl scale deployment web --replicas=2
kubectl expose deployment web --port=80
kubectl get deployment nosuch
kubectl get nosuch
kubectl create namespace dev
kubectl create namespace dev
kubectl create configmap cfg --from-literal=a=b -n dev
kubectl get configmap cfg -n dev -o jsonpath={.data}
kubectl label node w1-k8s disk=ssd
kubectl get nodes -L disk
kubectl annotate deployment web note=hello
kubectl taint node w2-k8s a=b:NoSchedule
kubectl taint node w2-k8s a-
kubectl cordon w3-k8s
kubectl uncordon w3-k8s
kubectl create role r --verb=get --resource=pods
kubectl create rolebinding rb --role=r --user=bob
kubectl auth can-i get pods --as=bob
kubectl auth can-i delete pods --as=bob
kubectl auth can-i --list
kubectl get pods --as=bob
kubectl create quota q --hard=pods=1 -n dev
kubectl get rolebindings
kubectl patch deployment web -p {"spec":{"replicas":-1}} --type=merge
kubectl set image deployment/web nginx=nginx:1.18
kubectl rollout history deployment web
kubectl delete configmap cfg -n dev
kubectl delete deployment web
kubectl delete svc web
"#;

pub struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn serve(config: &Path, speed: &str) -> Served {
    let mut child = Command::new(KUBEDRILL)
        .args(["serve", "--port", "0", "--profile", "book", "--speed", speed, "--kubeconfig"])
        .arg(config)
        .stdout(Stdio::piped())
        .spawn()
        .expect("kubedrill starts");
    let mut first = String::new();
    let out = child.stdout.take().expect("its output is a pipe");
    BufReader::new(out).read_line(&mut first).expect("it says where it listens");
    assert!(first.starts_with("listening on http://127.0.0.1:"), "{first}");
    Served(child)
}

#[test]
fn a_real_kubectl_and_ours_print_the_same() {
    let Some(kubectl) = tool("KUBEDRILL_KUBECTL") else { return };
    let folder = Folder::new("real-kubectl");
    let config = folder.0.join("config");
    let _served = serve(&config, "20");
    let session = folder.0.join("commands.session");
    // The shell of the machine takes braces and quotes apart; the real one is given the words.
    let quoted: String = COMMANDS
        .lines()
        .map(|l| {
            let word = |w: &str| if w.contains(['{', '"']) { format!("'{w}'") } else { w.to_owned() };
            l.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n"
        })
        .collect();
    std::fs::write(&session, quoted).unwrap();
    let ours = Command::new(KUBEDRILL).args(["session", "--profile", "book", "--json"]).arg(&session).output().unwrap();
    let ours: serde_json::Value = serde_json::from_slice(&ours.stdout).expect("a JSON transcript");
    let mut ours = ours.as_array().expect("a list").iter();
    let mut different = Vec::new();
    for line in COMMANDS.lines().filter(|l| !l.is_empty()) {
        let quiet = line.starts_with("!quiet ");
        let words: Vec<&str> = line.trim_start_matches("!quiet ").split(' ').skip(1).collect();
        let mut command = Command::new(&kubectl);
        command.args(&words).env("KUBECONFIG", &config).env("HOME", &folder.0).stdin(Stdio::null());
        let real = command.output().unwrap_or_else(|e| panic!("{kubectl:?}: {e}"));
        if quiet {
            assert!(real.status.success(), "{line}: {}", String::from_utf8_lossy(&real.stderr));
            continue;
        }
        let text = |bytes: &[u8]| fold(&String::from_utf8_lossy(bytes));
        let real = (real.status.code().unwrap_or(-1), text(&real.stdout), text(&real.stderr));
        let our = ours.next().expect("as many entries as commands");
        let part = |key: &str| fold(our[key].as_str().unwrap_or_default());
        let our = (our["rc"].as_i64().unwrap_or(-1) as i32, part("stdout"), part("stderr"));
        if real != our {
            different.push(format!("$ {line}\n--- real\n{real:?}\n--- ours\n{our:?}"));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

/// What a computer with a real kubectl has of the programs in drills.
const LOCAL: &[&str] = &["kubectl", "cat", "sed", "grep", "tail", "head", "awk", "sort", "uniq", "wc"];
/// Simulated seconds in one real second while a drill's waits pass.
const SPEED: u64 = 50;

/// Whether a command of a drill needs nothing but files and a kubectl.
fn local(command: &lesson::format::Command) -> bool {
    let first = |part: &str| part.split_whitespace().next().is_some_and(|w| LOCAL.contains(&w));
    let on_master = command.machine.is_empty() || command.machine == "m-k8s";
    // Figures of use come a minute after the pods that they are of.
    let figures = command.command.starts_with("kubectl top");
    on_master
        && !figures
        && command.command.split(['|', ';']).all(first)
        && !command.command.contains("/etc/kubernetes")
}

/// Whether a drill reads a manifest from the internet, or leans on one that does.
fn online(drill: &Lesson) -> bool {
    drill.steps.iter().flat_map(|s| &s.commands).any(|c| c.command.contains("https://"))
}

/// What of an output is the same whenever it is asked for: all of most verbs', the head of a table.
fn steady(command: &str, text: &str) -> String {
    let verb = command.split_whitespace().nth(1).unwrap_or_default();
    let moment = matches!(verb, "get" | "describe" | "logs" | "rollout") || command.contains('|');
    match verb {
        "get" if !text.starts_with(['{', '[']) && !command.contains(" -o ") && !command.contains(['|', '>']) => {
            // Of several tables the first: which others there are depends on the moment.
            let head = text.lines().next().unwrap_or_default();
            head.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        _ if moment => String::new(),
        // Pods are evicted side by side, and which of them are on a node is the moment's chance.
        "drain" => {
            let pod = |word: &str| if word.contains("-<hash>-<id>") { "<pod>".into() } else { word.to_owned() };
            let line = |l: &str| l.split(' ').map(pod).collect::<Vec<_>>().join(" ");
            let lines: BTreeSet<String> = fold(text).lines().map(line).collect();
            Vec::from_iter(lines).join("\n")
        }
        _ => fold(text),
    }
}

/// Plays the parts of a drill that concern kubectl alone, here and in the simulation; what differs.
fn played(kubectl: &Path, drill: &Lesson) -> String {
    let folder = Folder::new(&format!("real-{}", drill.name));
    let (here, there, bin) = (folder.0.join("here"), folder.0.join("there"), folder.0.join("bin"));
    for path in [&here, &there, &bin] {
        std::fs::create_dir_all(path).expect("a folder");
    }
    std::os::unix::fs::symlink(kubectl, bin.join("kubectl")).expect("a link");
    for (name, text) in &drill.files {
        std::fs::write(here.join(name), text).expect("a file");
        std::fs::write(there.join(name), text).expect("a file");
    }
    let commands: Vec<_> = drill.steps.iter().flat_map(|s| &s.commands).filter(|c| local(c)).collect();
    let mut session = String::new();
    for c in &commands {
        let _ = writeln!(session, "{}", c.command);
        if let Some(wait) = c.wait {
            let _ = writeln!(session, "!wait {}ms", wait.as_millis());
        }
    }
    let file = folder.0.join("drill.session");
    std::fs::write(&file, session).expect("a file");
    let mut ours = Command::new(KUBEDRILL);
    let ours = ours.args(["session", "--profile", "book", "--json", "--dir"]).arg(&there).arg(&file).output().unwrap();
    let ours: serde_json::Value = serde_json::from_slice(&ours.stdout).expect("a JSON transcript");
    let config = folder.0.join("config");
    let _served = serve(&config, &SPEED.to_string());
    let mut different = String::new();
    for (n, c) in commands.iter().enumerate() {
        let mut real = Command::new("bash");
        real.args(["-c", &c.command]).current_dir(&here).stdin(Stdio::null());
        real.env("KUBECONFIG", &config).env("HOME", &folder.0);
        let real = real.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).output().expect("bash");
        let text = |bytes: &[u8]| steady(&c.command, &String::from_utf8_lossy(bytes));
        let real = (real.status.code().unwrap_or(-1), text(&real.stdout), text(&real.stderr));
        let part = |key: &str| steady(&c.command, ours[n][key].as_str().unwrap_or_default());
        let our = (ours[n]["rc"].as_i64().unwrap_or(-1) as i32, part("stdout"), part("stderr"));
        if real != our {
            let _ = writeln!(different, "{}$ {}\n--- real\n{real:?}\n--- ours\n{our:?}", drill.name, c.command);
        }
        if let Some(wait) = c.wait {
            std::thread::sleep(Duration::from_millis(wait.as_millis() / SPEED + 20));
        }
    }
    different
}

#[test]
fn a_real_kubectl_plays_the_drills() {
    let Some(kubectl) = tool("KUBEDRILL_KUBECTL") else { return };
    let drills: Vec<Lesson> = lesson::names().filter_map(lesson::shipped).collect();
    let left =
        Mutex::new(drills.iter().filter(|d| d.profiles.contains(&Profile::Book) && !online(d)).collect::<Vec<_>>());
    let different = Mutex::new(String::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(drill) = left.lock().expect("no panic").pop() else { return };
                    let found = played(&kubectl, drill);
                    different.lock().expect("no panic").push_str(&found);
                }
            });
        }
    });
    let different = different.into_inner().expect("no panic");
    assert!(different.is_empty(), "{different}");
}
