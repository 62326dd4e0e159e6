//! Packages: which there are in which repository, and what installing one lays on a machine.
//!
//! The truth about repositories is `/etc/yum.repos.d/*.repo`; what is installed is
//! [`Machine::packages`]. Commands of a package exist while it is installed ([`owner`]).
//! Not here: what yum and dnf print (`commands/yum.rs`).

use crate::base::{Str, Time};
use crate::machine::{Machine, Role, files, systemd, users};
use crate::sim::Profile;

/// A source of packages behind a repository's URL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The distribution's own.
    Base,
    Docker,
    /// Kubernetes' packages of all versions, as the old mirrors have them.
    KubernetesAll,
    /// Those of one minor version.
    Kubernetes(u32),
}

/// Which versions a package has.
#[derive(Debug)]
enum Versions {
    /// On CentOS 7 and on Rocky 9.
    One(&'static str, &'static str),
    /// Oldest first.
    Of(&'static [&'static str]),
    /// Kubernetes' own.
    Kubernetes,
}

#[derive(Debug)]
pub struct Package {
    pub name: &'static str,
    docker: bool,
    versions: Versions,
    pub kib: u32,
    requires: &'static [&'static str],
    commands: &'static [&'static str],
}

const fn base(
    name: &'static str,
    el7: &'static str,
    el9: &'static str,
    kib: u32,
    commands: &'static [&'static str],
) -> Package {
    Package { name, docker: false, versions: Versions::One(el7, el9), kib, requires: &[], commands }
}

/// What can be installed. Everything else that the machines have came with the box.
static TABLE: &[Package] = &[
    base("bash-completion", "1:2.1-8.el7", "1:2.11-5.el9", 85, &[]),
    base("bind-utils", "32:9.11.4-26.P2.el7_9.16", "32:9.16.23-29.el9_6", 261, &["dig", "nslookup", "host"]),
    base("bridge-utils", "1.5-9.el7", "1.7.1-1.el9", 32, &[]),
    base("conntrack-tools", "1.4.4-7.el7", "1.4.7-4.el9_5", 187, &[]),
    base("container-selinux", "2:2.119.2-1.911c772.el7_8", "3:2.235.0-1.el9_6", 40, &[]),
    base("device-mapper-persistent-data", "0.8.5-3.el7_9.2", "1.1.0-1.el9", 423, &[]),
    base("dnf-plugins-core", "", "4.3.0-21.el9", 36, &[]),
    base("etcd", "3.3.11-2.el7.centos", "", 10_240, &["etcdctl"]),
    base("git", "1.8.3.1-25.el7_9", "2.47.3-1.el9_6", 4_500, &["git"]),
    base("httpd", "2.4.6-99.el7.centos.1", "2.4.62-4.el9_6.4", 2_700, &[]),
    base("ipset", "7.1-1.el7", "7.11-11.el9_5", 39, &[]),
    base("ipvsadm", "1.27-8.el7", "1.31-6.el9", 45, &["ipvsadm"]),
    base("iproute-tc", "4.11.0-30.el7", "6.11.0-1.el9", 460, &[]),
    base("jq", "", "1.6-17.el9_6.2", 187, &[]),
    base("libtool-ltdl", "2.4.2-22.el7_3", "2.4.6-46.el9", 49, &[]),
    base("lvm2", "7:2.02.187-6.el7_9.5", "9:2.03.28-6.el9", 1_300, &[]),
    base("nano", "2.3.1-10.el7", "5.6.1-7.el9", 440, &["nano"]),
    base("net-tools", "2.0-0.25.20131004git.el7", "2.0-0.64.20160912git.el9", 306, &["netstat", "route"]),
    base("nfs-utils", "1:1.3.0-0.68.el7.2", "1:2.5.4-34.el9", 413, &[]),
    base("lsof", "4.87-6.el7", "4.94.0-3.el9", 331, &["lsof"]),
    base("nmap-ncat", "2:6.40-19.el7", "3:7.92-3.el9", 206, &["nc", "ncat"]),
    base("ntp", "4.2.6p5-29.el7.centos.2", "", 549, &[]),
    base("socat", "1.7.3.2-2.el7", "1.7.4.1-6.el9_4", 290, &[]),
    base("tar", "2:1.26-35.el7", "2:1.34-7.el9", 846, &["tar"]),
    base("telnet", "1:0.17-66.el7", "1:0.17-85.el9", 64, &["telnet"]),
    base("tree", "1.6.0-10.el7", "1.8.0-10.el9", 46, &["tree"]),
    base("unzip", "6.0-24.el7_9", "6.0-58.el9_5", 170, &[]),
    base("vim-common", "2:7.4.629-8.el7_9", "2:8.2.2637-22.el9_6", 5_900, &["xxd"]),
    base("vim-enhanced", "2:7.4.629-8.el7_9", "2:8.2.2637-22.el9_6", 1_100, &["vim"]),
    base("wget", "1.14-18.el7_6.1", "1.21.1-8.el9_4", 547, &["wget"]),
    base("yum-utils", "1.1.31-54.el7_8", "4.3.0-21.el9", 122, &["yum-config-manager"]),
    Package {
        name: "docker-ce",
        docker: true,
        versions: Versions::Of(&[
            "18.03.1.ce-1.el7.centos",
            "18.06.0.ce-3.el7",
            "18.06.1.ce-3.el7",
            "18.06.3.ce-3.el7",
            "3:18.09.9-3.el7",
            "3:19.03.15-3.el7",
            "3:20.10.24-3.el7",
            "3:26.1.4-1.el7",
        ]),
        kib: 41_000,
        requires: &["container-selinux", "libtool-ltdl"],
        commands: &["docker", "dockerd", "docker-containerd-ctr"],
    },
    Package {
        name: "docker-ce-cli",
        docker: true,
        versions: Versions::Of(&["1:18.09.9-3.el7", "1:19.03.15-3.el7", "1:20.10.24-3.el7", "1:26.1.4-1.el7"]),
        kib: 14_000,
        requires: &[],
        commands: &["docker"],
    },
    Package {
        name: "containerd.io",
        docker: true,
        versions: Versions::One("1.6.33-3.1.el7", "1.7.28-1.el9"),
        kib: 34_000,
        requires: &["container-selinux"],
        commands: &["containerd", "ctr"],
    },
    Package {
        name: "kubelet",
        docker: false,
        versions: Versions::Kubernetes,
        kib: 20_000,
        requires: &["kubernetes-cni", "conntrack-tools", "socat"],
        commands: &["kubelet"],
    },
    Package {
        name: "kubeadm",
        docker: false,
        versions: Versions::Kubernetes,
        kib: 8_100,
        requires: &["kubelet", "kubectl", "cri-tools"],
        commands: &["kubeadm"],
    },
    Package {
        name: "kubectl",
        docker: false,
        versions: Versions::Kubernetes,
        kib: 8_900,
        requires: &[],
        commands: &["kubectl"],
    },
    Package {
        name: "cri-tools",
        docker: false,
        versions: Versions::Kubernetes,
        kib: 5_100,
        requires: &[],
        commands: &["crictl"],
    },
    Package {
        name: "kubernetes-cni",
        docker: false,
        versions: Versions::Kubernetes,
        kib: 9_000,
        requires: &[],
        commands: &[],
    },
];

pub fn named(name: &str) -> Option<&'static Package> {
    TABLE.iter().find(|p| p.name == name)
}

pub fn all() -> impl Iterator<Item = &'static Package> {
    TABLE.iter()
}

/// The packages that bring this command; empty: every machine has it.
pub fn owner(command: &str) -> impl Iterator<Item = &'static Package> {
    TABLE.iter().filter(move |p| p.commands.contains(&command))
}

/// A repository as its file describes it.
#[derive(Clone, Debug, Default)]
pub struct Repo {
    pub id: Str,
    pub name: Str,
    pub url: Str,
    /// `mirrorlist=` instead of `baseurl=`.
    pub mirrors: bool,
    pub enabled: bool,
    pub signed: bool,
    pub key: Str,
    pub exclude: Vec<Str>,
    /// A list of mirrors that is asked first, although `baseurl=` is there too.
    pub list: Str,
}

/// A file without a section before its first setting: its path and that line.
pub fn headless(machine: &Machine) -> Option<(Str, Str)> {
    let settings = |path: &Str| {
        let text = machine.read(path)?;
        let first = text.lines().find(|l| !l.trim().is_empty() && !l.starts_with(['#', ';']))?;
        (!first.starts_with('[')).then(|| (path.clone(), Str::from(first)))
    };
    machine.below("/etc/yum.repos.d").filter(|p| p.ends_with(".repo")).find_map(settings)
}

/// All repositories of a machine, in the order of their files.
pub fn repos(machine: &Machine) -> Vec<Repo> {
    let mut out: Vec<Repo> = Vec::new();
    let bad = headless(machine).map(|(path, _)| path);
    for path in machine.below("/etc/yum.repos.d").filter(|p| p.ends_with(".repo") && Some(*p) != bad.as_ref()) {
        for line in machine.read(path).map_or("", Str::as_str).lines().map(str::trim) {
            if let Some(id) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                out.push(Repo { id: id.into(), enabled: true, signed: true, ..Repo::default() });
                continue;
            }
            let (Some(repo), Some((key, value))) = (out.last_mut(), line.split_once('=')) else { continue };
            let value = value.trim();
            match key.trim() {
                "name" => repo.name = value.into(),
                "baseurl" => {
                    if repo.mirrors {
                        repo.list = std::mem::take(&mut repo.url);
                    }
                    (repo.url, repo.mirrors) = (value.into(), false);
                }
                "mirrorlist" | "metalink" if repo.url.is_empty() => (repo.url, repo.mirrors) = (value.into(), true),
                "mirrorlist" | "metalink" => repo.list = value.into(),
                "gpgkey" => repo.key = value.into(),
                "enabled" => repo.enabled = value == "1",
                "gpgcheck" => repo.signed = value == "1",
                "exclude" | "excludepkgs" => repo.exclude = value.split([' ', ',']).map(Str::from).collect(),
                _ => {}
            }
        }
    }
    out
}

/// Why a repository cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// Its host no longer exists.
    NoHost,
    NotFound,
}

impl Repo {
    pub fn host(&self) -> &str {
        self.url.split("://").nth(1).unwrap_or(&self.url).split('/').next().unwrap_or("")
    }
    /// What its URL serves today.
    pub fn source(&self) -> Result<Source, Broken> {
        let path = self.url.split("://").nth(1).and_then(|r| r.split_once('/')).map_or("", |(_, path)| path);
        match self.host() {
            "vault.centos.org" if path.starts_with("7.") || path.starts_with("centos/7.") => Ok(Source::Base),
            "mirrors.rockylinux.org" | "dl.rockylinux.org" | "mirrors.fedoraproject.org" => Ok(Source::Base),
            "download.docker.com" if path.starts_with("linux/") => Ok(Source::Docker),
            "mirrors.aliyun.com" if path.starts_with("kubernetes/yum/repos/kubernetes-el7") => {
                Ok(Source::KubernetesAll)
            }
            "mirrors.aliyun.com" if path.starts_with("centos") => Ok(Source::Base),
            "mirrors.aliyun.com" if path.starts_with("docker-ce/linux/") => Ok(Source::Docker),
            "pkgs.k8s.io" => {
                let minor = path.strip_prefix("core:/stable:/v1.").and_then(|r| r.split_once("/rpm"));
                minor
                    .and_then(|(n, _)| n.parse().ok())
                    .filter(|n| (24..=36).contains(n))
                    .map(Source::Kubernetes)
                    .ok_or(Broken::NotFound)
            }
            // Closed in 2024.
            "packages.cloud.google.com" | "vault.centos.org" | "download.docker.com" | "mirrors.aliyun.com" => {
                Err(Broken::NotFound)
            }
            _ => Err(Broken::NoHost),
        }
    }
}

/// Last patch release of each minor version from 1.24 on; where the table ends, what a profile runs.
const LAST_PATCH: [u32; 13] = [17, 16, 15, 16, 15, 15, 14, 14, 12, 10, 6, 4, 2];
/// The same from 1.6 on, of the old mirrors.
const OLD_PATCH: [u32; 22] = [13, 16, 15, 11, 13, 10, 10, 12, 10, 12, 15, 17, 20, 16, 15, 14, 17, 17, 17, 16, 15, 2];

impl Package {
    /// Newest first, with epoch and release: `1.18.4-0`.
    pub fn versions(&self, source: Source, profile: Profile) -> Vec<Str> {
        let of = |minor: u32, last: u32, release: &str| -> Vec<Str> {
            (0..=last).rev().map(|patch| ecow::eco_format!("1.{minor}.{patch}-{release}")).collect()
        };
        match (&self.versions, source) {
            (Versions::One(el7, el9), Source::Base | Source::Docker) if self.docker == (source == Source::Docker) => {
                let version = if profile == Profile::Book { el7 } else { el9 };
                if version.is_empty() { Vec::new() } else { vec![(*version).into()] }
            }
            (Versions::Of(all), Source::Docker) => {
                let el = |v: &str| if profile == Profile::Book { v.into() } else { v.replace(".el7", ".el9").into() };
                all.iter().rev().map(|v| el(v)).collect()
            }
            (Versions::Kubernetes, Source::KubernetesAll) => match self.name {
                "cri-tools" => vec!["1.26.0-0".into(), "1.13.0-0".into()],
                "kubernetes-cni" => vec!["1.2.0-0".into(), "0.8.7-0".into(), "0.8.6-0".into()],
                _ => (6..=27).rev().chain([]).flat_map(|m| of(m, OLD_PATCH[m as usize - 6], "0")).fold(
                    of(28, 2, "0"),
                    |mut all, v| {
                        all.push(v);
                        all
                    },
                ),
            },
            (Versions::Kubernetes, Source::Kubernetes(minor)) => match self.name {
                "cri-tools" => vec![ecow::eco_format!("1.{minor}.0-150500.1.1")],
                "kubernetes-cni" => vec!["1.7.1-150500.1.1".into()],
                _ => of(minor, LAST_PATCH[minor as usize - 24], "150500.1.1"),
            },
            _ => Vec::new(),
        }
    }
    pub fn requires(&self) -> &'static [&'static str] {
        self.requires
    }
}

/// A version without its epoch.
pub fn plain(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, v)| v)
}

/// Whether what was asked for (`1.18.4`, `1.18.4-0`) names this version.
pub fn is_version(version: &str, asked: &str) -> bool {
    version == asked
        || plain(version) == asked
        || plain(version).rsplit_once('-').is_some_and(|(v, _)| v == asked)
        || asked.strip_suffix('*').is_some_and(|start| plain(version).starts_with(start))
}

/// Lays down what a package brings.
pub fn install(machine: &mut Machine, profile: Profile, name: &str, version: &str, now: Time) {
    machine.packages.insert(name.into(), plain(version).into());
    let unit = match name {
        "kubelet" => "kubelet",
        "docker-ce" => "docker",
        "containerd.io" => "containerd",
        _ => "",
    };
    if !machine.units.contains_key(unit)
        && let Some(unit) = systemd::unit::packaged(profile, unit)
    {
        let of = unit.clone();
        machine.write_late(&unit.file(), now, move || unit_file(&of).into());
        machine.units.insert(unit.name.clone(), unit);
    }
    match name {
        "kubelet" => {
            machine.write_late(DROP_IN, now, move || drop_in(profile).into());
            machine.write("/etc/sysconfig/kubelet", "KUBELET_EXTRA_ARGS=\n", now);
            files::make_folder(machine, "/etc/kubernetes/manifests", now);
        }
        "containerd.io" if !machine.files.contains_key(CONTAINERD_CONF) => {
            machine.write_late(CONTAINERD_CONF, now, || PACKAGED_CONTAINERD.into());
        }
        "docker-ce" => {
            files::make_folder(machine, "/etc/docker", now);
            users::ensure_group(machine, "docker", 994, now);
        }
        _ => {}
    }
}

/// Takes a package away; its configuration files stay.
pub fn remove(machine: &mut Machine, name: &str) {
    machine.packages.remove(name);
    let unit = match name {
        "kubelet" => "kubelet",
        "docker-ce" => "docker",
        "containerd.io" => "containerd",
        _ => return,
    };
    if let Some(unit) = machine.units.remove(unit) {
        machine.remove(&unit.file());
    }
}

const DROP_IN: &str = "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf";
pub const CONTAINERD_CONF: &str = "/etc/containerd/config.toml";
/// As the package ships it: containerd without its CRI plugin.
const PACKAGED_CONTAINERD: &str = "#   Copyright 2018-2022 Docker Inc.\n\ndisabled_plugins = [\"cri\"]\n\n#root = \"/var/lib/containerd\"\n#state = \"/run/containerd\"\n";

fn drop_in(profile: Profile) -> String {
    let extra =
        if profile == Profile::Book { "" } else { "# Note: This dropin only works with kubeadm and kubelet v1.11+\n" };
    format!(
        "{extra}[Service]\nEnvironment=\"KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf\"\nEnvironment=\"KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml\"\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/sysconfig/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n"
    )
}

fn unit_file(unit: &systemd::Unit) -> String {
    let restart = unit.restart.map_or(String::new(), |d| format!("Restart=always\nRestartSec={}\n", d.as_secs()));
    let exec = unit.command.split(" --").next().unwrap_or("");
    format!(
        "[Unit]\nDescription={}\nDocumentation={}\nWants=network-online.target\nAfter=network-online.target\n\n[Service]\nExecStart={exec}\n{restart}\n[Install]\nWantedBy=multi-user.target\n",
        unit.description, unit.docs
    )
}

/// What lies on a box before anybody has touched it. The learner's computer has no packages of ours.
pub fn of_box(machine: &mut Machine, profile: Profile, now: Time) {
    if machine.role == Role::Host {
        return;
    }
    for name in ["net-tools", "bind-utils", "tar", "wget", "iproute-tc", "ipset", "tree"] {
        if let Some(version) = named(name).and_then(|p| p.versions(Source::Base, profile).first().cloned()) {
            machine.packages.insert(name.into(), plain(&version).into());
        }
    }
    if profile == Profile::Book {
        return machine.write_late("/etc/yum.repos.d/CentOS-Base.repo", now, || centos_base().into());
    }
    for (id, name) in [("baseos", "BaseOS"), ("appstream", "AppStream"), ("extras", "Extras")] {
        machine.write_late(&format!("/etc/yum.repos.d/rocky-{id}.repo"), now, move || rocky(id, name).into());
    }
}

/// CentOS' own.
fn centos_base() -> String {
    let section = |id: &str, name: &str, folder: &str, repo: &str| {
        format!(
            "[{id}]\nname=CentOS-$releasever - {name}\nmirrorlist=http://mirrorlist.centos.org/?release=$releasever&arch=$basearch&repo={repo}&infra=$infra\n#baseurl=http://mirror.centos.org/centos/$releasever/{folder}/$basearch/\ngpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7\n\n"
        )
    };
    section("base", "Base", "os", "os")
        + &section("updates", "Updates", "updates", "updates")
        + &section("extras", "Extras", "extras", "extras")
}

/// One of Rocky Linux's own: id and name.
fn rocky(id: &str, name: &str) -> String {
    format!(
        "[{id}]\nname=Rocky Linux $releasever - {name}\nmirrorlist=https://mirrors.rockylinux.org/mirrorlist?arch=$basearch&repo={name}-$releasever$rltype\n#baseurl=http://dl.rockylinux.org/$contentdir/$releasever/{name}/$basearch/os/\ngpgcheck=1\nenabled=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-Rocky-9\n"
    )
}

/// Repository files that can be added by URL.
pub fn repo_file(url: &str) -> Option<&'static str> {
    match url {
        "https://download.docker.com/linux/centos/docker-ce.repo"
        | "https://download.docker.com/linux/rhel/docker-ce.repo"
        | "http://download.docker.com/linux/centos/docker-ce.repo" => Some(DOCKER_REPO),
        "https://mirrors.aliyun.com/docker-ce/linux/centos/docker-ce.repo" => Some(DOCKER_REPO),
        _ => None,
    }
}

const DOCKER_REPO: &str = "[docker-ce-stable]\nname=Docker CE Stable - $basearch\nbaseurl=https://download.docker.com/linux/centos/$releasever/$basearch/stable\nenabled=1\ngpgcheck=1\ngpgkey=https://download.docker.com/linux/centos/gpg\n\n[docker-ce-test]\nname=Docker CE Test - $basearch\nbaseurl=https://download.docker.com/linux/centos/$releasever/$basearch/test\nenabled=0\ngpgcheck=1\ngpgkey=https://download.docker.com/linux/centos/gpg\n";

/// What the lab's scripts install: repositories, packages, and nothing started.
pub fn of_lab(machine: &mut Machine, profile: Profile, kubernetes: &str, now: Time) {
    let file = "/etc/yum.repos.d/docker-ce.repo";
    machine.write_late(file, now, || DOCKER_REPO.into());
    if profile == Profile::Book {
        machine.write_late("/etc/yum.repos.d/CentOS-Base.repo", now, || {
            let text = centos_base().replace("mirrorlist=", "#mirrorlist=");
            let (box_url, lab_url) =
                ("#baseurl=http://mirror.centos.org/centos/$releasever/", "baseurl=https://vault.centos.org/7.9.2009/");
            text.replace(box_url, lab_url).into()
        });
        machine.write("/etc/yum.repos.d/kubernetes.repo", "[kubernetes]\nname=Kubernetes\nbaseurl=https://mirrors.aliyun.com/kubernetes/yum/repos/kubernetes-el7-x86_64\nenabled=1\ngpgcheck=0\nrepo_gpgcheck=0\n", now);
    } else {
        let minor = kubernetes.rsplit_once('.').map_or(kubernetes, |(minor, _)| minor);
        machine.write("/etc/yum.repos.d/kubernetes.repo", format!("[kubernetes]\nname=Kubernetes\nbaseurl=https://pkgs.k8s.io/core:/stable:/v{minor}/rpm/\nenabled=1\ngpgcheck=1\ngpgkey=https://pkgs.k8s.io/core:/stable:/v{minor}/rpm/repodata/repomd.xml.key\nexclude=kubelet kubeadm kubectl cri-tools kubernetes-cni\n"), now);
    }
    let release = if profile == Profile::Book { "0" } else { "150500.1.1" };
    let of_kubernetes = ecow::eco_format!("{kubernetes}-{release}");
    let list: &[&str] = if profile == Profile::Book {
        &["yum-utils", "vim-enhanced", "container-selinux", "libtool-ltdl", "docker-ce", "conntrack-tools", "socat"]
    } else {
        &["dnf-plugins-core", "container-selinux", "containerd.io", "conntrack-tools", "socat"]
    };
    for name in list.iter().chain(&["kubernetes-cni", "cri-tools", "kubelet", "kubectl", "kubeadm"]) {
        let version = match *name {
            "docker-ce" => "18.06.0.ce-3.el7".into(),
            "kubelet" | "kubectl" | "kubeadm" => of_kubernetes.clone(),
            other => {
                let minor = kubernetes.split('.').nth(1).and_then(|m| m.parse().ok()).unwrap_or(36);
                let kubernetes =
                    if profile == Profile::Book { Source::KubernetesAll } else { Source::Kubernetes(minor) };
                let sources = [Source::Base, Source::Docker, kubernetes];
                let found =
                    named(other).and_then(|p| sources.iter().find_map(|s| p.versions(*s, profile).first().cloned()));
                found.unwrap_or_default()
            }
        };
        install(machine, profile, name, &version, now);
    }
    if profile == Profile::Modern {
        machine.write_late(CONTAINERD_CONF, now, || {
            containerd_default().replace("SystemdCgroup = false", "SystemdCgroup = true").into()
        });
    }
}

/// `containerd config default`, the parts that people change.
pub fn containerd_default() -> &'static str {
    "disabled_plugins = []\nimports = []\noom_score = 0\nplugin_dir = \"\"\nrequired_plugins = []\nroot = \"/var/lib/containerd\"\nstate = \"/run/containerd\"\ntemp = \"\"\nversion = 2\n\n[grpc]\n  address = \"/run/containerd/containerd.sock\"\n  gid = 0\n  uid = 0\n\n[plugins]\n\n  [plugins.\"io.containerd.grpc.v1.cri\"]\n    enable_selinux = false\n    sandbox_image = \"registry.k8s.io/pause:3.8\"\n\n    [plugins.\"io.containerd.grpc.v1.cri\".cni]\n      bin_dir = \"/opt/cni/bin\"\n      conf_dir = \"/etc/cni/net.d\"\n\n    [plugins.\"io.containerd.grpc.v1.cri\".containerd]\n      default_runtime_name = \"runc\"\n      snapshotter = \"overlayfs\"\n\n      [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes]\n\n        [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n          runtime_type = \"io.containerd.runc.v2\"\n\n          [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n            BinaryName = \"\"\n            SystemdCgroup = false\n\n    [plugins.\"io.containerd.grpc.v1.cri\".registry]\n      config_path = \"\"\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_serve_what_they_serve_today() {
        for (url, source) in [
            ("https://mirrors.aliyun.com/kubernetes/yum/repos/kubernetes-el7-x86_64", Ok(Source::KubernetesAll)),
            ("https://pkgs.k8s.io/core:/stable:/v1.29/rpm/", Ok(Source::Kubernetes(29))),
            ("https://pkgs.k8s.io/core:/stable:/v1.99/rpm/", Err(Broken::NotFound)),
            ("https://packages.cloud.google.com/yum/repos/kubernetes-el7-x86_64", Err(Broken::NotFound)),
            ("http://mirrorlist.centos.org/?release=7", Err(Broken::NoHost)),
            ("https://vault.centos.org/7.9.2009/os/$basearch/", Ok(Source::Base)),
            ("https://download.docker.com/linux/centos/$releasever/$basearch/stable", Ok(Source::Docker)),
        ] {
            assert_eq!(Repo { url: url.into(), ..Repo::default() }.source(), source, "{url}");
        }
    }

    #[test]
    fn versions_exist_where_they_were_released() {
        let has = |name: &str, source, version: &str| {
            named(name).unwrap().versions(source, Profile::Book).iter().any(|v| is_version(v, version))
        };
        assert!(has("kubelet", Source::KubernetesAll, "1.18.4"));
        assert!(has("kubelet", Source::KubernetesAll, "1.18.4-0"));
        assert!(!has("kubelet", Source::KubernetesAll, "1.18.99"));
        assert!(has("kubeadm", Source::Kubernetes(29), "1.29.0"));
        assert!(has("kubeadm", Source::Kubernetes(29), "1.29.*"));
        assert!(!has("kubeadm", Source::Kubernetes(29), "1.28.0"));
        assert!(has("docker-ce", Source::Docker, "18.06.0.ce-3.el7"));
        assert!(!has("docker-ce", Source::Base, "18.06.0.ce-3.el7"));
    }
}
