//! A user pool as the rules see it: its settings read once for each version of its row.

use crate::auth::acr::{self, Level, Names};
use crate::auth::device::Tracking;
use crate::auth::factors::Factor;
use crate::auth::password::Policy;
use crate::auth::risk::Guard;
use crate::auth::second_factor::{Demand, Mode, SecondFactor};
use crate::destination::Medium;
use crate::messages::{Occasion, Template};
use crate::names::{NameKind, name_key};
use crate::provider::Provider;
use anyhow::{Context, Result};
use postern_mail::address::Mailbox;
use postern_model::cognito_idp::{
    AdvancedSecurityEnabledModeType, AdvancedSecurityModeType, AuthFactorType, DefaultEmailOptionType,
    EmailConfigurationType, EmailSendingAccountType, GetUserPoolMfaConfigResponse, IssuerType,
    RecoveryOptionNameType, UserPoolAddOnsType, UserPoolMfaType, UserPoolTierType, UserPoolType,
    UserVerificationType, VerifiedAttributeType, WebAuthnFactorConfigurationType,
};
use postern_model::shape::Shape;
use postern_store::Tx;
use postern_store::pools::PoolRow;
use std::sync::Arc;

/// A pool and what its settings decide.
pub struct Pool {
    pub id: String,
    /// The version of the row that this was read from.
    pub version: i64,
    pub arn: String,
    pub issuer: String,
    /// The pool's other issuer, whose tokens are recognised, too: those from before it was changed.
    pub other_issuer: Option<String>,
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
    /// How many of somebody's newest passwords cannot be chosen again.
    pub password_history: i64,
    /// Ways to a new password, the first one first (`AccountRecoverySetting`).
    pub recovery: Vec<RecoveryOptionNameType>,
    /// What is verified at sign-up, a phone number before an address.
    pub auto_verified: Vec<Medium>,
    /// Addresses whose new value waits for its code (`AttributesRequireVerificationBeforeUpdate`).
    pub verified_before_update: Vec<Medium>,
    pub admin_only: bool,
    /// What is demanded after the first factor.
    pub second: Demand,
    /// Whether there is any group, so that tokens need to be asked for them.
    pub has_groups: bool,
    /// How many sign-ins of one user are tracked; nothing when none is.
    pub tracked_sessions: Option<usize>,
    pub passkeys: Passkeys,
    pub devices: Tracking,
    /// What it does about threats, and where functions of the operator's ask instead of us.
    pub guard: Guard,
    pub guard_of_custom: Guard,
    /// What its levels of authentication are called; nothing where the plan has none.
    pub levels: Option<Names>,
    /// Outside providers, and the levels that their people can reach there.
    pub outside_levels: Vec<(String, Vec<Level>)>,
    pub sender: Sender,
    pub texting: Option<Texting>,
}

/// The role by which a pool's text messages are sent (`SmsConfiguration`).
#[derive(Clone, Debug, PartialEq)]
pub struct Texting {
    pub role_arn: String,
    pub external_id: Option<String>,
}

/// What a pool asks of passkeys (`WebAuthnConfiguration`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passkeys {
    /// Nothing: the pool's domain.
    pub relying_party: Option<String>,
    pub verifies_user: bool,
    /// A passkey that verified the person is worth two factors.
    pub counts_as_mfa: bool,
}

impl Passkeys {
    fn of(mfa: &GetUserPoolMfaConfigResponse) -> Passkeys {
        let set = mfa.web_authn_configuration.clone().unwrap_or_default();
        let counts_as_mfa = set.factor_configuration
            == Some(WebAuthnFactorConfigurationType::MultiFactorWithUserVerification);
        Passkeys {
            relying_party: set.relying_party_id,
            verifies_user: counts_as_mfa || set.user_verification == Some(UserVerificationType::Required),
            counts_as_mfa,
        }
    }
}

/// Where a pool's mail comes from (`EmailConfiguration`).
#[derive(Clone, Debug, PartialEq)]
pub enum Sender {
    /// The server's own sender.
    Default { reply_to: Option<String> },
    /// The same service, by an address that its identity's own policy lends it.
    Lent(OwnAddress),
    /// An identity of the account, through the service-linked role.
    Developer { address: OwnAddress, configuration_set: Option<String> },
}

/// An address of an identity of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnAddress {
    pub source_arn: String,
    from: Option<String>,
    pub reply_to: Option<String>,
}

impl OwnAddress {
    /// Whom mails come from: what was said, or the identity itself where that is an address.
    pub fn mailbox(&self) -> Option<Mailbox> {
        let identity = self.source_arn.rsplit_once('/').map_or("", |(_, name)| name);
        Mailbox::parse(self.from.as_deref().unwrap_or(identity)).ok()
    }
}

impl Sender {
    fn of(email: EmailConfigurationType) -> Sender {
        let (reply_to, is_developer) = (email.reply_to_email_address, email.email_sending_account);
        let Some(source_arn) = email.source_arn else { return Sender::Default { reply_to } };
        let address = OwnAddress { source_arn, from: email.from, reply_to };
        match is_developer {
            Some(EmailSendingAccountType::Developer) => {
                Sender::Developer { address, configuration_set: email.configuration_set }
            }
            _ => Sender::Lent(address),
        }
    }

    /// The address that is not the server's own.
    pub fn own_address(&self) -> Option<&OwnAddress> {
        match self {
            Sender::Default { .. } => None,
            Sender::Lent(address) | Sender::Developer { address, .. } => Some(address),
        }
    }
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
    /// Where the pages of a pool with a prefix domain are, with `{domain}` to be filled in.
    pub prefix_url: Option<String>,
}

impl Place {
    pub fn issuer_of(&self, pool_id: &str) -> String {
        self.issuer
            .replace("{public_url}", &self.public_url)
            .replace("{region}", &self.region)
            .replace("{pool}", pool_id)
    }

    /// The issuer under the name that `IssuerConfiguration` `UPDATED` moves it to; nothing where issuers are not shaped
    /// like those of AWS.
    pub fn updated_issuer_of(&self, pool_id: &str) -> Option<String> {
        let issuer = self.issuer_of(pool_id);
        let updated = issuer.replacen("://cognito-idp.", "://issuer-cognito-idp.", 1);
        (updated != issuer).then_some(updated)
    }

    /// Where the pages of a domain are: a custom one has the same entrance as the server itself, under its own name. A
    /// prefix has a name of its own only where the settings say so.
    pub fn domain_url(&self, name: &str, is_custom: bool) -> Option<String> {
        if !is_custom {
            return self.prefix_url.as_ref().map(|url| url.replace("{domain}", name));
        }
        let (scheme, authority) = self.public_url.split_once("://")?;
        let port = authority.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
        Some(match port {
            Some(port) => format!("{scheme}://{name}:{port}"),
            None => format!("{scheme}://{name}"),
        })
    }

    /// The domains that a host name may stand for, with where their pages are: a prefix, and a custom one.
    pub fn domains_at(&self, host: &str) -> Vec<(String, bool)> {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_ascii_lowercase();
        let prefix = self.prefix_url.as_deref().and_then(|url| {
            let authority = url.split_once("://")?.1;
            let pattern = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
            let (before, after) = pattern.split_once("{domain}")?;
            let prefix = name.strip_prefix(before)?.strip_suffix(after)?;
            (!prefix.is_empty() && !prefix.contains('.')).then(|| prefix.to_owned())
        });
        let is_whole = name.contains('.') && name.parse::<std::net::Ipv4Addr>().is_err();
        let custom = is_whole.then_some((name, true));
        prefix.map(|prefix| (prefix, false)).into_iter().chain(custom).collect()
    }

    /// What the ARNs of this account's log groups begin with.
    pub fn log_group_arns(&self) -> String {
        format!("arn:aws:logs:{}:{}:log-group:", self.region, self.account)
    }

    pub fn pool_arn(&self, pool_id: &str) -> String {
        format!("arn:aws:cognito-idp:{}:{}:userpool/{pool_id}", self.region, self.account)
    }
}

impl Pool {
    /// Tells whether the factors that are allowed here lead to a level of authentication.
    pub fn leads_to(&self, level: Level) -> bool {
        self.allowed_factors.iter().any(|factor| acr::leads_to(*factor, &self.second, level))
    }

    /// Tells whether an outside provider leads there.
    pub fn provider_leads_to(&self, name: &str, level: Level) -> bool {
        self.outside_levels.iter().any(|(provider, levels)| provider == name && levels.contains(&level))
    }

    /// The names of the levels that can be reached, here or at a provider, the lowest first.
    pub fn levels_within_reach(&self) -> Vec<&str> {
        let outside = |level: &Level| self.outside_levels.iter().any(|(_, levels)| levels.contains(level));
        let within_reach = acr::LEVELS.into_iter().filter(|level| self.leads_to(*level) || outside(level));
        self.levels.iter().flat_map(|names| within_reach.clone().map(|level| names.name(level))).collect()
    }

    /// Finds a pool.
    pub fn find(tx: &mut Tx<'_>, place: &Place, pool_id: &str) -> Result<Option<Arc<Pool>>> {
        let Some(version) = tx.pool_version(pool_id)? else { return Ok(None) };
        tx.cached("pool", pool_id, version, |tx| match tx.find_pool(pool_id)? {
            Some(row) => {
                let has_groups = tx.has_groups(pool_id)?;
                let tracking = tx.session_tracking(pool_id)?.filter(|tracking| tracking.enabled);
                let tracked_sessions =
                    tracking.map(|tracking| usize::try_from(tracking.max_per_user)).transpose()?;
                let outside_levels = outside_levels(tx, pool_id)?;
                Pool::parse(place, &row)
                    .map(|pool| Some(Pool { version, has_groups, tracked_sessions, outside_levels, ..pool }))
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
        let sender = Sender::of(config.email_configuration.clone().unwrap_or_default());
        let (issuer, other_issuer) = match (is_updated(&config), place.updated_issuer_of(&row.id)) {
            (true, Some(updated)) => (updated, Some(place.issuer_of(&row.id))),
            (_, updated) => (place.issuer_of(&row.id), updated),
        };
        Pool {
            id: row.id.clone(),
            version: 0,
            arn: place.pool_arn(&row.id),
            issuer,
            other_issuer,
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
            password_history: password.password_history_size.unwrap_or(0),
            recovery: recovery(&config),
            auto_verified: [
                (Medium::Sms, VerifiedAttributeType::PhoneNumber),
                (Medium::Email, VerifiedAttributeType::Email),
            ]
            .into_iter()
            .filter(|(_, wanted)| config.auto_verified_attributes.iter().flatten().any(|name| name == wanted))
            .map(|(medium, _)| medium)
            .collect(),
            verified_before_update: [Medium::Sms, Medium::Email]
                .into_iter()
                .filter(|medium| {
                    let settings = config.user_attribute_update_settings.iter();
                    settings
                        .flat_map(|settings| settings.attributes_require_verification_before_update.iter())
                        .flatten()
                        .any(|attribute| attribute.as_str() == medium.attribute())
                })
                .collect(),
            admin_only: admin.allow_admin_create_user_only.unwrap_or(false),
            second: demand(&mfa),
            has_groups: false,
            tracked_sessions: None,
            passkeys: Passkeys::of(&mfa),
            devices: Tracking::of(config.device_configuration.as_ref()),
            guard: guard(config.user_pool_add_ons.as_ref()),
            guard_of_custom: guard_of_custom(config.user_pool_add_ons.as_ref()),
            levels: (config.user_pool_tier != Some(UserPoolTierType::Lite))
                .then(|| Names::of(config.acr_configuration.as_ref())),
            outside_levels: Vec::new(),
            sender,
            texting: config.sms_configuration.clone().and_then(|sms| {
                Some(Texting { role_arn: sms.sns_caller_arn?, external_id: sms.external_id })
            }),
            config,
            mfa,
        }
    }

    /// Tells whether a token that names this issuer is the pool's.
    pub fn is_issuer(&self, named: &str) -> bool {
        self.issuer == named || self.other_issuer.as_deref() == Some(named)
    }

    /// The form in which this pool compares a typed name.
    pub fn name_key(&self, typed: &str) -> String {
        name_key(typed, self.case_sensitive)
    }

    /// The same for the name of somebody who comes from an outside provider. Where people are known by their addresses, no
    /// address is ever such a name, whatever a provider calls its people (rule H3): nobody types a tab.
    pub fn outside_key(&self, name: &str) -> String {
        let apart = if self.username_attributes.is_empty() { "" } else { "\t" };
        format!("{apart}{}", self.name_key(name))
    }

    /// Tells whether an address of this kind is a way in: as a name, or as where codes of a sign-in go.
    pub fn signs_in_by(&self, medium: Medium) -> bool {
        let is_it = |kind: &NameKind| kind.as_str() == medium.attribute();
        self.username_attributes.iter().chain(&self.alias_attributes).any(is_it)
            || self.code_media().any(|code| code == medium)
            || self.second.allows(SecondFactor::of(medium))
    }

    /// Tells whether an address of this kind is the name that people have here.
    pub fn is_named_by(&self, medium: Medium) -> bool {
        self.username_attributes.iter().any(|kind| kind.as_str() == medium.attribute())
    }

    /// Tells whether a sign-in may begin with a passkey. Where a second factor is to follow, only if one is worth two.
    pub fn may_begin_with_passkey(&self, second_follows: bool) -> bool {
        self.allowed_factors.contains(&Factor::WebAuthn) && (!second_follows || self.passkeys.counts_as_mfa)
    }

    /// The name that a user is stored under: the typed one, or the id where an attribute is the name.
    pub fn stored_username<'a>(&self, typed: &'a str, id: &'a str) -> &'a str {
        if self.username_attributes.is_empty() { typed } else { id }
    }

    /// Tells whether signing in by codes is allowed here at all.
    pub fn allows_codes(&self) -> bool {
        self.code_media().next().is_some()
    }

    /// The media by which codes of a sign-in may travel.
    pub fn code_media(&self) -> impl Iterator<Item = Medium> {
        self.allowed_factors.iter().filter_map(|factor| factor.code()).map(|kind| kind.medium)
    }

    /// Tells whether a sign-up is confirmed by a link where its message is a mail (`DefaultEmailOption`).
    pub fn confirms_by_link(&self) -> bool {
        let template = self.config.verification_message_template.as_ref();
        template.and_then(|template| template.default_email_option)
            == Some(DefaultEmailOptionType::ConfirmWithLink)
    }

    /// Tells whether text messages can leave the pool: by a role, or by a function that sends them.
    pub fn sends_texts(&self) -> bool {
        crate::settings::sms::can_leave(&self.config)
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
            Occasion::SignUp | Occasion::ResendCode if self.confirms_by_link() => {
                let template = self.config.verification_message_template.clone().unwrap_or_default();
                Template { subject: template.email_subject_by_link, body: template.email_message_by_link }
            }
            Occasion::SignUp
            | Occasion::ResendCode
            | Occasion::VerifyAttribute
            | Occasion::UpdateAttribute
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
            Occasion::AccountExists
            | Occasion::GuessesUsedUp
            | Occasion::AddressChange
            | Occasion::NumberChange
            | Occasion::SecondFactorAdded
            | Occasion::SecondFactorRemoved
            | Occasion::PasskeyAdded
            | Occasion::PasskeyRemoved => Template::default(),
        }
    }

    /// The pool's own words for an occasion, in a text message.
    pub fn text_template(&self, occasion: Occasion) -> Option<&str> {
        match occasion {
            Occasion::SignIn => {
                let of_mfa = self.mfa.sms_mfa_configuration.as_ref();
                let of_mfa = of_mfa.and_then(|sms| sms.sms_authentication_message.as_deref());
                of_mfa.or(self.config.sms_authentication_message.as_deref())
            }
            Occasion::SignUp
            | Occasion::ResendCode
            | Occasion::VerifyAttribute
            | Occasion::UpdateAttribute
            | Occasion::ForgotPassword => self.config.sms_verification_message.as_deref(),
            Occasion::Invitation | Occasion::InvitationWithoutPassword => {
                let admin = self.config.admin_create_user_config.as_ref();
                admin?.invite_message_template.as_ref()?.sms_message.as_deref()
            }
            Occasion::AccountExists
            | Occasion::GuessesUsedUp
            | Occasion::AddressChange
            | Occasion::NumberChange
            | Occasion::SecondFactorAdded
            | Occasion::SecondFactorRemoved
            | Occasion::PasskeyAdded
            | Occasion::PasskeyRemoved => None,
        }
    }
}

/// Tells whether a pool's settings ask for the updated issuer.
pub fn is_updated(config: &UserPoolType) -> bool {
    config.issuer_configuration.as_ref().is_some_and(|issuer| issuer.r#type == Some(IssuerType::Updated))
}

fn guard(add_ons: Option<&UserPoolAddOnsType>) -> Guard {
    match add_ons.map(|add_ons| add_ons.advanced_security_mode) {
        Some(AdvancedSecurityModeType::Audit) => Guard::Audit,
        Some(AdvancedSecurityModeType::Enforced) => Guard::Enforced,
        Some(AdvancedSecurityModeType::Off) | None => Guard::Off,
    }
}

fn guard_of_custom(add_ons: Option<&UserPoolAddOnsType>) -> Guard {
    let flows = add_ons.and_then(|add_ons| add_ons.advanced_security_additional_flows.as_ref());
    match flows.and_then(|flows| flows.custom_auth_mode) {
        Some(AdvancedSecurityEnabledModeType::Audit) => Guard::Audit,
        Some(AdvancedSecurityEnabledModeType::Enforced) => Guard::Enforced,
        None => Guard::Off,
    }
}

/// Reads what follows the first factor. With the mode off, blocks are words for mails and no factors.
fn demand(mfa: &GetUserPoolMfaConfigResponse) -> Demand {
    let mode = match mfa.mfa_configuration {
        Some(UserPoolMfaType::On) => Mode::On,
        Some(UserPoolMfaType::Optional) => Mode::Optional,
        Some(UserPoolMfaType::Off) | None => return Demand::default(),
    };
    let totp = mfa.software_token_mfa_configuration.as_ref();
    let allowed = SecondFactor::ALL.into_iter().filter(|factor| match factor {
        SecondFactor::Sms => mfa.sms_mfa_configuration.is_some(),
        SecondFactor::Totp => totp.is_some_and(|totp| totp.enabled == Some(true)),
        SecondFactor::Email => mfa.email_mfa_configuration.is_some(),
    });
    Demand { mode, allowed: allowed.collect(), goal: None }
}

/// The ways to a new password in their order. A pool without the setting has the one of before there was one: by phone
/// where there is one, else by e-mail.
fn recovery(config: &UserPoolType) -> Vec<RecoveryOptionNameType> {
    let setting = config.account_recovery_setting.as_ref();
    match setting.and_then(|setting| setting.recovery_mechanisms.clone()) {
        Some(mut mechanisms) => {
            mechanisms.sort_by_key(|mechanism| mechanism.priority);
            mechanisms.iter().map(|mechanism| mechanism.name).collect()
        }
        None => vec![RecoveryOptionNameType::VerifiedPhoneNumber, RecoveryOptionNameType::VerifiedEmail],
    }
}

/// The levels that each of a pool's outside providers has words for.
fn outside_levels(tx: &mut Tx<'_>, pool_id: &str) -> Result<Vec<(String, Vec<Level>)>> {
    let providers = Provider::all(tx, pool_id)?;
    let levels = |provider: Provider| (provider.name, provider.levels.levels());
    Ok(providers.into_iter().map(levels).filter(|(_, levels)| !levels.is_empty()).collect())
}

fn kinds<'a>(names: impl Iterator<Item = &'a str>) -> Vec<NameKind> {
    names.filter_map(NameKind::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(public_url: &str, prefix_url: Option<&str>) -> Place {
        Place {
            region: "us-east-1".into(),
            account: "123456789012".into(),
            public_url: public_url.into(),
            issuer: "{public_url}/{pool}".into(),
            prefix_url: prefix_url.map(str::to_owned),
        }
    }

    #[test]
    fn a_domain_has_an_address_and_an_address_its_domain() {
        let place = place("https://login.example.com", Some("https://{domain}.auth.example.com"));
        assert_eq!(place.domain_url("shop", false).as_deref(), Some("https://shop.auth.example.com"));
        assert_eq!(place.domain_url("id.shop.test", true).as_deref(), Some("https://id.shop.test"));
        let at = |host: &str| place.domains_at(host);
        assert_eq!(at("Shop.auth.example.com:443")[0], ("shop".to_owned(), false));
        assert_eq!(at("id.shop.test"), [("id.shop.test".to_owned(), true)]);
        assert!(
            at("localhost:9320").is_empty() && at("127.0.0.1:9320").is_empty() && at("[::1]:9320").is_empty()
        );
        for other in [
            ".auth.example.com",
            "a.b.auth.example.com",
            "auth.example.com",
            "shop.auth.example.com.evil.test",
        ] {
            assert!(at(other).iter().all(|(_, is_custom)| *is_custom), "{other}");
        }
    }

    #[test]
    fn without_a_setting_prefixes_have_no_address_of_their_own() {
        let place = place("http://localhost:9320", None);
        assert_eq!(place.domain_url("shop", false), None);
        assert_eq!(place.domain_url("id.shop.test", true).as_deref(), Some("http://id.shop.test:9320"));
    }
}
