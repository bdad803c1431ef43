//! Mails that come back: what a status says of an address (RFC 3463), return paths that carry a tag, and the reports that
//! other mail servers send to them (RFC 3464). A report is believed for the address that its tag was made for, and for no
//! other: nobody but who received the mail can know the tag.

use anyhow::{Context as _, Result};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use mail_parser::{Message, MessageParser, MimeHeaders as _, PartType};
use postern_store::{Keys, Purpose, Timestamp, Tx};

use crate::Mail;
use crate::address::Address;
use crate::notices::Noticed;
use crate::sandbox::DAY_MS;
use crate::suppression::suppress;

/// How long after its mail a report is taken; mail servers try for five days (RFC 5321 §4.5.4.1).
const TAG_DAYS: i64 = 10;
/// Octets of the keyed hash in a tag.
const MAC_LEN: usize = 16;
/// Octets of a tag: its last day, and the keyed hash.
const TAG_LEN: usize = 2 + MAC_LEN;

/// What a status code says (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nobody reads mail at the address, and nobody will.
    Gone,
    /// The other side does not want our mail: it is ours to mend.
    Unwanted,
    /// A full mailbox, a server that is down: another mail may do better.
    Passing,
}

/// Finds the status in what a mail server said, such as `550 5.1.1 no such user`.
pub fn fate(reply: &str) -> Option<Fate> {
    let status = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        let numbers: Option<Vec<u16>> = word.split('.').map(|number| number.parse().ok()).collect();
        <[u16; 3]>::try_from(numbers?).ok()
    };
    let status = reply.split(|c: char| c.is_whitespace() || c == '-').find_map(status)?;
    match status {
        // 5.1.7 to 5.1.9 speak of the sender.
        [5, 1, 0..=6 | 10] | [5, 2, 1] => Some(Fate::Gone),
        [5, 1 | 7, _] => Some(Fate::Unwanted),
        [4 | 5, ..] => Some(Fate::Passing),
        _ => None,
    }
}

/// A return path that carries a tag for one recipient: `bounces+TAG@…`. One that is too long for a tag stays as it is.
pub(crate) fn tagged(keys: &Keys, path: &Address, to: &Address, now: Timestamp) -> Address {
    let last_day = day(now) + TAG_DAYS as u16;
    let mut tag = last_day.to_be_bytes().to_vec();
    tag.extend_from_slice(
        &keys.mac(Purpose::Mail, &hashed(&to.canonical(), &last_day.to_be_bytes()))[..MAC_LEN],
    );
    let tag: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    Address::parse(&format!("{}+{tag}@{}", path.local(), path.domain())).unwrap_or_else(|_| path.clone())
}

/// Whether a tag was made for a recipient, and its time is not over.
fn is_for(keys: &Keys, tag: &[u8; TAG_LEN], to: &Address, now: Timestamp) -> bool {
    let last_day = u16::from_be_bytes([tag[0], tag[1]]);
    let is_ours = keys
        .macs(Purpose::Mail, &hashed(&to.canonical(), &tag[..2]))
        .iter()
        .fold(false, |found, mac| found | verify_slices_are_equal(&mac[..MAC_LEN], &tag[2..]).is_ok());
    is_ours && day(now) <= last_day
}

/// What a tag's hash is over.
fn hashed<'a>(to: &'a str, last_day: &'a [u8]) -> [&'a [u8]; 3] {
    [b"return path", to.as_bytes(), last_day]
}

fn day(time: Timestamp) -> u16 {
    u16::try_from(time.ms() / DAY_MS).unwrap_or(u16::MAX)
}

/// What a report says of one recipient.
struct Reported {
    /// Whom it names: as the sender wrote it, and as the last server knew it.
    recipients: Vec<Address>,
    fate: Fate,
    status: String,
}

/// The tag in the address that a report was sent to.
fn tag_of(report: &Message<'_>) -> Option<[u8; TAG_LEN]> {
    report.to()?.iter().filter_map(|to| to.address()).find_map(|to| {
        let (local, _) = to.rsplit_once('@')?;
        let (_, tag) = local.rsplit_once('+')?;
        let octets = tag.as_bytes().chunks(2).map(|two| {
            let two = std::str::from_utf8(two).ok().filter(|two| two.len() == 2)?;
            u8::from_str_radix(two, 16).ok()
        });
        octets.collect::<Option<Vec<u8>>>()?.try_into().ok()
    })
}

/// What a report says of those whom it could not reach for good or for now (RFC 3464 §2.3).
fn reported(report: &Message<'_>) -> Vec<Reported> {
    let is_status = |part: &&mail_parser::MessagePart<'_>| {
        part.content_type().is_some_and(|kind| {
            kind.ctype().eq_ignore_ascii_case("message")
                && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("delivery-status"))
        })
    };
    let Some(part) = report.parts.iter().find(is_status) else { return Vec::new() };
    let text = match &part.body {
        PartType::Text(text) => text.replace("\r\n", "\n"),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            String::from_utf8_lossy(bytes).replace("\r\n", "\n")
        }
        _ => return Vec::new(),
    };
    // The first group of fields is about the message, each other one about a recipient.
    text.split("\n\n").skip(1).filter_map(about_one).collect()
}

fn about_one(group: &str) -> Option<Reported> {
    let field = |name: &str| {
        group.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    field("Action").filter(|action| action.eq_ignore_ascii_case("failed"))?;
    let status = field("Status")?;
    let address = |name: &str| {
        let (kind, address) = field(name)?.split_once(';')?;
        let address = address.trim().trim_start_matches('<').trim_end_matches('>');
        kind.trim().eq_ignore_ascii_case("rfc822").then(|| Address::parse(address).ok()).flatten()
    };
    Some(Reported {
        recipients: ["Original-Recipient", "Final-Recipient"].into_iter().filter_map(address).collect(),
        fate: fate(status)?,
        status: status.chars().take(16).collect(),
    })
}

impl Mail {
    /// Where bounces of a mail go: with a tag, where reports that come there are shown to us.
    pub(crate) fn return_path(&self, path: &Address, to: &Address) -> Address {
        if self.settings.report_domains.iter().any(|domain| domain == path.domain()) {
            tagged(self.store.keys(), path, to, self.clock.now())
        } else {
            path.clone()
        }
    }

    /// Whether reports are believed at all.
    pub fn takes_reports(&self) -> bool {
        !self.settings.report_domains.is_empty()
    }

    /// Judges a mail that came to a return path of ours, and does what it says, once.
    pub async fn take_report(&self, bytes: &[u8]) -> Result<Noticed> {
        let now = self.clock.now();
        let Some(report) = MessageParser::default().parse(bytes) else {
            return Ok(Noticed::Refused("This is no mail."));
        };
        let Some(tag) = tag_of(&report) else {
            return Ok(Noticed::Refused("The mail was not sent to a return path of ours."));
        };
        let all = reported(&report);
        if all.is_empty() {
            return Ok(Noticed::Refused("The mail does not report that another one failed."));
        }
        let keys = self.store.keys();
        let found = all.into_iter().find_map(|one| {
            let to = one.recipients.iter().find(|to| is_for(keys, &tag, to, now))?.clone();
            Some((to, one))
        });
        let Some((to, one)) = found else {
            return Ok(Noticed::Refused("The return path is not that of a mail to this address."));
        };
        match one.fate {
            Fate::Passing => return Ok(Noticed::Taken),
            Fate::Unwanted => {
                tracing::warn!(status = one.status, domain = to.domain(), "our mail is not wanted there");
                return Ok(Noticed::Taken);
            }
            Fate::Gone => {}
        }
        let (mail, tag) = (self.clone(), tag.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        self.store
            .write(move |tx: &mut Tx<'_>| {
                let ever = Timestamp::from_ms(0);
                if tx.count("bounce reports", &tag, ever, now.plus_ms((TAG_DAYS + 1) * DAY_MS))? > 1 {
                    return Ok(());
                }
                suppress(&mail, tx, &to, "BOUNCE", &format!("report {}", one.status), now)
            })
            .await
            .context("a report could not be written down")?;
        Ok(Noticed::Taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_whether_the_address_is_gone() {
        for (reply, told) in [
            ("550 5.1.1 no such user", Some(Fate::Gone)),
            ("550-5.1.1 The email account that you tried to reach does not exist", Some(Fate::Gone)),
            ("5.1.10 (null MX)", Some(Fate::Gone)),
            ("5.2.1", Some(Fate::Gone)),
            ("550 5.7.26 unauthenticated", Some(Fate::Unwanted)),
            ("550 5.1.8 sender rejected", Some(Fate::Unwanted)),
            ("552 5.2.2 mailbox full", Some(Fate::Passing)),
            ("4.4.7", Some(Fate::Passing)),
            ("550 no such user", None),
            ("connecting to 10.0.0.1 failed", None),
            ("", None),
        ] {
            assert_eq!(fate(reply), told, "{reply}");
        }
    }

    #[test]
    fn a_tag_is_good_for_one_address_and_some_days() {
        let keys = Keys::new(&[[7; 32]]).expect("keys");
        let now = Timestamp::from_ms(1_700_000_000_000);
        let address = |text: &str| Address::parse(text).expect("an address");
        let path = tagged(&keys, &address("bounces@mail.test"), &address("Jo@x.test"), now);
        let report = format!("To: <{}>\r\n\r\nhello\r\n", path.spelling().to_uppercase());
        let report = MessageParser::default().parse(report.as_bytes()).expect("a mail");
        let tag = tag_of(&report).expect("a tag");
        assert!(is_for(&keys, &tag, &address("jo@x.test"), now.plus_ms(TAG_DAYS * DAY_MS)));
        assert!(!is_for(&keys, &tag, &address("jo@x.test"), now.plus_ms((TAG_DAYS + 1) * DAY_MS)));
        assert!(!is_for(&keys, &tag, &address("al@x.test"), now));
        let mut longer = tag;
        longer[1] = longer[1].wrapping_add(9);
        assert!(!is_for(&keys, &longer, &address("jo@x.test"), now));
    }
}
