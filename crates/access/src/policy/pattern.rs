//! Texts of a policy that a request is compared with: wildcards `*` and `?`, and `${variables}`.

use super::context::Context;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Unit(u16),
    /// `*`: any run of characters, also none, also `:` and `/`.
    Any,
    /// `?`: one UTF-16 unit, as the service counts.
    One,
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// How a text is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// `*` and `?` are wildcards.
    Wild,
    /// Every character stands for itself.
    Exact,
}

/// A text of a policy, read once.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    tokens: Vec<Token>,
}

/// `${` without `}`, or an unreadable default.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadVariable;

impl Pattern {
    /// Reads a text; `variables` only where the policy's version has them.
    pub(super) fn parse(text: &str, reading: Reading, variables: bool) -> Result<Self, BadVariable> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if variables && let Some(after) = rest.strip_prefix("${") {
                let (inner, after) = after.split_once('}').ok_or(BadVariable)?;
                tokens.push(variable(inner)?);
                rest = after;
                continue;
            }
            match c {
                '*' if reading == Reading::Wild => tokens.push(Token::Any),
                '?' if reading == Reading::Wild => tokens.push(Token::One),
                _ => tokens.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| Token::Unit(*unit))),
            }
            rest = &rest[c.len_utf8()..];
        }
        Ok(Pattern { tokens })
    }

    /// Tells whether a text matches; nothing when a variable is unknown.
    pub(super) fn matches(&self, text: &str, context: &Context) -> Option<bool> {
        Some(fits(&filled(&self.tokens, context)?, &text.encode_utf16().collect::<Vec<_>>()))
    }

    /// The text with its variables filled in; nothing when one is unknown.
    pub(super) fn text(&self, context: &Context) -> Option<String> {
        let units: Vec<u16> = filled(&self.tokens, context)?
            .iter()
            .map(|token| match token {
                Token::Unit(unit) => *unit,
                Token::One => u16::from(b'?'),
                Token::Any | Token::Variable { .. } => u16::from(b'*'),
            })
            .collect();
        Some(String::from_utf16_lossy(&units))
    }

    /// Compares the six parts of an ARN one by one: here a wildcard does not reach into the next part.
    pub(super) fn matches_arn(&self, arn: &[&str; 6], context: &Context) -> Option<bool> {
        let colon = Token::Unit(u16::from(b':'));
        let parts: Vec<&[Token]> = self.tokens.splitn(6, |token| *token == colon).collect();
        let mut same = parts.len() == 6;
        for (part, text) in parts.iter().zip(arn) {
            same &= fits(&filled(part, context)?, &text.encode_utf16().collect::<Vec<_>>());
        }
        Some(same)
    }
}

/// Splits an ARN into its six parts; the last keeps its colons.
pub(super) fn arn_parts(arn: &str) -> Option<[&str; 6]> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let parts: [&str; 6] = parts.try_into().ok()?;
    (parts[0] == "arn" && !parts[2].is_empty() && !parts[5].is_empty()).then_some(parts)
}

/// Matches without variables and without regard to ASCII case, as action names are compared.
pub(super) fn matches_action(pattern: &str, action: &str) -> bool {
    let Ok(pattern) = Pattern::parse(&pattern.to_ascii_lowercase(), Reading::Wild, false) else {
        return false;
    };
    fits(&pattern.tokens, &action.to_ascii_lowercase().encode_utf16().collect::<Vec<_>>())
}

/// `key`, `key, 'default'`, or one of the literals `*`, `?`, `$`.
fn variable(inner: &str) -> Result<Token, BadVariable> {
    if let "*" | "?" | "$" = inner {
        return Ok(Token::Unit(u16::from(inner.as_bytes()[0])));
    }
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, rest)) => {
            let text = rest.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (key, Some(text.ok_or(BadVariable)?.to_owned()))
        }
    };
    let key = key.trim();
    if key.is_empty() || key.contains(['$', '{', '*', '?']) {
        return Err(BadVariable);
    }
    Ok(Token::Variable { key: key.to_owned(), default })
}

/// Puts values for variables; what a value contains stands for itself, never for a wildcard.
fn filled(tokens: &[Token], context: &Context) -> Option<Vec<Token>> {
    let mut out = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Variable { key, default } => {
                let value = context.one(key).or(default.as_deref())?;
                out.extend(value.encode_utf16().map(Token::Unit));
            }
            other => out.push(other.clone()),
        }
    }
    Some(out)
}

/// Matches with one point of return: the last `*`. Time is at most pattern times text.
fn fits(pattern: &[Token], text: &[u16]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Any) => {
                star = Some((p, t));
                p += 1;
            }
            Some(Token::One) => (p, t) = (p + 1, t + 1),
            Some(Token::Unit(unit)) if *unit == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| *token == Token::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wild(pattern: &str, text: &str) -> bool {
        let pattern = Pattern::parse(pattern, Reading::Wild, true).expect("a pattern");
        let context = Context::new().with("aws:username", "al*ce");
        pattern.matches(text, &context).expect("known variables")
    }

    #[test]
    fn wildcards_cross_colons_and_slashes() {
        assert!(wild("arn:aws:ses:*", "arn:aws:ses:us-east-1:123456789012:identity/a"));
        assert!(wild("a*c*e", "abcde") && wild("*", "") && wild("a?c", "abc"));
        assert!(!wild("a?c", "ac") && !wild("a*d", "abc") && !wild("", "a"));
    }

    #[test]
    fn a_question_mark_stands_for_one_utf16_unit() {
        assert!(!wild("?", "😀") && wild("??", "😀") && wild("?", "é"));
    }

    #[test]
    fn a_variable_is_filled_in_and_its_stars_are_no_wildcards() {
        assert!(wild("u/${aws:username}", "u/al*ce"));
        assert!(!wild("u/${aws:username}", "u/alice"));
        assert!(wild("${*}${?}${$}", "*?$") && !wild("${*}", "x"));
        assert!(wild("${aws:nobody, 'x'}", "x"));
        assert!(wild("${AWS:UserName}", "al*ce"));
    }

    #[test]
    fn an_unknown_variable_gives_no_verdict_and_a_broken_one_is_refused() {
        let pattern = Pattern::parse("${aws:nobody}", Reading::Wild, true).expect("a pattern");
        assert_eq!(pattern.matches("", &Context::new()), None);
        for broken in ["${", "${aws:x", "${}", "${a, b}"] {
            assert_eq!(Pattern::parse(broken, Reading::Wild, true), Err(BadVariable), "{broken}");
        }
        let literal = Pattern::parse("${aws:nobody}", Reading::Wild, false).expect("a pattern");
        assert_eq!(literal.matches("${aws:nobody}", &Context::new()), Some(true));
    }

    #[test]
    fn arns_in_conditions_are_compared_part_by_part() {
        let arn = "arn:aws:iam::123456789012:role/a:b";
        let parts = arn_parts(arn).expect("an ARN");
        let like = |pattern: &str| {
            let pattern = Pattern::parse(pattern, Reading::Wild, false).expect("a pattern");
            pattern.matches_arn(&parts, &Context::new()).expect("no variables")
        };
        assert!(like("arn:aws:iam::*:role/*") && like("arn:*:*:*:*:*"));
        assert!(!like("arn:aws:iam*:role/a:b") && !like("*") && !like("arn:aws:iam::123456789012:role/a"));
    }
}
