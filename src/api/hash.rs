//! The hashes in generated names: pod-template-hash and controller-revision-hash, the very ones of
//! upstream. It hashes a dump of the Go struct, so every field counts, set or not; the schema table
//! has them in order, with their types.
//!
//! Models pkg/util/hash DeepHashObject, pkg/controller ComputeHash and pkg/controller/history.

use super::quantity::Quantity;
use super::schema::{self, Field, Ty, Type};
use super::{Map, Profile, Value};
use crate::base::Str;
use crate::base::hash::fnv32a;

/// `rand.SafeEncodeString`: letters that make no words.
fn safe_encode(text: &str) -> Str {
    const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    text.bytes().map(|b| SAFE[b as usize % SAFE.len()] as char).collect()
}

/// The label `pod-template-hash` of a defaulted template; `collisions` is `status.collisionCount`.
pub fn pod_template_hash(template: &Value, profile: Profile, collisions: Option<i64>) -> Str {
    let mut dump = Dump { profile, out: Vec::with_capacity(4096) };
    let empty = Map::new();
    dump.typed_struct(schema::pod_template(), template.as_map().unwrap_or(&empty), "v1.");
    if let Some(count) = collisions {
        dump.out.extend((count as u32).to_le_bytes());
        dump.out.extend([0; 4]);
    }
    safe_encode(&fnv32a(&dump.out).to_string())
}

/// The hash of a ControllerRevision's data: its JSON, keys sorted.
pub fn revision_hash(data: &Value, collisions: Option<i64>) -> Str {
    let mut text = data.to_json();
    if let Some(count) = collisions {
        text += &count.to_string();
    }
    let fnv32 = text.bytes().fold(0x811c_9dc5_u32, |h, b| h.wrapping_mul(0x0100_0193) ^ u32::from(b));
    safe_encode(&fnv32.to_string())
}

/// `%#v` as go-spew prints it: `(v1.PodSpec){Volumes:([]v1.Volume)<nil> …}`.
struct Dump {
    profile: Profile,
    out: Vec<u8>,
}

impl Dump {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
    fn type_of(&mut self, ty: &Ty) {
        self.text("(");
        self.type_name(ty);
        self.text(")");
    }

    fn type_name(&mut self, ty: &Ty) {
        match ty {
            Ty::Str("string") => self.text("string"),
            Ty::Str("UID") => self.text("types.UID"),
            Ty::Str(name) | Ty::Named(name, _) => {
                self.text("v1.");
                self.text(name);
            }
            Ty::Int32 => self.text("int32"),
            Ty::Int64 => self.text("int64"),
            Ty::Bool => self.text("bool"),
            Ty::Quantity => self.text("resource.Quantity"),
            Ty::IntOrString => self.text("intstr.IntOrString"),
            Ty::Time => self.text("v1.Time"),
            Ty::MicroTime => self.text("v1.MicroTime"),
            Ty::Bytes => self.text("[]uint8"),
            Ty::Any => self.text("v1.FieldsV1"),
            Ty::Struct(_) => {
                self.text("v1.");
                self.text(ty.as_struct().map_or("", |t| t.name));
            }
            Ty::List(t) => {
                self.text("[]");
                self.type_name(t);
            }
            Ty::Map(key, t) => {
                self.text(if *key == "string" { "map[" } else { "map[v1." });
                self.text(key);
                self.text("]");
                self.type_name(t);
            }
            Ty::Ptr(t) => {
                self.text("*");
                self.type_name(t);
            }
        }
    }

    fn typed_struct(&mut self, t: &Type, map: &Map, package: &str) {
        self.text(&format!("({package}{})", t.name));
        self.fields(t, map);
    }

    fn fields(&mut self, t: &Type, map: &Map) {
        self.text("{");
        let fields: Vec<&Field> = t.fields.iter().filter(|f| f.exists_in(self.profile)).collect();
        for (i, field) in fields.into_iter().enumerate() {
            if i > 0 {
                self.text(" ");
            }
            self.text(&field.go_name());
            self.text(":");
            if field.embedded {
                // Its fields lie in the same JSON object.
                if let Some(inner) = field.ty.as_struct() {
                    self.typed_struct(inner, map, "v1.");
                }
                continue;
            }
            self.type_of(&field.ty);
            self.value(&field.ty, map.get(field.name).filter(|v| !v.is_null()));
        }
        self.text("}");
    }

    fn value(&mut self, ty: &Ty, v: Option<&Value>) {
        match (ty, v) {
            (Ty::Ptr(_) | Ty::List(_) | Ty::Map(..) | Ty::Bytes, None) => self.text("<nil>"),
            (Ty::Ptr(t) | Ty::Named(_, t), v) => self.value(t, v),
            (Ty::List(_), Some(Value::List(l))) if l.is_empty() => self.text("<nil>"),
            (Ty::List(t), Some(v)) => {
                self.text("[");
                for (i, item) in v.items().iter().enumerate() {
                    if i > 0 {
                        self.text(" ");
                    }
                    self.value(t, Some(item));
                }
                self.text("]");
            }
            (Ty::Map(_, t), Some(v)) => {
                let Some(map) = v.as_map().filter(|m| !m.is_empty()) else { return self.text("<nil>") };
                self.text("map[");
                for (i, (key, item)) in map.iter().enumerate() {
                    if i > 0 {
                        self.text(" ");
                    }
                    self.text(key);
                    self.text(":");
                    self.value(t, Some(item));
                }
                self.text("]");
            }
            (Ty::Struct(_), v) => {
                let empty = Map::new();
                if let Some(t) = ty.as_struct() {
                    self.fields(t, v.and_then(Value::as_map).unwrap_or(&empty));
                }
            }
            (Ty::Quantity, v) => self.quantity(v),
            (Ty::IntOrString, v) => self.int_or_string(v),
            (Ty::Time | Ty::MicroTime, _) => {
                // Templates have no times; the zero one prints so.
                self.text("{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}");
            }
            (Ty::Int32 | Ty::Int64, v) => self.text(&v.and_then(Value::as_int).unwrap_or(0).to_string()),
            (Ty::Bool, v) => {
                let b = v.and_then(Value::as_bool).unwrap_or(false);
                self.text(if b { "true" } else { "false" });
            }
            (_, v) => self.text(v.map_or("", Value::as_str)),
        }
    }

    fn int_or_string(&mut self, v: Option<&Value>) {
        let (kind, n, s) = match v {
            Some(Value::Str(s)) => (1, 0, s.as_str()),
            other => (0, other.and_then(Value::as_int).unwrap_or(0), ""),
        };
        self.text(&format!("{{Type:(intstr.Type){kind} IntVal:(int32){n} StrVal:(string){s}}}"));
    }

    fn quantity(&mut self, v: Option<&Value>) {
        let text = v.and_then(Quantity::of).map(|q| q.to_string()).unwrap_or_default();
        let (value, scale, format) = amount(&text);
        self.text(&format!(
            "{{i:(resource.int64Amount){{value:(int64){value} scale:(resource.Scale){scale}}} d:(resource.infDecAmount){{Dec:(*inf.Dec)<nil>}} s:(string){text} Format:(resource.Format){format}}}"
        ));
    }
}

/// A canonical quantity as upstream's parser keeps it: digits, power of ten, family.
fn amount(text: &str) -> (i64, i32, &'static str) {
    if text.is_empty() || text == "0" {
        return (0, 0, "");
    }
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let (digits, suffix) = text.split_at(split);
    let n: i64 = digits.parse().unwrap_or(0);
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter().position(|s| *s == suffix);
    if let Some(i) = binary {
        return (n.wrapping_shl(10 * (i as u32 + 1)), 0, "BinarySI");
    }
    let decimal = [("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
    match decimal.iter().find(|(s, _)| *s == suffix) {
        Some((_, scale)) => (n, *scale, "DecimalSI"),
        None if suffix.starts_with('e') => (n, suffix[1..].parse().unwrap_or(0), "DecimalExponent"),
        None => (n, 0, "DecimalSI"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Kind, Object, codec, defaults};

    fn template(kind: Kind, profile: Profile, text: &str) -> Value {
        let manifest: Value = serde_yaml::from_str(&format!("spec: {{template: {text}}}")).unwrap();
        let mut o = Object::from_value(kind, &codec::normalize(kind, &manifest, profile));
        defaults::apply(&mut o, profile);
        o.get(&["spec", "template"]).unwrap().clone()
    }

    /// Hashes that real clusters gave.
    #[test]
    fn template_hashes_as_recorded() {
        let nginx = |image: &str| {
            format!(
                "{{metadata: {{labels: {{app: nginx}}}}, spec: {{containers: [{{name: nginx, image: '{image}'}}]}}}}"
            )
        };
        let echo = "{metadata: {labels: {app: nginx}}, spec: {containers: [{name: echo-hname, image: sysnet4admin/echo-hname}]}}";
        let cases = [(nginx("nginx"), "6799fc88d8", "7f8fbb96d"), (echo.to_owned(), "56fd8fb86d", "766d6b4ddb")];
        for (text, book, modern) in cases {
            for (profile, want) in [(Profile::Book, book), (Profile::Modern, modern)] {
                let hash = pod_template_hash(&template(Kind::DEPLOYMENT, profile, &text), profile, None);
                assert_eq!(hash, want, "{text}");
            }
        }
    }

    #[test]
    fn revision_hashes_as_recorded() {
        let text = "{metadata: {labels: {app: sts-web}}, spec: {containers: [{name: nginx, image: nginx}]}}";
        for (profile, want) in [(Profile::Book, "575f6785d4"), (Profile::Modern, "6456f86b46")] {
            let mut template = template(Kind::STATEFUL_SET, profile, text);
            template.make_map().insert("$patch", "replace");
            let data = Value::from(map! { "spec" => map! { "template" => template } });
            // The StatefulSet controller counts collisions from zero, not from none.
            assert_eq!(revision_hash(&data, Some(0)), want);
        }
    }
}
