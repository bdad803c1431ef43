//! Refusals to people who sign up, sign in, or forgot their password, and to apps about their tokens. The app in these
//! tables tells whether an account exists, as `PreventUserExistenceErrors` LEGACY asks.

use super::Refusal;
use super::world::{ALICE, PASSWORD, World, begins};
use serde_json::{Value, json};

const INVALID: &str = "InvalidParameterException";
const REFUSED: &str = "NotAuthorizedException";
const WRONG: &str = "Incorrect username or password.";

fn by_password(name: &str, password: &str) -> Value {
    let parameters = json!({ "USERNAME": name, "PASSWORD": password });
    json!({ "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": parameters })
}

/// The same, by an administrator.
fn for_somebody(name: &str, password: &str) -> Value {
    let parameters = json!({ "USERNAME": name, "PASSWORD": password });
    json!({ "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": parameters })
}

fn answers(name: &str, session: &str, responses: Value) -> Value {
    let mut responses = responses;
    if responses.get("USERNAME").is_none() {
        responses["USERNAME"] = ALICE.into();
    }
    json!({ "ChallengeName": name, "Session": session, "ChallengeResponses": responses })
}

fn of_mia(world: &World, session: &str, code: &str) -> Value {
    let responses = json!({ "USERNAME": "mia@example.com", "SOFTWARE_TOKEN_MFA_CODE": code });
    let mut input = answers("SOFTWARE_TOKEN_MFA", &world[session], responses);
    input["ClientId"] = world["second_client"].into();
    input
}

fn of_mia_in_her_pool(world: &World, session: &str, code: &str) -> Value {
    let mut input = of_mia(world, session, code);
    input["UserPoolId"] = world["second"].into();
    input
}

fn new_password(world: &World, password: &str) -> Value {
    let responses = json!({ "USERNAME": "invited@example.com", "NEW_PASSWORD": password });
    answers("NEW_PASSWORD_REQUIRED", &world["new_password_session"], responses)
}

/// Chooses the password, in the session of somebody of the world.
fn by_choice(world: &World, who: &str) -> Value {
    let name = format!("{who}@example.com");
    let responses = json!({ "USERNAME": name, "ANSWER": "PASSWORD", "PASSWORD": PASSWORD });
    answers("SELECT_CHALLENGE", &world[format!("{who}_session").as_str()], responses)
}

pub const REFUSALS: &[Refusal] = &[
    // Signing up.
    (
        "SignUp",
        "UsernameExistsException",
        "User already exists",
        |_| json!({ "Username": ALICE, "Password": PASSWORD, "UserAttributes": [{ "Name": "email", "Value": ALICE }] }),
    ),
    (
        "SignUp",
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have lowercase characters",
        |_| json!({ "Username": "more@example.com", "Password": "CORRECT-HORSE-1" }),
    ),
    (
        "SignUp",
        REFUSED,
        "SignUp is not permitted for this user pool",
        |world| json!({ "ClientId": &world["closed_client"], "Username": "more", "Password": PASSWORD }),
    ),
    (
        "SignUp",
        REFUSED,
        "Client $secret_client is configured with secret but SECRET_HASH was not received",
        |world| json!({ "ClientId": &world["secret_client"], "Username": "more@example.com", "Password": PASSWORD }),
    ),
    (
        "SignUp",
        INVALID,
        "Username should be an email.",
        |_| json!({ "Username": "no-address", "Password": PASSWORD }),
    ),
    (
        "ConfirmSignUp",
        "UserNotFoundException",
        "Username/client id combination not found.",
        |_| json!({ "Username": "nobody@example.com", "ConfirmationCode": "000000" }),
    ),
    (
        "ConfirmSignUp",
        REFUSED,
        "User cannot be confirmed. Current status is CONFIRMED",
        |_| json!({ "Username": ALICE, "ConfirmationCode": "000000" }),
    ),
    (
        "ConfirmSignUp",
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
        |_| json!({ "Username": "new@example.com", "ConfirmationCode": "00000x" }),
    ),
    (
        "ResendConfirmationCode",
        "UserNotFoundException",
        "Username/client id combination not found.",
        |_| json!({ "Username": "nobody@example.com" }),
    ),
    ("ResendConfirmationCode", INVALID, "User is already confirmed.", |_| json!({ "Username": ALICE })),
    (
        "ResendConfirmationCode",
        REFUSED,
        "Unable to verify secret hash for client $secret_client",
        |world| json!({ "ClientId": &world["secret_client"], "Username": "new@example.com", "SecretHash": "d3Jvbmc=" }),
    ),
    // Forgotten passwords.
    (
        "ForgotPassword",
        "UserNotFoundException",
        "Username/client id combination not found.",
        |_| json!({ "Username": "nobody@example.com" }),
    ),
    ("ForgotPassword", REFUSED, "User is disabled.", |_| json!({ "Username": "disabled@example.com" })),
    (
        "ForgotPassword",
        REFUSED,
        "User password cannot be reset in the current state.",
        |_| json!({ "Username": "invited@example.com" }),
    ),
    (
        "ForgotPassword",
        REFUSED,
        "Contact administrator to reset password.",
        |world| json!({ "ClientId": &world["closed_client"], "Username": "plain" }),
    ),
    (
        "ForgotPassword",
        INVALID,
        "Cannot reset password for the user as there is no registered/verified email or phone_number",
        |world| json!({ "ClientId": &world["named_client"], "Username": "plain" }),
    ),
    (
        "ConfirmForgotPassword",
        "UserNotFoundException",
        "Username/client id combination not found.",
        |_| json!({ "Username": "nobody@example.com", "ConfirmationCode": "000000", "Password": PASSWORD }),
    ),
    (
        "ConfirmForgotPassword",
        "ExpiredCodeException",
        "Invalid code provided, please request a code again.",
        |_| json!({ "Username": ALICE, "ConfirmationCode": "000000", "Password": "Battery-staple-2" }),
    ),
    (
        "ConfirmForgotPassword",
        "CodeMismatchException",
        "Invalid verification code provided, please try again.",
        |_| json!({ "Username": "bob@example.com", "ConfirmationCode": "00000x", "Password": "Battery-staple-2" }),
    ),
    (
        "ConfirmForgotPassword",
        "InvalidPasswordException",
        "Password did not conform with policy: Password must have numeric characters",
        |world| json!({ "Username": "bob@example.com", "ConfirmationCode": &world["reset_code"], "Password": "Battery-staple" }),
    ),
    (
        "ConfirmForgotPassword",
        "PasswordHistoryPolicyViolationException",
        "Password has previously been used",
        |world| json!({ "Username": "bob@example.com", "ConfirmationCode": &world["reset_code"], "Password": PASSWORD }),
    ),
    (
        "ConfirmForgotPassword",
        REFUSED,
        "Client $secret_client is configured with secret but SECRET_HASH was not received",
        |world| {
            json!({
                "ClientId": &world["secret_client"], "Username": "bob@example.com", "ConfirmationCode": "000000",
                "Password": "Battery-staple-2",
            })
        },
    ),
    // Signing in.
    ("InitiateAuth", "UserNotFoundException", "User does not exist.", |_| {
        by_password("nobody@example.com", PASSWORD)
    }),
    ("InitiateAuth", REFUSED, WRONG, |_| by_password(ALICE, "Wrong-horse-1")),
    ("InitiateAuth", REFUSED, "User is disabled.", |_| begins("disabled@example.com", "EMAIL_OTP")),
    ("InitiateAuth", "UserNotConfirmedException", "User is not confirmed.", |_| {
        by_password("new@example.com", PASSWORD)
    }),
    ("InitiateAuth", "PasswordResetRequiredException", "Password reset required for the user", |_| {
        by_password("reset@example.com", PASSWORD)
    }),
    ("InitiateAuth", INVALID, "Initiate Auth method not supported.", |_| for_somebody(ALICE, PASSWORD)),
    ("InitiateAuth", INVALID, "USER_PASSWORD_AUTH flow not enabled for this client", |world| {
        let mut input = by_password(ALICE, PASSWORD);
        input["ClientId"] = world["shut"].into();
        input
    }),
    (
        "InitiateAuth",
        INVALID,
        "Missing required parameter USERNAME",
        |_| json!({ "AuthFlow": "USER_AUTH", "AuthParameters": {} }),
    ),
    (
        "InitiateAuth",
        REFUSED,
        "Invalid Refresh Token",
        |_| json!({ "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": { "REFRESH_TOKEN": "nonsense" } }),
    ),
    ("AdminInitiateAuth", INVALID, "Initiate Auth method not supported.", |_| by_password(ALICE, PASSWORD)),
    ("AdminInitiateAuth", "UserNotFoundException", "User does not exist.", |_| {
        for_somebody("nobody@example.com", PASSWORD)
    }),
    ("AdminInitiateAuth", REFUSED, WRONG, |_| for_somebody(ALICE, "Wrong-horse-1")),
    ("AdminInitiateAuth", "UserNotConfirmedException", "User is not confirmed.", |_| {
        for_somebody("new@example.com", PASSWORD)
    }),
    ("AdminInitiateAuth", "PasswordResetRequiredException", "Password reset required for the user", |_| {
        for_somebody("reset@example.com", PASSWORD)
    }),
    ("AdminInitiateAuth", INVALID, "Auth flow not enabled for this client", |world| {
        let mut input = for_somebody(ALICE, PASSWORD);
        input["ClientId"] = world["shut"].into();
        input
    }),
    // Answering.
    (
        "RespondToAuthChallenge",
        "CodeMismatchException",
        "Invalid code or auth state for the user.",
        |world| answers("EMAIL_OTP", &world["session"], json!({ "EMAIL_OTP_CODE": "0000000x" })),
    ),
    (
        "RespondToAuthChallenge",
        REFUSED,
        "Invalid session for the user, session can only be used once.",
        |world| answers("EMAIL_OTP", &world["used_session"], json!({ "EMAIL_OTP_CODE": "00000000" })),
    ),
    ("RespondToAuthChallenge", REFUSED, "Invalid session for the user.", |_| {
        answers("EMAIL_OTP", &"A".repeat(43), json!({ "EMAIL_OTP_CODE": "00000000" }))
    }),
    ("RespondToAuthChallenge", "CodeMismatchException", "Invalid code received for user", |world| {
        of_mia(world, "totp_session", "000000")
    }),
    (
        "RespondToAuthChallenge",
        "ExpiredCodeException",
        "Your software token has already been used once.",
        |world| of_mia(world, "totp_session", &world["used_totp"]),
    ),
    (
        "RespondToAuthChallenge",
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
        |world| new_password(world, "Short1!"),
    ),
    (
        "RespondToAuthChallenge",
        "PasswordHistoryPolicyViolationException",
        "Password has previously been used",
        |world| new_password(world, PASSWORD),
    ),
    ("RespondToAuthChallenge", INVALID, "Selected challenge is not available.", |world| {
        answers("SELECT_CHALLENGE", &world["choice_session"], json!({ "ANSWER": "SMS_OTP" }))
    }),
    (
        "AdminRespondToAuthChallenge",
        "CodeMismatchException",
        "Invalid code or auth state for the user.",
        |world| answers("EMAIL_OTP", &world["admin_session"], json!({ "EMAIL_OTP_CODE": "0000000x" })),
    ),
    (
        "AdminRespondToAuthChallenge",
        REFUSED,
        "Invalid session for the user, session can only be used once.",
        |world| answers("EMAIL_OTP", &world["used_session"], json!({ "EMAIL_OTP_CODE": "00000000" })),
    ),
    (
        "AdminRespondToAuthChallenge",
        "ExpiredCodeException",
        "Your software token has already been used once.",
        |world| of_mia_in_her_pool(world, "totp_session", &world["used_totp"]),
    ),
    (
        "AdminRespondToAuthChallenge",
        "InvalidPasswordException",
        "Password did not conform with policy: Password not long enough",
        |world| new_password(world, "Short1!"),
    ),
    (
        "AdminRespondToAuthChallenge",
        "PasswordHistoryPolicyViolationException",
        "Password has previously been used",
        |world| new_password(world, PASSWORD),
    ),
    ("AdminRespondToAuthChallenge", INVALID, "Selected challenge is not available.", |world| {
        answers("SELECT_CHALLENGE", &world["choice_session"], json!({ "ANSWER": "SMS_OTP" }))
    }),
    (
        "RespondToAuthChallenge",
        "PasswordResetRequiredException",
        "Password reset required for the user",
        |world| by_choice(world, "reset"),
    ),
    ("RespondToAuthChallenge", "UserNotConfirmedException", "User is not confirmed.", |world| {
        by_choice(world, "new")
    }),
    ("RespondToAuthChallenge", REFUSED, WRONG, |world| by_choice(world, "gone")),
    (
        "AdminRespondToAuthChallenge",
        "PasswordResetRequiredException",
        "Password reset required for the user",
        |world| by_choice(world, "reset"),
    ),
    ("AdminRespondToAuthChallenge", "UserNotConfirmedException", "User is not confirmed.", |world| {
        by_choice(world, "new")
    }),
    // Tokens.
    (
        "GetTokensFromRefreshToken",
        REFUSED,
        "Invalid Refresh Token",
        |_| json!({ "RefreshToken": "nonsense" }),
    ),
    (
        "GetTokensFromRefreshToken",
        REFUSED,
        "Refresh Token has been revoked",
        |world| json!({ "RefreshToken": &world["revoked_refresh"] }),
    ),
    (
        "GetTokensFromRefreshToken",
        "RefreshTokenReuseException",
        "Refresh token was used before; the sign-in has been revoked.",
        |world| json!({ "RefreshToken": &world["rotated"], "ClientId": &world["rotating"] }),
    ),
    (
        "RevokeToken",
        "UnauthorizedException",
        "Unable to verify the client secret",
        |world| json!({ "Token": &world["refresh"], "ClientId": &world["secret_client"], "ClientSecret": "wrong".repeat(8) }),
    ),
    (
        "RevokeToken",
        "UnsupportedTokenTypeException",
        "Unsupported token type",
        |world| json!({ "Token": &world["token"] }),
    ),
    (
        "RevokeToken",
        "UnsupportedOperationException",
        "Token revocation is not enabled for this client",
        |world| json!({ "Token": &world["refresh"], "ClientId": &world["unrevocable"] }),
    ),
    (
        "RevokeToken",
        INVALID,
        "1 validation error detected: Value null at 'token' failed to satisfy constraint: Member must not be null",
        |_| json!({}),
    ),
];
