//! The kubeconfig file: which server, as whom, in which namespace.
//! Models client-go/tools/clientcmd. Where an entry holds no certificate that can be read, its name
//! stands for the user.

use super::context::Cx;
use super::error::{Error, Fail, Run, fail_raw};
use crate::addons::pki::Cert;
use crate::api::Value;
use crate::base::{Str, base64};

/// The file as it is, and where it is.
pub struct Kubeconfig {
    pub path: String,
    pub root: Value,
    /// Whether the file exists.
    pub found: bool,
}

/// Where requests go and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    /// `https://192.168.1.10:6443`
    pub server: Str,
    /// `192.168.1.10:6443`
    pub host: Str,
    pub ip: Str,
    pub port: u16,
    pub user: Str,
    /// Whose credentials they are, where it acts as another (`--as`).
    pub acting_for: Str,
    pub namespace: Str,
}

pub fn load(cx: &mut Cx<'_, '_>) -> Run<Kubeconfig> {
    let explicit = cx.flags.text("kubeconfig").to_owned();
    let (path, must_exist) = if !explicit.is_empty() {
        (explicit, true)
    } else {
        let env = cx.env("KUBECONFIG")?;
        // Of a list only the first file is used.
        let first = env.split(':').find(|p| !p.is_empty()).unwrap_or("").to_owned();
        if first.is_empty() { (format!("{}/.kube/config", cx.home()?), false) } else { (first, false) }
    };
    match cx.io.read_file(&path)? {
        Ok(text) => {
            let root: Value = match serde_yaml::from_str(&text) {
                Ok(value) => value,
                Err(_) => {
                    let why = super::yaml_error::go_words(&text).unwrap_or_default();
                    return fail_raw(format!("error: error loading config file \"{path}\": {why}"));
                }
            };
            let (version, kind) = (root.str("apiVersion"), root.str("kind"));
            if !kind.is_empty() && (kind != "Config" || version != "v1") {
                return fail_raw(format!(
                    "error: error loading config file \"{path}\": no kind \"{kind}\" is registered for version \"{version}\" in scheme \"k8s.io/client-go/tools/clientcmd/api/latest/latest.go:50\""
                ));
            }
            if matches!(root, Value::Str(_)) {
                return fail_raw(format!(
                    "error: error loading config file \"{path}\": couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
                ));
            }
            Ok(Kubeconfig { path, root, found: true })
        }
        // `config` begins a file that is not there.
        Err(why) if must_exist && !cx.path.starts_with("kubectl config") => {
            super::error::fail(format!("stat {path}: {}", lower_first(&why)))
        }
        Err(why) if why.contains("Permission") => {
            super::error::fail(format!("error loading config file \"{path}\": open {path}: permission denied"))
        }
        Err(_) => Ok(Kubeconfig { path, root: Value::default(), found: false }),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_ascii_lowercase().to_string() + chars.as_str()).unwrap_or_default()
}

impl Kubeconfig {
    /// The entry `name` of `clusters`, `contexts` or `users`.
    pub fn entry(&self, list: &str, name: &str) -> Option<&Value> {
        let all = self.root.get(list).map_or(&[][..], Value::items);
        all.iter().find(|e| e.str("name") == name)
    }
    pub fn current_context(&self) -> &str {
        self.root.str("current-context")
    }
    /// `namespace` of the context in use.
    fn context_namespace(&self, context: &str) -> &str {
        self.entry("contexts", context).and_then(|c| c.get("context")).map_or("", |c| c.str("namespace"))
    }
}

/// Applies the flags to the file.
pub fn target(cx: &mut Cx<'_, '_>) -> Run<Target> {
    let config = load(cx)?;
    if config.found {
        super::verbose::config_loaded(cx, &config.path)?;
    }
    let flags = &cx.flags;
    let asked = flags.text("context");
    let context = if asked.is_empty() { config.current_context() } else { asked };
    let entry = config.entry("contexts", context).and_then(|c| c.get("context"));
    if entry.is_none() && !context.is_empty() {
        return fail_raw(format!("Error in configuration: context was not found for specified context: {context}"));
    }
    let pick = |flag: &str, field: &str| {
        let given = flags.global(flag);
        if given.is_empty() { entry.map_or("", |e| e.str(field)).to_owned() } else { given.to_owned() }
    };
    let (cluster, user) = (pick("cluster", "cluster"), pick("user", "user"));
    let cluster_entry = config.entry("clusters", &cluster).and_then(|c| c.get("cluster"));
    if cluster_entry.is_none() && !cluster.is_empty() && flags.text("server").is_empty() {
        return fail_raw(format!("error: no server found for cluster \"{cluster}\""));
    }
    let user_entry = config.entry("users", &user).and_then(|u| u.get("user"));
    if user_entry.is_none() && !flags.global("user").is_empty() {
        return fail_raw(format!("error: auth info \"{user}\" does not exist"));
    }
    let mut server = flags.text("server").to_owned();
    if server.is_empty() {
        server = cluster_entry.map_or("", |c| c.str("server")).to_owned();
    }
    if server.is_empty() {
        server = "http://localhost:8080".to_owned();
    }
    let mut namespace = flags.text("namespace").to_owned();
    if namespace.is_empty() {
        namespace = config.context_namespace(context).to_owned();
    }
    if namespace.is_empty() {
        namespace = "default".to_owned();
    }
    // Without a credential the request is anonymous.
    let has_credential = user_entry.and_then(Value::as_map).is_some_and(|u| !u.is_empty());
    let acting = flags.text("as").to_owned();
    let own = match user_entry.filter(|_| has_credential) {
        Some(entry) => credential(cx, &config.path, &user, entry)?.unwrap_or(user),
        None => String::new(),
    };
    let (user, acting_for) = match acting.as_str() {
        "" => (own, String::new()),
        other if own.is_empty() => (other.to_owned(), "system:anonymous".to_owned()),
        other => (other.to_owned(), own),
    };
    parse_server(&server).map(|(host, ip, port)| Target {
        server: server.as_str().into(),
        host,
        ip,
        port,
        user: user.into(),
        acting_for: acting_for.into(),
        namespace: namespace.into(),
    })
}

/// The certificate that a user's entry shows.
fn credential(cx: &mut Cx<'_, '_>, config: &str, user: &str, entry: &Value) -> Run<Option<String>> {
    let data = entry.str("client-certificate-data");
    let pem = if data.is_empty() {
        let file = entry.str("client-certificate");
        if file.is_empty() {
            return Ok(None);
        }
        // Paths are relative to the file that names them.
        let folder = config.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = if file.starts_with('/') { file.to_owned() } else { format!("{folder}/{file}") };
        match cx.io.read_file(&path)? {
            Ok(pem) => pem.to_string(),
            Err(why) => {
                return fail_raw(format!(
                    "Error in configuration: unable to read client-cert {path} for {user} due to open {path}: {}",
                    lower_first(&why)
                ));
            }
        }
    } else {
        base64::decode(data).and_then(|b| String::from_utf8(b).ok()).unwrap_or_default()
    };
    Ok(Cert::parse(&pem).map(|_| format!("x509:{pem}")))
}

/// (`host:port`, address, port) of a server URL.
fn parse_server(server: &str) -> Run<(Str, Str, u16)> {
    let (secure, rest) = match server.split_once("://") {
        Some((scheme, rest)) => (scheme == "https", rest),
        None => (false, server),
    };
    let authority = rest.split('/').next().unwrap_or("");
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) => match port.parse() {
            Ok(port) => (name, port),
            Err(_) => {
                let why = format!("parse \"{server}\": invalid port \":{port}\" after host");
                return Err(Fail::Error(Error::Text(why)));
            }
        },
        None => (authority, if secure { 443 } else { 80 }),
    };
    let ip = if name == "localhost" { "127.0.0.1" } else { name };
    Ok((authority.into(), ip.into(), port))
}
