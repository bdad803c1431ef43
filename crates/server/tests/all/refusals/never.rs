//! Errors that the models list and nobody can meet here, with the reason; and those that another test provokes, with its
//! name.

/// Errors that no operation answers, whatever it is asked.
const NOWHERE: &[(&str, &str)] = &[
    ("InternalErrorException", "a fault of ours: the fuzz test shows that no request brings one about"),
    ("InternalServerException", "the same"),
    ("ForbiddenException", "there is no web ACL in front of this server"),
    ("ConcurrentModificationException", "changes of one thing wait for one another"),
    ("OperationNotEnabledException", "operations that are written are enabled, sessions apart"),
    ("InvalidUserPoolConfigurationException", "what cannot work is refused when it is saved"),
    ("TooManyFailedAttemptsException", "LimitExceededException is what the service was seen to answer"),
    ("MFAMethodNotFoundException", "InvalidParameterException says it alike at every step of a sign-in"),
];

/// Why an operation never answers an error, by what it takes.
pub fn excuse(operation: &str, error: &str) -> Option<&'static str> {
    if let Some((_, reason)) = NOWHERE.iter().find(|(name, _)| *name == error) {
        return Some(reason);
    }
    let (public, of_a_user) = (super::model(operation).public, super::takes(operation, "AccessToken"));
    match error {
        "TooManyRequestsException" if !public => Some("who signs is not held to a pace"),
        "NotAuthorizedException" if !public => Some("policies decide, and answer AccessDeniedException"),
        "UserNotFoundException" | "UserNotConfirmedException" | "PasswordResetRequiredException"
            if of_a_user =>
        {
            Some("whoever is in such a state has no sign-in left: their tokens have been revoked")
        }
        "ResourceNotFoundException" if of_a_user => Some("a token of a pool that is gone is no token"),
        _ => None,
    }
}

/// An error, the operations that never answer it, and why.
pub const NEVER: &[(&str, &[&str], &str)] = &[
    ("TierChangeNotAllowedException", &["CreateUserPool"], "a new pool has no tier to leave"),
    (
        "LimitExceededException",
        &[
            "AdminConfirmSignUp",
            "DeleteUserPoolClientSecret",
            "DeleteWebAuthnCredential",
            "ListUserPoolClientSecrets",
            "ListWebAuthnCredentials",
        ],
        "they can be called any number of times",
    ),
    (
        "FeatureUnavailableInTierException",
        &[
            "CreateUserPoolClient",
            "SetUserPoolClientSessionConfiguration",
            "SetUserPoolSessionConfiguration",
            "UpdateUserPoolClient",
        ],
        "what a tier lacks is refused when the pool is saved; the rest is in every tier",
    ),
    (
        "UserNotConfirmedException",
        &["AdminDeleteSoftwareToken", "AdminSetUserMFAPreference"],
        "administrators change the factors of anybody",
    ),
    ("PasswordResetRequiredException", &["AdminSetUserMFAPreference"], "the same"),
    ("UserNotConfirmedException", &["ConfirmForgotPassword"], "nobody unconfirmed has a code to reset by"),
    (
        "UserNotFoundException",
        &["AdminRespondToAuthChallenge", "GetTokensFromRefreshToken", "RespondToAuthChallenge"],
        "the session and the tokens of somebody who is gone are nobody's: NotAuthorizedException",
    ),
    (
        "AliasExistsException",
        &["AdminDisableProviderForUser", "AdminLinkProviderForUser"],
        "a link brings no address",
    ),
    (
        "AliasExistsException",
        &["AdminRespondToAuthChallenge", "RespondToAuthChallenge"],
        "an address that comes with a first password is not proven by it, so no alias",
    ),
    (
        "AliasExistsException",
        &["UpdateUserAttributes"],
        "asking for an address does not tell that somebody has it: VerifyUserAttribute does",
    ),
    (
        "SoftwareTokenMFANotFoundException",
        &["AdminRespondToAuthChallenge", "RespondToAuthChallenge"],
        "nobody is asked for an authenticator who has none",
    ),
    ("CodeMismatchException", &["UpdateUserAttributes"], "it is given no code"),
    ("ExpiredCodeException", &["UpdateUserAttributes"], "it is given no code"),
    ("CodeMismatchException", &["VerifySoftwareToken"], "EnableSoftwareTokenMFAException says it"),
    ("UnsupportedOperationException", &["AdminInitiateAuth", "InitiateAuth"], "all flows are written"),
    ("PreconditionNotMetException", &["AdminCreateUser", "CreateUserImportJob"], "they have no precondition"),
    (
        "InvalidEmailRoleAccessPolicyException",
        &["CreateUserPool", "UpdateUserPool"],
        "policies decide at each mail, not when the sender is saved",
    ),
    ("UserPoolTaggingException", &["DescribeUserPool"], "it tags nothing"),
    (
        "UserPoolAddOnNotEnabledException",
        &["SetRiskConfiguration", "DescribeRiskConfiguration"],
        "it may be set before the pool watches, as infrastructure tools do",
    ),
    (
        "CodeDeliveryFailureException",
        &["SetRiskConfiguration"],
        "InvalidParameterException says that the sender is not verified, as of pools",
    ),
    (
        "InvalidEmailRoleAccessPolicyException",
        &["SetRiskConfiguration"],
        "policies decide at each mail, not when the sender is saved",
    ),
    (
        "UnsupportedIdentityProviderException",
        &["DeleteIdentityProvider", "UpdateIdentityProvider"],
        "all kinds of provider are supported",
    ),
    ("InvalidPasswordException", &["ConfirmDevice"], "it is given no password"),
    ("InvalidLambdaResponseException", &["ConfirmDevice"], "it calls no function"),
    ("UsernameExistsException", &["ConfirmDevice"], "it makes no user"),
    (
        "ResourceNotFoundException",
        &["DeleteUserPoolDomain", "UpdateUserPoolDomain"],
        "InvalidParameterException says that there is no such domain, as the service does",
    ),
    (
        "ResourceNotFoundException",
        &["DescribeUserPoolDomain"],
        "a domain that is not there has an empty description, as the service says",
    ),
];

/// What another test provokes: the operation, the error, and the test.
pub const PROVOKED_ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "AdminInitiateAuth",
        "FeatureUnavailableInTierException",
        "step_up::what_cannot_be_asked_for_is_refused",
    ),
    ("InitiateAuth", "FeatureUnavailableInTierException", "step_up::what_cannot_be_asked_for_is_refused"),
    (
        "CompleteWebAuthnRegistration",
        "LimitExceededException",
        "passkeys::a_user_has_twenty_passkeys_at_most_and_pages_of_them",
    ),
    (
        "CompleteWebAuthnRegistration",
        "WebAuthnNotEnabledException",
        "passkeys::abuse::a_registration_ends_when_the_pool_takes_no_passkeys_any_more",
    ),
    (
        "StartWebAuthnRegistration",
        "LimitExceededException",
        "passkeys::a_user_has_twenty_passkeys_at_most_and_pages_of_them",
    ),
    (
        "StartWebAuthnRegistration",
        "WebAuthnConfigurationMissingException",
        "passkeys::passkeys_are_registered_only_where_the_pool_has_them",
    ),
    (
        "AdminLinkProviderForUser",
        "LimitExceededException",
        "identity_providers::a_user_is_linked_by_what_the_provider_knows_them_by_and_by_nothing_else",
    ),
    (
        "ConfirmSignUp",
        "ExpiredCodeException",
        "attacks::codes::case_13_of_the_codes_of_a_sign_up_the_newest_two_are_good",
    ),
    (
        "ConfirmSignUp",
        "AliasExistsException",
        "own_attributes::an_alias_moves_to_who_proves_it_if_they_say_so",
    ),
    ("VerifyUserAttribute", "AliasExistsException", "own_attributes::an_address_that_somebody_has_is_theirs"),
];
