//! How often a code may be sent to an address or number, and how many wrong guesses an account bears: pure rules over the
//! ledgers that the store keeps. Defaults are those of the security rules S1, C7 and C8.

use postern_store::Timestamp;
use std::ops::RangeInclusive;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Guesses allowed at one code.
pub const ATTEMPTS_MAX: i64 = 5;
/// Codes sent in one challenge.
pub const SENDS_MAX: i64 = 3;
/// Least time between two sends to one address.
pub const SEND_PAUSE_MS: i64 = 30_000;

/// Sends to one address: no more than `.1` in any `.0` milliseconds.
const SENDS: [(i64, usize); 4] = [(SEND_PAUSE_MS, 1), (15 * MINUTE_MS, 5), (HOUR_MS, 10), (DAY_MS, 20)];

/// The chance that guessing finds a code within a day must stay at or below 1 in this many (rule C8).
const ODDS: u64 = 100_000;

/// When codes went to one address: milliseconds, oldest first.
#[derive(Debug, Default, PartialEq)]
pub struct Sends(Vec<i64>);

/// Tells whether a sign-in is fresh enough to change how its user signs in (rule F6). No seconds at most means any age.
pub fn is_fresh(auth_time: i64, most_s: i64, now: Timestamp) -> bool {
    most_s == 0 || now.seconds() - auth_time <= most_s
}

impl Sends {
    pub fn read(entries: &[u8]) -> Self {
        Sends(
            entries
                .chunks_exact(8)
                .map(|entry| i64::from_be_bytes(entry.try_into().unwrap_or_default()))
                .collect(),
        )
    }

    pub fn write(&self) -> Vec<u8> {
        self.0.iter().flat_map(|time| time.to_be_bytes()).collect()
    }

    /// Notes a send, or says after how many milliseconds one is allowed.
    pub fn note(&mut self, now: Timestamp) -> Result<(), i64> {
        let now_ms = now.ms();
        self.0.retain(|time| now_ms - time < DAY_MS);
        let wait_ms = SENDS
            .iter()
            .filter_map(|(window_ms, most)| {
                let within: Vec<i64> =
                    self.0.iter().copied().filter(|time| now_ms - time < *window_ms).collect();
                (within.len() >= *most).then(|| within[within.len() - most] + window_ms - now_ms)
            })
            .max();
        match wait_ms {
            Some(wait_ms) => Err(wait_ms.max(1)),
            None => {
                self.0.push(now_ms);
                Ok(())
            }
        }
    }

    /// When all that is noted no longer counts.
    pub fn expires(&self) -> Timestamp {
        Timestamp::from_ms(self.0.last().copied().unwrap_or(0) + DAY_MS)
    }
}

/// The wrong guesses one account bears in a day, for codes of so many digits. Shipped: 50 for eight digits, ten for
/// six; never more than the odds allow.
pub const fn guesses_per_day(digits: u32) -> i64 {
    let shipped = if digits >= 8 { 50 } else { 10 };
    let by_odds = 10_u64.pow(digits) / ODDS;
    if by_odds < shipped as u64 { by_odds as i64 } else { shipped }
}

/// Of a day's tries at the codes of an account, those that are left to who asked for none: whoever asked for a code keeps
/// the rest, whatever strangers guess (rule C10).
pub const TRIES_OF_OTHERS: usize = 5;

/// The wrong guesses that an account's recognised devices bear besides (rule C10): ten, where the odds leave them.
pub const fn guesses_of_recognised(digits: u32) -> i64 {
    let left = 10_i64.pow(digits) / ODDS as i64 - guesses_per_day(digits);
    if left < 10 { left } else { 10 }
}

/// Guesses at one account's codes within a day. A live code holds its attempts back from the start, so that the
/// wrong guesses can never pass the budget and a code once sent can always be answered.
#[derive(Debug, Default, PartialEq)]
pub struct Guesses(Vec<Held>);

#[derive(Debug, PartialEq)]
struct Held {
    issued_ms: i64,
    expires_ms: i64,
    tag: [u8; 6],
    held: u8,
    wrong: u8,
}

const HELD_LEN: usize = 24;

impl Guesses {
    pub fn read(entries: &[u8]) -> Self {
        let int = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap_or_default());
        Guesses(
            entries
                .chunks_exact(HELD_LEN)
                .map(|entry| Held {
                    issued_ms: int(&entry[..8]),
                    expires_ms: int(&entry[8..16]),
                    tag: entry[16..22].try_into().unwrap_or_default(),
                    held: entry[22],
                    wrong: entry[23],
                })
                .collect(),
        )
    }

    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * HELD_LEN);
        for held in &self.0 {
            out.extend_from_slice(&held.issued_ms.to_be_bytes());
            out.extend_from_slice(&held.expires_ms.to_be_bytes());
            out.extend_from_slice(&held.tag);
            out.extend_from_slice(&[held.held, held.wrong]);
        }
        out
    }

    /// Holds attempts back for a new code, the most of a range that the budget bears, and gives how many those are: none
    /// when it does not bear the least.
    pub fn hold(
        &mut self,
        handle_mac: &[u8],
        range: RangeInclusive<i64>,
        budget: i64,
        now: Timestamp,
        expires: Timestamp,
    ) -> i64 {
        let now_ms = now.ms();
        self.0
            .retain(|held| now_ms - held.issued_ms < DAY_MS && (held.expires_ms > now_ms || held.wrong > 0));
        let attempts = (budget - self.charged(now)).min(*range.end());
        if attempts < *range.start() {
            return 0;
        }
        self.0.push(Held {
            issued_ms: now_ms,
            expires_ms: expires.ms(),
            tag: tag(handle_mac),
            held: attempts as u8,
            wrong: 0,
        });
        attempts
    }

    /// How long it is until the budget bears an attempt again.
    pub fn wait_ms(&self, budget: i64, now: Timestamp) -> i64 {
        let ends = self.0.iter().flat_map(|held| [held.expires_ms, held.issued_ms + DAY_MS]);
        let bears = |at: i64| {
            let counted = self.0.iter().filter(|held| at - held.issued_ms < DAY_MS);
            charge(counted, Timestamp::from_ms(at)) < budget
        };
        let first = ends.filter(|end| *end > now.ms() && bears(*end)).min();
        first.map_or(DAY_MS, |end| end - now.ms())
    }

    /// Tells whether somebody guessed wrong of late.
    pub fn has_wrong(&self) -> bool {
        self.0.iter().any(|held| held.wrong > 0)
    }

    /// Lets a code's attempts be held for longer, when it was sent anew.
    pub fn extend(&mut self, handle_mac: &[u8], expires: Timestamp) {
        let tag = tag(handle_mac);
        self.0.iter_mut().filter(|held| held.tag == tag).for_each(|held| held.expires_ms = expires.ms());
    }

    /// Notes a wrong guess at a code.
    pub fn note_wrong(&mut self, handle_mac: &[u8]) {
        let tag = tag(handle_mac);
        self.0.iter_mut().filter(|held| held.tag == tag).for_each(|held| held.wrong += 1);
    }

    /// Guesses that count against the budget now.
    fn charged(&self, now: Timestamp) -> i64 {
        charge(self.0.iter(), now)
    }

    /// Tells whether what codes hold is worth giving back early. Below half of the budget it lapses with them.
    pub fn is_tight(&self, budget: i64, now: Timestamp) -> bool {
        self.charged(now) * 2 > budget
    }

    /// Gives back what a code held and did not use.
    pub fn release(&mut self, handle_mac: &[u8]) {
        let tag = tag(handle_mac);
        self.0.iter_mut().filter(|held| held.tag == tag).for_each(|held| held.expires_ms = 0);
        self.0.retain(|held| held.expires_ms > 0 || held.wrong > 0);
    }

    /// When all that is noted no longer counts.
    pub fn expires(&self) -> Timestamp {
        Timestamp::from_ms(self.0.iter().map(|held| held.issued_ms).max().unwrap_or(0) + DAY_MS)
    }
}

fn charge<'a>(held: impl Iterator<Item = &'a Held>, now: Timestamp) -> i64 {
    held.map(|held| i64::from(if held.expires_ms > now.ms() { held.held } else { held.wrong })).sum()
}

fn tag(handle_mac: &[u8]) -> [u8; 6] {
    // A handle's hash begins with a moment, which others may share.
    handle_mac.last_chunk::<6>().copied().unwrap_or_default()
}

/// Tries at an account's codes within a day, for codes that no session holds. Real accounts and stand-ins are
/// counted alike.
#[derive(Debug, Default, PartialEq)]
pub struct Tries(Vec<i64>);

impl Tries {
    pub fn read(entries: &[u8]) -> Self {
        Tries(Sends::read(entries).0)
    }

    pub fn write(&self) -> Vec<u8> {
        Sends(self.0.clone()).write()
    }

    /// Spends a try, or says after how many milliseconds there is one again: a day's are used up.
    pub fn spend(&mut self, most: usize, now: Timestamp) -> Result<(), i64> {
        self.0.retain(|time| now.ms() - time < DAY_MS);
        match self.wait_ms(most, now) {
            Some(wait_ms) => Err(wait_ms),
            None => {
                self.0.push(now.ms());
                Ok(())
            }
        }
    }

    /// How long it is until there is a try again; nothing when there is one.
    pub fn wait_ms(&self, most: usize, now: Timestamp) -> Option<i64> {
        let counted: Vec<i64> = self.0.iter().copied().filter(|time| now.ms() - time < DAY_MS).collect();
        let first = counted.len().checked_sub(most)?;
        counted.get(first).map(|time| (time + DAY_MS - now.ms()).max(1))
    }

    /// Gives the last try back: it was right.
    pub fn give_back(&mut self) {
        self.0.pop();
    }

    pub fn expires(&self) -> Timestamp {
        Timestamp::from_ms(self.0.last().copied().unwrap_or(0) + DAY_MS)
    }
}

/// Failed passwords in a row: a lock of 2^(n-5) seconds from the fifth on, up to 15 minutes; a quiet quarter of an
/// hour forgets them (Developer Guide, "Lockout behavior for failed sign-in attempts").
#[derive(Debug, Default, PartialEq)]
pub struct Failures {
    count: u32,
    last_ms: i64,
}

const QUIET_MS: i64 = 15 * MINUTE_MS;

impl Failures {
    pub fn read(entries: &[u8]) -> Self {
        let Ok(entry) = <[u8; 12]>::try_from(entries) else { return Failures::default() };
        let (count, last) = entry.split_at(4);
        Failures {
            count: u32::from_be_bytes(count.try_into().unwrap_or_default()),
            last_ms: i64::from_be_bytes(last.try_into().unwrap_or_default()),
        }
    }

    pub fn write(&self) -> Vec<u8> {
        [&self.count.to_be_bytes()[..], &self.last_ms.to_be_bytes()[..]].concat()
    }

    /// How long the lock still lasts; nothing when there is none.
    pub fn locked_ms(&self, now: Timestamp) -> Option<i64> {
        if self.count < 5 {
            return None;
        }
        let lock_ms = (1000_i64 << (self.count - 5).min(20)).min(QUIET_MS);
        let left_ms = self.last_ms + lock_ms - now.ms();
        (left_ms > 0).then_some(left_ms)
    }

    pub fn note(&mut self, now: Timestamp) {
        if now.ms() - self.last_ms >= QUIET_MS {
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.last_ms = now.ms();
    }

    pub fn expires(&self) -> Timestamp {
        Timestamp::from_ms(self.last_ms + QUIET_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_ms(1_000_000_000_000);

    #[test]
    fn an_address_gets_one_code_in_thirty_seconds_and_five_in_a_quarter_of_an_hour() {
        let mut sends = Sends::default();
        let mut now = START;
        assert_eq!(sends.note(now), Ok(()));
        now = now.plus_ms(12_000);
        assert_eq!(sends.note(now), Err(18_000));
        for _ in 0..4 {
            now = now.plus_ms(30_000);
            assert_eq!(Sends::read(&sends.write()), sends);
            assert_eq!(sends.note(now), Ok(()));
        }
        now = now.plus_ms(30_000);
        assert_eq!(sends.note(now), Err(START.plus_ms(15 * MINUTE_MS).since(now)));
    }

    #[test]
    fn a_day_brings_twenty_codes_at_most() {
        let mut sends = Sends::default();
        let mut sent = 0;
        for second in 0..DAY_MS / 1000 {
            sent += i32::from(sends.note(START.plus_ms(second * 1000)).is_ok());
        }
        assert_eq!(sent, 20);
    }

    #[test]
    fn budgets_keep_the_odds() {
        assert_eq!(guesses_per_day(8), 50);
        assert_eq!(guesses_per_day(6), 10);
        assert_eq!(guesses_per_day(5), 1);
        assert_eq!(guesses_of_recognised(8), 10);
        assert_eq!(guesses_of_recognised(6), 0);
        assert_eq!(guesses_of_recognised(5), 0);
    }

    #[test]
    fn a_live_code_holds_its_attempts_and_gives_back_what_it_did_not_use() {
        let mut guesses = Guesses::default();
        let expires = START.plus_ms(180_000);
        for code in 0..10_u8 {
            assert_eq!(guesses.hold(&[code; 32], 5..=5, 50, START, expires), 5);
        }
        assert_eq!(guesses.hold(&[99; 32], 5..=5, 50, START, expires), 0);
        assert_eq!(guesses.wait_ms(50, START), 180_000);
        guesses.note_wrong(&[3; 32]);
        guesses.release(&[3; 32]);
        guesses.release(&[4; 32]);
        assert_eq!(Guesses::read(&guesses.write()), guesses);
        assert_eq!(guesses.hold(&[98; 32], 5..=5, 50, START, expires), 5);
        assert_eq!(guesses.hold(&[97; 32], 5..=5, 50, START, expires), 0, "one wrong guess still counts");
        assert_eq!(guesses.hold(&[96; 32], 1..=5, 50, START, expires), 4, "and the rest may do");
        guesses.release(&[96; 32]);
        let later = expires.plus_ms(1);
        assert_eq!(guesses.hold(&[97; 32], 5..=5, 50, later, later.plus_ms(180_000)), 5);
    }

    #[test]
    fn what_is_held_is_given_back_early_only_where_it_matters() {
        let mut guesses = Guesses::default();
        let expires = START.plus_ms(180_000);
        for code in 0..5_u8 {
            assert_eq!(guesses.hold(&[code; 32], 5..=5, 50, START, expires), 5);
            assert!(!guesses.is_tight(50, START));
        }
        assert_eq!(guesses.hold(&[5; 32], 5..=5, 50, START, expires), 5);
        assert!(guesses.is_tight(50, START) && !guesses.is_tight(50, expires));
    }

    #[test]
    fn wrong_guesses_never_pass_the_budget_however_codes_are_asked_for() {
        let mut guesses = Guesses::default();
        let mut now = START;
        let mut wrong = 0;
        for round in 0..2000_u32 {
            let handle = [&[7; 8], &round.to_be_bytes()[..]].concat();
            if guesses.hold(&handle, 5..=5, 50, now, now.plus_ms(180_000)) == 5 {
                for _ in 0..5 {
                    guesses.note_wrong(&handle);
                    wrong += 1;
                }
            }
            now = now.plus_ms(40_000);
        }
        assert!(wrong <= 50, "{wrong} wrong guesses were borne in a day");
    }

    #[test]
    fn passwords_lock_for_longer_each_time_and_forget_after_a_quiet_while() {
        let mut failures = Failures::default();
        for _ in 0..4 {
            failures.note(START);
            assert_eq!(failures.locked_ms(START), None);
        }
        for (seconds, _) in [(1, 5), (2, 6), (4, 7), (8, 8)] {
            failures.note(START);
            assert_eq!(Failures::read(&failures.write()), failures);
            assert_eq!(failures.locked_ms(START), Some(seconds * 1000));
        }
        let quiet = START.plus_ms(QUIET_MS);
        failures.note(quiet);
        assert_eq!(failures.locked_ms(quiet), None);
    }
}
