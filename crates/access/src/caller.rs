//! Who calls, from where: made once per request by the entrance, handed to every operation.

use std::net::IpAddr;

/// The party behind a call, once its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A public operation: nobody signed.
    Anonymous,
    /// The account itself (`arn:aws:iam::ACCOUNT:root`).
    Root,
    /// An IAM user, by its name.
    User { name: String, id: String, arn: String },
    /// A session of a role. `key_id` is its temporary key; a session we made for ourselves has none.
    Session { role_name: String, role_id: String, role_arn: String, session: String, key_id: Option<String> },
    /// One of our own services, such as `email.cognito-idp.amazonaws.com`, on behalf of a resource.
    Service { name: &'static str, source_arn: String },
}

impl Principal {
    /// The ARN that policies and denials name; a service's is its name.
    pub fn arn(&self, account: &str) -> String {
        match self {
            Principal::Anonymous => "anonymous".into(),
            Principal::Root => root_arn(account),
            Principal::User { arn, .. } => arn.clone(),
            Principal::Session { role_name, session, .. } => session_arn(account, role_name, session),
            Principal::Service { name, .. } => (*name).into(),
        }
    }

    /// `aws:userid`: unique, and never reused with a name.
    pub fn user_id(&self, account: &str) -> String {
        match self {
            Principal::Anonymous => "anonymous".into(),
            Principal::Root => account.into(),
            Principal::User { id, .. } => id.clone(),
            Principal::Session { role_id, session, .. } => format!("{role_id}:{session}"),
            Principal::Service { name, .. } => (*name).into(),
        }
    }
}

/// One call's caller and the facts about the request that policies, limits and the audit need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub principal: Principal,
    pub account: String,
    pub region: String,
    /// The true peer (or what a trusted proxy said it is).
    pub source: Option<IpAddr>,
    /// It came encrypted, or never left this server.
    pub is_secure: bool,
    pub user_agent: String,
    pub request_id: String,
}

impl Caller {
    pub fn arn(&self) -> String {
        self.principal.arn(&self.account)
    }

    /// The same request, made by somebody else on the caller's behalf.
    pub fn acting_as(&self, principal: Principal) -> Caller {
        Caller { principal, ..self.clone() }
    }
}

pub fn root_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

pub fn session_arn(account: &str, role_name: &str, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role_name}/{session}")
}
