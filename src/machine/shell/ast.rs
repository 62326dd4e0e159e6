//! What a script means: the tree the parser makes and the evaluator walks. Shared, never changed.

use std::sync::Arc;

use crate::base::Str;

/// Commands one after another.
pub type Block = Arc<Vec<Item>>;

#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    pub node: Arc<Node>,
    /// Ended by `&`.
    pub background: bool,
    /// Its text, as `jobs` shows it.
    pub text: Str,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    Simple(Simple),
    /// `! a | b`; also a single negated command.
    Pipeline {
        negate: bool,
        parts: Vec<Arc<Node>>,
    },
    AndOr {
        first: Arc<Node>,
        rest: Vec<(AndOr, Arc<Node>)>,
    },
    Compound {
        kind: Compound,
        redirects: Vec<Redirect>,
    },
    Function {
        name: Str,
        body: Arc<Node>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AndOr {
    And,
    Or,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Compound {
    Group(Block),
    Subshell(Block),
    If {
        /// Conditions and what runs where one holds.
        arms: Vec<(Block, Block)>,
        otherwise: Option<Block>,
    },
    /// `while`, or `until` where `until` is true.
    While {
        until: bool,
        test: Block,
        body: Block,
    },
    /// Without words: over the positional parameters.
    For {
        name: Str,
        words: Option<Vec<Word>>,
        body: Block,
    },
    ForArith {
        init: Word,
        test: Word,
        step: Word,
        body: Block,
    },
    Case {
        word: Word,
        arms: Vec<CaseArm>,
    },
    Arith(Word),
    Cond(Cond),
}

#[derive(Clone, PartialEq, Debug)]
pub struct CaseArm {
    pub patterns: Vec<Word>,
    pub body: Block,
    pub next: CaseNext,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CaseNext {
    /// `;;`
    End,
    /// `;&`: the next body too.
    Fall,
    /// `;;&`: go on testing.
    Test,
}

/// `[[ … ]]`
#[derive(Clone, PartialEq, Debug)]
pub enum Cond {
    Word(Word),
    Unary(Str, Word),
    Binary(Word, Str, Word),
    Not(Box<Cond>),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Simple {
    pub assigns: Vec<Assign>,
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
    /// Lists among the arguments of `declare` and the like; assigned once it has run.
    pub lists: Vec<Assign>,
    pub line: u32,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Assign {
    pub name: Str,
    pub index: Option<Word>,
    /// `+=`
    pub append: bool,
    pub value: AssignValue,
}

#[derive(Clone, PartialEq, Debug)]
pub enum AssignValue {
    Word(Word),
    List(Vec<Word>),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Redirect {
    pub fd: u8,
    pub op: RedirectOp,
    pub target: Word,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RedirectOp {
    /// `<`
    In,
    /// `>`
    Out,
    /// `>|`
    Clobber,
    /// `>>`
    Append,
    /// `>&`, `<&`
    Dup,
    /// `&>`
    Both,
    /// `&>>`
    BothAppend,
    /// A here-document; the target is its text.
    Here,
    /// `<<<`
    HereString,
}

/// A word as written: expanded when its command runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Word(pub Vec<Part>);

impl Word {
    /// The text of a word without quotes and expansions.
    pub fn literal(&self) -> Option<&str> {
        match &self.0[..] {
            [Part::Lit(text)] => Some(text),
            _ => None,
        }
    }
    pub fn quoted(text: impl Into<Str>) -> Word {
        Word(vec![Part::Quoted(text.into())])
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum Part {
    /// Unquoted text: may hold `~`, globs, braces.
    Lit(Str),
    /// Text to be taken as it is.
    Quoted(Str),
    /// `"…"`
    Double(Vec<Part>),
    Param(Box<Param>),
    /// `$(…)`
    Sub(Block),
    /// `$((…))`
    Arith(Word),
    /// `<(…)`; `true`: `>(…)`
    Process(Block, bool),
}

/// `$name`, `${name…}`
#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    pub name: Str,
    /// `${name[index]}`; `@` and `*` as literal words.
    pub index: Option<Word>,
    pub op: ParamOp,
}

#[derive(Clone, PartialEq, Debug)]
pub enum ParamOp {
    Plain,
    /// `${#name}`
    Length,
    /// `${!name}`
    Indirect,
    /// `:-`, `-`, `:=`, `=`, `:?`, `?`, `:+`, `+`: the sign, whether with a colon, the word.
    Test(char, bool, Word),
    /// `#`, `##`, `%`, `%%`: from the start, the longest, the pattern.
    Trim {
        prefix: bool,
        longest: bool,
        pattern: Word,
    },
    /// `/`, `//`, `/#`, `/%`
    Replace {
        all: bool,
        anchor: Option<char>,
        pattern: Word,
        with: Word,
    },
    /// `:offset` and `:offset:length`
    Slice(Word, Option<Word>),
    /// `^`, `^^`, `,`, `,,`
    Case {
        upper: bool,
        all: bool,
    },
}
