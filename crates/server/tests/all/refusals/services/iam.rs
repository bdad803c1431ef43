//! IAM and STS: users, keys, roles and policies, and sessions of roles.

use super::account::{EMAIL_POLICY, EMAIL_ROLE, policy_of, trusting};
use super::{Call, Refusal};
use serde_json::{Value, json};

const MISSING: &str = "NoSuchEntityException";
const INVALID: &str = "InvalidInputException";
const LIMIT: &str = "LimitExceededException";
const EXISTS: &str = "EntityAlreadyExistsException";
const MALFORMED: &str = "MalformedPolicyDocumentException";
const CONFLICT: &str = "DeleteConflictException";
const PROTECTED: &str = "UnmodifiableEntityException";

const NO_JSON: &str = "This policy contains invalid Json";
const TWICE: &str = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
const SERVICES_OWN: &str = "Cannot perform the operation on the protected role \
     'AWSServiceRoleForAmazonCognitoIdpEmailService' - this role is only modifiable by AWS";
const NOTHING: &str = "arn:aws:iam::123456789012:policy/nothing";
const NOT_ATTACHABLE: &str =
    "Policy arn:aws:iam::123456789012:policy/nothing does not exist or is not attachable.";
const NO_BOUNDARY: &str =
    "Scope ARN: arn:aws:iam::123456789012:policy/nothing does not exist or is not attachable.";
const SERVICE: &str = "email.cognito-idp.amazonaws.com";
const TASK: &str =
    "task/aws-service-role/email.cognito-idp.amazonaws.com/x/00000000-0000-4000-8000-000000000000";

fn same_twice() -> Value {
    json!([{ "Key": "team", "Value": "blue" }, { "Key": "Team", "Value": "red" }])
}

fn inline(owner: &str, name: &str, document: String) -> Value {
    json!({ owner: name, "PolicyName": "large", "PolicyDocument": document })
}

fn role(name: &str, trust: String) -> Value {
    json!({ "RoleName": name, "AssumeRolePolicyDocument": trust })
}

pub const CALLS: &[Call] = &[
    ("CreateUser", |_| json!({ "UserName": "more", "Tags": [{ "Key": "team", "Value": "blue" }] })),
    ("GetUser", |_| json!({ "UserName": "more" })),
    ("ListUsers", |_| json!({})),
    ("CreateAccessKey", |_| json!({ "UserName": "more" })),
    ("ListAccessKeys", |_| json!({ "UserName": "ann" })),
    (
        "UpdateAccessKey",
        |account| json!({ "UserName": "ann", "AccessKeyId": &account["doomed_key"], "Status": "Inactive" }),
    ),
    ("DeleteAccessKey", |account| json!({ "UserName": "ann", "AccessKeyId": &account["doomed_key"] })),
    ("PutUserPolicy", |_| inline("UserName", "bare", policy_of(200))),
    ("GetUserPolicy", |_| json!({ "UserName": "bare", "PolicyName": "large" })),
    ("ListUserPolicies", |_| json!({ "UserName": "bare" })),
    ("DeleteUserPolicy", |_| json!({ "UserName": "bare", "PolicyName": "large" })),
    ("AttachUserPolicy", |account| json!({ "UserName": "bare", "PolicyArn": &account["policy"] })),
    ("ListAttachedUserPolicies", |_| json!({ "UserName": "bare" })),
    ("DetachUserPolicy", |account| json!({ "UserName": "bare", "PolicyArn": &account["policy"] })),
    ("DeleteUser", |_| json!({ "UserName": "doomed" })),
    ("CreateRole", |_| role("more", trusting("*", "nobody"))),
    ("GetRole", |_| json!({ "RoleName": "more" })),
    ("ListRoles", |_| json!({})),
    (
        "UpdateAssumeRolePolicy",
        |_| json!({ "RoleName": "bare", "PolicyDocument": trusting("*", "somebody") }),
    ),
    ("ListInstanceProfilesForRole", |_| json!({ "RoleName": "bare" })),
    ("PutRolePolicy", |_| inline("RoleName", "bare", policy_of(200))),
    ("GetRolePolicy", |_| json!({ "RoleName": "bare", "PolicyName": "large" })),
    ("ListRolePolicies", |_| json!({ "RoleName": "bare" })),
    ("DeleteRolePolicy", |_| json!({ "RoleName": "bare", "PolicyName": "large" })),
    ("AttachRolePolicy", |account| json!({ "RoleName": "bare", "PolicyArn": &account["policy"] })),
    ("ListAttachedRolePolicies", |_| json!({ "RoleName": "bare" })),
    ("DetachRolePolicy", |account| json!({ "RoleName": "bare", "PolicyArn": &account["policy"] })),
    ("DeleteRole", |_| json!({ "RoleName": "doomed" })),
    ("CreatePolicy", |_| json!({ "PolicyName": "more", "PolicyDocument": policy_of(200) })),
    ("GetPolicy", |account| json!({ "PolicyArn": &account["policy"] })),
    ("GetPolicyVersion", |account| json!({ "PolicyArn": &account["policy"], "VersionId": "v1" })),
    ("ListPolicies", |_| json!({})),
    ("ListPolicyVersions", |account| json!({ "PolicyArn": &account["policy"] })),
    ("DeletePolicy", |account| json!({ "PolicyArn": &account["doomed_policy"] })),
    (
        "SimulatePrincipalPolicy",
        |_| json!({ "PolicySourceArn": "arn:aws:iam::123456789012:user/ann", "ActionNames": ["s3:GetObject"] }),
    ),
    ("DeleteServiceLinkedRole", |_| json!({ "RoleName": EMAIL_ROLE })),
    ("CreateServiceLinkedRole", |_| json!({ "AWSServiceName": SERVICE })),
    ("GetServiceLinkedRoleDeletionStatus", |account| json!({ "DeletionTaskId": &account["task"] })),
];

pub const REFUSALS: &[Refusal] = &[
    // Users and their keys.
    ("CreateUser", EXISTS, "User with name ann already exists.", |_| json!({ "UserName": "ann" })),
    ("CreateUser", INVALID, TWICE, |_| json!({ "UserName": "x", "Tags": same_twice() })),
    ("CreateUser", MISSING, NO_BOUNDARY, |_| json!({ "UserName": "x", "PermissionsBoundary": NOTHING })),
    (
        "DeleteUser",
        CONFLICT,
        "Cannot delete entity, must delete access keys first.",
        |_| json!({ "UserName": "ann" }),
    ),
    (
        "CreateAccessKey",
        LIMIT,
        "Cannot exceed quota for AccessKeysPerUser: 2",
        |_| json!({ "UserName": "full" }),
    ),
    (
        "UpdateAccessKey",
        INVALID,
        "A key is set to Active or Inactive.",
        |account| json!({ "UserName": "ann", "AccessKeyId": &account["key"], "Status": "Expired" }),
    ),
    (
        "UpdateAccessKey",
        MISSING,
        "The Access Key with id $key cannot be found.",
        |account| json!({ "UserName": "bare", "AccessKeyId": &account["key"], "Status": "Inactive" }),
    ),
    (
        "DeleteAccessKey",
        MISSING,
        "The Access Key with id $key cannot be found.",
        |account| json!({ "UserName": "bare", "AccessKeyId": &account["key"] }),
    ),
    // Inline policies.
    ("PutUserPolicy", LIMIT, "Maximum policy size of 2048 bytes exceeded for user bare", |_| {
        inline("UserName", "bare", policy_of(2049))
    }),
    ("PutUserPolicy", MALFORMED, NO_JSON, |_| inline("UserName", "bare", "{".into())),
    (
        "GetUserPolicy",
        MISSING,
        "The user policy with name nothing cannot be found.",
        |_| json!({ "UserName": "bare", "PolicyName": "nothing" }),
    ),
    (
        "DeleteUserPolicy",
        MISSING,
        "The user policy with name nothing cannot be found.",
        |_| json!({ "UserName": "bare", "PolicyName": "nothing" }),
    ),
    ("PutRolePolicy", LIMIT, "Maximum policy size of 10240 bytes exceeded for role full", |_| {
        inline("RoleName", "full", policy_of(10_100))
    }),
    ("PutRolePolicy", MALFORMED, NO_JSON, |_| inline("RoleName", "bare", "{".into())),
    ("PutRolePolicy", PROTECTED, SERVICES_OWN, |_| inline("RoleName", EMAIL_ROLE, policy_of(200))),
    (
        "GetRolePolicy",
        MISSING,
        "The role policy with name nothing cannot be found.",
        |_| json!({ "RoleName": "bare", "PolicyName": "nothing" }),
    ),
    (
        "DeleteRolePolicy",
        PROTECTED,
        SERVICES_OWN,
        |_| json!({ "RoleName": EMAIL_ROLE, "PolicyName": "nothing" }),
    ),
    // Attached policies.
    (
        "AttachUserPolicy",
        LIMIT,
        "Cannot exceed quota for PoliciesPerUser: 10",
        |account| json!({ "UserName": "full", "PolicyArn": &account["policy"] }),
    ),
    ("AttachUserPolicy", MISSING, NOT_ATTACHABLE, |_| json!({ "UserName": "bare", "PolicyArn": NOTHING })),
    (
        "AttachUserPolicy",
        "PolicyNotAttachableException",
        "Cannot attach a Service Role Policy to a User.",
        |_| json!({ "UserName": "bare", "PolicyArn": EMAIL_POLICY }),
    ),
    (
        "AttachRolePolicy",
        LIMIT,
        "Cannot exceed quota for PoliciesPerRole: 10",
        |account| json!({ "RoleName": "full", "PolicyArn": &account["policy"] }),
    ),
    ("AttachRolePolicy", MISSING, NOT_ATTACHABLE, |_| json!({ "RoleName": "bare", "PolicyArn": NOTHING })),
    (
        "AttachRolePolicy",
        "PolicyNotAttachableException",
        "Cannot attach a Service Role Policy to a Customer Role.",
        |_| json!({ "RoleName": "bare", "PolicyArn": EMAIL_POLICY }),
    ),
    (
        "AttachRolePolicy",
        PROTECTED,
        SERVICES_OWN,
        |account| json!({ "RoleName": EMAIL_ROLE, "PolicyArn": &account["policy"] }),
    ),
    (
        "DetachUserPolicy",
        MISSING,
        "Policy $policy was not found.",
        |account| json!({ "UserName": "full", "PolicyArn": &account["policy"] }),
    ),
    (
        "DetachRolePolicy",
        PROTECTED,
        SERVICES_OWN,
        |_| json!({ "RoleName": EMAIL_ROLE, "PolicyArn": EMAIL_POLICY }),
    ),
    // Roles.
    ("CreateRole", EXISTS, "Role with name bare already exists.", |_| role("bare", trusting("*", "nobody"))),
    ("CreateRole", LIMIT, "Cannot exceed quota for ACLSizePerRole: 2048", |_| {
        role("x", trusting("*", &"x".repeat(2048)))
    }),
    (
        "CreateRole",
        MALFORMED,
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:user/nobody\"",
        |_| role("x", trusting("arn:aws:iam::123456789012:user/nobody", "nobody")),
    ),
    ("CreateRole", INVALID, NO_BOUNDARY, |_| {
        let mut input = role("x", trusting("*", "nobody"));
        input["PermissionsBoundary"] = NOTHING.into();
        input
    }),
    ("CreateRole", INVALID, TWICE, |_| {
        let mut input = role("x", trusting("*", "nobody"));
        input["Tags"] = same_twice();
        input
    }),
    (
        "UpdateAssumeRolePolicy",
        LIMIT,
        "Cannot exceed quota for ACLSizePerRole: 2048",
        |_| json!({ "RoleName": "bare", "PolicyDocument": trusting("*", &"x".repeat(2048)) }),
    ),
    (
        "UpdateAssumeRolePolicy",
        MALFORMED,
        "AssumeRole policy may only specify STS AssumeRole actions.",
        |_| json!({ "RoleName": "bare", "PolicyDocument": policy_of(200) }),
    ),
    (
        "UpdateAssumeRolePolicy",
        PROTECTED,
        SERVICES_OWN,
        |_| json!({ "RoleName": EMAIL_ROLE, "PolicyDocument": trusting("*", "nobody") }),
    ),
    (
        "DeleteRole",
        CONFLICT,
        "Cannot delete entity, must detach all policies first.",
        |_| json!({ "RoleName": "full" }),
    ),
    ("DeleteRole", PROTECTED, SERVICES_OWN, |_| json!({ "RoleName": EMAIL_ROLE })),
    // Managed policies.
    (
        "CreatePolicy",
        EXISTS,
        "A policy called p0 already exists. Duplicate names are not allowed.",
        |_| json!({ "PolicyName": "p0", "PolicyDocument": policy_of(200) }),
    ),
    (
        "CreatePolicy",
        LIMIT,
        "Cannot exceed quota for PolicySize: 6144",
        |_| json!({ "PolicyName": "x", "PolicyDocument": policy_of(6145) }),
    ),
    ("CreatePolicy", MALFORMED, NO_JSON, |_| json!({ "PolicyName": "x", "PolicyDocument": "{" })),
    (
        "CreatePolicy",
        INVALID,
        TWICE,
        |_| json!({ "PolicyName": "x", "PolicyDocument": policy_of(200), "Tags": same_twice() }),
    ),
    (
        "GetPolicyVersion",
        MISSING,
        "Policy $policy version v2 does not exist or is not attachable.",
        |account| json!({ "PolicyArn": &account["policy"], "VersionId": "v2" }),
    ),
    (
        "DeletePolicy",
        CONFLICT,
        "Cannot delete a policy attached to entities.",
        |account| json!({ "PolicyArn": &account["attached"] }),
    ),
    (
        "SimulatePrincipalPolicy",
        MISSING,
        "The user with name nobody cannot be found.",
        |_| json!({ "PolicySourceArn": "arn:aws:iam::123456789012:user/nobody", "ActionNames": ["s3:GetObject"] }),
    ),
    (
        "SimulatePrincipalPolicy",
        INVALID,
        "Invalid ARN:  Could not be parsed!",
        |_| json!({ "PolicySourceArn": "arn:aws:s3:::bucket/of/somebody", "ActionNames": ["s3:GetObject"] }),
    ),
    // The role of a service.
    (
        "CreateServiceLinkedRole",
        INVALID,
        "Service role name AWSServiceRoleForAmazonCognitoIdpEmailService has been taken in this account, please try a different suffix.",
        |_| json!({ "AWSServiceName": SERVICE }),
    ),
    (
        "DeleteServiceLinkedRole",
        MISSING,
        "There is no service-linked role with name bare.",
        |_| json!({ "RoleName": "bare" }),
    ),
    (
        "GetServiceLinkedRoleDeletionStatus",
        MISSING,
        "Cannot find deletion status for given id.",
        |_| json!({ "DeletionTaskId": TASK }),
    ),
    (
        "GetServiceLinkedRoleDeletionStatus",
        INVALID,
        "Invalid task id",
        |_| json!({ "DeletionTaskId": "task/somewhere" }),
    ),
];

pub const SESSIONS: &[Call] = &[
    ("GetCallerIdentity", |_| json!({})),
    ("AssumeRole", |account| json!({ "RoleArn": &account["worker"], "RoleSessionName": "work" })),
];

pub const SESSION_REFUSALS: &[Refusal] = &[
    (
        "AssumeRole",
        MALFORMED,
        NO_JSON,
        |account| json!({ "RoleArn": &account["worker"], "RoleSessionName": "work", "Policy": "{" }),
    ),
    (
        "AssumeRole",
        "PackedPolicyTooLargeException",
        "Session policies may have 2048 characters.",
        |account| {
            json!({
                "RoleArn": &account["worker"], "RoleSessionName": "work", "Policy": policy_of(2049),
            })
        },
    ),
];
