//! The files that build the machines: Vagrantfile, the four scripts, the README in front. Their
//! texts lie in `files/PROFILE/`. The scripts take their values as arguments and are exported as
//! they are; the other files have `{{names}}` in them that are filled in, each value escaped.

use super::knobs::{Knobs, Provider};
use super::zip::Entry;
use super::{escape, script, text};
use crate::lesson::Lesson;
use crate::sim::Profile;

struct Templates {
    vagrantfile: &'static str,
    readme: [(&'static str, &'static str); 2],
    scripts: [(&'static str, &'static str); 4],
}

macro_rules! templates {
    ($folder:literal) => {
        Templates {
            vagrantfile: include_str!(concat!("files/", $folder, "/Vagrantfile")),
            readme: [
                ("README.en.md", include_str!(concat!("files/", $folder, "/README.en.md"))),
                ("README.ko.md", include_str!(concat!("files/", $folder, "/README.ko.md"))),
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

static BOOK: Templates = templates!("book");
static MODERN: Templates = templates!("modern");

pub fn machines(lesson: &Lesson, knobs: &Knobs) -> Vec<Entry> {
    let templates = match knobs.profile {
        Profile::Book => &BOOK,
        Profile::Modern => &MODERN,
    };
    let mut entries = vec![text("Vagrantfile".into(), fill(templates.vagrantfile, &vagrant_values(knobs)))];
    for (name, template) in templates.readme {
        entries.push(text(name.into(), fill(template, &readme_values(lesson, knobs))));
    }
    for (name, content) in templates.scripts {
        entries.push(script(name.into(), content.into()));
    }
    entries
}

type Values = Vec<(&'static str, String)>;

fn vagrant_values(knobs: &Knobs) -> Values {
    vec![
        ("workers", knobs.workers.to_string()),
        ("kubernetes_version", escape::ruby(&knobs.kubernetes_version)),
        ("network_prefix", escape::ruby(&knobs.network_prefix)),
        ("box", escape::ruby(box_name(knobs))),
        ("provider", escape::ruby(knobs.provider.name())),
        ("cni", escape::ruby(knobs.cni.name())),
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
        Provider::Virtualbox => {
            vec![format!("vm.name = {name}"), format!("vm.cpus = {cpus}"), format!("vm.memory = {memory}")]
        }
        Provider::Libvirt => vec![format!("vm.cpus = {cpus}"), format!("vm.memory = {memory}")],
        Provider::Vmware => {
            vec![format!("vm.vmx['numvcpus'] = '{cpus}'"), format!("vm.vmx['memsize'] = '{memory}'")]
        }
        Provider::Parallels => {
            vec![format!("vm.name = {name}"), format!("vm.cpus = {cpus}"), format!("vm.memory = {memory}")]
        }
    };
    lines.iter().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

/// A box that exists for the provider.
fn box_name(knobs: &Knobs) -> &'static str {
    match (knobs.profile, knobs.provider) {
        (Profile::Book, Provider::Virtualbox) => "sysnet4admin/CentOS-k8s",
        (Profile::Book, _) => "generic/centos7",
        (Profile::Modern, Provider::Libvirt) => "generic/rocky9",
        (Profile::Modern, _) => "bento/rockylinux-9",
    }
}

fn readme_values(lesson: &Lesson, knobs: &Knobs) -> Values {
    vec![
        ("machines", (knobs.workers + 1).to_string()),
        ("workers", knobs.workers.to_string()),
        ("version", knobs.kubernetes_version.clone()),
        ("prefix", knobs.network_prefix.clone()),
        ("provider_name", knobs.provider.name().into()),
        ("box_name", box_name(knobs).into()),
        ("memory", (knobs.memory_mib + knobs.workers * knobs.worker_memory_mib).to_string()),
        ("lesson", lesson.name.clone()),
    ]
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
    fn values_are_not_read_as_templates() {
        let values = vec![("a", "{{b}}".to_owned()), ("b", "x".to_owned())];
        assert_eq!(fill("1{{a}}2{{b}}3", &values), "1{{b}}2x3");
    }
}
