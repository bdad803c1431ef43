//! An identity that mail is sent as, an address or a domain: its state, the DNS records that prove a domain, and
//! the rules by which looks at those records move it from state to state.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use postern_store::mail::IdentityRow;
use postern_store::{Timestamp, random};
use serde::{Deserialize, Serialize};

use crate::address::{Address, BadAddress, domain_of};
use crate::dkim;

/// How long records may take to appear, or be lost, before the identity fails.
const PATIENCE_MS: i64 = 72 * HOUR_MS;
const HOUR_MS: i64 = 3_600_000;
/// Easy DKIM tokens: as many, as long, and of these letters.
const TOKENS: usize = 3;
const TOKEN_LENGTH: usize = 32;
const TOKEN_LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Whether an identity is one address or a whole domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Address,
    Domain,
}

/// How far an identity, or a domain's MAIL FROM, has been proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Pending,
    Success,
    Failed,
    TemporaryFailure,
}

impl Kind {
    /// The service's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Address => "EMAIL_ADDRESS",
            Kind::Domain => "DOMAIN",
        }
    }
}

impl Status {
    /// The service's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Pending => "PENDING",
            Status::Success => "SUCCESS",
            Status::Failed => "FAILED",
            Status::TemporaryFailure => "TEMPORARY_FAILURE",
        }
    }

    fn of(word: &str) -> Result<Status> {
        [Status::Pending, Status::Success, Status::Failed, Status::TemporaryFailure]
            .into_iter()
            .find(|status| status.word() == word)
            .context("an identity is in an unknown state")
    }

    /// Whether mail may be sent: a domain whose records were lost keeps its right for 72 hours.
    pub fn may_send(self) -> bool {
        matches!(self, Status::Success | Status::TemporaryFailure)
    }
}

/// Tells from the stored word alone whether mail may be sent.
pub fn may_send(word: &str) -> bool {
    Status::of(word).is_ok_and(Status::may_send)
}

/// An identity.
#[derive(Clone)]
pub struct Identity {
    pub name: String,
    pub kind: Kind,
    pub status: Status,
    pub notes: Notes,
    pub private_key: Option<Vec<u8>>,
    pub check: Option<Timestamp>,
    pub created: Timestamp,
}

/// What belongs to an identity and is never searched for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notes {
    /// Bounces are forwarded by mail.
    pub feedback: bool,
    /// Mails of the domain are signed.
    pub signing: bool,
    /// Selectors of the domain's key: three tokens, or the operator's own one.
    pub selectors: Vec<String>,
    /// The key is the operator's own (BYODKIM).
    pub own_key: bool,
    /// The public half of the key, base64 of SubjectPublicKeyInfo.
    pub public_key: String,
    pub key_ms: i64,
    pub mail_from: Option<MailFrom>,
    pub configuration_set: Option<String>,
    pub tags: Vec<(String, String)>,
    /// When the present state of search or loss began.
    pub since_ms: i64,
    pub checked_ms: Option<i64>,
    pub seen_ms: Option<i64>,
    /// What the last look found wrong, in the service's word.
    pub error: Option<String>,
    /// What it found of each record.
    #[serde(default)]
    pub looks: BTreeMap<String, String>,
}

/// A domain's own envelope domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFrom {
    pub domain: String,
    pub reject_on_failure: bool,
    pub status: Status,
    pub since_ms: i64,
}

/// A key that the operator made.
pub struct OwnKey {
    pub selector: String,
    pub private_key: Vec<u8>,
}

/// A DNS record to publish, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsRecord {
    pub name: String,
    pub kind: &'static str,
    pub value: String,
    pub purpose: &'static str,
}

impl DnsRecord {
    /// Names the record among those of its identity.
    pub fn key(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// Whether mail of the domain can be verified without it.
    pub fn is_dkim(&self) -> bool {
        self.purpose.starts_with("DKIM")
    }
}

/// Where the records of domains point to.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// Holds the public keys: `<token>.<this>`.
    pub dkim_zone: String,
    /// Receives bounces for custom MAIL FROM domains.
    pub feedback: String,
    /// What an SPF record includes.
    pub spf: String,
}

impl Hosts {
    /// The names that the real service prints, so that plans and documents match.
    pub fn like_aws(region: &str) -> Hosts {
        Hosts {
            dkim_zone: "dkim.amazonses.com".to_owned(),
            feedback: format!("feedback-smtp.{region}.amazonses.com"),
            spf: "amazonses.com".to_owned(),
        }
    }

    /// Whether the keys are published where we said they would be, and so a signature can be verified.
    pub fn are_ours(&self) -> bool {
        !self.dkim_zone.ends_with("amazonses.com")
    }
}

/// Reads the name of an identity: an address (domain folded) or a domain.
pub fn identity_name(text: &str) -> Result<(String, Kind), BadAddress> {
    if text.contains('@') {
        Ok((Address::parse(text)?.spelling(), Kind::Address))
    } else {
        Ok((domain_of(text)?, Kind::Domain))
    }
}

impl Identity {
    /// An address that waits for its link to be opened.
    pub fn address(name: String, now: Timestamp) -> Identity {
        let notes = Notes {
            feedback: true,
            signing: false,
            selectors: Vec::new(),
            own_key: false,
            public_key: String::new(),
            key_ms: now.ms(),
            mail_from: None,
            configuration_set: None,
            tags: Vec::new(),
            since_ms: now.ms(),
            checked_ms: None,
            seen_ms: None,
            error: None,
            looks: BTreeMap::new(),
        };
        Identity {
            name,
            kind: Kind::Address,
            status: Status::Pending,
            notes,
            private_key: None,
            check: None,
            created: now,
        }
    }

    /// A domain that waits for its records, with a fresh key or the operator's own. Makes RSA keys: slow.
    pub fn domain(name: String, own: Option<OwnKey>, now: Timestamp) -> Result<Identity> {
        let own_key = own.is_some();
        let (selectors, private_key) = match own {
            Some(own) => (vec![own.selector], own.private_key),
            None => {
                let token = |_| random::text(TOKEN_LETTERS, TOKEN_LENGTH);
                ((0..TOKENS).map(token).collect(), dkim::generate()?)
            }
        };
        let public_key = dkim::public_half(&private_key)?;
        let mut identity = Identity::address(name, now);
        identity.kind = Kind::Domain;
        identity.notes = Notes { signing: true, selectors, own_key, public_key, ..identity.notes };
        identity.private_key = Some(private_key);
        identity.check = Some(now);
        Ok(identity)
    }

    /// All records that belong to it, in whoever's zone they stand.
    pub fn all_records(&self, hosts: &Hosts) -> Vec<DnsRecord> {
        let mut all = self.records(hosts);
        all.extend(self.zone_records(hosts));
        all
    }

    /// Lists the records to publish for a domain, and those of a MAIL FROM domain; else none for an address.
    pub fn records(&self, hosts: &Hosts) -> Vec<DnsRecord> {
        let record = |name: String, kind, value, purpose| DnsRecord { name, kind, value, purpose };
        let mut records = Vec::new();
        for selector in &self.notes.selectors {
            let name = format!("{selector}._domainkey.{}", self.name);
            records.push(if self.notes.own_key {
                record(name, "TXT", format!("p={}", self.notes.public_key), "DKIM")
            } else {
                record(name, "CNAME", format!("{selector}.{}", hosts.dkim_zone), "DKIM")
            });
        }
        if let Some(mail_from) = &self.notes.mail_from {
            let domain = &mail_from.domain;
            records.push(record(domain.clone(), "MX", format!("10 {}", hosts.feedback), "MAIL FROM"));
            let spf = format!("\"v=spf1 include:{} ~all\"", hosts.spf);
            records.push(record(domain.clone(), "TXT", spf, "SPF"));
        }
        if self.kind == Kind::Domain {
            let dmarc = "\"v=DMARC1; p=none;\"".to_owned();
            records.push(record(format!("_dmarc.{}", self.name), "TXT", dmarc, "DMARC (suggested)"));
        }
        records
    }

    /// The records that whoever runs the DKIM zone publishes there, so that the CNAMEs lead to a key.
    pub fn zone_records(&self, hosts: &Hosts) -> Vec<DnsRecord> {
        if self.notes.own_key || !hosts.are_ours() {
            return Vec::new();
        }
        let record = |selector: &String| DnsRecord {
            name: format!("{selector}.{}", hosts.dkim_zone),
            kind: "TXT",
            value: format!("\"v=DKIM1; k=rsa; p={}\"", self.notes.public_key),
            purpose: "DKIM key",
        };
        self.notes.selectors.iter().map(record).collect()
    }

    /// Writes down a look at the records: whether a domain's DKIM records stand, whether MAIL FROM's does.
    pub fn looked(&mut self, dkim: Option<Look>, mail_from: Option<Look>, now: Timestamp) {
        self.notes.checked_ms = Some(now.ms());
        if let Some(dkim) = dkim {
            let next = step(self.status, self.notes.since_ms, &dkim, now);
            if next != self.status {
                self.notes.since_ms = now.ms();
                self.status = next;
            }
            match dkim {
                Look::Found => {
                    self.notes.seen_ms = Some(now.ms());
                    self.notes.error = None;
                }
                Look::Missing(error) | Look::Unknown(error) => self.notes.error = Some(error.to_owned()),
            }
        }
        if let (Some(own), Some(look)) = (&mut self.notes.mail_from, mail_from) {
            let next = match look {
                Look::Missing(MORE_THAN_ONE) => Status::Failed,
                look => step(own.status, own.since_ms, &look, now),
            };
            if next != own.status {
                own.since_ms = now.ms();
                own.status = next;
            }
        }
        // An address alone has no records.
        let has_records = self.kind == Kind::Domain || self.notes.mail_from.is_some();
        self.check = has_records.then(|| now.plus_ms(self.pause_ms(now)));
    }

    /// How long until the next look: short while somebody waits for the records, a day once all stands.
    fn pause_ms(&self, now: Timestamp) -> i64 {
        let searching = |status| matches!(status, Status::Pending | Status::TemporaryFailure);
        let mut since = Vec::new();
        if self.kind == Kind::Domain && searching(self.status) {
            since.push(self.notes.since_ms);
        }
        if let Some(own) = self.notes.mail_from.as_ref().filter(|own| searching(own.status)) {
            since.push(own.since_ms);
        }
        let Some(since_ms) = since.into_iter().max() else { return 24 * HOUR_MS };
        match now.ms() - since_ms {
            ..60_000 => 10_000,
            60_000..600_000 => 60_000,
            600_000..HOUR_MS => 300_000,
            _ => 900_000,
        }
    }
}

/// A custom MAIL FROM domain has more than one MX record: the service gives up at once.
pub const MORE_THAN_ONE: &str = "INVALID_VALUE";

/// What a look at some records gave, with the service's word for what is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Found,
    Missing(&'static str),
    /// The look itself failed, which says nothing about the records.
    Unknown(&'static str),
}

impl Look {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Look::Found => "FOUND",
            Look::Missing(word) | Look::Unknown(word) => word,
        }
    }
}

fn step(status: Status, since_ms: i64, look: &Look, now: Timestamp) -> Status {
    let overdue = now.ms() - since_ms >= PATIENCE_MS;
    match (look, status) {
        (Look::Found, _) => Status::Success,
        (Look::Unknown(_), status) => status,
        (Look::Missing(_), Status::Success) => Status::TemporaryFailure,
        (Look::Missing(_), Status::Pending | Status::TemporaryFailure) if overdue => Status::Failed,
        (Look::Missing(_), status) => status,
    }
}

impl TryFrom<IdentityRow> for Identity {
    type Error = anyhow::Error;

    fn try_from(row: IdentityRow) -> Result<Identity> {
        Ok(Identity {
            kind: if row.kind == Kind::Domain.word() { Kind::Domain } else { Kind::Address },
            status: Status::of(&row.status)?,
            notes: serde_json::from_str(&row.config).context("an identity's notes do not read")?,
            name: row.name,
            private_key: row.private_key,
            check: row.check,
            created: row.created,
        })
    }
}

impl Identity {
    /// The form the store keeps.
    pub fn row(&self) -> Result<IdentityRow> {
        Ok(IdentityRow {
            name: self.name.clone(),
            kind: self.kind.word().to_owned(),
            status: self.status.word().to_owned(),
            config: serde_json::to_string(&self.notes)?,
            private_key: self.private_key.clone(),
            check: self.check,
            created: self.created,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_ms(1_700_000_000_000);

    fn shop() -> Identity {
        Identity::domain("shop.example".to_owned(), None, START).expect("a domain")
    }

    #[test]
    fn a_domain_shows_its_records_exactly() {
        let mut shop = shop();
        let mail_from = MailFrom {
            domain: "bounce.shop.example".to_owned(),
            reject_on_failure: false,
            status: Status::Pending,
            since_ms: 0,
        };
        shop.notes.mail_from = Some(mail_from);
        let records = shop.records(&Hosts::like_aws("eu-west-1"));
        let token = &shop.notes.selectors[0];
        assert_eq!(shop.notes.selectors.len(), 3);
        assert_eq!(token.len(), 32);
        let shown: Vec<_> = records.iter().map(|r| (r.name.as_str(), r.kind, r.value.as_str())).collect();
        assert_eq!(
            shown[0],
            (
                format!("{token}._domainkey.shop.example").as_str(),
                "CNAME",
                format!("{token}.dkim.amazonses.com").as_str()
            )
        );
        assert_eq!(
            shown[3..],
            [
                ("bounce.shop.example", "MX", "10 feedback-smtp.eu-west-1.amazonses.com"),
                ("bounce.shop.example", "TXT", "\"v=spf1 include:amazonses.com ~all\""),
                ("_dmarc.shop.example", "TXT", "\"v=DMARC1; p=none;\""),
            ]
        );
        assert!(shop.zone_records(&Hosts::like_aws("eu-west-1")).is_empty());
        assert!(
            Identity::address("a@b.test".to_owned(), START).records(&Hosts::like_aws("eu-west-1")).is_empty()
        );
    }

    #[test]
    fn records_move_a_domain_through_its_states() {
        let mut shop = shop();
        let missing = Look::Missing("HOST_NOT_FOUND");
        shop.looked(Some(missing), None, START);
        assert_eq!((shop.status, shop.check), (Status::Pending, Some(START.plus_ms(10_000))));
        shop.looked(Some(Look::Found), None, START.plus_ms(10_000));
        assert_eq!((shop.status, shop.notes.error.as_deref()), (Status::Success, None));
        shop.looked(Some(Look::Unknown("DNS_SERVER_ERROR")), None, START.plus_ms(HOUR_MS));
        assert_eq!(shop.status, Status::Success, "a server that fails proves nothing");
        let lost = START.plus_ms(2 * HOUR_MS);
        shop.looked(Some(missing), None, lost);
        assert_eq!(shop.status, Status::TemporaryFailure);
        assert!(shop.status.may_send());
        shop.looked(Some(missing), None, lost.plus_ms(71 * HOUR_MS));
        assert_eq!(shop.status, Status::TemporaryFailure);
        shop.looked(Some(missing), None, lost.plus_ms(72 * HOUR_MS));
        assert_eq!(shop.status, Status::Failed);
        shop.looked(Some(Look::Found), None, lost.plus_ms(80 * HOUR_MS));
        assert_eq!(shop.status, Status::Success);
    }

    #[test]
    fn looks_grow_rare() {
        let mut shop = shop();
        let pauses: Vec<i64> = [0, 61_000, 700_000, 2 * HOUR_MS]
            .map(|age| {
                let now = START.plus_ms(age);
                shop.looked(Some(Look::Missing("HOST_NOT_FOUND")), None, now);
                shop.check.expect("a next look").since(now)
            })
            .to_vec();
        assert_eq!(pauses, [10_000, 60_000, 300_000, 900_000]);
        shop.looked(Some(Look::Found), None, START);
        assert_eq!(shop.check, Some(START.plus_ms(24 * HOUR_MS)));
    }

    #[test]
    fn an_identity_comes_back_from_its_row() {
        let shop = shop();
        let again = Identity::try_from(shop.row().expect("a row")).expect("an identity");
        assert_eq!(again.notes.selectors, shop.notes.selectors);
        assert_eq!(again.private_key, shop.private_key);
        assert_eq!((again.kind, again.status), (Kind::Domain, Status::Pending));
    }

    #[test]
    fn names_are_addresses_or_domains() {
        assert_eq!(identity_name("Jo@SHOP.example"), Ok(("Jo@shop.example".to_owned(), Kind::Address)));
        assert_eq!(identity_name("Shop.Example"), Ok(("shop.example".to_owned(), Kind::Domain)));
        assert!(identity_name("not a domain").is_err() && identity_name("").is_err());
    }
}
