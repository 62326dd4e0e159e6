//! `kubectl describe` of volumes, claims and storage classes.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, or_none, template, text_of};
use crate::api::{Kind, Map, Object, Value, pod};

fn finalizers(o: &Object) -> String {
    let all: Vec<&str> = o.items(&["metadata", "finalizers"]).iter().map(Value::as_str).collect();
    format!("[{}]", all.join(" "))
}

/// `RWO,RWX`
fn modes(modes: &[Value]) -> String {
    let short = |m: &Value| match m.as_str() {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    modes.iter().map(short).collect::<Vec<_>>().join(",")
}

pub fn volume(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.marks(o);
    p.field(0, "Finalizers", finalizers(o));
    p.field(0, "StorageClass", o.str(&["spec", "storageClassName"]));
    let deleting = crate::api::meta::deleting(o);
    if deleting {
        p.field(0, "Status", "Terminating");
    } else {
        p.field(0, "Status", o.str(&["status", "phase"]));
    }
    let claim = match o.str(&["spec", "claimRef", "name"]) {
        "" => String::new(),
        name => format!("{}/{name}", o.str(&["spec", "claimRef", "namespace"])),
    };
    p.field(0, "Claim", claim);
    p.field(0, "Reclaim Policy", o.str(&["spec", "persistentVolumeReclaimPolicy"]));
    p.field(0, "Access Modes", modes(o.items(&["spec", "accessModes"])));
    if !o.str(&["spec", "volumeMode"]).is_empty() {
        p.field(0, "VolumeMode", o.str(&["spec", "volumeMode"]));
    }
    p.field(0, "Capacity", text_of(o.get(&["spec", "capacity", "storage"])));
    node_affinity(o, p);
    p.field(0, "Message", o.str(&["status", "message"]));
    p.line(0, "Source:");
    if let Some(spec) = o.get(&["spec"]) {
        template::volume(spec, p);
    }
    events::about(cx, o, p)
}

fn node_affinity(o: &Object, p: &mut Page) {
    let terms = o.items(&["spec", "nodeAffinity", "required", "nodeSelectorTerms"]);
    if terms.is_empty() {
        return p.field(0, "Node Affinity", "<none>");
    }
    p.line(0, "Node Affinity:\t");
    p.line(1, "Required Terms:\t");
    for (i, term) in terms.iter().enumerate() {
        let each: Vec<String> = term
            .get("matchExpressions")
            .map_or(&[][..], Value::items)
            .iter()
            .map(|e| {
                let values: Vec<&str> =
                    e.get("values").map_or(&[][..], Value::items).iter().map(Value::as_str).collect();
                let op = e.str("operator").to_lowercase();
                if values.is_empty() {
                    format!("{} {op}", e.str("key"))
                } else {
                    format!("{} {op} [{}]", e.str("key"), values.join(", "))
                }
            })
            .collect();
        p.line(2, format!("Term {i}:\t{}", each.join("\n    \t")));
    }
}

pub fn claim(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    p.field(0, "StorageClass", o.str(&["spec", "storageClassName"]));
    let phase = o.str(&["status", "phase"]);
    p.field(0, "Status", if crate::api::meta::deleting(o) { "Terminating" } else { phase });
    p.field(0, "Volume", o.str(&["spec", "volumeName"]));
    p.marks(o);
    p.field(0, "Finalizers", finalizers(o));
    let bound = !o.str(&["spec", "volumeName"]).is_empty();
    p.field(0, "Capacity", if bound { text_of(o.get(&["status", "capacity", "storage"])) } else { String::new() });
    p.field(0, "Access Modes", if bound { modes(o.items(&["status", "accessModes"])) } else { String::new() });
    if !o.str(&["spec", "volumeMode"]).is_empty() {
        p.field(0, "VolumeMode", o.str(&["spec", "volumeMode"]));
    }
    let uses = |x: &Object| {
        x.items(&["spec", "volumes"])
            .iter()
            .any(|v| v.at(&["persistentVolumeClaim", "claimName"]).map(Value::as_str) == Some(o.name()))
    };
    let users: Vec<String> = cx
        .list_all(Kind::POD, o.namespace())?
        .iter()
        .filter(|x| uses(x) && !pod::terminal(x))
        .map(|x| x.name().to_string())
        .collect();
    p.several("Used By", &users);
    events::about(cx, o, p)
}

pub fn class(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    let default = crate::api::meta::annotation(o, "storageclass.kubernetes.io/is-default-class") == Some("true");
    p.field(0, "IsDefaultClass", if default { "Yes" } else { "No" });
    for (title, path) in
        [("Annotations", &["metadata", "annotations"][..]), ("Provisioner", &[]), ("Parameters", &["parameters"])]
    {
        if path.is_empty() {
            p.field(0, title, o.str(&["provisioner"]));
            continue;
        }
        let all = o.get(path).and_then(Value::as_map).into_iter().flat_map(Map::iter);
        let all: Vec<String> = all.map(|(k, v)| format!("{k}={}", v.as_str())).collect();
        p.field(0, title, or_none(&all.join(",")));
    }
    let expansion = text_of(o.get(&["allowVolumeExpansion"]));
    p.field(
        0,
        "AllowVolumeExpansion",
        match expansion.as_str() {
            "" => "<unset>",
            "true" => "True",
            _ => "False",
        },
    );
    let options: Vec<&str> = o.items(&["mountOptions"]).iter().map(Value::as_str).collect();
    if options.is_empty() {
        p.field(0, "MountOptions", "<none>");
    } else {
        p.line(0, "MountOptions:");
        options.iter().for_each(|option| p.line(1, option));
    }
    p.field(0, "ReclaimPolicy", o.str(&["reclaimPolicy"]));
    p.field(0, "VolumeBindingMode", o.str(&["volumeBindingMode"]));
    events::about(cx, o, p)
}
