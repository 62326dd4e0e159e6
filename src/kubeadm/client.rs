//! What the verbs do through the machine: files, services, the API with a kubeconfig.

use super::{Cx, Fail, Run, fail};
use crate::addons::files::{self, Made};
use crate::addons::pki;
use crate::api::{Kind, Object, ObjectKey, Reason, Request, Response, Value};
use crate::base::{Duration, Str, base64};
use crate::sim::{Endpoint, Reply};
use std::sync::Arc;

/// A server and who asks.
#[derive(Clone, Debug)]
pub struct Client {
    pub server: Endpoint,
    /// A user's name, `bearer:TOKEN`, or empty.
    pub user: Str,
}

impl Client {
    /// Of a kubeconfig file.
    pub fn of(cx: &mut Cx<'_, '_>, path: &str) -> Run<Client> {
        let Ok(text) = cx.io.read_file(path)? else {
            return fail(format!("failed to load admin kubeconfig: open {path}: no such file or directory"));
        };
        let endpoint = files::line(&text, "server").and_then(|s| s.strip_prefix("https://")).unwrap_or_default();
        let Some(server) = endpoint_of(endpoint) else {
            return fail(format!("failed to create API client configuration from kubeconfig: {path} names no server"));
        };
        let pem = match files::line(&text, "client-certificate-data") {
            Some(data) => base64::decode(data).and_then(|b| String::from_utf8(b).ok()).unwrap_or_default(),
            None => match files::line(&text, "client-certificate") {
                Some(file) => cx.io.read_file(file)?.unwrap_or_default().to_string(),
                None => String::new(),
            },
        };
        let user = files::subject(&pem).or_else(|| files::line(&text, "user").map(Str::from)).unwrap_or_default();
        Ok(Client { server, user })
    }
    /// `https://192.168.1.10:6443`
    pub fn url(&self) -> String {
        format!("https://{}:{}", self.server.ip, self.server.port)
    }

    /// One request; `Err`: why there was no good answer, as client-go words it, and its reason.
    pub fn send(&self, cx: &mut Cx<'_, '_>, request: Request) -> Run<Result<Response, (Option<Reason>, String)>> {
        let (path, method) = (request.path(), request.verb.method());
        let timeout = if request.timeout == Duration::ZERO { Duration::secs(30) } else { request.timeout };
        let request = Request { user: self.user.clone(), user_agent: "kubeadm".into(), timeout, ..request };
        let reply = cx.io.request(&self.server, request)?;
        let method = format!("{}{}", &method[..1], method[1..].to_ascii_lowercase());
        let at = format!("{}:{}", self.server.ip, self.server.port);
        let url = format!("{method} \"{}{path}\"", self.url());
        Ok(match reply {
            Ok(Response::Error(status)) => Err((Some(status.reason), status.message.to_string())),
            Ok(response) => Ok(response),
            Err(e) => Err((None, format!("{url}: {}", e.told(&at)))),
        })
    }
    /// An object, or why not.
    pub fn get(&self, cx: &mut Cx<'_, '_>, key: &ObjectKey) -> Run<Result<Arc<Object>, (Option<Reason>, String)>> {
        Ok(match self.send(cx, Request::get(key))? {
            Ok(Response::Object(o)) => Ok(o),
            Ok(_) => Err((None, "unexpected answer".to_owned())),
            Err(e) => Err(e),
        })
    }
    /// Creates objects, or replaces those that exist.
    pub fn put_all(&self, cx: &mut Cx<'_, '_>, objects: Vec<Object>) -> Run {
        for object in objects {
            self.put(cx, object)?;
        }
        Ok(())
    }
    pub fn put(&self, cx: &mut Cx<'_, '_>, object: Object) -> Run {
        match self.send(cx, Request::create(object.clone()))? {
            Ok(_) => Ok(()),
            Err((Some(Reason::AlreadyExists), _)) => {
                let mut object = object;
                if object.kind() == Kind::SERVICE {
                    return Ok(()); // its address stays
                }
                object.resource_version = 0;
                match self.send(cx, Request::update(object))? {
                    Ok(_) => Ok(()),
                    Err((_, why)) => fail(why),
                }
            }
            Err((_, why)) => fail(why),
        }
    }
    /// Reads, changes and writes an object until nobody else changed it in between.
    pub fn change(&self, cx: &mut Cx<'_, '_>, key: &ObjectKey, change: impl Fn(&mut Object)) -> Run {
        for _ in 0..20 {
            match self.get(cx, key)? {
                Ok(object) => {
                    let mut object = (*object).clone();
                    change(&mut object);
                    match self.send(cx, Request::update(object))? {
                        Ok(_) => return Ok(()),
                        Err((Some(Reason::Conflict), _)) => {}
                        Err((_, why)) => return fail(why),
                    }
                }
                Err(_) => cx.io.sleep(Duration::millis(500))?,
            }
        }
        fail("timed out waiting for the condition")
    }
}

/// `192.168.1.10:6443`; names are looked up by the caller.
pub fn endpoint_of(text: &str) -> Option<Endpoint> {
    let (ip, port) = text.rsplit_once(':')?;
    Some(Endpoint { ip: ip.into(), port: port.parse().ok()? })
}

/// Writes a file and the folders above it.
pub fn put(cx: &mut Cx<'_, '_>, file: Made) -> Run {
    let Made { path, text, mode } = file;
    make_folder(cx, crate::machine::files::parent(&path))?;
    if let Err(why) = cx.io.write_file(&path, text)? {
        return fail(format!("open {path}: {}", why.to_ascii_lowercase()));
    }
    cx.io.call("chmod", map! { "path" => path, "mode" => u32::from(mode) }.into())?;
    Ok(())
}

pub fn put_all(cx: &mut Cx<'_, '_>, files: Vec<Made>) -> Run {
    files.into_iter().try_for_each(|file| put(cx, file))
}

fn make_folder(cx: &mut Cx<'_, '_>, path: &str) -> Run {
    if path == "/" || !cx.io.call("stat", path.into())?.is_null() {
        return Ok(());
    }
    make_folder(cx, crate::machine::files::parent(path))?;
    cx.io.call("make-dir", path.into())?;
    Ok(())
}

pub fn exists(cx: &mut Cx<'_, '_>, path: &str) -> Run<bool> {
    Ok(!cx.io.call("stat", path.into())?.is_null())
}

/// A service's state, as `systemctl is-active` prints it; empty where there is no such service.
pub fn unit(cx: &mut Cx<'_, '_>, name: &str) -> Run<Value> {
    Ok(cx.io.call("unit", name.into())?)
}

pub fn systemctl(cx: &mut Cx<'_, '_>, verb: &str, name: &str) -> Run<Str> {
    let why = cx.io.call("systemctl", map! { "verb" => verb, "unit" => name }.into())?;
    Ok(why.as_str().into())
}

/// Whether somebody accepts on a port of this machine.
pub fn accepts(cx: &mut Cx<'_, '_>, port: u32) -> Run<bool> {
    let all = cx.io.call("listeners", Value::Null)?;
    Ok(all.items().iter().any(|l| l.get("port").and_then(Value::as_int) == Some(i64::from(port))))
}

/// Waits until `port` accepts; how many micros it took, `None` after `limit`.
pub fn wait_port(cx: &mut Cx<'_, '_>, port: u32, limit: Duration) -> Run<Option<u64>> {
    let began = cx.io.now()?;
    loop {
        if accepts(cx, port)? {
            return Ok(Some(cx.io.now()?.since(began).0));
        }
        if cx.io.now()?.since(began) >= limit {
            return Ok(None);
        }
        cx.io.sleep(Duration::millis(500))?;
    }
}

/// Pulls an image through the machine's runtime, as long as that takes; why not.
pub fn pull(cx: &mut Cx<'_, '_>, image: &str) -> Run<Result<(), String>> {
    let found = cx.io.call("image-look", image.into())?;
    let why = found.str("error").to_owned();
    if !why.is_empty() {
        cx.io.sleep(Duration::millis(1_400))?;
        return Ok(Err(why));
    }
    let micros = found.get("micros").and_then(Value::as_int).unwrap_or(0);
    cx.io.sleep(Duration(micros.max(0).unsigned_abs()))?;
    cx.io.call("image-keep", image.into())?;
    Ok(Ok(()))
}

/// The API server answers at all.
pub fn healthy(cx: &mut Cx<'_, '_>, client: &Client) -> Run<bool> {
    let key = ObjectKey::new(Kind::NAMESPACE, "", "kube-system");
    let request = Request { timeout: Duration::secs(5), ..Request::get(&key) };
    let request = Request { user: client.user.clone(), user_agent: "kubeadm".into(), ..request };
    let reply: Reply = cx.io.request(&client.server, request)?;
    Ok(matches!(reply, Ok(Response::Object(_))))
}

/// The pin of the cluster's authority, read from a file or from a kubeconfig's data.
pub fn pin(pem: &str) -> Option<Str> {
    pki::Cert::parse(pem).map(|c| c.pin())
}

/// Data of a ConfigMap.
pub fn config_map(cx: &mut Cx<'_, '_>, client: &Client, namespace: &str, name: &str) -> Run<Arc<Object>> {
    let key = ObjectKey::new(Kind::CONFIG_MAP, namespace, name);
    match client.get(cx, &key)? {
        Ok(map) => Ok(map),
        Err((_, why)) => Err(Fail::Error(why)),
    }
}
