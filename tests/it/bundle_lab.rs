//! What lies around the machines in a bundle: read and run as its users would, against stand-ins for
//! the programs of a computer that has none of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use kubedrill::bundle::{self, Knobs};
use kubedrill::lesson;
use kubedrill::sim::Profile;

use crate::bundle::{labs, unpacked};
use crate::tools::{must, tool};

fn stand_in(bin: &Path, name: &str, body: &str) {
    fs::create_dir_all(bin).expect("a folder");
    let path = bin.join(name);
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn run(script: &Path, bin: &Path) -> Output {
    let mut command = Command::new("bash");
    command.arg(script).env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("LC_ALL", "C");
    command.output().expect("bash")
}

fn content(lesson: &lesson::Lesson, knobs: &Knobs, path: &str) -> String {
    let entries = bundle::entries(lesson, knobs).expect("a bundle");
    let entry = entries.into_iter().find(|e| e.path == path).unwrap_or_else(|| panic!("{path}"));
    String::from_utf8(entry.content).expect("UTF-8")
}

fn drill() -> lesson::Lesson {
    lesson::shipped("kubelet-stopped").expect("shipped")
}

#[test]
fn a_record_is_one_json_document() {
    let folder = unpacked("record", &drill(), &Knobs::of(Profile::Book));
    let bin = folder.0.join("bin");
    stand_in(&bin, "vagrant", "echo Host m-k8s");
    let answers = "
line=$(cat)
case \"$3 $line\" in
  'm-k8s kubectl version -o json') echo '{\"serverVersion\": {}}' ;;
  'm-k8s kubectl get events'*) echo refused >&2; exit 1 ;;
  'm-k8s kubectl get '*) printf '{\"items\": []}\\n' ;;
  *' uname -r') printf 'odd \"quoted\" \\\\\\n' ;;
  'w2-k8s systemctl is-active kubelet') echo inactive; exit 3 ;;
  *) echo active ;;
esac";
    stand_in(&bin, "ssh", answers);
    let script = folder.0.join("drills/kubelet-stopped/record.sh");
    let file = folder.0.join("out.json");
    let mut command = Command::new("bash");
    command.arg(script).arg(&file).env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("LC_ALL", "C");
    must(&mut command);
    let text = fs::read_to_string(&file).expect("a record");
    let record: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}:\n{text}"));
    assert_eq!(record["format"], "kubedrill-record/1");
    assert_eq!((&record["lesson"], &record["profile"]), (&"kubelet-stopped".into(), &"book".into()));
    assert_eq!((&record["events"], &record["objects"]["items"]), (&().into(), &serde_json::json!([])));
    assert_eq!(record["machines"].as_object().map(|m| m.len()), Some(4));
    assert_eq!(record["machines"]["w2-k8s"]["kubelet"], "inactive");
    assert_eq!(record["machines"]["w1-k8s"]["kernel"], "odd \"quoted\" \\");
}

#[test]
fn in_kind_the_machines_have_other_names() {
    let folder = unpacked("kind", &drill(), &Knobs::of(Profile::Modern));
    let bin = folder.0.join("bin");
    // docker exec -i CONTAINER bash -s
    let answers = "
line=$(cat | tail -n 1)
case \"$3 $line\" in
  'lab-control-plane kubectl get pod nginx-pod -o jsonpath={.spec.nodeName}') printf lab-worker2 ;;
  'lab-control-plane kubectl get pod nginx-pod -o jsonpath={.status.phase}') printf Running ;;
  'lab-worker2 systemctl is-active kubelet') echo inactive; exit 3 ;;
esac";
    stand_in(&bin, "docker", answers);
    let mut command = Command::new("bash");
    command.arg(folder.0.join("drills/kubelet-stopped/verify.sh")).arg("stop-kubelet").env("KIND", "lab");
    must(command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("LC_ALL", "C"));
}

#[test]
fn the_doctor_tells_what_is_missing() {
    let folder = unpacked("doctor", &drill(), &Knobs::of(Profile::Book));
    let bin = folder.0.join("bin");
    let script = folder.0.join("doctor.sh");
    let text = fs::read_to_string(&script).expect("the script");
    // As if on a machine with enough memory and processor, whatever the tests run on.
    let text = text.replace("/proc/meminfo", "/no/such").replace("/proc/cpuinfo", "/no/such");
    fs::write(&script, text).expect("the script");
    stand_in(&bin, "uname", "case $1 in -m) echo x86_64 ;; *) echo FreeBSD ;; esac");
    stand_in(&bin, "vagrant", "echo Vagrant 2.2.6");
    stand_in(&bin, "ip", "echo '2: eth0    inet 10.1.2.3/24 brd 10.1.2.255 scope global eth0'");
    let out = run(&script, &bin);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(1), "{said}");
    for part in ["2.2.6 is too old", "VBoxManage of the provider virtualbox is missing", "Problems to solve: 2"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    stand_in(&bin, "vagrant", "echo Vagrant 2.4.1");
    stand_in(&bin, "VBoxManage", "");
    let out = run(&script, &bin);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    // A router at home hands out the lab's addresses.
    stand_in(&bin, "ip", "echo '3: wlan0    inet 192.168.1.57/24 brd 192.168.1.255 scope global wlan0'");
    let out = run(&script, &bin);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("wlan0 (192.168.1.57) of this computer uses 192.168.1.0/24"), "{said}");
    stand_in(&bin, "uname", "case $1 in -m) echo aarch64 ;; *) echo Linux ;; esac");
    let said = String::from_utf8_lossy(&run(&script, &bin).stdout).into_owned();
    assert!(said.contains("this lab is for amd64, but this computer is arm64"), "{said}");
}

#[test]
fn other_ways_in_name_every_machine() {
    let python = tool("KUBEDRILL_KUBERNETES_VALIDATE");
    for (drill, knobs) in labs() {
        let ssh = content(&drill, &knobs, "ssh_config");
        let sessions = content(&drill, &knobs, "Sessions.XML");
        for (name, last) in (1..=knobs.workers).map(|i| (format!("w{i}-k8s"), 100 + i)).chain([("m-k8s".into(), 10)]) {
            let address = format!("{}.{last}", knobs.network_prefix);
            assert!(ssh.contains(&format!("Host {name}\n  HostName {address}\n")), "{ssh}");
            assert!(sessions.contains(&format!("SessionName=\"{name}\" ImageKey=\"computer\" Host=\"{address}\"")));
        }
        let kind: serde_yaml::Value =
            serde_yaml::from_str(&content(&drill, &knobs, "kind/cluster.yaml")).expect("kind's YAML");
        let nodes = kind["nodes"].as_sequence().expect("nodes");
        assert_eq!(nodes.len() as u32, knobs.workers + 1);
        assert_eq!(kind["networking"]["podSubnet"].as_str(), Some(knobs.pod_cidr.as_str()));
        if let (Some(python), true) = (&python, drill.name == "kubelet-stopped") {
            let program = "import sys, xml.dom.minidom as m; m.parseString(sys.argv[1])";
            must(Command::new(python).args(["-c", program, &sessions]));
        }
    }
}

/// Fields of kubeadm's v1beta4 that its documentation names, as far as a lab could want them.
const KUBEADM: [(&str, &str); 6] = [
    (
        "InitConfiguration",
        "apiVersion kind bootstrapTokens dryRun nodeRegistration localAPIEndpoint certificateKey skipPhases patches timeouts",
    ),
    (
        "ClusterConfiguration",
        "apiVersion kind etcd networking kubernetesVersion controlPlaneEndpoint apiServer controllerManager scheduler \
         dns proxy certificatesDir imageRepository featureGates clusterName encryptionAlgorithm \
         certificateValidityPeriod caCertificateValidityPeriod",
    ),
    ("localAPIEndpoint", "advertiseAddress bindPort"),
    (
        "nodeRegistration",
        "name criSocket taints kubeletExtraArgs ignorePreflightErrors imagePullPolicy imagePullSerial",
    ),
    ("networking", "serviceSubnet podSubnet dnsDomain"),
    ("kubeletExtraArgs", "name value"),
];

#[test]
fn kubeadm_is_given_documented_fields() {
    for (drill, knobs) in labs().into_iter().filter(|(_, k)| k.profile == Profile::Modern) {
        let script = content(&drill, &knobs, "master_node.sh");
        let (_, rest) = script.split_once("kubeadm-config.yaml\n").expect("a configuration");
        let (config, _) = rest.split_once("EOF\n").expect("its end");
        let version = &knobs.kubernetes_version;
        let values = [&knobs.network_prefix, "calico", &knobs.pod_cidr, &knobs.service_cidr, version];
        let config =
            values.iter().enumerate().fold(config.to_owned(), |c, (i, v)| c.replace(&format!("${}", i + 1), v));
        assert!(!config.contains('$'), "{config}");
        let docs = serde_yaml::from_str::<Vec<serde_yaml::Value>>(&format!(
            "- {}",
            config.trim_end().replace('\n', "\n  ").replace("\n  ---\n  ", "\n- ")
        ));
        for doc in docs.unwrap_or_else(|e| panic!("{e}:\n{config}")) {
            let kind = doc["kind"].as_str().expect("a kind").to_owned();
            assert_eq!(doc["apiVersion"].as_str(), Some("kubeadm.k8s.io/v1beta4"));
            documented(&kind, &doc);
        }
    }
}

fn documented(path: &str, value: &serde_yaml::Value) {
    if let Some(map) = value.as_mapping() {
        let (_, fields) =
            KUBEADM.iter().find(|(p, _)| *p == path).unwrap_or_else(|| panic!("{path}: not in the table"));
        for (key, value) in map {
            let key = key.as_str().expect("a field");
            assert!(fields.split_whitespace().any(|f| f == key), "{path}.{key} is not documented");
            documented(key, value);
        }
    }
    value.as_sequence().into_iter().flatten().for_each(|v| documented(path, v));
}

/// Whatever stands in the knobs and in a drill's texts: refused, or only ever itself.
#[test]
fn hostile_values_are_refused_or_harmless() {
    const HOSTILE: [&str; 9] = [
        "'; touch /tmp/owned; '",
        "\"; touch owned; \"",
        "$(touch owned)",
        "`touch owned`",
        "a\ntouch owned",
        "../../etc/passwd",
        "#{system('touch owned')}",
        "two words",
        "</Host>\"'&<!--",
    ];
    for text in HOSTILE {
        for profile in [Profile::Book, Profile::Modern] {
            let turn: [fn(&mut Knobs, String); 4] = [
                |k, v| k.kubernetes_version = v,
                |k, v| k.network_prefix = v,
                |k, v| k.pod_cidr = v,
                |k, v| k.service_cidr = v,
            ];
            for set in turn {
                let mut knobs = Knobs::of(profile);
                set(&mut knobs, text.to_owned());
                assert!(bundle::build(&drill(), &knobs).is_err(), "{text}");
            }
        }
        for (good, field) in
            [("name: kubelet-stopped", "name"), ("- id: create-pod", "id"), ("  nginx-pod.yaml: |", "files")]
        {
            let source = lesson::source("kubelet-stopped").expect("shipped");
            let quoted = serde_json::to_string(text).expect("JSON");
            let bad = match field {
                "name" => format!("name: {quoted}"),
                "id" => format!("- id: {quoted}"),
                _ => format!("  {quoted}: |"),
            };
            assert!(source.contains(good), "{good}");
            assert!(lesson::Lesson::parse(&source.replacen(good, &bad, 1)).is_err(), "{field}: {text}");
        }
        // Titles may hold anything; in scripts they stay one comment and one quoted word.
        let mut drill = drill();
        drill.title.en = text.to_owned();
        drill.steps[0].title.en = text.to_owned();
        drill.steps[0].checks[0].title.en = text.to_owned();
        let folder = unpacked("hostile", &drill, &Knobs::of(Profile::Book));
        let bin = folder.0.join("bin");
        stand_in(&bin, "vagrant", "echo Host m-k8s");
        stand_in(&bin, "ssh", "cat > /dev/null; printf Running");
        for script in ["run.sh", "verify.sh"] {
            let path = folder.0.join("drills/kubelet-stopped").join(script);
            must(Command::new("bash").arg("-n").arg(&path));
        }
        let verify = folder.0.join("drills/kubelet-stopped/verify.sh");
        let mut command = Command::new("bash");
        command.arg(verify).arg("create-pod").current_dir(&folder.0).env("LC_ALL", "C");
        let said = must(command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())));
        assert!(said.contains(text), "{said}");
        assert!(!folder.0.join("owned").exists() && !Path::new("/tmp/owned").exists(), "{text}");
    }
}
