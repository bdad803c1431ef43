//! A pool's settings: what a bare pool has, what an update keeps, and what excludes what.

use super::{email, functions, invalid, not_yet, schema, sms};
use crate::auth::acr::Names;
use postern_model::cognito_idp::errors::FeatureUnavailableInTierException;
use postern_model::cognito_idp::*;
use postern_model::{Answer, ErrorKind, refuse};
use std::collections::BTreeMap;

/// Tags on one resource (quota).
const TAGS_MAX: usize = 50;
/// Days that a temporary password lives when the policy does not say.
const TEMPORARY_DAYS: i64 = 7;
const LENGTH_MIN: i64 = 8;

/// The settings of a new pool. Its name, its MFA settings and what is counted or looked up are kept elsewhere.
pub fn created(asked: UserPoolType, schema: Option<Vec<SchemaAttributeType>>) -> Answer<UserPoolType> {
    let schema_attributes = Some(schema::created(schema.unwrap_or_default())?);
    settled(UserPoolType { schema_attributes, ..asked })
}

/// The settings of a pool after UpdateUserPool: what is left out returns to its default, but for the policies and
/// UserAttributeUpdateSettings, and for what was fixed when the pool was made.
pub fn updated(before: &UserPoolType, asked: UserPoolType) -> Answer<UserPoolType> {
    let kept = before.policies.clone().unwrap_or_default();
    let policies = asked.policies.unwrap_or_default();
    settled(UserPoolType {
        policies: Some(UserPoolPolicyType {
            password_policy: policies.password_policy.or(kept.password_policy),
            sign_in_policy: policies.sign_in_policy.or(kept.sign_in_policy),
        }),
        user_attribute_update_settings: asked
            .user_attribute_update_settings
            .or_else(|| before.user_attribute_update_settings.clone()),
        alias_attributes: before.alias_attributes.clone(),
        username_attributes: before.username_attributes.clone(),
        username_configuration: before.username_configuration.clone(),
        schema_attributes: before.schema_attributes.clone(),
        ..asked
    })
}

/// The factors that a sign-in may begin with.
pub fn first_factors(pool: &UserPoolType) -> &[AuthFactorType] {
    let policy = pool.policies.as_ref().and_then(|policies| policies.sign_in_policy.as_ref());
    policy
        .and_then(|policy| policy.allowed_first_auth_factors.as_deref())
        .unwrap_or(&[AuthFactorType::Password])
}

/// Refuses a subject that would not stay one header line.
pub fn one_line(name: &str, text: Option<&str>) -> Answer<()> {
    if text.is_some_and(|text| text.contains(['\r', '\n'])) {
        return Err(invalid(format!("{name} must be one line.")));
    }
    Ok(())
}

/// Judges a resource's tags; each operation has its own kind of no.
pub fn tags(kind: ErrorKind, tags: &BTreeMap<String, String>) -> Answer<()> {
    if tags.len() > TAGS_MAX {
        return refuse(kind, format!("A resource can have {TAGS_MAX} tags."));
    }
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return refuse(kind, "Tag keys cannot begin with aws:.");
    }
    Ok(())
}

/// Refuses threat protection that the tier has not.
fn threat_protection(pool: &UserPoolType) -> Answer<()> {
    let Some(add_ons) = &pool.user_pool_add_ons else { return Ok(()) };
    let is_on = add_ons.advanced_security_mode != AdvancedSecurityModeType::Off;
    let flows = add_ons.advanced_security_additional_flows.as_ref();
    if !is_on && flows.is_some_and(|flows| flows.custom_auth_mode.is_some()) {
        return Err(invalid("AdvancedSecurityAdditionalFlows needs AdvancedSecurityMode AUDIT or ENFORCED."));
    }
    match &pool.user_pool_tier {
        Some(tier) if is_on && *tier != UserPoolTierType::Plus => refuse(
            FeatureUnavailableInTierException,
            format!(
                "The following features need to be disabled for the {} pricing tier configured: Threat Protection",
                tier.as_str()
            ),
        ),
        _ => Ok(()),
    }
}

/// Fills in what was left out, and checks the whole.
fn settled(mut pool: UserPoolType) -> Answer<UserPoolType> {
    not_yet::in_pool(&pool)?;
    absent_if_empty(&mut pool.auto_verified_attributes);
    absent_if_empty(&mut pool.alias_attributes);
    absent_if_empty(&mut pool.username_attributes);
    pool.acr_configuration = levels(pool.acr_configuration.take(), pool.user_pool_tier)?;
    // Any value has devices tracked, and none has them not.
    pool.device_configuration =
        pool.device_configuration.take().filter(|devices| *devices != DeviceConfigurationType::default());
    if pool.alias_attributes.is_some() && pool.username_attributes.is_some() {
        return Err(invalid(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.",
        ));
    }
    let admin = pool.admin_create_user_config.take().unwrap_or_default();
    let policies = policies(pool.policies.take(), admin.unused_account_validity_days)?;
    pool.policies = Some(policies);
    pool.user_pool_tier.get_or_insert(UserPoolTierType::Essentials);
    let factors = first_factors(&pool);
    if pool.user_pool_tier == Some(UserPoolTierType::Lite) && factors != [AuthFactorType::Password] {
        return refuse(
            FeatureUnavailableInTierException,
            "Of the first authentication factors only PASSWORD is available in the Lite tier.",
        );
    }
    if pool.user_pool_tier == Some(UserPoolTierType::Lite) && remembers_passwords(&pool) {
        return refuse(
            FeatureUnavailableInTierException,
            "PasswordHistorySize is not available in the Lite tier.",
        );
    }
    threat_protection(&pool)?;
    if factors == [AuthFactorType::WebAuthn] {
        return Err(invalid("WEB_AUTHN cannot be the only factor in AllowedFirstAuthFactors."));
    }
    let by_code = factors.iter().any(|f| [AuthFactorType::EmailOtp, AuthFactorType::SmsOtp].contains(f));
    pool.admin_create_user_config = Some(AdminCreateUserConfigType {
        allow_admin_create_user_only: Some(admin.allow_admin_create_user_only.unwrap_or(false)),
        unused_account_validity_days: temporary_days(&pool),
        invite_message_template: invitation(admin.invite_message_template, by_code)?,
    });
    messages(&mut pool)?;
    pool.deletion_protection.get_or_insert(DeletionProtectionType::Inactive);
    functions::accept(pool.lambda_config.get_or_insert_default(), pool.user_pool_tier)?;
    let update_settings = pool.user_attribute_update_settings.get_or_insert_default();
    update_settings.attributes_require_verification_before_update.get_or_insert_default();
    pool.email_configuration = Some(email::settled(pool.email_configuration.take())?);
    pool.sms_configuration = sms::settled(pool.sms_configuration.take())?;
    pool.account_recovery_setting = recovery(pool.account_recovery_setting.take())?;
    tags(errors::UserPoolTaggingException, pool.user_pool_tags.get_or_insert_default())?;
    Ok(pool)
}

/// Names of levels, each for one of them.
fn levels(
    asked: Option<BTreeMap<String, AcrLevelConfigType>>,
    tier: Option<UserPoolTierType>,
) -> Answer<Option<BTreeMap<String, AcrLevelConfigType>>> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(None) };
    if tier == Some(UserPoolTierType::Lite) {
        return refuse(
            FeatureUnavailableInTierException,
            "AcrConfiguration is not available in the Lite tier.",
        );
    }
    if !Names::of(Some(&asked)).are_distinct() {
        return Err(invalid("AcrConfiguration must have a value of its own for each level."));
    }
    Ok(Some(asked))
}

fn remembers_passwords(pool: &UserPoolType) -> bool {
    let password = pool.policies.as_ref().and_then(|policies| policies.password_policy.as_ref());
    password.and_then(|password| password.password_history_size).is_some_and(|size| size > 0)
}

fn absent_if_empty<T>(list: &mut Option<Vec<T>>) {
    if list.as_ref().is_some_and(Vec::is_empty) {
        *list = None;
    }
}

/// A policy that was given leaves out what it does not ask for; one that was not asks for all classes.
fn policies(asked: Option<UserPoolPolicyType>, unused_days: Option<i64>) -> Answer<UserPoolPolicyType> {
    let asked = asked.unwrap_or_default();
    let all_classes = asked.password_policy.is_none();
    let mut password = asked.password_policy.unwrap_or_default();
    password.minimum_length.get_or_insert(LENGTH_MIN);
    password.require_uppercase.get_or_insert(all_classes);
    password.require_lowercase.get_or_insert(all_classes);
    password.require_numbers.get_or_insert(all_classes);
    password.require_symbols.get_or_insert(all_classes);
    // Zero days mean that the setting of old, UnusedAccountValidityDays, counts.
    let temporary_days = password.temporary_password_validity_days.filter(|days| *days > 0);
    let unused_days = unused_days.filter(|days| *days > 0);
    if let (Some(temporary), Some(unused)) = (temporary_days, unused_days)
        && temporary != unused
    {
        return Err(invalid(
            "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
        ));
    }
    password.temporary_password_validity_days = temporary_days.or(unused_days).or(Some(TEMPORARY_DAYS));
    let mut sign_in = asked.sign_in_policy.unwrap_or_default();
    sign_in.allowed_first_auth_factors.get_or_insert_with(|| vec![AuthFactorType::Password]);
    Ok(UserPoolPolicyType { password_policy: Some(password), sign_in_policy: Some(sign_in) })
}

fn temporary_days(pool: &UserPoolType) -> Option<i64> {
    pool.policies.as_ref()?.password_policy.as_ref()?.temporary_password_validity_days
}

/// An invitation names the user; it carries the password unless users here can do without one.
fn invitation(template: Option<MessageTemplateType>, by_code: bool) -> Answer<Option<MessageTemplateType>> {
    let Some(template) = template else { return Ok(None) };
    for (name, text) in [("EmailMessage", &template.email_message), ("SMSMessage", &template.sms_message)] {
        let needed: &[&str] = if by_code { &["{username}"] } else { &["{username}", "{####}"] };
        let missing = needed.iter().find(|part| text.as_ref().is_some_and(|text| !text.contains(**part)));
        if let Some(missing) = missing {
            return Err(invalid(format!("InviteMessageTemplate.{name} must contain {missing}.")));
        }
    }
    one_line("InviteMessageTemplate.EmailSubject", template.email_subject.as_deref())?;
    Ok(Some(template))
}

/// The verification texts stand in two places, which stay equal; the template counts where both were given.
fn messages(pool: &mut UserPoolType) -> Answer<()> {
    let template = pool.verification_message_template.get_or_insert_default();
    template.default_email_option.get_or_insert(DefaultEmailOptionType::ConfirmWithCode);
    one_line("EmailSubjectByLink", template.email_subject_by_link.as_deref())?;
    for (in_template, beside) in [
        (&mut template.email_message, &mut pool.email_verification_message),
        (&mut template.email_subject, &mut pool.email_verification_subject),
        (&mut template.sms_message, &mut pool.sms_verification_message),
    ] {
        *in_template = in_template.take().or(beside.take());
        beside.clone_from(in_template);
    }
    one_line("EmailSubject", template.email_subject.as_deref())
}

/// Nothing asked means e-mail first, then phone; an empty block asks for the legacy behaviour and is not shown.
fn recovery(asked: Option<AccountRecoverySettingType>) -> Answer<Option<AccountRecoverySettingType>> {
    let Some(asked) = asked else {
        let mechanism = |priority, name| RecoveryOptionType { priority, name };
        return Ok(Some(AccountRecoverySettingType {
            recovery_mechanisms: Some(vec![
                mechanism(1, RecoveryOptionNameType::VerifiedEmail),
                mechanism(2, RecoveryOptionNameType::VerifiedPhoneNumber),
            ]),
        }));
    };
    let Some(mechanisms) = &asked.recovery_mechanisms else { return Ok(None) };
    let fault = match mechanisms.as_slice() {
        [first, second] if first.priority == second.priority || first.name == second.name => {
            "Recovery mechanisms must differ in name and priority."
        }
        [_, _] if mechanisms.iter().any(|one| one.name == RecoveryOptionNameType::AdminOnly) => {
            "admin_only cannot be used together with another recovery mechanism."
        }
        _ => return Ok(Some(asked)),
    };
    Err(invalid(format!("Invalid account recovery setting parameter. {fault}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_model::{Document, Shape};
    use serde_json::json;

    fn read(settings: Document) -> UserPoolType {
        Shape::read(&settings).expect("settings")
    }

    fn bare() -> UserPoolType {
        created(UserPoolType::default(), None).expect("a pool")
    }

    fn refused(settings: Document) -> String {
        let error = created(read(settings), None).expect_err("a refusal");
        error.to_string().replace("InvalidParameterException: ", "")
    }

    #[test]
    fn a_bare_pool_has_the_documented_defaults() {
        let mut shown = bare().write();
        let members = shown.as_object_mut().expect("a structure");
        assert_eq!(members.remove("SchemaAttributes").expect("a schema").as_array().map(Vec::len), Some(20));
        assert_eq!(
            shown,
            json!({
                "Policies": {
                    "PasswordPolicy": {
                        "MinimumLength": 8, "RequireUppercase": true, "RequireLowercase": true,
                        "RequireNumbers": true, "RequireSymbols": true, "TemporaryPasswordValidityDays": 7,
                    },
                    "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD"]},
                },
                "DeletionProtection": "INACTIVE",
                "LambdaConfig": {},
                "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
                "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": []},
                "EmailConfiguration": {"EmailSendingAccount": "COGNITO_DEFAULT"},
                "UserPoolTags": {},
                "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": false, "UnusedAccountValidityDays": 7},
                "AccountRecoverySetting": {"RecoveryMechanisms": [
                    {"Priority": 1, "Name": "verified_email"}, {"Priority": 2, "Name": "verified_phone_number"},
                ]},
                "UserPoolTier": "ESSENTIALS",
            })
        );
    }

    #[test]
    fn what_is_given_is_kept_and_empty_lists_are_absent() {
        let pool = created(
            read(json!({
                "Policies": {
                    "PasswordPolicy": {"MinimumLength": 12, "RequireNumbers": true},
                    "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]},
                },
                "UsernameAttributes": ["email"], "AliasAttributes": [], "AutoVerifiedAttributes": ["email"],
                "UsernameConfiguration": {"CaseSensitive": false},
                "AdminCreateUserConfig": {
                    "UnusedAccountValidityDays": 3, "InviteMessageTemplate": {"EmailMessage": "Hello {username}"},
                },
                "AccountRecoverySetting": {},
            })),
            None,
        );
        let shown = pool.expect("a pool").write();
        assert_eq!(
            shown["Policies"]["PasswordPolicy"],
            json!({
                "MinimumLength": 12, "RequireUppercase": false, "RequireLowercase": false,
                "RequireNumbers": true, "RequireSymbols": false, "TemporaryPasswordValidityDays": 3,
            })
        );
        assert_eq!(shown["AdminCreateUserConfig"]["UnusedAccountValidityDays"], json!(3));
        assert_eq!(shown["UsernameConfiguration"], json!({"CaseSensitive": false}));
        assert_eq!(shown.get("AliasAttributes"), None);
        assert_eq!(shown.get("AccountRecoverySetting"), None);
    }

    #[test]
    fn verification_texts_stand_in_both_places() {
        for given in [
            json!({
                "EmailVerificationMessage": "Code {####}", "EmailVerificationSubject": "Code",
                "SmsVerificationMessage": "Code: {####}",
            }),
            json!({"VerificationMessageTemplate": {
                "EmailMessage": "Code {####}", "EmailSubject": "Code", "SmsMessage": "Code: {####}",
            }}),
        ] {
            let shown = created(read(given), None).expect("a pool").write();
            assert_eq!(shown["EmailVerificationMessage"], json!("Code {####}"));
            assert_eq!(shown["EmailVerificationSubject"], json!("Code"));
            assert_eq!(shown["SmsVerificationMessage"], json!("Code: {####}"));
            assert_eq!(
                shown["VerificationMessageTemplate"],
                json!({
                    "EmailMessage": "Code {####}", "EmailSubject": "Code", "SmsMessage": "Code: {####}",
                    "DefaultEmailOption": "CONFIRM_WITH_CODE",
                })
            );
        }
    }

    #[test]
    fn settings_that_exclude_each_other_are_refused() {
        let days = "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of \
                    UnusedAccountValidityDays";
        let invite =
            |text: &str| json!({"AdminCreateUserConfig": {"InviteMessageTemplate": {"EmailMessage": text}}});
        let recovery = |names: [&str; 2]| {
            let [first, second] = names;
            json!({"AccountRecoverySetting": {"RecoveryMechanisms": [
                {"Priority": 1, "Name": first}, {"Priority": 2, "Name": second},
            ]}})
        };
        for (settings, words) in [
            (
                json!({"UsernameAttributes": ["email"], "AliasAttributes": ["email"]}),
                "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.",
            ),
            (
                json!({
                    "Policies": {"PasswordPolicy": {"TemporaryPasswordValidityDays": 5}},
                    "AdminCreateUserConfig": {"UnusedAccountValidityDays": 6},
                }),
                days,
            ),
            (invite("Password {####}"), "InviteMessageTemplate.EmailMessage must contain {username}."),
            (invite("Hello {username}"), "InviteMessageTemplate.EmailMessage must contain {####}."),
            (json!({"EmailVerificationSubject": "a\r\nBcc: b@c.test"}), "EmailSubject must be one line."),
            (
                recovery(["admin_only", "verified_email"]),
                "Invalid account recovery setting parameter. admin_only cannot be used together with another \
                 recovery mechanism.",
            ),
            (
                recovery(["verified_email", "verified_email"]),
                "Invalid account recovery setting parameter. Recovery mechanisms must differ in name and \
                 priority.",
            ),
            (
                json!({"UserPoolTags": {"aws:x": "y"}}),
                "UserPoolTaggingException: Tag keys cannot begin with aws:.",
            ),
            (
                json!({
                    "UserPoolTier": "LITE",
                    "Policies": {"SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"]}},
                }),
                "FeatureUnavailableInTierException: Of the first authentication factors only PASSWORD is \
                 available in the Lite tier.",
            ),
            (
                json!({"UserPoolTier": "LITE", "Policies": {"PasswordPolicy": {"PasswordHistorySize": 1}}}),
                "FeatureUnavailableInTierException: PasswordHistorySize is not available in the Lite tier.",
            ),
            (
                json!({"UserPoolAddOns": {"AdvancedSecurityMode": "AUDIT"}}),
                "FeatureUnavailableInTierException: The following features need to be disabled for the ESSENTIALS \
                 pricing tier configured: Threat Protection",
            ),
            (
                json!({"UserPoolTier": "PLUS", "UserPoolAddOns": {
                    "AdvancedSecurityMode": "OFF", "AdvancedSecurityAdditionalFlows": {"CustomAuthMode": "AUDIT"},
                }}),
                "AdvancedSecurityAdditionalFlows needs AdvancedSecurityMode AUDIT or ENFORCED.",
            ),
            (json!({"SmsConfiguration": {}}), "SnsCallerArn is required in SmsConfiguration."),
        ] {
            assert_eq!(refused(settings), words);
        }
    }

    #[test]
    fn an_update_resets_what_it_leaves_out_and_keeps_policies_and_what_is_fixed() {
        let before = created(
            read(json!({
                "Policies": {
                    "PasswordPolicy": {"MinimumLength": 20},
                    "SignInPolicy": {"AllowedFirstAuthFactors": ["EMAIL_OTP"]},
                },
                "DeletionProtection": "ACTIVE", "UsernameAttributes": ["email"],
                "UsernameConfiguration": {"CaseSensitive": false}, "AutoVerifiedAttributes": ["email"],
                "UserPoolTags": {"a": "b"}, "EmailVerificationSubject": "Hello",
            })),
            Some(Shape::read(&json!([{"Name": "plan", "AttributeDataType": "String"}])).expect("a schema")),
        )
        .expect("a pool");
        let after = updated(&before, UserPoolType::default()).expect("a pool");
        let expected = UserPoolType {
            policies: before.policies.clone(),
            username_attributes: before.username_attributes.clone(),
            username_configuration: before.username_configuration.clone(),
            schema_attributes: before.schema_attributes.clone(),
            ..bare()
        };
        assert_eq!(after.write()["AdminCreateUserConfig"], expected.write()["AdminCreateUserConfig"]);
        assert_eq!(after.write(), expected.write());

        let asked = read(json!({"Policies": {"PasswordPolicy": {"MinimumLength": 9}}}));
        let policies = updated(&before, asked).expect("a pool").write()["Policies"].clone();
        assert_eq!(policies["PasswordPolicy"]["MinimumLength"], json!(9));
        assert_eq!(policies["SignInPolicy"]["AllowedFirstAuthFactors"], json!(["EMAIL_OTP"]));
    }
}
