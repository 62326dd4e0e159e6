//! What lies in a container: the few files of its image that people look at, and which tools it has.
//! Laid out when a process first enters, below the folder where the runtime mounts the container's
//! layers; a container that nobody enters costs nothing.

use crate::base::Str;
use crate::machine::{File, Machine, files};
use crate::runtime::Container;
use crate::sim::{Profile, World};

/// What an image is built on: decides about tools, shell and prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// Slim images: bash and coreutils, no `ps`, no network tools.
    Debian,
    /// Everything that a distribution's base image has.
    Ubuntu,
    RedHat,
    /// busybox: `sh` only, but `ps`, `wget`, `nslookup`, `vi`.
    Alpine,
    /// All tools of a network debugger.
    Tools,
    /// A program and nothing else.
    Bare,
}

/// Last part of an image's name → family and further tools. What is not listed is Debian, except the
/// components of the cluster, which are bare.
const FAMILIES: &[(&str, Family, &[&str])] = &[
    ("busybox", Family::Alpine, &[]),
    ("alpine", Family::Alpine, &[]),
    ("bash", Family::Alpine, &["bash"]),
    ("curl", Family::Alpine, &["curl"]),
    ("sleepy", Family::Alpine, &[]),
    ("stress", Family::Alpine, &["bash", "stress"]),
    ("echo-hname", Family::Debian, &["curl"]),
    ("echo-ip", Family::Debian, &["curl"]),
    ("chk-info", Family::Debian, &["curl"]),
    ("agnhost", Family::Alpine, &["curl", "dig", "bash"]),
    ("net-tools", Family::Tools, &[]),
    ("netshoot", Family::Tools, &[]),
    ("centos", Family::RedHat, &[]),
    ("fedora", Family::RedHat, &[]),
    ("rockylinux", Family::RedHat, &[]),
    ("amazonlinux", Family::RedHat, &[]),
    ("ubuntu", Family::Ubuntu, &[]),
    ("nginx", Family::Debian, &["curl", "nginx"]),
    ("httpd", Family::Debian, &[]),
    ("redis", Family::Debian, &[]),
    ("node", Family::Debian, &["curl", "wget", "ps"]),
    ("python", Family::Debian, &["curl", "wget", "ps"]),
    ("golang", Family::Debian, &["curl", "wget", "ps"]),
    ("tomcat", Family::Ubuntu, &["curl"]),
    ("etcd", Family::Bare, &["etcdctl", "etcdutl", "sh"]),
    ("etcd-3.4", Family::Bare, &["etcdctl", "sh"]),
    ("kube-proxy", Family::Debian, &["iptables-save"]),
    ("calico-node", Family::RedHat, &[]),
    ("whoami", Family::Bare, &[]),
    ("hello-world", Family::Bare, &[]),
    ("pause", Family::Bare, &[]),
];

/// In every image with a shell.
const CORE: &str = " sh awk base64 basename cat chmod chown cp cut date dd df dirname du echo egrep env expr fallocate false find \
                    grep gzip head hostname id ln ls md5sum mkdir mknod mktemp mv nohup nproc printenv printf pwd \
                    readlink rm rmdir sed seq sha256sum sleep sort stat sync tac tail tar tee test time timeout touch \
                    tr true tty uname uniq wc which whoami xargs yes [ ";
/// On top of them, by family.
const BUSYBOX: &str = " ps top free kill killall pkill pgrep ping nslookup wget vi watch ip netstat mount umount dmesg \
                       uptime nc more less clear sysctl lsmod telnet ";
const PROCPS: &str = " ps top free kill pkill pgrep uptime watch mount sysctl dmesg ";
const REDHAT: &str = " curl vi ps top free kill pkill pgrep rpm yum dnf mount ";
const TOOLS: &str = " bash curl wget dig nslookup ping ip ss netstat nc ps top free kill pkill pgrep watch vi vim \
                     iptables-save tcpdump traceroute telnet jq ";

fn short(c: &Container) -> (&str, &str) {
    let name = c.image.split('@').next().unwrap_or("");
    let last = name.rsplit('/').next().unwrap_or(name);
    last.split_once(':').unwrap_or((last, ""))
}

fn row(c: &Container) -> (Family, &'static [&'static str]) {
    let (name, tag) = short(c);
    // `node` of Calico, not the language.
    let name = match name {
        "node" if c.image.contains("calico") => "calico-node",
        "etcd" if tag.starts_with("3.4") => "etcd-3.4",
        _ => name,
    };
    let found = FAMILIES.iter().find(|(n, ..)| *n == name).map(|(_, family, more)| (*family, *more));
    let bare = matches!(c.program, super::Program::Component(_));
    let (family, more) = found.unwrap_or((if bare { Family::Bare } else { Family::Debian }, &[]));
    if tag.contains("alpine") && family == Family::Debian { (Family::Alpine, more) } else { (family, more) }
}

pub fn family(machine: &Machine, container: &str) -> Family {
    machine.runtime.containers.get(container).map_or(Family::Bare, |c| row(c).0)
}

/// Whether the container's image holds this program.
pub fn has_tool(machine: &Machine, container: &str, name: &str) -> bool {
    let Some(c) = machine.runtime.containers.get(container) else { return false };
    let (family, more) = row(c);
    let of_family = match family {
        Family::Bare => return more.contains(&name),
        Family::Alpine => BUSYBOX,
        Family::Debian => " bash ",
        Family::Ubuntu => PROCPS,
        Family::RedHat => REDHAT,
        Family::Tools => TOOLS,
    };
    let word = format!(" {name} ");
    let bash = name == "bash" && matches!(family, Family::Ubuntu | Family::RedHat);
    bash || CORE.contains(&word) || of_family.contains(&word) || more.contains(&name)
}

/// Where the runtime mounts the container's layers.
pub fn root(profile: Profile, container: &str) -> Str {
    match profile {
        Profile::Book => ecow::eco_format!("/var/lib/docker/overlay2/{container}/merged"),
        Profile::Modern => {
            ecow::eco_format!("/run/containerd/io.containerd.runtime.v2.task/k8s.io/{container}/rootfs")
        }
    }
}

impl Machine {
    /// Where lies what a process of `container` (empty: of the machine itself) calls `path`: links
    /// followed. One that leads in a circle is where it ends.
    pub fn real_path(&self, container: &str, path: &str) -> Str {
        self.follow(container, path, true)
    }
    /// The same, but a link at the end stands for itself.
    pub fn link_path(&self, container: &str, path: &str) -> Str {
        self.follow(container, path, false)
    }
    fn follow(&self, container: &str, path: &str, last: bool) -> Str {
        let mut at = Str::from(path);
        // As many as Linux follows.
        for _ in 0..40 {
            let ends = at.match_indices('/').map(|(i, _)| i).filter(|i| *i > 0).chain(last.then_some(at.len()));
            let link = |end: usize| {
                let file = match container {
                    "" => self.files.get(&at[..end]),
                    _ => self.files.get(&self.laid_out(container, &at[..end])),
                }?;
                file.is_link().then(|| (end, file.content.text().clone()))
            };
            let Some((end, target)) = ends.into_iter().find_map(link) else { return self.laid_out(container, &at) };
            let whole = files::absolute(files::parent(&at[..end]), &target);
            at = files::absolute("/", &format!("{whole}{}", &at[end..]));
        }
        self.laid_out(container, path)
    }
    fn laid_out(&self, container: &str, path: &str) -> Str {
        let Some(c) = self.runtime.containers.get(container).filter(|_| !container.is_empty()) else {
            return path.into();
        };
        let under = |at: &str| path == at || path.strip_prefix(at).is_some_and(|rest| rest.starts_with('/'));
        let mount = c.mounts.iter().filter(|(at, _)| under(at)).max_by_key(|(at, _)| at.len());
        match mount {
            Some((at, source)) => ecow::eco_format!("{source}{}", &path[at.len()..]),
            None if path == "/" => c.root.clone(),
            None => ecow::eco_format!("{}{path}", c.root),
        }
    }
}

/// The resolv.conf of a pod that says nothing about it, in kubeadm's usual cluster.
pub fn usual_resolv(namespace: &str) -> String {
    format!(
        "nameserver 10.96.0.10\nsearch {namespace}.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
    )
}

/// Lays a container's files out, once.
pub fn ensure(world: &mut World, machine: u32, container: &str) {
    let (now, profile) = (world.now, world.config.profile);
    let host = world.machine_mut(machine);
    let Some(c) = host.runtime.containers.get(container).filter(|c| c.root.is_empty()).cloned() else { return };
    let root = root(profile, container);
    let name = super::process::hostname(host, container);
    let ip = host.runtime.sandboxes.get(&c.sandbox).map(|s| s.ip.clone()).unwrap_or_default();
    if let Some(c) = host.runtime.containers.get_mut(container) {
        c.root = root.clone();
    }
    let host_network = ip == host.ip;
    let sandbox = host.runtime.sandboxes.get(&c.sandbox);
    let (resolv, aliases) = sandbox.map(|s| (s.resolv.clone(), s.hosts.clone())).unwrap_or_default();
    let (image, _) = short(&c);
    let family = row(&c).0;
    for folder in ["bin", "dev", "etc", "home", "opt", "proc", "root", "run", "sys", "tmp", "usr/bin", "var/log"] {
        files::make_folder(host, &format!("{root}/{folder}"), now);
    }
    for (at, _) in c.mounts.iter() {
        files::make_folder(host, &format!("{root}{at}"), now);
    }
    let mut put = |path: &str, content: &str| {
        host.files.insert(
            ecow::eco_format!("{root}{path}"),
            File::new(content, if path.ends_with(".sh") { 0o755 } else { 0o644 }, now),
        );
    };
    put("/etc/hostname", &format!("{name}\n"));
    put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
    put("/etc/os-release", os_release(family));
    if family == Family::Debian {
        put("/etc/debian_version", "10.9\n");
    }
    if host_network {
        let own: Vec<(Str, Str)> = ["/etc/hosts", "/etc/resolv.conf"]
            .iter()
            .filter_map(|p| Some(((*p).into(), host.read(p)?.clone())))
            .collect();
        for (path, text) in own {
            host.files.insert(ecow::eco_format!("{root}{path}"), File::new(text, 0o644, now));
        }
    } else {
        put(
            "/etc/hosts",
            &format!(
                "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n{ip}\t{name}\n{aliases}"
            ),
        );
        let namespace = &c.pod.namespace;
        put("/etc/resolv.conf", &usual_resolv(namespace));
    }
    if !resolv.is_empty() {
        let path = ecow::eco_format!("{root}/etc/resolv.conf");
        host.files.insert(path, File::new(resolv, 0o644, now));
    }
    // A service account's volume: its token is a stand-in.
    let ca = host.read("/etc/kubernetes/pki/ca.crt").cloned().unwrap_or_default();
    for (_, source) in c.mounts.iter().filter(|(at, _)| at.ends_with("/kubernetes.io/serviceaccount")) {
        let token = ecow::eco_format!("eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.{}", super::images::digest(&c.uid));
        for (name, text) in [("ca.crt", ca.clone()), ("namespace", c.pod.namespace.clone()), ("token", token)] {
            host.write(&format!("{source}/{name}"), text, now);
        }
    }
    for (of, path, content) in FILES {
        if *of == image || (*of == "nginx" && matches!(image, "echo-hname" | "echo-ip" | "chk-info")) {
            let file = File::new(*content, 0o644, now);
            host.files.insert(ecow::eco_format!("{root}{path}"), file);
        }
    }
}

/// Takes a removed container's files away.
pub fn remove(machine: &mut Machine, container: &Container) {
    if !container.root.is_empty() {
        files::remove(machine, &container.root, container.finished);
    }
}

/// The page a web server's file holds; `None`: nobody has been in the container, its image's page counts.
pub fn page(machine: &Machine, container: &Container) -> Option<Result<Str, ()>> {
    let (image, _) = short(container);
    let path = match image {
        "nginx" => "/usr/share/nginx/html/index.html",
        "httpd" => "/usr/local/apache2/htdocs/index.html",
        _ => return None,
    };
    let mounted = container.mounts.iter().any(|(at, _)| path.starts_with(at.as_str()));
    if container.root.is_empty() && !mounted {
        return None;
    }
    Some(machine.read(&machine.real_path(&container.id, path)).cloned().ok_or(()))
}

/// A file below a web server's folder, by the path of a URL.
pub fn document(machine: &Machine, container: &Container, path: &str) -> Option<Str> {
    let folder = match short(container).0 {
        "nginx" => "/usr/share/nginx/html",
        "httpd" => "/usr/local/apache2/htdocs",
        _ => return None,
    };
    let index = if path.ends_with('/') { "index.html" } else { "" };
    machine.read(&machine.real_path(&container.id, &format!("{folder}{path}{index}"))).cloned()
}

fn os_release(family: Family) -> &'static str {
    match family {
        Family::Alpine | Family::Tools => {
            "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.13.5\nPRETTY_NAME=\"Alpine Linux v3.13\"\n"
        }
        Family::RedHat => {
            "NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nVERSION_ID=\"7\"\nPRETTY_NAME=\"CentOS Linux 7 (Core)\"\n"
        }
        Family::Ubuntu => {
            "NAME=\"Ubuntu\"\nVERSION=\"20.04.2 LTS (Focal Fossa)\"\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME=\"Ubuntu 20.04.2 LTS\"\nVERSION_ID=\"20.04\"\n"
        }
        Family::Debian => {
            "PRETTY_NAME=\"Debian GNU/Linux 10 (buster)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"10\"\nVERSION=\"10 (buster)\"\nID=debian\n"
        }
        Family::Bare => "",
    }
}

/// Image, path, content.
const FILES: &[(&str, &str, &str)] = &[
    ("nginx", "/usr/share/nginx/html/index.html", super::program::WELCOME),
    (
        "nginx",
        "/usr/share/nginx/html/50x.html",
        "<!DOCTYPE html>\n<html>\n<head>\n<title>Error</title>\n</head>\n<body>\n<h1>An error occurred.</h1>\n</body>\n</html>\n",
    ),
    ("nginx", "/run/nginx.pid", "1\n"),
    ("nginx", "/var/run/nginx.pid", "1\n"),
    (
        "nginx",
        "/etc/nginx/nginx.conf",
        "\nuser  nginx;\nworker_processes  1;\n\nerror_log  /var/log/nginx/error.log warn;\npid        /var/run/nginx.pid;\n\n\nevents {\n    worker_connections  1024;\n}\n\n\nhttp {\n    include       /etc/nginx/mime.types;\n    default_type  application/octet-stream;\n\n    log_format  main  '$remote_addr - $remote_user [$time_local] \"$request\" '\n                      '$status $body_bytes_sent \"$http_referer\" '\n                      '\"$http_user_agent\" \"$http_x_forwarded_for\"';\n\n    access_log  /var/log/nginx/access.log  main;\n\n    sendfile        on;\n    #tcp_nopush     on;\n\n    keepalive_timeout  65;\n\n    #gzip  on;\n\n    include /etc/nginx/conf.d/*.conf;\n}\n",
    ),
    (
        "nginx",
        "/etc/nginx/conf.d/default.conf",
        "server {\n    listen       80;\n    server_name  localhost;\n\n    location / {\n        root   /usr/share/nginx/html;\n        index  index.html index.htm;\n    }\n\n    error_page   500 502 503 504  /50x.html;\n    location = /50x.html {\n        root   /usr/share/nginx/html;\n    }\n}\n",
    ),
    (
        "nginx",
        "/etc/nginx/mime.types",
        "types {\n    text/html                             html htm shtml;\n    text/css                              css;\n}\n",
    ),
    ("nginx", "/docker-entrypoint.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
    ("httpd", "/usr/local/apache2/htdocs/index.html", "<html><body><h1>It works!</h1></body></html>\n"),
    (
        "httpd",
        "/usr/local/apache2/conf/httpd.conf",
        "ServerRoot \"/usr/local/apache2\"\nListen 80\nDocumentRoot \"/usr/local/apache2/htdocs\"\n",
    ),
    ("redis", "/usr/local/etc/redis/redis.conf", "port 6379\ndir /data\n"),
    ("redis", "/data/", ""),
    (
        "mysql",
        "/etc/mysql/my.cnf",
        "[mysqld]\npid-file        = /var/run/mysqld/mysqld.pid\nsocket          = /var/run/mysqld/mysqld.sock\ndatadir         = /var/lib/mysql\n",
    ),
    ("mysql", "/var/lib/mysql/", ""),
    ("alpine", "/etc/alpine-release", "3.13.5\n"),
    ("ubuntu", "/etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=20.04\nDISTRIB_CODENAME=focal\n"),
    ("centos", "/etc/centos-release", "CentOS Linux release 7.9.2009 (Core)\n"),
];
