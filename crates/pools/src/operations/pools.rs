//! User pools as such: made, shown, changed, listed, tagged, removed.

use crate::Pools;
use crate::functions;
use crate::page;
use crate::pool::Place;
use crate::settings::{self, domain, email, mfa, pool, schema, sms};
use anyhow::Context;
use postern_access::{Caller, Context as PolicyContext, EMAIL_SERVICE, IDP_SERVICE, Operations};
use postern_mail::texting::TextRole;
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::*;
use postern_model::shape::{Nothing, Timestamp as Moment};
use postern_model::{Answer, Error, Shape, refusal, refuse};
use postern_store::pools::{DomainRow, PoolRow};
use postern_store::{Timestamp, Tx, random};

/// Refuses to leave a tier whose features are in use: a domain that shows managed login.
fn accept_tier(tx: &mut Tx<'_>, pool_id: &str, tier: Option<UserPoolTierType>) -> Answer<()> {
    for row in tx.domains_of_pool(pool_id)? {
        let shown =
            domain::read(&row.config).with_context(|| format!("the settings of domain {}", row.name))?;
        if domain::settings(&shown, tier).is_err() {
            return refuse(
                TierChangeNotAllowedException,
                "A domain of the user pool uses managed login, which is not available in the Lite tier.",
            );
        }
    }
    Ok(())
}

/// What an import stands on does not change under it.
fn not_while_importing(tx: &mut Tx<'_>, pool_id: &str) -> Answer<()> {
    match tx.is_importing(pool_id)? {
        true => refuse(UserImportInProgressException, "Users are being imported into the user pool."),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;

const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH: usize = 9;
/// User pools of one account (quota).
const POOLS_MAX: i64 = 1000;
/// What a page token of ListUserPools is bound to; pool ids have no space.
const ALL_POOLS: &str = "all pools";

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateUserPool, Pools::create_user_pool)
        .on(op::DescribeUserPool, Pools::describe_user_pool)
        .on(op::UpdateUserPool, Pools::update_user_pool)
        .on(op::DeleteUserPool, Pools::delete_user_pool)
        .on(op::ListUserPools, Pools::list_user_pools)
        .on(op::AddCustomAttributes, Pools::add_custom_attributes)
        .on(op::TagResource, Pools::tag_resource)
        .on(op::UntagResource, Pools::untag_resource)
        .on(op::ListTagsForResource, Pools::list_tags_for_resource)
}

/// A pool's row with its settings read, to be changed or shown in the unit of work that found it.
pub(crate) struct StoredPool {
    row: PoolRow,
    pub(crate) config: UserPoolType,
    pub(crate) mfa: GetUserPoolMfaConfigResponse,
}

impl StoredPool {
    /// Finds a pool, or says that it does not exist.
    pub(crate) fn find(tx: &mut Tx<'_>, pool_id: &str) -> Answer<StoredPool> {
        let row = tx.find_pool(pool_id)?.ok_or_else(|| no_such_pool(pool_id))?;
        StoredPool::read(row)
    }

    /// The same, for a change: others who change the pool wait from here on.
    pub(crate) fn find_to_change(tx: &mut Tx<'_>, pool_id: &str) -> Answer<StoredPool> {
        tx.lock_pool(pool_id)?;
        StoredPool::find(tx, pool_id)
    }

    fn read(row: PoolRow) -> Answer<StoredPool> {
        let config = read(&row.config).with_context(|| format!("the settings of pool {}", row.id))?;
        let mfa = read(&row.mfa_config).with_context(|| format!("the MFA settings of pool {}", row.id))?;
        Ok(StoredPool { row, config, mfa })
    }

    /// Writes the settings down; the whole unit of work is refused if the pool is gone by now.
    pub(crate) fn save(self, tx: &mut Tx<'_>, now: Timestamp) -> Answer<()> {
        let StoredPool { row, config, mfa } = self;
        let uses_email_role = config.email_configuration.as_ref().is_some_and(email::is_developer);
        let id = row.id.clone();
        let changed = tx.change_pool(&PoolRow {
            config: config.write().to_string(),
            mfa_config: mfa.write().to_string(),
            uses_email_role,
            modified: now,
            ..row
        })?;
        if changed { Ok(()) } else { Err(no_such_pool(&id)) }
    }

    /// The pool as the API shows it, with what is counted and looked up.
    fn shown(self, tx: &mut Tx<'_>, place: &Place) -> Answer<UserPoolType> {
        let StoredPool { row, config, mfa } = self;
        let domains = tx.domains_of_pool(&row.id)?;
        let named = |custom| domains.iter().find(|domain| domain.custom == custom).map(name_of);
        Ok(UserPoolType {
            arn: Some(place.pool_arn(&row.id)),
            estimated_number_of_users: Some(tx.count_users(&row.id)?),
            id: Some(row.id),
            name: Some(row.name),
            mfa_configuration: mfa.mfa_configuration,
            creation_date: Some(Moment(row.created.ms())),
            last_modified_date: Some(Moment(row.modified.ms())),
            domain: named(false),
            custom_domain: named(true),
            ..config
        })
    }
}

fn read<S: Shape>(text: &str) -> anyhow::Result<S> {
    Ok(S::read(&serde_json::from_str(text)?)?)
}

fn name_of(domain: &DomainRow) -> String {
    domain.name.clone()
}

/// Says that a pool does not exist.
pub(crate) fn no_such_pool(pool_id: &str) -> postern_model::Error {
    refusal(ResourceNotFoundException, format!("User pool {pool_id} does not exist."))
}

impl Pools {
    /// Makes a pool with the two keys that sign its tokens.
    pub async fn create_user_pool(
        &self,
        caller: &Caller,
        request: CreateUserPoolRequest,
    ) -> Answer<CreateUserPoolResponse> {
        let now = self.clock.now();
        let mut asked: UserPoolType = settings::asked(&request)?;
        let mode = asked.mfa_configuration.take();
        let config = pool::created(asked, request.schema)?;
        let mfa = mfa::mode(&mfa::created(), &config, mode)?;
        let keys = self.make_signing_keys(now, now).await?;

        let row = PoolRow {
            id: format!("{}_{}", self.place.region, random::text(LETTERS_AND_DIGITS, ID_LENGTH)),
            name: request.pool_name,
            config: config.write().to_string(),
            mfa_config: mfa.write().to_string(),
            uses_email_role: config.email_configuration.as_ref().is_some_and(email::is_developer),
            created: now,
            modified: now,
        };
        let (pools, caller) = (self.clone(), caller.clone());
        let user_pool = self
            .store
            .write(move |tx| {
                pools.accept_functions(&config)?;
                pools.accept_sender(tx, &caller, &config)?;
                pools.accept_issuer(&config)?;
                pools.accept_text_role(tx, &caller, &row.id, config.sms_configuration.as_ref())?;
                if tx.count_pools()? >= POOLS_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("An account can have at most {POOLS_MAX} user pools."),
                    );
                }
                if !tx.add_pool(&row)? {
                    return Err(anyhow::anyhow!("the pool id {} was drawn twice", row.id).into());
                }
                for key in &keys {
                    tx.add_signing_key(&row.id, key)?;
                }
                StoredPool::read(row.clone())?.shown(tx, &pools.place)
            })
            .await?;
        Ok(CreateUserPoolResponse { user_pool: Some(user_pool) })
    }

    /// Lets a pool have the updated issuer where there is a name for it.
    fn accept_issuer(&self, config: &UserPoolType) -> Answer<()> {
        if crate::pool::is_updated(config) && self.place.updated_issuer_of("").is_none() {
            return refuse(
                InvalidParameterException,
                "IssuerConfiguration UPDATED needs a server whose issuers are shaped like those of AWS (setting \
                 issuer).",
            );
        }
        Ok(())
    }

    /// Lets a pool be saved if it is known where its functions are: a call to nowhere would fail each time.
    fn accept_functions(&self, config: &UserPoolType) -> Answer<()> {
        let Some(config) = &config.lambda_config else { return Ok(()) };
        let sends = config.custom_email_sender.is_some() || config.custom_sms_sender.is_some();
        if let Some(key) = config.kms_key_id.as_ref().filter(|_| sends)
            && self.functions.code_key(key).is_none()
        {
            return refuse(
                InvalidParameterException,
                format!("No key is known for the KMSKeyID {key}: see the setting functions.code_keys."),
            );
        }
        match functions::named(config).find(|function| !self.functions.knows(function)) {
            Some(function) => refuse(
                InvalidParameterException,
                format!("No place is known for the function {function}: see the setting functions."),
            ),
            None => Ok(()),
        }
    }

    /// Lets a pool be saved whose mail comes from an identity of the account: the mail service must know it, and
    /// the service-linked role that sends for DEVELOPER is made if it is not there, as the caller may.
    fn accept_sender(&self, tx: &mut Tx<'_>, caller: &Caller, config: &UserPoolType) -> Answer<()> {
        let Some(configuration) = &config.email_configuration else { return Ok(()) };
        let Some(named) = email::named(configuration)? else { return Ok(()) };
        let verdict = self.mail.identity_for_sender(tx, named.from.as_ref(), &named.source_arn)?;
        email::accept(&named, verdict)?;
        if let Some(set) = &named.configuration_set
            && tx.find_configuration_set(set)?.is_none()
        {
            return refuse(InvalidParameterException, format!("Configuration set <{set}> does not exist."));
        }
        if !email::is_developer(configuration) {
            // What the identity's own policy allows is asked with each mail.
            return Ok(());
        }
        self.access
            .ensure_service_linked_role(tx, caller, EMAIL_SERVICE)
            .map_err(|stop| stop.refused(AccessDeniedException))
    }

    /// Lets a pool be saved that sends text messages by a role of the account: the caller may pass it on, it trusts
    /// user pools with the pool's external id, and it may publish.
    pub(crate) fn accept_text_role(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        pool_id: &str,
        configuration: Option<&SmsConfigurationType>,
    ) -> Answer<()> {
        let Some(configuration) = configuration else { return Ok(()) };
        let role_arn = configuration.sns_caller_arn.as_deref().unwrap_or_default();
        if !self.mail.sends_texts() {
            return refuse(
                InvalidParameterException,
                "This server has no way to send text messages: its configuration has no carrier in [sms].",
            );
        }
        let context = PolicyContext::new().with("iam:PassedToService", IDP_SERVICE);
        self.access
            .authorize(tx, caller, "iam:PassRole", role_arn, &context)
            .map_err(|stop| stop.refused(AccessDeniedException))?;
        let pool_arn = self.place.pool_arn(pool_id);
        let external_id = configuration.external_id.as_deref();
        let role = TextRole { pool_id, pool_arn: &pool_arn, role_arn, external_id };
        self.mail.may_text(tx, &role, "*").map(drop).map_err(sms::refused)
    }

    /// Shows a pool's whole configuration.
    pub async fn describe_user_pool(
        &self,
        _: &Caller,
        request: DescribeUserPoolRequest,
    ) -> Answer<DescribeUserPoolResponse> {
        let pools = self.clone();
        let user_pool: Answer<UserPoolType> = self
            .store
            .read(move |tx| {
                let shown = StoredPool::find(tx, &request.user_pool_id)?.shown(tx, &pools.place)?;
                Ok(UserPoolType { sms_configuration_failure: pools.text_failure(tx, &shown)?, ..shown })
            })
            .await;
        Ok(DescribeUserPoolResponse { user_pool: Some(user_pool?) })
    }

    /// Names what keeps a pool's text messages from leaving, as far as can be told without sending one.
    fn text_failure(&self, tx: &mut Tx<'_>, pool: &UserPoolType) -> Answer<Option<String>> {
        let role = pool.sms_configuration.as_ref().and_then(|sms| sms.sns_caller_arn.as_deref());
        let (Some(role_arn), Some(pool_id), Some(pool_arn)) = (role, &pool.id, &pool.arn) else {
            return Ok(None);
        };
        if self.mail.settings().text_sandbox {
            return Ok(Some("SNSSandbox".to_owned()));
        }
        let external_id = pool.sms_configuration.as_ref().and_then(|sms| sms.external_id.as_deref());
        let role = TextRole { pool_id, pool_arn, role_arn, external_id };
        match self.mail.may_text(tx, &role, "*").map_err(sms::refused) {
            Ok(_) => Ok(None),
            Err(Error::Refused(refusal)) => Ok(Some(refusal.kind.code.to_owned())),
            Err(failed) => Err(failed),
        }
    }

    /// Replaces a pool's settings.
    pub async fn update_user_pool(
        &self,
        caller: &Caller,
        request: UpdateUserPoolRequest,
    ) -> Answer<UpdateUserPoolResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let mut stored = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                not_while_importing(tx, &request.user_pool_id)?;
                let mut asked: UserPoolType = settings::asked(&request)?;
                let mode = asked.mfa_configuration.take();
                stored.config = pool::updated(&stored.config, asked)?;
                stored.mfa = mfa::mode(&stored.mfa, &stored.config, mode)?;
                if let Some(name) = &request.pool_name {
                    stored.row.name.clone_from(name);
                }
                pools.accept_functions(&stored.config)?;
                pools.accept_sender(tx, &caller, &stored.config)?;
                pools.accept_issuer(&stored.config)?;
                accept_tier(tx, &request.user_pool_id, stored.config.user_pool_tier)?;
                let sms = stored.config.sms_configuration.as_ref();
                pools.accept_text_role(tx, &caller, &request.user_pool_id, sms)?;
                stored.save(tx, pools.clock.now())?;
                Ok(UpdateUserPoolResponse::default())
            })
            .await
    }

    /// Removes a pool and everything in it.
    pub async fn delete_user_pool(&self, _: &Caller, request: DeleteUserPoolRequest) -> Answer<Nothing> {
        self.store
            .write(move |tx| {
                let stored = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                not_while_importing(tx, &request.user_pool_id)?;
                if stored.config.deletion_protection == Some(DeletionProtectionType::Active) {
                    return refuse(
                        InvalidParameterException,
                        "The user pool cannot be deleted because deletion protection is activated. Deletion \
                         protection must be inactivated first.",
                    );
                }
                if !tx.domains_of_pool(&request.user_pool_id)?.is_empty() {
                    return refuse(
                        InvalidParameterException,
                        "User pool cannot be deleted. It has a domain configured that should be deleted first.",
                    );
                }
                if !tx.delete_pool(&request.user_pool_id)? {
                    return Err(no_such_pool(&request.user_pool_id));
                }
                Ok(Nothing::default())
            })
            .await
    }

    /// Lists pools by id.
    pub async fn list_user_pools(
        &self,
        _: &Caller,
        request: ListUserPoolsRequest,
    ) -> Answer<ListUserPoolsResponse> {
        self.store
            .read(move |tx| {
                let after = match &request.next_token {
                    Some(token) => page::read(tx.keys(), ALL_POOLS, token)?,
                    None => String::new(),
                };
                let mut rows = tx.list_pools(&after, request.max_results + 1)?;
                let size = usize::try_from(request.max_results).unwrap_or(0);
                let more = rows.len() > size;
                rows.truncate(size);
                let next_token =
                    rows.last().filter(|_| more).map(|row| page::write(tx.keys(), ALL_POOLS, &row.id));
                let user_pools = rows
                    .into_iter()
                    .map(|row| {
                        let StoredPool { row, config, .. } = StoredPool::read(row)?;
                        Ok(UserPoolDescriptionType {
                            id: Some(row.id),
                            name: Some(row.name),
                            lambda_config: config.lambda_config,
                            last_modified_date: Some(Moment(row.modified.ms())),
                            creation_date: Some(Moment(row.created.ms())),
                            ..UserPoolDescriptionType::default()
                        })
                    })
                    .collect::<Answer<_>>()?;
                Ok(ListUserPoolsResponse { user_pools: Some(user_pools), next_token })
            })
            .await
    }

    /// Adds custom attributes to a pool's schema.
    pub async fn add_custom_attributes(
        &self,
        _: &Caller,
        request: AddCustomAttributesRequest,
    ) -> Answer<AddCustomAttributesResponse> {
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let mut stored = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                not_while_importing(tx, &request.user_pool_id)?;
                let before = stored.config.schema_attributes.take().unwrap_or_default();
                let after = schema::extended(before, request.custom_attributes.clone())?;
                stored.config.schema_attributes = Some(after);
                stored.save(tx, now)?;
                Ok(AddCustomAttributesResponse::default())
            })
            .await
    }

    /// Adds tags to a pool, or changes them.
    pub async fn tag_resource(&self, _: &Caller, request: TagResourceRequest) -> Answer<TagResourceResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let mut stored = pools.tagged(tx, &request.resource_arn)?;
                let tags = stored.config.user_pool_tags.get_or_insert_default();
                tags.extend(request.tags.clone());
                pool::tags(InvalidParameterException, tags)?;
                let modified = stored.row.modified;
                stored.save(tx, modified)?;
                Ok(TagResourceResponse::default())
            })
            .await
    }

    /// Takes tags off a pool.
    pub async fn untag_resource(
        &self,
        _: &Caller,
        request: UntagResourceRequest,
    ) -> Answer<UntagResourceResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let mut stored = pools.tagged(tx, &request.resource_arn)?;
                let tags = stored.config.user_pool_tags.get_or_insert_default();
                tags.retain(|key, _| !request.tag_keys.contains(key));
                let modified = stored.row.modified;
                stored.save(tx, modified)?;
                Ok(UntagResourceResponse::default())
            })
            .await
    }

    /// Shows a pool's tags.
    pub async fn list_tags_for_resource(
        &self,
        _: &Caller,
        request: ListTagsForResourceRequest,
    ) -> Answer<ListTagsForResourceResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let stored = pools.tagged(tx, &request.resource_arn)?;
                Ok(ListTagsForResourceResponse {
                    tags: Some(stored.config.user_pool_tags.unwrap_or_default()),
                })
            })
            .await
    }

    /// Finds the pool that an ARN names; only pools of this account and region have one.
    fn tagged(&self, tx: &mut Tx<'_>, arn: &str) -> Answer<StoredPool> {
        match arn.rsplit_once('/') {
            Some((_, pool_id)) if self.place.pool_arn(pool_id) == arn => {
                StoredPool::find_to_change(tx, pool_id)
            }
            _ => refuse(
                InvalidParameterException,
                "ResourceArn is not the ARN of a user pool of this account.",
            ),
        }
    }
}
