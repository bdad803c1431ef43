//! Identities that mail is sent as: making, showing and changing them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_access::{Caller, Operations};
use postern_model::sesv2::{op, *};
use postern_model::{Answer, Error, Timestamp, refusal, refuse};
use postern_store::Tx;

use super::{bad_request, page, page_size, page_start, pairs};
use crate::address::domain_of;
use crate::handover::Note;
use crate::identity::{Identity, Kind, MailFrom, OwnKey, Status, identity_name};
use crate::sandbox::domains_above;
use crate::settings::Settings;
use crate::{Mail, Unsent};

pub(super) fn operations() -> Operations<Mail> {
    Operations::new()
        .on(op::CreateEmailIdentity, Mail::create_email_identity)
        .on(op::GetEmailIdentity, Mail::get_email_identity)
        .on(op::ListEmailIdentities, Mail::list_email_identities)
        .on(op::DeleteEmailIdentity, Mail::delete_email_identity)
        .on(op::PutEmailIdentityMailFromAttributes, Mail::put_email_identity_mail_from_attributes)
        .on(op::PutEmailIdentityDkimAttributes, Mail::put_email_identity_dkim_attributes)
        .on(op::PutEmailIdentityFeedbackAttributes, Mail::put_email_identity_feedback_attributes)
        .on(
            op::PutEmailIdentityConfigurationSetAttributes,
            Mail::put_email_identity_configuration_set_attributes,
        )
}

impl Mail {
    /// Registers an address, which then gets a mail with a link, or a domain, which then needs DNS records.
    pub async fn create_email_identity(
        &self,
        _caller: &Caller,
        request: CreateEmailIdentityRequest,
    ) -> Answer<CreateEmailIdentityResponse> {
        let now = self.clock.now();
        let (name, kind) = named(&request.email_identity)?;
        let own = own_key(kind, request.dkim_signing_attributes)?;
        let asked = name.clone();
        if self.store.read(move |tx| tx.identity_status(&asked)).await?.is_some() {
            return refuse(errors::AlreadyExistsException, exists(&name));
        }
        let mut identity = match kind {
            Kind::Address => Identity::address(name, now),
            // Making a key takes a tenth of a second of pure computing.
            Kind::Domain => tokio::task::spawn_blocking(move || {
                let given = own.is_some();
                Identity::domain(name, own, now).map_err(|cause| match given {
                    true => bad_request("The DKIM private key must be an RSA key of 2048 bits or more."),
                    false => Error::Failed(cause),
                })
            })
            .await
            .map_err(anyhow::Error::from)??,
        };
        identity.notes.tags = pairs(request.tags);
        identity.notes.configuration_set = request.configuration_set_name;

        let (mail, made) = (self.clone(), identity.clone());
        self.store
            .write(move |tx| {
                if let Some(set) = &made.notes.configuration_set {
                    must_have_set(tx, set)?;
                }
                if !tx.add_identity(&made.row()?)? {
                    return refuse(errors::AlreadyExistsException, exists(&made.name));
                }
                match made.kind {
                    Kind::Address => {
                        let address =
                            crate::address::Address::parse(&made.name).map_err(anyhow::Error::from)?;
                        mail.ask_for_address(tx, &address, now).map_err(Unsent::for_ses)?;
                    }
                    Kind::Domain => {
                        let notes = mail.notes.clone();
                        tx.after_commit(move || drop(notes.try_send(Note::Due(now))));
                    }
                }
                Ok(())
            })
            .await?;
        Ok(CreateEmailIdentityResponse {
            identity_type: Some(identity_type(kind)),
            verified_for_sending_status: Some(false),
            dkim_attributes: (kind == Kind::Domain).then(|| dkim_attributes(&identity, &self.settings)),
        })
    }

    /// Shows an identity.
    pub async fn get_email_identity(
        &self,
        _caller: &Caller,
        request: GetEmailIdentityRequest,
    ) -> Answer<GetEmailIdentityResponse> {
        let mail = self.clone();
        let (identity, policies) = self
            .store
            .read(move |tx| {
                let identity = must_find(tx, &request.email_identity)?;
                let policies = mail.shown_policies(tx, &identity.name)?;
                Ok::<_, Error>((identity, policies))
            })
            .await?;
        let notes = &identity.notes;
        let error = notes.error.as_deref().and_then(VerificationError::parse);
        Ok(GetEmailIdentityResponse {
            identity_type: Some(identity_type(identity.kind)),
            feedback_forwarding_status: Some(notes.feedback),
            verified_for_sending_status: Some(identity.status.may_send()),
            dkim_attributes: Some(dkim_attributes(&identity, &self.settings)),
            mail_from_attributes: notes.mail_from.as_ref().map(mail_from_attributes),
            policies: Some(policies),
            tags: Some(
                notes
                    .tags
                    .iter()
                    .map(|(key, value)| Tag { key: key.clone(), value: value.clone() })
                    .collect(),
            ),
            configuration_set_name: notes.configuration_set.clone(),
            verification_status: VerificationStatus::parse(identity.status.word()),
            verification_info: Some(VerificationInfo {
                last_checked_timestamp: notes.checked_ms.map(Timestamp),
                last_success_timestamp: notes.seen_ms.map(Timestamp),
                error_type: error,
                soa_record: None,
            }),
        })
    }

    /// Lists identities by name.
    pub async fn list_email_identities(
        &self,
        _caller: &Caller,
        request: ListEmailIdentitiesRequest,
    ) -> Answer<ListEmailIdentitiesResponse> {
        let size = page_size(request.page_size);
        let mut after = page_start(request.next_token.as_deref())?;
        let filter = request.filter.unwrap_or_default();
        if let Some(unknown) = filter.keys().find(|key| IdentityFilterKey::parse(key).is_none()) {
            return Err(bad_request(format!("Unknown filter {unknown}.")));
        }
        let wanted = move |identity: &Identity| {
            filter.iter().all(|(key, value)| match IdentityFilterKey::parse(key) {
                Some(IdentityFilterKey::IdentityNameContains) => identity.name.contains(value.as_str()),
                Some(IdentityFilterKey::IdentityType) => identity.kind.word() == value,
                Some(IdentityFilterKey::VerificationStatus) => identity.status.word() == value,
                None => false,
            })
        };
        let mut found = self
            .store
            .read(move |tx| {
                let mut found = Vec::new();
                loop {
                    let rows = tx.list_identities(&after, size + 1)?;
                    let Some(last) = rows.last() else { break };
                    after.clone_from(&last.name);
                    let more = rows.len() as i64 > size;
                    for row in rows {
                        let identity = Identity::try_from(row)?;
                        if wanted(&identity) {
                            found.push(identity);
                        }
                    }
                    if !more || found.len() as i64 > size {
                        break;
                    }
                }
                anyhow::Ok(found)
            })
            .await?;
        let next_token = page(&mut found, size, |identity| &identity.name);
        let shown = |identity: &Identity| IdentityInfo {
            identity_type: Some(identity_type(identity.kind)),
            identity_name: Some(identity.name.clone()),
            sending_enabled: Some(identity.status.may_send()),
            verification_status: VerificationStatus::parse(identity.status.word()),
        };
        Ok(ListEmailIdentitiesResponse {
            email_identities: Some(found.iter().map(shown).collect()),
            next_token,
        })
    }

    /// Forgets an identity, its key and its policies.
    pub async fn delete_email_identity(
        &self,
        _caller: &Caller,
        request: DeleteEmailIdentityRequest,
    ) -> Answer<DeleteEmailIdentityResponse> {
        self.store
            .write(move |tx| {
                let name = known_as(&request.email_identity);
                if !tx.delete_identity(&name)? {
                    return Err(missing(&request.email_identity));
                }
                Ok(DeleteEmailIdentityResponse::default())
            })
            .await
    }

    /// Gives an identity an envelope domain of its own, or takes it away.
    pub async fn put_email_identity_mail_from_attributes(
        &self,
        _caller: &Caller,
        request: PutEmailIdentityMailFromAttributesRequest,
    ) -> Answer<PutEmailIdentityMailFromAttributesResponse> {
        let now = self.clock.now();
        let notes = self.notes.clone();
        self.change(request.email_identity, move |_, identity| {
            let Some(domain) = request.mail_from_domain.as_deref().filter(|domain| !domain.is_empty()) else {
                identity.notes.mail_from = None;
                return Ok(());
            };
            let domain = domain_of(domain).map_err(|bad| bad_request(bad.words()))?;
            let own = identity.name.rsplit('@').next().unwrap_or_default();
            let parent = registrable(own);
            if domain == parent || !domain.ends_with(&format!(".{parent}")) {
                return Err(bad_request(format!(
                    "Provided MAIL-FROM domain <{domain}> is not subdomain of the domain of the identity <{own}>."
                )));
            }
            identity.notes.mail_from = Some(MailFrom {
                domain,
                reject_on_failure: request.behavior_on_mx_failure == Some(BehaviorOnMxFailure::RejectMessage),
                status: Status::Pending,
                since_ms: now.ms(),
            });
            identity.check = Some(now);
            Ok(())
        })
        .await?;
        // The worker may be busy enough; then its next round finds the identity.
        drop(notes.try_send(Note::Due(now)));
        Ok(PutEmailIdentityMailFromAttributesResponse::default())
    }

    /// Switches the signing of a domain's mails on or off.
    pub async fn put_email_identity_dkim_attributes(
        &self,
        _caller: &Caller,
        request: PutEmailIdentityDkimAttributesRequest,
    ) -> Answer<PutEmailIdentityDkimAttributesResponse> {
        let enabled = request.signing_enabled.unwrap_or(false);
        self.store
            .write(move |tx| {
                tx.lock_ses()?;
                let name = known_as(&request.email_identity);
                let found = tx.find_identity(&name)?.map(Identity::try_from).transpose()?;
                match found {
                    Some(mut identity) if identity.kind == Kind::Domain => {
                        identity.notes.signing = enabled;
                        tx.change_identity(&identity.row()?)?;
                    }
                    _ => {
                        // An address is signed with its domain's key: fine if there is one, and nothing to change.
                        let domain = name.rsplit('@').next().unwrap_or_default().to_owned();
                        if !name.contains('@') || !any_registered(tx, &domain)? {
                            let words = format!("Domain {domain} is not verified for DKIM signing.");
                            return Err(bad_request(words));
                        }
                    }
                }
                Ok(PutEmailIdentityDkimAttributesResponse::default())
            })
            .await
    }

    /// Switches the forwarding of bounces on or off.
    pub async fn put_email_identity_feedback_attributes(
        &self,
        _caller: &Caller,
        request: PutEmailIdentityFeedbackAttributesRequest,
    ) -> Answer<PutEmailIdentityFeedbackAttributesResponse> {
        let enabled = request.email_forwarding_enabled.unwrap_or(false);
        self.change(request.email_identity, move |_, identity| {
            identity.notes.feedback = enabled;
            Ok(())
        })
        .await?;
        Ok(PutEmailIdentityFeedbackAttributesResponse::default())
    }

    /// Chooses the configuration set of mails that name none.
    pub async fn put_email_identity_configuration_set_attributes(
        &self,
        _caller: &Caller,
        request: PutEmailIdentityConfigurationSetAttributesRequest,
    ) -> Answer<PutEmailIdentityConfigurationSetAttributesResponse> {
        let set = request.configuration_set_name;
        self.change(request.email_identity, move |tx, identity| {
            if let Some(set) = &set {
                must_have_set(tx, set)?;
            }
            identity.notes.configuration_set.clone_from(&set);
            Ok(())
        })
        .await?;
        Ok(PutEmailIdentityConfigurationSetAttributesResponse::default())
    }

    /// Changes one identity in one unit of work.
    async fn change(
        &self,
        name: String,
        change: impl Fn(&mut Tx<'_>, &mut Identity) -> Answer<()> + Send + 'static,
    ) -> Answer<()> {
        self.store
            .write(move |tx| {
                tx.lock_ses()?;
                let mut identity = must_find(tx, &name)?;
                change(tx, &mut identity)?;
                tx.change_identity(&identity.row()?)?;
                Ok(())
            })
            .await
    }
}

/// Finds an identity by the name a caller gave, or refuses.
pub(super) fn must_find(tx: &mut Tx<'_>, given: &str) -> Answer<Identity> {
    match tx.find_identity(&known_as(given))? {
        Some(row) => Ok(Identity::try_from(row)?),
        None => Err(missing(given)),
    }
}

pub(super) fn must_have_set(tx: &mut Tx<'_>, set: &str) -> Answer<()> {
    match tx.find_configuration_set(set)? {
        Some(_) => Ok(()),
        None => Err(Unsent::NoConfigurationSet(set.to_owned()).for_ses()),
    }
}

/// The name under which an identity would stand; what cannot be one stands as it is, and is not found.
pub(super) fn known_as(given: &str) -> String {
    identity_name(given).map_or_else(|_| given.to_owned(), |(name, _)| name)
}

fn named(given: &str) -> Answer<(String, Kind)> {
    identity_name(given).map_err(|bad| bad_request(bad.words()))
}

fn missing(name: &str) -> Error {
    refusal(errors::NotFoundException, format!("Email identity {name} does not exist."))
}

fn exists(name: &str) -> String {
    format!("Email identity {name} already exist.")
}

fn any_registered(tx: &mut Tx<'_>, domain: &str) -> anyhow::Result<bool> {
    for name in domains_above(domain) {
        if tx.identity_status(name)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The part of a domain that somebody registers; the domain itself where no list knows.
fn registrable(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

fn own_key(kind: Kind, given: Option<DkimSigningAttributes>) -> Answer<Option<OwnKey>> {
    let Some(given) = given else { return Ok(None) };
    if kind == Kind::Address {
        return Err(bad_request("DKIM signing attributes can only be given for a domain."));
    }
    match (given.domain_signing_selector, given.domain_signing_private_key) {
        (None, None) => match given.domain_signing_attributes_origin {
            None | Some(DkimSigningAttributesOrigin::AwsSes) => Ok(None),
            Some(_) => Err(bad_request("This origin of DKIM signing attributes is not supported.")),
        },
        (Some(selector), Some(key)) => {
            let key: String = key.reveal().split_whitespace().collect();
            let private_key =
                STANDARD.decode(key).map_err(|_| bad_request("The DKIM private key is not base64."))?;
            Ok(Some(OwnKey { selector, private_key }))
        }
        _ => Err(bad_request("A DKIM selector and a private key must be given together.")),
    }
}

fn identity_type(kind: Kind) -> IdentityType {
    match kind {
        Kind::Address => IdentityType::EmailAddress,
        Kind::Domain => IdentityType::Domain,
    }
}

fn dkim_attributes(identity: &Identity, settings: &Settings) -> DkimAttributes {
    let notes = &identity.notes;
    if identity.kind == Kind::Address {
        return DkimAttributes {
            signing_enabled: Some(false),
            status: Some(DkimStatus::NotStarted),
            signing_attributes_origin: Some(DkimSigningAttributesOrigin::AwsSes),
            next_signing_key_length: Some(DkimSigningKeyLength::Rsa1024Bit),
            ..DkimAttributes::default()
        };
    }
    let easy = !notes.own_key;
    let length = easy.then_some(DkimSigningKeyLength::Rsa2048Bit);
    DkimAttributes {
        signing_enabled: Some(notes.signing),
        status: DkimStatus::parse(identity.status.word()),
        tokens: Some(notes.selectors.clone()),
        signing_hosted_zone: easy.then(|| settings.hosts.dkim_zone.clone()),
        signing_attributes_origin: Some(match easy {
            true => DkimSigningAttributesOrigin::AwsSes,
            false => DkimSigningAttributesOrigin::External,
        }),
        next_signing_key_length: length,
        current_signing_key_length: length,
        last_key_generation_timestamp: easy.then_some(Timestamp(notes.key_ms)),
    }
}

fn mail_from_attributes(own: &MailFrom) -> MailFromAttributes {
    MailFromAttributes {
        mail_from_domain: own.domain.clone(),
        mail_from_domain_status: MailFromDomainStatus::parse(own.status.word())
            .expect("a state of ours is a state of the model"),
        behavior_on_mx_failure: match own.reject_on_failure {
            true => BehaviorOnMxFailure::RejectMessage,
            false => BehaviorOnMxFailure::UseDefaultValue,
        },
    }
}
