//! A real kubectl 1.20 against `kubedrill serve`, and ours in the simulation: the same commands print
//! the same, after names and ages are folded.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::fold::fold;
use crate::tools::{Folder, tool};

const KUBEDRILL: &str = env!("CARGO_BIN_EXE_kubedrill");

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

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(config: &std::path::Path) -> Served {
    let mut child = Command::new(KUBEDRILL)
        .args(["serve", "--port", "0", "--profile", "book", "--speed", "20", "--kubeconfig"])
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
    let _served = serve(&config);
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
