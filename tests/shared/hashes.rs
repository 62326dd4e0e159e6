//! A session and the hash of its trace, per seed. Included by a native test and by one in the
//! browser: both must get these numbers, so both compute the same.

use kubedrill::addons::lab;
use kubedrill::base::hash::Fnv;
use kubedrill::bundle::{self, Knobs};
use kubedrill::lesson::play::Player;
use kubedrill::lesson::{self, progress, script};
use kubedrill::sim::{Config, Profile, Session};

const SCRIPT: &str = "
kubectl create -f nginx-pod.yaml
kubectl create deployment web --image=nginx --replicas=4
!wait 10s
@w1-k8s systemctl stop kubelet
kubectl delete pod nginx-pod
!wait 50s
!interrupt
kubectl get pods -o wide
@w1-k8s systemctl start kubelet
kubectl scale deployment web --replicas=9
!wait 90s
kubectl get all -A
";

/// Seed → hash. Odd seeds are profile book, even ones modern. 0 stands for the bundles' bytes.
#[rustfmt::skip]
pub const HASHES: &[(u64, u64)] = &[
    (0, 0x9ea3d54c33e363f4),
    (1, 0x05f0d2c7713a8779),
    (2, 0xc16b95ce0ba35abc),
    (3, 0xac604e9d90fc4229),
    (4, 0x2116724725e4ef6d),
];

pub fn hash(seed: u64) -> u64 {
    let drill = lesson::shipped("kubelet-stopped").expect("shipped");
    if seed == 0 {
        let mut hash = Fnv::default();
        for profile in [Profile::Book, Profile::Modern] {
            hash.write(&bundle::build(&drill, &Knobs::of(profile)).expect("a bundle"));
        }
        return hash.0;
    }
    let profile = if seed.is_multiple_of(2) { Profile::Modern } else { Profile::Book };
    let mut session = Session::new(&Config { profile, seed, ..Config::default() }, lab::ready);
    progress::prepare(&drill, &mut session);
    let lines = script::parse(SCRIPT).expect("a script");
    Player::default().play(&mut session, &lines).expect("it plays");
    session.world.trace.hash()
}
