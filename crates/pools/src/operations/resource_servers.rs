//! Resource servers: the APIs that a pool's tokens are for, with the scopes that apps may be given.

use crate::Pools;
use crate::page::Page;
use crate::scopes::{SERVERS_MAX, of_server};
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    CreateResourceServerRequest, CreateResourceServerResponse, DeleteResourceServerRequest,
    DescribeResourceServerRequest, DescribeResourceServerResponse, ListResourceServersRequest,
    ListResourceServersResponse, ResourceServerScopeType, ResourceServerType, UpdateResourceServerRequest,
    UpdateResourceServerResponse, op,
};
use postern_model::shape::Nothing;
use postern_model::{Answer, Error, Shape, refusal, refuse};
use postern_store::Tx;
use postern_store::resource_servers::ResourceServerRow;

/// The beginning of identifiers that are the service's own.
const RESERVED: &str = "aws.cognito";

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateResourceServer, Pools::create_resource_server)
        .on(op::DescribeResourceServer, Pools::describe_resource_server)
        .on(op::UpdateResourceServer, Pools::update_resource_server)
        .on(op::DeleteResourceServer, Pools::delete_resource_server)
        .on(op::ListResourceServers, Pools::list_resource_servers)
}

impl Pools {
    pub async fn create_resource_server(
        &self,
        _: &Caller,
        request: CreateResourceServerRequest,
    ) -> Answer<CreateResourceServerResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                tx.lock_pool(&pool.id)?;
                if request.identifier.starts_with(RESERVED) {
                    return refuse(
                        InvalidParameterException,
                        format!("The identifier {} is reserved.", request.identifier),
                    );
                }
                let server = ResourceServerRow {
                    pool_id: pool.id.clone(),
                    identifier: request.identifier.clone(),
                    name: request.name.clone(),
                    scopes: stored(request.scopes.as_deref())?,
                };
                if !tx.add_resource_server(&server)? {
                    return refuse(
                        InvalidParameterException,
                        format!("{} already exists in user pool {}.", server.identifier, pool.id),
                    );
                }
                if tx.list_resource_servers(&pool.id, "", SERVERS_MAX + 1)?.len() as i64 > SERVERS_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("A user pool can have at most {SERVERS_MAX} resource servers."),
                    );
                }
                Ok(CreateResourceServerResponse { resource_server: shown(&server)? })
            })
            .await
    }

    pub async fn describe_resource_server(
        &self,
        _: &Caller,
        request: DescribeResourceServerRequest,
    ) -> Answer<DescribeResourceServerResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let server = pools.resource_server(tx, &request.user_pool_id, &request.identifier)?;
                Ok(DescribeResourceServerResponse { resource_server: shown(&server)? })
            })
            .await
    }

    /// Replaces a resource server's name and scopes. A scope that goes stays with the clients that have it, and is
    /// left out of their tokens.
    pub async fn update_resource_server(
        &self,
        _: &Caller,
        request: UpdateResourceServerRequest,
    ) -> Answer<UpdateResourceServerResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let mut server = pools.resource_server(tx, &request.user_pool_id, &request.identifier)?;
                server.name.clone_from(&request.name);
                server.scopes = stored(request.scopes.as_deref())?;
                if !tx.change_resource_server(&server)? {
                    return Err(no_such_server(&request.identifier));
                }
                Ok(UpdateResourceServerResponse { resource_server: shown(&server)? })
            })
            .await
    }

    pub async fn delete_resource_server(
        &self,
        _: &Caller,
        request: DeleteResourceServerRequest,
    ) -> Answer<Nothing> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                if !tx.delete_resource_server(&pool.id, &request.identifier)? {
                    return Err(no_such_server(&request.identifier));
                }
                Ok(Nothing::default())
            })
            .await
    }

    /// Lists a pool's resource servers by identifier.
    pub async fn list_resource_servers(
        &self,
        _: &Caller,
        request: ListResourceServersRequest,
    ) -> Answer<ListResourceServersResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let keys = tx.keys().clone();
                let place = format!("{}/resource servers", pool.id);
                let page = Page::asked(&keys, place, request.next_token.as_deref(), request.max_results)?;
                let mut rows = tx.list_resource_servers(&pool.id, &page.after, page.rows())?;
                let next_token = page.cut(&keys, &mut rows, |row| row.identifier.clone());
                let resource_servers = rows.iter().map(shown).collect::<Answer<Vec<_>>>()?;
                Ok(ListResourceServersResponse { resource_servers, next_token })
            })
            .await
    }

    fn resource_server(&self, tx: &mut Tx<'_>, pool_id: &str, identifier: &str) -> Answer<ResourceServerRow> {
        let pool = self.pool_in(tx, pool_id)?;
        tx.find_resource_server(&pool.id, identifier)?.ok_or_else(|| no_such_server(identifier))
    }
}

fn no_such_server(identifier: &str) -> Error {
    refusal(ResourceNotFoundException, format!("Resource server {identifier} does not exist."))
}

/// The scopes as they are kept: each name once.
fn stored(scopes: Option<&[ResourceServerScopeType]>) -> Answer<String> {
    let scopes = scopes.unwrap_or_default();
    for (at, scope) in scopes.iter().enumerate() {
        if scopes[..at].iter().any(|other| other.scope_name == scope.scope_name) {
            return refuse(
                InvalidParameterException,
                format!("The scope name {} is given more than once.", scope.scope_name),
            );
        }
    }
    Ok(serde_json::Value::from(scopes.iter().map(Shape::write).collect::<Vec<_>>()).to_string())
}

fn shown(server: &ResourceServerRow) -> Answer<ResourceServerType> {
    Ok(ResourceServerType {
        user_pool_id: Some(server.pool_id.clone()),
        identifier: Some(server.identifier.clone()),
        name: Some(server.name.clone()),
        scopes: Some(of_server(server)?).filter(|scopes| !scopes.is_empty()),
        managed_by: None,
    })
}
