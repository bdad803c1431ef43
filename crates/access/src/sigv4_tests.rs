//! Signatures: the vectors, an independent signer, and what must not pass.

use super::*;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SessionTokenMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign as sign_request,
};
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use std::time::{Duration, UNIX_EPOCH};

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2026-01-02T03:04:05Z
const NOW: Timestamp = Timestamp::from_ms(1_767_323_045_000);

fn authorization(service: &str, signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/20260102/us-east-1/{service}/aws4_request, \
         SignedHeaders={signed}, Signature={signature}"
    )
}

fn judged(request: &Request<'_>, secret: &str, service: &str, now: Timestamp) -> Result<(), SignatureFault> {
    verify(&parse(request)?, secret, service, now)
}

/// The request of the first known vector, with its parts open to change.
struct Vector {
    authorization: String,
    date: String,
    body: Vec<u8>,
    extra: Vec<(&'static str, &'static str)>,
}

fn vector() -> Vector {
    Vector {
        authorization: authorization(
            "sts",
            "content-type;host;x-amz-date",
            "fb729cbc9871622e26d15d798cd45bc77671ac3601246e0818074c8f91cde822",
        ),
        date: "20260102T030405Z".into(),
        body: b"Action=GetCallerIdentity&Version=2011-06-15".to_vec(),
        extra: Vec::new(),
    }
}

impl Vector {
    fn judged(&self, secret: &str, service: &str, now: Timestamp) -> Result<(), SignatureFault> {
        let mut headers = vec![
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("Host", "localhost:9229"),
            ("X-Amz-Date", &self.date),
            ("Authorization", &self.authorization),
        ];
        headers.extend(self.extra.iter().copied());
        let request = Request { method: "POST", path: "/", query: "", headers: &headers, body: &self.body };
        judged(&request, secret, service, now)
    }

    fn said(&self) -> SignatureFault {
        self.judged(SECRET, "sts", NOW).expect_err("a fault")
    }
}

#[test]
fn known_signatures_are_recognised() {
    assert_eq!(vector().judged(SECRET, "sts", NOW), Ok(()));
    let get = |path, query, token: Option<&str>, signed, signature| {
        let authorization = authorization("ses", signed, signature);
        let mut headers = vec![
            ("host", "localhost:9229"),
            ("x-amz-date", "20260102T030405Z"),
            ("authorization", authorization.as_str()),
        ];
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        judged(&Request { method: "GET", path, query, headers: &headers, body: b"" }, SECRET, "ses", NOW)
    };
    assert_eq!(
        get(
            "/v2/email/identities/user%40example.com",
            "",
            None,
            "host;x-amz-date",
            "d3cdea0b5e032d0d9a12b953426cbdc27437765005b73dd70debff440764a3da"
        ),
        Ok(())
    );
    assert_eq!(
        get(
            "/v2/email/suppression/addresses",
            "Reason=BOUNCE&Reason=COMPLAINT&PageSize=10",
            Some("SESSIONTOKENEXAMPLE"),
            "host;x-amz-date;x-amz-security-token",
            "6e720dc0021208ee85e216119d36b89a41861fa5c84549c6ec50f96a409242db"
        ),
        Ok(())
    );
}

#[test]
fn another_secret_or_body_makes_another_signature() {
    assert_eq!(vector().judged("other", "sts", NOW), Err(SignatureFault::Mismatch));
    let mut swapped = vector();
    swapped.body = b"Action=AssumeRole&Version=2011-06-15".to_vec();
    assert_eq!(swapped.said(), SignatureFault::Mismatch);
    let mut cut = vector();
    cut.authorization.pop();
    assert_eq!(cut.said(), SignatureFault::Mismatch);
}

#[test]
fn a_request_is_good_for_a_quarter_of_an_hour_either_way() {
    for (minutes, good) in [(-15, true), (15, true)] {
        let now = NOW.plus_ms(minutes * 60_000);
        assert_eq!(vector().judged(SECRET, "sts", now).is_ok(), good);
    }
    assert_eq!(
        vector().judged(SECRET, "sts", NOW.plus_ms(15 * 60_000 + 1)),
        Err(SignatureFault::Late(
            "Signature expired: 20260102T030405Z is now earlier than 20260102T030405Z (20260102T031905Z - 15 min.)"
                .into()
        ))
    );
    assert_eq!(
        vector().judged(SECRET, "sts", NOW.minus_ms(16 * 60_000)),
        Err(SignatureFault::Early(
            "Signature not yet current: 20260102T030405Z is still later than 20260102T030305Z \
             (20260102T024805Z + 15 min.)"
                .into()
        ))
    );
}

#[test]
fn a_signature_for_another_service_or_day_is_refused() {
    assert_eq!(
        vector().judged(SECRET, "iam", NOW),
        Err(SignatureFault::Scope("Credential should be scoped to correct service: 'iam'.".into()))
    );
    let mut other_day = vector();
    other_day.date = "20260103T030405Z".into();
    assert_eq!(
        other_day.said(),
        SignatureFault::Scope(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
             '20260102' != '20260103', from '20260103T030405Z'."
                .into()
        )
    );
}

#[test]
fn broken_headers_are_told_apart() {
    let said = |authorization: &str| {
        let mut vector = vector();
        vector.authorization = authorization.into();
        vector.said()
    };
    let incomplete = |words: &str| SignatureFault::Incomplete(words.into());
    assert_eq!(said("Basic eDp5"), incomplete("Unsupported AWS 'algorithm': 'Basic'."));
    assert_eq!(said(""), incomplete("Unsupported AWS 'algorithm': ''."));
    assert_eq!(
        said("AWS4-HMAC-SHA256 SignedHeaders=host, Signature=0"),
        incomplete("Authorization header requires 'Credential' parameter.")
    );
    assert_eq!(
        said("AWS4-HMAC-SHA256 Credential=a/b/c/d/e"),
        incomplete(
            "Authorization header requires 'Signature' parameter. Authorization header requires \
             'SignedHeaders' parameter."
        )
    );
    let mut undated = vector();
    undated.date = "yesterday".into();
    assert_eq!(
        undated.said(),
        incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    );
    let scope = |credential: &str| said(&authorization("sts", "host", "0").replace(KEY, credential));
    assert_eq!(
        scope("a/b"),
        SignatureFault::Scope(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, \
             got 'a/b/20260102/us-east-1/sts/aws4_request'"
                .into()
        )
    );
    assert_eq!(
        said(&authorization("sts", "host", "0").replace("us-east-1", "Nowhere!")),
        SignatureFault::Scope("Credential should be scoped to a valid region, not 'Nowhere!'.".into())
    );
    assert_eq!(
        said(&authorization("sts", "host", "0").replace("aws4_request", "aws5")),
        SignatureFault::Scope(
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'.".into()
        )
    );
}

#[test]
fn what_could_be_changed_on_the_way_must_be_signed() {
    let mut unsigned_host = vector();
    unsigned_host.authorization = authorization("sts", "content-type;x-amz-date", "0");
    assert!(matches!(unsigned_host.said(), SignatureFault::Scope(words) if words.starts_with("'Host'")));
    let mut added = vector();
    added.extra.push(("X-Amz-Target", "AWSCognitoIdentityProviderService.AdminDeleteUser"));
    assert!(matches!(added.said(), SignatureFault::Scope(words) if words.starts_with("'x-amz-target'")));
}

#[test]
fn an_unsigned_request_is_said_to_be_so() {
    let request = Request { method: "GET", path: "/", query: "a=b", headers: &[("host", "x")], body: b"" };
    assert_eq!(parse(&request).err(), Some(SignatureFault::Missing));
    assert!(!is_signed(&request));
    let request = Request { query: "X-Amz-Algorithm=AWS4-HMAC-SHA256", ..request };
    assert!(matches!(parse(&request).err(), Some(SignatureFault::Incomplete(_))));
}

#[test]
fn a_date_header_will_do() {
    let (signed_at, iso) = parse_http_date("Fri, 02 Jan 2026 03:04:05 GMT").expect("a date");
    assert_eq!((signed_at, iso.as_str()), (NOW, "20260102T030405Z"));
    assert!(parse_http_date("soon").is_none());
}

/// Signs with the independent signer; gives headers to add and the query string to use.
fn signed_by_sdk(
    method: &str,
    path: &str,
    query: &str,
    body: &[u8],
    token: Option<&str>,
    in_query: Option<u64>,
) -> (Vec<(String, String)>, String) {
    let credentials = Credentials::new(KEY, SECRET, token.map(str::to_owned), None, "test");
    let identity = credentials.into();
    let mut settings = SigningSettings::default();
    settings.session_token_mode = SessionTokenMode::Include;
    if let Some(expires_s) = in_query {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(expires_s));
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("ses")
        .time(UNIX_EPOCH + Duration::from_millis(NOW.ms() as u64))
        .settings(settings)
        .build()
        .expect("parameters")
        .into();
    let uri = format!("http://localhost:9320{path}{}{query}", if query.is_empty() { "" } else { "?" });
    let headers =
        [("host", "localhost:9320"), ("content-type", "application/json"), ("x-amz-meta", "a   b ")];
    let signable = SignableRequest::new(method, uri, headers.into_iter(), SignableBody::Bytes(body))
        .expect("a request that can be signed");
    let (instructions, _) = sign_request(signable, &params).expect("a signature").into_parts();
    let (added, params) = instructions.into_parts();
    let mut all: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.extend(added.iter().map(|header| (header.name().to_owned(), header.value().to_owned())));
    let mut query = query.to_owned();
    for (name, value) in params {
        let value = percent_encode(value.as_bytes(), ENCODED);
        query.push_str(&format!("{}{name}={value}", if query.is_empty() { "" } else { "&" }));
    }
    (all, query)
}

proptest! {
    #[test]
    fn what_an_independent_signer_signs_is_recognised_and_no_other(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "DELETE"]),
        segments in prop::collection::vec("[a-zA-Z0-9._~%=+@:!$*'()-]{0,8}", 0..5),
        pairs in prop::collection::vec(("[a-zA-Z0-9 ~&=+/é-]{1,6}", "[a-zA-Z0-9 *~&=+/é-]{0,6}"), 0..4),
        body in prop::collection::vec(any::<u8>(), 0..64),
        token in prop::option::of("[A-Za-z0-9+/=]{1,40}"),
        in_query in prop::option::of(1..=604_800_u64),
        late_ms in 0..900_000_i64,
    ) {
        let path = format!("/{}", segments
            .iter()
            .map(|segment| percent_encode(segment.as_bytes(), ENCODED).to_string())
            .filter(|segment| segment != "." && segment != "..")
            .collect::<Vec<_>>()
            .join("/"));
        let query = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name.as_bytes()), encode(value.as_bytes())))
            .collect::<Vec<_>>()
            .join("&");
        let (headers, query) = signed_by_sdk(method, &path, &query, &body, token.as_deref(), in_query);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = Request { method, path: &path, query: &query, headers: &headers, body: &body };
        let presented = parse(&request).expect("a signature that can be read");
        prop_assert_eq!(&presented.token, &token);
        let lives_ms = in_query.map_or(SKEW_MAX_MS, |seconds| seconds as i64 * 1000);
        let now = NOW.plus_ms(late_ms.min(lives_ms));
        prop_assert_eq!(verify(&presented, SECRET, "ses", now), Ok(()));
        prop_assert_eq!(verify(&presented, "another", "ses", now), Err(SignatureFault::Mismatch));
        let changed = [&body[..], b"x"].concat();
        let swapped = parse(&Request { body: &changed, ..request }).expect("readable");
        prop_assert_eq!(verify(&swapped, SECRET, "ses", now), Err(SignatureFault::Mismatch));
        let is_late = matches!(
            verify(&presented, SECRET, "ses", NOW.plus_ms(lives_ms + 1)),
            Err(SignatureFault::Late(_))
        );
        prop_assert!(is_late);
    }

    #[test]
    fn no_request_makes_the_parser_panic(
        path in "\\PC*", query in "\\PC*", name in "\\PC*", value in "\\PC*", date in "[0-9TZé]{0,17}",
    ) {
        for name in [name.as_str(), "authorization"] {
            let headers = [(name, value.as_str()), ("host", ""), ("x-amz-date", &date)];
            let request = Request { method: "GET", path: &path, query: &query, headers: &headers, body: b"" };
            let _ = parse(&request);
        }
        let query = format!("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={value}&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=0&X-Amz-Date={date}&{query}");
        let _ = parse(&Request { method: "GET", path: "/", query: &query, headers: &[], body: b"" });
    }
}

/// What we sign is what we accept, which the vectors above hold to what others sign.
#[test]
fn a_request_of_ours_is_signed_like_any_other() {
    let headers = [("host", "lambda.example.com:9001"), ("content-type", "application/json")];
    let request = Request {
        method: "POST",
        path: "/2015-03-31/functions/pre-sign-up/invocations",
        query: "Qualifier=live",
        headers: &headers,
        body: b"{}",
    };
    let key = SigningKey { access_key_id: KEY, secret: SECRET, region: "eu-west-1", service: "lambda" };
    let [authorization, date] = signature(&request, key, NOW).expect("a signature");
    let sent = [headers[0], headers[1], (authorization.0, &authorization.1), (date.0, &date.1)];
    let sent = Request { headers: &sent, ..request };
    assert!(judged(&sent, SECRET, "lambda", NOW).is_ok());
    assert!(judged(&sent, "another secret", "lambda", NOW).is_err());
    assert!(judged(&Request { body: b"[]", ..sent }, SECRET, "lambda", NOW).is_err());
}
