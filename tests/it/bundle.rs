//! Every drill's bundle, as its real users meet it: unpacked by somebody else's unzip, read by
//! vagrant, ruby, shellcheck and bash, its manifests held against the published schemas.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use kubedrill::bundle::{self, Arch, Cni, Knobs, Provider};
use kubedrill::lesson;
use kubedrill::sim::Profile;

use crate::tools::{Folder, must, tool};

/// A spread of labs: every drill and profile as it comes, and one drill with every knob turned.
pub fn labs() -> Vec<(lesson::Lesson, Knobs)> {
    let mut labs = Vec::new();
    for drill in lesson::names().map(|n| lesson::shipped(n).expect("shipped")) {
        labs.extend(drill.profiles.iter().map(|p| (drill.clone(), Knobs::of(*p))));
    }
    let drill = lesson::shipped("kubelet-stopped").expect("shipped");
    for (i, provider) in Provider::ALL.iter().enumerate() {
        for profile in [Profile::Book, Profile::Modern] {
            let arm = profile == Profile::Modern && matches!(provider, Provider::Vmware | Provider::Parallels);
            let knobs = Knobs {
                provider: *provider,
                arch: if arm { Arch::Arm64 } else { Arch::Amd64 },
                workers: [1, 2, 5, 9][i % 4],
                network_prefix: ["192.168.56", "10.20.30", "172.31.0", "192.168.1"][i % 4].to_owned(),
                cni: if i % 2 == 0 { Cni::Flannel } else { Cni::Calico },
                pod_cidr: ["10.244.0.0/16", "172.16.0.0/16", "192.168.128.0/18", "10.0.0.0/12"][i % 4].to_owned(),
                service_cidr: ["10.96.0.0/12", "172.30.0.0/24", "10.32.0.0/16", "192.168.240.0/20"][i % 4].to_owned(),
                ..Knobs::of(profile)
            };
            labs.push((drill.clone(), knobs));
        }
    }
    labs
}

/// Files of all labs, each content once: what they are called in an archive, and what they hold.
fn distinct(fits: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    for (drill, knobs) in labs() {
        for entry in bundle::entries(&drill, &knobs).expect("a bundle") {
            if fits(&entry.path) {
                seen.insert((entry.path, String::from_utf8(entry.content).expect("UTF-8")));
            }
        }
    }
    seen.into_iter().collect()
}

/// Writes a bundle's entries as files.
pub fn unpacked(name: &str, drill: &lesson::Lesson, knobs: &Knobs) -> Folder {
    let folder = Folder::new(name);
    for entry in bundle::entries(drill, knobs).expect("a bundle") {
        let path = folder.0.join(&entry.path);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
        fs::write(&path, &entry.content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode.into())).expect("a mode");
    }
    folder
}

/// Files below `folder` whose name ends so.
fn ending(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(ending(&entry, suffix));
        } else if entry.to_string_lossy().ends_with(suffix) {
            found.push(entry);
        }
    }
    found.sort();
    found
}

#[test]
fn the_same_knobs_give_the_same_bytes() {
    for (drill, knobs) in labs() {
        let bytes = bundle::build(&drill, &knobs).expect("a bundle");
        assert!(bytes == bundle::build(&drill, &knobs).expect("a bundle"));
        assert!(bytes.len() < 100_000, "{} bytes", bytes.len());
    }
}

#[test]
fn another_program_unpacks_it() {
    let Some(python) = tool("KUBEDRILL_KUBERNETES_VALIDATE") else { return };
    let program = "
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
for i in z.infolist():
    print(oct(i.external_attr >> 16), i.file_size, *i.date_time, i.filename)
z.extractall(sys.argv[2])
";
    let folder = Folder::new("unzip");
    for (drill, knobs) in labs() {
        let archive = folder.0.join("lab.zip");
        fs::write(&archive, bundle::build(&drill, &knobs).expect("a bundle")).expect("a file");
        let listed = must(Command::new(&python).arg("-c").arg(program).arg(&archive).arg(folder.0.join("out")));
        for entry in bundle::entries(&drill, &knobs).expect("a bundle") {
            let line = format!("0o100{:o} {} 1980 1 1 0 0 0 {}\n", entry.mode, entry.content.len(), entry.path);
            assert!(listed.contains(&line), "{line} not in\n{listed}");
            assert_eq!(fs::read(folder.0.join("out").join(&entry.path)).expect("unpacked"), entry.content);
        }
    }
}

#[test]
fn vagrant_and_ruby_accept_the_vagrantfile() {
    let (Some(vagrant), Some(ruby)) = (tool("KUBEDRILL_VAGRANT"), tool("KUBEDRILL_RUBY")) else { return };
    let folder = Folder::new("vagrant");
    fs::create_dir_all(folder.0.join("manifests")).expect("a folder");
    for (name, content) in
        distinct(|path| ["config.sh", "install_pkg.sh", "master_node.sh", "work_nodes.sh"].contains(&path))
    {
        fs::write(folder.0.join(name), content).expect("a script");
    }
    for (name, content) in distinct(|path| path == "Vagrantfile") {
        let path = folder.0.join(name);
        fs::write(&path, content).expect("a file");
        must(Command::new(&ruby).args(["-wc"]).arg(path));
        let mut validate = Command::new(&vagrant);
        validate.args(["validate", "--ignore-provider"]).current_dir(&folder.0);
        let home = folder.0.join(".vagrant.d");
        must(validate.env("VAGRANT_HOME", home).env("VAGRANT_CHECKPOINT_DISABLE", "1"));
    }
}

#[test]
fn scripts_are_clean() {
    let Some(shellcheck) = tool("KUBEDRILL_SHELLCHECK") else { return };
    let folder = Folder::new("scripts");
    let scripts = distinct(|path| path.ends_with(".sh"));
    assert!(scripts.len() >= 10, "{scripts:?}");
    let paths: Vec<PathBuf> = scripts
        .iter()
        .enumerate()
        .map(|(i, (name, content))| {
            let path = folder.0.join(format!("{i}-{}", name.replace('/', "-")));
            fs::write(&path, content).expect("a script");
            must(Command::new("bash").arg("-n").arg(&path));
            path
        })
        .collect();
    must(Command::new(&shellcheck).args(&paths));
    for (drill, knobs) in labs() {
        for entry in bundle::entries(&drill, &knobs).expect("a bundle") {
            assert_eq!(entry.mode == 0o755, entry.path.ends_with(".sh"), "{}", entry.path);
        }
    }
}

/// Manifests for the other profile's version: their drill chooses by what the server says it is.
const OTHERS: [(Profile, &str, &str); 2] =
    [(Profile::Book, "ingress", "ingress.yaml"), (Profile::Modern, "ingress", "ingress-old.yaml")];

#[test]
fn manifests_pass_the_published_schemas() {
    let Some(new) = tool("KUBEDRILL_KUBERNETES_VALIDATE") else { return };
    let Some(old) = tool("KUBEDRILL_KUBERNETES_VALIDATE_BOOK") else { return };
    let program = "
import sys, yaml, kubernetes_validate
for path in sys.argv[2:]:
    for doc in yaml.safe_load_all(open(path, encoding='utf-8')):
        kubernetes_validate.validate(doc, sys.argv[1], strict=True)
";
    for (profile, python, minor) in [(Profile::Book, old, "1.18"), (Profile::Modern, new, "1.36")] {
        let folder = Folder::new("schemas");
        for drill in lesson::names().map(|n| lesson::shipped(n).expect("shipped")) {
            let here = drill.profiles.contains(&profile);
            for (name, content) in drill.files.iter().filter(|(n, _)| n.ends_with(".yaml") && here) {
                if OTHERS.contains(&(profile, &drill.name, name)) {
                    continue;
                }
                fs::write(folder.0.join(format!("{}-{name}", drill.name)), content).expect("a manifest");
            }
        }
        let manifests = ending(&folder.0, ".yaml");
        assert!(!manifests.is_empty());
        must(Command::new(&python).args(["-c", program, minor]).args(&manifests));
    }
}

#[test]
fn every_check_of_the_drill_is_in_its_scripts() {
    for (drill, knobs) in labs() {
        let entries = bundle::entries(&drill, &knobs).expect("a bundle");
        let content = |name: &str| {
            let path = format!("drills/{}/{name}", drill.name);
            let entry = entries.iter().find(|e| e.path == path).unwrap_or_else(|| panic!("{path}"));
            String::from_utf8(entry.content.clone()).expect("UTF-8")
        };
        let (run, verify) = (content("run.sh"), content("verify.sh"));
        for step in &drill.steps {
            assert!(
                step.commands
                    .iter()
                    .all(|c| run.contains(&bundle::escape::shell(&c.command)) || c.interrupt_after.is_some())
            );
            assert!(step.checks.iter().all(|c| verify.contains(&bundle::escape::shell(&c.command))));
            for readme in ["README.ko.md", "README.en.md"] {
                assert!(step.commands.iter().all(|c| content(readme).contains(&c.command)));
            }
        }
    }
}

#[test]
fn refused_knobs_say_which() {
    let drill = lesson::shipped("kubelet-stopped").expect("shipped");
    let knobs = Knobs { network_prefix: "192.168.1'; system('id'); '".into(), ..Knobs::of(Profile::Book) };
    let error = bundle::build(&drill, &knobs).expect_err("hostile");
    assert!(error.to_string().starts_with("networkPrefix: "), "{error}");
    let mut other = drill.clone();
    other.profiles = vec![Profile::Modern];
    let error = bundle::build(&other, &Knobs::of(Profile::Book)).expect_err("not in this profile");
    assert_eq!(error.to_string(), "the drill `kubelet-stopped` does not apply to profile book");
}

/// The exported scripts against stand-ins for vagrant and ssh that answer as the lab would.
#[test]
fn verify_agrees_with_the_checks() {
    let drill = lesson::shipped("kubelet-stopped").expect("shipped");
    let folder = unpacked("verify", &drill, &Knobs::of(Profile::Book));
    let bin = folder.0.join("bin");
    fs::create_dir_all(&bin).expect("a folder");
    let stand_in = |name: &str, body: &str| {
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    };
    stand_in("vagrant", "echo Host m-k8s");
    // ssh -F CONFIG MACHINE sudo -i bash -s, with the line on standard input
    let answers = "
line=$(cat)
case \"$3 $line\" in
  'm-k8s kubectl get pod nginx-pod -o jsonpath={.spec.nodeName}') printf w2-k8s ;;
  'm-k8s kubectl get pod nginx-pod -o jsonpath={.status.phase}') printf Running ;;
  'w2-k8s systemctl is-active kubelet') echo inactive; exit 3 ;;
  'm-k8s kubectl get pod nginx-pod') echo 'Error from server (NotFound): pods \"nginx-pod\" not found' >&2; exit 1 ;;
  'm-k8s kubectl get nodes') printf 'NAME STATUS\\nm-k8s Ready\\n' ;;
  *) echo \"unexpected: $3 $line\"; exit 9 ;;
esac";
    stand_in("ssh", answers);
    let verify = |step: &str| {
        let mut command = Command::new(folder.0.join("drills/kubelet-stopped/verify.sh"));
        command.arg(step).env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("LC_ALL", "C");
        command.output().expect("bash")
    };
    for step in ["create-pod", "stop-kubelet", "start-kubelet"] {
        let out = verify(step);
        assert!(out.status.success(), "{step}: {}", String::from_utf8_lossy(&out.stdout));
    }
    // Waiting a minute for what will not come would be a slow test: shorten it in the script.
    let path = folder.0.join("drills/kubelet-stopped/verify.sh");
    let script = fs::read_to_string(&path).expect("the script");
    fs::write(&path, script.replace("check 60 ", "check 0 ")).expect("the script");
    let out = verify("delete-pod");
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stdout));
    assert_eq!(verify("nonsense").status.code(), Some(2));
}
