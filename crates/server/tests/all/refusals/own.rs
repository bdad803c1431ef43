//! Refusals to people who change something of their own. That a token is no good is derived for all operations at once.

use super::Refusal;
use super::world::PASSWORD;
use super::yes::credential;
use serde_json::json;

const INVALID: &str = "InvalidParameterException";
const MISSING: &str = "ResourceNotFoundException";
const REFUSED: &str = "NotAuthorizedException";

pub const REFUSALS: &[Refusal] = &[
    (
        "ChangePassword",
        REFUSED,
        "Incorrect username or password.",
        |_| json!({ "PreviousPassword": "Wrong-horse-1", "ProposedPassword": "Battery-staple-2" }),
    ),
    (
        "ChangePassword",
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have uppercase characters",
        |_| json!({ "PreviousPassword": PASSWORD, "ProposedPassword": "battery-staple-2" }),
    ),
    (
        "ChangePassword",
        "PasswordHistoryPolicyViolationException",
        "Password has previously been used",
        |_| json!({ "PreviousPassword": PASSWORD, "ProposedPassword": PASSWORD }),
    ),
    (
        "ChangePassword",
        INVALID,
        "Missing required parameter PreviousPassword",
        |_| json!({ "ProposedPassword": "Battery-staple-2" }),
    ),
    (
        "UpdateUserAttributes",
        INVALID,
        "Invalid email address format.",
        |_| json!({ "UserAttributes": [{ "Name": "email", "Value": "no address" }] }),
    ),
    (
        "DeleteUserAttributes",
        INVALID,
        "Invalid user attributes: email: Required attribute cannot be deleted.",
        |_| json!({ "UserAttributeNames": ["email"] }),
    ),
    (
        "GetUserAttributeVerificationCode",
        INVALID,
        "Invalid attribute name. Only phone_number and email can be verified.",
        |_| json!({ "AttributeName": "name" }),
    ),
    (
        "VerifyUserAttribute",
        "ExpiredCodeException",
        "Invalid code provided, please request a code again.",
        |_| json!({ "AttributeName": "email", "Code": "000000" }),
    ),
    (
        "VerifyUserAttribute",
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
        |world| json!({ "AccessToken": &world["bobs_token"], "AttributeName": "email", "Code": "00000x" }),
    ),
    (
        "VerifyUserAttribute",
        INVALID,
        "Invalid attribute name. Only phone_number and email can be verified.",
        |_| json!({ "AttributeName": "name", "Code": "000000" }),
    ),
    // Second factors.
    (
        "AssociateSoftwareToken",
        "SoftwareTokenMFANotFoundException",
        "Software Token MFA has not been enabled by the userPool",
        |_| json!({}),
    ),
    (
        "AssociateSoftwareToken",
        INVALID,
        "Either AccessToken or Session must be given, and not both.",
        |world| json!({ "Session": &world["session"] }),
    ),
    (
        "VerifySoftwareToken",
        "EnableSoftwareTokenMFAException",
        "Code mismatch and fail enable Software Token MFA",
        |world| json!({ "AccessToken": &world["moes_token"], "UserCode": "000000" }),
    ),
    (
        "VerifySoftwareToken",
        "SoftwareTokenMFANotFoundException",
        "Software Token MFA has not been enabled by the userPool",
        |_| json!({ "UserCode": "000000" }),
    ),
    (
        "SetUserMFAPreference",
        INVALID,
        "User has not set up software token mfa",
        |world| json!({ "AccessToken": &world["maxs_token"], "SoftwareTokenMfaSettings": { "Enabled": true } }),
    ),
    (
        "SetUserSettings",
        INVALID,
        "Only SMS to phone_number can be set as an MFA option.",
        |_| json!({ "MFAOptions": [{ "DeliveryMedium": "EMAIL", "AttributeName": "email" }] }),
    ),
    // Devices.
    ("ConfirmDevice", "DeviceKeyExistsException", "Device key already exists.", |world| {
        world.confirms("doras_token", "device", "verifier")
    }),
    ("ConfirmDevice", INVALID, "Invalid device key given.", |world| {
        world.confirms("doras_token", "new_device", "new_verifier")
    }),
    (
        "GetDevice",
        MISSING,
        "Device does not exist.",
        |world| json!({ "AccessToken": &world["doras_token"], "DeviceKey": &world["new_device"] }),
    ),
    (
        "ForgetDevice",
        MISSING,
        "Device does not exist.",
        |world| json!({ "AccessToken": &world["doras_token"], "DeviceKey": &world["new_device"] }),
    ),
    ("UpdateDeviceStatus", MISSING, "Device does not exist.", |world| {
        json!({
            "AccessToken": &world["doras_token"], "DeviceKey": &world["new_device"],
            "DeviceRememberedStatus": "remembered",
        })
    }),
    ("ListDevices", INVALID, "Invalid pagination token.", |_| json!({ "PaginationToken": "nonsense" })),
    // Passkeys.
    (
        "StartWebAuthnRegistration",
        "WebAuthnNotEnabledException",
        "Passkeys are not enabled for this user pool.",
        |world| json!({ "AccessToken": &world["maxs_token"] }),
    ),
    (
        "CompleteWebAuthnRegistration",
        "WebAuthnChallengeNotFoundException",
        "The challenge was not found: start the registration again.",
        |world| json!({ "Credential": credential(world, "other_credential") }),
    ),
    (
        "CompleteWebAuthnRegistration",
        "WebAuthnOriginNotAllowedException",
        "The passkey cannot be registered: its origin is not allowed.",
        |world| json!({ "AccessToken": &world["origin_token"], "Credential": credential(world, "origin_credential") }),
    ),
    (
        "CompleteWebAuthnRegistration",
        "WebAuthnRelyingPartyMismatchException",
        "The passkey cannot be registered: it was made for another relying party.",
        |world| json!({ "AccessToken": &world["party_token"], "Credential": credential(world, "party_credential") }),
    ),
    (
        "CompleteWebAuthnRegistration",
        "WebAuthnCredentialNotSupportedException",
        "The passkey cannot be registered: its public key is not of an algorithm on offer.",
        |world| json!({ "AccessToken": &world["kind_token"], "Credential": credential(world, "kind_credential") }),
    ),
    (
        "CompleteWebAuthnRegistration",
        "WebAuthnClientMismatchException",
        "The registration was started by another app client.",
        |world| json!({ "AccessToken": &world["elsewhere_token"], "Credential": credential(world, "other_credential") }),
    ),
    (
        "CompleteWebAuthnRegistration",
        INVALID,
        "1 validation error detected: Value null at 'credential' failed to satisfy constraint: Member must not be null",
        |_| json!({}),
    ),
    (
        "DeleteWebAuthnCredential",
        MISSING,
        "The passkey does not exist.",
        |_| json!({ "CredentialId": "AAAA" }),
    ),
    ("ListWebAuthnCredentials", INVALID, "Invalid pagination token.", |_| json!({ "NextToken": "nonsense" })),
    // Sessions.
    (
        "ListUserSessions",
        "OperationNotEnabledException",
        "User session tracking is not enabled for the user pool.",
        |world| json!({ "AccessToken": &world["maxs_token"] }),
    ),
    (
        "RevokeUserSession",
        "OperationNotEnabledException",
        "User session tracking is not enabled for the user pool.",
        |world| json!({ "AccessToken": &world["maxs_token"], "SessionId": &world["session_id"] }),
    ),
    (
        "RevokeUserSession",
        MISSING,
        "Session does not exist.",
        |world| json!({ "SessionId": &world["bobs_session_id"] }),
    ),
    ("ListUserSessions", INVALID, "Invalid pagination token.", |_| json!({ "NextToken": "nonsense" })),
];
