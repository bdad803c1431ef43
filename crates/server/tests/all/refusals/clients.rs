//! Refusals about apps: their settings, their secrets, how their pages look.

use super::Refusal;
use serde_json::{Value, json};

const INVALID: &str = "InvalidParameterException";
const MISSING: &str = "ResourceNotFoundException";

const NOBODYS_TERMS: &str = "00000000-0000-4000-8000-000000000000";
const NO_TERMS: &str = "Terms 00000000-0000-4000-8000-000000000000 do not exist.";

fn terms(links: Value) -> Value {
    json!({ "TermsName": "terms-of-use", "TermsSource": "LINK", "Enforcement": "NONE", "Links": links })
}

pub const REFUSALS: &[Refusal] = &[
    (
        "CreateUserPoolClient",
        INVALID,
        "ClientSecret and GenerateSecret cannot be used together.",
        |_| json!({ "ClientName": "x", "GenerateSecret": true, "ClientSecret": "s".repeat(40) }),
    ),
    ("CreateUserPoolClient", "ScopeDoesNotExistException", "Invalid scope requested: api/unknown", |_| {
        json!({
            "ClientName": "x", "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["api/unknown"], "CallbackURLs": ["https://app.example/cb"],
        })
    }),
    (
        "CreateUserPoolClient",
        "InvalidOAuthFlowException",
        "client_credentials flow can not be selected along with code flow or implicit flow.",
        |_| {
            json!({
                "ClientName": "x", "GenerateSecret": true, "AllowedOAuthFlowsUserPoolClient": true,
                "AllowedOAuthFlows": ["code", "client_credentials"], "AllowedOAuthScopes": ["api/read"],
                "CallbackURLs": ["https://app.example/cb"],
            })
        },
    ),
    (
        "UpdateUserPoolClient",
        INVALID,
        "1 validation error detected: Value '0' at 'authSessionValidity' failed to satisfy constraint: Member must have value greater than or equal to 3",
        |_| json!({ "AuthSessionValidity": 0 }),
    ),
    ("UpdateUserPoolClient", "ScopeDoesNotExistException", "Invalid scope requested: api/unknown", |world| {
        json!({
            "ClientId": &world["shut"], "AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": ["api/unknown"], "CallbackURLs": ["https://app.example/cb"],
        })
    }),
    (
        "UpdateUserPoolClient",
        "InvalidOAuthFlowException",
        "client_credentials flow can not be selected if client does not have a client secret.",
        |world| {
            json!({
                "ClientId": &world["shut"], "AllowedOAuthFlowsUserPoolClient": true,
                "AllowedOAuthFlows": ["client_credentials"], "AllowedOAuthScopes": ["api/read"],
            })
        },
    ),
    ("ListUserPoolClients", INVALID, "Invalid pagination token.", |_| json!({ "NextToken": "nonsense" })),
    // What names an app that is not there.
    (
        "DescribeUserPoolClient",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
    (
        "UpdateUserPoolClient",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
    (
        "DeleteUserPoolClient",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
    (
        "AddUserPoolClientSecret",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
    (
        "ListUserPoolClientSecrets",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
    (
        "DeleteUserPoolClientSecret",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown", "ClientSecretId": "unknown--1" }),
    ),
    (
        "GetUserPoolClientSessionConfiguration",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
    (
        "SetUserPoolClientSessionConfiguration",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown", "SSOSession": { "MaxValidityMinutes": 60 } }),
    ),
    // Secrets.
    (
        "AddUserPoolClientSecret",
        INVALID,
        "A public client cannot be given a secret; create a client with one.",
        |_| json!({}),
    ),
    (
        "DeleteUserPoolClientSecret",
        INVALID,
        "The last secret of a client cannot be deleted.",
        |world| json!({ "ClientId": &world["machine"], "ClientSecretId": &world["machine_secret_id"] }),
    ),
    (
        "ListUserPoolClientSecrets",
        INVALID,
        "Invalid pagination token.",
        |_| json!({ "NextToken": "nonsense" }),
    ),
    (
        "GetClientToken",
        "NotAuthorizedException",
        "Unable to verify secret for client $machine",
        |world| json!({ "ClientId": &world["machine"], "Secret": "wrong".repeat(8) }),
    ),
    (
        "GetClientToken",
        INVALID,
        "Invalid scope requested.",
        |world| json!({ "ClientId": &world["machine"], "Secret": &world["machine_secret"], "Scopes": ["api/unknown"] }),
    ),
    // Sessions of browsers.
    (
        "SetUserPoolClientSessionConfiguration",
        INVALID,
        "1 validation error detected: Value '-1' at 'sSOSession.maxValidityMinutes' failed to satisfy constraint: Member must have value greater than or equal to 0",
        |_| json!({ "SSOSession": { "MaxValidityMinutes": -1 } }),
    ),
    // Looks.
    (
        "CreateManagedLoginBranding",
        INVALID,
        "UseCognitoProvidedValues cannot be true together with Settings or Assets.",
        |_| json!({ "UseCognitoProvidedValues": true, "Settings": {} }),
    ),
    (
        "CreateManagedLoginBranding",
        "ManagedLoginBrandingExistsException",
        "Managed login branding already exists for $branded_client.",
        |world| json!({ "ClientId": &world["branded_client"], "UseCognitoProvidedValues": true }),
    ),
    (
        "CreateManagedLoginBranding",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown", "UseCognitoProvidedValues": true }),
    ),
    (
        "UpdateManagedLoginBranding",
        INVALID,
        "UseCognitoProvidedValues cannot be true together with Settings or Assets.",
        |world| json!({ "ManagedLoginBrandingId": &world["branding"], "UseCognitoProvidedValues": true, "Settings": {} }),
    ),
    (
        "UpdateManagedLoginBranding",
        MISSING,
        "Managed login branding 00000000-0000-4000-8000-000000000000 does not exist.",
        |_| json!({ "ManagedLoginBrandingId": "00000000-0000-4000-8000-000000000000" }),
    ),
    (
        "DescribeManagedLoginBranding",
        MISSING,
        "Managed login branding 00000000-0000-4000-8000-000000000000 does not exist.",
        |_| json!({ "ManagedLoginBrandingId": "00000000-0000-4000-8000-000000000000" }),
    ),
    (
        "DeleteManagedLoginBranding",
        MISSING,
        "Managed login branding 00000000-0000-4000-8000-000000000000 does not exist.",
        |_| json!({ "ManagedLoginBrandingId": "00000000-0000-4000-8000-000000000000" }),
    ),
    (
        "DescribeManagedLoginBrandingByClient",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
    (
        "DescribeRiskConfiguration",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
    ("ListUserPoolReplicas", INVALID, "Invalid pagination token.", |_| json!({ "NextToken": "nonsense" })),
    (
        "CreateTerms",
        INVALID,
        "The link for cognito:default must be an address that begins with https://.",
        |_| terms(json!({ "cognito:default": "javascript:alert(1)" })),
    ),
    ("CreateTerms", INVALID, "Links must include cognito:default.", |_| {
        terms(json!({ "cognito:german": "https://shop.example/agb" }))
    }),
    (
        "CreateTerms",
        "TermsExistsException",
        "Terms terms-of-use already exist for client $branded_client.",
        |world| {
            let mut input = terms(json!({ "cognito:default": "https://shop.example/terms" }));
            input["ClientId"] = (&world["branded_client"]).into();
            input
        },
    ),
    ("CreateTerms", MISSING, "User pool client unknown does not exist.", |_| {
        let mut input = terms(json!({ "cognito:default": "https://shop.example/terms" }));
        input["ClientId"] = "unknown".into();
        input
    }),
    (
        "UpdateTerms",
        "TermsExistsException",
        "Terms privacy-policy already exist for client $branded_client.",
        |world| json!({ "TermsId": &world["terms"], "TermsName": "privacy-policy" }),
    ),
    (
        "UpdateTerms",
        INVALID,
        "Links must include cognito:default.",
        |world| json!({ "TermsId": &world["terms"], "Links": { "cognito:french": "https://shop.example/cgu" } }),
    ),
    ("UpdateTerms", MISSING, NO_TERMS, |_| json!({ "TermsId": NOBODYS_TERMS })),
    ("DescribeTerms", MISSING, NO_TERMS, |_| json!({ "TermsId": NOBODYS_TERMS })),
    ("DeleteTerms", MISSING, NO_TERMS, |_| json!({ "TermsId": NOBODYS_TERMS })),
    (
        "DeleteTerms",
        MISSING,
        "Terms $terms do not exist.",
        |world| json!({ "TermsId": &world["terms"], "UserPoolId": &world["spare"] }),
    ),
    (
        "DescribeTermsByClient",
        MISSING,
        "Terms privacy-policy do not exist for client $shut.",
        |world| json!({ "ClientId": &world["shut"], "TermsName": "privacy-policy" }),
    ),
    (
        "DescribeTermsByClient",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown", "TermsName": "privacy-policy" }),
    ),
    ("ListTerms", INVALID, "Invalid pagination token.", |_| json!({ "NextToken": "nonsense" })),
    (
        "SetUICustomization",
        INVALID,
        "ImageFile must be a PNG or JPEG of at most 100 KB.",
        |_| json!({ "ImageFile": "PHN2Zy8+" }),
    ),
    (
        "SetUICustomization",
        INVALID,
        "There has to be an existing domain associated with this user pool",
        |world| json!({ "UserPoolId": &world["spare"], "ClientId": &world["spare_client"], "CSS": ".label-customizable { color: #333333; }" }),
    ),
    (
        "GetUICustomization",
        MISSING,
        "User pool client unknown does not exist.",
        |_| json!({ "ClientId": "unknown" }),
    ),
];
