//! Refusals about pools and what belongs to them: domains, resource servers, groups, imports, tags.

use super::Refusal;
use super::world::{ALICE, ROLE};
use crate::identity_providers::{at_corp, corp, here};
use serde_json::json;

const INVALID: &str = "InvalidParameterException";
const MISSING: &str = "ResourceNotFoundException";
const TIER: &str = "FeatureUnavailableInTierException";

pub const REFUSALS: &[Refusal] = &[
    // Pools.
    (
        "CreateUserPool",
        INVALID,
        "1 validation error detected: Value null at 'poolName' failed to satisfy constraint: Member must not be null",
        |_| json!({}),
    ),
    (
        "CreateUserPool",
        TIER,
        "Of the first authentication factors only PASSWORD is available in the Lite tier.",
        |_| {
            let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] });
            json!({ "PoolName": "x", "UserPoolTier": "LITE", "Policies": { "SignInPolicy": factors } })
        },
    ),
    (
        "CreateUserPool",
        "UserPoolTaggingException",
        "Tag keys cannot begin with aws:.",
        |_| json!({ "PoolName": "x", "UserPoolTags": { "aws:team": "blue" } }),
    ),
    (
        "UpdateUserPool",
        INVALID,
        "1 validation error detected: Value 'SOMETIMES' at 'mfaConfiguration' failed to satisfy constraint: Member must satisfy enum value set: [OFF, ON, OPTIONAL]",
        |_| json!({ "MfaConfiguration": "SOMETIMES" }),
    ),
    (
        "UpdateUserPool",
        TIER,
        "Of the first authentication factors only PASSWORD is available in the Lite tier.",
        |world| {
            let factors = json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] });
            json!({ "UserPoolId": &world["lite"], "UserPoolTier": "LITE", "Policies": { "SignInPolicy": factors } })
        },
    ),
    (
        "UpdateUserPool",
        "TierChangeNotAllowedException",
        "A domain of the user pool uses managed login, which is not available in the Lite tier.",
        |world| json!({ "UserPoolId": &world["guarded"], "UserPoolTier": "LITE" }),
    ),
    (
        "UpdateUserPool",
        "UserPoolTaggingException",
        "Tag keys cannot begin with aws:.",
        |_| json!({ "UserPoolTags": { "aws:team": "blue" } }),
    ),
    (
        "UpdateUserPool",
        "UserImportInProgressException",
        "Users are being imported into the user pool.",
        |world| json!({ "UserPoolId": &world["spare"] }),
    ),
    (
        "DeleteUserPool",
        "UserImportInProgressException",
        "Users are being imported into the user pool.",
        |world| json!({ "UserPoolId": &world["spare"] }),
    ),
    (
        "AddCustomAttributes",
        "UserImportInProgressException",
        "Users are being imported into the user pool.",
        |world| json!({ "UserPoolId": &world["spare"], "CustomAttributes": [{ "Name": "shoe", "AttributeDataType": "String" }] }),
    ),
    (
        "DeleteUserPool",
        INVALID,
        "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.",
        |world| json!({ "UserPoolId": &world["guarded"] }),
    ),
    (
        "DeleteUserPool",
        INVALID,
        "User pool cannot be deleted. It has a domain configured that should be deleted first.",
        |_| json!({}),
    ),
    (
        "ListUserPools",
        INVALID,
        "Invalid pagination token.",
        |_| json!({ "MaxResults": 1, "NextToken": "nonsense" }),
    ),
    (
        "SetUserPoolMfaConfig",
        INVALID,
        "1 validation error detected: Value 'SOMETIMES' at 'mfaConfiguration' failed to satisfy constraint: Member must satisfy enum value set: [OFF, ON, OPTIONAL]",
        |_| json!({ "MfaConfiguration": "SOMETIMES" }),
    ),
    (
        "SetUserPoolMfaConfig",
        TIER,
        "Email MFA is not available in the Lite tier.",
        |world| json!({ "UserPoolId": &world["lite"], "MfaConfiguration": "OPTIONAL", "EmailMfaConfiguration": {} }),
    ),
    (
        "SetLogDeliveryConfiguration",
        TIER,
        "Exporting userAuthEvents is available in the Plus tier only.",
        |_| json!({ "LogConfigurations": [{ "LogLevel": "INFO", "EventSource": "userAuthEvents" }] }),
    ),
    (
        "SetUserPoolSessionConfiguration",
        INVALID,
        "1 validation error detected: Value 'SOMETIMES' at 'userSessionTracking' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]",
        |_| json!({ "UserSessionTracking": "SOMETIMES", "TokenSession": { "MaxPerUser": 20 } }),
    ),
    // Tags.
    (
        "TagResource",
        INVALID,
        "ResourceArn is not the ARN of a user pool of this account.",
        |_| json!({ "ResourceArn": "arn:aws:iam::123456789012:role/logs", "Tags": { "team": "blue" } }),
    ),
    (
        "UntagResource",
        INVALID,
        "ResourceArn is not the ARN of a user pool of this account.",
        |_| json!({ "ResourceArn": "arn:aws:iam::123456789012:role/logs", "TagKeys": ["team"] }),
    ),
    (
        "ListTagsForResource",
        INVALID,
        "ResourceArn is not the ARN of a user pool of this account.",
        |_| json!({ "ResourceArn": "arn:aws:iam::123456789012:role/logs" }),
    ),
    (
        "TagResource",
        MISSING,
        "User pool us-east-1_Unknown99 does not exist.",
        |_| json!({ "ResourceArn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Unknown99", "Tags": { "team": "blue" } }),
    ),
    (
        "UntagResource",
        MISSING,
        "User pool us-east-1_Unknown99 does not exist.",
        |_| json!({ "ResourceArn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Unknown99", "TagKeys": ["team"] }),
    ),
    (
        "ListTagsForResource",
        MISSING,
        "User pool us-east-1_Unknown99 does not exist.",
        |_| json!({ "ResourceArn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Unknown99" }),
    ),
    // Domains.
    (
        "CreateUserPoolDomain",
        INVALID,
        "User pool already has a domain configured.",
        |_| json!({ "Domain": "second" }),
    ),
    (
        "CreateUserPoolDomain",
        INVALID,
        "Domain already associated with another user pool.",
        |world| json!({ "UserPoolId": &world["spare"], "Domain": "people" }),
    ),
    (
        "CreateUserPoolDomain",
        INVALID,
        "Domain cannot contain reserved word: cognito",
        |world| json!({ "UserPoolId": &world["spare"], "Domain": "my-cognito" }),
    ),
    (
        "CreateUserPoolDomain",
        TIER,
        "Managed login is not available in the Lite tier.",
        |world| json!({ "UserPoolId": &world["lite"], "Domain": "lite", "ManagedLoginVersion": 2 }),
    ),
    (
        "UpdateUserPoolDomain",
        INVALID,
        "No such domain or user pool exist.",
        |_| json!({ "Domain": "unknown" }),
    ),
    (
        "DeleteUserPoolDomain",
        INVALID,
        "No such domain or user pool exist.",
        |_| json!({ "Domain": "unknown" }),
    ),
    (
        "UpdateUserPoolDomain",
        TIER,
        "Managed login is not available in the Lite tier.",
        |world| json!({ "UserPoolId": &world["lite"], "Domain": "lite", "ManagedLoginVersion": 2 }),
    ),
    // Resource servers.
    (
        "CreateResourceServer",
        INVALID,
        "api already exists in user pool $pool.",
        |_| json!({ "Identifier": "api", "Name": "API" }),
    ),
    ("CreateResourceServer", INVALID, "The scope name read is given more than once.", |_| {
        let scope = json!({ "ScopeName": "read", "ScopeDescription": "Read" });
        json!({ "Identifier": "twice", "Name": "API", "Scopes": [scope, scope] })
    }),
    (
        "DescribeResourceServer",
        MISSING,
        "Resource server unknown does not exist.",
        |_| json!({ "Identifier": "unknown" }),
    ),
    (
        "UpdateResourceServer",
        MISSING,
        "Resource server unknown does not exist.",
        |_| json!({ "Identifier": "unknown", "Name": "X" }),
    ),
    (
        "DeleteResourceServer",
        MISSING,
        "Resource server unknown does not exist.",
        |_| json!({ "Identifier": "unknown" }),
    ),
    ("ListResourceServers", INVALID, "Invalid pagination token.", |_| json!({ "NextToken": "nonsense" })),
    // Providers.
    (
        "CreateIdentityProvider",
        "DuplicateProviderException",
        "A provider with the name Corp already exists.",
        |_| corp(),
    ),
    (
        "UpdateIdentityProvider",
        INVALID,
        "ProviderDetails of a OIDC provider must have client_id.",
        |_| json!({ "ProviderName": "Corp", "ProviderDetails": { "client_id": "" } }),
    ),
    (
        "DescribeIdentityProvider",
        MISSING,
        "Identity provider Nobody does not exist.",
        |_| json!({ "ProviderName": "Nobody" }),
    ),
    (
        "UpdateIdentityProvider",
        MISSING,
        "Identity provider Nobody does not exist.",
        |_| json!({ "ProviderName": "Nobody" }),
    ),
    (
        "DeleteIdentityProvider",
        MISSING,
        "Identity provider Nobody does not exist.",
        |_| json!({ "ProviderName": "Nobody" }),
    ),
    (
        "GetIdentityProviderByIdentifier",
        MISSING,
        "Identity provider nobody.example does not exist.",
        |_| json!({ "IdpIdentifier": "nobody.example" }),
    ),
    ("ListIdentityProviders", INVALID, "Invalid pagination token.", |_| json!({ "NextToken": "nonsense" })),
    (
        "AdminLinkProviderForUser",
        INVALID,
        "SourceUser is already linked to DestinationUser",
        |_| json!({ "SourceUser": at_corp("linked"), "DestinationUser": here("disabled@example.com") }),
    ),
    (
        "AdminLinkProviderForUser",
        "UserNotFoundException",
        "User does not exist.",
        |_| json!({ "SourceUser": at_corp("a-2"), "DestinationUser": here("nobody@example.com") }),
    ),
    (
        "AdminDisableProviderForUser",
        "UserNotFoundException",
        "User does not exist.",
        |_| json!({ "User": at_corp("nobody") }),
    ),
    // Groups.
    (
        "CreateGroup",
        "GroupExistsException",
        "A group with the name already exists.",
        |_| json!({ "GroupName": "staff" }),
    ),
    ("GetGroup", MISSING, "Group not found.", |_| json!({ "GroupName": "unknown" })),
    ("UpdateGroup", MISSING, "Group not found.", |_| json!({ "GroupName": "unknown" })),
    ("DeleteGroup", MISSING, "Group not found.", |_| json!({ "GroupName": "unknown" })),
    ("ListUsersInGroup", MISSING, "Group not found.", |_| json!({ "GroupName": "unknown" })),
    (
        "AdminAddUserToGroup",
        MISSING,
        "Group not found.",
        |_| json!({ "GroupName": "unknown", "Username": ALICE }),
    ),
    (
        "AdminRemoveUserFromGroup",
        MISSING,
        "Group not found.",
        |_| json!({ "GroupName": "unknown", "Username": ALICE }),
    ),
    ("ListGroups", INVALID, "Invalid pagination token.", |_| json!({ "NextToken": "nonsense" })),
    // Imports.
    (
        "CreateUserImportJob",
        INVALID,
        "The role nobody does not exist.",
        |_| json!({ "JobName": "x", "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/nobody" }),
    ),
    (
        "DescribeUserImportJob",
        MISSING,
        "Import job import-unknown does not exist.",
        |_| json!({ "JobId": "import-unknown" }),
    ),
    (
        "StartUserImportJob",
        MISSING,
        "Import job import-unknown does not exist.",
        |_| json!({ "JobId": "import-unknown" }),
    ),
    (
        "StopUserImportJob",
        MISSING,
        "Import job import-unknown does not exist.",
        |_| json!({ "JobId": "import-unknown" }),
    ),
    (
        "StartUserImportJob",
        "PreconditionNotMetException",
        "No file has been uploaded for the job.",
        |world| json!({ "JobId": &world["empty_job"] }),
    ),
    (
        "StopUserImportJob",
        "PreconditionNotMetException",
        "The job is Created and cannot be stopped.",
        |world| json!({ "JobId": &world["empty_job"] }),
    ),
    (
        "CreateUserImportJob",
        INVALID,
        "1 validation error detected: Value null at 'jobName' failed to satisfy constraint: Member must not be null",
        |_| json!({ "CloudWatchLogsRoleArn": ROLE }),
    ),
];
