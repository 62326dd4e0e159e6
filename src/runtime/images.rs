//! The registries of the simulated world: which images exist, how large they are, and what their main
//! process does. One row per repository; a tag outside a row does not exist.

use super::program::{Page, Program};
use crate::base::hash::Fnv;
use crate::base::{Duration, Str, Time};
use crate::sim::{Profile, World};

/// Which tags a repository has.
#[derive(Debug)]
enum Tags {
    /// `latest` and whatever looks like a version.
    Versions,
    /// nginx's releases: those of [`NGINX_PATCHES`], and their variants.
    Nginx,
    /// `v` + version, no `latest`: registries of Kubernetes' own.
    Releases,
}

#[derive(Debug)]
pub struct Repository {
    name: &'static str,
    tags: Tags,
    /// Bytes, compressed.
    size: u64,
    what: Main,
}

/// What the image's own command does.
#[derive(Clone, Copy, Debug)]
enum Main {
    Http(u16, Page),
    /// A server without content here: listens and waits.
    Server(&'static [u16]),
    /// A shell: ends at once without a terminal.
    Shell,
    /// Prints a text and ends.
    Print(&'static str),
    /// A component of the cluster, by program name.
    Component(&'static str),
    /// Runs and does nothing that can be seen.
    Daemon,
    Pause,
    /// Copies files and ends (init containers of Calico).
    Done,
}

const fn row(name: &'static str, tags: Tags, mb: u64, what: Main) -> Repository {
    Repository { name, tags, size: mb * 1_000_000 + 406_859, what }
}

use Main::*;
use Tags::*;

static REPOSITORIES: &[Repository] = &[
    row("docker.io/library/nginx", Nginx, 72, Http(80, Page::Nginx)),
    row("docker.io/nginxinc/nginx-unprivileged", Nginx, 72, Http(8080, Page::Nginx)),
    row("docker.io/library/httpd", Versions, 58, Http(80, Page::ItWorks)),
    row("docker.io/sysnet4admin/echo-hname", Versions, 52, Http(80, Page::Hostname)),
    row("docker.io/sysnet4admin/echo-ip", Versions, 52, Http(80, Page::ClientIp)),
    row("docker.io/sysnet4admin/chk-info", Versions, 60, Http(80, Page::Hostname)),
    row("docker.io/sysnet4admin/net-tools", Versions, 60, Shell),
    row("docker.io/sysnet4admin/sleepy", Versions, 3, Daemon),
    row("docker.io/traefik/whoami", Versions, 3, Http(80, Page::Hostname)),
    row("docker.io/library/busybox", Versions, 2, Shell),
    row("docker.io/library/alpine", Versions, 3, Shell),
    row("docker.io/library/ubuntu", Versions, 29, Shell),
    row("docker.io/library/debian", Versions, 49, Shell),
    row("docker.io/library/centos", Versions, 83, Shell),
    row("docker.io/library/rockylinux", Versions, 70, Shell),
    row("docker.io/library/bash", Versions, 6, Shell),
    row("docker.io/library/python", Versions, 370, Shell),
    row("docker.io/library/perl", Versions, 335, Shell),
    row("docker.io/library/node", Versions, 380, Shell),
    row("docker.io/library/golang", Versions, 310, Shell),
    row("docker.io/library/openjdk", Versions, 240, Shell),
    row("docker.io/curlimages/curl", Versions, 9, Shell),
    row("docker.io/nicolaka/netshoot", Versions, 180, Shell),
    row(
        "docker.io/library/hello-world",
        Versions,
        0,
        Print("\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n"),
    ),
    row("docker.io/library/redis", Versions, 45, Server(&[6379])),
    row("docker.io/library/memcached", Versions, 30, Server(&[11211])),
    row("docker.io/library/mysql", Versions, 160, Server(&[3306, 33060])),
    row("docker.io/library/mariadb", Versions, 118, Server(&[3306])),
    row("docker.io/library/postgres", Versions, 150, Server(&[5432])),
    row("docker.io/library/mongo", Versions, 240, Server(&[27017])),
    row("docker.io/library/rabbitmq", Versions, 100, Server(&[5672])),
    row("docker.io/library/wordpress", Versions, 230, Http(80, Page::ItWorks)),
    row("docker.io/library/haproxy", Versions, 40, Server(&[80])),
    row("docker.io/library/traefik", Versions, 40, Server(&[80, 8080])),
    row("docker.io/library/tomcat", Versions, 200, Http(8080, Page::ItWorks)),
    row("docker.io/library/fluentd", Releases, 20, Daemon),
    row("docker.io/library/elasticsearch", Versions, 420, Server(&[9200, 9300])),
    row("docker.io/library/kibana", Versions, 400, Server(&[5601])),
    row("docker.io/library/logstash", Versions, 420, Daemon),
    row("docker.io/library/cassandra", Versions, 130, Server(&[9042])),
    row("docker.io/library/zookeeper", Versions, 110, Server(&[2181])),
    row("docker.io/library/influxdb", Versions, 140, Server(&[8086])),
    row("docker.io/library/telegraf", Versions, 130, Daemon),
    row("docker.io/library/consul", Versions, 50, Server(&[8500])),
    row("docker.io/library/vault", Versions, 80, Server(&[8200])),
    row("docker.io/polinux/stress", Versions, 4, Shell),
    row("docker.io/progrium/stress", Versions, 110, Shell),
    row("docker.io/library/registry", Versions, 10, Server(&[5000])),
    row("docker.io/library/ghost", Versions, 190, Http(2368, Page::ItWorks)),
    row("docker.io/library/nextcloud", Versions, 330, Http(80, Page::ItWorks)),
    row("docker.io/library/caddy", Versions, 16, Http(80, Page::ItWorks)),
    row("docker.io/library/php", Versions, 170, Shell),
    row("docker.io/library/ruby", Versions, 350, Shell),
    row("docker.io/library/fedora", Versions, 60, Shell),
    row("docker.io/library/amazonlinux", Versions, 62, Shell),
    row("docker.io/fluent/fluentd", Versions, 45, Daemon),
    row("docker.io/fluent/fluent-bit", Versions, 30, Daemon),
    row("docker.io/prom/node-exporter", Versions, 11, Server(&[9100])),
    row("docker.io/prom/prometheus", Versions, 90, Server(&[9090])),
    row("docker.io/grafana/grafana", Versions, 100, Server(&[3000])),
    row("docker.io/metallb/controller", Versions, 17, Component("metallb-controller")),
    row("docker.io/metallb/speaker", Versions, 24, Component("metallb-speaker")),
    row("quay.io/metallb/controller", Versions, 27, Component("metallb-controller")),
    row("quay.io/metallb/speaker", Versions, 48, Component("metallb-speaker")),
    row("quay.io/fluentd_elasticsearch/fluentd", Releases, 74, Daemon),
    row(
        "quay.io/kubernetes-ingress-controller/nginx-ingress-controller",
        Versions,
        110,
        Component("nginx-ingress-controller"),
    ),
    row("gcr.io/google-samples/node-hello", Versions, 264, Http(8080, Page::Hostname)),
    row("gcr.io/google-samples/hello-app", Versions, 11, Http(8080, Page::Hostname)),
    row("gcr.io/google_samples/gb-frontend", Releases, 340, Http(80, Page::ItWorks)),
    row("gcr.io/google-samples/gb-frontend", Releases, 340, Http(80, Page::ItWorks)),
    row("docker.io/calico/cni", Releases, 110, Done),
    row("quay.io/calico/cni", Releases, 110, Done),
    row("docker.io/calico/pod2daemon-flexvol", Releases, 9, Done),
    row("docker.io/calico/node", Releases, 90, Component("calico-node")),
    row("quay.io/calico/node", Releases, 90, Component("calico-node")),
    row("docker.io/calico/kube-controllers", Releases, 25, Component("calico-kube-controllers")),
    row("quay.io/calico/kube-controllers", Releases, 25, Component("calico-kube-controllers")),
    row("docker.io/coredns/coredns", Versions, 12, Component("coredns")),
    row("docker.io/rancher/mirrored-flannelcni-flannel", Releases, 20, Component("flanneld")),
];

/// Images of Kubernetes' own registries, by the last part of their name.
static KUBERNETES: &[Repository] = &[
    row("kube-apiserver", Releases, 49, Component("kube-apiserver")),
    row("kube-controller-manager", Releases, 46, Component("kube-controller-manager")),
    row("kube-scheduler", Releases, 33, Component("kube-scheduler")),
    row("kube-proxy", Releases, 48, Component("kube-proxy")),
    row("etcd", Versions, 98, Component("etcd")),
    row("pause", Versions, 0, Pause),
    row("coredns", Versions, 13, Component("coredns")),
    row("coredns/coredns", Releases, 13, Component("coredns")),
    row("metrics-server", Releases, 40, Component("metrics-server")),
    row("metrics-server-amd64", Releases, 40, Component("metrics-server")),
    row("metrics-server/metrics-server", Releases, 28, Component("metrics-server")),
    row("ingress-nginx/controller", Releases, 105, Component("nginx-ingress-controller")),
    row("echoserver", Versions, 45, Http(8080, Page::Hostname)),
    row("e2e-test-images/agnhost", Versions, 50, Http(9376, Page::Hostname)),
    row("serve_hostname", Versions, 60, Http(9376, Page::Hostname)),
    row("hpa-example", Versions, 170, Http(80, Page::ItWorks)),
    row("nginx-slim", Versions, 40, Http(80, Page::Nginx)),
    row("busybox", Versions, 1, Shell),
];

/// Registries that serve [`KUBERNETES`].
const KUBERNETES_REGISTRIES: [&str; 5] = [
    "registry.k8s.io/",
    "k8s.gcr.io/",
    "gcr.io/google_containers/",
    "gcr.io/google-containers/",
    "gcr.io/kubernetes-e2e-test-images/",
];

/// Highest patch release of nginx 1.7, 1.8, …
const NGINX_PATCHES: [u32; 23] = [12, 1, 15, 3, 13, 2, 12, 2, 12, 1, 10, 0, 10, 2, 6, 1, 4, 0, 5, 3, 5, 3, 8];

/// `docker.io/library/nginx:latest` for `nginx`. `Err`: not a reference at all, with the reason.
pub fn normalize(image: &str) -> Result<Str, &'static str> {
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    };
    let (name, digest) = name.split_once('@').map_or((name, false), |(n, _)| (n, true));
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
    if name.is_empty() || !name.chars().all(ok) || tag.is_empty() || name.starts_with(['-', '/', '.']) {
        return Err("invalid reference format");
    }
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("docker.io", name),
    };
    if path.chars().any(|c| c.is_ascii_uppercase()) {
        return Err("invalid reference format: repository name must be lowercase");
    }
    let library = if host == "docker.io" && !path.contains('/') { "library/" } else { "" };
    let separator = if digest { "@sha256:" } else { ":" };
    Ok(ecow::eco_format!("{host}/{library}{path}{separator}{tag}"))
}

/// Why a pull failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PullError {
    NoSuchTag,
    NoSuchRepository,
    NoSuchHost,
    RateLimit,
}

/// The row and tag of a full reference.
pub fn find(reference: &str) -> Result<&'static Repository, PullError> {
    let (name, tag) = reference.split_once('@').or_else(|| reference.rsplit_once(':')).unwrap_or((reference, ""));
    let of_kubernetes = KUBERNETES_REGISTRIES.iter().find_map(|r| name.strip_prefix(r));
    let row = match of_kubernetes {
        Some(short) => KUBERNETES.iter().find(|r| r.name == short),
        None => REPOSITORIES.iter().find(|r| r.name == name),
    };
    let host = name.split('/').next().unwrap_or_default();
    let known = ["docker.io", "registry.k8s.io", "k8s.gcr.io", "gcr.io", "quay.io", "ghcr.io"];
    let row = row.ok_or(if known.contains(&host) { PullError::NoSuchRepository } else { PullError::NoSuchHost })?;
    if row.has(tag) { Ok(row) } else { Err(PullError::NoSuchTag) }
}

impl Repository {
    fn has(&self, tag: &str) -> bool {
        if tag.starts_with("sha256:") {
            return true;
        }
        let versionlike = |t: &str| t.starts_with(|c: char| c.is_ascii_digit());
        match self.tags {
            Tags::Versions => {
                matches!(tag, "latest" | "alpine" | "slim" | "stable" | "musl" | "glibc" | "edge")
                    || versionlike(tag.strip_prefix('v').unwrap_or(tag))
            }
            Tags::Releases => tag.strip_prefix('v').is_some_and(versionlike) || versionlike(tag),
            Tags::Nginx => nginx_tag(tag),
        }
    }

    /// Full size once pulled, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the image's own command does.
    pub fn program(&self) -> Program {
        match self.what {
            Main::Http(port, page) => Program::Http { port, page },
            Main::Server(ports) => Program::Server(ports.to_vec()),
            Main::Shell => Program::shell(""),
            Main::Print(text) => Program::print(text),
            Main::Component(name) => Program::Component(name.into()),
            Main::Daemon => Program::Server(Vec::new()),
            Main::Pause => Program::Server(Vec::new()),
            Main::Done => Program::print(""),
        }
    }

    /// Whether its own program is a shell.
    pub fn is_shell(&self) -> bool {
        matches!(self.what, Main::Shell)
    }
    /// Whether it has a shell and the usual small tools.
    pub fn has_shell(&self) -> bool {
        !matches!(self.what, Main::Pause | Main::Component(_) | Main::Print(_))
    }

    /// The command line of its main process, as `ps` shows it.
    pub fn command(&self) -> &'static str {
        match self.what {
            Main::Http(_, Page::Nginx | Page::Hostname | Page::ClientIp) => {
                "nginx: master process nginx -g daemon off;"
            }
            Main::Http(..) => "httpd -DFOREGROUND",
            Main::Component(name) => name,
            Main::Shell => "sh",
            Main::Pause => "/pause",
            _ => self.name.rsplit('/').next().unwrap_or("app"),
        }
    }
}

fn nginx_tag(tag: &str) -> bool {
    let base = ["-alpine", "-perl", "-alpine-perl", "-alpine-slim", "-otel", "-bookworm", "-bullseye"]
        .iter()
        .find_map(|v| tag.strip_suffix(v))
        .unwrap_or(tag);
    if matches!(base, "latest" | "stable" | "mainline" | "alpine" | "perl" | "1") {
        return true;
    }
    let mut parts = base.split('.').map(|p| p.parse::<u32>().ok());
    let (Some(Some(1)), Some(Some(minor))) = (parts.next(), parts.next()) else { return false };
    let Some(&highest) = minor.checked_sub(7).and_then(|i| NGINX_PATCHES.get(i as usize)) else { return false };
    match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some(Some(patch)), None) => patch <= highest,
        _ => false,
    }
}

/// A stand-in for the content hash of what `seed` names: 64 hexadecimal digits.
pub fn digest(seed: &str) -> Str {
    let mut h = Fnv::default();
    h.write(seed.as_bytes());
    let mut out = String::with_capacity(64);
    for i in 0..4 {
        h.write_u64(i);
        out += &format!("{:016x}", h.0);
    }
    out.into()
}

/// What the kubelet reports when a pull fails, in each runtime's words. `image` is as the pod names it.
pub fn pull_error(profile: Profile, image: &str, error: PullError) -> Str {
    let full = normalize(image).unwrap_or_default();
    let tagged = if image.contains(':') { image.to_owned() } else { format!("{image}:latest") };
    let repository = image.rsplit_once(':').filter(|(_, t)| !t.contains('/')).map_or(image, |(name, _)| name);
    let host = full.split('/').next().unwrap_or_default();
    let text = match (profile, error) {
        (Profile::Book, PullError::NoSuchTag) => format!(
            "rpc error: code = Unknown desc = Error response from daemon: manifest for {tagged} not found: manifest unknown: manifest unknown"
        ),
        (Profile::Book, PullError::NoSuchRepository) => format!(
            "rpc error: code = Unknown desc = Error response from daemon: pull access denied for {repository}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"
        ),
        (Profile::Book, PullError::NoSuchHost) => format!(
            "rpc error: code = Unknown desc = Error response from daemon: Get https://{host}/v2/: dial tcp: lookup {host} on 8.8.8.8:53: no such host"
        ),
        (Profile::Book, PullError::RateLimit) => {
            "rpc error: code = Unknown desc = Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit".to_owned()
        }
        (Profile::Modern, PullError::NoSuchTag) => format!(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"{full}\": failed to resolve image: {full}: not found"
        ),
        (Profile::Modern, PullError::NoSuchRepository) => format!(
            "failed to pull and unpack image \"{full}\": failed to resolve image: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"
        ),
        (Profile::Modern, PullError::NoSuchHost) => format!(
            "failed to pull and unpack image \"{full}\": failed to resolve image: failed to do request: Head \"https://{host}/v2/\": dial tcp: lookup {host} on 8.8.8.8:53: no such host"
        ),
        (Profile::Modern, PullError::RateLimit) => format!(
            "failed to pull and unpack image \"{full}\": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
        ),
    };
    text.into()
}

/// Docker Hub gives one address so many images in six hours; all machines of the lab share one. Counts
/// this one, or refuses it. Benchmarks have a registry of their own.
pub fn hub_refuses(world: &mut World, machine: u32, reference: &str) -> bool {
    const LIMIT: usize = 100;
    if !reference.starts_with("docker.io/") || world.machines().len() > 20 {
        return false;
    }
    let now = world.now;
    let recent = |at: &&Time| now.since(**at) < Duration::secs(6 * 3600);
    let count: usize = world.machines().map(|m| m.runtime.pulls.iter().filter(recent).count()).sum();
    if count < LIMIT {
        world.machine_mut(machine).runtime.pulls.push_back(now);
    }
    count >= LIMIT
}

/// How long a pull takes: the registry's answer, and the layers over the lab's line.
pub fn pull_time(size: u64, present: bool) -> Duration {
    Duration::millis(1_100 + if present { 0 } else { size / 125_000 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for (image, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.17", "docker.io/library/nginx:1.17"),
            ("sysnet4admin/echo-hname", "docker.io/sysnet4admin/echo-hname:latest"),
            ("k8s.gcr.io/pause:3.2", "k8s.gcr.io/pause:3.2"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
        ] {
            assert_eq!(normalize(image).as_deref(), Ok(full));
        }
        assert!(normalize("NGINX").is_err());
        assert!(normalize("a b").is_err());
    }

    #[test]
    fn tags_that_exist() {
        let has = |image: &str| find(&normalize(image).unwrap()).is_ok();
        for image in ["nginx", "nginx:1.17.0", "nginx:1.27-alpine", "busybox:1.28", "k8s.gcr.io/etcd:3.4.3-0"] {
            assert!(has(image), "{image}");
        }
        for image in ["nginx:1.17.23", "nginx:nope", "ngnix", "k8s.gcr.io/kube-proxy:latest", "r.example.com/x:1"] {
            assert!(!has(image), "{image}");
        }
    }
}
