//! Refusals about people, to administrators. That somebody is not there is derived for all operations at once.

use super::Refusal;
use super::world::{ALICE, PASSWORD};
use super::yes::{of_dora, of_wanda};
use serde_json::json;

const INVALID: &str = "InvalidParameterException";
const MISSING: &str = "ResourceNotFoundException";
const REFUSED: &str = "NotAuthorizedException";

const UNWATCHED: &str = "User pool add-ons are not enabled: set AdvancedSecurityMode to AUDIT or ENFORCED.";

pub const REFUSALS: &[Refusal] = &[
    (
        "AdminCreateUser",
        "UsernameExistsException",
        "User account already exists",
        |_| json!({ "Username": ALICE }),
    ),
    (
        "AdminCreateUser",
        "UserNotFoundException",
        "User does not exist.",
        |_| json!({ "Username": "nobody@example.com", "MessageAction": "RESEND" }),
    ),
    (
        "AdminCreateUser",
        "UnsupportedUserStateException",
        "Resend not possible. alice@example.com status is not FORCE_CHANGE_PASSWORD",
        |_| json!({ "Username": ALICE, "MessageAction": "RESEND" }),
    ),
    (
        "AdminCreateUser",
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
        |_| json!({ "Username": "more@example.com", "TemporaryPassword": "Short1!" }),
    ),
    ("AdminCreateUser", INVALID, "Username should be an email.", |_| json!({ "Username": "no-address" })),
    (
        "AdminConfirmSignUp",
        REFUSED,
        "User cannot be confirmed. Current status is CONFIRMED",
        |_| json!({ "Username": ALICE }),
    ),
    (
        "AdminSetUserPassword",
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have symbol characters",
        |_| json!({ "Username": ALICE, "Password": "Correcthorse1" }),
    ),
    (
        "AdminSetUserPassword",
        "PasswordHistoryPolicyViolationException",
        "Password has previously been used",
        |_| json!({ "Username": ALICE, "Password": PASSWORD, "Permanent": true }),
    ),
    (
        "AdminUpdateUserAttributes",
        "AliasExistsException",
        "An account with the email already exists.",
        |world| {
            let attributes = json!([
                { "Name": "email", "Value": "owned@example.com" }, { "Name": "email_verified", "Value": "true" },
            ]);
            json!({ "UserPoolId": &world["named"], "Username": "plain", "UserAttributes": attributes })
        },
    ),
    (
        "AdminUpdateUserAttributes",
        INVALID,
        "Attributes did not conform to the schema: custom:none: Attribute does not exist in the schema.\n",
        |_| json!({ "Username": ALICE, "UserAttributes": [{ "Name": "custom:none", "Value": "x" }] }),
    ),
    (
        "AdminDeleteUserAttributes",
        INVALID,
        "Invalid user attributes: user.custom:none: Attribute does not exist in the schema.\n",
        |_| json!({ "Username": ALICE, "UserAttributeNames": ["custom:none"] }),
    ),
    (
        "AdminResetUserPassword",
        REFUSED,
        "User password cannot be reset in the current state.",
        |_| json!({ "Username": "invited@example.com" }),
    ),
    (
        "AdminResetUserPassword",
        INVALID,
        "Cannot reset password for the user as there is no registered/verified email or phone_number",
        |world| json!({ "UserPoolId": &world["named"], "Username": "plain" }),
    ),
    (
        "AdminSetUserMFAPreference",
        INVALID,
        "User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA",
        |world| {
            json!({
                "UserPoolId": &world["second"], "Username": "max@example.com",
                "SoftwareTokenMfaSettings": { "Enabled": true },
            })
        },
    ),
    (
        "AdminDeleteSoftwareToken",
        MISSING,
        "User has not set up software token mfa",
        |world| json!({ "UserPoolId": &world["second"], "Username": "max@example.com" }),
    ),
    (
        "AdminSetUserSettings",
        INVALID,
        "Only SMS to phone_number can be set as an MFA option.",
        |_| json!({ "Username": ALICE, "MFAOptions": [{ "DeliveryMedium": "EMAIL", "AttributeName": "email" }] }),
    ),
    (
        "AdminListUserSessions",
        "OperationNotEnabledException",
        "User session tracking is not enabled for the user pool.",
        |world| json!({ "UserPoolId": &world["second"], "Username": "max@example.com" }),
    ),
    (
        "AdminRevokeUserSession",
        "OperationNotEnabledException",
        "User session tracking is not enabled for the user pool.",
        |world| json!({ "UserPoolId": &world["second"], "Username": "max@example.com", "SessionId": &world["session_id"] }),
    ),
    (
        "AdminRevokeUserSession",
        MISSING,
        "Session does not exist.",
        |world| json!({ "Username": ALICE, "SessionId": &world["bobs_session_id"] }),
    ),
    (
        "AdminListUserSessions",
        INVALID,
        "Invalid pagination token.",
        |_| json!({ "Username": ALICE, "NextToken": "nonsense" }),
    ),
    (
        "AdminListGroupsForUser",
        INVALID,
        "Invalid pagination token.",
        |_| json!({ "Username": ALICE, "NextToken": "nonsense" }),
    ),
    ("ListUsers", INVALID, "Error while parsing filter", |_| json!({ "Filter": "email" })),
    (
        "ListUsers",
        INVALID,
        "Invalid search attribute: custom:none",
        |_| json!({ "Filter": "custom:none = \"x\"" }),
    ),
    ("ListUsers", INVALID, "Invalid pagination token.", |_| json!({ "PaginationToken": "nonsense" })),
    // Their devices.
    ("AdminGetDevice", MISSING, "Device does not exist.", |world| {
        of_dora(world, json!({ "DeviceKey": &world["new_device"] }))
    }),
    ("AdminForgetDevice", MISSING, "Device does not exist.", |world| {
        of_dora(world, json!({ "DeviceKey": &world["new_device"] }))
    }),
    ("AdminUpdateDeviceStatus", INVALID, "Missing required parameter DeviceRememberedStatus", |world| {
        of_dora(world, json!({ "DeviceKey": &world["device"] }))
    }),
    ("AdminListDevices", INVALID, "Invalid pagination token.", |world| {
        of_dora(world, json!({ "PaginationToken": "nonsense" }))
    }),
    // What they did.
    (
        "AdminListUserAuthEvents",
        "UserPoolAddOnNotEnabledException",
        UNWATCHED,
        |_| json!({ "Username": ALICE }),
    ),
    ("AdminListUserAuthEvents", INVALID, "Invalid pagination token.", |world| {
        of_wanda(world, json!({ "NextToken": "nonsense" }))
    }),
    (
        "AdminUpdateAuthEventFeedback",
        "UserPoolAddOnNotEnabledException",
        UNWATCHED,
        |_| json!({ "Username": ALICE, "EventId": "x", "FeedbackValue": "Valid" }),
    ),
    ("AdminUpdateAuthEventFeedback", MISSING, "Auth event does not exist.", |world| {
        of_wanda(world, json!({ "EventId": "x", "FeedbackValue": "Valid" }))
    }),
    (
        "UpdateAuthEventFeedback",
        "UserPoolAddOnNotEnabledException",
        UNWATCHED,
        |_| json!({ "Username": ALICE, "EventId": "x", "FeedbackValue": "Valid", "FeedbackToken": "00" }),
    ),
    ("UpdateAuthEventFeedback", REFUSED, "Invalid feedback token.", |world| {
        of_wanda(
            world,
            json!({ "EventId": &world["event"], "FeedbackValue": "Valid", "FeedbackToken": "00" }),
        )
    }),
    ("SetRiskConfiguration", INVALID, "10.0.0.0/33 is not an IP address range.", |world| {
        let exceptions = json!({ "BlockedIPRangeList": ["10.0.0.0/33"] });
        json!({ "UserPoolId": &world["watched"], "ClientId": null, "RiskExceptionConfiguration": exceptions })
    }),
    (
        "SetRiskConfiguration",
        MISSING,
        "User pool client unknown does not exist.",
        |world| json!({ "UserPoolId": &world["watched"], "ClientId": "unknown" }),
    ),
];
