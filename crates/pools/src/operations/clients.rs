//! App clients: made, shown, changed, listed, removed.

use crate::Pools;
use crate::operations::pools::{StoredPool, no_such_pool};
use crate::page;
use crate::scopes;
use crate::settings;
use crate::settings::client::{Around, settled};
use anyhow::Context;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::*;
use postern_model::shape::{self, Nothing, Secret};
use postern_model::{Answer, Error, Shape, refusal, refuse};
use postern_store::clients::{ClientRow, ClientSecretRow};
use postern_store::{Timestamp as Moment, Tx, random};

const LETTERS_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const ID_LENGTH: usize = 26;
const SECRET_LENGTH: usize = 52;
/// App clients of one pool (quota).
const CLIENTS_MAX: i64 = 1000;
/// Clients on a page unless the caller asks for fewer.
const PAGE_SIZE: i64 = 60;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::CreateUserPoolClient, Pools::create_user_pool_client)
        .on(op::DescribeUserPoolClient, Pools::describe_user_pool_client)
        .on(op::UpdateUserPoolClient, Pools::update_user_pool_client)
        .on(op::DeleteUserPoolClient, Pools::delete_user_pool_client)
        .on(op::ListUserPoolClients, Pools::list_user_pool_clients)
}

impl Pools {
    /// Makes an app client.
    pub async fn create_user_pool_client(
        &self,
        _: &Caller,
        request: CreateUserPoolClientRequest,
    ) -> Answer<CreateUserPoolClientResponse> {
        let now = self.clock.now();
        let secret = match (&request.client_secret, request.generate_secret) {
            (Some(_), Some(true)) => {
                return refuse(
                    InvalidParameterException,
                    "ClientSecret and GenerateSecret cannot be used together.",
                );
            }
            (Some(given), _) => Some(given.reveal().to_owned()),
            (None, Some(true)) => Some(fresh_secret()),
            (None, _) => None,
        };
        let client_id = random::text(LETTERS_AND_DIGITS, ID_LENGTH);
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let around = Around {
                    pool_id: &request.user_pool_id,
                    schema: pool.config.schema_attributes.as_deref().unwrap_or_default(),
                    has_secret: secret.is_some(),
                    custom_scopes: &scopes::custom(tx, &request.user_pool_id)?,
                    providers: &tx.provider_names(&request.user_pool_id)?,
                    doing: "creating",
                };
                let config = settled(settings::asked(&request)?, &around)?;
                let row = ClientRow {
                    id: client_id.clone(),
                    pool_id: request.user_pool_id.clone(),
                    name: request.client_name.clone(),
                    config: stored(&config),
                    created: now,
                    modified: now,
                };
                if tx.count_clients(&row.pool_id)? >= CLIENTS_MAX {
                    return refuse(
                        LimitExceededException,
                        format!("A user pool can have at most {CLIENTS_MAX} app clients."),
                    );
                }
                if !tx.add_client(&row)? {
                    return Err(anyhow::anyhow!("the client id {client_id} was drawn twice").into());
                }
                if let Some(secret) = &secret {
                    tx.add_client_secret(&client_id, &new_secret(&client_id, secret, now))?;
                }
                Ok(CreateUserPoolClientResponse { user_pool_client: Some(shown(tx, row)?) })
            })
            .await
    }

    /// Shows an app client, its secret included.
    pub async fn describe_user_pool_client(
        &self,
        _: &Caller,
        request: DescribeUserPoolClientRequest,
    ) -> Answer<DescribeUserPoolClientResponse> {
        self.store
            .read(move |tx| {
                let row = find(tx, &request.user_pool_id, &request.client_id)?;
                Ok(DescribeUserPoolClientResponse { user_pool_client: Some(shown(tx, row)?) })
            })
            .await
    }

    /// Replaces an app client's settings; what is left out returns to its default. Id and secret stay.
    pub async fn update_user_pool_client(
        &self,
        _: &Caller,
        request: UpdateUserPoolClientRequest,
    ) -> Answer<UpdateUserPoolClientResponse> {
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let pool = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let mut row = find(tx, &request.user_pool_id, &request.client_id)?;
                let around = Around {
                    pool_id: &request.user_pool_id,
                    schema: pool.config.schema_attributes.as_deref().unwrap_or_default(),
                    has_secret: !tx.client_secrets(&row.id)?.is_empty(),
                    custom_scopes: &scopes::custom(tx, &request.user_pool_id)?,
                    providers: &tx.provider_names(&request.user_pool_id)?,
                    doing: "updating",
                };
                row.config = stored(&settled(settings::asked(&request)?, &around)?);
                row.modified = now;
                if let Some(name) = &request.client_name {
                    row.name.clone_from(name);
                }
                if !tx.change_client(&row)? {
                    return Err(no_such_client(&request.client_id));
                }
                Ok(UpdateUserPoolClientResponse { user_pool_client: Some(shown(tx, row)?) })
            })
            .await
    }

    /// Removes an app client.
    pub async fn delete_user_pool_client(
        &self,
        _: &Caller,
        request: DeleteUserPoolClientRequest,
    ) -> Answer<Nothing> {
        self.store
            .write(move |tx| {
                find(tx, &request.user_pool_id, &request.client_id)?;
                if !tx.delete_client(&request.user_pool_id, &request.client_id)? {
                    return Err(no_such_client(&request.client_id));
                }
                Ok(Nothing::default())
            })
            .await
    }

    /// Lists a pool's app clients by id. None was registered by itself (`DCR`).
    pub async fn list_user_pool_clients(
        &self,
        _: &Caller,
        request: ListUserPoolClientsRequest,
    ) -> Answer<ListUserPoolClientsResponse> {
        self.store
            .read(move |tx| {
                let pool_id = &request.user_pool_id;
                StoredPool::find(tx, pool_id)?;
                let after = match &request.next_token {
                    Some(token) => page::read(tx.keys(), pool_id, token)?,
                    None => String::new(),
                };
                let asked = request.max_results.unwrap_or(PAGE_SIZE);
                let mut rows = match request.client_type {
                    Some(ClientTypeType::Dcr) => Vec::new(),
                    _ => tx.list_clients(pool_id, &after, asked + 1)?,
                };
                let size = usize::try_from(asked).unwrap_or(0);
                let more = rows.len() > size;
                rows.truncate(size);
                let next_token =
                    rows.last().filter(|_| more).map(|row| page::write(tx.keys(), pool_id, &row.id));
                let described = rows.into_iter().map(|row| UserPoolClientDescription {
                    client_id: Some(row.id),
                    user_pool_id: Some(row.pool_id),
                    client_name: Some(row.name),
                });
                Ok(ListUserPoolClientsResponse { user_pool_clients: Some(described.collect()), next_token })
            })
            .await
    }
}

/// A fresh secret, or one that was brought, as it is kept.
pub(super) fn new_secret(client_id: &str, secret: &str, now: Moment) -> ClientSecretRow {
    ClientSecretRow { id: format!("{client_id}--{}", now.ms()), secret: secret.to_owned(), created: now }
}

/// Draws a secret.
pub(super) fn fresh_secret() -> String {
    random::text(LETTERS_AND_DIGITS, SECRET_LENGTH)
}

/// Finds a client of a pool, or says that it does not exist.
pub(super) fn find(tx: &mut Tx<'_>, pool_id: &str, client_id: &str) -> Answer<ClientRow> {
    if tx.pool_version(pool_id)?.is_none() {
        return Err(no_such_pool(pool_id));
    }
    tx.find_client(client_id)?.filter(|row| row.pool_id == pool_id).ok_or_else(|| no_such_client(client_id))
}

fn no_such_client(client_id: &str) -> Error {
    refusal(ResourceNotFoundException, format!("User pool client {client_id} does not exist."))
}

fn stored(config: &UserPoolClientType) -> String {
    config.write().to_string()
}

/// The client as the API shows it, with the older of its secrets.
fn shown(tx: &mut Tx<'_>, row: ClientRow) -> Answer<UserPoolClientType> {
    let read = || anyhow::Ok(UserPoolClientType::read(&serde_json::from_str(&row.config)?)?);
    let config = read().with_context(|| format!("the settings of app client {}", row.id))?;
    let secret = tx.client_secrets(&row.id)?.into_iter().next();
    Ok(UserPoolClientType {
        user_pool_id: Some(row.pool_id),
        client_name: Some(row.name),
        client_id: Some(row.id),
        client_secret: secret.map(|secret| Secret::new(secret.secret)),
        last_modified_date: Some(shape::Timestamp(row.modified.ms())),
        creation_date: Some(shape::Timestamp(row.created.ms())),
        ..config
    })
}
