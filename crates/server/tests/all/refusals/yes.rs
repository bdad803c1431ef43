//! A call of each operation that succeeds, in an order in which each finds what it needs.

use super::world::{ALICE, PASSWORD, ROLE, World, begins};
use crate::identity_providers::{at_corp, corp, here};
use serde_json::{Value, json};

type Call = (&'static str, fn(&World) -> Value);

pub const CALLS: &[Call] = &[
    // Pools.
    ("CreateUserPool", |_| json!({ "PoolName": "another" })),
    ("DescribeUserPool", |_| json!({})),
    ("ListUserPools", |_| json!({ "MaxResults": 60 })),
    ("UpdateUserPool", |world| json!({ "UserPoolId": &world["guarded"], "DeletionProtection": "INACTIVE" })),
    ("SetUserPoolMfaConfig", |world| json!({ "UserPoolId": &world["spare"], "MfaConfiguration": "OFF" })),
    ("GetUserPoolMfaConfig", |_| json!({})),
    (
        "AddCustomAttributes",
        |_| json!({ "CustomAttributes": [{ "Name": "shoe", "AttributeDataType": "String" }] }),
    ),
    ("TagResource", |world| json!({ "ResourceArn": &world["arn"], "Tags": { "team": "blue" } })),
    ("ListTagsForResource", |world| json!({ "ResourceArn": &world["arn"] })),
    ("UntagResource", |world| json!({ "ResourceArn": &world["arn"], "TagKeys": ["team"] })),
    ("GetUserPoolSessionConfiguration", |_| json!({})),
    (
        "SetUserPoolSessionConfiguration",
        |_| json!({ "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 20 } }),
    ),
    ("CreateUserPoolDomain", |world| json!({ "UserPoolId": &world["spare"], "Domain": "spare" })),
    ("DescribeUserPoolDomain", |_| json!({ "Domain": "spare" })),
    (
        "UpdateUserPoolDomain",
        |world| json!({ "UserPoolId": &world["spare"], "Domain": "spare", "ManagedLoginVersion": 2 }),
    ),
    ("DeleteUserPoolDomain", |world| json!({ "UserPoolId": &world["spare"], "Domain": "spare" })),
    ("CreateResourceServer", |_| json!({ "Identifier": "more", "Name": "More" })),
    ("DescribeResourceServer", |_| json!({ "Identifier": "more" })),
    ("UpdateResourceServer", |_| json!({ "Identifier": "more", "Name": "Yet more" })),
    ("ListResourceServers", |_| json!({})),
    ("DeleteResourceServer", |_| json!({ "Identifier": "more" })),
    // Apps.
    ("CreateUserPoolClient", |_| json!({ "ClientName": "another" })),
    ("DescribeUserPoolClient", |_| json!({})),
    ("ListUserPoolClients", |_| json!({})),
    (
        "UpdateUserPoolClient",
        |world| json!({ "UserPoolId": &world["spare"], "ClientId": &world["spare_client"] }),
    ),
    ("AddUserPoolClientSecret", |world| json!({ "ClientId": &world["secret_client"] })),
    ("ListUserPoolClientSecrets", |world| json!({ "ClientId": &world["secret_client"] })),
    (
        "DeleteUserPoolClientSecret",
        |world| json!({ "ClientId": &world["two_secrets"], "ClientSecretId": &world["second_secret_id"] }),
    ),
    ("GetUserPoolClientSessionConfiguration", |_| json!({})),
    ("SetUserPoolClientSessionConfiguration", |_| json!({ "SSOSession": { "MaxValidityMinutes": 60 } })),
    ("DescribeRiskConfiguration", |_| json!({})),
    (
        "SetRiskConfiguration",
        |world| json!({ "UserPoolId": &world["watched"], "ClientId": null, "RiskExceptionConfiguration": {} }),
    ),
    ("AdminListUserAuthEvents", |world| of_wanda(world, json!({}))),
    ("AdminUpdateAuthEventFeedback", |world| {
        of_wanda(world, json!({ "EventId": &world["event"], "FeedbackValue": "Valid" }))
    }),
    ("UpdateAuthEventFeedback", |world| {
        of_wanda(
            world,
            json!({
                "EventId": &world["event"], "FeedbackValue": "Valid", "FeedbackToken": &world["feedback_token"],
            }),
        )
    }),
    ("GetLogDeliveryConfiguration", |_| json!({})),
    ("SetLogDeliveryConfiguration", |_| json!({ "LogConfigurations": [] })),
    ("ListUserPoolReplicas", |_| json!({})),
    ("CreateManagedLoginBranding", |_| json!({ "UseCognitoProvidedValues": true })),
    ("DescribeManagedLoginBrandingByClient", |_| json!({})),
    ("DescribeManagedLoginBranding", |world| json!({ "ManagedLoginBrandingId": &world["branding"] })),
    (
        "UpdateManagedLoginBranding",
        |world| json!({ "ManagedLoginBrandingId": &world["branding"], "UseCognitoProvidedValues": true }),
    ),
    ("DeleteManagedLoginBranding", |world| json!({ "ManagedLoginBrandingId": &world["branding"] })),
    ("CreateTerms", |_| {
        json!({
            "TermsName": "terms-of-use", "TermsSource": "LINK", "Enforcement": "NONE",
            "Links": { "cognito:default": "https://shop.example/terms" },
        })
    }),
    ("DescribeTerms", |world| json!({ "TermsId": &world["terms"] })),
    ("DescribeTermsByClient", |_| json!({ "TermsName": "terms-of-use" })),
    ("UpdateTerms", |world| json!({ "TermsId": &world["terms"], "TermsName": "terms-of-use" })),
    ("ListTerms", |_| json!({})),
    ("DeleteTerms", |world| json!({ "TermsId": &world["doomed_terms"] })),
    ("SetUICustomization", |_| json!({ "CSS": ".submitButton-customizable { color: #ffffff; }" })),
    ("GetUICustomization", |_| json!({})),
    // Providers.
    ("CreateIdentityProvider", |_| {
        let mut other = corp();
        other["ProviderName"] = "Other".into();
        other["IdpIdentifiers"] = json!(["other.example"]);
        other
    }),
    ("DescribeIdentityProvider", |_| json!({ "ProviderName": "Corp" })),
    (
        "UpdateIdentityProvider",
        |_| json!({ "ProviderName": "Corp", "IdpIdentifiers": ["corp.example", "corp.test"] }),
    ),
    ("GetIdentityProviderByIdentifier", |_| json!({ "IdpIdentifier": "corp.example" })),
    ("ListIdentityProviders", |_| json!({})),
    ("GetSigningCertificate", |_| json!({})),
    (
        "AdminLinkProviderForUser",
        |_| json!({ "SourceUser": at_corp("a-1"), "DestinationUser": here("invited@example.com") }),
    ),
    ("AdminDisableProviderForUser", |_| json!({ "User": at_corp("linked") })),
    ("DeleteIdentityProvider", |_| json!({ "ProviderName": "Corp" })),
    // Groups.
    ("CreateGroup", |_| json!({ "GroupName": "guests" })),
    ("GetGroup", |_| json!({ "GroupName": "guests" })),
    ("UpdateGroup", |_| json!({ "GroupName": "guests", "Description": "All others" })),
    ("ListGroups", |_| json!({})),
    ("AdminAddUserToGroup", |_| json!({ "GroupName": "guests", "Username": ALICE })),
    ("AdminListGroupsForUser", |_| json!({ "Username": ALICE })),
    ("ListUsersInGroup", |_| json!({ "GroupName": "guests" })),
    ("AdminRemoveUserFromGroup", |_| json!({ "GroupName": "guests", "Username": ALICE })),
    ("DeleteGroup", |_| json!({ "GroupName": "guests" })),
    // Imports.
    ("GetCSVHeader", |_| json!({})),
    ("CreateUserImportJob", |_| json!({ "JobName": "more", "CloudWatchLogsRoleArn": ROLE })),
    ("DescribeUserImportJob", |world| json!({ "JobId": &world["job"] })),
    ("ListUserImportJobs", |_| json!({ "MaxResults": 10 })),
    ("StartUserImportJob", |world| json!({ "JobId": &world["job"] })),
    ("StopUserImportJob", |world| json!({ "JobId": &world["job"] })),
    // Signing up and in.
    ("SignUp", |_| {
        let attributes = json!([{ "Name": "email", "Value": "more@example.com" }]);
        json!({ "Username": "more@example.com", "Password": PASSWORD, "UserAttributes": attributes })
    }),
    ("ResendConfirmationCode", |_| json!({ "Username": "more@example.com" })),
    (
        "ConfirmSignUp",
        |world| json!({ "Username": "new@example.com", "ConfirmationCode": &world["sign_up_code"] }),
    ),
    ("InitiateAuth", |_| begins(ALICE, "EMAIL_OTP")),
    ("RespondToAuthChallenge", |world| {
        let responses = json!({ "USERNAME": ALICE, "EMAIL_OTP_CODE": &world["code"] });
        json!({ "ChallengeName": "EMAIL_OTP", "Session": &world["session"], "ChallengeResponses": responses })
    }),
    ("AdminInitiateAuth", |_| begins(ALICE, "EMAIL_OTP")),
    ("AdminRespondToAuthChallenge", |world| {
        let responses = json!({ "USERNAME": ALICE, "EMAIL_OTP_CODE": &world["admin_code"] });
        json!({ "ChallengeName": "EMAIL_OTP", "Session": &world["admin_session"], "ChallengeResponses": responses })
    }),
    ("GetTokensFromRefreshToken", |world| json!({ "RefreshToken": &world["refresh"] })),
    ("GetClientToken", |world| json!({ "ClientId": &world["machine"], "Secret": &world["machine_secret"] })),
    (
        "VerifyUserAttribute",
        |world| json!({ "AccessToken": &world["bobs_token"], "AttributeName": "email", "Code": &world["verify_code"] }),
    ),
    // What people do themselves.
    ("GetUser", |_| json!({})),
    ("GetUserAuthFactors", |_| json!({})),
    ("UpdateUserAttributes", |_| json!({ "UserAttributes": [{ "Name": "name", "Value": "Alice" }] })),
    ("DeleteUserAttributes", |_| json!({ "UserAttributeNames": ["name"] })),
    ("GetUserAttributeVerificationCode", |_| json!({ "AttributeName": "email" })),
    ("SetUserMFAPreference", |_| json!({})),
    ("SetUserSettings", |_| json!({ "MFAOptions": [] })),
    (
        "VerifySoftwareToken",
        |world| json!({ "AccessToken": &world["moes_token"], "UserCode": &world["moes_totp"] }),
    ),
    ("AssociateSoftwareToken", |world| json!({ "AccessToken": &world["maxs_token"] })),
    ("ConfirmDevice", |world| world.confirms("new_token", "new_device", "new_verifier")),
    ("GetDevice", |world| json!({ "AccessToken": &world["doras_token"], "DeviceKey": &world["device"] })),
    ("ListDevices", |world| json!({ "AccessToken": &world["doras_token"] })),
    ("UpdateDeviceStatus", |world| {
        json!({
            "AccessToken": &world["doras_token"], "DeviceKey": &world["device"],
            "DeviceRememberedStatus": "remembered",
        })
    }),
    ("AdminGetDevice", |world| of_dora(world, json!({ "DeviceKey": &world["device"] }))),
    ("AdminListDevices", |world| of_dora(world, json!({}))),
    ("AdminUpdateDeviceStatus", |world| {
        of_dora(world, json!({ "DeviceKey": &world["device"], "DeviceRememberedStatus": "not_remembered" }))
    }),
    (
        "ForgetDevice",
        |world| json!({ "AccessToken": &world["doras_token"], "DeviceKey": &world["new_device"] }),
    ),
    ("AdminForgetDevice", |world| of_dora(world, json!({ "DeviceKey": &world["device"] }))),
    (
        "AdminRevokeUserSession",
        |world| json!({ "Username": "bob@example.com", "SessionId": &world["bobs_session_id"] }),
    ),
    ("StartWebAuthnRegistration", |_| json!({})),
    (
        "CompleteWebAuthnRegistration",
        |world| json!({ "AccessToken": &world["good_token"], "Credential": credential(world, "good_credential") }),
    ),
    ("ListWebAuthnCredentials", |world| json!({ "AccessToken": &world["good_token"] })),
    ("DeleteWebAuthnCredential", |world| {
        let id = credential(world, "good_credential")["id"].clone();
        json!({ "AccessToken": &world["good_token"], "CredentialId": id })
    }),
    ("ListUserSessions", |_| json!({})),
    (
        "RevokeUserSession",
        |world| json!({ "SessionId": &world["session_id"], "AccessToken": &world["token"] }),
    ),
    ("ChangePassword", |world| {
        json!({
            "AccessToken": &world["leaver_token"], "PreviousPassword": PASSWORD,
            "ProposedPassword": "Battery-staple-2",
        })
    }),
    ("ForgotPassword", |_| json!({ "Username": ALICE })),
    ("ConfirmForgotPassword", |world| {
        json!({
            "Username": "bob@example.com", "ConfirmationCode": &world["reset_code"],
            "Password": "Battery-staple-2",
        })
    }),
    ("RevokeToken", |world| json!({ "Token": &world["kept_refresh"] })),
    ("GlobalSignOut", |world| json!({ "AccessToken": &world["leaver_token"] })),
    ("DeleteUser", |world| json!({ "AccessToken": &world["doomed_token"] })),
    // What administrators do to people.
    ("AdminCreateUser", |_| json!({ "Username": "made@example.com" })),
    ("AdminGetUser", |_| json!({ "Username": ALICE })),
    ("AdminGetUserAuthFactors", |_| json!({ "Username": ALICE })),
    ("ListUsers", |_| json!({})),
    ("AdminConfirmSignUp", |_| json!({ "Username": "newer@example.com" })),
    (
        "AdminUpdateUserAttributes",
        |_| json!({ "Username": ALICE, "UserAttributes": [{ "Name": "name", "Value": "Alice" }] }),
    ),
    ("AdminDeleteUserAttributes", |_| json!({ "Username": ALICE, "UserAttributeNames": ["name"] })),
    ("AdminSetUserPassword", |_| json!({ "Username": ALICE, "Password": "Battery-staple-2" })),
    ("AdminResetUserPassword", |_| json!({ "Username": "bob@example.com" })),
    ("AdminSetUserSettings", |_| json!({ "Username": ALICE, "MFAOptions": [] })),
    ("AdminSetUserMFAPreference", |_| json!({ "Username": ALICE })),
    (
        "AdminDeleteSoftwareToken",
        |world| json!({ "UserPoolId": &world["second"], "Username": "mia@example.com" }),
    ),
    ("AdminListUserSessions", |_| json!({ "Username": ALICE })),
    ("AdminUserGlobalSignOut", |_| json!({ "Username": ALICE })),
    ("AdminDisableUser", |_| json!({ "Username": ALICE })),
    ("AdminEnableUser", |_| json!({ "Username": ALICE })),
    ("AdminDeleteUser", |_| json!({ "Username": ALICE })),
    (
        "DeleteUserPoolClient",
        |world| json!({ "UserPoolId": &world["spare"], "ClientId": &world["doomed_client"] }),
    ),
    ("DeleteUserPool", |world| json!({ "UserPoolId": &world["doomed"] })),
];

/// What an administrator asks about Dora, in her pool.
pub fn of_dora(world: &World, mut input: Value) -> Value {
    input["UserPoolId"] = world["tracked"].into();
    input["Username"] = "dora".into();
    input
}

/// The same of Wanda.
pub fn of_wanda(world: &World, mut input: Value) -> Value {
    input["UserPoolId"] = world["watched"].into();
    input["Username"] = "wanda".into();
    input
}

/// A passkey's answer that the world keeps as a text.
pub fn credential(world: &World, name: &str) -> Value {
    serde_json::from_str(&world[name]).expect("JSON")
}
