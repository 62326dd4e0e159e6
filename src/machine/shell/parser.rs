//! The grammar: text → [`ast`](super::ast). Bash's, without `select`, `coproc` and extended globs.

use std::sync::Arc;

use super::ast::*;
use crate::base::Str;
use crate::base::persistent::OrdMap;

/// Why a script cannot be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyntaxError {
    /// It ends too early; a terminal asks for more. What closes it, if that is one character.
    Incomplete { wanted: Option<char>, line: u32 },
    /// ``near unexpected token `)'``
    Unexpected { token: Str, line: u32 },
    /// Anything else, in bash's words.
    Other { message: Str, line: u32 },
}

impl SyntaxError {
    /// The lines bash prints, after `bash: ` or `script: line N: `.
    pub fn lines(&self) -> Vec<(u32, String)> {
        match self {
            SyntaxError::Incomplete { wanted: None, line } => {
                vec![(*line, "syntax error: unexpected end of file".to_owned())]
            }
            SyntaxError::Incomplete { wanted: Some(c), line } => vec![
                (*line, format!("unexpected EOF while looking for matching `{c}'")),
                (line + 1, "syntax error: unexpected end of file".to_owned()),
            ],
            SyntaxError::Unexpected { token, line } => {
                vec![(*line, format!("syntax error near unexpected token `{token}'"))]
            }
            SyntaxError::Other { message, line } => vec![(*line, message.to_string())],
        }
    }
}

pub type Parsed<T> = Result<T, SyntaxError>;

/// Parses a whole script. `aliases` are replaced where a command's name stands.
pub fn parse(text: &str, aliases: &OrdMap<Str, Str>) -> Parsed<Block> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut p = Parser { src: format!("{text}{end}"), pos: 0, line: 1, here: None, aliases, alias_end: 0, depth: 0 };
    let block = p.list(&[])?;
    p.newlines();
    if p.pos < p.src.len() {
        return Err(p.unexpected());
    }
    Ok(block)
}

pub(super) struct Parser<'a> {
    pub(super) src: String,
    pub(super) pos: usize,
    pub(super) line: u32,
    /// Here-documents read ahead: at this newline go on there.
    here: Option<(usize, usize)>,
    aliases: &'a OrdMap<Str, Str>,
    /// Up to here the text came from an alias and is not replaced again.
    alias_end: usize,
    pub(super) depth: u32,
}

/// Nesting beyond this is refused instead of exhausting the stack.
const MAX_DEPTH: u32 = 100;

const OPERATORS: [&str; 22] = [
    "&>>", "<<-", "<<<", ";;&", "&&", "||", ";;", ";&", "|&", "&>", ">>", "<<", ">&", "<&", ">|", "<>", "|", "&", ";",
    "(", ")", "<",
];

impl Parser<'_> {
    pub(super) fn rest(&self) -> &str {
        &self.src[self.pos..]
    }
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    pub(super) fn at(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.at(text);
        if found {
            self.pos += text.len();
        }
        found
    }
    pub(super) fn incomplete<T>(&self, wanted: Option<char>) -> Parsed<T> {
        Err(SyntaxError::Incomplete { wanted, line: self.line })
    }
    /// The sub-parser for text taken out of this one's.
    pub(super) fn inner(&self, text: &str) -> Parser<'_> {
        let here = None;
        Parser {
            src: text.to_owned(),
            pos: 0,
            line: self.line,
            here,
            aliases: self.aliases,
            alias_end: 0,
            depth: self.depth,
        }
    }
    pub(super) fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = "maximum nesting level exceeded".into();
            return Err(SyntaxError::Other { message, line: self.line });
        }
        Ok(())
    }

    /// Skips blanks, joined lines and a comment.
    pub(super) fn space(&mut self) {
        loop {
            if self.eat(" ") || self.eat("\t") || self.eat("\r") {
            } else if self.at("\\\n") {
                self.pos += 2;
                self.line += 1;
            } else if self.at("#") {
                self.pos += self.rest().find('\n').unwrap_or(self.rest().len());
            } else {
                return;
            }
        }
    }
    fn newline(&mut self) -> bool {
        if !self.at("\n") {
            return false;
        }
        match self.here.take() {
            Some((at, resume)) if at == self.pos => {
                self.line += self.src[self.pos..resume].matches('\n').count() as u32;
                self.pos = resume;
            }
            other => {
                self.here = other;
                self.pos += 1;
                self.line += 1;
            }
        }
        true
    }
    fn newlines(&mut self) {
        loop {
            self.space();
            if !self.newline() {
                return;
            }
        }
    }

    /// The token that stands next, as errors name it.
    pub(super) fn unexpected(&mut self) -> SyntaxError {
        self.space();
        let line = self.line;
        let Some(c) = self.peek() else { return SyntaxError::Incomplete { wanted: None, line } };
        if c == '\n' {
            return SyntaxError::Unexpected { token: "newline".into(), line };
        }
        let operator = OPERATORS.iter().chain(&[">"]).find(|op| self.at(op));
        let end = self.rest().find(|c: char| " \t\n;|&()<>".contains(c)).unwrap_or(self.rest().len());
        let token = operator.map_or_else(|| Str::from(&self.rest()[..end]), |op| Str::from(*op));
        SyntaxError::Unexpected { token, line }
    }

    /// The reserved or other plain word that stands next.
    fn plain_word(&self) -> &str {
        let end = self.rest().find(|c: char| " \t\r\n;|&()<>".contains(c)).unwrap_or(self.rest().len());
        &self.rest()[..end]
    }
    fn keyword(&mut self, word: &str) -> bool {
        self.space();
        let found = self.plain_word() == word;
        if found {
            self.pos += word.len();
        }
        found
    }
    fn expect(&mut self, word: &str) -> Parsed<()> {
        if self.keyword(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Commands up to the end, a closing parenthesis, `;;` or one of `ends`.
    pub(super) fn list(&mut self, ends: &[&str]) -> Parsed<Block> {
        self.deeper()?;
        let mut items = Vec::new();
        loop {
            self.newlines();
            let stop = self.peek().is_none_or(|c| c == ')') || self.at(";;") || self.at(";&");
            if stop || ends.contains(&self.plain_word()) {
                break;
            }
            let start = self.pos;
            let node = self.and_or()?;
            let text = Str::from(self.src.get(start..self.pos).unwrap_or("").trim());
            self.space();
            let background = !self.at("&&") && self.eat("&");
            items.push(Item { node, background, text });
            let ended = background || (!self.at(";;") && !self.at(";&") && self.eat(";")) || self.newline();
            self.space();
            let closes = self.peek().is_none_or(|c| c == ')') || self.at(";;") || self.at(";&");
            if !ended && !closes {
                return Err(self.unexpected());
            }
        }
        self.depth -= 1;
        Ok(Arc::new(items))
    }
    /// A list with at least one command.
    fn body(&mut self, ends: &[&str]) -> Parsed<Block> {
        let block = self.list(ends)?;
        if block.is_empty() { Err(self.unexpected()) } else { Ok(block) }
    }

    fn and_or(&mut self) -> Parsed<Arc<Node>> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.space();
            let op = if self.eat("&&") {
                AndOr::And
            } else if self.eat("||") {
                AndOr::Or
            } else {
                break;
            };
            self.newlines();
            rest.push((op, self.pipeline()?));
        }
        Ok(if rest.is_empty() { first } else { Arc::new(Node::AndOr { first, rest }) })
    }

    fn pipeline(&mut self) -> Parsed<Arc<Node>> {
        let mut negate = false;
        while self.keyword("!") {
            negate = !negate;
        }
        let mut parts = vec![self.command()?];
        loop {
            self.space();
            if self.at("||") || !self.at("|") {
                break;
            }
            self.pos += 1;
            if self.eat("&") {
                add_stderr(&mut parts);
            }
            self.newlines();
            parts.push(self.command()?);
        }
        Ok(match (negate, parts.len()) {
            (false, 1) => parts.remove(0),
            _ => Arc::new(Node::Pipeline { negate, parts }),
        })
    }

    fn command(&mut self) -> Parsed<Arc<Node>> {
        self.space();
        self.deeper()?;
        let start = self.pos;
        let word = self.plain_word().to_owned();
        let kind = if self.eat("((") {
            Some(Compound::Arith(self.arith_until("))")?))
        } else if self.eat("(") {
            let block = self.body(&[])?;
            if !self.eat(")") {
                return Err(self.unexpected());
            }
            Some(Compound::Subshell(block))
        } else {
            self.compound(&word)?
        };
        let node = match kind {
            Some(kind) => Node::Compound { kind, redirects: self.redirects()? },
            None if word == "function" => {
                self.pos = start + word.len();
                self.space();
                let name = Str::from(self.plain_word());
                self.pos += name.len();
                self.space();
                if self.eat("(") {
                    self.space();
                    self.eat(")");
                }
                self.function(name)?
            }
            None => self.simple()?,
        };
        self.depth -= 1;
        Ok(Arc::new(node))
    }

    fn function(&mut self, name: Str) -> Parsed<Node> {
        self.newlines();
        let body = self.command()?;
        if matches!(*body, Node::Compound { .. }) { Ok(Node::Function { name, body }) } else { Err(self.unexpected()) }
    }

    /// A compound command that begins with the reserved word `word`, if it is one.
    fn compound(&mut self, word: &str) -> Parsed<Option<Compound>> {
        let start = self.pos;
        self.pos += word.len();
        Ok(Some(match word {
            "{" => {
                let block = self.body(&["}"])?;
                self.expect("}")?;
                Compound::Group(block)
            }
            "if" => self.if_command()?,
            "while" | "until" => {
                let test = self.body(&["do"])?;
                Compound::While { until: word == "until", test, body: self.do_done()? }
            }
            "for" => self.for_command()?,
            "case" => self.case_command()?,
            "[[" => {
                let cond = self.cond_or()?;
                self.newlines();
                self.expect("]]")?;
                Compound::Cond(cond)
            }
            "then" | "do" | "done" | "fi" | "elif" | "else" | "esac" | "}" | "in" if word != "in" => {
                self.pos = start;
                return Err(self.unexpected());
            }
            _ => {
                self.pos = start;
                return Ok(None);
            }
        }))
    }

    fn if_command(&mut self) -> Parsed<Compound> {
        let mut arms = Vec::new();
        loop {
            let test = self.body(&["then"])?;
            self.expect("then")?;
            arms.push((test, self.body(&["elif", "else", "fi"])?));
            if self.keyword("elif") {
                continue;
            }
            let otherwise = if self.keyword("else") { Some(self.body(&["fi"])?) } else { None };
            self.expect("fi")?;
            return Ok(Compound::If { arms, otherwise });
        }
    }
    fn do_done(&mut self) -> Parsed<Block> {
        self.newlines();
        self.expect("do")?;
        let body = self.body(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    fn for_command(&mut self) -> Parsed<Compound> {
        self.space();
        if self.eat("((") {
            let init = self.arith_until(";")?;
            let test = self.arith_until(";")?;
            let step = self.arith_until("))")?;
            self.space();
            self.eat(";");
            return Ok(Compound::ForArith { init, test, step, body: self.do_done()? });
        }
        let name = Str::from(self.plain_word());
        if !is_name(&name) {
            if self.peek().is_none() || self.at("\n") || name.is_empty() {
                return Err(self.unexpected());
            }
            let message = ecow::eco_format!("`{name}': not a valid identifier");
            return Err(SyntaxError::Other { message, line: self.line });
        }
        self.pos += name.len();
        self.newlines();
        let words = if self.keyword("in") {
            let mut words = Vec::new();
            loop {
                self.space();
                match self.word()? {
                    Some(word) => words.extend(super::brace::expand(word)),
                    None => break,
                }
            }
            Some(words)
        } else {
            None
        };
        self.space();
        if !self.eat(";") && words.is_some() && !self.at("\n") {
            return Err(self.unexpected());
        }
        Ok(Compound::For { name, words, body: self.do_done()? })
    }

    fn case_command(&mut self) -> Parsed<Compound> {
        self.space();
        let Some(word) = self.word()? else { return Err(self.unexpected()) };
        self.newlines();
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines();
            if self.keyword("esac") {
                return Ok(Compound::Case { word, arms });
            }
            self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.space();
                let Some(pattern) = self.word()? else { return Err(self.unexpected()) };
                patterns.push(pattern);
                self.space();
                if !self.eat("|") {
                    break;
                }
            }
            if !self.eat(")") {
                return Err(self.unexpected());
            }
            let body = self.list(&["esac"])?;
            self.space();
            let next = if self.eat(";;&") {
                CaseNext::Test
            } else if self.eat(";;") {
                CaseNext::End
            } else if self.eat(";&") {
                CaseNext::Fall
            } else if self.plain_word() == "esac" {
                CaseNext::End
            } else {
                return Err(self.unexpected());
            };
            arms.push(CaseArm { patterns, body, next });
        }
    }

    fn cond_or(&mut self) -> Parsed<Cond> {
        let mut left = self.cond_and()?;
        loop {
            self.newlines();
            if !self.eat("||") {
                return Ok(left);
            }
            left = Cond::Or(Box::new(left), Box::new(self.cond_and()?));
        }
    }
    fn cond_and(&mut self) -> Parsed<Cond> {
        let mut left = self.cond_one()?;
        loop {
            self.newlines();
            if !self.eat("&&") {
                return Ok(left);
            }
            left = Cond::And(Box::new(left), Box::new(self.cond_one()?));
        }
    }
    fn cond_one(&mut self) -> Parsed<Cond> {
        self.newlines();
        if self.keyword("!") {
            self.deeper()?;
            let inner = self.cond_one()?;
            self.depth -= 1;
            return Ok(Cond::Not(Box::new(inner)));
        }
        if self.eat("(") {
            self.deeper()?;
            let inner = self.cond_or()?;
            self.space();
            self.depth -= 1;
            return if self.eat(")") { Ok(inner) } else { Err(self.unexpected()) };
        }
        let flag = self.plain_word();
        let unary = flag.len() == 2 && flag.starts_with('-') && flag.as_bytes()[1].is_ascii_alphabetic();
        if unary {
            let flag = Str::from(flag);
            self.pos += 2;
            self.space();
            let Some(word) = self.word()? else { return Err(self.unexpected()) };
            return Ok(Cond::Unary(flag, word));
        }
        if self.plain_word() == "]]" {
            return Err(self.unexpected());
        }
        let Some(left) = self.word()? else { return Err(self.unexpected()) };
        self.space();
        let ops = ["==", "=~", "=", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"];
        let Some(op) = ops.into_iter().find(|op| self.plain_word() == *op || ("<>".contains(op) && self.at(op))) else {
            return Ok(Cond::Word(left));
        };
        self.pos += op.len();
        self.space();
        let right = if op == "=~" { self.regex_word()? } else { self.word()? };
        let Some(right) = right else { return Err(self.unexpected()) };
        Ok(Cond::Binary(left, op.into(), right))
    }

    fn simple(&mut self) -> Parsed<Node> {
        let mut simple = Simple { line: self.line, ..Simple::default() };
        loop {
            self.space();
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            if simple.words.is_empty() {
                self.replace_alias();
                if let Some(assign) = self.assignment()? {
                    simple.assigns.push(assign);
                    continue;
                }
            } else if declares(&simple.words[0])
                && let Some(list) = self.declared_list()?
            {
                simple.words.push(Word::quoted(list.name.clone()));
                simple.lists.push(list);
                continue;
            } else if declares(&simple.words[0])
                && let Some(assign) = self.declared()?
            {
                simple.words.push(assign);
                continue;
            }
            let Some(word) = self.word()? else { break };
            if simple.words.is_empty() && simple.assigns.is_empty() && self.at("(") {
                return self.function_here(&word);
            }
            simple.words.extend(super::brace::expand(word));
        }
        if simple.words.is_empty() && simple.assigns.is_empty() && simple.redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Node::Simple(simple))
    }

    /// `name()` at the start of a command.
    fn function_here(&mut self, word: &Word) -> Parsed<Node> {
        let after = self.rest()[1..].trim_start_matches([' ', '\t']);
        match word.literal() {
            Some(name) if after.starts_with(')') => {
                let name = Str::from(name);
                self.pos += self.rest().find(')').unwrap_or(0) + 1;
                self.function(name)
            }
            _ => {
                self.pos += 1;
                Err(if word.literal().is_some() {
                    self.unexpected()
                } else {
                    self.pos -= 1;
                    self.unexpected()
                })
            }
        }
    }

    /// Puts an alias's text in place of the command name that stands next.
    fn replace_alias(&mut self) {
        let word = self.plain_word();
        if self.pos < self.alias_end || self.aliases.is_empty() {
            return;
        }
        if let Some(text) = self.aliases.get(word) {
            let end = self.pos + word.len();
            let text = text.clone();
            self.src.replace_range(self.pos..end, &text);
            self.alias_end = self.pos + text.len();
            if let Some((at, resume)) = &mut self.here {
                let grown = |n: usize| n + text.len() - (end - self.pos);
                (*at, *resume) = (grown(*at), grown(*resume));
            }
        }
    }

    /// `name=word`, `name+=word`, `name[i]=word`, `name=(…)`.
    fn assignment(&mut self) -> Parsed<Option<Assign>> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if !is_name(&rest[..end]) {
            return Ok(None);
        }
        let name = Str::from(&rest[..end]);
        let mut at = end;
        let mut index = None;
        if rest[at..].starts_with('[') {
            let Some(close) = rest[at..].find(']') else { return Ok(None) };
            index = Some(rest[at + 1..at + close].to_owned());
            at += close + 1;
        }
        let append = rest[at..].starts_with("+=");
        if !append && !rest[at..].starts_with('=') {
            return Ok(None);
        }
        self.pos += at + if append { 2 } else { 1 };
        let index = index.map(|text| self.inner(&text).double_text()).transpose()?;
        let value = if self.eat("(") {
            AssignValue::List(self.list_words()?)
        } else {
            AssignValue::Word(self.word()?.unwrap_or_default())
        };
        Ok(Some(Assign { name, index, append, value }))
    }
    fn list_words(&mut self) -> Parsed<Vec<Word>> {
        let mut words = Vec::new();
        loop {
            self.newlines();
            if self.eat(")") {
                return Ok(words);
            }
            match self.word()? {
                Some(word) => words.extend(super::brace::expand(word)),
                None => return Err(self.unexpected()),
            }
        }
    }
    /// An argument `name=(…)` of `declare` and the like.
    fn declared_list(&mut self) -> Parsed<Option<Assign>> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if rest[end..].starts_with("=(") || rest[end..].starts_with("+=(") { self.assignment() } else { Ok(None) }
    }
    /// An argument `name=value` of `export` and the like: one word, never split.
    fn declared(&mut self) -> Parsed<Option<Word>> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if !is_name(&rest[..end]) || !rest[end..].starts_with('=') || rest[end..].starts_with("=(") {
            return Ok(None);
        }
        let name = Str::from(&rest[..=end]);
        self.pos += end + 1;
        let value = self.word()?.unwrap_or_default();
        let value: Vec<Part> = value.0.into_iter().map(quote_part).collect();
        Ok(Some(Word([Part::Quoted(name)].into_iter().chain(value).collect())))
    }

    fn redirects(&mut self) -> Parsed<Vec<Redirect>> {
        let mut all = Vec::new();
        loop {
            self.space();
            match self.redirect()? {
                Some(redirect) => all.push(redirect),
                None => return Ok(all),
            }
        }
    }

    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let after = &self.rest()[digits..];
        let both = digits == 0 && after.starts_with("&>");
        if digits > 1 || !(both || after.starts_with(['<', '>'])) || after.starts_with("<(") || after.starts_with(">(")
        {
            return Ok(None);
        }
        let fd: Option<u8> = self.rest()[..digits].parse().ok();
        self.pos += digits;
        let table = [
            ("&>>", RedirectOp::BothAppend, 1),
            ("&>", RedirectOp::Both, 1),
            ("<<<", RedirectOp::HereString, 0),
            ("<<-", RedirectOp::Here, 0),
            ("<<", RedirectOp::Here, 0),
            ("<&", RedirectOp::Dup, 0),
            ("<>", RedirectOp::In, 0),
            ("<", RedirectOp::In, 0),
            (">>", RedirectOp::Append, 1),
            (">&", RedirectOp::Dup, 1),
            (">|", RedirectOp::Clobber, 1),
            (">", RedirectOp::Out, 1),
        ];
        let Some((sign, mut op, usual)) = table.into_iter().find(|(sign, ..)| self.at(sign)) else { return Ok(None) };
        self.pos += sign.len();
        self.space();
        if op == RedirectOp::Here {
            let target = self.here_document(sign == "<<-")?;
            return Ok(Some(Redirect { fd: fd.unwrap_or(0), op, target }));
        }
        let Some(target) = self.word()? else { return Err(self.unexpected()) };
        // `>& file` is `&> file`.
        let number = target.literal().is_some_and(|t| t == "-" || t.bytes().all(|b| b.is_ascii_digit()));
        if op == RedirectOp::Dup && sign == ">&" && fd.is_none() && target.literal().is_some() && !number {
            op = RedirectOp::Both;
        }
        Ok(Some(Redirect { fd: fd.unwrap_or(usual), op, target }))
    }

    /// Reads the delimiter, then the document's lines, which begin after the line that is being read.
    fn here_document(&mut self, strip_tabs: bool) -> Parsed<Word> {
        let Some(delimiter) = self.word()? else { return Err(self.unexpected()) };
        let (end_line, quoted) = plain_text(&delimiter);
        let (newline, from) = match self.here {
            Some((at, resume)) => (at, resume),
            None => match self.rest().find('\n') {
                Some(i) => (self.pos + i, self.pos + i + 1),
                None => return self.incomplete(None),
            },
        };
        let mut text = String::new();
        let mut at = from;
        loop {
            if at >= self.src.len() {
                return self.incomplete(None);
            }
            let line_end = self.src[at..].find('\n').map_or(self.src.len(), |i| at + i);
            let line = &self.src[at..line_end];
            let line = if strip_tabs { line.trim_start_matches('\t') } else { line };
            at = (line_end + 1).min(self.src.len());
            if line == end_line {
                break;
            }
            text += line;
            text.push('\n');
        }
        self.here = Some((newline, at));
        if quoted { Ok(Word::quoted(text)) } else { self.inner(&text).double_text() }
    }
}

fn add_stderr(parts: &mut [Arc<Node>]) {
    let both = Redirect { fd: 2, op: RedirectOp::Dup, target: Word(vec![Part::Lit("1".into())]) };
    if let Some(last) = parts.last_mut() {
        match Arc::make_mut(last) {
            Node::Simple(s) => s.redirects.push(both),
            Node::Compound { redirects, .. } => redirects.push(both),
            _ => {}
        }
    }
}

/// Commands whose arguments may be assignments.
fn declares(word: &Word) -> bool {
    matches!(word.literal(), Some("export" | "local" | "declare" | "readonly" | "typeset" | "alias"))
}

/// A part of an assignment's value: expanded but never split.
fn quote_part(part: Part) -> Part {
    match part {
        Part::Lit(text) => Part::Quoted(text),
        Part::Quoted(_) | Part::Double(_) => part,
        part => Part::Double(vec![part]),
    }
}

/// A here-document's delimiter, and whether any of it was quoted.
fn plain_text(word: &Word) -> (String, bool) {
    let (mut text, mut quoted) = (String::new(), false);
    for part in &word.0 {
        match part {
            Part::Lit(t) => text += t,
            Part::Quoted(t) => {
                text += t;
                quoted = true;
            }
            Part::Double(parts) => {
                quoted = true;
                text += &plain_text(&Word(parts.clone())).0;
            }
            Part::Param(p) => text += &format!("${}", p.name),
            Part::Sub(_) | Part::Arith(_) | Part::Process(..) => {}
        }
    }
    (text, quoted)
}

pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
