//! A user pool as the rules see it: its settings read once for each version of its row.

use crate::auth::factors::Factor;
use crate::auth::password::Policy;
use crate::destination::Medium;
use crate::messages::{Occasion, Template};
use crate::names::{NameKind, name_key};
use anyhow::{Context, Result};
use postern_model::cognito_idp::{
    AuthFactorType, EmailSendingAccountType, GetUserPoolMfaConfigResponse, UserPoolMfaType, UserPoolType,
    VerifiedAttributeType,
};
use postern_model::shape::Shape;
use postern_store::Tx;
use postern_store::pools::PoolRow;
use std::sync::Arc;

/// A pool and what its settings decide.
pub struct Pool {
    pub id: String,
    pub arn: String,
    pub issuer: String,
    pub name: String,
    /// What the API shows, without what is counted or looked up.
    pub config: UserPoolType,
    pub mfa: GetUserPoolMfaConfigResponse,
    pub allowed_factors: Vec<Factor>,
    pub case_sensitive: bool,
    /// Attributes that serve as the user name itself.
    pub username_attributes: Vec<NameKind>,
    /// Attributes that serve as further names once verified.
    pub alias_attributes: Vec<NameKind>,
    pub password_policy: Policy,
    pub temporary_password_days: i64,
    /// What is verified at sign-up, a phone number before an address.
    pub auto_verified: Vec<Medium>,
    pub admin_only: bool,
    pub mfa_required: bool,
    /// Whether there is any group, so that tokens need to be asked for them.
    pub has_groups: bool,
    pub sender: Sender,
}

/// Where a pool's mail comes from (`EmailConfiguration`).
#[derive(Clone, Debug, PartialEq)]
pub enum Sender {
    CognitoDefault,
    Developer {
        source_arn: String,
        from: Option<String>,
        reply_to: Option<String>,
        configuration_set: Option<String>,
    },
}

/// The base that issuers and links are made of, and the name of the account.
#[derive(Clone, Debug)]
pub struct Place {
    pub region: String,
    pub account: String,
    /// Without a trailing slash.
    pub public_url: String,
    /// `{region}` and `{pool}` are filled in; see the setting `issuer`.
    pub issuer: String,
}

impl Place {
    pub fn issuer_of(&self, pool_id: &str) -> String {
        self.issuer
            .replace("{public_url}", &self.public_url)
            .replace("{region}", &self.region)
            .replace("{pool}", pool_id)
    }

    pub fn pool_arn(&self, pool_id: &str) -> String {
        format!("arn:aws:cognito-idp:{}:{}:userpool/{pool_id}", self.region, self.account)
    }
}

impl Pool {
    /// Finds a pool.
    pub fn find(tx: &mut Tx<'_>, place: &Place, pool_id: &str) -> Result<Option<Arc<Pool>>> {
        let Some(version) = tx.pool_version(pool_id)? else { return Ok(None) };
        tx.cached("pool", pool_id, version, |tx| match tx.find_pool(pool_id)? {
            Some(row) => {
                let has_groups = tx.has_groups(pool_id)?;
                Pool::parse(place, &row).map(|pool| Some(Pool { has_groups, ..pool }))
            }
            None => Ok(None),
        })
    }

    fn parse(place: &Place, row: &PoolRow) -> Result<Pool> {
        let config = UserPoolType::read(&serde_json::from_str(&row.config)?)
            .ok()
            .with_context(|| format!("the settings of pool {} cannot be read", row.id))?;
        let mfa = GetUserPoolMfaConfigResponse::read(&serde_json::from_str(&row.mfa_config)?)
            .ok()
            .with_context(|| format!("the MFA settings of pool {} cannot be read", row.id))?;
        Ok(Pool::of(place, row, config, mfa))
    }

    fn of(place: &Place, row: &PoolRow, config: UserPoolType, mfa: GetUserPoolMfaConfigResponse) -> Pool {
        let policies = config.policies.clone().unwrap_or_default();
        let password = policies.password_policy.unwrap_or_default();
        let allowed_factors = policies
            .sign_in_policy
            .and_then(|policy| policy.allowed_first_auth_factors)
            .unwrap_or_else(|| vec![AuthFactorType::Password])
            .iter()
            .filter_map(|factor| Factor::parse(factor.as_str()))
            .collect();
        let admin = config.admin_create_user_config.clone().unwrap_or_default();
        let email = config.email_configuration.clone().unwrap_or_default();
        let sender = match (email.email_sending_account, email.source_arn) {
            (Some(EmailSendingAccountType::Developer), Some(source_arn)) => Sender::Developer {
                source_arn,
                from: email.from,
                reply_to: email.reply_to_email_address,
                configuration_set: email.configuration_set,
            },
            _ => Sender::CognitoDefault,
        };
        Pool {
            id: row.id.clone(),
            arn: place.pool_arn(&row.id),
            issuer: place.issuer_of(&row.id),
            name: row.name.clone(),
            allowed_factors,
            case_sensitive: config
                .username_configuration
                .as_ref()
                .is_none_or(|configuration| configuration.case_sensitive),
            username_attributes: kinds(config.username_attributes.iter().flatten().map(|a| a.as_str())),
            alias_attributes: kinds(config.alias_attributes.iter().flatten().map(|a| a.as_str())),
            password_policy: Policy {
                length_min: usize::try_from(password.minimum_length.unwrap_or(8)).unwrap_or(8),
                uppercase: password.require_uppercase.unwrap_or(false),
                lowercase: password.require_lowercase.unwrap_or(false),
                numbers: password.require_numbers.unwrap_or(false),
                symbols: password.require_symbols.unwrap_or(false),
            },
            temporary_password_days: password.temporary_password_validity_days.unwrap_or(7),
            auto_verified: [
                (Medium::Sms, VerifiedAttributeType::PhoneNumber),
                (Medium::Email, VerifiedAttributeType::Email),
            ]
            .into_iter()
            .filter(|(_, wanted)| config.auto_verified_attributes.iter().flatten().any(|name| name == wanted))
            .map(|(medium, _)| medium)
            .collect(),
            admin_only: admin.allow_admin_create_user_only.unwrap_or(false),
            mfa_required: mfa.mfa_configuration == Some(UserPoolMfaType::On),
            has_groups: false,
            sender,
            config,
            mfa,
        }
    }

    /// The form in which this pool compares a typed name.
    pub fn name_key(&self, typed: &str) -> String {
        name_key(typed, self.case_sensitive)
    }

    /// Tells whether signing in by codes is allowed here at all.
    pub fn allows_codes(&self) -> bool {
        self.code_media().next().is_some()
    }

    /// The media by which codes of a sign-in may travel.
    pub fn code_media(&self) -> impl Iterator<Item = Medium> {
        self.allowed_factors.iter().filter_map(|factor| factor.code()).map(|kind| kind.medium)
    }

    /// Tells whether sign-up verifies what a medium leads to.
    pub fn verifies(&self, medium: Medium) -> bool {
        self.auto_verified.contains(&medium)
    }

    /// The pool's own words for an occasion.
    pub fn template(&self, occasion: Occasion) -> Template {
        match occasion {
            Occasion::SignIn => {
                let email = self.mfa.email_mfa_configuration.clone().unwrap_or_default();
                Template { subject: email.subject, body: email.message }
            }
            Occasion::SignUp
            | Occasion::ResendCode
            | Occasion::VerifyAttribute
            | Occasion::ForgotPassword => {
                let template = self.config.verification_message_template.clone().unwrap_or_default();
                Template { subject: template.email_subject, body: template.email_message }
            }
            Occasion::Invitation | Occasion::InvitationWithoutPassword => {
                let template = self
                    .config
                    .admin_create_user_config
                    .clone()
                    .and_then(|config| config.invite_message_template)
                    .unwrap_or_default();
                Template { subject: template.email_subject, body: template.email_message }
            }
            Occasion::AccountExists | Occasion::GuessesUsedUp => Template::default(),
        }
    }
}

fn kinds<'a>(names: impl Iterator<Item = &'a str>) -> Vec<NameKind> {
    names.filter_map(NameKind::parse).collect()
}
