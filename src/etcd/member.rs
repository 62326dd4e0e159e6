//! The etcd process: opens its data folder, listens, and takes part in elections.
//! Models server/etcdserver and raft: heartbeats every 100 ms, election timeouts of 1 to 2 s, a vote
//! before the vote, a leader that steps down without a majority.

use std::sync::Arc;

use super::raft::{Ballot, Kind, Member, Message, member_id};
use super::{EtcdData, PEER_PORT, PORT, Snapshot};
use crate::base::arrange::Arrange;
use crate::base::persistent::{OrdMap, OrdSet};
use crate::base::{Duration, Str, Time};
use crate::component_boilerplate;
use crate::runtime::Container;
use crate::sim::component::Target;
use crate::sim::{Component, Ctx, Event, Msg, TraceId, What, World};

const HEARTBEAT: Duration = Duration::millis(100);
/// `--election-timeout`; each member waits up to twice as long.
const ELECTION: Duration = Duration::secs(1);

const TIMER_ELECTION: u16 = 1;
const TIMER_HEARTBEAT: u16 = 2;
/// `--data-dir` where nothing else is said.
const FOLDER: &str = "/var/lib/etcd";
/// Topic of messages between members.
const PEER: &str = "raft";
/// Topic by which a member's process hears that its cluster was changed.
const CHANGED: &str = "members";
/// Topic by which a leader asks another to lead.
const LEAD: &str = "lead";

/// What the command line says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    pub name: Str,
    /// Of `--initial-cluster`: names and addresses.
    pub peers: Vec<(Str, Str)>,
    /// `--initial-cluster-state=existing`
    pub existing: bool,
    /// The data folder as the machine has it.
    pub folder: Str,
}

impl Flags {
    /// Of a container that runs etcd: its arguments, and where its data folder lies on the machine.
    pub fn of(container: &Container) -> Flags {
        let flag = |name: &str| {
            let text = container.args.iter().find_map(|a| a.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('='));
            Str::from(text.unwrap_or_default())
        };
        let inside = flag("data-dir");
        let mount = container.mounts.iter().find(|(at, _)| *at == inside);
        let peer = |one: &str| {
            let (name, url) = one.split_once('=')?;
            Some((name.into(), host_of(url).into()))
        };
        Flags {
            name: flag("name"),
            peers: flag("initial-cluster").split(',').filter_map(peer).collect(),
            existing: flag("initial-cluster-state") == "existing",
            folder: mount.map_or(inside.clone(), |(_, on)| on.clone()),
        }
    }
}

/// `192.168.1.10` of `https://192.168.1.10:2380`.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split([':', '/']).next().unwrap_or(rest)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Follower,
    /// Asks whether a vote would be worth it.
    PreCandidate,
    Candidate,
    Leader,
}

#[derive(Clone, Debug)]
pub struct Etcd {
    flags: Flags,
    role: Role,
    /// Who leads this term; 0: unknown.
    leader: u64,
    /// When the leader was last heard of.
    heard: Time,
    /// How long this member waits for a leader before it stands itself.
    patience: Duration,
    granted: OrdSet<u64>,
    /// Leader: when each other member last answered.
    alive: OrdMap<u64, Time>,
    /// Numbers the timers, so that old ones are known.
    round: u32,
}

impl Etcd {
    pub fn new(flags: Flags) -> Etcd {
        Etcd {
            flags,
            role: Role::Follower,
            leader: 0,
            heard: Time::ZERO,
            patience: ELECTION,
            granted: OrdSet::new(),
            alive: OrdMap::new(),
            round: 0,
        }
    }
    pub fn is_leader(&self) -> bool {
        self.role == Role::Leader
    }
    /// Id of the leader it knows; 0: none.
    pub fn leader(&self) -> u64 {
        self.leader
    }

    fn ballot<'c>(&self, ctx: &'c Ctx<'_>) -> Option<&'c Ballot> {
        Some(&ctx.host().etcd_data.as_ref()?.ballot)
    }
    fn change(&self, ctx: &mut Ctx<'_>, f: impl FnOnce(&mut Ballot)) {
        if let Some(data) = &mut ctx.host_mut().etcd_data {
            f(&mut data.ballot);
        }
    }

    /// Opens the data folder: what it holds, a restored snapshot, or nothing yet.
    fn open(&mut self, ctx: &mut Ctx<'_>) {
        if self.flags.folder.is_empty() {
            self.flags.folder = FOLDER.into();
        }
        let db = ecow::eco_format!("{}/member/snap/db", self.flags.folder);
        let now = ctx.now();
        let mine = ecow::eco_format!("bbolt {}.{}", ctx.me.0, now.0);
        let host = ctx.host_mut();
        let text = host.read(&db).cloned();
        let live = host.etcd_data.as_ref().map(|d| d.folder.clone());
        if text.is_none() || text.as_deref() != live.as_deref() {
            if let Some(data) = host.etcd_data.take() {
                host.etcd_kept.insert(data.folder.clone(), data);
            }
            let kept = text.as_ref().and_then(|t| host.etcd_kept.remove(&Str::from(t.as_str())));
            let restored = || Snapshot::parse(text.as_deref()?).map(Snapshot::data);
            let mut data = kept.or_else(restored).unwrap_or_default();
            if data.folder.is_empty() {
                data.folder = mine.clone();
                host.write(&db, mine, now);
            }
            host.etcd_data = Some(data);
        }
        let name = if self.flags.name.is_empty() { host.name.clone() } else { self.flags.name.clone() };
        let mut peers = self.flags.peers.clone();
        if peers.is_empty() {
            peers.push((name.clone(), host.ip.clone()));
        }
        let ip = peers.iter().find(|(n, _)| *n == name).map_or(host.ip.clone(), |(_, ip)| ip.clone());
        let existing = self.flags.existing;
        self.change(ctx, |b| {
            if b.id == 0 {
                b.id = member_id(&ip);
            }
            if b.members.is_empty() {
                b.cluster = peers.iter().fold(0, |sum: u64, (_, ip)| sum.rotate_left(7) ^ member_id(ip));
                let all = peers.iter().map(|(n, ip)| Member {
                    id: member_id(ip),
                    name: n.clone(),
                    ip: ip.clone(),
                    // Of a cluster that exists it knows only what the leader will tell it.
                    learner: existing,
                });
                b.members = all.collect();
            }
        });
    }

    /// A line of the process's log.
    fn say(&self, ctx: &mut Ctx<'_>, text: Str) {
        let me = ctx.me;
        let name = ctx.host().name.clone();
        let container =
            ctx.host().runtime.containers.iter().find(|(_, c)| c.actor == Some(me)).map(|(id, _)| id.clone());
        if let Some(id) = container {
            let now = ctx.now().rfc3339();
            let line = format!("{{\"level\":\"info\",\"ts\":\"{now}\",\"logger\":\"raft\",\"msg\":\"{text}\"}}\n");
            crate::runtime::process::write_log(ctx, &id, &line);
        }
        let machine = ctx.machine;
        ctx.trace(What::Machine { machine, what: "etcd", detail: ecow::eco_format!("{name} {text}") });
    }

    fn tell(&self, ctx: &mut Ctx<'_>, to: &Member, message: Message) {
        let Some((machine, way)) = ctx.world.route(ctx.machine, &to.ip) else { return };
        let delay = way + ctx.rng.between(Duration::ZERO, Duration(way.0 / 4));
        let target = Target::Port(machine, PEER_PORT);
        let event = Event { target, msg: Msg::Notify(PEER.into(), message.encode()), cause: TraceId::NONE };
        ctx.world.schedule(ctx.world.now + delay, event);
    }
    fn message(&self, ctx: &Ctx<'_>, kind: Kind, term: u64) -> Option<Message> {
        let b = self.ballot(ctx)?;
        Some(Message { kind, from: b.id, term, index: b.index, last_term: b.last_term })
    }
    /// Tells every other member; `voters`: only those who vote.
    fn tell_all(&self, ctx: &mut Ctx<'_>, kind: Kind, term: u64, voters: bool) {
        let Some(message) = self.message(ctx, kind, term) else { return };
        let members = self.ballot(ctx).map(|b| b.members.clone()).unwrap_or_default();
        for member in members.iter().filter(|m| m.id != message.from && !(voters && m.learner)) {
            self.tell(ctx, member, message);
        }
    }

    fn wait_for_leader(&mut self, ctx: &mut Ctx<'_>) {
        self.round += 1;
        self.patience = ELECTION + ctx.rng.between(Duration::ZERO, ELECTION);
        ctx.timer(self.patience, TIMER_ELECTION, ecow::eco_format!("{}", self.round));
    }

    fn follow(&mut self, ctx: &mut Ctx<'_>, term: u64, leader: u64) {
        let old = self.ballot(ctx).map_or(0, |b| b.term);
        if term > old {
            self.change(ctx, |b| (b.term, b.vote) = (term, 0));
        }
        let was = self.role;
        self.role = Role::Follower;
        if leader != self.leader {
            self.leader = leader;
            if leader != 0 {
                self.say(ctx, ecow::eco_format!("elected leader {leader:x} at term {term}"));
            }
        }
        if was == Role::Leader {
            self.wait_for_leader(ctx);
        }
    }

    /// Asks for votes; alone it wins at once.
    fn stand(&mut self, ctx: &mut Ctx<'_>, role: Role) {
        let kind = if role == Role::Candidate { Kind::Vote } else { Kind::PreVote };
        self.stand_by(ctx, role, kind);
    }
    fn stand_by(&mut self, ctx: &mut Ctx<'_>, role: Role, kind: Kind) {
        let Some(b) = self.ballot(ctx) else { return };
        let (id, term, alone) = (b.id, b.term + 1, b.quorum() == 1);
        self.role = role;
        self.leader = 0;
        self.granted = OrdSet::from_iter([id]);
        if role == Role::Candidate {
            self.change(ctx, |b| (b.term, b.vote) = (term, id));
            self.say(ctx, ecow::eco_format!("{id:x} became candidate at term {term}"));
        }
        if alone {
            return if role == Role::Candidate { self.lead(ctx) } else { self.stand(ctx, Role::Candidate) };
        }
        self.tell_all(ctx, kind, term, true);
    }

    fn lead(&mut self, ctx: &mut Ctx<'_>) {
        let Some(b) = self.ballot(ctx) else { return };
        let (id, term) = (b.id, b.term);
        self.role = Role::Leader;
        self.leader = id;
        let now = ctx.now();
        self.alive = b.members.iter().map(|m| (m.id, now)).collect();
        // A leader's first entry is an empty one of its own term.
        self.change(ctx, |b| (b.index, b.last_term) = (b.index + 1, term));
        self.say(ctx, ecow::eco_format!("{id:x} became leader at term {term}"));
        self.round += 1;
        self.beat(ctx);
    }

    /// Heartbeats, as long as there is somebody to hear them.
    fn beat(&mut self, ctx: &mut Ctx<'_>) {
        let Some(b) = self.ballot(ctx) else { return };
        if b.members.len() < 2 {
            return;
        }
        let (term, now) = (b.term, ctx.now());
        let recent = |m: &&Member| self.alive.get(&m.id).is_some_and(|at| *at + ELECTION > now) || m.id == b.id;
        if b.members.iter().filter(|m| !m.learner).filter(recent).count() < b.quorum() {
            let id = b.id;
            self.say(ctx, ecow::eco_format!("{id:x} stepped down to follower since quorum is not active"));
            self.follow(ctx, term, 0);
            return;
        }
        self.tell_all(ctx, Kind::Heartbeat, term, false);
        ctx.timer(HEARTBEAT, TIMER_HEARTBEAT, ecow::eco_format!("{}", self.round));
    }

    fn hear(&mut self, ctx: &mut Ctx<'_>, m: Message) {
        let Some(b) = self.ballot(ctx) else { return };
        let (id, term, now) = (b.id, b.term, ctx.now());
        // One that starts in a cluster that exists knows nobody but its leader.
        let Some(sender) = b.member(m.from).cloned() else { return };
        let settled = self.leader != 0 && (self.role == Role::Leader || self.heard + ELECTION > now);
        match m.kind {
            Kind::PreVote | Kind::Vote if settled && m.term > term => {} // the leader lives
            Kind::PreVote => {
                if m.term > term && b.behind(m.last_term, m.index) {
                    self.answer(ctx, &sender, Kind::PreGrant, m.term);
                }
            }
            Kind::Vote | Kind::Transfer => {
                if m.term > term {
                    self.follow(ctx, m.term, 0);
                }
                let Some(b) = self.ballot(ctx) else { return };
                if m.term == b.term && matches!(b.vote, 0) | (b.vote == m.from) && b.behind(m.last_term, m.index) {
                    self.change(ctx, |b| b.vote = m.from);
                    self.heard = now;
                    self.answer(ctx, &sender, Kind::Grant, m.term);
                }
            }
            Kind::PreGrant | Kind::Grant => {
                let (role, of) =
                    if m.kind == Kind::Grant { (Role::Candidate, term) } else { (Role::PreCandidate, term + 1) };
                if self.role == role && m.term == of {
                    self.granted.insert(m.from);
                    if self.granted.len() >= b.quorum() {
                        if role == Role::Candidate { self.lead(ctx) } else { self.stand(ctx, Role::Candidate) }
                    }
                }
            }
            Kind::Heartbeat if m.term < term => self.answer(ctx, &sender, Kind::Alive, term),
            Kind::Heartbeat => {
                self.follow(ctx, m.term, m.from);
                self.heard = now;
                if !self.ballot(ctx).is_some_and(|b| b.behind(m.last_term, m.index) && b.index == m.index) {
                    self.catch_up(ctx, &sender);
                }
                self.publish_name(ctx, &sender);
                self.answer(ctx, &sender, Kind::Alive, m.term);
            }
            Kind::Alive if m.term > term => self.follow(ctx, m.term, 0),
            Kind::Alive => {
                self.alive.insert(m.from, now);
            }
        }
        debug_assert!(id != m.from);
    }
    fn answer(&self, ctx: &mut Ctx<'_>, to: &Member, kind: Kind, term: u64) {
        if let Some(message) = self.message(ctx, kind, term) {
            self.tell(ctx, to, message);
        }
    }

    /// A member that starts for the first time tells the cluster its name.
    fn publish_name(&self, ctx: &mut Ctx<'_>, leader: &Member) {
        let Some(b) = self.ballot(ctx) else { return };
        let id = b.id;
        if b.member(id).is_none_or(|m| !m.name.is_empty()) {
            return;
        }
        let name = if self.flags.name.is_empty() { ctx.host().name.clone() } else { self.flags.name.clone() };
        if let Some((at, _)) = ctx.world.route(ctx.machine, &leader.ip) {
            let named =
                |b: &mut Ballot| b.members.iter_mut().filter(|m| m.id == id).for_each(|m| m.name = name.clone());
            change_members(ctx.world, at, named, ctx.cause);
        }
    }

    /// Takes what the leader has and this member missed.
    fn catch_up(&self, ctx: &mut Ctx<'_>, leader: &Member) {
        let Some((from, _)) = ctx.world.route(ctx.machine, &leader.ip) else { return };
        let to = ctx.machine;
        copy(ctx.world, from, to);
        told(ctx.world, to, ctx.cause);
    }
}

/// Gives a member all that another holds; its own name, vote and folder stay.
fn copy(world: &mut World, from: u32, to: u32) {
    let Some(source) = world.machine(from).etcd_data.clone() else { return };
    let Some(own) = world.machine(to).etcd_data.as_ref() else { return };
    let (folder, id, term, vote) = (own.folder.clone(), own.ballot.id, own.ballot.term, own.ballot.vote);
    let mut data = source;
    data.folder = folder;
    (data.ballot.id, data.ballot.term, data.ballot.vote) = (id, term, vote);
    world.machine_mut(to).etcd_data = Some(data);
}

/// Tells the API server beside a member that there is something new.
fn told(world: &mut World, machine: u32, cause: TraceId) {
    let Some(server) = world.machine(machine).listeners.get(&crate::apiserver::PORT).copied() else { return };
    let msg = Msg::Notify("etcd".into(), crate::api::Value::Null);
    world.schedule(world.now, Event { target: Target::Actor(server), msg, cause });
}

/// The etcd that accepts connections on `machine`.
pub fn process(world: &World, machine: u32) -> Option<&Etcd> {
    let actor = *world.machine(machine).listeners.get(&PORT)?;
    world.component::<Etcd>(actor)
}

/// Followers of the member on `leader` that it reaches now, in its term.
fn followers(world: &World, leader: u32) -> Vec<(u32, bool)> {
    let Some(b) = world.machine(leader).etcd_data.as_ref().map(|d| &d.ballot) else { return Vec::new() };
    let mut out = Vec::new();
    for member in b.members.iter().filter(|m| m.id != b.id) {
        let Some((machine, _)) = world.route(leader, &member.ip) else { continue };
        let follows = process(world, machine).is_some_and(|p| p.leader == b.id && p.role == Role::Follower);
        let term = world.machine(machine).etcd_data.as_ref().map(|d| d.ballot.term);
        if follows && term == Some(b.term) {
            out.push((machine, member.learner));
        }
    }
    out
}

/// The machine whose member takes what is asked of the member on `machine`: the leader's, if a
/// majority stands behind it.
pub fn leader_of(world: &World, machine: u32) -> Option<u32> {
    let own = process(world, machine)?;
    let ballot = &world.machine(machine).etcd_data.as_ref()?.ballot;
    if ballot.members.len() == 1 {
        return own.is_leader().then_some(machine);
    }
    let leader = if own.is_leader() {
        machine
    } else {
        let (at, _) = world.route(machine, &ballot.member(own.leader)?.ip)?;
        let there = process(world, at)?;
        if !there.is_leader() {
            return None;
        }
        at
    };
    let quorum = world.machine(leader).etcd_data.as_ref()?.ballot.quorum();
    let behind = followers(world, leader).iter().filter(|(_, learner)| !learner).count();
    (behind + 1 >= quorum).then_some(leader)
}

/// Gives the followers what the leader has just taken; a write is committed with that.
pub fn replicate(world: &mut World, leader: u32, cause: TraceId) {
    if world.machine(leader).etcd_data.as_ref().is_none_or(|d| d.ballot.members.len() < 2) {
        return;
    }
    let servers = followers(world, leader);
    for (machine, _) in &servers {
        copy(world, leader, *machine);
        told(world, *machine, cause);
    }
    told(world, leader, cause);
}

/// How much longer than on sound disks a write takes until a majority has it on disk.
pub fn commit_lag(world: &World, leader: u32) -> Duration {
    let Some(data) = &world.machine(leader).etcd_data else { return Duration::ZERO };
    let on = |ip: &Str| world.machines().find(|m| m.ip == *ip && m.powered_on).map(|m| m.disk_lag);
    let mut lags: Vec<Duration> = data.ballot.members.iter().filter(|m| !m.learner).filter_map(|m| on(&m.ip)).collect();
    lags.arrange();
    lags.get(data.ballot.quorum().saturating_sub(1)).copied().unwrap_or(world.machine(leader).disk_lag)
}

/// The newest state of the cluster that any machine holds, also while etcd is down.
pub fn newest(world: &World) -> Option<&EtcdData> {
    world.machines().filter_map(|m| m.etcd_data.as_ref()).max_by_key(|d| (d.ballot.last_term, d.ballot.index))
}

/// Changes the members, as a leader's log entry does.
pub fn change_members(world: &mut World, leader: u32, f: impl FnOnce(&mut Ballot), cause: TraceId) {
    let Some(data) = &mut world.machine_mut(leader).etcd_data else { return };
    f(&mut data.ballot);
    data.ballot.index += 1;
    replicate(world, leader, cause);
    if let Some(actor) = world.machine(leader).listeners.get(&PORT).copied() {
        let msg = Msg::Notify(CHANGED.into(), crate::api::Value::Null);
        world.schedule(world.now, Event { target: Target::Actor(actor), msg, cause });
    }
}

/// Asks the member on `machine` to lead in the place of the one that does.
pub fn transfer(world: &mut World, machine: u32, cause: TraceId) {
    if let Some(actor) = world.machine(machine).listeners.get(&PORT).copied() {
        let msg = Msg::Notify(LEAD.into(), crate::api::Value::Null);
        world.schedule(world.now, Event { target: Target::Actor(actor), msg, cause });
    }
}

impl Component for Etcd {
    fn handle(&mut self, ctx: &mut Ctx<'_>, msg: Msg) {
        match msg {
            Msg::Start => {
                self.open(ctx);
                let me = ctx.me;
                for port in [PORT, PEER_PORT] {
                    ctx.host_mut().listeners.insert(port, me);
                }
                let alone = self.ballot(ctx).is_some_and(|b| b.members.len() == 1 && b.voters() == 1);
                if alone { self.stand(ctx, Role::Candidate) } else { self.wait_for_leader(ctx) }
            }
            Msg::Timer(TIMER_ELECTION, round) if round == ecow::eco_format!("{}", self.round) => {
                let votes = self.ballot(ctx).is_some_and(|b| b.member(b.id).is_some_and(|m| !m.learner));
                let silent = ctx.now() >= self.heard + self.patience;
                if self.role == Role::Leader {
                    return;
                }
                if votes && silent {
                    if self.leader != 0 {
                        let (id, leader) = (self.ballot(ctx).map_or(0, |b| b.id), self.leader);
                        self.say(ctx, ecow::eco_format!("{id:x} lost leader {leader:x}"));
                    }
                    self.stand(ctx, Role::PreCandidate);
                }
                if self.role != Role::Leader {
                    self.wait_for_leader(ctx);
                }
            }
            Msg::Timer(TIMER_HEARTBEAT, round)
                if self.role == Role::Leader && round == ecow::eco_format!("{}", self.round) =>
            {
                self.beat(ctx)
            }
            Msg::Notify(topic, value) if topic == PEER => {
                if let Some(message) = Message::decode(&value) {
                    ctx.cause = TraceId::NONE;
                    self.hear(ctx, message);
                }
            }
            Msg::Notify(topic, _) if topic == LEAD => self.stand_by(ctx, Role::Candidate, Kind::Transfer),
            Msg::Notify(topic, _) if topic == CHANGED && self.role == Role::Leader => {
                let now = ctx.now();
                for m in self.ballot(ctx).map(|b| b.members.clone()).unwrap_or_default() {
                    self.alive.entry(m.id).or_insert(now);
                }
                self.round += 1;
                self.beat(ctx);
            }
            _ => {}
        }
    }
    component_boilerplate!();
}

/// The process that a container with etcd's program is.
pub fn of_container(container: &Container) -> Arc<dyn Component> {
    Arc::new(Etcd::new(Flags::of(container)))
}
