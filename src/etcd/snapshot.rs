//! What `etcdctl snapshot save` writes: the keys and values at one revision.

use super::EtcdData;
use crate::api::{Kind, Object, Value};
use crate::base::Str;

const HEAD: &str = "etcd-snapshot";

pub struct Snapshot<'t> {
    pub revision: u64,
    pub rows: Vec<(&'t str, &'t str)>,
}

impl<'t> Snapshot<'t> {
    /// `None`: this is no snapshot.
    pub fn parse(text: &'t str) -> Option<Snapshot<'t>> {
        let mut lines = text.lines();
        let revision = lines.next()?.strip_prefix(HEAD)?.trim().split(' ').next()?.parse().ok()?;
        let mut rows = Vec::new();
        while let (Some(key), Some(value)) = (lines.next(), lines.next()) {
            rows.push((key, value));
        }
        Some(Snapshot { revision, rows })
    }

    /// A data folder that holds just this.
    pub fn data(self) -> EtcdData {
        let mut data = EtcdData::default();
        for (key, value) in &self.rows {
            match object(value) {
                Some(object) => data.restore(object),
                None => {
                    data.set_key(key, Some(value));
                }
            }
        }
        data.restored(self.revision);
        data
    }
}

/// The object that a value stands for; `None`: it is text of somebody's own.
fn object(text: &str) -> Option<Object> {
    let value: Value = serde_json::from_str(text).ok()?;
    let kind = Kind::of_manifest(value.str("apiVersion"), value.str("kind"))?;
    Some(Object::from_value(kind, &value))
}

/// As a file.
pub fn write(data: &EtcdData, rows: &[(Str, Str)]) -> String {
    let mut text = format!("{HEAD} {} {}\n", data.revision(), rows.len());
    for (key, value) in rows {
        text += &format!("{key}\n{value}\n");
    }
    text
}
