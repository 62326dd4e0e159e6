//! The lab bundle: a drill and everything to run it on real virtual machines, as one zip archive.
//! A function of (drill, knobs) down to the last byte, natively and in the browser. Writes no files.

mod cidr;
mod drill;
pub mod escape;
pub mod explain;
mod files;
pub mod knobs;
pub mod zip;

use std::fmt;

pub use explain::explain;
pub use knobs::{Arch, Cni, Knobs, Provider, Refusal};

use crate::base::arrange::Arrange;
use crate::lesson::Lesson;
use crate::sim::Profile;
use zip::Entry;

/// Why a bundle cannot be made.
#[derive(Clone, PartialEq, Debug)]
pub enum Error {
    /// At least one.
    Knobs(Vec<Refusal>),
    /// The drill does not exist in that profile.
    Profile { lesson: String, profile: Profile },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Knobs(refusals) => {
                let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Error::Profile { lesson, profile } => {
                write!(f, "the drill `{lesson}` does not apply to profile {}", profile_name(*profile))
            }
        }
    }
}

impl std::error::Error for Error {}

/// `book` or `modern`.
pub fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Book => "book",
        Profile::Modern => "modern",
    }
}

/// What the archive is called when it is saved.
pub fn file_name(lesson: &Lesson, profile: Profile) -> String {
    format!("kubedrill-{}-{}.zip", lesson.name, profile_name(profile))
}

/// The archive's bytes.
pub fn build(lesson: &Lesson, knobs: &Knobs) -> Result<Vec<u8>, Error> {
    entries(lesson, knobs).map(|entries| zip::write(&entries))
}

/// What the archive holds, in order of path: what a preview shows.
pub fn entries(lesson: &Lesson, knobs: &Knobs) -> Result<Vec<Entry>, Error> {
    let mut entries = machine_files(knobs)?;
    if !lesson.profiles.contains(&knobs.profile) {
        return Err(Error::Profile { lesson: lesson.name.clone(), profile: knobs.profile });
    }
    entries.extend(files::around(lesson, knobs));
    entries.extend(drill::files(lesson, knobs));
    for (name, content) in &lesson.files {
        let entry = if name.ends_with(".sh") { script } else { text };
        entries.push(entry(format!("manifests/{name}"), content.clone()));
    }
    if lesson.files.is_empty() {
        // The Vagrantfile copies the folder, so it must be there.
        entries.push(text("manifests/README".into(), "This drill needs no manifests.\n".into()));
    }
    entries.arrange_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

/// Only what builds the machines: Vagrantfile and its scripts.
pub fn machine_files(knobs: &Knobs) -> Result<Vec<Entry>, Error> {
    let refusals = knobs.refusals();
    if refusals.is_empty() { Ok(files::machines(knobs)) } else { Err(Error::Knobs(refusals)) }
}

/// Where the files of [`machine_files`] lie, and their modes.
///
/// # Errors
/// As [`machine_files`].
pub fn machine_paths(knobs: &Knobs) -> Result<[(&'static str, u16); 5], Error> {
    let refusals = knobs.refusals();
    if refusals.is_empty() { Ok(files::MACHINES) } else { Err(Error::Knobs(refusals)) }
}

fn text(path: String, content: String) -> Entry {
    Entry { path, content: content.into_bytes(), mode: 0o644 }
}

fn script(path: String, content: String) -> Entry {
    Entry { path, content: content.into_bytes(), mode: 0o755 }
}
