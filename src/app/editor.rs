//! The editor: one text file of a machine at a time. What it saves is an input like any other.

use std::rc::Rc;

use crate::base::Str;
use crate::base::arrange::Arrange;
use crate::machine::Machine;

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Editor {
    pub machine: Str,
    /// What is offered; any other path can be typed.
    pub paths: Rc<Vec<Str>>,
    pub path: String,
    pub text: String,
    /// The file as it is on the machine; `None`: it would be new.
    pub saved: Option<Str>,
}

/// Where files lie that one edits in this lab.
const PLACES: [&str; 7] = [
    "/root/",
    "/home/",
    "/vagrant/",
    "/etc/kubernetes/",
    "/etc/sysctl.d/",
    "/etc/systemd/system/",
    "/var/lib/kubelet/",
];
const SINGLE: [&str; 3] = ["/etc/fstab", "/etc/hosts", "/etc/selinux/config"];
const MOST: usize = 300;

impl Editor {
    pub fn open(machine: &Machine) -> Editor {
        let offered = |path: &&Str| {
            let text = !path.ends_with('/') && !path.contains("/.") && !path.contains("/pki/");
            text && (SINGLE.contains(&path.as_str()) || PLACES.iter().any(|p| path.starts_with(p)))
        };
        let mut paths: Vec<Str> = machine.files.keys().filter(offered).take(MOST).cloned().collect();
        paths.arrange_by_key(|p| PLACES.iter().position(|place| p.starts_with(place)).unwrap_or(PLACES.len()));
        let mut editor = Editor { machine: machine.name.clone(), paths: Rc::new(paths), ..Editor::default() };
        let first = editor.paths.iter().find(|p| p.ends_with("Vagrantfile")).or(editor.paths.first());
        if let Some(path) = first.cloned() {
            editor.load(machine, &path);
        }
        editor
    }

    pub fn load(&mut self, machine: &Machine, path: &str) {
        self.path = path.into();
        self.saved = machine.read(path).cloned();
        self.text = self.saved.as_ref().map(ToString::to_string).unwrap_or_default();
    }
    pub fn changed(&self) -> bool {
        self.saved.as_ref().map_or(!self.text.is_empty(), |s| *s != self.text)
    }
    /// Whether the path can be that of a file.
    pub fn has_path(&self) -> bool {
        self.path.starts_with('/') && !self.path.ends_with('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Role;

    #[test]
    fn files_are_offered_loaded_and_compared() {
        let mut m = Machine::new("m-k8s", "192.168.1.10", Role::ControlPlane);
        for path in ["/etc/hosts", "/root/web.yaml", "/root/.bashrc", "/etc/kubernetes/pki/ca.key", "/usr/bin/true"] {
            m.write(path, "text\n", crate::base::Time::ZERO);
        }
        let mut e = Editor::open(&m);
        assert_eq!(*e.paths, ["/root/web.yaml", "/etc/hosts"]);
        assert_eq!((e.path.as_str(), e.changed()), ("/root/web.yaml", false));
        e.text += "more\n";
        assert!(e.changed());
        e.load(&m, "/root/new.sh");
        assert_eq!((e.saved.clone(), e.changed(), e.has_path()), (None, false, true));
    }
}
