//! Proves identities: addresses by a link in a mail, domains by their DNS records.

use std::collections::BTreeMap;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_store::{Purpose, Timestamp, Tx, random};

use crate::Mail;
use crate::address::{Address, Mailbox};
use crate::dns::{Dns, Found, RecordKind, plain};
use crate::draft::{Draft, Sender};
use crate::identity::{DnsRecord, Identity, Look, MORE_THAN_ONE};
use crate::message::Message;
use crate::sandbox::{self, DAY_MS};
use crate::unsent::Unsent;

/// How long the link in the mail works.
const LINK_MS: i64 = 24 * 3_600_000;
/// Domains looked at in one round.
const ROUND: i64 = 20;

impl Mail {
    /// Sends the mail whose link verifies an address; earlier links end.
    pub(crate) fn ask_for_address(
        &self,
        tx: &mut Tx<'_>,
        address: &Address,
        now: Timestamp,
    ) -> Result<(), Unsent> {
        let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
        let mac = tx.keys().mac(Purpose::Handle, &[b"ses verify", token.as_bytes()]);
        tx.put_identity_token(&address.spelling(), &mac, now.plus_ms(LINK_MS))?;
        let mut draft = Draft::new(self.verification_mail(address, &token), "Verify sender address");
        draft.expires = Some(now.plus_ms(LINK_MS));
        self.send(tx, &Sender::House, &draft, now).map(drop)
    }

    fn verification_mail(&self, address: &Address, token: &str) -> Message {
        let (region, url) = (&self.settings.region, &self.settings.public_url);
        let link = format!("{url}/ses/verify?token={token}");
        let shown = address.spelling();
        let account = &self.settings.account;
        let text = format!(
            "Somebody asked to send mail as {shown} from account {account} in region {region}.\n\n\
             If that was you, open this link and confirm. It works for 24 hours, once:\n\n{link}\n\n\
             If it was not you, ignore this mail. Without your confirmation nobody can send as this address.\n"
        );
        let escaped = shown.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;");
        let html = format!(
            "<!doctype html><html lang=\"en\"><meta name=\"color-scheme\" content=\"light dark\">\
             <body style=\"font-family:system-ui,sans-serif\">\
             <p>Somebody asked to send mail as <b>{escaped}</b> from account {account} in region {region}.</p>\
             <p>If that was you, open this link and confirm. It works for 24 hours, once:</p>\
             <p><a href=\"{link}\">{link}</a></p>\
             <p>If it was not you, ignore this mail. Without your confirmation nobody can send as this address.</p>\
             </body></html>"
        );
        Message {
            from: self.settings.default_sender.clone(),
            to: vec![Mailbox::from(address.clone())],
            cc: Vec::new(),
            reply_to: Vec::new(),
            subject: format!("Email Address Verification Request in region {region}"),
            text: Some(text),
            html: Some(html),
            language: Some("en".to_owned()),
            automatic: true,
            headers: Vec::new(),
        }
    }

    /// Tells which address a link would verify, and spends nothing. Link scanners look, too.
    pub async fn peek_address(&self, token: &str) -> Result<Option<String>> {
        let (token, now) = (token.to_owned(), self.clock.now());
        self.store
            .read(move |tx| {
                for mac in tx.keys().macs(Purpose::Handle, &[b"ses verify", token.as_bytes()]) {
                    if let Some(name) = tx.identity_of_token(&mac, now)? {
                        return Ok(Some(name));
                    }
                }
                Ok(None)
            })
            .await
    }

    /// Verifies the address whose link this is; nothing if the link is spent, late or unknown.
    pub async fn confirm_address(&self, token: &str) -> Result<Option<String>> {
        let (token, now) = (token.to_owned(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_ses()?;
                for mac in tx.keys().macs(Purpose::Handle, &[b"ses verify", token.as_bytes()]) {
                    if let Some(name) = tx.spend_identity_token(&mac, now)? {
                        return Ok(Some(name));
                    }
                }
                Ok(None)
            })
            .await
    }

    /// Looks at an identity's records now and writes down what it found; nothing if there is no such identity.
    pub async fn check_identity(&self, name: &str) -> Result<Option<Identity>> {
        let asked = name.to_owned();
        let found = self.store.read(move |tx| tx.find_identity(&asked)).await?;
        let Some(identity) = found.map(Identity::try_from).transpose()? else { return Ok(None) };
        let (mut dkim, mut mail_from, mut looks) = (None, None, BTreeMap::new());
        // Where the keys stand in a zone of our own, a CNAME that leads there proves nothing before the key is there, too.
        for record in identity.all_records(&self.settings.hosts) {
            let found = look(&self.dns, &record).await?;
            looks.insert(record.key(), found.word().to_owned());
            if record.is_dkim() {
                dkim = Some(dkim.map_or(found, |before| worse(before, found)));
            } else if record.kind == "MX" {
                mail_from = Some(found);
            }
        }
        let (name, now) = (name.to_owned(), self.clock.now());
        self.store
            .write(move |tx| {
                tx.lock_ses()?;
                // The identity may have changed while we looked; what was seen is said of its records only.
                let Some(row) = tx.find_identity(&name)? else { return Ok(None) };
                let mut current = Identity::try_from(row)?;
                let own =
                    |identity: &Identity| identity.notes.mail_from.as_ref().map(|own| own.domain.clone());
                let same_mail_from = own(&current) == own(&identity);
                if current.notes.selectors == identity.notes.selectors {
                    current.looked(dkim, mail_from.filter(|_| same_mail_from), now);
                    current.notes.looks.clone_from(&looks);
                    tx.change_identity(&current.row()?)?;
                }
                anyhow::Ok(Some(current))
            })
            .await
    }

    /// Looks at every identity whose records are due, ends links that nobody opened, and forgets old counts.
    pub(crate) async fn look_after_identities(&self) -> Result<()> {
        let now = self.clock.now();
        let due = self
            .store
            .write(move |tx| {
                tx.lock_ses()?;
                tx.fail_unopened_identities(now)?;
                tx.forget_sends_before(sandbox::slot(now.minus_ms(DAY_MS + sandbox::SLOT_MS)))?;
                tx.identities_to_check(now, ROUND)
            })
            .await?;
        for identity in due {
            self.check_identity(&identity.name).await?;
        }
        Ok(())
    }
}

/// Looks one record of a domain up: whether it stands.
pub async fn look(dns: &Dns, record: &DnsRecord) -> Result<Look> {
    let kind = match record.kind {
        "CNAME" => RecordKind::Cname,
        "MX" => RecordKind::Mx,
        _ => RecordKind::Txt,
    };
    let wanted = plain(&record.value);
    Ok(match dns.look_up(&record.name, kind).await? {
        Found::Values(values) if kind == RecordKind::Mx && values.len() > 1 => Look::Missing(MORE_THAN_ONE),
        Found::Values(values) if values.iter().any(|value| stands(value, &wanted)) => Look::Found,
        Found::Values(_) => Look::Missing("INVALID_VALUE"),
        Found::NoData => Look::Missing("TYPE_NOT_FOUND"),
        Found::NoName => Look::Missing("HOST_NOT_FOUND"),
        Found::Fault => Look::Unknown("DNS_SERVER_ERROR"),
    })
}

/// Whether a record says what it should. A published key may carry more tags than the one that counts, an SPF record may
/// let others send, too, and what a domain says of DMARC is its own affair.
fn stands(value: &str, wanted: &str) -> bool {
    let same_key = || key_of(wanted).is_some_and(|key| key_of(value) == Some(key));
    let same_include = || {
        wanted.split(' ').find(|word| word.starts_with("include:")).is_some_and(|include| {
            value.starts_with("v=spf1 ") && value.split(' ').any(|word| word == include)
        })
    };
    let both_dmarc = || [value, wanted].iter().all(|text| text.starts_with("v=DMARC1"));
    value == wanted || same_key() || same_include() || both_dmarc()
}

/// The public key in a DKIM record (RFC 6376 §3.6.1).
fn key_of(record: &str) -> Option<String> {
    let tags = record.split(';').map(|tag| tag.replace([' ', '\t'], "")).filter(|tag| !tag.is_empty());
    let mut key = None;
    for (place, tag) in tags.enumerate() {
        match tag.split_once('=')? {
            ("v", version) if place > 0 || version != "DKIM1" => return None,
            ("p", found) => key = Some(found.to_owned()),
            _ => {}
        }
    }
    key
}

fn worse(one: Look, other: Look) -> Look {
    match (one, other) {
        (Look::Found, other) => other,
        (Look::Unknown(_), Look::Missing(why)) => Look::Missing(why),
        (one, _) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_stands_when_it_says_what_counts() {
        assert!(stands("v=DKIM1; k=rsa; p=AbC", "p=AbC"));
        assert!(!stands("v=DKIM1; p=abc", "p=AbC"));
        assert!(stands("p=AbC", "v=DKIM1; k=rsa; p=AbC"));
        assert!(stands("v=DKIM1; k=rsa; p=AbC; ", "v=DKIM1; k=rsa; p=AbC"));
        assert!(!stands("v=DKIM1; k=rsa; p=", "v=DKIM1; k=rsa; p=AbC"));
        assert!(!stands("no key at all", "p=AbC"));
        assert!(stands("v=spf1 mx include:a.test include:b.test -all", "v=spf1 include:b.test ~all"));
        assert!(!stands("v=spf1 mx -all", "v=spf1 include:b.test ~all"));
        assert!(stands("v=DMARC1; p=reject", "v=DMARC1; p=none;"));
        assert!(stands("tok.dkim.amazonses.com", "tok.dkim.amazonses.com"));
        assert_eq!(worse(Look::Found, Look::Missing("X")), Look::Missing("X"));
        assert_eq!(worse(Look::Unknown("D"), Look::Found), Look::Unknown("D"));
    }
}
