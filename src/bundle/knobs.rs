//! What a teacher may turn before a lab is exported, and what is refused with which words.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// First three numbers of the lab's network: `192.168.1`.
    pub network_prefix: String,
    pub cni: Cni,
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
    /// The pod network.
    Cni { Calico => "calico", Flannel => "flannel" }
}

/// A knob that was refused, for showing beside its field.
#[derive(Clone, PartialEq, Debug)]
pub struct Error {
    /// The field's name as in JSON: `networkPrefix`.
    pub knob: &'static str,
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.knob, self.message)
    }
}

impl std::error::Error for Error {}

impl Knobs {
    /// The lab as the simulation has it.
    pub fn of(profile: Profile) -> Knobs {
        let kubernetes_version = match profile {
            Profile::Book => "1.18.4",
            Profile::Modern => "1.36.2",
        };
        // kubeadm refuses a control plane with less than 2 CPUs, and today's workers want more memory.
        let (worker_cpus, worker_memory_mib) = match profile {
            Profile::Book => (1, 2560),
            Profile::Modern => (2, 2560),
        };
        Knobs {
            profile,
            workers: 3,
            kubernetes_version: kubernetes_version.into(),
            cpus: 2,
            memory_mib: 3072,
            worker_cpus,
            worker_memory_mib,
            provider: Provider::Virtualbox,
            network_prefix: "192.168.1".into(),
            cni: Cni::Calico,
        }
    }

    /// Refuses what could not work on real machines.
    pub fn validate(&self) -> Result<(), Error> {
        range("workers", self.workers, 1, 9, "addresses .101 to .109 are set aside for them")?;
        range("cpus", self.cpus, 2, 32, "kubeadm asks for 2 on the control plane")?;
        range("memoryMib", self.memory_mib, 1700, 65_536, "kubeadm asks for 1700 MiB on the control plane")?;
        range("workerCpus", self.worker_cpus, 1, 32, "")?;
        range("workerMemoryMib", self.worker_memory_mib, 1024, 65_536, "kubelet and the pod network need that much")?;
        self.version().map_err(|message| Error { knob: "kubernetesVersion", message })?;
        prefix(&self.network_prefix).map_err(|message| Error { knob: "networkPrefix", message })
    }

    fn version(&self) -> Result<(), String> {
        let text = &self.kubernetes_version;
        let bad = || format!("expected MAJOR.MINOR.PATCH such as 1.18.4, got `{text}`");
        let [major, minor, _patch] = numbers(text).ok_or_else(bad)?;
        let (low, high, why) = match self.profile {
            Profile::Book => (10, 23, "dockershim, which docker 18.06 needs, is gone from 1.24"),
            Profile::Modern => (31, 40, "kubeadm reads v1beta4 since 1.31"),
        };
        if major != 1 || !(low..=high).contains(&minor) {
            return Err(format!("expected 1.{low} to 1.{high} in this profile, got `{text}`: {why}"));
        }
        Ok(())
    }
}

fn range(knob: &'static str, n: u32, low: u32, high: u32, why: &str) -> Result<(), Error> {
    if (low..=high).contains(&n) {
        return Ok(());
    }
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Err(Error { knob, message: format!("expected {low} to {high}, got {n}{why}") })
}

/// Exactly `N` decimal numbers with dots between, without signs, spaces or leading zeros.
fn numbers<const N: usize>(text: &str) -> Option<[u32; N]> {
    let number = |part: &str| {
        let plain = part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        part.parse::<u32>().ok().filter(|_| plain)
    };
    text.split('.').map(number).collect::<Option<Vec<u32>>>()?.try_into().ok()
}

/// A private /24 that no network inside the cluster uses.
fn prefix(text: &str) -> Result<(), String> {
    let bad = || format!("expected three numbers such as 192.168.1, got `{text}`");
    let [a, b, c] = numbers(text).ok_or_else(bad)?;
    if b > 255 || c > 255 {
        return Err(bad());
    }
    match (a, b) {
        (10, 96..=111) => Err(format!("{text}.0/24 lies in 10.96.0.0/12, where the cluster's services are")),
        (10, 0) if c == 2 => Err(format!("{text}.0/24 is what VirtualBox gives every machine for itself")),
        (172, 16) => Err(format!("{text}.0/24 lies in 172.16.0.0/16, where the cluster's pods are")),
        (172, 17) => Err(format!("{text}.0/24 lies in 172.17.0.0/16, docker's own bridge")),
        (10, _) | (172, 18..=31) | (192, 168) => Ok(()),
        _ => Err(format!("{text}.0/24 is not private: use 10.x.x, 172.18.x to 172.31.x or 192.168.x")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Knobs), want: Option<&str>) {
        let mut knobs = Knobs::of(Profile::Book);
        change(&mut knobs);
        let got = knobs.validate().map_err(|e| e.to_string());
        match want {
            None => assert_eq!(got, Ok(()), "{knobs:?}"),
            Some(part) => assert!(got.clone().is_err_and(|e| e.contains(part)), "{part}: {got:?}"),
        }
    }

    #[test]
    fn possible_labs_pass() {
        check(|_| (), None);
        assert_eq!(Knobs::of(Profile::Modern).validate(), Ok(()));
        for prefix in ["192.168.56", "10.0.0", "172.31.255"] {
            check(|k| k.network_prefix = prefix.into(), None);
        }
        for version in ["1.10.0", "1.23.17"] {
            check(|k| k.kubernetes_version = version.into(), None);
        }
    }

    #[test]
    fn impossible_ones_are_refused_by_name() {
        check(|k| k.workers = 0, Some("workers: expected 1 to 9, got 0"));
        check(|k| k.workers = 10, Some("workers: expected 1 to 9"));
        check(|k| k.cpus = 1, Some("cpus: expected 2 to 32, got 1: kubeadm"));
        check(|k| k.memory_mib = 512, Some("memoryMib"));
        for version in ["1.18", "v1.18.4", "1.18.4; reboot", "1.18.4'", "1.18.+4", "", "1.24.0", "2.18.4", "1.018.4"] {
            check(|k| k.kubernetes_version = version.into(), Some("kubernetesVersion: expected"));
        }
        for prefix in ["192.168.1.0", "192.168", "$(id)", "192.168.1\n", "192.168.300", "8.8.8", "10.96.1", "172.16.0"]
        {
            check(|k| k.network_prefix = prefix.into(), Some("networkPrefix: "));
        }
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(Provider::parse("libvirt"), Ok(Provider::Libvirt));
        assert!(Cni::parse("weave").is_err_and(|e| e.contains("calico, flannel")));
    }
}
