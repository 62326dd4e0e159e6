//! What Go's encoding/json finds wrong with a text.
//! Models encoding/json scanner.go.

/// Why `text` is no JSON; `None`: it is. An end too early is `unexpected end of JSON input`.
pub fn of(text: &str) -> Option<String> {
    let mut s = Scanner { rest: text.chars().collect(), at: 0 };
    let done = s.value().and_then(|()| match s.peek() {
        None => Ok(()),
        Some(c) => bad(c, "after top-level value"),
    });
    done.err()
}

pub const END: &str = "unexpected end of JSON input";

struct Scanner {
    rest: Vec<char>,
    at: usize,
}

fn bad(c: char, why: &str) -> Result<(), String> {
    let shown = match c {
        '\'' => "'\\''".to_owned(),
        '"' => "'\"'".to_owned(),
        '\n' => "'\\n'".to_owned(),
        '\t' => "'\\t'".to_owned(),
        c => format!("'{c}'"),
    };
    Err(format!("invalid character {shown} {why}"))
}

impl Scanner {
    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        while self.rest.get(self.at).is_some_and(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {
            self.at += 1;
        }
        self.rest.get(self.at).copied()
    }
    fn next(&mut self) -> Result<char, String> {
        let c = self.rest.get(self.at).copied().ok_or(END)?;
        self.at += 1;
        Ok(c)
    }
    fn next_word(&mut self) -> Result<char, String> {
        self.peek();
        self.next()
    }

    fn value(&mut self) -> Result<(), String> {
        match self.next_word()? {
            '{' => self.object(),
            '[' => self.array(),
            '"' => self.string(),
            't' => self.literal("true"),
            'f' => self.literal("false"),
            'n' => self.literal("null"),
            c if c == '-' || c.is_ascii_digit() => self.number(c),
            c => bad(c, "looking for beginning of value"),
        }
    }

    fn object(&mut self) -> Result<(), String> {
        let mut first = true;
        loop {
            match self.next_word()? {
                '"' => self.string()?,
                '}' if first => return Ok(()),
                c => return bad(c, "looking for beginning of object key string"),
            }
            first = false;
            match self.next_word()? {
                ':' => self.value()?,
                c => return bad(c, "after object key"),
            }
            match self.next_word()? {
                ',' => {}
                '}' => return Ok(()),
                c => return bad(c, "after object key:value pair"),
            }
        }
    }

    fn array(&mut self) -> Result<(), String> {
        if self.peek() == Some(']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value()?;
            match self.next_word()? {
                ',' => {}
                ']' => return Ok(()),
                c => return bad(c, "after array element"),
            }
        }
    }

    fn string(&mut self) -> Result<(), String> {
        loop {
            match self.next()? {
                '"' => return Ok(()),
                '\\' => {
                    let c = self.next()?;
                    if !"bfnrt\\/\"u".contains(c) {
                        return bad(c, "in string escape code");
                    }
                }
                c if (c as u32) < 0x20 => return bad(c, "in string literal"),
                _ => {}
            }
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for want in word.chars().skip(1) {
            let c = self.next()?;
            if c != want {
                return bad(c, &format!("in literal {word} (expecting '{want}')"));
            }
        }
        Ok(())
    }

    fn number(&mut self, first: char) -> Result<(), String> {
        if first == '-' && !self.rest.get(self.at).is_some_and(char::is_ascii_digit) {
            return bad(self.next()?, "in numeric literal");
        }
        while self.rest.get(self.at).is_some_and(|c| c.is_ascii_digit() || ".eE+-".contains(*c)) {
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_of_go() {
        let cases = [
            ("{}", None),
            (r#"{"a": [1, -2.5e3, true, null, "x\n"]}"#, None),
            ("{spec:{replicas:3}}", Some("invalid character 's' looking for beginning of object key string")),
            ("{'a':1}", Some("invalid character '\\'' looking for beginning of object key string")),
            (r#"{"a" 1}"#, Some("invalid character '1' after object key")),
            (r#"{"a":1 "b":2}"#, Some("invalid character '\"' after object key:value pair")),
            (r#"{"a":x}"#, Some("invalid character 'x' looking for beginning of value")),
            (r#"{"a":tru}"#, Some("invalid character '}' in literal true (expecting 'e')")),
            (r#"{"a":[1 2]}"#, Some("invalid character '2' after array element")),
            (r#"{"a":1}}"#, Some("invalid character '}' after top-level value")),
            (r#"{"a":1"#, Some("unexpected end of JSON input")),
            (r#"{"a":1,}"#, Some("invalid character '}' looking for beginning of object key string")),
        ];
        for (text, want) in cases {
            assert_eq!(super::of(text).as_deref(), want, "{text}");
        }
    }
}
