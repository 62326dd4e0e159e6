//! The pages of the internet that the lab knows: manifests that course material applies by URL.

use super::manifests;
use crate::sim::Profile;

/// (how its path ends, text) of what raw.githubusercontent.com serves.
const MANIFESTS: [(&str, &str); 6] = [
    ("ingress-nginx/nginx-0.30.0/deploy/static/mandatory.yaml", include_str!("manifests/ingress-0.30.yaml")),
    ("/_Book_k8sInfra/main/ch3/3.3.2/ingress-nginx.yaml", include_str!("manifests/ingress-0.30.yaml")),
    (
        "ingress-nginx/nginx-0.30.0/deploy/static/provider/baremetal/service-nodeport.yaml",
        include_str!("manifests/ingress-0.30-nodeport.yaml"),
    ),
    (
        "ingress-nginx/controller-v1.14.1/deploy/static/provider/baremetal/deploy.yaml",
        include_str!("manifests/ingress-1.14.yaml"),
    ),
    ("metallb/v0.8.3/manifests/metallb.yaml", include_str!("manifests/metallb-0.8.yaml")),
    ("/_Book_k8sInfra/main/ch3/3.3.4/metallb.yaml", include_str!("manifests/metallb-0.8.yaml")),
];

/// The text at `url`; `None`: the lab does not reach it.
pub fn page(profile: Profile, url: &str) -> Option<String> {
    let path = url.strip_prefix("https://raw.githubusercontent.com/")?;
    if path.ends_with("/172.16_net_calico.yaml") || path.ends_with("/manifests/calico.yaml") {
        return Some(manifests::pod_network(profile).1);
    }
    MANIFESTS.iter().find(|(end, _)| path.ends_with(end)).map(|(_, text)| (*text).to_owned())
}
