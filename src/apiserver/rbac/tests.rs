use super::*;
use crate::etcd::EtcdData;

fn data(profile: Profile) -> EtcdData {
    let mut data = EtcdData::default();
    for object in bootstrap::objects(profile) {
        data.put(object);
    }
    data
}

fn ask(data: &EtcdData, user: &str, verb: &str, resource: &str, namespace: &str) -> bool {
    let (group, resource) = resource.rsplit_once(':').unwrap_or(("", resource));
    let a = Attributes {
        verb: verb.into(),
        group: group.into(),
        resource: resource.into(),
        namespace: namespace.into(),
        ..Attributes::default()
    };
    allowed(data, &User::named(user, Profile::Book), &a).is_ok()
}

/// Counts of golden/1.20/etcd-keys.txt and golden/1.36/etcd-keys.txt.
#[test]
fn the_table_has_what_real_servers_make() {
    for (profile, counts) in [(Profile::Book, [60, 41, 7, 7]), (Profile::Modern, [69, 50, 7, 7])] {
        let all = bootstrap::objects(profile);
        let count = |kind| all.iter().filter(|o| o.kind() == kind).count();
        let kinds = [Kind::CLUSTER_ROLE, Kind::CLUSTER_ROLE_BINDING, Kind::ROLE, Kind::ROLE_BINDING];
        assert_eq!(kinds.map(count), counts, "{profile:?}");
        let namespaced = all.iter().filter(|o| o.kind().namespaced());
        assert!(namespaced.clone().all(|o| !o.namespace().is_empty()));
    }
}

#[test]
fn rules_decide() {
    let mut data = data(Profile::Book);
    assert!(ask(&data, "kubernetes-admin", "delete", "nodes", ""));
    assert!(ask(&data, "system:kube-scheduler", "create", "pods/binding", "default"));
    assert!(!ask(&data, "system:kube-scheduler", "create", "pods", "default"));
    assert!(!ask(&data, "bob", "get", "pods", "default"));
    let mut binding = Object::new(Kind::ROLE_BINDING, "default", "bob-views");
    binding.set(&["roleRef"], map! { "kind" => "ClusterRole", "name" => "system:aggregate-to-view" });
    binding.set(&["subjects"], list![map! { "kind" => "User", "name" => "bob" }]);
    data.put(binding);
    assert!(ask(&data, "bob", "get", "pods/log", "default"));
    assert!(!ask(&data, "bob", "get", "pods", "other"));
    assert!(!ask(&data, "bob", "get", "secrets", "default"));
    let healthz = Attributes { verb: "get".into(), path: "/livez".into(), ..Attributes::default() };
    assert!(allowed(&data, &User::named("", Profile::Book), &healthz).is_ok());
    let metrics = Attributes { path: "/metrics".into(), ..healthz };
    assert!(allowed(&data, &User::named("", Profile::Book), &metrics).is_err());
}
