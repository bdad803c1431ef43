//! SES: identities, their policies, configuration sets, the suppression list, the account, and a mail.

use super::account::SENDER;
use super::{Call, Refusal};
use serde_json::{Value, json};

const MISSING: &str = "NotFoundException";
const INVALID: &str = "BadRequestException";
const EXISTS: &str = "AlreadyExistsException";

const BAD_ADDRESS: &str = "Missing final '@domain'";
const BAD_TOKEN: &str = "The specified token is invalid.";
const BAD_NAME: &str = "PolicyName is invalid. Policy names must only include alpha-numeric characters, dashes, and underscores.";

fn mail(from: &str, to: &str) -> Value {
    json!({
        "FromEmailAddress": from, "Destination": { "ToAddresses": [to] },
        "Content": { "Simple": { "Subject": { "Data": "Hello" }, "Body": { "Text": { "Data": "Hello" } } } },
    })
}

fn policy(identity: &str, name: &str, document: &str) -> Value {
    json!({ "EmailIdentity": identity, "PolicyName": name, "Policy": document })
}

fn details(mail_type: &str) -> Value {
    json!({ "MailType": mail_type, "WebsiteURL": "https://example.com" })
}

pub const CALLS: &[Call] = &[
    ("CreateConfigurationSet", |_| json!({ "ConfigurationSetName": "more" })),
    ("GetConfigurationSet", |_| json!({ "ConfigurationSetName": "set" })),
    ("ListConfigurationSets", |_| json!({})),
    ("DeleteConfigurationSet", |_| json!({ "ConfigurationSetName": "doomed" })),
    (
        "CreateEmailIdentity",
        |_| json!({ "EmailIdentity": "more@example.com", "ConfigurationSetName": "set" }),
    ),
    ("GetEmailIdentity", |_| json!({ "EmailIdentity": SENDER })),
    ("ListEmailIdentities", |_| json!({})),
    ("PutEmailIdentityMailFromAttributes", |_| json!({ "EmailIdentity": SENDER })),
    (
        "PutEmailIdentityFeedbackAttributes",
        |_| json!({ "EmailIdentity": SENDER, "EmailForwardingEnabled": false }),
    ),
    (
        "PutEmailIdentityConfigurationSetAttributes",
        |_| json!({ "EmailIdentity": SENDER, "ConfigurationSetName": "set" }),
    ),
    ("CreateEmailIdentity", |_| json!({ "EmailIdentity": "shop.test" })),
    ("PutEmailIdentityDkimAttributes", |_| json!({ "EmailIdentity": "shop.test", "SigningEnabled": false })),
    ("CreateEmailIdentityPolicy", |account| policy(SENDER, "more", &account["sender_policy"])),
    ("UpdateEmailIdentityPolicy", |account| policy(SENDER, "p0", &account["sender_policy"])),
    ("GetEmailIdentityPolicies", |_| json!({ "EmailIdentity": SENDER })),
    ("DeleteEmailIdentityPolicy", |_| json!({ "EmailIdentity": SENDER, "PolicyName": "p1" })),
    ("DeleteEmailIdentity", |_| json!({ "EmailIdentity": "doomed@example.com" })),
    ("PutSuppressedDestination", |_| json!({ "EmailAddress": "more@example.com", "Reason": "COMPLAINT" })),
    ("GetSuppressedDestination", |_| json!({ "EmailAddress": "gone@example.com" })),
    ("ListSuppressedDestinations", |_| json!({})),
    ("DeleteSuppressedDestination", |_| json!({ "EmailAddress": "back@example.com" })),
    ("GetAccount", |_| json!({})),
    ("PutAccountDetails", |_| details("MARKETING")),
    ("PutAccountSendingAttributes", |_| json!({ "SendingEnabled": true })),
    ("SendEmail", |_| {
        let mut input = mail(SENDER, "reader@example.com");
        input["ConfigurationSetName"] = "set".into();
        input
    }),
];

pub const REFUSALS: &[Refusal] = &[
    (
        "CreateConfigurationSet",
        EXISTS,
        "Configuration set <set> already exists.",
        |_| json!({ "ConfigurationSetName": "set" }),
    ),
    (
        "CreateConfigurationSet",
        INVALID,
        "Configuration set name is invalid.",
        |_| json!({ "ConfigurationSetName": "a set" }),
    ),
    ("ListConfigurationSets", INVALID, BAD_TOKEN, |_| json!({ "NextToken": "%" })),
    (
        "CreateEmailIdentity",
        EXISTS,
        "Email identity no-reply@example.com already exist.",
        |_| json!({ "EmailIdentity": SENDER }),
    ),
    (
        "CreateEmailIdentity",
        INVALID,
        "Domain contains illegal character",
        |_| json!({ "EmailIdentity": "somebody@exa_mple.com" }),
    ),
    ("ListEmailIdentities", INVALID, BAD_TOKEN, |_| json!({ "NextToken": "%" })),
    (
        "PutEmailIdentityMailFromAttributes",
        INVALID,
        "Provided MAIL-FROM domain <elsewhere.test> is not subdomain of the domain of the identity <example.com>.",
        |_| json!({ "EmailIdentity": SENDER, "MailFromDomain": "elsewhere.test" }),
    ),
    (
        "PutEmailIdentityDkimAttributes",
        INVALID,
        "Domain example.com is not verified for DKIM signing.",
        |_| json!({ "EmailIdentity": SENDER, "SigningEnabled": true }),
    ),
    // Policies.
    ("CreateEmailIdentityPolicy", EXISTS, "Policy <p0> already exists", |account| {
        policy(SENDER, "p0", &account["sender_policy"])
    }),
    (
        "CreateEmailIdentityPolicy",
        "LimitExceededException",
        "Number of policies for strict@example.org exceeds max allowed number of policies per resource",
        |account| policy("strict@example.org", "more", &account["strict_policy"]),
    ),
    ("CreateEmailIdentityPolicy", INVALID, BAD_NAME, |account| {
        policy(SENDER, "a b", &account["sender_policy"])
    }),
    ("UpdateEmailIdentityPolicy", INVALID, "Unable to parse policy.", |_| policy(SENDER, "p0", "{")),
    ("UpdateEmailIdentityPolicy", MISSING, "Policy <nothing> does not exist", |account| {
        policy(SENDER, "nothing", &account["sender_policy"])
    }),
    (
        "DeleteEmailIdentityPolicy",
        INVALID,
        "1 validation error detected: Value 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' at 'policyName' failed to satisfy constraint: Member must have length less than or equal to 64",
        |_| json!({ "EmailIdentity": SENDER, "PolicyName": "x".repeat(65) }),
    ),
    // The suppression list.
    (
        "PutSuppressedDestination",
        INVALID,
        "Your account is in the sandbox.",
        |_| json!({ "EmailAddress": "more@example.com", "Reason": "BOUNCE" }),
    ),
    ("GetSuppressedDestination", INVALID, BAD_ADDRESS, |_| json!({ "EmailAddress": "nobody" })),
    (
        "GetSuppressedDestination",
        MISSING,
        "Email address more@example.com does not exist on your suppression list.",
        |_| json!({ "EmailAddress": "more@example.com" }),
    ),
    ("DeleteSuppressedDestination", INVALID, BAD_ADDRESS, |_| json!({ "EmailAddress": "nobody" })),
    (
        "DeleteSuppressedDestination",
        MISSING,
        "Email address more@example.com does not exist on your suppression list.",
        |_| json!({ "EmailAddress": "more@example.com" }),
    ),
    (
        "ListSuppressedDestinations",
        INVALID,
        "There are no tenants here.",
        |_| json!({ "TenantName": "somebody" }),
    ),
    ("ListSuppressedDestinations", "InvalidNextTokenException", BAD_TOKEN, |_| json!({ "NextToken": "%" })),
    // The account.
    ("PutAccountDetails", "ConflictException", "There is a review of your account in progress.", |_| {
        details("MARKETING")
    }),
    (
        "PutAccountDetails",
        INVALID,
        "1 validation error detected: Value 'CHAT' at 'mailType' failed to satisfy constraint: Member must satisfy enum value set: [MARKETING, TRANSACTIONAL]",
        |_| details("CHAT"),
    ),
    // Mails.
    (
        "SendEmail",
        "MessageRejected",
        "Email address is not verified. The following identities failed the check in region US-EAST-1: somebody@elsewhere.test, reader@example.com",
        |_| mail("somebody@elsewhere.test", "reader@example.com"),
    ),
    ("SendEmail", "SendingPausedException", "Email sending is paused for this account.", |_| {
        let mut input = mail(SENDER, SENDER);
        input["ConfigurationSetName"] = "paused".into();
        input
    }),
    (
        "SendEmail",
        "MailFromDomainNotVerifiedException",
        "The MAIL FROM domain of the identity is not verified.",
        |_| mail("strict@example.org", SENDER),
    ),
    ("SendEmail", INVALID, BAD_ADDRESS, |_| mail("nobody", SENDER)),
    (
        "SendEmail",
        MISSING,
        "Template hello does not exist.",
        |_| json!({ "FromEmailAddress": SENDER, "Content": { "Template": { "TemplateName": "hello" } } }),
    ),
];
