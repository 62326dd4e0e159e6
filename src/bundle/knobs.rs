//! What a teacher may turn before a lab is exported, and what is refused with which words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cidr::{self, Cidr};
use crate::lesson::Text;
use crate::sim::Profile;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Knobs {
    pub profile: Profile,
    /// Worker machines, 1 to 9: their addresses end in .101 to .109.
    pub workers: u32,
    /// `1.18.4`
    pub kubernetes_version: String,
    /// Of the control plane; a worker has what `worker_*` say.
    pub cpus: u32,
    pub memory_mib: u32,
    pub worker_cpus: u32,
    pub worker_memory_mib: u32,
    pub provider: Provider,
    /// Of the computer that runs the machines, and so of the machines.
    pub arch: Arch,
    /// First three numbers of the lab's network: `192.168.1`.
    pub network_prefix: String,
    pub cni: Cni,
    /// Where pods get their addresses: `172.16.0.0/16`.
    pub pod_cidr: String,
    /// Where services get theirs: `10.96.0.0/12`.
    pub service_cidr: String,
}

macro_rules! names {
    ($(#[$doc:meta])* $type:ident { $($variant:ident => $name:literal),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        pub enum $type { $(#[serde(rename = $name)] $variant),* }
        impl $type {
            pub const ALL: &[$type] = &[$($type::$variant),*];
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name),* }
            }
            pub fn parse(text: &str) -> Result<$type, String> {
                let known: Vec<&str> = Self::ALL.iter().map(|v| v.name()).collect();
                let found = Self::ALL.iter().find(|v| v.name() == text);
                found.copied().ok_or_else(|| format!("expected one of {}, got `{text}`", known.join(", ")))
            }
        }
    };
}

names! {
    /// What runs the virtual machines, by Vagrant's names.
    Provider { Virtualbox => "virtualbox", Libvirt => "libvirt", Vmware => "vmware_desktop", Parallels => "parallels" }
}
names! {
    /// The processor of the computer, by Vagrant's names.
    Arch { Amd64 => "amd64", Arm64 => "arm64" }
}
names! {
    /// The pod network.
    Cni { Calico => "calico", Flannel => "flannel" }
}

/// A knob that was refused and why, for showing beside its field.
#[derive(Clone, PartialEq, Debug)]
pub struct Refusal {
    /// The field's name as in JSON: `networkPrefix`.
    pub field: &'static str,
    pub reason: Text,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason.en)
    }
}

/// Releases of a profile's repository that are worth offering in a list, newest last. Others are taken
/// too, if they lie between the oldest and the newest minor version.
pub fn versions(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Book => &["1.18.4", "1.18.20", "1.19.16", "1.20.2", "1.20.15", "1.21.14"],
        Profile::Modern => {
            &["1.28.15", "1.29.15", "1.30.14", "1.31.14", "1.32.0", "1.33.0", "1.34.0", "1.35.0", "1.36.2"]
        }
    }
}

impl Knobs {
    /// The lab as the simulation has it.
    pub fn of(profile: Profile) -> Knobs {
        // kubeadm refuses a control plane with less than 2 CPUs, and today's workers want more memory.
        let (kubernetes_version, worker_cpus) = match profile {
            Profile::Book => ("1.18.4", 1),
            Profile::Modern => ("1.36.2", 2),
        };
        Knobs {
            profile,
            workers: 3,
            kubernetes_version: kubernetes_version.into(),
            cpus: 2,
            memory_mib: 3072,
            worker_cpus,
            worker_memory_mib: 2560,
            provider: Provider::Virtualbox,
            arch: Arch::Amd64,
            network_prefix: "192.168.1".into(),
            cni: Cni::Calico,
            pod_cidr: "172.16.0.0/16".into(),
            service_cidr: "10.96.0.0/12".into(),
        }
    }

    /// All that could not work on real machines, in the order of the fields. Empty: a lab can be made.
    pub fn refusals(&self) -> Vec<Refusal> {
        let mut out = Refusals(Vec::new());
        out.range("workers", self.workers, 1, 9, WORKERS);
        out.version(self.profile, &self.kubernetes_version);
        out.range("cpus", self.cpus, 2, 32, KUBEADM_CPUS);
        out.range("memoryMib", self.memory_mib, 1700, 65_536, KUBEADM_MEMORY);
        out.range("workerCpus", self.worker_cpus, 1, 32, ("", ""));
        out.range("workerMemoryMib", self.worker_memory_mib, 1024, 65_536, WORKER_MEMORY);
        out.provider(self);
        out.networks(self);
        out.0
    }
}

type Reason = (&'static str, &'static str);
const WORKERS: Reason =
    ("워커 노드의 주소로 .101부터 .109까지 쓰기 때문입니다", "addresses .101 to .109 are set aside for them");
const KUBEADM_CPUS: Reason =
    ("kubeadm은 컨트롤 플레인에 CPU 2개를 요구합니다", "kubeadm asks for 2 on the control plane");
const KUBEADM_MEMORY: Reason =
    ("kubeadm은 컨트롤 플레인에 1700 MiB를 요구합니다", "kubeadm asks for 1700 MiB on the control plane");
const WORKER_MEMORY: Reason =
    ("kubelet과 파드 네트워크에 그만큼 필요합니다", "kubelet and the pod network need that much");

struct Refusals(Vec<Refusal>);

impl Refusals {
    fn add(&mut self, field: &'static str, ko: String, en: String) {
        self.0.push(Refusal { field, reason: Text { ko, en } });
    }

    fn range(&mut self, field: &'static str, n: u32, low: u32, high: u32, why: Reason) {
        if (low..=high).contains(&n) {
            return;
        }
        let colon = if why.1.is_empty() { "" } else { ": " };
        let (ko, en) = why;
        let ko = format!("{low}부터 {high}까지 쓸 수 있습니다({n}은(는) 안 됩니다){colon}{ko}");
        self.add(field, ko, format!("expected {low} to {high}, got {n}{colon}{en}"));
    }

    fn version(&mut self, profile: Profile, text: &str) {
        const FIELD: &str = "kubernetesVersion";
        let Some([major, minor, patch]) = cidr::numbers(text) else {
            let ko = format!("1.18.4처럼 숫자 셋을 점으로 잇습니다(입력: `{text}`)");
            return self.add(FIELD, ko, format!("expected MAJOR.MINOR.PATCH such as 1.18.4, got `{text}`"));
        };
        let (low, high, ko, en) = match profile {
            Profile::Book => (
                18,
                21,
                "1.18부터 `kubectl run`이 파드를 만들고, 1.22부터는 그 시절 파드 네트워크의 매니페스트를 받지 않습니다",
                "since 1.18 `kubectl run` makes a pod, and 1.22 no longer takes the pod network's manifests of that time",
            ),
            Profile::Modern => {
                (28, 36, "이 실습은 1.28부터 1.36까지 확인했습니다", "this lab is known to work from 1.28 up to 1.36")
            }
        };
        if major != 1 || !(low..=high).contains(&minor) {
            let ko = format!("이 프로필에서는 1.{low}부터 1.{high}까지 쓸 수 있습니다(입력: {text}): {ko}");
            return self.add(FIELD, ko, format!("expected 1.{low} to 1.{high} in this profile, got {text}: {en}"));
        }
        // Releases of these minor versions have ended.
        let last = match minor {
            18 => 20,
            19 => 16,
            20 => 15,
            21 | 30 | 31 => 14,
            28 | 29 => 15,
            _ => 99,
        };
        if patch > last {
            let ko = format!("1.{minor}의 마지막 릴리스는 1.{minor}.{last}입니다(입력: {text})");
            self.add(FIELD, ko, format!("the last release of 1.{minor} is 1.{minor}.{last}, got {text}"));
        }
    }

    /// Which boxes there are.
    fn provider(&mut self, knobs: &Knobs) {
        let provider = knobs.provider.name();
        match (knobs.arch, knobs.profile, knobs.provider) {
            (Arch::Amd64, ..) | (Arch::Arm64, Profile::Modern, Provider::Vmware | Provider::Parallels) => {}
            (Arch::Arm64, Profile::Book, _) => self.add(
                "arch",
                "`book`의 CentOS 7 박스와 docker 18.06은 amd64용만 있습니다. arm64에서는 `modern`을 쓰십시오".into(),
                "CentOS 7 boxes and docker 18.06 of `book` exist for amd64 only: on arm64 use `modern`".into(),
            ),
            (Arch::Arm64, Profile::Modern, _) => self.add(
                "provider",
                format!(
                    "arm64에서 {provider}로 쓸 Rocky Linux 9 박스가 없습니다. parallels나 vmware_desktop을 쓰십시오"
                ),
                format!("no box of Rocky Linux 9 for {provider} on arm64: use parallels or vmware_desktop"),
            ),
        }
    }

    fn networks(&mut self, knobs: &Knobs) {
        let lab = match cidr::prefix(&knobs.network_prefix) {
            None => {
                let text = &knobs.network_prefix;
                let ko = format!("192.168.1처럼 숫자 셋을 점으로 잇습니다(입력: `{text}`)");
                self.add("networkPrefix", ko, format!("expected three numbers such as 192.168.1, got `{text}`"));
                None
            }
            Some(lab) => self.private("networkPrefix", lab),
        };
        let pods = self.cidr("podCidr", &knobs.pod_cidr);
        let services = self.cidr("serviceCidr", &knobs.service_cidr);
        // Each node is given a /24 of the pods' range; twelve bits of services are the API server's limit.
        let nodes = knobs.workers.clamp(1, 9) + 1;
        let longest = (nodes - 1).leading_zeros() - 8;
        let pods = pods.and_then(|p| self.length("podCidr", p, 8, longest, NODES));
        let services = services.and_then(|s| self.length("serviceCidr", s, 12, 27, SERVICES));
        self.apart(knobs, lab, pods, services);
    }

    fn cidr(&mut self, field: &'static str, text: &str) -> Option<Cidr> {
        let example = if field == "podCidr" { "172.16.0.0/16" } else { "10.96.0.0/12" };
        let Some(cidr) = Cidr::parse(text) else {
            let ko = format!("{example}처럼 씁니다(입력: `{text}`)");
            self.add(field, ko, format!("expected a range such as {example}, got `{text}`"));
            return None;
        };
        let first = cidr.first();
        if first != cidr {
            let ko = format!("{cidr}은(는) 범위의 시작이 아닙니다. {first}로 쓰십시오");
            self.add(field, ko, format!("{cidr} is not where that range begins: write {first}"));
            return None;
        }
        self.private(field, cidr)
    }

    fn private(&mut self, field: &'static str, cidr: Cidr) -> Option<Cidr> {
        if cidr::PRIVATE.iter().any(|p| p.holds(cidr)) {
            return Some(cidr);
        }
        let ko = format!("{cidr}은(는) 사설 대역이 아닙니다. 10.x, 172.16~172.31.x, 192.168.x 안에서 고르십시오");
        self.add(field, ko, format!("{cidr} is not private: choose within 10.x, 172.16.x to 172.31.x or 192.168.x"));
        None
    }

    fn length(&mut self, field: &'static str, cidr: Cidr, low: u32, high: u32, why: Reason) -> Option<Cidr> {
        if (low..=high).contains(&cidr.length) {
            return Some(cidr);
        }
        let (ko, en) = why;
        let ko = format!("/{low}부터 /{high}까지 쓸 수 있습니다({cidr}은(는) 안 됩니다): {ko}");
        self.add(field, ko, format!("expected /{low} to /{high}, got {cidr}: {en}"));
        None
    }

    /// No two networks may overlap. A clash is told at the later field.
    fn apart(&mut self, knobs: &Knobs, lab: Option<Cidr>, pods: Option<Cidr>, services: Option<Cidr>) {
        let mut taken: Vec<(Cidr, Reason)> = Vec::new();
        if knobs.profile == Profile::Book {
            taken.push((Cidr::new([172, 17, 0, 0], 16), ("docker의 브리지", "docker's own bridge")));
        }
        taken.push(match knobs.provider {
            Provider::Virtualbox => (Cidr::new([10, 0, 2, 0], 24), ("VirtualBox의 NAT", "VirtualBox's NAT")),
            Provider::Libvirt => (
                Cidr::new([192, 168, 121, 0], 24),
                ("vagrant-libvirt의 관리 네트워크", "vagrant-libvirt's own network"),
            ),
            Provider::Parallels => {
                (Cidr::new([10, 211, 55, 0], 24), ("Parallels의 공유 네트워크", "Parallels' shared network"))
            }
            // VMware chooses its networks when it is installed.
            Provider::Vmware => (Cidr::new([0, 0, 0, 0], 32), ("", "")),
        });
        let ours = [
            ("networkPrefix", lab, ("머신들의 네트워크", "the machines' network")),
            ("podCidr", pods, ("파드의 대역", "the pods' range")),
            ("serviceCidr", services, ("서비스의 대역", "the services' range")),
        ];
        for (field, cidr, name) in ours {
            let Some(cidr) = cidr else { continue };
            for (other, (ko, en)) in &taken {
                if cidr.overlaps(*other) {
                    let ko = format!("{cidr}이(가) {ko} {other}과(와) 겹칩니다");
                    self.add(field, ko, format!("{cidr} overlaps {other}, {en}"));
                }
            }
            taken.push((cidr, name));
        }
    }
}

const NODES: Reason = (
    "노드마다 /24 하나씩 나누어 줄 만큼 커야 합니다",
    "each node is given a /24 of it, so there must be one for every node",
);
const SERVICES: Reason = (
    "API 서버는 /12보다 큰 대역을 거절하고, 더 작으면 DNS 서비스의 주소가 들어가지 않습니다",
    "the API server refuses more than /12, and a smaller range has no room for the DNS service",
);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Knobs), want: Option<&str>) {
        let mut knobs = Knobs::of(Profile::Book);
        change(&mut knobs);
        let got: Vec<String> = knobs.refusals().iter().map(ToString::to_string).collect();
        match want {
            None => assert!(got.is_empty(), "{knobs:?}: {got:?}"),
            Some(part) => assert!(got.iter().any(|e| e.contains(part)), "{part}: {got:?}"),
        }
    }

    #[test]
    fn possible_labs_pass() {
        check(|_| (), None);
        check(|k| *k = Knobs::of(Profile::Modern), None);
        for prefix in ["192.168.56", "10.0.0", "172.31.255", "172.15.0", "172.18.0"] {
            let private = prefix != "172.15.0";
            check(|k| k.network_prefix = prefix.into(), (!private).then_some("is not private"));
        }
        for profile in [Profile::Book, Profile::Modern] {
            for version in versions(profile) {
                check(|k| *k = Knobs { kubernetes_version: (*version).into(), ..Knobs::of(profile) }, None);
            }
            for provider in Provider::ALL {
                check(|k| *k = Knobs { provider: *provider, ..Knobs::of(profile) }, None);
            }
        }
        check(|k| (k.pod_cidr, k.service_cidr) = ("10.244.0.0/16".into(), "172.20.0.0/24".into()), None);
        check(|k| (k.workers, k.pod_cidr) = (9, "172.16.0.0/20".into()), None);
        check(|k| (k.workers, k.pod_cidr) = (1, "172.16.0.0/23".into()), None);
        let arm = Knobs { arch: Arch::Arm64, provider: Provider::Parallels, ..Knobs::of(Profile::Modern) };
        check(|k| *k = arm, None);
    }

    #[test]
    fn impossible_ones_are_refused_with_a_reason() {
        check(|k| k.workers = 0, Some("workers: expected 1 to 9, got 0"));
        check(|k| k.workers = 10, Some("addresses .101 to .109"));
        check(|k| k.cpus = 1, Some("cpus: expected 2 to 32, got 1: kubeadm"));
        check(|k| k.memory_mib = 1024, Some("memoryMib"));
        check(|k| k.worker_memory_mib = 512, Some("workerMemoryMib"));
        check(|k| k.kubernetes_version = "1.24.0".into(), Some("1.22"));
        check(|k| k.kubernetes_version = "1.18.21".into(), Some("the last release of 1.18 is 1.18.20"));
        for version in ["1.18", "1.18.4'; puts 1", "v1.18.4", "1.18.+4", "1.018.4", "", "1.18.4.5", "4294967296.1.1"] {
            check(|k| k.kubernetes_version = version.into(), Some("MAJOR.MINOR.PATCH"));
        }
        check(|k| k.network_prefix = "172.16.3".into(), Some("podCidr: 172.16.0.0/16 overlaps 172.16.3.0/24"));
        check(|k| k.network_prefix = "172.17.0".into(), Some("docker's own bridge"));
        check(|k| k.network_prefix = "10.100.0".into(), Some("serviceCidr: 10.96.0.0/12 overlaps"));
        check(|k| k.network_prefix = "10.0.2".into(), Some("VirtualBox"));
        check(|k| k.network_prefix = "8.8.8".into(), Some("not private"));
        for prefix in ["192.168", "192.168.1.0", "192.168.300", "192.168.\"#{x}\"", "../..", "192.168.1\n"] {
            check(|k| k.network_prefix = prefix.into(), Some("three numbers"));
        }
        for cidr in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "$(reboot)", "10.0.0.0/8; x", "::/64", "10.0.0.0/08"] {
            check(|k| k.pod_cidr = cidr.into(), Some("podCidr: expected a range"));
        }
        check(|k| k.pod_cidr = "172.16.1.0/16".into(), Some("write 172.16.0.0/16"));
        check(|k| k.pod_cidr = "172.16.0.0/24".into(), Some("expected /8 to /22"));
        check(|k| (k.workers, k.pod_cidr) = (9, "172.16.0.0/21".into()), Some("expected /8 to /20"));
        check(|k| k.pod_cidr = "10.96.0.0/16".into(), Some("serviceCidr: 10.96.0.0/12 overlaps 10.96.0.0/16"));
        check(|k| k.service_cidr = "10.0.0.0/8".into(), Some("expected /12 to /27"));
        check(|k| k.service_cidr = "100.64.0.0/16".into(), Some("not private"));
        check(|k| k.arch = Arch::Arm64, Some("arch: CentOS 7"));
        let arm = Knobs { arch: Arch::Arm64, ..Knobs::of(Profile::Modern) };
        check(|k| *k = arm, Some("provider: no box"));
        // All of them at once, each beside its field.
        let mut knobs = Knobs::of(Profile::Book);
        (knobs.workers, knobs.cpus, knobs.pod_cidr) = (0, 0, String::new());
        let fields: Vec<&str> = knobs.refusals().iter().map(|r| r.field).collect();
        assert_eq!(fields, ["workers", "cpus", "podCidr"]);
    }

    #[test]
    fn names_are_those_of_vagrant() {
        assert_eq!(Provider::parse("vmware_desktop"), Ok(Provider::Vmware));
        assert!(Cni::parse("Calico").is_err_and(|e| e == "expected one of calico, flannel, got `Calico`"));
        let json = serde_json::to_string(&Knobs::of(Profile::Book)).expect("JSON");
        assert!(json.contains(r#""kubernetesVersion":"1.18.4""#) && json.contains(r#""provider":"virtualbox""#));
    }
}
