//! What each line of an exported file does, in both languages, and what of a machine it changes.
//! The table is `files/lines.txt`: `@` and the files it is about, then a line (with `*` for any text)
//! and, indented by tabs, the Korean text, the English one, what is changed and, unless that is
//! nothing, what goes wrong without the line in Korean and in English.

use crate::lesson::glob;

const TABLE: &str = include_str!("files/lines.txt");

/// What a line does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Note {
    pub ko: &'static str,
    pub en: &'static str,
    /// What it changes: `swap`, `module br_netfilter`, `file /etc/hosts`, `service kubelet`,
    /// `package docker-ce`, `sysctl …`, `selinux`, `hostname`, `machines`, `packages`, `files`, `tokens`,
    /// `network`, `cluster`; `safety` where it only keeps a script from going wrong; `cosmetic` where
    /// leaving it out changes nothing of the cluster.
    pub changes: &'static str,
    /// What goes wrong where the line is missing; what one then reads stands in backquotes. Empty where
    /// nothing does.
    pub without: Without,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Without {
    pub ko: &'static str,
    pub en: &'static str,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Line<'a> {
    /// Counted from 1.
    pub number: u32,
    pub text: &'a str,
    /// None for blank lines, and for files that are not in the table.
    pub note: Option<Note>,
}

/// The lines of a file of the bundle, each with its note. `path` as in the archive.
pub fn explain<'a>(path: &str, content: &'a str) -> Vec<Line<'a>> {
    let known = TABLE.lines().any(|l| names(l, path) == Some(true));
    let line = |(i, text): (usize, &'a str)| {
        let note = if known { note(path, text.trim()) } else { None };
        Line { number: i as u32 + 1, text, note }
    };
    content.lines().enumerate().map(line).collect()
}

const COMMENT: Note = Note {
    ko: "사람이 읽을 설명입니다. 실행되지 않습니다.",
    en: "A note for the reader. It is not run.",
    changes: "cosmetic",
    without: Without { ko: "", en: "" },
};

fn note(path: &str, line: &str) -> Option<Note> {
    let mut about = false;
    let mut rows = TABLE.lines();
    while let Some(row) = rows.next() {
        if let Some(named) = names(row, path) {
            about = named;
        } else if about && !row.starts_with('\t') && glob::fits(row, line) && !line.is_empty() {
            let mut next = || rows.next().and_then(|r| r.strip_prefix('\t')).unwrap_or_default();
            let (ko, en, changes) = (next(), next(), next());
            // Not every line has these two; the row after it is another pattern then.
            let without_ko = next();
            let without = Without { ko: without_ko, en: if without_ko.is_empty() { "" } else { next() } };
            return Some(Note { ko, en, changes, without });
        }
    }
    line.starts_with('#').then_some(COMMENT)
}

/// Whether a row that begins with `@` names the file; `None` for other rows.
fn names(row: &str, path: &str) -> Option<bool> {
    let files = row.strip_prefix('@')?;
    Some(files.split(' ').any(|file| glob::fits(file, path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_notes_are_english() {
        let korean = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
        let lines = explain("Vagrantfile", "# -*- mode: ruby -*-\n# vi: set ft=ruby :\nWORKERS = 3\n");
        for note in lines.iter().filter_map(|l| l.note) {
            assert!(korean(note.ko) && !korean(note.en) && !korean(note.without.en), "{note:?}");
        }
    }
    use crate::bundle::{Arch, Cni, Knobs, Provider, machine_files};
    use crate::sim::Profile;

    #[test]
    fn every_line_of_every_lab_is_explained() {
        for profile in [Profile::Book, Profile::Modern] {
            for provider in Provider::ALL {
                for cni in Cni::ALL {
                    let knobs = Knobs { provider: *provider, cni: *cni, arch: Arch::Amd64, ..Knobs::of(profile) };
                    for entry in machine_files(&knobs).expect("possible") {
                        let content = String::from_utf8(entry.content).expect("UTF-8");
                        for line in explain(&entry.path, &content) {
                            let blank = line.text.trim().is_empty();
                            assert_eq!(line.note.is_none(), blank, "{}:{}: {}", entry.path, line.number, line.text);
                        }
                    }
                }
            }
        }
    }

    /// First words of what lines change.
    const CHANGES: [&str; 17] = [
        "cluster", "cosmetic", "file", "files", "hostname", "machines", "module", "network", "package", "packages",
        "safety", "selinux", "service", "swap", "sysctl", "tokens", "units",
    ];

    #[test]
    fn the_table_is_complete_and_in_use() {
        let files: Vec<(String, String)> = [Profile::Book, Profile::Modern]
            .into_iter()
            .flat_map(|p| Provider::ALL.iter().map(move |v| Knobs { provider: *v, ..Knobs::of(p) }))
            .flat_map(|k| machine_files(&k).expect("possible"))
            .map(|e| (e.path, String::from_utf8(e.content).expect("UTF-8")))
            .collect();
        let rows: Vec<&str> = TABLE.lines().collect();
        let mut about = "";
        let mut i = 0;
        while i < rows.len() {
            if let Some(files) = rows[i].strip_prefix('@') {
                about = files;
                i += 1;
                continue;
            }
            let texts = &rows[i + 1..i + 4];
            assert!(texts.iter().all(|t| t.starts_with('\t') && t.len() > 1), "{}: {texts:?}", rows[i]);
            let hangul = |text: &str| text.chars().any(|c| ('\u{ac00}'..='\u{d7a3}').contains(&c));
            assert!(hangul(texts[0]) && !hangul(texts[1]), "{texts:?}");
            let word = texts[2].trim().split(' ').next().unwrap_or_default();
            assert!(CHANGES.contains(&word), "{}: {word}", rows[i]);
            let used = files.iter().any(|(path, content)| {
                names(&format!("@{about}"), path) == Some(true)
                    && content.lines().any(|l| glob::fits(rows[i], l.trim()))
            });
            assert!(used, "{about}: no file has the line {}", rows[i]);
            i += 4;
            let without: Vec<&str> = rows[i..].iter().take_while(|r| r.starts_with('\t')).copied().collect();
            assert!(without.is_empty() || without.len() == 2, "{}: {without:?}", rows[i]);
            assert!(without.is_empty() || hangul(without[0]) && !hangul(without[1]), "{without:?}");
            i += without.len();
        }
    }

    #[test]
    fn notes_say_what_changes() {
        let lines = explain("config.sh", "#!/usr/bin/env bash\n\n# why\nswapoff -a\n  overlay\n");
        let changes: Vec<Option<&str>> = lines.iter().map(|l| l.note.map(|n| n.changes)).collect();
        assert_eq!(changes, [Some("cosmetic"), None, Some("cosmetic"), Some("swap"), Some("module overlay")]);
        assert!(explain("manifests/x.yaml", "kind: Pod\n")[0].note.is_none());
    }
}
