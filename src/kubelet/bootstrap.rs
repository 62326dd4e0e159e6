//! From a started process to a kubelet: what makes it end at once, and how it comes by its
//! certificate where it has none yet.
//! Models cmd/kubelet/app/server.go and pkg/kubelet/certificate/bootstrap.

use super::{Kubelet, Pending, daemon};
use crate::addons::files::{self, BOOTSTRAP_CONF, KUBELET_CONF, KUBELET_CONFIG, KUBELET_FLAGS};
use crate::addons::pki;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response};
use crate::base::{Duration, Str, base64};
use crate::machine::{Machine, systemd};
use crate::runtime::{self, images};
use crate::sim::{Ctx, Endpoint, Profile, Reply};

/// Between two looks at a certificate request, and between two tries to post it.
const POLL: Duration = Duration::secs(1);

/// Why a kubelet on this machine would end again, in its words; its exit code.
fn fault(profile: Profile, host: &Machine, runtime_up: bool) -> Option<Str> {
    let book = profile == Profile::Book;
    let Some(config) = host.read(KUBELET_CONFIG) else {
        let why = ecow::eco_format!(
            "failed to load Kubelet config file {KUBELET_CONFIG}, error failed to read kubelet config file \"{KUBELET_CONFIG}\", error: open {KUBELET_CONFIG}: no such file or directory"
        );
        return Some(if book {
            why
        } else {
            ecow::eco_format!("failed to load kubelet config file, path: {KUBELET_CONFIG}, error: {why}")
        });
    };
    let swaps = host.read("/proc/swaps").cloned().unwrap_or_default();
    if swaps.lines().count() > 1 && !config.contains("failSwapOn: false") {
        return Some(match book {
            true => ecow::eco_format!("failed to run Kubelet: running with swap on is not supported, please disable swap! or set --fail-swap-on flag to false. /proc/swaps contained: [{}]", swaps.lines().collect::<Vec<_>>().join(" ")),
            false => "failed to run Kubelet: running with swap on is not supported, please disable swap or set --fail-swap-on flag to false".into(),
        });
    }
    if host.read(KUBELET_CONF).is_none() && host.read(BOOTSTRAP_CONF).is_none() {
        return Some(ecow::eco_format!(
            "failed to run Kubelet: unable to load bootstrap kubeconfig: stat {BOOTSTRAP_CONF}: no such file or directory"
        ));
    }
    if !runtime_up {
        return Some(match book {
            true => "failed to run Kubelet: failed to get docker version: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?".into(),
            false => ecow::eco_format!("failed to run Kubelet: validate service connection: validate CRI v1 runtime API for endpoint \"unix:///run/containerd/containerd.sock\": {}", runtime::unreachable(profile)),
        });
    }
    let flags = host.read(KUBELET_FLAGS).cloned().unwrap_or_default();
    let (mine, docker) =
        (if flags.contains("--cgroup-driver=systemd") { "systemd" } else { "cgroupfs" }, docker_driver(host));
    (book && flags.contains("--cgroup-driver=") && mine != docker).then(|| {
        ecow::eco_format!("failed to run Kubelet: misconfiguration: kubelet cgroup driver: \"{mine}\" is different from docker cgroup driver: \"{docker}\"")
    })
}

/// The cgroup driver that docker's configuration asks for.
pub fn docker_driver(host: &Machine) -> &'static str {
    let text = host.read("/etc/docker/daemon.json").cloned().unwrap_or_default();
    if text.contains("native.cgroupdriver=systemd") { "systemd" } else { "cgroupfs" }
}

impl Kubelet {
    /// The process was started: ends again, asks for a certificate, or begins.
    pub(super) fn launch(&mut self, ctx: &mut Ctx<'_>) {
        let fault = fault(self.profile, ctx.host(), daemon(ctx).is_some());
        if let Some(why) = fault {
            return self.die(ctx, &why);
        }
        match ctx.host().read(KUBELET_CONF) {
            Some(_) => self.begin(ctx),
            None => self.request_certificate(ctx),
        }
    }

    fn die(&self, ctx: &mut Ctx<'_>, why: &str) {
        let (machine, me, cause) = (ctx.machine, ctx.me, ctx.cause);
        let pid = ctx.host().processes.values().find(|p| p.actor == Some(me)).map_or(0, |p| p.pid);
        let code = match self.profile {
            Profile::Book => {
                self.log(ctx, 'F', "server.go:274", why);
                255
            }
            Profile::Modern => {
                self.log(ctx, 'E', "run.go:72", &format!("\"command failed\" err=\"{}\"", why.replace('"', "\\\"")));
                1
            }
        };
        systemd::end_process(ctx.world, machine, pid, code, false, cause);
        systemd::exited(ctx.world, machine, pid, code, cause);
    }

    fn bootstrap_user(host: &Machine) -> Option<(Str, Endpoint)> {
        let conf = host.read(BOOTSTRAP_CONF)?;
        let token = files::line(conf, "token")?;
        let (ip, port) = files::line(conf, "server")?.strip_prefix("https://")?.rsplit_once(':')?;
        let server = Endpoint { ip: ip.into(), port: port.parse().ok()? };
        Some((ecow::eco_format!("bearer:{token}"), server))
    }

    /// Posts a certificate request, or looks at the one that was posted.
    pub(super) fn request_certificate(&mut self, ctx: &mut Ctx<'_>) {
        let Some((user, server)) = Kubelet::bootstrap_user(ctx.host()) else {
            let why = format!(
                "failed to run Kubelet: unable to load bootstrap kubeconfig: stat {BOOTSTRAP_CONF}: no such file or directory"
            );
            return self.die(ctx, &why);
        };
        let request = match &self.csr {
            Some(name) => Request::get(&ObjectKey::new(Kind::CERTIFICATE_SIGNING_REQUEST, "", name.clone())),
            None => Request::create(self.certificate_request(ctx)),
        };
        let token = self.token(Pending::Certificate);
        let timeout = Duration::secs(30);
        ctx.request(&server, token, Request { user, user_agent: "kubelet".into(), timeout, ..request });
    }

    fn certificate_request(&self, ctx: &mut Ctx<'_>) -> Object {
        let user = ecow::eco_format!("system:node:{}", self.node_name);
        let nonce = ctx.rng.hex(16);
        let name = ecow::eco_format!("node-csr-{}", &images::digest(&nonce)[..43]);
        let mut csr = Object::new(Kind::CERTIFICATE_SIGNING_REQUEST, "", &name);
        let usages = match self.profile {
            Profile::Book => list!["digital signature", "key encipherment", "client auth"],
            Profile::Modern => list!["digital signature", "client auth"],
        };
        let public = pki::public_of(&nonce);
        let request = pki::CertRequest { name: user, organization: "system:nodes".into(), public };
        let request = base64::encode(request.pem().as_bytes());
        let signer = "kubernetes.io/kube-apiserver-client-kubelet";
        csr.set(&["spec"], map! { "request" => request, "signerName" => signer, "usages" => usages });
        csr
    }

    pub(super) fn certificate_answered(&mut self, ctx: &mut Ctx<'_>, reply: Reply) {
        let (machine, book) = (ctx.machine, self.profile == Profile::Book);
        let why: Str = match reply {
            Ok(Response::Object(csr)) => {
                self.csr = Some(csr.name().clone());
                let pem = base64::decode(csr.str(&["status", "certificate"])).and_then(|b| String::from_utf8(b).ok());
                if let Some(pem) = pem.filter(|p| !p.is_empty()) {
                    return self.certified(ctx, &pem);
                }
                return ctx.timer(POLL, super::TIMER_CERTIFICATE, "");
            }
            Ok(Response::Error(status)) if status.reason == Reason::NotFound => {
                self.csr = None;
                return ctx.timer(POLL, super::TIMER_CERTIFICATE, "");
            }
            Ok(Response::Error(status)) => status.message.clone(),
            other => ecow::eco_format!("{other:?}"),
        };
        let text = if book {
            ecow::eco_format!(
                "certificate_manager.go:434] Failed while requesting a signed certificate from the master: cannot create certificate signing request: {why}"
            )
        } else {
            ecow::eco_format!(
                "certificate_manager.go:596] \"Failed while requesting a signed certificate from the control plane\" err=\"cannot create certificate signing request: {why}\" logger=\"kubernetes.io/kube-apiserver-client-kubelet\""
            )
        };
        systemd::log(ctx.world, machine, "kubelet", text);
        ctx.timer(Duration::secs(4), super::TIMER_CERTIFICATE, "");
    }

    /// Keeps the certificate and goes on with it.
    fn certified(&mut self, ctx: &mut Ctx<'_>, pem: &str) {
        let Some(conf) = ctx.host().read(BOOTSTRAP_CONF).cloned() else { return };
        let endpoint = files::line(&conf, "server").and_then(|s| s.strip_prefix("https://")).unwrap_or_default();
        let ca = files::authority(&conf).unwrap_or_default();
        let made = files::bootstrapped(&ca, endpoint, pem, &pki::key(pem));
        let now = ctx.now();
        files::put(ctx.host_mut(), made, now);
        self.begin(ctx);
    }
}
