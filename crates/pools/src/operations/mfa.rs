//! A pool's MFA configuration: set and shown.

use crate::Pools;
use crate::operations::pools::StoredPool;
use crate::settings::{self, mfa};
use postern_access::{Caller, Operations};
use postern_model::Answer;
use postern_model::cognito_idp::{
    GetUserPoolMfaConfigRequest, GetUserPoolMfaConfigResponse, SetUserPoolMfaConfigRequest,
    SetUserPoolMfaConfigResponse, op,
};

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::SetUserPoolMfaConfig, Pools::set_user_pool_mfa_config)
        .on(op::GetUserPoolMfaConfig, Pools::get_user_pool_mfa_config)
}

impl Pools {
    /// Sets the MFA mode and its blocks, and with them the words of the mail that brings a sign-in code.
    pub async fn set_user_pool_mfa_config(
        &self,
        _: &Caller,
        request: SetUserPoolMfaConfigRequest,
    ) -> Answer<SetUserPoolMfaConfigResponse> {
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let mut stored = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                stored.mfa = mfa::changed(stored.mfa, &stored.config, settings::asked(&request)?)?;
                let response = settings::asked(&stored.mfa)?;
                stored.save(tx, now)?;
                Ok(response)
            })
            .await
    }

    /// Shows the MFA mode and the blocks that are configured.
    pub async fn get_user_pool_mfa_config(
        &self,
        _: &Caller,
        request: GetUserPoolMfaConfigRequest,
    ) -> Answer<GetUserPoolMfaConfigResponse> {
        self.store.read(move |tx| Ok(StoredPool::find(tx, &request.user_pool_id)?.mfa)).await
    }
}
