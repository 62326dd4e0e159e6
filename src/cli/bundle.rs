//! `kubedrill bundle`: a drill and its lab as a zip file, the same bytes as the browser's.

use std::fs;
use std::path::PathBuf;

use kubedrill::bundle::{self, Arch, Cni, Error, Knobs, Provider};
use kubedrill::sim::Profile;
use lexopt::prelude::*;

use crate::args::{self, Failure, failed, usage};
use crate::lesson;

const HELP: &str = "\
Usage: kubedrill bundle LESSON -o FILE.zip [OPTIONS]

Writes the drill LESSON and its lab for real virtual machines: Vagrantfile, scripts, manifests,
the drill's run.sh and verify.sh, READMEs in English and Korean. LESSON is one of those that
kubedrill lesson list prints, or a path to a drill of your own (ending in .yaml).
The same options always give the same bytes.

Options:
  -o, --output FILE            where to write it
  --profile book|modern        default book
  --workers N                  1 to 9 (default 3)
  --kubernetes-version X.Y.Z   default 1.18.4, or that of the profile
  --cpus N, --memory MIB       of m-k8s
  --worker-cpus N, --worker-memory MIB
  --provider NAME              virtualbox (default), libvirt, vmware_desktop, parallels
  --arch amd64|arm64           of the computer that runs the machines (default amd64)
  --network-prefix A.B.C       first three numbers of the lab's network (default 192.168.1)
  --cni NAME                   calico (default), flannel
  --pod-cidr A.B.C.D/N         default 172.16.0.0/16
  --service-cidr A.B.C.D/N     default 10.96.0.0/12
";

pub fn run(parser: lexopt::Parser) -> Result<(), Failure> {
    let (lesson, knobs, output) = match parse(parser) {
        Err(Failure::Help) => return args::print(HELP),
        other => other?,
    };
    let lesson = lesson::find(&lesson)?;
    let bytes = bundle::build(&lesson, &knobs).map_err(|e| match e {
        Error::Knobs(_) => usage(e),
        Error::Profile { .. } => failed(e),
    })?;
    fs::write(&output, bytes).map_err(|e| failed(format!("{}: {e}", output.display())))
}

fn parse(mut parser: lexopt::Parser) -> Result<(String, Knobs, PathBuf), Failure> {
    let (mut lesson, mut output, mut profile) = (None, None, Profile::Book);
    let mut turn: Vec<Box<dyn FnOnce(&mut Knobs)>> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Err(Failure::Help),
            Short('o') | Long("output") => output = Some(PathBuf::from(parser.value()?)),
            Long("profile") => profile = args::profile(&mut parser)?,
            Value(name) if lesson.is_none() => lesson = Some(name.string()?),
            // The profile decides what the other knobs start from, so they wait for it.
            Long(option) => {
                let option = option.to_owned();
                turn.push(knob(&option, &mut parser)?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let mut knobs = Knobs::of(profile);
    turn.into_iter().for_each(|t| t(&mut knobs));
    let lesson = lesson.ok_or_else(|| usage("bundle: which LESSON? kubedrill lesson list prints them"))?;
    let output = output.ok_or_else(|| usage("bundle: -o FILE.zip is missing"))?;
    Ok((lesson, knobs, output))
}

fn knob(option: &str, parser: &mut lexopt::Parser) -> Result<Box<dyn FnOnce(&mut Knobs)>, Failure> {
    let dashed = format!("--{option}");
    let named = |e: String| usage(format!("{dashed}: {e}"));
    Ok(match option {
        "workers" | "cpus" | "memory" | "worker-cpus" | "worker-memory" => {
            let n: u32 = args::number(parser, &dashed)?;
            let option = option.to_owned();
            Box::new(move |k| match option.as_str() {
                "workers" => k.workers = n,
                "cpus" => k.cpus = n,
                "memory" => k.memory_mib = n,
                "worker-cpus" => k.worker_cpus = n,
                _ => k.worker_memory_mib = n,
            })
        }
        "kubernetes-version" => {
            let version = parser.value()?.string()?;
            Box::new(move |k| k.kubernetes_version = version)
        }
        "network-prefix" => {
            let prefix = parser.value()?.string()?;
            Box::new(move |k| k.network_prefix = prefix)
        }
        "pod-cidr" => {
            let cidr = parser.value()?.string()?;
            Box::new(move |k| k.pod_cidr = cidr)
        }
        "service-cidr" => {
            let cidr = parser.value()?.string()?;
            Box::new(move |k| k.service_cidr = cidr)
        }
        "arch" => {
            let arch = Arch::parse(&parser.value()?.string()?).map_err(named)?;
            Box::new(move |k| k.arch = arch)
        }
        "provider" => {
            let provider = Provider::parse(&parser.value()?.string()?).map_err(named)?;
            Box::new(move |k| k.provider = provider)
        }
        "cni" => {
            let cni = Cni::parse(&parser.value()?.string()?).map_err(named)?;
            Box::new(move |k| k.cni = cni)
        }
        _ => return Err(usage(format!("invalid option '{dashed}'"))),
    })
}
