//! Outside providers of identities: made, shown, changed, listed, removed; and who is linked to whom there.

use crate::Pools;
use crate::auth::acr::Mapping;
use crate::identities::{self, Identity, LINKED_MAX};
use crate::operations::pools::StoredPool;
use crate::page::Page;
use crate::provider::{EncryptionKey, Provider};
use crate::settings::providers::{Pairs, SECRETS, settled, subject_claim};
use crate::user::{Status, User};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminDisableProviderForUserRequest, AdminDisableProviderForUserResponse, AdminLinkProviderForUserRequest,
    AdminLinkProviderForUserResponse, CreateIdentityProviderRequest, CreateIdentityProviderResponse,
    DeleteIdentityProviderRequest, DescribeIdentityProviderRequest, DescribeIdentityProviderResponse,
    GetIdentityProviderByIdentifierRequest, GetIdentityProviderByIdentifierResponse,
    GetSigningCertificateRequest, GetSigningCertificateResponse, IdentityProviderType,
    ListIdentityProvidersRequest, ListIdentityProvidersResponse, ProviderDescription,
    ProviderUserIdentifierType, UpdateIdentityProviderRequest, UpdateIdentityProviderResponse, op,
};
use postern_model::shape::Nothing;
use postern_model::{Answer, Error, refusal, refuse};
use postern_store::Tx;
use postern_store::identity_providers::OutsideIdentity;
use std::sync::Arc;

/// Providers one pool may have (Developer Guide, "Quotas").
const PROVIDERS_MAX: usize = 300;
/// The pool itself, among those who know its users.
const OWN_USERS: &str = "Cognito";
/// The name of what a provider knows somebody by.
const SUBJECT: &str = "Cognito_Subject";

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateIdentityProvider, Pools::create_identity_provider)
        .on(op::DescribeIdentityProvider, Pools::describe_identity_provider)
        .on(op::UpdateIdentityProvider, Pools::update_identity_provider)
        .on(op::DeleteIdentityProvider, Pools::delete_identity_provider)
        .on(op::ListIdentityProviders, Pools::list_identity_providers)
        .on(op::GetIdentityProviderByIdentifier, Pools::get_identity_provider_by_identifier)
        .on(op::GetSigningCertificate, Pools::get_signing_certificate)
        .on(op::AdminLinkProviderForUser, Pools::admin_link_provider_for_user)
        .on(op::AdminDisableProviderForUser, Pools::admin_disable_provider_for_user)
}

impl Pools {
    pub async fn create_identity_provider(
        &self,
        _: &Caller,
        request: CreateIdentityProviderRequest,
    ) -> Answer<CreateIdentityProviderResponse> {
        let now = self.clock.now();
        let asked = IdentityProviderType {
            provider_name: Some(request.provider_name.clone()),
            provider_type: Some(request.provider_type),
            provider_details: Some(request.provider_details.clone()),
            attribute_mapping: request.attribute_mapping.clone(),
            idp_identifiers: request.idp_identifiers.clone(),
            acr_mapping: request.acr_mapping.clone(),
            ..IdentityProviderType::default()
        };
        let fetched = self.metadata_at(Some(&request.provider_details)).await?;
        let encryption = self.encryption_key(&request.user_pool_id, &request.provider_details, None).await?;
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let settled = settled(
                    asked.clone(),
                    pool.config.schema_attributes.as_deref().unwrap_or_default(),
                    fetched.as_deref(),
                )?;
                let provider = Provider {
                    pool_id: request.user_pool_id.clone(),
                    name: request.provider_name.clone(),
                    kind: request.provider_type,
                    details: settled.provider_details.unwrap_or_default(),
                    mapping: settled.attribute_mapping.unwrap_or_default(),
                    identifiers: settled.idp_identifiers.unwrap_or_default(),
                    levels: Mapping::of(settled.acr_mapping.as_ref()),
                    encryption: encryption.clone(),
                    created: now,
                    modified: now,
                };
                if !tx.add_provider(&provider.to_row()?)? {
                    return refuse(
                        DuplicateProviderException,
                        format!("A provider with the name {} already exists.", provider.name),
                    );
                }
                if tx.provider_names(&provider.pool_id)?.len() > PROVIDERS_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("A user pool can have at most {PROVIDERS_MAX} identity providers."),
                    );
                }
                identify(tx, &provider, DuplicateProviderException)?;
                tx.touch_pool(&provider.pool_id)?;
                Ok(CreateIdentityProviderResponse { identity_provider: provider.shown() })
            })
            .await
    }

    pub async fn describe_identity_provider(
        &self,
        _: &Caller,
        request: DescribeIdentityProviderRequest,
    ) -> Answer<DescribeIdentityProviderResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let provider = pools.provider(tx, &request.user_pool_id, &request.provider_name)?;
                Ok(DescribeIdentityProviderResponse { identity_provider: provider.shown() })
            })
            .await
    }

    /// Changes what is given of a provider: its details, its mapping or its identifiers, each as a whole. A secret that is
    /// left out stays.
    pub async fn update_identity_provider(
        &self,
        _: &Caller,
        request: UpdateIdentityProviderRequest,
    ) -> Answer<UpdateIdentityProviderResponse> {
        let (pools, now) = (self.clone(), self.clock.now());
        let standing = self.provider_of(&request.user_pool_id, &request.provider_name).await?;
        let details = request.provider_details.as_ref().unwrap_or(&standing.details);
        let fetched = self.metadata_at(Some(details)).await?;
        let encryption = self.encryption_key(&request.user_pool_id, details, standing.encryption).await?;
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let mut provider = pools.provider(tx, &request.user_pool_id, &request.provider_name)?;
                let details = match request.provider_details.clone() {
                    Some(details) => with_secrets(details, &provider.details),
                    None => provider.details.clone(),
                };
                let asked = IdentityProviderType {
                    provider_name: Some(provider.name.clone()),
                    provider_type: Some(provider.kind),
                    provider_details: Some(details),
                    attribute_mapping: request.attribute_mapping.clone().or(Some(provider.mapping.clone())),
                    idp_identifiers: request.idp_identifiers.clone().or(Some(provider.identifiers.clone())),
                    acr_mapping: request.acr_mapping.clone().or(provider.levels.shown()),
                    ..IdentityProviderType::default()
                };
                let settled = settled(
                    asked,
                    pool.config.schema_attributes.as_deref().unwrap_or_default(),
                    fetched.as_deref(),
                )?;
                provider.details = settled.provider_details.unwrap_or_default();
                provider.mapping = settled.attribute_mapping.unwrap_or_default();
                provider.identifiers = settled.idp_identifiers.unwrap_or_default();
                provider.levels = Mapping::of(settled.acr_mapping.as_ref());
                provider.encryption = provider.encryption.or(encryption.clone());
                provider.modified = now;
                if !tx.change_provider(&provider.to_row()?)? {
                    return Err(no_such_provider(&provider.name));
                }
                identify(tx, &provider, InvalidParameterException)?;
                tx.touch_pool(&provider.pool_id)?;
                Ok(UpdateIdentityProviderResponse { identity_provider: provider.shown() })
            })
            .await
    }

    pub async fn delete_identity_provider(
        &self,
        _: &Caller,
        request: DeleteIdentityProviderRequest,
    ) -> Answer<Nothing> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                if !tx.delete_provider(&pool.id, &request.provider_name)? {
                    return Err(no_such_provider(&request.provider_name));
                }
                tx.touch_pool(&pool.id)?;
                Ok(Nothing::default())
            })
            .await
    }

    /// Lists a pool's providers by name.
    pub async fn list_identity_providers(
        &self,
        _: &Caller,
        request: ListIdentityProvidersRequest,
    ) -> Answer<ListIdentityProvidersResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let keys = tx.keys().clone();
                let place = format!("{}/identity providers", pool.id);
                let page = Page::asked(&keys, place, request.next_token.as_deref(), request.max_results)?;
                let mut rows = tx.list_providers(&pool.id, &page.after, page.rows())?;
                let next_token = page.cut(&keys, &mut rows, |row| row.name.clone());
                let providers = rows
                    .into_iter()
                    .map(|row| {
                        let shown = Provider::from_row(row)?.shown();
                        Ok(ProviderDescription {
                            provider_name: shown.provider_name,
                            provider_type: shown.provider_type,
                            last_modified_date: shown.last_modified_date,
                            creation_date: shown.creation_date,
                        })
                    })
                    .collect::<Answer<Vec<_>>>()?;
                Ok(ListIdentityProvidersResponse { providers, next_token })
            })
            .await
    }

    pub async fn get_identity_provider_by_identifier(
        &self,
        _: &Caller,
        request: GetIdentityProviderByIdentifierRequest,
    ) -> Answer<GetIdentityProviderByIdentifierResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let identifier = &request.idp_identifier;
                let name = tx
                    .provider_identified(&pool.id, identifier)?
                    .ok_or_else(|| no_such_provider(identifier))?;
                let provider = pools.provider(tx, &pool.id, &name)?;
                Ok(GetIdentityProviderByIdentifierResponse { identity_provider: provider.shown() })
            })
            .await
    }

    /// Shows the certificate of the key that a pool's SAML requests are signed by: base64 of its DER.
    pub async fn get_signing_certificate(
        &self,
        _: &Caller,
        request: GetSigningCertificateRequest,
    ) -> Answer<GetSigningCertificateResponse> {
        let pool = self.pool(&request.user_pool_id).await?;
        let key = self.request_key(&pool.id).await?;
        Ok(GetSigningCertificateResponse { certificate: Some(STANDARD.encode(key.certificate)) })
    }

    /// Has somebody at a provider be a user that there is: from now on they sign in as that user by the provider, too.
    pub async fn admin_link_provider_for_user(
        &self,
        _: &Caller,
        request: AdminLinkProviderForUserRequest,
    ) -> Answer<AdminLinkProviderForUserResponse> {
        let (pools, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let (provider, source) = pools.outside(tx, &pool.id, &request.source_user)?;
                let user = pools
                    .known_at(tx, &pool.id, &request.destination_user)?
                    .ok_or_else(|| refusal(UserNotFoundException, "User does not exist."))?;
                let mut user = pools.user_to_change(tx, &user)?;
                match tx.user_of_outside(&pool.id, &source)? {
                    Some(id) if id == user.id => {
                        return refuse(
                            InvalidParameterException,
                            "SourceUser is already linked to DestinationUser",
                        );
                    }
                    Some(_) => {
                        return refuse(
                            InvalidParameterException,
                            "Merging is not currently supported, provide a SourceUser that has not been \
                             confirmed in order to link",
                        );
                    }
                    None => {}
                }
                let mut known = identities::of(&user)?;
                if known.iter().filter(|identity| !identity.primary).count() >= LINKED_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("A user can have at most {LINKED_MAX} linked identities."),
                    );
                }
                if !tx.add_outside_identity(&pool.id, &source, &user.id)? {
                    return Err(anyhow::anyhow!("an identity was linked in the same moment").into());
                }
                known.push(Identity::new(&provider, &source.subject, false, now));
                identities::put(&mut user, &known)?;
                user.save(tx, now)?;
                Ok(AdminLinkProviderForUserResponse {})
            })
            .await
    }

    /// Takes a way to sign in from a user: the password of the pool's own; the link of somebody at a provider, who is
    /// somebody new when they come again; and where they came as nobody else, their account is disabled.
    pub async fn admin_disable_provider_for_user(
        &self,
        _: &Caller,
        request: AdminDisableProviderForUserRequest,
    ) -> Answer<AdminDisableProviderForUserResponse> {
        let (pools, now) = (self.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let user = pools
                    .known_at(tx, &pool.id, &request.user)?
                    .ok_or_else(|| refusal(UserNotFoundException, "User does not exist."))?;
                let mut user = pools.user_to_change(tx, &user)?;
                if request.user.provider_name.as_deref() == Some(OWN_USERS) {
                    user.password = None;
                    user.password_expires = None;
                } else {
                    let (_, identity) = pools.outside(tx, &pool.id, &request.user)?;
                    let is_this = |known: &Identity| {
                        known.provider_name == identity.provider && known.user_id == identity.subject
                    };
                    let mut known = identities::of(&user)?;
                    if known.iter().any(|one| is_this(one) && one.primary) {
                        user.enabled = false;
                    } else {
                        tx.drop_outside_identity(&pool.id, &identity)?;
                        known.retain(|one| !is_this(one));
                        identities::put(&mut user, &known)?;
                    }
                }
                // What was begun by the way that is gone ends with it.
                user.sign_out_up_to(now);
                user.save(tx, now)?;
                Ok(AdminDisableProviderForUserResponse {})
            })
            .await
    }

    async fn provider_of(&self, pool_id: &str, name: &str) -> Answer<Provider> {
        let (pools, pool_id, name) = (self.clone(), pool_id.to_owned(), name.to_owned());
        self.store.read(move |tx| pools.provider(tx, &pool_id, &name)).await
    }

    /// What a provider encrypts to, where it has to: the key that stands, or one that is made now.
    async fn encryption_key(
        &self,
        pool_id: &str,
        details: &Pairs,
        standing: Option<EncryptionKey>,
    ) -> Answer<Option<EncryptionKey>> {
        let encrypts = details.get("EncryptedResponses").is_some_and(|says| says.trim() == "true");
        match standing {
            None if encrypts => Ok(Some(self.fresh_encryption_key(pool_id).await?)),
            standing => Ok(standing),
        }
    }

    /// What is at the `MetadataURL` of a SAML provider.
    async fn metadata_at(&self, details: Option<&Pairs>) -> Answer<Option<Arc<str>>> {
        let Some(url) = details.and_then(|details| details.get("MetadataURL")) else { return Ok(None) };
        let fetched = self.outside.text(url, "metadata", self.clock.now(), true).await;
        fetched.map(Some).map_err(|trouble| {
            refusal(InvalidParameterException, format!("The MetadataURL cannot be read: {trouble}."))
        })
    }

    fn provider(&self, tx: &mut Tx<'_>, pool_id: &str, name: &str) -> Answer<Provider> {
        let pool = self.pool_in(tx, pool_id)?;
        Provider::find(tx, &pool.id, name)?.ok_or_else(|| no_such_provider(name))
    }

    /// Reads who somebody is at a provider. Only what the provider knows them by will do: an address, or any other
    /// attribute, may be somebody else's there tomorrow (rule H3).
    fn outside(
        &self,
        tx: &mut Tx<'_>,
        pool_id: &str,
        named: &ProviderUserIdentifierType,
    ) -> Answer<(Provider, OutsideIdentity)> {
        let provider = match named.provider_name.as_deref() {
            Some(OWN_USERS) | None => {
                return refuse(InvalidParameterException, "ProviderName must name an identity provider.");
            }
            Some(name) => self.provider(tx, pool_id, name)?,
        };
        let subject = named.provider_attribute_value.as_deref().unwrap_or_default();
        let by = named.provider_attribute_name.as_deref().unwrap_or_default();
        if subject.is_empty() {
            return refuse(InvalidParameterException, "ProviderAttributeValue must not be empty.");
        }
        if by != SUBJECT && Some(by) != subject_claim(provider.kind) {
            return refuse(
                InvalidParameterException,
                "ProviderAttributeName must be Cognito_Subject: users are linked by what their provider knows \
                 them by, and by nothing else.",
            );
        }
        let identity = provider.identity(subject);
        Ok((provider, identity))
    }

    /// The user that somebody is, here or at a provider.
    fn known_at(
        &self,
        tx: &mut Tx<'_>,
        pool_id: &str,
        named: &ProviderUserIdentifierType,
    ) -> Answer<Option<User>> {
        let value = named.provider_attribute_value.as_deref().unwrap_or_default();
        if named.provider_name.as_deref() == Some(OWN_USERS) {
            let pool = self.pool_in(tx, pool_id)?;
            // Somebody who came from a provider is named by it.
            let found = self.find_user(tx, &pool, value)?;
            return Ok(found.filter(|user| user.status != Status::ExternalProvider));
        }
        let subject =
            ProviderUserIdentifierType { provider_attribute_name: Some(SUBJECT.to_owned()), ..named.clone() };
        let (_, identity) = self.outside(tx, pool_id, &subject)?;
        match tx.user_of_outside(pool_id, &identity)? {
            Some(id) => Ok(tx.user_by_id(pool_id, &id)?.map(User::from_row).transpose()?),
            None => Ok(None),
        }
    }
}

fn no_such_provider(name: &str) -> Error {
    refusal(ResourceNotFoundException, format!("Identity provider {name} does not exist."))
}

/// Gives a provider the identifiers that it is to have.
fn identify(tx: &mut Tx<'_>, provider: &Provider, taken: postern_model::ErrorKind) -> Answer<()> {
    tx.drop_provider_identifiers(&provider.pool_id, &provider.name)?;
    for identifier in &provider.identifiers {
        if !tx.add_provider_identifier(&provider.pool_id, identifier, &provider.name)? {
            return refuse(taken, format!("The identifier {identifier} is another provider's."));
        }
    }
    Ok(())
}

/// Details with the secrets that stand, where none are given.
fn with_secrets(mut details: Pairs, standing: &Pairs) -> Pairs {
    for key in SECRETS {
        if let Some(secret) = standing.get(key).filter(|_| !details.contains_key(key)) {
            details.insert(key.to_owned(), secret.clone());
        }
    }
    details
}
