//! What members of etcd agree by: terms, votes, and who belongs to the cluster.
//! Models go.etcd.io/etcd/raft with pre-vote and check-quorum. A leader's entries travel as the state
//! that follows from them, so no member's log ever disagrees with another's.

use crate::api::Value;
use crate::base::Str;
use crate::base::hash::Fnv;
use crate::base::persistent::Vector;

/// One member of the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    pub id: u64,
    /// Empty until it started for the first time.
    pub name: Str,
    /// Address of its peer and client URLs.
    pub ip: Str,
    /// Gets everything and has no vote.
    pub learner: bool,
}

/// A member's id, from its peer URL. Models membership.NewMember.
pub fn member_id(ip: &str) -> u64 {
    Fnv::of(format!("https://{ip}:2380").as_bytes())
}

/// What a member must never forget: the hard state of its log, and the cluster as its log says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ballot {
    /// Itself; 0 before its first start.
    pub id: u64,
    pub cluster: u64,
    pub term: u64,
    /// Whom it voted for in this term; 0: nobody.
    pub vote: u64,
    /// Entries taken, and the term of the last.
    pub index: u64,
    pub last_term: u64,
    pub members: Vector<Member>,
}

impl Ballot {
    pub fn member(&self, id: u64) -> Option<&Member> {
        self.members.iter().find(|m| m.id == id)
    }
    pub fn voters(&self) -> usize {
        self.members.iter().filter(|m| !m.learner).count()
    }
    /// Voters that make a majority.
    pub fn quorum(&self) -> usize {
        self.voters() / 2 + 1
    }
    /// Whether a log that ends so is at least as long as this one.
    pub fn behind(&self, last_term: u64, index: u64) -> bool {
        (last_term, index) >= (self.last_term, self.index)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    PreVote,
    PreGrant,
    Vote,
    /// A vote that the leader itself asked for.
    Transfer,
    Grant,
    Heartbeat,
    Alive,
}

const KINDS: [Kind; 7] =
    [Kind::PreVote, Kind::PreGrant, Kind::Vote, Kind::Transfer, Kind::Grant, Kind::Heartbeat, Kind::Alive];

/// What one member tells another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    pub kind: Kind,
    pub from: u64,
    pub term: u64,
    pub index: u64,
    pub last_term: u64,
}

impl Message {
    pub fn encode(self) -> Value {
        let kind = KINDS.iter().position(|k| *k == self.kind).unwrap_or(0) as i64;
        let all = [kind, self.from as i64, self.term as i64, self.index as i64, self.last_term as i64];
        all.map(Value::from).into_iter().collect::<crate::api::List>().into()
    }
    pub fn decode(value: &Value) -> Option<Message> {
        let mut all = value.items().iter().map(|v| v.as_int().unwrap_or(0));
        let mut next = || all.next().map(|n| n as u64);
        let kind = *KINDS.get(next()? as usize)?;
        Some(Message { kind, from: next()?, term: next()?, index: next()?, last_term: next()? })
    }
}
