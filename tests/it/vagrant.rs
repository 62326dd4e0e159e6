//! The cluster that `vagrant up` builds from the lab's own scripts is the one that a session starts
//! from: the same objects, the same machines.

use std::collections::BTreeSet;

use kubedrill::addons::lab;
use kubedrill::api::{Kind, Object};
use kubedrill::base::Duration;
use kubedrill::lesson::play::Player;
use kubedrill::lesson::script;
use kubedrill::sim::{Config, Profile, Session, World};

/// A name without what dice added to it.
fn folded(o: &Object) -> String {
    let mut name = o.name().to_string();
    let generated = o.str(&["metadata", "generateName"]);
    if !generated.is_empty() {
        name = format!("{generated}*");
    }
    for part in [
        o.str(&["metadata", "labels", "pod-template-hash"]),
        o.str(&["metadata", "labels", "controller-revision-hash"]),
    ] {
        if !part.is_empty() {
            name = name.replace(part, "HASH");
        }
    }
    // Token Secrets and hashes of stored revisions.
    match o.kind() {
        Kind::SECRET => name.rsplit_once("-token-").map_or(name.clone(), |(account, _)| format!("{account}-token-*")),
        _ => name,
    }
}

/// What is compared of an object beside its name: what its maker decides.
const FIELDS: [&[&str]; 7] =
    [&["metadata", "labels"], &["rules"], &["roleRef"], &["subjects"], &["spec"], &["data"], &["type"]];

fn objects(world: &World) -> BTreeSet<String> {
    let data = world.machines().find_map(|m| m.etcd_data.as_ref()).expect("etcd's data");
    let lasting = |o: &&Object| ![Kind::EVENT, Kind::CERTIFICATE_SIGNING_REQUEST].contains(&o.kind());
    let line = |o: &Object| {
        let phase = if o.kind() == Kind::POD { o.str(&["status", "phase"]) } else { "" };
        let mut text = format!("{} {}/{} {phase}", o.kind().name(), o.namespace(), folded(o));
        // Certificates, tokens, holders and ranges are of one build; a pod's spec is its template's.
        let of_its_own = [Kind::LEASE, Kind::SECRET, Kind::POD, Kind::NODE].contains(&o.kind())
            || ["kube-root-ca.crt", "cluster-info", "extension-apiserver-authentication"].contains(&o.name().as_str());
        for field in FIELDS.iter().filter(|f| !of_its_own || f[0] == "type") {
            if let Some(value) = o.get(field) {
                text += &format!(" {}", value.to_json());
            }
        }
        text
    };
    data.iter().map(|o| &**o).filter(lasting).map(line).collect()
}

/// What of a machine its scripts decide.
fn machines(world: &World) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for m in world.machines() {
        let name = &m.name;
        lines.extend(m.packages.iter().map(|(p, v)| format!("{name}: package {p} {v}")));
        lines.extend(m.modules.iter().map(|module| format!("{name}: module {module}")));
        lines.extend(m.units.iter().map(|(u, unit)| format!("{name}: unit {u} enabled {}", unit.enabled)));
        for folder in ["/etc/kubernetes", "/etc/sysctl.d", "/etc/modules-load.d", "/etc/yum.repos.d", "/etc/cni"] {
            lines.extend(m.below(folder).filter(|f| !f.ends_with('/')).map(|f| format!("{name}: file {f}")));
        }
        for file in ["/etc/hosts", "/proc/swaps", "/proc/sys/net/ipv4/ip_forward", "/etc/selinux/config"] {
            lines.insert(format!("{name}: {file}: {:?}", m.read(file).map(|t| t.trim())));
        }
    }
    lines
}

fn built(profile: Profile) -> (World, World) {
    let config = Config { profile, ..Config::default() };
    let mut session = Session::new(&config, lab::ready);
    let mut ready = session.world.clone();
    let lines = script::parse("@host cd lab && vagrant destroy -f && vagrant up\n!wait 120s").expect("a script");
    let mut player = Player::default();
    player.play(&mut session, &lines).expect("it plays");
    let up = &player.entries[0];
    assert_eq!(up.code, 0, "{}{}", up.stdout, up.stderr);
    ready.run_until(ready.now + Duration::secs(120));
    (session.world, ready)
}

#[test]
fn vagrant_up_builds_the_ready_cluster() {
    let mut differences = Vec::new();
    for profile in [Profile::Book, Profile::Modern] {
        let (built, ready) = built(profile);
        for (what, ours, theirs) in
            [("objects", objects(&built), objects(&ready)), ("machines", machines(&built), machines(&ready))]
        {
            differences
                .extend(theirs.difference(&ours).map(|l| format!("{profile:?} {what}: only in the ready lab: {l}")));
            differences.extend(ours.difference(&theirs).map(|l| format!("{profile:?} {what}: only built: {l}")));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
