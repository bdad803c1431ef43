//! Sending authorization policies: who else may send as an identity.

use std::collections::BTreeMap;

use postern_access::policy::{Kind, Policy, PolicyFault};
use postern_access::{Caller, Operations};
use postern_model::sesv2::{op, *};
use postern_model::{Answer, Error, refuse};
use postern_store::Tx;
use postern_store::mail::IdentityPolicyRow;
use serde_json::Value;

use super::bad_request;
use super::identities::must_find;
use crate::Mail;

const POLICIES_MAX: usize = 20;
const POLICY_BYTES_MAX: usize = 4096;
const NAME_MAX: usize = 64;
/// What a policy may allow.
const ACTIONS: [&str; 6] = [
    "ses:sendemail",
    "ses:sendrawemail",
    "ses:sendtemplatedemail",
    "ses:sendbulktemplatedemail",
    "ses:send*",
    "ses:*",
];

pub(super) fn operations() -> Operations<Mail> {
    Operations::new()
        .on(op::CreateEmailIdentityPolicy, Mail::create_email_identity_policy)
        .on(op::UpdateEmailIdentityPolicy, Mail::update_email_identity_policy)
        .on(op::DeleteEmailIdentityPolicy, Mail::delete_email_identity_policy)
        .on(op::GetEmailIdentityPolicies, Mail::get_email_identity_policies)
}

impl Mail {
    /// Adds a policy to an identity.
    pub async fn create_email_identity_policy(
        &self,
        _caller: &Caller,
        request: CreateEmailIdentityPolicyRequest,
    ) -> Answer<CreateEmailIdentityPolicyResponse> {
        let mail = self.clone();
        self.store
            .write(move |tx| {
                let name = &request.policy_name;
                let identity = must_find(tx, &request.email_identity)?.name;
                let policy = mail.policy_row(tx, &identity, name, &request.policy)?;
                let here = tx.identity_policies(&identity)?;
                if here.iter().any(|other| other.name == *name) {
                    return refuse(errors::AlreadyExistsException, format!("Policy <{name}> already exists"));
                }
                if here.len() >= POLICIES_MAX {
                    let words = format!(
                        "Number of policies for {identity} exceeds max allowed number of policies per resource"
                    );
                    return refuse(errors::LimitExceededException, words);
                }
                tx.add_identity_policy(&identity, &policy)?;
                Ok(CreateEmailIdentityPolicyResponse::default())
            })
            .await
    }

    /// Replaces a policy of an identity.
    pub async fn update_email_identity_policy(
        &self,
        _caller: &Caller,
        request: UpdateEmailIdentityPolicyRequest,
    ) -> Answer<UpdateEmailIdentityPolicyResponse> {
        let mail = self.clone();
        self.store
            .write(move |tx| {
                let name = &request.policy_name;
                let identity = must_find(tx, &request.email_identity)?.name;
                let policy = mail.policy_row(tx, &identity, name, &request.policy)?;
                if !tx.change_identity_policy(&identity, &policy)? {
                    return refuse(errors::NotFoundException, format!("Policy <{name}> does not exist"));
                }
                Ok(UpdateEmailIdentityPolicyResponse::default())
            })
            .await
    }

    /// Takes a policy away; one that is not there is no fault.
    pub async fn delete_email_identity_policy(
        &self,
        _caller: &Caller,
        request: DeleteEmailIdentityPolicyRequest,
    ) -> Answer<DeleteEmailIdentityPolicyResponse> {
        self.store
            .write(move |tx| {
                let identity = must_find(tx, &request.email_identity)?.name;
                tx.delete_identity_policy(&identity, &request.policy_name)?;
                Ok(DeleteEmailIdentityPolicyResponse::default())
            })
            .await
    }

    /// Shows an identity's policies.
    pub async fn get_email_identity_policies(
        &self,
        _caller: &Caller,
        request: GetEmailIdentityPoliciesRequest,
    ) -> Answer<GetEmailIdentityPoliciesResponse> {
        let mail = self.clone();
        self.store
            .read(move |tx| {
                let identity = must_find(tx, &request.email_identity)?.name;
                let policies = mail.shown_policies(tx, &identity)?;
                Ok(GetEmailIdentityPoliciesResponse { policies: Some(policies) })
            })
            .await
    }

    /// Checks a policy and notes whom it means today.
    fn policy_row(
        &self,
        tx: &mut Tx<'_>,
        identity: &str,
        name: &str,
        text: &str,
    ) -> Answer<IdentityPolicyRow> {
        let policy = accepted(name, text, &self.settings.identity_arn(identity))?;
        let parsed =
            Policy::parse(&policy, Kind::Resource).map_err(|_| bad_request("Unable to parse policy."))?;
        let ids = self.access.ids_of(tx, &parsed, true)?;
        let ids = ids.map_err(|_| bad_request("Policy contains an invalid principal"))?;
        Ok(IdentityPolicyRow { name: name.to_owned(), policy, ids })
    }

    /// An identity's policies as they are shown.
    pub(super) fn shown_policies(&self, tx: &mut Tx<'_>, identity: &str) -> Answer<BTreeMap<String, String>> {
        let mut shown = BTreeMap::new();
        for row in tx.identity_policies(identity)? {
            shown.insert(row.name, self.access.shown_bound(tx, &row.policy, &row.ids)?);
        }
        Ok(shown)
    }
}

/// Checks a policy and gives the form that is kept: without white space, accounts as root ARNs.
fn accepted(name: &str, text: &str, arn: &str) -> Answer<String> {
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(named) {
        let words = "PolicyName is invalid. Policy names must only include alpha-numeric characters, dashes, \
            and underscores.";
        return Err(bad_request(words));
    }
    let unreadable = || bad_request("Unable to parse policy.");
    if text.len() > POLICY_BYTES_MAX {
        return Err(bad_request("Policy exceeds the maximum size of 4096 bytes."));
    }
    let nobody = || bad_request("Policy contains an invalid principal");
    let policy = Policy::parse(text, Kind::Resource).map_err(|fault| match fault {
        PolicyFault::Principal { .. } => nobody(),
        _ => unreadable(),
    })?;
    if policy
        .principals()
        .any(|who| !who.federated.is_empty() || !who.aws.iter().all(|one| is_account_party(one)))
    {
        return Err(nobody());
    }
    if let Some(other) = policy.resources().find(|resource| *resource != arn) {
        return Err(bad_request(format!("Expected the resource to be '{arn}' but was '{other}'.")));
    }
    if policy.actions().any(|action| !ACTIONS.contains(&action.to_ascii_lowercase().as_str())) {
        return Err(unreadable());
    }
    let mut document: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
    let statements = match &mut document["Statement"] {
        Value::Array(list) => list.iter_mut().collect(),
        one => vec![one],
    };
    for statement in statements {
        for key in ["Principal", "NotPrincipal"] {
            match statement.get_mut(key).and_then(|who| who.get_mut("AWS")) {
                Some(Value::Array(parties)) => parties.iter_mut().for_each(as_arn),
                Some(party) => as_arn(party),
                None => {}
            }
        }
    }
    serde_json::to_string(&document).map_err(|cause| Error::Failed(cause.into()))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a principal is an account, or a user or role of one.
fn is_account_party(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", "aws", "iam" | "sts", "", account, name] => is_account(account) && !name.is_empty(),
        _ => is_account(text),
    }
}

fn as_arn(party: &mut Value) {
    if let Some(account) = party.as_str().filter(|text| is_account(text)) {
        *party = Value::String(format!("arn:aws:iam::{account}:root"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:ses:us-east-1:123456789012:identity/shop.example";

    fn policy(principal: &str, action: &str, resource: &str) -> String {
        format!(
            r#"{{ "Version": "2012-10-17", "Statement": [ {{ "Effect": "Allow", "Principal": {principal},
                "Action": "{action}", "Resource": "{resource}" }} ] }}"#
        )
    }

    fn words(answer: Answer<String>) -> String {
        match answer {
            Err(Error::Refused(refusal)) => refusal.message.into_owned(),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn a_policy_is_kept_without_white_space_and_with_arns() {
        let text = policy(r#"{"AWS": "123456789012"}"#, "ses:SendEmail", ARN);
        assert_eq!(
            accepted("main", &text, ARN).expect("a policy"),
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::123456789012:root"}},"Action":"ses:SendEmail","Resource":"{ARN}"}}]}}"#
            )
        );
        let service = policy(r#"{"Service": "email.cognito-idp.amazonaws.com"}"#, "ses:Send*", ARN);
        assert!(accepted("main", &service, ARN).is_ok());
    }

    #[test]
    fn what_is_no_policy_for_this_identity_is_refused() {
        let somebody = r#"{"AWS": "123456789012"}"#;
        assert_eq!(words(accepted("main", "{", ARN)), "Unable to parse policy.");
        assert_eq!(
            words(accepted("main", &policy(somebody, "s3:GetObject", ARN), ARN)),
            "Unable to parse policy."
        );
        assert_eq!(
            words(accepted("main", &policy(r#"{"AWS": "nobody"}"#, "ses:SendEmail", ARN), ARN)),
            "Policy contains an invalid principal"
        );
        assert_eq!(
            words(accepted("main", &policy(somebody, "ses:SendEmail", "arn:aws:ses:x"), ARN)),
            format!("Expected the resource to be '{ARN}' but was 'arn:aws:ses:x'.")
        );
        assert!(
            words(accepted("a b", &policy(somebody, "ses:SendEmail", ARN), ARN)).starts_with("PolicyName is")
        );
    }
}
