//! ingress-nginx: routes requests by host and path to the endpoints of Services, and writes where it can be
//! reached into the Ingresses' status.
//! Models kubernetes/ingress-nginx: internal/ingress/controller (servers and locations), status. What nginx
//! does with a request is [`IngressNginx::route`] and [`super::http`].

use std::sync::Arc;

use crate::api::{Kind, Object, Request, Value, meta, node};
use crate::base::{Duration, Str};
use crate::component_boilerplate;
use crate::runtime::Container;
use crate::sim::informer::{Delta, Informer};
use crate::sim::recorder::EventRecorder;
use crate::sim::{Component, Ctx, Endpoint, Msg, Profile};

use super::http::Ask;

const TOKEN_EVENTS: u64 = 9;
const TOKEN_WRITE: u64 = 10;
const TIMER_STATUS: u16 = 1;
/// The leader looks at the addresses this often.
const STATUS: Duration = Duration::secs(60);

#[derive(Clone, Debug)]
pub struct IngressNginx {
    profile: Profile,
    user: Str,
    server: Endpoint,
    class: Str,
    /// Also takes Ingresses that name no class.
    classless: bool,
    /// `namespace/name` of the Service whose addresses are published; empty: those of its node.
    publish: Str,
    node: Str,
    ingresses: Informer,
    services: Informer,
    endpoints: Informer,
    nodes: Informer,
    recorder: EventRecorder,
}

/// What becomes of a request.
#[derive(Clone, PartialEq, Debug)]
pub enum Route {
    /// No rule fits: the default backend.
    Default,
    /// To https first.
    Redirect,
    To {
        /// `default-web-80`
        upstream: Str,
        endpoints: Vec<(Str, u16)>,
        path: Str,
    },
}

/// A path of a rule, as nginx's configuration holds it.
struct Location<'a> {
    /// How specific it is.
    weight: (bool, usize),
    ingress: &'a Arc<Object>,
    backend: &'a Value,
    path: String,
}

impl IngressNginx {
    /// `of`: its container, whose arguments say what it serves.
    pub fn new(profile: Profile, server: Endpoint, node: &str, of: &Container) -> IngressNginx {
        let flag = |name: &str| of.args.iter().find_map(|a| a.strip_prefix(name)?.strip_prefix('='));
        let namespace = &of.pod.namespace;
        let account = if profile == Profile::Book { "nginx-ingress-serviceaccount" } else { "ingress-nginx" };
        let user = ecow::eco_format!("system:serviceaccount:{namespace}:{account}");
        let watch = |kind, token| Informer::new(kind, server.clone(), &user, token);
        let name = "nginx-ingress-controller";
        let classless = of.args.iter().any(|a| a.starts_with("--watch-ingress-without-class"));
        IngressNginx {
            profile,
            class: flag("--ingress-class").unwrap_or("nginx").into(),
            classless: profile == Profile::Book || classless,
            publish: flag("--publish-service").unwrap_or("").into(),
            node: node.into(),
            ingresses: watch(Kind::INGRESS, 1),
            services: watch(Kind::SERVICE, 3),
            endpoints: watch(Kind::ENDPOINTS, 5),
            nodes: watch(Kind::NODE, 7),
            recorder: EventRecorder::new(name, "", &user, server.clone(), TOKEN_EVENTS),
            user,
            server,
        }
    }

    pub fn ready(&self) -> bool {
        self.ingresses.synced() && self.services.synced() && self.endpoints.synced()
    }

    fn mine(&self, ingress: &Object) -> bool {
        match (meta::annotation(ingress, "kubernetes.io/ingress.class"), ingress.str(&["spec", "ingressClassName"])) {
            (Some(class), _) => self.class == class,
            (None, "") => self.classless,
            (None, class) => self.class == class,
        }
    }

    /// What nginx calls itself in its own pages.
    pub fn banner(&self) -> &'static str {
        if self.profile == Profile::Book { "nginx/1.17.8" } else { "nginx" }
    }

    /// Where a request goes.
    pub fn route(&self, ask: &Ask<'_>) -> Route {
        let path = ask.path.split(['?', '#']).next().unwrap_or("/");
        let mine: Vec<&Arc<Object>> = self.ingresses.iter().filter(|i| self.mine(i)).collect();
        let rules = || mine.iter().flat_map(|i| i.items(&["spec", "rules"]).iter().map(move |r| (*i, r)));
        let wild = |host: &str| {
            let rest = host.strip_prefix("*.").zip(ask.host.split_once('.'));
            rest.is_some_and(|(domain, (_, of))| domain == of)
        };
        let exact = rules().any(|(_, r)| r.str("host") == ask.host && !ask.host.is_empty());
        let wilds = !exact && rules().any(|(_, r)| wild(r.str("host")));
        let fits = |host: &str| match (exact, wilds) {
            (true, _) => host == ask.host,
            (_, true) => wild(host),
            _ => host.is_empty(),
        };
        let mut best: Option<Location<'_>> = None;
        for (ingress, rule) in rules().filter(|(_, r)| fits(r.str("host"))) {
            for entry in rule.at(&["http", "paths"]).map_or(&[][..], Value::items) {
                let Some(found) = location(ingress, entry, path) else { continue };
                if best.as_ref().is_none_or(|b| found.weight > b.weight) {
                    best = Some(found);
                }
            }
        }
        if let Some(Location { ingress, backend, path, .. }) = best {
            return if !ask.tls && redirects(ingress, ask.host) {
                Route::Redirect
            } else {
                self.to(ingress, backend, path)
            };
        }
        let fallback = mine.iter().find_map(|i| Some((*i, i.get(&["spec", "defaultBackend"])?)));
        fallback.map_or(Route::Default, |(ingress, backend)| self.to(ingress, backend, ask.path.to_owned()))
    }

    fn to(&self, ingress: &Object, backend: &Value, path: String) -> Route {
        let name = backend.at(&["service", "name"]).map_or("", Value::as_str);
        let port = backend.at(&["service", "port"]).cloned().unwrap_or_default();
        let namespace = &ingress.key.namespace;
        let shown = match port.get("number").and_then(Value::as_int) {
            Some(n) => ecow::eco_format!("{n}"),
            None => port.str("name").into(),
        };
        let service = self.services.named(namespace, name);
        let entry = service.and_then(|s| {
            let same = |p: &&Value| match port.get("number") {
                Some(n) => p.get("port") == Some(n),
                None => p.str("name") == port.str("name"),
            };
            s.items(&["spec", "ports"]).iter().find(same)
        });
        let mut endpoints = Vec::new();
        if let (Some(entry), Some(object)) = (entry, self.endpoints.named(namespace, name)) {
            for subset in object.items(&["subsets"]) {
                let ports = subset.get("ports").map_or(&[][..], Value::items);
                let Some(p) = ports.iter().find(|p| p.str("name") == entry.str("name")) else { continue };
                let number = p.get("port").and_then(Value::as_int).and_then(|n| u16::try_from(n).ok()).unwrap_or(0);
                let addresses = subset.get("addresses").map_or(&[][..], Value::items);
                endpoints.extend(addresses.iter().map(|a| (Str::from(a.str("ip")), number)));
            }
        }
        Route::To { upstream: ecow::eco_format!("{namespace}-{name}-{shown}"), endpoints, path: path.into() }
    }

    // --- the Ingresses' status ---

    fn addresses(&self) -> Vec<Str> {
        if let Some((namespace, name)) = self.publish.split_once('/') {
            let Some(service) = self.services.named(namespace, name) else { return Vec::new() };
            let external = service.items(&["spec", "externalIPs"]).iter().map(|v| Str::from(v.as_str()));
            let mut out: Vec<Str> = external.collect();
            match service.str(&["spec", "type"]) {
                "LoadBalancer" => {
                    let given = service.items(&["status", "loadBalancer", "ingress"]);
                    out.extend(given.iter().map(|i| Str::from(i.str("ip"))));
                }
                _ if out.is_empty() => out.push(service.str(&["spec", "clusterIP"]).into()),
                _ => {}
            }
            return out;
        }
        self.nodes.named("", &self.node).map(|n| Str::from(node::internal_ip(n))).into_iter().collect()
    }

    fn publish(&mut self, ctx: &mut Ctx<'_>) {
        ctx.timer(STATUS, TIMER_STATUS, "");
        let wanted: Vec<Value> = self.addresses().into_iter().map(|ip| Value::Map(map! { "ip" => ip })).collect();
        let stale: Vec<Arc<Object>> = (self.ingresses.iter())
            .filter(|i| self.mine(i) && i.items(&["status", "loadBalancer", "ingress"]) != &wanted[..])
            .cloned()
            .collect();
        for ingress in stale {
            let mut changed = (*ingress).clone();
            let mut balancer = map! {};
            if !wanted.is_empty() {
                balancer.insert("ingress", wanted.clone());
            }
            changed.set(&["status", "loadBalancer"], balancer);
            let request = Request { user: self.user.clone(), ..Request::update_status(changed) };
            ctx.request(&self.server, TOKEN_WRITE, request);
        }
    }

    fn tell(&mut self, ctx: &mut Ctx<'_>, delta: &Delta) {
        let Some(object) = delta.new.clone().filter(|o| self.mine(o)) else { return };
        let spec = |o: &Arc<Object>| o.get(&["spec"]).cloned();
        if delta.old.as_ref().is_some_and(|old| spec(old) == spec(&object)) {
            return;
        }
        let key = &object.key;
        let (reason, message) = match (self.profile, &delta.old) {
            (Profile::Modern, _) => ("Sync", Str::from("Scheduled for sync")),
            (_, None) => ("CREATE", ecow::eco_format!("Ingress {}/{}", key.namespace, key.name)),
            (_, Some(_)) => ("UPDATE", ecow::eco_format!("Ingress {}/{}", key.namespace, key.name)),
        };
        self.recorder.record(ctx, &object, "Normal", reason, message);
    }
}

/// Whether the Ingress has the host's certificate, which makes nginx insist on https.
fn redirects(ingress: &Object, host: &str) -> bool {
    let hosts = |t: &Value| t.get("hosts").map_or(&[][..], Value::items).iter().any(|h| h.as_str() == host);
    let off = meta::annotation(ingress, "nginx.ingress.kubernetes.io/ssl-redirect") == Some("false");
    !off && ingress.items(&["spec", "tls"]).iter().any(hosts)
}

/// The location that a path of a rule makes, if the request's path falls into it.
fn location<'a>(ingress: &'a Arc<Object>, entry: &'a Value, path: &str) -> Option<Location<'a>> {
    let (own, exact) = (entry.str("path"), entry.str("pathType") == "Exact");
    let own = if own.is_empty() { "/" } else { own };
    let rewrite = meta::annotation(ingress, "nginx.ingress.kubernetes.io/rewrite-target");
    // With a rewrite paths are regular expressions; of those the usual form is read.
    let (base, captures) = match own.strip_suffix("(/|$)(.*)") {
        Some(base) => (base, true),
        None => (own.strip_suffix("/?(.*)").unwrap_or(own), own.ends_with("/?(.*)")),
    };
    let rest = path.strip_prefix(base)?;
    let whole = rest.is_empty() || base.ends_with('/') || rest.starts_with('/');
    let fits = match (exact, entry.str("pathType")) {
        (true, _) => rest.is_empty(),
        (_, "Prefix") => whole,
        _ => !captures || whole,
    };
    let to = match rewrite {
        Some(target) if captures => {
            let rest = rest.trim_start_matches('/');
            target.replace("$2", rest).replace("$1", if own.ends_with("(/|$)(.*)") { "/" } else { rest })
        }
        Some(target) => target.to_owned(),
        None => path.to_owned(),
    };
    fits.then(|| Location {
        weight: (exact, base.len()),
        ingress,
        backend: entry.get("backend").unwrap_or(&NONE),
        path: to,
    })
}

static NONE: Value = Value::Null;

impl Component for IngressNginx {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        let msg = match msg {
            Msg::Start => {
                self.ingresses.start(ctx);
                self.services.start(ctx);
                self.endpoints.start(ctx);
                self.nodes.start(ctx);
                return ctx.timer(Duration::secs(2), TIMER_STATUS, "");
            }
            Msg::Timer(TIMER_STATUS, _) => return self.publish(ctx),
            Msg::Response(TOKEN_EVENTS, _) => return self.recorder.answered(ctx),
            // What was refused is written again at the next round.
            Msg::Response(TOKEN_WRITE, _) => return,
            other => other,
        };
        let msg = match self.ingresses.handle(ctx, msg) {
            Ok(deltas) => return deltas.iter().for_each(|d| self.tell(ctx, d)),
            Err(msg) => msg,
        };
        let rest = self.services.handle(ctx, msg).or_else(|msg| self.endpoints.handle(ctx, msg));
        // The node's address is read when it is needed.
        let _ = rest.or_else(|msg| self.nodes.handle(ctx, msg));
    }

    component_boilerplate!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: &str, own: &str, rewrite: Option<&str>, path: &str) -> Option<String> {
        let mut ingress = Object::new(Kind::INGRESS, "default", "i");
        if let Some(target) = rewrite {
            ingress.set(&["metadata", "annotations"], map! { "nginx.ingress.kubernetes.io/rewrite-target" => target });
        }
        let entry = Value::Map(map! { "path" => own, "pathType" => kind });
        location(&Arc::new(ingress), &entry, path).map(|l| l.path)
    }

    #[test]
    fn paths_fall_into_locations() {
        for (kind, own, rewrite, path, expected) in [
            ("Prefix", "/", None, "/any", Some("/any")),
            ("Prefix", "/shop", None, "/shop/cart", Some("/shop/cart")),
            ("Prefix", "/shop", None, "/shopping", None),
            ("ImplementationSpecific", "/shop", None, "/shopping", Some("/shopping")),
            ("Exact", "/shop", None, "/shop/", None),
            ("Prefix", "/hname", Some("/"), "/hname", Some("/")),
            ("ImplementationSpecific", "/api(/|$)(.*)", Some("/$2"), "/api/v1", Some("/v1")),
            ("ImplementationSpecific", "/api(/|$)(.*)", Some("/$2"), "/apis", None),
        ] {
            assert_eq!(found(kind, own, rewrite, path).as_deref(), expected, "{own} {path}");
        }
    }
}
