//! Fields that kubeadm's documents have: what is in none of them is told and dropped.
//! Models cmd/kubeadm/app/util/config/strict and the v1beta2 to v1beta4 types.

use super::{Cx, Run, fail};
use crate::api::Value;

/// A place in a document, and the names known there. `*`: whatever stands there is left alone.
const FIELDS: [(&str, &str); 10] = [
    (
        "InitConfiguration",
        "apiVersion kind bootstrapTokens dryRun nodeRegistration localAPIEndpoint certificateKey skipPhases patches timeouts",
    ),
    (
        "ClusterConfiguration",
        "apiVersion kind etcd networking kubernetesVersion controlPlaneEndpoint apiServer controllerManager scheduler dns proxy certificatesDir imageRepository featureGates clusterName encryptionAlgorithm certificateValidityPeriod caCertificateValidityPeriod useHyperKubeImage",
    ),
    (
        "JoinConfiguration",
        "apiVersion kind dryRun nodeRegistration caCertPath discovery controlPlane skipPhases patches timeouts",
    ),
    ("localAPIEndpoint", "advertiseAddress bindPort"),
    (
        "nodeRegistration",
        "name criSocket taints kubeletExtraArgs ignorePreflightErrors imagePullPolicy imagePullSerial",
    ),
    ("networking", "serviceSubnet podSubnet dnsDomain"),
    ("discovery", "bootstrapToken file tlsBootstrapToken timeout"),
    ("bootstrapToken", "token apiServerEndpoint caCertHashes unsafeSkipCAVerification"),
    ("file", "kubeConfigPath"),
    ("controlPlane", "localAPIEndpoint certificateKey"),
];

/// Paths of fields that do not exist, in the document's order.
fn unknown(place: &str, value: &Value, prefix: &str, out: &mut Vec<String>) {
    let (Some((_, known)), Value::Map(map)) = (FIELDS.iter().find(|(p, _)| *p == place), value) else { return };
    for (key, value) in map.iter() {
        let path = if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
        if known.split(' ').any(|k| k == key.as_str()) {
            unknown(key, value, &path, out);
        } else {
            out.push(path);
        }
    }
}

/// Warns of unknown fields, refuses wrong types. `version`: `v1beta4`.
pub fn check(cx: &mut Cx<'_, '_>, version: &str, kind: &str, doc: &Value) -> Run {
    let mut strange = Vec::new();
    unknown(kind, doc, "", &mut strange);
    if !strange.is_empty() {
        let list: Vec<String> = strange.iter().map(|f| format!("unknown field {f:?}")).collect();
        let (how, list) = match cx.minor() {
            0..22 => ("error unmarshaling JSON: while decoding JSON: json: ", list[0].clone()),
            _ => ("strict decoding error: ", list.join(", ")),
        };
        let what = format!(
            "error unmarshaling configuration schema.GroupVersionKind{{Group:\"kubeadm.k8s.io\", Version:{version:?}, Kind:{kind:?}}}: {how}{list}"
        );
        cx.klog('W', if cx.minor() < 22 { "strict.go:54" } else { "strict.go:55" }, &what)?;
    }
    let args = doc.at(&["nodeRegistration", "kubeletExtraArgs"]);
    let (is, wanted) = match (args, version) {
        (Some(Value::Map(_)), "v1beta4") => ("object", "[]v1beta4.Arg"),
        (Some(Value::List(_)), "v1beta2" | "v1beta3") => ("array", "map[string]string"),
        _ => return Ok(()),
    };
    fail(format!(
        "json: cannot unmarshal {is} into Go struct field NodeRegistrationOptions.nodeRegistration.kubeletExtraArgs of type {wanted}"
    ))
}
