//! The tree of kubectl's commands: names, flags, what runs them.
//! Adding a verb is adding a row to `tree`.

pub mod flags;
mod tree;

use super::context::Cx;
use super::error::Run;
use super::flags::Flag;
pub use flags::GLOBAL;
pub use tree::ROOT;

pub struct Verb {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub flags: &'static [&'static [Flag]],
    pub required: &'static [&'static str],
    pub run: Option<fn(&mut Cx<'_, '_>) -> Run>,
    pub sub: &'static [Verb],
    pub only: Option<crate::sim::Profile>,
    /// Not listed, not suggested.
    pub hidden: bool,
    /// The usage line after the command's path.
    pub usage: &'static str,
    pub about: &'static str,
}

const NONE: Verb = Verb {
    name: "",
    aliases: &[],
    flags: &[],
    required: &[],
    run: None,
    sub: &[],
    only: None,
    hidden: false,
    usage: "",
    about: "",
};

/// A row of a level that lives in a verb's own file.
pub const fn sub(
    name: &'static str,
    flags: &'static [&'static [Flag]],
    run: fn(&mut Cx<'_, '_>) -> Run,
    usage: &'static str,
    about: &'static str,
) -> Verb {
    Verb { name, flags, run: Some(run), usage, about, ..NONE }
}
impl Verb {
    pub const fn below(self, sub: &'static [Verb]) -> Verb {
        Verb { sub, ..self }
    }
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Verb {
        Verb { aliases, ..self }
    }
    pub const fn hidden(self) -> Verb {
        Verb { hidden: true, ..self }
    }
    pub const fn only(self, profile: crate::sim::Profile) -> Verb {
        Verb { only: Some(profile), ..self }
    }
    pub const fn required(self, required: &'static [&'static str]) -> Verb {
        Verb { required, ..self }
    }
    /// A level without behaviour of its own.
    pub const fn group(name: &'static str, sub: &'static [Verb], usage: &'static str, about: &'static str) -> Verb {
        Verb { name, sub, usage, about, ..NONE }
    }

    pub fn child(&self, word: &str, profile: crate::sim::Profile) -> Option<&'static Verb> {
        self.children(profile).find(|v| v.name == word || v.aliases.contains(&word))
    }
    pub fn children(&self, profile: crate::sim::Profile) -> impl Iterator<Item = &'static Verb> + use<> {
        self.sub.iter().filter(move |v| v.only.is_none_or(|p| p == profile))
    }
    /// Every flag it takes, its own first.
    pub fn known(&self, profile: crate::sim::Profile) -> Vec<Flag> {
        let own = self.flags.iter().flat_map(|f| f.iter());
        own.chain(GLOBAL).filter(|f| f.only.is_none_or(|p| p == profile)).copied().collect()
    }
}
