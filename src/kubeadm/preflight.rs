//! What kubeadm looks at before it changes anything.
//! Models cmd/kubeadm/app/preflight/checks.go.

use super::client::{accepts, exists, pull, unit};
use super::{Cx, Run, fail, stderr};
use crate::addons::cluster::{Cluster, minor};
use crate::api::Value;
use crate::base::Str;

/// Collects what the checks find; warnings are printed at once.
#[derive(Default)]
struct Found {
    errors: String,
    /// In lower case; `all` stands for every check.
    ignored: Vec<String>,
}

impl Found {
    fn new(cx: &Cx<'_, '_>, more: &[Str]) -> Found {
        let given = cx.flags.all("ignore-preflight-errors").iter().chain(more);
        let ignored = given.flat_map(|text| text.split(',')).map(str::to_lowercase).collect();
        Found { errors: String::new(), ignored }
    }
    fn warning(&mut self, cx: &mut Cx<'_, '_>, check: &str, text: &str) {
        stderr(cx, &format!("\t[WARNING {check}]: {text}\n"));
    }
    fn error(&mut self, cx: &mut Cx<'_, '_>, check: &str, text: &str) {
        if self.ignored.iter().any(|i| i == "all" || *i == check.to_ascii_lowercase()) {
            return self.warning(cx, check, text);
        }
        self.errors += &format!("\t[ERROR {check}]: {text}\n");
    }
    /// Ends the run where there were errors. `phase`: as the error names it.
    fn finish(self, cx: &mut Cx<'_, '_>, phase: &str) -> Run {
        if self.errors.is_empty() {
            return Ok(());
        }
        let text = format!(
            "[preflight] Some fatal errors occurred:\n{}[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`",
            self.errors
        );
        let prefix = if phase.is_empty() { String::new() } else { format!("error execution phase {phase}: ") };
        if cx.minor() >= 33 {
            stderr(cx, &format!("{text}\n"));
            return fail(format!("{prefix}preflight checks failed"));
        }
        fail(format!("{prefix}{text}"))
    }
}

/// Checks of an init; pulls the images at the end.
pub fn init(cx: &mut Cx<'_, '_>, cluster: &Cluster, more: &[Str]) -> Run {
    cx.out("[preflight] Running pre-flight checks");
    let mut found = Found::new(cx, more);
    let machine = cx.io.call("machine", Value::Null)?;
    let number = |key: &str| machine.get(key).and_then(Value::as_int).unwrap_or(0);
    let (cpus, memory) = (number("cpus"), number("memoryMib"));
    if cpus < 2 {
        found.error(cx, "NumCPU", &format!("the number of available CPUs {cpus} is less than the required 2"));
    }
    if memory < 1_700 && cx.minor() >= 19 {
        found.error(cx, "Mem", &format!("the system RAM ({memory} MB) is less than the minimum 1700 MB"));
    }
    if minor(&cluster.version) > cx.minor() {
        let text = format!(
            "Kubernetes version is greater than kubeadm version. Please consider to upgrade kubeadm. Kubernetes version: {}. Kubeadm version: 1.{}.x",
            cluster.version.trim_start_matches('v'),
            cx.minor()
        );
        found.warning(cx, "KubernetesVersion", &text);
    }
    firewall(cx, &mut found, &format!("[{} 10250]", cluster.port))?;
    for port in [u32::from(cluster.port), 10_259, 10_257] {
        port_free(cx, &mut found, port)?;
    }
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
        available(cx, &mut found, &format!("/etc/kubernetes/manifests/{name}.yaml"))?;
    }
    common(cx, &mut found, &cluster.version)?;
    if cx.io.call("etcd-data", Value::Null)?.as_bool() == Some(true) {
        found.error(cx, "DirAvailable--var-lib-etcd", "/var/lib/etcd is not empty");
    }
    port_free(cx, &mut found, 2_379)?;
    port_free(cx, &mut found, 2_380)?;
    found.finish(cx, "preflight")?;
    cx.out("[preflight] Pulling images required for setting up a Kubernetes cluster");
    cx.out("[preflight] This might take a minute or two, depending on the speed of your internet connection");
    let word = if cx.minor() >= 30 { "beforehand" } else { "in beforehand" };
    cx.out(format!("[preflight] You can also perform this action {word} using 'kubeadm config images pull'"));
    sandbox_image(cx, cluster)?;
    let mut found = Found::new(cx, more);
    for image in cluster.images() {
        if let Err(why) = pull(cx, &image)? {
            let text = format!("failed to pull image {image}: output: {why}\n, error: exit status 1");
            found.error(cx, "ImagePull", &text);
        }
    }
    found.finish(cx, "preflight")
}

/// Tells where containerd's pause image is another than kubeadm's.
pub fn sandbox_image(cx: &mut Cx<'_, '_>, cluster: &Cluster) -> Run {
    let config = cx.io.read_file("/etc/containerd/config.toml")?.unwrap_or_default();
    let set = config.lines().find_map(|l| l.trim().strip_prefix("sandbox_image = "));
    let (Some(image), wanted) = (set.map(|t| t.trim_matches('"').to_owned()), cluster.pause()) else { return Ok(()) };
    if cluster.modern() && image != wanted {
        let advice = if cx.minor() >= 30 { "It is recommended to use" } else { "It is recommended that using" };
        let text = format!(
            "detected that the sandbox image {image:?} of the container runtime is inconsistent with that used by kubeadm. {advice} {:?} as the CRI sandbox image.",
            wanted.as_str()
        );
        cx.klog('W', if cx.minor() >= 30 { "checks.go:846" } else { "checks.go:835" }, &text)?;
    }
    Ok(())
}

/// Checks of a join, before the cluster is asked.
pub fn join(cx: &mut Cx<'_, '_>, more: &[Str]) -> Run {
    cx.out("[preflight] Running pre-flight checks");
    let mut found = Found::new(cx, more);
    let manifests = cx.io.call("list-dir", "/etc/kubernetes/manifests".into())?;
    if !manifests.items().is_empty() {
        found.error(cx, "DirAvailable--etc-kubernetes-manifests", "/etc/kubernetes/manifests is not empty");
    }
    available(cx, &mut found, "/etc/kubernetes/kubelet.conf")?;
    available(cx, &mut found, "/etc/kubernetes/bootstrap-kubelet.conf")?;
    common(cx, &mut found, "")?;
    available(cx, &mut found, "/etc/kubernetes/pki/ca.crt")?;
    found.finish(cx, "preflight")
}

/// Of both. `version`: the control plane's, where it is known.
fn common(cx: &mut Cx<'_, '_>, found: &mut Found, version: &str) -> Run {
    let book = cx.profile == crate::sim::Profile::Book;
    runtime(cx, found, book)?;
    if cx.minor() < 30 {
        let bridge = "/proc/sys/net/bridge/bridge-nf-call-iptables";
        content(cx, found, bridge)?;
    }
    content(cx, found, "/proc/sys/net/ipv4/ip_forward")?;
    let swaps = cx.io.read_file("/proc/swaps")?.unwrap_or_default();
    if swaps.lines().count() > 1 {
        match cx.minor() {
            0..28 => found.error(cx, "Swap", "running with swap on is not supported. Please disable swap"),
            _ => found.warning(cx, "Swap", "swap is supported for cgroup v2 only. The kubelet must be properly configured to use swap. Please refer to https://kubernetes.io/docs/concepts/architecture/nodes/#swap-memory, or disable swap on the node"),
        }
    }
    let node = cx.node.clone();
    let ips = cx.io.call("resolve", node.as_str().into())?;
    let hosts = cx.io.read_file("/etc/hosts")?.unwrap_or_default();
    let listed = hosts.lines().any(|l| !l.starts_with('#') && l.split_whitespace().skip(1).any(|n| n == node));
    if ips.items().is_empty() || !listed {
        found.warning(cx, "Hostname", &format!("hostname \"{node}\" could not be reached"));
        let servers = cx.io.read_file("/etc/resolv.conf")?.unwrap_or_default();
        let server = servers.lines().find_map(|l| l.strip_prefix("nameserver ")).unwrap_or("127.0.0.1");
        let server = server.split_whitespace().next().unwrap_or(server);
        found.warning(cx, "Hostname", &format!("hostname \"{node}\": lookup {node} on {server}:53: no such host"));
    }
    kubelet_version(cx, found, version)?;
    let kubelet = unit(cx, "kubelet")?;
    if kubelet.is_null() {
        found.warning(cx, "Service-Kubelet", "kubelet service does not exist");
    } else if kubelet.get("enabled").and_then(Value::as_bool) != Some(true) {
        let text = "kubelet service is not enabled, please run 'systemctl enable kubelet.service'";
        found.warning(cx, "Service-Kubelet", text);
    }
    port_free(cx, found, 10_250)
}

fn runtime(cx: &mut Cx<'_, '_>, found: &mut Found, book: bool) -> Run {
    let name = if book { "docker" } else { "containerd" };
    let service = unit(cx, name)?;
    let active = service.str("state") == "active";
    if !book {
        if !active {
            let why = if service.is_null() { "no such file or directory" } else { "connection refused" };
            let text = format!(
                "could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: validate CRI v1 runtime API for endpoint \"unix:///run/containerd/containerd.sock\": rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: {why}\""
            );
            found.error(cx, "CRI", &text);
            return Ok(());
        }
        let config = cx.io.read_file("/etc/containerd/config.toml")?.unwrap_or_default();
        let off = config.lines().any(|l| l.starts_with("disabled_plugins") && l.contains("\"cri\""));
        if off {
            found.error(cx, "CRI", "could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: validate CRI v1 runtime API for endpoint \"unix:///run/containerd/containerd.sock\": rpc error: code = Unimplemented desc = unknown service runtime.v1.RuntimeService");
        }
        return Ok(());
    }
    if service.is_null() {
        found.warning(cx, "Service-Docker", "docker service does not exist");
    } else if service.get("enabled").and_then(Value::as_bool) != Some(true) {
        let text = "docker service is not enabled, please run 'systemctl enable docker.service'";
        found.warning(cx, "Service-Docker", text);
    }
    if !active {
        if !service.is_null() {
            let text = "docker service is not active, please run 'systemctl start docker.service'";
            found.error(cx, "Service-Docker", text);
        }
        found.error(cx, "SystemVerification", "error verifying Docker info: \"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\"");
        return Ok(());
    }
    let driver = cx.io.read_file("/etc/docker/daemon.json")?.unwrap_or_default();
    if !driver.contains("native.cgroupdriver=systemd") {
        found.warning(cx, "IsDockerSystemdCheck", "detected \"cgroupfs\" as the Docker cgroup driver. The recommended driver is \"systemd\". Please follow the guide at https://kubernetes.io/docs/setup/cri/");
    }
    Ok(())
}

fn kubelet_version(cx: &mut Cx<'_, '_>, found: &mut Found, version: &str) -> Run {
    let installed = cx.io.call("package", "kubelet".into())?;
    let kubelet = installed.as_str().split('-').next().unwrap_or_default().to_owned();
    if kubelet.is_empty() {
        let why = "executable file not found in $PATH";
        found.error(
            cx,
            "KubeletVersion",
            &format!("couldn't get kubelet version: cannot execute 'kubelet --version': exec: \"kubelet\": {why}"),
        );
    } else if !version.is_empty() && minor(&kubelet) > minor(version) {
        let text = format!(
            "the kubelet version is higher than the control plane version. This is not a supported version skew and may lead to a malfunctional cluster. Kubelet version: \"{kubelet}\" Control plane version: \"{}\"",
            version.trim_start_matches('v')
        );
        found.error(cx, "KubeletVersion", &text);
    }
    Ok(())
}

fn firewall(cx: &mut Cx<'_, '_>, found: &mut Found, ports: &str) -> Run {
    if unit(cx, "firewalld")?.str("state") == "active" {
        let text = format!(
            "firewalld is active, please ensure ports {ports} are open or your cluster may not function correctly"
        );
        found.warning(cx, "Firewalld", &text);
    }
    Ok(())
}

fn port_free(cx: &mut Cx<'_, '_>, found: &mut Found, port: u32) -> Run {
    if accepts(cx, port)? {
        found.error(cx, &format!("Port-{port}"), &format!("Port {port} is in use"));
    }
    Ok(())
}

fn available(cx: &mut Cx<'_, '_>, found: &mut Found, path: &str) -> Run {
    if exists(cx, path)? {
        found.error(cx, &format!("FileAvailable-{}", path.replace('/', "-")), &format!("{path} already exists"));
    }
    Ok(())
}

fn content(cx: &mut Cx<'_, '_>, found: &mut Found, path: &str) -> Run {
    let check = format!("FileContent-{}", path.replace('/', "-"));
    match cx.io.read_file(path)? {
        Ok(text) if text.trim() == "1" => {}
        Ok(_) => found.error(cx, &check, &format!("{path} contents are not set to 1")),
        Err(_) => found.error(cx, &check, &format!("{path} does not exist")),
    }
    Ok(())
}

/// The one check of an upgrade and a reset: kubeadm runs as root.
pub fn root(cx: &mut Cx<'_, '_>) -> Run {
    let user = cx.io.call("env", "USER".into())?;
    let mut found = Found::new(cx, &[]);
    if !matches!(user.as_str(), "" | "root") {
        found.error(cx, "IsPrivilegedUser", "user is not running as root");
    }
    found.finish(cx, "preflight")
}
