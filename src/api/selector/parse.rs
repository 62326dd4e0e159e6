//! Reads `a=b,c in (x,y),!d`. Models apimachinery/pkg/labels Parse, with its messages.

use super::{LabelSelector, Op, Requirement};
use crate::api::{Profile, names};
use crate::base::Str;
use crate::base::arrange::Arrange;

/// Why a selector could not be read, in upstream's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError(pub String);

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Token {
    End,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    Open,
    Close,
    Comma,
    In,
    NotIn,
    Identifier,
    Error,
}

/// A token and its text.
type Item = (Token, Str);

fn is_symbol(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn scan(text: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let symbols = is_symbol(first);
        let whole = rest.find(|c: char| if symbols { !is_symbol(c) } else { is_symbol(c) || c.is_whitespace() });
        let run = &rest[..whole.unwrap_or(rest.len())];
        let (token, len) = if symbols { symbol(run) } else { (word(run), run.len()) };
        items.push((token, run[..len].into()));
        rest = rest[len..].trim_start();
    }
    items.push((Token::End, Str::new()));
    items
}

fn word(text: &str) -> Token {
    match text {
        "in" => Token::In,
        "notin" => Token::NotIn,
        _ => Token::Identifier,
    }
}

/// The longest operator at the start of a run of symbols.
fn symbol(run: &str) -> (Token, usize) {
    let table = [
        ("==", Token::DoubleEquals),
        ("!=", Token::NotEquals),
        ("=", Token::Equals),
        ("!", Token::Not),
        (">", Token::Greater),
        ("<", Token::Less),
        ("(", Token::Open),
        (")", Token::Close),
        (",", Token::Comma),
    ];
    let found = table.iter().find(|(text, _)| run.starts_with(text));
    found.map_or((Token::Error, run.len()), |(text, token)| (*token, text.len()))
}

struct Parser {
    items: Vec<Item>,
    at: usize,
    profile: Profile,
}

/// Whether `in` and `notin` are words like any other here.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    Values,
    Operator,
}

impl Parser {
    fn look(&self, context: Context) -> Item {
        let (mut token, text) = self.items[self.at.min(self.items.len() - 1)].clone();
        if context == Context::Values && matches!(token, Token::In | Token::NotIn) {
            token = Token::Identifier;
        }
        (token, text)
    }
    fn next(&mut self, context: Context) -> Item {
        let item = self.look(context);
        self.at += 1;
        item
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut all = Vec::new();
        loop {
            match self.look(Context::Values) {
                (Token::Identifier | Token::Not, _) => {
                    all.push(self.requirement().map_err(|e| format!("unable to parse requirement: {e}"))?);
                    match self.next(Context::Values) {
                        (Token::End, _) => return Ok(all),
                        (Token::Comma, _) => {
                            let (next, text) = self.look(Context::Values);
                            if !matches!(next, Token::Identifier | Token::Not) {
                                return Err(format!("found '{text}', expected: identifier after ','"));
                            }
                        }
                        (_, text) => return Err(format!("found '{text}', expected: ',' or 'end of string'")),
                    }
                }
                (Token::End, _) => return Ok(all),
                (_, text) => return Err(format!("found '{text}', expected: !, identifier, or 'end of string'")),
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.next(Context::Values);
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.next(Context::Values);
        }
        if token != Token::Identifier {
            return Err(format!("found '{key}', expected: identifier"));
        }
        self.check_key(&key)?;
        let alone = matches!(self.look(Context::Values).0, Token::End | Token::Comma);
        if negated {
            return Ok(Requirement { key, op: Op::DoesNotExist, values: Vec::new() });
        }
        if alone {
            return Ok(Requirement { key, op: Op::Exists, values: Vec::new() });
        }
        let op = self.operator()?;
        let values = if matches!(op, Op::In | Op::NotIn) { self.values()? } else { vec![self.exact_value()?] };
        for value in &values {
            self.check_value(&key, op, value)?;
        }
        Ok(Requirement { key, op, values })
    }

    fn check_key(&self, key: &str) -> Result<(), String> {
        let errors = names::qualified_name(key);
        if errors.is_empty() {
            return Ok(());
        }
        let errors = errors.join("; ");
        Err(match self.profile {
            Profile::Book => format!("invalid label key {key:?}: {errors}"),
            Profile::Modern => format!("<nil>: Invalid value: {key:?}: {errors}"),
        })
    }

    fn check_value(&self, key: &str, op: Op, value: &str) -> Result<(), String> {
        if matches!(op, Op::GreaterThan | Op::LessThan) && value.parse::<i64>().is_err() {
            let words = "for 'Gt', 'Lt' operators, the value must be an integer";
            return Err(match self.profile {
                Profile::Book => words.to_owned(),
                Profile::Modern => format!("values[0]: Invalid value: {value:?}: {words}"),
            });
        }
        let errors = names::label_value(value, self.profile);
        if errors.is_empty() {
            return Ok(());
        }
        let errors = errors.join("; ");
        Err(match self.profile {
            Profile::Book => format!("invalid label value: {value:?}: at key: {key:?}: {errors}"),
            Profile::Modern => format!("values[0][{key}]: Invalid value: {value:?}: {errors}"),
        })
    }

    fn operator(&mut self) -> Result<Op, String> {
        let (token, text) = self.next(Context::Operator);
        Ok(match token {
            Token::In => Op::In,
            Token::NotIn => Op::NotIn,
            Token::Equals | Token::DoubleEquals => Op::Equals,
            Token::NotEquals => Op::NotEquals,
            Token::Greater => Op::GreaterThan,
            Token::Less => Op::LessThan,
            _ => {
                let expected = match self.profile {
                    Profile::Book => "'=', '!=', '==', 'in', notin'",
                    Profile::Modern => "in, notin, =, ==, !=, gt, lt",
                };
                return Err(format!("found '{text}', expected: {expected}"));
            }
        })
    }

    /// `(a,b)`; empty places are empty values.
    fn values(&mut self) -> Result<Vec<Str>, String> {
        let (token, text) = self.next(Context::Values);
        if token != Token::Open {
            return Err(format!("found '{text}' expected: '('"));
        }
        let mut values = vec![Str::new()];
        let mut after_value = false;
        loop {
            match self.next(Context::Values) {
                (Token::Identifier, _) if after_value => {
                    let text = self.items[self.at - 1].1.clone();
                    return Err(format!("found '{text}', expected: ',' or ')'"));
                }
                (Token::Identifier, text) => {
                    if let Some(last) = values.last_mut() {
                        *last = text;
                    }
                    after_value = true;
                }
                (Token::Comma, _) => {
                    values.push(Str::new());
                    after_value = false;
                }
                (Token::Close, _) => break,
                (_, text) if after_value => return Err(format!("found '{text}', expected: ',' or ')'")),
                (_, text) => return Err(format!("found '{text}', expected: ',', ')' or identifier")),
            }
        }
        values.arrange();
        values.dedup();
        Ok(values)
    }

    fn exact_value(&mut self) -> Result<Str, String> {
        if matches!(self.look(Context::Values).0, Token::End | Token::Comma) {
            return Ok(Str::new());
        }
        match self.next(Context::Values) {
            (Token::Identifier, text) => Ok(text),
            (_, text) => Err(format!("found '{text}', expected: identifier")),
        }
    }
}

impl LabelSelector {
    /// `-l` of kubectl and `labelSelector` of requests.
    pub fn parse(text: &str, profile: Profile) -> Result<LabelSelector, ParseError> {
        let mut parser = Parser { items: scan(text), at: 0, profile };
        let mut all = parser.requirements().map_err(ParseError)?;
        all.arrange_by(|a, b| a.key.cmp(&b.key));
        Ok(LabelSelector(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_round_trip_or_say_why_not() {
        let cases = [
            ("app=nginx", Ok("app=nginx")),
            ("b==1,a in (y,x) , !c, d notin (),e", Ok("a in (x,y),b=1,!c,d notin (),e")),
            ("a!=b", Ok("a!=b")),
            ("", Ok("")),
            ("bad==selector==", Err("found '==', expected: ',' or 'end of string'")),
            ("a,", Err("found '', expected: identifier after ','")),
            ("a in x", Err("unable to parse requirement: found 'x' expected: '('")),
            ("=x", Err("found '=', expected: !, identifier, or 'end of string'")),
        ];
        for (text, want) in cases {
            let got = LabelSelector::parse(text, Profile::Book).map(|s| s.to_string()).map_err(|e| e.0);
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
        }
    }
}
