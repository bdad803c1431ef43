//! Parameters as browsers and apps send them: form-encoded pairs in a query or a body (WHATWG URL §5).

/// Named values in the order in which they came.
#[derive(Clone, Default)]
pub struct Pairs(Vec<(String, String)>);

/// A parameter came more than once, which none may (RFC 6749 §3.1 and §3.2).
#[derive(Debug, PartialEq, Eq)]
pub struct Twice(pub String);

impl Pairs {
    /// Reads encoded pairs; nothing when they are not UTF-8.
    pub fn parse(text: &str) -> Option<Self> {
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decoded(name)?, decoded(value)?))
            })
            .collect::<Option<_>>()
            .map(Pairs)
    }

    /// The value of a parameter. An empty one is as good as none (RFC 6749 §3.1).
    pub fn once(&self, name: &str) -> Result<Option<&str>, Twice> {
        let mut values = self.0.iter().filter(|(each, _)| each == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Twice(name.to_owned()));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    /// The first value of a parameter, where it does not matter what else was sent.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter, as a form sends them for boxes that are ticked.
    pub fn every<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Writes the pairs as a query again, without its question mark.
    pub fn query(&self) -> String {
        let pairs: Vec<(&str, &str)> =
            self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        query(&pairs)
    }

    /// The pairs but for those of some names.
    pub fn without(&self, names: &[&str]) -> Pairs {
        Pairs(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }

    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }
}

impl IntoIterator for Pairs {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<(String, String)> for Pairs {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Pairs(pairs.into_iter().collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Pairs {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Pairs(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

/// Encodes a value so that it stands for itself in a query.
pub fn encoded(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Writes pairs as a query, without its question mark.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

/// Decodes a name or value. A percent sign that encodes nothing stands for itself.
pub fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|pair| Some((hex(pair[0])?, hex(pair[1])?)));
        match (byte, digits) {
            (b'%', Some((high, low))) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_doubles_are_noticed() {
        let pairs = Pairs::parse("a=1+2%203&b=%C3%A4&c&d=&e=1&e=1&f=100%&g=%zz").expect("UTF-8");
        assert_eq!(pairs.once("a"), Ok(Some("1 2 3")));
        assert_eq!(pairs.once("b"), Ok(Some("ä")));
        assert_eq!((pairs.once("c"), pairs.once("d"), pairs.once("x")), (Ok(None), Ok(None), Ok(None)));
        assert_eq!(pairs.once("e"), Err(Twice("e".into())));
        assert_eq!((pairs.once("f"), pairs.once("g")), (Ok(Some("100%")), Ok(Some("%zz"))));
        assert!(pairs.has("c") && !pairs.has("x"));
        assert!(Pairs::parse("a=%ff").is_none());
    }

    #[test]
    fn what_is_encoded_comes_back() {
        for value in ["", "a b&c=d", "ä+%/?#", "{\"a\":1}", "~-._"] {
            assert_eq!(decoded(&encoded(value)).as_deref(), Some(value));
        }
        assert_eq!(query(&[("a b", "c&d"), ("e", "")]), "a%20b=c%26d&e=");
    }
}
