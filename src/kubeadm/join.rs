//! `kubeadm join`: this machine becomes a worker of a cluster.
//! Models cmd/kubeadm/app/cmd/join.go and discovery/token. Joining as a second control plane is refused.

use super::client::{self, Client, endpoint_of, pin};
use super::config::{self, documents};
use super::{CONFIG, Cx, IGNORE, Run, SOCKET, fail, go_time, preflight, token};
use crate::addons::cluster::Cluster;
use crate::addons::files;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response, Value, node};
use crate::base::{Duration, Str, base64};
use crate::controllers::bootstrap::signature;
use crate::kubectl::flags::{self, Flag};
use crate::sim::Endpoint;
use std::sync::Arc;

pub const FLAGS: &[Flag] = &[
    CONFIG,
    IGNORE,
    SOCKET,
    flags::text("apiserver-advertise-address", "", ""),
    flags::text("certificate-key", "", ""),
    flags::yes("control-plane", ""),
    flags::text("discovery-file", "", ""),
    flags::text("discovery-token", "", ""),
    flags::list("discovery-token-ca-cert-hash", ""),
    flags::yes("discovery-token-unsafe-skip-ca-verification", ""),
    flags::text("node-name", "", ""),
    flags::text("tls-bootstrap-token", "", ""),
    flags::text("token", "", ""),
];

/// How long the cluster's information is asked for, and how often.
const PATIENCE: Duration = Duration::mins(5);
const INTERVAL: Duration = Duration::secs(5);

struct Join {
    endpoint: Str,
    token: Str,
    bootstrap: Str,
    pins: Vec<Str>,
    unsafe_skip: bool,
    /// Of this machine.
    node: Cluster,
    ignored: Vec<Str>,
}

fn wanted(cx: &mut Cx<'_, '_>) -> Run<Join> {
    let text = |name: &str| Str::from(cx.flags.text(name));
    let or = |a: Str, b: Str| if a.is_empty() { b } else { a };
    let mut node = Cluster::new(cx.profile, &or(text("node-name"), cx.node.clone()), "");
    node.kubelet_args.clear();
    let mut join = Join {
        endpoint: cx.args.first().cloned().unwrap_or_default(),
        token: or(text("discovery-token"), text("token")),
        bootstrap: or(text("tls-bootstrap-token"), text("token")),
        pins: cx.flags.all("discovery-token-ca-cert-hash").iter().flat_map(|v| v.split(',')).map(Str::from).collect(),
        unsafe_skip: cx.flags.yes("discovery-token-unsafe-skip-ca-verification"),
        node,
        ignored: Vec::new(),
    };
    let path = text("config");
    for (kind, doc) in if path.is_empty() { Vec::new() } else { documents(cx, &path)? } {
        if kind != "JoinConfiguration" {
            continue;
        }
        let at = |key: &str| doc.at(&["discovery", "bootstrapToken", key]);
        let text = |key: &str| Str::from(at(key).map(Value::as_str).unwrap_or_default());
        (join.endpoint, join.token) = (text("apiServerEndpoint"), text("token"));
        join.bootstrap = or(
            doc.at(&["discovery", "tlsBootstrapToken"]).map(Value::as_str).unwrap_or_default().into(),
            join.token.clone(),
        );
        join.pins =
            at("caCertHashes").map(Value::items).unwrap_or_default().iter().map(|v| v.as_str().into()).collect();
        join.unsafe_skip = at("unsafeSkipCAVerification").and_then(Value::as_bool).unwrap_or(false);
        config::registration(&doc, &mut join.node, &mut join.ignored);
    }
    Ok(join)
}

/// What the flags must say together; upstream's words.
fn validate(join: &Join) -> Run {
    let mut errors: Vec<String> = Vec::new();
    if join.endpoint.is_empty() || join.token.is_empty() {
        errors.push("discovery: Invalid value: \"\": bootstrapToken or file must be set".into());
    } else {
        if !token::valid(&join.token) {
            let text = format!(
                "discovery.bootstrapToken.token: Invalid value: {:?}: the bootstrap token is invalid",
                join.token.as_str()
            );
            errors.push(text);
        }
        if join.pins.is_empty() && !join.unsafe_skip {
            errors.push("discovery.bootstrapToken.caCertHashes: Invalid value: \"\": using token-based discovery without caCertHashes can be unsafe. Set unsafeSkipCAVerification as true in your kubeadm config file or pass --discovery-token-unsafe-skip-ca-verification flag to continue".into());
        }
        if endpoint_of(&join.endpoint).is_none() {
            errors.push(format!(
                "discovery.bootstrapToken.apiServerEndpoint: Invalid value: {:?}: address {}: missing port in address",
                join.endpoint.as_str(),
                join.endpoint
            ));
        }
    }
    if !join.bootstrap.is_empty() && !token::valid(&join.bootstrap) {
        errors.push(format!(
            "discovery.tlsBootstrapToken: Invalid value: {:?}: the bootstrap token is invalid",
            join.bootstrap.as_str()
        ));
    }
    match errors.len() {
        0 => Ok(()),
        1 => fail(errors.remove(0)),
        _ => fail(format!("[{}]", errors.join(", "))),
    }
}

pub fn run(cx: &mut Cx<'_, '_>) -> Run {
    if cx.args.len() > 1 {
        return fail(format!("accepts at most 1 arg(s), received {}", cx.args.len()));
    }
    let join = wanted(cx)?;
    validate(&join)?;
    if cx.flags.yes("control-plane") {
        return fail(
            "error execution phase preflight: \nOne or more conditions for hosting a new control plane instance is not satisfied.\n\nunable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address\n\nPlease ensure that:\n* The cluster has a stable controlPlaneEndpoint address.\n* The certificates that must be shared among control plane instances are provided.\n\n",
        );
    }
    if cx.minor() < 19 {
        cx.klog('W', "join.go:346", "[preflight] WARNING: JoinControlPane.controlPlane settings will be ignored when control-plane flag is not set.")?;
    }
    preflight::join(cx, &join.ignored)?;
    let (server, ca, info_endpoint) = discover(cx, &join)?;
    let client = Client { server, user: ecow::eco_format!("bearer:{}", join.bootstrap) };
    let cluster = read_cluster(cx, &client, &info_endpoint, &join)?;
    start_kubelet(cx, &client, &cluster, &ca, &join.bootstrap)?;
    wait_certificate(cx, &cluster)?;
    cx.out("\nThis node has joined the cluster:\n* Certificate signing request was sent to apiserver and a response was received.\n* The Kubelet was informed of the new secure connection details.\n\nRun 'kubectl get nodes' on the control-plane to see this node join the cluster.\n");
    Ok(())
}

/// Reads cluster-info as anybody, proves it with the token and pins its authority. Returns the
/// server, the authority's PEM and the endpoint that cluster-info names.
fn discover(cx: &mut Cx<'_, '_>, join: &Join) -> Run<(Endpoint, String, Str)> {
    let phase = "error execution phase preflight: couldn't validate the identity of the API Server: ";
    let Some(mut server) = endpoint_of(&join.endpoint) else { return fail(phase) };
    if crate::network::ipam::parse(&server.ip).is_none() {
        let found = cx.io.call("resolve", server.ip.as_str().into())?;
        match found.items().first() {
            Some(ip) => server.ip = ip.as_str().into(),
            None => {
                return fail(format!(
                    "{phase}Get \"https://{}/api/v1/namespaces/kube-public/configmaps/cluster-info?timeout=10s\": dial tcp: lookup {}: no such host",
                    join.endpoint, server.ip
                ));
            }
        }
    }
    let began = cx.io.now()?;
    let (id, secret) = join.token.split_once('.').unwrap_or_default();
    let info = loop {
        let why = match cluster_info(cx, &server, &join.endpoint)? {
            Ok(map) => {
                let signed = !map.str(&["data", &format!("jws-kubeconfig-{id}")]).is_empty();
                if signed || cx.minor() < 20 {
                    break map;
                }
                format!("could not find a JWS signature in the cluster-info ConfigMap for token ID {id:?}")
            }
            Err(why) if cx.minor() >= 28 => format!("failed to request the cluster-info ConfigMap: {why}"),
            Err(why) => why,
        };
        if cx.io.now()?.since(began) >= PATIENCE {
            return fail(format!("{phase}{why}"));
        }
        cx.io.sleep(INTERVAL)?;
    };
    let text = Str::from(info.str(&["data", "kubeconfig"]));
    let proof = Str::from(info.str(&["data", &format!("jws-kubeconfig-{id}")]));
    if proof.is_empty() {
        let node = if cx.minor() >= 20 { "control-plane" } else { "master" };
        return fail(format!(
            "{phase}token id {id:?} is invalid for this cluster or it has expired. Use \"kubeadm token create\" on the {node} node to create a new valid token"
        ));
    }
    if proof != signature(&text, id, secret) {
        return fail(format!(
            "{phase}failed to verify JWS signature of received cluster info object, can't trust this API Server"
        ));
    }
    let data = files::line(&text, "certificate-authority-data").unwrap_or_default();
    let ca = base64::decode(data).and_then(|b| String::from_utf8(b).ok()).unwrap_or_default();
    if !join.pins.is_empty() {
        check_pins(&join.pins, &ca).or_else(|why| fail(format!("{phase}{why}")))?;
    }
    let named = files::line(&text, "server").and_then(|s| s.strip_prefix("https://")).unwrap_or(&join.endpoint);
    Ok((server, ca, named.into()))
}

fn cluster_info(cx: &mut Cx<'_, '_>, server: &Endpoint, endpoint: &str) -> Run<Result<Arc<Object>, String>> {
    let key = ObjectKey::new(Kind::CONFIG_MAP, "kube-public", "cluster-info");
    let timeout = Duration::secs(10);
    let request = Request { timeout, user_agent: "kubeadm".into(), ..Request::get(&key) };
    Ok(match cx.io.request(server, request)? {
        Ok(Response::Object(map)) => Ok(map),
        Ok(Response::Error(status)) => Err(status.message.to_string()),
        Ok(_) => Err("unexpected answer".to_owned()),
        Err(e) => Err(format!(
            "Get \"https://{endpoint}/api/v1/namespaces/kube-public/configmaps/cluster-info?timeout=10s\": {}",
            e.told(endpoint)
        )),
    })
}

fn check_pins(pins: &[Str], ca: &str) -> Result<(), String> {
    for text in pins {
        match text.split_once(':') {
            None => {
                return Err(
                    "invalid discovery token CA certificate hash: invalid public key hash, expected \"format:value\""
                        .into(),
                );
            }
            Some(("sha256", hex)) if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {}
            Some(("sha256", hex)) => {
                return Err(format!(
                    "invalid discovery token CA certificate hash: invalid sha256 hash, expected a 32 byte SHA-256 hash, found {} bytes",
                    hex.len() / 2
                ));
            }
            Some((format, _)) => {
                return Err(format!(
                    "invalid discovery token CA certificate hash: unknown hash format {:?}, expected \"sha256\"",
                    format.to_uppercase()
                ));
            }
        }
    }
    let own = pin(ca).unwrap_or_default();
    if pins.contains(&own) {
        return Ok(());
    }
    Err(format!(
        "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys {:?} are pinned",
        own.as_str()
    ))
}

/// The cluster's configuration, read with the bootstrap token.
fn read_cluster(cx: &mut Cx<'_, '_>, client: &Client, endpoint: &str, join: &Join) -> Run<Cluster> {
    if cx.minor() >= 32 {
        cx.out(
            "[preflight] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...",
        );
        cx.out("[preflight] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.");
    } else {
        let flag = if cx.minor() >= 20 { "-o yaml" } else { "-oyaml" };
        cx.out("[preflight] Reading configuration from the cluster...");
        cx.out(format!("[preflight] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config {flag}'"));
    }
    let key = ObjectKey::new(Kind::CONFIG_MAP, "kube-system", "kubeadm-config");
    let map = match client.get(cx, &key)? {
        Ok(map) => map,
        Err((_, why)) => {
            return fail(format!(
                "error execution phase preflight: unable to fetch the kubeadm-config ConfigMap: failed to get config map: {why}"
            ));
        }
    };
    let (ip, port) = endpoint.rsplit_once(':').unwrap_or((endpoint, "6443"));
    let mut cluster = config::of_cluster(cx, map.str(&["data", "ClusterConfiguration"]), ip);
    cluster.port = port.parse().unwrap_or(6443);
    cluster.node = join.node.node.clone();
    cluster.kubelet_args = join.node.kubelet_args.clone();
    let name = cluster.kubelet_config_map();
    let key = ObjectKey::new(Kind::CONFIG_MAP, "kube-system", name.clone());
    let text = match client.get(cx, &key)? {
        Ok(map) => Str::from(map.str(&["data", "kubelet"])),
        Err((_, why)) => {
            return fail(format!(
                "error execution phase preflight: could not get kubelet configuration from ConfigMap {:?}: {why}",
                name.as_str()
            ));
        }
    };
    if let Some(driver) = files::line(&text, "cgroupDriver") {
        cluster.cgroup_driver = driver.into();
    }
    Ok(cluster)
}

fn start_kubelet(cx: &mut Cx<'_, '_>, client: &Client, cluster: &Cluster, ca: &str, token: &str) -> Run {
    let key = ObjectKey::new(Kind::NODE, "", cluster.node.clone());
    let name = &cluster.node;
    match client.get(cx, &key)? {
        Ok(existing) if node::ready(&existing) => {
            return fail(format!(
                "error execution phase kubelet-start: a Node with name {:?} and status \"Ready\" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node",
                name.as_str()
            ));
        }
        Ok(_) | Err((Some(Reason::NotFound), _)) => {}
        Err((_, why)) => {
            return fail(format!("error execution phase kubelet-start: cannot get Node {:?}: {why}", name.as_str()));
        }
    }
    client::systemctl(cx, "stop", "kubelet")?;
    if cx.minor() < 20 {
        let map = cluster.kubelet_config_map();
        cx.out(format!("[kubelet-start] Downloading configuration for the kubelet from the {:?} ConfigMap in the kube-system namespace", map.as_str()));
    }
    client::put_all(cx, files::joining(cluster, ca, token))?;
    cx.out(format!("[kubelet-start] Writing kubelet configuration to file {:?}", files::KUBELET_CONFIG));
    cx.out(format!("[kubelet-start] Writing kubelet environment file with flags to file {:?}", files::KUBELET_FLAGS));
    cx.out("[kubelet-start] Starting the kubelet");
    client::systemctl(cx, "start", "kubelet")?;
    Ok(())
}

/// Waits until the kubelet has its certificate, then notes the runtime's socket on the node.
fn wait_certificate(cx: &mut Cx<'_, '_>, cluster: &Cluster) -> Run {
    let limit = Duration::mins(4);
    if cx.minor() >= 30 {
        cx.out(
            "[kubelet-check] Waiting for a healthy kubelet at http://127.0.0.1:10248/healthz. This can take up to 4m0s",
        );
        match client::wait_port(cx, 10_248, limit)? {
            Some(took) => cx.out(format!("[kubelet-check] The kubelet is healthy after {}", go_time(took))),
            None => {
                cx.out("[kubelet-check] The kubelet is not healthy after 4m0.000205s");
                return failed(
                    cx,
                    "The HTTP call equal to 'curl -sSL http://127.0.0.1:10248/healthz' returned error: Get \"http://127.0.0.1:10248/healthz\": dial tcp 127.0.0.1:10248: connect: connection refused\n",
                );
            }
        }
        cx.out("[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap");
    } else {
        cx.out("[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap...");
    }
    let began = cx.io.now()?;
    let (mut said, mut next) = (false, 40);
    while !client::exists(cx, files::KUBELET_CONF)? {
        cx.io.sleep(Duration::secs(1))?;
        let waited = cx.io.now()?.since(began).as_secs();
        if cx.minor() < 30 && waited >= next && !client::accepts(cx, 10_248)? {
            if !said {
                cx.out("[kubelet-check] Initial timeout of 40s passed.");
            }
            (said, next) = (true, next + 20);
            cx.out("[kubelet-check] It seems like the kubelet isn't running or healthy.");
            cx.out("[kubelet-check] The HTTP call equal to 'curl -sSL http://localhost:10248/healthz' failed with error: Get http://localhost:10248/healthz: dial tcp [::1]:10248: connect: connection refused.");
        }
        if waited >= limit.as_secs() {
            return failed(cx, "timed out waiting for the condition");
        }
    }
    cx.io.call("remove", files::BOOTSTRAP_CONF.into())?;
    let client = Client::of(cx, files::KUBELET_CONF)?;
    let key = ObjectKey::new(Kind::NODE, "", cluster.node.clone());
    client.change(cx, &key, |object| super::init::mark_node(object, cluster, &[], None))
}

fn failed(cx: &mut Cx<'_, '_>, why: &str) -> Run {
    cx.io.call("remove", files::BOOTSTRAP_CONF.into())?;
    cx.out(format!("\nUnfortunately, an error has occurred:\n\t{why}\n\nThis error is likely caused by:\n\t- The kubelet is not running\n\t- The kubelet is unhealthy due to a misconfiguration of the node in some way (required cgroups disabled)\n\nIf you are on a systemd-powered system, you can try to troubleshoot the error with the following commands:\n\t- 'systemctl status kubelet'\n\t- 'journalctl -xeu kubelet'\n"));
    fail(format!("error execution phase kubelet-start: {why}"))
}
