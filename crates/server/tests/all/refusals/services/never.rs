//! Errors that the models of SES, IAM, STS and SNS list and nobody can meet here, with the reason.

use postern_model::Service::{self, Iam, SesV2, Sns, Sts};

/// Errors that no operation of a service answers, but those that a table provokes.
const NOWHERE: &[(Service, &str, &str)] = &[
    (Iam, "ServiceFailureException", "a fault of ours: the fuzz test shows that no request brings one about"),
    (Sns, "InternalErrorException", "the same"),
    (Iam, "ConcurrentModificationException", "changes of one thing wait for one another"),
    (SesV2, "ConcurrentModificationException", "the same"),
    (SesV2, "TooManyRequestsException", "who signs is not held to a pace; what is sent is"),
    (Sns, "ThrottledException", "the same"),
];

pub fn is_nowhere(service: Service, error: &str) -> bool {
    NOWHERE.iter().any(|(of, name, _)| *of == service && *name == error)
}

/// A service, an error, the operations that never answer it, and why.
pub const NEVER: &[(Service, &str, &[&str], &str)] = &[
    (
        Iam,
        "LimitExceededException",
        &[
            "DeleteAccessKey",
            "DeletePolicy",
            "DeleteRole",
            "DeleteRolePolicy",
            "DeleteServiceLinkedRole",
            "DeleteUser",
            "DeleteUserPolicy",
            "DetachRolePolicy",
            "DetachUserPolicy",
            "UpdateAccessKey",
        ],
        "they add nothing",
    ),
    (Iam, "LimitExceededException", &["CreateServiceLinkedRole"], "there is one such role"),
    (Iam, "NoSuchEntityException", &["CreateServiceLinkedRole"], "it names nothing that must be there"),
    (
        Iam,
        "InvalidInputException",
        &["ListAttachedRolePolicies", "ListAttachedUserPolicies"],
        "what the model's constraints refuse is a ValidationError, and nothing else is asked of their members",
    ),
    (Iam, "PolicyEvaluationException", &["SimulatePrincipalPolicy"], "an evaluation cannot fail"),
    (Sts, "RegionDisabledException", &["AssumeRole"], "there is one region, and it is enabled"),
    (
        Sts,
        "ExpiredTokenException",
        &["AssumeRole"],
        "ProvidedContexts, which carry tokens, are refused by name",
    ),
    (
        SesV2,
        "BadRequestException",
        &[
            "DeleteConfigurationSet",
            "DeleteEmailIdentity",
            "GetConfigurationSet",
            "GetEmailIdentity",
            "GetEmailIdentityPolicies",
            "PutEmailIdentityConfigurationSetAttributes",
            "PutEmailIdentityFeedbackAttributes",
        ],
        "what is no name is not found",
    ),
    (
        SesV2,
        "BadRequestException",
        &["GetAccount", "PutAccountSendingAttributes"],
        "they take nothing that could be wrong; a value of the wrong type is a SerializationException",
    ),
    (SesV2, "NotFoundException", &["CreateConfigurationSet"], "it names nothing that must be there"),
    (
        SesV2,
        "NotFoundException",
        &["ListSuppressedDestinations", "PutSuppressedDestination"],
        "only a tenant could be missing, and tenants are refused",
    ),
    (
        SesV2,
        "NotFoundException",
        &["PutEmailIdentityDkimAttributes"],
        "BadRequestException says that the domain is not verified for signing, as the service does",
    ),
    (
        SesV2,
        "LimitExceededException",
        &["CreateConfigurationSet", "CreateEmailIdentity"],
        "there can be any number of them",
    ),
    (SesV2, "LimitExceededException", &["SendEmail"], "TooManyRequestsException is what the quota answers"),
    (
        SesV2,
        "AccountSuspendedException",
        &["SendEmail"],
        "nobody suspends the account; its owner can pause it",
    ),
    (
        Sns,
        "InvalidParameterException",
        &["GetSMSAttributes"],
        "attributes that nobody knows are not in the answer",
    ),
    (Sns, "ResourceNotFoundException", &["ListSMSSandboxPhoneNumbers"], "it names no number"),
    (
        Sns,
        "EndpointDisabledException",
        &["Publish"],
        "there are no endpoints of apps here, and NotFoundException says so",
    ),
    (Sns, "PlatformApplicationDisabledException", &["Publish"], "the same"),
    (
        Sns,
        "KMSAccessDeniedException",
        &["Publish"],
        "a text to a number is not encrypted by a key of the account",
    ),
    (Sns, "KMSDisabledException", &["Publish"], "the same"),
    (Sns, "KMSInvalidStateException", &["Publish"], "the same"),
    (Sns, "KMSNotFoundException", &["Publish"], "the same"),
    (Sns, "KMSOptInRequired", &["Publish"], "the same"),
    (Sns, "KMSThrottlingException", &["Publish"], "the same"),
    (Sns, "InvalidParameterValueException", &["Publish"], "InvalidParameterException says it"),
    (Sns, "ValidationException", &["Publish"], "the same"),
    (
        Sns,
        "InvalidSecurityException",
        &["Publish"],
        "a signature is judged before the operation, in its own words",
    ),
];
