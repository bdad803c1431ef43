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
    /// Sets the MFA mode and its blocks, with them the words of the messages that bring a sign-in code, and the role by
    /// which the pool texts.
    pub async fn set_user_pool_mfa_config(
        &self,
        caller: &Caller,
        request: SetUserPoolMfaConfigRequest,
    ) -> Answer<SetUserPoolMfaConfigResponse> {
        let (pools, caller, now) = (self.clone(), caller.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                let mut stored = StoredPool::find_to_change(tx, &request.user_pool_id)?;
                let mut asked = settings::asked(&request)?;
                if let Some(role) = mfa::take_text_role(&mut asked)? {
                    pools.accept_text_role(tx, &caller, &request.user_pool_id, Some(&role))?;
                    stored.config.sms_configuration = Some(role);
                }
                stored.mfa = mfa::changed(stored.mfa, &stored.config, asked)?;
                let response = settings::asked(&mfa::shown(stored.mfa.clone(), &stored.config))?;
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
        self.store
            .read(move |tx| {
                let stored = StoredPool::find(tx, &request.user_pool_id)?;
                Ok(mfa::shown(stored.mfa, &stored.config))
            })
            .await
    }
}
