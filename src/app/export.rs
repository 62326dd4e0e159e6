//! The lab bundle before it is downloaded: the knobs as they are being typed, and the files that would
//! come of them.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::bundle::knobs::{Arch, Cni, Provider, Refusal};
use crate::bundle::{self, Knobs};
use crate::lesson::{self, Lesson, Text};
use crate::sim::Profile;

#[derive(Clone, PartialEq, Debug)]
pub struct Export {
    pub lesson: Rc<Lesson>,
    pub knobs: Knobs,
    /// What stands in a number's field while it is no number.
    typed: BTreeMap<&'static str, String>,
    pub refusals: Vec<Refusal>,
    /// Path and text of each file, sorted; the last ones that could be made.
    pub files: Vec<(String, String)>,
    /// Path of the file that is shown.
    pub open: String,
}

/// A knob: its name in JSON, and the values offered for it, if it is not free text.
pub struct Field {
    pub name: &'static str,
    pub choices: Vec<&'static str>,
    /// Free text all the same.
    pub open: bool,
}

const NOT_A_NUMBER: &str = "expected a whole number";
const NOT_A_NUMBER_KO: &str = "정수를 적어야 합니다";

impl Export {
    /// For a drill on machines like those of the simulation.
    pub fn new(lesson: Lesson, profile: Profile, workers: u32) -> Export {
        let knobs = Knobs { workers, ..Knobs::of(profile) };
        let mut export = Export {
            lesson: Rc::new(lesson),
            knobs,
            typed: BTreeMap::new(),
            refusals: Vec::new(),
            files: Vec::new(),
            open: "Vagrantfile".into(),
        };
        export.made();
        export
    }

    /// The fields in the order of the form.
    pub fn fields(&self) -> Vec<Field> {
        let profiles = self.lesson.profiles.iter().map(|p| bundle::profile_name(*p)).collect();
        let choice = |name, choices: Vec<&'static str>| Field { name, choices, open: false };
        let text = |name| Field { name, choices: Vec::new(), open: true };
        vec![
            choice("profile", profiles),
            text("workers"),
            Field {
                name: "kubernetesVersion",
                choices: bundle::knobs::versions(self.knobs.profile).to_vec(),
                open: true,
            },
            text("cpus"),
            text("memoryMib"),
            text("workerCpus"),
            text("workerMemoryMib"),
            choice("provider", Provider::ALL.iter().map(|p| p.name()).collect()),
            choice("arch", Arch::ALL.iter().map(|a| a.name()).collect()),
            text("networkPrefix"),
            choice("cni", Cni::ALL.iter().map(|c| c.name()).collect()),
            text("podCidr"),
            text("serviceCidr"),
        ]
    }

    /// What stands in a field.
    pub fn value(&self, field: &str) -> String {
        if let Some(typed) = self.typed.get(field) {
            return typed.clone();
        }
        let k = &self.knobs;
        match field {
            "profile" => bundle::profile_name(k.profile).into(),
            "workers" => k.workers.to_string(),
            "kubernetesVersion" => k.kubernetes_version.clone(),
            "cpus" => k.cpus.to_string(),
            "memoryMib" => k.memory_mib.to_string(),
            "workerCpus" => k.worker_cpus.to_string(),
            "workerMemoryMib" => k.worker_memory_mib.to_string(),
            "provider" => k.provider.name().into(),
            "arch" => k.arch.name().into(),
            "networkPrefix" => k.network_prefix.clone(),
            "cni" => k.cni.name().into(),
            "podCidr" => k.pod_cidr.clone(),
            "serviceCidr" => k.service_cidr.clone(),
            _ => String::new(),
        }
    }

    pub fn set(&mut self, field: &'static str, text: &str) {
        let k = &mut self.knobs;
        let number = match field {
            "workers" => Some(&mut k.workers),
            "cpus" => Some(&mut k.cpus),
            "memoryMib" => Some(&mut k.memory_mib),
            "workerCpus" => Some(&mut k.worker_cpus),
            "workerMemoryMib" => Some(&mut k.worker_memory_mib),
            _ => None,
        };
        if let Some(number) = number {
            match text.trim().parse() {
                Ok(n) => {
                    *number = n;
                    self.typed.remove(field);
                }
                Err(_) => {
                    self.typed.insert(field, text.into());
                }
            }
            return self.made();
        }
        match field {
            "profile" => {
                let profile =
                    if text == bundle::profile_name(Profile::Modern) { Profile::Modern } else { Profile::Book };
                *k = Knobs { workers: k.workers, provider: k.provider, ..Knobs::of(profile) };
                self.typed.clear();
            }
            "kubernetesVersion" => k.kubernetes_version = text.trim().into(),
            "provider" => k.provider = Provider::parse(text).unwrap_or(k.provider),
            "arch" => k.arch = Arch::parse(text).unwrap_or(k.arch),
            "networkPrefix" => k.network_prefix = text.trim().into(),
            "cni" => k.cni = Cni::parse(text).unwrap_or(k.cni),
            "podCidr" => k.pod_cidr = text.trim().into(),
            "serviceCidr" => k.service_cidr = text.trim().into(),
            _ => {}
        }
        self.made();
    }

    /// Another drill on the same machines.
    pub fn choose(&mut self, name: &str) {
        let Some(lesson) = lesson::shipped(name) else { return };
        if !lesson.profiles.contains(&self.knobs.profile)
            && let Some(profile) = lesson.profiles.first()
        {
            self.knobs = Knobs::of(*profile);
        }
        self.lesson = Rc::new(lesson);
        self.made();
    }

    /// The files anew, or why there are none.
    fn made(&mut self) {
        self.refusals = self.knobs.refusals();
        for field in self.typed.keys() {
            let reason = Text { ko: NOT_A_NUMBER_KO.into(), en: NOT_A_NUMBER.into() };
            self.refusals.push(Refusal { field, reason });
        }
        if self.refusals.is_empty()
            && let Ok(entries) = bundle::entries(&self.lesson, &self.knobs)
        {
            let text = |e: bundle::zip::Entry| (e.path, String::from_utf8_lossy(&e.content).into_owned());
            self.files = entries.into_iter().map(text).collect();
        }
        if !self.files.iter().any(|(path, _)| *path == self.open) {
            self.open = self.files.first().map(|(path, _)| path.clone()).unwrap_or_default();
        }
    }

    /// Name and bytes of the archive; `None` while something is refused.
    pub fn archive(&self) -> Option<(String, Vec<u8>)> {
        let bytes = self.refusals.is_empty().then(|| bundle::build(&self.lesson, &self.knobs).ok())??;
        Some((bundle::file_name(&self.lesson, self.knobs.profile), bytes))
    }
    pub fn refusal(&self, field: &str) -> Option<&Refusal> {
        self.refusals.iter().find(|r| r.field == field)
    }
    /// Text of the file that is shown.
    pub fn content(&self) -> &str {
        self.files.iter().find(|(path, _)| *path == self.open).map_or("", |(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export() -> Export {
        Export::new(lesson::shipped("kubelet-stopped").unwrap(), Profile::Book, 3)
    }

    #[test]
    fn every_field_can_be_read_and_set() {
        let mut e = export();
        for field in e.fields() {
            let before = e.value(field.name);
            assert!(!before.is_empty(), "{}", field.name);
            for choice in field.choices.iter().copied().chain([before.as_str()]) {
                e.set(field.name, choice);
                assert_eq!(e.value(field.name), choice, "{}", field.name);
            }
        }
        assert!(e.archive().is_some(), "{:?}", e.refusals);
    }

    #[test]
    fn what_is_refused_is_said_beside_its_field_and_the_last_files_stay() {
        let mut e = export();
        let files = e.files.len();
        for (field, wrong, right) in
            [("workers", "12", "9"), ("workers", "many", "2"), ("cpus", "1", "2"), ("networkPrefix", "8.8.8", "10.9.8")]
        {
            e.set(field, wrong);
            assert_eq!(e.value(field), wrong);
            assert!(e.refusal(field).is_some_and(|r| !r.reason.ko.is_empty()), "{field}");
            assert!(e.archive().is_none() && e.files.len() == files);
            e.set(field, right);
            assert_eq!(e.refusals, [], "{field}");
        }
        assert!(e.content().contains("10.9.8"), "{}", e.content());
    }
}
