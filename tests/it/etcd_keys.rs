//! What a cluster keeps in etcd, against what real servers of 1.20 and 1.36 kept: `tests/golden/etcd-keys.txt`.

use std::collections::BTreeSet;

use kubedrill::addons::lab;
use kubedrill::lesson::play::Player;
use kubedrill::lesson::script;
use kubedrill::sim::{Config, Profile, Session};

const COMMAND: &str = "kubectl exec -n kube-system etcd-m-k8s -- etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt \
    --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key get /registry --prefix --keys-only";

/// Kept by the real server for itself; ours reads what is taken from the Services.
const BOOKKEEPING: [&str; 5] = ["ranges", "masterleases", "peerserverleases", "ipaddresses", "servicecidrs"];

#[test]
fn etcd_holds_the_keys_of_a_real_cluster() {
    for profile in [Profile::Book, Profile::Modern] {
        let mut session = Session::new(&Config { profile, ..Config::default() }, lab::ready);
        let lines = script::parse(&format!("!wait 11s\n{COMMAND}\n")).expect("a script");
        let mut player = Player::default();
        let _ = player.play(&mut session, &lines);
        let printed = &player.entries.last().expect("a command").stdout;
        let ours: BTreeSet<String> = printed.lines().filter(|l| l.starts_with('/')).map(folded).collect();
        assert!(ours.len() > 300, "{printed}");
        let missing: Vec<String> = wanted(profile).into_iter().filter(|k| !ours.contains(k)).collect();
        assert!(missing.is_empty(), "{profile:?} lacks {missing:#?}");
    }
}

fn folded(key: &str) -> String {
    let (head, last) = key.rsplit_once('/').unwrap_or_default();
    let cut = |mark: &str, length: usize| {
        let i = last.find(mark)? + mark.len();
        (last.len() == i + length).then(|| format!("{head}/{}*", &last[..i]))
    };
    cut("-token-", 5).or_else(|| cut("apiserver-", 26)).unwrap_or_else(|| key.to_owned())
}

fn wanted(profile: Profile) -> Vec<String> {
    let other = if profile == Profile::Book { '+' } else { '-' };
    let (mut folder, mut all) = ("", Vec::new());
    for line in include_str!("../golden/etcd-keys.txt").lines().filter(|l| !l.starts_with('#')) {
        let names = match line.strip_prefix(' ') {
            Some(more) => more,
            None => {
                let (head, names) = line.split_once(": ").expect("folder: names");
                folder = head;
                names
            }
        };
        if BOOKKEEPING.iter().any(|b| folder.starts_with(b)) {
            continue;
        }
        for name in names.split_whitespace().filter(|n| !n.starts_with(other)) {
            let name = name.trim_start_matches(['+', '-']).replace('~', "system:controller:");
            all.push(format!("/registry/{folder}/{name}"));
        }
    }
    all
}
