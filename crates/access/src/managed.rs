//! The managed policies that we ship: read-only, the same in every installation. Only the service-linked role's
//! is word for word the original; the broad ones are our own.

use crate::names::{POLICY_ID, tags};
use anyhow::Result;
use aws_lc_rs::digest;
use postern_store::{Timestamp, Tx};

/// A managed policy, shipped or of the account.
#[derive(Clone, Debug)]
pub(crate) struct Managed {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) document: String,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) created: Timestamp,
    pub(crate) shipped: bool,
}

impl Managed {
    /// Policies of services are for their own roles.
    pub(crate) fn is_for_services(&self) -> bool {
        self.shipped && self.path.starts_with("/aws-service-role/")
    }
}

/// Name, path, description, day of its making (ms), document.
struct Shipped(&'static str, &'static str, &'static str, i64, &'static str);

/// 2026-01-01
const OURS_MS: i64 = 1_767_225_600_000;
/// 2019-03-21
const EMAIL_ROLE_MS: i64 = 1_553_126_400_000;

pub(crate) const READ_ONLY_ACCESS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
pub(crate) const OPERATOR_ACCESS: &str = "arn:aws:iam::aws:policy/PosternOperatorAccess";
pub(crate) const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
pub(crate) const EMAIL_ROLE_POLICY: &str =
    "arn:aws:iam::aws:policy/aws-service-role/AmazonCognitoIdpEmailServiceRolePolicy";

macro_rules! allowing {
    ($($action:literal),+) => {
        concat!(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["#,
            allowing!(@list $($action),+),
            r#"],"Resource":"*"}]}"#
        )
    };
    (@list $first:literal $(, $rest:literal)*) => {
        concat!("\"", $first, "\"" $(, ",\"", $rest, "\"")*)
    };
}

const SHIPPED: &[Shipped] = &[
    Shipped("AdministratorAccess", "/", "Everything, on everything", OURS_MS, allowing!("*")),
    Shipped(
        "ReadOnlyAccess",
        "/",
        "Reading in all services",
        OURS_MS,
        allowing!(
            "cognito-idp:Describe*",
            "cognito-idp:Get*",
            "cognito-idp:List*",
            "cognito-idp:AdminGet*",
            "cognito-idp:AdminList*",
            "iam:Get*",
            "iam:List*",
            "iam:Simulate*",
            "ses:Get*",
            "ses:List*",
            "ses:Describe*",
            "sns:Get*",
            "sns:List*",
            "sns:Check*",
            "postern:Get*",
            "postern:List*",
            "postern:ChangeOwnSignIn"
        ),
    ),
    Shipped(
        "PosternOperatorAccess",
        "/",
        "Reading everything, looking after people in user pools, and sending mail; no settings and no keys",
        OURS_MS,
        allowing!(
            "cognito-idp:Describe*",
            "cognito-idp:Get*",
            "cognito-idp:List*",
            "cognito-idp:Admin*",
            "cognito-idp:CreateGroup",
            "cognito-idp:UpdateGroup",
            "cognito-idp:DeleteGroup",
            "cognito-idp:*UserImportJob",
            "iam:Get*",
            "iam:List*",
            "iam:Simulate*",
            "ses:Get*",
            "ses:List*",
            "ses:Describe*",
            "ses:SendEmail",
            "ses:SendRawEmail",
            "ses:*SuppressedDestination",
            "sns:Get*",
            "sns:List*",
            "sns:Check*",
            "sns:Publish",
            "postern:Get*",
            "postern:List*",
            "postern:ChangeOwnSignIn"
        ),
    ),
    Shipped(
        "AmazonCognitoPowerUser",
        "/",
        "Administering user pools",
        OURS_MS,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cognito-idp:*","iam:ListRoles","ses:GetEmailIdentity","ses:ListEmailIdentities"],"Resource":"*"},{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":"*","Condition":{"StringEquals":{"iam:AWSServiceName":["cognito-idp.amazonaws.com","email.cognito-idp.amazonaws.com"]}}},{"Effect":"Allow","Action":["iam:DeleteServiceLinkedRole","iam:GetServiceLinkedRoleDeletionStatus"],"Resource":["arn:aws:iam::*:role/aws-service-role/cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdp*","arn:aws:iam::*:role/aws-service-role/email.cognito-idp.amazonaws.com/AWSServiceRoleForAmazonCognitoIdpEmail*"]}]}"#,
    ),
    Shipped(
        "AmazonCognitoReadOnly",
        "/",
        "Reading user pools",
        OURS_MS,
        allowing!(
            "cognito-idp:Describe*",
            "cognito-idp:Get*",
            "cognito-idp:List*",
            "cognito-idp:AdminGet*",
            "cognito-idp:AdminList*",
            "iam:ListRoles"
        ),
    ),
    Shipped("AmazonSESFullAccess", "/", "Sending and administering mail", OURS_MS, allowing!("ses:*")),
    Shipped(
        "AmazonSESReadOnlyAccess",
        "/",
        "Reading mail settings",
        OURS_MS,
        allowing!("ses:Get*", "ses:List*", "ses:BatchGetMetricData"),
    ),
    Shipped("AmazonSNSFullAccess", "/", "Sending and administering SMS", OURS_MS, allowing!("sns:*")),
    Shipped(
        "AmazonSNSReadOnlyAccess",
        "/",
        "Reading SMS settings",
        OURS_MS,
        allowing!("sns:Get*", "sns:List*", "sns:Check*"),
    ),
    Shipped("IAMFullAccess", "/", "Administering users, roles and policies", OURS_MS, allowing!("iam:*")),
    Shipped(
        "IAMReadOnlyAccess",
        "/",
        "Reading users, roles and policies",
        OURS_MS,
        allowing!("iam:Get*", "iam:List*", "iam:Simulate*", "iam:GenerateCredentialReport"),
    ),
    Shipped(
        "AmazonCognitoIdpEmailServiceRolePolicy",
        "/aws-service-role/",
        "Allows Amazon Cognito User Pools service to use your SES identities for email sending",
        EMAIL_ROLE_MS,
        r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "ses:SendEmail",
                "ses:SendRawEmail"
            ],
            "Resource": "*"
        },
        {
            "Effect": "Deny",
            "Action": [
                "ses:List*"
            ],
            "Resource": "*"
        }
    ]
}"#,
    ),
];

impl Shipped {
    fn arn(&self) -> String {
        format!("arn:aws:iam::aws:policy{}{}", self.1, self.0)
    }

    fn shown(&self) -> Managed {
        Managed {
            arn: self.arn(),
            name: self.0.into(),
            id: steady_id(self.0),
            path: self.1.into(),
            description: Some(self.2.into()),
            document: self.4.into(),
            tags: Vec::new(),
            created: Timestamp::from_ms(self.3),
            shipped: true,
        }
    }
}

/// The same id in every installation: drawn from the name.
fn steady_id(name: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    let letters = hash.as_ref().iter().take(17).map(|byte| ALPHABET[usize::from(byte & 31)] as char);
    format!("{POLICY_ID}{}", letters.collect::<String>())
}

/// All shipped policies.
pub(crate) fn shipped() -> impl Iterator<Item = Managed> {
    SHIPPED.iter().map(Shipped::shown)
}

/// Finds a managed policy, shipped or of the account.
pub(crate) fn find(tx: &mut Tx<'_>, arn: &str) -> Result<Option<Managed>> {
    if let Some(shipped) = SHIPPED.iter().find(|shipped| shipped.arn() == arn) {
        return Ok(Some(shipped.shown()));
    }
    Ok(tx.find_iam_policy(arn)?.map(of_account))
}

/// Lists the account's own.
pub(crate) fn of_the_account(tx: &mut Tx<'_>) -> Result<Vec<Managed>> {
    Ok(tx.iam_policies()?.into_iter().map(of_account).collect())
}

fn of_account(row: postern_store::access::PolicyRow) -> Managed {
    Managed {
        arn: row.arn,
        name: row.name,
        id: row.id,
        path: row.path,
        description: row.description,
        document: row.document,
        tags: tags(&row.tags),
        created: row.created,
        shipped: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Kind, Policy};

    #[test]
    fn every_shipped_policy_is_a_policy() {
        for managed in shipped() {
            assert!(Policy::parse(&managed.document, Kind::Identity).is_ok(), "{}", managed.name);
            assert_eq!(managed.id.len(), 21);
        }
        assert!(shipped().any(|managed| managed.arn == EMAIL_ROLE_POLICY && managed.is_for_services()));
        assert!(shipped().any(|managed| managed.arn == ADMINISTRATOR_ACCESS && !managed.is_for_services()));
    }
}
