//! SNS: texts to numbers, the attributes of the account, and the sandbox.

use super::account::{OLD, STOPPED, VERIFIED, WAITING};
use super::{Call, Refusal};
use serde_json::json;

const MISSING: &str = "ResourceNotFoundException";
const INVALID: &str = "InvalidParameterException";
const USER: &str = "UserErrorException";

const NO_NUMBER: &str = "Invalid parameter: PhoneNumber Reason: 555 is not valid to publish to";
const MALFORMED: &str = "Invalid parameter: PhoneNumber Reason: input incorrectly formatted";
const BAD_TOKEN: &str = "Invalid parameter: NextToken";
const UNKNOWN: &str = "The phone number is not in the SMS sandbox.";

pub const CALLS: &[Call] = &[
    ("SetSMSAttributes", |_| json!({ "attributes": { "DefaultSMSType": "Transactional" } })),
    ("GetSMSAttributes", |_| json!({ "attributes": ["DefaultSMSType"] })),
    ("GetSMSSandboxAccountStatus", |_| json!({})),
    ("CreateSMSSandboxPhoneNumber", |_| json!({ "PhoneNumber": "+15555550105" })),
    (
        "VerifySMSSandboxPhoneNumber",
        |account| json!({ "PhoneNumber": WAITING, "OneTimePassword": &account["code"] }),
    ),
    ("ListSMSSandboxPhoneNumbers", |_| json!({})),
    ("DeleteSMSSandboxPhoneNumber", |_| json!({ "PhoneNumber": OLD })),
    ("CheckIfPhoneNumberIsOptedOut", |_| json!({ "phoneNumber": STOPPED })),
    ("ListPhoneNumbersOptedOut", |_| json!({})),
    ("OptInPhoneNumber", |_| json!({ "phoneNumber": STOPPED })),
    ("Publish", |_| json!({ "PhoneNumber": VERIFIED, "Message": "Hello" })),
];

pub const REFUSALS: &[Refusal] = &[
    ("Publish", INVALID, NO_NUMBER, |_| json!({ "PhoneNumber": "555", "Message": "Hello" })),
    (
        "Publish",
        INVALID,
        "Invalid parameter: Message Structure - No default entry in JSON message body",
        |_| json!({ "PhoneNumber": VERIFIED, "Message": "{\"sms\": \"Hello\"}", "MessageStructure": "json" }),
    ),
    (
        "Publish",
        "NotFoundException",
        "Topic does not exist",
        |_| json!({ "TopicArn": "arn:aws:sns:us-east-1:123456789012:news", "Message": "Hello" }),
    ),
    (
        "SetSMSAttributes",
        INVALID,
        "Invalid parameter: Colour is not a valid attribute",
        |_| json!({ "attributes": { "Colour": "red" } }),
    ),
    // The sandbox.
    ("CreateSMSSandboxPhoneNumber", INVALID, NO_NUMBER, |_| json!({ "PhoneNumber": "555" })),
    (
        "CreateSMSSandboxPhoneNumber",
        "OptedOutException",
        "The phone number has opted out of text messages.",
        |_| json!({ "PhoneNumber": STOPPED }),
    ),
    (
        "CreateSMSSandboxPhoneNumber",
        USER,
        "The phone number is verified already.",
        |_| json!({ "PhoneNumber": VERIFIED }),
    ),
    (
        "VerifySMSSandboxPhoneNumber",
        INVALID,
        NO_NUMBER,
        |_| json!({ "PhoneNumber": "555", "OneTimePassword": "000000" }),
    ),
    (
        "VerifySMSSandboxPhoneNumber",
        MISSING,
        UNKNOWN,
        |_| json!({ "PhoneNumber": "+15555550109", "OneTimePassword": "000000" }),
    ),
    (
        "VerifySMSSandboxPhoneNumber",
        "VerificationException",
        "The one-time password is not valid.",
        |_| json!({ "PhoneNumber": WAITING, "OneTimePassword": "00000" }),
    ),
    ("ListSMSSandboxPhoneNumbers", INVALID, BAD_TOKEN, |_| json!({ "NextToken": "%" })),
    ("DeleteSMSSandboxPhoneNumber", INVALID, NO_NUMBER, |_| json!({ "PhoneNumber": "555" })),
    ("DeleteSMSSandboxPhoneNumber", MISSING, UNKNOWN, |_| json!({ "PhoneNumber": "+15555550109" })),
    (
        "DeleteSMSSandboxPhoneNumber",
        USER,
        "A phone number can be deleted 24 hours after its verification or the last attempt.",
        |_| json!({ "PhoneNumber": VERIFIED }),
    ),
    // Numbers that want no texts.
    ("CheckIfPhoneNumberIsOptedOut", INVALID, MALFORMED, |_| json!({ "phoneNumber": "555" })),
    ("ListPhoneNumbersOptedOut", INVALID, BAD_TOKEN, |_| json!({ "nextToken": "%" })),
    ("OptInPhoneNumber", INVALID, MALFORMED, |_| json!({ "phoneNumber": "555" })),
];
