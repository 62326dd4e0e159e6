//! The two generations that the simulation knows.

use serde::{Deserialize, Serialize};

/// Which generation of Kubernetes and of machines is simulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Kubernetes 1.18.4 on CentOS 7 with docker 18.06; kubectl prints as 1.20.
    #[default]
    Book,
    /// A current Kubernetes on Rocky 9 with containerd; kubectl prints as 1.36.
    Modern,
}
