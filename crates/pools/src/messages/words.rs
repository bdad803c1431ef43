//! What the default mails say that a sign-in page causes, in each language of the pages: whole sentences with holes.

use super::translations::ALL;

/// The mails of one language.
pub struct Catalogue {
    /// The language's tag, as the pages have it (BCP 47).
    pub lang: &'static str,
    pub sign_in: Mail,
    pub verification: Mail,
    pub link: Mail,
    pub account_exists: Mail,
    pub guesses_used_up: Mail,
    pub second_factor_added: Mail,
    pub passkey_added: Mail,
    /// What a code is good for, and for how long: `{time}`, `{app}`.
    pub to_sign_in: &'static str,
    pub to_confirm_account: &'static str,
    pub to_confirm_address: &'static str,
    pub to_set_password: &'static str,
    pub ignore_code: &'static str,
    pub link_works: &'static str,
    pub link_confirms: &'static str,
    /// `{at}`, and `{browser}` where it is known.
    pub asked_at: &'static str,
    pub asked_from: &'static str,
    /// `{browser}` and `{system}`.
    pub browser_on: &'static str,
    /// One, and several: `{n}`.
    pub minutes: [&'static str; 2],
    pub hours: [&'static str; 2],
    pub days: [&'static str; 2],
}

/// A subject and the sentence that a mail begins with.
#[derive(Clone, Copy)]
pub struct Mail {
    pub subject: &'static str,
    pub sentence: &'static str,
}

pub(super) const fn mail(subject: &'static str, sentence: &'static str) -> Mail {
    Mail { subject, sentence }
}

impl Catalogue {
    /// The catalogue of a language; English where there is none.
    pub fn of(tag: &str) -> &'static Catalogue {
        ALL.iter().copied().find(|catalogue| catalogue.lang == tag).unwrap_or(&ENGLISH)
    }

    /// So many minutes, in the greatest unit that says it well.
    pub fn lasting(&self, minutes: i64) -> String {
        let (forms, n) = match minutes {
            ..120 => (self.minutes, minutes),
            120..2880 => (self.hours, minutes / 60),
            2880.. => (self.days, minutes / (24 * 60)),
        };
        forms[usize::from(n != 1)].replace("{n}", &n.to_string())
    }
}

pub static ENGLISH: Catalogue = Catalogue {
    lang: "en",
    sign_in: mail("Your authentication code", "Your authentication code is {####}."),
    verification: mail("Your verification code", "Your verification code is {####}."),
    link: mail("Your verification link", "Please click the link below to verify your email address."),
    account_exists: mail(
        "You already have an account",
        "You already have an account with this address. To get in, sign in instead of signing up.",
    ),
    guesses_used_up: mail(
        "Wrong codes were tried for your account",
        "Somebody tried several wrong sign-in codes for your account today. No new codes are sent for now. Nobody got \
         in with them.",
    ),
    second_factor_added: mail(
        "A second step was added to your sign-in",
        "A second step was added to the sign-in of your account. If that was not you, tell those who run this service.",
    ),
    passkey_added: mail(
        "A passkey was added to your account",
        "A passkey was added to your account. Whoever holds it can sign in as you. If it wasn't you, sign in and remove \
         it, and tell whoever runs the service.",
    ),
    to_sign_in: "It works for {time}, only to sign in to {app}.",
    to_confirm_account: "It works for {time}, only to confirm your new account at {app}.",
    to_confirm_address: "It works for {time}, only to confirm this address at {app}.",
    to_set_password: "It works for {time}, only to set a new password at {app}.",
    ignore_code: "If you didn't ask for this, ignore this email. Nobody can sign in without the code, and nobody from us \
                  will ask you for it.",
    link_works: "The link works for {time}, once.",
    link_confirms: "It confirms your new account at {app}. If you didn't ask for it, ignore this email.",
    asked_at: "Asked for at {at}.",
    asked_from: "Asked for at {at} from {browser}.",
    browser_on: "{browser} on {system}",
    minutes: ["1 minute", "{n} minutes"],
    hours: ["1 hour", "{n} hours"],
    days: ["1 day", "{n} days"],
};

#[cfg(test)]
mod tests {
    use super::*;

    /// All that a catalogue says.
    fn texts(of: &Catalogue) -> Vec<&'static str> {
        let mails = [
            of.sign_in,
            of.verification,
            of.link,
            of.account_exists,
            of.guesses_used_up,
            of.second_factor_added,
            of.passkey_added,
        ];
        let lines = [
            of.to_sign_in,
            of.to_confirm_account,
            of.to_confirm_address,
            of.to_set_password,
            of.ignore_code,
            of.link_works,
            of.link_confirms,
            of.asked_at,
            of.asked_from,
            of.browser_on,
            of.minutes[1],
            of.hours[1],
            of.days[1],
        ];
        mails.into_iter().flat_map(|mail| [mail.subject, mail.sentence]).chain(lines).collect()
    }

    #[test]
    fn every_language_says_the_same_with_the_same_holes() {
        let holes = |text: &str| {
            let mut holes: Vec<String> =
                text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect();
            holes.sort();
            holes
        };
        for catalogue in ALL {
            assert_ne!(catalogue.sign_in.sentence, ENGLISH.sign_in.sentence, "{}", catalogue.lang);
            for (own, english) in texts(catalogue).into_iter().zip(texts(&ENGLISH)) {
                assert_eq!(holes(own), holes(english), "{} {own}", catalogue.lang);
            }
        }
    }

    #[test]
    fn a_time_is_told_in_its_greatest_unit() {
        for (minutes, told) in
            [(1, "1 minute"), (3, "3 minutes"), (119, "119 minutes"), (120, "2 hours"), (2880, "2 days")]
        {
            assert_eq!(ENGLISH.lasting(minutes), told);
        }
        assert_eq!(Catalogue::of("ja").lasting(3), "3 分");
        assert_eq!(Catalogue::of("tlh").lang, "en");
    }
}
