//! Three control planes behind one address: etcd keeps its quorum, loses it, and gets it back.

use kubedrill::addons::lab;
use kubedrill::etcd;
use kubedrill::sim::{Config, Profile, Session};

use kubedrill::lesson::play::Player;
use kubedrill::lesson::script;

const CERTIFICATES: &str = "--cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key";

/// What each command printed, and its exit code.
fn play(session: &mut Session, text: &str) -> Vec<(i32, String)> {
    let lines = script::parse(text).expect("a session");
    let mut player = Player::default();
    player.play(session, &lines).expect("a session that ends");
    player.entries.iter().filter(|e| !e.quiet).map(|e| (e.code, format!("{}{}", e.stdout, e.stderr))).collect()
}

#[test]
fn two_of_three_go_on_and_one_of_three_does_not() {
    for profile in [Profile::Book, Profile::Modern] {
        let config = Config { profile, masters: 3, ..Config::default() };
        let mut session = Session::new(&config, lab::ready);
        let etcdctl = format!("kubectl exec -n kube-system etcd-m-k8s -- etcdctl {CERTIFICATES}");
        let text = format!(
            "{etcdctl} member list\n\
             kubectl get endpoints kubernetes\n\
             kubectl create deployment web --image=nginx --replicas=2\n\
             !until 60s kubectl get deployment web => 2/2\n\
             !fault power-off m-k8s\n\
             !wait 30s\n\
             @m2-k8s kubectl scale deployment web --replicas=4\n"
        );
        let done = play(&mut session, &text);
        assert_eq!(done[0].1.lines().count(), 3, "{profile:?}: {}", done[0].1);
        assert!(
            done[1].1.contains("192.168.1.10:6443,192.168.1.11:6443,192.168.1.12:6443"),
            "{profile:?}: {}",
            done[1].1
        );
        assert_eq!(done[3].0, 0, "{profile:?}: two of three take writes: {}", done[3].1);

        let lost = play(
            &mut session,
            "!wait 60s\n@m2-k8s kubectl get deployment web\n!fault power-off m3-k8s\n!wait 20s\n@m2-k8s kubectl scale deployment web --replicas=6\n",
        );
        assert!(lost[0].1.contains("4/4"), "{profile:?}: {}", lost[0].1);
        assert!(lost[1].1.contains("etcdserver: request timed out"), "{profile:?}: {}", lost[1].1);
        assert!((1..=3).all(|m| etcd::leader_of(&session.world, m).is_none()));

        let back = play(
            &mut session,
            "!fault power-on m3-k8s\n!wait 120s\n@m2-k8s kubectl scale deployment web --replicas=6\n!wait 60s\n@m2-k8s kubectl get deployment web\n",
        );
        assert!(back[1].1.contains("6/6"), "{profile:?}: {}", back[1].1);
    }
}
