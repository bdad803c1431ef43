//! The rules that hold before a mail is accepted: whose addresses are verified, and how much may be sent.
//! Pure: the numbers and verdicts come in, a verdict goes out.

use postern_store::Timestamp;

use crate::address::Address;

/// What the sandbox allows: recipients in 24 hours and a second.
pub const SANDBOX_QUOTA: i64 = 200;
pub const SANDBOX_RATE: i64 = 1;
/// What production access brings, unless the settings say otherwise.
pub const PRODUCTION_QUOTA: i64 = 50_000;
pub const PRODUCTION_RATE: i64 = 14;
/// A quota or rate of this size is none.
pub const UNLIMITED: i64 = -1;

/// To, Cc and Bcc together.
pub const RECIPIENTS_MAX: usize = 50;
/// Recipients are counted by quarters of an hour.
pub const SLOT_MS: i64 = 15 * 60_000;
pub const DAY_MS: i64 = 24 * 3_600_000;
/// Addresses named in one refusal before it is cut.
const NAMED_MAX: usize = 10;
const SIMULATOR: &str = "simulator.amazonses.com";

/// Names the identities that cover an address, the most specific first: itself, itself without its label,
/// its domain, and the domains above.
pub fn covering(address: &Address) -> Vec<String> {
    let mut names = vec![address.spelling()];
    let plain = address.without_label().spelling();
    if plain != names[0] {
        names.push(plain);
    }
    names.extend(domains_above(address.domain()).map(str::to_owned));
    names
}

/// A domain and the domains above it, without the top-level domain alone.
pub fn domains_above(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, above)| above))
        .filter(move |name| name.contains('.') || *name == domain)
}

/// Whether an address belongs to the mailbox simulator, to which anyone may send.
pub fn is_simulator(address: &Address) -> bool {
    address.domain() == SIMULATOR
}

/// Gives the sentence for addresses that should be verified and are not.
pub fn not_verified(region: &str, failed: &[String]) -> String {
    let named = failed.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if failed.len() > NAMED_MAX { ", ..." } else { "" };
    format!(
        "Email address is not verified. The following identities failed the check in region {}: {named}{more}",
        region.to_uppercase()
    )
}

/// The start of the quarter of an hour that a moment lies in.
pub fn slot(now: Timestamp) -> Timestamp {
    Timestamp::from_ms(now.ms().div_euclid(SLOT_MS) * SLOT_MS)
}

/// Judges the daily quota: accepted while any is left, even if the mail then overdraws it.
pub fn within_quota(quota: i64, sent: i64) -> bool {
    quota == UNLIMITED || sent < quota
}

/// A bucket of one second's worth of recipients that may go into debt: a mail to many is accepted while one is
/// left, and then nothing is until the debt is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub rate: i64,
    /// When the whole second's worth is available again.
    pub full: Timestamp,
}

impl Bucket {
    /// How long until one recipient is allowed; 0 if one is now.
    pub fn wait_ms(&self, now: Timestamp) -> i64 {
        if self.rate == UNLIMITED {
            return 0;
        }
        let allowance_ms = 1000 - self.each_ms(1);
        (self.full.since(now) - allowance_ms).max(0)
    }

    /// Takes recipients out, beyond what is there if need be.
    pub fn taken(&self, recipients: i64, now: Timestamp) -> Bucket {
        if self.rate == UNLIMITED {
            return *self;
        }
        Bucket { full: self.full.max(now).plus_ms(self.each_ms(recipients)), ..*self }
    }

    fn each_ms(&self, recipients: i64) -> i64 {
        recipients * 1000 / self.rate.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn an_address_is_covered_by_itself_its_base_and_its_domains() {
        let address = Address::parse("Jo+x@a.b.example.com").expect("an address");
        assert_eq!(
            covering(&address),
            ["Jo+x@a.b.example.com", "Jo@a.b.example.com", "a.b.example.com", "b.example.com", "example.com"]
        );
        let local = Address::parse("dev@localhost").expect("an address");
        assert_eq!(covering(&local), ["dev@localhost", "localhost"]);
    }

    #[test]
    fn one_a_second_means_one_a_second() {
        let bucket = Bucket { rate: 1, full: at(0) };
        assert_eq!(bucket.wait_ms(at(0)), 0);
        let bucket = bucket.taken(1, at(0));
        assert_eq!(bucket.wait_ms(at(0)), 1000);
        assert_eq!(bucket.wait_ms(at(999)), 1);
        assert_eq!(bucket.wait_ms(at(1000)), 0);
    }

    #[test]
    fn a_mail_to_many_goes_into_debt_and_the_debt_is_paid() {
        let bucket = Bucket { rate: 1, full: at(0) }.taken(10, at(0));
        assert_eq!(bucket.wait_ms(at(0)), 10_000);
        assert!(bucket.wait_ms(at(9_999)) > 0 && bucket.wait_ms(at(10_000)) == 0);
    }

    #[test]
    fn a_rate_of_fourteen_allows_fourteen_at_once() {
        let mut bucket = Bucket { rate: 14, full: at(0) };
        for _ in 0..14 {
            assert_eq!(bucket.wait_ms(at(0)), 0);
            bucket = bucket.taken(1, at(0));
        }
        assert!(bucket.wait_ms(at(0)) > 0);
    }

    #[test]
    fn without_limits_nothing_waits() {
        let bucket = Bucket { rate: UNLIMITED, full: at(0) }.taken(50, at(0));
        assert_eq!(bucket.wait_ms(at(0)), 0);
        assert!(within_quota(UNLIMITED, 1_000_000) && within_quota(200, 199) && !within_quota(200, 200));
    }

    #[test]
    fn the_refusal_names_the_region_in_capitals_and_cuts_long_lists() {
        let failed = |count: usize| (0..count).map(|n| format!("u{n}@x.test")).collect::<Vec<_>>();
        assert_eq!(
            not_verified("us-east-1", &failed(2)),
            "Email address is not verified. The following identities failed the check in region US-EAST-1: \
             u0@x.test, u1@x.test"
        );
        assert!(not_verified("us-east-1", &failed(30)).ends_with("u9@x.test, ..."));
    }
}
