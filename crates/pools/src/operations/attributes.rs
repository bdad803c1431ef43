//! A user's own attributes: changed, removed, verified by code.

use crate::Pools;
use crate::attributes;
use crate::operations::tokens::Bearer;
use crate::outgoing::too_many;
use crate::sign_in::{At, Says};
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::{
    DeleteUserAttributesRequest, DeleteUserAttributesResponse, GetUserAttributeVerificationCodeRequest,
    GetUserAttributeVerificationCodeResponse, UpdateUserAttributesRequest, UpdateUserAttributesResponse,
    VerifyUserAttributeRequest, VerifyUserAttributeResponse, op,
};
use postern_model::{Answer, Error, Secret};
use postern_store::Tx;

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::UpdateUserAttributes, Pools::update_user_attributes)
        .on(op::DeleteUserAttributes, Pools::delete_user_attributes)
        .on(op::GetUserAttributeVerificationCode, Pools::get_user_attribute_verification_code)
        .on(op::VerifyUserAttribute, Pools::verify_user_attribute)
}

impl Pools {
    pub async fn update_user_attributes(
        &self,
        caller: &Caller,
        request: UpdateUserAttributesRequest,
    ) -> Answer<UpdateUserAttributesResponse> {
        let asked = attributes::changes(&request.user_attributes)?;
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let sent = self
            .sign_in_unit(caller, move |tx| {
                let (at, bearer) = pools.bearer_at(tx, &caller_of_unit, &request.access_token)?;
                let at = At { says: Says::metadata(request.client_metadata.clone()), ..at };
                pools.change_own_attributes(tx, &at, &bearer, &asked)
            })
            .await
            .map_err(too_many)?;
        Ok(UpdateUserAttributesResponse { code_delivery_details_list: Some(sent) })
    }

    pub async fn delete_user_attributes(
        &self,
        caller: &Caller,
        request: DeleteUserAttributesRequest,
    ) -> Answer<DeleteUserAttributesResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        self.sign_in_unit(caller, move |tx| {
            let (at, bearer) = pools.bearer_at(tx, &caller_of_unit, &request.access_token)?;
            pools.remove_own_attributes(tx, &at, &bearer, &request.user_attribute_names)
        })
        .await?;
        Ok(DeleteUserAttributesResponse {})
    }

    pub async fn get_user_attribute_verification_code(
        &self,
        caller: &Caller,
        request: GetUserAttributeVerificationCodeRequest,
    ) -> Answer<GetUserAttributeVerificationCodeResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let sent = self
            .sign_in_unit(caller, move |tx| {
                let (at, bearer) = pools.bearer_at(tx, &caller_of_unit, &request.access_token)?;
                let at = At { says: Says::metadata(request.client_metadata.clone()), ..at };
                pools.send_own_verification(tx, &at, &bearer, &request.attribute_name)
            })
            .await?;
        Ok(GetUserAttributeVerificationCodeResponse { code_delivery_details: Some(sent) })
    }

    pub async fn verify_user_attribute(
        &self,
        caller: &Caller,
        request: VerifyUserAttributeRequest,
    ) -> Answer<VerifyUserAttributeResponse> {
        let (pools, caller_of_unit) = (self.clone(), caller.clone());
        let judged: Result<(), Error> = self
            .sign_in_unit(caller, move |tx| {
                let (at, bearer) = pools.bearer_at(tx, &caller_of_unit, &request.access_token)?;
                pools.verify_own_attribute(tx, &at, &bearer, &request.attribute_name, request.code.reveal())
            })
            .await?;
        judged.map(|()| VerifyUserAttributeResponse {})
    }

    /// Whoever an access token stands for, and where they are.
    pub(crate) fn bearer_at(&self, tx: &mut Tx<'_>, caller: &Caller, token: &Secret) -> Answer<(At, Bearer)> {
        let bearer = self.bearer(tx, token.reveal())?;
        let at = self.at_bearer(&bearer, caller);
        Ok((at, bearer))
    }
}
