//! Which first factors a person can really use, and which one comes next.

use super::code::CodeKind;

/// A first factor of `AllowedFirstAuthFactors` that this server can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// The password, proven without being sent.
    PasswordSrp,
    Password,
    EmailOtp,
    SmsOtp,
    WebAuthn,
}

impl Factor {
    /// The factor's name as a challenge, and in `AvailableChallenges`.
    pub fn as_str(self) -> &'static str {
        match self {
            Factor::PasswordSrp => "PASSWORD_SRP",
            Factor::Password => "PASSWORD",
            Factor::EmailOtp => "EMAIL_OTP",
            Factor::SmsOtp => "SMS_OTP",
            Factor::WebAuthn => "WEB_AUTHN",
        }
    }

    /// The code that the factor is, if it is one.
    pub fn code(self) -> Option<CodeKind> {
        match self {
            Factor::Password | Factor::PasswordSrp | Factor::WebAuthn => None,
            Factor::EmailOtp => Some(CodeKind::EMAIL_OTP),
            Factor::SmsOtp => Some(CodeKind::SMS_OTP),
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "PASSWORD_SRP" => Some(Factor::PasswordSrp),
            "PASSWORD" => Some(Factor::Password),
            "EMAIL_OTP" => Some(Factor::EmailOtp),
            "SMS_OTP" => Some(Factor::SmsOtp),
            "WEB_AUTHN" => Some(Factor::WebAuthn),
            _ => None,
        }
    }
}

/// What a person has to sign in with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Has {
    pub password: bool,
    /// The password can be proven by SRP.
    pub verifier: bool,
    pub email: bool,
    /// A number that texts may go to.
    pub phone: bool,
    /// A passkey that this pool takes from this person.
    pub passkey: bool,
}

/// The factors that the pool allows and the person has, in the pool's order. Where passwords are allowed, so is proving
/// one by SRP. Where a second factor is to follow, a code that was sent is no first factor.
pub fn available(allowed: &[Factor], has: Has, second_follows: bool) -> Vec<Factor> {
    let mut usable = Vec::new();
    for factor in allowed {
        let ways: &[(Factor, bool)] = match factor {
            Factor::Password | Factor::PasswordSrp => {
                &[(Factor::PasswordSrp, has.password && has.verifier), (Factor::Password, has.password)]
            }
            Factor::EmailOtp => &[(Factor::EmailOtp, has.email && !second_follows)],
            Factor::SmsOtp => &[(Factor::SmsOtp, has.phone && !second_follows)],
            Factor::WebAuthn => &[(Factor::WebAuthn, has.passkey)],
        };
        for (way, can) in ways {
            if *can && !usable.contains(way) {
                usable.push(*way);
            }
        }
    }
    usable
}

/// What is asked for next in `USER_AUTH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Ask(Factor),
    Choose,
    /// Nothing that this person has would do.
    Nothing,
}

/// Takes the preferred factor if it can be used, and lets the person choose otherwise.
pub fn next(available: &[Factor], preferred: Option<Factor>) -> Next {
    match preferred {
        _ if available.is_empty() => Next::Nothing,
        Some(factor) if available.contains(&factor) => Next::Ask(factor),
        _ => Next::Choose,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Factor::{EmailOtp, Password, PasswordSrp, SmsOtp, WebAuthn};

    #[test]
    fn what_is_offered_is_what_the_pool_allows_and_the_person_has() {
        let both = Has { password: true, verifier: true, email: true, ..Has::default() };
        let taken_over = Has { verifier: false, ..both };
        let all = Has { passkey: true, ..taken_over };
        let cases = [
            (vec![Password, EmailOtp], both, false, vec![PasswordSrp, Password, EmailOtp]),
            (vec![EmailOtp, Password, EmailOtp], both, false, vec![EmailOtp, PasswordSrp, Password]),
            (vec![Password], both, false, vec![PasswordSrp, Password]),
            (vec![Password, EmailOtp], taken_over, false, vec![Password, EmailOtp]),
            (vec![Password, EmailOtp], Has { email: true, ..Has::default() }, false, vec![EmailOtp]),
            (vec![Password, EmailOtp], Has::default(), false, vec![]),
            (vec![Password, EmailOtp], both, true, vec![PasswordSrp, Password]),
            (vec![SmsOtp, EmailOtp], both, false, vec![EmailOtp]),
            (vec![SmsOtp, EmailOtp], Has { phone: true, ..both }, false, vec![SmsOtp, EmailOtp]),
            (vec![Password, SmsOtp], Has { phone: true, ..both }, true, vec![PasswordSrp, Password]),
            (vec![Password, EmailOtp, WebAuthn], all, false, vec![Password, EmailOtp, WebAuthn]),
            (vec![Password, EmailOtp, WebAuthn], all, true, vec![Password, WebAuthn]),
            (vec![Password, WebAuthn], both, false, vec![PasswordSrp, Password]),
            (vec![Password, EmailOtp], all, false, vec![Password, EmailOtp]),
        ];
        for (allowed, has, mfa, expected) in cases {
            assert_eq!(available(&allowed, has, mfa), expected, "{allowed:?} {has:?} {mfa}");
        }
    }

    #[test]
    fn a_preferred_factor_is_asked_for_only_if_it_can_be_used() {
        assert_eq!(next(&[Password, EmailOtp], Some(EmailOtp)), Next::Ask(EmailOtp));
        assert_eq!(next(&[Password], Some(EmailOtp)), Next::Choose);
        assert_eq!(next(&[EmailOtp], None), Next::Choose);
        assert_eq!(next(&[], Some(EmailOtp)), Next::Nothing);
    }
}
