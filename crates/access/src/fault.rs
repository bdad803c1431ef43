//! What can be wrong with a signature, and how each protocol says so.

use postern_model::ErrorKind;
use std::borrow::Cow;

/// Why a request's signature does not let it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// There is no signature.
    Missing,
    /// The key is unknown or inactive, or its session token is not the one that goes with it.
    UnknownKey,
    /// The signature is not what the secret makes of this request.
    Mismatch,
    /// Signed too long ago.
    Late(String),
    /// Signed too far in the future.
    Early(String),
    /// A temporary key whose session is over.
    ExpiredSession,
    /// The signature's parts cannot be read.
    Incomplete(String),
    /// The signature covers another service, day or fewer headers than it must.
    Scope(String),
}

/// How a service speaks: its error codes and statuses differ, the texts do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// IAM, STS.
    Query,
    /// Cognito.
    Json,
    /// SES v2.
    Rest,
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
     Secret Access Key and signing method. Consult the service documentation for details.";

impl SignatureFault {
    /// Renders the fault as a service of this dialect words it.
    pub fn rendered(&self, dialect: Dialect) -> (ErrorKind, Cow<'static, str>) {
        // Code and status for Query, code for the two JSON dialects.
        let (query, status, json) = match self {
            Self::Missing => ("MissingAuthenticationToken", 403, "MissingAuthenticationTokenException"),
            Self::UnknownKey => ("InvalidClientTokenId", 403, "UnrecognizedClientException"),
            Self::Mismatch | Self::Late(_) | Self::Early(_) | Self::Scope(_) => {
                ("SignatureDoesNotMatch", 403, "InvalidSignatureException")
            }
            Self::ExpiredSession => ("ExpiredToken", 403, "ExpiredTokenException"),
            Self::Incomplete(_) => ("IncompleteSignature", 400, "IncompleteSignatureException"),
        };
        let text: Cow<'static, str> = match (self, dialect) {
            (Self::Missing, Dialect::Query) => "Request is missing Authentication Token".into(),
            (Self::Missing, _) => "Missing Authentication Token".into(),
            (Self::UnknownKey, _) => "The security token included in the request is invalid.".into(),
            (Self::Mismatch, _) => MISMATCH.into(),
            (Self::ExpiredSession, _) => "The security token included in the request is expired".into(),
            (Self::Late(words) | Self::Early(words) | Self::Incomplete(words) | Self::Scope(words), _) => {
                words.clone().into()
            }
        };
        let kind = match dialect {
            Dialect::Query => ErrorKind { code: query, status },
            Dialect::Json => ErrorKind { code: json, status: 400 },
            Dialect::Rest => ErrorKind { code: json, status: 403 },
        };
        (kind, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_its_own_names_for_the_same_fault() {
        let table = [
            (SignatureFault::Missing, "MissingAuthenticationToken", "MissingAuthenticationTokenException"),
            (SignatureFault::UnknownKey, "InvalidClientTokenId", "UnrecognizedClientException"),
            (SignatureFault::Mismatch, "SignatureDoesNotMatch", "InvalidSignatureException"),
            (SignatureFault::ExpiredSession, "ExpiredToken", "ExpiredTokenException"),
            (SignatureFault::Incomplete("x".into()), "IncompleteSignature", "IncompleteSignatureException"),
        ];
        for (fault, query, json) in table {
            assert_eq!(fault.rendered(Dialect::Query).0.code, query);
            assert_eq!(fault.rendered(Dialect::Json).0, ErrorKind { code: json, status: 400 });
            assert_eq!(fault.rendered(Dialect::Rest).0, ErrorKind { code: json, status: 403 });
        }
    }
}
