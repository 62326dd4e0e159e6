//! POSIX regular expressions, basic and extended, with GNU's additions: for grep, sed, awk and
//! `[[ =~ ]]`. A backtracking machine that remembers where it failed, so its time is bounded.
//! Unlike POSIX, the first alternative that fits wins, not the longest.

use crate::machine::shell::pattern::in_class;

#[derive(Clone, Debug)]
pub struct Regex {
    program: Vec<Op>,
    groups: usize,
    fold: bool,
    backrefs: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Match {
    pub start: usize,
    pub end: usize,
    /// Byte ranges of the groups, 0 the whole.
    pub groups: Vec<Option<(usize, usize)>>,
}

#[derive(Clone, PartialEq, Debug)]
enum Item {
    One(char),
    Range(char, char),
    Class(String),
}

#[derive(Clone, PartialEq, Debug)]
enum Op {
    Char(char),
    Any,
    Set {
        negate: bool,
        items: Vec<Item>,
    },
    LineStart,
    LineEnd,
    /// `\b`; `\B` where false.
    Boundary(bool),
    WordStart,
    WordEnd,
    Save(usize),
    Back(usize),
    /// Tries the first, then the second.
    Split(usize, usize),
    Jump(usize),
    /// Fails where nothing was matched since `Save` of this slot: ends loops over nothing.
    Moved(usize),
    Done,
}

/// What a part of a pattern is, before it becomes a program.
#[derive(Clone, Debug)]
enum Node {
    Op(Op),
    Group(Option<usize>, Vec<Vec<Node>>),
    Repeat(Box<Node>, usize, Option<usize>),
}

const MAX_PROGRAM: usize = 20_000;

struct Compiler<'a> {
    chars: Vec<char>,
    at: usize,
    extended: bool,
    groups: usize,
    depth: u32,
    text: &'a str,
}

impl Regex {
    /// `grep`, `sed`.
    pub fn basic(text: &str, fold: bool) -> Result<Regex, String> {
        Regex::new(text, false, fold)
    }
    /// `grep -E`, `sed -r`, `awk`.
    pub fn extended(text: &str, fold: bool) -> Result<Regex, String> {
        Regex::new(text, true, fold)
    }
    pub fn new(text: &str, extended: bool, fold: bool) -> Result<Regex, String> {
        let mut c = Compiler { chars: text.chars().collect(), at: 0, extended, groups: 0, depth: 0, text };
        let branches = c.branches()?;
        if c.at < c.chars.len() {
            return Err(if extended { "Unmatched ) or \\)" } else { "Unmatched ) or \\)" }.to_owned());
        }
        let groups = c.groups;
        let mut e = Emitter { program: vec![Op::Save(0)], next_slot: 2 * (groups + 1) };
        e.alternatives(&branches)?;
        e.program.extend([Op::Save(1), Op::Done]);
        let backrefs = e.program.iter().any(|op| matches!(op, Op::Back(_)));
        Ok(Regex { program: e.program, groups, fold, backrefs })
    }
    /// A pattern that matches exactly this text (`grep -F`).
    pub fn fixed(text: &str, fold: bool) -> Regex {
        let mut program = vec![Op::Save(0)];
        program.extend(text.chars().map(Op::Char));
        program.extend([Op::Save(1), Op::Done]);
        Regex { program, groups: 0, fold, backrefs: false }
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.find(text, 0).is_some()
    }
    /// The first match at or after byte `from`.
    pub fn find(&self, text: &str, from: usize) -> Option<Match> {
        let mut seen = Seen::new(self.program.len(), text.len());
        let starts = text[from..].char_indices().map(|(i, _)| from + i).chain([text.len()]);
        for start in starts {
            if let Some(slots) = self.at(text, start, &mut seen) {
                let pair = |i: usize| Some((slots[2 * i]?, slots[2 * i + 1]?));
                let groups: Vec<_> = (0..=self.groups).map(pair).collect();
                let (start, end) = groups[0]?;
                return Some(Match { start, end, groups });
            }
        }
        None
    }

    fn at(&self, text: &str, start: usize, seen: &mut Seen) -> Option<Vec<Option<usize>>> {
        let slots = 2 * (self.groups + 1) + self.program.iter().filter(|o| matches!(o, Op::Moved(_))).count();
        let mut stack = vec![(0usize, start, vec![None; slots])];
        let mut steps = 0u32;
        while let Some((mut pc, mut pos, mut slots)) = stack.pop() {
            loop {
                steps += 1;
                if steps > 2_000_000 || (!self.backrefs && !seen.first_time(pc, pos)) {
                    break;
                }
                let next = text[pos..].chars().next();
                match &self.program[pc] {
                    Op::Done => return Some(slots),
                    Op::Jump(to) => {
                        pc = *to;
                        continue;
                    }
                    Op::Split(a, b) => {
                        stack.push((*b, pos, slots.clone()));
                        pc = *a;
                        continue;
                    }
                    Op::Save(slot) => slots[*slot] = Some(pos),
                    Op::Moved(slot) => {
                        if slots[*slot] == Some(pos) {
                            break;
                        }
                    }
                    Op::Back(group) => {
                        let (Some(a), Some(b)) = (slots[2 * group], slots[2 * group + 1]) else { break };
                        if !text[pos..].starts_with(&text[a..b]) {
                            break;
                        }
                        pos += b - a;
                    }
                    op if zero_width(op) => {
                        if !holds(op, text, pos) {
                            break;
                        }
                    }
                    op => match next {
                        Some(c) if self.takes(op, c) => pos += c.len_utf8(),
                        _ => break,
                    },
                }
                pc += 1;
            }
        }
        None
    }

    fn takes(&self, op: &Op, c: char) -> bool {
        let one = |op: &Op, c: char| match op {
            Op::Char(x) => *x == c,
            Op::Any => c != '\n',
            Op::Set { items, .. } => items.iter().any(|item| match item {
                Item::One(x) => *x == c,
                Item::Range(a, b) => (*a..=*b).contains(&c),
                Item::Class(name) => in_class(name, c),
            }),
            _ => false,
        };
        let hit =
            one(op, c) || (self.fold && (c.to_lowercase().any(|c| one(op, c)) || c.to_uppercase().any(|c| one(op, c))));
        hit != matches!(op, Op::Set { negate: true, .. })
    }
}

/// Which (instruction, position) pairs were tried in this search: trying again fails again.
struct Seen {
    bits: Vec<u64>,
    width: usize,
}

impl Seen {
    fn new(program: usize, text: usize) -> Seen {
        let width = text + 1;
        Seen { bits: vec![0; (program * width).div_ceil(64)], width }
    }
    fn first_time(&mut self, pc: usize, pos: usize) -> bool {
        let i = pc * self.width + pos;
        let (word, bit) = (i / 64, 1u64 << (i % 64));
        let first = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        first
    }
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn zero_width(op: &Op) -> bool {
    matches!(op, Op::LineStart | Op::LineEnd | Op::Boundary(_) | Op::WordStart | Op::WordEnd)
}

fn holds(op: &Op, text: &str, pos: usize) -> bool {
    let before = is_word(text[..pos].chars().next_back());
    let after = is_word(text[pos..].chars().next());
    match op {
        Op::LineStart => pos == 0,
        Op::LineEnd => pos == text.len(),
        Op::Boundary(yes) => (before != after) == *yes,
        Op::WordStart => !before && after,
        _ => before && !after,
    }
}

impl Compiler<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }
    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c))
    }
    fn eat(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }
    /// An operator as this syntax spells it: `(` or `\(`.
    fn operator(&mut self, sign: &str) -> bool {
        if self.extended { self.eat(sign) } else { self.eat(&format!("\\{sign}")) }
    }
    fn before_operator(&self, sign: &str) -> bool {
        if self.extended { self.looking_at(sign) } else { self.looking_at(&format!("\\{sign}")) }
    }

    fn branches(&mut self) -> Result<Vec<Vec<Node>>, String> {
        self.depth += 1;
        if self.depth > 60 {
            return Err("Regular expression too big".to_owned());
        }
        let mut all = vec![self.branch()?];
        while self.operator("|") {
            all.push(self.branch()?);
        }
        self.depth -= 1;
        Ok(all)
    }

    fn branch(&mut self) -> Result<Vec<Node>, String> {
        let mut out: Vec<Node> = Vec::new();
        while self.peek().is_some() && !self.before_operator("|") && !(self.before_operator(")") && self.depth > 1) {
            if self.extended && self.peek() == Some(')') {
                break;
            }
            let first = out.is_empty();
            let node = self.one(first)?;
            out.push(self.repeated(node)?);
        }
        Ok(out)
    }

    fn one(&mut self, first: bool) -> Result<Node, String> {
        if self.operator("(") {
            self.groups += 1;
            let number = self.groups;
            let inner = self.branches()?;
            if !self.operator(")") {
                return Err("Unmatched ( or \\(".to_owned());
            }
            return Ok(Node::Group(Some(number), inner));
        }
        let Some(c) = self.peek() else { return Err(format!("{}: unexpected end", self.text)) };
        self.at += 1;
        Ok(Node::Op(match c {
            '.' => Op::Any,
            '^' if self.extended || first => Op::LineStart,
            '$' if self.extended || self.peek().is_none() || self.looking_at("\\)") || self.looking_at("\\|") => {
                Op::LineEnd
            }
            '[' => self.set()?,
            '*' | '+' | '?' | '{' if self.extended && first => Op::Char(c),
            '\\' => {
                let Some(e) = self.peek() else { return Err("Trailing backslash".to_owned()) };
                self.at += 1;
                match e {
                    'n' => Op::Char('\n'),
                    't' => Op::Char('\t'),
                    'b' => Op::Boundary(true),
                    'B' => Op::Boundary(false),
                    '<' => Op::WordStart,
                    '>' => Op::WordEnd,
                    'w' | 'W' => Op::Set { negate: e == 'W', items: vec![Item::Class("alnum".into()), Item::One('_')] },
                    's' | 'S' => Op::Set { negate: e == 'S', items: vec![Item::Class("space".into())] },
                    '1'..='9' => {
                        let group = e as usize - '0' as usize;
                        if group > self.groups {
                            return Err("Invalid back reference".to_owned());
                        }
                        Op::Back(group)
                    }
                    e => Op::Char(e),
                }
            }
            c => Op::Char(c),
        }))
    }

    fn set(&mut self) -> Result<Op, String> {
        let unmatched = || "Unmatched [, [^, [:, [., or [=".to_owned();
        let negate = self.eat("^");
        let (start, mut items) = (self.at, Vec::new());
        loop {
            let c = self.peek().ok_or_else(unmatched)?;
            if c == ']' && self.at > start {
                self.at += 1;
                return Ok(Op::Set { negate, items });
            }
            if self.eat("[:") {
                let rest: String = self.chars[self.at..].iter().collect();
                let end = rest.find(":]").ok_or_else(unmatched)?;
                let name = &rest[..end];
                self.at += name.chars().count() + 2;
                items.push(Item::Class(name.to_owned()));
                continue;
            }
            self.at += 1;
            let high = (self.peek() == Some('-')).then(|| self.chars.get(self.at + 1).copied()).flatten();
            match high.filter(|h| *h != ']') {
                Some(high) if high < c => return Err("Invalid range end".to_owned()),
                Some(high) => {
                    self.at += 2;
                    items.push(Item::Range(c, high));
                }
                None => items.push(Item::One(c)),
            }
        }
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, String> {
        loop {
            let (low, high) = if self.eat("*") {
                (0, None)
            } else if self.operator("+") {
                (1, None)
            } else if self.operator("?") {
                (0, Some(1))
            } else if self.before_operator("{") && (!self.extended || self.counts()) {
                self.operator("{");
                self.count()?
            } else {
                return Ok(node);
            };
            node = Node::Repeat(Box::new(node), low, high);
        }
    }
    /// Whether a brace begins a count; otherwise GNU takes it as it is.
    fn counts(&self) -> bool {
        self.chars.get(self.at + 1).is_some_and(|c| c.is_ascii_digit() || *c == ',')
    }
    fn count(&mut self) -> Result<(usize, Option<usize>), String> {
        let bad = || "Invalid content of \\{\\}".to_owned();
        let number = |c: &mut Self| {
            let mut digits = String::new();
            while let Some(d) = c.peek().filter(char::is_ascii_digit) {
                digits.push(d);
                c.at += 1;
            }
            digits.parse::<usize>().ok()
        };
        let low = number(self);
        let high = if self.eat(",") { number(self) } else { Some(low.ok_or_else(bad)?) };
        if !self.operator("}") {
            return Err("Unmatched { or \\{".to_owned());
        }
        let low = low.unwrap_or(0);
        if low > 255 || high.is_some_and(|h| h > 255 || h < low) {
            return Err(bad());
        }
        Ok((low, high))
    }
}

struct Emitter {
    program: Vec<Op>,
    /// For loops: where each round began.
    next_slot: usize,
}

impl Emitter {
    fn push(&mut self, op: Op) -> Result<usize, String> {
        if self.program.len() > MAX_PROGRAM {
            return Err("Regular expression too big".to_owned());
        }
        self.program.push(op);
        Ok(self.program.len() - 1)
    }
    fn sequence(&mut self, nodes: &[Node]) -> Result<(), String> {
        nodes.iter().try_for_each(|node| self.node(node))
    }
    fn alternatives(&mut self, branches: &[Vec<Node>]) -> Result<(), String> {
        let mut jumps = Vec::new();
        for (i, branch) in branches.iter().enumerate() {
            if i + 1 < branches.len() {
                let split = self.push(Op::Jump(0))?;
                self.sequence(branch)?;
                jumps.push(self.push(Op::Jump(0))?);
                self.program[split] = Op::Split(split + 1, self.program.len());
            } else {
                self.sequence(branch)?;
            }
        }
        let end = self.program.len();
        for jump in jumps {
            self.program[jump] = Op::Jump(end);
        }
        Ok(())
    }
    fn node(&mut self, node: &Node) -> Result<(), String> {
        match node {
            Node::Op(op) => self.push(op.clone()).map(drop),
            Node::Group(number, branches) => {
                if let Some(n) = number {
                    self.push(Op::Save(2 * n))?;
                }
                self.alternatives(branches)?;
                if let Some(n) = number {
                    self.push(Op::Save(2 * n + 1))?;
                }
                Ok(())
            }
            Node::Repeat(inner, low, high) => {
                for _ in 0..*low {
                    self.node(inner)?;
                }
                match high {
                    Some(high) => {
                        let mut splits = Vec::new();
                        for _ in *low..*high {
                            splits.push(self.push(Op::Jump(0))?);
                            self.node(inner)?;
                        }
                        let end = self.program.len();
                        for split in splits {
                            self.program[split] = Op::Split(split + 1, end);
                        }
                        Ok(())
                    }
                    None => {
                        let slot = self.next_slot;
                        self.next_slot += 1;
                        let split = self.push(Op::Jump(0))?;
                        self.push(Op::Save(slot))?;
                        self.node(inner)?;
                        self.push(Op::Moved(slot))?;
                        self.push(Op::Jump(split))?;
                        self.program[split] = Op::Split(split + 1, self.program.len());
                        Ok(())
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches() {
        for (extended, pattern, text, found) in [
            (false, "a.c", "xabcx", "abc"),
            (false, "a*", "aaab", "aaa"),
            (false, "*a", "x*a", "*a"),
            (false, "a\\+", "baa", "aa"),
            (false, "a+", "a+", "a+"),
            (false, "\\(ab\\)\\1", "xabab", "abab"),
            (false, "x\\|y", "ay", "y"),
            (false, "a\\{2,3\\}", "aaaa", "aaa"),
            (false, "^b", "ab", "-"),
            (false, "b$", "ab", "b"),
            (true, "(a|ab)(c|bcd)$", "abcd", "abcd"),
            (true, "[0-9]+", "w12", "12"),
            (true, "[^a-c]+", "abcdef", "def"),
            (true, "(x*)*y", "xxxy", "xxxy"),
            (true, "\\bRun\\w*", "a Running", "Running"),
            (true, "^$", "", ""),
            (true, "[[:space:]]+", "a \t b", " \t "),
            (true, "a{2}", "aa{2}", "aa"),
            (true, "{.items}", "{.items}", "{.items}"),
            (true, "나.라", "가나다라", "나다라"),
            (true, "nginx-[a-z0-9]{3}", "nginx-x7k9", "nginx-x7k"),
        ] {
            let re = Regex::new(pattern, extended, false).unwrap();
            let got = re.find(text, 0).map_or("-", |m| &text[m.start..m.end]);
            assert_eq!(got, found, "{pattern} on {text}");
        }
    }

    #[test]
    fn errors_and_limits() {
        for pattern in ["(", "[a", "a)", "a\\", "(a"] {
            assert!(Regex::extended(pattern, false).is_err(), "{pattern}");
        }
        let re = Regex::extended("(a*)*b", false).unwrap();
        assert!(!re.is_match(&"a".repeat(2000)));
        assert!(Regex::extended("ABC", true).unwrap().is_match("xabc"));
    }
}
