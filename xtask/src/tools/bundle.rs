//! What checks an exported lab bundle as its real users would: vagrant reads the Vagrantfile,
//! shellcheck the scripts, and the published schemas the manifests.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Toolbox, apt};
use crate::dirs;
use crate::proc::{Patience, capture, logged, which};

/// Program, and the setting under which tests find it. Debian's packages have the same names.
const PROGRAMS: [(&str, &str); 3] =
    [("vagrant", "KUBEDRILL_VAGRANT"), ("shellcheck", "KUBEDRILL_SHELLCHECK"), ("ruby", "KUBEDRILL_RUBY")];
/// Each release of the validator carries the schemas of a range of Kubernetes versions: two
/// cover both profiles. Release, and the setting that names the interpreter which has it.
const VALIDATORS: [(&str, &str); 2] = [
    // Kubernetes 1.10 to 1.24.
    ("1.24.1", "KUBEDRILL_KUBERNETES_VALIDATE_BOOK"),
    // Kubernetes 1.25 to 1.37.
    ("1.37.0", "KUBEDRILL_KUBERNETES_VALIDATE"),
];

pub fn ensure(tools: &mut Toolbox) -> Result<()> {
    let missing: Vec<_> =
        PROGRAMS.iter().map(|(program, _)| *program).filter(|program| which(program).is_none()).collect();
    if !missing.is_empty() {
        apt::install(&missing, "checking the exported lab bundle")?;
    }
    for (program, setting) in PROGRAMS {
        let path = which(program).with_context(|| format!("{program} is not on PATH"))?;
        tools.found(setting, path);
    }
    super::kubectl::ensure(tools)?;
    for (release, setting) in VALIDATORS {
        tools.found(setting, ensure_validator(release)?);
    }
    Ok(())
}

fn ensure_validator(release: &str) -> Result<PathBuf> {
    let package = format!("kubernetes-validate=={release}");
    let folder = dirs::cache()?.join(format!("kubernetes-validate-{release}"));
    let python = folder.join("bin/python");
    let usable = dirs::stamped(&folder, &package)
        && capture(Command::new(&python).args(["-c", "import kubernetes_validate"])).is_some();
    if !usable {
        install_validator(&package, &folder, &python)?;
    }
    Ok(python)
}

fn install_validator(package: &str, folder: &Path, python: &Path) -> Result<()> {
    eprintln!("  installing {package} into {}", folder.display());
    let by_hand = "Python 3 with venv is needed (Debian: python3-venv)";
    if !can_make_venv() {
        apt::install(&["python3-venv"], "checking manifests against schemas")?;
    }
    dirs::fresh(folder)?;
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(folder);
    logged(&mut venv, "python-venv", &Patience::LONG).context(by_hand)?;
    let mut pip = Command::new(python);
    // setuptools: the older release looks its data files up through it.
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", package, "setuptools<80"]);
    logged(&mut pip, "pip-install", &Patience::LONG).with_context(|| format!("by hand: pip install {package}"))?;
    // Found out now rather than in a test.
    let mut import = Command::new(python);
    import.args(["-c", "import kubernetes_validate"]);
    logged(&mut import, "kubernetes-validate", &Patience::LONG)?;
    dirs::stamp(folder, package)
}

fn can_make_venv() -> bool {
    capture(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_some()
}
