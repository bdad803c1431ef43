//! Patterns of the models, which are written for Java: matched over the whole value, with `\w`, `\s` and `\d`
//! of ASCII only. Translated for the `regex` crate, whose time is linear in the value's length.

use regex::Regex;

/// A pattern that the crate cannot express (look-around), with an equivalent.
struct ByHand {
    pattern: &'static str,
    regex: &'static str,
}

const BY_HAND: [ByHand; 2] = [
    // Relying party ids: the last character is not a dot.
    ByHand { pattern: r"^[0-9A-Za-z\.\-_]*(?<!\.)$", regex: r"(?:[0-9A-Za-z\.\-_]*[0-9A-Za-z\-_])?" },
    // Domains: the pattern is that of a prefix, and the service takes whole names as well ("Using your own domain").
    ByHand {
        pattern: DOMAIN_PATTERN,
        regex: r"(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?",
    },
];

/// What the model says of a domain.
pub const DOMAIN_PATTERN: &str = r"^[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?$";

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// For a pattern that is one repeated class, as most are: the ASCII letters of that class, one bit each.
    /// A token of a thousand letters is then judged in a microsecond.
    ascii: Option<u128>,
}

impl Pattern {
    pub fn compile(pattern: &str) -> Result<Self, regex::Error> {
        let by_hand = BY_HAND.iter().find(|entry| entry.pattern == pattern);
        let regex = by_hand.map_or_else(|| translated(pattern), |entry| entry.regex.to_owned());
        let regex = Regex::new(&format!(r"\A(?:{regex})\z"))?;
        let letters =
            (0..128u8).filter(|letter| regex.is_match(char::from(*letter).encode_utf8(&mut [0; 4])));
        let ascii = is_repeated_class(pattern).then(|| letters.fold(0, |bits, letter| bits | (1 << letter)));
        Ok(Pattern { regex, ascii })
    }

    pub fn matches(&self, text: &str) -> bool {
        match self.ascii {
            Some(bits) if text.is_ascii() && !text.is_empty() => {
                text.bytes().all(|letter| bits >> letter & 1 == 1)
            }
            _ => self.regex.is_match(text),
        }
    }
}

/// Whether a pattern is one class with `+` or `*` after it.
fn is_repeated_class(pattern: &str) -> bool {
    let bare = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).unwrap_or(pattern);
    let inner = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix("]+").or(rest.strip_suffix("]*")));
    inner.is_some_and(|inner| !inner.contains(['[', ']']))
}

/// Rewrites what Java and the crate read differently: `\w`, `\s`, `\d` (ASCII in Java) and `.` (no line end
/// of Unicode in Java, unless `(?s)` is set).
fn translated(pattern: &str) -> String {
    let dot_takes_all = pattern.starts_with("(?s)");
    let mut regex = String::new();
    let mut in_class = false;
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let escaped = letters.next();
                let class = match escaped {
                    Some('w') => Some("[:word:]"),
                    Some('W') => Some("[:^word:]"),
                    Some('s') => Some("[:space:]"),
                    Some('S') => Some("[:^space:]"),
                    Some('d') => Some("[:digit:]"),
                    Some('D') => Some("[:^digit:]"),
                    _ => None,
                };
                match class {
                    Some(class) if in_class => regex.push_str(class),
                    Some(class) => regex.extend(["[", class, "]"]),
                    None => regex.extend(['\\'].into_iter().chain(escaped)),
                }
            }
            '.' if !in_class && !dot_takes_all => regex.push_str(r"[^\n\r\u{85}\u{2028}\u{2029}]"),
            _ => {
                in_class = match letter {
                    '[' => true,
                    ']' => false,
                    _ => in_class,
                };
                regex.push(letter);
            }
        }
    }
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_java_reads_them() {
        let table = [
            (r"[\w\s+=,.@-]+", "My pool.1", true),
            (r"[\w\s+=,.@-]+", "Grün", false),
            (r"[\w\s+=,.@-]+", "a\u{a0}b", false),
            (r"[\S]+", "pass\u{a0}wörd", true),
            (r"[\S]+", "pass word", false),
            (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "grün.€42", true),
            (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "two words", false),
            (r"[0-9]+", "12\n", false),
            (r"[\w-]+_[0-9a-zA-Z]+", "eu-west-1_aB3", true),
            (r"[A-Za-z0-9-_+/=.]+", "a-b_c+d/e=.", true),
            (r".*\{####\}.*", "code {####}", true),
            (r".*\{####\}.*", "code\u{2028}{####}", false),
            (r".*\{####\}.*", "code ####", false),
            (r"(?s).*", "a\nb", true),
            (r"^[0-9A-Za-z\.\-_]*(?<!\.)$", "example.com", true),
            (r"^[0-9A-Za-z\.\-_]*(?<!\.)$", "", true),
            (r"^[0-9A-Za-z\.\-_]*(?<!\.)$", "example.com.", false),
            (r"^[0-9A-Za-z\.\-_]*(?<!\.)$", "exämple.com", false),
        ];
        for (pattern, text, yes) in table {
            let compiled = Pattern::compile(pattern).expect("patterns of the table can be compiled");
            assert_eq!(compiled.matches(text), yes, "{pattern} on {text:?}");
            assert_eq!(compiled.regex.is_match(text), yes, "{pattern} on {text:?}");
        }
    }
}
