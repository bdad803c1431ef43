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
    /// A session of a role.
    Session { role_name: String, role_id: String, role_arn: String, session: String },
    /// One of our own services, such as `email.cognito-idp.amazonaws.com`, on behalf of a resource.
    Service { name: &'static str, source_arn: String },
}

/// One call's caller and the facts about the request that policies, limits and the audit need.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    pub account: String,
    pub region: String,
    /// The true peer (or what a trusted proxy said it is).
    pub source: Option<IpAddr>,
    pub user_agent: String,
    pub request_id: String,
}
