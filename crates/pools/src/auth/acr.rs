//! Levels of authentication: what a sign-in has reached by what was proven in it, and what an app may ask for (Developer
//! Guide, "Authentication levels with ACR and AMR claims"; OpenID Connect Core, `acr`).

use super::factors::Factor;
use super::second_factor::{Demand, SecondFactor};
use postern_model::cognito_idp::AcrLevelConfigType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much a sign-in has proven: a password; a code that was sent; a passkey, or a password and a code that was sent; a
/// password and an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    One,
    Two,
    Three,
    Four,
}

pub const LEVELS: [Level; 4] = [Level::One, Level::Two, Level::Three, Level::Four];

/// A level that a sign-in is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    pub level: Level,
    /// Whoever cannot reach it signs in all the same, and the tokens say how far they came.
    pub voluntary: bool,
}

/// What a pool calls its levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names([String; 4]);

impl Names {
    /// Reads `AcrConfiguration`; what it leaves out keeps the service's own name.
    pub fn of(settings: Option<&BTreeMap<String, AcrLevelConfigType>>) -> Names {
        Names([1, 2, 3, 4].map(|number| {
            let own = settings.and_then(|settings| settings.get(&format!("Level{number}")));
            own.map_or_else(|| format!("urn:cognito:loa:{number}"), |own| own.acr_value.clone())
        }))
    }

    /// Tells whether each level has a name of its own.
    pub fn are_distinct(&self) -> bool {
        self.0.iter().enumerate().all(|(at, name)| !self.0[at + 1..].contains(name))
    }

    pub fn name(&self, level: Level) -> &str {
        &self.0[level as usize]
    }

    /// The levels that a list of names asks for, in its order; names that mean nothing here are passed over.
    pub fn read(&self, text: &str) -> Vec<Level> {
        let level = |name: &str| LEVELS.into_iter().find(|level| self.name(*level) == name);
        text.split(' ').filter_map(level).collect()
    }
}

/// The level of what was proven, told in the words of `amr`. What came from elsewhere has none.
pub fn reached(amr: &[String]) -> Option<Level> {
    let has = |word: &str| amr.iter().any(|each| each == word);
    let is_sent = has("sms") || has("email_otp");
    if has("pwd") && has("otp") && has("mfa") && !is_sent {
        return Some(Level::Four);
    }
    if has("hwk") || has("swk") || has("mfa") {
        return Some(Level::Three);
    }
    if has("otp") {
        return Some(Level::Two);
    }
    has("pwd").then_some(Level::One)
}

impl Goal {
    pub fn is_met_by(self, amr: &[String]) -> bool {
        reached(amr) >= Some(self.level)
    }

    /// Tells whether a second factor after what was proven leads there.
    pub fn is_met_with(self, amr: &[String], factor: SecondFactor) -> bool {
        let more = ["otp", "mfa", factor.amr()].map(str::to_owned);
        self.is_met_by(&[amr, &more[..]].concat())
    }
}

/// Tells whether a sign-in that begins with a factor can reach a level, with what a pool has for a second one.
pub fn leads_to(factor: Factor, demand: &Demand, level: Level) -> bool {
    match factor {
        Factor::Password | Factor::PasswordSrp => match level {
            Level::One => true,
            Level::Two | Level::Three => !demand.allowed.is_empty(),
            Level::Four => demand.allows(SecondFactor::Totp),
        },
        Factor::EmailOtp | Factor::SmsOtp => level <= Level::Two,
        Factor::WebAuthn => level <= Level::Three,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::second_factor::Mode;

    fn amr(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_is_proven_reaches_a_level() {
        for (words, level) in [
            (&["pwd"][..], Some(Level::One)),
            (&["otp", "email_otp"], Some(Level::Two)),
            (&["otp", "sms"], Some(Level::Two)),
            (&["hwk"], Some(Level::Three)),
            (&["hwk", "mfa"], Some(Level::Three)),
            (&["pwd", "otp", "email_otp", "mfa"], Some(Level::Three)),
            (&["pwd", "sms", "mfa"], Some(Level::Three)),
            (&["pwd", "otp", "mfa"], Some(Level::Four)),
            (&["otp", "email_otp", "mfa"], Some(Level::Three)),
            (&["custom"], None),
            (&["fed"], None),
            (&[], None),
        ] {
            assert_eq!(reached(&amr(words)), level, "{words:?}");
        }
    }

    #[test]
    fn a_goal_is_met_by_as_much_or_more() {
        let goal = |level| Goal { level, voluntary: false };
        assert!(goal(Level::Three).is_met_by(&amr(&["pwd", "otp", "mfa"])));
        assert!(!goal(Level::Two).is_met_by(&amr(&["pwd"])) && !goal(Level::One).is_met_by(&[]));
        let password = amr(&["pwd"]);
        assert!(goal(Level::Four).is_met_with(&password, SecondFactor::Totp));
        assert!(!goal(Level::Four).is_met_with(&password, SecondFactor::Email));
        assert!(goal(Level::Three).is_met_with(&password, SecondFactor::Sms));
        assert!(!goal(Level::Four).is_met_with(&amr(&["hwk"]), SecondFactor::Totp));
    }

    #[test]
    fn a_factor_leads_as_far_as_the_pool_has_a_second_one() {
        let with = |allowed: &[SecondFactor]| Demand {
            mode: Mode::Optional,
            allowed: allowed.to_vec(),
            ..Demand::default()
        };
        let (none, mail, app) = (with(&[]), with(&[SecondFactor::Email]), with(&[SecondFactor::Totp]));
        assert!(
            leads_to(Factor::Password, &none, Level::One) && !leads_to(Factor::Password, &none, Level::Two)
        );
        assert!(
            leads_to(Factor::Password, &mail, Level::Three)
                && !leads_to(Factor::Password, &mail, Level::Four)
        );
        assert!(leads_to(Factor::Password, &app, Level::Four));
        assert!(
            leads_to(Factor::EmailOtp, &app, Level::Two) && !leads_to(Factor::EmailOtp, &app, Level::Three)
        );
        assert!(
            leads_to(Factor::WebAuthn, &none, Level::Three) && !leads_to(Factor::WebAuthn, &app, Level::Four)
        );
    }

    #[test]
    fn levels_have_names_and_lists_of_them_are_read_in_their_order() {
        let own = |name: &str| AcrLevelConfigType { acr_value: name.to_owned() };
        let names = Names::of(Some(&BTreeMap::from([("Level3".to_owned(), own("urn:acme:strong"))])));
        assert_eq!(names.name(Level::Three), "urn:acme:strong");
        assert_eq!(
            names.read("urn:acme:strong x urn:cognito:loa:3 urn:cognito:loa:1"),
            [Level::Three, Level::One]
        );
        assert!(names.are_distinct());
        let twice = BTreeMap::from([("Level1".to_owned(), own("urn:cognito:loa:2"))]);
        assert!(!Names::of(Some(&twice)).are_distinct());
    }
}
