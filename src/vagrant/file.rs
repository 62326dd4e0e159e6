//! A Vagrantfile → the machines that it describes.
//! Models plugins/kernel_v2/config as far as the lab uses it; settings it does not know are refused.

use super::ruby::{self, Args, Error, Objects, Out, Val};

#[derive(Clone, PartialEq, Debug)]
pub enum Provision {
    /// `path` of a script on the host, or `inline` text.
    Shell {
        name: String,
        path: String,
        inline: String,
        args: Vec<String>,
        privileged: bool,
    },
    File {
        source: String,
        destination: String,
    },
}

/// A command that a trigger runs once the machine is up.
#[derive(Clone, PartialEq, Debug)]
pub struct Sudo {
    /// Empty: the machine itself.
    pub machine: String,
    /// `\u{1}N\u{1}` stands for what the command number N printed.
    pub command: String,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Vm {
    pub name: String,
    pub hostname: String,
    pub image: String,
    pub ip: String,
    pub provider: String,
    pub cpus: u32,
    pub memory: u32,
    /// Ports: guest, host.
    pub forwarded: Vec<(i64, i64)>,
    pub provisions: Vec<Provision>,
    /// Names and commands of the triggers after `up`.
    pub triggers: Vec<(String, Vec<Sudo>)>,
    /// Settings that do not exist.
    pub unknown: Vec<String>,
}

#[derive(Default)]
struct Reader {
    defaults: Vm,
    all: Vec<Vm>,
    /// The machine whose block is read.
    current: Option<usize>,
}

pub fn read(text: &str) -> Result<Vec<Vm>, Error> {
    let mut reader = Reader::default();
    ruby::run(text, &mut reader)?;
    if reader.all.is_empty() {
        reader.all.push(Vm { name: "default".into(), ..reader.defaults.clone() });
    }
    for vm in &mut reader.all {
        if vm.provider.is_empty() {
            vm.provider = "virtualbox".into();
        }
        (vm.cpus, vm.memory) = (vm.cpus.max(1), if vm.memory == 0 { 512 } else { vm.memory });
    }
    Ok(reader.all)
}

impl Reader {
    fn vm(&mut self) -> &mut Vm {
        match self.current {
            Some(i) => &mut self.all[i],
            None => &mut self.defaults,
        }
    }
}

fn number(value: &Val) -> u32 {
    value.text().trim().parse().unwrap_or(0)
}

fn object(name: &'static str) -> Out<(Val, Option<Vec<Val>>)> {
    Ok((Val::Nil, Some(vec![Val::Object(name)])))
}

const NOTHING: Out<(Val, Option<Vec<Val>>)> = Ok((Val::Nil, None));

impl Objects for Reader {
    fn assign(&mut self, of: &Val, path: &[String], value: &Val, _line: usize) -> Out<()> {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let vm = self.vm();
        match (of, &words[..]) {
            (Val::Object("provider"), ["cpus"]) => vm.cpus = number(value),
            (Val::Object("provider"), ["memory"]) => vm.memory = number(value),
            (Val::Object("provider"), ["vmx", "numvcpus"]) => vm.cpus = number(value),
            (Val::Object("provider"), ["vmx", "memsize"]) => vm.memory = number(value),
            (Val::Object("provider"), _) => {}
            (Val::Object("trigger"), ["name"]) => {
                if let Some(last) = vm.triggers.last_mut() {
                    last.0 = value.text();
                }
            }
            (Val::Object("trigger"), _) => {}
            (_, ["vm", "box"]) => vm.image = value.text(),
            (_, ["vm", "hostname" | "host_name"]) => vm.hostname = value.text(),
            (
                _,
                [
                    "vm",
                    "box_version"
                    | "box_check_update"
                    | "boot_timeout"
                    | "box_url"
                    | "guest"
                    | "graceful_halt_timeout"
                    | "post_up_message"
                    | "usable_port_range"
                    | "communicator"
                    | "allow_hosts_modification",
                ],
            ) => {}
            (_, ["ssh" | "winrm" | "vagrant" | "vbguest" | "hostmanager", ..]) => {}
            (_, ["vm", setting]) => vm.unknown.push((*setting).to_owned()),
            _ => vm.unknown.push(words.join(".")),
        }
        Ok(())
    }

    fn call(&mut self, of: &Val, path: &[String], args: &Args, line: usize) -> Out<(Val, Option<Vec<Val>>)> {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let here = self.current.map(|i| self.all[i].name.clone()).unwrap_or_default();
        match (of, &words[..]) {
            (Val::Object("vagrant"), ["configure"]) => object("config"),
            (Val::Object("vagrant"), ["require_version" | "has_plugin?"]) => Ok((Val::Bool(false), None)),
            (_, ["vm", "define"]) => {
                let name = args.text(0);
                let found = self.all.iter().position(|v| v.name == name);
                let i = found.unwrap_or_else(|| {
                    self.all.push(Vm { name, ..self.defaults.clone() });
                    self.all.len() - 1
                });
                self.current = Some(i);
                object("vm")
            }
            (_, ["vm", "provider"]) => {
                self.vm().provider = args.text(0);
                object("provider")
            }
            (_, ["vm", "network"]) => {
                let ip = args.key("ip").map(Val::text).unwrap_or_default();
                let port = |key: &str| args.key(key).map_or(0, |v| i64::from(number(v)));
                match args.text(0).as_str() {
                    "private_network" | "public_network" if !ip.is_empty() => self.vm().ip = ip,
                    "forwarded_port" => {
                        let pair = (port("guest"), port("host"));
                        self.vm().forwarded.push(pair);
                    }
                    _ => {}
                }
                NOTHING
            }
            (_, ["vm", "provision"]) => {
                let provision = provision(args, line)?;
                self.vm().provisions.push(provision);
                NOTHING
            }
            (_, ["vm", "synced_folder" | "disk" | "cloud_init"]) => NOTHING,
            (Val::Object("provider"), _) => NOTHING,
            (_, ["trigger", "after"]) if args.list.iter().any(|a| a.text() == "up") => {
                self.vm().triggers.push((String::new(), Vec::new()));
                object("trigger")
            }
            (_, ["trigger", ..]) => NOTHING,
            (Val::Object("trigger"), ["ruby"]) => Ok((Val::Nil, Some(vec![Val::Object("env"), Val::Machine(here)]))),
            (Val::Object("trigger"), ["run_remote"]) => {
                let command = args.key("inline").map(Val::text).unwrap_or_default();
                if let Some(last) = self.vm().triggers.last_mut() {
                    last.1.push(Sudo { machine: String::new(), command });
                }
                NOTHING
            }
            (Val::Object("trigger"), _) => NOTHING,
            (Val::Object("env"), ["machine"]) => Ok((Val::Machine(args.text(0)), None)),
            (Val::Machine(_), ["provider_name" | "name"]) => Ok((Val::Text(here), None)),
            (Val::Machine(name), ["communicate", "sudo" | "execute"]) => {
                let machine = if *name == here { String::new() } else { name.clone() };
                let command = args.text(0);
                if let Some(last) = self.vm().triggers.last_mut() {
                    last.1.push(Sudo { machine, command });
                }
                NOTHING
            }
            (Val::Object(_) | Val::Machine(_), _) => {
                let message = format!("undefined method `{}' for an object of Vagrant's", words.join("."));
                Err(Error { line, syntax: false, message })
            }
            _ => NOTHING,
        }
    }

    fn leave(&mut self, _of: &Val, path: &[String]) {
        if path.len() == 2 && path[1] == "define" {
            self.current = None;
        }
    }
}

fn provision(args: &Args, line: usize) -> Out<Provision> {
    let text = |key: &str| args.key(key).map(Val::text).unwrap_or_default();
    let (first, second) = (args.text(0), text("type"));
    let (name, kind) = if second.is_empty() { (String::new(), first) } else { (first, second) };
    match kind.as_str() {
        "shell" => Ok(Provision::Shell {
            name: if name.is_empty() { text("name") } else { name },
            path: text("path"),
            inline: text("inline"),
            args: match args.key("args") {
                Some(Val::List(all)) => all.iter().map(Val::text).collect(),
                // One text is given to the shell as it is.
                Some(Val::Text(text)) => text.split_whitespace().map(str::to_owned).collect(),
                Some(value) => vec![value.text()],
                None => Vec::new(),
            },
            privileged: args.key("privileged") != Some(&Val::Bool(false)),
        }),
        "file" => Ok(Provision::File { source: text("source"), destination: text("destination") }),
        other => Err(Error { line, syntax: false, message: format!("The '{other}' provisioner could not be found.") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{self, Knobs};
    use crate::sim::Profile;

    fn vagrantfile(profile: Profile) -> String {
        let files = bundle::machine_files(&Knobs::of(profile)).unwrap_or_default();
        let file = files.into_iter().find(|f| f.path == "Vagrantfile").unwrap();
        String::from_utf8(file.content).unwrap()
    }

    #[test]
    fn the_labs_own() {
        for profile in [Profile::Book, Profile::Modern] {
            let all = read(&vagrantfile(profile)).unwrap();
            let names: Vec<&str> = all.iter().map(|v| v.name.as_str()).collect();
            assert_eq!(names, ["m-k8s", "w1-k8s", "w2-k8s", "w3-k8s"]);
            assert_eq!((all[0].ip.as_str(), all[0].cpus, all[0].memory), ("192.168.1.10", 2, 3072));
            assert_eq!((all[3].ip.as_str(), all[3].hostname.as_str()), ("192.168.1.103", "w3-k8s"));
            assert_eq!(all[2].forwarded, [(22, 60102)]);
            assert!(all.iter().all(|v| v.unknown.is_empty() && !v.image.is_empty()), "{all:?}");
            let Provision::Shell { path, args, .. } = &all[1].provisions[0] else { panic!("a script") };
            assert_eq!((path.as_str(), &args[..]), ("config.sh", &["3".to_owned(), "192.168.1".to_owned()][..]));
            if profile == Profile::Modern {
                let (name, steps) = &all[1].triggers[0];
                assert_eq!(name, "join the cluster");
                assert_eq!(steps[0].machine, "m-k8s");
                assert!(steps[0].command.starts_with("kubeadm token create"));
                assert_eq!(steps[1].command, "bash /tmp/work_nodes.sh 192.168.1.101 \u{1}0\u{1}");
            }
        }
    }

    #[test]
    fn what_learners_change() {
        let text = vagrantfile(Profile::Book);
        assert_eq!(read(&text.replace("WORKERS = 3", "WORKERS = 1")).unwrap().len(), 2);
        let wrong = |from: &str, to: &str, line: usize, part: &str| {
            let error = read(&text.replacen(from, to, 1)).unwrap_err();
            assert!(error.message.contains(part) && (line == 0 || error.line == line), "{error:?}");
        };
        wrong("WORKERS = 3", "WORKER = 3", 0, "uninitialized constant WORKERS");
        wrong("WORKERS = 3", "WORKERS = three", 7, "undefined local variable or method `three'");
        wrong("WORKERS = 3", "WORKERS = 'x", 0, "syntax error");
        wrong("|config|", "|config", 0, "syntax error");
        let cut = text.trim_end().strip_suffix("end").unwrap();
        assert!(read(cut).unwrap_err().syntax);
        assert_eq!(
            read(&text.replace("cfg.vm.hostname = 'm-k8s'", "cfg.vm.hostnam = 'x'")).unwrap()[0].unknown,
            ["hostnam"]
        );
    }

    #[test]
    fn other_styles() {
        let text = "Vagrant.configure(\"2\") do |config|\n  N = 2\n  Ver = '1.18.4'\n  config.vm.define \"m-k8s\" do |cfg|\n    cfg.vm.box = \"sysnet4admin/CentOS-k8s\"\n    cfg.vm.provider \"virtualbox\" do |vb|\n      vb.name = \"m-k8s(github)\"\n      vb.cpus = 2\n      vb.customize [\"modifyvm\", :id, \"--groups\", \"/k8s\"]\n    end\n    cfg.vm.host_name = \"m-k8s\"\n    cfg.vm.network \"private_network\", ip: \"192.168.1.10\"\n    cfg.vm.provision \"shell\", path: \"config.sh\", args: N\n    cfg.vm.provision \"shell\", path: \"install_pkg.sh\", args: [ Ver, \"Main\" ]\n  end\n  (1..N).each do |i|\n    config.vm.define \"w#{i}-k8s\" do |cfg|\n      cfg.vm.network \"forwarded_port\", guest: 22, host: \"6010#{i}\", auto_correct: true, id: \"ssh\"\n      if i == 1\n        cfg.vm.box = \"a\"\n      else\n        cfg.vm.box = \"b\"\n      end\n    end\n  end\nend\n";
        let all = read(text).unwrap();
        assert_eq!(all.len(), 3);
        let Provision::Shell { args, .. } = &all[0].provisions[1] else { panic!("a script") };
        assert_eq!(args, &["1.18.4", "Main"]);
        assert_eq!((all[1].image.as_str(), all[2].image.as_str(), all[2].forwarded[0].1), ("a", "b", 60102));
    }
}
