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

impl Level {
    /// Its name in settings of the API.
    fn key(self) -> String {
        format!("Level{}", self as usize + 1)
    }
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
        Names(LEVELS.map(|level| {
            let own = settings.and_then(|settings| settings.get(&level.key()));
            own.map_or_else(|| format!("urn:cognito:loa:{}", level as usize + 1), |own| own.acr_value.clone())
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

/// What an outside provider calls the levels (`AcrMapping`): asked of it and told by it in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<Level, String>);

impl Mapping {
    pub fn of(settings: Option<&BTreeMap<String, String>>) -> Mapping {
        let value = |level: Level| settings?.get(&level.key()).map(|value| (level, value.clone()));
        Mapping(LEVELS.into_iter().filter_map(value).collect())
    }

    /// What the API shows of it.
    pub fn shown(&self) -> Option<BTreeMap<String, String>> {
        let shown = self.0.iter().map(|(level, value)| (level.key(), value.clone()));
        (!self.0.is_empty()).then(|| shown.collect())
    }

    /// The levels that the provider's people can reach there.
    pub fn levels(&self) -> Vec<Level> {
        self.0.keys().copied().collect()
    }

    /// The words in which levels are asked of the provider.
    pub fn values(&self, levels: &[Level]) -> String {
        let values: Vec<&str> = levels.iter().filter_map(|level| Some(self.0.get(level)?.as_str())).collect();
        values.join(" ")
    }

    /// The level that the provider says somebody has reached. Words that mean nothing here are the lowest one's; where none
    /// are said, or none mean anything, there is no level.
    pub fn reached(&self, said: Option<&str>) -> Option<Level> {
        let said = said.filter(|_| !self.0.is_empty())?;
        let known = self.0.iter().find(|(_, value)| *value == said);
        Some(known.map_or(Level::One, |(level, _)| *level))
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
    fn a_provider_has_its_own_words_for_levels() {
        let own = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            Mapping::of(Some(&pairs.collect()))
        };
        let mapping = own(&[("Level2", "silver"), ("Level4", "gold")]);
        assert_eq!(mapping.levels(), [Level::Two, Level::Four]);
        assert_eq!(mapping.values(&[Level::Four, Level::Three, Level::Two]), "gold silver");
        assert_eq!(mapping.reached(Some("gold")), Some(Level::Four));
        assert_eq!(mapping.reached(Some("tin")), Some(Level::One));
        assert_eq!(mapping.reached(None), None);
        assert_eq!(Mapping::default().reached(Some("gold")), None);
        assert_eq!(Mapping::of(mapping.shown().as_ref()), mapping);
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
