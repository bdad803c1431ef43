//! Looks up DNS records: in the local zone first, then in the world unless the name must never leave the machine.

use anyhow::Result;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{RData, RecordType};
use postern_store::Store;

/// Domains that are nobody's (RFC 2606, RFC 6761).
const RESERVED: [&str; 4] = ["test", "example", "invalid", "localhost"];

/// A record type that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    Cname,
    Mx,
    Txt,
}

/// What a look-up gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Values as the record shows them, names in lower case without a final dot, text without quotes.
    Values(Vec<String>),
    /// The name has no such record.
    NoData,
    /// There is no such name.
    NoName,
    /// The servers could not be asked.
    Fault,
}

/// Where records are looked up.
#[derive(Clone)]
pub struct Dns {
    store: Store,
    world: Option<TokioResolver>,
}

impl RecordKind {
    /// The type as zone files write it.
    pub fn word(self) -> &'static str {
        match self {
            RecordKind::Cname => "CNAME",
            RecordKind::Mx => "MX",
            RecordKind::Txt => "TXT",
        }
    }

    fn wire(self) -> RecordType {
        match self {
            RecordKind::Cname => RecordType::CNAME,
            RecordKind::Mx => RecordType::MX,
            RecordKind::Txt => RecordType::TXT,
        }
    }
}

impl Dns {
    /// Knows the local zone only: nothing is asked of the world.
    pub fn local(store: Store) -> Dns {
        Dns { store, world: None }
    }

    /// Asks the system's resolver for what the local zone does not hold.
    pub fn with_system_resolver(store: Store) -> Result<Dns> {
        let mut builder = TokioResolver::builder_tokio()?;
        // Records are looked for before they are there; an answer of then must not be the answer of now.
        builder.options_mut().cache_size = 0;
        Ok(Dns { store, world: Some(builder.build()?) })
    }

    /// Looks a name up.
    pub async fn look_up(&self, name: &str, kind: RecordKind) -> Result<Found> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let asked = name.clone();
        let here = self.store.read(move |tx| tx.zone_values(&asked, kind.word())).await?;
        if !here.is_empty() {
            return Ok(Found::Values(here.iter().map(|value| plain(value)).collect()));
        }
        match &self.world {
            Some(resolver) if !is_reserved(&name) => Ok(ask(resolver, &name, kind).await),
            _ => Ok(Found::NoName),
        }
    }
}

/// Whether a name lies in a domain that is kept for tests and never asked of the world.
pub fn is_reserved(name: &str) -> bool {
    let top = name.rsplit('.').next().unwrap_or_default();
    let second_level = |domain: &str| name == domain || name.ends_with(&format!(".{domain}"));
    RESERVED.contains(&top)
        || ["example.com", "example.net", "example.org"].iter().any(|name| second_level(name))
}

async fn ask(resolver: &TokioResolver, name: &str, kind: RecordKind) -> Found {
    // The final dot keeps the system's search domains out.
    match resolver.lookup(format!("{name}."), kind.wire()).await {
        Ok(lookup) => {
            let values: Vec<String> =
                lookup.answers().iter().filter_map(|record| value_of(&record.data, kind)).collect();
            if values.is_empty() { Found::NoData } else { Found::Values(values) }
        }
        Err(error) if error.is_nx_domain() => Found::NoName,
        Err(error) if error.is_no_records_found() => Found::NoData,
        Err(_) => Found::Fault,
    }
}

fn value_of(data: &RData, kind: RecordKind) -> Option<String> {
    match (data, kind) {
        (RData::CNAME(name), RecordKind::Cname) => Some(plain(&name.0.to_ascii())),
        (RData::MX(mx), RecordKind::Mx) => {
            Some(plain(&format!("{} {}", mx.preference, mx.exchange.to_ascii())))
        }
        (RData::TXT(txt), RecordKind::Txt) => {
            Some(txt.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect())
        }
        _ => None,
    }
}

/// Takes off what spellings of one value differ in.
pub fn plain(value: &str) -> String {
    let value = value.trim();
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(text) => text.to_owned(),
        None if value.contains('=') => value.to_owned(),
        None => value.trim_end_matches('.').to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_tests_never_leave_the_machine() {
        for name in
            ["shop.test", "a.shop.example", "localhost", "x.localhost", "mail.example.com", "a.invalid"]
        {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["shop.com", "example.de", "notexample.com", "test.org"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn values_compare_without_case_dots_and_quotes() {
        assert_eq!(plain("Tok.DKIM.amazonses.com."), "tok.dkim.amazonses.com");
        assert_eq!(plain("\"v=spf1 include:amazonses.com ~all\""), "v=spf1 include:amazonses.com ~all");
        assert_eq!(plain("p=AbC="), "p=AbC=");
    }
}
