//! kubeadm as a client of the API: what `init` creates once the control plane answers, and what
//! `join` adds to a worker's node. The embryo of the commands themselves.
//! Models cmd/kubeadm/app/phases.

use super::cluster::Cluster;
use super::manifests;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response, Value};
use crate::base::persistent::Vector;
use crate::base::{Duration, Str};
use crate::component_boilerplate;
use crate::map;
use crate::sim::{Component, Ctx, Endpoint, Msg, Profile, Reply};

/// Marks a node as kubeadm does, after creating the objects that an init leaves (none for a join).
#[derive(Clone, Debug)]
pub struct Kubeadm {
    profile: Profile,
    server: Endpoint,
    node: Str,
    control_plane: bool,
    /// Still to be created.
    objects: Vector<Object>,
    done: bool,
}

const TIMER_RETRY: u16 = 1;
const TOKEN_CREATE: u64 = 1;
const TOKEN_NODE: u64 = 2;
const TOKEN_MARK: u64 = 3;

impl Kubeadm {
    /// `ca`: the authority's PEM.
    pub fn init(cluster: &Cluster, ca: &str, token: &str) -> Kubeadm {
        let (id, secret) = token.split_once('.').unwrap_or((token, ""));
        let usages = ["authentication", "signing"];
        let (groups, about) = (manifests::TOKEN_GROUP, manifests::TOKEN_ABOUT);
        let mut objects: Vector<Object> = manifests::upload(cluster).into();
        objects.push_back(manifests::token_secret(id, secret, None, &usages, groups, about));
        objects.extend(manifests::tokens(cluster, ca));
        objects.extend(manifests::admins(cluster));
        objects.extend(manifests::coredns(cluster));
        objects.extend(manifests::kube_proxy(cluster));
        objects.extend(manifests::applied_network(cluster.profile));
        let server = Endpoint { ip: cluster.ip.clone(), port: cluster.port };
        let (profile, node) = (cluster.profile, cluster.node.clone());
        Kubeadm { profile, server, node, control_plane: true, objects, done: false }
    }
    pub fn join(profile: Profile, server: Endpoint, node: &str, control_plane: bool) -> Kubeadm {
        Kubeadm { profile, server, node: node.into(), control_plane, objects: Vector::new(), done: false }
    }

    /// Whether it has nothing left to do.
    pub fn done(&self) -> bool {
        self.done
    }

    fn send(&self, ctx: &mut Ctx<'_>, token: u64, request: Request) {
        let request = Request { user: "kubernetes-admin".into(), user_agent: "kubeadm".into(), ..request };
        ctx.request(&self.server, token, request);
    }

    /// The next object, or the node when all are there.
    fn next(&mut self, ctx: &mut Ctx<'_>) {
        match self.objects.front() {
            Some(object) => self.send(ctx, TOKEN_CREATE, Request::create(object.clone())),
            None => {
                let key = ObjectKey::new(Kind::NODE, "", self.node.clone());
                self.send(ctx, TOKEN_NODE, Request::get(&key));
            }
        }
    }

    fn created(&mut self, ctx: &mut Ctx<'_>, reply: Reply) {
        let exists = matches!(&reply, Ok(Response::Error(s)) if s.reason == Reason::AlreadyExists);
        if exists || matches!(reply, Ok(Response::Object(_))) {
            self.objects.pop_front();
            self.next(ctx);
        } else {
            ctx.timer(Duration::millis(500), TIMER_RETRY, "");
        }
    }

    /// Role label and taint of the control plane, and the socket of the runtime.
    fn mark(&self, node: &Object) -> Object {
        let mut node = node.clone();
        let socket = match self.profile {
            Profile::Book => "/var/run/dockershim.sock",
            Profile::Modern => "unix:///run/containerd/containerd.sock",
        };
        let annotations = node.entry(&["metadata", "annotations"]).make_map();
        annotations.insert("kubeadm.alpha.kubernetes.io/cri-socket", socket);
        if self.control_plane {
            let labels = node.entry(&["metadata", "labels"]).make_map();
            labels.insert(manifests::taint(self.profile), "");
            if self.profile == Profile::Modern {
                labels.insert("node.kubernetes.io/exclude-from-external-load-balancers", "");
            }
            let taint = map! { "effect" => "NoSchedule", "key" => manifests::taint(self.profile) };
            node.entry(&["spec", "taints"]).make_list().push(Value::Map(taint));
        }
        node
    }
}

impl Component for Kubeadm {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start | Msg::Timer(TIMER_RETRY, _) => self.next(ctx),
            Msg::Response(TOKEN_CREATE, reply) => self.created(ctx, reply),
            Msg::Response(TOKEN_NODE, Ok(Response::Object(node))) => {
                let marked = self.mark(&node);
                self.send(ctx, TOKEN_MARK, Request::update(marked));
            }
            Msg::Response(TOKEN_MARK, Ok(Response::Object(_))) => {
                self.done = true;
                // The token is not to stay on the machine.
                ctx.host_mut().remove(super::files::BOOTSTRAP_CONF);
                let (me, cause) = (ctx.me, ctx.cause);
                ctx.world.kill(me, true, cause);
            }
            Msg::Response(..) => ctx.timer(Duration::millis(500), TIMER_RETRY, ""),
            _ => {}
        }
    }

    component_boilerplate!();
}
