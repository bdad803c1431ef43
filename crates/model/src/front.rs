//! Errors of the front door: what a service answers before an operation runs. They stand in no model; faults of
//! signatures have their words and kinds in the access crate.

use crate::{ErrorKind, Service};

/// The front-door errors of one service.
#[derive(Debug)]
pub struct Front {
    /// The service has no such operation.
    pub unknown_operation: ErrorKind,
    /// The operation is known and not offered here.
    pub unwritten: ErrorKind,
    /// The body is no document, or has a member of the wrong type.
    pub unreadable: ErrorKind,
    /// The body is larger than is read.
    pub too_large: ErrorKind,
    /// The model's constraints are not satisfied.
    pub invalid: ErrorKind,
    /// No policy lets the caller do this.
    pub denied: ErrorKind,
    /// Too many requests in too short a time.
    pub throttled: ErrorKind,
    /// The fault is ours.
    pub failed: ErrorKind,
}

const fn kind(code: &'static str, status: u16) -> ErrorKind {
    ErrorKind { code, status }
}

/// JSON 1.1: status 400 for all that is not our fault (`cognito-idp` common errors).
const COGNITO_FRONT: Front = Front {
    unknown_operation: kind("UnknownOperationException", 400),
    unwritten: crate::cognito_idp::errors::UnsupportedOperationException,
    unreadable: kind("SerializationException", 400),
    too_large: kind("RequestEntityTooLargeException", 413),
    invalid: crate::cognito_idp::errors::InvalidParameterException,
    denied: kind("AccessDeniedException", 400),
    throttled: crate::cognito_idp::errors::TooManyRequestsException,
    failed: crate::cognito_idp::errors::InternalErrorException,
};

static COGNITO: Front = COGNITO_FRONT;

/// JSON 1.1, for what only this server has.
static OWN: Front = Front {
    unwritten: crate::postern::errors::UnsupportedOperationException,
    invalid: crate::postern::errors::InvalidParameterException,
    throttled: crate::postern::errors::TooManyRequestsException,
    failed: crate::postern::errors::InternalErrorException,
    ..COGNITO_FRONT
};

/// REST-JSON (`sesv2` common errors).
static SES: Front = Front {
    unknown_operation: kind("UnknownOperationException", 404),
    unwritten: crate::sesv2::errors::BadRequestException,
    unreadable: kind("SerializationException", 400),
    too_large: kind("RequestEntityTooLargeException", 413),
    invalid: crate::sesv2::errors::BadRequestException,
    denied: kind("AccessDeniedException", 403),
    throttled: crate::sesv2::errors::TooManyRequestsException,
    failed: crate::sesv2::errors::InternalServiceErrorException,
};

/// Query (`iam` and `sts` common errors).
static QUERY: Front = Front {
    unknown_operation: kind("InvalidAction", 400),
    unwritten: kind("InvalidAction", 400),
    unreadable: kind("MalformedInput", 400),
    too_large: kind("RequestEntityTooLarge", 413),
    invalid: kind("ValidationError", 400),
    denied: kind("AccessDenied", 403),
    throttled: kind("Throttling", 400),
    failed: kind("InternalFailure", 500),
};

/// Query, in SNS's own names (`sns` common errors).
static SNS: Front = Front {
    unknown_operation: kind("InvalidAction", 400),
    unwritten: kind("InvalidAction", 400),
    unreadable: kind("MalformedInput", 400),
    too_large: kind("RequestEntityTooLarge", 413),
    invalid: crate::sns::errors::InvalidParameterException,
    denied: crate::sns::errors::AuthorizationErrorException,
    throttled: crate::sns::errors::ThrottledException,
    failed: crate::sns::errors::InternalErrorException,
};

/// The front-door errors of a service.
pub fn front(service: Service) -> &'static Front {
    match service {
        Service::CognitoIdp => &COGNITO,
        Service::SesV2 => &SES,
        Service::Iam | Service::Sts => &QUERY,
        Service::Postern => &OWN,
        Service::Sns => &SNS,
    }
}
