//! What a verb runs with: its flags and arguments, its machine, and the API server behind it.

use super::error::{Error, Fail, Run};
use super::flags::Flags;
use super::kubeconfig::{self, Target};
use super::verbose;
use crate::api::request::{FieldValidation, PatchType};
use crate::api::{Kind, Map, Object, ObjectKey, Request, Response, Status, Value, Verb, codec};
use crate::base::{Duration, Str, Time};
use crate::machine::program::Io;
use crate::sim::{Endpoint, NetError, Profile};
use std::sync::Arc;

pub struct Cx<'a, 'i> {
    pub io: &'a mut Io<'i>,
    pub profile: Profile,
    /// `kubectl create deployment`
    pub path: String,
    pub flags: Flags,
    pub args: Vec<Str>,
    /// Number of arguments before `--`.
    pub dash: Option<usize>,
    /// The whole command line, for `--record`.
    pub line: Vec<Str>,
    pub target: Option<Target>,
    /// Whether this run has reached the server and cached its discovery.
    pub discovered: bool,
    /// Whether it was said that a short name has two meanings.
    pub warned: bool,
    /// The last refusal and what it was about, for the log.
    pub refused: Option<(Status, ObjectKey)>,
    /// Requests stay out of the log.
    pub unlogged: bool,
    /// Whether the schema for the check of manifests was fetched.
    pub schema: bool,
    /// YAML documents printed so far: `---` goes between them.
    pub documents: usize,
}

/// A list with the revision it was read at.
pub struct Listed {
    pub items: Vec<Arc<Object>>,
    pub revision: u64,
}

impl Cx<'_, '_> {
    pub fn modern(&self) -> bool {
        self.profile == Profile::Modern
    }
    /// One of two texts by profile.
    pub fn by<'t>(&self, book: &'t str, modern: &'t str) -> &'t str {
        if self.modern() { modern } else { book }
    }
    pub fn arg(&self, i: usize) -> &str {
        self.args.get(i).map_or("", Str::as_str)
    }
    /// The environment variable; empty where it is unset.
    pub fn env(&mut self, name: &str) -> Run<Str> {
        Ok(self.io.call("env", Value::from(name))?.as_str().into())
    }
    pub fn home(&mut self) -> Run<Str> {
        let home = self.env("HOME")?;
        Ok(if home.is_empty() { "/root".into() } else { home })
    }
    pub fn now(&mut self) -> Run<Time> {
        Ok(self.io.now()?)
    }
    /// Fails with the message and where to find help, as `UsageErrorf`.
    pub fn usage<T>(&self, message: impl AsRef<str>) -> Run<T> {
        let text = format!("{}\nSee '{} -h' for help and examples", message.as_ref(), self.path);
        Err(Fail::Error(Error::Text(text)))
    }

    /// Begins a new round of an endless loop: only `state` goes over, and the round's first effect is
    /// all that may come before it is read.
    pub fn checkpoint(&mut self, mut state: Map) {
        state.insert("profile", self.by("book", "modern"));
        self.io.checkpoint(Value::Map(state));
    }

    pub fn target(&mut self) -> Run<Target> {
        if self.target.is_none() {
            self.target = Some(kubeconfig::target(self)?);
        }
        self.target.clone().ok_or(Fail::Error(Error::Exit(1)))
    }
    /// The namespace commands act in.
    pub fn namespace(&mut self) -> Run<Str> {
        Ok(self.target()?.namespace)
    }
    /// The namespace for an object of `kind`: none for kinds outside namespaces.
    pub fn namespace_of(&mut self, kind: Kind) -> Run<Str> {
        if kind.namespaced() { self.namespace() } else { Ok(Str::new()) }
    }

    fn endpoint(&mut self) -> Run<(Endpoint, Target)> {
        let target = self.target()?;
        Ok((Endpoint { ip: target.ip.clone(), port: target.port }, target))
    }
    fn signed(&self, request: &mut Request, target: &Target) -> Run {
        request.user = target.user.clone();
        request.impersonator = target.acting_for.clone();
        if !target.acting_for.is_empty() {
            request.groups = self.flags.all("as-group").to_vec();
        }
        request.user_agent = "kubectl".into();
        if request.timeout == Duration::ZERO {
            request.timeout = self.request_timeout()?;
        }
        Ok(())
    }
    fn request_timeout(&self) -> Run<Duration> {
        let text = self.flags.text("request-timeout");
        if let Ok(seconds) = text.parse::<u64>() {
            return Ok(Duration::secs(seconds));
        }
        match super::flags::parse_duration(text) {
            Ok(micros) => Ok(Duration(micros.max(0).unsigned_abs())),
            Err(_) if text.is_empty() => Ok(Duration::ZERO),
            Err(_) => super::error::fail(
                "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)",
            ),
        }
    }

    /// Sends one request; a refusal by the server is a `Fail`.
    pub fn send(&mut self, mut request: Request) -> Run<Response> {
        let (endpoint, target) = self.endpoint()?;
        self.signed(&mut request, &target)?;
        let level = self.flags.int("v");
        let shown = (level >= 6 && !self.unlogged).then(|| request.clone());
        let started = if shown.is_some() { self.now()? } else { Time::ZERO };
        let warnings = self.warnings(&request);
        let about = ObjectKey::new(request.kind, request.namespace.clone(), request.name.clone());
        let reply = self.io.request(&endpoint, request)?;
        if let Some(request) = shown {
            verbose::exchange(self, &target, &request, started, &reply)?;
        }
        match reply {
            Ok(Response::Error(status)) => {
                if level >= 4 {
                    self.refused = Some((*status.clone(), about.clone()));
                }
                self.remember_discovery(&target)?;
                Err(Fail::Error(Error::Status(status)))
            }
            Ok(response) => {
                self.remember_discovery(&target)?;
                for warning in warnings {
                    self.io.errln(format!("Warning: {warning}"));
                }
                Ok(response)
            }
            Err(error) => {
                self.discovery_failed(&target, error)?;
                Err(Fail::Error(Error::Net(error, target.host)))
            }
        }
    }
    /// What the server says of itself at a path.
    pub fn url(&mut self, url: &str) -> Run<Str> {
        match self.send(Request::url(url))? {
            Response::Text(text) => Ok(text),
            _ => Ok(Str::new()),
        }
    }
    fn discovery_cache(&mut self, target: &Target) -> Run<String> {
        let folder = target.host.replace(":", "_");
        Ok(format!("{}/.kube/cache/discovery/{folder}/servergroups.json", self.home()?))
    }
    /// Keeps what the server offers, so that later commands need not ask.
    fn remember_discovery(&mut self, target: &Target) -> Run {
        if self.discovered || !self.modern() {
            return Ok(());
        }
        self.discovered = true;
        let path = self.discovery_cache(target)?;
        if self.io.read_file(&path)?.is_err() {
            let text = "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":null}";
            let _ = self.io.write_file(&path, text)?;
        }
        Ok(())
    }
    /// 1.36 logs each try to learn what the server offers.
    fn discovery_failed(&mut self, target: &Target, error: NetError) -> Run {
        if self.discovered || !self.modern() || error != NetError::Refused {
            return Ok(());
        }
        self.discovered = true;
        let path = self.discovery_cache(target)?;
        if self.io.read_file(&path)?.is_ok() {
            return Ok(());
        }
        let url = format!("{}/api?timeout=32s", target.server);
        let text = format!(
            "\"Unhandled Error\" err=\"couldn't get current server API group list: Get \\\"{url}\\\": dial tcp {}: connect: connection refused\"",
            target.host
        );
        for _ in 0..5 {
            let line = verbose::klog(self, 'E', "memcache.go:265", &text)?;
            self.io.errln(line);
        }
        Ok(())
    }
    /// What the server warns of when it answers this request.
    fn warnings(&self, request: &Request) -> Vec<Str> {
        let mut out: Vec<Str> = super::discovery::deprecation(self.profile, request.kind, request.verb)
            .map(Str::from)
            .into_iter()
            .collect();
        if let (Verb::Create | Verb::Update, FieldValidation::Warn, Some(body)) =
            (request.verb, request.field_validation, &request.body)
            && let Ok((_, found)) = codec::decode(request.kind, body, self.profile, FieldValidation::Warn)
        {
            out.extend(found);
        }
        out
    }
    /// Opens a watch.
    pub fn open_watch(&mut self, mut request: Request) -> Run {
        let (endpoint, target) = self.endpoint()?;
        request.verb = Verb::Watch;
        self.signed(&mut request, &target)?;
        let shown = (self.flags.int("v") >= 6).then(|| request.clone());
        let started = if shown.is_some() { self.now()? } else { Time::ZERO };
        let reply = self.io.watch(&endpoint, request)?;
        if let Some(request) = shown {
            verbose::exchange(self, &target, &request, started, &reply)?;
        }
        match reply {
            Ok(Response::Error(status)) => Err(Fail::Error(Error::Status(status))),
            Ok(_) => Ok(()),
            Err(error) => Err(Fail::Error(Error::Net(error, target.host))),
        }
    }

    pub fn get(&mut self, key: &ObjectKey) -> Run<Arc<Object>> {
        self.send_object(Request::get(key))
    }
    /// `None` where there is no such object.
    pub fn find(&mut self, key: &ObjectKey) -> Run<Option<Arc<Object>>> {
        match self.get(key) {
            Ok(object) => Ok(Some(object)),
            Err(Fail::Error(e)) if e.not_found() => Ok(None),
            Err(e) => Err(e),
        }
    }
    /// A list, fetched in chunks where the request has a limit.
    pub fn list(&mut self, mut request: Request) -> Run<Listed> {
        let mut all = Listed { items: Vec::new(), revision: 0 };
        while let Response::List { items, resource_version, continue_token, .. } = self.send(request.clone())? {
            all.items.extend(items);
            all.revision = resource_version;
            if continue_token.is_empty() {
                break;
            }
            request.continue_token = continue_token;
        }
        Ok(all)
    }
    pub fn list_all(&mut self, kind: Kind, namespace: &str) -> Run<Vec<Arc<Object>>> {
        Ok(self.list(Request::list(kind, namespace))?.items)
    }
    /// Sends a request whose answer is an object.
    pub fn send_object(&mut self, request: Request) -> Run<Arc<Object>> {
        let key = ObjectKey::new(request.kind, request.namespace.clone(), request.name.clone());
        match self.send(request)? {
            Response::Object(object) => Ok(object),
            _ => Err(Status::not_found(&key).into()),
        }
    }
    /// A write request with what every write of this command carries.
    pub fn write(&self, mut request: Request, manager: &str) -> Request {
        // Without one the server takes the client's name.
        request.field_manager = match self.flags.text("field-manager") {
            "" => manager.into(),
            given => given.into(),
        };
        // Custom objects have no strategic merge; `patch` alone asks for it all the same.
        if request.kind.is_custom() && request.patch == PatchType::StrategicMerge && manager != "kubectl-patch" {
            request.patch = PatchType::Merge;
        }
        request.dry_run = self.dry_run() == DryRun::Server;
        request.field_validation = if self.modern() { self.field_validation() } else { FieldValidation::Ignore };
        request
    }
    fn field_validation(&self) -> FieldValidation {
        match self.flags.text("validate") {
            "false" | "ignore" => FieldValidation::Ignore,
            "warn" => FieldValidation::Warn,
            _ if self.flags.has("validate") => FieldValidation::Strict,
            _ => FieldValidation::Ignore,
        }
    }

    pub fn dry_run(&self) -> DryRun {
        match self.flags.text("dry-run") {
            "client" | "unchanged" => DryRun::Client,
            "server" => DryRun::Server,
            other if super::flags::parse_bool(other) == Some(true) => DryRun::Client,
            _ => DryRun::No,
        }
    }
    /// Checks `--dry-run` and says what is deprecated about its bare form.
    pub fn check_dry_run(&mut self) -> Run {
        match self.flags.text("dry-run") {
            "" | "none" | "client" | "server" => Ok(()),
            "unchanged" => {
                let note = "--dry-run is deprecated and can be replaced with --dry-run=client.";
                self.warn_log("helpers.go:553", note)
            }
            other if let Some(on) = super::flags::parse_bool(other) => {
                let instead = if on { "client" } else { "none" };
                let note = format!(
                    "--dry-run={other} is deprecated (boolean value) and can be replaced with --dry-run={instead}."
                );
                self.warn_log("helpers.go:545", &note)
            }
            other => super::error::fail(format!(
                "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
            )),
        }
    }
    /// A klog line to standard error.
    pub fn warn_log(&mut self, place: &str, text: &str) -> Run {
        let line = verbose::klog(self, 'W', place, text)?;
        self.io.errln(line);
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DryRun {
    No,
    Client,
    Server,
}

impl DryRun {
    /// What confirmations end in.
    pub fn suffix(self) -> &'static str {
        match self {
            DryRun::No => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        }
    }
}
