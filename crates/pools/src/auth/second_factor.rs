//! The second factor: whether one is asked for after the first, and which; what a person may choose to be asked for
//! (Developer Guide, "Adding MFA to a user pool"). Two factors are two kinds: what the first one proved, the second does
//! not prove again (rule F2).

use super::acr::Goal;
use crate::destination::Medium;

/// A second factor, by its names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecondFactor {
    Sms,
    Totp,
    Email,
}

impl SecondFactor {
    pub const ALL: [SecondFactor; 3] = [SecondFactor::Sms, SecondFactor::Totp, SecondFactor::Email];

    pub fn as_str(self) -> &'static str {
        match self {
            SecondFactor::Sms => "SMS_MFA",
            SecondFactor::Totp => "SOFTWARE_TOKEN_MFA",
            SecondFactor::Email => "EMAIL_OTP",
        }
    }

    /// Reads a name. The documents also call the mailed code `EMAIL_MFA`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "EMAIL_MFA" => Some(SecondFactor::Email),
            text => SecondFactor::ALL.into_iter().find(|factor| factor.as_str() == text),
        }
    }

    /// The factor that a message by a medium is.
    pub fn of(medium: Medium) -> Self {
        match medium {
            Medium::Email => SecondFactor::Email,
            Medium::Sms => SecondFactor::Sms,
        }
    }

    /// What the factor adds to `amr`, beside `mfa`.
    pub fn amr(self) -> &'static str {
        match self {
            SecondFactor::Sms => "sms",
            SecondFactor::Totp => "otp",
            SecondFactor::Email => "email_otp",
        }
    }

    /// Whether what was proven already is of this kind: the mailbox or the phone.
    fn is_proven_by(self, amr: &[String]) -> bool {
        self != SecondFactor::Totp && has(amr, self.amr())
    }
}

/// What `MfaConfiguration` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Off,
    Optional,
    On,
}

/// What a pool demands after the first factor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    pub mode: Mode,
    /// The factors whose block is configured; none while the mode is off.
    pub allowed: Vec<SecondFactor>,
    /// What one sign-in is to reach, whatever the pool demands of all.
    pub goal: Option<Goal>,
}

impl Demand {
    pub fn allows(&self, factor: SecondFactor) -> bool {
        self.allowed.contains(&factor)
    }
}

/// What a person has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Chosen to be asked for.
    pub enabled: Vec<SecondFactor>,
    pub preferred: Option<SecondFactor>,
    /// Ready to be asked for: the authenticator whose first code was given, the address, the number.
    pub usable: Vec<SecondFactor>,
}

/// What follows the first factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The sign-in may end.
    Enough,
    Ask(SecondFactor),
    Choose(Vec<SecondFactor>),
    /// One of these is to be set up first.
    SetUp(Vec<SecondFactor>),
    /// One is demanded and none can be had.
    Nothing,
}

/// Decides what follows a first factor, told in the words of `amr`. A passkey that counts as two says `mfa` itself, and
/// who comes from another provider was asked there.
pub fn next(demand: &Demand, held: &Held, amr: &[String]) -> Next {
    if let Some(goal) = demand.goal.filter(|goal| !goal.is_met_by(amr)) {
        let leads = |factor: &SecondFactor| {
            held.usable.contains(factor) && !factor.is_proven_by(amr) && goal.is_met_with(amr, *factor)
        };
        let ready: Vec<SecondFactor> = demand.allowed.iter().copied().filter(leads).collect();
        match (ready.as_slice(), held.preferred) {
            ([], _) if goal.voluntary => {}
            ([], _) => return Next::Nothing,
            (_, Some(preferred)) if ready.contains(&preferred) => return Next::Ask(preferred),
            ([one], _) => return Next::Ask(*one),
            _ => return Next::Choose(ready),
        }
    }
    if demand.mode == Mode::Off || has(amr, "mfa") || has(amr, "fed") {
        return Next::Enough;
    }
    let chosen = chosen(demand, held);
    let another = |factor: &SecondFactor| !factor.is_proven_by(amr);
    let usable = |factor: &SecondFactor| held.usable.contains(factor) && another(factor);
    if !chosen.is_empty() {
        // Whoever chose a second factor is never let in without one, even if it cannot be asked for any more.
        let ready: Vec<SecondFactor> = chosen.into_iter().filter(usable).collect();
        return match (ready.as_slice(), held.preferred) {
            ([], _) => Next::Nothing,
            (_, Some(preferred)) if ready.contains(&preferred) => Next::Ask(preferred),
            ([one], _) => Next::Ask(*one),
            _ => Next::Choose(ready),
        };
    }
    if demand.mode == Mode::Optional {
        return Next::Enough;
    }
    // An address that is there needs no setting up; an authenticator that is not chosen does.
    let by_code = |factor: &SecondFactor| *factor != SecondFactor::Totp;
    let ready: Vec<SecondFactor> =
        demand.allowed.iter().copied().filter(|factor| by_code(factor) && usable(factor)).collect();
    match ready.as_slice() {
        [] => {}
        [one] => return Next::Ask(*one),
        _ => return Next::Choose(ready),
    }
    let can_be_set_up = |factor: &SecondFactor| match factor {
        SecondFactor::Totp => true,
        SecondFactor::Email => another(factor) && !held.usable.contains(factor),
        SecondFactor::Sms => false,
    };
    let set_up: Vec<SecondFactor> = demand.allowed.iter().copied().filter(can_be_set_up).collect();
    if set_up.is_empty() { Next::Nothing } else { Next::SetUp(set_up) }
}

/// Tells whether a factor is one that may be answered with, as things stand at the answer.
pub fn accepts(demand: &Demand, held: &Held, amr: &[String], factor: SecondFactor) -> bool {
    let is_short = demand.goal.is_some_and(|goal| !goal.is_met_by(amr) && !goal.is_met_with(amr, factor));
    match next(demand, held, amr) {
        // Where the goal cannot be reached, and need not be, any factor does.
        Next::Ask(asked) if is_short => demand.goal.is_some_and(|goal| goal.voluntary) && asked == factor,
        Next::Choose(_) if is_short => false,
        // A preferred one is not the only one that proves enough.
        Next::Ask(_) | Next::Choose(_) => {
            held.usable.contains(&factor)
                && demand.allows(factor)
                && !factor.is_proven_by(amr)
                && (held.enabled.contains(&factor)
                    || chosen(demand, held).is_empty()
                    || demand.goal.is_some_and(|goal| goal.is_met_with(amr, factor)))
        }
        Next::Enough | Next::SetUp(_) | Next::Nothing => false,
    }
}

/// Tells whether a factor's address may bring a password back: not one that would then be asked for as the second factor,
/// or whoever reads the mailbox has both (rule F7).
pub fn may_recover_by(demand: &Demand, held: &Held, factor: SecondFactor) -> bool {
    !accepts(demand, held, &["pwd".to_owned()], factor)
}

/// The factors a person has chosen, as far as the pool still has them.
pub fn chosen(demand: &Demand, held: &Held) -> Vec<SecondFactor> {
    demand.allowed.iter().copied().filter(|factor| held.enabled.contains(factor)).collect()
}

/// What a caller wants changed about one factor; nothing said leaves it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub factor: SecondFactor,
    pub enabled: bool,
    pub preferred: bool,
}

/// Why a wish cannot be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The pool does not have the factor.
    NotOffered(SecondFactor),
    /// The person cannot use it yet.
    NotUsable(SecondFactor),
    PreferredButNotEnabled(SecondFactor),
    TwoPreferred,
}

/// Grants wishes: which factors are enabled after them, in the order of [`SecondFactor::ALL`], and which is preferred.
/// What no wish speaks of stays.
pub fn granted(
    demand: &Demand,
    held: &Held,
    wishes: &[Wish],
) -> Result<(Vec<SecondFactor>, Option<SecondFactor>), Fault> {
    let (mut enabled, mut preferred) = (held.enabled.clone(), held.preferred);
    for wish in wishes {
        if wish.preferred && !wish.enabled {
            return Err(Fault::PreferredButNotEnabled(wish.factor));
        }
        if wish.enabled && !demand.allows(wish.factor) {
            return Err(Fault::NotOffered(wish.factor));
        }
        if wish.enabled && !held.usable.contains(&wish.factor) {
            return Err(Fault::NotUsable(wish.factor));
        }
        enabled.retain(|factor| *factor != wish.factor);
        if wish.enabled {
            enabled.push(wish.factor);
        }
        preferred = preferred.filter(|preferred| *preferred != wish.factor);
    }
    let wanted: Vec<SecondFactor> =
        wishes.iter().filter(|wish| wish.preferred).map(|wish| wish.factor).collect();
    if wanted.len() > 1 {
        return Err(Fault::TwoPreferred);
    }
    enabled.sort_unstable();
    Ok((enabled, wanted.first().copied().or(preferred)))
}

fn has(amr: &[String], word: &str) -> bool {
    amr.iter().any(|each| each == word)
}

#[cfg(test)]
mod tests {
    use super::super::acr::Level;
    use super::*;
    use SecondFactor::{Email, Sms, Totp};

    fn demand(mode: Mode, allowed: &[SecondFactor]) -> Demand {
        Demand { mode, allowed: allowed.to_vec(), goal: None }
    }

    fn held(enabled: &[SecondFactor], preferred: Option<SecondFactor>, usable: &[SecondFactor]) -> Held {
        Held { enabled: enabled.to_vec(), preferred, usable: usable.to_vec() }
    }

    fn amr(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_follows_a_password_is_decided_by_the_pool_and_by_what_the_person_chose() {
        let all = [Sms, Totp, Email];
        let nothing = held(&[], None, &[]);
        let password = amr(&["pwd"]);
        for (mode, allowed, held, expected) in [
            (Mode::Off, &all[..], held(&[Totp], Some(Totp), &[Totp]), Next::Enough),
            (Mode::Optional, &all, nothing.clone(), Next::Enough),
            (Mode::Optional, &all, held(&[], None, &[Totp, Email]), Next::Enough),
            (Mode::Optional, &all, held(&[Totp], None, &[Totp]), Next::Ask(Totp)),
            (Mode::Optional, &all, held(&[Totp, Email], None, &all), Next::Choose(vec![Totp, Email])),
            (Mode::Optional, &all, held(&[Totp, Email], Some(Email), &all), Next::Ask(Email)),
            (Mode::Optional, &all, held(&[Totp, Email], Some(Email), &[Totp]), Next::Ask(Totp)),
            (Mode::Optional, &all, held(&[Totp], None, &[]), Next::Nothing),
            (Mode::Optional, &[Email], held(&[Totp], None, &[Totp]), Next::Enough),
            (Mode::On, &all, held(&[Totp], None, &[Totp]), Next::Ask(Totp)),
            (Mode::On, &all, held(&[], None, &[Email]), Next::Ask(Email)),
            (Mode::On, &all, held(&[], None, &[Sms, Email]), Next::Choose(vec![Sms, Email])),
            (Mode::On, &[Totp], held(&[], None, &[Sms, Email]), Next::SetUp(vec![Totp])),
            (Mode::On, &all, nothing.clone(), Next::SetUp(vec![Totp, Email])),
            (Mode::On, &[Totp], held(&[], None, &[Totp]), Next::SetUp(vec![Totp])),
            (Mode::On, &[Sms], nothing, Next::Nothing),
        ] {
            assert_eq!(next(&demand(mode, allowed), &held, &password), expected, "{mode:?} {held:?}");
        }
    }

    #[test]
    fn what_the_first_factor_proved_the_second_does_not_prove_again() {
        let on = demand(Mode::On, &[Totp, Email]);
        let by_mail = amr(&["otp", "email_otp"]);
        assert_eq!(next(&on, &held(&[], None, &[Email]), &by_mail), Next::SetUp(vec![Totp]));
        assert_eq!(next(&on, &held(&[Email], None, &[Email]), &by_mail), Next::Nothing);
        assert_eq!(next(&on, &held(&[Email, Totp], Some(Email), &[Totp, Email]), &by_mail), Next::Ask(Totp));
        let by_text = amr(&["otp", "sms"]);
        let sms = demand(Mode::On, &[Sms]);
        assert_eq!(next(&sms, &held(&[], None, &[Sms]), &by_text), Next::Nothing);
        assert!(!accepts(&on, &held(&[Email], None, &[Email]), &by_mail, Email));
    }

    #[test]
    fn a_goal_asks_for_a_factor_that_leads_there_and_takes_no_other() {
        let towards = |mode, allowed: &[SecondFactor], level, voluntary| Demand {
            goal: Some(Goal { level, voluntary }),
            ..demand(mode, allowed)
        };
        let password = amr(&["pwd"]);
        let four = towards(Mode::Optional, &[Totp, Email], Level::Four, false);
        let by_mail = held(&[Email], Some(Email), &[Totp, Email]);
        assert_eq!(next(&four, &by_mail, &password), Next::Ask(Totp), "whatever is preferred");
        assert!(accepts(&four, &by_mail, &password, Totp) && !accepts(&four, &by_mail, &password, Email));
        let without = held(&[], None, &[Email]);
        assert_eq!(next(&four, &without, &password), Next::Nothing);
        let wished = towards(Mode::Optional, &[Totp, Email], Level::Four, true);
        assert_eq!(next(&wished, &without, &password), Next::Enough);
        let on = towards(Mode::On, &[Totp, Email], Level::Four, true);
        assert_eq!(next(&on, &without, &password), Next::Ask(Email), "as the pool demands of all");
        assert!(accepts(&on, &without, &password, Email));
        let three = towards(Mode::Optional, &[Totp, Email], Level::Three, false);
        assert_eq!(next(&three, &without, &password), Next::Ask(Email), "although she is not asked else");
        assert!(accepts(&three, &without, &password, Email));
        assert_eq!(next(&three, &without, &amr(&["hwk"])), Next::Enough);
    }

    #[test]
    fn a_passkey_that_counts_twice_and_another_provider_are_enough() {
        let on = demand(Mode::On, &[Totp]);
        for words in [&["hwk", "mfa"][..], &["fed"]] {
            assert_eq!(next(&on, &held(&[Totp], None, &[Totp]), &amr(words)), Next::Enough);
        }
        assert_eq!(next(&on, &held(&[Totp], None, &[Totp]), &amr(&["hwk"])), Next::Ask(Totp));
    }

    #[test]
    fn an_answer_counts_only_for_a_factor_that_could_be_asked_for_now() {
        let password = amr(&["pwd"]);
        let optional = demand(Mode::Optional, &[Totp, Email]);
        let both = held(&[Totp, Email], Some(Totp), &[Totp, Email]);
        assert!(accepts(&optional, &both, &password, Totp) && accepts(&optional, &both, &password, Email));
        let only_totp = held(&[Totp], None, &[Totp, Email]);
        assert!(!accepts(&optional, &only_totp, &password, Email));
        assert!(!accepts(&optional, &held(&[Totp], None, &[]), &password, Totp));
        let on = demand(Mode::On, &[Email]);
        assert!(accepts(&on, &held(&[], None, &[Email]), &password, Email));
        assert!(!accepts(&on, &held(&[], None, &[]), &password, Email));
    }

    #[test]
    fn an_address_brings_no_password_back_that_it_would_then_stand_beside() {
        let both = held(&[Totp], None, &[Totp, Email]);
        let optional = demand(Mode::Optional, &[Totp, Email]);
        assert!(may_recover_by(&optional, &both, Email), "the authenticator is asked for after it");
        assert!(!may_recover_by(&optional, &held(&[Totp, Email], Some(Totp), &[Totp, Email]), Email));
        assert!(
            may_recover_by(&optional, &held(&[], None, &[Email]), Email),
            "nothing is asked for after it"
        );
        let on = demand(Mode::On, &[Email]);
        assert!(
            !may_recover_by(&on, &held(&[], None, &[Email]), Email),
            "it is asked for without being chosen"
        );
        assert!(may_recover_by(&on, &held(&[], None, &[Sms, Email]), Sms));
    }

    #[test]
    fn wishes_are_granted_for_what_the_pool_has_and_the_person_can_use() {
        let optional = demand(Mode::Optional, &[Totp, Email]);
        let wish = |factor, enabled, preferred| Wish { factor, enabled, preferred };
        let usable = held(&[], None, &[Totp, Email]);
        assert_eq!(granted(&optional, &usable, &[]), Ok((vec![], None)));
        assert_eq!(
            granted(&optional, &usable, &[wish(Email, true, false), wish(Totp, true, true)]),
            Ok((vec![Totp, Email], Some(Totp)))
        );
        let both = held(&[Totp, Email], Some(Totp), &[Totp, Email]);
        assert_eq!(granted(&optional, &both, &[wish(Totp, false, false)]), Ok((vec![Email], None)));
        assert_eq!(granted(&optional, &both, &[wish(Totp, true, false)]), Ok((vec![Totp, Email], None)));
        assert_eq!(
            granted(&optional, &both, &[wish(Email, true, true)]),
            Ok((vec![Totp, Email], Some(Email)))
        );
        for (wishes, fault) in [
            (&[wish(Sms, true, false)][..], Fault::NotOffered(Sms)),
            (&[wish(Totp, false, true)], Fault::PreferredButNotEnabled(Totp)),
            (&[wish(Totp, true, true), wish(Email, true, true)], Fault::TwoPreferred),
        ] {
            assert_eq!(granted(&optional, &usable, wishes), Err(fault));
        }
        let empty = Held::default();
        assert_eq!(granted(&optional, &empty, &[wish(Totp, true, false)]), Err(Fault::NotUsable(Totp)));
    }
}
