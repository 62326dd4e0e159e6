//! `kubectl describe` of namespaces, quotas, limits, priorities, roles, service accounts.

use super::super::context::Cx;
use super::super::error::Run;
use super::{Page, events, text_of};
use crate::api::{Kind, Object, Value};
use crate::base::arrange::Arrange;

pub fn namespace(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.marks(o);
    p.field(0, "Status", o.str(&["status", "phase"]));
    let conditions = o.items(&["status", "conditions"]);
    if !conditions.is_empty() {
        p.put("Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage\n  ----\t------\t------------------\t------\t-------\n");
        for c in conditions {
            let time = super::when(c.str("lastTransitionTime"));
            p.line(
                1,
                format!("{}\t{}\t{time}\t{}\t{}", c.str("type"), c.str("status"), c.str("reason"), c.str("message")),
            );
        }
    }
    let quotas = cx.list_all(Kind::RESOURCE_QUOTA, o.name())?;
    if quotas.is_empty() {
        p.put("\nNo resource quota.\n");
    } else {
        p.put("\nResource Quotas\n");
        for q in &quotas {
            // 1.20 indented by one space.
            let indent = cx.by(" ", "  ");
            p.put(format!("{indent}Name:\t{}\n", q.name()));
            p.put(format!("{indent}Resource\tUsed\tHard\n{indent}--------\t---\t---\n"));
            quota_rows(q, indent, p);
        }
    }
    let limits = cx.list_all(Kind::LIMIT_RANGE, o.name())?;
    if limits.is_empty() {
        p.put("\nNo LimitRange resource.\n");
    } else {
        p.put(
            "\nResource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n",
        );
        p.put(" ----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n");
        for l in &limits {
            limit_rows(l, " ", p);
        }
    }
    Ok(())
}

fn quota_rows(q: &Object, indent: &str, p: &mut Page) {
    let hard = q.get(&["status", "hard"]).and_then(Value::as_map).cloned().unwrap_or_default();
    for (name, amount) in hard.iter() {
        let used = text_of(q.get(&["status", "used", name]));
        p.put(format!("{indent}{name}\t{used}\t{}\n", text_of(Some(amount))));
    }
}

pub fn quota(o: &Object, p: &mut Page) {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    let scopes: Vec<&str> = o.items(&["spec", "scopes"]).iter().map(Value::as_str).collect();
    if !scopes.is_empty() {
        p.field(0, "Scopes", scopes.join(", "));
    }
    p.put("Resource\tUsed\tHard\n--------\t----\t----\n");
    quota_rows(o, "", p);
}

pub fn limits(o: &Object, p: &mut Page) {
    p.field(0, "Name", o.name());
    p.field(0, "Namespace", o.namespace());
    p.put("Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n");
    p.put("----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n");
    limit_rows(o, "", p);
}

fn limit_rows(o: &Object, indent: &str, p: &mut Page) {
    const FIELDS: [&str; 5] = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
    for item in o.items(&["spec", "limits"]) {
        let mut names: Vec<&str> = FIELDS
            .iter()
            .filter_map(|f| item.get(f).and_then(Value::as_map))
            .flat_map(|m| m.keys().map(|k| k.as_str()))
            .collect();
        names.arrange();
        names.dedup();
        for name in names {
            let cells: Vec<String> = FIELDS
                .iter()
                .map(|f| {
                    let text = text_of(item.at(&[f, name]));
                    if text.is_empty() { "-".to_owned() } else { text }
                })
                .collect();
            p.put(format!("{indent}{}\t{name}\t{}\n", item.str("type"), cells.join("\t")));
        }
    }
}

pub fn priority_class(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.field(0, "Name", o.name());
    p.field(0, "Value", text_of(o.get(&["value"])));
    p.field(0, "GlobalDefault", o.get(&["globalDefault"]).and_then(Value::as_bool).unwrap_or(false));
    if !o.str(&["preemptionPolicy"]).is_empty() && cx.modern() {
        p.field(0, "PreemptionPolicy", o.str(&["preemptionPolicy"]));
    }
    p.field(0, "Description", o.str(&["description"]));
    p.annotations("Annotations", o.get(&["metadata", "annotations"]).and_then(Value::as_map));
    events::about(cx, o, p)
}

pub fn role(cx: &Cx<'_, '_>, o: &Object, p: &mut Page) {
    let _ = cx;
    p.field(0, "Name", o.name());
    p.marks(o);
    p.put("PolicyRule:\n  Resources\tNon-Resource URLs\tResource Names\tVerbs\n  ---------\t-----------------\t--------------\t-----\n");
    for r in broken_down(o) {
        let name = match (r.resource.split_once('/'), r.group.as_str()) {
            (_, "") => r.resource.clone(),
            (Some((of, sub)), g) => format!("{of}.{g}/{sub}"),
            (None, g) => format!("{}.{g}", r.resource),
        };
        p.line(1, format!("{name}\t[{}]\t[{}]\t[{}]", r.url, r.name, r.verbs.join(" ")));
    }
}

/// A rule for one resource, or one URL, and at most one name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    // In the order of the Go struct, by whose text they are sorted.
    verbs: Vec<String>,
    group: String,
    resource: String,
    name: String,
    url: String,
}

/// Models kubectl/pkg/util/rbac: rules taken apart, and those of one resource put together again.
fn broken_down(o: &Object) -> Vec<Rule> {
    let mut simple: Vec<Rule> = Vec::new();
    let mut put = |group: &str, resource: &str, name: &str, url: &str, verb: &str| {
        let same = |r: &&mut Rule| r.group == group && r.resource == resource && r.name == name && r.url == url;
        match simple.iter_mut().find(same).filter(|_| url.is_empty()) {
            Some(r) if r.verbs.iter().any(|v| v == verb) => {}
            Some(r) => r.verbs.push(verb.to_owned()),
            None => simple.push(Rule {
                verbs: vec![verb.to_owned()],
                group: group.to_owned(),
                resource: resource.to_owned(),
                name: name.to_owned(),
                url: url.to_owned(),
            }),
        }
    };
    for rule in o.items(&["rules"]) {
        let list = |key: &str| -> Vec<&str> {
            rule.get(key).map_or(&[][..], Value::items).iter().map(Value::as_str).collect()
        };
        let mut names = list("resourceNames");
        if names.is_empty() {
            names.push("");
        }
        for group in list("apiGroups") {
            for resource in list("resources") {
                for verb in list("verbs") {
                    names.iter().for_each(|name| put(group, resource, name, "", verb));
                }
            }
        }
        for url in list("nonResourceURLs") {
            list("verbs").iter().for_each(|verb| put("", "", "", url, verb));
        }
    }
    simple.arrange_by_key(text_of_rule);
    simple
}

/// Go's text of a PolicyRule, as far as it decides the order.
fn text_of_rule(r: &Rule) -> String {
    let group = if r.resource.is_empty() { "" } else { r.group.as_str() };
    format!(
        "Verbs:[{}],APIGroups:[{group}],Resources:[{}],ResourceNames:[{}],NonResourceURLs:[{}]",
        r.verbs.join(" "),
        r.resource,
        r.name,
        r.url
    )
}

pub fn role_binding(o: &Object, p: &mut Page) {
    p.field(0, "Name", o.name());
    p.marks(o);
    p.line(0, "Role:");
    p.field(1, "Kind", o.str(&["roleRef", "kind"]));
    p.field(1, "Name", o.str(&["roleRef", "name"]));
    p.line(0, "Subjects:");
    p.line(1, "Kind\tName\tNamespace");
    p.line(1, "----\t----\t---------");
    for s in o.items(&["subjects"]) {
        p.line(1, format!("{}\t{}\t{}", s.str("kind"), s.str("name"), s.str("namespace")));
    }
}

pub fn service_account(cx: &mut Cx<'_, '_>, o: &Object, p: &mut Page) -> Run {
    p.head(o);
    let names = |key: &str| -> Vec<String> { o.items(&[key]).iter().map(|s| s.str("name").to_owned()).collect() };
    p.several("Image pull secrets", &names("imagePullSecrets"));
    if cx.modern() {
        return events::about(cx, o, p);
    }
    p.several("Mountable secrets", &names("secrets"));
    let tokens: Vec<String> = cx
        .list_all(Kind::SECRET, o.namespace())?
        .iter()
        .filter(|s| {
            s.str(&["type"]) == "kubernetes.io/service-account-token"
                && crate::api::meta::annotation(s, "kubernetes.io/service-account.name") == Some(o.name())
        })
        .map(|s| s.name().to_string())
        .collect();
    p.several("Tokens", &tokens);
    events::about(cx, o, p)
}
