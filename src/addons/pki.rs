//! Certificates as files: no key material, but subject, issuer and times that can be read back. What
//! stands between the PEM lines is base64 of a few lines of text.
//! Models cmd/kubeadm/app/phases/certs.

use crate::base::{Duration, Str, Time, base64};
use crate::runtime::images::digest;

/// What a certificate says.
#[derive(Clone, PartialEq, Debug)]
pub struct Cert {
    pub name: Str,
    /// Empty: none.
    pub organization: Str,
    /// Name of the authority that signed it.
    pub issuer: Str,
    /// Serial number of that authority; a new cluster has a new one.
    pub authority: Str,
    pub serial: Str,
    pub from: Time,
    pub to: Time,
}

const YEAR: Duration = Duration::secs(365 * 86_400);

/// A cluster's authorities.
#[derive(Clone, Debug)]
pub struct Pki {
    /// What sets this cluster's keys apart from another's.
    pub nonce: Str,
    pub now: Time,
}

/// (file below /etc/kubernetes/pki, common name, organization, authority), in kubeadm's order.
/// Authorities sign themselves.
const FILES: [(&str, &str, &str, &str); 10] = [
    ("ca", "kubernetes", "", "ca"),
    ("apiserver", "kube-apiserver", "", "ca"),
    ("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "kubeadm:cluster-admins", "ca"),
    ("front-proxy-ca", "front-proxy-ca", "", "front-proxy-ca"),
    ("front-proxy-client", "front-proxy-client", "", "front-proxy-ca"),
    ("etcd/ca", "etcd-ca", "", "etcd/ca"),
    ("etcd/server", "{{name}}", "", "etcd/ca"),
    ("etcd/peer", "{{name}}", "", "etcd/ca"),
    ("etcd/healthcheck-client", "kube-etcd-healthcheck-client", "", "etcd/ca"),
    ("apiserver-etcd-client", "kube-apiserver-etcd-client", "", "etcd/ca"),
];

impl Pki {
    /// Name, certificate and key of every pair, in the order in which they are made.
    pub fn pairs(&self, node: &str) -> Vec<(&'static str, String, String)> {
        let pair = |(file, name, organization, authority): &(&'static str, &str, &str, &str)| {
            let cert = self.cert(&name.replace("{{name}}", node), organization, authority, file == authority);
            (*file, cert.pem(), key(&cert.serial))
        };
        FILES.iter().map(pair).collect()
    }

    /// PEM of the cluster's authority.
    pub fn authority(&self) -> String {
        self.cert("kubernetes", "", "ca", true).pem()
    }

    fn cert(&self, name: &str, organization: &str, authority: &str, own: bool) -> Cert {
        let issuer = match authority {
            "ca" => "kubernetes",
            "etcd/ca" => "etcd-ca",
            other => other,
        };
        let authority = self.serial(authority);
        let serial = if own { authority.clone() } else { self.serial(&format!("{name}/{organization}/{issuer}")) };
        let to = self.now + if own { Duration(YEAR.0 * 10) } else { YEAR };
        Cert {
            name: name.into(),
            organization: organization.into(),
            issuer: issuer.into(),
            authority,
            serial,
            from: self.now,
            to,
        }
    }
    fn serial(&self, what: &str) -> Str {
        digest(&format!("{what} {}", self.nonce))[..16].into()
    }

    /// A client certificate signed by the cluster's authority, and its key.
    pub fn client(&self, name: &str, organization: &str) -> (String, String) {
        let cert = self.cert(name, organization, "ca", false);
        (cert.pem(), key(&cert.serial))
    }
}

/// A client certificate signed with the authority of `ca`, as the controller manager signs them.
pub fn sign(ca: &Cert, name: &str, organization: &str, now: Time) -> Cert {
    let serial = Str::from(&digest(&format!("{name} {} {}", ca.serial, now.0))[..16]);
    let (issuer, authority) = (ca.name.clone(), ca.serial.clone());
    Cert { name: name.into(), organization: organization.into(), issuer, authority, serial, from: now, to: now + YEAR }
}

impl Cert {
    pub fn pem(&self) -> String {
        let Cert { name, organization, issuer, authority, serial, from, to } = self;
        let text =
            format!("{name}\n{organization}\n{issuer}\n{authority}\n{serial}\n{}\n{}\n", from.rfc3339(), to.rfc3339());
        wrap("CERTIFICATE", text.as_bytes())
    }

    /// Reads the first certificate of a file.
    pub fn parse(pem: &str) -> Option<Cert> {
        let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
        let (body, _) = rest.split_once("-----END")?;
        let body: String = body.split_whitespace().collect();
        let text = String::from_utf8(base64::decode(&body)?).ok()?;
        let mut lines = text.lines().map(Str::from);
        let mut next = || lines.next();
        Some(Cert {
            name: next()?,
            organization: next()?,
            issuer: next()?,
            authority: next()?,
            serial: next()?,
            from: Time::parse_rfc3339(&next()?)?,
            to: Time::parse_rfc3339(&next()?)?,
        })
    }

    /// The pin of its public key: `sha256:…`.
    pub fn pin(&self) -> Str {
        ecow::eco_format!("sha256:{}", digest(&self.serial))
    }
}

/// A request for a certificate with this subject.
pub fn request(name: &str, nonce: &str) -> String {
    wrap("CERTIFICATE REQUEST", format!("{name}\n{nonce}\n").as_bytes())
}

/// The subject of a certificate request.
pub fn subject_of_request(pem: &str) -> Option<Str> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE REQUEST-----")?;
    let body: String = rest.split_once("-----END")?.0.split_whitespace().collect();
    let text = String::from_utf8(base64::decode(&body)?).ok()?;
    text.lines().next().map(Str::from)
}

pub fn key(serial: &str) -> String {
    wrap("RSA PRIVATE KEY", digest(&format!("{serial} key")).as_bytes())
}
pub fn public_key(serial: &str) -> String {
    wrap("PUBLIC KEY", digest(&format!("{serial} public")).as_bytes())
}

fn wrap(what: &str, bytes: &[u8]) -> String {
    let body = base64::encode(bytes);
    let mut out = format!("-----BEGIN {what}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = tail;
    }
    out + &format!("-----END {what}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_back() {
        let pki = Pki { nonce: "n".into(), now: Time(5_000_000) };
        for (_, pem, _) in pki.pairs("m-k8s") {
            let cert = Cert::parse(&pem).unwrap();
            assert_eq!(cert.pem(), pem);
            assert!(cert.to > cert.from);
        }
        let ca = Cert::parse(&pki.pairs("m-k8s")[0].1).unwrap();
        assert_eq!(ca.serial, ca.authority);
        let other = Pki { nonce: "m".into(), now: Time(5_000_000) };
        assert_ne!(Cert::parse(&other.pairs("m-k8s")[0].1).unwrap().pin(), ca.pin());
        assert_eq!(Cert::parse("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"), None);
    }
}
