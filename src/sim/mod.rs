//! The kernel: one [`World`] owns everything that is simulated: clock, event queue, random streams,
//! machines and the components that run on them. Nothing here knows what a component does.
//!
//! - [`world`]: the world, its loop, spawning and killing, links
//! - [`component`]: what a component is and the context it acts through
//! - [`trace`]: what happened, with causes; the picture, captions and "why" read only this
//! - [`informer`], [`workqueue`], [`recorder`], [`election`], [`flowcontrol`]: the client-go machinery that
//!   components share
//! - [`history`]: a session = configuration + inputs; checkpoints, seek and fork

pub mod component;
pub mod election;
pub mod flowcontrol;
pub mod history;
pub mod informer;
pub mod recorder;
pub mod trace;
pub mod workqueue;
pub mod world;

pub use component::{ActorId, Caller, Component, Ctx, Endpoint, Event, Msg, NetError, Reply};
pub use history::{Input, Session};
pub use recorder::EventRecorder;
pub use trace::{Record, Trace, TraceId, What};
pub use world::{Config, Profile, World};
