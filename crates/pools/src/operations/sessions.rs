//! Where somebody is signed in: listed and ended one by one, by themselves or by an administrator.

use crate::Pools;
use crate::operations::clients::find as find_client;
use crate::operations::tokens::Bearer;
use crate::pool::Pool;
use crate::sessions::{not_linked, session_id, sign_in_shown_as, tracked};
use crate::user::User;
use postern_access::{Caller, Operations};
use postern_model::cognito_idp::errors::*;
use postern_model::cognito_idp::{
    AdminListUserSessionsRequest, AdminListUserSessionsResponse, AdminRevokeUserSessionRequest,
    AdminRevokeUserSessionResponse, ClientSSOSessionConfigType, GetUserPoolClientSessionConfigurationRequest,
    GetUserPoolClientSessionConfigurationResponse, GetUserPoolSessionConfigurationRequest,
    GetUserPoolSessionConfigurationResponse, ListUserSessionsRequest, ListUserSessionsResponse,
    RevokeUserSessionRequest, RevokeUserSessionResponse, SessionDescriptionType, SessionTypeType,
    SetUserPoolClientSessionConfigurationRequest, SetUserPoolClientSessionConfigurationResponse,
    SetUserPoolSessionConfigurationRequest, SetUserPoolSessionConfigurationResponse,
    UserPoolTokenSessionConfigType, UserSessionTrackingType, op,
};
use postern_model::shape::Timestamp as Moment;
use postern_model::{Answer, refuse};
use postern_store::Tx;
use postern_store::token_sessions::{TokenSessionRow, Tracking};

pub fn operations() -> Operations<Pools> {
    Operations::new()
        .on(op::GetUserPoolSessionConfiguration, Pools::get_user_pool_session_configuration)
        .on(op::SetUserPoolSessionConfiguration, Pools::set_user_pool_session_configuration)
        .on(op::GetUserPoolClientSessionConfiguration, Pools::get_user_pool_client_session_configuration)
        .on(op::SetUserPoolClientSessionConfiguration, Pools::set_user_pool_client_session_configuration)
        .on(op::ListUserSessions, Pools::list_user_sessions)
        .on(op::AdminListUserSessions, Pools::admin_list_user_sessions)
        .on(op::RevokeUserSession, Pools::revoke_user_session)
        .on(op::AdminRevokeUserSession, Pools::admin_revoke_user_session)
}

impl Pools {
    pub async fn get_user_pool_session_configuration(
        &self,
        _: &Caller,
        request: GetUserPoolSessionConfigurationRequest,
    ) -> Answer<GetUserPoolSessionConfigurationResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let tracking = tx.session_tracking(&pool.id)?;
                Ok(GetUserPoolSessionConfigurationResponse {
                    user_pool_id: Some(pool.id.clone()),
                    user_session_tracking: tracking.map(|tracking| match tracking.enabled {
                        true => UserSessionTrackingType::Enabled,
                        false => UserSessionTrackingType::Disabled,
                    }),
                    token_session: tracking.map(|tracking| UserPoolTokenSessionConfigType {
                        max_per_user: tracking.max_per_user,
                    }),
                })
            })
            .await
    }

    /// Has a pool track sign-ins, or no longer. Those before are not known.
    pub async fn set_user_pool_session_configuration(
        &self,
        _: &Caller,
        request: SetUserPoolSessionConfigurationRequest,
    ) -> Answer<SetUserPoolSessionConfigurationResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let pool = pools.pool_in(tx, &request.user_pool_id)?;
                let tracking = Tracking {
                    enabled: request.user_session_tracking == UserSessionTrackingType::Enabled,
                    max_per_user: request.token_session.max_per_user,
                };
                tx.set_session_tracking(&pool.id, tracking)?;
                Ok(SetUserPoolSessionConfigurationResponse {
                    user_pool_id: Some(pool.id.clone()),
                    user_session_tracking: Some(request.user_session_tracking),
                    token_session: Some(request.token_session.clone()),
                })
            })
            .await
    }

    pub async fn get_user_pool_client_session_configuration(
        &self,
        _: &Caller,
        request: GetUserPoolClientSessionConfigurationRequest,
    ) -> Answer<GetUserPoolClientSessionConfigurationResponse> {
        self.store
            .read(move |tx| {
                let client = find_client(tx, &request.user_pool_id, &request.client_id)?;
                let minutes = tx.sso_minutes(&client.id)?;
                Ok(GetUserPoolClientSessionConfigurationResponse {
                    user_pool_id: Some(client.pool_id),
                    client_id: Some(client.id),
                    sso_session: minutes
                        .map(|minutes| ClientSSOSessionConfigType { max_validity_minutes: minutes }),
                })
            })
            .await
    }

    /// Sets for how long browsers that sign in by a client stay signed in; those that are stay as they are.
    pub async fn set_user_pool_client_session_configuration(
        &self,
        _: &Caller,
        request: SetUserPoolClientSessionConfigurationRequest,
    ) -> Answer<SetUserPoolClientSessionConfigurationResponse> {
        self.store
            .write(move |tx| {
                let client = find_client(tx, &request.user_pool_id, &request.client_id)?;
                tx.set_sso_minutes(&client.id, request.sso_session.max_validity_minutes)?;
                Ok(SetUserPoolClientSessionConfigurationResponse {
                    user_pool_id: Some(client.pool_id),
                    client_id: Some(client.id),
                    sso_session: Some(request.sso_session.clone()),
                })
            })
            .await
    }

    pub async fn list_user_sessions(
        &self,
        _: &Caller,
        request: ListUserSessionsRequest,
    ) -> Answer<ListUserSessionsResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal())?;
                let Bearer { pool, user, claims, .. } = &bearer;
                let sessions =
                    pools.sessions(tx, pool, user, claims.sign_in.as_ref(), request.next_token.as_deref())?;
                Ok(ListUserSessionsResponse { sessions: Some(sessions), next_token: None })
            })
            .await
    }

    pub async fn admin_list_user_sessions(
        &self,
        _: &Caller,
        request: AdminListUserSessionsRequest,
    ) -> Answer<AdminListUserSessionsResponse> {
        let pools = self.clone();
        self.store
            .read(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                let sessions = pools.sessions(tx, &pool, &user, None, request.next_token.as_deref())?;
                Ok(AdminListUserSessionsResponse { sessions: Some(sessions), next_token: None })
            })
            .await
    }

    pub async fn revoke_user_session(
        &self,
        caller: &Caller,
        request: RevokeUserSessionRequest,
    ) -> Answer<RevokeUserSessionResponse> {
        let (pools, caller) = (self.clone(), caller.clone());
        self.store
            .write(move |tx| {
                let bearer = pools.bearer(tx, request.access_token.reveal())?;
                not_linked(request.revoke_associated_sessions)?;
                pools.end_session(tx, &bearer.pool, &bearer.user, &request.session_id)?;
                pools.audit_own(tx, &caller, &bearer, "RevokeUserSession", "revoked")?;
                Ok(RevokeUserSessionResponse {})
            })
            .await
    }

    pub async fn admin_revoke_user_session(
        &self,
        _: &Caller,
        request: AdminRevokeUserSessionRequest,
    ) -> Answer<AdminRevokeUserSessionResponse> {
        let pools = self.clone();
        self.store
            .write(move |tx| {
                let (pool, user) = pools.user_of_pool(tx, &request.user_pool_id, &request.username)?;
                not_linked(request.revoke_associated_sessions)?;
                pools.end_session(tx, &pool, &user, &request.session_id)?;
                Ok(AdminRevokeUserSessionResponse {})
            })
            .await
    }

    /// The sign-ins of a user, the newest first; all fit on one page.
    fn sessions(
        &self,
        tx: &mut Tx<'_>,
        pool: &Pool,
        user: &User,
        current: Option<&[u8; 16]>,
        next_token: Option<&str>,
    ) -> Answer<Vec<SessionDescriptionType>> {
        require_tracking(pool)?;
        if next_token.is_some() {
            return refuse(InvalidParameterException, "Invalid pagination token.");
        }
        let rows = tracked(tx, pool, user, self.clock.now())?;
        Ok(rows.into_iter().map(|row| shown(row, current)).collect())
    }

    /// Ends one sign-in of a user: its refresh token is dead and its access tokens are refused here.
    fn end_session(&self, tx: &mut Tx<'_>, pool: &Pool, user: &User, id: &str) -> Answer<()> {
        require_tracking(pool)?;
        let rows = tracked(tx, pool, user, self.clock.now())?;
        let sign_in = sign_in_shown_as(id).filter(|id| rows.iter().any(|row| row.sign_in_id == id[..]));
        match sign_in {
            Some(sign_in) => {
                tx.revoke_sign_in(&sign_in)?;
                Ok(())
            }
            None => refuse(ResourceNotFoundException, "Session does not exist."),
        }
    }
}

fn require_tracking(pool: &Pool) -> Answer<()> {
    match pool.tracked_sessions {
        Some(_) => Ok(()),
        None => {
            refuse(OperationNotEnabledException, "User session tracking is not enabled for the user pool.")
        }
    }
}

fn shown(row: TokenSessionRow, current: Option<&[u8; 16]>) -> SessionDescriptionType {
    SessionDescriptionType {
        session_id: Some(session_id(&row.sign_in_id)),
        session_type: Some(SessionTypeType::Token),
        client_id: Some(row.client_id),
        create_date: Some(Moment(row.created.ms())),
        last_active_date: Some(Moment(row.used.ms())),
        device_type: Some(row.device).filter(|device| !device.is_empty()),
        last_ip_address: Some(row.source).filter(|source| !source.is_empty()),
        last_location: None,
        origin_session_id: None,
        is_current_session: current.map(|current| row.sign_in_id == current[..]),
    }
}
