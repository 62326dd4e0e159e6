//! The one table of kinds: everything that depends only on which kind an object is of. Discovery,
//! REST paths, short names, etcd keys and categories read it; adding a kind is adding a row.

use std::collections::BTreeMap;
use std::sync::{OnceLock, RwLock};

use serde::{Deserialize, Serialize};

use super::Profile;
use crate::base::hash::Fnv;

/// A row of [`KINDS`], or a kind that a CustomResourceDefinition declares.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Kind(pub u32);

#[derive(Debug)]
pub struct KindInfo {
    /// `Deployment`
    pub kind: &'static str,
    /// API group; empty for the core group.
    pub group: &'static str,
    pub version: &'static str,
    /// `deployments`
    pub plural: &'static str,
    pub short: &'static [&'static str],
    pub namespaced: bool,
    /// Subresources that the API server serves for it.
    pub subresources: &'static [&'static str],
    /// Categories such as `all`.
    pub categories: &'static [&'static str],
}

macro_rules! kinds {
    ($($konst:ident: $kind:literal, $group:literal, $version:literal, $plural:literal, $short:expr, $namespaced:literal, $sub:expr, $cat:expr;)*) => {
        /// Every kind, in the order of their constants.
        pub static KINDS: &[KindInfo] = &[$(KindInfo {
            kind: $kind, group: $group, version: $version, plural: $plural, short: &$short,
            namespaced: $namespaced, subresources: &$sub, categories: &$cat,
        }),*];
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Index { $($konst),* }
        impl Kind { $(pub const $konst: Kind = Kind(Index::$konst as u32);)* }
    };
}

kinds! {
    POD: "Pod", "", "v1", "pods", ["po"], true, ["status", "log", "exec", "attach", "portforward", "binding", "eviction"], ["all"];
    NODE: "Node", "", "v1", "nodes", ["no"], false, ["status"], [];
    NAMESPACE: "Namespace", "", "v1", "namespaces", ["ns"], false, ["status", "finalize"], [];
    EVENT: "Event", "", "v1", "events", ["ev"], true, [], [];
    SERVICE: "Service", "", "v1", "services", ["svc"], true, ["status"], ["all"];
    ENDPOINTS: "Endpoints", "", "v1", "endpoints", ["ep"], true, [], [];
    ENDPOINT_SLICE: "EndpointSlice", "discovery.k8s.io", "v1", "endpointslices", [], true, [], [];
    CONFIG_MAP: "ConfigMap", "", "v1", "configmaps", ["cm"], true, [], [];
    SECRET: "Secret", "", "v1", "secrets", [], true, [], [];
    SERVICE_ACCOUNT: "ServiceAccount", "", "v1", "serviceaccounts", ["sa"], true, ["token"], [];
    PERSISTENT_VOLUME: "PersistentVolume", "", "v1", "persistentvolumes", ["pv"], false, ["status"], [];
    PERSISTENT_VOLUME_CLAIM: "PersistentVolumeClaim", "", "v1", "persistentvolumeclaims", ["pvc"], true, ["status"], [];
    REPLICATION_CONTROLLER: "ReplicationController", "", "v1", "replicationcontrollers", ["rc"], true, ["status", "scale"], ["all"];
    RESOURCE_QUOTA: "ResourceQuota", "", "v1", "resourcequotas", ["quota"], true, ["status"], [];
    LIMIT_RANGE: "LimitRange", "", "v1", "limitranges", ["limits"], true, [], [];
    DEPLOYMENT: "Deployment", "apps", "v1", "deployments", ["deploy"], true, ["status", "scale"], ["all"];
    REPLICA_SET: "ReplicaSet", "apps", "v1", "replicasets", ["rs"], true, ["status", "scale"], ["all"];
    DAEMON_SET: "DaemonSet", "apps", "v1", "daemonsets", ["ds"], true, ["status"], ["all"];
    STATEFUL_SET: "StatefulSet", "apps", "v1", "statefulsets", ["sts"], true, ["status", "scale"], ["all"];
    CONTROLLER_REVISION: "ControllerRevision", "apps", "v1", "controllerrevisions", [], true, [], [];
    JOB: "Job", "batch", "v1", "jobs", [], true, ["status"], ["all"];
    CRON_JOB: "CronJob", "batch", "v1", "cronjobs", ["cj"], true, ["status"], ["all"];
    HORIZONTAL_POD_AUTOSCALER: "HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers", ["hpa"], true, ["status"], ["all"];
    LEASE: "Lease", "coordination.k8s.io", "v1", "leases", [], true, [], [];
    PRIORITY_CLASS: "PriorityClass", "scheduling.k8s.io", "v1", "priorityclasses", ["pc"], false, [], [];
    STORAGE_CLASS: "StorageClass", "storage.k8s.io", "v1", "storageclasses", ["sc"], false, [], [];
    INGRESS: "Ingress", "networking.k8s.io", "v1", "ingresses", ["ing"], true, ["status"], [];
    NETWORK_POLICY: "NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies", ["netpol"], true, [], [];
    POD_DISRUPTION_BUDGET: "PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets", ["pdb"], true, ["status"], [];
    ROLE: "Role", "rbac.authorization.k8s.io", "v1", "roles", [], true, [], [];
    ROLE_BINDING: "RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings", [], true, [], [];
    CLUSTER_ROLE: "ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles", [], false, [], [];
    CLUSTER_ROLE_BINDING: "ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", [], false, [], [];
    FLOW_SCHEMA: "FlowSchema", "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", [], false, [], [];
    PRIORITY_LEVEL_CONFIGURATION: "PriorityLevelConfiguration", "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", [], false, [], [];
    API_SERVICE: "APIService", "apiregistration.k8s.io", "v1", "apiservices", [], false, [], [];
    CERTIFICATE_SIGNING_REQUEST: "CertificateSigningRequest", "certificates.k8s.io", "v1", "certificatesigningrequests", ["csr"], false, ["status", "approval"], [];
    CUSTOM_RESOURCE_DEFINITION: "CustomResourceDefinition", "apiextensions.k8s.io", "v1", "customresourcedefinitions", ["crd", "crds"], false, ["status"], [];
}

/// Custom kinds have this bit.
const CUSTOM: u32 = 1 << 31;

struct Custom {
    info: KindInfo,
    served: [&'static str; 1],
}

/// What the numbers of custom kinds stand for: nothing but a table of names, kept for good.
static CUSTOM_KINDS: RwLock<BTreeMap<u32, &'static Custom>> = RwLock::new(BTreeMap::new());

static UNKNOWN: KindInfo = KindInfo {
    kind: "Unknown",
    group: "",
    version: "v1",
    plural: "unknowns",
    short: &[],
    namespaced: true,
    subresources: &[],
    categories: &[],
};

fn custom(kind: Kind) -> Option<&'static Custom> {
    let all = CUSTOM_KINDS.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.get(&kind.0).copied()
}

impl Kind {
    pub fn info(self) -> &'static KindInfo {
        KINDS.get(self.0 as usize).unwrap_or_else(|| custom(self).map_or(&UNKNOWN, |c| &c.info))
    }
    /// The kind of custom objects that are stored so. Its number is a hash of what it is: the same
    /// in every world and process.
    pub fn custom(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Kind {
        let text = format!("{group}/{version}/{kind}/{plural}/{namespaced}");
        let hash = Fnv::of(text.as_bytes());
        let number = CUSTOM | (hash ^ hash >> 32) as u32;
        let mut all = CUSTOM_KINDS.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.entry(number).or_insert_with(|| {
            let leak = |text: &str| -> &'static str { Box::leak(text.into()) };
            let (group, version) = (leak(group), leak(version));
            let (kind, plural) = (leak(kind), leak(plural));
            let (short, subresources, categories) = (&[][..], &["status", "scale"][..], &[][..]);
            let info = KindInfo { kind, group, version, plural, short, namespaced, subresources, categories };
            let served = [joined(&info)];
            Box::leak(Box::new(Custom { info, served }))
        });
        Kind(number)
    }
    pub fn is_custom(self) -> bool {
        self.0 & CUSTOM != 0
    }
    /// Those of the table.
    pub fn all() -> impl Iterator<Item = Kind> {
        (0..KINDS.len() as u32).map(Kind)
    }
    /// `Deployment`
    pub fn name(self) -> &'static str {
        self.info().kind
    }
    /// `deployments`
    pub fn plural(self) -> &'static str {
        self.info().plural
    }
    pub fn namespaced(self) -> bool {
        self.info().namespaced
    }
    /// `apps/v1`, or `v1` in the core group.
    pub fn api_version(self) -> String {
        let i = self.info();
        if i.group.is_empty() { i.version.to_owned() } else { format!("{}/{}", i.group, i.version) }
    }
    /// `deployments.apps`, or `pods`: how Status messages and delete confirmations name it.
    pub fn group_resource(self) -> String {
        let i = self.info();
        if i.group.is_empty() { i.plural.to_owned() } else { format!("{}.{}", i.plural, i.group) }
    }
    /// `deployment.apps`, or `pod`: how kubectl prefixes a name.
    pub fn singular_group(self) -> String {
        let (i, lower) = (self.info(), self.info().kind.to_ascii_lowercase());
        if i.group.is_empty() { lower } else { format!("{lower}.{}", i.group) }
    }
    /// The apiVersions under which the server of `profile` serves the kind, the preferred one first.
    /// What an older one holds differently is [`super::convert`]'s.
    pub fn served(self, profile: Profile) -> &'static [&'static str] {
        match (self, profile) {
            (Kind::CRON_JOB, Profile::Book) => &["batch/v1beta1"],
            (Kind::HORIZONTAL_POD_AUTOSCALER, Profile::Book) => {
                &["autoscaling/v1", "autoscaling/v2beta1", "autoscaling/v2beta2"]
            }
            (Kind::HORIZONTAL_POD_AUTOSCALER, Profile::Modern) => &["autoscaling/v2", "autoscaling/v1"],
            (Kind::POD_DISRUPTION_BUDGET, Profile::Book) => &["policy/v1beta1"],
            (Kind::INGRESS, Profile::Book) => {
                &["networking.k8s.io/v1", "networking.k8s.io/v1beta1", "extensions/v1beta1"]
            }
            (Kind::API_SERVICE, Profile::Book) => &["apiregistration.k8s.io/v1", "apiregistration.k8s.io/v1beta1"],
            (Kind::CUSTOM_RESOURCE_DEFINITION, Profile::Book) => {
                &["apiextensions.k8s.io/v1", "apiextensions.k8s.io/v1beta1"]
            }
            (Kind::ENDPOINT_SLICE, Profile::Book) => &["discovery.k8s.io/v1beta1"],
            (Kind::FLOW_SCHEMA | Kind::PRIORITY_LEVEL_CONFIGURATION, Profile::Book) => {
                &["flowcontrol.apiserver.k8s.io/v1beta1"]
            }
            _ if self.is_custom() => custom(self).map_or(&[][..], |c| &c.served),
            _ => self.info().own_version(),
        }
    }
    /// The apiVersion that clients get unless they ask for another.
    pub fn api_version_in(self, profile: Profile) -> &'static str {
        self.served(profile).first().copied().unwrap_or_default()
    }
    /// The row whose manifest says `apiVersion` and `kind`, if the server of `profile` serves that.
    pub fn of_manifest_in(api_version: &str, kind: &str, profile: Profile) -> Option<Kind> {
        Kind::all().find(|k| k.info().kind == kind && k.served(profile).contains(&api_version))
    }
    /// The same for any profile.
    pub fn of_manifest(api_version: &str, kind: &str) -> Option<Kind> {
        let in_profile = |p| Kind::of_manifest_in(api_version, kind, p);
        in_profile(Profile::Modern).or_else(|| in_profile(Profile::Book))
    }
}

impl KindInfo {
    /// `group/version` of the row alone.
    fn own_version(&self) -> &'static [&'static str] {
        static ALL: OnceLock<Vec<[&'static str; 1]>> = OnceLock::new();
        let all = ALL.get_or_init(|| KINDS.iter().map(|i| [joined(i)]).collect());
        let at = KINDS.iter().position(|i| std::ptr::eq(i, self)).unwrap_or_default();
        &all[at]
    }
}

/// The text is made once for each kind and kept for good.
fn joined(info: &KindInfo) -> &'static str {
    if info.group.is_empty() { info.version } else { Box::leak(format!("{}/{}", info.group, info.version).into()) }
}
