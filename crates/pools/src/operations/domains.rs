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

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateUserPoolDomain, Pools::create_user_pool_domain)
        .on(op::DescribeUserPoolDomain, Pools::describe_user_pool_domain)
        .on(op::UpdateUserPoolDomain, Pools::update_user_pool_domain)
        .on(op::DeleteUserPoolDomain, Pools::delete_user_pool_domain)
}

impl Pools {
    /// Attaches a prefix domain to a pool that has none.
    pub async fn create_user_pool_domain(
        &self,
        _: &Caller,
        request: CreateUserPoolDomainRequest,
    ) -> Answer<CreateUserPoolDomainResponse> {
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                domain::prefix(&request.domain)?;
                let asked: DomainDescriptionType = settings::asked(&request)?;
                domain::settings(&asked, pool.config.user_pool_tier)?;
                if tx.find_domain(&request.domain)?.is_some_and(|found| found.pool_id != request.user_pool_id)
                {
                    return Err(taken());
                }
                if !tx.domains_of_pool(&request.user_pool_id)?.is_empty() {
                    return refuse(InvalidParameterException, "User pool already has a domain configured.");
                }
                let row = DomainRow {
                    name: request.domain.clone(),
                    pool_id: request.user_pool_id.clone(),
                    custom: false,
                    config: stored(asked.managed_login_version),
                    created: now,
                };
                if !tx.add_domain(&row)? {
                    return Err(taken());
                }
                Ok(CreateUserPoolDomainResponse {
                    managed_login_version: request.managed_login_version,
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
        let account = self.place.account.clone();
        self.store
            .read(move |tx| {
                let description = match tx.find_domain(&request.domain)? {
                    Some(row) => DomainDescriptionType {
                        aws_account_id: Some(account.clone()),
                        status: Some(DomainStatusType::Active),
                        version: Some(row.created.ms().to_string()),
                        managed_login_version: Some(version(&row)?.unwrap_or(domain::VERSION_DEFAULT)),
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
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let row = find(tx, &request.user_pool_id, &request.domain)?;
                let asked: DomainDescriptionType = settings::asked(&request)?;
                domain::settings(&asked, pool.config.user_pool_tier)?;
                let version = asked.managed_login_version.or(version(&row)?);
                if !tx.change_domain(&request.user_pool_id, &request.domain, &stored(version))? {
                    return Err(no_such_domain());
                }
                Ok(UpdateUserPoolDomainResponse {
                    managed_login_version: version,
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

/// What is kept of a domain beside its name: the version of the pages, if one was given.
fn stored(managed_login_version: Option<i64>) -> String {
    let kept = DomainDescriptionType { managed_login_version, ..DomainDescriptionType::default() };
    kept.write().to_string()
}

fn version(row: &DomainRow) -> Answer<Option<i64>> {
    let read = || anyhow::Ok(DomainDescriptionType::read(&serde_json::from_str(&row.config)?)?);
    Ok(read().with_context(|| format!("the settings of domain {}", row.name))?.managed_login_version)
}
