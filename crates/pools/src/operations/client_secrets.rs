//! An app client's two secrets: one more is made, both prove the client, the old one goes.

use super::clients::{find, fresh_secret, new_secret};
use crate::Pools;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AddUserPoolClientSecretRequest, AddUserPoolClientSecretResponse, ClientSecretDescriptorType,
    DeleteUserPoolClientSecretRequest, DeleteUserPoolClientSecretResponse, ListUserPoolClientSecretsRequest,
    ListUserPoolClientSecretsResponse, op,
};
use postern_model::shape::{Secret, Timestamp as Moment};
use postern_model::{Answer, refuse};
use postern_store::clients::ClientSecretRow;

const SECRETS_MAX: usize = 2;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::AddUserPoolClientSecret, Pools::add_user_pool_client_secret)
        .on(op::ListUserPoolClientSecrets, Pools::list_user_pool_client_secrets)
        .on(op::DeleteUserPoolClientSecret, Pools::delete_user_pool_client_secret)
}

impl Pools {
    /// Makes a client's second secret, and shows it this once.
    pub async fn add_user_pool_client_secret(
        &self,
        _: &Caller,
        request: AddUserPoolClientSecretRequest,
    ) -> Answer<AddUserPoolClientSecretResponse> {
        let now = self.clock.now();
        let secret = match &request.client_secret {
            Some(given) => given.reveal().to_owned(),
            None => fresh_secret(),
        };
        self.store
            .write(move |tx| {
                tx.lock_pool(&request.user_pool_id)?;
                let client = find(tx, &request.user_pool_id, &request.client_id)?;
                let others = tx.client_secrets(&client.id)?;
                if others.is_empty() {
                    return refuse(
                        InvalidParameterException,
                        "A public client cannot be given a secret; create a client with one.",
                    );
                }
                if others.len() >= SECRETS_MAX {
                    return refuse(
                        LimitExceededException,
                        "Client secrets cannot exceed limit of 2 secrets.",
                    );
                }
                if others.iter().any(|other| other.secret == secret) {
                    return refuse(InvalidParameterException, "The client has this secret already.");
                }
                // Its id tells its time, which no other has.
                let last = others.iter().map(|other| other.created.plus_ms(1)).max().unwrap_or(now);
                let row = new_secret(&client.id, &secret, now.max(last));
                tx.add_client_secret(&client.id, &row)?;
                let shown = ClientSecretDescriptorType {
                    client_secret_value: Some(Secret::new(secret.as_str())),
                    ..described(&row)
                };
                Ok(AddUserPoolClientSecretResponse { client_secret_descriptor: Some(shown) })
            })
            .await
    }

    /// Lists a client's secrets without their values. Two are never more than a page.
    pub async fn list_user_pool_client_secrets(
        &self,
        _: &Caller,
        request: ListUserPoolClientSecretsRequest,
    ) -> Answer<ListUserPoolClientSecretsResponse> {
        self.store
            .read(move |tx| {
                let client = find(tx, &request.user_pool_id, &request.client_id)?;
                if request.next_token.is_some() {
                    return refuse(InvalidParameterException, "Invalid pagination token.");
                }
                let secrets = tx.client_secrets(&client.id)?.iter().map(described).collect();
                Ok(ListUserPoolClientSecretsResponse { client_secrets: Some(secrets), next_token: None })
            })
            .await
    }

    /// Takes one of two secrets away; the last one stays.
    pub async fn delete_user_pool_client_secret(
        &self,
        _: &Caller,
        request: DeleteUserPoolClientSecretRequest,
    ) -> Answer<DeleteUserPoolClientSecretResponse> {
        self.store
            .write(move |tx| {
                tx.lock_pool(&request.user_pool_id)?;
                let client = find(tx, &request.user_pool_id, &request.client_id)?;
                let secrets = tx.client_secrets(&client.id)?;
                if !secrets.iter().any(|secret| secret.id == request.client_secret_id) {
                    return refuse(
                        ResourceNotFoundException,
                        format!("Client secret {} does not exist.", request.client_secret_id),
                    );
                }
                if secrets.len() == 1 {
                    return refuse(
                        InvalidParameterException,
                        "The last secret of a client cannot be deleted.",
                    );
                }
                tx.delete_client_secret(&client.id, &request.client_secret_id)?;
                Ok(DeleteUserPoolClientSecretResponse {})
            })
            .await
    }
}

fn described(secret: &ClientSecretRow) -> ClientSecretDescriptorType {
    ClientSecretDescriptorType {
        client_secret_id: Some(secret.id.clone()),
        client_secret_value: None,
        client_secret_create_date: Some(Moment(secret.created.ms())),
    }
}
