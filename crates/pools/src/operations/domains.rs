//! A pool's domain: attached, shown, changed, detached.

use crate::Pools;
use crate::operations::pools::StoredPool;
use crate::settings::{self, domain};
use anyhow::Context;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::*;
use postern_model::{Answer, Error, Shape, refusal, refuse};
use postern_store::Tx;
use postern_store::pools::DomainRow;

/// Custom domains of all pools together (quota).
const CUSTOM_MAX: i64 = 4;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateUserPoolDomain, Pools::create_user_pool_domain)
        .on(op::DescribeUserPoolDomain, Pools::describe_user_pool_domain)
        .on(op::UpdateUserPoolDomain, Pools::update_user_pool_domain)
        .on(op::DeleteUserPoolDomain, Pools::delete_user_pool_domain)
}

impl Pools {
    /// Attaches a domain to a pool: a prefix, and beside it a custom one, whose certificate is the front's business.
    pub async fn create_user_pool_domain(
        &self,
        _: &Caller,
        request: CreateUserPoolDomainRequest,
    ) -> Answer<CreateUserPoolDomainResponse> {
        let now = self.clock.now();
        let target = self.entrance();
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let is_custom = request.custom_domain_config.is_some();
                domain::name(&request.domain, is_custom)?;
                let asked: DomainDescriptionType = settings::asked(&request)?;
                domain::settings(&asked, pool.config.user_pool_tier)?;
                if tx.find_domain(&request.domain)?.is_some_and(|found| found.pool_id != request.user_pool_id)
                {
                    return Err(taken());
                }
                if tx.domains_of_pool(&request.user_pool_id)?.iter().any(|row| row.custom == is_custom) {
                    return refuse(InvalidParameterException, "User pool already has a domain configured.");
                }
                if is_custom && tx.count_custom_domains()? >= CUSTOM_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("An account can have at most {CUSTOM_MAX} custom domains."),
                    );
                }
                let row = DomainRow {
                    name: request.domain.clone(),
                    pool_id: request.user_pool_id.clone(),
                    custom: is_custom,
                    config: stored(asked.managed_login_version, asked.custom_domain_config),
                    created: now,
                };
                if !tx.add_domain(&row)? {
                    return Err(taken());
                }
                Ok(CreateUserPoolDomainResponse {
                    managed_login_version: request.managed_login_version,
                    cloud_front_domain: is_custom.then(|| target.clone()),
                    ..CreateUserPoolDomainResponse::default()
                })
            })
            .await
    }

    /// Shows a domain. One that does not exist has an empty description, which clients wait for after a removal.
    pub async fn describe_user_pool_domain(
        &self,
        _: &Caller,
        request: DescribeUserPoolDomainRequest,
    ) -> Answer<DescribeUserPoolDomainResponse> {
        let (account, target) = (self.place.account.clone(), self.entrance());
        self.store
            .read(move |tx| {
                let description = match tx.find_domain(&request.domain)? {
                    Some(row) => DomainDescriptionType {
                        aws_account_id: Some(account.clone()),
                        status: Some(DomainStatusType::Active),
                        version: Some(row.created.ms().to_string()),
                        managed_login_version: Some(
                            config(&row)?.managed_login_version.unwrap_or(domain::VERSION_DEFAULT),
                        ),
                        custom_domain_config: config(&row)?.custom_domain_config,
                        cloud_front_distribution: row.custom.then(|| target.clone()),
                        user_pool_id: Some(row.pool_id),
                        domain: Some(row.name),
                        ..DomainDescriptionType::default()
                    },
                    None => DomainDescriptionType::default(),
                };
                Ok(DescribeUserPoolDomainResponse { domain_description: Some(description) })
            })
            .await
    }

    /// Changes which version of the sign-in pages a domain shows.
    pub async fn update_user_pool_domain(
        &self,
        _: &Caller,
        request: UpdateUserPoolDomainRequest,
    ) -> Answer<UpdateUserPoolDomainResponse> {
        let target = self.entrance();
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let row = find(tx, &request.user_pool_id, &request.domain)?;
                let asked: DomainDescriptionType = settings::asked(&request)?;
                domain::settings(&asked, pool.config.user_pool_tier)?;
                let before = config(&row)?;
                if asked.custom_domain_config.is_some() && !row.custom {
                    return refuse(InvalidParameterException, "CustomDomainConfig is for custom domains.");
                }
                let version = asked.managed_login_version.or(before.managed_login_version);
                let certificate = asked.custom_domain_config.or(before.custom_domain_config);
                if !tx.change_domain(&request.user_pool_id, &request.domain, &stored(version, certificate))? {
                    return Err(no_such_domain());
                }
                Ok(UpdateUserPoolDomainResponse {
                    managed_login_version: version,
                    cloud_front_domain: row.custom.then(|| target.clone()),
                    ..UpdateUserPoolDomainResponse::default()
                })
            })
            .await
    }

    /// Detaches a domain from its pool.
    pub async fn delete_user_pool_domain(
        &self,
        _: &Caller,
        request: DeleteUserPoolDomainRequest,
    ) -> Answer<DeleteUserPoolDomainResponse> {
        self.store
            .write(move |tx| {
                StoredPool::find_to_change(tx, &request.user_pool_id)?;
                if !tx.delete_domain(&request.user_pool_id, &request.domain)? {
                    return Err(no_such_domain());
                }
                Ok(DeleteUserPoolDomainResponse::default())
            })
            .await
    }

    /// The name that a custom domain has to point at.
    fn entrance(&self) -> String {
        let authority = self.place.public_url.split_once("://").map_or("", |(_, authority)| authority);
        authority.split(':').next().unwrap_or_default().to_owned()
    }
}

fn find(tx: &mut Tx<'_>, pool_id: &str, name: &str) -> Answer<DomainRow> {
    tx.find_domain(name)?.filter(|row| row.pool_id == pool_id).ok_or_else(no_such_domain)
}

fn taken() -> Error {
    refusal(InvalidParameterException, "Domain already associated with another user pool.")
}

fn no_such_domain() -> Error {
    refusal(InvalidParameterException, "No such domain or user pool exist.")
}

/// What is kept of a domain beside its name: the version of the pages, and the certificate of a custom one.
fn stored(
    managed_login_version: Option<i64>,
    custom_domain_config: Option<CustomDomainConfigType>,
) -> String {
    let kept = DomainDescriptionType {
        managed_login_version,
        custom_domain_config,
        ..DomainDescriptionType::default()
    };
    kept.write().to_string()
}

fn config(row: &DomainRow) -> Answer<DomainDescriptionType> {
    Ok(domain::read(&row.config).with_context(|| format!("the settings of domain {}", row.name))?)
}
