//! Replicas of a pool in other regions: there are none.

use crate::Pools;
use crate::operations::pools::StoredPool;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::cognito_idp::*;
use postern_model::{Answer, refuse};

pub fn operations() -> Operations<Pools> {
    Operations::new().on(op::ListUserPoolReplicas, Pools::list_user_pool_replicas)
}

impl Pools {
    /// In which other regions a pool is: in none. So no page follows another.
    pub async fn list_user_pool_replicas(
        &self,
        _: &Caller,
        request: ListUserPoolReplicasRequest,
    ) -> Answer<ListUserPoolReplicasResponse> {
        self.store
            .read(move |tx| {
                StoredPool::find(tx, &request.user_pool_id)?;
                if request.next_token.is_some() {
                    return refuse(InvalidParameterException, "Invalid pagination token.");
                }
                Ok(ListUserPoolReplicasResponse { user_pool_replicas: Some(Vec::new()), next_token: None })
            })
            .await
    }
}
