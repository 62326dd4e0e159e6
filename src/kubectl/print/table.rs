//! Tables of `get`: rows from the server's columns, in kubectl's layout.
//! Models cli-runtime/pkg/printers tableprinter.go.

use super::super::context::Cx;
use super::super::discovery::Resource;
use super::tabwriter;
use super::{jsonpath, name};
use crate::api::{Kind, Object, custom, table};
use crate::base::{Str, Time};
use crate::sim::Profile;

/// What a table shows beside the server's columns.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub wide: bool,
    pub with_namespace: bool,
    pub with_kind: bool,
    pub show_labels: bool,
    pub label_columns: Vec<Str>,
    pub no_headers: bool,
    /// The column of `--output-watch-events`.
    pub events: bool,
    /// `--server-print=false`: kubectl knows only names and ages.
    pub plain: bool,
}

impl Layout {
    pub fn of(cx: &Cx<'_, '_>) -> Layout {
        Layout {
            wide: cx.flags.text("output") == "wide",
            show_labels: cx.flags.yes("show-labels"),
            label_columns: cx.flags.all("label-columns").to_vec(),
            no_headers: cx.flags.yes("no-headers"),
            plain: cx.flags.has("server-print") && !cx.flags.yes("server-print"),
            ..Layout::default()
        }
    }

    pub fn header(&self, resource: &Resource, kind: Kind, profile: Profile) -> Vec<String> {
        let namespaced = resource.namespaced;
        let mut cells: Vec<String> = if self.plain {
            vec!["NAME".to_owned(), "AGE".to_owned()]
        } else if let Some(declared) = resource.custom {
            let own =
                declared.columns.iter().filter(|c| self.wide || !c.wide).map(|c| c.name.to_uppercase().to_string());
            std::iter::once("NAME".to_owned()).chain(own).collect()
        } else {
            table::columns(kind, profile).into_iter().filter(|c| self.wide || !c.wide).map(|c| c.title()).collect()
        };
        if self.with_namespace && namespaced {
            cells.insert(0, "NAMESPACE".to_owned());
        }
        if self.events {
            cells.insert(0, "EVENT".to_owned());
        }
        cells.extend(self.label_columns.iter().map(|l| l.rsplit('/').next().unwrap_or(l).to_uppercase()));
        if self.show_labels {
            cells.push("LABELS".to_owned());
        }
        cells
    }

    pub fn row(&self, object: &Object, resource: &Resource, now: Time, profile: Profile, event: &str) -> Vec<String> {
        let mut cells: Vec<String> = if self.plain {
            vec![object.name().to_string(), table::age(object, now)]
        } else if let Some(declared) = resource.custom {
            let own = declared.columns.iter().filter(|c| self.wide || !c.wide);
            std::iter::once(object.name().to_string()).chain(own.map(|c| custom_cell(c, object, now))).collect()
        } else {
            table::row(object, now, profile, self.wide).into_iter().map(|c| clean(&c)).collect()
        };
        if self.with_kind {
            let name_column = table::columns(object.kind(), profile)
                .iter()
                .filter(|c| self.wide || !c.wide)
                .position(|c| c.name == "Name")
                .or(self.plain.then_some(0));
            if let Some(cell) = name_column.and_then(|i| cells.get_mut(i)) {
                *cell = format!("{}/{cell}", name::prefix(profile, object.kind()));
            }
        }
        if self.with_namespace && resource.namespaced {
            cells.insert(0, object.namespace().to_string());
        }
        if self.events {
            cells.insert(0, event.to_owned());
        }
        let labels = crate::api::meta::labels(object);
        cells.extend(self.label_columns.iter().map(|l| labels.map_or("", |m| m.str(l)).to_owned()));
        if self.show_labels {
            let all: Vec<String> =
                labels.into_iter().flat_map(|m| m.iter()).map(|(k, v)| format!("{k}={}", v.as_str())).collect();
            cells.push(if all.is_empty() { "<none>".to_owned() } else { all.join(",") });
        }
        cells
    }
}

/// What a definition's column shows of an object.
/// Models apiextensions-apiserver/pkg/registry/customresource/tableconvertor.
pub fn custom_cell(column: &custom::Column, object: &Object, now: Time) -> String {
    let found = jsonpath::parse(&format!("{{{}}}", column.path)).and_then(|p| p.values(&object.to_value()));
    let text = found.ok().and_then(|v| v.first().map(jsonpath::text_of)).unwrap_or_default();
    if !column.date {
        return text;
    }
    match Time::parse_rfc3339(&text) {
        Some(at) => now.since(at).human(),
        None if text.is_empty() => text,
        None => "<invalid>".to_owned(),
    }
}

/// Line breaks and tabs do not belong in a cell.
fn clean(cell: &str) -> String {
    cell.trim_end_matches('\n').replace(['\t', '\n'], " ")
}

/// Rows aligned, with the widths of what was printed before.
pub fn write(rows: &[Vec<String>], widths: &mut Vec<usize>) -> String {
    let text: String = rows.iter().map(|r| r.join("\t") + "\n").collect();
    tabwriter::table(&text, widths)
}
