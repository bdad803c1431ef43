//! A pool's MFA settings: the mode, the blocks of factors, and what they must agree on with its first factors.

use super::{invalid, passkeys, pool, sms};
use postern_model::cognito_idp::errors::FeatureUnavailableInTierException;
use postern_model::cognito_idp::{
    AuthFactorType, EmailSendingAccountType, GetUserPoolMfaConfigResponse as Mfa, RecoveryOptionNameType,
    SmsConfigurationType, UserPoolMfaType, UserPoolTierType, UserPoolType,
};
use postern_model::{Answer, Error, refuse};

/// The settings of a new pool.
pub fn created() -> Mfa {
    Mfa { mfa_configuration: Some(UserPoolMfaType::Off), ..Mfa::default() }
}

/// Takes the role by which the pool is to text out of the block of texts: it is the pool's, wherever it is set.
pub fn take_text_role(asked: &mut Mfa) -> Answer<Option<SmsConfigurationType>> {
    sms::settled(asked.sms_mfa_configuration.as_mut().and_then(|block| block.sms_configuration.take()))
}

/// The settings as the API shows them: the block of texts with the pool's role in it.
pub fn shown(mut mfa: Mfa, pool: &UserPoolType) -> Mfa {
    if let Some(block) = &mut mfa.sms_mfa_configuration {
        block.sms_configuration = pool.sms_configuration.clone();
    }
    mfa
}

/// Answers SetUserPoolMfaConfig. A mode replaces all blocks; without one, blocks are put beside those there. The
/// e-mail block needs no second factor in use: its words serve the codes of the first factor, whatever the mode. Nor
/// does the passkey block, which stays until it is replaced: without it the passkeys that are there would be lost.
pub fn changed(before: Mfa, pool: &UserPoolType, mut asked: Mfa) -> Answer<Mfa> {
    // Not to have a factor is no setting of it.
    let totp = asked.software_token_mfa_configuration.take();
    asked.software_token_mfa_configuration = totp.filter(|totp| totp.enabled == Some(true));
    match asked.mfa_configuration {
        Some(UserPoolMfaType::Off) if has_factor(&asked) => {
            return Err(together());
        }
        Some(UserPoolMfaType::On | UserPoolMfaType::Optional) if !has_factor(&asked) => {
            return Err(invalid(
                "At least one of [SmsMfaConfiguration] or [SoftwareTokenMfaConfiguration] must be provided.",
            ));
        }
        _ => {}
    }
    if let Some(email) = &asked.email_mfa_configuration {
        pool::one_line("EmailMfaConfiguration.Subject", email.subject.as_deref())?;
    }
    asked.web_authn_configuration =
        passkeys::settled(asked.web_authn_configuration)?.or(before.web_authn_configuration);
    if asked.mfa_configuration.is_none() {
        let adds_factor =
            asked.sms_mfa_configuration.is_some() || asked.software_token_mfa_configuration.is_some();
        if before.mfa_configuration == Some(UserPoolMfaType::Off) && adds_factor {
            return Err(together());
        }
        asked = Mfa {
            mfa_configuration: before.mfa_configuration,
            sms_mfa_configuration: asked.sms_mfa_configuration.or(before.sms_mfa_configuration),
            software_token_mfa_configuration: asked
                .software_token_mfa_configuration
                .or(before.software_token_mfa_configuration),
            email_mfa_configuration: asked.email_mfa_configuration.or(before.email_mfa_configuration),
            web_authn_configuration: asked.web_authn_configuration,
        };
    }
    possible(pool, asked)
}

/// Judges the mode that CreateUserPool or UpdateUserPool asks for, which brings no blocks along and leaves those there
/// as they are.
pub fn mode(before: &Mfa, pool: &UserPoolType, asked: Option<UserPoolMfaType>) -> Answer<Mfa> {
    let mode = asked.or(before.mfa_configuration);
    match asked {
        Some(UserPoolMfaType::On | UserPoolMfaType::Optional) if !has_factor(before) => Err(no_texts()),
        _ => possible(pool, Mfa { mfa_configuration: mode, ..before.clone() }),
    }
}

/// Lets settings through that the pool's other settings, its tier and this server allow.
fn possible(pool: &UserPoolType, mfa: Mfa) -> Answer<Mfa> {
    let codes = [AuthFactorType::EmailOtp, AuthFactorType::SmsOtp];
    let by_code = pool::first_factors(pool).iter().any(|factor| codes.contains(factor));
    if mfa.mfa_configuration == Some(UserPoolMfaType::On) && by_code {
        return Err(invalid(
            "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled",
        ));
    }
    if mfa.email_mfa_configuration.is_some() && pool.user_pool_tier == Some(UserPoolTierType::Lite) {
        return refuse(FeatureUnavailableInTierException, "Email MFA is not available in the Lite tier.");
    }
    let is_in_use = mfa.mfa_configuration != Some(UserPoolMfaType::Off);
    if is_in_use && mfa.email_mfa_configuration.is_some() && !sends_by_its_own(pool) {
        return Err(invalid(
            "Email MFA requires an EmailConfiguration with EmailSendingAccount set to DEVELOPER.",
        ));
    }
    if is_in_use && mfa.sms_mfa_configuration.is_some() && !sms::can_leave(pool) {
        return Err(no_texts());
    }
    if is_in_use && mfa.sms_mfa_configuration.is_some() && recovers_by_phone_alone(pool) {
        return Err(invalid(
            "Invalid account recovery setting parameter. Account Recovery Setting cannot use \
             verified_phone_number as a recovery mechanism when SMS MFA is configured.",
        ));
    }
    passkeys::possible(pool, mfa.web_authn_configuration.as_ref())?;
    Ok(mfa)
}

fn no_texts() -> Error {
    invalid(
        "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
    )
}

fn sends_by_its_own(pool: &UserPoolType) -> bool {
    let email = pool.email_configuration.as_ref();
    email.and_then(|email| email.email_sending_account) == Some(EmailSendingAccountType::Developer)
}

/// A phone beside another mechanism is left out for whoever has it as a second factor; alone it would be no way at all.
fn recovers_by_phone_alone(pool: &UserPoolType) -> bool {
    let setting = pool.account_recovery_setting.as_ref();
    let mechanisms = setting.and_then(|setting| setting.recovery_mechanisms.as_deref()).unwrap_or_default();
    matches!(mechanisms, [one] if one.name == RecoveryOptionNameType::VerifiedPhoneNumber)
}

fn together() -> Error {
    invalid("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.")
}

fn has_factor(mfa: &Mfa) -> bool {
    mfa.sms_mfa_configuration.is_some()
        || mfa.software_token_mfa_configuration.is_some()
        || mfa.email_mfa_configuration.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::{Document, Shape};
    use serde_json::json;

    fn with_factors(factors: &[&str]) -> UserPoolType {
        let policies = json!({"SignInPolicy": {"AllowedFirstAuthFactors": factors}});
        let email = json!({"EmailSendingAccount": "DEVELOPER"});
        UserPoolType::read(&json!({ "Policies": policies, "EmailConfiguration": email })).expect("a pool")
    }

    fn set(before: Mfa, asked: Document) -> Answer<Mfa> {
        changed(before, &with_factors(&["PASSWORD"]), Shape::read(&asked).expect("settings"))
    }

    fn words<T>(answer: Answer<T>) -> String {
        answer.err().expect("a refusal").to_string().replace("InvalidParameterException: ", "")
    }

    #[test]
    fn a_bare_pool_has_mfa_off_and_nothing_else() {
        assert_eq!(created().write(), json!({"MfaConfiguration": "OFF"}));
    }

    #[test]
    fn the_words_of_the_code_mail_are_set_in_any_mode() {
        let block = json!({"Message": "Code {####}", "Subject": "Your code"});
        let alone = set(created(), json!({ "EmailMfaConfiguration": block })).expect("settings");
        assert_eq!(alone.write(), json!({"MfaConfiguration": "OFF", "EmailMfaConfiguration": block}));
        let both = json!({"MfaConfiguration": "OPTIONAL", "EmailMfaConfiguration": block});
        let optional = set(created(), both.clone()).expect("settings");
        assert_eq!(optional.write(), both);
        let off = set(optional, json!({"MfaConfiguration": "OFF"})).expect("settings");
        assert_eq!(off.write(), json!({"MfaConfiguration": "OFF"}));
    }

    #[test]
    fn settings_that_exclude_each_other_are_refused() {
        let together = "Invalid MFA configuration given, can't turn off MFA and configure an MFA together.";
        for block in ["SmsMfaConfiguration", "EmailMfaConfiguration"] {
            assert_eq!(words(set(created(), json!({"MfaConfiguration": "OFF", block: {}}))), together);
        }
        let totp = |enabled: bool| json!({"MfaConfiguration": "OFF", "SoftwareTokenMfaConfiguration": {"Enabled": enabled}});
        assert_eq!(words(set(created(), totp(true))), together);
        assert!(set(created(), totp(false)).is_ok());
        for mode in ["ON", "OPTIONAL"] {
            assert_eq!(
                words(set(created(), json!({"MfaConfiguration": mode}))),
                "At least one of [SmsMfaConfiguration] or [SoftwareTokenMfaConfiguration] must be provided."
            );
        }
        let on = json!({"MfaConfiguration": "ON", "EmailMfaConfiguration": {}});
        let on = Shape::read(&on).expect("settings");
        assert_eq!(
            words(changed(created(), &with_factors(&["PASSWORD", "EMAIL_OTP"]), on)),
            "Only PASSWORD and WEB_AUTHN (if configured) can be enabled as an auth factor if MFA is enabled"
        );
        let subject = json!({"EmailMfaConfiguration": {"Subject": "a\nb"}});
        assert_eq!(words(set(created(), subject)), "EmailMfaConfiguration.Subject must be one line.");
    }

    #[test]
    fn texts_need_a_role_or_a_function_that_sends_them() {
        let asked = json!({"MfaConfiguration": "OPTIONAL", "SmsMfaConfiguration": {}});
        let no_texts = "SMS configuration and Auto verification for phone_number are required when MFA is \
                        required/optional";
        assert_eq!(words(set(created(), asked.clone())), no_texts);
        for sends in [
            json!({"SmsConfiguration": {"SnsCallerArn": "r"}}),
            json!({"LambdaConfig": {"CustomSMSSender": {"LambdaVersion": "V1_0", "LambdaArn": "f"}}}),
        ] {
            let pool: UserPoolType = Shape::read(&sends).expect("settings");
            let asked = Shape::read(&asked).expect("settings");
            assert!(changed(created(), &pool, asked).is_ok(), "{sends}");
        }
    }

    #[test]
    fn the_role_in_the_block_of_texts_is_the_pools() {
        let role = json!({"SnsCallerArn": "r", "ExternalId": "e"});
        let block =
            json!({"SmsMfaConfiguration": {"SmsConfiguration": role, "SmsAuthenticationMessage": "{####}"}});
        let mut asked: Mfa = Shape::read(&block).expect("settings");
        let taken = take_text_role(&mut asked).expect("a role");
        assert_eq!(asked.write(), json!({"SmsMfaConfiguration": {"SmsAuthenticationMessage": "{####}"}}));
        let pool = UserPoolType { sms_configuration: taken, ..UserPoolType::default() };
        assert_eq!(shown(asked, &pool).write(), block);
    }

    #[test]
    fn blocks_without_a_mode_are_put_beside_those_there() {
        let totp = json!({"SoftwareTokenMfaConfiguration": {"Enabled": true}});
        assert_eq!(
            words(set(created(), totp.clone())),
            "Invalid MFA configuration given, can't turn off MFA and configure an MFA together."
        );
        let optional = json!({"MfaConfiguration": "OPTIONAL", "EmailMfaConfiguration": {}});
        let both = set(set(created(), optional).expect("settings"), totp).expect("settings");
        assert_eq!(
            both.write(),
            json!({
                "SoftwareTokenMfaConfiguration": {"Enabled": true},
                "EmailMfaConfiguration": {},
                "MfaConfiguration": "OPTIONAL",
            })
        );
    }

    #[test]
    fn codes_by_mail_need_a_sender_of_the_pools_own() {
        let pool = UserPoolType::default();
        let asked = |document| Shape::read(&document).expect("settings");
        let on = asked(json!({"MfaConfiguration": "ON", "EmailMfaConfiguration": {}}));
        assert_eq!(
            words(changed(created(), &pool, on)),
            "Email MFA requires an EmailConfiguration with EmailSendingAccount set to DEVELOPER."
        );
        // Alone the block is words for the first factor's mail.
        assert!(changed(created(), &pool, asked(json!({"EmailMfaConfiguration": {}}))).is_ok());
    }

    #[test]
    fn the_lite_tier_has_no_mfa_by_email() {
        let pool = UserPoolType { user_pool_tier: Some(UserPoolTierType::Lite), ..UserPoolType::default() };
        let asked = Shape::read(&json!({"EmailMfaConfiguration": {}})).expect("settings");
        let error = changed(created(), &pool, asked).expect_err("a refusal");
        assert_eq!(error.kind(), Some(FeatureUnavailableInTierException));
    }

    #[test]
    fn a_pool_is_saved_with_the_mode_it_has_or_with_mfa_off() {
        let pool = with_factors(&["PASSWORD"]);
        let totp = json!({"Enabled": true});
        let asked = json!({
            "MfaConfiguration": "OPTIONAL", "EmailMfaConfiguration": {}, "SoftwareTokenMfaConfiguration": totp,
        });
        let optional = set(created(), asked).expect("settings");
        for kept in [None, Some(UserPoolMfaType::Optional)] {
            assert_eq!(mode(&optional, &pool, kept).expect("settings"), optional);
        }
        // Off and on again, the factors are those of before.
        let off = mode(&optional, &pool, Some(UserPoolMfaType::Off)).expect("settings");
        assert_eq!(off, Mfa { mfa_configuration: Some(UserPoolMfaType::Off), ..optional.clone() });
        let words_of_mails = json!({"EmailMfaConfiguration": {"Message": "Code {####}"}});
        assert!(set(off.clone(), words_of_mails).is_ok());
        assert_eq!(mode(&off, &pool, Some(UserPoolMfaType::Optional)).expect("settings"), optional);
        assert_eq!(
            words(mode(&created(), &pool, Some(UserPoolMfaType::Optional))),
            "SMS configuration and Auto verification for phone_number are required when MFA is required/optional"
        );
        let texts =
            set(created(), json!({"EmailMfaConfiguration": {"Message": "Code {####}"}})).expect("settings");
        assert_eq!(mode(&texts, &pool, Some(UserPoolMfaType::Off)).expect("settings"), texts);
    }
}
