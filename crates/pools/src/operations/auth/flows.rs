//! Which flows a client and a door allow.

use crate::sign_in::At;
use postern_model::cognito_idp::errors::InvalidParameterException;
use postern_model::cognito_idp::{AuthFlowType, ExplicitAuthFlowsType};
use postern_model::{Answer, refuse};

/// Refuses a flow that the client does not allow, or that is not for this door.
pub fn require_flow(at: &At, flow: AuthFlowType, is_admin: bool) -> Answer<()> {
    use ExplicitAuthFlowsType as Flow;
    let allowed: &[Flow] = match flow {
        AuthFlowType::UserAuth => &[Flow::AllowUserAuth],
        AuthFlowType::UserPasswordAuth => &[Flow::AllowUserPasswordAuth, Flow::UserPasswordAuth],
        AuthFlowType::AdminNoSrpAuth | AuthFlowType::AdminUserPasswordAuth => {
            &[Flow::AllowAdminUserPasswordAuth, Flow::AdminNoSrpAuth]
        }
        AuthFlowType::RefreshToken | AuthFlowType::RefreshTokenAuth => &[
            Flow::AllowRefreshTokenAuth,
            Flow::AdminNoSrpAuth,
            Flow::CustomAuthFlowOnly,
            Flow::UserPasswordAuth,
        ],
        AuthFlowType::UserSrpAuth => &[Flow::AllowUserSrpAuth, Flow::AdminNoSrpAuth, Flow::UserPasswordAuth],
        AuthFlowType::CustomAuth => &[Flow::AllowCustomAuth, Flow::CustomAuthFlowOnly],
    };
    let for_admins = matches!(flow, AuthFlowType::AdminNoSrpAuth | AuthFlowType::AdminUserPasswordAuth);
    if for_admins && !is_admin {
        return refuse(InvalidParameterException, "Initiate Auth method not supported.");
    }
    if flow == AuthFlowType::UserPasswordAuth && is_admin {
        return refuse(InvalidParameterException, "Initiate Auth method not supported.");
    }
    if allowed.iter().any(|flow| at.client.allows(*flow)) {
        return Ok(());
    }
    if for_admins {
        return refuse(InvalidParameterException, "Auth flow not enabled for this client");
    }
    refuse(InvalidParameterException, format!("{flow} flow not enabled for this client"))
}
