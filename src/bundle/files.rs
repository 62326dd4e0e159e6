//! The files that build the machines: Vagrantfile, the four scripts, the READMEs in front, and the
//! other ways in (ssh, SuperPuTTY, kind). Their texts lie in `files/`, those of one profile in
//! `files/PROFILE/`. The scripts take their values as arguments and are exported as they are; the
//! other files have `{{names}}` in them that are filled in, each value escaped for its notation.

use super::knobs::{Knobs, Provider};
use super::zip::Entry;
use super::{escape, profile_name, script, text};
use crate::lesson::{Lesson, Text};
use crate::sim::Profile;

const VAGRANTFILE: &str = include_str!("files/Vagrantfile");
const DOCTOR: &str = include_str!("files/doctor.sh");
const README_EN: &str = include_str!("files/README.en.md");
const README_KO: &str = include_str!("files/README.ko.md");
const KIND: &str = include_str!("files/kind.yaml");
const KIND_UP: &str = include_str!("files/kind_up.sh");

/// What differs between the profiles.
struct Parts {
    join_command: &'static str,
    join: &'static str,
    /// Rows of the README's table, then its last chapter.
    en: [&'static str; 2],
    ko: [&'static str; 2],
    scripts: [(&'static str, &'static str); 4],
}

macro_rules! parts {
    ($folder:literal, $join_command:expr) => {
        Parts {
            join_command: $join_command,
            join: include_str!(concat!("files/", $folder, "/join.rb")),
            en: [
                include_str!(concat!("files/", $folder, "/files.en.md")),
                include_str!(concat!("files/", $folder, "/unsafe.en.md")),
            ],
            ko: [
                include_str!(concat!("files/", $folder, "/files.ko.md")),
                include_str!(concat!("files/", $folder, "/unsafe.ko.md")),
            ],
            scripts: [
                ("config.sh", include_str!(concat!("files/", $folder, "/config.sh"))),
                ("install_pkg.sh", include_str!(concat!("files/", $folder, "/install_pkg.sh"))),
                ("master_node.sh", include_str!(concat!("files/", $folder, "/master_node.sh"))),
                ("work_nodes.sh", include_str!(concat!("files/", $folder, "/work_nodes.sh"))),
            ],
        }
    };
}

static BOOK: Parts = parts!("book", "");
static MODERN: Parts = parts!("modern", include_str!("files/modern/join_command.rb"));

fn parts(profile: Profile) -> &'static Parts {
    match profile {
        Profile::Book => &BOOK,
        Profile::Modern => &MODERN,
    }
}

/// Vagrantfile and the scripts that it runs. The knobs have been found possible.
pub fn machines(knobs: &Knobs) -> Vec<Entry> {
    let parts = parts(knobs.profile);
    let mut entries = vec![text("Vagrantfile".into(), fill(VAGRANTFILE, &vagrant_values(knobs, parts)))];
    entries.extend(parts.scripts.map(|(name, content)| script(name.into(), content.into())));
    entries
}

/// Paths and modes of [`machines`].
pub const MACHINES: [(&str, u16); 5] = [
    ("Vagrantfile", 0o644),
    ("config.sh", 0o755),
    ("install_pkg.sh", 0o755),
    ("master_node.sh", 0o755),
    ("work_nodes.sh", 0o755),
];

/// What stands around the machines.
pub fn around(lesson: &Lesson, knobs: &Knobs) -> Vec<Entry> {
    let parts = parts(knobs.profile);
    let mut entries = Vec::new();
    for (name, template, pick, [rows, last]) in
        [("README.en.md", README_EN, en as fn(&Text) -> &str, parts.en), ("README.ko.md", README_KO, ko, parts.ko)]
    {
        let mut values = readme_values(lesson, knobs);
        values.push(("files", rows.trim_end().into()));
        values.push(("unsafe", fill(last.trim_end(), &values)));
        values.push(("kind", pick(&in_kind(lesson)).to_owned()));
        entries.push(text(name.into(), fill(template, &values)));
    }
    entries.push(script("doctor.sh".into(), fill(DOCTOR, &doctor_values(knobs))));
    entries.push(text("ssh_config".into(), ssh_config(knobs)));
    entries.push(text("Sessions.XML".into(), sessions(knobs)));
    let mut kind =
        fill(KIND, &vec![("pod_cidr", knobs.pod_cidr.clone()), ("service_cidr", knobs.service_cidr.clone())]);
    kind += &"- role: worker\n".repeat(knobs.workers as usize);
    entries.push(text("kind/cluster.yaml".into(), kind));
    entries.push(script("kind/up.sh".into(), fill(KIND_UP, &kind_values(lesson, knobs))));
    entries
}

fn en(t: &Text) -> &str {
    &t.en
}
fn ko(t: &Text) -> &str {
    &t.ko
}

/// Whether the drill can be played in kind, in a sentence.
fn in_kind(lesson: &Lesson) -> Text {
    match &lesson.not_in_kind {
        Some(why) => Text {
            ko: format!("다만 이 실습은 kind에서 끝까지 할 수 없습니다. {}", why.ko),
            en: format!("This drill cannot be played to its end in kind, though: {}", why.en),
        },
        None => {
            Text { ko: "이 실습은 kind에서도 됩니다.".into(), en: "This drill works in kind too.".into() }
        }
    }
}

type Values = Vec<(&'static str, String)>;

fn vagrant_values(knobs: &Knobs, parts: &Parts) -> Values {
    vec![
        ("profile", profile_name(knobs.profile).into()),
        ("workers", knobs.workers.to_string()),
        ("kubernetes_version", escape::ruby(&knobs.kubernetes_version)),
        ("network_prefix", escape::ruby(&knobs.network_prefix)),
        ("pod_cidr", escape::ruby(&knobs.pod_cidr)),
        ("service_cidr", escape::ruby(&knobs.service_cidr)),
        ("box", escape::ruby(box_name(knobs))),
        ("provider", escape::ruby(knobs.provider.name())),
        ("cni", escape::ruby(knobs.cni.name())),
        ("join_command", parts.join_command.into()),
        ("join", parts.join.trim_end().into()),
        ("master_machine", size(knobs.provider, "      ", "'m-k8s'", knobs.cpus, knobs.memory_mib)),
        (
            "worker_machine",
            size(knobs.provider, "        ", "\"w#{i}-k8s\"", knobs.worker_cpus, knobs.worker_memory_mib),
        ),
    ]
}

/// The provider's own words for a machine's size.
fn size(provider: Provider, indent: &str, name: &str, cpus: u32, memory: u32) -> String {
    let lines = match provider {
        Provider::Virtualbox | Provider::Parallels => {
            vec![format!("vm.name = {name}"), format!("vm.cpus = {cpus}"), format!("vm.memory = {memory}")]
        }
        Provider::Libvirt => vec![format!("vm.cpus = {cpus}"), format!("vm.memory = {memory}")],
        Provider::Vmware => {
            vec![format!("vm.vmx['numvcpus'] = '{cpus}'"), format!("vm.vmx['memsize'] = '{memory}'")]
        }
    };
    lines.iter().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

/// A box that exists for the provider. Those of Rocky Linux for VMware and Parallels come for amd64
/// and for arm64; Vagrant takes the computer's own.
fn box_name(knobs: &Knobs) -> &'static str {
    match (knobs.profile, knobs.provider) {
        (Profile::Book, Provider::Virtualbox) => "sysnet4admin/CentOS-k8s",
        (Profile::Book, _) => "generic/centos7",
        (Profile::Modern, Provider::Libvirt) => "generic/rocky9",
        (Profile::Modern, _) => "bento/rockylinux-9",
    }
}

fn memory(knobs: &Knobs) -> String {
    (knobs.memory_mib + knobs.workers * knobs.worker_memory_mib).to_string()
}

fn readme_values(lesson: &Lesson, knobs: &Knobs) -> Values {
    vec![
        ("profile", profile_name(knobs.profile).into()),
        ("machines", (knobs.workers + 1).to_string()),
        ("workers", knobs.workers.to_string()),
        ("version", knobs.kubernetes_version.clone()),
        ("prefix", knobs.network_prefix.clone()),
        ("provider_name", knobs.provider.name().into()),
        ("arch", knobs.arch.name().into()),
        ("box_name", box_name(knobs).into()),
        ("memory", memory(knobs)),
        ("lesson", lesson.name.clone()),
    ]
}

fn doctor_values(knobs: &Knobs) -> Values {
    vec![
        ("provider", escape::shell(knobs.provider.name())),
        ("prefix", escape::shell(&knobs.network_prefix)),
        ("memory", memory(knobs)),
        ("arch", escape::shell(knobs.arch.name())),
        ("workers", knobs.workers.to_string()),
    ]
}

fn kind_values(lesson: &Lesson, knobs: &Knobs) -> Values {
    // Images are published for some patch releases only: the last one of an old minor version is there.
    let minor = knobs.kubernetes_version.rsplit_once('.').map_or("", |(minor, _)| minor);
    let (image, option) = match knobs.profile {
        Profile::Book => {
            let last = ["1.18.20", "1.19.16", "1.20.15", "1.21.14"].into_iter().find(|v| v.starts_with(minor));
            let option = format!(" --image kindest/node:v{}", last.unwrap_or("1.21.14"));
            ("# Kubernetes this old wants a kind of its age: 0.14.\n".to_owned(), option)
        }
        Profile::Modern => (
            format!("# This takes kind's own choice of version; another: --image kindest/node:v{minor}.X\n"),
            String::new(),
        ),
    };
    vec![("lesson", lesson.name.clone()), ("image", image), ("image_option", option)]
}

/// `m-k8s`, `w1-k8s` … and the last number of each address.
fn hosts(knobs: &Knobs) -> impl Iterator<Item = (String, u32)> {
    let workers = (1..=knobs.workers).map(|i| (format!("w{i}-k8s"), 100 + i));
    std::iter::once(("m-k8s".to_owned(), 10)).chain(workers)
}

/// For `ssh -F ssh_config m-k8s` in the lab's folder: over the lab's own network, with vagrant's key.
fn ssh_config(knobs: &Knobs) -> String {
    let mut out = "# Use in this folder: ssh -F ssh_config m-k8s\n".to_owned();
    for (name, last) in hosts(knobs) {
        out += &format!(
            "Host {name}\n  HostName {}.{last}\n  IdentityFile .vagrant/machines/{name}/{}/private_key\n",
            knobs.network_prefix,
            knobs.provider.name()
        );
    }
    // The machines are made anew again and again, each time with other host keys.
    out + "Host *\n  User vagrant\n  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n"
}

/// SuperPuTTY's list of sessions.
fn sessions(knobs: &Knobs) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<ArrayOfSessionData \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\n"
        .to_owned();
    // Only the book's box lets root in with a password.
    let user = if knobs.profile == Profile::Book { "root" } else { "vagrant" };
    for (name, last) in hosts(knobs) {
        out += &format!(
            "  <SessionData SessionId=\"kubedrill/{name}\" SessionName=\"{name}\" ImageKey=\"computer\" \
             Host=\"{}.{last}\" Port=\"22\" Proto=\"SSH\" PuttySession=\"Default Settings\" Username=\"{user}\" \
             ExtraArgs=\"\" />\n",
            escape::html(&knobs.network_prefix)
        );
    }
    out + "</ArrayOfSessionData>\n"
}

/// Fills `{{name}}`s in one pass, so that a value is never read as a template.
fn fill(template: &str, values: &Values) -> String {
    let (mut out, mut rest) = (String::with_capacity(template.len()), template);
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, tail) = after.split_once("}}").expect("a template closes what it opens");
        let value = values.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no value for {name}"));
        out.push_str(before);
        out.push_str(&value.1);
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_files_lie_where_they_are_said_to() {
        for profile in [Profile::Book, Profile::Modern] {
            let made = machines(&Knobs::of(profile));
            let paths: Vec<_> = made.iter().map(|file| (file.path.as_str(), file.mode)).collect();
            assert_eq!(paths, MACHINES);
        }
    }

    #[test]
    fn values_are_not_read_as_templates() {
        let values = vec![("a", "{{b}}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(fill("1{{a}}2{{b}}3", &values), "1{{b}}2x3");
    }
}
