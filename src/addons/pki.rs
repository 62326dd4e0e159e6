//! Certificates as files: no key material, but subject, issuer and times that can be read back. What
//! stands between the PEM lines is base64 of a few lines of text.
//! Models cmd/kubeadm/app/phases/certs.

use crate::base::hash::sha256;
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
    /// Names it is good for as a server, as openssl shows them: `DNS:kubernetes, IP Address:10.96.0.1`.
    pub names: Str,
    /// The public key.
    pub public: Str,
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
    /// Name, certificate and key of every pair (`names`: what a server's file is good for), in the order in which they are made.
    pub fn pairs(&self, node: &str, names: &dyn Fn(&str) -> Str) -> Vec<(&'static str, String, String)> {
        let pair = |(file, name, organization, authority): &(&'static str, &str, &str, &str)| {
            let mut cert = self.cert(&name.replace("{{name}}", node), organization, authority, file == authority);
            cert.names = names(file);
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
        let public = public_of(&private(&serial));
        let to = self.now + if own { Duration(YEAR.0 * 10) } else { YEAR };
        Cert {
            name: name.into(),
            organization: organization.into(),
            issuer: issuer.into(),
            authority,
            serial,
            from: self.now,
            to,
            names: Str::new(),
            public,
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
    let public = public_of(&private(&serial));
    let (issuer, authority) = (ca.name.clone(), ca.serial.clone());
    let (name, organization, to) = (name.into(), organization.into(), now + YEAR);
    Cert { name, organization, issuer, authority, serial, from: now, to, names: Str::new(), public }
}

impl Cert {
    pub fn pem(&self) -> String {
        let Cert { name, organization, issuer, authority, serial, from, to, names, public } = self;
        let (from, to) = (from.rfc3339(), to.rfc3339());
        let text =
            format!("{name}\n{organization}\n{issuer}\n{authority}\n{serial}\n{from}\n{to}\n{names}\n{public}\n");
        wrap("CERTIFICATE", text.as_bytes())
    }

    /// Reads the first certificate of a file.
    pub fn parse(pem: &str) -> Option<Cert> {
        let text = unwrap("CERTIFICATE", pem)?;
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
            names: next()?,
            public: next()?,
        })
    }

    /// The pin of its public key: `sha256:…`, as openssl reckons it from the file.
    pub fn pin(&self) -> Str {
        ecow::eco_format!("sha256:{}", hex(&sha256(self.public.as_bytes())))
    }

    /// Whether `ca` signed it.
    pub fn is_of(&self, ca: &Cert) -> bool {
        self.authority == ca.serial && self.issuer == ca.name
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What a certificate request asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct CertRequest {
    pub name: Str,
    pub organization: Str,
    pub public: Str,
}

impl CertRequest {
    pub fn pem(&self) -> String {
        let CertRequest { name, organization, public } = self;
        wrap("CERTIFICATE REQUEST", format!("{name}\n{organization}\n{public}\n").as_bytes())
    }
    pub fn parse(pem: &str) -> Option<CertRequest> {
        let text = unwrap("CERTIFICATE REQUEST", pem)?;
        let mut lines = text.lines().map(Str::from);
        Some(CertRequest { name: lines.next()?, organization: lines.next()?, public: lines.next()? })
    }
    /// The certificate that `ca` gives for it.
    pub fn sign(&self, ca: &Cert, now: Time, valid: Duration) -> Cert {
        let public = self.public.clone();
        Cert { to: now + valid, public, ..sign(ca, &self.name, &self.organization, now) }
    }
}

fn private(seed: &str) -> Str {
    digest(&format!("{seed} key"))
}
/// The public half of a private key.
pub fn public_of(private: &str) -> Str {
    digest(&format!("{private} public"))
}
pub fn key(seed: &str) -> String {
    wrap("RSA PRIVATE KEY", private(seed).as_bytes())
}
pub fn public_key(seed: &str) -> String {
    wrap("PUBLIC KEY", public_of(&private(seed)).as_bytes())
}

/// The text between the first such lines of a file.
pub fn unwrap(what: &str, pem: &str) -> Option<String> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {what}-----"))?;
    let body: String = rest.split_once("-----END")?.0.split_whitespace().collect();
    String::from_utf8(base64::decode(&body)?).ok()
}

pub fn wrap(what: &str, bytes: &[u8]) -> String {
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
        for (_, pem, _) in pki.pairs("m-k8s", &|_| Str::new()) {
            let cert = Cert::parse(&pem).unwrap();
            assert_eq!(cert.pem(), pem);
            assert!(cert.to > cert.from);
        }
        let ca = Cert::parse(&pki.pairs("m-k8s", &|_| Str::new())[0].1).unwrap();
        assert_eq!(ca.serial, ca.authority);
        let other = Pki { nonce: "m".into(), now: Time(5_000_000) };
        assert_ne!(Cert::parse(&other.pairs("m-k8s", &|_| Str::new())[0].1).unwrap().pin(), ca.pin());
        assert_eq!(Cert::parse("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"), None);
    }
}
